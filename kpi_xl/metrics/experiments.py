"""A/B tests."""

from math import ceil, erfc, sqrt
from typing import Annotated

from kpi_xl.errors import OutOfDomain, ZeroDenominator
from kpi_xl.metrics.arguments import Confidence, ConversionsA, ConversionsB, VisitorsA, VisitorsB
from kpi_xl.registry import Arg, metric
from kpi_xl.units import COUNT, INSIDE_SHARE, PROBABILITY, RATE, TEXT

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
    formula="2 * (1 - NORM.S.DIST(ABS(z), TRUE)); z = (rate_b - rate_a)"
    " / SQRT(pooled * (1 - pooled) * (1 / visitors_a + 1 / visitors_b))",
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
    if pooled in (0.0, 1.0):
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


@metric(
    "SAMPLE_SIZE",
    returns=COUNT,
    formula="ROUNDUP((z_significance * SQRT(2 * m * (1 - m)) + z_power * SQRT(p * (1 - p)"
    " + (p + change) * (1 - p - change)))^2 / change^2, 0); m = p + change / 2, for miller p",
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
    return float(ceil(deviations**2 / change**2))


def normal_deviate(tail: float) -> float:
    """The number of standard deviations above which `tail` of a normal distribution lies."""
    from statistics import NormalDist  # imported here: it takes longer than all of kpi_xl

    if not tail:
        raise OutOfDomain("a share is too close to 0 or 1 to be told from it")
    return -NormalDist().inv_cdf(tail)
