"""Cells written over those that a sheet has: their looks stay, and so does all around them.

A cell that holds its new value already stays to the byte.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kpi_xl.cells import Cell
from kpi_xl.ooxml.addresses import Area, column_letters, column_number
from kpi_xl.ooxml.blocks import FORMULA_SIGNS
from kpi_xl.ooxml.looks import Looks
from kpi_xl.ooxml.package import unescaped
from kpi_xl.ooxml.sheet import (
    DIMENSION,
    FORMULA,
    VALUE,
    Edit,
    SheetXml,
    attribute,
    escaped,
    grown_dimension,
    text_of,
    value_element,
    with_edits,
)
from kpi_xl.ooxml.texts import SharedTexts
from kpi_xl.ooxml.values import is_same, number_of, stored, written

USUAL = re.compile(rb'<c r="([A-Z]+)\d+"([^>]*?)(?:/>|>(.*?)</c>)', re.DOTALL)
"""A cell as spreadsheet programs write it, which is found five times as fast as other forms."""

LOOK = re.compile(rb'\ss="(\d+)"')
SPANS = re.compile(rb"\sspans=\"[^\"]*\"")
INLINE = re.compile(
    rb"<(?:\w+:)?is>\s*<(?:\w+:)?t(?:\s[^>]*)?>([^<]*)</(?:\w+:)?t>\s*</(?:\w+:)?is>"
)
NUMBER = re.compile(rb"<(?:\w+:)?v>([^<]*)</(?:\w+:)?v>")
TELLING = re.compile(
    rb"\s(?:s|customFormat|customHeight|hidden|outlineLevel|collapsed|thickTop|thickBot)"
    rb"=\"(?!0\"|false\")"
)
"""What a row says of itself that is worth keeping without cells."""


class StoredCell(NamedTuple):
    """A cell that is there: its column, the attributes in its tag, its content, all its bytes."""

    column: int
    tag: bytes
    body: bytes
    element: bytes

    @property
    def look(self) -> str:
        """The number of its format, empty for the first."""
        found = LOOK.search(self.tag)
        return found[1].decode() if found else attribute(b" " + self.tag, "s")


@dataclass
class Writer:
    """What cells are written with: the list of texts that cells share, if they do, and looks."""

    texts: SharedTexts | None
    looks: Looks
    known: dict[tuple[str, bytes], tuple[bytes, bytes]] = field(default_factory=dict)

    def content(self, value: Cell, p: bytes) -> tuple[bytes, bytes]:
        """The attribute of a value's type, and its element."""
        if value is None:
            return b"", b""
        if type(value) is float:
            return b"", b"<%sv>%s</%sv>" % (p, written(("n", value))[1], p)
        if isinstance(value, bool):
            return b' t="b"', b"<%sv>%d</%sv>" % (p, value, p)
        text = str(value)
        known = self.known.get((text, p))
        if known is None:
            known = self.known[text, p] = self._of_text(text, p)
        return known

    def _of_text(self, text: str, p: bytes) -> tuple[bytes, bytes]:
        if self.texts is not None:
            return b' t="s"', value_element(p, b"%d" % self.texts.number(text))
        space = b' xml:space="preserve"' if text != text.strip() else b""
        inner = b"<%sis><%st%s>%s</%st></%sis>" % (p, p, space, escaped(text).encode(), p, p)
        return b' t="inlineStr"', inner

    def cell(self, place: bytes, look: str, value: Cell, p: bytes) -> bytes:
        """A cell, by its address; without a look and a value it is nothing."""
        kind, inner = self.content(value, p)
        marked = isinstance(value, str) and value.startswith(FORMULA_SIGNS)
        look = self.looks.of(look, marked=marked)
        s = b' s="%s"' % look.encode() if look else b""
        if not inner:
            return b'<%sc r="%s"%s/>' % (p, place, s) if s else b""
        return b'<%sc r="%s"%s%s>%s</%sc>' % (p, place, s, kind, inner, p)

    def over(self, old: StoredCell, place: bytes, value: Cell, p: bytes) -> bytes:
        """A cell over one that is there: the very same, if that holds the value."""
        new = self.cell(place, old.look, value, p)
        if new == old.element or self._holds(old, value):
            return old.element
        return new

    def _holds(self, old: StoredCell, value: Cell) -> bool:
        """Whether a cell holds a value in another writing."""
        if FORMULA.search(old.body) or b" vm=" in old.tag or b" cm=" in old.tag:
            return False
        kind = attribute(b" " + old.tag, "t")
        if value is None:
            return not VALUE.search(old.body)
        if isinstance(value, str):
            marked = value.startswith(FORMULA_SIGNS)
            if self.looks.of(old.look, marked=marked) != old.look:
                return False
            inline = INLINE.fullmatch(old.body) if kind == "inlineStr" else None
            if inline:
                return unescaped(text_of(inline[1])) == value
            found = NUMBER.fullmatch(old.body) if kind == "s" else None
            return bool(found and self.texts and self.texts.says(number_of(found[1]), value))
        found = NUMBER.fullmatch(old.body)
        if not found or kind not in ("", "n") or isinstance(value, bool):
            return False
        return (
            is_same(("n", number_of(found[1])), stored(value))
            and self.looks.of(old.look, marked=False) == old.look
        )


