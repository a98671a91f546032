"""A worksheet's XML by places: where its rows and cells stand in the bytes.

A tree of 300,000 rows takes seconds to build, a search of the bytes tenths; and what is written
back by places leaves all else as it was.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from kpi_xl.locales import Message
from kpi_xl.ooxml.addresses import (
    LAST_COLUMN,
    LAST_ROW,
    Area,
    area,
    column_letters,
    column_number,
)
from kpi_xl.ooxml.errors import NotAWorkbookError

PREFIX = rb"(?:[\w.-]++:)?"
ATTRIBUTES = rb"""[^<>"']*+(?:"[^"<]*"[^<>"']*+|'[^'<]*'[^<>"']*+)*+"""
START = rb"<(" + PREFIX + rb")%s(?=[\s/>])(" + ATTRIBUTES + rb")>"
END = rb"</" + PREFIX + rb"%s\s*>"

DATA, DATA_END = re.compile(START % b"sheetData"), re.compile(END % b"sheetData")
ROW, ROW_END = re.compile(START % b"row"), re.compile(END % b"row")
CELL, CELL_END = re.compile(START % b"c"), re.compile(END % b"c")
MARKED = re.compile(rb"<(?:\w+:)?f(?:\s+\w*ca\s*=\s*[\"']\w+[\"'])*\s*(?:/>|></)")
FORMULA, FORMULA_END = re.compile(START % b"f"), re.compile(END % b"f")
ERROR = re.compile(rb">\s*(#[^<]+?)\s*<")
DIMENSION, COLUMNS = re.compile(START % b"dimension"), re.compile(START % b"col")
VALUE = re.compile(START % b"(v|is)")
USUAL_ROW = re.compile(rb'<row r="(\d+)"')
ROW_NUMBER = re.compile(rb"\sr\s*=\s*[\"'](\d+)[\"']")
LETTERS = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]+)\d+[\"']")
MARKUP = (b"<![CDATA[", b"<!--", b"<!DOCTYPE")
ENCODING = re.compile(rb"<\?xml\s[^>]*?\bencoding\s*=\s*[\"']([^\"']+)")
NO_LETTER = r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]"
NO_TEXT = re.compile(rf"_(?=x[0-9A-Fa-f]{{4}}(?:_|{NO_LETTER}))|{NO_LETTER}")
"""What stands in a cell's text as _xHHHH_; the first is what only looks like that, or would."""

PLAIN = re.compile(rb"[^&\r<]*(?:&(?:lt|gt|amp|quot|apos);[^&\r<]*)*")
"""What needs no parser to be read."""
ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}  # & at last

Edit = tuple[int, int, bytes]
"""A stretch of XML, from where to where, and what is to stand there instead."""


class BadSheetError(NotAWorkbookError):
    """A sheet unlike those of spreadsheet programs, with the sentence that says why."""


class XmlValue(NamedTuple):
    """The element of a cell's cached value: where it is in the body, `v` or `is`, its content."""

    start: int
    end: int
    kind: str
    content: bytes


class XmlCell(NamedTuple):
    """A cell's element: where it is, and its bytes in three parts.

    `tag` is the start tag without its end, `body` None where the element is closed by it.
    """

    row: int
    column: int
    start: int
    end: int
    prefix: bytes
    tag: bytes
    body: bytes | None

    def attribute(self, name: str) -> str:
        """One of the cell's attributes, empty if there is none."""
        return attribute(self.tag, name)

    @property
    def formula(self) -> re.Match[bytes] | None:
        """The start tag of its formula's element, in the body."""
        return FORMULA.search(self.body) if self.body else None

    @property
    def formula_text(self) -> str:
        """The formula's text, empty where it has none."""
        tag = self.formula
        end = FORMULA_END.search(self.body or b"", tag.end()) if tag else None
        return text_of((self.body or b"")[tag.end() : end.start()]) if tag and end else ""

    @property
    def value(self) -> XmlValue | None:
        """Its cached value."""
        tag = VALUE.search(self.body) if self.body else None
        if tag is None or self.body is None:
            return None
        kind, content, end = tag[2].decode(), b"", tag.end()
        if not tag[3].endswith(b"/"):
            closing = b"</" + tag[1] + tag[2]
            place = self.body.index(closing, tag.end())
            content, end = self.body[tag.end() : place], self.body.index(b">", place) + 1
        return XmlValue(tag.start(), end, kind, content)


