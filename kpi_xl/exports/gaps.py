"""Names and days that are blank where every row needs them: of subtotals, and of merged cells."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from kpi_xl.exports.reading import Reading, worth_of
from kpi_xl.exports.totals import may_be_total
from kpi_xl.locales import Counted, Message
from kpi_xl.schema import Column
from kpi_xl.sources.records import BLANK
from kpi_xl.units import DATE, KEY

DAYS_FROM = ("date", "day", "week", "month", "start")
"""The columns that a day may come from, where the file has none of its own name."""

MOST_TOLD = 5
"""How many rows are told by their numbers."""


OF_ROWS = "{fault} ({rows}: {numbers})"


def listed_rows(numbers: Sequence[int]) -> str:
    """The first of some rows."""
    return ", ".join([*map(str, numbers[:MOST_TOLD]), *["..."] * (len(numbers) > MOST_TOLD)])


def needed_in(columns: Sequence[Column]) -> list[list[str]]:
    """What every row of a table needs: each of some columns, or of a lead its name or its day."""
    needed = [[column.name] for column in columns if column.filled]
    if needed:
        return needed
    firsts = (next((c.name for c in columns if c.unit is unit), "") for unit in (KEY, DATE))
    return [[*filter(None, firsts)]]


def gaps(frame: Any, needed: Iterable[Sequence[str]], reading: Reading) -> Iterator[Message]:
    """What is wrong with the rows that are blank in all columns of one that is `needed`.

    Where either of several is enough, a name that a total may have is none. They are told with
    their number and worth; the first with its place, and whether it has in each number what the
    rows next to it come to.
    """
    for names in needed:
        there = [name for name in names if name in frame]
        lacking = frame["_row"].notna()
        for name in there:
            lacking &= frame[name].isna() | (len(names) > 1) & frame[name].map(may_be_total)
        if not lacking.any():
            continue
        rows = frame[lacking]
        numbers = [int(row) for row in rows["_row"].iloc[: MOST_TOLD + 1]]
        text, told = OF_ROWS, {"numbers": listed_rows(numbers)}
        if worth := worth_of(rows):
            text, told = "{fault} ({rows}: {numbers}; {worth})", {**told, "worth": worth}
        blank = next((one for one in there if rows[one].isna().iloc[0]), names[0])
        fault = _subtotal(frame, lacking) or Message(BLANK, name=blank)
        sentence = Message(text, fault=fault, rows=Counted(len(rows), "rows"), **told)
        name, at = _place(blank, numbers[0], reading)
        text = 'row {row}, column "{name}"{at}: {sentence}'
        yield Message(text, row=numbers[0], name=name, at=at, sentence=sentence)
        return


def gaps_in_ours(
    frame: Any, columns: Sequence[Column], given: Collection[str], reading: Reading
) -> Iterator[Message]:
    """The same of a table of ours, but of columns that the user has `given` a value.

    A column of names may be blank throughout, as of who has no campaigns.
    """
    days = {column.name for column in columns if column.unit is DATE}
    needed = [
        names
        for names in needed_in(columns)
        if {*names} <= {*frame} - {*given}
        and ({*names} <= days or frame[names].notna().any(axis=None))
    ]
    return gaps(frame, needed, reading)


def _place(name: str, row: int, reading: Reading) -> tuple[str, str]:
    """What the file calls a column, and the address of its cell in a row."""
    match = reading.match
    origins = (name, *(DAYS_FROM if name in ("date", "month", "week") else ()))
    place = next((match.places[one] for one in origins if one in match.places), None)
    return (name, "") if place is None else (match.headers[place], match.page.at(row, place))


def _subtotal(frame: Any, lacking: Any) -> Message | None:
    """What the first of the rows that lack a name is, where several next to it come to the same."""
    at = int(lacking.to_numpy().argmax())
    numbers = frame.select_dtypes("float64").fillna(0.0)
    numbers = numbers[[name for name in numbers if not name.startswith("_")]]
    own, others = numbers.iloc[at], ~lacking
    if number := _come_to(own, numbers[:at][others[:at]][::-1]):
        return Message(
            "the cell is blank, and the row has what the {number} rows above it come to: delete"
            " such rows, which are subtotals, or fill in what they are of",
            number=number,
        )
    if number := _come_to(own, numbers[at:][others[at:]]):
        return Message(
            "the cell is blank, and the row has what the {number} rows below it come to: delete"
            " such rows, which are subtotals, or fill in what they are of",
            number=number,
        )
    return None


def _come_to(own: Any, rows: Any) -> int:
    """How many of the rows, in their order, come to the same in each number: several, or 0."""
    same = ((rows.cumsum() - own).abs() < 0.005).all(axis=1).to_numpy()[1:]
    return int(same.argmax()) + 2 if own.any() and same.any() else 0
