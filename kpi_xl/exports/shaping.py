"""From the rows of an export to the rows of a table: keep, count once, add up, reshape.

pandas does it, and is imported by what is called here alone. Whatever is left out is counted, and
told with its worth.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from kpi_xl.exports import cells as written
from kpi_xl.exports.layouts import Header, Layout, plain
from kpi_xl.exports.options import Options, money
from kpi_xl.exports.pages import text_of
from kpi_xl.exports.recognition import Match
from kpi_xl.exports.rows import Rows, rows_of
from kpi_xl.locales import Counted, Message, Names
from kpi_xl.locales.currencies import closer, contradict, currency_named, may_be_one
from kpi_xl.reference import did_you_mean
from kpi_xl.schema import Column
from kpi_xl.sources.currencies import MIXED, OTHER_SIGN
from kpi_xl.sources.grain import (
    GRAIN_WORDS,
    first_days,
    longer_than_days,
    longer_than_months,
    longer_than_weeks,
    says_days,
)
from kpi_xl.sources.records import Wrong
from kpi_xl.sources.values import typed
from kpi_xl.units import COUNT, DATE, KEY, LARGEST_ID, LOGICAL, MONEY, TEXT, Unit

THINGS = {"orders": Message("order"), "leads": Message("lead"), "rows": Message("row")}

UNCONFIRMED = Message(
    "the headers of such files are not confirmed: compare the figures with the vendor's own"
)

DAYWISE = Message("export it by day")

NOUNS = {"Orders": "orders", "Leads": "leads"}
"""What the rows of a table are called."""

NUMBERS = {"Orders": "order", "Leads": "lead_id"}
"""The columns that say which row of a table is which."""

BESIDE: dict[str, Unit] = dict.fromkeys(
    ("total", "paid", "refunded", "adjusted", "outstanding", "tax", "shipping", "quantity", "price",
     "won_value"), MONEY
) | dict.fromkeys(
    ("day", "week", "month", "date", "start", "end", "until", "entered", "close", "started",
     "ended", "canceled", "period_start", "period_end", "trial_end", "created"),
    DATE,
) | {"results": COUNT}  # fmt: skip
"""Columns that are no table's, but make one; those that are not here are texts."""


@dataclass
class Reading:
    """What a file gave for a table: a frame of its columns, and what is to be told.

    The frame has `_row` (the row in the file), `_currency` and, of orders on several lines, one
    row an order.
    """

    match: Match
    table: str
    frame: Any
    lines: int
    period: str = ""
    used: str = ""
    left: list[Message] = field(default_factory=list)
    faults: list[Message] = field(default_factory=list)
    grain: str = "day"
    into: str = ""
    """The table that it is to fill, where that is another."""
    numbers: set[Any] = field(default_factory=set)
    """The numbers of the orders or leads that the file has."""
    out: set[Any] = field(default_factory=set)
    """Those of them that do not count."""
    refunded_here: set[Any] = field(default_factory=set)
    """The numbers of orders that the file gives money back for, and has not."""


def shaped(
    match: Match,
    table: str,
    columns: Sequence[Column],
    options: Options,
    *,
    into: str = "",
) -> Reading:
    """The rows of a match, as the table wants them; faults are all that is in the way.

    `into` is the table that they go to in the end, whose rows may be months or weeks.
    """
    import pandas as pd

    layout, header = match.layout, match.header
    units = {column.name: column.unit for column in columns}
    places, faults = _places(match, options)
    match = match._replace(places=places)
    unit_of = {name: units.get(name) or BESIDE.get(name, KEY) for name in places}
    measured = [name for name, unit in unit_of.items() if unit not in (DATE, KEY, TEXT, LOGICAL)]
    dated = [name for name, unit in unit_of.items() if unit is DATE]
    # In a vendor's file without days, and in a table that has none, a total cannot be told.
    has_days = bool(dated) if layout.file else DATE in units.values()
    rows = rows_of(match, places, measured, dated if has_days else None)
    reading = Reading(match, table, None, len(rows.numbers), into=into or table)
    reading.faults += [*faults, *rows.faults]
    if not rows.numbers:
        reading.faults.append(Message("has no rows of data under its header"))
        return reading
    reading.faults += _years_given(match, rows)
    frame = pd.DataFrame({"_row": rows.numbers})
    signs = _typed(frame, match, rows, unit_of, measured, dated, options, reading)
    if (into or table) == "Ads":
        reading.faults += _months_for_days(match, rows)
    if reading.faults:
        return reading
    reading.left += rows.remarks
    if layout.unconfirmed:
        reading.left.append(UNCONFIRMED)
    for name, worth in _worths(frame, match, places, units).items():
        frame[f"{WORTH}{name}"] = worth
    _prove(rows, frame, layout, header, units, measured, options, reading)
    frame = _seamed(frame, rows, reading)
    frame["_currency"] = _currency(frame, match, signs, options, reading)
    number = NUMBERS.get(table, "")
    if number in frame:
        reading.numbers = set(frame[number][_says_its_own(frame, layout)].dropna())
    noun = NOUNS.get(table, "rows")
    frame = _chosen(frame, layout, options, places, noun, reading)
    frame = _amounts(frame, layout, options, noun, reading)
    if (into or table) == "Orders" and "customer" in frame:
        nobody = frame["customer"].isna()
        tell_left(frame[nobody], Message("without a {column}", column="customer"), noun, reading)
        frame = frame[~nobody]
    frame = _results(frame, options, places, reading)
    frame = _staged(frame, layout, places, reading)
    for name, value in layout.constants.items():
        constant = _constant(value, units.get(name), name, reading)
        said = frame[name].map(_text) if name in places and name in frame else None
        frame[name] = constant if said is None else frame[name].where(said != "", constant)
    for name, value in options.set.items():
        if name in units:
            frame[name] = _constant(value, units[name], name, reading)
    if "to" not in layout.join:
        frame = _dated(frame, match, units, reading, of_months=into in ("Months", "Spend"))
        _tell_periods(frame, match, into or table, reading)
    if reading.faults:
        return reading
    if reading.numbers and not options.where:  # whoever says which rows count means so
        reading.out = reading.numbers - set(frame[number])
    sums = layout.sum
    if sums and len(frame):
        frame = _summed(frame, [name for name in sums if name in frame], units)
    reading.frame = frame
    return reading


# Columns


