"""Which rows of an export count: an order once, without what was given back in other rows."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kpi_xl.exports.amounts import are_refunded
from kpi_xl.exports.layouts import Layout, plain
from kpi_xl.exports.options import Options, money
from kpi_xl.exports.reading import THINGS, WORTH, Reading, tell_left, text_in
from kpi_xl.exports.recognition import Match
from kpi_xl.locales import Counted, Message, Names

NOT_YET = re.compile(
    r"pending|hold|process|open|unpaid|authori[sz]|draft|await|wait|created|submitted"
    r"|ausstehend|wartend|offen|attente|pendiente|attesa|sospeso|pendente|aguard|n[oã]o? pago"
    r"|ожида|待|未付|در انتظار",
    re.IGNORECASE,
)
"""Orders that may count in a later file."""


MOST_VALUES = 8
"""How many of a column's values are listed."""


def _absent(texts: Any, theirs: str, values: Iterable[str]) -> Iterator[Message]:
    """What is told of a value that no row has: those that there are, the most frequent first."""
    known = set(texts.map(str.casefold))
    absent = next((value for value in values if value.strip().casefold() not in known), None)
    there = texts[texts != ""].value_counts()
    if absent is None or not len(there):
        return
    first = there.head(MOST_VALUES).items()
    names = Names(tuple(f"{text[:40]} ({number})" for text, number in first), ", ")
    rest = len(there) - MOST_VALUES
    has = Message("{names} and {number} more", names=names, number=rest) if rest > 0 else names
    yield Message('no row has "{value}" in "{column}", which has {has}', value=absent,
                  column=theirs, has=has)  # fmt: skip


def says_its_own(frame: Any, layout: Layout) -> Any:
    """Which rows are what their number says, for good.

    Of an order that waits, or is of nobody here, a later file may say otherwise; what was given
    back, or a fee, may have the number of an order that is in another file.
    """
    own = frame["_row"] > 0
    if "status" in frame:
        own &= ~frame["status"].map(lambda cell: bool(NOT_YET.search(text_in(cell))))
    if "customer" in frame:
        own &= frame["customer"].notna()
    for name, values in layout.refunds.items():
        if name in frame:
            own &= ~_are(frame, name, (*values, *layout.drop.get(name, ())))
    return own


