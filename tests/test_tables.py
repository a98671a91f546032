"""Cohorts, retention curves and RFM: against counting by hand, and against published counts."""

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from frame_cells import in_cells
from kpi_xl.workbook_templates.retention import sample

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.serials import serial

CDNOW = sample().data["Orders"]
BUYERS = CDNOW["customer"]
DAYS = [serial(day) for day in CDNOW["date"]]
AMOUNTS = CDNOW["amount"]


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
    frame = pd.DataFrame({"customer": BUYERS, "date": pd.to_datetime(CDNOW["date"])})
    frame["month"] = frame["date"].dt.to_period("M")
    frame["born"] = frame.groupby("customer")["month"].transform("min")
    frame["age"] = [(m - b).n for m, b in zip(frame["month"], frame["born"], strict=True)]
    expected = frame.groupby(["born", "age"])["customer"].nunique().unstack()
    table = kpi_xl.cohort(frame["customer"], frame["date"], None, "M", "customers")
    for (_, row), cells in zip(expected.iterrows(), in_cells(table)[1:], strict=True):
        assert cells[2:] == ["" if pd.isna(cell) else cell for cell in row]


def test_frequencies_of_cdnow_are_those_of_the_paper() -> None:
    """Fader, Hardie & Lee (2005), Counting Your Customers the Easy Way: repeats in 39 weeks."""
    table = kpi_xl.rfm(BUYERS, DAYS, AMOUNTS, date(1997, 9, 30))
    repeats = Counter(min(int(row[2]) - 1, 7) for row in table[1:])
    assert [repeats[x] for x in range(8)] == [1411, 439, 214, 100, 62, 38, 29, 64]


