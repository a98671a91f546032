"""What a reader of files says: the columns wanted, the table read, the sentence of a refusal."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from kpi_xl.cells import Cell
from kpi_xl.locales import Counted, Message, Names, SaidError
from kpi_xl.units import NOT_MEASURED, SHEET_ROWS, Unit

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
    remarks: Sequence[str]


class SourceError(SaidError):
    """A file that cannot be read as the table asked for: which cell, why, and what to do."""


class MisfitError(SourceError):
    """What could be read, and is not the table asked for: what it lacks, or a cell."""


class Unreadable(SaidError):  # noqa: N818 - no fault of the program
    """A sentence about the file, without its name."""


class Wrong(SaidError):  # noqa: N818 - no fault of the program
    """A sentence about one cell, without its place."""

    def __init__(self, cell: Cell, sentence: Message) -> None:
        super().__init__(sentence)
        self.cell = cell


TOO_MANY = Message(
    "has more than {most} rows, the most that an Excel sheet holds under a"
    " header: filter or add up its rows first; orders of the template retention may be more in"
    " Parquet files and databases, where they are counted",
    most=MOST_ROWS,
)

BLANK = (
    "the cell is blank, and every row needs its {name}: fill it, with what stands above where that"
    " is meant, or delete the row, as of a total"
)

SAVE_CSV = Message("save it as CSV")
SAVE_UTF_8 = Message('save it as "CSV UTF-8"')
TOO_LARGE = Message("unpacks to more than 4 GB, which is too much to be a table")


@dataclass
class Found:
    """The cells of the columns wanted, as the file has them, and where they stand."""

    headers: Sequence[str]
    places: Places
    cells: dict[str, list[Any]]
    first: int  # the row of the first cells
    remarks: list[Message] = field(default_factory=list)
    address: Callable[[int, int], str] = lambda row, column: ""
    told_apart: dict[str, float] = field(default_factory=dict)
    """Up to which whole number a column's kind of number keeps each apart, if not as a double."""
    merged: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """The places of the first and last of the cells of a column that are merged."""
    signs: dict[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    """The places of the cells of a column whose number format has a sign, by that sign."""

    def where(self, index: int, name: str) -> Message:
        """A cell in the user's words: row, column, and in a workbook its address."""
        row, place = self.first + index, self.places[name]
        return Message(
            'row {row}, column "{column}"{at}',
            row=row,
            column=self.headers[place],
            at=self.address(row, place),
        )


Reader = Callable[[Path, Choice, str | None, Progress], Found]
"""Reads the columns that are chosen by the header, of a file or of what its name stands for."""


@dataclass
class Look:
    """Columns that have kinds, as one look at a table found them, by their places.

    `zoned` are those whose moments have a zone, and were read in UTC; `told_apart` is that of
    `Found`.
    """

    headers: Sequence[str]
    cells: dict[int, list[Any]] = field(default_factory=dict)
    zoned: set[int] = field(default_factory=set)
    told_apart: dict[int, float] = field(default_factory=dict)


Fetch = Callable[[Path, Callable[[Sequence[str]], Collection[int]], Progress], Look]
"""Looks at the columns that are chosen by the header."""


def read_once(fetch: Fetch) -> Reader:
    """A reader of columns that have kinds, which fetches no column twice.

    What it gives comes from one look: before the next a table may have changed.
    """
    looks: list[Look] = []

    def read(path: Path, choose: Choice, table: str | None, progress: Progress) -> Found:
        places: Places = choose(looks[0].headers) if looks else {}

        def chosen(headers: Sequence[str]) -> Collection[int]:
            nonlocal places
            if not looks:
                looks.append(Look(headers))
                places = choose(headers)
            elif headers != looks[0].headers:
                raise Unreadable(Message("has got other columns while it was read: read it anew"))
            return dict.fromkeys(places.values())

        known = (look for look in looks if look.cells.keys() >= set(places.values()))
        look = next(known, None)
        if look is None:
            look = fetch(path, chosen, progress)
            looks.append(look)
        remarks = unused(look.headers, places)
        text = "{column}: times with a zone were read in UTC"
        remarks += [
            Message(text, column=look.headers[place])
            for place in places.values()
            if place in look.zoned
        ]
        cells = {name: look.cells[place] for name, place in places.items()}
        found = Found(look.headers, places, cells, 1, remarks)
        found.told_apart = {
            name: look.told_apart[place]
            for name, place in places.items()
            if place in look.told_apart
        }
        return found

    return read


def listed(names: Iterable[str]) -> Message | Names:
    """Names for a sentence; of very many, or very long ones, not all."""
    cut = (name if len(name) <= 100 else f"{name[:97]}..." for name in names)
    shown = list(islice(cut, NAMES_TOLD))
    rest = sum(1 for _ in cut)
    several = Names(tuple(shown), ", ")
    return Message("{names} and {number} more", names=several, number=rest) if rest else several


def plain(name: str) -> str:
    """A column's name without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def hidden(rows: Iterable[int], first: int, cells: Sequence[Sequence[Any]]) -> list[Message]:
    """The remark on hidden rows of a sheet that hold something, if there are any.

    `cells` are those from the row `first` on.
    """
    inside = (row - first for row in rows if first <= row < first + len(cells))
    number = sum(any(cell not in ("", None) for cell in cells[place]) for place in inside)
    text = "hidden in Excel, but counted: {rows}"
    return [Message(text, rows=Counted(number, "rows"))] if number else []


def spread(cells: list[Any], merged: Iterable[tuple[int, int]]) -> None:
    """Write what stands in the first of cells that are merged into each of them."""
    for first, last in merged:
        cells[first : last + 1] = cells[first : first + 1] * len(cells[first : last + 1])


def merged_cells(
    cells: list[Any], merged: Collection[tuple[int, int]], unit: Unit, name: str
) -> list[Message]:
    """Give merged cells of names and dates what they show; tell of amounts, each of one row."""
    if unit in NOT_MEASURED:
        spread(cells, merged)
        return []
    number = sum(cells[first] not in ("", None) for first, _ in merged)
    text = (
        "{column}: numbers in cells merged over several rows, each in the first of them: {number}"
    )
    return [Message(text, column=name, number=number)] if number else []


def unused(headers: Sequence[str], places: Places) -> list[Message]:
    """The remark on columns that are not used, if there are any."""
    used = set(places.values())
    names = [
        h or Message("column {number}, which has no name", number=n + 1)
        for n, h in enumerate(headers)
    ]
    rest = [name for place, name in enumerate(names) if place not in used]
    return [Message("columns not used: {columns}", columns=listed(rest))] if rest else []


def spare(headers: Sequence[str], places: Places) -> list[str]:
    """The headers of columns that are not used."""
    used = set(places.values())
    return [header for place, header in enumerate(headers) if place not in used]
