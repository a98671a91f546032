"""Buy-till-you-die models: customers buy at rates of their own until, unseen, they stop.

BG/NBD, MBG/NBD and Pareto/NBD for when customers buy, Gamma-Gamma for what they spend; all fitted
by maximum likelihood, by Newton's steps with analytic derivatives. A customer's history is (x, t_x,
T): repeat purchases, and the times from the first purchase to the last and to the end of the
observation. Arguments of that shape are arrays, one element a history.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from math import asinh, log, log1p, pi
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.special import betainc, digamma, expit, exprel, gammaln, zeta

from kpi_xl.errors import NotEnoughData, OutOfDomain
from kpi_xl.quadrature import POINTS, beta_rule

Floats = NDArray[np.float64]
Parameters = tuple[float, ...]

# Histories: what is computed of so many at once stays in the processor's cache; for the Pareto/NBD
# model each has 32 numbers.
PART, PARETO_PART = 4000, 500
FEWEST_REPEAT_CUSTOMERS = 10
FARTHEST = 1e5  # from 1, as a factor: where the search for a parameter ends
# Where the likelihood has no maximum, the search ends somewhere on an endless ridge: there the
# logarithms of the parameters have a standard error above 100 with few customers, and with many
# Newton's next step is still about 1.
VAGUEST, LAST_STEP = 30.0, 0.01
LONGEST_STEP, SHORTEST_STEP, LEAST_REACH, MOST_STEPS = 2.0, 1e-7, 0.1, 100
EDGE = 1e-3  # of an interval's width: its end is told no better


MIXERS = np.array((0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9), np.uint64).view(
    np.int64
)  # odd, and without a pattern of their own: of xxHash


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

    def part(self, start: int, size: int) -> "Histories":
        """So many of the histories."""
        rows = slice(start, start + size)
        return self._replace(
            x=self.x[rows],
            t_x=self.t_x[rows],
            T=self.T[rows],
            customers=self.customers[rows],
            kind=self.kind[rows],
        )


def added(values: Floats, weights: Floats) -> Floats:
    """The sum of many values, or of each of a few rows of them, times their weights.

    Where @ is long, it wakes a thread on each core, all of which then wait at full speed for more;
    and its last digits depend on how many cores there are.
    """
    return np.asarray(np.einsum("...i,i->...", values, weights))


def histories_of(x: Floats, t_x: Floats, age: Floats) -> tuple[Histories, NDArray[np.int64]]:
    """Histories told apart, and for each customer the number of its own."""
    # One key to sort by, in place of three: should two histories have the same, one may be there
    # twice, which changes no sum.
    table = np.stack((x, t_x, age))
    bits = table.view(np.int64)
    order = np.argsort((bits ^ bits >> 31).T @ MIXERS)
    table = table[:, order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (table[:, 1:] != table[:, :-1]).any(axis=0)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(starts) - 1
    x, t_x, age = table[:, starts]
    customers = np.bincount(number).astype(float)
    return Histories(x, t_x, age, customers, *np.unique(x, return_inverse=True)), number


class Slopes(NamedTuple):
    """How the log-likelihood changes with the parameters, one after the other."""

    each: Floats
    """The log-likelihood of each history."""
    gradient: Floats
    """Its first derivatives: a row a parameter."""
    curvature: Floats
    """Its second derivatives, added up over all customers: a row and a column a parameter."""


@dataclass(frozen=True)
class Model:
    """A model of purchases; its functions take the parameters, then histories."""

    parameters: tuple[str, ...]
    slopes: Callable[[Parameters, Histories], Slopes]
    alive: Callable[[Parameters, Histories], Floats]
    """The probability that the customer still buys at T."""
    of_living: Callable[[Parameters, Histories, Floats, Floats], Floats]
    """The purchases to expect by each of some times after T, weighted and added up, of one alive
    at T."""
    pairs_of_living: Callable[[Parameters, Histories, float], Floats]
    """Of their number n by a time after T, the n (n - 1) to expect."""
    prior: "Prior"
    """The weak one."""
    nobody_stops: Parameters
    """Its last two parameters where it is the NBD."""

    def likelihood(self, parameters: Parameters, data: Histories) -> tuple[Floats, Floats]:
        """Log-likelihood of each history, and its gradient: a row a parameter."""
        return self.slopes(parameters, data)[:2]

    def expected(
        self, parameters: Parameters, data: Histories, times: Floats, weights: Floats
    ) -> Floats:
        """The purchases to expect by each of some times after T, weighted and added up."""
        living = self.of_living(parameters, data, times, weights)
        return self.alive(parameters, data) * living


class Prior(NamedTuple):
    """Normal distributions of logarithms of the parameters, or of products of their powers."""

    powers: tuple[tuple[float, ...], ...]
    """Of each parameter in each product."""
    medians: tuple[float, ...]
    spreads: tuple[float, ...]
    """Standard deviations of the logarithms."""

    def slopes(self, logarithms: Floats) -> tuple[float, Floats, Floats]:
        """The logarithm of the density, less that of its peak, and its derivatives."""
        powers = np.array(self.powers) / np.array(self.spreads)[:, np.newaxis]
        off = powers @ logarithms - np.log(self.medians) / np.array(self.spreads)
        return -0.5 * float(off @ off), -off @ powers, -powers.T @ powers

    def in_unit(self, parameters: tuple[str, ...], unit: float) -> "Prior":
        """The same prior, where times count in a unit of so many of the old ones."""
        times = [name in TIMES for name in parameters]
        medians = tuple(
            median * unit ** -sum(power for power, time in zip(row, times, strict=True) if time)
            for row, median in zip(self.powers, self.medians, strict=True)
        )
        return self._replace(medians=medians)


def edge(fit: "BuyingFit | SpendFit", direction: Floats, reach: float) -> Parameters:
    """The parameters at the end of an interval: see `Search.edge`."""
    told = len(fit.search.covariance)
    move = np.zeros(len(direction))
    move[:told] = fit.search.edge(direction[:told], reach)
    return tuple((np.array(fit.parameters) * np.exp(move)).tolist())


class BuyingFit(NamedTuple):
    """Parameters of the greatest likelihood, or of its greatest product with a prior."""

    parameters: Parameters
    log_likelihood: float
    covariance: Floats
    """Of the logarithms of the parameters; 0 for those that are limits."""
    search: "Search"


def fit(model: Model, histories: Histories, *, week: float | None = None) -> BuyingFit:
    """Fit a model. Raises NotEnoughData where the histories do not tell its parameters.

    With the model's weak prior, if `week` is given: how many units of the histories' time it has.
    Without one, where no customers seem to stop, it is the NBD.
    """
    repeat = histories.customers[histories.x > 0.0].sum()
    if repeat < FEWEST_REPEAT_CUSTOMERS:
        raise NotEnoughData(
            "{number} customers bought again; the model needs {fewest}",
            number=int(repeat),
            fewest=FEWEST_REPEAT_CUSTOMERS,
        )
    # The search is the same whatever the unit of time, if the mean time is 1 in it.
    unit = float(np.average(histories.T, weights=histories.customers))
    scaled = histories._replace(t_x=histories.t_x / unit, T=histories.T / unit)
    prior = None if week is None else model.prior.in_unit(model.parameters, unit / week)
    search = _greatest(_total(model.slopes, scaled), len(model.parameters), prior)
    if not search.found and prior is None:
        nbd = _greatest(_total(_slopes_nbd, scaled), 2)
        if nbd.found and nbd.height > search.height - 1e-6:
            search = nbd._replace(parameters=(*nbd.parameters, *model.nobody_stops))
    if not search.found:
        raise NotEnoughData(ALIKE)
    parameters = tuple(
        value * unit if name in TIMES else value
        for name, value in zip(model.parameters, search.parameters, strict=True)
    )
    likelihood = search.height
    if prior:
        likelihood -= prior.slopes(np.log(search.parameters))[0]
    # A density of moments: in another unit of time each repeat purchase counts differently.
    likelihood -= float(added(histories.x, histories.customers)) * np.log(unit)
    covariance = np.zeros((len(parameters), len(parameters)))
    told = len(search.covariance)  # two of the NBD
    covariance[:told, :told] = search.covariance
    return BuyingFit(parameters, float(likelihood), covariance, search)


ALIKE = (
    "the data do not tell how customers differ: they are too few or too much alike, and no one set"
    " of parameters fits best"
)
TIMES = ("alpha", "beta")
"""Parameters that are times."""


Total = Callable[[Parameters], tuple[float, Floats, Floats]]
"""A sum over all customers, its gradient and its curvature."""


def _total(slopes: Callable[[Parameters, Histories], Slopes], histories: Histories) -> Total:
    size = PARETO_PART if slopes is _slopes_pareto else PART
    parts = [histories.part(start, size) for start in range(0, len(histories.x), size)]

    def total(parameters: Parameters) -> tuple[float, Floats, Floats]:
        likelihood, size = 0.0, len(parameters)
        gradient, curvature = np.zeros(size), np.zeros((size, size))
        for part in parts:
            of_part = slopes(parameters, part)
            likelihood += float(of_part.each @ part.customers)
            gradient += of_part.gradient @ part.customers
            curvature += of_part.curvature
        return likelihood, gradient, curvature

    return total


class Search(NamedTuple):
    """Where the search for the greatest sum ended."""

    parameters: Parameters
    height: float
    found: bool
    """Whether that is a maximum, and not a point on an endless ridge."""
    covariance: Floats
    """Of the logarithms of the parameters, at a maximum."""
    around: "Around"

    def edge(self, direction: Floats, reach: float) -> Floats:
        """The way from the maximum to where it goes farthest in a direction, over logarithms.

        There the sum has fallen by reach^2 / 2: the end of an interval by profile likelihood, by
        the steps of Venzon & Moolgavkar (1988), Journal of the Royal Statistical Society C 37 (1).
        Where these lead nowhere, it is that of the delta method.
        """
        top = np.log(self.parameters[: len(direction)])
        spread = self.covariance @ direction
        length = float(np.sqrt(direction @ spread))
        start: Floats = spread * (reach / length) if length else spread
        farthest = 2.0 * log(FARTHEST)
        start *= min(1.0, farthest / max(float(np.abs(top + start).max()), 1e-9))
        way = start.copy()
        for _ in range(MOST_STEPS if length else 0):
            if np.abs(top + way).max() > 1.01 * farthest:
                return start
            height, gradient, curvature = self.around(top + way)
            bends, ways = np.linalg.eigh(-curvature)
            if bends[0] <= VAGUEST**-4:
                return start
            inverse = (ways / bends) @ ways.T
            newton, aside = inverse @ gradient, inverse @ direction
            left = 2.0 * (height - self.height) + reach**2 + gradient @ newton
            if left <= 0.0:
                return start
            step = newton + aside * np.sqrt(left / (direction @ aside))
            far = float(np.abs(step).max() / np.abs(start).max())
            way += step / max(1.0, far)
            if far < EDGE:
                return way
        return start


Around = Callable[[Floats], tuple[float, Floats, Floats]]
"""A sum with its gradient and its curvature over the logarithms of the parameters."""


def _around(total: Total, prior: Prior | None) -> Around:
    def around(logarithms: Floats) -> tuple[float, Floats, Floats]:
        parameters = np.exp(logarithms)
        height, gradient, curvature = total(tuple(parameters.tolist()))
        gradient = gradient * parameters
        curvature = curvature * np.outer(parameters, parameters) + np.diag(gradient)
        if prior:
            more = prior.slopes(logarithms)
            return height + more[0], gradient + more[1], curvature + more[2]
        return height, gradient, curvature

    return around


def _greatest(total: Total, size: int, prior: Prior | None = None) -> Search:
    """The parameters above 0 of the greatest sum, searched by their logarithms."""
    edge, around = np.log(FARTHEST), _around(total, prior)
    at, reach = np.zeros(size), LONGEST_STEP
    height, gradient, curvature = around(at)
    for _ in range(MOST_STEPS):
        bends, ways = np.linalg.eigh(-curvature)
        # Also where the sum bends upwards, it is uphill.
        step = ways @ ((gradient @ ways) / np.maximum(np.abs(bends), 1e-12 * abs(height)))
        length = float(np.linalg.norm(step))
        if length < SHORTEST_STEP:
            break
        step *= min(1.0, reach / length)
        there = around(at + step) if np.abs(at + step).max() < edge else None
        if there is None and reach > LEAST_REACH * LONGEST_STEP:
            reach /= 4.0
        elif there is None:
            break
        elif there[0] >= height - 1e-13 * abs(height):
            at, reach = at + step, min(2.0 * reach, LONGEST_STEP)
            height, gradient, curvature = there
        elif reach > SHORTEST_STEP:
            reach = min(reach, length) / 4.0
        else:
            break
    vague = bends[0] <= VAGUEST**-2
    found = bool(not vague and length < LAST_STEP and np.abs(at).max() < 0.99 * edge)
    covariance = (ways / bends) @ ways.T if found else np.zeros((size, size))
    return Search(tuple(np.exp(at).tolist()), height, found, covariance, around)


# BG/NBD: Fader, Hardie & Lee (2005), Marketing Science 24 (2). After each repeat purchase a
# customer may stop, with a probability p of their own; MBG/NBD (Batislam, Denizel & Filiztekin
# 2007, International Journal of Research in Marketing 24) lets them stop after the first one too.
# Purchase rates follow a gamma distribution (r, alpha), p a beta distribution (a, b).


Numbers = TypeVar("Numbers", float, Floats)


def _chances(x: Numbers, b: float, first: bool) -> Numbers:
    """b plus how often the customer did not stop, if still alive."""
    return b + x + 1.0 if first else b + x


def _softplus(x: Floats) -> Floats:
    """LN(1 + e^x), in a fifth of the time that numpy.logaddexp takes."""
    above: Floats = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    return above


def _log_odds_geometric(parameters: Parameters, data: Histories, first: bool) -> Floats:
    """Of having stopped at t_x, against being alive at T."""
    r, alpha, a, b = parameters
    later = np.maximum(_chances(data.x, b, first) - 1.0, 1e-300)
    with np.errstate(divide="ignore"):  # a is 0 where nobody stops
        stops = np.log(a / later)
    odds = stops + (r + data.x) * np.log((alpha + data.T) / (alpha + data.t_x))
    return odds if first else np.where(data.x > 0.0, odds, -np.inf)


def _slopes_geometric(parameters: Parameters, data: Histories, first: bool) -> Slopes:
    r, alpha, a, b = parameters
    bought, stays = r + data.kinds, _chances(data.kinds, b, first)
    log_odds = _log_odds_geometric(parameters, data, first)
    stopped = expit(log_odds)
    rate_end, rate_last, power = 1.0 / (alpha + data.T), 1.0 / (alpha + data.t_x), bought[data.kind]
    log_end = np.log(alpha + data.T)
    by_kind = (
        gammaln(bought) - gammaln(r) + r * np.log(alpha)
        + gammaln(a + b) + gammaln(stays) - gammaln(b) - gammaln(a + stays)
    )  # fmt: skip
    each = by_kind[data.kind] - power * log_end + _softplus(log_odds)
    both = digamma(a + b) - digamma(a + stays)
    # Who cannot have stopped yet has b - 1 for a denominator, which may be 0.
    later = np.where(stopped > 0.0, (stays - 1.0)[data.kind], 1.0)
    shorter = rate_end - rate_last
    to_odds = np.stack(
        (
            log_end + np.log(rate_last),
            power * shorter,
            np.full(len(later), 1.0 / a),
            -1.0 / later,
        )
    )
    gradient = stopped * to_odds + np.stack(
        (
            (digamma(bought) - digamma(r) + np.log(alpha))[data.kind] - log_end,
            r / alpha - power * rate_end,
            both[data.kind],
            (both + digamma(stays) - digamma(b))[data.kind],
        )
    )
    many = data.customers
    with_stop = many * stopped
    curvature = (to_odds * (with_stop * (1.0 - stopped))) @ to_odds.T
    customers, stops = many.sum(), with_stop.sum()
    of_kind = np.bincount(data.kind, weights=many, minlength=len(bought))
    curvature[0, 0] += of_kind @ zeta(2.0, bought) - customers * zeta(2.0, r)
    curvature[0, 1] += customers / alpha - many @ rate_end + with_stop @ shorter
    curvature[1, 1] += (
        (many * power) @ rate_end**2 - customers * r / alpha**2
        - (with_stop * power) @ (shorter * (rate_end + rate_last))
    )  # fmt: skip
    likewise = customers * zeta(2.0, a + b) - of_kind @ zeta(2.0, a + stays)
    curvature[2, 2] += likewise - stops / a**2
    curvature[2, 3] += likewise
    curvature[3, 3] += (
        likewise + of_kind @ zeta(2.0, stays) - customers * zeta(2.0, b) + with_stop @ later**-2.0
    )
    curvature[1, 0], curvature[3, 2] = curvature[0, 1], curvature[2, 3]
    return Slopes(each, gradient, curvature)


def _alive_geometric(parameters: Parameters, data: Histories, first: bool) -> Floats:
    alive: Floats = expit(-_log_odds_geometric(parameters, data, first))
    return alive


@lru_cache(1024)
def beta_arrays(a: float, b: float) -> tuple[Floats, Floats]:
    """As `quadrature.beta_points`, kept for the next call."""
    start, step, at = beta_rule(a, b)
    points, weights = at(start + step * np.arange(POINTS), np)
    for array in (points, weights):
        array.flags.writeable = False
    return points, weights


Kernel = Callable[[Floats, Floats, float], Floats]
"""What a customer of each stopping chance makes of each relative time, over the chance's own
density: t / (alpha + T) down, the chances across; last the shape of the rates."""


def _purchases(times: Floats, stop: Floats, shape: float) -> Floats:
    """The purchases to expect of one who is alive."""
    # Who stops with probability p after a purchase still makes (1 - q) / p of them, where q is the
    # chance that none of them would be the last.
    none_last = np.expm1(-shape * np.log1p(np.outer(times, stop)))
    return -none_last / stop


def _pairs(times: Floats, stop: Floats, shape: float) -> Floats:
    """n (n - 1) of their number n: by summing 2 (n - 1) (1 - p)^(n - 1) P(as many or more)."""
    scaled = np.maximum(np.outer(times, stop), 1e-100)
    two_or_more = betainc(2.0, shape, scaled / (1.0 + scaled))
    pairs: Floats = 2.0 * (1.0 - stop) * two_or_more * (times[:, np.newaxis] / scaled) ** 2
    return pairs


def _knots(narrow: float, wide: float) -> int:
    """How many values tell what is to be expected to twelve digits, between two such times.

    It is a function of LN(alpha + T), of LN(scale + t), or of the logarithm of one by the other,
    without an edge at angles up to a right one: Chebyshev's coefficients fall as fast as the
    ellipse between allows (Trefethen 2013, Approximation Theory and Approximation Practice,
    theorem 8.2).
    """
    return int(30.0 / asinh(pi / max(log(wide / narrow), 1e-6))) + 2


def _told_by(at: Floats) -> tuple[Floats, Floats]:
    """The places whose values tell those at all others, and the matrix that makes them."""
    narrow, wide = at.min(), at.max()
    knots = _knots(narrow, wide)
    if len(at) <= knots:
        return at, np.eye(len(at))
    span = log1p((wide - narrow) / narrow)
    nodes = chebyshev.chebpts1(knots)
    # Chebyshev's polynomials over the logarithm; at the nodes they are orthogonal.
    orders = np.arange(knots)
    to_coefficients = np.cos(np.outer(orders, np.arccos(nodes))) * (2.0 / knots)
    to_coefficients[0] /= 2.0
    along = 2.0 * np.log1p((at - narrow) / narrow) / span - 1.0
    angles = np.arccos(np.clip(along, -1.0, 1.0))
    places = narrow * np.exp(span * (nodes + 1.0) / 2.0)
    return places, np.cos(np.outer(angles, orders)) @ to_coefficients


def _of_the_living(
    kernel: Kernel, parameters: Parameters, data: Histories, times: Floats, weights: Floats,
    first: bool,
) -> Floats:  # fmt: skip
    """The mean over the rates and stopping chances of those alive, weighted over the times."""
    r, alpha, a, b = parameters
    ends, place = np.unique(alpha + data.T, return_inverse=True)
    ends, to_ends = _told_by(ends)
    relative, to_relative = _told_by(np.outer(1.0 / ends, times).ravel())
    weighted = weights @ to_relative.reshape(len(ends), len(times), -1)
    values = np.empty((len(data.kinds), len(relative)))
    for number, x in enumerate(data.kinds.tolist()):
        points, shares = beta_arrays(a, _chances(x, b, first))
        values[number] = kernel(relative, np.maximum(points, 1e-300), r + x) @ shares
    by_end = values @ weighted.T
    result: Floats = np.einsum("ij,ij->i", by_end[data.kind], to_ends[place])
    return result


def _expected_geometric(
    parameters: Parameters, data: Histories, times: Floats, weights: Floats, first: bool
) -> Floats:
    r, alpha, a, _ = parameters
    if not a:  # nobody stops
        steady: Floats = (r + data.x) / (alpha + data.T) * (weights @ times)
        return steady
    return _of_the_living(_purchases, parameters, data, times, weights, first)


def _pairs_geometric(parameters: Parameters, data: Histories, time: float, first: bool) -> Floats:
    r, alpha, a, _ = parameters
    if not a:
        steady: Floats = (r + data.x) * (r + data.x + 1.0) * (time / (alpha + data.T)) ** 2
        return steady
    return _of_the_living(_pairs, parameters, data, np.array([time]), np.ones(1), first)


def _slopes_nbd(parameters: Parameters, data: Histories) -> Slopes:
    """The negative binomial distribution of those who never stop (Ehrenberg 1959)."""
    r, alpha = parameters
    bought = r + data.kinds
    power, end = bought[data.kind], alpha + data.T
    to_r = digamma(bought) - digamma(r) + np.log(alpha)
    by_kind = gammaln(bought) - gammaln(r) + r * np.log(alpha)
    each = by_kind[data.kind] - power * np.log(end)
    gradient = np.stack((to_r[data.kind] - np.log(end), r / alpha - power / end))
    of_kind = np.bincount(data.kind, weights=data.customers, minlength=len(bought))
    customers = data.customers.sum()
    both = customers / alpha - data.customers @ (1.0 / end)
    rates = of_kind @ zeta(2.0, bought) - customers * zeta(2.0, r)
    times = (data.customers * power) @ end**-2.0 - customers * r / alpha**2
    return Slopes(each, gradient, np.array(((rates, both), (both, times))))


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
    buying: Floats
    """1 / (alpha + u)."""
    living: Floats
    """1 / (beta + u)."""


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
        1.0 / (buying[:, np.newaxis] + since),
        1.0 / (living[:, np.newaxis] + since),
    )


def _lives(parameters: Parameters, data: Histories) -> Floats:
    """The log-likelihood of being alive at T, without what it shares with having stopped."""
    r, alpha, s, beta = parameters
    alive: Floats = -(r + data.x) * np.log(alpha + data.T) - s * np.log(beta + data.T)
    return alive


def _slopes_pareto(parameters: Parameters, data: Histories) -> Slopes:
    r, alpha, s, beta = parameters
    alive, stopped = _lives(parameters, data), _stopped(parameters, data)
    bought = r + data.kinds
    power, many = bought[data.kind], data.customers
    by_kind = gammaln(bought) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    log_odds = stopped.log_likelihood - alive
    each = by_kind[data.kind] + alive + _softplus(log_odds)
    odds = expit(log_odds)
    buying, living = 1.0 / (alpha + data.T), 1.0 / (beta + data.T)
    # Without what all customers share: of those alive, and of those who stopped at each moment.
    to_alive = np.stack((np.log(buying), -power * buying, np.log(living), -s * living))
    to_moment = np.stack(
        (
            -stopped.log_buying,
            -power[:, np.newaxis] * stopped.buying,
            -stopped.log_living,
            -(s + 1.0) * stopped.living,
        )
    )
    to_stopped = np.einsum("ink,nk->in", to_moment, stopped.shares)
    mean = (1.0 - odds) * to_alive + odds * to_stopped
    mean[2] += odds / s
    with_stop, without = many * odds, many * (1.0 - odds)
    weights = (with_stop[:, np.newaxis] * stopped.shares).ravel()
    moments = to_moment.reshape(4, -1)
    to_alive[2] -= 1.0 / s  # so that 1 / s is taken off all, and changes no spread
    mean_off = mean - np.array((0.0, 0.0, 1.0 / s, 0.0))[:, np.newaxis]
    curvature = (moments * weights) @ moments.T + (to_alive * without) @ to_alive.T
    curvature -= (mean_off * many) @ mean_off.T
    curvature[0, 1] += to_stopped[1] / power @ with_stop - buying @ without
    curvature[1, 1] += (weights * np.repeat(power, len(NODES))) @ (stopped.buying.ravel() ** 2) + (
        without * power
    ) @ buying**2
    curvature[2, 3] += to_stopped[3] / (s + 1.0) @ with_stop - living @ without
    curvature[3, 3] += (s + 1.0) * (weights @ stopped.living.ravel() ** 2) + s * (
        without @ living**2
    )
    gradient = mean
    gradient[0] += (digamma(bought) - digamma(r) + np.log(alpha))[data.kind]
    gradient[1] += r / alpha
    gradient[2] += np.log(beta)
    gradient[3] += s / beta
    of_kind = np.bincount(data.kind, weights=many, minlength=len(bought))
    customers = many.sum()
    curvature[0, 0] += of_kind @ zeta(2.0, bought) - customers * zeta(2.0, r)
    curvature[0, 1] += customers / alpha
    curvature[1, 1] -= customers * r / alpha**2
    curvature[2, 2] -= with_stop.sum() / s**2
    curvature[2, 3] += customers / beta
    curvature[3, 3] -= customers * s / beta**2
    curvature[1, 0], curvature[3, 2] = curvature[0, 1], curvature[2, 3]
    return Slopes(each, gradient, curvature)


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
    return rate * expected


def _pairs_pareto(parameters: Parameters, data: Histories, time: float) -> Floats:
    r, alpha, s, beta = parameters
    lived = np.log1p(time / (beta + data.T))
    # The mean square of the time lived, by the integral of 2 u P(still alive at u).
    square = 2.0 * (beta + data.T) ** 2 * lived
    square *= exprel((2.0 - s) * lived) - exprel((1.0 - s) * lived)
    power = r + data.x
    pairs: Floats = power * (power + 1.0) / (alpha + data.T) ** 2 * square
    return pairs


# The weak prior holds a small shop's fit back from limits at which customers do not differ, or all
# stop at once, and gives way to data: it weighs as much as a few customers do. Medians are those of
# ordinary shops; 95 in 100 lie within a factor of 50 (spread 2) or 19 (1.5) of them. Times: weeks.
# The default priors of pymc-marketing (Weibull(2, 10) for alpha, Weibull(2, 1) for r, Pareto(1, 1)
# for a + b) are others: they hold alpha between 1.6 and 19 of whatever unit the data have, and r
# between 0.16 and 1.9, so that they say something else of days than of weeks.
BUYING = ((-1.0, 1.0, 0.0, 0.0), 12.0, 2.0), ((1.0, 0.0, 0.0, 0.0), 1.0, 1.5)
"""The mean time between purchases, alpha / r; how alike the rates are, r."""
STOPPING = ((0.0, 0.0, 1.0, -1.0), 1.0 / 3.0, 2.0), ((0.0, 0.0, 0.5, 0.5), 1.0, 1.5)
"""The mean odds of stopping after a purchase, a / b; how alike they are, SQRT(a b)."""
LIVING = ((0.0, 0.0, -1.0, 1.0), 52.0, 2.0), ((0.0, 0.0, 1.0, 0.0), 1.0, 1.5)
"""The mean time of being a customer, beta / s; how alike the rates of stopping are, s."""


def _prior(*parts: tuple[tuple[float, ...], float, float]) -> Prior:
    powers, medians, spreads = zip(*parts, strict=True)
    return Prior(powers, medians, spreads)


MODELS = {
    "bgnbd": Model(
        ("r", "alpha", "a", "b"),
        partial(_slopes_geometric, first=False),
        partial(_alive_geometric, first=False),
        partial(_expected_geometric, first=False),
        partial(_pairs_geometric, first=False),
        _prior(*BUYING, *STOPPING),
        (0.0, 1.0),
    ),
    "mbgnbd": Model(
        ("r", "alpha", "a", "b"),
        partial(_slopes_geometric, first=True),
        partial(_alive_geometric, first=True),
        partial(_expected_geometric, first=True),
        partial(_pairs_geometric, first=True),
        _prior(*BUYING, *STOPPING),
        (0.0, 1.0),
    ),
    "paretonbd": Model(
        ("r", "alpha", "s", "beta"),
        _slopes_pareto,
        _alive_pareto,
        _expected_pareto,
        _pairs_pareto,
        _prior(*BUYING, *LIVING),
        (0.0, 1.0),
    ),
}


def discounted_times(parameters: Parameters, horizon: int, rate: float) -> tuple[Floats, Floats]:
    """Times and weights, so that the weighted purchases by them are those of all, discounted.

    Purchases are discounted at the end of their period: of those by t, those by t - 1 were counted
    before. Of many periods it is Gauss's rule of these weights, over the logarithm of time, in
    which the purchases to expect have no edges.
    """
    times = np.arange(1.0, horizon + 1.0)
    if 1.0 + rate == 1.0:  # too small to take anything off
        rate = 0.0
    weights = (1.0 + rate) ** -times
    weights[:-1] *= rate / (1.0 + rate)  # what the next one is less
    scale = min(parameters[1], parameters[3])
    # Gauss's rule of n points is exact for polynomials of degree 2 n - 1.
    moments = _knots(scale + 1.0, scale + horizon) // 2 + 2
    if horizon <= moments or not rate:
        return (times, weights) if rate else (times[-1:], np.ones(1))
    points = np.log1p(times / scale)
    # Lanczos's steps, each orthogonal to all before.
    basis = np.zeros((moments, horizon))
    diagonal, beside = np.zeros(moments), np.zeros(moments)
    vector = np.sqrt(weights / weights.sum())
    for step in range(moments):
        basis[step] = vector / np.linalg.norm(vector)
        vector = points * basis[step]
        diagonal[step] = vector @ basis[step]
        for _ in range(2):
            vector = vector - (basis[: step + 1] @ vector) @ basis[: step + 1]
        beside[step] = np.linalg.norm(vector)
    nodes, ways = np.linalg.eigh(
        np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    )
    return np.expm1(nodes) * scale, weights.sum() * ways[0] ** 2


def expected_by(model: Model, parameters: Parameters, data: Histories, times: Floats) -> Floats:
    """The purchases to expect of all customers together by each of some rising times."""
    alive = model.alive(parameters, data) * data.customers
    scale, once = min(parameters[1], parameters[3]), np.ones(1)

    since, to_times = _told_by(times + scale)
    told = [
        added(model.of_living(parameters, data, time, once), alive)
        for time in since[:, np.newaxis] - scale
    ]
    by: Floats = to_times @ np.array(told)
    return by


# Gamma-Gamma: Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value. The amounts of a
# customer's purchases follow a gamma distribution of shape p, whose scale differs between
# customers by another gamma distribution (q, v), whatever their number of purchases.


class SpendFit(NamedTuple):
    """p, q and v of the greatest likelihood."""

    parameters: Parameters
    covariance: Floats
    """Of their logarithms."""
    search: Search


LARGEST_SPEND = 1e100  # its square, and sums of such, must be numbers


def who_paid(x: Floats, spend: Floats) -> NDArray[np.bool_]:
    """Which customers bought again for more than 0."""
    if len(spend) and spend.max() > LARGEST_SPEND:
        raise OutOfDomain(
            "customers spend up to {largest}: too large a number", largest=f"{spend.max():.1g}"
        )
    return (x > 0.0) & (spend > 0.0)


def spend_fit(x: Floats, spend: Floats, many: Floats | float = 1.0) -> SpendFit:
    """Fit the model of spend to the repeat purchases of customers and their mean spend.

    `many` customers have each of these.
    """
    known = who_paid(x, spend)
    x, spend, many = x[known], spend[known], np.broadcast_to(many, x.shape)[known]
    everybody = float(many.sum())
    if everybody < FEWEST_REPEAT_CUSTOMERS:
        raise NotEnoughData(
            "{number} customers bought again for more than 0; the model of spend needs {fewest}",
            number=int(everybody),
            fewest=FEWEST_REPEAT_CUSTOMERS,
        )
    unit = float(added(spend, many)) / everybody
    kinds, kind = np.unique(x, return_inverse=True)
    customers = np.bincount(kind, weights=many)
    sums = x * spend / unit
    constant = float(added(x * np.log(sums), many)), float(added(np.log(spend / unit), many))

    def total(parameters: Parameters) -> tuple[float, Floats, Floats]:
        p, q, v = parameters
        shape, ends = p * kinds, v + sums
        log_ends, rates = np.log(ends), 1.0 / ends
        # What depends on x alone, and sums over the customers of each x.
        logs = np.bincount(kind, weights=many * log_ends)
        once = np.bincount(kind, weights=many * rates)
        height = (
            customers @ (gammaln(shape + q) - gammaln(shape)) - everybody * gammaln(q)
            + everybody * q * np.log(v) + p * constant[0] - constant[1] - (shape + q) @ logs
        )  # fmt: skip
        both, bend = digamma(shape + q), zeta(2.0, shape + q)
        gradient = np.array(
            (
                (customers * kinds) @ (both - digamma(shape)) + constant[0] - kinds @ logs,
                customers @ both - everybody * (digamma(q) - np.log(v)) - logs.sum(),
                everybody * q / v - (shape + q) @ once,
            )
        )
        ps = (customers * kinds**2) @ (bend - zeta(2.0, shape))
        pq, pv = (customers * kinds) @ bend, -kinds @ once
        qs = customers @ bend - everybody * zeta(2.0, q)
        qv = everybody / v - once.sum()
        vs = (shape + q) @ np.bincount(kind, weights=many * rates**2) - everybody * q / v**2
        return float(height), gradient, np.array(((ps, pq, pv), (pq, qs, qv), (pv, qv, vs)))

    search = _greatest(total, 3)
    if not search.found:
        raise NotEnoughData(ALIKE)
    p, q, v = search.parameters
    return SpendFit((p, q, v * unit), search.covariance, search)


def expected_spend(parameters: Parameters, x: Floats, spend: Floats, many: Floats) -> Floats:
    """The mean amount of a customer's purchases to come; q must be above 1.

    Of `many` of one x it is that of all of them, added up, as their spend is.
    """
    p, q, v = parameters
    return p * (v * many + x * np.maximum(spend, 0.0)) / (p * x + q - 1.0)