@pytest.mark.parametrize("late", [100, 90, 5])
def test_a_sale_of_one_day_makes_nobody_lost(late: int) -> None:
    """By hand: nobody is more recent than those of the last day, so that their R is 5 - 0."""
    days = [date(2024, 1, 1)] * (100 - late) + [date(2024, 6, 1)] * late
    table = kpi_xl.rfm(list(range(100)), days, [10.0] * 100)[1:]
    assert {row[4] for row in table[-late:]} == {5}
    assert {row[7] for row in table[-late:]} == {"New"}  # once, for as much as all others
    # Of the others the last ones are all more recent: 5 - INT(5 x late / 100).
    assert {row[4] for row in table[:-late]} <= {5 - 5 * late // 100}


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
        own = facts[name][which]
        below = sum(fact[which] < own for fact in facts.values())
        share = bins * below // len(facts)
        return bins - share if which == 0 else 1 + share

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


def test_nobody_is_lost_who_bought_last() -> None:
    """A sale: 100 of 120 buy on its day. By hand: 5 x 100 / 120 is 4 steps more recent than 20."""
    names = [*map(str, range(120))]
    days = [45292 - 30] * 20 + [45292] * 100
    table = call("RFM", column(names), column(days), column([10] * 120))
    assert {row[4] for row in table[21:]} == {5.0}
    assert {row[7] for row in table[21:]} == {"New"}
    assert {row[4] for row in table[1:21]} == {5.0 - 4.0}
    for row in call("RFM", column(names), column([45292] * 120), column(range(120)))[1:]:
        assert row[4] == 5.0
        assert row[7] in ("New", "Potential loyalists", "Champions")


def cell_name(cell: Any) -> str:
    return f"{cell:.0f}" if isinstance(cell, float) else str(cell)


def test_a_customer_is_one_as_number_and_as_text() -> None:
    table = call("RFM", column([5, "5", " 5 ", "05", 5.0]), column([45292] * 5), column([1] * 5))
    assert [row[0] for row in table[1:]] == [5.0, "05"]


def test_customers_whose_names_python_takes_for_numbers() -> None:
    names = ["nan", "inf", "-inf", "nan", "1e3", "1_0"]
    table = call("RFM", column(names), column([45292] * 6), column([1] * 6))
    assert [row[0] for row in table[1:]] == ["nan", "inf", "-inf", "1e3", "1_0"]


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


def test_cohorts_beyond_four_million_cells_are_an_error() -> None:
    days = [[44_000.0 + n] for n in range(2_500)]
    customers = [[f"c{n}"] for n in range(2_500)]
    for name in ("COHORT", "LTV_CURVE"):
        given = [customers, days, [[1.0]] * 2_500, "D"]
        error = evaluate(METRICS[name], given)
        assert error == "#NUM!"
        assert "4,000,000 cells" in error.sentence
        assert "longer period" in error.sentence


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


def test_a_channel_that_comes_to_nothing_but_for_the_last_bit() -> None:
    table = call("CHANNEL_MIX", column("aaabb"), column([-0.1, -0.2, 0.3, 1, 1]))
    assert table[1:] == [["b", 2.0, 1.0, 1.0], ["a", 0.0, 0.0, 1.0]]
    table = call("CHANNEL_MIX", column("abb"), column([0.3, 0.1, 0.2]))
    assert [row[0] for row in table[1:]] == ["a", "b"]  # alike, so in order of appearance


def leads(seed: int) -> tuple[list[Any], list[list[Any]]]:
    """Leads with dates of stages left out, entered in any order, and rows blank throughout."""
    chance = random.Random(seed)
    segments, dates = [], []
    for _ in range(120):
        segments.append(chance.choice(["ads", "mail ", 5, "5", "Ads", True]))
        stage = chance.randrange(5)
        day = lambda: chance.choice([45000 + chance.randrange(99) + 0.5, "2024-02-29", CHRISTMAS])  # noqa: E731
        dates.append([day() if n < stage and chance.random() < 0.8 else None for n in range(4)])
        if chance.random() < 0.1:
            segments.append(chance.choice([None, "", " "]))
            dates.append([chance.choice([None, "", 0]) for _ in range(4)])
    return segments, dates


CHRISTMAS = date(2023, 12, 25)


@pytest.mark.parametrize("seed", range(6))
def test_funnels_by_segment_are_what_counting_gives(seed: int) -> None:
    segments, dates = leads(seed)
    expected: dict[Any, list[int]] = {}
    for segment, stages in zip(segments, dates, strict=True):
        if segment is None or not str(segment).strip():
            continue
        name = {True: "TRUE"}.get(segment, who(segment))
        shown = next((known for known in expected if known.lower() == name.lower()), name)
        counts = expected.setdefault(shown, [0] * 4)
        for stage in range(4):
            if any(later is not None for later in stages[stage:]):
                counts[stage] += 1
    header, *rows = call("FUNNEL_BY", column(segments), dates, [["Lead", None, 3, "Won"]])
    assert header[:5] == ["segment", "Lead", "Stage 2", 3.0, "Won"]
    assert header[5:] == ["Lead → Stage 2", "Stage 2 → 3", "3 → Won"]
    assert {cell_name(row[0]): row[1:5] for row in rows} == expected
    assert [cell_name(row[0]) for row in rows] == list(expected)
    for row in rows:
        for step in range(3):
            before, count = row[1 + step], row[2 + step]
            assert row[5 + step] == (count / before if before else "")


def test_a_funnel_of_one_stage_has_no_rates() -> None:
    table = call("FUNNEL_BY", column("ab"), column([45292, None]))
    assert table == [["segment", "Stage 1"], ["a", 1.0], ["b", 0.0]]


def test_the_order_of_the_dates_of_a_lead_does_not_matter() -> None:
    assert call("FUNNEL_BY", "a", [[45300, 45292]])[1] == ["a", 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((column("ab"), [[1, "#REF!"], ["#N/A", "x"]]), "#REF!", "stage_dates holds the error"),
        ((column("ab"), [[1, 2], ["#N/A", "x"]]), "#N/A", "stage_dates holds the error"),
        ((column("ab"), [[1, 2], [3, "1/2/24"]]), "#VALUE!", "row 2, column 2 of stage_dates"),
        ((column("ab"), [[1, "1/2/24"], ["x", 3]]), "#VALUE!", "row 1, column 2 of stage_dates"),
        ((column("ab"), [[1, 2], [3, True]]), "#VALUE!", "TRUE or FALSE"),
        ((column("ab"), [[1, 2], [3, -4]]), "#NUM!", "value 2 of stage_dates is -4"),
        ((column("ab"), [[1, 2], [float("inf"), 4]]), "#NUM!", "finite"),
        ((column(["a", None]), [[1, 2], [3, 4]]), "#VALUE!", "row 2 of segments is blank"),
        ((column("a"), [[1, 2], [3, 4]]), "#VALUE!", "segments has 1 rows, stage_dates has 2 rows"),
        ((column([None]), [[None, None]]), "#N/A", "segments holds no values"),
        ((column("a"), [[1, 2]], column("A")), "#VALUE!", "stages has 1 names for the 2 columns"),
        ((column("a"), [[1, 2]], [["A", " A"]]), "#VALUE!", "stages 1 and 2 are both named A"),
        ((column("a"), [[1, 2]], [["Stage 2", None]]), "#VALUE!", "both named Stage 2"),
        ((column("a"), [[1, 2]], [["A", "#NULL!"]]), "#NULL!", "stages holds the error"),
        ((column("a"), [[1, 2], [3]]), "#VALUE!", "not a block"),
    ],
)
def test_what_a_funnel_by_segment_refuses(arguments: Any, error: str, words: str) -> None:
    shown = call("FUNNEL_BY", *arguments)
    assert shown == error
    assert words in shown.sentence


