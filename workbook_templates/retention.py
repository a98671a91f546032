"""The retention workbook: orders in, cohorts, a retention curve, segments and customer value out."""

import io
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from kpi_xl.units import AVERAGE, COUNT, DATE, DAYS, MONEY, PERIODS, RATE, TEXT

from .writing import (
    BLUE,
    GREEN,
    INK,
    LINE,
    MUTED,
    ORANGE,
    WASH,
    Styles,
    Values,
    computed,
    put,
    put_block,
)

TOP = 4  # the row of each table's header, counted from 0: 5 in Excel
ROOM = 100_000  # rows that names over spilled columns reach down
COHORT_ROOM = 24  # rows for cohorts before the second table on their sheet
"""Cohorts that fit above the counts; a chart fills what the present ones leave free."""


class Order(NamedTuple):
    """A row of the orders: who, when, how much."""

    customer: str | float
    date: date
    amount: float


class Line(NamedTuple):
    """A row of the summary: its words, its formula, its number format."""

    label: str
    formula: str
    number_format: str
    meaning: str


def build(orders: Sequence[Order], about: str) -> bytes:
    """The workbook of these orders, computed; `about` says where they come from."""
    return computed(lambda file, values: write(file, orders, about, values))


def write(file: io.BytesIO, orders: Sequence[Order], about: str, values: Values) -> None:
    """Write the workbook, each formula with its value where there is one."""
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False})
    book.set_properties({"title": "Retention", "comments": about})
    book.set_custom_property("kpi_xl template", "retention")
    book.set_size(2400, 1600)
    styles = Styles(book)
    sheets = {
        name: book.add_worksheet(name)
        for name in ("Start", "Summary", "Cohorts", "Curve", "Customers", "Orders")
    }
    for sheet in sheets.values():
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        sheet.set_footer("&L&8&F&C&8&A&R&8&P / &N")
    start(sheets["Start"], styles, about)
    summary(book, sheets["Summary"], styles, values)
    cohorts(book, sheets["Cohorts"], styles, values)
    curve(book, sheets["Curve"], styles, values)
    customers(book, sheets["Customers"], styles, values)
    order_table(sheets["Orders"], styles, orders)
    sheets["Start"].activate()
    book.close()


