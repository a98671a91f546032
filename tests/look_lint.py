"""What a reader misses in a workbook: cut texts, faint letters, pictures without words.

`look` asks each rule of a workbook that we have written, as `workbook_lint` does; the two read it
into the same records.
"""

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from kpi_xl.workbook_templates.sheet_parts import lines, wide
from workbook_lint import Book, Sheet, address, all_of, flag, merged_cells, opened

from kpi_xl.engine.places import address_area
from kpi_xl.ooxml.addresses import column_number
from kpi_xl.reports.printing import luminance

LEAST_CONTRAST, OF_LARGE = 4.5, 3.0  # WCAG 2, level AA
LARGE = 14  # points, from which letters are large, if they are bold
STANDARD_WIDTH, STANDARD_SIZE = 8.43, 11.0
ROOM = 1.06  # by which texts may be wider by our count, which takes every letter for a digit
BOLD = 1.04
LINE = 1.2  # heights of a line, by its letters' size


class Look(NamedTuple):
    """How a style shows a text."""

    size: float
    bold: bool
    ink: str
    ground: str
    across: str
    wraps: bool
    shrinks: bool
    indent: int


def look(content: bytes) -> list[str]:
    """What a reader would miss in a workbook, a sentence each: where, and what."""
    book = opened(content, frozenset(), frozenset())
    looks = list(styles(book.styles))
    found = [*undescribed(content), *lying_groups(content)]
    for sheet in book.sheets:
        for rule in RULES:
            found += [f"{sheet.name}: {wrong}" for wrong in rule(sheet, book, looks)]
    return found


# Rules


def undescribed(content: bytes) -> Iterator[str]:
    """Charts and pictures that have no description for screen readers."""
    with zipfile.ZipFile(BytesIO(content)) as package:
        for part in package.namelist():
            if not re.fullmatch(r"xl/drawings/drawing\d+\.xml", part):
                continue
            for frame in ElementTree.fromstring(package.read(part)).iterfind(".//{*}cNvPr"):
                if len(frame.get("descr", "").strip()) < 10:
                    yield f"{posixpath.basename(part)}: {frame.get('name')} has no description"


def lying_groups(content: bytes) -> Iterator[str]:
    """Bars that lie in groups: LibreOffice lists their names against the order that they have."""
    with zipfile.ZipFile(BytesIO(content)) as package:
        for part in package.namelist():
            if not re.fullmatch(r"xl/charts/chart\d+\.xml", part):
                continue
            for bars in ElementTree.fromstring(package.read(part)).iterfind(".//{*}barChart"):
                kinds = {
                    one.get("val")
                    for one in (*bars.iterfind("{*}barDir"), *bars.iterfind("{*}grouping"))
                }
                if kinds == {"bar", "clustered"} and len(list(bars.iterfind("{*}ser"))) > 1:
                    yield f"{posixpath.basename(part)}: its bars lie in groups"


def names(sheet: Sheet, book: Book, looks: list[Look]) -> Iterator[str]:
    """Sheets that say what they are about."""
    if re.fullmatch(r"(?i)(sheet|лист|工作表|برگه)\s*\d*", sheet.name):
        yield "its name says nothing"


def merged_data(sheet: Sheet, book: Book, looks: list[Look]) -> Iterator[str]:
    """Merged cells with numbers, in which readers of tables lose their way; texts may be merged."""
    for area in merged_cells(sheet):
        cell = sheet.cells.get((area.top, area.left))
        if cell and cell.kind == "n" and cell.text:
            yield f"the cells {area} are merged, and hold a number"


def one_page(sheet: Sheet, book: Book, looks: list[Look]) -> Iterator[str]:
    """Charts that a page's end would go through."""
    setup = sheet.xml.find("{*}pageSetup")
    pages = setup.get("fitToHeight", "1") if setup is not None else "0"
    if sheet.charts and pages != "1":
        yield "it has charts, and is printed on several pages"


def contrast(sheet: Sheet, book: Book, looks: list[Look]) -> Iterator[str]:
    """Letters that are too faint for their ground."""
    told = set()
    for place, (style, _, text) in shown(sheet).items():
        one = looks[style]
        ratio = between(one.ink, one.ground)
        least = OF_LARGE if one.bold and one.size >= LARGE else LEAST_CONTRAST
        if text and ratio < least and (one.ink, one.ground) not in told:
            told.add((one.ink, one.ground))
            yield f"{address(*place)}: {one.ink} on {one.ground} has a contrast of {ratio:.1f} : 1"


