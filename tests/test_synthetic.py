"""Synthetic control: California's tobacco law, and what cannot be mixed.

smoking.csv: packs of cigarettes sold a head, 39 states, 1970 to 2000 (Orzechowski & Walker, as used
by Abadie, Diamond & Hainmueller 2010); the law came into force in 1989.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate

with (Path(__file__).parent / "smoking.csv").open(encoding="utf-8") as file:
    HEADER, *ROWS = csv.reader(file)
CALIFORNIA = [float(row[1]) for row in ROWS]
OTHERS = [[float(cell) for cell in row[2:]] for row in ROWS]
BEFORE = 19  # 1970 to 1988


def lift(treated: list[float], controls: list[list[float]], before: int) -> dict[str, Any]:
    table = evaluate(METRICS["GEO_LIFT"], [[[x] for x in treated], controls, before])
    return dict(table[1:])


def test_the_published_effect_in_california() -> None:
    """-19.6 (SC): table 1 of Arkhangelsky et al. (2021), Synthetic Difference-in-Differences.

    American Economic Review 111. Their search is stopped a little before the least squares.
    """
    found = lift(CALIFORNIA, OTHERS, BEFORE)
    assert found["effect a period"] == pytest.approx(-19.6, abs=0.15)
    assert found["p-value"] == pytest.approx(3 / 39)
    weights = {HEADER[n + 1]: found[f"weight {n}"] for n in range(1, 39)}
    # Those of the paper of 2010, which has other predictors, too: the same five, and Connecticut's
    # neighbours.
    for state in ("Colorado", "Connecticut", "Montana", "Nevada", "Utah"):
        assert weights[state] > 0.01
    assert sum(weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert min(weights.values()) >= 0.0


def test_the_weights_are_the_least_squares() -> None:
    """As another search finds them, with the bounds as such."""
    early, mixed = np.array(CALIFORNIA[:BEFORE]) / 100.0, np.array(OTHERS[:BEFORE]) / 100.0
    theirs = minimize(
        lambda w: float(np.sum((early - mixed @ w) ** 2)),
        np.full(38, 1 / 38),
        jac=lambda w: -2.0 * mixed.T @ (early - mixed @ w),
        bounds=[(0.0, 1.0)] * 38,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    found = lift(CALIFORNIA, OTHERS, BEFORE)
    ours = np.array([found[f"weight {n}"] for n in range(1, 39)])
    assert (found["error before"] / 100.0) ** 2 * BEFORE <= theirs.fun * (1.0 + 1e-7)
    assert ours == pytest.approx(theirs.x, abs=2e-3)


def test_the_curve_is_the_lift_s() -> None:
    header, *rows = evaluate(
        METRICS["SYNTHETIC_CONTROL"], [[[x] for x in CALIFORNIA], OTHERS, BEFORE]
    )
    assert header == ["period", "actual", "without", "effect"]
    assert [row[1] for row in rows] == CALIFORNIA
    late = [row[3] for row in rows[BEFORE:]]
    found = lift(CALIFORNIA, OTHERS, BEFORE)
    assert sum(late) / len(late) == pytest.approx(found["effect a period"])
    without = sum(row[2] for row in rows[BEFORE:]) / len(late)
    assert found["lift"] == pytest.approx(found["effect a period"] / without)


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e7])
def test_the_unit_of_the_values_does_not_matter(factor: float) -> None:
    once = lift(CALIFORNIA, OTHERS, BEFORE)
    scaled = lift([factor * x for x in CALIFORNIA],
                  [[factor * x for x in row] for row in OTHERS], BEFORE)  # fmt: skip
    assert scaled["p-value"] == once["p-value"]
    assert scaled["lift"] == pytest.approx(once["lift"], rel=1e-7)
    assert scaled["effect a period"] == pytest.approx(factor * once["effect a period"], rel=1e-7)


def test_an_effect_that_was_put_in_comes_out() -> None:
    mixture = [0.3 * row[4] + 0.7 * row[20] for row in OTHERS]
    treated = [x + 5.0 * (n >= BEFORE) for n, x in enumerate(mixture)]
    found = lift(treated, OTHERS, BEFORE)
    assert found["effect a period"] == pytest.approx(5.0, abs=1e-4)
    assert found["p-value"] == pytest.approx(1 / 39)
    assert [found["weight 5"], found["weight 21"]] == pytest.approx([0.3, 0.7], abs=1e-4)


@pytest.mark.parametrize(
    ("controls", "before", "code", "words"),
    [
        ([[1.0], [2.0], [3.0], [4.0]], 3, "#N/A", "at least two regions"),
        ([[1.0, 2.0]] * 4, 4, "#N/A", "none after the first 4"),
        ([[1.0, 2.0]] * 4, 2, "#NUM!", "before"),
        ([[1.0, None]] * 4, 3, "#VALUE!", "blank"),
        ([[1.0, 2.0]] * 3, 3, "#VALUE!", "rows"),
    ],
)
def test_refused(controls: list[list[Any]], before: int, code: str, words: str) -> None:
    treated = [[1.0], [2.0], [3.0], [4.0]]
    error = evaluate(METRICS["GEO_LIFT"], [treated, controls, before])
    assert error == code
    assert words in error.sentence


def test_regions_of_zeros_have_no_lift() -> None:
    found = kpi_xl.geo_lift([0, 0, 0, 1], [[0, 0]] * 4, 3)
    assert dict(found[1:])["lift"] == ""
