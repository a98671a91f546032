"""Experiments: against SciPy, R's printed outputs, integrals and simulation."""

import math
import random
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from scipy.integrate import quad
from scipy.stats import beta, chisquare, false_discovery_control, norm, ttest_ind

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.sequential import limit_at


def call(name: str, *arguments: Any) -> Any:
    return evaluate(METRICS[name], arguments)


def column(cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


# Sample ratio mismatch


@pytest.mark.parametrize(("a", "b", "share"), [(1000, 1100, 0.5), (90, 300, 0.25), (0, 9, 0.5)])
def test_a_mismatch_is_that_of_the_chi_square_test(a: float, b: float, share: float) -> None:
    total = a + b
    expected = chisquare([a, b], [total * share, total * (1 - share)]).pvalue
    assert kpi_xl.srm_pvalue(a, b, share) == pytest.approx(expected, rel=1e-12)


def test_no_visitors_are_no_mismatch() -> None:
    assert call("SRM_PVALUE", 0, None) == "#DIV/0!"
    assert call("SRM_PVALUE", -1, 5) == "#NUM!"
    assert call("SRM_PVALUE", 5, 5, 1) == "#NUM!"


# Means


@pytest.mark.parametrize("seed", range(4))
def test_means_are_compared_as_welch_does(seed: int) -> None:
    chance = random.Random(seed)
    a = [chance.gauss(10, 3) for _ in range(chance.randrange(2, 40))]
    b = [chance.choice([0.0, chance.expovariate(0.1)]) for _ in range(chance.randrange(3, 40))]
    test = ttest_ind(b, a, equal_var=False)
    assert kpi_xl.ab_mean_pvalue(a, b) == pytest.approx(test.pvalue, rel=1e-9)
    for confidence in (0.95, 0.5):
        interval = test.confidence_interval(confidence)
        found = kpi_xl.ab_mean_interval([*a, None], b, confidence)
        assert found == pytest.approx([interval.low, interval.high], rel=1e-9)


def test_what_means_need() -> None:
    assert call("AB_MEAN_PVALUE", column([1, None]), column([1, 2])) == "#N/A"
    assert call("AB_MEAN_PVALUE", column([3, 3]), column([5, 5])) == "#DIV/0!"
    # The mean of three 0.1 is 0.10000000000000002.
    assert call("AB_MEAN_PVALUE", column([0.1] * 3), column([0.3] * 3)) == "#DIV/0!"
    assert call("AB_MEAN_INTERVAL", column([0.1 + 0.2, 0.3]), column([0.7] * 3)) == "#DIV/0!"
    assert call("DID_INTERVAL", *map(column, [[0.1] * 3, [0.7] * 3] * 2)) == "#DIV/0!"
    assert call("AB_MEAN_INTERVAL", column([1, "x"]), column([1, 2])) == "#VALUE!"


# The probability that B is better


@pytest.mark.parametrize(
    ("conversions_a", "visitors_a", "conversions_b", "visitors_b"),
    [
        (0, 1, 1, 1),
        (3, 20, 9, 25),
        (40, 1000, 52, 980),
        (0, 50, 0, 9),
        (7, 7, 3, 3),
        (9, 10, 1, 99),
    ],
)
def test_the_probability_is_the_integral(
    conversions_a: int, visitors_a: int, conversions_b: int, visitors_b: int
) -> None:
    a = beta(conversions_a + 1, visitors_a - conversions_a + 1)
    b = beta(conversions_b + 1, visitors_b - conversions_b + 1)
    expected, _ = quad(lambda p: b.pdf(p) * a.cdf(p), 0, 1, points=[b.mean(), a.mean()], limit=500)
    found = kpi_xl.ab_probability(conversions_a, visitors_a, conversions_b, visitors_b)
    assert found == pytest.approx(expected, abs=1e-8)


def test_the_probability_of_small_counts_by_hand() -> None:
    # A's density is 2 (1 - p), B's 2 p: the integral of 2 p (2 p - p^2) is 4/3 - 1/2.
    assert kpi_xl.ab_probability(0, 1, 1, 1) == pytest.approx(5 / 6)
    assert kpi_xl.ab_probability(5, 10, 5, 10) == pytest.approx(0.5)


def test_the_probability_of_millions_is_that_of_normal_rates() -> None:
    a, n, b, m = 50_000, 1_000_000, 50_300, 1_000_000
    rates = a / n, b / m
    error = math.sqrt(rates[0] * (1 - rates[0]) / n + rates[1] * (1 - rates[1]) / m)
    expected = norm.cdf((rates[1] - rates[0]) / error)
    assert kpi_xl.ab_probability(a, n, b, m) == pytest.approx(expected, abs=1e-5)
    assert kpi_xl.ab_probability(b, m, a, n) == pytest.approx(1 - expected, abs=1e-5)
    assert call("AB_PROBABILITY", 1.5, 10, 1, 10) == "#NUM!"
    assert call("AB_PROBABILITY", 11, 10, 1, 10) == "#NUM!"


@pytest.mark.parametrize("conversions", [0, 1000, 10**8, 5 * 10**8, 10**9])
def test_of_a_billion_visitors_no_digits_are_lost(conversions: int) -> None:
    """What is alike is a half, and one of both is higher."""
    same = kpi_xl.ab_probability(conversions, 10**9, conversions, 10**9)
    assert same == pytest.approx(0.5, abs=1e-12)
    ours, theirs = conversions * 123 // 124, conversions
    one = kpi_xl.ab_probability(ours, 10**9, theirs, 10**9)
    other = kpi_xl.ab_probability(theirs, 10**9, ours, 10**9)
    assert one + other == pytest.approx(1.0, abs=1e-12)


def test_few_visitors_beside_a_billion_lose_no_digits() -> None:
    """Without conversions of B the sum has one term: each of B's visitors is one of A's without."""
    converted, n, m = 432_833_612, 10**9, 6
    expected = math.prod(Fraction(n - converted + k, n + 1 + k) for k in range(1, m + 2))
    found = kpi_xl.ab_probability(converted, n, 0, m)
    assert found == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_the_probability_is_the_sum_of_fractions(seed: int) -> None:
    """Miller's formula, summed without rounding."""
    draw = random.Random(seed).randint
    n, m = draw(1, 60), draw(1, 60)
    conversions = draw(0, n), draw(0, m)
    a, b, d = conversions[0] + 1, n - conversions[0] + 1, m - conversions[1] + 1

    def beta_function(x: int, y: int) -> Fraction:
        return Fraction(math.factorial(x - 1) * math.factorial(y - 1), math.factorial(x + y - 1))

    exact = sum(
        beta_function(a + i, b + d) / ((d + i) * beta_function(1 + i, d) * beta_function(a, b))
        for i in range(conversions[1] + 1)
    )
    found = kpi_xl.ab_probability(conversions[0], n, conversions[1], m)
    assert found == pytest.approx(float(exact), rel=1e-12)


# The interval of the lift


def test_the_lift_interval_by_hand() -> None:
    """log(0.12 / 0.1) is 0.182322; its error SQRT(0.01 - 0.001 + 1/120 - 0.001) is 0.127802."""
    low, high = kpi_xl.ab_lift_interval(100, 1000, 120, 1000)
    assert math.log(1 + low) == pytest.approx(0.182322 - 1.959964 * 0.127802, abs=1e-5)
    assert math.log(1 + high) == pytest.approx(0.182322 + 1.959964 * 0.127802, abs=1e-5)


def test_a_lift_without_conversions_has_no_interval() -> None:
    assert call("AB_LIFT_INTERVAL", 10, 100, 0, 100) == "#N/A"
    assert call("AB_LIFT_INTERVAL", 0, 100, 5, 100) == "#DIV/0!"
    assert call("AB_LIFT_INTERVAL", 100, 100, 50, 50) == "#N/A"


def test_the_lift_interval_covers_the_lift() -> None:
    chance, covered = random.Random(7), 0
    for _ in range(400):
        a = sum(chance.random() < 0.10 for _ in range(600))
        b = sum(chance.random() < 0.15 for _ in range(600))
        low, high = kpi_xl.ab_lift_interval(a, 600, b, 600, 0.9)
        covered += low <= 0.5 <= high
    assert 0.86 < covered / 400 < 0.94


# Several comparisons


def test_holm_keeps_shape_and_blanks() -> None:
    block = [[0.01, 0.04, None], [0.03, "", 0.005]]
    assert call("HOLM", block) == [
        [pytest.approx(0.03), pytest.approx(0.06), ""],
        [pytest.approx(0.06), "", pytest.approx(0.02)],
    ]
    assert call("HOLM", 0.2) == [[0.2]]
    assert call("HOLM", column([0.8, 0.9])) == [[1.0], [1.0]]
    assert call("HOLM", column([0.5, 1.5])) == "#NUM!"
    assert call("HOLM", column([None, None])) == "#N/A"


def test_holm_is_stricter_than_the_false_discovery_rate() -> None:
    chance = random.Random(3)
    p_values = [chance.random() ** 3 for _ in range(30)]
    adjusted = kpi_xl.holm(p_values)
    order = sorted(range(30), key=p_values.__getitem__)
    assert [adjusted[place] for place in order] == sorted(adjusted)
    assert min(p_values) * 30 == pytest.approx(min(adjusted))
    lenient = false_discovery_control(p_values)
    assert all(a >= b - 1e-12 for a, b in zip(adjusted, lenient, strict=True))


# Incrementality


def test_the_interval_of_a_difference_in_differences_is_welchs() -> None:
    """With two groups that do not vary much, it is that of two samples."""
    treated, control = [4.0, 7.0, 5.5, 9.0], [1.0, 2.5, 2.0, 4.0, 3.0]
    still = [0.0, 1e-9]
    found = kpi_xl.did_interval(still, treated, still, control)
    assert found == pytest.approx(kpi_xl.ab_mean_interval(control, treated), rel=1e-6)
    low, high = kpi_xl.did_interval([1, 2, 3], [4, 5, 6], [1, 2, 3], [2, 3, 4])
    # Each mean has the variance 1/3, their sum 4/3 with 8 degrees of freedom: t is 2.306004.
    reach = 2.306004 * math.sqrt(4 / 3)
    assert (low, high) == (pytest.approx(2 - reach), pytest.approx(2 + reach))


def test_columns_of_different_lengths_are_samples() -> None:
    assert (
        call("DID_INTERVAL", *map(column, ([1, 2], [1, 2, 3], [2, 4], [1, 5, 7, 9]))) != "#VALUE!"
    )
    assert call("DID_INTERVAL", *map(column, ([1], [1, 2, 3], [2, 4], [1, 5, 7, 9]))) == "#N/A"


# Looking on the way


def test_what_may_be_decided() -> None:
    decided = [
        kpi_xl.ab_sequential(*counts, 4000)[2]
        for counts in (
            (50, 500, 60, 500),
            (100, 1000, 170, 1000),
            (170, 1000, 100, 1000),
            (200, 2000, 210, 2000),
            (200, 2500, 210, 2500),
        )
    ]
    better = "B is better", "A is better"
    assert decided == ["keep running", *better, "no difference found", "no difference found"]
    assert call("AB_SEQUENTIAL", 0, 10, 0, 10, 100) == "#DIV/0!"
    assert call("AB_SEQUENTIAL", 1, 10, 2, 10, 0) == "#DIV/0!"


def test_limits_fall_and_a_look_on_the_way_costs_little() -> None:
    limits = [limit_at(number / 50, 0.05, 5) for number in range(1, 51)]
    assert all(math.isfinite(limit) for limit in limits)
    assert limits[-1] == pytest.approx(2.031, abs=5e-4)
    assert limits[24] > limits[25] > limits[39] > limits[-1]
    assert limit_at(1e-6, 1e-9, 5) > 100


def test_false_alarms_stay_below_the_significance() -> None:
    """Brownian motion at each fifth: both variants alike, 0.2 so that few paths tell."""
    chance, alarms, runs = random.Random(5), 0, 2000
    limits = [limit_at(look / 5, 0.2, 5) for look in range(1, 6)]
    for _ in range(runs):
        path = 0.0
        for look, limit in zip(range(1, 6), limits, strict=True):
            path += chance.gauss(0, math.sqrt(0.2))
            if abs(path) / math.sqrt(look / 5) >= limit:
                alarms += 1
                break
    assert 0.17 < alarms / runs < 0.23


def test_swapping_the_variants_swaps_the_decision() -> None:
    for a, b in product((90, 120, 180), repeat=2):
        z, limit, _ = kpi_xl.ab_sequential(a, 1000, b, 1000, 3000)
        back = kpi_xl.ab_sequential(b, 1000, a, 1000, 3000)
        assert back[:2] == [pytest.approx(-z), limit]
