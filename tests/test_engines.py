"""Every function over frames gives the cells' numbers in every engine, whatever its time zone."""

import math
import random
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import engines
import hand_written
import pandas as pd
import polars as pl
import pytest
from engines import ENGINES, KINDS, Columns, table
from frame_cells import in_cells

import kpi_xl
from kpi_xl import backends, frame_counts, frames
from kpi_xl.serials import serial

pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'future.infer_string'"),  # Ibis' and pandas' affair
    pytest.mark.filterwarnings("ignore:fetch_arrow_table"),  # Ibis' and DuckDB's
]


def rows() -> Columns:
    """Orders with spaces around names, returns, blanks, rows null throughout, hours by midnight."""
    chance = random.Random(7)
    names = ["Ann", "Bob ", "\u3000Bob", "ann", "Дарья", "李", "=1+1", "O'Neil\xa0", "\tLi", "C 1"]
    names += [f"C{number}" for number in range(40)]
    found: list[list[Any]] = []
    for _ in range(220):
        hour = chance.choice([0, 1, 12, 22, 23])
        day = datetime(2019, 11, 20, hour, 30) + timedelta(chance.randrange(800))
        amount = chance.choice([0.0, -5.0, None, math.nan, round(chance.expovariate(0.02), 2)])
        end = day.date() + timedelta(chance.randrange(300))
        found.append([
            chance.choice(names), day, amount, ("A", "A ", "b", None)[day.day % 4], day.date(),
            chance.choice([None, end]), chance.choice(["Ads", " Ads", "Mail", "web"]),
            chance.choice([True, False]), chance.choice([1, 2, 3, 2**40]),
            Decimal(chance.randrange(10**6)) / 100, day.replace(tzinfo=UTC),
        ])  # fmt: skip
        if chance.random() < 0.05:
            found.append([chance.choice([None, " "]), *[None] * (len(KINDS) - 1)])
            found[-1][3] = found[-1][6] = found[-1][0]
    return dict(zip(KINDS, map(list, zip(*found, strict=True)), strict=True))


ROWS = rows()
CASES: dict[str, tuple[Any, ...]] = {
    "days": ("cohort", "who", "day", "paid", "D", "customers", "2020-01-20"),
    "months": ("cohort", "who", "day", "paid", "M", "revenue"),
    "whole keys": ("cohort", "number", "begun", "exact", "FQ-07", "revenue_retention"),
    "retail months": ("cohort", "who", "day", None, "445-02", "customers"),
    "thirty days": ("cohort", "who", "day", "paid", "30D", "revenue"),
    "instants": ("cohort", "who", "instant", None, "M", "customers"),
    "segments": ("cohort", "who", "day", None, "Q", "retention", None, "part"),
    "curve": ("retention_curve", "who", "instant", "Q", "2021-06-30"),
    "LTV": ("ltv_curve", "who", "day", "paid", "Q", "part", 0.5, None, "segment"),
    "CAC": ("cac_by", "channel", "begun", "number", "who", "instant", "part", "W"),
    "MRR": ("mrr_movements", "who", "instant", "exact"),
    "survival": ("survival_curve", "begun", "ended", "M", "part"),
    "survival, thirty days": ("survival_curve", "instant", "ended", "30D"),
    "paths": ("touch_paths", "who", "instant", "channel", "bought", "exact"),
    "RFM": ("rfm", "who", "instant", "paid"),
    "channels": ("channel_mix", "channel", "number"),
    "logical keys": ("channel_mix", "bought", "exact"),
    "funnel": ("funnel_by", "channel", ["instant", "ended"]),
}


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Any]:
    with table(request.param, ROWS) as made:
        yield made


def of_frame(frame: Any, function: str, *given: Any) -> Any:
    arguments = list(given)
    if function == "cac_by":
        arguments.insert(3, frame)
    return getattr(frames, function)(frame, *arguments)


FROM_CELLS: dict[str, list[list[Any]]] = {}
"""What was computed already: the same is asked for every engine."""


