"""kpi-xl eval, kpi-xl recalc, kpi-xl export: formulas and workbooks computed, and printed."""

import csv
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpi_xl import CellError
from kpi_xl.bounded import call
from kpi_xl.cells import Block, Cell
from kpi_xl.cli.shared import (
    BOOK_LANGUAGE,
    FORCE,
    JSON,
    OUTPUT,
    PARENTS,
    Misuse,
    among,
    app,
    calculator,
    cell_text,
    computed,
    console_text,
    faults,
    free_path,
    in_their_language,
    lock_of,
    office,
    print_json,
    read_book,
    refuse_changed,
    said,
    save,
    say_where,
    stamp_of,
    steps,
    warn_of_rows_below,
    write,
)
from kpi_xl.files import is_file, is_there
from kpi_xl.hosts.libreoffice.programs import OfficeError
from kpi_xl.locales import Message, Names
from kpi_xl.ooxml.limits import computing
from kpi_xl.ooxml.package import check_sheets, is_of_a_template

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from kpi_xl.engine.embedded import Computed
    from kpi_xl.engine.recalc import Comparison, Difference, Kept, Report
    from kpi_xl.ooxml.package import Package
    from kpi_xl.reports.printing import Cover

FORMULA = Annotated[str, typer.Argument(help='In quotes, such as "=CAC(50000,250)".')]
BOOK = Annotated[
    Path | None,
    typer.Option(help="A workbook (.xlsx) for the formula's references.", metavar="FILE"),
]
ENGINES = ("embedded", "libreoffice")
ENGINE = Annotated[
    str, typer.Option(help=" or ".join(ENGINES), autocompletion=among(lambda: ENGINES))
]
TIMEOUT = Annotated[
    float, typer.Option(min=1.0, help="After how many seconds LibreOffice is ended.")
]
LONGEST_SOURCES = 120  # letters over a page
SHOWN = 20  # cells of each kind in a report


@app.command("eval")
@in_their_language
def evaluate(
    formula: FORMULA, book: BOOK = None, lang: BOOK_LANGUAGE = None, as_json: JSON = False
) -> int:
    """Print what a cell with this formula shows.

    References such as Orders!A2:A100 or Orders[amount] are looked up in --book; those without a
    sheet are on its first sheet. A block is printed as rows, its cells separated by tabs. The exit
    code is 0 for a value, 1 for an Excel error, whose reason goes to the error stream, and 2 for a
    call that cannot be carried out.
    """
    value = computed(formula, book)
    error = value if isinstance(value, CellError) else None
    if as_json:
        print_json(as_record(value))
    elif isinstance(value, list):
        csv.writer(sys.stdout, delimiter="\t", lineterminator="\n").writerows(
            [cell_text(cell) for cell in row] for row in value
        )
    else:
        print(cell_text(value))
    if error:
        print(said(error.sentence), file=sys.stderr)
    return 1 if error else 0


def as_record(value: Cell | Block) -> dict[str, Any]:
    """A value or an error for other programs; the errors of a block are records in it."""
    if isinstance(value, CellError):
        return {"error": value, "sentence": said(value.sentence)}
    if not isinstance(value, list):
        return {"value": value}
    return {
        "value": [
            [as_record(cell) if isinstance(cell, CellError) else cell for cell in row]
            for row in value
        ]
    }


