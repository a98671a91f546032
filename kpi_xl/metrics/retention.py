"""Who stays, who leaves, and what they say."""

from math import expm1, fsum, log1p, sqrt
from typing import Annotated

from kpi_xl.errors import OutOfDomain, ZeroDenominator
from kpi_xl.metrics.arguments import (
    ChurnedRevenue,
    Confidence,
    Contraction,
    Detractors,
    Expansion,
    Passives,
    Promoters,
    RevenueAtStart,
)
from kpi_xl.metrics.experiments import normal_deviate
from kpi_xl.registry import Arg, metric
from kpi_xl.units import (
    COUNT,
    POSITIVE,
    RATE,
    SCORE,
    SHARE,
    TEXT,
    Domain,
    exceeds,
)

FARRIS = "Farris et al., Marketing Metrics"
SAAS = "Industry usage in software as a service"
NPS_SOURCE = "Reichheld (2003), The One Number You Need to Grow, Harvard Business Review"

CustomersAtStart = Annotated[
    float, Arg("Customers at the start of the period", COUNT, denominator=True)
]


@metric(
    "RETENTION_RATE",
    returns=RATE,
    formula="(customers_end - customers_new) / customers_start",
    source=FARRIS,
    parts=(("customers_new", "customers_end"),),
    rules=("customers_end - customers_new <= customers_start",),
    example=("=RETENTION_RATE(950,150,1000)", 0.8),
)
def retention_rate(
    customers_end: Annotated[float, Arg("Customers at the end of the period", COUNT)],
    customers_new: Annotated[float, Arg("Those of them won in the period", COUNT)],
    customers_start: CustomersAtStart,
) -> float:
    """Customer retention rate: the share of the customers at the start who are still there."""
    if exceeds(customers_end - customers_new, customers_start):
        raise OutOfDomain(
            "customers_end less customers_new is more than customers_start, of which it is a part"
        )
    return (customers_end - customers_new) / customers_start


@metric(
    "CHURN_RATE",
    returns=RATE,
    formula="customers_lost / customers_start",
    source=FARRIS,
    parts=(("customers_lost", "customers_start"),),
    example=("=CHURN_RATE(50,1000)", 0.05),
)
def churn_rate(
    customers_lost: Annotated[float, Arg("Customers who left in the period", COUNT)],
    customers_start: CustomersAtStart,
) -> float:
    """Customer churn rate: the share of the customers at the start who left."""
    return customers_lost / customers_start


@metric(
    "ANNUAL_CHURN",
    returns=RATE,
    formula="1 - (1 - period_churn)^periods_per_year",
    source=SAAS,
    example=("=ANNUAL_CHURN(0.5,2)", 0.75),
)
def annual_churn(
    period_churn: Annotated[float, Arg("Share of customers lost per period", RATE, SHARE)],
    periods_per_year: Annotated[float, Arg("Periods in a year", COUNT, POSITIVE)] = 12.0,
) -> float:
    """Churn over a year, from the churn of a month (or another period).

    Compounded: 5 % a month is 46 % a year, not 60 %.
    """
    if period_churn == 1.0:
        return 1.0
    return -expm1(periods_per_year * log1p(-period_churn))


@metric(
    "REVENUE_CHURN",
    returns=RATE,
    formula="churned / start",
    source=SAAS,
    parts=(("churned", "start"),),
    example=("=REVENUE_CHURN(3000,60000)", 0.05),
)
def revenue_churn(churned: ChurnedRevenue, start: RevenueAtStart) -> float:
    """Revenue churn: the share of recurring revenue lost with the customers who left."""
    return churned / start


def kept(start: float, contraction: float, churned: float) -> float:
    """The recurring revenue that neither shrank nor left."""
    if exceeds(contraction + churned, start):
        raise OutOfDomain("contraction and churned together are more than start")
    return max(start - contraction - churned, 0.0)


@metric(
    "GRR",
    returns=RATE,
    formula="(start - contraction - churned) / start",
    source=SAAS,
    rules=("contraction + churned <= start",),
    example=("=GRR(10,0.6,0.9)", 0.85),
)
def grr(start: RevenueAtStart, contraction: Contraction, churned: ChurnedRevenue) -> float:
    """Gross revenue retention: the share of recurring revenue kept, expansion left out.

    Losses of more than the revenue at the start are #NUM!.
    """
    return kept(start, contraction, churned) / start


@metric(
    "NRR",
    returns=RATE,
    formula="(start - contraction - churned + expansion) / start",
    source=SAAS,
    rules=("contraction + churned <= start",),
    example=("=NRR(10,0.6,0.9,1.8)", 1.03),
)
def nrr(
    start: RevenueAtStart,
    contraction: Contraction,
    churned: ChurnedRevenue,
    expansion: Expansion,
) -> float:
    """Net revenue retention: recurring revenue of the customers at the start, with expansion.

    New customers are left out. Losses of more than the revenue at the start are #NUM!.
    """
    return (kept(start, contraction, churned) + expansion) / start


@metric(
    "REPEAT_PURCHASE_RATE",
    returns=RATE,
    formula="repeat_customers / customers",
    source="Industry usage in e-commerce",
    parts=(("repeat_customers", "customers"),),
    example=("=REPEAT_PURCHASE_RATE(240,800)", 0.3),
)
def repeat_purchase_rate(
    repeat_customers: Annotated[float, Arg("Customers with more than one purchase", COUNT)],
    customers: Annotated[float, Arg("All customers with a purchase", COUNT, denominator=True)],
) -> float:
    """Repeat purchase rate: the share of customers who bought more than once."""
    return repeat_customers / customers


