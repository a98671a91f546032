"""Attribution: by hand for the models of one path, against published steps for the chain."""

import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

import kpi_xl
from kpi_xl import METRICS
from kpi_xl.cells import evaluate

MODELS = ("first", "last", "linear", "position", "time_decay", "markov", "shapley")


def credit(paths: list[str], conversions: list[float], model: str, **more: Any) -> dict[str, float]:
    table = kpi_xl.attribution(paths, conversions, model, **more)
    return {row[0]: row[1] for row in table[1:]}


def test_the_models_on_one_path() -> None:
    path = ["a > b > b > c"]
    assert credit(path, [8], "first") == {"a": 8, "b": 0, "c": 0}
    assert credit(path, [8], "last") == {"c": 8, "a": 0, "b": 0}
    assert credit(path, [8], "linear") == {"b": 4, "a": 2, "c": 2}
    assert credit(path, [10], "position") == pytest.approx({"a": 4, "c": 4, "b": 2})
    assert credit(path, [15], "time_decay") == pytest.approx({"c": 8, "b": 4 + 2, "a": 1})
    assert credit(path, [9], "shapley") == pytest.approx({"a": 3, "b": 3, "c": 3})


def test_short_paths() -> None:
    for model in MODELS:
        assert credit(["a"], [5], model) == {"a": 5}
    assert credit(["a > b"], [4], "position") == {"a": 2, "b": 2}
    assert credit(["a > b > c"], [10], "position") == pytest.approx({"a": 4, "b": 2, "c": 4})


def test_the_chain_of_an_article() -> None:
    """Puzyrov (2019), Markov Chain Attribution: Simple Explanation of Removal Effect.

    serhiipuzyrov.com prints the steps' probabilities: start to google .8, to mailing .2; google to
    a conversion .5, to mailing .25, to failure .25; mailing to a conversion 1.
    """
    paths, conversions, nulls = ["google", "mailing", "google > mailing"], [2, 1, 1], [1, 0, 0]
    all_of_them = 0.8 * (0.5 + 0.25) + 0.2
    without_google, without_mailing = 0.2, 0.8 * 0.5
    google, mailing = 1 - without_google / all_of_them, 1 - without_mailing / all_of_them
    whole = google + mailing
    expected = {"google": 4 * google / whole, "mailing": 4 * mailing / whole}
    assert credit(paths, conversions, "markov", nulls=nulls) == pytest.approx(expected)


def test_the_chain_is_that_of_walking_it() -> None:
    """The removal effects are shares of walks that are lost, found here by walking at random."""
    chance = random.Random(3)
    paths, conversions, nulls = (
        ["a > b", "b > a > c", "c", "a > c > b"],
        [30, 20, 25, 5],
        [40, 9, 80, 60],
    )
    moves: dict[str, Counter[str]] = {}
    for path, converted, lost in zip(paths, conversions, nulls, strict=True):
        touches = ["start", *path.split(" > ")]
        for here, there in pairwise(touches):
            moves.setdefault(here, Counter())[there] += converted + lost
        moves.setdefault(touches[-1], Counter())["sale"] += converted
        moves[touches[-1]]["end"] += lost

    def walk(without: str) -> bool:
        here = "start"
        while here not in ("sale", "end", without):
            here = chance.choices(list(moves[here]), weights=list(moves[here].values()))[0]
        return here == "sale"

    rounds = 30_000
    sold = sum(walk("") for _ in range(rounds))
    effects = {c: 1 - sum(walk(c) for _ in range(rounds)) / sold for c in "abc"}
    total = sum(effects.values())
    expected = {c: 80 * effect / total for c, effect in effects.items()}
    computed = credit(paths, conversions, "markov", nulls=nulls)
    assert computed == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_lost(model: str) -> None:
    chance = random.Random(model)
    paths = [" > ".join(chance.choices("abcde", k=chance.randint(1, 6))) for _ in range(40)]
    conversions = [chance.randint(0, 9) for _ in paths]
    values = [chance.uniform(-5, 100) for _ in paths]
    nulls = [chance.randint(0, 50) for _ in paths]
    table = kpi_xl.attribution(paths, conversions, model, values, nulls)
    assert table[0] == ["channel", "conversions", "value", "share"]
    assert sum(row[1] for row in table[1:]) == pytest.approx(sum(conversions))
    assert sum(row[2] for row in table[1:]) == pytest.approx(sum(values))
    assert sum(row[3] for row in table[1:]) == pytest.approx(1)
    counts = [row[1] for row in table[1:]]
    assert counts == sorted(counts, reverse=True)


