"""What is in a file: pages of rows, wherever they are packed and however they are written.

A page is a sheet of a workbook, or a text under one encoding and delimiter. Nothing is decided
here on what the rows mean: the page on which a layout is recognised is the one that is read.
"""

import codecs
import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from kpi_xl import bounded
from kpi_xl.exports.options import BOOKS
from kpi_xl.files import kind
from kpi_xl.locales import Message
from kpi_xl.ooxml import limits
from kpi_xl.reference import did_you_mean
from kpi_xl.sources import SourceError, columns_of, headers_of, records
from kpi_xl.sources.records import SAVE_UTF_8, TOO_LARGE

HEAD = 1 << 16  # bytes of a text in which a header is looked for
ENCODINGS = ("cp1251", "gb18030", "big5", "cp949", "shift_jis", "cp1252", "cp1250", "cp1256")
"""Encodings before Unicode, in the order of trying; what is recognised in them decides."""

DELIMITERS = ",;\t|"
TEXTS, PACKED = (".csv", ".tsv", ".txt"), ".zip"
PIECE = 20_000  # rows


class Opener(NamedTuple):
    """A file, or a member of an archive, that can be opened as often as needed.

    `reader` reads one whose columns have kinds, by its columns: Parquet, a table of a database.
    """

    name: str
    path: Path
    open: Callable[[], BinaryIO]
    size: int
    reader: records.Reader | None = None


class SourcePage(NamedTuple):
    """The rows of a file, as they are in one reading of it.

    `rows` gives all of them, in pieces; `at` says where a cell is, from its row and column. Of
    columns that have kinds `only` gives the rows with the cells of some, and blanks for the others;
    `found` has then what the reader says of them, each under its number. `hidden` are rows that a
    spreadsheet program does not show, `merged` the first and last row and column of its cells that
    are one, `signs` the rows of each column whose numbers it shows with a sign, all from 1.
    `loses_errors`: what is read as blank may be an error of Excel's.
    """

    opener: Opener
    title: str
    encoding: str
    head: list[list[Any]]
    rows: Callable[[], Iterator[list[list[Any]]]]
    at: Callable[[int, int], str] = lambda row, column: ""
    only: Callable[[Iterable[int]], Iterator[list[list[Any]]]] | None = None
    found: Sequence[records.Found] = ()
    hidden: Sequence[int] = ()
    merged: Sequence[tuple[int, int, int, int]] = ()
    signs: Mapping[int, Mapping[str, Sequence[int]]] = {}
    loses_errors: bool = False


def openers(path: Path) -> list[Opener]:
    """The files that a path stands for: itself, or what is packed in it. Raises SourceError."""
    if what := kind(path):
        raise SourceError(Message("{path} is {what}, and no file", path=path, what=what))
    if path.suffix.lower() == PACKED:
        return _members(path)
    size = path.stat().st_size
    if path.suffix.lower() == ".gz":
        _check_unpacked(path, size, path.stat().st_mtime_ns)
        name = path.with_suffix("").name
        return [Opener(name, path, lambda: gzip.open(path), size)]  # type: ignore[arg-type, return-value]
    return [Opener(path.name, path, lambda: path.open("rb"), size)]


@lru_cache(maxsize=64)
def _check_unpacked(path: Path, size: int, _: int) -> None:
    """Pass, or raise SourceError, for a file that unpacks to far more than a table would."""
    most = round(max(limits.UNPACKED, limits.RATIO * size) * bounded.factor())
    unpacked = 0
    with readable(path), gzip.open(path) as file:
        while piece := file.read(1 << 20):
            unpacked += len(piece)
            if unpacked > most:
                raise SourceError(
                    Message(
                        "{path} unpacks to more than {most} MB, too much for a table of its"
                        " size; where you trust it, {setting} allows four times as much",
                        path=path,
                        most=most >> 20,
                        setting=bounded.setting(),
                    )
                )


