"""The table functions over frames, wherever their rows are: see `backends` for the engines.

Each gives the table of the cell function of its name, from the names of a frame's columns, as a
frame of the kind that it was given: see `containers.table`. A lazy frame is aggregated where it is:
what is fetched is a row a cohort and period, a channel, a segment or, where the table itself is of
customers, a customer. It is computed at once: the lazy frame that comes back holds the result.

- The rows of a frame have no order to rely on: where a cell function keeps the order of first
  appearance, these tables are sorted by customer, channel or segment.
- The segment of a customer is that on the first day; of several on that day the least.
- Columns are typed. A customer, channel or segment is a text (spaces around it do not count, nor
  do a channel's or segment's capitals, nor the collation of its column; an empty one is null; one
  of digits stays a text), a whole or other number (of more digits than 64 bits have it comes back
  as a text), or a boolean. A day is a date or a datetime, whose time and time zone are
  dropped. The moments of DuckDB, Spark (TIMESTAMP, not TIMESTAMP_NTZ) and PostgreSQL have no zone
  of their own, and show that of the session: their days are those of UTC, wherever they are
  counted. An amount is a number; null and NaN are 0.
- A row that is null throughout, in the columns named, is skipped. A null customer, channel or
  segment otherwise is an error, and so is a null date, but for those of stages.

The errors are those of the cells, raised as a KpiError.
"""

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import reduce, wraps
from itertools import product
from operator import and_, or_
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar, cast

import narwhals as nw

from kpi_xl import backends, containers
from kpi_xl.cells import read
from kpi_xl.errors import KpiError, NotEnoughData, OutOfDomain, WrongInput
from kpi_xl.locales import Message
from kpi_xl.metrics import METRICS, economics, forecasts, histories, tables
from kpi_xl.periods import (
    EPOCH,
    RETAIL,
    ROLLING,
    ROLLING_DAYS,
    first_monday,
    period_number,
    retail_month,
    retail_year,
)
from kpi_xl.reference import did_you_mean
from kpi_xl.serials import ordinals_of, serial, serials_of
from kpi_xl.units import DATE, LARGEST, LARGEST_ID, LARGEST_ID_32, NEGLIGIBLE

if TYPE_CHECKING:
    import numpy as np
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Day = datetime.date | str | float | None

Table = list[list[Any]]
Frame = TypeVar("Frame")
Options = ParamSpec("Options")


class OverFrame(Protocol[Options]):
    """A function of a frame that gives the same kind of frame."""

    def __call__(self, frame: Frame, /, *args: Options.args, **kwargs: Options.kwargs) -> Frame:
        """The table, as a frame."""
        ...


FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The functions over frames by name."""


def over_frame(
    rows: "Callable[Concatenate[Any, Options], Table | dict[str, NDArray[Any]]]",
) -> OverFrame[Options]:
    """The function that gives a table, of rows or of columns, as a frame of the kind that came."""

    @wraps(rows)
    def call(frame: Any, /, *args: Options.args, **kwargs: Options.kwargs) -> Any:
        with backends.counting(frame):
            return containers.table(rows(frame, *args, **kwargs), frame)

    FUNCTIONS[rows.__name__] = made = cast("OverFrame[Options]", call)
    return made


@over_frame
def cohort(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str | None = None,
    period: str = "M",
    measure: str = "retention",
    as_of: "Day" = None,
    segment: str | None = None,
) -> Table:
    """COHORT of the orders in a frame."""
    period = read(METRICS["COHORT"], "period", period)
    measure = read(METRICS["COHORT"], "measure", measure)
    of_revenue = tables.of_revenue(measure, amount)
    columns = customer, date, amount, segment
    log = _observed(frame, *columns, as_of, period, of_revenue=of_revenue)
    return tables.cohort_rows(log, period, measure)


@over_frame
def retention_curve(
    frame: "IntoFrame",
    customer: str,
    date: str,
    period: str = "M",
    as_of: "Day" = None,
    segment: str | None = None,
) -> Table:
    """RETENTION_CURVE of the orders in a frame."""
    period = read(METRICS["RETENTION_CURVE"], "period", period)
    columns = customer, date, None, segment
    return tables.curve_rows(_observed(frame, *columns, as_of, period, of_revenue=False))


@over_frame
def ltv_curve(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str,
    period: str = "M",
    segment: str | None = None,
    margin: float = 1.0,
    as_of: "Day" = None,
    by: str = "cohort",
) -> Table:
    """LTV_CURVE of the orders in a frame, sorted by segment."""
    given = {"period": period, "margin": margin, "by": by}
    period, margin, by = (read(METRICS["LTV_CURVE"], name, word) for name, word in given.items())
    economics.refuse_missing_segments(by, segment)
    columns = customer, date, amount, segment if by == "segment" else None
    log = _observed(frame, *columns, as_of, period, of_revenue=True, of_customers=False)
    return economics.ltv_rows(log, period, margin, by)


@over_frame
def cac_by(
    spend_frame: "IntoFrame",
    spend_segment: str,
    spend_date: str,
    spend: str,
    frame: "IntoFrame",
    customer: str,
    date: str,
    segment: str,
    period: str = "M",
) -> Table:
    """CAC_BY of a frame of spend and one of orders; the segments of each are sorted."""
    period = read(METRICS["CAC_BY"], "period", period)
    rows, days = _rows(spend_frame, spend_segment, (spend_date,), spend)
    spent = (
        _with_period(rows, period, days, "date0", "number")
        .with_columns(moved=nw.col("amount").abs())
        .group_by("number", "key")
        .agg(nw.col("amount").sum(), nw.col("moved").sum())
        .select("number", "key", "amount", "moved")
    )
    orders = _orders(frame, customer, date, None, None, segment)
    won = (
        _firsts(_with_period(orders.rows, period, orders.days), "period", of_segments=True)
        .group_by("born", "segment")
        .agg(nw.len().alias("count"))
        .select("born", "segment", "count")
    )
    found = [
        [(number, _named(key), *x) for number, key, *x in backends.fetched(q)] for q in (spent, won)
    ]
    spelled = _spelled(key for counted in found for _, key, *_ in counted)
    parts: dict[tuple[Any, int], list[Any]] = defaultdict(list)
    counts: dict[tuple[Any, int], int] = defaultdict(int)
    for number, key, *moved in found[0]:
        parts[spelled[key], number].append(moved)
    sums = {key: _left_of(some) for key, some in parts.items()}
    for number, key, count in found[1]:
        counts[spelled[key], number] += count
    paid = _sorted({key for key, _ in sums})
    order = [*paid, *_sorted({key for key, _ in counts} - set(paid))]
    return economics.cac_rows(sums, counts, order, period)


@over_frame
def mrr_movements(frame: "IntoFrame", customer: str, month: str, amount: str) -> Table:
    """MRR_MOVEMENTS of the rows of a frame."""
    import numpy as np

    if backends.in_pandas(frame):
        from kpi_xl.columns import Keys

        given = _at_hand(frame, customer, (month,), amount)
        payers = Keys(given.names, given.customer)
        found: Table = METRICS["MRR_MOVEMENTS"].kernel(payers, given.days, given.amounts)
        return found
    rows, days = _rows(frame, customer, (month,), amount)
    first, last = tables.numbers_of(np.array([min(days), max(days)]), "M").tolist()
    economics.refuse_long(last - first + 1)
    paid = (
        _with_period(rows, "M", days, "date0", "number")
        .with_columns(moved=nw.col("amount").abs())
        .group_by("key", "number")
        .agg(nw.col("amount").sum(), nw.col("moved").sum())
        .select("key", "number", now=_left("amount"))
        .filter(nw.col("now") != _number(0))
    )
    by_month = _moved(paid).select("number", "negative", *MOVES)
    sums = {name: [0.0] * (last - first + 1) for name in MOVES}
    for number, negative, *cells in backends.fetched(by_month):
        if negative:
            below = paid.filter(nw.col("now") < _number(0)).select("key", "number")
            economics.refuse_negative(*backends.fetched(below.head(1))[0])
        for name, cell in zip(MOVES, cells, strict=True):
            place = number - first + (name == "churn")
            if place <= last - first:
                sums[name][place] = cell
    return economics.mrr_rows(first, sums)


MOVES = ("new", "expansion", "contraction", "churn", "reactivation", "end", "customers")


def _moved(paid: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The movements by month of what customers pay: rows of key, number (of the month) and now.

    What a month churns is seen in the month after.
    """
    zero, now, number = _number(0), nw.col("now"), nw.col("number")
    months = backends.with_windows(paid).with_columns(
        before=_beside("number", 1), paid_before=_beside("now", 1), after=_beside("number", -1)
    )
    known = ~nw.col("before").is_null()
    follows = known & (nw.col("before") == number - 1)
    stays = ~nw.col("after").is_null() & (nw.col("after") == number + 1)
    change = now - nw.col("paid_before")
    # What differs in the last digit alone has not changed.
    changed = follows & (change.abs() > 5e-15 * now)

    def where(test: nw.Expr, then: nw.Expr) -> nw.Expr:
        return nw.when(test).then(then).otherwise(zero)

    moves = {
        "new": where(~known, now),
        "expansion": where(changed & (change > zero), change),
        "contraction": where(changed & (change < zero), -change),
        "churn": where(~stays, now),
        "reactivation": where(known & ~follows, now),
        "end": now,
        "customers": _number(1),
        "negative": where(now < zero, _number(1)),
    }
    counted = months.select("number", **moves)
    return counted.group_by("number").agg(*(nw.col(name).sum() for name in moves))


