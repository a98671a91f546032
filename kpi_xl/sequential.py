"""Limits of tests that are looked at on the way.

The alpha spending of Lan & DeMets (1983) in the form of O'Brien & Fleming; the density of the
statistic between looks is carried on by Simpson's rule, after Armitage, McPherson & Rowe (1969).
"""

from functools import lru_cache
from math import erfc, exp, pi, sqrt
from statistics import NormalDist

POINTS = 121  # of the density between the limits: seven digits of the limits
NEAR = 0.02  # of the plan: a look so near to one before is the same look

Density = tuple[tuple[float, ...], tuple[float, ...]]
"""Points between the limits, on the scale of z * sqrt(share), and weights: density times width."""


def _deviate(tail: float) -> float:
    """The number of standard deviations above which `tail` of a normal distribution lies."""
    return -NormalDist().inv_cdf(max(tail, 1e-300))


def limit_at(share: float, significance: float, looks: int) -> float:
    """The limit of z at a share of the plan, with even looks before it; two-sided."""
    before = [number for number in range(1, looks) if number / looks <= share - NEAR]
    return _limit(len(before), share, significance, looks)


def _spent(share: float, significance: float) -> float:
    """How much of the error may have been made by a share of the plan, on both sides together."""
    return 2.0 * erfc(_deviate(significance / 4.0) / sqrt(2.0 * share))


def _limit(before: int, share: float, significance: float, looks: int) -> float:
    if not before:
        spent = _spent(share, significance)
        if spent < 1e-300:  # the limit is then that of looking always
            return _deviate(significance / 4.0) / sqrt(share)
        return _deviate(spent / 2.0)
    last = before / looks
    points, weights = _density(before, significance, looks)
    step = sqrt(share - last)
    wanted = _spent(share, significance) - _spent(last, significance)

    def leaves(bound: float) -> float:
        return sum(
            weight * 0.5 * (erfc((bound - at) / step / sqrt(2.0))
                            + erfc((bound + at) / step / sqrt(2.0)))
            for at, weight in zip(points, weights, strict=True)
        )  # fmt: skip

    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if leaves(middle) > wanted else (low, middle)
    return high / sqrt(share)


@lru_cache(maxsize=64)
def _density(before: int, significance: float, looks: int) -> Density:
    """Who is still within the limits after so many even looks."""
    share = before / looks
    bound = _limit(before - 1, share, significance, looks) * sqrt(share)
    width = 2.0 * bound / (POINTS - 1)
    points = tuple(-bound + number * width for number in range(POINTS))
    if before == 1:
        known: Density = ((0.0,), (1.0,))
        step = sqrt(share)
    else:
        known = _density(before - 1, significance, looks)
        step = sqrt(1.0 / looks)
    weights = []
    for number, point in enumerate(points):
        height = sum(
            weight * exp(-0.5 * ((point - at) / step) ** 2)
            for at, weight in zip(*known, strict=True)
        )
        simpson = 1.0 if number in (0, POINTS - 1) else 4.0 if number % 2 else 2.0
        weights.append(height / step / sqrt(2.0 * pi) * simpson * width / 3.0)
    return points, tuple(weights)
