"""kpi-xl refresh: what the button Refresh report does, on files, for schedulers."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from kpi_xl.bounded import call
from kpi_xl.cli.formulas import TIMEOUT, chosen_look, kept_record, printed
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
    office,
    print_json,
    printable,
    read_book,
    refuse_changed,
    refuse_open,
    save,
    stamp_of,
    steps,
)
from kpi_xl.cli.templates import meant
from kpi_xl.files import is_file
from kpi_xl.locales import Message, Names
from kpi_xl.ooxml.limits import computing

WORKBOOKS = (".xlsx", ".xlsm")
BACKUP = ".bak"
"""What the name of the book before it goes on with: no pattern such as *.xlsx means it."""


@dataclass
class Outcome:
    """What became of a workbook: its exit code, what there is to say, the files written."""

    book: str
    code: int = 0
    refreshed: bool = False
    message: str = ""
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    formulas: int = 0
    kept: list[dict[str, str]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """What is to be done beside the refresh itself."""

    output: Path | None
    force: bool
    backup: bool
    frozen: bool
    pdf: bool
    look: tuple[Path | None, str]
    timeout: float


@app.command()
@in_their_language
def refresh(
    books: Annotated[
        list[str],
        typer.Argument(
            help="Workbooks (.xlsx, .xlsm) made from a template, also with * and ?.",
            metavar="BOOK",
        ),
    ],
    output: OUTPUT = None,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Keep no copy, BOOK.bak, of the book before it.")
    ] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Print the report, too, as BOOK.pdf, by LibreOffice.")
    ] = False,
    frozen: Annotated[
        bool,
        typer.Option(
            "--freeze", help="Write a copy with values for the KPI formulas, too: BOOK (values)."
        ),
    ] = False,
    force: FORCE = False,
    parents: PARENTS = False,
    timeout: TIMEOUT = 300.0,
    lang: BOOK_LANGUAGE = None,
    as_json: JSON = False,
) -> int:
    """Load the files that a workbook's sheet Sources names, and compute it: without Excel.

    It is what the button Refresh report does. The tables get the rows of their files; sheets,
    columns, formats, charts, comments and macros of your own stay. Each workbook is written whole
    or not at all; the book before it stays beside it as BOOK.bak, and --pdf and --freeze write over
    what they wrote before. With -o BOOK itself stays as it is.

    The exit code is 0 if all was loaded and computed. It is 1 if a workbook was refused, as it was
    open, or a file could not be read, and then that workbook is as it was; also if it was loaded
    and the sheet Checks lists problems of the data, or formulas are not computed here. It is 2 for
    a call that cannot be carried out. Of several workbooks it is the worst.
    """
    paths = _of_books(dict.fromkeys(path.resolve() for text in books for path in meant(text)))
    target = _target(paths, output, force=force, parents=parents) if output else None
    if pdf:
        from kpi_xl.hosts.libreoffice.programs import program

        with office():
            program("soffice")
    look = chosen_look(None, "") if pdf else (None, "")
    wish = Wish(target, force, not no_backup, frozen, pdf, look, timeout)
    written = Counter(file for path in paths for file in _outputs(path, wish))
    for file, times in written.items():
        if times > 1:
            text = "{path} would be written for two workbooks: refresh them one by one, with -o"
            raise Misuse(Message(text, path=file))
    outcomes = []
    for path in paths:
        with steps() as step:
            outcome = _outcome(path, wish, step)
        outcomes.append(outcome)
        if not as_json:
            _tell(outcome)
    if as_json:
        print_json([asdict(one) for one in outcomes])
    return max((one.code for one in outcomes), default=0)


def _of_books(paths: Iterable[Path]) -> list[Path]:
    """The workbooks that a pattern means: not Excel's locks, nor the copies of others of them."""
    from kpi_xl.reports.freezing import copy_of

    books = [path for path in paths if not path.name.startswith("~$")]
    copies = {copy_of(book, native=native) for book in books for native in (False, True)}
    return [book for book in books if book not in copies]


def _target(paths: list[Path], output: Path, *, force: bool, parents: bool) -> Path:
    """Where the one workbook is to be written. Raises Misuse."""
    if len(paths) != 1:
        raise Misuse(Message("-o is for one workbook, and these are {number}", number=len(paths)))
    ends = (paths[0].suffix.lower(),)
    target = free_path(output, force=force, parents=parents, ends=ends)
    if target == paths[0].resolve():
        raise Misuse(Message("{path} is the workbook itself: leave -o away", path=output))
    return target


