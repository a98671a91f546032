"""The campaigns workbook: its figures, against plain loops over the rows of its sample."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from statistics import NormalDist, fmean, linear_regression, median
from typing import Any

import demos
import pytest
from hosts import program
from kpi_xl.workbook_templates import campaigns
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.campaigns import (
    BY_CAMPAIGN,
    CAMPAIGN_ROWS,
    CHANNEL_ROWS,
    PERIODS,
    TEMPLATE,
    TOP,
)
from kpi_xl.workbook_templates.campaigns_sample import sample
from kpi_xl.workbook_templates.records import Data
from kpi_xl.workbook_templates.writing import Built
from workbooks import set_to

from kpi_xl.hosts.libreoffice import engine
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package

Row = dict[str, Any]
Table = dict[str, dict[str, Any]]

SUMS = ("cost", "impressions", "clicks", "conversions", "revenue")


@pytest.fixture(scope="module")
def demo() -> Built:
    return demos.demo(TEMPLATE.name).built


def rows_of(
    data: Data, first: date = date(1990, 1, 1), last: date = date(2100, 12, 31)
) -> list[Row]:
    """The rows of Ads from day to day."""
    ads = data["Ads"]
    rows = [dict(zip(ads, cells, strict=True)) for cells in zip(*ads.values(), strict=True)]
    return [row for row in rows if row["date"] and first <= row["date"] <= last]


def sums(rows: list[Row], key: Callable[[Row], Any]) -> dict[Any, Row]:
    """The sums of the figures, by whatever the key says."""
    found: dict[Any, Row] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        for name, value in row.items():
            if isinstance(value, int | float):
                found[key(row)][name] += value
    return dict(found)


def shown(built: Built, sheet: str, first: int, rows: int, keys: int = 1) -> Table:
    """A table as its sheet shows it: by the text of its first columns, each column by place."""
    table: Table = {}
    for row in range(first + 1, first + 1 + rows):
        name = tuple(built.values[sheet, row, place + 1] for place in range(keys))
        if any(name):
            cells = {
                column - 1: value
                for (where, at, column), value in built.values.items()
                if where == sheet and at == row
            }
            table["/".join(map(str, name))] = cells
    return table


def all_of(total: Row) -> list[Any]:
    """The sums; "" of a column that no row has a cell in."""
    return [total.get(name, "") for name in SUMS]


def ratios(rows: list[Row]) -> list[float | str]:
    """CTR, CPC, CPM, CPA, conversion rate, ROAS, cost of sales; "" where there is none.

    Each is of the rows that have both its parts.
    """

    def over(above: str, below: str, times: int = 1) -> float | str:
        both = [row for row in rows if None not in (row[above], row[below])]
        divided = sum(row[below] for row in both)
        return times * sum(row[above] for row in both) / divided if divided else ""

    return [
        over("clicks", "impressions"),
        over("cost", "clicks"),
        over("cost", "impressions", 1000),
        over("cost", "conversions"),
        over("conversions", "clicks"),
        over("revenue", "cost"),
        over("cost", "revenue"),
    ]


def grouped(rows: list[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """The rows by whatever the key says."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def same(cells: dict[int, Any], first: int, expected: list[float | str]) -> None:
    for place, value in enumerate(expected, start=first):
        held = cells[place]
        assert held == value if isinstance(value, str) else held == pytest.approx(value, rel=1e-12)


def test_campaigns_and_channels(demo: Built) -> None:
    rows = rows_of(sample().data)
    cost = sum(row["cost"] or 0 for row in rows)
    spelled = shown(demo, "Campaigns", CAMPAIGN_ROWS, BY_CAMPAIGN.room)
    expected = sums(rows, lambda row: row["campaign"].lower())
    of_campaign = grouped(rows, lambda row: row["campaign"].lower())
    assert {name.lower() for name in spelled} == set(expected)
    assert [cells[3] for cells in spelled.values()] == sorted(
        (cells[3] for cells in spelled.values() if cells[3] > 1300), reverse=True
    ) + [cells[3] for cells in spelled.values() if cells[3] <= 1300]
    for name, cells in spelled.items():
        total = expected[name.lower()]
        parts = of_campaign[name.lower()]
        same(cells, 2, [total["cost"] / cost, *all_of(total), *ratios(parts)])
    by_channel = shown(demo, "Campaigns", CHANNEL_ROWS, 8)
    of_channel = grouped(rows, lambda row: row["channel"])
    for name, total in sums(rows, lambda row: row["channel"]).items():
        shares = [total["cost"] / cost, *all_of(total)]
        same(by_channel[name], 2, [*shares, *ratios(of_channel[name])])
    assert len(by_channel) == 4
    same(of_all(demo), 3, [*all_of(sums(rows, lambda _: "")[""]), *ratios(rows)])
    weeks = shown(demo, "Trend", TOP + 2, PERIODS)
    of_week = grouped(
        rows, lambda row: (row["date"] - timedelta(row["date"].weekday())).isoformat()
    )
    assert set(weeks) == set(of_week)
    for week, cells in weeks.items():
        rate, click, _, action, conversion, returned, _ = ratios(of_week[week])
        same(cells, 7, [rate, click, action, conversion, returned])


def test_verdicts_in_words(demo: Built) -> None:
    words = {
        name: cells[15]
        for name, cells in shown(demo, "Campaigns", CAMPAIGN_ROWS, BY_CAMPAIGN.room).items()
    }
    expected = sums(rows_of(sample().data), lambda row: row["campaign"].lower())
    for name, said in words.items():
        if name == "Newsletter":
            continue
        total = expected[name.lower()]
        pays = total["revenue"] / total["cost"] >= 1 / 0.4
        plain = "above break-even" if pays else "below break-even"
        assert said == (plain if total["conversions"] else "cost without conversions")
    assert words["Newsletter"] == "best: above break-even"
    assert words["Festival spot"] == "cost without conversions"


