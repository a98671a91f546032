"""What charts and shapes remember of their cells, which is shown where nothing computes.

That is in a mail, say; LibreOffice shows it of shapes, too.
"""

import re
from collections.abc import Sequence
from functools import partial
from itertools import chain

from kpi_xl.ooxml.addresses import Area, area, quoted
from kpi_xl.ooxml.sheet import escaped, text_of
from kpi_xl.ooxml.stored_cells import StoredCells
from kpi_xl.ooxml.values import Stored, is_same

CHARTS = re.compile(r"xl/charts/[^/]+\.xml")
CACHE = re.compile(
    rb"<((?:\w+:)?)f>([^<]*)</(?:\w+:)?f>\s*"
    rb"(<(?:\w+:)?(num|str|multiLvlStr)Cache>(.*?)</(?:\w+:)?(?:num|str|multiLvlStr)Cache>)",
    re.DOTALL,
)
POINT = re.compile(
    rb"<(?:\w+:)?pt\s+idx=\"(\d+)\"[^>]*>\s*<(?:\w+:)?v>([^<]*)</(?:\w+:)?v>\s*</(?:\w+:)?pt>"
)
COUNT = re.compile(rb"<(?:\w+:)?ptCount\s+val=\"(\d+)\"\s*/>")
REFERENCE = re.compile(r"('(?:[^']|'')+'|[\w.]+)!\$?([A-Z]+)\$?(\d+)(?::\$?([A-Z]+)\$?(\d+))?")
ELSEWHERE = re.compile(r"\[(?!0\])")
"""What stands before a sheet or a name of another workbook; [0] is the one itself."""

TYPES = {b"num": "n", b"str": "str"}


LINKED = re.compile(
    rb"<((?:\w+:)?)sp\s[^>]*?\btextlink=\"([^\"]+)\"[^>]*>.*?</(?:\w+:)?sp>", re.DOTALL
)
SHOWN = re.compile(rb"(<(?:\w+:)?t(?:\s[^>]*)?>)([^<]*)(?=</)")


def follow_links(cells: StoredCells, before: StoredCells) -> int:
    """Let shapes show the texts of their cells; how many show nothing until a program fills them.

    Those are of cells that hold another number now: how it is written is that program's affair.
    """
    emptied = 0

    def renewed(found: re.Match[bytes], sheet: str) -> bytes:
        nonlocal emptied
        text = text_of(found[2])
        if ELSEWHERE.search(text):
            return found[0]
        place = place_of(text if "!" in text else f"{quoted(sheet)}!{text}")
        new: Stored | None = None
        if place is not None and place.sheet in cells.sheets:
            new = cells.first(place)
            if new == before.first(place):
                return found[0]
        shown = str(new[1]) if new and new[0] == "str" else ""
        emptied += not shown
        return _showing(found[0], shown)

    for sheet, part in cells.sheets.items():
        for kind, _, target in cells.parts.relations(part):
            if kind == "drawing" and b"textlink" in cells.parts[target]:
                xml = LINKED.sub(partial(renewed, sheet=sheet), cells.parts[target])
                if xml != cells.parts[target]:
                    cells.parts[target] = xml
    return emptied


def _showing(shape: bytes, text: str) -> bytes:
    """A shape with another text, in the look of the first letters of the old one."""
    texts = iter([escaped(text).encode()])
    return SHOWN.sub(lambda found: found[1] + next(texts, b""), shape)


def follow_values(cells: StoredCells) -> None:
    """Let charts remember what their cells hold now.

    Where these are of another kind, or no plain range, the chart remembers nothing: programs that
    draw charts read the cells. What is of another workbook stays.
    """
    parts = cells.parts

    def renewed(found: re.Match[bytes]) -> bytes:
        text = text_of(found[2])
        if ELSEWHERE.search(text):
            return found[0]
        start, p = found[0][: found.start(3) - found.start()], found[1]
        place = place_of(text)
        if place is None or place.sheet not in cells.sheets or found[4] not in TYPES:
            return start  # a name, several ranges, or levels
        held_now = list(chain.from_iterable(cells.held(place)))
        if _remembers(found[5], TYPES[found[4]], held_now):
            return found[0]
        kinds = {cell[0] for cell in held_now if cell is not None and cell[1] != ""}
        if not kinds <= {TYPES[found[4]]}:
            return start
        form = re.match(rb"\s*<(?:\w+:)?formatCode>.*?</(?:\w+:)?formatCode>", found[5], re.DOTALL)
        points = b"".join(
            b'<%spt idx="%d"><%sv>%s</%sv></%spt>' % (p, number, p, _written(value), p, p)
            for number, (_, value) in _points(held_now).items()
        )
        inner = (form[0] if form else b"") + b'<%sptCount val="%d"/>' % (p, len(held_now)) + points
        return start + b"<%s%sCache>%s</%s%sCache>" % (p, found[4], inner, p, found[4])

    for part in [name for name in parts if CHARTS.fullmatch(name)]:
        xml = CACHE.sub(renewed, parts[part])
        if xml != parts[part]:
            parts[part] = xml


def place_of(text: str) -> Area | None:
    """The cells of a reference, None where it is another thing."""
    found = REFERENCE.fullmatch(text)
    if not found:
        return None
    sheet, left, top, right, bottom = found.groups()
    name = sheet[1:-1].replace("''", "'") if sheet.startswith("'") else sheet
    try:
        return area(name, f"{left}{top}:{right or left}{bottom or top}")
    except ValueError:
        return None


def _points(cells: Sequence[Stored | None]) -> dict[int, Stored]:
    """The values of those cells that hold any."""
    return {number: cell for number, cell in enumerate(cells) if cell is not None and cell[1] != ""}


def _remembers(cache: bytes, kind: str, cells: Sequence[Stored | None]) -> bool:
    """Whether a chart remembers just what the cells hold."""
    count, points, wanted = COUNT.search(cache), dict(POINT.findall(cache)), _points(cells)
    if not count or int(count[1]) != len(cells) or {*map(int, points)} != wanted.keys():
        return False
    try:
        return all(
            is_same((kind, float(text_of(text)) if kind == "n" else text_of(text)), wanted[int(n)])
            for n, text in points.items()
        )
    except ValueError:
        return False


def _written(value: float | str | bool) -> bytes:
    return escaped(value if isinstance(value, str) else repr(value)).encode()
