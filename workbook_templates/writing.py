"""A workbook being written: its language, its styles, and formulas that hold their values."""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import CellFormulaTuple, Worksheet

from kpi_xl.cells import Block, Cell
from kpi_xl.engine.memory import uncollected
from kpi_xl.errors import CellError, NotEnoughData
from kpi_xl.locales import Counted, Message, Names, SaidError
from kpi_xl.locales.currencies import Money, money
from kpi_xl.ooxml.addresses import Area, quoted
from kpi_xl.ooxml.blocks import CellBlock
from kpi_xl.ooxml.package import filled
from kpi_xl.schema import Input
from kpi_xl.serials import day_of
from kpi_xl.units import (
    AVERAGE,
    COUNT,
    DATE,
    DAYS,
    MONEY,
    PERIODS,
    RATE,
    SCORE,
    SECONDS,
    Unit,
    rounded,
)

from .drafts import drafted

# Okabe & Ito's palette, which colour-blind readers can tell apart, on quiet greys.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
WARNING = "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", WARNING, "#8C6D1F", "#6B7280")
WARN = {"bold": True, "font_color": WARNING}
"""How a cell looks that must not be overlooked."""
INK, MUTED, LINE, WASH, INPUT = "#1F2933", "#5B6472", "#D5DAE1", "#EFF3F8", "#FFF6DB"
NO_COLOUR = "none"  # of bars that only hold a place
BAR, HEAT = "#9CCBE8", "#56A6D6"

SINGLE = re.compile(r"INDEX\(\w+\[\w+\],")
"""What takes one cell out of a column."""

NO_CURRENCY = money("", "en")

MADE = datetime(2025, 1, 1)  # a fixed date, so that the same workbook is the same bytes

Values = Mapping[tuple[str, int, int], Cell | Block]
"""The computed value of each formula, by sheet, row and column counted from 1."""

Say = Callable[[str], str]
"""An English text in the workbook's language."""


Item = TypeVar("Item")


class BlankText(str):
    """Empty text as the value of a formula, which XlsxWriter would not write as text.

    It writes "" as no value at all, for programs that are to compute the formula anew.
    """

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


BLANK = BlankText()

SHRINKING = {unit.name for unit in (MONEY, COUNT, SECONDS, AVERAGE)}
"""Units whose numbers may have any size."""


class Proper(str):
    """A text that is the same in every language: what a company calls its own KPIs."""


class Headline(NamedTuple):
    """A figure that has been written, for whoever tells what the workbook says."""

    label: str
    place: tuple[str, int, int]
    unit: Unit


class ProblemPlace(NamedTuple):
    """A problem that is looked for: where its rows are counted, and the first one said."""

    label: str
    rows: tuple[str, int, int]
    first: tuple[str, int, int]


class ProblemFound(NamedTuple):
    """What a check has found: in how many rows, and in which first, or in which cell."""

    label: str
    rows: int
    first: str


class Told(NamedTuple):
    """A workbook and what there is to say of it.

    Those are its figures as text, how many formulas it has, which of them show errors, and what is
    wrong with its data.
    """

    content: bytes
    headlines: list[tuple[str, str]]
    formulas: int
    errors: dict[tuple[str, int, int], CellError]
    problems: list[ProblemFound]


class Built(NamedTuple):
    """A workbook, the values of its formulas, its figures as text, what its checks have found."""

    content: bytes
    values: Values
    headlines: list[tuple[str, str]]
    problems: list[ProblemFound]

    @property
    def told(self) -> Told:
        """What there is to say of it."""
        errors = {place: one for place, one in self.values.items() if isinstance(one, CellError)}
        return Told(self.content, self.headlines, len(self.values), errors, self.problems)


