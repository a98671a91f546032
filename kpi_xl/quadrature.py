"""Averages over a beta distribution: what a model says of a customer whose rate is not known."""

from functools import lru_cache
from math import asinh, cosh, exp, lgamma, log, log1p, sinh, sqrt

POINTS = 201  # ten digits and more for shapes from 0.003 to 1,000, and in practice fourteen
NOTHING = 42.0  # e to the -42 is below the last digit of a float


@lru_cache(1024)
def beta_points(
    a: float, b: float, least: float = 1.0
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Points p from 0 to 1 and weights, so that the sum of weights * f(p) is the mean of f(p).

    p follows the beta distribution of shapes a and b. `least`: where on the way to 0 f(p) ceases
    to grow like 1 / p. By the double exponential rule (Takahasi & Mori 1974) over the logit of p,
    in which the density has no edges.
    """
    middle, spread = log(a / b), sqrt(1.0 / a + 1.0 / b)
    scale = min(spread, 1.0)
    left = NOTHING / a + 9.0 * spread + max(0.0, middle - log(least))
    right = NOTHING / b + 9.0 * spread
    start, end = -asinh(left / scale), asinh(right / scale)
    step = (end - start) / (POINTS - 1)
    height = lgamma(a + b) - lgamma(a) - lgamma(b)
    points, weights = [], []
    for number in range(POINTS):
        s = start + number * step
        logit = middle + scale * sinh(s)
        towards_0 = -logit - log1p(exp(-logit)) if logit > 0.0 else -log1p(exp(logit))
        towards_1 = towards_0 + logit
        points.append(exp(towards_1))
        weights.append(exp(height + a * towards_1 + b * towards_0) * scale * cosh(s) * step)
    return tuple(points), tuple(weights)
