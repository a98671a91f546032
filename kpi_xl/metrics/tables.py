"""Tables from columns.

NumPy is imported inside the functions: the scalar functions must start without it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import accumulate, compress, groupby, pairwise
from math import fsum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from unicodedata import category, decimal, normalize

from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput, ZeroDenominator
from kpi_xl.metrics.arguments import (
    Amounts,
    AmountsIfGiven,
    AsOf,
    Customers,
    OrderDates,
    Period,
    Segments,
)
from kpi_xl.periods import EPOCH, ROLLING, ROLLING_DAYS, label, period_number
from kpi_xl.registry import Arg, metric
from kpi_xl.serials import AFTER_LAST_DAY, ordinals_of
from kpi_xl.units import (
    COUNT,
    DATE,
    KEY,
    LOGICAL,
    NEGLIGIBLE,
    TABLE,
    TEXT,
    VALUE,
    Domain,
    refuse_large,
    summed,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kpi_xl.columns import Keys

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Column = Keys | Integers | Sequence[str | float | None]
    Counts = tuple[Integers, Integers, Integers, NDArray[Any] | None]
    """Segments, cohorts from the oldest on, ages, and how much to count there, None for 1."""

COHORTS = "Fader & Hardie (2007), How to Project Customer Retention (retention by cohort)"
NO_SEGMENT = "(none)"


@metric(
    "COHORT",
    returns=TABLE,
    result="table",
    arrays=True,
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
    segments: Segments = None,
) -> list[list[Any]]:
    """Cohorts: customers by the period of their first order, followed from age to age.

    Every row is activity, also one with a negative amount (a return), which stays in the revenue.
    Customers 5 and "5" are one; spaces around a name do not count, capitals do. An age is the
    difference of calendar periods (ISO weeks for "W"). It is reached once its period has begun by
    as_of; what is not reached is blank, never 0. Rows run from the oldest cohort to the youngest;
    periods in which nobody came are left out.

    Of "30D", thirty days from each customer's first order, cohorts are those of its month, and an
    age is reached once it has begun for all of them. A year of "FY-07" runs from July and is named
    by the year in which it ends (FY2025), as are the quarters of "FQ-07" (FY2025-Q1) and the
    months of "445-02" (FY2025-P01): four, four and five weeks from the Monday nearest to the
    start of February, a 53rd week joining the last month.

    With segments their column stands first: the value on the customer's first row by date decides,
    the upper of two of one day; a blank one is (none). Capitals do not count in it, and direct,
    (direct) and (direct) / (none), as Google Analytics has them, are one: direct.

    Measures: "retention" the share of customers active, "customers" their number, "revenue" the
    sum of values, "revenue_retention" that over the revenue of age 0 (blank for a cohort where it
    is not above 0). The revenue measures need values: #VALUE! without them.

    Orders may come in any order; several of a customer in a period count once. Rows blank
    throughout are skipped. A text that is no date as 2024-01-31 is #VALUE!.
    """
    revenue = values if of_revenue(measure, values) else None
    log = activity(customers, dates, period, as_of, revenue, segments)
    return cohort_rows(log, period, measure)


@metric(
    "RETENTION_CURVE",
    returns=TABLE,
    result="table",
    arrays=True,
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
    customers: Customers,
    dates: OrderDates,
    period: Period = "M",
    as_of: AsOf = None,
    segments: Segments = None,
) -> list[list[Any]]:
    """Retention curve: the share of customers active at each age, over all cohorts together.

    At each age it takes the cohorts whose period at that age has ended by as_of, so that a month
    that is half over pulls nothing down. With no period ended there is no answer: #N/A. More than
    10,000 ages, as one mistyped date gives, are #NUM!.
    Customers, ages, segments and rows with negative amounts are those of COHORT; of "30D" the
    customers count at an age whose thirty days have ended.
    """
    return curve_rows(activity(customers, dates, period, as_of, None, segments))


@metric(
    "RFM",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="F, M = 1 + INT(bins * customers strictly worse / customers);"
    " R = bins - INT(bins * customers strictly more recent / customers)",
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
    evenly; those who bought last all get the best R, however many they are: a sale of one day
    makes nobody Lost who bought in it. R and FM = (F + M) / 2 are high from 0.8 x bins on and mid
    from 0.6 x bins on. Segments by R, then FM high, mid, low: R high Champions, Potential
    loyalists, New; R mid Loyal, Needs attention, About to sleep; R low Cannot lose, At risk, Lost.
    Rows come in order of first appearance; customers are told apart as in COHORT.
    """
    orders = observed(customers, dates, as_of, amounts)
    known = numbered(orders.customers)
    bought = last_and_spent(known.rows, len(known.names), orders.days, orders.amounts)
    columns = rfm_columns(known.names, *bought, orders.as_of, bins)
    lists = (column.tolist() for column in columns.values())
    return [list(columns), *map(list, zip(*lists, strict=True))]