def _places(match: Match, options: Options) -> tuple[dict[str, int], list[Message]]:
    """Where each column is, as the user says it and then as the layout does."""
    faults = []
    by_name: dict[str, list[int]] = {}
    for place, text in enumerate(match.headers):
        by_name.setdefault(plain(text), []).append(place)
    places = dict(match.places)
    for ours in match.doubled:
        faults.append(
            Message(
                'has more than one column "{column}": rename one',
                column=match.headers[places[ours]],
            )
        )
    for theirs, ours in options.renamed.items():
        if found := by_name.get(plain(theirs)):
            for name in [n for n, place in places.items() if place == found[0] and n != ours]:
                del places[name]
            places[ours] = found[0]
        else:
            near = did_you_mean(theirs, match.headers)
            faults.append(Message('has no column "{theirs}"{near}', theirs=theirs, near=near))
    for theirs in (*options.where, *([options.once] if options.once else [])):
        if theirs in places:
            continue
        if found := by_name.get(plain(theirs)):
            places.setdefault(f"={plain(theirs)}", found[0])
        else:
            faults.append(
                Message(
                    'has no column "{theirs}"{near}',
                    theirs=theirs,
                    near=did_you_mean(theirs, match.headers),
                )
            )
    for name in match.layout.constants:
        # Who has a column of channels beside a vendor's headers has them of several vendors.
        if name not in places and plain(name) in by_name:
            places[name] = by_name[plain(name)][0]
    layout = match.layout
    choosing = {
        *layout.keep,
        *layout.drop,
        *layout.refunds,
        layout.once,
    }  # which rows count, the file says still
    for ours in options.set:
        if ours not in choosing:
            places.pop(ours, None)
    first = match.layout.amount.partition(" ")[0]
    if first and "amount" in options.renamed.values() and first not in places:
        places[first] = places.pop("amount")  # what the layout takes for it, or in its stead
    if layout_columns := {**layout.keep, **layout.drop, **layout.refunds}:
        for name in layout_columns:
            if name not in places and plain(name) in by_name:
                places[name] = by_name[plain(name)][0]
    return places, faults


def _typed(
    frame: Any,
    match: Match,
    rows: Rows,
    unit_of: Mapping[str, Unit],
    measured: Sequence[str],
    dated: Sequence[str],
    options: Options,
    reading: Reading,
) -> dict[str, list[str]]:
    """The cells as numbers, dates and texts in the frame; the currencies that cells name."""
    layout, header = match.layout, match.header
    blanks = tuple(text.strip().lower() for text in layout.blank)
    raw = rows.cells
    read = written.numbers(
        {name: raw[name] for name in measured},
        unit_of,
        options.numbers or header.numbers or layout.numbers,
        certain=bool(options.numbers),
        blanks=blanks,
    )
    hint = options.dates or header.dates or layout.dates
    days = written.dates(
        {name: raw[name] for name in dated},
        "" if hint == "jalali" else hint,
        certain=bool(options.dates),
        calendar="jalali" if "jalali" in (hint, layout.calendar) else "gregorian",
        blanks=blanks,
    )
    seen: set[tuple[str, str]] = set()
    for fault in (*read.faults, *days.faults):
        kind = fault.column, fault.sentence[-20:]
        if kind in seen:
            continue
        seen.add(kind)
        row, name, at = _place_of(fault.column, fault.at, match, rows)
        sentence = fault.sentence
        if sentence.endswith("other marks than the others"):
            sentence = _other_marks(fault, match, rows)
        reading.faults.append(
            Message(
                'row {row}, column "{name}"{at}: {sentence}',
                row=row,
                name=name,
                at=at,
                sentence=sentence,
            )
        )
    for name, column in read.columns.items():
        frame[name] = column
        frame[name] = frame[name].astype("float64")
    for name, moments in days.columns.items():
        frame[name] = _objects(moments)
    if {"start", "until"} <= days.columns.keys():
        if _of_days(raw["until"], days.columns["start"], days.columns["until"]):
            ends = days.columns["start"]
        else:
            ends = list(map(_last_day, raw["until"], frame["start"], frame["until"]))
        frame["end"] = _objects(ends)
    for name, unit in unit_of.items():
        if name in read.columns or name in days.columns:
            continue
        distinct = list(dict.fromkeys(raw[name]))
        cells = [
            None if isinstance(cell, str) and cell.strip().lower() in blanks else _unwrapped(cell)
            for cell in distinct
        ]
        try:
            values, _ = typed(
                cells, unit if unit in (TEXT, LOGICAL) else KEY, _told_apart(match, name)
            )
        except Wrong as wrong:
            row = rows.numbers[raw[name].index(distinct[cells.index(wrong.cell)])]
            reading.faults.append(
                Message(
                    'row {row}, column "{name}"{at}: {sentence}',
                    row=row,
                    name=name,
                    at="",
                    sentence=wrong,
                )
            )
            continue
        known = dict(zip(distinct, values, strict=True))
        frame[name] = _objects(list(map(known.__getitem__, raw[name])))
    return read.signs


_MIDNIGHT = re.compile(
    r".*[T ](?:0?0:00(?::00(?:\.0+)?)?(?:Z| ?[+-]\d\d:?\d\d)?|12:00(?::00)? ?[Aa][Mm])"
)


def _last_day(cell: Any, start: date | None, until: date | None) -> date | None:
    """The last day of what lasts until a moment: until midnight, it is the day before."""
    if not (start and until and until > start and _MIDNIGHT.fullmatch(str(cell).strip())):
        return until
    return until - timedelta(days=1)


def _of_days(
    cells: Sequence[Any], starts: Sequence[date | None], untils: Sequence[date | None]
) -> bool:
    """Whether rows that end on the day after they start, without a time, are a day each.

    They are where one starts when another ends: of two days, both would have the second.
    """
    one = timedelta(days=1)
    lasting = [(a, b) for a, b in zip(starts, untils, strict=True) if a and b]
    return (
        all(b - a == one for a, b in lasting)
        and not {a for a, _ in lasting}.isdisjoint(b for _, b in lasting)
        and not any(":" in str(cell) for cell in cells)
    )


def _told_apart(match: Match, name: str) -> float:
    """Up to which whole number the kind of a column keeps each apart."""
    place = str(match.places.get(name, ""))
    return min((found.told_apart.get(place, LARGEST_ID) for found in match.page.found),
               default=LARGEST_ID)  # fmt: skip


def _place_of(column: str, at: int, match: Match, rows: Rows) -> tuple[int, str, str]:
    """The row of a cell in the file, what the file calls its column, its address in a workbook."""
    place, row = match.places.get(column, 0), rows.numbers[at]
    name = match.headers[place] if column in match.places else column.lstrip("=")
    return row, name, match.page.at(row, place)


def _other_marks(fault: written.Fault, match: Match, rows: Rows) -> Message:
    """Which cell a number with other marks disagrees with, and what to do."""
    text = (
        "{sentence}: write all numbers of the file in one way, or say which one is right, as in"
        ' --numbers "1.234,5" or "1,234.5"'
    )
    if not fault.against:
        return Message(text, sentence=fault.sentence)
    column, at, other = fault.against
    row, name, address = _place_of(column, at, match, rows)
    text = (
        '"{text}" has other marks than "{other}" in row {row}, column "{name}"{at}: write all'
        " numbers of the file in one way, or say which one is right, as in"
        ' --numbers "1.234,5" or "1,234.5"'
    )
    shown = fault.sentence.fields["text"]
    return Message(text, text=shown, other=other, row=row, name=name, at=address)


def _unwrapped(cell: Any) -> Any:
    """The number of an order without the formula that keeps its digits: ="1001"."""
    if isinstance(cell, str) and cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1]
    return cell.strip("\t") if isinstance(cell, str) else cell


