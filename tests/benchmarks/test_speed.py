"""What must stay fast, each beside what it is measured against, in one run.

pytest tests/benchmarks --benchmark-only --benchmark-group-by=group
"""

import io
import random
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import duckdb
import formualizer
import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pytest
import xlsxwriter
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.retention import TEMPLATE
from kpi_xl.workbook_templates.unit_economics import TEMPLATE as UNIT_ECONOMICS
from ltv_by_hand import EPOCH, LAST_DAY, by_hand, frame_of_cells, orders_of_channels
from numpy.typing import NDArray

from kpi_xl import METRICS, frames
from kpi_xl.cells import evaluate
from kpi_xl.engine.embedded import _Engine, calculate
from kpi_xl.engine.recalc import recalculated
from kpi_xl.metrics.tallies import customer_numbers, observed
from kpi_xl.ooxml.package import read_package
from kpi_xl.serials import serial

CAC = METRICS["CAC"]


# One cell: through all the rules of cells, against the bare kernel


@pytest.mark.benchmark(group="one cell")
def test_a_bare_kernel(benchmark: Any) -> None:
    assert benchmark(CAC.kernel, 50_000.0, 250.0) == 200.0


@pytest.mark.benchmark(group="one cell")
def test_a_scalar_call(benchmark: Any) -> None:
    assert benchmark(evaluate, CAC, ([[50_000.0]], [[250.0]])) == 200.0


@pytest.mark.benchmark(group="one cell")
def test_a_scalar_call_with_a_word_and_omitted_arguments(benchmark: Any) -> None:
    status = METRICS["KPI_STATUS"]
    arguments = [[95.0]], [[100.0]], None, None, [["lower"]]
    assert benchmark(evaluate, status, arguments) == "on track"


@pytest.mark.benchmark(group="one cell")
@pytest.mark.parametrize(
    ("cell", "error"), [(None, "#DIV/0!"), ("#N/A", "#N/A"), (-1.0, "#NUM!"), ("few", "#VALUE!")]
)
def test_a_scalar_call_that_ends_in_an_error(benchmark: Any, cell: Any, error: str) -> None:
    assert benchmark(evaluate, CAC, ([[50_000.0]], [[cell]])) == error


# =CAC(A1:A100000,B1:B100000), against pandas on the same cells


def columns() -> tuple[list[list[float]], list[list[float]]]:
    chance = random.Random(1)
    return tuple([[chance.uniform(1, 1e4)] for _ in range(100_000)] for _ in range(2))  # type: ignore[return-value]


@pytest.mark.benchmark(group="100,000 cells")
def test_a_lifted_column(benchmark: Any) -> None:
    spend, customers = columns()
    assert len(benchmark(evaluate, CAC, (spend, customers))) == 100_000


@pytest.mark.benchmark(group="100,000 cells")
def test_the_same_column_with_a_blank_in_it(benchmark: Any) -> None:
    spend, customers = columns()
    customers[50_000] = [None]  # type: ignore[list-item]
    assert benchmark(evaluate, CAC, (spend, customers))[50_000] == ["#DIV/0!"]


@pytest.mark.benchmark(group="100,000 cells")
def test_pandas_on_the_same_cells(benchmark: Any) -> None:
    spend, customers = columns()

    def divide() -> list[list[float]]:
        frame = pd.concat([pd.DataFrame(spend), pd.DataFrame(customers)], axis=1)
        return (frame.iloc[:, 0] / frame.iloc[:, 1]).to_frame().to_numpy().tolist()

    assert len(benchmark(divide)) == 100_000


# 10,000 KPI cells, against the engine alone with a function that returns a constant


def workbook() -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet = book.add_worksheet("S")
    for row in range(10_000):
        sheet.write_row(row, 0, [50_000.0 + row, 250.0])
        sheet.write_formula(row, 2, f"=CAC(A{row + 1},B{row + 1})")
    book.close()
    return content.getvalue()


