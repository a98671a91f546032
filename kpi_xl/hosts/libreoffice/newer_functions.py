"""Four of Excel's newer functions, for a LibreOffice that has not got them yet.

The template workbooks use them, and 7.4 shows #NAME? for them: XLOOKUP and FILTER came with 24.8,
XMATCH and CHOOSECOLS later. They do what the templates ask of them, exact matches alone; any other
option is refused. Formulas that use them are bound as those of the functions are.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from kpi_xl.cells import Cell
from kpi_xl.errors import NotEnoughData, WrongInput

Rows = Sequence[Sequence[Cell]]
"""Blocks as LibreOffice hands them over: tuples of rows."""


def xlookup(sought: Any, where: Any, results: Any, otherwise: Any = None) -> Rows:
    """The row of the results beside the first cell that is equal."""
    place = _place(sought, where)
    if place is None and otherwise is None:
        raise NotEnoughData("the value is not there")
    return [[otherwise]] if place is None else [_block(results)[place]]


def xmatch(sought: Any, where: Any) -> Rows:
    """The place of the first cell that is equal, counted from 1."""
    place = _place(sought, where)
    if place is None:
        raise NotEnoughData("the value is not there")
    return [[place + 1.0]]


def filtered(rows: Any, keep: Any, otherwise: Any = None) -> Rows:
    """The rows for which a condition holds."""
    block, marks = _block(rows), _block(keep)
    if len(block) != len(marks) or any(len(mark) != 1 for mark in marks):
        raise WrongInput("the condition must be a column as high as the rows")
    kept = [row for row, (mark,) in zip(block, marks, strict=True) if mark and mark != ""]
    if not kept and otherwise is None:
        raise NotEnoughData("no row is kept")
    return kept or [[otherwise]]


def choosecols(rows: Any, *columns: Any) -> Rows:
    """Some columns of a block."""
    block = _block(rows)
    chosen = [int(column) for column in columns if column is not None]
    if not chosen or any(not 1 <= abs(c) <= len(block[0]) for c in chosen):
        raise WrongInput("there is no such column")
    return [[row[c - 1 if c > 0 else c] for c in chosen] for row in block]


def _place(sought: Any, where: Any) -> int | None:
    wanted = _key(_block(sought)[0][0])
    cells = map(_key, chain.from_iterable(_block(where)))
    return next((place for place, cell in enumerate(cells) if cell == wanted), None)


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
