"""Several files of one table: what they have in common, and what adds up."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from kpi_xl.exports import conversions
from kpi_xl.exports.days import period_of
from kpi_xl.exports.gaps import needed_in
from kpi_xl.exports.layouts import plain
from kpi_xl.exports.options import Request, money
from kpi_xl.exports.reading import NUMBERS, Reading, filled_columns
from kpi_xl.locales import Counted, Message, Names
from kpi_xl.schema import Column
from kpi_xl.serials import FIRST_YEAR, LAST_YEAR
from kpi_xl.sources import ReadTable
from kpi_xl.sources.grain import month_of, next_month
from kpi_xl.sources.values import as_text
from kpi_xl.units import COUNT, DATE, MONEY

KEYS = {
    "Ads": ("date", "campaign", "ad_group", "channel"), "Orders": ("order",),
    "Leads": ("lead_id",), "Spend": ("month", "channel"), "Months": ("month",),
    "Weeks": ("rep", "week"), "Subscriptions": ("month",), "Goals": ("kpi", "period"),
    "Targets": ("rep",), "Tests": ("test",), "Survivors": ("period",),
    "Subscribers": ("customer", "month"),
}  # fmt: skip
"""What a row of a table is known by, over several files."""

ALIKE = {"Orders": ("customer", "date", "amount")}
"""What a row is known by where one file has its key, and another has not."""

SIDE_BY_SIDE = {"Months", "Spend"}
"""Tables of which one file fills some columns, and another others."""

OF_ALL_VENDORS = {("Ads", "Months"), ("Ads", "Spend"), ("Orders", "Months"), ("Leads", "Weeks")}
"""Which rows, that become sums of another table, add up with those of other vendors."""


class Group(NamedTuple):
    """Files that are added up, or one alone: what is told of each, and the rows of all."""

    requests: Sequence[Request]
    readings: Sequence[Reading]
    whole: Reading


def summed(
    readings: Sequence[tuple[Request, Reading]],
    tables: Mapping[str, Sequence[Column]],
    faults: list[Message],
) -> list[Group]:
    """The readings as the tables that they fill; files of which months add up are added up.

    Their rows are looked at before: the sums of two halves of a month may be the same.
    """
    for table in NUMBERS:
        faults += _numbered_apart(readings, table)
    together: dict[Any, list[tuple[Request, Reading]]] = {}
    for place, (request, reading) in enumerate(readings):
        together.setdefault(_adds_to(reading) or place, []).append((request, reading))
    groups = []
    for some in together.values() if not faults else ():
        requests, parts = [request for request, _ in some], [reading for _, reading in some]
        if len(some) > 1:
            found = _added_up(some, tables, faults)
            if found is None:
                groups += [Group([request], [one], one) for request, one in some]
                continue
            groups.append(Group(requests, parts, found))
        else:
            groups.append(Group(requests, parts, parts[0]))
    if not faults:
        _tell_people(readings)
    for group in groups if not faults else ():
        for request, reading in zip(group.requests, group.readings, strict=True):
            conversions.convert(reading, reading.into, tables[reading.into])
            faults += [placed(request.path, fault) for fault in reading.faults]
        if group.whole is not group.readings[0] and not faults:
            whole = group.whole
            conversions.convert(whole, whole.into, tables[whole.into])
            faults += [placed(group.requests[0].path, fault) for fault in whole.faults]
            _tell_sums(group, tables)
    return groups


def _adds_to(reading: Reading) -> tuple[str, ...]:
    """What a file can be added up with others of, for its rows become sums; () if they do not.

    Platforms of advertising add up, shops, and deals of two CRMs. Months of leads differ in what a
    CRM calls one, and two tools of web analytics have the same visits: of those, it is the files of
    one.
    """
    source, into, layout = reading.table, reading.into, reading.match.layout
    if source == into:
        sums = into in SIDE_BY_SIDE and reading.grain != "month"
        sums |= into == "Weeks" and reading.grain == "day"
        return (source, into, layout.vendor, layout.name) if sums else ()
    if source not in KEYS:
        return ()
    kind = "mail" if "sent" in reading.frame else ""
    return source, into, "" if (source, into) in OF_ALL_VENDORS else layout.vendor, kind


def _added_up(
    some: Sequence[tuple[Request, Reading]],
    tables: Mapping[str, Sequence[Column]],
    faults: list[Message],
) -> Reading | None:
    """The rows of several files as one reading, each once; None where they do not add up.

    What a file has that one before it has, too, is taken from it.
    """
    import pandas as pd

    first = some[0][1]
    source = first.table
    if source == first.into:
        columns = tables[source]
        if not _apart(some, columns, faults):
            return None
    else:
        columns = conversions.columns_of(source, tables)
        parts: list[Part] = [
            (request.path, filled_columns(one.frame, columns), len(one.frame), one, None)
            for request, one in some
        ]
        faults += [*of_two_kinds(source, parts), *left_out_elsewhere(source, parts)]
        faults += _of_other_periods(some) if source == "Ads" else ()
        if faults:
            return None
        _, again = rows_of_all(source, [column.name for column in columns], parts, faults)
        if faults:
            return None
        for (_, one), part, places in zip(some, parts, again, strict=True):
            if places:
                one.frame = one.frame.drop(index=one.frame.index[sorted(places)])
                one.left += told_again(part[1], places, columns)
    if source == "Ads" and first.into == "Spend":
        for _, one in some:
            conversions.name_channel(one)
    frame = pd.concat([one.frame for _, one in some], ignore_index=True)
    if source == "Orders" and _other_people(some):
        frame = frame.drop(columns="customer", errors="ignore")
        if any("customer" in one.frame for _, one in some):
            text = "{column} stay blank, for the files name their customers in different ways"
            first.left.append(Message(text, column="buyers"))
    grain = first.grain if all(one.grain == first.grain for _, one in some) else "day"
    return replace(first, frame=frame, left=[], faults=[], grain=grain)


def _numbers_in(reading: Reading, columns: Sequence[Column]) -> set[str]:
    """The columns of a table that a file fills, beside its periods and names."""
    frame = reading.frame
    return {
        column.name
        for column in columns
        if column.name in frame
        and frame[column.name].dtype.kind == "f"
        and frame[column.name].notna().any()
    }


PERIOD = ("date", "month", "week")
"""The columns of the period that a row is of."""


def _periods(reading: Reading) -> set[date]:
    frame = reading.frame
    name = next((one for one in PERIOD if one in frame), "")
    return {day for day in frame[name] if isinstance(day, date)} if name else set()


def _apart(
    some: Sequence[tuple[Request, Reading]], columns: Sequence[Column], faults: list[Message]
) -> bool:
    """Whether no two files say the same of one day; where some days are in both, it is a fault."""
    apart = True
    for (other_request, other), (request, one) in combinations(some, 2):
        ours, theirs = _spans(one), _spans(other)
        both = _days(ours) & _days(theirs)
        if not both or not _numbers_in(one, columns) & _numbers_in(other, columns):
            continue
        apart = False
        if ours != theirs:
            files = {"file": request.path, "other_file": other_request.path}
            faults.append(Message(BOTH_HAVE, **files, day=min(both)))
    return apart


def _of_other_periods(some: Sequence[tuple[Request, Reading]]) -> Iterator[Message]:
    """What is wrong with files of one vendor that have a day in rows of other periods."""
    for (other_request, other), (request, one) in combinations(some, 2):
        if one.match.layout.vendor != other.match.layout.vendor:
            continue
        ours, theirs = _spans(one), _spans(other)
        both = _days(ours - theirs) & _days(theirs) | _days(theirs - ours) & _days(ours)
        if both:
            files = {"file": request.path, "other_file": other_request.path}
            yield Message(BOTH_HAVE, **files, day=min(both))


BOTH_HAVE = (
    "{file} and {other_file} both have {day}, each among other days, which would count twice:"
    " leave out one of the files, or the rows that are in both"
)


def _spans(reading: Reading) -> set[tuple[date, date]]:
    """The first and the last day of each row: what it says, its file, or how long it is."""
    frame, match = reading.frame, reading.match
    if not {"date", "day", "week", "month"} & match.places.keys():
        if {"start", "end"} <= {*frame}:
            rows = zip(frame["start"], frame["end"], strict=True)
            return {(a, b) for a, b in rows if isinstance(a, date) and isinstance(b, date)}
        if period := period_of(match):
            return {period}
    if reading.grain == "month":
        return {(month_of(d), next_month(d) - timedelta(days=1)) for d in _periods(reading)}
    more = timedelta(days=6 if reading.grain == "week" else 0)
    return {(day, day + more) for day in _periods(reading)}


def _days(spans: set[tuple[date, date]]) -> set[date]:
    return {
        first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)
    }


def _other_people(some: Sequence[tuple[Request, Reading]]) -> bool:
    """Whether files name their customers in different ways, so that nobody knows who is in both."""
    kinds = set()
    for _, one in some:
        if "customer" not in one.frame:
            return True
        if len(names := one.frame["customer"].dropna()):
            kinds.add(_by_mail(names))
    return len(kinds) > 1


def _by_mail(names: Collection[Any]) -> bool:
    """Whether a file names its customers by their addresses."""
    return 2 * sum("@" in str(name) for name in names) > len(names)


def _tell_people(readings: Sequence[tuple[Request, Reading]]) -> None:
    """Tell that nobody knows who is in two lists of orders, where that is so."""
    some = [pair for pair in readings if pair[1].into == "Orders" and len(pair[1].frame)]
    if len({one.match.layout.vendor for _, one in some}) > 1 and _other_people(some):
        text = "the files name their customers in different ways: who is in two of them is two"
        some[-1][1].left.append(Message(text))


def _tell_sums(group: Group, tables: Mapping[str, Sequence[Column]]) -> None:
    """Tell of each file what it adds to the months that others have, too."""
    into = group.whole.into
    keys = [[*_keys_of(one, into)] for one in group.readings]
    columns = [c.name for c in tables[into] if c.unit is COUNT or c.unit.name == MONEY.name]
    columns = [name for name in columns if name not in conversions.STOCKS]
    vendors = {one.match.layout.vendor for one in group.readings if "ad_revenue" in one.frame}
    if into == "Months" and len(vendors) > 1:
        text = "{column} is what each platform says it brought: what two of them claim counts twice"
        group.readings[-1].left.append(Message(text, column="ad_revenue"))
    for place, (request, one) in enumerate(zip(group.requests, group.readings, strict=True)):
        others = [
            other.path.name
            for at, other in enumerate(group.requests)
            if at != place and other.path != request.path and {*keys[at]} & {*keys[place]}
        ]
        filled = [name for name in columns if name in one.frame and one.frame[name].notna().any()]
        if not others or not filled:
            continue
        sums = (f"{name} {float(one.frame[name].sum()):,.15g}" for name in filled)
        text = "added up with {files}; this file has {sums}"
        one.left.append(
            Message(text, files=Names(tuple(dict.fromkeys(others))), sums=", ".join(sums))
        )


def _keys_of(reading: Reading, table: str) -> Iterator[tuple[Any, ...]]:
    names = [name for name in KEYS[table] if name in reading.frame]
    return zip(*(reading.frame[name] for name in names), strict=True)


def placed(path: Path, fault: Message) -> Message:
    """What is wrong with a file, with its name."""
    text = "{path}, {fault}" if fault.startswith("row ") else "{path} {fault}"
    return Message(text, path=path, fault=fault)


# Orders of several shops, leads of several CRMs


def _numbered_apart(readings: Sequence[tuple[Request, Reading]], table: str) -> list[Message]:
    """Give orders, or leads, of two vendors that have the same number different ones.

    What is wrong with two vendors' files of the same ones, as of a shop and of its payments.
    """
    key = NUMBERS[table]
    shops: dict[str, list[tuple[Request, Reading]]] = {}
    for request, one in readings:
        if one.table == table and one.match.layout.file and key in one.frame:
            shops.setdefault(one.match.layout.vendor, []).append((request, one))
    known: set[Any] = set()
    faults = []
    before: list[tuple[Request, Reading]] = []
    for vendor, some in shops.items():
        for request, one in some:
            for other_request, other in before:
                if what := SAME[table](one.frame, other.frame):
                    text = SEEM_ONE if table == "Orders" else SEEM_ONE_DEAL
                    files = {"path": request.path, "other_file": other_request.path}
                    faults.append(Message(text, **files, what=what))
                elif table == "Orders":
                    _tell_alike(one, one.frame, other_request.path, other.frame)
        here = {
            number for _, one in some for number in (*one.frame[key], *one.out, *one.refunded_here)
        }
        both = here & known - {None}
        named = {number: f"{as_text(number)} ({vendor})" for number in both}
        for _, one in some if named else ():
            one.frame = one.frame.assign(**{key: [named.get(n, n) for n in one.frame[key]]})
            one.out = {named.get(number, number) for number in one.out}
            one.refunded_here = {named.get(number, number) for number in one.refunded_here}
            if one.into == table:
                text = (
                    "numbers that orders of another shop have, too, are written as {number}"
                    if table == "Orders"
                    else "numbers that leads of another CRM have, too, are written as {number}"
                )
                one.left.append(Message(text, number=named[min(both, key=as_text)]))
        known |= here
        before += some
    return faults


SEEM_ONE = (
    "{path} and {other_file} seem to have the same orders ({what}), which would count twice: leave"
    " out one of the files; if they are different orders, write them into one file with the columns"
    " order, customer, date, amount"
)
SEEM_ONE_DEAL = (
    "{path} and {other_file} seem to have the same deals ({what}), which would count twice: leave"
    " out one of the files, or the rows that are in both"
)


def in_a_table_of_ours(
    readings: Sequence[tuple[Request, Reading]], ready: Sequence[tuple[Request, str, ReadTable]]
) -> Iterator[Message]:
    """What is wrong with orders that are in a vendor's file and, otherwise numbered, in our own."""
    theirs = [(r.path, one) for r, one in readings
              if one.table == "Orders" and one.match.layout.file]  # fmt: skip
    if not theirs:
        return
    import pandas as pd

    ours = [(r.path, one.frame) for r, one in readings
            if one.table == "Orders" and not one.match.layout.file]  # fmt: skip
    ours += [(r.path, pd.DataFrame(table.columns, dtype=object)) for r, name, table in ready
             if name == "Orders"]  # fmt: skip
    for path, own in ours:
        for other_path, reading in theirs:
            sides = [own, reading.frame]
            if all("order" in side for side in sides):  # what has one number is looked at by it
                both = {*own["order"].dropna()} & {*reading.frame["order"].dropna()}
                sides = [side[~side["order"].isin(both)] for side in sides]
            if what := _same_orders(*sides):
                yield Message(SEEM_ONE, path=path, other_file=other_path, what=what)
            else:
                _tell_alike(reading, sides[1], path, sides[0])


