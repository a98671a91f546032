"""A workbook that is open in Excel, as the reports see it: through xlwings, on COM and remote.

The remote engine, behind Excel on the web and Mac, gets the workbook's values beforehand and
applies what was written when the script has ended: a failure in between writes nothing there.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xlwings as xw

from kpi_xl.cells import Block, Cell
from kpi_xl.formula_text import bare, calls
from kpi_xl.hosts.excel import NEWER_ERRORS, with_errors
from kpi_xl.hosts.lite import HOST
from kpi_xl.locales import Message
from kpi_xl.metrics import METRICS
from kpi_xl.reports import layout
from kpi_xl.reports.commands import NOT_SAVED, ActiveCell
from kpi_xl.reports.loading import Progress
from kpi_xl.reports.records import Change, OpenWorkbook, Place, ReportError, Table
from kpi_xl.schema import Input

AT_ONCE = 20_000  # rows written by one call
CELLS = {"ndim": 2, "err_to_str": True}


@dataclass(frozen=True)
class ExcelWorkbook:
    """A workbook in Excel, as the commands of the reports take it."""

    book: xw.Book

    @property
    def name(self) -> str:
        """What Excel calls it."""
        return str(self.book.name)

    @property
    def template(self) -> str | None:
        """The template that it was made from, None if from none."""
        return template_of(self.book)

    @property
    def language(self) -> str:
        """The language that its template was made in; nothing without a template."""
        return language_of(self.book)

    def opened(self, inputs: Sequence[Input]) -> OpenWorkbook:
        """The workbook as it is: its marked cells, and these tables with their rows."""
        return opened(self.book, inputs)

    def writing(self) -> AbstractContextManager[Progress]:
        """Excel neither draws nor computes, and tells of the progress in its status bar."""
        return quietly(self.book)

    def apply(self, change: Change, progress: Progress) -> None:
        """Write a change, or, where Excel refuses a part of it, nothing."""
        apply(self.book, change, progress)

    def compute(self) -> str:
        """Compute what depends on new rows, which Excel shows as far as they reach."""
        if not is_remote(self.book):
            self.book.app.calculate()
            bind(self.book)
        return ""

    def tables_in_front(self) -> list[str]:
        """The names of the tables on the active sheet."""
        return [table.name for table in self.book.sheets.active.tables]

    @contextmanager
    def active_cell(self) -> Iterator[ActiveCell]:
        """The active cell. Raises ReportError."""
        if is_remote(self.book):
            raise ReportError(
                Message(
                    "Excel on the web does not tell scripts the formula of a cell: download the"
                    " workbook, and use kpi-xl explain BOOK CELL in the terminal."
                )
            )
        cell = self.book.app.api.ActiveCell
        if cell is None:
            raise ReportError(Message("No cell is active: choose one on a sheet."))
        place = self.book.sheets[cell.Worksheet.Name].range(cell.Address)
        shown = place.options(err_to_str=True).value
        formula = formulas_of(cell)[0][0]
        yield ActiveCell(
            formula if _is_formula(formula, cell.Value2) else "",
            place.row,
            lambda: tables_of(self.book, {table.name for table in place.sheet.tables}),
            values_at(place),
            lambda _: shown,
        )

    def copy(self) -> tuple[Path, bytes]:
        """Where its file is, and its content as it is now. Raises ReportError."""
        if is_remote(self.book):
            raise ReportError(
                Message(
                    "Excel on the web does not let scripts save a copy: download the workbook, and"
                    " use kpi-xl freeze BOOK in the terminal."
                )
            )
        folder = folder_of(self.book)
        if folder is None:
            raise ReportError(NOT_SAVED)
        with TemporaryDirectory() as temporary:
            copy = Path(temporary) / self.book.name
            self.book.api.SaveCopyAs(str(copy))
            return folder / self.book.name, copy.read_bytes()


def is_remote(book: xw.Book) -> bool:
    """Whether Excel is elsewhere, and hears of what is written when the script has ended."""
    return bool(book.app.engine.type == "remote")


def template_of(book: xw.Book) -> str | None:
    """The template that the workbook was made from, None if from none."""
    cell = _named(book, layout.TEMPLATE)
    return None if cell is None else str(cell.value or "") or None


def opened(book: xw.Book, tables: Sequence[Input]) -> OpenWorkbook:
    """The workbook as it is: its marked cells, and these tables with their rows."""
    if not is_remote(book) and book.api.Date1904:
        raise ReportError(
            Message("This workbook counts dates from 1904: switch that off in its options.")
        )
    names = {layout.SOURCES, *(table.name for table in tables)}
    places = {name: cell for name in layout.PLACES if (cell := _named(book, name)) is not None}
    return OpenWorkbook(
        language=language_of(book) or "en",
        folder=folder_of(book),
        tables=tables_of(book, names),
        named={
            name: Place(cell.sheet.name, cell.row, cell.column) for name, cell in places.items()
        },
        currency=text_of(book, layout.CURRENCY),
    )


def language_of(book: xw.Book) -> str:
    """The language that the workbook's template was made in; nothing without a template."""
    return text_of(book, layout.LANGUAGE)


