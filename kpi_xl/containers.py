"""Columns and tables in the kind of container that came in: Series, arrays, frames, relations."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum, isfinite
from typing import TYPE_CHECKING, Any

import narwhals as nw

from kpi_xl.cells import TOO_LARGE
from kpi_xl.errors import CellError, OutOfDomain
from kpi_xl.units import LARGEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Cells = Sequence[Any] | NDArray[Any]

DTYPES: dict[type, Any] = {float: nw.Float64, int: nw.Int64, bool: nw.Boolean, str: nw.String}
OF_PANDAS = {
    (float, False): "float64", (float, True): "float64",
    (int, False): "int64", (int, True): "Int64",
    (bool, False): "bool", (bool, True): "boolean",
}  # fmt: skip
"""The type of a column in pandas, by the type of its cells and whether some are missing."""
OF_DUCKDB = {float: "DOUBLE", int: "BIGINT", bool: "BOOLEAN", str: "VARCHAR"}


def kind(value: Any) -> str:
    """Whether a value is a "series", a "frame" or a "lazy" one; empty for anything else."""
    found = nw.from_native(value, pass_through=True, allow_series=True)
    if isinstance(found, nw.Series):
        return "series"
    return {nw.DataFrame: "frame", nw.LazyFrame: "lazy"}.get(type(found), "")


def cells(value: Any) -> list[Any]:
    """The cells of a Series, or the rows of a frame."""
    found = nw.from_native(value, allow_series=True)
    return found.to_list() if isinstance(found, nw.Series) else found.rows()


def columns(value: Any) -> list[str]:
    """The names of a frame's columns."""
    return list(nw.from_native(value).columns)


def like_series(cells: Sequence[Any], like: Any, name: str) -> Any:
    """A column as a Series of the kind of `like`, with its index where it has one."""
    made = _series(name, cells, nw.from_native(like, allow_series=True).implementation)
    return made.set_axis(like.index) if _has_index(like) else made


def like_frame(names: Sequence[str], rows: Iterable[Sequence[Any]], like: Any) -> Any:
    """Rows as a frame of the kind of `like`, a Series or a frame, with its index if it has one."""
    made = _frame(names, list(rows), nw.from_native(like, allow_series=True))
    return made.set_axis(like.index) if _has_index(like) else made


def array(cells: Sequence[Any]) -> Any:
    """Cells, or rows of them, as an array of NumPy: of numbers with NaN for what is missing."""
    import numpy as np

    flat = [cell for row in cells for cell in (row if isinstance(row, list) else [row])]
    kind, typed = _typed(flat)
    dtype: Any = {float: float, int: int, bool: bool}.get(kind, object)
    made = np.array(typed, dtype=object if None in typed and dtype is not float else dtype)
    return made.reshape(len(cells), -1) if cells and isinstance(cells[0], list) else made


def table(rows: "Sequence[Sequence[Any]] | dict[str, NDArray[Any]]", like: Any) -> Any:
    """A kernel's table, its header first, as a frame of the kind of `like`, a Series or a frame.

    A long one may come as arrays by their names, of floats or of texts without a blank; those of
    the first column may be of any kind.

    The columns have the header's names as texts; numbers are floats, but whole ones in the first
    column. A blank cell is null. A lazy frame of Polars comes back lazy, a relation of DuckDB as
    a relation of the same connection; of other lazy frames an eager one of pandas.
    """
    columns: list[Cells]
    if isinstance(rows, dict):
        names, (first, *arrays) = list(rows), rows.values()
        labels, columns = first.tolist(), [*arrays]
    else:
        header, *body = rows
        names = _names(header)
        labels, *lists = map(list, zip(*body, strict=True)) if body else ([] for _ in header)
        columns = [*map(_numbers, lists)]
    if set(map(type, labels)) != {str}:
        labels = list(map(_label, labels))
        if any(type(cell) is int and not -(2**63) <= cell < 2**63 for cell in labels):
            labels = list(map(str, labels))  # of which each digit counts
    return _framed(names, [labels, *columns], nw.from_native(like, allow_series=True))


def _label(cell: Any) -> Any:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _numbers(cells: list[Any]) -> list[Any]:
    if not any(kind is int for kind in set(map(type, cells))):
        return cells
    return [float(cell) if type(cell) is int else cell for cell in cells]


def _frame(names: Sequence[str], rows: Sequence[Sequence[Any]], like: Any) -> Any:
    columns: list[Cells] = [*map(list, zip(*rows, strict=True))] or [[] for _ in names]
    return _framed(names, columns, like)


