"""Tables from columns.

NumPy is imported inside the functions: the scalar functions must start without it.
"""

from datetime import date, timedelta
from itertools import accumulate
from math import fsum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput, ZeroDenominator
from kpi_xl.metrics.arguments import (
    Amounts,
    AmountsIfGiven,
    AsOf,
    Customers,
    OrderDates,
    Period,
)
from kpi_xl.registry import Arg, metric
from kpi_xl.units import COUNT, KEY, TABLE, TEXT, VALUE, Domain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

COHORTS = "Fader & Hardie (2007), How to Project Customer Retention (retention by cohort)"
SHEET_COLUMNS = 16384
SERIALS = 2958466  # more than any serial number of a day
EPOCH = 25569  # 1970-01-01 as a serial number of Excel's 1900 date system


@metric(
    "COHORT",
    returns=TABLE,
    result="table",
    formula="customers active (or revenue) of a cohort at an age / size (or revenue at age 0)",
    source=COHORTS,
    columns=(
        ("cohort", "Period of the first order: 2024-01-15, 2024-W03, 2024-01, 2024-Q1 or 2024"),
        ("size", "Customers whose first order fell in it"),
        ("0, 1, 2 ...", "The measure at each age: periods since that of the first order"),
    ),
    example=(
        '=COHORT({"Ann";"Bob";"Ann"},{45292;45293;45323})',
        [["cohort", "size", 0, 1], ["2024-01", 2, 1.0, 0.5]],
    ),
)
def cohort(
    customers: Customers,
    dates: OrderDates,
    values: AmountsIfGiven = None,
    period: Period = "M",
    measure: Annotated[
        str,
        Arg(
            "What to show of each cohort at each age",
            TEXT,
            words=("retention", "customers", "revenue", "revenue_retention"),
        ),
    ] = "retention",
    as_of: AsOf = None,
) -> list[list[Any]]:
    """Cohorts: customers by the period of their first order, followed from age to age.

    Every row is activity, also one with a negative amount (a return), which stays in the revenue.
    Customers 5 and "5" are one; spaces around a name do not count, capitals do. An age is the
    difference of calendar periods (ISO weeks for "W"). It is reached once its period has begun by
    as_of; what is not reached is blank, never 0. Rows run from the oldest cohort to the youngest;
    periods in which nobody came are left out.

    Measures: "retention" the share of customers active, "customers" their number, "revenue" the
    sum of values, "revenue_retention" that over the revenue of age 0 (blank for a cohort where it
    is not above 0). The revenue measures need values: #VALUE! without them.
    """
    import numpy as np

    if values is None and measure.startswith("revenue"):
        raise WrongInput(f'measure "{measure}" needs the argument values')
    log = activity(customers, dates, period, as_of)
    width = log.last - int(log.cohorts[0]) + 1
    if width + 2 > SHEET_COLUMNS:
        raise OutOfDomain(f"{width} ages are more than a sheet has columns: take a longer period")
    table = log.active.astype(float)
    if values is not None and measure.startswith("revenue"):
        amounts = np.asarray(values, dtype=float)[log.orders.kept]
        table = np.bincount(log.cell, weights=amounts, minlength=table.size).reshape(table.shape)
    if measure == "retention":
        table /= log.sizes[:, np.newaxis]
    rows: list[list[Any]] = [["cohort", "size", *range(width)]]
    for born, size, cells in zip(
        log.cohorts.tolist(), log.sizes.tolist(), table.tolist(), strict=True
    ):
        reached = log.last - born + 1
        if measure == "revenue_retention":
            at_start = cells[0]
            cells = [cell / at_start if at_start > 0.0 else "" for cell in cells]
        rows.append([label(born, period), size, *cells[:reached], *[""] * (width - reached)])
    return rows


