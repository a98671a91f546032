"""Averages over a beta distribution: what a model says of a customer whose rate is not known.

By the double exponential rule (Takahasi & Mori 1974) over the logit of p, in which the density has
no edges.
"""

import math
from collections.abc import Callable
from math import asinh, lgamma, log, sqrt
from typing import Any

POINTS = 201  # ten digits and more for shapes from 0.003 to 1,000, and in practice fourteen
NOTHING = 42.0  # e to the -42 is below the last digit of a float


def beta_points(a: float, b: float, least: float) -> list[tuple[float, float]]:
    """Points p from 0 to 1 and weights, so that the sum of weight * f(p) is the mean of f(p).

    p follows the beta distribution of shapes a and b. `least`: where on the way to 0 f(p) ceases
    to grow like 1 / p.
    """
    start, step, at = beta_rule(a, b, least)
    return [at(start + number * step, math) for number in range(POINTS)]


def beta_rule(
    a: float, b: float, least: float = 1.0
) -> tuple[float, float, Callable[[Any, Any], tuple[Any, Any]]]:
    """The first step, the distance between steps, and a point and its weight by its step."""
    middle, spread = log(a / b), sqrt(1.0 / a + 1.0 / b)
    scale = min(spread, 1.0)
    left = NOTHING / a + 9.0 * spread + max(0.0, middle - log(least))
    right = NOTHING / b + 9.0 * spread
    start, end = -asinh(left / scale), asinh(right / scale)
    step = (end - start) / (POINTS - 1)
    height = lgamma(a + b) - lgamma(a) - lgamma(b) + log(scale * step)

    def at(s: Any, numbers: Any) -> tuple[Any, Any]:
        """`numbers`: the module math for one step, numpy for many."""
        logit = middle + scale * numbers.sinh(s)
        towards_0 = -numbers.log1p(numbers.exp(-abs(logit))) - (abs(logit) + logit) / 2.0
        towards_1 = towards_0 + logit
        weight = numbers.exp(height + a * towards_1 + b * towards_0) * numbers.cosh(s)
        return numbers.exp(towards_1), weight

    return start, step, at
