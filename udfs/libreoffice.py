"""A workbook that is open in LibreOffice Calc, as the reports see it, and what its menu KPI does.

It runs in LibreOffice's Python. Tables of Excel are database ranges there, under the same names.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uno
from com.sun.star.beans.PropertyState import AMBIGUOUS_VALUE as AMBIGUOUS
from com.sun.star.uno import RuntimeException

from kpi_xl.cells import Block, Cell
from kpi_xl.hosts.libreoffice.blocks import fit, no_room
from kpi_xl.hosts.libreoffice.document import (
    CODES,
    XLSX,
    bind,
    follow,
    office_language,
    service,
    settings,
    tidied,
)
from kpi_xl.hosts.libreoffice.names import plain
from kpi_xl.hosts.libreoffice.sheets import (
    CONTENTS,
    FORMULAS,
    first_cell,
    formula_blocks,
    quietly,
)
from kpi_xl.locales import Message
from kpi_xl.reports import commands, layout
from kpi_xl.reports.commands import NOT_SAVED, ActiveCell
from kpi_xl.reports.loading import Progress
from kpi_xl.reports.records import Change, Filled, OpenWorkbook, Place, ReportError, Table
from kpi_xl.schema import Input

LOGICAL = 1024  # com.sun.star.util.NumberFormat.LOGICAL
CONSTANTS = 1 | 2 | 4 | 8  # com.sun.star.sheet.CellFlags: numbers, dates, texts, notes
LOOKS = 32 | 64  # hard attributes and styles


@dataclass(frozen=True)
class CalcWorkbook:
    """A workbook in Calc, as the commands of the reports take it."""

    document: Any

    @property
    def name(self) -> str:
        """What Calc calls it."""
        return str(self.document.Title)

    @property
    def template(self) -> str | None:
        """The template that it was made from, None if from none."""
        cell = first_cell(self.document, layout.TEMPLATE)
        return None if cell is None else cell.getString() or None

    @property
    def language(self) -> str:
        """The language that its template was made in; nothing without a template."""
        return language_of(self.document)

    def opened(self, inputs: Sequence[Input]) -> OpenWorkbook:
        """The workbook as it is: its marked cells, and these tables with their rows."""
        return opened(self.document, inputs)

    def writing(self) -> AbstractContextManager[Progress]:
        """Calc tells of the progress in its status bar."""
        return progressing(self.document)

    def apply(self, change: Change, progress: Progress) -> None:
        """Write a change, or, where Calc refuses a part of it, nothing."""
        apply(self.document, change, progress)

    def compute(self) -> str:
        """Give blocks their new sizes; a sentence on those that have no room for it."""
        blocked = fit(self.document)
        return no_room(self.document, ", ".join(blocked)) if blocked else ""

    def tables_in_front(self) -> list[str]:
        """The names of the tables on the active sheet."""
        front = self.document.CurrentController.ActiveSheet.RangeAddress.Sheet
        ranges = self.document.DatabaseRanges
        return [
            name for name in ranges.ElementNames if ranges.getByName(name).DataArea.Sheet == front
        ]

    @contextmanager
    def active_cell(self) -> Iterator[ActiveCell]:
        """The first cell of what is chosen. Raises ReportError."""
        cell = self.document.CurrentSelection
        if not hasattr(cell, "RangeAddress") and not hasattr(cell, "CellAddress"):
            raise ReportError(Message("No cell is active: choose one on a sheet."))
        sheet, place = cell.Spreadsheet, cell.RangeAddress
        cell = sheet.getCellByPosition(place.StartColumn, place.StartRow)
        text = cell.getFormula().removeprefix("{").removesuffix("}").removeprefix("=")
        formula = plain(text).replace("[#This Row];", "[#This Row],")
        shown = _value(cell, cell.getDataArray()[0][0])
        with quietly(self.document):
            yield ActiveCell(
                f"={formula}",
                place.StartRow + 1,
                lambda: tables_of(self.document, self.tables_in_front()),
                values_in(sheet, self.document.NumberFormats),
                lambda _: shown,
                ";",
            )

    def copy(self) -> tuple[Path, bytes]:
        """Where its file is, as .xlsx, and its content as Excel would save it."""
        if folder_of(self.document) is None:
            raise ReportError(NOT_SAVED)
        with TemporaryDirectory() as temporary:
            copy = Path(temporary) / "copy.xlsx"
            url = uno.systemPathToFileUrl(str(copy))
            self.document.storeToURL(url, settings(FilterName=XLSX))
            content = tidied(copy.read_bytes())
        own = Path(uno.fileUrlToSystemPath(self.document.getURL()))
        return own.with_suffix(".xlsx"), content


def outcome(document: Any, command: str, language: str) -> tuple[str, bool]:
    """Do what an entry of the menu says: its sentence, and whether that tells of a mistake.

    `language` is LibreOffice's, for a workbook that was made from no template.
    """
    follow(document)
    book = CalcWorkbook(document)
    if command == commands.explain_cell.__name__:
        return commands.answer(commands.explain_cell, book, language)
    return commands.answer(COMMANDS[command], book)


COMMANDS = {
    command.__name__: command
    for command in (
        commands.refresh_report,
        commands.load_data,
        commands.check_data,
        commands.freeze_for_sharing,
        commands.freeze_with_formulas,
    )
}
"""What the menu does to a workbook, by the names that the buttons for Excel have, too."""


def new_workbook(context: Any, name: str) -> Any:
    """A new document from a template, empty, in the language of LibreOffice."""

    def open_copy(path: Path) -> Any:
        desktop = service(context, "com.sun.star.frame.Desktop")
        url = uno.systemPathToFileUrl(str(path))
        return desktop.loadComponentFromURL(url, "_blank", 0, settings(AsTemplate=True))

    build = import_module("kpi_xl.workbook_templates").empty
    document = commands.new_workbook(name, office_language(context), build, open_copy)
    bind(document)
    return document


# The workbook as it is


def language_of(document: Any) -> str:
    """The language that the workbook's template was made in; nothing without a template."""
    return text_of(document, layout.LANGUAGE)