def _objects(values: Sequence[Any]) -> Any:
    import numpy as np
    import pandas as pd

    array = np.empty(len(values), dtype=object)
    array[:] = values
    return pd.Series(array, dtype=object)


def _constant(value: str, unit: Unit | None, name: str, reading: Reading) -> Any:
    """A value for all rows."""
    if unit in (None, KEY, TEXT, LOGICAL):
        return value
    if not value:
        return None
    if unit is DATE:
        day = written.day_of(value, "ymd")
        if day is None:
            reading.faults.append(
                Message(
                    "--set {name}={value}: write the date as 2024-01-31", name=name, value=value
                )
            )
        return day
    amount = written.amount_of(value)
    found = None if amount is None else written.value_of(amount.body, ",", ".")
    if amount is None or found is None:
        reading.faults.append(
            Message("--set {name}={value}: write the number as 1234.5", name=name, value=value)
        )
        return None
    return -found if amount.negative else found


# Totals


def _prove(
    rows: Rows,
    frame: Any,
    layout: Layout,
    header: Header,
    units: Mapping[str, Unit],
    measured: Sequence[str],
    options: Options,
    reading: Reading,
) -> None:
    """Compare the file's own totals with its rows: in the parts of a file joined to one, each."""
    proves = layout.totals.proves if layout.totals else None
    compared = [total for total in rows.totals if proves is None or proves.fullmatch(total[1])]
    if not rows.totals:
        return
    mixed = "currency" in frame and frame["currency"].nunique() > 1
    agreed, worth = 0, ""
    if rows.parts or mixed:
        compared = []
    width = len(reading.match.headers)
    for number, _, cells in compared:
        if cells["_width"] != width:
            continue  # its cells stand under other headers than their own
        read = written.numbers(
            {name: [*rows.cells[name], cells[name]] for name in measured if name in units},
            units,
            options.numbers or header.numbers or layout.numbers,
            certain=bool(options.numbers),
        )
        agrees = False
        for name, column in read.columns.items():
            total = column[-1]
            if total is None or frame[name].notna().sum() == 0:
                continue
            summed = float(frame[name].sum())
            allowed = _rounding([str(cell) for cell in rows.cells[name]], len(frame))
            if abs(summed - total) > allowed + 1e-9 * abs(total):
                theirs = reading.match.headers[reading.match.places[name]]
                reading.faults.append(
                    Message(
                        'row {number}: its total of "{theirs}" is {total}, but the rows come to'
                        " {summed}: rows are missing or were changed; export it again",
                        number=number,
                        theirs=theirs,
                        total=f"{total:,.15g}",
                        summed=f"{summed:,.15g}",
                    )
                )
            else:
                agrees = True
                if not worth and units.get(name, TEXT).name == MONEY.name:
                    worth = money(total)
        agreed += agrees
    if agreed:
        text = "1 total agrees" if agreed == 1 else "{totals} agree"
        agree = Message(text, totals=Counted(agreed, "totals"))
        reading.left.append(
            Message("{agree}: {worth}", agree=agree, worth=worth) if worth else agree
        )
    if others := len(rows.totals) - agreed:
        reading.left.append(Message("{lines} of totals left out", lines=Counted(others, "lines")))


def _rounding(texts: Sequence[str], number: int) -> float:
    """How far a sum of rounded numbers may be from the rounded sum."""
    decimals = 0
    for text in texts[:5000]:
        match = re.search(r"[.,](\d{1,2})\D*$", text)
        if match:
            decimals = max(decimals, len(match[1]))
    if not decimals:
        return 0.0
    return float(0.5 * 10.0**-decimals * (1 + 2 * number**0.5))


def _seamed(frame: Any, rows: Rows, reading: Reading) -> Any:
    """The rows of files joined to one: a part that is wholly in those before it counts once."""
    import pandas as pd

    if not rows.parts:
        return frame
    edges = [0, *rows.parts, len(frame)]
    parts = [frame.iloc[a:b] for a, b in pairwise(edges) if b > a]
    kept: list[Any] = []
    seen: set[tuple[Any, ...]] = set()
    left = 0
    for part in parts:
        values = [tuple(map(str, row)) for row in part.drop(columns="_row").itertuples(index=False)]
        new = [value not in seen for value in values]
        left += len(new) - sum(new)
        kept.append(part[new])
        seen |= set(values)
    if left:
        text = "{rows} of files joined to one that stood there before"
        reading.left.append(Message(text, rows=Counted(left, "rows")))
    return pd.concat(kept, ignore_index=True)


# Currency


def _currency(
    frame: Any,
    match: Match,
    signs: Mapping[str, list[str]],
    options: Options,
    reading: Reading,
) -> Any:
    """The currency of each row, "" where nothing says it; signs in its cells must agree."""
    import pandas as pd

    known = _named_above(match, options)
    named = pd.Series(known, index=frame.index, dtype=object)
    if "currency" in frame:
        codes = frame["currency"].fillna("").map(lambda code: currency_named(str(code)))
        # A line of an order whose own columns stand on its first line alone has none.
        named = codes.where(codes != "", named)
    written = _signs(frame, match, signs, reading)
    if not reading.faults:
        reading.faults += _contradictions(named, written)
    return named.where(named != "", written.map(currency_named))


def _named_above(match: Match, options: Options) -> str:
    """The currency that the layout, a header or the lines above it name, else the user, or ""."""
    known = match.layout.currency
    for name, named in match.header.columns.items():
        if named.pattern and "currency" in named.pattern.groupindex and name in match.places:
            found = named.found(match.headers[match.places[name]])
            if found and found["currency"]:
                known = known or currency_named(found["currency"])
    pattern = match.layout.preamble.get("currency")
    if pattern and not known:
        for row in match.page.head[: match.row]:
            found = pattern.search(" ".join(text_of(row)).strip())
            if found:
                named_there = "currency" in pattern.groupindex
                return currency_named(found["currency"] if named_there else found[1])
    return known or options.currency


def _contradictions(named: Any, signs: Any) -> list[Message]:
    """The faults of amounts whose sign is of another currency than what names theirs."""
    pairs = sorted(set(zip(named, signs, strict=True)))
    return [Message(OTHER_SIGN, currency=c, sign=sign) for c, sign in pairs if contradict(c, sign)]


def _signs(frame: Any, match: Match, by_name: Mapping[str, list[str]], reading: Reading) -> Any:
    """The sign in the cells of each row: of one currency, or it is a fault."""
    import pandas as pd

    signs = pd.Series("", index=frame.index, dtype=object)
    told: dict[str, str] = {}
    for name, column in by_name.items():
        if len(column) != len(frame):
            continue
        theirs = pd.Series(column, index=frame.index, dtype=object)
        header = match.headers[match.places[name]] if name in match.places else name
        told[header] = ", ".join(filter(None, dict.fromkeys(map(currency_named, column))))
        both = (signs != "") & (theirs != "")
        pairs = set(zip(signs[both], theirs[both], strict=True))
        if not all(may_be_one(*pair) for pair in pairs):
            what = (Message("{column} is {sums}", column=c, sums=sign) for c, sign in told.items())
            reading.faults.append(Message(MIXED, what=Names(tuple(what), "; ")))
            break
        signs = pd.Series(list(map(closer, signs, theirs)), index=frame.index, dtype=object)
    return signs


