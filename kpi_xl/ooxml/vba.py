"""VBA source code as a vbaProject.bin, which Excel compiles when it opens it.

The forms are Microsoft's: [MS-OVBA] has the project and its compression, [MS-CFB] the compound file
around it. The project holds source code alone and no compiled code, so Excel of every version and
bitness compiles it anew. The same sources give the same bytes.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, Union

CHUNK = 4096  # bytes, which are compressed by themselves
CODE_PAGE = 1252

PROJECT_ID = "{6B7A1D52-0C1E-4E57-9D0F-6B70695F786C}"
NO_COMPILED_CODE = bytes.fromhex("CC61FFFF000000")
WORKBOOK, SHEET = (f"{{000208{kind}-0000-0000-C000-000000000046}}" for kind in ("19", "20"))
CLASS = "{FCFB3D2A-A0FA-1068-A738-08002B3371B5}"
LIBRARIES = {
    "stdole": r"*\G{00020430-0000-0000-C000-000000000046}#2.0#0#"
    r"C:\Windows\System32\stdole2.tlb#OLE Automation",
    "Office": r"*\G{2DF8D04C-5BFA-101B-BDE5-00AA0044DE52}#2.0#0#"
    r"C:\Program Files\Common Files\Microsoft Shared\OFFICE16\MSO.DLL"
    "#Microsoft Office 16.0 Object Library",
}


class Module(NamedTuple):
    """A module: its name and source. The workbook and each of its sheets have one, too."""

    kind: Literal["workbook", "sheet", "module", "class"]
    name: str
    source: str = ""

    @property
    def text(self) -> bytes:
        """The source as a project stores it, with the attributes that tell its kind."""
        lines = [f'Attribute VB_Name = "{self.name}"']
        if self.kind != "module":
            document = self.kind != "class"
            base = {"workbook": WORKBOOK, "sheet": SHEET, "class": CLASS}[self.kind]
            lines.append(f'Attribute VB_Base = "0{base}"')
            lines += [
                f"Attribute VB_{attribute} = {value}"
                for attribute, value in (
                    *(("GlobalNameSpace", False), ("Creatable", False)),
                    *(("PredeclaredId", document), ("Exposed", document)),
                    *(("TemplateDerived", False), ("Customizable", document)),
                )
            ]
        source = "\n".join([*lines, self.source.rstrip("\n"), ""])
        return source.replace("\n", "\r\n").encode("ascii")  # of which all code pages are


def project(name: str, modules: Iterable[Module]) -> bytes:
    """A vbaProject.bin. The workbook's module comes first, then its sheets' in their order.

    Sources are ASCII: what is in other scripts belongs into cells. Raises UnicodeEncodeError.
    """
    modules = tuple(modules)
    streams: dict[str, bytes] = {module.name: compressed(module.text) for module in modules}
    streams["_VBA_PROJECT"] = NO_COMPILED_CODE
    streams["dir"] = compressed(_directory(name, modules))
    names = b"".join(
        module.name.encode() + b"\0" + f"{module.name}\0".encode("utf-16-le") for module in modules
    )
    return compound_file(
        {"VBA": streams, "PROJECT": _properties(name, modules), "PROJECTwm": names + b"\0\0"}
    )


# The project's own streams


def _directory(name: str, modules: tuple[Module, ...]) -> bytes:
    """The `dir` stream: code page, references, and where each module is."""
    fields = [
        *((0x01, _long(1)), (0x02, _long(0x409)), (0x14, _long(0x409))),  # Windows, in English
        *((0x03, struct.pack("<H", CODE_PAGE)), (0x04, name.encode())),
        *((0x05, b""), (0x40, b""), (0x06, b""), (0x3D, b"")),  # no description, no help file
        *((0x07, _long(0)), (0x08, _long(0))),
    ]
    out = [_record(*field) for field in fields]
    out.append(struct.pack("<HLLH", 0x09, 4, 1361024421, 6))  # versions, whose size is not theirs
    out += [_record(0x0C, b""), _record(0x3C, b"")]
    for library, path in LIBRARIES.items():
        out += _both(0x16, 0x3E, library)
        out.append(_record(0x0D, _long(len(path)) + path.encode() + bytes(6)))
    out += [_record(0x0F, struct.pack("<H", len(modules))), _record(0x13, b"\xff\xff")]
    for module in modules:
        out += [*_both(0x19, 0x47, module.name), *_both(0x1A, 0x32, module.name)]
        out += [*_both(0x1C, 0x48, ""), _record(0x31, _long(0))]  # the source begins at once
        out += [_record(0x1E, _long(0)), _record(0x2C, b"\xff\xff")]
        out += [_record(0x21 if module.kind == "module" else 0x22, b""), _record(0x2B, b"")]
    return b"".join([*out, _record(0x10, b"")])


def _properties(name: str, modules: tuple[Module, ...]) -> bytes:
    """The `PROJECT` stream: the list of modules, and that nobody needs a password."""
    kinds = {"workbook": "Document={}/&H00000000", "module": "Module={}", "class": "Class={}"}
    lines = [f'ID="{PROJECT_ID}"']
    lines += [kinds.get(m.kind, kinds["workbook"]).format(m.name) for m in modules]
    lines += [f'Name="{name}"', 'HelpContextID="0"', 'VersionCompatible32="393222000"']
    lines += [f'CMG="{_masked(bytes(4), 0xA7)}"', f'DPB="{_masked(bytes(1), 0xA2)}"']
    lines += [f'GC="{_masked(bytes([0xFF]), 0x9D)}"', "", "[Host Extender Info]"]
    lines += ["&H00000001={3832D640-CF90-11CF-8E43-00A0C911005A};VBE;&H00000000", "", "[Workspace]"]
    lines += [f"{module.name}=0, 0, 0, 0, C" for module in modules]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _masked(data: bytes, seed: int) -> str:
    """Data as [MS-OVBA] 2.4.3.2 masks it: who may see and change the project."""
    key = sum(PROJECT_ID.encode()) & 0xFF
    out = [seed, seed ^ 2, seed ^ key]
    plain, last, before = key, out[2], out[1]
    for byte in bytes((seed & 6) // 2) + _long(len(data)) + data:
        out.append(byte ^ (before + plain & 0xFF))
        plain, last, before = byte, out[-1], last
    return bytes(out).hex().upper()


def _long(number: int) -> bytes:
    return struct.pack("<L", number)


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HL", kind, len(data)) + data


def _both(kind: int, wide: int, text: str) -> list[bytes]:
    """A text in the code page, and again in Unicode."""
    return [_record(kind, text.encode()), _record(wide, text.encode("utf-16-le"))]


# Compression: [MS-OVBA] 2.4.1


def compressed(data: bytes) -> bytes:
    """Data as a VBA project stores it.

    Raises ValueError for what the format cannot hold: less than a chunk that does not shrink.
    """
    out = bytearray(b"\x01")
    for start in range(0, len(data), CHUNK):
        chunk = data[start : start + CHUNK]
        packed = _packed(chunk)
        if len(packed) <= CHUNK:
            out += struct.pack("<H", 0xB000 | len(packed) - 1) + packed
        elif len(chunk) == CHUNK:
            out += struct.pack("<H", 0x3FFF) + chunk
        else:
            raise ValueError(f"{len(chunk)} bytes at {start} do not shrink, and fill no chunk")
    return bytes(out)


def _packed(chunk: bytes) -> bytes:
    """A chunk as bytes and references to bytes before them, in groups of eight under flags."""
    out = bytearray()
    place = 0
    while place < len(chunk):
        flags_at = len(out)
        out.append(0)
        for bit in range(8):
            if place == len(chunk):
                break
            bits = 16 - max((place - 1).bit_length(), 4) if place else 4  # those of the length
            offset, length = _match(chunk, place, (1 << bits) + 2)
            if length:
                out[flags_at] |= 1 << bit
                out += struct.pack("<H", offset - 1 << bits | length - 3)
                place += length
            else:
                out.append(chunk[place])
                place += 1
    return bytes(out)


def _match(chunk: bytes, place: int, longest: int) -> tuple[int, int]:
    """How far back, and how long, the longest bytes are that were there before; 0 for none."""
    start, length = 0, 2
    while length < min(longest, len(chunk) - place):
        found = chunk.find(chunk[place : place + length + 1], start, place + length)
        if found < 0:
            break
        start, length = found, length + 1
        while length < min(longest, len(chunk) - place) and (
            chunk[start + length] == chunk[place + length]
        ):
            length += 1
    return (place - start, length) if length > 2 else (0, 0)


# The compound file: [MS-CFB], version 3

SECTOR, SMALL_SECTOR, SMALL = 512, 64, 4096  # a stream below SMALL bytes lives in small sectors
NONE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
IN_HEADER = 109  # sectors of the table of sectors, which the header has room for
STORAGE, STREAM, ROOT = 1, 2, 5
RED, BLACK = 0, 1

Tree = Mapping[str, Union[bytes, "Tree"]]


class StreamEntry:
    """A stream or storage, with its place in the tree of its siblings."""

    def __init__(self, name: str, kind: int, data: bytes = b"") -> None:
        self.name, self.kind, self.data = name, kind, data
        self.colour, self.left, self.right, self.child = BLACK, NONE, NONE, NONE
        self.start, self.size = (END, len(data)) if kind == STREAM else (0, 0)

    def packed(self) -> bytes:
        """The 128 bytes of the directory."""
        name = f"{self.name}\0".encode("utf-16-le")
        numbers = (self.kind, self.colour, self.left, self.right, self.child)
        head = struct.pack("<64sH2B3L", name, len(name), *numbers)
        return head + bytes(36) + struct.pack("<LQ", self.start, self.size)


def compound_file(tree: Tree) -> bytes:
    """A compound file: streams by name, and storages, which are trees of their own."""
    entries = [StreamEntry("Root Entry", ROOT)]
    entries[0].child = _entered(tree, entries)
    sectors, table = bytearray(), list[int]()
    small, small_table = bytearray(), list[int]()
    for entry in entries:
        if entry.data:
            allocation = (small, small_table, SMALL_SECTOR) if entry.size < SMALL else None
            entry.start = _stored(entry.data, *(allocation or (sectors, table, SECTOR)))
    entries[0].start = _stored(bytes(small), sectors, table, SECTOR) if small else END
    entries[0].size = len(small)
    links = _filled(b"".join(map(_long, small_table)))
    small_start = _stored(links, sectors, table, SECTOR) if links else END
    empty = struct.pack("<66xH3L48x", 0, NONE, NONE, NONE)
    directory = b"".join(entry.packed() for entry in entries) + empty * (-len(entries) % 4)
    directory_start = _stored(directory, sectors, table, SECTOR)
    size = 1
    while size * SECTOR // 4 < len(table) + size:
        size += 1
    if size > IN_HEADER:
        raise ValueError("a VBA project of more than 7 MB")
    places = [len(table) + number for number in range(size)]
    header = struct.pack(
        "<8s16x5H6x9L",
        bytes.fromhex("D0CF11E0A1B11AE1"),
        *(0x3E, 3, 0xFFFE, SECTOR.bit_length() - 1, SMALL_SECTOR.bit_length() - 1),
        *(0, size, directory_start, 0, SMALL, small_start, len(links) // SECTOR, END, 0),
    )
    header += b"".join(map(_long, [*places, *[NONE] * (IN_HEADER - size)]))
    return header + bytes(sectors) + _filled(b"".join(map(_long, [*table, *[TABLE] * size])))


def _entered(tree: Tree, entries: list[StreamEntry]) -> int:
    """Enter a storage's content; the root of the binary tree of its names."""
    numbers = []
    for name, content in sorted(tree.items(), key=lambda item: (len(item[0]), item[0].upper())):
        numbers.append(len(entries))
        if isinstance(content, bytes):
            entries.append(StreamEntry(name, STREAM, content))
        else:
            entries.append(StreamEntry(name, STORAGE))
            entries[numbers[-1]].child = _entered(content, entries)
    return _balanced(numbers, entries, (len(numbers) + 1).bit_length() - 1)


def _balanced(numbers: list[int], entries: list[StreamEntry], full_levels: int) -> int:
    """A red-black tree of sorted entries: all are black but those of the last, unfilled level."""
    if not numbers:
        return NONE
    middle = len(numbers) // 2
    entry = entries[numbers[middle]]
    entry.colour = BLACK if full_levels > 0 else RED
    entry.left = _balanced(numbers[:middle], entries, full_levels - 1)
    entry.right = _balanced(numbers[middle + 1 :], entries, full_levels - 1)
    return numbers[middle]


def _stored(data: bytes, sectors: bytearray, table: list[int], size: int) -> int:
    """Append data in sectors of a size, each linked to the next; the first one's number."""
    first = len(table)
    sectors += data + bytes(-len(data) % size)
    table += range(first + 1, len(sectors) // size)
    table.append(END)
    return first


def _filled(table: bytes) -> bytes:
    """A table of sectors, filled up to whole sectors."""
    return table + b"\xff" * (-len(table) % SECTOR)
