"""A workbook that is open in LibreOffice Calc, as the reports see it, and what its menu KPI does.

It runs in LibreOffice's Python. Tables of Excel are database ranges there, under the same names.
"""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uno
from com.sun.star.beans.PropertyState import AMBIGUOUS_VALUE as AMBIGUOUS
from com.sun.star.uno import RuntimeException

from kpi_xl.cells import Block, Cell
from kpi_xl.files import write_whole
from kpi_xl.hosts.libreoffice.document import (
    CODES,
    FORMULAS,
    XLSX,
    bind,
    fit,
    formula_blocks,
    office_language,
    quietly,
    service,
    settings,
    tidied,
)
from kpi_xl.hosts.libreoffice.names import plain
from kpi_xl.ooxml.package import NotAWorkbookError
from kpi_xl.reports import (
    Change,
    Filled,
    Opened,
    Place,
    ReportError,
    Table,
    checked,
    inputs_of,
    layout,
    loaded,
)
from kpi_xl.reports.explaining import explained, in_row
from kpi_xl.reports.freezing import free_name, frozen
from kpi_xl.sources import SourceError

MISTAKES = (ReportError, SourceError, NotAWorkbookError)
"""What the user has to put right, with a sentence; all else is a bug, and comes as one."""

Progress = Callable[[str, float], None]
LOGICAL = 1024  # com.sun.star.util.NumberFormat.LOGICAL
CONSTANTS = 1 | 2 | 4 | 8  # com.sun.star.sheet.CellFlags: numbers, dates, texts, notes
LOOKS = 32 | 64  # hard attributes and styles


def told(document: Any, command: str, language: str) -> tuple[str, bool]:
    """Do what an entry of the menu says: its sentence, and whether that tells of a mistake.

    `language` is LibreOffice's, for a workbook that was made from no template.
    """
    try:
        return COMMANDS[command](document, language), False
    except MISTAKES as mistake:
        return str(mistake), True


def new_workbook(context: Any, name: str) -> Any:
    """A new document from a template, empty, in the language of LibreOffice."""
    templates = import_module("kpi_xl.workbook_templates")
    build = import_module("kpi_xl.workbook_templates.parts").build
    built = build(templates.template(name), {}, language=office_language(context))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.xlsx"
        path.write_bytes(built.content)
        desktop = service(context, "com.sun.star.frame.Desktop")
        url = uno.systemPathToFileUrl(str(path))
        document = desktop.loadComponentFromURL(url, "_blank", 0, settings(AsTemplate=True))
    bind(document)
    return document


def refresh_report(document: Any, language: str) -> str:
    """Load the tables anew from the files that the sheet Sources names."""
    return _loaded(document, "")


def load_data(document: Any, language: str) -> str:
    """Load one table: the one in whose sheet the active cell is."""
    tables = inputs_of(marker(document))
    there = {table.name for table in opened(document, tables).tables.values()
             if table.place.sheet == document.CurrentController.ActiveSheet.Name}  # fmt: skip
    name = next((table.name for table in tables if table.name in there), "")
    if not name:
        names = " or ".join(table.name for table in tables)
        raise ReportError(f"Go to the sheet of the table to load first: {names}.")
    return _loaded(document, name)


def check_data(document: Any, language: str) -> str:
    """List in the sheet Checks what is wrong with the tables; no file is read."""
    tables = inputs_of(marker(document))
    with progressing(document) as progress:
        change = checked(opened(document, tables), tables)
        apply(document, change, progress)
    return change.message


def explain_cell(document: Any, language: str) -> str:
    """What the functions of the active cell computed, from what, and why there is an error."""
    cell = document.CurrentSelection
    if not hasattr(cell, "RangeAddress") and not hasattr(cell, "CellAddress"):
        raise ReportError("No cell is active: choose one on a sheet.")
    sheet, place = cell.Spreadsheet, cell.RangeAddress
    cell = sheet.getCellByPosition(place.StartColumn, place.StartRow)
    formula = plain(cell.getFormula().removeprefix("{").removesuffix("}").removeprefix("="))
    here = {
        name: table
        for name, table in tables_of(document, document.DatabaseRanges.ElementNames).items()
        if table.place.sheet == sheet.Name
    }
    formula = in_row(formula.replace("[#This Row];", "[#This Row],"), place.StartRow + 1, here)
    with quietly(document):
        return explained(
            f"={formula}",
            values_in(sheet, document.NumberFormats),
            language_of(document) or language,
            ";",
            shown=_value(cell, cell.getDataArray()[0][0]),
        )


