"""Four of Excel's newer functions, for a LibreOffice that has not got them yet.

The template workbooks use them, and 7.4 shows #NAME? for them: XLOOKUP and FILTER came with 24.8,
XMATCH and CHOOSECOLS later. They do what the templates ask of them, exact matches alone; any other
option is refused, and so is whatever LibreOffice does not hand over as Excel has it. In workbooks
of ours, formulas that use them are bound as those of the functions are.
"""

import re
from collections.abc import Callable, Sequence
from itertools import chain, compress
from typing import Any

from kpi_xl.cells import Cell
from kpi_xl.errors import NotEnoughData, WrongInput

Rows = Sequence[Sequence[Cell]]
"""Blocks as LibreOffice hands them over: tuples of rows, blanks among them as empty texts."""


def xlookup(sought: Any, where: Any, results: Any, otherwise: Any = None) -> Rows:
    """The row of the results beside the first cell that is equal, or the column below it."""
    cells, block = _block(where), _block(results)
    upright = len(cells[0]) == 1
    _check(len(block) == len(cells) if upright else len(block[0]) == len(cells[0]))
    place = _place(sought, cells)
    if place is None:
        if otherwise is None:
            raise NotEnoughData("the value is not there")
        return [[_single(otherwise)]]
    return [block[place]] if upright else [[row[place]] for row in block]


def xmatch(sought: Any, where: Any) -> Rows:
    """The place of the first cell that is equal, counted from 1."""
    place = _place(sought, _block(where))
    if place is None:
        raise NotEnoughData("the value is not there")
    return [[place + 1.0]]


def filtered(rows: Any, keep: Any, otherwise: Any = None) -> Rows:
    """The rows, or the columns, for which a condition holds.

    A text is no condition; that includes a blank, of which LibreOffice makes an empty one.
    """
    block, marks = _block(rows), _block(keep)
    holds = list(chain.from_iterable(marks))
    _check(all(isinstance(mark, float) for mark in holds))
    upright = len(marks[0]) == 1 and len(marks) == len(block)
    _check(upright or (len(marks) == 1 and len(marks[0]) == len(block[0])))
    if not any(holds):
        if otherwise is None:
            raise NotEnoughData("no row is kept")
        return [[_single(otherwise)]]
    if upright:
        return list(compress(block, holds))
    return [list(compress(row, holds)) for row in block]


def choosecols(rows: Any, *columns: Any) -> Rows:
    """Some columns of a block."""
    block = _block(rows)
    cells = [cell for column in columns for cell in chain(*_block(column))]
    chosen = [int(cell) if isinstance(cell, float) else 0 for cell in cells]
    if not chosen or any(not 1 <= abs(c) <= len(block[0]) for c in chosen):
        raise WrongInput("there is no such column")
    return [[row[c - 1 if c > 0 else c] for c in chosen] for row in block]


def _place(sought: Any, where: Rows) -> int | None:
    """Where a value first is in a row or a column."""
    _check(len(where) == 1 or len(where[0]) == 1)
    wanted = _key(_single(sought))
    cells = map(_key, chain.from_iterable(where))
    return next((place for place, cell in enumerate(cells) if cell == wanted), None)


def _single(value: Any) -> Cell:
    """The one cell of an argument: Excel takes several here, and answers with a block."""
    block = _block(value)
    _check(len(block) == len(block[0]) == 1)
    return block[0][0]


def _check(fits: bool) -> None:
    """Raise WrongInput unless it fits."""
    if not fits:
        raise WrongInput("these ranges do not fit")


def _key(cell: Cell) -> Cell:
    return cell.lower() if isinstance(cell, str) else cell


def _block(value: Any) -> Rows:
    return value if isinstance(value, tuple) else ((value,),)


NEWER: dict[str, tuple[str, Callable[..., Rows], int]] = {
    "XLOOKUP": ("_xlfn.XLOOKUP", xlookup, 4),
    "XMATCH": ("_xlfn.XMATCH", xmatch, 2),
    "FILTER": ("_xlfn._xlws.FILTER", filtered, 3),
    "CHOOSECOLS": ("_xlfn.CHOOSECOLS", choosecols, 4),
}
"""Each with its name in files, and how many arguments it takes."""

NEWER_CALL = re.compile(rf"_xl\w+\.(?:{'|'.join(NEWER)})\(", re.IGNORECASE)
"""A call of one of them, as files have it: of a function that older programs have not got."""
