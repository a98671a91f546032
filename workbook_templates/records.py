"""The records that templates are made of.

English is written in the code; every text that people read goes through `Book.say` once. Names of
functions, tables, their columns, and names that formulas use stay English in every language.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kpi_xl.cells import Cell
from kpi_xl.reports import layout
from kpi_xl.schema import Input, Schema
from kpi_xl.units import Unit

from .writing import (
    Book,
    Page,
)

Data = Mapping[str, Mapping[str, Sequence[Cell]]]
"""The rows of each input table, by table and column: text, numbers, dates, None for a blank."""
HEADER = 3  # the row of the input tables' headers, counted from 0: row 4 in Excel

FIRST_ROW = "MATCH(1,"  # what needs whole columns in the formulas of `where`
ASIDE = 8  # the first column of Checks that is not printed
ASIDE_TEXTS = 20  # and the first one of its list of columns
NAME_ERROR = 5  # what ERROR.TYPE says of #NAME?


class Sentence(NamedTuple):
    """An English text, and what its {fields} stand for: file names, numbers."""

    text: str
    fields: Mapping[str, object] = {}


class Sheet(NamedTuple):
    """A sheet of a template: its English name, and what it says."""

    title: str
    meaning: str


class Sample(NamedTuple):
    """Data that show what a template does, and where they come from."""

    data: Data
    about: Sentence


@dataclass(frozen=True)
class Template:
    """A template: what it takes, which sheets it has after Start.

    `write` writes all sheets but Start and those of the inputs. `steps` say what to do, `notes`
    (label and text) what else to know; both may name sheets as {Orders}.
    """

    schema: Schema
    sheets: tuple[Sheet, ...]
    steps: tuple[str, ...]
    write: Callable[[Book], None]
    sample: Callable[[], Sample]
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The template's name."""
        return self.schema.name

    @property
    def title(self) -> str:
        """Its title, in English."""
        return self.schema.title

    @property
    def about(self) -> str:
        """What it is about, in English."""
        return self.schema.about

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The tables that it takes."""
        return self.schema.inputs


class Setting(NamedTuple):
    """A cell for the user to set, under a name that formulas use.

    `cut` are the names of cells that say when tables have become too large for their sheets, by
    the sheets' English names: they are said beside the setting that does it. `effect` is the
    formula of what is in effect where the cell is empty. `translated`: value and choices are
    English texts, which the cell has in the workbook's language. `codes` are what formulas take for
    each of the choices, in a cell of the name and Code on the sheet Model: see `code_of`; the cell
    takes them, too. A number lies from `least` to `most`.
    """

    name: str
    label: str
    value: float | str
    unit: Unit
    meaning: str
    choices: tuple[str, ...] = ()
    cut: tuple[tuple[str, str], ...] = ()
    effect: str = ""
    translated: bool = False
    codes: tuple[str, ...] = ()
    least: float = 0.0
    most: float = 1e9

    @property
    def default(self) -> str:
        """The code that is in effect where the cell is empty."""
        value = str(self.value)
        return value if value in self.codes else self.codes[self.choices.index(value)]


class Figure(NamedTuple):
    """A figure, under a name that formulas use.

    `instead`: a condition, and what is said where it holds in place of the meaning.
    """

    name: str
    label: str
    formula: str
    unit: Unit
    meaning: str
    instead: tuple[str, str] | None = None


class Agreement(NamedTuple):
    """A figure computed twice: by a KPI function, and by functions that every Excel has."""

    label: str
    kpi: str
    native: str
    unit: Unit


class Problem(NamedTuple):
    """What can be wrong with the data: formulas for how often, and for where it is first.

    The second is computed only where there is any; of several, the first that is not blank counts.
    The label may name the `table`.
    """

    label: str
    found: str
    first: str | tuple[str, ...]
    advice: str
    table: str = ""


class Series(NamedTuple):
    """Numbers of a chart: an English name or the address of one, and two blocks (Page, place)."""

    name: str
    categories: tuple[Page, int, int, int, int]
    values: tuple[Page, int, int, int, int]
    colour: str = ""


class Spill(NamedTuple):
    """A table on the sheet Model: its first column, counted from 0, and its formula.

    It is blank where the condition `blank` holds. `units` are those of its columns, the last of
    which goes on; a KEY is what the row stands for. `names` are the defined names over its columns,
    which have room for so many rows as `reach`. `done` names a cell that is 1 where the table is
    there; if `whole`, it is not where there are more rows.
    """

    title: str
    column: int
    formula: str
    blank: str = ""
    units: tuple[Unit, ...] = ()
    names: tuple[str, ...] = ()
    reach: int = 0
    done: str = ""
    whole: bool = False


class Basis(NamedTuple):
    """A figure that others are computed from, in a cell of its name on the sheet Model.

    `array`: it computes with whole columns on its way.
    """

    name: str
    formula: str
    unit: Unit
    array: bool = False


EMPTY = Sentence("Nothing has been filled in yet.")
FILLED = layout.FILLED

NOWHERE = "0"
"""The place in a column of what no formula finds in all programs: an error, TRUE or FALSE."""