def _beside(name: str, step: int) -> nw.Expr:
    """What a customer's month so many steps before holds."""
    return nw.col(name).shift(step).over("key", order_by="number")


@over_frame
def survival_curve(
    frame: "IntoFrame",
    start: str,
    end: str,
    period: str = "M",
    segment: str | None = None,
    as_of: "Day" = None,
    confidence: float = 0.95,
) -> Table:
    """SURVIVAL_CURVE of the rows of a frame, sorted by segment."""
    import numpy as np

    given = {"period": period, "as_of": as_of, "confidence": confidence}
    period, observed, confidence = (
        read(METRICS["SURVIVAL_CURVE"], name, word) for name, word in given.items()
    )
    rows, days = _rows(frame, None, (start, end), None, blank={"date1"}, segment=segment)
    observed = max(days) if observed is None else observed
    last = ordinals_of(observed)
    # Where there is no end, the start stands in for it: pandas has no year of a missing date.
    until = nw.when(nw.col("date1").is_null()).then(nw.col("date0")).otherwise(nw.col("date1"))
    rows = rows.with_columns(until=until, over="date1")
    rows = rows.with_columns(started=_ordinal(nw.col("date0")), ended=_ordinal(nw.col("until")))
    wrong = nw.when(nw.col("ended") < nw.col("started")).then(nw.lit(1)).otherwise(nw.lit(0))
    ((count,),) = backends.fetched(rows.select(wrong=wrong).select(nw.col("wrong").sum()))
    if count:
        raise OutOfDomain(
            "{end} is before {start} in {count} rows", end=end, start=start, count=count
        )
    rows = rows.filter(nw.col("started") <= last)
    over = ~nw.col("over").is_null() & (nw.col("ended") <= last)
    if period == ROLLING:
        until = nw.when(over).then(nw.col("ended")).otherwise(nw.lit(last))
        ages = (until - nw.col("started")) // ROLLING_DAYS
    else:
        (reached,) = tables.numbers_of(np.array([observed]), period).tolist()
        rows = _with_period(rows, period, days, "date0", "at")
        rows = _with_period(rows, period, days, "until", "to")
        until = nw.when(over).then(nw.col("to")).otherwise(nw.lit(reached))
        ages = until - nw.col("at")
    names = ["segment"] * (segment is not None)
    counted = (
        rows.with_columns(age=ages, left=nw.when(over).then(nw.lit(1)).otherwise(nw.lit(0)))
        .group_by("age", *names)
        .agg(nw.len().alias("seen"), nw.col("left").sum())
        .select("age", "seen", "left", *names)
    )
    found = backends.fetched(counted)
    if not found:
        raise NotEnoughData(tables.NOTHING_OBSERVED)
    width = max(row[0] for row in found) + 1
    economics.refuse_long(width)
    spelled = {"All": "All"} if segment is None else _spelled(_named(row[3]) for row in found)
    known = _sorted(set(spelled.values()))
    seen, events = ({name: [0] * width for name in known} for _ in range(2))
    for age, count, ended, *names in found:
        name = spelled[_named(*names) if names else "All"]
        seen[name][age] += count
        events[name][age] += ended
    return economics.survival_rows(
        list(seen), list(seen.values()), list(events.values()), confidence
    )


@over_frame
def touch_paths(
    frame: "IntoFrame",
    customer: str,
    date: str,
    channel: str,
    converted: str | None = None,
    value: str | None = None,
    days: float = 90.0,
) -> Table:
    """TOUCH_PATHS of the touches in a frame, sorted by customer, moment and channel.

    Of one moment a conversion is the last. All rows come back, for paths hang on their order.
    """
    days = read(METRICS["TOUCH_PATHS"], "days", days)
    names = [name for name in (converted, value) if name is not None]
    rows, _ = _rows(frame, customer, (date,), None, segment=channel, numbers=names)
    nothing = _number(0)
    given = {
        "converted": nothing if converted is None else nw.col("number0").fill_null(0.0),
        "value": nothing if value is None else nw.col(f"number{len(names) - 1}").fill_null(0.0),
    }
    rows = rows.select("key", "date0", "segment", **given)
    touches = sorted(
        backends.fetched(rows), key=lambda row: (row[0], row[1], row[3] > 0.0, str(row[2] or ""))
    )
    who, when, channels, conversions, values = map(list, zip(*touches, strict=True))
    if min(conversions) < 0.0:
        raise OutOfDomain("{name} is below 0", name=converted)
    at = list(map(_serial_day, when))
    return economics.touch_paths(who, at, channels, conversions, values, days)