@metric(
    "CUSTOMER_KEYS",
    returns=KEY,
    result="shape",
    formula="an e-mail address in small letters; any other customer as written",
    source="RFC 5321 (2008), section 2.4: mailboxes that differ in capitals alone are discouraged",
    example=(
        '=CUSTOMER_KEYS({"Ann@Shop.com";" ann@shop.com";"Bob"})',
        [["ann@shop.com"], ["ann@shop.com"], ["Bob"]],
    ),
)
def customer_keys(
    customers: Annotated[
        list[str | float | None],
        Arg("Who bought: a row an order", KEY, column=True, blank="keep"),
    ],
) -> list[str | float]:
    """The customer of each row, so that an e-mail address is one however it is capitalised.

    Text with an @ in it is in small letters; all else stays as it is, for capitals may tell
    customers apart elsewhere. Spaces around a customer go; blank rows stay blank. The result is a
    column without a header, for the customers of other functions:
    =COHORT(CUSTOMER_KEYS(A2:A900),B2:B900).
    """
    return [
        "" if who is None else who.lower() if isinstance(who, str) and "@" in who else who
        for who in customers
    ]


@metric(
    "NAMES_ALIKE",
    returns=TABLE,
    result="table",
    formula="names that are one but for capitals, spaces, widths or forms of letters",
    source="Unicode Standard Annex 15 (form KC) and chapter 3.13 (caseless matching)",
    columns=(
        ("name", "The name, as it is written first"),
        ("also written", "Another spelling of it"),
        ("rows", "Rows with that spelling"),
    ),
    example=(
        '=NAMES_ALIKE({"Acme";"ACME.";"Bob";"acme";"acme"})',
        [["name", "also written", "rows"], ["Acme", "ACME.", 1.0], ["Acme", "acme", 2.0]],
    ),
)
def names_alike(
    names: Annotated[
        list[str | float | None], Arg("Names, a row each", KEY, column=True, blank="keep")
    ],
    capitals: Annotated[
        bool, Arg("FALSE: names that differ in capitals alone are one, as in SUMIFS", LOGICAL)
    ] = True,
) -> list[list[Any]]:
    """The names that somebody has written in several ways, in the order in which they appear.

    Capitals do not count, nor spaces and dots around a name, several spaces for one, zeros before
    a number, letters as wide as Chinese signs, signs without a width, and Persian letters and
    digits in their Arabic forms. Of words of twelve letters and digits or more, as programs number
    things, capitals tell one from another. A name that nothing is like is in no row.
    """
    there = [name for name in names if name is not None]
    firsts: dict[str, str | float] = {}
    rows = []
    for name, count in Counter(there if capitals else one_spelling(there)).items():
        first = firsts.setdefault(folded(name), name)
        if first is not name:
            rows.append([first, name, float(count)])
    return [["name", "also written", "rows"], *rows]


NUMBERED = re.compile(r"(?=\S*\d)[^\s@]{12,}")
"""A word such as programs number things by."""
FORMS = str.maketrans("يىك", "ییک")


