"""Which rows of a frame count, and what their columns hold, wherever the rows are."""

import datetime
from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from itertools import product
from operator import and_, or_
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw

from kpi_xl import backends
from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput
from kpi_xl.locales import Message
from kpi_xl.metrics import table_rows, tallies
from kpi_xl.periods import (
    EPOCH,
    RETAIL,
    first_monday,
    period_number,
    retail_month,
    retail_year,
)
from kpi_xl.reference import did_you_mean
from kpi_xl.serials import ordinals_of, serial, serials_of
from kpi_xl.units import DATE, LARGEST, LARGEST_ID, LARGEST_ID_32, NEGLIGIBLE

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from kpi_xl.metrics.tallies import Floats, Integers

Table = list[list[Any]]


class RowsAtHand(NamedTuple):
    """Rows in this process, for the kernels of the cells: a number for each customer, serials."""

    names: list[Any]
    """The customers by their numbers, sorted."""
    customer: "Integers"
    days: "Integers"
    amounts: "Floats"


def rows_at_hand(
    frame: "IntoFrame", key: str, dates: Sequence[str], amount: str | None
) -> RowsAtHand:
    """The rows of a frame that count, fetched."""
    import numpy as np

    names: list[Any] | None = None
    # Pandas tells texts apart anew in each query; what is counted must not become a number.
    if backends.in_pandas(frame) and key not in {*dates, amount}:
        frame, names = backends.numbered(frame, key)
    rows = known_rows(frame, key, dates, amount)[0].collect()
    if names is None:
        keys = rows["key"].to_list()
        names = sorted(set(keys))
        place = {name: number for number, name in enumerate(names)}
        number = np.fromiter(map(place.__getitem__, keys), np.int64, len(keys))
    else:
        number = rows["key"].to_numpy().astype(np.int64)
    days = np.zeros(len(number), dtype=np.int64)
    if dates:
        days = rows["date0"].to_numpy().astype("datetime64[D]").astype(np.int64)
    amounts = rows["amount"].to_numpy().astype(float)
    return RowsAtHand(names, number, serials_of(days + EPOCH), amounts)


def left_over(total: str) -> nw.Expr:
    """A sum, or 0 where nothing but rounding is left of what was moved: see `tallies.sums`."""
    left = nw.col(total)
    return nw.when(left.abs() > NEGLIGIBLE * nw.col("moved")).then(left).otherwise(constant(0))


def left_over_of(parts: Iterable[tuple[float, float]]) -> float:
    """The same of several sums, each with what was moved."""
    totals, moved = zip(*parts, strict=True)
    total: float = sum(totals)
    return 0.0 if abs(total) <= NEGLIGIBLE * sum(moved) else total


AFTER_ALL = "\U0010ffff"


def segment_name(segment: Any) -> Any:
    """A segment, or (none) where it is null; pandas says so with NaN."""
    return tallies.NO_SEGMENT if segment is None or segment != segment else segment


def spellings(segments: Iterable[Any]) -> dict[Any, Any]:
    """The one spelling of each segment: the first of them, sorted."""
    names = sorted_names(set(segments))
    return dict(zip(names, tallies.one_channel(names), strict=True))


def sorted_names(segments: Iterable[Any]) -> list[Any]:
    """Numbers first: (none) may be among them."""
    return sorted(segments, key=lambda name: (isinstance(name, str), name))