def _same_orders(one: Any, other: Any) -> str:
    """An order that two files have, each under a number of its own; "" where they have none.

    One of the same customer, day and amount is enough, or a payment of it that names it; else it is
    most of them: of the same customer and day, for a payment may be in another currency, or of the
    next day, for clocks differ; or, where the files name their customers in different ways (not
    both by their addresses), of the same day and amount. All that, where it is no chance.
    """
    sides = [_bought(frame) for frame in (one, other)]
    named = [[row for row in side if row[0]] for side in sides]
    alike = _alike(*named)
    if _no_chance(alike.total(), _by_other_days(named[0], named[1]), min(map(len, sides))):
        return ", ".join(map(as_text, min(alike, key=str)))
    if paid := _paid_for(one, other) or _paid_for(other, one):
        return paid
    by_name = _alike_named(*sides)
    parts = slice(0, 2) if by_name else slice(1, 3)
    pairs: list[list[Row]] = [[row[parts] for row in side if row[parts][0]] for side in sides]
    alike = _alike(*pairs)
    chance = _by_other_days(pairs[0], pairs[1], 1 if by_name else 0)
    if not by_name:
        chance = max(chance, _by_other_amounts(pairs[0], pairs[1]))
    if _most(alike.total(), chance, sides):
        return ", ".join(map(as_text, min(alike, key=str)))
    there = {*named[1]}
    later = [row for row in {*named[0]} if {_moved(row, n, 1) for n in (-1, 1)} & there]
    if _most(len(later), 0, sides):
        return ", ".join(map(as_text, min(later, key=str)))
    return ""