def test_names_of_stages_come_as_a_row_or_a_column_or_not_at_all() -> None:
    data = column("ab"), [[45292, 45293], [45292, None]]
    assert call("FUNNEL_BY", *data)[0] == ["segment", "Stage 1", "Stage 2", "Stage 1 → Stage 2"]
    assert call("FUNNEL_BY", *data, [[None]]) == call("FUNNEL_BY", *data, None)
    assert call("FUNNEL_BY", *data, [["", None]]) == call("FUNNEL_BY", *data)
    assert call("FUNNEL_BY", *data, [["A", "B"]]) == call("FUNNEL_BY", *data, column("AB"))


def test_a_funnel_by_segment_of_frames_and_lists() -> None:
    days = [[datetime(2024, 1, 1, 9), datetime(2024, 1, 2)], [datetime(2024, 1, 1), None]]
    expected = call("FUNNEL_BY", column("ab"), days, [["Lead", "Won"]])
    frame = pd.DataFrame(days, columns=["Lead", "Won"])
    for unit in ("s", "ns"):
        stages = frame.astype(f"datetime64[{unit}]")
        assert in_cells(kpi_xl.funnel_by(["a", "b"], stages, ["Lead", "Won"])) == expected
    by_series = kpi_xl.funnel_by(pd.Series(["a", "b"]), days, frame.columns)
    assert in_cells(by_series) == expected
    with pytest.raises(kpi_xl.WrongInput, match="FUNNEL_BY: row 2, column 1 of stage_dates"):
        kpi_xl.funnel_by(["a", "b"], [[None, None], ["soon", None]])


# What columns of all sorts mean, for every table of this family and for ATTRIBUTION

PEOPLE, CHANNELS = column(["Ann", "Bob", "Ann"]), column(["ads", "mail", "ads"])
SOME_DAYS = column([45323, 45293, 45292])
DATA: dict[str, list[Any]] = {
    "FUNNEL": [column(["Visits", "Leads", "Sales"]), column([100, 50, 5])],
    "FUNNEL_BY": [CHANNELS, [[45323, 45324], [45293, None], [45292, 45330]]],
    "COHORT": [PEOPLE, SOME_DAYS, column([30, 20, -10])],
    "RETENTION_CURVE": [PEOPLE, SOME_DAYS],
    "RFM": [PEOPLE, SOME_DAYS, column([30, 20, -10])],
    "CHANNEL_MIX": [CHANNELS, column([30, 20, -10])],
    "ATTRIBUTION": [column(["ads > mail", "mail", "ads > mail"]), column([3, 2, 1])],
}
DATED = ["FUNNEL_BY", "COHORT", "RETENTION_CURVE", "RFM"]
ROWS_IN_ANY_ORDER = [name for name in DATA if name != "FUNNEL"]
KEYED = ["FUNNEL_BY", "COHORT", "RETENTION_CURVE", "RFM", "CHANNEL_MIX"]


def filled(block: Any, cell: Any) -> Any:
    return [cell] * len(block[0])