def test_ad_groups(demo: Built) -> None:
    def named(row: Row) -> str:
        return f"{row['campaign']}/{row['ad_group']}".lower()

    rows = rows_of(sample().data)
    expected, of_group = sums(rows, named), grouped(rows, named)
    groups = shown(demo, "Ad groups", TOP + 1, 40, keys=2)
    groups = {name: cells for name, cells in groups.items() if cells[3] != ""}
    assert {name.lower() for name in groups} == set(expected)
    assert len(groups) == 15
    for name, cells in groups.items():
        total = expected[name.lower()]
        same(cells, 3, [*all_of(total), *ratios(of_group[name.lower()])])


def test_emails_and_videos(demo: Built) -> None:
    expected = sums(rows_of(sample().data), lambda row: row["campaign"])
    emails = shown(demo, "E-mail", TOP + 2, 12)
    assert set(emails) == {"Newsletter", "Win-back"}
    for name, cells in emails.items():
        sent, delivered, opens, clicks, left = (
            expected[name][one]
            for one in ("sent", "delivered", "opens", "email_clicks", "unsubscribes")
        )
        rates = [opens / delivered, clicks / delivered, clicks / opens, left / delivered]
        same(cells, 6, [delivered / sent, *rates])
    videos = shown(demo, "Video", TOP + 2, 12)
    assert set(videos) == {"Product video", "Festival spot"}
    for name, cells in videos.items():
        starts, *marks = (
            expected[name][one]
            for one in ("video_starts", "video_5s", "video_30s", "video_completions")
        )
        same(cells, 5, [mark / starts for mark in marks])


def test_weeks_and_their_trend(demo: Built) -> None:
    def monday(row: Row) -> str:
        return str(row["date"] - timedelta(days=row["date"].weekday()))

    expected = sums(rows_of(sample().data), monday)
    weeks = shown(demo, "Trend", TOP + 2, PERIODS)
    assert list(weeks) == sorted(expected)
    for name, cells in weeks.items():
        same(cells, 2, [expected[name][one] for one in SUMS])
    assert [cells[12] for cells in weeks.values()] == [""] * 52 + ["part of a period"]
    whole = [cells[2] for cells in weeks.values()][:52]  # 2024 begins on a Monday
    middle, mean = 25.5, sum(whole) / 52
    slope = sum((x - middle) * (y - mean) for x, y in enumerate(whole))
    slope /= sum((x - middle) ** 2 for x in range(52))
    assert demo.values["Trend", TOP + 2, 3] == pytest.approx(slope / mean, rel=1e-9)


def test_days_that_stand_out(demo: Built) -> None:
    cost = {day: total["cost"] for day, total in sums(rows_of(sample().data), day_of).items()}
    middle = median(cost.values())
    spread = median(abs(value - middle) for value in cost.values())
    out = [day for day, value in cost.items() if 0.6745 * abs(value - middle) / spread > 3.5]
    assert date(2024, 5, 14) in out  # the budget without a limit
    listed = [demo.values["Trend", row, 15] for row in range(TOP + 2, TOP + 12)]
    days = [date(1899, 12, 30) + timedelta(days=serial) for serial in listed if serial]
    assert days == sorted(out, reverse=True)[:10]
    assert demo.values["Trend", TOP + 2, 17] == pytest.approx(middle)


def day_of(row: Row) -> date:
    day = row["date"]
    assert isinstance(day, date)
    return day


def test_all_sheets_follow_the_days(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"FromDate": 45413, "UntilDate": 45483, "Period": "M"}  # 1 May to 10 July 2024
    set_to(monkeypatch, campaigns, given)
    data, about = sample()
    built = build(TEMPLATE, data, about)
    rows = rows_of(data, date(2024, 5, 1), date(2024, 7, 10))
    total = sums(rows, lambda row: "all")["all"]
    assert dict(built.headlines)["Rows"] == f"{len(rows):,}"
    assert dict(built.headlines)["Cost"] == f"{total['cost']:,.2f}"
    months = shown(built, "Trend", TOP + 2, PERIODS)
    expected = sums(rows, lambda row: f"{row['date']:%Y-%m}")
    assert list(months) == ["2024-05", "2024-06", "2024-07"]
    for name, cells in months.items():
        same(cells, 2, [expected[name][one] for one in SUMS])
    assert months["2024-07"][12] == "part of a period"
    by_campaign = sums(rows, lambda row: row["campaign"])
    listed = shown(built, "Campaigns", CAMPAIGN_ROWS, BY_CAMPAIGN.room)
    assert {name: cells[3] for name, cells in listed.items()} == pytest.approx(
        {name: one["cost"] for name, one in by_campaign.items()}
    )
    groups = shown(built, "Ad groups", TOP + 1, 40, keys=2)
    assert sum(cells[3] for cells in groups.values()) == pytest.approx(total["cost"])
    sent = sum(cells[1] for cells in shown(built, "E-mail", TOP + 2, 12).values())
    assert sent == total["sent"]


def test_names_that_excel_could_misread() -> None:
    """Wildcards, operators, numbers, blanks: each row counts once, under its own name."""
    names = ["a*b", "axxb", "what?", "whats", "~tilde", "=1+1", ">5", 7, None, "x > y"]
    ads: dict[str, list[Any]] = {
        "date": [date(2024, 1, 1) + timedelta(days=n) for n in range(20)],
        "campaign": names * 2,
        "ad_group": ["g", "*"] * 10,
        "channel": ["search"] * 19 + [None],
        "cost": [float(2**n) for n in range(20)],
    }
    columns = [column.name for column in campaigns.ADS.columns]
    full = {name: ads.get(name, [None] * 20) for name in columns}
    built = build(TEMPLATE, {"Ads": full})
    expected = {
        "(?)" if name is None else str(name): float(2**n + 2 ** (n + 10))
        for n, name in enumerate(names)
    }
    listed = shown(built, "Campaigns", CAMPAIGN_ROWS, BY_CAMPAIGN.room)
    assert {name: cells[3] for name, cells in listed.items()} == expected
    groups = shown(built, "Ad groups", TOP + 1, 40, keys=2)
    assert sum(cells[3] for cells in groups.values()) == sum(expected.values())
    channels = shown(built, "Campaigns", CHANNEL_ROWS, 8)
    assert {name: cells[3] for name, cells in channels.items()} == {
        "(?)": 2.0**19,
        "search": 2.0**19 - 1,
    }


