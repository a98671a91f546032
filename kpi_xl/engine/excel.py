"""Functions of Excel that we compute ourselves, for the engine has them not, or otherwise.

Each takes what the engine hands over: numbers, texts, logical values, None for a blank, a record
for an error, and rows of these for a block. What is not known of Excel is UNSURE.
"""

import math
import re
import statistics
from calendar import isleap, monthrange
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Any
from unicodedata import normalize

import numpy as np

from kpi_xl.engine import names
from kpi_xl.engine.calls import (
    CODES,
    PLAIN_TEXT,
    REST,
    UNSURE,
    Held,
    a_number,
    as_text,
    bare,
)
from kpi_xl.serials import AFTER_LAST_DAY, FIRST_DAY, day_of

MOST_LETTERS = 32_767  # of a text in a cell
MOST_FLOWS = 120  # payments whose sign changes more than once
LEAST_FACTOR = 1e-3  # of discount a period
Values = list[Any]


class _EndError(Exception):
    """What a function comes to before its end: an error of Excel, or UNSURE."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _ending(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose _EndError is its value."""

    def call(*cells: Any) -> Any:
        try:
            return function(*cells)
        except _EndError as end:
            return end.value

    return call


def _rows(block: Any) -> list[Values]:
    return block if isinstance(block, list) else [[block]]


def _flat(*blocks: Any) -> Values:
    if len(blocks) == 1 and isinstance(blocks[0], Held):
        return blocks[0].flat
    return [cell for block in blocks for row in _rows(block) for cell in row]


def _no_errors(cells: Iterable[Any]) -> None:
    """End with the error among some cells; which of several Excel shows is not known."""
    found = [cell for cell in cells if isinstance(cell, dict)]
    if found:
        same = all(cell["kind"] == found[0]["kind"] for cell in found)
        raise _EndError(found[0] if same else UNSURE)


def _number(cell: Any, left_out: float) -> float:
    """An argument that is a number, or left out."""
    if cell == names.OMITTED:
        return left_out
    if isinstance(cell, dict):
        raise _EndError(cell)
    if not isinstance(cell, float | int):  # TRUE is one here: it says how
        raise _EndError(UNSURE)
    return float(cell)


def _whole(cell: Any, left_out: float, *known: int) -> int:
    """The same of a number that says how; any but the `known` ones is not sure."""
    number = _number(cell, left_out)
    if number not in known:
        raise _EndError(UNSURE)
    return int(number)


# Dates


def _day(cell: Any) -> int:
    """A date as the number of its day. The kinds of it have been looked at."""
    if not isinstance(cell, float | int) or not FIRST_DAY <= cell < AFTER_LAST_DAY:
        raise _EndError(UNSURE)
    return int(cell)


def _year_fraction(start: Any, end: Any, basis: Any = 0.0) -> Any:
    """YEARFRAC: the part of a year between two dates, by one of five ways to count days."""
    if type(basis) is float and not 0.0 <= basis < 5.0:
        return CODES["#NUM!"]  # whatever the dates are
    _no_errors((start, end, basis))
    first, last = sorted((_day(start), _day(end)))
    how = math.floor(_number(basis, 0.0))
    days = last - first
    if how == 1:
        return days / _year_length(day_of(first), day_of(last))
    if how in (2, 3):
        return days / (360 if how == 2 else 365)
    return _days_of_30(day_of(first), day_of(last), european=how == 4) / 360


def _is_last_of_february(day: date) -> bool:
    return day.month == 2 and day.day == monthrange(day.year, 2)[1]


def _days_of_30(first: date, last: date, *, european: bool) -> int:
    """The days between two dates in months of thirty days."""
    one, other = first.day, last.day
    if european:
        one, other = min(one, 30), min(other, 30)
    elif _is_last_of_february(first):
        if other == 31:
            raise _EndError(UNSURE)
        one, other = 30, 30 if _is_last_of_february(last) else other
    else:
        one = min(one, 30)
        other = 30 if other == 31 and one == 30 else other
    return (last.year - first.year) * 360 + (last.month - first.month) * 30 + other - one


