"""A workbook's file with other rows in its tables, and with other values in its cells.

What is not touched stays to the byte. What cannot be written refuses, and there is no half of it.
"""

import re
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple
from xml.etree import ElementTree

from kpi_xl.cells import Cell
from kpi_xl.engine.places import moved
from kpi_xl.locales import Message
from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.limits import faults
from kpi_xl.ooxml.looks import Looks
from kpi_xl.ooxml.overwriting import Band, Carried, Writer, with_band, with_values
from kpi_xl.ooxml.package import TAG, ExcelTable, Formula, Package, read_package
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.ranges import Beside, Move, follow, followed, pivot_places, refresh_pivots
from kpi_xl.ooxml.sheet import SheetXml
from kpi_xl.ooxml.texts import SharedTexts
from kpi_xl.reports import layout
from kpi_xl.reports.records import Change, Filled, ReportError
from kpi_xl.reports.unsharing import unshare

PROTECTED = re.compile(rb"<(?:\w+:)?sheetProtection\s[^>]*\bsheet=[\"'](?:1|true)[\"']")
FILTER = re.compile(
    rb"<(?:\w+:)?(?:filters|customFilters|top10|dynamicFilter|colorFilter|iconFilter)\b"
)
"""What a column of a filter says that hides rows: its button alone may be hidden."""
FILTERED = re.compile(rb"<(?:\w+:)?sheetPr\s[^>]*\bfilterMode=[\"'](?:1|true)[\"']")
TABLE = re.compile(rb"<(?:\w+:)?(?:table|autoFilter)\s[^>]*>")
NO_ROWS = re.compile(rb"\sinsertRow=[\"'][^\"']*[\"']")
"""What an Excel table says that has no row but the one to write into."""
SORTED = re.compile(rb"<((?:\w+:)?)sortState\b(?:[^>]*/>|.*?</(?:\w+:)?sortState>)", re.DOTALL)


class Rewritten(NamedTuple):
    """A workbook with other rows: how many pivot tables are to follow, and their cells."""

    content: bytes
    pivots: int
    pivoted: list[Area]


@faults()
def rewritten(content: bytes, change: Change) -> Rewritten:
    """A workbook with a change written into it.

    Raises ReportError, NotAWorkbookError.
    """
    book, parts = read_package(content, computing=False), Parts(content)
    heights = dict(change.resized)
    tables = [table for table in book.tables.values() if table.name in heights]
    _refuse_touched(book, parts, {block.place.sheet for block in change.blocks})
    moves = [Move(table.name, table.area, table.area.top + heights[table.name]) for table in tables]
    bands, cells = _bands(book, parts, change.blocks, moves)
    unshare(book, parts, bands, moves)
    shared = SharedTexts(parts, book.texts_part) if book.texts_part else None
    looks = Looks(parts, parts.related(parts.book, "styles"))
    apart, together = (
        Writer(texts, looks) for texts in (None, shared if shared and shared.writable else None)
    )
    for band in bands:
        part = book.parts[band.area.sheet]
        sheet = parts.sheet(part)
        inline = _is_inline(sheet, band.area)
        parts[part] = with_band(sheet, band, apart if inline else together)
    for name, wanted in cells.items():
        part = book.parts[name]
        inline = b'"inlineStr"' in parts[part] and b't="s"' not in parts[part]
        parts[part] = with_values(parts.sheet(part), wanted, apart if inline else together)
    _resize(book, parts, moves)
    follow(parts, book.parts, moves)
    changing = {block.place.sheet for block in change.blocks} | set(book.xml)
    homes = {name: table.area.sheet for name, table in book.tables.items()}
    pivots, pivoted = refresh_pivots(parts, book.parts, homes, changing, moves)
    _unchain(book, parts)
    if shared:
        shared.store()
    looks.store()
    return Rewritten(parts.archive(), pivots, pivoted)


def _unchain(book: Package, parts: Parts) -> None:
    """Drop the chain of formulas where there are others now; Excel makes a new one."""
    chain = parts.related(parts.book, "calcChain")
    touched = [part for part in book.parts.values() if parts[part] is not parts.before[part]]
    if chain and any(
        _places(SheetXml(parts.before[part])) != _places(parts.sheet(part)) for part in touched
    ):
        parts.drop(chain)  # one that names a cell without a formula is a fault to Excel


