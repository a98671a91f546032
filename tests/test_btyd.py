"""Buy-till-you-die models: published fits and forecasts, other packages' answers, odd orders.

CDNOW: 2,357 customers who first bought in January to March 1997, here until 30 September 1997
(week 39), as in the papers:

- Fader, Hardie & Lee (2005), Counting Your Customers the Easy Way, Marketing Science 24 (2), and
  the authors' Excel note on it: BG/NBD, and Pareto/NBD beside it.
- Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value, and its spreadsheet.
- McCarthy & Wadsworth (2014), Buy 'Til You Die: A Walkthrough, and the manual of R's BTYD.
- Platzer, R's BTYDplus: MBG/NBD on the same customers.
"""

import random
import warnings
from collections import defaultdict
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest
from kpi_xl.workbook_templates.retention import sample
from scipy.integrate import quad
from scipy.optimize import approx_fprime, minimize
from scipy.special import betaln, hyp2f1
from scipy.stats import beta as beta_distribution
from scipy.stats import nbinom

import kpi_xl
from kpi_xl import METRICS, btyd
from kpi_xl.cells import evaluate
from kpi_xl.errors import NotEnoughData
from kpi_xl.metrics.histories import purchases
from kpi_xl.sbg import discounted_lifetime

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its last release is older than the packages that it uses
    import lifetimes
    from lifetimes.datasets import load_cdnow_summary, load_cdnow_summary_data_with_monetary_value

CDNOW = sample().data["Orders"]
WEEK_39 = date(1997, 9, 30)
COLUMNS = CDNOW["customer"], CDNOW["date"], CDNOW["amount"]