def of_cells(function: str, *given: Any) -> list[list[Any]]:
    """What the cells give for the columns; names of them in `given` stand for the columns."""
    asked = repr((function, *given))
    if asked not in FROM_CELLS:
        FROM_CELLS[asked] = computed_by_cells(function, *given)
    return FROM_CELLS[asked]


def computed_by_cells(function: str, *given: Any) -> list[list[Any]]:
    def column(name: str) -> list[Any]:
        return [
            cell.replace(tzinfo=None) if isinstance(cell, datetime)
            else float(cell) if isinstance(cell, Decimal) else cell
            for cell in ROWS[name]
        ]  # fmt: skip

    arguments = [
        list(zip(*map(column, value), strict=True)) if isinstance(value, list)
        else column(value) if value in ROWS else value
        for value in given
    ]  # fmt: skip
    found: list[list[Any]] = getattr(kpi_xl, function)(*arguments)
    return found


def test_frames_give_what_cells_give(engine: Any) -> None:
    """One test an engine, so that a worker starts each engine once."""
    wrong = {}
    for name, case in CASES.items():
        expected, found = of_cells(*case), in_cells(of_frame(engine, *case))
        expected, found = ([rows[0], *sorted(rows[1:], key=repr)] for rows in (expected, found))
        if found != approx(expected):
            wrong[name] = expected, found
    assert wrong == {}


def test_purchases_and_models_over_an_engine(engine: Any) -> None:
    """`models` judges what comes back, a row a customer; over cells it is what pandas gives."""
    found = frames.purchases(engine, "who", "instant", "paid", "2021-06-30")
    with table("pandas", ROWS) as made:
        expected = frames.purchases(made, "who", "instant", "paid", "2021-06-30")
    assert found.customers == expected.customers
    for name in ("repeats", "first", "last", "spend"):
        assert getattr(found, name).tolist() == pytest.approx(getattr(expected, name).tolist())


def test_what_the_retention_workbook_has_of_an_engine(engine: Any) -> None:
    """The tables that the cells spill; customers who are alike, and days, added up by hand."""
    bought = "who", "instant", "paid"
    found = frame_counts.retention_counts(engine, *bought)
    for measure, cohorts in found.cohorts.items():
        assert cohorts == approx(of_cells("cohort", *bought, "M", measure))
    assert found.curve == approx(of_cells("retention_curve", "who", "instant"))
    alike: dict[tuple[Any, ...], list[float]] = {}
    for _, recency, often, spent, *_, segment in of_cells("rfm", *bought)[1:]:
        many = alike.setdefault((segment, recency, min(often, 2)), [0, 0.0, 0])
        many[:] = many[0] + 1, many[1] + spent, many[2] + recency
    counted = {(row[5], row[1], row[2]): [row[0], row[3], row[4]] for row in found.customers[1:]}
    assert counted == {kind: pytest.approx(many) for kind, many in alike.items()}
    days: dict[float, list[float]] = {}
    for day, paid in zip(ROWS["instant"], ROWS["paid"], strict=True):
        if day is not None:
            of_day = days.setdefault(serial(day.date()), [0, 0.0])
            amount = 0.0 if paid is None or math.isnan(paid) else paid
            of_day[:] = of_day[0] + 1, of_day[1] + amount
    assert {row[0]: row[1:] for row in found.days[1:]} == {
        day: pytest.approx(sums) for day, sums in days.items()
    }


