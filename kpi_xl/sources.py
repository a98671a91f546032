"""A table that a user has, read into columns: CSV, Parquet, Excel workbooks.

A cell is never guessed at. Where a file can be read in two ways (1.234, 01/02/2024), and nothing
else in the column decides, or where a cell does not fit, the error names its row and column.
"""

import codecs
import csv
import gzip
import io
import math
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from kpi_xl.cells import Cell, key
from kpi_xl.errors import EXCEL_ERRORS
from kpi_xl.reference import did_you_mean
from kpi_xl.units import DATE, KEY, LOGICAL, LONGEST_TEXT, MONEY, RATE, SHEET_ROWS, TEXT, Unit

MOST_ROWS = SHEET_ROWS - 1  # under the header
FIRST_DAY = date(1900, 1, 1)  # of Excel's calendar
LARGEST_FILE = 4 << 30  # bytes when unpacked; a packed file can claim more than any disk holds
PIECE = 1 << 24  # bytes read at once, and more than any honest line has
ROWS_AT_ONCE = 20_000

Places = Mapping[str, int]
Choice = Callable[[Sequence[str]], Places]
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Column:
    """A column that a table is to have; `filled` means in every row."""

    name: str
    unit: Unit
    required: bool = True
    filled: bool = False


class Table(NamedTuple):
    """What was read: columns by our names, how many rows, and what was left out or changed.

    A cell is text, a float, a date (of a DATE), True or False (of a LOGICAL), or None for a blank.
    """

    columns: dict[str, list[Cell]]
    rows: int
    remarks: list[str]


class SourceError(Exception):
    """A file that cannot be read as the table asked for: which cell, why, and what to do."""


def read_table(
    path: Path,
    columns: Sequence[Column],
    *,
    renamed: Mapping[str, str] = {},
    table: str | None = None,
    progress: Progress | None = None,
) -> Table:
    """Read these columns of a CSV file (.csv, .tsv, .txt, .gz), a Parquet file or a workbook.

    Columns are found by name, whatever the case, spaces, hyphens and underscores; `renamed` says
    which of theirs is which of ours. Of a workbook it is the Excel table called `table`, or else
    the sheet of that name, or else the first sheet. `progress` is called with the fraction read.
    Rows in errors are those of the file, the first being 1. Raises SourceError.
    """
    reader = _reader(path)
    try:
        found = reader(path, partial(_places, columns, renamed), table, progress or _unheard)
    except _Unreadable as error:
        raise SourceError(f"{path} {error}") from None
    except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError, zlib.error):
        raise SourceError(f"{path} is damaged: it cannot be unpacked") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    except ModuleNotFoundError as error:
        if error.name not in _NOT_EVERYWHERE:
            raise
        raise SourceError(
            f"{path} cannot be read here, where the package {error.name} is missing: save it as CSV"
        ) from None
    read: dict[str, list[Cell]] = {}
    remarks = list(found.remarks)
    for column in columns:
        cells = found.cells.pop(column.name, None)
        if cells is None:
            continue
        try:
            read[column.name], remark = _typed(cells, column.unit)
        except _Wrong as wrong:
            where = found.where(cells.index(wrong.cell), column.name)
            raise SourceError(f"{path}, {where}: {wrong}") from None
        remarks += [f"{column.name}: {remark}"] * bool(remark)
    keep = _rows_with_data(list(read.values()))
    for column in columns:
        if column.filled and column.name in read:
            cells = read[column.name]
            gap = next((row for row in keep if cells[row] is None), None)
            if gap is not None:
                raise SourceError(
                    f"{path}, {found.where(gap, column.name)}: the cell is blank, and every row"
                    f" needs its {column.name}: fill it, or delete the row"
                )
    height = len(next(iter(read.values()), []))
    left_out = height - len(keep)
    if left_out:
        read = {name: [cells[row] for row in keep] for name, cells in read.items()}
        rows = "1 row" if left_out == 1 else f"{left_out:,} rows"
        remarks.append(f"{rows} left out, blank in every column used")
    if len(keep) > MOST_ROWS:
        raise SourceError(f"{path} {_TOO_MANY}")
    if not keep:
        raise SourceError(f"{path} has no rows of data under its header")
    absent: list[Cell] = [None] * len(keep)
    return Table({c.name: read.get(c.name) or absent.copy() for c in columns}, len(keep), remarks)