@over_frame
def rfm(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str,
    as_of: "Day" = None,
    bins: float = 5,
) -> "dict[str, NDArray[Any]]":
    """RFM of the orders in a frame, sorted by customer."""
    import numpy as np

    bins = read(METRICS["RFM"], "bins", bins)
    if backends.in_pandas(frame):
        until = read(METRICS["RFM"], "as_of", as_of)
        rows = _at_hand(frame, customer, (date,), amount)
        seen = tables.observed(rows.customer, rows.days, until, rows.amounts)
        numbers = np.asarray(seen.customers)
        who = tables.distinct(numbers, len(rows.names))
        number = tables.places(who, numbers)
        bought = tables.last_and_spent(number, len(who), seen.days, seen.amounts)
        names = np.array(rows.names, dtype=object)[who]
        return tables.rfm_columns(names, *bought, seen.as_of, bins)
    orders = _orders(frame, customer, date, amount, as_of)
    names, last, frequency, monetary = _in_order(_bought(orders))
    return tables.rfm_columns(names, serials_of(last), frequency, monetary, orders.as_of, bins)


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
        orders = _orders(frame, customer, date, amount, None)
        log = _activity(orders, period, of_revenue=True)
        days = _daily(orders)
        split = orders.as_of - 7 * (forecast.held_out if forecast else 0)
        each = backends.kept(_by_customer(orders, split)) if forecast else _bought(orders)
        customers, correlation = _alike(orders, each)
        many = sum(row[0] for row in customers[1:])
        foretold = None
        if forecast:
            by_day = many <= MOST_BY_DAY
            foretold = _foretold(orders, each, split, forecast, correlation, by_day=by_day)
    without = log._replace(revenue=None, moved=None)
    measures = {"retention": without, "customers": without, "revenue": log,
                "revenue_retention": log}  # fmt: skip
    cohorts = {name: tables.cohort_rows(one, period, name) for name, one in measures.items()}
    try:
        curve = tables.curve_rows(without)
    except NotEnoughData:  # of one period there are cohorts, and no curve yet
        curve = []
    return RetentionCounts(days, cohorts, curve, customers, foretold)


def _daily(orders: "_Orders") -> Table:
    """Orders and revenue by day."""
    import numpy as np

    found = orders.rows.group_by("day").agg(
        nw.len().alias("orders"), nw.col("amount").sum(), nw.col("moved").sum()
    )
    days, counts, sums = _collected(found.select("day", "orders", _left("amount")))
    serials = serials_of(np.array(days, dtype=np.int64)).tolist()
    return [["day", "orders", "revenue"], *map(list, zip(serials, counts, sums, strict=True))]


def _bought(orders: "_Orders") -> nw.LazyFrame[Any]:
    """Each customer's last purchase, purchase days and total."""
    return (
        _by_day(orders)
        .with_columns(bought_on=nw.when(nw.col("bought")).then(nw.col("day")))
        .group_by("key")
        .agg(*_LAST_AND_SPENT)
        .select("key", nw.coalesce("last", "seen"), "frequency", _left("monetary"))
    )


_LAST_AND_SPENT = (
    nw.col("bought_on").max().alias("last"),
    nw.col("day").max().alias("seen"),
    nw.col("bought_on").count().alias("frequency"),
    nw.col("total").sum().alias("monetary"),
    nw.col("moved").sum(),
)


def _by_customer(orders: "_Orders", split: int) -> nw.LazyFrame[Any]:
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
        _by_day(orders)
        .join(firsts, on="key", how="left")
        .with_columns(
            bought_on=nw.when(bought).then(day),
            earlier=nw.when(earlier).then(day),
            repeat=nw.when(bought & again).then(nw.col("total")),
            repeat_earlier=nw.when(earlier & again).then(nw.col("total")),
        )
    )
    each = days.group_by("key").agg(
        *_LAST_AND_SPENT,
        first.max(),
        nw.col("earlier").max().alias("last_earlier"),
        nw.col("earlier").count().alias("often_earlier"),
        nw.col("repeat").mean().alias("spend"),
        nw.col("repeat_earlier").mean().alias("spend_earlier"),
    )
    last = nw.coalesce("last", "seen")
    return each.select(
        last, "frequency", _left("monetary"),
        "first", "often_earlier", "last_earlier", often="frequency",
        spend=nw.col("spend").fill_null(0.0), spend_earlier=nw.col("spend_earlier").fill_null(0.0),
    )  # fmt: skip


