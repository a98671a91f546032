"""Tables from columns.

NumPy is imported inside the functions: the scalar functions must start without it.
"""

import re
from collections import Counter, defaultdict
from typing import Annotated, Any
from unicodedata import category, decimal, normalize

from kpi_xl.errors import ZeroDenominator
from kpi_xl.metrics.arguments import (
    Amounts,
    AmountsIfGiven,
    AsOf,
    Customers,
    OrderDates,
    Period,
    Segments,
)
from kpi_xl.metrics.table_rows import (
    cohort_rows,
    curve_rows,
    funnel_rows,
    mix_rows,
    of_revenue,
    rfm_columns,
    stage_names,
)
from kpi_xl.metrics.tallies import (
    activity,
    last_and_spent,
    numbered,
    observed,
    one_spelling,
)
from kpi_xl.registry import Arg, metric
from kpi_xl.units import (
    COUNT,
    DATE,
    KEY,
    LOGICAL,
    TABLE,
    TEXT,
    VALUE,
    Domain,
    summed,
)

COHORTS = "Fader & Hardie (2007), How to Project Customer Retention (retention by cohort)"


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