def folded(name: str | float) -> str:
    """A name as it is compared with others: see NAMES_ALIKE."""
    text = name if isinstance(name, str) else f"{name:.15g}"
    if not text.isascii():
        letters = normalize("NFKC", text).translate(FORMS)
        text = "".join(
            str(digit) if (digit := decimal(letter, None)) is not None else letter
            for letter in letters
            if category(letter) != "Cf"
        )
    text = " ".join(text.split()).strip(" .,;")
    if text.isdigit():
        text = text.lstrip("0")
    return text if NUMBERED.fullmatch(text) else text.casefold()


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
    "FUNNEL_BY",
    returns=TABLE,
    result="table",
    formula="count = rows dated at the stage or at a later one; rate = count / count before",
    source="Industry usage in B2B sales",
    columns=(
        ("segment", "The segment"),
        ("Stage 1, Stage 2 ...", "How many of it reached the stage, under the stage's name"),
        ("Stage 1 → Stage 2 ...", "count / count of the stage before; blank where that is 0"),
    ),
    example=(
        '=FUNNEL_BY({"ads";"ads";"mail"},{45292,45293;45292,"";45294,45299},{"Lead","Won"})',
        [
            ["segment", "Lead", "Won", "Lead → Won"],
            ["ads", 2, 1, 0.5],
            ["mail", 1, 1, 1.0],
        ],
    ),
)
def funnel_by(
    segments: Annotated[
        list[str | float], Arg("The segment of each row", KEY, column=True, blank="refuse")
    ],
    stage_dates: Annotated[
        list[list[int | None]],
        Arg(
            "Dates of each row: a column a stage, in order, blank if it was not reached",
            DATE,
            column=True,
            wide=True,
            blank="keep",
        ),
    ],
    stages: Annotated[
        list[str | float | None] | None,
        Arg("Names of the stages, in order", KEY, column=True, alone=True, blank="keep"),
    ] = None,
) -> list[list[Any]]:
    """Funnels by segment: how many rows of each reached each stage, and the rates between.

    A row is one lead, deal or visitor. It counts at a stage if it is dated there or at a later
    stage, so that a date that nobody entered makes no rate exceed 1; the order of its dates does
    not matter. A row with a segment and no date reached no stage: its segment is listed all the
    same. After a count of 0 the rate is blank. Segments come in order of first appearance; neither
    capitals nor spaces around a name count, as in SUMIFS, and the first spelling is shown.

    Stages need as many names as stage_dates has columns, else #VALUE!. A blank name is Stage 1,
    Stage 2 ... by its place; two stages of one name are #VALUE!.
    """
    names = stage_names(stages, len(stage_dates))
    furthest = [0] * len(segments)
    for stage, dates in enumerate(stage_dates, start=1):
        furthest = [
            before if day is None else stage for day, before in zip(dates, furthest, strict=True)
        ]
    counts: dict[str | float, list[int]] = {}
    spelled = one_spelling(segments)
    for (segment, reached), count in Counter(zip(spelled, furthest, strict=True)).items():
        row = counts.setdefault(segment, [0] * len(names))
        for stage in range(reached):
            row[stage] += count
    return funnel_rows(counts, names)


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
    the order in which they first appear. Neither capitals nor spaces around a name count, as in
    SUMIFS: search and Search are one channel, under the spelling that comes first.

    Single negative values are returns. Sums are rounded to 14 digits: cents that cancel give 0.
    """
    parts: dict[str | float, list[float]] = defaultdict(list)
    for channel, value in zip(one_spelling(channels), values, strict=True):
        parts[channel].append(value)
    return mix_rows({channel: summed(amounts) for channel, amounts in parts.items()})


# From counts to tables: shared with the tables over frames


def of_revenue(measure: str, values: object) -> bool:
    """Whether a measure of COHORT is one of revenue, which needs values."""
    if values is None and measure.startswith("revenue"):
        raise WrongInput('measure "{measure}" needs the argument values', measure=measure)
    return measure.startswith("revenue")


class Activity(NamedTuple):
    """Customers and revenue: a row a segment and cohort, the oldest first, and a column an age.

    Of "30D" a row is of those who first bought on one day.
    """

    segments: "list[str | float]"
    """Names of the segments; none if they are not told apart."""
    segment: "Integers"
    """Which of them each row is of."""
    cohorts: "Integers"
    """The period number of each row, as it is labelled."""
    active: "Integers"
    """Customers active; at age 0 that is all of the cohort."""
    revenue: "Floats | None"
    moved: "Floats | None"
    """The sum of the amounts without their signs: what rounding is measured by."""
    begun: "Integers"
    """The last age of each row whose period has begun by as_of."""
    ended: "Integers"
    """The last age of each row whose period has ended by as_of; -1 if none has."""

    def rows(self, chosen: "Any") -> "Activity":
        """Some of the rows."""
        return self._replace(
            segment=self.segment[chosen],
            cohorts=self.cohorts[chosen],
            active=self.active[chosen],
            revenue=None if self.revenue is None else self.revenue[chosen],
            moved=None if self.moved is None else self.moved[chosen],
            begun=self.begun[chosen],
            ended=self.ended[chosen],
        )

    def labelled(self) -> "Activity":
        """Rows of one segment and label as one; an age counts that all of them have reached."""
        import numpy as np

        pairs = np.stack((self.segment, self.cohorts))
        new = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
        if new.all():
            return self
        starts = np.flatnonzero(np.concatenate(([True], new)))

        def summed(table: "NDArray[Any] | None") -> "NDArray[Any] | None":
            return None if table is None else np.add.reduceat(table, starts, axis=0)

        return self.rows(starts)._replace(
            active=np.add.reduceat(self.active, starts, axis=0),
            revenue=summed(self.revenue),
            moved=summed(self.moved),
            begun=np.minimum.reduceat(self.begun, starts),
            ended=np.minimum.reduceat(self.ended, starts),
        )

    def by_segment(self) -> "list[tuple[list[str | float], Activity]]":
        """The rows of each segment, with its name in a list; all with an empty one without."""
        if not self.segments:
            return [([], self)]
        parts = []
        for number, rows in groupby(range(len(self.segment)), self.segment.tolist().__getitem__):
            parts.append(([self.segments[number]], self.rows(list(rows))))
        return parts


def cohort_rows(log: Activity, period: str, measure: str) -> list[list[Any]]:
    """What COHORT shows."""
    log = log.labelled()
    sizes, table = log.active[:, 0], log.active if log.revenue is None else log.revenue
    width = table.shape[1]
    named = bool(log.segments)
    refuse_large(len(table) + 1, width + 2 + named, longer=True)
    table = table / sizes[:, None] if measure == "retention" else table.astype(float)
    rows: list[list[Any]] = [[*["segment"] * named, "cohort", "size", *range(width)]]
    names = [[log.segments[number]] * named for number in log.segment.tolist()] if named else None
    columns = (log.cohorts, sizes, log.begun, table)
    for row, (born, size, begun, cells) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        reached = begun + 1
        if measure == "revenue_retention":
            at_start = cells[0]
            cells = [cell / at_start if at_start > 0.0 else "" for cell in cells]
        blank = [""] * (width - reached)
        name = names[row] if names else []
        rows.append([*name, label(born, period), size, *cells[:reached], *blank])
    return rows


MOST_AGES = 10_000
"""Of a retention curve: some 27 years of days. More come from a date that is wrong."""


def curve_rows(log: Activity) -> list[list[Any]]:
    """What RETENTION_CURVE shows."""
    ages = int(log.ended.max()) + 1
    if ages > MOST_AGES:
        raise OutOfDomain(
            "{ages} ages are more than the {most} that can be shown: look for a date"
            " that is far too late or too early, or take a longer period",
            ages=ages,
            most=MOST_AGES,
        )
    if not ages:
        raise NotEnoughData(NOTHING_ENDED)
    named = bool(log.segments)
    refuse_large(1 + ages * len(log.segments), 5, longer=True)
    rows: list[list[Any]] = [[*["segment"] * named, "age", "customers at risk", "active", "rate"]]
    for name, part in log.by_segment():
        for age in range(int(part.ended.max()) + 1):
            old_enough = part.ended >= age
            at_risk = int(part.active[old_enough, 0].sum())
            active = int(part.active[old_enough, age].sum())
            rows.append([*name, age, at_risk, active, active / at_risk])
    return rows


NOTHING_ENDED = "no period has ended by as_of"


def last_and_spent(
    customer: "Integers", count: int, day: "Integers", amount: "Floats"
) -> "tuple[Integers, Integers, Floats]":
    """The last purchase, purchase days and total of each customer, from rows of numbered ones."""
    import numpy as np

    bought = amount >= 0.0
    first, span = int(day.min()), int(day.max() - day.min()) + 1
    days_bought = distinct(customer[bought] * span + day[bought] - first, count * span) // span
    frequency = np.bincount(days_bought, minlength=count)
    monetary = sums(customer, amount, count)
    counts_as_last = bought | (frequency[customer] == 0)
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, customer[counts_as_last], day[counts_as_last])
    return last, frequency, monetary


def rfm_columns(
    names: "Sequence[str | float] | NDArray[Any]",
    last: "Integers",
    frequency: "Integers",
    monetary: "NDArray[Any]",
    as_of: int,
    bins: float,
) -> "dict[str, NDArray[Any]]":
    """What RFM shows, from the last purchase, purchase days and total of each customer."""
    import numpy as np

    scored = rfm_scores(last, frequency, monetary, as_of, bins)
    named = np.array([name for levels in SEGMENTS for name in levels], dtype=object)
    columns = (scored.recency, frequency, scored.spent, scored.r, scored.f, scored.m)
    numbers = (column.astype(float) for column in columns)
    cells = np.asarray(names, dtype=object), *numbers, named[scored.segment]
    return dict(zip(RFM_HEADER, cells, strict=True))


RFM_HEADER = ("customer", "recency days", "frequency", "monetary", "R", "F", "M", "segment")


class Scores(NamedTuple):
    """Of each customer: the days since the last purchase, the total, the scores.

    `segment` is the place in SEGMENTS, row by row.
    """

    recency: "Integers"
    spent: "Floats"
    r: "Integers"
    f: "Integers"
    m: "Integers"
    segment: "Integers"


def rfm_scores(
    last: "Integers", frequency: "Integers", monetary: "NDArray[Any]", as_of: int, bins: float
) -> Scores:
    """The scores of RFM, from the last purchase, purchase days and total of each customer."""
    import numpy as np

    # Cents added up are seldom exact: customers who spent the same must rank alike.
    spent = in_14_digits(monetary)
    recency = as_of - last

    def share_below(values: "NDArray[Any]") -> "Integers":
        """How many of all are strictly below each, in `bins` steps."""
        below = np.searchsorted(np.sort(values), values, side="left")
        return below * int(bins) // len(values)

    r, f, m = int(bins) - share_below(recency), 1 + share_below(frequency), 1 + share_below(spent)
    segment = len(SEGMENTS[0]) * level(r, bins) + level((f + m) / 2.0, bins)
    return Scores(recency, spent, r, f, m, segment)


def in_14_digits(numbers: "Floats") -> "Floats":
    """Numbers in 14 digits, as f"{number:.14g}" reads them, which takes each by itself."""
    import numpy as np

    size = np.abs(numbers)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        power = 13.0 - np.floor(np.log10(size))
        scaled = numbers * 10.0**power
        digits = np.rint(scaled)
        found = digits / 10.0**power  # exact, as powers of 10 up to the 22nd are
        # What lies near the middle of two, or where a logarithm may be off, is looked at.
        known = (np.abs(scaled - digits) < 0.45) & (np.abs(digits) > 1e13) & (power >= 0.0)
        known &= (np.abs(digits) < 1e14) & (power <= 22.0)
    for place in np.flatnonzero(~known).tolist():
        found[place] = float(f"{numbers[place]:.14g}")
    return found + 0.0  # turns -0.0 into 0


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


def stage_names(stages: Sequence[str | float | None] | None, count: int) -> list[str | float]:
    """A name for each stage of FUNNEL_BY: those given, Stage 1, Stage 2 ... for the others."""
    if not count:
        raise WrongInput("stage_dates has no columns")
    if stages is None:
        stages = [None] * count
    if len(stages) != count:
        raise WrongInput(
            "stages has {number} names for the {count} columns of stage_dates",
            number=len(stages),
            count=count,
        )
    names = [
        f"Stage {number}" if name is None else name for number, name in enumerate(stages, start=1)
    ]
    for number, name in enumerate(names, start=1):
        if names.index(name) < number - 1:
            text = f"{name:.15g}" if isinstance(name, float) else name
            raise WrongInput(
                "stages {first} and {number} are both named {text}",
                first=names.index(name) + 1,
                number=number,
                text=text,
            )
    return names


def funnel_rows(counts: dict[str | float, list[int]], names: list[str | float]) -> list[list[Any]]:
    """What FUNNEL_BY shows, from how many rows of each segment reached each stage."""
    texts = [f"{name:.15g}" if isinstance(name, float) else name for name in names]
    steps = [f"{before} → {stage}" for before, stage in pairwise(texts)]
    rows: list[list[Any]] = [["segment", *names, *steps]]
    for segment, reached in counts.items():
        rates = [count / before if before else "" for before, count in pairwise(reached)]
        rows.append([segment, *reached, *rates])
    return rows


def mix_rows(sums: dict[str | float, float]) -> list[list[Any]]:
    """What CHANNEL_MIX shows, from the sum of each channel."""
    for channel, amount in sums.items():
        if amount < 0.0:
            raise OutOfDomain(
                "the values of {channel} add up to {amount}, below 0",
                channel=channel,
                amount=amount,
            )
    sums = {channel: float(f"{amount:.14g}") for channel, amount in sums.items()}
    try:
        total = fsum(sums.values())
    except OverflowError:
        raise OutOfDomain("the values add up to more than a cell holds") from None
    if not total:
        raise ZeroDenominator("the values add up to 0")
    rows: list[list[Any]] = [["channel", "value", "share", "cumulative share"]]
    ranked = sorted(sums.items(), key=lambda item: -item[1])
    so_far = accumulate(amount for _, amount in ranked)
    for (channel, amount), above in zip(ranked, so_far, strict=True):
        rows.append([channel, amount, amount / total, min(above / total, 1.0)])
    return rows


# From columns to counts


def one_spelling(names: Sequence[str | float]) -> list[str | float]:
    """Channels or segments in one spelling each: the first of those that differ in capitals alone.

    SUMIFS and COUNTIFS, which compare them elsewhere in a workbook, do not tell these apart either.
    """
    first: dict[str | float, str | float] = {}
    spelled = {
        name: first.setdefault(name.lower() if isinstance(name, str) else name, name)
        for name in dict.fromkeys(names)
    }
    if len(first) == len(spelled):
        return list(names)
    return [spelled[name] for name in names]


def segment_names(segments: "Sequence[str | float | None]") -> "Sequence[str | float]":
    """The segments, blank ones as (none)."""
    if None not in segments:
        return segments  # type: ignore[return-value]
    return [NO_SEGMENT if name is None else name for name in segments]


DIRECT = frozenset(("direct", "(direct)", "(direct) / (none)"))
"""What visits without a known source are called, in small letters: Google Analytics has all."""


def one_channel(names: Sequence[str | float]) -> list[str | float]:
    """Channels or segments in one spelling each; direct and (direct) are one, called direct."""
    of_direct = {name: direct(name) for name in dict.fromkeys(names)}
    if any(name is not plain for name, plain in of_direct.items()):
        names = [of_direct[name] for name in names]
    return one_spelling(names)


def direct(name: str | float) -> str | float:
    """A name of direct visits without parentheses; any other as it is."""
    if not isinstance(name, str) or name.lower() not in DIRECT:
        return name
    start = name.lower().index("direct")
    return name[start : start + len("direct")]


class Orders(NamedTuple):
    """The orders dated by as_of."""

    customers: "Column"
    days: "Integers"
    amounts: "Floats"
    """All 0 if none were given."""
    as_of: int
    segments: "Keys | None"
    """A blank one is (none)."""


def observed(
    customers: "Column",
    dates: "Sequence[int] | Integers",
    as_of: int | None,
    amounts: "Sequence[float] | Floats | None" = None,
    segments: "Column | None" = None,
) -> Orders:
    """Drop the orders after as_of."""
    import numpy as np

    from kpi_xl.columns import Keys

    days = np.asarray(dates, dtype=np.int64)
    values = np.zeros(len(days)) if amounts is None else np.asarray(amounts, dtype=float)
    names = None if segments is None else channel_keys(segments)
    latest = int(days.max())
    if as_of is not None and as_of < latest:
        kept = days <= as_of
        if not kept.any():
            raise NotEnoughData(NOTHING_OBSERVED)
        if isinstance(customers, Keys):
            customers = customers.kept(kept)
        elif isinstance(customers, np.ndarray):
            customers = customers[kept]
        else:
            customers = list(compress(customers, kept.tolist()))
        days, values = days[kept], values[kept]
        names = None if names is None else names.kept(kept)
    return Orders(customers, days, values, latest if as_of is None else as_of, names)


NOTHING_OBSERVED = "no order is dated on or before as_of"


def sums(place: "Integers", amounts: "NDArray[Any]", size: int) -> "Floats":
    """The sum of the amounts at each place."""
    import numpy as np

    totals = np.bincount(place, amounts, minlength=size)
    return left(totals, np.bincount(place, np.abs(amounts), minlength=size))


def left(totals: "NDArray[Any]", moved: "NDArray[Any]") -> "Floats":
    """Sums, or 0 where nothing but rounding is left of what was moved.

    Cents added up are seldom exact: what was bought and returned comes to 0, if not quite.
    """
    import numpy as np

    return np.where(np.abs(totals) <= NEGLIGIBLE * moved, 0.0, totals)


def numbered(customers: "Column") -> "Keys":
    """The customers in order of first appearance, and the number of each row's among them."""
    import numpy as np

    from kpi_xl.columns import Keys, keys, keys_of_numbers

    if isinstance(customers, Keys):
        return customers
    if isinstance(customers, np.ndarray):
        return keys_of_numbers(customers) if is_numeric(customers) else keys(customers.tolist())
    return keys(customers)


