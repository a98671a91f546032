"""Budgets of workbooks from outside, checked before a parser sees what it could not bear.

They grow with the file, for an honest one of a million rows is large, and one of a few kilobytes is
not. Parsers hold a sheet as a rectangle: a cell far away costs as much as a million cells, unless
it is found beforehand.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_xl import bounded
from kpi_xl.locales import Message
from kpi_xl.ooxml.addresses import LAST_COLUMN, Area, column_letters
from kpi_xl.ooxml.errors import NotAWorkbookError

if TYPE_CHECKING:
    from kpi_xl.ooxml.sheet import SheetXml

UNPACKED = 64 << 20  # bytes that any workbook may unpack to
RATIO = 100  # or this many times its size; Excel's sheets come to some 10, repetitive ones to 50
MOST_UNPACKED = 4 << 30
SMALL_PART = 32 << 20  # bytes of a part that is no sheet and holds no texts
RECTANGLE = 8_000_000  # cells that a sheet may span, filled or not
PER_CELL = 16  # or this many for each that it has
LONGEST_FORMULA = 16_384  # characters: Excel's 8,192, and the prefixes that a file has
SIGNS = re.compile(r"(?:[-+@]\s*){256}")
DEEPEST_FORMULA = 256  # brackets in brackets; Excel nests functions 64 deep

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
GROWS = re.compile(r"(^|/)(worksheets/|sharedStrings|media/|calcChain|pivotCache/)", re.IGNORECASE)
"""The parts that are as large as the data."""

FAULTS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    # of missing entries, of numbers that are none, of XML, of what zipfile does not do
    *(LookupError, ValueError, ArithmeticError, SyntaxError, RuntimeError, StopIteration),
)
"""What Python's readers of archives, XML and numbers raise over broken bytes."""


DAMAGED = Message("it is damaged")


@contextmanager
def faults(what: Message = DAMAGED) -> Iterator[None]:
    """Where the bytes of a file are taken apart: whatever is wrong with them is one sentence."""
    try:
        yield
    except NotAWorkbookError:
        raise
    except FAULTS as error:
        raise NotAWorkbookError("{what} ({reason})", what=what, reason=_reason(error)) from None


NO_PART = re.compile(r"There is no item named '(.*)' in the archive")
"""What zipfile says of a part that is missing; without a name it is the workbook's own."""


def _reason(error: BaseException) -> str:
    if isinstance(error, StopIteration):
        return Message("a part is missing")
    if isinstance(error, KeyError):
        part = NO_PART.search(str(error))
        name = (part[1] or "xl/workbook.xml") if part else bounded.short(error)
        return Message("{name} is missing", name=name)
    return bounded.short(error)


@contextmanager
def opened(file: bytes | Path) -> Iterator[zipfile.ZipFile]:
    """A workbook's archive, whose directory is within the budget. Raises NotAWorkbookError.

    What goes wrong over its bytes inside is one, too.
    """
    size = len(file) if isinstance(file, bytes) else file.stat().st_size
    with (
        faults(Message("it is not an .xlsx workbook, or it is damaged")),
        zipfile.ZipFile(io.BytesIO(file) if isinstance(file, bytes) else file) as package,
    ):
        check_directory(package, size)
        yield package