FOUND = {
    "Rows that are there twice, alike in every column": 1,
    "Rows without a cost": 1,
    "Costs below 0": 1,
    "Revenue below 0": 1,
    "Conversions without a click": 3,
    "Tests with more conversions than visitors": 1,
}


def found(built: Built) -> dict[str, tuple[Any, Any]]:
    """How many rows each check finds, and the first of them."""
    values = built.values
    places = {problem.label: TOP + 2 + n for n, problem in enumerate(campaigns.PROBLEMS)}
    return {
        label: (values["Checks", row, 2], values.get(("Checks", row, 3), ""))
        for label, row in places.items()
        if values["Checks", row, 2]
    }


def test_the_checks_find_the_faults_of_the_sample(demo: Built) -> None:
    here = found(demo)
    assert {label: count for label, (count, _) in here.items()} == FOUND
    ads = sample().data["Ads"]

    def first(faulty: Callable[[Row], Any]) -> int:
        rows = [dict(zip(ads, cells, strict=True)) for cells in zip(*ads.values(), strict=True)]
        return TOP + 1 + next(n for n, row in enumerate(rows) if faulty(row))

    assert here["Rows without a cost"][1] == first(lambda row: row["cost"] is None)
    assert here["Costs below 0"][1] == first(lambda row: (row["cost"] or 0) < 0)
    assert here["Revenue below 0"][1] == first(lambda row: row["revenue"] < 0)
    late = next(one for one in demo.problems if one.label.startswith("Days that may be of a wrong"))
    assert (late.rows, late.first) == (1, f"A{first(lambda row: row['date'].year > 2100)}")
    assert here["Conversions without a click"][1] == first(
        lambda row: row["conversions"] and not row["clicks"]
    )
    seen: set[tuple[Any, ...]] = set()
    again = None
    columns = list(ads.values())[:9]
    for number, key in enumerate(zip(*columns, strict=True)):
        if key in seen:
            again = number
        seen.add(key)
    assert again is not None
    copied = here["Rows that are there twice, alike in every column"][1]
    assert copied == TOP + 1 + again - 1  # the row before, which it copies


def test_the_checks_find_other_faults() -> None:
    ads: dict[str, list[Any]] = {
        "date": [date(2024, 1, 1) + timedelta(days=n) for n in range(9)],
        "campaign": ["One", None, "One ", "One", "One", "One", "One", "One", "One"],
        "ad_group": ["g"] * 9,
        "channel": ["search", "search", None, "Search", *["search"] * 5],
        "impressions": [100, 100, 100, 100, 5, 100, 100, 100, 100],
        "clicks": [10] * 9,
        "cost": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0],
        "delivered": [None] * 5 + [10, None, None, None],
        "opens": [None] * 5 + [11, None, None, None],
        "video_starts": [None] * 6 + [3, None, None],
        "video_completions": [None] * 6 + [4, None, None],
    }
    ads["date"][7] = None
    full = {column.name: ads.get(column.name, [None] * 9) for column in campaigns.ADS.columns}
    full["sent"] = [None] * 5 + [12, None, None, None]
    built = build(TEMPLATE, {"Ads": full})
    assert built.values["Summary", 3, 2].startswith("Rows of data to look at: 7;")
    assert found(built) == {
        "Rows without a campaign": (1, 6),
        "Rows without a channel": (1, 7),
        "Rows without a date": (1, 12),
        "Names with a space before or after them": (1, ""),
        "More clicks than impressions": (1, 9),
        "E-mail: more opened, clicked or left than delivered": (1, 10),
        "Video: more watched to the end than started": (1, 11),
    }


def ads_of(*rows: tuple[Any, ...]) -> dict[str, dict[str, list[Any]]]:
    """Rows of day, channel, impressions, clicks, cost and e-mails sent, of one campaign."""
    names = ("date", "channel", "impressions", "clicks", "cost", "sent")
    given = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    given["campaign"] = ["Brand"] * len(rows)
    return {
        "Ads": {
            column.name: given.get(column.name, [None] * len(rows))
            for column in campaigns.ADS.columns
        }
    }


HEADS = ("date", "channel", "campaign", *("impressions", "clicks", "cost"),
         *("conversions", "revenue"))  # fmt: skip
FIRST_DAY, SECOND_DAY = date(2024, 1, 1), date(2024, 1, 2)
MIXED = (
    (FIRST_DAY, "Search", "Brand", 1000, 50, 100.0, 5, 400.0),
    (SECOND_DAY, "Search", "Brand", 1000, 50, 100.0, 5, 400.0),
    (FIRST_DAY, "Meta", "Winter", 2000, 100, 50.0, None, None),  # a day without a purchase
    (SECOND_DAY, "Meta", "Winter", 2000, 100, 50.0, 2, 100.0),
    (SECOND_DAY, "e-mail", "Winter", None, 195, None, 12, 830.5),
    (FIRST_DAY, "LinkedIn", "Winter", 500, 25, 90.0, 3, None),  # which never has revenue
)
"""By hand: 325 clicks of 6,500 impressions, and 195 more that have none. The cost of 390 is of
these 325 clicks and of 15 conversions; 300 of it brought 900."""
MIXED_FIGURES = {
    "Cost": 390.0, "Revenue": 1730.5, "Impressions": 6500.0, "Clicks": 520.0, "Conversions": 27.0,
    "ClickRate": 0.05, "ClickCost": 1.2, "ActionCost": 26.0, "ConversionRate": 27 / 520,
    "AdReturn": 3.0, "CostOfSales": 1 / 3, "Earned": 900 * 0.4 - 300, "BaselineRate": 27 / 520,
}  # fmt: skip


def mixed(*rows: tuple[Any, ...]) -> dict[str, dict[str, list[Any]]]:
    """Rows as in MIXED, as data of the template."""
    given = dict(zip(HEADS, map(list, zip(*rows, strict=True)), strict=True))
    return {
        "Ads": {
            column.name: given.get(column.name, [None] * len(rows))
            for column in campaigns.ADS.columns
        }
    }


