"""What templates are made of: their records, and the parts of sheets that all of them share.

English is written in the code; every text that people read goes through `Book.say` once. Names of
functions, tables, their columns, and names that formulas use stay English in every language.
"""

import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from math import floor
from typing import Any, Literal, NamedTuple, TypeVar

from xlsxwriter.chart import Chart
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_range_abs, xl_rowcol_to_cell

from kpi_xl.cells import Block, Cell
from kpi_xl.locales import RIGHT_TO_LEFT, Message, say
from kpi_xl.locales.currencies import currencies, money
from kpi_xl.ooxml.addresses import LAST_ROW, quoted
from kpi_xl.reports import layout
from kpi_xl.reports.layout import LEAST_ROWS, Loaded
from kpi_xl.schema import Column, Input, Schema
from kpi_xl.serials import FIGURED_FROM, FIGURED_UNTIL, FIRST_YEAR, LAST_YEAR, serial
from kpi_xl.units import COUNT, DATE, KEY, LOGICAL, LONGEST_TEXT, MONEY, RATE, TEXT, Unit

from .amounts import CENTS_UNTIL, sign_amounts
from .writing import (
    BAR,
    BLUE,
    COLOURS,
    FIXED,
    HEAT,
    INK,
    INPUT,
    LINE,
    MUTED,
    NO_COLOUR,
    ORANGE,
    WARN,
    WARNING,
    Book,
    Built,
    Given,
    Headline,
    Page,
    ProblemPlace,
    Progress,
    Proper,
    Say,
    UnfitDataError,
    Values,
    computed,
    ifs,
    literal,
    new_book,
    unheard,
)

Data = Mapping[str, Mapping[str, Sequence[Cell]]]
"""The rows of each input table, by table and column: text, numbers, dates, None for a blank."""

PAGE = 40  # rows of data that are printed
LEAST_PRINTED = 8  # columns of them, for the line under the title
HEADER = 3  # the row of the input tables' headers, counted from 0: row 4 in Excel
Item = TypeVar("Item")

FIRST_ROW = "MATCH(1,"  # what needs whole columns in the formulas of `where`
NESTED = 25  # conditions within each other, of which Excel takes 64
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


SOURCES = Sheet("Sources", "The files that the tables are loaded from.")
"""The last sheet of every template."""

EMPTY = Sentence("Nothing has been filled in yet.")
FILLED = layout.FILLED

FUNCTIONS = {
    "excel": "Functions such as =CAC() and =COHORT() come from kpi_xl, a free Python package:"
    " pip install kpi-xl. With it the figures follow every change. Without it this workbook shows"
    " those that were computed when it was made, and an edit turns them into #NAME?: for people"
    " without it, make a copy with Freeze for sharing.",
    "server": "Functions such as =CAC() and =COHORT() come from the add-in kpi_xl, which your"
    " company's server provides. With it the figures follow every change. Without it this"
    " workbook shows those that were computed when it was made, and an edit turns them into"
    " #NAME?: for people without it, make a copy with Freeze for sharing.",
    "lite": "Functions such as =CAC() and =COHORT() come from kpi_xl, which this workbook brings"
    " along for the add-in xlwings Lite (free: Home, Add-ins, search for xlwings). With it the"
    " figures follow every change. Without it this workbook shows those that were computed when it"
    " was made, and an edit turns them into #NAME?: for people without it, make a copy with Freeze"
    " for sharing.",
}
"""Where the functions come from, by the host that the workbook is for."""


def build(
    template: Template,
    data: Data,
    about: Sentence = EMPTY,
    language: str = "en",
    translate: Say | None = None,
    loaded: Sequence[Loaded] = (),
    host: str = "excel",
    given: Given | None = None,
    progress: Progress = unheard,
    currency: str = "",
) -> Built:
    """A template's workbook of these data, in a language; `about` says where they come from.

    `loaded` is what was read from files, for the sheet Sources, `given` what was computed where
    the rows are; `progress` is told what is done. `currency` is the code of that in which all
    amounts are; without one its user may choose it. Without data the workbook is ready to be
    filled. Raises UnfitDataError.
    """
    translate = translate or partial(say, language=language)
    right_to_left = language in RIGHT_TO_LEFT

    def write(file: io.BytesIO, values: Values) -> Book:
        written = money(currency, language)
        book = new_book(
            file, template.name, template.title, translate, right_to_left, values, given, written
        )
        titles = [sheet.title for sheet in (*template.sheets, SOURCES)]
        book.add_pages(["Start", *titles])
        book.inputs.extend(template.inputs)
        start(book, template, about, host)
        for table in template.inputs:
            fill(book.pages[table.name], table, data.get(table.name, {}))
        source_list(book.pages["Sources"], template, language, loaded, currency)
        template.write(book)
        missing_functions(book.pages["Start"], 2, 1)
        sign_amounts(book, currency, language)
        book.pages["Start"].sheet.activate()
        return book

    return computed(write, progress)


# Sheets that every template has


NOTES = (
    (
        "Yellow cells",
        "Yellow cells are for you to fill. All others are formulas: leave them as they are.",
    ),
    (
        "Currency",
        "Amounts have the sign of the currency on the sheet {Sources}: where it is yellow, choose"
        " yours.",
    ),
    (
        "Printing",
        "Of a sheet with data the first page is printed; clear its print area to print all.",
    ),
    (
        "A single sheet",
        "To hand on a single sheet, choose Freeze for sharing first: in another document it has"
        " lost the tables that its formulas are over.",
    ),
)
"""What else to know of every template."""


def start(book: Book, template: Template, about: Sentence, host: str) -> None:
    """What to do, what each sheet says, how to get the functions."""
    page, styles = book.pages["Start"], book.styles
    page.sheet.set_column(0, 0, 3)
    page.sheet.set_column(1, 1, 24)
    page.sheet.set_column(2, 2, 100)
    text = styles.text()
    strong = styles.of(bold=True, valign="top", align="start")
    link = styles.of(font_color=BLUE, underline=1, valign="top", align="start")
    headline(page, template.title, template.about, 1)
    row = 3

    def line(meaning: str) -> None:
        page.sheet.write_string(row, 2, meaning, text)
        page.sheet.set_row(row, 16 * lines(meaning, 90))

    section(page, row, 1, 2, "How to use it")
    for number, step in enumerate(template.steps, start=1):
        row += 1
        page.sheet.write_number(row, 1, number, strong)
        line(book.say(step))
    row += 2
    section(page, row, 1, 2, "The sheets")
    for sheet in (*template.sheets, SOURCES):
        row += 1
        name = book.pages[sheet.title].name
        page.sheet.write_url(row, 1, f"internal:{quoted(name)}!A1", link, name)
        line(book.say(sheet.meaning))
    row += 2
    section(page, row, 1, 2, "Good to know")
    for label, note in (*template.notes, *NOTES, ("Functions", FUNCTIONS[host])):
        row += 1
        page.write(row, 1, label, strong)
        line(book.say(note))
    page.define(layout.FUNCTIONS, row, 2)
    row += 1
    page.write(row, 1, "The data", strong)
    line(book.say(about.text, **about.fields))
    page.define(layout.ABOUT, row, 2)
    page.sheet.print_area(0, 0, row + 1, 2)