def allowed(path: Path, folders: Iterable[Path]) -> Path:
    r"""The path with its links followed, if it lies in one of the folders. Raises SourceError.

    For paths that come from a workbook: never one on the network (\\server\share), which is not
    even looked at, because Windows would send the user's credentials there.
    """
    try:
        if str(path).replace("\\", "/").startswith("//"):
            raise SourceError(f"{path} is on the network, from where no data is read: copy it here")
        real = path.resolve()
        if any(real.is_relative_to(folder.resolve()) for folder in folders):
            return real
    except (OSError, RuntimeError, ValueError):  # links in a circle, a NUL in the name
        raise SourceError(f"{str(path)!r} is not the path of a file") from None
    raise SourceError(f"{path} is outside the folders that data may be read from")


class _Unreadable(Exception):  # noqa: N818 - a sentence about the file, without its name
    pass


class _Wrong(Exception):  # noqa: N818 - a sentence about one cell, without its place
    def __init__(self, cell: Cell, sentence: str) -> None:
        super().__init__(sentence)
        self.cell = cell


_TOO_MANY = (
    f"has more than {MOST_ROWS:,} rows, the most that an Excel sheet holds under a header:"
    " filter or add up its rows first"
)


def _unheard(_: float) -> None:
    pass


# Which file, which columns


@dataclass
class _Found:
    """The cells of the columns wanted, as the file has them, and where they stand."""

    headers: Sequence[str]
    places: Places
    cells: dict[str, list[Any]]
    first: int  # the row of the first cells
    remarks: list[str] = field(default_factory=list)
    address: Callable[[int, int], str] = lambda row, column: ""

    def where(self, index: int, name: str) -> str:
        """A cell in the user's words: row, column, and in a workbook its address."""
        row, place = self.first + index, self.places[name]
        return f'row {row}, column "{self.headers[place]}"{self.address(row, place)}'


def _reader(path: Path) -> Callable[[Path, Choice, str | None, Progress], _Found]:
    """How to read the file, by the ending of its name. Raises SourceError."""
    if path.is_dir():
        raise SourceError(f"{path} is a folder: name the file in it")
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    packed = endings[-1:] == [".gz"]
    ending = "".join(endings[-1 - packed :][:1])
    if ending in {".csv", ".tsv", ".txt"}:
        reader = _read_csv
    elif ending in {".parquet", ".pq"} and not packed:
        reader = _read_parquet
    elif ending in {".xlsx", ".xlsm"} and not packed:
        reader = _read_workbook
    elif ending in {".xls", ".xlsb", ".ods", ".numbers"} and not packed:
        raise SourceError(f"{path}: {ending} files are not read: save it as .xlsx or .csv")
    else:
        raise SourceError(
            f"{path} is of a kind that is not read: there are .csv, .tsv and .txt (also .gz),"
            " .parquet, .xlsx and .xlsm"
        )
    if not path.exists():
        try:
            near = [str(other) for other in path.parent.iterdir()]
        except OSError:
            near = []
        raise SourceError(f"there is no file {path}{did_you_mean(str(path), near)}")
    return reader


def _places(
    columns: Sequence[Column], renamed: Mapping[str, str], headers: Sequence[str]
) -> Places:
    """Where each column is that the file has. Raises _Unreadable for one that is missing."""
    there: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        there.setdefault(_plain(header), []).append(place)
    ours = {_plain(column.name): column.name for column in columns}
    has = ", ".join(header for header in headers if header) or "none"
    wanted: dict[str, str] = {}  # our name: theirs
    for theirs, name in renamed.items():
        if _plain(name) not in ours:
            near = did_you_mean(name, ours.values()) or f"; there are {', '.join(ours.values())}"
            raise _Unreadable(f'cannot have "{theirs}" for {name}, which is no column here{near}')
        name = ours[_plain(name)]
        if name in wanted:
            raise _Unreadable(f'has both "{wanted[name]}" and "{theirs}" for {name}: choose one')
        if not there.get(_plain(theirs)):
            near = did_you_mean(theirs, headers)
            raise _Unreadable(f'has no column "{theirs}"; it has {has}{near}')
        wanted[name] = theirs
    taken = {_plain(theirs) for theirs in wanted.values()}
    places = {}
    missing = []
    for column in columns:
        theirs = wanted.get(column.name, column.name)
        fits = there.get(_plain(theirs), [])
        if column.name not in wanted and _plain(theirs) in taken:
            fits = []
        if len(fits) > 1:
            names = " and ".join(f'"{headers[place]}"' for place in fits)
            raise _Unreadable(f"has more than one column for {column.name}: {names}: rename one")
        if fits:
            places[column.name] = fits[0]
        elif column.required:
            missing.append(column.name)
    if missing:
        near = did_you_mean(missing[0], headers)
        raise _Unreadable(
            f"has no column {', '.join(missing)}; it has {has}{near}:"
            f' rename it, or say which it is, as in "Their name={missing[0]}"'
        )
    return places


