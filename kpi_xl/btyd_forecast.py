"""What customers will buy and spend, by the models fitted to them, and how sure that is.

Bounds of the parameters, and what of them is in those of sums, are by profile likelihood; bounds of
each customer's CLV by the delta method over the logarithms of the parameters: the curvature of the
likelihood says how far the data tell them, and slopes of the result carry it over. Bounds of what
will come hold besides that what each customer does by chance, and are those of a gamma distribution
of this mean and variance.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from kpi_xl.btyd import (
    BuyingFit,
    Floats,
    Histories,
    Model,
    Parameters,
    SpendFit,
    added,
    discounted_times,
    edge,
    expected_spend,
    who_paid,
)
from kpi_xl.covariates import CovariateFit

Places = NDArray[np.int64]
"""Of each customer: the number of its history."""
STEP = 1e-4
"""By which the logarithm of a parameter is moved for a slope."""


class Interval(NamedTuple):
    """An estimate between its bounds."""

    low: float
    expected: float
    high: float


def parameter_intervals(
    fit: BuyingFit | SpendFit | CovariateFit, confidence: float
) -> list[Interval]:
    """Of each parameter by profile likelihood; with covariates by the delta method."""
    reach = float(-ndtri((1.0 - confidence) / 2.0))
    if isinstance(fit, CovariateFit):
        away = np.exp(reach * np.sqrt(np.diag(fit.covariance)))
        return [
            Interval(value / far, value, value * far)
            for value, far in zip(fit.parameters, away.tolist(), strict=False)
        ]
    each = np.eye(len(fit.parameters))
    return [
        Interval(edge(fit, -way, reach)[number], value, edge(fit, way, reach)[number])
        for number, (value, way) in enumerate(zip(fit.parameters, each, strict=True))
    ]


def sum_interval(mean: float, variance: float, confidence: float) -> Interval:
    """Of a sum that is not negative, from its mean and variance."""
    if not mean or not variance:
        return Interval(mean, mean, mean)
    shape, tail = mean**2 / variance, 0.5 - confidence / 2.0
    low, high = (gammaincinv(shape, at) * variance / mean for at in (tail, 1.0 - tail))
    return Interval(float(low), mean, float(high))


def slopes(function: Callable[[Parameters], Floats], parameters: Parameters) -> Floats:
    """How much each value of a function grows with the logarithms: a row a parameter."""
    moves = np.exp(STEP * np.eye(len(parameters)))
    values = np.array(parameters)
    return np.array(
        [
            (function(tuple(values * move)) - function(tuple(values / move))) / (2.0 * STEP)
            for move in moves
        ]
    )


class ExpectedPurchases(NamedTuple):
    """What each of some histories will bring up to a horizon."""

    alive: Floats
    """The chance that the customer still buys."""
    expected: Floats
    """Purchases."""
    discounted: Floats
    """The same, each discounted at the end of its period."""

    @classmethod
    def of(
        cls, model: Model, parameters: Parameters, data: Histories, horizon: int, rate: float
    ) -> "ExpectedPurchases":
        """By the model, at these parameters."""
        alive = model.alive(parameters, data)
        end = np.array([float(horizon)])
        expected = discounted = alive * model.of_living(parameters, data, end, np.ones(1))
        if rate:
            moments = discounted_times(parameters, horizon, rate)
            discounted = alive * model.of_living(parameters, data, *moments)
        return cls(alive, expected, discounted)


class Spend(NamedTuple):
    """What customers spend at a time, added up in each of some groups; in most, of one customer."""

    mean: Floats
    mean_squared: Floats
    """The squares of these means."""
    square: Floats
    """The mean square of the customer's own mean, which is not known."""
    within: Floats
    """The mean variance of their purchases around it."""
    slopes: Floats
    """Of the mean, with the logarithms of what it depends on: a row each."""
    covariance: Floats
    """Of these logarithms."""


class Paid(NamedTuple):
    """What groups of customers spend a repeat purchase, in the mean; nothing below 0."""

    x: Floats
    many: Floats
    spend: Floats
    """Of all of a group, added up."""
    squares: Floats
    """The squares of what each spends, added up."""

    def by(self, data: Histories, place: Places) -> "Paid":
        """The groups with the same history as one."""

        def of_each(part: Floats) -> Floats:
            return np.bincount(place, weights=part).astype(float)

        return Paid(data.x, of_each(self.many), of_each(self.spend), of_each(self.squares))


def of_customers(x: Floats, spend: Floats) -> Paid:
    """Groups of one customer each."""
    paid = np.maximum(spend, 0.0)
    with np.errstate(over="ignore"):  # what is so large is refused by the fit
        return Paid(x, np.ones(len(x)), paid, paid**2)


