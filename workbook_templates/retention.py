"""The retention workbook: orders in; cohorts, a retention curve, segments and CLV out.

The sheet Model holds the tables that KPI functions spill. The sheets for people show them cell by
cell, because charts need fixed cells, and because viewers without our functions keep the values of
plain formulas, but compute spilling ones anew.
"""

import csv
from datetime import date
from importlib import resources
from typing import NamedTuple

from kpi_xl.cells import Cell
from kpi_xl.units import AVERAGE, COUNT, DATE, DAYS, KEY, MONEY, PERIODS, RATE, TEXT

from .parts import (
    Agreement,
    Column,
    Figure,
    Input,
    Problem,
    Sample,
    Sentence,
    Series,
    Setting,
    Sheet,
    Template,
    bars,
    blank_if,
    cards,
    checks,
    draw,
    figures,
    header_row,
    headline,
    heat,
    mirror,
    section,
    settings,
    status,
    warn_of_more,
    where,
)
from .writing import BLUE, COLOURS, ORANGE, Book, Page

ORDERS = Input(
    "Orders",
    "A row an order. Paste yours below the header; the table grows with them.",
    (
        Column("customer", "Customer", KEY, "Who bought: a name or a number.", filled=True),
        Column("date", "Day of the order", DATE, "The day of the order.", filled=True),
        Column("amount", "Amount", MONEY, "What the order came to; a return is below 0."),
    ),
    counted="date",
)

TOP = 4  # the row of the tables' headers, counted from 0: row 5 in Excel
DEEP = 1_000_000  # rows that the names over the customers' table reach down
SPARE = 12  # rows and columns shown beyond those that the data fill now


class Spill(NamedTuple):
    """A table on the sheet Model: its first column, counted from 0, and its formula."""

    title: str
    column: int
    formula: str


# Side by side, with room to the right of the cohorts for ten years of weeks.
CUSTOMERS = Spill("Customers", 0, "RFM(Orders[customer],Orders[date],Orders[amount])")
CURVE = Spill("Retention curve", 9, "RETENTION_CURVE(Orders[customer],Orders[date],Period)")
SHARES = Spill("Cohorts, share", 14, "COHORT(Orders[customer],Orders[date],,Period)")
COUNTS = Spill(
    "Cohorts, customers", 514, 'COHORT(Orders[customer],Orders[date],,Period,"customers")'
)

SETTINGS = (
    Setting("Period", "Period", "M", TEXT, "W, M, Q or Y", ("W", "M", "Q", "Y")),
    Setting("LostAfter", "Lost after", 180, DAYS, "Days without a purchase"),
    Setting("Lifetime", "Lifetime", 24, PERIODS, "Months that a customer stays"),
    Setting("GrossMargin", "Gross margin", 0.4, RATE, "As a fraction of revenue"),
    Setting("DiscountRate", "Discount rate", 0.01, RATE, "Per month"),
)

NOBODY = "CustomerCount=0"

