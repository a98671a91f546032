"""Refresh report, Load data: the tables of a workbook read anew from the files that it names."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from kpi_xl.cells import Block, Cell
from kpi_xl.exports import (
    Filling,
    Note,
    Options,
    Request,
    known_layouts,
    options_from,
    parts_of,
    read_files,
    read_files_apart,
)
from kpi_xl.locales import in_language, say
from kpi_xl.reports import layout
from kpi_xl.reports.checking import Finding, found_in, listed
from kpi_xl.reports.folders import allowed_folders, layouts_folder, permitted
from kpi_xl.reports.records import (
    Change,
    Filled,
    OpenWorkbook,
    Place,
    ReportError,
    Resized,
    Table,
)
from kpi_xl.schema import Input
from kpi_xl.serials import serial
from kpi_xl.sources import ReadTable, SourceError, connections
from kpi_xl.units import SHEET_ROWS

Progress = Callable[[str, float], None]
"""Called with what is being done, and how much of it is done, from 0 to 1."""


@dataclass
class Source:
    """A row of the table Sources that names a file, what it says of it, and where the file is."""

    table: Input
    file: str
    options: Options
    row: int
    path: str = ""


def loaded(
    book: OpenWorkbook,
    tables: Sequence[Input],
    now: datetime,
    *,
    only: str = "",
    progress: Progress = lambda what, done: None,
) -> Change:
    """The tables of a workbook as their files have them now, or `only` the one of that name.

    All or nothing: where a file or a row cannot be read, only the list of what was found changes.
    Raises ReportError where there is nothing to read.
    """
    listing = book.tables.get(layout.SOURCES)
    if listing is None:
        raise ReportError(book.phrase("This workbook has no table Sources, which names the files."))
    given, findings = _sources(book, listing, tables, only)
    if not given and not findings:
        where = only or ", ".join(table.name for table in tables)
        raise ReportError(book.phrase("Name a file in the sheet Sources first, for {table}.",
                                    table=where))  # fmt: skip
    filling = _read(book, given, tables, findings, progress)
    read = filling.tables if filling else {}
    resized, blocks = _put_in(book, tables, read, findings)
    if findings:
        message = book.phrase("Nothing was loaded: {reason}", reason=findings[0].what)
        told = tuple(map(str, findings))
        return Change((), listed(book, findings), message, len(findings), told, refused=True)
    for source in given:
        notes = [note for note in (filling.notes if filling else ()) if note.key == source.row]
        blocks += _stamped(listing, source, notes, now, book.language)
    for wanted in tables:
        if wanted.name in read:
            first = book.tables[wanted.name].place.row + 1
            findings += found_in(book, wanted, read[wanted.name].columns, first)
    about = book.named.get(layout.ABOUT)
    if about and not only:
        files = ", ".join(Path(source.file.replace("\\", "/")).name for source in given)
        blocks.append(Filled(about, [[say(layout.FILLED, book.language).format(files=files)]]))
    counts = "; ".join(
        book.phrase("{table}: {rows} rows", table=name, rows=f"{found.rows:,}")
        for name, found in read.items()
    )
    message = book.phrase("Loaded: {tables}.", tables=counts)
    found_wrong = sum(finding.times for finding in findings)
    if findings:
        message += " " + book.phrase("Problems: {count}; see the sheet Checks.", count=found_wrong)
    whole = (*blocks, *listed(book, findings))
    left_out = tuple(
        f"{note.table}: {remarks}"
        for note in (filling.notes if filling else ())
        if (remarks := note.remarks(book.language))
    )
    told = tuple(map(str, findings))
    return Change(tuple(resized), whole, message, found_wrong, told, left_out)


def _put_in(
    book: OpenWorkbook,
    tables: Sequence[Input],
    read: Mapping[str, ReadTable],
    findings: list[Finding],
) -> tuple[list[Resized], list[Filled]]:
    """How the tables change by what was read; what does not fit is added to the findings."""
    resized: list[Resized] = []
    blocks: list[Filled] = []
    for wanted in tables:
        found = read.get(wanted.name)
        if found is None:
            continue
        table = book.tables.get(wanted.name)
        problem = _misfit(book, wanted, table, found.rows)
        if problem or table is None:
            findings.append(Finding(wanted.name, None, problem))
            continue
        rows = max(found.rows, layout.LEAST_ROWS)
        if rows != len(table.rows):
            resized.append(Resized(table.name, rows))
        blocks += _filled(table, found.columns, max(rows, len(table.rows)))
    return resized, blocks


def _read(
    book: OpenWorkbook,
    given: Sequence[Source],
    tables: Sequence[Input],
    findings: list[Finding],
    progress: Progress,
) -> Filling | None:
    """What the files hold; what is in the way is added to the findings, by the row of its file."""
    where = f"{layout.SOURCES}[file]"
    requests = []
    for source in given:
        try:
            origin = connections.origin(source.file, of_workbook=True)
            path = Path(source.file)
            if origin is None:
                path = permitted(source.file, book.folder, allowed_folders())
        except SourceError as error:
            findings += _told(book, where, source.row, error)
            continue
        source.path = str(path)
        requests.append(Request(path, source.table.name, source.options, origin, source.row))
    columns = {table.name: table.columns for table in tables}
    try:
        served = bool(os.environ.get("XLWINGS_ON_SERVER"))
        layouts = known_layouts() if served else known_layouts(layouts_folder())
        read = read_files_apart if book.apart or served else read_files
        return read(requests, columns, layouts, report_currency=book.currency, progress=progress)
    except SourceError as error:
        for fault in error.args:
            # One name may begin with another's: orders.csv.gz, orders.csv.
            at_fault = [one for one in given if one.path and fault.startswith(one.path)]
            source = max(at_fault, key=lambda one: len(one.path), default=given[0])
            findings += _told(book, where, source.row, SourceError(fault))
    return None


def _told(book: OpenWorkbook, where: str, row: int, error: SourceError) -> Iterator[Finding]:
    """What is in the way, a line each, in the workbook's language as far as it has the words."""
    for fault in error.args:
        for line in in_language(fault, book.language).splitlines():
            yield Finding(where, row, line)


