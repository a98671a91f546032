"""Tables of databases as sources: real PostgreSQL, SQLite and DuckDB, read and never written."""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import keyring
import pytest
from engines import imported, postgres
from keyring.backend import KeyringBackend

from kpi_xl import frames
from kpi_xl.cli.templates import loaded as noted
from kpi_xl.cli.templates import meant_table
from kpi_xl.exports import (
    Request,
    counting,
    options_from,
    parts_of,
    rates_of,
    read_files,
    read_files_apart,
)
from kpi_xl.frame_counts import Asked
from kpi_xl.hosts import doctor
from kpi_xl.locales import LANGUAGES
from kpi_xl.reports import layout
from kpi_xl.reports.loading import loaded
from kpi_xl.reports.records import OpenWorkbook, Place, Table
from kpi_xl.schema import SCHEMAS
from kpi_xl.sources import (
    ReadTable,
    SourceError,
    cells_under,
    connections,
    databases,
    headers_of,
)
from kpi_xl.sources.parquet import look_at_parquet
from kpi_xl.sources.records import read_once

pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'future.infer_string'"),  # Ibis' and pandas' affair
    pytest.mark.filterwarnings("ignore:fetch_arrow_table"),  # Ibis' and DuckDB's
]

ORDERS = {table.name: table.columns for table in SCHEMAS["retention"].inputs}
ASKED = Asked(52, 0.0, "mbgnbd", 1, 0.9)
INPUTS = SCHEMAS["retention"].inputs
COLUMNS = """
  "Kunde Nr" {whole}, "Bought" {date}, total {decimal}, "order" {text}, paid {flag}, note {text}
"""
ROWS = [
    (9007199254740995, "2024-01-31", "10.10", "A-1", True, "x"),
    (7, "2024-02-01", "0.30", "A-2", True, None),
    (7, "2024-02-02", None, "=1+1", False, "y"),
    (8, "2024-02-03", "-2.50", None, True, "z"),
]
MAP = {"Kunde Nr": "customer", "Bought": "date", "total": "amount"}
KINDS = {
    "postgres": {"whole": "bigint", "date": "date", "decimal": "numeric(12,2)", "text": "text",
                 "flag": "boolean"},
    "sqlite": {"whole": "integer", "date": "date", "decimal": "decimal(12,2)", "text": "text",
               "flag": "boolean"},
    "duckdb": {"whole": "bigint", "date": "date", "decimal": "decimal(12,2)", "text": "varchar",
               "flag": "boolean"},
}  # fmt: skip
CONNECTIONS = """
[house]
kind = "postgres"
host = {host}
database = "postgres"
user = "kpi"
tables = ["shop.orders", 'shop."Odd; Name"', "shop.counting"]

[guarded]
kind = "postgres"
host = {host}
database = "postgres"
user = "guest"
password = {{ env = "KPI_TEST_PASSWORD" }}
tables = ["shop.orders"]

[ringed]
kind = "postgres"
host = {host}
database = "postgres"
user = "guest"
password = {{ keyring = "kpi-test" }}

[away]
kind = "postgres"
host = "127.0.0.1"
port = 9
database = "postgres"

[lite]
kind = "sqlite"
path = {sqlite}
tables = ["orders"]

[duck]
kind = "duckdb"
path = {duckdb}
tables = ["orders"]

[hasty]
kind = "postgres"
host = {host}
database = "postgres"
user = "kpi"
timeout = 1.5

[hastylite]
kind = "sqlite"
path = {sqlite}
timeout = 0.2

[hastyduck]
kind = "duckdb"
path = {duckdb}
timeout = 0.3

[gone]
kind = "sqlite"
path = {gone}
"""
DEALT = """
  CREATE TABLE {0}coins (customer {text}, date date, amount {decimal}, "order currency" {text});
  INSERT INTO {0}coins VALUES ('a', '2024-01-31', 10, 'USD'), ('b', '2024-02-01', 20, 'EUR');
  CREATE VIEW {0}dollars AS SELECT * FROM {0}coins WHERE customer = 'a';
  CREATE VIEW {0}euros AS SELECT customer, date, amount, "order currency" AS "Devise"
    FROM {0}coins WHERE customer = 'b';
"""
PART = """
  CREATE TABLE {0}parts_of_one (customer {text}, date date, amount real);
  INSERT INTO {0}parts_of_one VALUES ('a', '2024-01-31', 0.1), ('b', '2024-02-01', 0.7);
"""
ALIKE = "('Ann', '2024-01-31', 1, 'A'), ('ann', '2024-02-01', 2, 'a'), ('B', '2024-02-01', 3, 'b')"
SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's settings whose connections lead to three databases with the same table."""
    psycopg = imported("psycopg", "pip install 'psycopg[binary]'")
    folder = tmp_path_factory.mktemp("databases")
    places = {kind: folder / f"a {kind}.db" for kind in ("sqlite", "duckdb", "gone")}
    with duckdb.connect(str(places["duckdb"])) as database:
        _fill(database.execute, "duckdb", "?", "orders")
        database.execute((DEALT + PART).format("", **KINDS["duckdb"]))
        database.execute(f"CREATE VIEW slow AS {SLOW} SELECT i AS customer FROM n")
        database.execute(
            "CREATE VIEW ever AS SELECT 'a' AS customer, DATE 'infinity' AS date, 1 AS amount"
            " FROM range(7)"
        )
        database.execute(
            'CREATE TABLE alike (customer VARCHAR COLLATE NOCASE, date DATE, amount REAL, "order"'
            " VARCHAR COLLATE NOCASE)"
        )
        database.execute(f"INSERT INTO alike VALUES {ALIKE}")
    with sqlite3.connect(places["sqlite"]) as lite:
        _fill(lite.execute, "sqlite", "?", "orders")
        lite.executescript((DEALT + PART).format("", **KINDS["sqlite"]))
        lite.execute(f"CREATE VIEW slow AS {SLOW} SELECT count(*) AS customer FROM n")
        lite.execute("CREATE TABLE picture (customer, date DATE, amount BLOB)")
        lite.execute("INSERT INTO picture VALUES ('a', '2024-01-01', x'00')")
        lite.execute("CREATE TABLE typed (customer TEXT, date DATE, amount INTEGER)")
        lite.executemany(
            "INSERT INTO typed VALUES ('a', '2024-01-01', ?)", [("12,50",), ("1 000",)]
        )
        lite.execute(
            'CREATE TABLE alike (customer TEXT COLLATE NOCASE, date DATE, amount REAL, "order" TEXT'
            " COLLATE NOCASE)"
        )
        lite.execute(f"INSERT INTO alike VALUES {ALIKE}")
    lite.close()
    with postgres() as host:
        with psycopg.connect(host=host, user="kpi", dbname="postgres") as server:
            server.execute("CREATE ROLE guest LOGIN PASSWORD 'pass''word'")
            rules = Path(host) / "data" / "pg_hba.conf"
            rules.write_text(f"local all guest scram-sha-256\n{rules.read_text()}")
            server.execute("SELECT pg_reload_conf()")
            server.execute("CREATE SCHEMA shop")
            _fill(server.execute, "postgres", "%s", "shop.orders")
            server.execute((DEALT + PART).format("shop.", **KINDS["postgres"]))
            server.execute("""
                CREATE TABLE shop."Odd; Name" (customer uuid, date timestamptz, amount real);
                INSERT INTO shop."Odd; Name" VALUES
                  ('00000000-0000-0000-0000-000000000007', '2024-01-31 23:30:00-05', 16777217);
                CREATE VIEW shop.ids AS
                  SELECT ('00000000-0000-0000-0000-00000000000' || n % 3)::uuid AS customer,
                  date '2024-01-01' + n AS date, 1.5 AS amount FROM generate_series(1, 7) t(n);
                CREATE VIEW shop.ever AS SELECT 'a' AS customer, date 'infinity' AS date,
                  1 AS amount FROM generate_series(1, 7);
                CREATE VIEW shop.flags AS SELECT 'a' AS customer, date '2024-01-01' AS date,
                  true AS amount FROM generate_series(1, 7);
                CREATE COLLATION shop.alike (provider = icu, locale = 'und-u-ks-level2',
                  deterministic = false);
                CREATE TABLE shop.alike (customer text COLLATE shop.alike, date date, amount money,
                  "order" text COLLATE shop.alike);
                CREATE TYPE plan AS ENUM ('b', 'a');
                CREATE VIEW shop.kinds AS
                  SELECT 'a'::plan AS customer, date '2024-01-01' + n AS date,
                  'NaN'::numeric AS amount FROM generate_series(1, 7) t(n);
                CREATE TABLE shop.parts (who text, day date, paid float8,
                  part text COLLATE "und-x-icu");
                INSERT INTO shop.parts VALUES ('A', '2024-01-01', 1, 'B'),
                  ('A', '2024-01-01', 2, 'a'), ('C', '2024-02-02', 3, NULL),
                  ('C', '2024-02-02', 3, 'z');
                CREATE VIEW shop.far AS SELECT 1e16::float8 + n AS customer,
                  date '2024-01-01' AS date, 1 AS amount FROM generate_series(1, 7) t(n);
                CREATE FUNCTION shop.count_it() RETURNS text LANGUAGE plpgsql AS $$
                  BEGIN INSERT INTO shop.orders (note) VALUES ('read'); RETURN 'a'; END $$;
                CREATE VIEW shop.counting AS
                  SELECT shop.count_it() AS customer, date '2024-01-01' AS date, 1 AS amount;
                CREATE VIEW shop.slow AS
                  SELECT pg_sleep(60)::text AS customer, date '2024-01-01' AS date, 1 AS amount;
            """)
            server.execute(f"INSERT INTO shop.alike VALUES {ALIKE}")
            server.execute("GRANT USAGE ON SCHEMA shop TO guest")
            server.execute("GRANT SELECT (customer, date, amount) ON shop.alike TO guest")
        text = CONNECTIONS.format(
            host=json.dumps(host), **{kind: json.dumps(str(path)) for kind, path in places.items()}
        )
        (folder / "kpi_xl").mkdir()
        (folder / "kpi_xl" / "connections.toml").write_text(text, encoding="utf-8")
        yield folder


