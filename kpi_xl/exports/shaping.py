"""From the rows of an export to the rows of a table: keep, count once, add up, reshape.

pandas does it, and is imported by what is called here alone. Whatever is left out is counted, and
told with its worth.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from kpi_xl.exports import cells as written
from kpi_xl.exports.amounts import with_amounts
from kpi_xl.exports.choosing import chosen, says_its_own, subtotals, tests_of_mailings, without_sums
from kpi_xl.exports.days import grains_said, of_longer, tell_periods, with_days, years_given
from kpi_xl.exports.gaps import OF_ROWS, gaps_in_ours, listed_rows
from kpi_xl.exports.gift_cards import with_gift_cards
from kpi_xl.exports.layouts import plain
from kpi_xl.exports.options import Options, money
from kpi_xl.exports.pages import text_of
from kpi_xl.exports.reading import (
    BESIDE,
    NOUNS,
    NUMBERS,
    WORTH,
    Reading,
    objects,
    tell_left,
    text_in,
    worths,
)
from kpi_xl.exports.recognition import Match
from kpi_xl.exports.rows import MOST_LINES, Rows, blocks_apart, rows_of, signs_shown
from kpi_xl.exports.stages import staged
from kpi_xl.exports.totals import sums_above, total_among
from kpi_xl.locales import Counted, Message
from kpi_xl.locales.currencies import closer, contradict, currency_named, may_be_one
from kpi_xl.reference import did_you_mean
from kpi_xl.schema import Column
from kpi_xl.sources.currencies import (
    MIXED,
    OTHER_SIGN,
    WATCHED,
    differ,
    each_is,
    in_header,
    nearest,
    says_currencies,
)
from kpi_xl.sources.records import Wrong
from kpi_xl.sources.terms import scale_in
from kpi_xl.sources.values import typed
from kpi_xl.units import DATE, KEY, LARGEST_ID, LOGICAL, MONEY, NOT_MEASURED, TEXT, Unit

UNCONFIRMED = Message(
    "the headers of such files are not confirmed: compare the figures with the vendor's own"
)


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

    layout = match.layout
    units = {column.name: column.unit for column in columns}
    places, faults = _places(match, options)
    match = match._replace(places=places)
    unit_of = {name: units.get(name) or BESIDE.get(name, KEY) for name in places}
    unit_of |= {name: TEXT for name in places if name.startswith(WATCHED)}
    measured = [name for name, unit in unit_of.items() if unit not in NOT_MEASURED]
    dated = [name for name, unit in unit_of.items() if unit is DATE]
    # In a vendor's file without days, and in a table that has none, a total cannot be told.
    has_days = bool(dated) if layout.file else DATE in units.values()
    written_so = [name for name in measured if name not in layout.within]
    rows = rows_of(match, places, written_so, dated if has_days else None)
    for name in layout.within.keys() & rows.cells.keys():
        rows.cells[name] = [_within(cell, layout.within[name]) for cell in rows.cells[name]]
    reading = Reading(match, table, None, len(rows.numbers), into=into or table)
    reading.faults += [
        *_in_part(match, measured, options),
        *faults,
        *rows.faults,
        *_unlike_itself(match, rows, unit_of),
    ]
    if not rows.numbers:
        reading.faults.append(Message("has no rows of data under its header"))
        return reading
    if fault := _second_header(rows, measured, dated):
        reading.faults.append(fault)
        return reading
    reading.faults += [*blocks_apart(match, rows), *years_given(match, rows)]
    frame = pd.DataFrame({"_row": rows.numbers})
    signs = _typed(frame, match, rows, unit_of, measured, dated, options, reading)
    frame = _with_codes(frame, match, columns, reading)
    moneys = [name for name, unit in unit_of.items() if unit.name == MONEY.name]
    if not (layout.file and (_named_above(match) or "currency" in frame)):  # who names it knows it
        signs = signs_shown(match, rows, {name: places[name] for name in moneys}, signs)
    if {"customer", "mail"} <= {*frame}:
        frame["customer"] = _known_by_mail(frame)
    if "paid_for_too" in frame:
        frame = _paid_for(frame)
    if "customer" in frame:
        frame = _told_apart_by_name(frame, reading)
    frame = of_longer(frame, match, rows, dated, into or table, reading)
    if reading.faults:
        return reading
    reading.left += rows.remarks
    if layout.unconfirmed:
        reading.left.append(UNCONFIRMED)
    if layout.note:
        reading.left.append(Message("{reasons}", reasons=layout.told(layout.note)))
    for name, worth in worths(frame, match, places, units).items():
        frame[f"{WORTH}{name}"] = worth
    frame = with_gift_cards(frame, layout)
    if not [*without_sums(frame, layout, places, reading)]:
        _prove(rows, frame, units, measured, options, reading)
    frame = _seamed(frame, rows, reading)
    frame["_currency"] = _currency(frame, match, signs, options, reading)
    number = NUMBERS.get(table, "")
    if number in frame:
        reading.numbers = set(frame[number][says_its_own(frame, layout)].dropna())
    noun = NOUNS.get(table, "rows")
    frame = chosen(frame, layout, options, places, noun, reading)
    reading.faults += without_sums(frame, layout, places, reading)
    frame = with_amounts(frame, layout, options, noun, reading)
    if (into or table) == "Orders" and "customer" in frame:
        nobody = frame["customer"].isna()
        tell_left(frame[nobody], Message("without a {column}", column="customer"), noun, reading)
        frame = frame[~nobody]
    if (into or table) == "Ads":  # others have no conversions
        frame = _results(frame, options, places, reading)
    frame = staged(frame, layout, places, reading)
    for name, value in layout.constants.items():
        constant = _constant(value, units.get(name), name, reading)
        said = frame[name].map(text_in) if name in places and name in frame else None
        frame[name] = constant if said is None else frame[name].where(said != "", constant)
    for name, value in options.set.items():
        if name in units:
            frame[name] = _constant(value, units[name], name, reading)
    if "to" not in layout.join:
        frame = with_days(frame, match, units, reading, of_months=into in ("Months", "Spend"))
        tell_periods(frame, match, into or table, reading)
    adds_up = layout.file and table != "Orders" and (into or table) in ("Ads", "Spend", "Months")
    if adds_up and len(frame):
        subtotals(frame, measured, reading)
    if adds_up and "sent" in frame and not reading.faults:
        tests_of_mailings(frame, measured, reading)
    if not (layout.file or reading.faults):  # a vendor's rows of totals have their own rules
        cells = {name: frame[name].tolist() for name in frame}
        looks = [gaps_in_ours(frame, columns, options.set, reading)]
        if not options.where:
            looks = [total_among(cells, measured), *looks, sums_above(cells, measured)]
        reading.faults += next(filter(None, map(list, looks)), [])
    if reading.faults:
        return reading
    if reading.numbers and not options.where:  # whoever says which rows count means so
        reading.out = reading.numbers - set(frame[number])
    sums = layout.sum
    if sums and len(frame):
        frame = _summed(frame, [name for name in sums if name in frame], units)
    reading.frame = frame
    return reading


def _second_header(rows: Rows, measured: Sequence[str], dated: Sequence[str]) -> Message | None:
    """What is wrong with a first row that has words in place of numbers and days: units, say."""

    def given(names: Sequence[str], at: int) -> list[str]:
        cells = [rows.cells[name][at] for name in names if at < len(rows.numbers)]
        return [str(cell).strip() for cell in cells if not written.is_blank(cell)]

    words = given(measured, 0)
    if not words or any(re.search(r"\d|#.", word) for word in words):
        return None
    numbers_below = any(map(written.amount_of, given(measured, 1)))
    if any(re.search(r"\d", text) for text in given(dated, 0)) or not numbers_below:
        return None
    text = (
        'row {row} has "{text}" where the rows under it have numbers, as a second row of a header'
        " has, or one of units: delete it"
    )
    return Message(text, row=rows.numbers[0], text=words[0])


# Columns


def _places(match: Match, options: Options) -> tuple[dict[str, int], list[Message]]:
    """Where each column is, as the user says it and then as the layout does."""
    faults = []
    by_name: dict[str, list[int]] = {}
    for place, text in enumerate(match.headers):
        by_name.setdefault(plain(text), []).append(place)
    places = dict(match.places)
    for ours in match.doubled:
        if match.layout.file:
            same = by_name[plain(match.headers[places[ours]])]
            places |= {f"{AGAIN}{ours} {n}": n for n in same if n != places[ours]}
        else:  # in tables of the user's own their names may differ, too
            faults.append(Message(TWICE, column=match.headers[places[ours]]))
    for theirs, ours in options.renamed.items():
        if found := by_name.get(plain(theirs)):
            for name in [n for n, place in places.items() if place == found[0] and n != ours]:
                del places[name]
            places[ours] = found[0]
        else:
            near = did_you_mean(theirs, match.headers)
            faults.append(Message('has no column "{theirs}"{near}', theirs=theirs, near=near))
    for name in map(plain, match.layout.no_sums):
        if name in by_name:
            places.setdefault(f"={name}", by_name[name][0])
    for theirs in (*options.where, *([options.once] if options.once else [])):
        if theirs in places:
            continue
        if found := by_name.get(plain(theirs)):
            places.setdefault(f"={plain(theirs)}", found[0])
        else:
            near = did_you_mean(theirs, match.headers)
            faults.append(Message('has no column "{theirs}"{near}', theirs=theirs, near=near))
    layout = match.layout
    for name in layout.constants:
        # Who has a column of channels beside a vendor's headers has them of several vendors.
        if name not in places and plain(name) in by_name:
            places[name] = by_name[plain(name)][0]
    choosing = dict.fromkeys((*layout.keep, *layout.drop, *layout.refunds))
    for ours in options.set:
        if ours not in {*choosing, layout.once}:  # which rows count, the file says still
            places.pop(ours, None)
    first = layout.amount.partition(" ")[0]
    if first and "amount" in options.renamed.values() and first not in places:
        places[first] = places.pop("amount")  # what the layout takes for it, or in its stead
    for name in choosing:
        if name not in places and plain(name) in by_name:
            places[name] = by_name[plain(name)][0]
    return places, faults


TWICE = 'has more than one column "{column}": rename one'
AGAIN = "=again "
"""What a column is called that an export has more than once, with its own name and place."""


def _unlike_itself(match: Match, rows: Rows, unit_of: dict[str, Unit]) -> Iterator[Message]:
    """What is wrong with columns that a file has more than once: each is one if all are alike."""
    for name in [name for name in rows.cells if name.startswith(AGAIN)]:
        cells, ours = rows.cells.pop(name), name.removeprefix(AGAIN).rpartition(" ")[0]
        del unit_of[name]
        if ours in rows.cells and cells != rows.cells[ours]:
            yield Message(TWICE, column=match.headers[match.places[ours]])


def _in_part(match: Match, measured: Iterable[str], options: Options) -> Iterator[Message]:
    """What is wrong with numbers that a header, or a line above it, says are thousands.

    Of a vendor's file it is the headers that the user names.
    """
    ours = {*options.renamed.values()} if match.layout.file else {*measured}
    headers = [match.headers[match.places[name]] for name in measured if name in ours]
    # A line may be no more than its unit, which stands behind a name in a header.
    lines = match.page.head[: match.row] if not match.layout.file else []
    above = {text: f"- {text}" for row in lines for text in text_of(row)}
    for text, read in {**above, **dict(zip(headers, headers, strict=True))}.items():
        if scale := scale_in(read):
            yield Message(
                '"{text}" says that the numbers are in {scale}: write them in full; if they are,'
                " change these words",
                text=text,
                scale=scale,
            )
            return


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
        _written(match, options),
        certain=bool(options.numbers),
        blanks=blanks,
    )
    lost = sum(cells.count(None) for cells in read.columns.values())
    if match.page.loses_errors and lost:
        text = (
            "blank cells in columns of numbers: {number}; in a file of this kind an error of Excel"
            " is read as blank, too: save it as .xlsx, where they are told"
        )
        reading.left.append(Message(text, number=lost))
    hint = options.dates or header.dates or layout.dates
    calendar = hint if hint in written.CALENDARS else layout.calendar
    days = written.dates(
        {name: raw[name] for name in dated},
        written.CALENDARS.get(hint, hint),
        certain=bool(options.dates),
        calendar=calendar,
        blanks=blanks,
        grains=grains_said(match),
    )
    reading.faults += _told((*read.faults, *days.faults), match, rows)
    for name, column in read.columns.items():
        frame[name] = column
        frame[name] = frame[name].astype("float64")
    for name, moments in days.columns.items():
        frame[name] = objects(moments)
    if {"start", "until"} <= days.columns.keys():
        if _of_days(raw["until"], days.columns["start"], days.columns["until"]):
            ends = days.columns["start"]
        else:
            ends = list(map(_last_day, raw["until"], frame["start"], frame["until"]))
        frame["end"] = objects(ends)
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
        frame[name] = objects(list(map(known.__getitem__, raw[name])))
    return read.signs


def _within(cell: Any, pattern: re.Pattern[str]) -> Any:
    """What the numbers in a cell's text come to; a cell without any as it is."""
    found = [float(one[1]) for one in pattern.finditer(cell)] if isinstance(cell, str) else []
    return round(sum(found), 10) if found else cell


