"""The BG/BB model: the likelihood against summing over all lives, and odd histories."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.special import beta as beta_function

from kpi_xl import METRICS
from kpi_xl.bgbb import log_likelihoods
from kpi_xl.cells import evaluate

N = 4
PARAMETERS = 1.2, 0.75, 0.66, 2.8


def column(cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


def chance_of(history: tuple[int, ...]) -> float:
    """By the model's story: lost before opportunity `lost`, and bought or not while there."""
    a, b, c, d = PARAMETERS
    total = 0.0
    for lost in range(N + 1):  # how many opportunities the customer is there for
        if any(history[lost:]):
            continue
        bought = sum(history[:lost])
        buys = beta_function(a + bought, b + lost - bought) / beta_function(a, b)
        if lost == N:
            stays = beta_function(c, d + N) / beta_function(c, d)
        else:
            stays = beta_function(c + 1, d + lost) / beta_function(c, d)
        total += buys * stays
    return float(total)


def test_the_likelihood_is_that_of_all_lives() -> None:
    total = 0.0
    for history in product((0, 1), repeat=N):
        x, t_x = sum(history), max((i + 1 for i, bought in enumerate(history) if bought), default=0)
        found = log_likelihoods(np.array(PARAMETERS), *np.array([[x], [t_x], [N]], dtype=float))
        assert np.exp(found[0]) == pytest.approx(chance_of(history))
        total += np.exp(found[0])
    assert total == pytest.approx(1.0)


def test_a_row_a_customer_is_the_same_as_counts() -> None:
    histories = [(0, 0), (1, 1), (1, 3), (2, 2), (2, 3), (3, 3)]
    counts = [120, 40, 20, 15, 20, 50]
    x, t_x = zip(*histories, strict=True)
    once = evaluate(METRICS["BGBB_FIT"], [*map(column, (x, t_x, [3] * 6, counts))])
    rows = [h for h, count in zip(histories, counts, strict=True) for _ in range(count)]
    x, t_x = zip(*rows, strict=True)
    each = evaluate(METRICS["BGBB_FIT"], [*map(column, (x, t_x, [3] * len(rows)))])
    assert [row[0] for row in each] == [row[0] for row in once]
    for ours, theirs in zip(each[1:], once[1:], strict=True):
        assert ours[1] == pytest.approx(theirs[1], rel=1e-4)


@pytest.mark.parametrize(
    ("row", "error"),
    [((2, 1, 3), "#NUM!"), ((1, 4, 3), "#NUM!"), ((0, 2, 3), "#NUM!"), ((0.5, 1, 3), "#NUM!")],
)
def test_histories_that_cannot_be(row: tuple[float, ...], error: str) -> None:
    cells = [column([0, cell]) for cell in row[:2]]
    assert evaluate(METRICS["BGBB_FIT"], [*cells, column([3, row[2]])]) == error


def test_histories_that_tell_nothing() -> None:
    assert evaluate(METRICS["BGBB_FIT"], [column([0, 0]), column([0, 0]), column([3, 3])]) == "#N/A"
    assert evaluate(METRICS["BGBB_FIT"], [0, 0, 0]) == "#N/A"