def text_of(book: xw.Book, name: str) -> str:
    """The text of the cell of a name, empty where there is none."""
    cell = _named(book, name)
    return "" if cell is None else str(cell.value or "")


def tables_of(book: xw.Book, names: Container[str]) -> dict[str, Table]:
    """The tables of these names, with their rows."""
    return {
        table.name: _table(sheet, table)
        for sheet in book.sheets
        for table in sheet.tables
        if table.name in names
    }


def _named(book: xw.Book, name: str) -> Any:
    """The first cell of a name, None where the workbook has it no more."""
    if name not in book.names:
        return None
    found = book.names[name]
    if "#REF!" in (found.refers_to or "#REF!"):
        return None
    return found.refers_to_range[0, 0]


def folder_of(book: xw.Book) -> Path | None:
    """Where the workbook's file is; one that is nowhere on this computer has no folder."""
    if is_remote(book):
        return None
    path = str(book.api.Path)  # an address, where the file is in a cloud
    return Path(path) if path and "://" not in path else None


def _table(sheet: xw.Sheet, table: Any) -> Table:
    if not table.show_headers:
        raise ReportError(
            Message("The table {table} shows no header row: switch it on.", table=table.name)
        )
    header, body = table.header_row_range, table.data_body_range
    bottom = (body or header).last_cell.row + bool(table.show_totals)
    used = sheet.used_range.last_cell.row
    left, right = header.column, header.last_cell.column
    below = []
    if used > bottom:
        below = sheet.range((bottom + 1, left), (used, right)).options(**CELLS).value
    return Table(
        name=table.name,
        place=Place(sheet.name, header.row, left),
        headers=tuple(str(cell) for cell in header.options(ndim=1).value),
        rows=with_errors(body.options(**CELLS).value) if body is not None else [],
        below=below,
        totals=bool(table.show_totals),
    )


# Writing


def apply(book: xw.Book, change: Change, progress: Progress) -> None:
    """Write a change, or, where Excel refuses a part of it, nothing."""
    remote = is_remote(book)
    touched = {book_table(book, name)[0] for name, _ in change.resized}
    touched |= {book.sheets[block.place.sheet] for block in change.blocks}
    for sheet in touched:
        if not remote and sheet.api.ProtectContents:
            raise ReportError(
                Message(
                    "The sheet {sheet} is protected: remove its protection first.", sheet=sheet.name
                )
            )
        _without_filters(sheet)
    undo: list[Callable[[], None]] = []
    try:
        for name, rows in change.resized:
            _resize(book, name, rows, undo)
        for done, block in enumerate(change.blocks):
            progress(block.place.sheet, done / len(change.blocks))
            area = _area(book, block.place, block.rows)
            if not remote:
                undo.append(_as_it_was(area))
            area.options(chunksize=AT_ONCE).value = [list(map(typed, row)) for row in block.rows]
    except BaseException:
        for step in reversed(undo):
            step()
        raise


def _without_filters(sheet: xw.Sheet) -> None:
    """Nothing is filtered, for into filtered rows Excel writes the first of all values alone.

    A filter is the user's to clear; where scripts are not told of it, it is cleared.
    """
    filters = [table for table in sheet.tables if table.show_autofilter]
    if is_remote(sheet.book):
        for table in filters:
            table.autofilter.clear()
    elif sheet.api.FilterMode or any(table.api.AutoFilter.FilterMode for table in filters):
        raise ReportError(
            Message("The sheet {sheet} has a filter on: clear the filter first.", sheet=sheet.name)
        )