def _alike(one: Iterable[Any], other: Iterable[Any]) -> Counter[Any]:
    return Counter(one) & Counter(other)


def _no_chance(found: int, chance: int, of: int) -> bool:
    """Whether so many are alike of so many that it is none, which makes so many alike."""
    return found > 2 * chance or 2 * (of - found) < of - chance


def _most(found: int, chance: int, sides: Sequence[Sequence[Any]]) -> bool:
    """Whether more than one, and most of the fewer, are alike, and not by chance."""
    fewest = min(map(len, sides))
    return found > 1 and 2 * found > fewest and _no_chance(found, chance, fewest)


Row = tuple[Any, ...]
"""Some cells of a row: of an order who bought, on which day, for how much."""


def _by_other_days(one: Sequence[Row], other: Sequence[Row], at: int = 1) -> int:
    """How many rows are alike where the days of one file are others: by chance, then.

    Shops with few prices have many of one day and amount. The next day may be the same by another
    clock.
    """
    first = Counter(one)
    return max(
        (first & Counter(_moved(row, days, at) for row in other)).total()
        for days in (*range(-8, -1), *range(2, 9))
    )


def _by_other_amounts(one: Sequence[Row], other: Sequence[Row]) -> int:
    """How many rows are alike where the last cells of one file stand in other rows."""
    first, last = Counter(one), [row[-1] for row in other]
    return max(
        (first & Counter((*row[:-1], last[place - by]) for place, row in enumerate(other))).total()
        for by in range(1, min(10, max(len(last), 2)))
    )