def text_of(document: Any, name: str) -> str:
    """The text of the cell of a name, empty where there is none."""
    cell = first_cell(document, name)
    return "" if cell is None else str(cell.getString())


def opened(document: Any, tables: Any) -> OpenWorkbook:
    """The workbook as it is: its marked cells, and these tables with their rows."""
    if document.NullDate.Year != 1899:
        raise ReportError(
            Message("This workbook counts dates from 1904: switch that off in its options.")
        )
    found = {name: first_cell(document, name) for name in layout.PLACES}
    return OpenWorkbook(
        language=language_of(document) or "en",
        folder=folder_of(document),
        tables=tables_of(document, {layout.SOURCES, *(table.name for table in tables)}),
        named={name: _place(cell) for name, cell in found.items() if cell is not None},
        currency=text_of(document, layout.CURRENCY),
    )


def folder_of(document: Any) -> Path | None:
    """Where the workbook's file is; one that is nowhere on this computer has no folder."""
    url = document.getURL()
    return Path(uno.fileUrlToSystemPath(url)).parent if url.startswith("file:") else None


def tables_of(document: Any, names: Container[str]) -> dict[str, Table]:
    """The tables of these names, with their rows."""
    return {
        name: _table(document, name)
        for name in document.DatabaseRanges.ElementNames
        if name in names
    }


def _place(cell: Any) -> Place:
    address = cell.RangeAddress
    return Place(cell.Spreadsheet.Name, address.StartRow + 1, address.StartColumn + 1)


def _table(document: Any, name: str) -> Table:
    found = document.DatabaseRanges.getByName(name)
    if not found.ContainsHeader:
        raise ReportError(
            Message("The table {table} shows no header row: switch it on.", table=name)
        )
    area = found.DataArea
    sheet = document.Sheets.getByIndex(area.Sheet)
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    used, totals = cursor.RangeAddress.EndRow, bool(found.TotalsRow)

    def rows(top: int, bottom: int) -> Block:
        if bottom < top:
            return []
        cells = sheet.getCellRangeByPosition(area.StartColumn, top, area.EndColumn, bottom)
        return cells_of(cells, document.NumberFormats)

    return Table(
        name=name,
        place=Place(sheet.Name, area.StartRow + 1, area.StartColumn + 1),
        headers=tuple(str(cell) for cell in rows(area.StartRow, area.StartRow)[0]),
        rows=rows(area.StartRow + 1, area.EndRow - totals),
        below=rows(area.EndRow + 1, used),
        totals=totals,
    )


