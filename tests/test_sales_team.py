"""The sales team's workbook, held to figures that plain loops count from the sample's rows."""

from datetime import date, datetime, timedelta
from statistics import linear_regression, mean
from typing import Any

import demos
import pytest
from kpi_xl.workbook_templates import sales_team
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import HEADER, Data
from kpi_xl.workbook_templates.sales_team import CHARTED, TEMPLATE, TOP
from kpi_xl.workbook_templates.sales_team_sample import sample
from kpi_xl.workbook_templates.writing import Built
from workbooks import set_to

from kpi_xl.reports.layout import Loaded

FEBRUARY = [date(2025, 2, 3), date(2025, 2, 10)]  # two of the four Mondays of the month
NUMBERS = ("sales", "visits", "leads", "deals", "spend")


@pytest.fixture(scope="module")
def demo() -> Built:
    return demos.demo(TEMPLATE.name).built


def rows(data: Data) -> list[dict[str, Any]]:
    weeks = data["Weeks"]
    return [dict(zip(weeks, row, strict=True)) for row in zip(*weeks.values(), strict=True)]


def total(column: str, begins: date, ends: date, rep: str | None = None) -> float:
    """The sum of a column over the sample's rows from one day to another."""
    summed = 0.0
    for row in rows(sample().data):
        if begins <= row["week"] <= ends and rep in (None, row["rep"]):
            summed += row[column] or 0
    return summed


def targets(rep: str) -> tuple[float, float]:
    """A rep's targets for February's two weeks of four."""
    given = sample().data["Targets"]
    place = list(given["rep"]).index(rep)
    return given["sales"][place] / 2, (given["visits"][place] or 60) / 2


def table(built: Built, sheet: str, top: int, rows: int, columns: int) -> list[list[Any]]:
    """Values of a block, its first row counted from 0."""
    return [
        [built.values.get((sheet, top + row + 1, column + 1)) for column in range(columns)]
        for row in range(rows)
    ]


def weeks_of(*made: tuple[Any, ...]) -> Data:
    """A small table: rep, week, and the five numbers, for two reps."""
    names = ("rep", "week", *NUMBERS)
    columns = {name: [row[place] for row in made] for place, name in enumerate(names)}
    return {
        "Weeks": columns,
        "Targets": {"rep": ["A", "B"], "sales": [400, None], "visits": [40, None]},
    }


def test_the_figures_of_the_month(demo: Built) -> None:
    sums = {name: total(name, FEBRUARY[0], FEBRUARY[1]) for name in NUMBERS}
    assert dict(demo.headlines) == {
        "Month": "2025-02",
        "Sales": f"{sums['sales']:,.0f}",
        "Target reached": f"{sums['sales'] / 2_000_000:.1%}",
        "Forecast": f"{sums['sales'] * 2:,.0f}",
        "Needed a week": f"{(2_000_000 - sums['sales']) / 2:,.0f}",
        "Sales visits": f"{sums['visits']:,.0f}",
        "Leads": f"{sums['leads']:,.0f}",
        "Deals": f"{sums['deals']:,.0f}",
        "Spend": f"{sums['spend']:,.0f}",
        "Close rate": f"{sums['deals'] / sums['leads']:.1%}",
        "CAC": f"{sums['spend'] / sums['deals']:,.2f}",
        "Average deal": f"{sums['sales'] / sums['deals']:,.2f}",
    }


def test_the_ranking(demo: Built) -> None:
    expected = []
    for rep in sample().data["Targets"]["rep"]:
        sales, visits, leads, deals, spend = (
            total(name, FEBRUARY[0], FEBRUARY[1], rep) for name in NUMBERS
        )
        target, visit_target = targets(rep)
        expected.append(
            [rep, 2, sales, target, sales / target, sales * 2, visits, visit_target,
             visits / visit_target, leads, deals, deals / leads, spend, spend / deals,
             sales / deals]
        )  # fmt: skip
    expected.sort(key=lambda line: -line[4])
    shown = table(demo, "Reps", CHARTED + 1, 9, 16)
    assert [line[0] for line in shown[:8]] == list(range(1, 9))
    for line, right in zip(shown, expected, strict=False):
        assert line[1] == right[0]
        assert line[2:] == pytest.approx(right[1:], rel=1e-12)
    assert set(shown[8]) == {""}


