"""Forecasts one can trust: the prior, what stands where a part fails, intervals, the hold-out.

BTYD: McCarthy & Wadsworth (2014), Buy 'Til You Die: A Walkthrough, in R's BTYD 2.4.3: CDNOW until
week 39, and the 39 weeks after it.
"""

import warnings
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest
import small_shops
import true_intervals
from frame_cells import frames
from kpi_xl.workbook_templates.retention import sample
from scipy.optimize import minimize
from scipy.stats import gamma as gamma_distribution

import kpi_xl
from kpi_xl import METRICS, btyd, btyd_forecast
from kpi_xl.cells import evaluate
from kpi_xl.errors import KpiError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its last release is older than the packages that it uses
    import lifetimes
    from lifetimes.datasets import load_cdnow_summary

ORDERS = sample().data["Orders"]
COLUMNS = ORDERS["customer"], ORDERS["date"], ORDERS["amount"]
WEEK_39 = date(1997, 9, 30)
MODELS = tuple(btyd.MODELS)


def call(name: str, *arguments: Any) -> Any:
    return evaluate(METRICS[name], arguments)


def column(cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


# The hold-out


BY_FREQUENCY = {
    # Actual, and by each model, as printed on pages 11 and 24 of the walkthrough.
    "actual": (0.2367116, 0.6970387, 1.392523, 1.56, 2.532258, 2.947368, 3.862069, 6.359375),
    "paretonbd": (0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403),
    "bgnbd": (0.2250893, 0.5231364, 1.044126, 1.520256, 2.163824, 2.653789, 3.503957, 6.157036),
}


@cache
def check(model: str) -> dict[Any, list[Any]]:
    rows = kpi_xl.btyd_check(*COLUMNS[:2], WEEK_39, None, "W", None, model)
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("model", ["bgnbd", "paretonbd"])
def test_the_hold_out_of_the_walkthrough(model: str) -> None:
    found = check(model)
    by_frequency = [found[f"x={count}" + "+" * (count == 7)] for count in range(8)]
    assert [row[0] for row in by_frequency] == pytest.approx(BY_FREQUENCY["actual"], abs=5e-7)
    # It counts ages from the first of January, and its search ended a little off: see test_btyd.
    assert [row[1] for row in by_frequency] == pytest.approx(BY_FREQUENCY[model], abs=2e-3)


def test_weeks_of_the_hold_out_are_counted_and_add_up() -> None:
    found = check("bgnbd")
    days = {(who, day) for who, day in zip(*COLUMNS[:2], strict=True) if day > WEEK_39}
    total = 0
    for week in range(1, 40):
        came = sum(1 for _, day in days if week == -((WEEK_39 - day).days // 7))
        total += came
        assert found[week][::2] == [came, total]
        assert found[week][3] == pytest.approx(sum(found[w][1] for w in range(1, week + 1)))
    assert 40 not in found
    # Until then 73, 55 ... : no week of those is in it, but its total is: 1,882 by R's BTYD.
    assert total == 1882
    foretold = kpi_xl.clv_forecast(*COLUMNS, 39, 0, "W", WEEK_39)[1:]
    expected = sum(row[5] for row in foretold)
    assert found[39][3] == pytest.approx(expected)
    assert found["bias"] == ["", pytest.approx(expected / 1882 - 1), "", ""]


def test_the_mean_absolute_error_is_per_customer() -> None:
    later = dict.fromkeys(COLUMNS[0], 0)
    for who, _ in {(w, d) for w, d in zip(*COLUMNS[:2], strict=True) if d > WEEK_39}:
        later[who] += 1
    foretold = kpi_xl.clv_forecast(*COLUMNS, 39, 0, "W", WEEK_39)[1:]
    error = np.mean([abs(row[5] - later[row[0]]) for row in foretold])
    assert check("bgnbd")["mean absolute error"][1] == pytest.approx(error)


def test_days_and_months_of_the_hold_out_come_to_the_same() -> None:
    weeks = check("bgnbd")
    for period, last in (("D", 273), ("M", 9)):  # 8.97 months: the last one ends early
        rows = kpi_xl.btyd_check(*COLUMNS[:2], WEEK_39, None, period)
        found = {row[0]: row[1:] for row in rows}
        assert found[last][2:] == pytest.approx(weeks[39][2:], rel=1e-6)
        assert last + 1 not in found


def test_new_customers_and_returns_are_no_part_of_the_hold_out() -> None:
    customers, dates, amounts = map(list, COLUMNS)
    customers += ["new", "new", customers[0]]
    dates += [date(1997, 12, 1), date(1998, 1, 1), date(1997, 12, 24)]
    amounts += [10.0, 10.0, -5.0]
    changed = kpi_xl.btyd_check(customers, dates, WEEK_39, amounts)
    assert changed[1:] == kpi_xl.btyd_check(*COLUMNS[:2], WEEK_39, COLUMNS[2])[1:]


@pytest.mark.parametrize(
    ("split", "error", "words"),
    [
        (date(1998, 6, 30), "#N/A", "nothing came since"),
        (date(1996, 6, 30), "#N/A", "nobody bought up to"),
        (date(1997, 1, 5), "#N/A", "customers bought again"),
        (None, "#NUM!", ""),
    ],
)
def test_days_that_divide_nothing(split: Any, error: str, words: str) -> None:
    result = call("BTYD_CHECK", *map(column, COLUMNS[:2]), split)
    assert result == error
    assert words in result.sentence


def test_nobody_who_comes_back_has_no_bias() -> None:
    kept = [n for n, day in enumerate(COLUMNS[1]) if day <= WEEK_39]
    orders = [[cells[n] for n in kept] for cells in COLUMNS[:2]]
    rows = call("BTYD_CHECK", *map(column, orders), WEEK_39, None, "W", date(1998, 6, 30))
    assert rows[-1][:3] == ["bias", "", "#DIV/0!"]
    assert rows[1][1] == 0


# The prior


@pytest.mark.parametrize("model", MODELS)
def test_the_prior_hardly_moves_the_forecast_of_many(model: str) -> None:
    plain, weak = (small_shops.forecast(small_shops.cdnow(), model, at) for at in (None, 1.0))
    assert weak.sum() == pytest.approx(plain.sum(), rel=0.01)


@pytest.mark.parametrize("model", MODELS)
def test_the_prior_is_the_same_whatever_the_period(model: str) -> None:
    few = [cells[:400] for cells in COLUMNS]
    found = {}
    for period, days in (("D", 1.0), ("W", 7.0), ("M", 30.4375)):
        fit = dict(kpi_xl.btyd_fit(*few[:2], None, period, WEEK_39, model, "weak")[1:])
        found[period] = [fit[name] * (days if name in btyd.TIMES else 1.0)
                         for name in btyd.MODELS[model].parameters]  # fmt: skip
    assert found["D"] == pytest.approx(found["W"], rel=1e-6)
    assert found["M"] == pytest.approx(found["W"], rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_the_prior_alone_has_its_medians(model: str) -> None:
    """Where the data say nothing, the density is greatest at what the help says."""
    chosen = btyd.MODELS[model]
    nothing = lambda at: (0.0, np.zeros(4), np.zeros((4, 4)))  # noqa: E731
    found = dict(
        zip(chosen.parameters, btyd._greatest(nothing, 4, chosen.prior).parameters, strict=True)
    )
    assert found["alpha"] / found["r"] == pytest.approx(12.0)
    assert found["r"] == pytest.approx(1.0)
    if model == "paretonbd":
        assert (found["beta"] / found["s"], found["s"]) == pytest.approx((52.0, 1.0))
    else:
        assert (found["a"] / found["b"], found["a"] * found["b"]) == pytest.approx((1 / 3, 1.0))


@pytest.mark.parametrize(("size", "most"), [(50, 0.15), (100, 0.05)])
def test_small_shops_have_a_forecast(size: int, most: float) -> None:
    """Samples of CDNOW; tests/small_shops.py draws many more, of all models."""
    found = small_shops.trials("mbgnbd", size, range(40))
    assert found.weak_missing < most < found.plain_missing + 0.05
    assert found.weak_total <= found.plain_total


# A part that fails


def test_a_spend_that_cannot_be_fitted_takes_nothing_with_it() -> None:
    orders = [*map(column, (*COLUMNS[:2], [15.0] * len(COLUMNS[0])))]
    plain = dict(call("BTYD_FIT", *orders)[1:])
    assert [plain[name] for name in "pqv"] == ["#N/A"] * 3
    assert "alike" in plain["p"].sentence
    assert plain["r"] == dict(call("BTYD_FIT", *orders[:2])[1:])["r"]
    weak = dict(call("BTYD_FIT", *orders, None, None, None, "weak")[1:])
    assert [weak[name] for name in "pqv"] == [""] * 3
    rows = call("CLV_FORECAST", *orders, 12)[1:]
    bought = kpi_xl.clv_forecast(*COLUMNS, 12)[1:]
    assert [row[:6] for row in rows] == [row[:6] for row in bought]
    assert {row[column] for row in rows for column in (6, 7)} == {"#N/A"}
    rows = call("CLV_FORECAST", *orders, 12, None, None, None, None, "weak")[1:]
    # Some have two orders on a day: a customer's spend is the mean total of their repeat days.
    each = [np.mean(list(days.values())[1:]) for days in totals().values() if len(days) > 1]
    assert {row[6] for row in rows} == {rows[0][6]}
    assert rows[0][6] == pytest.approx(np.mean(each))
    assert [row[7] for row in rows] == pytest.approx([row[6] * row[5] for row in rows])


def totals() -> dict[Any, dict[date, float]]:
    """15 for each order, by customer and day, in order."""
    found: dict[Any, dict[date, float]] = {}
    for who, day in sorted(zip(*COLUMNS[:2], strict=True)):
        days = found.setdefault(who, {})
        days[day] = days.get(day, 0.0) + 15.0
    return found


def test_everything_that_is_missing_is_said_at_once() -> None:
    columns = [[n % 9 for n in range(90)], [45300 + 5 * n for n in range(90)], [-1.0] * 90]
    columns[2][:60] = [0.0] * 60
    result = call("BTYD_FIT", *map(column, columns))
    assert result == "#N/A"
    assert "9 customers bought again; the model" in result.sentence
    assert "0 customers bought again for more than 0" in result.sentence


def test_a_total_without_spend_has_the_purchases() -> None:
    orders = [*map(column, (*COLUMNS[:2], [15.0] * len(COLUMNS[0])))]
    rows = call("CLV_TOTAL", *orders, 12)
    assert [row[0] for row in rows] == ["figure", "still customers", "purchases", "CLV"]
    assert rows[3][1:] == ["#N/A"] * 3
    assert all(low < at < high for _, low, at, high in rows[1:3])


# Intervals


def test_bounds_of_parameters_are_those_of_lifetimes() -> None:
    """Its standard errors, by automatic differentiation, are those of the parameters themselves."""
    summary = load_cdnow_summary()
    given = [summary[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = lifetimes.BetaGeoFitter().fit(*given, tol=1e-8)
    fit = btyd.fit(btyd.MODELS["bgnbd"], btyd.histories_of(*given)[0])
    ours = np.sqrt(np.diag(fit.covariance)) * fit.parameters
    names = list(btyd.MODELS["bgnbd"].parameters)
    assert ours == pytest.approx(theirs.standard_errors_[names].to_numpy(), rel=0.01)


def test_bounds_in_the_table_are_where_the_likelihood_of_lifetimes_has_fallen() -> None:
    """By 1.645^2 / 2, with the other parameters at their best: a profile likelihood."""
    rows = kpi_xl.btyd_fit(*COLUMNS, "W", WEEK_39, "bgnbd", "none", 0.9)
    assert rows[0] == ["parameter", "value", "low", "high"]
    assert [row[2:] for row in rows[-3:]] == [["", ""]] * 3
    summary = load_cdnow_summary()
    given = [summary[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    loss = lifetimes.BetaGeoFitter._negative_log_likelihood
    top = -rows[8][1]
    for number, (_, value, low, high) in enumerate(rows[1:5]):
        assert low < value < high
        for bound in (low, high):
            others = [row[1] for place, row in enumerate(rows[1:5]) if place != number]

            def others_at(x: Any, number: int = number, bound: float = bound) -> float:
                return 2357 * float(
                    loss(np.insert(x, number, np.log(bound)), *given, np.ones(2357), 0.0)
                )

            best = minimize(others_at, np.log(others), method="BFGS", options={"gtol": 1e-3})
            assert best.fun - top == pytest.approx(1.644854**2 / 2, abs=5e-3)


@pytest.mark.parametrize("model", MODELS)
def test_chance_is_that_of_customers_made_by_chance(model: str) -> None:
    """Numbers of purchases of one who is alive, drawn from what the data say of this customer."""
    r, alpha, *stopping = at = true_intervals.BUYING[model]
    x, age, ahead, size = 3.0, 30.0, 40.0, 400_000
    chance = np.random.default_rng(1)
    rate = chance.gamma(r + x, 1 / (alpha + age), size)
    if model == "paretonbd":
        lives = chance.exponential(1 / chance.gamma(stopping[0], 1 / (stopping[1] + age), size))
        bought = chance.poisson(rate * np.minimum(lives, ahead))
    else:
        stop = chance.beta(stopping[0], stopping[1] + x + (model == "mbgnbd"), size)
        bought = np.minimum(chance.poisson(rate * ahead), chance.geometric(stop))
    one = btyd.histories_of(*np.array([[x], [25.0], [age]]))[0]
    once = btyd.MODELS[model].of_living(at, one, np.array([ahead]), np.ones(1))
    pairs = btyd.MODELS[model].pairs_of_living(at, one, ahead)
    assert once == pytest.approx(bought.mean(), rel=0.01)
    assert pairs == pytest.approx((bought * (bought - 1.0)).mean(), rel=0.02)


def test_the_variance_of_spend_is_that_of_spend_made_by_chance() -> None:
    fit = btyd.SpendFit((6.0, 4.0, 60.0), np.zeros((3, 3)), Any)
    paid = btyd_forecast.of_customers(np.array([2.0]), np.array([30.0]))
    spend = btyd_forecast.modelled_spend(fit, paid)
    chance = np.random.default_rng(2)
    scale = chance.gamma(6.0 * 2 + 4.0, 1 / (60.0 + 2 * 30.0), 400_000)
    assert spend.mean == pytest.approx((6.0 / scale).mean(), rel=0.01)
    assert spend.square == pytest.approx(((6.0 / scale) ** 2).mean(), rel=0.01)
    assert spend.within == pytest.approx((6.0 / scale**2).mean(), rel=0.01)


def test_bounds_of_a_sum_are_those_of_a_gamma_distribution() -> None:
    bounds = btyd_forecast.sum_interval(100.0, 400.0, 0.9)
    law = gamma_distribution(25.0, scale=4.0)  # its mean is 100, its variance 400
    assert bounds == pytest.approx((law.ppf(0.05), 100.0, law.ppf(0.95)))


@pytest.mark.parametrize("model", MODELS)
def test_discounting_over_many_periods_is_the_sum_over_each(model: str) -> None:
    data = btyd.histories_of(*small_shops.drawn(10, 3)[:3])[0]
    at, times = true_intervals.BUYING[model], np.arange(1.0, 2001.0)
    weights = 1.002**-times
    weights[:-1] -= weights[1:]
    whole = btyd.MODELS[model].expected(at, data, times, weights)
    few, of_few = btyd.discounted_times(at, 2000, 0.002)
    assert len(few) < 40
    assert btyd.MODELS[model].expected(at, data, few, of_few) == pytest.approx(whole, rel=1e-10)


def test_intervals_hold_what_they_promise() -> None:
    """Of 100 shops; tests/true_intervals.py makes 1,000 of each model."""
    for name, share in true_intervals.coverage("mbgnbd", range(100)).items():
        assert 0.82 <= share <= 0.98, name


def test_totals_are_the_forecasts_added_up() -> None:
    options = 26, 0.001, "W", WEEK_39, "mbgnbd", "weak"
    _, *rows = kpi_xl.clv_forecast(*COLUMNS, *options)
    sums = {row[0]: row[1:] for row in kpi_xl.clv_total(*COLUMNS, *options)}
    for name, place in (("still customers", 4), ("purchases", 5), ("CLV", 7)):
        low, expected, high = sums[name]
        assert expected == pytest.approx(sum(row[place] for row in rows))
        assert low < expected < high


def test_amounts_that_cannot_be_squared_are_refused() -> None:
    huge = [1e300 * amount for amount in COLUMNS[2]]
    rows = call("CLV_TOTAL", *map(column, (*COLUMNS[:2], huge)), 12)
    assert rows[3] == ["CLV", "#NUM!", "#NUM!", "#NUM!"]
    assert "too large" in rows[3][1].sentence
    assert all(low < at < high for _, low, at, high in rows[1:3])


def test_little_that_is_hardly_likely_is_within_its_bounds() -> None:
    """One order with a wrong year: all others are gone for long."""
    days = [date(2204, 1, 1), *COLUMNS[1][1:]]
    rows = kpi_xl.clv_total(COLUMNS[0], days, COLUMNS[2], 26, 0.0, "W", None, "mbgnbd", "weak")
    assert all(low <= at <= high for _, low, at, high in rows[1:])


@pytest.mark.parametrize("horizon", [26, 2000])
def test_a_discount_rate_that_changes_nothing_is_none(horizon: int) -> None:
    given = (*map(column, COLUMNS), horizon)
    without = call("CLV_FORECAST", *given)
    for rate in (1e-300, 1e-17, 3e-16):
        for row, same in zip(call("CLV_FORECAST", *given, rate)[1:50], without[1:50], strict=True):
            assert row[-1] == pytest.approx(same[-1], rel=1e-9)


def test_more_confidence_is_wider_and_more_customers_are_surer() -> None:
    some = [cells[:1500] for cells in COLUMNS]
    options = 26, 0.0, "W", WEEK_39, "mbgnbd", "weak"
    spread = {}
    for orders in (some, COLUMNS):
        for confidence in (0.5, 0.9):
            low, expected, high = kpi_xl.clv_total(*orders, *options, confidence)[2][1:]
            spread[len(orders[0]), confidence] = (high - low) / expected
    assert spread[1500, 0.5] < spread[1500, 0.9]
    assert spread[len(COLUMNS[0]), 0.9] < spread[1500, 0.9]


def test_bounds_of_a_customer_enclose_the_value() -> None:
    rows = kpi_xl.clv_forecast(*COLUMNS, 26, 0.001, "W", WEEK_39, "bgnbd", "none", 0.9)
    assert rows[0][-3:] == ["CLV", "low", "high"]
    assert [row[:8] for row in rows[1:]] == kpi_xl.clv_forecast(*COLUMNS, 26, 0.001, "W", WEEK_39)[
        1:
    ]
    assert all(low < worth < high for *_, worth, low, high in rows[1:])


# Frames


def test_frames_have_the_tables_of_the_cells() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        dict(zip(("who", "day", "amount"), (cells[:3000] for cells in COLUMNS), strict=True))
    )
    frame["day"] = pandas.to_datetime(frame["day"])
    names, given = ("who", "day", "amount"), [cells[:3000] for cells in COLUMNS]
    options = 12, 0.001, "W", WEEK_39, "mbgnbd", "weak", 0.8
    assert frames.clv_total(frame, *names, *options) == [
        [cell if isinstance(cell, str) else pytest.approx(cell) for cell in row]
        for row in kpi_xl.clv_total(*given, *options)
    ]
    # A column is of one kind: 1, 2, 3 ... are texts beside x=0.
    label = lambda cell: cell if isinstance(cell, str) else f"{cell:g}"  # noqa: E731
    assert frames.btyd_check(frame, "who", "day", WEEK_39, "amount", "M", None, "mbgnbd") == [
        [label(first), *(cell if isinstance(cell, str) else pytest.approx(cell) for cell in row)]
        for first, *row in kpi_xl.btyd_check(*given[:2], WEEK_39, given[2], "M", None, "mbgnbd")
    ]
    fit = frames.btyd_fit(frame, *names, "W", WEEK_39, "bgnbd", "weak", 0.9)
    assert [len(row) for row in fit] == [4] * 11
    with pytest.raises(KpiError, match="split_date"):
        frames.btyd_check(frame, "who", "day", None)
