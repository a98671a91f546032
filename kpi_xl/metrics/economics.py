"""Unit economics: what a customer costs and brings, when the cost is back, who stays.

NumPy is imported inside the functions: the scalar functions must start without it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import fsum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput
from kpi_xl.metrics.arguments import (
    Amounts,
    AsOf,
    ChurnedRevenue,
    Confidence,
    Contraction,
    Customers,
    Expansion,
    GrossMargin,
    OrderDates,
    Period,
    Segments,
)
from kpi_xl.metrics.experiments import normal_deviate
from kpi_xl.metrics.table_rows import MOST_AGES, NOTHING_ENDED
from kpi_xl.metrics.tallies import (
    NO_SEGMENT,
    NOTHING_OBSERVED,
    Activity,
    activity,
    channel_keys,
    customer_numbers,
    distinct,
    first_orders,
    left,
    numbered,
    numbers_of,
    one_channel,
    period_numbers,
    segment_names,
)
from kpi_xl.periods import ROLLING, ROLLING_DAYS, label
from kpi_xl.registry import Arg, metric
from kpi_xl.units import (
    COUNT,
    DATE,
    DAYS,
    KEY,
    LONGEST_TEXT,
    MONEY,
    NOT_NEGATIVE,
    PERIODS,
    RATIO,
    TABLE,
    TEXT,
    Domain,
    exceeds,
    refuse_large,
    summed,
)

if TYPE_CHECKING:
    from kpi_xl.metrics.tallies import Floats, Integers

Key = str | float
Days = Annotated[
    float, Arg("How many days back a touch counts", DAYS, Domain(0, 36_500, whole=True))
]


@metric(
    "LTV_CURVE",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="margin * amounts up to the age / customers of the cohorts that have reached it",
    source="Industry usage: cumulative value per acquired customer, by cohort",
    columns=(
        ("cohort", "Period of the first order; or the segment, or All"),
        ("customers", "How many customers were acquired"),
        ("0, 1, 2 ...", "Cumulative value per customer up to and including each age"),
    ),
    example=(
        '=LTV_CURVE({"Ann";"Bob";"Ann"},{45292;45293;45323},{100;60;40},,,0.5,DATE(2024,2,29))',
        [["cohort", "customers", 0, 1], ["2024-01", 2, 40.0, 50.0]],
    ),
)
def ltv_curve(
    customers: Customers,
    dates: OrderDates,
    amounts: Amounts,
    period: Period = "M",
    segments: Segments = None,
    margin: GrossMargin = 1.0,
    as_of: AsOf = None,
    by: Annotated[
        str, Arg("What a row of the table is", TEXT, words=("cohort", "segment", "all"))
    ] = "cohort",
) -> list[list[Any]]:
    """LTV curve: what a customer has brought in all by each age, returns taken off.

    An age counts only the cohorts whose period at that age has ended by as_of, in the amounts and
    in the customers alike, so that a young cohort bends no curve down; what no cohort has reached
    is blank, and with no period ended the result is #N/A. By "segment" without segments is
    #VALUE!; "cohort" and "all" leave segments aside. Customers, ages and segments are those of
    COHORT; of "30D" those customers count whose thirty days have ended.
    """
    refuse_missing_segments(by, segments)
    log = activity(customers, dates, period, as_of, amounts, segments if by == "segment" else None)
    return ltv_rows(log, period, margin, by)


def refuse_missing_segments(by: str, segments: object) -> None:
    """Whether LTV_CURVE has what its rows are made of."""
    if by == "segment" and segments is None:
        raise WrongInput('by "segment" needs the argument segments')


def ltv_rows(log: Activity, period: str, margin: float, by: str) -> list[list[Any]]:
    """What LTV_CURVE shows."""
    import numpy as np

    width = int(log.ended.max()) + 1
    if not width:
        raise NotEnoughData(NOTHING_ENDED)
    rows_of = 1 + len(log.active) * (by == "cohort")
    refuse_large(rows_of, width + 2, longer=True)
    rows: list[list[Any]] = [["segment" if by == "segment" else "cohort", "customers"]]
    rows[0] += range(width)
    if by == "cohort":
        log = log.labelled()
    assert log.revenue is not None
    assert log.moved is not None
    brought = np.cumsum(log.revenue[:, :width], axis=1)
    moved = np.cumsum(log.moved[:, :width], axis=1)
    counted = log.ended[:, None] >= np.arange(width)
    sizes = log.active[:, :1]
    if by == "cohort":
        each = margin * left(brought, moved) / sizes
        for born, size, cells, known in zip(log.cohorts, sizes[:, 0], each, counted, strict=True):
            shown = [value if k else "" for value, k in zip(cells.tolist(), known, strict=True)]
            rows.append([label(int(born), period), int(size), *shown])
        return rows
    sums = ((brought * counted), (moved * counted), (sizes * counted))
    starts = np.flatnonzero(np.concatenate(([True], log.segment[1:] != log.segment[:-1])))
    amount, size_of, reached = (np.add.reduceat(table, starts, axis=0) for table in sums)
    everybody = np.add.reduceat(sizes[:, 0], starts)
    for row, number in enumerate(log.segment[starts].tolist()):
        name = log.segments[number] if by == "segment" else "All"
        totals = left(amount[row], size_of[row]).tolist()
        cells = [
            margin * total / count if count else ""
            for total, count in zip(totals, reached[row].tolist(), strict=True)
        ]
        rows.append([name, int(everybody[row]), *cells])
    return rows


@metric(
    "PAYBACK_PERIOD",
    returns=PERIODS,
    formula="the first age at which cumulative >= cac",
    source="Industry usage: months to recover the CAC, read off the LTV curve",
    example=("=PAYBACK_PERIOD(70,{60,68,73,80})", 2.0),
)
def payback_period(
    cac: Annotated[float, Arg("Customer acquisition cost", MONEY)],
    cumulative: Annotated[
        list[float | None],
        Arg(
            "Cumulative margin per customer at ages 0, 1, 2 ...: a row of LTV_CURVE",
            MONEY,
            column=True,
            blank="keep",
        ),
    ],
) -> float:
    """Payback period: the age at which a customer has brought back what the acquisition cost.

    Ages start at 0: 2 means in the third period. A blank ends the row. Where the cost is not
    reached within the data there is no answer yet: #N/A. Amounts must be margins for that.
    """
    for age, value in enumerate(cumulative):
        if value is None:
            break
        if not exceeds(cac, value):
            return float(age)
    raise NotEnoughData("the acquisition cost is not reached within the data")


SPEND = "spend"


@metric(
    "CAC_BY",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="spend / new customers, by segment and period",
    source="Farris et al., Marketing Metrics (customer acquisition cost)",
    columns=(
        ("segment", "The segment"),
        ("period", "The period: of the spend, and of the customers' first orders"),
        ("spend", "What was spent in it"),
        ("new customers", "Customers whose first order fell in it"),
        ("CAC", "spend / new customers; blank without customers, or without any spend"),
    ),
    example=(
        '=CAC_BY({"ads";"mail"},{45292;45292},{90;20},'
        '{"Ann";"Bob";"Ann"},{45292;45293;45323},{"ads";"ads";"mail"})',
        [
            ["segment", "period", "spend", "new customers", "CAC"],
            ["ads", "2024-01", 90, 2, 45.0],
            ["mail", "2024-01", 20, 0, ""],
        ],
    ),
)
def cac_by(
    spend_segments: Annotated[
        list[Key],
        Arg("The segment of each row of spend", KEY, column=True, group=SPEND, blank="refuse"),
    ],
    spend_dates: Annotated[
        list[int],
        Arg("The date of each row of spend", DATE, column=True, group=SPEND, blank="refuse"),
    ],
    spend: Annotated[
        list[float],
        Arg("The amount of each row of spend", MONEY, column=True, group=SPEND, blank="zero"),
    ],
    customers: Customers,
    dates: OrderDates,
    segments: Annotated[
        list[Key | None],
        Arg(
            "Channel, country, plan ... of each row: that of a customer's first row decides",
            KEY,
            column=True,
            blank="keep",
        ),
    ],
    period: Period = "M",
) -> list[list[Any]]:
    """CAC by segment and period: spend joined with the customers whose first order fell in it.

    A new customer is one whose earliest row falls in the period, under that row's segment (the
    upper row of a day; blank is (none); direct and (direct) are one, as in COHORT). A period with
    spend and no customer has 0 customers and no CAC; customers of a period without spend have a CAC
    of 0 if their segment has spend in some other period, and none if it never has. Segments come in
    order of first appearance, those with spend first, then periods. "30D" counts by months.
    """
    import numpy as np

    of_spend, of_orders = numbered(spend_segments), numbered(segments)
    names = one_channel([*of_spend.names, *segment_names(of_orders.names)])
    spend_names = [names[number] for number in of_spend.rows.tolist()]
    order_names = names[len(of_spend.names) :]
    spent: dict[tuple[Key, int], list[float]] = defaultdict(list)
    months = numbers_of(np.asarray(spend_dates, dtype=np.int64), period).tolist()
    for segment, number, amount in zip(spend_names, months, spend, strict=True):
        spent[segment, number].append(amount)
    customer, count = customer_numbers(customers)
    days = np.asarray(dates, dtype=np.int64)
    rows = distinct(first_orders(customer, days, count)[customer], len(days))
    won: dict[tuple[Key, int], int] = defaultdict(int)
    born = numbers_of(days[rows], period).tolist()
    for segment_number, number in zip(of_orders.rows[rows].tolist(), born, strict=True):
        won[order_names[segment_number], number] += 1
    order = dict.fromkeys(names)
    return cac_rows({key: summed(parts) for key, parts in spent.items()}, won, order, period)


def cac_rows(
    spent: dict[tuple[Key, int], float],
    won: dict[tuple[Key, int], int],
    order: Iterable[Key],
    period: str,
) -> list[list[Any]]:
    """What CAC_BY shows, from spend and new customers by segment and number of the period."""
    periods: dict[Key, set[int]] = defaultdict(set)
    for segment, number in (*spent, *won):
        periods[segment].add(number)
    paid = {segment for segment, _ in spent}
    rows: list[list[Any]] = [["segment", "period", "spend", "new customers", "CAC"]]
    for segment in order:
        for number in sorted(periods.get(segment, ())):
            amount, count = spent.get((segment, number), 0.0), won.get((segment, number), 0)
            cost = amount / count if count and segment in paid else ""
            rows.append([segment, label(number, period), amount, count, cost])
    return rows


TOUCHES = "touches"


@metric(
    "ORDER_SEGMENTS",
    returns=KEY,
    result="shape",
    formula="the first or last touch of the customer within the days before the order",
    source="Industry usage: single-touch attribution with a look-back window",
    example=(
        '=ORDER_SEGMENTS({"Ann";"Bob"},{45300;45301},{"Ann";"Ann";"Bob"},{45290;45299;45200},'
        '{"ads";"mail";"ads"})',
        [["mail"], ["(none)"]],
    ),
)
def order_segments(
    customers: Annotated[
        list[Key | None], Arg("Who bought: a row an order", KEY, column=True, blank="keep")
    ],
    dates: Annotated[
        list[int | None],
        Arg("When: Excel dates, or text as 2024-01-31", DATE, column=True, blank="keep"),
    ],
    touches_customers: Annotated[
        list[Key],
        Arg("Who was touched: a row a touch", KEY, column=True, group=TOUCHES, blank="refuse"),
    ],
    touches_dates: Annotated[
        list[int], Arg("When it was", DATE, column=True, group=TOUCHES, blank="refuse")
    ],
    touches: Annotated[
        list[Key | None],
        Arg("Its channel or campaign", KEY, column=True, group=TOUCHES, blank="keep"),
    ],
    rule: Annotated[
        str,
        Arg("Which touch decides", TEXT, words=("first", "last", "last_non_direct")),
    ] = "last",
    days: Days = 30.0,
) -> list[Key]:
    """The segment of each order: the channel of the touch that is credited with it.

    Touches count from `days` before the order to its day, both included; of one day's the lower
    row wins, whatever the rule. Touches called direct, (direct), (direct) / (none) or (none), as
    Google Analytics calls them, are one channel: direct. "last_non_direct" passes over it, and over
    touches without a channel, where another is within the days. An order without any touch is
    (none), and so is a touch without a channel; blank rows of orders stay blank. The result is a
    column without a header, for the segments of other functions.
    """
    touched: dict[Key, dict[int, Key]] = defaultdict(dict)
    channels = one_channel([NO_SEGMENT if name is None else _touch(name) for name in touches])
    for customer, day, channel in zip(touches_customers, touches_dates, channels, strict=True):
        touched[customer][day] = channel
    by_day = {customer: sorted(of.items()) for customer, of in touched.items()}
    result: list[Key] = []
    for row, (buyer, bought) in enumerate(zip(customers, dates, strict=True), start=1):
        if buyer is None and bought is None:
            result.append("")
            continue
        if buyer is None or bought is None:
            missing = "customers" if buyer is None else "dates"
            raise WrongInput(
                "row {number} of {name} is blank, but not the rest of the row",
                number=row,
                name=missing,
            )
        known = by_day.get(buyer, [])
        start = bisect_left(known, (bought - int(days),))
        end = bisect_left(known, (bought + 1,))
        result.append(_credited([channel for _, channel in known[start:end]], rule))
    return result


def _touch(name: Key) -> Key:
    """The channel of a touch: the medium (none) of Google Analytics is a direct visit."""
    return "direct" if isinstance(name, str) and name.lower() == NO_SEGMENT else name


PASSED_OVER = {"direct", NO_SEGMENT}


def _credited(channels: list[Key], rule: str) -> Key:
    if not channels:
        return NO_SEGMENT
    if rule == "first":
        return channels[0]
    if rule == "last_non_direct":
        channels = [c for c in channels if str(c).lower() not in PASSED_OVER] or channels
    return channels[-1]


MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")


@metric(
    "MRR_MOVEMENTS",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="start + new + expansion - contraction - churn + reactivation = end",
    source="Industry usage in subscription businesses",
    columns=(
        ("month", "Every month from the first to the last"),
        ("start", "Monthly recurring revenue at its start: the end of the month before"),
        ("new", "Of customers who never paid before"),
        ("expansion", "What customers pay more than in the month before"),
        ("contraction", "What customers who stay pay less"),
        ("churn", "What those paid who now pay nothing"),
        ("reactivation", "Of customers who are back after at least one month at 0"),
        ("end", "Monthly recurring revenue of the month"),
        ("customers", "Customers who pay more than 0 in it"),
    ),
    example=(
        '=MRR_MOVEMENTS({"Ann";"Bob";"Ann"},{45292;45292;45323},{100;50;120})',
        [
            [
                "month", "start", "new", "expansion", "contraction", "churn", "reactivation",
                "end", "customers",
            ],
            ["2024-01", 0, 150.0, 0, 0, 0, 0, 150.0, 2],
            ["2024-02", 150.0, 0, 20.0, 0, 50.0, 0, 120.0, 1],
        ],
    ),
)  # fmt: skip
def mrr_movements(
    customers: Annotated[
        list[Key], Arg("Who pays: a row a customer and month", KEY, column=True, blank="refuse")
    ],
    months: Annotated[list[int], Arg("Any day of the month", DATE, column=True, blank="refuse")],
    amounts: Annotated[
        list[float],
        Arg("Recurring revenue of the month; missing is 0", MONEY, column=True, blank="zero"),
    ],
) -> list[list[Any]]:
    """Movements of the monthly recurring revenue (MRR): new, grown, shrunk, lost, back.

    Rows of one customer and month are added up; a sum below 0 is #NUM!. A month without a row is
    0 for the customer. The first month starts at 0, and all of it is new.
    """
    import numpy as np

    payers = numbered(customers)
    month = numbers_of(np.asarray(months, dtype=np.int64), "M")
    first, span = int(month.min()), int(month.max()) - int(month.min()) + 1
    refuse_long(span)
    pairs, place = np.unique(payers.rows * span + month - first, return_inverse=True)
    amount = np.asarray(amounts, dtype=float)
    moved = np.bincount(place, np.abs(amount))
    paid = left(np.bincount(place, amount), moved)
    if paid.min() < 0.0:
        who, when = divmod(int(pairs[paid.argmin()]), span)
        refuse_negative(payers.names[who], first + when)
    pairs, paid = pairs[paid > 0.0], paid[paid > 0.0]
    who, at = np.divmod(pairs, span)
    same = who[1:] == who[:-1]
    known = np.concatenate(([False], same))
    follows = known & (np.concatenate(([-2], at[:-1])) == at - 1)
    change = np.where(follows, paid - np.concatenate(([0.0], paid[:-1])), 0.0)
    # Cents added up are seldom exact: what differs in the last digit alone has not changed.
    change = np.where(np.abs(change) <= 5e-15 * paid, 0.0, change)
    leaves = np.concatenate((~(same & (at[1:] == at[:-1] + 1)), [True])) & (at + 1 < span)

    def by_month(amounts: "Floats", months: "Integers") -> list[float]:
        found: list[float] = np.bincount(months, amounts, minlength=span)[:span].tolist()
        return found

    return mrr_rows(
        first,
        {
            "new": by_month(np.where(known, 0.0, paid), at),
            "expansion": by_month(np.maximum(change, 0.0), at),
            "contraction": by_month(np.maximum(-change, 0.0), at),
            "churn": by_month(np.where(leaves, paid, 0.0), at + 1),
            "reactivation": by_month(np.where(known & ~follows, paid, 0.0), at),
            "end": by_month(paid, at),
            "customers": by_month(np.ones(len(at)), at),
        },
    )


def refuse_negative(customer: Key, month: int) -> NoReturn:
    """Refuse recurring revenue below 0."""
    raise OutOfDomain(
        "the amounts of {customer} in {month} add up to below 0",
        customer=customer,
        month=label(month, "M"),
    )


def refuse_long(periods: int) -> None:
    """Refuse a table of more periods than a sheet shows sensibly."""
    if periods > MOST_AGES:
        raise OutOfDomain(
            "{periods} periods are more than the {most} that can be shown: look for a"
            " date that is far too late or too early, or take a longer period",
            periods=periods,
            most=MOST_AGES,
        )


def mrr_rows(first: int, sums: dict[str, list[float]]) -> list[list[Any]]:
    """What MRR_MOVEMENTS shows, from the sums of every month from the first on."""
    rows: list[list[Any]] = [["month", "start", *MOVEMENTS, "end", "customers"]]
    start = 0.0
    columns = [sums[name] for name in (*MOVEMENTS, "end", "customers")]
    for month, cells in enumerate(zip(*columns, strict=True), start=first):
        rows.append([label(month, "M"), start, *cells])
        start = cells[-2]
    return rows


@metric(
    "QUICK_RATIO",
    returns=RATIO,
    formula="(new_revenue + expansion) / (contraction + churned)",
    source="Mamoon Hamid's SaaS quick ratio (2015); 4 is his rule of thumb",
    example=("=QUICK_RATIO(30,10,5,5)", 4.0),
)
def quick_ratio(
    new_revenue: Annotated[float, Arg("Recurring revenue of new customers", MONEY, NOT_NEGATIVE)],
    expansion: Expansion,
    contraction: Contraction,
    churned: ChurnedRevenue,
) -> float:
    """SaaS quick ratio: recurring revenue won over recurring revenue lost.

    Without any loss it is #DIV/0!.
    """
    return (new_revenue + expansion) / fsum((contraction, churned))


@metric(
    "SURVIVAL_CURVE",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="survival = product of (1 - ended / at risk) up to the age",
    source="Kaplan & Meier (1958), Nonparametric Estimation from Incomplete Observations;"
    " Greenwood's variance on the log-log scale (Kalbfleisch & Prentice)",
    columns=(
        ("segment", "The segment, or All"),
        ("age", "Periods since that of the start"),
        ("at risk", "Those who had not ended before it and were observed up to it"),
        ("ended", "Those of them who ended at it"),
        ("survival", "Share of those who started that is left after it"),
        ("low, high", "Confidence interval of the survival"),
    ),
    example=(
        '=SURVIVAL_CURVE({45292;45292;45292;45292},{45323;45352;"";""},,,DATE(2024,3,31))',
        [
            ["segment", "age", "at risk", "ended", "survival", "low", "high"],
            ["All", 0, 4, 0, 1.0, 1.0, 1.0],
            ["All", 1, 4, 1, 0.75, 0.1279, 0.9605],
            ["All", 2, 3, 1, 0.5, 0.0578, 0.8449],
        ],
    ),
)
def survival_curve(
    starts: Annotated[
        list[int], Arg("When each customer or contract started", DATE, column=True, blank="refuse")
    ],
    ends: Annotated[
        list[int | None],
        Arg("When it ended; blank: it still runs", DATE, column=True, blank="keep"),
    ],
    period: Period = "M",
    segments: Annotated[
        list[Key | None] | None,
        Arg("Channel, country, plan ... of each row", KEY, column=True, blank="keep"),
    ] = None,
    as_of: AsOf = None,
    confidence: Confidence = 0.95,
) -> list[list[Any]]:
    """Survival curve of customers or contracts, by Kaplan and Meier: how long they stay.

    A row is one start. Who has not ended by as_of is censored there, and at risk up to that age.
    An age is the difference of calendar periods, as in COHORT; survival at an age includes what
    ended at it. Starts after as_of are ignored; an end before its start is #NUM!. A blank segment
    is (none), and direct and (direct) are one, as in COHORT; segments come in order of first
    appearance.
    """
    import numpy as np

    start = np.asarray(starts, dtype=np.int64)
    end = np.array([0 if day is None else day for day in ends], dtype=np.int64)
    wrong = np.flatnonzero((end > 0) & (end < start))
    if len(wrong):
        raise OutOfDomain("value {row} of ends is before its start", row=wrong[0] + 1)
    observed = int(max(start.max(), end.max())) if as_of is None else as_of
    kept = start <= observed
    if not kept.any():
        raise NotEnoughData(NOTHING_OBSERVED)
    ended = (end > 0) & (end <= observed)
    until = np.where(ended, end, observed)
    start, until, ended = start[kept], until[kept], ended[kept]
    if period == ROLLING:
        ages = (until - start) // ROLLING_DAYS
    else:
        both = period_numbers(np.concatenate((start, until)), period)
        ages = both[len(start) :] - both[: len(start)]
    names: list[Key] = ["All"]
    number = np.zeros(len(start), dtype=np.int64)
    if segments is not None:
        of_rows = channel_keys(numbered(segments).kept(kept))
        names, number = of_rows.names, of_rows.rows
    width = int(ages.max()) + 1
    refuse_long(width)
    size = len(names) * width
    refuse_large(1 + size, 7, longer=True)
    at = number * width + ages
    left_then = np.bincount(at, minlength=size).reshape(-1, width)
    ended_then = np.bincount(at[ended], minlength=size).reshape(-1, width)
    return survival_rows(names, left_then.tolist(), ended_then.tolist(), confidence)


def survival_rows(
    names: Sequence[Key],
    last_seen: Sequence[Sequence[int]],
    ended: Sequence[Sequence[int]],
    confidence: float,
) -> list[list[Any]]:
    """What SURVIVAL_CURVE shows, from how many of each segment were last seen, or ended, at an age.

    Those who ended are among those last seen.
    """
    from math import exp, log, sqrt

    z = normal_deviate((1.0 - confidence) / 2.0)
    rows: list[list[Any]] = [["segment", "age", "at risk", "ended", "survival", "low", "high"]]
    for name, last, events in zip(names, last_seen, ended, strict=True):
        at_risk, survival, variance = sum(last), 1.0, 0.0
        for age, (seen, event) in enumerate(zip(last, events, strict=True)):
            if not at_risk:
                break
            survival *= 1.0 - event / at_risk
            low = high = survival
            if event < at_risk:
                variance += event / (at_risk * (at_risk - event))
            if 0.0 < survival < 1.0:
                spread = z * sqrt(variance) / -log(survival)
                low, high = survival ** exp(spread), survival ** exp(-spread)
            rows.append([name, age, at_risk, event, survival, low, high])
            at_risk -= seen
    return rows


@metric(
    "TOUCH_PATHS",
    returns=TABLE,
    result="table",
    formula="the touches within the days before a conversion, in order",
    source="Industry usage: journeys for multi-touch attribution",
    columns=(
        ("path", "The touches in order: ads > mail > ads"),
        ("conversions", "Conversions that ended such a path"),
        ("value", "The value of these conversions"),
        ("nulls", "Such paths that ended without a conversion"),
    ),
    example=(
        '=TOUCH_PATHS({"Ann";"Ann";"Bob"},{45292;45300;45301},{"ads";"mail";"ads"},{0;1;0},{0;50;0})',
        [
            ["path", "conversions", "value", "nulls"],
            ["ads > mail", 1, 50.0, 0],
            ["ads", 0, 0.0, 1],
        ],
    ),
)
def touch_paths(
    customers: Annotated[
        list[Key], Arg("Who was touched: a row a touch", KEY, column=True, blank="refuse")
    ],
    dates: Annotated[list[int], Arg("When it was", DATE, column=True, blank="refuse")],
    channels: Annotated[
        list[Key | None], Arg("Its channel or campaign", KEY, column=True, blank="keep")
    ],
    converted: Annotated[
        list[float] | None,
        Arg("Whether it converted: TRUE or FALSE, or how often", COUNT, column=True, blank="zero"),
    ] = None,
    values: Annotated[
        list[float] | None,
        Arg("The value of each conversion", MONEY, column=True, blank="zero"),
    ] = None,
    days: Days = 90.0,
) -> list[list[Any]]:
    """Paths of touches to conversions, counted: what ATTRIBUTION takes.

    A conversion ends a path; touches older than `days` before it fall off. A converted row is
    itself the last touch, unless its channel is blank; a conversion with no touch at all has the
    path (none). Touches of one day keep the order of their rows. Touches with no conversion after
    them are one path of nulls, with the days counted back from the last. Values of rows that did
    not convert are left aside. Touches called direct, (direct), (direct) / (none) or (none), as
    Google Analytics calls them, are one channel: direct. Most conversions first; a channel with >
    in its name is #VALUE!.
    """
    spelled = iter(one_channel([_touch(name) for name in channels if name is not None]))
    rows = zip(
        customers,
        dates,
        [None if channel is None else next(spelled) for channel in channels],
        converted or [0.0] * len(dates),
        values or [0.0] * len(dates),
        strict=True,
    )
    journeys: dict[Key, list[tuple[int, Key | None, float, float]]] = defaultdict(list)
    for customer, day, channel, conversions, value in rows:
        if isinstance(channel, str) and ">" in channel:
            raise WrongInput(
                'the channel "{channel}" holds >, which parts the touches of a path',
                channel=channel,
            )
        journeys[customer].append((day, channel, conversions, value))
    found: dict[tuple[Key, ...], tuple[list[float], list[float], list[float]]] = {}
    for journey in journeys.values():
        journey.sort(key=lambda touch: touch[0])  # which keeps the order within a day
        path: list[tuple[int, Key]] = []
        for day, channel, conversions, value in journey:
            if channel is not None:
                path.append((day, channel))
            if conversions:
                names = tuple(name for then, name in path if then >= day - days)
                many, worth, _ = found.setdefault(names or (NO_SEGMENT,), ([], [], []))
                many.append(conversions)
                worth.append(value)
                path = []
        if path:
            names = tuple(name for then, name in path if then >= path[-1][0] - days)
            found.setdefault(names, ([], [], []))[2].append(1.0)
    table: list[list[Any]] = []
    for touches, counts in found.items():
        text = " > ".join(f"{t:.15g}" if isinstance(t, float) else str(t) for t in touches)
        if len(text) > LONGEST_TEXT:
            raise OutOfDomain(
                "a path of {number} touches is longer than a cell: fewer days", number=len(touches)
            )
        table.append([text, *map(summed, counts)])
    table.sort(key=lambda row: -row[1])
    return [["path", "conversions", "value", "nulls"], *table]
