"""What differs between the engines that Narwhals carries: moments, NaN, how results come back.

Tested: pandas, Polars (eager and lazy), PyArrow, DuckDB, PySpark, Dask, and Ibis over DuckDB,
SQLite and PostgreSQL. PyArrow's tables are counted by DuckDB, which reads them where they are.
"""

import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
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
    _refuse_repeated(frame)
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


def _refuse_repeated(frame: Any) -> None:
    """Refuse two columns of one name, which pandas, PyArrow and Spark let in."""
    if type(frame).__module__.startswith("polars"):
        return  # which has none, and would have to ask for them
    found: Any = getattr(frame, "column_names", None) or getattr(frame, "columns", ())
    names = Counter(name for name in found if isinstance(name, str))
    if repeated := [name for name, times in names.items() if times > 1]:
        raise WrongInput(
            "the frame has several columns of one name: {names}", names=Names(repeated, ", ")
        )


def _carried(frame: Any) -> Any:
    """A frame of Narwhals, or what is none as it is."""
    with warnings.catch_warnings():
        # What is to carry Dask instead is not there yet.
        warnings.filterwarnings("ignore", "Dask support", FutureWarning)
        return nw.from_native(frame, pass_through=True)


def lazy(frame: "IntoFrame", dates: Sequence[str], others: Iterable[str] = ()) -> nw.LazyFrame[Any]:
    """The frame, where its rows are, for counting what is in the columns named.

    Moments without a zone of their own, of which an engine shows the days in its session's, have
    the days of UTC. Texts are told apart letter by letter, whatever their collation.
    """
    given = _carried(frame)
    names = list(dict.fromkeys([*dates, *others]))
    if given.implementation.is_pyarrow():
        given = _in_duckdb(given, names)
    if given.implementation.is_pandas_like() or given.implementation.is_dask():
        given = _without_categories(_by_their_own_clock(given, dates), names)
    rows: nw.LazyFrame[Any] = given.lazy()
    columns = rows.collect_schema()
    names = [name for name in names if name in columns]
    engine = rows.implementation
    if engine.is_pyspark() or engine.is_pyspark_connect():
        rows = _lazy(_of_spark(rows.to_native(), names))
    elif engine.is_ibis():
        rows = _lazy(_as_declared(rows.to_native(), names))
    elif engine.is_duckdb():
        texts = [name for name in names if columns[name] in (nw.String, nw.Enum)]
        formulas = {name: AS_LETTERS.format(name, "C") for name in _quoted(texts, '"')}
        native = rows.to_native()
        kinds = dict(zip(native.columns, map(str, native.types), strict=True))
        fine = [name for name in names if name in dates and kinds[name] in IN_NANOSECONDS]
        formulas |= {name: DUCKDB_IN_MICROSECONDS.format(name) for name in _quoted(fine, '"')}
        rows = _replaced(rows, formulas)
        columns = rows.collect_schema()
    zoned = [
        name for name in dict.fromkeys(dates)
        if name in columns and getattr(columns[name], "time_zone", None) is not None
    ]  # fmt: skip
    if zoned:
        rows = _in_utc(rows, zoned)
    return rows


def _by_their_own_clock(frame: Any, dates: Sequence[str]) -> Any:
    """Moments of pandas without their zone, which Narwhals does not know if it has a _ in it.

    Those of Arrow are NumPy's: where a column has another unit than one beside it, Arrow fails.
    """
    native = frame.to_native()
    plain: dict[str, Any] = {}
    for name in dates:
        if name not in frame.columns:
            continue
        kind = native.dtypes[name]
        arrow = getattr(kind, "pyarrow_dtype", None)
        column = native[name]
        if getattr(arrow or kind, "tz", None) is not None:
            plain[name] = column = column.dt.tz_localize(None)
        if arrow is not None and str(arrow).startswith(("timestamp", "date")):
            plain[name] = column.astype(f"datetime64[{getattr(arrow, 'unit', 's')}]")
    return _carried(native.assign(**plain)) if plain else frame


