"""Marketing KPIs as Excel functions, and the same functions for Python.

>>> import kpi_xl
>>> kpi_xl.cac(50_000, 250)
200.0
>>> kpi_xl.conversion_rate([50, 30], [1000, 400])
[0.05, 0.075]
"""

from typing import TYPE_CHECKING

from kpi_xl.errors import (
    CellError,
    KpiError,
    NotEnoughData,
    OutOfDomain,
    WrongInput,
    ZeroDenominator,
)
from kpi_xl.hosts.python import functions
from kpi_xl.metrics import METRICS

if TYPE_CHECKING:  # the signatures, for editors and type checkers
    from kpi_xl.metrics.acquisition import *
    from kpi_xl.metrics.content import *
    from kpi_xl.metrics.experiments import *
    from kpi_xl.metrics.goals import *
    from kpi_xl.metrics.help import *
    from kpi_xl.metrics.retention import *
    from kpi_xl.metrics.returns import *
    from kpi_xl.metrics.sales import *
    from kpi_xl.metrics.social import *
    from kpi_xl.metrics.tables import *
    from kpi_xl.metrics.value import *
    from kpi_xl.metrics.web import *

__version__ = "0.1.0"

_functions = functions()
globals().update(_functions)

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
__all__ += list(_functions)