def typed(cell: Cell) -> Cell:
    """A cell as it is handed to Excel, which reads a text as if somebody typed it.

    Behind an apostrophe it stays text: =1+1, -1, 007 and 1/2 alike.
    """
    return f"'{cell}" if isinstance(cell, str) and cell else cell


def book_table(book: xw.Book, name: str) -> tuple[xw.Sheet, Any]:
    """A table and its sheet."""
    return next(
        (sheet, table) for sheet in book.sheets for table in sheet.tables if table.name == name
    )


def _area(book: xw.Book, place: Place, rows: Block) -> Any:
    corner = (place.row, place.column)
    last = (place.row + len(rows) - 1, place.column + len(rows[0]) - 1)
    return book.sheets[place.sheet].range(corner, last)


def _resize(book: xw.Book, name: str, rows: int, undo: list[Callable[[], None]]) -> None:
    """Give a table another number of rows; those that are new look like its last one."""
    _, table = book_table(book, name)
    header, body = table.header_row_range, table.data_body_range
    old = header.resize(1 + (body.shape[0] if body is not None else 1))
    new = header.resize(1 + rows)
    if new.shape[0] > old.shape[0] and not is_remote(book):
        added = new[old.shape[0] :, :]
        under = added.offset(row_offset=added.shape[0]).resize(row_size=1)
        undo.append(lambda: _looks(under, added))
    undo.append(lambda: table.resize(old))
    table.resize(new)
    if new.shape[0] > old.shape[0]:
        last = old[old.shape[0] - 1 :, :]
        last.autofill(new[old.shape[0] - 1 :, :], "fill_formats")


def _looks(source: Any, area: Any) -> None:
    """Give an area back the looks of the row under it."""
    xl_formats = -4122
    source.api.Copy()
    area.api.PasteSpecial(xl_formats)
    area.api.Application.CutCopyMode = False


def _as_it_was(area: Any) -> Callable[[], None]:
    """What puts back the formulas, numbers, texts and errors that an area has now.

    Its numbers are floats; an integer is an error, which Excel takes back as its text alone.
    """
    formulas, values = formulas_of(area.api), _block(area.api.Value2)
    kept = [
        [
            formula if _is_formula(formula, value) or type(value) is int else typed(value)
            for formula, value in zip(*rows, strict=True)
        ]
        for rows in zip(formulas, values, strict=True)
    ]

    def put_back() -> None:
        _enter(area.api, tuple(map(tuple, kept)))

    return put_back


def _is_formula(formula: Any, value: Any) -> bool:
    """Whether a cell computes; a text that only looks like a formula is its own value."""
    return isinstance(formula, str) and formula.startswith("=") and formula != value


def _block(value: Any) -> Block:
    """What COM gives for a range or an array: rows, a single row flat, or a cell by itself."""
    if not isinstance(value, tuple):
        return [[value]]
    return [list(row) for row in value] if isinstance(value[0], tuple) else [list(value)]


# Formulas


def bind(book: xw.Book, *, everything: bool = False) -> int:
    """Enter the formulas of our functions anew that Excel does not know; how many they were.

    A library has written them, or an add-in at another place. Excel shows that once it has
    computed them; before that it is `everything` that may have to be entered. A workbook of an
    Office add-in stays as it is: that would not find its functions any more.
    """
    if any(one.Name == HOST for one in book.api.CustomDocumentProperties):
        return 0
    lists = book.app.api.AutoCorrect
    grows = lists.AutoFillFormulasInLists
    lists.AutoFillFormulasInLists = False  # what the user has in a column of a table stays
    try:
        # On a protected sheet Excel refuses all of them.
        sheets = [sheet for sheet in book.sheets if not sheet.api.ProtectContents]
        return sum(_bind_sheet(sheet, everything) for sheet in sheets)
    finally:
        lists.AutoFillFormulasInLists = grows


