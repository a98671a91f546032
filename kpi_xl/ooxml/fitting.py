"""Charts and print areas that had all records of a block have all of them when there are more.

A template's charts end where its records do, and so do its printed pages: what is blank would be
drawn and printed, too. A month or a channel that is new would be in the figures, but in no chart
and not on paper. What left out some of the records before was made to, and stays.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count, cycle, takewhile
from typing import NamedTuple

from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.charts import CHARTS, place_of
from kpi_xl.ooxml.package import Package
from kpi_xl.ooxml.sheet import escaped, text_of
from kpi_xl.ooxml.stored_cells import StoredCells
from kpi_xl.ooxml.values import held

SERIES = re.compile(rb"<((?:\w+:)?)ser>.*?</\1ser>", re.DOTALL)
DRAWN = re.compile(rb"<((?:\w+:)?)(cat|val|xVal|yVal|bubbleSize)>.*?</\1\2>", re.DOTALL)
NAME = re.compile(rb"<((?:\w+:)?)tx>.*?</\1tx>", re.DOTALL)
REFERENCE = re.compile(rb"(<(?:\w+:)?f>)([^<]*)(?=</)")
LABELS = re.compile(rb"<((?:\w+:)?)dLbls>.*?</\1dLbls>", re.DOTALL)
NAMING = re.compile(rb"<(?:\w+:)?showSerName\s+val=\"1\"")
UNNAMED = re.compile(
    rb"<(?:\w+:)?dLbl>\s*<(?:\w+:)?idx\s+val=\"\d+\"\s*/>"
    rb"\s*<(?:\w+:)?delete\s+val=\"1\"\s*/>\s*</(?:\w+:)?dLbl>"
)
NUMBERS = re.compile(rb"(<(?:\w+:)?idx\s+val=\")(\d+)(\"\s*/>\s*<(?:\w+:)?order\s+val=\")(\d+)")
"""Those of a series; its points have the former alone."""

IDENTITY = re.compile(rb"<\w+:uniqueId\s[^>]*/>")
"""What Excel calls one series, and no other."""

PRINTED = re.compile(rb"(<(?:\w+:)?definedName\s[^>]*_xlnm\.Print_Area\"[^>]*>)([^<]*)(?=</)")
COLOUR = re.compile(rb"<a:srgbClr val=(\"[0-9A-F]{6}\")")
COLOURS = (b'"CC79A7"', b'"56B4E9"', b'"D55E00"', b'"999999"')
"""Of the palette of Okabe and Ito, what our first series leave."""

NOTHING = ("", "-", "·")
"""What the cells of a record hold that there is not."""

SLACK = 2
"""For how many records more a chart of all of them may have room."""


class Way(NamedTuple):
    """Which way a block goes on: to the next row, or to the next column."""

    rows: int
    columns: int

    def ends(self, place: Area) -> tuple[int, int]:
        """Where a range begins and ends along the way."""
        return (place.top, place.bottom) if self.rows else (place.left, place.right)

    def last(self, places: Iterable[Area]) -> int:
        """Where the last of some ranges ends; 0 without one."""
        return max((self.ends(one)[1] for one in places), default=0)

    def edge(self, place: Area) -> Iterator[Area]:
        """The cells at the end of a range."""
        _, *_, bottom, right = place
        ways = range(place.left, right + 1) if self.rows else range(place.top, bottom + 1)
        for one in ways:
            row, column = (bottom, one) if self.rows else (one, right)
            yield Area(place.sheet, row, column, row, column)

    def is_line(self, place: Area) -> bool:
        """Whether a range is of one column, or row, along the way."""
        return place.left == place.right if self.rows else place.top == place.bottom

    def longer(self, place: Area, steps: int) -> Area:
        """A range with a later end."""
        return place._replace(
            bottom=place.bottom + steps * self.rows, right=place.right + steps * self.columns
        )

    def moved(self, place: Area, steps: int) -> Area:
        """A range so much further on."""
        return place._replace(
            top=place.top + steps * self.rows,
            left=place.left + steps * self.columns,
            bottom=place.bottom + steps * self.rows,
            right=place.right + steps * self.columns,
        )

    def next(self, place: Area) -> Area:
        """The row, or the column, behind a range."""
        if self.rows:
            return place._replace(top=place.bottom + 1, bottom=place.bottom + 1)
        return place._replace(left=place.right + 1, right=place.right + 1)


DOWN, RIGHT = Way(1, 0), Way(0, 1)


class Blocks:
    """The computed cells of a workbook, as they are and as they were before."""

    def __init__(self, cells: StoredCells, before: StoredCells, book: Package) -> None:
        self.cells, self.before, self.book = cells, before, book
        self.formulas = {(one.sheet, one.row, one.column): one for one in book.formulas}
        self.arrays = [one.area for one in book.formulas if one.array]
        self._known: dict[str, bool] = {}

    def kind(self, sheet: str, row: int, column: int) -> str:
        """What formulas that were filled down, or to the right, have alike; empty without one."""
        cell = Area(sheet, row, column, row, column)
        array = next((one for one in self.arrays if one.touches(cell)), None)
        if array:
            return str(array)
        formula = self.formulas.get((sheet, row, column))
        return re.sub(r"\$?[A-Z]*\$?\d+", "0", formula.text) if formula else ""

    def is_known(self, sheet: str) -> bool:
        """Whether a sheet's formulas had values before: some programs write none."""
        if sheet not in self._known:
            there = self.before.sheet(sheet).formula_cells() if sheet in self.before.sheets else ()
            self._known[sheet] = any(cell.value and cell.value.content for cell in there)
        return self._known[sheet]

    def room(self, place: Area, way: Way) -> int:
        """How many cells behind the end of a range are of its block."""
        sheet, _, _, row, column = place
        kind = self.kind(sheet, row, column)
        if not kind or not self.is_known(sheet):
            return 0
        behind = (self.kind(sheet, row + n * way.rows, column + n * way.columns) for n in count(1))
        return sum(1 for _ in takewhile(lambda one: one == kind, behind))

    def behind(self, place: Area, way: Way) -> Area | None:
        """The rest of the block that a range is of."""
        room = self.room(place, way)
        return way.longer(way.next(place), room - 1) if room else None

    def more(self, place: Area, way: Way, slack: int = SLACK) -> int:
        """How much longer a range is to be that had all records of its block before."""
        rest = self.behind(place, way)
        first, last = way.ends(place)
        shown = way.last(_shown(self.cells, rest)) - last if rest else 0
        if not rest or shown <= 0 or any(_shown(self.before, rest)):
            return 0
        blank = last - max(first - 1, way.last(_shown(self.before, place)))
        return min(shown + min(blank, slack), way.ends(rest)[1] - last)

    def leaves_out(self, place: Area, way: Way) -> bool:
        """Whether its block had a record before the first of a range."""
        sheet, row, column, *_ = way.moved(place, -1)
        before = Area(sheet, row, column, row, column)
        if min(row, column) < 1 or self.kind(sheet, row, column) != self.kind(*place[:3]):
            return False
        return bool(self.kind(*place[:3])) and any(_shown(self.before, before))