def _members(path: Path) -> list[Opener]:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [one for one in archive.infolist() if not one.is_dir()]
    except zipfile.BadZipFile:
        raise SourceError(Message("{path} is damaged: it cannot be unpacked", path=path)) from None
    inside = [
        one
        for one in inside
        if not one.filename.startswith("__MACOSX/")
        and Path(one.filename).suffix.lower() in (*TEXTS, *BOOKS)
    ]
    if not inside:
        raise SourceError(
            Message("{path} has no table in it: no .csv, .xlsx or the like", path=path)
        )
    if sum(one.file_size for one in inside) > records.LARGEST_FILE:
        raise SourceError(Message("{path} {fault}", path=path, fault=TOO_LARGE))
    if any(one.flag_bits & 1 for one in inside):
        raise SourceError(
            Message("{path} has a password: unpack it, and name the files in it", path=path)
        )

    def opened(name: str) -> BinaryIO:
        with zipfile.ZipFile(path) as archive:
            return io.BytesIO(archive.read(name))

    return [
        Opener(Path(one.filename).name, path, partial(opened, one.filename), one.file_size)
        for one in inside
    ]


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Where a file is read: what hinders it is a SourceError with its name."""
    try:
        yield
    except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError, zlib.error):
        raise SourceError(Message("{path} is damaged: it cannot be unpacked", path=path)) from None
    except OSError as error:
        raise SourceError(
            Message("{path} cannot be read: {reason}", path=path, reason=error.strerror or error)
        ) from None
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        todo = (
            Message(
                "in xlwings Lite, write its name into requirements.txt and restart; elsewhere,"
                " install it"
            )
            if package in ("pandas", "persiantools")
            else records.SAVE_CSV
        )
        raise SourceError(
            Message(
                "{path} cannot be read here, where the package {package} is missing: {todo}",
                path=path,
                package=package,
                todo=todo,
            )
        ) from None


def pages(opener: Opener, encoding: str = "", sheets: Sequence[str] = ()) -> Iterator[SourcePage]:
    """The pages of a file: its sheets, or its text under each likely encoding and delimiter.

    Of a workbook they are the sheets named, or else all that are shown. Raises SourceError.
    """
    if opener.reader:
        headers = headers_of(opener.path, None, opener.reader)
        found: list[records.Found] = []
        only = partial(_rows_of_columns, opener.path, opener.reader, headers, found)
        every = partial(only, range(len(headers)))
        yield SourcePage(opener, "", "", [headers], every, only=only, found=found)
        return
    with opener.open() as file:
        start = file.read(HEAD)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        yield from _sheets(opener, sheets)
    elif start.startswith(b"PAR1"):
        return
    else:
        for name in [encoding] if encoding else _encodings(opener, start):
            yield from _texts(opener, start, name)


# Columns that have kinds


def _rows_of_columns(
    path: Path,
    reader: records.Reader,
    headers: list[str],
    kept: list[records.Found],
    wanted: Iterable[int],
) -> Iterator[list[list[Any]]]:
    chosen = {str(place): place for place in wanted}
    found = columns_of(path, reader, lambda _: chosen)
    kept[:] = [found]
    height = len(next(iter(found.cells.values()), []))
    blank = [None] * height
    columns = [found.cells.get(str(place), blank) for place in range(len(headers))]
    yield [headers, *map(list, zip(*columns, strict=True))]


# Text


def _encodings(opener: Opener, start: bytes) -> list[str]:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    if b"\0" in start:
        even, odd = start[0::2].count(0), start[1::2].count(0)
        return ["utf-16-le" if odd > even else "utf-16-be"]
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        with opener.open() as file:
            size = 0
            while piece := file.read(1 << 22):
                size += len(piece)
                if size > records.LARGEST_FILE:
                    raise SourceError(Message("{path} {fault}", path=opener.path, fault=TOO_LARGE))
                decoder.decode(piece)
            decoder.decode(b"", True)
    except UnicodeDecodeError:
        return list(ENCODINGS)
    return ["utf-8-sig"]


def _texts(opener: Opener, start: bytes, encoding: str) -> Iterator[SourcePage]:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start, len(start) < HEAD)
    except (UnicodeDecodeError, LookupError):
        return
    if len(start) == HEAD:
        text = text[: text.rfind("\n") + 1] or text
    for delimiter in DELIMITERS:
        if delimiter in text:
            head = list(_lines(io.StringIO(text, newline=""), delimiter, quiet=True))
            rows = partial(_pieces, opener, encoding, delimiter)
            yield SourcePage(opener, "", encoding, head, rows)
    if not any(delimiter in text for delimiter in DELIMITERS):
        head = [[line] for line in text.splitlines()]
        yield SourcePage(opener, "", encoding, head, partial(_pieces, opener, encoding, ","))


def _lines(text: Any, delimiter: str, *, quiet: bool) -> Iterator[list[str]]:
    rows = csv.reader(text, delimiter=delimiter, strict=not quiet)
    try:
        yield from rows
    except csv.Error:
        if not quiet:
            raise


def _pieces(opener: Opener, encoding: str, delimiter: str) -> Iterator[list[list[str]]]:
    number = 0
    with opener.open() as file:
        text = io.TextIOWrapper(file, encoding, newline="")
        rows = _lines(text, delimiter, quiet=False)
        try:
            while piece := list(islice(rows, PIECE)):
                number += len(piece)
                yield piece
        except csv.Error as error:
            raise SourceError(
                Message(
                    "{path} {fault}",
                    path=opener.path,
                    fault=Message(
                        "cannot be read after row {number}, where a quotation mark is"
                        " perhaps not closed or not doubled ({reason})",
                        number=number,
                        reason=error,
                    ),
                )
            ) from None
        except UnicodeDecodeError:
            raise SourceError(
                Message(
                    "{path} {fault}",
                    path=opener.path,
                    fault=Message(
                        "has characters after row {number} that are not {encoding}: {todo}",
                        number=number,
                        encoding=encoding.upper(),
                        todo=SAVE_UTF_8,
                    ),
                )
            ) from None


# Workbooks


def _sheets(opener: Opener, named: Sequence[str]) -> Iterator[SourcePage]:
    from python_calamine import (
        CalamineError,
        CalamineWorkbook,
        SheetTypeEnum,
        SheetVisibleEnum,
    )

    from kpi_xl.exports.ods import untold_in
    from kpi_xl.ooxml.addresses import column_letters, quoted
    from kpi_xl.ooxml.errors import NotAWorkbookError
    from kpi_xl.ooxml.limits import opened
    from kpi_xl.ooxml.package import Untold, check_sheets, untold

    with opener.open() as file:
        content = file.read()
    is_xlsx, in_ods = False, None
    try:
        if content.startswith(b"PK"):  # but not an old .xls
            with opened(content) as package:
                is_xlsx = "xl/workbook.xml" in package.namelist()
                is_ods = "content.xml" in package.namelist()
            if is_xlsx:
                check_sheets(content)
            if is_ods:
                in_ods = untold_in(content)
    except NotAWorkbookError as error:
        raise SourceError(
            Message(
                "{path} {fault}",
                path=opener.path,
                fault=Message("is not a workbook that can be read ({reason})", reason=error),
            )
        ) from None
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            sheets = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
            if named:
                sheets = _named(opener.path, sheets, named)
            else:
                sheets = [one for one in sheets if one.visible == SheetVisibleEnum.Visible]
            for sheet in sheets:
                area = book.get_sheet_by_name(sheet.name)
                cells = area.to_python(skip_empty_area=False)
                ranges = area.merged_cell_ranges or []
                merged = [(a + 1, b + 1, c + 1, d + 1) for (a, b), (c, d) in ranges]
                seen = Untold({}, [], merged, {})  # of .xls and .xlsb
                if in_ods is not None:
                    seen = in_ods.get(sheet.name, seen)
                if is_xlsx:
                    seen = untold(content, sheet.name)
                for top, left, bottom, right in seen.merged:
                    _spread(cells, top - 1, left - 1, bottom - 1, right - 1)
                for (row, column), code in seen.errors.items():
                    if row <= len(cells) and column <= len(cells[row - 1]):
                        cells[row - 1][column - 1] = code

                def at(row: int, column: int, name: str = sheet.name) -> str:
                    return f" ({quoted(name)}!{column_letters(column + 1)}{row})"

                whole = partial(_whole, cells)
                yield SourcePage(
                    opener,
                    sheet.name,
                    "",
                    cells,
                    whole,
                    at,
                    hidden=seen.hidden,
                    merged=seen.merged,
                    signs=seen.signs,
                    loses_errors=not is_xlsx and in_ods is None,
                )
    except (CalamineError, NotAWorkbookError) as error:
        raise SourceError(
            Message(
                "{path} is not a workbook that can be read, or it has a password ({reason})",
                path=opener.path,
                reason=error,
            )
        ) from None


def _named(path: Path, sheets: Sequence[Any], named: Sequence[str]) -> list[Any]:
    """The sheets of these names. Raises SourceError for one that is not there."""
    there = {sheet.name.casefold(): sheet for sheet in sheets}
    missing = next((name for name in named if name.casefold() not in there), None)
    if missing is None:
        return [there[name.casefold()] for name in named]
    names = [sheet.name for sheet in sheets]
    text = '{path} has no sheet "{sheet}"{near}; it has {names}'
    near, has = did_you_mean(missing, names), records.listed(names)
    raise SourceError(Message(text, path=path, sheet=missing, near=near, names=has))


def _spread(cells: list[list[Any]], top: int, left: int, bottom: int, right: int) -> None:
    """Write a text or a date of merged cells into each of them."""
    if top >= len(cells) or left >= len(cells[top]):
        return
    # An amount that stands over several rows is still one amount.
    if not isinstance(cells[top][left], str | date) or not cells[top][left]:
        return
    for row in cells[top : bottom + 1]:
        row[left : right + 1] = [cells[top][left]] * len(row[left : right + 1])


def _whole(cells: list[list[Any]]) -> Iterator[list[list[Any]]]:
    yield cells


def text_of(row: Sequence[Any]) -> list[str]:
    """The cells of a row as texts, without spaces around them."""
    return ["" if cell is None else str(cell).strip() for cell in row]