FIGURES = {
    "The data": (
        Figure("OrderCount", "Orders", "=COUNT(Orders[date])", COUNT, "Rows of data"),
        Figure("CustomerCount", "Customers", "=COUNT(PurchaseCount)", COUNT,
               "Customers with an order"),
        Figure("Revenue", "Revenue", "=SUM(Orders[amount])", MONEY,
               "Returns taken off"),
        Figure("FirstOrder", "First order", blank_if(NOBODY, "MIN(Orders[date])"), DATE, ""),
        Figure("DataUntil", "Data until", blank_if(NOBODY, "MAX(Orders[date])"), DATE, ""),
    ),
    "Loyalty": (
        Figure("RepeatCustomers", "Repeat customers", '=COUNTIF(PurchaseCount,">1")',
               COUNT, "Bought on more than one day"),
        Figure("RepeatRate", "Repeat purchase rate",
               blank_if(NOBODY, "REPEAT_PURCHASE_RATE(RepeatCustomers,CustomerCount)"), RATE,
               "Repeat / all customers"),
        Figure("LostCustomers", "Lost customers", '=COUNTIF(Recency,">"&LostAfter)',
               COUNT, "No purchase for so long"),
        Figure("ChurnRate", "Churn rate",
               blank_if(NOBODY, "CHURN_RATE(LostCustomers,CustomerCount)"),
               RATE, "Lost / all customers"),
        Figure("Active3", "Active after 3 periods",
               '=IF(COUNT(CurveRate)>3,INDEX(CurveRate,4),"")', RATE,
               "From the sheet {Curve}"),
        Figure("Active12", "Active after 12 periods",
               '=IF(COUNT(CurveRate)>12,INDEX(CurveRate,13),"")', RATE,
               "From the sheet {Curve}"),
    ),
    "Value": (
        Figure("OrderValue", "Average order value",
               blank_if(NOBODY, "AOV(Revenue,OrderCount)"), MONEY, "Revenue / orders"),
        Figure("CustomerRevenue", "Revenue per customer",
               blank_if(NOBODY, "ARPU(Revenue,CustomerCount)"), MONEY, "Revenue / customers"),
        Figure("MonthlyOrders", "Orders per customer and month",
               blank_if(NOBODY, "OrderCount/CustomerCount/((DataUntil-FirstOrder+1)/30.4375)"),
               AVERAGE, "Over the whole time"),
        Figure("CustomerValue", "Customer lifetime value",
               blank_if(NOBODY,
                        "CLV(OrderValue,MonthlyOrders,Lifetime,GrossMargin,DiscountRate)"),
               MONEY, "Margin, discounted"),
        Figure("HighestCac", "Highest CAC for 3 : 1",
               blank_if(NOBODY, "CustomerValue/3"), MONEY, "CLV : CAC = 3, by rule"),
    ),
}  # fmt: skip

CARDS = ("CustomerCount", "Revenue", "OrderValue", "RepeatRate", "CustomerValue")

AGREEMENTS = (
    Agreement("Average order value", "=OrderValue",
              blank_if(ORDERS.empty, "SUM(Orders[amount])/COUNT(Orders[date])"), MONEY),
    Agreement("Repeat purchase rate", "=RepeatRate",
              blank_if(NOBODY, 'COUNTIF(PurchaseCount,">1")/COUNT(PurchaseCount)'), RATE),
    Agreement("Revenue, summed by customer", "=SUM(Monetary)", "=SUM(Orders[amount])", MONEY),
    Agreement("Customer lifetime value", "=CustomerValue",
              blank_if(NOBODY, "-PV(DiscountRate,Lifetime,OrderValue*MonthlyOrders*GrossMargin)"),
              MONEY),
)  # fmt: skip

HEADER_ROW = "ROW(Orders[[#Headers],[date]])"


def first_gap(column: str, other: str) -> str:
    """The formula for the sheet row of the first order that lacks one thing and has another."""
    return where(ORDERS, f'(Orders[{column}]="")*(Orders[{other}]<>"")')[1]


# Counted by functions that are fast also over a million orders.
PROBLEMS = (
    Problem("Orders without a customer", '=COUNTIFS(Orders[customer],"",Orders[date],"<>")',
            first_gap("customer", "date"),
            "Name the customer, or delete the row: until then the tables show an error."),
    Problem("Orders without a date", '=COUNTIFS(Orders[date],"",Orders[customer],"<>")',
            first_gap("date", "customer"), "Give the day of the order, or delete the row."),
    Problem("Dates that are text", "=COUNTA(Orders[date])-COUNT(Orders[date])", "",
            "Turn them into dates: Data, Text to Columns, Date."),
    Problem("Dates before 1990", '=COUNTIF(Orders[date],"<32874")',
            f"={HEADER_ROW}+MATCH(MIN(Orders[date]),Orders[date],0)", "Correct the year."),
    Problem("Dates after 2100", '=COUNTIF(Orders[date],">73050")',
            f"={HEADER_ROW}+MATCH(MAX(Orders[date]),Orders[date],0)", "Correct the year."),
    Problem("Orders without an amount", '=COUNTIFS(Orders[amount],"",Orders[date],"<>")',
            first_gap("amount", "date"), "They count as 0."),
)  # fmt: skip

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


