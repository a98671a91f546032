"""A template's workbook: built of its records, with the sheets that every template has."""

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from math import floor
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.cells import Cell
from kpi_xl.locales import RIGHT_TO_LEFT, Message, say
from kpi_xl.locales.currencies import currencies, money
from kpi_xl.ooxml.addresses import LAST_ROW, quoted
from kpi_xl.reports import layout
from kpi_xl.reports.layout import LEAST_ROWS, Loaded
from kpi_xl.schema import Column, Input
from kpi_xl.serials import serial
from kpi_xl.units import COUNT, DATE, KEY, LOGICAL, LONGEST_TEXT, TEXT

from .amounts import sign_amounts
from .records import EMPTY, HEADER, NAME_ERROR, Data, Sentence, Setting, Sheet, Template
from .setting_cells import accepted, put_setting
from .sheet_parts import headline, lines, section, wide
from .writing import (
    BLUE,
    INPUT,
    Book,
    Built,
    Given,
    Page,
    Progress,
    Proper,
    Say,
    UnfitDataError,
    Values,
    computed,
    literal,
    new_book,
    unheard,
)

PAGE = 40  # rows of data that are printed
LEAST_PRINTED = 8  # columns of them, for the line under the title

SOURCES = Sheet("Sources", "The files that the tables are loaded from.")
"""The last sheet of every template."""

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
