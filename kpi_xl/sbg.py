"""Shifted beta-geometric: customers by contract who differ in how likely they are to leave.

Fader & Hardie (2007), How to Project Customer Retention, Journal of Interactive Marketing 21. At
the end of each period a customer leaves with a probability of their own, which over the customers
follows a beta distribution (alpha, beta).
"""

from math import exp, fsum, log
from typing import NamedTuple

from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput
from kpi_xl.locales import Message
from kpi_xl.quadrature import beta_points

CUSTOMERS_OF_SHARES = 1000.0
ONLY_AT_FIRST = (
    "all who left did so at the end of the first period: when others will is not to be told"
)
# Beyond these, as far as data can tell, all customers are alike, or each either leaves at once or
# stays for ever.
LARGEST_SHAPE, SMALLEST_SHAPE = 1e5, 1e-5
ROUNDING = 1e-12


class Losses(NamedTuple):
    """Customers by the period of their contract, from the first on, all cohorts together."""

    at_risk: list[float]
    """Customers who came to it, of the cohorts that were followed to its end."""
    stayed: list[float]
    """Those of them who stayed beyond it."""

    @property
    def lost(self) -> float:
        """Customers who left, in any period."""
        return fsum(self.at_risk) - fsum(self.stayed)


def losses_of(survivors: list[list[float | None]]) -> Losses:
    """What cohorts tell, a column each; it is all that the likelihood looks at."""
    if len(survivors) > 1 and len(survivors[0]) == 1:
        survivors = [[column[0] for column in survivors]]  # one cohort, written across
    cohorts = [
        counted(column, number if len(survivors) > 1 else 0)
        for number, column in enumerate(survivors, start=1)
    ]
    cohorts = [cohort for cohort in cohorts if cohort]
    longest = max(map(len, cohorts), default=0)
    if longest < 3:
        raise NotEnoughData("survivors needs at least three values")
    if all(cohort[0] == 1.0 for cohort in cohorts):
        cohorts = [[share * CUSTOMERS_OF_SHARES for share in cohort] for cohort in cohorts]
    elif any(cohort[0] == 1.0 and any(count % 1.0 for count in cohort) for cohort in cohorts):
        raise WrongInput("survivors holds shares beside counts: give the one or the other")
    followed = [
        [(cohort[t], cohort[t + 1]) for cohort in cohorts if len(cohort) > t + 1]
        for t in range(longest - 1)
    ]
    losses = Losses(
        [fsum(before for before, _ in pairs) for pairs in followed],
        [fsum(after for _, after in pairs) for pairs in followed],
    )
    if losses.at_risk == losses.stayed:
        raise NotEnoughData("no customer has left yet")
    return losses


def counted(column: list[float | None], number: int) -> list[float]:
    """A cohort's survivors up to its last value; it has a number where it is one of several."""
    last = max((row for row, count in enumerate(column, start=1) if count is not None), default=0)
    counts: list[float] = []
    for row, count in enumerate(column[:last], start=1):
        if count is None:
            raise WrongInput("{name} is blank", name=_place(row, number))
        if counts and count > counts[-1]:
            raise OutOfDomain("{name} is more than the one before it", name=_place(row, number))
        counts.append(count)
    return counts


def _place(row: int, column: int) -> Message:
    text = "value {row} in column {column} of {name}" if column else "value {row} of {name}"
    return Message(text, row=row, column=column, name="survivors")


def constant_churn(losses: Losses) -> float:
    """The churn of the greatest likelihood if it is one for all customers and periods."""
    return losses.lost / fsum(losses.at_risk)


def constant_retention(losses: Losses) -> float:
    """1 less that, to the last digit where hardly anybody stays."""
    return fsum(losses.stayed) / fsum(losses.at_risk)