# Rows


NOT_YET = re.compile(
    r"pending|hold|process|open|unpaid|authori[sz]|draft|await|wait|ausstehend|wartend|offen"
    r"|attente|pendiente|attesa|pendente|ожида|待|未付|در انتظار",
    re.IGNORECASE,
)
"""Orders that may count in a later file."""


def _says_its_own(frame: Any, layout: Layout) -> Any:
    """Which rows are what their number says, for good.

    Of an order that waits, or is of nobody here, a later file may say otherwise; what was given
    back, or a fee, may have the number of an order that is in another file.
    """
    own = frame["_row"] > 0
    if "status" in frame:
        own &= ~frame["status"].map(lambda cell: bool(NOT_YET.search(_text(cell))))
    if "customer" in frame:
        own &= frame["customer"].notna()
    for name, values in layout.refunds.items():
        if name in frame:
            own &= ~_are(frame, name, (*values, *layout.drop.get(name, ())))
    return own


def _chosen(
    frame: Any,
    layout: Layout,
    options: Options,
    places: Mapping[str, int],
    noun: str,
    reading: Reading,
) -> Any:
    """The rows that count, an order once.

    The columns of an order may stand on its first line alone: its lines are one row before any is
    chosen. Of a list of payments each row says what it is.
    """
    if not layout.refunds:
        frame = _once(frame, layout, options, places, noun, reading)
    overruled: set[str] = set()
    for theirs, values in options.where.items():
        name = theirs if theirs in frame else f"={plain(theirs)}"
        same = {n for n, place in places.items() if place == places.get(name)}
        overruled |= same
        back = [value for one in same for value in layout.refunds.get(one, ())]
        fits = _are(frame, name, [*values, *back])
        tell_left(frame[~fits], Message("with another {column}", column=theirs), noun, reading)
        frame = frame[fits]
    things = "rows" if layout.refunds else noun
    for name, values in layout.drop.items():
        if name in frame and name not in overruled:
            frame = _dropped(frame, name, values, things, reading)
    for name, values in layout.keep.items():
        if name not in frame and not options.where and _expected(name, reading.match):
            text = "no column of {column}: all {things} count"
            reading.left.append(Message(text, column=name, things=Counted(len(frame), things)))
        if name in frame and name not in overruled:
            known = [*values, *layout.refunds.get(name, ())]
            frame = _kept(frame, name, known, layout, places, things, reading)
    if layout.refunds:
        frame = _without_refunds(frame, layout, places, reading)
        frame = _once(frame, layout, options, places, noun, reading)
    return frame


def _expected(name: str, match: Match) -> bool:
    """Whether such a file has a column: some forms of it have none, as all their rows are alike."""
    headers = [one.columns for one in match.layout.headers if name in one.columns]
    return not headers or name in match.header.columns


def _are(frame: Any, name: str, values: Iterable[str]) -> Any:
    """Which rows have one of these values in a column."""
    wanted = {value.strip().casefold() for value in values}
    return frame[name].map(lambda cell: _text(cell).casefold()).isin(wanted)


def _dropped(frame: Any, name: str, values: Sequence[str], noun: str, reading: Reading) -> Any:
    """The rows without those that have one of these values."""
    texts = frame[name].map(lambda cell: _text(cell).casefold())
    if values == ("*",):
        out = texts != ""
        tell_left(frame[out], name, noun, reading)
    else:
        out = texts.isin({value.casefold() for value in values})
        for value, group in frame[out].groupby(texts[out], sort=True):
            why = str(value) or Message("without a {column}", column=name)
            tell_left(group, why, noun, reading)
    return frame[~out]


def _kept(
    frame: Any,
    name: str,
    values: Sequence[str],
    layout: Layout,
    places: Mapping[str, int],
    noun: str,
    reading: Reading,
) -> Any:
    """The rows that have one of these values; others are a fault where some are named to go."""
    texts = frame[name].map(lambda cell: _text(cell).casefold())
    strange = ~texts.isin({value.casefold() for value in values})
    if name not in layout.drop:
        for value, group in frame[strange].groupby(texts[strange], sort=True):
            why = Message("without a {column}", column=name)
            if value:
                stated = _text(group[name].iloc[0])
                why = Message("with {column} {value}", column=name, value=stated)
            tell_left(group, why, noun, reading)
        return frame[~strange]
    if strange.any():
        theirs = reading.match.headers[places[name]]
        known = dict.fromkeys(_text(value) or "(blank)" for value in frame[name][strange])
        reading.faults.append(
            Message(
                'row {row}, column "{theirs}": nobody knows whether rows with {values}'
                ' count: say which do, as in --where "{theirs}={first}"',
                row=int(frame["_row"][strange].iloc[0]),
                theirs=theirs,
                values=", ".join(known)[:120],
                first=next((text for text in map(_text, frame[name]) if text), ""),
            )
        )
    return frame


# Refunds in rows of their own


def _without_refunds(
    frame: Any, layout: Layout, places: Mapping[str, int], reading: Reading
) -> Any:
    """The orders of a list of payments: refunds taken off those that they name, or below 0."""
    ((name, values),) = layout.refunds.items()
    total = layout.amount.split()[0]
    if name not in frame or total not in frame:
        return frame
    back = _are(frame, name, values)
    refunds, orders = frame[back], frame[~back]
    paid = orders[total].fillna(0.0) < 0
    tell_left(orders[paid], Message("paid to others"), "rows", reading)
    orders = orders[~paid]
    if "reference" in reading.match.header.columns:
        return _taken_off(orders, refunds, total, places, reading)
    frame = frame[back | frame.index.isin(orders.index)]
    below = [one for one in (total, *layout.net.split(" + ")) if one in frame]
    return frame.assign(**{one: frame[one].where(~back, -frame[one].abs()) for one in below})


def _taken_off(
    orders: Any, refunds: Any, total: str, places: Mapping[str, int], reading: Reading
) -> Any:
    """Orders with what was given back for them, which stands in rows that name them."""
    lacking = next((name for name in ("order", "reference") if name not in refunds), "")
    unnamed = refunds["_row"] > 0 if lacking else refunds["reference"].isna()
    if unnamed.any():
        text = (
            "row {row} gives money back, and does not say for which {thing}: export {column}, too"
        )
        row = int(refunds["_row"][unnamed].iloc[0])
        column = reading.match.header.columns[lacking or "reference"]
        reading.faults.append(Message(text, row=row, thing=THINGS["orders"], column=str(column)))
        return orders
    if lacking:
        return orders
    # Of several items a line has the amount, and the items' lines have none.
    sums = refunds.groupby(["reference", "_currency"], sort=False)[total].sum(min_count=1)
    given = {key: -worth for key, worth in sums.items()}
    taken = list(zip(orders["order"], orders["_currency"], strict=True))
    _tell_others(refunds, given, taken, reading)
    orders = orders.assign(refunded=[given.get(key, 0.0) for key in taken])
    orders["refunded"] = orders["refunded"].clip(lower=0.0)
    orders[total] = orders[total].where(orders["refunded"].notna())  # nobody knows what was kept
    unsaid = _are_refunded(orders) & (orders["refunded"] == 0)
    if unsaid.any():
        text = (
            'row {row}, column "{theirs}": it is {status}, and no row says how much went back:'
            " export the days until now, too"
        )
        first, theirs = orders[unsaid].iloc[0], reading.match.headers[places["status"]]
        status = _text(first["status"])
        reading.faults.append(Message(text, row=int(first["_row"]), theirs=theirs, status=status))
    return orders


