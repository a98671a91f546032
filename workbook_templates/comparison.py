"""A range of days, the period that it is compared with, and what is said of the change.

The user sets FromDate, UntilDate and CompareWith; blank days stand for all the data. The sheet
Model says in cells of these names what follows::

    FirstDay, LastDay       the days that are shown, also where none are set
    RangeFrom, RangeUntil   the same for conditions: without a range they let everything pass,
                            rows without a day, too
    ComparedFrom, ComparedUntil   the period to compare with, "" where there is none
    Comparing               1 where figures can be compared
    NotCompared             why they cannot, in words

The previous period is the same number of days directly before, as far as the data reach: half a
month is compared with half a month. The previous year is the same dates twelve months before;
29 February becomes the 28th. Where ranges are of whole months, so are the periods. A period that
begins before the data do is not compared, unless no more than a tenth of it is missing.

A figure of the period before is the figure's own formula over other days, so that both are one
definition: `rebound` puts the names of the other days, and of the other figures, into it. Their
names end in Before.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from kpi_xl.registry import METRICS
from kpi_xl.serials import AFTER_LAST_DAY, FIGURED_FROM, FIGURED_UNTIL
from kpi_xl.units import COUNT, DATE, KEY, MONEY, RATE, TEXT, VALUE
from kpi_xl.workbook_names import LANGUAGE

from .charting import sparkline
from .grid import Grid, Measure, Record, put_grid
from .records import Basis, Figure, Problem, Setting
from .setting_cells import put_basis, put_setting, settings
from .sheet_parts import blank_if, section, widen
from .sheet_parts import figures as put_figures
from .writing import BLUE, FIXED, MUTED, WASH, Book, Page, ifs, literal

PREVIOUS, YEAR, NEITHER = COMPARED_WITH = ("Previous period", "Previous year", "No comparison")

FROM = Setting("FromDate", "From", "", DATE, "Blank: from the first of the data")
UNTIL = Setting("UntilDate", "Until", "", DATE, "Blank: to the last of the data")
COMPARE = Setting(
    "CompareWith",
    "Compare with",
    PREVIOUS,
    TEXT,
    "What the change is against",
    COMPARED_WITH,
    translated=True,
)
RANGE_SETTINGS = (FROM, UNTIL, COMPARE)

LAST_OF_ALL = AFTER_LAST_DAY - 1
POSSIBLE = f'{{0}},">={FIGURED_FROM}",{{0}},"<{FIGURED_UNTIL + 1}"'
BOUNDS = {
    "FirstDay": "ComparedFrom",
    "LastDay": "ComparedUntil",
    "RangeFrom": "ComparedFrom",
    "RangeUntil": "ComparedUntil",
}
"""The names of days in figures, and what stands in their place in those of the period before."""

NAMES = re.compile(r'"[^"]*"|\[[^\]]*\]|[A-Za-z_]\w*(?![\w(\[!.])')
GOOD, BAD = "#00523B", "#8A3B00"
GONE = re.compile("[^A-Za-z]")


@dataclass(frozen=True)
class Range:
    """The days that a template's figures are of, told by formulas over its tables.

    `empty` is the condition that nothing is filled in, `begin` and `end` are the first and the last
    day of the data, `rows` says how many rows lie from RangeFrom to RangeUntil. From `known` on the
    data are whole, if that is another day than the first. `bounds` are the names of days in the
    template's figures, and what takes their place in those of the period before. Where `months`,
    a range is of whole months.
    """

    empty: str
    begin: str
    end: str
    rows: str
    known: str = ""
    bounds: Mapping[str, str] = field(default_factory=lambda: BOUNDS)
    months: bool = False
    meanings: tuple[str, str] = ("All sheets begin here", "All sheets end here")

    def figures(self) -> tuple[Figure, ...]:
        """The days that are shown, and how many rows they have."""
        first, last = (
            f'IF({setting}="",{day},{setting})'
            for setting, day in (("FromDate", self.begin), ("UntilDate", self.end))
        )
        first, last = f"INT({first})", f"INT({last})"
        if self.months:
            first, last = f"EOMONTH({first},-1)+1", f"EOMONTH({last},0)"
        meanings = self.meanings
        return (
            Figure("FirstDay", "First day", blank_if(self.empty, first), DATE, meanings[0]),
            Figure("LastDay", "Last day", blank_if(self.empty, last), DATE, meanings[1]),
            Figure("RowsInRange", "Rows", f"=IF({self.empty},0,{self.rows})", COUNT,
                   "Rows of these days"),
        )  # fmt: skip

    def nothing(self) -> Problem:
        """The problem that there are data, but none of these days."""
        found = f"=IF(ISERROR(RowsInRange),0,IF({self.empty},0,IF(RowsInRange=0,1,0)))"
        advice = "Change the days on the sheet {Summary}."
        return Problem("No data from First day to Last day", found, "", advice)

    def basis(self, book: Book) -> list[Basis]:
        """What follows from the settings: a name, its formula, its unit."""
        last = "LastDay" if self.months else "MIN(LastDay,DataEnd)"
        if self.months:
            months = "(YEAR(LastDay)-YEAR(FirstDay))*12+MONTH(LastDay)-MONTH(FirstDay)+1"
            before = f"EDATE(FirstDay,-({months}))"
        else:
            before = f"FirstDay-({last}-FirstDay+1)"
        year = "EOMONTH(LastDay,-12)" if self.months else f"EDATE({last},-12)"
        none = 'IF(Ranged*ComparedWith=0,TRUE,FirstDay="")'
        return [
            Basis("Ranged", '=IF(FromDate="",IF(UntilDate="",0,1),1)', COUNT),
            Basis("RangeFrom", "=IF(Ranged=0,0,N(FirstDay))", VALUE),
            Basis("RangeUntil", f"=IF(Ranged=0,{LAST_OF_ALL},N(LastDay))", VALUE),
            Basis("DataFrom", blank_if(self.empty, self.known or self.begin), DATE),
            Basis("DataEnd", blank_if(self.empty, self.end), DATE),
            compared_with(book),
            Basis("ComparedFrom",
             blank_if(none, f"IF(ComparedWith=1,{before},EDATE(FirstDay,-12))"), DATE),
            Basis("ComparedUntil", blank_if(none, f"IF(ComparedWith=1,FirstDay-1,{year})"), DATE),
            Basis("RowsBefore", f'=IF(ComparedFrom="",0,{rebound(self.rows, self.bounds)})', COUNT),
            *comparable(book, until=self.bounds["RangeUntil"]),
        ]  # fmt: skip


def compared_with(book: Book) -> Basis:
    """The cell that says by a number what is compared with: 1 and 2 as in COMPARED_WITH, else 0."""
    cases = (
        (f"CompareWith={book.phrase(word)}", str(number))
        for number, word in enumerate((PREVIOUS, YEAR), start=1)
    )
    return Basis("ComparedWith", f"={ifs(cases, '0')}", COUNT)


def comparable(
    book: Book,
    first: str = "FirstDay",
    last: str = "LastDay",
    rows: str = "RowsInRange",
    until: str = "ComparedUntil",
) -> list[Basis]:
    """Whether figures are compared, and why not; by ComparedFrom, DataFrom and RowsBefore.

    `first` and `last` are the days that are shown, `rows` says how much of them there is, and
    `until` is the last day of those before whose rows count.
    """
    say = book.phrase
    shown = {"from": day_text(first), "until": day_text(last)}
    days = {"from": day_text("ComparedFrom"), "until": day_text(until)}
    chosen = say("Nothing is compared: choose above what to compare with.")
    whole = say(
        "To compare, set From or Until above: all the data are shown, and nothing is before them."
    )
    nothing = say("There are no data from {from} to {until}: change the days.", shown)
    begun = say(
        "Nothing to compare with: the data begin on {day}, and {from} to {until} would be needed.",
        {"day": day_text("DataFrom"), **days},
    )
    gap = say("Nothing to compare with: there are no data from {from} to {until}.", days)
    # Of days that are yet to come nothing is as old as what was before.
    ahead = say("Nothing to compare with: the days from {from} to {until} are yet to come.", shown)
    late = "DataFrom>ComparedFrom+(ComparedUntil-ComparedFrom+1)/10"
    why = ifs((
        ("ComparedWith=0", chosen), ("Ranged=0", whole), (f"{rows}=0", nothing),
        (f"{until}<ComparedFrom", ahead), (late, begun), ("RowsBefore=0", gap),
    ))  # fmt: skip
    return [
        Basis("NotCompared", blank_if(f'{first}=""', why), TEXT),
        Basis("Comparing", f'=IF({first}="",0,IF(NotCompared="",1,0))', COUNT),
    ]


def rebound(formula: str, names: Mapping[str, str]) -> str:
    """A formula with other names in it; texts, columns of tables and functions stay."""
    return NAMES.sub(lambda found: names.get(found[0], found[0]), formula)


# The figures of the period before


def figures_before(
    page: Page,
    top: int,
    left: int,
    figures: Iterable[Figure | Basis],
    wanted: Iterable[str],
    bounds: Mapping[str, str] = BOUNDS,
) -> int:
    """The wanted figures, and what they are computed from, of the period before.

    Each in a cell on the sheet Model, blank where nothing is compared. Returns the row below.
    """
    known = {figure.name: figure for figure in figures}
    names = dict(bounds)
    used: list[str] = []

    def follow(name: str) -> bool:
        """Whether a figure depends on the days; if so, it is computed, after what it needs."""
        if name in bounds or name in used:
            return True
        if name not in known:
            return False
        needs = [follow(one) for one in dict.fromkeys(NAMES.findall(known[name].formula))]
        if any(needs):
            used.append(name)
            names[name] = f"{name}Before"
        return any(needs)

    for name in wanted:
        follow(name)
    before = []
    for name in used:
        figure = known[name]
        formula = blank_if("Comparing=0", rebound(figure.formula, names))
        array = isinstance(figure, Basis) and figure.array
        before.append(Basis(names[name], formula, figure.unit, array))
    return put_basis(page, top, left, before)


class Breakdown(NamedTuple):
    """What a change can be owed to, such as channels: their names, and their parts of figures.

    `records` give {name} of each; `sums` are a figure's name and the formula of a part of it.
    """

    records: Sequence[Record]
    sums: Mapping[str, str]
    blank: str


def owed_to(
    page: Page,
    top: int,
    left: int,
    parts: Breakdown,
    figures: Mapping[str, Figure],
    wanted: Sequence[str],
    bounds: Mapping[str, str] = BOUNDS,
) -> dict[str, str]:
    """What each figure's change is mostly owed to: formulas of a name, or of "".

    Mostly: with this part as it was before, not half of the change would be left. The parts are
    written on the sheet Model, with the share of the change that goes with each.
    """
    none = f"IF(Comparing=0,TRUE,{parts.blank})"
    columns = [Measure("name", "{name}", KEY, blank=none, key="part")]
    for name, formula in parts.sums.items():
        columns += [
            Measure(name, formula, MONEY, blank='{part}=""', key=f"{name} now"),
            Measure(f"{name}Before", rebound(formula, bounds), MONEY, blank='{part}=""',
                    key=f"{name} before"),
        ]  # fmt: skip
    others = {name: f"({name}-{{{name} now}}+{{{name} before}})" for name in parts.sums}
    for name in wanted:
        formula = others.get(name) or rebound(figures[name].formula.removeprefix("="), others)
        change = f"({name}-{name}Before)"
        share = f"IF(ISNUMBER({formula}),({name}-{formula})/{change},0)"
        # What one of the periods does not have has not changed.
        none = f'IF({{part}}="",TRUE,IF({name}="",TRUE,IF({name}Before="",TRUE,{change}=0)))'
        columns.append(Measure(f"{name}Owed", share, RATE, blank=none, key=f"{name} owed"))
    page.sheet.set_column(left, left, 16)
    for place, measure in enumerate(columns):
        page.sheet.write_string(top, left + place, measure.header, page.styles.header())
    grid = put_grid(page, top, columns, parts.records, left=left, titled=False)
    names = grid.at("part")
    owed = {}
    for name in wanted:
        shares = grid.at(f"{name} owed")
        found = f"INDEX({names},MATCH(MAX({shares}),{shares},0))"
        owed[name] = f'IF(COUNT({shares})<2,"",IF(MAX({shares})<0.5,"",{found}))'
    return owed


# The first sheet


def key_figures(
    page: Page,
    row: int,
    shown: Sequence["Tile"],
    records: Sequence[Setting],
    groups: Mapping[str, Sequence[Figure]],
    *,
    meanings: float = 0,
    before_until: str = "ComparedUntil",
) -> tuple[int, int]:
    """A summary from the second column on: the range, tiles, sentences, figures, settings.

    The column of the meanings is as wide as the longest of them, and at least `meanings`; as it is
    where that is 0. `before_until` is the last day that is compared with. Returns the row of the
    first figures, and the one below all.
    """
    every = {figure.name: figure for figures in groups.values() for figure in figures}
    if meanings:
        texts = [one.meaning for one in records] + [one.meaning for one in every.values()]
        texts += [one.instead[1] for one in every.values() if one.instead]
        widen(page, 3, meanings, map(page.book.say, filter(None, texts)))
    band = 1, max(len(shown), 5)
    below = range_band(page, row, *band, RANGE_SETTINGS, before_until=before_until)
    below = tiles(page, below + 1, 1, shown, every)
    top = in_words(page, below + 1, (1, len(shown)), shown, every) + 1
    below = top - 1
    for heading, group in groups.items():
        below = put_figures(page, below + 1, 1, heading, group)
    return top, settings(page, below + 1, 1, records)


class Tile(NamedTuple):
    """A figure shown large: its name, which change is good, and the cells of its course.

    Without a direction no change is good or bad; one that is not `compared` has none. `mostly` is
    the formula of the name that the change is mostly owed to; without one the sentence does not
    say. `why`: what is said where others are compared, and this figure has none of one of the
    periods: conditions, each with its reason; the first that holds is said. `note` stands where
    the change would, of one that is not compared.
    """

    figure: str
    better: Literal["", "higher", "lower"] = ""
    course: str = ""
    mostly: str = ""
    why: Sequence[tuple[str, str]] = ()
    compared: bool = True
    note: str = ""


def with_courses(tiles: Iterable[Tile], courses: Grid, owed: Mapping[str, str] = {}) -> list[Tile]:
    """Tiles with the cells of their courses, and what their changes are mostly owed to."""
    return [
        tile._replace(
            course=tile.course and courses.at(tile.course), mostly=owed.get(tile.figure, "")
        )
        for tile in tiles
    ]


def settings_band(
    page: Page, row: int, column: int, records: Sequence[Setting], effects: Mapping[str, str]
) -> int:
    """Settings side by side: label, yellow cell, what is in effect where it is empty.

    `effects` are the formulas of the latter, by the settings' names. Returns the row below.
    """
    styles, book = page.styles, page.book
    page.sheet.set_row(row, 18)
    for place, setting in enumerate(records, start=column):
        page.write(row, place, setting.label, styles.lead(font_size=9, valign="bottom"))
        fixed = book.given and setting.name in book.given.fixed
        page.sheet.write_comment(row, place, book.say(FIXED if fixed else setting.meaning))
        put_setting(page, row + 1, place, setting)
        if setting.name in effects:
            look = styles.number(setting.unit, font_color=MUTED, font_size=9, align="right",
                                 valign="top")  # fmt: skip
            shown = f'=IF({setting.name}="",{effects[setting.name]},"")'
            page.put(row + 2, place, shown, look)
    page.sheet.set_row(row + 2, 14)
    return row + 3


def range_band(
    page: Page,
    row: int,
    column: int,
    last: int,
    records: Sequence[Setting],
    days: tuple[str, str] = ("FirstDay", "LastDay"),
    before_until: str = "ComparedUntil",
    effects: Mapping[str, str] = {},
) -> int:
    """The settings of a range, and in words what is shown, up to a column. Returns the row below.

    `days` are the first and the last one shown. Where a setting is empty, its formula in `effects`
    is shown; without these, days are in effect in this order.
    """
    dated = (setting.name for setting in records if setting.unit is DATE)
    shown_instead = effects or dict(zip(dated, days, strict=False))
    below = settings_band(page, row, column, records, shown_instead)
    first, until = (day_text(day) for day in days)
    shown = {"from": first, "until": until}
    before = {"before": day_text("ComparedFrom"), "end": day_text(before_until)}
    alone = page.book.phrase("{from} to {until}", shown)
    both = page.book.phrase("{from} to {until}, compared with {before} to {end}", shown | before)
    text = blank_if(f'{days[0]}=""', f"IF(Comparing=1,{both},{alone})")
    look = page.styles.label(indent=1, text_wrap=True, valign="top")
    page.sheet.merge_range(row + 1, column + len(records), row + 2, last, "", look)
    page.put(row + 1, column + len(records), text, look)
    return below


def tiles(
    page: Page, row: int, column: int, shown: Sequence[Tile], figures: Mapping[str, Figure]
) -> int:
    """The most important figures, large, side by side: value, change, course. Returns the row
    below."""
    styles = page.styles
    edge: dict[str, Any] = {"left": 5, "left_color": "#FFFFFF", "bg_color": WASH, "align": "center"}
    caption = styles.of(font_color=MUTED, top=5, top_color=BLUE, text_wrap=True, **edge)
    for place, tile in enumerate(shown, start=column):
        figure = figures[tile.figure]
        value = styles.number(figure.unit, bold=True, font_size=18, shrink=True, **edge)
        page.write(row, place, figure.label, caption)
        page.put(row + 1, place, f"={figure.name}", value)
        change_cell(page, row + 2, place, tile, edge)
        page.sheet.write_blank(row + 3, place, None, styles.of(**edge))
        if tile.course:
            sparkline(page, row + 3, place, tile.course, min=0)
    for down, height in enumerate((30, 32, 18, 26)):
        page.sheet.set_row(row + down, height)
    return row + 4


CHANGE = '"▲ +"0%;"▼ -"0%;"± "0%'


def change_cell(page: Page, row: int, column: int, tile: Tile, look: Mapping[str, Any]) -> None:
    """The change of a figure in whole percent, as its sentence says it, green or red.

    From 0 or less there is no percentage: only the direction is shown.
    """
    style = page.styles.of(CHANGE, bold=True, **look)
    if not tile.compared:
        noted = page.styles.of(font_color=MUTED, font_size=9, **look)
        page.sheet.write(row, column, tile.note and page.book.say(tile.note), noted)
        return
    now, before = tile.figure, f"{tile.figure}Before"
    direction = f'IF({now}>{before},"▲",IF({now}<{before},"▼",""))'
    change = f"IF({before}>0,ROUND({now}/{before}-1,2),{direction})"
    page.put(row, column, blank_if(missing(tile), change), style)
    cell = page.at(row, column).rpartition("!")[2].replace("$", "")
    for sign, rule in (("▲", "N({0})>0"), ("▼", "N({0})<0")) if tile.better else ():
        good = (sign == "▲") == (tile.better == "higher")
        criteria = f'OR({rule.format(cell)},{cell}="{sign}")'
        page.mark((row, column), criteria, {"font_color": GOOD if good else BAD})


def missing(tile: Tile) -> str:
    """The condition that a figure has no change.

    The figure of before is asked for last: LibreOffice computes a blank cell anew, and where kpi_xl
    is not there, what depends on an array is then #NAME?.
    """
    return f'IF(Comparing=0,TRUE,IF({tile.figure}="",TRUE,{tile.figure}Before=""))'


def in_words(
    page: Page, row: int, columns: tuple[int, int], shown: Sequence[Tile],
    figures: Mapping[str, Figure],
) -> int:  # fmt: skip
    """A sentence for each tile that has a change, or why there is none. Returns the row below."""
    first, last = columns
    section(page, row, first, last, "In words")
    style = page.styles.label()
    for place, tile in enumerate(one for one in shown if one.compared):
        phrase = sentence(page.book, tile, figures[tile.figure])
        why = ifs((condition, page.book.phrase(reason)) for condition, reason in tile.why)
        otherwise = f"IF(Comparing=1,{why},{'NotCompared' if place == 0 else literal('')})"
        row += 1
        page.put(row, first, f"=IF({missing(tile)},{otherwise},{phrase})", style)
    return row + 1


def sentence(book: Book, tile: Tile, figure: Figure) -> str:
    """The formula of what is said of a figure's change, and what it is mostly owed to."""
    # A function's name says what unit the values have; the label takes its place.
    functions = re.findall(r"([A-Z][A-Z_]*)\(", figure.formula)
    known = [one for one in functions if one in METRICS and METRICS[one].returns is figure.unit]
    label = book.phrase(figure.label)
    called = literal(known[0]) if known else label
    now, before = tile.figure, f"{tile.figure}Before"
    better = literal(tile.better) if tile.better else ""
    phrase = f"KPI_CHANGE_TEXT({called},{now},{before},{better},{LANGUAGE})"
    if known:
        phrase = f"SUBSTITUTE({phrase},{called},{label},1)"
    if not tile.mostly:
        return phrase
    # Of what is unchanged nobody is the cause.
    none = f"IF({before}>0,ABS({now}/{before}-1)<0.005,TRUE)"
    more = book.phrase("{sentence}, mostly {name}", {"sentence": phrase, "name": tile.mostly})
    return f'IF(IF({none},TRUE,{tile.mostly}=""),{phrase},{more})'


def day_text(day: str) -> str:
    """A date as text of digits; TEXT would have to know what the reader's Excel calls years."""
    month, of_month = (f'RIGHT("0"&{part}({day}),2)' for part in ("MONTH", "DAY"))
    return f'YEAR({day})&"-"&{month}&"-"&{of_month}'