def _written(match: Match, options: Options) -> str:
    """How a number is written that could be read in two ways."""
    return options.numbers or match.header.numbers or match.layout.numbers


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


def _told(faults: Sequence[written.Fault], match: Match, rows: Rows) -> Iterator[Message]:
    """A sentence for each kind of fault in a column: of the first cell, with the rows of all."""
    kinds: dict[tuple[str, str], list[written.Fault]] = {}
    for fault in faults:
        why = fault.sentence.fields.get("why", fault.sentence)
        kinds.setdefault((fault.column, why.template), []).append(fault)
    for (column, kind), alike in kinds.items():
        first, cells = alike[0], rows.cells[column]
        row, name, at = _place_of(column, first.at, match, rows)
        sentence = first.sentence
        if kind == written.OTHER_MARKS:
            sentence = _other_marks(first, match, rows)
        wrong = {cells[one.at] for one in alike}
        numbers = [rows.numbers[place] for place, cell in enumerate(cells) if cell in wrong]
        if len(numbers) > 1:
            count, shown = Counted(len(numbers), "rows"), listed_rows(numbers)
            sentence = Message(OF_ROWS, fault=sentence, rows=count, numbers=shown)
        text = 'row {row}, column "{name}"{at}: {sentence}'
        yield Message(text, row=row, name=name, at=at, sentence=sentence)


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


