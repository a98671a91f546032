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

PART = 2000  # histories: what is computed of so many at once stays in the processor's cache
FEWEST_REPEAT_CUSTOMERS = 10
FARTHEST = 1e5  # from 1, as a factor: where the search for a parameter ends
# Where the likelihood has no maximum, the search ends somewhere on an endless ridge: there the
# logarithms of the parameters have a standard error above 100 with few customers, and with many
# Newton's next step is still about 1.
VAGUEST, LAST_STEP = 30.0, 0.01


class Histories(NamedTuple):
    """Distinct histories, and how many customers have each."""

    x: Floats
    t_x: Floats
    T: Floats
    customers: Floats
    kinds: Floats
    """The different x there are: what depends on x alone is computed once for each."""
    kind: NDArray[np.int64]
    """Which of them each history has."""

    def part(self, start: int) -> "Histories":
        """The next PART of the histories."""
        rows = slice(start, start + PART)
        return self._replace(
            x=self.x[rows],
            t_x=self.t_x[rows],
            T=self.T[rows],
            customers=self.customers[rows],
            kind=self.kind[rows],
        )


def distinct(x: Floats, t_x: Floats, age: Floats) -> tuple[Histories, NDArray[np.int64]]:
    """Histories told apart, and for each customer the number of its own."""
    order = np.lexsort((t_x, age, x))
    table = np.stack((x, t_x, age))[:, order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (table[:, 1:] != table[:, :-1]).any(axis=0)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(starts) - 1
    x, t_x, age = table[:, starts]
    customers = np.bincount(number).astype(float)
    return Histories(x, t_x, age, customers, *np.unique(x, return_inverse=True)), number


@dataclass(frozen=True)
class Model:
    """A model of purchases; its functions take the parameters, then histories."""

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
    parts = [scaled.part(start) for start in range(0, len(scaled.x), PART)]

    def total(parameters: Parameters) -> tuple[float, Floats]:
        likelihood, slopes = 0.0, np.zeros(len(parameters))
        for part in parts:
            each, gradient = model.likelihood(parameters, part)
            likelihood += float(each @ part.customers)
            slopes += gradient @ part.customers
        return likelihood, slopes

    found = _greatest(total, len(model.parameters), float(histories.customers.sum()))
    parameters = tuple(
        value * unit if name in ("alpha", "beta") else value
        for name, value in zip(model.parameters, found, strict=True)
    )
    # A density of moments: in another unit of time each repeat purchase counts differently.
    likelihood = total(found)[0] - float(histories.x @ histories.customers) * np.log(unit)
    return Fit(parameters, float(likelihood))


def _greatest(
    total: Callable[[Parameters], tuple[float, Floats]], size: int, customers: float
) -> Parameters:
    """The parameters above 0 of the greatest log-likelihood, searched by their logarithms."""
    edge = np.log(FARTHEST)

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        inside = np.abs(logarithms) < edge
        parameters = np.exp(np.clip(logarithms, -edge, edge))
        likelihood, gradient = total(tuple(parameters.tolist()))
        return -likelihood / customers, -gradient * parameters * inside / customers

    # SciPy's L-BFGS-B is as good, but its threads wait for each other where cores are busy.
    result = minimize(loss, np.zeros(size), jac=True, method="BFGS", options={"gtol": 1e-8})
    at, step = result.x, 1e-4
    differences = np.array(
        [loss(at + move)[1] - loss(at - move)[1] for move in step * np.eye(size)]
    )
    curvature = (differences + differences.T) / (4.0 * step)
    inside = np.abs(at).max() < 0.99 * edge  # at the edge the differences are no curvature
    if inside and np.linalg.eigvalsh(curvature)[0] * customers > VAGUEST**-2:
        last = np.linalg.solve(curvature, result.jac)  # Newton's step adds the last digits
        if np.abs(last).max() < LAST_STEP:
            return tuple(np.exp(at - last).tolist())
    raise NotEnoughData(
        "the data do not tell how customers differ: they are too few or too much alike, and no one"
        " set of parameters fits best"
    )


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
    bought, stays = r + data.kinds, _chances(data.kinds, b, first)
    log_odds = _log_odds_geometric(parameters, data, first)
    stopped = expit(log_odds)
    to_end, to_last = alpha + data.T, alpha + data.t_x
    log_end, power = np.log(to_end), bought[data.kind]
    by_kind = (
        gammaln(bought) - gammaln(r) + r * np.log(alpha)
        + gammaln(a + b) + gammaln(stays) - gammaln(b) - gammaln(a + stays)
    )  # fmt: skip
    each = by_kind[data.kind] - power * log_end + np.logaddexp(0.0, log_odds)
    both = digamma(a + b) - digamma(a + stays)
    # Who cannot have stopped yet has b - 1 for a denominator, which may be 0.
    later = np.where(stopped > 0.0, (stays - 1.0)[data.kind], 1.0)
    gradient = np.stack(
        (
            (digamma(bought) - digamma(r) + np.log(alpha))[data.kind] - log_end
            + stopped * (log_end - np.log(to_last)),
            r / alpha - power * ((1.0 - stopped) / to_end + stopped / to_last),
            both[data.kind] + stopped / a,
            (both + digamma(stays) - digamma(b))[data.kind] - stopped / later,
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


class Stopped(NamedTuple):
    """Customers who stopped at some moment u between t_x and T."""

    log_likelihood: Floats
    """Without what it shares with that of being alive."""
    shares: Floats
    """Of each moment in it: a row a history, as in what follows."""
    log_buying: Floats
    """LN(alpha + u)."""
    log_living: Floats
    """LN(beta + u)."""


def _stopped(parameters: Parameters, data: Histories) -> Stopped:
    """The integral of (alpha + u)^-(r + x) (beta + u)^-(s + 1) over u.

    The power law that touches the integrand at t_x tells on which scale it falls; over the
    logarithm on that scale, Gauss's rule is exact to eight digits and more, also where the
    hypergeometric functions of the papers overflow.
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
    grown = np.log1p(since / buying[:, np.newaxis])
    aged = np.log1p(since / living[:, np.newaxis])
    heights = SHARES * np.exp(steps - power[:, np.newaxis] * grown - (s + 1.0) * aged)
    total = heights.sum(axis=1)
    log_buying, log_living = np.log(buying), np.log(living)
    with np.errstate(divide="ignore"):  # who bought on the last day has had no time to stop
        log_integral = np.log(total * reach * scale * s)
    return Stopped(
        log_integral - power * log_buying - (s + 1.0) * log_living,
        heights / total[:, np.newaxis],
        log_buying[:, np.newaxis] + grown,
        log_living[:, np.newaxis] + aged,
    )


def _lives(parameters: Parameters, data: Histories) -> Floats:
    """The log-likelihood of being alive at T, without what it shares with having stopped."""
    r, alpha, s, beta = parameters
    alive: Floats = -(r + data.x) * np.log(alpha + data.T) - s * np.log(beta + data.T)
    return alive


def _likelihood_pareto(parameters: Parameters, data: Histories) -> tuple[Floats, Floats]:
    r, alpha, s, beta = parameters
    alive, stopped = _lives(parameters, data), _stopped(parameters, data)
    bought = r + data.kinds
    by_kind = gammaln(bought) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    each = by_kind[data.kind] + np.logaddexp(alive, stopped.log_likelihood)
    odds = expit(stopped.log_likelihood - alive)

    def mean(alive: Floats, at_each_moment: Floats) -> Floats:
        average: Floats = (1.0 - odds) * alive + odds * (stopped.shares * at_each_moment).sum(
            axis=1
        )
        return average

    buying, living = alpha + data.T, beta + data.T
    gradient = np.stack(
        (
            (digamma(bought) - digamma(r) + np.log(alpha))[data.kind]
            - mean(np.log(buying), stopped.log_buying),
            r / alpha - bought[data.kind] * mean(1.0 / buying, np.exp(-stopped.log_buying)),
            np.log(beta) + odds / s - mean(np.log(living), stopped.log_living),
            s / beta - mean(s / living, (s + 1.0) * np.exp(-stopped.log_living)),
        )
    )  # fmt: skip
    return each, gradient


def _alive_pareto(parameters: Parameters, data: Histories) -> Floats:
    alive: Floats = expit(_lives(parameters, data) - _stopped(parameters, data).log_likelihood)
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
        ("r", "alpha", "a", "b"),
        partial(_likelihood_geometric, first=False),
        partial(_alive_geometric, first=False),
        partial(_expected_geometric, first=False),
    ),
    "mbgnbd": Model(
        ("r", "alpha", "a", "b"),
        partial(_likelihood_geometric, first=True),
        partial(_alive_geometric, first=True),
        partial(_expected_geometric, first=True),
    ),
    "paretonbd": Model(
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