CDNOW = Sentence(
    "Orders of the online music shop CDNOW: customers who first bought in January to March 1997,"
    " followed to June 1998, amounts in US dollars. Fader & Hardie (2001), Forecasting Repeat Sales"
    " at CDNOW: A Case Study, Interfaces 31 (3); data of Bruce Hardie, brucehardie.com."
)


def sample() -> Sample:
    """The real orders that come with the template: CDNOW, 1997-98."""
    text = resources.files(__package__).joinpath("samples/cdnow.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    orders: dict[str, list[Cell]] = {
        "customer": [int(row["customer"]) for row in rows],
        "date": [date.fromisoformat(row["date"]) for row in rows],
        "amount": [float(row["amount"]) for row in rows],
    }
    return Sample({"Orders": orders}, CDNOW)


def write(book: Book) -> None:
    """Write the sheets for people, Checks and Model."""
    # The tables first: how large they are says how much room the other sheets give them.
    model(book.pages["Model"])
    summary(book.pages["Summary"])
    cohorts(book.pages["Cohorts"])
    curve(book.pages["Curve"])
    segments(book.pages["Segments"])
    checks(book.pages["Checks"], AGREEMENTS, PROBLEMS)


def model(page: Page) -> None:
    """The spilling formulas, and names over the columns of the customers' table."""
    styles = page.styles
    bold, count, share = styles.label(bold=True), styles.number(COUNT), styles.number(RATE)
    money = styles.number(MONEY)
    formats = {
        CUSTOMERS: [bold, count, count, money, count, count, count, styles.label()],
        CURVE: [bold, count, count, share],
        SHARES: [bold, count, share],
        COUNTS: [bold, count],
    }
    headline(page, "Model", "A formula of kpi_xl spills each of these tables.")
    page.sheet.set_column(CUSTOMERS.column, CUSTOMERS.column + 6, 13)
    page.sheet.set_column(CUSTOMERS.column + 7, CUSTOMERS.column + 7, 20)
    page.sheet.set_column(CURVE.column, CURVE.column + 3, 13)
    for spill, looks in formats.items():
        page.write(TOP - 1, spill.column, spill.title, styles.heading())
        formula = blank_if(ORDERS.empty, spill.formula)
        page.spill(TOP, spill.column, formula, styles.header("0"), looks)
    for name, column in (("Recency", 1), ("PurchaseCount", 2), ("Monetary", 3), ("Segment", 7)):
        page.define(name, TOP + 1, column, TOP + DEEP, column)
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, 1, 7)


def summary(page: Page) -> None:
    """The figures for the boss."""
    page.sheet.set_column(0, 0, 3)
    page.sheet.set_column(1, 5, 27)
    headline(page, "Customer retention", "Change the yellow cells to your own.", 1)
    status(page, 2, 1, ORDERS)
    named = {figure.name: figure for records in FIGURES.values() for figure in records}
    cards(page, TOP, 1, [named[name] for name in CARDS])
    row = settings(page, TOP + 3, 1, SETTINGS)
    for heading, records in FIGURES.items():
        row = figures(page, row + 1, 1, heading, records)
    add_curve(page, row=TOP + 3, column=4, width=392, height=286)
    add_cohort_lines(page, row=TOP + 18, column=4, width=392, height=286)
    page.sheet.print_area(0, 0, row, 5)