def _shown(cells: StoredCells, place: Area) -> Iterator[Area]:
    """The cells of an area that show anything but an error."""
    for cell in cells.sheet(place.sheet).block_cells(place):
        value = held(cell, lambda: cells.texts)
        if value is not None and value[0] != "e" and value[1] not in NOTHING:
            yield Area(place.sheet, cell.row, cell.column, cell.row, cell.column)


def fit(cells: StoredCells, before: StoredCells, book: Package) -> None:
    """Let charts and print areas have the records that there are now."""
    blocks, parts = Blocks(cells, before, book), cells.parts
    for part in [name for name in parts if CHARTS.fullmatch(name)]:
        xml = SERIES.sub(lambda found: _longer(blocks, found[0]), parts[part])
        xml = _with_series(blocks, xml)
        if xml != parts[part]:
            parts[part] = xml
    xml = PRINTED.sub(lambda found: found[1] + _printed(blocks, found[2]), parts[parts.book])
    if xml != parts[parts.book]:
        parts[parts.book] = xml


def _places(blocks: Blocks, xmls: Sequence[bytes]) -> list[Area]:
    """The ranges that some XML is of; none where it is of anything else."""
    texts = [found[2] for xml in xmls for found in REFERENCE.finditer(xml)]
    places = [place_of(text_of(text)) for text in texts]
    known = [one for one in places if one is not None and one.sheet in blocks.cells.sheets]
    return known if len(known) == len(texts) else []