@pytest.mark.parametrize("name", DATA)
def test_rows_blank_throughout_are_skipped(name: str) -> None:
    data = DATA[name]
    more = [
        [filled(block, None), *block[:2], filled(block, ""), *block[2:], filled(block, None)]
        for block in data
    ]
    table = call(name, *data)
    assert len(table) > 1
    assert call(name, *more) == table
    assert call(name, *([filled(block, None)] for block in data)) == "#N/A"


@pytest.mark.parametrize("name", DATA)
def test_a_blank_key_beside_data_is_an_error_that_names_its_row(name: str) -> None:
    keys, *others = DATA[name]
    error = call(name, [*keys[:1], [" "], *keys[2:]], *others)
    assert error == "#VALUE!"
    assert "row 2 of" in error.sentence


@pytest.mark.parametrize("name", DATED)
def test_a_number_that_cannot_be_is_named_by_its_row_of_the_sheet(name: str) -> None:
    keys, dates, *others = DATA[name]
    wrong = [dates[0], [-4.0] * len(dates[0]), *dates[2:]]
    more = [
        [filled(block, None), block[0], filled(block, ""), *block[1:]]
        for block in (keys, wrong, *others)
    ]
    error = call(name, *more)
    assert error == "#NUM!"
    assert error.sentence.startswith("value 4 of")


@pytest.mark.parametrize("name", DATED)
def test_dates_as_text_and_with_times(name: str) -> None:
    keys, dates, *others = DATA[name]
    written = [
        [cell and f"{date(1899, 12, 30) + timedelta(days=cell)}T08:30" for cell in row]
        for row in dates
    ]
    with_times = [[cell and cell + 0.99 for cell in row] for row in dates]
    at_noon = [
        [cell and datetime(1899, 12, 30, 12) + timedelta(days=cell) for cell in row]
        for row in dates
    ]
    for block in (written, with_times, at_noon):
        assert call(name, keys, block, *others) == call(name, keys, dates, *others)


@pytest.mark.parametrize("name", DATED)
@pytest.mark.parametrize("text", ["01/02/2024", "2024-1-2", "1 Feb 2024", "2024-02-30", "x"])
def test_a_date_that_can_be_read_two_ways_is_an_error_that_names_the_first_row(
    name: str, text: str
) -> None:
    keys, dates, *others = DATA[name]
    wrong = [dates[0], [text, *dates[1][1:]], [text, *dates[2][1:]]]
    error = call(name, keys, wrong, *others)
    assert error == "#VALUE!"
    assert error.sentence.startswith("row 2")
    assert text in error.sentence


@pytest.mark.parametrize("name", KEYED)
def test_keys_are_one_as_numbers_and_as_text(name: str) -> None:
    keys, *others = DATA[name]
    numbers = {"Ann": 5, "ads": 5, "Bob": "007", "mail": "007"}
    plain = call(name, [[numbers[row[0]]] for row in keys], *others)
    mixed = call(name, [[" 5 "], ["007"], [5.0]], *others)
    assert mixed == plain
    # Channels and segments are those of SUMIFS, which does not look at capitals; customers are not.
    as_one = call(name, [["Ann"], ["ann"], ["ANN "]], *others) == call(
        name, [["Ann"], ["Ann"], ["Ann"]], *others
    )
    assert as_one == (name in ("FUNNEL_BY", "CHANNEL_MIX"))


@pytest.mark.parametrize("name", ROWS_IN_ANY_ORDER)
def test_rows_come_in_any_order(name: str) -> None:
    def as_set(table: Any) -> Any:
        return sorted(map(repr, table))

    data = DATA[name]
    if name == "ATTRIBUTION":
        data = [*data, "linear"]
    backwards = [block[::-1] if isinstance(block, list) else block for block in data]
    assert as_set(call(name, *backwards)) == as_set(call(name, *data))


@pytest.mark.parametrize("name", DATA)
def test_columns_of_different_length_are_an_error(name: str) -> None:
    keys, other, *others = DATA[name]
    assert call(name, keys, other[:2], *others) == "#VALUE!"


@pytest.mark.parametrize("name", DATA)
def test_an_error_cell_passes_through_the_last_row(name: str) -> None:
    for position, block in enumerate(DATA[name]):
        wrong = [*block[:-1], filled(block, "#REF!")]
        arguments = [*DATA[name][:position], wrong, *DATA[name][position + 1 :]]
        assert call(name, *arguments) == "#REF!"