def _plain(name: str) -> str:
    """A column's name without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def _unused(headers: Sequence[str], places: Places) -> list[str]:
    """The remark on columns that are not used, if there are any."""
    used = set(places.values())
    names = [h or f"column {n + 1}, which has no name" for n, h in enumerate(headers)]
    rest = [name for place, name in enumerate(names) if place not in used]
    return [f"columns not used: {', '.join(rest)}"] if rest else []


def _rows_with_data(columns: list[list[Cell]]) -> Sequence[int]:
    """The rows in which some column has a value."""
    if any(None not in cells for cells in columns):
        return range(len(columns[0]))
    rows = enumerate(zip(*columns, strict=True))
    return [row for row, cells in rows if any(cell is not None for cell in cells)]


# CSV


def _read_csv(path: Path, choose: Choice, table: str | None, progress: Progress) -> _Found:
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
                raise _Unreadable("is empty: a row of column names is needed, and rows of data")
            places = choose(headers)
            found = _Found(headers, places, {name: [] for name in places}, number + 1)
            width = len(headers)
            while True:
                piece: list[list[str]] = []
                for row in islice(rows, ROWS_AT_ONCE):
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
                    raise _Unreadable(_TOO_MANY)
                progress(min(packed.tell() / size, 1.0))
        except csv.Error as error:
            raise _Unreadable(
                f"cannot be read at row {number + 1}, where a quotation mark is perhaps not closed"
                f" or not doubled ({error})"
            ) from None
        except UnicodeDecodeError:
            raise _Unreadable(
                f"has characters after row {number} that are not {encoding.upper()}: {_SAVE_UTF_8}"
            ) from None
    found.remarks = remarks + _unused(headers, places)
    return found


def _evened(row: list[str], width: int, number: int) -> list[str]:
    """The row, if it has its full width or is blank. Raises _Unreadable for another."""
    if len(row) == width:
        return row
    if any(cell.strip() for cell in row):
        raise _Unreadable(
            f"has {len(row)} cells in row {number}, but {width} in its header: put text that holds"
            " the delimiter in quotation marks"
        )
    return [""] * width


def _unpacked(path: Path, packed: BinaryIO) -> BinaryIO:
    if path.suffix.lower() == ".gz":
        return gzip.GzipFile(fileobj=packed)  # type: ignore[return-value]
    return packed


_SAVE_UTF_8 = 'save it as "CSV UTF-8"'
UPPER = "[\u0410-\u042f\u0401\u0404\u0406\u0407\u0490\u040e]"  # Russian, Ukrainian, Belarusian
LOWER = "[\u0430-\u044f\u0451\u0454\u0456\u0457\u0491\u045e]"
CYRILLIC_WORD = re.compile(rf"\b(?:{UPPER}?{LOWER}+|{UPPER}+)\b")
TYPOGRAPHY = "\u00a0\u00ab\u00bb\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026\u2116\u20ac"
LEGACY = {"gb18030": "GB18030 (Chinese)", "cp1251": "Windows-1251 (Cyrillic)"}


def _encoding(path: Path) -> tuple[str, list[str]]:
    """The file's encoding, and a remark on one that nothing in the file declares.

    Raises _Unreadable for a file that is in none of those, or is no text.
    """
    with path.open("rb") as packed, _unpacked(path, packed) as file:
        piece = file.read(PIECE)
        encoding = "utf-8-sig"
        if piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        decoder = codecs.getincrementaldecoder(encoding)()
        size = 0
        while piece:
            size += len(piece)
            if size > LARGEST_FILE:
                raise _Unreadable("unpacks to more than 4 GB, which is too much to be a table")
            if encoding != "utf-16" and b"\0" in piece:
                raise _Unreadable(
                    "has NUL bytes, so that it is no CSV file, is damaged, or is UTF-16 without"
                    f" its mark: {_SAVE_UTF_8}"
                )
            if len(piece) == PIECE and b"\n" not in piece and b"\r" not in piece:
                raise _Unreadable("has a line of more than 16 MB, so that it is no CSV file")
            following = file.read(PIECE)
            try:
                decoder.decode(piece, not following)
            except UnicodeDecodeError:
                if encoding == "utf-16":
                    raise _Unreadable(f"is not the UTF-16 that it claims: {_SAVE_UTF_8}") from None
                break
            piece = following
        else:
            return encoding, []
    with path.open("rb") as packed, _unpacked(path, packed) as file:
        telling = (line for line in iter(partial(file.readline, PIECE), b"") if not line.isascii())
        sample = b"".join(islice(telling, 5000))
    likely = [name for name in LEGACY if _reads_well(sample, name)]
    if len(likely) != 1:
        raise _Unreadable(
            f"is not in UTF-8, and not surely in UTF-16, {' or '.join(LEGACY.values())}:"
            f" {_SAVE_UTF_8}"
        )
    return likely[0], [f"the text was read as {LEGACY[likely[0]]}"]


def _reads_well(sample: bytes, encoding: str) -> bool:
    """Whether text is as people write it, once it is decoded.

    Nearly all bytes are letters in Windows-1251, and many are characters in GB18030; but words
    come out as a mixture of alphabets and cases, or as characters that hardly anybody uses. For
    the few words of a header, that tells more than the statistics of detectors do.
    """
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    if encoding == "gb18030":
        foreign = [char for char in text if not char.isascii()]
        # GB2312's first level, its 3,755 common characters, ends before the byte D8.
        common = [char for char in foreign if b"\xa1" <= char.encode("gb2312", "replace") < b"\xd8"]
        return len(common) >= 0.9 * len(foreign)
    words = CYRILLIC_WORD.findall(text)
    foreign = [char for char in text if not char.isascii() and char not in TYPOGRAPHY]
    return bool(words) and sum(map(len, words)) >= 0.9 * len(foreign)


def _delimiter(start: str) -> tuple[str, int]:
    """The delimiter that splits the header, and how many rows come before (Excel's sep=)."""
    if said := re.match(r'"?sep=(.)"?(\r\n|\n|\r)', start):
        return said[1], 1
    widths = {}
    for delimiter in ",;\t":
        rows = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter)
        widths[delimiter] = len(next((row for row in rows if any(map(str.strip, row))), []))
    widest = max(widths.values())
    likely = [delimiter for delimiter, width in widths.items() if width == widest]
    if widest > 1 and len(likely) > 1:
        raise _Unreadable(
            "has as many commas as semicolons or tabs in its header: put the names of columns in"
            " quotation marks"
        )
    return likely[0], 0


