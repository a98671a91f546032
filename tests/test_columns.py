"""Columns as arrays: the same tables as from lists, and keys numbered as a dict numbers them."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from kpi_xl import METRICS, columns
from kpi_xl.cells import evaluate
from kpi_xl.columns import Keys, keys
from kpi_xl.metrics.table_rows import in_14_digits
from kpi_xl.metrics.tallies import numbered

ARRAYS = [metric for metric in METRICS.values() if metric.arrays]
DAY_0 = datetime(1899, 12, 30)

Cells = Callable[[random.Random], Any]
CLEAN: dict[str, list[Cells]] = {
    "KEY": [
        lambda chance: f"C{chance.randrange(40)}",
        lambda chance: float(chance.randrange(40)),
        lambda chance: chance.randrange(40) * 10**9,
        lambda chance: chance.choice(["Ann", 5.0, 5, "Bob"]),
    ],
    "DATE": [
        lambda chance: 45_000.0 + chance.uniform(0, 400),
        lambda chance: 45_000 + chance.randrange(400),
        lambda chance: DAY_0 + timedelta(days=45_000 + chance.uniform(0, 400)),
        lambda chance: chance.choice([1.0, 59.5, 60.0, 61.0, 62.0]),
    ],
    "MONEY": [
        lambda chance: chance.uniform(-1, 9),
        lambda chance: chance.randrange(9),
    ],
}
ODD: dict[str, list[Any]] = {
    "KEY": ["5", " Ann ", "ann@shop.com", True, 1, "", None, -1.0, -2.0, 2.0**53 + 2, "5.50", "-0"],
    "DATE": [
        *("2024-02-29", 0.0, "", None, 0.5, 2_958_466.0, datetime(1900, 2, 1), True, "soon"),
        *(float("nan"), float("inf"), 10**400),
    ],
    "MONEY": ["", None, "7", True, float("inf"), float("nan"), 10**400],
}


def made(argument: Any, count: int, chance: random.Random, dirty: float) -> list[list[Any]]:
    """A column for an argument, some of its cells odd."""
    unit = argument.arg.unit.name if argument.arg.unit.name in CLEAN else "MONEY"
    cell = chance.choice(CLEAN[unit])
    return [
        [chance.choice(ODD[unit]) if chance.random() < dirty else cell(chance)]
        for _ in range(count)
    ]


def table(metric: Any, blocks: list[Any]) -> Any:
    """What the function shows; of an error with its sentence."""
    shown = evaluate(metric, blocks)
    return (str(shown), shown.sentence) if isinstance(shown, str) else shown


SLOW = {"BTYD_FIT", "CLV_FORECAST", "CLV_TOTAL", "BTYD_CHECK", "BTYD_TRACKING"}
"""Their models take long, and their columns are those of RFM."""


@pytest.mark.parametrize("metric", [m for m in ARRAYS if m.name not in SLOW], ids=lambda m: m.name)
@pytest.mark.parametrize("dirty", [0.0, 0.003, 0.1])
def test_arrays_give_what_lists_give(metric: Any, dirty: float) -> None:
    chance = random.Random(f"{metric.name} {dirty}")
    shown = set()
    for trial in range(30):
        count, blank_rows = chance.randrange(1, 90), chance.choice([0, 0, 1, 7])
        blocks: list[Any] = []
        for argument in metric.arguments:
            left_out = not argument.required and (not argument.arg.column or trial % 2)
            column = None if left_out else made(argument, count, chance, dirty)
            if column is not None:
                column += [[chance.choice([None, ""])] for _ in range(blank_rows)]
            blocks.append(column)
        if metric.name == "SURVIVAL_CURVE":
            blocks[1] = [[""] if cell == "" or trial % 3 else [45_500.0] for (cell,) in blocks[0]]
        fast = table(metric, blocks)
        assert fast == table(replace(metric, arrays=False), blocks)
        shown.add(fast[0] if isinstance(fast, tuple) else "table")
    assert "table" in shown or dirty == 0.1
    assert len(shown) > 1 or not dirty


@pytest.mark.parametrize(
    "of",
    [
        lambda n: f"customer.{n}@example.com",
        lambda n: f"C{n}" if n % 2 else float(n),
        lambda n: f"C{n}" if n % 2 else n / 8,
        lambda n: f"C{n}" if n % 2 else 2**53 + n,  # as floats, some would be one
        lambda n: "é" * (n % 7) + "\U0001f600" * (n % 11) + str(n),
        lambda n: "x" * 100 + str(n),
        lambda n: f"C\0{n}",
        lambda n: f"\ud800{n}",
        lambda n: f"C{n}" if n % 3 else None,
        lambda n: f"{n % 9}",
        lambda n: "a" * (n % 64),
    ],
)
def test_many_keys_are_numbered_as_by_a_dict(of: Callable[[int], Any]) -> None:
    chance = random.Random(5)
    cells = [of(chance.randrange(9000)) for _ in range(30_000)]
    found = keys(cells)
    assert found.tolist() == cells
    assert list(map(type, found.names)) == list(map(type, dict.fromkeys(cells)))
    assert found.names == list(dict.fromkeys(cells))


def test_texts_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"C{n % 9000}" for n in range(30_000)]
    monkeypatch.setattr(columns, "MIXERS", np.zeros(2, dtype=np.uint64))
    assert columns.first_texts(texts) is None
    assert keys(texts).names == list(dict.fromkeys(texts))


def test_keys_kept_and_renamed_stay_in_order_of_first_appearance() -> None:
    given = Keys(["a", "b", "c", "B"], np.array([0, 1, 2, 1, 3, 0]))
    kept = given.kept(np.array([False, False, True, True, True, True]))
    assert (kept.names, kept.tolist()) == (["c", "b", "B", "a"], ["c", "b", "B", "a"])
    one = kept.renamed([name.lower() for name in kept.names])
    assert (one.names, one.tolist()) == (["c", "b", "a"], ["c", "b", "b", "a"])


@pytest.mark.parametrize("ids", [[7, 3, 7, 5], [7e9, 3.5, 7e9, 5.0]])
def test_numbers_are_numbered_in_order_of_first_appearance(ids: list[float]) -> None:
    found = numbered(np.array(ids))
    assert (found.names, found.tolist()) == (list(dict.fromkeys(ids)), ids)


def test_numbers_are_rounded_as_they_are_written() -> None:
    chance = np.random.default_rng(3)
    some = [0.0, -0.0, 0.1 + 0.2, 9.99999999999995, 1e13, 1e14, 99999999999999.5, 1e23, 5e-324]
    given = np.concatenate(
        (
            chance.uniform(-500, 500, 3000),
            np.cumsum(np.full(3000, 0.07)),
            10.0 ** chance.uniform(-320, 308, 3000),
            np.array(some),
        )
    )
    assert in_14_digits(given).tolist() == [float(f"{number:.14g}") for number in given.tolist()]
