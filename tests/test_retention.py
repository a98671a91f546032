"""The retention workbook: cohorts, segments and value of real orders."""

import io
import re
import warnings
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import demos
import openpyxl
import pandas as pd
import pytest
from hosts import pdf_texts
from kpi_xl.workbook_templates import retention
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import HEADER, Data
from kpi_xl.workbook_templates.retention import SHARES, TEMPLATE, TOP, sample
from kpi_xl.workbook_templates.writing import Built
from workbooks import rows_of, set_to, sheet, typed_into

from kpi_xl.cells import Cell
from kpi_xl.engine.embedded import calculate
from kpi_xl.errors import EXCEL_ERRORS
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package

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
    return demos.demo(TEMPLATE.name).built


def test_a_viewer_without_our_functions_shows_no_error_where_no_order_has_an_amount(
    tmp_path: Path,
) -> None:
    """LibreOffice computes what is an empty text anew, and what that needs."""
    data = small()
    data["Orders"]["amount"] = [None] * len(data["Orders"]["amount"])
    (tmp_path / "book.xlsx").write_bytes(build(TEMPLATE, data).content)
    text = pdf_texts([tmp_path / "book.xlsx"], tmp_path)["book"]
    assert "#NAME?" not in re.sub(r"into\s+#NAME", "", text)  # what Start says of an edit


def test_figures_of_cdnow(demo: Built) -> None:
    """Counted from the log with pandas, and not by the workbook's functions."""
    file = io.BytesIO(demo.content)
    orders = pd.read_excel(file, sheet_name="Orders", header=HEADER, engine="openpyxl")
    assert list(orders.columns) == ["customer", "date", "amount", "order", "status"]
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


@pytest.fixture(scope="module")
def small_shop() -> Built:
    return build(TEMPLATE, small())


def test_a_small_shop(small_shop: Built) -> None:
    values = small_shop.values
    assert values["Model", 5, 1][0][0] == "customer"
    assert len(values["Model", 5, 1]) == 8


def test_who_has_returns_alone_is_no_customer() -> None:
    """By hand: Ann bought twice and Bob once; Cy and Di gave back what they bought before.

    Revenue is 60 less 15; Bob has not bought for 200 days.
    """
    orders = {
        "customer": ["Cy", "Ann", "Bob", "Ann", "Di"],
        "date": [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3), date(2024, 7, 21),
                 date(2024, 1, 4)],
        "amount": [-10.0, 20.0, 30.0, 10.0, -5.0],
    }  # fmt: skip
    built = build(TEMPLATE, {"Orders": orders})
    shown = dict(built.headlines)
    assert [shown[name] for name in (
        "Customers", "Repeat customers", "Repeat purchase rate", "Lost customers", "Churn rate",
        "Revenue", "Revenue per customer",
    )] == ["2", "1", "50.0%", "1", "50.0%", "45.00", "22.50"]  # fmt: skip
    segments = below(sheet(built, "Segments"), "segment", len(retention.SEGMENTS))
    assert sum(float(str(line[1])) for line in segments) == 2
    assert sum(float(str(line[2])) for line in segments) == 1
    assert "✗ no" not in built.values.values()


@pytest.mark.parametrize(
    ("days", "lost", "churn", "word"),
    [
        (60, "", "", "Too few days of data yet"),
        (180, "", "", "Too few days of data yet"),  # for 180 days, and not for more
        (181, "1", "50.0%", "No purchase for so long"),
    ],
)
def test_nobody_is_lost_before_the_data_are_long_enough(
    days: int, lost: str, churn: str, word: str
) -> None:
    """One buys on the first day alone, one on the last; lost is who has not bought for 180 days."""
    first = date(2026, 1, 1)
    bought = [first, first + timedelta(days)]
    orders: dict[str, Any] = {"customer": ["a", "b"], "date": bought, "amount": [10.0, 20.0]}
    built = build(TEMPLATE, {"Orders": orders})
    figures = dict(built.headlines)
    assert (figures["Lost customers"], figures["Churn rate"]) == (lost, churn)
    rows = {row: value for (title, row, column), value in built.values.items()
            if (title, column) == ("Summary", 4)}  # fmt: skip
    assert word in rows.values()


def test_many_cohorts_make_more_room() -> None:
    days = [date(2020, 1, 1) + timedelta(days=31 * n) for n in range(40)]
    orders = {"customer": list(range(40)), "date": days, "amount": [5.0] * 40}
    content, values, *_ = build(TEMPLATE, {"Orders": orders})
    shown = openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Cohorts"]
    labels = [cell.value for (cell,) in shown["A6:A46"]]
    assert labels[39] == days[-1].strftime("%Y-%m")
    assert values["Cohorts", 3, 1] == ""  # no warning that rows are missing


