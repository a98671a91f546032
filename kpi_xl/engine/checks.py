"""Whether the cells that formulas read are of kinds that their functions are proven for.

It is looked at once all is computed, a whole column of formulas at a time.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpi_xl.engine import kinds, native
from kpi_xl.engine.calls import PLAIN_TEXT, Noticed
from kpi_xl.engine.dependents import RowsByColumn, rows_by_column
from kpi_xl.engine.patterns import Line
from kpi_xl.engine.terms import Check
from kpi_xl.locales import Message
from kpi_xl.ooxml.addresses import Area, column_letters, quoted
from kpi_xl.ooxml.package import Formula

WIDE = 64  # columns
SAME_DIGITS = 1e-14  # of a number, up to which another one may have the same 15 digits
Strange = Iterator[tuple[Formula, Message]]
"""Formulas that are not sure, each with the sentence that says why."""


TOTAL = re.compile(r"(?i)\b(SUBTOTAL|AGGREGATE)\(")
PLAIN_TOTAL = re.compile(r"(?i)\s*SUBTOTAL\([^()]*\)\s*")


class CellValues:
    """The values in the cells of the workbook, and their kinds, by column."""

    def __init__(
        self, column: Callable[[str, int], list[Any]], width: Callable[[str], int]
    ) -> None:
        """`column` tells the values of a sheet's column, `width` the last one with any."""
        self._column = column
        self._width = cache(width)
        self._values: dict[tuple[str, int], list[Any]] = {}
        self._kinds: dict[tuple[str, int], NDArray[np.int32]] = {}
        self._counts: dict[tuple[str, int, int], NDArray[np.int64]] = {}
        self._numbers: dict[tuple[str, int], NDArray[np.float64]] = {}

    def columns(self, sheet: str, left: int, right: int) -> range:
        """The columns of a range; of a wide one only as far as there are any values."""
        wide = right - left >= WIDE
        return range(left, (min(right, self._width(sheet)) if wide else right) + 1)

    def values(self, sheet: str, column: int) -> list[Any]:
        """A column's values from the first row on."""
        key = sheet, column
        if key not in self._values:
            self._values[key] = self._column(sheet, column)
        return self._values[key]

    def value(self, sheet: str, row: int, column: int) -> Any:
        """The value in a cell."""
        values = self.values(sheet, column)
        return values[row - 1] if row <= len(values) else None

    def kinds(self, sheet: str, column: int) -> NDArray[np.int32]:
        """The kinds of a column's values, with that of the blanks below at the end."""
        key = sheet, column
        if key not in self._kinds:
            found = kinds.kinds_of(self.values(sheet, column))
            self._kinds[key] = np.append(found, np.int32(kinds.BLANK))
        return self._kinds[key]

    def numbers(self, sheet: str, column: int) -> NDArray[np.float64]:
        """The numbers of a column, the smallest first."""
        key = sheet, column
        if key not in self._numbers:
            found = [cell for cell in self.values(sheet, column) if type(cell) is float]
            self._numbers[key] = np.sort(np.array(found))
        return self._numbers[key]

    def strange(self, sheet: str, column: int, allowed: int) -> NDArray[np.int64]:
        """How many cells above each row of a column are of other kinds."""
        key = sheet, column, allowed
        if key not in self._counts:
            of_others = (self.kinds(sheet, column) & ~np.int32(allowed)) != 0
            self._counts[key] = np.concatenate(([0], np.cumsum(of_others)))
        return self._counts[key]


def unproven(
    line: Line,
    cells: CellValues,
    noticed: Noticed,
    last_row: Callable[[str], int],
    totals: Callable[[], Mapping[str, RowsByColumn]],
) -> Strange:
    """The formulas of a line that read cells of other kinds than their functions are proven for."""
    if not line.formulas:
        return
    rows = np.array([formula.row for formula in line.formulas])
    for check in dict.fromkeys(line.term.checks):
        allowed, numerals = check.allowed, {check.numeral} - {""}
        if check.criterion is not None and check.criterion >= 0:
            allowed = noticed.beside[line.number, check.criterion]
            numerals = noticed.numerals[line.number, check.criterion]
        yield from _almost_alike(line, check, noticed, cells)
        if check.one_error:
            yield from _of_several_errors(line, check, cells)
        if check.order:
            yield from _unsorted(line, check, cells)
        if check.totals:
            yield from _with_totals(line, check, totals()[check.totals])
        if allowed == kinds.ALL and not numerals:
            continue
        yield from _of_other_kinds(line, rows, check, allowed, cells)
        if numerals:
            yield from _alike(line, check, numerals, cells)
    for reference in line.term.ends:
        for formula in line.formulas:
            place = line.place(reference, formula.row)
            if place.bottom > last_row(place.sheet):
                text = (
                    "it may have to count blanks below the last row, which the engine misses: end"
                    " the range at the last row"
                )
                yield formula, Message(text)