def engine_with_a_constant(content: bytes) -> formualizer.Workbook:
    engine = formualizer.Workbook.from_bytes(content)
    engine.register_function("CAC", lambda *_: 200.0, min_args=0)
    return engine


@pytest.mark.benchmark(group="10,000 KPI cells, computing")
def test_kpi_cells(benchmark: Any) -> None:
    content = workbook()

    def fresh() -> tuple[tuple[Any], dict[str, Any]]:
        return (_Engine(read_package(content)),), {}

    benchmark.pedantic(_Engine.run, setup=fresh, rounds=10)


@pytest.mark.benchmark(group="10,000 KPI cells, computing")
def test_the_engine_as_it_comes_with_a_constant(benchmark: Any) -> None:
    content = workbook()

    def fresh() -> tuple[tuple[Any], dict[str, Any]]:
        return (engine_with_a_constant(content),), {}

    benchmark.pedantic(formualizer.Workbook.evaluate_all, setup=fresh, rounds=10)


@pytest.mark.benchmark(group="10,000 KPI cells, from bytes to values")
def test_a_workbook_of_kpi_cells(benchmark: Any) -> None:
    content = workbook()
    assert len(benchmark(calculate, content).values) == 10_000


@pytest.mark.benchmark(group="10,000 KPI cells, from bytes to values")
def test_the_engine_as_it_comes_from_bytes_to_values(benchmark: Any) -> None:
    content = workbook()

    def compute() -> list[Any]:
        engine = engine_with_a_constant(content)
        engine.evaluate_all()
        return [engine.get_value("S", row, 3) for row in range(1, 10_001)]

    assert len(benchmark(compute)) == 10_000


# Computing anew what is stored, against openpyxl's reading and writing without any computing


def many_rows() -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet = book.add_worksheet("S")
    for row in range(300_000):
        sheet.write_row(row, 0, [row, 45_000 + row % 700, row % 97 + 0.5])
    sheet.write_formula("F1", "=CAC(SUM(C1:C300000),A5)")
    book.close()
    return content.getvalue()


@pytest.mark.benchmark(group="recalc, 10,000 KPI cells")
def test_recalc_of_kpi_cells(benchmark: Any) -> None:
    assert benchmark(recalculated, workbook())[1].changed == 10_000


@pytest.mark.benchmark(group="recalc, 300,000 rows of constants")
def test_recalc_of_many_rows(benchmark: Any) -> None:
    assert benchmark.pedantic(recalculated, (many_rows(),), rounds=3)[1].changed == 1


@pytest.mark.benchmark(group="recalc, 300,000 rows of constants")
def test_openpyxl_reads_and_writes_them(benchmark: Any) -> None:
    content = many_rows()
    benchmark.pedantic(
        lambda: openpyxl.load_workbook(io.BytesIO(content)).save(io.BytesIO()), rounds=1
    )


# A million orders of 200,000 customers, against the usual recipe in pandas


def orders() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    chance = np.random.default_rng(1)
    count = 1_000_000
    customers = chance.integers(0, 200_000, count)
    return customers, 45_000 + chance.integers(0, 730, count), chance.uniform(1, 100, count)


def cells() -> tuple[list[list[Any]], list[list[Any]], list[list[Any]]]:
    """As a host hands them over: every second customer a text, dates with times, amounts."""
    customers, days, amounts = orders()
    names = [[f"C{n}" if n % 2 else float(n)] for n in customers.tolist()]
    dates = (days + np.random.default_rng(2).random(len(days)))[:, np.newaxis].tolist()
    return names, dates, amounts[:, np.newaxis].tolist()


@pytest.mark.benchmark(group="cohorts of 1,000,000 orders, from arrays")
def test_cohorts_from_arrays(benchmark: Any) -> None:
    customers, days, _ = orders()
    assert len(benchmark.pedantic(METRICS["COHORT"].kernel, (customers, days), rounds=15)) > 20


