"""A file that a user has, read into the columns of a table."""

import gzip
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from kpi_xl.bounded import BudgetError, panics
from kpi_xl.cells import Cell
from kpi_xl.files import kind
from kpi_xl.locales import Counted, Message, Names
from kpi_xl.locales.currencies import closer, currency_named, may_be_one
from kpi_xl.reference import MOST_NAMES, did_you_mean
from kpi_xl.schema import Column
from kpi_xl.sources import currencies
from kpi_xl.sources.currencies import IN_CURRENCY, MIXED
from kpi_xl.sources.delimited import read_csv
from kpi_xl.sources.grain import first_days, longer_than_days, longer_than_months, longer_than_weeks
from kpi_xl.sources.parquet import look_at_parquet
from kpi_xl.sources.records import (
    BLANK,
    MOST_ROWS,
    SAVE_CSV,
    TOO_MANY,
    Choice,
    Found,
    MisfitError,
    Places,
    Progress,
    Reader,
    ReadTable,
    SourceError,
    Unreadable,
    Wrong,
    listed,
    merged_cells,
    plain,
    read_once,
    spare,
    spread,
)
from kpi_xl.sources.terms import options_for
from kpi_xl.sources.values import SEVERAL_SIGNS, SIGN_LEFT_OUT, typed
from kpi_xl.sources.workbooks import read_workbook
from kpi_xl.units import LARGEST_ID, MONEY, SHEET_COLUMNS

_NOT_EVERYWHERE = ("duckdb", "python_calamine")  # a browser's Python lacks them


def read_table(
    path: Path,
    columns: Sequence[Column],
    *,
    renamed: Mapping[str, str] = {},
    table: str | None = None,
    progress: Progress | None = None,
    reader: Reader | None = None,
) -> ReadTable:
    """Read these columns of a CSV file (.csv, .tsv, .txt, .gz), a Parquet file or a workbook.

    Columns are found by name, whatever the case, spaces, hyphens and underscores; `renamed` says
    which of theirs is which of ours. Of a workbook it is the Excel table called `table`, or else
    the sheet of that name, or else the first sheet. `progress` is called with the fraction read.
    `reader` reads what is no file, such as a table of a database, of which `path` is the name.
    Rows in errors are those of the file, the first being 1. Raises SourceError.
    """
    reader = reader or _reader(path)
    faults: list[Message] = []

    def choose(headers: Sequence[str]) -> Places:
        places, lacking = places_of(columns, renamed, headers)
        faults.extend(Message("{path} {fault}", path=path, fault=fault) for fault in lacking)
        if lacking and not places:
            raise MisfitError(*faults)
        return {**places, **currencies.watched(headers, places)}

    found = columns_of(path, reader, choose, table, progress or _unheard)
    read, remarks = _typed(path, columns, found, faults)
    keep = _rows_with_data(list(read.values()))
    faults += _gaps(path, columns, found, read, keep)
    height = len(next(iter(read.values()), []))
    left_out = height - len(keep)
    if left_out:
        read = {name: [cells[row] for row in keep] for name, cells in read.items()}
        text = "{rows} left out, blank in every column used"
        remarks.append(Message(text, rows=Counted(left_out, "rows")))
    if len(keep) > MOST_ROWS:
        faults.append(Message("{path} {fault}", path=path, fault=TOO_MANY))
    if not keep and not faults:
        faults.append(
            Message(
                "{path} {fault}", path=path, fault=Message("has no rows of data under its header")
            )
        )
    if faults:
        raise MisfitError(*faults)
    absent: list[Cell] = [None] * len(keep)
    return ReadTable(
        {c.name: read.get(c.name) or absent.copy() for c in columns}, len(keep), remarks
    )


class _Seen(Exception):  # noqa: N818 - the way out of a reader that has seen the header
    pass


def headers_of(path: Path, table: str | None = None, reader: Reader | None = None) -> list[str]:
    """The header of the table that a file has, without the rows under it. Raises SourceError."""
    reader = reader or _reader(path)
    headers: list[str] = []

    def choose(found: Sequence[str]) -> Places:
        headers.extend(found)
        raise _Seen

    with suppress(_Seen):
        columns_of(path, reader, choose, table)
    return headers