def is_numeric(column: "NDArray[Any]") -> bool:
    """Whether an array is of numbers."""
    return column.dtype.kind in "iuf"


def channel_keys(segments: "Column") -> "Keys":
    """Segments numbered: blank ones are (none), and the others as in `one_channel`."""
    known = numbered(segments)
    return known.renamed(one_channel(segment_names(known.names)))


def customer_numbers(customers: "Column") -> "tuple[Integers, int]":
    """A number for each row, below a limit, the same for the same customer; and the limit.

    Quicker than `numbered` where customers are numbers.
    """
    import numpy as np

    from kpi_xl.columns import Keys, renumbered

    if not isinstance(customers, Keys | np.ndarray) and set(map(type, customers)) == {float}:
        customers = np.asarray(customers)
    if isinstance(customers, np.ndarray) and is_numeric(customers):
        return renumbered(customers)
    known = numbered(customers)
    return known.rows, len(known.names)


def activity(
    customers: "Column",
    dates: "Sequence[int] | Integers",
    period: str,
    as_of: int | None,
    values: "Sequence[float] | Floats | None" = None,
    segments: "Column | None" = None,
) -> Activity:
    """Count the orders dated by as_of by the cohort of their customer and its age.

    Customers, days and values may be arrays: of whole numbers, of serial numbers, of amounts.
    """
    import numpy as np

    orders = observed(customers, dates, as_of, values, segments)
    customer, count = customer_numbers(orders.customers)
    # Of thirty days each customer's count from their own first day on.
    periods = orders.days if period == ROLLING else period_numbers(orders.days, period)
    oldest = int(periods.min())
    periods = periods - oldest
    first = np.full(count, int(periods.max()) + 1)  # where nobody has the number it stays so
    np.minimum.at(first, customer, periods)
    ages = periods - first[customer]
    if period == ROLLING:
        ages //= ROLLING_DAYS
    width = int(ages.max()) + 1
    pairs = distinct(customer * width + ages, count * width)
    buyer, age = np.divmod(pairs, width)
    names: list[str | float] = []
    of_segment = np.zeros(count, dtype=np.int64)
    if orders.segments is not None:
        names = orders.segments.names
        of_segment = orders.segments.rows[first_orders(customer, orders.days, count)]
    active = of_segment[buyer], first[buyer], age, None
    revenue = None
    if values is not None:
        revenue = of_segment[customer], first[customer], ages, orders.amounts
    return tabulated(oldest, orders.as_of, period, active, revenue, names)