class Carried(NamedTuple):
    """The formula of a column for new rows: its text by the row, and whether it is an array's.

    `cm` is the number of what Excel says of a dynamic array, empty for none.
    """

    text: Callable[[int], str]
    is_array: bool = False
    cm: str = ""

    def cell(self, place: bytes, look: str, row: int, p: bytes) -> bytes:
        """The formula's cell in a row, by its address."""
        s = b' s="%s"' % look.encode() if look else b""
        s += b' cm="%s"' % self.cm.encode() if self.cm else b""
        array = b' t="array" ref="%s"' % place if self.is_array else b""
        text = escaped(self.text(row)).encode()
        return b'<%sc r="%s"%s><%sf%s>%s</%sf></%sc>' % (p, place, s, p, array, text, p, p)


class Band(NamedTuple):
    """The rows of a table from the first one on: how many it had, what they are to be.

    `columns` hold the values of those that are written, `formulas` make the texts of those that
    are the user's own and compute, for new rows. Rows that are left over lose both.
    """

    area: Area
    rows: int
    columns: Mapping[int, Sequence[Cell]]
    formulas: Mapping[int, Carried]

    @property
    def end(self) -> int:
        """The last row that it is to have."""
        return self.area.top + self.rows - 1


def with_band(sheet: SheetXml, band: Band, writer: Writer) -> bytes:
    """A sheet with other rows in a table."""
    looks = _looks(sheet, band, writer)
    top, bottom = band.area.top, max(band.area.bottom, band.end)
    first, last = bisect_left(sheet.numbers, top), bisect_right(sheet.numbers, bottom)
    places = [*sheet.places, sheet.end]
    there = {sheet.numbers[index]: index for index in range(first, last)}
    letters = {column: column_letters(column) for column in looks}
    out = [sheet.xml[: places[first]]]
    for number in range(top, bottom + 1):
        index = there.get(number)
        old = list(_cells(sheet, index)) if index is not None else []
        row = _row(sheet.prefix, band, number, old, looks, letters, writer)
        if index is None:
            if row:
                out.append(_new_row(sheet.prefix, number, row))
        elif [one for _, one in row] == [one.element for one in old]:
            out.append(sheet.xml[places[index] : places[index + 1]])
        else:
            out.append(_with_cells(sheet, index, row))
    out.append(sheet.xml[places[last] :])
    return _with_dimension(b"".join(out), band)


def _looks(sheet: SheetXml, band: Band, writer: Writer) -> dict[int, str]:
    """The look of each column for cells that are new: that of the table's last row."""
    index = bisect_left(sheet.numbers, band.area.bottom)
    last = sheet.numbers[index : index + 1] == [band.area.bottom]
    cells = {cell.column: cell.look for cell in _cells(sheet, index)} if last else {}
    whole = sheet.column_styles()
    return {
        column: writer.looks.of(cells.get(column) or whole.get(column, ""), marked=False)
        for column in range(band.area.left, band.area.right + 1)
    }


def _cells(sheet: SheetXml, index: int) -> Iterator[StoredCell]:
    """The cells of a row."""
    start, end = sheet.row_tag(index).end(), sheet.row_end(index)
    usual = list(USUAL.finditer(sheet.xml, start, end))
    if sum(one.end() - one.start() for one in usual) == end - start:
        for one in usual:
            yield StoredCell(column_number(one[1].decode()), one[2], one[3] or b"", one[0])
        return
    for cell in sheet.cells(index):
        element = sheet.xml[cell.start : cell.end]
        if not attribute(cell.tag, "r"):  # it stands right of the one before it, which may go
            name = len(b"<c") + len(cell.prefix)
            place = f' r="{column_letters(cell.column)}{cell.row}"'.encode()
            element = element[:name] + place + element[name:]
        yield StoredCell(cell.column, cell.tag, cell.body or b"", element)


