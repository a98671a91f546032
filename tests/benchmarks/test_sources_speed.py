"""Reading a million orders, beside pandas with the same conversions, in one run.

pytest tests/benchmarks/test_sources_speed.py --benchmark-only --benchmark-group-by=group
"""

import csv
import random
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
import xlsxwriter

from kpi_xl.schema import Column
from kpi_xl.sources import read_table
from kpi_xl.units import DATE, KEY, MONEY

ORDERS = (Column("customer", KEY), Column("date", DATE), Column("amount", MONEY))
ROWS = 1_000_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the orders in every form."""
    folder = tmp_path_factory.mktemp("orders")
    chance = random.Random(1)
    orders = [
        (f"C{chance.randrange(200_000):06}", date(2022, 1, 1) + timedelta(chance.randrange(730)),
         round(chance.uniform(1, 1e4), 2))
        for _ in range(ROWS)
    ]  # fmt: skip
    header = [column.name for column in ORDERS]
    with (folder / "orders.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *orders])
    with (folder / "german.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows(
            [
                header,
                *(
                    (who, f"{day:%d.%m.%Y}", f"{amount:,.2f}".translate({44: ".", 46: ","}))
                    for who, day, amount in orders
                ),
            ]
        )
    pl.DataFrame(orders, schema=header, orient="row").write_parquet(folder / "orders.parquet")
    book = xlsxwriter.Workbook(folder / "orders.xlsx", {"constant_memory": True})
    sheet = book.add_worksheet()
    day_format = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, header)
    for row, (who, day, amount) in enumerate(orders[:100_000], start=1):
        sheet.write_row(row, 0, [who, None, amount])
        sheet.write_datetime(row, 1, day, day_format)
    book.close()
    return folder


def with_pandas(frame: pd.DataFrame, **form: Any) -> dict[str, list[Any]]:
    """The columns as ours are: text, dates, floats."""
    frame["date"] = pd.to_datetime(frame["date"], **form)
    return {
        "customer": frame["customer"].tolist(),
        "date": frame["date"].dt.date.tolist(),
        "amount": frame["amount"].tolist(),
    }


@pytest.mark.benchmark(group="a CSV of 1,000,000 orders")
def test_csv(benchmark: Any, files: Path) -> None:
    table = benchmark.pedantic(read_table, (files / "orders.csv", ORDERS), rounds=5)
    assert table.rows == ROWS


@pytest.mark.benchmark(group="a CSV of 1,000,000 orders")
def test_csv_with_pandas(benchmark: Any, files: Path) -> None:
    def read() -> dict[str, list[Any]]:
        return with_pandas(pd.read_csv(files / "orders.csv"), format="%Y-%m-%d")

    columns = benchmark.pedantic(read, rounds=5)
    assert columns == read_table(files / "orders.csv", ORDERS).columns


@pytest.mark.benchmark(group="a German CSV of 1,000,000 orders")
def test_a_german_csv(benchmark: Any, files: Path) -> None:
    table = benchmark.pedantic(read_table, (files / "german.csv", ORDERS), rounds=5)
    assert table.rows == ROWS


@pytest.mark.benchmark(group="a German CSV of 1,000,000 orders")
def test_a_german_csv_with_pandas(benchmark: Any, files: Path) -> None:
    def read() -> dict[str, list[Any]]:
        frame = pd.read_csv(
            files / "german.csv", sep=";", decimal=",", thousands=".", dtype={"date": str}
        )  # else 13.02.2024 is 13022024
        return with_pandas(frame, format="%d.%m.%Y")

    columns = benchmark.pedantic(read, rounds=5)
    assert columns == read_table(files / "german.csv", ORDERS).columns


@pytest.mark.benchmark(group="a Parquet file of 1,000,000 orders")
def test_parquet(benchmark: Any, files: Path) -> None:
    table = benchmark.pedantic(read_table, (files / "orders.parquet", ORDERS), rounds=5)
    assert table.rows == ROWS


@pytest.mark.benchmark(group="a workbook of 100,000 orders")
def test_a_workbook(benchmark: Any, files: Path) -> None:
    table = benchmark.pedantic(read_table, (files / "orders.xlsx", ORDERS), rounds=3)
    assert table.rows == 100_000


@pytest.mark.benchmark(group="a workbook of 100,000 orders")
def test_a_workbook_with_pandas_and_openpyxl(benchmark: Any, files: Path) -> None:
    def read() -> dict[str, list[Any]]:
        return with_pandas(pd.read_excel(files / "orders.xlsx", engine="openpyxl"))

    assert len(benchmark.pedantic(read, rounds=1)["date"]) == 100_000


PEAK = """
import re, sys
from pathlib import Path
from kpi_xl.schema import Column
from kpi_xl.sources import read_table
from kpi_xl.units import DATE, KEY, MONEY
columns = [Column("customer", KEY), Column("date", DATE), Column("amount", MONEY)]
read_table(Path(sys.argv[1]), columns)
status = Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read as Linux counts it")
@pytest.mark.parametrize("name", ["orders.csv", "german.csv", "orders.parquet", "orders.xlsx"])
def test_peak_memory(files: Path, name: str) -> None:
    command = [sys.executable, "-c", PEAK, str(files / name)]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{name}: {peak / 1000:.0f} MB")
    assert peak < 1_000_000  # kB
