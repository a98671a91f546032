"""What must stay fast, each beside what it is measured against, in one run.

pytest tests/benchmarks --benchmark-only --benchmark-group-by=group
"""

import io
import random
import subprocess
import sys
from typing import Any

import formualizer
import pandas as pd
import pytest
import xlsxwriter

from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.hosts.embedded import _Engine, calculate
from kpi_xl.hosts.package import read_package

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
def test_a_scalar_call_that_ends_in_an_error(benchmark: Any) -> None:
    assert benchmark(evaluate, CAC, ([[50_000.0]], [[None]])) == "#DIV/0!"


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


# A million orders, against the usual recipe in pandas


def orders() -> tuple[list[list[float]], list[list[float]]]:
    chance = random.Random(1)
    customers = [[float(chance.randrange(200_000))] for _ in range(1_000_000)]
    return customers, [[45_000.0 + chance.randrange(730)] for _ in range(1_000_000)]


@pytest.mark.benchmark(group="cohorts of 1,000,000 orders")
def test_cohorts_from_cells(benchmark: Any) -> None:
    customers, dates = orders()
    arguments = METRICS["COHORT"], (customers, dates)
    assert len(benchmark.pedantic(evaluate, arguments, rounds=3)) > 20


@pytest.mark.benchmark(group="cohorts of 1,000,000 orders")
def test_the_usual_pandas_recipe_from_arrays(benchmark: Any) -> None:
    customers, dates = orders()
    frame = pd.DataFrame({"customer": [row[0] for row in customers]})
    frame["date"] = pd.to_datetime([row[0] for row in dates], unit="D", origin="1899-12-30")

    def recipe() -> pd.DataFrame:
        month = frame["date"].dt.to_period("M")
        born = month.groupby(frame["customer"]).transform("min")
        age = month.astype("int64") - born.astype("int64")
        return frame["customer"].groupby([born, age]).nunique().unstack()

    assert len(benchmark.pedantic(recipe, rounds=3)) > 20


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