def _fill(execute: Callable[..., Any], kind: str, mark: str, table: str) -> None:
    execute(f"CREATE TABLE {table} ({COLUMNS.format(**KINDS[kind])})")
    for row in ROWS:
        execute(f"INSERT INTO {table} VALUES ({', '.join([mark] * 6)})", list(row))


@pytest.fixture(autouse=True)
def of_user(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "settings_folder", lambda: settings / "kpi_xl")


def read(name: str, *options: tuple[str, str], renamed: Any = MAP) -> ReadTable:
    return read_files([request(name, *options, renamed=renamed)], ORDERS, []).tables["Orders"]


def request(name: str, *options: tuple[str, str], renamed: Any = MAP) -> Request:
    origin = connections.origin(name, of_workbook=False)
    return Request(Path(name), "Orders", options_from(options, renamed), origin)


def refusal(name: str, renamed: Any = MAP) -> str:
    with pytest.raises(SourceError) as raised:
        read(name, renamed=renamed)
    return str(raised.value)


# Rows


each_kind = pytest.mark.parametrize("name", ["house:shop.orders", "lite:orders", "duck:orders"])


@each_kind
def test_cells_are_exact_whatever_the_database(name: str) -> None:
    """Every digit of a key, decimals as written, dates, blanks, and text that is text."""
    table = read_files_apart([request(name)], ORDERS, []).tables["Orders"]
    assert table.rows == 4
    assert table.columns["customer"] == ["9007199254740995", 7.0, 7.0, 8.0]
    assert table.columns["amount"] == [10.10, 0.30, None, -2.50]
    assert table.columns["date"] == [date(2024, 1, 31), *(date(2024, 2, day) for day in (1, 2, 3))]
    assert table.columns["order"] == ["A-1", "A-2", "=1+1", f"{name} 1"]  # what went back
    assert table.columns["status"] == [None] * 4
    assert table.remarks[0] == "columns not used: paid, note"


