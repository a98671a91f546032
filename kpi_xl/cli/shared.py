"""What the commands share: the app, the mistakes of its users, options, files, progress."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar, cast

import typer
from typer.exceptions import TyperException

from kpi_xl import own
from kpi_xl.bounded import BudgetError, call
from kpi_xl.cells import Block, Cell
from kpi_xl.files import is_file, is_there, kind
from kpi_xl.locales import LANGUAGES, Counted, Message, Names, SaidError, chosen, in_language
from kpi_xl.reference import did_you_mean

UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")
"""Control characters, but for tabs and ends of lines, and what turns a line's direction over."""

P = ParamSpec("P")
T = TypeVar("T")

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # brackets in the help are Excel's, and its lines are to be wrapped
    help="Marketing KPIs as Excel functions: compute them here, list them, see a demo.",
)


def among(words: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """What a shell completes an argument to: those of some words that begin as it does."""

    def fitting(incomplete: str) -> list[str]:
        return [word for word in words() if word.lower().startswith(incomplete.lower())]

    return fitting


LANGUAGE_TAGS = among(lambda: LANGUAGES)
JSON = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
OUTPUT = Annotated[
    Path | None, typer.Option("-o", "--output", help="Where to write it.", metavar="FILE")
]
BOOK_LANGUAGE = Annotated[
    str | None,
    typer.Option(
        "--lang",
        help=f"{', '.join(LANGUAGES)}; without it, the system's.",
        autocompletion=LANGUAGE_TAGS,
    ),
]
BOOK_HOST = Annotated[
    str,
    typer.Option(
        "--host",
        help="excel; lite for a workbook that brings the functions; server for a company's server.",
        autocompletion=among(lambda: ("excel", "lite", "server")),
    ),
]
WHEEL = Annotated[
    str, typer.Option(help="For lite: where our wheel is, if not on PyPI.", metavar="URL")
]
FORCE = Annotated[bool, typer.Option("--force", help="Overwrite an older one.")]
PARENTS = Annotated[
    bool, typer.Option("--parents", help="Make the folders of the output that are missing.")
]
WORKBOOKS = (".xlsx", ".ods")
"""What a workbook that is written may end in."""


SPOKEN: ContextVar[str] = ContextVar("spoken", default="en")
"""The language of the call that is carried out."""


class Misuse(TyperException):
    """A call that cannot be carried out, with the sentence that says why. Exit code 2."""

    exit_code = 2

    def __init__(self, sentence: Message | Names | SaidError) -> None:
        super().__init__(said(sentence))


def said(message: object) -> str:
    """A sentence as this call tells it."""
    return printable(in_language(message, SPOKEN.get()))


def tell(message: object, *, error: bool = False) -> None:
    """Print a sentence: on the error stream, after the program's name, where it is none of the
    results."""
    if error:
        print(f"kpi-xl: {said(message)}", file=sys.stderr)
    else:
        print(said(message))


def language_of(tag: str | None) -> str:
    """The language that a tag means, or the system's. Raises Misuse."""
    try:
        return chosen(tag)
    except LookupError:
        known = Names(tuple(LANGUAGES), ", ")
        text = "there is no language {language}; there are {names}"
        raise Misuse(Message(text, language=tag, names=known)) from None


def in_their_language(command: Callable[P, T]) -> Callable[P, T]:
    """A command that tells all in the language of its option --lang, or else in the system's."""

    @wraps(command)
    def speaking(*arguments: P.args, **options: P.kwargs) -> T:
        before = SPOKEN.set(language_of(cast("str | None", options.get("lang"))))
        try:
            return command(*arguments, **options)
        finally:
            SPOKEN.reset(before)

    return speaking


# Formulas


def computed(formula: str, book: Path | None = None) -> Cell | Block:
    """The value of a formula. Raises Misuse."""
    with calculator(Message("the formula {formula}", formula=formula[:60]), book):
        from kpi_xl.engine import embedded
        from kpi_xl.ooxml import limits

        if book is None:
            return embedded.evaluate_formula(formula)
        from kpi_xl.reports.offline import value

        content = read_book(book)
        answer: Cell | Block = call(value, formula, content, budget=limits.computing(len(content)))
        return answer


@contextmanager
def calculator(asked: object, book: Path | None) -> Iterator[None]:
    """Where the embedded host computes; what it cannot do is a Misuse."""
    try:
        import formualizer  # noqa: F401 - what would fail later, in another's words
    except ImportError as error:
        text = (
            "formulas are computed by the package formualizer, which is not installed ({reason});"
            " it has no wheel for Windows on ARM"
        )
        raise Misuse(Message(text, reason=error)) from None
    with faults(asked, book):
        yield


@contextmanager
def faults(asked: object, book: Path | None) -> Iterator[None]:
    """Where a file is read or computed: what is wrong with it, or asked of it, is a Misuse."""
    from kpi_xl.engine.terms import FormulaError
    from kpi_xl.ooxml.errors import NotAWorkbookError
    from kpi_xl.reports.records import ReportError

    try:
        yield
    except (FormulaError, ReportError) as error:
        raise Misuse(Message("{file}: {fault}", file=asked, fault=error)) from None
    except (NotAWorkbookError, BudgetError) as error:
        raise Misuse(Message("{file}: {fault}", file=book or asked, fault=error)) from None


def printable(text: str) -> str:
    """Text of a file for a terminal, which its control characters would command."""
    return UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def console_text(text: object) -> str:
    """A text or sentence that rich's console shows as it is."""
    from rich.markup import escape

    return escape(said(text))


def cell_text(cell: Cell) -> str:
    """A cell as text: numbers with all their digits, TRUE and FALSE."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float | int):
        return f"{cell:.0f}" if cell == round(cell) and abs(cell) < 1e15 else repr(cell)
    return printable(str(cell))


# Files


def kpis_of(folder: Path) -> None:
    """Enter the KPIs that stand in a folder of workbooks, if it is allowed. Raises Misuse.

    What is wrong with them, or that they are not read, is told on the error stream.
    """
    from kpi_xl.reports.folders import allowed_folders, settings_file
    from kpi_xl.sources import SourceError, allowed

    file = folder.resolve() / "kpis.toml"
    if not is_file(file) or file in (Path(text).resolve() for text in own.TEXTS):
        return
    try:
        folders = allowed_folders()
    except SourceError as error:
        raise Misuse(error) from None
    try:
        faults = own.beside(allowed(file, folders))
    except SourceError:
        text = "{file} is not read: folders = ['{folder}'] in {settings} allows it"
        lines = [Message(text, file=file, folder=file.parent, settings=settings_file())]
    else:
        twice = next((fault for fault in faults if fault.twice), None)
        if twice:  # nobody can tell which of the two a workbook means
            text = "{fault}: give one of them another name"
            raise Misuse(Message(text, fault=twice.told))
        lines = [fault.told for fault in faults if not fault.kept]
    for line in lines:
        tell(line, error=True)


def kpis_of_allowed_folders() -> None:
    """Enter the KPIs of all folders that the user has allowed. Raises Misuse."""
    from kpi_xl.reports.folders import allowed_folders
    from kpi_xl.sources import SourceError

    try:
        folders = allowed_folders()
    except SourceError as error:
        raise Misuse(error) from None
    for folder in folders:
        kpis_of(folder)


def read_book(path: Path) -> bytes:
    """The bytes of a workbook; the KPIs of its folder are there from now on. Raises Misuse."""
    from kpi_xl.ooxml.limits import MOST_UNPACKED

    try:
        what = kind(path)
        if what:
            raise Misuse(Message("{path} is {what}, and no workbook", path=path, what=what))
        if path.stat().st_size > MOST_UNPACKED:
            raise Misuse(Message("{path} has more than 4 GB, too much to be a workbook", path=path))
        content = path.read_bytes()
    except FileNotFoundError:
        folder = path.parent
        near = [str(p) for p in folder.glob("*.xls*")] if folder.is_dir() else []
        raise Misuse(
            Message(
                "there is no file {path}{near}",
                path=path,
                near=did_you_mean(str(path), near),
            )
        ) from None
    except OSError as error:
        raise Misuse(
            Message("{path} cannot be read: {reason}", path=path, reason=error.strerror or error)
        ) from None
    kpis_of(path.parent)
    return content


def lock_of(path: Path) -> Path | None:
    """The file that Excel or LibreOffice puts beside a workbook as long as it is open there."""
    locks = (path.with_name(f"~${path.name}"), path.with_name(f".~lock.{path.name}#"))
    return next((lock for lock in locks if is_there(lock)), None)


def refuse_open(path: Path) -> None:
    """Refuse to write what somebody has open. Raises Misuse."""
    lock = lock_of(path)
    if lock:
        raise Misuse(
            Message(
                "{path} is open in a spreadsheet program: close it; if none has it open, delete"
                " {lock}",
                path=path,
                lock=lock,
            )
        )


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """What is another whenever a file has been written, and None where there is none.

    It is taken before the file is read: what is written after that is not what was read.
    """
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_ino, there.st_mtime_ns, there.st_size


def refuse_changed(path: Path, stamp: tuple[int, int, int] | None) -> None:
    """Refuse to write over what somebody has written since. Raises Misuse."""
    if stamp_of(path) != stamp:
        raise Misuse(Message("{path} was changed by somebody meanwhile: try once more", path=path))


def warn_of_rows_below(book: Path, content: bytes) -> None:
    """Tell on the error stream which rows of a template workbook stand below their table."""
    from kpi_xl.ooxml.errors import NotAWorkbookError
    from kpi_xl.ooxml.package import is_of_a_template, rows_below

    try:
        found = rows_below(content) if is_of_a_template(content) else {}
    except NotAWorkbookError:
        return  # whoever is to read it says so
    for table, rows in found.items():
        text = (
            "{file}: {rows} below the table {table} are not counted, the first in row {row}:"
            " draw the table's lower corner down over them"
        )
        fields = {"file": book, "rows": Counted(len(rows), "rows"), "table": table}
        tell(Message(text, **fields, row=rows[0]), error=True)


def free_path(
    path: Path, *, force: bool, parents: bool = False, ends: tuple[str, ...] = ()
) -> Path:
    """Where a file can be written; its folder is made only if that is told. Raises Misuse.

    `ends`: what its name may end in; anything, if none is named.
    """
    if ends and path.suffix.lower() not in ends:
        raise Misuse(
            Message("{path} has to end in {ends}", path=path, ends=Names(tuple(ends), "or"))
        )
    try:
        path = path.resolve()
        if path.exists() and not force:
            raise Misuse(Message("{path} is already there; --force overwrites it", path=path))
        refuse_open(path)
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.parent.exists():
            raise Misuse(
                Message("there is no folder {folder}; --parents makes it", folder=path.parent)
            )
        if not path.parent.is_dir():
            raise Misuse(
                Message(
                    "{path} cannot be written: {folder} is no folder", path=path, folder=path.parent
                )
            )
    except OSError as error:
        raise Misuse(
            Message("{path} cannot be written: {reason}", path=path, reason=error.strerror)
        ) from None
    return path


@contextmanager
def office() -> Iterator[None]:
    """Where LibreOffice works; what it cannot do is a Misuse, and an end leaves nothing behind."""
    from kpi_xl.hosts.libreoffice.headless import ended_by_signals
    from kpi_xl.hosts.libreoffice.programs import OfficeError

    try:
        with ended_by_signals():
            yield
    except OfficeError as error:
        raise Misuse(error) from None


def save(path: Path, content: bytes, *, force: bool, like: Path | None = None) -> None:
    """Write a file, a workbook whose name ends in .ods as LibreOffice has it. Raises Misuse.

    One that is new is as open as `like`.
    """
    refuse_open(path)
    if path.suffix.lower() == ".ods":
        from kpi_xl.hosts.libreoffice.headless import as_ods

        with office():
            content = as_ods(content)
    write(path, content, force=force, like=like)


def write(path: Path, content: bytes, *, force: bool, like: Path | None = None) -> None:
    """Write a file, also one that is open elsewhere. Raises Misuse."""
    from kpi_xl.files import write_whole

    try:
        write_whole(path, content, force=force, like=like)
    except OSError as error:
        raise Misuse(
            Message("{path} cannot be written: {reason}", path=path, reason=error.strerror or error)
        ) from None


def say_where(path: Path) -> None:
    """Where the workbook is."""
    from rich.console import Console

    open_it = said(Message("Open this workbook:"))
    Console(highlight=False).print(f"{open_it}\n[bold]{console_text(path)}[/]", soft_wrap=True)


def print_json(record: Any) -> None:
    """A record for other programs; what would command a terminal is in the escapes of JSON."""
    text = json.dumps(record, ensure_ascii=False)
    print(UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


# Progress


def time_text(seconds: float) -> str:
    """Some seconds as minutes and seconds: 1:05."""
    return "{}:{:02}".format(*divmod(round(seconds), 60))


@contextmanager
def steps() -> Iterator[Callable[..., None]]:
    """A bar that shows what is being done, how far it is, and the time left; gone afterwards.

    It is called with what is done next, and with the fraction done where that is known.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    left = TextColumn("{task.fields[left]}")
    doing_now = TextColumn("{task.description}", markup=False)  # files' names may have brackets
    columns = (doing_now, BarColumn(), TimeElapsedColumn(), left)
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=None, left="")
        doing = ""

        def step(doing_next: object, done: float | None = None) -> None:
            nonlocal doing
            what = said(doing_next)
            if what != doing and not done:  # another piece of work has another speed
                doing = what
                progress.reset(task)
            total = None if done is None else 1.0
            progress.update(task, description=what, total=total, completed=done or 0.0)
            seconds = progress.tasks[0].time_remaining if done else None
            left = "" if seconds is None else Message("{time} left", time=time_text(seconds))
            progress.update(task, left=said(left))

        yield step
