"""Delimited text: its encoding, its delimiter, its rows."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Callable
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from kpi_xl.locales import Message
from kpi_xl.sources import records, scripts
from kpi_xl.sources.records import (
    MOST_ROWS,
    SAVE_UTF_8,
    TOO_LARGE,
    TOO_MANY,
    Choice,
    Found,
    Progress,
    Unreadable,
    unused,
)

PIECE = 1 << 24  # bytes read at once, and more than any honest line has
ROWS_AT_ONCE, CELLS_AT_ONCE = 20_000, 2_000_000


def read_csv(path: Path, choose: Choice, table: str | None, progress: Progress) -> Found:
    """The columns that `choose` finds in the header of a text file. Raises Unreadable."""
    encoding, remarks = _encoding(path)
    size = path.stat().st_size or 1
    with path.open("rb") as packed, _unpacked(path, packed) as file:
        text = io.TextIOWrapper(file, encoding, newline="")
        delimiter, skipped = _delimiter(text.read(1 << 16))
        text.seek(0)
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        number = 0  # of the row read last
        try:
            headers: list[str] = []
            for number, row in enumerate(rows, start=1):
                if number > skipped and any(cell.strip() for cell in row):
                    headers = [cell.strip() for cell in row]
                    break
            if not headers:
                raise Unreadable(
                    Message("is empty: a row of column names is needed, and rows of data")
                )
            places = choose(headers)
            found = Found(headers, places, {name: [] for name in places}, number + 1)
            width = len(headers)
            while True:
                piece: list[list[str]] = []
                for row in islice(rows, min(ROWS_AT_ONCE, 1 + CELLS_AT_ONCE // width)):
                    piece.append(row)  # one by one, so that an error knows its row
                    number += 1
                if not piece:
                    break
                if set(map(len, piece)) != {width}:
                    start = number - len(piece) + 1
                    piece = [_evened(row, width, start + i) for i, row in enumerate(piece)]
                for name, place in places.items():
                    found.cells[name] += map(itemgetter(place), piece)
                if number - found.first > 2 * MOST_ROWS:  # even if half of them are blank
                    raise Unreadable(TOO_MANY)
                progress(min(packed.tell() / size, 1.0))
        except csv.Error as error:
            raise Unreadable(
                Message(
                    "cannot be read at row {number}, where a quotation mark is perhaps not"
                    " closed or not doubled ({reason})",
                    number=number + 1,
                    reason=error,
                )
            ) from None
        except UnicodeDecodeError:
            raise Unreadable(
                Message(
                    "has characters after row {number} that are not {encoding}: {todo}",
                    number=number,
                    encoding=encoding.upper(),
                    todo=SAVE_UTF_8,
                )
            ) from None
    found.remarks = remarks + unused(headers, places)
    return found


def _evened(row: list[str], width: int, number: int) -> list[str]:
    """The row, if it has its full width or is blank. Raises Unreadable for another."""
    if len(row) == width:
        return row
    if any(cell.strip() for cell in row):
        raise Unreadable(
            Message(
                "has {number} cells in row {other_number}, but {width} in its header:"
                " put text that holds the delimiter in quotation marks",
                number=len(row),
                other_number=number,
                width=width,
            )
        )
    return [""] * width


def _unpacked(path: Path, packed: BinaryIO) -> BinaryIO:
    if path.suffix.lower() == ".gz":
        return gzip.GzipFile(fileobj=packed)  # type: ignore[return-value]
    return packed


def _opened(path: Path) -> BinaryIO:
    """The bytes of the file, unpacked."""
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


LEGACY = {
    "gb18030": "GB18030 (Chinese)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "big5": "Big5 (traditional Chinese)",
    "cp949": "cp949 (Korean)",
    "shift_jis": "Shift-JIS (Japanese)",
    "cp1252": "Windows-1252 (Western)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1256": "Windows-1256 (Arabic, Persian)",
}
"""The encodings before Unicode that are looked for, and what people call them."""


def _encoding(path: Path) -> tuple[str, list[Message]]:
    """The file's encoding, and a remark on one that nothing in the file declares.

    Raises Unreadable for a file that is in none of those, or is no text.
    """
    with _opened(path) as file:
        piece = file.read(PIECE)
        encoding = "utf-8-sig"
        if piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        decoder = codecs.getincrementaldecoder(encoding)()
        size = 0
        while piece:
            size += len(piece)
            if size > records.LARGEST_FILE:
                raise Unreadable(TOO_LARGE)
            if encoding != "utf-16" and b"\0" in piece:
                raise Unreadable(
                    Message(
                        "has NUL bytes, so that it is no CSV file, is damaged, or is UTF-16"
                        " without its mark: {todo}",
                        todo=SAVE_UTF_8,
                    )
                )
            if len(piece) == PIECE and b"\n" not in piece and b"\r" not in piece:
                raise Unreadable(
                    Message("has a line of more than 16 MB, so that it is no CSV file")
                )
            following = file.read(PIECE)
            try:
                decoder.decode(piece, not following)
            except UnicodeDecodeError:
                if encoding == "utf-16":
                    raise Unreadable(
                        Message("is not the UTF-16 that it claims: {todo}", todo=SAVE_UTF_8)
                    ) from None
                break
            piece = following
        else:
            return encoding, []
    likely = likely_encodings(lambda: _opened(path))
    if len(likely) != 1:
        raise Unreadable(
            Message(
                "is not in UTF-8, and not surely in UTF-16, GB18030 (Chinese) or"
                " Windows-1251 (Cyrillic): {todo}",
                todo=SAVE_UTF_8,
            )
        )
    return likely[0], [Message("the text was read as {encoding}", encoding=LEGACY[likely[0]])]


def likely_encodings(opened: Callable[[], BinaryIO]) -> list[str]:
    """The encodings before Unicode in which a file's first lines are as people write.

    Of several that give the same text it is the first.
    """
    with opened() as file:
        telling = (line for line in iter(partial(file.readline, PIECE), b"") if not line.isascii())
        sample = b"".join(islice(telling, 5000))
    likely = {name: text for name in LEGACY if (text := scripts.well_read(sample, name))}
    if not likely:
        return scripts.mostly_latin(sample)
    alike: dict[str, str] = {}
    for name, text in likely.items():
        alike.setdefault(text, name)
    return list(alike.values())


def _delimiter(start: str) -> tuple[str, int]:
    """The delimiter that splits the header, and how many rows come before (Excel's sep=)."""
    if stated := re.match(r'"?sep=(.)"?(\r\n|\n|\r)', start):
        return stated[1], 1
    widths = {}
    for delimiter in ",;\t":
        rows = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter)
        widths[delimiter] = len(next((row for row in rows if any(map(str.strip, row))), []))
    widest = max(widths.values())
    likely = [delimiter for delimiter, width in widths.items() if width == widest]
    if widest > 1 and len(likely) > 1:
        raise Unreadable(
            Message(
                "has as many commas as semicolons or tabs in its header: put the names"
                " of columns in quotation marks"
            )
        )
    return likely[0], 0