def first_orders(customer: "Integers", days: "Integers", count: int) -> "Integers":
    """The row of each customer's first day, the upper one of a day; 0 where there is nobody."""
    import numpy as np

    first = np.full(count, AFTER_LAST_DAY)
    np.minimum.at(first, customer, days)
    candidates = np.flatnonzero(days == first[customer])
    row = np.zeros(count, dtype=np.int64)
    row[customer[candidates[::-1]]] = candidates[::-1]  # of several the last one written stays
    return row


def tabulated(
    oldest: int,
    as_of: int,
    period: str,
    active: "Counts",
    revenue: "Counts | None" = None,
    segments: "Sequence[str | float]" = (),
) -> Activity:
    """Put counts of customers, and amounts if they are asked for, into rows of cohorts.

    `oldest`: the number of the oldest cohort; of "30D" a serial number, and so are cohorts.
    """
    import numpy as np

    span = int(active[1].max()) + 1
    place = active[0] * span + active[1]
    found = distinct(place, (max(len(segments), 1)) * span)
    segment, cohort = np.divmod(found, span)
    born = oldest + cohort
    if period == ROLLING:
        begun = (as_of - born) // ROLLING_DAYS
        ended = (as_of + 1 - born) // ROLLING_DAYS - 1
        labels = numbers_of(born, "M")
    else:
        last, following = period_numbers(np.array([as_of, as_of + 1]), period).tolist()
        begun, ended, labels = last - born, following - 1 - born, born
    width = int(begun.max()) + 1
    if len(found) * width > LARGEST_TABLE:
        raise OutOfDomain(
            "{cohorts} cohorts by {width} ages: take a longer period",
            cohorts=len(found),
            width=width,
        )

    def cells(counts: "Counts") -> "Integers":
        at: Integers = places(found, counts[0] * span + counts[1]) * width + counts[2]
        return at

    def table(at: "Integers", added: "NDArray[Any] | None") -> "NDArray[Any]":
        return np.bincount(at, added, minlength=len(found) * width).reshape(-1, width)

    counted = table(cells(active), active[3]).astype(np.int64, copy=False)
    amounts = moved = None
    if revenue is not None and revenue[3] is not None:
        at = cells(revenue)
        moved = table(at, np.abs(revenue[3]))
        amounts = left(table(at, revenue[3]), moved)
    return Activity(list(segments), segment, labels, counted, amounts, moved, begun, ended)