def chosen(
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
        reading.left += _absent(frame[name].map(text_in), theirs, values)
        tell_left(frame[~fits], Message("with another {column}", column=theirs), noun, reading)
        frame = frame[fits]
    things = "rows" if layout.refunds else noun
    for name, values in layout.drop.items():
        if name in frame and name not in overruled:
            frame = _dropped(frame, name, values, places, things, reading)
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


def without_sums(
    frame: Any, layout: Layout, places: Mapping[str, int], reading: Reading
) -> Iterator[Message]:
    """What is wrong with rows by what does not add up: pages of one visit, say."""
    for name in (f"={plain(theirs)}" for theirs in layout.no_sums):
        if name in frame and frame[name].map(text_in).nunique() > 1:
            theirs = reading.match.headers[places[name]]
            text = (
                'has rows by "{theirs}", which do not add up: the same counts in several of them,'
                " or some are not listed. Export it without that column"
            )
            yield Message(text, theirs=theirs)


ALIKE = ("date", "month", "campaign", "ad_group", "channel", "account", "_currency")
"""What rows of advertising or visits have in common that one of them may be the total of."""


def subtotals(frame: Any, measured: Iterable[str], reading: Reading) -> None:
    """A fault of rows of which one has what the others of its kind come to; or a remark.

    It is a fault where it is so of most that could have one, by two measures or more, and of
    numbers that are not that by chance, as 30 is 10 and 20.
    """
    keys = [name for name in ALIKE if name in frame]
    numbers = frame[[name for name in measured if name in frame]].fillna(0.0)
    whole, of_more, kinds, able = _wholes(frame, numbers, keys)
    if not of_more.any() or 2 * kinds[whole].nunique() <= kinds[able].nunique():
        return
    row = int(frame["_row"][of_more].iloc[0])
    if _chances(numbers, of_more, kinds) > UNLIKELY:
        text = (
            "row {row} has what other rows of the same day and name come to together: with such"
            " totals among the rows ({number}), all would count twice. Export it without them, or"
            " delete them"
        )
        reading.faults.append(Message(text, row=row, number=kinds[whole].nunique()))
        return
    text = (
        "row {row} has what the other rows of its day and name come to together: if it is their"
        " total, all counts twice"
    )
    reading.left.append(Message(text, row=row))


def tests_of_mailings(frame: Any, measured: Iterable[str], reading: Reading) -> None:
    """A fault of mailings of which one is the test that the others of its day and list are of.

    Each has a title of its own; of one test among many mailings nothing is so of most of them.
    """
    numbers = frame[[name for name in measured if name in frame]].fillna(0.0)
    keys = [name for name in ALIKE if name in frame and name != "campaign"]
    _, whole, kinds, _ = _wholes(frame, numbers, keys)
    whole &= (numbers > 0).sum(axis=1) > 2
    if whole.any() and _chances(numbers, whole, kinds) > UNLIKELY:
        text = (
            'row {row}, "{name}", has what the other mailings of its day come to together, as a'
            " test of several has: all would count twice. Export it without it, or delete the row"
        )
        first = frame[whole].iloc[0]
        name = text_in(first.get("campaign"))
        reading.faults.append(Message(text, row=int(first["_row"]), name=name))


def _wholes(frame: Any, numbers: Any, keys: Sequence[str]) -> tuple[Any, Any, Any, Any]:
    """Which rows have what the others that are alike in the keys come to, in each number.

    Then those of them that have two others or more, the kind of each row, and which rows are of a
    kind that could have such a row.
    """
    grouped = numbers.groupby([frame[name] for name in keys], sort=False, dropna=False)
    kinds, sums = grouped.ngroup(), grouped.transform("sum")
    size = kinds.map(kinds.value_counts())
    able = (size > 1) & ((sums > 0).sum(axis=1) > 1)
    off = (2 * numbers - sums).abs()
    whole = able & off.le(0.005 * size + 1e-9, axis=0).all(axis=1)
    return whole, whole & (size > 2), kinds, able


UNLIKELY = 100
"""How many to one it is against numbers that are sums of others by chance."""


def _chances(numbers: Any, whole: Any, kinds: Any) -> float:
    """How many numbers there could be in place of those which are sums, of the finest measure.

    Of each they are counted in the steps that all numbers of the measure are made of.
    """
    import numpy as np

    cents = (numbers.abs() * 100).round().astype("int64")
    steps = cents / [max(int(np.gcd.reduce(cents[name])), 1) for name in cents]
    most = steps[whole].max(axis=1).groupby(kinds[whole]).first()
    return float(most.clip(lower=1.0).prod())


def _expected(name: str, match: Match) -> bool:
    """Whether such a file has a column: some forms of it have none, as all their rows are alike."""
    headers = [one.columns for one in match.layout.headers if name in one.columns]
    return not headers or name in match.header.columns


def _are(frame: Any, name: str, values: Iterable[str]) -> Any:
    """Which rows have one of these values in a column."""
    wanted = {value.strip().casefold() for value in values}
    return frame[name].map(lambda cell: text_in(cell).casefold()).isin(wanted)


def _dropped(
    frame: Any,
    name: str,
    values: Sequence[str],
    places: Mapping[str, int],
    noun: str,
    reading: Reading,
) -> Any:
    """The rows without those that have one of these values."""
    texts = frame[name].map(lambda cell: text_in(cell).casefold())
    if values == ("*",):
        out = texts != ""
        tell_left(frame[out], name, noun, reading)
    else:
        out = texts.isin({value.casefold() for value in values})
        for value, group in frame[out].groupby(texts[out], sort=True):
            why = str(value) or Message("without a {column}", column=name)
            if value and name not in ("status", "kind"):  # which say what they are of
                theirs = reading.match.headers[places[name]]
                stated = text_in(group[name].iloc[0])
                why = Message("with {column} {value}", column=theirs, value=stated)
            if NOT_YET.search(str(value)):
                theirs, stated = reading.match.headers[places[name]], text_in(group[name].iloc[0])
                reading.waiting = f"{theirs}={stated}"
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
    texts = frame[name].map(lambda cell: text_in(cell).casefold())
    strange = ~texts.isin({value.casefold() for value in values})
    if name not in layout.drop:
        for value, group in frame[strange].groupby(texts[strange], sort=True):
            why = Message("without a {column}", column=name)
            if value:
                stated = text_in(group[name].iloc[0])
                why = Message("with {column} {value}", column=name, value=stated)
            tell_left(group, why, noun, reading)
        return frame[~strange]
    if strange.any():
        theirs = reading.match.headers[places[name]]
        known = dict.fromkeys(text_in(value) or "(blank)" for value in frame[name][strange])
        ranked = [*frame[name][~strange], *frame[name]]  # such as count are the example
        reading.faults.append(
            Message(
                'row {row}, column "{theirs}": nobody knows whether rows with {values}'
                ' count: say which do, as in --where "{theirs}={first}"',
                row=int(frame["_row"][strange].iloc[0]),
                theirs=theirs,
                values=", ".join(known)[:120],
                first=next((text for text in map(text_in, ranked) if text), ""),
            )
        )
    return frame


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
        _tell_lines(frame, once, noun, reading)
        return frame
    keys = frame[once]
    alone = keys.isna()
    if (unknown := alone & ~_says_it_is_out(frame, layout)).any():
        row = int(frame["_row"][unknown].iloc[0])
        reading.faults.append(
            Message(
                "row {row} has no {column}, so that nobody knows which of the {noun} it belongs to:"
                " fill it in, or delete the row",
                row=row,
                column=once.lstrip("="),
                noun=noun,
            )
        )
        return frame
    if keys[~alone].is_unique:
        return frame
    import pandas as pd

    codes, _ = keys.factorize()
    codes[alone] = range(len(frame), len(frame) + int(alone.sum()))
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
                    key=text_in(keys.iloc[at]),
                    one=text_in(column.iloc[at]),
                    other=text_in(whole.iloc[at]),
                )
            )
    more = len(frame) - len(first)
    text = (
        "{lines} belong to the {thing} above" if more > 1 else "1 line belongs to the {thing} above"
    )
    reading.left.append(Message(text, lines=Counted(more, "lines"), thing=THINGS[noun]))
    return first.reset_index(drop=True)