def _bought(frame: Any) -> list[Row]:
    """The orders of a file; who bought is known best by an address."""
    if not {"date", "amount"} <= {*frame}:
        return []
    rows: list[Row] = []
    who = [frame[name] for name in ("mail", "customer") if name in frame]
    for *names, day, amount in zip(*who, frame["date"], frame["amount"], strict=True):
        rows.append((next(filter(None, map(_name, names)), ""), day, amount))
    return rows


def _name(cell: Any) -> str:
    return "" if cell is None or cell != cell else as_text(cell).casefold()


def _moved(row: Row, days: int, at: int) -> Row:
    """A row with the day in its cell `at` so many later."""
    day = row[at]
    moved = day + timedelta(days=days) if isinstance(day, date) else day
    return *row[:at], moved, *row[at + 1 :]


def _alike_named(one: Sequence[Row], other: Sequence[Row]) -> bool:
    """Whether two files name their customers in one way, so that another name is another."""
    names = [{row[0] for row in side if row[0]} for side in (one, other)]
    return not names[0].isdisjoint(names[1]) or all(map(_by_mail, names))


def _paid_for(payments: Any, orders: Any) -> str:
    """An order that a payment names, for the same amount, or as most of them do; "" for none.

    Numbers in what a payment is for may be those of an invoice, or of months: then they name
    orders of the same amount, or of these days, as well when they are others.
    """
    of = len(_named(payments, orders))
    for same, near in ((True, False), (True, True), (False, True)):
        found = _named(payments, orders, same=same, near=near)
        chance = max(
            len(_named(payments, orders, by, same=same, near=near))
            for by in (*range(-10, 0), *range(1, 11))
        )
        enough = same or 2 * len(found) > len(payments)
        some = len(found) > 2 or max(found, default=0) > 99  # a plan of 3 or 12 months is none
        if enough and some and _no_chance(len(found), chance, of):
            return str(min(found))
    return ""


def _named(
    payments: Any, orders: Any, by: int = 0, *, same: bool = False, near: bool = False
) -> set[int]:
    """The numbers in what payments are for that, so much greater, are those of orders.

    Of orders of the `same` amount, or `near` in time.
    """
    if "paid_for" not in payments or not {"order", "date", "amount"} <= {*orders}:
        return set()
    known: dict[int, tuple[Any, Any]] = {}
    for number, day, amount in zip(orders["order"], orders["date"], orders["amount"], strict=True):
        known |= {int(digits): (day, amount) for digits in DIGITS.findall(_name(number))[-1:]}
    texts = zip(payments["paid_for"], payments["date"], payments["amount"], strict=True)
    return {
        int(digits)
        for text, day, amount in texts
        for digits in DIGITS.findall(_name(text))
        if (order := known.get(int(digits) + by))
        and (not same or order[1] == amount)
        and (not near or abs(_days_between(day, order[0])) < 4)
    }


DIGITS = re.compile(r"\d{1,18}")


def _days_between(one: Any, other: Any) -> int:
    return (one - other).days if isinstance(one, date) and isinstance(other, date) else 0


