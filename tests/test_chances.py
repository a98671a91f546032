"""Functions that promise a chance keep it: counted over all outcomes there are."""

from itertools import product
from math import comb, factorial, sqrt

import pytest

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate

# Sample size: the test that follows must have the power that was asked for


def binomial(n: int, p: float) -> list[tuple[int, float]]:
    """How many of n, and the chance of it; without what is next to impossible."""
    middle, reach = n * p, 7 * sqrt(n * p * (1 - p)) + 1
    counts = range(max(0, int(middle - reach)), min(n, int(middle + reach)) + 1)
    return [(k, comb(n, k) * p**k * (1 - p) ** (n - k)) for k in counts]


def power(n: int, p: float, changed: float, significance: float = 0.05) -> float:
    """The chance that AB_PVALUE is significant, over all outcomes of n visitors each."""
    return sum(
        chance_a * chance_b
        for (a, chance_a), (b, chance_b) in product(binomial(n, p), binomial(n, changed))
        if 0 < a + b < 2 * n and kpi_xl.ab_pvalue(a, n, b, n) < significance
    )


@pytest.mark.parametrize(
    ("p", "change", "wanted"),
    [(0.5, 0.2, 0.8), (0.9, -0.15, 0.8), (0.1, 0.15, 0.9), (0.75, 0.15, 0.8)],
)
def test_the_sample_has_the_power_asked_for(p: float, change: float, wanted: float) -> None:
    n = int(kpi_xl.sample_size(p, change, 0.05, wanted))
    assert power(n, p, p + change) == pytest.approx(wanted, abs=0.025)


def test_the_sample_of_miller_has_not_at_small_rates() -> None:
    miller, pooled = (
        int(kpi_xl.sample_size(0.01, 0.01, method=method)) for method in ("miller", "pooled")
    )
    assert power(miller, 0.01, 0.02) == pytest.approx(0.69, abs=0.005)
    assert power(pooled, 0.01, 0.02) == pytest.approx(0.8, abs=0.01)


def test_rates_and_their_complements_need_the_same_sample() -> None:
    """Conversions or those who do not convert: the question is the same."""
    for method in ("pooled", "miller"):
        for p, change in ((0.1, 0.05), (0.3, -0.2), (0.05, 0.9)):
            sizes = (
                kpi_xl.sample_size(p, change, method=method),
                kpi_xl.sample_size(1 - p, -change, method=method),
            )
            assert sizes[0] == sizes[1]
    assert kpi_xl.sample_size(0.9, -0.15) == 100
    assert evaluate(METRICS["SAMPLE_SIZE"], [0.2, 0.05, None, None, "chance"]) == "#VALUE!"


# Margin of error of the NPS: its interval must hold the true score as often as promised


def coverages(answers: int, method: str) -> list[float]:
    """The chances that the interval of so many answers holds the score, for scores of all kinds."""
    more = 3 if method == "score" else 0
    outcomes = [(p, answers - p - d, d) for p in range(answers + 1) for d in range(answers + 1 - p)]
    ends = []
    for promoters, passives, detractors in outcomes:
        margin = kpi_xl.nps_error(promoters, passives, detractors, method=method)
        middle = 100 * (promoters - detractors) / (answers + more)
        ends.append((middle - margin - 1e-9, middle + margin + 1e-9))
    ways = [
        factorial(answers) / (factorial(a) * factorial(b) * factorial(c)) for a, b, c in outcomes
    ]
    shares = [(p / 10, d / 10) for p in range(1, 10) for d in range(1, 10) if p + d <= 10]
    return [
        sum(
            way * p**a * (1 - p - d) ** b * d**c
            for way, (a, b, c), (low, high) in zip(ways, outcomes, ends, strict=True)
            if low <= 100 * (p - d) <= high
        )
        for p, d in shares
    ]


@pytest.mark.parametrize("answers", [5, 10, 20])
def test_the_margin_of_an_nps_is_honest_with_few_answers_and_at_the_ends(answers: int) -> None:
    score, wald = coverages(answers, "score"), coverages(answers, "wald")
    assert min(score) > 0.88
    assert sum(score) / len(score) == pytest.approx(0.95, abs=0.012)
    assert sum(wald) < sum(score)


def test_the_margin_of_one_answer() -> None:
    """By hand: (1 + 3/4)/4 and 3/16; .4375 + .1875 - .25^2 = .5625; / 4, the root .375; x 1.96."""
    for counts in ((1, 0, 0), (0, 0, 1)):
        assert kpi_xl.nps_error(*counts) == pytest.approx(37.5 * 1.959964, abs=1e-4)
        assert kpi_xl.nps_error(*counts, method="wald") == 0
    assert kpi_xl.nps_error(50, 30, 20, method="wald") == pytest.approx(15.308, abs=5e-4)
    assert evaluate(METRICS["NPS_ERROR"], [0, 0, 0]) == "#DIV/0!"
