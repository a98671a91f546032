"""What a row of a table of days stands for: a day, or more."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from kpi_xl.cells import Cell
from kpi_xl.locales import Message
from kpi_xl.sources.records import plain

LONGER = {
    "a week": "week weekof weekstart weekstarting weekbeginning weekcommencing"
    " isoweek isoyearisoweek yearweek woche kw kalenderwoche semaine semana settimana"
    " неделя 周 週 星期 هفته",
    "a month": "month monthof yearmonth monthofyear monat mois mes mês mese месяц 月 月份 ماه",
    "a quarter": "quarter quarterofyear yearquarter quartal trimestre квартал 季度 季 فصل",
    "a year": "year yearof jahr année ano año anno год 年 年份 سال",
}
"""Headers of columns whose dates are the first days of something longer."""

PERIOD = {header: period for period, headers in LONGER.items() for header in headers.split()}

LONG = {
    "a week": Message("a week"),
    "a month": Message("a month"),
    "a quarter": Message("a quarter"),
    "a year": Message("a year"),
    "a week or more": Message("a week or more"),
    "a month or more": Message("a month or more"),
}

GRAIN_WORDS = {"day": Message("day"), "week": Message("week"), "month": Message("month")}

DAYS = {*"day tag jour día dia giorno день 日 天 单日 روز".split(), "gregoriandate"}
"""Headers that say that each row is a day."""


def says_days(header: str) -> bool:
    """Whether a column's header says that each row is a day."""
    return plain(header) in DAYS


FEWEST_WEEKS, FEWEST_MONTHS, FEWEST_QUARTERS = 4, 2, 2


def longer_than_days(header: str, days: Sequence[Cell]) -> Message | None:
    """Why the rows of a table of days stand for more than a day; nothing where they do not.

    `days` are the dates of rows that are no single events.
    """
    name = plain(header)
    if name in PERIOD:
        return Message(
            'has a row {period} (the column "{header}"), and this table takes a row'
            " a day: export it by day",
            period=LONG[PERIOD[name]],
            header=header,
        )
    different = sorted({day for day in days if isinstance(day, date)})
    if says_days(header) or not different:
        return None
    period = ""
    if len(different) >= FEWEST_MONTHS and all(day.day == 1 for day in different):
        period = "a month or more"
    elif len(different) >= FEWEST_WEEKS and _weeks_apart(different):
        period = "a week or more"
    if not period:
        return None
    return Message(
        "seems to have a row {period}: all its dates ({day},"
        " {next} ...) begin one, and this table takes a row a day."
        ' Export it by day; if its rows are days, name the column "Day"',
        period=LONG[period],
        day=different[0],
        next=different[1],
    )


def _weeks_apart(days: Sequence[date]) -> bool:
    return all((later - earlier).days % 7 == 0 for earlier, later in pairwise(days))


def first_days(header: str, days: Sequence[Cell]) -> Message | None:
    """A remark on days that may stand for a month or a quarter: the first and only one of theirs.

    The last of all may be where the data end; it is remarked where it is the only one. And on a few
    that are whole weeks apart.
    """
    different = sorted({day for day in days if isinstance(day, date)})
    if says_days(header) or not different:
        return None
    if len(different) > 1 and _weeks_apart(different):
        return Message(
            "all its dates are whole weeks apart ({day}, {next}): if its rows stand for weeks,"
            " export them by day",
            day=different[0],
            next=different[1],
        )
    of_month = Counter((day.year, day.month) for day in different)
    looked_at = different[:-1] or different
    alone = [day for day in looked_at if day.day == 1 and of_month[day.year, day.month] == 1]
    if not alone:
        return None
    others = len(alone) - 1
    if not others:
        return Message(
            "{day} is the only day of its month: if its rows stand for a month or a quarter, export"
            " them by day",
            day=alone[0],
        )
    return Message(
        "{day} and {number} more are the only days of their months: if their rows stand for a month"
        " or a quarter, export them by day",
        day=alone[0],
        number=others,
    )


BY_WEEK = (
    'has a row {period} (the column "{header}"), and this table takes a row a week: export it by'
    " week"
)


def longer_than_weeks(header: str, days: Sequence[Cell]) -> Message | None:
    """Why the rows of a table of weeks stand for months or more; nothing where they do not."""
    period = PERIOD.get(plain(header), "a week")
    if period != "a week":
        return Message(BY_WEEK, period=LONG[period], header=header)
    different = sorted({day for day in days if isinstance(day, date)})
    first = all(day.day == 1 for day in different)
    last = all((day + timedelta(1)).day == 1 for day in different)
    if len(different) < FEWEST_MONTHS or not (first or last):
        return None
    text = (
        "seems to have a row a month or more: all its dates ({day}, {next} ...) begin one, and this"
        " table takes a row a week. Export it by week"
        if first
        else "seems to have a row a month or more: all its dates ({day}, {next} ...) end one, and"
        " this table takes a row a week. Export it by week"
    )
    return Message(text, day=different[0], next=different[1])


def longer_than_months(header: str, days: Sequence[Cell]) -> Message | None:
    """Why the rows of a table of months stand for quarters or years; nothing where they do not."""
    name = plain(header)
    if PERIOD.get(name) in ("a quarter", "a year"):
        return Message(
            'has a row {period} (the column "{header}"), and this table takes a row'
            " a month: export it by month",
            period=LONG[PERIOD[name]],
            header=header,
        )
    months = sorted({12 * day.year + day.month for day in days if isinstance(day, date)})
    if len(months) < FEWEST_QUARTERS or any((later - months[0]) % 3 for later in months):
        return None
    return Message(
        "seems to have a row a quarter or more: all its months are three apart, or six ..., and"
        " this table takes a row a month. Export it by month; a month without cost is a row of 0"
    )


def monday(day: date) -> date:
    """The first day of the week of a day."""
    return day - timedelta(days=day.weekday())


def month_of(day: date) -> date:
    """The first day of the month of a day."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after that of a day."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
