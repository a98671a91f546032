"""The tables over frames: the same as those of the cells, on every kind of frame."""

import csv
import math
import random
import subprocess
import sys
from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
from frame_cells import frames

import kpi_xl
from kpi_xl import backends
from kpi_xl.errors import OutOfDomain, WrongInput
from kpi_xl.serials import serial

CDNOW_FILE = Path(__file__).parent.parent / "workbook_templates" / "samples" / "cdnow.csv"

with CDNOW_FILE.open(encoding="utf-8", newline="") as file:
    CDNOW = [
        (int(row["customer"]), date.fromisoformat(row["date"]), float(row["amount"]))
        for row in csv.DictReader(file)
        if int(row["customer"]) % 2
    ]
JANUARY = date(2024, 1, 31)
KINDS = ["pandas", "pandas, of objects", "polars", "polars, lazy", "duckdb", "pyarrow"]
TYPES = {str: "VARCHAR", datetime: "TIMESTAMP", date: "DATE", float: "DOUBLE", int: "BIGINT"}
POLARS = {str: pl.String, datetime: pl.Datetime, date: pl.Date, float: pl.Float64, int: pl.Int64}
ARROW = {str: "string", datetime: "timestamp[us]", date: "date32", float: "double", int: "int64"}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def frame(kind: str, **columns: list[Any]) -> Any:
    """Columns of None and values of one type, as a frame of the kind."""
    if kind.startswith("pandas"):
        made = pd.DataFrame(columns)
        for name, cells in columns.items():
            if type_of(cells) in (date, datetime):
                made[name] = pd.to_datetime(pd.Series(cells))
            elif type_of(cells) is str and "objects" in kind:
                made[name] = pd.Series(cells, dtype=object)
        return made
    if kind.startswith("polars"):
        schema = {name: POLARS[type_of(cells)] for name, cells in columns.items()}
        made = pl.DataFrame(columns, schema=schema)
        return made.lazy() if "lazy" in kind else made
    if kind == "pyarrow":
        pa = pytest.importorskip("pyarrow", reason="the frames are those of this package")
        return pa.table(
            {name: pa.array(cells, ARROW[type_of(cells)]) for name, cells in columns.items()}
        )
    names = ", ".join(f"{name} {TYPES[type_of(cells)]}" for name, cells in columns.items())
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE rows ({names})")
    lists = ", ".join(f"unnest(?::{TYPES[type_of(cells)]}[])" for cells in columns.values())
    connection.execute(f"INSERT INTO rows SELECT {lists}", list(columns.values()))
    return connection.table("rows")


def type_of(cells: list[Any]) -> type:
    return next((type(cell) for cell in cells if cell is not None), str)


def orders(seed: int, ids: list[Any], *, whole_days: bool = False) -> dict[str, list[Any]]:
    """Unsorted orders, several a day, returns, amounts left out, rows null throughout."""
    chance = random.Random(seed)
    rows: list[tuple[Any, ...]] = []
    for _ in range(250):
        moment = datetime(2019, 11, 20, chance.randrange(24)) + timedelta(chance.randrange(900))
        amount = chance.choice([0.0, -5.0, None, math.nan, round(chance.expovariate(0.02), 2)])
        rows.append((chance.choice(ids), moment.date() if whole_days else moment, amount))
        if chance.random() < 0.05:
            rows.append((chance.choice([None, ids[0] if not ids[0] else None]), None, None))
    return dict(zip(("who", "day", "paid"), map(list, zip(*rows, strict=True)), strict=True))


TEXTS = ["", "Ann", "Bob ", " Bob", "ann", "Дарья", "李", "=1+1", "O'Neil"]
NUMBERS = [*range(1, 9), 2**40]


@cache
def data(seed: int) -> dict[str, list[Any]]:
    if seed % 2:
        return orders(seed, NUMBERS, whole_days=True)
    columns = orders(seed, TEXTS)
    for row, name in enumerate(columns["who"]):
        if name == "":  # a null customer: only where the whole row is
            columns["day"][row] = columns["paid"][row] = None
    return columns


def in_cells(columns: dict[str, list[Any]]) -> tuple[list[Any], list[Any], list[Any]]:
    return columns["who"], columns["day"], columns["paid"]


@cache
def made(kind: str, seed: int) -> Any:
    """The frame of these columns, which no function changes."""
    return frame(kind, **data(seed))


@cache
def of_cells(function: str, seed: int, names: str, *given: Any) -> list[list[Any]]:
    """What the cells of these columns give: the same is asked of every kind of frame."""
    table: list[list[Any]] = getattr(kpi_xl, function)(*map(data(seed).get, names.split()), *given)
    return table


def by_key(table: list[list[Any]]) -> list[list[Any]]:
    return [table[0], *sorted(table[1:], key=lambda row: row[0])]


def near(table: list[list[Any]]) -> list[list[Any]]:
    return [[pytest.approx(c) if isinstance(c, float) else c for c in row] for row in table]


