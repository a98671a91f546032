"""Whether intervals hold what they promise: customers made by known parameters, fitted, foretold.

`python tests/true_intervals.py` makes 1,000 shops for each model, and prints how many in 100 of the
90 % intervals hold the true parameter, what really came, and the true expectation; a test makes
fewer.
"""

import sys
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

from kpi_xl import btyd, btyd_forecast

CONFIDENCE = 0.9
SIZE, AHEAD = 1000, 26
BUYING = {
    "bgnbd": (0.6, 5.0, 0.8, 2.5),
    "mbgnbd": (0.8, 6.0, 0.9, 2.5),
    "paretonbd": (0.7, 8.0, 0.8, 15.0),
}
SPENDING = (6.0, 4.0, 60.0)


class Shop(NamedTuple):
    """Customers, what they will buy after T, and who will."""

    x: Any
    t_x: Any
    T: Any
    spend: Any
    alive: Any
    later: Any
    spent: Any


def shop(seed: int, model: str, size: int = SIZE) -> Shop:
    """Customers who buy, stop and spend as the models have it."""
    chance = np.random.default_rng(seed)
    age = chance.integers(27, 53, size).astype(float)
    r, alpha, *stopping = BUYING[model]
    rate, until = chance.gamma(r, 1 / alpha, size), age + AHEAD
    count = chance.poisson(rate * until)
    # A row a customer: that many moments, in order, and none after them.
    moments = chance.random((size, count.max())) * until[:, np.newaxis]
    moments[np.arange(count.max()) >= count[:, np.newaxis]] = np.inf
    moments.sort(axis=1)
    if model == "paretonbd":
        stop = chance.exponential(1 / chance.gamma(stopping[0], 1 / stopping[1], size))
        moments[moments > stop[:, np.newaxis]] = np.inf
        alive = stop > age
    else:
        last = chance.geometric(chance.beta(*stopping, size)) - (model == "mbgnbd")
        moments[np.arange(count.max()) >= last[:, np.newaxis]] = np.inf
        alive = (moments <= age[:, np.newaxis]).sum(axis=1) < last
    known = moments <= age[:, np.newaxis]
    x, later = known.sum(axis=1), (np.isfinite(moments) & ~known).sum(axis=1)
    t_x = np.where(known, moments, 0.0).max(axis=1)
    p, q, v = SPENDING
    scale = chance.gamma(q, 1 / v, size)
    spend, spent = (chance.gamma(p * np.maximum(n, 1)) / scale * (n > 0) for n in (x, later))
    return Shop(x.astype(float), t_x, age, spend / np.maximum(x, 1), alive, later, spent)


def held(seed: int, model: str) -> dict[str, bool]:
    """Which of the intervals of one shop hold what they are of."""
    made, chosen = shop(seed, model), btyd.MODELS[model]
    data, place = btyd.histories_of(*made[:3])
    fit = btyd.fit(chosen, data)
    spend_fit = btyd.spend_fit(made.x, made.spend)
    paid = btyd_forecast.of_customers(made.x, made.spend)
    spend = btyd_forecast.modelled_spend(spend_fit, paid.by(data, place))
    found = {}
    for names, true, of in (
        (chosen.parameters, BUYING[model], fit), (("p", "q", "v"), SPENDING, spend_fit)
    ):  # fmt: skip
        intervals = btyd_forecast.parameter_intervals(of, CONFIDENCE)
        for name, value, (low, _, high) in zip(names, true, intervals, strict=True):
            found[name] = low <= value <= high
    sums = btyd_forecast.sums(chosen, fit, data, AHEAD, 0.0, spend, CONFIDENCE)
    came = made.alive.sum(), made.later.sum(), made.spent.sum()
    for name, bounds, value in zip(sums._fields, sums, came, strict=True):
        found[f"all: {name}"] = bounds.low <= value <= bounds.high
    # One customer, another in each shop: what is to be expected of them, at the true parameters.
    first = [column[:1] for column in made[:4]]
    one, nobody_else = btyd.histories_of(*first[:3])
    paid = btyd_forecast.of_customers(first[0], first[3])
    spend = btyd_forecast.modelled_spend(spend_fit, paid)
    bounds = btyd_forecast.worth_bounds(
        chosen, fit, one, nobody_else, AHEAD, 0.0, spend, CONFIDENCE
    )
    ahead = btyd_forecast.ExpectedPurchases.of(chosen, BUYING[model], one, AHEAD, 0.0).expected
    worth = ahead * btyd.expected_spend(SPENDING, first[0], first[3], np.ones(len(first[0])))
    found["a customer's CLV"] = bool(bounds[0][0] <= worth[0] <= bounds[1][0])
    return found


def coverage(model: str, seeds: range) -> dict[str, float]:
    """The share of shops in which each interval holds."""
    counts: dict[str, int] = defaultdict(int)
    for seed in seeds:
        for name, holds in held(seed, model).items():
            counts[name] += holds
    return {name: count / len(seeds) for name, count in counts.items()}


if __name__ == "__main__":
    shops = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for model in btyd.MODELS:
        found = coverage(model, range(shops))
        print(
            model, *(f"{name} {share:.1%}" for name, share in found.items()), sep="\n  ", flush=True
        )
