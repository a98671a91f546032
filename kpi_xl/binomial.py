"""Probabilities of counts, to the last digits also for billions.

Loader (2000), Fast and Accurate Computation of Binomial Probabilities: logarithms of factorials of
large numbers differ in digits that a float has not; what is left of them is summed instead.
"""

from math import exp, inf, lgamma, log, log1p, pi, sqrt


def stirling_error(n: float) -> float:
    """The logarithm of n!, less that of Stirling's formula."""
    if n < 16.0:
        return lgamma(n + 1.0) - (n + 0.5) * log(n) + n - 0.5 * log(2.0 * pi) if n else inf
    square = n * n
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square)
            / square) / n  # fmt: skip


def deviance(count: float, mean: float) -> float:
    """count * log(count / mean) + mean - count, of two numbers above 0."""
    off = count - mean
    if abs(off) >= 0.1 * (count + mean):
        return count * log(count / mean) - off
    ratio = off / (count + mean)
    total, term, odd = off * ratio, 2.0 * count * ratio, 1.0
    while True:
        term *= ratio * ratio
        odd += 2.0
        more = total + term / odd
        if more == total:
            return total
        total = more


def binomial(count: float, trials: float, chance: float) -> float:
    """The probability of so many successes in so many trials, each with the same chance."""
    failures = trials - count
    if not count or not failures:
        # (1 - chance)^trials or chance^trials: all are of one kind.
        kind = log1p(-chance) if failures else log(chance)
        return exp(trials * kind) if trials else 1.0
    height = (
        stirling_error(trials) - stirling_error(count) - stirling_error(failures)
        - deviance(count, trials * chance) - deviance(failures, trials * (1.0 - chance))
    )  # fmt: skip
    return exp(height) * sqrt(trials / (2.0 * pi * count * failures))


def hypergeometric(count: float, good: float, bad: float, drawn: float) -> float:
    """The probability that of `drawn` from `good` and `bad` ones, so many are good."""
    share = drawn / (good + bad)
    if share in (0.0, 1.0):
        return 1.0
    both = binomial(count, good, share) * binomial(drawn - count, bad, share)
    return both / binomial(drawn, good + bad, share)
