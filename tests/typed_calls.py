"""What a type checker takes the calls of Python code for; mypy reads this file, nothing runs it."""

from datetime import date
from typing import Any, assert_type

import numpy as np
import polars as pl
from numpy.typing import NDArray

import kpi_xl
from kpi_xl import frames

array: NDArray[np.float64] = np.array([1.0, 2.0])
column = pl.Series([1.0, 2.0])
orders = pl.DataFrame({"who": ["Ann"], "day": [date(2024, 1, 1)]})

assert_type(kpi_xl.cac(50_000, 250), float)
assert_type(kpi_xl.cac([50_000, 1], 250), list[Any])
assert_type(kpi_xl.cac(array, 250), NDArray[np.float64])
assert_type(kpi_xl.cac(50_000, column), pl.Series)
assert_type(kpi_xl.cac(column, [1, 2]), pl.Series)
assert_type(kpi_xl.kpi_status(95, 100, tolerance=0.01), str)
assert_type(kpi_xl.nps(column), float)
assert_type(kpi_xl.cohort(["Ann"], [date(2024, 1, 1)]), list[list[Any]])
assert_type(kpi_xl.cohort(orders, "who", "day", period="Q"), pl.DataFrame)
assert_type(frames.cohort(orders.lazy(), "who", "day"), pl.LazyFrame)
kpi_xl.cac("x", 1)  # type: ignore[call-overload]
print(kpi_xl.no_such_function)  # type: ignore[attr-defined]
