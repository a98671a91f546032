"""Blank cells that arrive as 0: through Office.js, from older Excels for the desktop.

On the web and in newer Excels a blank cell arrives as null, and no requirement set tells which it
is. Where the answer is the same either way it is given; where it is not, it is refused, unless it
is known that this Excel tells the two apart. `kpi-xl serve` looks at the cells instead (blanks.js).
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import product
from typing import Any

from kpi_xl import cells
from kpi_xl.cells import Block, Cell
from kpi_xl.errors import CellError
from kpi_xl.locales import Message
from kpi_xl.registry import Argument, Metric

DECLARED = "KPI_XL_BLANKS"
"""The environment variable by which a workbook's main.py says that blanks arrive as null."""

_seen = False  # a null: this Excel, the only one of its Python in a browser, sends blanks as such


def evaluate(metric: Metric, given: Sequence[Cell | Block]) -> Cell | Block:
    """What a cell shows, where a 0 that was sent may be a blank cell."""
    doubtful = [
        place
        for place, (argument, value) in enumerate(zip(metric.arguments, given, strict=False))
        if argument.tells_blank_from_zero and _may_hold_blanks(argument, value)
    ]
    if _tells_blanks(given) or not doubtful:
        return cells.evaluate(metric, given)
    columns = [place for place in doubtful if metric.arguments[place].arg.column]
    if columns:
        return refused(metric, metric.arguments[columns[0]])
    readings = []
    for as_blank in product((False, True), repeat=len(doubtful)):
        read = list(given)
        for place, blank in zip(doubtful, as_blank, strict=True):
            if blank:
                read[place] = _without_zeros(read[place])
        readings.append(cells.evaluate(metric, read))
    first, *others = readings
    if all(other == first for other in others):
        return first
    return _common(readings, refused(metric, metric.arguments[doubtful[0]]))


def refused(metric: Metric, argument: Argument) -> CellError:
    """The error in place of an answer that would be another for blanks; the pane says why."""
    sentence = in_doubt(argument)
    print(f"{metric.name}: {sentence}", file=sys.stderr)
    return CellError("#VALUE!", sentence)


def in_doubt(argument: Argument) -> Message:
    """Why a 0 is not taken for one, and what to do."""
    todo = Message("fill the cell, or leave it out")
    if argument.arg.column:  # without a blank row it could hold no mark
        mark = f'IF({argument.name}="","",{argument.name})'
        todo = Message("write {mark} for it, with a blank row at its end", mark=mark)
    text = (
        "{name} holds 0, and an older Excel sends blank cells as 0, too: {todo}; where every 0 is"
        ' meant, main.py may say os.environ["{variable}"] = "null"'
    )
    return Message(text, name=argument.name, todo=todo, variable=DECLARED)


def _may_hold_blanks(argument: Argument, value: Cell | Block) -> bool:
    """Whether an argument holds a 0 that may be a blank cell."""
    rows = value if isinstance(value, list) else [[value]]
    flat = [cell for row in rows for cell in row]
    last = rows[-1] if len(rows) > 1 else rows[0][-1:]
    if len(flat) > 1 and all(cell == "" for cell in last):
        return False  # they are marked, also those below the data; a "" further up is a formula's
    if argument.arg.column and argument.arg.blank == "zero" and len(flat) > 1:
        return False  # only a single cell could mean that it was left out
    return any(_is_zero(cell) for cell in flat)


def _is_zero(cell: Cell) -> bool:
    return type(cell) in (int, float) and cell == 0


def _without_zeros(value: Cell | Block) -> Any:
    if isinstance(value, list):
        return [[None if _is_zero(cell) else cell for cell in row] for row in value]
    return None if _is_zero(value) else value


def _common(readings: list[Cell | Block], otherwise: CellError) -> Cell | Block:
    """What all readings have in common, cell by cell."""
    blocks = [reading for reading in readings if isinstance(reading, list)]
    shapes = {(len(block), len(block[0])) for block in blocks}
    if len(blocks) < len(readings) or len(shapes) > 1:
        return otherwise
    return [
        [
            same[0] if all(cell == same[0] for cell in same) else otherwise
            for same in zip(*rows, strict=True)
        ]
        for rows in zip(*blocks, strict=True)
    ]


def _tells_blanks(given: Sequence[Cell | Block]) -> bool:
    """Whether this Excel is known to send a blank cell as null."""
    global _seen
    blocks = [value for value in given if isinstance(value, list)]
    sent = any(cell is None for block in blocks for row in block for cell in row)
    if sys.platform == "emscripten":
        _seen = _seen or sent
    return sent or _seen or os.environ.get(DECLARED) == "null" or _on_the_web()


def _on_the_web() -> bool:
    """Whether Excel itself runs in the browser, as far as it tells the Python beside it."""
    if sys.platform != "emscripten":
        return False
    try:
        return str(import_module("js").Office.context.platform) == "OfficeOnline"
    except (ImportError, AttributeError):
        return False