def _with_their_own(cells: list[XmlCell]) -> list[XmlCell]:
    """The cells but those that another one's array fills: Excel marks them where it is volatile."""
    marked, filled = set(), []
    for cell in cells:
        tag = cell.formula
        kind = attribute(tag[0], "t") if tag else ""
        if kind in ("array", "dataTable") and tag:
            filled.append(area("", attribute(tag[0], "ref")))
        elif not kind and not cell.formula_text:
            marked.add(cell.start)
    return [
        cell
        for cell in cells
        if cell.start not in marked
        or not any(
            place.top <= cell.row <= place.bottom and place.left <= cell.column <= place.right
            for place in filled
        )
    ]


class SheetXml:
    """A worksheet's XML."""

    def __init__(self, xml: bytes) -> None:
        """Raises BadSheetError, where rows and cells would not be found."""
        check(xml)
        self.xml = xml
        encoding = ENCODING.match(xml.removeprefix(b"\xef\xbb\xbf"))
        if b"\0" in xml[:4] or (encoding and encoding[1].lower() not in (b"utf-8", b"us-ascii")):
            raise BadSheetError("it is not in UTF-8")
        data = DATA.search(xml)
        self.start = self.end = data.end() if data else len(xml)
        if data and not data[2].endswith(b"/"):
            end = DATA_END.search(xml, data.end())
            self.end = end.start() if end else len(xml)
        if any(xml.find(sign, 0, self.end) >= 0 for sign in MARKUP):
            raise BadSheetError("it holds comments or other markup that Excel does not write")
        self._cells: dict[int, list[XmlCell]] = {}
        self._formula_cells: list[XmlCell] | None = None
        self.numbers, self.places = self._rows()
        if any(one >= other for one, other in pairwise(self.numbers)):
            raise BadSheetError("its rows are not in order")
        if self.numbers and not 1 <= self.numbers[0] <= self.numbers[-1] <= LAST_ROW:
            raise BadSheetError("it has rows outside of a sheet")
        if DATA.search(xml, self.end):
            raise BadSheetError("it has rows in two places")

    def _rows(self) -> tuple[list[int], list[int]]:
        """The rows' numbers, and where each begins."""
        span = self.xml, self.start, self.end
        # As everybody writes them, which is found five times as fast as other forms.
        found = [(int(row[1]), row.start()) for row in USUAL_ROW.finditer(*span)]
        if len(found) != self.xml.count(b"<row", *span[1:]) or self.xml.count(b":row", *span[1:]):
            found, number = [], 0
            for row in ROW.finditer(*span):
                stated = ROW_NUMBER.search(row[2])
                number = int(stated[1]) if stated else number + 1
                found.append((number, row.start()))
        return [number for number, _ in found], [place for _, place in found]

    @property
    def last_row(self) -> int:
        """The number of the last row, 0 if there is none."""
        return self.numbers[-1] if self.numbers else 0

    @property
    def prefix(self) -> bytes:
        """The namespace prefix of its elements, with the colon."""
        data = DATA.search(self.xml)
        return data[1] if data else b""

    def column_styles(self) -> dict[int, str]:
        """The styles that whole columns have."""
        styles: dict[int, str] = {}
        for tag in COLUMNS.findall(self.xml, 0, self.start):
            text = b" " + tag[1]
            first, last = attribute(text, "min"), attribute(text, "max")
            if attribute(text, "style"):
                columns = range(int(first), min(int(last), LAST_COLUMN) + 1)
                styles |= dict.fromkeys(columns, attribute(text, "style"))
        return styles

    def formula_cells(self) -> list[XmlCell]:
        """The cells that hold formulas."""
        if self._formula_cells is None:
            cells = [
                self._cell(self.xml.rfind(b"<", 0, found.start()))  # a formula comes first in it
                for found in FORMULA.finditer(self.xml, self.start, self.end)
            ]
            self._formula_cells = _with_their_own(cells) if MARKED.search(self.xml) else cells
        return self._formula_cells

    def error_cells(self) -> Iterator[tuple[XmlCell, str]]:
        """The cells without formulas that hold errors, or texts that look like them."""
        for found in ERROR.finditer(self.xml, self.start, self.end):
            value = self.xml.rfind(b"<", 0, found.start())
            start = self.xml.rfind(b"<", 0, value)
            if VALUE.match(self.xml, value) and CELL.match(self.xml, start):
                yield self._cell(start), text_of(found[1])

    def block_cells(self, place: Area) -> Iterator[XmlCell]:
        """The cells of an area that have an element."""
        first, last = bisect_left(self.numbers, place.top), bisect_right(self.numbers, place.bottom)
        for index in range(first, last):
            for cell in self.cells(index):
                if place.left <= cell.column <= place.right:
                    yield cell

    def row_cells(self, number: int) -> list[XmlCell]:
        """The cells of the row with a number, none where there is no such row."""
        index = bisect_left(self.numbers, number)
        return self.cells(index) if self.numbers[index : index + 1] == [number] else []

    def row_tag(self, index: int) -> re.Match[bytes]:
        """The start tag of a row."""
        tag = ROW.match(self.xml, self.places[index])
        assert tag
        return tag

    def row_end(self, index: int) -> int:
        """Where the content of a row ends."""
        tag = self.row_tag(index)
        end = None if tag[2].endswith(b"/") else ROW_END.search(self.xml, tag.end())
        return end.start() if end else tag.end()

    def cells(self, index: int) -> list[XmlCell]:
        """The cells of a row, which may leave out their addresses."""
        if index not in self._cells:
            found: list[XmlCell] = []
            end = self.row_end(index)
            column = 0
            for match in CELL.finditer(self.xml, self.row_tag(index).end(), end):
                letters = LETTERS.search(match[2])
                column = column_number(letters[1].decode()) if letters else column + 1
                found.append(self._element(match, self.numbers[index], column))
            self._cells[index] = found
        return self._cells[index]

    def _cell(self, start: int) -> XmlCell:
        """The cell that begins at a place. Raises BadSheetError."""
        match = CELL.match(self.xml, start)
        index = bisect_right(self.places, start) - 1
        if not match or index < 0:
            raise BadSheetError("a formula is not in a cell of a row")
        letters = LETTERS.search(match[2])
        if letters:
            return self._element(match, self.numbers[index], column_number(letters[1].decode()))
        return next(cell for cell in self.cells(index) if cell.start == start)

    def _element(self, match: re.Match[bytes], row: int, column: int) -> XmlCell:
        if column > LAST_COLUMN:
            raise BadSheetError("a cell is outside of the sheet, in a column beyond XFD")
        tag, closes = match[0][: match.end(2) - match.start()], match[2].endswith(b"/")
        if closes:
            return XmlCell(row, column, match.start(), match.end(2) + 1, match[1], tag[:-1], None)
        content = match.end(2) + 1
        end = CELL_END.search(self.xml, content)
        if not end:
            raise BadSheetError("a cell does not end")
        body = self.xml[content : end.start()]
        return XmlCell(row, column, match.start(), end.end(), match[1], tag, body)


