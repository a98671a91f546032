"""The table functions over frames: pandas, Polars, DuckDB relations, what else Narwhals carries.

Each gives the table of the cell function of its name, from the names of a frame's columns. A lazy
frame is aggregated where it is: what comes back is a row a cohort and period, a channel, a segment
or, where the table itself is of customers, a customer.

- The rows of a frame have no order to rely on: where a cell function keeps the order of first
  appearance, these tables are sorted by customer, channel or segment.
- Columns are typed. A customer, channel or segment is a text (spaces around it do not count, nor
  do a channel's or segment's capitals; an empty one is null; one of digits stays a text), a whole
  or other number, or a boolean. A day is a date or a datetime, whose time and time zone are
  dropped. DuckDB's timestamps with a time zone have none of their own, and show that of the
  machine: their days are those of UTC, wherever they are counted. An amount is a number; null and
  NaN are 0.
- A row that is null throughout, in the columns named, is skipped. A null customer, channel or
  segment otherwise is an error, and so is a null date, but for those of stages.

The errors are those of the cells, raised as a KpiError.
"""

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw

from kpi_xl.cells import DAY_0, read, serial, table
from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput
from kpi_xl.metrics import METRICS, models, tables
from kpi_xl.reference import did_you_mean
from kpi_xl.units import DATE, LARGEST

if TYPE_CHECKING:
    import datetime

    import numpy as np
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Day = datetime.date | str | float | None

Table = list[list[Any]]


def cohort(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str | None = None,
    period: str = "M",
    measure: str = "retention",
    as_of: "Day" = None,
) -> Table:
    """COHORT of the orders in a frame."""
    period = read(METRICS["COHORT"], "period", period)
    measure = read(METRICS["COHORT"], "measure", measure)
    of_revenue = tables.of_revenue(measure, amount)
    log = _activity(_orders(frame, customer, date, amount, as_of), period, of_revenue=of_revenue)
    return table(tables.cohort_rows(log, period, measure))


def retention_curve(
    frame: "IntoFrame", customer: str, date: str, period: str = "M", as_of: "Day" = None
) -> Table:
    """RETENTION_CURVE of the orders in a frame."""
    period = read(METRICS["RETENTION_CURVE"], "period", period)
    log = _activity(_orders(frame, customer, date, None, as_of), period, of_revenue=False)
    return table(tables.curve_rows(log))


def rfm(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str,
    as_of: "Day" = None,
    bins: float = 5,
) -> Table:
    """RFM of the orders in a frame, sorted by customer."""
    import numpy as np

    bins = read(METRICS["RFM"], "bins", bins)
    orders = _orders(frame, customer, date, amount, as_of)
    names, last, frequency, monetary = _collected(
        _by_day(orders)
        .with_columns(bought_on=nw.when(nw.col("bought")).then(nw.col("day")))
        .group_by("key")
        .agg(
            nw.col("bought_on").max().alias("last"),
            nw.col("day").max().alias("seen"),
            nw.col("bought_on").count().alias("frequency"),
            nw.col("total").sum().alias("monetary"),
            nw.col("moved").sum(),
        )
        .select("key", nw.coalesce("last", "seen"), "frequency", _left("monetary"))
    )
    rows = tables.rfm_rows(
        names,
        _serials(np.array(last, dtype=np.int64)),
        np.array(frequency, dtype=np.int64),
        np.array(monetary, dtype=np.float64),
        orders.as_of,
        bins,
    )
    return table(rows)


def channel_mix(frame: "IntoFrame", channel: str, value: str) -> Table:
    """CHANNEL_MIX of the rows of a frame; channels of the same sum are sorted."""
    rows, _ = _rows(frame, channel, (), value)
    channels, sums = _collected(rows.group_by("key").agg(nw.col("amount").sum()))
    whole: dict[Any, float] = {}
    for name, amount in zip(tables.one_spelling(channels), sums, strict=True):
        whole[name] = whole.get(name, 0.0) + amount
    return table(tables.mix_rows(whole))


