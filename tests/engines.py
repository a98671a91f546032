"""The engines that count frames where their rows are, each with the same table in it."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import duckdb
import pandas as pd
import polars as pl
import pytest
from hosts import missing, program

KINDS = {
    "who": "text", "day": "moment", "paid": "float", "part": "text", "begun": "date",
    "ended": "date", "channel": "text", "bought": "flag", "number": "whole", "exact": "decimal",
    "instant": "instant",
}  # fmt: skip
SQL = {
    "text": "VARCHAR", "moment": "TIMESTAMP", "float": "DOUBLE PRECISION", "date": "DATE",
    "flag": "BOOLEAN", "whole": "BIGINT", "decimal": "NUMERIC(12,2)", "instant": "TIMESTAMPTZ",
}  # fmt: skip
POLARS = {
    "text": pl.String(), "moment": pl.Datetime("us"), "float": pl.Float64(), "date": pl.Date(),
    "flag": pl.Boolean(), "whole": pl.Int64(), "decimal": pl.Decimal(12, 2),
    "instant": pl.Datetime("us", "UTC"),
}  # fmt: skip
SPARK = {
    "text": "string", "moment": "timestamp_ntz", "float": "double", "date": "date",
    "flag": "boolean", "whole": "bigint", "decimal": "decimal(12,2)", "instant": "timestamp",
}  # fmt: skip
Columns = dict[str, list[Any]]


@contextmanager
def table(engine: str, columns: Columns) -> Iterator[Any]:
    """The columns, of KINDS, as a table of the engine."""
    with ExitStack() as stack:
        yield ENGINES[engine](columns, stack)


def of_polars(columns: Columns, _: ExitStack | None = None) -> pl.DataFrame:
    schema = {name: POLARS[kind] for name, kind in KINDS.items()}
    return pl.DataFrame(columns, schema=schema)


def of_pandas(columns: Columns, _: ExitStack | None = None) -> pd.DataFrame:
    made = {"text": "str", "flag": "boolean", "whole": "Int64", "float": float}
    frame = pd.DataFrame(columns)
    for name, kind in KINDS.items():
        if kind in made:
            frame[name] = frame[name].astype(made[kind])
        elif kind == "decimal":
            frame[name] = pd.to_numeric(frame[name].map(lambda x: None if x is None else float(x)))
        else:
            frame[name] = pd.to_datetime(frame[name], utc=kind == "instant")
    return frame


def of_arrow(columns: Columns, _: ExitStack) -> Any:
    pytest.importorskip("pyarrow", reason="the table is one of this package")
    return of_polars(columns).to_arrow()


def of_arrow_in_pandas(columns: Columns, stack: ExitStack) -> Any:
    return of_arrow(columns, stack).to_pandas(types_mapper=pd.ArrowDtype)


def of_dask(columns: Columns, _: ExitStack) -> Any:
    dask = imported("dask.dataframe", "pip install 'dask[dataframe]'")
    return dask.from_pandas(of_pandas(columns), npartitions=2)


def of_duckdb(columns: Columns, _: ExitStack) -> Any:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/Los_Angeles'")
    _load(connection, columns, "?")
    return connection.table("rows")


def of_ibis_duckdb(columns: Columns, _: ExitStack) -> Any:
    connection = _ibis().duckdb.connect()
    connection.con.execute("SET TimeZone = 'Asia/Tokyo'")
    _load(connection.con, columns, "?")
    return connection.table("rows")


def of_sqlite(columns: Columns, stack: ExitStack) -> Any:
    """It has no moments with a zone, dates as texts, and no NaN."""
    ibis = _ibis()
    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "rows.sqlite"
    with sqlite3.connect(path) as connection:
        plain = {
            name: [
                str(cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell)
                if isinstance(cell, date)
                else float(cell) if isinstance(cell, Decimal) else cell
                for cell in cells
            ]
            for name, cells in columns.items()
        }  # fmt: skip
        _load(connection, plain, "?", {**SQL, "instant": "TIMESTAMP"})
    connection.close()
    opened = ibis.sqlite.connect(path)
    stack.callback(opened.disconnect)
    return opened.table("rows")


def of_postgres(columns: Columns, stack: ExitStack) -> Any:
    ibis = _ibis()
    psycopg = imported("psycopg", "pip install 'psycopg[binary]'")
    where = {"host": stack.enter_context(postgres()), "user": "kpi"}
    with psycopg.connect(**where, dbname="postgres") as connection:
        _load(connection.cursor(), columns, "%s")
    opened = ibis.postgres.connect(**where, database="postgres")
    stack.callback(opened.disconnect)
    with opened.con.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Asia/Tokyo'")
    opened.con.commit()
    return opened.table("rows")


@contextmanager
def postgres() -> Iterator[str]:
    """A server of PostgreSQL of its own, at a socket in the folder given."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name)
    )
    started = str(found[-1] / "pg_ctl") if found else program("pg_ctl", "PostgreSQL counts tables")
    folder = Path(tempfile.mkdtemp(prefix="kpi"))
    folder.chmod(0o777)
    user = {"user": "postgres"} if os.name == "posix" and os.geteuid() == 0 else {}

    def run(*words: str) -> None:
        subprocess.run(
            [started, "-D", folder / "data", *words],
            cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120, **cast(Any, user),
        )  # fmt: skip

    try:
        run("initdb", "-o", "-A trust -U kpi --no-sync -E UTF8 --locale=C.UTF-8")
        run("-w", "-l", str(folder / "log"), "-o", f"-k {folder} -h '' -F", "start")
        try:
            yield str(folder)
        finally:
            run("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def of_spark(columns: Columns, stack: ExitStack) -> Any:
    session = stack.enter_context(spark("America/Los_Angeles"))
    # A moment without a zone would be one of the machine's.
    rows = zip(*columns.values(), strict=True)
    return session.createDataFrame(
        list(rows), ", ".join(f"{name} {SPARK[kind]}" for name, kind in KINDS.items())
    )


@contextmanager
def spark(zone: str) -> Iterator[Any]:
    """A session of Spark on this machine, as small as it can be."""
    program("java", "Spark runs on it (17 or later)")
    sql = imported("pyspark.sql", "pip install pyspark")
    settings = {
        "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1", "spark.default.parallelism": "1",
        "spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.session.timeZone": zone, "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
    }  # fmt: skip
    builder = sql.SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the version of pandas, which it does not need here
        session = builder.getOrCreate()
        try:
            session.sparkContext.setLogLevel("ERROR")
            yield session
        finally:
            session.stop()


def _load(connection: Any, columns: Columns, mark: str, types: dict[str, str] = SQL) -> None:
    kinds = ", ".join(f"{name} {types[kind]}" for name, kind in KINDS.items())
    connection.execute(f"CREATE TABLE rows ({kinds})")
    marks = ", ".join([mark] * len(columns))
    connection.executemany(
        f"INSERT INTO rows VALUES ({marks})", list(zip(*columns.values(), strict=True))
    )


def _ibis() -> Any:
    return imported("ibis", "pip install 'ibis-framework[duckdb,sqlite,postgres]'")


def imported(name: str, how: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        return missing(how)


ENGINES: dict[str, Callable[[Columns, ExitStack], Any]] = {
    "pandas": of_pandas,
    "pandas, Arrow's types": of_arrow_in_pandas,
    "Polars": of_polars,
    "Polars, lazy": lambda columns, _: of_polars(columns).lazy(),
    "PyArrow": of_arrow,
    "Dask": of_dask,
    "DuckDB": of_duckdb,
    "Ibis, DuckDB": of_ibis_duckdb,
    "Ibis, SQLite": of_sqlite,
    "Ibis, PostgreSQL": of_postgres,
    "PySpark": of_spark,
}
