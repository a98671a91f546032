"""A table as records: a measure a column (or, across, a row), a record a row.

In a measure's formula {leads} is the cell of the measure "leads" in the same record, {$leads} the
same with its column fixed, {leads<} the cell of the record before, {leads#} the cells of all
records, {number} the record's number, from 1. Any other {field} is what the record gives, such as a
piece of a formula or a cell of another sheet. What stands in quotes is text, and stays as it is::

    MONTHLY = (
        Measure("month", "{first}", MONTH, blank=EMPTY, look=NAME),
        Measure("leads", f"COUNTIFS({within('Leads[created]')})", COUNT),
        Measure("spend", f"SUMIFS(Spend[spend],{within('Spend[month]')})", MONEY),
        Measure("cost per lead", "CPL({spend},{leads})", MONEY, over="{leads}", best="low"),
    )
    lay_out(page, "Trend", "The last 12 months.", ((1, 12), (3, 13)), frozen=(TOP + 1, 1))
    table = put_grid(page, TOP, MONTHLY, last_months("MAX(Leads[created])", 12),
                     blank='{$month}=""')
    draw(page, "column", "Leads by month", [table.series("leads")], (TOP + 14, 0, 600, 340))
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from kpi_xl.ooxml.addresses import quoted
from kpi_xl.units import Unit

from .charting import draw, name_months
from .records import Series
from .sheet_parts import bars, best_and_worst, header_row, headline, no_bars, same_as
from .writing import MUTED, Page

MONTH = Unit("DATE", "a month", "yyyy-mm")
UNKNOWN = 12  # bars of a chart that has no records yet
GROWTH = Unit("RATE", "a change, as a fraction", "+0.0%;-0.0%;0.0%")

WHOLE = Unit("COUNT", "a number in a row", "0")

NAME = {"bold": True, "align": "start"}
"""How the names look for which the rows stand."""

WORDS = {"align": "start"}
"""How other words look."""

BEHIND = {"align": "start", "indent": 1}
"""How words look that stand behind numbers and say what these mean."""

REMARK = {"font_color": MUTED, "align": "start", "indent": 1}
"""The same, as remarks."""

PLACEHOLDER = re.compile(r'"[^"]*"|\{(\$?)([A-Za-z][^{}<>#$;"]*)([<#]?)\}')

Record = Mapping[str, str]
"""What a row of a table gives to the formulas of its measures, by {field}."""


class Measure(NamedTuple):
    """A column of a table: its header in English, its formula, its unit.

    The cell is blank where the condition `blank` holds (None: the table's condition; "": never),
    and where `over`, what the formula divides by, is 0. `first` is the formula of the first record,
    if that is another; it knows neither. `name` is the defined name of the column's cells. `best`
    marks the best and the worst, `bars` draws bars behind the numbers, but for those `of` fewer
    than ten (a measure, or, for bars, a cell's name): a rate of one in one fills its cell, and
    says nothing.
    `key` is what placeholders call it, if not by its header. `look` are properties of its format.
    `kind`: "array" computes with whole columns on its way, "text" is an English text in place of a
    formula, "raw" a text
    that stays English, "number" a number, "spill" the cells of a spilled table, which the caller
    writes.
    """

    header: str
    formula: str
    unit: Unit
    over: str = ""
    blank: str | None = None
    first: str = ""
    name: str = ""
    best: Literal["", "high", "low"] = ""
    bars: bool = False
    of: str = ""
    key: str = ""
    look: Mapping[str, Any] = {}
    kind: Literal["formula", "array", "text", "raw", "number", "spill"] = "formula"

    @property
    def called(self) -> str:
        """What placeholders call it."""
        return self.key or self.header


@dataclass(frozen=True)
class Grid:
    """A table that has been written, or is being: where its cells are.

    `top` is the row of the header, `left` the first column, both counted from 0; records count
    from 1. `across`: a record is a column, beginning behind `left`, and a measure a row.
    """

    page: Page
    top: int
    left: int
    measures: tuple[Measure, ...]
    size: int
    across: bool = False

    @property
    def last(self) -> int:
        """The last row."""
        return self.top + (len(self.measures) if self.across else self.size)

    @property
    def right(self) -> int:
        """The last column."""
        return self.left + (self.size if self.across else len(self.measures) - 1)

    @cached_property
    def lines(self) -> dict[str, int]:
        """Where each measure is, the first of those that are called the same."""
        names = [measure.called for measure in self.measures]
        return {name: names.index(name) for name in names}

    def place(self, called: str, number: int) -> tuple[int, int]:
        """The row and column of a measure's cell in a record."""
        line = self.lines[called]
        if self.across:
            return self.top + 1 + line, self.left + number
        return self.top + number, self.left + line

    def block(self, called: str) -> tuple[int, int, int, int]:
        """The cells of a measure in all records."""
        return *self.place(called, 1), *self.place(called, self.size)

    def at(self, called: str, number: int = 0) -> str:
        """The address, with the sheet's name, of a measure's cell, or of all its cells."""
        return self.page.at(*(self.place(called, number) if number else self.block(called)))

    def row_of(self, called: str, number: int) -> str:
        """The same of one cell, whose row follows the formula's: so formulas below are alike."""
        cell = xl_rowcol_to_cell(*self.place(called, number), col_abs=True)
        return f"{quoted(self.page.name)}!{cell}"

    def range_of(self, called: str) -> tuple[Page, int, int, int, int]:
        """The cells of a measure, for a chart."""
        return self.page, *self.block(called)

    def series(self, called: str, colour: str = "", name: str = "", over: str = "") -> Series:
        """A measure as a chart draws it, over the first one or another."""
        names = over or self.measures[0].called
        return Series(name or called, self.range_of(names), self.range_of(called), colour)

    def records(self, **fields: str) -> list[dict[str, str]]:
        """What each record gives to another table: by fields, the addresses of its cells."""
        return [
            {field: self.at(called, number) for field, called in fields.items()}
            for number in range(1, self.size + 1)
        ]

    def define(self, name: str, called: str, start: int = 1, end: int = 0) -> None:
        """Name the cells of a measure from one record to another, or to the last."""
        self.page.define(name, *self.place(called, start), *self.place(called, end or self.size))

    def cells(self, number: int) -> dict[str, str]:
        """The addresses of a record's cells, by their measures: a record for a table beside it."""
        return {
            measure.called: xl_rowcol_to_cell(*self.place(measure.called, number))
            for measure in self.measures
        }

    def filled(self, text: str, number: int, record: Record) -> str:
        """A formula with its placeholders filled in."""

        def cell(found: re.Match[str]) -> str:
            fixed, name, which = found.groups()
            if name is None:
                return found[0]
            if name in record:
                return record[name]
            if name == "number":
                return str(number)
            if name not in self.lines:
                raise KeyError(f"{text} asks for {name}, which is no measure and no field")
            if which == "#":
                return str(xl_range_abs(*self.block(name)))
            place = self.place(name, number - (which == "<"))
            return str(
                xl_rowcol_to_cell(
                    *place,
                    col_abs=bool(fixed and not self.across),
                    row_abs=bool(fixed and self.across),
                )
            )

        return PLACEHOLDER.sub(cell, text)

    def formula(self, measure: Measure, number: int, record: Record, blank: str) -> str:
        """What a cell holds."""
        if measure.first and number == 1:
            return f"={self.filled(measure.first, number, record)}"
        text = measure.formula.removeprefix("=")
        if measure.over:
            text = f'IF({measure.over}=0,"",{text})'
        condition = blank if measure.blank is None else measure.blank
        if condition:
            text = f'IF({condition},"",{text})'
        return f"={self.filled(text, number, record)}"


def put_grid(
    page: Page,
    top: int,
    measures: Sequence[Measure],
    records: Sequence[Record],
    *,
    left: int = 0,
    blank: str = "",
    across: bool = False,
    titled: bool = True,
    height: float = 0,
    deep: float = 0,
    look: Mapping[str, Any] = {},
    heads: Mapping[str, Any] = {"bold": True, "shrink": True},
) -> Grid:
    """Write a table: its header, its cells, the names and the bars of its columns.

    `blank` is the condition for a blank cell, `height` that of the records' rows, `deep` that of
    the header, if it is not to be as its texts need it, `look` that of all its cells, `heads` that
    of the measures' names before the rows of a table across. Without `titled` the header is the
    caller's to write.
    """
    grid = Grid(page, top, left, tuple(measures), len(records), across)
    if titled:
        put_header(grid, heads, deep)
    for measure in (one for one in measures if one.kind != "spill"):
        style = page.styles.number(measure.unit, **{**measure.look, **look})
        for number, record in enumerate(records, start=1):
            place = grid.place(measure.called, number)
            if measure.kind in ("formula", "array"):
                put = page.put_array if measure.kind == "array" else page.put
                put(*place, grid.formula(measure, number, record, blank), style)
                continue
            text = grid.filled(measure.formula, number, record)
            if measure.kind == "text":
                page.write(*place, text, style)
            elif measure.kind == "raw":
                page.sheet.write_string(*place, text, style)
            else:
                page.sheet.write_number(*place, float(text), style)
        if measure.name:
            grid.define(measure.name, measure.called)
        if measure.unit is MONTH:
            name_months(page, [grid.place(measure.called, n + 1) for n in range(len(records))])
    for row in range(top + 1, top + 1 + len(records)) if height else ():
        page.sheet.set_row(row, height)
    for measure in measures:
        marked(grid, measure)
    return grid


def marked(grid: Grid, measure: Measure) -> None:
    """The bars of a column, and the signs of its best and its worst."""
    block = grid.block(measure.called)
    beside = measure.of in {one.called for one in grid.measures}
    if measure.bars:
        if measure.of:
            whole = xl_rowcol_to_cell(*grid.place(measure.of, 1)) if beside else measure.of
            no_bars(grid.page, block, f"N({whole})<10")
        bars(grid.page, *block)
    if measure.best and grid.size > 1:
        of = grid.place(measure.of, 1)[1] if beside else -1
        best_and_worst(grid.page, block, measure.unit, low=measure.best == "low", of=of)


def charted(grid: Grid) -> Grid:
    """The first records of a table, as many as a chart needs: those that are there and two more."""
    names = [grid.page.value(grid.top + number, grid.left) for number in range(1, grid.size + 1)]
    known = sum(name not in ("", None) for name in names)
    return replace(grid, size=min(known + 2 if known else UNKNOWN, grid.size))


def chart(
    page: Page,
    kind: Literal["line", "column", "bar"],
    title: str,
    grid: Grid,
    lines: Iterable[tuple[str, ...]],
    place: tuple[int, int, int, int],
    **options: Any,
) -> None:
    """A chart of a table's records, of those that are there: see `draw`.

    `lines` are measures, each with its colour, and its name if that is not the measure's.
    """

    def drawn() -> None:
        known = charted(grid)
        draw(page, kind, title, [known.series(*line) for line in lines], place, **options)

    page.book.later(drawn)


def put_header(grid: Grid, heads: Mapping[str, Any] = {}, deep: float = 0) -> None:
    """The header of a table: over words at their side, over numbers at the right."""
    looks = [measure.look for measure in grid.measures]
    words = [place for place, look in enumerate(looks) if look.get("align") == "start"]
    headers = [measure.header for measure in grid.measures]
    if grid.across:
        for row, header in enumerate(headers, start=grid.top + 1):
            grid.page.write(row, grid.left, header, grid.page.styles.label(**heads))
        return
    header_row(grid.page, grid.top, grid.left, headers, text=words)
    remark = grid.page.styles.header(indent=1, text_wrap=True, valign="bottom")
    for column, look in enumerate(looks):
        if "indent" in look and headers[column]:
            grid.page.write(grid.top, grid.left + column, headers[column], remark)
    if deep:
        grid.page.sheet.set_row(grid.top, deep)


# Records


def month_of(day: str) -> str:
    """The first day of a day's month."""
    return f"{day}-DAY({day})+1"


def named_month(day: str) -> str:
    """A month as the functions name it: 2024-01. TEXT would have to know the reader's Excel."""
    return f'YEAR({day})&"-"&RIGHT("0"&MONTH({day}),2)'


def last_months(newest: str, count: int) -> list[dict[str, str]]:
    """The last months up to that of a day: each gives its {first} day, the oldest first."""
    return [{"first": f"EDATE({month_of(newest)},-{ago})"} for ago in range(count - 1, -1, -1)]


def within(column: str, month: str = "{$month}") -> str:
    """The criteria of SUMIFS for a column of days within a month, which is given by its first."""
    return f'{column},">="&{month},{column},"<"&EDATE({month},1)'


def without_mean(values: str) -> str:
    """The condition that values come to nothing, or to less: a share of their mean is none.

    Cents that cancel leave a rest in binary.
    """
    rest = "0.0000000000001"  # as Calc saves 1E-13
    return f"SUM({values})<={rest}*COUNT({values})*MAX(MAX({values}),-MIN({values}))"


def escaped(name: str) -> str:
    """A name that SUMIFS takes for no pattern: also one with * or ? in it."""
    for sign in "~*?":
        name = f'SUBSTITUTE({name},"{sign}","~{sign}")'
    return name


def unsaid(rows: str, *columns: str) -> str:
    """The condition that rows which meet criteria are there, and none has a cell in all columns.

    Their sum would be a 0 that nobody has said; without rows it is one.
    """
    cells = ",".join(f'{column},"<>"' for column in columns)
    return f"IF(COUNTIFS({rows},{cells})>0,FALSE,COUNTIFS({rows})>0)"


def copied(header: str, unit: Unit, look: Mapping[str, Any] = {}) -> Measure:
    """A measure that shows a cell of a spilled table, which `originals` give the records."""
    return Measure(header, same_as(f"{{source {header}}}"), unit, blank="", look=look)


def originals(
    page: Page,
    row: int,
    column: int,
    headers: Sequence[str],
    count: int,
    prefix: str = "source ",
) -> list[dict[str, str]]:
    """Records of cells that stand on a sheet, beside each other from a column on, and below."""
    return [
        {f"{prefix}{header}": page.at(row + down, column + place)
         for place, header in enumerate(headers)}
        for down in range(count)
    ]  # fmt: skip


# Sheets


def lay_out(
    page: Page,
    title: str,
    lead: str,
    widths: Sequence[tuple[int, float]],
    *,
    column: int = 0,
    frozen: tuple[int, int] | None = None,
) -> None:
    """A sheet's title, the line under it, its columns' widths (how many, how wide), what stays.

    `frozen` are the rows and columns that stay in sight.
    """
    first = 0
    for count, width in widths:
        page.sheet.set_column(first, first + count - 1, width)
        first += count
    headline(page, title, lead, column)
    if frozen:
        page.sheet.freeze_panes(*frozen)
