"""The command line: kpi-xl eval, recalc, functions, new, fill, demo."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from kpi_xl import METRICS, CellError, __version__
from kpi_xl.cells import Block, Cell
from kpi_xl.locales import LANGUAGES, chosen, say
from kpi_xl.reference import (
    argument_help,
    caution,
    did_you_mean,
    domain_text,
    family_name,
    notes,
    summary,
)
from kpi_xl.registry import Metric

if TYPE_CHECKING:
    from kpi_xl.hosts.recalc import Report

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # brackets in the help are Excel's, and its lines are to be wrapped
    help="Marketing KPIs as Excel functions: compute them here, list them, see a demo.",
)

FORMULA = Annotated[str, typer.Argument(help='In quotes, such as "=CAC(50000,250)".')]
BOOK = Annotated[
    Path | None,
    typer.Option(help="A workbook (.xlsx) for the formula's references.", metavar="FILE"),
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
LANGUAGE = Annotated[
    str, typer.Option("--lang", help=f"{', '.join(LANGUAGES)}, or a tag such as zh-TW.")
]
SHOWN = 20  # cells of each kind in a report


class Misuse(TyperException):
    """A call that cannot be carried out, with the sentence that says why. Exit code 2."""

    exit_code = 2


def main() -> NoReturn:
    """Run the command line; every mistake of the user's is one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows pipe may not be in UTF-8
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        near = getattr(error, "possibilities", None)
        lines = error.message if near else error.format_message()
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        print(f"kpi-xl: {' '.join(lines.split())}{hint}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever read the output has seen enough
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        print(f"kpi-xl: the output cannot be written: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        print("kpi-xl: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(code or 0)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Marketing KPIs as Excel functions: compute them here, list them, see a demo."""
    if version:
        print(f"kpi-xl {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


# eval


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


def computed(formula: str, book: Path | None = None) -> Cell | Block:
    """The value of a formula. Raises Misuse."""
    with calculator(f"the formula {formula[:60]}", book):
        from kpi_xl.hosts import embedded

        return embedded.evaluate_formula(formula, read_book(book) if book else None)


@contextmanager
def calculator(asked: str, book: Path | None) -> Iterator[None]:
    """Where the embedded host computes; what it cannot do is a Misuse."""
    try:
        from kpi_xl.hosts.formulas import FormulaError
        from kpi_xl.hosts.package import NotAWorkbookError
    except ImportError as error:
        raise Misuse(
            f"formulas are computed by the package formualizer, which is not installed ({error});"
            " it has no wheel for Windows on ARM"
        ) from None
    try:
        yield
    except FormulaError as error:
        raise Misuse(f"{asked}: {error}") from None
    except NotAWorkbookError as error:
        raise Misuse(f"{book}: {error}") from None


def read_book(path: Path) -> bytes:
    """The bytes of a workbook. Raises Misuse."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        folder = path.parent
        near = [str(p) for p in folder.glob("*.xls*")] if folder.is_dir() else []
        raise Misuse(f"there is no file {str(path)!r}{did_you_mean(str(path), near)}") from None
    except OSError as error:
        raise Misuse(f"{path} cannot be read: {error.strerror}") from None


def cell_text(cell: Cell) -> str:
    """A cell as text: numbers with all their digits, TRUE and FALSE."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float | int):
        return f"{cell:.0f}" if cell == round(cell) and abs(cell) < 1e15 else repr(cell)
    return str(cell)


# recalc


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
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar_there = console.is_terminal  # else it would leave a blank line
    with (
        calculator(str(book), book),
        Progress(*columns, console=console, transient=True, disable=not bar_there) as progress,
    ):
        from kpi_xl.hosts import recalc

        bar = progress.add_task("", total=4)
        return recalc.recalculated(
            content, lambda step: progress.update(bar, advance=1, description=step)
        )


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


# functions


@app.command()
def functions(
    name: Annotated[str | None, typer.Argument(help="One function, such as CAC.")] = None,
    family: Annotated[str | None, typer.Option(help="Only those of a family.")] = None,
    lang: LANGUAGE = "en",
    as_json: JSON = False,
) -> None:
    """List the functions, or show one function's page."""
    language = language_of(lang)
    shown = list(METRICS.values())
    if name is not None and family is not None:
        raise Misuse("name a function or a --family, not both")
    if name is not None:
        if name.upper() not in METRICS:
            raise Misuse(f"there is no function {name!r}{did_you_mean(name, METRICS)}")
        shown = [METRICS[name.upper()]]
    if family is not None:
        families = sorted({metric.family for metric in METRICS.values()})
        spoken = {family_name(known, language).lower(): known for known in families}
        wanted = spoken.get(family.lower(), family.lower())
        if wanted not in families:
            near = did_you_mean(family, families) or f"; there are {', '.join(families)}"
            raise Misuse(f"there is no family {family!r}{near}")
        shown = [metric for metric in shown if metric.family == wanted]
    if as_json:
        records = [record(metric, language) for metric in shown]
        print(json.dumps(records, ensure_ascii=False, indent=2))
    elif name is not None:
        print_page(shown[0], language)
    else:
        print_list(shown, language)


def language_of(tag: str | None) -> str:
    """The language that a tag means, or the system's. Raises Misuse."""
    try:
        return chosen(tag)
    except LookupError as error:
        raise Misuse(str(error)) from None


def record(metric: Metric, language: str) -> dict[str, Any]:
    """A function for other programs: its names as they are, its texts in a language."""
    formula, result = metric.example
    return {
        "name": metric.name,
        "family": metric.family,
        "summary": summary(metric, language),
        "notes": notes(metric, language),
        "caution": caution(metric, language),
        "signature": metric.signature,
        "arguments": [
            {
                "name": argument.name,
                "help": say(argument.arg.help, language, "arguments"),
                "unit": argument.arg.unit.name,
                "domain": domain_text(argument.domain, language),
                "required": argument.required,
                "default": argument.default,
                "column": argument.arg.column,
                "words": list(argument.arg.words),
            }
            for argument in metric.arguments
        ],
        "returns": metric.returns.name,
        "columns": [
            {"name": name, "meaning": say(meaning, language, "columns")}
            for name, meaning in metric.columns
        ],
        "formula": metric.formula,
        "source": metric.source,
        "example": {"formula": formula, "result": result},
    }


def print_list(metrics: list[Metric], language: str) -> None:
    """The functions by family, a line each."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for header in ("Function", "Family", "What it is"):
        table.add_column(say(header, language, "phrases"), no_wrap=header != "What it is")
    for metric in metrics:
        family = family_name(metric.family, language)
        table.add_row(f"[bold]{metric.name}[/]", family, summary(metric, language))
    console = Console()
    console.print(table)
    command = "kpi-xl functions CAC" + f" --lang {language}" * (language != "en")
    closing = say("{count} functions. More on one: {command}", language, "phrases")
    console.print("\n" + closing.format(count=len(metrics), command=f"[bold]{command}[/]"))


def print_page(metric: Metric, language: str) -> None:
    """All that is known of one function."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"[bold]={escape(metric.signature)}[/]\n\n{escape(summary(metric, language))}")
    for text in (notes(metric, language), caution(metric, language)):
        if text:
            console.print(f"\n{escape(text)}")
    arguments = Table(box=None, pad_edge=False, show_header=False)
    for argument in metric.arguments:
        arguments.add_row(f"  {escape(argument.title)}", escape(argument_help(argument, language)))
    columns = Table(box=None, pad_edge=False, show_header=False)
    for name, meaning in metric.columns:
        columns.add_row(f"  {escape(name)}", escape(say(meaning, language, "columns")))
    for heading, table in (("Arguments", arguments), ("Columns", columns)):
        if table.row_count:
            console.print(f"\n[bold]{say(heading, language, 'phrases')}[/]")
            console.print(table)
    for heading, text in (
        ("Returns", say(metric.returns.meaning, language, "units")),
        ("Formula", metric.formula),
        ("Source", metric.source),
        ("Example", metric.example[0]),
    ):
        console.print(
            f"\n[bold]{say(heading, language, 'phrases')}[/]\n  {escape(text)}", soft_wrap=True
        )
    value = computed(metric.example[0])
    rows = value if isinstance(value, list) else [[value]]
    result = Table(box=None, pad_edge=False, show_header=False)
    for row in rows:
        result.add_row(*(f"  {escape(cell_text(cell))}" for cell in row))
    console.print(result)


# Template workbooks


NAME = Annotated[str, typer.Argument(metavar="TEMPLATE", help="Such as retention.")]
OUTPUT = Annotated[
    Path | None, typer.Option("-o", "--output", help="Where to write it.", metavar="FILE")
]
BOOK_LANGUAGE = Annotated[
    str | None, typer.Option("--lang", help=f"{', '.join(LANGUAGES)}; without it, the system's.")
]
FORCE = Annotated[bool, typer.Option("--force", help="Overwrite an older one.")]


@app.command()
def new(
    name: NAME, output: OUTPUT = None, lang: BOOK_LANGUAGE = None, force: FORCE = False
) -> None:
    """Write an empty template workbook, ready to be filled."""
    parts = import_module("kpi_xl.workbook_templates.parts")
    template = known_template(name)
    path = free_path(output or Path(f"{template.name}.xlsx"), force=force)
    code = language_of(lang)
    with steps() as step:
        step("Writing the workbook")
        save(path, parts.build(template, {}, language=code).content, force=force)
    say_where(path)
    inputs = " and ".join(table.name for table in template.inputs)
    print(
        f"Its sheet Start says what to do; kpi-xl fill {template.name} reads {inputs} from files."
    )


@app.command()
def fill(
    name: NAME,
    tables: Annotated[
        list[str],
        typer.Option(
            "--table",
            help="An input table and its file: CSV, Parquet or a workbook. Once a table.",
            metavar="NAME=FILE",
        ),
    ],
    renamed: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="What the file calls a column of ours; Leads[channel] means that of one table.",
            metavar='"Their name=ours"',
        ),
    ] = None,
    output: OUTPUT = None,
    lang: BOOK_LANGUAGE = None,
    force: FORCE = False,
) -> None:
    """Fill a template workbook from files, and compute it."""
    from kpi_xl.sources import SourceError, read_table

    parts = import_module("kpi_xl.workbook_templates.parts")
    template = known_template(name)
    files = named_files(template, tables)
    names = named_columns(template, files, renamed or [])
    path = free_path(output or Path(f"{template.name}-filled.xlsx"), force=force)
    code = language_of(lang)
    read = {}
    with steps() as step:
        try:
            for table, file in files.items():
                reading = partial(step, f"Reading {file.name}")
                reading(0.0)
                read[table.name] = read_table(
                    file,
                    table.wanted,
                    renamed=names[table.name],
                    table=table.name,
                    progress=reading,
                )
            step("Computing and writing the workbook")
            about = parts.Sentence(
                parts.FILLED, {"files": ", ".join(file.name for file in files.values())}
            )
            data = {table: found.columns for table, found in read.items()}
            built = parts.build(template, data, about, code)
        except (SourceError, parts.TooLargeError) as error:
            raise Misuse(str(error)) from None
        step("Saving the workbook")
        save(path, built.content, force=force)
    print_built(template, built)
    for table in template.inputs:
        if table.name not in read:
            print(f"{table.name}: left empty; --table {table.name}=FILE fills it")
            continue
        rows = read[table.name].rows
        print(f"{table.name}: {rows:,} row{'s' * (rows != 1)} of {files[table]}")
        for remark in read[table.name].remarks:
            print(f"  {remark}")
    say_where(path)
    print("Its sheet Checks lists what the data lack.")