def _bind_sheet(sheet: xw.Sheet, everything: bool) -> int:
    used = sheet.used_range
    if used.api.HasFormula is False:  # None where some cells have one
        return 0
    count = 0
    formulas, values = formulas_of(used.api), used.options(**CELLS).value
    for i, row in enumerate(formulas):
        for j, formula in enumerate(row):
            if not _is_formula(formula, values[i][j]) or not any(calls(formula, METRICS)):
                continue
            plain = bare(formula, METRICS)
            if plain != formula or values[i][j] == "#NAME?" or everything:
                count += _enter_anew(used[i, j].api, plain)
    return count


def _enter_anew(cell: Any, formula: str) -> bool:
    """Enter a formula once more as what it is; nothing for a cell that another one's fills.

    An array that was entered over a block (Ctrl+Shift+Enter) stays one. Where Excel knows spills,
    one of a single cell could spill and may be called an array as well: it is none.
    """
    spills = _spills(cell)
    if spills:
        if cell.SpillParent.Address != cell.Address:
            return False
    elif cell.HasArray and (spills is None or cell.CurrentArray.Count > 1):
        block = cell.CurrentArray
        if block.Cells(1, 1).Address != cell.Address:
            return False
        if len(formula) > LONGEST_PIECE:  # which Excel takes for no array
            cell.Calculate()
        else:
            block.FormulaArray = formula
        return True
    _enter(cell, formula)
    return True


def formulas_of(area: Any) -> Block:
    """The formulas and constants of a range of COM's."""
    return _block(area.Formula2 if _spills(area) is not None else area.Formula)


def _enter(area: Any, formulas: Any) -> None:
    """Formulas that spill where Excel can."""
    if _spills(area) is None:
        area.Formula = formulas
    else:
        area.Formula2 = formulas


def _spills(area: Any) -> bool | None:
    """Whether there is a spill in a range; None in Excel 2019 and older, which knows none."""
    try:
        return bool(area.HasSpill)
    except AttributeError:
        return None


OLD_ERRORS = {
    -2146828288 + number: code
    for number, code in (
        *((2000, "#NULL!"), (2007, "#DIV/0!"), (2015, "#VALUE!"), (2023, "#REF!")),
        *((2029, "#NAME?"), (2036, "#NUM!"), (2042, "#N/A")),
    )
}
"""The errors as COM hands them over, by Microsoft's XlCVError enumeration."""

LONGEST_PIECE = 255  # characters of a formula that Excel's Evaluate and FormulaArray take


def values_at(cell: xw.Range) -> Callable[[str], Cell | Block]:
    """What tells the values of pieces of the cell's formula. It raises LookupError."""

    def value(piece: str) -> Cell | Block:
        if len(piece) > LONGEST_PIECE:
            raise LookupError(f"Excel evaluates no more than {LONGEST_PIECE} characters")
        if "[@" in piece or "[#this row]" in piece.lower():
            raise LookupError("outside of its cell, Excel does not know the row")
        found = cell.sheet.api.Evaluate(piece)
        if hasattr(found, "Worksheet"):  # a reference
            book = cell.sheet.book.app.books[found.Worksheet.Parent.Name]  # perhaps another one
            place = book.sheets[found.Worksheet.Name].range(found.Address)
            rows = place.options(**CELLS).value
        else:
            rows = [[_read(one) for one in row] for row in _block(found)]
        return rows if len(rows) > 1 or len(rows[0]) > 1 else rows[0][0]

    return value


def _read(value: Any) -> Cell:
    """A cell as COM gives it, an error as its text."""
    errors = {**OLD_ERRORS, **NEWER_ERRORS}
    return errors.get(value, value) if type(value) is int else value


# While a script runs


@contextmanager
def quietly(book: xw.Book) -> Iterator[Progress]:
    """Excel neither draws nor computes meanwhile, and tells of the progress in its status bar.

    Afterwards all is as before, the selection, too; also after a failure.
    """
    if is_remote(book):
        yield lambda what, done: None
        return
    app = book.app
    calculation, updating = app.calculation, app.screen_updating
    sheet, selection = app.api.ActiveSheet, app.api.Selection

    def tell(what: str, done: float) -> None:
        app.status_bar = f"KPI: {what} ({done:.0%})"

    try:
        app.screen_updating = False
        app.calculation = "manual"
        yield tell
    finally:
        try:
            app.calculation = calculation
            if sheet is not None:
                sheet.Activate()
                selection.Select()
        finally:  # whatever Excel refuses of that, or it would look dead
            app.status_bar = False
            app.screen_updating = updating
