"""The funnel workbook: stages, channels and months of made-up leads, counted again with pandas."""

import io
import itertools
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import demos
import openpyxl
import pandas as pd
import pytest
from kpi_xl.workbook_templates import funnel
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.funnel import SEASON, TEMPLATE, sample
from kpi_xl.workbook_templates.records import HEADER
from kpi_xl.workbook_templates.writing import Built
from workbooks import rows_of, set_to

from kpi_xl.reports.layout import Loaded
from kpi_xl.schema.funnel import LEADS

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


@pytest.fixture(scope="module")
def demo() -> Built:
    return demos.demo(TEMPLATE.name).built


@pytest.fixture(scope="module")
def leads() -> pd.DataFrame:
    frame = pd.DataFrame(sample().data["Leads"])
    for name in [name for name in frame if name == "created" or name.endswith("_date")]:
        frame[name] = pd.to_datetime(frame[name])
    return frame


@pytest.fixture(scope="module")
def spend() -> pd.DataFrame:
    return pd.DataFrame(sample().data["Spend"])


def shown(demo: Built, sheet: str, header: int, rows: int) -> pd.DataFrame:
    """A table of a sheet as Excel shows it, under its header's row, counted from 0."""
    file = io.BytesIO(demo.content)
    frame = pd.read_excel(file, sheet_name=sheet, header=header, nrows=rows, engine="openpyxl")
    return frame.set_index(frame.columns[0])


def test_the_sample_is_always_the_same_and_has_seasons(leads: pd.DataFrame) -> None:
    assert sample() == sample()
    assert sample().about.fields["leads"] == f"{len(leads):,}"
    by_month = leads["created"].dt.month.value_counts().sort_index()
    assert by_month.corr(pd.Series(SEASON, index=range(1, 13))) > 0.9
    assert leads["channel"].nunique() == 10  # seven, "Search", and two that are not in Spend


def test_stages_and_rates(demo: Built, leads: pd.DataFrame) -> None:
    reached = leads[["mql_date", "sql_date", "sqo_date", "won_date"]].notna()
    counts = [len(leads), *(reached.iloc[:, place:].any(axis=1).sum() for place in range(4))]
    table = shown(demo, "Funnel", 4, 5)
    assert table["count"].tolist() == counts
    rates = [after / before for before, after in itertools.pairwise(counts)]
    assert table["step rate"].tolist()[1:] == pytest.approx(rates)
    spend = sum(sample().data["Spend"]["spend"])
    assert table["cost each"].tolist() == pytest.approx([spend / count for count in counts])