@dataclass(frozen=True)
class Styles:
    """The formats of a workbook; `money` are those of amounts."""

    file: xlsxwriter.Workbook
    right_to_left: bool = False
    money: Money = NO_CURRENCY

    @property
    def start(self) -> str:
        """The side on which lines begin."""
        return "right" if self.right_to_left else "left"

    def of(self, number_format: str = "General", **properties: Any) -> Format:
        """A format in the template's ink; equal ones are merged when the file is written."""
        look: dict[str, Any] = {"font_color": INK, "num_format": number_format, "valign": "vcenter"}
        if "indent" in properties or properties.get("align") == "start":
            properties["align"] = self.start
        if self.right_to_left:
            look["reading_order"] = 2
        return self.file.add_format(look | properties)

    def form(self, unit: Unit) -> str:
        """How numbers of a unit are written."""
        if unit.name != MONEY.name:
            return unit.number_format
        return self.money.exact if "." in unit.number_format else self.money.whole

    def number(self, unit: Unit, **properties: Any) -> Format:
        """A format for numbers of a unit; large ones become small rather than ####."""
        if unit.name in SHRINKING and "text_wrap" not in properties:
            properties = {"shrink": True} | properties
        return self.of(self.form(unit), **properties)

    def title(self) -> Format:
        """A sheet's first line."""
        return self.of(bold=True, font_size=18, font_color=BLUE, align="start")

    def lead(self, **properties: Any) -> Format:
        """The line under it, and remarks."""
        return self.of(font_color=MUTED, **({"align": "start"} | properties))

    def label(self, **properties: Any) -> Format:
        """What stands before a number."""
        return self.of(**({"align": "start"} | properties))

    def text(self) -> Format:
        """What takes several lines."""
        return self.of(text_wrap=True, valign="top", align="start")

    def heading(self) -> Format:
        """The line above a part of a sheet."""
        return self.of(bold=True, font_size=12, bottom=1, bottom_color=LINE, align="start")

    def header(self, number_format: str = "General", **properties: Any) -> Format:
        """A column's header in a table."""
        look = {"bold": True, "bg_color": WASH, "bottom": 1, "bottom_color": LINE}
        return self.of(number_format, **(look | properties))

    def input(self, unit: Unit) -> Format:
        """A cell that is meant to be changed; as it is typed: 180, not 180.0."""
        typed = unit in (DAYS, PERIODS, SCORE)
        look: dict[str, Any] = {"bg_color": INPUT, "border": 1, "border_color": LINE}
        return self.of("General" if typed else self.form(unit), align="right", **look)

    def warning(self) -> Format:
        """What must not be overlooked."""
        return self.of(bold=True, font_color=WARNING, align="start")


class FormulaSheet(Worksheet):  # type: ignore[misc]  # XlsxWriter carries no types
    """A sheet that remembers how formulas are spelled in files: newer functions have prefixes.

    XlsxWriter looks for each of them in each formula, which takes more than all the rest of
    writing it.
    """

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        return _spelled(formula, expand_future_functions)

    def _write_formula(
        self, row: int, col: int, formula: str, cell_format: Any = None, value: Any = 0
    ) -> int:
        spelled = self._prepare_formula(formula)
        if "_xlfn." in spelled or formula.startswith("{"):  # only newer functions may spill
            status: int = super()._write_formula(row, col, formula, cell_format, value)
            return status
        if self._check_dimensions(row, col):
            return -1
        self.table[row][col] = CellFormulaTuple(spelled, cell_format, value)
        return 0

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        # XlsxWriter takes errors and booleans of array formulas for texts and numbers.
        kind = {CellError: "e", bool: "b"}.get(type(getattr(cell, "value", None)))
        if kind is None or type(cell).__name__ != "ArrayFormula":
            super()._write_cell(row, col, cell)
            return
        attributes = [("r", xl_rowcol_to_cell(row, col)), ("s", number_of(cell.format))]
        attributes += [("cm", 1)] * (cell.atype == "dynamic")
        self._xml_start_tag("c", [*attributes, ("t", kind)])
        self._write_cell_array_formula(cell.formula, cell.range)
        self._write_cell_value(int(cell.value) if kind == "b" else cell.value)
        self._xml_end_tag("c")


ANY_SHEET = Worksheet()
CALL = re.compile(r"[\w.]+\(")