def funnel_by(
    frame: "IntoFrame",
    segment: str,
    stage_dates: Sequence[str],
    stages: Sequence[str | None] | None = None,
) -> Table:
    """FUNNEL_BY of the rows of a frame, a column a stage, sorted by segment."""
    given = None if stages is None else [name.strip() or None if name else None for name in stages]
    names = tables.stage_names(given, len(stage_dates))
    rows, _ = _rows(frame, segment, stage_dates, None, of_stages=True)
    days = [f"date{number}" for number in range(len(stage_dates))]
    reached = {
        day: nw.when(~_all(nw.col(later).is_null() for later in days[number:]))
        .then(nw.lit(1))
        .otherwise(nw.lit(0))
        for number, day in enumerate(days)
    }
    segments, *counts = _collected(
        rows.select("key", **reached).group_by("key").agg(*(nw.col(day).sum() for day in days))
    )
    by_segment: dict[Any, list[int]] = {}
    for name, row in zip(tables.one_spelling(segments), zip(*counts, strict=True), strict=True):
        before = by_segment.get(name, [0] * len(row))
        by_segment[name] = [one + more for one, more in zip(before, row, strict=True)]
    return table(tables.funnel_rows(by_segment, names))


def btyd_fit(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str | None = None,
    period: str = "W",
    as_of: "Day" = None,
    model: str = "bgnbd",
) -> Table:
    """BTYD_FIT of the orders in a frame."""
    period, model = (
        read(METRICS["BTYD_FIT"], name, word)
        for name, word in (("period", period), ("model", model))
    )
    bought = purchases(frame, customer, date, amount, as_of)
    return table(models.fit_rows(bought, period, model, of_spend=amount is not None))


def clv_forecast(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str,
    horizon: float,
    discount_rate: float = 0.0,
    period: str = "W",
    as_of: "Day" = None,
    model: str = "bgnbd",
) -> Table:
    """CLV_FORECAST of the orders in a frame, sorted by customer."""
    given = {
        "horizon": horizon, "discount_rate": discount_rate, "period": period, "model": model
    }  # fmt: skip
    options = {name: read(METRICS["CLV_FORECAST"], name, word) for name, word in given.items()}
    return table(models.forecast_rows(purchases(frame, customer, date, amount, as_of), **options))


def purchases(
    frame: "IntoFrame", customer: str, date: str, amount: str | None = None, as_of: "Day" = None
) -> models.Purchases:
    """The purchases in a frame, sorted by customer; without amounts every row is one."""
    import numpy as np

    orders = _orders(frame, customer, date, amount, as_of)
    names, days, first, last, spend = _collected(
        _by_day(orders)
        .filter(nw.col("bought"))
        .with_columns(first=nw.col("day").min().over("key"))
        .with_columns(repeat=nw.when(nw.col("day") > nw.col("first")).then(nw.col("total")))
        .group_by("key")
        .agg(
            nw.len().alias("days"),
            nw.col("day").min().alias("first"),
            nw.col("day").max().alias("last"),
            nw.col("repeat").mean().alias("spend"),
        )
        .with_columns(nw.col("spend").fill_null(0.0))
    )
    return models.Purchases(
        names,
        np.array(days, dtype=np.int64) - 1,
        _serials(np.array(first, dtype=np.int64)),
        _serials(np.array(last, dtype=np.int64)),
        np.array(spend, dtype=np.float64),
        orders.as_of,
    )


# Counting, where the rows are


class _Orders(NamedTuple):
    """Rows of key, date, day (an ordinal of Python's), amount and its size, dated by as_of."""

    rows: nw.LazyFrame[Any]
    as_of: int
    """A serial number."""


def _orders(
    frame: "IntoFrame", customer: str, date: str, amount: str | None, as_of: "Day"
) -> _Orders:
    observed = read(METRICS["RFM"], "as_of", as_of)
    rows, days = _rows(frame, customer, (date,), amount)
    moved, day = nw.col("amount").abs(), _ordinal(nw.col("date0"))
    rows = rows.select("key", "amount", moved=moved, date="date0", day=day)
    if observed is None:
        return _Orders(rows, max(days))
    if observed < min(days):
        raise NotEnoughData(tables.NOTHING_OBSERVED)
    until = observed + DAY_0 + (observed < 61)
    return _Orders(rows.filter(nw.col("day") <= until), observed)


