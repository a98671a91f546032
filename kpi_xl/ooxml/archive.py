"""Zip archives in which some members are replaced and all else stays, to the byte.

Python's zipfile can only write an archive anew, which would compress every member once more.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

ELSEWHERE = 0xFFFFFFFF  # in place of a number that stands in a field of 64 bits
SIZED_LATER = 1 << 3  # the flag of a member whose sizes follow its data
LARGE = 1 << 24  # bytes, beyond which a member is packed fast rather than tightly


def with_members(content: bytes, changed: Mapping[str, bytes]) -> bytes:
    """The archive with the contents of some members replaced.

    Each keeps its place, name, date and attributes; all other members keep their compressed bytes.
    """
    if not changed:
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        directory = archive.start_dir
    in_place = sorted(members, key=lambda member: member.header_offset)
    ends = [*(member.header_offset for member in in_place[1:]), directory]
    out = bytearray(content[: in_place[0].header_offset])
    shifts: dict[int, int] = {}  # of each member, by the old place of its header
    sizes: dict[int, bytes] = {}  # checksum and sizes of the new ones
    for member, end in zip(in_place, ends, strict=True):
        start = member.header_offset
        shifts[start] = len(out) - start
        if member.filename not in changed:
            out += content[start:end]
            continue
        data = changed[member.filename]
        level = 1 if len(data) > LARGE else zlib.Z_DEFAULT_COMPRESSION
        compressor = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
        packed = compressor.compress(data) + compressor.flush()
        sizes[start] = struct.pack("<3L", zlib.crc32(data), len(packed), len(data))
        out += _with_sizes(content[start:end], 6, sizes[start], 26, 30) + packed
    new_directory, place = len(out), directory
    for member in members:
        name, extra, comment = struct.unpack_from("<3H", content, place + 28)
        entry = content[place : (place := place + 46 + name + extra + comment)]
        start = member.header_offset
        entry = _moved(entry, shifts[start])
        if start in sizes:
            text = entry[46 + name + extra :]
            entry = _with_sizes(entry, 8, sizes[start], 28, 46) + text
        out += entry
    return bytes(out) + _end(content[place:], new_directory - directory, len(out) - place)


def _with_sizes(header: bytes, flags_at: int, sizes: bytes, lengths_at: int, fixed: int) -> bytes:
    """A header, down to its extra fields, of a member with other sizes, which fit in 32 bits."""
    (flags,) = struct.unpack_from("<H", header, flags_at)
    name, extra = struct.unpack_from("<2H", header, lengths_at)
    fields = _without_zip64(header[fixed + name : fixed + name + extra])
    out = bytearray(header[: fixed + name])
    struct.pack_into("<2H", out, flags_at, flags & ~SIZED_LATER, zipfile.ZIP_DEFLATED)
    out[flags_at + 8 : flags_at + 20] = sizes
    struct.pack_into("<H", out, lengths_at + 2, len(fields))
    return bytes(out) + fields


def _without_zip64(fields: bytes) -> bytes:
    kept = b""
    while len(fields) >= 4:
        kind, length = struct.unpack_from("<2H", fields)
        kept += fields[: 4 + length] if kind != 1 else b""
        fields = fields[4 + length :]
    return kept + fields


def _moved(entry: bytes, shift: int) -> bytes:
    """An entry of the directory for a member that begins elsewhere."""
    packed, size, name, extra = struct.unpack_from("<2L2H", entry, 20)
    (start,) = struct.unpack_from("<L", entry, 42)
    if start != ELSEWHERE:
        return _added(entry, 42, "<L", shift)
    place = 46 + name
    while place < 46 + name + extra:
        kind, length = struct.unpack_from("<2H", entry, place)
        if kind == 1:  # the numbers of 64 bits, in this order, as far as they are needed
            return _added(entry, place + 4 + 8 * [packed, size].count(ELSEWHERE), "<Q", shift)
        place += 4 + length
    raise zipfile.BadZipFile("a member has no place")


def _end(rest: bytes, shift: int, end_shift: int) -> bytes:
    """What follows the directory, where the directory begins and ends elsewhere."""
    grown = end_shift - shift
    if rest.startswith(b"PK\6\6"):
        rest = _added(_added(rest, 40, "<Q", grown), 48, "<Q", shift)
        rest = _added(rest, rest.index(b"PK\6\7") + 8, "<Q", end_shift)
    last = rest.rindex(b"PK\5\6")
    for offset, change in ((12, grown), (16, shift)):
        if struct.unpack_from("<L", rest, last + offset)[0] != ELSEWHERE:
            rest = _added(rest, last + offset, "<L", change)
    return rest


def _added(record: bytes, place: int, form: str, change: int) -> bytes:
    """A record with something added to one of its numbers."""
    out = bytearray(record)
    struct.pack_into(form, out, place, struct.unpack_from(form, record, place)[0] + change)
    return bytes(out)