def fill(page: Page, table: Input, data: Mapping[str, Sequence[Cell]]) -> None:
    """An input table with its rows, as an Excel table that grows with what is put below it.

    Above its header stand the columns' names in the workbook's language. Raises UnfitDataError.
    """
    sheet, styles, say = page.sheet, page.styles, page.book.say
    headline(page, table.name, table.lead)
    given = page.book.given
    if given and given.sampled == table.name:
        text, fields = given.lead
        page.write(1, 0, text, styles.warning(), **fields)
    sheet.set_tab_color(INPUT)
    rows = max(map(len, data.values()), default=0)
    if HEADER + 1 + rows > LAST_ROW:
        raise UnfitDataError(
            Message("{name} has {rows} rows, more than a sheet has", name=table.name, rows=rows)
        )
    header = styles.header(bg_color=INPUT, align="start")
    caption = styles.lead(text_wrap=True, font_size=9, valign="bottom")
    # The table is made as long as its rows when these are written.
    sheet.add_table(
        HEADER, 0, HEADER + 1, len(table.columns) - 1,
        {"name": table.name, "style": "Table Style Light 1",
         "columns": [{"header": column.name, "header_format": header}
                     for column in table.columns]},
    )  # fmt: skip
    columns, looks = [], []
    for place, column in enumerate(table.columns):
        words = column.unit in (KEY, TEXT)
        look = {"align": "start" if words else "center" if column.unit is DATE else "right"}
        style = styles.number(column.unit, bg_color=INPUT, **look)
        label = say(column.label)
        width = max(18 if words else 13, len(column.name) + 5, min(wide(label), 22))
        sheet.set_column(place, place, width, styles.number(column.unit, **look))
        sheet.write_string(HEADER - 1, place, label, caption)
        needed = "Required." if column.filled else "May be left blank."
        remark(page, HEADER, place, "\n".join((say(column.note), say(needed))))
        validate(page, place, column)
        marked = styles.number(column.unit, bg_color=INPUT, quote_prefix=True, **look)
        looks.append((style, marked))
        cells = as_written(data.get(column.name, ()))
        columns.append([*cells, *[None] * (max(rows, LEAST_ROWS) - len(cells))])
    page.add_block(HEADER + 1, 0, columns, looks)
    sheet.set_row(HEADER - 1, 26)
    sheet.freeze_panes(HEADER + 1, 1)
    # On paper a page of it will do, but for those who ask for all: Start says how.
    sheet.print_area(0, 0, HEADER + PAGE, max(len(table.columns), LEAST_PRINTED) - 1)
    sheet.repeat_rows(HEADER)
    sheet.fit_to_pages(1, 0)


SOURCE_NOTES = {
    "file": "CSV, Parquet, an Excel workbook, or a table of a database that your settings name, as"
            " in warehouse:public.orders. A path begins at the folder of this workbook:"
            " data/orders.csv.",
    "columns": "Only where the names differ, as in: Lead source=channel; Deal=value. What else the"
               " file does not say: --dates dmy; --set channel=Meta; --where Status=Paid",
}  # fmt: skip


CURRENCY = Setting(
    layout.CURRENCY,
    "Currency",
    "",
    TEXT,
    "Amounts on all sheets have its sign; blank: none.",
    tuple(map(Proper, currencies())),
)
CURRENCY_FIXED = "That of the workbook since it was made: kpi-xl fill makes one in another."


def currency_setting(page: Page, row: int, currency: str) -> None:
    """The cell of the workbook's currency, which is there to choose unless it was made in one."""
    page.write(row, 0, CURRENCY.label, page.styles.label())
    page.write(row, 2, CURRENCY_FIXED if currency else CURRENCY.meaning, page.styles.lead())
    if currency:
        page.sheet.write_string(row, 1, currency, page.styles.label())
        page.define(CURRENCY.name, row, 1)
    else:
        put_setting(page, row, 1, CURRENCY)


def source_list(
    page: Page, template: Template, language: str, loaded: Sequence[Loaded], currency: str
) -> None:
    """Which file each input table is loaded from; above it, what a report knows the workbook by."""
    sheet, styles = page.sheet, page.styles
    headline(page, "Sources", "Name a file for each table; the button Refresh report loads them.")
    for row, label, name, stored in (
        (3, "Template", layout.TEMPLATE, template.name),
        (4, "Language", layout.LANGUAGE, language),
    ):
        page.write(row, 0, label, styles.label())
        sheet.write_string(row, 1, stored, styles.label())
        page.define(name, row, 1)
    currency_setting(page, 5, currency)
    top = 7
    words = styles.label(bg_color=INPUT, text_wrap=True)
    looks = {
        "table": (16, "Table", styles.label(bold=True)),
        "file": (34, "File", words),
        "columns": (34, "What the file calls our columns", words),
        "loaded": (17, "Loaded", styles.of(layout.STAMP, align="center")),
        "rows": (11, "Rows", styles.number(COUNT)),
        "remarks": (70, "What was left out or changed", styles.label(text_wrap=True)),
    }
    header = styles.header(align="start")
    # A table that several files go to has several rows.
    records = [
        record
        for table in template.inputs
        for record in [one for one in loaded if one.table == table.name] or [Loaded(table.name)]
    ]
    sheet.add_table(
        top, 0, top + len(records), len(looks) - 1,
        {"name": layout.SOURCES, "style": "Table Style Light 1",
         "columns": [{"header": name, "header_format": header} for name in layout.SOURCE_COLUMNS]},
    )  # fmt: skip
    caption = styles.lead(text_wrap=True, font_size=9, valign="bottom")
    for place, (width, label, _) in enumerate(looks.values()):
        sheet.set_column(place, place, width)
        page.write(top - 1, place, label, caption)
    for name, note in SOURCE_NOTES.items():
        remark(page, top, layout.SOURCE_COLUMNS.index(name), page.book.say(note))
    for row, record in enumerate(records, start=top + 1):
        for place, name in enumerate(layout.SOURCE_COLUMNS):
            write_value(page, row, place, getattr(record, name), looks[name][2])
    sheet.freeze_panes(top + 1, 1)
    sheet.print_area(0, 0, top + len(records), len(looks) - 1)


def remark(page: Page, row: int, column: int, text: str) -> None:
    """A comment that is as large as its text."""
    size = {"x_scale": 1.6, "y_scale": 0.2 * (lines(text, 30) + 2)}
    page.sheet.write_comment(row, column, text, size)


def write_value(page: Page, row: int, column: int, value: Any, style: Format) -> None:
    """A text, a number, a date or a blank cell."""
    if value is None or value == "":
        page.sheet.write_blank(row, column, None, style)
    elif isinstance(value, str):
        page.sheet.write_string(row, column, value, style)
    else:
        page.sheet.write_number(
            row, column, serial(value) if isinstance(value, date) else value, style
        )


def as_written(cells: Sequence[Cell]) -> Sequence[Cell]:
    """A column of data as a file has it: a day is a number. Raises UnfitDataError."""
    kinds = set(map(type, cells))
    if kinds <= {float}:
        return cells
    if kinds <= {date, datetime, type(None)}:
        known = {day: None if day is None else floor(serial(day)) for day in set(cells)}
        return list(map(known.__getitem__, cells))
    longest = max((cell for cell in cells if isinstance(cell, str)), key=len, default="")
    if len(longest) > LONGEST_TEXT:
        raise UnfitDataError(
            Message(
                "a text of {number} characters is more than a cell holds: {longest} ...",
                number=len(longest),
                longest=repr(longest[:20]),
            )
        )
    return [
        floor(serial(cell)) if isinstance(cell, date) else None if cell == "" else cell
        for cell in cells
    ]


def validate(page: Page, place: int, column: Column) -> None:
    """What the cells of a column accept, down to the last row of the sheet."""
    say = page.book.say
    rule: dict[str, Any]
    if column.choices:
        named = isinstance(column.choices, str)
        source = f"={column.choices}" if named else list(column.choices)
        rule = {
            "validate": "list",
            "source": source,
            "error_type": "warning",
            "error_message": say("This is not in the list. Keep it all the same?"),
        }
    elif column.unit in (KEY, TEXT, LOGICAL):
        return
    else:
        rule = accepted(page, column.unit)
    rule |= {"error_title": column.name[:32]}
    page.sheet.data_validation(HEADER + 1, place, LAST_ROW - 1, place, rule)


def accepted(page: Page, unit: Unit) -> dict[str, Any]:
    """The rule for cells that take dates or numbers of a unit."""
    if unit is DATE:
        return {
            "validate": "date",
            "criteria": "between",
            "minimum": date(FIRST_YEAR, 1, 1),
            "maximum": date(LAST_YEAR + 1, 1, 1),
            "error_message": page.book.say("A date is wanted here, such as 2025-01-31."),
        }
    return {
        "validate": "decimal",
        "criteria": ">=",
        "value": 0 if unit is COUNT else -1e300,
        "error_message": page.book.say("A number is wanted here."),
    }