def test_the_checks_find_what_is_wrong() -> None:
    data = small()["Orders"]
    data["customer"][3] = data["amount"][7] = data["amount"][9] = None
    built = build(TEMPLATE, {"Orders": data})
    values, labels = built.values, [str(row[0]) for row in sheet(built, "Checks")]
    found = {}
    for label in ("Orders without a customer", "Orders without a date", "Orders without an amount"):
        row = labels.index(label) + 1
        found[label] = (values["Checks", row, 2], values["Checks", row, 3])
    assert list(found.values()) == [(1, HEADER + 5), (0, ""), (2, HEADER + 9)]
    assert values["Summary", 3, 2].startswith("Rows of data to look at: 3;")
    assert "Over the whole time" in values.values()  # beside a figure that shows an error


ADDRESSES = "E-mail addresses that differ in capitals alone"


def addressed(*names: str) -> Data:
    """An order a day of each, in January 2024."""
    start = date(2024, 1, 1)
    return {
        "Orders": {
            "customer": [*names],
            "date": [start + timedelta(days=n) for n in range(len(names))],
            "amount": [10.0] * len(names),
        }
    }


def test_e_mail_addresses_that_differ_in_capitals_are_one_customer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted by hand: Ann bought three times; Bob and bob are no addresses, and are two."""
    names = (
        "Ann@Example.com",
        " ann@example.com ",
        "ANN@example.com",
        "bob@example.com",
        "Bob",
        "bob",
    )
    built = build(TEMPLATE, addressed(*names))
    figures = dict(built.headlines)
    assert (figures["Customers"], figures["Repeat customers"]) == ("4", "1")
    assert figures["Repeat purchase rate"] == "25.0%"
    assert built.values["Model", TOP + 1, 1][1][:4] == ["ann@example.com", 3, 3, 30]
    for spill in (SHARES, retention.COUNTS):
        assert built.values["Model", TOP + 1, spill.column + 1][1][:2] == ["2024-01", 4]
    assert problems_of(built)[ADDRESSES] == 2
    set_to(monkeypatch, retention, {"Addresses": "as written"})
    built = build(TEMPLATE, addressed(*names))
    figures = dict(built.headlines)
    assert (figures["Customers"], figures["Repeat customers"]) == ("6", "0")
    assert problems_of(built)[ADDRESSES] == 2


def test_capitals_tell_customers_apart_that_are_no_addresses() -> None:
    built = build(TEMPLATE, addressed("ann", "Ann", "b", "c", "c"))
    assert dict(built.headlines)["Customers"] == "4"
    assert problems_of(built)[ADDRESSES] == 0


def problems(data: Data) -> dict[str, Cell]:
    """How often Checks finds what in data."""
    return problems_of(build(TEMPLATE, data))


def problems_of(built: Built) -> dict[str, Cell]:
    """How often Checks finds what."""
    rows = enumerate(sheet(built, "Checks"), start=1)
    return {str(row[0]): built.values.get(("Checks", number, 2)) for number, row in rows}


@pytest.mark.parametrize("day", [date(2999, 1, 1), date(1900, 1, 1), date(2099, 12, 31)])
def test_a_date_centuries_away_makes_no_cohorts_and_is_named(day: date) -> None:
    data = small()
    data["Orders"]["date"][3] = day
    built = build(TEMPLATE, data)
    assert len(read_package(built.content).formulas) < 6_000
    assert built.values["Model", TOP + 1, SHARES.column + 1] == ""
    assert built.values["Cohorts", TOP + 2, 1] == ""
    row = [str(line[0]) for line in sheet(built, "Checks")].index(APART) + 1
    assert built.values["Checks", row, 2] == 1
    assert built.values["Checks", row, 3] == HEADER + 5


APART = "Orders years apart from all others"


def test_texts_among_numbers_and_dates_are_found() -> None:
    data = {**small(), "Survivors": {"period": [0, 1, 2], "customers": [100, 60, 50]}}
    data["Orders"]["amount"][3] = data["Orders"]["date"][5] = "--"
    data["Survivors"]["customers"] = [100, "n/a", 50]
    found = problems(data)
    assert found["Texts in place of numbers or dates in Orders"] == 2
    assert found["Texts in place of numbers or dates in Survivors"] == 1


@pytest.mark.parametrize("column", ["customers", "compared"])
def test_a_cohort_that_gains_customers_is_found(column: str) -> None:
    survivors: dict[str, list[Cell]] = {
        "period": [0, 1, 2, 3], "customers": [100, 80, 70, 60], "compared": [90, 60, 50, 40]
    }  # fmt: skip
    survivors[column][2] = 95
    found = problems({**small(), "Survivors": survivors})
    assert found["Periods that gain customers"] == 1


def below(rows: list[list[object]], first: str, count: int) -> list[list[object]]:
    """The rows under the one that begins with a header, from its column on."""
    for number, row in enumerate(rows):
        if first in row:
            return [line[row.index(first) :] for line in rows[number + 1 : number + 1 + count]]
    raise AssertionError(f"no column {first}")


def test_revenue_of_cohorts(demo: Built) -> None:
    """Added up order by order, by the month of the customer's first order and the months since."""
    orders = sample().data["Orders"]
    first: dict[object, date] = {}
    for customer, day in zip(orders["customer"], orders["date"], strict=True):
        first[customer] = min(day, first.get(customer, day))
    revenue: dict[tuple[str, int], float] = {}
    for customer, day, amount in zip(*orders.values(), strict=True):
        born = first[customer]
        age = 12 * (day.year - born.year) + day.month - born.month
        place = born.strftime("%Y-%m"), age
        revenue[place] = revenue.get(place, 0.0) + amount
    rows = sheet(demo, "Cohort revenue")
    titles = [row[0] for row in rows]
    kept = rows[titles.index("Share of the first period's revenue") + 2 :][:3]
    brought = rows[titles.index("Revenue") + 2 :][:3]
    for share_row, row in zip(kept, brought, strict=True):
        cohort = row[0]
        for age in range(16):
            assert row[2 + age] == pytest.approx(revenue[cohort, age])
            share = revenue[cohort, age] / revenue[cohort, 0]
            assert share_row[2 + age] == pytest.approx(share)


