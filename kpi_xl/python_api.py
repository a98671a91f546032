"""The functions for Python code: `kpi_xl.cac(50_000, 250)`.

They judge their arguments as the cells do, but raise the error instead of showing it.
"""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from kpi_xl import cells
from kpi_xl.errors import KINDS, CellError, ErrorCell
from kpi_xl.reference import docstring
from kpi_xl.registry import Metric


def function(metric: Metric) -> Callable[..., Any]:
    """A metric as a Python function of numbers, lists, arrays and Series.

    A list is a column and lifts: the result is then a list, an error in it a `CellError` with its
    `sentence`. A table is a list of rows, its header first. None and NaN are blanks.
    """
    signature = inspect.signature(metric.kernel)

    @wraps(metric.kernel)
    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        result = cells.evaluate(metric, [_block(value) for value in bound.arguments.values()])
        if isinstance(result, CellError):
            sentence = f"{metric.name}: {result.sentence}"
            kind = KINDS.get(str(result))
            raise kind(sentence) if kind else ErrorCell(str(result), sentence)
        if isinstance(result, list) and metric.result != "table":
            if len(result[0]) == 1:
                return [row[0] for row in result]
            return result[0] if len(result) == 1 else result
        return result

    call.__doc__ = docstring(metric)
    plain = [p.replace(annotation=p.annotation.__origin__) for p in signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=plain)  # type: ignore[attr-defined]
    return call


def _block(value: Any) -> Any:
    """A Python value as a cell or as a list of rows."""
    if hasattr(value, "to_numpy"):  # pandas' Series and DataFrame
        value = value.to_numpy()
    if getattr(getattr(value, "dtype", None), "kind", "") == "M":
        value = value.astype("datetime64[us]")  # finer ones come out as bare numbers
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        value = value.tolist()
    if not isinstance(value, Iterable) or isinstance(value, str):
        return _cell(value)
    rows = [row if isinstance(row, list | tuple) else [row] for row in value]
    return [[_cell(cell) for cell in row] for row in rows] or [[None]]


def _cell(value: Any) -> Any:
    """A Python value as a cell; the marks of missing data as a blank."""
    if hasattr(value, "item"):
        value = value.item()
    missing = type(value).__name__ in ("NAType", "NaTType")
    return None if missing or value != value else value
