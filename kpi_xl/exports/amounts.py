"""What orders came to: their total without what was given back, and with --net without tax."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from kpi_xl.exports.gift_cards import without_gift_cards
from kpi_xl.exports.layouts import Layout
from kpi_xl.exports.options import Options, money
from kpi_xl.exports.reading import Reading, tell_left, text_in
from kpi_xl.locales import Counted, Message


def with_amounts(frame: Any, layout: Layout, options: Options, noun: str, reading: Reading) -> Any:
    """The amount of each row, from the columns that make it."""
    if not layout.amount:
        if options.net:
            reading.faults.append(NO_TAX)
        return frame
    words = layout.amount.split()
    first, rest = words[0], list(zip(words[1::2], words[2::2], strict=True))
    if first not in frame:
        return frame
    if "refunded" in words and "refunded" not in frame and not options.where:
        reading.faults += _refunds_unknown(frame, reading)
    frame = _of_one_currency(frame.copy(), first)
    if "gift_cards" in frame:
        frame = without_gift_cards(frame, first, noun, reading)
    if layout.disputes and "dispute" in frame:
        frame = _disputed(frame, first, layout, reading)
    total, back = frame[first], _sent_back(frame, words)
    said = frame.get("amount", total)  # the user may say which column has the amounts
    # Where one is more than a refund left of its order, they are before refunds.
    kept = "amount" in frame and not ((back > 0) & (said > total - back + 0.005)).any()
    amount = total if kept else said
    whole = (back > 0) & (back >= amount.fillna(0.0).abs() - 0.005)
    if kept:
        _tell_kept(back[total - back > 0.005], first, reading)  # of others, all was refunded
        amount, back, rest = said, back * 0.0, []
    for sign, name in rest:
        if name in frame:
            amount = _with(amount, sign, name, frame[name], reading)
    _tell_back(frame, back, whole, noun, reading)
    if options.net:
        amount = _without_tax(amount, total, frame, layout, ~whole & amount.notna(), reading)
    elif "tip" in frame and (tips := float(frame["tip"][~whole].sum())):
        text = "{worth} of tips are in the amounts, which --net takes off, as tax"
        reading.left.append(Message(text, worth=money(tips)))
    frame = frame.assign(amount=amount.round(10))[~whole]
    blank = int(frame["amount"].isna().sum())
    if 0 < blank < len(frame):  # where all are, the file has none
        text = "{rows} without an amount, which count, but for no revenue"
        reading.left.append(Message(text, rows=Counted(blank, "rows")))
    return frame


NO_TAX = Message("has no tax and shipping that --net could take off")


def _without_tax(
    amount: Any, total: Any, frame: Any, layout: Layout, counted: Any, reading: Reading
) -> Any:
    """Amounts less tax and shipping, where the file has them.

    A refund gives back the tax of what is refunded, and no export says how much of it: it is that
    part of the order's tax which the refund is of its total; so it is of what is not yet paid. That
    is exact for goods of one rate. Shipping is paid in the part that the order is, and goes back
    last; it is without its tax, which is in the order's.
    """
    if "amount" in frame:
        name = reading.match.headers[reading.match.places["amount"]]
        text = (
            'is said to have its amounts in "{name}", and nobody knows whether tax and shipping'
            " are in them: leave out --net, or the name"
        )
        reading.faults.append(Message(text, name=name))
    reading.faults += _without_columns(frame, layout, reading)
    part = (amount / total).where(total != 0, 1.0).fillna(1.0)
    unpaid = frame["outstanding"].fillna(0.0).clip(lower=0.0) if "outstanding" in frame else 0.0
    paid = (1.0 - unpaid / total).where(total != 0, 1.0).fillna(1.0)
    for name in layout.net.split(" + "):
        if name not in frame:
            continue
        column = frame[name].fillna(0.0)
        if name == "shipping" and layout.taxed and "tax" in frame:
            column = column - _tax_of_shipping(column, total, frame, layout, counted, reading)
        kept = column * (part if name == "tax" else paid)
        if name != "tax":
            kept = kept.where((kept <= amount) | (amount < 0.0), amount)
        amount = amount - kept
        worth = money(float(kept[counted].sum()))
        reading.left.append(Message("{worth} of {column}", worth=worth, column=name))
        if back := float((column - kept)[counted].sum()):
            text = "{worth} of {column} taken to be in what was refunded or is not yet paid"
            reading.left.append(Message(text, worth=money(back), column=name))
    return amount


def _without_columns(frame: Any, layout: Layout, reading: Reading) -> Iterable[Message]:
    """What is wrong with a file that lacks the tax; of another column it is told."""
    columns, taken = reading.match.header.columns, layout.net.split(" + ")
    if not {*taken} & {*columns}:
        yield NO_TAX
        return
    if "tax" in taken and "tax" not in frame:
        text = (
            'has no column of the tax, which --net takes off: export "{column}", or say which one'
            ' has all of it, as in --map "Tax=tax"'
        )
        yield Message(text, column=str(columns.get("tax", "tax")))
    for name in dict.fromkeys(("tax", *taken)):
        if name not in frame and (name != "tax" or "tax" not in taken):
            text = "no column of {column}, of which nothing is taken off"
            reading.left.append(Message(text, column=name))


def _tax_of_shipping(
    shipping: Any, total: Any, frame: Any, layout: Layout, counted: Any, reading: Reading
) -> Any:
    """The tax in what shipping cost, where prices include it: the total is then their sum.

    No export says how much of the order's tax it is: it is that part which shipping is of the
    total, which is exact for one rate.
    """
    tax = frame["tax"].fillna(0.0)
    some = (shipping != 0) & (tax != 0)
    lacking = [name for name in layout.taxed.split(" + ") if name not in frame]
    if "subtotal" in lacking and some.any():
        column = reading.match.header.columns["subtotal"]
        text = 'does not say whether its prices include the tax: for --net export "{column}", too'
        reading.faults.append(Message(text, column=str(column)))
        return shipping * 0.0
    parts = [name for name in layout.taxed.split(" + ") if name not in lacking]
    rest = total - frame[parts].fillna(0.0).sum(axis=1)
    off = frame["discount"].fillna(0.0).abs() if "discount" in frame else rest * 0.0
    # Some write parts before a discount, and some after it.
    included, added = (
        (rest - more).abs().combine((rest + off - more).abs(), min) for more in (tax * 0.0, tax)
    )
    within = (shipping * tax / total).where(some & (included < added - 0.005), 0.0).round(10)
    if worth := float(within[counted].sum()):
        text = "{worth} of tax taken to be in shipping, as the prices include it"
        reading.left.append(Message(text, worth=money(worth)))
    return within


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
    """What went back of each order, as a refund or in a dispute."""
    back = frame[words[0]].fillna(0.0) * 0.0
    for name in ("refunded", "disputed"):
        if name in words and name in frame:
            back = back + frame[name].fillna(0.0).abs()  # some write it with a minus
    return back


def _disputed(frame: Any, total: str, layout: Layout, reading: Reading) -> Any:
    """Orders with what of them was lost in a dispute, in the currency of the total.

    One that is open counts, and is told; where nobody knows how much was lost, it is a fault.
    """
    states = frame["dispute"].map(lambda cell: text_in(cell).casefold().replace(" ", "_"))
    lost = states.isin(layout.disputes.get("lost", ()))
    theirs = reading.match.headers[reading.match.places["dispute"]]
    unsaid = lost if "disputed" not in frame else lost & frame["disputed"].isna()
    if unsaid.any():
        text = (
            'row {row}, column "{theirs}": it is {status}, and nothing says how much of it was'
            " lost ({orders}): export {column}, too"
        )
        first, column = frame[unsaid].iloc[0], reading.match.header.columns["disputed"]
        told = {"orders": Counted(int(unsaid.sum()), "orders"), "column": str(column)}
        status = text_in(first["dispute"])
        fault = Message(text, row=int(first["_row"]), theirs=theirs, status=status, **told)
        reading.faults.append(fault)
        return frame
    if "disputed" not in frame:
        return frame
    amounts = frame["disputed"].abs()
    if "charged" in frame:
        amounts = amounts * (frame[total] / frame["charged"]).where(frame["charged"] != 0, 1.0)
    waits = ~lost & ~states.isin(("", *layout.disputes.get("over", ())))
    for state, group in amounts[waits].groupby(frame["dispute"][waits].map(text_in), sort=True):
        text = "{orders} with {column} {value} ({worth} disputed), which count until they are lost"
        orders, worth = Counted(len(group), "orders"), money(float(group.sum()))
        said = Message(text, orders=orders, column=theirs, value=state, worth=worth)
        reading.left.append(said)
    return frame.assign(disputed=amounts.where(lost, 0.0).round(10))


def _tell_back(frame: Any, back: Any, whole: Any, noun: str, reading: Reading) -> None:
    """Tell of what went back: of orders of which nothing is left, and of parts of others."""
    lost = frame["disputed"] if "disputed" in frame else back * 0.0
    disputed = whole & (lost > 0)
    tell_left(frame[whole & ~disputed], Message("wholly refunded"), noun, reading)
    tell_left(frame[disputed], Message("lost in disputes"), noun, reading)
    parts = ~whole & (back > 0)
    if part := float((back - lost)[parts].sum()):
        reading.left.append(Message("{worth} refunded", worth=money(part)))
    if part := float(lost[parts].sum()):
        reading.left.append(Message("{worth} lost in disputes", worth=money(part)))


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


def _tell_kept(back: Any, first: str, reading: Reading) -> None:
    """Tell that amounts which the user names are taken as they are, and what was refunded."""
    if worth := float(back.sum()):
        name = reading.match.headers[reading.match.places["amount"]]
        text = (
            'the amounts are "{name}" as it is, without taking off {worth} refunded: if they are'
            ' before refunds, say --map "{name}={first}"'
        )
        reading.left.append(Message(text, name=name, worth=money(worth), first=first))


REFUNDED = re.compile(
    r"refund|reembols|estorn|rembours|rimbors|erstatt|devuel|возвр|退款|返金|مسترد", re.IGNORECASE
)
"""What a status has in it where money went back."""


def are_refunded(orders: Any) -> Any:
    """Which orders have a status that says that money went back."""
    if "status" not in orders:
        return orders["_row"] < 0
    return orders["status"].map(lambda cell: bool(REFUNDED.search(text_in(cell))))


def _refunds_unknown(frame: Any, reading: Reading) -> Iterable[Message]:
    """What is wrong with orders that were refunded, where no column says how much."""
    back = are_refunded(frame)
    if not back.any():
        return
    texts = frame["status"].map(text_in)
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