def _constant(value: str, unit: Unit | None, name: str, reading: Reading) -> Any:
    """A value for all rows."""
    if not value:
        return None
    if unit in (None, KEY, TEXT, LOGICAL):
        return value
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


MASKED = re.compile(r"[*＊]{2}|^.[*＊].?$")
"""What is in a name that the vendor has hidden the most of."""


def _told_apart_by_name(frame: Any, reading: Reading) -> Any:
    """A frame without its customers where most names are masked, as j***n is of many."""
    names = frame["customer"].drop_duplicates().map(text_in).drop_duplicates()
    masked = [name for name in names if MASKED.search(name)]
    if 2 * len(masked) <= len(names):
        return frame
    if reading.into != "Orders":
        text = "customers are not counted, for their names are masked ({name})"
        reading.left.append(Message(text, name=masked[0]))
        return frame.drop(columns="customer")
    text = (
        "has customers with masked names ({name}), which may be several: say which column tells"
        ' them apart, as in --map "Buyer ID=customer"'
    )
    reading.faults.append(Message(text, name=masked[0]))
    return frame


def _paid_for(frame: Any) -> Any:
    """Payments with all that says what they are for: one of the two columns may be blank."""
    texts = [frame[name].map(text_in) for name in ("paid_for", "paid_for_too") if name in frame]
    said = [" ".join(filter(None, pair)) for pair in zip(*texts, strict=True)]
    return frame.drop(columns="paid_for_too").assign(paid_for=said)


