"""What a reader of files says: the columns wanted, the table read, the sentence of a refusal."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from kpi_xl.cells import Cell
from kpi_xl.locales import Message
from kpi_xl.units import SHEET_ROWS

MOST_ROWS = SHEET_ROWS - 1  # under the header
NAMES_TOLD = 50  # of columns, in a sentence
LARGEST_FILE = 4 << 30  # bytes when unpacked; a packed file can claim more than any disk holds

Places = Mapping[str, int]
Choice = Callable[[Sequence[str]], Places]
Progress = Callable[[float], None]


class ReadTable(NamedTuple):
    """What was read: columns by our names, how many rows, and what was left out or changed.

    A cell is text, a float, a date (of a DATE), True or False (of a LOGICAL), or None for a blank.
    """

    columns: dict[str, list[Cell]]
    rows: int
    remarks: list[str]


class SourceError(Exception):
    """A file that cannot be read as the table asked for: which cell, why, and what to do.

    A sentence an argument; those that are a Message can be said in another language.
    """

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class Unreadable(Exception):  # noqa: N818 - no fault of the program
    """A sentence about the file, without its name."""


class Wrong(Exception):  # noqa: N818 - no fault of the program
    """A sentence about one cell, without its place."""

    def __init__(self, cell: Cell, sentence: str) -> None:
        super().__init__(sentence)
        self.cell = cell


TOO_MANY = (
    f"has more than {MOST_ROWS:,} rows, the most that an Excel sheet holds under a header:"
    " filter or add up its rows first"
)


@dataclass
class Found:
    """The cells of the columns wanted, as the file has them, and where they stand."""

    headers: Sequence[str]
    places: Places
    cells: dict[str, list[Any]]
    first: int  # the row of the first cells
    remarks: list[str] = field(default_factory=list)
    address: Callable[[int, int], str] = lambda row, column: ""
    told_apart: dict[str, float] = field(default_factory=dict)
    """Up to which whole number a column's kind of number keeps each apart, if not as a double."""

    def where(self, index: int, name: str) -> str:
        """A cell in the user's words: row, column, and in a workbook its address."""
        row, place = self.first + index, self.places[name]
        return f'row {row}, column "{self.headers[place]}"{self.address(row, place)}'


Reader = Callable[[Path, Choice, str | None, Progress], Found]
"""Reads the columns that are chosen by the header, of a file or of what its name stands for."""


def listed(names: Iterable[str]) -> str:
    """Names for a sentence; of very many, or very long ones, not all."""
    cut = (name if len(name) <= 100 else f"{name[:97]}..." for name in names)
    shown = list(islice(cut, NAMES_TOLD))
    rest = sum(1 for _ in cut)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def plain(name: str) -> str:
    """A column's name without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def unused(headers: Sequence[str], places: Places) -> list[str]:
    """The remark on columns that are not used, if there are any."""
    used = set(places.values())
    names = [h or f"column {n + 1}, which has no name" for n, h in enumerate(headers)]
    rest = [name for place, name in enumerate(names) if place not in used]
    return [Message("columns not used: {columns}", columns=listed(rest))] if rest else []