@each_kind
def test_the_words_of_files_hold_for_tables(name: str) -> None:
    table = read(name, ("where", "paid=True"), ("set", "status=paid"))
    assert table.columns["customer"] == ["9007199254740995", 7.0, 8.0]
    assert table.columns["amount"] == [10.10, 0.30, -2.50]
    assert table.columns["status"] == ["paid"] * 3
    assert "1 order with another paid" in "; ".join(map(str, table.remarks))
    assert "columns not used: note" in "; ".join(map(str, table.remarks))


def test_parquet_takes_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        "SELECT * FROM (VALUES ('a', DATE '2024-01-01', 1.5, 'paid'), ('b', DATE '2024-01-02', 2,"
        " 'open')) t(customer, date, amount, state)"
    ).write_parquet(str(path))
    words = options_from([("where", "state=paid")])
    table = read_files([Request(path, "Orders", words)], ORDERS, []).tables["Orders"]
    assert table.columns["customer"] == ["a"]
    assert "1 order with another state (2.00)" in "; ".join(map(str, table.remarks))


def test_only_the_columns_that_are_needed_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    from ibis.backends.sqlite import Backend

    asked: list[str] = []
    run = Backend.raw_sql
    monkeypatch.setattr(
        Backend, "raw_sql", lambda self, query, **more: asked.append(query) or run(self, query)
    )
    read("lite:orders")
    read("lite:orders", ("where", "paid=True"))
    plain, chosen = [str(query) for query in asked if "Bought" in str(query)]
    assert "note" not in plain + chosen
    assert "paid" not in plain
    assert "paid" in chosen


