"""Every figure of tests/published, which others have printed, and every function's own example."""

import csv
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from kpi_xl.workbook_templates.retention import sample

from kpi_xl import METRICS
from kpi_xl.engine.embedded import evaluate_formula, evaluator

PUBLISHED = Path(__file__).parent / "published"

FIGURES = [
    pytest.param(line, id=f"{path.stem}-{number}-{line['formula']}")
    for path in sorted(PUBLISHED.glob("*.csv"))
    for number, line in enumerate(
        csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")), start=2
    )
]


@cache
def of_cdnow() -> Callable[[str], Any]:
    """What tells formulas over the orders of CDNOW, in a table Orders."""
    orders = sample().data["Orders"]
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet, length = book.add_worksheet(), len(orders["date"])
        sheet.add_table(0, 0, length, len(orders) - 1, {
            "name": "Orders",
            "columns": [{"header": name} for name in orders],
            "data": list(zip(*orders.values(), strict=True)),
        })  # fmt: skip
    return evaluator(file.getvalue())


@pytest.mark.parametrize("line", FIGURES)
def test_published_figure(line: dict[str, str]) -> None:
    expected = line["expected"]
    formula = line["formula"]
    computed = (of_cdnow() if "Orders[" in formula else evaluate_formula)(formula)
    assert line["source"]
    assert line["locator"]
    if expected in ("TRUE", "FALSE"):
        assert computed is (expected == "TRUE")
    else:
        assert computed == pytest.approx(float(expected), abs=float(line["tolerance"]), rel=0)


def test_three_functions_in_four_have_a_published_figure() -> None:
    formulas = " ".join(param.values[0]["formula"] for param in FIGURES)
    covered = [name for name in METRICS if f"{name}(" in formulas]
    assert len(covered) > 0.75 * len(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_example(name: str) -> None:
    formula, expected = METRICS[name].example
    assert f"{name}(" in formula
    computed = evaluate_formula(formula)
    rows = computed if isinstance(computed, list) else [[computed]]
    wanted = expected if isinstance(expected, list) else [[expected]]
    assert len(rows) == len(wanted)
    for row, line in zip(rows, wanted, strict=True):
        # The examples that are not exact are printed with three or four digits.
        assert row == [
            pytest.approx(cell, abs=5e-4) if type(cell) is float else cell for cell in line
        ]
