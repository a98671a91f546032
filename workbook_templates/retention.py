"""The retention workbook: orders in; cohorts, a retention curve, segments and CLV out.

The sheet Model holds the tables that KPI functions spill. The sheets for people show them cell by
cell, because charts need fixed cells, and because viewers without our functions keep the values of
plain formulas, but compute spilling ones anew.
"""

import csv
import io
from collections.abc import Sequence
from datetime import date
from importlib import resources
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.chart import Chart
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from kpi_xl.units import AVERAGE, COUNT, DATE, DAYS, MONEY, PERIODS, RATE, TEXT, Unit

from .writing import (
    BLUE,
    GREEN,
    INK,
    LINE,
    MUTED,
    ORANGE,
    WARNING,
    WASH,
    Styles,
    Values,
    as_text,
    computed,
    new_workbook,
    put,
    put_block,
)

SHEETS = ("Start", "Summary", "Cohorts", "Curve", "Segments", "Orders", "Model")
TOP = 4  # the row of the tables' headers, counted from 0: row 5 in Excel
DEEP = 100_000  # rows that the names over the customers' table reach down
SETTINGS_ROW = TOP + 3
SPARE = 12  # rows and columns shown beyond those that the data fill now


class Order(NamedTuple):
    """A row of the orders: who, when, how much."""

    customer: str | float
    date: date
    amount: float


class Spill(NamedTuple):
    """A table on the sheet Model: its first column, counted from 0, and its formula."""

    title: str
    column: int
    formula: str


# Side by side, with room to the right of the cohorts for ten years of weeks.
CUSTOMERS = Spill("Customers", 0, "=RFM(Orders[customer],Orders[date],Orders[amount])")
CURVE = Spill("Retention curve", 9, "=RETENTION_CURVE(Orders[customer],Orders[date],Period)")
SHARES = Spill("Cohorts, share", 14, "=COHORT(Orders[customer],Orders[date],,Period)")
COUNTS = Spill(
    "Cohorts, customers", 514, '=COHORT(Orders[customer],Orders[date],,Period,"customers")'
)


class Setting(NamedTuple):
    """A cell for the user to set, under a name that formulas use."""

    name: str
    label: str
    value: float | str
    unit: Unit
    meaning: str


class Figure(NamedTuple):
    """A figure of the summary, under a name that formulas use."""

    name: str
    label: str
    formula: str
    unit: Unit
    meaning: str


SETTINGS = (
    Setting("Period", "Period", "M", TEXT, "W, M, Q or Y"),
    Setting("LostAfter", "Lost after", 180, DAYS, "Days without a purchase"),
    Setting("Lifetime", "Lifetime", 24, PERIODS, "Months that a customer stays"),
    Setting("GrossMargin", "Gross margin", 0.4, RATE, "As a fraction of revenue"),
    Setting("DiscountRate", "Discount rate", 0.01, RATE, "Per month"),
)

FIGURES = {
    "The data": (
        Figure("OrderCount", "Orders", "=COUNT(Orders[date])", COUNT, "Rows of data"),
        Figure("CustomerCount", "Customers", "=COUNT(Frequency)", COUNT,
               "Customers with an order"),
        Figure("Revenue", "Revenue", "=SUM(Orders[amount])", MONEY,
               "Returns taken off"),
        Figure("FirstOrder", "First order", "=MIN(Orders[date])", DATE, ""),
        Figure("DataUntil", "Data until", "=MAX(Orders[date])", DATE, ""),
    ),
    "Loyalty": (
        Figure("RepeatCustomers", "Repeat customers", '=COUNTIF(Frequency,">1")',
               COUNT, "Bought on more than one day"),
        Figure("RepeatRate", "Repeat purchase rate",
               "=REPEAT_PURCHASE_RATE(RepeatCustomers,CustomerCount)", RATE,
               "Repeat / all customers"),
        Figure("LostCustomers", "Lost customers", '=COUNTIF(Recency,">"&LostAfter)',
               COUNT, "No purchase for so long"),
        Figure("ChurnRate", "Churn rate", "=CHURN_RATE(LostCustomers,CustomerCount)",
               RATE, "Lost / all customers"),
        Figure("Active3", "Active after 3 periods",
               '=IF(COUNT(CurveRate)>3,INDEX(CurveRate,4),"")', RATE,
               "From the sheet Curve"),
        Figure("Active12", "Active after 12 periods",
               '=IF(COUNT(CurveRate)>12,INDEX(CurveRate,13),"")', RATE,
               "From the sheet Curve"),
    ),
    "Value": (
        Figure("OrderValue", "Average order value", "=AOV(Revenue,OrderCount)",
               MONEY, "Revenue / orders"),
        Figure("CustomerRevenue", "Revenue per customer", "=ARPU(Revenue,CustomerCount)",
               MONEY, "Revenue / customers"),
        Figure("MonthlyOrders", "Orders per customer and month",
               "=OrderCount/CustomerCount/((DataUntil-FirstOrder+1)/30.4375)",
               AVERAGE, "Over the whole time"),
        Figure("CustomerValue", "Customer lifetime value",
               "=CLV(OrderValue,MonthlyOrders,Lifetime,GrossMargin,DiscountRate)",
               MONEY, "Margin, discounted"),
        Figure("HighestCac", "Highest CAC for 3 : 1", "=CustomerValue/3", MONEY,
               "CLV : CAC = 3, by rule"),
    ),
}  # fmt: skip