@lru_cache(maxsize=2**16)
def _spelled(formula: str, expand_future_functions: bool) -> str:
    text = formula.removeprefix("{").removeprefix("=").removesuffix("}")
    if "_xlfn." in text:  # so its author has spelled it
        return text
    return CALL.sub(lambda call: _spelled_call(call[0], expand_future_functions), text)


@lru_cache(maxsize=2**12)
def _spelled_call(call: str, expand_future_functions: bool) -> str:
    """The name of a function and its bracket, as XlsxWriter spells them."""
    spelled: str = ANY_SHEET._prepare_formula(call, expand_future_functions)
    return spelled


@dataclass(frozen=True)
class Given:
    """What a template has instead of formulas, where its rows are more than a sheet holds.

    `blocks` are the tables on the sheet Model by their titles, `values` cells by their names,
    `fixed` what settings were when the rows were counted. `rewritten` makes a formula one over
    those tables, on all sheets but Checks. `lead` is said over the input table `sampled`, and
    `sample` the figures of its rows that were counted elsewhere; `fine` is said where Checks finds
    nothing in it.
    """

    blocks: Mapping[str, Block]
    values: Mapping[str, Cell]
    fixed: Mapping[str, str | float]
    rewritten: Callable[[str], str]
    sampled: str
    lead: tuple[str, Mapping[str, str]]
    sample: Mapping[str, float]
    fine: str


FIXED = "Fixed when the orders were counted"


@dataclass(eq=False)
class Book:
    """A workbook being written: its language, and the values of its formulas once they are known.

    `before` are those that an earlier layout came to, if any: see `computed`.
    `blocks` are the cells of the input tables and of spills, which are written at the end.
    `inputs` are the input tables, `settings` the settings with the addresses of their cells,
    `given` what was computed elsewhere.
    """

    file: xlsxwriter.Workbook
    styles: Styles
    translate: Say
    right_to_left: bool
    before: Values
    blocks: list[CellBlock] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    pages: "dict[str, Page]" = field(default_factory=dict)
    headlines: list[Headline] = field(default_factory=list)
    checks: list[ProblemPlace] = field(default_factory=list)
    given: "Given | None" = None
    stated: dict[tuple[str, int, int], Block] = field(default_factory=dict)
    settings: list[tuple[Any, str]] = field(default_factory=list)
    amounts_where: "list[tuple[Page, tuple[int, int, int, int], str]]" = field(default_factory=list)
    """Blocks whose cells are amounts where a condition holds, which is that of the first."""
    months: "dict[tuple[str, int, int], tuple[Page, int, int]]" = field(default_factory=dict)
    """Cells with months, and those with their names, where no number format has these."""
    formulas: "list[tuple[Page, int, int]]" = field(default_factory=list)
    """The cells with formulas."""
    known: Values | None = None
    """The values of the formulas."""
    _assuming: bool = False
    _late: list[Callable[[], None]] = field(default_factory=list)
    _assumed: list[tuple[Callable[[], object], object]] = field(default_factory=list)

    def later(self, step: Callable[[], None]) -> None:
        """Do what needs values once these are known; it may write no formulas."""
        if self.known is None:
            self._late.append(step)
        else:
            step()

    @property
    def values(self) -> Values:
        """The values, for what is done later or assumed."""
        assert self.known is not None or self._assuming, "values are not known yet: see Book.later"
        return self.before if self.known is None else self.known

    def assumed(self, tell: Callable[[], Item]) -> Item:
        """What values tell of the layout: if they come to tell otherwise, all is laid out anew."""
        self._assuming = True
        told = tell()
        self._assuming = False
        self._assumed.append((tell, told))
        return told

    def holds(self, values: Values) -> bool:
        """Whether the layout is the right one for the values of its formulas, which it gets."""
        self.known = values
        if any(tell() != told for tell, told in self._assumed):
            return False
        for page, row, column in self.formulas:
            cells, value = page.sheet.table[row], page.value(row, column)
            plain = type(cells[column]).__name__ == "Formula"
            stored = BLANK if plain and value == "" else value
            cells[column] = cells[column]._replace(value=stored)
        for step in self._late:
            step()
        return True

    def say(self, text: str, **fields: object) -> str:
        """An English text in the workbook's language; its {fields} are filled in.

        The fields may be the sheets, too: {Orders} is what the sheet Orders is called here.
        """
        if isinstance(text, Proper):
            return str(text)
        phrase = self.translate(text)
        return phrase.format(**self.names, **fields) if "{" in phrase else phrase

    def phrase(self, text: str, cells: Mapping[str, str] = {}, **fields: object) -> str:
        """The same as a formula, in which other formulas fill in the fields that are `cells`."""
        formula = literal(self.say(text, **{name: f"{{{name}}}" for name in cells}, **fields))
        for name, cell in cells.items():
            formula = f'SUBSTITUTE({formula},"{{{name}}}",{cell})'
        return formula

    @property
    def names(self) -> dict[str, str]:
        """What each sheet is called in this language, by its English name."""
        return {title: page.name for title, page in self.pages.items()}

    def add_pages(self, titles: Iterable[str]) -> None:
        """Add sheets, by their English names, in order."""
        for title in titles:
            sheet = self.file.add_worksheet(self.translate(title), FormulaSheet)
            sheet.hide_gridlines(2)
            sheet.set_landscape()
            sheet.set_paper(9)
            sheet.fit_to_pages(1, 1)
            sheet.center_horizontally()
            sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
            sheet.set_footer("&L&8&F&C&8&A&R&8&P / &N")
            if self.right_to_left:
                sheet.right_to_left()
            self.pages[title] = Page(self, sheet)

    def at(self, title: str, *place: int) -> str:
        """The address of a cell or block of a sheet, for a formula: see Page.at."""
        return self.pages[title].at(*place)

    def broken_by_text(self, formula: str) -> str:
        """A formula that shows an error where text stands in a column of numbers that it is over.

        SUM, COUNT and their like would leave the text out, and show a figure all the same. What
        takes a single cell out of a column is no such formula. See Input.text_in.
        """
        over = SINGLE.sub("", formula)
        names = [
            table.text_in(column)
            for table in self.inputs
            if f"{table.name}[" in over
            for column in table.numeric
            if f"{table.name}[{column}]" in over
        ]
        if not names:
            return formula
        return f'=IF({"+".join(names)}=0,{formula.removeprefix("=")},"")'