@pytest.mark.parametrize("name", ["lite:dollars", "lite:coins", "lite:typed", "lite:orders"])
def test_a_table_is_read_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one with a column of currencies, or with a cell that is wrong, which is looked at twice:
    once as a table of ours, once beside others."""
    from ibis.backends.sqlite import Backend

    asked: list[str] = []
    run = Backend.raw_sql
    monkeypatch.setattr(
        Backend, "raw_sql", lambda self, query, **more: asked.append(query) or run(self, query)
    )
    with suppress(SourceError):
        read(name, renamed=MAP if name == "lite:orders" else {})
    assert len([query for query in asked if "LIMIT" in str(query)]) == 1


def test_a_table_whose_columns_change_between_two_looks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql("SELECT 'a' AS customer, 1 AS amount").write_parquet(str(path))
    reader = read_once(look_at_parquet)
    assert headers_of(path, None, reader) == ["customer", "amount"]
    duckdb.sql("SELECT 1 AS amount, 'a' AS customer").write_parquet(str(path))
    with pytest.raises(SourceError, match="has got other columns while it was read: read it anew"):
        cells_under("amount", path, None, reader)


def test_tables_are_made_months_as_files_are(tmp_path: Path) -> None:
    """Written months; days of 10 and 20 in January, of 30 in February."""
    path = tmp_path / "more.db"
    with sqlite3.connect(path) as lite:
        lite.executescript("""
          CREATE TABLE months (month TEXT, revenue REAL);
          INSERT INTO months VALUES ('2024-01', 1000), ('2024-02', 2000);
          CREATE TABLE days (date TEXT, revenue REAL);
          INSERT INTO days VALUES ('2024-01-05', 10), ('2024-01-06', 20), ('2024-02-06', 30);
          CREATE TABLE no_months (month TEXT, revenue REAL);
          INSERT INTO no_months VALUES ('2024-01', 1000), ('2024-13', 2000);
        """)
    lite.close()
    known = connections.Connection("more", "sqlite", {"path": str(path)})

    tables = {one.name: one.columns for one in SCHEMAS["scorecard"].inputs}

    def of(table: str) -> dict[str, list[Any]]:
        origin = connections.Origin(f"more:{table}", known, (table,))
        asked = Request(Path(origin.text), "Months", options_from([]), origin)
        return read_files([asked], tables, []).tables["Months"].columns

    assert of("months")["revenue"] == [1000, 2000]
    assert of("days")["revenue"] == [30, 30]
    assert of("days")["month"] == [date(2024, 1, 1), date(2024, 2, 1)]
    with pytest.raises(SourceError, match="row 2, column"):
        of("no_months")


def test_kinds_that_files_do_not_have() -> None:
    """UUIDs are texts, moments days of UTC; a number of four bytes may have been rounded."""
    name = 'house:shop."Odd; Name"'
    odd = read(name, renamed={})
    assert odd.columns["customer"] == ["00000000-0000-0000-0000-000000000007"]
    assert odd.columns["date"] == [date(2024, 2, 1)]
    assert "date: times with a zone were read in UTC" in odd.remarks
    for options in ((), (("set", "status=paid"),)):
        with pytest.raises(SourceError, match="too many digits"):
            read(name, *options, renamed={"amount": "order"})
    read_in_words = read(name, ("set", "status=paid"), renamed={})
    assert "date: times with a zone were read in UTC" in "; ".join(map(str, read_in_words.remarks))
    assert read_in_words.columns["date"] == odd.columns["date"]
    assert refusal("lite:picture", renamed={}) == (
        'lite:picture has values of the kind binary in the column "amount": it must hold texts,'
        " numbers or dates"
    )


def test_a_table_larger_than_a_sheet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MOST_ROWS", 1)
    assert "more than 1,048,575 rows" in refusal("lite:orders")


@each_kind
def test_more_orders_than_a_sheet_holds_are_counted_there(name: str) -> None:
    """What comes to the workbook's tables is counted by the database; the keys stay exact."""
    one = request(name, renamed={**MAP, "paid": "order"})
    assert counting.counted_apart([one], ORDERS["Orders"], ASKED) is None
    found = counting.counted([one], ORDERS["Orders"], ASKED, 3)
    assert found
    assert (found.rows, found.blank, found.orders) == (4, 1, 2.0)  # orders TRUE and FALSE
    assert found.counts.days[1:] == [[45322, 1, 10.10], [45323, 1, 0.30], [45324, 1, 0.0],
                                     [45325, 1, -2.50]]  # fmt: skip
    assert found.counts.cohorts["customers"][1:] == [["2024-01", 1, 1, 0], ["2024-02", 2, 2, ""]]
    assert found.counts.foretold
    assert found.counts.foretold.fit == [["#N/A"]]  # of three customers
    assert sorted(map(str, found.sample["customer"])) == ["7.0", "7.0", "8.0", "9007199254740995"]
    with pytest.raises(SourceError, match="are counted as one table alone"):
        counting.counted([one, one], ORDERS["Orders"], ASKED, 7)
    assert counting.counted([one, one], ORDERS["Orders"], ASKED, 8) is None


