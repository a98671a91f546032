"""What is known of cells before anything is computed: the blocks of values that a workbook gets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kpi_xl.cells import Cell
from kpi_xl.engine import kinds
from kpi_xl.errors import CellError
from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.blocks import CellBlock

CENTS = 1e12  # what has two decimals and is smaller has 15 digits at most


class Known(NamedTuple):
    """The kinds of some cells, and whether the engine compares them as Excel does."""

    kinds: int
    plain: bool


class Constants:
    """The columns of blocks of values, each looked at when a formula refers to it."""

    def __init__(self, blocks: Sequence[CellBlock]) -> None:
        self._blocks = blocks
        self._known: dict[tuple[int, int], Known | None] = {}

    def known(self, place: Area) -> Known | None:
        """What is known of an area that is inside of a block."""
        for number, block in enumerate(self._blocks):
            sheet, top, left, bottom, right = block.area
            if sheet != place.sheet or not (top <= place.top and place.bottom <= bottom):
                continue
            if left <= place.left and place.right <= right:
                columns = range(place.left - left, place.right - left + 1)
                found = [self._column(number, column) for column in columns]
                return together([one for one in found if one], len(found))
        return None

    def _column(self, number: int, column: int) -> Known | None:
        key = number, column
        if key not in self._known:
            self._known[key] = known_of(self._blocks[number].columns[column])
        return self._known[key]


def together(found: Sequence[Known], wanted: int) -> Known | None:
    """What is known of several columns together; nothing where it is not of one of them."""
    if len(found) < wanted:
        return None
    bits = 0
    for one in found:
        bits |= one.kinds
    return Known(bits, all(one.plain for one in found))


def known_of(cells: Sequence[Cell]) -> Known | None:
    """What is known of a column's cells; nothing where there are errors among them."""
    types = set(map(type, cells))
    if CellError in types:
        return None
    numbers = [cell for cell in cells if type(cell) is float] if float in types else []
    texts = {cell for cell in cells if isinstance(cell, str)} if str in types else set()
    whole = [cell for cell in cells if type(cell) is int] if int in types else []
    plain = all(map(str.isascii, texts)) and all(abs(cell) < 1e15 for cell in whole)
    found = int(np.bitwise_or.reduce(kinds.kinds_of(cells))) if cells else kinds.BLANK
    return Known(found, plain and has_few_digits(numbers))


def has_few_digits(numbers: Sequence[float]) -> bool:
    """Whether numbers have fifteen digits at most, which are all that Excel compares."""
    given = np.array(numbers, np.float64)
    odd = (np.round(given * 100.0) / 100.0 != given) | ~(np.abs(given) < CENTS)
    return all(float(f"{number:.15g}") == number for number in given[odd].tolist())
