"""Buy-till-you-die models beside the package lifetimes, on the customers of CDNOW.

pytest tests/benchmarks/test_btyd_speed.py --benchmark-only --benchmark-group-by=group

The sample has 2,357 customers, the whole of CDNOW 23,570; both until week 39.
"""

import warnings
from datetime import date
from importlib import resources
from typing import Any

import numpy as np
import pytest

from kpi_xl import METRICS, btyd
from kpi_xl.cells import evaluate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its last release is older than the packages that it uses
    import lifetimes
    from lifetimes.datasets import load_cdnow_summary

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


def ours(model: str, histories: list[Any]) -> btyd.Fit:
    return btyd.fit(btyd.MODELS[model], btyd.distinct(*histories)[0])


def history_of_whole() -> list[Any]:
    cells = [*whole(), 1.0, 0.0, "W", date(1997, 9, 30)]
    rows = evaluate(METRICS["CLV_FORECAST"], cells)[1:]
    return [np.array([row[column] for row in rows]) for column in (1, 2, 3)]


@pytest.mark.benchmark(group="BG/NBD, 2,357 customers")
def test_bgnbd(benchmark: Any) -> None:
    assert benchmark(ours, "bgnbd", sample()).log_likelihood > -9582.5


@pytest.mark.benchmark(group="BG/NBD, 2,357 customers")
def test_bgnbd_of_lifetimes(benchmark: Any) -> None:
    benchmark(lambda columns: lifetimes.BetaGeoFitter().fit(*columns), sample())


@pytest.mark.benchmark(group="Pareto/NBD, 2,357 customers")
def test_paretonbd(benchmark: Any) -> None:
    assert benchmark(ours, "paretonbd", sample()).log_likelihood > -9595.0


@pytest.mark.benchmark(group="Pareto/NBD, 2,357 customers")
def test_paretonbd_of_lifetimes(benchmark: Any) -> None:
    fit = lambda columns: lifetimes.ParetoNBDFitter().fit(*columns)  # noqa: E731
    benchmark.pedantic(fit, (sample(),), rounds=3)


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