CARDS = ("CustomerCount", "Revenue", "OrderValue", "RepeatRate", "CustomerValue")

SEGMENTS = {
    "Champions": "Bought lately, often, for much. Reward them; ask them for reviews.",
    "Potential loyalists": "Bought lately, and more than once. Offer a membership.",
    "New": "Bought lately, for the first time or little. Welcome them; help with a second order.",
    "Loyal": "Buy often, but a while ago. Show them what is new.",
    "Needs attention": "Middling in all. Remind them with a limited offer.",
    "About to sleep": "Getting quiet, never bought much. A cheap reminder will do.",
    "Cannot lose": "Used to buy much, and stopped. Call them.",
    "At risk": "Used to buy, and stopped. Win them back with a good offer.",
    "Lost": "Bought little, long ago. Leave them out of costly campaigns.",
}


CDNOW = (
    "Orders of the online music shop CDNOW: customers who first bought in January to March 1997,"
    " followed to June 1998, amounts in US dollars. Fader & Hardie (2001), Forecasting Repeat Sales"
    " at CDNOW: A Case Study, Interfaces 31 (3); data of Bruce Hardie, brucehardie.com."
)


def sample() -> list[Order]:
    """The real orders that come with the template: CDNOW, 1997-98."""
    text = resources.files(__package__).joinpath("samples/cdnow.csv").read_text(encoding="utf-8")
    return [
        Order(int(row["customer"]), date.fromisoformat(row["date"]), float(row["amount"]))
        for row in csv.DictReader(text.splitlines())
    ]


def build(orders: Sequence[Order], about: str) -> tuple[bytes, Values]:
    """The workbook of these orders, and its values; `about` says where the orders come from."""
    return computed(lambda file, values: write(file, orders, about, values))


def headlines(values: Values) -> list[tuple[str, str]]:
    """The figures of the summary as text: label and value."""
    rows = figure_rows()
    return [
        (figure.label, as_text(values["Summary", rows[figure.name] + 1, 3], figure.unit))
        for figures in FIGURES.values()
        for figure in figures
    ]


def figure_rows() -> dict[str, int]:
    """The row of each figure on the summary, counted from 0: the settings come before them."""
    rows = {}
    row = SETTINGS_ROW + len(SETTINGS)
    for figures in FIGURES.values():
        row += 2
        for figure in figures:
            row += 1
            rows[figure.name] = row
    return rows


def write(file: io.BytesIO, orders: Sequence[Order], about: str, values: Values) -> None:
    """Write the workbook, each formula with its value where there is one."""
    book = new_workbook(file, "Customer retention", about, "retention")
    styles = Styles(book)
    sheets = {name: book.add_worksheet(name) for name in SHEETS}
    for sheet in sheets.values():
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 1)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        sheet.set_footer("&L&8&F&C&8&A&R&8&P / &N")
    start(sheets["Start"], styles, about)
    model(book, sheets["Model"], styles, values)
    summary(book, sheets["Summary"], styles, values)
    cohorts(book, sheets["Cohorts"], styles, values)
    curve(book, sheets["Curve"], styles, values)
    segments(book, sheets["Segments"], styles, values)
    order_table(sheets["Orders"], styles, orders)
    sheets["Start"].activate()
    book.close()