def _alike(orders: "_Orders", each: nw.LazyFrame[Any]) -> tuple[Table, float | None]:
    """Customers by their segment, days since the last purchase, and whether they came back.

    Beside them how purchase days go with what is spent on each.
    """
    import numpy as np

    last, frequency, monetary = backends.arrays(each.select("last", "frequency", "monetary"))
    scored = tables.rfm_scores(
        serials_of(last.astype(np.int64)), frequency, monetary, orders.as_of, 5
    )
    often, longest = np.minimum(frequency, 2).astype(np.int64), int(scored.recency.max()) + 1
    kind = (3 * scored.segment + often) * longest + scored.recency
    kinds, where = np.unique(kind, return_inverse=True)
    many, spent = np.bincount(where), np.bincount(where, weights=scored.spent)
    recency = kinds % longest
    named = [name for levels in tables.SEGMENTS for name in levels]
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
    orders: "_Orders",
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
    spend = nw.when(nw.col("spend") > 0.0).then(nw.col("spend")).otherwise(_number(0))
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


def _later(orders: "_Orders", split: int, each: "Integers") -> histories.Later:
    """Purchases after a day, of those who bought by then."""
    import numpy as np

    day, known = nw.col("day"), ordinals_of(split)
    seen = orders.rows.filter((nw.col("amount") >= 0.0) & (day <= known))
    seen = seen.group_by("key").agg(day.min().alias("first"))
    since = _by_day(orders._replace(rows=orders.rows.filter(day > known))).filter(nw.col("bought"))
    by_day = since.join(seen, on="key", how="semi").group_by("day").agg(nw.len().alias("many"))
    days, many = (
        column.astype(np.int64) for column in backends.arrays(by_day.select("day", "many"))
    )
    return histories.Later(each, serials_of(days), many, split, orders.as_of)


@over_frame
def channel_mix(frame: "IntoFrame", channel: str, value: str) -> Table:
    """CHANNEL_MIX of the rows of a frame; channels of the same sum are sorted."""
    import numpy as np

    if backends.in_pandas(frame):
        given = _at_hand(frame, channel, (), value)
        channels = given.names
        sums, moved = (
            np.bincount(given.customer, amounts, minlength=len(channels)).tolist()
            for amounts in (given.amounts, np.abs(given.amounts))
        )
    else:
        rows, _ = _rows(frame, channel, (), value)
        by_channel = (
            rows.with_columns(moved=nw.col("amount").abs())
            .group_by("key")
            .agg(nw.col("amount").sum(), nw.col("moved").sum())
        )
        channels, sums, moved = _collected(by_channel.select("key", "amount", "moved"))
    whole: dict[Any, list[Any]] = {}
    for name, *both in zip(tables.one_spelling(channels), sums, moved, strict=True):
        whole.setdefault(name, []).append(both)
    return tables.mix_rows({name: _left_of(some) for name, some in whole.items()})


@over_frame
def funnel_by(
    frame: "IntoFrame",
    segment: str,
    stage_dates: Sequence[str],
    stages: Sequence[str | None] | None = None,
) -> Table:
    """FUNNEL_BY of the rows of a frame, a column a stage, sorted by segment."""
    given = None if stages is None else [name.strip() or None if name else None for name in stages]
    names = tables.stage_names(given, len(stage_dates))
    days = [f"date{number}" for number in range(len(stage_dates))]
    rows, _ = _rows(frame, segment, stage_dates, None, blank=days)
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
    return tables.funnel_rows(by_segment, names)


@over_frame
def btyd_fit(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str | None = None,
    period: str = "W",
    as_of: "Day" = None,
    model: str = "bgnbd",
    prior: str = "none",
    confidence: float | None = None,
) -> Table:
    """BTYD_FIT of the orders in a frame."""
    given = {"period": period, "model": model, "prior": prior, "confidence": confidence}
    options = _read("BTYD_FIT", given)
    bought = purchases(frame, customer, date, amount, as_of)
    return histories.fit_rows(bought, **options, of_spend=amount is not None)


