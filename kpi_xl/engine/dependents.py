"""Which formulas depend on which cells, directly or not, in time that grows with the formulas.

In each column a range is a few stretches of rows, halved and halved again, so that the ranges
around a cell are those of the stretches around it, some twenty. Cells, stretches and formulas are
the points of one graph: from a formula its arrows lead to the stretches around the cells that it
fills, and from each of these to the formulas that need it.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.package import Formula

Stretch = tuple[str, int, int, int]
"""Sheet and column, how many times 2 rows long, and which of those: that of one row is a cell."""


RowsByColumn = dict[tuple[str, int], list[int]]
"""The rows, in order, of some formulas by sheet and column."""


def rows_by_column(formulas: Iterable[Formula]) -> RowsByColumn:
    """Where some formulas are."""
    found: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for formula in formulas:
        found[formula.sheet, formula.column].append(formula.row)
    return {column: sorted(rows) for column, rows in found.items()}


def precedents(
    starts: Iterable[int], needs: Callable[[int], Iterable[Area]], cells: Sequence[Area]
) -> set[int]:
    """Some formulas, and those that fill a cell which they need, directly or not.

    `cells`: that of each; what spills has to be among the first ones.
    """
    columns: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for number, cell in enumerate(cells):
        columns[cell.sheet, cell.left].append((cell.top, number))
    filled: defaultdict[str, list[int]] = defaultdict(list)
    for sheet, left in sorted(columns):
        columns[sheet, left].sort()
        filled[sheet].append(left)
    # Where to go on from each place in a column: past those that are found already.
    onward_in = {place: list(range(len(column) + 1)) for place, column in columns.items()}
    found, todo = set(starts), list(starts)
    known: set[Area] = set()
    while todo:
        for place in needs(todo.pop()):
            if place in known:
                continue
            known.add(place)
            here = filled.get(place.sheet, [])
            for left in here[bisect_left(here, place.left) : bisect_right(here, place.right)]:
                column, onward = columns[place.sheet, left], onward_in[place.sheet, left]
                index = _fresh(onward, bisect_left(column, (place.top, -1)))
                while index < len(column) and column[index][0] <= place.bottom:
                    onward[index] = index + 1
                    number = column[index][1]
                    if number not in found:
                        found.add(number)
                        todo.append(number)
                    index = _fresh(onward, index)
    return found


def _fresh(onward: list[int], index: int) -> int:
    """The first place from one on that has not been found; ways that are long become short."""
    while onward[index] != index:
        onward[index] = onward[onward[index]]
        index = onward[index]
    return index


class Graph:
    """The formulas by their numbers, with the cells that each needs and those that it fills."""

    def __init__(self, needs: Sequence[Iterable[Area]], fills: Sequence[Area]) -> None:
        self.fills = fills
        columns: defaultdict[str, set[int]] = defaultdict(set)
        for place in fills:
            columns[place.sheet].update(range(place.left, place.right + 1))
        self._columns = dict(columns)
        self._in_order = {sheet: sorted(found) for sheet, found in columns.items()}
        self._needed: defaultdict[Stretch, list[int]] = defaultdict(list)
        self._ranges: defaultdict[Area, list[int]] = defaultdict(list)
        for number, places in enumerate(needs):
            for place in places:
                if place.top == place.bottom and place.left == place.right:
                    self._needed[place.sheet, place.left, 0, place.top].append(number)
                else:
                    self._ranges[place].append(number)
        for place, numbers in self._ranges.items():
            for stretch in self._stretches(place):
                self._needed[stretch] += numbers
        self._height = max((stretch[2] for stretch in self._needed), default=0)

    def _stretches(self, place: Area) -> Iterator[Stretch]:
        """The stretches that make up an area, in the columns that formulas fill."""
        filled = self._in_order.get(place.sheet, [])
        here = filled[bisect_left(filled, place.left) : bisect_right(filled, place.right)]
        first, last, height = place.top, place.bottom + 1, 0
        while here and first < last:
            if first & 1:
                for column in here:
                    yield place.sheet, column, height, first
                first += 1
            if last & 1:
                last -= 1
                for column in here:
                    yield place.sheet, column, height, last
            first, last, height = first >> 1, last >> 1, height + 1

    def dependents(self, sources: Iterable[Area]) -> dict[int, Area]:
        """The formulas that need some cells, directly or not, each with the cells that it needs."""
        found: dict[int, Area] = {}
        seen: set[Stretch] = set()
        fresh = list(sources)
        while fresh:
            place = fresh.pop()
            for number in self._next(place, seen):
                if number not in found:
                    found[number] = place
                    fresh.append(self.fills[number])
        return found

    def _next(self, place: Area, seen: set[Stretch]) -> Iterator[int]:
        """The formulas that need a cell of an area, unless they have been seen."""
        sheet, top, left, bottom, right = place
        columns = range(left, right + 1)
        if self._is_large(place) or not self._columns.get(sheet, set()).issuperset(columns):
            yield from self._touching(place)
            return
        for column in columns:
            for row in range(top, bottom + 1):
                for height in range(self._height + 1):
                    stretch = sheet, column, height, row >> height
                    if stretch in seen:
                        break
                    seen.add(stretch)
                    yield from self._needed.get(stretch, ())

    def _is_large(self, place: Area) -> bool:
        """Whether an area has more cells than there is to compare it with."""
        cells = (place.bottom - place.top + 1) * (place.right - place.left + 1)
        return cells * (self._height + 1) > len(self._ranges) + len(self._needed)

    def _touching(self, place: Area) -> Iterator[int]:
        """The formulas that need a cell of an area, some of them twice."""
        sheet, top, left, bottom, right = place
        for other, numbers in self._ranges.items():
            if other.touches(place):
                yield from numbers
        for (other_sheet, column, height, row), numbers in self._needed.items():
            inside = other_sheet == sheet and left <= column <= right
            if inside and height == 0 and top <= row <= bottom:
                yield from numbers

    def circles(self, starts: Iterable[int]) -> set[int]:
        """The formulas that some formulas lead to and that depend on themselves."""
        order: dict[int | Stretch, int] = {}
        lowest: dict[int | Stretch, int] = {}
        path: list[int | Stretch] = []
        on_path: set[int | Stretch] = set()
        found: set[int] = set()
        for start in starts:
            if start in order:
                continue
            work: list[tuple[int | Stretch, Iterator[int | Stretch]]] = []

            def enter(point: int | Stretch) -> None:
                order[point] = lowest[point] = len(order)
                path.append(point)
                on_path.add(point)
                work.append((point, self._arrows(point)))  # noqa: B023

            enter(start)
            while work:
                point, arrows = work[-1]
                for follower in arrows:
                    if follower not in order:
                        enter(follower)
                        break
                    if follower in on_path:
                        lowest[point] = min(lowest[point], order[follower])
                else:
                    work.pop()
                    if work:
                        above = work[-1][0]
                        lowest[above] = min(lowest[above], lowest[point])
                    if lowest[point] == order[point]:
                        together = [path.pop()]
                        while together[-1] != point:
                            together.append(path.pop())
                        on_path.difference_update(together)
                        if len(together) > 1 or self._leads_to_itself(point):
                            found.update(one for one in together if isinstance(one, int))
        return found

    def _leads_to_itself(self, point: int | Stretch) -> bool:
        """Whether a large spill fills a cell that it needs: no other point is between."""
        if not isinstance(point, int) or not self._is_large(self.fills[point]):
            return False
        return point in set(self._touching(self.fills[point]))

    def _arrows(self, point: int | Stretch) -> Iterator[int | Stretch]:
        if not isinstance(point, int):
            yield from self._needed[point]
            return
        if self._is_large(self.fills[point]):
            yield from self._touching(self.fills[point])
            return
        sheet, top, left, bottom, right = self.fills[point]
        for column in range(left, right + 1):
            for height in range(self._height + 1):
                for row in range(top >> height, (bottom >> height) + 1):
                    if (stretch := (sheet, column, height, row)) in self._needed:
                        yield stretch
