"""The tables over frames as rows of cells, each found to be of the kind that came in."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl

from kpi_xl.frames import FUNCTIONS, purchases


def in_cells(table: Any) -> list[list[Any]]:
    """A frame as a cell function shows it: a header, numbers in it, blanks as empty texts."""
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if isinstance(table, pl.DataFrame):
        rows = table.rows()
    elif isinstance(table, duckdb.DuckDBPyRelation):
        rows = table.fetchall()
    elif hasattr(table, "column_names"):  # PyArrow's
        rows = list(zip(*table.to_pydict().values(), strict=True))
    else:
        rows = table.to_numpy(dtype=object).tolist()
    names = getattr(table, "column_names", None) or list(table.columns)
    header = [int(name) if name.isdigit() else name for name in names]
    return [header, *([_cell(cell) for cell in row] for row in rows)]


def _cell(cell: Any) -> Any:
    if cell is None or cell != cell:
        return ""
    return float(cell) if type(cell) is int else cell


def _shown(function: Callable[..., Any]) -> Callable[..., list[list[Any]]]:
    def call(frame: Any, *args: Any, **kwargs: Any) -> list[list[Any]]:
        table = function(frame, *args, **kwargs)
        assert type(table) is type(frame)
        return in_cells(table)

    return call


frames = SimpleNamespace(
    purchases=purchases, **{name: _shown(function) for name, function in FUNCTIONS.items()}
)
"""`kpi_xl.frames`, but for rows of cells."""