def _tell_others(
    refunds: Any,
    given: Mapping[tuple[Any, str], float],
    taken: Sequence[tuple[Any, str]],
    reading: Reading,
) -> None:
    """Tell of refunds of orders that the file has not; of one in another currency it is a fault."""
    orders = {order for order, _ in taken}
    others = {key: worth for key, worth in given.items() if key not in {*taken}}
    for order, code in others:
        if order in orders:
            text = (
                "row {row} gives back {currency} for the {thing} {key}, which was paid in another"
                " currency: write both in one currency"
            )
            row = int(refunds["_row"][refunds["reference"] == order].iloc[0])
            thing, number = THINGS["orders"], _text(order)
            fault = Message(text, row=row, currency=code, thing=thing, key=number)
            reading.faults.append(fault)
            return
    elsewhere = {key: worth for key, worth in others.items() if key[0] not in reading.numbers}
    if elsewhere:
        text = "refunds of {orders} not among these ({worth})"
        known = (worth for worth in elsewhere.values() if worth == worth)
        count = Counted(len(elsewhere), "orders")
        reading.left.append(Message(text, orders=count, worth=money(sum(known))))
        reading.refunded_here = {order for order, _ in elsewhere}


def _are_refunded(orders: Any) -> Any:
    """Which orders have a status that says that money went back."""
    if "status" not in orders:
        return orders["_row"] < 0
    return orders["status"].map(lambda cell: bool(REFUNDED.search(_text(cell))))


def _text(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell).strip()


def _once(
    frame: Any,
    layout: Layout,
    options: Options,
    places: Mapping[str, int],
    noun: str,
    reading: Reading,
) -> Any:
    """One row for each value of a column; the first of its lines that has a cell gives it."""
    once = layout.once
    if options.once:
        once = options.once if options.once in frame else f"={plain(options.once)}"
    if not once or once not in frame:
        return frame
    keys = frame[once]
    if keys.isna().any():
        row = int(frame["_row"][keys.isna()].iloc[0])
        reading.faults.append(
            Message(
                "row {row} has no {column}, so that nobody knows which of the {noun} it belongs to",
                row=row,
                column=once.lstrip("="),
                noun=noun,
            )
        )
        return frame
    if keys.is_unique:
        return frame
    codes, _ = keys.factorize()
    import pandas as pd

    first = frame.groupby(codes, sort=False).first()
    for name in frame.columns:
        if name in ("_row", "_currency", once) or name.startswith(WORTH):
            continue
        column = frame[name]
        whole = pd.Series(first[name].to_numpy()[codes], index=frame.index)
        other = column.notna() & (column != whole)
        if other.any():
            at = int(other.to_numpy().argmax())
            theirs = reading.match.headers[places[name]] if name in places else name
            reading.faults.append(
                Message(
                    'row {row}, column "{theirs}": {thing} {key} has {one} here and {other} above',
                    row=int(frame["_row"].iloc[at]),
                    theirs=theirs,
                    thing=THINGS[noun],
                    key=_text(keys.iloc[at]),
                    one=_text(column.iloc[at]),
                    other=_text(whole.iloc[at]),
                )
            )
    more = len(frame) - len(first)
    text = (
        "{lines} belong to the {thing} above" if more > 1 else "1 line belongs to the {thing} above"
    )
    reading.left.append(Message(text, lines=Counted(more, "lines"), thing=THINGS[noun]))
    return first.reset_index(drop=True)


def tell_left(rows: Any, why: str, noun: str, reading: Reading) -> None:
    """Tell of rows that are left out how many they are, why, and what they are worth."""
    if not len(rows):
        return
    things = Counted(len(rows), noun)
    if worth := _worth_of(rows):
        reading.left.append(
            Message("{things} {why} ({worth})", things=things, why=why, worth=worth)
        )
    else:
        reading.left.append(Message("{things} {why}", things=things, why=why))


# Amounts


WORTH = "_worth "
"""What the columns begin with that say what rows are worth; then the file's header, of several."""


def _worths(
    frame: Any, match: Match, places: Mapping[str, int], units: Mapping[str, Unit]
) -> dict[str, Any]:
    """What rows are worth that are left out: before refunds, of several lines the whole.

    Costs and revenue are no sum: where a table has several columns of money, each is named.
    """
    amount = match.layout.amount
    factors = amount.split(" * ") if " * " in amount else []
    if factors and all(name in frame for name in factors):
        return {"": frame[factors].prod(axis=1, skipna=False)}
    for name in ("total", "amount"):
        if name in frame:
            return {"": frame[name]}
    moneys = [name for name, unit in units.items() if name in frame and unit.name == MONEY.name]
    if len(moneys) == 1:
        return {"": frame[moneys[0]]}
    return {match.headers[places[name]]: frame[name] for name in moneys}


def _worth_of(rows: Any) -> str:
    """What some rows are worth, as it is told; nothing where no cell says it."""
    known = [name for name in rows if name.startswith(WORTH) and rows[name].notna().any()]
    worths = ((name.removeprefix(WORTH), money(float(rows[name].sum()))) for name in known)
    return ", ".join(f"{name} {worth}".strip() for name, worth in worths)


def _amounts(frame: Any, layout: Layout, options: Options, noun: str, reading: Reading) -> Any:
    """The amount of each row, from the columns that make it."""
    if not layout.amount:
        if options.net:
            reading.faults.append(Message("has no tax and shipping that --net could take off"))
        return frame
    words = layout.amount.split()
    first, rest = words[0], list(zip(words[1::2], words[2::2], strict=True))
    if first not in frame:
        return frame
    if "refunded" in words and "refunded" not in frame and not options.where:
        reading.faults += _refunds_unknown(frame, reading)
    frame = _of_one_currency(frame.copy(), first)
    amount, back = frame[first], _sent_back(frame, words)
    whole = (back > 0) & (back >= amount.fillna(0.0).abs() - 0.005)
    if "amount" in frame:  # the user says which column it is
        amount = frame["amount"]
        if _is_kept(amount, frame[first] - back, back, first, options, reading):
            back, rest = back * 0.0, []
        else:
            whole = (back > 0) & (back >= amount.fillna(0.0).abs() - 0.005)
    for sign, name in rest:
        if name in frame:
            amount = _with(amount, sign, name, frame[name], reading)
    tell_left(frame[whole], Message("wholly refunded"), noun, reading)
    if part := float(back[~whole].sum()):
        reading.left.append(Message("{worth} refunded", worth=money(part)))
    frame, amount = frame[~whole].copy(), amount[~whole]
    if options.net:
        taken = [name for name in layout.net.split(" + ") if name in frame]
        if not taken:
            reading.faults.append(Message("has no tax and shipping that --net could take off"))
        for name in taken:
            amount = amount - frame[name].fillna(0.0)
            taken_off = money(float(frame[name].sum()))
            reading.left.append(Message("{worth} of {column}", worth=taken_off, column=name))
    frame["amount"] = amount.round(10)
    blank = int(frame["amount"].isna().sum())
    if 0 < blank < len(frame):  # where all are, the file has none
        text = "{rows} without an amount, which count, but for no revenue"
        reading.left.append(Message(text, rows=Counted(blank, "rows")))
    return frame