@pytest.mark.parametrize("period", ["D", "W", "M", "Q", "Y"])
@pytest.mark.parametrize("seed", range(2))
def test_cohorts_are_those_of_the_cells(kind: str, seed: int, period: str) -> None:
    rows = made(kind, seed)
    for measure in ("retention", "customers", "revenue", "revenue_retention"):
        for as_of in (None, date(2021, 3, 31)):
            table = frames.cohort(rows, "who", "day", "paid", period, measure, as_of)
            expected = of_cells("cohort", seed, "who day paid", period, measure, as_of)
            assert table == near(expected)
    assert frames.cohort(rows, "who", "day") == of_cells("cohort", seed, "who day")


@pytest.mark.parametrize("period", ["W", "m", "Q"])
@pytest.mark.parametrize("seed", range(2))
def test_curves_are_those_of_the_cells(kind: str, seed: int, period: str) -> None:
    for as_of in (None, "2021-03-31", 44300):
        table = frames.retention_curve(made(kind, seed), "who", "day", period, as_of)
        assert table == of_cells("retention_curve", seed, "who day", period, as_of)


@pytest.mark.parametrize("seed", range(4))
def test_rfm_is_that_of_the_cells(kind: str, seed: int) -> None:
    for as_of, bins in ((None, 5), (datetime(2021, 3, 31, 12), 3)):
        table = frames.rfm(made(kind, seed), "who", "day", "paid", as_of, bins)
        assert table == near(by_key(of_cells("rfm", seed, "who day paid", as_of, bins)))


@pytest.mark.parametrize("seed", range(4))
def test_a_channel_mix_is_that_of_the_cells(kind: str, seed: int) -> None:
    columns = data(seed)
    who, _, paid = in_cells(columns)
    paid = [None if amount is None else abs(amount) for amount in paid]
    rows = frame(kind, channel=who, value=paid)
    # Of names that differ in capitals a frame, whose rows have no order, shows the first sorted.
    found, expected = (
        [[str(row[0]).lower(), *row[1:]] for row in rows]
        for rows in (frames.channel_mix(rows, "channel", "value"), kpi_xl.channel_mix(who, paid))
    )
    assert found == near(expected)


def test_channels_of_one_sum_are_sorted(kind: str) -> None:
    rows = frame(kind, channel=["b", "a", "c", "a"], value=[0.3, 0.1, 0.5, 0.2])
    assert [row[0] for row in frames.channel_mix(rows, "channel", "value")[1:]] == ["c", "a", "b"]


@pytest.mark.parametrize("seed", range(4))
def test_funnels_by_segment_are_those_of_the_cells(kind: str, seed: int) -> None:
    chance = random.Random(seed)
    segments = [chance.choice(["ads", "mail ", "web", "mail"]) for _ in range(150)]
    stages = [
        [date(2024, 1, 1) + timedelta(chance.randrange(99)) for _ in range(4)] for _ in segments
    ]
    for row, stage in enumerate(stages):
        for place in range(4):
            if chance.random() < 0.4 or place > row % 5:
                stage[place] = None  # type: ignore[call-overload]
        if not any(stage) and chance.random() < 0.5:
            segments[row] = None  # type: ignore[call-overload]
    dates = dict(zip("abcd", map(list, zip(*stages, strict=True)), strict=True))
    rows = frame(kind, segment=segments, **dates)
    for names in (None, ["Lead", None, "Offer", "Won"]):
        table = frames.funnel_by(rows, "segment", list("abcd"), names)
        assert table == by_key(kpi_xl.funnel_by(segments, stages, names))


def test_a_stage_that_nobody_reached(kind: str) -> None:
    rows = frame(kind, segment=["a", "b"], won=[date(2024, 1, 1), None])
    assert frames.funnel_by(rows, "segment", ["won"])[1:] == [["a", 1.0], ["b", 0.0]]
    never: list[Any] = [None, None]
    rows = frame(kind, segment=["a", "b"], lead=[date(2024, 1, 1), date(2024, 1, 2)], won=never)
    if kind.startswith("pandas"):
        rows["won"] = pd.to_datetime(rows["won"])
    elif kind.startswith("polars"):
        rows = rows.with_columns(pl.col("won").cast(pl.Date))
    elif kind == "duckdb":
        rows = rows.select("segment, lead, won::DATE AS won")
    else:
        rows = rows.set_column(2, "won", pytest.importorskip("pyarrow").array(never, "date32"))
    assert frames.funnel_by(rows, "segment", ["lead", "won"])[1:] == [
        ["a", 1.0, 0.0, 0.0],
        ["b", 1.0, 0.0, 0.0],
    ]


