"""Orders in a frame, counted where its rows are: days of customers, cohorts and their activity."""

import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw

from kpi_xl import backends
from kpi_xl.cells import read
from kpi_xl.errors import NotEnoughData
from kpi_xl.frame_rows import (
    AFTER_ALL,
    collected,
    constant,
    known_rows,
    left_over,
    ordinal_of,
    rows_at_hand,
    segment_name,
    sorted_names,
    spellings,
    with_period,
)
from kpi_xl.metrics import METRICS, tallies
from kpi_xl.periods import (
    ROLLING,
    ROLLING_DAYS,
)
from kpi_xl.serials import ordinals_of, serials_of

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

    from kpi_xl.metrics.tallies import Integers

    Day = datetime.date | str | float | None


def bought_by_customer(orders: "DatedOrders") -> nw.LazyFrame[Any]:
    """Each customer's last purchase, purchase days and total."""
    return (
        by_day_bought(orders)
        .with_columns(bought_on=nw.when(nw.col("bought")).then(nw.col("day")))
        .group_by("key")
        .agg(*LAST_AND_SPENT)
        .select("key", nw.coalesce("last", "seen"), "frequency", left_over("monetary"))
    )


LAST_AND_SPENT = (
    nw.col("bought_on").max().alias("last"),
    nw.col("day").max().alias("seen"),
    nw.col("bought_on").count().alias("frequency"),
    nw.col("total").sum().alias("monetary"),
    nw.col("moved").sum(),
)


class DatedOrders(NamedTuple):
    """Rows of key, date, day (an ordinal of Python's), amount and its size, dated by as_of.

    Beside them the segment, if there are any.
    """

    rows: nw.LazyFrame[Any]
    as_of: int
    """A serial number."""
    days: tuple[int, int]
    """The first and the last day, also if it is after as_of."""
    of_segments: bool = False


def orders_of(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str | None,
    as_of: "Day",
    segment: str | None = None,
) -> DatedOrders:
    """The rows of a frame as orders, up to a day."""
    observed = read(METRICS["RFM"], "as_of", as_of)
    rows, days = known_rows(frame, customer, (date,), amount, segment=segment)
    moved, day = nw.col("amount").abs(), ordinal_of(nw.col("date0"))
    of_segments = segment is not None
    names, ends = ["segment"] * of_segments, (min(days), max(days))
    rows = rows.select("key", "amount", *names, moved=moved, date="date0", day=day)
    if observed is None:
        return DatedOrders(rows, max(days), ends, of_segments)
    if observed < min(days):
        raise NotEnoughData(tallies.NOTHING_OBSERVED)
    until = ordinals_of(observed)
    return DatedOrders(rows.filter(nw.col("day") <= until), observed, ends, of_segments)


def by_day_bought(orders: DatedOrders) -> nw.LazyFrame[Any]:
    """The days of each customer: total, and whether something was bought, not only returned."""
    return (
        orders.rows.group_by("key", "day")
        .agg(
            nw.col("amount").sum().alias("total"),
            nw.col("moved").sum(),
            nw.col("amount").max().alias("best"),
        )
        .select("key", "day", "moved", total=left_over("total"), bought=nw.col("best") >= 0.0)
    )


def observed(
    frame: "IntoFrame", customer: str, date: str, amount: str | None, segment: str | None,
    as_of: "Day", period: str, *, of_revenue: bool, of_customers: bool = True,
) -> tallies.Activity:  # fmt: skip
    """Customers and revenue by segment, cohort and age; see `activity`."""
    if segment is not None or not backends.in_pandas(frame):
        orders = orders_of(frame, customer, date, amount, as_of, segment)
        return activity(orders, period, of_revenue=of_revenue, of_customers=of_customers)
    until = read(METRICS["RFM"], "as_of", as_of)
    rows = rows_at_hand(frame, customer, (date,), amount)
    amounts = rows.amounts if of_revenue else None
    return tallies.activity(rows.customer, rows.days, period, until, amounts)