def _of_one_currency(frame: Any, total: str) -> Any:
    """Orders whose refunds are in the currency of the total, if they were written in another."""
    if "refunded" in frame and "paid" in frame:
        rate = (frame[total] / frame["paid"]).where(frame["paid"] != 0, 1.0)
        back = frame["refunded"] * rate
    elif "refunded" in frame and "adjusted" in frame:
        back = frame[total] - frame["adjusted"]
    else:
        return frame
    some = frame["refunded"].fillna(0.0) != 0
    frame["refunded"] = back.where(some, 0.0).round(10)
    frame[total] = frame[total].where(~some | back.notna())  # nobody knows what was kept
    return frame


def _sent_back(frame: Any, words: Sequence[str]) -> Any:
    """What was refunded of each order; some write it with a minus."""
    if "refunded" in words and "refunded" in frame:
        return frame["refunded"].fillna(0.0).abs()
    return frame[words[0]] * 0.0


def _with(amount: Any, sign: str, name: str, column: Any, reading: Reading) -> Any:
    """Amounts, and a column that is taken off them, added or multiplied."""
    if sign == "*":
        return amount * column
    column = column.fillna(0.0)
    if name == "refunded":
        column = column.abs()
    if name == "outstanding":  # below 0 it is what the shop has still to pay back
        column = column.clip(lower=0.0)
        if unpaid := float(column.sum()):
            reading.left.append(Message("{worth} not yet paid", worth=money(unpaid)))
    return amount - column if sign == "-" else amount + column


def _is_kept(
    amount: Any, rest: Any, back: Any, first: str, options: Options, reading: Reading
) -> bool:
    """Whether the amounts of a column that the user names are what the shop kept, as they are.

    Where one is more than a refund left of its order, they are before refunds.
    """
    match = reading.match
    name = match.headers[match.places["amount"]]
    if options.net:
        text = (
            'is said to have its amounts in "{name}", and nobody knows whether tax and shipping'
            " are in them: leave out --net, or the name"
        )
        reading.faults.append(Message(text, name=name))
    if ((back > 0) & (amount > rest + 0.005)).any():
        return False
    if worth := float(back[rest > 0.005].sum()):  # of others, all was refunded
        text = (
            'the amounts are "{name}" as it is, without taking off {worth} refunded: if they are'
            ' before refunds, say --map "{name}={first}"'
        )
        reading.left.append(Message(text, name=name, worth=money(worth), first=first))
    return True


REFUNDED = re.compile(r"refund|退款|مسترد", re.IGNORECASE)
"""What a status has in it where money went back."""


def _refunds_unknown(frame: Any, reading: Reading) -> Iterable[Message]:
    """What is wrong with orders that were refunded, where no column says how much."""
    if "status" not in frame:
        return
    texts = frame["status"].map(_text)
    back = texts.map(lambda text: bool(REFUNDED.search(text)))
    if not back.any():
        return
    theirs = reading.match.headers[reading.match.places["status"]]
    text = (
        'row {row}, column "{theirs}": it is {status}, and no column says how much went back'
        " ({orders}): export that column, too, or choose the rows that count, as in --where"
        ' "{theirs}={first}"'
    )
    yield Message(
        text,
        row=int(frame["_row"][back].iloc[0]),
        theirs=theirs,
        status=texts[back].iloc[0],
        orders=Counted(int(back.sum()), "orders"),
        first=next((other for other in texts[~back] if other), "paid"),
    )


# Results

NO_CONVERSIONS = re.compile(
    r"reach|impression|view|click|engagement|like|thruplay|reichweite|aufruf|klick|portée|vues?\b"
    r"|clics?\b|alcance|impresion|impress|visuali[sz]|reproduc|copertura|cliques|охват|показ|просмотр"
    r"|клик|覆盖|展示|观看|浏览|点击|互动",
    re.IGNORECASE,
)
"""Kinds of results that nobody counts as conversions, as their names and indicators have them."""


def _results(frame: Any, options: Options, places: Mapping[str, int], reading: Reading) -> Any:
    """Conversions from a column of results, where all of them are conversions of one kind."""
    if "results" not in frame or "conversions" in frame or "conversions" in options.set:
        return frame
    headers = reading.match.headers
    theirs = headers[places["results"]]
    if "result_type" not in frame:
        text = "{column} is taken for conversions, and no column says of what kind they are"
        reading.left.append(Message(text, column=theirs))
        return frame.assign(conversions=frame["results"])
    counted = frame[frame["results"].fillna(0.0) != 0.0]
    kinds = counted["result_type"].map(_text)
    names = list(dict.fromkeys(kinds))
    shown = ", ".join(name or "(blank)" for name in names)[:200]
    if names and all(map(NO_CONVERSIONS.search, names)):
        text = "{column} counts {kinds}, which are no conversions"
        reading.left.append(Message(text, column=theirs, kinds=shown))
        return frame
    if len(names) < 2:
        return frame.assign(conversions=frame["results"])
    kind = headers[places["result_type"]]
    row = int(counted["_row"][kinds != names[0]].iloc[0])
    conversions = (name for name in names if name and not NO_CONVERSIONS.search(name))
    wanted = next(conversions, names[0] or names[1])
    reading.faults.append(
        Message(
            'row {row}, column "{theirs}": it counts results of several kinds'
            " ({shown}), which do not add up to conversions: export a column of one"
            " kind, such as Purchases, or choose rows, as in --where"
            ' "{kind}={wanted}", or leave it out with --set conversions=',
            row=row,
            theirs=theirs,
            shown=shown,
            kind=kind,
            wanted=wanted,
        )
    )
    return frame


# Stages

ENDS = re.compile(
    r"\b(?:won|lost|closed)\b|gewonnen|verloren|abgeschlossen|gagn|perdu|conclu|ganad|perdid|cerrad"
    r"|vint[oa]\b|pers[oa]\b|chius|ganh|fechad|выигр|проигр|закрыт|赢|贏|输|輸|成交|关闭|關閉|丢单"
    r"|موفق|برنده|بازنده|از دست",
    re.IGNORECASE,
)
"""What the name of a stage has in it that ends a deal."""