def _tell_alike(reading: Reading, frame: Any, path: Path, other: Any) -> None:
    """Tell of orders that another file may have, too, where too little says so."""
    sides = [_bought(one) for one in (frame, other)]
    pairs = [[row[1:] for row in side] for side in sides]
    alike = _alike(*pairs)
    if not _alike_named(*sides) and alike.total() > _by_other_days(pairs[0], pairs[1], 0):
        text = (
            "{rows} of the day and the amount of an order in {file} ({worth}): if they are the"
            " same, they count twice"
        )
        worth = sum(amount * times for (_, amount), times in alike.items() if amount == amount)
        rows = Counted(alike.total(), "rows")
        reading.left.append(Message(text, rows=rows, file=path.name, worth=money(worth)))
        return
    named = _named(frame, other) or _named(other, frame)
    if len(named) > 2 and 2 * len(named) > min(map(len, sides)):
        text = (
            "payments name numbers of orders that stand in {file} or here ({number} ...): if they"
            " are the same, they count twice"
        )
        reading.left.append(Message(text, file=path.name, number=min(named)))


def _same_deals(one: Any, other: Any) -> str:
    """Deals that two files have: most of those won, by their owner, day and worth; or ""."""
    columns = ["owner", "won_date", "value"]
    if not all({*columns} <= {*frame} for frame in (one, other)):
        return ""
    sides = []
    for frame in (one, other):
        won = frame[frame["won_date"].notna() & (frame["value"].fillna(0.0) != 0)]
        sides.append([row for row in zip(*(won[name] for name in columns), strict=True) if row[0]])
    alike = _alike(*sides)
    chance = max(_by_other_days(sides[0], sides[1]), _by_other_amounts(sides[0], sides[1]))
    if _most(alike.total(), chance, sides):
        return ", ".join(map(as_text, min(alike, key=str)))
    return ""


SAME = {"Orders": _same_orders, "Leads": _same_deals}


# Rows of several files


Part = tuple[Path, dict[str, list[Any]], int, Reading | None, ReadTable | None]
"""A file of a table: its cells, its rows, and what it was read as."""


def of_two_kinds(name: str, parts: Sequence[Part]) -> Iterator[Message]:
    """What is wrong with two lists of one CRM, as of contacts and of deals.

    Who is in both has another number in each, and would count twice.
    """
    if name != "Leads":
        return
    first: dict[str, tuple[Path, str]] = {}
    for path, _, _, reading, _ in parts:
        if reading is None or not reading.match.layout.file:
            continue
        layout = reading.match.layout
        before, kind_of_it = first.setdefault(layout.vendor, (path, layout.name))
        if kind_of_it != layout.name:
            yield Message(
                "{path} is {name}, and {other_file} is {other}: who is in both would count twice:"
                " leave out one of the files",
                path=path,
                name=layout.name,
                other_file=before,
                other=kind_of_it,
            )


def of_two_levels(readings: Sequence[tuple[Request, Reading]]) -> Iterator[Message]:
    """What is wrong with campaigns of a vendor, and parts of campaigns that do not name theirs."""
    seen: dict[str, list[tuple[Path, str, bool, set[Any]]]] = {}
    for request, reading in readings:
        places, layout = reading.match.places, reading.match.layout
        if layout.table != "Ads" or not layout.file or "campaign" not in places:
            continue
        header = reading.match.headers[places["campaign"]]
        of_parts = places["campaign"] == places.get("ad_group")
        days = {day for name in DAYS_OF & {*reading.frame} for day in reading.frame[name]}
        others = seen.setdefault(layout.vendor, [])
        for path, other, parts_there, known in others:
            if (of_parts or parts_there) and plain(other) != plain(header) and days & known:
                text = (
                    '{path} has a row for each "{header}", and {other_file} for each "{other}":'
                    " what is in both would count twice: leave out one of the files"
                )
                fields = {"path": request.path, "other_file": path}
                yield Message(text, header=header, other=other, **fields)
        others.append((request.path, header, of_parts, days))


DAYS_OF = {"date", "week", "month"}


def left_out_elsewhere(name: str, parts: Sequence[Part]) -> Iterator[Message]:
    """What is wrong with orders that count in one file, and in another were refunded, say."""
    key = NUMBERS.get(name, "")
    for part in parts if key else ():
        if (reading := part[3]) is None:
            continue
        for other in parts:
            numbers = {*other[1].get(key, ())} if _vendor(other) == _vendor(part) else set()
            if both := numbers & reading.out:
                yield Message(
                    "{path} has {what} as one that does not count, and in {other_file} it counts:"
                    " leave out one of the files, or the rows that are in both",
                    path=part[0],
                    what=min(map(as_text, both)),
                    other_file=other[0],
                )
            if both := numbers & reading.refunded_here:
                yield Message(
                    "{path} gives money back for {what}, which {other_file} has: export the time of"
                    " both as one file, or join them to one",
                    path=part[0],
                    what=min(map(as_text, both)),
                    other_file=other[0],
                )


