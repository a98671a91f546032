"""What the engine calls: the KPI functions, and our own for what it does otherwise than Excel."""

import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any
from unicodedata import category, normalize

from kpi_xl.cells import Cell, Flat, evaluate
from kpi_xl.engine import kinds, names, native
from kpi_xl.engine.kinds import CODES_OF
from kpi_xl.errors import CellError
from kpi_xl.locales import Message
from kpi_xl.registry import Argument, Metric
from kpi_xl.serials import AFTER_LAST_DAY, DAY_0, FIRST_DAY

CODES = {code: {"type": "Error", "kind": kind} for kind, code in CODES_OF.items()}
UNSURE = {"type": "Error", "kind": "NImpl"}
"""What the engine shows for a cell that it cannot compute surely: not an error of Excel."""

LATER = dict(UNSURE)
"""What a block too large for the engine shows until it is written out: not a doubt."""

FIRST_YEAR, LAST_YEAR = 1901, 9998
NOTHING = "\ue000nothing"
"""A criterion that no cell fulfils."""

NO_CASE = "\u0131\u017f"
"""The Turkish i without a dot and the long s, whose capitals belong to other letters."""

WHOLE_END = "\ue000end of a whole column"
HANDLE = "\ue000held "
MOST_IN_MOD = 2.0**27
"""The quotient from which on MOD is #NUM! in some versions of Excel."""
HALVED = 1.0 / 1024
"""What the divisor of MOD is a multiple of, so that nothing is rounded."""
PLAIN_TEXT = re.compile(r"[A-Za-z0-9 ]*")
DIGIT = re.compile(r"[0-9]")
REST = 1e-12  # of a number, up to which another one may be the same but for how it is reckoned


