"""Orders that are more than a sheet holds: counted where they are, with the figures of all rows."""

import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from hosts import validated
from kpi_xl.workbook_templates import retention, retention_counted
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.writing import Built

from kpi_xl import CellError, frame_counts
from kpi_xl.cli.shared import Misuse
from kpi_xl.cli.templates import CountedTable, fill, note_beside
from kpi_xl.exports import Filling, Request, counting, options_from, read_files
from kpi_xl.exports.counting import CountedOrders, counted, counted_apart
from kpi_xl.schema.retention import ORDERS
from kpi_xl.sources import SourceError

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

FROM_COUNTS = (
    "Summary", "Cohorts", "Cohort revenue", "Curve", "Segments", "Value", "Was it right"
)  # fmt: skip
"""The sheets whose figures are those of all the rows."""


def of_one_customer(place: tuple[str, int, int]) -> bool:
    """Whether a cell is in the lists of the sheet Value, at the right below the sums."""
    sheet, row, column = place
    return sheet == "Value" and row > 11 and column > 4


ASKED = retention.asked()


@pytest.fixture(scope="module")
def data() -> dict[str, list[Any]]:
    """CDNOW's orders, of which each has a row."""
    orders = {name: list(cells) for name, cells in retention.sample().data["Orders"].items()}
    returns = {"customer": [900_001, 900_002], "date": [date(1998, 5, 4), date(1997, 2, 1)],
               "amount": [-5.0, -7.5]}  # fmt: skip
    return {name: cells + returns[name] for name, cells in orders.items()}