def cells_under(
    header: str, path: Path, table: str | None = None, reader: Reader | None = None
) -> list[Any]:
    """The cells under a header of a file's table, as they stand there. Raises SourceError."""

    def choose(headers: Sequence[str]) -> Places:
        return {header: headers.index(header)}

    found = columns_of(path, reader or _reader(path), choose, table)
    spread(found.cells[header], found.merged.get(header, ()))
    return found.cells[header]


def columns_of(
    path: Path,
    reader: Reader,
    choose: Choice,
    table: str | None = None,
    progress: Progress = lambda _: None,
) -> Found:
    """What a reader finds. Raises SourceError, with the file's name, for whatever hinders it."""
    try:
        with panics():
            return reader(path, choose, table, progress)
    except Unreadable as error:
        raise SourceError(Message("{path} {fault}", path=path, fault=error)) from None
    except BudgetError as error:
        raise SourceError(
            Message("{path} cannot be read: {reason}", path=path, reason=error)
        ) from None
    except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError, zlib.error):
        raise SourceError(Message("{path} is damaged: it cannot be unpacked", path=path)) from None
    except OSError as error:
        raise SourceError(
            Message("{path} cannot be read: {reason}", path=path, reason=error.strerror or error)
        ) from None
    except ModuleNotFoundError as error:
        if error.name not in _NOT_EVERYWHERE:
            raise
        raise SourceError(
            Message(
                "{path} cannot be read here, where the package {package} is missing: {todo}",
                path=path,
                package=error.name,
                todo=SAVE_CSV,
            )
        ) from None


def _typed(
    path: Path, columns: Sequence[Column], found: Found, faults: list[Message]
) -> tuple[dict[str, list[Cell]], list[Message]]:
    """The columns with the cells of their units, and remarks; the first fault of each is added."""
    read: dict[str, list[Cell]] = {}
    remarks = list(found.remarks)
    signs: dict[str, str] = {}
    for column in columns:
        cells = found.cells.pop(column.name, None)
        if cells is None:
            continue
        try:
            told_apart = found.told_apart.get(column.name, LARGEST_ID)
            merged = found.merged.get(column.name, ())
            remarks += merged_cells(cells, merged, column.unit, column.name)
            read[column.name], remark = typed(cells, column.unit, told_apart)
        except Wrong as wrong:
            where = found.where(cells.index(wrong.cell), column.name)
            faults.append(Message("{path}, {where}: {wrong}", path=path, where=where, wrong=wrong))
            continue
        if remark:
            remarks.append(Message("{column}: {remark}", column=column.name, remark=remark))
        if isinstance(remark, Message) and remark.template == SIGN_LEFT_OUT:
            signs[column.name] = str(remark.fields["sign"])
        if column.unit.name == MONEY.name:
            shown = _shown(found.signs.get(column.name, {}), cells)
            several = {**dict.fromkeys(filter(None, [signs.get(column.name)])), **shown}
            if not all(may_be_one(*pair) for pair in combinations(several, 2)):
                where = found.where([*shown.values()][-1], column.name)
                fault = Message(SEVERAL_SIGNS, symbols=Names(tuple(several)))
                text = "{path}, {where}: {wrong}"
                faults.append(Message(text, path=path, where=where, wrong=fault))
            elif shown:
                signs[column.name] = closer(*several)
                named = currency_named(signs[column.name])
                remarks.append(Message(IN_CURRENCY, currency=named))
    if not all(may_be_one(*pair) for pair in combinations(signs.values(), 2)):
        fault = Message(MIXED, what=currencies.each_is(signs))
        faults.append(Message("{path} {fault}", path=path, fault=fault))
    events = [read[c.name] for c in columns if c.event and c.name in read]
    try:
        remarks += currencies.in_one_currency(found, columns, read, signs)
    except Unreadable as error:
        faults.append(Message("{path} {fault}", path=path, fault=error))
    for column in columns:
        if (column.daily or column.weekly or column.monthly) and column.name in read:
            try:
                remarks += _told_of_periods(found, column, read[column.name], events)
            except Unreadable as error:
                faults.append(Message("{path} {fault}", path=path, fault=error))
    return read, remarks


