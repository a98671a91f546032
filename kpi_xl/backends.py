"""What differs between the engines that Narwhals carries: moments, NaN, how results come back.

Tested: pandas, Polars (eager and lazy), PyArrow, DuckDB, PySpark, Dask, and Ibis over DuckDB,
SQLite and PostgreSQL. PyArrow's tables are counted by DuckDB, which reads them where they are.
"""

import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import narwhals as nw

from kpi_xl.errors import WrongInput
from kpi_xl.locales import Message, Names

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

CAN = Message(
    "pandas, Polars, PyArrow, DuckDB, PySpark, Dask, and tables of Ibis in DuckDB, SQLite or"
    " PostgreSQL"
)


@contextmanager
def counting(frame: Any) -> Iterator[None]:
    """Says which engines can where that of the frame cannot."""
    kind = f"{type(frame).__module__.partition('.')[0]}.{type(frame).__name__}"
    if not isinstance(_carried(frame), nw.DataFrame | nw.LazyFrame):
        raise WrongInput(
            "{kind} is no frame of rows that can be counted: those are {engines}",
            kind=kind,
            engines=CAN,
        )
    refused: tuple[type[Exception], ...] = (NotImplementedError,)
    if "ibis" in sys.modules:
        from ibis.common.exceptions import OperationNotDefinedError, UnsupportedOperationError

        refused += (OperationNotDefinedError, UnsupportedOperationError)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Dask support", FutureWarning)
            yield
    except refused as error:
        reason = str(error).partition("\n")[0]
        raise WrongInput(
            "{kind} cannot count this ({reason}); what can is {engines}",
            kind=kind,
            reason=reason,
            engines=CAN,
        ) from error


def _carried(frame: Any) -> Any:
    """A frame of Narwhals, or what is none as it is."""
    with warnings.catch_warnings():
        # What is to carry Dask instead is not there yet.
        warnings.filterwarnings("ignore", "Dask support", FutureWarning)
        return nw.from_native(frame, pass_through=True)


def lazy(frame: "IntoFrame", dates: Sequence[str]) -> nw.LazyFrame[Any]:
    """The frame, where its rows are.

    Moments without a zone of their own, of which an engine shows the days in its session's, have
    the days of UTC.
    """
    given = _carried(frame)
    if given.implementation.is_pyarrow():
        given = _in_duckdb(given)
    if given.implementation.is_pandas_like() or given.implementation.is_dask():
        given = _by_their_own_clock(given, dates)
    rows: nw.LazyFrame[Any] = given.lazy()
    columns = rows.collect_schema()
    zoned = [
        name for name in dict.fromkeys(dates)
        if name in columns and getattr(columns[name], "time_zone", None) is not None
    ]  # fmt: skip
    if zoned:
        rows = _in_utc(rows, zoned)
    return rows


def _by_their_own_clock(frame: Any, dates: Sequence[str]) -> Any:
    """Moments of pandas without their zone, which Narwhals does not know if it has a _ in it."""
    native = frame.to_native()
    kinds = {name: native.dtypes[name] for name in dates if name in frame.columns}
    zoned = [
        name
        for name, kind in kinds.items()
        if getattr(getattr(kind, "pyarrow_dtype", kind), "tz", None) is not None
    ]
    plain = {name: native[name].dt.tz_localize(None) for name in zoned}
    return _carried(native.assign(**plain)) if plain else frame


def _in_duckdb(table: Any) -> Any:
    import duckdb

    zoned = [name for name, kind in table.schema.items() if getattr(kind, "time_zone", None)]
    # DuckDB would forget the zone that a column has.
    plain = table.with_columns(nw.col(name).dt.replace_time_zone(None) for name in zoned)
    return nw.from_native(duckdb.from_arrow(plain.to_native()))


def _in_utc(rows: nw.LazyFrame[Any], zoned: Sequence[str]) -> nw.LazyFrame[Any]:
    """The moments as those that a clock in UTC shows, if their zone is that of a session."""
    engine = rows.implementation
    if engine.is_duckdb():
        moments = (f"make_timestamp(epoch_us({n})) AS {n}" for n in _quoted(zoned, '"'))
        return _lazy(rows.to_native().project(f"* REPLACE ({', '.join(moments)})"))
    if engine.is_pyspark() or engine.is_pyspark_connect():
        native = rows.to_native()
        moments = (
            f"timestampadd(MICROSECOND, unix_micros({n}), TIMESTAMP_NTZ '1970-01-01') AS {n}"
            for n in _quoted(zoned, "`")
        )
        kept = _quoted((name for name in native.columns if name not in zoned), "`")
        return _lazy(native.selectExpr(*kept, *moments))
    if engine.is_ibis():
        return _lazy(_ibis_in_utc(rows.to_native(), zoned))
    return rows  # its columns have zones of their own