def named_figures(built: Built) -> dict[str, Any]:
    """The single cells that have names."""
    found = {}
    for (_, name), reference in read_package(built.content).names.items():
        sheet, _, cell = reference.rpartition("!")
        if ":" not in cell:
            place = area(sheet.strip("'"), cell.replace("$", ""))
            found[name] = built.values.get((place.sheet, place.top, place.left))
    return found


def left_out(built: Built) -> dict[str, list[Any]]:
    """What the sheet Campaigns says of what the ratios leave out: amounts and rows."""
    rows = enumerate(campaigns.PAIRS, start=campaigns.LEFT_OUT_ROWS + 2)
    return {
        ratio: [built.values["Campaigns", row, column] for column in (3, 4, 7, 8)]
        for row, ratio in rows
    }


def of_all(built: Built) -> dict[int, Any]:
    """The row of all campaigns, each column by place."""
    return {column - 1: value for (sheet, row, column), value in built.values.items()
            if (sheet, row) == ("Campaigns", TOP + 2)}  # fmt: skip


def test_ratios_are_of_the_rows_that_have_both_parts() -> None:
    """Mailings without impressions and cost, a channel without revenue, days without a purchase."""
    built = build(TEMPLATE, mixed(*MIXED))
    assert "✗ no" not in built.values.values()
    held = named_figures(built)
    for name, value in MIXED_FIGURES.items():
        assert held[name.lower()] == pytest.approx(value), name
    sums = [390, 6500, 520, 27, 1730.5]
    same(of_all(built), 3, [*sums, 0.05, 1.2, 60, 26, 27 / 520, 3, 1 / 3])
    same(shown(built, "Trend", TOP + 2, 1)["2024-01-01"], 2,
         [*sums, 0.05, 1.2, 26, 27 / 520, 3])  # fmt: skip
    month = [built.values["Model", TOP + 2, campaigns.BY_MONTH + place] for place in range(2, 8)]
    assert month == [390, 1730.5, pytest.approx(3), 2.5, pytest.approx(26), pytest.approx(60)]
    by_campaign = shown(built, "Campaigns", CAMPAIGN_ROWS, BY_CAMPAIGN.room)
    # Winter: 225 clicks of 4,500 impressions, for 190 with 5 conversions; 100 of it brought 100.
    same(by_campaign["Winter"], 3, [190, 4500, 420, 17, 930.5,
                                    0.05, 190 / 225, 190 / 4.5, 38, 17 / 420, 1, 1])  # fmt: skip
    by_channel = shown(built, "Campaigns", CHANNEL_ROWS, 8)
    same(by_channel["Meta"], 8, [0.05, 0.5, 25, 50, 0.01, 1, 1])
    same(by_channel["e-mail"], 3, ["", "", 195, 12, 830.5, "", "", "", "", 12 / 195, "", ""])
    same(by_channel["LinkedIn"], 8, [0.05, 3.6, 180, 30, 0.12, "", ""])
    assert left_out(built) == {
        "CTR": [195, 1, "", ""], "CPC": ["", "", 195, 1], "CPM": ["", "", "", ""],
        "CPA": ["", "", 12, 1], "Conversion rate": ["", "", "", ""], "ROAS": [830.5, 1, 90, 1],
    }  # fmt: skip
    assert found(built)["Rows without a cost"] == (1, TOP + 5)
    texts = [value for value in built.values.values() if isinstance(value, str)]
    assert texts.count("Not of all rows: see the sheet Campaigns") == 6


def test_ratios_of_mailings_alone_and_of_two_silent_channels() -> None:
    """What nobody knows is blank: not 0, and no error."""
    mails = [row for row in MIXED if row[1] == "e-mail"]
    held = named_figures(build(TEMPLATE, mixed(*mails)))
    assert held["conversionrate"] == pytest.approx(12 / 195)
    assert [held[name] for name in ("adreturn", "clickrate", "earned", "clickcost")] == [""] * 4
    silent = [row for row in MIXED if row[1] in ("e-mail", "LinkedIn")]
    print_ad = (FIRST_DAY, "Print*?", "Winter", None, None, 70.0, None, None)
    built = build(TEMPLATE, mixed(*silent, print_ad))
    held = named_figures(built)
    assert [held[name] for name in ("adreturn", "costofsales", "earned")] == [""] * 3
    assert (held["clickcost"], held["actioncost"]) == (pytest.approx(3.6), pytest.approx(30))
    assert "✗ no" not in built.values.values()
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    told = "More than two channels that never have clicks, conversions or revenue"
    assert told not in found(built)
    more = [(FIRST_DAY, name, "Winter", None, None, 70.0, None, None) for name in ("TV", "Radio")]
    assert found(build(TEMPLATE, mixed(*MIXED, print_ad, *more)))[told] == (3, "")


def test_a_cost_that_was_forgotten_leaves_its_row_out() -> None:
    """It counted as 0: 20 clicks for 10 were a CPC of 0.50; a cost of 0 does count."""
    rows = [(FIRST_DAY, "Search", "Brand", 100, 10, 10.0, 1, 30.0)]
    rows.append((SECOND_DAY, "Search", "Brand", 100, 10, None, 1, 50.0))
    held = named_figures(build(TEMPLATE, mixed(*rows)))
    assert (held["clickcost"], held["actioncost"], held["adreturn"]) == (1, 10, 3)
    assert (held["clickrate"], held["earned"]) == (0.1, pytest.approx(2))
    rows[1] = (*rows[1][:5], 0.0, *rows[1][6:])
    held = named_figures(build(TEMPLATE, mixed(*rows)))
    assert (held["clickcost"], held["actioncost"], held["adreturn"]) == (0.5, 5, 8)