def totals_among(formulas: Iterable[Formula]) -> dict[str, RowsByColumn]:
    """The formulas with SUBTOTAL or AGGREGATE: any, and those that are not SUBTOTAL alone."""
    found = [formula for formula in formulas if TOTAL.search(formula.text)]
    odd = (formula for formula in found if not PLAIN_TOTAL.fullmatch(formula.text))
    return {"any": rows_by_column(found), "odd": rows_by_column(odd)}


def _with_totals(line: Line, check: Check, totals: RowsByColumn) -> Strange:
    """Formulas over totals of which it is not sure that they are left out."""
    sheet, _, _, _, _, left, right = line.span(check.reference)
    columns = [
        (column, rows)
        for (other, column), rows in totals.items()
        if other == sheet and left <= column <= right
    ]
    for formula in line.formulas if columns else ():
        place = line.place(check.reference, formula.row)
        for column, rows in columns:
            first = bisect_left(rows, place.top)
            if first < len(rows) and rows[first] <= place.bottom:
                cell = _cell(sheet, rows[first], column)
                text = "{function} may have to leave out {cell}, a total itself"
                yield formula, Message(text, function=check.function, cell=cell)


def _of_other_kinds(
    line: Line, rows: NDArray[np.int64], check: Check, allowed: int, cells: CellValues
) -> Strange:
    sheet, top, by_row, bottom, bottom_by_row, left, right = line.span(check.reference)
    for column in cells.columns(sheet, left, right):
        strange = cells.strange(sheet, column, allowed)
        last = len(strange) - 1  # one below the values, for the blanks there
        tops = np.minimum(top + rows * by_row, last)
        bottoms = np.minimum(bottom + rows * bottom_by_row, last)
        for index in np.flatnonzero(strange[bottoms] > strange[tops - 1]).tolist():
            found = cells.kinds(sheet, column)
            row = int(tops[index]) - 1 + _first(found[tops[index] - 1 :], allowed)
            kind = int(found[row])
            cell = _cell(sheet, max(row + 1, top + int(rows[index]) * by_row), column)
            text = "{function} reads {kinds} in {cell}, which it is not proven for here"
            if check.criterion is not None:
                text = (
                    "{function} reads {kinds} in {cell}, which it is not proven for here beside its"
                    " criterion"
                )
            fields = {"function": check.function, "kinds": kinds.names(kind), "cell": cell}
            yield line.formulas[index], Message(text, **fields)


def _without(text: str, place: int) -> str:
    return f"{text[:place]}?{text[place + 1 :]}".lower() if place < len(text) else text


def _cell(sheet: str, row: int, column: int) -> str:
    return f"{quoted(sheet)}!{column_letters(column)}{row}"


def _first(found: NDArray[np.int32], allowed: int) -> int:
    return int(np.argmax((found & ~np.int32(allowed)) != 0))


def _of_several_errors(line: Line, check: Check, cells: CellValues) -> Strange:
    """Formulas over a block with errors of several codes, of which they show one."""
    sheet, _, _, _, _, left, right = line.span(check.reference)
    columns = cells.columns(sheet, left, right)
    sound = kinds.ALL - kinds.ANY_ERROR
    wrong = [column for column in columns if cells.strange(sheet, column, sound)[-1]]
    for formula in line.formulas if wrong else ():
        place = line.place(check.reference, formula.row)
        codes: set[int] = set()
        for column in wrong:
            found = cells.kinds(sheet, column)[place.top - 1 : place.bottom]
            codes.update(np.unique(found[(found & kinds.ANY_ERROR) != 0]).tolist())
        if len(codes) > 1:
            text = "{function} shows one of several errors in {place}"
            yield formula, Message(text, function=check.function, place=place)


def _unsorted(line: Line, check: Check, cells: CellValues) -> Strange:
    """Formulas that look something up in what is not surely sorted as they take it for."""
    known: dict[Area, bool] = {}
    for formula in line.formulas:
        place = line.place(check.reference, formula.row)
        if place not in known:
            known[place] = _is_sorted(place, check.order, cells)
        if not known[place]:
            text = "{function} looks in {place}, which is not sorted as it has to be"
            yield formula, Message(text, function=check.function, place=place)