def rows_of_all(
    name: str, order: Sequence[str], parts: Sequence[Part], faults: list[Message]
) -> tuple[dict[str, list[Any]], list[set[int]]]:
    """The rows of several files, each once, and the places of those that another file has, too.

    A file may have a row as often as it likes, and so may the parts of one table; what another has
    had as often is the same again, but of two vendors.
    """
    kept: dict[str, list[Any]] = {column: [] for column in order}
    seen: dict[tuple[Any, ...], tuple[Seen, ...]] = {}
    fresh: dict[tuple[Any, ...], Seen] = {}
    whole: dict[str, Counter[tuple[Any, ...]]] = {}  # by vendor
    here: Counter[tuple[Any, ...]] = Counter()
    beside: set[Path] = set()
    keys = KEYS.get(name, ())
    vendor = ""
    again = []
    for part, double in zip(parts, _of_other_grain(name, parts, faults), strict=True):
        path, cells = part[:2]
        keyed = bool(keys) and any(cell is not None for cell in cells.get(keys[0], ()))
        if path in beside or not any(_of_one_table(path, other) for other in beside):
            seen |= {key: (*seen.get(key, ()), one) for key, one in fresh.items()}
            whole[vendor] = whole.get(vendor, Counter()) | here
            fresh, here, beside = {}, Counter(), set()
        beside.add(path)
        vendor = _vendor(part)
        same = [rows for other, rows in whole.items() if not _two_vendors(other, vendor)]
        there: set[int] = set()
        for place, values in enumerate(zip(*(cells[one] for one in order), strict=True)):
            here[values] += place not in double
            if place in double or any(here[values] <= rows[values] for rows in same):
                there.add(place)
                continue
            row = dict(zip(order, values, strict=True))
            key = _key_of(row, name)
            before = _before(name, vendor, seen.get(key, ())) if keyed else None
            if before:
                apart = keys * _two_vendors(before.vendor, vendor)
                if name in SIDE_BY_SIDE and _combined(kept, before.place, row, apart):
                    continue
                faults.append(_contradiction(name, part, key, values, before, order))
                break
            if keyed:
                fresh.setdefault(key, Seen(path, vendor, values, len(kept[order[0]])))
            for one in order:
                kept[one].append(row[one])
        again.append(there)
    return kept, again


def told_again(
    cells: Mapping[str, Sequence[Any]], places: Collection[int], columns: Iterable[Column]
) -> Iterator[Message]:
    """What is told of rows that another file has, too: how many, and what they are worth."""
    if not places:
        return
    rows, worth = Counted(len(places), "rows"), _worth(cells, places, columns)
    if not worth:
        yield Message("{rows} that another file has, too", rows=rows)
        return
    yield Message("{rows} that another file has, too ({worth})", rows=rows, worth=worth)


def _worth(
    cells: Mapping[str, Sequence[Any]], places: Collection[int], columns: Iterable[Column]
) -> str:
    """What some rows are worth, in each column of amounts; nothing where it has none."""
    sums = {
        column.name: sum(cells[column.name][place] or 0.0 for place in places)
        for column in columns
        if column.unit.name == MONEY.name
    }
    worth = [(name, money(float(amount))) for name, amount in sums.items() if amount]
    return worth[0][1] if len(sums) == 1 and worth else ", ".join(map(" ".join, worth))


def told_nameless(
    cells: Mapping[str, Sequence[Any]], columns: Sequence[Column]
) -> Iterator[Message]:
    """What is told of rows of a table of ours without a name, or a day, that others have."""
    firsts = {*needed_in(columns)[0]}
    for column in columns:
        if column.filled or not (column.alike or column.name in firsts):
            continue
        places = [place for place, cell in enumerate(cells[column.name]) if cell is None]
        if not 0 < len(places) < len(cells[column.name]):
            continue
        things, worth = Counted(len(places), "rows"), _worth(cells, places, columns)
        why = Message("without a {column}, counted all the same", column=column.name)
        text = "{things} {why} ({worth})" if worth else "{things} {why}"
        yield Message(text, things=things, why=why, **({"worth": worth} if worth else {}))


BY_DAYS = ("Orders", "Ads", "Leads", "Weeks", "Months")
"""The tables whose rows of other years are in no figure, and on the sheet Checks."""
ENDS = {"first": str(FIRST_YEAR), "last": str(LAST_YEAR)}
BUDDHIST = 543
"""How many years more that calendar counts."""


def in_other_years(
    name: str,
    path: Path,
    cells: Mapping[str, Sequence[Any]],
    columns: Sequence[Column],
    faults: list[Message],
) -> Iterator[Message]:
    """What is told of rows in years that no figure is over; a fault where all rows are.

    It is one, too, in tables whose figures would be of such a year.
    """
    days = next((cells[one.name] for one in columns if one.unit is DATE and one.required), ())
    years = {day.year for day in days if day}
    others = {year for year in years if not FIRST_YEAR <= year <= LAST_YEAR}
    if not others:
        return
    known = min(others)
    shifted = FIRST_YEAR <= known - BUDDHIST <= LAST_YEAR
    text = "; the Buddhist calendar counts 543 years more: --dates buddhist"
    hint = Message(text) if shifted else ""
    if others == years or name not in BY_DAYS:
        text = (
            "{path} has dates of {year}, and figures are computed over {first} to {last}: correct"
            " the years{hint}"
        )
        faults.append(Message(text, path=path, year=str(known), hint=hint, **ENDS))
        return
    places = [place for place, day in enumerate(days) if day and day.year in others]
    worth = _worth(cells, places, columns)
    text = (
        "{rows} of years before {first} or after {last}, such as {year}, in no figure{worth}{hint}"
    )
    rows, worth = Counted(len(places), "rows"), f" ({worth})" if worth else ""
    yield Message(text, rows=rows, year=str(known), worth=worth, hint=hint, **ENDS)