def test_ratios_of_the_period_before_and_what_they_are_owed_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The day before: 125 clicks of 2,500 impressions; Search has 400 for 100 on both days."""
    set_to(monkeypatch, campaigns, {"FromDate": SECOND_DAY, "UntilDate": SECOND_DAY})
    built = build(TEMPLATE, mixed(*MIXED, (FIRST_DAY, "e-mail", "Old", None, 9, None, 1, 77.0)))
    held = named_figures(built)
    assert (held["adreturn"], held["adreturnbefore"]) == (pytest.approx(500 / 150), 400 / 150)
    assert (held["actioncost"], held["actioncostbefore"]) == (pytest.approx(150 / 7), 30)
    assert held["earned"] == pytest.approx(500 * 0.4 - 150)
    assert held["earnedbefore"] == pytest.approx(400 * 0.4 - 150)
    said = [value for value in built.values.values() if "mostly" in str(value)]
    assert "ROAS rose 25 % to 3.33 (better), mostly Meta" in [str(one) for one in said]


def test_mixed_rows_in_calc() -> None:
    """What LibreOffice computes of them is what the embedded engine does."""
    program("soffice", "apt-get install libreoffice-calc python3-uno")
    built = build(TEMPLATE, mixed(*MIXED, (FIRST_DAY, "TV ~ *", "TV", None, None, 7.0, None, None)))
    computed = engine.compute(read_package(built.content), built.content, seconds=240)
    assert computed.refused == {}
    for place, value in computed.values.items():
        here = built.values[place]
        equal = pytest.approx(here, rel=1e-9) if isinstance(here, float) else here
        assert value == equal, place


def test_what_has_no_name_has_its_share_of_the_cost() -> None:
    data = {
        "Ads": {
            "date": [date(2024, 1, day) for day in (1, 2, 3, 4)],
            "campaign": ["a", "b", None, "c"],
            "channel": ["Search", "Social", "Search", None],
            "cost": [10.0, 20.0, 30.0, 40.0],
        }
    }
    built = build(TEMPLATE, data)
    shares = {
        built.values["Campaigns", row, 1]: built.values["Campaigns", row, 3]
        for row in range(CHANNEL_ROWS + 1, CHANNEL_ROWS + 4)
    }
    assert shares == {"Search": 0.4, "(?)": 0.4, "Social": 0.2}


def test_devices_are_summed_and_no_copies() -> None:
    """Three devices of a day: 10 + 4.5 + 0.5; a channel of one's own is none of their faults."""
    day = date(2024, 1, 1)
    built = build(TEMPLATE, ads_of(
        (day, "Demand Gen", 100, 5, 10.0, None),
        (day, "Demand Gen", 50, 2, 4.5, None),
        (day, " demand gen", 5, 1, 0.5, None),
    ))  # fmt: skip
    assert dict(built.headlines)["Cost"] == "15.00"
    assert "Rows that are there twice, alike in every column" not in found(built)
    channels = shown(built, "Campaigns", CHANNEL_ROWS, 8)
    assert {name: cells[3] for name, cells in channels.items()} == {"Demand Gen": 14.5}


MADE_OF = {
    "Cost": "cost", "Revenue": "revenue", "Impressions": "impressions", "Clicks": "clicks",
    "Conversions": "conversions", "Margin less cost": "cost revenue", "ROAS": "cost revenue",
    "Cost of sales": "cost revenue", "CPA": "cost conversions", "CPC": "cost clicks",
    "CTR": "clicks impressions", "Conversion rate": "conversions clicks",
    "Revenue, expected": "revenue",
    "Cost below break-even": "cost revenue", "Visitors a day": "clicks",
}  # fmt: skip
"""Figures, and the columns that they are made of."""


