"""kpi-xl explain, kpi-xl freeze: what the KPI tab's buttons do, for a file, without Excel."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kpi_xl.cells import Block, Cell
from kpi_xl.cli.shared import (
    FORCE,
    OUTPUT,
    Misuse,
    app,
    calculator,
    free_path,
    language_of,
    read_book,
    save,
    say_where,
)
from kpi_xl.locales import LANGUAGES

if TYPE_CHECKING:
    from kpi_xl.engine.recalc import Report

BOOK = Annotated[Path, typer.Argument(help="A workbook (.xlsx, .xlsm).", metavar="BOOK")]


@app.command()
def explain(
    book: BOOK,
    cell: Annotated[
        str, typer.Argument(help="Such as Summary!C29, or C29 of the first sheet.", metavar="CELL")
    ],
    lang: Annotated[
        str | None,
        typer.Option("--lang", help=f"{', '.join(LANGUAGES)}; without it, the system's."),
    ] = None,
) -> None:
    """Explain a cell: its functions, what each was given, the arithmetic, the reason of an error.

    The values are computed anew here.
    """
    language = language_of(lang)
    content = read_book(book)
    with calculator(f"{book}: {cell}", book):
        from kpi_xl.engine.embedded import evaluator
        from kpi_xl.engine.formulas import FormulaError, moved
        from kpi_xl.ooxml.addresses import area
        from kpi_xl.ooxml.package import read_package
        from kpi_xl.reports.commands import ActiveCell
        from kpi_xl.reports.commands import explain as explanation
        from kpi_xl.reports.records import Place, ReportError, Table

        package = read_package(content)
        name, _, address = cell.rpartition("!")
        title = name.removeprefix("'").removesuffix("'").replace("''", "'")
        sheets = {sheet.lower(): sheet for sheet in package.sheets}
        sheet = sheets.get(title.lower()) if name else package.sheets[0]
        try:
            place = area(sheet or "", address)
        except ValueError:
            sheet = None
        if sheet is None:
            there = ", ".join(package.sheets)
            raise Misuse(f"{cell}: write a cell such as Summary!C29; the sheets are {there}")
        found = [one for one in package.formulas if one.area.touches(place)]
        if not found:
            raise Misuse(f"{cell} of {book} holds no formula")
        formula = found[0]
        tables = {
            key: Table(table.name, Place(*table.area[:3]), table.columns, [], [])
            for key, table in package.tables.items()
        }
        text = f"={moved(formula.text, *formula.moved)}"
        value = evaluator(content, sheet)

        def known(piece: str) -> Cell | Block:
            try:
                return value(piece)
            except FormulaError as refusal:
                raise LookupError(str(refusal)) from None

        cell_there = ActiveCell(text, formula.row, lambda: tables, known, known)
        try:
            print(explanation(cell_there, language))
        except ReportError as mistake:
            raise Misuse(str(mistake)) from None


def outdated(report: "Report") -> list[str]:
    """What there is to say of the values that a workbook had."""
    said = []
    if report.changed:
        said.append(
            f"Values that were missing or out of date, new in the copy: {report.changed:,}."
        )
    if report.kept:
        first = "; ".join(f"{sheet}!{cell}: {reason}" for sheet, cell, reason in report.kept[:3])
        said.append(
            f"Formulas whose values are those of the file, and may be out of date:"
            f" {len(report.kept):,} ({first})."
        )
    return said


@app.command()
def freeze(book: BOOK, output: OUTPUT = None, force: FORCE = False) -> None:
    """Write a copy of a workbook with values for the KPI formulas, each kept in a note.

    Who has no kpi_xl sees there what you see. The workbook itself stays as it is. Its formulas are
    computed first: values that were out of date are new in the copy, and those that are not surely
    computed here are told.
    """
    content = read_book(book)
    from kpi_xl.ooxml.package import NotAWorkbookError
    from kpi_xl.reports.freezing import free_name, frozen
    from kpi_xl.reports.records import ReportError

    if output and output.suffix.lower() != book.suffix.lower():
        raise Misuse(f"{output} has to end in {book.suffix}, as {book} does")
    path = free_path(output or free_name(book), force=force)
    if path == book.resolve():
        raise Misuse(f"{path} is the workbook itself: write its copy to another file")
    with calculator(str(book), book):
        from kpi_xl.engine.formulas import RefusedError
        from kpi_xl.engine.recalc import recalculated
    news = []
    try:
        try:
            content, report = recalculated(content)
            news = outdated(report)
        except RefusedError as refusal:
            news.append(f"The values are those of the file, and may be out of date: {refusal}.")
        copy, formulas = frozen(content)
    except (ReportError, NotAWorkbookError) as mistake:
        raise Misuse(f"{book}: {mistake}") from None
    save(path, copy, force=force)
    for line in news:
        print(line)
    print(f"KPI formulas that are values in the copy, each kept in a note: {formulas:,}.")
    say_where(path)