def test_the_forecast_is_that_of_the_published_model(demo: Built) -> None:
    """Within bounds that do not depend on the fit: who bought lately is likely to be there."""
    figures = dict(demo.headlines)
    rows = demo.values["Model", 5, 18]
    assert isinstance(rows, list)
    forecast = rows[1:]
    assert len(forecast) == 2357
    worth = sorted((float(row[7]) for row in forecast), reverse=True)
    listed = below(sheet(demo, "Value"), "CLV", 20)
    assert [row[0] for row in listed] == pytest.approx(worth[:20])
    assert figures["Revenue to come"] == f"{sum(worth):,.2f}"
    assert figures["Still customers"] == f"{sum(float(row[4]) for row in forecast):,.0f}"
    # The package lifetimes 0.11.3 (ModifiedBetaGeoFitter, no penalty) adds up to 978.5.
    assert figures["Still customers"] == "978"
    assert max(float(row[4]) for row in forecast if row[1] == 0) < 0.9
    by_customer = {row[0]: row for row in forecast}
    names = below(sheet(demo, "Value"), "customer", 20)
    for row in names:
        assert row[4] == pytest.approx(by_customer[row[0]][4])
        assert row[7] == by_customer[row[0]][1]
    risky = [float(row[1]) * float(row[6]) for row in forecast if float(row[4]) < 0.5]
    lost = below(sheet(demo, "Value"), "repeat spend", 12)
    assert [row[0] for row in lost] == pytest.approx(sorted(risky, reverse=True)[:12])