def cohorts(page: Page) -> None:
    """Retention by cohort as a heat map, and the customers behind it."""
    styles, source = page.styles, page.book.pages["Model"]
    rows, width = shown(page.book, SHARES, 24, 20)
    page.sheet.set_column(0, 0, 12)
    page.sheet.set_column(1, 1, 10)
    page.sheet.set_column(2, width - 1, 6.5)
    headline(page, "Cohorts", "Rows: the period of the first order. Columns: periods since.")
    bold, size = styles.label(bold=True), styles.number(COUNT, align="center")
    section(page, TOP - 1, 0, width - 1, "Share of customers active")
    share = [bold, size, styles.of("0%", align="center")]
    mirror(page, TOP, source, TOP, SHARES.column, rows, width, share)
    second = TOP + rows + 2
    section(page, second - 1, 0, width - 1, "Customers active")
    mirror(page, second, source, TOP, COUNTS.column, rows, width, [bold, size, size])
    for top in (TOP, second):
        # Age 0 is always 100 %: with it in the scale, the others would all look alike.
        heat(page, top + 1, 3, top + rows - 1, width - 1)
    filled = len(table(page.book, SHARES))
    if 1 < filled < 8:  # the lines of more cohorts would hide each other, and the rows are needed
        add_cohort_lines(page, row=TOP + filled + 1, column=0, width=1080, height=340)
    warn_of_more(page, 2, source.at(TOP + 1, SHARES.column, 1999, SHARES.column), rows - 1, "Model")
    page.sheet.freeze_panes(TOP + 1, 2)
    page.sheet.print_area(0, 0, second + max(filled, 3), width - 1)


def curve(page: Page) -> None:
    """The retention curve of all cohorts together, as a table and a chart."""
    styles, source = page.styles, page.book.pages["Model"]
    rows, _ = shown(page.book, CURVE, 37, 4)
    page.sheet.set_column(0, 0, 8)
    page.sheet.set_column(1, 1, 19)
    page.sheet.set_column(2, 3, 12)
    page.sheet.set_column(4, 4, 4)
    lead = "The share of customers active at each age, over the cohorts that are old enough."
    headline(page, "Retention curve", lead)
    count = styles.number(COUNT)
    formats = [styles.of("0", bold=True, align="start"), count, count, styles.number(RATE)]
    mirror(page, TOP, source, TOP, CURVE.column, rows, 4, formats)
    bars(page, TOP + 2, 3, TOP + rows - 1, 3)
    add_curve(page, row=TOP, column=5, width=800, height=420)
    page.define("CurveRate", TOP + 1, 3, TOP + rows - 1, 3)
    warn_of_more(page, 2, source.at(TOP + 1, CURVE.column, 1999, CURVE.column), rows - 1, "Model")
    page.sheet.freeze_panes(TOP + 1, 0)
    page.sheet.print_area(0, 0, TOP + max(len(table(page.book, CURVE)), 22), 17)


def segments(page: Page) -> None:
    """How many customers each segment has, what they spent, and what to do."""
    styles = page.styles
    page.sheet.set_column(0, 0, 20)
    page.sheet.set_column(1, 5, 13)
    page.sheet.set_column(6, 6, 78)
    lead = "By recency (R) and the mean of frequency and monetary value; the scores are in {Model}."
    headline(page, "Segments", lead)
    headers = ("segment", "customers", "share", "revenue", "share", "days since", "what to do")
    header_row(page, TOP, 0, headers, text=(6,))
    for row, (name, advice) in enumerate(SEGMENTS.items(), start=TOP + 1):
        here = row + 1
        page.write(row, 0, name, styles.label(bold=True))
        # The spilled segments are in English in every language.
        for column, formula, style in (
            (1, f'=COUNTIF(Segment,"{name}")', styles.number(COUNT)),
            (2, blank_if(NOBODY, f"B{here}/CustomerCount"), styles.number(RATE)),
            (3, f'=SUMIF(Segment,"{name}",Monetary)', styles.number(MONEY)),
            (4, blank_if("Revenue=0", f"D{here}/Revenue"), styles.number(RATE)),
            (5, blank_if(f"B{here}=0", f'AVERAGEIF(Segment,"{name}",Recency)'),
             styles.number(COUNT)),
        ):  # fmt: skip
            page.put(row, column, formula, style)
        page.write(row, 6, advice, styles.lead(indent=1))
        page.sheet.set_row(row, 20)
    last = TOP + len(SEGMENTS)
    for column in (2, 4):
        bars(page, TOP + 1, column, last, column)
    names = (page, TOP + 1, 0, last, 0)
    draw(
        page,
        "bar",
        "Customers and revenue by segment",
        [
            Series("Share of customers", names, (page, TOP + 1, 2, last, 2), BLUE),
            Series("Share of revenue", names, (page, TOP + 1, 4, last, 4), ORANGE),
        ],
        row=last + 2,
        column=0,
        width=900,
        height=380,
        number_format="0%",
    )
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, last + 22, 6)