@metric(
    "RETENTION_CURVE",
    returns=TABLE,
    result="table",
    formula="active / customers at risk, over all cohorts old enough",
    source=COHORTS,
    columns=(
        ("age", "Periods since that of the first order"),
        ("customers at risk", "Customers of the cohorts whose period at that age has ended"),
        ("active", "Those of them with an order in it"),
        ("rate", "active / customers at risk"),
    ),
    example=(
        '=RETENTION_CURVE({"Ann";"Bob";"Ann"},{45292;45293;45323},,DATE(2024,2,29))',
        [
            ["age", "customers at risk", "active", "rate"],
            [0, 2, 2, 1.0],
            [1, 2, 1, 0.5],
        ],
    ),
)
def retention_curve(
    customers: Customers, dates: OrderDates, period: Period = "M", as_of: AsOf = None
) -> list[list[Any]]:
    """Retention curve: the share of customers active at each age, over all cohorts together.

    At each age it takes the cohorts whose period at that age has ended by as_of, so that a month
    that is half over pulls nothing down. With no period ended there is no answer: #N/A.
    Customers, ages and rows with negative amounts are those of COHORT.
    """
    log = activity(customers, dates, period, as_of)
    rows: list[list[Any]] = [["age", "customers at risk", "active", "rate"]]
    for age in range(log.complete - int(log.cohorts[0]) + 1):
        old_enough = log.cohorts + age <= log.complete
        at_risk = int(log.sizes[old_enough].sum())
        active = int(log.active[old_enough, age].sum())
        rows.append([age, at_risk, active, active / at_risk])
    if len(rows) == 1:
        raise NotEnoughData("no period has ended by as_of")
    return rows


@metric(
    "RFM",
    returns=TABLE,
    result="table",
    formula="score = 1 + INT(bins * customers strictly worse / customers)",
    source="Hughes (1994), Strategic Database Marketing; segments as named in e-commerce",
    columns=(
        ("customer", "Who"),
        ("recency days", "Days from the last purchase to as_of"),
        ("frequency", "Days with a purchase"),
        ("monetary", "Total amount, returns taken off"),
        ("R, F, M", "Scores from 1, worst, to bins, best"),
        ("segment", "Champions, Loyal, At risk ... from R and the mean of F and M"),
    ),
    example=(
        '=RFM({"Ann";"Bob";"Ann"},{45292;45293;45323},{10;20;30},45324,2)',
        [
            ["customer", "recency days", "frequency", "monetary", "R", "F", "M", "segment"],
            ["Ann", 1, 2, 40, 2, 2, 2, "Champions"],
            ["Bob", 31, 1, 20, 1, 1, 1, "Lost"],
        ],
    ),
)
def rfm(
    customers: Customers,
    dates: OrderDates,
    amounts: Amounts,
    as_of: AsOf = None,
    bins: Annotated[float, Arg("How many scores there are", COUNT, Domain(2, 100, whole=True))] = 5,
) -> list[list[Any]]:
    """Recency, frequency and monetary value of each customer, with scores and a segment.

    A purchase day is a day with a row whose amount is not negative (0 counts); returns lower the
    monetary value alone. A customer with returns only has frequency 0, and recency counts from
    the last of them. Customers who are alike get the same score, so scores need not be filled
    evenly. R and FM = (F + M) / 2 are high from 0.8 x bins on and mid from 0.6 x bins on.
    Segments by R, then FM high, mid, low: R high Champions, Potential loyalists, New; R mid Loyal,
    Needs attention, About to sleep; R low Cannot lose, At risk, Lost. Rows come in order of first
    appearance; customers are told apart as in COHORT.
    """
    import numpy as np

    orders = numbered(customers, dates, as_of)
    amount = np.asarray(amounts, dtype=float)[orders.kept]
    bought = amount >= 0.0
    count = len(orders.names)
    days_bought = np.unique(orders.customer[bought] * SERIALS + orders.day[bought]) // SERIALS
    frequency = np.bincount(days_bought, minlength=count)
    totals = np.bincount(orders.customer, weights=amount, minlength=count)
    # Cents added up are seldom exact: customers who spent the same must rank alike.
    monetary = np.array([float(f"{total:.14g}") for total in totals.tolist()])
    counts_as_last = bought | (frequency[orders.customer] == 0)
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, orders.customer[counts_as_last], orders.day[counts_as_last])
    recency = orders.as_of - last

    def scores(goodness: "NDArray[Any]") -> "Integers":
        worse = np.searchsorted(np.sort(goodness), goodness, side="left")
        return 1 + worse * int(bins) // count

    r, f, m = scores(-recency), scores(frequency), scores(monetary)
    level_r, level_fm = level(r, bins), level((f + m) / 2.0, bins)
    segments = [SEGMENTS[i][j] for i, j in zip(level_r.tolist(), level_fm.tolist(), strict=True)]
    columns = (recency, frequency, monetary, r, f, m)
    header = ["customer", "recency days", "frequency", "monetary", "R", "F", "M", "segment"]
    rows = zip(orders.names, *(column.tolist() for column in columns), segments, strict=True)
    return [header, *map(list, rows)]


