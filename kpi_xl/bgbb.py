"""BG/BB: customers who buy or not at each of some opportunities, until they are lost for good.

Fader, Hardie & Shang (2010), Customer-Base Analysis in a Discrete-Time Noncontractual Setting,
Marketing Science 29 (6), equation 6.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, logsumexp

from kpi_xl.errors import NotEnoughData

Floats = NDArray[np.float64]

FARTHEST = np.log(1e5)  # where a parameter is so small or large that data do not tell it


def log_likelihoods(parameters: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
    """Of each history: purchases, the opportunity of the last one, opportunities."""
    alpha, beta, gamma, delta = parameters
    lives = betaln(alpha + x, beta + n - x) + betaln(gamma, delta + n)
    terms = [lives]
    for i in range(int((n - t_x).max())):
        lost = betaln(alpha + x, beta + t_x - x + i) + betaln(gamma + 1.0, delta + t_x + i)
        terms.append(np.where(i < n - t_x, lost, -np.inf))
    each: Floats = logsumexp(terms, axis=0) - betaln(alpha, beta) - betaln(gamma, delta)
    return each


def fit(x: Floats, t_x: Floats, n: Floats, customers: Floats) -> tuple[list[float], float]:
    """alpha, beta, gamma, delta of the greatest likelihood, and its logarithm."""
    total = customers.sum()

    def loss(logarithms: Floats) -> float:
        if np.abs(logarithms).max() > 2.0 * FARTHEST:
            return 1e10
        return float(-(log_likelihoods(np.exp(logarithms), x, t_x, n) @ customers) / total)

    found = minimize(loss, np.zeros(4), method="Nelder-Mead", options={"maxiter": 4000})
    found = minimize(loss, found.x, method="BFGS", options={"gtol": 1e-7})
    if np.abs(found.x).max() > FARTHEST:
        raise NotEnoughData("the histories do not tell how customers differ, or how they are lost")
    return np.exp(found.x).tolist(), float(-found.fun * total)