def test_the_weeks_held_back(demo: Built) -> None:
    """Counted from the log; foretold as by the package lifetimes, which knows no prior."""
    data = sample().data["Orders"]
    split = date(1998, 6, 30) - timedelta(weeks=26)
    bought: dict[object, set[date]] = {}
    for customer, day in zip(data["customer"], data["date"], strict=True):
        bought.setdefault(customer, set()).add(day)
    # Everybody had come by then.
    known = [sorted(day for day in days if day <= split) for days in bought.values()]
    came = [sum(day > split for day in days) for days in bought.values()]
    figures = dict(demo.headlines)
    assert figures["Purchases that came"] == f"{sum(came):,}"
    x, t_x, age = (
        pd.Series(column, dtype=float)
        for column in zip(
            *((len(d) - 1, (d[-1] - d[0]).days / 7, (split - d[0]).days / 7) for d in known),
            strict=True,
        )
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes

        model = lifetimes.ModifiedBetaGeoFitter().fit(x, t_x, age)
        each = model.conditional_expected_number_of_purchases_up_to_time(26, x, t_x, age)
    foretold = float(figures["Purchases foretold"].replace(",", ""))
    assert foretold == pytest.approx(each.sum(), rel=0.01)
    rows = sheet(demo, "Was it right")
    by_week = below(rows, "week", 26)
    assert sum(row[1] for row in by_week) == by_week[-1][3] == sum(came)
    assert by_week[-1][4] == pytest.approx(each.sum(), rel=0.01)
    by_frequency = below(rows, "repeat purchases before", 8)
    for count, row in enumerate(by_frequency):
        these = [n for n, days in zip(came, known, strict=True) if min(len(days) - 1, 7) == count]
        assert row[1] == pytest.approx(sum(these) / len(these))
    assert str(rows[2][0]).startswith("What came lies between")


def test_what_is_to_come_lies_between_low_and_high(demo: Built) -> None:
    figures = dict(demo.headlines)
    rows = below(sheet(demo, "Value"), "expected", 3)
    low_to_high = [row[0] for row in rows]
    assert [f"{value:,.0f}" for value in low_to_high[:2]] == [
        figures["Still customers"], figures["Purchases to come"]
    ]  # fmt: skip
    assert f"{low_to_high[2]:,.2f}" == figures["Revenue to come"]
    for low, expected, high in (row[:3] for row in below(sheet(demo, "Value"), "low", 3)):
        assert low < expected < high
    listed = below(sheet(demo, "Value"), "CLV", 20)
    assert all(low < worth < high for worth, low, high in (row[:3] for row in listed))


def test_weeks_held_back_that_leave_too_little() -> None:
    data = shop(60, linked=False)
    early = {"Orders": {name: list(cells) for name, cells in data["Orders"].items()}}
    early["Orders"]["customer"].append("late")
    early["Orders"]["date"].append(date(2024, 12, 31) + timedelta(weeks=26, days=300))
    early["Orders"]["amount"].append(10.0)
    built = build(TEMPLATE, early)
    assert built.values["Was it right", 3, 1].startswith("Less came than the low bound")
    few = {"Orders": {name: cells[:25] for name, cells in data["Orders"].items()}}
    built = build(TEMPLATE, few)
    assert built.values["Was it right", 3, 1].startswith("The weeks before do not tell")
    shown = [v for (name, _, _), v in built.values.items() if name == "Was it right"]
    assert "#N/A" not in shown


def test_whether_frequency_and_spend_correlate(demo: Built) -> None:
    orders = pd.DataFrame(sample().data["Orders"])
    by_customer = orders.groupby("customer")
    days, spent = by_customer["date"].nunique(), by_customer["amount"].sum()
    again = days > 1
    expected = days[again].corr((spent / days)[again])
    assert dict(demo.headlines)["Frequency and spend"] == f"{expected:,.2f}"
    assert any("spend hardly more or less" in str(row[0]) for row in sheet(demo, "Value"))


def shop(customers: int, linked: bool) -> Data:
    """Customers who buy more or less often; who buys often spends more at a time, or does not."""
    random = Random(7)
    orders: dict[str, list[Cell]] = {"customer": [], "date": [], "amount": []}
    for number in range(customers):
        rate = random.gammavariate(1.0, 1.0) / 30 + 0.005
        mean = 1500 * rate if linked else random.gammavariate(4.0, 12.0)
        day, stops = random.uniform(0, 60), random.betavariate(0.8, 2.5)
        while day < 365:
            orders["customer"].append(f"c{number}")
            orders["date"].append(date(2024, 1, 1) + timedelta(days=int(day)))
            orders["amount"].append(round(mean * random.uniform(0.5, 1.5), 2))
            if random.random() < stops:
                break
            day += random.expovariate(rate)
    return {"Orders": orders}


@pytest.mark.parametrize(("linked", "warned"), [(True, True), (False, False)])
def test_it_warns_where_the_model_of_spend_does_not_hold(linked: bool, warned: bool) -> None:
    rows = sheet(build(TEMPLATE, shop(300, linked)), "Value")
    assert any(str(row[0]).startswith("Careful") for row in rows) == warned


def test_customers_who_all_buy_every_day_have_nothing_to_correlate() -> None:
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(40)]
    orders = {
        "customer": [f"c{number}" for number in range(15) for _ in days],
        "date": days * 15,
        "amount": [10.0 + number % 4 for number in range(15 * len(days))],
    }
    built = build(TEMPLATE, {"Orders": orders})
    shown = {str(v) for (name, _, _), v in built.values.items() if name == "Value"}
    assert not shown & set(EXCEL_ERRORS)
    assert dict(built.headlines)["Frequency and spend"] == ""