@pytest.mark.parametrize("lacking", [*SUMS, "cost revenue", ""])
def test_what_no_row_has_is_blank_and_not_0(lacking: str) -> None:
    """Eight weeks of two campaigns, one of which has no cell of the other columns, too."""
    size = 112
    ads: dict[str, list[Any]] = {
        "date": [date(2024, 1, 1) + timedelta(n // 2) for n in range(size)],
        "campaign": ["Brand", "Mail"] * (size // 2),
        "channel": ["search", "e-mail"] * (size // 2),
        **{
            name: [None if row % 2 else 1.0 + row * (n + 7) % 13 for row in range(size)]
            for n, name in enumerate(SUMS)
        },
    }
    ads |= {name: [None] * size for name in lacking.split()}
    columns = [column.name for column in campaigns.ADS.columns]
    built = build(TEMPLATE, {"Ads": {name: ads.get(name, [None] * size) for name in columns}})
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    held = dict(built.headlines)
    blank = {figure for figure in MADE_OF if held[figure] == ""}
    assert blank == {one for one, of in MADE_OF.items() if set(of.split()) & set(lacking.split())}
    weeks = shown(built, "Trend", TOP + 2, PERIODS)
    for number, cells in enumerate(weeks.values()):
        rows = slice(14 * number, 14 * number + 14, 2)
        known = ("" if name in lacking.split() else sum(ads[name][rows]) for name in SUMS)
        same(cells, 2, list(known))
    assert len(weeks) == 8
    if "cost" not in lacking:
        mail = shown(built, "Campaigns", CAMPAIGN_ROWS, BY_CAMPAIGN.room)["Mail"]
        assert [mail[place] for place in range(2, 15)] == [""] * 13
        assert mail[15] == "no cost in these days"
    assert {built.values["E-mail", TOP + 2, column] for column in range(2, 12)} == {""}


def by_day(first: date, days: int, unknown: Callable[[date], bool]) -> dict[str, list[Any]]:
    """Rows of a campaign, one a day, some without a cost; the week of 22 April has none."""
    made = [first + timedelta(n) for n in range(days)]
    made = [day for day in made if not date(2024, 4, 22) <= day < date(2024, 4, 29)]
    ads: dict[str, list[Any]] = {
        column.name: [None] * len(made) for column in campaigns.ADS.columns
    }
    return ads | {
        "date": made, "campaign": ["Brand"] * len(made), "channel": ["search"] * len(made),
        "cost": [None if unknown(day) else 10.0 + day.day * 7 % 5 for day in made],
        "conversions": [2.0] * len(made), "revenue": [30.0 + day.day % 9 for day in made],
    }  # fmt: skip


def in_february(day: date) -> bool:
    return date(2024, 2, 1) <= day < date(2024, 3, 4)


def test_a_period_whose_rows_have_no_cost_has_none() -> None:
    """A month and its weeks, and a day; a week without rows cost 0."""
    gap = date(2024, 3, 20)
    ads = by_day(date(2024, 1, 1), 140, lambda day: in_february(day) or day == gap)
    built = build(TEMPLATE, {"Ads": ads})
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    assert "✗ no" not in built.values.values()
    rows = rows_of({"Ads": ads})
    months, days = (
        {
            date(1899, 12, 30) + timedelta(built.values["Model", row, left + 1]): [
                built.values.get(("Model", row, left + place)) for place in range(2, 8)
            ]
            for row in range(TOP + 2, TOP + 2 + size)
            if built.values["Model", row, left + 1]
        }
        for left, size in ((campaigns.BY_MONTH, 12), (campaigns.BY_DAY, campaigns.DAYS))
    )
    cost, revenue, roas, _, cpa, earned = months[date(2024, 2, 1)]
    assert (cost, roas, cpa, earned) == ("", "", "", "")
    assert revenue == sum(row["revenue"] for row in rows if row["date"].month == 2)
    assert months[date(2024, 3, 1)][0] == sum(row["cost"] or 0 for row in rows
                                              if row["date"].month == 3)  # fmt: skip
    assert {day for day, cells in days.items() if cells[0] == ""} == {
        row["date"] for row in rows if row["cost"] is None
    }
    assert days[date(2024, 4, 25)][0] == 0.0
    weeks = shown(built, "Trend", TOP + 2, PERIODS)
    unknown = ("2024-02-05", "2024-02-12", "2024-02-19", "2024-02-26")
    assert [week for week, cells in weeks.items() if cells[2] == ""] == [*unknown]
    assert {weeks[week][place] for week in unknown for place in (8, 10, 12)} == {""}
    assert weeks["2024-04-22"][2] == 0.0
    known = [(n, cells[2]) for n, cells in enumerate(weeks.values()) if cells[2] != ""]
    slope = linear_regression(*zip(*known, strict=True)).slope / fmean(y for _, y in known)
    assert built.values["Trend", TOP + 2, 3] == pytest.approx(slope, rel=1e-9)
    assert built.values["Trend", TOP + 2, 17] == median(
        cells[0] for cells in days.values() if cells[0] != ""
    )


def forecast_of(ads: dict[str, list[Any]]) -> tuple[list[Any], list[Any], Any]:
    """What the sheet Forecast says of cost and revenue, and the sentence below."""
    values = build(TEMPLATE, {"Ads": ads}).values
    cost, revenue = (
        [values["Forecast", row, column] for row in range(7, 11) for column in (first, first + 1)]
        for first in (3, 9)
    )
    return cost, revenue, values["Forecast", 11, 1]


def test_a_forecast_begins_after_the_last_gap() -> None:
    """Of costs; that of the revenue, which has none, is from all weeks."""
    whole = by_day(date(2024, 1, 1), 140, lambda day: False)
    later = by_day(date(2024, 3, 4), 77, lambda day: False)
    cost, revenue, said = forecast_of(by_day(date(2024, 1, 1), 140, in_february))
    assert (cost, said) == (forecast_of(later)[0], "")
    assert revenue == forecast_of(whole)[1]
    assert all(cost)
    lately = by_day(date(2024, 1, 1), 140, lambda day: day >= date(2024, 5, 6))
    cost, revenue, said = forecast_of(lately)
    assert (set(cost), revenue) == ({""}, forecast_of(whole)[1])
    assert said.startswith("No forecast yet: it takes five whole periods without a gap")


def test_zeros_that_are_given_stay_zeros() -> None:
    day = date(2024, 1, 1)
    rows = [(day + timedelta(n), "search", 100, 5, 0.0, None) for n in range(20)]
    built = build(TEMPLATE, ads_of(*rows))
    held = dict(built.headlines)
    assert (held["Cost"], held["CPC"], held["ROAS"], held["CPA"]) == ("0.00", "0.00", "", "")
    assert not [value for value in built.values.values() if str(value).startswith("#")]


@pytest.mark.parametrize(("days", "sent", "weeks"), [(7, None, 5), (7, 900, 0), (1, None, 0)])
def test_weeks_in_a_table_of_days_are_told(days: int, sent: int | None, weeks: int) -> None:
    first = date(2024, 1, 1)
    rows = [(first + timedelta(n * days), "search", 100, 9, 1.0, sent) for n in range(5)]
    told = found(build(TEMPLATE, ads_of(*rows))).get("Rows that seem to stand for weeks", (0, ""))
    assert told[0] == weeks


def test_weeks_of_a_channel_beside_the_days_of_another_are_told() -> None:
    """Twelve Mondays beside 80 days; five days of another channel are 8 to 15 days apart."""
    first = date(2026, 1, 5)

    def of(channel: str, *after: int) -> list[Any]:
        return [(first + timedelta(days), channel, 100, 9, 1.0, None) for days in after]

    rows = of("search", *range(0, 84, 7)) + of("social", *range(80)) + of("", 0, 8, 23, 31, 40)
    assert found(build(TEMPLATE, ads_of(*rows)))["Rows that seem to stand for weeks"][0] == 12


def many(months: int, channel: str, cost: float = 10.0, sent: int | None = None) -> list[Any]:
    """A row for each of the first months of 2024, on its first day."""
    return [(date(2024, m + 1, 1), channel, 100, 9, cost, sent) for m in range(months)]


DAYS = [(date(2024, 1, 1) + timedelta(n), "search", 100, 9, 10.0, None) for n in range(91)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (DAYS, 0),
        ([*DAYS, (date(2024, 4, 1), "search", 100, 9, 10.0, None)], 0),  # where the data end
        ([*DAYS, (date(2024, 4, 1), "search", 9100, 819, 910.0, None)], 1),  # the second quarter
        ([*DAYS, *many(3, "LinkedIn*")], 3),
        ([*DAYS, *many(3, "mail", sent=500)], 0),
        ([(date(2023, 10, 1), "search", 9000, 9, 900.0, None), *DAYS], 1),
        (many(1, "search") * 3, 3),
        ([many(4, "search")[0], many(4, "search")[3]], 2),
    ],
)
def test_months_and_quarters_in_a_table_of_days_are_told(rows: list[Any], told: int) -> None:
    label = "Rows that seem to stand for a month or a quarter"
    assert found(build(TEMPLATE, ads_of(*rows))).get(label, (0, ""))[0] == told


def test_none_is_the_best_of_what_is_printed_alike() -> None:
    """2.001 and 2.004 are both printed as 2.00; 1 and 3 are printed alone."""
    data = ads_of(*[(date(2024, 1, n + 1), "search", 100, 9, 100.0, None) for n in range(3)])
    data["Ads"]["campaign"] = ["One", "Two", "Three"]
    data["Ads"]["conversions"] = [5, 5, 5]
    said = {}
    for revenue in ((200.1, 200.4, 100.0), (200.1, 200.4, 300.0), (200.1, 200.4, 200.2)):
        data["Ads"]["revenue"] = list(revenue)
        built = build(TEMPLATE, data)
        figures = dict(built.headlines)
        words = [c[15] for c in shown(built, "Campaigns", CAMPAIGN_ROWS, BY_CAMPAIGN.room).values()]
        said[revenue[2]] = (
            figures["Best ROAS"],
            figures["Worst ROAS"],
            [word for word in words if ":" in word],
        )
    assert said == {
        100.0: ("", "Three", ["worst: below break-even"]),
        300.0: ("Three", "", ["best: above break-even"]),
        200.2: ("", "", []),
    }


def test_no_winner_among_few_or_among_rates_that_are_printed_alike() -> None:
    """Of 3 visitors each, 0 and 3 converted: the z test's p is 0.014, the exact one 2 / C(6, 3)."""
    names = [column.name for column in campaigns.TESTS.columns]
    rows = [
        ("Few", 3, 0, 3, 3, None),
        ("Alike", 10**10, 10**9, 10**10, 10**9 + 400_000, None),
        ("Enough", 1000, 100, 1000, 150, 2000),
        ("Text", 1000, 100, 1000, 150, "soon"),
    ]
    data = {"Tests": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))}
    values = build(TEMPLATE, data).values
    said = {row[0]: values["A-B test", TOP + 2 + n, 12] for n, row in enumerate(rows)}
    assert said == {
        "Few": "too few visitors to tell",
        "Alike": "no difference shown",
        "Enough": "B converts better",
        "Text": "#VALUE!",
    }
    shown = [values["A-B test", TOP + 2 + 3, column] for column in (17, 18)]
    assert shown == ["#VALUE!"] * 2  # z and its limit
    assert values["A-B test", TOP + 2, 9] == pytest.approx(0.0143, abs=5e-5)


def test_rates_alike_are_no_lack_of_conversions() -> None:
    """All converted, or none did: the z test has no spread to divide by."""
    names = [column.name for column in campaigns.TESTS.columns]
    rows = [
        ("Few", 10, 10, 10, 10, None), ("All", 100, 100, 100, 100, None),
        ("None", 100, 0, 100, 0, None),
    ]  # fmt: skip
    data = {"Tests": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))}
    values = build(TEMPLATE, data).values
    assert [values["A-B test", TOP + 2 + n, 12] for n in range(3)] == [
        "too few visitors to tell", "no difference shown", "no conversions yet",
    ]  # fmt: skip