@pytest.mark.parametrize("by_day", [True, False])
def test_what_the_models_tell_of_an_engine(
    engine: Any, monkeypatch: pytest.MonkeyPatch, *, by_day: bool
) -> None:
    """Of histories that were counted there, as of each customer's; in whole weeks nearly so."""
    if not by_day:
        monkeypatch.setattr(frame_counts, "MOST_BY_DAY", 1)
    bought, ahead, how = ("who", "instant", "paid"), (26, 0.001), ("bgnbd", "weak")
    asked = frame_counts.Asked(*ahead, how[0], 20, 0.9)
    found = frame_counts.retention_counts(engine, *bought, forecast=asked).foretold
    assert found
    assert found.by_day == by_day
    last = max(moment for moment in ROWS["instant"] if moment).date()
    split = last - timedelta(weeks=20)
    cells = {
        "fit": of_cells("btyd_fit", *bought, "W", None, *how),
        "total": of_cells("clv_total", *bought, *ahead, "W", None, *how),
        "check": of_cells("btyd_check", "who", "instant", split, "paid", "W", None, *how),
        "before": of_cells("clv_total", *bought, 20, 0.0, "W", split, *how),
    }
    rel = 1e-6 if by_day else 0.1
    for name, expected in cells.items():
        for ours, theirs in zip(getattr(found, name), expected, strict=True):
            assert ours[0] == theirs[0]
            if by_day or name in ("total", "before"):
                assert ours[1:] == approx([theirs[1:]], rel)[0]
    each = of_cells("clv_forecast", *bought, *ahead, "W", None, *how)[1:]
    sums = [sum(row[place] for row in each) for place in (4, 5, 7)]
    alike = found.alike[1:]
    assert sum(row[0] for row in alike) == len(each)
    assert [sum(row[place] for row in alike) for place in (2, 3, 4)] == pytest.approx(sums, rel=rel)
    again = [row for row in of_cells("rfm", *bought)[1:] if row[2] > 1]
    days, a_day = [row[2] for row in again], [row[3] / row[2] for row in again]
    assert found.correlation == pytest.approx(statistics.correlation(days, a_day))


def approx(rows: list[list[Any]], rel: float | None = None) -> list[list[Any]]:
    return [[pytest.approx(c, rel) if isinstance(c, float) else c for c in row] for row in rows]


def test_frames_give_what_queries_written_by_hand_give() -> None:
    """Those that the benchmarks measure against; customers here all pay each time."""
    chance = random.Random(11)
    columns = {
        "who": [f"C{chance.randrange(60)}" for _ in range(500)],
        "day": [
            datetime(2022, 1, 1) + timedelta(hours=chance.randrange(9_000)) for _ in range(500)
        ],
        "paid": [chance.randrange(1, 500) / 4 for _ in range(500)],
    }
    connection = duckdb.connect()
    connection.register("orders", pl.DataFrame(columns).to_pandas())
    relation, names = connection.table("orders"), ("who", "day", "paid")
    by_sql = {
        query: hand_written.by_sql(query, connection, "orders", *names)
        for query in hand_written.QUERIES
    }
    cells = by_sql[hand_written.COHORT]
    assert hand_written.cohort_by_polars(pl.DataFrame(columns), *names) == cells
    assert hand_written.cohort_by_pandas(pd.DataFrame(columns), *names) == cells
    for measure, place in (("customers", 2), ("revenue", 3)):
        table = in_cells(frames.cohort(relation, *names, "M", measure))
        shown = {
            (12 * int(row[0][:4]) + int(row[0][5:]), age): cell
            for row in table[1:]
            for age, cell in enumerate(row[2:])
            if cell
        }
        assert shown == {tuple(row[:2]): row[place] for row in cells}
    mix = in_cells(frames.channel_mix(relation, "who", "paid"))
    assert sorted((row[0], row[1]) for row in mix[1:]) == by_sql[hand_written.MIX]
    by_pandas = hand_written.mix_by_pandas(pd.DataFrame(columns), "who", "paid")
    assert by_pandas == by_sql[hand_written.MIX]
    header, *months = in_cells(frames.mrr_movements(relation, *names))
    columns_of_it = [header.index(name) for name in ("new", "expansion", "contraction", "end")]
    found = [[row[place] for place in columns_of_it] for row in months]
    assert found == [[abs(cell or 0) for cell in row[1:5]] for row in by_sql[hand_written.MRR]]
    customers = in_cells(frames.rfm(relation, *names))[1:]
    assert customers == [list(row) for row in by_sql[hand_written.RFM]]
    assert hand_written.rfm_by_polars(pl.DataFrame(columns), *names) == by_sql[hand_written.RFM]
    assert hand_written.rfm_by_pandas(pd.DataFrame(columns), *names) == by_sql[hand_written.RFM]


@pytest.mark.parametrize(
    "given", [[1, 2], None, "orders.csv", {"who": [1]}, pl.Series([1])], ids=str
)
def test_what_is_no_frame_is_refused(given: Any) -> None:
    with pytest.raises(kpi_xl.WrongInput, match=r"is no frame .* those are pandas, .*PostgreSQL$"):
        frames.cohort(given, "who", "day")