# Tables and charts


def table(book: Book, spill: Spill) -> list[list[object]]:
    """The computed table, or an empty one where there is none."""
    block = book.pages["Model"].spilled(TOP, spill.column)
    return block if len(block) > 1 else []


def shown(book: Book, spill: Spill, rows: int, columns: int) -> tuple[int, int]:
    """How many rows and columns of a table its sheet shows: those filled, and some to spare."""
    block = table(book, spill)
    width = len(block[0]) if block else 0
    return max(rows, len(block) + SPARE), columns if width <= columns else width + SPARE


def add_curve(page: Page, *, row: int, column: int, width: int, height: int) -> None:
    """A chart of the retention curve, from age 1: at age 0 all are active."""
    source = page.book.pages["Curve"]
    last = TOP + max(len(table(page.book, CURVE)), 3) - 1
    ages, rates = (source, TOP + 2, 0, last, 0), (source, TOP + 2, 3, last, 3)
    draw(
        page,
        "line",
        "Share of customers active, by age",
        [Series("Customers active", ages, rates)],
        row=row,
        column=column,
        width=width,
        height=height,
        number_format="0%",
    )


def add_cohort_lines(page: Page, *, row: int, column: int, width: int, height: int) -> None:
    """A chart of the oldest cohorts, a line each, as far as each has come."""
    source, block = page.book.pages["Cohorts"], table(page.book, SHARES)
    if not block:
        return
    series = []
    for place, cells in enumerate(block[1:][: len(COLOURS) - 2], start=TOP + 1):
        reached = sum(cell != "" for cell in cells)
        last = max(reached - 1, 3)
        ages, line = (source, TOP, 3, TOP, last), (source, place, 3, place, last)
        series.append(Series(f"={source.at(place, 0)}", ages, line))
    draw(
        page,
        "line",
        "Share of each cohort active, by age",
        series,
        row=row,
        column=column,
        width=width,
        height=height,
        number_format="0%",
    )


TEMPLATE = Template(
    name="retention",
    title="Customer retention",
    about="Who comes back, when, and what it is worth.",
    inputs=(ORDERS,),
    sheets=(
        Sheet("Summary", "The figures for the boss: repeat purchases, order value, churn, CLV."),
        Sheet("Cohorts", "Customers by the period of their first order: how many still buy."),
        Sheet("Curve", "All cohorts together: the share of customers active at each age."),
        Sheet("Segments", "Customers by recency, frequency and monetary value, and what to do."),
        Sheet("Orders", "The data: a row an order."),
        Sheet("Checks", "What is wrong with the data; figures computed twice."),
        Sheet("Model", "The tables that other sheets show, a formula each; customers' scores."),
    ),
    steps=(
        "Paste your orders into the table on the sheet {Orders}: customer, date, amount.",
        "Set the yellow cells on the sheet {Summary}: period, margin, discount rate.",
        "See on the sheet {Checks} whether the data have gaps.",
        "Read the other sheets: every figure is a live formula over that table.",
    ),
    write=write,
    sample=sample,
)