def _shown(signs: Mapping[str, Sequence[int]], cells: Sequence[Any]) -> dict[str, int]:
    """The place of the first number, other than 0, that is shown with each sign."""
    firsts: dict[str, int] = {}
    for sign, places in signs.items():
        numbers = (n for n in places if isinstance(cells[n], float | int) and cells[n])
        if (place := next(numbers, None)) is not None:
            firsts[sign] = place
    return dict(sorted(firsts.items(), key=lambda first: first[1]))


def _gaps(
    path: Path,
    columns: Sequence[Column],
    found: Found,
    read: Mapping[str, Sequence[Cell]],
    keep: Sequence[int],
) -> list[Message]:
    """The first blank of each column that every row needs."""
    faults = []
    for column in columns:
        if column.filled and column.name in read:
            cells = read[column.name]
            gap = next((row for row in keep if cells[row] is None), None)
            if gap is not None:
                where, wrong = found.where(gap, column.name), Message(BLANK, name=column.name)
                text = "{path}, {where}: {wrong}"
                faults.append(Message(text, path=path, where=where, wrong=wrong))
    return faults


def allowed(path: Path, folders: Iterable[Path]) -> Path:
    r"""The path with its links followed, if it lies in one of the folders. Raises SourceError.

    For paths that come from a workbook: never one on the network (\\server\share), which is not
    even looked at, because Windows would send the user's credentials there.
    """
    try:
        if str(path).replace("\\", "/").startswith("//"):
            raise SourceError(
                Message(
                    "{path} is on the network, from where no data is read: copy it here", path=path
                )
            )
        real = path.resolve()
        if any(real.is_relative_to(folder.resolve()) for folder in folders):
            return real
    except (OSError, RuntimeError, ValueError):  # links in a circle, a NUL in the name
        raise SourceError(
            Message("{path} is not the path of a file", path=repr(str(path)))
        ) from None
    raise SourceError(
        Message("{path} is outside the folders that data may be read from", path=path)
    )


def _unheard(_: float) -> None:
    pass


# Which file, which columns


def _reader(path: Path) -> Reader:
    """How to read the file, by the ending of its name. Raises SourceError."""
    there = True
    try:
        what = kind(path)
    except (FileNotFoundError, NotADirectoryError):
        there, what = False, ""
    except OSError as error:
        raise SourceError(
            Message("{path} cannot be read: {reason}", path=path, reason=error.strerror)
        ) from None
    if what == "a folder":
        raise SourceError(Message("{path} is a folder: name the file in it", path=path))
    if what:
        raise SourceError(Message("{path} is {what}, and no file", path=path, what=what))
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    packed = endings[-1:] == [".gz"]
    ending = "".join(endings[-1 - packed :][:1])
    reader: Reader
    if ending in {".csv", ".tsv", ".txt"}:
        reader = read_csv
    elif ending in {".parquet", ".pq"} and not packed:
        reader = read_once(look_at_parquet)
    elif ending in {".xlsx", ".xlsm"} and not packed:
        reader = read_workbook
    elif ending in {".xls", ".xlsb", ".ods", ".numbers"} and not packed:
        raise SourceError(
            Message(
                "{path}: {ending} files are not read: save it as .xlsx or .csv",
                path=path,
                ending=ending,
            )
        )
    else:
        raise SourceError(
            Message(
                "{path} is of a kind that is not read: there are .csv, .tsv and .txt"
                " (also .gz), .parquet, .xlsx and .xlsm",
                path=path,
            )
        )
    if not there:
        try:
            near = [str(other) for other in islice(path.parent.iterdir(), MOST_NAMES)]
        except OSError:
            near = []
        raise SourceError(
            Message("there is no file {path}{near}", path=path, near=did_you_mean(str(path), near))
        )
    return reader