@pytest.mark.benchmark(group="cohorts of 1,000,000 orders, from arrays")
def test_cohorts_from_arrays_of_ids_far_apart(benchmark: Any) -> None:
    customers, days, _ = orders()
    arguments = customers * 7919 + 10**12, days
    assert len(benchmark.pedantic(METRICS["COHORT"].kernel, arguments, rounds=15)) > 20


@pytest.mark.benchmark(group="cohorts of 1,000,000 orders, from arrays")
def test_the_usual_pandas_recipe(benchmark: Any) -> None:
    customers, days, _ = orders()
    frame = pd.DataFrame({"customer": customers})
    frame["date"] = pd.to_datetime(days, unit="D", origin="1899-12-30")

    def recipe() -> pd.DataFrame:
        month = frame["date"].dt.to_period("M")
        born = month.groupby(frame["customer"]).transform("min")
        age = month.astype("int64") - born.astype("int64")
        return frame["customer"].groupby([born, age]).nunique().unstack()

    assert len(benchmark.pedantic(recipe, rounds=15)) > 20


# LTV curves of a million orders in twelve channels, against a query written for Polars by hand

LTV = "LTV curves of 1,000,000 orders, by {}, from {}"


FROM = ["a frame", "cells with numbers", "cells with names"]


def prepared(benchmark: Any, by: str, given: str) -> Any:
    """The orders as a frame, or as a host hands them over, with customers as numbers or names."""
    benchmark.group = LTV.format(by, given)
    frame = orders_of_channels()
    if given == "a frame":
        return frame
    name = "C{:.0f}" if given == "cells with names" else None
    who = [name.format(n) if name else float(n) for n in frame["who"].to_list()]
    days = [float((day - EPOCH).days) for day in frame["day"].to_list()]
    columns = who, days, frame["paid"].to_list(), frame["channel"].to_list()
    return tuple([[cell] for cell in column] for column in columns)


@pytest.mark.parametrize("by", ["cohort", "segment"])
@pytest.mark.parametrize("given", FROM)
def test_ltv_curve(benchmark: Any, by: str, given: str) -> None:
    orders = prepared(benchmark, by, given)
    if given == "a frame":
        arguments: Any = orders, "who", "day", "paid", "M", "channel", 0.4, None, by
        made = benchmark.pedantic(frames.ltv_curve, arguments, rounds=5)
    else:
        customers, days, amounts, channels = orders
        arguments = customers, days, amounts, None, channels, [[0.4]], None, [[by]]
        made = benchmark.pedantic(evaluate, (METRICS["LTV_CURVE"], arguments), rounds=5)
    assert len(made) >= 12


@pytest.mark.parametrize("by", ["cohort", "segment"])
@pytest.mark.parametrize("given", FROM)
def test_ltv_curve_in_polars_by_hand(benchmark: Any, by: str, given: str) -> None:
    orders = prepared(benchmark, by, given)

    def query() -> Any:
        frame = orders if given == "a frame" else frame_of_cells(*orders)
        return by_hand(frame, by, LAST_DAY)

    assert len(benchmark.pedantic(query, rounds=5)) >= 12


# Telling a million customers apart: what COHORT does before it counts


@pytest.mark.benchmark(group="numbering 1,000,000 customers")
def test_numbering_names(benchmark: Any) -> None:
    names = [row[0] for row in cells()[0]]
    assert benchmark.pedantic(customer_numbers, (names,), rounds=5)[1] < 200_000


@pytest.mark.benchmark(group="numbering 1,000,000 customers")
def test_numbering_ids_far_apart(benchmark: Any) -> None:
    ids = orders()[0] * 7919 + 10**12
    assert benchmark.pedantic(customer_numbers, (ids,), rounds=5)[1] < 200_000


@pytest.mark.benchmark(group="numbering 1,000,000 customers")
def test_factorize_of_pandas_on_the_names(benchmark: Any) -> None:
    names = np.array([row[0] for row in cells()[0]], dtype=object)
    assert len(benchmark.pedantic(pd.factorize, (names,), rounds=5)[1]) < 200_000


