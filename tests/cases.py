"""What cells show, the same in every host: each case is written once, and goes through them all.

The answer is that of `cells.evaluate`; what that ought to be is beside each case. EXCEPTIONS has
what a host shows instead, and why; the page of LibreOffice gets the reasons from there.
"""

import json
import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from math import exp, log, sqrt
from typing import Any, NamedTuple

import pytest
import ten_customers as ten
from demos import few
from kpi_xl.workbook_templates import TEMPLATES

from kpi_xl import cells
from kpi_xl.metrics import METRICS

OMITTED = object()
ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")

# Ann and Dan come in January, Ann again in February, when Bob is new.
CUSTOMERS = [["Ann"], ["Dan"], ["Ann"], ["Bob"]]
DAYS = [datetime(2024, 1, 5), datetime(2024, 1, 31, 18, 30), datetime(2024, 2, 1)]
DATES = [[day] for day in (*DAYS, datetime(2024, 2, 29))]


def column(cells: list[Any]) -> list[list[Any]]:
    """As hosts hand a column over: dates as datetimes."""
    return [
        [datetime(cell.year, cell.month, cell.day) if isinstance(cell, date) else cell]
        for cell in cells
    ]


TEN = [*map(column, (ten.CUSTOMERS, ten.DATES, ten.AMOUNTS))]
LAST_OF_TEN = datetime(2024, 6, 30)

# Greenwood's standard error of log(-log(survival)) where one of two is left; the normal deviate.
ONE_OF_TWO, Z = sqrt(1 / (2 * 1)) / -log(0.5), 1.959963984540054