def _sources(
    book: OpenWorkbook, listing: Table, tables: Sequence[Input], only: str
) -> tuple[list[Source], list[Finding]]:
    """The rows that name files, and what is wrong with the list."""
    known = {table.name.lower(): table for table in tables}
    places = {header: place for place, header in enumerate(listing.headers)}
    missing = [name for name in layout.SOURCE_COLUMNS if name not in places]
    if missing:
        raise ReportError(book.phrase(
            "The table {table} has no column {column}: give it its name again.",
            table=layout.SOURCES, column=missing[0]))  # fmt: skip
    given: list[Source] = []
    findings = []
    for number, cells in enumerate(listing.rows, start=listing.place.row + 1):
        name, file, columns = (
            str(cells[places[header]] or "").strip() for header in ("table", "file", "columns")
        )
        if not file or (only and name.lower() != only.lower()):
            continue
        table = known.get(name.lower())
        if table is None:
            problem = book.phrase(
                "{name} is no table of this template; there are {tables}.",
                name=name or "?", tables=", ".join(table.name for table in tables))  # fmt: skip
            findings.append(Finding(f"{layout.SOURCES}[table]", number, problem))
            continue
        renamed = {}
        options = []
        for part in parts_of(columns):
            word, _, value = part.removeprefix("--").partition(" ")
            if part.startswith("--") and word != "map":
                options.append((word.strip(), value))
                continue
            pair = value.strip().strip('"') if part.startswith("--") else part
            theirs, _, ours = (text.strip() for text in pair.rpartition("="))
            if not theirs or not ours:
                problem = book.phrase(
                    '"{text}" is not written as Their name=our column.', text=part
                )
                findings.append(Finding(f"{layout.SOURCES}[columns]", number, problem))
            renamed[theirs] = ours
        try:
            given.append(Source(table, file, options_from(options, renamed), number))
        except SourceError as error:
            findings += _told(book, f"{layout.SOURCES}[columns]", number, error)
    return given, findings


def _misfit(book: OpenWorkbook, known: Input, table: Table | None, rows: int) -> str:
    """Why the rows cannot be written into the workbook's table; nothing if they can."""
    if table is None:
        return book.phrase("This workbook has no table {table} any more.", table=known.name)
    missing = [c.name for c in known.columns if c.name.lower() not in _lower(table.headers)]
    if missing:
        return book.phrase("The table {table} has no column {column}: give it its name again.",
                         table=table.name, column=missing[0])  # fmt: skip
    if table.totals:
        return book.phrase("The table {table} has a totals row: switch it off.", table=table.name)
    if table.place.row + rows > SHEET_ROWS:
        return book.phrase("{rows} rows do not fit into the sheet {table}.",
                         rows=f"{rows:,}", table=table.place.sheet)  # fmt: skip
    ours = [_lower(table.headers).index(c.name.lower()) for c in known.columns]
    for number, cells in enumerate(table.below[: max(0, rows - len(table.rows))]):
        if any(cells[place] is not None for place in ours):
            row = table.place.row + len(table.rows) + 1 + number
            return book.phrase(
                "The table {table} needs more rows, but row {row} below it is not blank: move what"
                " stands there.", table=table.name, row=row)  # fmt: skip
    return ""


def _lower(headers: Sequence[str]) -> list[str]:
    return [header.lower() for header in headers]


def _filled(table: Table, columns: dict[str, list[Cell]], height: int) -> Iterator[Filled]:
    """The columns as blocks of cells, side by side where the table has them so.

    The cells of rows that are left over become blank; the user's own columns stay as they are.
    """
    headers = _lower(table.headers)
    # A workbook of an earlier version lacks columns that came later.
    cells = {
        headers.index(name.lower()): column
        for name, column in columns.items()
        if name.lower() in headers
    }
    for _, group in groupby(enumerate(sorted(cells)), lambda pair: pair[1] - pair[0]):
        places = [place for _, place in group]
        side = [_padded(list(map(as_cell, cells[place])), height) for place in places]
        corner = Place(table.place.sheet, table.place.row + 1, table.place.column + places[0])
        yield Filled(corner, [list(row) for row in zip(*side, strict=True)])


def _padded(cells: list[Cell], height: int) -> list[Cell]:
    return [*cells, *[None] * (height - len(cells))]


def as_cell(cell: Cell) -> Cell:
    """A cell as every host writes it: a date as its serial number, every number a float."""
    if isinstance(cell, date):
        return serial(cell)
    if isinstance(cell, int | Decimal) and not isinstance(cell, bool):
        return float(cell)
    return None if cell == "" else cell


def _stamped(
    listing: Table, source: Source, notes: Sequence[Note], now: datetime, language: str
) -> Iterator[Filled]:
    """When a file was loaded, how many rows, what it was taken for, what was left out."""
    record = {
        "loaded": serial(now),
        "rows": float(sum(note.rows for note in notes)),
        "remarks": "; ".join(filter(None, (note.remarks(language) for note in notes))),
    }
    for name, value in record.items():
        place = listing.place.column + listing.headers.index(name)
        block: Block = [[value or None]]
        yield Filled(Place(listing.place.sheet, source.row, place), block)