FOUND = Problem(
    "Found when the data were loaded or checked",
    f"=MAX({layout.FINDING_COUNT},COUNTA({layout.FINDINGS}))",
    "",
    "They are listed at the end of this sheet.",
)
"""The problem that every template has: its list is the report's to write."""


def left_below(page: Page, table: Input) -> Problem:
    """The problem that rows stand below a table, where no formula counts them."""
    name, last = quoted(page.book.names[table.name]), LAST_ROW
    counts = ",".join(
        f"COUNTA({name}!{xl_range_abs(HEADER, place, last - 1, place)})-1-COUNTA({cells})"
        for place, cells in enumerate(f"{table.name}[{one.name}]" for one in table.columns)
    )
    first = table.columns[0].name
    return Problem(
        "Rows below the table {table}, not counted",
        f"=MAX({counts})",
        f"=ROW({table.name}[[#Headers],[{first}]])+ROWS({table.name}[{first}])+1",
        "Draw the table's lower corner down over them, or move them elsewhere.",
        table.name,
    )


def has_text(columns: Iterable[str]) -> str:
    """The condition, in formulas, that a text stands among the numbers of some columns."""
    columns = list(columns)
    return "{}>{}".format(
        *("+".join(f"{count}({cells})" for cells in columns) for count in ("COUNTA", "COUNT"))
    )


SPACES = " \u00a0\u3000"
"""Those that a name may have at its ends: that of the keyboard, one of web pages, a wide one."""


def padded(cells: str, spaces: str = SPACES) -> str:
    """The formula for how many names of a column have a space before or after them."""
    patterns = (pattern for space in spaces for pattern in (f"*{space}", f"{space}*"))
    return "+".join(f'COUNTIF({cells},"{pattern}")' for pattern in patterns)


TEXTS = "Texts in place of numbers or dates in {table}"


def texts(page: Page, table: Input) -> Problem:
    """The problem that texts stand where a table has numbers or dates; its first cell."""
    columns = {name: f"{table.name}[{name}]" for name in table.numeric}
    return Problem(
        TEXTS,
        "=COUNTA({0})-COUNT({0})".format(",".join(columns.values())),
        first_cell(table, (
            (name, has_text([cells]), f'IF(COUNTIF({cells},"*")=0,{NOWHERE},MATCH("*",{cells},0))')
            for name, cells in columns.items()
        )),
        "Type them anew, as numbers or dates: until then figures over them show an error, or"
        " nothing.",
        table.name,
    )  # fmt: skip


def other_years(page: Page, table: Input) -> Problem | None:
    """The problem that days are in years that no data are of, or more than a year from all others.

    The latter is asked of the days that every row has: an end may be long after all others. Of
    weeks a template tells itself which are years away from the middle: those are in no figure.
    """
    early, late = f'COUNTIF({{0}},"<{FIGURED_FROM}")', f'COUNTIF({{0}},">={FIGURED_UNTIL + 1}")'
    after = f"IF(COUNT({{0}})<3,0,(LARGE({{0}},1)-LARGE({{0}},2)>{YEAR})*1)"
    before = f"IF(COUNT({{0}})<3,0,(SMALL({{0}},2)-SMALL({{0}},1)>{YEAR})*1)"
    some = f"IF({early}+{late}>0,{early}+{late},{after}+{before})"
    columns = [one.name for one in table.columns if one.unit is DATE and not one.weekly]
    return wrong_cells(
        "Days that may be of a wrong year in {table}",
        table,
        {name: some if name == table.counted else f"{early}+{late}" for name in columns},
        f"IF({early}>0,{farthest('MIN')},IF({late}+{after}>0,{farthest('MAX')},{farthest('MIN')}))",
        "Before 1990, after 2099, or more than a year from all others: correct the year, if it is"
        " wrong.",
    )


YEAR = 366  # days


def below_0(page: Page, table: Input) -> Problem | None:
    """The problem that numbers are below 0 which are counts or costs; the first cell."""
    return wrong_cells(
        "Numbers below 0 in {table}",
        table,
        {one.name: 'COUNTIF({0},"<0")' for one in table.columns if one.at_least_0},
        farthest("MIN"),
        "Correct them: a count is 0 or more. Costs that were given back may stay.",
    )


def no_names(page: Page, table: Input) -> Problem | None:
    """The problem that a table has nothing of a name where it has names; the column."""
    # In Calc, "*" is like numbers and errors, too, which would make it less than 0.
    wrong = 'MAX(0,COUNTA({0})-COUNT({0})-COUNTIF({0},"*"))+COUNTIF({0}," ")'
    return wrong_cells(
        "Errors or spaces in place of names in {table}",
        table,
        {one.name: wrong for one in table.columns if one.unit is KEY},
        NOWHERE,
        "Errors, TRUE, FALSE and spaces alone are no names: type them anew.",
    )


def alike(page: Page, table: Input) -> Problem | None:
    """The problem that names differ in so little that they may be one; the first two."""
    names = [table.alike_in(one.name) for one in table.columns if one.alike]
    if not names:
        return None
    return Problem(
        "Names written in several ways in {table}",
        f"={'+'.join(names)}",
        f"={ifs((f'N({name})>0', f'{name}_first') for name in names)}",
        "They differ in capitals, spaces, dots or forms of letters alone. Are they one? Then write"
        " them alike.",
        table.name,
    )


def farthest(extreme: str) -> str:
    """The formula for the place of the least or the greatest number of a column, {0}."""
    return f"MATCH({extreme}({{0}}),{{0}},0)"


def wrong_cells(
    label: str, table: Input, counts: Mapping[str, str], place: str, advice: str
) -> Problem | None:
    """The problem that columns have cells that they cannot have; None where there is no such one.

    `counts` are formulas for how many, by column, `place` one for where the first is; each over the
    column, {0}.
    """
    if not counts:
        return None
    found = {name: count.format(f"{table.name}[{name}]") for name, count in counts.items()}
    cases = (
        (name, f"{count}>0", place.format(f"{table.name}[{name}]")) for name, count in found.items()
    )
    return Problem(label, f"={'+'.join(found.values())}", first_cell(table, cases), advice,
                   table.name)  # fmt: skip


NOWHERE = "0"
"""The place in a column of what no formula finds in all programs: an error, TRUE or FALSE."""


def first_cell(table: Input, cases: Iterable[tuple[str, str, str]]) -> str | tuple[str, ...]:
    """Formulas for the address of the first wrong cell of the first column that has any.

    A case is a column's name, the condition that it has one, and that one's place in it. Where that
    is NOWHERE, the whole column is said, as K:K.
    """
    letters = {column.name: xl_col_to_name(place) for place, column in enumerate(table.columns)}
    pieces = []
    for some in batched(cases, NESTED):
        found = []
        for name, condition, place in some:
            row = f"ROW({table.name}[[#Headers],[{name}]])+{place}"
            row = f'IF({place}={NOWHERE},":{letters[name]}",{row})'
            found.append((condition, f'"{letters[name]}"&{row}'))
        pieces.append(f"={ifs(found)}")
    return pieces[0] if len(pieces) == 1 else tuple(pieces)


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Items in lists of a size, the last one perhaps shorter."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def checks(page: Page, agreements: Sequence[Agreement], problems: Sequence[Problem]) -> None:
    """What is wrong with the data, and the KPI functions held against native formulas.

    The name ProblemRows counts the former, Agreed says of each of the latter whether it agrees;
    FirstText is the first cell that is text where a number is wanted, behind its sheet's name.
    """
    say = page.book.say
    kinds: tuple[Callable[[Page, Input], Problem | None], ...]
    kinds = (left_below, texts, no_names, other_years, below_0, alike)
    shared = filter(None, (kind(page, table) for kind in kinds for table in page.book.inputs))
    problems = (*problems, *shared, wrong_settings(page.book))
    labels = [named(page, problem) for problem in problems] + [say(one.label) for one in agreements]
    widen(page, 0, 52, labels)
    page.sheet.set_column(1, 3, 18)
    widen(page, 4, 70, [say(problem.advice) for problem in problems])
    lead = "Problems of the data first; then figures computed twice, which must agree."
    headline(page, "Checks", lead)
    row = problem_rows(page, HEADER + 1, (*problems, FOUND))
    row = agreement_rows(page, row + 3, agreements) + 3
    section(page, row - 1, 0, 4, "Found when the data were loaded or checked")
    headers = ("where", "", "row", "", "what to do")
    header_row(page, row, 0, headers, text=(4,))
    page.sheet.write_blank(row, 1, None, page.styles.header("0"))
    page.define(layout.FINDING_COUNT, row, 1)
    names_alike(page, broken_columns(page))
    last = row + layout.FINDINGS_ROOM
    page.define(layout.FINDINGS, row + 1, 0, last, 0)
    page.sheet.freeze_panes(2, 0)
    page.sheet.print_area(0, 0, last + 1, 4)