def _staged(frame: Any, layout: Layout, places: Mapping[str, int], reading: Reading) -> Any:
    """Dates from stages: of a row a stage, or of the one stage that a deal is in."""
    import pandas as pd

    headers = reading.match.headers
    for ours, word in (("won_date", "won"), ("lost_date", "lost")):
        if layout.table == "Leads" and "status" in frame:
            at = frame["status"].map(_text).str.casefold() == word
            undated = at & frame[ours].isna() if ours in frame else at
            _tell_undated(frame, undated, ours, places, reading)
    if layout.stages and "stage" in frame:
        history = "entered" in frame
        given = frame["entered"] if history else frame.get("close")
        unknown: dict[str, int] = {}
        targets: list[str] = []
        known: dict[str, str] = {}
        for cell in frame["stage"]:
            text = _text(cell)
            if text not in known:
                fits = (ours for stage, ours in layout.stages.items()
                        if re.fullmatch(stage, text, re.IGNORECASE))  # fmt: skip
                known[text] = next(fits, "")
            targets.append(known[text])
            if not known[text]:
                unknown[text] = unknown.get(text, 0) + 1
        frame = frame.copy()
        for ours in sorted({one for one in targets if one}):
            at = pd.Series(targets, index=frame.index) == ours
            missing = at & given.isna() if given is not None else at
            if ours in frame:
                missing &= frame[ours].isna()
            if missing.any():
                column = "entered" if history else "close"
                _tell_undated(frame, missing, ours, places, reading, column)
                continue
            days = given.where(at, None) if given is not None else None
            frame[ours] = frame[ours].where(frame[ours].notna(), days) if ours in frame else days
        if strange := [text for text in unknown if ENDS.search(text)]:
            theirs = headers[places["stage"]]
            row = int(frame["_row"][frame["stage"].map(_text) == strange[0]].iloc[0])
            reading.faults.append(
                Message(
                    'row {row}, column "{theirs}": nobody knows whether deals with {stages}'
                    " are won, lost or open: name the stages that count, as in --where"
                    ' "{theirs}=Closed won", or write a layout of your own with kpi-xl'
                    ' layouts learn, and name them in it, as in stages = {{"{stage}" ='
                    ' "won_date"}}',
                    row=row,
                    theirs=theirs,
                    stages=", ".join(strange)[:200],
                    stage=strange[0],
                )
            )
        if unknown:
            shown = ", ".join(f"{text or '(blank)'} {n}" for text, n in unknown.items())
            reading.left.append(Message("stages that give no date: {stages}", stages=shown[:200]))
        if history:
            if "created" not in frame:
                frame["created"] = frame["entered"]
            agg = {
                name: "min" if name.endswith("_date") or name == "created" else "first"
                for name in frame.columns
                if name not in ("lead_id", "stage", "entered")
            }
            lines = len(frame)
            for name, how in agg.items():
                if how == "min":
                    frame[name] = pd.to_datetime(frame[name])
            frame = frame.groupby("lead_id", sort=False, as_index=False).agg(agg)
            for name, how in agg.items():
                if how == "min":
                    frame[name] = _days(frame[name])
            if lines > len(frame):
                text = "{rows} of stages are {leads}"
                leads = Counted(len(frame), "leads")
                reading.left.append(Message(text, rows=Counted(lines, "rows"), leads=leads))
    return frame


def _tell_undated(
    frame: Any, at: Any, ours: str, places: Mapping[str, int], reading: Reading, column: str = ""
) -> None:
    """Deals that are won or lost, and no date says when."""
    if not at.any():
        return
    headers = reading.match.headers
    date_of = next((headers[places[one]] for one in (column, ours) if one in places), "")
    column_of = (
        Message('the column "{column}"', column=date_of)
        if date_of
        else Message("a column of that date")
    )
    stage = "stage" if "stage" in frame else "status"
    open_one = next((text for text in map(_text, frame[stage][~at]) if text), "Open")
    first, others = int(frame["_row"][at].iloc[0]), int(at.sum()) - 1
    text = "row {row} and {number} more" if others else "row {row}"
    rows = Message(text, row=first, number=others)
    reading.faults.append(
        Message(
            "{rows}: its stage is {stage}, but no date says when: fill in"
            " {column_of}, or choose the rows that count, as in --where"
            ' "{column}={open_one}"',
            rows=rows,
            stage=Message("won") if ours == "won_date" else Message("lost"),
            column_of=column_of,
            column=headers[places[stage]],
            open_one=open_one,
        )
    )


def _days(column: Any) -> Any:
    return _objects([None if day != day else day.date() for day in column]).set_axis(column.index)


# Days


def _dated(
    frame: Any, match: Match, units: Mapping[str, Unit], reading: Reading, *, of_months: bool
) -> Any:
    """The day of each row, from a day, a week, a month, a range, or the file's period."""
    layout = match.layout
    wanted = next((n for n in ("date", "month", "week", "created") if units.get(n) is DATE), "")
    advice = layout.told(layout.advice) if layout.advice else DAYWISE
    have = {name for name in ("date", "day", "week", "month", "created") if name in frame}
    if "day" in have and wanted and wanted not in have:
        frame = frame.copy()
        frame[wanted], reading.grain = frame["day"], "day"
        have.add(wanted)
    if wanted == "date" and "date" not in frame:
        for grain in ("week", "month"):
            if grain in have and of_months:
                reading.grain = grain
                return frame.rename(columns={grain: "date"})
            if grain in have:
                theirs = match.headers[match.places[grain]] if grain in match.places else grain
                reading.faults.append(
                    Message(
                        'has a row a {grain} ("{theirs}"), and a row a day is wanted: {advice}',
                        grain=GRAIN_WORDS[grain],
                        theirs=theirs,
                        advice=advice,
                    )
                )
                return frame
        frame = _ranged(frame, match, "month" if of_months else "date", advice, reading)
        return frame.rename(columns={"month": "date"}) if of_months else frame
    if wanted in ("month", "week") and wanted not in frame:
        for name in ("date", "week", "month", "close"):
            if name in frame:
                reading.grain = "week" if name == "week" else "month" if name == "month" else "day"
                frame = frame.copy()
                frame[wanted] = frame[name]
                return frame
        return _ranged(frame, match, wanted, advice, reading)
    if wanted == "month":
        reading.grain = "month"
    return frame


def _months_for_days(match: Match, rows: Rows) -> Iterable[Message]:
    """What is wrong with a table of days whose days are written as months: Jan 2024."""
    for name in ("day", "date"):
        for number, cell in zip(rows.numbers, rows.cells.get(name, ()), strict=False):
            if isinstance(cell, str) and written.is_month(cell):
                advice = match.layout.told(match.layout.advice) if match.layout.advice else DAYWISE
                text = (
                    'row {row}, column "{name}": "{text}" is a month, and a row a day is wanted:'
                    " {advice}"
                )
                theirs = match.headers[match.places[name]]
                yield Message(text, row=number, name=theirs, text=cell, advice=advice)
                return


_MONTH_ALONE = re.compile(r"0?[1-9]|1[0-2]")


