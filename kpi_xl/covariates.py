"""Models of purchases in which customers differ by what is known of them: a channel, a campaign.

Fader & Hardie (2007), Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD
Models: alpha is multiplied by EXP(-SUM(purchases * covariate)), beta by EXP(-SUM(leaving *
covariate)), a and b by EXP(SUM(leaving * covariate)).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from kpi_xl.btyd import Model, fit, histories_of
from kpi_xl.errors import NotEnoughData, OutOfDomain

Floats = NDArray[np.float64]

MOST_GROUPS = 200  # of customers with the same covariates: each is a likelihood of its own
VAGUEST = 30.0  # a standard error of logarithms beyond which a parameter is not told


class CovariateFit(NamedTuple):
    """Parameters of the greatest likelihood, and the variances of what they are logarithms of."""

    parameters: tuple[float, ...]
    """Of a customer whose covariates are 0."""
    purchases: Floats
    """How the rate of purchases rises with each covariate: a change of its logarithm."""
    leaving: Floats
    log_likelihood: float
    covariance: Floats
    """Of the logarithms of the parameters, then of purchases and leaving."""


def fit_with(model: Model, x: Floats, t_x: Floats, age: Floats, covariates: Floats) -> CovariateFit:
    """Fit a model to customers with covariates, a row each.

    Raises NotEnoughData where they do not tell the parameters.
    """
    kinds, kind = np.unique(covariates, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    if len(kinds) > MOST_GROUPS:
        raise OutOfDomain(
            "the covariates tell {number} kinds of customers apart, and {most} is"
            " the most: round them, or make classes",
            number=len(kinds),
            most=MOST_GROUPS,
        )
    middle = covariates.mean(axis=0)
    spread = covariates.std(axis=0)
    for number in np.flatnonzero(spread == 0.0):
        raise NotEnoughData("covariate {number} is the same for all customers", number=number + 1)
    scaled = (kinds - middle) / spread
    groups = [
        (row, histories_of(x[kind == place], t_x[kind == place], age[kind == place])[0])
        for place, row in enumerate(scaled)
    ]
    customers, width = float(len(x)), scaled.shape[1]
    pareto = "s" in model.parameters

    def loss(theta: Floats) -> tuple[float, Floats]:
        total, slope = 0.0, np.zeros(len(theta))
        for row, histories in groups:
            moved = _moved(theta, row, pareto)
            each, gradient = model.likelihood(tuple(np.exp(moved).tolist()), histories)
            total += float(each @ histories.customers)
            down = (gradient @ histories.customers) * np.exp(moved)
            slope[:4] += down
            slope[4 : 4 + width] -= down[1] * row
            slope[4 + width :] += (-down[3] if pareto else down[2] + down[3]) * row
        return -total / customers, -slope / customers

    start = np.log(np.maximum(fit(model, histories_of(x, t_x, age)[0]).parameters, 1e-6))
    found = minimize(
        loss, np.append(start, np.zeros(2 * width)), jac=True, method="BFGS",
        options={"gtol": 1e-7},
    )  # fmt: skip
    theta = np.asarray(found.x)
    step = 1e-4 * np.eye(len(theta))
    bends = np.array([loss(theta + move)[1] - loss(theta - move)[1] for move in step])
    curvature = (bends + bends.T) / 4e-4 * customers
    if np.linalg.eigvalsh(curvature)[0] <= VAGUEST**-2:
        raise NotEnoughData(
            "the data do not tell what the covariates do: they go together, or too few customers"
            " have them"
        )
    return _unscaled(theta, float(-found.fun * customers), np.linalg.inv(curvature), middle, spread,
                     pareto)  # fmt: skip


def _moved(theta: Floats, row: Floats, pareto: bool) -> Floats:
    """The logarithms of the parameters of customers with these covariates."""
    width = len(row)
    bought, left = row @ theta[4 : 4 + width], row @ theta[4 + width :]
    moved = theta[:4].copy()
    moved[1] -= bought
    if pareto:
        moved[3] -= left
    else:
        moved[2:] += left
    return moved


def _unscaled(
    theta: Floats, likelihood: float, covariance: Floats, middle: Floats, spread: Floats,
    pareto: bool,
) -> CovariateFit:  # fmt: skip
    """The same fit in the units of the covariates; a linear change of the logarithms."""
    width = len(middle)
    change = np.eye(len(theta))
    for number in range(width):
        bought, left = 4 + number, 4 + width + number
        change[bought, bought] = change[left, left] = 1.0 / spread[number]
        shift = middle[number] / spread[number]
        change[1, bought] = shift
        if pareto:
            change[3, left] = shift
        else:
            change[2, left] = change[3, left] = -shift
    new = change @ theta
    parameters = tuple(np.exp(new[:4]).tolist())
    return CovariateFit(parameters, new[4 : 4 + width], new[4 + width :], likelihood,
               change @ covariance @ change.T)  # fmt: skip
