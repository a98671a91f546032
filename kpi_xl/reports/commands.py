"""What the buttons do, once, over a workbook as a host has it.

Excel through xlwings (COM and remote), LibreOffice Calc and plain files are adapters: each says
what a `Workbook` is there, and nothing of what is done to it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol

from kpi_xl.files import is_there, write_whole
from kpi_xl.locales import LANGUAGES, Message, Names, in_language
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.reports.checking import checked
from kpi_xl.reports.explaining import Value, explained, in_row
from kpi_xl.reports.freezing import free_name, frozen
from kpi_xl.reports.loading import Progress, loaded
from kpi_xl.reports.phrases import phrase
from kpi_xl.reports.records import Change, OpenWorkbook, ReportError, Table, inputs_of
from kpi_xl.schema import Input
from kpi_xl.sources import SourceError

MISTAKES = (ReportError, SourceError, NotAWorkbookError)
"""What the user has to put right, with a sentence; all else is a bug, and comes as one."""


class ActiveCell(NamedTuple):
    """A cell with a formula, as its host has it.

    `tables` gives the tables of its sheet, by name, `value` what a piece of the formula gives,
    `shown` what the cell shows, given its formula; `separator` stands between arguments.
    """

    formula: str
    row: int
    tables: Callable[[], Mapping[str, Table]]
    value: Value
    shown: Callable[[str], Any]
    separator: str = ","


class Workbook(Protocol):
    """A workbook that is open in a host."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def template(self) -> str | None:
        """The template that it was made from, None if from none."""

    @property
    def language(self) -> str:
        """The language that its template was made in; nothing without a template."""

    def opened(self, inputs: Sequence[Input]) -> OpenWorkbook:
        """The workbook as it is: its marked cells, and these tables with their rows."""

    def writing(self) -> AbstractContextManager[Progress]:
        """While it is written: the host neither draws nor computes, and tells of the progress."""

    def apply(self, change: Change, progress: Progress) -> None:
        """Write a change, or, where the host refuses a part of it, nothing."""

    def compute(self) -> str:
        """Compute what depends on new rows; a sentence on what does not show, or nothing."""

    def tables_in_front(self) -> Collection[str]:
        """The names of the tables on the active sheet."""

    def active_cell(self) -> AbstractContextManager[ActiveCell]:
        """The cell that is chosen, while it is looked at. Raises ReportError."""

    def copy(self) -> tuple[Path, bytes]:
        """Where its file is, and its content as Excel would save it. Raises ReportError."""


NOT_SAVED = Message("Save the workbook in a folder of this computer first.")


def refresh_report(book: Workbook) -> str:
    """Load the tables anew from the files that the sheet Sources names."""
    return _refreshed(book, "")


def refresh_all(books: Sequence[Workbook]) -> str:
    """The same for every workbook; a mistake in one does not keep the others waiting."""
    if not books:
        inputs_of(None)
    return "\n".join(f"{book.name}: {answer(refresh_report, book)[0]}" for book in books)


def load_data(book: Workbook, table: str = "") -> str:
    """Load one table: the one named, or the one in whose sheet the active cell is."""
    names = [one.name for one in inputs_of(book.template)]
    if not table:
        there = book.tables_in_front()
        table = next((name for name in names if name in there), "")
    if table not in names:
        raise ReportError(
            Message(
                "Go to the sheet of the table to load first: {names}.", names=Names(names, "or")
            )
        )
    return _refreshed(book, table)


def check_data(book: Workbook) -> str:
    """List in the sheet Checks what is wrong with the tables; no file is read."""
    inputs = inputs_of(book.template)
    with book.writing() as progress:
        change = checked(book.opened(inputs), inputs)
        book.apply(change, progress)
    return change.message


def explain_cell(book: Workbook, language: str) -> str:
    """What the functions of the active cell computed, from what, and why there is an error.

    `language` is the host's, for a workbook that was made from no template.
    """
    with book.active_cell() as cell:
        return explain(cell, book.language or language)


def explain(cell: ActiveCell, language: str) -> str:
    """The same of a cell. Raises ReportError."""
    formula = cell.formula
    if "@" in formula or "#this row" in formula.lower():
        formula = in_row(formula, cell.row, cell.tables())
    try:
        shown = cell.shown(formula.removeprefix("="))
    except LookupError:
        shown = None
    return explained(formula, cell.value, language, cell.separator, shown)


def freeze_for_sharing(book: Workbook) -> str:
    """A copy of the workbook with values for formulas, for people without the functions."""
    values, _, path = _frozen(book, native=False)
    return phrase(
        "{values} formulas are values in the copy, each kept in a note: {path}",
        book.language or "en",
        values=f"{values:,}",
        path=path,
    )


def freeze_with_formulas(book: Workbook) -> str:
    """The same, but that functions of one value are native formulas, which go on computing."""
    values, live, path = _frozen(book, native=True)
    return phrase(
        "{live} formulas go on computing in the copy, without kpi_xl; {values} are values, each"
        " kept in a note: {path}",
        book.language or "en",
        live=f"{live:,}",
        values=f"{values:,}",
        path=path,
    )


def _frozen(book: Workbook, *, native: bool) -> tuple[int, int, Path]:
    """Write a copy: how many formulas are values in it, how many live on, and where it is.

    Raises ReportError.
    """
    file, content = book.copy()
    copy, values, live = frozen(content, native=native)
    path = free_name(file, native=native)
    try:
        write_whole(path, copy, like=file if is_there(file) else None)
    except OSError as error:
        reason = error.strerror or error
        raise ReportError(
            Message("{path} cannot be written: {reason}", path=path, reason=reason)
        ) from None
    return values, live, path


def new_workbook(
    name: str, language: str, build: Callable[[str, str], bytes], open_file: Callable[[Path], Any]
) -> Any:
    """A new workbook from a template, as `build` writes it and `open_file` opens a copy of it.

    Raises ReportError for an unknown template.
    """
    inputs_of(name)
    # On Windows a program may still have the file open that it has made a copy of.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / f"{name}.xlsx"
        path.write_bytes(build(name, language))
        return open_file(path)


def answer(command: Callable[..., str], *arguments: Any) -> tuple[str, bool]:
    """What a command has to say, and whether that tells of a mistake of the user's.

    It is in the language of the workbook, which is the first argument; a language may be the second
    one, for a workbook that was made from no template.
    """
    try:
        return command(*arguments), False
    except MISTAKES as mistake:
        book, *others = arguments or ("",)
        tongue = getattr(book, "language", "") or next(iter(others), "")
        return in_language(mistake, tongue if tongue in LANGUAGES else "en"), True


def _refreshed(book: Workbook, only: str) -> str:
    inputs = inputs_of(book.template)
    with book.writing() as progress:
        opened = book.opened(inputs)
        change = loaded(opened, inputs, datetime.now(), only=only, progress=progress)
        book.apply(change, progress)
        hidden = book.compute()
    return f"{change.message} {hidden}".rstrip()
