"""Periods of the calendar, of fiscal years, of retail years, and of thirty days.

A period word is one of WORDS. Periods of a word are numbered, so that ages are differences of
numbers; `period_number` is arithmetic only, so that it takes numbers, arrays and expressions of
frames alike.
"""

from datetime import date, timedelta
from typing import Any

MONTHS = {"M": 1, "Q": 3, "Y": 12, "FQ": 3, "FY": 12}
"""In a period of the calendar or of a fiscal year."""
ROLLING = "30D"
"""Thirty days from a customer's first order on; cohorts of it have the label of their month."""
ROLLING_DAYS = 30
RETAIL = "445"

STARTS = tuple(f"{month:02}" for month in range(1, 13))
"""The month with which a fiscal or a retail year begins."""
WORDS = (*"DWMQY", ROLLING, *(f"{kind}-{m}" for kind in ("FY", "FQ", "445") for m in STARTS))
SHOWN = (*"DWMQY", ROLLING, "FY-07", "FQ-07", "445-02")
"""A word of each kind, to be shown as an example."""

DAYS = {"D": 1.0, "W": 7.0, "M": 30.4375, "Q": 91.3125, "Y": 365.25, ROLLING: 30.0}
DAYS |= {f"FY-{m}": 365.25 for m in STARTS} | {f"FQ-{m}": 91.3125 for m in STARTS}
DAYS |= {f"445-{m}": 30.4375 for m in STARTS}
"""In a period, where the time of a model is not one of the calendar."""

EPOCH = date(1970, 1, 1).toordinal()


def period_number(day: Any, year: Any, month: Any, period: str) -> Any:
    """The number of the period of a day: an ordinal of Python's, with its year and month.

    Of "30D" it is that of the month.
    """
    if period == "D":
        return day - EPOCH
    if period == "W":
        return (day - 1) // 7 - EPOCH // 7  # the first day of year 1 was a Monday
    kind, _, start = period.partition("-")
    if kind == RETAIL:
        begun = retail_year(day, year, int(start))
        return retail_month(begun, retail_week(day, begun, int(start)))
    length = MONTHS.get(kind, 1)
    before = int(start or 1) - 1
    return (year * 12 + month - 1 - before) // length - 1970 * 12 // length


def label(number: int, period: str) -> str:
    """A period's name, in a form that sorts.

    2024-01-15, 2024-W03, 2024-01, 2024-Q1, 2024; FY2024, FY2024-Q1; FY2024-P01 of a retail year.
    """
    if period in "DW":
        day = date.fromordinal(EPOCH) + timedelta(days=number if period == "D" else 7 * number)
        year, week, _ = day.isocalendar()
        return day.isoformat() if period == "D" else f"{year}-W{week:02}"
    kind, _, start = period.partition("-")
    year, part = divmod(number, 12 // MONTHS.get(kind, 1))
    year += 1970
    if start:  # named by the year in which it ends
        ends = year + (start != "01")
        return {"FY": f"FY{ends}", "FQ": f"FY{ends}-Q{part + 1}"}.get(
            kind, f"FY{ends}-P{part + 1:02}"
        )
    return {"Q": f"{year}-Q{part + 1}", "Y": f"{year}"}.get(kind, f"{year}-{part + 1:02}")


BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
"""Days of a common year before each month."""


def first_monday(year: Any, month: int) -> Any:
    """The Monday nearest to the first day of a month, as an ordinal."""
    before = year - 1
    leaps = before // 4 - before // 100 + before // 400
    if month > 2:
        leaps = year // 4 - year // 100 + year // 400
    first = before * 365 + leaps + BEFORE[month - 1] + 1
    return (first + 2) // 7 * 7 + 1


def retail_year(day: Any, year: Any, start: int) -> Any:
    """The year in which the retail year of a day begins."""
    # Each term is 0 where the day is not before that Monday, else -1: arithmetic alone.
    far = 4000
    until_next = (day - first_monday(year + 1, start) + far) // far - 1
    until_this = (day - first_monday(year, start) + far) // far - 1
    return year + 1 + until_next + until_this


def retail_week(day: Any, begun: Any, start: int) -> Any:
    """The number of a day's week in its retail year, from 0."""
    return (day - first_monday(begun, start)) // 7


def retail_month(begun: Any, week: Any) -> Any:
    """The number of a month of four, four and five weeks; a 53rd week joins the last."""
    quarter = week // 13 - week // 52
    week = week - 13 * quarter
    return (begun - 1970) * 12 + 3 * quarter + week // 4 - week // 12