def _by_day(orders: _Orders) -> nw.LazyFrame[Any]:
    """The days of each customer: total, and whether something was bought, not only returned."""
    return (
        orders.rows.group_by("key", "day")
        .agg(
            nw.col("amount").sum().alias("total"),
            nw.col("moved").sum(),
            nw.col("amount").max().alias("best"),
        )
        .select("key", "day", "moved", total=_left("total"), bought=nw.col("best") >= 0.0)
    )


def _left(total: str) -> nw.Expr:
    """A sum, or 0 where nothing but rounding is left of what was moved: see `tables.sums`."""
    left = nw.col(total)
    return nw.when(left.abs() > 1e-14 * nw.col("moved")).then(left).otherwise(nw.lit(0.0))


def _activity(orders: _Orders, period: str, *, of_revenue: bool) -> tables.Activity:
    import numpy as np

    born, at, buyers, amounts = _collected(
        orders.rows.with_columns(period=_period(period))
        .group_by("key", "period")
        .agg(nw.col("amount").sum(), nw.col("moved").sum())
        .with_columns(born=nw.col("period").min().over("key"))
        .group_by("born", "period")
        .agg(nw.len().alias("buyers"), nw.col("amount").sum(), nw.col("moved").sum())
        .select("born", "period", "buyers", _left("amount"))
    )
    cohorts, periods = np.array(born, dtype=np.int64), np.array(at, dtype=np.int64)
    oldest = int(cohorts.min())
    place = cohorts - oldest, periods - oldest
    revenue = (*place, np.array(amounts, dtype=np.float64)) if of_revenue else None
    return tables.tabulated(oldest, orders.as_of, period, (*place, np.array(buyers)), revenue)


def _period(period: str) -> nw.Expr:
    """The number of each date's period, counted as in `tables.period_numbers`."""
    if period == "D":
        return nw.col("day") - EPOCH
    if period == "W":
        return (nw.col("day") - 1) // 7 - EPOCH // 7  # the first day of year 1 was a Monday
    day, months = nw.col("date").dt, tables.MONTHS[period]
    return (day.year().cast(nw.Int64) * 12 + day.month() - 1) // months - 1970 * 12 // months


EPOCH = DAY_0 + tables.EPOCH  # 1970-01-01 as an ordinal


def _ordinal(day: nw.Expr) -> nw.Expr:
    """1 for the first day of year 1, and so on."""
    before = day.dt.year().cast(nw.Int64) - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + day.dt.ordinal_day()


def _serials(ordinals: "Integers") -> "Integers":
    since = ordinals - DAY_0
    return since - (since < 61)


# Reading columns


def _rows(
    frame: "IntoFrame",
    key: str,
    dates: Sequence[str],
    amount: str | None,
    *,
    of_stages: bool = False,
) -> tuple[nw.LazyFrame[Any], list[int]]:
    """The columns named, as key, date0, date1 ... and amount, without the rows null throughout.

    Beside them the first and last days of the dates, as serial numbers: one query finds them, and
    what is wrong. Only the dates of stages may be null.
    """
    lazy = _in_utc(nw.from_native(frame).lazy(), dates)
    schema = lazy.collect_schema()
    columns = [_key(schema, key), *(_date(schema, name) for name in dates)]
    names = ["key", *(f"date{number}" for number in range(len(dates)))]
    given = [key, *dates]
    if amount is not None:
        columns.append(_amount(schema, amount))
        names.append("amount")
        given.append(amount)
    rows = lazy.select(**dict(zip(names, columns, strict=True)))
    rows = rows.filter(~_all(nw.col(name).is_null() for name in names))
    facts = rows.select(
        nw.len().alias("rows"),
        *(nw.col(name).is_null().sum().alias(f"{name}_nulls") for name in names),
        *(nw.col(name).min().alias(f"{name}_low") for name in names[1:]),
        *(nw.col(name).max().alias(f"{name}_high") for name in names[1:]),
    )
    ((count, *found),) = _fetched(facts)
    nulls, ends = found[: len(names)], found[len(names) :]
    if not count:
        raise NotEnoughData(f"{key} holds no values")
    for name, missing in zip([key] if of_stages else [key, *dates], nulls, strict=False):
        if missing:
            raise WrongInput(f"{name} is null in {missing} rows that are not null throughout")
    days = []
    for name, column, end in zip(given[1:] * 2, names[1:] * 2, ends, strict=True):
        if end is None or end != end:
            continue  # null throughout
        if column != "amount":
            days.append(math.floor(serial(end)))
            if not DATE.domain.low <= days[-1] <= DATE.domain.high:
                raise OutOfDomain(f"{name} holds {end:%Y-%m-%d}, a day that Excel does not have")
        elif abs(end) > LARGEST:
            raise OutOfDomain(f"{name} holds {end}, too large a number for a cell")
    amounts = nw.lit(0.0) if amount is None else nw.col("amount").fill_null(0.0)
    return rows.with_columns(amount=amounts), days