def _year_length(first: date, last: date) -> float:
    """The days of a year between two dates: the mean of the years where they span more than one."""
    if first.year == last.year:
        return 366 if isleap(first.year) else 365
    if first.year + 1 < last.year or (first.month, first.day) < (last.month, last.day):
        years = range(first.year, last.year + 1)
        return sum(366 if isleap(year) else 365 for year in years) / len(years)
    of_first = isleap(first.year) and first.month < 3
    of_last = isleap(last.year) and (last.month, last.day) >= (2, 29)
    return 366 if of_first or of_last else 365


WEEKENDS = {
    **{1 + number: {(5 + number) % 7, (6 + number) % 7} for number in range(7)},
    **{11 + number: {(6 + number) % 7} for number in range(7)},
}
"""The days of each weekend by its number; Monday is 0."""


def _weekend(cell: Any) -> set[int]:
    """The days of the week that are no working days."""
    if cell == names.OMITTED:
        return WEEKENDS[1]
    if isinstance(cell, str):
        if not re.fullmatch("[01]{7}", cell):
            raise _EndError(CODES["#VALUE!"])
        return {day for day, sign in enumerate(cell) if sign == "1"}
    if isinstance(cell, bool) or not isinstance(cell, float | int) or cell != int(cell):
        raise _EndError(UNSURE)
    if int(cell) not in WEEKENDS:
        raise _EndError(CODES["#NUM!"])
    return WEEKENDS[int(cell)]


def _is_off(day: int, weekend: set[int]) -> bool:
    return (day + 5) % 7 in weekend


def _holidays(block: Any, weekend: set[int]) -> list[int]:
    """The days that are none of a weekend among some."""
    cells = [cell for cell in _flat(block) if cell is not None and cell != names.OMITTED]
    _no_errors(cells)
    if any(isinstance(cell, bool) for cell in cells):
        raise _EndError(UNSURE)
    return sorted({day for day in map(_day, cells) if not _is_off(day, weekend)})


def _working_days(start: Any, end: Any, weekend: Any, holidays: Any = None) -> Any:
    """NETWORKDAYS.INTL: the working days from one date to another, both of them counted."""
    _no_errors((start, end, weekend))
    off = _weekend(weekend)
    first, last = sorted((_day(start), _day(end)))
    weeks, rest = divmod(last - first + 1, 7)
    count = weeks * (7 - len(off)) + sum(
        not _is_off(day, off) for day in range(last - rest + 1, last + 1)
    )
    count -= sum(first <= day <= last for day in _holidays(holidays, off))
    return float(count if start <= end else -count)


def _working_day(start: Any, days: Any, weekend: Any, holidays: Any = None) -> Any:
    """WORKDAY.INTL: the date so many working days after another, or before it."""
    _no_errors((start, days, weekend))
    off = _weekend(weekend)
    if len(off) == 7:
        return CODES["#VALUE!"]
    first, wanted = _day(start), math.trunc(_number(0.0 if days is None else days, 0.0))
    if abs(wanted) > AFTER_LAST_DAY:
        return CODES["#NUM!"]
    free = _holidays(holidays, off)
    step, steps = (1 if wanted > 0 else -1), abs(wanted)
    while True:
        end = _after(first, steps, step, off)
        among = sum(min(first, end) <= day <= max(first, end) and day != first for day in free)
        if steps == abs(wanted) + among:
            break
        steps = abs(wanted) + among
    if end >= AFTER_LAST_DAY:
        return CODES["#NUM!"]
    return float(end) if end >= FIRST_DAY else UNSURE


def _after(first: int, steps: int, step: int, off: set[int]) -> int:
    """The day so many days that are none of a weekend from another."""
    weeks = max(steps - 1, 0) // (7 - len(off))
    day, left = first + step * 7 * weeks, steps - weeks * (7 - len(off))
    while left:
        day += step
        left -= not _is_off(day, off)
    return day


# Texts


def _text_of(cells: Iterable[Any]) -> list[str]:
    texts = [as_text(cell) for cell in cells]
    _no_errors(texts)
    return texts


def _short(text: str) -> Any:
    return text if len(text) <= MOST_LETTERS else CODES["#VALUE!"]