def test_who_needs_help_and_who_to_learn_from(demo: Built) -> None:
    """The sentences, made here from gaps that are counted here."""
    close_rate, cac_limit = 0.3, 400
    deal = total("sales", *FEBRUARY) / total("deals", *FEBRUARY)
    sentences, ranked = {}, []
    for rep in sample().data["Targets"]["rep"]:
        sales, visits, leads, deals, spend = (
            total(name, FEBRUARY[0], FEBRUARY[1], rep) for name in NUMBERS
        )
        target, visit_target = targets(rep)
        kpis = [
            ("Visits {} {} the target: {:.0f} against {:.0f}", visits, visit_target, 1),
            ("Close rate {} {} the target: {:.0%} against {:.0%}", deals / leads, close_rate, 1),
            ("CAC {} {} its limit: {:.0f} against {:.0f}", spend / deals, cac_limit, -1),
            ("Average deal {} {} the team's: {:.0f} against {:.0f}", sales / deals, deal, 1),
        ]
        reached = sales >= target
        choose = max if reached else min
        text, actual, wanted, _ = choose(kpis, key=lambda kpi: kpi[3] * (kpi[1] / kpi[2] - 1))
        words = "above" if actual > wanted else "below"
        reason = text.format(f"{abs(actual / wanted - 1):.0%}", words, actual, wanted)
        share = sales / target if reached else min(sales / target, 0.99)
        sentences[rep] = f"Sales at {share:.0%} of the target. {reason}."
        ranked.append((sales / target, rep))
    ranked.sort(reverse=True)
    shown = table(demo, "Coaching", TOP + 1, 8, 10)
    assert {line[0]: line[9] for line in shown} == sentences
    summary = [line[1:3] for line in table(demo, "Summary", 0, 60, 3) if line[1]]
    learn = [[rep, sentences[rep]] for share, rep in ranked[:3] if share >= 1]
    help_these = [[rep, sentences[rep]] for share, rep in ranked[::-1][:3] if share < 1]
    assert len(learn) == len(help_these) == 3
    place = summary.index(help_these[0])
    assert summary[place : place + 6] == [*help_these, *learn]


def test_statuses_are_said_in_words_with_a_sign(demo: Built) -> None:
    def status(actual: float, target: float, lower: bool = False) -> str:
        if lower:
            actual, target = -actual, -target
        near = actual >= target - 0.1 * abs(target)
        return "✓ on track" if actual >= target else "! at risk" if near else "▼ off track"

    seen = set()
    for line in table(demo, "Coaching", TOP + 1, 8, 9):
        wanted = (status(line[1], 1), status(line[3], 1), status(line[5], 0.3),
                  status(line[7], 400, lower=True))  # fmt: skip
        assert (line[2], line[4], line[6], line[8]) == wanted
        seen.update(wanted)
    assert len(seen) == 3


def test_thirteen_weeks(demo: Built) -> None:
    mondays = [date(2024, 11, 18) + timedelta(weeks=n) for n in range(13)]
    sales = [total("sales", monday, monday + timedelta(6)) for monday in mondays]
    shown = table(demo, "Trend", TOP, 9, 16)
    assert shown[1][1:14] == sales
    assert shown[2][1:14] == [500_000] * 2 + [400_000] * 5 + [500_000] * 6  # December has five
    attained = [made / wanted for made, wanted in zip(sales, shown[2][1:14], strict=True)]
    assert shown[3][1:14] == pytest.approx(attained)
    assert shown[1][14] == pytest.approx(linear_regression(range(13), sales).slope / mean(sales))
    assert shown[1][15] == "▼ falling"
    assert demo.values["Trend", 3, 1] == (
        "2025-02: 2 of 4 weeks are gone. At this rate sales end at 98% of the target."
    )