def _places(sheet: SheetXml) -> list[tuple[int, int]]:
    return [(cell.row, cell.column) for cell in sheet.formula_cells()]


def _is_of(block: Filled, table: ExcelTable) -> bool:
    """Whether a block of cells is a table's columns."""
    sheet, row, column = block.place
    left, right = table.area.left, table.area.right
    return sheet == table.area.sheet and row == table.area.top + 1 and left <= column <= right


def _is_inline(sheet: SheetXml, place: Area) -> bool:
    """Whether the texts of a block of cells stand in them."""
    return any(cell.attribute("t") == "inlineStr" for cell in sheet.block_cells(
        place._replace(bottom=min(place.bottom, place.top + 50))))  # fmt: skip


def _refuse_touched(book: Package, parts: Parts, sheets: Collection[str]) -> None:
    """Refuse what people have locked, or see a part of. Raises ReportError."""
    for sheet in sorted(sheets):
        part = book.parts[sheet]
        if PROTECTED.search(parts[part]):
            raise ReportError(
                Message("The sheet {sheet} is protected: remove its protection first.", sheet=sheet)
            )
        filters = [
            target
            for kind, _, target in parts.relations(part)
            if kind == "table" and FILTER.search(parts[target])
        ]
        if filters or FILTERED.search(parts[part]):
            raise ReportError(
                Message("The sheet {sheet} has a filter on: clear the filter first.", sheet=sheet)
            )


def _bands(
    book: Package, parts: Parts, blocks: Sequence[Filled], moves: Sequence[Move]
) -> tuple[list[Band], dict[str, dict[tuple[int, int], Cell]]]:
    """The tables that are written, and the single cells by their sheets. Raises ReportError."""
    columns: dict[str, dict[int, list[Cell]]] = {}
    cells: dict[str, dict[tuple[int, int], Cell]] = {}
    inputs = {name: one for name, one in book.tables.items() if one.name != layout.SOURCES}
    for block in blocks:
        name = next((name for name, one in inputs.items() if _is_of(block, one)), None)
        sheet, top, left = block.place
        if name is None:
            for i, row in enumerate(block.rows):
                wanted = {(top + i, left + j): cell for j, cell in enumerate(row)}
                cells.setdefault(sheet, {}).update(wanted)
        else:
            sides = map(list, zip(*block.rows, strict=True))
            columns.setdefault(name, {}).update(enumerate(sides, start=left))
    bands = []
    bottoms = {move.table: move.bottom for move in moves}
    for name, values in columns.items():
        table = inputs[name]
        data = table.area._replace(top=table.area.top + 1)
        rows = bottoms.get(table.name, data.bottom) - table.area.top
        formulas = _carried(book, parts, table, moves, set(values))
        band = Band(data, rows, values, formulas)
        _refuse_taken(book, parts, table, band)
        bands.append(band)
    return bands, cells


def _carried(
    book: Package,
    parts: Parts,
    table: ExcelTable,
    moves: Sequence[Move],
    ours: Collection[int],
) -> dict[int, Carried]:
    """The formulas of the user's own columns for new rows, by the column.

    It is the formula of the last row, or, where that has none, the column's own; its ranges follow
    the tables. Raises ReportError.
    """
    sheet, top, left, bottom, _ = table.area
    last, above = (_formulas_of(book, sheet, number) for number in (bottom, bottom - 1))
    row = parts.sheet(book.parts[sheet]).row_cells(bottom) if last else []
    notes = {cell.column: cell.attribute("cm") for cell in row}
    own = _own_formulas(book, parts, table)
    carried: dict[int, Carried] = {}
    for column, name in enumerate(table.columns, left):
        formula = last.get(column)
        if column in ours or (formula is None and name not in own):
            continue
        if formula is None:
            text, is_array = own[name]
            text = followed(text, sheet, moves, row=top + 1)
            carried[column] = Carried(_filling(text, top + 1), is_array)
        elif formula.spans:
            raise ReportError(
                Message(
                    "The column {name} of the table {table} computes with an array formula over"
                    " several cells, which is not carried to new rows here: refresh the workbook in"
                    " its program.",
                    name=name,
                    table=table.name,
                )
            )
        else:
            others = [Beside(-1, _text(above[column]))] if column in above else []
            text = _text(formula)
            text = followed(text, sheet, moves, row=bottom, beside=others)
            is_array = formula.array is not None
            carried[column] = Carried(_filling(text, bottom), is_array, notes[column])
    return carried


