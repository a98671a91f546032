"""Covariates of the models of purchases, on simulated customers.

Seen, but not run here, for the data are not ours to hand on: CLVTools' walkthrough (Pareto/NBD,
2,201 apparel customers, gender) prints r 0.72076, alpha 22.41031, s 0.19470, beta 7.17662, life
0.93426 (error 0.46955), trans 0.55240 (0.09095) and -14947.8395; here they are 0.72061, 22.4055,
0.19475, 7.17617, 0.93284 (0.46939), 0.55232 (0.09094) and -14947.8395.
"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

import kpi_xl
from kpi_xl import METRICS, btyd
from kpi_xl.cells import evaluate
from kpi_xl.covariates import CovariateFit, fit_with

PURCHASES, LEAVING = np.array([0.8, -0.5]), np.array([0.5, 0.0])
PARAMETERS = {"paretonbd": (0.8, 8.0, 0.7, 10.0), "bgnbd": (0.8, 8.0, 0.8, 2.5)}


def moments(model: str, customers: int, seed: int) -> tuple[list[list[float]], Any]:
    """When each customer buys in 52 weeks, and two covariates of each: 1 or 0."""
    draw = np.random.default_rng(seed)
    r, alpha, a, b = PARAMETERS[model]
    known = (draw.random((customers, 2)) < (0.4, 0.5)).astype(float)
    bought = []
    for row in known:
        rate = draw.gamma(r, np.exp(row @ PURCHASES) / alpha)
        gone = np.exp(row @ LEAVING)
        life = np.inf
        if model == "paretonbd":
            life = draw.exponential(1.0 / draw.gamma(a, gone / b))
        stops = draw.beta(a * gone, b * gone)
        times, now = [0.0], draw.exponential(1.0 / rate)
        while now < min(52.0, life):
            times.append(float(now))
            if model == "bgnbd" and draw.random() < stops:
                break
            now += draw.exponential(1.0 / rate)
        bought.append(times)
    return bought, known


def fitted(model: str, customers: int, seed: int) -> tuple[CovariateFit, Any, Any]:
    bought, known = moments(model, customers, seed)
    x = np.array([len(times) - 1.0 for times in bought])
    last = np.array([times[-1] for times in bought])
    history = x, last, np.full(customers, 52.0)
    return fit_with(btyd.MODELS[model], *history, known), history, known


@pytest.mark.parametrize("model", PARAMETERS)
def test_customers_give_their_parameters_back(model: str) -> None:
    found, history, _ = fitted(model, 3000, 1)
    errors = np.sqrt(np.diag(found.covariance))
    truth = [*np.log(PARAMETERS[model]), *PURCHASES, *LEAVING]
    ours = [*np.log(found.parameters), *found.purchases, *found.leaving]
    assert np.abs((np.array(ours) - truth) / errors).max() < 3.0
    assert errors[4:6].max() < 0.1
    plain = btyd.fit(btyd.MODELS[model], btyd.histories_of(*history)[0])
    assert found.log_likelihood > plain.log_likelihood + 100.0


def test_the_unit_and_the_zero_of_a_covariate_do_not_matter() -> None:
    found, history, known = fitted("bgnbd", 800, 2)
    moved = fit_with(btyd.MODELS["bgnbd"], *history, 3.0 + 10.0 * known)
    assert moved.log_likelihood == pytest.approx(found.log_likelihood)
    assert 10.0 * moved.purchases == pytest.approx(found.purchases, abs=1e-4)
    assert 10.0 * moved.leaving == pytest.approx(found.leaving, abs=1e-3)
    # Who has 3 of each now is who had 0 before.
    alpha = moved.parameters[1] * np.exp(-3.0 * moved.purchases.sum())
    assert alpha == pytest.approx(found.parameters[1], rel=1e-3)


def orders(customers: int, seed: int) -> tuple[list[int], list[date], list[list[float]]]:
    """The same as rows of orders, with what each customer's first row says of them."""
    bought, known = moments("bgnbd", customers, seed)
    rows = [
        (number, date(2024, 1, 1) + timedelta(days=round(7 * time)), known[number].tolist())
        for number, times in enumerate(bought)
        for time in times
    ]
    names, days, given = map(list, zip(*rows, strict=True))
    return names, days, given


def test_the_table_of_orders() -> None:
    names, days, given = orders(400, 3)
    header, *rows = evaluate(
        METRICS["BTYD_FIT"],
        [[[float(n)] for n in names], [[day] for day in days], None, "W", date(2024, 12, 30),
         "bgnbd", None, 0.9, given],
    )  # fmt: skip
    assert header == ["parameter", "value", "low", "high"]
    assert [row[0] for row in rows] == [
        "r", "alpha", "a", "b", "purchases 1", "purchases 2", "leaving 1", "leaving 2",
        "log-likelihood", "customers", "repeat customers",
    ]  # fmt: skip
    assert all(row[2] < row[1] < row[3] for row in rows[:8])
    assert rows[4][2] < 0.8 < rows[4][3]
    # Later rows of a customer do not count, in whatever order they come.
    first = {}
    for name, day in zip(names, days, strict=True):
        first.setdefault(name, day)
    later = [row if day == first[name] else [9.0, 9.0]
             for name, day, row in zip(names, days, given, strict=True)]  # fmt: skip
    turned = list(zip(names, days, later, strict=True))[::-1]
    again = kpi_xl.btyd_fit(
        *(list(column) for column in list(zip(*turned, strict=True))[:2]),
        None, "W", date(2024, 12, 30), "bgnbd", "none", 0.9,
        [list(row) for _, _, row in turned],
    )  # fmt: skip
    for ours, theirs in zip(again[1:], rows, strict=True):
        assert ours[1] == pytest.approx(theirs[1], rel=1e-4)


@pytest.mark.parametrize(
    ("columns", "prior", "code", "words"),
    [
        (lambda row: [1.0, row[1]], "none", "#N/A", "covariate 1 is the same for all"),
        (lambda row: [row[0], 2.0 * row[0]], "none", "#N/A", "they go together"),
        (lambda row: row, "weak", "#VALUE!", "there is no prior"),
    ],
)
def test_refused(columns: Any, prior: str, code: str, words: str) -> None:
    names, days, given = orders(200, 4)
    error = evaluate(
        METRICS["BTYD_FIT"],
        [[[float(n)] for n in names], [[day] for day in days], None, "W", None, "bgnbd", prior,
         None, [columns(row) for row in given]],
    )  # fmt: skip
    assert error == code
    assert words in error.sentence


def test_covariates_of_too_many_kinds() -> None:
    _, history, known = fitted("bgnbd", 300, 5)
    with pytest.raises(kpi_xl.OutOfDomain, match="200 is the most"):
        fit_with(btyd.MODELS["bgnbd"], *history, known + np.arange(600).reshape(300, 2))
