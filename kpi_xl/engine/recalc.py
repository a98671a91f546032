"""A workbook computed anew in place: only cached values change, and all else stays to the byte.

Cells that the embedded engine does not surely compute, and all that depend on them, keep their
old values.
"""

import io
import math
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from kpi_xl.cells import Block, Cell
from kpi_xl.engine.embedded import Computed, compute
from kpi_xl.engine.formulas import context_of, read
from kpi_xl.engine.memory import uncollected
from kpi_xl.engine.places import moved
from kpi_xl.engine.terms import RefusedError
from kpi_xl.errors import CellError
from kpi_xl.locales import Counted, Message
from kpi_xl.ooxml.addresses import Area, area, column_letters
from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.package import Formula, Package, read_package
from kpi_xl.ooxml.sheet import (
    Edit,
    SheetXml,
    XmlCell,
    check,
    new_cells,
    with_block,
    with_edits,
    with_value,
)
from kpi_xl.ooxml.values import Stored, held, is_same, stored, texts_of, written

Changed = tuple[tuple[int, int], Stored | None, Stored | None]
"""A cell by row and column, what it holds and what it is to hold."""

VOLATILE = re.compile(r"(?i)\b(TODAY|NOW|RAND|RANDBETWEEN|RANDARRAY|CELL|INFO)\(")
"""Formulas that come to something else each time."""

MOST_NAMED, MOST_LOOKED_AT = 1000, 20_000


class Kept(NamedTuple):
    """A formula that keeps its old value, and why."""

    sheet: str
    cell: str
    reason: Message


class Failed(NamedTuple):
    """A formula that shows an Excel error, or a block with one."""

    sheet: str
    cell: str
    error: CellError


class Difference(NamedTuple):
    """A cell that holds one value in the file, None for nothing, and comes out as another."""

    sheet: str
    cell: str
    cached: Cell | None
    computed: Cell | None


@dataclass(frozen=True)
class Report:
    """How many formulas there are, how many cells have another value now, and what is amiss."""

    formulas: int
    changed: int
    kept: tuple[Kept, ...]
    errors: tuple[Failed, ...]
    against_excel: tuple[Difference, ...] = ()
    """Cells whose values Excel wrote, and that come out otherwise though all that they read is as
    Excel left it, as far as the file tells: at most MOST_NAMED."""


@dataclass(frozen=True)
class Comparison:
    """What a workbook's formulas come to, beside the values that its file has."""

    formulas: int
    differences: tuple[Difference, ...]
    kept: tuple[Kept, ...]


@uncollected()
def recalculated(
    content: bytes,
    tell: Callable[..., None] = lambda *_: None,
    compute: Callable[[Package], Computed] = compute,
    *,
    adapted: Callable[[Package], Package] = lambda book: book,
) -> tuple[bytes, Report]:
    """A workbook with its formulas' values computed anew, and the report.

    `compute` is the engine, by default the embedded one, of which nobody knows how far it is;
    `tell` hears of each of the three steps as it begins, and of the last how much is done, from 0
    to 1. `adapted` may say more of the workbook that is read: which array formulas of old get the
    size of their results, as if they were dynamic, and which cells are not to be relied on. Raises
    NotAWorkbookError; RefusedError where nothing in the workbook can surely be computed.
    """
    tell(Message("Reading the workbook"))
    book = adapted(read_package(content))
    if book.signed:
        raise RefusedError("the workbook is signed, and a change would break its signature")
    computed = _computed(book, tell, compute)
    parts: dict[str, bytes] = {}
    changed: list[Difference] = []
    count = 0
    for name, edits, others in _changes(book, computed, tell, Message("Writing the values")):
        count += len(others)
        changed += [_difference(name, one) for one in others if book.by_excel]
        if edits:
            xml = with_edits(book.xml[name].xml, edits)
            check(xml)
            parts[book.parts[name]] = xml
    report = _report(book, computed, count)
    if book.by_excel:
        report = replace(report, against_excel=_against_excel(book, changed))
    return with_members(content, parts), report


@uncollected()
def compared(
    content: bytes,
    tell: Callable[..., None] = lambda *_: None,
    compute: Callable[[Package], Computed] = compute,
) -> Comparison:
    """The values that a workbook's formulas come to beside those in its file, and nothing written.

    Numbers are the same to twelve digits: in which order sums are taken is no difference. The rest
    is as in `recalculated`.
    """
    tell(Message("Reading the workbook"))
    book = read_package(content)
    computed = _computed(book, tell, compute)
    found = [
        _difference(name, one)
        for name, _, others in _changes(book, computed, tell, Message("Comparing the values"))
        for one in others
    ]
    differences = tuple(one for one in found if not _is_close(one.cached, one.computed))
    return Comparison(len(book.formulas), differences, _report(book, computed, 0).kept)


def _computed(
    book: Package, tell: Callable[..., None], compute: Callable[[Package], Computed]
) -> Computed:
    tell(Message("Computing {formulas}", formulas=Counted(len(book.formulas), "formulas")))
    return compute(book)


def _changes(
    book: Package, computed: Computed, tell: Callable[..., None], what: Message
) -> Iterator[tuple[str, list[Edit], list[Changed]]]:
    """Of each sheet with formulas the edits that give them their values, and what changes by them.

    `tell` hears that this is done, and how much of it.
    """
    done = 0
    with zipfile.ZipFile(io.BytesIO(book.source)) as package:
        texts = cache(lambda: texts_of(package.read(book.texts_part)) if book.texts_part else [])
        for name, values in _by_sheet(book, computed).items():
            tell(what, done / len(book.formulas))
            done += len(values)
            yield name, *_edits(book.xml[name], values, texts)


