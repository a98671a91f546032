"""The types of `kpi_xl` for editors and type checkers: a signature a kind of what comes in."""

import inspect
import re
from collections.abc import Iterator

from kpi_xl import METRICS, frames
from kpi_xl.registry import Argument, Metric
from kpi_xl.units import DATE, KEY, TEXT

HEAD = '''"""Marketing KPIs as Excel functions, and the same functions for Python.

Written from the functions' own records by tests/generated.py: do not edit it here.
"""

# mypy: disable-error-code="overload-overlap"

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeVar, overload

import numpy as np

from kpi_xl.errors import CellError as CellError
from kpi_xl.errors import KpiError as KpiError
from kpi_xl.errors import NotEnoughData as NotEnoughData
from kpi_xl.errors import OutOfDomain as OutOfDomain
from kpi_xl.errors import WrongInput as WrongInput
from kpi_xl.errors import ZeroDenominator as ZeroDenominator
from kpi_xl.metrics import METRICS as METRICS

class _Array(Protocol):
    """An array, a Series or a frame."""

    @property
    def shape(self) -> tuple[int, ...]: ...

_Number = float | np.number[Any] | Decimal | None
_Day = date | float | str | None
_Key = str | float | None
_List = list[Any] | tuple[Any, ...]
_Column = _List | _Array
_A = TypeVar("_A", bound=_Array)
_Frame = TypeVar("_Frame")

__version__: str
__all__: list[str]
'''


def stub() -> str:
    return HEAD + "".join(map(_function, METRICS.values()))


def _function(metric: Metric) -> str:
    name, kernel = metric.kernel.__name__, inspect.signature(metric.kernel).return_annotation
    result = "list[Any]" if metric.result == "row" else getattr(kernel, "__name__", "")
    if metric.result in ("table", "shape"):
        lists = "list[list[Any]]" if metric.result == "table" else "list[Any]"
        kinds = [("_List", lists), ("_Array", "Any")] if metric.arguments[0].arg.column else [
            ("", lists)]  # fmt: skip
        made = [(_parameters(metric, column), returns) for column, returns in kinds]
    elif all(argument.arg.column for argument in metric.arguments):
        made = [(_parameters(metric, "_Column"), result)]
    else:
        array = "_A" if metric.result == "value" else "_Array"
        made = [
            (_parameters(metric, "_Column"), result),
            (_parameters(metric, "_Column", "_List"), "list[Any]"),
            (_parameters(metric, "_Column", f"_List | {array}"),
             "_A" if array == "_A" else "Any"),
        ]  # fmt: skip
    if name in frames.FUNCTIONS:
        made.insert(0, (_over_frame(name), "_Frame"))
    summary = f'\n    """{metric.summary}"""'
    if len(made) == 1:
        return f"\ndef {name}({made[0][0]}) -> {made[0][1]}:{summary}\n"
    return "\n" + "".join(
        f"@overload\ndef {name}({parameters}) -> {returns}:{' ...' if number else summary}\n"
        for number, (parameters, returns) in enumerate(made)
    )


def _parameters(metric: Metric, column: str, lifted: str = "") -> str:
    """The parameters, with the types of those that take a column and of those that lift."""
    first = metric.arguments[0] if metric.result in ("table", "shape") else None
    return ", ".join(
        f"{one.name}: {_type(one, column if one is first or first is None else '_Column', lifted)}"
        + " = ..." * (not one.required)
        for one in metric.arguments
    )


def _type(argument: Argument, column: str, lifted: str) -> str:
    if argument.arg.column:
        return column if argument.required else f"{column} | None"
    unit = argument.arg.unit
    text = unit is TEXT or bool(argument.arg.words)
    cell = "str | None" if text else {DATE: "_Day", KEY: "_Key"}.get(unit, "_Number")
    return f"{cell} | {lifted}" if lifted else cell


def _over_frame(name: str) -> str:
    function = frames.FUNCTIONS[name]
    signature = inspect.signature(function.__wrapped__)  # type: ignore[attr-defined]
    first, *rest = signature.parameters.values()
    return ", ".join([f"{first.name}: _Frame", "/", *_plain(rest)])


def _plain(parameters: list[inspect.Parameter]) -> Iterator[str]:
    for one in parameters:
        kind = one.annotation
        text = kind if isinstance(kind, str) else inspect.formatannotation(kind)
        text = re.sub(r"\b(?:collections\.abc|typing|datetime)\.", "", text)
        text = {"Day": "_Day", "IntoFrame": "Any"}.get(text, text)
        yield f"{one.name}: {text}" + " = ..." * (one.default is not one.empty)
