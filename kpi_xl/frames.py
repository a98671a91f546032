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

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import narwhals as nw

from kpi_xl import backends, containers
from kpi_xl.cells import read
from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput
from kpi_xl.frame_orders import bought_by_customer, by_day_bought, first_days, observed, orders_of
from kpi_xl.frame_rows import (
    Table,
    all_of,
    collected,
    constant,
    in_order,
    known_rows,
    left_over,
    left_over_of,
    ordinal_of,
    rows_at_hand,
    segment_name,
    serial_day,
    sorted_names,
    spellings,
    with_period,
)
from kpi_xl.metrics import METRICS, economics, forecasts, histories, table_rows, tallies
from kpi_xl.periods import ROLLING, ROLLING_DAYS
from kpi_xl.serials import ordinals_of, serials_of

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from kpi_xl.frame_orders import Day

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
    of_revenue = table_rows.of_revenue(measure, amount)
    columns = customer, date, amount, segment
    log = observed(frame, *columns, as_of, period, of_revenue=of_revenue)
    return table_rows.cohort_rows(log, period, measure)


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
    return table_rows.curve_rows(observed(frame, *columns, as_of, period, of_revenue=False))


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
    log = observed(frame, *columns, as_of, period, of_revenue=True, of_customers=False)
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
    rows, days = known_rows(spend_frame, spend_segment, (spend_date,), spend)
    spent = (
        with_period(rows, period, days, "date0", "number")
        .with_columns(moved=nw.col("amount").abs())
        .group_by("number", "key")
        .agg(nw.col("amount").sum(), nw.col("moved").sum())
        .select("number", "key", "amount", "moved")
    )
    orders = orders_of(frame, customer, date, None, None, segment)
    won = (
        first_days(with_period(orders.rows, period, orders.days), "period", of_segments=True)
        .group_by("born", "segment")
        .agg(nw.len().alias("count"))
        .select("born", "segment", "count")
    )
    found = [
        [(number, segment_name(key), *x) for number, key, *x in backends.fetched(q)]
        for q in (spent, won)
    ]
    spelled = spellings(key for counted in found for _, key, *_ in counted)
    parts: dict[tuple[Any, int], list[Any]] = defaultdict(list)
    counts: dict[tuple[Any, int], int] = defaultdict(int)
    for number, key, *moved in found[0]:
        parts[spelled[key], number].append(moved)
    sums = {key: left_over_of(some) for key, some in parts.items()}
    for number, key, count in found[1]:
        counts[spelled[key], number] += count
    paid = sorted_names({key for key, _ in sums})
    order = [*paid, *sorted_names({key for key, _ in counts} - set(paid))]
    return economics.cac_rows(sums, counts, order, period)


@over_frame
def mrr_movements(frame: "IntoFrame", customer: str, month: str, amount: str) -> Table:
    """MRR_MOVEMENTS of the rows of a frame."""
    import numpy as np

    if backends.in_pandas(frame):
        from kpi_xl.columns import Keys

        given = rows_at_hand(frame, customer, (month,), amount)
        payers = Keys(given.names, given.customer)
        found: Table = METRICS["MRR_MOVEMENTS"].kernel(payers, given.days, given.amounts)
        return found
    rows, days = known_rows(frame, customer, (month,), amount)
    first, last = tallies.numbers_of(np.array([min(days), max(days)]), "M").tolist()
    economics.refuse_long(last - first + 1)
    paid = (
        with_period(rows, "M", days, "date0", "number")
        .with_columns(moved=nw.col("amount").abs())
        .group_by("key", "number")
        .agg(nw.col("amount").sum(), nw.col("moved").sum())
        .select("key", "number", now=left_over("amount"))
        .filter(nw.col("now") != constant(0))
    )
    by_month = _moved(paid).select("number", "negative", *MOVES)
    sums = {name: [0.0] * (last - first + 1) for name in MOVES}
    for number, negative, *cells in backends.fetched(by_month):
        if negative:
            below = paid.filter(nw.col("now") < constant(0)).select("key", "number")
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
    zero, now, number = constant(0), nw.col("now"), nw.col("number")
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
        "customers": constant(1),
        "negative": where(now < zero, constant(1)),
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
    rows, days = known_rows(frame, None, (start, end), None, blank={"date1"}, segment=segment)
    observed = max(days) if observed is None else observed
    last = ordinals_of(observed)
    # Where there is no end, the start stands in for it: pandas has no year of a missing date.
    until = nw.when(nw.col("date1").is_null()).then(nw.col("date0")).otherwise(nw.col("date1"))
    rows = rows.with_columns(until=until, over="date1")
    rows = rows.with_columns(started=ordinal_of(nw.col("date0")), ended=ordinal_of(nw.col("until")))
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
        (reached,) = tallies.numbers_of(np.array([observed]), period).tolist()
        rows = with_period(rows, period, days, "date0", "at")
        rows = with_period(rows, period, days, "until", "to")
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
        raise NotEnoughData(tallies.NOTHING_OBSERVED)
    width = max(row[0] for row in found) + 1
    economics.refuse_long(width)
    spelled = (
        {"All": "All"} if segment is None else spellings(segment_name(row[3]) for row in found)
    )
    known = sorted_names(set(spelled.values()))
    seen, events = ({name: [0] * width for name in known} for _ in range(2))
    for age, count, ended, *names in found:
        name = spelled[segment_name(*names) if names else "All"]
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
    rows, _ = known_rows(frame, customer, (date,), None, segment=channel, numbers=names)
    nothing = constant(0)
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
    at = list(map(serial_day, when))
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
        rows = rows_at_hand(frame, customer, (date,), amount)
        seen = tallies.observed(rows.customer, rows.days, until, rows.amounts)
        numbers = np.asarray(seen.customers)
        who = tallies.distinct(numbers, len(rows.names))
        number = tallies.places(who, numbers)
        bought = tallies.last_and_spent(number, len(who), seen.days, seen.amounts)
        names = np.array(rows.names, dtype=object)[who]
        return table_rows.rfm_columns(names, *bought, seen.as_of, bins)
    orders = orders_of(frame, customer, date, amount, as_of)
    names, last, frequency, monetary = in_order(bought_by_customer(orders))
    return table_rows.rfm_columns(names, serials_of(last), frequency, monetary, orders.as_of, bins)


