"""The shifted beta-geometric model: published fits and forecasts, and odd survivors.

Fader & Hardie (2007), How to Project Customer Retention, Journal of Interactive Marketing 21:
the two data sets, their estimates, and what was really left after the seven periods of the fit.
"""

from itertools import pairwise
from typing import Any

import pytest

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.metrics.models import fitted, log_likelihood

REGULAR = [1.0, 0.631, 0.468, 0.382, 0.326, 0.289, 0.262, 0.241]
HIGH_END = [1.0, 0.869, 0.743, 0.653, 0.593, 0.551, 0.517, 0.491]
LEFT_LATER = {
    "regular": [0.223, 0.207, 0.194, 0.183, 0.173],
    "high end": [0.468, 0.445, 0.427, 0.409, 0.394],
}


def call(name: str, *arguments: Any) -> Any:
    return evaluate(METRICS[name], arguments)


def column(*cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "likelihood"),
    [(REGULAR, 0.704, 1.182, -1680.3), (HIGH_END, 0.668, 3.806, -1611.2)],
)
def test_the_published_fits(
    survivors: list[float], alpha: float, beta: float, likelihood: float
) -> None:
    fit = dict(kpi_xl.sbg_fit(survivors)[1:])
    assert fit["alpha"] == pytest.approx(alpha, abs=5e-4)
    assert fit["beta"] == pytest.approx(beta, abs=5e-4)
    assert fit["log-likelihood"] == pytest.approx(likelihood, abs=0.05)
    counts = [1000 * share for share in survivors]
    assert dict(kpi_xl.sbg_fit(counts)[1:]) == pytest.approx(fit)


@pytest.mark.parametrize(
    ("survivors", "later"), [(REGULAR, LEFT_LATER["regular"]), (HIGH_END, LEFT_LATER["high end"])]
)
def test_the_forecast_comes_within_two_points_of_what_came(
    survivors: list[float], later: list[float]
) -> None:
    table = kpi_xl.sbg_forecast(survivors, 12)
    assert [row[0] for row in table[1:]] == list(range(13))
    assert [row[1] for row in table[9:]] == pytest.approx(later, abs=0.02)
    for before, after in pairwise(table[1:]):
        assert after[2] == pytest.approx(after[1] / before[1])


def test_the_fit_is_a_maximum() -> None:
    for survivors in (
        REGULAR,
        HIGH_END,
        [500.0, 300.0, 250.0, 240.0],
        [40.0, 21.0, 18.0],
        # Where rounding keeps the slope from ever being quite 0:
        [100.0, 66.0, 56.0, 47.0],
        [1000.0, 771.0, 634.0, 538.0, 482.0, 433.0, 389.0, 359.0],
    ):
        alpha, beta = fitted(survivors)
        best = log_likelihood(survivors, alpha, beta)
        for a, b in ((1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99), (1.01, 1.01), (0.99, 1.01)):
            assert log_likelihood(survivors, alpha * a, beta * b) < best


@pytest.mark.parametrize(
    ("survivors", "error"),
    [
        (column(1000, 600), "#N/A"),
        (column(1000, 1000, 1000), "#N/A"),
        (column(1000, 500, 250, 125), "#N/A"),  # one same rate: no difference to be seen
        (column(1000, 900, 700, 300), "#N/A"),  # leaving ever faster
        (column(1000, 0, 0), "#N/A"),
        (column(1000, 600, 700), "#NUM!"),
        (column(1000, -1, -2), "#NUM!"),
        (column(1000, None, 500, 400), "#VALUE!"),
        (column(1000, "x", 500), "#VALUE!"),
    ],
)
def test_survivors_that_cannot_be_fitted(survivors: list[list[Any]], error: str) -> None:
    assert call("SBG_FIT", survivors) == error
    assert call("SBG_FORECAST", survivors, 3) == error


def test_blank_rows_below_the_survivors_do_not_count() -> None:
    survivors = column(*REGULAR)
    assert call("SBG_FIT", [*survivors, [None], [""]]) == call("SBG_FIT", survivors)
    assert call("SBG_FIT", survivors + [[None]] * 1_000_000) == call("SBG_FIT", survivors)


def test_the_size_of_the_cohort_does_not_change_the_fit() -> None:
    for size in (1e-200, 1.5, 1e9, 1e160):
        fit = dict(kpi_xl.sbg_fit([size * share for share in REGULAR])[1:])
        assert (fit["alpha"], fit["beta"]) == pytest.approx(fitted(REGULAR), rel=1e-6)


def test_the_horizon_is_a_whole_number() -> None:
    assert len(call("SBG_FORECAST", column(*REGULAR), 0)) == 2
    for horizon in (-1, 1.5):
        assert call("SBG_FORECAST", column(*REGULAR), horizon) == "#NUM!"