def _in_utc(lazy: nw.LazyFrame[Any], dates: Sequence[str]) -> nw.LazyFrame[Any]:
    """A DuckDB relation with the days of UTC in place of those of its connection's time zone."""
    if lazy.implementation is not nw.Implementation.DUCKDB:
        return lazy
    relation = lazy.to_native()
    zoned = {
        name
        for name, kind in zip(relation.columns, relation.types, strict=True)
        if name in dates and str(kind) == "TIMESTAMP WITH TIME ZONE"
    }
    if not zoned:
        return lazy
    quoted = ['"{}"'.format(name.replace('"', '""')) for name in relation.columns if name in zoned]
    moments = ", ".join(f"make_timestamp(epoch_us({name})) AS {name}" for name in quoted)
    in_utc: nw.LazyFrame[Any] = nw.from_native(relation.project(f"* REPLACE ({moments})")).lazy()
    return in_utc


def _column(schema: nw.Schema, name: str) -> tuple[nw.Expr, Any]:
    """A column and its type."""
    if name not in schema:
        raise WrongInput(f"the frame has no column {name!r}{did_you_mean(name, schema)}")
    return nw.col(name), schema[name]


def _key(schema: nw.Schema, name: str) -> nw.Expr:
    key, kind = _column(schema, name)
    if kind == nw.Boolean:
        word = nw.when(key).then(nw.lit("TRUE")).otherwise(nw.lit("FALSE"))
        return nw.when(~key.is_null()).then(word)
    if kind.is_float():
        return nw.when(~key.is_nan()).then(key)
    if kind.is_integer():
        return key
    if kind not in (nw.String, nw.Categorical, nw.Enum):
        raise WrongInput(f"the column {name} is of type {kind}: make it text or whole numbers")
    text = key.cast(nw.String).str.strip_chars()
    return nw.when(text != "").then(text)


def _date(schema: nw.Schema, name: str) -> nw.Expr:
    day, kind = _column(schema, name)
    if kind == nw.Datetime:
        return day if kind.time_zone is None else day.dt.replace_time_zone(None)
    if kind != nw.Date:
        raise WrongInput(f"the column {name} is of type {kind}: make it dates or datetimes")
    return day


def _amount(schema: nw.Schema, name: str) -> nw.Expr:
    amount, kind = _column(schema, name)
    if not kind.is_numeric():
        raise WrongInput(f"the column {name} is of type {kind}: make it numbers")
    amount = amount.cast(nw.Float64)
    return nw.when(~amount.is_nan()).then(amount)


def _all(tests: Iterable[nw.Expr]) -> nw.Expr:
    return reduce(and_, tests)


# Results


def _collected(lazy: nw.LazyFrame[Any]) -> list[list[Any]]:
    """The columns of a small result, its rows sorted by the first of them."""
    rows = sorted(_fetched(lazy), key=lambda row: row[0])
    return [list(column) for column in zip(*rows, strict=True)] or [
        [] for _ in lazy.collect_schema()
    ]


def _fetched(lazy: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
    if lazy.implementation is nw.Implementation.DUCKDB:
        # Collecting would need PyArrow.
        rows: list[tuple[Any, ...]] = lazy.to_native().fetchall()
        return rows
    return lazy.collect().rows()
