"""What customers will buy and spend, by the models fitted to them, and how sure that is.

Intervals of what depends on the parameters alone are by the delta method over their logarithms:
the curvature of the likelihood says how far the data tell the parameters, and slopes of the result
carry it over. Intervals of what will come hold besides that what each customer does by chance, and
are those of a gamma distribution of this mean and variance.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from kpi_xl.btyd import (
    Fit,
    Floats,
    Histories,
    Model,
    Parameters,
    SpendFit,
    discounted_times,
    expected_spend,
)

Places = NDArray[np.int64]
"""Of each customer: the number of its history."""
STEP = 1e-4
"""By which the logarithm of a parameter is moved for a slope."""


class Interval(NamedTuple):
    """An estimate between its bounds."""

    low: float
    expected: float
    high: float


def parameter_interval(value: float, variance: float, confidence: float) -> Interval:
    """Of a parameter, from the variance of its logarithm."""
    away = float(np.exp(ndtri(0.5 + confidence / 2.0) * np.sqrt(variance)))
    return Interval(value / away, value, value * away)


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


class Purchases(NamedTuple):
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
    ) -> "Purchases":
        """By the model, at these parameters."""
        alive = model.alive(parameters, data)
        end = np.array([float(horizon)])
        expected = discounted = alive * model.of_living(parameters, data, end, np.ones(1))
        if rate:
            moments = discounted_times(parameters, horizon, rate)
            discounted = alive * model.of_living(parameters, data, *moments)
        return cls(alive, expected, discounted)


class Spend(NamedTuple):
    """What each customer spends at a time."""

    mean: Floats
    square: Floats
    """The mean square of the customer's own mean, which is not known."""
    within: Floats
    """The mean variance of their purchases around it."""
    slopes: Floats
    """Of the mean, with the logarithms of what it depends on: a row each."""
    covariance: Floats
    """Of these logarithms."""


def modelled_spend(fit: SpendFit, x: Floats, spend: Floats) -> Spend:
    """By the Gamma-Gamma model; the squares are infinite where the model has no variance."""
    p, q, _ = fit.parameters
    mean = expected_spend(fit.parameters, x, spend)
    shape = p * x + q  # of the inverse of the customer's scale
    with np.errstate(divide="ignore"):
        square = mean**2 * np.where(
            shape > 2.0, (shape - 1.0) / np.maximum(shape - 2.0, 0.0), np.inf
        )
    moved = slopes(lambda at: expected_spend(at, x, spend), fit.parameters)
    return Spend(mean, square, square / p, moved, fit.covariance)


def mean_spend(x: Floats, spend: Floats) -> Spend | None:
    """The same for all: the mean of the customers who bought again; None without any."""
    known = spend[(x > 0.0) & (spend > 0.0)]
    if not len(known):
        return None
    mean, variance = float(known.mean()), float(known.var())
    same = np.ones(len(x))
    return Spend(
        mean * same,
        mean**2 * same,
        variance * same,
        mean * same[np.newaxis],
        np.array([[variance / len(known) / mean**2]]),
    )


class Sums(NamedTuple):
    """What all customers together will bring."""

    alive: Interval
    purchases: Interval
    worth: Interval | None
    """Their discounted spend; None without what they spend, its bounds NaN where that has no
    variance."""


def sums(
    model: Model, fit: Fit, data: Histories, place: Places,
    horizon: int, rate: float, spend: Spend | None, confidence: float,
) -> Sums:  # fmt: skip
    """What all customers together will bring, within bounds for what will come."""
    at = Purchases.of(model, fit.parameters, data, horizon, rate)
    many = data.customers
    worth_of = many if spend is None else np.bincount(place, weights=spend.mean)

    def totals(parameters: Parameters) -> Floats:
        alive, expected, discounted = Purchases.of(model, parameters, data, horizon, rate)
        return np.array((alive @ many, expected @ many, discounted @ worth_of))

    unsure = slopes(totals, fit.parameters)
    unsure = np.einsum("ik,ij,jk->k", unsure, fit.covariance, unsure)
    pairs = model.pairs_of_living(fit.parameters, data, float(horizon))
    pairs = at.alive * pairs + at.expected
    by_chance = many @ (at.alive * (1.0 - at.alive)), many @ (pairs - at.expected**2)
    alive, purchases = (
        sum_interval(float(mean @ many), float(own + wide), confidence)
        for mean, own, wide in zip(at[:2], by_chance, unsure[:2], strict=True)
    )
    alive = alive._replace(high=min(alive.high, float(many.sum())))
    if spend is None:
        return Sums(alive, purchases, None)
    expected, discounted = at.expected[place], at.discounted[place]
    each = expected * spend.within + pairs[place] * spend.square
    each = each * (discounted / np.maximum(expected, 1e-300)) ** 2 - (discounted * spend.mean) ** 2
    moved = spend.slopes @ discounted
    variance = float(each.sum() + unsure[2] + moved @ spend.covariance @ moved)
    worth = Interval(np.nan, float(discounted @ spend.mean), np.nan)
    if np.isfinite(variance):
        worth = sum_interval(worth.expected, variance, confidence)
    return Sums(alive, purchases, worth)


def worth_bounds(
    model: Model, fit: Fit, data: Histories, place: Places,
    horizon: int, rate: float, spend: Spend, confidence: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Bounds of the discounted spend to expect of each customer."""

    def discounted(parameters: Parameters) -> Floats:
        return Purchases.of(model, parameters, data, horizon, rate).discounted

    values = discounted(fit.parameters)
    relative = slopes(discounted, fit.parameters) / np.maximum(values, 1e-300)
    variance = np.einsum("ik,ij,jk->k", relative, fit.covariance, relative)
    of_spend = spend.slopes / spend.mean
    variance = variance[place] + np.einsum("ik,ij,jk->k", of_spend, spend.covariance, of_spend)
    away = np.exp(ndtri(0.5 + confidence / 2.0) * np.sqrt(variance))
    worth = values[place] * spend.mean
    return worth / away, worth * away
