"""What a row of a table of days stands for: a day, or more."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from kpi_xl.cells import Cell
from kpi_xl.sources.records import plain

LONGER = {
    "a week": "week weekof weekstart weekstarting weekbeginning weekcommencing isoweek yearweek"
    " woche kw kalenderwoche semaine semana settimana неделя 周 週 星期 هفته",
    "a month": "month monthof yearmonth monthofyear monat mois mes mês mese месяц 月 月份 ماه",
    "a quarter": "quarter quarterofyear yearquarter quartal trimestre квартал 季度 季 فصل",
    "a year": "year yearof jahr année ano año anno год 年 年份 سال",
}
"""Headers of columns whose dates are the first days of something longer."""

PERIOD = {header: period for period, headers in LONGER.items() for header in headers.split()}

DAYS = set("day tag jour día dia giorno день 日 天 单日 روز".split())
"""Headers that say that each row is a day."""

FEWEST_WEEKS, FEWEST_MONTHS = 4, 3


def longer_than_days(header: str, days: Sequence[Cell]) -> str:
    """Why the rows of a table of days stand for more than a day; nothing where they do not.

    `days` are the dates of rows that are no single events.
    """
    name = plain(header)
    if name in PERIOD:
        return (
            f'has a row {PERIOD[name]} (the column "{header}"), and this table takes a row a day:'
            " export it by day"
        )
    different = sorted({day for day in days if isinstance(day, date)})
    if name in DAYS or not different:
        return ""
    period = ""
    if len(different) >= FEWEST_MONTHS and all(day.day == 1 for day in different):
        period = "a month or more"
    elif len(different) >= FEWEST_WEEKS and all(
        (later - earlier).days % 7 == 0 for earlier, later in pairwise(different)
    ):
        period = "a week or more"
    if not period:
        return ""
    return (
        f"seems to have a row {period}: all its dates ({different[0]}, {different[1]} ...) begin"
        " one, and this table takes a row a day. Export it by day; if its rows are days, name the"
        ' column "Day"'
    )
