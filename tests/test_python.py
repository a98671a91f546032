"""The functions as Python functions."""

import copy
import doctest
import inspect
import io
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import kpi_xl
from kpi_xl import METRICS, bounded
from kpi_xl.errors import ErrorCell, WrongInput


def test_numbers_in_a_number_out() -> None:
    assert kpi_xl.cac(50_000, 250) == 200.0
    assert kpi_xl.cac(spend=50_000, new_customers=250) == 200.0
    assert kpi_xl.clv(50, 4, 3, discount_rate=0) == 600.0
    assert kpi_xl.kpi_status(95, 100, tolerance=0.01) == "off track"


def test_columns_lift_and_stay_of_their_kind() -> None:
    assert kpi_xl.cac([1, 2], [2, 2]) == [0.5, 1.0]
    assert kpi_xl.cac([1], [2]) == [0.5]
    assert kpi_xl.cac([], []) == []
    assert kpi_xl.cac([np.int64(5), np.float32(2)], 2) == [2.5, 1.0]
    assert kpi_xl.ab_interval(48, 80, 56, 70) == pytest.approx([0.0524, 0.3339], abs=5e-5)
    found = kpi_xl.cac(np.array([1.0, 2.0]), np.int64(2))
    np.testing.assert_array_equal(found, np.array([0.5, 1.0]), strict=True)
    found = kpi_xl.cac([1, 2], np.array([[2, 4]]))
    np.testing.assert_array_equal(found, np.array([[0.5, 0.25], [1.0, 0.5]]), strict=True)
    assert kpi_xl.kpi_status(np.array([6.0, 5.0]), 6).tolist() == ["on track", "off track"]


BY_MONTH = pd.Index(["Jan", "Feb", "Mar"], name="month")
SPEND = pd.Series([10.0, 20.0, 30.0], BY_MONTH, name="spend")


def test_a_series_of_pandas_keeps_its_index() -> None:
    customers = pd.Series([2, 4, 5], BY_MONTH)
    expected = pd.Series([5.0, 5.0, 6.0], BY_MONTH, name="cac")
    pd.testing.assert_series_equal(kpi_xl.cac(SPEND, customers), expected)
    pd.testing.assert_series_equal(kpi_xl.cac([10, 20, 30], customers), expected)
    pd.testing.assert_series_equal(kpi_xl.cac(SPEND[:1], 2), expected[:1])
    assert kpi_xl.cac(SPEND[:0], 2).dtype == float
    status = kpi_xl.kpi_status(SPEND, 20)
    assert status.to_dict() == {"Jan": "off track", "Feb": "on track", "Mar": "on track"}
    found = kpi_xl.kpi_anomaly(SPEND)  # a row each, in place
    pd.testing.assert_series_equal(found, pd.Series([False] * 3, BY_MONTH, name="kpi_anomaly"))
    assert kpi_xl.nps(pd.Series([10, 9, 0], BY_MONTH)) == pytest.approx(100 / 3)
    ends = kpi_xl.ab_interval(pd.Series([48, 48], ["x", "y"]), 80, 56, 70)
    assert ends.loc["y"].tolist() == pytest.approx([0.0524, 0.3339], abs=5e-5)
    frame = pd.DataFrame({"ads": [1.0, 2.0], "mail": [3.0, 4.0]}, ["x", "y"])
    pd.testing.assert_frame_equal(kpi_xl.cac(frame, 2), frame / 2)


def test_series_of_different_indexes_are_not_paired_by_place() -> None:
    others = pd.Series([2, 4, 5], ["Mar", "Feb", "Jan"])
    with pytest.raises(kpi_xl.WrongInput, match="CAC: spend and new_customers have different"):
        kpi_xl.cac(SPEND, others)
    with pytest.raises(kpi_xl.WrongInput, match="channels and values have different"):
        kpi_xl.channel_mix(SPEND, others)
    assert kpi_xl.cac(SPEND, others.to_numpy()).index is BY_MONTH


def test_series_of_polars_and_pyarrow_stay_what_they_are() -> None:
    found = kpi_xl.cac(pl.Series("spend", [10, 20]), 2)
    assert found.equals(pl.Series("cac", [5.0, 10.0]), check_names=True, check_dtypes=True)
    table = pl.DataFrame({"spend": [10.0], "won": [2]})
    assert table.with_columns(kpi_xl.cac(table["spend"], table["won"]))["cac"].to_list() == [5.0]
    pa = pytest.importorskip("pyarrow", reason="its columns are those of this package")
    arrow = kpi_xl.cac(pa.chunked_array([[10, 20], [None]]), [2, 2, 1])
    assert arrow.equals(pa.chunked_array([[5.0, 10.0, 0.0]]))