def with_numbers(
    kept: Mapping[str, list[Any]], parts: Sequence[Part], again: Sequence[set[int]]
) -> dict[int, list[Message]]:
    """Number orders that have no number where others have one; what is told of each file.

    Each row of a file without any number is an order, as it is where the file is alone, and a
    return without a number is of none. Of other rows nobody knows: they are told.
    """
    numbers, amounts = kept.get("order", []), kept.get("amount", [])
    told: dict[int, list[Message]] = {}
    named: dict[str, int] = {}
    if not any(number is not None for number in numbers):
        return told
    start = 0
    for place, (part, doubled) in enumerate(zip(parts, again, strict=True)):
        rows = range(start, start := start + part[2] - len(doubled))
        gaps = [row for row in rows if numbers[row] is None]
        returns = [row for row in gaps if (amounts[row] or 0.0) < 0]
        given = gaps if len(gaps) == len(rows) else returns
        name = part[0].name
        for row in given:
            named[name] = named.get(name, 0) + 1  # files of two folders may have one name
            numbers[row] = f"{name} {named[name]}"
        if not gaps:
            continue
        if len(gaps) == len(rows):
            text = "no number of an order: each row is one, and has a number as {number}"
            told[place] = [Message(text, number=numbers[given[0]])]
            continue
        told[place] = []
        if returns:
            text = (
                "{rows} below 0 without the number of an order: they are taken off the revenue of"
                " their day ({worth})"
            )
            worth = money(-sum(amounts[row] for row in returns))
            told[place].append(Message(text, rows=Counted(len(returns), "rows"), worth=worth))
        if others := len(gaps) - len(returns):
            text = (
                "{rows} without the number of their order, which others have: orders cannot be"
                " counted so; give the number to every row, or to none"
            )
            told[place].append(Message(text, rows=Counted(others, "rows")))
    return told


class Seen(NamedTuple):
    """A row that was kept: its file, whose export that is, its cells, its place."""

    path: Path
    vendor: str
    values: tuple[Any, ...]
    place: int


