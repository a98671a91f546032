"""The scorecard workbook: every KPI of made-up months, counted again by plain loops."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from itertools import takewhile
from statistics import median
from typing import Any

import demos
import pytest
from kpi_xl.workbook_templates import scorecard
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import HEADER, Data
from kpi_xl.workbook_templates.scorecard import TEMPLATE, sample
from kpi_xl.workbook_templates.scorecard_kpis import COUNTS, FIFTEEN, KPIS
from kpi_xl.workbook_templates.writing import Built
from workbooks import rows_of

from kpi_xl import CellError
from kpi_xl.ooxml.addresses import column_letters
from kpi_xl.schema.scorecard import MONTHS

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

MARGIN, LIFETIME, DISCOUNT, TOLERANCE = 0.6, 24, 0.01, 0.1
Counts = dict[str, Any]

STATES = {"customers_start": "first", "mrr_start": "first", "customers_end": "last",
          "active_users": "last", "followers": "last", "audience": "last",
          "market_buyers": "last"}  # fmt: skip


def annuity(months: int) -> float:
    return sum(1 / (1 + DISCOUNT) ** month for month in range(1, months + 1))


def clv(c: Counts, _: Counts) -> float:
    customers = (c["customers_start"] + c["customers_end"]) / 2
    return c["revenue"] / customers / c["months"] * MARGIN * annuity(LIFETIME)


def churn(c: Counts, _: Counts) -> float:
    lost = c["customers_start"] + c["new_customers"] - c["customers_end"]
    return lost / c["customers_start"]


def arpu(c: Counts, _: Counts) -> float:
    return c["revenue"] / c["months"] / ((c["customers_start"] + c["customers_end"]) / 2)


def clv_retention(c: Counts, b: Counts) -> float:
    """The margins of 10,000 periods to come, those from the second on, one by one."""
    kept = (c["customers_end"] - c["new_customers"]) / c["customers_start"]
    step = kept / (1 + DISCOUNT) ** c["months"]
    margin = arpu(c, b) * c["months"] * MARGIN
    return sum(margin * step**period for period in range(1, 10_000))


def answers(c: Counts) -> float:
    return c["promoters"] + c["passives"] + c["detractors"]


def nps_error(c: Counts, _: Counts) -> float:
    n = answers(c) + 3
    good, bad = (c["promoters"] + 0.75) / n, (c["detractors"] + 0.75) / n
    return 100 * 1.959963984540054 * ((good + bad - (good - bad) ** 2) / n) ** 0.5


def velocity(c: Counts, _: Counts) -> float:
    win = c["won"] / (c["won"] + c["lost"])
    return c["sqos"] * win * (c["won_value"] / c["won"]) / (c["won_days"] / c["won"])


def over(part: str, whole: str) -> Callable[[Counts, Counts], float]:
    return lambda c, _: c[part] / c[whole]


def growth(name: str) -> Callable[[Counts, Counts], float]:
    return lambda c, before: c[name] / before[name] - 1


EXPECTED: dict[str, Callable[[Counts, Counts], float]] = {
    "CAC": over("spend", "new_customers"),
    "CLV": clv,
    "ROI": lambda c, _: (c["marketing_revenue"] * MARGIN - c["spend"]) / c["spend"],
    "ROAS": over("ad_revenue", "ad_spend"),
    "MQL": lambda c, _: c["mqls"],
    "SQL": lambda c, _: c["sqls"],
    "FOLLOWER_GROWTH": growth("followers"),
    "CONVERSION_RATE": over("conversions", "visitors"),
    "VISITORS": lambda c, _: c["visitors"],
    "SOCIAL_ENGAGEMENTS": lambda c, _: c["likes"] + c["shares"] + c["comments"],
    "REFERRAL_TRAFFIC": lambda c, _: c["referral_visits"],
    "NPS": lambda c, _: 100 * (c["promoters"] - c["detractors"]) / answers(c),
    "ORGANIC_TRAFFIC": lambda c, _: c["organic_visits"],
    "EVENT_ATTENDANCE": lambda c, _: c["attended"],
    "RETENTION_RATE": lambda c, _: (c["customers_end"] - c["new_customers"]) / c["customers_start"],
    "CAC_PAYBACK": lambda c, b: c["spend"] / c["new_customers"] / (arpu(c, b) * MARGIN),
    "CPL": over("spend", "leads"),
    "CPA": over("ad_spend", "conversions"),
    "CPC": over("ad_spend", "clicks"),
    "CPM": lambda c, _: 1000 * c["ad_spend"] / c["impressions"],
    "COST_PER_MQL": over("spend", "mqls"),
    "COST_PER_SQL": over("spend", "sqls"),
    "COST_PER_SQO": over("spend", "sqos"),
    "COST_PER_ATTENDEE": over("event_cost", "attended"),
    "AD_COST_OF_SALES": over("ad_spend", "ad_revenue"),
    "MER": over("revenue", "spend"),
    "MARKETING_COST_RATIO": over("spend", "revenue"),
    "REVENUE_CONTRIBUTION": over("marketing_revenue", "revenue"),
    "CLV_CAC": lambda c, b: clv(c, b) / (c["spend"] / c["new_customers"]),
    "CUSTOMER_LIFETIME": lambda c, b: c["months"] / churn(c, b),
    "AOV": over("revenue", "orders"),
    "ARPU": arpu,
    "LEAD_VALUE": over("revenue", "leads"),
    "VISITS": lambda c, _: c["visits"],
    "TRAFFIC_GROWTH": growth("visits"),
    "ORGANIC_SHARE": over("organic_visits", "visits"),
    "REFERRAL_SHARE": over("referral_visits", "visits"),
    "SOCIAL_SHARE": over("social_visits", "visits"),
    "TRAFFIC_TO_MQL": over("mqls", "visitors"),
    "BOUNCE_RATE": over("bounces", "visits"),
    "AVG_SESSION_DURATION": over("visit_seconds", "visits"),
    "PAGES_PER_SESSION": over("pageviews", "visits"),
    "LANDING_CONVERSION_RATE": over("landing_conversions", "landing_visits"),
    "FORM_CONVERSION_RATE": over("form_submissions", "form_views"),
    "TRIAL_CONVERSION_RATE": over("trials_paid", "trials"),
    "CTR": over("clicks", "impressions"),
    "CART_ABANDONMENT_RATE": lambda c, _: 1 - c["purchases"] / c["carts"],
    "CONTENT_OUTPUT": over("pieces", "months"),
    "AVG_VIEW_DURATION": over("watch_seconds", "video_starts"),
    "VIDEO_COMPLETION_RATE": over("video_completions", "video_starts"),
    "DELIVERY_RATE": over("delivered", "sent"),
    "OPEN_RATE": over("opened", "delivered"),
    "EMAIL_CLICK_RATE": over("clicked", "delivered"),
    "CLICK_TO_OPEN_RATE": over("clicked", "opened"),
    "UNSUBSCRIBE_RATE": over("unsubscribed", "delivered"),
    "REGISTRATION_RATE": over("registered", "invited"),
    "ATTENDANCE_RATE": over("attended", "registered"),
    "ENGAGEMENT_RATE": lambda c, _: (c["likes"] + c["shares"] + c["comments"]) / c["followers"],
    "SHARE_OF_VOICE": over("own_mentions", "market_mentions"),
    "LEADS": lambda c, _: c["leads"],
    "SQO": lambda c, _: c["sqos"],
    "MQL_RATE": over("mqls", "leads"),
    "SQL_RATE": over("sqls", "mqls"),
    "SQO_RATE": over("sqos", "sqls"),
    "LEAD_TO_CUSTOMER_RATE": over("new_customers", "leads"),
    "CLOSE_RATE": over("won", "leads"),
    "WIN_RATE": lambda c, _: c["won"] / (c["won"] + c["lost"]),
    "PIPELINE_WIN_SHARE": over("won", "sqos"),
    "PIPELINE_CONTRIBUTION": over("marketing_pipeline", "pipeline"),
    "SALES_VELOCITY": velocity,
    "SALES_GROWTH": growth("revenue"),
    "CHURN_RATE": churn,
    "ANNUAL_CHURN": lambda c, b: 1 - (1 - churn(c, b)) ** (12 / c["months"]),
    "REVENUE_CHURN": over("mrr_churned", "mrr_start"),
    "GRR": lambda c, _: (c["mrr_start"] - c["mrr_contraction"] - c["mrr_churned"]) / c["mrr_start"],
    "NRR": lambda c, _: (
        (c["mrr_start"] - c["mrr_contraction"] - c["mrr_churned"] + c["mrr_expansion"])
        / c["mrr_start"]
    ),
    "ADOPTION_RATE": over("active_users", "customers_end"),
    "NPS_ERROR": nps_error,
    "AD_FREQUENCY": over("impressions", "reach"),
    "AD_REACH_RATE": lambda c, _: c["reach"] / c["months"] / c["audience"],
    "MROI": lambda c, _: (
        ((c["marketing_revenue"] - c["organic_revenue"]) * MARGIN - c["spend"]) / c["spend"]
    ),
    "CLV_RETENTION": clv_retention,
    "CLV_CHURN": lambda c, b: arpu(c, b) * c["months"] * MARGIN / churn(c, b),
    "ENGAGED_SESSION_RATE": over("engaged_visits", "visits"),
    "VIDEO_RETENTION": over("video_30s", "video_starts"),
    "BRAND_AWARENESS": over("aware", "asked"),
    "MARKET_GROWTH": growth("market_sales"),
    "MARKET_SHARE": over("revenue", "market_sales"),
    "MARKET_PENETRATION": over("customers_end", "market_buyers"),
    "SALES_CYCLE": over("won_days", "won"),
    "QUOTA_ATTAINMENT": over("revenue", "quota"),
    "REPEAT_PURCHASE_RATE": over("repeat_buyers", "buyers"),
    "CSAT": over("csat_satisfied", "csat_answers"),
    "CES": over("ces_points", "ces_answers"),
}


Months = list[tuple[int, int]]


def month_before(month: tuple[int, int], back: int) -> tuple[int, int]:
    year, number = month
    for _ in range(back):
        year, number = (year, number - 1) if number > 1 else (year - 1, 12)
    return year, number


def counted(months: Months) -> Counts:
    """The counts of some months of the sample, added up row by row; None where one is missing."""
    table = sample().data["Months"]
    rows: list[list[int]] = [[] for _ in months]
    for row, day in enumerate(table["month"]):
        if (day.year, day.month) in months:
            rows[months.index((day.year, day.month))].append(row)
    if any(len(found) != 1 for found in rows):
        return dict.fromkeys([column.name for column in COUNTS] + ["months"])
    result: Counts = {"months": len(months)}
    for name, cells in table.items():
        if name == "month":
            continue
        values = [cells[found[0]] for found in rows]
        if name in STATES:
            result[name] = values[0] if STATES[name] == "first" else values[-1]
        elif None in values:
            result[name] = None
        else:
            total = 0
            for value in values:
                total += value
            result[name] = total
    return result


def value_of(code: str, months: Months, before: Months) -> float | None:
    try:
        return EXPECTED[code](counted(months), counted(before))
    except (TypeError, ZeroDivisionError):  # a count is missing, or 0
        return None


def period_of(last: tuple[int, int], view: str) -> Months:
    return [month_before(last, back) for back in ((0,) if view == "M" else (2, 1, 0))]


def workbook(monkeypatch: pytest.MonkeyPatch, data: Data, **chosen: Any) -> Built:
    """The workbook of some data with other settings."""
    settings = tuple(
        setting._replace(value=chosen.get(setting.name, setting.value))
        for setting in scorecard.SETTINGS
    )
    with monkeypatch.context() as patched:
        patched.setattr(scorecard, "SETTINGS", settings)
        return build(TEMPLATE, data)


@pytest.fixture(scope="module")
def demo() -> Built:
    return demos.demo(TEMPLATE.name).built


def changed(**columns: Sequence[Any]) -> Data:
    """The sample with other columns in its table Months."""
    data = sample().data
    return {**data, "Months": {**data["Months"], **columns}}


def without(data: Data, month: date) -> Data:
    kept = [row for row, day in enumerate(data["Months"]["month"]) if day != month]
    months = {name: [cells[row] for row in kept] for name, cells in data["Months"].items()}
    return {**data, "Months": months}


def history(built: Built) -> dict[str, list[Any]]:
    """The row of each KPI on the sheet Periods."""
    rows = {scorecard.history_row(kpi) + 1: kpi.code for kpi in KPIS}
    return {
        code: [built.values["Periods", row, column] for column in range(3, 16)]
        for row, code in rows.items()
    }


def on_scorecard(built: Built, column: int) -> dict[str, Any]:
    """A column of the sheet Scorecard by KPI; columns are counted from 1."""
    return {
        kpi.code: built.values["Scorecard", row, column] for row, kpi in enumerate(FIFTEEN, start=6)
    }


def found(built: Built) -> dict[str, tuple[Any, Any]]:
    """What the sheet Checks finds: how many, and the first row."""
    lines = takewhile(lambda line: line[0], rows_of(built.content, "Checks")[5:])
    labels = dict(enumerate((line[0] for line in lines), start=6))
    checks = {
        label: (built.values["Checks", row, 2], built.values.get(("Checks", row, 3), ""))
        for row, label in labels.items()
    }
    return {label: cells for label, cells in checks.items() if cells[0]}


def test_the_sample_is_always_the_same() -> None:
    assert sample() == sample()
    assert {len(cells) for cells in sample().data["Months"].values()} == {31}


def test_every_kpi_is_counted_again() -> None:
    assert set(EXPECTED) == {kpi.code for kpi in KPIS}
    assert len(FIFTEEN) == 15


@pytest.mark.parametrize("view", ["M", "Q"])
def test_every_kpi_in_every_period(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built = workbook(monkeypatch, sample().data, Period=view)
    shown = history(built)
    length = 1 if view == "M" else 3
    checked = 0
    for place in range(13):
        last = month_before((2025, 6), (12 - place) * length)
        months = period_of(last, view)
        before = period_of(month_before(last, length), view)
        label = f"{last[0]}-{last[1]:02}" if view == "M" else f"{last[0]}-Q{(last[1] + 2) // 3}"
        assert built.values["Periods", 5, place + 3] == label
        for code, row in shown.items():
            expected = value_of(code, months, before)
            if expected is None:
                assert row[place] == "", (code, label)
            else:
                assert row[place] == pytest.approx(expected, rel=1e-12), (code, label)
                checked += 1
    assert checked > (950 if view == "M" else 550)


def test_a_quarter_divides_its_sums() -> None:
    """The quarter's CAC is not the mean of its months'."""
    months = period_of((2025, 6), "Q")
    quarter = value_of("CAC", months, months)
    single = [value_of("CAC", [month], [month]) for month in months]
    assert quarter != pytest.approx(sum(filter(None, single)) / 3, rel=1e-4)


def test_a_row_of_the_scorecard(demo: Built) -> None:
    actual, before = on_scorecard(demo, 3), on_scorecard(demo, 4)
    change, progress, state = (on_scorecard(demo, column) for column in (5, 9, 10))
    baseline, target, deadline = (on_scorecard(demo, column) for column in (6, 7, 8))
    goals = sample().data["Goals"]
    seen = set()
    for row, code in enumerate(goals["kpi"]):
        if code not in actual or code in seen or goals["period"][row] == "Q":
            continue
        seen.add(code)
        aim, start, day = (goals[name][row] for name in ("target", "baseline", "deadline"))
        now = value_of(code, [(2025, 6)], [(2025, 5)])
        past = value_of(code, [(2025, 5)], [(2025, 4)])
        assert now is not None
        assert past is not None
        assert actual[code] == pytest.approx(now)
        assert before[code] == pytest.approx(past)
        assert (baseline[code], target[code]) == (start, aim)
        assert deadline[code] == (day - date(1899, 12, 30)).days
        assert progress[code] == pytest.approx((now - start) / (aim - start))
        missed = (now - aim if code == "CAC" else aim - now) / aim
        words = "✓ on track" if missed <= 0 else "▲ at risk" if missed <= TOLERANCE else None
        assert state[code] == (words or "✗ off track")
        unit = next(kpi.unit.name for kpi in FIFTEEN if kpi.code == code)
        points = {"RATE": 100, "SCORE": 1}.get(unit)
        assert change[code] == pytest.approx((now - past) * points if points else now / past - 1)
    assert seen == {kpi.code for kpi in FIFTEEN}
    assert len(set(state.values())) == 3


def test_trends_and_what_is_unusual(demo: Built) -> None:
    trend, unusual = on_scorecard(demo, 11), on_scorecard(demo, 12)
    for code, values in history(demo).items():
        if code not in trend:
            continue
        points = [(x, y) for x, y in enumerate(values) if y != ""]
        mean_x = sum(x for x, _ in points) / len(points)
        mean_y = sum(y for _, y in points) / len(points)
        slope = sum((x - mean_x) * (y - mean_y) for x, y in points)
        slope /= sum((x - mean_x) ** 2 for x, _ in points)
        assert trend[code] == pytest.approx(slope / mean_y)
        middle = median(y for _, y in points)
        spread = median(abs(y - middle) for _, y in points)
        strange = 0.6745 * abs(values[-1] - middle) / spread > 3.5
        assert unusual[code] == ("◆ unusual" if strange else "")
    assert [code for code, words in unusual.items() if words] == ["REFERRAL_TRAFFIC"]


def test_another_month_and_the_year_before(monkeypatch: pytest.MonkeyPatch) -> None:
    built = workbook(monkeypatch, sample().data, ReportMonth=45751, Compare="Y")  # 2025-04-04
    assert built.values["Dashboard", 2, 1] == "2025-04, compared with 2024-04"
    for code in ("CAC", "NPS", "FOLLOWER_GROWTH", "EVENT_ATTENDANCE"):
        now, past = ([(year, 4)] for year in (2025, 2024))
        assert on_scorecard(built, 3)[code] == pytest.approx(value_of(code, now, [(2025, 3)]))
        assert on_scorecard(built, 4)[code] == pytest.approx(value_of(code, past, [(2024, 3)]))


def test_a_quarter_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    data = without(sample().data, date(2025, 6, 1))
    built = workbook(monkeypatch, data, Period="Q")
    title = "2025-Q2, compared with 2025-Q1 "
    title += "(so far: 2 of 3 months; what grows with the months is not judged)"
    assert built.values["Dashboard", 2, 1] == title
    april_may = [(2025, 4), (2025, 5)]
    actual, change = on_scorecard(built, 3), on_scorecard(built, 5)
    for code in ("CAC", "CLV", "MQL", "RETENTION_RATE"):
        assert actual[code] == pytest.approx(value_of(code, april_may, april_may)), code
    assert actual["FOLLOWER_GROWTH"] == ""  # two months do not grow as three do
    assert change["MQL"] == ""
    assert change["CAC"] != ""


def alike(months: int, **columns: float) -> dict[str, Any]:
    """The table of so many months from January 2023 on, which are all alike."""
    days = [date(2023 + month // 12, month % 12 + 1, 1) for month in range(months)]
    return {"month": days, **{name: [value] * months for name, value in columns.items()}}


def test_a_quarter_so_far_is_neither_a_fall_nor_a_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each month 20 of 500 customers leave, and 20 come: 96 % stay in it, 88 % in a quarter.
    months = alike(28, leads=100, mqls=10, customers_start=500, customers_end=500,
                   new_customers=20, spend=1000)  # fmt: skip
    goals = {
        "kpi": ["MQL", "CHURN_RATE", "CAC"], "period": ["Q"] * 3, "baseline": [20, 0.15, 60],
        "target": [30, 0.06, 50],
    }  # fmt: skip
    whole = {name: cells[:27] for name, cells in months.items()}  # to March 2025
    done = workbook(monkeypatch, {"Months": whole, "Goals": goals}, Period="Q")
    begun = workbook(monkeypatch, {"Months": months, "Goals": goals}, Period="Q")
    change, progress, status, trend, unusual = 5, 9, 10, 11, 12
    shown = [
        [on_scorecard(built, column)[code] for column in (3, change, progress, trend, unusual)]
        for built in (done, begun)
        for code in ("MQL", "RETENTION_RATE", "CAC")
    ]
    assert shown == [
        [30, 0, 1, 0, ""], [pytest.approx(0.88), 0, "", pytest.approx(0), ""], [50, 0, 1, 0, ""],
        [10, "", "", 0, ""], [pytest.approx(0.96), "", "", pytest.approx(0), ""], [50, 0, 1, 0, ""],
    ]  # fmt: skip
    assert [on_scorecard(built, status)["MQL"] for built in (done, begun)] == ["✓ on track", ""]
    judged = [
        [built.values.get(("SMART check", row, 10)) for row in (11, 12, 13)]
        for built in (done, begun)
    ]
    assert judged == [["✓ on track", "✗ off track", "✓ on track"], ["", "", "✓ on track"]]


def test_what_grows_with_the_months_of_a_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {count.name: 100.0 for count in COUNTS} | {
        "customers_start": 500.0, "customers_end": 500.0, "new_customers": 20.0, "mrr_churned": 1.0,
        "mrr_contraction": 1.0, "mrr_expansion": 1.0, "organic_revenue": 0.0, "won_days": 900.0,
        "lost": 50.0, "audience": 1000.0, "market_buyers": 1000.0, "buyers": 200.0,
    }  # fmt: skip
    quarters = history(workbook(monkeypatch, {"Months": alike(28, **columns)}, Period="Q"))
    growing = {kpi.code for kpi in KPIS if kpi.by_months}
    # Growth has no such quarter; rates of a year differ by what is compounded, and the error of a
    # survey is that of its answers.
    known = {"ANNUAL_CHURN", "CLV_RETENTION", "NPS_ERROR"}
    moved = {
        code
        for code, (*_, whole, so_far) in quarters.items()
        if so_far != "" and so_far != pytest.approx(whole)
    }
    assert moved - known == growing


def test_goals_of_quarters_are_for_quarters(monkeypatch: pytest.MonkeyPatch, demo: Built) -> None:
    quarters = workbook(monkeypatch, sample().data, Period="Q")
    assert (on_scorecard(demo, 7)["MQL"], on_scorecard(quarters, 7)["MQL"]) == (480, 1500)
    assert on_scorecard(quarters, 7)["SQL"] == ""
    assert on_scorecard(quarters, 7)["CAC"] == 180


def test_a_few_columns_are_enough() -> None:
    months = {"month": [date(2025, month, 1) for month in (1, 2, 3)],
              "spend": [900, 1000, None], "new_customers": [9, 0, 5]}  # fmt: skip
    built = build(TEMPLATE, {"Months": months})
    shown = history(built)
    assert shown.pop("CAC") == [""] * 10 + [100, "", ""]
    assert {cell for row in shown.values() for cell in row} == {""}
    assert not [cell for cell in built.values.values() if isinstance(cell, CellError)]


def test_the_checks_find_what_is_wrong(demo: Built) -> None:
    assert found(demo) == {
        "Rows too many of a month": (1, 9),
        "Missing months, after this row": (1, 5),
        "Parts that are more than their whole": (1, 20),
        "Customers at the start differ from the end before": (1, 26),
        "Goals for a KPI that there is not": (1, 23),
        "Goals without a target": (1, 25),
        "Goals for the same KPI and period": (2, 8),
        "Days that may be of a wrong year in Months": (1, "A6"),
    }
    months = sample().data["Months"]
    assert months["month"][6 - HEADER - 2].year == 2203
    assert months["month"][9 - HEADER - 2] == months["month"][9 - HEADER - 1]
    assert months["carts"][20 - HEADER - 2] < months["purchases"][20 - HEADER - 2]


def test_the_checks_find_other_mistakes() -> None:
    months = sample().data["Months"]
    spend, leads, days = list(months["spend"]), list(months["leads"]), list(months["month"])
    bounces, visits = list(months["bounces"]), months["visits"]
    spend[30], leads[29], bounces[30] = "n/a", -3, visits[30] + 1
    days[3], days[5] = None, date(1970, 5, 1)
    built = build(TEMPLATE, changed(spend=spend, leads=leads, bounces=bounces, month=days))
    wrong = found(built)
    assert wrong["Rows without a month"] == (1, 8)
    assert wrong["Texts in place of numbers or dates in Months"][0] == 1
    assert wrong["Days that may be of a wrong year in Months"] == (2, "A10")  # and one of 2203
    assert wrong["Missing months, after this row"][0] == 2
    place = [column.name for column in MONTHS.columns].index("leads") + 1
    assert wrong["Numbers below 0 in Months"] == (1, f"{column_letters(place)}{HEADER + 2 + 29}")
    assert "Parts that are more than their whole" not in wrong  # first the text has to go
    assert history(built)["CAC"][-1] == "#VALUE!"  # a text among the numbers
    assert history(built)["BOUNCE_RATE"][-1] == "#NUM!"
    assert history(built)["CPL"][-2] == "#VALUE!"


def test_what_goals_lack(demo: Built) -> None:
    goals = sample().data["Goals"]
    for number, code in enumerate(goals["kpi"]):
        row = {name: cells[number] for name, cells in goals.items()}
        ticks = (
            bool(row["goal"] and row["owner"]),
            code in EXPECTED and row["target"] is not None,
            bool(row["baseline"] is not None and row["achievable"]),
            bool(row["relevant"]),
            row["deadline"] is not None,
        )
        sheet_row = 11 + number
        shown = [demo.values["SMART check", sheet_row, column] for column in range(13, 18)]
        assert shown == ["✓" if tick else "✗" for tick in ticks], code
        missing = demo.values["SMART check", sheet_row, 18]
        alike = [(k, p) for k, p in zip(goals["kpi"], goals["period"], strict=True)]
        fine = all(ticks) and alike.count((code, row["period"])) == 1
        assert (missing == "Nothing: it is SMART.") == fine
        if row["deadline"]:
            left = (row["deadline"] - date(2025, 6, 30)).days
            assert demo.values["SMART check", sheet_row, 12] == left
    assert demo.values["SMART check", 16, 10] == "by quarter"
    assert demo.values["SMART check", 32, 2] == ""


def test_sparklines_follow_the_whole_history(demo: Built) -> None:
    with zipfile.ZipFile(io.BytesIO(demo.content)) as package:
        sheets = [
            package.read(name).decode() for name in package.namelist() if "worksheets/sheet" in name
        ]
    sparkline = re.compile(r"<x14:sparkline><xm:f>(.*?)</xm:f>")
    ranges = [place for xml in sheets for place in sparkline.findall(xml)]
    rows = [scorecard.history_row(kpi) + 1 for kpi in (*FIFTEEN, *KPIS)]
    assert sorted(ranges) == sorted(f"Periods!C{row}:O{row}" for row in rows)