class Noticed:
    """What our functions noticed while the engine ran: KPI errors, doubts, kinds of criteria."""

    def __init__(self) -> None:
        self.problems: list[CellError] = []
        self.answered: set[str] = set()
        """The KPI functions that gave any cell that is no error."""
        self.doubts: dict[tuple[int, int], Message] = {}
        """The formulas, each by the number of its line and its row, that are not sure, and why."""
        self.beside: defaultdict[tuple[int, int], int] = defaultdict(lambda: kinds.ALL)
        """The kinds that may be in a range beside a criterion, by its line and its number."""
        self.numerals: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        """The criteria that read as numbers or dates, which no other text there may be, too."""
        self.compared: defaultdict[tuple[int, int], set[float]] = defaultdict(set)
        """The numbers that criteria compare with, which others may be but for their last digits."""

    def located(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that may not be sure, told where it is called from."""
        sentence = UNSURE_OF.get(name, Message("the engine is not sure of a value in it"))
        if name.startswith(names.OURS):
            text = "{name} is not proven here for these values"
            sentence = Message(text, name=name.removeprefix(names.OURS))

        def call(*cells: Any) -> Any:
            *given, row, line = cells
            result = function(*given)
            if result is UNSURE or (isinstance(result, list) and _has_unsure(result)):
                self.doubt(line, row, sentence)
            return result

        return call

    def doubt(self, line: float, row: float, sentence: Message) -> None:
        """Note that a formula is not sure."""
        self.doubts.setdefault((int(line), int(row)), sentence)

    def guard(self, cell: Any, allowed: float, called: float, row: float, line: float) -> Any:
        """A value on its way into a function, unless it is of a kind not proven there."""
        cells = chain.from_iterable(cell) if isinstance(cell, list) else (cell,)
        strange = kinds.kinds_in(cells) & ~int(allowed)
        if not strange:
            return cell
        text, name = "{what} is not proven here for {kinds}", native.CALLED[int(called)]
        self.doubt(line, row, Message(text, what=name, kinds=kinds.names(strange)))
        return UNSURE

    def doubted(self, called: float, row: float, line: float) -> Any:
        """What takes the place of an error on its way into a function that is not proven for it."""
        text, name = "{what} is not proven here for {kinds}", native.CALLED[int(called)]
        self.doubt(line, row, Message(text, what=name, kinds=Message("an error")))
        return UNSURE

    def criterion(self, cell: Any, number: float, called: float, row: float, line: float) -> Any:
        """A criterion on its way into a function."""
        place = int(line), int(number)
        allowed, numeral = native.beside_criterion(cell)
        if not allowed:
            quoted = isinstance(cell, str) and '"' in cell
            mark = Message("a quotation mark")
            kind = mark if quoted else kinds.names(kinds.kind_of(cell))
            text, name = (
                "{what} is not proven here for a criterion: {kind}",
                native.CALLED[int(called)],
            )
            self.doubt(line, row, Message(text, what=name, kind=kind))
            return UNSURE
        self.beside[place] &= allowed
        if numeral:
            self.numerals[place].add(numeral)
        if (number_compared := native.number_compared(cell)) is not None:
            self.compared[place].add(number_compared)
        if cell in native.BARE:
            return NOTHING
        return cell + 0.0 if type(cell) is float else native.as_pattern(cell)


def _has_unsure(block: list[list[Any]]) -> bool:
    """Whether somewhere in a block the engine is not sure."""
    if dict not in set(map(type, chain.from_iterable(block))):
        return False
    return any(cell is UNSURE for cell in chain.from_iterable(block))


class Held(list[list[Any]]):
    """A range that is handed to several calls, with what they make of it."""

    @cached_property
    def flat(self) -> list[Any]:
        """Its cells, row by row."""
        return list(chain.from_iterable(self))

    @cached_property
    def types(self) -> list[type]:
        """Their types: TRUE is 1 for Python."""
        return list(map(type, self.flat))

    @cached_property
    def compared(self) -> list[list[Any]]:
        """Its cells as Excel compares them."""
        return list(_compared_cells([*self]))

    @cached_property
    def texts(self) -> list[list[Any]]:
        """Its cells as Excel writes them into texts."""
        rows: list[list[Any]] = _each(as_text, str)([*self])
        return rows

    @cached_property
    def words(self) -> list[list[Any]]:
        """Its cells as Excel compares their texts without spaces around them."""
        rows: list[list[Any]] = _compared_cells(_each(_trimmed)(self.texts))
        return rows

    @cached_property
    def given(self) -> Any:
        """Its cells as `cells` reads them."""
        return _given([*self])

    @cached_property
    def column(self) -> Flat | None:
        """The same read for all functions that take columns; None of what is no column."""
        if dict in self.types or len(self.flat) != len(self):
            return None
        return Flat(self.flat, set(self.types), 1, {})

    @cached_property
    def places(self) -> dict[tuple[type, Any], list[int]]:
        """Where each value is, whatever the capitals of texts."""
        found: defaultdict[tuple[type, Any], list[int]] = defaultdict(list)
        for place, cell in enumerate(self.flat):
            if isinstance(cell, str):
                found[str, cell.lower()].append(place)
            elif not isinstance(cell, dict):
                found[type(cell), cell].append(place)
        return dict(found)

    @cached_property
    def bare(self) -> dict[str, set[str]]:
        """Its texts by what some rules of comparing leave of them."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for kind, text in self.places:
            if kind is str:
                found[bare(text)].add(text)
        return found

    @cached_property
    def digits(self) -> set[str]:
        """Its numbers as Excel shows them."""
        return {f"{cell:.15g}" for cell in self.flat if type(cell) is float}


class Ranges(dict[str, Held]):
    """The ranges that are held, by the names under which they are handed over."""

    def __init__(self) -> None:
        super().__init__()
        self._latest: dict[int, Held] = {}
        self.changed: set[int] = set()
        """The numbers of those that have come to hold other cells."""

    def hold(self, number: float, block: Any) -> str:
        """A new name for a range, so that the formulas over it are computed anew."""
        held, known = Held(block if isinstance(block, list) else [[block]]), int(number)
        before = self._latest.get(known)
        if before is not None and before == held and before.types == held.types:
            held = before
        elif before is not None:
            self.changed.add(known)
        self._latest[known] = held
        name = f"{HANDLE}{len(self)}"
        self[name] = held
        return name

    def clear(self) -> None:
        """Let all of them go."""
        super().clear()
        self._latest.clear()

    def forget(self, numbers: Iterable[int]) -> None:
        """Take what some come to hold next for no change."""
        for number in numbers:
            self._latest.pop(number, None)

    def taking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that may be handed ranges by their names."""

        def call(*cells: Any) -> Any:
            return function(*(self.get(c, c) if type(c) is str else c for c in cells))

        return call


def metric_call(metric: Metric, noticed: Noticed) -> Callable[..., Any]:
    """A KPI function as the engine calls it; its errors are noticed."""
    takes_columns, most = metric.arrays and metric.result != "shape", len(metric.arguments)

    def call(*cells: Any) -> Any:
        read = [_given(cell) for cell in cells]
        given = _of_one_length(read)
        if UNSURE in given:
            return UNSURE
        if takes_columns and given is read:
            given = [*map(_as_column, metric.arguments, cells, read), *read[most:]]
        result = evaluate(metric, given)
        if type(result) is float:
            noticed.answered.add(metric.name)
            return result
        if isinstance(result, list):
            if CellError in set(map(type, chain.from_iterable(result))):
                return [[_taken(cell, metric, noticed) for cell in row] for row in result]
            noticed.answered.add(metric.name)
            return result
        return _taken(result, metric, noticed)

    return call


def _given(cell: Any) -> Any:
    """An engine's argument as `cells` reads it, or UNSURE for an error that Excel does not have."""
    if isinstance(cell, Held):
        return cell.given
    if isinstance(cell, dict):
        return CODES_OF.get(cell["kind"], UNSURE)
    if isinstance(cell, list) and dict in set(map(type, chain.from_iterable(cell))):
        rows = [[_given(c) for c in row] for row in cell]
        return UNSURE if any(c is UNSURE for row in rows for c in row) else rows
    return None if cell == names.OMITTED else cell


def _as_column(argument: Argument, cell: Any, given: Any) -> Any:
    """An argument as a column that is read once, if it is a range that is held."""
    column = cell.column if isinstance(cell, Held) and argument.arg.column else None
    return given if column is None else column


def _whole(block: Any) -> Any:
    """A whole column, marked as one: the engine gives it as far down as it is filled."""
    rows = block if isinstance(block, list) else [[block]]
    return [*rows, [WHOLE_END] * (len(rows[0]) if rows else 1)]


def _of_one_length(given: list[Any]) -> list[Any]:
    """Whole columns at the length of the longest: in Excel they are all of one length."""
    whole = [isinstance(block, list) and block[-1][0] == WHOLE_END for block in given]
    if not any(whole):
        return given
    blocks = [block[:-1] if marked else block for block, marked in zip(given, whole, strict=True)]
    longest = max(len(block) for block, marked in zip(blocks, whole, strict=True) if marked)
    others = [
        len(b)
        for b, marked in zip(blocks, whole, strict=True)
        if not marked and isinstance(b, list)
    ]
    if longest in others:  # which are shorter than a whole column, however far that is filled
        longest += 1
    return [
        block + [[None] * len(block[0])] * (longest - len(block)) if marked and block else block
        for block, marked in zip(blocks, whole, strict=True)
    ]


def _taken(cell: Cell, metric: Metric, noticed: Noticed) -> Any:
    if isinstance(cell, CellError):
        said = {"name": metric.name, "sentence": cell}
        noticed.problems.append(CellError(str(cell), "{name}: {sentence}", said))
        return CODES.get(cell, UNSURE)
    noticed.answered.add(metric.name)
    return cell


def _each(function: Callable[[Any], Any], *kept: type) -> Callable[[Any], Any]:
    """A function of one cell, also over a block; errors pass through it, and so do `kept` types."""
    same = {dict, *kept}

    def lifted(cell: Any) -> Any:
        if isinstance(cell, list):
            return [[c if type(c) in same else function(c) for c in row] for row in cell]
        return cell if type(cell) in same else function(cell)

    return lifted


def _compared(cell: Any) -> Any:
    """A cell as Excel compares it: 15 digits, and no difference between É and é."""
    if isinstance(cell, str):
        return cell.lower()
    if not isinstance(cell, float) or (cell.is_integer() and abs(cell) < 1e15):
        return cell
    return float(f"{cell:.15g}")


def _compared_cells(cells: Any) -> Any:
    """The same of a cell or a block; errors stay."""
    if isinstance(cells, Held):
        return cells.compared
    if not isinstance(cells, list):
        return cells if isinstance(cells, dict) else _compared(cells)
    plain = type(None), bool, dict
    if cells and len(cells[0]) == 1:
        return [row if type(row[0]) in plain else [_compared(row[0])] for row in cells]
    return [[c if type(c) in plain else _compared(c) for c in row] for row in cells]


def _texts(cells: Any) -> Any:
    """A cell or a block as Excel writes it into text."""
    return cells.texts if isinstance(cells, Held) else _each(as_text, str)(cells)


def _compared_words(cells: Any) -> Any:
    """The same without spaces around texts; of a column that was not handed over, too."""
    return (cells if isinstance(cells, Held) else Held(cells)).words


def _same(cell: Any, other: Any) -> Any:
    """A cell as Excel compares it with another; not sure of texts that only some rules call equal.

    Such are ß and ss, or an accent that is a letter of its own.
    """
    if type(cell) is float and type(other) is float and _may_be_equal(cell, other):
        return UNSURE
    if not isinstance(cell, str) or not isinstance(other, str) or cell == other:
        return _compared(cell)
    if cell.isascii() and other.isascii():
        return _compared(cell)
    alike = len(cell) == len(other) and all(
        a == b or (a.swapcase() == b and b.swapcase() == a)
        for a, b in zip(cell, other, strict=True)
    )
    if alike != (cell.lower() == other.lower()) or (not alike and bare(cell) == bare(other)):
        return UNSURE
    return _compared(cell)


def _may_be_equal(one: float, other: float) -> bool:
    """Whether two numbers differ by what one program reckons otherwise than another.

    Where a formula asks whether FV comes to 2581.40337406012, Excel's own rest decides.
    """
    if one == other or abs(one - other) > REST * abs(one):
        return False
    return _compared(one) != _compared(other) and not (one.is_integer() and other.is_integer())


@lru_cache(maxsize=2**12)
def bare(text: str) -> str:
    """A text without what some rules of comparing leave out: forms, capitals, format signs."""
    signs = (sign for sign in normalize("NFKC", text).casefold() if category(sign) != "Cf")
    return normalize("NFKC", "".join(signs)).replace("\u0131", "i").replace("i\u0307", "i")


def _ordered(cells: Any, others: Any) -> Any:
    """Cells as Excel sorts them against others; its order of accents and punctuation is not known.

    That is the order of two texts: any text comes after any number.
    """
    if not isinstance(cells, list) and not isinstance(others, list):
        return _ordered_cell(cells, others)
    # Beside a single number nothing is unsure, and a number is what it is beside anything.
    if not isinstance(others, list | str):
        if isinstance(cells, Held):
            return cells.compared
        return [list(map(_compared, row)) for row in cells]
    if not isinstance(cells, list | str):
        return _compared(cells)
    if not isinstance(cells, list):
        beside = {cell for cell in chain.from_iterable(others) if type(cell) is str}
        if all(_ordered_text(cells, cell) is not UNSURE for cell in beside):
            return _compared(cells)  # it is the same beside each
    blocks = [cell if isinstance(cell, list) else [[cell]] for cell in (cells, others)]
    high, wide = max(map(len, blocks)), max(len(block[0]) for block in blocks)
    spread = [
        [row * (wide if len(row) == 1 else 1) for row in block * (high if len(block) == 1 else 1)]
        for block in blocks
    ]
    return [list(map(_ordered_cell, *rows)) for rows in zip(*spread, strict=True)]


def _ordered_cell(cell: Any, other: Any) -> Any:
    if type(cell) is str:
        return _ordered_text(cell, other) if type(other) is str else cell.lower()
    if type(cell) is float and type(other) is float and _may_be_equal(cell, other):
        return UNSURE
    return cell if type(cell) is dict else _compared(cell)


@lru_cache(maxsize=2**14)
def _ordered_text(text: str, other: str) -> Any:
    """A text as Excel sorts it against another one."""
    compared = _compared(text)
    if compared == _compared(other) or PLAIN_TEXT.fullmatch(text) or other == "":
        return compared
    return compared if _shape(text) == _shape(other) else UNSURE


def _shape(text: str) -> str:
    """A text with its digits alike: of two that differ in digits alone, such as 2024-01 and
    2024-10, every rule of sorting has the same order."""
    return DIGIT.sub("0", text)


def _condition(cell: Any) -> Any:
    """A condition as Excel reads it, which takes the words for the values."""
    if isinstance(cell, str):
        return {"true": True, "false": False}.get(cell.lower(), cell)
    return cell


def _logical_text(cell: Any) -> Any:
    return str(cell).upper() if isinstance(cell, bool) else cell


def as_text(cell: Any) -> Any:
    """A cell as Excel writes it into text."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float | int):
        text = f"{cell + 0.0:.15g}"  # which has no -0
        return UNSURE if "e" in text else text
    return "" if cell is None else cell


def _difference(one: Any, other: Any) -> Any:
    """The sum of two numbers, as Excel ends a formula: a rest of a bit or two is 0.

    0.5 - 0.4 - 0.1 is 0 in Excel, though not in binary. How many bits that may be is not known
    exactly, so that a rest of some more is not sure.
    """
    for cell in (one, other):
        if isinstance(cell, dict):
            return cell
        if not isinstance(cell, float | int):
            return UNSURE
    total = one + other
    rest = abs(total) / math.ulp(max(abs(one), abs(other))) if total and one * other < 0.0 else 0.0
    if 0.0 < rest <= 2.0:
        return 0.0
    return UNSURE if 2.0 < rest <= 16.0 else total


def a_number(cell: Any) -> Any:
    """A cell as the number that Excel takes it for."""
    if isinstance(cell, str):
        plain = re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", cell)
        return float(cell) if plain else CODES["#VALUE!"]
    if isinstance(cell, list):
        return UNSURE
    return cell if isinstance(cell, dict) else float(cell or 0.0)


def _one_cell(cell: Any) -> Any:
    """A value; a block where one value belongs is not sure."""
    if isinstance(cell, list):
        return cell[0][0] if len(cell) == len(cell[0]) == 1 else UNSURE
    return cell


def _finite(number: Any) -> Any:
    """A number that cells can hold: no infinity, no -0."""
    if not isinstance(number, float):
        return number
    return number + 0.0 if math.isfinite(number) else CODES["#NUM!"]


def _power(base: Any, exponent: Any) -> Any:
    numbers = []
    for cell in map(a_number, (base, exponent)):
        if not isinstance(cell, float):
            return cell
        numbers.append(cell)
    try:
        if numbers == [0.0, 0.0]:
            return CODES["#NUM!"]
        power = numbers[0] ** numbers[1]
    except ZeroDivisionError:
        return CODES["#DIV/0!"]
    except OverflowError:
        return CODES["#NUM!"]
    return CODES["#NUM!"] if isinstance(power, complex) else power


def _date(*parts: Any) -> Any:
    """DATE, in the years in which nothing of Excel's calendar is in doubt.

    1900 has a 29 February there, earlier years mean later ones, and 10000 is none.
    """
    numbers = []
    for part in map(a_number, parts):
        if not isinstance(part, float):
            return part
        numbers.append(math.trunc(part))
    year, month, day = numbers
    if not (1901 <= year <= 9998 and abs(month) <= 1200 and abs(day) <= 36_500):
        return UNSURE
    years, month = divmod(month - 1, 12)
    if not FIRST_YEAR <= year + years <= LAST_YEAR:
        return UNSURE
    serial = date(year + years, month + 1, 1).toordinal() - DAY_0 + day - 1
    return float(serial) if FIRST_DAY <= serial < AFTER_LAST_DAY - 400 else UNSURE


def _whole_number(cell: Any) -> Any:
    """A number that has to be a whole one."""
    number = a_number(cell)
    return UNSURE if isinstance(number, float) and number != math.floor(number) else number


def _from_1(cell: Any, most: float = math.inf) -> Any:
    """A number that counts from 1, up to `most`."""
    number = a_number(cell)
    return UNSURE if isinstance(number, float) and not 1.0 <= number < most + 1.0 else number


def _for_format(cell: Any, decimals: float) -> Any:
    """What TEXT writes with so many decimals: no negative number that comes to 0, or to -0."""
    number = a_number(cell) if isinstance(cell, str) else cell
    if type(number) is float and -0.5000001 < number * 10.0**decimals < 0.0:
        return UNSURE
    return _logical_text(cell)


def _mod(number: Any, divisor: Any) -> Any:
    """MOD of a number by a whole one, or one of a few halvings.

    Excel's quotient is rounded, and it gives #NUM! where that is too large, which is another size
    in each version.
    """
    given, by = a_number(number), a_number(divisor)
    for cell in (given, by):
        if not isinstance(cell, float):
            return cell
    if by == 0.0:
        return CODES["#DIV/0!"]
    quotient = given / by
    if abs(quotient) >= MOST_IN_MOD or by % HALVED:
        return UNSURE
    rest = math.fmod(given, by)
    near = abs(quotient - round(quotient)) <= 1e-13 * max(1.0, abs(quotient))
    if rest and given % HALVED and near:
        return UNSURE
    return given % by + 0.0


def _switch(cell: Any) -> Any:
    """A number that has to be 0 or 1."""
    number = a_number(cell)
    return number if number in (0.0, 1.0) or isinstance(number, dict) else UNSURE


def _mode(cells: Any) -> Any:
    """The number that comes most often, the first of several; in a block that is not sure."""
    rows = cells if isinstance(cells, list) else [[cells]]
    flat = list(chain.from_iterable(rows))
    error = next((cell for cell in flat if isinstance(cell, dict)), None)
    if error is not None:
        return error
    counts = Counter(cell for cell in flat if type(cell) is float)
    most = max(counts.values(), default=0)
    if most < 2:
        return CODES["#N/A"]
    first = [number for number, count in counts.items() if count == most]
    return UNSURE if len(first) > 1 and len(rows) > 1 and len(rows[0]) > 1 else first[0]


def _cased(of: Callable[[str], str]) -> Callable[[Any], Any]:
    """A text in capitals, or without; the engine does it for English alone.

    Letters that have no one capital, such as a sharp s, are not sure.
    """

    def cased(text: Any) -> Any:
        if not isinstance(text, str):
            return text
        if any(len(letter.upper() + letter.lower()) != 2 or letter in NO_CASE for letter in text):
            return UNSURE
        return of(text)

    return cased


def _trimmed(text: Any) -> Any:
    """A text without spaces around it, and with single ones within: no others, as in Excel."""
    return " ".join(filter(None, text.split(" "))) if isinstance(text, str) else text


def _frequency(cells: Any, bins: Any) -> Any:
    """How many numbers are in each bin, in the order of the bins, the first of equal ones.

    Texts, blanks and logical values are left out, as Excel does; the last counts what is above all.
    """
    numbers: list[list[float]] = []
    for block in (cells, bins):
        flat = list(chain.from_iterable(block)) if isinstance(block, list) else [block]
        error = next((cell for cell in flat if isinstance(cell, dict)), None)
        if error is not None:
            return error
        numbers.append([cell for cell in flat if type(cell) is float])
    given, ends = numbers
    given.sort()
    counts, below = {}, 0
    for end in sorted(set(ends)):
        up_to = bisect_right(given, end)
        counts[end], below = float(up_to - below), up_to
    return [[counts.pop(end, 0.0)] for end in ends] + [[float(len(given) - below)]]


def _in_calendar(day: Any) -> Any:
    """A date as Excel has it: none before 1900 or after 9999."""
    if isinstance(day, dict) or FIRST_DAY < day < AFTER_LAST_DAY:
        return day
    return UNSURE if 0 <= day <= FIRST_DAY else CODES["#NUM!"]


def _included(cells: Any) -> Any:
    """What FILTER may keep by: a column of TRUE and FALSE (or numbers)."""
    for row in cells if isinstance(cells, list) else [[cells]]:
        if len(row) != 1:
            return UNSURE
        if isinstance(row[0], dict):
            return row[0]
        if isinstance(row[0], str):
            return CODES["#VALUE!"]
    return cells


OWN: dict[str, Callable[..., Any]] = {
    names.COMPARED: _compared_cells,
    names.LOGICAL_TEXT: _logical_text,
    names.CONDITION: _each(_condition),
    names.POWER: _power,
    names.IS_FINITE: _finite,
    names.WHOLE: _whole,
    names.TRIM: _each(_trimmed),
    names.FREQUENCY: _frequency,
}
"""Our own functions for what the engine does otherwise than Excel, under the names that
formulas.py writes."""

DOUBTING: dict[str, Callable[..., Any]] = {
    names.ORDERED: _ordered,
    names.AS_TEXT: _texts,
    names.COMPARED_WORDS: _compared_words,
    names.IN_CALENDAR: _in_calendar,
    names.DIFFERENCE: _difference,
    names.ONE_CELL: _one_cell,
    names.A_NUMBER: a_number,
    names.INCLUDED: _included,
    names.DATE: _date,
    names.SWITCH: _switch,
    names.MODE: _mode,
    names.UPPER: _cased(str.upper),
    names.LOWER: _cased(str.lower),
    names.WHOLE_NUMBER: _whole_number,
    names.FROM_1: _from_1,
    names.FORMATTED: _for_format,
    names.MOD: _mod,
    names.SAME: _same,
}
"""Those that may find that the engine is not sure, and are told where they are called from."""

UNSURE_OF = {
    names.WHOLE_NUMBER: Message(
        "LARGE, SMALL and QUARTILE are computed here for a whole number of a place only"
    ),
    names.FORMATTED: Message("TEXT of a negative number that rounds to 0 is 0 or -0 in Excel"),
    names.SAME: Message(
        "only some rules of comparing call two of its texts or numbers equal, such as ß and ss"
    ),
    names.MOD: Message("MOD rounds here in a way that is not known of Excel"),
    names.ORDERED: Message(
        "the order of texts with other signs than letters and digits is not known, nor that of"
        " numbers that differ in their last digits alone"
    ),
    names.DATE: Message("DATE leads to a day that is not proven here"),
    names.SWITCH: Message("when payments are due is a number other than 0 and 1"),
    names.DIFFERENCE: Message("what is left of a difference may be a rest that Excel takes for 0"),
}
"""Why they are not, where one sentence says it."""