@pytest.mark.parametrize("name", ["house:shop.", "lite:", "duck:", ""])
def test_numbers_of_four_bytes_are_what_is_written(name: str, tmp_path: Path) -> None:
    """0.1 and 0.7, whether they are read or counted, and not 0.10000000149 and 0.699999988."""
    if name:
        one = request(f"{name}parts_of_one", renamed={})
    else:
        one = Request(tmp_path / "parts.parquet", "Orders")
        rows = "VALUES ('a', DATE '2024-01-31', 0.1::REAL), ('b', DATE '2024-02-01', 0.7::REAL)"
        duckdb.sql(f"SELECT * FROM ({rows}) t(customer, date, amount)").write_parquet(str(one.path))
    assert read_files([one], ORDERS, []).tables["Orders"].columns["amount"] == [0.1, 0.7]
    found = counting.counted([one], ORDERS["Orders"], ASKED, 1)
    assert found
    assert [row[2] for row in found.counts.days[1:]] == [0.1, 0.7]
    assert sorted(found.sample["amount"]) == [0.1, 0.7]


# Currencies

each_database = pytest.mark.parametrize("name", ["house:shop.", "lite:", "duck:"])


@each_database
def test_tables_in_two_currencies_are_never_added_up(name: str, tmp_path: Path) -> None:
    """10 of one and 20 of another are 30 of none; with a rate of 1.5 they are 10 and 30."""
    (tmp_path / "rates.csv").write_text("currency,rate\nEUR,1.5\n", encoding="utf-8")
    rates = rates_of(tmp_path / "rates.csv")
    for tables in (["coins"], ["dollars", "euros"]):
        some = [request(name + table, renamed={}) for table in tables]
        with pytest.raises(SourceError, match="the amounts are in EUR and USD, which cannot"):
            read_files(some, ORDERS, [])
        told = read_files(some, ORDERS, [], rates=rates, report_currency="USD")
        assert told.tables["Orders"].columns["amount"] == [10, 30]
        assert told.currency == "USD"


@each_database
def test_orders_in_two_currencies_are_not_counted_there(name: str) -> None:
    with pytest.raises(SourceError) as raised:
        counting.counted([request(name + "coins", renamed={})], ORDERS["Orders"], ASKED, 1)
    assert str(raised.value) == (
        f"{name}coins mixes currencies, and they are never added up: the column"
        ' "order currency" has different currencies: amount is 20 EUR and 10 USD. Convert the'
        " amounts into one currency, or keep the rows of one"
    )
    found = counting.counted([request(name + "euros", renamed={})], ORDERS["Orders"], ASKED, 0)
    assert found
    assert found.currency == "EUR"
    assert "amounts in EUR" in counting.note_of(found, "x").left


# Refusals


def test_customers_by_uuid_are_counted() -> None:
    found = counting.counted([request("house:shop.ids", renamed={})], ORDERS["Orders"], ASKED, 1)
    assert found
    assert sum(row[0] for row in found.counts.customers[1:]) == 3
    assert {str(key)[-1] for key in found.sample["customer"]} == {"0", "1", "2"}