@dataclass(frozen=True)
class Page:
    """A sheet being written. Rows and columns are counted from 0, as XlsxWriter does."""

    book: Book
    sheet: Worksheet

    @property
    def name(self) -> str:
        """What the sheet is called in the workbook's language."""
        return str(self.sheet.get_name())

    @property
    def styles(self) -> Styles:
        """The workbook's formats."""
        return self.book.styles

    def at(self, row: int, column: int, last_row: int = -1, last_column: int = -1) -> str:
        """The fixed address of a cell or a block, with the sheet's name: 'A sheet'!$A$1:$B$9."""
        last_row = row if last_row < 0 else last_row
        last_column = column if last_column < 0 else last_column
        return f"{quoted(self.name)}!{xl_range_abs(row, column, last_row, last_column)}"

    def define(
        self, name: str, row: int, column: int, last_row: int = -1, last_column: int = -1
    ) -> None:
        """Give a cell or a block a name that formulas use; names are English in every language."""
        self.book.file.define_name(name, f"={self.at(row, column, last_row, last_column)}")

    def write(self, row: int, column: int, text: str, style: Format, **fields: object) -> None:
        """Write one of the template's own texts, which is said in the workbook's language."""
        self.sheet.write_string(row, column, self.book.say(text, **fields), style)

    def sound(self, formula: str) -> str:
        """A formula as a sheet has it: see Book.broken_by_text. Checks is there to count texts."""
        if self is self.book.pages.get("Checks"):
            return formula
        if self.book.given:
            formula = self.book.given.rewritten(formula)
        return self.book.broken_by_text(formula)

    def put(
        self, row: int, column: int, formula: str, style: Format, *, as_it_is: bool = False
    ) -> None:
        """Write a formula of one cell; one that tells of texts, as it is."""
        formula = formula if as_it_is else self.sound(formula)
        self.sheet.write_formula(row, column, formula, style)
        self.book.formulas.append((self, row, column))

    def put_array(self, row: int, column: int, formula: str, style: Format) -> None:
        """The same for a formula that computes with whole columns on its way to one value."""
        self.sheet.write_dynamic_array_formula(row, column, row, column, self.sound(formula), style)
        self.book.formulas.append((self, row, column))

    def value(self, row: int, column: int) -> Cell:
        """The computed value of a cell, "" before anything is computed."""
        return self.book.values.get((self.name, row + 1, column + 1), "")

    def spilled(self, row: int, column: int) -> Block:
        """The computed table of a spilling formula; a single blank cell where there is none."""
        if (self.name, row, column) in self.book.stated:
            return self.book.stated[self.name, row, column]
        block = self.value(row, column)
        return block if isinstance(block, list) else [[block]]

    def spill(
        self, row: int, column: int, formula: str, header: Format, styles: Sequence[Format]
    ) -> None:
        """Write a formula that spills a table, in the end with all its values.

        The last of the columns' styles goes on for all further columns.
        """
        write = self.sheet.write_dynamic_array_formula
        write(row, column, row, column, formula, header)

        def fill() -> None:
            block = self.spilled(row, column)
            last = column + len(block[0]) - 1
            write(row, column, row, last, formula, header, block[0][0])
            for place, cell in enumerate(block[0][1:], start=column + 1):
                self.sheet.write(row, place, cell, header)
            looks = [styles[min(place, len(styles) - 1)] for place in range(len(block[0]))]
            columns = list(zip(*block[1:], strict=True))
            self.add_block(row + 1, column, columns, [(s, s) for s in looks])

        self.book.later(fill)

    def state(
        self, row: int, column: int, block: Block, header: Format, styles: Sequence[Format]
    ) -> Block:
        """Write a table of values where `spill` has a formula. Returns it."""
        self.book.stated[self.name, row, column] = block
        if isinstance(block[0][0], CellError):
            error = "NA()" if block[0][0] == NotEnoughData.code else block[0][0]
            self.put(row, column, f"={error}", header, as_it_is=True)
            return block
        for place, cell in enumerate(block[0], start=column):
            self.sheet.write(row, place, cell, header)
        looks = [styles[min(place, len(styles) - 1)] for place in range(len(block[0]))]
        self.add_block(row + 1, column, list(zip(*block[1:], strict=True)), [(s, s) for s in looks])
        return block

    def put_named(
        self, row: int, column: int, name: str, formula: str, style: Format, *, array: bool = False
    ) -> None:
        """Write a formula, or the value that was given for its name, and name the cell."""
        given = self.book.given
        stated = given.values.get(name) if given else None
        if stated == "":  # an empty cell would be a 0 for the formulas that refer to it
            self.put(row, column, '=""', style, as_it_is=True)
        elif stated is not None:
            self.sheet.write(row, column, stated, style)
        elif array:
            self.put_array(row, column, formula, style)
        else:
            self.put(row, column, formula, style)
        self.define(name, row, column)

    def mark(
        self, place: tuple[int, ...], condition: str, look: Mapping[str, Any], **options: bool
    ) -> None:
        """Give the cells of a block a look where a condition holds, which is that of the first."""
        style = self.book.file.add_format(look)
        rule = {"type": "formula", "criteria": f"={condition}", "format": style, **options}
        self.sheet.conditional_format(*place[:2], *place[-2:], rule)

    def add_block(
        self,
        row: int,
        column: int,
        columns: Sequence[Sequence[Cell]],
        styles: Sequence[tuple[Format, Format]],
    ) -> None:
        """CellBlock under a table's header or a spill's first row: see Block for the styles."""
        if not columns:
            return
        numbers = [(number_of(a), number_of(b)) for a, b in styles]
        last = row + len(columns[0]), column + len(columns)
        self.book.blocks.append(
            CellBlock(Area(self.name, row + 1, column + 1, *last), columns, numbers)
        )