def _longer(blocks: Blocks, series: bytes) -> bytes:
    """A series whose ranges go on together, as far as the first has records that ended with it."""
    ranges = _places(blocks, [data[0] for data in DRAWN.finditer(series)])
    for way in (DOWN, RIGHT):
        ends = {way.ends(one) for one in ranges}
        if len(ends) != 1 or not all(map(way.is_line, ranges)):
            continue
        if len(set(ends.pop())) == 1 and (
            b"xVal>" in series or any(blocks.leaves_out(one, way) for one in ranges)
        ):
            continue  # a point, which is a record by itself
        slack = 0 if NAMING.search(series) else SLACK  # a line is named at its last point
        leading = (more for one in ranges if (more := blocks.more(one, way, slack)))
        more = min(next(leading, 0), *(blocks.room(one, way) for one in ranges))
        if more:
            first, last = way.ends(ranges[0])
            series = _named_at_its_end(series, last - first + 1, more)
            return _drawing(partial(way.longer, steps=more), series)
    return series


def _named_at_its_end(series: bytes, points: int, more: int) -> bytes:
    """A line with its name at its last point alone, which is to have more points, as it was."""
    labels = LABELS.search(series)
    unnamed = UNNAMED.findall(labels[0]) if labels else []
    if not labels or not NAMING.search(labels[0]) or len(unnamed) != points - 1:
        return series
    p = labels[1]
    new = b"".join(
        b'<%sdLbl><%sidx val="%d"/><%sdelete val="1"/></%sdLbl>' % (p, p, number, p, p)
        for number in range(points - 1 + more)
    )
    start = labels.start() + labels[0].index(b">") + 1
    rest = UNNAMED.sub(b"", series[start : labels.end()])
    return series[:start] + new + rest + series[labels.end() :]


def _drawing(new: Callable[[Area], Area], series: bytes) -> bytes:
    """A series that draws other cells."""
    return DRAWN.sub(lambda data: _at(new, data[0]), series)


def _at(new: Callable[[Area], Area], xml: bytes) -> bytes:
    """Some XML whose references are to other cells."""

    def renewed(found: re.Match[bytes]) -> bytes:
        place = place_of(text_of(found[2]))
        return found[0] if place is None else found[1] + escaped(str(new(place))).encode()

    return REFERENCE.sub(renewed, xml)


def _with_series(blocks: Blocks, chart: bytes) -> bytes:
    """A chart of which each record is a series, a point or a line, with one for each new record."""
    series = list(SERIES.finditer(chart))
    names = _names(blocks, [one[0] for one in series])
    if not names or blocks.leaves_out(names[0], DOWN):
        return chart
    last, end = len(names) - 1, series[len(names) - 1].end()
    used = (int(number) for found in NUMBERS.findall(chart) for number in found[1::2])
    first = max(used, default=0) + 1
    colours = [COLOUR.findall(one[0])[:1] for one in series[: last + 1]]
    others = cycle(one for one in COLOURS if one not in chart)
    more = b""
    for n in range(blocks.more(names[0]._replace(bottom=names[last].bottom), DOWN)):
        like = max(0, last - 1 + n % 2)  # what they are called stands above and below in turn
        one = IDENTITY.sub(b"", series[like][0])
        one = NUMBERS.sub(rb"\g<1>%d\g<3>%d" % (first + n, first + n), one, count=1)
        if colours[0] != colours[last]:  # each record has its own
            for colour in colours[like]:
                one = one.replace(colour, next(others, colour))
        more += _at(partial(DOWN.moved, steps=last + 1 + n - like), one)
    return chart[:end] + more + chart[end:]


def _names(blocks: Blocks, series: Sequence[bytes]) -> list[Area]:
    """What the first series are called, each of which is in the row after the one before."""
    names: list[Area] = []
    for one in series:
        drawn, name = [data[0] for data in DRAWN.finditer(one)], NAME.search(one)
        places = _places(blocks, [name[0], *drawn]) if name else []
        row = names[-1].bottom + 1 if names else places[0].top if places else 0
        if {(place.top, place.bottom) for place in places} != {(row, row)}:
            break
        names.append(places[0])
    return names


def _printed(blocks: Blocks, text: bytes) -> bytes:
    """A print area with all records of the blocks that it ends in, if it had all before.

    That of a sheet with a table, which follows by itself, stays.
    """
    before = place = place_of(text_of(text))
    tables = {table.area.sheet for table in blocks.book.tables.values()}
    if place is None or place.sheet in tables or place.sheet not in blocks.cells.sheets:
        return text
    for way in (DOWN, RIGHT):
        rests = [rest for edge in way.edge(place) if (rest := blocks.behind(edge, way))]
        if not any(one for rest in rests for one in _shown(blocks.before, rest)):
            last = way.last(one for rest in rests for one in _shown(blocks.cells, rest))
            place = way.longer(place, max(0, last - way.ends(place)[1]))
    return text if place == before else escaped(str(place)).encode()