# A million rows by three columns of cells: on their way to arrays, against a DataFrame of them


@pytest.mark.benchmark(group="1,000,000 rows x 3 of cells to arrays")
@pytest.mark.parametrize("kind", ["serial numbers", "datetimes"])
def test_cells_to_arrays(benchmark: Any, kind: str) -> None:
    customers, dates, amounts = cells()
    if kind == "datetimes":
        start = datetime(1899, 12, 30)
        dates = [[start + timedelta(days=row[0])] for row in dates]
    reached: list[Any] = []

    def to_arrays(*columns: list[Any]) -> list[list[Any]]:
        judged = observed(columns[0], columns[1], None, columns[2])
        reached[:] = customer_numbers(judged.customers)
        return [[""]]

    metric = replace(METRICS["COHORT"], kernel=to_arrays)
    benchmark.pedantic(evaluate, (metric, (customers, dates, amounts)), rounds=5)
    assert len(reached[0]) == 1_000_000


@pytest.mark.benchmark(group="1,000,000 rows x 3 of cells to arrays")
def test_a_pandas_frame_of_the_same_cells(benchmark: Any) -> None:
    rows = [[*who, *day, *amount] for who, day, amount in zip(*cells(), strict=True)]
    assert len(benchmark.pedantic(pd.DataFrame, (rows,), rounds=5)) == 1_000_000


@pytest.mark.benchmark(group="1,000,000 rows x 3 of cells to arrays")
def test_a_pandas_frame_with_its_customers_numbered(benchmark: Any) -> None:
    rows = [[*who, *day, *amount] for who, day, amount in zip(*cells(), strict=True)]

    def numbered() -> Any:
        return pd.factorize(pd.DataFrame(rows)[0])

    assert len(benchmark.pedantic(numbered, rounds=5)[0]) == 1_000_000


@pytest.mark.benchmark(group="cohorts of 1,000,000 orders, from cells")
def test_cohorts_from_cells(benchmark: Any) -> None:
    arguments = METRICS["COHORT"], cells()
    assert len(benchmark.pedantic(evaluate, arguments, rounds=5)) > 20


def frame_of_orders(names: list[list[Any]], dates: list[list[Any]]) -> pl.DataFrame:
    """The cells as a frame, for the query beside it."""
    who = pl.Series([str(row[0]) for row in names])
    day = pl.Series([int(row[0]) for row in dates])
    date = pl.date(1899, 12, 30) + pl.duration(days=pl.col("day"))
    return pl.DataFrame({"who": who, "day": day}).with_columns(date=date)


@pytest.mark.benchmark(group="cohorts of 1,000,000 orders, from cells")
@pytest.mark.parametrize("given", ["cells", "a frame"])
def test_cohorts_in_polars_by_hand(benchmark: Any, given: str) -> None:
    """From the same cells, and over a frame that is there already."""
    names, dates, _ = cells()
    made = frame_of_orders(names, dates)

    def count() -> pl.DataFrame:
        frame = frame_of_orders(names, dates) if given == "cells" else made
        month = pl.col("date").dt.year().cast(pl.Int32) * 12 + pl.col("date").dt.month()
        active = frame.lazy().select("who", month=month).unique()
        first = active.group_by("who").agg(born=pl.col("month").min())
        age = pl.col("month") - pl.col("born")
        return active.join(first, on="who").group_by("born", age=age).len().collect()

    assert len(benchmark.pedantic(count, rounds=5)) > 200


# Cohorts of a million orders in a frame