def _says_it_is_out(frame: Any, layout: Layout) -> Any:
    """Which rows say themselves that they do not count, such as payments that nobody has made.

    They need no number: payments that were begun alone have none in some vendors' lists.
    """
    out = frame["_row"] < 0
    for name, values in layout.drop.items():
        if name in frame:
            filled = frame[name].map(text_in) != ""
            out |= filled if values == ("*",) else filled & _are(frame, name, values)
    return out


def _tell_lines(frame: Any, once: str, noun: str, reading: Reading) -> None:
    """Tell of rows that may be lines of one, where the column is lacking that says which are."""
    named = reading.match.header.columns.get(once)
    rows = frame[frame.drop(columns="_row").duplicated()]
    if named and len(rows):
        why = Message(
            "alike in all columns to others, and counted, too: if they are lines of one {thing},"
            " export {column}",
            thing=THINGS[noun],
            column=named.names[0] if named.names else str(named),
        )
        tell_left(rows, why, noun, reading)


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
    if layout.unsigned:
        frame = frame.assign(**{total: frame[total].where(~back, -frame[total].abs())})
    refunds, orders = frame[back], frame[~back]
    paid = orders[total].fillna(0.0) < 0
    tell_left(orders[paid], Message("paid to others"), "rows", reading)
    orders = orders[~paid]
    if "reference" in reading.match.header.columns:
        return _taken_off(orders, refunds, total, places, reading)
    frame = frame[back | frame.index.isin(orders.index)]
    below = [n for n in (total, "gift_cards", *layout.net.split(" + ")) if n in frame]
    return frame.assign(**{n: frame[n].where(~back, -frame[n].abs()) for n in below})


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
    # Lines of items may say no currency of their own.
    back = {(order, ""): worth for (order, _), worth in given.items()} | given
    orders = orders.assign(refunded=[back.get(key, 0.0) for key in taken])
    orders["refunded"] = orders["refunded"].clip(lower=0.0)
    orders[total] = orders[total].where(orders["refunded"].notna())  # nobody knows what was kept
    unsaid = are_refunded(orders) & (orders["refunded"] == 0)
    if unsaid.any():
        text = (
            'row {row}, column "{theirs}": it is {status}, and no row says how much went back:'
            " export the days until now, too"
        )
        first, theirs = orders[unsaid].iloc[0], reading.match.headers[places["status"]]
        status = text_in(first["status"])
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
            thing, number = THINGS["orders"], text_in(order)
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