def test_several_orders_on_one_day_are_one_purchase_day() -> None:
    buyers, days = column("aaab"), column([45292, 45292.5, "2024-01-01", 45293])
    assert call("COHORT", buyers, days, None, None, "customers")[1] == ["2024-01", 2.0, 2.0]
    assert call("RETENTION_CURVE", buyers, days, "D")[1] == [0.0, 2.0, 2.0, 1.0]
    assert call("RFM", buyers, days, column([1, 2, 3, 4]))[1][:4] == ["a", 1.0, 1.0, 6.0]


def test_negative_amounts_are_returns() -> None:
    buyers, days = column("aab"), column([45292, 45300, 45293])
    amounts = column([10, -4, -1])
    assert call("COHORT", buyers, days, amounts, None, "customers")[1] == ["2024-01", 2.0, 2.0]
    assert call("COHORT", buyers, days, amounts, None, "revenue")[1] == ["2024-01", 2.0, 5.0]
    table = call("RFM", buyers, days, amounts)
    assert [row[1:4] for row in table[1:]] == [[8.0, 1.0, 6.0], [7.0, 0.0, -1.0]]
    assert call("CHANNEL_MIX", buyers, amounts) == "#NUM!"
    assert call("ATTRIBUTION", buyers, amounts) == "#NUM!"
    assert call("FUNNEL", buyers, amounts) == "#NUM!"
    values = call("ATTRIBUTION", column("ab"), column([1, 1]), None, column([5, -2]))
    assert [row[2] for row in values[1:]] == [5.0, -2.0]


@pytest.mark.parametrize("late", ["9999-12-31", 2958465])
def test_a_mistyped_date_makes_no_curve_of_hundreds_of_thousands_of_rows(late: Any) -> None:
    buyers = column("abc")
    for days in (column([45292, 45323, late]), column([late, 45292, 45323])):
        for period in "DW":
            curve = call("RETENTION_CURVE", buyers, days, period)
            assert (curve, "10,000" in curve.sentence) == ("#NUM!", True)
    longest = column([45292, 45292 + 9_999])
    assert len(call("RETENTION_CURVE", column("ab"), longest, "D")) == 10_001
    more = column([45292, 45292 + 10_000])
    assert call("RETENTION_CURVE", column("ab"), more, "D") == "#NUM!"


def test_channels_are_those_of_sumifs() -> None:
    """Neither capitals nor spaces around count; the spelling that comes first is shown."""
    channels = column(["search", " Search ", "SEARCH", "Mail", "mail", 5, "5"])
    mix = call("CHANNEL_MIX", channels, column([1, 2, 4, 8, 16, 32, 64]))
    assert [row[:2] for row in mix[1:]] == [[5.0, 96.0], ["Mail", 24.0], ["search", 7.0]]
    table = call("FUNNEL_BY", channels, column([45292, None, 45293, 45294, None, 45295, None]))
    assert table[1:] == [["search", 2.0], ["Mail", 1.0], [5.0, 1.0]]
    # Customers are told apart by their capitals, too.
    assert call("COHORT", column(["ann", "Ann"]), column([45292, 45292]))[1][1] == 2.0


def test_one_customer_and_one_period() -> None:
    assert call("COHORT", "a", 45292) == [["cohort", "size", 0.0], ["2024-01", 1.0, 1.0]]
    curve = call("RETENTION_CURVE", "a", 45292, None, 45322)
    assert curve[1:] == [[0.0, 1.0, 1.0, 1.0]]
    assert call("RFM", "a", 45292, 10)[1:] == [["a", 0.0, 1.0, 10.0, 5.0, 1.0, 1.0, "New"]]
    assert call("CHANNEL_MIX", "a", 10)[1:] == [["a", 10.0, 1.0, 1.0]]
    assert call("ATTRIBUTION", "a", 10)[1:] == [["a", 10.0, 1.0]]
    assert call("FUNNEL", "a", 10)[1:] == [["a", 10.0, "", 1.0, ""]]
    assert call("FUNNEL_BY", "a", 45292)[1:] == [["a", 1.0]]


