"""Blocks of many cells as a sheet's XML: writing a million rows cell by cell takes minutes."""

import io
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from kpi_xl.cells import Cell
from kpi_xl.errors import CellError
from kpi_xl.ooxml.addresses import Area, column_letters
from kpi_xl.ooxml.sheet import SheetXml, escaped, grown_dimension, with_block, with_edits

AT_ONCE = 10_000  # rows
FORMULA_SIGNS = ("=", "+", "-", "@")
"""What text may not begin with, or it becomes a formula when somebody edits the cell."""


class CellBlock(NamedTuple):
    """Cells for a sheet, a column each sequence: text, numbers, booleans, None for a blank.

    `styles` are the numbers of each column's formats, that of its cells and that of texts that look
    like formulas; without them blanks are left out. Where the row above is the header of a table or
    the first row of a spill, that comes to reach down to the block's end.
    """

    area: Area
    columns: Sequence[Sequence[Cell]]
    styles: Sequence[tuple[int, int]] = ()

    @property
    def whole(self) -> Area:
        """The block and the row above it."""
        return self.area._replace(top=self.area.top - 1)


def with_blocks(xml: bytes, blocks: Sequence[CellBlock]) -> bytes:
    """A sheet's XML with blocks of cells in it, where it has none yet."""
    blocks = sorted(blocks, key=lambda block: block.area.left)
    top = min(block.whole.top for block in blocks)
    bottom = max(block.area.bottom for block in blocks)
    left, right = blocks[0].area.left, max(block.area.right for block in blocks)
    edits = grown_dimension(SheetXml(xml), Area("", top, left, bottom, right))
    sheet = SheetXml(with_edits(xml, edits))
    first, last = bisect_left(sheet.numbers, top), bisect_right(sheet.numbers, bottom)
    places = [*sheet.places, sheet.end]
    there = dict(zip(sheet.numbers[first:last], range(first, last), strict=True))
    heads = {(block.whole.top, block.whole.left): block.whole.address for block in blocks}
    rows = [(block.area, _rows(block)) for block in blocks]
    out = io.BytesIO()
    out.write(sheet.xml[: places[first]])
    steps = {*range(top, bottom + 1, AT_ONCE), bottom + 1}
    steps |= {step for area, _ in rows for step in (area.top, area.bottom + 1)}
    steps |= {step for number in there for step in (number, number + 1)}
    for number, end in pairwise(sorted(steps)):
        here = [(area.left, made) for area, made in rows if area.top <= number <= area.bottom]
        if number in there:
            cells = [(left, next(made)) for left, made in here]
            out.write(_row_with(sheet, there[number], cells, heads))
        elif here:
            beside = zip(*(islice(made, end - number) for _, made in here), strict=True)
            numbered = zip(range(number, end), map("".join, beside), strict=True)
            out.write("".join([f'<row r="{n}">{text}</row>' for n, text in numbered]).encode())
    out.write(sheet.xml[places[last] :])
    return out.getvalue()


def _row_with(
    sheet: SheetXml, index: int, new: list[tuple[int, str]], heads: dict[tuple[int, int], str]
) -> bytes:
    """A row that is there already, with more cells, and with spills that reach further down."""
    tag = sheet.row_tag(index)
    opening = re.sub(rb'\sspans="[^"]*"', b"", tag[0])  # a hint, which may be left out
    cells = [(left, text.encode()) for left, text in new]
    for cell in sheet.cells(index):
        element = sheet.xml[cell.start : cell.end]
        if (cell.row, cell.column) in heads:
            element = with_block(element, heads[cell.row, cell.column])
        cells.append((cell.column, element))
    whole = b"".join(element for _, element in sorted(cells))
    return (opening[:-2] + b">" if tag[2].endswith(b"/") else opening) + whole + b"</row>"


def _rows(block: CellBlock) -> Iterator[str]:
    """The cells of each row."""
    columns = [
        _column(
            column_letters(block.area.left + place),
            block.area.top,
            cells,
            block.styles[place] if block.styles else None,
        )
        for place, cells in enumerate(block.columns)
    ]
    for pieces in zip(*columns, strict=True):
        yield from map("".join, zip(*pieces, strict=True))


def _column(
    letters: str, top: int, cells: Sequence[Cell], style: tuple[int, int] | None
) -> Iterator[list[str]]:
    """The elements of a column's cells, so many at once."""
    plain, marked = (f' s="{number}"' for number in style) if style else ("", "")
    opening, closing = f'<c r="{letters}', f'"{plain}><v>'
    known: dict[str, str] = {}  # what follows the address of a text: few texts are different

    def of_text(text: str) -> str:
        look = marked if text.startswith(FORMULA_SIGNS) else plain
        space = ' xml:space="preserve"' if text != text.strip() else ""
        return f'"{look} t="inlineStr"><is><t{space}>{escaped(text)}</t></is></c>'

    def element(row: str, cell: Cell) -> str:
        if cell is None:
            return f'<c r="{letters}{row}"{plain}/>' if plain else ""
        if isinstance(cell, CellError):
            return f'<c r="{letters}{row}"{plain} t="e"><v>{cell}</v></c>'
        if isinstance(cell, str):
            return f"{opening}{row}{known[cell]}"
        if isinstance(cell, bool):
            return f'<c r="{letters}{row}"{plain} t="b"><v>{+cell}</v></c>'
        return f"{opening}{row}{closing}{cell!r}</v></c>"

    for start in range(0, len(cells), AT_ONCE):
        piece = cells[start : start + AT_ONCE]
        rows = _numbers(top + start, len(piece))
        kinds = set(map(type, piece))
        if str in kinds:
            texts = {cell for cell in piece if isinstance(cell, str)}
            known |= {text: of_text(text) for text in texts - known.keys()}
        if kinds <= {float, int}:
            yield [
                f"{opening}{row}{closing}{number}</v></c>"
                for row, number in zip(rows, map(repr, piece), strict=True)
            ]
        elif kinds == {str}:
            yield [
                f"{opening}{row}{text}"
                for row, text in zip(rows, map(known.__getitem__, piece), strict=True)
            ]
        elif kinds == {type(None)} and not plain:
            yield [""] * len(piece)
        else:
            yield list(map(element, rows, piece))


@lru_cache(maxsize=4)
def _numbers(first: int, count: int) -> list[str]:
    """Rows as they are written: one column after the other asks for the same ones."""
    return list(map(str, range(first, first + count)))