def cells_of(area: Any, formats: Any) -> Block:
    """The cells of a range: blanks None, errors their text, TRUE and FALSE where shown as such."""
    columns = range(area.Columns.Count)
    logical = [_may_be_logical(area.Columns.getByIndex(place), formats) for place in columns]

    def cell(i: int, j: int, value: Any) -> Cell:
        if value in (0.0, 1.0) and logical[j] and _logical(area.getCellByPosition(j, i), formats):
            return bool(value)
        return _value(area.getCellByPosition(j, i) if value is None else None, value)

    return [
        [cell(i, j, value) for j, value in enumerate(row)]
        for i, row in enumerate(area.getDataArray())
    ]


def _value(cell: Any, value: Any) -> Cell:
    """A cell as Calc hands it over: nothing for an error, and an empty text for a blank."""
    if value is None:
        return CODES.get(cell.getError(), "#VALUE!")
    return None if value == "" else value


def _may_be_logical(column: Any, formats: Any) -> bool:
    return column.getPropertyState("NumberFormat") == AMBIGUOUS or _logical(column, formats)


def _logical(cells: Any, formats: Any) -> bool:
    """Whether numbers are shown as TRUE and FALSE."""
    return bool(formats.getByKey(cells.getPropertyValue("NumberFormat")).Type & LOGICAL)


# Writing


def apply(document: Any, change: Change, progress: Progress) -> None:
    """Write a change, or, where Calc refuses a part of it, nothing; it cannot be undone after."""
    sheets = document.Sheets
    areas = [document.DatabaseRanges.getByName(name).DataArea for name, _ in change.resized]
    touched = {sheets.getByIndex(area.Sheet).Name for area in areas}
    touched |= {block.place.sheet for block in change.blocks}
    for name in sorted(touched):
        if sheets.getByName(name).isProtected():
            raise ReportError(
                Message("The sheet {sheet} is protected: remove its protection first.", sheet=name)
            )
    undo: list[Callable[[], None]] = []
    with quietly(document):
        try:
            for name, rows in change.resized:
                _resize(document, name, rows, undo)
            for done, block in enumerate(change.blocks):
                progress(block.place.sheet, done / len(change.blocks))
                _write(document, block, undo)
        except BaseException:
            for step in reversed(undo):
                step()
            raise
    document.UndoManager.clear()  # what was done before does not fit any more
    document.calculate()
    list_of_problems = first_cell(document, layout.FINDINGS)
    if change.found and list_of_problems is not None:
        document.CurrentController.setActiveSheet(list_of_problems.Spreadsheet)


def _resize(document: Any, name: str, rows: int, undo: list[Callable[[], None]]) -> None:
    """Give a table another number of rows; those that are new look like its last one.

    The user's own columns go on with their formulas.
    """
    table = document.DatabaseRanges.getByName(name)
    old, new = table.DataArea, table.DataArea
    new.EndRow = old.StartRow + rows
    sheet = document.Sheets.getByIndex(old.Sheet)
    if new.EndRow > old.EndRow:
        added = sheet.getCellRangeByPosition(
            old.StartColumn, old.EndRow + 1, old.EndColumn, new.EndRow
        )
        undo.append(_as_it_was(added))
        undo.append(lambda: added.clearContents(FORMULAS | LOOKS))
        last = old.EndRow
        while last < new.EndRow:  # twice as many each time
            first = max(old.EndRow, last - (new.EndRow - last) + 1)
            source = sheet.getCellRangeByPosition(old.StartColumn, first, old.EndColumn, last)
            target = sheet.getCellByPosition(old.StartColumn, last + 1).CellAddress
            sheet.copyRange(target, source.RangeAddress)
            last += last - first + 1
        added.clearContents(CONSTANTS)
    undo.append(lambda: table.setDataArea(old))
    table.setDataArea(new)