@pytest.mark.benchmark(group="cohorts of 1,000,000 orders, from a frame")
@pytest.mark.parametrize("kind", ["pandas", "polars", "duckdb"])
def test_cohorts_from_a_frame(benchmark: Any, kind: str) -> None:
    customers, days, _ = orders()
    dates = (days - 25_569).astype("datetime64[D]").astype("datetime64[us]")
    made = pl.DataFrame({"customer": customers, "date": dates})
    if kind == "pandas":
        rows: Any = pd.DataFrame({"customer": customers, "date": dates})
    elif kind == "polars":
        rows = made.lazy()
    else:
        connection = duckdb.connect()
        connection.register("made", pd.DataFrame({"customer": customers, "date": dates}))
        connection.execute("CREATE TABLE orders AS SELECT * FROM made")
        rows = connection.table("orders")

    def cohorts() -> Any:
        made = frames.cohort(rows, "customer", "date")
        return made.collect() if isinstance(made, pl.LazyFrame) else made

    assert len(benchmark.pedantic(cohorts, rounds=5)) > 20


# A retention workbook of orders of two years: what `kpi-xl fill` does once it has read them. It is
# the CPU that counts, whatever else the machine does, and no imports: a small one is written before


HOW_MANY = [100_000, 1_000_000]
CPU = pytest.mark.benchmark(timer=time.process_time)


def columns_of_orders(benchmark: Any, count: int) -> dict[str, list[Any]]:
    """A fifth as many customers, none of whom is a number."""
    benchmark.group = f"a retention workbook of {count:,} orders"
    customers, days, amounts = (column[:count] for column in orders())
    start = datetime(1899, 12, 30)
    return {
        "customer": [f"C{number % (count // 5)}" for number in customers.tolist()],
        "date": [(start + timedelta(days=day)).date() for day in days.tolist()],
        "amount": [round(amount, 2) for amount in amounts.tolist()],
    }


@CPU
@pytest.mark.parametrize("count", HOW_MANY)
def test_a_retention_workbook(benchmark: Any, count: int) -> None:
    given = {"Orders": columns_of_orders(benchmark, count)}
    build(TEMPLATE, {"Orders": {name: column[:1000] for name, column in given["Orders"].items()}})
    built = benchmark.pedantic(build, (TEMPLATE, given), rounds=1)
    assert dict(built.headlines)["Orders"] == f"{count:,}"


@CPU
@pytest.mark.parametrize("count", HOW_MANY)
def test_xlsxwriter_on_the_orders_alone(benchmark: Any, count: int) -> None:
    """The same cells without the table and its styles, and without any formula."""
    given = columns_of_orders(benchmark, count)
    given["date"] = [serial(day) for day in given["date"]]
    rows = [*zip(*given.values(), strict=True)]

    def write(rows: list[tuple[Any, ...]]) -> None:
        with xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True}) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)

    write(rows[:1000])
    benchmark.pedantic(write, (rows,), rounds=1)


# A workbook without data, as `kpi-xl new` makes it, against XlsxWriter on its formulas alone


@pytest.mark.benchmark(group="an empty workbook of unit economics")
def test_an_empty_workbook(benchmark: Any) -> None:
    assert len(benchmark.pedantic(build, (UNIT_ECONOMICS, {}), rounds=3).values) > 4000


@pytest.mark.benchmark(group="an empty workbook of unit economics")
def test_xlsxwriter_on_its_formulas(benchmark: Any) -> None:
    formulas = read_package(build(UNIT_ECONOMICS, {}).content).formulas

    def write() -> None:
        with xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True}) as book:
            sheets = {name: book.add_worksheet(name) for name in {one.sheet for one in formulas}}
            for one in formulas:
                sheets[one.sheet].write_formula(one.row - 1, one.column - 1, f"={one.text}")

    benchmark.pedantic(write, rounds=3)


# Starting


def start(*command: str) -> None:
    subprocess.run([sys.executable, *command], check=True, capture_output=True)


@pytest.mark.benchmark(group="starting")
def test_python_alone(benchmark: Any) -> None:
    benchmark(start, "-c", "pass")


@pytest.mark.benchmark(group="starting")
def test_importing_kpi_xl(benchmark: Any) -> None:
    benchmark(start, "-c", "import kpi_xl")


@pytest.mark.benchmark(group="starting")
def test_evaluating_in_the_terminal(benchmark: Any) -> None:
    benchmark(start, "-m", "kpi_xl", "eval", "=CAC(50000,250)")