@pytest.mark.parametrize("name", ["house:shop.alike", "lite:alike", "duck:alike"])
def test_texts_are_told_apart_whatever_their_collation(name: str) -> None:
    """Ann and ann are two, as they are where the rows are read; so are the orders A and a."""
    read_rows = read(name, renamed={})
    assert read_rows.columns["customer"] == ["Ann", "ann", "B"]
    found = counting.counted([request(name, renamed={})], ORDERS["Orders"], ASKED, 2)
    assert found
    assert (found.rows, found.orders) == (3, 3.0)
    assert sum(row[0] for row in found.counts.customers[1:]) == 3
    assert found.counts.cohorts["customers"][1:] == [["2024-01", 1, 1, 0], ["2024-02", 2, 2, ""]]
    assert sorted(found.sample["customer"]) == ["Ann", "B", "ann"]


def test_rights_to_the_columns_needed_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_TEST_PASSWORD", "pass'word")
    one = request("guarded:shop.alike", renamed={})
    columns = [column for column in ORDERS["Orders"] if column.name != "order"]
    assert counting.counted([one], columns, ASKED, 3) is None
    table = read_files([one], {"Orders": columns}, []).tables["Orders"]
    assert table.columns["customer"] == ["Ann", "ann", "B"]
    found = counting.counted([one], columns, ASKED, 2)
    assert found
    assert found.rows == 3


def test_the_least_segment_hangs_on_no_collation() -> None:
    """B comes before a, and any text before none, as everywhere else."""
    origin = connections.origin("house:shop.parts", of_workbook=False)
    assert origin
    with databases.opened(origin) as table:
        found = frames.ltv_curve(table, "who", "day", "paid", "M", "part", by="segment")
    assert found.iloc[:, :2].to_numpy().tolist() == [["B", 1.0], ["z", 1.0]]


def test_enums_and_what_is_no_number_of_postgresql_are_counted() -> None:
    found = counting.counted([request("house:shop.kinds", renamed={})], ORDERS["Orders"], ASKED, 1)
    assert found
    assert found.sample["customer"] == ["a"] * 7
    assert found.sample["amount"] == [None] * 7
    assert [row[2] for row in found.counts.days[1:]] == [0.0] * 7


def test_no_day_of_a_file_or_a_table_stands_for_infinity(tmp_path: Path) -> None:
    """The driver of DuckDB has 31 December 9999 for it."""
    sentence = '"infinity" is not a date'
    assert sentence in refusal("duck:ever", renamed={})
    for kind in ("DATE", "TIMESTAMP"):
        path = tmp_path / f"{kind}.parquet"
        rows = duckdb.sql(f"SELECT 'a' AS customer, {kind} 'infinity' AS date, 1 AS amount")
        rows.write_parquet(str(path))
        with pytest.raises(SourceError, match=sentence):
            read_files([Request(path, "Orders", options_from([]))], ORDERS, [])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("house:shop.ever", "date holds > 9999-12-31, a day that Excel does not have"),
        ("lite:typed", "amount is of type int64, and 2 of its cells are not"),
        ("duck:ever", "date holds > 9999-12-31, a day that Excel does not have"),
        ("house:shop.flags", 'amount: "TRUE" is not a number'),
        ("house:shop.far", "customer: 1e+16 is a number of too many digits"),
    ],
)
def test_what_cannot_be_counted_there_is_told(name: str, sentence: str) -> None:
    with pytest.raises(SourceError) as raised:
        counting.counted([request(name, renamed={})], ORDERS["Orders"], ASKED, 1)
    assert str(raised.value).startswith(f"{name}: {sentence}")


def test_a_short_time_out_is_one(settings: Path) -> None:
    known = connections.connections()["hasty"]
    for seconds, shown in ((0.0001, "1ms"), (1.5, "1500ms")):
        with databases.session(replace(known, timeout=seconds), "hasty:x") as backend:
            ((limit,),) = backend.raw_sql("SHOW statement_timeout").fetchall()
            assert limit == shown


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hous:shop.orders", "there is no connection hous in"),
        ("house:shop.order", "the database has no table or view of this name"),
        ("house:shop.Orders", "the database has no table or view of this name"),
        ("duck:other.orders", "the database has no table or view of this name"),
        ("house:SELECT 1", "write the name of a table or a view after the colon"),
        ("lite:orders; DROP TABLE orders", "write the name of a table or a view"),
        ("house:a.b.c", "write the name of a table or a view"),
        ("house:shop.counting", "reading it would change the database"),
        ("hasty:shop.slow", "the database took more than 1.5 seconds"),
        ("hastylite:slow", "the database took more than 0.2 seconds"),
        ("hastyduck:slow", "the database took more than 0.3 seconds"),
        ("away:orders", "the database cannot be opened: connection failed"),
        ("gone:orders", "the database cannot be opened: unable to open database file"),
        ("guarded:shop.orders", "the environment variable KPI_TEST_PASSWORD, which"),
        ("ringed:shop.orders", "the keyring has no password; it takes one by: keyring set"),
    ],
)
def test_each_refusal_has_its_sentence(
    name: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "get_keyring", Ring)
    names = {"date": "date", "amount": "amount"} if "slow" in name else {}
    told = refusal(name, renamed={**MAP, **names} if "orders" in name else names)
    assert told.startswith(f"{name}: ")
    assert sentence in told