def test_odd_paths() -> None:
    def call(*arguments: Any) -> Any:
        return evaluate(METRICS["ATTRIBUTION"], arguments)

    assert call([["a>b "], [" a > b"]], [[1], [1]])[1:] == [["a", 1.0, 0.5], ["b", 1.0, 0.5]]
    assert call([["a"], [None]], [[1], [None]])[1:] == [["a", 1.0, 1.0]]
    assert call([[5], ["5"]], [[1], [1]])[1:] == [["5", 2.0, 1.0]]
    assert call([["a > > b"]], [[1]]) == "#VALUE!"
    assert call([["a >"]], [[1]]) == "#VALUE!"
    assert call([["a"], [None]], [[1], [1]]) == "#VALUE!"
    assert call([["a"]], [[0]]) == "#DIV/0!"
    assert call([["a"]], [[-1]]) == "#NUM!"
    assert call([["a"]], [[1]], "best") == "#VALUE!"
    assert call([["a"]], [[1]], "markov", None, [[-1]]) == "#NUM!"


def test_a_path_that_cannot_be_read_comes_before_conversions_of_none() -> None:
    assert evaluate(METRICS["ATTRIBUTION"], [[["a >"]], [[0]]]) == "#VALUE!"


def test_numbers_that_name_campaigns_are_told_apart() -> None:
    rows = kpi_xl.attribution([1234567, 1234568, "1234567 > x"], [1, 5, 2])
    assert [row[0] for row in rows[1:]] == ["1234568", "1234567", "x"]


@pytest.mark.parametrize("path", ["ads > mail", "ads->mail", "ads -> mail", "ads → mail"])
def test_arrows_part_touches(path: str) -> None:
    shown = evaluate(METRICS["ATTRIBUTION"], ([[path]], [[2.0]]))
    assert shown[1:] == [["ads", 1.0, 0.5], ["mail", 1.0, 0.5]]


def worth(paths: list[str], conversions: list[float], values: list[float], **more: Any) -> Any:
    table = kpi_xl.attribution(paths, conversions, "markov", values, **more)
    return {row[0]: row[2] for row in table[1:]}


def test_the_chain_credits_money_where_the_money_came() -> None:
    """Ten conversions each, of 1,000 and of 20: without either, its own value is lost."""
    assert worth(["a", "b"], [10, 10], [1000, 20]) == pytest.approx({"a": 1000, "b": 20})


def test_the_value_of_a_chain_by_hand() -> None:
    """Two paths of two converts each: a (worth 30), a > b (worth 90), and one null of b.

    From the start to a 4 of 5, to b 1 of 5. From a: conversion 1/2 (15 each), to b 1/2. From b 2 of
    3 convert (45 each). Expected value: 4/5 x (1/2 x 15 + 1/2 x 2/3 x 45) + 1/5 x 2/3 x 45 = 24.
    Without a 1/5 x 2/3 x 45 = 6; without b 4/5 x 1/2 x 15 = 6. So the effects are 3/4 and 3/4.
    Conversions: 4/5 x (1/2 + 1/2 x 2/3) + 1/5 x 2/3 = 4/5; without a 2/15, without b 2/5: effects
    5/6 and 1/2.
    """
    paths, conversions, nulls = ["a", "a > b", "b"], [2, 2, 0], [0, 0, 1]
    assert worth(paths, conversions, [30, 90, 0], nulls=nulls) == pytest.approx({"a": 60, "b": 60})
    counts = credit(paths, conversions, "markov", nulls=nulls)
    assert counts == pytest.approx({"a": 4 * 5 / 8, "b": 4 * 3 / 8})


def test_equal_values_follow_the_conversions() -> None:
    paths, conversions, nulls = ["a > b", "b > a > c", "c"], [30, 20, 25], [40, 9, 80]
    counts = credit(paths, conversions, "markov", nulls=nulls)
    values = worth(paths, conversions, [7 * n for n in conversions], nulls=nulls)
    assert values == pytest.approx({channel: 7 * n for channel, n in counts.items()})


def test_values_of_no_conversion() -> None:
    def call(*arguments: Any) -> Any:
        return evaluate(METRICS["ATTRIBUTION"], arguments)

    assert call([["a"], ["b"]], [[1], [0]], "markov", [[5], [7]]) == "#NUM!"
    assert call([["a"], ["b"]], [[1], [1]], "markov", [[5], [-7]]) == "#NUM!"
    assert call([["a"]], [[2]], "markov", [[0]])[1:] == [["a", 2.0, 0.0, 1.0]]


@pytest.mark.parametrize("model", MODELS)
def test_a_channel_is_one_in_capitals_and_without(model: str) -> None:
    as_written = credit(["Search > mail", " search  > MAIL", "mail"], [4, 6, 2], model)
    in_one_way = credit(["Search > mail", "mail"], [10, 2], model)
    assert list(as_written) == list(in_one_way)
    assert as_written == pytest.approx(in_one_way)


def test_a_chain_of_too_many_channels_is_refused() -> None:
    paths = [[f"campaign {number} > end"] for number in range(20_000)]
    error = evaluate(METRICS["ATTRIBUTION"], [paths, [[1.0]] * len(paths), "markov"])
    assert error == "#NUM!"
    assert "20,001 channels are more than the 4,000" in error.sentence
    assert len(evaluate(METRICS["ATTRIBUTION"], [paths, [[1.0]] * len(paths), "last"])) == 20_002
