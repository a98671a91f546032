"""A range of days, the period before, and what is said of the change: by hand, and by other fills.

What a range shows must be what a workbook shows that is filled with the rows of the range alone.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from hosts import program
from kpi_xl.workbook_templates import campaigns, comparison, funnel, retention, sales_team
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.checking import checks
from kpi_xl.workbook_templates.comparison import (
    NEITHER,
    PREVIOUS,
    YEAR,
    Breakdown,
    Range,
    Tile,
    figures_before,
    key_figures,
    owed_to,
)
from kpi_xl.workbook_templates.records import (
    Agreement,
    Data,
    Figure,
    Sample,
    Sentence,
    Sheet,
    Template,
)
from kpi_xl.workbook_templates.setting_cells import put_basis
from kpi_xl.workbook_templates.sheet_parts import wide
from kpi_xl.workbook_templates.writing import Book, Built
from workbooks import set_to

from kpi_xl import kpi_change_text
from kpi_xl.cells import Cell
from kpi_xl.hosts.libreoffice import engine
from kpi_xl.locales import LANGUAGES, say
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package
from kpi_xl.schema import Column, Input, Schema
from kpi_xl.serials import serial
from kpi_xl.units import DATE, KEY, MONEY

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


def named(built: Built) -> dict[str, Cell]:
    """The values of single cells that have a name, in small letters, as names are compared."""
    found: dict[str, Cell] = {}
    for (_, name), text in read_package(built.content).names.items():
        sheet, _, address = text.rpartition("!")
        if sheet and ":" not in address and "#" not in address:
            place = area(sheet.strip("'"), address.replace("$", ""))
            value = built.values.get((place.sheet, place.top, place.left), "")
            found[name] = value
    return found


# The templates


def kept(rows: dict[str, list[Cell]], keep: Callable[[dict[str, Cell]], bool]) -> Any:
    """The rows of a table that a function of them lets through."""
    lines = [dict(zip(rows, cells, strict=True)) for cells in zip(*rows.values(), strict=True)]
    left = [line for line in lines if keep(line)]
    return {name: [line[name] for line in left] for name in rows}


def between(column: str, first: date, last: date) -> Callable[[dict[str, Cell]], bool]:
    """Whether a row's day lies from one to another."""
    return lambda row: isinstance(row[column], date) and first <= row[column] <= last  # type: ignore[operator]


def thin(table: Any, every: int) -> Any:
    """Some of the rows of a table."""
    return {name: list(cells)[::every] for name, cells in table.items()}


@cache
def sample_of(template: ModuleType) -> Data:
    """Fewer rows of a template's sample, which are computed faster."""
    data = dict(template.sample().data)
    if template is retention:
        orders = {name: list(cells) for name, cells in data["Orders"].items()}
        return {"Orders": kept(orders, lambda row: int(row["customer"]) % 5 == 0)}
    for name, every in (("Leads", 2), ("Ads", 3)):
        if name in data:
            data[name] = thin(data[name], every)
    return data


def newest_of_leads() -> date:
    """The last day on which anything happened to a lead, but for stages on the way."""
    leads = sample_of(funnel)["Leads"]
    days = (cell for name in ("created", "won_date", "lost_date") for cell in leads[name])
    return max(day for day in days if isinstance(day, date))


def of_days(template: ModuleType, first: date, last: date, seen: date | None = None) -> Data:
    """The rows of some days; days of leads that had not come by one day are blank."""
    data = dict(sample_of(template))
    for table, column in (
        ("Ads", "date"), ("Leads", "created"), ("Spend", "month"), ("Orders", "date"),
        ("Weeks", "week"),
    ):  # fmt: skip
        if table in data:
            data[table] = kept(dict(data[table]), between(column, first, last))  # type: ignore[arg-type]
    if seen:
        data["Leads"] = {
            name: [None if isinstance(cell, date) and cell > seen else cell for cell in cells]
            for name, cells in data["Leads"].items()
        }
    return data


