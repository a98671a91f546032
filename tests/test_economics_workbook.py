"""The unit economics workbook: what customers cost and bring, against counting by other means."""

import io
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import demos
import duckdb
import openpyxl
import pandas as pd
import pytest
import ten_customers as ten
from kpi_xl.workbook_templates import unit_economics
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.unit_economics import LAST, NOT_DIRECT, SEGMENT, TEMPLATE, sample
from kpi_xl.workbook_templates.writing import Built
from workbooks import set_to, sheet

from kpi_xl.errors import CellError
from kpi_xl.exports import Request, known_layouts, rates_of, read_files
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package
from kpi_xl.reports.layout import Loaded
from kpi_xl.serials import serial

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

EXPORTS = Path(__file__).parent / "exports"
FIRST_SENTENCE = "Summary", 4, 2
CURVE_AT = 4  # the column in which the ages begin


def below(rows: list[list[Any]], *headers: str) -> dict[Any, list[Any]]:
    """The rows under the header that begins so, by their first cell, to the next blank one."""
    top = next(n for n, row in enumerate(rows) if tuple(row[: len(headers)]) == headers)
    found = {}
    for row in rows[top + 1 :]:
        if row[0] in (None, ""):
            break
        found[row[0]] = row
    return found


def known(cells: Iterable[Any]) -> list[Any]:
    return [cell for cell in cells if cell not in (None, "")]


def channels(built: Built) -> dict[Any, dict[str, Any]]:
    """The sheet of channels, by channel and header."""
    rows = sheet(built, "Channels")
    head = next(row for row in rows if row[0] == "channel")
    return {name: dict(zip(head, row, strict=True)) for name, row in below(rows, "channel").items()}


# Ten customers, worked out by hand: each is there ten times, since of fewer nothing is said.

TIMES = 10
CAC_OF = {"ads": 65.0, "mail": 60.0}  # as ten.PAYBACK has them: at once, and after 5 months


@pytest.fixture(scope="module")
def ten_times() -> Built:
    """The ten customers with orders of half their amount in cost, and the same as subscribers."""
    copies = range(TIMES)
    customers = [f"{name}-{copy}" for copy in copies for name in ten.CUSTOMERS]
    # The last day of June has a row, so that June has ended.
    orders = {
        "customer": [*customers, customers[0]],
        "date": [*ten.DATES * TIMES, ten.AS_OF],
        "amount": [*ten.AMOUNTS * TIMES, 0.0],
        "cost": [*(amount / 2 for amount in ten.AMOUNTS * TIMES), 0.0],
        "channel": [*ten.CHANNELS * TIMES, None],
    }
    won = {row[0]: row[1] for row in ten.BY_SEGMENT[1:]}
    spent = {name: sum(s for c, s in zip(ten.SPEND_CHANNELS, ten.SPENT, strict=True) if c == name)
             for name in won}  # fmt: skip
    spend = {
        "month": ten.SPEND_DATES,
        "channel": ten.SPEND_CHANNELS,
        "spend": [s * CAC_OF[c] * won[c] * TIMES / spent[c]
                  for c, s in zip(ten.SPEND_CHANNELS, ten.SPENT, strict=True)],
    }  # fmt: skip
    paid = {
        "customer": ten.CUSTOMERS, "month": ten.DATES, "amount": ten.PAID, "channel": ten.CHANNELS
    }  # fmt: skip
    return build(TEMPLATE, {"Orders": orders, "Spend": spend, "Subscribers": paid})


def test_curves_of_ten_customers(ten_times: Built) -> None:
    rows = sheet(ten_times, "LTV curve")
    by_channel, by_cohort = below(rows, "channel"), below(rows, "cohort")
    for table, shown in ((ten.BY_SEGMENT, by_channel), (ten.BY_COHORT, by_cohort)):
        assert {row[0] for row in table[1:]} <= set(shown)
        for name, size, *ages in table[1:]:
            assert shown[name][1] == size * TIMES
            assert known(shown[name][CURVE_AT:]) == pytest.approx(known(ages)), name
    assert known(by_channel["All"][CURVE_AT:]) == pytest.approx(ten.OF_ALL[1][2:])


def test_what_ten_customers_cost_and_when_it_is_back(ten_times: Built) -> None:
    shown = channels(ten_times)
    for name, cac in CAC_OF.items():
        assert shown[name]["CAC"] == pytest.approx(cac)
        assert shown[name]["payback period"] == ten.PAYBACK[name, cac]
    assert shown["mail"]["when the CAC is back"] == "after 5 months"
    assert shown["ads"]["when the CAC is back"] == "within the first month"
    assert shown["ads"]["LTV after 3 months"] == pytest.approx(68.75)
    everything = sum(CAC_OF[row[0]] * row[1] for row in ten.BY_SEGMENT[1:]) / 10
    assert shown["All"]["CAC"] == pytest.approx(everything)
    listed = [row[1:4] for row in sheet(ten_times, "Summary") if row[1] in CAC_OF]
    assert [row[0] for row in listed] == ["ads", "mail"]
    assert [row[2] for row in listed] == ["●" * 13, "○" * 5 + "●" * 8]
    said = ten_times.values["Summary", 4, 2]
    assert said == "ads has its cost back first: within the first month."


def test_ten_customers_as_subscribers(ten_times: Built) -> None:
    shown = below(sheet(ten_times, "Subscriptions"), "month", "MRR at start")
    found = [[f"{row[0]:%Y-%m}", *row[1:9]] for row in shown.values()]
    assert found[: len(ten.MOVEMENTS) - 1] == [list(row) for row in ten.MOVEMENTS[1:]]
    figures = dict(ten_times.headlines)
    # Lost in all: 50 and 20 less, 260 + 90 + 430 + 170 + 80 gone; won after January: 790 new, 110
    # back; at the starts of the months 1,370.
    assert figures["Quick ratio"] == f"{900 / 1100:,.2f}"
    assert figures["Revenue kept (GRR)"] == f"{1 - 1100 / 1370:.1%}"
    assert figures["Recurring revenue now"] == "160.00"


