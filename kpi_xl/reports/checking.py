"""Check data: what does not fit in the tables of a workbook, column by column."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from kpi_xl.cells import Cell
from kpi_xl.errors import EXCEL_ERRORS
from kpi_xl.reference import domain_text
from kpi_xl.reports import layout
from kpi_xl.reports.records import Change, Filled, OpenWorkbook, ReportError
from kpi_xl.schema import Column, Input
from kpi_xl.serials import serial
from kpi_xl.units import DATE, KEY, LOGICAL, TEXT


class Finding(NamedTuple):
    """What is wrong: in which column, first in which row of the sheet, what to do, how often."""

    where: str
    row: int | None
    what: str
    times: int = 1

    def __str__(self) -> str:
        return f"{self.where}:{self.row or ''}: {self.what}".replace("::", ":")


def checked(book: OpenWorkbook, tables: Sequence[Input]) -> Change:
    """What is wrong in the tables as they are; no file is read, and no table changes."""
    findings: list[Finding] = []
    rows = 0
    for known in tables:
        table = book.tables.get(known.name)
        if table is None:
            what = book.phrase("This workbook has no table {table} any more.", table=known.name)
            findings.append(Finding(known.name, None, what))
            continue
        headers = [header.lower() for header in table.headers]
        columns = {
            column.name: [cells[headers.index(column.name.lower())] for cells in table.rows]
            for column in known.columns
            if column.name.lower() in headers
        }
        first = table.place.row + 1
        findings += found_in(book, known, columns, first)
        rows += sum(any(cell is not None for cell in cells) for cells in table.rows)
        uncounted = [
            number
            for number, cells in enumerate(table.below, first + len(table.rows) + table.totals)
            if any(cell not in (None, "") for cell in cells)
        ]
        if uncounted:
            what = book.phrase(
                "{count} rows below the table are not counted: draw its lower corner down over"
                " them, or move them elsewhere.", count=f"{len(uncounted):,}")  # fmt: skip
            findings.append(Finding(known.name, uncounted[0], what, len(uncounted)))
    count = sum(finding.times for finding in findings)
    if findings:
        message = book.phrase("Problems: {count}; see the sheet Checks.", count=count)
    elif rows:
        message = book.phrase("{rows} rows checked, no problem found.", rows=f"{rows:,}")
    else:
        raise ReportError(book.phrase("The tables are empty: fill them, or load them from files."))
    return Change((), listed(book, findings), message, count)


def found_in(
    book: OpenWorkbook, known: Input, columns: Mapping[str, Sequence[Cell]], first: int
) -> list[Finding]:
    """What does not fit in a table's columns; `first` is the sheet's row of their first cells."""
    findings = []
    used = [any(cell not in (None, "") for cell in row) for row in zip(*columns.values())]  # noqa: B905 - a row the less has no cells
    for column in known.columns:
        where = f"{known.name}[{column.name}]"
        if column.name not in columns:
            what = book.phrase("The table {table} has no column {column}: give it its name again.",
                             table=known.name, column=column.name)  # fmt: skip
            findings.append(Finding(where, None, what))
            continue
        choices = column.words
        if _all_fit(column, choices, columns[column.name]):
            continue
        wrong: dict[str, list[int]] = {}
        for place, cell in enumerate(columns[column.name]):
            kind = _wrong(column, choices, cell) if used[place] else ""
            if kind:
                wrong.setdefault(kind, []).append(place)
        for kind, places in wrong.items():
            what = book.phrase(
                kind,
                count=f"{len(places):,}",
                example=_shown(columns[column.name][places[0]]),
                domain=domain_text(column.unit.domain, book.language),
                words=", ".join(choices),
            )
            findings.append(Finding(where, first + places[0], what, len(places)))
    return findings


def listed(book: OpenWorkbook, findings: Sequence[Finding]) -> tuple[Filled, ...]:
    """The list of what was found, for its place in the sheet Checks, and how much it is."""
    corner, number = book.named.get(layout.FINDINGS), book.named.get(layout.FINDING_COUNT)
    if corner is None or number is None:
        return ()  # the user has deleted the sheet
    shown = list(findings)
    if len(shown) > layout.FINDINGS_ROOM:
        more = book.phrase("and {count} more", count=len(shown) - layout.FINDINGS_ROOM + 1)
        shown[layout.FINDINGS_ROOM - 1 :] = [Finding("…", None, more)]
    rows = [[f.where, None, None if f.row is None else float(f.row), None, f.what] for f in shown]
    rows += [[None] * layout.FINDINGS_WIDTH for _ in range(layout.FINDINGS_ROOM - len(rows))]
    total = float(sum(finding.times for finding in findings))
    return Filled(corner, rows), Filled(number, [[total or None]])


NOT_NUMBERS = (
    "Cells that are text, not numbers: {count}, such as {example}. Write them as numbers, or leave"
    " them blank."
)
NOT_DATES = (
    "Cells that are no dates: {count}, such as {example}. Write them as dates, such as 2024-01-31,"
    " or leave them blank."
)
OUTSIDE = "Numbers that the column cannot have: {count}, such as {example}; it must be {domain}."
ERRORS = "Cells that hold an error: {count}, such as {example}. Correct them, or leave them blank."
BLANKS = "Blank cells, where every row needs one: {count}. Fill them, or delete the rows."
NO_CHOICE = "Cells that hold none of the words {words}: {count}, such as {example}."
NOT_LOGICAL = "Cells that are neither TRUE nor FALSE: {count}, such as {example}."
KINDS = (NOT_NUMBERS, NOT_DATES, OUTSIDE, ERRORS, BLANKS, NO_CHOICE, NOT_LOGICAL)
"""What can be wrong with the cells of a column."""


def _all_fit(column: Column, choices: Sequence[str], cells: Sequence[Cell]) -> bool:
    """Whether all cells surely fit: what spares a look at each of a million."""
    kinds = set(map(type, cells))
    if choices or column.unit is LOGICAL or (column.filled and type(None) in kinds):
        return False
    if column.unit in (KEY, TEXT):
        return not column.filled and EXCEL_ERRORS.isdisjoint(cells)
    if column.unit is DATE:
        return kinds <= {date, datetime, type(None)}
    numbers = [cell for cell in cells if cell is not None]
    low, high = column.unit.domain.closed
    return kinds <= {float, type(None)} and (
        not numbers or (low <= min(numbers) and max(numbers) <= high)
    )


def _wrong(column: Column, choices: Sequence[str], cell: Cell) -> str:
    """What is wrong with a cell of a row that is in use; nothing if it fits."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return BLANKS if column.filled else ""
    if isinstance(cell, str) and cell in EXCEL_ERRORS:
        return ERRORS
    if choices and column.unit in (KEY, TEXT):
        return "" if str(cell).strip().lower() in [one.lower() for one in choices] else NO_CHOICE
    if column.unit in (KEY, TEXT):
        return ""
    if column.unit is LOGICAL:
        return "" if isinstance(cell, bool) else NOT_LOGICAL
    if isinstance(cell, bool) or not isinstance(cell, date | float | int | Decimal):
        return NOT_DATES if column.unit is DATE else NOT_NUMBERS
    number = serial(cell) if isinstance(cell, date) else float(cell)
    low, high = column.unit.domain.closed
    return "" if low <= number <= high else OUTSIDE


def _shown(cell: Cell) -> str:
    text = f"{cell:g}" if isinstance(cell, float) else str(cell)
    return f'"{text if len(text) <= 40 else text[:37] + "..."}"'