def broken_columns(page: Page) -> int:
    """A cell for each column of numbers: 0, an error where text stands in it. It is not printed.

    Returns the row below.
    """
    row = HEADER + 1
    for table in page.book.inputs:
        for column in table.numeric:
            cells = f"{table.name}[{column}]"
            page.sheet.write_string(row, ASIDE_TEXTS, cells, page.styles.lead())
            formula = f"=IF({has_text([cells])},#VALUE!,0)"
            page.put(row, ASIDE_TEXTS + 1, formula, page.styles.lead())
            page.define(table.text_in(column), row, ASIDE_TEXTS + 1)
            row += 1
    return row


def names_alike(page: Page, row: int) -> None:
    """Two cells for each column of names: how many are like others, and the first such pair."""
    style = page.styles.lead()
    for table in page.book.inputs:
        for column in (one for one in table.columns if one.alike):
            cells, name = f"{table.name}[{column.name}]", table.alike_in(column.name)
            pairs = f"NAMES_ALIKE({column.alike.format(cells)})"
            page.sheet.write_string(row, ASIDE_TEXTS, cells, style)
            found = f"=IF(COUNTA({cells})=0,0,ROWS({pairs})-1)"
            page.put_array(row, ASIDE_TEXTS + 1, found, style)
            page.define(name, row, ASIDE_TEXTS + 1)
            pair = f'=IF(N({name})=0,"",INDEX({pairs},2,1)&" / "&INDEX({pairs},2,2))'
            page.put_array(row, ASIDE_TEXTS + 2, pair, style)
            page.define(f"{name}_first", row, ASIDE_TEXTS + 2)
            row += 1


WRONG = {"bold": True, "font_color": "#8A3B00", "bg_color": "#FBE3D3"}
"""How a cell looks that tells of something wrong."""


def problem_rows(page: Page, row: int, problems: Sequence[Problem]) -> int:
    """What is wrong with the data, from a header on. Returns the last row."""
    styles = page.styles
    section(page, row - 1, 0, 4, "The data")
    header_row(page, row, 0, ("problem", "how many", "first in row", "", "what to do"), text=(4,))
    for problem in problems:
        row += 1
        page.sheet.write_string(row, 0, named(page, problem), styles.label())
        page.put(row, 1, counted(problem.found), styles.number(COUNT, bold=True))
        first_row = problem.first
        if isinstance(first_row, tuple):
            for place, piece in enumerate(first_row, start=ASIDE):
                page.put_array(row, place, piece, styles.lead())
            places = (xl_rowcol_to_cell(row, ASIDE + n) for n in range(len(first_row)))
            first_row = ifs((f'{cell}<>""', cell) for cell in places)
        if first_row:
            put = page.put_array if FIRST_ROW in first_row else page.put
            formula = blank_if(f"{xl_rowcol_to_cell(row, 1)}=0", first_row)
            put(row, 2, formula, styles.of("0", align="right"))
            if problem.label == WRONG_SETTINGS:
                page.define("WrongSetting", row, 2)
        places = ((page.name, row + 1, column) for column in (2, 3))
        page.book.checks.append(ProblemPlace(named(page, problem), *places))
        page.write(row, 4, problem.advice, styles.lead())
    first = row - len(problems) + 1
    page.define("ProblemRows", first, 1, row, 1)
    first_text(page, first, problems)
    look = page.book.file.add_format({**WRONG, "num_format": '"▲ "0'})
    rule = {"type": "cell", "criteria": ">", "value": 0, "format": look}
    page.sheet.conditional_format(first, 1, row, 1, rule)
    return row


ONLY_COLUMNS = re.compile(r'"[^"]*"|COUNTA\([^)]*\)|\w+\[[^\]]*\]|[A-Z.]+\(')
"""Texts, what counts errors, too, columns of tables, and functions, in a formula."""
BESIDES_COLUMNS = re.compile("[A-Za-z]")


def counted(found: str) -> str:
    """How often there is a problem, for `status` to add up; 0 where nobody can know.

    What the sheets compute of a column is an error where text stands in it, which is told itself.
    """
    if not BESIDES_COLUMNS.search(ONLY_COLUMNS.sub("", found)):
        return found
    count = found.removeprefix("=")
    return f"=IF(ISNUMBER({count}),{count},0)"


def named(page: Page, problem: Problem) -> str:
    """What a problem is called in the workbook's language."""
    return page.book.say(problem.label, table=page.book.names.get(problem.table, ""))


def first_text(page: Page, first: int, problems: Sequence[Problem]) -> None:
    """The first cell that is text where a number is wanted, in a cell of that name."""
    cases = []
    for row, problem in enumerate(problems, start=first):
        if problem.label == TEXTS:
            sheet = quoted(page.book.names[problem.table])
            found, cell = (xl_rowcol_to_cell(row, column) for column in (1, 2))
            cases.append((f"{found}>0", f"{literal(sheet + '!')}&{cell}"))
    page.put(first - 2, 2, f"={ifs(cases)}", page.styles.warning())
    page.define("FirstText", first - 2, 2)


def agreement_rows(page: Page, row: int, agreements: Sequence[Agreement]) -> int:
    """Figures computed twice, from a header on. Returns the last row."""
    styles = page.styles
    section(page, row - 1, 0, 4, "Figures computed twice")
    header_row(page, row, 0, ("figure", "KPI function", "native formula", "agree?", ""))
    yes, no = map(page.book.phrase, ("✓ yes", "✗ no"))
    first = row + 1
    for agreement in agreements:
        row += 1
        page.write(row, 0, agreement.label, styles.label())
        page.put(row, 1, agreement.kpi, styles.number(agreement.unit))
        page.put(row, 2, agreement.native, styles.number(agreement.unit))
        kpi, native = xl_rowcol_to_cell(row, 1), xl_rowcol_to_cell(row, 2)
        same = f"ABS({kpi}-{native})<=0.000000001*(1+ABS({native}))"
        agree = f'IF({kpi}="",IF({native}="","",{no}),IF({native}="",{no},IF({same},{yes},{no})))'
        agree = f"=IF(ISERROR({kpi}),{no},IF(ISERROR({native}),{no},{agree}))"
        page.put(row, 3, agree, styles.of(bold=True, align="right"))
    page.define("Agreed", first, 3, row, 3)
    look = page.book.file.add_format(WRONG)
    rule = {"type": "cell", "criteria": "==", "value": no, "format": look}
    page.sheet.conditional_format(first, 3, row, 3, rule)
    return row


def where(table: Input, condition: str) -> tuple[str, str]:
    """Formulas for how many rows of a table meet a condition, and for the first one's sheet row.

    The condition is a product of columns' comparisons: (Leads[won_date]<>"")*(Leads[value]="").
    """
    column = f"{table.name}[{table.columns[0].name}]"
    header = f"ROW({table.name}[[#Headers],[{table.columns[0].name}]])"
    count = f"SUMPRODUCT({condition})"
    # In a single row there is nothing to search.
    first = f"=IF({count}=ROWS({column}),{header}+1,{header}+{FIRST_ROW}{condition},0))"
    return f"={count}", first