def _formulas_of(book: Package, sheet: str, row: int) -> dict[int, Formula]:
    """The formulas whose values are in a row of a sheet, by the column."""
    return {
        column: formula
        for formula in book.formulas
        if formula.sheet == sheet and formula.row <= row <= formula.area.bottom
        for column in range(formula.area.left, formula.area.right + 1)
    }


def _text(formula: Formula) -> str:
    """A formula as it is in its own cell."""
    return moved(formula.text, *formula.moved)


def _filling(text: str, start: int) -> Callable[[int], str]:
    """What fills a formula down from a row, as somebody who draws the corner of its cell."""
    if moved(text, 1, 0) == moved(text, 0, 0):
        return lambda _: text
    return lambda row: moved(text, row - start, 0)


def _own_formulas(book: Package, parts: Parts, table: ExcelTable) -> dict[str, tuple[str, bool]]:
    """The formulas that a table writes into new rows, by the names of their columns.

    They are written as for its first row; some are array formulas.
    """
    found = _table_part(book, parts, table)
    if found is None:
        return {}
    columns = ElementTree.fromstring(parts[found]).iterfind(f"{TAG}tableColumns/{TAG}tableColumn")
    own = (one.find(f"{TAG}calculatedColumnFormula") for one in columns)
    return {
        name: (one.text, one.attrib.get("array") in ("1", "true"))
        for name, one in zip(table.columns, own, strict=True)
        if one is not None and one.text
    }


def _table_part(book: Package, parts: Parts, table: ExcelTable) -> str | None:
    return next((
        target
        for kind, _, target in parts.relations(book.parts[table.area.sheet])
        if kind == "table"
        and ElementTree.fromstring(parts[target]).attrib.get("displayName") == table.name
    ), None)  # fmt: skip


def _refuse_taken(book: Package, parts: Parts, table: ExcelTable, band: Band) -> None:
    """Refuse new rows where something else is: our columns were looked at before.

    Raises ReportError.
    """
    if band.end <= band.area.bottom:
        return
    new = band.area._replace(top=band.area.bottom + 1, bottom=band.end)
    taken = [
        *(one.area for one in book.tables.values() if one.name != table.name),
        *book.merged,
        *(formula.area for formula in book.formulas if formula.array),
        *(place for _, place in pivot_places(parts, {new.sheet: book.parts[new.sheet]})),
    ]
    rows = [max(place.top, new.top) for place in taken if place.touches(new)]
    if band.formulas:
        sheet = parts.sheet(book.parts[new.sheet])
        rows += [
            cell.row
            for cell in sheet.block_cells(new)
            if cell.column in band.formulas and (cell.value or cell.formula)
        ]
    if rows:
        raise ReportError(
            Message(
                "The table {table} needs more rows, but row {row} below it is not blank: move"
                " what stands there.",
                table=table.name,
                row=min(rows),
            )
        )


def _resize(book: Package, parts: Parts, moves: Sequence[Move]) -> None:
    """Give the tables their new blocks; the order of their rows is that of the files."""
    for move in moves:
        part = _table_part(book, parts, book.tables[move.table.lower()])
        if part is None:
            continue
        new = move.old._replace(bottom=move.bottom).address

        def resized(found: re.Match[bytes], new: str = new) -> bytes:
            tag = re.sub(rb"(\sref=[\"'])[^\"']*", rb"\g<1>" + new.encode(), found[0], count=1)
            return NO_ROWS.sub(b"", tag)

        parts[part] = SORTED.sub(b"", TABLE.sub(resized, parts[part]))