def _known_by_mail(frame: Any) -> Any:
    """The customers: who has no ID of a file has that of the same address, or is the address."""
    mails = frame["mail"].map(lambda cell: text_in(cell).casefold())
    ids: dict[str, set[Any]] = {}
    for mail, customer in zip(mails, frame["customer"], strict=True):
        if customer is not None:
            ids.setdefault(mail, set()).add(customer)
    whose = {mail: next(iter(some)) for mail, some in ids.items() if len(some) == 1}
    pairs = zip(mails, frame["customer"], strict=True)
    named = (whose.get(mail, mail) or None if mail and who is None else who for mail, who in pairs)
    return objects(list(named))


# Totals


def _prove(
    rows: Rows,
    frame: Any,
    units: Mapping[str, Unit],
    measured: Sequence[str],
    options: Options,
    reading: Reading,
) -> None:
    """Compare the file's own totals with its rows: in the parts of a file joined to one, each."""
    if not rows.totals:
        return
    known = reading.match.layout.totals
    proves = known.proves if known else None
    width = len(reading.match.headers)  # with another one, cells stand under others' headers
    mixed = "currency" in frame and frame["currency"].nunique() > 1
    agreed, worth = 0, ""
    wrong: list[_Total] = []
    for number, name, cells in rows.totals if not (rows.parts or mixed) else ():
        if (proves and not proves.fullmatch(name)) or cells["_width"] != width:
            continue
        if known and known.without_sum:
            reading.faults += _unsummed(number, cells, known.without_sum, measured, frame, reading)
        read = written.numbers(
            {name: [*rows.cells[name], cells[name]] for name in measured if name in units},
            units,
            _written(reading.match, options),
            certain=bool(options.numbers),
        )
        totals = {name: column[-1] for name, column in read.columns.items()}
        found = _compared(number, totals, rows, frame, reading)
        if found.faults and _is_of_a_part(number, totals, rows, frame, reading):
            agreed += 1
        elif found.faults:
            wrong.append(found)
        elif found.agrees:
            agreed += 1
            worth = worth or next((money(totals[n] or 0.0) for n in found.agrees
                                   if units[n].name == MONEY.name), "")  # fmt: skip
    # Where one agrees, others may be of some of the rows; or of more, where totals have names: of
    # an account, beside the campaigns that a filter left.
    fine = {-1, 1} if proves else {-1}
    for one in wrong:
        reading.faults += one.faults if not (agreed and one.side in fine) else ()
    if agreed:
        text = "1 total agrees" if agreed == 1 else "{totals} agree"
        agree = Message(text, totals=Counted(agreed, "totals"))
        reading.left.append(
            Message("{agree}: {worth}", agree=agree, worth=worth) if worth else agree
        )
    if others := len(rows.totals) - agreed:
        reading.left.append(Message("{lines} of totals left out", lines=Counted(others, "lines")))