def modelled_spend(fit: SpendFit, paid: Paid) -> Spend:
    """By the Gamma-Gamma model; the squares are infinite where the model has no variance."""
    p, q, v = fit.parameters
    shape = p * paid.x + q  # of the inverse of the customer's scale

    def mean(at: Parameters) -> Floats:
        return expected_spend(at, paid.x, paid.spend, paid.many)

    squared = v * v * paid.many + 2.0 * v * paid.x * paid.spend + paid.x**2 * paid.squares
    squared = (p / (shape - 1.0)) ** 2 * squared
    with np.errstate(divide="ignore"):
        square = squared * np.where(
            shape > 2.0, (shape - 1.0) / np.maximum(shape - 2.0, 0.0), np.inf
        )
    moved = slopes(mean, fit.parameters)
    return Spend(mean(fit.parameters), squared, square, square / p, moved, fit.covariance)


def mean_spend(x: Floats, spend: Floats, many: Floats, paid: Paid) -> Spend | None:
    """The same for all: the mean of the customers who bought again; None without any.

    They are those of x, spend and `many`; the groups those of `paid`.
    """
    known = who_paid(x, spend)
    if not known.any():
        return None
    everybody = float(many[known].sum())
    mean = float(added(spend[known], many[known])) / everybody
    variance = float(added((spend[known] - mean) ** 2, many[known])) / everybody
    means, squares = mean * paid.many, mean**2 * paid.many
    relative = np.array([[variance / everybody / mean**2]])
    return Spend(means, squares, squares, variance * paid.many, means[np.newaxis], relative)


class Sums(NamedTuple):
    """What all customers together will bring."""

    alive: Interval
    purchases: Interval
    worth: Interval | None
    """Their discounted spend; None without what they spend, its bounds NaN where that has no
    variance."""


def sums(
    model: Model, fit: BuyingFit, data: Histories,
    horizon: int, rate: float, spend: Spend | None, confidence: float,
) -> Sums:  # fmt: skip
    """What all customers together will bring, within bounds for what will come.

    `spend` is that of the customers of each history.
    """
    at = ExpectedPurchases.of(model, fit.parameters, data, horizon, rate)
    many = data.customers
    worth_of = many if spend is None else spend.mean

    def totals(parameters: Parameters) -> Floats:
        alive, expected, discounted = ExpectedPurchases.of(model, parameters, data, horizon, rate)
        return np.array((added(alive, many), added(expected, many), added(discounted, worth_of)))

    pairs = model.pairs_of_living(fit.parameters, data, float(horizon))
    pairs = at.alive * pairs + at.expected
    mean = np.array(
        (added(at.alive, many), added(at.expected, many), added(at.discounted, worth_of))
    )
    by_chance = [
        float(added(at.alive * (1.0 - at.alive), many)),
        float(added(pairs - at.expected**2, many)),
    ]
    if spend is not None:
        by_chance.append(_variance_of_worth(at, pairs, spend))
    ways, reach = slopes(totals, fit.parameters).T, float(-ndtri((1.0 - confidence) / 2.0))
    found = []
    for number, variance in enumerate(by_chance):
        low, high = (
            variance + ((totals(edge(fit, way, reach))[number] - mean[number]) / reach) ** 2
            for way in (-ways[number], ways[number])
        )
        found.append(_between(float(mean[number]), float(low), float(high), confidence))
    alive, purchases, *worth = found
    alive = alive._replace(high=min(alive.high, float(many.sum())))
    return Sums(alive, purchases, worth[0] if worth else None)


def _variance_of_worth(at: ExpectedPurchases, pairs: Floats, spend: Spend) -> float:
    """Of all discounted spend together, by chance and by how far the data tell what is spent."""
    each = at.expected * spend.within + pairs * spend.square
    each = each * (at.discounted / np.maximum(at.expected, 1e-300)) ** 2
    each -= at.discounted**2 * spend.mean_squared
    moved = added(spend.slopes, at.discounted)
    return float(each.sum() + moved @ spend.covariance @ moved)


def _between(mean: float, below: float, above: float, confidence: float) -> Interval:
    """A sum within bounds from its variance downwards and upwards; NaN where it has none."""
    if not np.isfinite(below + above):
        return Interval(np.nan, mean, np.nan)
    low, high = (sum_interval(mean, variance, confidence) for variance in (below, above))
    # Where hardly anything is likely to come, the mean of the little that may is above most of it.
    return Interval(low.low, mean, max(mean, high.high))


def worth_bounds(
    model: Model, fit: BuyingFit, data: Histories, place: Places,
    horizon: int, rate: float, spend: Spend, confidence: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Bounds of the discounted spend to expect of each customer."""

    def discounted(parameters: Parameters) -> Floats:
        return ExpectedPurchases.of(model, parameters, data, horizon, rate).discounted

    values = discounted(fit.parameters)
    relative = slopes(discounted, fit.parameters) / np.maximum(values, 1e-300)
    variance = np.einsum("ik,ij,jk->k", relative, fit.covariance, relative)
    of_spend = spend.slopes / spend.mean
    variance = variance[place] + np.einsum("ik,ij,jk->k", of_spend, spend.covariance, of_spend)
    away = np.exp(-ndtri((1.0 - confidence) / 2.0) * np.sqrt(variance))
    worth = values[place] * spend.mean
    return worth / away, worth * away