NULLABLE = {"bool": "boolean"} | {
    f"{sign}int{bits}": f"{sign.upper()}Int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


OF_ARROW = {"halffloat": "float32", "float": "float32", "double": "float64"}


def _without_categories(frame: Any, names: Sequence[str]) -> Any:
    """Categories of pandas that are numbers, booleans or moments as these, and not as texts.

    Numbers of Arrow are NumPy's: Arrow tells 0 and -0 apart, and makes no number with a point of a
    whole one of more than 53 bits.
    """
    native = frame.to_native()
    plain = {}
    for name in names:
        kind: Any = native.dtypes[name] if name in frame.columns else None
        arrow = getattr(kind, "pyarrow_dtype", None)
        if arrow is not None and hasattr(arrow, "value_type") and hasattr(arrow, "index_type"):
            arrow = arrow.value_type
            plain[name] = native[name].astype(type(kind)(arrow))
        if str(arrow) in OF_ARROW:
            plain[name] = plain.get(name, native[name]).astype(OF_ARROW[str(arrow)])
        elif str(arrow) in NULLABLE.keys() - {"bool"}:
            plain[name] = _whole(plain.get(name, native[name]), str(arrow), 0)
        elif hasattr(kind, "categories"):
            column = native[name]
            if frame.implementation.is_dask() and not column.cat.known:
                column = column.cat.as_known()
            values = column.dtype.categories
            of = str(values.dtype).removesuffix("[pyarrow]").lower()
            if of in NULLABLE and len(values):
                plain[name] = _whole(column, of, values[0])
            elif values.dtype.kind in "biufM":
                plain[name] = column.astype(OF_ARROW.get(of, NULLABLE.get(of, values.dtype)))
    return _carried(native.assign(**plain)) if plain else frame


def _whole(column: Any, kind: str, some: Any) -> Any:
    """A column of pandas as whole numbers or booleans of NumPy's, of which some may be missing.

    Pandas itself may make them numbers with a point on the way.
    """
    return column.fillna(some).astype(kind).astype(NULLABLE[kind]).mask(column.isna())


def _in_duckdb(table: Any, names: Sequence[str]) -> Any:
    import duckdb

    if set(names) <= set(table.columns):  # DuckDB's names differ in more than capitals
        table = table.select(*names)
    zoned = [name for name, kind in table.schema.items() if getattr(kind, "time_zone", None)]
    # DuckDB would forget the zone that a column has.
    plain = table.with_columns(nw.col(name).dt.replace_time_zone(None) for name in zoned)
    native = plain.to_native()
    for place, field in enumerate(native.schema):
        if str(field.type).startswith(("decimal256", "halffloat")):  # which it does not take
            column = native.column(place).cast("float64")
            native = native.set_column(place, field.name, column)
    return nw.from_native(duckdb.from_arrow(native))


def _of_spark(native: Any, names: Sequence[str]) -> Any:
    """A frame of Spark with texts without a collation; refuses names that it takes for others."""
    settings = native.sparkSession.conf
    exact = settings.get("spark.sql.caseSensitive", "false") == "true"
    known = Counter(name if exact else name.lower() for name in native.columns)
    for name in names:
        if known[name if exact else name.lower()] > 1 or {".", "`"} & set(name):
            raise WrongInput("Spark takes the name {column} for another: rename it", column=name)
    kinds = dict(native.dtypes)
    collated = [name for name in names if kinds[name].startswith("string collate")]
    return native.withColumns({name: native[name].cast("string") for name in collated})


def _replaced(rows: nw.LazyFrame[Any], formulas: Mapping[str, str]) -> nw.LazyFrame[Any]:
    """Rows of DuckDB with columns, whose names are quoted, by formulas."""
    if not formulas:
        return rows
    replaced = ", ".join(f"{formula} AS {name}" for name, formula in formulas.items())
    return _lazy(rows.to_native().project(f"* REPLACE ({replaced})"))


AS_LETTERS = 'CAST({} AS TEXT) COLLATE "{}"'
"""A text without the collation that its column, or all of them, may have; it may be an enum."""
COLLATIONS = {"postgres": "C", "duckdb": "C", "sqlite": "BINARY"}
WHOLE_SECONDS = (
    "CASE WHEN substr({0}, 20, 1) = '.' AND substr({0}, 21) NOT GLOB '*[^0-9]*'"
    " THEN substr({0}, 1, 19) ELSE {0} END"
)
"""A moment of SQLite, which rounds 23:59:59.999999 to the next day."""
OF_TYPE = {
    "string": "typeof({0}) = 'text'",
    "boolean": "typeof({0}) = 'integer' AND {0} IN (0, 1)",
    "integer": "typeof({0}) = 'integer'",
    "numeric": "typeof({0}) IN ('integer', 'real')",
    "date": "typeof({0}) = 'text' AND substr({0}, 1, 10) >= '0001'"
            f" AND coalesce(date({WHOLE_SECONDS}, '+0 days'), '') = substr({{0}}, 1, 10)",
}  # fmt: skip
"""What cells of SQLite have to be, whose columns take in anything, by the types of Ibis.

SQLite would make a number of a text's first digits, and days of numbers, clock times and 31 June.
"""
OF_TYPE["timestamp"] = OF_TYPE["date"]


def _as_declared(table: Any, names: Sequence[str]) -> Any:
    """A table of Ibis whose columns hold what their types say, and texts without a collation."""
    from ibis import schema

    engine = table.get_backend().name
    kinds = table.schema()
    if engine == "sqlite":
        _refuse_other_types(table, names)
    collation = COLLATIONS.get(engine)
    formulas = dict(zip(kinds, _quoted(kinds, '"'), strict=True))
    changed = False
    for name in names if collation else ():
        if kinds[name].is_string():
            formulas[name] = AS_LETTERS.format(formulas[name], collation)
        elif kinds[name].is_decimal() and engine == "postgres":  # or money
            formulas[name] = f"CAST({formulas[name]} AS NUMERIC)"
        elif kinds[name].is_timestamp() and engine == "sqlite":
            formulas[name] = WHOLE_SECONDS.format(formulas[name])
        elif kinds[name].is_timestamp() and kinds[name].scale == 9 and engine == "duckdb":
            formulas[name] = DUCKDB_IN_MICROSECONDS.format(formulas[name])
            kinds = schema(dict(kinds.items()) | {name: "timestamp"})
        else:
            continue
        changed = True
    return _queried(table, formulas, kinds) if changed else table


def as_written(frame: Any, name: str, others: Sequence[str]) -> Any:
    """These columns of DuckDB or Ibis, one of which has numbers of four bytes as they are written.

    0.1 of four bytes is 0.10000000149 where it is made one of eight.
    """
    rows = _carried(frame).lazy().select(name, *others)
    native = rows.to_native()
    if rows.collect_schema()[name] != nw.Float32:
        return native
    (mark,) = _quoted([name], '"')
    formula = f"CAST(CAST({mark} AS TEXT) AS DOUBLE PRECISION)"
    if not rows.implementation.is_ibis():
        return _replaced(rows, {mark: formula.replace(" PRECISION", "")}).to_native()
    from ibis import schema

    kinds = dict(native.schema().items())
    formulas = dict(zip(kinds, _quoted(kinds, '"'), strict=True)) | {name: formula}
    return _queried(native, formulas, schema(kinds | {name: "float64"}))


def _queried(table: Any, formulas: Mapping[str, str], kinds: Any) -> Any:
    """Columns by their formulas in the language of a table's database, as a table of Ibis."""
    from ibis.expr.operations import SQLStringView
    from ibis.util import gen_name

    columns = zip(formulas.values(), _quoted(formulas, '"'), strict=True)
    selected = ", ".join(f"{formula} AS {name}" for formula, name in columns)
    rows = gen_name("kpi_xl")
    parent, query = table.alias(rows).op(), f'SELECT {selected} FROM "{rows}"'
    return SQLStringView(parent=parent, query=query, schema=kinds).to_expr()


def _refuse_other_types(table: Any, names: Sequence[str]) -> None:
    import ibis

    kinds = table.schema()
    tests = {
        name: next((t for kind, t in OF_TYPE.items() if getattr(kinds[name], f"is_{kind}")()), "")
        for name in names
    }
    tests = {name: test for name, test in tests.items() if test}
    if not tests:
        return
    counts = {
        name: f"count(CASE WHEN {mark} IS NOT NULL AND NOT ({test.format(mark)}) THEN 1 END)"
        for (name, test), mark in zip(tests.items(), _quoted(tests, '"'), strict=True)
    }
    counted = _queried(table, counts, ibis.schema(dict.fromkeys(counts, "int64")))
    (wrong,) = fetched(_lazy(counted))
    for name, count in zip(counts, wrong, strict=True):
        if count:
            raise WrongInput(
                "{column} is of type {kind}, and {count} of its cells are not (a day is written"
                " 2024-01-31): mend them, or make a view without them",
                column=name,
                kind=kinds[name],
                count=count,
            )


def _in_utc(rows: nw.LazyFrame[Any], zoned: Sequence[str]) -> nw.LazyFrame[Any]:
    """The moments as those that a clock in UTC shows, if their zone is that of a session."""
    engine = rows.implementation
    if engine.is_duckdb():
        return _replaced(rows, {name: DUCKDB_IN_UTC.format(name) for name in _quoted(zoned, '"')})
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


IN_NANOSECONDS = ("TIMESTAMP_NS", "TIMESTAMPTZ_NS")
DUCKDB_IN_MICROSECONDS = (
    "CASE WHEN isfinite(CAST({0} AS TIMESTAMP))"
    " THEN make_timestamp((epoch_ns({0}) - CASE WHEN epoch_ns({0}) < 0 THEN 999 ELSE 0 END)"
    " // 1000) ELSE CAST({0} AS TIMESTAMP) END"
)
"""A moment of nanoseconds, in UTC; DuckDB's own cast rounds the last one of a day to the next."""

DUCKDB_IN_UTC = (
    "CASE WHEN isfinite({0}) THEN make_timestamp(epoch_us({0})) ELSE CAST({0} AS TIMESTAMP) END"
)


def _ibis_in_utc(table: Any, zoned: Sequence[str]) -> Any:
    import ibis

    engine = table.get_backend().name
    clock = {"postgres": "{0} AT TIME ZONE 'UTC'", "duckdb": DUCKDB_IN_UTC}.get(engine)
    if clock:
        kinds = dict(table.schema().items())
        formulas = dict(zip(kinds, _quoted(kinds, '"'), strict=True))
        formulas |= {name: clock.format(formulas[name]) for name in zoned}
        plain = ibis.schema(kinds | dict.fromkeys(zoned, "timestamp"))
        return _queried(table, formulas, plain)
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


FIRST, LAST = datetime(1000, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)


def beyond(rows: nw.LazyFrame[Any], name: str) -> tuple[nw.Expr, nw.Expr] | None:
    """Whether a day is too early, or too late, to be fetched at all; None if none can be.

    Infinity is, of PostgreSQL and DuckDB. Spark takes no literals of earlier years.
    """
    kind = rows.collect_schema()[name]
    if getattr(kind, "time_unit", "") == "ns":
        return None
    if _in_sqlite(rows):
        return None
    first, last = (FIRST, LAST) if kind == nw.Datetime else (FIRST.date(), LAST.date())
    return nw.col(name) < nw.lit(first), nw.col(name) > nw.lit(last)


def _in_sqlite(rows: nw.LazyFrame[Any]) -> bool:
    return bool(rows.implementation.is_ibis() and rows.to_native().get_backend().name == "sqlite")


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
    if not isinstance(name, str) or given.schema.get(name) != nw.String:
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
    if _in_sqlite(rows):
        return list(zip(*columns(rows), strict=True))
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
    whole: set[str] = set()
    if _in_sqlite(rows):
        # Ibis makes numbers with a point of whole ones beside a null.
        whole |= {name for name, kind in rows.collect_schema().items() if kind.is_integer()}
        rows = rows.with_columns(nw.col(name).cast(nw.String) for name in whole)
    for column in rows.collect().iter_columns():
        cells = column.to_list()
        if column.name in whole:
            cells = [None if cell is None else int(cell.removesuffix(".0")) for cell in cells]
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
