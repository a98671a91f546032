"""Parquet files."""

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_xl.locales import Message
from kpi_xl.sources.records import (
    MOST_ROWS,
    TOO_MANY,
    Look,
    Progress,
    Unreadable,
)
from kpi_xl.units import LARGEST_ID, LARGEST_ID_32

if TYPE_CHECKING:
    import duckdb


PARQUET = "FROM read_parquet(?, hive_partitioning = true, hive_types_autocast = false)"
"""A file with the columns that stand in the names of its folders, such as year=2024, as texts."""


def look_at_parquet(
    path: Path, choose: Callable[[Sequence[str]], Collection[int]], progress: Progress
) -> Look:
    """The columns that `choose` finds in a Parquet file. Raises Unreadable."""
    import duckdb

    # It would fetch what a file needs beyond its own means from the web.
    try:
        with duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        ) as database:
            database.execute("SET TimeZone = 'UTC'")
            name = pattern_of(path)
            file = database.sql(PARQUET, params=[name])
            headers = [header.strip() for header in _names(database, name)]
            in_folders = file.columns[len(headers) :]
            headers += in_folders
            if len(headers) != len(file.columns) or len(in_folders) > str(path.resolve()).count(
                "="
            ):
                raise Unreadable(
                    Message("is not a Parquet file that can be read: its columns have no names")
                )
            places = choose(headers)
            look = Look(headers)
            if len(file) > 2 * MOST_ROWS:
                raise Unreadable(TOO_MANY)
            for done, place in enumerate(places, start=1):
                kind = str(file.types[place])
                column = duckdb.ColumnExpression(file.columns[place])
                # Of days NumPy has not all, and no infinity.
                one = not kind.endswith("]")  # of a list
                if one and kind.startswith(("TIMESTAMP", "DATE", "VARCHAR", "ENUM", "UUID")):
                    column = column.cast("VARCHAR")
                elif kind.endswith(",0)") or kind in {"HUGEINT", "UHUGEINT"}:
                    column = column.cast("VARCHAR")  # it may be a key, whose every digit counts
                elif one and kind.startswith("DECIMAL"):
                    if _loses_digits(file, place, kind):
                        rows = file.select(column).fetchall()
                        look.cells[place] = [row[0] for row in rows]
                        continue
                    column = column.cast("DOUBLE")
                elif kind == "FLOAT":
                    column = column.cast("VARCHAR").cast("DOUBLE")  # 0.1 is no 0.10000000149
                elif kind not in _PARQUET_KINDS:
                    raise Unreadable(
                        Message(
                            'has values of the kind {kind} in the column "{column}": it must hold'
                            " texts, numbers or dates",
                            kind=kind,
                            column=headers[place],
                        )
                    )
                if kind.startswith("TIMESTAMP") and ("ZONE" in kind or "TZ" in kind):
                    look.zoned.add(place)
                if kind == "FLOAT":
                    look.told_apart[place] = LARGEST_ID_32
                (array,) = file.select(column).fetchnumpy().values()
                look.cells[place] = array.tolist()
                progress(done / len(places))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Unreadable(
            Message("is not a Parquet file, or it is damaged ({reason})", reason=reason)
        ) from None
    return look


def pattern_of(path: Path) -> str:
    """The name of one file, for the engine: brackets and stars in it are no pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path.resolve()))


def _names(database: Any, name: str) -> list[str]:
    """The columns as the file calls them: the engine renames those that differ in case only."""
    tree = database.execute("SELECT name, num_children FROM parquet_schema(?)", [name]).fetchall()
    names = []
    place = 1
    while place < len(tree):
        names.append(str(tree[place][0]))
        inner = tree[place][1] or 0
        while inner:  # the parts of a column that is a record or a list
            place += 1
            inner += (tree[place][1] or 0) - 1
        place += 1
    return names


def _loses_digits(file: "duckdb.DuckDBPyRelation", place: int, kind: str) -> bool:
    """Whether some number of a column is not the same as a double, or stands where few are."""
    name = '"{}"'.format(file.columns[place].replace('"', '""'))
    lost = f"TRY_CAST({name}::DOUBLE AS {kind}) IS DISTINCT FROM {name}"
    (counted,) = file.aggregate(
        f"count_if({name} IS NOT NULL AND ({lost} OR abs({name}::DOUBLE) > {LARGEST_ID}))"
    ).fetchall()
    return bool(counted[0])


_PARQUET_KINDS = {"BOOLEAN", "FLOAT", "DOUBLE", '"NULL"', "TINYINT", "SMALLINT"} | {
    *("INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
}