def spend_gaps(table: Input, without_month: str) -> tuple[Problem, ...]:
    """The problems that rows of spend lack what they cost, or their month, and what follows."""
    month, spend = (f'({table.name}[{column}]="")' for column in ("month", "spend"))
    return (
        Problem("Spend without an amount", *where(table, f"(1-{month})*{spend}"),
                "Enter what it cost, 0 if it was nothing: until then it counts as nothing."),
        Problem("Spend without a month", *where(table, f"{month}*(1-{spend})"), without_month),
    )  # fmt: skip


def status(page: Page, row: int, column: int, table: Input) -> None:
    """Say in one cell what is next: fill the table, look at the sheet Checks, or nothing."""
    book = page.book
    rows, figures = "SUM(ProblemRows)", f"COUNTIF(Agreed,{book.phrase('✗ no')})"
    wrong = book.phrase(
        "Rows of data to look at: {rows}; figures computed twice that do not agree: {figures}. See"
        " the sheet {Checks}.",
        {"rows": f'TEXT({rows},"#,##0")', "figures": f'TEXT({figures},"0")'},
    )
    first = '""'
    for cell, told in (
        ("FirstText", "{cell} is text, where a number or a date is wanted."),
        ("WrongSetting", "The setting in {cell} is empty or impossible."),
    ):
        first = f'IF({cell}="",{first},{book.phrase(told, {"cell": cell})}&" ")'
    fine = "The checks have found no problem in the data."
    if book.given and book.given.sampled == table.name:
        fine = book.given.fine
    cases = (
        ('MissingFunctions<>""', "MissingFunctions"),
        (f"{rows}+{figures}>0", f"{first}&{wrong}"),
        (table.empty, book.phrase("Nothing to show yet: fill the sheet {table}.",
                                  table=book.names[table.name])),
    )  # fmt: skip
    formula = f"={ifs(cases, book.phrase(fine))}"
    page.put(row, column, formula, page.styles.lead(), as_it_is=True)
    page.mark((row, column), f'IF(MissingFunctions<>"",TRUE,{rows}+{figures}>0)', WARN)


def missing_functions(page: Page, row: int, column: int) -> None:
    """Say in one cell, named MissingFunctions, that figures show #NAME?, and what to do.

    Our functions are not asked: where they are missing, they say nothing.
    """
    places = [headline.place for headline in page.book.headlines]
    cells = [f"{quoted(sheet)}!{xl_rowcol_to_cell(r - 1, c - 1)}" for sheet, r, c in places]
    unnamed = "IF(ISERROR({0}),(ERROR.TYPE({0})={1})*1,0)"
    unknown = "+".join(unnamed.format(cell, NAME_ERROR) for cell in cells)
    text = page.book.say(
        "Figures show #NAME?: this program does not have the functions of kpi_xl. Undo the edit,"
        " and install kpi_xl, or ask for a copy that was frozen for sharing."
    )
    page.put(row, column, f'=IF({unknown}>0,{literal(text)},"")', page.styles.warning())
    page.define("MissingFunctions", row, column)


# Parts of sheets


def headline(page: Page, title: str, lead: str, column: int = 0) -> None:
    """A sheet's title and the line under it."""
    page.sheet.set_row(0, 30)
    page.write(0, column, title, page.styles.title())
    page.write(1, column, lead, page.styles.lead())


def section(page: Page, row: int, first: int, last: int, title: str) -> None:
    """A heading with a line across some columns."""
    page.write(row, first, title, page.styles.heading())
    for column in range(first + 1, last + 1):
        page.sheet.write_blank(row, column, None, page.styles.heading())


def paragraphs(page: Page, row: int, columns: tuple[int, int], texts: Iterable[str]) -> int:
    """Texts below each other, across some columns and three rows each. Returns the row below."""
    for words in texts:
        page.sheet.merge_range(row, columns[0], row + 2, columns[1], "", page.styles.text())
        page.write(row, columns[0], words, page.styles.text())
        row += 3
    return row


def header_row(
    page: Page, row: int, first: int, headers: Sequence[str], text: Sequence[int] = ()
) -> None:
    """The header of a table: the first and those named in `text` over text, others over numbers.

    It has room for two lines, which some language needs nearly everywhere, or more.
    """
    deep = max(
        lines(page.book.say(header), width_of(page, first + place))
        for place, header in enumerate(headers)
        if header
    )
    page.sheet.set_row(row, 16 * max(deep, 2))
    for place, header in enumerate(headers):
        align = "start" if place in (0, *text) else "right"
        style = page.styles.header(align=align, text_wrap=True, valign="bottom")
        if header:
            page.write(row, first + place, header, style)
        else:
            page.sheet.write_blank(row, first + place, None, style)


def settings(page: Page, row: int, column: int, records: Sequence[Setting]) -> int:
    """Settings below each other: label, yellow cell, meaning. Returns the row after them."""
    styles = page.styles
    section(page, row, column, column + 2, "Settings")
    for setting in records:
        row += 1
        page.write(row, column, setting.label, styles.label(shrink=True))
        put_setting(page, row, column + 1, setting)
        if page.book.given and setting.name in page.book.given.fixed:
            page.write(row, column + 2, FIXED, styles.lead(indent=1))
            continue
        meaning = page.book.phrase(setting.meaning)
        effect = in_effect(page.book, setting)
        shown = f'IF({setting.name}="",{meaning}&": "&{effect},{meaning})' if effect else meaning
        if setting.cut:
            page.put(row, column + 2, or_cut(page, setting, shown), styles.lead(indent=1))
            cut = "&".join(name for _, name in setting.cut)
            page.mark((row, column + 2), f'{cut}<>""', WARN)
        elif effect:
            page.put(row, column + 2, f"={shown}", styles.lead(indent=1, shrink=True))
        else:
            page.write(row, column + 2, setting.meaning, styles.lead(indent=1))
    return row + 1


def in_effect(book: Book, setting: Setting) -> str:
    """The formula of what is in effect where a setting is empty; "" where it says nothing."""
    if not setting.codes:
        return setting.effect
    return book.phrase(setting.choices[setting.codes.index(setting.default)])


def shown_choice(book: Book, setting: Setting) -> str:
    """The formula of a setting's word, also where its cell is empty."""
    return f'=IF({setting.name}="",{in_effect(book, setting)},{setting.name})'


def put_setting(page: Page, row: int, column: int, setting: Setting) -> None:
    """The yellow cell of a setting: its value, its name, what it takes."""
    say = page.book.say if setting.translated or setting.codes else str
    value = setting.value
    if isinstance(value, str) and value in setting.choices:
        value = say(value)
    page.define(setting.name, row, column)
    if page.book.given and setting.name in page.book.given.fixed:
        fixed = page.book.given.fixed[setting.name]
        if isinstance(fixed, str):
            word = page.book.say(fixed) if fixed else ""
            page.sheet.write_string(row, column, word, page.styles.label(align="right"))
        else:
            page.sheet.write_number(row, column, fixed, page.styles.number(setting.unit))
        return
    page.sheet.write(row, column, value, page.styles.input(setting.unit))
    page.book.settings.append((setting, f"{page.name}!{xl_rowcol_to_cell(row, column)}"))
    if setting.choices:
        # The codes, which no list shows, are to be taken: Checks names what is neither.
        words = list(map(say, setting.choices))
        rule = {"validate": "list", "source": words, "show_error": not setting.codes}
    elif setting.unit in (KEY, TEXT, LOGICAL):
        return
    else:
        rule = accepted(page, setting.unit)
        if setting.unit is not DATE:
            rule |= {"criteria": "between", "minimum": setting.least, "maximum": most_of(setting)}
            rule.pop("value")
    page.sheet.data_validation(row, column, row, column, rule)


