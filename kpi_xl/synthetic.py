"""Synthetic control: where nothing was done, mixed so that it moved like where something was.

Abadie, Diamond & Hainmueller (2010), Synthetic Control Methods for Comparative Case Studies,
Journal of the American Statistical Association 105; here the outcomes before are the only
predictors. The least squares are SciPy's (Lawson & Hanson): the packages for the method need a
plotting library beside it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

SUM = 1e4  # how much the weights' sum of 1 counts beside the values: six digits of it and more


class Control(NamedTuple):
    """The mixture of the controls, and how often chance would show such an effect."""

    weights: Floats
    without: Floats
    """What would have been, period by period."""
    error_before: float
    """Root of the mean square of what it misses before."""
    chance: float
    """The share of all regions that, taken for the treated one, move off at least so far."""


def weights_of(treated: Floats, controls: Floats) -> Floats:
    """Weights of the controls (a column each), not below 0 and 1 in all, that come nearest."""
    size = float(np.sqrt(np.mean(np.square(controls)))) or 1.0
    rows = np.vstack((controls / size, np.full(controls.shape[1], SUM)))
    found, _ = nnls(rows, np.append(treated / size, SUM))
    return np.asarray(found / found.sum())


def control_of(region: list[float], others: list[list[float]], before: int) -> Control:
    """The control of a region, and the placebo test: each other one in its place."""
    treated, controls = np.array(region), np.array(others).T
    regions = np.column_stack((treated, controls))
    weights = weights_of(treated[:before], controls[:before])
    without = controls @ weights
    shifts = [shift(treated - without, before)]
    for place in range(1, regions.shape[1]):
        rest = np.delete(regions, (0, place), axis=1)
        mixed = rest @ weights_of(regions[:before, place], rest[:before])
        shifts.append(shift(regions[:, place] - mixed, before))
    chance = np.mean([later >= shifts[0] * (1.0 - 1e-9) for later in shifts])
    error = float(np.sqrt(np.mean(np.square((treated - without)[:before]))))
    return Control(weights, without, error, float(chance))


def shift(gaps: Floats, before: int) -> float:
    """How much larger the gaps are after than before, as roots of mean squares."""
    early, late = (float(np.sqrt(np.mean(np.square(part)))) for part in np.split(gaps, [before]))
    return late / max(early, 1e-12 * late) if late else 0.0