def test_how_long_ten_subscribers_stay(ten_times: Built) -> None:
    """By hand: the first and the last month with revenue, June censored, as of the end of May.

    ads: 1 Jan-Feb, 2 Jan, 4 Feb-Mar, 6 Mar, 8 Apr, 10 May-June (still there). After one month 2, 6
    and 8 of six are gone; after two 1 and 4 of the two that are left. mail: 3 Jan-June and 9 June
    are still there (9 began after May), 5 Feb-Apr, 7 Apr-May: after two months 7 of three.
    """
    shown = below(sheet(ten_times, "Subscriptions"), "channel", "subscribers")
    assert known(shown["ads"][2:4]) == pytest.approx([3 / 6, 0.0])
    assert known(shown["mail"][2:5]) == pytest.approx([1.0, 2 / 3, 1 / 3])


def test_subscribers_without_channels_and_orders_are_of_one_unknown_channel() -> None:
    """By hand: of two who began in January one has paid for a single month."""
    months = [date(2024, 1, 1), date(2024, 1, 1), date(2024, 2, 1)]
    paid = {"customer": ["Ann", "Bob", "Ann"], "month": months, "amount": [100.0, 50.0, 100.0]}
    built = build(TEMPLATE, {"Subscribers": paid})
    assert not any(isinstance(value, CellError) for value in built.values.values())
    shown = below(sheet(built, "Subscriptions"), "channel", "subscribers")
    assert [*shown] == ["(unknown)"]
    assert known(shown["(unknown)"][1:]) == [2.0, 0.5]


def test_the_checks_of_ten_customers_agree(ten_times: Built) -> None:
    verdicts = {v for (name, _, column), v in ten_times.values.items()
                if name == "Checks" and column == 4}  # fmt: skip
    assert verdicts <= {"✓ yes", ""}
    assert "✓ yes" in verdicts


# The sample, counted with pandas


@pytest.fixture(scope="module")
def demo() -> Built:
    return demos.demo(TEMPLATE.name).built


def months(days: Any) -> Any:
    return days.dt.year * 12 + days.dt.month


def test_curves_and_cac_of_the_sample(demo: Built) -> None:
    data = sample().data
    orders = pd.DataFrame(data["Orders"])
    orders["month"] = months(pd.to_datetime(orders["date"]))
    first = orders.sort_values("date", kind="stable").groupby("customer").first()
    orders["age"] = orders["month"] - orders["customer"].map(first["month"])
    orders["first"] = orders["customer"].map(first["channel"]).fillna("(unknown)")
    born = first["month"]
    of = first["channel"].fillna("(unknown)")
    spend = pd.DataFrame(data["Spend"]).groupby("channel")["spend"].sum()
    last = orders["month"].max()  # the data end on the last day of June
    shown = channels(demo)
    curve = below(sheet(demo, "LTV curve"), "channel")
    assert set(shown) == {"All", *of}
    for name, row in shown.items():
        mine = of.index if name == "All" else of[of == name].index
        assert row["customers"] == len(mine)
        for age in (0, 3, 12):
            old = mine[born[mine] <= last - age]
            kept = orders[orders["customer"].isin(old) & (orders["age"] <= age)]
            expected = 0.4 * kept["amount"].sum() / len(old)
            assert curve[name][CURVE_AT + age] == pytest.approx(expected)
        if name != "(unknown)":
            cost = spend.sum() if name == "All" else spend[name]
            assert row["CAC"] == pytest.approx(cost / len(mine))
            ages = curve[name][CURVE_AT : CURVE_AT + 16]
            back = [age for age, value in enumerate(ages) if value >= cost / len(mine)]
            assert row["payback period"] == (back[0] if back else None)
    assert shown["(unknown)"]["CAC"] is None
    assert shown["display"]["when the CAC is back"].startswith("not within")


def test_new_and_returning_customers_of_the_sample(demo: Built) -> None:
    orders = pd.DataFrame(sample().data["Orders"])
    days = pd.to_datetime(orders["date"])
    orders["month"] = days.dt.strftime("%Y-%m")
    begun = orders.groupby("customer")["month"].transform("min")
    rows = below(sheet(demo, "Blended"), "month")
    for month, row in rows.items():
        name = f"{month:%Y-%m}"
        of_month = orders[orders["month"] == name]
        new = orders[(orders["month"] == name) & (begun == name)]
        assert row[2] == new["customer"].nunique()
        assert row[4:6] == pytest.approx([of_month["amount"].sum(), new["amount"].sum()])
    assert len(rows) == 18


def test_what_has_changed_in_words(demo: Built) -> None:
    """Three months against those before and a year before, counted with pandas."""
    orders = pd.DataFrame(sample().data["Orders"])
    month = months(pd.to_datetime(orders["date"]))
    last = month.max()
    now, before, year = (
        orders["amount"][(month > last - 3 - ago) & (month <= last - ago)].sum()
        for ago in (0, 3, 12)
    )
    rows = {row[1]: row for row in sheet(demo, "Summary")}
    assert rows["Revenue"][2:] != []
    changed = next(row for row in sheet(demo, "Summary") if row[1] == "Revenue" and row[3] and
                   isinstance(row[3], float))  # fmt: skip
    assert changed[2:7] == pytest.approx([now, before, now / before - 1, year, now / year - 1])
    sentences = [str(row[1]) for row in sheet(demo, "Summary") if "Revenue" in str(row[1])]
    verb = "rose" if now > year else "fell"
    assert any(f"Revenue {verb} {abs(now / year - 1):.0%}".replace("%", " %") in s
               for s in sentences)  # fmt: skip