def most_of(setting: Setting) -> float:
    """The largest number that a setting takes; a rate without a bound of its own is below 1."""
    return 0.999999 if setting.unit is RATE and setting.most > BOUNDLESS else setting.most


BOUNDLESS = 1e6


def code_of(book: Book, setting: Setting) -> tuple[str, str]:
    """The name and the formula of the cell that holds a setting's code; of a wrong word, that."""
    name, known = setting.name, zip(setting.choices, setting.codes, strict=True)
    cases = [(f'{name}=""', f'"{setting.default}"')]
    # The last choice is looked for first.
    cases += [(f"{name}={book.phrase(word)}", f'"{code}"') for word, code in reversed([*known])]
    return f"{name}Code", f"={ifs(cases, name)}"


def wrong_setting(book: Book, setting: Setting) -> str:
    """The formula that is 1 where a setting is nothing that it can be, else 0; "" for any text."""
    name = setting.name
    if setting.codes:
        known = "+".join(f'({name}Code="{code}")' for code in setting.codes)
        return f"IF({known}=0,1,0)"
    if setting.choices:
        say = book.say if setting.translated or isinstance(setting.value, str) else str
        words = [literal(say(word)) for word in setting.choices]
        if not isinstance(setting.value, str):
            words = list(setting.choices)
        known = "+".join(f"({name}={word})" for word in words)
        wrong = f"IF({known}=0,1,0)"
    elif setting.unit in (KEY, TEXT, LOGICAL):
        return ""
    else:
        least, most = setting.least, most_of(setting)
        if setting.unit is DATE:
            least, most = FIGURED_FROM, FIGURED_UNTIL + 1
        part = f"IF(INT({name})<>{name},1,0)" if setting.unit.name == COUNT.name else "0"
        outside = f"IF({name}<{least:.15g},1,IF({name}>{most:.15g},1,{part}))"
        wrong = f"IF(ISNUMBER({name}),{outside},1)"
    return f'IF({name}="",0,{wrong})' if isinstance(setting.value, str) else wrong


def wrong_settings(book: Book) -> Problem:
    """The problem that a setting is empty, or nothing that it can be; the first is named."""
    wrong = [(wrong_setting(book, setting), place) for setting, place in book.settings]
    wrong = [(formula, place) for formula, place in wrong if formula]
    first = ifs((f"{formula}=1", literal(place)) for formula, place in wrong)
    found = "+".join(formula for formula, _ in wrong) or "0"
    return Problem(WRONG_SETTINGS, f"={found}", f"={first}", SETTINGS_ADVICE)


WRONG_SETTINGS = "Settings that are empty or impossible"
SETTINGS_ADVICE = "Correct the cell that is named here. A rate is written as 40% or 0.4."


def or_cut(page: Page, setting: Setting, formula: str) -> str:
    """What a setting means, or which table it has made too large for its sheet."""
    names = page.book.names
    cases = (
        (f'{name}<>""', f"{literal(f'{names[sheet]}: ')}&{name}") for sheet, name in setting.cut
    )
    return f"={ifs(cases, formula)}"


def figures(page: Page, row: int, column: int, title: str, records: Sequence[Figure]) -> int:
    """Figures below each other: label, number, meaning. Returns the row after them."""
    styles = page.styles
    section(page, row, column, column + 2, title)
    for figure in records:
        row += 1
        page.write(row, column, figure.label, styles.label(shrink=True))
        # A name that is cut at its beginning says nothing.
        small = {"shrink": True} if figure.unit is TEXT else {}
        bold = styles.number(figure.unit, bold=True, align="right", **small)
        page.put_named(row, column + 1, figure.name, figure.formula, bold)
        if figure.instead:
            condition, text = figure.instead
            phrase = page.book.phrase(text)
            meant = page.book.phrase(figure.meaning) if figure.meaning else '""'
            page.put(row, column + 2, f"=IF({condition},{phrase},{meant})", styles.lead(indent=1))
        elif figure.meaning:
            page.write(row, column + 2, figure.meaning, styles.lead(indent=1))
        place = page.name, row + 1, column + 2
        page.book.headlines.append(Headline(page.book.say(figure.label), place, figure.unit))
    return row + 1


def judgement(book: Book, status: str, words: Mapping[str, str]) -> str:
    """A formula of what KPI_STATUS said in a cell, in the words for each that it says."""
    *said, (_, last) = (
        (f"{status}={literal(key)}", book.phrase(word)) for key, word in words.items()
    )
    return ifs([(f'{status}=""', '""'), *said], last)


def blank_if(conditions: str | Sequence[str], formula: str) -> str:
    """A formula that shows nothing where a condition holds; an error of its own it does show.

    Of several conditions each is looked at only where those before it do not hold.
    """
    listed = [conditions] if isinstance(conditions, str) else conditions
    return "=" + ifs([(condition, '""') for condition in listed], formula.removeprefix("="))


def codes(book: Book, records: Iterable[Setting]) -> list[Basis]:
    """The cells of the settings' codes, which formulas take."""
    return [Basis(*code_of(book, setting), TEXT) for setting in records if setting.codes]


def put_basis(page: Page, top: int, left: int, cells: Sequence[Basis]) -> int:
    """Named cells below each other on the sheet Model. Returns the row below."""
    for row, cell in enumerate(cells, start=top):
        page.sheet.write_string(row, left, cell.name, page.styles.label())
        style = page.styles.number(cell.unit)
        page.put_named(row, left + 1, cell.name, cell.formula, style, array=cell.array)
    return top + len(cells)


def mirror(
    page: Page,
    top: int,
    source: Page,
    source_top: int,
    source_column: int,
    rows: int,
    width: int,
    formats: Sequence[Format],
    none: str = "",
) -> None:
    """Show a spilled table cell by cell, header and all, in fixed cells that charts can draw.

    Viewers without our functions keep the values of these plain formulas, but compute spilling
    ones anew. Where the condition `none` holds there is nothing to show, and the header is blank.
    """
    styles = page.styles
    head = [styles.header("0", align="start"), styles.header("0", align="center")]
    for i in range(rows):
        for j in range(width):
            cell = xl_rowcol_to_cell(source_top + i, source_column + j)
            cell = f"{quoted(source.name)}!{cell}"
            style = head[min(j, 1)] if i == 0 else formats[min(j, len(formats) - 1)]
            shown = same_as(cell) if i else f'=IF({cell}="","",{cell})'
            page.put(top + i, j, blank_if(none, shown) if none and not i else shown, style)


def same_as(cell: str) -> str:
    """A formula that shows a cell of a spilled table; one that has no value shows as a dot.

    A viewer without our functions computes a formula anew that holds no value but "".
    """
    return f'=IF(ISBLANK({cell}),"",IF({cell}="","·",{cell}))'


def put_spills(
    page: Page, top: int, spills: Iterable[Spill], given: Mapping[str, Block] | None = None
) -> None:
    """Tables that formulas spill on the sheet Model, each under its title, and names over them.

    `given` are the tables that were computed elsewhere, by their titles.
    """
    styles = page.styles
    own = {KEY: styles.label(bold=True), TEXT: styles.label()}
    for spill in spills:
        reach, head = spill.reach, styles.header("0")
        looks = [own[unit] if unit in own else styles.number(unit) for unit in spill.units]
        if spill.title:
            page.write(top - 1, spill.column, spill.title, styles.heading())
        if given is None:
            page.spill(top, spill.column, blank_if(spill.blank, spill.formula), head, looks)
        else:
            block = page.state(top, spill.column, given.get(spill.title, [[""]]), head, looks)
            reach = len(block) - 1 if spill.title in given else reach
        for column, name in enumerate(spill.names, start=spill.column):
            if name:
                page.define(name, top + 1, column, top + reach, column)
        if spill.done:
            first = page.at(top, spill.column)
            if spill.whole:
                first = f'IF({page.at(top + reach + 1, spill.column)}="",{first},"")'
            done(page, spill.done, top - 2, spill.column, first)


