"""A made-up year of a sales team, to show the sales team workbook with."""

import random
from collections.abc import Sequence
from datetime import date, timedelta

from kpi_xl.cells import Cell

from .records import Sample, Sentence

SYNTHETIC = Sentence(
    "Made up: eight reps over a year, with seasons. Jana begins in August, Elif is on leave for a"
    " month; a refund, a misspelled name, a week entered twice, a wrong year, a date that is no"
    " Monday and a missing number are there for the sheet {Checks} to find."
)

# Name, sales a month, visits a month, and what the rep is like: visits a week, leads a visit,
# deals a lead, the worth of a deal, spend a deal.
TEAM = (
    ("Amira", 320_000, 60, (15.5, 1.55, 0.335, 9_400, 340)),
    ("Boris", 260_000, 60, (14.0, 1.50, 0.300, 9_000, 390)),
    ("Chen", 300_000, 60, (12.5, 1.60, 0.370, 9_900, 330)),
    ("Dora", 260_000, 60, (16.5, 1.55, 0.215, 8_700, 480)),
    ("Elif", 280_000, 60, (14.5, 1.50, 0.320, 9_600, 360)),
    ("Farid", 240_000, 60, (10.0, 1.50, 0.310, 9_200, 385)),
    ("Goran", 220_000, None, (14.0, 1.45, 0.285, 8_300, 410)),
    ("Jana", 120_000, 45, (11.0, 1.40, 0.250, 7_900, 450)),
)
FIRST_WEEK = date(2024, 2, 19)
SEASONS = (0.94, 1.08, 1.04, 1.06, 1.08, 1.04, 0.90, 0.86, 1.08, 1.12, 1.20, 1.12)
JANA_BEGINS, ELIF_AWAY, ELIF_BACK = date(2024, 8, 5), date(2024, 9, 30), date(2024, 10, 28)


def sample() -> Sample:
    """A made-up team of eight over 52 weeks, with what goes wrong in real tables."""
    chance = random.Random(23)
    rows: list[dict[str, Cell]] = []
    for number in range(52):
        week = FIRST_WEEK + timedelta(weeks=number)
        season = SEASONS[week.month - 1] * (0.45 if week.strftime("%m-%d") >= "12-23" else 1.0)
        for name, _, _, (visits, leads, close, worth, cost) in TEAM:
            if name == "Jana" and week < JANA_BEGINS:
                continue
            if name == "Elif" and ELIF_AWAY <= week < ELIF_BACK:
                continue
            learnt = 1.0
            if name == "Jana":  # who begins slowly
                learnt = min(1.0, 0.5 + 0.03 * ((week - JANA_BEGINS).days // 7))
            fading = 1.0 - 0.004 * number if name == "Goran" else 1.0
            made = max(0, round(chance.gauss(visits * season**0.5 * fading, 1.6)))
            won = max(0, round(chance.gauss(made * leads, 2.0)))
            deals = sum(chance.random() < close * learnt for _ in range(won))
            sales = sum(round(worth * season * chance.lognormvariate(0, 0.3)) for _ in range(deals))
            spend = round(cost * 0.6 * won * close + cost * 0.4 * deals * chance.uniform(0.8, 1.2))
            rows.append({"rep": name, "week": week, "sales": sales, "visits": made, "leads": won,
                         "deals": deals, "spend": spend})  # fmt: skip

    def row_of(name: str, week: date) -> dict[str, Cell]:
        return next(row for row in rows if row["rep"] == name and row["week"] == week)

    row_of("Boris", date(2025, 1, 6))["sales"] = -18_400  # a large deal was given back
    row_of("Farid", date(2025, 1, 13))["rep"] = "Fareed"
    row_of("Dora", date(2024, 12, 2))["visits"] = None
    row_of("Chen", date(2024, 4, 15))["week"] = date(2204, 4, 15)
    row_of("Amira", date(2024, 11, 25))["week"] = date(2024, 11, 27)
    twice = row_of("Goran", date(2024, 12, 9))
    rows.insert(rows.index(twice) + 1, dict(twice))
    weeks = {name: [row[name] for row in rows] for name in rows[0]}
    names, sales_targets, visit_targets, _ = zip(*TEAM, strict=True)
    targets: dict[str, Sequence[Cell]] = {
        "rep": names, "sales": sales_targets, "visits": visit_targets
    }  # fmt: skip
    return Sample({"Weeks": weeks, "Targets": targets}, SYNTHETIC)
