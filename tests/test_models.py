"""The shifted beta-geometric model: published fits and forecasts, and odd survivors.

Fader & Hardie (2007), How to Project Customer Retention, Journal of Interactive Marketing 21:
the two data sets, their estimates, and what was really left after the seven periods of the fit.
"""

from itertools import pairwise
from math import exp, log
from typing import Any

import pytest

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.engine.embedded import evaluate_formula
from kpi_xl.reports.explaining import explained
from kpi_xl.sbg import fitted, log_likelihood, losses_of

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
        losses = losses_of([survivors])
        shapes = fitted(losses)
        assert shapes is not None
        alpha, beta = shapes
        best = log_likelihood(losses, shapes)
        assert log_likelihood(losses, None) < best
        for a, b in ((1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99), (1.01, 1.01), (0.99, 1.01)):
            assert log_likelihood(losses, (alpha * a, beta * b)) < best


def likelihood_by_hand(survivors: list[float], churns: list[float]) -> float:
    """Of the survivors, from the churn of each period."""
    return sum(
        (before - after) * log(churn) + (after * log(1 - churn) if after else 0)
        for (before, after), churn in zip(pairwise(survivors), churns, strict=True)
    )


@pytest.mark.parametrize(
    ("survivors", "churn"),
    [
        ([1000, 800, 640, 512, 409.6], 0.2),
        ([1000, 500, 250, 125], 0.5),
        ([1.0, 0.9, 0.81, 0.729], 0.1),
        ([1000, 900, 700, 300], 700 / 2600),  # ever faster: who left, over who might have
        ([1000, 0, 0], 1.0),
    ],
)
def test_the_limit_where_customers_are_alike(survivors: list[float], churn: float) -> None:
    fit = dict(kpi_xl.sbg_fit(survivors)[1:])
    assert list(fit) == ["alpha", "beta", "churn", "log-likelihood"]
    assert (fit["alpha"], fit["beta"]) == ("", "")
    assert fit["churn"] == pytest.approx(churn, rel=1e-12)
    scale = 1000 if survivors[0] == 1.0 else 1
    by_hand = likelihood_by_hand([scale * n for n in survivors], [churn] * (len(survivors) - 1))
    assert fit["log-likelihood"] == pytest.approx(by_hand, rel=1e-12)
    for period, survival, retention in kpi_xl.sbg_forecast(survivors, 20)[2:]:
        assert survival == pytest.approx((1 - churn) ** period, rel=1e-9)
        assert retention == pytest.approx(1 - churn, rel=1e-12)
    for rate in (0, 0.1):  # 1 + (1 - c)/(1 + d) + ... = (1 + d)/(c + d)
        value = kpi_xl.clv_sbg(100, survivors, rate)
        assert value == pytest.approx(100 * (1 + rate) / (churn + rate), rel=1e-12)


def test_there_is_no_cliff_beside_the_limit() -> None:
    """Retention that rises by a little more and more, or falls: the value follows, and smoothly."""
    values = []
    for bend in (-0.02, -1e-3, -1e-5, 0, 1e-7, 1e-5, 1e-4, 1e-3, 0.02):
        survivors = [1000.0]
        for period in range(6):
            survivors.append(survivors[-1] * (0.8 + bend * period))
        values.append(kpi_xl.clv_sbg(100, survivors, 0.1))
    assert values[3] == pytest.approx(100 * 1.1 / 0.3)
    assert values == sorted(values)
    for before, after in pairwise(values[1:-1]):
        assert after - before < 3


def test_cohorts_are_fitted_together() -> None:
    """What others compute of them is a sum of their likelihoods, here by SciPy from the churns."""
    from scipy.optimize import minimize

    cohorts = [
        [1000, 800, 690, 620],
        [500, 380, 330],
        [700, 580],
        [90],
    ]
    rows = [[c[t] if t < len(c) else None for c in cohorts] for t in range(4)]

    def loss(logarithms: Any) -> float:
        alpha, beta = map(exp, logarithms)
        return -sum(
            likelihood_by_hand(c, [alpha / (alpha + beta + t) for t in range(len(c) - 1)])
            for c in cohorts
        )

    found = minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9})
    alpha, beta = map(exp, found.x)
    fit = dict(call("SBG_FIT", rows)[1:])
    assert fit["alpha"] == pytest.approx(alpha, rel=1e-4)
    assert fit["beta"] == pytest.approx(beta, rel=1e-4)
    assert fit["log-likelihood"] == pytest.approx(-found.fun, rel=1e-9)


def test_a_cohort_may_be_written_across() -> None:
    assert call("SBG_FIT", [REGULAR]) == call("SBG_FIT", column(*REGULAR))


def test_cohorts_that_are_alike_are_one_of_their_size() -> None:
    twice = [[share, share] for share in REGULAR]
    fit, once = dict(call("SBG_FIT", twice)[1:]), dict(kpi_xl.sbg_fit(REGULAR)[1:])
    assert fit["alpha"] == pytest.approx(once["alpha"])
    assert fit["log-likelihood"] == pytest.approx(2 * once["log-likelihood"])
    blank = [[*row, None, ""] for row in twice]
    assert call("SBG_FIT", blank) == call("SBG_FIT", twice)


@pytest.mark.parametrize(
    ("cohorts", "error"),
    [
        ([[10, 10], [8, None], [6, 5]], "#VALUE!"),  # a gap in one
        ([[10, 10], [None, None], [6, 5], [5, 4]], "#VALUE!"),  # in both: no period falls out
        ([[1, 900], [0.8, 700], [0.7, 600]], "#VALUE!"),  # shares beside counts
        ([[10, 10], [8, 11], [6, 5]], "#NUM!"),
        ([[10, 10], [8, 8]], "#N/A"),
        ([[10, 10], [10, 10], [10, 10]], "#N/A"),
    ],
)
def test_cohorts_that_cannot_be_fitted(cohorts: list[list[Any]], error: str) -> None:
    assert call("SBG_FIT", cohorts) == error


def test_explain_says_where_the_limit_is() -> None:
    def told(formula: str) -> str:
        return explained(formula, lambda text: evaluate_formula(f"={text}"))

    for formula in (
        "=CLV_SBG(100,{1000;800;640;512},0.1)",
        "=SBG_FIT({1000;900;700;300})",
        "=SBG_FORECAST({1000;800;640;512},3)",
    ):
        assert "at one same rate, or faster with time" in told(formula)
    assert "same rate" not in told("=CLV_SBG(100,{1000;631;468;382},0.1)")
    assert "same rate" not in told("=SBG_FIT({1000;600})")


@pytest.mark.parametrize(
    ("survivors", "error"),
    [
        (column(1000, 600), "#N/A"),
        (column(1000, 1000, 1000), "#N/A"),
        (column(1000, 600, 600, 600), "#N/A"),  # all at once: of the others nothing is known
        (column(1_000_000, 600_000, 599_999), "#N/A"),
        (column(1e18, 2, 1), "#N/A"),  # 1 less the churn has no digit of those who stay
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
        assert (fit["alpha"], fit["beta"]) == pytest.approx(fitted(losses_of([REGULAR])), rel=1e-6)


def test_the_horizon_is_a_whole_number() -> None:
    assert len(call("SBG_FORECAST", column(*REGULAR), 0)) == 2
    for horizon in (-1, 1.5):
        assert call("SBG_FORECAST", column(*REGULAR), horizon) == "#NUM!"
