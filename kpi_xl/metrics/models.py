"""Probability models of customers who stay or leave."""

from itertools import pairwise
from math import exp, fsum, log
from typing import Annotated, Any

from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput
from kpi_xl.registry import Arg, metric
from kpi_xl.units import NOT_NEGATIVE, PERIODS, TABLE, VALUE, Domain

SBG = (
    "Fader & Hardie (2007), How to Project Customer Retention, Journal of Interactive Marketing 21"
)
CUSTOMERS_OF_SHARES = 1000.0
# Beyond these, as far as data can tell, all customers are alike, or each either leaves at once or
# stays for ever: then the likelihood has no maximum that means anything.
LARGEST, SMALLEST = 1e5, 1e-5

Survivors = Annotated[
    list[float | None],
    Arg(
        "Customers left at the end of periods 0, 1, 2 ...: counts, or shares that begin with 1",
        VALUE,
        NOT_NEGATIVE,
        column=True,
        blank="keep",
    ),
]


@metric(
    "SBG_FIT",
    returns=TABLE,
    result="table",
    formula="maximum of lost * LN(alpha) + SUM(survivors(t + 1) * LN(beta + t))"
    " - SUM(survivors(t) * LN(alpha + beta + t))",
    source=SBG,
    columns=(
        ("parameter", "alpha, beta, log-likelihood"),
        ("value", "Its value"),
    ),
    example=(
        "=SBG_FIT({1000;631;468;382;326;289;262;241})",
        [["parameter", "value"], ["alpha", 0.704], ["beta", 1.182], ["log-likelihood", -1680.265]],
    ),
)
def sbg_fit(survivors: Survivors) -> list[list[Any]]:
    """Shifted beta-geometric model of a cohort that pays by contract, by maximum likelihood.

    Each customer leaves at the end of a period with a probability of their own; over the customers
    these follow a beta distribution, so that those who stay longest are the loyal ones, and the
    cohort's retention rises. A first value of 1 means shares, taken for 1,000 customers. A blank is
    #VALUE!, an increase #NUM!; fewer than three values, no loss at all, or losses that tell nothing
    of how customers differ (at one same rate, or faster with time) are #N/A.
    """
    counts = checked(survivors)
    alpha, beta = fitted(counts)
    return [
        ["parameter", "value"],
        ["alpha", alpha],
        ["beta", beta],
        ["log-likelihood", log_likelihood(counts, alpha, beta)],
    ]


@metric(
    "SBG_FORECAST",
    returns=TABLE,
    result="table",
    formula="survival(t) = survival(t - 1) * retention(t);"
    " retention(t) = (beta + t - 1) / (alpha + beta + t - 1)",
    source=SBG,
    columns=(
        ("period", "From 0 to the horizon"),
        ("survival", "Share of the customers who are left, by the fitted model"),
        ("retention rate", "Share of those left before who stay in this period; blank at 0"),
    ),
    example=(
        "=SBG_FORECAST({1000;631;468;382;326;289;262;241},2)",
        [
            ["period", "survival", "retention rate"],
            [0, 1.0, ""],
            [1, 0.6268, 0.6268],
            [2, 0.4739, 0.7560],
        ],
    ),
)
def sbg_forecast(
    survivors: Survivors,
    horizon: Annotated[
        float, Arg("The last period to forecast", PERIODS, Domain(0, 100_000, whole=True))
    ],
) -> list[list[Any]]:
    """Survival and retention of a cohort as the shifted beta-geometric model has them.

    Beyond the data it is the projection, within them the fit: set it beside the data to judge it.
    """
    alpha, beta = fitted(checked(survivors))
    rows: list[list[Any]] = [["period", "survival", "retention rate"], [0, 1.0, ""]]
    survival = 1.0
    for period in range(1, int(horizon) + 1):
        retention = (beta + period - 1.0) / (alpha + beta + period - 1.0)
        survival *= retention
        rows.append([period, survival, retention])
    return rows


def checked(survivors: list[float | None]) -> list[float]:
    """The survivors as counts of customers."""
    while survivors and survivors[-1] is None:
        survivors = survivors[:-1]
    counts = []
    for row, count in enumerate(survivors, start=1):
        if count is None:
            raise WrongInput(f"value {row} of survivors is blank")
        counts.append(count)
    if len(counts) < 3:
        raise NotEnoughData("survivors needs at least three values")
    for row, (before, after) in enumerate(pairwise(counts), start=2):
        if after > before:
            raise OutOfDomain(f"value {row} of survivors is more than the one before it")
    if counts[0] == counts[-1]:
        raise NotEnoughData("no customer has left yet")
    scale = CUSTOMERS_OF_SHARES if counts[0] == 1.0 else 1.0
    return [count * scale for count in counts]


def log_likelihood(counts: list[float], alpha: float, beta: float) -> float:
    """Of the survivors; the logarithms that customers share are counted once."""
    return fsum(
        [
            (counts[0] - counts[-1]) * log(alpha),
            *(after * log(beta + t) for t, after in enumerate(counts[1:])),
            *(-before * log(alpha + beta + t) for t, before in enumerate(counts[:-1])),
        ]
    )


def fitted(counts: list[float]) -> tuple[float, float]:
    """alpha and beta of the greatest likelihood: Newton's steps over their logarithms."""
    alpha = beta = 1.0
    best = log_likelihood(counts, alpha, beta)
    damping = 1e-3
    for _ in range(500):
        inverse = [1.0 / (alpha + beta + t) for t in range(len(counts) - 1)]
        stays = [1.0 / (beta + t) for t in range(len(counts) - 1)]
        lost = counts[0] - counts[-1]
        at_risk = fsum(n * x for n, x in zip(counts, inverse, strict=False))
        curve = fsum(n * x * x for n, x in zip(counts, inverse, strict=False))
        to_alpha = lost - alpha * at_risk
        to_beta = beta * (fsum(n * x for n, x in zip(counts[1:], stays, strict=True)) - at_risk)
        if max(abs(to_alpha), abs(to_beta)) < 1e-10 * counts[0]:
            return alpha, beta
        both = alpha * beta * curve
        alphas = alpha * alpha * curve - alpha * at_risk
        betas = (
            beta * beta * (curve - fsum(n * x * x for n, x in zip(counts[1:], stays, strict=True)))
            + to_beta
        )
        while damping < 1e12:
            a, b = alphas - damping * counts[0], betas - damping * counts[0]
            determinant = a * b - both * both
            step_alpha = -(to_alpha * b - to_beta * both) / determinant
            step_beta = -(to_beta * a - to_alpha * both) / determinant
            if a < 0.0 < determinant and max(abs(step_alpha), abs(step_beta)) < 3.0:
                there = alpha * exp(step_alpha), beta * exp(step_beta)
                likelihood = log_likelihood(counts, *there)
                if likelihood >= best:
                    break
            damping *= 4.0
        else:
            return alpha, beta
        (alpha, beta), best, damping = there, likelihood, max(damping / 16.0, 1e-12)
        if max(alpha, beta) > LARGEST or min(alpha, beta) < SMALLEST:
            break
    raise NotEnoughData(
        "the losses do not tell how customers differ: they leave at one same rate, or faster with"
        " time, or all who leave do so at once"
    )
