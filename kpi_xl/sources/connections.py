"""The databases that the user's connections.toml names, and what "warehouse:public.orders" means.

Workbooks come by mail, so a workbook names a connection and a table, and no more: where the
database is, who asks, and which tables workbooks may read, stands in the user's settings. Passwords
stand in neither, but in an environment variable or the system's keyring.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_xl.files import expanded, read_text, settings_folder, toml_of
from kpi_xl.locales import Message, Names
from kpi_xl.reference import did_you_mean
from kpi_xl.sources.records import SourceError, listed

FIELDS: Mapping[str, Mapping[str, type]] = {
    "postgres": {
        "host": str, "port": int, "database": str, "user": str, "sslmode": str, "sslrootcert": str,
    },
    "sqlite": {"path": str},
    "duckdb": {"path": str},
}  # fmt: skip
"""What is said of a connection of each kind."""

NEEDED = {"postgres": ("host", "database"), "sqlite": ("path",), "duckdb": ("path",)}
PLAIN = ("host", "database", "user", "sslmode")
ADDRESS = re.compile(r"://|.:.*@|\bpassword\s*=")
COMMON = ("kind", "tables", "timeout", "password")
SECONDS = 60.0  # that a database may take, where nothing else is said
STORES = ("env", "keyring")

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]+")  # of one letter it is a drive
NAMED = re.compile(rf"({NAME.pattern}):(?!//)(.*)", re.DOTALL)
PART = r'[^\W\d][\w$]*|"(?:[^"]|"")+"'
TABLE = re.compile(rf"(?:{PART})(?:\.(?:{PART}))*")


@dataclass(frozen=True)
class Connection:
    """A database: how it is reached, and which tables workbooks may read.

    `password` says where it is kept: ("env", a variable) or ("keyring", a service).
    """

    name: str
    kind: str
    fields: Mapping[str, Any]
    tables: tuple[tuple[str, ...], ...] = ()
    timeout: float = SECONDS
    password: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Origin:
    """A table or view of a connection, by the parts of its name, as `text` says it."""

    text: str
    connection: Connection
    table: tuple[str, ...] = field(default=())


def connections_file() -> Path:
    """The file that names the connections."""
    return settings_folder() / "connections.toml"


def told_file() -> str:
    """What is said of that file: on a server its users are told nothing of where it is."""
    return "connections.toml" if os.environ.get("XLWINGS_ON_SERVER") else str(connections_file())


def origin(text: str, *, of_workbook: bool) -> Origin | None:
    """The table that a text such as warehouse:public.orders means; None if it is none of the kind.

    One that a workbook names has to be listed by its connection. Raises SourceError.
    """
    found = NAMED.fullmatch(text.strip())
    if not found:
        return None
    name, table = found[1], found[2].strip()
    told = {"table": text, "name": name, "file": told_file()}
    known = connections()
    if name not in known:
        message = Message("{table}: there is no connection {name} in {file}", **told)
        names = Message("{message}; there are: {names}", message=message, names=listed(known))
        raise SourceError(names if known else message)
    parts = table_parts(table)
    if not parts or len(parts) > (3 if known[name].kind == "duckdb" else 2):
        message = Message(
            "{table}: write the name of a table or a view after the colon, such as public.orders,"
            " an unusual one in quotation marks; queries are not read",
            **told,
        )
        raise SourceError(message)
    if of_workbook and parts not in known[name].tables:
        message = Message(
            "{table}: the connection {name} lists no such table for workbooks; if they may read it,"
            " add it to its tables = [...] in {file}",
            **told,
        )
        raise SourceError(message)
    return Origin(text.strip(), known[name], parts)


def table_parts(text: str) -> tuple[str, ...]:
    """The parts of a table's name, without quotation marks; none if it is no name."""
    if not TABLE.fullmatch(text):
        return ()
    return tuple(
        part[1:-1].replace('""', '"') if part.startswith('"') else part
        for part in re.findall(PART, text)
    )


