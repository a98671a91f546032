"""What templates take: a record for a column, one for a table, one for all that a template has.

Readers of files, templates and reports share them, and none of them needs more than this to know
what a table is.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from kpi_xl.units import KEY, LOGICAL, TEXT, Unit


@dataclass(frozen=True)
class Column:
    """A column of an input table: its name in formulas, its unit, and what people read of it.

    `required`: the table makes no sense without it. `filled`: it has no blank cells.
    `choices`: the words that it admits, which a drop-down offers, or the name of a block of cells
    that holds what the drop-down offers; with `open` it admits others, too.
    `daily`: each row is a day, of which it is the date, unless an `event` column of the row, such
    as how many were sent a mail, has a value. `monthly`: each row is of a month,
    or of a part of one. `weekly`: each row is a week, or part of one. `positive`: an amount that
    is below 0 only by mistake, or where something was given back. `alike`: it holds names, of which
    those are told that differ in little: what NAMES_ALIKE takes, {0} being the column.
    """

    name: str
    unit: Unit
    label: str = ""
    note: str = ""
    _: KW_ONLY
    required: bool = True
    filled: bool = False
    choices: tuple[str, ...] | str = ()
    open: bool = False
    daily: bool = False
    monthly: bool = False
    weekly: bool = False
    event: bool = False
    positive: bool = False
    alike: str = ""

    @property
    def at_least_0(self) -> bool:
        """Whether a number below 0 is to be told: all counts, and amounts that are marked so."""
        return self.positive or self.unit.domain.low == 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """The words that it admits; none where it admits any."""
        return self.choices if isinstance(self.choices, tuple) and not self.open else ()


@dataclass(frozen=True)
class Input:
    """A table for the user to fill, on a sheet of the same name.

    `counted` is a column of numbers or dates that every row has: without one, the table is empty.
    """

    name: str
    lead: str
    columns: Sequence[Column]
    counted: str

    @property
    def empty(self) -> str:
        """The condition, in formulas, that nothing has been filled in."""
        return f"COUNT({self.name}[{self.counted}])=0"

    @property
    def numeric(self) -> list[str]:
        """The columns that hold numbers or dates."""
        return [one.name for one in self.columns if one.unit not in (KEY, TEXT, LOGICAL)]

    def text_in(self, column: str) -> str:
        """The name of the cell that is an error where text stands in a numeric column, else 0."""
        return f"{self.name}_{column}_text"

    def alike_in(self, column: str) -> str:
        """The name of the cell that says how many names of a column are like others."""
        return f"{self.name}_{column}_alike"


@dataclass(frozen=True)
class Schema:
    """What a template is called, what it is about, and what it takes."""

    name: str
    title: str
    about: str
    inputs: tuple[Input, ...]