@pytest.fixture(scope="module")
def parquet(data: dict[str, list[Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("counted") / "orders.parquet"
    with duckdb.connect() as database:
        database.execute("CREATE TABLE o (buyer INTEGER, date DATE, amount DECIMAL(12,2))")
        database.execute(
            "INSERT INTO o SELECT unnest(?::INTEGER[]), unnest(?::DATE[]), unnest(?::DOUBLE[])",
            [data["customer"], data["date"], data["amount"]],
        )
        database.table("o").write_parquet(str(path))
    return path


def request(path: Path, *options: tuple[str, str]) -> Request:
    return Request(path, "Orders", options_from(options, {"buyer": "customer"}))


@pytest.fixture(scope="module")
def found(parquet: Path) -> CountedOrders:
    made = counted([request(parquet)], ORDERS.columns, ASKED, 1000)
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
    shown = {
        place: value
        for place, value in whole.items()
        if place[0] in FROM_COUNTS and not of_one_customer(place)
    }
    numbers = {place: value for place, value in shown.items() if isinstance(value, float)}
    assert sum(value != 0 for value in numbers.values()) > 500
    assert {place: book.values[place] for place in numbers} == pytest.approx(numbers, rel=1e-9)
    others = {place for place in shown if book.values.get(place) != shown[place]} - set(numbers)
    told = {str(book.values.get(place)) for place in others}
    fixed = "None"  # the formula beside a setting
    sentences = retention_counted.NO_COMPARISON, retention_counted.FINE, retention_counted.FORETOLD
    assert told == {fixed, *sentences}
    assert len(others) < 7
    lists = [book.values[place] for place in whole if of_one_customer(place)]
    assert set(lists) == {""}
    assert not any(isinstance(value, CellError) for value in book.values.values())


@pytest.mark.parametrize("amount", ["NULL::DOUBLE", "2.5::DOUBLE"])
def test_what_no_order_has_is_blank_and_not_0(amount: str, tmp_path: Path) -> None:
    """As in a workbook with every row: amounts, or what frequency and spend have to correlate."""
    path = tmp_path / "orders.parquet"
    rows = duckdb.sql(
        "SELECT 'c' || i * i % 61 AS customer, DATE '2024-01-01' + i::INTEGER AS date,"
        f" {amount} AS amount FROM range(900) t(i)"
    )
    rows.write_parquet(str(path))
    whole: dict[str, list[Any]] = {column.name: [None] * 900 for column in ORDERS.columns}
    whole |= dict(zip(rows.columns, map(list, zip(*rows.fetchall(), strict=True)), strict=True))
    found = counted([Request(path, "Orders")], ORDERS.columns, ASKED, 10)
    assert found
    given = retention.counted(found, "orders.parquet", date(2026, 11, 30), str)
    book = build(retention.TEMPLATE, {"Orders": found.sample}, given=given)
    expected = build(retention.TEMPLATE, {"Orders": whole})
    assert book.headlines == expected.headlines
    held = dict(book.headlines)
    assert (held["Revenue"] == "") == (held["Revenue to come"] == "") == ("NULL" in amount)
    assert held["Frequency and spend"] == ""
    assert held["Customers who bought"] == "31"
    for sheet in ("Segments", "Cohort revenue"):
        shown = {at: value for at, value in expected.values.items() if at[0] == sheet}
        assert {at: book.values[at] for at in shown} == shown
    for one in (book, expected):
        assert not any(isinstance(value, CellError) for value in one.values.values())
        assert "✗ no" not in one.values.values()


def test_checks_counts_the_sample_anew(book: Built, found: CountedOrders) -> None:
    agreed = [value for (sheet, _, column), value in book.values.items()
              if sheet == "Checks" and column == 4 and value]  # fmt: skip
    assert len(agreed) == 12
    assert set(agreed) == {"✓ yes"}
    wrong = {**found.sample, "amount": [2 * (cell or 0) for cell in found.sample["amount"]]}
    given = retention.counted(found, "orders.parquet", date(2026, 11, 30), str)
    other = build(retention.TEMPLATE, {"Orders": wrong}, given=given)
    doubted = [place for place, value in other.values.items() if value == "✗ no"]
    assert len(doubted) == 3  # revenue, that of the cohorts, and the forecast


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
    assert 'SUMIFS(CustomersAlike,Recency,">"&LostAfter,PurchaseCount,">0")' in figure
    lead = openpyxl.load_workbook(path)["Orders"]["A2"].value
    assert "6,921 rows of orders.parquet" in lead
    assert "on 2026-11-30" in lead


def forecast_of(orders: Request) -> tuple[Any, Any, list[Any]]:
    """What Value and "Was it right" say below their titles, and the sums of the first."""
    found = counted([orders], ORDERS.columns, ASKED, 5)
    assert found
    given = retention.counted(found, "orders.parquet", date(2026, 11, 30), str)
    values = build(retention.TEMPLATE, {"Orders": found.sample}, given=given).values
    sheets = {place[0] for place, value in values.items() if isinstance(value, CellError)}
    assert sheets <= {"Model"}
    return values["Value", 3, 1], values["Was it right", 3, 1], sums_of(values)


def sums_of(values: Any) -> list[Any]:
    """Customers, purchases and revenue to come."""
    return [values["Value", row, 7] for row in range(6, 9)]


def test_of_very_many_customers_times_are_whole_weeks(
    parquet: Path, monkeypatch: pytest.MonkeyPatch, book: Built
) -> None:
    monkeypatch.setattr(frame_counts, "MOST_BY_DAY", 10)
    said, _, by_week = forecast_of(request(parquet))
    assert said == retention_counted.BY_WEEK
    by_day = sums_of(book.values)
    assert by_week == pytest.approx(by_day, rel=0.002)
    assert not set(by_week) & set(by_day)


def test_of_too_many_histories_there_is_no_forecast(
    parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_counts, "MOST_HISTORIES", 100)
    sentence = "No forecast: the customers have more than 100 different histories of purchases."
    assert forecast_of(request(parquet)) == (sentence, sentence, [""] * 3)


@pytest.mark.parametrize("days", [1, 300])
def test_what_orders_do_not_tell_is_said(days: int, tmp_path: Path) -> None:
    """Nobody came back; and all days are among those held back, or not."""
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        f"SELECT i AS customer, DATE '2024-01-01' + (i % {days})::INTEGER AS date, 1.5 AS amount"
        " FROM range(600) t(i)"
    ).write_parquet(str(path))
    said, verdict, _ = forecast_of(Request(path, "Orders"))
    assert str(said).startswith("The data do not tell who will buy again")
    assert str(verdict).startswith("The weeks before do not tell who will buy again")


def test_what_a_sheet_holds_is_read_as_ever(parquet: Path) -> None:
    assert counted([request(parquet)], ORDERS.columns, ASKED, 10_000) is None
    assert counted_apart([], ORDERS.columns, ASKED) is None
    assert counted_apart([Request(Path("orders.csv"), "Orders")], ORDERS.columns, ASKED) is None


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ("SELECT 'a' AS customer, DATE '2024-01-01' AS date", "has no column amount"),
        ("SELECT 'a' AS customer, '2024-01-01' AS date, 1 AS amount", "make it dates"),
        ("SELECT 'a' AS customer, DATE '2024-01-01' AS date, 'x' AS amount", "make it numbers"),
        ("SELECT NULL::TEXT AS customer, DATE '2024-01-01' AS date, 1 amount", "customer is null"),
        ("SELECT 'a' AS customer, DATE '2024-01-01' AS date, 1 amount, nullif(i, 1) AS \"order\"",
         "order is null in 1 rows"),
        ("SELECT 'a' AS customer, DATE '9999-12-31' - i::INT AS date, 1 AS amount",
         "date: 9999 is what programs write for no day: leave it blank"),
        ("SELECT 'a' AS customer, TIMESTAMPTZ '9999-12-30 12:00Z' AS date, 1 AS amount",
         "date: 9999 is what programs write"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_told(made: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(f"{made} FROM range(3) t(i)").write_parquet(str(path))
    with pytest.raises(SourceError, match=sentence) as told:
        counted([Request(path, "Orders")], ORDERS.columns, ASKED, 1)
    assert str(told.value).startswith(str(path))


def test_only_columns_are_heard_of_what_is_counted(parquet: Path) -> None:
    with pytest.raises(SourceError, match="only --map is heard"):
        counted([request(parquet, ("where", "amount=1"))], ORDERS.columns, ASKED, 1)


def test_orders_of_several_rows_are_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        "SELECT i % 7 AS customer, DATE '2024-01-01' + i::INTEGER AS date, 1.5 AS amount,"
        ' i // 2 AS "order" FROM range(20) t(i)'
    ).write_parquet(str(path))
    found = counted([Request(path, "Orders")], ORDERS.columns, ASKED, 1)
    assert found
    assert (found.rows, found.orders) == (20, 10.0)


@pytest.mark.parametrize(("number", "orders"), [("", 15.0), (', i AS "order"', 15.0)])
def test_returns_are_no_orders(number: str, orders: float, tmp_path: Path) -> None:
    """Every fourth of twenty rows is a return; one that is none has no amount."""
    path = tmp_path / "orders.parquet"
    amount = "CASE WHEN i = 1 THEN NULL WHEN i % 4 = 0 THEN -1.5 ELSE 1.5 END"
    duckdb.sql(
        "SELECT i % 7 AS customer, DATE '2024-01-01' + i::INTEGER AS date,"
        f" {amount} AS amount{number} FROM range(20) t(i)"
    ).write_parquet(str(path))
    found = counted([Request(path, "Orders")], ORDERS.columns, ASKED, 1)
    assert found
    assert found.orders == orders


MOMENTS = ("TIMESTAMP_NS '2024-12-31 23:59:59.999999999'", "DATE '2024-12-31'")


@pytest.mark.parametrize("moment", [*MOMENTS, f"({MOMENTS[0]})::TIMESTAMPTZ_NS"])
def test_moments_of_nanoseconds_and_nan_are_those_that_are_read(
    moment: str, tmp_path: Path
) -> None:
    """The engine's own cast has the last nanosecond of a year begin the next."""
    path = tmp_path / "orders.parquet"
    duckdb.execute("SET TimeZone = 'UTC'").sql(
        f"SELECT 'a' AS customer, {moment} AS date, 'NaN'::DOUBLE AS amount FROM range(2)"
    ).write_parquet(str(path))
    found = counted([Request(path, "Orders")], ORDERS.columns, ASKED, 1)
    assert found
    assert found.counts.days[1:] == [[45657, 2, 0.0]]
    assert (found.rows, found.blank) == (2, 2)
    asked = {"Orders": ORDERS.columns}
    read = read_files([Request(path, "Orders")], asked, []).tables["Orders"].columns
    assert read == found.sample
    assert read["date"] == [date(2024, 12, 31)] * 2


SAME = "SELECT 'a' AS customer, DATE '2024-01-01' AS date, 1.5 AS amount"


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (("part-00000-1a.parquet", "part-00001-1a.parquet"), 2),
        (("year=2024/a.parquet", "year=2025/a.parquet"), 2),
        (("new/part-0.parquet", "old/part-0.parquet"), 1),
        (("new.parquet", "old.parquet"), 1),
        (("part-0.parquet", "part-0.parquet"), 1),
    ],
)
def test_parts_of_one_table_have_no_row_in_common(
    names: tuple[str, str], rows: int, tmp_path: Path
) -> None:
    """A customer may buy the same twice a day; of other files a row that both have is one."""
    asked = []
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        duckdb.sql(SAME).write_parquet(str(path))
        asked.append(Request(path, "Orders"))
    read = read_files(asked, {"Orders": ORDERS.columns}, []).tables["Orders"]
    assert read.rows == rows
    if rows == 2 or len(set(names)) == 1:
        found = counted(asked, ORDERS.columns, ASKED, 0)
        assert found
        assert found.rows == rows
    else:
        with pytest.raises(SourceError, match="have 1 row in common, which would count twice"):
            counted(asked, ORDERS.columns, ASKED, 0)


def test_columns_in_the_names_of_folders_are_columns(tmp_path: Path) -> None:
    """As Spark, PyArrow and DuckDB write a table by day."""
    rows = f"({SAME}, '007' AS status UNION SELECT 'b', DATE '2024-02-01', 2, NULL)"
    duckdb.sql(f"COPY {rows} TO '{tmp_path / 'o'}' (FORMAT parquet, PARTITION_BY (date, status))")
    asked = [Request(path, "Orders") for path in sorted((tmp_path / "o").rglob("*.parquet"))]
    read = read_files(asked, {"Orders": ORDERS.columns}, []).tables["Orders"].columns
    assert read["date"] == [date(2024, 1, 1), date(2024, 2, 1)]
    assert read["status"] == ["007", None]
    found = counted(asked, ORDERS.columns, ASKED, 1)
    assert found
    assert found.counts.days[1:] == [[45292, 1, 1.5], [45323, 1, 2.0]]


def test_the_sample_has_all_orders_of_its_customers(
    found: CountedOrders, data: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch, parquet: Path
) -> None:
    whole = Counter(data["customer"])
    assert Counter(found.sample["customer"]) == {
        customer: whole[customer] for customer in set(found.sample["customer"])
    }
    monkeypatch.setattr(counting, "MOST_SAMPLED", 100)
    fewer = counted([request(parquet)], ORDERS.columns, ASKED, 1000)
    assert fewer
    assert len(fewer.sample["customer"]) <= 100


def test_fill_counts_what_is_more_than_a_sheet_holds(
    parquet: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def here(requests: list[Request], columns: Any, asked: Any) -> CountedOrders | None:
        return counted(requests, columns, asked, 1000)

    monkeypatch.setattr(counting, "counted_apart", here)
    path = tmp_path / "filled.xlsx"
    fill("retention", tables=[f"Orders={parquet}"], renamed=["buyer=customer"], output=path)
    told = capsys.readouterr().out
    assert "Orders: 6,921 rows of orders.parquet" in told
    assert "counted where they are: the table has a sample, and is not loaded anew" in told
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(path)["Sources"]]
    (orders,) = (row for row in rows if row[0] == "Orders")
    assert orders[1] is None  # so that no report loads the table below what was counted
    assert orders[4] == 6921


def test_what_is_counted_is_in_the_currency_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is converted, and what stands beside it is in the same currency."""

    def here(requests: list[Request], columns: Any, asked: Any) -> CountedOrders | None:
        return counted(requests, columns, asked, 1)

    monkeypatch.setattr(counting, "counted_apart", here)
    path, rates = tmp_path / "orders.parquet", tmp_path / "rates.csv"
    rows = "FROM (VALUES ('a', DATE '2024-01-05', 10), ('b', DATE '2024-02-05', 20))"
    columns = "t(customer, date, amount)"
    duckdb.sql(f"SELECT *, 'EUR' AS currency {rows} {columns}").write_parquet(str(path))
    rates.write_text("currency,rate\nUSD,2\n", encoding="utf-8")
    asked = {"tables": [f"Orders={path}"], "force": True, "output": tmp_path / "filled.xlsx"}
    for words in ({"rates": rates}, {"report_currency": "USD"}):
        with pytest.raises(Misuse, match="is counted where it is, and nothing of it is converted"):
            fill("retention", **asked, **words)
    fill("retention", **asked, rates=rates, report_currency="EUR")
    more = tmp_path / "more.csv"
    more.write_text("customer,date,amount\nc,2024-01-05,7\n", encoding="utf-8")
    with pytest.raises(Misuse, match=r"the orders of .*more.csv cannot be added: make one table"):
        fill("retention", [str(more)], **asked)
    beside = tmp_path / "months.csv"
    beside.write_text(
        "month,mrr_start,mrr_new,expansion,contraction,churned,Currency\n"
        "2024-01-01,1,1,0,0,0,USD\n2024-02-01,2,1,0,0,0,USD\n",
        encoding="utf-8",
    )
    with pytest.raises(Misuse, match="the amounts are in EUR and USD"):
        fill("retention", tables=[*asked["tables"], f"Subscriptions={beside}"], output=None)


def test_what_is_counted_without_a_currency_is_told_beside_one(found: CountedOrders) -> None:
    orders = CountedTable("orders.parquet", found, None, counting.note_of(found, "orders.parquet"))
    for currency in ("EUR", ""):
        told = note_beside(orders, Filling({}, [], currency)).left
        assert ("currency not said" in told) == bool(currency)


def test_of_two_columns_of_currencies_that_of_the_amounts_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    rows = "('a', DATE '2024-01-05', 10, 'USD', 'EUR'), ('b', DATE '2024-02-05', 20, 'USD', 'EUR')"
    names = "customer, date, sale_amount, purchase_currency, settlement_currency"
    duckdb.sql(f"SELECT * FROM (VALUES {rows}) t({names})").write_parquet(str(path))

    def currency(**more: str) -> str:
        renamed = {"sale_amount": "amount", **more}
        one = Request(path, "Orders", options_from([], renamed))
        found = counted([one], ORDERS.columns, ASKED, 1)
        return found.currency if found else ""

    with pytest.raises(SourceError, match=r'"purchase_currency" and "settlement_currency", which'):
        currency()
    assert currency(purchase_currency="currency") == "USD"


def test_a_currency_may_be_that_of_one_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """10 USD at 1 and 20 EUR at 1.5 are 40; one currency for both would be 30 or 45."""
    rows = "customer,date,amount\n{},2024-01-05,{}\n"
    for name, customer, amount in (("us", "a", 10), ("de", "b", 20)):
        (tmp_path / f"{name}.csv").write_text(rows.format(customer, amount), encoding="utf-8")
    (tmp_path / "rates.csv").write_text("currency,rate\nUSD,1\nEUR,1.5\n", encoding="utf-8")
    files = [str(tmp_path / "us.csv"), str(tmp_path / "de.csv")]
    asked = {"rates": tmp_path / "rates.csv", "report_currency": "USD", "force": True,
             "output": tmp_path / "filled.xlsx"}  # fmt: skip
    fill("retention", files, currency=["USD", "de.csv=EUR"], **asked)
    told = capsys.readouterr().out
    assert re.search(r"Revenue +\W +40.00", told)
    book = openpyxl.load_workbook(tmp_path / "filled.xlsx")["Sources"]
    words = [str(cell.value) for row in book.iter_rows() for cell in row if cell.value]
    assert {"--currency USD", "--currency EUR"} <= {*words}
    for wrong, sentence in ((["USD", "EUR"], "for all files; of single ones write"),
                            (["fr.csv=EUR"], "--currency fr.csv=EUR: no file of that name"),
                            (["de.csv=EUR", "de.csv=USD"], "EUR and USD for de.csv: which holds"),
                            (["de.csv=12"], "write its code of three letters")):  # fmt: skip
        with pytest.raises(Misuse, match=sentence):
            fill("retention", files, currency=wrong, **asked)