def activity(
    orders: DatedOrders, period: str, *, of_revenue: bool, of_customers: bool = True
) -> tallies.Activity:
    """Customers and revenue by segment, cohort and age; without customers only their cohorts'."""
    import numpy as np

    rows, segment = orders.rows, ["segment"] * orders.of_segments
    if period != ROLLING:
        rows = with_period(rows, period, orders.days)
    since = "day" if period == ROLLING else "period"
    firsts = first_days(rows, since, of_segments=orders.of_segments)
    rows = rows.select("key", since, "amount", "moved")
    if of_customers:
        rows = rows.group_by("key", since).agg(nw.col("amount").sum(), nw.col("moved").sum())
    rows = rows.join(firsts, on="key")
    age = nw.col(since) - nw.col("born")
    rows = rows.with_columns(age=age // ROLLING_DAYS if period == ROLLING else age)
    if of_customers and period == ROLLING:
        rows = rows.group_by("key", "born", "age", *segment).agg(
            nw.col("amount").sum(), nw.col("moved").sum()
        )
    counted = (
        rows.group_by("born", "age", *segment)
        .agg(nw.len().alias("buyers"), nw.col("amount").sum(), nw.col("moved").sum())
        .select("born", "age", "buyers", *segment, amount=left_over("amount"))
    )
    if not of_customers:
        # One query for amounts and customers: who came first is then found once.
        whole, none = nw.Int64, nw.lit(0)
        sizes = firsts.group_by("born", *segment).agg(nw.len().alias("buyers"))
        sizes = sizes.with_columns(nw.col("buyers").cast(whole), age=none.cast(whole))
        counted = counted.with_columns(nw.col("age").cast(whole), buyers=none.cast(whole))
        parts = counted, sizes.with_columns(amount=constant(0))
        counted = nw.concat([p.select("born", "age", "buyers", "amount", *segment) for p in parts])
    born, ages, buyers, amounts, *segments = collected(
        counted.select("born", "age", "buyers", "amount", *segment)
    )
    names, number = _segments_numbered(*segments, count=len(born))
    cohorts = np.array(born, dtype=np.int64)
    if period == ROLLING:
        cohorts = serials_of(cohorts)
    oldest = int(cohorts.min())
    where = number, cohorts - oldest, np.array(ages, dtype=np.int64)
    revenue = (*where, np.array(amounts, dtype=np.float64)) if of_revenue else None
    active = (*where, np.array(buyers))
    return tallies.tabulated(oldest, orders.as_of, period, active, revenue, names)


def first_days(rows: nw.LazyFrame[Any], since: str, *, of_segments: bool) -> nw.LazyFrame[Any]:
    """Each customer's first period, or day, as `born`; the segment of the first day.

    Of several segments on that day it is the least.
    """
    born = nw.col(since).min().alias("born")
    if not of_segments:
        return rows.group_by("key").agg(born)
    first = rows.group_by("key").agg(nw.col("day").min())
    rows = rows.join(first, on=["key", "day"], how="semi")
    if rows.collect_schema()["segment"] != nw.String:
        return rows.group_by("key").agg(born, nw.col("segment").min())
    # Texts and nulls in one column of pandas have no least.
    rows = rows.with_columns(nw.col("segment").fill_null(AFTER_ALL))
    rows = rows.group_by("key").agg(born, nw.col("segment").min())
    segment = nw.col("segment")
    return rows.with_columns(segment=nw.when(segment != AFTER_ALL).then(segment))


def _segments_numbered(*segments: list[Any], count: int) -> tuple[list[Any], "Integers"]:
    """The different segments, sorted, and the number of each; of none, only zeros."""
    import numpy as np

    if not segments:
        return [], np.zeros(count, dtype=np.int64)
    known = list(map(segment_name, segments[0]))
    spelled = spellings(known)
    names = sorted_names(set(spelled.values()))
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[spelled[name]] for name in known], dtype=np.int64)