def _is_close(one: Cell | None, other: Cell | None) -> bool:
    numbers = type(one) is float and type(other) is float
    return numbers and math.isclose(one, other, rel_tol=1e-12)  # type: ignore[arg-type]


def _by_sheet(book: Package, computed: Computed) -> dict[str, dict[Formula, Cell | Block]]:
    """The values of the formulas that are computed, by the sheet."""
    by_sheet: dict[str, dict[Formula, Cell | Block]] = {}
    for formula in book.formulas:
        value = computed.values.get((formula.sheet, formula.row, formula.column))
        if value is not None:
            by_sheet.setdefault(formula.sheet, {})[formula] = value
    return by_sheet


def _against_excel(book: Package, changed: list[Difference]) -> tuple[Difference, ...]:
    """The cells whose values Excel gave otherwise, and all that they read as it is here."""
    if len(changed) > MOST_LOOKED_AT:
        return ()
    others: dict[str, list[Area]] = {}
    for one in changed:
        others.setdefault(one.sheet, []).append(area(one.sheet, one.cell))
    differing = {(one.sheet, one.cell): one for one in changed if one.cached is not None}
    named = []
    for formula in book.formulas:
        cell = f"{column_letters(formula.column)}{formula.row}"
        found = differing.get((formula.sheet, cell))
        if (
            found is None
            or VOLATILE.search(formula.text)
            or _is_close(found.cached, found.computed)
        ):
            continue
        text = moved(formula.text, *formula.moved)
        reads = read(text, context_of(formula, book)).areas
        if not any(
            place.touches(other) for place in reads for other in others.get(place.sheet, ())
        ):
            named.append(found)
    return tuple(named[:MOST_NAMED])


def _report(book: Package, computed: Computed, changed: int) -> Report:
    kept, errors = [], []
    for formula in book.formulas:
        value = computed.values.get((formula.sheet, formula.row, formula.column))
        if type(value) is float:
            continue
        cell = f"{column_letters(formula.column)}{formula.row}"
        if value is None:
            kept.append(Kept(formula.sheet, cell, computed.refused[formula.cell]))
            continue
        shown = [cell for row in value for cell in row] if isinstance(value, list) else [value]
        error = next((value for value in shown if isinstance(value, CellError)), None)
        if error is not None:
            errors.append(Failed(formula.sheet, cell, error))
    return Report(len(book.formulas), changed, tuple(kept), tuple(errors))


# What is to be written into a sheet


def _edits(
    sheet: SheetXml,
    values: Mapping[Formula, Cell | Block],
    texts: Callable[[], list[str]],
) -> tuple[list[Edit], list[Changed]]:
    """Edits that give the formulas of a sheet their values, and the cells that change by them."""
    cells = {(cell.row, cell.column): cell for cell in sheet.formula_cells()}
    wanted, blocks = _wanted(sheet, cells, values)
    for number in {row for row, _ in wanted.keys() - cells.keys()}:
        cells |= {(cell.row, cell.column): cell for cell in sheet.row_cells(number)}
    edits: list[Edit] = []
    new: dict[int, dict[int, tuple[str, bytes]]] = {}
    changed: list[Changed] = []
    for place, value in wanted.items():
        if place not in cells:
            if value is not None:
                new.setdefault(place[0], {})[place[1]] = written(value)
                changed.append((place, None, value))
            continue
        cell = cells[place]
        element = old = sheet.xml[cell.start : cell.end]
        cached = held(cell, texts)
        if value is None and cell.value is not None:
            element = with_value(cell, "n", None)
        elif value is not None and not is_same(cached, value):
            element = with_value(cell, *written(value))
        if element != old:
            changed.append((place, cached, value))
        if place in blocks:
            element = with_block(element, blocks[place])
        if element != old:
            edits.append((cell.start, cell.end, element))
    return edits + new_cells(sheet, new), changed


def _difference(sheet: str, changed: Changed) -> Difference:
    place, cached, value = changed
    shown = (None if cell is None else cell[1] for cell in (cached, value))
    return Difference(sheet, f"{column_letters(place[1])}{place[0]}", *shown)


def _wanted(
    sheet: SheetXml,
    cells: Mapping[tuple[int, int], XmlCell],
    values: Mapping[Formula, Cell | Block],
) -> tuple[dict[tuple[int, int], Stored | None], dict[tuple[int, int], str]]:
    """What each cell is to hold, None for nothing, and the blocks of the spills that change size.

    `cells` are those with formulas.
    """
    wanted: dict[tuple[int, int], Stored | None] = {}
    blocks = {}
    for formula in values:
        for cell in sheet.block_cells(formula.area) if formula.spans else ():
            if (cell.row, cell.column) not in cells:
                wanted[cell.row, cell.column] = None  # unless a spill fills it again
    for formula, value in values.items():
        block = value if isinstance(value, list) else [[value]]
        if len(block) == len(block[0]) == 1:
            wanted[formula.row, formula.column] = stored(block[0][0])
            if not formula.dynamic:
                continue
        for i, row in enumerate(block):
            for j, shown in enumerate(row):
                wanted[formula.row + i, formula.column + j] = stored(shown)
        bottom, right = formula.row + len(block) - 1, formula.column + len(block[0]) - 1
        place = Area(formula.sheet, formula.row, formula.column, bottom, right)
        if formula.dynamic and place != formula.array:
            blocks[formula.row, formula.column] = place.address
    return wanted, blocks
