"""The retention workbook where its orders are more than a sheet holds, and are counted elsewhere.

What spills from the orders is given: cohorts, the curve, orders by day, and customers who are alike
(a row for all of one segment, days since the last purchase, and once or more often). So are the
tables of the models of purchases, which know histories and how many customers have each, and no
single customer. All else is formulas as ever, over these instead of over the orders. The sheet
Orders has a sample, which Checks counts anew: by the formulas in the workbook, and where the orders
are.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from kpi_xl.cells import Block
from kpi_xl.errors import CellError
from kpi_xl.units import COUNT, DATE, MONEY

from .records import Agreement
from .writing import FIXED, Given, Page, Say

if TYPE_CHECKING:
    from kpi_xl.exports.counting import CountedOrders
    from kpi_xl.frame_counts import Foretold

DAYS_LEFT = 2092  # where the sheet Model has the orders by day

OVER_COUNTS = (
    (r"COUNTIFS\(Orders\[date\]", "SUMIFS(DayOrders,Orders[date]"),
    (r"COUNT\(Orders\[date\]\)", "SUM(DayOrders)"),
    (r"Orders\[date\]", "DayOf"),
    (r"Orders\[amount\]", "DayRevenue"),
    (r"COUNT\(Repeats\)", "SUM(Buyer)"),
    (r"SUM\(RankedClv\)", "ClvOfAll"),
    (r"COUNTIFS?\(((?:PurchaseCount|Recency|Segment),[^()]*)\)", r"SUMIFS(CustomersAlike,\1)"),
    (
        r"AVERAGEIFS\(Recency,([^()]*)\)",
        r"SUMIFS(DaysAlike,\1)/SUMIFS(CustomersAlike,\1)",
    ),
)
"""Formulas over orders and customers, and what they are over days and customers who are alike."""

LEAD = (
    "A sample, which {Checks} counts anew: all orders of {customers} customers. Counted were {rows}"
    " rows of {place}, on {day}."
)
FINE = "The checks have found no problem in the sample of the orders, which is all they look at."
MODEL = "Counted where the orders are; the other sheets compute with these tables."
NO_COMPARISON = "Nothing is compared: the orders were counted where they are."
FORETOLD = (
    "Told from the histories of all customers, counted where the orders are. There are no lists of"
    " single customers."
)
BY_WEEK = (
    "Told from the histories of all customers in whole weeks, counted where the orders are. There"
    " are no lists of single customers."
)
NO_FORECAST = "No forecast: the customers have more than {most} different histories of purchases."
RANKED = "CLV, summed over the ranked list"
ALIKE = "CLV, summed over customers alike"

SAMPLED = (
    Agreement("Customers of the sample",
              "=ROWS(RFM(Orders[customer],Orders[date],Orders[amount]))-1", "customers", COUNT),
    Agreement("Revenue of the sample", "=SUM(Orders[amount])", "revenue", MONEY),
    Agreement("Cohorts of the sample, added up",
              '=SUM(COHORT(Orders[customer],Orders[date],,PeriodCode,"customers"))', "cohorts",
              COUNT),
    Agreement("Revenue of cohorts of the sample, added up",
              '=SUM(COHORT(Orders[customer],Orders[date],Orders[amount],PeriodCode,"revenue"))',
              "cohort revenue", MONEY),
    Agreement("Curve of the sample, added up",
              "=SUM(RETENTION_CURVE(Orders[customer],Orders[date],PeriodCode))", "curve", COUNT),
    Agreement("Forecast of the sample, added up",
              "=SUM(CHOOSECOLS(CLV_TOTAL(Orders[customer],Orders[date],Orders[amount],Horizon,"
              '(1+YearlyRate)^(1/52)-1,"W",,BuyingModelCode,"weak"),3))', "forecast", MONEY),
)  # fmt: skip
"""What the workbook computes of the sample; and the name of what was counted of it elsewhere."""


TEXTS = {FIXED, LEAD, FINE, MODEL, NO_COMPARISON, FORETOLD, BY_WEEK, NO_FORECAST, ALIKE,
         "Orders by day",
         *(one.label for one in SAMPLED)}  # fmt: skip
"""What such a workbook says besides."""


def rewritten(formula: str) -> str:
    """A formula over what was counted."""
    for pattern, over in OVER_COUNTS:
        formula = re.sub(pattern, over, formula)
    return formula


def added(block: Block) -> float:
    """The sum of the numbers of a table, as SUM has it."""
    return sum(cell for row in block for cell in row if isinstance(cell, int | float))


def revenues(found: "CountedOrders") -> dict[str, Block]:
    """The tables with revenue, which is blank where no order has an amount: it was not 0."""
    days, cohorts = found.counts.days, found.counts.cohorts
    if found.blank == found.rows:
        header, *rows = days
        return {"Orders by day": [header, *([day, orders, ""] for day, orders, _ in rows)]}
    return {
        "Orders by day": days,
        "Cohorts, revenue": cohorts["revenue"],
        "Cohorts, revenue kept": cohorts["revenue_retention"],
    }


def forecasts(foretold: "Foretold | None") -> dict[str, Block]:
    """The tables of the models, where the sheet Model has them; none if there is no forecast."""
    if foretold is None:
        return {}
    customers = foretold.alike
    if len(customers) > 1:
        customers = [
            [many, repeats, "", "", alive, purchases, "", worth, "", ""]
            for many, repeats, alive, purchases, worth in customers
        ]
    return {
        "Model of purchases and spend": foretold.fit,
        "Value of each customer": customers,
        "All customers together": foretold.total,
        "The weeks held back": foretold.check,
        "What was foretold of them": foretold.before,
    }


def said_of(foretold: "Foretold | None", say: Say) -> str:
    """How the forecast was made, or why there is none."""
    from kpi_xl.frame_counts import MOST_HISTORIES

    if foretold is None:
        return say(NO_FORECAST).format(most=f"{MOST_HISTORIES:,}")
    return say(FORETOLD if foretold.by_day else BY_WEEK)


def given(
    found: "CountedOrders", place: str, day: date, before: list[str],
    settings: Mapping[str, str | float], say: Say,
) -> Given:  # fmt: skip
    """What was counted, as the template takes it; `before` are names of figures of a period before.

    `place` says where the orders are, `settings` what the models were asked, `say` a text in the
    workbook's language.
    """
    counts, sample = found.counts, found.of_sample
    customers: Block = [
        [row[0], row[1], row[2], row[3], row[4], "", "", row[5]] for row in counts.customers
    ]
    blocks = {
        "Customers": customers,
        "Retention curve": counts.curve or [[""]],
        "Cohorts, share": counts.cohorts["retention"],
        "Cohorts, customers": counts.cohorts["customers"],
        **revenues(found),
        **forecasts(counts.foretold),
    }
    correlation = counts.foretold.correlation if counts.foretold else None
    many = sum(row[0] for row in sample.customers[1:])
    fields = {"customers": f"{many:,}", "rows": f"{found.rows:,}", "place": place,
              "day": day.isoformat()}  # fmt: skip
    return Given(
        blocks,
        {"OrdersCounted": found.orders, "Ranged": 0, "Comparing": 0,
         "NotCompared": say(NO_COMPARISON), "HowForetold": said_of(counts.foretold, say),
         "SpendCorrelation": "" if correlation is None else correlation}
        | dict.fromkeys(before, ""),
        {"Period": "Month", "Addresses": "As written", "FromDate": "", "UntilDate": "",
         "CompareWith": "", **settings},
        rewritten,
        "Orders",
        (LEAD, fields),
        {
            "customers": many,
            "revenue": sum(row[2] for row in sample.days[1:]),
            "cohorts": added(sample.cohorts["customers"]),
            "cohort revenue": added(sample.cohorts["revenue"]),
            **({"curve": added(sample.curve)} if sample.curve else {}),
            **of_forecast(sample.foretold),
        },
        FINE,
    )  # fmt: skip


def of_forecast(foretold: "Foretold | None") -> dict[str, float]:
    """The sum of the forecast of the sample, if there is one: it may be too small."""
    cells = foretold.total if foretold else [[""]]
    if len(cells) == 1 or any(isinstance(cell, CellError) for row in cells for cell in row):
        return {}
    return {"forecast": added([row[2:3] for row in cells])}


def agreements(known: tuple[Agreement, ...], record: Given) -> list[Agreement]:
    """Figures computed twice: over what was counted, and of the sample, here and where it is."""
    over = [
        one._replace(
            label=ALIKE if one.label == RANKED else one.label,
            kpi=rewritten(one.kpi),
            native=rewritten(one.native),
        )
        for one in known
    ]
    counted = [one for one in SAMPLED if one.native in record.sample]
    return [*over, *(one._replace(native=f"={record.sample[one.native]!r}") for one in counted)]


def days(page: Page, top: int, record: Given) -> None:
    """Orders and revenue by day on the sheet Model, and names over the columns."""
    styles = page.styles
    page.write(top - 1, DAYS_LEFT, "Orders by day", styles.heading())
    looks = [styles.number(unit) for unit in (DATE, COUNT, MONEY)]
    block = page.state(top, DAYS_LEFT, record.blocks["Orders by day"], styles.header("0"), looks)
    for place, name in enumerate(("DayOf", "DayOrders", "DayRevenue")):
        page.define(name, top + 1, DAYS_LEFT + place, top + len(block) - 1, DAYS_LEFT + place)
    many = len(record.blocks["Customers"]) - 1
    for name, column in (("CustomersAlike", 0), ("DaysAlike", 4)):
        page.define(name, top + 1, column, top + many, column)