class Ring(KeyringBackend):
    """A keyring of one password at most."""

    priority = 1.0
    password: str | None = None

    def get_password(self, service: str, username: str) -> str | None:
        assert (service, username) == ("kpi-test", "guest")
        return self.password

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


def test_passwords_come_from_the_environment_or_the_keyring_and_are_never_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keyring, "get_keyring", Ring)
    for name in ("guarded:shop.orders", "ringed:shop.orders"):
        for password, sentence in (("pass'word", "permission denied"), ("wrong", "authentication")):
            monkeypatch.setenv("KPI_TEST_PASSWORD", password)
            monkeypatch.setattr(Ring, "password", password)
            told = refusal(name)
            assert sentence in told
            assert password not in told
    assert databases._reason(ValueError("it's wrong"), "wrong") == "it's ***"
    cut = databases._reason(ValueError("x" * 190 + "my long secret"), "my long secret")
    assert cut == "x" * 190 + "***"
    monkeypatch.setenv("XLWINGS_ON_SERVER", "true")
    assert refusal("guarded:shop.orders").endswith("cannot be opened: OperationalError")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ibis", None)
    assert refusal("lite:orders") == (
        "lite:orders: the package ibis is missing here: pip install 'kpi-xl[sql]'"
    )


@pytest.mark.parametrize("kind", ["postgres", "sqlite", "duckdb"])
def test_a_session_can_write_nothing(kind: str) -> None:
    name = {"postgres": "house:shop.orders", "sqlite": "lite:orders", "duckdb": "duck:orders"}[kind]
    origin = connections.origin(name, of_workbook=True)
    assert origin
    told = "reading it would change"
    with pytest.raises(SourceError, match=told), databases.opened(origin) as table:
        table.get_backend().raw_sql("CREATE TABLE mine (x INTEGER)")