def with_period(
    rows: nw.LazyFrame[Any],
    period: str,
    days: Iterable[int],
    date: str = "date",
    name: str = "period",
) -> nw.LazyFrame[Any]:
    """The rows with the number of a date's period, counted as in `tallies.period_numbers`.

    `days`: serial numbers, among them the first and the last one.
    """
    day, part = ordinal_of(nw.col(date)), nw.col(date).dt
    year, month = part.year().cast(nw.Int64), part.month().cast(nw.Int64)
    kind, _, start = period.partition("-")
    if kind != RETAIL:
        return rows.with_columns(period_number(day, year, month, period).alias(name))
    # As arithmetic alone it is too long a formula for engines that write it out.
    known = list(days)
    first, last = ((ordinals_of(end), end) for end in (min(known), max(known)))
    begun = [
        retail_year(ordinal, datetime.date.fromordinal(ordinal).year, int(start))
        for ordinal, _ in (first, last)
    ]
    if begun[1] - begun[0] > table_rows.MOST_AGES // 12:
        raise OutOfDomain("more years than can be shown: look for a date far too late or too early")
    # Side by side, and not within each other: of so many SQLite's parser gives up. The first twice:
    # Spark has no greatest of one.
    monday, number = [nw.lit(first_monday(begun[0], int(start)))] * 2, [nw.lit(begun[0])] * 2
    rows = rows.with_columns(retail_day=day)
    for year_begun in range(begun[0] + 1, begun[1] + 1):
        starts = first_monday(year_begun, int(start))
        since = nw.col("retail_day") >= starts
        for some, found in ((monday, starts), (number, year_begun)):
            some.append(nw.when(since).then(nw.lit(found)).otherwise(some[0]))
    rows = rows.with_columns(
        nw.max_horizontal(*number).alias("begun"), nw.max_horizontal(*monday).alias("monday")
    )
    rows = rows.with_columns(week=(nw.col("retail_day") - nw.col("monday")) // 7)
    rows = rows.with_columns(retail_month(nw.col("begun"), nw.col("week")).alias(name))
    return rows.drop("retail_day", "begun", "monday", "week")


def ordinal_of(day: nw.Expr) -> nw.Expr:
    """1 for the first day of year 1, and so on."""
    before = day.dt.year().cast(nw.Int64) - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + day.dt.ordinal_day()


# Reading columns


def known_rows(
    frame: "IntoFrame",
    key: str | None,
    dates: Sequence[str],
    amount: str | None,
    *,
    blank: Collection[str] = (),
    segment: str | None = None,
    numbers: Sequence[str] = (),
) -> tuple[nw.LazyFrame[Any], list[int]]:
    """The columns named, as key, date0, date1 ... and amount, without the rows null throughout.

    More are segment, and number0, number1 ... (TRUE is 1), which may be null, and so may those
    dates that are `blank`.

    Beside them the first and last days of the dates, as serial numbers: one query finds them, and
    what is wrong.
    """
    others = [name for name in (key, segment, amount, *numbers) if name is not None]
    lazy = backends.lazy(frame, dates, others)
    schema = lazy.collect_schema()
    given = dict(zip((f"date{number}" for number in range(len(dates))), dates, strict=True))
    has_nan = backends.has_nan(lazy)
    columns = [_date(schema, name) for name in dates]
    if key is not None:
        given = {"key": key, **given}
        columns.insert(0, _key(schema, key, has_nan=has_nan))
    if amount is not None:
        columns.append(amount_known(schema, amount, has_nan=has_nan))
        given["amount"] = amount
    names = list(given)
    measured = [name for name in names if name != "key"]
    named = dict(zip(names, columns, strict=True))
    if segment is not None:
        named["segment"] = _key(schema, segment, has_nan=has_nan)
    for number, name in enumerate(numbers):
        named[f"number{number}"] = amount_known(schema, name, has_nan=has_nan)
    rows = lazy.select(**named)
    texts = [name for name, kind in rows.collect_schema().items() if kind == nw.String]
    rows, facts = _known(rows, texts, names, measured)
    if facts.pop("padded", 0):
        rows, facts = _known(rows.with_columns(*map(_trimmed, texts)), [], names, measured)
    if key is not None and schema[key].is_float():
        _refuse_alike(key, facts["key_far"], schema[key])
    count = facts["rows"]
    if not count:
        raise NotEnoughData("{name} holds no values", name=given[names[0]])
    for name in names:
        missing = count - facts[f"{name}_known"]
        if missing and name != "amount" and name not in blank:
            raise WrongInput(
                "{column} is null in {missing} rows that are not null throughout",
                column=given[name],
                missing=missing,
            )
    for name, end in product(measured, ("first", "last")):
        if facts.get(f"{name}_{end}"):
            day = {"first": "< 0001-01-01", "last": "> 9999-12-31"}[end]
            raise OutOfDomain(NOT_IN_EXCEL, name=given[name], day=day)
    days = _days(
        (given[column], facts[f"{column}_{end}"], column != "amount")
        for end in ("low", "high")
        for column in measured
    )
    amounts = constant(0) if amount is None else nw.col("amount").fill_null(0.0)
    return rows.with_columns(amount=amounts), days


def _known(
    rows: nw.LazyFrame[Any], texts: Sequence[str], names: Sequence[str], measured: Sequence[str]
) -> tuple[nw.LazyFrame[Any], dict[str, Any]]:
    """The rows that are not null throughout, and facts about them, which one query finds.

    How many there are, and with text to be trimmed; how many of each of the names are not null, and
    the ends of the measured.
    """
    rows = rows.filter(~all_of(nw.col(name).is_null() for name in rows.collect_schema()))
    facts = {"rows": nw.len()}
    if texts:
        untidy = any_of(nw.col(name).str.contains(PADDED) for name in texts)
        facts["padded"] = nw.when(untidy).then(nw.lit(1)).otherwise(nw.lit(0)).sum()
    if "key" in names and rows.collect_schema()["key"].is_float():
        facts["key_far"] = nw.col("key").abs().max()
    facts |= {f"{name}_known": nw.col(name).count() for name in names}
    for name in measured:
        known = nw.col(name)
        if name != "amount" and (ends := backends.beyond(rows, name)):
            for end, is_beyond in zip(("first", "last"), ends, strict=True):
                beyond = nw.when(is_beyond).then(nw.lit(1)).otherwise(nw.lit(0))
                facts[f"{name}_{end}"] = beyond.sum()
            known = nw.when(~any_of(ends)).then(known)
        facts[f"{name}_low"], facts[f"{name}_high"] = known.min(), known.max()
    (found,) = backends.fetched(rows.select(*(fact.alias(name) for name, fact in facts.items())))
    return rows, dict(zip(facts, found, strict=True))


def _refuse_alike(name: str, far: float | None, kind: Any) -> None:
    """Refuse numbers of so many digits that one stands for several customers."""
    most = LARGEST_ID_32 if kind == nw.Float32 else LARGEST_ID
    if far is not None and far > most:
        text = "{text} is a number of too many digits to be told from others: write it as text"
        sentence = Message(text, text=f"{far:g}")
        raise OutOfDomain("{name}: {sentence}", name=name, sentence=sentence)


NOT_IN_EXCEL = "{name} holds {day}, a day that Excel does not have"


def serial_day(moment: datetime.date) -> int:
    """The day of a moment; of a late one its serial number may be rounded up to the next."""
    return int(serial(moment.date() if isinstance(moment, datetime.datetime) else moment))


def _days(ends: Iterable[tuple[str, Any, bool]]) -> list[int]:
    """The days among the ends of columns, each with its name and whether it is a day's.

    Refuses days and amounts that a cell does not have.
    """
    days = []
    for name, end, is_day in ends:
        if end is None or end != end:
            continue  # null throughout
        if is_day:
            days.append(serial_day(end))
            if not DATE.domain.low <= days[-1] <= DATE.domain.high:
                raise OutOfDomain(NOT_IN_EXCEL, name=name, day=f"{end:%Y-%m-%d}")
        elif abs(end) > LARGEST:
            raise OutOfDomain(
                "{name} holds {number}, too large a number for a cell", name=name, number=end
            )
    return days


def _column(schema: nw.Schema, name: str) -> tuple[nw.Expr, Any]:
    """A column and its type."""
    if not isinstance(name, str) or name not in schema:
        near = did_you_mean(str(name), [known for known in schema if isinstance(known, str)])
        raise WrongInput('the frame has no column "{name}"{near}', name=name, near=near)
    return nw.col(name), schema[name]


def _key(schema: nw.Schema, name: str, *, has_nan: bool) -> nw.Expr:
    key, kind = _column(schema, name)
    if kind == nw.Boolean:
        word = nw.when(key).then(nw.lit("TRUE")).otherwise(nw.lit("FALSE"))
        return nw.when(~key.is_null()).then(word)
    if kind.is_float():
        return nw.when(~key.is_nan()).then(key) if has_nan else key
    if kind.is_integer() or kind == nw.String:
        return key
    if kind not in (nw.Categorical, nw.Enum):
        raise WrongInput(
            "the column {name} is of type {kind}: make it text or whole numbers",
            name=name,
            kind=kind,
        )
    return key.cast(nw.String)


SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
PADDED = f"^$|^[{SPACES}]|[{SPACES}]$"
"""A text that is not as `str.strip` leaves it, or empty: to ask is much cheaper than to trim."""


def _trimmed(name: str) -> nw.Expr:
    """A text without spaces around it; an empty one is null."""
    text = nw.col(name)
    bare = text.str.replace_all(f"^[{SPACES}]+|[{SPACES}]+$", "")
    bare = nw.when(text.str.contains(PADDED)).then(bare).otherwise(text)
    return nw.when(bare != "").then(bare).alias(name)


def _date(schema: nw.Schema, name: str) -> nw.Expr:
    day, kind = _column(schema, name)
    if kind == nw.Datetime:
        return day if kind.time_zone is None else day.dt.replace_time_zone(None)
    if kind != nw.Date:
        raise WrongInput(
            "the column {name} is of type {kind}: make it dates or datetimes", name=name, kind=kind
        )
    return day


def amount_known(schema: nw.Schema, name: str, *, has_nan: bool) -> nw.Expr:
    """A column of numbers, of which NaN is null."""
    amount, kind = _column(schema, name)
    if kind == nw.Boolean:
        return nw.when(amount).then(constant(1)).otherwise(nw.when(~amount).then(constant(0)))
    if not kind.is_numeric():
        raise WrongInput(
            "the column {name} is of type {kind}: make it numbers", name=name, kind=kind
        )
    amount = amount.cast(nw.Float64)
    return nw.when(~amount.is_nan()).then(amount) if has_nan else amount


def constant(value: int) -> nw.Expr:
    """A number of the kind of amounts: PostgreSQL takes 0.0 for a decimal."""
    return nw.lit(value).cast(nw.Float64)


def all_of(tests: Iterable[nw.Expr]) -> nw.Expr:
    """Whether all are so."""
    return reduce(and_, tests)


def any_of(tests: Iterable[nw.Expr]) -> nw.Expr:
    """Whether one is so."""
    return reduce(or_, tests)


# Results


def in_order(lazy: nw.LazyFrame[Any]) -> "list[NDArray[Any]]":
    """The columns of a result without nulls, which may be of many rows, sorted by the first."""
    import numpy as np

    first = lazy.collect_schema().names()[0]
    columns = backends.arrays(lazy.sort(first))
    key = columns[0]
    if (key[1:] < key[:-1]).any():  # its engine has another order of texts
        order = np.array(sorted(range(len(key)), key=key.tolist().__getitem__))
        columns = [column[order] for column in columns]
    return columns


def collected(lazy: nw.LazyFrame[Any]) -> list[list[Any]]:
    """The columns of a result, its rows sorted by the first of them."""
    columns = backends.columns(lazy)
    order = sorted(range(len(columns[0])), key=columns[0].__getitem__)
    return [list(map(column.__getitem__, order)) for column in columns]