@pytest.mark.parametrize("seed", range(4))
def test_purchases_are_what_counting_gives(kind: str, seed: int) -> None:
    columns = data(seed)
    as_of = date(2021, 10, 1)
    totals: defaultdict[Any, defaultdict[date, float]] = defaultdict(lambda: defaultdict(float))
    bought = defaultdict(set)
    for name, moment, amount in zip(*in_cells(columns), strict=True):
        if not name or moment is None:
            continue
        who = name.strip() if isinstance(name, str) else name
        day = moment.date() if isinstance(moment, datetime) else moment
        if day <= as_of:
            paid = 0.0 if amount is None or math.isnan(amount) else amount
            totals[who][day] += paid
            if paid >= 0:
                bought[who].add(day)
    found = frames.purchases(made(kind, seed), "who", "day", "paid", as_of)
    assert found.customers == sorted(bought)
    assert found.as_of == serial(as_of)
    for place, who in enumerate(found.customers):
        days = sorted(bought[who])
        repeats = [totals[who][day] for day in days[1:]]
        assert found.repeats[place] == len(repeats)
        assert found.first[place] == serial(days[0])
        assert found.last[place] == serial(days[-1])
        mean = sum(repeats) / len(repeats) if repeats else 0.0
        assert found.spend[place] == pytest.approx(mean)


def test_who_only_returned_has_not_purchased(kind: str) -> None:
    rows = frame(kind, who=["a"], day=[date(2024, 1, 1)], paid=[-5.0])
    found = frames.purchases(rows, "who", "day", "paid")
    assert found.customers == []
    assert list(found.repeats) == list(found.first) == list(found.last) == list(found.spend) == []
    without_amounts = frames.purchases(rows, "who", "day")
    assert without_amounts.customers == ["a"]
    assert list(without_amounts.repeats) == [0]


CDNOW_COLUMNS = [[order[place] for order in CDNOW] for place in range(3)]


@cache
def of_cdnow(function: str, *given: Any) -> list[list[Any]]:
    table: list[list[Any]] = getattr(kpi_xl, function)(*CDNOW_COLUMNS, *given)
    return table


def test_models_over_frames_are_those_over_cells(kind: str) -> None:
    rows = frame(kind, **dict(zip(("who", "day", "paid"), CDNOW_COLUMNS, strict=True)))
    names = "who", "day", "paid"
    for options in (("W", "1997-09-30", "bgnbd"), ("m", date(1998, 6, 30), "paretonbd")):
        fitted = of_cdnow("btyd_fit", *options)
        assert len(fitted) == 11
        found = frames.btyd_fit(rows, *names, *options)
        assert found[0] == fitted[0]
        assert dict(found[1:]) == pytest.approx(dict(fitted[1:]), rel=1e-5)
        header, *forecast = frames.clv_forecast(rows, *names, 12, 0.01, *options)
        expected = of_cdnow("clv_forecast", 12, 0.01, *options)
        assert header == expected[0]
        assert [row[0] for row in forecast] == sorted(row[0] for row in expected[1:])
        for ours, theirs in zip(forecast, sorted(expected[1:]), strict=True):
            assert ours == pytest.approx(theirs, rel=1e-5)
    tracked = frames.btyd_tracking(rows, *names[:2], 3, "W", "1997-09-30")
    by_week = kpi_xl.btyd_tracking(*CDNOW_COLUMNS[:2], 3, "W", "1997-09-30")
    for ours, theirs in zip(tracked[1:], by_week[1:], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-6)
    with pytest.raises(OutOfDomain, match="horizon"):
        frames.clv_forecast(rows, *names, 0.5)
    with pytest.raises(WrongInput, match="model"):
        frames.btyd_fit(rows, *names, model="nbd")


def test_days_before_march_1900_and_far_off(kind: str) -> None:
    """Excel counts a 29 February 1900 that never was."""
    days = [date(1900, 1, 1), date(1900, 2, 28), date(1900, 3, 1), date(2024, 12, 30)]
    rows = frame(kind, who=["a", "b", "a", "b"], day=days, paid=[1.0] * 4)
    for period in "WMQY":
        table = frames.cohort(rows, "who", "day", None, period, "customers")
        assert table == kpi_xl.cohort(["a", "b", "a", "b"], days, None, period, "customers")
    table = frames.rfm(rows, "who", "day", "paid", "1900-02-28")
    assert table == kpi_xl.rfm(["a", "b"], days[:2], [1, 1], "1900-02-28")
    assert list(frames.purchases(rows, "who", "day").first) == [1, 59]


