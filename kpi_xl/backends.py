"""What differs between the frames that Narwhals carries: moments, NaN, how results come back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from kpi_xl.errors import WrongInput

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

DUCKDB, IBIS, SPARK = nw.Implementation.DUCKDB, nw.Implementation.IBIS, nw.Implementation.PYSPARK


def lazy(frame: "IntoFrame", dates: Sequence[str]) -> nw.LazyFrame[Any]:
    """The frame, its moments with the days of UTC where its engine would take its own zone's."""
    rows = nw.from_native(frame).lazy()
    return rows


def has_nan(rows: nw.LazyFrame[Any]) -> bool:
    """Whether a number of the frame may be NaN; SQLite, for one, has none."""
    if rows.implementation is not IBIS:
        return True
    from ibis.expr.operations import IsNan

    known: bool = rows.to_native().get_backend().has_operation(IsNan)
    return known


def fetched(rows: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
    """The rows of a small result."""
    if rows.implementation is DUCKDB:
        # Collecting would need PyArrow.
        found: list[tuple[Any, ...]] = rows.to_native().fetchall()
        return found
    found = rows.collect().rows()
    if rows.implementation.is_pandas_like():
        # NaN and NA are what pandas has for a missing text, too.
        found = [tuple(None if _is_missing(cell) else cell for cell in row) for row in found]
    return found


def _is_missing(cell: Any) -> bool:
    return type(cell).__name__ == "NAType" or bool(cell != cell)
