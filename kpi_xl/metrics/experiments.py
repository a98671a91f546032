"""A/B tests."""

from math import ceil, erfc, exp, floor, fsum, sqrt
from typing import TYPE_CHECKING, Annotated, Any

from kpi_xl.binomial import hypergeometric
from kpi_xl.errors import NotEnoughData, OutOfDomain, ZeroDenominator
from kpi_xl.metrics.arguments import Confidence, ConversionsA, ConversionsB, VisitorsA, VisitorsB
from kpi_xl.registry import Arg, metric
from kpi_xl.units import (
    COUNT,
    INSIDE_SHARE,
    PROBABILITY,
    RATE,
    SCORE,
    TABLE,
    TEXT,
    VALUE,
    Domain,
    same,
)

if TYPE_CHECKING:
    from kpi_xl.synthetic import Control

PARTS = (("conversions_a", "visitors_a"), ("conversions_b", "visitors_b"))


@metric(
    "AB_LIFT",
    returns=RATE,
    formula="(conversions_b / visitors_b) / (conversions_a / visitors_a) - 1",
    source="Industry usage in A/B testing",
    parts=PARTS,
    example=("=AB_LIFT(100,1000,120,1000)", 0.2),
)
def ab_lift(
    conversions_a: Annotated[float, Arg("Conversions of variant A", COUNT, denominator=True)],
    visitors_a: VisitorsA,
    conversions_b: ConversionsB,
    visitors_b: VisitorsB,
) -> float:
    """Lift of variant B over variant A: the relative change of the conversion rate."""
    return (conversions_b / visitors_b) / (conversions_a / visitors_a) - 1.0


@metric(
    "AB_PVALUE",
    returns=PROBABILITY,
    parts=PARTS,
    formula="2 * NORM.S.DIST(-ABS(z), TRUE); z = (rate_b - rate_a)"
    " / SQRT(pooled * (1 - pooled) * (1 / visitors_a + 1 / visitors_b)),"
    " rate_a = conversions_a / visitors_a, rate_b = conversions_b / visitors_b,"
    " pooled = (conversions_a + conversions_b) / (visitors_a + visitors_b)",
    source="Two-proportion z test, pooled; Fleiss, Levin & Paik, Statistical Methods for"
    " Rates and Proportions",
    example=("=AB_PVALUE(100,1000,100,1000)", 1.0),
)
def ab_pvalue(
    conversions_a: ConversionsA,
    visitors_a: VisitorsA,
    conversions_b: ConversionsB,
    visitors_b: VisitorsB,
) -> float:
    """Two-sided p-value of the difference between two variants.

    How often chance alone would show a difference at least as large. Read it once, at the sample
    size planned beforehand: peeking makes it too small.
    """
    rate_a, rate_b = conversions_a / visitors_a, conversions_b / visitors_b
    pooled = (conversions_a + conversions_b) / (visitors_a + visitors_b)
    if not 0.0 < pooled < 1.0:
        raise ZeroDenominator("with no conversions, or only conversions, the rates cannot vary")
    error = sqrt(pooled * (1.0 - pooled) * (1.0 / visitors_a + 1.0 / visitors_b))
    return erfc(abs(rate_b - rate_a) / error / sqrt(2.0))


@metric(
    "AB_INTERVAL",
    returns=RATE,
    result="row",
    parts=PARTS,
    formula="low, high of rate_b - rate_a, from the Wilson intervals of both rates",
    source="Newcombe (1998), Interval estimation for the difference between independent"
    " proportions, Statistics in Medicine 17, method 10",
    example=("=AB_INTERVAL(48,80,56,70)", [[0.0524, 0.3339]]),
)
def ab_interval(
    conversions_a: ConversionsA,
    visitors_a: VisitorsA,
    conversions_b: ConversionsB,
    visitors_b: VisitorsB,
    confidence: Confidence = 0.95,
) -> list[float]:
    """Confidence interval of rate_b - rate_a: low and high in one row of two cells, no header."""
    rate_a, rate_b = conversions_a / visitors_a, conversions_b / visitors_b
    low_a, high_a = wilson(rate_a, visitors_a, confidence)
    low_b, high_b = wilson(rate_b, visitors_b, confidence)
    difference = rate_b - rate_a
    return [
        difference - sqrt((rate_b - low_b) ** 2 + (high_a - rate_a) ** 2),
        difference + sqrt((high_b - rate_b) ** 2 + (rate_a - low_a) ** 2),
    ]