def _joined(delimiter: Any, without_blanks: Any, *blocks: Any) -> Any:
    """TEXTJOIN: texts, row by row, with another between them."""
    _no_errors((delimiter, without_blanks))
    texts = _text_of(_flat(*blocks))
    if _number(without_blanks, 1.0):
        texts = [text for text in texts if text]
    return _short(str(delimiter).join(texts))


def _concat(*blocks: Any) -> Any:
    """CONCAT: texts, row by row, without anything between them."""
    return _short("".join(_text_of(_flat(*blocks))))


def _searched(wanted: Any, text: Any, start: Any = 1.0) -> Any:
    """SEARCH: where a text with * and ? stands in another, whatever the capitals."""
    _no_errors((wanted, text, start))
    first, low = math.trunc(_number(start, 1.0)), text.lower()
    if len(low) != len(text) or (not wanted and first > len(text)):
        return UNSURE
    if not 1 <= first <= len(text):
        return CODES["#VALUE!"]
    pattern = _pattern(wanted.lower())
    # An asterisk at the start begins anywhere: what is not found from there is nowhere.
    look = pattern.match if wanted.startswith("*") else pattern.search
    found = look(low, first - 1)
    return found.start() + 1.0 if found else CODES["#VALUE!"]


def _replaced(text: Any, start: Any, count: Any, other: Any) -> Any:
    """REPLACE: a text with some of its letters replaced."""
    _no_errors((text, start, count, other))
    first, letters = math.trunc(_number(start, 1.0)), math.trunc(_number(count, 0.0))
    if first < 1 or letters < 0:
        return CODES["#VALUE!"]
    return _short(text[: first - 1] + other + text[first - 1 + letters :])


def _value(cell: Any) -> Any:
    """VALUE: the number that a text is. The kinds of it have been looked at."""
    return CODES["#VALUE!"] if isinstance(cell, bool) else a_number(cell)


# Multiples


def _multiple(number: Any, step: Any, *, up: bool) -> Any:
    """CEILING or FLOOR: the multiple of a step next to a number."""
    given, size = a_number(number), a_number(step)
    _no_errors((given, size))
    if given == 0.0 or size == 0.0:
        return 0.0 if up or given == 0.0 else CODES["#DIV/0!"]
    if given > 0.0 > size:
        return CODES["#NUM!"]
    steps = given / size
    if not math.isfinite(steps):
        return UNSURE
    nearest = float(round(steps))
    if steps != nearest and float(f"{steps:.15g}") != nearest:
        if abs(steps - nearest) < 1e-10 * max(1.0, abs(steps)):
            return UNSURE  # where Excel rounds first is not known
        nearest = float(math.ceil(steps) if up else math.floor(steps))
    return nearest * size + 0.0


# Money


def _internal_rate(block: Any, guess: Any = 0.1) -> Any:
    """IRR, where there is but one rate: texts, blanks and logical values are left out.

    Of two or more the one that Excel finds is not known; nor is which ones it does not find.
    """
    cells = _flat(block)
    _no_errors((guess,))
    flows = [cell for cell in cells if type(cell) is float]
    if all(flow >= 0.0 for flow in flows) or all(flow <= 0.0 for flow in flows):
        return CODES["#NUM!"]
    factor = _only_factor(flows)
    rate = 1.0 / factor - 1.0
    first = _number(0.1 if guess is None else guess, 0.1)
    if not any(_finds(flows, first, rate, by_factor=by_factor) for by_factor in (True, False)):
        return UNSURE
    return rate


def _worth(flows: Sequence[float], factor: float) -> tuple[float, float]:
    """What payments are worth at a factor of discount a period, and its slope."""
    worth = slope = 0.0
    for flow in reversed(flows):
        slope = slope * factor + worth
        worth = worth * factor + flow
    return worth, slope


