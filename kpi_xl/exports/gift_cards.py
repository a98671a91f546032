"""Gift cards: what is sold as one counts when it is spent, as in the shops' own reports."""

import re
from typing import Any

from kpi_xl.exports.layouts import Layout
from kpi_xl.exports.options import money
from kpi_xl.exports.reading import Reading, tell_left, text_in
from kpi_xl.locales import Counted, Message

ITEM = ("item", "item_price", "item_quantity", "item_discount", "item_taxed")
"""Columns of an order's items, each on a line of its own."""

SPENT = re.compile(r"gift[ _]?card", re.IGNORECASE)
"""What ways of payment have in them where a gift card was spent."""


def with_gift_cards(frame: Any, layout: Layout) -> Any:
    """Lines with what the gift cards among their order's items cost, and without the items."""
    items = [name for name in ITEM if name in frame]
    if layout.gift_cards and {"item", "item_price", layout.once} <= {*frame}:
        worth = frame["item_price"]
        if "item_quantity" in frame:
            worth = worth * frame["item_quantity"].fillna(1.0)
        if "item_discount" in frame:
            worth = worth - frame["item_discount"].fillna(0.0).abs()
        pattern = layout.gift_cards
        sold = frame["item"].map(lambda cell: bool(pattern.fullmatch(text_in(cell).strip())))
        if "item_taxed" in frame:  # which no gift card is, whatever it is called
            sold &= frame["item_taxed"].map(lambda cell: text_in(cell).casefold() != "true")
        worth = worth.where(sold, 0.0).round(10)
        frame = frame.assign(gift_cards=worth.groupby(frame[layout.once]).transform("sum"))
    return frame.drop(columns=items)


def without_gift_cards(frame: Any, total: str, noun: str, reading: Reading) -> Any:
    """Orders without the gift cards that they sold; those of gift cards alone are left out.

    Of one with others of which a part was refunded, nobody knows what was kept.
    """
    sold = frame["gift_cards"].fillna(0.0)
    alone = (sold != 0) & ((frame[total] - sold).abs() < 0.005)
    some = (sold != 0) & ~alone
    tell_left(
        frame[alone], Message("of gift cards, which count when they are spent"), noun, reading
    )
    if some.any():
        text = "{worth} of gift cards in {orders} of other things, too, taken off"
        orders = Counted(int(some.sum()), noun)
        worth = money(float(sold[some].sum()))
        reading.left.append(Message(text, worth=worth, orders=orders))
    elif not alone.any() and "payment" in frame:
        spent = frame["payment"].map(lambda cell: bool(SPENT.search(text_in(cell))))
        text = (
            "paid with gift cards, which count: if some were sold here, under other names, they"
            " count twice"
        )
        tell_left(frame[spent], Message(text), noun, reading)
    if "refunded" in frame:
        back = frame["refunded"].fillna(0.0).abs()
        unknown = some & (back > 0) & (back < frame[total] - 0.005)
        frame = frame.assign(refunded=frame["refunded"].where(~unknown))
        sold = sold.where(~unknown)
    with_them = [name for name in (total, "subtotal", "amount") if name in frame]
    if "amount" in frame and (frame["amount"] < sold - 0.005)[some].any():
        with_them.remove("amount")  # the user's amounts are without them
    return frame.assign(**{name: frame[name] - sold for name in with_them})[~alone]