def test_ab_tests(demo: Built) -> None:
    tests = sample().data["Tests"]
    said = {}
    for number, name in enumerate(tests["test"]):
        cells = {
            column: value
            for (sheet, row, column), value in demo.values.items()
            if sheet == "A-B test" and row == TOP + 2 + number
        }
        said[name] = cells[12], cells[14]
        n, a, m, b = (
            tests[column][number]
            for column in ("visitors_a", "conversions_a", "visitors_b", "conversions_b")
        )
        if a > n:
            assert cells[9] == ""
            continue
        pooled = (a + b) / (n + m)
        z = (b / m - a / n) / (pooled * (1 - pooled) * (1 / n + 1 / m)) ** 0.5
        assert cells[9] == pytest.approx(2 * NormalDist().cdf(-abs(z)), rel=1e-9)
        assert cells[8] == pytest.approx(b / m / (a / n) - 1)
        assert cells[10] < b / m - a / n < cells[11]
        assert (cells[10] > 0 or cells[11] < 0) == (cells[9] < 0.05)
    assert said == {
        "Button in green": ("too early: more visitors are needed", "✗ no"),
        "Free delivery above 50": ("B converts better", "✓ yes"),
        "Shorter checkout": ("too early: more visitors are needed", "✗ no"),
        "Larger pictures": ("not split as planned: find out why first", "✗ no"),
        "Chat on product pages": ("not complete: see Checks", ""),
    }


def test_what_may_be_decided_of_a_test_and_what_not() -> None:
    """The limits of z by ldbounds: 4.8769 at a fifth of the plan, 2.0310 at its end.

    1,100 and 1,000 visitors are split by halves in 0.029 of tests, 1,200 and 1,000 in 0.00002.
    """
    names = [column.name for column in campaigns.TESTS.columns]
    rows = [
        ("at a fifth, z 3.4", 1000, 100, 1000, 150, 10_000),
        ("at a fifth, z 5.6", 1000, 100, 1000, 190, 10_000),
        ("A wins at a fifth", 1000, 190, 1000, 100, 10_000),
        ("at the end, z 2.1", 1000, 100, 1000, 130, 2000),
        ("at the end, z 1.4", 1000, 100, 1000, 120, 2000),
        ("by the settings, z 3.4", 1000, 100, 1000, 150, None),
        ("one in 34", 1100, 110, 1000, 150, 2100),
        ("hardly by chance", 1200, 120, 1000, 190, 2200),
    ]
    data = {"Tests": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))}
    values = build(TEMPLATE, data).values
    said = [values["A-B test", TOP + 2 + n, 12] for n in range(len(rows))]
    early, uneven = (
        "too early: more visitors are needed",
        "not split as planned: find out why first",
    )
    assert said == [
        early, "B converts better", "A converts better", "B converts better", "no difference shown",
        early, "B converts better", uneven,
    ]  # fmt: skip
    first = [values["A-B test", TOP + 2, column] for column in (15, 16, 17, 18)]
    assert first == [10_000, 1.0, pytest.approx(3.38, abs=5e-3), pytest.approx(4.8769, abs=5e-5)]
    assert values["A-B test", TOP + 2 + 6, 16] == pytest.approx(0.0291, abs=5e-5)