def test_columns_of_other_types() -> None:
    days = pl.datetime_range(datetime(2024, 1, 31, 12), datetime(2024, 2, 4, 12), eager=True)
    rows = pl.DataFrame({"day": days.dt.replace_time_zone("Asia/Tokyo")}).with_columns(
        who=pl.Series(["x", "y", "x", "y", "z"], dtype=pl.Categorical),
        flag=pl.Series([True, False, True, None, True]),
        part=pl.Series([0.5, 0.5, math.nan, 1.5, 0.5]),
        paid=pl.Series([1, 2, 3, 4, 5]).cast(pl.Decimal(9, 2)),
    )
    letters, dates = list("xyxyz"), [moment.replace(tzinfo=None) for moment in days]
    for made in (rows, rows.lazy()):
        assert frames.cohort(made, "who", "day") == kpi_xl.cohort(letters, dates)
        mix = frames.channel_mix(made.filter(pl.col("flag").is_not_null()), "flag", "paid")
        assert [row[:2] for row in mix[1:]] == [["TRUE", 9.0], ["FALSE", 2.0]]
        mix = frames.channel_mix(made.filter(~pl.col("part").is_nan()), "part", "paid")
        assert [row[:2] for row in mix[1:]] == [[0.5, 8.0], [1.5, 4.0]]
        with pytest.raises(kpi_xl.WrongInput, match="part is null in 1 rows"):
            frames.channel_mix(made, "part", "paid")
    local = pd.DataFrame({"who": letters, "day": pd.Series(dates).dt.tz_localize("Europe/Lisbon")})
    assert frames.cohort(local, "who", "day") == kpi_xl.cohort(letters, dates)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    paid = connection.sql(
        "SELECT who, day::TIMESTAMPTZ AS day, 2.5::DECIMAL(9, 2) AS paid FROM"
        " (VALUES ('x', TIMESTAMP '2024-01-31 12:00'), ('y', '2024-02-01 12:00')) t(who, day)"
    )
    expected = kpi_xl.rfm(["x", "y"], dates[:2], [2.5, 2.5])
    assert frames.rfm(paid, "who", "day", "paid") == expected


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Africa/Cairo"])
def test_moments_of_duckdb_fall_on_the_same_days_wherever_the_machine_stands(zone: str) -> None:
    """The days of UTC: 31 January, 1 February (both within the hour around midnight), 1 March."""
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{zone}'")
    rows = connection.sql(
        'SELECT who, day::TIMESTAMPTZ AS "the ""day""", paid, day::TIMESTAMPTZ AS stage FROM'
        " (VALUES ('a', '2024-01-31 23:30+00', 1.0), ('b', '2024-02-01 00:30+00', 2.0),"
        " ('a', '2024-03-01 00:00+00', 4.0)) t(who, day, paid)"
    )
    days = [date(2024, 1, 31), date(2024, 2, 1), date(2024, 3, 1)]
    who, paid, day = list("aba"), [1.0, 2.0, 4.0], 'the "day"'
    for period in "DWMQY":
        assert frames.cohort(rows, "who", day, "paid", period, "revenue") == kpi_xl.cohort(
            who, days, paid, period, "revenue"
        )
    assert frames.rfm(rows, "who", day, "paid") == kpi_xl.rfm(who, days, paid)
    found = frames.cohort(rows, "who", day, as_of="2024-01-31")
    assert found == kpi_xl.cohort(["a"], days[:1])
    assert frames.funnel_by(rows, "who", [day, "stage"])[1:] == [["a", 2, 2, 1], ["b", 1, 1, 1]]


GOOD = {
    "who": ["Ann", "Bob"],
    "day": [date(2024, 1, 1), date(2024, 2, 1)],
    "paid": [1.0, 2.0],
    "note": ["x", "y"],
}


@pytest.mark.parametrize(
    ("changes", "call", "error", "words"),
    [
        ({"who": ["Ann", None]}, "rfm", kpi_xl.WrongInput, "who is null in 1 rows"),
        ({"who": [" ", "  "]}, "rfm", kpi_xl.WrongInput, "who is null in 2 rows"),
        ({"day": [date(2024, 1, 1), None]}, "rfm", kpi_xl.WrongInput, "day is null in 1 rows"),
        ({"day": ["01/02/2024", "x"]}, "rfm", kpi_xl.WrongInput, "day is of type String"),
        ({"paid": ["1,200", "x"]}, "rfm", kpi_xl.WrongInput, "paid is of type String"),
        ({"who": [date(2024, 1, 1)] * 2}, "rfm", kpi_xl.WrongInput, "who is of type Date"),
        ({"who": [1e16, 7.0]}, "rfm", kpi_xl.OutOfDomain, r"who: 1e\+16 is a number of too"),
        ({"paid": [1.0, math.inf]}, "rfm", kpi_xl.OutOfDomain, "paid"),
        ({"paid": [1.0, -math.inf]}, "channel_mix", kpi_xl.OutOfDomain, "paid"),
        ({"paid": [1.0, -2.0]}, "channel_mix", kpi_xl.OutOfDomain, "the values of Bob add up"),
        ({"paid": [0.0, None]}, "channel_mix", kpi_xl.ZeroDenominator, "the values add up to 0"),
        ({"day": [date(1899, 12, 31), date(2024, 1, 1)]}, "rfm", kpi_xl.OutOfDomain, "day"),
        ({name: [None, None] for name in GOOD}, "channel_mix", kpi_xl.NotEnoughData, "no values"),
    ],
)
def test_what_columns_are_refused(
    kind: str, changes: dict[str, Any], call: str, error: type[Exception], words: str
) -> None:
    columns = {**GOOD, **changes}
    if len(changes) == 4:
        columns["paid"] = [math.nan, None]
    rows = frame(kind, **columns)
    arguments = ("who", "day", "paid") if call == "rfm" else ("who", "paid")
    with pytest.raises(error, match=words):
        getattr(frames, call)(rows, *arguments)