@over_frame
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
    prior: str = "none",
    confidence: float | None = None,
) -> Table:
    """CLV_FORECAST of the orders in a frame, sorted by customer."""
    given = {
        "horizon": horizon, "discount_rate": discount_rate, "period": period, "model": model,
        "prior": prior, "confidence": confidence,
    }  # fmt: skip
    options = _read("CLV_FORECAST", given)
    return histories.forecast_rows(purchases(frame, customer, date, amount, as_of), **options)


@over_frame
def btyd_tracking(
    frame: "IntoFrame",
    customer: str,
    date: str,
    horizon: float,
    period: str = "W",
    as_of: "Day" = None,
    model: str = "bgnbd",
    prior: str = "none",
) -> Table:
    """BTYD_TRACKING of the orders in a frame."""
    given = {"horizon": horizon, "period": period, "model": model, "prior": prior}
    options = _read("BTYD_TRACKING", given)
    return forecasts.tracking_rows(purchases(frame, customer, date, None, as_of), **options)


@over_frame
def clv_total(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str,
    horizon: float,
    discount_rate: float = 0.0,
    period: str = "W",
    as_of: "Day" = None,
    model: str = "bgnbd",
    prior: str = "none",
    confidence: float = 0.9,
) -> Table:
    """CLV_TOTAL of the orders in a frame."""
    given = {
        "horizon": horizon, "discount_rate": discount_rate, "period": period, "model": model,
        "prior": prior, "confidence": confidence,
    }  # fmt: skip
    options = _read("CLV_TOTAL", given)
    return histories.total_rows(purchases(frame, customer, date, amount, as_of), **options)


@over_frame
def btyd_check(
    frame: "IntoFrame",
    customer: str,
    date: str,
    split_date: "Day",
    amount: str | None = None,
    period: str = "W",
    as_of: "Day" = None,
    model: str = "bgnbd",
    prior: str = "none",
) -> Table:
    """BTYD_CHECK of the orders in a frame."""
    given = {"period": period, "model": model, "prior": prior}
    options = _read("BTYD_CHECK", given)
    split = read(METRICS["BTYD_CHECK"], "split_date", split_date)
    if split is None:
        raise WrongInput("{name} is blank", name="split_date")
    days = _purchase_days(frame, customer, date, amount, as_of)
    return histories.check_rows(*histories.divided(days, split), **options)


