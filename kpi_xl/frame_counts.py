"""What the retention workbook is made of, where its orders are more than a sheet holds."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw

from kpi_xl import backends
from kpi_xl.cells import read
from kpi_xl.errors import KpiError, NotEnoughData
from kpi_xl.frame_orders import (
    LAST_AND_SPENT,
    DatedOrders,
    activity,
    bought_by_customer,
    by_day_bought,
    orders_of,
)
from kpi_xl.frame_rows import Table, collected, constant, left_over
from kpi_xl.metrics import METRICS, histories, table_rows
from kpi_xl.serials import ordinals_of, serials_of

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

    from kpi_xl.metrics.tallies import Integers


class Asked(NamedTuple):
    """What is asked of the models of purchases, which count in weeks, with the prior "weak"."""

    horizon: int
    discount_rate: float
    model: str
    held_out: int
    confidence: float


class Foretold(NamedTuple):
    """The tables of BTYD_FIT, CLV_TOTAL, BTYD_CHECK, and CLV_TOTAL of the weeks held out.

    `by_day`: whether times are in days, and not in whole weeks, as of very many customers.
    `alike` is CLV_FORECAST added up, by repeat purchases: customers, repeat purchases (7 for more,
    too), still customers, purchases, CLV. One error stands for a table that is not there.
    `correlation`: of purchase days with what is spent on each, over those who bought again; None
    where all do so alike.
    """

    fit: Table
    alike: Table
    total: Table
    check: Table
    before: Table
    correlation: float | None
    by_day: bool


class RetentionCounts(NamedTuple):
    """What the retention workbook is made of, where its orders are more than a sheet holds.

    `days` has a row a day: the day, orders, revenue. `cohorts` are the tables of COHORT by their
    measures. `customers` has a row for customers who are alike: how many, the days since their last
    purchase, purchase days (2 for more, too), what they spent, their days since, added up, segment.
    """

    days: Table
    cohorts: dict[str, Table]
    curve: Table
    customers: Table
    foretold: Foretold | None
    """None where nothing was asked, or there are more than MOST_HISTORIES."""


def retention_counts(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str,
    period: str = "M",
    forecast: Asked | None = None,
) -> RetentionCounts:
    """COHORT of every measure, RETENTION_CURVE, RFM added up, and the days of a frame's orders.

    What the models of purchases tell, too, where a forecast is asked for.
    """
    period = read(METRICS["COHORT"], "period", period)
    with backends.counting(frame):
        orders = orders_of(frame, customer, date, amount, None)
        log = activity(orders, period, of_revenue=True)
        days = _daily(orders)
        split = orders.as_of - 7 * (forecast.held_out if forecast else 0)
        each = (
            backends.kept(_by_customer(orders, split)) if forecast else bought_by_customer(orders)
        )
        customers, correlation = _alike(orders, each)
        many = sum(row[0] for row in customers[1:])
        foretold = None
        if forecast:
            by_day = many <= MOST_BY_DAY
            foretold = _foretold(orders, each, split, forecast, correlation, by_day=by_day)
    without = log._replace(revenue=None, moved=None)
    measures = {"retention": without, "customers": without, "revenue": log,
                "revenue_retention": log}  # fmt: skip
    cohorts = {name: table_rows.cohort_rows(one, period, name) for name, one in measures.items()}
    try:
        curve = table_rows.curve_rows(without)
    except NotEnoughData:  # of one period there are cohorts, and no curve yet
        curve = []
    return RetentionCounts(days, cohorts, curve, customers, foretold)


def _daily(orders: "DatedOrders") -> Table:
    """Orders and revenue by day."""
    import numpy as np

    found = orders.rows.group_by("day").agg(
        nw.len().alias("orders"), nw.col("amount").sum(), nw.col("moved").sum()
    )
    days, counts, sums = collected(found.select("day", "orders", left_over("amount")))
    serials = serials_of(np.array(days, dtype=np.int64)).tolist()
    return [["day", "orders", "revenue"], *map(list, zip(serials, counts, sums, strict=True))]


def _by_customer(orders: "DatedOrders", split: int) -> nw.LazyFrame[Any]:
    """The same of customers without their names, and what the models take of them.

    The days from the first purchase to the last, and to as_of; what they spend a repeat day; and
    both until the day `split`, with the purchases until then.
    """
    day, first, known = nw.col("day"), nw.col("first"), ordinals_of(split)
    # Bought on a day is what is not only returned: the first such day needs no day added up.
    firsts = (
        orders.rows.filter(nw.col("amount") >= 0.0).group_by("key").agg(day.min().alias("first"))
    )
    bought, earlier = nw.col("bought"), nw.col("bought") & (day <= known)
    again = day > first
    days = (
        by_day_bought(orders)
        .join(firsts, on="key", how="left")
        .with_columns(
            bought_on=nw.when(bought).then(day),
            earlier=nw.when(earlier).then(day),
            repeat=nw.when(bought & again).then(nw.col("total")),
            repeat_earlier=nw.when(earlier & again).then(nw.col("total")),
        )
    )
    each = days.group_by("key").agg(
        *LAST_AND_SPENT,
        first.max(),
        nw.col("earlier").max().alias("last_earlier"),
        nw.col("earlier").count().alias("often_earlier"),
        nw.col("repeat").mean().alias("spend"),
        nw.col("repeat_earlier").mean().alias("spend_earlier"),
    )
    last = nw.coalesce("last", "seen")
    return each.select(
        last, "frequency", left_over("monetary"),
        "first", "often_earlier", "last_earlier", often="frequency",
        spend=nw.col("spend").fill_null(0.0), spend_earlier=nw.col("spend_earlier").fill_null(0.0),
    )  # fmt: skip


def _alike(orders: "DatedOrders", each: nw.LazyFrame[Any]) -> tuple[Table, float | None]:
    """Customers by their segment, days since the last purchase, and whether they came back.

    Beside them how purchase days go with what is spent on each.
    """
    import numpy as np

    last, frequency, monetary = backends.arrays(each.select("last", "frequency", "monetary"))
    scored = table_rows.rfm_scores(
        serials_of(last.astype(np.int64)), frequency, monetary, orders.as_of, 5
    )
    often, longest = np.minimum(frequency, 2).astype(np.int64), int(scored.recency.max()) + 1
    kind = (3 * scored.segment + often) * longest + scored.recency
    kinds, where = np.unique(kind, return_inverse=True)
    many, spent = np.bincount(where), np.bincount(where, weights=scored.spent)
    recency = kinds % longest
    named = [name for levels in table_rows.SEGMENTS for name in levels]
    segments = [named[number] for number in (kinds // longest // 3).tolist()]
    columns = (many, recency, kinds // longest % 3, spent, many * recency)
    header = ["customers", "recency days", "frequency", "monetary", "days", "segment"]
    rows = zip(*(column.tolist() for column in columns), segments, strict=True)
    again = frequency > 1
    days, a_day = frequency[again].astype(float), scored.spent[again] / frequency[again]
    told = len(days) > 1 and np.ptp(days) > 0.0 and np.ptp(a_day) > 0.0
    correlation = float(np.corrcoef(days, a_day)[0, 1]) if told else None
    return [header, *map(list, rows)], correlation


MOST_BY_DAY = 1_000_000
"""Customers whose histories the models take by the day; of more, they take them by the week."""
MOST_HISTORIES = 4_000_000
"""Different histories of which there is a forecast."""


def _foretold(
    orders: "DatedOrders",
    each: nw.LazyFrame[Any],
    split: int,
    asked: Asked,
    correlation: float | None,
    *,
    by_day: bool,
) -> Foretold | None:
    """What the models say of the histories of customers who are alike; None of too many."""
    whole = _purchase_counts(each, orders.as_of, by_day=by_day)
    known = _purchase_counts(each, split, "_earlier", by_day=by_day)
    if max(len(part.many) for part, _ in (whole, known)) > MOST_HISTORIES:
        return None
    (bought, _), (earlier, later) = whole, known
    ahead, how = (asked.horizon, asked.discount_rate), ("W", asked.model, "weak")
    sure = asked.confidence

    def held_out() -> Table:
        histories.refuse_split(split, orders.as_of)
        return histories.check_rows(earlier, _later(orders, split, later), *how)

    return Foretold(
        fit=_shown(lambda: histories.fit_rows(bought, *how, None, of_spend=True)),
        alike=_shown(lambda: histories.alike_rows(bought, *ahead, *how)),
        total=_shown(lambda: histories.total_rows(bought, *ahead, *how, sure)),
        check=_shown(held_out),
        before=_shown(lambda: histories.total_rows(earlier, asked.held_out, 0.0, *how, sure)),
        correlation=correlation,
        by_day=by_day,
    )


def _shown(make: Callable[[], Table]) -> Table:
    """A table, or the one error that a cell has in its place."""
    try:
        return make()
    except KpiError as error:
        return [[error.shown()]]


def _purchase_counts(
    each: nw.LazyFrame[Any], until: int, earlier: str = "", *, by_day: bool
) -> tuple[histories.PurchaseCounts, "Integers"]:
    """Customers of one history up to a day, counted where they are, and what each bought later.

    Those who bought as often later are counted apart, if it is asked of an earlier day.
    """
    import numpy as np

    often = nw.col(f"often{earlier}")
    whole = nw.Int64
    rows = each.filter(often > 0).select(
        repeats=(often - 1).cast(whole),
        active=_rounded(nw.col(f"last{earlier}") - nw.col("first"), by_day=by_day),
        age=_rounded(nw.lit(ordinals_of(until)) - nw.col("first"), by_day=by_day),
        later=(nw.col("often") - often).cast(whole),
        spend=nw.col(f"spend{earlier}"),
    )
    spend = nw.when(nw.col("spend") > 0.0).then(nw.col("spend")).otherwise(constant(0))
    kind = ["repeats", "active", "age", "later"]
    alike = (
        rows.with_columns(paid=spend, squares=spend * spend)
        .group_by(*kind)
        .agg(nw.len().alias("many"), nw.col("paid").sum(), nw.col("squares").sum())
    )
    repeats, active, age, later, many, paid, squares = backends.arrays(
        alike.select(*kind, "many", "paid", "squares").head(MOST_HISTORIES + 1)
    )
    who = rows.filter((nw.col("repeats") > 0) & (nw.col("spend") > 0.0))
    # A mean of so many customers needs no cent of theirs: within 0.4 % they are alike.
    step = nw.col("spend") if by_day else (nw.col("spend").log() * 250.0).round()
    pairs = (
        who.with_columns(step=step)
        .group_by("repeats", "step")
        .agg(nw.len().alias("many"), nw.col("spend").sum())
    )
    x, count, total = backends.arrays(pairs.select("repeats", "many", "spend"))
    counts = histories.PurchaseCounts(
        repeats.astype(np.int64),
        active.astype(np.int64),
        age.astype(np.int64),
        many.astype(float),
        paid.astype(float),
        squares.astype(float),
        (x.astype(float), total.astype(float) / count, count.astype(float)),
    )
    return counts, later.astype(np.int64)


def _rounded(days: nw.Expr, *, by_day: bool) -> nw.Expr:
    """Days, or those of the nearest whole weeks."""
    days = days.cast(nw.Int64)
    return days if by_day else (days + 3) // 7 * 7


def _later(orders: "DatedOrders", split: int, each: "Integers") -> histories.Later:
    """Purchases after a day, of those who bought by then."""
    import numpy as np

    day, known = nw.col("day"), ordinals_of(split)
    seen = orders.rows.filter((nw.col("amount") >= 0.0) & (day <= known))
    seen = seen.group_by("key").agg(day.min().alias("first"))
    since = by_day_bought(orders._replace(rows=orders.rows.filter(day > known))).filter(
        nw.col("bought")
    )
    by_day = since.join(seen, on="key", how="semi").group_by("day").agg(nw.len().alias("many"))
    days, many = (
        column.astype(np.int64) for column in backends.arrays(by_day.select("day", "many"))
    )
    return histories.Later(each, serials_of(days), many, split, orders.as_of)