# Function, arguments, result.
CASES: dict[str, tuple[str, list[Any], Any]] = {
    "numbers": ("CAC", [1000.0, 50.0], 1000 / 50),
    "last ones left out": ("CLV", [50.0, 4.0, 3.0], 50 * 4 * 3),
    "one in the middle left out": ("CLV", [50.0, 4.0, 3.0, OMITTED, 0.0], 50 * 4 * 3),
    "left out before a rate": (
        "CLV",
        [50.0, 4.0, 3.0, OMITTED, 0.1],
        50 * 4 * (1.1**-1 + 1.1**-2 + 1.1**-3),
    ),
    "a blank option": ("CLV", [50.0, 4.0, 3.0, None, 0.0], 50 * 4 * 3),
    "zero is not blank": ("CLV", [50.0, 4.0, 3.0, 0.0, 0.0], 0),
    "a blank numerator": ("CAC", [None, 50.0], 0),
    "an empty text": ("CAC", ["", 50.0], 0),
    "a blank denominator": ("CAC", [1000.0, None], "#DIV/0!"),
    "a zero denominator": ("CAC", [1000.0, 0.0], "#DIV/0!"),
    "outside the domain": ("CAC", [1000.0, -5.0], "#NUM!"),
    "too large": ("CAC", [1e308, 1e-10], "#NUM!"),
    "text": ("CAC", ["abc", 50.0], "#VALUE!"),
    "a number as text": ("CAC", ["1000", 50.0], "#VALUE!"),
    "TRUE": ("CAC", [True, 50.0], 1 / 50),
    "a currency cell": ("CAC", [Decimal("1000.5"), Decimal("50")], 1000.5 / 50),
    "a date as a number": (
        "CAC",
        [datetime(2024, 1, 1), 2.0],
        (datetime(2024, 1, 1) - datetime(1899, 12, 30)).days / 2,
    ),
    **{f"the error {error}": ("CAC", [error, 50.0], error) for error in ERRORS},
    "an error before text": ("CAC", ["abc", "#REF!"], "#REF!"),
    "an error in an option": ("CLV", [50.0, 4.0, 3.0, "#N/A", 0.0], "#N/A"),
    "an error in a column": ("NPS", [[[10.0], ["#N/A"]]], "#N/A"),
    "two columns": (
        "CAC",
        [[[100.0], [200.0], [300.0]], [[50.0], [0.0], [100.0]]],
        [[100 / 50], ["#DIV/0!"], [300 / 100]],
    ),
    "a row": ("CAC", [[[100.0, 200.0, 300.0]], 50.0], [[100 / 50, 200 / 50, 300 / 50]]),
    "a column and a row": (
        "CAC",
        [[[100.0], [200.0]], [[10.0, 20.0]]],
        [[100 / 10, 100 / 20], [200 / 10, 200 / 20]],
    ),
    "all sorts in a column": (
        "CAC",
        [[[1000.0], [None], ["#NULL!"], ["abc"], [Decimal("0.5")], [True]], 50.0],
        [[1000 / 50], [0], ["#NULL!"], ["#VALUE!"], [0.5 / 50], [1 / 50]],
    ),
    "columns that do not fit": ("CAC", [[[1.0], [2.0]], [[1.0], [2.0], [3.0]]], "#VALUE!"),
    "one cell in a column": ("NPS", [9.0], 100),
    "blanks in a column": ("NPS", [[[10.0], [None], [9.0], [0.0]]], 100 * (2 - 1) / 3),
    "nothing in a column": ("NPS", [[[None], [None]]], "#N/A"),
    # Median 11, and 1 the median distance from it: 95 alone is far out.
    "true and false": (
        "KPI_ANOMALY",
        [[[10.0], [11.0], [10.0], [12.0], [95.0]]],
        [[False]] * 4 + [[True]],
    ),
    "a table with a blank": (
        "COHORT",
        [CUSTOMERS, DATES],
        [["cohort", "size", 0, 1], ["2024-01", 2, 1, 1 / 2], ["2024-02", 1, 1, ""]],
    ),
    "a word after two left out": (
        "COHORT",
        [CUSTOMERS, DATES, OMITTED, OMITTED, "Customers"],
        [["cohort", "size", 0, 1], ["2024-01", 2, 2, 1], ["2024-02", 1, 1, ""]],
    ),
    "an unknown word": ("COHORT", [CUSTOMERS, DATES, OMITTED, "month"], "#VALUE!"),
    "a date as an option": (
        "COHORT",
        [CUSTOMERS, DATES, OMITTED, "M", "customers", datetime(2024, 1, 31)],
        [["cohort", "size", 0], ["2024-01", 2, 2]],
    ),
    "a block that keeps its columns": (
        "FUNNEL_BY",
        [
            [["ads"], ["mail"]],
            [[45292.0, datetime(2024, 1, 2)], [45293.0, None]],
            [["Lead", "Won"]],
        ],
        [["segment", "Lead", "Won", "Lead → Won"], ["ads", 1, 1, 1], ["mail", 1, 0, 0]],
    ),
    "a block shorter than its column": (
        "FUNNEL_BY",
        [[["ads"], ["mail"], ["ads"]], [[45292.0, 45293.0], [45293.0, None]], OMITTED],
        "#VALUE!",
    ),
    "text that looks like an error": (
        "RFM",
        [[["#1"]], [[45292.0]], [[10.0]], OMITTED, 2.0],
        [
            ["customer", "recency days", "frequency", "monetary", "R", "F", "M", "segment"],
            ["#1", 0, 1, 10, 2, 1, 1, "New"],
        ],
    ),
    "ten customers by cohort": (
        "LTV_CURVE",
        [*TEN, OMITTED, OMITTED, ten.MARGIN, LAST_OF_TEN],
        ten.BY_COHORT,
    ),
    "ten customers by channel": (
        "LTV_CURVE",
        [*TEN, "M", column(ten.CHANNELS), ten.MARGIN, LAST_OF_TEN, "segment"],
        ten.BY_SEGMENT,
    ),
    "ten customers in one": (
        "LTV_CURVE",
        [*TEN, "M", OMITTED, ten.MARGIN, LAST_OF_TEN, "ALL"],
        ten.OF_ALL,
    ),
    "what ten customers cost": (
        "CAC_BY",
        [
            *map(column, (ten.SPEND_CHANNELS, ten.SPEND_DATES, ten.SPENT)),
            *TEN[:2],
            column(ten.CHANNELS),
        ],
        ten.CAC,
    ),
    **{
        f"when {cac} is back with {channel}": (
            "PAYBACK_PERIOD",
            [float(cac), [next(row[2:] for row in ten.BY_SEGMENT if row[0] == channel)]],
            expected,
        )
        for (channel, cac), expected in ten.PAYBACK.items()
    },
    "ten customers by the month": ("MRR_MOVEMENTS", [*TEN[:2], column(ten.PAID)], ten.MOVEMENTS),
    "a fiscal year": (
        "COHORT",
        [CUSTOMERS, DATES, OMITTED, "fy-02", "customers"],
        [["cohort", "size", 0, 1], ["FY2024", 2, 2, 1], ["FY2025", 1, 1, ""]],
    ),
    "segments of cohorts": (
        "COHORT",
        [CUSTOMERS, DATES, OMITTED, "M", "customers", OMITTED, column(["ads", "ads", "x", None])],
        [
            ["segment", "cohort", "size", 0, 1],
            ["ads", "2024-01", 2, 2, 1],
            ["(none)", "2024-02", 1, 1, ""],
        ],
    ),
    "a column beside orders, with a blank": (
        "ORDER_SEGMENTS",
        [
            column(["Ann", None, "Bob"]),
            [[45300.0], [None], [45300.0]],
            column(["Ann", "Ann"]),
            [[45300.0], [45299.0]],
            column(["Direct", "ads"]),
            "last_non_direct",
        ],
        [["ads"], [""], ["(none)"]],
    ),
    # Of three in ads one ends in the month after the start; z of 95 %: 1.959964.
    "who stays, by channel": (
        "SURVIVAL_CURVE",
        [
            [[45292.0], [45292.0], [45293.0], [45300.0]],
            [[45330.0], [None], [None], [45310.0]],
            "M",
            column(["ads", "(direct)", "ADS", None]),
            datetime(2024, 2, 29),
        ],
        [
            ["segment", "age", "at risk", "ended", "survival", "low", "high"],
            ["ads", 0, 2, 0, 1, 1, 1],
            ["ads", 1, 2, 1, 0.5, 0.5 ** exp(Z * ONE_OF_TWO), 0.5 ** exp(-Z * ONE_OF_TWO)],
            ["direct", 0, 1, 0, 1, 1, 1],
            ["direct", 1, 1, 0, 1, 1, 1],
            ["(none)", 0, 1, 1, 0, 0, 0],
        ],
    ),
    "paths to conversions": (
        "TOUCH_PATHS",
        [
            column(["Ann", "Ann", "Bob", "Bob", "Cem"]),
            [[45292.0], [45300.0], [45292.0], [45400.0], [45300.0]],
            column(["ads", "(Direct)", "ads", None, "mail"]),
            column([False, True, False, True, False]),
            [[None], [50.0], [None], [20.0], [7.0]],
            60.0,
        ],
        [
            ["path", "conversions", "value", "nulls"],
            ["ads > Direct", 1, 50, 0],
            ["(none)", 1, 20, 0],
            ["mail", 0, 0, 1],
        ],
    ),
    "no arguments": (
        "KPI_LIST",
        [],
        [["name", "category", "definition"]]
        + [[metric.name, metric.family, metric.summary] for metric in METRICS.values()],
    ),
}