def _read(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Options as the cells have them."""
    return {option: read(METRICS[name], option, value) for option, value in given.items()}


def purchases(
    frame: "IntoFrame", customer: str, date: str, amount: str | None = None, as_of: "Day" = None
) -> histories.Purchases:
    """The purchases in a frame, sorted by customer; without amounts every row is one."""
    import numpy as np

    if backends.in_memory(frame):
        return histories.summed_up(_purchase_days(frame, customer, date, amount, as_of))
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
    return histories.Purchases(
        names,
        np.array(days, dtype=np.int64) - 1,
        serials_of(np.array(first, dtype=np.int64)),
        serials_of(np.array(last, dtype=np.int64)),
        np.array(spend, dtype=np.float64),
        orders.as_of,
    )


def _purchase_days(
    frame: "IntoFrame", customer: str, date: str, amount: str | None, as_of: "Day"
) -> histories.PurchaseDays:
    """The purchases of each customer day by day, sorted."""
    import numpy as np

    if backends.in_memory(frame):
        return _days_in_memory(frame, customer, date, amount, as_of)
    orders = _orders(frame, customer, date, amount, as_of)
    bought = _by_day(orders).filter(nw.col("bought")).select("key", "day", "total")
    keys, days, totals = _collected(bought)
    known = list(dict.fromkeys(keys))
    place = {key: number for number, key in enumerate(known)}
    buyer = np.array([place[key] for key in keys], dtype=np.int64)
    day = serials_of(np.array(days, dtype=np.int64))
    order = np.lexsort((day, buyer))
    total = np.array(totals, dtype=np.float64)
    return histories.PurchaseDays(known, buyer[order], day[order], total[order], orders.as_of)


def _days_in_memory(
    frame: "IntoFrame", customer: str, date: str, amount: str | None, as_of: "Day"
) -> histories.PurchaseDays:
    """The same by the kernel of the cells: several times as fast where rows are at hand."""
    import numpy as np

    until = read(METRICS["RFM"], "as_of", as_of)
    rows = _at_hand(frame, customer, (date,), amount)
    seen = tables.observed(rows.customer, rows.days, until, rows.amounts)
    found = histories.days_bought(np.asarray(seen.customers), seen.days, seen.amounts)
    return histories.PurchaseDays(rows.names, *found, seen.as_of)


class _AtHand(NamedTuple):
    """Rows in this process, for the kernels of the cells: a number for each customer, serials."""

    names: list[Any]
    """The customers by their numbers, sorted."""
    customer: "Integers"
    days: "Integers"
    amounts: "Floats"


def _at_hand(frame: "IntoFrame", key: str, dates: Sequence[str], amount: str | None) -> _AtHand:
    import numpy as np

    names: list[Any] | None = None
    # Pandas tells texts apart anew in each query; what is counted must not become a number.
    if backends.in_pandas(frame) and key not in {*dates, amount}:
        frame, names = backends.numbered(frame, key)
    rows = _rows(frame, key, dates, amount)[0].collect()
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
    return _AtHand(names, number, serials_of(days + EPOCH), amounts)


# Counting, where the rows are


class _Orders(NamedTuple):
    """Rows of key, date, day (an ordinal of Python's), amount and its size, dated by as_of.

    Beside them the segment, if there are any.
    """

    rows: nw.LazyFrame[Any]
    as_of: int
    """A serial number."""
    days: tuple[int, int]
    """The first and the last day, also if it is after as_of."""
    of_segments: bool = False


def _orders(
    frame: "IntoFrame",
    customer: str,
    date: str,
    amount: str | None,
    as_of: "Day",
    segment: str | None = None,
) -> _Orders:
    observed = read(METRICS["RFM"], "as_of", as_of)
    rows, days = _rows(frame, customer, (date,), amount, segment=segment)
    moved, day = nw.col("amount").abs(), _ordinal(nw.col("date0"))
    of_segments = segment is not None
    names, ends = ["segment"] * of_segments, (min(days), max(days))
    rows = rows.select("key", "amount", *names, moved=moved, date="date0", day=day)
    if observed is None:
        return _Orders(rows, max(days), ends, of_segments)
    if observed < min(days):
        raise NotEnoughData(tables.NOTHING_OBSERVED)
    until = ordinals_of(observed)
    return _Orders(rows.filter(nw.col("day") <= until), observed, ends, of_segments)


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
    return nw.when(left.abs() > NEGLIGIBLE * nw.col("moved")).then(left).otherwise(_number(0))


def _left_of(parts: Iterable[tuple[float, float]]) -> float:
    """The same of several sums, each with what was moved."""
    totals, moved = zip(*parts, strict=True)
    total: float = sum(totals)
    return 0.0 if abs(total) <= NEGLIGIBLE * sum(moved) else total


def _observed(
    frame: "IntoFrame", customer: str, date: str, amount: str | None, segment: str | None,
    as_of: "Day", period: str, *, of_revenue: bool, of_customers: bool = True,
) -> tables.Activity:  # fmt: skip
    """Customers and revenue by segment, cohort and age; see `_activity`."""
    if segment is not None or not backends.in_pandas(frame):
        orders = _orders(frame, customer, date, amount, as_of, segment)
        return _activity(orders, period, of_revenue=of_revenue, of_customers=of_customers)
    until = read(METRICS["RFM"], "as_of", as_of)
    rows = _at_hand(frame, customer, (date,), amount)
    amounts = rows.amounts if of_revenue else None
    return tables.activity(rows.customer, rows.days, period, until, amounts)


def _activity(
    orders: _Orders, period: str, *, of_revenue: bool, of_customers: bool = True
) -> tables.Activity:
    """Customers and revenue by segment, cohort and age; without customers only their cohorts'."""
    import numpy as np

    rows, segment = orders.rows, ["segment"] * orders.of_segments
    if period != ROLLING:
        rows = _with_period(rows, period, orders.days)
    since = "day" if period == ROLLING else "period"
    firsts = _firsts(rows, since, of_segments=orders.of_segments)
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
        .select("born", "age", "buyers", *segment, amount=_left("amount"))
    )
    if not of_customers:
        # One query for amounts and customers: who came first is then found once.
        whole, none = nw.Int64, nw.lit(0)
        sizes = firsts.group_by("born", *segment).agg(nw.len().alias("buyers"))
        sizes = sizes.with_columns(nw.col("buyers").cast(whole), age=none.cast(whole))
        counted = counted.with_columns(nw.col("age").cast(whole), buyers=none.cast(whole))
        parts = counted, sizes.with_columns(amount=_number(0))
        counted = nw.concat([p.select("born", "age", "buyers", "amount", *segment) for p in parts])
    born, ages, buyers, amounts, *segments = _collected(
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
    return tables.tabulated(oldest, orders.as_of, period, active, revenue, names)


def _firsts(rows: nw.LazyFrame[Any], since: str, *, of_segments: bool) -> nw.LazyFrame[Any]:
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


AFTER_ALL = "\U0010ffff"


def _segments_numbered(*segments: list[Any], count: int) -> tuple[list[Any], "Integers"]:
    """The different segments, sorted, and the number of each; of none, only zeros."""
    import numpy as np

    if not segments:
        return [], np.zeros(count, dtype=np.int64)
    known = list(map(_named, segments[0]))
    spelled = _spelled(known)
    names = _sorted(set(spelled.values()))
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[spelled[name]] for name in known], dtype=np.int64)


