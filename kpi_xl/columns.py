"""Columns of cells as arrays: numbers, days, and keys that are numbered.

Those that give None leave a column to others: some of its cells need a closer look.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from operator import not_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpi_xl.serials import FIRST_DAY
from kpi_xl.units import LARGEST_ID

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Keys:
    """A column of customers, channels or segments.

    `names` are the different ones in order of first appearance, and `rows` the number of each row's
    among them.
    """

    names: list[Any]
    rows: Integers

    def __len__(self) -> int:
        return len(self.rows)

    def tolist(self) -> list[Any]:
        """The name of each row."""
        return list(map(self.names.__getitem__, self.rows.tolist()))

    def kept(self, rows: NDArray[np.bool_]) -> "Keys":
        """Those of some of the rows."""
        numbers = self.rows[rows]
        first, number = _numbered(first_rows(numbers, len(self.names)))
        return Keys([self.names[place] for place in numbers[first].tolist()], number)

    def renamed(self, names: Sequence[Any]) -> "Keys":
        """The same rows under other names, of which several may be one."""
        if names is self.names:
            return self
        number: dict[Any, int] = {}
        place = [number.setdefault(name, len(number)) for name in names]
        if len(number) == len(place):
            return Keys(list(names), self.rows)
        return Keys(list(number), np.array(place)[self.rows])


# Numbers and days


def numbers(cells: Sequence[float], low: float, high: float) -> Floats | None:
    """Numbers from low to high."""
    try:
        found = np.fromiter(cells, np.float64, len(cells))
    except OverflowError:
        return None
    return found if low <= found.min() and found.max() <= high else None  # NaN is neither


def days(cells: Sequence[Any], kinds: set[type], epoch: int, last: float) -> Integers | None:
    """Serial numbers of days, from numbers or datetimes; `epoch` is the ordinal of day 0."""
    if kinds == {datetime}:
        found = np.fromiter(map(datetime.toordinal, cells), np.int64, len(cells)) - epoch
        return found if found.min() >= FIRST_DAY else None
    serials = numbers(cells, 1.0, np.inf) if kinds <= {float, int} else None
    return serials.astype(np.int64) if serials is not None and serials.max() < last + 1 else None


# Keys


def keys(cells: Sequence[Any]) -> Keys:
    """Keys from cells that can be looked up."""
    step = len(cells) // SAMPLE + 1
    if len(cells) < MANY or len(set(cells[::step])) < SAMPLE // 4:  # few stay in the CPU's cache
        return _looked_up(cells)
    is_text = [type(cell) is str for cell in cells]
    chosen = np.fromiter(is_text, bool, len(cells))
    first = np.empty(len(cells), dtype=np.int64)
    for rows, part, find in (
        (np.flatnonzero(chosen), compress(cells, is_text), first_texts),
        (np.flatnonzero(~chosen), compress(cells, map(not_, is_text)), _first_numbers),
    ):
        if len(rows):
            found = find(list(part))
            if found is None:
                return _looked_up(cells)
            first[rows] = rows[found]
    places, number = _numbered(first)
    return Keys([cells[place] for place in places.tolist()], number)


MANY = 10_000
SAMPLE = 1000


def keys_of_numbers(numbers: NDArray[Any]) -> Keys:
    """Keys from an array of numbers."""
    places, number = _numbered(first_rows(*renumbered(numbers)))
    return Keys(numbers[places].tolist(), number)


def renumbered(numbers: NDArray[Any]) -> tuple[Integers, int]:
    """A whole number from 0 on for each different one, and a limit that they are below."""
    low, high = numbers.min().item(), numbers.max().item()
    whole = numbers.dtype.kind != "f" or not np.any(numbers % 1.0)
    if whole and high - low < 4 * len(numbers):
        return (numbers - low).astype(np.int64), int(high - low) + 1
    different, number = np.unique(numbers, return_inverse=True)
    return number, len(different)


def first_rows(numbers: Integers, limit: int) -> Integers:
    """The first row that has the same number, of each row."""
    first = np.empty(limit, dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)  # of several the last written stays
    found: Integers = first[numbers]
    return found


def _numbered(first: Integers) -> tuple[Integers, Integers]:
    """The rows that are the first of their kind, and the number of each row's among them."""
    new = first == np.arange(len(first))
    return np.flatnonzero(new), (np.cumsum(new) - 1)[first]


def _looked_up(cells: Sequence[Any]) -> Keys:
    number: defaultdict[Any, int] = defaultdict()
    number.default_factory = number.__len__  # one not met before takes the next number
    rows = np.fromiter(map(number.__getitem__, cells), np.int64, len(cells))
    return Keys(list(number), rows)


def _first_numbers(cells: Sequence[Any]) -> Integers | None:
    """The first row that has the same number, of each row."""
    kinds = set(map(type, cells))
    found = numbers(cells, -LARGEST_ID, LARGEST_ID) if kinds <= {float, int} else None
    return None if found is None else first_rows(*renumbered(found))


def first_texts(texts: Sequence[str]) -> Integers | None:
    """The first row that has the same text, of each row.

    A table of their hashes in NumPy is five times as fast as a dict where the different texts are
    too many for the CPU's cache: a dict goes to each text, and to the one that it holds for it.
    Equal hashes are believed where the texts are equal, byte by byte.
    """
    words = _words(texts)
    if words is None:
        return None
    mixed = np.zeros(len(texts), dtype=np.uint64)
    for word in words:
        mixed = (mixed ^ word) * MIXERS[0]
        mixed ^= mixed >> np.uint64(29)
    first, open_rows, spread = np.arange(len(texts)), np.arange(len(texts)), mixed
    bits = len(texts).bit_length() + 1
    table = np.empty(1 << bits, dtype=np.int64)
    for _ in range(MOST_ROUNDS):
        spread = spread * MIXERS[1]
        slot = (spread >> np.uint64(64 - bits)).astype(np.int64)
        table[slot[::-1]] = open_rows[::-1]
        candidate = table[slot]
        same = mixed[candidate] == mixed[open_rows]
        first[open_rows[same]] = candidate[same]
        # The slot of the others is taken by another hash: they look for one in the next round.
        open_rows, spread = open_rows[~same], spread[~same] ^ (spread[~same] >> np.uint64(31))
        if not len(open_rows):
            break
    equal = all(np.array_equal(word[first], word) for word in words)
    return first if equal and not len(open_rows) else None


MIXERS = np.array((0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93), dtype=np.uint64)
MOST_ROUNDS = 20
LONGEST = 64  # bytes


def _words(texts: Sequence[str]) -> list[NDArray[np.uint64]] | None:
    """The bytes of texts, eight by eight, with the lengths first; None if one is long."""
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    content = np.frombuffer(joined + bytes(9), dtype=np.uint8)
    ends = np.flatnonzero(content[: len(joined) + 1] == 0)
    if len(ends) != len(texts):  # one has a \0 in it
        return None
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts
    if lengths.max() > LONGEST:
        return None
    eight = np.ndarray((len(content) - 7,), "<u8", content, strides=(1,))
    words = [lengths.astype(np.uint64)]
    for place in range(0, int(lengths.max()), 8):
        word = eight[np.minimum(starts + place, len(eight) - 1)]
        words.append(word & FIRST_BYTES[np.clip(lengths - place, 0, 8)])
    return words


FIRST_BYTES = np.array([(1 << 8 * count) - 1 for count in range(9)], dtype=np.uint64)
