"""Marketing KPIs as Excel functions, and the same functions for Python.

>>> import kpi_xl
>>> kpi_xl.cac(50_000, 250)
200.0
>>> kpi_xl.conversion_rate([50, 30], [1000, 400])
[0.05, 0.075]

The functions' signatures, for editors and type checkers, are in __init__.pyi.
"""

from typing import Any

from kpi_xl.errors import (
    CellError,
    KpiError,
    NotEnoughData,
    OutOfDomain,
    WrongInput,
    ZeroDenominator,
)
from kpi_xl.metrics import METRICS
from kpi_xl.own_files import any_defined

__version__ = "0.1.0"

__all__ = [
    "METRICS",
    "CellError",
    "KpiError",
    "NotEnoughData",
    "OutOfDomain",
    "WrongInput",
    "ZeroDenominator",
    "__version__",
]
if any_defined():  # a company's own, among the others
    from kpi_xl.own import load

    load()
__all__ += [metric.kernel.__name__ for metric in METRICS.values()]


def __getattr__(name: str) -> Any:
    """Make each function when it is first asked for: a hundred of them take their time."""
    if name.upper() not in METRICS or not name.islower():
        raise AttributeError(f"module 'kpi_xl' has no attribute {name!r}")
    from kpi_xl.python_api import function

    made = globals()[name] = function(METRICS[name.upper()])
    return made


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