def _named(segment: Any) -> Any:
    """A segment, or (none) where it is null; pandas says so with NaN."""
    return tables.NO_SEGMENT if segment is None or segment != segment else segment


def _spelled(segments: Iterable[Any]) -> dict[Any, Any]:
    """The one spelling of each segment: the first of them, sorted."""
    names = _sorted(set(segments))
    return dict(zip(names, tables.one_channel(names), strict=True))


def _sorted(segments: Iterable[Any]) -> list[Any]:
    """Numbers first: (none) may be among them."""
    return sorted(segments, key=lambda name: (isinstance(name, str), name))


def _with_period(
    rows: nw.LazyFrame[Any],
    period: str,
    days: Iterable[int],
    date: str = "date",
    name: str = "period",
) -> nw.LazyFrame[Any]:
    """The rows with the number of a date's period, counted as in `tables.period_numbers`.

    `days`: serial numbers, among them the first and the last one.
    """
    day, part = _ordinal(nw.col(date)), nw.col(date).dt
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
    if begun[1] - begun[0] > tables.MOST_AGES // 12:
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


def _ordinal(day: nw.Expr) -> nw.Expr:
    """1 for the first day of year 1, and so on."""
    before = day.dt.year().cast(nw.Int64) - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + day.dt.ordinal_day()


# Reading columns


def _rows(
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
    amounts = _number(0) if amount is None else nw.col("amount").fill_null(0.0)
    return rows.with_columns(amount=amounts), days


def _known(
    rows: nw.LazyFrame[Any], texts: Sequence[str], names: Sequence[str], measured: Sequence[str]
) -> tuple[nw.LazyFrame[Any], dict[str, Any]]:
    """The rows that are not null throughout, and facts about them, which one query finds.

    How many there are, and with text to be trimmed; how many of each of the names are not null, and
    the ends of the measured.
    """
    rows = rows.filter(~_all(nw.col(name).is_null() for name in rows.collect_schema()))
    facts = {"rows": nw.len()}
    if texts:
        untidy = _any(nw.col(name).str.contains(PADDED) for name in texts)
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
            known = nw.when(~_any(ends)).then(known)
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


def _serial_day(moment: datetime.date) -> int:
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
            days.append(_serial_day(end))
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
        return nw.when(amount).then(_number(1)).otherwise(nw.when(~amount).then(_number(0)))
    if not kind.is_numeric():
        raise WrongInput(
            "the column {name} is of type {kind}: make it numbers", name=name, kind=kind
        )
    amount = amount.cast(nw.Float64)
    return nw.when(~amount.is_nan()).then(amount) if has_nan else amount


def _number(value: int) -> nw.Expr:
    """A number of the kind of amounts: PostgreSQL takes 0.0 for a decimal."""
    return nw.lit(value).cast(nw.Float64)


def _all(tests: Iterable[nw.Expr]) -> nw.Expr:
    return reduce(and_, tests)


def _any(tests: Iterable[nw.Expr]) -> nw.Expr:
    return reduce(or_, tests)


# Results


def _in_order(lazy: nw.LazyFrame[Any]) -> "list[NDArray[Any]]":
    """The columns of a result without nulls, which may be of many rows, sorted by the first."""
    import numpy as np

    first = lazy.collect_schema().names()[0]
    columns = backends.arrays(lazy.sort(first))
    key = columns[0]
    if (key[1:] < key[:-1]).any():  # its engine has another order of texts
        order = np.array(sorted(range(len(key)), key=key.tolist().__getitem__))
        columns = [column[order] for column in columns]
    return columns


def _collected(lazy: nw.LazyFrame[Any]) -> list[list[Any]]:
    """The columns of a result, its rows sorted by the first of them."""
    columns = backends.columns(lazy)
    order = sorted(range(len(columns[0])), key=columns[0].__getitem__)
    return [list(map(column.__getitem__, order)) for column in columns]
