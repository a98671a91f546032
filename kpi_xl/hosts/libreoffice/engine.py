"""A workbook's formulas computed by LibreOffice: the values alone, for `recalc` to write."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kpi_xl.cells import Block, Cell
from kpi_xl.engine import formulas, places
from kpi_xl.engine.embedded import Computed
from kpi_xl.engine.formulas import Context
from kpi_xl.engine.terms import FormulaError, RefusedError
from kpi_xl.errors import CellError
from kpi_xl.formula_text import calls
from kpi_xl.hosts.libreoffice.document import CODES
from kpi_xl.hosts.libreoffice.headless import perform
from kpi_xl.hosts.libreoffice.newer_functions import NEWER_CALL
from kpi_xl.locales import Message
from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.package import Formula, Package

UNKNOWN = Message("this LibreOffice has not got a function that it calls")
HIDING = (
    *("IFERROR", "ISERR", "ISERROR", "ISNUMBER", "ISTEXT", "ISNONTEXT", "ISLOGICAL", "ISBLANK"),
    *("TYPE", "ERROR.TYPE", "COUNT", "COUNTA", "AGGREGATE", "_XLFN.AGGREGATE"),
)
"""Functions of which an error in an argument, other than #N/A, is not the result."""
Place = tuple[str, int, int]


def compute(book: Package, content: bytes, *, seconds: float) -> Computed:
    """Compute a workbook, of which `content` is the file. Raises OfficeError."""
    spilling = [formula for formula in book.formulas if formula.array is not None]
    with tempfile.TemporaryDirectory(prefix="kpi_xl") as folder:
        path = Path(folder) / "book.xlsx"
        path.write_bytes(content)
        blocks = [[formula.sheet, formula.row, formula.column] for formula in spilling]
        (answer,) = perform(
            [{"book": str(path), "values": True, "blocks": blocks}], seconds=seconds
        )
    cells = {
        (sheet, row, column): (value, error)
        for sheet, shown in answer["sheets"].items()
        for row, column, value, error in shown
    }
    unknown, borrowed = ({tuple(one) for one in answer[key]} for key in ("unknown", "borrowed"))
    over_unknown = _using(book, answer["names"])
    sizes = dict(zip(spilling, answer["sizes"], strict=True))
    logical = _logical(book)
    values: dict[Place, Cell | Block] = {}
    refused: dict[Formula, Message] = {}
    for formula in book.formulas:
        place = formula.sheet, formula.row, formula.column
        try:
            if place in unknown or over_unknown(formula.text):
                raise RefusedError(UNKNOWN)
            _check_size(formula, sizes.get(formula))
            values[place] = _value(formula, cells, logical, borrowed=place in borrowed)
        except RefusedError as refusal:
            refused[formula] = refusal.sentence
    _spread(book, refused)
    for formula in refused:
        values.pop((formula.sheet, formula.row, formula.column), None)
    return Computed(values, {formula.cell: reason for formula, reason in refused.items()})


def _using(book: Package, names: Iterable[str]) -> Callable[[str], bool]:
    """What tells whether a formula uses one of these names, or a name that does."""
    found = {name.lower() for name in names}

    def uses(text: str) -> bool:
        try:
            words = {token.value.rpartition("!")[2].lower() for token in formulas.tokens_of(text)}
        except RefusedError:
            return True
        return not found.isdisjoint(words)

    while found and (more := {n for (_, n), text in book.names.items() if uses(text)} - found):
        found |= more
    return uses if found else lambda _: False


def _check_size(formula: Formula, size: list[int] | None) -> None:
    """Refuse a block of another size: LibreOffice fills the old one. 0 is an error's.

    So are arrays of old: what a program has made of a spill by forgetting that it is one.
    """
    area = formula.area
    old = [area.bottom - area.top + 1, area.right - area.left + 1]
    if size is None or size in (old, [0, 0]):
        return
    found = Message("{rows} rows and {columns} columns", rows=size[0], columns=size[1])
    if formula.dynamic:
        raise RefusedError("its block has {found} now, and LibreOffice does not spill", found=found)
    raise RefusedError(
        "it is an array formula entered over {rows} rows and {columns} columns, but its"
        " result has {found}",
        rows=old[0],
        columns=old[1],
        found=found,
    )


def _value(
    formula: Formula,
    cells: Mapping[Place, tuple[Any, int]],
    logical: set[Place],
    *,
    borrowed: bool,
) -> Cell | Block:
    """What a formula shows, a block where it fills more than its cell.

    `borrowed`: it calls a newer function of Excel's that LibreOffice has from us.
    """
    if borrowed and _hides(formula.text):
        raise RefusedError(
            "it may hide an error in a block, which this LibreOffice hands to no function"
        )

    def cell(row: int, column: int) -> Cell:
        place = formula.sheet, row, column
        if place not in cells:
            raise RefusedError("LibreOffice does not read it as a formula")
        value, error = cells[place]
        if error == 0:
            return bool(value) if place in logical and value in (0.0, 1.0) else value
        if borrowed:
            raise RefusedError(
                "LibreOffice shows {shown}, maybe over an error in a block, which this"
                " LibreOffice hands to no function",
                shown=CODES.get(error, f"Err:{error}"),
            )
        if error not in CODES or CODES[error] == "#NAME?":
            raise RefusedError(
                "LibreOffice shows {shown} for it", shown=CODES.get(error, f"Err:{error}")
            )
        return CellError(CODES[error], "LibreOffice says so", {})

    if not formula.spans:
        return cell(formula.row, formula.column)
    area = formula.area
    columns = range(area.left, area.right + 1)
    return [[cell(row, column) for column in columns] for row in range(area.top, area.bottom + 1)]


def _hides(text: str) -> bool:
    """Whether a formula may hide an error of a newer function of Excel's."""
    return any(
        NEWER_CALL.search(argument) for call in calls(text, HIDING) for argument in call.arguments
    )


def _logical(book: Package) -> set[Place]:
    """The formula cells that held TRUE or FALSE, which LibreOffice counts as 1 and 0."""
    return {
        (name, cell.row, cell.column)
        for name, sheet in book.xml.items()
        for cell in sheet.formula_cells()
        if cell.attribute("t") == "b"
    }


def _spread(book: Package, refused: dict[Formula, Message]) -> None:
    """Refuse all that depends on what is refused, also where IFERROR hides it."""
    new = list(refused.items())
    needs: dict[Formula, tuple[Area, ...] | None] = {}
    while new:
        found = []
        for formula in book.formulas:
            if formula in refused:
                continue
            if formula not in needs:
                needs[formula] = _areas(book, formula)
            areas = needs[formula]
            for other, reason in new:
                if areas is None or any(map(other.area.touches, areas)):
                    refused[formula] = Message(
                        "it depends on {cell}, which is not computed: {reason}",
                        cell=other.cell,
                        reason=reason,
                    )
                    found.append((formula, reason))
                    break
        new = found


def _areas(book: Package, formula: Formula) -> tuple[Area, ...] | None:
    """The cells that a formula needs; None where that cannot be told."""
    text = places.moved(formula.text, *formula.moved)
    try:
        return tuple(
            formulas.read(text, Context(book, formula.sheet, formula.row, formula.column)).areas
        )
    except FormulaError:
        return None