def tiles(built: Built) -> dict[Any, tuple[Any, Any]]:
    """The tiles of the first sheet, by caption: value, and what stands below it."""
    rows = [row[1:7] for row in sheet(built, "Summary")]
    top = next(place for place, row in enumerate(rows) if "Payback period" in row)
    captions, values, changes = rows[top : top + 3]
    return dict(zip(captions, zip(values, changes, strict=True), strict=True))


def test_tiles_show_the_change_and_the_course_of_the_months_compared(demo: Built) -> None:
    """April to June 1998 against January to March, counted with pandas."""
    orders, spend = (pd.DataFrame(sample().data[name]) for name in ("Orders", "Spend"))
    orders["month"], spend["month"] = (
        months(pd.to_datetime(days)) for days in (orders["date"], spend["month"])
    )
    last = orders["month"].max()
    by_month = pd.DataFrame({
        "won": orders.groupby("customer")["month"].min().value_counts(),
        "spend": spend.groupby("month")["spend"].sum(),
        "revenue": orders.groupby("month")["amount"].sum(),
    })  # fmt: skip
    now, before = (by_month.loc[last - 2 - ago : last - ago].sum() for ago in (0, 3))
    shown = tiles(demo)
    for caption, of in (
        ("New customers", lambda one: one["won"]),
        ("Customer acquisition cost", lambda one: one["spend"] / one["won"]),
        ("MER", lambda one: one["revenue"] / one["spend"]),
    ):
        assert shown[caption] == pytest.approx((of(now), round(of(now) / of(before) - 1, 2)))
    assert {change for _, change in list(shown.values())[3:]} == {"Over all months"}
    with ZipFile(io.BytesIO(demo.content)) as parts:
        courses = [re.findall(r"<xm:f>Model!(.*?)</xm:f>", parts.read(name).decode())
                   for name in parts.namelist() if "worksheets/sheet" in name]  # fmt: skip
    model = openpyxl.load_workbook(io.BytesIO(demo.content), data_only=True)["Model"]
    drawn = {tuple(cell.value for (cell,) in model[area]) for one in courses for area in one}
    assert tuple(by_month["won"].iloc[-12:]) in drawn
    assert len(drawn) == 3


# What is handed in


def filled(*names: str, tmp_path: Path) -> Any:
    rates = tmp_path / "rates.csv"
    rates.write_text("currency,rate\nUSD,0.92\nEUR,1\n")
    tables = {table.name: table.columns for table in TEMPLATE.inputs}
    requests = [Request(EXPORTS / name) for name in names]
    filling = read_files(requests, tables, known_layouts(), rates=rates_of(rates))
    return {name: table.columns for name, table in filling.tables.items()}


def test_exports_give_the_curves_that_sql_gives(tmp_path: Path) -> None:
    files = "shopify_orders.csv", "google_ads_campaign_daily.csv", "meta_en.csv"
    built = build(TEMPLATE, filled(*files, tmp_path=tmp_path))
    base = duckdb.connect()
    base.execute(
        """CREATE TABLE orders AS
           SELECT lower("Email") AS customer, left("Created at", 10)::DATE AS day,
                  ("Total"::DOUBLE - coalesce("Refunded Amount"::DOUBLE, 0)
                   - coalesce("Outstanding Balance"::DOUBLE, 0)) * 0.92 AS amount
           FROM read_csv(?, all_varchar = true)
           WHERE "Financial Status" IN ('paid', 'partially_refunded', 'partially_paid')""",
        [str(EXPORTS / files[0])],
    )
    expected = base.execute(
        """WITH born AS (SELECT customer, min(date_trunc('month', day)) AS born
                         FROM orders GROUP BY customer)
           SELECT strftime(born, '%Y-%m'), count(DISTINCT customer),
                  0.4 * sum(amount) FILTER (date_trunc('month', day) = born)
                      / count(DISTINCT customer)
           FROM orders JOIN born USING (customer) GROUP BY born ORDER BY born"""
    ).fetchall()
    shown = below(sheet(built, "LTV curve"), "cohort")
    ended = date(2024, 2, 1)  # the last order is on 20 February, so that only January has ended
    for label, size, first in expected:
        assert shown[label][1] == size
        if label < f"{ended:%Y-%m}":
            assert shown[label][CURVE_AT] == pytest.approx(first)
    google = base.execute(
        """SELECT "Campaign type", sum(replace("Cost", ',', '')::DOUBLE)
           FROM read_csv(?, header = true, skip = 2, all_varchar = true, null_padding = true)
           WHERE regexp_matches("Day", '^[0-9]{4}-') GROUP BY 1""",
        [str(EXPORTS / files[1])],
    ).fetchall()
    meta = base.execute(
        'SELECT sum("Amount spent (EUR)"::DOUBLE) FROM read_csv(?, all_varchar = true)',
        [str(EXPORTS / files[2])],
    ).fetchone()
    assert meta is not None
    spent = {**dict(google), "Meta": meta[0]}
    rows = channels(built)
    assert {name: row["spend"] for name, row in rows.items() if name in spent} == {
        name: pytest.approx(cost) for name, cost in spent.items()
    }
    assert rows["(unknown)"]["customers"] == sum(size for _, size, _ in expected)
    assert rows["(unknown)"]["CAC"] is None
    won = next(size for label, size, _ in expected if label == "2024-01")
    assert rows["All"]["CAC"] == pytest.approx(sum(spent.values()) / won)


def test_subscriptions_of_stripe_are_subscribers(tmp_path: Path) -> None:
    """The file has two: 100 a month from January on, and 50 from then until 6 February."""
    table = filled("stripe_subscriptions.csv", tmp_path=tmp_path)["Subscribers"]
    rows = list(zip(table["customer"], table["month"], table["amount"], strict=True))
    assert {(when, amount) for _, when, amount in rows} == {
        (date(2024, 1, 1), 50.0), (date(2024, 1, 1), 100.0), (date(2024, 2, 1), 100.0)
    }  # fmt: skip