# connections.toml


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[", "cannot be read"),
        ("x = 1", "x stands in no connection"),
        ('[C]\nkind = "sqlite"', "[C] is no name"),
        ("[db]", "[db] needs its kind: postgres, sqlite, duckdb"),
        ('[db]\nkind = "oracle"', "[db] needs its kind"),
        ('[db]\nkind = "sqlite"', "[db] needs its path"),
        ('[db]\nkind = "sqlite"\npath = "x.db"', "[db] path must be a whole path"),
        ('[db]\nkind = "sqlite"\npath = "/x"\ntabels = []', "does not know tabels; did you mean"),
        ('[db]\nkind = "sqlite"\npath = "/x"\ntables = "a"', "[db] tables is a list of names"),
        ('[db]\nkind = "sqlite"\npath = "/x"\ntables = ["a b"]', '"a b" is no table\'s name'),
        ('[db]\nkind = "sqlite"\npath = "/x"\ntimeout = 0', "timeout is a number of seconds"),
        ('[db]\nkind = "sqlite"\npath = "/x"\nhost = 5', "[db] does not know host"),
        ('[db]\nkind = "duckdb"\npath = "/x"\npassword = { env = "X" }', "has no password"),
        ('[db]\nkind = "postgres"\nhost = "h"', "[db] needs its database"),
        ('[db]\nkind = "postgres"\nhost = "h"\ndatabase = "d"\nport = "1"', "port is a number"),
        ('[db]\nkind = "postgres"\nhost = "h"\ndatabase = "d"\npassword = "secret"',
         "[db] password is not written here, but where it is kept"),
        ('[db]\nkind = "postgres"\nhost = "h"\ndatabase = "d"\npassword = { keyring = "k" }',
         "[db] needs its user"),
        ('[db]\nkind = "postgres"\nhost = "me:secret@h"\ndatabase = "d"',
         "[db] host is a name alone, no address, and has no password in it"),
        ('[db]\nkind = "postgres"\nhost = "h"\ndatabase = "postgres://me:secret@h/d"',
         "[db] database is a name alone"),
        ('[db]\nkind = "postgres"\nhost = "h"\ndatabase = "d"\nsslmode = "x password=secret"',
         "[db] sslmode is a name alone"),
        ('[db]\nkind = "postgres"\nhost = "h"\ndatabase = "d"\ntables = ["x://me:secret@h"]',
         '[db] tables: "…" is no table'),
        ('[db]\nkind = "postgres"\nhost = "h"\ndatabase = "d\\u0000"', "[db] database has letters"),
        ('[db]\nkind = "postgres"\nhost = "h"\ndatabase = "d"\npassword = { env = "my secret" }',
         "[db] password is not written here, but where it is kept"),
    ],
)  # fmt: skip
def test_each_fault_of_the_file_has_its_sentence(
    text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "settings_folder", lambda: tmp_path)
    (tmp_path / "connections.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as raised:
        connections.connections()
    assert str(raised.value).startswith(f"{tmp_path / 'connections.toml'}")
    assert sentence in str(raised.value)
    assert "secret" not in str(raised.value)


def test_what_is_a_table_and_what_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("orders.csv", "C:orders.csv", r"C:\orders.csv", "https://example.com/orders.csv"):
        assert connections.origin(text, of_workbook=True) is None
    found = connections.origin('duck:"a ""b"".c".main.Größe', of_workbook=False)
    assert found
    assert found.table == ('a "b".c', "main", "Größe")
    monkeypatch.chdir(tmp_path)
    assert meant_table("lite:orders")
    (tmp_path / "lite:orders").touch()
    assert meant_table("lite:orders") is None


def test_the_doctor_opens_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", Ring)
    found = {str(one.what).split()[2].rstrip(":"): one for one in doctor.of_connections()}
    assert found["lite"].good is True
    assert "lite (sqlite) opens; tables for workbooks: orders" in str(found["lite"].what)
    assert {name for name, one in found.items() if not one.good} == {
        "guarded", "ringed", "away", "gone",
    }  # fmt: skip
    assert "KPI_TEST_PASSWORD" in str(found["guarded"].what)


# Workbooks


def book(settings: Path, *rows: tuple[str, str], language: str = "en") -> OpenWorkbook:
    """A workbook of retention whose sheet Sources names tables of databases."""
    headers = tuple(column.name for column in INPUTS[0].columns)
    named = [["Orders", *row, None, None, None] for row in rows]
    listing = Table("Sources", Place("Sources", 8, 1), layout.SOURCE_COLUMNS, named, [])
    orders = Table("Orders", Place("Orders", 4, 1), headers, [[None] * len(headers)] * 2, [])
    return OpenWorkbook(language, settings, {"Sources": listing, "Orders": orders}, {})


WORDS = "Kunde Nr=customer; Bought=date; total=amount"


@each_kind
def test_a_workbook_loads_a_table_that_its_connection_lists(name: str, settings: Path) -> None:
    change = loaded(book(settings, (name, f"{WORDS}; --where paid=True")), INPUTS, datetime.now())
    assert change.message == "Loaded: Orders: 3 rows."
    (rows,) = (block.rows for block in change.blocks if block.place.sheet == "Orders")
    assert rows[0] == ["9007199254740995", 45322.0, 10.10, "A-1", None]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workbook_reads_no_other_table(settings: Path, language: str) -> None:
    change = loaded(book(settings, ("lite:slow", ""), language=language), INPUTS, datetime.now())
    assert not change.resized
    assert not [block for block in change.blocks if block.place.sheet == "Orders"]
    assert str(connections.connections_file()) in change.message
    if language == "en":
        assert "lite:slow: the connection lite lists no such table for workbooks" in change.message
    else:
        assert "for workbooks" not in change.message


def test_the_sheet_sources_names_the_table_as_it_was_given(settings: Path) -> None:
    asked = request("lite:orders", ("where", "paid=True"))
    notes = read_files([asked], ORDERS, []).notes
    (row,) = noted(notes, [asked], settings, "en")
    assert row.file == "lite:orders"
    assert row.columns == f"{WORDS}; --where paid=True"


@pytest.mark.parametrize("name", ["a;b", 'a; "b"', "a\nb", '"a"', "a = b"])
def test_the_sheet_sources_tells_names_with_its_own_marks(name: str) -> None:
    """A column of a database may have any name; what the user types by hand holds as ever."""
    words = options_from([("where", "c=x;y")], {name: "customer", "d": "date"}).words()
    assert parts_of(words) == [f"{name}=customer", "d=date", "--where c=x;y"]
    assert parts_of('"x"=a; b=c\n--where "s=t"; ') == ['"x"=a', "b=c", '--where "s=t"']