def test_what_an_engine_cannot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ibis = engines.imported("ibis", "pip install ibis-framework")
    made = ibis.polars.connect({"rows": engines.of_polars(ROWS)}).table("rows")
    with pytest.raises(
        kpi_xl.WrongInput, match=r"instant: .* not known in polars; make them dates"
    ):
        frames.cohort(made, "who", "instant")

    def refused(_: Any) -> Any:
        raise NotImplementedError("no windows\nand more")

    monkeypatch.setattr(backends, "with_windows", refused)
    with pytest.raises(kpi_xl.WrongInput, match=r"cannot count this \(no windows\); what can is"):
        frames.mrr_movements(made, "who", "begun", "exact")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_zones_that_a_column_has_are_dropped(zone: str) -> None:
    """They are the shop's: an order of half past eleven is one of that day."""
    moments = pl.Series("day", [datetime(2024, 1, 31, 23, 30), datetime(2024, 2, 1, 0, 30)])
    polars = pl.DataFrame({"who": ["a", "b"]}).with_columns(moments.dt.replace_time_zone(zone))
    pytest.importorskip("pyarrow", reason="one of the frames is of this package")
    arrow = polars.to_arrow()
    of_arrow = arrow.to_pandas(types_mapper=pd.ArrowDtype)
    for frame in (polars, polars.lazy(), arrow, polars.to_pandas(), of_arrow):
        labels = [row[0] for row in in_cells(frames.cohort(frame, "who", "day"))[1:]]
        assert labels == ["2024-01", "2024-02"]


@pytest.mark.parametrize(
    ("declared", "cell"),
    [
        ("DATE", "31.01.2024"), ("DATE", 1706659200), ("DATE", 2460340.5), ("DATE", 2024),
        ("DATE", "12:00"), ("DATE", "now"), ("DATE", ""), ("DATE", "0000-00-00"),
        ("DATE", "2024-02-30"), ("TIMESTAMP", "2016-12-31 23:59:60"),
        ("TIMESTAMP", "2024-01-31 24:00:00"), ("TIMESTAMP", "2024-01-31T23:30:00-05:00"),
        ("INTEGER", "12,50"), ("REAL", "1 000"), ("DECIMAL(10, 2)", "x"), ("BOOLEAN", 5),
        ("REAL", b"12"), ("TEXT", b"a"), ("INTEGER", 1.5),
    ],
)  # fmt: skip
def test_cells_of_sqlite_are_what_their_columns_say(declared: str, cell: Any) -> None:
    """It lets in anything, and would count 12,50 as 12, and 2024 as a day of the year -4707."""
    ibis = engines.imported("ibis", "pip install 'ibis-framework[sqlite]'")
    made = ibis.sqlite.connect()
    kind = declared if declared in ("DATE", "TIMESTAMP") else "DATE"
    amount = "REAL" if declared in ("DATE", "TIMESTAMP", "TEXT") else declared
    made.con.execute(f"CREATE TABLE rows (who TEXT, day {kind}, paid {amount})")
    good = ["a", "2024-01-31", 1]
    row = [*good]
    row[0 if declared == "TEXT" else 1 if kind == declared else 2] = cell
    made.con.executemany("INSERT INTO rows VALUES (?, ?, ?)", [good, row])
    with pytest.raises(kpi_xl.WrongInput, match=r"and 1 of its cells are not .* mend them"):
        frames.rfm(made.table("rows"), "who", "day", "paid")


def test_segments_of_sqlite_of_more_than_53_bits_are_told_apart() -> None:
    """Also beside a null, where Ibis fetches numbers with a point."""
    ibis = engines.imported("ibis", "pip install 'ibis-framework[sqlite]'")
    made = ibis.sqlite.connect()
    made.con.execute("CREATE TABLE rows (who TEXT, day DATE, part INTEGER)")
    parts = [2**53 + 1, 2**53, None, -5]
    made.con.executemany(
        "INSERT INTO rows VALUES (?, '2024-01-31', ?)", zip("abcd", parts, strict=True)
    )
    rows = made.table("rows")
    found = in_cells(frames.cohort(rows, "who", "day", None, "M", "customers", None, "part"))
    assert [row[0] for row in found[1:]] == ["-5", str(2**53), str(2**53 + 1), "(none)"]
    paths = in_cells(frames.touch_paths(rows, "who", "day", "part"))
    assert {row[0] for row in paths[1:]} == {"-5", str(2**53), str(2**53 + 1)}