def done(page: Page, name: str, row: int, column: int, table: str) -> None:
    """Name a cell that is 1 where a spilled table is there, 0 where it is blank or #N/A: too few
    data. `table` is the address of its first cell; any other error in it is an error here, too.
    """
    page.put(row, column, f'=IF(ISNA({table}),0,IF({table}="",0,1))', page.styles.lead())
    page.define(name, row, column)


def warn_of_more(
    page: Page,
    row: int,
    column: str,
    room: int,
    name: str,
    across: tuple[str, int] | None = None,
) -> None:
    """Say how many rows a spilled column has more than a sheet shows; the sheet Model has them all.

    `across`: the spilled header of a table that grows to the right, and how many columns are shown.
    The cell has a name, by which the setting that made them so many says it, too.
    """
    phrase = [more_than("rows", f"COUNTA({column})", room, page.book)]
    if across:
        phrase.append(more_than("columns", f"COUNTA({across[0]})", across[1], page.book))
    (rows, first), *others = phrase
    formula = f'IF({rows}>0,{first},"")'
    for columns, text in others:
        formula += f'&IF({columns}>0,IF({rows}>0,"; ","")&{text},"")'
    page.put(row, 0, f"={formula}", page.styles.warning())
    page.define(name, row, 0)


def more_than(
    what: str, count: str, room: int, book: Book, sheet: str = "Model"
) -> tuple[str, str]:
    """How many rows or columns there are more than there is room for, and what says it.

    `sheet` has them all.
    """
    missing = f"{count}-{room}"
    return missing, book.phrase(
        f"{{missing}} {what} more than there is room for here: see the sheet {{sheet}}",
        {"missing": f'TEXT({missing},"#,##0")'},
        sheet=book.names[sheet],
    )


def no_bars(page: Page, place: tuple[int, int, int, int], condition: str) -> None:
    """No bars in the rows of a block for which a condition holds; to be said before `bars`.

    The condition is that of the first row, with addresses whose rows are relative.
    """
    rule = {"type": "formula", "criteria": f"={condition}", "stop_if_true": True}
    page.sheet.conditional_format(*place, rule)


def bars(page: Page, *place: int) -> None:
    """Bars behind the numbers of a block."""
    look = {"type": "data_bar", "bar_color": BAR, "bar_solid": True, "min_type": "num"}
    if page.book.right_to_left:
        look["bar_direction"] = "right"
    page.sheet.conditional_format(*place, {**look, "min_value": 0})


def heat(page: Page, *place: int) -> None:
    """A block as a heat map, from 0."""
    look = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": HEAT}
    page.sheet.conditional_format(*place, {**look, "min_type": "num", "min_value": 0})


def best_and_worst(
    page: Page, place: tuple[int, int, int, int], unit: Unit, *, low: bool, of: int
) -> None:
    """Mark the best and the worst number of a column, by a sign and a colour.

    `low`: the lowest is the best, as with costs. Where two are printed alike, none is the best.
    `of` is a column beside it that says of how many cases each number is, of fewer than ten it is
    neither; -1 where there is none.
    """
    digits = decimals(unit)
    whole, cell = xl_range_abs(*place), xl_rowcol_to_cell(place[0], place[1])
    for extreme, best in (("MIN", low), ("MAX", not low)):
        sign, ink, ground = ("★", "#00523B", "#D9F0E8") if best else ("▼", "#8A3B00", "#FBE3D3")
        look = {"bold": True, "font_color": ink, "bg_color": ground}
        first, second = (f"ROUND({name}({whole},{n}),{digits})"
                         for name in ("SMALL" if extreme == "MIN" else "LARGE",)
                         for n in (1, 2))  # fmt: skip
        # With a single number there is no second one: the error is no mark either.
        rule = f"AND(ISNUMBER({cell}),ROUND({cell},{digits})={first},{first}<>{second})"
        if of >= 0:
            counts = f'({xl_range_abs(place[0], of, place[2], of)}>=10)*({whole}<>"")'
            near = f"<{cell}+0.5*10^-{digits}" if extreme == "MIN" else f">{cell}-0.5*10^-{digits}"
            mine = xl_rowcol_to_cell(place[0], of, col_abs=True)
            rule = (
                f"AND(ISNUMBER({cell}),N({mine})>=10,SUMPRODUCT({counts})>1,"
                f"SUMPRODUCT({counts}*({whole}{near}))=1)"
            )
        forms = {page.styles.form(unit): rule}
        if unit is MONEY:
            forms = {page.styles.money.whole: f"AND(ABS(N({cell}))>={CENTS_UNTIL},{rule})"} | forms
        for form, condition in forms.items():
            page.mark(place, condition, {**look, "num_format": signed(sign, form)})


def signed(sign: str, form: str) -> str:
    """A number format with a sign before the numbers; before their minus, too."""
    above, *below = form.split(";")
    pieces = above, below[0] if below else f"-{above}"
    return ";".join(f'"{sign} "{piece}'.replace(' ""', " ") for piece in pieces)


def decimals(unit: Unit) -> int:
    """To how many decimals a number of a unit is printed; a percentage has two more."""
    return unit.number_format.partition(".")[2].count("0") + 2 * ("%" in unit.number_format)


def printed_alone(cells: str, extreme: str, unit: Unit) -> str:
    """The condition that no other number of some cells is printed as the MIN or MAX of them is.

    A single number is neither the best nor the worst.
    """
    order = "SMALL" if extreme == "MIN" else "LARGE"
    first, second = (f"ROUND({order}({cells},{n}),{decimals(unit)})" for n in (1, 2))
    return f"IF(COUNT({cells})<2,FALSE,{first}<>{second})"


# Charts


MONTHS = "yyyy-mm"
MOST_MONTHS = 13  # whose names stand beside each other
MONTH_NAMES, MONTHS_AND_YEARS = "[$-409]mmm", "[$-409]mmm yy"
"""How charts write months, which tables write as MONTHS: by their names in the language; with the
year where there are more than a year has, and so one each quarter. A language has a number format,
or the twelve names: of Persian's, LibreOffice writes those of another calendar."""
BETWEEN_NAMES = "|"
MONTHS_ASIDE = ASIDE_TEXTS + 10  # the first column of Checks that has names of months


def name_months(page: Page, cells: Sequence[tuple[int, int]]) -> None:
    """Write the names of the months in some cells, where no number format has them.

    Each without its year, and beside it with its year.
    """
    book = page.book
    if (page.name, *cells[0]) in book.months or not (names := names_of_months(book)):
        return
    checks = book.pages["Checks"]
    columns = (column for _, _, column in book.months.values())
    column = max(columns, default=MONTHS_ASIDE - 2) + 2
    checks.write(HEADER, column, "What charts draw", checks.styles.lead())
    words = ",".join(map(literal, names))
    for row, place in enumerate(cells, start=HEADER + 1):
        cell, name = page.at(*place), xl_rowcol_to_cell(row, column)
        alone = f'=IF(ISNUMBER({cell}),CHOOSE(MONTH({cell}),{words}),{cell}&"")'
        dated = f'=IF(ISNUMBER({cell}),{name}&" "&RIGHT(YEAR({cell}),2),{name})'
        for beside, formula in enumerate((alone, dated)):
            checks.put(row, column + beside, formula, checks.styles.lead())
        book.months[page.name, *place] = checks, row, column


def names_of_months(book: Book) -> list[str]:
    """The names of the months, where the language has no number format for them."""
    names = book.say(MONTH_NAMES).split(BETWEEN_NAMES)
    return names if len(names) > 1 else []


def by_names(one: Series) -> Series:
    """A chart's numbers over the names of their months, where these are written in cells."""
    page, top, left, bottom, right = one.categories
    known = page.book.months
    first, last = known.get((page.name, top, left)), known.get((page.name, bottom, right))
    if first is None or last is None:
        return one
    checks, start, column = first
    column += last[1] - start >= MOST_MONTHS
    return one._replace(categories=(checks, start, column, last[1], column))