@pytest.mark.parametrize("split", ["channel", "campaign", "owner"])
def test_segments(leads: pd.DataFrame, split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from Model, which has all of them; the sheet shows the first, and warns of more."""
    set_to(monkeypatch, funnel, {"FunnelBy": split})
    values = build(TEMPLATE, *sample()).values
    header, *rows = values["Model", funnel.TOP + 1, funnel.SEGMENTS + 1]
    assert header[:3] == ["segment", "leads", "MQL"]
    reached = leads[["mql_date", "sql_date", "sqo_date", "won_date"]].notna()
    names = leads[split].fillna("?").str.strip().str.lower()
    assert [row[0].lower() for row in rows] == list(dict.fromkeys(names))
    for row in rows:
        mine = reached[names == row[0].lower()]
        counts = [len(mine), *(mine.iloc[:, place:].any(axis=1).sum() for place in range(4))]
        assert row[1:6] == counts
        rates = [after / before if before else "" for before, after in itertools.pairwise(counts)]
        assert row[6:] == pytest.approx(rates) if "" not in rates else row[6:] == rates
    shown = [values["Segments", funnel.TOP + 2 + place, 1] for place in range(funnel.SEGMENT_ROOM)]
    assert shown == ([row[0] for row in rows] + [""] * 15)[:15]
    assert bool(values["Segments", 4, 1]) == (split == "campaign")
    leads_of, rate = values["Segments", 6, 2], values["Segments", 6, 11]
    assert rate == pytest.approx(values["Segments", 6, 6] / leads_of)


def test_channels(demo: Built, leads: pd.DataFrame, spend: pd.DataFrame) -> None:
    table = shown(demo, "Channels", 4, 7)
    assert table.index.tolist() == (
        spend.groupby("channel")["spend"].sum().sort_values(ascending=False).index.tolist()
    )
    mine = leads.assign(channel=leads["channel"].str.lower())
    by_channel = mine.groupby("channel")
    assert table["leads"].to_dict() == by_channel["lead_id"].count()[table.index].to_dict()
    revenue = mine[mine["won_date"].notna()].groupby("channel")["value"].sum()
    assert table["revenue"].to_dict() == pytest.approx(revenue[table.index].to_dict())
    costs = shown(demo, "Channels", 20, 7)
    won = by_channel["won_date"].count()
    paid = table[table["spend"] > 0].index
    cac = spend.groupby("channel")["spend"].sum()[paid] / won[paid]
    assert costs["CAC"].astype(float)[paid].to_dict() == pytest.approx(cac.to_dict())
    kept = mine[mine["won_date"] >= mine["created"]]
    days = (kept["won_date"] - kept["created"]).dt.days.groupby(kept["channel"]).mean()
    assert costs["days to win"].to_dict() == pytest.approx(days[table.index].to_dict())


def test_where_every_channel_is_known_nothing_is_left(demo: Built) -> None:
    rest = next(row for row in rows_of(demo.content, "Channels") if row[0] == "Other or no channel")
    assert rest[1:3] == [0, 0]


def test_months_and_speed(demo: Built, leads: pd.DataFrame) -> None:
    table = shown(demo, "Trend", 4, 12)
    created = leads["created"].dt.to_period("M").value_counts().sort_index()
    assert table["leads"].tolist() == created.tolist()
    won = leads[leads["won_date"] >= "2024-01-01"].groupby(leads["won_date"].dt.month)
    assert table["revenue"].tolist()[1:] == pytest.approx(won["value"].sum().tolist())
    speed = shown(demo, "Speed", 4, 5)
    steps = ("created", "mql_date", "sql_date", "sqo_date", "won_date")
    for row, (start, end) in enumerate(itertools.pairwise(steps)):
        days = (leads[end] - leads[start]).dt.days
        days = days[days >= 0]
        assert speed["leads"].iloc[row] == len(days)
        assert speed["mean days"].iloc[row] == pytest.approx(days.mean())
        assert speed["median days"].iloc[row] == days.median()


def test_attribution_loses_no_customer(demo: Built, leads: pd.DataFrame) -> None:
    table = shown(demo, "Attribution", 4, 10).dropna(how="all")
    won = leads[leads["won_date"].notna()]
    paths = won["campaign"].str.split(" > ")
    first = paths.str[0].value_counts()
    last = paths.str[-1].value_counts()
    assert table["first touch"][first.index].tolist() == first.tolist()
    assert table["last touch"][last.index].tolist() == last.tolist()
    for model in ("customers", "first touch", "last touch", "linear", "Markov"):
        assert table[model].sum() == pytest.approx(len(won))
    assert table["revenue"].sum() == pytest.approx(won["value"].sum())


def test_the_checks_find_what_was_spoiled(demo: Built, leads: pd.DataFrame) -> None:
    found = {row[0]: (row[1], row[2]) for row in rows_of(demo.content, "Checks")[5:19]}
    first = HEADER + 2  # the sheet's row of the first lead
    both = leads["won_date"].notna() & leads["lost_date"].notna()
    early = leads["won_date"] < leads["created"]
    assert found["Leads twice in the table"] == (1, first + 199)
    assert found["Leads without a day of creation"] == (1, first + 260)
    assert found["Leads without a channel"] == (2, first + 40)
    assert found["Leads of a channel that is not in Spend"][0] == 2
    assert found["Won and lost"] == (1, first + both.idxmax())
    assert found["Won before they were created"] == (1, first + early.idxmax())
    assert found["Won without a value"][0] == 1
    assert found["Won on a day to come"][0] == 0
    # Of those lost some have it, and all who were won: the others were lost before.
    assert found["Won or lost without sqo_date, where others have it"][0] == 0
    assert demo.values["Summary", 3, 2].startswith("Rows of data to look at: 9;")


def test_leads_alone_are_enough() -> None:
    data, about = sample()
    built = build(TEMPLATE, {"Leads": data["Leads"]}, about)
    assert dict(built.headlines)["Cost per lead"] == ""
    assert built.values["Channels", 17, 4] == len(data["Leads"]["lead_id"])


COLUMNS = [column.name for column in LEADS.columns]


def workbook(
    leads: Sequence[dict[str, Any]], spend: Any = (), loaded: datetime | None = None
) -> Built:
    """A workbook with these leads."""
    rows = [
        {"lead_id": f"L{number}", "created": date(2024, 1, 3), "channel": "Web"} | lead
        for number, lead in enumerate(leads)
    ]
    data = {"Leads": {name: [row.get(name) for row in rows] for name in COLUMNS}}
    if spend:
        names = ("month", "channel", "spend")
        data["Spend"] = dict(zip(names, map(list, zip(*spend, strict=True)), strict=True))
    return build(TEMPLATE, data, loaded=[Loaded("Leads", loaded=loaded)])


def filled(
    *leads: dict[str, Any], spend: Any = (), loaded: datetime | None = None
) -> dict[str, Any]:
    """The figures of a workbook with these leads, as people see them."""
    built = workbook(leads, spend, loaded)
    return dict(built.headlines) | {
        "channels": [
            [built.values.get(("Channels", row, column)) for column in (1, 2, 4, 8, 9)]
            for row in (6, 7)
        ],
        "quarters": built.values["Checks", 6 + PLACE_OF_QUARTERS, 2],
        "to come": built.values["Checks", 6 + PLACE_OF_TO_COME, 2],
        "no deals": built.values["Checks", 7 + PLACE_OF_TO_COME, 2],
        "undated": [built.values["Checks", 8 + PLACE_OF_TO_COME, column] for column in (2, 3)],
        "status": built.values["Summary", 3, 2],
    }


PLACE_OF_QUARTERS = [problem.label for problem in funnel.PROBLEMS].index(
    "Rows of spend that seem to stand for a quarter"
)
PLACE_OF_TO_COME = [problem.label for problem in funnel.PROBLEMS].index("Won on a day to come")


def test_deals_of_a_crm_that_has_no_days_of_opportunities() -> None:
    """One won, one lost, one open: won half of those that ended."""
    won = {"won_date": date(2024, 2, 2), "value": 5000.0}
    lost = {"lost_date": date(2024, 2, 10), "value": 3000.0}
    figures = filled(won, lost, {"value": 7500.0})
    assert figures["Win rate"] == "50.0%"
    assert figures["Deals lost"] == figures["Open opportunities"] == figures["Customers"] == "1"
    assert figures["Their value"] == "7,500.00"
    assert figures["no deals"] == 1
    # Where one lead has such a day, leads that never came so far are no deals.
    figures = filled(won | {"sqo_date": date(2024, 1, 20)}, lost, {"value": 7500.0})
    assert figures["Win rate"] == "100.0%"
    assert figures["Open opportunities"] == figures["Deals lost"] == "0"
    assert figures["no deals"] == 0


def test_deals_that_ended_without_a_day_of_the_opportunity_are_told() -> None:
    """Where that is how the win rate comes about, and not where leads were lost before."""
    day = {"sqo_date": date(2024, 1, 20)}
    won = {"won_date": date(2024, 2, 2), "value": 5000.0}
    lost = {"lost_date": date(2024, 2, 10), "value": 3000.0}
    first = HEADER + 2  # the sheet's row of the first lead
    figures = filled(won | day, lost, {"value": 7500.0})
    assert figures["Win rate"] == "100.0%"
    assert figures["undated"] == [1, first + 1]
    assert figures["status"].startswith("Rows of data to look at: 4;")  # no spend: 3 channels
    # One won has none either: those lost may have been opportunities, too.
    assert filled(won | day, lost | day, lost, won)["undated"] == [2, first + 2]
    # All who were won have one, and of those lost one: the other was lost before.
    assert filled(won | day, lost | day, lost)["undated"] == [0, ""]
    assert filled(won, lost)["undated"] == [0, ""]  # nobody has one: every lead is a deal


def test_where_nobody_has_a_day_of_the_opportunity_its_stage_is_blank() -> None:
    """Four accepted by sales, one of them won, one lost; three open; spend 150 and 80."""
    sql = {"mql_date": date(2026, 1, 2), "sql_date": date(2026, 1, 3), "value": 100.0}
    leads = [
        sql | {"channel": "Search", "won_date": date(2026, 1, 10)},
        sql | {"channel": "Search", "lost_date": date(2026, 1, 12)},
        sql | {"channel": "Search"},
        sql | {"channel": "Mail"},
        {"channel": "Mail"},
    ]
    spend = [(date(2026, 1, 1), "Search", 150.0), (date(2026, 1, 1), "Mail", 80.0)]
    values = workbook(leads, spend).values
    funnel_rows = [[values.get(("Funnel", row, column)) for column in range(2, 7)]
                   for row in (8, 9, 10)]  # fmt: skip
    assert funnel_rows == [
        [4, 1, pytest.approx(0.8), 0, pytest.approx(57.5)],  # of 4 MQL, and of 5 leads
        ["", "", "", "", ""],
        [1, "", pytest.approx(0.2), "", 230],
    ]
    segments = [[values["Segments", row, column] for column in range(2, 12)] for row in (6, 7, 21)]
    third = pytest.approx(1 / 3)
    assert segments == [
        [3, 3, 3, "", 1, 1, 1, "", "", third],
        [2, 1, 1, "", 0, 0.5, 1, "", "", 0],
        [5, 4, 4, "", 1, 0.8, 1, "", "", pytest.approx(0.2)],
    ]
    assert [values["Channels", row, 7] for row in (6, 7, 16, 17)] == [""] * 4
    assert [values["Channels", row, 8] for row in (6, 7, 16, 17)] == [1, 0, 0, 1]
    assert [values["Channels", row, 5] for row in (22, 23)] == ["", ""]
    assert values["Channels", 22, 6] == 150  # the cost of a customer
    headlines = dict(workbook(leads, spend).headlines)
    assert (headlines["SQO"], headlines["Customers"], headlines["Open opportunities"]) == (
        "", "1", "3",
    )  # fmt: skip


def test_a_deal_won_in_the_future_is_an_open_one() -> None:
    stages = {"sqo_date": date(2024, 1, 10), "value": 5000.0}
    today = datetime(2024, 2, 20, 15, 30)
    future = stages | {"won_date": date(2024, 9, 2)}
    figures = filled(stages | {"won_date": date(2024, 2, 2)}, future, loaded=today)
    assert figures["Customers"] == figures["Open opportunities"] == "1"
    assert figures["SQO"] == "2"
    assert figures["Revenue"] == figures["Their value"] == "5,000.00"
    assert figures["to come"] == 1
    figures = filled(stages | {"won_date": today.date()}, loaded=today)
    assert (figures["Customers"], figures["to come"]) == ("1", 0)
    # Of rows that were typed nobody knows on which day: nothing asks for today (see UNTIL).
    assert filled(stages | {"won_date": date(2024, 9, 2)})["Customers"] == "1"


def test_a_channel_is_one_in_capitals_and_with_spaces() -> None:
    won = {"won_date": date(2024, 2, 2), "sqo_date": date(2024, 1, 10), "value": 100.0}
    figures = filled(
        *({"channel": one} | won for one in ("search", "   Search  ", "SEARCH", "Mail")),
        spend=[(date(2024, 1, 1), "  Search", 30.0), (date(2024, 1, 1), "search    ", 12.0),
               (date(2024, 1, 1), "mail", 5.0)],
    )  # fmt: skip
    assert figures["channels"] == [["Search", 42, 3, 3, 300], ["mail", 5, 1, 1, 100]]


@pytest.mark.parametrize(
    ("months", "last", "told"),
    [
        ((1, 2, 3), date(2024, 3, 9), 0),
        ((1, 4, 7), date(2024, 9, 9), 3),
        ((3, 4), date(2024, 4, 9), 0),
        ((1,), date(2024, 3, 9), 1),
        ((1,), date(2024, 2, 9), 0),
    ],
)
def test_quarters_in_the_table_of_months_are_told(
    months: tuple[int, ...], last: date, told: int
) -> None:
    spend = [(date(2024, month, 1), "Web", 30.0) for month in months]
    assert filled({}, {"created": last}, spend=spend)["quarters"] == told


def test_rates_of_fewer_than_ten_have_no_bars(demo: Built) -> None:
    """The rule before the bars: Excel then looks at no other."""
    book = openpyxl.load_workbook(io.BytesIO(demo.content))
    stopped = {
        (name, str(area.sqref)): rule.formula
        for name in ("Funnel", "Segments", "Attribution")
        for area in book[name].conditional_formatting
        for rule in area.rules
        if rule.stopIfTrue
    }
    assert stopped["Funnel", "C7:C10"] == ["N(B6)<10"]
    assert stopped["Segments", "G6:G20"] == ["N(B6)<10"]
    assert stopped["Attribution", "D6:D15"] == ["N(CustomerCount)<10"]


def test_days_that_are_yet_to_come_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    days = {"FromDate": date(2024, 5, 1), "UntilDate": date(2024, 5, 31)}
    set_to(monkeypatch, funnel, days)
    leads = [{}, {"created": date(2024, 5, 10)}]
    built = workbook(leads, loaded=datetime(2024, 2, 10))
    texts = [value for value in built.values.values() if isinstance(value, str)]
    said = "the days from 2024-05-01 to 2024-05-31 are yet to come"
    assert any(said in text for text in texts)
    assert not [text for text in texts if "from 2024-04-01 to 2024-01" in text]


MADE_OF = {
    "MQL": "mql_date", "SQL": "sql_date", "SQO": "sqo_date", "Spend": "spend", "Revenue": "value",
    "Cost per lead": "spend", "Customer acquisition cost": "spend", "ROAS": "spend value",
    "MROI": "spend value", "Their value": "value", "Average deal": "value",
    "Sales velocity": "value", "Marketing's pipeline": "value", "Marketing's revenue": "value",
}  # fmt: skip
"""Figures, and the columns that they are made of."""


@pytest.mark.parametrize("lacking", ["", "value", "spend", "mql_date sql_date", "sqo_date visits"])
def test_what_no_row_has_is_blank_and_not_0(lacking: str) -> None:
    data, about = sample()
    for table in data.values():
        for column in lacking.split():
            if column in table:
                table[column] = [None] * len(table[column])  # type: ignore[index]
    built = build(TEMPLATE, data, about)
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    held = dict(built.headlines)
    blank = {figure for figure in MADE_OF if held[figure] == ""}
    assert blank == {one for one, of in MADE_OF.items() if set(of.split()) & set(lacking.split())}
    channels = shown(built, "Channels", 4, 7)
    months = shown(built, "Trend", 4, 12)
    for table, columns in ((channels, 8), (months, 6)):
        names = {"spend": "spend", "visits": "visits", "value": "revenue", "mql_date": "MQL",
                 "sql_date": "SQL", "sqo_date": "SQO"}  # fmt: skip
        busy = table[table["customers"] > 0]  # where nobody is won, the revenue is 0
        none = {name for name in table.columns[:columns] if busy[name].isna().all()}
        wanted = {names[one] for one in lacking.split()} & set(table.columns[:columns])
        assert none == wanted


def test_spend_of_a_single_month_has_no_trend_and_no_leads_have_no_revenue() -> None:
    """The other months have no row of it, which is no 0."""
    data, _ = sample()
    january = slice(0, 7)
    spend = {name: column[january] for name, column in data["Spend"].items()}
    assert {month.month for month in spend["month"] if isinstance(month, date)} == {1}
    built = build(TEMPLATE, {"Leads": data["Leads"], "Spend": spend})
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    months = shown(built, "Trend", 4, 13)
    assert months["spend"].notna().sum() == months["cost per lead"].notna().sum() == 1
    assert pd.isna(months["spend"].iloc[-1])
    held = dict(build(TEMPLATE, {"Spend": spend}).headlines)
    assert (held["Revenue"], held["Their value"], held["ROAS"]) == ("", "", "")
    assert held["Spend"] == f"{sum(spend['spend']):,.2f}"


def every_second_day(*counts: int) -> list[dict[str, Any]]:
    """So many leads in the months from January 2024 on, each won on its day for 100."""
    return [
        {"created": day, "mql_date": day, "won_date": day, "value": 100}
        for month, count in enumerate(counts, start=1)
        for day in (date(2024, month, 2 * (number + 1)) for number in range(count))
    ]


def trends(built: Built) -> tuple[list[Any], list[Any], Any]:
    """The last row of the months, with growth; the row of trends; what is said above."""
    column = [built.values["Trend", row, 11] for row in range(12, 18)]
    row = [built.values["Trend", 18, place] for place in range(2, 8)]
    return column, row, built.values["Trend", 3, 1]


def test_months_before_the_data_and_one_not_over_bend_no_trend() -> None:
    spend = [(date(2024, month, 1), "Web", 100) for month in range(1, 7)]
    growth, trend, told = trends(workbook(every_second_day(10, 10, 10, 10, 10, 1), spend))
    assert growth == ["", 0, 0, 0, 0, ""]
    assert trend == [0, "", 0, 0, 0, 0]
    assert told == (
        "Not whole, and so in no trend and no growth: 2024-06."
        " The data begin on 2024-01-02 and end on 2024-06-02."
    )
    built = workbook(every_second_day(10, 10), spend)
    assert [built.values["Trend", row, 4] for row in (11, 12, 17)] == ["", 10, 0]


def test_a_month_that_the_data_begin_in_bends_no_trend() -> None:
    leads = every_second_day(10, 10, 12, 14)[7:]  # from 16 January on: 3, 10, 12 and 14
    growth, trend, told = trends(workbook(leads))
    assert growth[-3:] == ["", pytest.approx(12 / 10 - 1), pytest.approx(14 / 12 - 1)]
    assert trend[2] == pytest.approx(2 / 12)  # 10, 12, 14; April ends on the 28th: it is over
    assert told.startswith("Not whole, and so in no trend and no growth: 2024-01. The data begin")


def test_whole_months_have_nothing_said_above() -> None:
    growth, trend, told = trends(workbook(every_second_day(14, 14, 14)))
    assert (growth[-2:], trend[2], told) == ([0, 0], 0, "")


def test_touches_are_never_patterns() -> None:
    won = {"won_date": date(2024, 2, 25), "value": 100}
    touches = ["a*", "ab", "ab", "a?", "<5", "=x", "~q", "a*"]
    built = workbook([won | {"campaign": touch} for touch in touches])
    shown = {built.values["Attribution", row, 1]: row for row in range(6, 12)}
    for touch, row in shown.items():
        models = [built.values["Attribution", row, column] for column in (2, 5, 6, 7, 8)]
        assert models == [pytest.approx(touches.count(touch))] * 5, touch
    assert set(shown) == set(touches)


def test_a_channel_without_an_open_deal_has_no_velocity_as_the_whole_has_none() -> None:
    won = {"sqo_date": date(2024, 1, 5), "won_date": date(2024, 1, 13), "value": 1000}
    built = workbook([won, won], [(date(2024, 1, 1), "Web", 100)])
    assert dict(built.headlines)["Sales velocity"] == ""
    assert (built.values["Channels", 22, 12], built.values["Channels", 22, 13]) == (10, "")


def test_days_without_leads_make_no_lead_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of days on which nobody came in, all leads of other days were there twice."""
    set_to(monkeypatch, funnel, {"FromDate": date(2024, 6, 1), "UntilDate": date(2024, 6, 30)})
    built = workbook([{}, {}, {"lead_id": "L0"}])
    label = [problem.label for problem in funnel.PROBLEMS].index("Leads twice in the table")
    assert dict(built.headlines)["Leads"] == "0"
    assert [built.values["Checks", 6 + label, column] for column in (2, 3)] == [1, HEADER + 2]
    assert not [value for value in built.values.values() if str(value).startswith("#")]


def test_values_below_0_are_told_and_make_no_share() -> None:
    """A deal of 100 was taken back as -300: shares and growth of less than nothing are blank."""
    day = date(2024, 1, 20)
    deals = [{"won_date": day, "sqo_date": day, "value": value} for value in (-300.0, 100.0)] + [
        {"won_date": date(2024, 2, 5), "sqo_date": day, "value": 50.0}
    ]
    built = workbook(deals)
    figures = dict(built.headlines)
    assert figures["Revenue"] == "-150.00"
    assert (figures["Marketing's pipeline"], figures["Marketing's revenue"]) == ("", "")
    growth = [built.values["Trend", row, 11] for row in range(6, 18)]
    assert growth == [""] * 12
    label = [problem.label for problem in funnel.PROBLEMS].index("Leads with a value below 0")
    assert built.values["Checks", 6 + label, 2] == 1