def test_the_heat_map_of_reps_by_weeks(demo: Built) -> None:
    mondays = [date(2024, 11, 18) + timedelta(weeks=n) for n in range(13)]
    for line in table(demo, "Trend", TOP + 26, 8, 15):
        cells = []
        for monday in mondays:
            there = [
                row["sales"]
                for row in rows(sample().data)
                if row["rep"] == line[0] and monday <= row["week"] < monday + timedelta(7)
            ]
            cells.append(sum(there) if there else "")
        assert line[1:14] == cells
        points = [(x, y) for x, y in enumerate(cells) if y != ""]
        slope = linear_regression(*zip(*points, strict=True)).slope
        assert line[14] == pytest.approx(slope / mean(y for _, y in points))


def test_twelve_months(demo: Built) -> None:
    shown = table(demo, "Months", TOP + 1, 12, 15)
    begins, before = date(2024, 3, 1), None
    for line in shown:
        ends = (begins + timedelta(31)).replace(day=1) - timedelta(1)
        days = [begins + timedelta(n) for n in range((ends - begins).days + 1)]
        mondays = sum(day.weekday() == 0 for day in days if day <= FEBRUARY[1])
        all_mondays = sum(day.weekday() == 0 for day in days)
        sums = {name: total(name, begins, ends) for name in NUMBERS}
        target = 2_000_000 * mondays / all_mondays
        weekly = sums["sales"] / mondays
        serial = (begins - date(1899, 12, 30)).days
        assert line[:5] == [serial, mondays, sums["sales"], target, pytest.approx(
            sums["sales"] / target)]  # fmt: skip
        assert line[6] == pytest.approx(weekly)
        assert line[7] == ("" if before is None else pytest.approx(weekly / before - 1))
        assert line[8:11] == [sums["visits"], sums["leads"], sums["deals"]]
        assert line[11:] == pytest.approx(
            [sums["deals"] / sums["leads"], sums["spend"], sums["spend"] / sums["deals"],
             sums["sales"] / sums["deals"]]
        )  # fmt: skip
        begins, before = ends + timedelta(1), weekly


def test_the_checks_find_what_is_wrong(demo: Built) -> None:
    """Where the sample has been spoilt, by the table's own rows."""
    made = rows(sample().data)

    def first(**wanted: Any) -> int:
        """The sheet's row of the first row with these values."""
        found = [all(row[name] == value for name, value in wanted.items()) for row in made]
        return found.index(True) + HEADER + 2

    found = [tuple(line[1:3]) for line in table(demo, "Checks", TOP + 1, 13, 3)]
    assert found == [
        (0, ""),
        (1, first(rep="Fareed")),
        (0, None),
        (0, None),
        (0, ""),
        (1, first(week=date(2204, 4, 15))),
        (1, first(week=date(2024, 11, 27))),
        (0, None),
        (1, first(rep="Goran", week=date(2024, 12, 9))),
        (6, None),  # four of leave, the misspelled one, that of the wrong year
        (1, first(visits=None)),
        (0, None),
        (1, first(sales=-18_400)),
    ]


def test_another_month_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    october = (date(2024, 10, 17) - date(1899, 12, 30)).days
    set_to(monkeypatch, sales_team, {"MonthShown": october})
    built = build(TEMPLATE, *sample())
    figures = dict(built.headlines)
    assert figures["Month"] == "2024-10"
    assert figures["Sales"] == f"{total('sales', date(2024, 10, 1), date(2024, 10, 31)):,.0f}"
    assert figures["Forecast"] == figures["Sales"]  # it is over
    assert figures["Needed a week"] == ""
    ranked = {line[1]: line for line in table(built, "Reps", CHARTED + 1, 8, 5)}
    assert ranked["Elif"][2] == 1  # back for its last Monday
    assert ranked["Elif"][4] == 280_000 / 4
    assert table(built, "Trend", TOP, 1, 14)[0][13] == october + 11  # the 28th


def test_a_rep_who_is_away_comes_last_without_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monday = date(2025, 3, 3)
    set_to(monkeypatch, sales_team, {"TeamTarget": 2_000_000})
    built = build(
        TEMPLATE,
        weeks_of(
            ("A", monday - timedelta(7), 90, 9, 9, 3, 9),
            ("B", monday, 90, 9, 0, 0, 9),
        ),
    )
    shown = table(built, "Reps", CHARTED + 1, 2, 16)
    assert shown[0][:5] == [1, "B", 1, 90, 2_000_000 / 2 / 5]  # an equal share, a week of five
    assert shown[0][12] == shown[0][14] == ""  # no leads, no deals
    assert shown[1][:4] == ["·", "A", 0, ""]
    assert shown[1][4:6] == ["", ""]
    coaching = table(built, "Coaching", TOP + 1, 2, 10)
    assert coaching[1][9] == "No week in this month, or no target for it."