def test_customers_of_the_same_value_are_all_listed() -> None:
    data = shop(300, linked=False)["Orders"]
    twins = {
        "customer": [f"{name}{twin}" for twin in "ab" for name in data["customer"]],
        "date": list(data["date"]) * 2,
        "amount": list(data["amount"]) * 2,
    }
    listed = below(sheet(build(TEMPLATE, {"Orders": twins}), "Value"), "customer", 20)
    assert len({row[0] for row in listed}) == 20
    pairs = [str(row[0])[:-1] for row in listed]
    assert pairs[::2] == pairs[1::2]


def test_only_those_at_risk_are_listed_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are few, nobody else with a repeat spend of 0."""
    set_to(monkeypatch, retention, {"RiskBelow": 0.001})
    rows = sheet(build(TEMPLATE, shop(300, linked=False)), "Value")
    listed = [row[:3] for row in below(rows, "repeat spend", 12) if row[0] not in (None, "")]
    assert 0 < len(listed) < 12
    assert all(spend > 0 and alive < 0.001 for spend, alive, _ in listed)


def test_nobody_is_at_risk_where_nobody_came_back_of_those_who_left() -> None:
    """Fifteen who buy every ten days, and sixty who bought once, half a year ago."""
    orders: dict[str, list[Cell]] = {"customer": [], "date": [], "amount": []}
    for number in range(75):
        for day in range(number % 10, 360, 10) if number < 15 else (number,):
            orders["customer"].append(f"c{number}")
            orders["date"].append(date(2024, 1, 1) + timedelta(days=day))
            orders["amount"].append(10.0 + number % 4)
    built = build(TEMPLATE, {"Orders": orders})
    alive = [row[4] for row in built.values["Model", 5, 18][1:]]  # type: ignore[union-attr,index]
    assert min(alive) < 0.5
    assert not [at for at, value in built.values.items() if str(value).startswith("#")]
    assert {row[0] for row in below(sheet(built, "Value"), "repeat spend", 12)} <= {None, ""}


def test_a_month_whose_orders_have_no_amount_has_no_revenue() -> None:
    """As the line on Summary has it; in June nothing was sold, and so for 0."""
    orders = [(month, day, None if month == 3 else 10.0)
              for month in (1, 2, 3, 4, 5, 7) for day in (1, 9)]  # fmt: skip
    built = build(TEMPLATE, {"Orders": {
        "customer": ["a", "b"] * 6,
        "date": [date(2024, month, day) for month, day, _ in orders],
        "amount": [amount for *_, amount in orders],
    }})  # fmt: skip
    left = retention.BY_MONTHS + 1
    months = {built.values["Model", row, left]: [built.values["Model", row, left + column]
                                                 for column in (1, 2, 3)]
              for row in range(TOP + 2, TOP + 14)}  # fmt: skip
    first = (date(2024, 1, 1) - date(1899, 12, 30)).days
    assert months[first] == [20.0, 2.0, 10.0]
    assert months[first + 60] == ["", 2.0, ""]
    assert months[first + 152] == [0.0, 0.0, ""]


def test_too_few_orders_are_told_in_words(small_shop: Built) -> None:
    assert str(small_shop.values["Value", 3, 1]).startswith(
        "The data do not tell who will buy again"
    )
    assert small_shop.values["Model", 5, 18] == "#N/A"
    shown = [v for (name, _, _), v in small_shop.values.items() if name == "Value"]
    assert "#N/A" not in shown
    assert dict(small_shop.headlines)["Revenue to come"] == ""


def test_other_errors_of_the_forecast_show() -> None:
    data = shop(300, linked=False)["Orders"]
    changed = {**data, "date": ["soon", *data["date"][1:]]}
    values = build(TEMPLATE, {"Orders": changed}).values
    assert values["Value", 3, 1] == "#VALUE!"


def test_contracts_of_fader_and_hardie(demo: Built) -> None:
    """The published fits, their CLV at 10 %, and what was really left after period 7."""
    rows = sheet(demo, "Contracts")
    named = {row[0]: row[1:3] for row in rows if isinstance(row[0], str)}
    assert named["alpha: low if customers differ"] == pytest.approx([0.668, 0.704], abs=5e-4)
    assert named["beta: high if few leave early"] == pytest.approx([3.806, 1.182], abs=5e-4)
    table = below(rows, "period", 13)
    survivors = sample().data["Survivors"]
    assert [row[1] for row in table] == [count / 1000 for count in survivors["customers"]]
    assert [row[3] for row in table] == [count / 1000 for count in survivors["compared"]]
    for row in table[8:]:
        assert row[2] == pytest.approx(row[1], abs=0.02)
        assert row[4] == pytest.approx(row[3], abs=0.02)
    alpha, beta = named["alpha: low if customers differ"][0], 3.806
    survival, worth = 1.0, 100.0
    for period in range(1, 5000):
        survival *= (beta + period - 1) / (alpha + beta + period - 1)
        worth += 100 * survival / 1.1**period
    assert named["Lifetime value of a customer"][0] == pytest.approx(worth, rel=1e-3)


def test_a_cohort_that_nobody_left() -> None:
    survivors = {"period": [0, 1, 2, 3], "customers": [50] * 4, "compared": [None] * 4}
    values = build(TEMPLATE, {"Survivors": survivors}).values
    assert str(values["Contracts", 3, 1]).startswith("A cohort's losses do not tell")
    assert "#N/A" not in [v for (name, _, _), v in values.items() if name == "Contracts"]


@pytest.mark.parametrize(
    ("periods", "customers", "compared"),
    [
        ([0, 1, 3, 4], [1000, 700, 500, 450], [None] * 4),
        ([0, 1, 2, 2, 4], [1000, 300, 200, 100, 50], [None] * 5),
        ([1, 2, 3, 4], [1000, 700, 600, 550], [None] * 4),
        ([0, 0.5, 1, 1.5], [1000, 700, 600, 550], [None] * 4),
        ([0, 1, 2, 3, 4], [1000, None, 600, 500, 450], [None] * 5),
        ([0, 1, 2, 3, 4], [1000, 869, 743, 653, 593], [500, None, 300, 280, 270]),
    ],
    ids=["missing", "twice", "from 1", "halves", "blank", "blank of the second"],
)
def test_periods_that_are_missing_have_no_model(
    periods: list[Any], customers: list[Any], compared: list[Any]
) -> None:
    """The model took the rows for periods 0, 1, 2 ..., whatever they said."""
    survivors = {"period": periods, "customers": customers, "compared": compared}
    built = build(TEMPLATE, {"Survivors": survivors})
    assert built.values["Contracts", 3, 1].startswith("Periods are missing or twice")
    fits = {row[0]: row[1:3] for row in sheet(built, "Contracts") if isinstance(row[0], str)}
    wrong = 1 if any(compared) else 0
    assert fits["Lifetime value of a customer"][wrong] in (None, "")
    assert any(one.label == "Periods that are missing or twice" for one in built.problems)


def test_a_second_cohort_may_be_longer_than_the_first() -> None:
    """Its rows were told as missing of the first one."""
    rows = {"period": [0, 1, 2, 3, 4, 5], "customers": [1000, 869, 743, 653, None, None],
            "compared": [1000, 631, 468, 382, 326, 289]}  # fmt: skip
    built = build(TEMPLATE, {"Survivors": rows})
    named = {row[0]: row[1:3] for row in sheet(built, "Contracts") if isinstance(row[0], str)}
    assert named["Customers at the start"] == [1000, 1000]
    assert all(isinstance(worth, float) for worth in named["Lifetime value of a customer"])
    assert not [one for one in built.problems if "eriod" in one.label]


def test_rates_are_of_the_months_that_are_listed() -> None:
    """By hand: of 30 months the first six lost all, and 24 lost 1 of 10 each."""
    months = [date(2022 + n // 12, n % 12 + 1, 1) for n in range(30)]
    rows = {"month": months, "customers_start": [10] * 30, "customers_new": [1] * 30,
            "customers_lost": [10] * 6 + [1] * 24}  # fmt: skip
    built = build(TEMPLATE, {"Subscriptions": rows})
    assert dict(built.headlines)["Churn a month"] == "10.0%"
    said = [cell for row in sheet(built, "Recurring") for cell in row if isinstance(cell, str)]
    assert {"Now, and over the months below", "Lost / at the start, these months"} <= {*said}


def test_subscriptions_by_month(demo: Built) -> None:
    months = sample().data["Subscriptions"]
    table = below(sheet(demo, "Recurring"), "month", 24)
    for number, row in enumerate(table):
        month = {name: cells[number] for name, cells in months.items()}
        start, lost, new = (month[f"customers_{name}"] for name in ("start", "lost", "new"))
        mrr, more, less = (month[name] for name in ("mrr_start", "expansion", "contraction"))
        gone = month["churned"]
        assert row[1:5] == [start, new, lost, start + new - lost]
        assert row[5] == pytest.approx((start - lost) / start)
        assert row[6] == pytest.approx(lost / start)
        end = mrr + month["mrr_new"] + more - less - gone
        assert row[12] == pytest.approx(end)
        assert row[13:16] == pytest.approx(
            [gone / mrr, (mrr - less - gone) / mrr, (mrr + more - less - gone) / mrr]
        )
        assert row[16] == pytest.approx(end / (start + new - lost))
    churn = sum(months["customers_lost"]) / sum(months["customers_start"])
    figures = dict(demo.headlines)
    assert figures["Churn a month"] == f"{churn:.1%}"
    assert figures["Churn a year"] == f"{1 - (1 - churn) ** 12:.1%}"
    assert figures["Months a customer stays"] == f"{1 / churn:,.1f}"


def test_the_checks_of_subscriptions_and_survivors(demo: Built) -> None:
    found = {row[0]: row[1] for row in sheet(demo, "Checks") if isinstance(row[0], str)}
    assert found["Months begun with other customers"] == 1
    assert found["Months begun with other revenue"] == 0
    months = sample().data["Subscriptions"]
    months["mrr_start"][5] += 7.0
    months["customers_lost"][9] = 9999
    survivors = {"period": [0, 1, 3, 4], "customers": [9, 7, 6, 8], "compared": [None] * 4}
    built = build(TEMPLATE, {"Subscriptions": months, "Survivors": survivors})
    found = {row[0]: row[1] for row in sheet(built, "Checks") if isinstance(row[0], str)}
    # Nor does the month after it.
    assert found["Months begun with other revenue"] == 2
    assert found["Months that lose more than they had"] == 1
    assert found["Periods that are missing or twice"] == 1
    assert found["Periods that gain customers"] == 1


def test_columns_that_are_cut_are_told_where_they_are_and_at_the_setting() -> None:
    """Three cohorts over 61 weeks: 63 columns in weeks, 16 in months, of which 38 are shown."""
    first = date(2024, 1, 1)
    days = [first + timedelta(weeks=week) for week in range(61)]
    orders: dict[str, list[Cell]] = {
        "customer": [*("abc"[min(week, 2)] for week in range(61))],
        "date": [*days],
        "amount": [10.0] * 61,
    }
    content = build(TEMPLATE, {"Orders": orders}).content
    names = read_package(content).names
    sheet, _, address = names[None, "period"].rpartition("!")
    place = area(sheet.strip("'"), address.replace("$", ""))
    shown = {
        word: calculate(typed_into(content, {(place.sheet, place.top, place.left): word})).values
        for word in ("M", "W")
    }
    said = "25 columns more than there is room for here: see the sheet Model"
    for title in ("Cohorts", "Cohort revenue"):
        assert [shown[word][title, 3, 1] for word in ("M", "W")] == ["", said]
    told = shown["W"][place.sheet, place.top, place.left + 1]
    assert told == f"Cohorts: {said}"


MADE_OF = {
    "Revenue": "amount", "Average order value": "amount", "Revenue per customer": "amount",
    "CLV of a new customer, as margin": "amount", "Highest CAC for 3 : 1": "amount",
    "Customers now": "customers_start customers_new customers_lost",
    "Churn a month": "customers_start customers_lost",
    "Churn a year": "customers_start customers_lost",
    "Months a customer stays": "customers_start customers_lost",
    "Recurring revenue now": "mrr_start mrr_new expansion contraction churned",
    "Recurring revenue each": "mrr_start mrr_new expansion contraction churned customers_start"
    " customers_new customers_lost",
    "Revenue kept (GRR)": "mrr_start contraction churned",
    "Net revenue kept (NRR)": "mrr_start contraction churned expansion",
}  # fmt: skip
"""Figures, and the columns that they are made of."""


@pytest.mark.parametrize(
    "lacking", ["", "amount", "customers_lost", "mrr_new", "expansion", "contraction", "mrr_start"]
)
def test_what_no_row_has_is_blank_and_not_0(lacking: str) -> None:
    days = [date(2024, 1, 1) + timedelta(40 * n) for n in range(24)]
    months = [date(2024, month, 1) for month in (1, 2, 3)]
    counts: dict[str, list[Any]] = {
        "customers_start": [100, 110, 120], "customers_new": [20, 20, 20],
        "customers_lost": [10, 10, 10], "mrr_start": [1000.0, 1100.0, 1200.0],
        "mrr_new": [200.0] * 3, "expansion": [50.0] * 3, "contraction": [20.0] * 3,
        "churned": [130.0] * 3,
    }  # fmt: skip
    orders: dict[str, list[Any]] = {
        "customer": ["a", "b", "c"] * 8, "date": days, "amount": [5.0, 7.0] * 12,
    }  # fmt: skip
    data = {"Orders": orders, "Subscriptions": {"month": months, **counts}}
    for table in data.values():
        if lacking in table:
            table[lacking] = [None] * len(table[lacking])
    built = build(TEMPLATE, data)
    held = dict(built.headlines)
    blank = {figure for figure in MADE_OF if held[figure] == ""}
    assert blank == {figure for figure, of in MADE_OF.items() if lacking and lacking in of.split()}
    assert not [at for at, value in built.values.items()
                if str(value).startswith("#") and at[0] != "Model"]  # fmt: skip


def test_orders_that_came_to_nothing_and_count_are_told() -> None:
    """Of a list that no shop's layout knows: what is cancelled or refunded has its amount still."""
    days = [date(2024, 1, place) for place in range(1, 6)]
    data: Data = {
        "Orders": {
            "customer": list("abcde"),
            "date": [*days],
            "amount": [10.0, 20.0, 30.0, 0.0, None],
            "order": [None] * 5,
            "status": ["paid", "REFUNDED", "Failed", "cancelled", "voided"],
        }
    }
    assert problems(data)["Orders that were cancelled, voided or wholly refunded"] == 2


