"""What the buttons of the KPI tab do, as scripts over a workbook that is open in Excel.

The same scripts run under COM, where VBA calls `run`, and under xlwings' remote engine (xlwings
Server and Lite), which finds them by their decorator. What they do is in kpi_xl/reports.
"""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import xlwings as xw

from kpi_xl.locales import chosen
from kpi_xl.reports import commands

from .workbook import ExcelWorkbook, bind, is_remote, template_of

TITLE = "KPI"


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
    message, mistake = commands.answer(script, *arguments)
    if message:
        app.alert(message, TITLE, mode="critical" if mistake else "info")


def shows_answer(script: Callable[..., str]) -> Callable[..., None]:
    """A script that shows its answer as a message, and a mistake of the user's likewise."""

    @wraps(script)
    def telling(book: xw.Book, *arguments: Any) -> None:
        _tell(book.app, script, book, *arguments)

    # xlwings reads the types of the wrapper's own signature.
    telling.__annotations__ = {**script.__annotations__, "return": None}
    return telling


@xw.script
@shows_answer
def refresh_report(book: xw.Book) -> str:
    """Load the tables anew from the files that the sheet Sources names."""
    return commands.refresh_report(ExcelWorkbook(book))


@xw.script
@shows_answer
def refresh_all(book: xw.Book) -> str:
    """The same for every open workbook that was made from a template."""
    books = [book] if is_remote(book) else [one for one in book.app.books if template_of(one)]
    return commands.refresh_all([ExcelWorkbook(one) for one in books])


@xw.script
@shows_answer
def load_data(book: xw.Book, table: str = "") -> str:
    """Load one table: the one named, or the one in whose sheet the active cell is."""
    return commands.load_data(ExcelWorkbook(book), table)


@xw.script
@shows_answer
def check_data(book: xw.Book) -> str:
    """List in the sheet Checks what is wrong with the tables; no file is read."""
    return commands.check_data(ExcelWorkbook(book))


@xw.script
@shows_answer
def explain_cell(book: xw.Book) -> str:
    """What the functions of the active cell computed, from what, and why there is an error."""
    return commands.explain_cell(ExcelWorkbook(book), chosen())


@xw.script
@shows_answer
def freeze_for_sharing(book: xw.Book) -> str:
    """A copy of the workbook with values for formulas, for people without the functions."""
    return commands.freeze_for_sharing(ExcelWorkbook(book))


@xw.script
@shows_answer
def freeze_with_formulas(book: xw.Book) -> str:
    """The same, but that functions of one value are native formulas, which go on computing."""
    return commands.freeze_with_formulas(ExcelWorkbook(book))


def new_workbook(name: str, language: str = "") -> str:
    """Open a new workbook from a template, in a language or that of the system; for COM alone."""
    app = _excel()

    def open_copy(path: Path) -> None:
        app.books.api.Add(str(path))  # a copy of it, which is not saved yet
        bind(app.books.active, everything=True)

    build = import_module("kpi_xl.workbook_templates").empty
    commands.new_workbook(name, chosen(language or None), build, open_copy)
    return ""


SCRIPTS = {
    script.__name__: script
    for script in (
        refresh_report, refresh_all, load_data, check_data, explain_cell, freeze_for_sharing,
        freeze_with_formulas,
    )
}  # fmt: skip
"""The scripts by name."""