def places_of(
    columns: Sequence[Column], renamed: Mapping[str, str], headers: Sequence[str]
) -> tuple[dict[str, int], list[Message]]:
    """Where each column is that the file has, and a sentence for each thing that is in the way.

    Raises Unreadable for a file of too many columns.
    """
    if len(headers) > SHEET_COLUMNS:
        raise Unreadable(
            Message(
                "has {number} columns, and an Excel sheet holds {most}: keep those that are needed",
                number=len(headers),
                most=SHEET_COLUMNS,
            )
        )
    there: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        there.setdefault(plain(header), []).append(place)
    wanted, faults = _said_to_be(columns, renamed, headers)
    taken = {plain(theirs) for theirs in wanted.values()}
    places: dict[str, int] = {}
    missing = []
    for column in columns:
        theirs = wanted.get(column.name, column.name)
        fits = there.get(plain(theirs), [])
        if column.name not in wanted and plain(theirs) in taken:
            fits = []
        if len(fits) > 1:
            faults.append(_more_than_one(column.name, [headers[place] for place in fits]))
        elif fits:
            places[column.name] = fits[0]
        elif column.required and column.name not in wanted:
            missing.append(column.name)
    if missing:
        others = spare(headers, places)
        lacking = [column for column in columns if column.name not in places]
        faults.append(
            Message(
                "has no column {missing}; it has {has}{near}: rename it, or say which"
                " it is, as in {options}",
                missing=", ".join(missing),
                has=_those_there(headers),
                near=did_you_mean(missing[0], others),
                options=options_for(missing, lacking, others),
            )
        )
    return places, faults


def _said_to_be(
    columns: Sequence[Column], renamed: Mapping[str, str], headers: Sequence[str]
) -> tuple[dict[str, str], list[Message]]:
    """Our columns with the headers that are said to be theirs, and what is wrong with that."""
    ours = {plain(column.name): column.name for column in columns}
    there = set(map(plain, headers))
    wanted: dict[str, str] = {}
    faults: list[Message] = []
    for theirs, name in renamed.items():
        if plain(name) not in ours:
            near = did_you_mean(name, ours.values()) or Message(
                "; there are {names}", names=", ".join(ours.values())
            )
            text = 'cannot have "{theirs}" for {name}, which is no column here{near}'
            faults.append(Message(text, theirs=theirs, name=name, near=near))
            continue
        name = ours[plain(name)]
        if name in wanted:
            text = 'has both "{wanted}" and "{theirs}" for {name}: choose one'
            faults.append(Message(text, wanted=wanted[name], theirs=theirs, name=name))
            continue
        if plain(theirs) not in there:
            text, near = (
                'has no column "{theirs}"; it has {has}{near}',
                did_you_mean(theirs, headers),
            )
            faults.append(Message(text, theirs=theirs, has=_those_there(headers), near=near))
        wanted[name] = theirs
    return wanted, faults


def _those_there(headers: Sequence[str]) -> Message | Names:
    named = [header for header in headers if header]
    return listed(named) if named else Message("none")


def _more_than_one(name: str, fits: Sequence[str]) -> Message:
    names: Message | Names = Names(tuple(f'"{header}"' for header in fits[:5]))
    if len(fits) > 5:
        names = Message("{names} and {number} more", names=names, number=len(fits) - 5)
    return Message(
        "has more than one column for {name}: {names}: rename one", name=name, names=names
    )


def _told_of_periods(
    found: Found, column: Column, days: Sequence[Cell], events: Sequence[Sequence[Cell]]
) -> list[Message]:
    """Remarks on days that may stand for more. Raises Unreadable for those that surely do."""
    header = found.headers[found.places[column.name]]
    if column.monthly:
        longer, remark = longer_than_months(header, days), None
    elif column.weekly:
        longer, remark = longer_than_weeks(header, days), None
    else:
        if events:
            rows = zip(days, *events, strict=True)
            days = [day for day, *marks in rows if all(mark is None for mark in marks)]
        longer, remark = longer_than_days(header, days), first_days(header, days)
    if longer:
        raise Unreadable(longer)
    return [remark] if remark else []


def _rows_with_data(columns: list[list[Cell]]) -> Sequence[int]:
    """The rows in which some column has a value."""
    if any(None not in cells for cells in columns):
        return range(len(columns[0]))
    rows = enumerate(zip(*columns, strict=True))
    return [row for row, cells in rows if any(cell is not None for cell in cells)]