def freeze_for_sharing(document: Any, language: str) -> str:
    """A copy of the workbook with values for formulas, for people without the functions."""
    folder = folder_of(document)
    if folder is None:
        raise ReportError("Save the workbook in a folder of this computer first.")
    with TemporaryDirectory() as temporary:
        copy = Path(temporary) / "copy.xlsx"
        document.storeToURL(uno.systemPathToFileUrl(str(copy)), settings(FilterName=XLSX))
        content, formulas = frozen(tidied(copy.read_bytes()))
    own = Path(uno.fileUrlToSystemPath(document.getURL()))
    path = free_name(own.with_suffix(".xlsx"))
    write_whole(path, content)
    return f"{formulas:,} formulas are values in the copy, each kept in a note: {path}"


COMMANDS: dict[str, Callable[[Any, str], str]] = {
    command.__name__: command
    for command in (refresh_report, load_data, check_data, explain_cell, freeze_for_sharing)
}
"""What the menu does, by the names that the buttons for Excel have, too."""


def _loaded(document: Any, only: str) -> str:
    tables = inputs_of(marker(document))
    with progressing(document) as progress:
        book = opened(document, tables)
        change = loaded(book, tables, datetime.now(), only=only, progress=progress)
        apply(document, change, progress)
    blocked = fit(document)
    if not blocked:
        return change.message
    return f"{change.message} " + book.said(
        "{cells} show only a part of their tables: clear the cells below and beside them, then"
        " choose Enter the formulas anew in the menu KPI.",
        cells=", ".join(blocked),
    )


# The workbook as it is


def marker(document: Any) -> str | None:
    """The template that the workbook was made from, None if from none."""
    cell = _named(document, layout.TEMPLATE)
    return None if cell is None else cell.getString() or None


def language_of(document: Any) -> str:
    """The language that the workbook's template was made in; nothing without a template."""
    cell = _named(document, layout.LANGUAGE)
    return "" if cell is None else str(cell.getString())


def opened(document: Any, tables: Any) -> Opened:
    """The workbook as it is: its marked cells, and these tables with their rows."""
    if document.NullDate.Year != 1899:
        raise ReportError("This workbook counts dates from 1904: switch that off in its options.")
    places = {name: cell for name in layout.PLACES if (cell := _named(document, name)) is not None}
    return Opened(
        language=language_of(document) or "en",
        folder=folder_of(document),
        tables=tables_of(document, {layout.SOURCES, *(table.name for table in tables)}),
        named={name: _place(cell) for name, cell in places.items()},
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


def _named(document: Any, name: str) -> Any:
    """The first cell of a name, None where the workbook has it no more."""
    if not document.NamedRanges.hasByName(name):
        return None
    cells = document.NamedRanges.getByName(name).getReferredCells()
    return None if cells is None else cells.getCellByPosition(0, 0)


def _place(cell: Any) -> Place:
    address = cell.RangeAddress
    return Place(cell.Spreadsheet.Name, address.StartRow + 1, address.StartColumn + 1)


def _table(document: Any, name: str) -> Table:
    found = document.DatabaseRanges.getByName(name)
    if not found.ContainsHeader:
        raise ReportError(f"The table {name} shows no header row: switch it on.")
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
            raise ReportError(f"The sheet {name} is protected: remove its protection first.")
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
    if change.found and sheets.hasByName("Checks"):
        document.CurrentController.setActiveSheet(sheets.getByName("Checks"))


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
    """A piece as an array formula in the last cells of the sheet, which are cleared again."""
    columns, rows = sheet.Columns.Count, sheet.Rows.Count
    free = sheet.getCellByPosition(columns - 1, rows - 1)
    sizes = []
    for function in ("ROWS", "COLUMNS"):
        free.setArrayFormula(f"={function}({piece})")
        sizes.append(int(free.getValue()) or 1)  # a number by itself has no rows for Calc
        free.setArrayFormula("")
    height, width = sizes
    if height > rows // 2 or width > columns // 2:
        raise LookupError(f"LibreOffice does not evaluate {piece}")
    area = sheet.getCellRangeByPosition(columns - width, rows - height, columns - 1, rows - 1)
    area.setArrayFormula(f"={piece}")
    try:
        error = area.getCellByPosition(0, 0).getError()
        if error and error not in CODES:
            raise LookupError(f"LibreOffice shows Err:{error} for {piece}")
        return cells_of(area, formats)
    finally:
        area.setArrayFormula("")