def named_files(template: Any, given: list[str]) -> dict[Any, Path]:
    """The file of each input table: "Leads=leads.csv". Raises Misuse."""
    inputs = {table.name.lower(): table for table in template.inputs}
    files: dict[Any, Path] = {}
    for text in given:
        name, mark, file = text.partition("=")
        table = inputs.get(name.strip().lower())
        if table is None or not file.strip():
            names = [table.name for table in inputs.values()]
            near = did_you_mean(name, names) if mark else ""
            raise Misuse(
                f"--table {text}: write NAME=FILE, the name being {' or '.join(names)}{near}"
            )
        if table in files:
            raise Misuse(f"--table {table.name} is given twice")
        files[table] = Path(file.strip()).expanduser()
    return files


def named_columns(
    template: Any, files: dict[Any, Path], given: list[str]
) -> dict[str, dict[str, str]]:
    """By table, what a file calls our columns: "Kanal=channel". Raises Misuse."""
    names: dict[str, dict[str, str]] = {table.name: {} for table in files}
    for text in given:
        theirs, mark, ours = (part.strip() for part in text.rpartition("="))
        only, _, column = ours.removesuffix("]").rpartition("[")
        known = {
            f"{table.name}[{one.name}]".lower(): (table.name, one.name)
            for table in files
            for one in table.columns
        }
        fits = [
            place
            for place in known.values()
            if place[1].lower() == column.lower() and only.lower() in ("", place[0].lower())
        ]
        if not mark or not theirs or not fits:
            near = did_you_mean(column, [one for _, one in known.values()])
            raise Misuse(
                f'--map {text}: write "Their name=ours", a column of {template.name}{near}'
            )
        for table, one in fits:
            names[table][theirs] = one
    return names