LARGEST_TABLE = 100_000_000  # cells


def distinct(numbers: "Integers", limit: int) -> "Integers":
    """The different numbers below a limit; marking them is faster than sorting, while they fit."""
    import numpy as np

    if limit > LARGEST_TABLE:
        in_order = np.sort(numbers)  # several times as fast as np.unique, which hashes
        return in_order[np.diff(in_order, prepend=-1) > 0]
    seen = np.zeros(limit, dtype=bool)
    seen[numbers] = True
    return np.flatnonzero(seen)


def places(known: "Integers", numbers: "Integers") -> "Integers":
    """Where each of the numbers is among those known, which are sorted."""
    import numpy as np

    limit = int(known[-1]) + 1
    if limit > 4 * len(numbers):
        found: Integers = np.searchsorted(known, numbers)
        return found
    place = np.zeros(limit, dtype=np.int64)  # to look them up is quicker, while they are near
    place[known] = np.arange(len(known))
    return place[numbers]


def period_numbers(days: "Integers", period: str) -> "Integers":
    """The number of the period of each day: of the day, ISO week, month, quarter, year."""
    import numpy as np

    low, high = int(days.min()), int(days.max())
    if high - low < len(days):  # then it is quicker to look them up, a day at a time
        return numbers_of(np.arange(low, high + 1), period)[days - low]
    return numbers_of(days, period)


def numbers_of(days: "Integers", period: str) -> "Integers":
    """The number of the period of each day, computed for each."""
    ordinals = ordinals_of(days)
    months = (ordinals - EPOCH).astype("datetime64[D]").astype("datetime64[M]").astype("int64")
    years, month = months // 12 + 1970, months % 12 + 1
    found: Integers = period_number(ordinals, years, month, period)
    return found