def number_of(style: Format) -> int:
    """The number by which cells refer to a format."""
    return int(style._get_xf_index())  # as XlsxWriter itself asks for it, when it writes a cell


def new_book(
    file: io.BytesIO,
    marker: str,
    title: str,
    translate: Say,
    right_to_left: bool,
    values: Values,
    given: Given | None = None,
    written: Money = NO_CURRENCY,
) -> Book:
    """An empty workbook; the marker is how a report recognises its template.

    `written` says how it writes amounts.
    """
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False})
    book.set_properties({"title": translate(title), "created": MADE})
    book.set_custom_property("kpi_xl template", marker)
    book.set_size(2400, 1600)
    # Else Excel would compute all anew on opening, and show #NAME? where the add-in is not there.
    book.set_calc_mode("auto", 191029)
    book.calc_on_load = False
    styles = Styles(book, right_to_left, written)
    return Book(book, styles, translate, right_to_left, values, given=given)


class UnfitDataError(SaidError):
    """The data do not fit a sheet or its formulas, with the sentence that says which."""


def not_computed(reasons: Iterable[str]) -> Message:
    """The sentence that says why figures over the data are not sure; each cause once."""
    causes = [one for one in dict.fromkeys(reasons) if not one.startswith("it depends on")]
    told: Message | Names = Names(tuple(causes[:3]), "; ")
    if len(causes) > 3:
        told = Message("{names}; and {number} more", names=told, number=len(causes) - 3)
    return Message(
        "The figures would not surely be those that Excel computes: {causes}. Where names or"
        " numbers are not what they look like, put a letter before them",
        causes=told,
    )