def _unsummed(
    number: int, cells: Mapping[str, Any], mark: str, measured: Sequence[str], frame: Any,
    reading: Reading,
) -> Iterator[Message]:  # fmt: skip
    """What is wrong with a column whose total the vendor leaves out, as its rows do not add up."""
    for name in measured:
        if str(cells[name]).strip() == mark and frame[name].notna().any():
            text = (
                'row {number} has no total of "{theirs}" ({mark}), for the rows do not add up: in'
                " several of them the same is counted, or they are in several currencies. Export it"
                " without what it is segmented by"
            )
            theirs = reading.match.headers[reading.match.places[name]]
            yield Message(text, number=number, theirs=theirs, mark=mark)
            return


class _Total(NamedTuple):
    """A row of totals beside the sums of the rows: where it agrees, what is wrong with it.

    `side` is 1 where all that differs is of more than the rows, -1 where it is of less, else 0.
    """

    agrees: list[str]
    faults: list[Message]
    side: int


def _compared(
    number: int, totals: Mapping[str, float | None], rows: Rows, frame: Any, reading: Reading
) -> _Total:
    agrees, faults, sides = [], [], set()
    for name, total in totals.items():
        if total is None or frame[name].notna().sum() == 0:
            continue
        summed = float(frame[name].sum())
        allowed = _rounding([str(cell) for cell in rows.cells[name]], len(frame))
        if abs(summed - total) <= allowed + 1e-9 * abs(total):
            agrees.append(name)
            continue
        sides.add(1 if abs(summed) < abs(total) else -1)
        text = (
            'row {number}: its total of "{theirs}" is {total}, but the rows come to {summed}:'
            " rows are missing or were changed; export it again"
        )
        if abs(summed) > abs(total):
            text = (
                'row {number}: its total of "{theirs}" is {total}, but the rows come to'
                " {summed}: something counts in several of them, such as a total among the"
                " rows, or a visit in each page that it saw; export it without that"
            )
        theirs = reading.match.headers[reading.match.places[name]]
        shown = {"total": f"{total:,.15g}", "summed": f"{summed:,.15g}"}
        faults.append(Message(text, number=number, theirs=theirs, **shown))
    return _Total(agrees, faults, sides.pop() if len(sides) == 1 else 0)