@app.command()
def demo(
    name: Annotated[
        str | None, typer.Argument(metavar="[TEMPLATE]", help="One template; else all of them.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--dir", help="Where to write the workbooks.", metavar="DIR")
    ] = Path(),
    lang: BOOK_LANGUAGE = None,
    force: FORCE = False,
) -> None:
    """Build template workbooks from sample data: real orders (CDNOW, 1997-98), and made-up ones."""
    parts = import_module("kpi_xl.workbook_templates.parts")
    names = import_module("kpi_xl.workbook_templates").TEMPLATES
    code = language_of(lang)
    chosen = [known_template(name) for name in ([name] if name else names)]
    paths = [free_path(folder / f"kpi-xl-{one.name}.xlsx", force=force) for one in chosen]
    for template, path in zip(chosen, paths, strict=True):
        with steps() as step:
            step(f"{template.title}: making the sample data")
            data, about = template.sample()
            step(f"{template.title}: computing the formulas")
            built = parts.build(template, data, about, code)
            step(f"{template.title}: writing the workbook")
            save(path, built.content, force=force)
        print_built(template, built)
        say_where(path)


def known_template(name: str) -> Any:
    """The record of a template. Raises Misuse."""
    templates = import_module("kpi_xl.workbook_templates")
    if name.lower() not in templates.TEMPLATES:
        near = did_you_mean(name, templates.TEMPLATES)
        there = ", ".join(templates.TEMPLATES)
        raise Misuse(f"there is no template {name!r}{near or f'; there are {there}'}")
    try:
        return templates.template(name.lower())
    except ModuleNotFoundError as error:
        raise Misuse(f"templates are computed by {error.name}, which is not installed") from None


