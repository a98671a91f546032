"""Beta-discrete-Weibull: customers by contract whose own churn changes with time.

Fader, Hardie, Liu, Davin & Steenburgh (2018), "How to Project Customer Retention" Revisited: The
Role of Duration Dependence, Journal of Interactive Marketing 43. The survivors of t periods are
B(alpha, beta + t^c) / B(alpha, beta); with c = 1 it is the shifted beta-geometric model.
"""

from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, expit, logit

from kpi_xl.errors import NotEnoughData

Floats = NDArray[np.float64]

FARTHEST = 1e5  # where data do not tell a parameter, or not that customers differ
STARTS = ((1.0, 1.0), (10.0, 1.0), (1.0, 1.7), (0.3, 0.6))
"""Of alpha + beta, and c."""
GAIN = 1e-6  # of the log-likelihood: less than that tells no difference between customers


class RetentionFit(NamedTuple):
    """Parameters of the greatest likelihood."""

    alpha: float | None
    """None, and beta with it, where all customers are alike."""
    beta: float | None
    churn: float
    """Of the first period."""
    c: float
    log_likelihood: float

    def log_survival(self, times: Floats) -> Floats:
        """The logarithm of the share of the customers who are left after so many periods."""
        with np.errstate(over="ignore"):
            spent = np.asarray(times**self.c)
        if self.alpha is None or self.beta is None:
            return np.asarray(spent * np.log1p(-self.churn))
        left = betaln(self.alpha, self.beta + spent) - betaln(self.alpha, self.beta)
        return np.asarray(left, dtype=np.float64)


def fit(at_risk: list[float], stayed: list[float]) -> RetentionFit:
    """To customers at the beginning of each period, and those of them who stayed to its end.

    Raises NotEnoughData where they do not tell the parameters.
    """
    before, after = np.asarray(at_risk), np.asarray(stayed)
    lost, times = before - after, np.arange(len(before) + 1.0)
    total = float(before.sum())

    def likelihood(found: RetentionFit) -> float:
        """The log-likelihood of these losses."""
        with np.errstate(all="ignore"):  # far from the maximum
            steps = np.diff(found.log_survival(times))
            terms = np.where(after > 0.0, after * steps, 0.0)
            terms += np.where(lost > 0.0, lost * np.log(-np.expm1(steps)), 0.0)
        height = float(terms.sum())
        return height if np.isfinite(height) else -1e300

    def read(logarithms: Floats) -> RetentionFit:
        """The parameters: the first churn's log odds, those of c and, if any, of alpha + beta."""
        churn, c = float(expit(logarithms[0])), float(np.exp(logarithms[1]))
        if len(logarithms) == 2:
            return RetentionFit(None, None, churn, c, 0.0)
        both = float(np.exp(logarithms[2]))
        return RetentionFit(churn * both, (1.0 - churn) * both, churn, c, 0.0)

    edge = log(FARTHEST)

    def best(starts: list[list[float]]) -> RetentionFit:
        def loss(logarithms: Floats) -> float:
            beyond = np.maximum(np.abs(logarithms[1:]) - 2.0 * edge, 0.0).sum()
            return float(beyond) - likelihood(read(np.clip(logarithms, -40.0, 40.0))) / total

        found = [
            minimize(loss, start, method="Nelder-Mead",
                     options={"maxiter": 1500, "xatol": 1e-9, "fatol": 1e-14})
            for start in starts
        ]  # fmt: skip
        least = min(found, key=lambda one: float(one.fun))
        result = read(least.x)
        return result._replace(log_likelihood=likelihood(result))

    first = float(logit(min(max(lost[0] / before[0], 1e-3), 0.999)))
    alike = best([[first, 0.0]])
    found = best([[first, log(c), log(both)] for both, c in STARTS])
    both = (found.alpha or 0.0) + (found.beta or 0.0)
    if both > FARTHEST or found.log_likelihood < alike.log_likelihood + GAIN:
        found, both = alike, 1.0
    estimates = (both, found.c, found.churn, 1.0 - found.churn)
    if not all(1.0 / FARTHEST < value < FARTHEST for value in estimates):
        raise NotEnoughData(
            "the losses do not tell how churn changes with time and how it differs between"
            " customers: take SBG_FIT, or wait for more periods"
        )
    return found