def _is_of_a_part(
    number: int, totals: Mapping[str, float | None], rows: Rows, frame: Any, reading: Reading
) -> bool:
    """Whether a total is that of the rows between it and the one before it, or the next one."""
    places = [0, *(place for place, *_ in rows.totals), MOST_LINES]
    at = places.index(number)
    for first, last in ((places[at - 1], number), (number, places[at + 1])):
        part = _compared(number, totals, rows, frame[frame["_row"].between(first, last)], reading)
        if part.agrees and not part.faults:
            return True
    return False


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

    known = _named_above(match)
    headers = _in_headers(match)
    if not all(may_be_one(known, code) for code in headers.values()):
        reading.faults.append(Message(MIXED, what=each_is(headers)))
    named = pd.Series(known, index=frame.index, dtype=object)
    if "currency" in frame:
        codes = frame["currency"].fillna("").map(lambda code: currency_named(str(code)))
        # A line of an order whose own columns stand on its first line alone has none.
        named = codes.where(codes != "", named)
    written = _signs(frame, match, signs, reading)
    unsaid = (named == "") & (written == "")
    if options.currency and not known:
        # It goes before signs, which several currencies may have.
        named = named.where(named != "", options.currency)
        if unsaid.all():
            text = "the file says no currency: {currency} is that of --currency"
            reading.left.append(Message(text, currency=options.currency))
    if not reading.faults:
        reading.faults += _contradictions(named, written)
    return named.where(named != "", written.map(currency_named))


def _with_codes(frame: Any, match: Match, columns: Sequence[Column], reading: Reading) -> Any:
    """The column of currencies of a file that nobody knows: that which its amounts are in."""
    codes: dict[str, Any] = {}
    for name in [name for name in frame if name.startswith(WATCHED)]:
        header = match.headers[match.places[name]]
        texts = frame.pop(name).map(text_in).map(currency_named)
        if says_currencies(header, texts):
            codes[header] = texts
    moneys = [one.name for one in columns if one.unit.name == MONEY.name and one.name in frame]
    headers = {name: match.headers[match.places[name]] for name in moneys}
    own = {name: in_header(headers[name]) for name in moneys if not match.layout.file}
    if not (codes or any(own.values())) or not moneys or "currency" in frame:
        return frame
    named: dict[str, Any] = {}
    for name, header in headers.items():
        named[name] = objects([own.get(name, "")] * len(frame))
        if codes and not own.get(name):
            near = nearest(codes, header)
            named[name] = codes[near[0]]
            if unclear := differ(near, codes, frame[name].fillna(0.0) != 0, header):
                reading.faults.append(unclear)
                return frame
    known = named[moneys[0]]
    for name, theirs in named.items():
        some = frame[name].fillna(0.0) != 0
        pairs = set(zip(known[some], theirs[some], strict=True))
        for one, other in sorted(pairs):
            if one and other and not may_be_one(one, other):
                told = {headers[moneys[0]]: one, headers[name]: other}
                reading.faults.append(Message(MIXED, what=each_is(told)))
                return frame
        known = known.where(known != "", theirs)
    # A line of an order whose columns stand on its first line alone has none of its own.
    return frame.assign(currency=known.where(known != "", None))


def _named_above(match: Match) -> str:
    """The currency that the layout, a header or the lines above it name, or ""."""
    known = match.layout.currency or next(iter(_in_headers(match).values()), "")
    pattern = match.layout.preamble.get("currency")
    if pattern and not known:
        for row in match.page.head[: match.row]:
            found = pattern.search(" ".join(text_of(row)).strip())
            if found:
                named_there = "currency" in pattern.groupindex
                return currency_named(found["currency"] if named_there else found[1])
    return known


def _in_headers(match: Match) -> dict[str, str]:
    """The currencies that headers of the layout's columns name, by the header."""
    named: dict[str, str] = {}
    for name, one in match.header.columns.items():
        if one.pattern and "currency" in one.pattern.groupindex and name in match.places:
            header = match.headers[match.places[name]]
            found = one.found(header)
            if found and found["currency"]:
                named[header] = currency_named(found["currency"])
    return named


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
            reading.faults.append(Message(MIXED, what=each_is(told)))
            break
        signs = pd.Series(list(map(closer, signs, theirs)), index=frame.index, dtype=object)
    return signs


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
    kinds = counted["result_type"].map(text_in)
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
        how[name] = _added if unit not in NOT_MEASURED and name != "_row" else "first"
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