def _key_of(row: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """What a row of a table is known by."""
    key = tuple(row[one] for one in KEYS.get(name, ()) if one in row)
    if name == "Orders" and (row["amount"] or 0.0) < 0:
        return *key, row["date"]  # a return may have the number of its order
    return key


def _before(name: str, vendor: str, seen: Iterable[Seen]) -> Seen | None:
    """The row of the same key that says the same; campaigns of two vendors may have one name."""
    alike = (one for one in seen if name != "Ads" or not _two_vendors(one.vendor, vendor))
    return next(alike, None)


def _two_vendors(one: str, other: str) -> bool:
    """Whether two files are of two vendors, so that what they have alike is not the same."""
    return bool(one and other) and one != other


PART = re.compile(r"part[-.][\w-]*\d")
"""How Spark, PyArrow and Dask call the files of one table: part-00000-0a1b.snappy.parquet."""


def whole_of(path: Path) -> Path | None:
    """The folder of the table of which an engine wrote this file as a part; None of others.

    Its parts have no row in common: rows that are alike are several.
    """
    folder = path.parent
    while "=" in folder.name:  # year=2024
        folder = folder.parent
    return folder if folder != path.parent or PART.match(path.name) else None


def _of_one_table(path: Path, other: Path) -> bool:
    return path != other and whole_of(path) is not None and whole_of(path) == whole_of(other)


def _contradiction(
    name: str, part: Part, key: tuple[Any, ...], values: tuple[Any, ...],
    before: Seen, order: Sequence[str],
) -> Message:  # fmt: skip
    """The sentence that two files say different things of one key, or two vendors the same."""
    rows = zip(order, before.values, values, strict=True)
    cells = [one for one in rows if one[0] not in KEYS[name]]
    differ = [one for one in cells if one[1] != one[2]]
    both = [one for one in cells if None not in one]
    # The blanks of one file are filled from another, where they are side by side.
    other = [one for one in differ if one in both] or ([] if name in SIDE_BY_SIDE else differ)
    column = next(iter([*other, *both]), ("",))[0]
    what = ", ".join(as_text(part) for part in key if part is not None)
    text = (
        "{path} has other values for {what} than {other_file} ({other}):"
        " leave out one of the files, or the rows that are in both"
        if other
        else "{path} has the same for {what} as {other_file} ({other}), which is of another vendor:"
        " leave out one of the files, or the rows that are in both; if both count, add them up in"
        " one file"
    )
    told = Message(text, path=part[0], what=what, other_file=before.path, other=column)
    if name in SIDE_BY_SIDE:
        return Message("{fault}, or the column {column} of one", fault=told, column=column)
    if number := _number_lacking(name, part[3]):
        text = "{fault}; if they are two deals, export {column}, too"
        return Message(text, fault=told, column=number)
    if name == "Orders":
        named = values[order.index("order")]
        text = (
            "{fault}; if they are of two shops, write a letter before the numbers of one, as in"
            " {what}"
        )
    else:
        named = values[order.index("campaign")] if name == "Ads" else None
        text = (
            "{fault}; if they are of two accounts, write a letter before the campaigns of one, as"
            " in {what}"
        )
    return told if named is None else Message(text, fault=told, what=f"B{as_text(named)}")


def _number_lacking(name: str, reading: Reading | None) -> str:
    """What a vendor calls the number of a lead, where a file has its name in the stead; or ""."""
    if name != "Leads" or reading is None or not reading.match.layout.file:
        return ""
    match = reading.match
    first, *_ = *match.header.columns["lead_id"].names, ""
    return "" if plain(match.headers[match.places["lead_id"]]) == first else first


def _of_other_grain(name: str, parts: Sequence[Part], faults: list[Message]) -> list[set[int]]:
    """The rows of each file that one before has too, in which a column of the key is blank.

    Where both say the same, they are one row, which has the cells of both. Where not, one file
    may be the other by the ad group, say, and both together would count twice: that is a fault.
    """
    doubled: list[set[int]] = [set() for _ in parts]
    keys = KEYS.get(name, ()) if name not in SIDE_BY_SIDE else ()
    filled = [{key for key in keys if any(cell is not None for cell in part[1].get(key, ()))}
              for part in parts]  # fmt: skip
    for later, part in enumerate(parts):
        for earlier, before in enumerate(parts[:later]):
            if _of_one_table(part[0], before[0]):
                continue
            common = [key for key in keys if key in filled[later] & filled[earlier]]
            lacking = [key for key in keys if key in filled[later] ^ filled[earlier]]
            common = common or [*ALIKE.get(name, ())]
            if not lacking or not common or not _comparable(part, before, common):
                continue
            rows, others = _by_key(part[1], common), _by_key(before[1], common)
            for key in (key for key in rows if key in others):
                if not _one_row(part[1], rows[key], before[1], others[key]):
                    what = ", ".join(as_text(one) for one in key if one is not None)
                    faults.append(
                        Message(
                            "{file} and {other_file} both have {what}, one with the {lacking}, the"
                            " other without, which would count twice: leave out one of the files,"
                            " or the rows that are in both",
                            file=part[0],
                            other_file=before[0],
                            what=what,
                            lacking=Names(tuple(lacking)),
                        )
                    )
                    break
                doubled[later].update(rows[key])
            if common[0] not in keys and not faults:  # known by what is alike, as orders are
                alike = len({*rows} & {*others})
                faults += _alike_in_part(part, before, alike, doubled[later], lacking[0])
    return doubled


def _alike_in_part(
    part: Part, before: Part, alike: int, places: set[int], lacking: str
) -> Iterator[Message]:
    """What is wrong with orders without their numbers that another file has in part.

    Of two exports of the same orders, all rows of the days of both are in both; where others are
    not, the customer may have bought twice for as much.
    """
    if alike and alike < max(_rows_within(part, before), _rows_within(before, part)):
        text = (
            "{file} and {other_file} have {rows} alike ({what} ...), one with the {lacking}, the"
            " other without, and others of these days that are not: if they are different orders,"
            " give each row a number in the column {lacking}; if not, leave out what is in both"
        )
        cells = (part[1][name][min(places)] for name in ALIKE["Orders"])
        yield Message(
            text,
            file=part[0],
            other_file=before[0],
            rows=Counted(alike, "rows"),
            what=", ".join(as_text(cell) for cell in cells if cell is not None),
            lacking=lacking,
        )


def _rows_within(part: Part, other: Part) -> int:
    """How many rows of a file are of the days from the first to the last of another."""
    days = [day for day in other[1]["date"] if day is not None]
    return sum(min(days) <= day <= max(days) for day in part[1]["date"] if day is not None)


def _comparable(part: Part, before: Part, common: Sequence[str]) -> bool:
    """Whether two files may have the same rows: of one vendor, or a table of one's own.

    That may be of anything: it is held to a vendor's by the channel.
    """
    vendors = {_vendor(part), _vendor(before)}
    return len(vendors) == 1 or ("" in vendors and "channel" in common)


def _vendor(part: Part) -> str:
    return part[3].match.layout.vendor if part[3] else ""


def _by_key(cells: Mapping[str, list[Any]], key: Sequence[str]) -> dict[tuple[Any, ...], list[int]]:
    """The places of the rows that are alike in the key."""
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, values in enumerate(zip(*(cells[one] for one in key), strict=True)):
        places.setdefault(values, []).append(place)
    return places


def _one_row(
    cells: dict[str, list[Any]], places: Sequence[int], others: dict[str, list[Any]],
    there: Sequence[int],
) -> bool:  # fmt: skip
    """Whether rows of two files are one and the same, which then takes the cells of both."""
    if len(places) != 1 or len(there) != 1:
        return False
    return _combined(others, there[0], {name: cells[name][places[0]] for name in cells})


def _combined(
    kept: dict[str, list[Any]], place: int, row: Mapping[str, Any], apart: Sequence[str] = ()
) -> bool:
    """Fill the blanks of a row from another of the same key; False where they contradict.

    Of two vendors it is enough that both have a cell of a column which is not of the key: `apart`.
    """
    for name, cell in row.items():
        other = kept[name][place]
        if None not in (cell, other) and (cell != other or (apart and name not in apart)):
            return False
    for name, cell in row.items():
        if cell is not None:
            kept[name][place] = cell
    return True
