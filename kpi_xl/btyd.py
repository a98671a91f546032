"""Buy-till-you-die models: customers buy at rates of their own until, unseen, they stop.

BG/NBD, MBG/NBD and Pareto/NBD for when customers buy, Gamma-Gamma for what they spend; all fitted
by maximum likelihood with analytic gradients. A customer's history is (x, t_x, T): repeat
purchases, and the times from the first purchase to the last and to the end of the observation.
Arguments of that shape are arrays, one element a history.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, expit, exprel, gammaln

from kpi_xl.errors import NotEnoughData
from kpi_xl.quadrature import beta_points

Floats = NDArray[np.float64]
Parameters = tuple[float, ...]

FEWEST_REPEAT_CUSTOMERS = 10
FARTHEST = 1e5  # from 1, as a factor: where the search for a parameter ends
# The largest standard error of a combination of the parameters' logarithms. Where the likelihood
# has a maximum it is below 10 even for 50 customers; where it has none, and the search ends
# somewhere on an endless ridge, it is above 100.
VAGUEST = 30.0


class Histories(NamedTuple):
    """Distinct histories, and how many customers have each."""

    x: Floats
    t_x: Floats
    T: Floats
    customers: Floats


def distinct(x: Floats, t_x: Floats, age: Floats) -> tuple[Histories, NDArray[np.int64]]:
    """Histories told apart, and for each customer the number of its own."""
    order = np.lexsort((x, t_x, age))
    table = np.stack((x, t_x, age))[:, order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (table[:, 1:] != table[:, :-1]).any(axis=0)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(starts) - 1
    counts = np.bincount(number).astype(float)
    x, t_x, age = table[:, starts]
    return Histories(x, t_x, age, counts), number


@dataclass(frozen=True)
class Model:
    """A model of purchases; its functions take the parameters, then histories."""

    name: str
    parameters: tuple[str, ...]
    likelihood: Callable[[Parameters, Histories], tuple[Floats, Floats]]
    """Log-likelihood of each history, and its gradient: a row a parameter."""
    alive: Callable[[Parameters, Histories], Floats]
    """The probability that the customer still buys at T."""
    expected: Callable[[Parameters, Histories, Floats, Floats], Floats]
    """The purchases to expect by each of some times after T, weighted and added up."""


class Fit(NamedTuple):
    """Parameters of the greatest likelihood."""

    parameters: Parameters
    log_likelihood: float


def fit(model: Model, histories: Histories) -> Fit:
    """Fit a model. Raises NotEnoughData where the histories do not tell its parameters."""
    repeat = histories.customers[histories.x > 0.0].sum()
    if repeat < FEWEST_REPEAT_CUSTOMERS:
        raise NotEnoughData(
            f"{repeat:.0f} customers bought again; the model needs {FEWEST_REPEAT_CUSTOMERS}"
        )
    # The search is the same whatever the unit of time, if the mean time is 1 in it.
    unit = float(np.average(histories.T, weights=histories.customers))
    scaled = histories._replace(t_x=histories.t_x / unit, T=histories.T / unit)

    def total(parameters: Parameters) -> tuple[float, Floats]:
        each, gradient = model.likelihood(parameters, scaled)
        return float(each @ scaled.customers), gradient @ scaled.customers

    found = _greatest(total, len(model.parameters), float(histories.customers.sum()))
    parameters = tuple(
        value * unit if name in ("alpha", "beta") else value
        for name, value in zip(model.parameters, found, strict=True)
    )
    each, _ = model.likelihood(parameters, histories)
    return Fit(parameters, float(each @ histories.customers))


def _greatest(
    total: Callable[[Parameters], tuple[float, Floats]], size: int, customers: float
) -> Parameters:
    """The parameters above 0 of the greatest log-likelihood, searched by their logarithms."""

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        likelihood, gradient = total(tuple(parameters.tolist()))
        return -likelihood / customers, -gradient * parameters / customers

    edge = np.log(FARTHEST)
    result = minimize(
        loss,
        np.zeros(size),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-edge, edge)] * size,
        options={"maxiter": 1000, "maxcor": 20, "ftol": 1e-15, "gtol": 1e-9},
    )
    at, step = result.x, 1e-4
    curvature = np.array(
        [(loss(at + move)[1] - loss(at - move)[1]) / (2.0 * step) for move in step * np.eye(size)]
    )
    information = np.linalg.eigvalsh((curvature + curvature.T) / 2.0) * customers
    if np.abs(result.jac).max() > 1e-4 or information[0] < VAGUEST**-2:
        raise NotEnoughData(
            "the data do not tell how customers differ: they are too few or too much alike, and"
            " no one set of parameters fits best"
        )
    return tuple(np.exp(at).tolist())


# BG/NBD: Fader, Hardie & Lee (2005), Marketing Science 24 (2). After each repeat purchase a
# customer may stop, with a probability p of their own; MBG/NBD (Batislam, Denizel & Filiztekin
# 2007, International Journal of Research in Marketing 24) lets them stop after the first one too.
# Purchase rates follow a gamma distribution (r, alpha), p a beta distribution (a, b).


def _chances(x: Floats, b: float, first: bool) -> Floats:
    """b plus how often the customer did not stop, if still alive."""
    return b + x + 1.0 if first else b + x


def _log_odds_geometric(parameters: Parameters, data: Histories, first: bool) -> Floats:
    """Of having stopped at t_x, against being alive at T."""
    r, alpha, a, b = parameters
    later = np.maximum(_chances(data.x, b, first) - 1.0, 1e-300)
    odds = np.log(a / later) + (r + data.x) * np.log((alpha + data.T) / (alpha + data.t_x))
    return odds if first else np.where(data.x > 0.0, odds, -np.inf)


def _likelihood_geometric(
    parameters: Parameters, data: Histories, first: bool
) -> tuple[Floats, Floats]:
    r, alpha, a, b = parameters
    x, stays = data.x, _chances(data.x, b, first)
    log_odds = _log_odds_geometric(parameters, data, first)
    stopped = expit(log_odds)
    to_end, to_last = alpha + data.T, alpha + data.t_x
    each = (
        gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(to_end)
        + gammaln(a + b) + gammaln(stays) - gammaln(b) - gammaln(a + stays)
        + np.logaddexp(0.0, log_odds)
    )  # fmt: skip
    both = digamma(a + b) - digamma(a + stays)
    gradient = np.stack(
        (
            digamma(r + x) - digamma(r) + np.log(alpha / to_end)
            + stopped * np.log(to_end / to_last),
            r / alpha - (r + x) * ((1.0 - stopped) / to_end + stopped / to_last),
            both + stopped / a,
            both + digamma(stays) - digamma(b)
            - np.where(stopped > 0.0, stopped / np.maximum(stays - 1.0, 1e-300), 0.0),
        )
    )  # fmt: skip
    return each, gradient


def _alive_geometric(parameters: Parameters, data: Histories, first: bool) -> Floats:
    alive: Floats = expit(-_log_odds_geometric(parameters, data, first))
    return alive


def _expected_geometric(
    parameters: Parameters, data: Histories, times: Floats, weights: Floats, first: bool
) -> Floats:
    r, alpha, a, b = parameters
    expected = np.empty(len(data.x))
    for x in np.unique(data.x):
        points, shares = map(np.array, beta_points(a, float(_chances(x, b, first))))
        stop = np.maximum(points, 1e-300)
        here = np.flatnonzero(data.x == x)
        ends, place = np.unique(data.T[here], return_inverse=True)
        sums = []
        for end in ends:
            # A customer who stops with probability p after a purchase still makes (1 - q) / p of
            # them, where q is the chance that none of them would be the last.
            none_last = np.expm1(-(r + x) * np.log1p(np.outer(times / (alpha + end), stop)))
            sums.append(weights @ (none_last @ (-shares / stop)))
        expected[here] = np.array(sums)[place]
    return expected * _alive_geometric(parameters, data, first)


# Pareto/NBD: Schmittlein, Morrison & Colombo (1987), Management Science 33 (1); Fader & Hardie
# (2005), A Note on Deriving the Pareto/NBD Model. A customer stops at a moment of their own: the
# rates of stopping follow a gamma distribution (s, beta).

NODES, SHARES = np.polynomial.legendre.leggauss(32)
NODES, SHARES = (NODES + 1.0) / 2.0, SHARES / 2.0


def _stopped(parameters: Parameters, data: Histories) -> tuple[Floats, Floats, Floats]:
    """The log-likelihood of having stopped between t_x and T; the moments u, and their shares.

    It is without what it shares with that of being alive.

    The integral of (alpha + u)^-(r + x) (beta + u)^-(s + 1) over u. The power law that touches it
    at t_x tells on which scale it falls; over the logarithm on that scale, Gauss's rule is exact
    to eight digits and more where the hypergeometric functions of the papers overflow.
    """
    r, alpha, s, beta = parameters
    power, buying, living = r + data.x, alpha + data.t_x, beta + data.t_x
    slope = power / buying + (s + 1.0) / living
    bend = power / buying**2 + (s + 1.0) / living**2
    scale, fall = slope / bend, slope * slope / bend - 1.0
    reach = np.log1p((data.T - data.t_x) / scale)
    reach = np.minimum(reach, np.where(fall > 0.0, 40.0 / np.maximum(fall, 1e-9), np.inf))
    steps = reach[:, np.newaxis] * NODES
    since = scale[:, np.newaxis] * np.expm1(steps)
    logs = (
        steps
        - power[:, np.newaxis] * np.log1p(since / buying[:, np.newaxis])
        - (s + 1.0) * np.log1p(since / living[:, np.newaxis])
    )
    shares = SHARES * np.exp(logs)
    total = shares.sum(axis=1)
    with np.errstate(divide="ignore"):  # who bought on the last day has had no time to stop
        log_integral = np.log(total * reach * scale * s)
    likelihood = log_integral - power * np.log(buying) - (s + 1.0) * np.log(living)
    return likelihood, data.t_x[:, np.newaxis] + since, shares / total[:, np.newaxis]


def _lives(parameters: Parameters, data: Histories) -> Floats:
    """The log-likelihood of being alive at T, without what it shares with having stopped."""
    r, alpha, s, beta = parameters
    alive: Floats = -(r + data.x) * np.log(alpha + data.T) - s * np.log(beta + data.T)
    return alive


def _likelihood_pareto(parameters: Parameters, data: Histories) -> tuple[Floats, Floats]:
    r, alpha, s, beta = parameters
    alive = _lives(parameters, data)
    stopped, moments, shares = _stopped(parameters, data)
    each = (
        gammaln(r + data.x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        + np.logaddexp(alive, stopped)
    )  # fmt: skip
    odds = expit(stopped - alive)

    def mean(alive: Floats, stopped: Floats) -> Floats:
        average: Floats = (1.0 - odds) * alive + odds * (shares * stopped).sum(axis=1)
        return average

    gradient = np.stack(
        (
            digamma(r + data.x) - digamma(r) + np.log(alpha)
            - mean(np.log(alpha + data.T), np.log(alpha + moments)),
            r / alpha - (r + data.x) * mean(1.0 / (alpha + data.T), 1.0 / (alpha + moments)),
            np.log(beta) + odds / s - mean(np.log(beta + data.T), np.log(beta + moments)),
            s / beta - mean(s / (beta + data.T), (s + 1.0) / (beta + moments)),
        )
    )  # fmt: skip
    return each, gradient


def _alive_pareto(parameters: Parameters, data: Histories) -> Floats:
    alive: Floats = expit(_lives(parameters, data) - _stopped(parameters, data)[0])
    return alive


def _expected_pareto(
    parameters: Parameters, data: Histories, times: Floats, weights: Floats
) -> Floats:
    r, alpha, s, beta = parameters
    expected = np.zeros(len(data.x))
    for t, weight in zip(times, weights, strict=True):
        lived = np.log1p(t / (beta + data.T))
        # (1 - e^((1 - s) lived)) / (s - 1), and its limit at s = 1
        expected += weight * lived * exprel((1.0 - s) * lived)
    rate = (r + data.x) * (beta + data.T) / (alpha + data.T)
    return _alive_pareto(parameters, data) * rate * expected


MODELS = {
    "bgnbd": Model(
        "BG/NBD",
        ("r", "alpha", "a", "b"),
        partial(_likelihood_geometric, first=False),
        partial(_alive_geometric, first=False),
        partial(_expected_geometric, first=False),
    ),
    "mbgnbd": Model(
        "MBG/NBD",
        ("r", "alpha", "a", "b"),
        partial(_likelihood_geometric, first=True),
        partial(_alive_geometric, first=True),
        partial(_expected_geometric, first=True),
    ),
    "paretonbd": Model(
        "Pareto/NBD",
        ("r", "alpha", "s", "beta"),
        _likelihood_pareto,
        _alive_pareto,
        _expected_pareto,
    ),
}


# Gamma-Gamma: Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value. The amounts of a
# customer's purchases follow a gamma distribution of shape p, whose scale differs between
# customers by another gamma distribution (q, v), whatever their number of purchases.


def spend_fit(x: Floats, spend: Floats) -> Parameters:
    """p, q and v, from the repeat purchases of each customer and their mean spend."""
    known = (x > 0.0) & (spend > 0.0)
    if known.sum() < FEWEST_REPEAT_CUSTOMERS:
        raise NotEnoughData(
            f"{known.sum()} customers bought again for more than 0; the model of spend needs"
            f" {FEWEST_REPEAT_CUSTOMERS}"
        )
    unit = float(spend[known].mean())
    pairs, customers = np.unique(
        np.stack((x[known], spend[known] / unit)), axis=1, return_counts=True
    )
    x, m = pairs

    def total(parameters: Parameters) -> tuple[float, Floats]:
        p, q, v = parameters
        shape, sum_ = p * x, v + m * x
        each = (
            gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(v) - np.log(m)
            + shape * np.log(m * x) - (shape + q) * np.log(sum_)
        )  # fmt: skip
        both = digamma(shape + q)
        gradient = np.stack(
            (
                x * (both - digamma(shape) + np.log(m * x / sum_)),
                both - digamma(q) + np.log(v / sum_),
                q / v - (shape + q) / sum_,
            )
        )
        return float(each @ customers), gradient @ customers

    p, q, v = _greatest(total, 3, float(customers.sum()))
    return p, q, v * unit


def expected_spend(parameters: Parameters, x: Floats, spend: Floats) -> Floats:
    """The mean amount of a customer's purchases to come; q must be above 1."""
    p, q, v = parameters
    return p * (v + x * np.maximum(spend, 0.0)) / (p * x + q - 1.0)