def test_what_else_is_refused(kind: str) -> None:
    rows = frame(kind, **GOOD)
    with pytest.raises(kpi_xl.WrongInput, match='no column "whoo"; did you mean who'):
        frames.cohort(rows, "whoo", "day")
    with pytest.raises(kpi_xl.WrongInput, match="period is"):
        frames.cohort(rows, "who", "day", period="fortnight")
    with pytest.raises(kpi_xl.WrongInput, match='"revenue" needs the argument values'):
        frames.cohort(rows, "who", "day", measure="Revenue")
    with pytest.raises(kpi_xl.OutOfDomain, match="bins is 2"):
        frames.rfm(rows, "who", "day", "paid", bins=2.5)
    with pytest.raises(kpi_xl.WrongInput, match="as_of is the text"):
        frames.rfm(rows, "who", "day", "paid", as_of="1/2/24")
    with pytest.raises(kpi_xl.NotEnoughData, match="on or before as_of"):
        frames.cohort(rows, "who", "day", as_of=date(2023, 12, 31))
    with pytest.raises(kpi_xl.NotEnoughData, match="no period has ended"):
        frames.retention_curve(rows, "who", "day", "Y")
    with pytest.raises(kpi_xl.WrongInput, match="stages has 1 names"):
        frames.funnel_by(rows, "who", ["day", "day"], ["Lead"])
    with pytest.raises(kpi_xl.WrongInput, match="both named Lead"):
        frames.funnel_by(rows, "who", ["day", "day"], ["Lead", "Lead"])


def test_a_column_of_names_is_no_amount(kind: str) -> None:
    rows = frame(kind, **GOOD)
    with pytest.raises(kpi_xl.WrongInput, match="who is of type String: make it numbers"):
        frames.channel_mix(rows, "who", "who")
    with pytest.raises(kpi_xl.WrongInput, match="who is of type String: make it dates"):
        frames.cohort(rows, "who", "who")


def test_mixed_values_are_no_key() -> None:
    rows = pd.DataFrame({"who": pd.Series([5, "5"], dtype=object), "paid": [1.0, 2.0]})
    with pytest.raises(kpi_xl.WrongInput, match="who is of type Object: make it text"):
        frames.channel_mix(rows, "who", "paid")


