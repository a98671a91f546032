"""The starter: an empty workbook for one's own formulas, with a sheet Start on how to go on.

It is no template, as it has no tables to fill; it is for hosts that carry the functions in the
workbook.
"""

import io
from functools import partial

from kpi_xl.locales import RIGHT_TO_LEFT, say
from kpi_xl.units import MONEY, TEXT

from .building import FUNCTIONS
from .sheet_parts import headline, lines, section
from .writing import Book, Built, Say, Values, computed, new_book

WIDTH = 122  # of the columns with text, in letters

STEPS = (
    "Install the add-in xlwings Lite, which is free: Home, Add-ins, search for xlwings. Excel on"
    " Windows, on a Mac and on the web can have it, and no Python has to be installed.",
    "Open this workbook again, and trust it when the pane beside it asks. The first start takes"
    " about a minute: the pane fetches Python and kpi_xl.",
    "Write formulas with KPI functions on the sheet {Work}, or on sheets of your own.",
    '=KPI_LIST() lists the functions, =KPI_DEFINE("CAC") says what one is.',
)

EXAMPLES = (
    ("=CAC(50000,250)", MONEY, "What a new customer costs: 50,000 spent, 250 customers won."),
    ("=CLV(50,4,3,,0.1)", MONEY, "What is left out between commas takes its default."),
    ("=CAC(50000,0)", MONEY, "Where there is no answer, there is an Excel error, never a 0."),
    ('=KPI_STATUS(95,100,,,"higher")', TEXT, "Whether a KPI is on its way to its target."),
)


def build(language: str = "en", translate: Say | None = None) -> Built:
    """The starter workbook in a language."""
    translate = translate or partial(say, language=language)

    def write(file: io.BytesIO, values: Values) -> Book:
        right_to_left = language in RIGHT_TO_LEFT
        title = "Marketing KPIs in this workbook"
        book = new_book(file, "starter", title, translate, right_to_left, values)
        book.add_pages(("Start", "Work"))
        start(book, title)
        return book

    return computed(write)


def start(book: Book, title: str) -> None:
    """How to get the functions, and examples that show whether they are there."""
    page, styles = book.pages["Start"], book.styles
    page.sheet.set_column(0, 0, 3)
    page.sheet.set_column(1, 1, 36)
    page.sheet.set_column(2, 2, 14)
    page.sheet.set_column(3, 3, 72)
    text = styles.text()
    headline(page, title, "Its functions come from kpi_xl, a free Python package.", 1)
    row = 3
    section(page, row, 1, 3, "How to use it")
    for number, step in enumerate(STEPS, start=1):
        row += 1
        phrase = f"{number}. {book.say(step)}"
        page.sheet.merge_range(row, 1, row, 3, phrase, text)
        page.sheet.set_row(row, 16 * lines(phrase, WIDTH))
    row += 2
    section(page, row, 1, 3, "Examples")
    formula_style = styles.of(font_name="Consolas", align="start", valign="top")
    for formula, unit, meaning in EXAMPLES:
        row += 1
        page.sheet.write_string(row, 1, formula, formula_style)
        page.put(row, 2, formula, styles.number(unit, bold=True, align="right", valign="top"))
        page.write(row, 3, meaning, styles.lead(indent=1, valign="top"))
    row += 2
    section(page, row, 1, 3, "Good to know")
    row += 1
    phrase = book.say(FUNCTIONS["lite"])
    page.sheet.merge_range(row, 1, row, 3, phrase, text)
    page.sheet.set_row(row, 16 * lines(phrase, WIDTH))
    page.sheet.activate()
