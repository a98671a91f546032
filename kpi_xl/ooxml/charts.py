"""What charts remember of their cells, which is shown where nothing computes: in a mail, say."""

import re
from collections.abc import Callable, Mapping, Sequence

from kpi_xl.ooxml.addresses import Area, area
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import SheetXml, escaped, text_of
from kpi_xl.ooxml.values import Stored, held, is_same

CHARTS = re.compile(r"xl/charts/[^/]+\.xml")
CACHE = re.compile(
    rb"<((?:\w+:)?)f>([^<]*)</(?:\w+:)?f>\s*"
    rb"(<(?:\w+:)?(num|str)Cache>(.*?)</(?:\w+:)?(?:num|str)Cache>)",
    re.DOTALL,
)
POINT = re.compile(
    rb"<(?:\w+:)?pt\s+idx=\"(\d+)\"[^>]*>\s*<(?:\w+:)?v>([^<]*)</(?:\w+:)?v>\s*</(?:\w+:)?pt>"
)
COUNT = re.compile(rb"<(?:\w+:)?ptCount\s+val=\"(\d+)\"\s*/>")
REFERENCE = re.compile(r"('(?:[^']|'')+'|[\w.]+)!\$?([A-Z]+)\$?(\d+)(?::\$?([A-Z]+)\$?(\d+))?")
TYPES = {b"num": "n", b"str": "str"}


def follow_values(parts: Parts, sheets: Mapping[str, str], texts: Callable[[], list[str]]) -> None:
    """Let charts remember what their cells hold now.

    Where these are of another kind, or no plain range, the chart remembers nothing: programs that
    draw charts read the cells. `sheets` are the parts of the sheets by name.
    """
    read: dict[str, SheetXml] = {}

    def values(place: Area) -> list[Stored | None]:
        if place.sheet not in read:
            read[place.sheet] = SheetXml(parts[sheets[place.sheet]])
        found = {(one.row, one.column): held(one, texts)
                 for one in read[place.sheet].block_cells(place)}  # fmt: skip
        return [
            found.get((row, column))
            for row in range(place.top, place.bottom + 1)
            for column in range(place.left, place.right + 1)
        ]

    def renewed(found: re.Match[bytes]) -> bytes:
        place = _place(text_of(found[2]))
        if place is None or place.sheet not in sheets:
            return found[0]
        cells = values(place)
        if _remembers(found[5], TYPES[found[4]], cells):
            return found[0]
        start, p = found[0][: found.start(3) - found.start()], found[1]
        kinds = {cell[0] for cell in cells if cell is not None and cell[1] != ""}
        if not kinds <= {TYPES[found[4]]}:
            return start
        form = re.match(rb"\s*<(?:\w+:)?formatCode>.*?</(?:\w+:)?formatCode>", found[5], re.DOTALL)
        points = b"".join(
            b'<%spt idx="%d"><%sv>%s</%sv></%spt>' % (p, number, p, _written(value), p, p)
            for number, (_, value) in _points(cells).items()
        )
        inner = (form[0] if form else b"") + b'<%sptCount val="%d"/>' % (p, len(cells)) + points
        return start + b"<%s%sCache>%s</%s%sCache>" % (p, found[4], inner, p, found[4])

    for part in [name for name in parts if CHARTS.fullmatch(name)]:
        xml = CACHE.sub(renewed, parts[part])
        if xml != parts[part]:
            parts[part] = xml


def _place(text: str) -> Area | None:
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
