"""How the models do for small shops: random customers of CDNOW, fitted to week 39, and the rest.

`python tests/small_shops.py` draws many samples, and prints the share of #N/A and the errors of
forecasts for weeks 40 to 78, with the weak prior and without; a test draws a few.
"""

import sys
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from kpi_xl.workbook_templates.retention import sample

from kpi_xl import btyd
from kpi_xl.errors import NotEnoughData

WEEK_39, AHEAD = date(1997, 9, 30), 39.0


class Shop(NamedTuple):
    """Customers, and what they bought later."""

    x: Any
    t_x: Any
    T: Any
    later: Any


@cache
def cdnow() -> Shop:
    """Purchase days of each customer until week 39, and in the 39 weeks after it."""
    orders = sample().data["Orders"]
    start = min(orders["date"]).toordinal()
    days: dict[Any, set[float]] = {}
    for who, day in zip(orders["customer"], orders["date"], strict=True):
        days.setdefault(who, set()).add((day.toordinal() - start) / 7)
    split = (WEEK_39.toordinal() - start) / 7
    rows = []
    for bought in map(sorted, days.values()):
        known = [day for day in bought if day <= split]
        first, count = known[0], len(known)
        rows.append((count - 1, known[-1] - first, split - first, len(bought) - count))
    return Shop(*np.array(rows, dtype=float).T)


def drawn(size: int, seed: int) -> Shop:
    """Some customers of CDNOW."""
    chosen = np.random.default_rng(seed).choice(len(cdnow().x), size, replace=False)
    return Shop(*(column[chosen] for column in cdnow()))


def forecast(shop: Shop, model: str, week: float | None) -> Any:
    """What each customer will buy in 39 weeks; None where there is no fit."""
    chosen = btyd.MODELS[model]
    histories, place = btyd.histories_of(*shop[:3])
    try:
        best = btyd.fit(chosen, histories, week=week)
    except NotEnoughData:
        return None
    ahead = np.array([AHEAD])
    return chosen.expected(best.parameters, histories, ahead, np.ones(1))[place]


class Trials(NamedTuple):
    """Shares of samples without a fit, and errors where the plain fit exists."""

    plain_missing: float
    weak_missing: float
    plain_total: float
    """Mean distance of all purchases together from what came, per customer."""
    weak_total: float
    plain_each: float
    """Root of the mean square of the distances of each customer's purchases."""
    weak_each: float


def trials(model: str, size: int, seeds: range) -> Trials:
    """The same samples with the weak prior and without."""
    missing, errors = [], []
    for seed in seeds:
        shop = drawn(size, seed)
        plain, weak = forecast(shop, model, None), forecast(shop, model, 1.0)
        missing.append((plain is None, weak is None))
        if plain is not None and weak is not None:
            errors.append(
                [abs((made - shop.later).mean()) for made in (plain, weak)]
                + [np.sqrt(((made - shop.later) ** 2).mean()) for made in (plain, weak)]
            )
    return Trials(*np.mean(missing, axis=0), *np.mean(errors, axis=0))


if __name__ == "__main__":
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    for model in btyd.MODELS:
        for size in (50, 100, 200, 400):
            found = trials(model, size, range(samples))
            print(model, size, *(f"{name} {value:.4f}" for name, value in found._asdict().items()))