@app.command()
@in_their_language
def recalc(
    book: Annotated[Path, typer.Argument(help="A workbook (.xlsx, .xlsm).", metavar="BOOK")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write this file, not BOOK.", metavar="OUT")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT, or an open BOOK.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the values in BOOK, and write nothing.")
    ] = False,
    engine: ENGINE = "embedded",
    timeout: TIMEOUT = 300.0,
    lang: BOOK_LANGUAGE = None,
    as_json: JSON = False,
) -> int:
    """Compute a workbook's formulas anew, in place, and change nothing but their values.

    With --engine libreoffice an installed LibreOffice computes them, without a window.

    TODAY and NOW take the time of this computer. A formula that is not surely computed rightly here
    keeps its old value, as does whatever depends on it; these are listed. Charts and pivot tables
    follow when a spreadsheet program opens the workbook. The exit code is 0 if every formula was
    computed (Excel errors are values, too), 1 if some kept their old value, and 2 for a call that
    cannot be carried out, which leaves the file as it was.

    With --check nothing is written: the cells are listed that hold another value than they come to,
    and those that are not surely computed. The exit code is 1 if any differ, and 0 otherwise.
    """
    if engine not in ENGINES:
        raise Misuse(
            Message(
                'there is no engine "{engine}"; {names}', engine=engine, names=Names(ENGINES, "or")
            )
        )
    seconds = timeout if engine == "libreoffice" else None
    if check:
        if out or force:
            raise Misuse(Message("--check writes nothing: leave --out and --force away"))
        return compare(book, seconds, as_json)
    target = checked_target(book, out, force=force)
    stamp = stamp_of(book)
    content = read_book(book)
    warn_of_rows_below(book, content)
    new, report = recalculated(book, content, seconds)
    if not out and new != content:
        refuse_changed(target, stamp)
    if out or new != content:
        write(target, new, force=force or not out, like=book)
    if as_json:
        print_json(report_record(target, report))
    else:
        print_report(target, report)
    return 1 if report.kept else 0


def checked_target(book: Path, out: Path | None, *, force: bool) -> Path:
    """The file that a computed workbook is written to. Raises Misuse for one that is in the way."""
    target = (out or book).resolve()
    if out and is_there(target) and not force:
        raise Misuse(Message("{path} is already there; --force overwrites it", path=target))
    if out and target.suffix.lower() != book.suffix.lower():
        text = "{path} has to end in {suffix}, as {book} does"
        raise Misuse(Message(text, path=out, suffix=book.suffix, book=book))
    if lock_of(target) and (out or not force):
        text = "{path} is open in a spreadsheet program: close it, or write with --out"
        raise Misuse(Message(text, path=target))
    return target


def report_record(book: Path, report: "Report") -> dict[str, Any]:
    """What was computed, for other programs."""
    return {
        "book": str(book),
        "formulas": report.formulas,
        "changed": report.changed,
        "kept": [kept_record(kept) for kept in report.kept],
        "against_excel": [one._asdict() for one in report.against_excel],
        "errors": [
            {**failed._asdict(), "sentence": said(failed.error.sentence)}
            for failed in report.errors
        ],
    }


def kept_record(kept: "Kept") -> dict[str, str]:
    """A formula that was not computed, for other programs."""
    return {**kept._asdict(), "reason": said(kept.reason)}


def compare(book: Path, seconds: float | None, as_json: bool) -> int:
    """Print what the formulas of a workbook come to beside what it holds; 1 if any differ."""
    content = read_book(book)
    with calculator(str(book), book), office(), steps() as step:
        if seconds is None:
            from kpi_xl.reports import offline

            budget = computing(len(content))
            found: Comparison = call(offline.compared, content, progress=step, budget=budget)
        else:
            from kpi_xl.engine import recalc

            found = recalc.compared(content, step, engine_of(content, seconds))
    if as_json:
        record = {
            "book": str(book.resolve()),
            "formulas": found.formulas,
            "differences": [one._asdict() for one in found.differences],
            "kept": [kept_record(kept) for kept in found.kept],
        }
        print_json(record)
    else:
        print_comparison(book, found)
    return 1 if found.differences else 0


def engine_of(content: bytes, seconds: float) -> "Callable[[Package], Computed]":
    """LibreOffice as what computes a workbook, within some seconds."""
    from kpi_xl.hosts.libreoffice import engine

    return lambda package: engine.compute(package, content, seconds=seconds)