@pytest.mark.parametrize("kind", ["numbers", "far apart", "texts", "fractions"])
def test_the_kernel_takes_arrays(kind: str) -> None:
    """Customers as whole numbers, close together or far apart, or as anything else."""
    chance = random.Random(4)
    ids = [chance.randrange(30) for _ in range(300)]
    days = [45000 + chance.randrange(500) for _ in ids]
    amounts = [chance.uniform(-1, 9) for _ in ids]
    customers = {
        "numbers": np.array(ids),
        "far apart": np.array(ids) * 10**15,
        "texts": np.array([f"C{n}" for n in ids]),
        "fractions": np.array(ids) / 8,
    }[kind]
    for measure in ("customers", "revenue"):
        arrays = METRICS["COHORT"].kernel(
            customers, np.array(days), np.array(amounts), "W", measure, 45400
        )
        lists = kpi_xl.cohort([f"C{n}" for n in ids], days, amounts, "W", measure, 45400)
        assert arrays == [[pytest.approx(cell) for cell in row] for row in lists]


def test_cents_that_cancel_leave_nothing() -> None:
    customers, dates = column("aaaa"), column([45292, 45293, 45294, 45325])
    amounts = column([0.1, 0.2, -0.3, 10.0])
    rows = call("COHORT", customers, dates, amounts, "M", "revenue_retention")
    assert rows[1] == ["2024-01", 1.0, "", ""]
    assert call("COHORT", customers, dates, amounts, "M", "revenue")[1][2] == 0.0
    spent = call("RFM", customers[:3], dates[:3], amounts[:3])
    assert spent[1][3] == 0.0
    ads, same_month = column(["ads"] * 3), dates[:3]
    bought = call("CAC_BY", ads, same_month, amounts[:3], customers[:3], same_month, ads)
    assert bought[1] == ["ads", "2024-01", 0.0, 1.0, 0.0]
    paths = call("TOUCH_PATHS", column("abc"), same_month, ads, column([1, 1, 1]), amounts[:3])
    assert paths[1] == ["ads", 3.0, 0.0, 0.0]
    credit = call("ATTRIBUTION", column(["a"] * 3), column([1, 1, 1]), "linear", amounts[:3])
    assert credit[1] == ["a", 3.0, 0.0, 1.0]
    assert call("CHANNEL_MIX", ads, amounts[:3]) == "#DIV/0!"
    back = column([0.3, -0.2, -0.1, 7.0])
    mix = call("CHANNEL_MIX", column(["ads", "ads", "ads", "mail"]), back)
    assert mix[1:] == [["mail", 7.0, 1.0, 1.0], ["ads", 0.0, 0.0, 1.0]]


def test_a_curve_longer_than_a_sheet_is_an_error() -> None:
    result = call("RETENTION_CURVE", column("ab"), column([45292, 45330]), "D", 2958465)
    assert result == "#NUM!"
    assert "longer period" in result.sentence


def test_ids_that_cannot_be_told_apart_are_refused() -> None:
    """2^53 + 1 is 2^53 in binary: two customers would become one."""
    for one in (2.0**53, -(2.0**53), 2**53, 2**53 + 1):
        assert evaluate(METRICS["RFM"], ([[one]], [[45292.0]], [[1.0]])) == "#NUM!"
    days, amounts = [[45292.0], [45293.0]], [[1.0], [2.0]]
    for name in ("COHORT", "RFM"):
        shown = evaluate(METRICS[name], ([[2.0**53], [2.0**53 + 2]], days, amounts))
        assert shown == "#NUM!"
        assert "write it as text" in shown.sentence
        texts = [["9007199254740993"], ["9007199254740994"]]
        assert len(evaluate(METRICS[name], (texts, days, amounts))) >= 2


def test_a_day_out_of_the_calendar_is_said_to_be_none() -> None:
    shown = evaluate(METRICS["COHORT"], ([["Ann"]], [[3e6]]))
    assert shown == "#NUM!"
    assert "3,000,000, which is no date: they go from 1900-01-01 to 9999-12-31" in shown.sentence


def test_numbers_as_names_of_stages_are_said_without_a_decimal() -> None:
    shown = evaluate(METRICS["FUNNEL_BY"], ([["ads"]], [[45292.0, 45293.0]], [[5.0, 5.0]]))
    assert shown.sentence == "stages 1 and 2 are both named 5"