def check(xml: bytes) -> None:
    """Raise BadSheetError unless it is well-formed."""
    try:
        expat.ParserCreate().Parse(xml, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # of encodings unknown, too
        what = Message("it is damaged")
        raise BadSheetError("{what} ({reason})", what=what, reason=error) from None


def with_value(cell: XmlCell, kind: str, content: bytes | None) -> bytes:
    """A cell's element with another cached value, or None, of type `n`, `str`, `b` or `e`.

    All else in it stays, but for `vm`, which names the rich value that Excel would show instead.
    """
    tag = cell.tag
    if b"vm" in tag:
        tag = without(tag, "vm")
    if kind != (cell.attribute("t") or "n"):
        stated = b"" if kind == "n" else b' t="' + kind.encode() + b'"'
        tag, replaced = re.subn(rb"\s+t\s*=\s*(\"[^\"]*\"|'[^']*')", stated, tag)
        tag = tag if replaced else tag + stated
    body, old, formula = cell.body or b"", cell.value, cell.formula
    start = end = 0
    if old:
        start, end = old.start, old.end
    elif formula:
        closing = None if formula[2].endswith(b"/") else FORMULA_END.search(body, formula.end())
        start = end = (closing or formula).end()
    body = body[:start] + (b"" if content is None else value_element(cell.prefix, content))
    body += (cell.body or b"")[end:]
    if not body.strip():
        return tag.rstrip() + b"/>"
    return tag + b">" + body + b"</" + cell.prefix + b"c>"


def value_element(prefix: bytes, content: bytes) -> bytes:
    """The element of a value; without the attribute Excel drops spaces at the ends."""
    space = b' xml:space="preserve"' if content != content.strip() else b""
    return b"<%sv%s>%s</%sv>" % (prefix, space, content, prefix)


def with_block(element: bytes, address: str) -> bytes:
    """The element of an array formula's cell, the formula filling another block."""
    tag = FORMULA.search(element)
    if tag is None:
        return element
    start, end = tag.span()
    return element[:start] + _with_attribute(tag[0], "ref", address) + element[end:]


def new_cells(sheet: SheetXml, new: Mapping[int, Mapping[int, tuple[str, bytes]]]) -> list[Edit]:
    """Edits that add cells, by row and column, each with a type and a content.

    The cells look as the row or column has it, and are where Excel expects them.
    """
    edits: list[Edit] = []
    looks = sheet.column_styles() if new else {}
    for number, cells in sorted(new.items()):
        index = bisect_left(sheet.numbers, number)
        here = sheet.places[index] if index < len(sheet.places) else sheet.end
        if sheet.numbers[index : index + 1] == [number]:
            edits += _in_row(sheet, index, cells, looks)
        else:
            p = sheet.prefix
            row = b"".join(
                _new_cell(p, number, column, cells[column], looks.get(column, ""))
                for column in sorted(cells)
            )
            edits.append((here, here, b'<%srow r="%d">%s</%srow>' % (p, number, row, p)))
    columns = [column for cells in new.values() for column in cells]
    if columns:
        edits += grown_dimension(sheet, Area("", min(new), min(columns), max(new), max(columns)))
    return edits


def grown_dimension(sheet: SheetXml, place: Area) -> list[Edit]:
    """The edit that lets a sheet's dimension include an area, if it says one and does not yet.

    It is a hint: one that names no cells, or whole columns, stays.
    """
    tag = DIMENSION.search(sheet.xml, 0, sheet.start)
    try:
        dimension = area("", attribute(tag[0], "ref")) if tag else None
    except ValueError:
        dimension = None
    if not tag or not dimension:
        return []
    grown = Area(
        "",
        min(dimension.top, place.top),
        min(dimension.left, place.left),
        max(dimension.bottom, place.bottom),
        max(dimension.right, place.right),
    )
    if grown == dimension:
        return []
    return [(tag.start(), tag.end(), _with_attribute(tag[0], "ref", grown.address))]


def _in_row(
    sheet: SheetXml,
    index: int,
    cells: Mapping[int, tuple[str, bytes]],
    looks: Mapping[int, str],
) -> Iterator[Edit]:
    """Edits that add cells to a row that there is."""
    tag, end = sheet.row_tag(index), sheet.row_end(index)
    p, number = tag[1], sheet.numbers[index]
    own = attribute(tag[0], "s") if attribute(tag[0], "customFormat") in ("1", "true") else ""
    new = [
        (column, _new_cell(p, number, column, cells[column], own or looks.get(column, "")))
        for column in sorted(cells)
    ]
    opening = tag[0]
    spans = re.fullmatch(r"(\d+):(\d+)", attribute(opening, "spans"))
    if spans:
        left, right = min(int(spans[1]), *cells), max(int(spans[2]), *cells)
        opening = _with_attribute(opening, "spans", f"{left}:{right}")
    if tag[2].endswith(b"/"):
        whole = b"".join(cell for _, cell in new)
        opening = opening[:-2] + b">" + whole + b"</" + p + b"row>"
        new = []
    if opening != tag[0]:
        yield tag.start(), tag.end(), opening
    for column, cell in new:
        behind = (other.start for other in sheet.cells(index) if other.column > column)
        place = next(behind, end)
        yield place, place, cell


def _new_cell(prefix: bytes, row: int, column: int, value: tuple[str, bytes], style: str) -> bytes:
    kind, content = value
    tag = f' r="{column_letters(column)}{row}"'
    tag += f' s="{style}"' if style else ""
    tag += f' t="{kind}"' if kind != "n" else ""
    inner = value_element(prefix, content)
    return b"<%sc%s>%s</%sc>" % (prefix, tag.encode(), inner, prefix)


def _with_attribute(element: bytes, name: str, value: str) -> bytes:
    """An element whose start tag has the attribute, with another value."""
    return re.sub(
        rb"(\s" + name.encode() + rb"\s*=\s*[\"'])[^\"']*",
        rb"\g<1>" + value.encode(),
        element,
        count=1,
    )


def attribute(tag: bytes, name: str) -> str:
    """An attribute of a start tag, empty if there is none."""
    found = _attribute(name).search(tag)
    return text_of(found[1][1:-1]) if found else ""


def without(tag: bytes, name: str) -> bytes:
    """A start tag without an attribute, wherever it has it: one that stands twice is a fault."""
    return _attribute(name).sub(b"", tag)


@cache
def _attribute(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"\s" + name.encode() + rb"\s*=\s*(\"[^\"]*\"|'[^']*')")


def escaped(text: str) -> str:
    """A cell's text as XML, with _xHHHH_ for what XML cannot hold."""
    if "_x" in text or not text.isprintable():  # most texts are looked through sooner so
        text = NO_TEXT.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return text


def text_of(content: bytes) -> str:
    """The text of some XML without elements."""
    if PLAIN.fullmatch(content):
        text = content.decode()
        for entity, character in ENTITIES.items() if "&" in text else ():
            text = text.replace(entity, character)
        return text
    return ElementTree.fromstring(b"<t>" + content + b"</t>").text or ""


def with_edits(xml: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """XML with some stretches replaced: start, end and the new bytes, in any order."""
    out, place = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        out += [xml[place:start], new]
        place = end
    return b"".join([*out, xml[place:]])
