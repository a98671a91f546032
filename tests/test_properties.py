"""What holds for every metric, whatever the cells."""

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.errors import EXCEL_ERRORS, CellError
from kpi_xl.registry import Argument, Metric
from kpi_xl.units import DATE, KEY, MONEY, RATE, TEXT, VALUE

ALL = sorted(METRICS.values(), key=lambda metric: metric.name)
SCALAR = [m for m in ALL if not any(a.arg.column for a in m.arguments) and m.family != "help"]

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 50),
    st.integers(),
    st.floats(0, 1),
    st.floats(),
    st.sampled_from(["", " ", "a", "CAC", "M", "median", "2024-02-29", "12%", "é", "=1+1"]),
    st.sampled_from(sorted(EXCEL_ERRORS)),
    st.text(max_size=5),
    st.decimals(allow_nan=True),
    st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1)),
    st.just({"type": "Entity"}),
)
BLOCKS = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=5)
)


def is_value(cell: Any) -> bool:
    """Whether a cell can show it: a finite number, text, TRUE or FALSE, an Excel error."""
    if isinstance(cell, CellError):
        return cell in EXCEL_ERRORS and bool(cell.sentence)
    if isinstance(cell, str | bool):
        return True
    return type(cell) is float and math.isfinite(cell)


@settings(max_examples=1500)
@given(st.data())
def test_any_cells_give_a_value_or_an_excel_error(data: st.DataObject) -> None:
    metric = data.draw(st.sampled_from(ALL))
    count = data.draw(st.integers(0, len(metric.arguments) + 1))
    arguments = [data.draw(st.one_of(CELLS, BLOCKS)) for _ in range(count)]
    result = evaluate(metric, arguments)
    rows = result if isinstance(result, list) else [[result]]
    assert len({len(row) for row in rows}) == 1
    assert all(is_value(cell) for row in rows for cell in row)


def number(argument: Argument) -> st.SearchStrategy[Any]:
    """Numbers that the argument admits, of a size that marketers have."""
    if argument.arg.words:
        return st.sampled_from(argument.arg.words)
    if argument.arg.unit is TEXT:
        return st.text(max_size=5)
    if argument.domain.whole:
        return st.integers(int(argument.domain.low), int(argument.domain.high)).map(float)
    low, high = max(argument.low, -1e6), min(argument.high, 1e6)
    if argument.arg.denominator:
        low = max(low, 1e-3)
    return st.floats(low, high, allow_nan=False)


def given_arguments(data: st.DataObject, metric: Metric) -> list[Any]:
    return [
        data.draw(number(argument), label=argument.name)
        for argument in metric.arguments
        if argument.required or argument.default is not None
    ]


@settings(max_examples=600)
@given(st.data())
def test_lifting_is_the_scalar_answer_cell_by_cell(data: st.DataObject) -> None:
    metric = data.draw(st.sampled_from(SCALAR))
    rows = data.draw(st.integers(1, 5))
    columns = [
        [data.draw(st.one_of(number(argument), CELLS)) for _ in range(rows)]
        for argument in metric.arguments[: metric.required]
    ]
    lifted = evaluate(metric, [[[cell] for cell in column] for column in columns])
    for row in range(rows):
        alone = evaluate(metric, [column[row] for column in columns])
        together = lifted[row] if rows > 1 else lifted
        if rows == 1:
            assert repr(together) == repr(alone)
        elif isinstance(alone, list):
            assert together == alone[0]
        else:
            assert [repr(cell) for cell in together] == [repr(alone)] * len(together)


@settings(max_examples=600)
@given(st.data())
def test_money_in_another_currency_changes_money_alone(data: st.DataObject) -> None:
    """Seven times the money in: seven times the money out, and the same rates."""
    metric = data.draw(st.sampled_from([m for m in SCALAR if m.returns is not TEXT]))
    arguments = given_arguments(data, metric)
    units = [a.arg.unit for a in metric.arguments if a.required or a.default is not None]
    dear = [
        7.0 * cell if unit in (MONEY, VALUE) else cell
        for cell, unit in zip(arguments, units, strict=True)
    ]
    before, after = evaluate(metric, arguments), evaluate(metric, dear)
    factor = 7.0 if metric.returns in (MONEY, VALUE) else 1.0
    if isinstance(before, CellError):
        assert after == before
    else:
        flat = before[0] if isinstance(before, list) else [before]
        scaled = after[0] if isinstance(after, list) else [after]
        # The word of AB_SEQUENTIAL is the same in any currency.
        assert [c for c in scaled if isinstance(c, str)] == [c for c in flat if isinstance(c, str)]
        flat, scaled = ([c for c in row if not isinstance(c, str)] for row in (flat, scaled))
        largest = max((abs(c) for c in arguments if isinstance(c, float)), default=1.0)
        # Differences of nearly equal amounts lose digits: hence an allowance beside the relative.
        slack = 1e-9 * max(1.0, largest) * max(1.0, *(abs(cell) for cell in flat))
        assert scaled == pytest.approx([factor * cell for cell in flat], rel=1e-6, abs=slack)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_a_part_is_at_most_its_whole(metric: Metric) -> None:
    for part, whole in metric.parts:
        arguments = [1.0] * metric.required
        arguments[part], arguments[whole] = 2.0, 1.0
        assert evaluate(metric, arguments) == "#NUM!"
        arguments[whole] = 2.0
        assert evaluate(metric, arguments) != "#NUM!"


@pytest.mark.parametrize("metric", SCALAR, ids=lambda metric: metric.name)
def test_each_denominator_may_be_neither_zero_nor_negative(metric: Metric) -> None:
    for position, argument in enumerate(metric.arguments):
        if argument.arg.denominator:
            arguments = [0.5 if a.arg.unit is RATE else 1.0 for a in metric.arguments]
            arguments = arguments[: max(metric.required, position + 1)]
            arguments[position] = 0.0
            assert evaluate(metric, arguments) == "#DIV/0!"
            arguments[position] = -1.0
            assert evaluate(metric, arguments) == "#NUM!"


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_an_error_cell_passes_through_every_argument(metric: Metric) -> None:
    for position in range(len(metric.arguments)):
        arguments: list[Any] = [None] * max(metric.required, position + 1)
        arguments[position] = "#NULL!"
        assert evaluate(metric, arguments) == "#NULL!"


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_text_is_never_taken_for_a_number(metric: Metric) -> None:
    for position, argument in enumerate(metric.arguments):
        if argument.arg.unit in (KEY, TEXT):
            continue
        text = "31/01/2024" if argument.arg.unit is DATE else "1,200"
        arguments: list[Any] = [None] * max(metric.required, position + 1)
        arguments[position] = text
        assert evaluate(metric, arguments) == "#VALUE!"


def test_numbers_of_every_kind_are_the_same_number() -> None:
    for spend in (3, 3.0, Decimal(3), True + 2):
        assert repr(evaluate(METRICS["CAC"], [spend, 2])) == "1.5"
