"""What the models of purchases say of one customer, and period by period.

McCarthy & Wadsworth (2014), Buy 'Til You Die: A Walkthrough; the formulas of the papers; lifetimes.
"""

import warnings
from datetime import date
from math import exp, expm1
from typing import Any

import numpy as np
import pytest
from kpi_xl.workbook_templates.retention import sample
from scipy.special import gamma, hyp2f1, hyperu
from scipy.stats import nbinom

import kpi_xl
from kpi_xl import METRICS, btyd, buying
from kpi_xl.buying import Customer
from kpi_xl.cells import evaluate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its last release is older than the packages that it uses
    import lifetimes

CDNOW = sample().data["Orders"]
WEEK_39 = date(1997, 9, 30)
PARAMETERS = {
    "bgnbd": (0.243, 4.414, 0.793, 2.426),
    "mbgnbd": (0.525, 6.183, 0.891, 1.614),
    "paretonbd": (0.553, 10.580, 0.606, 11.656),
}
CUSTOMERS = [
    Customer(2.0, 30.43, 38.86), Customer(0.0, 0.0, 39.0), Customer(0.0, 0.0, 0.0),
    Customer(26.0, 30.86, 31.0), Customer(1.0, 0.5, 300.0),
]  # fmt: skip
EVERY = [(model, customer) for model in PARAMETERS for customer in CUSTOMERS]


def one(customer: Customer) -> btyd.Histories:
    return btyd.histories_of(*(np.array([value]) for value in customer))[0]


def expected(model: str, customer: Customer, t: float) -> float:
    found = btyd.MODELS[model].expected(PARAMETERS[model], one(customer), np.array([t]), np.ones(1))
    return float(found[0])


@pytest.mark.parametrize(
    ("model", "weeks", "last", "off"),
    [
        # Repeat purchases of weeks 20 to 25 of CDNOW, and how many there are by then. The search
        # for the likelihood of both ended a little off: here beta is 11.668.
        ("bgnbd", [76.86531, 74.88843, 73.04554, 71.32166, 69.70412, 68.18213], 1669.6, 1e-3),
        ("paretonbd", [78.308, 76.419, 74.648, 72.983, 71.414, 69.933], 1674.253, 5e-3),
    ],
)
def test_the_tracking_of_the_walkthrough(
    model: str, weeks: list[float], last: float, off: float
) -> None:
    header, *rows = kpi_xl.btyd_tracking(CDNOW["customer"], CDNOW["date"], 39, "W", WEEK_39, model)
    assert header == ["period", "expected", "cumulative"]
    assert [row[0] for row in rows] == list(range(1, 79))
    assert [row[1] for row in rows[19:25]] == pytest.approx(weeks, abs=off)
    assert rows[24][2] == pytest.approx(last, rel=5e-5)


@pytest.mark.parametrize(("model", "customer"), EVERY)
def test_probabilities_of_all_numbers_are_1_and_their_mean_is_what_is_expected(
    model: str, customer: Customer
) -> None:
    chances = [
        buying.probability_of(model, PARAMETERS[model], customer, n, 39.0) for n in range(200)
    ]
    assert sum(chances) == pytest.approx(1.0, abs=1e-9)
    mean = sum(n * chance for n, chance in enumerate(chances))
    assert mean == pytest.approx(expected(model, customer, 39.0), rel=1e-7)


def test_purchases_of_new_customers_are_those_of_lifetimes() -> None:
    fitter = lifetimes.BetaGeoFitter()
    fitter.params_ = dict(zip(("r", "alpha", "a", "b"), PARAMETERS["bgnbd"], strict=True))
    for n in (0, 1, 4):
        ours = buying.probability_of("bgnbd", PARAMETERS["bgnbd"], CUSTOMERS[2], n, 30.0)
        theirs = fitter.probability_of_n_purchases_up_to_time(30.0, n)
        assert ours == pytest.approx(theirs, rel=1e-9)


def test_purchases_of_known_customers_are_those_of_lifetimes() -> None:
    fitter = lifetimes.ParetoNBDFitter()
    fitter.params_ = dict(zip(("r", "alpha", "s", "beta"), PARAMETERS["paretonbd"], strict=True))
    for n in (0, 1, 4):
        ours = buying.probability_of("paretonbd", PARAMETERS["paretonbd"], CUSTOMERS[0], n, 20.0)
        theirs = fitter.conditional_probability_of_n_purchases_up_to_time(
            n, 20.0, *(np.array([value]) for value in CUSTOMERS[0])
        )
        assert ours == pytest.approx(float(theirs[0]), rel=1e-6)


