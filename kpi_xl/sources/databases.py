"""Tables and views of databases, read by Ibis in sessions that can only read.

Ibis names and quotes the columns, and knows their kinds; the cells come as the drivers have them,
because a frame of pandas would make floats of whole numbers beside a NULL. Each kind of database is
opened for reading by its own means, with a time-out.
"""

import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import Any, cast
from uuid import UUID

from kpi_xl.bounded import short
from kpi_xl.files import expanded
from kpi_xl.locales import Message
from kpi_xl.sources.connections import Connection, Origin
from kpi_xl.sources.records import (
    MOST_ROWS,
    TOO_MANY,
    Look,
    Progress,
    SourceError,
    Unreadable,
)
from kpi_xl.units import LARGEST_ID_32

BYTES = 32 << 20  # what a table counts as, where a budget grows with the size of files
CELLS = (str, float, int, Decimal, date, type(None))
STEPS = 10_000  # of SQLite's machine between two looks at the clock
TO_CONNECT = 10.0  # seconds

TIMED_OUT = ("QueryCanceled", "InterruptException", "interrupted")
READ_ONLY = ("ReadOnlySqlTransaction", "readonly database", "read-only")


def look_at_database(
    origin: Origin,
    path: Path,
    choose: Callable[[Sequence[str]], Collection[int]],
    progress: Progress,
) -> Look:
    """The columns that `choose` finds in a table or view. Raises SourceError, Unreadable."""
    with opened(origin) as rows:
        look = Look([name.strip() for name in rows.columns])
        columns = list(choose(look.headers))
        kinds = list(rows.schema().values())
        fetched = _cells(rows, columns, progress)
        for place, cells in zip(columns, fetched, strict=True):
            kind = kinds[place]
            if kind.is_timestamp() and kind.timezone:
                look.zoned.add(place)
            if kind.is_float32():
                look.told_apart[place] = LARGEST_ID_32
            look.cells[place] = _plain(cells, kind, look.headers[place])
        progress(1.0)
        return look


def _cells(rows: Any, columns: Sequence[int], progress: Progress) -> list[list[Any]]:
    """The cells of these columns, each as its driver has it; moments with a zone in UTC."""
    backend = rows.get_backend()
    chosen = []
    for name in (rows.columns[place] for place in columns):
        column, kind = rows[name], rows[name].type()
        if kind.is_timestamp() and kind.timezone:
            column = column.cast("timestamp")
        # Whose driver has 9999-12-31 for infinity, and 0.10000000149 for 0.1 of four bytes.
        if backend.name == "duckdb" and (
            kind.is_timestamp() or kind.is_date() or kind.is_float32()
        ):
            column = column.cast("string")
        chosen.append(column.name(name))
    most = 2 * MOST_ROWS  # rows that are blank in all columns are left out later
    cursor = backend.raw_sql(backend.compile(rows.select(*chosen).limit(most + 1)))
    cells: list[list[Any]] = [[] for _ in columns]
    height = 0
    try:
        while piece := cursor.fetchmany(50_000):
            height += len(piece)
            if height > most:
                raise Unreadable(TOO_MANY)
            for column, more in zip(cells, zip(*piece, strict=True), strict=True):
                column += more
            progress(height / (height + 50_000))
    finally:
        if cursor is not backend.con:  # which DuckDB's is
            with suppress(*_errors()):  # it has gone with what failed
                cursor.close()
    return cells


def _plain(cells: list[Any], kind: Any, header: str) -> list[Any]:
    """The cells as files have them. Raises Unreadable for a kind that is none of a cell."""
    kinds = set(map(type, cells))
    if kind.is_boolean() and int in kinds:  # SQLite has no others
        return [bool(cell) if cell in (0, 1) else cell for cell in cells]
    if kind.is_float32() and str in kinds:
        return [cell if cell is None else float(cell) for cell in cells]
    if UUID in kinds:
        return [cell if cell is None else str(cell) for cell in cells]
    strange = [one for one in kinds if not issubclass(one, CELLS)]
    if strange:
        raise Unreadable(
            Message(
                'has values of the kind {kind} in the column "{column}": it must hold texts,'
                " numbers or dates",
                kind=kind,
                column=header,
            )
        )
    return cells


def with_text_keys(table: Any) -> Any:
    """A table of Ibis whose UUIDs are texts, as they are where its rows are read."""
    kinds = table.schema().items()
    return table.mutate(**{name: table[name].cast("string") for name, kind in kinds
                           if kind.is_uuid()})  # fmt: skip


# Sessions


@contextmanager
def opened(origin: Origin) -> Iterator[Any]:
    """The table or view of an origin, as Ibis has it, in a session that can only read.

    Raises SourceError with a sentence for whatever the database, or the lack of one, refuses.
    """
    *schema, name = origin.table
    with session(origin.connection, origin.text) as backend:
        from ibis.common.exceptions import TableNotFound

        database = {0: None, 1: schema and schema[0]}.get(len(schema), tuple(schema))
        try:
            table = backend.table(name, database=database)  # which quotes the names
        except TableNotFound:
            text = (
                "{table}: the database has no table or view of this name, in which upper and lower"
                " case may count, or it does not show it to this user"
            )
            raise SourceError(Message(text, table=origin.text)) from None
        yield table