def _ibis_in_utc(table: Any, zoned: Sequence[str]) -> Any:
    from ibis import dtype, udf

    moment, number, plain = map(dtype, ("timestamp('UTC')", "int64", "timestamp"))
    engine = table.get_backend().name
    if engine == "postgres":
        of_zone = ((dtype("string"), moment), plain)
        clock = udf.scalar.builtin(lambda zone, moment: None, name="timezone", signature=of_zone)
        return table.mutate(**{name: clock("UTC", table[name]) for name in zoned})
    if engine == "duckdb":
        since = udf.scalar.builtin(
            lambda moment: None, name="epoch_us", signature=((moment,), number)
        )
        clock = udf.scalar.builtin(
            lambda since: None, name="make_timestamp", signature=((number,), plain)
        )
        return table.mutate(**{name: clock(since(table[name])) for name in zoned})
    raise WrongInput(
        "{columns}: the days of moments with a time zone are not known in {engine};"
        " make them dates, or timestamps without a time zone",
        columns=Names(zoned, ", "),
        engine=engine,
    )


def _lazy(native: Any) -> nw.LazyFrame[Any]:
    rows: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    return rows


def _quoted(names: Iterable[str], mark: str) -> list[str]:
    return [f"{mark}{name.replace(mark, 2 * mark)}{mark}" for name in names]


def has_nan(rows: nw.LazyFrame[Any]) -> bool:
    """Whether a number of the frame may be NaN; SQLite, for one, has none."""
    if not rows.implementation.is_ibis():
        return True
    from ibis.expr.operations import IsNan

    known: bool = rows.to_native().get_backend().has_operation(IsNan)
    return known


def in_memory(frame: "IntoFrame") -> bool:
    """Whether the rows are in this process, so that their columns can be had as they are."""
    given = _carried(frame)
    made_by = given.implementation
    return isinstance(given, nw.DataFrame) and (made_by.is_pandas() or made_by.is_polars())


def in_pandas(frame: "IntoFrame") -> bool:
    """Whether it is a frame of pandas."""
    return bool(_carried(frame).implementation.is_pandas())


def numbered(frame: "IntoFrame", name: str) -> tuple["IntoFrame", list[str] | None]:
    """A frame of pandas with a number for each text of a column, and the texts by their numbers.

    They are sorted, without spaces around them; an empty one is missing, as are those that were.
    Of a column that has no texts it is the frame as it is, and None.
    """
    import numpy as np

    given = _carried(frame)
    if name not in given.columns or given.schema[name] != nw.String:
        return frame, None
    native = given.to_native()
    number, texts = native[name].factorize()
    bare = list(map(str.strip, texts.tolist()))
    known = sorted(set(bare) - {""})
    place = dict(zip(known, range(len(known)), strict=True)) | {"": -1}
    places = np.array([*map(place.__getitem__, bare), -1], dtype=np.int64)[number]
    column = native[name].__class__(places, index=native.index)
    if places.min(initial=0) < 0:
        column = column.astype("Int64").mask(places < 0)
    return native.assign(**{name: column}), known


def fetched(rows: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
    """The rows of a small result."""
    engine = rows.implementation
    if engine.is_duckdb():
        # Collecting would need PyArrow.
        found: list[tuple[Any, ...]] = rows.to_native().fetchall()
        return found
    found = rows.collect().rows()
    if engine.is_pandas_like() or engine.is_dask():
        # NaN and NA are what pandas has for a missing text, too.
        found = [tuple(None if _is_missing(cell) else cell for cell in row) for row in found]
    return found


def columns(rows: nw.LazyFrame[Any]) -> list[list[Any]]:
    """The same by columns, of a result that may have many rows."""
    engine = rows.implementation
    if engine.is_duckdb():
        found = rows.to_native()
        if any(map(_is_huge, found.types)):
            return list(map(list, zip(*found.fetchall(), strict=True))) or [[] for _ in found.types]
        return [column.tolist() for column in found.fetchnumpy().values()]
    found = []
    for column in rows.collect().iter_columns():
        cells = column.to_list()
        if column.null_count() and (engine.is_pandas_like() or engine.is_dask()):
            cells = [None if _is_missing(cell) else cell for cell in cells]
        found.append(cells)
    return found


def arrays(rows: nw.LazyFrame[Any]) -> "list[NDArray[Any]]":
    """The same as arrays, of a result without nulls."""
    import numpy as np

    if not rows.implementation.is_duckdb():
        return [column.to_numpy() for column in rows.collect().iter_columns()]
    native = rows.to_native()
    if not any(map(_is_huge, native.types)):
        return [np.asarray(column) for column in native.fetchnumpy().values()]
    return [
        np.array(column, dtype=object if _is_huge(kind) else None)
        for column, kind in zip(columns(rows), native.types, strict=True)
    ]


def _is_huge(kind: Any) -> bool:
    """Whether NumPy has floats for whole numbers of DuckDB."""
    return "HUGEINT" in str(kind)


def _is_missing(cell: Any) -> bool:
    return type(cell).__name__ == "NAType" or bool(cell != cell)


def kept(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Rows that several queries are to be made of: computed once, where the engine keeps them."""
    engine = rows.implementation
    if engine.is_duckdb():
        return _lazy(rows.to_native().materialize())
    return rows.collect().lazy() if engine.is_pandas_like() else rows


def with_windows(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The rows where a row can see those beside it; Dask's have to come to pandas for that."""
    return rows.collect().lazy() if rows.implementation.is_dask() else rows