Progress = Callable[[Message], None]
"""Is told what is done next."""


def unheard(_: Message) -> None:
    """Nobody looks on."""


def computed(write: Callable[[io.BytesIO, Values], Book], progress: Progress = unheard) -> Built:
    """A workbook whose formulas hold their values; `write` leaves it open.

    Its formulas are computed by the embedded host as they are written, and then get their values;
    all once more where these change the layout, because a table needs more room.
    """
    from kpi_xl.engine.embedded import compute  # so that the records are known without the engine

    with uncollected():
        values: Values = {}
        while True:
            file = io.BytesIO()
            progress(Message("1 of 3: writing the formulas"))
            book = write(file, values)
            package = drafted(book.file)
            formulas = Counted(len(package.formulas), "formulas")
            progress(Message("2 of 3: computing {formulas}", formulas=formulas))
            cells = [block._replace(styles=()) for block in book.blocks]
            result = compute(package, cells, quick=True)
            if result.refused:  # some only by that
                result = compute(package, cells)
            if result.refused:
                raise UnfitDataError(not_computed(result.refused.values()))
            values = result.values
            progress(Message("3 of 3: writing the data and the values"))
            if book.holds(values):
                break
        book.file.close()
        content = filled(file.getvalue(), book.blocks)
    shown = [(label, as_text(values[place], unit)) for label, place, unit in book.headlines]
    problems = []
    for check in book.checks:
        rows, first = values[check.rows], values.get(check.first, "")
        if isinstance(rows, float) and rows > 0.0:
            where = f"{first:.0f}" if isinstance(first, float) else str(first)
            problems.append(ProblemFound(check.label, int(rows), where))
    return Built(content, values, shown, problems)


def literal(text: str) -> str:
    """A text as formulas write it."""
    return '"' + text.replace('"', '""') + '"'


def ifs(cases: Iterable[tuple[str, str]], otherwise: str = '""') -> str:
    """What stands beside the first condition that holds: IF formulas within each other."""
    for condition, value in reversed(list(cases)):
        otherwise = f"IF({condition},{value},{otherwise})"
    return otherwise


def as_text(value: Cell, unit: Unit) -> str:
    """A value in a terminal, much as its cell shows it."""
    if isinstance(value, str):
        return value
    if unit is DATE:
        return day_of(value).isoformat()
    if unit.number_format == RATE.number_format:
        return f"{rounded(value * 100.0, 1):f}%"
    decimals = {COUNT.number_format: 0, SCORE.number_format: 1, PERIODS.number_format: 1}
    return f"{rounded(value, decimals.get(unit.number_format, 2)):,f}"
