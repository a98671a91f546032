"""The functions for Excel, as xlwings reads them: COM on Windows, Office.js elsewhere.

xlwings takes the name from `__name__`, the help from `__doc__`, the arguments from
`__signature__` and the options of each from its annotation. With two dimensions and errors as
text, its engine of COM hands over each argument as a list of rows, or None where it was left out.
What Office.js sends is read here: xlwings would make one of a blank cell and an empty text.
"""

import sys
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, cast

import xlwings as xw

from kpi_xl import cells
from kpi_xl.errors import CellError
from kpi_xl.hosts import blanks
from kpi_xl.locales import Message
from kpi_xl.metrics import METRICS
from kpi_xl.reference import argument_help, one_line
from kpi_xl.registry import Metric

# COM hands over an error cell as an integer; xlwings knows the seven old ones. The numbers of these
# are in Microsoft's XlCVError enumeration. Where Office.js is the host, an integer is a number.
NEWER_ERRORS = {
    -2146828288 + number: code
    for number, code in (
        *((2043, "#GETTING_DATA"), (2045, "#SPILL!"), (2046, "#CONNECT!"), (2047, "#BLOCKED!")),
        *((2048, "#UNKNOWN!"), (2049, "#FIELD!"), (2050, "#CALC!")),
    )
    if not xw.on_server
}

READ = {"ndim": 2, "err_to_str": True} | ({"convert": "raw"} if xw.on_server else {})
"""How xlwings is to hand over an argument."""

NOT_EVERYWHERE = ("numpy", "scipy")  # a browser's Python has them only where it was asked for them


def functions() -> dict[str, Callable[..., Any]]:
    """Every function under its cell name, ready for a module that xlwings loads."""
    return {name: function(metric) for name, metric in METRICS.items()}


def function(metric: Metric) -> Callable[..., Any]:
    """A metric as an xlwings function of blocks of cells."""

    evaluate = blanks.evaluate if xw.on_server else cells.evaluate

    def call(*blocks: Any) -> Any:
        try:
            return evaluate(metric, [as_rows(block) for block in blocks])
        except ModuleNotFoundError as missing:
            if package(missing) not in NOT_EVERYWHERE:
                raise
            sentence = missing_package(metric, missing)
            print(sentence, file=sys.stderr)  # xlwings Lite shows it in its pane
            return CellError("#NAME?", sentence)

    parameters = [
        Parameter(
            argument.name,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if argument.required else None,
            annotation=Annotated[list, {"doc": argument_help(argument), **READ}],
        )
        for argument in metric.arguments
    ]
    call.__name__ = call.__qualname__ = metric.name
    call.__doc__ = one_line(metric)
    call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return cast(Callable[..., Any], xw.func(**options(metric))(call))


def package(missing: ModuleNotFoundError) -> str:
    """The package of a missing module, which is what can be installed: scipy of scipy.special."""
    return (missing.name or "").partition(".")[0]


def missing_package(metric: Metric, missing: ModuleNotFoundError) -> Message:
    """The sentence for a function whose package is not there."""
    text = (
        "{name} computes with the package {package}, which is not installed here: in xlwings Lite,"
        " write its name into requirements.txt and restart; elsewhere, install it"
    )
    return Message(text, name=metric.name, package=package(missing))


def options(metric: Metric) -> dict[str, Any]:
    """What xlwings is told of a function as a whole."""
    # Not kept out of the function wizard: xlwings' way of it shows 0 while a workbook opens.
    return {"category": f"KPI {metric.family}"}


def as_rows(argument: Any) -> Any:
    """An argument as `cells` takes it."""
    return from_office(argument) if xw.on_server else with_errors(argument)


def with_errors(block: Any) -> Any:
    """A block with the newer errors as text, as xlwings gives the old ones."""
    if not isinstance(block, list) or NEWER_ERRORS.keys().isdisjoint(
        cell for row in block for cell in row if type(cell) is int
    ):
        return block
    return [
        [NEWER_ERRORS.get(cell, cell) if type(cell) is int else cell for cell in row]
        for row in block
    ]


def from_office(value: Any) -> Any:
    """An argument of Office.js as rows; a blank cell is None in them, where it is sent as null.

    xlwings hands over a single cell without its rows, and a single row without the list of it.
    """
    if value is None:
        return None
    rows = value if isinstance(value, list) else [value]
    if not isinstance(rows[0], list):
        rows = [rows]
    return [[_sent(cell) for cell in row] for row in rows]


def _sent(cell: Any) -> Any:
    if isinstance(cell, dict):  # an error, or a number with its format
        return cell["basicValue"]
    return None if type(cell).__name__ == "JsNull" else cell  # which Pyodide makes of null