def check_directory(package: zipfile.ZipFile, size: int) -> None:
    """Pass, or raise NotAWorkbookError, for what an archive of so many bytes says of its parts."""
    most = min(MOST_UNPACKED, max(UNPACKED, RATIO * size))
    most = round(most * bounded.factor())
    seen: set[str] = set()
    unpacked = packed = 0
    for part in package.infolist():
        name = part.filename[:100]
        if part.flag_bits & 1:
            raise NotAWorkbookError(
                "its part {name} is encrypted: save it in Excel without a password", name=name
            )
        if part.compress_type not in (STORED, DEFLATED):
            raise NotAWorkbookError(
                "its part {name} is packed in a way that workbooks do not use (method"
                " {compress_type}): open it in Excel and save it",
                name=name,
                compress_type=part.compress_type,
            )
        if part.filename.lower() in seen:
            raise NotAWorkbookError("it is damaged (it has the part {name} twice)", name=name)
        seen.add(part.filename.lower())
        unpacked += part.file_size
        packed += part.compress_size
        if part.file_size > SMALL_PART and not GROWS.search(part.filename):
            raise NotAWorkbookError(
                "its part {name} unpacks to {unpacked}, too much for what it is",
                name=name,
                unpacked=_megabytes(part.file_size),
            )
    if packed > size:
        raise NotAWorkbookError("it is damaged (its parts overlap)")
    if unpacked > most / bounded.factor() * bounded.LARGEST:
        raise NotAWorkbookError(
            "it unpacks to {unpacked}, too much for a workbook", unpacked=_megabytes(unpacked)
        )
    if unpacked > most:
        raise NotAWorkbookError(
            "it unpacks to {unpacked}, and a file of {packed} may unpack to {most}; where"
            " you trust it, {setting} allows it",
            unpacked=_megabytes(unpacked),
            packed=_megabytes(size),
            most=_megabytes(most),
            setting=bounded.setting(ceil(unpacked / most)),
        )


def _megabytes(size: int) -> str:
    return f"{max(1, round(size / 2**20)):,} MB"


def check_sizes(package: zipfile.ZipFile) -> None:
    """Pass, or raise NotAWorkbookError, for parts that are not as long as the directory says.

    For parsers that unpack them by themselves, and would go on to the end.
    """
    for part in package.infolist():
        what = Message("its part {name} is damaged", name=part.filename[:100])
        with faults(what), package.open(part) as file:
            while file.read(1 << 20):
                pass


SPREAD = (
    "it has {cells} cells, but they stand so far apart that they span {size}, over {rows} rows and"
    " to column {column}: delete what stands far from the data"
)
SPREAD_BY_TABLE = (
    "it has {cells} cells, but they with its table stand so far apart that they span {size}, over"
    " {rows} rows and to column {column}: delete what stands far from the data"
)


def check_rectangle(sheet: "SheetXml", table: Area | None = None) -> None:
    """Pass, or raise NotAWorkbookError, for a sheet that spans far more cells than it has.

    Or for one with a table that does.
    """
    xml, end = sheet.xml, sheet.end
    if not sheet.places:
        return
    start = sheet.places[0]
    cells = xml.count(b"<c", start, end)
    # As everybody writes them, which is found ten times as fast as other forms.
    usual = cells == xml.count(b'<c r="', start, end) and not xml.count(b":c", start, end)
    if not usual:
        cells += xml.count(b":c", start, end)
    sign = b'<c r="' if usual else rb"\sr\s*=\s*[\"']\s*"
    rows = sheet.numbers[-1] - sheet.numbers[0] + 1
    column = _last_column(xml, sign, start, end, rows, cells)
    if not usual:  # a cell without an address follows the one before it
        column = max(column, *(xml.count(b"c", *row) for row in pairwise((*sheet.places, end))))
        column = min(column, LAST_COLUMN)
    text, size = SPREAD, rows * column
    if table and (table.bottom - table.top + 1) * (table.right - table.left + 1) > size:
        rows, column = table.bottom - table.top + 1, table.right
        text, size = SPREAD_BY_TABLE, rows * (table.right - table.left + 1)
    if size > _most(cells):
        raise NotAWorkbookError(
            text, cells=cells, size=size, rows=rows, column=column_letters(column)
        )


def _most(cells: int) -> int:
    return round(max(RECTANGLE, PER_CELL * cells) * bounded.factor())


def _last_column(xml: bytes, sign: bytes, start: int, end: int, rows: int, cells: int) -> int:
    """The last column that a cell's address names, or one after it that does no harm.

    Not one by one, for there may be millions: each question ends at the first that is beyond.
    Raises NotAWorkbookError for a column that no sheet has.
    """

    def any_from(number: int) -> bool:
        return bool(re.compile(sign + _from(number)).search(xml, start, end))

    low, high = 1, LAST_COLUMN
    if any_from(27):
        if any_from(LAST_COLUMN + 1):
            raise NotAWorkbookError("a cell is outside of its sheet, in a column beyond XFD")
        low = 27
    else:
        high = 26
    while low < high and rows * high > _most(cells):
        middle = (low + high + 1) // 2
        if any_from(middle):
            low = middle
        else:
            high = middle - 1
    return high