def _row(
    p: bytes,
    band: Band,
    number: int,
    old: Sequence[StoredCell],
    looks: Mapping[int, str],
    letters: Mapping[int, str],
    writer: Writer,
) -> list[tuple[int, bytes]]:
    """The cells of a row as they are to be."""
    there = {cell.column: cell for cell in old}
    row = [(cell.column, cell.element) for cell in old if cell.column not in looks]
    for column, look in looks.items():
        cell = there.get(column)
        place = f"{letters[column]}{number}".encode()
        if number > band.end:
            ours = column in band.columns or (
                column in band.formulas and cell is not None and FORMULA.search(cell.body)
            )
            element = b"" if ours or cell is None else cell.element
        elif column in band.columns:
            value = band.columns[column][number - band.area.top]
            element = (
                writer.over(cell, place, value, p) if cell else writer.cell(place, look, value, p)
            )
        elif number > band.area.bottom and column in band.formulas:
            element = band.formulas[column].cell(place, look, number, p)
        elif cell:
            element = cell.element
        else:
            element = writer.cell(place, look, None, p) if number > band.area.bottom else b""
        if element:
            row.append((column, element))
    return sorted(row)


def _with_cells(sheet: SheetXml, index: int, row: Sequence[tuple[int, bytes]]) -> bytes:
    """A row with other cells; nothing where it has none, and says nothing of itself."""
    tag = sheet.row_tag(index)
    after = sheet.row_tag(index + 1) if index + 1 < len(sheet.places) else None
    if not row and not TELLING.search(tag[0]) and (not after or attribute(after[0], "r")):
        return b""
    spans = re.fullmatch(r"(\d+):(\d+)", attribute(tag[0], "spans"))
    within = spans and row and int(spans[1]) <= row[0][0] <= row[-1][0] <= int(spans[2])
    opening = tag[0] if within else SPANS.sub(b"", tag[0])  # a hint, which may be left out
    opening = opening[:-2] + b">" if tag[2].endswith(b"/") else opening
    whole = b"".join(one for _, one in row)
    return opening + whole + b"</%srow>" % tag[1]


def _with_dimension(xml: bytes, band: Band) -> bytes:
    """A sheet whose dimension has come to reach as far as its rows."""
    sheet = SheetXml(xml)
    edits = grown_dimension(sheet, band.area._replace(bottom=band.end))
    tag = DIMENSION.search(xml, 0, sheet.start)
    last = max(sheet.last_row, 1)
    if not edits and tag:
        ref = attribute(tag[0], "ref")
        corner, _, end = ref.partition(":")
        found = re.fullmatch(r"([A-Z]+)(\d+)", end)
        if found and int(found[2]) > last:
            new = tag[0].replace(ref.encode(), f"{corner}:{found[1]}{last}".encode())
            edits = [(tag.start(), tag.end(), new)]
    return with_edits(xml, edits)


def with_values(sheet: SheetXml, cells: Mapping[tuple[int, int], Cell], writer: Writer) -> bytes:
    """A sheet with single cells, by row and column."""
    rows: dict[int, dict[int, Cell]] = {}
    for (row, column), value in cells.items():
        rows.setdefault(row, {})[column] = value
    edits = [edit for number in sorted(rows) for edit in _over(sheet, number, rows[number], writer)]
    if edits:
        columns = [column for _, column in cells]
        reach = Area("", min(rows), min(columns), max(rows), max(columns))
        edits += grown_dimension(sheet, reach)
    return with_edits(sheet.xml, edits)


def _over(
    sheet: SheetXml, number: int, wanted: Mapping[int, Cell], writer: Writer
) -> Iterator[Edit]:
    """The edit that gives a row some cells, if it has not got them."""
    index = bisect_left(sheet.numbers, number)
    is_there = sheet.numbers[index : index + 1] == [number]
    old = {cell.column: cell for cell in _cells(sheet, index)} if is_there else {}
    before = {column: cell.element for column, cell in old.items()}
    after, whole = dict(before), sheet.column_styles()
    for column, value in wanted.items():
        place = f"{column_letters(column)}{number}".encode()
        if column in old:
            after[column] = writer.over(old[column], place, value, sheet.prefix)
        elif value is not None:
            after[column] = writer.cell(place, whole.get(column, ""), value, sheet.prefix)
    if after == before:
        return
    row = sorted(after.items())
    start = [*sheet.places, sheet.end][index]
    if is_there:
        yield start, _row_end(sheet, index), _with_cells(sheet, index, row)
    else:
        yield start, start, _new_row(sheet.prefix, number, row)


def _new_row(p: bytes, number: int, row: Sequence[tuple[int, bytes]]) -> bytes:
    whole = b"".join(one for _, one in row)
    return b'<%srow r="%d">%s</%srow>' % (p, number, whole, p)


def _row_end(sheet: SheetXml, index: int) -> int:
    """Where a row's element ends."""
    end = sheet.row_end(index)
    closing = b"</%srow>" % sheet.row_tag(index)[1]
    return end + len(closing) if sheet.xml.startswith(closing, end) else end