def recalculated(book: Path, content: bytes, seconds: float | None) -> "tuple[bytes, Report]":
    """The workbook computed anew, and what there is to say of it, with a progress bar.

    `seconds`: how long LibreOffice may take; None for the embedded engine.
    """
    with calculator(str(book), book), office(), steps() as step:
        if seconds is None:
            from kpi_xl.reports import offline

            budget = computing(len(content))
            done: tuple[bytes, Report] = call(
                offline.recalculated, content, progress=step, budget=budget
            )
            return done
        from kpi_xl.engine import recalc

        return recalc.recalculated(content, step, engine_of(content, seconds))


@app.command()
@in_their_language
def export(
    book: Annotated[Path, typer.Argument(help="A workbook.", metavar="BOOK")],
    pdf: Annotated[
        bool, typer.Option("--pdf", help="As PDF, the one form there is.", show_default=False)
    ] = True,
    output: OUTPUT = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Data, model, sources and checks of a template, too.")
    ] = False,
    logo: Annotated[
        Path | None,
        typer.Option(help="A picture for the corner of each sheet (PNG, JPEG).", metavar="FILE"),
    ] = None,
    colour: Annotated[
        str, typer.Option(help="For our blue in titles and charts.", metavar="#0072B2")
    ] = "",
    force: FORCE = False,
    parents: PARENTS = False,
    timeout: TIMEOUT = 300.0,
    lang: BOOK_LANGUAGE = None,
) -> None:
    """Print a workbook into a file, by an installed LibreOffice, without a window.

    Its KPI functions are computed anew. Without -o the file is beside BOOK, under its name. Of a
    template it is the report that is printed, with its period, its sources and the date over each
    page. The settings file may name the company's logo and colour: logo = "logo.png".
    """
    content = read_book(book)
    if not content:
        # LibreOffice would make an empty page of it.
        raise Misuse(Message("{path} is empty", path=book))
    with faults(str(book), book):
        if content.startswith(b"PK"):
            check_sheets(content)
    warn_of_rows_below(book, content)
    picture, digits = chosen_look(logo, colour)
    target = free_path(
        output or book.with_suffix(".pdf"), force=force, parents=parents, ends=(".pdf",)
    )
    with steps() as step:
        step(Message("LibreOffice prints the workbook"))
        pages = printed(book, content, (picture, digits), everything=everything, seconds=timeout)
    save(target, pages, force=force, like=book)
    say_where(target)


def printed(
    book: Path,
    content: bytes,
    look: tuple[Path | None, str],
    *,
    everything: bool = False,
    seconds: float,
) -> bytes:
    """A workbook as PDF, with the logo and the colour of a look. Raises Misuse."""
    picture, digits = look
    with office(), TemporaryDirectory(prefix="kpi_xl") as folder:
        from kpi_xl.hosts.libreoffice.headless import perform
        from kpi_xl.reports.printing import coloured

        pages = Path(folder) / "book.pdf"
        task = {"book": str(book), **of_report(book, content, picture, everything=everything)}
        if digits and is_of_a_template(content):
            task["book"] = str(Path(folder) / book.name)
            Path(task["book"]).write_bytes(coloured(content, digits))
        try:
            perform([{**task, "pdf": str(pages)}], seconds=seconds)
        except OfficeError as error:
            raise Misuse(Message("{file}: {fault}", file=book, fault=error)) from None
        return pages.read_bytes()


def chosen_look(logo: Path | None, colour: str) -> tuple[Path | None, str]:
    """The logo, and the digits of the colour, that are told or set. Raises Misuse."""
    from kpi_xl.reports.printing import LookError, checked_colour, own_look

    try:
        set_logo, set_colour = own_look()
        picture, digits = logo or set_logo, colour or set_colour
        digits = checked_colour(digits) if digits else ""
    except LookError as error:
        raise Misuse(error) from None
    if picture and picture.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise Misuse(Message("the logo {picture} has to be a PNG or JPEG", picture=picture))
    if picture and not is_file(picture):
        raise Misuse(Message("there is no logo {picture}", picture=picture))
    return picture, digits