def four_weeks(sales: list[float | None]) -> Data:
    """Two reps with 1,000 in each of the four weeks of February 2026, and their targets."""
    weeks = [
        (rep, date(2026, 2, 2) + timedelta(7 * n), 1000, 10, 5, 2, 100)
        for n in range(4)
        for rep in "AB"
    ]
    return {**weeks_of(*weeks), "Targets": {"rep": ["A", "B"], "sales": sales, "visits": [40, 40]}}


def test_without_a_target_of_its_own_the_team_has_the_sum_of_the_reps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sales of 2 x 4 x 1,000: against 5,000 + 5,000 four fifths, against 16,000 a half."""
    built = build(TEMPLATE, four_weeks([5000, 5000]))
    assert dict(built.headlines)["Target reached"] == "80.0%"
    (forecast,) = table(built, "Summary", TOP + 17, 1, 6)
    assert forecast[2:] == [8000, 10_000, 0.8, "▼ off track"]
    assert [line[3] for line in table(built, "Months", TOP + 12, 1, 4)] == [10_000]
    set_to(monkeypatch, sales_team, {"TeamTarget": 16_000})
    built = build(TEMPLATE, four_weeks([5000, 5000]))
    assert dict(built.headlines)["Target reached"] == "50.0%"


@pytest.mark.parametrize("sales", [[5000, None], [None, None]])
def test_without_the_targets_of_all_reps_the_team_has_none(sales: list[float | None]) -> None:
    built = build(TEMPLATE, four_weeks(sales))
    figures = dict(built.headlines)
    assert (figures["Sales"], figures["Target reached"], figures["Needed a week"]) == (
        "8,000", "", "",
    )  # fmt: skip
    ranked = {line[1]: line[4:6] for line in table(built, "Reps", CHARTED + 1, 2, 6)}
    assert ranked == {"A": [5000, 0.8] if sales[0] else ["", ""], "B": ["", ""]}


MONTHS = [date(2026, month, 1) for month in range(1, 11)]
MONDAYS = [date(2026, 2, 2) + timedelta(7 * n) for n in range(5)]


@pytest.mark.parametrize(
    ("of_a", "of_b", "told"),
    [
        (MONTHS, MONTHS, 20),
        (MONTHS[::3], MONDAYS, 4),  # quarters
        (MONDAYS, MONDAYS, 0),
        ([date(2026, 6, 1) + timedelta(7 * n) for n in range(14)], MONDAYS, 0),  # to 31 August
        ([date(2021, 2, 1), date(2021, 3, 1)], [date(2021, 2, 1)], 2),
        (MONTHS[:1], MONTHS[:1], 0),
    ],
)
def test_months_in_a_table_of_weeks_are_told(of_a: list[date], of_b: list[date], told: int) -> None:
    made = [(rep, day, 100, 9, 9, 3, 9) for rep, days in (("A", of_a), ("B", of_b)) for day in days]
    (months,) = table(build(TEMPLATE, weeks_of(*made)), "Checks", TOP + 8, 1, 2)
    assert months[1] == told


def test_a_wrong_year_moves_nothing() -> None:
    monday = date(2025, 3, 3)
    weeks = [("A", monday - timedelta(7 * n), 100, 10, 10, 3, 90) for n in range(5)]
    right = build(TEMPLATE, weeks_of(*weeks))
    wrong = build(TEMPLATE, weeks_of(*weeks, ("A", date(2052, 3, 3), 100, 10, 10, 3, 90)))
    assert wrong.headlines == right.headlines
    assert [line[1:3] for line in table(wrong, "Checks", TOP + 6, 1, 3)] == [[1, HEADER + 7]]


def test_names_are_never_patterns() -> None:
    data = weeks_of(
        (">5", date(2025, 3, 3), 100, 10, 10, 3, 90),
        ("=A", date(2025, 3, 3), 200, 10, 10, 3, 90),
        (7, date(2025, 3, 3), 300, 10, 10, 3, 90),
    )
    targets = {"rep": [">5", "=A", 7], "sales": [1000] * 3, "visits": [50] * 3}
    built = build(TEMPLATE, {**data, "Targets": targets})
    shown = table(built, "Reps", CHARTED + 1, 3, 4)
    assert [(line[1], line[3]) for line in shown] == [(7, 300), ("=A", 200), (">5", 100)]
    assert built.values["Summary", 3, 2] == "The checks have found no problem in the data."


def test_names_with_signs_of_patterns_are_those_of_one_rep() -> None:
    names = ["A*", "AB", "A?", "~X"]
    before, weeks = (
        [(name, day, sales, 10, 10, 3, 90) for name, sales in zip(names, sold, strict=True)]
        for day, sold in (
            (date(2025, 2, 3), (100, 200, 50, 30)),
            (date(2025, 3, 3), (1000, 200, 50, 30)),
        )
    )
    targets = {"rep": names, "sales": [1000] * 4, "visits": [50] * 4}
    built = build(TEMPLATE, {**weeks_of(*before, *weeks), "Targets": targets})
    shown = table(built, "Reps", CHARTED + 1, 4, 4)
    assert [(line[1], line[3]) for line in shown] == list(
        zip(names, (1000, 200, 50, 30), strict=True)
    )
    said = next(
        value
        for (sheet, row, _), value in built.values.items()
        if sheet == "Summary" and row > 10 and str(value).startswith("Sales rose")
    )
    # From 380 to 1280, of which A* has 900.
    assert said == "Sales rose 237 % to 1,280 (better), mostly A*"


def test_a_large_team_gets_more_room() -> None:
    names = [f"Rep {number:02}" for number in range(1, 41)]
    sales = [100 + (number * 7) % 41 for number in range(40)]
    weeks = [(name, date(2025, 3, 3), sales[n], 10, 10, 3, 90) for n, name in enumerate(names)]
    targets = {"rep": names, "sales": [500] * 40, "visits": [50] * 40}
    built = build(TEMPLATE, {**weeks_of(*weeks), "Targets": targets})
    shown = table(built, "Reps", CHARTED + 1, 40, 4)
    assert [line[3] for line in shown] == sorted(sales, reverse=True)
    assert built.values["Reps", 3, 1] == "Month: 2025-03. Set it on the sheet Summary."


def test_equal_reps_keep_their_order() -> None:
    weeks = [(name, date(2025, 3, 3), 100, 10, 10, 3, 90) for name in "AB"]
    targets = {"rep": ["B", "A"], "sales": [500] * 2, "visits": [50] * 2}
    built = build(TEMPLATE, {**weeks_of(*weeks), "Targets": targets})
    assert [line[1] for line in table(built, "Reps", CHARTED + 1, 2, 2)] == ["B", "A"]


def test_ratios_are_of_the_rows_that_have_both_parts() -> None:
    """By hand: of 30 + 5 leads in March, A's 20 have known deals, 2; C never has any, and B has 3
    deals of unknown leads. 700 were spent on 5 deals; what A's second week cost nobody knows, and
    its blank sales and deals are 0. Visits are asked of the weeks that have them."""
    monday = date(2025, 3, 3)
    data = weeks_of(
        ("A", monday - timedelta(28), 500, 8, 5, 1, 100),
        ("A", monday, 1000, 10, 10, 2, 400),
        ("A", monday + timedelta(7), None, None, 10, None, None),
        ("B", monday, 3000, None, None, 3, 300),
        ("C", monday, None, 5, 20, None, 90),
    )
    data["Targets"] = {"rep": list("ABC"), "sales": [4000] * 3, "visits": [50] * 3}  # type: ignore[index]
    built = build(TEMPLATE, data)
    figures = dict(built.headlines)
    assert [figures[name] for name in MADE_OF] == [
        "4,000", "33.3%", "10,000", "2,667", "15", "40", "5", "790", "10.0%", "140.00", "800.00",
    ]  # fmt: skip
    reps = {line[1]: line[8:] for line in table(built, "Reps", CHARTED + 1, 3, 16)}
    assert reps == {
        "A": [10, 1, 20, 2, 0.1, 400, 200, 500],
        "B": ["", "", "", 3, "", 300, 100, 1000],
        "C": [10, 0.5, 20, "", "", 90, "", ""],
    }
    march = table(built, "Months", TOP + 12, 1, 15)[0]
    assert march[9:] == [40, 5, 0.1, 790, 140, 800]
    left = table(built, "Reps", CHARTED + 24 + 5, 3, 9)
    assert [line[3:5] + line[7:] for line in left] == [
        [3, 1, 20, 1], [90, 1, "", ""], ["", "", "", ""],
    ]  # fmt: skip
    said = [value for (sheet, *_), value in built.values.items() if sheet == "Summary"]
    assert "Close rate fell 50 % to 10.0 % (worse), mostly A" in said
    assert said.count("Not of all rows: see the sheet Reps") == 2
    assert "Some reps never have any: see the sheet Reps" in said
    assert "✗ no" not in built.values.values()


MADE_OF = {
    "Sales": "sales", "Target reached": "sales", "Forecast": "sales", "Needed a week": "sales",
    "Sales visits": "visits", "Leads": "leads", "Deals": "deals", "Spend": "spend",
    "Close rate": "deals leads", "CAC": "spend deals", "Average deal": "sales deals",
}  # fmt: skip
"""Figures, and the columns that they are made of."""


@pytest.mark.parametrize("lacking", ["", *NUMBERS])
def test_what_no_row_has_is_blank_and_not_0(lacking: str) -> None:
    monday = date(2025, 3, 3)
    data = weeks_of(
        *(
            (rep, monday - timedelta(7 * week), 90.0 + week, 9, 8, 3, 5.0)
            for week in range(1, 14)
            for rep in ("A", "B")
        )
    )
    if lacking:
        data["Weeks"][lacking] = [None] * 26  # type: ignore[index]
    data["Targets"]["sales"] = [400, 400]  # type: ignore[index]
    built = build(TEMPLATE, data)
    assert not [value for value in built.values.values() if str(value).startswith("#")]
    blank = {figure for figure, shown in built.headlines if figure in MADE_OF and shown == ""}
    expected = {figure for figure, of in MADE_OF.items() if lacking and lacking in of.split()}
    assert blank - expected <= {"Needed a week"}  # the month is over
    assert expected <= blank
    reps = table(built, "Reps", CHARTED + 1, 2, 16)
    places = {"sales": {3, 5, 6, 15}, "visits": {7, 8, 9}, "leads": {10, 12},
              "deals": {11, 12, 14, 15}, "spend": {13, 14}}  # fmt: skip
    for line in reps:
        assert {place for place, cell in enumerate(line) if cell == ""} == places.get(
            lacking, set()
        )
    months = [line for line in table(built, "Months", TOP + 1, 12, 15) if line[1]]
    places = {"sales": {2, 4, 6, 14}, "visits": {8}, "leads": {9, 11}, "deals": {10, 11, 13, 14},
              "spend": {12, 13}}  # fmt: skip
    assert len(months) == 3
    for line in months:
        none = {n for n, cell in enumerate(line) if cell == "" and n not in (5, 7)}
        assert none == places.get(lacking, set())


def weeks_loaded(loaded: datetime | None, *more: tuple[Any, ...]) -> Built:
    """Two reps with 1,000 in each of three weeks of February 2026, and 100 each in the fourth."""
    weeks = [
        (rep, date(2026, 2, 2) + timedelta(7 * n), 100 if n == 3 else 1000, 10, 5, 2, 100)
        for n in range(4)
        for rep in "AB"
    ]
    targets = {"rep": ["A", "B"], "sales": [5000, 5000], "visits": [40, 40]}
    data = {**weeks_of(*weeks, *more), "Targets": targets}
    return build(TEMPLATE, data, loaded=[Loaded("Weeks", loaded=loaded)] if loaded else [])


@pytest.mark.parametrize("day", [23, 26])
def test_a_week_that_is_not_over_is_in_no_figure(day: int) -> None:
    """Loaded on its Monday, or its Thursday: 6,000 in three weeks are 8,000 in four. It was a fall
    of sales, a forecast of 6,200 and two reps off track."""
    built = weeks_loaded(datetime(2026, 2, day, 18))
    figures = dict(built.headlines)
    assert [figures[name] for name in ("Sales", "Forecast", "Needed a week", "Sales visits")] == [
        "6,000", "8,000", "4,000", "60",
    ]  # fmt: skip
    trend = table(built, "Trend", TOP + 1, 1, 16)[0]
    assert (trend[11:14], trend[14]) == ([2000, 2000, 2000], 0)
    reps = table(built, "Reps", CHARTED + 1, 2, 7)
    assert [line[1:] for line in reps] == [
        [rep, 3, 3000, 3750, 0.8, 4000] for rep in ("A", "B")
    ]  # fmt: skip
    month = table(built, "Months", TOP + 12, 1, 11)[0]
    assert month[1:5] + month[8:] == [3, 6000, 7500, 0.8, 60, 30, 12]
    assert built.values["Summary", 4, 2] == (
        "The week of 2026-02-23 is not over in the data, which were loaded on"
        f" 2026-02-{day}: its rows so far (2) are in no figure yet."
    )
    assert "✗ no" not in built.values.values()


@pytest.mark.parametrize(
    ("loaded", "typed"),
    [
        (None, False),  # nobody knows when
        (datetime(2026, 2, 27, 9), False),  # on its Friday
        (datetime(2026, 3, 2, 9), False),  # the Monday after
        (datetime(2026, 2, 18, 9), False),  # the week before: it was typed below
        (datetime(2026, 2, 25, 9), True),  # another was typed below it
    ],
)
def test_a_week_that_is_over_counts(loaded: datetime | None, typed: bool) -> None:
    """6,000 and 200 in the four weeks of February."""
    march = [("A", date(2026, 3, 2), 0, 0, 0, 0, 0)] if typed else []
    built = weeks_loaded(loaded, *march)
    months = table(built, "Months", TOP + 11 if typed else TOP + 12, 1, 3)
    assert months[0][1:] == [4, 6200]
    assert built.values["Summary", 4, 2] == ""


def test_the_only_week_counts_before_it_is_over() -> None:
    """What would be left of it is nothing."""
    data = weeks_of(("A", date(2026, 2, 2), 1000, 10, 5, 2, 100))
    built = build(TEMPLATE, data, loaded=[Loaded("Weeks", loaded=datetime(2026, 2, 3))])
    assert dict(built.headlines)["Sales"] == "1,000"
    assert built.values["Summary", 4, 2] == ""


def test_the_sum_of_the_targets_has_thousands(demo: Built) -> None:
    shown = [
        value for value in weeks_loaded(None).values.values() if "sum of Targets" in str(value)
    ]
    assert shown == ["Blank: the sum of Targets: 10,000"]


def test_a_ratio_of_one_of_the_periods_is_owed_to_nobody() -> None:
    """No deal in March, so that the average deal has no change: an error on the sheet Model."""
    march = date(2025, 3, 3)
    data = weeks_of(
        ("A", march - timedelta(28), 500, 8, 5, 1, 100),
        ("B", march - timedelta(28), 300, 8, 5, 1, 100),
        ("A", march, 500, 8, 5, 0, 100),
        ("B", march, 300, 8, 5, 0, 100),
    )
    built = build(TEMPLATE, data)
    assert not [value for value in built.values.values() if str(value).startswith("#")]


def test_a_rep_of_whom_only_sales_are_known_has_a_whole_sentence() -> None:
    """It ended in ". ."."""
    data = weeks_of(("A", date(2026, 2, 2), 500, None, None, None, None))
    built = build(TEMPLATE, data)
    assert table(built, "Coaching", TOP + 1, 1, 10)[0][9] == "Sales at 500% of the target."


def test_weeks_that_cancel_have_no_trend() -> None:
    """0.1 and 0.2 and -0.3 come to 0, but for a rest that binary leaves."""
    weeks = [date(2024, 1, 1) + timedelta(7 * number) for number in range(13)]
    sales = [0.1, 0.2, -0.3, *[0.0] * 10]
    built = build(TEMPLATE, {"Weeks": {"week": weeks, "rep": ["Ann"] * 13, "sales": sales}})
    assert not [value for value in built.values.values() if str(value).startswith("#")]