@pytest.mark.parametrize(("model", "customer"), EVERY)
def test_alive_later_is_the_formula(model: str, customer: Customer) -> None:
    """E[e^-(rate * p * t)] and E[e^-(mu * t)], of those who are alive."""
    r, alpha, a, b = PARAMETERS[model]
    now = buying.alive(model, PARAMETERS[model], customer)
    b += customer.x * (model != "paretonbd") + (model == "mbgnbd")
    if model == "paretonbd":
        stays = ((b + customer.T) / (b + customer.T + 20.0)) ** a
    else:
        stays = hyp2f1(r + customer.x, a, a + b, -20.0 / (alpha + customer.T))
    found = buying.still_alive(model, PARAMETERS[model], customer, 20.0)
    assert found == pytest.approx(now * stays, rel=1e-9)
    assert buying.still_alive(model, PARAMETERS[model], customer, 0.0) == pytest.approx(now)


def test_all_purchases_to_come_are_equation_2() -> None:
    """Of Fader, Hardie & Lee (2005), RFM and CLV, with the likelihood of their appendix."""
    r, alpha, s, beta = 0.5629966, 12.5590370, 0.4081095, 10.5148048
    x, t_x, age, d = 7.0, 35.0, 77.86, 0.0027  # the customer of the manual of R's BTYD
    z = [
        hyp2f1(r + s + x, s + 1.0, r + s + x + 1.0, (alpha - beta) / (alpha + t))
        / (alpha + t) ** (r + s + x)
        for t in (t_x, age)
    ]
    lives = 1.0 / ((alpha + age) ** (r + x) * (beta + age) ** s)
    likelihood = gamma(r + x) * alpha**r * beta**s / gamma(r) * (
        lives + s / (r + s + x) * (z[0] - z[1])
    )  # fmt: skip
    printed = (
        alpha**r * beta**s * d ** (s - 1.0) * gamma(r + x + 1.0)
        * hyperu(s, s, d * (beta + age)) / (gamma(r) * (alpha + age) ** (r + x + 1.0))
    )  # fmt: skip
    ours = kpi_xl.btyd_dert(x, t_x, age, expm1(d), r, alpha, s, beta, "paretonbd")
    assert ours == pytest.approx(printed / likelihood, rel=1e-9)


@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd"])
def test_all_purchases_to_come_are_those_of_each_period(model: str) -> None:
    """Summed at the middles of quarters of a week, to a time from which nothing counts."""
    d, step = 0.02, 0.25
    times = np.arange(step, 2000.0, step)
    worth = np.exp(-d * (times - step / 2.0))
    worth[:-1] -= worth[1:]
    for customer in CUSTOMERS[:2]:
        by_period = btyd.MODELS[model].expected(PARAMETERS[model], one(customer), times, worth)
        ours = buying.residual(model, PARAMETERS[model], customer, d)
        assert ours == pytest.approx(float(by_period[0]), rel=1e-5)


@pytest.mark.parametrize("model", PARAMETERS)
def test_where_nobody_stops_it_is_the_nbd(model: str) -> None:
    steady, customer = (0.5, 8.0, 0.0, 1.0), Customer(3.0, 10.0, 20.0)
    assert buying.still_alive(model, steady, customer, 1000.0) == 1.0
    wanted = nbinom.pmf([0, 2, 7], 3.5, 28.0 / 68.0)
    found = [buying.probability_of(model, steady, customer, n, 40.0) for n in (0, 2, 7)]
    assert found == pytest.approx(list(wanted))
    assert buying.residual(model, steady, customer, 0.01) == pytest.approx(3.5 / 28.0 / 0.01)


@pytest.mark.parametrize("prior", ["none", "weak"])
def test_the_tracking_of_a_small_shop_is_that_of_lifetimes(prior: str) -> None:
    arrays = METRICS["BTYD_TRACKING"].example[0].split("{")[1:]
    customers, days = ([float(n) for n in a.split("}")[0].split(";")] for a in arrays)
    given = "M", date(2024, 6, 29), "bgnbd", prior
    fit = kpi_xl.btyd_fit(customers, days, None, *given)
    fitter = lifetimes.BetaGeoFitter()
    fitter.params_ = {str(name): value for name, value in fit[1:5]}
    first: dict[float, float] = {}
    for customer, day in zip(customers, days, strict=True):
        first[customer] = min(day, first.get(customer, day))
    births = (np.array(list(first.values())) - min(first.values())) / 30.4375
    for number, _, total in kpi_xl.btyd_tracking(customers, days, 1, *given)[1:]:
        since = number - births[births < number]
        theirs = fitter.expected_number_of_purchases_up_to_time(since).sum()
        assert total == pytest.approx(theirs, abs=1e-3)