# Parquet


def _read_parquet(path: Path, choose: Choice, table: str | None, progress: Progress) -> _Found:
    import duckdb

    # It would fetch what a file needs beyond its own means from the web.
    try:
        with duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        ) as database:
            database.execute("SET TimeZone = 'UTC'")
            # Brackets and stars in a name are no pattern.
            name = re.sub(r"([*?\[])", r"[\1]", str(path.resolve()))
            file = database.read_parquet(name)
            headers = [header.strip() for header in file.columns]
            places = choose(headers)
            found = _Found(headers, places, {}, 1, _unused(headers, places))
            if len(file) > 2 * MOST_ROWS:
                raise _Unreadable(_TOO_MANY)
            for done, (name, place) in enumerate(places.items(), start=1):
                kind = str(file.types[place])
                column = duckdb.ColumnExpression(file.columns[place])
                if kind.startswith(("TIMESTAMP", "VARCHAR", "ENUM", "UUID")):
                    column = column.cast("VARCHAR")
                elif kind.startswith("DECIMAL") or kind in {"HUGEINT", "UHUGEINT"}:
                    column = column.cast("DOUBLE")
                elif kind not in _PARQUET_KINDS:
                    raise _Unreadable(
                        f'has values of the kind {kind} in the column "{headers[place]}":'
                        " it must hold texts, numbers or dates"
                    )
                if kind.startswith("TIMESTAMP") and ("ZONE" in kind or "TZ" in kind):
                    found.remarks.append(f"{name}: times with a zone were read in UTC")
                (array,) = file.select(column).fetchnumpy().values()
                if kind == "DATE":
                    array = array.astype("datetime64[D]")
                found.cells[name] = array.tolist()
                progress(done / len(places))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _Unreadable(f"is not a Parquet file, or it is damaged ({reason})") from None
    return found