def free_path(path: Path, *, force: bool) -> Path:
    """Where a workbook can be written; its folder is made. Raises Misuse."""
    try:
        path = path.resolve()
        if path.exists() and not force:
            raise Misuse(f"{path} is already there; --force overwrites it")
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error.strerror}") from None
    return path


def save(path: Path, content: bytes, *, force: bool) -> None:
    """Write a workbook. Raises Misuse."""
    from kpi_xl.files import write_whole

    try:
        write_whole(path, content, force=force)
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error.strerror or error}") from None


@contextmanager
def steps() -> Iterator[Callable[..., None]]:
    """A bar that shows what is being done and how far it is; it is gone afterwards.

    It is called with what is done next, and with the fraction done where that is known.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=None)

        def step(what: str, done: float | None = None) -> None:
            total = None if done is None else 1.0
            progress.update(task, description=what, total=total, completed=done or 0.0)

        yield step


def print_built(template: Any, built: Any) -> None:
    """The figures of a workbook, and how many formulas it has."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=template.title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for figure, shown in built.headlines:
        table.add_row(figure, shown)
    console = Console(highlight=False)
    console.print(table)
    errors = sum(isinstance(value, CellError) for value in built.values.values())
    console.print(f"{len(built.values)} formulas computed, {errors or 'no'} errors.")


def say_where(path: Path) -> None:
    """Where the workbook is."""
    from rich.console import Console

    Console(highlight=False).print(f"Open this workbook:\n[bold]{path}[/]", soft_wrap=True)