PUBLISHED = {
    "bgnbd": ({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, -9582.4),
    "mbgnbd": ({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, None),
    "paretonbd": ({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, -9595.0),
}
PEERS = {
    "bgnbd": lifetimes.BetaGeoFitter,
    "mbgnbd": lifetimes.ModifiedBetaGeoFitter,
    "paretonbd": lifetimes.ParetoNBDFitter,
}


def histories(*rows: tuple[float, float, float]) -> btyd.Histories:
    """Histories in this order, one customer each."""
    x, t_x, age = np.array(rows, dtype=float).T
    counts, count = np.unique(x, return_inverse=True)
    return btyd.Histories(x, t_x, age, np.ones(len(rows)), counts, count)


NEW = histories((0, 0, 0))


@cache
def parameters(model: str) -> btyd.Parameters:
    """Those of the fit to CDNOW, with the digits that print leaves out."""
    names = btyd.MODELS[model].parameters
    fit = dict(kpi_xl.btyd_fit(*COLUMNS[:2], None, "W", WEEK_39, model)[1:])
    return tuple(fit[name] for name in names)


def expected(model: str, data: btyd.Histories, t: float) -> Any:
    chosen = btyd.MODELS[model]
    return chosen.expected(parameters(model), data, np.array([t]), np.ones(1))


# What has been published


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_fits_to_cdnow(model: str) -> None:
    fit = dict(kpi_xl.btyd_fit(*COLUMNS[:2], None, "W", WEEK_39, model)[1:])
    printed, likelihood = PUBLISHED[model]
    for name, value in printed.items():
        # The search of the papers ended a little off: beta is 11.668 here and 11.669 there.
        assert fit[name] == pytest.approx(value, abs=1.5e-3)
    if likelihood:
        assert fit["log-likelihood"] == pytest.approx(likelihood, abs=0.05)
    assert (fit["customers"], fit["repeat customers"]) == (2357, 946)


def test_the_fit_of_spend_to_cdnow() -> None:
    fit = dict(kpi_xl.btyd_fit(*COLUMNS, "W", WEEK_39)[1:])
    assert [round(fit[name], 2) for name in "pqv"] == [6.25, 3.74, 15.44]


@pytest.mark.parametrize(
    ("t", "purchases"),
    [(0.1429, 0.0078), (1, 0.0532), (3, 0.1506), (31.8571, 1.0405), (32, 1.0437), (78, 1.8576)],
)
def test_purchases_of_a_new_customer_as_in_the_excel_note(t: float, purchases: float) -> None:
    assert expected("bgnbd", NEW, t) == pytest.approx(purchases, abs=5e-4)


def test_no_purchase_in_39_weeks() -> None:
    """P(X(39) = 0) in the manual of R's BTYD, for these parameters: such a history's likelihood."""
    printed = 0.243, 4.414, 0.793, 2.426
    each, _ = btyd.MODELS["bgnbd"].likelihood(printed, histories((0, 0, 39)))
    assert np.exp(each) == pytest.approx(0.5737864, abs=5e-8)


def test_the_customer_of_the_excel_note() -> None:
    customer = histories((2, 30.43, 38.86))
    assert expected("bgnbd", customer, 39) == pytest.approx(1.226, abs=5e-4)
    alive = btyd.MODELS["bgnbd"].alive(parameters("bgnbd"), customer)
    assert alive == pytest.approx(0.727, abs=5e-4)


def test_the_customer_of_the_walkthrough() -> None:
    """Customer 1516; printed for weeks counted from 1997-01-01, so that ages differ a little."""
    customer = histories((26, 30.86, 31))
    alive = btyd.MODELS["paretonbd"].alive(parameters("paretonbd"), customer)
    assert alive == pytest.approx(0.9979, abs=5e-5)
    assert expected("paretonbd", customer, 52) == pytest.approx(25.46, abs=0.01)
    assert expected("paretonbd", NEW, 52) == pytest.approx(1.473434, abs=5e-4)


def test_spend_of_the_first_ten_customers() -> None:
    forecast = kpi_xl.clv_forecast(*COLUMNS, 39, 0.0, "W", WEEK_39)[1:11]
    printed = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert [row[6] for row in forecast] == pytest.approx(printed, abs=0.01)


def test_residual_lifetime_of_the_high_end_segment() -> None:
    """Maturen's sBG code prints 7.530 for those left after seven years, at 10 %."""
    alpha, beta = (
        dict(kpi_xl.sbg_fit([1, 0.869, 0.743, 0.653, 0.593, 0.551, 0.517, 0.491])[1:])["alpha"],
        3.806,
    )
    residual = 1.1 * (discounted_lifetime(alpha, beta + 7.0, 0.1) - 1.0)
    assert residual == pytest.approx(7.530, abs=2e-3)


def test_the_summary_of_cdnow() -> None:
    bought = purchases(
        [float(customer) for customer in COLUMNS[0]],
        [(day - date(1899, 12, 30)).days for day in COLUMNS[1]],
        COLUMNS[2],
        (WEEK_39 - date(1899, 12, 30)).days,
    )
    printed = load_cdnow_summary()
    for ours, theirs in zip(bought.history("W"), ("frequency", "recency", "T"), strict=True):
        assert ours == pytest.approx(printed[theirs].to_numpy(), abs=5.1e-3)
    spend = load_cdnow_summary_data_with_monetary_value()["monetary_value"].to_numpy()
    assert bought.spend == pytest.approx(spend, abs=5.1e-3)


# The package lifetimes, on other customers


def simulated(seed: int, customers: int = 1500) -> btyd.Histories:
    """Customers who buy and stop as BG/NBD has it, with parameters of their own each seed."""
    chance = np.random.default_rng(seed)
    r, alpha, a, b = chance.uniform([0.3, 3, 0.5, 1.5], [2, 12, 1.2, 4])
    rows = []
    for _ in range(customers):
        age = chance.integers(20, 53)
        rate, stop = chance.gamma(r, 1 / alpha), chance.beta(a, b)
        x = last = at = 0.0
        while (at := at + chance.exponential(1 / rate)) <= age:
            x, last = x + 1, at
            if chance.random() < stop:
                break
        rows.append((x, round(7 * last) / 7, float(age)))
    return btyd.histories_of(*np.array(rows).T)[0]


def peer(model: str, data: btyd.Histories) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it computes on the way
        return PEERS[model]().fit(data.x, data.t_x, data.T, weights=data.customers)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd"])
def test_fits_are_at_least_those_of_lifetimes(model: str, seed: int) -> None:
    data = simulated(seed)
    ours, theirs = btyd.fit(btyd.MODELS[model], data), peer(model, data)
    each, _ = btyd.MODELS[model].likelihood(tuple(theirs.params_), data)
    assert ours.log_likelihood >= each @ data.customers - 1e-6
    assert ours.parameters == pytest.approx(tuple(theirs.params_), rel=0.02)


def test_a_pareto_fit_is_at_least_that_of_lifetimes() -> None:
    printed = load_cdnow_summary().head(600)
    data, _ = btyd.histories_of(
        *(printed[n].to_numpy(float) for n in ("frequency", "recency", "T"))
    )
    ours, theirs = btyd.fit(btyd.MODELS["paretonbd"], data), peer("paretonbd", data)
    each, _ = btyd.MODELS["paretonbd"].likelihood(tuple(theirs.params_), data)
    assert ours.log_likelihood >= each @ data.customers - 1e-6
    assert ours.parameters == pytest.approx(tuple(theirs.params_), rel=0.02)


@pytest.mark.parametrize("model", PUBLISHED)
def test_forecasts_are_those_of_lifetimes(model: str) -> None:
    data = simulated(11, 300)
    chosen, theirs = btyd.MODELS[model], PEERS[model]()
    names = chosen.parameters
    theirs.params_ = dict(zip(names, parameters(model), strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alive = theirs.conditional_probability_alive(data.x, data.t_x, data.T)
        bought = theirs.conditional_expected_number_of_purchases_up_to_time(
            26, data.x, data.t_x, data.T
        )
    assert chosen.alive(parameters(model), data) == pytest.approx(np.ravel(alive), rel=1e-6)
    assert expected(model, data, 26.0) == pytest.approx(np.ravel(bought), rel=1e-6)


def test_fits_of_spend_are_those_of_lifetimes() -> None:
    chance = np.random.default_rng(3)
    x = chance.integers(0, 9, 2000).astype(float)
    scale = chance.gamma(4.0, 1 / 16.0, 2000)
    spend = np.where(x > 0, chance.gamma(6.0 * np.maximum(x, 1), 1 / scale) / np.maximum(x, 1), 0)
    again = x > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = lifetimes.GammaGammaFitter().fit(x[again], spend[again], tol=1e-8)
    assert btyd.spend_fit(x, spend).parameters == pytest.approx(tuple(theirs.params_), rel=1e-3)
    ours = btyd.expected_spend((6.0, 4.0, 16.0), x, spend, np.ones(len(x)))
    theirs.params_[["p", "q", "v"]] = 6.0, 4.0, 16.0
    assert ours == pytest.approx(theirs.conditional_expected_average_profit(x, spend))


def test_the_examples_are_what_lifetimes_says() -> None:
    fit = METRICS["BTYD_FIT"].example[1]
    printed = dict(fit[1:])
    forecast = METRICS["CLV_FORECAST"].example[1][1:]
    x, t_x, age = (np.array([row[i] for row in forecast], dtype=float) for i in (1, 2, 3))
    theirs = peer("bgnbd", btyd.histories_of(x, t_x, age)[0])
    for name in ("r", "alpha", "a", "b"):
        assert printed[name] == pytest.approx(theirs.params_[name], abs=2e-3)
    alive = theirs.conditional_probability_alive(x, t_x, age)
    bought = theirs.conditional_expected_number_of_purchases_up_to_time(26, x, t_x, age)
    arrays = METRICS["CLV_FORECAST"].example[0].split("{")[1:]
    customers, days, amounts = ([float(n) for n in a.split("}")[0].split(";")] for a in arrays)
    # Each customer's orders stand together, by day, and no two are of one day.
    spent = defaultdict(list)
    for customer, _, amount in zip(customers, days, amounts, strict=True):
        spent[customer].append(amount)
    mean = np.array([np.mean(spent[row[0]][1:] or [0.0]) for row in forecast])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gamma = lifetimes.GammaGammaFitter().fit(x[x > 0], mean[x > 0])
        spend = gamma.conditional_expected_average_profit(x, mean)
    assert [row[6] for row in forecast] == pytest.approx(spend, rel=2e-3)
    total = {row[0]: row[2] for row in METRICS["CLV_TOTAL"].example[1]}
    assert total["still customers"] == pytest.approx(sum(alive), abs=0.01)
    assert total["purchases"] == pytest.approx(sum(bought), abs=0.02)
    assert total["CLV"] == pytest.approx(sum(bought * spend), abs=0.3)
    for row, chance, orders in zip(forecast, alive, bought, strict=True):
        assert row[4] == pytest.approx(chance, abs=2e-3)
        assert row[5] == pytest.approx(orders, abs=4e-3)
        assert row[7] == pytest.approx(row[5] * row[6], abs=2e-3)


def test_the_example_of_the_hold_out_is_what_lifetimes_says() -> None:
    formula, (_, *printed) = METRICS["BTYD_CHECK"].example
    customers, days = (
        [float(n) for n in a.split("}")[0].split(";")] for a in formula.split("{")[1:]
    )
    split, until, month = 45423, 45472, 30.4375
    bought: dict[float, list[float]] = defaultdict(list)
    for customer, day in sorted(zip(customers, days, strict=True)):
        bought[customer].append(day)
    known = [[day for day in days if day <= split] for days in bought.values()]
    x, t_x, age = np.array(
        [(len(d) - 1, (d[-1] - d[0]) / month, (split - d[0]) / month) for d in known]
    ).T
    came = np.array([sum(split < day <= until for day in days) for days in bought.values()])
    theirs = peer("bgnbd", btyd.histories_of(x, t_x, age)[0])
    ahead = theirs.conditional_expected_number_of_purchases_up_to_time
    found = {row[0]: row[1:] for row in printed}
    foretold = [ahead(t, x, t_x, age).sum() for t in (1.0, (until - split) / month)]
    assert [found[1][3], found[2][3]] == pytest.approx(foretold, rel=0.01)
    each = ahead((until - split) / month, x, t_x, age)
    for count in (0, 1, 2, 3, 4, 6):
        assert found[f"x={count}"][0] == came[x == count].mean()
        assert found[f"x={count}"][1] == pytest.approx(each[x == count].mean(), rel=0.02)
    assert found["bias"][1] == pytest.approx(each.sum() / came.sum() - 1, abs=0.01)
    assert found["mean absolute error"][1] == pytest.approx(abs(each - came).mean(), abs=0.01)


# The formulas


def drawn(seed: int) -> tuple[btyd.Parameters, btyd.Histories]:
    chance = np.random.default_rng(seed)
    age = chance.uniform(1, 60, 12)
    x = chance.choice([0, 0, 1, 2, 5, 40, 200], 12).astype(float)
    t_x = np.where(x > 0, age * chance.choice([0.05, 0.5, 0.9, 1.0], 12), 0.0)
    rows = zip(x, t_x, age, strict=True)
    return tuple(np.exp(chance.uniform(-2.5, 2.5, 4)).tolist()), histories(*rows)


@pytest.mark.parametrize("model", PUBLISHED)
@pytest.mark.parametrize("seed", range(8))
def test_gradients_are_those_of_differences(model: str, seed: int) -> None:
    at, data = drawn(seed)
    likelihood = btyd.MODELS[model].likelihood
    _, gradient = likelihood(at, data)
    for row in range(12):
        one = histories((data.x[row], data.t_x[row], data.T[row]))
        slopes = approx_fprime(at, lambda p, one=one: likelihood(tuple(p), one)[0][0], 1e-7)
        assert gradient[:, row] == pytest.approx(slopes, rel=2e-4, abs=2e-4)


@pytest.mark.parametrize("model", [*PUBLISHED, "nbd"])
@pytest.mark.parametrize("seed", range(8))
def test_curvatures_are_those_of_differences(model: str, seed: int) -> None:
    at, data = drawn(seed)
    data = data._replace(customers=np.arange(1.0, 13.0))
    slopes = btyd._slopes_nbd if model == "nbd" else btyd.MODELS[model].slopes
    at = at[:2] if model == "nbd" else at

    def gradient(parameters: Any) -> Any:
        return slopes(tuple(parameters), data).gradient @ data.customers

    bent = np.stack(
        [
            (gradient(at + move) - gradient(at - move)) / (2 * move.sum())
            for move in np.diag(np.array(at) * 1e-5)
        ]
    )
    sizes = np.sqrt(np.abs(np.outer(np.diag(bent), np.diag(bent))))
    assert slopes(at, data).curvature / sizes == pytest.approx(bent / sizes, abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_the_pareto_likelihood_is_its_integral(seed: int) -> None:
    """Against adaptive quadrature of the density of stopping at each moment."""
    (r, alpha, s, beta), data = drawn(seed)
    stopped = btyd._stopped((r, alpha, s, beta), data).log_likelihood
    for log_likelihood, x, t_x, age in zip(stopped, *data[:3], strict=True):
        if t_x == age:
            assert log_likelihood == -np.inf
            continue
        first = -(r + x) * np.log(alpha + t_x) - (s + 1) * np.log(beta + t_x)

        def density(u: float, x: float = x, first: float = first) -> float:
            here = -(r + x) * np.log(alpha + u) - (s + 1) * np.log(beta + u)
            return float(np.exp(here - first))

        near = t_x + min(age - t_x, 5 * (alpha + t_x) / (r + x))
        parts = [quad(density, a, b, limit=200)[0] for a, b in ((t_x, near), (near, age))]
        assert log_likelihood == pytest.approx(first + np.log(s * sum(parts)), abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_expected_purchases_are_the_papers_formula(seed: int) -> None:
    """Where the hypergeometric function of the paper does not overflow."""
    chance = np.random.default_rng(seed)
    r, alpha, a, b = np.exp(chance.uniform([-2, 0, -2, -2], [1, 3, 2, 2]))
    x, age, t = float(chance.integers(0, 12)), chance.uniform(5, 60), chance.uniform(1, 60)
    data = histories((x, 0.8 * age * (x > 0), age))
    for first, model in enumerate(("bgnbd", "mbgnbd")):
        stays = b + x + first
        power = ((alpha + age) / (alpha + age + t)) ** (r + x)
        series = hyp2f1(r + x, stays, a + stays - 1, t / (alpha + age + t))
        alive = btyd.MODELS[model].alive((r, alpha, a, b), data)
        printed = alive * (a + stays - 1) / (a - 1) * (1 - power * series)
        ours = btyd.MODELS[model].expected((r, alpha, a, b), data, np.array([t]), np.ones(1))
        assert ours == pytest.approx(printed, rel=1e-8)


@pytest.mark.parametrize("ages", [(0, 500), (27, 39)])
@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd"])
def test_what_is_expected_of_one_is_so_among_many(model: str, ages: tuple[float, float]) -> None:
    """Among many it is by polynomials, here by quadrature over the chance to stop."""
    chance = np.random.default_rng(3)
    x, age = chance.integers(0, 30, 400).astype(float), chance.uniform(*ages, 400)
    times, weights = np.arange(1.0, 41.0), 0.99 ** np.arange(40.0)
    r, alpha, a, b = at = (0.3, 1.5, 1.4, 1.2)
    data = histories(*zip(x, 0.0 * x, age, strict=True))
    together = btyd.MODELS[model].of_living(at, data, times, weights)
    for place in range(0, 400, 50):
        law = beta_distribution(a, b + x[place] + (model == "mbgnbd"))
        shape, reach = r + x[place], times / (alpha + age[place])

        def bought(p: float, law: Any = law, shape: float = shape, reach: Any = reach) -> float:
            return float(weights @ -np.expm1(-shape * np.log1p(reach * p)) / p * law.pdf(p))

        mean = sum(quad(bought, *ends, epsrel=1e-11)[0] for ends in ((0, 0.05), (0.05, 1)))
        assert together[place] == pytest.approx(mean, rel=1e-9)


def test_ages_that_hardly_differ_beside_alpha_have_their_purchases() -> None:
    """Rates that are all but the same, r / alpha: the likelihood's profile may lead there."""
    age = np.linspace(1.0, 60.0, 90)
    data, place = btyd.histories_of(0.0 * age, 0.0 * age, age)
    model, at = btyd.MODELS["mbgnbd"], (1e15, 1e16, 0.5, 1.5)
    expected = model.of_living(at, data, np.array([26.0]), np.ones(1))[place]
    # Of a steady rate, (1 - EXP(-rate * time * p)) / p over the chance p to stop.
    law = beta_distribution(0.5, 2.5)
    mean = quad(lambda p: -np.expm1(-2.6 * p) / p * law.pdf(p), 0, 1)[0]
    assert expected == pytest.approx([mean] * len(age), rel=1e-7)


@pytest.mark.parametrize("a", [0.05, 0.8, 6.0])
@pytest.mark.parametrize("ahead", [0.5, 40.0])
def test_pairs_of_purchases_are_the_sum_over_their_numbers(a: float, ahead: float) -> None:
    """n or more come if the rate allows, and if after none of n - 1 the customer stopped."""
    r, alpha, b, age = 0.7, 5.0, 2.0, 30.0
    n = np.arange(2.0, 2000.0)
    stayed = np.exp(betaln(a, b + n - 1.0) - betaln(a, b))
    as_many = nbinom.sf(n - 1.0, r, (alpha + age) / (alpha + age + ahead))
    model, at = btyd.MODELS["bgnbd"], (r, alpha, a, b)
    pairs = model.pairs_of_living(at, histories((0, 0, age)), ahead)
    assert pairs == pytest.approx((2.0 * (n - 1.0) * stayed * as_many).sum(), rel=1e-9)


def test_at_1_the_papers_formula_has_no_value_and_ours_has() -> None:
    near = [
        btyd.MODELS["bgnbd"].expected((0.5, 5.0, a, 2.0), NEW, np.array([52.0]), np.ones(1))[0]
        for a in (1 - 1e-6, 1.0, 1 + 1e-6)
    ]
    assert near[0] > near[1] > near[2]
    assert near[1] == pytest.approx((near[0] + near[2]) / 2, rel=1e-9)
    pareto = [
        btyd.MODELS["paretonbd"].expected((0.5, 5.0, s, 2.0), NEW, np.array([52.0]), np.ones(1))[0]
        for s in (1 - 1e-6, 1.0, 1 + 1e-6)
    ]
    assert pareto[1] == pytest.approx((pareto[0] + pareto[2]) / 2, rel=1e-9)


@pytest.mark.parametrize("a", [0.01, 0.3, 1, 7, 400])
@pytest.mark.parametrize("b", [0.01, 0.5, 3, 900])
def test_averages_over_a_beta_distribution(a: float, b: float) -> None:
    points, weights = btyd.beta_arrays(a, b)
    assert weights.sum() == pytest.approx(1, rel=1e-9)
    for power in (1, 2, 5):
        moment = beta_distribution(a, b).moment(power)
        assert weights @ points**power == pytest.approx(moment, rel=1e-8)


def test_long_horizons_and_many_purchases_stay_finite() -> None:
    data = histories((900, 300, 365), (900, 365, 365), (0, 0, 0), (0, 0, 3650), (1, 0.1, 3650))
    for model in btyd.MODELS.values():
        for at in ((0.24, 4.4, 0.8, 2.4), (5.0, 0.01, 0.05, 30.0), (0.01, 50.0, 20.0, 0.02)):
            each, gradient = model.likelihood(at, data)
            assert np.isfinite(each).all()
            assert np.isfinite(gradient).all()
            chance = model.alive(at, data)
            assert ((chance >= 0) & (chance <= 1)).all()
            given = model.expected(at, data, np.array([10_000.0]), np.ones(1))
            assert (np.isfinite(given) & (given >= 0)).all()


def test_a_large_sample_gives_its_parameters_back() -> None:
    chance = np.random.default_rng(5)
    size, true = 20_000, (0.8, 6.0, 0.7, 9.0)
    r, alpha, s, beta = true
    rate, stop = chance.gamma(r, 1 / alpha, size), chance.gamma(s, 1 / beta, size)
    age = chance.integers(30, 80, size).astype(float)
    living = np.minimum(chance.exponential(1 / stop), age)
    x = chance.poisson(rate * living).astype(float)
    # The last of x purchases spread evenly over the time lived.
    t_x = np.where(x > 0, living * chance.random(size) ** (1 / np.maximum(x, 1)), 0)
    fit = btyd.fit(btyd.MODELS["paretonbd"], btyd.histories_of(x, t_x, age)[0])
    assert fit.parameters == pytest.approx(true, rel=0.2)


# From cells


def call(name: str, *arguments: Any) -> Any:
    return evaluate(METRICS[name], arguments)


def column(cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


def orders(seed: int) -> tuple[list[Any], list[date], list[float]]:
    """Untidy orders: unsorted, several a day, returns, customers as numbers and as text."""
    chance = random.Random(seed)
    rows = []
    for number in range(150):
        name: Any = chance.choice([number, str(number), f"C{number}", f" C{number} "])
        day, rate = (
            date(2024, 1, 1) + timedelta(chance.randrange(90)),
            1 / chance.gammavariate(1, 0.05),
        )
        price, stop = chance.gammavariate(2, 10), chance.betavariate(0.8, 2.4)
        while day < date(2024, 12, 31):
            for _ in range(chance.choice([1, 1, 2])):
                rows.append((name, day, round(chance.gammavariate(4, price), 2)))
            if chance.random() < 0.2:
                rows.append((name, day + timedelta(chance.randrange(9)), -3.5))
            if chance.random() < stop:
                break
            day += timedelta(1 + int(chance.expovariate(rate)))
    chance.shuffle(rows)
    customers, dates, amounts = zip(*rows, strict=True)
    return list(customers), list(dates), list(amounts)


@pytest.mark.parametrize("seed", range(3))
def test_histories_are_what_counting_gives(seed: int) -> None:
    customers, dates, amounts = orders(seed)
    as_of = date(2024, 12, 1)
    totals: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    bought = set()
    seen = []
    for customer, day, amount in zip(customers, dates, amounts, strict=True):
        if day <= as_of:
            who = str(customer).strip()
            totals[who][day] += amount
            if amount >= 0:
                bought.add((who, day))
            if who not in seen:
                seen.append(who)
    header, *rows = call(
        "CLV_FORECAST", column(customers), column(dates), column(amounts), 10, None, "M", as_of
    )
    assert header[:4] == ["customer", "frequency", "recency", "age"]
    names = [row[0] if isinstance(row[0], str) else f"{row[0]:g}" for row in rows]
    assert names == [who for who in seen if any(who == buyer for buyer, _ in bought)]
    for name, row in zip(names, rows, strict=True):
        days = sorted(day for who, day in bought if who == name)
        assert row[1] == len(days) - 1
        assert row[2] == pytest.approx((days[-1] - days[0]).days / 30.4375)
        assert row[3] == pytest.approx((as_of - days[0]).days / 30.4375)


def test_a_discounted_forecast_adds_up_period_by_period() -> None:
    by = [kpi_xl.clv_forecast(*COLUMNS, t, 0.0, "M", WEEK_39)[1:] for t in range(1, 7)]
    discounted = kpi_xl.clv_forecast(*COLUMNS, 6, 0.05, "M", WEEK_39)[1:]
    for number in range(0, 2357, 97):
        before, value = 0.0, 0.0
        for t, rows in enumerate(by, start=1):
            value += (rows[number][5] - before) * rows[number][6] / 1.05**t
            before = rows[number][5]
        assert discounted[number][7] == pytest.approx(value)
        assert by[-1][number][7] == pytest.approx(by[-1][number][5] * by[-1][number][6])
        assert discounted[number][:7] == pytest.approx(by[-1][number][:7])


@pytest.mark.parametrize("model", PUBLISHED)
def test_another_unit_of_time_is_the_same_model(model: str) -> None:
    weeks = dict(kpi_xl.btyd_fit(*COLUMNS, "W", WEEK_39, model)[1:])
    days = dict(kpi_xl.btyd_fit(*COLUMNS, "D", WEEK_39, model)[1:])
    for name, value in weeks.items():
        if name in ("alpha", "beta"):
            value *= 7
        if name == "log-likelihood":  # a density: per day it is a seventh of that per week
            repeats = sum(row[1] for row in kpi_xl.clv_forecast(*COLUMNS, 1, 0, "W", WEEK_39)[1:])
            value -= repeats * np.log(7)
        assert days[name] == pytest.approx(value, rel=1e-4)
    a_year = kpi_xl.clv_forecast(*COLUMNS, 52, 0, "W", WEEK_39, model)
    in_days = kpi_xl.clv_forecast(*COLUMNS, 364, 0, "D", WEEK_39, model)
    for ours, other in zip(a_year[1::200], in_days[1::200], strict=True):
        assert ours[4:] == pytest.approx(other[4:], rel=1e-3)


def test_seven_times_the_money_is_seven_times_the_value() -> None:
    dear = [7 * amount for amount in COLUMNS[2]]
    before = kpi_xl.clv_forecast(*COLUMNS, 26, 0.001, "W", WEEK_39)
    after = kpi_xl.clv_forecast(*COLUMNS[:2], dear, 26, 0.001, "W", WEEK_39)
    for old, new in zip(before[1::100], after[1::100], strict=True):
        assert new[:6] == pytest.approx(old[:6])
        assert new[6:] == pytest.approx([7 * old[6], 7 * old[7]], rel=1e-5)


def test_amounts_left_out_change_no_purchase_where_there_are_no_returns() -> None:
    with_amounts = kpi_xl.btyd_fit(*COLUMNS, "W", WEEK_39)
    without = kpi_xl.btyd_fit(*COLUMNS[:2], None, "W", WEEK_39)
    assert [row[0] for row in with_amounts[5:8]] == ["p", "q", "v"]
    assert with_amounts[:5] + with_amounts[8:] == without


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(number, 45300 + 9 * number, 10.0) for number in range(40)], "0 customers bought again"),
        ([(n % 9, 45300 + 5 * n, 10.0) for n in range(90)], "9 customers bought again"),
        ([(1, 45300 + 7 * n, 10.0) for n in range(50)], "1 customers bought again"),
        # All alike: everybody buys on the same days.
        ([(n % 30, 45300 + 30 * (n // 30), 10.0) for n in range(120)], "too much alike"),
        ([(n, 45300, -10.0) for n in range(30)], "0 customers bought again"),
    ],
)
def test_orders_that_tell_too_little(rows: list[tuple[Any, ...]], words: str) -> None:
    columns = [column(cells) for cells in zip(*rows, strict=True)]
    for result in (call("BTYD_FIT", *columns), call("CLV_FORECAST", *columns, 12)):
        assert result == "#N/A"
        assert words in result.sentence


@pytest.mark.parametrize("seed", range(3))
def test_customers_who_all_stop_alike_have_no_fit_however_many(seed: int) -> None:
    """The likelihood grows for ever with a and b."""
    chance = np.random.default_rng(seed)
    rows = []
    for _ in range(3000):
        rate, x, last, at = chance.gamma(1.0, 0.2), 0.0, 0.0, 0.0
        while chance.random() > 0.2 and (at := at + chance.exponential(1 / rate)) <= 52:
            x, last = x + 1, at
        rows.append((x, last, 52.0))
    data, _ = btyd.histories_of(*np.array(rows).T)
    try:
        a, b = btyd.fit(btyd.MODELS["mbgnbd"], data).parameters[2:]
    except NotEnoughData:
        return
    assert max(a, b) < 2000  # by chance they may seem to differ a little: then it is a maximum


@pytest.mark.parametrize("model", PUBLISHED)
def test_where_nobody_stops_it_is_the_nbd(model: str) -> None:
    """Fitted by SciPy's negative binomial distribution of each customer's count."""
    chance, size = np.random.default_rng(0), 300
    age = chance.integers(30, 53, size).astype(float)
    x = chance.poisson(chance.gamma(1.2, 1 / 12, size) * age).astype(float)
    t_x = np.where(x > 0, age * chance.random(size) ** (1 / np.maximum(x, 1)), 0.0)
    data, _ = btyd.histories_of(x, t_x, age)
    r, alpha, *stopping = btyd.fit(btyd.MODELS[model], data).parameters
    loss = lambda p: -nbinom.logpmf(x, p[0], p[1] / (p[1] + age)).sum()  # noqa: E731
    found = minimize(loss, [1.0, 10.0], method="Nelder-Mead", options={"xatol": 1e-7}).x
    assert (r, alpha) == pytest.approx(tuple(found), rel=1e-5)
    assert stopping[0] == 0.0
    at = (r, alpha, *stopping)
    assert (btyd.MODELS[model].alive(at, data) == 1.0).all()
    given = btyd.MODELS[model].expected(at, data, np.array([26.0]), np.ones(1))
    assert given == pytest.approx(26 * (r + data.x) / (alpha + data.T))


def test_purchases_and_returns_of_one_day_that_cancel_are_no_spend() -> None:
    customers, dates, amounts = map(list, COLUMNS)
    first = [number for number, who in enumerate(customers) if who == customers[0]]
    amounts[first[1]] = 9.99
    for amount in (12.50, -22.49):
        customers.append(customers[0])
        dates.append(dates[first[1]])
        amounts.append(amount)
    fit = dict(kpi_xl.btyd_fit(customers, dates, amounts, "W", WEEK_39)[1:])
    assert [fit[name] for name in "pqv"] == pytest.approx([6.25, 3.74, 15.44], rel=0.02)


def test_spend_that_has_no_mean() -> None:
    chance = np.random.default_rng(1)
    rows = []
    for customer in range(400):
        # A scale that differs by factors of thousands: q is about 0.6.
        scale, stop = chance.gamma(0.6, 1.0), chance.beta(0.8, 2.4)
        day = 45300 + chance.integers(0, 60)
        for _ in range(1 + chance.poisson(chance.gamma(1.0, 6.0))):
            rows.append((customer, int(day), float(chance.gamma(3.0, 1 / scale))))
            if chance.random() < stop:
                break
            day += 1 + int(chance.exponential(20))
    columns = [column(cells) for cells in zip(*rows, strict=True)]
    result = call("CLV_FORECAST", *columns, 12, None, "W", 45700)[1]
    assert result[6:] == ["#NUM!", "#NUM!"]
    assert "no mean" in result[6].sentence


@pytest.mark.parametrize(
    ("position", "value", "error"),
    [
        (3, 0, "#NUM!"),
        (3, 1.5, "#NUM!"),
        (3, None, "#NUM!"),
        (3, "ten", "#VALUE!"),
        (4, 1, "#NUM!"),
        (4, -0.1, "#NUM!"),
        (5, "H", "#VALUE!"),
        (6, 35000, "#N/A"),
        (7, "pareto", "#VALUE!"),
        (0, [[1]], "#VALUE!"),
    ],
)
def test_arguments_that_a_forecast_cannot_have(position: int, value: Any, error: str) -> None:
    arguments: list[Any] = [*map(column, COLUMNS), 12, 0.0, "W", None, "bgnbd"]
    arguments[position] = value
    assert call("CLV_FORECAST", *arguments) == error


def test_the_error_of_a_fit_is_raised_in_python() -> None:
    with pytest.raises(NotEnoughData, match="3 customers bought again"):
        kpi_xl.btyd_fit([1, 1, 2, 2, 3, 3], [45300, 45310, 45300, 45320, 45300, 45330])


@pytest.mark.parametrize("name", ["BTYD_FIT", "CLV_FORECAST"])
def test_the_definition_warns_of_spend_that_depends_on_frequency(name: str) -> None:
    assert "where frequency and spend correlate" in call("KPI_DEFINE", name)


@pytest.mark.parametrize("rate", [0.9, 0.1, 0.01, 0.001])
def test_the_value_of_a_contract_is_the_papers_formula(rate: float) -> None:
    """Fader & Hardie (2010), equation 6, for a customer who has yet to renew for the first time."""
    survivors = [1000, 869, 743, 653, 593, 551, 517, 491]
    fit = dict(kpi_xl.sbg_fit(survivors)[1:])
    alpha, beta = fit["alpha"], fit["beta"]
    printed = 100 * hyp2f1(1, beta, alpha + beta, 1 / (1 + rate))
    assert call("CLV_SBG", 100, column(survivors), rate) == pytest.approx(printed, rel=1e-9)


def test_the_value_of_a_contract_without_discounting() -> None:
    survivors = column([1000, 869, 743, 653, 593, 551, 517, 491])  # alpha .668
    assert call("CLV_SBG", 100, survivors, 0) == "#NUM!"
    assert call("CLV_SBG", 100, survivors, None) == "#NUM!"
    alike = [1000, 700, 520, 400, 315, 253, 207]
    fit = dict(kpi_xl.sbg_fit(alike)[1:])
    assert fit["alpha"] > 1
    forecast = kpi_xl.sbg_forecast(alike, 100_000)
    added_up = sum(row[1] for row in forecast[1:])
    value = call("CLV_SBG", 1, column(alike), 0)
    # What comes after period n is worth about n * survival(n) / (alpha - 1).
    rest = forecast[-1][1] * 100_000 / (fit["alpha"] - 1)
    assert value == pytest.approx(added_up + rest, rel=1e-4)


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01, 0.001])
def test_the_value_of_a_contract_is_its_forecast_added_up(rate: float) -> None:
    survivors = [1000, 631, 468, 382, 326, 289, 262, 241]
    added_up = sum(
        row[1] * (1 + rate) ** -row[0] for row in kpi_xl.sbg_forecast(survivors, 40_000)[1:]
    )
    assert call("CLV_SBG", 50, column(survivors), rate) == pytest.approx(50 * added_up, rel=1e-9)