def _from(number: int) -> bytes:
    """A pattern of the letters of this column, or of one after it."""
    letters = "XFE" if number > LAST_COLUMN else column_letters(number)
    forms = [rf"[A-Za-z]{{{len(letters) + 1},}}", "".join(map(_either, letters))]
    for place, letter in enumerate(letters):
        if letter != "Z":
            after = chr(ord(letter) + 1)
            beyond = f"[{after}-Z{after.lower()}-z]"
            rest = rf"[A-Za-z]{{{len(letters) - place - 1}}}"
            forms.append("".join(map(_either, letters[:place])) + beyond + rest)
    return rf"(?:{'|'.join(forms)})\d".encode()


def _either(letter: str) -> str:
    return f"[{letter}{letter.lower()}]"


FORMULA = r"(?:<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>))?"


def check_texts(sheet: "SheetXml", texts: int) -> None:
    """Pass, or raise NotAWorkbookError, for cells with a text that none of so many shared ones is.

    Readers take the first of them instead.
    """
    last = str(texts - 1)
    forms = [rf"\d{{1,{len(last) - 1}}}", last] if texts else []
    for place, digit in enumerate(last) if texts else ():
        if digit > "0":
            rest = rf"\d{{{len(last) - place - 1}}}"
            forms.append(f"{last[:place]}[0-{int(digit) - 1}]{rest}")
    known = "|".join(forms if len(last) > 1 else forms[1:]) or "(?!)"
    for quote in ('"', "'"):
        if sheet.xml.find(f"t={quote}s{quote}".encode(), sheet.start, sheet.end) < 0:
            continue
        value = r"\s*<(?:\w+:)?v(?:\s[^>]*)?>\s*+"
        cell = rf"t={quote}s{quote}[^>]*>\s*{FORMULA}{value}(?!(?:{known})\s*<)([^<]*)"
        found = re.compile(cell.encode()).search(sheet.xml, sheet.start, sheet.end)
        if found:
            number = found[1][:20].decode("utf-8", "replace")
            raise NotAWorkbookError(
                'it is damaged (a cell has the shared text "{number}", and there are {texts})',
                number=number,
                texts=texts,
            )


def check_formula(text: str, where: Callable[[], str]) -> None:
    """Pass, or raise NotAWorkbookError, for a formula too long or too deep for Excel."""
    if len(text) > LONGEST_FORMULA:
        raise NotAWorkbookError(
            "the formula of {where} has {number} characters, and Excel takes 8,192",
            where=where(),
            number=len(text),
        )
    if SIGNS.search(text):
        raise NotAWorkbookError(
            "the formula of {where} has hundreds of signs in a row", where=where()
        )
    if text.count("(") + text.count("{") <= DEEPEST_FORMULA:
        return
    depth = deepest = 0
    for sign in re.sub(r'"[^"]*"|[^(){}]', "", text):
        depth += 1 if sign in "({" else -1
        deepest = max(deepest, depth)
    if deepest > DEEPEST_FORMULA:
        raise NotAWorkbookError(
            "the formula of {where} has brackets {deepest} deep, and Excel nests 64 functions",
            where=where(),
            deepest=deepest,
        )


def reading(size: int) -> bounded.Budget:
    """What a child may take to read a file of so many bytes. Raises BudgetError."""
    return _scaled(768 << 20, 64, 8.0, 20.0, size)


def computing(size: int) -> bounded.Budget:
    """The same, to compute a workbook."""
    return _scaled(896 << 20, 160, 60.0, 60.0, size)


def _scaled(
    memory: int, per_byte: int, seconds: float, per_megabyte: float, size: int
) -> bounded.Budget:
    factor = bounded.factor()
    return bounded.Budget(
        round(factor * (memory + per_byte * size)),
        factor * (seconds + per_megabyte * size / 2**20),
    )