_NOT_EVERYWHERE = ("duckdb", "python_calamine")  # a browser's Python lacks them

_PARQUET_KINDS = {"DATE", "BOOLEAN", "FLOAT", "DOUBLE", '"NULL"', "TINYINT", "SMALLINT"} | {
    *("INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
}


# Excel workbooks


def _read_workbook(path: Path, choose: Choice, table: str | None, progress: Progress) -> _Found:
    from python_calamine import CalamineError, CalamineWorkbook

    from kpi_xl.ooxml.addresses import column_letters, quoted
    from kpi_xl.ooxml.package import NotAWorkbookError, error_cells

    if not zipfile.is_zipfile(path):
        raise _Unreadable(
            "is not an .xlsx workbook, or it has a password: save it in Excel, without one"
        )
    with zipfile.ZipFile(path) as package:
        if sum(part.file_size for part in package.infolist()) > LARGEST_FILE:
            raise _Unreadable("unpacks to more than 4 GB, which is too much to be a workbook")
    try:
        with CalamineWorkbook.from_path(path, load_tables=True) as book:
            sheet, header, cells, remarks = _chosen_cells(book, table)
            errors = error_cells(path, sheet)
    except (CalamineError, NotAWorkbookError) as error:
        raise _Unreadable(f"is not a workbook that can be read ({error})") from None
    headers, top, left = header
    progress(0.5)
    places = choose(headers)
    for place in places.values():
        for (row, column), code in errors.items():
            if column == left + place and top < row <= top + len(cells):
                cells[row - top - 1][place] = code
    found = _Found(headers, places, {}, top + 1, remarks + _unused(headers, places))
    found.cells = {name: [row[place] for row in cells] for name, place in places.items()}
    found.address = lambda row, place: f" ({quoted(sheet)}!{column_letters(left + place)}{row})"
    progress(1.0)
    return found


def _chosen_cells(
    book: Any, wanted: str | None
) -> tuple[str, tuple[list[str], int, int], list[list[Any]], list[str]]:
    """The sheet, the header with its row and first column, the rows under it, and remarks."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    name = (wanted or "").casefold()
    for title in book.table_names or []:
        if title.casefold() == name:
            table = book.get_table_by_name(title)
            if table.start is None:
                raise _Unreadable(f"has no rows of data in its table {title}")
            top, left = table.start
            headers = [header.strip() for header in table.columns]
            return table.sheet, (headers, top, left + 1), table.to_python(), []
    sheets = [s for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    shown = [s.name for s in sheets if s.visible == SheetVisibleEnum.Visible]
    fits = [s.name for s in sheets if s.name.casefold() == name] or shown[:1]
    if not fits:
        raise _Unreadable("has no sheet that is shown")
    title = fits[0]
    remarks = []
    if title.casefold() != name and len(shown) > 1:
        remarks.append(f"read from the sheet {title}, the first of {len(shown)}")
    rows = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
    for top, row in enumerate(rows):
        if any(cell != "" for cell in row):
            headers = ["" if cell == "" else _as_text(cell) for cell in row]
            return title, (headers, top + 1, 1), rows[top + 1 :], remarks
    raise _Unreadable(f"has nothing on its sheet {title}")


# Cells


def _typed(cells: list[Any], unit: Unit) -> tuple[list[Cell], str]:
    """The cells of a column as its unit has them, and a remark, if any. Raises _Wrong."""
    kinds = set(map(type, cells))
    if bool in kinds:  # True and 1.0 are one key of a dict
        cells[:] = [str(cell).upper() if type(cell) is bool else cell for cell in cells]
    if unit not in {DATE, KEY, TEXT, LOGICAL}:
        numbers = _plain_numbers(cells, kinds)
        if numbers is not None:
            return numbers, ""
    distinct = dict.fromkeys(cells)
    for code in EXCEL_ERRORS:
        if code in distinct:
            raise _Wrong(code, f"the cell holds the error {code}: correct it, or leave it blank")
    given = [cell for cell in distinct if not _is_blank(cell)]
    read = {DATE: _dates, KEY: _keys, TEXT: _texts, LOGICAL: _truths}.get(unit)
    values, remark = read(given) if read else _numbers(given, unit)
    known: dict[Any, Cell] = dict.fromkeys(distinct)
    known.update(zip(given, values, strict=True))
    if unit is DATE:
        late = {cell for cell in given if _has_time(cell)}
        if late:
            count = sum(map(late.__contains__, cells))
            remark = f"the time of day left out in {count:,} row{'s' * (count > 1)}"
    return list(map(known.__getitem__, cells)), remark


def _is_blank(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell or cell.isspace()
    return cell is None or cell != cell  # Parquet has NaN where pandas had no value


def _quoted(cell: Any) -> str:
    text = _as_text(cell)
    return f'"{text if len(text) <= 40 else text[:37] + "..."}"'


def _as_text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    return str(cell).strip()


def _texts(cells: list[Any]) -> tuple[list[Cell], str]:
    texts = list(map(_as_text, cells))
    if max(map(len, texts), default=0) > LONGEST_TEXT:
        long = next(c for c, text in zip(cells, texts, strict=True) if len(text) > LONGEST_TEXT)
        raise _Wrong(
            long,
            f"the text has {len(_as_text(long)):,} characters, and an Excel cell holds"
            f" {LONGEST_TEXT:,}: shorten it",
        )
    return list(texts), ""


def _keys(cells: list[Any]) -> tuple[list[Cell], str]:
    """Keys as `kpi_xl.cells` has them; numbers of more digits than Excel keeps are text."""
    read: list[Cell] = []
    for cell in cells:
        if isinstance(cell, str) or (isinstance(cell, float | int) and abs(cell) < 1e15):
            read.append(key(cell))
        else:
            read.append(_as_text(cell))
    _texts(read)
    return read, ""


def _truths(cells: list[Any]) -> tuple[list[Cell], str]:
    words = {"true": True, "false": False}
    for cell in cells:
        if _as_text(cell).lower() not in words:
            raise _Wrong(cell, f"{_quoted(cell)} is neither TRUE nor FALSE: write one of them")
    return [words[_as_text(cell).lower()] for cell in cells], ""


# Readings: a column of text has to have one, and only one, that fits all its cells


def _settled(
    texts: Sequence[str], readings: Sequence[Callable[[str], Any]]
) -> tuple[list[list[Any]], int]:
    """The values of the texts in each reading that fits them all, and how many texts fit."""
    fitting = []
    furthest = 0
    for reading in readings:
        values = []
        for text in texts:
            value = reading(text)
            if value is None:
                break
            values.append(value)
        if len(values) == len(texts) and values not in fitting:
            fitting.append(values)
        furthest = max(furthest, len(values))
    return fitting, furthest


# Numbers

# Signs that say the same as those of a plain number; Arabic ones say which they are.
MARKS = str.maketrans(
    "\u00a0\u2009\u202f\u2212\u2019\u066c\u066b\u066a\uff05",  # spaces, minus, apostrophe, Arabic
    "   -''.%%",
)
CONVENTIONS = ((",", "."), (" ", "."), ("'", "."), (".", ","), (" ", ","), ("'", ","))
NUMBER = re.compile(
    r"([-+]?) ?([^\w\s.,'%+-]?) ?([-+]?)([0-9.,' ]*[0-9](?:[eE][-+]?[0-9]+)?)"
    r" ?([^\w\s.,'%+-]?) ?(%?)"
)
PLAIN = frozenset("0123456789.,' eE+-")


def _plain_numbers(cells: list[Any], kinds: set[type]) -> list[Cell] | None:
    """The numbers, if they are surely these; None if they have to be looked at one by one."""
    if kinds == {str}:
        signs = set("".join(cells))
        if not signs <= PLAIN:
            return None
        texts = list(filter(None, cells))
        pairs = _pairs(signs)
        fitting = [pair for pair in pairs if all(map(_fits(*pair), texts))]
        if len(fitting) != 1:
            return None
        thousands, decimal = fitting[0]
        if thousands:
            cells = [cell.replace(thousands, "") for cell in cells]
        if decimal == ",":
            cells = [cell.replace(",", ".") for cell in cells]
    elif not kinds <= {float, int, type(None)}:
        return None
    try:
        numbers = [
            None if cell is None or cell == "" or cell != cell else float(cell) for cell in cells
        ]
    except OverflowError:  # an integer of more than 308 digits
        return None
    return None if math.inf in numbers or -math.inf in numbers else list(numbers)


def _numbers(cells: list[Any], unit: Unit) -> tuple[list[Cell], str]:
    """Numbers as people write them, in one convention for the column."""
    parts = {cell: _parts(cell, unit) for cell in cells if isinstance(cell, str)}
    texts = list(parts)
    symbols = {part.symbol: text for text, part in parts.items() if part.symbol}
    if len(symbols) > 1:
        raise _Wrong(
            list(symbols.values())[1],
            f"the column is in more than one currency, {' and '.join(symbols)}: convert it to one",
        )
    percent = next((text for text, part in parts.items() if part.percent), None)
    if percent is not None:
        for cell in cells:
            bare = not parts[cell].percent if isinstance(cell, str) else True
            if bare and cell not in (0, "0"):
                raise _Wrong(
                    cell,
                    f"{_quoted(cell)} has no percent sign, unlike {_quoted(percent)}: write all"
                    " cells with one, or none",
                )
    values = _in_one_convention(texts, [part.body for part in parts.values()])
    known: dict[Any, float] = {}
    for (text, part), value in zip(parts.items(), values, strict=True):
        known[text] = float(value) / (100.0 if part.percent else 1.0)
    for cell in cells:
        if isinstance(cell, float | int | Decimal):
            known[cell] = float(cell)
        elif not isinstance(cell, str):
            raise _Wrong(cell, f"{_quoted(cell)} is a date or a time, not a number")
        if math.isinf(known[cell]):
            raise _Wrong(cell, f"{_quoted(cell)} is too large for a cell")
    remark = f"the currency sign {''.join(symbols)} left out" if symbols else ""
    return [known[cell] for cell in cells], remark


class _Parts(NamedTuple):
    symbol: str
    body: str
    percent: str


def _parts(text: str, unit: Unit) -> _Parts:
    """What a number consists of. Raises _Wrong for text that is none, or not of this unit."""
    plain = text if text.isascii() else text.translate(MARKS)
    if not plain.isascii():  # digits of other scripts
        plain = "".join(str(unicodedata.decimal(c, c)) for c in plain)
    match = NUMBER.fullmatch(plain.strip())
    symbol = (match[2] or match[5]) if match else ""
    if (
        not match
        or (match[1] and match[3])
        or (match[2] and match[5])
        or (symbol and unicodedata.category(symbol) != "Sc")
    ):
        raise _Wrong(
            text, f"{_quoted(text)} is not a number: write it as 1234.56, or leave the cell blank"
        )
    if symbol and unit is not MONEY:
        raise _Wrong(text, f"{_quoted(text)} is an amount of money, not {unit.meaning}")
    if match[6] and unit is not RATE:
        raise _Wrong(text, f"{_quoted(text)} is a percentage, not {unit.meaning}")
    return _Parts(symbol, match[1] + match[3] + match[4].strip(), match[6])


def _in_one_convention(texts: list[str], bodies: list[str]) -> list[str]:
    """The bodies as 1234.56, thousands and decimals marked as in the whole column."""
    pairs = _pairs(set("".join(bodies)))
    fitting, fits = _settled(bodies, [_convention(*pair) for pair in pairs or CONVENTIONS])
    if not fitting:
        # All that were ruled out before are tried, to find where the column contradicts itself.
        _, fits = _settled(bodies, [_convention(*pair) for pair in CONVENTIONS])
        alone, _ = _settled([bodies[fits]], [_convention(*pair) for pair in CONVENTIONS])
        raise _Wrong(
            texts[fits],
            f"{_quoted(texts[fits])} is not a number: write it as 1234.56"
            if not alone
            else f"{_quoted(texts[fits])} has other marks for thousands or decimals than the"
            " numbers above it: write all numbers as 1234.56",
        )
    if len(fitting) > 1:
        for text, one, other in zip(texts, *fitting[:2], strict=True):
            if float(one) != float(other):
                one, other = sorted((one, other), key=lambda n: abs(float(n)), reverse=True)
                raise _Wrong(
                    text, f"{_quoted(text)} may be {one} or {other}: write {one} or {other}0"
                )
    return fitting[0]


def _pairs(signs: set[str]) -> list[tuple[str, str]]:
    """The marks for thousands and decimals that a column with these signs can have."""
    marks = signs & set(" '.,")
    found = [
        (thousands if thousands in marks else "", decimal if decimal in marks else "")
        for thousands, decimal in CONVENTIONS
        if marks <= {thousands, decimal}
    ]
    return list(dict.fromkeys(found))


def _fits(thousands: str, decimal: str) -> Callable[[str], Any]:
    """A test of numbers with these marks."""
    rest = rf"{re.escape(decimal)}[0-9]+" if decimal else r"(?!)"
    grouped = rf"[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+(?:{rest})?"
    simple = rf"(?:[0-9]+(?:{rest})?|{rest})(?:[eE][-+]?[0-9]+)?"
    return re.compile(rf"[-+]?(?:{grouped}|{simple})" if thousands else f"[-+]?{simple}").fullmatch


def _convention(thousands: str, decimal: str) -> Callable[[str], str | None]:
    """A reader of numbers with these marks; it gives None for a number with others."""
    fits = _fits(thousands, decimal)

    def read(body: str) -> str | None:
        if not fits(body):
            return None
        if thousands:
            body = body.replace(thousands, "")
        return body.replace(decimal, ".") if decimal else body

    return read


# Dates

TIME = (
    r"(?:(?:T|,? )(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?"
    r"(?: ?(?:Z|UTC|GMT|[-+]\d\d(?::?\d\d)?))?)?"
)
YEAR_FIRST = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?" + TIME)
YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})" + TIME)
COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
NOT_MIDNIGHT = re.compile(r"(?<=[T ])(?!12:00(?::00)? ?[Aa])[\d:.,]*[1-9]")


def _dates(cells: list[Any]) -> tuple[list[Cell], str]:
    """Dates, written year first, or in one order of day and month for the column."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    for cell in cells:
        if not isinstance(cell, str | date):
            raise _Wrong(
                cell,
                f"{_quoted(cell)} is not a date: format the cell as a date, or write 2024-01-31",
            )
    known: dict[Any, date] = {
        cell: cell.date() if isinstance(cell, datetime) else cell
        for cell in cells
        if isinstance(cell, date)
    }
    known.update(zip(texts, _iso_dates(texts) or _written_dates(texts), strict=True))
    if min(known.values(), default=FIRST_DAY) < FIRST_DAY:
        early = next(cell for cell in cells if known[cell] < FIRST_DAY)
        raise _Wrong(early, f"{_quoted(early)} is before 1900, where Excel's calendar begins")
    return [known[cell] for cell in cells], ""


def _iso_dates(texts: list[str]) -> list[date] | None:
    """All as 2024-01-31, with or without a time; None if some are not."""
    try:
        dates = [
            date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text).date()
            for text in texts
        ]
    except ValueError:
        return None
    # Python reads weeks (2024-W05-3) and days without hyphens, too.
    return dates if all(text[4:5] == text[7:8] == "-" for text in texts) else None