def of_report(book: Path, content: bytes, logo: Path | None, *, everything: bool) -> dict[str, Any]:
    """What LibreOffice is to print of a workbook of ours, and with which line over it."""
    from kpi_xl.reports.printing import cover

    if not content.startswith(b"PK"):
        return {}
    with faults(str(book), book):
        found: Cover = call(cover, content, budget=computing(len(content)))
    if not found.title:
        return {}
    today = f"{datetime.now():%Y-%m-%d}"
    left = " · ".join(filter(None, (found.title, found.period)))
    sources = found.sources
    if len(sources) > LONGEST_SOURCES:
        sources = sources[:LONGEST_SOURCES] + " ..."
    line = [left, " · ".join((sources, today)), str(logo.resolve()) if logo else ""]
    return {"cover": line} if everything else {"only": found.sheets, "cover": line}


def print_comparison(path: Path, found: "Comparison") -> None:
    """How many formulas agree with the file, and the first of those that do not."""
    from rich.console import Console

    console = Console(highlight=False)
    compared = found.formulas - len(found.kept)
    text = "Formulas computed: {number} of {all}; values that differ from the file: {different}."
    done = Message(text, number=compared, all=found.formulas, different=len(found.differences))
    console.print(said(done))
    differences = difference_rows(found.differences)
    number = len(differences)
    heading = Message("Cells with another value than they come to: {number}", number=number)
    print_cells(console, differences, heading)
    heading = Message("Formulas that are not surely computed: {number}", number=len(found.kept))
    print_cells(console, found.kept, heading)
    unchanged = Message("unchanged")
    console.print(f"\n[bold]{console_text(path.resolve())}[/] ({said(unchanged)})", soft_wrap=True)


def difference_rows(differences: "Sequence[Difference]") -> list[tuple[str, str, Message]]:
    """Differences in words."""
    text = "holds {value}, comes to {other}"
    return [
        (sheet, cell, Message(text, value=value_text(cached), other=value_text(computed)))
        for sheet, cell, cached, computed in differences
    ]


def value_text(value: Cell | None) -> str:
    """A value for people, texts in quotes."""
    if value is None:
        return Message("nothing")
    shown = f'"{value}"' if type(value) is str and not value.startswith("#") else cell_text(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def print_cells(
    console: "Console", rows: "Sequence[tuple[str, str, str]]", heading: Message
) -> None:
    """The first cells of a list, each with what there is to say, and how many more there are."""
    from rich.table import Table

    if not rows:
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for sheet, cell, text in rows[:SHOWN]:
        table.add_row(f"  {console_text(sheet)}", cell, console_text(text))
    console.print("\n" + said(heading))
    console.print(table)
    if len(rows) > SHOWN:
        more = Message("and {number} more; --json lists them all", number=len(rows) - SHOWN)
        console.print(f"  {said(more)}")


def print_report(path: Path, report: "Report") -> None:
    """What was computed, and the first of the cells that show errors or keep their old value."""
    from rich.console import Console

    console = Console(highlight=False)
    computed = report.formulas - len(report.kept)
    text = "Formulas computed: {number} of {all}; values changed: {changed}."
    done = Message(text, number=computed, all=report.formulas, changed=report.changed)
    console.print(said(done))
    errors = [
        (sheet, cell, Message("{error}: {sentence}", error=str(error), sentence=error.sentence))
        for sheet, cell, error in report.errors
    ]
    print_cells(console, errors, Message("Cells that show an error: {number}", number=len(errors)))
    text = "Formulas that keep their old value: {number}; Excel or another engine can compute them:"
    print_cells(console, report.kept, Message(text, number=len(report.kept)))
    text = (
        "Values that differ from what Excel wrote: {number}; the file tells of no change in what"
        " they read:"
    )
    others = difference_rows(report.against_excel)
    print_cells(console, others, Message(text, number=len(others)))
    console.print(f"\n[bold]{console_text(path)}[/]", soft_wrap=True)