def _only_factor(flows: list[float]) -> float:
    """The only factor at which payments are worth nothing; ends as not sure if it is not."""
    signs = [flow > 0.0 for flow in flows if flow]
    low = high = 1.0
    if sum(one != other for one, other in pairwise(signs)) == 1:  # then there is but one
        while (_worth(flows, low)[0] > 0.0) != signs[0] and low > LEAST_FACTOR:
            low /= 2.0
        while (_worth(flows, high)[0] > 0.0) == signs[0] and high < 1.0 / LEAST_FACTOR:
            high *= 2.0
    elif len(flows) > MOST_FLOWS:
        raise _EndError(UNSURE)
    else:
        roots = [root for root in np.roots(flows[::-1]).tolist() if root.real > 0.0]
        near = [root.real for root in roots if abs(root.imag) <= 1e-3 * abs(root)]
        if len(near) != 1:
            raise _EndError(UNSURE)
        low, high = near[0] * (1.0 - 1e-4), near[0] * (1.0 + 1e-4)
    below = _worth(flows, low)[0] > 0.0
    if below == (_worth(flows, high)[0] > 0.0):
        raise _EndError(UNSURE)
    while low < (middle := (low + high) / 2.0) < high:
        if (_worth(flows, middle)[0] > 0.0) == below:
            low = middle
        else:
            high = middle
    return min(low, high, key=lambda factor: abs(_worth(flows, factor)[0]))


def _finds(flows: list[float], rate: float, wanted: float, *, by_factor: bool) -> bool:
    """Whether a rate is found in 20 steps along the slope, as Microsoft says of IRR."""
    for _ in range(20):
        if rate <= -1.0:
            return False
        factor = 1.0 / (1.0 + rate)
        worth, slope = _worth(flows, factor)
        if abs(rate - wanted) <= 1e-7:
            return True
        if slope == 0.0 or not math.isfinite(worth) or not math.isfinite(slope):
            return False
        if by_factor:
            factor -= worth / slope
            rate = 1.0 / factor - 1.0 if factor > 0.0 else -1.0
        else:
            rate += worth / (slope * factor * factor)
    return False


# Lines


def _trend(known: Any, places: Any, wanted: Any) -> Any:
    """TREND along one line: by the least squares of one column, or row, beside another."""
    blocks = _rows(known), _rows(places)
    shapes = {(len(rows), len(rows[0])) for rows in blocks}
    values, given = map(_flat, blocks)
    if any(type(cell) is not float for cell in (*values, *given)):
        return UNSURE  # the kinds are looked at only once all is computed
    if len(shapes) > 1 or 1 not in shapes.pop() or len(values) < 2 or len(set(given)) < 2:
        return UNSURE
    middle, level = math.fsum(given) / len(given), math.fsum(values) / len(values)
    slope = math.fsum(
        (x - middle) * (y - level) for x, y in zip(given, values, strict=True)
    ) / math.fsum((x - middle) ** 2 for x in given)
    size = max(map(abs, values))

    def at(cell: Any) -> Any:
        if type(cell) is not float:
            return cell if isinstance(cell, dict) else UNSURE
        found = level + slope * (cell - middle)
        # Where the line is next to 0 Excel has a rest of its own.
        return UNSURE if abs(found) < REST * size else found

    block = [list(map(at, row)) for row in _rows(wanted)]
    return block if isinstance(wanted, list) else block[0][0]


# Blocks


def _turned(rows: list[Values], by_column: Any) -> list[Values]:
    """Rows, or columns where those are asked for."""
    return [list(row) for row in zip(*rows, strict=True)] if _number(by_column, 0.0) else rows