# The channel of a customer


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (None, {"shop": 2, "(unknown)": 1}),
        (LAST, {"direct": 1, "mail": 1, "(unknown)": 1}),
        (NOT_DIRECT, {"ads": 1, "mail": 1, "(unknown)": 1}),
        (SEGMENT, {"de": 1, "fr": 2}),
    ],
)
def test_touches_decide_where_they_are_to(
    rule: str | None, expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ann came by ads and then directly; Bob by mail; Cem's touch is too long ago."""
    if rule:
        changed = [one._replace(value=rule) if one.name == "ChannelRule" else one
                   for one in unit_economics.SETTINGS]  # fmt: skip
        monkeypatch.setattr(unit_economics, "SETTINGS", tuple(changed))
    data: dict[str, dict[str, list[Any]]] = {
        "Orders": {
            "customer": ["Ann@x.com", "Bob", "Cem"], "date": [date(2024, 3, 10)] * 3,
            "amount": [10.0, 20.0, 30.0], "channel": ["shop", "shop", None],
            "segment": ["de", "fr", "fr"],
        },
        "Touches": {
            "customer": ["ann@x.com", "ann@x.com", "Bob", "Cem"],
            "date": [date(2024, 3, 1), date(2024, 3, 9), date(2024, 3, 10), date(2024, 1, 1)],
            "channel": ["ads", "direct", "mail", "ads"],
        },
    }  # fmt: skip
    shown = channels(build(TEMPLATE, data))
    counts = {name: row["customers"] for name, row in shown.items() if name != "All"}
    assert counts == expected


def test_months_without_spend_are_told_and_cost_nobody() -> None:
    """Two are won in January for 100; one in February, of which nobody knows what it cost."""
    data: dict[str, dict[str, list[Any]]] = {
        "Orders": {
            "customer": ["a", "b", "c"], "amount": [10.0] * 3, "channel": ["ads"] * 3,
            "date": [date(2024, 1, 5), date(2024, 1, 9), date(2024, 2, 29)],
        },
        "Spend": {"month": [date(2024, 1, 1)], "channel": ["Ads"], "spend": [100.0]},
    }  # fmt: skip
    built = build(TEMPLATE, data)
    row = channels(built)["Ads"]
    assert (row["customers"], row["CAC"]) == (3, 50.0)
    found = {row[0]: row[1] for row in sheet(built, "Checks")}
    assert found["Months with orders of new customers, and no spend"] == 1
    assert built.values[FIRST_SENTENCE] == (
        "No channel with customers and spend has ten customers yet: too few to tell. See Channels."
    )


# Gaps in the data, and what cannot be told


TWO = {"facebook": 100.0, "GOOGLE": 100.0}


def six_a_month(
    costs: Mapping[str, float] = TWO, gap: Iterable[int] = ()
) -> dict[str, dict[str, list[Any]]]:
    """2024: each month six new customers a channel, who buy for 10, and again six months later;
    what the channels cost a month, but for the months of the gap, which have no row."""
    orders = [(f"{channel}{month:02}-{n}", date(2024, later, 5 + n), 10.0, channel)
              for month in range(1, 13) for channel in costs for n in range(6)
              for later in range(month, 13, 6)]  # fmt: skip
    spend = [(date(2024, month, 1), channel, cost) for month in range(1, 13)
             for channel, cost in costs.items() if month not in gap]  # fmt: skip
    orders.append((orders[0][0], date(2024, 12, 31), 0.0, orders[0][3]))
    columns = ("customer", "date", "amount", "channel"), ("month", "channel", "spend")
    return {
        name: {header: [row[place] for row in rows] for place, header in enumerate(headers)}
        for name, headers, rows in zip(("Orders", "Spend"), columns, (orders, spend), strict=True)
    }


def test_months_without_spend_between_others_are_unknown() -> None:
    """By hand: 10 months with 200 of spend and 12 new customers each: a CAC of 16.67.

    Revenue: 120 a month until June, 240 from July on, in all 2,160; without April and May 1,920,
    over 2,000 of spend 0.96.
    """
    data = six_a_month(gap=(4, 5))
    data["Spend"]["month"].append(date(2024, 4, 1))
    data["Spend"]["channel"].append("GOOGLE")
    data["Spend"]["spend"].append(None)  # a row without an amount tells nothing
    built = build(TEMPLATE, data)
    figures = dict(built.headlines)
    assert (figures["Customer acquisition cost"], figures["MER"]) == ("16.67", "0.96")
    shown = channels(built)
    assert [shown[name]["new in months with spend"] for name in ("All", "facebook")] == [120, 60]
    cohorts = below(sheet(built, "LTV curve"), "cohort")
    assert [cohorts[f"2024-0{month}"][2] for month in (3, 4, 5)] == [
        pytest.approx(200 / 12), None, None
    ]  # fmt: skip
    months_of = {
        f"{month:%m}": row for month, row in below(sheet(built, "Blended"), "month").items()
    }
    for month in ("04", "05"):
        assert [months_of[month][place] for place in (1, 3, 8, 9, 10)] == [None] * 5
        assert months_of[month][4] == 120
    assert months_of["03"][10] == pytest.approx(200 / 120)
    found = {row[0]: row[1] for row in sheet(built, "Checks")}
    assert found["Months with orders of new customers, and no spend"] == 2
    assert {row[3] for row in sheet(built, "Checks")} & {"✗ no"} == set()


def test_a_row_of_0_is_no_gap() -> None:
    data = six_a_month()
    spend = data["Spend"]
    for row, month in enumerate(spend["month"]):
        spend["spend"][row] *= month != date(2024, 4, 1)
    built = build(TEMPLATE, data)
    assert dict(built.headlines)["Customer acquisition cost"] == f"{2200 / 144:.2f}"
    found = {row[0]: row[1] for row in sheet(built, "Checks")}
    assert found["Months with orders of new customers, and no spend"] == 0


def test_an_order_after_the_day_of_loading_is_told_and_left_out() -> None:
    data = six_a_month()
    for header, cell in (("customer", "new"), ("date", date(2031, 1, 5)), ("amount", 99.0),
                         ("channel", "facebook")):  # fmt: skip
        data["Orders"][header].append(cell)
    built = build(TEMPLATE, data, loaded=[Loaded("Orders", loaded=datetime(2025, 1, 3, 9))])
    figures = dict(built.headlines)
    assert [figures[name] for name in ("Customers", "Revenue", "Customer acquisition cost")] == [
        "144", "2,160.00", "16.67"
    ]  # fmt: skip
    assert channels(built)["All"]["LTV after 12 months"] is None  # nobody is older than 11 months
    assert max(below(sheet(built, "Blended"), "month")) == datetime(2024, 12, 1)
    found = {row[0]: row for row in sheet(built, "Checks")}
    assert found["Orders after the day of loading"][1] == 1
    assert {row[3] for row in found.values()} & {"✗ no"} == set()


# The first sentence: which channel is back first


def ranked(built: Built) -> dict[Any, list[Any]]:
    rows = [row[1:] for row in sheet(built, "Summary")]
    return below(rows, "channel", "when the CAC is back")


def test_of_channels_alike_none_is_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """A margin of 4 in the first month and after three, against a CAC of 2 for each channel."""
    set_to(monkeypatch, unit_economics, {"Horizon": 3})
    built = build(TEMPLATE, six_a_month({"facebook": 12.0, "GOOGLE": 12.0}))
    assert built.values[FIRST_SENTENCE] == "2 channels have their cost back within the first month."
    assert {name: row[3:6] for name, row in ranked(built).items()} == {
        name: pytest.approx([2.0, 4.0, 2.0]) for name in ("facebook", "GOOGLE")
    }


def test_without_an_ltv_none_is_the_best_and_channels_left_out_are_told() -> None:
    """Nobody is a customer for 12 months, so that no channel has an LTV : CAC."""
    built = build(TEMPLATE, six_a_month({f"c*{number}?": 12.0 for number in range(15)}))
    assert built.values[FIRST_SENTENCE] == (
        "12 channels have their cost back within the first month. Only the 12 channels with the"
        " most customers are compared."
    )
    rows = ranked(built)
    more = "6 rows more than there is room for here: see the sheet Channels"
    assert list(rows) == [*list(rows)[:6], more]
    del rows[more]
    assert all(row[3] == pytest.approx(2.0) for row in rows.values())
    assert all(row[4] is None and row[5] is None for row in rows.values())


def test_no_comparison_beyond_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data end on 7 November 2024: until December 2025 is until then, which is told."""
    set_to(monkeypatch, unit_economics, {"Horizon": 3, "CompareUntil": serial(date(2025, 12, 1))})
    data = six_a_month({"facebook": 6.0, "GOOGLE": 12.0})
    kept = [row for row, day in enumerate(data["Orders"]["date"]) if day < date(2024, 11, 8)]
    orders = {header: [cells[row] for row in kept] for header, cells in data["Orders"].items()}
    built = build(TEMPLATE, data | {"Orders": orders})
    assert built.values[FIRST_SENTENCE] == (
        "2 channels have their cost back within the first month; of these facebook has the highest"
        " LTV : CAC."
    )
    texts = [str(cell) for row in sheet(built, "Summary") for cell in row if cell]
    assert "Not compared: the data end on 2024-11-07, within the months compared." in texts
    assert "2024-09 - 2024-11" in texts
    assert not any("New customers fell" in text or "Revenue fell" in text for text in texts)
    assert {change for _, change in list(tiles(built).values())[:3]} == {None}
    labels = [label for label, *_ in unit_economics.COMPARISONS]
    compared = [row for row in sheet(built, "Summary") if row[1] in labels and row[3] != "MER"]
    assert len([row for row in compared if isinstance(row[3], float | int)]) >= 2
    assert known(cell for row in compared for cell in (row[4], row[6])
                 if isinstance(cell, float | int)) == []  # fmt: skip


def test_the_first_sheet_needs_no_function_that_older_offices_lack(demo: Built) -> None:
    book = openpyxl.load_workbook(io.BytesIO(demo.content))
    formulas = [str(cell.value) for row in book["Summary"].iter_rows() for cell in row]
    assert not [formula for formula in formulas if "_xlfn." in formula]
    assert len(ranked(demo)) >= 4


def test_one_month_of_channels_with_odd_names() -> None:
    """Names that look like patterns; direct visits under two names; a first month that is over.

    Each has brought 4, 40 % of 10.
    """
    names = ["=b", "a*", "a?", "(direct)", "Direct", "ab"]
    rows = [(f"C{number}", date(2024, 3, 31), 10.0, name)
            for number, name in enumerate(names * 10)]  # fmt: skip
    spend = [(date(2024, 3, 1), name, 50.0) for name in names if name != "Direct"]
    columns = ("customer", "date", "amount", "channel"), ("month", "channel", "spend")
    data = {
        table: dict(zip(heads, map(list, zip(*cells, strict=True)), strict=True))
        for table, heads, cells in (("Orders", columns[0], rows), ("Spend", columns[1], spend))
    }
    built = build(TEMPLATE, data)
    assert dict(built.headlines)["Customers"] == "60"
    shown = channels(built)
    counts = {name: (row["customers"], row["CAC"]) for name, row in shown.items()}
    assert counts == {"All": (60, 250 / 60), "direct": (20, 2.5)} | dict.fromkeys(
        ("=b", "a*", "a?", "ab"), (10, 5.0)
    )
    assert {name: row["when the CAC is back"] for name, row in shown.items()} == {
        name: "within the first month" if name == "direct" else "not within the first month"
        for name in shown
    }
    assert not [value for value in built.values.values() if isinstance(value, CellError)]


def test_credits_make_no_figure_an_error() -> None:
    """Of 10 and 20 of new customers 5 were given back later: they brought more than all is."""
    data: dict[str, dict[str, list[Any]]] = {
        "Orders": {"customer": ["a", "b", "a"],
                   "date": [date(2024, 3, 5), date(2024, 5, 5), date(2024, 5, 6)],
                   "amount": [10.0, 20.0, -5.0], "channel": ["ads"] * 3},
        "Spend": {"month": [date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)],
                  "channel": ["ads"] * 3, "spend": [-90.0, 10.0, 20.0]},
    }  # fmt: skip
    built = build(TEMPLATE, data)
    assert not [value for value in built.values.values() if isinstance(value, CellError)]
    assert dict(built.headlines)["LTV : CAC"] == ""
    assert dict(built.headlines).get("New customers' revenue", "") == ""


@pytest.mark.parametrize(
    ("lacking", "blank"),
    [
        ("", set()),
        ("amount", {"Revenue", "LTV of a customer", "LTV : CAC", "Margin", "MER",
                    "New customers' revenue", "Break-even ROAS"}),
        ("spend", {"Spend", "Customer acquisition cost", "LTV : CAC", "MER"}),
    ],
)  # fmt: skip
def test_what_no_row_has_is_blank_and_not_0(lacking: str, blank: set[str]) -> None:
    months = [date(2023 + month // 12, month % 12 + 1, 1) for month in range(14)]
    orders = {
        "customer": [f"c{n}" for n in range(12)] * 14,
        "date": [month.replace(day=1 + n) for month in months for n in range(12)],
        "amount": [10.0] * 168,
        "channel": ["search", "social"] * 84,
    }
    spend = {
        "month": months * 2, "channel": ["search"] * 14 + ["social"] * 14,
        "spend": [10.0] * 28,
    }  # fmt: skip
    data: Any = {"Orders": orders, "Spend": spend}
    for table in data.values():
        if lacking in table:
            table[lacking] = [None] * len(table[lacking])
    built = build(TEMPLATE, data)
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    shown = {figure for figure, text in built.headlines if text != ""}
    assert blank & shown == set()
    known = {"Customers", "Revenue", "Spend", "Customer acquisition cost", "MER", "Margin",
             "LTV of a customer", "LTV : CAC", "New customers' revenue"}  # fmt: skip
    assert known - blank <= shown
    checks = below(sheet(built, "Checks"), "figure")
    foretold = [row[1:3] for label, row in checks.items() if "from cohorts" in label]
    assert [[cell in (None, "") for cell in row] for row in foretold] == (
        [[lacking == "amount"] * 2] * 2
    )
    if lacking == "spend":
        assert {row["spend"] for row in channels(built).values()} == {None}
        assert {row["CAC"] for row in channels(built).values()} == {None}


def test_a_month_whose_orders_have_no_amount_has_no_revenue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last that has ended: its spend and its new customers are known, and compared."""
    set_to(monkeypatch, unit_economics, {"CompareMonths": 1})
    months = [date(2023, month, 1) for month in (1, 2, 3, 5, 6)]
    orders = [(month, n) for month in months for n in range(12)]
    built = build(TEMPLATE, {
        "Orders": {
            "customer": [f"{month} {n % 7}" for month, n in orders],
            "date": [month.replace(day=1 + n) for month, n in orders],
            "amount": [None if month.month == 5 else 10.0 for month, _ in orders],
            "channel": ["search"] * len(orders),
        },
        "Spend": {
            "month": [date(2023, month, 1) for month in range(1, 7)], "channel": ["search"] * 6,
            "spend": [70.0] * 6,
        },
    })  # fmt: skip
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    shown = {f"{month:%m}": [cell or "" if cell != 0 else 0 for cell in row[1:11]]
             for month, row in below(sheet(built, "Blended"), "month").items()}  # fmt: skip
    assert shown["03"] == [70, 7, 10, 120, 120, 0, 0, 120 / 70, 120 / 70, 70 / 120]
    assert shown["04"] == [70, 0, "", 0, 0, 0, "", 0, 0, ""]
    assert shown["05"] == [70, 7, 10, *[""] * 7]
    names = read_package(built.content).names
    tiles = []
    for name in ("tilenew", "tilecac", "tilemer", "tilenewbefore"):
        place = area("", names[None, name].rpartition("!")[2].replace("$", ""))
        tiles.append(built.values["Model", place.top, place.left])
    assert tiles == [7, 10, "", 0]


def test_a_channel_without_a_cell_of_spend_has_none() -> None:
    """Another channel's spend is known: of this one nobody knows it, and 0 would be free."""
    orders = {
        "customer": [f"c{n}" for n in range(24)],
        "date": [date(2024, 1 + n // 12, 29) for n in range(24)],  # the last day of February
        "amount": [10.0] * 24,
        "channel": ["search", "social"] * 12,
    }
    spend = {"month": [date(2024, 1, 1), date(2024, 2, 1)] * 2,
             "channel": ["search"] * 2 + ["social"] * 2,
             "spend": [30.0, 30.0, None, None]}  # fmt: skip
    shown = channels(build(TEMPLATE, {"Orders": orders, "Spend": spend}))
    assert (shown["search"]["spend"], shown["search"]["CAC"]) == (60.0, 5.0)
    assert (shown["social"]["spend"], shown["social"]["CAC"]) == (None, None)
    assert shown["social"]["when the CAC is back"].startswith("no spend known")


def test_a_month_that_cost_nothing_has_a_cac_of_0_on_every_sheet() -> None:
    data = six_a_month({"facebook": 120.0})
    data["Spend"]["spend"][2] = 0.0
    built = build(TEMPLATE, data)
    by_month = below(sheet(built, "Blended"), "month")
    cohorts = below(sheet(built, "LTV curve"), "cohort")
    for month, cac in ((2, 20.0), (3, 0.0)):
        assert by_month[datetime(2024, month, 1)][3] == cac
        assert cohorts[f"2024-{month:02}"][2] == cac


def test_a_channel_whose_first_month_is_not_over_has_a_row_without_a_curve() -> None:
    data = six_a_month({"facebook": 100.0})
    for header, cell in (("customer", "new"), ("date", date(2025, 1, 2)), ("amount", 10.0),
                         ("channel", "radio")):  # fmt: skip
        data["Orders"][header].append(cell)
    built = build(TEMPLATE, data)
    assert not [value for value in built.values.values() if isinstance(value, CellError)]
    radio = channels(built)["radio"]
    assert (radio["customers"], radio["months known"], radio["LTV after 3 months"]) == (1, 0, None)
    assert known(below(sheet(built, "LTV curve"), "channel")["radio"][CURVE_AT:]) == []


def test_what_was_credited_is_taken_off_the_recurring_revenue() -> None:
    """Ann pays 10, then 10 less 4; Bob pays 5 twice. By hand: 15, then 11."""
    paid = {
        "customer": ["ann", "bob", "ann", "ann", "bob"],
        "month": [date(2024, month, 1) for month in (1, 1, 2, 2, 2)],
        "amount": [10.0, 5.0, 10.0, -4.0, 5.0],
    }
    built = build(TEMPLATE, {"Subscribers": paid})
    months_of = below(sheet(built, "Subscriptions"), "month")
    assert [row[7] for row in months_of.values()] == [15.0, 11.0]
    assert months_of[datetime(2024, 2, 1)][4] == 4.0
    found = {row[0]: row for row in sheet(built, "Checks")}
    assert found["Recurring revenue below 0"][1] == 1
    assert {row[3] for row in found.values()} & {"✗ no"} == set()
    paid["amount"][3] = -14.0  # less than 0 is left of Ann's month: told, and refused
    built = build(TEMPLATE, {"Subscribers": paid})
    assert dict(built.headlines)["Recurring revenue now"] == "#NUM!"


NOT_OVER = (
    "2024-06 is not over in the data, which end on 2024-06-05:"
    " what was paid in it, 50 in 5 rows, is in no figure here."
)


@pytest.mark.parametrize(
    ("loaded", "every_day", "now", "kept", "told"),
    [
        (None, 1, "250.00", 1.0, NOT_OVER),
        (datetime(2024, 6, 6, 9), 1, "250.00", 1.0, NOT_OVER),
        (datetime(2024, 7, 1), 1, "50.00", 0.84, ""),  # June is over: twenty have left in it
        (None, 0, "50.00", 0.84, ""),  # all pay on the first: nobody is still to come
    ],
)
def test_who_pays_later_in_a_month_that_is_not_over_has_not_left(
    loaded: datetime | None, every_day: int, now: str, kept: float, told: str
) -> None:
    """25 pay 10 each, each on a day of the month, from January on; five of them have in June.

    By hand, of all months: 250 at the start of each of the five after January, and 200 lost in
    June: 1 - 200 / 1,250 = 84 %.
    """
    paid = [
        (f"C{number}", date(2024, month, 1 + every_day * number), 10.0)
        for month in range(1, 7)
        for number in range(25 if month < 6 else 5)
    ]
    columns = dict(
        zip(("customer", "month", "amount"), map(list, zip(*paid, strict=True)), strict=True)
    )
    built = build(TEMPLATE, {"Subscribers": columns}, loaded=[Loaded("Subscribers", loaded=loaded)])
    figures = dict(built.headlines)
    assert figures["Recurring revenue now"] == now
    rows = sheet(built, "Subscriptions")
    assert next(row[1] for row in rows if row[0] == "Revenue kept (GRR)") == pytest.approx(kept)
    assert (rows[3][0] or "") == told
    months = below(rows, "month")
    assert len([month for month in months if month]) == (5 if told else 6)
    survivors = below(rows, "channel")["(unknown)"]
    assert survivors[1:7] == [25, 1, 1, 1, 1, None if told else pytest.approx(0.2)]
    assert {row[3] for row in sheet(built, "Checks") if len(row) > 3} & {"✗ no"} == set()


def test_what_fewer_than_ten_have_brought_in_so_long_is_no_ltv(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nine begin in January with 100 each, twenty in February with 50, of whom one buys for 10 in
    March, which is over. After one month, by hand: 40 % of (900 + 1,000 + 10), of 29.
    """
    orders = [
        *((f"J{number}", date(2024, 1, 5), 100.0) for number in range(9)),
        *((f"F{number}", date(2024, 2, 5), 50.0) for number in range(20)),
        ("F0", date(2024, 3, 31), 10.0),
    ]
    columns = dict(
        zip(("customer", "date", "amount"), map(list, zip(*orders, strict=True)), strict=True)
    )
    columns["channel"] = ["ads"] * len(orders)
    spend = {"month": [date(2024, month, 1) for month in (1, 2, 3)], "channel": ["ads"] * 3,
             "spend": [97.0, 97.0, 96.0]}  # fmt: skip
    data = {"Orders": columns, "Spend": spend}
    ltv = 0.4 * 1910 / 29
    for horizon, expected in ((1, ltv), (2, "")):
        set_to(monkeypatch, unit_economics, {"Horizon": horizon})
        built = build(TEMPLATE, data)
        rows = sheet(built, "Summary")
        shown = {row[1]: row[2:] for row in rows if len(row) > 5}
        ltv_cell, ltv_meaning = shown["LTV of a customer"][:2]
        ratio = expected and pytest.approx(ltv / 10)  # 290 of 29 customers
        assert [ltv_cell or "", shown["ads"][3] or ""] == [expected and pytest.approx(expected)] * 2
        assert [shown["LTV : CAC"][0] or "", channels(built)["ads"]["LTV : CAC"] or ""] == [
            ratio
        ] * 2
        few = "Fewer than ten are customers for so long"
        assert ltv_meaning == ("Margin, after the months set" if expected else few)


def test_a_month_that_is_not_over_is_in_no_cac() -> None:
    """By hand: twelve in April for 24 are 2 each; of May, which has cost 100, there are two so far.

    April has brought 120. Where ten or more are customers, but fewer were won in months with spend,
    there is no telling when their cost is back.
    """
    days = [date(2024, 4, 5)] * 12 + [date(2024, 4, 30)] * 3 + [date(2024, 5, 5)] * 2
    orders = {
        "customer": [f"c{number}" for number in range(len(days))],
        "date": days,
        "amount": [10.0] * len(days),
        "channel": ["ads"] * 12 + ["mail"] * 3 + ["ads"] * 2,
    }
    spend = {"month": [date(2024, 4, 1), date(2024, 5, 1), date(2024, 4, 1)],
             "channel": ["ads", "ads", "mail"], "spend": [24.0, 100.0, 6.0]}  # fmt: skip
    built = build(TEMPLATE, {"Orders": orders, "Spend": spend})
    shown = channels(built)
    assert [shown[name]["CAC"] for name in ("All", "ads", "mail")] == [2, 2, 2]
    assert shown["All"]["spend"] == 30
    assert [shown[name]["when the CAC is back"] for name in ("ads", "mail")] == [
        "within the first month",  # 40 % of 10
        "too few customers to tell",
    ]
    assert [shown[name]["payback period"] for name in ("ads", "mail")] == [0, None]
    figures = dict(built.headlines)
    assert (figures["Customer acquisition cost"], figures["MER"]) == ("2.00", "5.00")
    april, may = below(sheet(built, "Blended"), "month").values()
    assert (april[1:4], april[8:11]) == ([30, 15, 2], [5, 5, 0.2])
    assert (may[1:4], may[8:11]) == ([100, 2, None], [None, None, None])
    assert built.values["Blended", 3, 1] == (
        "2024-05 is not over in the data, which end on 2024-05-05: it has no CAC and no returns,"
        " for its customers are still to come."
    )
    problems = {line[0]: line[1] for line in sheet(built, "Checks") if len(line) > 1}
    assert problems["Months with orders of new customers, and no spend"] == 0


def test_few_who_were_won_for_what_was_spent_tell_no_payback() -> None:
    """Eleven in January, when nobody knows what was spent, and one in February, who cost 3."""
    orders = {
        "customer": [f"c{number}" for number in range(12)],
        "date": [date(2024, 1, 5)] * 11 + [date(2024, 2, 29)],
        "amount": [10.0] * 12,
        "channel": ["ads"] * 12,
    }
    spend = {"month": [date(2024, 2, 1)], "channel": ["ads"], "spend": [3.0]}
    built = build(TEMPLATE, {"Orders": orders, "Spend": spend})
    for row in (shown := channels(built)).values():
        assert (row["CAC"], row["payback period"], row["LTV : CAC"]) == (3, None, None)
    assert shown["ads"]["when the CAC is back"] == "too few customers to tell"
    assert dict(built.headlines)["LTV : CAC"] == ""
    assert "No channel with customers and spend has ten customers yet" in str(
        built.values[FIRST_SENTENCE]
    )


def test_revenue_of_fractions_of_cents_is_all_of_returning_customers() -> None:
    """Amounts at a rate have them: 10.006 in cents is more than all of it."""
    orders = {"customer": ["a", "a"], "date": [date(2024, 1, 5), date(2024, 2, 29)],
              "amount": [10.006, 10.006]}  # fmt: skip
    rows = below(sheet(build(TEMPLATE, {"Orders": orders}), "Blended"), "month")
    assert [row[7] for row in rows.values()] == [0, 1]


def test_where_no_order_has_an_amount_a_month_without_orders_has_no_revenue() -> None:
    """February had a revenue of 0 and an MER of 0, beside months of which nobody knows it."""
    built = build(TEMPLATE, {
        "Orders": {
            "customer": ["a", "b"], "date": [date(2024, 1, 9), date(2024, 3, 31)],
            "amount": [None, None], "channel": ["search"] * 2,
        },
        "Spend": {
            "month": [date(2024, month, 1) for month in (1, 2, 3)], "channel": ["search"] * 3,
            "spend": [70.0] * 3,
        },
    })  # fmt: skip
    shown = {f"{month:%m}": row[1:11]
             for month, row in below(sheet(built, "Blended"), "month").items()}  # fmt: skip
    blank = [None] * 7
    assert {month: [*row[:2], *(cell or None for cell in row[3:])] for month, row in shown.items()
            } == {"01": [70, 1, *blank], "02": [70, 0, *blank], "03": [70, 1, *blank]}  # fmt: skip
    assert [cell for row in shown.values() for cell in row[3:] if cell == 0] == []
    assert "✗ no" not in built.values.values()


def test_a_single_order_without_an_amount_is_one_customer() -> None:
    """All figures were #VALUE!."""
    built = build(TEMPLATE, {"Orders": {
        "customer": ["a"], "date": [date(2024, 1, 31)], "amount": [None], "channel": ["search"],
    }})  # fmt: skip
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    figures = dict(built.headlines)
    assert (figures["Customers"], figures["Revenue"]) == ("1", "")


def test_a_margin_below_0_has_no_break_even() -> None:
    """Sold for 50 what cost 60: no revenue earns it back."""
    built = build(TEMPLATE, {"Orders": {
        "customer": ["a", "b"], "date": [date(2024, 1, 1), date(2024, 1, 31)],
        "amount": [20.0, 30.0], "cost": [25.0, 35.0], "channel": ["search"] * 2,
    }})  # fmt: skip
    figures = dict(built.headlines)
    assert (figures["Margin"], figures["Break-even ROAS"]) == ("-20.0%", "")