@metric(
    "FUNNEL",
    returns=TABLE,
    result="table",
    formula="step rate = count / previous count; overall rate = count / first count",
    source="Industry usage in B2B sales",
    columns=(
        ("stage", "The stage"),
        ("count", "How many reached it"),
        ("step rate", "count / count of the stage before; blank at the first"),
        ("overall rate", "count / count of the first stage"),
        ("drop-off", "count of the stage before - count; blank at the first"),
    ),
    example=(
        '=FUNNEL({"Visits";"Leads";"Customers"},{1000;50;10})',
        [
            ["stage", "count", "step rate", "overall rate", "drop-off"],
            ["Visits", 1000, "", 1.0, ""],
            ["Leads", 50, 0.05, 0.05, 950],
            ["Customers", 10, 0.2, 0.01, 40],
        ],
    ),
)
def funnel(
    stages: Annotated[
        list[str | float], Arg("Names of the stages, in order", KEY, column=True, blank="refuse")
    ],
    counts: Annotated[
        list[float], Arg("How many reached each stage", COUNT, column=True, blank="zero")
    ],
) -> list[list[Any]]:
    """Funnel: the rates from stage to stage, and from the first stage to each.

    A first stage of 0 is #DIV/0!. After a later stage of 0 there is no step rate: it is blank.
    In-period counts can exceed those of the stage before: the rate is then above 1 and the
    drop-off negative.
    """
    first = counts[0]
    if not first:
        raise ZeroDenominator("the first stage has a count of 0")
    rows: list[list[Any]] = [["stage", "count", "step rate", "overall rate", "drop-off"]]
    rows.append([stages[0], first, "", 1.0, ""])
    for stage, count, previous in zip(stages[1:], counts[1:], counts, strict=False):
        step = count / previous if previous else ""
        rows.append([stage, count, step, count / first, previous - count])
    return rows


@metric(
    "CHANNEL_MIX",
    returns=TABLE,
    result="table",
    formula="share = value of the channel / value of all channels",
    source="Industry usage; the cumulative share after Pareto",
    columns=(
        ("channel", "The channel"),
        ("value", "Sum of its values"),
        ("share", "value / total"),
        ("cumulative share", "Share of this channel and of those above it"),
    ),
    example=(
        '=CHANNEL_MIX({"ads";"mail";"ads"},{30;20;50})',
        [
            ["channel", "value", "share", "cumulative share"],
            ["ads", 80, 0.8, 0.8],
            ["mail", 20, 0.2, 1.0],
        ],
    ),
)
def channel_mix(
    channels: Annotated[
        list[str | float], Arg("The channel of each row", KEY, column=True, blank="refuse")
    ],
    values: Annotated[
        list[float], Arg("Visits, leads, revenue ... of each row", VALUE, column=True, blank="zero")
    ],
) -> list[list[Any]]:
    """Channel mix: the values of each channel, summed, with their shares, the largest first.

    A channel with a negative sum is #NUM!; a total of 0 is #DIV/0!. Channels of the same sum keep
    the order in which they first appear. Spaces around a name do not count, capitals do.
    """
    parts: dict[str | float, list[float]] = {}
    for channel, value in zip(channels, values, strict=True):
        parts.setdefault(channel, []).append(value)
    sums = {channel: fsum(amounts) for channel, amounts in parts.items()}
    for channel, amount in sums.items():
        if amount < 0.0:
            raise OutOfDomain(f"the values of {channel} add up to {amount:g}, below 0")
    total = fsum(sums.values())
    if not total:
        raise ZeroDenominator("the values add up to 0")
    rows: list[list[Any]] = [["channel", "value", "share", "cumulative share"]]
    ranked = sorted(sums.items(), key=lambda item: -item[1])
    so_far = accumulate(amount for _, amount in ranked)
    for (channel, amount), above in zip(ranked, so_far, strict=True):
        rows.append([channel, amount, amount / total, min(above / total, 1.0)])
    return rows


SEGMENTS = (
    ("Lost", "At risk", "Cannot lose"),
    ("About to sleep", "Needs attention", "Loyal"),
    ("New", "Potential loyalists", "Champions"),
)
"""By level of R (low, mid, high), then of F and M."""


def level(scores: "NDArray[Any]", bins: float) -> "Integers":
    """0 low, 1 mid (from 0.6 x bins), 2 high (from 0.8 x bins)."""
    import numpy as np

    return np.searchsorted([0.6 * bins, 0.8 * bins], scores, side="right")


