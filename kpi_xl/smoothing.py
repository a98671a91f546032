"""Exponential smoothing by statsmodels: which model, fitted how, and what its bands are.

Hyndman & Khandakar (2008), Automatic Time Series Forecasting, Journal of Statistical Software 27
(3): of the models that can be meant, the one of the least AICc. Only those of additive errors are,
on the values or on their logarithms, because their bands have a closed form and need no
simulation.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import exp, frexp, ldexp, log, pi
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from threadpoolctl import threadpool_limits

from kpi_xl.errors import NotEnoughData, OutOfDomain

Floats = NDArray[np.float64]

# Where the search begins: level, trend, season. From one place alone it ends on a lesser peak.
STARTS = ((0.1, 0.01, 0.01), (0.5, 0.05, 0.05), (0.9, 0.8, 0.05))
ROUNDING = 1e-12  # of the values: their spread is nothing else
EXACT = 1e-4  # of the spread: so little is left where the model hits the values


@dataclass(frozen=True)
class Shape:
    """Which parts a model has."""

    trend: bool
    damped: bool
    season: int
    """Periods in a season; 0: none."""
    logarithms: bool


class Forecast(NamedTuple):
    """The mean of each period ahead, and the ends of its band."""

    mean: list[float]
    low: list[float]
    high: list[float]


def forecast(values: list[float], horizon: int, season: int, confidence: float) -> Forecast:
    """Of the best model. Raises NotEnoughData where there is too little to choose by."""
    # By a power of 2, which changes no digit: squares of the values must be numbers.
    _, power = frexp(max(map(abs, values)))
    scaled = tuple(ldexp(value, -power) for value in values)
    found = banded(best(scaled, season), horizon, confidence)
    try:
        return Forecast(*([ldexp(end, power) for end in ends] for ends in found))
    except OverflowError:
        raise OutOfDomain("the forecast is too large for a cell") from None


@lru_cache(maxsize=128)
def best(values: tuple[float, ...], season: int) -> "Fitted":
    """The best model of some values, which is asked for again wherever these have not changed."""
    with threadpool_limits(1, "blas"):  # its threads wait for each other where cores are busy
        found = [fit(values, shape) for shape in shapes(values, season)]
    if not found:
        raise NotEnoughData(
            "{number} values are too few to choose a model by: give 5 or more", number=len(values)
        )
    if None in found:
        raise NotEnoughData(
            "the values are all the same, or follow a line or season to the last digit: they do not"
            " tell how far a forecast may be out"
        )
    return min((fitted for fitted in found if fitted), key=lambda fitted: fitted.aicc)


def shapes(values: Sequence[float], season: int) -> Iterator[Shape]:
    """The models that so many values can tell apart."""
    scales = (False, True) if min(values) > 0.0 else (False,)
    trends = ((False, False), (True, True), (True, False))
    for logarithms, length, (trend, damped) in product(scales, {0, season}, trends):
        shape = Shape(trend, damped, length, logarithms)
        if len(values) > parameters_of(shape) + 2:  # else there is no AICc
            yield shape


def parameters_of(shape: Shape) -> int:
    """How many numbers are fitted beside the variance: smoothing, damping and the first states."""
    # Of a season: its smoothing, and one state less than it has periods.
    return 2 + 2 * shape.trend + shape.damped + shape.season


@dataclass(frozen=True)
class Fitted:
    """A model with its parameters, over values of mean 0 and spread 1."""

    shape: Shape
    model: Any
    parameters: Floats
    middle: float
    spread: float
    aicc: float


def fit(values: Sequence[float], shape: Shape) -> Fitted | None:
    """By maximum likelihood; None where the model hits the values, so that nothing is left."""
    given = np.log(values) if shape.logarithms else np.asarray(values)
    middle, spread = float(given.mean()), float(given.std())
    if spread <= ROUNDING * float(np.abs(given).max()):
        return None
    model = ETSModel(
        (given - middle) / spread,
        error="add",
        trend="add" if shape.trend else None,
        damped_trend=shape.damped,
        seasonal="add" if shape.season else None,
        seasonal_periods=shape.season or None,
    )
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of starts that lead nowhere: the best one counts
        for start in starts(model):
            parameters = np.asarray(model.fit(start, return_params=True, disp=False))
            found.append((float(model.loglike(parameters)), parameters))
    likelihood, parameters = max(found, key=lambda pair: pair[0])
    n, k = len(given), parameters_of(shape) + 1
    if likelihood > -0.5 * n * (log(2.0 * pi * EXACT**2) + 1.0):
        return None
    likelihood -= n * log(spread) + (float(given.sum()) if shape.logarithms else 0.0)
    aicc = 2.0 * k - 2.0 * likelihood + 2.0 * k * (k + 1) / (n - k - 1)
    return Fitted(shape, model, parameters, middle, spread, aicc)


def starts(model: Any) -> Iterator[Floats]:
    """The parameters with which a search begins: some weights, and states that never move."""
    names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal")
    for weights in STARTS:
        start = np.array(model.start_params, dtype=float)
        for name, weight in zip(names, weights, strict=True):
            if name in model.param_names:
                start[model.param_names.index(name)] = weight
        if weights == STARTS[0]:
            states = unmoved(model)
            yield np.concatenate((start[: len(start) - len(states)], states))
        yield start


def unmoved(model: Any) -> Floats:
    """The first states of a level, line and season that never move, by least squares.

    The values' first ones, with which a search begins otherwise, lead it away from the mean.
    """
    periods = np.arange(1.0, model.nobs + 1.0)
    columns = [np.ones(model.nobs)]
    if model.has_trend:
        damped = dict(zip(model.param_names, model.start_params, strict=True))
        columns.append(np.cumsum(damped.get("damping_trend", 1.0) ** periods))
    length = model.seasonal_periods if model.has_seasonal else 0
    # Of a season the last period comes first.
    columns += [(periods - 1.0) % length == length - 1 - place for place in range(length)]
    found: Floats = np.linalg.lstsq(np.stack(columns, axis=1).astype(float), model.endog)[0]
    return found


def banded(fitted: Fitted, horizon: int, confidence: float) -> Forecast:
    """The forecast of a fitted model, with a band that holds so many of the values to come.

    The variance is the sum of squares by the degrees of freedom that are left. On logarithms the
    band is that of the logarithms, and the mean is the mean of the values; where these differ so
    much that it is above most of them, the band ends there.
    """
    n = fitted.model.nobs
    smoothed = fitted.model.smooth(fitted.parameters)
    left = smoothed.sse / (n - parameters_of(fitted.shape))
    steps = np.arange(1.0, horizon + 1.0)
    errors = np.sqrt(left * smoothed._relative_forecast_variance(steps)) * fitted.spread
    means = np.asarray(smoothed.forecast(horizon)) * fitted.spread + fitted.middle
    reach = -NormalDist().inv_cdf((1.0 - confidence) / 2.0)
    rows = zip(means.tolist(), errors.tolist(), strict=True)
    ends = [(mean, mean - reach * error, mean + reach * error, error) for mean, error in rows]
    if fitted.shape.logarithms:
        ends = [
            (mean := exp(m + e * e / 2.0), exp(low), max(exp(high), mean), e)
            for m, low, high, e in ends
        ]
    return Forecast(*(list(column) for column in list(zip(*ends, strict=True))[:3]))
