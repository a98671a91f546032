"""Blocks that the functions return: array formulas of the size of their results, as Excel has them.

Calc fills the cells in which an array formula was entered, whatever its result has become.
"""

import re
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any

from kpi_xl.hosts.libreoffice.names import (
    LONG_NAME,
    SERVICE,
    lacks_room,
    with_room,
    without_room,
    without_texts,
)
from kpi_xl.hosts.libreoffice.sheets import (
    CONTENTS,
    first_cell,
    formula_of,
    formula_runs,
    quietly,
    unnoticed,
)
from kpi_xl.locales import LANGUAGES, say
from kpi_xl.workbook_names import LANGUAGE

ROUNDS = 8  # as long as chains of formulas are
GROWN = "grown"
OUTERMOST = re.compile(
    rf'(?:IF\((?:[^"]|"[^"]*")*?;"";)?{SERVICE}\.([A-Z]+)\([^"]*(?:"[^"]*"[^"]*)*\)$'
)
"""A formula of one function, which may be blank under a condition."""


LARGE = 2_000
"""Cells of a block from which on its size is asked for by itself: that takes less than they do."""

Size = tuple[int, int]
"""Rows and columns."""

_calls: deque[tuple[str, Size]] = deque(maxlen=10_000)
_count = 0


def note_call(function: str, block: Sequence[Sequence[Any]]) -> None:
    """Remember how large a block a function has just returned."""
    global _count
    _calls.append((function, (len(block), len(block[0]) if block else 0)))
    _count += 1


def calls_noted() -> int:
    """How many calls have been noted so far."""
    return _count


def calls_since(number: int) -> list[tuple[str, Size]] | None:
    """The functions called since then and the sizes of their blocks; None if they are too many."""
    wanted = _count - number
    return None if wanted > len(_calls) else list(islice(_calls, len(_calls) - wanted, None))


def fit(document: Any) -> list[str]:
    """Give the array formulas of the functions the size of their results.

    The cells of those that have no room for it are the answer; they stay as they are.
    """
    document.calculate()
    blocked: list[str] = []
    for _ in range(ROUNDS):  # the size of one may hang on another's
        with quietly(document, computing=True):
            done = [fit_array(document, array) for array in arrays(document)]
        blocked = [cell for cell in done if cell]
        if GROWN not in blocked:
            break
    return [cell for cell in blocked if cell != GROWN]


def arrays(document: Any) -> list[Any]:
    """The array formulas that call the functions, each as the range of its cells."""
    return [
        array
        for sheet in document.Sheets
        for array, texts in formula_runs(sheet)
        if texts is None and LONG_NAME.search(formula_of(array))
    ]


def fit_array(document: Any, array: Any) -> str:
    """Fit one: "grown" if it had to be, its cell if it has no room, nothing if it fits."""
    done = enter(document, array, size(document, array, formula_of(array)))
    if done:  # or the next would compute from what was there before
        array.getCellByPosition(0, 0).getError()
    return done


def enter(document: Any, array: Any, new_size: Size) -> str:
    """Enter one with a size, 0 for an error's, which fits anywhere; the values are yet to come.

    The answer is that of `fit_array`. A block without room shows errors, and a note at its first
    cell that says why.
    """
    sheet, old = array.Spreadsheet, array.RangeAddress
    left, top = old.StartColumn, old.StartRow
    height, width = new_size
    formula = formula_of(array).removeprefix("=")
    lacking = lacks_room(formula)
    if not height or not width or (new_size == size_of(array) and not lacking):
        return ""
    with quietly(document):
        array.setArrayFormula("")
        new = sheet.getCellRangeByPosition(left, top, left + width - 1, top + height - 1)
        room = new.queryContentCells(CONTENTS).Count == 0
        if room:
            new.setArrayFormula(f"={with_room(formula)}")
        else:
            array.setArrayFormula(f"={without_room(formula)}")
        first = new.getCellByPosition(0, 0)
        cell: str = first.AbsoluteName.replace("$", "")
        if lacking or not room:
            note(document, first, "" if room else cell)
    return GROWN if room else cell


NO_ROOM = "{cells}: no room for the whole table. Clear the cells below and beside it."


def no_room(document: Any, cells: str) -> str:
    """The sentence on blocks without room, in the workbook's language."""
    cell = first_cell(document, LANGUAGE)
    language = cell.getString() if cell else ""
    text = say(NO_ROOM, language if language in LANGUAGES else "en", "phrases")
    return text.format(cells=cells)


def note(document: Any, first: Any, cell: str) -> None:
    """Write the note at a block that it has no room, or take it away."""
    notes, place = first.Spreadsheet.Annotations, first.CellAddress
    for number, one in enumerate(notes):
        if one.Position == place:
            notes.removeByIndex(number)
            break
    if cell:
        notes.insertNew(place, no_room(document, cell))


def size_of(array: Any) -> Size:
    """How large an array formula is now."""
    place = array.RangeAddress
    return place.EndRow - place.StartRow + 1, place.EndColumn - place.StartColumn + 1


def is_blank(array: Any) -> bool:
    """Whether a block shows nothing: its formula says so, under a condition."""
    first = array.getCellByPosition(0, 0)
    return not first.getString() and not first.getError()


def outermost(formula: str) -> str:
    """The function whose block is the formula's, wherever that is not blank; "" for others."""
    found = OUTERMOST.match(without_texts(formula.removeprefix("=")))
    return found[1] if found else ""


def size(document: Any, array: Any, formula: str) -> Size:
    """How large the block of an array formula is; 0 where it is an error.

    It is asked in a cell of the array's own first column: no formula there can depend on all of
    that column, and in a column that a sheet has not got yet Calc makes all before it, which it
    then goes through for whatever is done. Where that has no blank cell, it is as large as it was.
    """
    inside = without_texts(formula.removeprefix("="))
    free = last_blank(array.Spreadsheet, array.RangeAddress.StartColumn)
    if free is None:
        return size_of(array)

    def count(function: str) -> int:
        with unnoticed(document):
            free.setArrayFormula(f"={function}({inside})")
        number = int(free.getValue())
        with unnoticed(document):
            free.setArrayFormula("")
        return number

    before = calls_noted()
    height = count("ROWS")
    calls = [size for name, size in calls_since(before) or () if name == outermost(formula)]
    if calls and calls[-1][0] == height:  # computed once is enough: a million rows take time
        return calls[-1]
    return height, count("COLUMNS")


def last_blank(sheet: Any, column: int) -> Any:
    """The last blank cell of a column, which is its very last unless somebody has filled that."""
    last = sheet.Rows.Count - 1
    for first in (last, 0):  # a column may be long
        cells = sheet.getCellRangeByPosition(column, first, column, last)
        blank = [place.EndRow for place in cells.queryEmptyCells().RangeAddresses]
        if blank:
            return sheet.getCellByPosition(column, max(blank))
    return None