def start(sheet: Worksheet, styles: Styles, about: str) -> None:
    """What to do, what each sheet says, how to get the functions."""
    sheet.set_column(0, 0, 3)
    sheet.set_column(1, 1, 16)
    sheet.set_column(2, 2, 96)
    sheet.set_row(1, 30)
    text = styles.of(text_wrap=True, valign="top")
    strong = styles.of(bold=True, valign="top")
    sheet.write(1, 1, "Customer retention", styles.title())
    sheet.write(2, 1, "Who comes back, when, and what a customer is worth.", styles.lead())
    row = 4
    steps = (
        ("1", "Paste your orders into the table on the sheet Orders: customer, date, amount."),
        ("2", "Set the yellow cells on the sheet Summary: period, margin, discount rate."),
        ("3", "Read the other sheets. Every figure is a live formula over the table."),
    )
    pages = (
        ("Summary", "The figures for the boss: repeat purchases, order value, churn, CLV."),
        ("Cohorts", "Customers by the month of their first order: how many are still buying."),
        ("Curve", "All cohorts together: the share of customers active at each age."),
        ("Customers", "Recency, frequency and monetary value of each customer, and a segment."),
        ("Orders", "The data: a row an order."),
    )
    notes = (
        ("Functions", "=COHORT(), =CLV() and the others are functions of kpi_xl. Without it the"
                      " workbook shows the figures that were computed when it was made; with it"
                      " (pip install kpi-xl) they follow your changes."),
        ("Data here", about),
    )  # fmt: skip
    for heading, lines in (
        ("How to use it", steps),
        ("The sheets", pages),
        ("Good to know", notes),
    ):
        sheet.write(row, 1, heading, styles.heading())
        sheet.write_blank(row, 2, None, styles.heading())
        row += 1
        for name, meaning in lines:
            if lines is pages:
                link = styles.of(font_color=BLUE, underline=1, valign="top")
                sheet.write_url(row, 1, f"internal:'{name}'!A1", link, name)
            else:
                sheet.write_string(row, 1, name, strong)
            sheet.write_string(row, 2, meaning, text)
            sheet.set_row(row, 18 * (1 + len(meaning) // 105))
            row += 1
        row += 1
    sheet.print_area(0, 0, row, 2)


INPUTS = (
    ("Period", "M", TEXT.number_format, "D, W, M, Q or Y: the length of a period of Cohorts and Curve"),
    ("LostAfter", 180, DAYS.number_format, "Days without a purchase after which a customer counts as lost"),
    ("Lifetime", 24, PERIODS.number_format, "Months that a customer is expected to stay"),
    ("GrossMargin", 0.4, RATE.number_format, "Gross margin as a fraction of revenue"),
    ("DiscountRate", 0.01, RATE.number_format, "Discount rate per month"),
)  # fmt: skip

FIGURES = {
    "The data": (
        Line("Order count", "=COUNT(Orders[date])", COUNT.number_format, "Rows of the table"),
        Line("Customers", "=COUNT(Frequency)", COUNT.number_format, "Customers with an order"),
        Line("Revenue", "=SUM(Orders[amount])", MONEY.number_format, "Sum of the amounts"),
        Line("First order", "=MIN(Orders[date])", DATE.number_format, "The earliest date"),
        Line("Data until", "=MAX(Orders[date])", DATE.number_format, "The latest date"),
    ),
    "Loyalty": (
        Line("Repeat customers", '=COUNTIF(Frequency,">1")', COUNT.number_format,
             "Customers with purchases on more than one day"),
        Line("Repeat purchase rate", "=REPEAT_PURCHASE_RATE(RepeatCustomers,Customers)",
             RATE.number_format, "Repeat customers / customers"),
        Line("Orders per customer", "=OrderCount/Customers", AVERAGE.number_format,
             "Orders / customers"),
        Line("Lost customers", '=COUNTIF(Recency,">"&LostAfter)', COUNT.number_format,
             "Customers without a purchase for longer than LostAfter"),
        Line("Churn rate", "=CHURN_RATE(LostCustomers,Customers)", RATE.number_format,
             "Lost customers / customers, since the first order"),
        Line("Active after 3 periods", "=IF(COUNT(CurveRate)>3,INDEX(CurveRate,4),\"\")",
             RATE.number_format, "From the sheet Curve"),
        Line("Active after 12 periods", "=IF(COUNT(CurveRate)>12,INDEX(CurveRate,13),\"\")",
             RATE.number_format, "From the sheet Curve"),
    ),
    "Value": (
        Line("Average order value", "=AOV(Revenue,OrderCount)", MONEY.number_format,
             "Revenue / orders"),
        Line("Revenue per customer", "=ARPU(Revenue,Customers)", MONEY.number_format,
             "Revenue / customers"),
        Line("Orders per customer and month",
             "=OrderCount/Customers/((DataUntil-FirstOrder+1)/30.4375)", AVERAGE.number_format,
             "Over the whole time of the data"),
        Line("Customer lifetime value",
             "=CLV(AverageOrderValue,OrdersPerCustomerAndMonth,Lifetime,GrossMargin,DiscountRate)",
             MONEY.number_format, "Margin over the lifetime, discounted"),
        Line("Highest CAC for 3 : 1", "=CustomerLifetimeValue/3", MONEY.number_format,
             "What a customer may cost by the rule of thumb CLV : CAC = 3"),
    ),
}  # fmt: skip

CARDS = (
    "Customers",
    "Revenue",
    "Average order value",
    "Repeat purchase rate",
    "Customer lifetime value",
)


def name_of(label: str) -> str:
    """The defined name of a figure: RepeatPurchaseRate."""
    return "".join(word[:1].upper() + word[1:] for word in label.split() if word.isalnum())


def summary(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """The figures for the boss."""
    sheet.set_column(0, 0, 3)
    sheet.set_column(1, 5, 21)
    sheet.set_column(6, 6, 3)
    sheet.set_row(1, 30)
    sheet.write(1, 1, "Summary", styles.title())
    sheet.write(2, 1, "The yellow cells are yours to set.", styles.lead())
    places: dict[str, tuple[int, Line]] = {}
    row = TOP + 4
    sheet.write(row, 1, "Settings", styles.heading())
    for column in range(2, 6):
        sheet.write_blank(row, column, None, styles.heading())
    for label, value, number_format, meaning in INPUTS:
        row += 1
        sheet.write(row, 1, label, styles.of())
        sheet.write(row, 2, value, styles.input(number_format))
        sheet.write(row, 3, meaning, styles.lead())
        book.define_name(label, f"=Summary!$C${row + 1}")
        if label == "Period":
            sheet.data_validation(
                row, 2, row, 2, {"validate": "list", "source": ["D", "W", "M", "Q", "Y"]}
            )
    for heading, lines in FIGURES.items():
        row += 2
        sheet.write(row, 1, heading, styles.heading())
        for column in range(2, 6):
            sheet.write_blank(row, column, None, styles.heading())
        for line in lines:
            row += 1
            sheet.write(row, 1, line.label, styles.of())
            put(sheet, row, 2, line.formula, styles.of(line.number_format, bold=True), values)
            sheet.write(row, 3, line.meaning, styles.lead())
            book.define_name(name_of(line.label), f"=Summary!$C${row + 1}")
            places[line.label] = row, line
    caption = styles.of(font_color=MUTED, bg_color=WASH, align="center", top=2, top_color=BLUE)
    for column, label in enumerate(CARDS, start=1):
        place, line = places[label]
        sheet.write(TOP, column, label, caption)
        figure = styles.of(
            line.number_format, bold=True, font_size=18, bg_color=WASH, align="center",
            left=5, left_color="#FFFFFF", right=5, right_color="#FFFFFF",
        )  # fmt: skip
        put(sheet, TOP + 1, column, f"=C{place + 1}", figure, values)
    sheet.set_row(TOP, 22)
    sheet.set_row(TOP + 1, 34)
    sheet.fit_to_pages(1, 1)
    sheet.set_portrait()
    sheet.print_area(0, 0, row + 1, 6)


def cohorts(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """Retention by cohort as a heat map, and the customers behind it."""
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1, 10)
    sheet.set_column(2, 80, 7)
    sheet.set_row(0, 30)
    header = styles.header("0", align="center")
    first = styles.of(bold=True)
    size = styles.number(COUNT, right=1, right_color=LINE)
    sheet.write(0, 0, "Cohorts", styles.title())
    sheet.write(1, 0, "Rows: the period of the first order. Columns: periods since.", styles.lead())
    counts = TOP + COHORT_ROOM + 4
    sheet.write(TOP - 1, 0, "Share of customers active", styles.heading())
    share = styles.of("0%", align="center")
    height, width = put_block(
        sheet, TOP, 0, "=COHORT(Orders[customer],Orders[date],,Period)",
        values, header, [first, size, share],
    )  # fmt: skip
    sheet.write(counts - 1, 0, "Customers active", styles.heading())
    number = styles.number(COUNT, align="center")
    put_block(
        sheet, counts, 0, '=COHORT(Orders[customer],Orders[date],,Period,"customers")',
        values, header, [first, size, number],
    )  # fmt: skip
    # Age 0 is always 100 %: with it in the scale, the others would all look alike.
    for top, rows in ((TOP + 1, COHORT_ROOM), (counts + 1, 200)):
        sheet.conditional_format(
            top, 3, top + rows - 1, 82,
            {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#56A6D6",
             "min_type": "num", "min_value": 0},
        )  # fmt: skip
    if height > 1:
        chart = book.add_chart({"type": "line"})
        colours = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#D55E00", INK, MUTED)
        for number_of, row in enumerate(range(TOP + 1, TOP + min(height, len(colours) + 1))):
            chart.add_series(
                {
                    "name": ["Cohorts", row, 0],
                    "categories": ["Cohorts", TOP, 3, TOP, width - 1],
                    "values": ["Cohorts", row, 3, row, width - 1],
                    "line": {"color": colours[number_of], "width": 2},
                }
            )
        dress(chart, "Share of each cohort active, by age in periods")
        chart.set_size({"width": 1080, "height": 330})
        sheet.insert_chart(
            TOP + min(height, COHORT_ROOM - 18) + 1, 0, chart, {"object_position": 2}
        )
    sheet.freeze_panes(TOP + 1, 2)
    sheet.print_area(0, 0, counts + max(height, 2), max(width, 12) - 1)
    sheet.fit_to_pages(1, 1)


def curve(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """The retention curve of all cohorts together, as a table and a chart."""
    sheet.set_column(0, 0, 8)
    sheet.set_column(1, 1, 20)
    sheet.set_column(2, 3, 12)
    sheet.set_column(4, 4, 4)
    sheet.set_row(0, 30)
    sheet.write(0, 0, "Retention curve", styles.title())
    lead = "The share of customers active at each age, over the cohorts old enough to tell."
    sheet.write(1, 0, lead, styles.lead())
    count = styles.number(COUNT)
    height, _ = put_block(
        sheet, TOP, 0, "=RETENTION_CURVE(Orders[customer],Orders[date],Period)",
        values, styles.header(), [styles.of("0", bold=True), count, count, styles.number(RATE)],
    )  # fmt: skip
    last = TOP + max(height, 3) - 1
    sheet.conditional_format(
        TOP + 2, 3, TOP + 200, 3,
        {"type": "data_bar", "bar_color": "#9CCBE8", "bar_solid": True, "min_type": "num",
         "min_value": 0},
    )  # fmt: skip
    chart = book.add_chart({"type": "line"})
    chart.add_series(
        {
            "name": "Customers active",
            "categories": ["Curve", TOP + 2, 0, last, 0],
            "values": ["Curve", TOP + 2, 3, last, 3],
            "line": {"color": BLUE, "width": 2.5},
            "marker": {"type": "circle", "size": 5, "fill": {"color": BLUE},
                       "border": {"color": BLUE}},
        }
    )  # fmt: skip
    dress(chart, "Share of customers active, by age in periods")
    chart.set_legend({"none": True})
    chart.set_size({"width": 760, "height": 400})
    sheet.insert_chart(TOP, 5, chart)
    book.define_name("CurveRate", f"=Curve!$D${TOP + 2}:$D${TOP + 1001}")
    sheet.freeze_panes(TOP + 1, 0)
    sheet.print_area(0, 0, max(last, TOP + 21), 16)
    sheet.fit_to_pages(1, 1)


def customers(book: xlsxwriter.Workbook, sheet: Worksheet, styles: Styles, values: Values) -> None:
    """Each customer with recency, frequency, monetary value and segment."""
    sheet.set_column(0, 7, 13)
    sheet.set_column(7, 7, 20)
    sheet.set_row(0, 30)
    sheet.write(0, 0, "Customers", styles.title())
    lead = "Scores from 1 to 5; the segment follows from recency (R) and the mean of F and M."
    sheet.write(1, 0, lead, styles.lead())
    score = styles.of("0", align="center")
    height, _ = put_block(
        sheet, TOP, 0, "=RFM(Orders[customer],Orders[date],Orders[amount])",
        values, styles.header(),
        [styles.of(bold=True), styles.number(COUNT), styles.number(COUNT), styles.number(MONEY),
         score, score, score, styles.of()],
    )  # fmt: skip
    sheet.conditional_format(
        TOP + 1, 4, TOP + ROOM, 6,
        {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#9CCBE8"},
    )  # fmt: skip
    book.define_name("Recency", f"=Customers!$B${TOP + 2}:$B${TOP + 1 + ROOM}")
    book.define_name("Frequency", f"=Customers!$C${TOP + 2}:$C${TOP + 1 + ROOM}")
    sheet.freeze_panes(TOP + 1, 1)
    sheet.repeat_rows(TOP)
    sheet.print_area(0, 0, TOP + height - 1, 7)


def order_table(sheet: Worksheet, styles: Styles, orders: Sequence[Order]) -> None:
    """The data, as an Excel table that grows with what is pasted below it."""
    sheet.set_column(0, 2, 14)
    sheet.add_table(
        0, 0, max(len(orders), 1), 2,
        {
            "name": "Orders",
            "style": "Table Style Light 1",
            "columns": [
                {"header": "customer", "format": styles.of()},
                {"header": "date", "format": styles.number(DATE)},
                {"header": "amount", "format": styles.number(MONEY)},
            ],
        },
    )  # fmt: skip
    customer, day, money = styles.of(), styles.number(DATE), styles.number(MONEY)
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
            "What it came to; a return is negative",
        )
    ):
        sheet.write_comment(0, column, note, {"x_scale": 1.2, "y_scale": 0.4})
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)


def dress(chart: "xlsxwriter.chart.Chart", title: str) -> None:
    """The quiet look of all charts."""
    chart.set_title({"name": title, "name_font": {"size": 12, "bold": True, "color": INK},
                     "overlay": False})  # fmt: skip
    font = {"color": MUTED, "size": 9}
    chart.set_x_axis({"num_font": font, "line": {"color": LINE}, "major_tick_mark": "none"})
    chart.set_y_axis(
        {"num_format": "0%", "num_font": font, "line": {"none": True}, "min": 0,
         "major_gridlines": {"visible": True, "line": {"color": LINE, "width": 0.75}}}
    )  # fmt: skip
    chart.set_legend({"position": "bottom", "font": font})
    chart.set_chartarea({"border": {"none": True}})