def _years_given(match: Match, rows: Rows) -> Iterable[Message]:
    """Give months that are numbers alone, 01 to 12, the year that the file's period has them in.

    Where it has one in two years, or the file names no period, that is a fault.
    """
    cells = rows.cells.get("month", [])
    texts = [str(cell).strip() for cell in cells]
    alone = [text for text in texts if _MONTH_ALONE.fullmatch(text)]
    if "period" not in match.layout.preamble or not alone or len(alone) < sum(map(bool, texts)):
        return
    months: dict[int, list[date]] = {}
    if period := period_of(match):
        month, last = _month_of(period[0]), period[1]
        while month <= last:
            months.setdefault(month.month, []).append(month)
            month = _month_of(month + timedelta(days=31))
    unsure = next((text for text in alone if len(months.get(int(text), ())) != 1), "")
    if unsure:
        yield Message(
            'row {row}, column "{name}": "{text}" is a month without its year: add the dimension'
            " Year month in place of it, or choose a range of at most twelve months",
            row=rows.numbers[texts.index(unsure)],
            name=match.headers[match.places["month"]],
            text=unsure,
        )
        return
    rows.cells["month"] = [
        months[int(text)][0] if text else cell for text, cell in zip(texts, cells, strict=True)
    ]


def _tell_periods(frame: Any, match: Match, into: str, reading: Reading) -> None:
    """Weeks, months and quarters in place of days are a fault; what may be such is told."""
    names = ("week",) if into == "Weeks" else ("month", "date")
    name = next((one for one in names if one in frame), "")
    if reading.faults or into not in ("Ads", "Spend", "Weeks") or not name:
        return
    place = match.places.get(name, match.places.get("date"))
    header = "" if place is None else match.headers[place]
    if "day" in match.places:  # who names it so says it, whatever the file calls it
        header = "day"
    if into == "Spend":
        longer, remark = longer_than_months(header, frame[name].tolist()), None
    elif into == "Weeks":
        longer, remark = longer_than_weeks(header, frame[name].tolist()), None
    else:
        days = (frame[frame["sent"].isna()] if "sent" in frame else frame)[name].tolist()
        period = period_of(match)
        whole = period and period[0] != period[1] and {*days} == {period[0]}
        if period and whole and not says_days(header):
            advice = match.layout.told(match.layout.advice) if match.layout.advice else DAYWISE
            advice = _or_days(advice, header)
            text = "is of {start} to {end} as a whole, without days: {advice}"
            reading.faults.append(Message(text, start=period[0], end=period[1], advice=advice))
            return
        longer, remark = longer_than_days(header, days), first_days(header, days)
    if longer:
        reading.faults.append(longer)
    elif remark:
        reading.left.append(remark)


def _or_days(advice: str, header: str) -> Message:
    """What to do with dates that may be those of days, or of more."""
    text = '{advice}; if its rows are days, say --map "{header}=day"'
    return Message(text, advice=advice, header=header)


def _ranged(frame: Any, match: Match, wanted: str, advice: str, reading: Reading) -> Any:
    """Days from ranges: of each row, or of the whole file."""
    frame = frame.copy()
    if "start" in frame and "end" in frame:
        start, end = frame["start"], frame["end"]
        if wanted == "month":
            start, end = (days.map(_month_of, na_action="ignore") for days in (start, end))
            reading.grain = "month"
        same = (start == end) | (start.isna() & end.isna())  # a blank date is told later
        if not same.all():
            row = frame[~same].iloc[0]
            if "until" in frame and wanted == "date":
                advice = _or_days(advice, match.headers[match.places["start"]])
            reading.faults.append(
                Message(
                    "row {row} is of {start} to {end}, and a row of a {text} is wanted: {advice}",
                    row=int(row["_row"]),
                    start=row["start"],
                    end=row["end"],
                    text=GRAIN_WORDS["month" if wanted == "month" else "day"],
                    advice=advice,
                )
            )
        frame[wanted] = frame["start"]
        return frame
    period = period_of(match)
    if period is None and "start" in frame:
        header = match.headers[match.places["start"]]
        text = 'has "{header}", and nothing says when its rows end: {advice}'
        reading.faults.append(Message(text, header=header, advice=_or_days(advice, header)))
        return frame
    if period is None:
        if match.layout.file:  # of a table of ours the column that it lacks is told
            reading.faults.append(Message("has no days: {advice}", advice=advice))
        return frame
    start, end = period
    if wanted == "date" and start != end:
        reading.faults.append(
            Message(
                "is of {start} to {end} as a whole, without days: {advice}",
                start=start,
                end=end,
                advice=advice,
            )
        )
    if wanted == "month" and _month_of(start) != _month_of(end):
        reading.faults.append(
            Message(
                "is of {start} to {end} as a whole, without months: {advice}",
                start=start,
                end=end,
                advice=advice,
            )
        )
    frame[wanted] = _objects([start] * len(frame)).set_axis(frame.index)
    reading.grain = "month"
    return frame


def period_of(match: Match) -> tuple[date, date] | None:
    """The period that the lines before the header name."""
    pattern = match.layout.preamble.get("period")
    if pattern is None:
        return None
    text = "\n".join(" ".join(text_of(row)).strip() for row in match.page.head[: match.row])
    found = pattern.search(text)
    if not found:
        return None
    order = match.header.dates or match.layout.dates or "ymd"
    start = written.day_of(found["start"].strip(), order)
    end = written.day_of((found["end"] or found["start"]).strip(), order)
    return (start, end) if start and end else None


def _month_of(day: date) -> date:
    return day.replace(day=1)


def monday(day: date) -> date:
    """The first day of the week."""
    return day - timedelta(days=day.weekday())


# Sums


def _summed(frame: Any, keys: Sequence[str], units: Mapping[str, Unit]) -> Any:
    """The rows that are alike in the keys as one, their numbers added up."""
    keys = [*keys, "_currency"]
    if not frame.duplicated(subset=keys).any():
        return frame
    how: dict[str, Any] = {}
    for name in frame.columns:
        if name in keys:
            continue
        unit = units.get(name) or BESIDE.get(name, KEY)
        how[name] = _added if unit not in (DATE, KEY, TEXT, LOGICAL) and name != "_row" else "first"
    grouped = frame.groupby(keys, sort=False, as_index=False, dropna=False)
    sums = [name for name, one in how.items() if one is _added]
    firsts = [name for name, one in how.items() if one == "first"]
    parts = []
    if firsts:
        parts.append(grouped[[*firsts]].first())
    if sums:
        added = grouped[[*sums]].sum(min_count=1)
        parts.append(added[sums] if parts else added)
    import pandas as pd

    return pd.concat(parts, axis=1)


def _added(column: Any) -> Any:
    return column.sum(min_count=1)


def filled_columns(frame: Any, columns: Iterable[Column]) -> dict[str, list[Any]]:
    """The columns of a table as lists of cells, None for a blank."""
    height = len(frame)
    cells: dict[str, list[Any]] = {}
    for column in columns:
        if column.name not in frame:
            cells[column.name] = [None] * height
            continue
        values = frame[column.name].tolist()
        cells[column.name] = [
            None if value is None or value != value else value for value in values
        ]
    return cells
