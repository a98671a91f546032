"""kpi-xl eval, kpi-xl recalc: formulas and workbooks computed."""

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpi_xl import CellError
from kpi_xl.cells import Block, Cell
from kpi_xl.cli.shared import JSON, Misuse, app, calculator, cell_text, computed, read_book, steps

if TYPE_CHECKING:
    from kpi_xl.hosts.recalc import Report

FORMULA = Annotated[str, typer.Argument(help='In quotes, such as "=CAC(50000,250)".')]
BOOK = Annotated[
    Path | None,
    typer.Option(help="A workbook (.xlsx) for the formula's references.", metavar="FILE"),
]
SHOWN = 20  # cells of each kind in a report


@app.command("eval")
def evaluate(formula: FORMULA, book: BOOK = None, as_json: JSON = False) -> int:
    """Print what a cell with this formula shows.

    References such as Orders!A2:A100 or Orders[amount] are looked up in --book; those without a
    sheet are on its first sheet. A block is printed as rows, its cells separated by tabs. The exit
    code is 0 for a value, 1 for an Excel error, whose reason goes to the error stream, and 2 for a
    call that cannot be carried out.
    """
    value = computed(formula, book)
    error = value if isinstance(value, CellError) else None
    if as_json:
        print(json.dumps(as_record(value), ensure_ascii=False))
    elif isinstance(value, list):
        csv.writer(sys.stdout, delimiter="\t", lineterminator="\n").writerows(
            [cell_text(cell) for cell in row] for row in value
        )
    else:
        print(cell_text(value))
    if error:
        print(error.sentence, file=sys.stderr)
    return 1 if error else 0


def as_record(value: Cell | Block) -> dict[str, Any]:
    """A value or an error for other programs; the errors of a block are records in it."""
    if isinstance(value, CellError):
        return {"error": value, "sentence": value.sentence}
    if not isinstance(value, list):
        return {"value": value}
    return {
        "value": [
            [as_record(cell) if isinstance(cell, CellError) else cell for cell in row]
            for row in value
        ]
    }


@app.command()
def recalc(
    book: Annotated[Path, typer.Argument(help="A workbook (.xlsx, .xlsm).", metavar="BOOK")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write this file, not BOOK.", metavar="OUT")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT, or an open BOOK.")] = False,
    as_json: JSON = False,
) -> int:
    """Compute a workbook's formulas anew, in place, and change nothing but their values.

    TODAY and NOW take the time of this computer. A formula that is not surely computed rightly here
    keeps its old value, as does whatever depends on it; these are listed. Charts and pivot tables
    follow when a spreadsheet program opens the workbook. The exit code is 0 if every formula was
    computed (Excel errors are values, too), 1 if some kept their old value, and 2 for a call that
    cannot be carried out, which leaves the file as it was.
    """
    target = (out or book).resolve()
    if out and target.exists() and not force:
        raise Misuse(f"{target} is already there; --force overwrites it")
    if out and target.suffix.lower() != book.suffix.lower():
        raise Misuse(f"{out} has to end in {book.suffix}, as {book} does")
    locks = [target.with_name(f"~${target.name}"), target.with_name(f".~lock.{target.name}#")]
    if any(lock.exists() for lock in locks) and not force:
        raise Misuse(f"{target} is open in a spreadsheet program: close it, or write with --out")
    content = read_book(book)
    from kpi_xl.files import write_whole

    new, report = recalculated(book, content)
    if out or new != content:
        try:
            write_whole(target, new, force=force or not out)
        except OSError as error:
            raise Misuse(f"{target} cannot be written: {error.strerror or error}") from None
    if as_json:
        record = {
            "book": str(target),
            "formulas": report.formulas,
            "changed": report.changed,
            "kept": [kept._asdict() for kept in report.kept],
            "errors": [
                {**failed._asdict(), "sentence": failed.error.sentence} for failed in report.errors
            ],
        }
        print(json.dumps(record, ensure_ascii=False))
    else:
        print_report(target, report)
    return 1 if report.kept else 0


def recalculated(book: Path, content: bytes) -> "tuple[bytes, Report]":
    """The workbook computed anew, and what there is to say of it, with a progress bar."""
    with calculator(str(book), book), steps() as step:
        from kpi_xl.hosts import recalc

        return recalc.recalculated(content, step)


def print_report(path: Path, report: "Report") -> None:
    """What was computed, and the first of the cells that show errors or keep their old value."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    computed = report.formulas - len(report.kept)
    console.print(
        f"{computed:,} of {report.formulas:,} formulas computed; {report.changed:,} values changed."
    )
    errors = [(sheet, cell, f"{error}: {error.sentence}") for sheet, cell, error in report.errors]
    for rows, heading in (
        (errors, "{} show an error:"),
        (list(report.kept), "{} keep their old value; Excel or another engine can compute them:"),
    ):
        if not rows:
            continue
        table = Table(box=None, pad_edge=False, show_header=False)
        for sheet, cell, text in rows[:SHOWN]:
            table.add_row(f"  {escape(sheet)}", cell, escape(text))
        console.print("\n" + heading.format(f"{len(rows):,}"))
        console.print(table)
        if len(rows) > SHOWN:
            console.print(f"  and {len(rows) - SHOWN:,} more; --json lists them all")
    console.print(f"\n[bold]{escape(str(path))}[/]", soft_wrap=True)
