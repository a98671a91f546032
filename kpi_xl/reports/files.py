"""A workbook's file as the commands of the reports take it: no spreadsheet program is needed.

What takes a file apart, writes into it and computes it is done in processes of its own (`bounded`),
and only what has become of the whole is handed back: until then there is nothing to undo.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, overload

from kpi_xl.bounded import call
from kpi_xl.cells import Cell
from kpi_xl.engine import recalc
from kpi_xl.formula_text import calls
from kpi_xl.hosts.libreoffice.newer_functions import NEWER_CALL
from kpi_xl.locales import Message, in_language
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml import limits
from kpi_xl.ooxml.addresses import LAST_ROW, Area, column_letters
from kpi_xl.ooxml.charts import follow_links, follow_values
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.fitting import fit
from kpi_xl.ooxml.limits import opened
from kpi_xl.ooxml.package import ExcelTable, Formula, Package, read_package, sheet_parts
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import Edit, with_edits, with_value, without
from kpi_xl.ooxml.stored_cells import StoredCells
from kpi_xl.reports import layout
from kpi_xl.reports.commands import ActiveCell
from kpi_xl.reports.freezing import FROZEN_TEMPLATE
from kpi_xl.reports.loading import Progress
from kpi_xl.reports.records import Change, OpenWorkbook, Place, ReportError, Table
from kpi_xl.reports.rewriting import Rewritten, rewritten
from kpi_xl.schema import SCHEMAS, Input

PER_CELL = 24  # bytes of a file that a new cell may come to
SETTINGS = re.compile(rb"<(?:\w+:)?calcPr\b[^>]*>")
BEFORE_SETTINGS = re.compile(
    rb"</(?:\w+:)?(?:definedNames|externalReferences|functionGroups|sheets)>"
)


@dataclass(frozen=True)
class UnreadRows(Sequence[list[Cell]]):
    """So many rows of a table that is about to be loaded anew, which spares reading them."""

    number: int

    def __len__(self) -> int:
        return self.number

    @overload
    def __getitem__(self, place: int) -> list[Cell]: ...
    @overload
    def __getitem__(self, place: slice) -> list[list[Cell]]: ...
    def __getitem__(self, place: int | slice) -> list[Cell] | list[list[Cell]]:
        raise TypeError("rows that are replaced are not read")


@dataclass(frozen=True)
class Described:
    """What there is to know of a workbook's file before it is loaded anew."""

    template: str | None
    language: str
    tables: Mapping[str, Table]
    named: Mapping[str, Place]
    currency: str = ""


class RecomputedBook(NamedTuple):
    """A workbook computed anew: its formulas, those that are not computed and lost their values.

    `unshown` shapes have lost what they showed.
    """

    content: bytes
    formulas: int
    kept: tuple[recalc.Kept, ...]
    unshown: int