CASES: dict[str, tuple[ModuleType, dict[str, date], tuple[date, date], tuple[date, date]]] = {
    "campaigns": (
        campaigns,
        {"FromDate": date(2024, 5, 1), "UntilDate": date(2024, 5, 20)},
        (date(2024, 5, 1), date(2024, 5, 20)),
        (date(2024, 4, 11), date(2024, 4, 30)),
    ),
    "funnel": (
        funnel,  # any day of the months
        {"FromDate": date(2024, 11, 9), "UntilDate": date(2024, 12, 1)},
        (date(2024, 11, 1), date(2024, 12, 31)),
        (date(2024, 9, 1), date(2024, 10, 31)),
    ),
    "retention": (
        retention,
        {"FromDate": date(1997, 10, 1), "UntilDate": date(1998, 1, 31)},
        (date(1997, 10, 1), date(1998, 1, 31)),
        (date(1997, 5, 31), date(1997, 9, 30)),
    ),
    "sales_team": (
        sales_team,
        {"MonthShown": date(2024, 10, 17)},
        (date(2024, 10, 1), date(2024, 10, 31)),
        (date(2024, 9, 2), date(2024, 9, 29)),
    ),
}
DAYS = {"firstday", "lastday", "monthname"}  # of the data there, of the range here
OF_A_RATE = {"monthlyorders", "customervalue", "highestcac"}


