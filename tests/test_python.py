"""The functions as Python functions."""

import doctest
import inspect

import numpy as np
import pandas as pd
import pytest

import kpi_xl
from kpi_xl import METRICS


def test_numbers_in_a_number_out() -> None:
    assert kpi_xl.cac(50_000, 250) == 200.0
    assert kpi_xl.cac(spend=50_000, new_customers=250) == 200.0
    assert kpi_xl.clv(50, 4, 3, discount_rate=0) == 600.0
    assert kpi_xl.kpi_status(95, 100, tolerance=0.01) == "off track"


def test_columns_of_every_kind_lift() -> None:
    assert kpi_xl.cac([1, 2], [2, 2]) == [0.5, 1.0]
    assert kpi_xl.cac(np.array([1.0, 2.0]), np.int64(2)) == [0.5, 1.0]
    assert kpi_xl.cac([np.int64(5), np.float32(2)], 2) == [2.5, 1.0]
    assert kpi_xl.cac(pd.Series([1, 2]), 2) == [0.5, 1.0]
    assert kpi_xl.cac(pd.DataFrame({"spend": [1, 2]}), 2) == [0.5, 1.0]
    assert kpi_xl.ab_interval(48, 80, 56, 70) == pytest.approx([0.0524, 0.3339], abs=5e-5)


def test_missing_data_is_blank() -> None:
    for missing in (None, float("nan"), pd.NA, pd.NaT, np.nan):
        assert kpi_xl.nps([10, missing, 0]) == 0.0
    assert kpi_xl.nps(pd.Series([10, None, 9])) == 100.0


def test_an_error_is_raised_with_its_sentence() -> None:
    with pytest.raises(kpi_xl.ZeroDenominator, match="CAC: new_customers is 0"):
        kpi_xl.cac(1, 0)
    with pytest.raises(kpi_xl.OutOfDomain):
        kpi_xl.cac(1, -1)
    with pytest.raises(kpi_xl.WrongInput):
        kpi_xl.cac("x", 1)
    with pytest.raises(kpi_xl.NotEnoughData):
        kpi_xl.nps([])
    with pytest.raises(kpi_xl.KpiError) as error:
        kpi_xl.cac("#REF!", 1)
    assert error.value.code == "#REF!"
    assert kpi_xl.cac([1, 1], [1, 0])[1].sentence.startswith("new_customers is 0")


def test_every_function_is_there_and_documented() -> None:
    for name, metric in METRICS.items():
        function = getattr(kpi_xl, name.lower())
        assert list(inspect.signature(function).parameters) == [a.name for a in metric.arguments]
        assert metric.summary in " ".join(inspect.getdoc(function).split())
        assert metric.example[0] in function.__doc__
        assert name.lower() in kpi_xl.__all__


def test_the_examples_in_the_package_docstring() -> None:
    assert doctest.testmod(kpi_xl).failed == 0