def _shown(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function where its block is what a formula shows: a blank is 0 there."""

    def call(*cells: Any) -> Any:
        block = function(*cells)
        if not isinstance(block, list):
            return block
        return [[0.0 if cell is None else cell for cell in row] for row in block]

    return call


def _within(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function within another one: what a blank of its block is there is not known."""

    def call(*cells: Any) -> Any:
        block = function(*cells)
        blanks = isinstance(block, list) and any(None in row for row in block)
        return UNSURE if blanks else block

    return call


def _unique(block: Any, by_column: Any = 0.0, once: Any = 0.0) -> Any:
    """UNIQUE: each row once, or those that are there once; texts of other capitals are the same."""
    rows = _turned(_rows(block), by_column)
    cells = _flat(rows)
    if any(isinstance(cell, dict) for cell in cells) or _look_alike(cells):
        return UNSURE
    keys = [tuple((type(cell), _folded(cell)) for cell in row) for row in rows]
    counts = Counter(keys)
    wanted = [key for key in counts if counts[key] == 1 or not _number(once, 0.0)]
    if not wanted:
        return CODES["#CALC!"]
    first = dict(zip(reversed(keys), reversed(rows), strict=True))
    return _turned([first[key] for key in wanted], by_column)


def _folded(cell: Any) -> Any:
    return cell.lower() if isinstance(cell, str) else cell


def _look_alike(cells: Values) -> bool:
    """Whether Excel may take some cells for the same that are not, or tell a blank from 0."""
    if any(cell is None for cell in cells) and any(
        cell == "" or (type(cell) is float and cell == 0.0) for cell in cells
    ):
        return True
    numbers = {cell for cell in cells if type(cell) is float}
    if len({f"{number:.15g}" for number in numbers}) < len(numbers):
        return True
    texts = {cell.lower() for cell in cells if isinstance(cell, str)}
    return any(not text.isascii() and _is_odd(text) for text in texts)


def _is_odd(text: str) -> bool:
    """Whether a text has signs that no one writes, or that Excel may take for others."""
    return text != text.casefold() or text != normalize("NFKC", text) or not text.isprintable()


def _keys(cells: Values) -> Values:
    """What cells are sorted by: numbers alone, or plain texts alone."""
    if all(type(cell) is float for cell in cells):
        return cells
    if all(isinstance(cell, str) and cell and PLAIN_TEXT.fullmatch(cell) for cell in cells):
        return [cell.lower() for cell in cells]
    raise _EndError(UNSURE)


def _in_order(rows: list[Values], orders: Sequence[tuple[Values, int]]) -> list[Values]:
    """Rows by keys, the first of which counts most; what is alike stays as it was."""
    places = list(range(len(rows)))
    for cells, order in reversed(orders):
        keys = _keys(cells)
        places.sort(key=keys.__getitem__, reverse=order < 0)
    return [rows[place] for place in places]


def _sorted(block: Any, index: Any = 1.0, order: Any = 1.0, by_column: Any = 0.0) -> Any:
    """SORT: rows by one of their columns."""
    rows = _turned(_rows(block), by_column)
    number = _number(index, 1.0)
    if not 1 <= number < len(rows[0]) + 1:
        return CODES["#VALUE!"]
    cells = [row[int(number) - 1] for row in rows]
    return _turned(_in_order(rows, [(cells, _whole(order, 1.0, 1, -1))]), by_column)


def _sorted_by(block: Any, *keys: Any) -> Any:
    """SORTBY: rows, or columns, by other cells of as many."""
    rows = _rows(block)
    orders = []
    by_column = (len(_rows(keys[0])) == 1 and len(rows) > 1) or len(rows) == 1
    rows = _turned(rows, by_column)
    for place in range(0, len(keys), 2):
        cells = _rows(keys[place])
        if 1 not in (len(cells), len(cells[0])) or len(_flat(cells)) != len(rows):
            return UNSURE
        order = keys[place + 1] if place + 1 < len(keys) else 1.0
        orders.append((_flat(cells), _whole(order, 1.0, 1, -1)))
    return _turned(_in_order(rows, orders), by_column)


# Looking something up


def _place(value: Any, block: Any, match: Any = 0.0, search: Any = 1.0) -> int | None:
    """Where XMATCH finds a value, counted from 0, or None."""
    _no_errors((value, match, search))
    rows = _rows(block)
    if min(len(rows), len(rows[0])) > 1:
        raise _EndError(CODES["#VALUE!"])
    cells = _flat(rows)
    how, way = _whole(match, 0.0, 0, 1, -1, 2), _whole(search, 1.0, 1, -1, 2, -2)
    if value is None or (abs(way) == 2 and (how == 2 or not _is_strict(cells, way))):
        raise _EndError(UNSURE)
    if isinstance(block, Held) and how != 2:
        found = _held_at(value, block)
    else:
        found = _matches(value, cells, wild=how == 2)
    if found:
        return found[-1 if way == -1 else 0]
    return _next(value, cells, how, way) if how in (1, -1) else None


def _matches(value: Any, cells: Values, *, wild: bool) -> list[int]:
    """The places of the cells that are a value."""
    if not isinstance(value, str):
        if wild:
            raise _EndError(UNSURE)
        found = [n for n, cell in enumerate(cells) if type(cell) is type(value) and cell == value]
        if type(value) is float and not found:
            digits = f"{value:.15g}"
            if any(type(cell) is float and f"{cell:.15g}" == digits for cell in cells):
                raise _EndError(UNSURE)
        return found
    texts = [(n, cell.lower()) for n, cell in enumerate(cells) if isinstance(cell, str)]
    if not wild:
        _refuse_lookalikes(value, {text for _, text in texts})
        return [n for n, text in texts if text == value.lower()]
    pattern = _pattern(value.lower())
    return [n for n, text in texts if pattern.fullmatch(text)]


def _refuse_lookalikes(value: str, texts: Iterable[str]) -> None:
    """End as not sure where Excel may find another text, too: it does ss for ß."""
    wanted = value.lower()
    others = (t for t in texts if t != wanted and not (t.isascii() and wanted.isascii()))
    if any(bare(text) == bare(wanted) for text in others):
        raise _EndError(UNSURE)


def _held_at(value: Any, held: Held) -> list[int]:
    """The same of a range that is held."""
    key = (str, value.lower()) if isinstance(value, str) else (type(value), value)
    if isinstance(value, str):
        _refuse_lookalikes(value, held.bare.get(bare(value.lower()), ()))
    found = held.places.get(key, [])
    if type(value) is float and not found and f"{value:.15g}" in held.digits:
        raise _EndError(UNSURE)
    return found


def _pattern(text: str) -> re.Pattern[str]:
    """A text with * and ? as Excel reads it; a tilde takes their meaning away."""
    parts = re.findall(r"~[*?~]|[\s\S]", text)
    if "~" in parts:
        raise _EndError(UNSURE)
    pieces = [""]
    for part in parts:
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += "." if part == "?" else re.escape(part[-1])
    # What stands between asterisks is taken where it comes first, for good: nothing is tried twice.
    first, *between = pieces
    last = [f".*{between.pop()}"] if between else []
    return re.compile("".join([first, *(f"(?>.*?{one})" for one in between), *last]), re.DOTALL)


def _next(value: Any, cells: Values, how: int, way: int) -> int | None:
    """The place of the next smaller value (-1) or the next larger one (1)."""
    texts = isinstance(value, str)
    if isinstance(value, bool):
        raise _EndError(UNSURE)
    kept = [(c, n) for n, c in enumerate(cells) if (isinstance(c, str) if texts else _is_number(c))]
    keys = _keys([value if texts else float(value), *(cell for cell, _ in kept)])
    beyond = [
        (key, place)
        for key, (_, place) in zip(keys[1:], kept, strict=True)
        if (key > keys[0] if how > 0 else key < keys[0])
    ]
    if not beyond:
        if len(kept) < sum(cell is not None for cell in cells):
            raise _EndError(UNSURE)  # a text comes after any number, TRUE and FALSE after any text
        return None
    nearest = (min if how > 0 else max)(key for key, _ in beyond)
    return [place for key, place in beyond if key == nearest][-1 if way == -1 else 0]


def _is_number(cell: Any) -> bool:
    return type(cell) is float


def _is_strict(cells: Values, way: int) -> bool:
    """Whether cells are in an order in which halving finds what going through them finds."""
    keys = _keys(cells)
    return all(one < other if way > 0 else one > other for one, other in pairwise(keys))


def _matched(*cells: Any) -> Any:
    """XMATCH."""
    place = _place(*cells)
    return CODES["#N/A"] if place is None else place + 1.0


def _looked_up(value: Any, block: Any, results: Any, other: Any = names.OMITTED, *how: Any) -> Any:
    """XLOOKUP between single rows or columns."""
    place = _place(value, block, *how)
    if place is None:
        return CODES["#N/A"] if other == names.OMITTED else other
    found = _flat(results)
    shown = found[place] if place < len(found) else None
    return UNSURE if shown is None else shown  # a blank is 0 or no text, by what is done with it


# Aggregates


def _aggregate(code: Any, option: Any, *given: Any) -> Any:
    """AGGREGATE; which cells are hidden, and where it is not sure, has been looked at."""
    name, blocks = int(code), given
    k = 0.0
    if name >= 14:
        blocks, k = given[:1], _number(given[1], 0.0)
    cells = _flat(*blocks)
    if int(option) in (0, 1, 4, 5):
        if name in (2, 3) and any(isinstance(cell, dict) for cell in cells):
            return UNSURE  # they may count beside the errors, or count them
        _no_errors(cells)
    if name == 3:
        return float(sum(cell is not None and not isinstance(cell, dict) for cell in cells))
    numbers = [cell for cell in cells if type(cell) is float]
    if name < 14:
        return AGGREGATES[name](numbers)
    if len(numbers) < sum(cell is not None and not isinstance(cell, dict) for cell in cells):
        return UNSURE
    return _ranked(name, sorted(numbers), k)


def _ranked(name: int, numbers: list[float], k: float) -> Any:
    """LARGE, SMALL, and the percentiles and quartiles, with or without the ends."""
    count = len(numbers)
    if name in (14, 15):
        if k != int(k):
            return UNSURE
        inside = 1 <= k <= count
        return numbers[int(-k if name == 14 else k - 1)] if inside else CODES["#NUM!"]
    if name in (17, 19):
        if k != int(k):
            return UNSURE
        k /= 4
    inclusive = name in (16, 17)
    place = k * (count - 1) if inclusive else k * (count + 1) - 1
    if not count or not 0 <= k <= 1 or not 0 <= place <= count - 1:
        return CODES["#NUM!"]
    low = int(place)
    high = min(low + 1, count - 1)
    return numbers[low] + (place - low) * (numbers[high] - numbers[low])


def _of(function: Callable[[list[float]], float], least: int, code: str) -> Callable[..., Any]:
    """A function of numbers that gives an error for fewer than so many."""
    return lambda numbers: function(numbers) if len(numbers) >= least else CODES[code]


def _mode(numbers: list[float]) -> Any:
    (first, often), (_, next_often) = [*Counter(numbers).most_common(2), (0.0, 0), (0.0, 0)][:2]
    if often < 2:
        return CODES["#N/A"]
    return UNSURE if next_often == often else first  # in a block it is not sure which is first


AGGREGATES: dict[int, Callable[[list[float]], Any]] = {
    1: _of(lambda numbers: math.fsum(numbers) / len(numbers), 1, "#DIV/0!"),
    2: lambda numbers: float(len(numbers)),
    4: lambda numbers: max(numbers, default=0.0),
    5: lambda numbers: min(numbers, default=0.0),
    6: lambda numbers: math.prod(numbers) if numbers else 0.0,
    7: _of(statistics.stdev, 2, "#DIV/0!"),
    8: _of(statistics.pstdev, 1, "#DIV/0!"),
    9: math.fsum,
    10: _of(statistics.variance, 2, "#DIV/0!"),
    11: _of(statistics.pvariance, 1, "#DIV/0!"),
    12: _of(statistics.median, 1, "#NUM!"),
    13: _mode,
}
"""What AGGREGATE comes to by its number, but for those with a second argument."""

BLOCKS: dict[str, Callable[..., Any]] = {
    "UNIQUE": _unique,
    "SORT": _sorted,
    "SORTBY": _sorted_by,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "YEARFRAC": _year_fraction,
    "NETWORKDAYS": lambda start, end, *free: _working_days(start, end, 1.0, *free),
    "NETWORKDAYS.INTL": lambda start, end, off=1.0, *free: _working_days(start, end, off, *free),
    "WORKDAY": lambda start, days, *free: _working_day(start, days, 1.0, *free),
    "WORKDAY.INTL": lambda start, days, off=1.0, *free: _working_day(start, days, off, *free),
    "TEXTJOIN": _joined,
    "CONCAT": _concat,
    "SEARCH": _searched,
    "REPLACE": _replaced,
    "VALUE": _value,
    "IRR": _internal_rate,
    "TREND": _trend,
    "CEILING": lambda number, step: _multiple(number, step, up=True),
    "FLOOR": lambda number, step: _multiple(number, step, up=False),
    **{name: _within(function) for name, function in BLOCKS.items()},
    **{f"{name}.SHOWN": _shown(function) for name, function in BLOCKS.items()},
    "XMATCH": _matched,
    "XLOOKUP": _looked_up,
    "AGGREGATE": _aggregate,
}

COMPUTED = {name: _ending(function) for name, function in FUNCTIONS.items()}
"""By their names in Excel; the engine knows them with a prefix (names.OURS)."""