@pytest.mark.parametrize("name", CASES)
def test_a_range_shows_what_its_rows_alone_would(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    template, days, shown, before = CASES[name]
    alone = named(build(template.TEMPLATE, of_days(template, *shown)))
    # Leads of before as they stood when they were as old as those of the range are in the end.
    seen = newest_of_leads() - (shown[1] - before[1]) if template is funnel else None
    those_before = named(build(template.TEMPLATE, of_days(template, *before, seen)))
    set_to(monkeypatch, template, {name: serial(day) for name, day in days.items()})
    built = build(template.TEMPLATE, sample_of(template))
    values = named(built)
    assert (values["comparedfrom"], values["compareduntil"]) == tuple(map(serial, before))
    figures = {
        figure.name.lower() for group in template.FIGURES.values() for figure in group
    } - DAYS  # fmt: skip
    if template is retention:
        figures |= {figure.name.lower() for figure in retention.TO_COME}
        # All data have these of few days, too, with a word: a range has not (see below).
        assert {values[name] for name in OF_A_RATE} == {""}
        figures -= OF_A_RATE
    different = {name: (values[name], alone[name]) for name in sorted(figures)
                 if values[name] != pytest.approx(alone[name])}  # fmt: skip
    assert different == {}
    compared = [name for name in figures if f"{name}before" in values]
    tiles = {tile.figure.lower() for tile in template.TILES if tile.compared}
    assert tiles - OF_A_RATE <= set(compared)
    different = {name: (values[f"{name}before"], those_before[name]) for name in compared
                 if values[f"{name}before"] != pytest.approx(those_before[name])}  # fmt: skip
    assert different == {}
    agreed = [value for (sheet, _, column), value in built.values.items()
              if (sheet, column) == ("Checks", 4)]  # fmt: skip
    assert agreed.count("✓ yes") >= 5
    assert "✗ no" not in agreed


SHORTER = "Fewer days than the lifetime set below"
NO_CLV = "CLV is not compared: a period has fewer days than the lifetime set below."


@pytest.mark.parametrize(
    ("first", "until", "lifetime", "monthly", "word", "said"),
    [
        ("2024-03-01", "2024-03-31", 24, "", SHORTER, NO_CLV),
        ("2024-07-01", "2024-12-31", 6, 7 / (184 / 30.4375), "Over the whole time", "CLV of a new"),
        ("", "2024-01-31", 24, 30.4375, SHORTER, ""),  # all the data keep theirs, with the word
    ],
)
def test_no_clv_in_a_range_shorter_than_the_lifetime(
    first: str, until: str, lifetime: int, monthly: Cell, word: str, said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Three customers buy on the first of each month; all who bought in a month did so once."""
    buyers, ended = ("Ann", "Bob", "Cid"), date.fromisoformat(until)
    days = [date(2024, month, 1) for month in range(1, 13) if first or month <= ended.month]
    days += [date(2024, 6, 30), date(2024, 12, 31)] if first else []
    rows = [(buyer, day) for day in days for buyer in buyers]
    orders = {"customer": [buyer for buyer, _ in rows], "date": [day for _, day in rows],
              "amount": [10.0] * len(rows)}  # fmt: skip
    given: dict[str, Any] = {"Lifetime": lifetime}
    if first:
        given |= {"FromDate": serial(date.fromisoformat(first)), "UntilDate": serial(ended)}
    set_to(monkeypatch, retention, given)
    built = build(retention.TEMPLATE, {"Orders": orders})
    values = named(built)
    # Orders of 10 at a margin of 40 %, and 1 % a month.
    margin = 10 * 0.4 * (1 - 1.01**-lifetime) / 0.01
    figures = [values[name] for name in ("monthlyorders", "customervalue", "highestcac")]
    if isinstance(monthly, float):
        assert figures == pytest.approx([monthly, monthly * margin, monthly * margin / 3])
    else:
        assert figures == ["", "", ""]
    texts = [str(value) for (sheet, _, _), value in built.values.items() if sheet == "Summary"]
    assert word in texts
    assert texts.count(SHORTER) == (3 if word == SHORTER else 0)
    assert any(text.startswith(said) for text in texts) or not said
    assert "✗ no" not in built.values.values()


def funnel_of(
    monkeypatch: pytest.MonkeyPatch,
    leads: list[tuple[date, date | None]],
    spend: list[tuple[date, float]],
    shown: tuple[date, date],
) -> tuple[dict[str, Cell], list[str]]:
    """Named values and the Summary's texts: leads by the day of creation and of winning."""
    records: Data = {
        "Leads": {
            "lead_id": [f"L{number}" for number in range(len(leads))],
            "created": [created for created, _ in leads],
            "channel": ["ads"] * len(leads),
            "won_date": [won for _, won in leads],
            "value": [100.0] * len(leads),
        },
        "Spend": {
            "month": [month for month, _ in spend], "channel": ["ads"] * len(spend),
            "spend": [amount for _, amount in spend],
        },
    }  # fmt: skip
    days = dict(zip(("FromDate", "UntilDate"), map(serial, shown), strict=True))
    set_to(monkeypatch, funnel, days)
    built = build(funnel.TEMPLATE, records)
    texts = [str(value) for (sheet, _, _), value in built.values.items() if sheet == "Summary"]
    return named(built), texts


LEADS_BY_MONTH: list[tuple[date, date | None]] = [
    *((date(2024, month, 3), None) for month in range(1, 5)),
    (date(2024, 3, 4), date(2024, 3, 20)),
    (date(2024, 3, 5), date(2024, 4, 20)),
]
SPEND_BY_MONTH = [(date(2024, month, 1), 60.0) for month in range(1, 5)]
NO_CAC = "CAC is not compared: one of the two periods has no customers."
NO_SPEND = "Costs are not compared: one of the two periods has no spend."
NOT_OVER = "Costs are not compared: the last month is not over in the data."


@pytest.mark.parametrize(
    ("last", "spend", "said", "until"),
    [
        (date(2024, 4, 30), SPEND_BY_MONTH, NO_CAC, "2024-02-29"),
        (date(2024, 3, 31), SPEND_BY_MONTH[2:3] + SPEND_BY_MONTH[:1], NO_SPEND, "2024-02-29"),
        # By 15 March, 16 days before it is over: as February was 16 days before.
        (date(2024, 3, 15), SPEND_BY_MONTH[:3], NOT_OVER, "2024-02-13"),
    ],
)
def test_why_costs_are_not_compared(
    last: date, spend: list[tuple[date, float]], said: str, until: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The true reason, once; and the days that are compared, as far as they are."""
    leads = [
        (created, won if won and won <= last else None)
        for created, won in [*LEADS_BY_MONTH, (last, None)] if created <= last
    ]  # fmt: skip
    values, texts = funnel_of(monkeypatch, leads, spend, (date(2024, 3, 1), date(2024, 3, 31)))
    assert values["comparing"] == 1
    assert [text for text in texts if "not compared" in text] == [said]
    assert f"2024-03-01 to 2024-03-31, compared with 2024-02-01 to {until}" in texts


def test_deals_of_a_range_are_those_of_its_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of March's leads were won, one of them in April: the text says so."""
    values, texts = funnel_of(
        monkeypatch, [*LEADS_BY_MONTH, (date(2024, 4, 30), None)], SPEND_BY_MONTH,
        (date(2024, 3, 1), date(2024, 3, 31)),
    )  # fmt: skip
    assert (values["customercount"], values["revenue"]) == (2, 200)
    assert {"Deals won, of leads created on these days",
            "Value of deals won, of leads created on these days",
            "Deals lost, of leads created on these days",
            "Still open, of leads created on these days"} <= set(texts)  # fmt: skip
    assert "Deals won" not in texts


# Days and words, in a template of one small table

DAYS_TABLE = Input(
    "Days",
    "The data: a row an order.",
    (
        Column("day", DATE, "Created", "The day on which the lead came in."),
        Column("kind", KEY, "Channel", "Search, social, e-mail ... or your own word for it."),
        Column("amount", MONEY, "Revenue", "What the deal is worth, won or expected."),
    ),
    counted="day",
)


def amounts(kind: str) -> str:
    return (
        f'=SUMIFS(Days[amount],Days[kind],"{kind}",'
        'Days[day],">="&RangeFrom,Days[day],"<"&RangeUntil+1)'
    )


FIGURES = {
    "rose": Figure("Rose", "Revenue", amounts("a"), MONEY, ""),
    "fell": Figure("Fell", "Cost", amounts("b"), MONEY, ""),
    "same": Figure("Same", "Spend", amounts("c"), MONEY, ""),
}
TILES = (Tile("Rose", "higher"), Tile("Fell", "lower"), Tile("Same", "higher"))


def of_table(months: bool = False) -> Template:
    """A template of one table, whose range is of days or of months."""
    shown = Range(
        empty=DAYS_TABLE.empty,
        begin="MIN(Days[day])",
        end="MAX(Days[day])",
        rows='COUNTIFS(Days[day],">="&RangeFrom,Days[day],"<"&RangeUntil+1)',
        months=months,
    )

    def write(book: Book) -> None:
        page, figures = book.pages["Model"], {one.name: one for one in FIGURES.values()}
        row = put_basis(page, 4, 0, shown.basis(book))
        figures_before(page, row + 1, 0, figures.values(), figures)
        parts = Breakdown(
            [{"name": f'"{part}"'} for part in ("some", "others")],
            {"Rose": 'IF({name}="some",Rose,0)'},
            "FALSE",
        )
        owed = owed_to(page, 4, 3, parts, figures, ["Rose"], {"Rose": "RoseBefore"})
        tiles = [tile._replace(mostly=owed.get(tile.figure, "")) for tile in TILES]
        groups = {"The data": (*shown.figures(), *figures.values())}
        key_figures(book.pages["Summary"], 4, tiles, (), groups)
        checks(book.pages["Checks"], [Agreement("Revenue", "=Rose", "=Rose", MONEY)], ())

    titles = ("Summary", "Days", "Checks", "Model")
    return Template(
        Schema("days", "Orders", "The data: a row an order.", (DAYS_TABLE,)),
        tuple(Sheet(title, "The data: a row an order.") for title in titles),
        (),
        write,
        lambda: Sample({}, Sentence("")),
    )


def days_of(*rows: tuple[date, str, float]) -> Data:
    return {"Days": dict(zip(("day", "kind", "amount"), map(list, zip(*rows, strict=True)),
                             strict=True))}  # fmt: skip


def twice_a_month(first: date, last: date) -> Data:
    """An order on the first and the 15th of each month."""
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    return days_of(*((day, "a", 1.0) for day in days if day.day in (1, 15)))


TWO_YEARS = twice_a_month(date(2023, 1, 1), date(2024, 12, 15))


def compared(
    monkeypatch: pytest.MonkeyPatch, data: Data, settings: dict[str, Any], **options: Any
) -> Built:
    """The small template with settings, days among them."""
    given = {
        name: serial(value) if isinstance(value, date) else value
        for name, value in settings.items()
    }
    set_to(monkeypatch, comparison, given)
    return build(of_table(**options), data)


@pytest.mark.parametrize(
    ("first", "last", "against", "months", "before"),
    [
        ("2024-03-01", "2024-03-31", PREVIOUS, False, ("2024-01-30", "2024-02-29")),
        ("2024-02-29", "2024-02-29", YEAR, False, ("2023-02-28", "2023-02-28")),
        ("2024-02-01", "2024-03-31", YEAR, False, ("2023-02-01", "2023-03-31")),
        ("2024-12-01", "", PREVIOUS, False, ("2024-11-16", "2024-11-30")),
        ("2024-12-01", "2024-12-31", YEAR, False, ("2023-12-01", "2023-12-15")),
        ("2024-03-10", "2024-05-02", PREVIOUS, True, ("2023-12-01", "2024-02-29")),
        ("2024-02-10", "2024-02-11", YEAR, True, ("2023-02-01", "2023-02-28")),
    ],
)
def test_the_period_before(
    first: str, last: str, against: str, months: bool, before: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings = {"FromDate": date.fromisoformat(first), "CompareWith": against,
                "UntilDate": date.fromisoformat(last) if last else ""}  # fmt: skip
    values = named(compared(monkeypatch, TWO_YEARS, settings, months=months))
    days = [serial(date.fromisoformat(day)) for day in before]
    assert [values["comparedfrom"], values["compareduntil"]] == days


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "To compare, set From or Until above: all the data are shown, and nothing is before"
             " them."),
        ({"CompareWith": NEITHER}, "Nothing is compared: choose above what to compare with."),
        ({"UntilDate": date(2023, 3, 31)},
         "Nothing to compare with: the data begin on 2023-01-01, and 2022-10-03 to 2022-12-31 would"
         " be needed."),
        ({"FromDate": date(2023, 6, 1), "UntilDate": date(2023, 6, 30), "CompareWith": YEAR},
         "Nothing to compare with: the data begin on 2023-01-01, and 2022-06-01 to 2022-06-30 would"
         " be needed."),
        ({"FromDate": date(2024, 3, 15), "UntilDate": date(2024, 3, 16)},
         "Nothing to compare with: there are no data from 2024-03-13 to 2024-03-14."),
        ({"FromDate": date(2024, 3, 2), "UntilDate": date(2024, 3, 1)},
         "There are no data from 2024-03-02 to 2024-03-01: change the days."),
    ],
)  # fmt: skip
def test_why_nothing_is_compared(
    settings: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = compared(monkeypatch, TWO_YEARS, settings)
    assert named(built)["notcompared"] == told
    assert built.values["Summary", 15, 2] == told
    assert [built.values["Summary", 11, column] for column in (2, 3, 4)] == ["", "", ""]


MARCH, FEBRUARY = date(2024, 3, 5), date(2024, 2, 5)
CHANGED = days_of(
    (date(2024, 1, 1), "a", 1.0), (FEBRUARY, "a", 200.0), (MARCH, "a", 224.0),
    (FEBRUARY, "b", 200.0), (MARCH, "b", 176.0), (FEBRUARY, "c", 200.0), (MARCH, "c", 200.4),
    (date(2024, 3, 31), "d", 1.0),
)  # fmt: skip
SENTENCES = [
    "Revenue rose 12 % to 224 (better), mostly some",
    "Cost fell 12 % to 176 (better)",
    "Spend: unchanged at 200",
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_in_every_language(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What rose, fell, is unchanged: each as KPI_CHANGE_TEXT says it, which has its own tests."""
    given = {"FromDate": serial(date(2024, 3, 1)), "UntilDate": serial(date(2024, 3, 31)),
             "CompareWith": PREVIOUS}  # fmt: skip
    set_to(monkeypatch, comparison, given)
    built = build(of_table(), CHANGED, language=language)
    summary = say("Summary", language)
    said = [built.values[summary, row, 2] for row in (15, 16, 17)]
    assert all(0 < wide(str(text)) < 200 for text in said)
    for text, label, values, better in zip(
        said, ("Revenue", "Cost", "Spend"), ((224.0, 200.0), (176.0, 200.0), (200.4, 200.0)),
        ("higher", "lower", "higher"), strict=True,
    ):  # fmt: skip
        sentence = kpi_change_text(say(label, language), *values, better, language)
        more = say("{sentence}, mostly {name}", language)
        expected = more.format(sentence=sentence, name="some") if label == "Revenue" else sentence
        assert text == expected
    assert [built.values[summary, 11, column] for column in (2, 3, 4)] == [0.12, -0.12, 0.0]
    if language == "en":
        assert said == SENTENCES


def test_a_range_in_calc(monkeypatch: pytest.MonkeyPatch) -> None:
    """What LibreOffice computes of a range is what the embedded engine does, words and all."""
    program("soffice", "apt-get install libreoffice-calc python3-uno")
    settings = {"FromDate": date(2024, 3, 1), "UntilDate": date(2024, 3, 31),
                "CompareWith": PREVIOUS}  # fmt: skip
    built = compared(monkeypatch, CHANGED, settings)
    package = read_package(built.content)
    computed = engine.compute(package, built.content, seconds=240)
    assert computed.refused == {}
    sheets = {formula.sheet for formula in package.formulas}
    assert {"Model", "Summary"} <= sheets
    for place, value in computed.values.items():
        here = built.values[place]
        same = pytest.approx(here, rel=1e-9) if isinstance(here, float) else here
        assert value == same, place
    assert computed.values["Summary", 15, 2] == SENTENCES[0]