def test_a_day_far_away_is_told() -> None:
    """It had taken minutes: a table of all the days from 2024 to the year 9999."""
    customers, days = [[who] for who in "aabb"], [[day] for day in (45292, 45300, 45310, 45320)]
    error = evaluate(METRICS["BTYD_TRACKING"], [customers, days, 1.0, "D", date(9999, 12, 31)])
    assert error == "#NUM!"
    assert "a date that is far too late" in error.sentence


HISTORY = [2.0, 30.43, 38.86]
CALLS: dict[str, list[Any]] = {
    "ALIVE_AT": [*HISTORY, 0.0, *PARAMETERS["bgnbd"]],
    "PURCHASES_PROBABILITY": [1.0, *HISTORY, 39.0, *PARAMETERS["bgnbd"]],
    "BTYD_DERT": [*HISTORY, 0.01, *PARAMETERS["bgnbd"]],
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "history",
    [(2.0, 39.0, 38.86), (0.0, 5.0, 38.86), (2.0, 0.0, 38.86), (1.5, 5.0, 38.86), (2, -1.0, 9.0)],
)
def test_histories_that_cannot_be(name: str, history: tuple[float, ...]) -> None:
    given = list(CALLS[name])
    at = next(i for i, value in enumerate(given) if value == 30.43) - 1
    given[at : at + 3] = history
    assert evaluate(METRICS[name], given) == "#NUM!"


@pytest.mark.parametrize("name", CALLS)
def test_parameters_that_cannot_be(name: str) -> None:
    assert isinstance(evaluate(METRICS[name], CALLS[name]), float)
    for place in (-4, -3, -1):
        given = list(CALLS[name])
        given[place] = 0.0
        assert evaluate(METRICS[name], given) == "#NUM!"


def test_nobody_is_alive_more_than_surely() -> None:
    """Who never bought again cannot have stopped, and stops after 2 of 10^9 purchases."""
    given = [0.0, 0.0, 73.0, 69.0, 0.03, 0.1, 2e-5, 10_000.0, "bgnbd"]
    assert 1.0 - 1e-7 < evaluate(METRICS["ALIVE_AT"], given) <= 1.0
    # Whoever buys without end buys more than once in 35 weeks, or has stopped at once.
    given = [1.0, 0.0, 0.0, 60.0, 35.0, 200.0, 0.9, 4e8, 0.3, "bgnbd"]
    assert 1.0 - 1e-5 < evaluate(METRICS["PURCHASES_PROBABILITY"], given) <= 1.0


@pytest.mark.parametrize("name", CALLS)
def test_parameters_that_no_fit_gives(name: str) -> None:
    """Averages over the customers lose their digits there: P(alive) had come to 1E+76."""
    for place in (-4, -3, -2, -1):
        given = list(CALLS[name])
        given[place] = 1e17
        assert evaluate(METRICS[name], given) == "#NUM!"
    given[-1] = PARAMETERS["bgnbd"][-1]
    given[-2] = 0.0
    nobody_stops = evaluate(METRICS[name], given)
    given[-2] = 5e-324
    assert evaluate(METRICS[name], given) == nobody_stops


def test_a_rate_of_0_has_no_end() -> None:
    given = list(CALLS["BTYD_DERT"])
    given[3] = 0.0
    assert evaluate(METRICS["BTYD_DERT"], given) == "#NUM!"


def test_extremes_stay_finite() -> None:
    for model in PARAMETERS:
        for parameters in ((1e-3, 1e3, 1e-3, 1e3), (50.0, 0.1, 30.0, 0.1), (0.1, 1e-3, 1e-4, 1e-3)):
            for customer in (Customer(0.0, 0.0, 1000.0), Customer(900.0, 5.0, 1000.0)):
                chance = buying.probability_of(model, parameters, customer, 3, 1e4)
                assert 0.0 <= chance <= 1.0
                assert 0.0 <= buying.still_alive(model, parameters, customer, 1e4) <= 1.0
                assert 0.0 <= buying.residual(model, parameters, customer, 1e-4) < exp(30.0)
