"""What is done with a workbook's file, without the program that it belongs to.

Each is one call with plain arguments, so that it can be made in a process of its own (`bounded`).
"""

from collections.abc import Callable
from typing import NamedTuple

from kpi_xl.cells import Block, Cell
from kpi_xl.engine import embedded, recalc
from kpi_xl.engine.places import moved
from kpi_xl.engine.terms import FormulaError, RefusedError
from kpi_xl.locales import Message, Names
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package
from kpi_xl.reports import freezing
from kpi_xl.reports.commands import ActiveCell, explain
from kpi_xl.reports.records import Place, ReportError, Table


class Frozen(NamedTuple):
    """A copy without our formulas: how many are values, how many native, what there is to say."""

    content: bytes
    values: int
    live: int
    news: list[Message]


def value(formula: str, content: bytes) -> Cell | Block:
    """What a formula gives in a workbook. Raises FormulaError, NotAWorkbookError."""
    return embedded.evaluate_formula(formula, content)


def recalculated(content: bytes, progress: Callable[..., None]) -> tuple[bytes, recalc.Report]:
    """A workbook computed anew, and the report. Raises FormulaError, NotAWorkbookError."""
    return recalc.recalculated(content, progress)


def compared(content: bytes, progress: Callable[..., None]) -> recalc.Comparison:
    """What a workbook's formulas come to beside what it holds. Raises as `recalculated`."""
    return recalc.compared(content, progress)


def explanation(content: bytes, cell: str, language: str) -> str:
    """A cell of a workbook, explained. Raises ReportError, FormulaError, NotAWorkbookError."""
    package = read_package(content)
    name, _, address = cell.rpartition("!")
    title = name.removeprefix("'").removesuffix("'").replace("''", "'")
    sheets = {sheet.lower(): sheet for sheet in package.sheets}
    sheet = sheets.get(title.lower()) if name else next(iter(package.sheets), None)
    try:
        place = area(sheet or "", address)
    except ValueError:
        sheet = None
    if sheet is None:
        there = Names(tuple(package.sheets), ", ")
        raise ReportError(
            Message("write a cell such as Summary!C29; the sheets are {there}", there=there)
        )
    found = [one for one in package.formulas if one.area.touches(place)]
    if not found:
        raise ReportError(Message("it holds no formula"))
    formula = found[0]
    tables = {
        key: Table(table.name, Place(*table.area[:3]), table.columns, [], [])
        for key, table in package.tables.items()
    }
    evaluated = embedded.evaluator(content, sheet)

    def known(piece: str) -> Cell | Block:
        try:
            return evaluated(piece)
        except FormulaError as refusal:
            raise LookupError(str(refusal)) from None

    text = f"={moved(formula.text, *formula.moved)}"
    return explain(ActiveCell(text, formula.row, lambda: tables, known, known), language)


def frozen(content: bytes, native: bool) -> Frozen:
    """A copy of a workbook, computed anew, with values for the formulas of ours.

    Raises ReportError, NotAWorkbookError.
    """
    try:
        content, report = recalc.recalculated(content)
        news = _outdated(report)
    except RefusedError as refusal:
        text = "The values are those of the file, and may be out of date: {reason}."
        news = [Message(text, reason=refusal)]
    return Frozen(*freezing.frozen(content, native=native), news)


def _outdated(report: recalc.Report) -> list[Message]:
    """What there is to say of the values that a workbook had."""
    news = []
    if report.changed:
        text = "Values that were missing or out of date, new in the copy: {number}."
        news.append(Message(text, number=report.changed))
    if report.kept:
        first = [
            Message("{cell}: {reason}", cell=f"{sheet}!{cell}", reason=reason)
            for sheet, cell, reason in report.kept[:3]
        ]
        text = (
            "Formulas whose values are those of the file, and may be out of date: {number}"
            " ({reasons})."
        )
        news.append(Message(text, number=len(report.kept), reasons=Names(first, "; ")))
    return news