def test_sample_size_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fleiss, Levin & Paik, formula 4.14: 20 % and 5 points need 1,094 (1,093.7) visitors."""
    given = {"Baseline": 0.2, "Change": 0.25, "Visitors": 100}
    set_to(monkeypatch, campaigns, given)
    figures = dict(build(TEMPLATE, {}).headlines)
    assert figures["Visitors for each variant"] == "1,094"
    assert figures["Rate to detect"] == "25.0%"
    assert figures["Days that the test takes"] == "22"  # 2,188 visitors, 100 a day


def test_a_campaign_that_was_given_back_more_than_it_cost_hides_no_other() -> None:
    """By hand: 100 and 60 less 40 credited for a third; the lists were empty."""
    rows = [(FIRST_DAY, name, name, 1000, 50, cost, 5, 400.0)
            for name, cost in (("Old", -40.0), ("New", 60.0), ("Brand", 100.0))]  # fmt: skip
    built = build(TEMPLATE, mixed(*rows))
    for top, room in ((CHANNEL_ROWS, 8), (CAMPAIGN_ROWS, BY_CAMPAIGN.room)):
        cells = {name: held for name, held in shown(built, "Campaigns", top, room).items() if name}
        assert [*cells] == ["Brand", "New", "Old"]
        shares = [cells[name][place] for name in cells for place in (2, 3)]
        assert shares == pytest.approx([100 / 120, 100, 0.5, 60, -1 / 3, -40])
    assert "✗ no" not in built.values.values()


def test_of_more_campaigns_than_are_listed_the_figures_say_so() -> None:
    """Thirty of which twenty are listed: the sum of these is no fault, and what loses is theirs."""
    rows = [(FIRST_DAY, "Search", f"C{number:02}", 1000, 50, 100.0 + number, 5,
             100.0 if number < 25 else 900.0) for number in range(30)]  # fmt: skip
    built = build(TEMPLATE, mixed(*rows))
    assert "✗ no" not in built.values.values()
    figures = dict(built.headlines)
    assert figures["Cost below break-even"] == f"{sum(100 + n for n in range(10, 25)):,}.00"
    told = "Of the campaigns that cost most alone: see Campaigns"
    assert [*built.values.values()].count(told) == 3


@pytest.mark.parametrize(
    ("costs", "revenues", "shares", "of_sales", "said"),
    [
        # By hand: 5 and 3 given back, 40 + 8 earned. Nothing was spent to divide by.
        ((-5.0, -3.0, None), (40.0, 8.0, None), ["", "", ""], -8 / 48, "no cost in these days"),
        ((0.0, None, 0.0), (40.0, 8.0, None), ["", "", ""], 0, "no cost in these days"),
        # Refunds are more than what was sold: -40 + 8. They cost 8.
        ((5.0, 3.0, 0.0), (-40.0, 8.0, 0.0), [5 / 8, 3 / 8, 0], "", "below break-even"),
    ],
)
def test_where_only_credits_or_nothing_was_spent_all_names_are_listed(
    costs: tuple[Any, ...],
    revenues: tuple[Any, ...],
    shares: list[Any],
    of_sales: Any,
    said: str,
) -> None:
    """The lists were empty, and ROAS and cost of sales #NUM!, so that checks did not agree."""
    rows = [(FIRST_DAY, name, name, 1000, 50, cost, 5, revenue)
            for name, cost, revenue in zip(("Old", "New", "Brand"), costs, revenues, strict=True)
            ]  # fmt: skip
    built = build(TEMPLATE, mixed(*rows))
    for top, room in ((CHANNEL_ROWS, 8), (CAMPAIGN_ROWS, BY_CAMPAIGN.room)):
        cells = {name: held for name, held in shown(built, "Campaigns", top, room).items() if name}
        assert sorted(cells) == ["Brand", "New", "Old"]
        listed = [cells[name] for name in ("Old", "New", "Brand")]
        assert [held[2] for held in listed] == shares
        assert [held[3] for held in listed] == ["" if cost is None else cost for cost in costs]
    assert [name for name in shown(built, "Ad groups", TOP + 1, 40, keys=2) if name != "/"]
    held, sold = named_figures(built), sum(filter(None, revenues))
    cost = sum(filter(None, costs))
    assert (held["cost"], held["revenue"]) == (cost, sold)
    assert held["adreturn"] == ("" if cost <= 0 else -4)
    assert held["costofsales"] == (of_sales and pytest.approx(of_sales))
    assert of_all(built)[15] == said
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    assert "✗ no" not in built.values.values()


def test_an_uneven_split_lasts_until_the_smaller_variant_has_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """1,094 of each (R's power.prop.test: 20 % and 5 points): 10,940 where A gets a tenth."""
    given = {"ShareOfA": 0.1, "Visitors": 100, "Baseline": 0.2, "Change": 0.25}
    set_to(monkeypatch, campaigns, given)
    names = [column.name for column in campaigns.TESTS.columns]
    row = ("One", 200, 40, 1800, 360, None)
    built = build(TEMPLATE, {"Tests": dict(zip(names, ([cell] for cell in row), strict=True))})
    said = [built.values["A-B test", TOP + 2, column] for column in (12, 13, 15)]
    assert said == ["too early: more visitors are needed", 1094.0, 10_940.0]
    assert 110.0 in [built.values.get(("A-B test", line, 2)) for line in range(30, 40)]
