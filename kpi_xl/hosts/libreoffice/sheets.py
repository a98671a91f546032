"""Sheets of LibreOffice: their formulas and named cells, and Calc kept quiet meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SPREADSHEET = "com.sun.star.sheet.SpreadsheetDocument"
FORMULAS = 16  # com.sun.star.sheet.CellFlags.FORMULA
CONTENTS = 1 | 2 | 4 | FORMULAS  # numbers, dates and texts as well
AT_ONCE = 256  # cells of a column that are read first; then twice as many each time


@contextmanager
def quietly(document: Any, *, computing: bool = False) -> Iterator[None]:
    """Calc does not draw meanwhile; nor compute, nor remember what it could undo, unless told to.

    The cursor and the selection stay, and what can be undone, too.
    """
    automatic = document.isAutomaticCalculationEnabled()
    if not computing:  # or each of 10,000 formulas computes all others
        document.enableAutomaticCalculation(False)
    document.addActionLock()
    document.lockControllers()
    try:
        if computing:
            yield
        else:
            with unnoticed(document):
                yield
    finally:
        document.unlockControllers()
        document.removeActionLock()
        if not computing:
            document.enableAutomaticCalculation(automatic)


@contextmanager
def unnoticed(document: Any) -> Iterator[None]:
    """Calc neither remembers what is done meanwhile, nor seeks the heights of rows.

    It remembers again as soon as it has computed. For the heights it would go through all columns,
    and compute arrays: from cells that are not computed yet, and never anew.
    """
    document.setPropertyValue("IsAdjustHeightEnabled", False)
    document.UndoManager.lock()
    try:
        yield
    finally:
        document.UndoManager.unlock()
        document.setPropertyValue("IsAdjustHeightEnabled", True)


def first_cell(document: Any, name: str) -> Any:
    """The first cell of a name, None where the workbook has it no more."""
    if not document.NamedRanges.hasByName(name):
        return None
    cells = document.NamedRanges.getByName(name).getReferredCells()
    return None if cells is None else cells.getCellByPosition(0, 0)


def formula_blocks(cells: Any) -> Iterator[Any]:
    """The blocks of formula cells in a sheet or a part of it."""
    sheet = cells.Spreadsheet
    for place in cells.queryContentCells(FORMULAS).RangeAddresses:
        yield sheet.getCellRangeByPosition(
            place.StartColumn, place.StartRow, place.EndColumn, place.EndRow
        )


def formula_runs(part: Any) -> Iterator[tuple[Any, tuple[str, ...] | None]]:
    """The formulas of a sheet or a part of it: cells below each other with their texts, arrays
    whole with None.

    Of an array, which may fill 100,000 cells, one is read.
    """
    sheet = part.Spreadsheet
    seen: list[tuple[int, int, int, int]] = []
    for place in part.queryContentCells(FORMULAS).RangeAddresses:
        for column in range(place.StartColumn, place.EndColumn + 1):
            row, ahead = place.StartRow, AT_ONCE
            while row <= place.EndRow:
                inside = next(
                    (b for a, t, z, b in seen if a <= column <= z and t <= row <= b), None
                )
                if inside is not None:
                    row = inside + 1
                    continue
                last = min(row + ahead - 1, place.EndRow)
                cells = sheet.getCellRangeByPosition(column, row, column, last)
                texts = tuple(text for (text,) in cells.getFormulaArray())
                plain = next((i for i, t in enumerate(texts) if t.startswith("{=")), len(texts))
                if plain:
                    end = row + plain - 1
                    yield sheet.getCellRangeByPosition(column, row, column, end), texts[:plain]
                    row, ahead = end + 1, 2 * ahead
                    continue
                array = array_at(sheet, column, row)
                whole = array.RangeAddress
                seen.append((whole.StartColumn, whole.StartRow, whole.EndColumn, whole.EndRow))
                yield array, None


def array_at(sheet: Any, column: int, row: int) -> Any:
    """The whole array formula of which a cell is a part."""
    cursor = sheet.createCursorByRange(sheet.getCellByPosition(column, row))
    cursor.collapseToCurrentArray()
    place = cursor.RangeAddress
    return sheet.getCellRangeByPosition(
        place.StartColumn, place.StartRow, place.EndColumn, place.EndRow
    )


def formula_of(array: Any) -> str:
    """The formula of an array as it is entered, with its sign of equality."""
    formula: str = array.getCellByPosition(0, 0).getFormula()
    return formula.removeprefix("{").removesuffix("}")
