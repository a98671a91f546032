"""Buy-till-you-die models beside the package lifetimes, on the customers of CDNOW.

pytest tests/benchmarks/test_btyd_speed.py --benchmark-only --benchmark-group-by=group

The sample has 2,357 customers, the whole of CDNOW 23,570; both until week 39. The 20,000 simulated
ones hardly share a history, as copies of CDNOW would. For CPU time on one thread, set
OPENBLAS_NUM_THREADS=1 and take --benchmark-timer=time.process_time.
"""

import warnings
from datetime import date
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from kpi_xl.workbook_templates import retention

from kpi_xl import METRICS, btyd, frames
from kpi_xl.btyd_forecast import ExpectedPurchases
from kpi_xl.cells import evaluate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its last release is older than the packages that it uses
    import lifetimes
    from lifetimes.datasets import load_cdnow_summary, load_cdnow_summary_data_with_monetary_value

pytestmark = pytest.mark.filterwarnings("ignore")


def sample() -> list[Any]:
    table = load_cdnow_summary()
    return [table[name].to_numpy(float) for name in ("frequency", "recency", "T")]


def whole() -> list[list[list[Any]]]:
    """The cells of all orders: customers, dates, amounts."""
    text = resources.files("lifetimes.datasets").joinpath("CDNOW_master.txt").read_text()
    rows = [line.split() for line in text.splitlines() if line[:1].strip() or line.strip()]
    return [
        [[float(row[0])] for row in rows if row[0].isdigit()],
        [[date.fromisoformat(row[1])] for row in rows if row[0].isdigit()],
        [[float(row[3])] for row in rows if row[0].isdigit()],
    ]


def ours(model: str, histories: list[Any]) -> btyd.BuyingFit:
    return btyd.fit(btyd.MODELS[model], btyd.histories_of(*histories)[0])


def history_of_whole() -> list[Any]:
    cells = [*whole(), 1.0, 0.0, "W", date(1997, 9, 30)]
    rows = evaluate(METRICS["CLV_FORECAST"], cells)[1:]
    return [np.array([row[column] for row in rows]) for column in (1, 2, 3)]


def simulated() -> list[Any]:
    """20,000 customers by the Pareto/NBD fit to CDNOW, seen for 27 to 78 weeks."""
    chance, size = np.random.default_rng(1), 20_000
    rate, stop = chance.gamma(0.55, 1 / 10.6, size), chance.gamma(0.61, 1 / 11.7, size)
    age = chance.integers(27 * 7, 78 * 7, size) / 7
    lived = np.minimum(chance.exponential(1 / stop), age)
    x = chance.poisson(rate * lived).astype(float)
    last = lived * chance.random(size) ** (1 / np.maximum(x, 1))
    return [x, np.where(x > 0, np.minimum(np.ceil(last * 7) / 7, age), 0.0), age]


PEERS = {"bgnbd": lifetimes.BetaGeoFitter, "paretonbd": lifetimes.ParetoNBDFitter}
CUSTOMERS = {"2,357 of CDNOW": sample, "20,000 simulated": simulated}


@pytest.mark.parametrize("customers", CUSTOMERS)
@pytest.mark.parametrize("model", PEERS)
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_fits(benchmark: Any, whose: str, model: str, customers: str) -> None:
    benchmark.group = f"{model}, {customers}"
    given = CUSTOMERS[customers]()
    if whose == "ours":
        benchmark(ours, model, given)
    else:
        benchmark.pedantic(
            lambda: PEERS[model]().fit(*given), rounds=1 if len(given[0]) > 9e3 else 5
        )


@pytest.mark.benchmark(group="Gamma-Gamma, 946 of CDNOW")
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_fits_of_spend(benchmark: Any, whose: str) -> None:
    table = load_cdnow_summary_data_with_monetary_value()
    x, spend = (table[name].to_numpy(float) for name in ("frequency", "monetary_value"))
    if whose == "ours":
        benchmark(btyd.spend_fit, x, spend)
    else:
        benchmark(lambda: lifetimes.GammaGammaFitter().fit(x[x > 0], spend[x > 0]))


def ours_from_orders(cells: list[Any]) -> Any:
    return evaluate(METRICS["CLV_FORECAST"], [*cells, 52.0, 0.001])


def theirs_from_orders(orders: pd.DataFrame) -> Any:
    rows = lifetimes.utils.summary_data_from_transaction_data(orders, "who", "day", "amount")
    rows[["recency", "T"]] /= 7
    counts = rows["frequency"], rows["recency"], rows["T"]
    again = rows[(rows["frequency"] > 0) & (rows["monetary_value"] > 0)]
    spend = lifetimes.GammaGammaFitter().fit(again["frequency"], again["monetary_value"])
    model = lifetimes.BetaGeoFitter().fit(*counts)
    return spend.customer_lifetime_value(
        model, *counts, rows["monetary_value"], time=12, discount_rate=0.004, freq="W"
    )


@pytest.mark.benchmark(group="from orders to CLV, 6,919 orders of CDNOW")
@pytest.mark.parametrize("whose", ["ours, from cells", "ours, Polars", "ours, pandas", "theirs"])
def test_orders_to_values(benchmark: Any, whose: str) -> None:
    cells = [[[cell] for cell in cells] for cells in retention.sample().data["Orders"].values()]
    if whose == "ours, from cells":
        benchmark(ours_from_orders, cells)
        return
    names = ("who", "day", "amount")
    orders = pd.DataFrame({n: [row[0] for row in c] for n, c in zip(names, cells, strict=True)})
    orders["day"] = pd.to_datetime(orders["day"])
    if whose != "theirs":
        frame = pl.from_pandas(orders) if whose == "ours, Polars" else orders
        benchmark(frames.clv_forecast, frame, *names, 52.0, 0.001)
        return
    benchmark.pedantic(theirs_from_orders, (orders,), rounds=5)


@pytest.mark.parametrize("model", btyd.MODELS)
def test_discounting_over_10_000_periods(benchmark: Any, model: str) -> None:
    """400 customers; within a second."""
    x, t_x, age = (column[:400] for column in sample())
    histories, _ = btyd.histories_of(x, t_x, age)
    at = btyd.fit(btyd.MODELS[model], histories, week=1.0).parameters
    benchmark(lambda: ExpectedPurchases.of(btyd.MODELS[model], at, histories, 10_000, 0.001))


@pytest.mark.benchmark(group="ten times the customers")
@pytest.mark.parametrize("model", ["bgnbd", "paretonbd"])
def test_the_whole_of_cdnow(benchmark: Any, model: str) -> None:
    histories = history_of_whole()
    assert len(histories[0]) == 23_570
    benchmark(ours, model, histories)


@pytest.mark.benchmark(group="from cells, the whole of CDNOW")
def test_a_forecast_from_cells(benchmark: Any) -> None:
    cells = [*whole(), 52.0, 0.001, "W", date(1997, 9, 30)]
    result = benchmark.pedantic(evaluate, (METRICS["CLV_FORECAST"], cells), rounds=3)
    assert len(result) == 23_571
