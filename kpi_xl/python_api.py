"""The functions for Python code: `kpi_xl.cac(50_000, 250)`.

They judge their arguments as the cells do, but raise the error instead of showing it.
"""

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from itertools import pairwise
from typing import Any

from kpi_xl import cells
from kpi_xl.errors import KINDS, CellError, ErrorCell, WrongInput
from kpi_xl.reference import docstring
from kpi_xl.registry import Metric


def function(metric: Metric) -> Callable[..., Any]:
    """A metric as a Python function of numbers, lists, arrays, Series and frames.

    A column lifts, and the result is of its kind: a list, an array, a Series with its index. What
    cannot be computed is a `CellError` with its `sentence` in a list, and missing (NaN, null) in
    the others, with a RuntimeWarning that tells the first reason. A table is a list of rows, its
    header first; of Series or frames it is a frame of their kind. A frame and the names of its
    columns give what `kpi_xl.frames` gives. None and NaN are blanks, which count as 0 as in a cell.
    """
    signature = inspect.signature(metric.kernel)
    name = metric.kernel.__name__

    @wraps(metric.kernel)
    def call(*args: Any, **kwargs: Any) -> Any:
        by_name = isinstance(args[1], str) if args[1:] else kwargs.keys() - signature.parameters
        if args and by_name and _kind(args[0]) in ("frame", "lazy"):
            from kpi_xl import frames

            if name in frames.FUNCTIONS:
                return frames.FUNCTIONS[name](*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = list(bound.arguments.values())
        kinds = list(map(_kind, values))
        _refuse_other_indexes(metric, values)
        like, kind = _leading(metric, values, kinds)
        lifts = kind != "cell" and metric.result in ("value", "row")
        if lifts and kind != "lazy" and not len(like):
            return _in_kind([], like, kind, name)
        result = cells.evaluate(metric, list(map(_block, values, kinds)))
        if isinstance(result, CellError) and not (lifts and len(like) == 1):
            sentence = f"{metric.name}: {result.sentence}"
            known = KINDS.get(str(result))
            error = known(sentence) if known else ErrorCell(str(result), sentence)
            raise error.in_english()
        if metric.result == "table":
            return _table_in_kind(result, like, kind)
        if lifts and not isinstance(result, list):
            result = [[result]]
        return _in_kind(result, like, kind, name) if isinstance(result, list) else result

    call.__doc__ = docstring(metric)
    plain = [p.replace(annotation=p.annotation.__origin__) for p in signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=plain)  # type: ignore[attr-defined]
    return call


# What came in


def _kind(value: Any) -> str:
    """Whether a value is a "cell", "list", "array", "series", "frame" or "lazy" frame."""
    module = type(value).__module__
    if module == "numpy":
        return "array" if value.ndim else "cell"
    if module not in ("builtins", "datetime", "decimal"):
        from kpi_xl import containers  # it imports Narwhals, which plain values do without

        if kind := containers.kind(value):
            return kind
    return "list" if isinstance(value, Iterable) and not isinstance(value, NO_COLUMNS) else "cell"


NO_COLUMNS = (str, bytes, bytearray, set, frozenset, Mapping, Iterator)
"""What gives its parts one by one and is none the less no column: it is refused as a cell.

Sets have no order and nothing twice, mappings give their keys, and iterators cannot be read again.
"""


def _leading(metric: Metric, values: Sequence[Any], kinds: Sequence[str]) -> tuple[Any, str]:
    """The column whose kind and length the result has, and its kind; None and "cell" of none.

    A Series or a frame goes before an array, and that before a list.
    """
    shaping = [
        (value, kind)
        for place, (argument, value, kind) in enumerate(
            zip(metric.arguments, values, kinds, strict=True)
        )
        if kind != "cell"
        and (
            metric.result == "table"
            or (place == 0 if metric.result == "shape" else not argument.arg.column)
        )
    ]
    for wanted in (("series", "frame", "lazy"), ("array",), ("list",)):
        of_kind = [pair for pair in shaping if pair[1] in wanted]
        if of_kind:
            return max(of_kind, key=lambda pair: 0 if pair[1] == "lazy" else len(pair[0]))
    return None, "cell"


def _refuse_other_indexes(metric: Metric, values: Sequence[Any]) -> None:
    """Refuse columns of pandas that belong together but not row by row."""
    groups: dict[str | None, list[tuple[str, Any]]] = {}
    for argument, value in zip(metric.arguments, values, strict=True):
        if hasattr(value, "set_axis") and not argument.arg.alone:
            group = argument.arg.group if argument.arg.column else None
            groups.setdefault(group, []).append((argument.name, value))
    for together in groups.values():
        for (one, first), (other, second) in pairwise(together):
            if len(first) == len(second) and not first.index.equals(second.index):
                raise WrongInput(
                    f"{metric.name}: {one} and {other} have different indexes, and would be paired"
                    " by place: align them first, or hand over their .to_numpy()"
                )


def _block(value: Any, kind: str) -> Any:
    """A Python value as a cell or as a list of rows."""
    if kind == "lazy":
        raise WrongInput(
            "the rows of a lazy frame have no order: name its columns, where kpi_xl.frames has the"
            " function, or collect it"
        )
    if hasattr(value, "set_axis") or (kind == "list" and hasattr(value, "to_numpy")):
        value = value.to_numpy()  # pandas
    elif kind in ("series", "frame"):
        from kpi_xl import containers

        value = containers.cells(value)
    if getattr(getattr(value, "dtype", None), "kind", "") == "M":
        value = value.astype("datetime64[us]")  # finer ones come out as bare numbers
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        value = value.tolist()
    if not isinstance(value, Iterable) or isinstance(value, NO_COLUMNS):
        return _cell(value)
    rows = [row if isinstance(row, list | tuple) else [row] for row in value]
    return [[_cell(cell) for cell in row] for row in rows] or [[None]]


def _cell(value: Any) -> Any:
    """A Python value as a cell; the marks of missing data as a blank."""
    if hasattr(value, "item"):
        value = value.item()
    missing = type(value).__name__ in ("NAType", "NaTType")
    return None if missing or value != value else value


# What goes out


def _table_in_kind(rows: list[list[Any]], like: Any, kind: str) -> Any:
    if kind in ("cell", "list"):
        return rows
    if kind == "array":
        import numpy as np

        return np.array(rows, dtype=object)
    from kpi_xl import containers

    return containers.table(rows, like)


def _in_kind(rows: list[list[Any]], like: Any, kind: str, name: str) -> Any:
    """Results in the kind of the column that they lift over."""
    width = max(map(len, rows), default=1)
    flat = [row[0] for row in rows] if width == 1 else rows[0] if len(rows) == 1 else rows
    if kind in ("cell", "list"):
        return flat
    from kpi_xl import containers

    _warn(rows, name)
    if kind == "array":
        return containers.array(rows if like.ndim == 2 else flat)
    if kind == "series" and width == 1:
        return containers.like_series(flat, like, name)
    names = containers.columns(like) if kind == "frame" else []
    if len(names) != width:
        names = [f"{name}_{number}" for number in range(1, width + 1)]
    return containers.like_frame(names, rows, like)


def _warn(rows: list[list[Any]], name: str) -> None:
    """Warn of the results that are missing, with the first reason."""
    errors = [
        (number, cell)
        for number, row in enumerate(rows, 1)
        for cell in row
        if isinstance(cell, CellError)
    ]
    if errors:
        number, error = errors[0]
        sentence = (
            f"{name}: {len(errors):,} results are missing; the first is in row {number}:"
            f" {error.sentence} ({error})"
        )
        warnings.warn(sentence, RuntimeWarning, stacklevel=4)
