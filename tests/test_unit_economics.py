"""Unit economics: the ten customers worked out by hand, counting by plain loops, other packages."""

import random
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import ten_customers as ten
from frame_cells import frames
from hypothesis import given, settings
from hypothesis import strategies as st
from ltv_by_hand import LAST_DAY, by_hand, orders_of_channels
from scipy.stats import CensoredData, ecdf

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.periods import WORDS, label, period_number
from kpi_xl.serials import serial
from kpi_xl.units import rounded

KINDS = ["pandas", "polars", "polars, lazy", "duckdb"]


def column(cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


def call(name: str, *arguments: Any) -> Any:
    return evaluate(METRICS[name], arguments)


def month_number(name: str) -> str | int:
    """A month as a query by hand numbers it; any other name as it is."""
    return int(name[:4]) * 12 + int(name[5:]) if name[:2] == "20" else name


def near(table: list[list[Any]]) -> list[list[Any]]:
    return [
        [pytest.approx(c, abs=1e-9) if isinstance(c, int | float) else c for c in row]
        for row in table
    ]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def frame(kind: str, **columns: list[Any]) -> Any:
    made = pl.DataFrame(columns)
    if kind == "duckdb":
        connection = duckdb.connect()
        fields = {pl.String: "VARCHAR", pl.Date: "DATE", pl.Float64: "DOUBLE", pl.Int64: "BIGINT"}
        types = {name: fields[type(made[name].dtype)] for name in columns}
        names = ", ".join(f"{name} {kind}" for name, kind in types.items())
        lists = ", ".join(f"unnest(?::{kind}[])" for kind in types.values())
        connection.execute(f"CREATE TABLE rows ({names})")
        connection.execute(f"INSERT INTO rows SELECT {lists}", list(columns.values()))
        return connection.table("rows")
    if kind == "pandas":
        frame = pd.DataFrame(columns)
        for name in columns:
            if made[name].dtype == pl.Date:
                frame[name] = pd.to_datetime(frame[name])
        return frame
    return made.lazy() if "lazy" in kind else made


# Ten customers, worked out by hand


OF_TEN = ten.CUSTOMERS, ten.DATES, ten.AMOUNTS


def test_ten_customers_by_cohort() -> None:
    table = kpi_xl.ltv_curve(*OF_TEN, "M", None, ten.MARGIN, ten.AS_OF)
    assert table == near(ten.BY_COHORT)
    by_cohort = kpi_xl.ltv_curve(*OF_TEN, "M", ten.CHANNELS, ten.MARGIN, ten.AS_OF, "Cohort")
    assert by_cohort == table


def test_ten_customers_by_channel_and_in_all() -> None:
    options = "M", ten.CHANNELS, ten.MARGIN, ten.AS_OF
    assert kpi_xl.ltv_curve(*OF_TEN, *options, "segment") == near(ten.BY_SEGMENT)
    assert kpi_xl.ltv_curve(*OF_TEN, *options, "all") == near(ten.OF_ALL)


def test_what_ten_customers_cost_and_when_it_is_back() -> None:
    spend = ten.SPEND_CHANNELS, ten.SPEND_DATES, ten.SPENT
    assert kpi_xl.cac_by(*spend, *OF_TEN[:2], ten.CHANNELS) == near(ten.CAC)
    curves = {row[0]: row[2:] for row in ten.BY_SEGMENT}
    for (channel, cac), expected in ten.PAYBACK.items():
        assert call("PAYBACK_PERIOD", cac, [curves[channel]]) == expected


def test_ten_customers_as_subscribers() -> None:
    assert kpi_xl.mrr_movements(*OF_TEN[:2], ten.PAID) == near(ten.MOVEMENTS)


def test_ten_customers_in_a_frame(kind: str) -> None:
    rows = frame(
        kind, who=ten.CUSTOMERS, day=ten.DATES, paid=ten.AMOUNTS, channel=ten.CHANNELS, mrr=ten.PAID
    )
    names = "who", "day", "paid"
    for by, expected in (
        ("cohort", ten.BY_COHORT), ("segment", ten.BY_SEGMENT), ("all", ten.OF_ALL)
    ):  # fmt: skip
        table = frames.ltv_curve(rows, *names, "m", "channel", ten.MARGIN, ten.AS_OF, by)
        assert table == near(expected)
    spend = frame(kind, channel=ten.SPEND_CHANNELS, day=ten.SPEND_DATES, spent=ten.SPENT)
    table = frames.cac_by(spend, "channel", "day", "spent", rows, "who", "day", "channel")
    assert table == near(ten.CAC)
    assert frames.mrr_movements(rows, "who", "day", "mrr") == near(ten.MOVEMENTS)


# Period words


def first_monday(year: int, month: int) -> date:
    """By looking at each day: the Monday nearest to the first of a month."""
    first = date(year, month, 1)
    return min(
        (first + timedelta(days) for days in range(-6, 7)),
        key=lambda day: (day.weekday() != 0, abs((day - first).days)),
    )


def fiscal_label(day: date, period: str) -> str:
    """By plain calendar reading."""
    kind, _, start = period.partition("-")
    month = int(start)
    if kind == "445":
        years = range(day.year - 2, day.year + 2)
        begun = max(year for year in years if first_monday(year, month) <= day)
        weeks = (day - first_monday(begun, month)).days // 7
        lengths, part = [4, 4, 5] * 4, 0
        while part < 11 and weeks >= lengths[part]:
            weeks -= lengths[part]
            part += 1
        return f"FY{begun + (month > 1)}-P{part + 1:02}"
    begun = day.year - (day.month < month)
    name = f"FY{begun + (month > 1)}"
    return name if kind == "FY" else f"{name}-Q{(day.month - month) % 12 // 3 + 1}"


FISCAL = [word for word in WORDS if "-" in word]


@pytest.mark.parametrize("period", FISCAL)
def test_fiscal_periods_are_those_of_the_calendar(period: str) -> None:
    chance = random.Random(period)
    days = [date(1980, 1, 1) + timedelta(chance.randrange(30_000)) for _ in range(300)]
    days += [date(year, 1, 1) + timedelta(n) for year in (2000, 2024) for n in range(366)]
    numbers = [period_number(day.toordinal(), day.year, day.month, period) for day in days]
    for day, number in zip(days, numbers, strict=True):
        assert label(number, period) == fiscal_label(day, period)
    ordered = [number for _, number in sorted(zip(days, numbers, strict=True))]
    assert ordered == sorted(ordered)


def test_fiscal_periods_of_the_catalogue() -> None:
    def cohort_of(day: date, period: str) -> Any:
        return kpi_xl.cohort(["Ann"], [day], None, period)[1][0]

    assert cohort_of(date(2024, 6, 30), "FY-07") == "FY2024"
    assert cohort_of(date(2024, 7, 1), "fy-07") == "FY2025"
    assert cohort_of(date(2024, 12, 31), "FQ-07") == "FY2025-Q2"
    assert cohort_of(date(2024, 12, 31), "FY-01") == "FY2024"
    # 1 February 2024 is a Thursday: the nearest Monday is 29 January.
    assert cohort_of(date(2024, 1, 28), "445-02") == "FY2024-P12"
    assert cohort_of(date(2024, 1, 29), "445-02") == "FY2025-P01"
    assert cohort_of(date(2024, 2, 26), "445-02") == "FY2025-P02"
    # 1 February 2030 is a Friday: the year from 29 January 2029 has 53 weeks.
    assert cohort_of(date(2030, 2, 3), "445-02") == "FY2030-P12"
    assert cohort_of(date(2030, 2, 4), "445-02") == "FY2031-P01"
    assert call("COHORT", "Ann", 45292, None, "445-13") == "#VALUE!"
    assert call("COHORT", "Ann", 45292, None, "FY") == "#VALUE!"


def test_thirty_days_from_the_first_order() -> None:
    """Ann's days are 2 January + 30, Bob's 31 January + 30; each counts for themselves."""
    who = ["Ann", "Bob", "Ann", "Bob", "Ann"]
    days = [date(2024, 1, 2), date(2024, 1, 31), date(2024, 1, 31), date(2024, 3, 1)]
    days.append(date(2024, 2, 1))  # the thirtieth day after the first: age 1
    assert kpi_xl.cohort(who, days, None, "30D", "customers", date(2024, 3, 1)) == [
        ["cohort", "size", 0, 1],
        ["2024-01", 2, 2, 2],
    ]
    # On 29 February Bob's second thirty days have not begun: the cohort has not reached age 1.
    assert kpi_xl.cohort(who, days, None, "30D", "customers", date(2024, 2, 29)) == [
        ["cohort", "size", 0, 1],
        ["2024-01", 2, 2, ""],
    ]
    curve = kpi_xl.retention_curve(who, days, "30D", date(2024, 3, 1))
    assert curve[1:] == [[0, 2, 2, 1.0], [1, 1, 1, 1.0]]
    money = [10, 20, 30, 40, 50]
    table = kpi_xl.ltv_curve(who, days, money, "30D", None, 1, date(2024, 3, 1))
    assert table == [["cohort", "customers", 0, 1], ["2024-01", 2, 30.0, ""]]
    table = kpi_xl.ltv_curve(who, days, money, "30D", None, 1, date(2024, 3, 1), "all")
    assert table[1] == ["All", 2, 30.0, 90.0]


# Counting by the plainest of loops


def untidy(seed: int) -> tuple[list[Any], list[date], list[float], list[Any]]:
    chance = random.Random(seed)
    rows = [
        (
            chance.choice([*range(1, 12), "Ann", "Bob ", "ann"]),
            date(2019, 11, 20) + timedelta(days=chance.randrange(900)),
            chance.choice([0.0, -5.0, round(chance.expovariate(0.02), 2)]),
            chance.choice(["ads", "mail", None]),
        )
        for _ in range(200)
    ]
    return tuple(map(list, zip(*rows, strict=True)))  # type: ignore[return-value]


def number_of(day: date, period: str) -> int:
    return int(period_number(day.toordinal(), day.year, day.month, period))


@pytest.mark.parametrize("period", ["W", "M", "Q", "30D", "FY-07", "445-02"])
@pytest.mark.parametrize("seed", range(2))
def test_curves_are_what_counting_gives(seed: int, period: str) -> None:
    who, days, paid, segments = untidy(seed)
    as_of = sorted(days)[170]
    first: dict[str, int] = {}
    for row, (name, day) in enumerate(zip(who, days, strict=True)):
        key = str(name).strip()
        if day <= as_of and (key not in first or day < days[first[key]]):
            first[key] = row

    def age(start: date, day: date) -> int:
        if period == "30D":
            return (day - start).days // 30
        return number_of(day, period) - number_of(start, period)

    brought: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for name, day, amount in zip(who, days, paid, strict=True):
        if day <= as_of:
            key = str(name).strip()
            brought[key][age(days[first[key]], day)] += amount

    def value(keys: list[str], at: int) -> Any:
        counted = [key for key in keys if age(days[first[key]], as_of + timedelta(days=1)) > at]
        total = sum(brought[key][n] for key in counted for n in range(at + 1))
        return pytest.approx(0.4 * total / len(counted), abs=1e-9) if counted else ""

    options = period, segments, 0.4, as_of
    header, *rows = kpi_xl.ltv_curve(who, days, paid, *options, "segment")
    ages = list(map(int, header[2:]))
    assert ages == list(range(len(ages)))
    order = dict.fromkeys(
        s or "(none)" for s, day in zip(segments, days, strict=True) if day <= as_of
    )
    assert [row[0] for row in rows] == [s for s in order if any(
        (segments[row] or "(none)") == s for row in first.values())]  # fmt: skip
    for name, size, *cells in rows:
        keys = [key for key, row in first.items() if (segments[row] or "(none)") == name]
        assert size == len(keys)
        assert cells == [value(keys, at) for at in ages]
    (total,) = kpi_xl.ltv_curve(who, days, paid, *options, "all")[1:]
    assert total == ["All", len(first), *(value(list(first), at) for at in ages)]
    if period == "30D":
        return
    for name, size, *cells in kpi_xl.ltv_curve(who, days, paid, *options)[1:]:
        keys = [
            k for k, row in first.items() if label(number_of(days[row], period), period) == name
        ]
        assert size == len(keys)
        assert cells == [value(keys, at) for at in ages]


@pytest.mark.parametrize(
    ("period", "by", "as_of"),
    [
        ("M", "segment", None),
        ("30D", "segment", date(2021, 3, 31)),
        ("30D", "cohort", date(2021, 3, 31)),
        ("445-01", "segment", date(2021, 3, 31)),
    ],
)
def test_tables_with_segments_over_frames_are_those_of_the_cells(
    kind: str, period: str, by: str, as_of: date | None
) -> None:
    who, days, paid, segments = untidy(1)
    who = [str(name).strip() for name in who]
    # The rows of a frame have no order: one row a customer and day.
    once = {(name, day): row for row, (name, day) in enumerate(zip(who, days, strict=True))}
    kept = sorted(once.values())
    who, days, paid, segments = ([c[row] for row in kept] for c in (who, days, paid, segments))
    rows = frame(kind, who=who, day=days, paid=paid, channel=segments)
    names = "who", "day", "paid"

    def by_segment(table: list[list[Any]]) -> list[list[Any]]:
        return [table[0], *sorted(table[1:], key=lambda row: row[0])]

    options = period, segments, 0.5, as_of, by
    table = frames.ltv_curve(rows, *names, period, "channel", 0.5, as_of, by)
    assert table == near(by_segment(kpi_xl.ltv_curve(who, days, paid, *options)))
    if by == "segment":
        table = frames.cohort(rows, *names, period, "revenue", as_of, "channel")
        expected = kpi_xl.cohort(who, days, paid, period, "revenue", as_of, segments)
        assert table == near(by_segment(expected))
        table = frames.retention_curve(rows, *names[:2], period, as_of, "channel")
        assert table == by_segment(kpi_xl.retention_curve(who, days, period, as_of, segments))


# Customers' costs


@pytest.mark.parametrize("by", ["cohort", "segment"])
def test_a_query_by_hand_gives_the_same_curves(by: str) -> None:
    """The one that the benchmark is against."""
    orders = orders_of_channels(4_000, 600)
    expected = near(by_hand(orders, by, LAST_DAY))
    of_frame = kpi_xl.frames.ltv_curve(
        orders, "who", "day", "paid", "M", "channel", 0.4, LAST_DAY, by
    )
    given = [column(orders[name].to_list()) for name in ("who", "day", "paid", "channel")]
    customers, days, amounts, channels = given
    as_of = serial(LAST_DAY)
    of_cells = call("LTV_CURVE", customers, days, amounts, "M", channels, 0.4, as_of, by)
    for rows in (of_frame.rows(), of_cells[1:]):
        shown = sorted([month_number(row[0]), *row[1:]] for row in rows)
        assert [[None if cell == "" else cell for cell in row] for row in shown] == expected


def test_customers_of_a_channel_without_spend_have_no_cac() -> None:
    table = kpi_xl.cac_by(
        ["ads", "tv"], [date(2024, 2, 1)] * 2, [10, None],
        ["a", "b", "c", "b"],
        [date(2024, 1, 5), date(2024, 1, 9), date(2024, 2, 5), date(2024, 1, 9)],
        ["ads", None, "mail", "ads"],
    )  # fmt: skip
    assert table[1:] == [
        ["ads", "2024-01", 0, 1, 0],  # its spend began later
        ["ads", "2024-02", 10, 0, ""],
        ["tv", "2024-02", 0, 0, ""],
        ["(none)", "2024-01", 0, 1, ""],
        ["mail", "2024-02", 0, 1, ""],
    ]


def test_a_blank_channel_of_spend_is_refused() -> None:
    error = call("CAC_BY", column(["ads", None]), column([45292, 45293]), column([1, 2]),
                 "Ann", 45292, "ads")  # fmt: skip
    assert error == "#VALUE!"
    assert "row 2 of spend_segments" in error.sentence


def test_rows_of_spend_need_not_be_as_many_as_orders() -> None:
    assert call("CAC_BY", column("ab"), column([1e4, 2e4]), 5, "Ann", 45292, "a") == "#VALUE!"


def test_a_payback_ends_at_a_blank_and_lifts() -> None:
    curve = [[10, 20, None, 90]]
    assert call("PAYBACK_PERIOD", column([5, 20, 25]), curve) == [[0], [1], ["#N/A"]]
    assert call("PAYBACK_PERIOD", 0.3, [[0.1 + 0.2 - 1e-17, 5]]) == 0
    assert call("PAYBACK_PERIOD", 1, None) == "#N/A"


# Orders and touches

DAY = date(2024, 3, 31)


@pytest.mark.parametrize(
    ("touches", "rule", "days", "expected"),
    [
        ([(0, "ads")], "last", 0, "ads"),
        ([(1, "ads")], "last", 0, "(none)"),
        ([(30, "ads")], "last", 30, "ads"),
        ([(31, "ads")], "last", 30, "(none)"),
        ([(-1, "ads")], "last", 30, "(none)"),  # after the order
        ([(5, "ads"), (2, "mail"), (9, "tv")], "last", 30, "mail"),
        ([(5, "ads"), (2, "mail"), (9, "tv")], "first", 30, "tv"),
        ([(5, "ads"), (2, "mail"), (9, "tv")], "first", 5, "ads"),
        ([(2, "ads"), (2, "mail")], "last", 30, "mail"),  # the lower row of a day
        ([(5, "ads"), (2, "Direct"), (1, "(none)")], "last_non_direct", 30, "ads"),
        ([(5, "ads"), (2, "(direct)")], "last_non_direct", 3, "direct"),
        ([(5, "ads"), (2, "(Direct) / (none)")], "last_non_direct", 30, "ads"),
        ([(5, "ads"), (2, "(none)")], "last", 30, "direct"),
        ([(5, "ads"), (2, "direct")], "last", 30, "direct"),
        ([(5, "ads"), (2, None)], "last", 30, "(none)"),
        ([(5, "ads"), (2, None)], "last_non_direct", 30, "ads"),
    ],
)
def test_which_touch_is_credited(
    touches: list[tuple[int, Any]], rule: str, days: int, expected: str
) -> None:
    who = ["Ann"] * len(touches)
    when = [DAY - timedelta(days=ago) for ago, _ in touches]
    channels = [channel for _, channel in touches]
    credited = kpi_xl.order_segments(["Ann", "Bob"], [DAY, DAY], who, when, channels, rule, days)
    assert credited == [expected, "(none)"]


def test_blank_rows_of_orders_stay_and_half_blank_ones_are_refused() -> None:
    touches = "Ann", 45300, "ads"
    result = call("ORDER_SEGMENTS", column(["Ann", None, "Ann"]), column([45300, "", 45301]),
                  *touches)  # fmt: skip
    assert result == [["ads"], [""], ["ads"]]
    error = call("ORDER_SEGMENTS", column(["Ann", "Bob"]), column([45300, None]), *touches)
    assert error == "#VALUE!"
    assert "row 2 of dates" in error.sentence


def test_paths_end_with_conversions_and_old_touches_fall_off() -> None:
    rows = [
        ("Ann", 1, "ads", 0, 0), ("Ann", 95, "mail", 0, 0), ("Ann", 100, "tv", 1, 70),
        ("Ann", 101, None, 1, 30),  # bought again, without another touch
        ("Bob", 50, "ads", 0, 0), ("Bob", 60, "mail", 0, 5),  # a value without a conversion
        ("Cem", 90, "mail", 0, 0), ("Cem", 95, None, 0, 0), ("Cem", 100, None, 2, 40),
        ("Dan", 10, "mail", 0, 0), ("Dan", 10, "tv", 1, 8),  # in the order of the rows
        ("Ann", 300, "ads", 0, 0),
    ]  # fmt: skip
    random.Random(2).shuffle(rows[:6])
    who, days, channels, converted, values = map(list, zip(*rows, strict=True))
    dates = [45000 + day for day in days]
    assert kpi_xl.touch_paths(who, dates, channels, converted, values) == [
        ["path", "conversions", "value", "nulls"],
        ["mail > tv", 2, 78, 0],
        ["mail", 2, 40, 0],
        ["(none)", 1, 30, 0],
        ["ads", 0, 0, 1],
        ["ads > mail", 0, 0, 1],
    ]
    assert kpi_xl.touch_paths(["a", "a"], [45000, 45001], ["x", "y"]) == [
        ["path", "conversions", "value", "nulls"],
        ["x > y", 0, 0, 1],
    ]
    with pytest.raises(kpi_xl.WrongInput, match="parts the touches"):
        kpi_xl.touch_paths(["a"], [45000], ["x > y"])


def test_paths_over_frames_are_those_of_the_cells(kind: str) -> None:
    who, days, _, channels = untidy(5)
    who = [str(name).strip() for name in who]
    once = {(name, day): row for row, (name, day) in enumerate(zip(who, days, strict=True))}
    kept = sorted(once.values(), key=lambda row: (who[row], days[row]))
    who, days, channels = ([c[row] for row in kept] for c in (who, days, channels))
    converted = [float(row % 3 == 0) for row in range(len(who))]
    values = [10.0 * row for row in range(len(who))]
    rows = frame(kind, who=who, day=days, channel=channels, won=converted, value=values)
    table = frames.touch_paths(rows, "who", "day", "channel", "won", "value", 60)
    assert table == near(kpi_xl.touch_paths(who, days, channels, converted, values, 60))
    alone = frames.touch_paths(rows, "who", "day", "channel")
    assert alone == near(kpi_xl.touch_paths(who, days, channels))


# Recurring revenue


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 12), st.sampled_from([0, 0.1, 0.2, 7.3])),
        min_size=1,
        max_size=40,
    )
)
def test_movements_are_what_counting_gives(rows: list[tuple[str, int, float]]) -> None:
    paid: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for name, month, amount in rows:
        paid[name][month] = round(paid[name][month] + amount, 6)
    first, last = min(row[1] for row in rows), max(row[1] for row in rows)
    dates = [date(2024 + month // 12, month % 12 + 1, 9) for _, month, _ in rows]
    header, *table = kpi_xl.mrr_movements([r[0] for r in rows], dates, [r[2] for r in rows])
    assert len(table) == last - first + 1
    for month, cells in enumerate(table, start=first):
        moves = dict.fromkeys(header[1:], 0.0)
        for of in paid.values():
            now, before = of[month], of[month - 1]
            earlier = any(amount for then, amount in list(of.items()) if then < month)
            moves["start"] += before
            moves["end"] += now
            moves["customers"] += now > 0
            if now and not earlier:
                moves["new"] += now
            elif now and not before:
                moves["reactivation"] += now
            elif before and not now:
                moves["churn"] += before
            else:
                moves["expansion"] += max(now - before, 0.0)
                moves["contraction"] += max(before - now, 0.0)
        assert cells[1:] == pytest.approx(list(moves.values()), abs=1e-9)


def test_cents_that_only_round_are_no_movement() -> None:
    table = kpi_xl.mrr_movements(
        ["a", "a", "a"], [date(2024, 1, 1), date(2024, 1, 2), date(2024, 2, 1)], [0.1, 0.2, 0.3]
    )
    assert table[2][2:7] == [0, 0, 0, 0, 0]


def test_recurring_revenue_below_0_is_refused(kind: str) -> None:
    days = [date(2024, 1, 1), date(2024, 2, 1)]
    with pytest.raises(kpi_xl.OutOfDomain, match="b in 2024-02 add up to below 0"):
        kpi_xl.mrr_movements(["a", "b"], days, [5, -1])
    rows = frame(kind, who=["a", "b"], day=days, paid=[5.0, -1.0])
    with pytest.raises(kpi_xl.OutOfDomain, match="b in 2024-02 add up to below 0"):
        frames.mrr_movements(rows, "who", "day", "paid")


def test_movements_over_frames_are_those_of_the_cells(kind: str) -> None:
    who, days, paid, _ = untidy(1)
    who, paid = [str(name).strip() for name in who], [abs(amount) for amount in paid]
    rows = frame(kind, who=who, day=days, paid=paid)
    table = frames.mrr_movements(rows, "who", "day", "paid")
    assert table == near(kpi_xl.mrr_movements(who, days, paid))


def test_the_quick_ratio() -> None:
    assert kpi_xl.quick_ratio(30, 10, 5, 5) == 4.0
    assert call("QUICK_RATIO", 30, 10, 0, None) == "#DIV/0!"
    assert call("QUICK_RATIO", 30, -10, 1, 1) == "#NUM!"


# Direct visits have several names, and are one channel

DIRECT = ["direct", "(direct)", "Direct", "(direct) / (none)"]


@pytest.mark.parametrize("kind", ["cells", "polars"])
def test_direct_is_one_channel(kind: str) -> None:
    who, days = ["a", "b", "c", "d"], [date(2024, 1, number) for number in (1, 2, 3, 4)]
    as_of, paid = date(2024, 1, 31), [1.0, 2.0, 3.0, 4.0]
    if kind == "cells":
        curve = kpi_xl.ltv_curve(who, days, paid, "M", DIRECT, 1, as_of, "segment")
        cost = kpi_xl.cac_by(DIRECT, days, paid, who, days, DIRECT)
        left = kpi_xl.survival_curve(days, [None] * 4, "M", DIRECT, as_of)
    else:
        rows = frame("polars", who=who, day=days, paid=paid, channel=DIRECT)
        curve = frames.ltv_curve(rows, "who", "day", "paid", "M", "channel", 1, as_of, "segment")
        cost = frames.cac_by(rows, "channel", "day", "paid", rows, "who", "day", "channel")
        rows = rows.with_columns(end=pl.lit(None, pl.Date))
        left = frames.survival_curve(rows, "day", "end", "M", "channel", as_of)
    assert [[str(row[0]).lower(), *row[1:]] for row in curve[1:]] == [["direct", 4, 2.5]]
    assert [row[2:] for row in cost[1:]] == [[10, 4, 2.5]]
    assert [row[1:3] for row in left[1:]] == [[0, 4]]


def test_paths_have_one_direct_channel() -> None:
    table = kpi_xl.touch_paths(["a"] * 4 + ["b"], [45000, 45001, 45002, 45003, 45003],
                               ["(direct)", "ads", "Direct", None, None],
                               [0, 0, 0, 1, 1], None)  # fmt: skip
    assert [row[:2] for row in table[1:]] == [["direct > ads > direct", 1], ["(none)", 1]]
    shares = kpi_xl.attribution(["(Direct) > ads", "direct"], [1, 1], "last")
    assert [row[:2] for row in shares[1:]] == [["Direct", 1], ["ads", 1]]


# Survival

# Weeks in remission of 21 patients on 6-mercaptopurine; a plus is still in remission. Freireich et
# al. (1963), with the curve as in Collett, Modelling Survival Data in Medical Research, and in
# Kleinbaum & Klein, Survival Analysis, table 2.2.
REMISSION = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PRINTED = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}


def test_the_curve_of_the_remission_data() -> None:
    start = date(2024, 1, 1)
    texts = REMISSION.split()
    # Each starts so that the last day observed is the day of the censoring.
    weeks = [int(text.rstrip("+")) for text in texts]
    starts = [start - timedelta(weeks=n) if "+" in t else start - timedelta(weeks=40)
              for n, t in zip(weeks, texts, strict=True)]  # fmt: skip
    ends = [None if "+" in t else s + timedelta(weeks=n)
            for n, t, s in zip(weeks, texts, starts, strict=True)]  # fmt: skip
    header, *rows = kpi_xl.survival_curve(starts, ends, "W", None, start)
    assert header == ["segment", "age", "at risk", "ended", "survival", "low", "high"]
    survival = {row[1]: row[4] for row in rows}
    assert {week: round(survival[week], 3) for week in PRINTED} == PRINTED
    by_age = {row[1]: row for row in rows}
    assert by_age[6][2:4] == [21, 3]
    assert by_age[23][2:4] == [6, 1]
    # SciPy's curve, with the same variance on the same scale.
    data = CensoredData.right_censored(weeks, ["+" in text for text in texts])
    curve = ecdf(data).sf
    for confidence in (0.95, 0.8):
        rows = kpi_xl.survival_curve(starts, ends, "W", None, start, confidence)[1:]
        interval = curve.confidence_interval(confidence, method="log-log")
        for week in PRINTED:
            (low,), (high,) = interval.low.evaluate([week]), interval.high.evaluate([week])
            assert by_age[week][4] == pytest.approx(curve.evaluate([week])[0])
            assert rows[week][5:] == pytest.approx([low, high])


def test_nobody_left_at_the_end_and_segments() -> None:
    starts = [date(2024, 1, 1)] * 4 + [date(2024, 5, 1)]
    ends = [date(2024, 1, 20), date(2024, 2, 1), date(2024, 2, 1), None, None]
    table = kpi_xl.survival_curve(starts, ends, "M", ["x", "x", "x", None, "y"], date(2024, 3, 1))
    assert [row[:5] for row in table[1:]] == [
        ["x", 0, 3, 1, pytest.approx(2 / 3)],
        ["x", 1, 2, 2, 0.0],
        ["(none)", 0, 1, 0, 1.0],
        ["(none)", 1, 1, 0, 1.0],
        ["(none)", 2, 1, 0, 1.0],
    ]
    assert table[2][5:] == [0.0, 0.0]
    assert table[3][5:] == [1.0, 1.0]
    error = call("SURVIVAL_CURVE", column([45292, 45292]), column([45300, 45291]))
    assert error == "#NUM!"
    assert "value 2 of ends" in error.sentence


@pytest.mark.parametrize("period", ["M", "30D"])
def test_survival_over_frames_is_that_of_the_cells(kind: str, period: str) -> None:
    chance = random.Random(3)
    starts = [date(2023, 1, 1) + timedelta(chance.randrange(300)) for _ in range(80)]
    ends = [
        start + timedelta(chance.randrange(400)) if chance.random() < 0.6 else None
        for start in starts
    ]
    segments = [chance.choice(["a", "b", None]) for _ in starts]
    rows = frame(kind, start=starts, finish=ends, plan=segments)
    for as_of in (None, date(2023, 9, 9)):
        expected = kpi_xl.survival_curve(starts, ends, period, segments, as_of)
        table = frames.survival_curve(rows, "start", "finish", period, "plan", as_of)
        expected[1:] = sorted(expected[1:], key=lambda row: row[0])
        assert table == near(expected)
        alone = frames.survival_curve(rows, "start", "finish", period, None, as_of, 0.9)
        assert alone == near(kpi_xl.survival_curve(starts, ends, period, None, as_of, 0.9))


# What is refused


def test_what_is_refused() -> None:
    with pytest.raises(kpi_xl.WrongInput, match='by "segment" needs'):
        kpi_xl.ltv_curve(*OF_TEN, by="segment")
    with pytest.raises(kpi_xl.OutOfDomain, match="margin"):
        kpi_xl.ltv_curve(*OF_TEN, margin=1.5)
    with pytest.raises(kpi_xl.NotEnoughData, match="no period has ended"):
        kpi_xl.ltv_curve(*OF_TEN, period="Y")
    with pytest.raises(kpi_xl.WrongInput, match="differ in length"):
        kpi_xl.ltv_curve(*OF_TEN, segments=["ads"])
    with pytest.raises(kpi_xl.OutOfDomain, match="that can be shown"):
        kpi_xl.survival_curve([1, 45000], [None, None], "D")
    with pytest.raises(kpi_xl.NotEnoughData, match="on or before as_of"):
        kpi_xl.survival_curve([45000], [None], as_of=44000)


def test_money_that_came_and_went_is_nothing() -> None:
    day, later = serial(date(2024, 1, 5)), serial(date(2024, 2, 5))
    who, days, paid = ["a"] * 3, [day, day, later], [0.1, 0.2, -0.3]
    for by in ("cohort", "all"):
        row = kpi_xl.ltv_curve(who, days, paid, as_of=date(2024, 2, 29), by=by)[1]
        assert row[2:] == [pytest.approx(0.3), 0.0]


def test_arrays_of_a_million_would_do() -> None:
    chance = np.random.default_rng(1)
    columns = chance.integers(0, 500, 5000), chance.integers(45000, 45700, 5000)
    table = METRICS["LTV_CURVE"].kernel(*columns, chance.uniform(1, 9, 5000), by="all")
    assert table[1][1] == 500


# Sentences


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("CAC", 224, 200, "lower"), "CAC rose 12 % to 224 (worse)"),
        (("CAC", 176, 200, "lower"), "CAC fell 12 % to 176 (better)"),
        (("Sales", 176, 200, "Higher"), "Sales fell 12 % to 176 (worse)"),
        (("Sales", 3456.7, 1000), "Sales rose 246 % to 3,457"),
        (("CAC", 12.5, 10), "CAC rose 25 % to 12.50"),
        (("ROAS", 4.25, 4), "ROAS rose 6 % to 4.25"),
        (("ROAS", 1.005, 1), "ROAS rose 1 % to 1.01"),  # half a percent, as from 200 to 201
        (("Sales", 1145, 1000), "Sales rose 15 % to 1,145"),  # 14.5 %, by floats 14.499999999999998
        (("Conversion rate", 0.034, 0.03), "Conversion rate rose 13 % to 3.4 %"),
        (("Leads", 200.4, 200), "Leads: unchanged at 200"),
        (("Leads", 200.4, 200, "higher"), "Leads: unchanged at 200"),
        (("Leads", 5, 0), "Leads rose from 0 to 5"),
        (("Leads", 0, 5, "higher"), "Leads fell 100 % to 0 (worse)"),
        (("Leads", 0, 0), "Leads: unchanged at 0"),
        (("Profit", 20, -10, "higher"), "Profit rose from -10 to 20 (better)"),
        (("Profit", -20, 10), "Profit fell from 10 to -20"),
        (("CAC", 1224.6, 1000, "lower", "ru"), "CAC: рост на 22\u00a0% до 1\u00a0225 (хуже)"),
        (("CAC", 12.5, 10, None, "ru"), "CAC: рост на 25\u00a0% до 12,50"),
        (("CAC", 224, 200, "lower", "zh-Hans"), "CAC 上升 12%，至 224（变差）"),
        (("CAC", 224, 200, "lower", "zh-Hant"), "CAC 上升 12%，至 224（變差）"),
        (("CAC", 224, 200, "lower", "fa"), "تغییر \u2068CAC\u2069: 12 درصد افزایش تا 224 (بدتر)"),
    ],
)
def test_changes_in_words(arguments: tuple[Any, ...], text: str) -> None:
    assert kpi_xl.kpi_change_text(*arguments) == text


@pytest.mark.parametrize(
    ("number", "decimals", "shown"),
    [
        (1250.5, 0, "1251"),
        (-0.5, 0, "-1"),
        (2.675, 2, "2.68"),
        (1.005, 2, "1.01"),
        (0.285, 2, "0.29"),
    ],
)
def test_numbers_in_words_are_rounded_as_cells_show_them(
    number: float, decimals: int, shown: str
) -> None:
    """Excel rounds halves away from 0, of the 15 digits that it has: TEXT(2.675,"0.00") is 2.68."""
    assert str(rounded(number, decimals)) == shown