def connections() -> dict[str, Connection]:
    """The connections by their names. Raises SourceError with a sentence for each fault."""
    file = connections_file()
    try:
        content = toml_of(read_text(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SourceError(
            Message("{path} cannot be read: {reason}", path=told_file(), reason=error)
        ) from None
    faults: list[Message] = []
    known = {}
    for name, said in content.items():
        if not isinstance(said, dict):
            text = '{name} stands in no connection: write [warehouse], kind = "postgres"'
            faults.append(Message(text, name=name))
            continue
        wrong = _faults(name, said)
        faults += [Message("[{name}] {fault}", name=name, fault=fault) for fault in wrong]
        if not wrong:
            known[name] = _connection(name, said)
    if faults:
        raise SourceError(
            *(Message("{file}: {fault}", file=told_file(), fault=one) for one in faults)
        )
    return known


def _connection(name: str, said: Mapping[str, Any]) -> Connection:
    """The record of what is said, which has no faults."""
    ((store, key),) = said.get("password", {"": ""}).items()
    return Connection(
        name,
        said["kind"],
        {key: value for key, value in said.items() if key not in COMMON},
        tuple(map(table_parts, said.get("tables", ()))),
        float(said.get("timeout", SECONDS)),
        (store, key),
    )


def _faults(name: str, said: Mapping[str, Any]) -> list[Message]:
    """What is wrong with what is said of a connection."""
    if not NAME.fullmatch(name):
        text = "is no name: two letters or more of a-z, digits, _ and -, so that it is no drive"
        return [Message(text)]
    kind = str(said.get("kind", ""))
    if kind not in FIELDS:
        return [Message("needs its kind: {names}", names=Names(tuple(FIELDS), ", "))]
    known = FIELDS[kind]
    faults = [
        Message("does not know {key}{near}", key=key, near=did_you_mean(key, (*known, *COMMON)))
        for key in said
        if key not in known and key not in COMMON
    ]
    faults += [Message("needs its {key}", key=key) for key in NEEDED[kind] if key not in said]
    for key, value in said.items():
        if key in known and (type(value) is not known[key] or not value):
            text = "{key} is a number" if known[key] is int else "{key} is a text"
            faults.append(Message(text, key=key))
        elif (
            key in PLAIN and isinstance(value, str) and ADDRESS.search(value)
        ):  # it may have a password, and is not repeated
            text = "{key} is a name alone, no address, and has no password in it"
            faults.append(Message(text, key=key))
        elif isinstance(value, str) and not value.isprintable():
            faults.append(Message("{key} has letters that cannot be shown", key=key))
    path = said.get("path")
    if isinstance(path, str) and not expanded(path).is_absolute():
        faults.append(Message("path must be a whole path"))
    timeout = said.get("timeout", SECONDS)
    if type(timeout) not in (int, float) or not 0 < timeout <= 86_400:
        faults.append(Message("timeout is a number of seconds, up to 86400"))
    tables = said.get("tables", [])
    if not isinstance(tables, list) or not all(isinstance(one, str) for one in tables):
        faults.append(Message('tables is a list of names, such as tables = ["public.orders"]'))
    else:
        wrong = [one for one in tables if not table_parts(one)]
        told = ("…" if ADDRESS.search(one) else one for one in wrong)
        faults += [Message('tables: "{name}" is no table\'s name', name=one) for one in told]
    return faults + _faults_of_password(kind, said)


def _faults_of_password(kind: str, said: Mapping[str, Any]) -> list[Message]:
    given = said.get("password")
    if given is None:
        return []
    if kind != "postgres":
        return [Message("has no password: it is a file")]
    if (
        not isinstance(given, dict)
        or len(given) != 1
        or not set(given) <= set(STORES)
        or not all(isinstance(one, str) and one for one in given.values())
        or not given.get("env", "_").isidentifier()
    ):
        text = (
            'password is not written here, but where it is kept: password = { env = "VARIABLE" }'
            ' or password = { keyring = "service" }'
        )
        return [Message(text)]
    if "keyring" in given and "user" not in said:
        return [Message("needs its user, whose password the keyring has")]
    return []


def as_text(connection: Connection) -> str:
    """What is told of a connection in a list."""
    tables = ", ".join(".".join(parts) for parts in connection.tables) or "none"
    return f"{connection.name} ({connection.kind}) opens; tables for workbooks: {tables}"
