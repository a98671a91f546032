"""What a fitted model of purchases says of one customer, and of all of them period by period.

Given that a customer is still there at T, the rate of purchases follows a gamma distribution
(r + x, alpha + T), and what makes them stop a beta (BG/NBD, MBG/NBD) or another gamma one
(Pareto/NBD) of their own: from there on it is the model of a new customer with these parameters.
"""

from collections.abc import Iterator
from math import exp, expm1, inf, lgamma, log, log1p
from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.special import betainc

from kpi_xl.btyd import MODELS, Floats, Parameters, beta_arrays, histories_of


class Customer(NamedTuple):
    """A history: repeat purchases, and the times from the first to the last one and to now."""

    x: float
    t_x: float
    T: float


def alive(model: str, parameters: Parameters, customer: Customer) -> float:
    """The probability that the customer still buys at T."""
    if not parameters[2]:  # nobody stops
        return 1.0
    histories, _ = histories_of(*(np.array([value], dtype=float) for value in customer))
    with np.errstate(all="ignore"):  # beyond the range of numbers it is a limit, or none
        return float(MODELS[model].alive(parameters, histories)[0])


def still_alive(model: str, parameters: Parameters, customer: Customer, ahead: float) -> float:
    """The probability that the customer still buys so long after T."""
    stays = _stays(model, parameters, customer, customer.x + parameters[0], ahead)
    return alive(model, parameters, customer) * min(stays, 1.0)


def _stays(
    model: str, parameters: Parameters, customer: Customer, power: float, ahead: float
) -> float:
    """How many of those who are there at T are so at T + ahead, on average.

    Each counts as often as their rate of purchases to the power of `power` - r - x says.
    """
    _, alpha, a, b = parameters
    if model == "paretonbd":
        return exp(-a * log1p(ahead / (b + customer.T)))
    if not a:  # nobody stops
        return 1.0
    points, shares = beta_arrays(a, _chances(model, b, customer.x))
    return float(shares @ np.exp(-power * np.log1p(points * (ahead / (alpha + customer.T)))))


def _chances(model: str, b: float, x: float) -> float:
    """b plus how often the customer did not stop, if still there."""
    return b + x + (model == "mbgnbd")


def probability_of(
    model: str, parameters: Parameters, customer: Customer, n: int, horizon: float
) -> float:
    """The probability of just n purchases from T to T + horizon."""
    here = alive(model, parameters, customer)
    r, alpha, a, b = parameters
    power, scale = r + customer.x, alpha + customer.T
    if model == "paretonbd":
        chance = _of_pareto(power, scale, a, b + customer.T, n, horizon)
    else:
        chance = _of_geometric(power, scale, a, _chances(model, b, customer.x), n, horizon)
    return min(here * chance + (0.0 if n else 1.0 - here), 1.0)


def _negative_binomial(power: float, scale: float, n: int, time: float) -> float:
    """n purchases within a time, by customers who do not stop."""
    if not time:
        return 0.0 if n else 1.0
    ways = lgamma(power + n) - lgamma(power) - lgamma(n + 1.0)
    return exp(ways - power * log1p(time / scale) - n * log1p(scale / time))


def _of_geometric(power: float, scale: float, a: float, b: float, n: int, horizon: float) -> float:
    """Equation 8 of Fader, Hardie & Lee (2005): still there, or gone with the n-th purchase."""
    steady = _negative_binomial(power, scale, n, horizon)
    if not a or not n:
        return steady

    def stayed(times: float, left: float) -> float:
        """The mean of p^left (1 - p)^times."""
        return exp(
            lgamma(a + left) - lgamma(a) + lgamma(b + times) - lgamma(b)
            + lgamma(a + b) - lgamma(a + b + times + left)
        )  # fmt: skip

    at_least = float(betainc(n, power, horizon / (scale + horizon)))
    return stayed(n, 0.0) * steady + stayed(n - 1.0, 1.0) * at_least


def _of_pareto(power: float, scale: float, s: float, beta: float, n: int, horizon: float) -> float:
    """Fader & Hardie (2006), P(X(t) = x) under the Pareto/NBD model, by its integral.

    Over the share of the customers who are still there, which falls from 1.
    """

    if not s:
        return _negative_binomial(power, scale, n, horizon)

    def by_then(share: float) -> float:
        gone = beta * expm1(-log(share) / s)
        return _negative_binomial(power, scale, n, gone)

    left = exp(-s * log1p(horizon / beta))
    stopped, _ = quad(by_then, left, 1.0, epsabs=1e-13, epsrel=1e-11, limit=200)
    return left * _negative_binomial(power, scale, n, horizon) + float(stopped)


def residual(
    model: str, parameters: Parameters, customer: Customer, continuous_rate: float
) -> float:
    """All purchases after T, discounted to T at a continuous rate above 0."""
    r, alpha, _, _ = parameters
    power = r + customer.x

    def worth(share: float) -> float:
        """At the moment whose discount is so much."""
        # Who stops by chance at a purchase is rather one who buys often: hence one power more.
        then = -log(share) / continuous_rate if share else inf
        return _stays(model, parameters, customer, power + 1.0, then)

    total, _ = quad(worth, 0.0, 1.0, epsabs=0.0, epsrel=1e-9, limit=200)
    rate = power / (alpha + customer.T)
    return alive(model, parameters, customer) * rate * float(total) / continuous_rate


def tracking(
    model: str, parameters: Parameters, births: Floats, customers: Floats, ends: Floats
) -> Iterator[float]:
    """Repeat purchases to expect by each end, of customers who came at these births."""
    newcomer, _ = histories_of(np.zeros(1), np.zeros(1), np.zeros(1))
    for end in ends:
        here = births < end
        since = end - births[here]
        yield float(MODELS[model].expected(parameters, newcomer, since, customers[here])[0])