@metric(
    "ADOPTION_RATE",
    returns=RATE,
    formula="active_users / customers",
    source=SAAS,
    parts=(("active_users", "customers"),),
    example=("=ADOPTION_RATE(640,800)", 0.8),
)
def adoption_rate(
    active_users: Annotated[float, Arg("Customers who use the product", COUNT)],
    customers: Annotated[float, Arg("All customers", COUNT, denominator=True)],
) -> float:
    """Adoption rate: the share of customers who use the product (or a feature of it)."""
    return active_users / customers


@metric(
    "NPS",
    returns=SCORE,
    formula="100 * (promoters - detractors) / answers",
    source=NPS_SOURCE,
    example=("=NPS({10;9;8;6})", 25.0),
)
def nps(
    scores: Annotated[
        list[float], Arg("Answers from 0 to 10", SCORE, Domain(0.0, 10.0, whole=True), column=True)
    ],
) -> float:
    """Net promoter score: 100 x the share of answers 9-10 less the share of 0-6.

    From -100 to 100, not a fraction. Blank answers are skipped.
    """
    promoters = sum(score >= 9 for score in scores)
    detractors = sum(score <= 6 for score in scores)
    return 100.0 * (promoters - detractors) / len(scores)


@metric(
    "NPS_COUNTS",
    returns=SCORE,
    formula="100 * (promoters - detractors) / (promoters + passives + detractors)",
    source=NPS_SOURCE,
    example=("=NPS_COUNTS(50,30,20)", 30.0),
)
def nps_counts(promoters: Promoters, passives: Passives, detractors: Detractors) -> float:
    """Net promoter score from counts of answers: -100 to 100."""
    return 100.0 * (promoters - detractors) / (promoters + passives + detractors)


@metric(
    "NPS_ERROR",
    returns=SCORE,
    formula="100 * z * SQRT((p + d - (p - d)^2) / n); z = -NORM.S.INV((1 - confidence) / 2),"
    " p = (promoters + more / 4) / n, d = (detractors + more / 4) / n,"
    " n = IF(answers = 0, 0, answers + more), answers = promoters + passives + detractors,"
    ' more = IF(method = "score", 3, 0)',
    source="Rocks (2016), Interval Estimation for the Net Promoter Score, The American Statistician"
    " 70 (4), after Agresti & Caffo (2000): the adjusted Wald interval, and the Wald interval",
    example=("=NPS_ERROR(50,30,20)", 15.0751),
)
def nps_error(
    promoters: Promoters,
    passives: Passives,
    detractors: Detractors,
    confidence: Confidence = 0.95,
    method: Annotated[
        str,
        Arg("The interval whose half width it is", TEXT, words=("score", "wald")),
    ] = "score",
) -> float:
    """Margin of error of a net promoter score, in its points: NPS plus or minus this.

    "score": half the width of the adjusted Wald interval, which adds three answers, 3/4 of a
    promoter and 3/4 of a detractor among them: it is above 0 where all answers are alike, and holds
    what it promises with few answers, too. Its middle is the score with those three, a little
    nearer to 0. "wald": the plain normal margin of a random sample, too narrow below about 100
    answers, and 0 where all are alike. No answers are #DIV/0!.
    """
    answers = fsum((promoters, passives, detractors))
    if not answers:
        raise ZeroDenominator("there are no answers")
    more = 3.0 if method == "score" else 0.0
    n = answers + more
    p, d = (promoters + more / 4.0) / n, (detractors + more / 4.0) / n
    z = normal_deviate((1.0 - confidence) / 2.0)
    return 100.0 * z * sqrt(max(p + d - (p - d) ** 2, 0.0) / n)


@metric(
    "CSAT",
    returns=RATE,
    formula="answers >= satisfied_from / answers",
    source=FARRIS,
    example=("=CSAT({5;4;3;5})", 0.75),
)
def csat(
    scores: Annotated[list[float], Arg("Answers on the satisfaction scale", SCORE, column=True)],
    satisfied_from: Annotated[
        float | None, Arg("The lowest answer that counts as satisfied", SCORE)
    ] = None,
) -> float:
    """Customer satisfaction: the share of answers from satisfied_from (4 of 5) up.

    With satisfied_from left out an answer above 5 is #NUM!: it comes from another scale, for
    which 4 would be the wrong threshold. Blank answers are skipped.
    """
    if satisfied_from is None:
        satisfied_from = 4.0
        if max(scores) > 5.0:
            raise OutOfDomain(
                "scores holds {largest}: on a scale above 5, give satisfied_from",
                largest=max(scores),
            )
    return sum(score >= satisfied_from for score in scores) / len(scores)


@metric(
    "CES",
    returns=SCORE,
    formula="SUM(scores) / answers",
    source="Dixon, Freeman & Toman (2010), Stop Trying to Delight Your Customers,"
    " Harvard Business Review",
    example=("=CES({6;7;5;6})", 6.0),
)
def ces(
    scores: Annotated[list[float], Arg("Answers on the effort scale", SCORE, column=True)],
) -> float:
    """Customer effort score: the mean answer. Blank answers are skipped."""
    return fsum(scores) / len(scores)
