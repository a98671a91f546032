"""kpi-xl explain, kpi-xl freeze: what the KPI tab's buttons do, for a file, without Excel."""

from pathlib import Path
from typing import Annotated

import typer

from kpi_xl.bounded import call
from kpi_xl.cli.shared import (
    BOOK_LANGUAGE,
    FORCE,
    JSON,
    OUTPUT,
    PARENTS,
    Misuse,
    app,
    calculator,
    free_path,
    in_their_language,
    language_of,
    print_json,
    printable,
    read_book,
    said,
    save,
    say_where,
    tell,
    warn_of_rows_below,
)
from kpi_xl.locales import Message
from kpi_xl.ooxml.limits import computing

BOOK = Annotated[Path, typer.Argument(help="A workbook (.xlsx, .xlsm).", metavar="BOOK")]


@app.command()
@in_their_language
def explain(
    book: BOOK,
    cell: Annotated[
        str, typer.Argument(help="Such as Summary!C29, or C29 of the first sheet.", metavar="CELL")
    ],
    lang: BOOK_LANGUAGE = None,
) -> None:
    """Explain a cell: its functions, what each was given, the arithmetic, the reason of an error.

    The values are computed anew here.
    """
    language = language_of(lang)
    content = read_book(book)
    warn_of_rows_below(book, content)
    with calculator(Message("{cell} of {book}", cell=cell, book=book), book):
        from kpi_xl.reports.offline import explanation

        text = call(explanation, content, cell, language, budget=computing(len(content)))
    print(printable(text))


@app.command()
@in_their_language
def freeze(
    book: BOOK,
    output: OUTPUT = None,
    force: FORCE = False,
    native: Annotated[
        bool,
        typer.Option(
            "--native", help="Native formulas where a KPI has one, so that these go on computing."
        ),
    ] = False,
    parents: PARENTS = False,
    lang: BOOK_LANGUAGE = None,
    as_json: JSON = False,
) -> None:
    """Write a copy of a workbook with values for the KPI formulas, each kept in a note.

    Who has no kpi_xl sees there what you see. The workbook itself stays as it is. Its formulas are
    computed first: values that were out of date are new in the copy, and those that are not surely
    computed here are told.
    """
    content = read_book(book)
    from kpi_xl.reports.freezing import free_name

    ends = (book.suffix.lower(), ".ods")
    path = output or free_name(book, native=native)
    path = free_path(path, force=force, parents=parents, ends=ends)
    if path == book.resolve():
        raise Misuse(
            Message("{path} is the workbook itself: write its copy to another file", path=path)
        )
    with calculator(str(book), book):
        from kpi_xl.reports import offline

        copy, values, live, news = call(
            offline.frozen, content, native, budget=computing(len(content))
        )
    save(path, copy, force=force, like=book)
    if as_json:
        summary = {
            "book": str(path),
            "values": values,
            "native": live,
            "remarks": list(map(said, news)),
        }
        print_json(summary)
        return
    for line in news:
        tell(line)
    if native:
        tell(Message("KPI formulas that are native formulas in the copy: {number}.", number=live))
    text = "KPI formulas that are values in the copy, each kept in a note: {number}."
    tell(Message(text, number=values))
    say_where(path)