def _is_sorted(place: Area, order: int, cells: CellValues) -> bool:
    """Whether the values of an area are all numbers, or all plain texts, one after the other."""
    columns = [
        cells.values(place.sheet, column)[place.top - 1 : place.bottom]
        for column in cells.columns(place.sheet, place.left, place.right)
    ]
    tallest = max(map(len, columns))
    values = [one for column in columns for one in (*column, *[None] * (tallest - len(column)))]
    while values and values[-1] is None:
        values.pop()
    if all(type(value) is float for value in values):
        pairs = pairwise(values)
    elif all(isinstance(value, str) and PLAIN_TEXT.fullmatch(value) for value in values):
        pairs = pairwise([value.lower() for value in values])
    else:
        return False
    return all(one <= other if order > 0 else one >= other for one, other in pairs)


def _alike(line: Line, check: Check, numerals: set[str], cells: CellValues) -> Strange:
    """Formulas with a criterion that Excel may take for the same number or date as another text."""
    wanted: dict[kinds.Reading, set[str]] = {}
    for numeral in numerals:
        for reading in kinds.readings(numeral):
            wanted.setdefault(reading, set()).add(numeral)
    known: dict[Area, str] = {}
    for formula in line.formulas:
        place = line.place(check.reference, formula.row)
        if place not in known:
            known[place] = _first_alike(place, wanted, cells)
        if known[place]:
            text = "{function} may take {cells} for the same number or date"
            yield formula, Message(text, function=check.function, cells=known[place])


def _almost_alike(line: Line, check: Check, noticed: Noticed, cells: CellValues) -> Strange:
    """Formulas with a criterion that a cell may fulfil or not, by its last digits."""
    compared = set() if check.compared is None else {check.compared}
    if check.criterion is not None:
        compared = noticed.compared.get((line.number, check.criterion), compared)
    if not compared:
        return
    sheet, _, _, _, _, left, right = line.span(check.reference)
    almost = {
        (column, value): number
        for column in cells.columns(sheet, left, right)
        for number in compared
        for value in _with_its_digits(number, cells.numbers(sheet, column))
    }
    for formula in line.formulas if almost else ():
        place = line.place(check.reference, formula.row)
        for column in {column for column, _ in almost}:
            rows = cells.values(sheet, column)[place.top - 1 : place.bottom]
            for row, value in enumerate(rows, place.top):
                number = almost.get((column, value)) if type(value) is float else None
                if number is not None:
                    text = "{function} may take {cells} for the same number or date"
                    pair = f"{number!r} and {value!r} ({_cell(sheet, row, column)})"
                    yield formula, Message(text, function=check.function, cells=pair)
                    break


def _with_its_digits(number: float, numbers: NDArray[np.float64]) -> Iterator[float]:
    """The numbers, of some in order, that are another one, but have the same 15 digits."""
    ends = sorted((number * (1.0 - SAME_DIGITS), number * (1.0 + SAME_DIGITS)))
    start, end = np.searchsorted(numbers, ends).tolist()
    for other in dict.fromkeys(numbers[start:end].tolist()):
        if other != number and f"{other:.15g}" == f"{number:.15g}":
            yield other


def _first_alike(place: Area, wanted: dict[kinds.Reading, set[str]], cells: CellValues) -> str:
    """A criterion and a cell of an area that Excel may take for the same, or nothing."""
    patterns = {
        (place_of, _without(criterion, place_of)): criterion
        for criterion in set().union(*wanted.values())
        if (place_of := native.place_of_pattern(criterion)) is not None
    }
    places = {place_of for place_of, _ in patterns}
    for column in cells.columns(place.sheet, place.left, place.right):
        top = place.top - 1
        for row, text in enumerate(cells.values(place.sheet, column)[top : place.bottom], top + 1):
            for place_of in places if isinstance(text, str) else ():
                criterion = patterns.get((place_of, _without(text, place_of)), text)
                if criterion.lower() != text.lower():
                    cell = _cell(place.sheet, row, column)
                    return f'"{criterion}" and "{text}" ({cell})'
        looked = kinds.DIGITS | kinds.ODD | kinds.NUMBERS
        numerals = cells.kinds(place.sheet, column)[top : place.bottom] & looked
        values = cells.values(place.sheet, column)
        rows = {values[top + row]: top + row for row in np.flatnonzero(numerals)[::-1].tolist()}
        for value, row in rows.items():
            text = value if isinstance(value, str) else f"{value:.15g}"
            for reading in kinds.readings(text):
                for criterion in wanted.get(reading, ()):
                    if _misses(criterion, value) and kinds.may_be_alike(criterion, text):
                        cell = _cell(place.sheet, row + 1, column)
                        return f'"{criterion}" and "{text}" ({cell})'
    return ""


def _misses(criterion: str, value: str | float) -> bool:
    """Whether the engine would not find a value that is the same number as a criterion.

    Numbers it finds by a text that is plainly one.
    """
    return isinstance(value, str) or kinds.kind_of_text(criterion) == kinds.ODD