def test_what_cannot_be_computed_is_missing_in_typed_columns() -> None:
    """As in the cells an error stays one; a column of numbers has no room for its sentence."""
    customers = [2, 0, 5]
    assert kpi_xl.cac([10.0, 20.0, 30.0], customers)[1] == "#DIV/0!"
    for spend in (SPEND, SPEND.to_numpy(), pl.Series(SPEND.to_list())):
        with pytest.warns(RuntimeWarning, match="cac: 1 results are missing; .* row 2: new_cust"):
            found = kpi_xl.cac(spend, customers)
        first, missing, last = found
        assert (first, last) == (5.0, 6.0)
        assert missing is None or np.isnan(missing)
    with pytest.raises(kpi_xl.WrongInput, match="3 rows"):
        kpi_xl.cac(SPEND, [1, 2])


ORDERS = pd.DataFrame(
    {
        "who": [2**53, 2**53 + 1, 2**53],
        "day": pd.to_datetime(["2024-01-05", "2024-01-09", "2024-02-03"]),
        "paid": [5.0, 6.0, 7.0],
    },
    [7, 8, 9],
)


def test_tables_are_frames_of_the_kind_that_came_in() -> None:
    columns = ORDERS["paid"], ORDERS["day"]
    expected = pd.DataFrame({"cohort": ["2024-01", "2024-02"], "size": [2.0, 1.0], "0": 1.0,
                             "1": [0.0, np.nan]})  # fmt: skip
    pd.testing.assert_frame_equal(kpi_xl.cohort(*columns), expected)
    pd.testing.assert_frame_equal(kpi_xl.cohort(ORDERS, "paid", "day"), expected)
    pd.testing.assert_frame_equal(kpi_xl.cohort(ORDERS, customer="paid", date="day"), expected)
    found = kpi_xl.cohort(*map(pl.Series, map(list, columns)))
    assert found.equals(pl.DataFrame(expected.to_dict("list")).fill_nan(None))
    found = kpi_xl.cohort(pl.LazyFrame(ORDERS.to_dict("list")), "paid", "day")
    assert isinstance(found, pl.LazyFrame)
    found = kpi_xl.cohort(*(column.to_numpy() for column in columns))
    assert found.tolist() == kpi_xl.cohort(*map(list, columns))
    with pytest.raises(kpi_xl.WrongInput, match="a lazy frame have no order"):
        kpi_xl.channel_mix(pl.LazyFrame({"a": ["x"]}), [1.0])


def test_customers_are_told_apart_by_all_their_digits() -> None:
    for orders in (ORDERS, pl.DataFrame(ORDERS.to_dict("list"))):
        found = kpi_xl.rfm(orders, "who", "day", "paid")
        assert list(map(int, found["customer"].to_numpy())) == [2**53, 2**53 + 1]


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
    copied = pickle.loads(pickle.dumps(error.value))  # as from another process
    assert (copied.code, str(copied)) == ("#REF!", str(error.value))
    assert kpi_xl.cac([1, 1], [1, 0])[1].sentence.startswith("new_customers is 0")


class TooFewRows(kpi_xl.NotEnoughData):
    """An error of a company's own, which is made in its own way."""

    def __init__(self, rows: int, least: int) -> None:
        super().__init__("{rows} of {least} rows", rows=rows, least=least)


def test_what_is_no_column_is_refused() -> None:
    """A set has no 9 twice, bytes are numbers of letters, a mapping gives its keys."""
    for value in ({10, 9}, frozenset([1.0]), b"10", {10: "Ann"}, iter([10]), (n for n in (10, 9))):
        with pytest.raises(WrongInput, match="of the type"):
            kpi_xl.nps(value)
        with pytest.raises(WrongInput, match="of the type"):
            kpi_xl.cac(value, 5)
    orders = {"Ann": 30.0, "Bob": 10.0}
    assert kpi_xl.channel_mix(orders.keys(), orders.values())[1] == ["Ann", 30.0, 0.75, 0.75]
    assert kpi_xl.nps(range(9, 11)) == kpi_xl.nps((9, 10)) == 100.0


def test_errors_of_a_companys_own_are_told_and_copied() -> None:
    error = TooFewRows(3, 5)
    for one in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert isinstance(one, TooFewRows)
        assert (str(one), one.shown(), one.fields) == (
            "3 of 5 rows", "#N/A", {"rows": 3, "least": 5}
        )  # fmt: skip


def test_errors_come_out_of_a_process_that_may_hand_over_no_code() -> None:
    for error in (kpi_xl.OutOfDomain("{n} is below 0", n=-1), ErrorCell("#REF!", "it is {n}", n=2)):
        read = bounded._Plain(io.BytesIO(pickle.dumps(error))).load()
        assert (type(read), read.code, str(read)) == (type(error), error.code, str(error))


def test_every_function_is_there_and_documented() -> None:
    for name, metric in METRICS.items():
        function = getattr(kpi_xl, name.lower())
        assert list(inspect.signature(function).parameters) == [a.name for a in metric.arguments]
        assert metric.summary in " ".join(inspect.getdoc(function).split())
        assert metric.example[0] in function.__doc__
        assert name.lower() in kpi_xl.__all__


def test_the_examples_in_the_package_docstring() -> None:
    assert doctest.testmod(kpi_xl).failed == 0