def _written_dates(texts: list[str]) -> list[date]:
    stripped = [text.strip() for text in texts]
    fitting, fits = _settled(stripped, [partial(_day, day_first=first) for first in (True, False)])
    if not fitting:
        text, plain = texts[fits], stripped[fits]
        if _day(plain, day_first=True) or _day(plain, day_first=False):
            reason = "has day and month in another order than the dates above it"
        elif YEAR_FIRST.fullmatch(plain) or YEAR_LAST.fullmatch(plain) or COMPACT.fullmatch(plain):
            reason = "is not in the calendar"
        else:
            reason = "is not a date"
        raise _Wrong(text, f"{_quoted(text)} {reason}: write all dates as 2024-01-31")
    for text, one, *others in zip(texts, *fitting, strict=True):
        if others and one != others[0]:
            raise _Wrong(
                text,
                f"{_quoted(text)} may be {one} or {others[0]}, and no date of the column has a day"
                " above 12: write all dates as 2024-01-31",
            )
    return fitting[0]


def _day(text: str, *, day_first: bool) -> date | None:
    """The date that a text is, if dates without the year in front are in this order."""
    if match := YEAR_FIRST.fullmatch(text) or COMPACT.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := YEAR_LAST.fullmatch(text):
        one, two, year = map(int, match.groups())
        day, month = (one, two) if day_first else (two, one)
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _has_time(cell: Any) -> bool:
    """Whether there is more in a date than its day."""
    if isinstance(cell, str):
        return len(cell) > 10 and bool(NOT_MIDNIGHT.search(cell))
    return isinstance(cell, datetime) and cell.time() != time()