def wilson(rate: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a share."""
    z = normal_deviate((1.0 - confidence) / 2.0)
    middle = 2.0 * n * rate + z * z
    spread = z * sqrt(z * z + 4.0 * n * rate * (1.0 - rate))
    return (middle - spread) / 2.0 / (n + z * z), (middle + spread) / 2.0 / (n + z * z)


CHANGED = "baseline_rate + detectable_change"
MIDDLE = f'IF(method = "miller", baseline_rate, {CHANGED} / 2)'
DEVIATIONS = (
    "NORM.S.INV(1 - significance / 2) * SQRT(2 * {0} * (1 - {0})) + NORM.S.INV(power)"
    " * SQRT(baseline_rate * (1 - baseline_rate) + {1} * (1 - {1}))"
)


@metric(
    "SAMPLE_SIZE",
    returns=COUNT,
    rules=(
        "detectable_change <> 0",
        "baseline_rate + detectable_change > 0",
        "baseline_rate + detectable_change < 1",
        DEVIATIONS.format(f"({MIDDLE})", f"({CHANGED})") + " > 0",
    ),
    formula=f"ROUNDUP(({DEVIATIONS.format('m', 'changed')})^2 / detectable_change^2, 0);"
    f" m = {MIDDLE}, changed = {CHANGED}",
    source="Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions (pooled);"
    " Miller, Sample Size Calculator, evanmiller.org/ab-testing/sample-size.html (miller)",
    example=("=SAMPLE_SIZE(0.2,0.05)", 1094.0),
)
def sample_size(
    baseline_rate: Annotated[float, Arg("Conversion rate now", RATE, INSIDE_SHARE)],
    detectable_change: Annotated[
        float, Arg("The absolute change to detect: 0.05 is 5 points, up or down", RATE)
    ],
    significance: Annotated[
        float, Arg("Chance of seeing a change that is not there", RATE, INSIDE_SHARE)
    ] = 0.05,
    power: Annotated[
        float, Arg("Chance of seeing a change that is there", RATE, INSIDE_SHARE)
    ] = 0.8,
    method: Annotated[
        str,
        Arg(
            "The spread if nothing changed: at the mean of both rates, or at the rate now",
            TEXT,
            words=("pooled", "miller"),
        ),
    ] = "pooled",
) -> float:
    """Visitors that each variant of an A/B test needs, rounded up.

    "pooled": with that many, AB_PVALUE has the power asked for. "miller": the formula of a
    well-known calculator, which takes the spread at the baseline alone. For rates that rise from a
    small baseline it asks for fewer visitors, and the test then has less power than asked for: at
    1 % and 1 point 0.69 in place of 0.8. A rate above 0.5 is as it is: the calculator would take
    1 less it, and keep the change.
    """
    p, change = baseline_rate, detectable_change
    if not change:
        raise OutOfDomain("detectable_change is 0: no sample is large enough")
    if not 0.0 < p + change < 1.0:
        raise OutOfDomain("baseline_rate + detectable_change must lie between 0 and 1")
    same = p + change / 2.0 if method == "pooled" else p
    at_same_rates = normal_deviate(significance / 2.0) * sqrt(2.0 * same * (1.0 - same))
    changed = p + change
    at_changed_rates = -normal_deviate(power) * sqrt(p * (1.0 - p) + changed * (1.0 - changed))
    deviations = at_same_rates + at_changed_rates
    if deviations <= 0.0:
        raise OutOfDomain("chance alone has this power, whatever the size of the sample")
    return float(ceil(deviations**2 / change**2))


def normal_deviate(tail: float) -> float:
    """The number of standard deviations above which `tail` of a normal distribution lies."""
    from statistics import NormalDist  # imported here: it takes longer than all of kpi_xl

    if not tail:
        raise OutOfDomain("a share is too close to 0 or 1 to be told from it")
    return -NormalDist().inv_cdf(tail)


@metric(
    "SRM_PVALUE",
    returns=PROBABILITY,
    formula="2 * NORM.S.DIST(-ABS(visitors_a - total * share_a)"
    " / SQRT(total * share_a * (1 - share_a)), TRUE); total = visitors_a + visitors_b",
    source="Pearson's chi-square test, of one degree of freedom; Fabijan et al. (2019), Diagnosing"
    " Sample Ratio Mismatch in Online Controlled Experiments, KDD",
    example=("=SRM_PVALUE(1000,1100)", 0.0291),
)
def srm_pvalue(
    visitors_a: Annotated[float, Arg("Visitors who saw variant A", COUNT)],
    visitors_b: Annotated[float, Arg("Visitors who saw variant B", COUNT)],
    share_a: Annotated[
        float, Arg("Share of the visitors that variant A was to get", RATE, INSIDE_SHARE)
    ] = 0.5,
) -> float:
    """Sample ratio mismatch: how often chance alone would split the visitors at least so unevenly.

    Below 0.01 the test is broken: look for what loses visitors of one variant (redirects, bots,
    consent) before reading any of its results.
    """
    total = visitors_a + visitors_b
    deviation = (visitors_a - total * share_a) ** 2 / (total * share_a * (1.0 - share_a))
    return erfc(sqrt(deviation / 2.0))


ValuesA = Annotated[
    list[float],
    Arg("A value a visitor of variant A: revenue, say, 0 included", VALUE, column=True, alone=True),
]
ValuesB = Annotated[
    list[float],
    Arg("A value a visitor of variant B: revenue, say, 0 included", VALUE, column=True, alone=True),
]
WELCH = "Welch (1947), The generalization of Student's problem, Biometrika 34"


def welch(samples: list[list[float]], signs: list[float]) -> tuple[float, float, float]:
    """A signed sum of means, its standard error, and its degrees of freedom.

    By Welch and Satterthwaite: the samples are independent, and their variances may differ.
    """
    difference, parts = 0.0, []
    for values, sign in zip(samples, signs, strict=True):
        n = len(values)
        if n < 2:
            raise NotEnoughData("each sample needs at least two values")
        mean = fsum(values) / n
        # Of values that are all the same, the mean may differ from them in the last digit.
        alike = same(min(values), max(values))
        squares = 0.0 if alike else fsum((value - mean) ** 2 for value in values)
        difference += sign * mean
        parts.append((squares / (n - 1) / n, n - 1))
    variance = fsum(part for part, _ in parts)
    if not variance:
        raise ZeroDenominator("the values of each sample are all the same")
    freedom = 1.0 / fsum((part / variance) ** 2 / less_one for part, less_one in parts)
    return difference, sqrt(variance), freedom


def welch_interval(
    samples: list[list[float]], signs: list[float], confidence: float
) -> list[float]:
    """The confidence interval of a signed sum of means."""
    difference, error, freedom = welch(samples, signs)
    from kpi_xl.student import deviate

    reach = deviate((1.0 - confidence) / 2.0, freedom) * error
    return [difference - reach, difference + reach]


@metric(
    "AB_MEAN_PVALUE",
    returns=PROBABILITY,
    formula="T.TEST(values_a, values_b, 2, 3)",
    source=WELCH,
    example=("=AB_MEAN_PVALUE({1;2;3;4},{3;4;5;8})", 0.1048),
)
def ab_mean_pvalue(values_a: ValuesA, values_b: ValuesB) -> float:
    """Two-sided p-value of the difference between two means, by Welch's t test.

    For revenue per visitor and other amounts; the variances need not be equal. Visitors who spent
    nothing are values of 0, not blanks. Fewer than two values are #N/A. A few very large orders
    make it unreliable in small samples.
    """
    difference, error, freedom = welch([values_a, values_b], [-1.0, 1.0])
    from kpi_xl.student import two_sided

    return two_sided(difference / error, freedom)


@metric(
    "AB_MEAN_INTERVAL",
    returns=VALUE,
    result="row",
    formula="mean_b - mean_a -/+ t * SQRT(variance_a / n_a + variance_b / n_b)",
    source=WELCH,
    example=("=AB_MEAN_INTERVAL({1;2;3;4},{3;4;5;8})", [[-0.7544, 5.7544]]),
)
def ab_mean_interval(
    values_a: ValuesA, values_b: ValuesB, confidence: Confidence = 0.95
) -> list[float]:
    """Confidence interval of mean_b - mean_a: low and high in one row of two cells, no header.

    By Welch, as in AB_MEAN_PVALUE.
    """
    return welch_interval([values_a, values_b], [-1.0, 1.0], confidence)


PEOPLE = Domain(0.0, 1e9, whole=True)
WholeConversionsA = Annotated[float, Arg("Conversions of variant A", COUNT, PEOPLE)]
WholeVisitorsA = Annotated[
    float, Arg("Visitors who saw variant A", COUNT, PEOPLE, denominator=True)
]
WholeConversionsB = Annotated[float, Arg("Conversions of variant B", COUNT, PEOPLE)]
WholeVisitorsB = Annotated[
    float, Arg("Visitors who saw variant B", COUNT, PEOPLE, denominator=True)
]


@metric(
    "AB_PROBABILITY",
    returns=PROBABILITY,
    parts=PARTS,
    formula="sum over i = 0 ... conversions_b of"
    " B(a + i, b + d) / ((d + i) * B(1 + i, d) * B(a, b));"
    " a, b, d = conversions_a + 1, visitors_a - conversions_a + 1, visitors_b - conversions_b + 1",
    source="Miller (2015), Formulas for Bayesian A/B Testing (evanmiller.org)",
    example=("=AB_PROBABILITY(0,1,1,1)", 0.8333),
)
def ab_probability(
    conversions_a: WholeConversionsA,
    visitors_a: WholeVisitorsA,
    conversions_b: WholeConversionsB,
    visitors_b: WholeVisitorsB,
) -> float:
    """Probability that the rate of variant B is higher than that of A, all rates equally likely.

    Before the test, that is: Beta(1,1) priors. Counts must be whole. It says nothing about how
    much higher the rate is, and peeking misleads here, too.
    """
    a, b = conversions_a + 1.0, visitors_a - conversions_a + 1.0
    c, d = conversions_b + 1.0, visitors_b - conversions_b + 1.0
    # Four sums say the same: the one of the fewest terms is taken.
    fewest = min(a, b, c, d)
    if fewest == c:
        higher = _beats(a, b, c, d)
    elif fewest == b:
        higher = _beats(d, c, b, a)
    elif fewest == a:
        higher = 1.0 - _beats(c, d, a, b)
    else:
        higher = 1.0 - _beats(b, a, d, c)
    return min(max(higher, 0.0), 1.0)


def _beats(a: float, b: float, c: float, d: float) -> float:
    """The probability that a Beta(c, d) variable exceeds a Beta(a, b) one; c is whole.

    The terms rise to a peak and fall: from there on both ways, until they count no more. Each is
    C(a + i - 1, i) * C(b + d - 1, d) / C(a + b + d + i - 1, d + i), times d / (d + i).
    """
    peak = float(min(max(floor((a * d - a - b - d) / (1.0 + b)), 0), int(c) - 1))
    taken = d + peak
    height = hypergeometric(peak, a + peak - 1.0, b + d - 1.0, taken)
    height *= d / taken * (a + b - 1.0) / (a + b + taken - 1.0)
    total = term = 1.0
    i = peak
    while i + 1.0 < c and term > 1e-17 * total:
        term *= (a + i) * (d + i) / ((a + b + d + i) * (1.0 + i))
        total += term
        i += 1.0
    term, i = 1.0, peak
    while i > 0.0 and term > 1e-17 * total:
        i -= 1.0
        term /= (a + i) * (d + i) / ((a + b + d + i) * (1.0 + i))
        total += term
    return height * total


@metric(
    "AB_LIFT_INTERVAL",
    returns=RATE,
    result="row",
    parts=PARTS,
    formula="rate_b / rate_a * EXP(-/+ z * SQRT(1 / conversions_a - 1 / visitors_a"
    " + 1 / conversions_b - 1 / visitors_b)) - 1",
    source="Katz, Baptista, Azen & Pike (1978), Obtaining confidence intervals for the risk ratio,"
    " Biometrics 34",
    example=("=AB_LIFT_INTERVAL(100,1000,120,1000)", [[-0.0659, 0.5417]]),
)
def ab_lift_interval(
    conversions_a: Annotated[float, Arg("Conversions of variant A", COUNT, denominator=True)],
    visitors_a: VisitorsA,
    conversions_b: ConversionsB,
    visitors_b: VisitorsB,
    confidence: Confidence = 0.95,
) -> list[float]:
    """Confidence interval of the relative lift of B over A: low and high in one row of two cells.

    On the logarithmic scale. Without conversions of B, or with nothing but conversions, it has no
    width to tell: #N/A.
    """
    if not conversions_b:
        raise NotEnoughData("variant B has no conversions yet")
    variance = (1.0 / conversions_a - 1.0 / visitors_a) + (1.0 / conversions_b - 1.0 / visitors_b)
    if variance <= 0.0:
        raise NotEnoughData("all visitors converted: that says nothing of how rates vary")
    ratio = (conversions_b / visitors_b) / (conversions_a / visitors_a)
    reach = normal_deviate((1.0 - confidence) / 2.0) * sqrt(variance)
    return [ratio * exp(-reach) - 1.0, ratio * exp(reach) - 1.0]


@metric(
    "HOLM",
    returns=PROBABILITY,
    result="shape",
    formula="MAX over the smaller p-values of MIN(1, (number of p-values + 1 - rank) * p)",
    source="Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian"
    " Journal of Statistics 6",
    example=("=HOLM({0.01;0.04;0.03;0.005})", [[0.03], [0.06], [0.06], [0.02]]),
)
def holm(
    p_values: Annotated[
        list[float | None],
        Arg("The p-values of several comparisons", PROBABILITY, column=True, blank="keep"),
    ],
) -> list[float | str]:
    """P-values of several comparisons, adjusted so that all of them may be read together.

    For more than two variants, or several KPIs: compare each with the significance as if it were
    the only one. The result has the shape of p_values; blanks stay blank and do not count.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    if not known:
        raise NotEnoughData("{name} holds no values", name="p_values")
    adjusted: list[float | str] = [""] * len(p_values)
    so_far = 0.0
    for rank, (p, place) in enumerate(known):
        so_far = max(so_far, min(1.0, (len(known) - rank) * p))
        adjusted[place] = so_far
    return adjusted


CARD = "Card & Krueger (1994), Minimum Wages and Employment, American Economic Review 84"


@metric(
    "DID",
    returns=VALUE,
    formula="(after_treated - before_treated) - (after_control - before_control)",
    source=CARD,
    example=("=DID(20.44,21.03,23.33,21.17)", 2.75),
)
def did(
    before_treated: Annotated[float, Arg("Where it was done, before", VALUE)],
    after_treated: Annotated[float, Arg("Where it was done, after", VALUE)],
    before_control: Annotated[float, Arg("Where it was not done, before", VALUE)],
    after_control: Annotated[float, Arg("Where it was not done, after", VALUE)],
) -> float:
    """Difference in differences: what a campaign changed, beyond what changed anyway.

    It holds if both would have moved alike without the campaign: look at the periods before it.
    """
    return (after_treated - before_treated) - (after_control - before_control)


def _sample(text: str) -> Arg:
    return Arg(text, VALUE, column=True, alone=True)


@metric(
    "DID_INTERVAL",
    returns=VALUE,
    result="row",
    formula="effect -/+ t * SQRT(sum of variance / n over the four samples)",
    source=f"{CARD}; {WELCH}",
    example=(
        "=DID_INTERVAL({1;2;3},{4;5;6},{1;2;3},{2;3;4})",
        [[-0.6628, 4.6628]],
    ),
)
def did_interval(
    before_treated: Annotated[
        list[float], _sample("Values where it was done, before: a row a region or shop")
    ],
    after_treated: Annotated[list[float], _sample("Values where it was done, after")],
    before_control: Annotated[list[float], _sample("Values where it was not done, before")],
    after_control: Annotated[list[float], _sample("Values where it was not done, after")],
    confidence: Confidence = 0.95,
) -> list[float]:
    """Confidence interval of a difference in differences: low and high in one row of two cells.

    By Welch, over four independent samples. Where the same regions are measured before and after,
    their differences are the samples: AB_MEAN_INTERVAL of them is narrower. Fewer than two values
    in a sample are #N/A.
    """
    samples = [before_treated, after_treated, before_control, after_control]
    return welch_interval(samples, [-1.0, 1.0, 1.0, -1.0], confidence)


ABADIE = (
    "Abadie, Diamond & Hainmueller (2010), Synthetic Control Methods for Comparative Case Studies,"
    " Journal of the American Statistical Association 105"
)
FEWEST_BEFORE = 3

Treated = Annotated[
    list[float],
    Arg(
        "The region where it was done: a row a period, the oldest first",
        VALUE,
        column=True,
        blank="refuse",
        group="regions",
    ),
]
Controls = Annotated[
    list[list[float]],
    Arg(
        "Regions where it was not done, in the same periods: a column each",
        VALUE,
        column=True,
        wide=True,
        blank="refuse",
        group="regions",
    ),
]
Before = Annotated[
    float,
    Arg(
        "How many of the periods were over before it began",
        COUNT,
        Domain(FEWEST_BEFORE, 10_000, whole=True),
    ),
]
# Two regions that move alike and one that does not; after the fifth period about 3 more.
REGIONS = "{10;12;11;13;12;17;18},{8,14,30;10,16,20;9,15,25;11,18,22;11,15,30;12,18,28;13,19,26},5"


def control(treated: list[float], controls: list[list[float]], before: float) -> "Control":
    """The synthetic control of columns."""
    periods, last = len(treated), int(before)
    if len(controls) < 2:
        raise NotEnoughData("controls needs at least two regions")
    if last >= periods:
        raise NotEnoughData(
            "{periods} periods hold none after the first {last}", periods=periods, last=last
        )
    from kpi_xl.synthetic import control_of

    return control_of(treated, controls, last)


@metric(
    "GEO_LIFT",
    returns=TABLE,
    result="table",
    formula="mean over the periods after of treated - SUM(weight * control); weights not below 0, 1"
    " in all, with the least squares before",
    source=ABADIE,
    columns=(
        (
            "parameter",
            "effect a period, lift, p-value, error before, then weight 1, 2 ... of the controls",
        ),
        ("value", "Its value"),
    ),
    example=(
        f"=GEO_LIFT({REGIONS})",
        [
            ["parameter", "value"],
            ["effect a period", 3.1272],
            ["lift", 0.2176],
            ["p-value", 0.25],
            ["error before", 0.1700],
            ["weight 1", 0.6879],
            ["weight 2", 0.3121],
            ["weight 3", 0.0],
        ],
    ),
)
def geo_lift(treated: Treated, controls: Controls, before: Before) -> list[list[Any]]:
    """What a campaign in one region changed, against a mixture of regions without it.

    The control regions are weighted so that their mixture moved like the region before the
    campaign; what they did after it is what would have been without it. "lift": the effect as a
    share of that. "p-value": by placebos; the share of all regions, this one among them, that
    move off at least so far when they are taken for the treated one (root mean square after, by
    that before). With n controls it cannot be below 1 / (n + 1): 19 are needed for 0.05.

    Do not use it where the mixture misses the region before ("error before" is not small against
    the effect), where there are hardly more periods before than controls (then it always fits), or
    where the campaign reached the controls, too. Values of regions of different size fit better as
    a rate or an index. Fewer than two controls, or no period after, are #N/A.
    """
    found = control(treated, controls, before)
    effects = [value - mixed for value, mixed in zip(treated, found.without.tolist(), strict=True)][
        int(before) :
    ]
    effect = fsum(effects) / len(effects)
    without = fsum(found.without[int(before) :].tolist()) / len(effects)
    return [
        ["parameter", "value"],
        ["effect a period", effect],
        ["lift", effect / without if without > 0.0 else ""],
        ["p-value", found.chance],
        ["error before", found.error_before],
        *([f"weight {n}", weight] for n, weight in enumerate(found.weights.tolist(), start=1)),
    ]


@metric(
    "SYNTHETIC_CONTROL",
    returns=TABLE,
    result="table",
    formula="SUM(weight * control) of each period; weights as in GEO_LIFT",
    source=ABADIE,
    columns=(
        ("period", "The row of the region's values"),
        ("actual", "What was"),
        ("without", "What would have been, by the mixture of the controls"),
        ("effect", "actual - without"),
    ),
    example=(
        f"=SYNTHETIC_CONTROL({REGIONS})",
        [
            ["period", "actual", "without", "effect"],
            [1, 10, 9.8728, 0.1272],
            [2, 12, 11.8728, 0.1272],
            [3, 11, 10.8728, 0.1272],
            [4, 13, 13.1850, -0.1850],
            [5, 12, 12.2486, -0.2486],
            [6, 17, 13.8728, 3.1272],
            [7, 18, 14.8728, 3.1272],
        ],
    ),
)
def synthetic_control(treated: Treated, controls: Controls, before: Before) -> list[list[Any]]:
    """A region with a campaign beside what it would have been without, period by period.

    For a chart of GEO_LIFT, which says when to believe it: both lines should run together before
    the campaign.
    """
    found = control(treated, controls, before)
    rows = enumerate(zip(treated, found.without.tolist(), strict=True), start=1)
    return [
        ["period", "actual", "without", "effect"],
        *([number, actual, mixed, actual - mixed] for number, (actual, mixed) in rows),
    ]


LOOKS = 5
"""At which fifths of the plan a sequential test is taken to have been looked at before."""


@metric(
    "AB_SEQUENTIAL",
    returns=SCORE,
    result="row",
    parts=PARTS,
    formula="z of AB_PVALUE against the limit that spends"
    " 4 * (1 - NORM.S.DIST(z_significance/4 / SQRT(share of the plan), TRUE)) by now",
    source="Lan & DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70;"
    " O'Brien & Fleming (1979), Biometrics 35",
    example=("=AB_SEQUENTIAL(50,1000,60,1000,10000)", [[0.9806, 4.8769, "keep running"]]),
)
def ab_sequential(
    conversions_a: ConversionsA,
    visitors_a: VisitorsA,
    conversions_b: ConversionsB,
    visitors_b: VisitorsB,
    planned_visitors: Annotated[
        float, Arg("Visitors planned for both variants together", COUNT, denominator=True)
    ],
    significance: Annotated[
        float, Arg("Chance of seeing a difference that is not there", RATE, INSIDE_SHARE)
    ] = 0.05,
) -> list[float | str]:
    """A test that may be looked at on the way: z, the limit now, and what may be decided.

    That is "B is better", "A is better" (z is beyond the limit), "keep running", and at the planned
    size "no difference found". The limit is that of five looks, at each fifth of the plan
    up to now and now, so that all of them together are wrong as seldom as significance says;
    looking every day adds a little to that.
    """
    rate_a, rate_b = conversions_a / visitors_a, conversions_b / visitors_b
    pooled = (conversions_a + conversions_b) / (visitors_a + visitors_b)
    if not 0.0 < pooled < 1.0:
        raise ZeroDenominator("with no conversions, or only conversions, the rates cannot vary")
    error = sqrt(pooled * (1.0 - pooled) * (1.0 / visitors_a + 1.0 / visitors_b))
    z = (rate_b - rate_a) / error
    share = min((visitors_a + visitors_b) / planned_visitors, 1.0)
    from kpi_xl.sequential import limit_at

    limit = limit_at(share, significance, LOOKS)
    if abs(z) >= limit:
        return [z, limit, "B is better" if z > 0.0 else "A is better"]
    return [z, limit, "no difference found" if share == 1.0 else "keep running"]