@dataclass
class FileWorkbook:
    """A workbook's file, as the commands of the reports take it."""

    path: Path
    content: bytes
    progress: Progress = lambda what, done: None
    change: Change | None = None
    computed: RecomputedBook | None = None
    rewritten: Rewritten | None = field(default=None, repr=False)
    _described: Described | None = field(default=None, repr=False)
    _before: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """Keep the file as it is."""
        self._before = self.content

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def template(self) -> str | None:
        """The template that it was made from, None if from none."""
        return self.described.template

    @property
    def language(self) -> str:
        """The language that its template was made in; nothing without a template."""
        return self.described.language

    @property
    def described(self) -> Described:
        """What there is to know of the file. Raises NotAWorkbookError, BudgetError, ReportError."""
        if self._described is None:
            budget = limits.computing(len(self.content))
            self._described = call(described, self.content, budget=budget)
        return self._described

    def opened(self, inputs: Sequence[Input]) -> OpenWorkbook:
        """The workbook as it is: its marked cells, and these tables; rows are counted alone."""
        there = self.described
        return OpenWorkbook(
            there.language or "en",
            self.path.parent,
            there.tables,
            there.named,
            apart=True,
            currency=there.currency,
        )

    @contextmanager
    def writing(self) -> Iterator[Progress]:
        """Whoever has made this one hears of the progress."""
        yield self.progress

    def apply(self, change: Change, progress: Progress) -> None:
        """Write a change. Raises ReportError where nothing was loaded: the file stays as it is."""
        self.change = change
        if change.refused:
            raise ReportError("\n".join((change.message, *change.problems[1:])))
        cells = sum(len(block.rows) * len(block.rows[0]) for block in change.blocks)
        budget = limits.computing(len(self.content) + PER_CELL * cells)
        progress(self.name, 0.0)
        self.rewritten = call(rewritten, self.content, change, budget=budget)
        self.content = self.rewritten.content

    def compute(self) -> str:
        """Compute the formulas; a sentence on what is not computed here, or nothing."""
        budget = limits.computing(len(self.content))

        def tell(what: str, done: float = 0.0) -> None:
            self.progress(what, done)

        pivoted = self.rewritten.pivoted if self.rewritten else []
        self.computed = call(
            computed, self.content, self._before, pivoted, budget=budget, progress=tell
        )
        self.content = self.computed.content
        told = []
        if self.computed.kept:
            first = self.computed.kept[0]
            text = (
                "Formulas that are not surely computed here, and show nothing until a spreadsheet"
                " program opens the workbook: {number}, such as {cell} ({reason})."
            )
            cell, number = f"{first.sheet}!{first.cell}", len(self.computed.kept)
            told.append(Message(text, number=number, cell=cell, reason=first.reason))
        pivots = self.rewritten.pivots if self.rewritten else 0
        if pivots:
            text = (
                "Pivot tables of these data: {number}; they follow when a spreadsheet program opens"
                " the workbook."
            )
            told.append(Message(text, number=pivots))
        if self.computed.unshown:
            text = (
                "Shapes that show a cell's number: {number}; they show nothing until a spreadsheet"
                " program opens the workbook."
            )
            told.append(Message(text, number=self.computed.unshown))
        return " ".join(in_language(one, self.language or "en") for one in told)

    def tables_in_front(self) -> Collection[str]:
        """None: no sheet of a file is in front."""
        return ()

    def active_cell(self) -> AbstractContextManager[ActiveCell]:
        """None is. Raises ReportError."""
        raise ReportError(
            Message("A file has no active cell: kpi-xl explain BOOK CELL explains one.")
        )

    def copy(self) -> tuple[Path, bytes]:
        """Where the file is, and its content as it is now."""
        return self.path, self.content


# In a process of their own: reading


@limits.faults()
def described(content: bytes) -> Described:
    """What there is to know of a workbook. Raises NotAWorkbookError, ReportError."""
    book = read_package(content, computing=False)
    if book.signed:
        raise ReportError(
            Message("The workbook is signed, and a change would break its signature.")
        )
    cells = StoredCells(Parts(content), book.parts)
    template, language, currency = (
        cells.text(book.place(name)) for name in (layout.TEMPLATE, layout.LANGUAGE, layout.CURRENCY)
    )
    if (None, FROZEN_TEMPLATE.decode().lower()) in book.names:
        raise ReportError(
            Message(
                "This is a frozen copy, which follows no data: refresh the workbook that it is of."
            )
        )
    if not template:
        return Described(None, "", {}, {})
    if book.date1904:
        raise ReportError(
            Message("This workbook counts dates from 1904: switch that off in its options.")
        )
    inputs = SCHEMAS[template].inputs if template in SCHEMAS else ()
    names = {layout.SOURCES.lower(), *(one.name.lower() for one in inputs)}
    tables = {
        table.name: _table(cells, table, read=table.name == layout.SOURCES)
        for key, table in book.tables.items()
        if key in names
    }
    places = {name: found for name in layout.PLACES if (found := book.place(name))}
    named = {name: Place(*found[:3]) for name, found in places.items()}
    return Described(template, language, tables, named, currency)