def _write(document: Any, block: Filled, undo: list[Callable[[], None]]) -> None:
    left, top = block.place.column - 1, block.place.row - 1
    right, bottom = left + len(block.rows[0]) - 1, top + len(block.rows) - 1
    sheet = document.Sheets.getByName(block.place.sheet)
    area = sheet.getCellRangeByPosition(left, top, right, bottom)
    undo.append(_as_it_was(area))
    area.setDataArray(tuple(tuple(map(_typed, row)) for row in block.rows))
    for i, row in enumerate(block.rows):
        for j, cell in enumerate(row):
            if isinstance(cell, bool):
                formats = document.NumberFormats
                key = formats.getStandardFormat(LOGICAL, document.CharLocale)
                area.getCellByPosition(j, i).setPropertyValue("NumberFormat", key)


def _typed(cell: Cell) -> Any:
    """A cell as Calc takes it: text stays text; it has no TRUE and FALSE of its own."""
    if cell is None:
        return ""
    return float(cell) if isinstance(cell, bool) else cell


def _as_it_was(area: Any) -> Callable[[], None]:
    """What puts back the values and formulas that an area has now."""
    values = area.getDataArray()
    place = area.RangeAddress
    formulas = [(block.RangeAddress, block.getFormulaArray()) for block in formula_blocks(area)]

    def put_back() -> None:
        area.setDataArray(tuple(tuple("" if v is None else v for v in row) for row in values))
        for where, texts in formulas:
            area.getCellRangeByPosition(
                where.StartColumn - place.StartColumn, where.StartRow - place.StartRow,
                where.EndColumn - place.StartColumn, where.EndRow - place.StartRow,
            ).setFormulaArray(texts)  # fmt: skip

    return put_back


@contextmanager
def progressing(document: Any) -> Iterator[Progress]:
    """Tell of the progress in the status bar, which is as before afterwards."""
    indicator = document.CurrentController.Frame.createStatusIndicator()

    def tell(what: str, done: float) -> None:
        indicator.setText(f"KPI: {what} ({done:.0%})")
        indicator.setValue(round(100 * done))

    indicator.start("KPI", 100)
    try:
        yield tell
    finally:
        indicator.end()


# Explaining


def values_in(sheet: Any, formats: Any) -> Callable[[str], Cell | Block]:
    """What tells the values of pieces of a formula on a sheet. It raises LookupError."""

    def value(piece: str) -> Cell | Block:
        try:
            rows = cells_of(sheet.getCellRangeByName(piece), formats)
        except RuntimeException:  # no reference
            rows = _evaluated(sheet, piece, formats)
        return rows if len(rows) > 1 or len(rows[0]) > 1 else rows[0][0]

    return value


def _evaluated(sheet: Any, piece: str, formats: Any) -> Block:
    """A piece as an array formula in the last cells of the sheet, which are cleared again.

    It raises LookupError, also where the user has filled some of them.
    """
    columns, rows = sheet.Columns.Count, sheet.Rows.Count
    free = sheet.getCellByPosition(columns - 1, rows - 1)
    _check_blank(free)
    sizes = []
    for function in ("ROWS", "COLUMNS"):
        free.setArrayFormula(f"={function}({piece})")
        sizes.append(int(free.getValue()) or 1)  # a number by itself has no rows for Calc
        free.setArrayFormula("")
    height, width = sizes
    if height > rows // 2 or width > columns // 2:
        raise LookupError(f"LibreOffice does not evaluate {piece}")
    area = sheet.getCellRangeByPosition(columns - width, rows - height, columns - 1, rows - 1)
    _check_blank(area)
    area.setArrayFormula(f"={piece}")
    try:
        error = area.getCellByPosition(0, 0).getError()
        if error and error not in CODES:
            raise LookupError(f"LibreOffice shows Err:{error} for {piece}")
        return cells_of(area, formats)
    finally:
        area.setArrayFormula("")


def _check_blank(cells: Any) -> None:
    """Raise LookupError where some of these cells are filled."""
    if cells.queryContentCells(CONTENTS).Count:
        raise LookupError("the last cells of the sheet are not blank")
