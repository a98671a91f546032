"""Cohorts, retention curves and RFM: against counting by hand, and against published counts."""

import random
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from kpi_xl.workbook_templates.retention import sample

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate, serial

CDNOW = sample()
BUYERS = [order.customer for order in CDNOW]
DAYS = [serial(order.date) for order in CDNOW]
AMOUNTS = [order.amount for order in CDNOW]


def column(cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


def call(name: str, *arguments: Any) -> Any:
    return evaluate(METRICS[name], arguments)


def orders(seed: int, *, days: int = 900) -> tuple[list[Any], list[date], list[float]]:
    """Untidy orders: unsorted, several a day, returns, customers as numbers and as text."""
    chance = random.Random(seed)
    names: list[Any] = [*range(1, 12), "Ann", "Bob ", "ann", "7b", "007"]
    rows = [
        (
            chance.choice(names),
            date(2019, 11, 20) + timedelta(days=chance.randrange(days)),
            chance.choice([0.0, -5.0, round(chance.expovariate(0.02), 2)]),
        )
        for _ in range(250)
    ]
    customers, dates, amounts = zip(*rows, strict=True)
    return list(customers), list(dates), list(amounts)


def period_of(day: date, period: str) -> Any:
    year, week, _ = day.isocalendar()
    return {
        "D": day,
        "W": date.fromisocalendar(year, week, 1),
        "M": date(day.year, day.month, 1),
        "Q": date(day.year, 3 * ((day.month - 1) // 3) + 1, 1),
        "Y": date(day.year, 1, 1),
    }[period]


def following(start: date, period: str) -> date:
    days = {"D": 1, "W": 7, "M": 31, "Q": 92, "Y": 366}[period]
    return period_of(start + timedelta(days=days), period)


def age_of(born: date, now: date, period: str) -> int:
    age = 0
    while born < now:
        born, age = following(born, period), age + 1
    return age


def who(customer: Any) -> str:
    return str(customer).strip()


def counted(
    customers: list[Any], dates: list[date], amounts: list[float], period: str, as_of: date
) -> tuple[dict[date, set[str]], dict[tuple[date, int], set[str]], dict[tuple[date, int], float]]:
    """Cohorts by the plainest of loops: members, who was active at each age, and revenue."""
    first: dict[str, date] = {}
    for customer, day in zip(customers, dates, strict=True):
        if day <= as_of:
            first[who(customer)] = min(first.get(who(customer), day), day)
    members = defaultdict(set)
    active = defaultdict(set)
    revenue: dict[tuple[date, int], float] = Counter()
    for customer, day, amount in zip(customers, dates, amounts, strict=True):
        if day <= as_of:
            born = period_of(first[who(customer)], period)
            age = age_of(born, period_of(day, period), period)
            members[born].add(who(customer))
            active[born, age].add(who(customer))
            revenue[born, age] += amount
    return members, active, revenue


@pytest.mark.parametrize("period", ["D", "W", "M", "Q", "Y"])
@pytest.mark.parametrize("seed", range(4))
def test_cohorts_are_what_counting_gives(seed: int, period: str) -> None:
    customers, dates, amounts = orders(seed, days=60 if period == "D" else 900)
    as_of = sorted(dates)[200]
    members, active, revenue = counted(customers, dates, amounts, period, as_of)
    ages = age_of(min(members), period_of(as_of, period), period) + 1
    for measure in ("customers", "retention", "revenue", "revenue_retention"):
        header, *rows = kpi_xl.cohort(customers, dates, amounts, period, measure, as_of)
        assert header == ["cohort", "size", *range(ages)]
        assert [row[1] for row in rows] == [len(members[born]) for born in sorted(members)]
        for born, row in zip(sorted(members), rows, strict=True):
            reached = age_of(born, period_of(as_of, period), period) + 1
            start = revenue[born, 0]
            expected: list[Any] = [
                {
                    "customers": len(active[born, age]),
                    "retention": len(active[born, age]) / len(members[born]),
                    "revenue": pytest.approx(revenue[born, age]),
                    "revenue_retention": pytest.approx(revenue[born, age] / start)
                    if start > 0
                    else "",
                }[measure]
                for age in range(reached)
            ]
            assert row[2:] == expected + [""] * (ages - reached)


@pytest.mark.parametrize("period", ["W", "M", "Q"])
def test_the_curve_takes_cohorts_whose_period_has_ended(period: str) -> None:
    customers, dates, amounts = orders(9)
    as_of = date(2021, 8, 14)
    members, active, _ = counted(customers, dates, amounts, period, as_of)
    expected: list[list[Any]] = [["age", "customers at risk", "active", "rate"]]
    for age in range(200):
        old_enough = []
        for born in members:
            end = born
            for _ in range(age + 1):
                end = following(end, period)
            if end - timedelta(days=1) <= as_of:
                old_enough.append(born)
        if old_enough:
            at_risk = sum(len(members[born]) for born in old_enough)
            buyers = sum(len(active[born, age]) for born in old_enough)
            expected.append([age, at_risk, buyers, buyers / at_risk])
    assert kpi_xl.retention_curve(customers, dates, period, as_of) == expected


def test_labels_of_periods() -> None:
    days = [date(2024, 12, 30)]
    for period, label in (
        ("D", "2024-12-30"),
        ("W", "2025-W01"),
        ("M", "2024-12"),
        ("Q", "2024-Q4"),
    ):
        assert kpi_xl.cohort(["a"], days, None, period)[1][0] == label
    assert kpi_xl.cohort(["a"], days, None, "Y")[1][0] == "2024"


def test_a_period_counts_once_it_has_ended() -> None:
    january, february = date(2024, 1, 10), date(2024, 2, 10)
    buyers, days = ["Ann", "Bob", "Ann"], [january, january, february]
    until_end = kpi_xl.retention_curve(buyers, days, "M", date(2024, 2, 29))
    day_before = kpi_xl.retention_curve(buyers, days, "M", date(2024, 2, 28))
    assert [row[0] for row in until_end[1:]] == [0, 1]
    assert [row[0] for row in day_before[1:]] == [0]


def test_cohorts_of_cdnow_agree_with_pandas() -> None:
    frame = pd.DataFrame({"customer": BUYERS, "date": pd.to_datetime([o.date for o in CDNOW])})
    frame["month"] = frame["date"].dt.to_period("M")
    frame["born"] = frame.groupby("customer")["month"].transform("min")
    frame["age"] = [(m - b).n for m, b in zip(frame["month"], frame["born"], strict=True)]
    expected = frame.groupby(["born", "age"])["customer"].nunique().unstack()
    table = kpi_xl.cohort(frame["customer"], frame["date"], None, "M", "customers")
    for (_, row), cells in zip(expected.iterrows(), table[1:], strict=True):
        assert cells[2:] == ["" if pd.isna(cell) else cell for cell in row]


def test_frequencies_of_cdnow_are_those_of_the_paper() -> None:
    """Fader, Hardie & Lee (2005), Counting Your Customers the Easy Way: repeats in 39 weeks."""
    table = kpi_xl.rfm(BUYERS, DAYS, AMOUNTS, date(1997, 9, 30))
    repeats = Counter(min(int(row[2]) - 1, 7) for row in table[1:])
    assert [repeats[x] for x in range(8)] == [1411, 439, 214, 100, 62, 38, 29, 64]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bins", [5, 4, 10])
def test_rfm_is_what_counting_gives(seed: int, bins: int) -> None:
    customers, dates, amounts = orders(seed)
    as_of = max(dates)
    rows = list(zip(map(who, customers), dates, amounts, strict=True))
    names = list(dict.fromkeys(name for name, _, _ in rows))
    facts = {}
    for name in names:
        bought = {day for n, day, amount in rows if n == name and amount >= 0}
        last = max(bought or {day for n, day, _ in rows if n == name})
        total = sum(amount for n, _, amount in rows if n == name)
        facts[name] = ((as_of - last).days, len(bought), total)

    def score(name: str, which: int) -> int:
        sign = -1 if which == 0 else 1
        own = sign * facts[name][which]
        worse = sum(sign * fact[which] < own for fact in facts.values())
        return 1 + bins * worse // len(facts)

    def level(score: float) -> int:
        return (score >= 0.6 * bins) + (score >= 0.8 * bins)

    segments = (
        ("Lost", "At risk", "Cannot lose"),
        ("About to sleep", "Needs attention", "Loyal"),
        ("New", "Potential loyalists", "Champions"),
    )
    table = kpi_xl.rfm(customers, dates, amounts, as_of, bins)
    assert [cell_name(row[0]) for row in table[1:]] == names
    for name, row in zip(names, table[1:], strict=True):
        assert row[1:4] == [facts[name][0], facts[name][1], pytest.approx(facts[name][2])]
        r, f, m = (score(name, which) for which in range(3))
        assert row[4:] == [r, f, m, segments[level(r)][level((f + m) / 2)]]


def cell_name(cell: Any) -> str:
    return f"{cell:.0f}" if isinstance(cell, float) else str(cell)


def test_a_customer_is_one_as_number_and_as_text() -> None:
    table = call("RFM", column([5, "5", " 5 ", "05", 5.0]), column([45292] * 5), column([1] * 5))
    assert [row[0] for row in table[1:]] == [5.0, "05"]


def test_dates_come_as_serials_text_and_datetimes() -> None:
    days = column([45292.75, "2024-01-01", " 2024-01-01T09:30:00", date(2024, 1, 1)])
    assert call("RFM", column("abcd"), days, column([1] * 4))[4][1] == 0.0


def test_blank_rows_at_the_end_do_not_count() -> None:
    buyers, days = column(["a", "b", None, ""]), column([45292, 45293, None, 0])
    assert call("COHORT", buyers, days) == call("COHORT", buyers[:2], days[:2])
    spend = column([1, None, None, None])
    assert call("COHORT", buyers, days, spend, None, "revenue")[1][2] == 1.0


def test_later_orders_are_ignored() -> None:
    table = call("COHORT", column("aab"), column([45292, 45400, 45500]), None, None, None, 45300)
    assert table == [["cohort", "size", 0.0], ["2024-01", 1.0, 1.0]]


def test_one_customer_in_one_period() -> None:
    assert call("COHORT", "a", 45292) == [["cohort", "size", 0.0], ["2024-01", 1.0, 1.0]]


def test_ages_that_no_sheet_can_hold_are_an_error() -> None:
    error = call("COHORT", column("ab"), column([1000, 40000]), None, "D")
    assert error == "#NUM!"
    assert "longer period" in error.sentence


def test_a_date_far_off_does_not_take_all_memory() -> None:
    buyers, days = column(range(3000)), column([*range(40000, 42999), 2958465])
    assert call("RETENTION_CURVE", buyers, days, "D") == "#NUM!"
    assert call("COHORT", buyers, days, None, "D") == "#NUM!"


def test_a_funnel_by_hand() -> None:
    stages, counts = (
        column(["Visits", "Leads", "Trials", None, "Customers"]),
        column([20_000, 1000]),
    )
    table = call("FUNNEL", stages, [*counts, [0], [None], [5]])
    assert table[1:] == [
        ["Visits", 20_000.0, "", 1.0, ""],
        ["Leads", 1000.0, 0.05, 0.05, 19_000.0],
        ["Trials", 0.0, 0.0, 0.0, 1000.0],
        ["Customers", 5.0, "", 0.00025, -5.0],
    ]
    assert call("FUNNEL", column("ab"), column([0, 5])) == "#DIV/0!"
    assert call("FUNNEL", column("ab"), column([5, -1])) == "#NUM!"
    assert call("FUNNEL", column(["a", None]), column([5, 1])) == "#VALUE!"
    assert call("FUNNEL", column("ab"), column([5])) == "#VALUE!"
    assert call("FUNNEL", column(["a"]), column([5]))[1:] == [["a", 5.0, "", 1.0, ""]]


@pytest.mark.parametrize("seed", range(3))
def test_a_channel_mix_agrees_with_pandas(seed: int) -> None:
    chance = random.Random(seed)
    channels = [chance.choice(["ads", "mail", "social", "direct"]) for _ in range(60)]
    values = [round(chance.uniform(-2, 20), 2) for _ in range(60)]
    sums = pd.Series(values).groupby(channels).sum().sort_values(ascending=False)
    table = kpi_xl.channel_mix(channels, values)
    assert [row[0] for row in table[1:]] == list(sums.index)
    for row, amount, above in zip(table[1:], sums, sums.cumsum(), strict=True):
        assert row[1:] == pytest.approx([amount, amount / sums.sum(), above / sums.sum()])


def test_a_channel_mix_of_odd_columns() -> None:
    assert call("CHANNEL_MIX", column("aab"), column([5, -6, 1])) == "#NUM!"
    assert call("CHANNEL_MIX", column("ab"), column([0, None])) == "#DIV/0!"
    assert call("CHANNEL_MIX", column(["a", None]), column([1, 2])) == "#VALUE!"
    table = call("CHANNEL_MIX", column(["b", "a ", "a", 7]), column([2, 1, 1, 2]))
    assert [row[0] for row in table[1:]] == ["b", "a", 7.0]