def test_only_counts_come_back_from_a_lazy_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []
    rows_of, columns_of = backends.fetched, backends.columns

    def watched(lazy: Any) -> list[tuple[Any, ...]]:
        rows = rows_of(lazy)
        fetched.append(len(rows))
        return rows

    def watched_columns(lazy: Any) -> list[list[Any]]:
        columns = columns_of(lazy)
        fetched.append(len(columns[0]))
        return columns

    monkeypatch.setattr(backends, "fetched", watched)
    monkeypatch.setattr(backends, "columns", watched_columns)
    chance = random.Random(1)
    count = 20_000
    rows = pl.LazyFrame(
        {
            "who": [chance.randrange(5_000) for _ in range(count)],
            "day": [date(2023, 1, 1) + timedelta(chance.randrange(365)) for _ in range(count)],
            "channel": [chance.choice("abc") for _ in range(count)],
            "paid": [1.0] * count,
        }
    )
    frames.cohort(rows, "who", "day", "paid", "M", "revenue")
    frames.retention_curve(rows, "who", "day", "Q")
    frames.channel_mix(rows, "channel", "paid")
    frames.funnel_by(rows, "channel", ["day", "day"])
    assert fetched == [1, 12 * 13 // 2, 1, 4 * 5 // 2, 1, 3, 1, 3]


def test_neither_pandas_nor_pyarrow_is_needed() -> None:
    code = """
import sys
for name in ("pandas", "pyarrow"):
    sys.modules[name] = None
import duckdb
import polars
from kpi_xl import frames
rows = duckdb.sql("SELECT 'a' AS who, DATE '2024-01-01' AS day")
print(frames.cohort(rows, "who", "day").fetchall())
rows = polars.DataFrame({"who": ["a"]}).with_columns(day=polars.date(2024, 1, 1))
print(frames.cohort(rows, "who", "day").rows())
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert shown == 2 * "[('2024-01', 1.0, 1.0)]\n"


def test_values_beyond_a_cell_and_stages_without_columns(kind: str) -> None:
    rows = frame(kind, channel=["a", "b"], visits=[1e308, 1e308])
    with pytest.raises(OutOfDomain, match="more than a cell holds"):
        frames.channel_mix(rows, "channel", "visits")
    with pytest.raises(WrongInput, match="no columns"):
        frames.funnel_by(rows, "channel", [])


def test_cents_that_cancel_leave_nothing() -> None:
    """As in the cells: 0.1 + 0.2 - 0.3 is not quite 0 in binary."""
    day, later = datetime(2024, 1, 1), datetime(2024, 2, 1)
    made = pd.DataFrame(
        {"who": ["Ann"] * 4, "day": [day, later, later, later], "amount": [5.0, 0.1, 0.2, -0.3]}
    )
    for frame in (made, pl.DataFrame(made.to_dict("list")).lazy(), duckdb.from_df(made)):
        rows = frames.cohort(frame, "who", "day", "amount", measure="revenue")
        assert rows[1] == ["2024-01", 1, 5.0, 0.0]
    made["amount"] = [0.0, 0.1, 0.2, -0.3]
    assert frames.rfm(made, "who", "day", "amount")[1][3] == 0.0


def test_channels_that_were_given_back_everything_are_worth_nothing(kind: str) -> None:
    """0.1 + 0.2 - 0.3 is 0, not 6E-17, and 0.3 - 0.2 - 0.1 is 0, not -3E-17, which is no sum of a
    channel; alone they have no shares of each other, and no CAC."""
    channels, amounts = [*"aaabbb", "B", "c"], [0.1, 0.2, -0.3, 0.3, -0.2, 0.4, -0.5, 7.0]
    days = [JANUARY] * 8
    rows = frame(kind, channel=channels, day=days, paid=amounts, who=list("xxxyyyyz"))
    shown = [[str(row[0]).lower(), row[1]] for row in frames.channel_mix(rows, "channel", "paid")]
    assert shown[1:] == [["c", 7.0], ["b", 0.0], ["a", 0.0]] or shown[1:] == [
        ["c", 7.0], ["a", 0.0], ["b", 0.0]
    ]  # fmt: skip
    found = frames.cac_by(rows, "channel", "day", "paid", rows, "who", "day", "channel")
    assert sorted(row[2:] for row in found[1:]) == [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [7.0, 1, 7]]
    rows = frame(kind, channel=channels[:7], paid=amounts[:7])
    with pytest.raises(kpi_xl.ZeroDenominator, match="the values add up to 0"):
        frames.channel_mix(rows, "channel", "paid")


@pytest.mark.parametrize("channels", [[7, 7, 2**53 + 1], [0.5, 0.5, 2.0]])
def test_channels_that_are_numbers_have_paths(kind: str, channels: list[Any]) -> None:
    days = [JANUARY, JANUARY + timedelta(1), JANUARY + timedelta(2)]
    rows = frame(kind, who=["a"] * 3, day=days, channel=channels, bought=[0, 0, 1])
    path = " > ".join(str(channel).removesuffix(".0") for channel in channels)
    table = frames.touch_paths(rows, "who", "day", "channel", "bought")
    assert table[1:] == [[path, 1.0, 0.0, 0.0]]


def test_segments_of_many_digits_are_told_apart_beside_none(kind: str) -> None:
    """The column is one of texts, for (none): each digit of a whole number counts in it, too."""
    rows = frame(kind, who=list("abc"), day=[JANUARY] * 3, part=[2**53 + 1, 2**53 + 2, None])
    if kind.startswith("pandas"):
        rows["part"] = pd.array([2**53 + 1, 2**53 + 2, None], dtype="Int64")
    table = frames.cohort(rows, "who", "day", None, "M", "customers", None, "part")
    assert [row[0] for row in table[1:]] == ["9007199254740993", "9007199254740994", "(none)"]


def test_columns_of_arrow_in_pandas_are_those_of_others() -> None:
    """Whole numbers of more than 53 bits, and moments in seconds beside those in microseconds."""
    pa = pytest.importorskip("pyarrow", reason="the columns are of this package")
    late = datetime(2024, 3, 31, 23, 59, 59, 999999)
    columns = {
        "who": pa.array([2**60 + 1, 2**60 + 2], "int64"),
        "start": pa.array([datetime(2024, 1, 1)] * 2, "timestamp[s]"),
        "end": pa.array([None, late], "timestamp[us]"),
        "day": pa.array([date(2024, 2, 1), None], "date32"),
        "paid": pa.array([2**60, 2], "int64"),
    }
    arrow = pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)
    plain = arrow.assign(
        start=arrow["start"].astype("datetime64[s]"), end=arrow["end"].astype("datetime64[us]"),
        day=arrow["day"].astype("datetime64[s]"), paid=[2.0**60, 2.0],
    )  # fmt: skip
    for end in ("end", "day"):
        table = frames.survival_curve(arrow, "start", end)
        assert table == frames.survival_curve(plain, "start", end)
        assert table[-1][:4] == ["All", 2.0 if end == "end" else 1.0, 2.0, 1.0]
    mix = frames.channel_mix(arrow, "who", "paid")
    assert [row[1] for row in mix[1:]] == [float(f"{2**60:.14g}"), 2.0]
    assert frames.rfm(arrow, "who", "start", "paid")[2][3] == 2.0


def test_channels_are_those_of_the_cells(kind: str) -> None:
    names = ["Mail", "search", " Search ", "mail", "SEARCH"]
    rows = frame(kind, who=names, day=[JANUARY] * 5, paid=[1.0, 2.0, 4.0, 8.0, 16.0])
    mix = frames.channel_mix(rows, "who", "paid")
    assert [row[:2] for row in mix[1:]] == [["SEARCH", 22.0], ["Mail", 9.0]]
    assert frames.funnel_by(rows, "who", ["day"])[1:] == [["Mail", 2], ["SEARCH", 3]]


def test_names_of_stages_are_trimmed() -> None:
    day = datetime(2024, 1, 1)
    frame = pd.DataFrame({"who": ["ads"], "one": [day], "two": [day]})
    rows = frames.funnel_by(frame, "who", ["one", "two"], [" Lead ", " "])
    assert rows[0] == ["segment", "Lead", "Stage 2", "Lead → Stage 2"]


def test_customers_of_duckdbs_largest_integers_are_told_apart() -> None:
    """NumPy has no such integers, and DuckDB hands it floats for them."""
    rows = duckdb.sql(
        "SELECT who::HUGEINT AS who, DATE '2024-01-01' + day::INTEGER AS day, 1.0 AS paid"
        " FROM (VALUES (9007199254740992, 0), (9007199254740993, 1)) AS orders(who, day)"
    )
    found = kpi_xl.frames.rfm(rows, "who", "day", "paid").fetchall()
    assert [row[0] for row in found] == [2**53, 2**53 + 1]


def test_long_tables_are_those_of_short_ones(kind: str) -> None:
    """More rows than are written out for DuckDB, also where it may not look at variables."""
    count = 1_200
    days = [date(2024, 1, 1) + timedelta(number % 90) for number in range(2 * count)]
    for names in (
        [f"C'{n % count:04}" for n in range(2 * count)],
        [n % count for n in range(2400)],
    ):
        paid = [float(number % 7) for number in range(2 * count)]
        rows = frame(kind, who=names, day=days, paid=paid)
        expected = by_key(kpi_xl.rfm(names, days, paid))
        assert frames.rfm(rows, "who", "day", "paid") == expected


def test_a_connection_that_may_not_look_at_variables_has_long_tables() -> None:
    connection = duckdb.connect()
    connection.execute("SET python_enable_replacements = false")
    rows = connection.sql(
        "SELECT i AS who, DATE '2024-01-01' AS day, 1.5 AS paid FROM range(1500) t(i)"
    )
    found = kpi_xl.frames.rfm(rows, "who", "day", "paid")
    assert found.types[:2] == ["BIGINT", "DOUBLE"]
    assert found.fetchall() == [(who, 0.0, 1.0, 1.5, 5.0, 1.0, 1.0, "New") for who in range(1500)]


def test_texts_of_pandas_that_differ_in_spaces_are_one() -> None:
    rows = pd.DataFrame({"who": [" b", "b", "a ", "b "], "day": [JANUARY] * 4, "paid": [1.0] * 4})
    rows["day"] = pd.to_datetime(rows["day"])
    mix = frames.channel_mix(rows, "who", "paid")
    assert [row[:2] for row in mix[1:]] == [["b", 3.0], ["a", 1.0]]
    rows.index = pd.Index([7, 7, 3, 3])
    assert [row[0] for row in frames.rfm(rows, "who", "day", "paid")[1:]] == ["a", "b"]
    rows.loc[3, "who"] = " "
    with pytest.raises(WrongInput, match="who is null in 2 rows"):
        frames.cohort(rows, "who", "day")


def test_columns_of_one_name_are_refused() -> None:
    one = pd.DataFrame({"who": ["a"], "paid": [1.0]})
    pa = pytest.importorskip("pyarrow", reason="one of the frames is of this package")
    arrow = pa.table([pa.array(["a"]), pa.array([1.0]), pa.array([2.0])], ["who", "paid", "paid"])
    for rows in (pd.concat([one, one[["paid"]]], axis=1), arrow):
        with pytest.raises(WrongInput, match="several columns of one name: paid"):
            frames.channel_mix(rows, "who", "paid")


def test_a_name_that_is_no_text_is_no_column() -> None:
    rows = pd.DataFrame({0: ["a"], 1: [1.0]})
    for names in ((0, 1), ("0", "1")):
        with pytest.raises(WrongInput, match='no column "0"'):
            frames.channel_mix(rows, *names)


def test_categories_of_pandas_are_what_they_are_of() -> None:
    """Numbers are no texts: they are sorted as numbers, and shown as such."""
    days, paid = pd.to_datetime(["2024-01-31", "2024-02-01", "2024-02-02"]), [1.0, 2.0, 3.0]
    pa = pytest.importorskip("pyarrow", reason="one of the columns is of this package")
    dictionary = pd.ArrowDtype(pa.dictionary(pa.int8(), pa.int64()))
    for who in ([10, 9, 10], [1.5, 0.5, 1.5], [True, False, True], ["b", "a", "b"]):
        expected = by_key(kpi_xl.rfm(who, list(days), paid))
        columns = [pd.Categorical(who)]
        if who[0] == 10:
            columns.append(pd.array(who, dtype=dictionary))
            for numbers in ("uint8", "Int64", pd.ArrowDtype(pa.int64())):
                columns.append(pd.Series(who, dtype=numbers).astype("category"))
        for column in columns:
            rows = pd.DataFrame({"who": column, "day": days, "paid": paid})
            assert frames.rfm(rows, "who", "day", "paid") == near(expected)
    many = [2**53 + 1, 2**53, 2**62, None]
    alike = [
        pd.Categorical.from_codes([0, 1, 2, -1], pd.Index(many[:3])),
        pd.arrays.ArrowExtensionArray(pa.array(many)),
    ]
    for column in (*alike, pd.array([-0.0, 0.0, 1.0, None], dtype=pd.ArrowDtype(pa.float64()))):
        rows = pd.DataFrame({"who": column, "day": pd.to_datetime([*days[:2], days[0], None])})
        counted = frames.cohort(rows, "who", "day", None, "Y", "customers", None, "who")
        assert sum(row[2] for row in counted[1:]) == (3 if column[1] else 2)
    rows = pd.DataFrame({"who": pd.Categorical([7, None, 7]), "paid": paid})
    with pytest.raises(WrongInput, match="who is null in 1 rows"):
        frames.channel_mix(rows, "who", "paid")


@pytest.mark.parametrize("far", ["infinity", "-infinity", "20000-01-01", "0044-03-15 (BC)"])
@pytest.mark.parametrize("of", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
def test_days_that_python_does_not_have_are_refused(of: str, far: str) -> None:
    """Of 31 December 9999 it would make infinity, or nothing."""
    rows = duckdb.sql(
        f"SELECT * FROM (VALUES ('a', DATE '2024-01-01'::{of}), ('b', '{far}'::{of})) t(who, day)"
    )
    with pytest.raises(
        OutOfDomain, match=r"day holds [<>] [0-9-]+, a day that Excel does not have"
    ):
        frames.cohort(rows, "who", "day")
    with pytest.raises(OutOfDomain, match="day holds"):
        frames.survival_curve(rows.project("*, DATE '2023-01-01' AS start"), "start", "day")


@pytest.mark.parametrize("years", ["20000y", "-5000y"])
def test_days_of_frames_that_python_does_not_have_are_refused(years: str) -> None:
    days = pl.Series("day", [date(2024, 1, 1)])
    for kind in (pl.Date, pl.Datetime("ms")):
        rows = pl.DataFrame({"who": ["a"], "day": days.cast(kind).dt.offset_by(years)})
        for given in (rows, rows.lazy()):
            with pytest.raises(OutOfDomain, match=r"day holds [<>]"):
                frames.cohort(given, "who", "day")
    far = pd.Series(["20000-01-01" if years[0] == "2" else "-0100-01-01"])
    rows = pd.DataFrame({"who": ["a"], "day": far.to_numpy().astype("datetime64[s]")})
    with pytest.raises(OutOfDomain, match=r"day holds [<>]"):
        frames.cohort(rows, "who", "day")


def test_the_last_moment_of_a_late_day_is_of_that_day(kind: str) -> None:
    late = datetime(2300, 12, 31, 23, 59, 59, 999999)
    rows = frame(kind, who=["a", "b"], day=[late, late - timedelta(1)])
    assert frames.cohort(rows, "who", "day") == [["cohort", "size", 0], ["2300-12", 2, 1.0]]


def test_customers_of_more_digits_than_whole_numbers_have_are_texts() -> None:
    """As numbers with a point two of them would be shown alike."""
    who = [2**64 - 1, 2**64 - 2, 2**64 - 1]
    rows = pl.DataFrame({"who": pl.Series(who, dtype=pl.UInt64), "paid": [1.0, 2.0, 3.0]})
    for given in (rows, rows.lazy(), pd.DataFrame({"who": who, "paid": [1.0, 2.0, 3.0]})):
        found = frames.channel_mix(given, "who", "paid")
        assert [row[:2] for row in found[1:]] == [[str(who[0]), 4.0], [str(who[1]), 2.0]]


@pytest.mark.parametrize("setting", ["", "nocase"])
def test_texts_of_duckdb_are_told_apart_whatever_their_collation(setting: str) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE rows (who VARCHAR COLLATE NOCASE, day DATE, part VARCHAR)")
    connection.execute(
        "INSERT INTO rows VALUES ('Ann', '2024-01-01', 'B'), ('ann', '2024-01-01', 'a'),"
        " ('C', '2024-01-01', 'a'), ('C', '2024-01-01', 'B')"
    )
    connection.execute(f"SET default_collation = '{setting}'")
    found = frames.cohort(connection.table("rows"), "who", "day", None, "M", "customers",
                          None, "part")  # fmt: skip
    assert [row[:3] for row in found[1:]] == [["B", "2024-01", 2.0], ["a", "2024-01", 1.0]]


@pytest.mark.parametrize("kind", ["decimal256(50, 2)", "float16"])
def test_numbers_of_arrow_that_duckdb_does_not_take(kind: str) -> None:
    pa = pytest.importorskip("pyarrow", reason="the table is one of this package")
    of = pa.decimal256(50, 2) if kind[0] == "d" else pa.float16()
    paid = pa.array([0.5, 1.5, 2.0]).cast(pa.float64()).cast(of)
    rows = pa.table({"who": ["a", "a", "b"], "paid": paid, "Paid": [7.0, 7.0, 7.0]})
    found = frames.channel_mix(rows, "who", "paid")
    assert [row[:2] for row in found[1:]] == [["a", 2.0], ["b", 2.0]]