class Orders(NamedTuple):
    """The orders dated by as_of, with their customers numbered."""

    kept: "NDArray[np.bool_]"
    """Which of all rows they are."""
    names: list[str | float]
    """The customers, in order of first appearance."""
    customer: "Integers"
    """The number of each order's customer."""
    day: "Integers"
    as_of: int


def numbered(customers: list[str | float], dates: list[int], as_of: int | None) -> Orders:
    """Drop the orders after as_of and number the customers of the others."""
    import numpy as np

    day = np.asarray(dates, dtype=np.int64)
    if as_of is None:
        as_of = int(day.max())
    kept = day <= as_of
    if not kept.all():
        customers = [name for name, keep in zip(customers, kept.tolist(), strict=True) if keep]
        day = day[kept]
    if not customers:
        raise NotEnoughData("no order is dated on or before as_of")
    names = list(dict.fromkeys(customers))
    number = dict(zip(names, range(len(names)), strict=True))
    customer = np.fromiter(map(number.__getitem__, customers), np.int64, len(customers))
    return Orders(kept, names, customer, day, as_of)


class Activity(NamedTuple):
    """Orders counted by cohort and age."""

    orders: Orders
    cohorts: "Integers"
    """The period number of each cohort, the oldest first."""
    sizes: "Integers"
    """The customers of each cohort."""
    active: "Integers"
    """Customers active, a row a cohort, a column an age."""
    cell: "Integers"
    """Where in `active`, flattened, each order belongs."""
    last: int
    """The period number of as_of."""
    complete: int
    """The number of the last period that has ended by as_of."""


def activity(
    customers: list[str | float], dates: list[int], period: str, as_of: int | None
) -> Activity:
    """Count the orders dated by as_of by the cohort of their customer and its age."""
    import numpy as np

    orders = numbered(customers, dates, as_of)
    around = np.array([orders.as_of, orders.as_of + 1])
    last, following = (int(number) for number in period_numbers(around, period))
    periods = period_numbers(orders.day, period)
    first = np.full(len(orders.names), last)
    np.minimum.at(first, orders.customer, periods)
    cohorts, row, sizes = np.unique(first, return_inverse=True, return_counts=True)
    width = last - int(cohorts[0]) + 1
    if len(cohorts) * width > 100_000_000:
        raise OutOfDomain(f"{len(cohorts)} cohorts by {width} ages: take a longer period")
    age = periods - first[orders.customer]
    customer, at_age = np.divmod(
        distinct(orders.customer * width + age, len(orders.names) * width), width
    )
    active = np.bincount(row[customer] * width + at_age, minlength=len(cohorts) * width)
    return Activity(
        orders=orders,
        cohorts=cohorts,
        sizes=sizes,
        active=active.reshape(len(cohorts), width),
        cell=row[orders.customer] * width + age,
        last=last,
        complete=following - 1,
    )


def distinct(numbers: "Integers", limit: int) -> "Integers":
    """The different numbers below a limit; marking them is faster than sorting, while they fit."""
    import numpy as np

    if limit > 100_000_000:
        return np.unique(numbers)
    seen = np.zeros(limit, dtype=bool)
    seen[numbers] = True
    return np.flatnonzero(seen)


def period_numbers(days: "Integers", period: str) -> "Integers":
    """The number of the period of each day: of the day, ISO week, month, quarter, year."""
    # Excel's 1900 system counts a 29 February 1900 that never was: serials below 61 lag a day.
    since_epoch = days - EPOCH + (days < 61)
    if period == "D":
        return since_epoch
    if period == "W":
        return (since_epoch + 3) // 7  # 1970-01-01 was a Thursday
    months = since_epoch.astype("datetime64[D]").astype("datetime64[M]").astype("int64")
    return months // {"M": 1, "Q": 3, "Y": 12}[period]


def label(number: int, period: str) -> str:
    """A period's name, in a form that sorts: 2024-01-15, 2024-W03, 2024-01, 2024-Q1, 2024."""
    if period in "DW":
        day = date(1970, 1, 1) + timedelta(days=number if period == "D" else 7 * number)
        year, week, _ = day.isocalendar()
        return day.isoformat() if period == "D" else f"{year}-W{week:02}"
    year, part = divmod(number, {"M": 12, "Q": 4, "Y": 1}[period])
    year += 1970
    return {"M": f"{year}-{part + 1:02}", "Q": f"{year}-Q{part + 1}", "Y": f"{year}"}[period]