@contextmanager
def session(connection: Connection, table: str) -> Iterator[Any]:
    """A session of Ibis that can only read; `table` is what its refusals tell of.

    Raises SourceError.
    """
    secret = _secret(connection, table)
    try:
        import_module("ibis")
        backend = OPENED[connection.kind](connection, secret)
    except ImportError as error:
        raise _lacking(table, error.name or short(error)) from None
    except _errors() as error:
        text = "{table}: the database cannot be opened: {reason}"
        raise SourceError(Message(text, table=table, reason=_reason(error, secret))) from None
    watch = Timer(connection.timeout, lambda: backend.con.interrupt())
    watch.daemon = True
    try:
        if connection.kind == "duckdb":  # the others watch their clocks themselves
            watch.start()
        yield backend
    except _errors() as error:
        raise _failed(connection, table, error, secret) from None
    finally:
        watch.cancel()
        backend.con.close()


def _of_postgres(connection: Connection, secret: str) -> Any:
    import ibis

    backend = ibis.postgres.connect(
        **connection.fields,
        password=secret or None,
        autocommit=False,
        connect_timeout=round(min(TO_CONNECT, max(2.0, connection.timeout))),
        application_name="kpi-xl",
    )
    backend.con.read_only = True  # each of its transactions, also behind a pool of connections
    # Of 0 it would be none at all.
    backend.raw_sql(f"SET LOCAL statement_timeout = {max(1, round(1000 * connection.timeout))}")
    return backend


def _of_sqlite(connection: Connection, _: str) -> Any:
    import sqlite3  # which a browser's Python lacks

    import ibis

    path = expanded(connection.fields["path"])
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    end = time.monotonic() + connection.timeout
    database.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    return ibis.sqlite.from_connection(database)


def _of_duckdb(connection: Connection, _: str) -> Any:
    import ibis

    # It would fetch what a view needs beyond its own means from the web.
    return ibis.duckdb.connect(
        expanded(connection.fields["path"]),
        read_only=True,
        autoinstall_known_extensions=False,
    )


OPENED = {"postgres": _of_postgres, "sqlite": _of_sqlite, "duckdb": _of_duckdb}


def _secret(connection: Connection, table: str) -> str:
    """The password of a connection; nothing where it says none. Raises SourceError."""
    store, key = connection.password
    if store == "keyring":
        return _of_keyring(key, connection.fields["user"], table)
    secret = os.environ.get(key, "") if store else ""
    if store and not secret:
        text = "{table}: the environment variable {name}, which is to have the password, is not set"
        raise SourceError(Message(text, table=table, name=key))
    return secret


def _of_keyring(service: str, user: str, table: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise _lacking(table, "keyring") from None
    try:
        secret: str | None = keyring.get_password(service, user)
    except KeyringError:
        secret = None
    if not secret:
        text = "{table}: the keyring has no password; it takes one by: keyring set {name} {user}"
        raise SourceError(Message(text, table=table, name=service, user=user))
    return secret


# Refusals


def _errors() -> tuple[type[Exception], ...]:
    """What the libraries raise that are loaded."""
    named = {"psycopg": "Error", "sqlite3": "Error", "duckdb": "Error",
             "ibis.common.exceptions": "IbisError"}  # fmt: skip
    return tuple(
        getattr(sys.modules[name], error) for name, error in named.items() if name in sys.modules
    )


def _failed(connection: Connection, table: str, error: Exception, secret: str) -> SourceError:
    """The sentence on what failed while a table was read."""
    if type(error).__name__ == "InvalidCursorName" and error.__context__:
        # Ibis closes a cursor that went with what failed before.
        error = cast("Exception", error.__context__)
    known = f"{type(error).__name__}: {error}"
    if any(word in known for word in TIMED_OUT):
        seconds = f"{connection.timeout:g}"
        text = (
            "{table}: the database took more than {seconds} seconds: make a view of fewer rows, or"
            " give its connection another timeout"
        )
        return SourceError(Message(text, table=table, seconds=seconds))
    if any(word in known for word in READ_ONLY):
        text = "{table}: reading it would change the database, which is opened for reading only"
        return SourceError(Message(text, table=table))
    text = "{table}: the database refuses it: {reason}"
    return SourceError(Message(text, table=table, reason=_reason(error, secret)))


def _lacking(table: str, package: str) -> SourceError:
    text = "{table}: the package {package} is missing here: pip install 'kpi-xl[sql]'"
    return SourceError(Message(text, table=table, package=package))


def _reason(error: Exception, secret: str) -> str:
    """What a library says, without the password; on a server nothing of where the database is."""
    if os.environ.get("XLWINGS_ON_SERVER"):
        return type(error).__name__
    return short(error, secret)