def _framed(names: Sequence[str], columns: "list[Cells]", like: Any) -> Any:
    made_by = like.implementation
    if made_by is nw.Implementation.DUCKDB:
        return _relation(names, columns, like.to_native())
    lazy = isinstance(like, nw.LazyFrame)
    if made_by.is_pandas_like() or (lazy and made_by is not nw.Implementation.POLARS):
        made_by = made_by if made_by.is_pandas_like() else nw.Implementation.PANDAS
        parts = {n: _series(n, c, made_by) for n, c in zip(names, columns, strict=True)}
        return made_by.to_native_namespace().DataFrame(parts)
    typed = dict(zip(names, map(_typed, columns), strict=True))
    made = nw.from_dict(
        {name: cells for name, (_, cells) in typed.items()},
        {name: DTYPES[kind] for name, (kind, _) in typed.items()},
        backend=made_by,
    )
    return made.lazy().to_native() if lazy else made.to_native()


def _series(name: str, cells: "Cells", implementation: Any) -> Any:
    kind, typed = _typed(cells)
    if implementation.is_pandas_like():
        dtype = OF_PANDAS.get((kind, kind is not float and None in typed))
        return implementation.to_native_namespace().Series(typed, dtype=dtype, name=name)
    return nw.new_series(name, typed, DTYPES[kind], backend=implementation).to_native()


def _relation(names: Sequence[str], columns: "Sequence[Cells]", of: Any) -> Any:
    """Columns as a relation of the connection that another one has, which it does not show."""
    typed = dict(zip(names, map(_typed, columns), strict=True))
    found = _scanned(typed, of) if len(columns[0]) > MOST_WRITTEN_OUT else None
    if found is not None:
        return found
    parts = []
    for name, (kind, cells) in typed.items():
        text = json.dumps(list(cells), ensure_ascii=False).replace("'", "''")
        quoted = name.replace('"', '""')
        parts.append(f"unnest(from_json('{text}', '[\"{OF_DUCKDB[kind]}\"]')) AS \"{quoted}\"")
    return of.limit(0).aggregate("count(*)").project(", ".join(parts))


MOST_WRITTEN_OUT = 1000  # rows


def _scanned(typed: dict[str, tuple[type, Any]], of: Any) -> Any:
    """The same, read from arrays; None where a blank, or the connection, does not let it."""
    import duckdb
    import numpy as np

    if any(kind is not float and None in cells for kind, cells in typed.values()):
        return None
    as_arrays = {float: float, int: np.int64, bool: bool, str: object}
    _kpi_xl_table = {
        n: np.array(cells, dtype=as_arrays[kind]) for n, (kind, cells) in typed.items()
    }
    try:
        found = of.query("_kpi_xl_like", "SELECT * FROM _kpi_xl_table")
    except duckdb.CatalogException:  # told not to look at variables of Python
        return None
    return found if found.columns == list(typed) else None


def _has_index(like: Any) -> bool:
    return hasattr(like, "set_axis") and hasattr(like, "index")


def _names(header: Sequence[Any]) -> list[str]:
    """The names of a frame's columns: texts, and no two alike."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for cell in header:
        name = cell if isinstance(cell, str) else f"{cell:.15g}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names


def _typed(cells: "Cells") -> tuple[type, Any]:
    """The one type of a column's cells, and the cells in it, with None for blanks.

    Raises OutOfDomain for a number that no cell can hold.
    """
    if not isinstance(cells, Sequence):
        if cells.dtype != float:
            return _typed(cells.tolist())
        if not (abs(cells) <= LARGEST).all():  # nor NaN
            raise OutOfDomain(TOO_LARGE)
        return float, cells
    types = set(map(type, cells))
    if types == {str} and "" not in cells:
        return str, list(cells)
    if types == {float}:
        if not (min(cells) >= -LARGEST and max(cells) <= LARGEST and isfinite(fsum(cells))):
            raise OutOfDomain(TOO_LARGE)
        return float, list(cells)
    plain = [cell.item() if hasattr(cell, "item") else cell for cell in cells]
    plain = [None if cell == "" or isinstance(cell, CellError) else cell for cell in plain]
    kinds = {bool if isinstance(c, bool) else type(c) for c in plain if c is not None}
    if any(issubclass(kind, str) for kind in kinds):
        return str, [c if c is None or isinstance(c, str) else _as_text(c) for c in plain]
    if kinds == {bool}:
        return bool, plain
    if kinds == {int} and all(c is None or -(2**63) <= c < 2**63 for c in plain):
        return int, plain
    if not all(c is None or -LARGEST <= c <= LARGEST for c in plain):
        raise OutOfDomain(TOO_LARGE)
    return float, [None if c is None else float(c) for c in plain]


def _as_text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.15g}"
    return str(cell).upper()  # of a whole number each digit counts
