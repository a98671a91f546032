"""The retention workbook: cohorts, segments and value of real orders."""

import io
from datetime import date, timedelta

import openpyxl
import pandas as pd
import pytest
from kpi_xl.workbook_templates.parts import HEADER, Data, build
from kpi_xl.workbook_templates.retention import TEMPLATE, sample
from kpi_xl.workbook_templates.writing import Built

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


def small() -> Data:
    """A year of a small shop, with names for customers and a text that looks like a formula."""
    start = date(2024, 1, 1)
    names = ["Ann", "Bob", '=HYPERLINK("x")', "+1", "@cmd", "Даша", "7"]
    return {
        "Orders": {
            "customer": [names[n % 7] for n in range(80)],
            "date": [start + timedelta(days=n * 5 % 366) for n in range(80)],
            "amount": [10.0 + n % 9 for n in range(80)],
        }
    }


@pytest.fixture(scope="module")
def demo() -> Built:
    return build(TEMPLATE, *sample())


def test_figures_of_cdnow(demo: Built) -> None:
    """Counted from the log with pandas, and not by the workbook's functions."""
    file = io.BytesIO(demo.content)
    orders = pd.read_excel(file, sheet_name="Orders", header=HEADER, engine="openpyxl")
    assert list(orders.columns) == ["customer", "date", "amount"]
    assert len(orders) == 6919
    by_customer = orders.groupby("customer")
    days = by_customer["date"].nunique()
    last = (orders["date"].max() - by_customer["date"].max()).dt.days
    figures = dict(demo.headlines)
    assert figures["Customers"] == "2,357"
    assert figures["Repeat purchase rate"] == f"{(days > 1).mean():.1%}"
    assert figures["Churn rate"] == f"{(last > 180).mean():.1%}"
    assert figures["Average order value"] == f"{orders['amount'].mean():,.2f}"
    assert figures["Revenue per customer"] == f"{orders['amount'].sum() / 2357:,.2f}"


def test_pandas_sees_numbers(demo: Built) -> None:
    file = io.BytesIO(demo.content)
    shown = pd.read_excel(file, sheet_name="Curve", header=4, usecols="A:D", engine="openpyxl")
    curve = shown.dropna()
    assert list(curve.columns) == ["age", "customers at risk", "active", "rate"]
    assert curve["rate"].iloc[0] == 1.0
    assert curve["rate"].iloc[1:].between(0, 0.2).all()


def test_a_small_shop() -> None:
    values = build(TEMPLATE, small()).values
    assert values["Model", 5, 1][0][0] == "customer"
    assert len(values["Model", 5, 1]) == 8


def test_many_cohorts_make_more_room() -> None:
    days = [date(2020, 1, 1) + timedelta(days=31 * n) for n in range(40)]
    orders = {"customer": list(range(40)), "date": days, "amount": [5.0] * 40}
    content, values, _ = build(TEMPLATE, {"Orders": orders})
    shown = openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Cohorts"]
    labels = [cell.value for (cell,) in shown["A6:A46"]]
    assert labels[39] == days[-1].strftime("%Y-%m")
    assert values["Cohorts", 3, 1] == ""  # no warning that rows are missing


def test_the_checks_find_what_is_wrong() -> None:
    data = small()["Orders"]
    data["customer"][3] = data["amount"][7] = data["amount"][9] = None
    values = build(TEMPLATE, {"Orders": data}).values
    found = [(values["Checks", row, 2], values["Checks", row, 3]) for row in (6, 7, 11)]
    assert found == [(1, HEADER + 5), (0, ""), (2, HEADER + 9)]
    assert values["Summary", 3, 2].startswith("3 rows of data to look at")