def test_before_a_first_period_is_over_there_is_no_curve_and_no_error() -> None:
    """Eleven days of January: the sheet Curve began with #N/A."""
    orders = {"customer": ["Ann", "Bob"], "date": [date(2024, 1, 5), date(2024, 1, 15)],
              "amount": [10.0, 20.0]}  # fmt: skip
    built = build(TEMPLATE, {"Orders": orders})
    told = "No period is over in the data yet."
    assert [built.values["Curve", row, 1] for row in (4, 5, 6)] == [told, "", ""]
    orders["date"][1] = date(2024, 1, 31)
    built = build(TEMPLATE, {"Orders": orders})
    assert [built.values["Curve", row, 1] for row in (4, 5, 6)] == ["", "age", 0]


def test_a_return_is_activity_as_the_sheets_say() -> None:
    """Ann's first row gives 5 back in January, she buys in February; Bob gives back what he bought.

    COHORT and RETENTION_CURVE take every row for activity; customers are who have bought.
    """
    orders = {
        "customer": ["Ann", "Ann", "Bob", "Bob", "Cy"],
        "date": [date(2024, 1, 5), date(2024, 2, 5), date(2024, 1, 6), date(2024, 2, 6),
                 date(2024, 3, 31)],
        "amount": [-5.0, 20.0, 30.0, -30.0, 10.0],
    }  # fmt: skip
    built = build(TEMPLATE, {"Orders": orders})
    cohorts = [[built.values["Cohorts", row, column] for column in range(1, 6)] for row in (6, 7)]
    assert cohorts == [["2024-01", 2, 1, 1, 0], ["2024-03", 1, 1, "·", "·"]]
    figures = dict(built.headlines)
    assert (figures["Customers"], figures["Repeat customers"]) == ("3", "0")
    told = [cell for name in ("Cohorts", "Cohort revenue", "Curve")
            for cell in rows_of(built.content, name)[1] if cell]  # fmt: skip
    assert len(told) == 3
    assert all("eturn" in cell and "as activity" in cell for cell in told)


def test_a_month_of_another_calendar_is_not_now() -> None:
    """By hand: 10 and 2 less 1 are 11 customers in February 2024; 2567 is 2024 in Thailand."""
    months = [date(2024, 1, 1), date(2024, 2, 1), date(2567, 1, 1)]
    rows = {
        "month": months,
        "customers_start": [8, 10, 100], "customers_new": [2, 2, 20], "customers_lost": [0, 1, 5],
    }  # fmt: skip
    built = build(TEMPLATE, {"Subscriptions": rows})
    assert dict(built.headlines)["Customers now"] == "11"
    assert dict(built.headlines)["Churn a month"] == f"{1 / 18:.1%}"
    assert 1 in [one.rows for one in built.problems if "year" in one.label.lower()]