def _table(cells: StoredCells, table: ExcelTable, *, read: bool) -> Table:
    """A table, its rows counted, or `read`, and the cells below it.

    Raises ReportError, NotAWorkbookError.
    """
    if not table.header:
        raise ReportError(
            Message("The table {table} shows no header row: switch it on.", table=table.name)
        )
    sheet, top, left, bottom, right = table.area
    if len(table.columns) != right - left + 1:
        raise NotAWorkbookError(
            "it is damaged (the table {table} names other columns than it has)", table=table.name
        )
    below = Area(sheet, bottom + 1, left, LAST_ROW, right)
    filled = [one.row for one in cells.sheet(sheet).block_cells(below) if one.value or one.formula]
    data = Area(sheet, top + 1, left, bottom - table.totals, right)
    count = data.bottom - data.top + 1
    return Table(
        name=table.name,
        place=Place(sheet, top, left),
        headers=table.columns,
        rows=cells.block(data) if read and count else UnreadRows(count),
        below=cells.block(below._replace(bottom=max(filled))) if filled else [],
        totals=bool(table.totals),
    )


# Computing


def computed(
    content: bytes, before: bytes, pivoted: Sequence[Area], progress: Callable[..., None]
) -> RecomputedBook:
    """A workbook computed anew. Raises RefusedError, NotAWorkbookError.

    Values that are not surely computed here may be those of other data: they are taken out, and
    whatever program opens the workbook computes them. `before` is the workbook as it was loaded,
    `pivoted` has the cells of pivot tables, which show other data.
    """

    def adapted(book: Package) -> Package:
        fitting = (replace(one, dynamic=True) if _fits(one) else one for one in book.formulas)
        return replace(book, formulas=tuple(fitting), unreadable=(*book.unreadable, *pivoted))

    new, report = recalc.recalculated(content, progress, adapted=adapted)
    if report.kept:
        new = _without_values(new, report.kept)
    new, unshown = _shown(new, before)
    return RecomputedBook(new, report.formulas, report.kept, unshown)


@limits.faults()
def _shown(content: bytes, before: bytes) -> tuple[bytes, int]:
    """A workbook whose charts, shapes and pages show its values; how many shapes show nothing."""
    cells, old = _cells(content), _cells(before)
    fit(cells, old, read_package(content, computing=False))
    follow_values(cells)
    links = any(b"textlink" in xml for name, xml in cells.parts.items() if "/drawings/" in name)
    unshown = follow_links(cells, old) if links else 0
    return cells.parts.archive(), unshown


def _cells(content: bytes) -> StoredCells:
    with opened(content) as package:
        return StoredCells(Parts(content), sheet_parts(package))


def _fits(formula: Formula) -> bool:
    """Whether it is an array formula of old that gets its result's size, as ours do in Calc."""
    if formula.array is None or formula.dynamic:
        return False
    return any(calls(formula.text, METRICS)) or bool(NEWER_CALL.search(formula.text))


def _without_values(content: bytes, kept: Sequence[recalc.Kept]) -> bytes:
    """A workbook without the values of some formulas."""
    book, parts = read_package(content, computing=False), Parts(content)
    names = {(one.sheet, one.cell) for one in kept}
    emptied = False
    for sheet, xml in book.xml.items():
        areas = [one.area for one in book.formulas if one.sheet == sheet]
        edits: set[Edit] = set()
        for cell, place in zip(xml.formula_cells(), areas, strict=True):
            if (sheet, f"{column_letters(cell.column)}{cell.row}") not in names:
                continue
            emptied |= bool(cell.value)
            shown = [cell] if place[1:3] == place[3:5] else xml.block_cells(place)
            edits |= {
                (one.start, one.end, with_value(one, "n", None)) for one in shown if one.value
            }
        if edits:
            parts[book.parts[sheet]] = with_edits(xml.xml, edits)
    if emptied:
        parts[parts.book] = _computing_on_load(parts[parts.book])
    return parts.archive()


def _computing_on_load(xml: bytes) -> bytes:
    """A workbook that programs compute when they open it."""
    tag = SETTINGS.search(xml)
    if tag:
        bare = without(tag[0], "fullCalcOnLoad")
        closing = b"/>" if bare.endswith(b"/>") else b">"
        new = bare.removesuffix(closing) + b' fullCalcOnLoad="1"' + closing
        return xml.replace(tag[0], new, 1)
    places = list(BEFORE_SETTINGS.finditer(xml))
    end = places[-1].end()
    prefix = re.match(rb"</((?:\w+:)?)", places[-1][0])
    p = prefix[1] if prefix else b""
    return xml[:end] + b'<%scalcPr fullCalcOnLoad="1"/>' % p + xml[end:]