def log_likelihood(losses: Losses, shapes: tuple[float, float] | None) -> float:
    """Of the survivors, with alpha and beta, or with one churn for all."""
    if shapes is None:
        churn = constant_churn(losses)
        stayed = fsum(losses.stayed)
        of_stayed = stayed * log(constant_retention(losses)) if stayed else 0.0
        return losses.lost * log(churn) + of_stayed
    alpha, beta = shapes
    return fsum(
        [
            losses.lost * log(alpha),
            *(after * log(beta + t) for t, after in enumerate(losses.stayed)),
            *(-before * log(alpha + beta + t) for t, before in enumerate(losses.at_risk)),
        ]
    )


def fitted(losses: Losses) -> tuple[float, float] | None:
    """alpha and beta of the greatest likelihood; None where it is that of one churn for all.

    With alpha = churn / d and beta = (1 - churn) / d the churn of period t is churn / (1 + d (t -
    1)). Where the likelihood does not rise with d from 0 on, customers who differ explain the
    losses no better than customers who are alike: they leave at one same rate, or faster with time.
    """
    if not fsum(losses.at_risk[1:]) - fsum(losses.stayed[1:]) and fsum(losses.stayed):
        raise NotEnoughData(ONLY_AT_FIRST)
    stays = constant_retention(losses)
    rise = fsum(
        t * (after / stays - before) if stays else 0.0
        for t, (before, after) in enumerate(zip(losses.at_risk, losses.stayed, strict=True))
    )
    if rise <= ROUNDING * fsum(t * before for t, before in enumerate(losses.at_risk)):
        return None
    return shapes_of(losses)


def shapes_of(losses: Losses) -> tuple[float, float] | None:
    """The search: Newton's steps over the logarithms of alpha and beta; None if it has no end."""
    scale = max(losses.at_risk)
    losses = Losses(*([count / scale for count in counts] for counts in losses))
    lost = losses.lost
    alpha = beta = 1.0
    best = log_likelihood(losses, (alpha, beta))
    damping = 1e-3
    for _ in range(500):
        inverse = [1.0 / (alpha + beta + t) for t in range(len(losses.at_risk))]
        stays = [1.0 / (beta + t) for t in range(len(losses.at_risk))]
        at_risk = fsum(n * x for n, x in zip(losses.at_risk, inverse, strict=True))
        curve = fsum(n * x * x for n, x in zip(losses.at_risk, inverse, strict=True))
        stayed = fsum(n * x for n, x in zip(losses.stayed, stays, strict=True))
        to_alpha = lost - alpha * at_risk
        to_beta = beta * (stayed - at_risk)
        if max(abs(to_alpha), abs(to_beta)) < 1e-10:
            return alpha, beta
        both = alpha * beta * curve
        alphas = alpha * alpha * curve - alpha * at_risk
        bend = fsum(n * x * x for n, x in zip(losses.stayed, stays, strict=True))
        betas = beta * beta * (curve - bend) + to_beta
        while damping < 1e12:
            a, b = alphas - damping, betas - damping
            determinant = a * b - both * both
            step_alpha = -(to_alpha * b - to_beta * both) / determinant
            step_beta = -(to_beta * a - to_alpha * both) / determinant
            if a < 0.0 < determinant and max(abs(step_alpha), abs(step_beta)) < 3.0:
                there = alpha * exp(step_alpha), beta * exp(step_beta)
                likelihood = log_likelihood(losses, there)
                if likelihood >= best:
                    break
            damping *= 4.0
        else:
            break
        if max(abs(step_alpha), abs(step_beta)) < 1e-7:  # rounding keeps the slope from being less
            return there
        (alpha, beta), best, damping = there, likelihood, max(damping / 16.0, 1e-12)
        if min(alpha, beta) < SMALLEST_SHAPE:
            raise NotEnoughData(
                "nearly all who left did so at the end of the first period: when others will is not"
                " to be told"
            )
        if max(alpha, beta) > LARGEST_SHAPE:
            break
    return None


def discounted_lifetime(alpha: float, beta: float, rate: float) -> float:
    """The sum of survival(t) / (1 + rate)^t over all t from 0.

    Of a customer who leaves at the end of a period with probability p it is a geometric series.
    """
    return (1.0 + rate) * fsum(
        weight / (rate + point) for point, weight in beta_points(alpha, beta, rate)
    )