def cut(sheet: Sheet, book: Book, looks: list[Look]) -> Iterator[str]:
    """Texts that are cut by a neighbour, by the edge of the page, or by the row's height."""
    texts, widths = shown(sheet), columns(sheet)
    edge, mirrored = printed_to(sheet, book), right_to_left(sheet)
    heights = {
        int(row.get("r", "0")): float(row.get("ht", "0"))
        for row in all_of(sheet, "row")
        if flag(row, "customHeight")
    }
    joined = merged_cells(sheet)
    data = [address_area(sheet.name, table.get("ref", "")) for table in sheet.tables]
    for (row, column), (style, kind, text) in texts.items():
        if kind not in ("s", "str", "inlineStr") or not text or looks[style].shrinks:
            continue
        if any(area and area.top < row <= area.bottom and area.left <= column <= area.right
               for area in data):  # fmt: skip
            continue  # the user's own
        one = looks[style]
        if one.across == "fill" or column > edge:
            continue
        letters = one.size / STANDARD_SIZE * (BOLD if one.bold else 1) / ROOM
        merged = next((m for m in joined if (m.top, m.left) == (row, column)), None)
        across = range(column, merged.right + 1 if merged else column + 1)
        own = sum(map(widths, across)) - 0.7 - 1.2 * one.indent
        height = (
            sum(heights.get(n, 15.0) for n in range(row, merged.bottom + 1))
            if merged
            else (heights.get(row, 0.0))
        )
        if one.wraps:
            longest = max((wide(word) for word in re.split(r"[\s\u4e00-\u9fff]", text)), default=0)
            needed = lines(text, own / letters)
            if longest * letters > own:
                yield f"{address(row, column)}: a word of {text!r} is wider than its column"
            elif height and needed * one.size * LINE > height + 3:
                yield f"{address(row, column)}: {text!r} takes {needed} lines, and its row is low"
            continue
        free = own + room(row, column, one, texts, widths, edge, mirrored)
        if not merged and wide(text) * letters > free:
            least = f"{wide(text)} letters, room for {free:.0f}"
            yield f"{address(row, column)}: {text!r} is cut: {least}"


RULES: tuple[Callable[[Sheet, Book, list[Look]], Iterator[str]], ...]
RULES = (names, merged_data, one_page, contrast, cut)


# What they ask


def room(
    row: int,
    column: int,
    one: Look,
    texts: dict[tuple[int, int], tuple[int, str, str]],
    widths: Callable[[int], float],
    edge: int,
    mirrored: bool,
) -> float:
    """How wide the blank cells are into which a text may run."""
    sides = {"right": (-1,), "center": (-1, 1)}.get(one.across, (1,))
    if mirrored and one.across in ("left", "right"):
        sides = tuple(-side for side in sides)
    free = 0.0
    for side in sides:
        place = column + side
        while 1 <= place <= edge and not texts.get((row, place), (0, "", ""))[2]:
            free += widths(place)
            place += side
    return free


def shown(sheet: Sheet) -> dict[tuple[int, int], tuple[int, str, str]]:
    """The style, the kind and the text of each cell."""
    entries = sheet.xml.iterfind("{*}sheetData/{*}row/{*}c")
    return {
        place: (int(entry.get("s", "0")), cell.kind, cell.text or "")
        for entry, (place, cell) in zip(entries, sheet.cells.items(), strict=True)
    }


def columns(sheet: Sheet) -> Callable[[int], float]:
    """The width of each column, in letters."""
    spans = [
        (int(entry.get("min", "0")), int(entry.get("max", "0")), float(entry.get("width", "0")))
        for entry in all_of(sheet, "col")
        if not flag(entry, "hidden")
    ]
    return lambda column: next(
        (width for first, last, width in spans if first <= column <= last), STANDARD_WIDTH
    )


def printed_to(sheet: Sheet, book: Book) -> int:
    """The last column that is printed."""
    for name, owner, text in book.names:
        area = address_area(sheet.name, text.rpartition("!")[2])
        if name == "_xlnm.Print_Area" and owner is sheet and area:
            return area.right
    return column_number("XFD")


def right_to_left(sheet: Sheet) -> bool:
    return any(flag(view, "rightToLeft") for view in all_of(sheet, "sheetView"))


def styles(xml: Element) -> Iterator[Look]:
    """What each cell format of a workbook looks like."""
    fonts = list(xml.find("{*}fonts") or ())
    fills = list(xml.find("{*}fills") or ())
    for entry in xml.find("{*}cellXfs") or ():
        font, fill = fonts[int(entry.get("fontId", "0"))], fills[int(entry.get("fillId", "0"))]
        size, bold = font.find("{*}sz"), font.find("{*}b")
        pattern = fill.find("{*}patternFill")
        solid = pattern is not None and pattern.get("patternType") == "solid"
        place = entry.find("{*}alignment")
        told = place.attrib if place is not None else {}
        yield Look(
            float(size.get("val", "11")) if size is not None else STANDARD_SIZE,
            bold is not None,
            rgb(font.find("{*}color"), "000000"),
            rgb(fill.find(".//{*}fgColor"), "FFFFFF") if solid else "FFFFFF",
            told.get("horizontal", "general"),
            told.get("wrapText") == "1",
            told.get("shrinkToFit") == "1",
            int(told.get("indent", "0")),
        )


def rgb(colour: Element | None, otherwise: str) -> str:
    text = colour.get("rgb", "") if colour is not None else ""
    return text[-6:] or otherwise


def between(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
