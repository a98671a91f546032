"""What the buttons of the KPI tab do, as scripts over a workbook that is open in Excel.

The same scripts run under COM, where VBA calls `run`, and under xlwings' remote engine (xlwings
Server and Lite), which finds them by their decorator. What they do is in kpi_xl/reports.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xlwings as xw

from kpi_xl.files import write_whole
from kpi_xl.locales import chosen
from kpi_xl.ooxml.package import NotAWorkbookError
from kpi_xl.reports import ReportError, checked, inputs_of, loaded
from kpi_xl.reports.explaining import explained, in_row
from kpi_xl.reports.freezing import free_name, frozen
from kpi_xl.sources import SourceError

from .workbook import (
    apply,
    bind,
    folder_of,
    formulas_of,
    is_remote,
    language_of,
    marker,
    opened,
    quietly,
    tables_of,
    values_at,
)

TITLE = "KPI"


MISTAKES = (ReportError, SourceError, NotAWorkbookError)
"""What the user has to put right, with a sentence; all else is a bug, and comes as one."""


def run(name: str, *arguments: Any) -> None:
    """Run a script for the workbook that VBA calls from: run("refresh_report")."""
    if name == "new_workbook":
        _tell(_excel(), new_workbook, *arguments)
    else:
        SCRIPTS[name](xw.Book.caller(), *arguments)


def _excel() -> xw.App:
    app = xw.apps.active
    assert app, "VBA runs in an Excel"
    return app


def _tell(app: xw.App, script: Callable[..., str], *arguments: Any) -> None:
    """Run a script, and show its answer, or the sentence of a mistake."""
    mode = "info"
    try:
        message = script(*arguments)
    except MISTAKES as mistake:
        message, mode = str(mistake), "critical"
    if message:
        app.alert(message, TITLE, mode=mode)


def told(script: Callable[..., str]) -> Callable[..., None]:
    """A script that shows its answer as a message, and a mistake of the user's likewise."""

    @wraps(script)
    def telling(book: xw.Book, *arguments: Any) -> None:
        _tell(book.app, script, book, *arguments)

    # xlwings reads the types of the wrapper's own signature.
    telling.__annotations__ = {**script.__annotations__, "return": None}
    return telling


@xw.script
@told
def refresh_report(book: xw.Book) -> str:
    """Load the tables anew from the files that the sheet Sources names."""
    return _refreshed(book, "")


@xw.script
@told
def refresh_all(book: xw.Book) -> str:
    """The same for every open workbook that was made from a template."""
    books = [book] if is_remote(book) else [one for one in book.app.books if marker(one)]
    if not books:
        inputs_of(None)
    return "\n".join(f"{one.name}: {_answer(one)}" for one in books)


@xw.script
@told
def load_data(book: xw.Book, table: str = "") -> str:
    """Load one table: the one named, or the one in whose sheet the active cell is."""
    tables = inputs_of(marker(book))
    if not table:
        there = {found.name for found in book.sheets.active.tables}
        table = next((one.name for one in tables if one.name in there), "")
    if table not in [one.name for one in tables]:
        names = " or ".join(one.name for one in tables)
        raise ReportError(f"Go to the sheet of the table to load first: {names}.")
    return _refreshed(book, table)


@xw.script
@told
def check_data(book: xw.Book) -> str:
    """List in the sheet Checks what is wrong with the tables; no file is read."""
    tables = inputs_of(marker(book))
    with quietly(book) as progress:
        change = checked(opened(book, tables), tables)
        apply(book, change, progress)
    return change.message


@xw.script
@told
def explain_cell(book: xw.Book) -> str:
    """What the functions of the active cell computed, from what, and why there is an error."""
    if is_remote(book):
        raise ReportError(
            "Excel on the web does not tell scripts the formula of a cell: download the workbook,"
            " and use kpi-xl explain BOOK CELL in the terminal."
        )
    cell = book.app.api.ActiveCell
    if cell is None:
        raise ReportError("No cell is active: choose one on a sheet.")
    place = book.sheets[cell.Worksheet.Name].range(cell.Address)
    language = language_of(book) or chosen()
    here = {table.name for table in place.sheet.tables}
    formula = str(formulas_of(cell)[0][0])
    if "@" in formula or "#This Row" in formula:
        formula = in_row(formula, place.row, tables_of(book, here))
    shown = place.options(err_to_str=True).value
    return explained(formula, values_at(place), language, shown=shown)


@xw.script
@told
def freeze_for_sharing(book: xw.Book) -> str:
    """A copy of the workbook with values for formulas, for people without the functions."""
    if is_remote(book):
        raise ReportError(
            "Excel on the web does not let scripts save a copy: download the workbook, and use"
            " kpi-xl freeze BOOK in the terminal."
        )
    folder = folder_of(book)
    if folder is None:
        raise ReportError("Save the workbook in a folder of this computer first.")
    with TemporaryDirectory() as temporary:
        copy = Path(temporary) / book.name
        book.api.SaveCopyAs(str(copy))
        content, formulas = frozen(copy.read_bytes())
    path = free_name(folder / book.name)
    write_whole(path, content)
    return f"{formulas:,} formulas are values in the copy, each kept in a note: {path}"


def new_workbook(name: str, language: str = "") -> str:
    """Open a new workbook from a template, in a language or that of the system; for COM alone."""
    inputs_of(name)
    templates = import_module("kpi_xl.workbook_templates")
    parts = import_module("kpi_xl.workbook_templates.parts")
    content = parts.build(templates.template(name), {}, language=chosen(language or None)).content
    app = _excel()
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.xlsx"
        path.write_bytes(content)
        app.books.api.Add(str(path))  # a copy of it, which is not saved yet
    bind(app.books.active, everything=True)
    return ""


SCRIPTS = {
    script.__name__: script
    for script in (
        refresh_report, refresh_all, load_data, check_data, explain_cell, freeze_for_sharing
    )
}  # fmt: skip
"""The scripts by name."""


def _refreshed(book: xw.Book, only: str) -> str:
    tables = inputs_of(marker(book))
    with quietly(book) as progress:
        change = loaded(opened(book, tables), tables, datetime.now(), only=only, progress=progress)
        apply(book, change, progress)
        if not is_remote(book):
            book.app.calculate()
            bind(book)
    return change.message


def _answer(book: xw.Book) -> str:
    """The message of a refresh; a mistake in one workbook does not keep the others waiting."""
    try:
        return _refreshed(book, "")
    except MISTAKES as mistake:
        return str(mistake)