@over_frame
def channel_mix(frame: "IntoFrame", channel: str, value: str) -> Table:
    """CHANNEL_MIX of the rows of a frame; channels of the same sum are sorted."""
    import numpy as np

    if backends.in_pandas(frame):
        given = rows_at_hand(frame, channel, (), value)
        channels = given.names
        sums, moved = (
            np.bincount(given.customer, amounts, minlength=len(channels)).tolist()
            for amounts in (given.amounts, np.abs(given.amounts))
        )
    else:
        rows, _ = known_rows(frame, channel, (), value)
        by_channel = (
            rows.with_columns(moved=nw.col("amount").abs())
            .group_by("key")
            .agg(nw.col("amount").sum(), nw.col("moved").sum())
        )
        channels, sums, moved = collected(by_channel.select("key", "amount", "moved"))
    whole: dict[Any, list[Any]] = {}
    for name, *both in zip(tallies.one_spelling(channels), sums, moved, strict=True):
        whole.setdefault(name, []).append(both)
    return table_rows.mix_rows({name: left_over_of(some) for name, some in whole.items()})


@over_frame
def funnel_by(
    frame: "IntoFrame",
    segment: str,
    stage_dates: Sequence[str],
    stages: Sequence[str | None] | None = None,
) -> Table:
    """FUNNEL_BY of the rows of a frame, a column a stage, sorted by segment."""
    given = None if stages is None else [name.strip() or None if name else None for name in stages]
    names = table_rows.stage_names(given, len(stage_dates))
    days = [f"date{number}" for number in range(len(stage_dates))]
    rows, _ = known_rows(frame, segment, stage_dates, None, blank=days)
    reached = {
        day: nw.when(~all_of(nw.col(later).is_null() for later in days[number:]))
        .then(nw.lit(1))
        .otherwise(nw.lit(0))
        for number, day in enumerate(days)
    }
    segments, *counts = collected(
        rows.select("key", **reached).group_by("key").agg(*(nw.col(day).sum() for day in days))
    )
    by_segment: dict[Any, list[int]] = {}
    for name, row in zip(tallies.one_spelling(segments), zip(*counts, strict=True), strict=True):
        before = by_segment.get(name, [0] * len(row))
        by_segment[name] = [one + more for one, more in zip(before, row, strict=True)]
    return table_rows.funnel_rows(by_segment, names)


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
    orders = orders_of(frame, customer, date, amount, as_of)
    names, days, first, last, spend = collected(
        by_day_bought(orders)
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
    orders = orders_of(frame, customer, date, amount, as_of)
    bought = by_day_bought(orders).filter(nw.col("bought")).select("key", "day", "total")
    keys, days, totals = collected(bought)
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
    rows = rows_at_hand(frame, customer, (date,), amount)
    seen = tallies.observed(rows.customer, rows.days, until, rows.amounts)
    found = histories.days_bought(np.asarray(seen.customers), seen.days, seen.amounts)
    return histories.PurchaseDays(rows.names, *found, seen.as_of)
