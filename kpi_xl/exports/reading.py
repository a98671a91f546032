"""What a file gave for a table, while it is made rows of that table, and what is told of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kpi_xl.exports.options import money
from kpi_xl.exports.recognition import Match
from kpi_xl.locales import Counted, Message
from kpi_xl.schema import Column
from kpi_xl.sources.values import as_text
from kpi_xl.units import COUNT, DATE, MONEY, TEXT, Unit

THINGS = {"orders": Message("order"), "leads": Message("lead"), "rows": Message("row")}

NOUNS = {"Orders": "orders", "Leads": "leads"}
"""What the rows of a table are called."""

NUMBERS = {"Orders": "order", "Leads": "lead_id"}
"""The columns that say which row of a table is which."""

BESIDE: dict[str, Unit] = dict.fromkeys(
    ("total", "paid", "charged", "refunded", "adjusted", "disputed", "outstanding", "tax",
     "shipping", "subtotal", "discount", "duties", "tip", "gift_cards",
     "item_price", "item_quantity", "item_discount", "quantity", "price", "won_value",
     "actual"), MONEY
) | dict.fromkeys(
    ("day", "week", "month", "date", "start", "end", "until", "entered", "close", "started",
     "ended", "canceled", "period_start", "period_end", "trial_end", "created"),
    DATE,
) | {"results": COUNT, "mail": TEXT, "paid_for": TEXT, "paid_for_too": TEXT, "item": TEXT,
     "item_taxed": TEXT, "payment": TEXT}  # fmt: skip
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

    waiting: str = ""
    """What some of those have that may count in a later file, as --where takes it."""


# What is left out


def tell_left(rows: Any, why: str, noun: str, reading: Reading) -> None:
    """Tell of rows that are left out how many they are, why, and what they are worth."""
    if not len(rows):
        return
    things = Counted(len(rows), noun)
    if worth := worth_of(rows):
        reading.left.append(
            Message("{things} {why} ({worth})", things=things, why=why, worth=worth)
        )
    else:
        reading.left.append(Message("{things} {why}", things=things, why=why))


WORTH = "_worth "
"""What the columns begin with that say what rows are worth; then the file's header, of several."""


def worths(
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


def worth_of(rows: Any) -> str:
    """What some rows are worth, as it is told; nothing where no cell says it."""
    known = [name for name in rows if name.startswith(WORTH) and rows[name].notna().any()]
    sums = ((name.removeprefix(WORTH), money(float(rows[name].sum()))) for name in known)
    return ", ".join(f"{name} {worth}".strip() for name, worth in sums)


# Cells


def text_in(cell: Any) -> str:
    """What a cell of a column of texts says; "" where it is blank."""
    return "" if cell is None or cell != cell else as_text(cell)


def objects(values: Sequence[Any]) -> Any:
    """Cells as a column of pandas, which would make of some days or None something else."""
    import numpy as np
    import pandas as pd

    array = np.empty(len(values), dtype=object)
    array[:] = values
    return pd.Series(array, dtype=object)


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