class Blanks(NamedTuple):
    """A call with blank cells, of which an older Excel sends each as 0, through Office.js.

    `told` is the answer where blanks arrive as null, `mistaken` what 0 in their place would give,
    and `shown` what is shown where it does: never `mistaken`.
    """

    name: str
    given: list[Any]
    told: Any
    mistaken: Any
    shown: Any = "#VALUE!"


def column(*cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


BLANKS = {
    # Four promoters of five; of eight answers with three 0, five promoters less three.
    "NPS": Blanks("NPS", [column(10.0, 9.0, 9.0, 10.0, 7.0, None, None, None)], 80, 12.5),
    "CES": Blanks("CES", [column(6.0, 4.0, None)], 5, 10 / 3),
    "CSAT": Blanks("CSAT", [column(5.0, 4.0, 3.0, None)], 2 / 3, 0.5),
    "AVG_GROWTH": Blanks("AVG_GROWTH", [column(None, 100.0, 110.0, 121.0)], 0.1, "#NUM!"),
    # A straight line, +10 a period, whatever is missing on it; its mean is that of what is there.
    "KPI_TREND": Blanks(
        "KPI_TREND", [column(100.0, 110.0, None, 130.0)], 10 / (340 / 3), 10 / 85 * -0.2
    ),
    "AVG_POSITION": Blanks("AVG_POSITION", [column(1.0, None, 3.0)], 2, "#NUM!"),
    "a margin": Blanks("CLV", [50.0, 4.0, 3.0, None], 600, 0),
    "margins": Blanks(
        "CLV", [50.0, 4.0, 3.0, column(0.5, None)], [[300], [600]], [[300], [0]],
        [[300], ["#VALUE!"]],
    ),
    "a rate that is 0 by default": Blanks("CLV", [50.0, 4.0, 3.0, 1.0, None], 600, 600, 600),
    "a tolerance that decides": Blanks(
        "KPI_STATUS", [95.0, 100.0, OMITTED, None, "higher"], "at risk", "off track"
    ),
    "a tolerance that does not": Blanks(
        "KPI_STATUS", [80.0, 100.0, OMITTED, None, "higher"], "off track", "off track", "off track"
    ),
    "a date": Blanks(
        "COHORT", [CUSTOMERS, DATES, OMITTED, OMITTED, OMITTED, None],
        *[[["cohort", "size", 0, 1], ["2024-01", 2, 1, 0.5], ["2024-02", 1, 1, ""]]] * 3,
    ),
    "amounts": Blanks(
        "CHANNEL_MIX", [column("ads", "mail"), column(3.0, None)],
        *[[["channel", "value", "share", "cumulative share"], ["ads", 3, 1, 1], ["mail", 0, 0, 1]]]
        * 3,
    ),
    "rows below the data": Blanks(
        "CHANNEL_MIX", [column("ads", None), column(3.0, None)],
        [["channel", "value", "share", "cumulative share"], ["ads", 3, 1, 1]],
        [["channel", "value", "share", "cumulative share"], ["ads", 3, 1, 1], [0, 0, 0, 1]],
    ),
    "a required number": Blanks("CAC", [None, 50.0], 0, 0, 0),
}  # fmt: skip
"""Blank cells, null and 0."""


def as_zeros(given: list[Any]) -> list[Any]:
    """The same arguments as an older Excel sends them."""
    return [a if a is OMITTED else mapped(lambda c: 0.0 if c is None else c, a) for a in given]


def literal(text: str) -> Any:
    """An argument of an example's formula: a number, a text, an array, a date, or nothing."""
    if not text:
        return OMITTED
    if text.startswith("{"):
        return [[literal(cell) for cell in row.split(",")] for row in text[1:-1].split(";")]
    if text.startswith("DATE("):
        return datetime(*map(int, re.findall(r"\d+", text)))
    return text.strip('"') if text.startswith('"') else float(text)


def arguments(formula: str) -> list[Any]:
    inside = formula[formula.index("(") + 1 : -1]
    return list(map(literal, re.split(r",(?![^{(]*[})])", inside)))


EXAMPLES = {
    f"={name}": (name, arguments(metric.example[0]), metric.example[1])
    for name, metric in METRICS.items()
}
POOR = {
    f"{name} of {what}": (name, [cell, *[9.0] * (metric.required - 1)])
    for name, metric in METRICS.items()
    if metric.required
    for what, cell in (("a blank", None), ("an error", "#N/A"), ("text", "abc"))
}
"""Each function, of something in its first argument that is no number."""

CALLS = {case: (name, given) for case, (name, given, _) in {**CASES, **EXAMPLES}.items()} | POOR


@cache
def of_templates() -> dict[str, tuple[str, list[Any]]]:
    """The calls that the formulas of the template workbooks make over a part of their samples."""
    return {
        f"{name}: {function}({json.dumps(given, default=str)})": (
            function,
            [OMITTED if argument is None else argument for argument in given],
        )
        for name in TEMPLATES
        for function, given in few(name).calls
    }


def block(result: Any) -> list[list[Any]]:
    return result if isinstance(result, list) else [[result]]


def mapped(change: Any, argument: Any) -> list[list[Any]]:
    return [[change(cell) for cell in row] for row in block(argument)]


def evaluated(case: str) -> Any:
    return answered(*(CALLS.get(case) or of_templates()[case]))


def answered(name: str, given: list[Any]) -> Any:
    return cells.evaluate(METRICS[name], [None if a is OMITTED else a for a in given])


def complete(name: str, given: list[Any]) -> list[Any]:
    return given + [OMITTED] * (len(METRICS[name].arguments) - len(given))


def exactly(results: dict[str, Any]) -> dict[str, str]:
    """As JSON, in which 1, 1.0 and true are three things."""
    return {case: json.dumps(result, sort_keys=True) for case, result in results.items()}


def near(expected: Any, rel: float) -> list[list[Any]]:
    def number(cell: Any) -> Any:
        return pytest.approx(cell, rel=rel) if type(cell) in (int, float) else cell

    return mapped(number, expected)


# Where a host shows something else


class Exceptions(NamedTuple):
    """What a host shows instead in some cases, and the reason."""

    host: str
    reason: str
    shown: dict[str, Any]


ONE_BLANK = {
    "a blank option": 0,
    "NPS of a blank": -100,
    "CSAT of a blank": 0,
    "CES of a blank": 0,
    "AVG_POSITION of a blank": "#NUM!",
    "KPI_ANOMALY of a blank": 0,
    "ATTRIBUTION of a blank": "channel",
    "COHORT of a blank": "cohort",
    "RETENTION_CURVE of a blank": "#N/A",
    "RFM of a blank": "customer",
    "FUNNEL of a blank": "stage",
    "FUNNEL_BY of a blank": "segment",
    "CHANNEL_MIX of a blank": "channel",
    "LTV_CURVE of a blank": "#N/A",
    "CAC_BY of a blank": "segment",
    "ORDER_SEGMENTS of a blank": "(none)",
    "MRR_MOVEMENTS of a blank": "month",
    "TOUCH_PATHS of a blank": "path",
    "HOLM of a blank": 0,
    "CUSTOMER_KEYS of a blank": 0,
    "BTYD_FIT of a blank": "#N/A",
    "BTYD_TRACKING of a blank": "#N/A",
    "CLV_TOTAL of a blank": "#N/A",
    "BTYD_CHECK of a blank": "#N/A",
    "GEO_LIFT of a blank": "#N/A",
    "SYNTHETIC_CONTROL of a blank": "#N/A",
    "CLV_FORECAST of a blank": "#N/A",
}
EXCEPTIONS = (
    Exceptions(
        "LibreOffice Calc",
        "a reference to one blank cell counts as 0, and not as left out: Calc hands over the same"
        " for both; in a range, blanks are blanks",
        ONE_BLANK,
    ),
    Exceptions(
        "LibreOffice Calc",
        "a range that holds an error shows `Err:504`, in all cells of the result: Calc hands over"
        " no such range",
        {
            "an error in a column": "Err:504",
            "all sorts in a column": [["Err:504"]] * 6,
        },
    ),
)