def _outcome(path: Path, wish: Wish, step: Callable[..., None]) -> Outcome:
    """Refresh a workbook; what is in the way is its sentence, and its code."""
    outcome = Outcome(str(path))
    try:
        _refresh(path, wish, step, outcome)
    except Misuse as error:
        outcome.code = 1 if is_file(path) else 2
        done = outcome.message if outcome.refreshed else ""
        outcome.message = " ".join(filter(None, (done, error.message)))
    return outcome


def _refresh(path: Path, wish: Wish, step: Callable[..., None], outcome: Outcome) -> None:
    """Refresh a workbook, all or nothing, and then write its copies. Raises Misuse."""
    from kpi_xl.reports.commands import refresh_report
    from kpi_xl.reports.files import FileWorkbook
    from kpi_xl.sources import SourceError

    if is_file(path):
        _refuse_taken(path, wish)
    stamp = stamp_of(path)
    content = read_book(path)
    book = FileWorkbook(path, content, step)
    with calculator(str(path), path):
        try:
            outcome.message = refresh_report(book)
        except SourceError as error:
            raise Misuse(Message("{file}: {fault}", file=path, fault=error)) from None
        finally:
            outcome.problems = list(book.change.problems) if book.change else []
    assert book.computed
    step(Message("Saving the workbook"))
    target = wish.output or path
    if wish.output:
        save(target, book.content, force=wish.force, like=path)
        outcome.written.append(str(target))
    elif book.content != content:
        refuse_changed(path, stamp)
        _refuse_taken(path, wish)
        if wish.backup:
            backup = path.with_name(path.name + BACKUP)
            save(backup, content, force=True, like=path)
            outcome.written.append(str(backup))
        save(path, book.content, force=True)
        outcome.written.append(str(path))
    outcome.refreshed = True
    outcome.remarks = list(book.change.remarks) if book.change else []
    outcome.formulas = book.computed.formulas
    outcome.kept = [kept_record(kept) for kept in book.computed.kept]
    outcome.code = 1 if outcome.problems or outcome.kept else 0
    if wish.frozen:
        _freeze(target, book.content, step, outcome)
    if wish.pdf:
        step(Message("LibreOffice prints the workbook"))
        pages = printed(target, book.content, wish.look, seconds=wish.timeout)
        save(pdf_of(target), pages, force=True, like=path)
        outcome.written.append(str(pdf_of(target)))


def _outputs(path: Path, wish: Wish) -> list[Path]:
    """The files that are written of a workbook, but for its backup."""
    from kpi_xl.reports.freezing import copy_of

    target = wish.output or path
    copies = [copy_of(target)] * wish.frozen + [pdf_of(target)] * wish.pdf
    return [target, *copies]


def pdf_of(book: Path) -> Path:
    """Where the printed report goes."""
    return book.with_suffix(".pdf")


def _refuse_taken(path: Path, wish: Wish) -> None:
    """Refuse a workbook that is open, as what is to be written may be, or may not be written.

    Raises Misuse.
    """
    if path.suffix.lower() not in WORKBOOKS:
        raise Misuse(Message("{path} has to end in {ends}", path=path, ends=Names(WORKBOOKS, "or")))
    for file in (path, *_outputs(path, wish)):
        refuse_open(file)
    writable = path.stat().st_mode & 0o222 and os.access(path, os.W_OK)
    if not writable and wish.output is None:
        raise Misuse(
            Message(
                "{path} is read-only: allow writing it, or write another file with -o", path=path
            )
        )


def _freeze(book: Path, content: bytes, step: Callable[..., None], outcome: Outcome) -> None:
    """Write a copy with values, over that of the last time. Raises Misuse."""
    from kpi_xl.reports import offline
    from kpi_xl.reports.freezing import copy_of

    step(Message("Writing a copy with values"))
    with calculator(str(book), book):
        copy, *_ = call(offline.frozen, content, False, budget=computing(len(content)))
    path = copy_of(book)
    save(path, copy, force=True, like=book)
    outcome.written.append(str(path))


def _tell(outcome: Outcome) -> None:
    """What became of a workbook: on the error stream where it was refused."""
    stream = sys.stdout if outcome.refreshed else sys.stderr
    name = Path(outcome.book).name
    prefix = f"{name}: " if outcome.refreshed else "kpi-xl: "
    lines = outcome.message.splitlines() or [""]
    print(printable(prefix + lines[0]), file=stream)
    rest = [*outcome.remarks, *outcome.problems] if outcome.refreshed else lines[1:]
    for line in rest:
        print(f"  {printable(line)}", file=stream)
    for path in outcome.written:
        print(f"  {printable(path)}", file=stream)