def test_many_years_of_weeks_are_counted_in_sqlite() -> None:
    """Whose parser gives up where conditions are within each other, one a year."""
    ibis = engines.imported("ibis", "pip install 'ibis-framework[sqlite]'")
    made = ibis.sqlite.connect()
    made.con.execute("CREATE TABLE rows (who TEXT, day DATE)")
    days = [f"{year}-02-{day}" for year in range(1990, 2025) for day in ("01", "20")]
    made.con.executemany("INSERT INTO rows VALUES (?, ?)", zip(days, days, strict=True))
    found = in_cells(frames.cohort(made.table("rows"), "who", "day", None, "445-02", "customers"))
    moments = [datetime.fromisoformat(day) for day in days]
    assert found == kpi_xl.cohort(days, moments, None, "445-02", "customers")


def test_the_last_moment_of_a_day_in_sqlite_is_of_that_day() -> None:
    """Which rounds 23:59:59.999999 to the next one."""
    ibis = engines.imported("ibis", "pip install 'ibis-framework[sqlite]'")
    made = ibis.sqlite.connect()
    made.con.execute("CREATE TABLE rows (who TEXT, day TIMESTAMP, paid REAL)")
    moments = ["2024-01-31 23:59:59.999999", "2024-01-31T23:59:59.9995", "2024-02-01 00:00:00"]
    made.con.executemany("INSERT INTO rows VALUES ('a', ?, 1)", [[moment] for moment in moments])
    found = in_cells(frames.cohort(made.table("rows"), "who", "day", "paid", "D", "revenue"))
    assert found[1:] == [["2024-01-31", 1.0, 2.0, 1.0]]


def test_customers_of_sqlite_may_be_numbers_with_a_point() -> None:
    ibis = engines.imported("ibis", "pip install 'ibis-framework[sqlite]'")
    made = ibis.sqlite.connect()
    made.con.execute("CREATE TABLE rows (who REAL, paid REAL)")
    made.con.execute("INSERT INTO rows VALUES (1.5, 2), (1, 1), (1.5, 2)")
    found = in_cells(frames.channel_mix(made.table("rows"), "who", "paid"))
    assert [row[:2] for row in found[1:]] == [[1.5, 4.0], [1.0, 1.0]]


def test_what_spark_takes_for_another() -> None:
    """Names with a point in them, or that differ in capitals alone; texts by their collation."""
    with engines.spark("Asia/Tokyo") as session:
        row = "'a' AS `w.h`, 'b' AS who, date'2024-01-31' AS day, 1.0D AS paid, 2.0D AS Paid"
        made = session.sql(f"SELECT {row}")
        for names in (("w.h", "paid"), ("who", "paid")):
            with pytest.raises(kpi_xl.WrongInput, match="Spark takes the name"):
                frames.channel_mix(made, *names)
        alike = session.sql(
            "SELECT who COLLATE UTF8_LCASE AS who, date'2024-01-31' AS day, 1.0D AS paid"
            " FROM VALUES ('Ann'), ('ann') t(who)"
        )
        assert [row[0] for row in in_cells(frames.rfm(alike, "who", "day", "paid"))[1:]] == [
            "Ann", "ann"
        ]  # fmt: skip
        paid = in_cells(frames.cohort(alike, "who", "day", "paid", "445-02", "revenue"))
        assert paid[1:] == [
            ["FY2025-P01", 2.0, 2.0]
        ]  # weeks since the Monday nearest to 1 February
        with pytest.raises(kpi_xl.OutOfDomain, match="day holds > 9999-12-31"):
            frames.cohort(
                alike.selectExpr("who", "day + interval 20000 years AS day"), "who", "day"
            )
