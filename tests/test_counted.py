"""Orders that are more than a sheet holds: counted where they are, with the figures of all rows."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from hosts import validated
from kpi_xl.workbook_templates import retention, retention_counted
from kpi_xl.workbook_templates.parts import build
from kpi_xl.workbook_templates.writing import Built

from kpi_xl import CellError
from kpi_xl.cli.templates import fill
from kpi_xl.exports import Request, counting, options_from
from kpi_xl.exports.counting import CountedOrders, counted, counted_apart
from kpi_xl.schema.retention import ORDERS
from kpi_xl.sources import SourceError

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

FROM_COUNTS = ("Summary", "Cohorts", "Cohort revenue", "Curve", "Segments")
"""The sheets whose figures are those of all the rows."""


@pytest.fixture(scope="module")
def data() -> dict[str, list[Any]]:
    """CDNOW's orders, of which each has a row."""
    return {name: list(cells) for name, cells in retention.sample().data["Orders"].items()}


@pytest.fixture(scope="module")
def parquet(data: dict[str, list[Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("counted") / "orders.parquet"
    with duckdb.connect() as database:
        database.execute("CREATE TABLE o (buyer INTEGER, date DATE, amount DECIMAL(12,2))")
        rows = list(zip(data["customer"], data["date"], data["amount"], strict=True))
        database.executemany("INSERT INTO o VALUES (?, ?, ?)", rows)
        database.table("o").write_parquet(str(path))
    return path


def request(path: Path, *options: tuple[str, str]) -> Request:
    return Request(path, "Orders", options_from(options, {"buyer": "customer"}))


@pytest.fixture(scope="module")
def found(parquet: Path) -> CountedOrders:
    made = counted([request(parquet)], ORDERS.columns, 1000)
    assert made
    return made


@pytest.fixture(scope="module")
def book(found: CountedOrders) -> Built:
    given = retention.counted(found, "orders.parquet", date(2026, 11, 30), str)
    return build(retention.TEMPLATE, {"Orders": found.sample}, given=given)


def test_the_figures_are_those_of_a_workbook_with_every_row(
    book: Built, data: dict[str, list[Any]]
) -> None:
    whole = build(retention.TEMPLATE, {"Orders": data}).values
    shown = {place: value for place, value in whole.items() if place[0] in FROM_COUNTS}
    numbers = {place: value for place, value in shown.items() if isinstance(value, float)}
    assert sum(value != 0 for value in numbers.values()) > 400
    assert {place: book.values[place] for place in numbers} == pytest.approx(numbers, rel=1e-12)
    others = {place for place in shown if book.values.get(place) != shown[place]} - set(numbers)
    told = {str(book.values.get(place)) for place in others}
    fixed = "None"  # the formula beside a setting
    assert told == {fixed, retention_counted.NO_COMPARISON, retention_counted.FINE}
    assert len(others) < 5
    assert not any(isinstance(value, CellError) for value in book.values.values())


def test_checks_counts_the_sample_anew(book: Built, found: CountedOrders) -> None:
    agreed = [value for (sheet, _, column), value in book.values.items()
              if sheet == "Checks" and column == 4 and value]  # fmt: skip
    assert len(agreed) == 11
    assert set(agreed) == {"✓ yes"}
    wrong = {**found.sample, "amount": [2 * (cell or 0) for cell in found.sample["amount"]]}
    given = retention.counted(found, "orders.parquet", date(2026, 11, 30), str)
    other = build(retention.TEMPLATE, {"Orders": wrong}, given=given)
    doubted = [place for place, value in other.values.items() if value == "✗ no"]
    assert len(doubted) == 2  # revenue, and that of the cohorts


def test_it_is_a_workbook_whose_settings_live_as_far_as_they_can(
    book: Built, tmp_path: Path
) -> None:
    path = tmp_path / "counted.xlsx"
    path.write_bytes(book.content)
    validated(path)
    sheet = openpyxl.load_workbook(path)["Summary"]
    names = {cell.value: cell.row for cell in sheet["B"] if cell.value}
    validations = str(sheet.data_validations.dataValidation)
    assert f"D{names['Lost after']}" not in validations
    assert f"C{names['Lost after']}" in validations
    assert f"C{names['Period']}" not in validations
    figure = sheet.cell(names["Lost customers"], 3).value
    assert 'SUMIFS(CustomersAlike,Recency,">"&LostAfter)' in figure
    lead = openpyxl.load_workbook(path)["Orders"]["A2"].value
    assert "6,919 rows of orders.parquet" in lead
    assert "on 2026-11-30" in lead


def test_what_a_sheet_holds_is_read_as_ever(parquet: Path) -> None:
    assert counted([request(parquet)], ORDERS.columns, 10_000) is None
    assert counted_apart([], ORDERS.columns) is None
    assert counted_apart([Request(Path("orders.csv"), "Orders")], ORDERS.columns) is None


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ("SELECT 'a' AS customer, DATE '2024-01-01' AS date", "has no column amount"),
        ("SELECT 'a' AS customer, '2024-01-01' AS date, 1 AS amount", "make it dates"),
        ("SELECT 'a' AS customer, DATE '2024-01-01' AS date, 'x' AS amount", "make it numbers"),
        ("SELECT NULL::TEXT AS customer, DATE '2024-01-01' AS date, 1 amount", "customer is null"),
        ("SELECT 'a' AS customer, DATE '2024-01-01' AS date, 1 amount, nullif(i, 1) AS \"order\"",
         "order is null in 1 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_told(made: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(f"{made} FROM range(3) t(i)").write_parquet(str(path))
    with pytest.raises(SourceError, match=sentence) as told:
        counted([Request(path, "Orders")], ORDERS.columns, 1)
    assert str(told.value).startswith(str(path))


def test_only_columns_are_heard_of_what_is_counted(parquet: Path) -> None:
    with pytest.raises(SourceError, match="only --map is heard"):
        counted([request(parquet, ("where", "amount=1"))], ORDERS.columns, 1)


def test_orders_of_several_rows_are_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        "SELECT i % 7 AS customer, DATE '2024-01-01' + i::INTEGER AS date, 1.5 AS amount,"
        ' i // 2 AS "order" FROM range(20) t(i)'
    ).write_parquet(str(path))
    found = counted([Request(path, "Orders")], ORDERS.columns, 1)
    assert found
    assert (found.rows, found.orders) == (20, 10.0)


def test_the_sample_has_all_orders_of_its_customers(
    found: CountedOrders, data: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch, parquet: Path
) -> None:
    whole = Counter(data["customer"])
    assert Counter(found.sample["customer"]) == {
        customer: whole[customer] for customer in set(found.sample["customer"])
    }
    monkeypatch.setattr(counting, "MOST_SAMPLED", 100)
    fewer = counted([request(parquet)], ORDERS.columns, 1000)
    assert fewer
    assert len(fewer.sample["customer"]) <= 100


def test_fill_counts_what_is_more_than_a_sheet_holds(
    parquet: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def here(requests: list[Request], columns: Any) -> CountedOrders | None:
        return counted(requests, columns, 1000)

    monkeypatch.setattr(counting, "counted_apart", here)
    path = tmp_path / "filled.xlsx"
    fill("retention", tables=[f"Orders={parquet}"], renamed=["buyer=customer"], output=path)
    told = capsys.readouterr().out
    assert "Orders: 6,919 rows of orders.parquet" in told
    assert "counted where they are: the table has a sample, and is not loaded anew" in told
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(path)["Sources"]]
    (orders,) = (row for row in rows if row[0] == "Orders")
    assert orders[1] is None  # so that no report loads the table below what was counted
    assert orders[4] == 6919