def start(sheet: Worksheet, styles: Styles, about: str) -> None:
    """What to do, what each sheet says, how to get the functions."""
    sheet.set_column(0, 0, 3)
    sheet.set_column(1, 1, 16)
    sheet.set_column(2, 2, 100)
    text = styles.of(text_wrap=True, valign="top")
    strong = styles.of(bold=True, valign="top")
    link = styles.of(font_color=BLUE, underline=1, valign="top")
    headline(sheet, styles, 1, "Customer retention", "Who comes back, when, and what it is worth.")
    steps = (
        ("1", "Paste your orders into the table on the sheet Orders: customer, date, amount."),
        ("2", "Set the yellow cells on the sheet Summary: period, margin, discount rate."),
        ("3", "Read the other sheets: every figure is a live formula over that table."),
    )
    pages = (
        ("Summary", "The figures for the boss: repeat purchases, order value, churn, CLV."),
        ("Cohorts", "Customers by the period of their first order: how many are still buying."),
        ("Curve", "All cohorts together: the share of customers active at each age."),
        ("Segments", "Customers by recency, frequency and monetary value, and what to do."),
        ("Orders", "The data: a row an order."),
        (
            "Model",
            "The tables that other sheets show, a formula each; all customers' scores.",
        ),
    )
    functions = (
        "=COHORT(), =CLV() and the like are functions of kpi_xl, a Python package (pip install"
        " kpi-xl). Without it this workbook shows the figures that were computed when it was made;"
        " with it they follow every change."
    )
    row = 4
    for heading, lines in (
        ("How to use it", steps),
        ("The sheets", pages),
        ("Good to know", (("Functions", functions), ("The data", about))),
    ):
        section(sheet, styles, row, 1, 2, heading)
        for name, meaning in lines:
            row += 1
            if lines is pages:
                sheet.write_url(row, 1, f"internal:'{name}'!A1", link, name)
            else:
                sheet.write_string(row, 1, name, strong)
            sheet.write_string(row, 2, meaning, text)
            sheet.set_row(row, 16 * (1 + len(meaning) // 100))
        row += 2
    sheet.print_area(0, 0, row, 2)


def model(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """The spilling formulas, and names over the columns of the customers' table."""
    bold, count, share = styles.of(bold=True), styles.number(COUNT), styles.number(RATE)
    money = styles.number(MONEY)
    formats: dict[Spill, list[Format]] = {
        CUSTOMERS: [bold, count, count, money, count, count, count, styles.of()],
        CURVE: [bold, count, count, share],
        SHARES: [bold, count, share],
        COUNTS: [bold, count],
    }
    headline(sheet, styles, 0, "Model", "A formula of kpi_xl spills each of these tables.")
    sheet.set_column(CUSTOMERS.column, CUSTOMERS.column + 6, 13)
    sheet.set_column(CUSTOMERS.column + 7, CUSTOMERS.column + 7, 20)
    sheet.set_column(CURVE.column, CURVE.column + 3, 13)
    for spill, columns in formats.items():
        sheet.write(TOP - 1, spill.column, spill.title, styles.heading())
        put_block(sheet, TOP, spill.column, spill.formula, values, styles.header("0"), columns)
    for name, column in (("Recency", "B"), ("Frequency", "C"), ("Monetary", "D"), ("Segment", "H")):
        book.define_name(name, f"=Model!${column}${TOP + 2}:${column}${TOP + 1 + DEEP}")
    sheet.freeze_panes(TOP + 1, 1)
    sheet.print_area(0, 0, 1, 7)


def summary(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """The figures for the boss."""
    sheet.set_column(0, 0, 3)
    sheet.set_column(1, 5, 27)
    headline(sheet, styles, 1, "Customer retention", "Change the yellow cells to your own.")
    rows = figure_rows()
    row = SETTINGS_ROW
    section(sheet, styles, row, 1, 3, "Settings")
    for setting in SETTINGS:
        row += 1
        sheet.write(row, 1, setting.label, styles.of())
        sheet.write(row, 2, setting.value, styles.input(setting.unit))
        sheet.write(row, 3, setting.meaning, styles.lead(indent=1))
        book.define_name(setting.name, f"=Summary!$C${row + 1}")
        if setting.name == "Period":
            choice = {"validate": "list", "source": ["W", "M", "Q", "Y"]}
            sheet.data_validation(row, 2, row, 2, choice)
    for heading, figures in FIGURES.items():
        section(sheet, styles, rows[figures[0].name] - 1, 1, 3, heading)
        for figure in figures:
            row = rows[figure.name]
            sheet.write(row, 1, figure.label, styles.of())
            put(sheet, row, 2, figure.formula, styles.number(figure.unit, bold=True), values)
            sheet.write(row, 3, figure.meaning, styles.lead(indent=1))
            book.define_name(figure.name, f"=Summary!$C${row + 1}")
    edge: dict[str, Any] = {"left": 5, "left_color": "#FFFFFF", "bg_color": WASH, "align": "center"}
    caption = styles.of(font_color=MUTED, top=5, top_color=BLUE, **edge)
    cards = [figure for figures in FIGURES.values() for figure in figures if figure.name in CARDS]
    for column, figure in enumerate(cards, start=1):
        style = styles.number(figure.unit, bold=True, font_size=18, **edge)
        sheet.write(TOP, column, figure.label, caption)
        put(sheet, TOP + 1, column, f"=C{rows[figure.name] + 1}", style, values)
    sheet.set_row(TOP, 22)
    sheet.set_row(TOP + 1, 36)
    add_curve(book, sheet, values, row=TOP + 3, column=4, width=392, height=286)
    add_cohort_lines(book, sheet, values, row=TOP + 18, column=4, width=392, height=286)
    sheet.print_area(0, 0, row + 1, 5)


def cohorts(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """Retention by cohort as a heat map, and the customers behind it."""
    rows, columns = shown(SHARES, values, 24, 20)
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1, 10)
    sheet.set_column(2, columns - 1, 6.5)
    lead = "Rows: the period of the first order. Columns: periods since."
    headline(sheet, styles, 0, "Cohorts", lead)
    centred = {"align": "center"}
    bold, size = styles.of(bold=True), styles.number(COUNT, **centred)
    section(sheet, styles, TOP - 1, 0, columns - 1, "Share of customers active")
    share = [bold, size, styles.of("0%", **centred)]
    mirror(sheet, styles, TOP, SHARES, rows, columns, share, values)
    second = TOP + rows + 2
    section(sheet, styles, second - 1, 0, columns - 1, "Customers active")
    count = [bold, size, styles.number(COUNT, **centred)]
    mirror(sheet, styles, second, COUNTS, rows, columns, count, values)
    for top in (TOP, second):
        # Age 0 is always 100 %: with it in the scale, the others would all look alike.
        sheet.conditional_format(
            top + 1, 3, top + rows - 1, columns - 1,
            {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#56A6D6",
             "min_type": "num", "min_value": 0},
        )  # fmt: skip
    filled = len(block_of(SHARES, values))
    if 1 < filled < 8:  # the lines of more cohorts would hide each other, and the rows are needed
        add_cohort_lines(
            book, sheet, values, row=TOP + filled + 1, column=0, width=1080, height=340
        )
    warn(sheet, styles, 2, f"Model!$O${TOP + 2}:$O$2000", rows - 1, values)
    sheet.freeze_panes(TOP + 1, 2)
    sheet.print_area(0, 0, second + max(filled, 3), columns - 1)


def curve(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """The retention curve of all cohorts together, as a table and a chart."""
    rows, _ = shown(CURVE, values, 37, 4)
    sheet.set_column(0, 0, 8)
    sheet.set_column(1, 1, 19)
    sheet.set_column(2, 3, 12)
    sheet.set_column(4, 4, 4)
    lead = "The share of customers active at each age, over the cohorts that are old enough."
    headline(sheet, styles, 0, "Retention curve", lead)
    count = styles.number(COUNT)
    formats = [styles.of("0", bold=True, align="left"), count, count, styles.number(RATE)]
    mirror(sheet, styles, TOP, CURVE, rows, 4, formats, values)
    sheet.conditional_format(
        TOP + 2, 3, TOP + rows - 1, 3,
        {"type": "data_bar", "bar_color": "#9CCBE8", "bar_solid": True, "min_type": "num",
         "min_value": 0},
    )  # fmt: skip
    add_curve(book, sheet, values, row=TOP, column=5, width=800, height=420)
    book.define_name("CurveRate", f"=Curve!$D${TOP + 2}:$D${TOP + rows}")
    warn(sheet, styles, 2, f"Model!$J${TOP + 2}:$J$2000", rows - 1, values)
    sheet.freeze_panes(TOP + 1, 0)
    sheet.print_area(0, 0, TOP + max(len(block_of(CURVE, values)), 22), 17)


def segments(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """How many customers each segment has, what they spent, and what to do."""
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 5, 13)
    sheet.set_column(6, 6, 78)
    lead = "By recency (R) and the mean of frequency and monetary value; the scores are in Model."
    headline(sheet, styles, 0, "Segments", lead)
    headers = ("segment", "customers", "share", "revenue", "share", "days since", "what to do")
    for column, header in enumerate(headers):
        look = {"align": "right"} if 0 < column < 6 else {"indent": int(column == 6)}
        sheet.write(TOP, column, header, styles.header(**look))
    for row, (name, advice) in enumerate(SEGMENTS.items(), start=TOP + 1):
        here = row + 1
        sheet.write(row, 0, name, styles.of(bold=True))
        for column, formula, style in (
            (1, f"=COUNTIF(Segment,A{here})", styles.number(COUNT)),
            (2, f"=B{here}/CustomerCount", styles.number(RATE)),
            (3, f"=SUMIF(Segment,A{here},Monetary)", styles.number(MONEY)),
            (4, f"=D{here}/Revenue", styles.number(RATE)),
            (5, f'=IF(B{here}=0,"",AVERAGEIF(Segment,A{here},Recency))', styles.number(COUNT)),
        ):
            put(sheet, row, column, formula, style, values)
        sheet.write(row, 6, advice, styles.lead(indent=1))
        sheet.set_row(row, 20)
    last = TOP + len(SEGMENTS)
    for column in (2, 4):
        sheet.conditional_format(
            TOP + 1, column, last, column,
            {"type": "data_bar", "bar_color": "#9CCBE8", "bar_solid": True, "min_type": "num",
             "min_value": 0},
        )  # fmt: skip
    chart = book.add_chart({"type": "bar"})
    for column, name, colour in ((2, "Share of customers", BLUE), (4, "Share of revenue", ORANGE)):
        chart.add_series(
            {
                "name": name,
                "categories": ["Segments", TOP + 1, 0, last, 0],
                "values": ["Segments", TOP + 1, column, last, column],
                "fill": {"color": colour},
                "gap": 60,
            }
        )
    dress(chart, "Customers and revenue by segment")
    chart.set_x_axis({"num_format": "0%", "num_font": {"color": MUTED, "size": 9},
                      "line": {"none": True}, "min": 0,
                      "major_gridlines": {"visible": True, "line": {"color": LINE}}})  # fmt: skip
    chart.set_y_axis({"reverse": True, "line": {"color": LINE}, "major_tick_mark": "none",
                      "num_font": {"color": MUTED, "size": 9}})  # fmt: skip
    chart.set_size({"width": 900, "height": 380})
    sheet.insert_chart(last + 2, 0, chart)
    sheet.freeze_panes(TOP + 1, 1)
    sheet.print_area(0, 0, last + 22, 6)


def order_table(sheet: Worksheet, styles: Styles, orders: Sequence[Order]) -> None:
    """The data, as an Excel table that grows with what is pasted below it."""
    sheet.set_column(0, 2, 14)
    customer, day, money = styles.of(), styles.number(DATE), styles.number(MONEY)
    columns = [
        {"header": "customer", "format": customer},
        {"header": "date", "format": day},
        {"header": "amount", "format": money},
    ]
    sheet.add_table(
        0, 0, max(len(orders), 1), 2,
        {"name": "Orders", "style": "Table Style Light 1", "columns": columns},
    )  # fmt: skip
    for row, order in enumerate(orders, start=1):
        if isinstance(order.customer, str):
            sheet.write_string(row, 0, order.customer, customer)
        else:
            sheet.write_number(row, 0, order.customer, customer)
        sheet.write_datetime(row, 1, order.date, day)
        sheet.write_number(row, 2, order.amount, money)
    for column, note in enumerate(
        (
            "Who bought: a name or a number",
            "The day of the order",
            "Its amount; a return is below 0",
        )
    ):
        sheet.write_comment(0, column, note, {"x_scale": 1.2, "y_scale": 0.4})
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_print_scale(100)
    sheet.set_portrait()


# Parts of sheets


def headline(sheet: Worksheet, styles: Styles, column: int, title: str, lead: str) -> None:
    """A sheet's title and the line under it."""
    sheet.set_row(0, 30)
    sheet.write(0, column, title, styles.title())
    sheet.write(1, column, lead, styles.lead())


def section(sheet: Worksheet, styles: Styles, row: int, first: int, last: int, title: str) -> None:
    """A heading with a line across some columns."""
    sheet.write(row, first, title, styles.heading())
    for column in range(first + 1, last + 1):
        sheet.write_blank(row, column, None, styles.heading())


def block_of(spill: Spill, values: Values) -> list[list[Any]]:
    """The computed table, or an empty one before anything is computed."""
    block = values.get(("Model", TOP + 1, spill.column + 1), [])
    return block if isinstance(block, list) else []


def shown(spill: Spill, values: Values, rows: int, columns: int) -> tuple[int, int]:
    """How many rows and columns of a table its sheet shows: those filled, and some to spare."""
    block = block_of(spill, values)
    width = len(block[0]) if block else 0
    return max(rows, len(block) + SPARE), columns if width <= columns else width + SPARE


def mirror(
    sheet: Worksheet,
    styles: Styles,
    top: int,
    spill: Spill,
    rows: int,
    columns: int,
    formats: Sequence[Format],
    values: Values,
) -> None:
    """Show a table of the sheet Model, cell by cell."""
    head = [styles.header("0", align="left"), styles.header("0", align="center")]
    for i in range(rows):
        for j in range(columns):
            cell = "Model!" + xl_rowcol_to_cell(TOP + i, spill.column + j)
            style = head[min(j, 1)] if i == 0 else formats[min(j, len(formats) - 1)]
            # A cell that no order can have reached yet holds "", and shows as a dot.
            formula = f'=IF(ISBLANK({cell}),"",IF({cell}="","·",{cell}))'
            put(sheet, top + i, j, formula, style, values)


def warn(
    sheet: Worksheet, styles: Styles, row: int, column: str, room: int, values: Values
) -> None:
    """Say so when a table has more rows than its sheet shows."""
    text = f"More than {room} rows: see the sheet Model for the others"
    formula = f'=IF(COUNTA({column})>{room},"{text}","")'
    put(sheet, row, 0, formula, styles.of(bold=True, font_color=WARNING), values)


def add_curve(
    book: xlsxwriter.Workbook,
    sheet: Worksheet,
    values: Values,
    *,
    row: int,
    column: int,
    width: int,
    height: int,
) -> None:
    """A chart of the retention curve, from age 1: at age 0 all are active."""
    last = TOP + max(len(block_of(CURVE, values)), 3) - 1
    chart = book.add_chart({"type": "line"})
    chart.add_series(
        {
            "name": "Customers active",
            "categories": ["Curve", TOP + 2, 0, last, 0],
            "values": ["Curve", TOP + 2, 3, last, 3],
            "line": {"color": BLUE, "width": 2.5},
            "marker": {
                "type": "circle", "size": 5, "fill": {"color": BLUE}, "border": {"color": BLUE},
            },
        }
    )  # fmt: skip
    dress(chart, "Share of customers active, by age")
    chart.set_legend({"none": True})
    chart.set_size({"width": width, "height": height})
    sheet.insert_chart(row, column, chart, {"x_offset": 8, "object_position": 3})


def add_cohort_lines(
    book: xlsxwriter.Workbook,
    sheet: Worksheet,
    values: Values,
    *,
    row: int,
    column: int,
    width: int,
    height: int,
) -> None:
    """A chart of the oldest cohorts, a line each, as far as each has come."""
    block = block_of(SHARES, values)
    if len(block) < 2:
        return
    chart = book.add_chart({"type": "line"})
    colours = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#D55E00")
    for colour, (place, cells) in zip(colours, enumerate(block[1:], start=TOP + 1), strict=False):
        reached = sum(cell != "" for cell in cells)
        chart.add_series(
            {
                "name": ["Cohorts", place, 0],
                "categories": ["Cohorts", TOP, 3, TOP, len(block[0]) - 1],
                "values": ["Cohorts", place, 3, place, max(reached - 1, 3)],
                "line": {"color": colour, "width": 2},
            }
        )
    dress(chart, "Share of each cohort active, by age")
    chart.set_size({"width": width, "height": height})
    sheet.insert_chart(row, column, chart, {"x_offset": 8, "object_position": 3})


def dress(chart: Chart, title: str) -> None:
    """The quiet look of all charts."""
    chart.set_title({"name": title, "name_font": {"size": 11, "bold": True, "color": INK}})
    font = {"color": MUTED, "size": 9}
    chart.set_x_axis({"num_font": font, "line": {"color": LINE}, "major_tick_mark": "none"})
    chart.set_y_axis(
        {"num_format": "0%", "num_font": font, "line": {"none": True}, "min": 0,
         "major_gridlines": {"visible": True, "line": {"color": LINE, "width": 0.75}}}
    )  # fmt: skip
    chart.set_legend({"position": "bottom", "font": font})
    chart.set_chartarea({"border": {"none": True}})