def draw(
    page: Page,
    kind: Literal["line", "column", "bar"],
    title: str,
    series: Sequence[Series],
    place: tuple[int, int, int, int],
    *,
    unit: Unit = COUNT,
    number_format: str = "",
    names_format: str = "General",
    stacked: bool = False,
    labels: bool = False,
    ends: bool = False,
    level: Series | None = None,
) -> None:
    """A chart of fixed blocks, in the quiet look of all charts, in the sheet's direction.

    `place` is the row and the column of its corner, its width and its height in pixels. Numbers
    are written as those of `unit`, unless by another `number_format`.
    `labels` writes the numbers at the bars and leaves their axis out; `ends` names each line at its
    last point, for few lines. `level` is drawn as a dashed line across columns, such as a target.
    """
    number_format = number_format or page.styles.form(unit)
    if names_format == MONTHS:
        series, level = [by_names(one) for one in series], level and by_names(level)
    options = {"type": kind} | ({"subtype": "stacked"} if stacked else {})
    chart = page.book.file.add_chart(options)
    for number, one in enumerate(series):
        colour = one.colour or COLOURS[number % len(COLOURS)]
        look = drawn(page, one)
        if kind == "line":
            look["line"] = {"color": colour, "width": 2.25}
            if len(series) == 1:
                plain = {"color": colour}
                look["marker"] = {"type": "circle", "size": 5, "fill": plain, "border": plain}
        else:
            fill = {"none": True} if colour == NO_COLOUR else {"color": colour}
            look |= {"fill": fill, "gap": 50}
        if labels and colour != NO_COLOUR:
            font = {"color": INK, "size": 9}
            look["data_labels"] = {"value": True, "num_format": number_format, "font": font}
        if ends:
            look["data_labels"] = named_at_end(one, colour, "below" if number % 2 else "above")
        chart.add_series(look)
    if level:
        across = page.book.file.add_chart({"type": "line"})
        line = {"color": level.colour or WARNING, "width": 2, "dash_type": "dash"}
        across.add_series(drawn(page, level) | {"line": line})
        chart.combine(across)
    formats = names_format, number_format
    step = one_in(series[0], names_format)
    style_chart(chart, page, title, kind, formats, labels, step)
    if ends and kind == "line":  # room for the names, which may stand at the edge
        chart.set_plotarea({"layout": {"x": 0.07, "y": 0.15, "width": 0.86, "height": 0.7}})
    if ends or (sum(one.colour != NO_COLOUR for one in series) == 1 and not level):
        chart.set_legend({"none": True})
    figures = [one.name for one in (*series, *filter(None, [level])) if one.colour != NO_COLOUR]
    insert(chart, page, place, described(page, kind, title, figures))


def named_at_end(one: Series, colour: str, side: str) -> dict[str, Any]:
    """The labels of a line that write its name at its last point alone.

    Two lines that end at one place have theirs on two sides.
    """
    _, top, left, bottom, right = one.values
    others: list[dict[str, Any]] = [{"delete": True}] * (bottom - top + right - left)
    font = {"color": colour, "size": 9, "bold": True}
    return {"series_name": True, "value": False, "position": side, "font": font,
            "custom": others}  # fmt: skip


def one_in(one: Series, names_format: str) -> int:
    """Each how many names of a chart are written: each quarter of many months, few of days."""
    _, top, left, bottom, right = one.categories
    count = bottom - top + right - left + 1
    return 1 if names_format != MONTHS or count <= MOST_MONTHS else max(3, count // 6)


def sparkline(page: Page, row: int, column: int, cells: str, **look: Any) -> None:
    """A figure's course in a cell as columns, the last and those below 0 in other colours.

    LibreOffice draws those of a sheet from right to left one cell too far to the right, over
    the figures there: such sheets have none.
    """
    if not page.book.right_to_left:
        colours = {"series_color": BAR, "last_color": BLUE, "negative_color": ORANGE}
        marks = {"last_point": True, "negative_points": True}
        look = {"range": cells, "type": "column", **colours, **marks, **look}
        page.sheet.add_sparkline(row, column, look)


CHARTS = {
    "bar": "Bar chart",
    "column": "Column chart",
    "line": "Line chart",
    "scatter": "Scatter chart",
}


def described(page: Page, kind: str, title: str, figures: Sequence[str]) -> str:
    """What a chart shows, for those who hear it; names that are cells' are left out."""
    say = page.book.say
    names = say(", ").join(say(name) for name in figures if not name.startswith("="))
    pattern = "{kind}: {title}. It shows: {figures}." if names else "{kind}: {title}."
    return say(pattern, kind=say(CHARTS[kind]), title=say(title), figures=names)


def insert(chart: Chart, page: Page, place: tuple[int, int, int, int], description: str) -> None:
    """Put a chart on a sheet: row and column of its corner, width and height in pixels."""
    row, column, width, height = place
    chart.set_size({"width": width, "height": height})
    options = {"x_offset": 8, "object_position": 3, "description": description}
    page.book.later(lambda: page.sheet.insert_chart(row, column, chart, options))


def drawn(page: Page, one: Series) -> dict[str, Any]:
    """What a series draws, as XlsxWriter takes it."""
    return {
        "name": one.name if one.name.startswith("=") else page.book.say(one.name),
        "categories": [one.categories[0].name, *one.categories[1:]],
        "values": [one.values[0].name, *one.values[1:]],
    }


def style_chart(
    chart: Chart,
    page: Page,
    title: str,
    kind: str,
    formats: tuple[str, str],
    labels: bool,
    step: int = 1,
) -> None:
    """Title, axes and legend of a chart; of its names, one is written each so many."""
    font = {"color": MUTED, "size": 9}
    chart.set_title(
        {"name": page.book.say(title), "name_font": {"size": 11, "bold": True, "color": INK}}
    )
    shown = formats[0]
    if shown == MONTHS and not names_of_months(page.book):
        shown = page.book.say(MONTHS_AND_YEARS if step > 1 else MONTH_NAMES)
    names = {
        "num_format": shown, "num_font": font, "line": {"color": LINE}, "text_axis": True,
        "major_tick_mark": "none", "interval_unit": step if step > 1 else None,
    }  # fmt: skip
    numbers = {
        "num_format": formats[1], "num_font": font, "line": {"none": True}, "min": 0,
        "major_tick_mark": "none", "visible": not labels,
        "major_gridlines": {"visible": not labels, "line": {"color": LINE, "width": 0.75}},
    }  # fmt: skip
    across = page.book.right_to_left
    if kind == "bar":
        chart.set_x_axis({**numbers, "reverse": across, "label_position": "high"})
        chart.set_y_axis({**names, "reverse": True})  # from top to bottom, as the table has them
    else:
        chart.set_x_axis({**names, "reverse": across})
        chart.set_y_axis(numbers)
    chart.set_legend({"position": "bottom", "font": font})
    chart.set_chartarea({"border": {"none": True}})


# Text


def wide(text: str) -> int:
    """How many narrow letters a text is wide: Chinese ones count two, marks without width none."""
    return sum(
        1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
        if unicodedata.category(letter) not in ("Cf", "Mn")
    )


def widen(page: Page, column: int, least: float, texts: Iterable[str]) -> None:
    """Make a column so wide at least, and wide enough for each of its texts, as they are shown."""
    page.sheet.set_column(column, column, max(least, max(map(wide, texts)) + 1))


def width_of(page: Page, column: int) -> float:
    """How wide a column is, in letters; XlsxWriter keeps pixels."""
    known = page.sheet.col_info.get(column)
    return (known.width - 5) / 7 if known else 8.43


WORD = re.compile(r"[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*")
"""What a line is broken between: words, and Chinese letters."""


def lines(text: str, width: float) -> int:
    """How many lines a text takes in a cell of a width, in letters."""
    count = 0
    for part in text.split("\n"):
        count, used = count + 1, 0
        for word in WORD.findall(part):
            if used and used + wide(word.rstrip()) > width:
                count, used = count + 1, 0
            used += wide(word)
    return count
