"""The native forms of scalar KPIs equal their kernels, over cells of all kinds, in 3 engines."""

import io
import random
from pathlib import Path
from typing import Any

import ironcalc
import pytest
import xlsxwriter
from hosts import program
from workbooks import sheet_of

from kpi_xl import METRICS, CellError
from kpi_xl.cells import evaluate
from kpi_xl.engine.embedded import calculate
from kpi_xl.native_forms import native_form, with_native_forms
from kpi_xl.ooxml.addresses import column_letters
from kpi_xl.registry import Argument, Metric
from kpi_xl.units import RATE

GOOD, ROWS = 12, 24
ERRORS = {"#DIV/0!": "=1/0", "#N/A": "=NA()"}
SHEET = "Sheet1"

FORMS = [
    metric
    for metric in METRICS.values()
    if native_form(metric, ["A1" for _ in metric.arguments], METRICS)
]

# What has no native form stays a value in the copy: said here, so that a new one is decided on.
WITHOUT = {
    "KPI_DEFINE": "a text of the registry",
    "KPI_CHANGE_TEXT": "words and marks of a language",
    "AB_PROBABILITY": "a sum of as many terms as there are conversions",
    "ALIVE_AT": "a model of purchases: its chances to stay are an integral",
    "PURCHASES_PROBABILITY": "likewise",
    "BTYD_DERT": "likewise",
}


def cells_of(argument: Argument, chance: random.Random) -> list[Any]:
    """Cells of all kinds for an argument."""
    if argument.arg.words:
        words = list(argument.arg.words)
        return [*words * 4, None, "", f" {words[-1].upper()} ", "abc", " ", 1.5, True, *ERRORS]
    low = max(argument.domain.low, -50.0)
    high = min(argument.domain.high, 200.0)
    inside = round(chance.uniform(low, high), 2)
    whole = float(round(inside)) if argument.domain.whole else inside
    odd = [0.0, -3.5, 1.5, None, "", "abc", "12", True, *ERRORS]
    return [whole] * 12 + [low, high] + odd


def good_cell(argument: Argument, chance: random.Random) -> Any:
    """A number, or a word, within an argument's domain."""
    if argument.arg.words:
        return chance.choice(argument.arg.words)
    high = 1.0 if argument.arg.unit is RATE and chance.random() < 0.8 else 200.0
    number = chance.uniform(max(argument.domain.low, -50.0), min(argument.domain.high, high))
    return float(round(number)) if argument.domain.whole else round(number, 3)


def rows_of(metric: Metric) -> list[list[Any]]:
    """Rows of which the function makes a value, and rows of cells of all kinds."""
    chance = random.Random(metric.name)
    good: list[list[Any]] = []
    while len(good) < GOOD:
        row = [good_cell(argument, chance) for argument in metric.arguments]
        if not isinstance(expected(metric, row), CellError):
            good.append(row)
    kinds = [cells_of(argument, chance) for argument in metric.arguments]
    return good + [[chance.choice(kind) for kind in kinds] for _ in range(ROWS)]


@pytest.fixture(scope="module")
def cases() -> list[tuple[Metric, list[Any], int, int]]:
    """Each metric with its cells, the row and the column of its formula."""
    found = []
    row = 0
    for metric in FORMS:
        for cells in rows_of(metric):
            found.append((metric, cells, row, 10))
            row += 1
    return found


@pytest.fixture(scope="module")
def book(cases: list[Any]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        sheet = made.add_worksheet(SHEET)
        for metric, cells, row, column in cases:
            for place, cell in enumerate(cells):
                if isinstance(cell, str) and cell in ERRORS:
                    sheet.write_formula(row, place, ERRORS[cell], None, cell)
                elif cell == "":
                    sheet.write_formula(row, place, '=""', None, "")
                elif isinstance(cell, str):
                    sheet.write_string(row, place, cell)
                elif cell is not None:
                    sheet.write(row, place, cell)
            sheet.write_formula(row, column, "=" + str(written(metric, row)))
    return content.getvalue()


def written(metric: Metric, row: int) -> str | None:
    places = iter(f"{column_letters(n)}{row + 1}" for n in range(1, 20))
    arguments = [next(places) for _ in metric.arguments]
    return native_form(metric, arguments, METRICS)


def expected(metric: Metric, cells: list[Any]) -> Any:
    return evaluate(metric, cells)


def wrong(cases: list[Any], shown: dict[tuple[int, int], Any]) -> list[str]:
    found = []
    for metric, cells, row, column in cases:
        right, value = expected(metric, cells), shown[row, column]
        same = (
            str(right) == str(value)
            if isinstance(right, str)
            else isinstance(value, float | int)
            and value == pytest.approx(right, rel=1e-9, abs=1e-9)
        )
        if not same:
            found.append(f"{metric.name}{cells!r}: {value!r} in place of {right!r}")
    return found


def test_what_has_no_native_form_is_known() -> None:
    scalar = [
        metric.name
        for metric in METRICS.values()
        if metric.result == "value" and not any(a.arg.column for a in metric.arguments)
    ]
    assert set(scalar) - {metric.name for metric in FORMS} == set(WITHOUT)


def test_embedded(cases: list[Any], book: bytes) -> None:
    computed = calculate(book)
    assert not computed.refused
    shown = {(row - 1, column - 1): value for (_, row, column), value in computed.values.items()}
    assert wrong(cases, shown) == []


def test_ironcalc(cases: list[Any], book: bytes, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(book)
    model = ironcalc.load_from_xlsx(str(path), "en", "UTC", "en")
    model.evaluate()
    shown = {}
    for _, _, row, column in cases:
        value = model.get_formatted_cell_value(0, row + 1, column + 1)
        try:
            shown[row, column] = float(model.get_cell_value(0, row + 1, column + 1))
        except (AttributeError, TypeError, ValueError):
            shown[row, column] = value
    assert wrong(cases, shown) == []


def test_libreoffice(cases: list[Any], book: bytes, tmp_path: Path) -> None:
    program("soffice", "LibreOffice computes the native forms")
    from openpyxl import load_workbook

    from kpi_xl.engine.recalc import recalculated
    from kpi_xl.hosts.libreoffice import engine

    content, _ = recalculated(
        book, lambda *_: None, lambda package: engine.compute(package, book, seconds=400.0)
    )
    sheet = load_workbook(io.BytesIO(content), data_only=True)[SHEET]
    shown = {(row, column): sheet.cell(row + 1, column + 1).value for _, _, row, column in cases}
    assert wrong(cases, shown) == []


@pytest.mark.parametrize(
    ("call", "native"),
    [
        # Excel itself has 5.55E-17 for =(0.1+0.2-0.3), and 0 for =0.1+0.2-0.3 and its comparisons.
        (
            "TARGET_PROGRESS(SUM(A1),SUM(B1),SUM(C1))",
            "IF(SUM(A1)=SUM(C1),0,SUM(A1)-SUM(C1))/IF(SUM(B1)=SUM(C1),0,SUM(B1)-SUM(C1))",
        ),
        ("GRR(SUM(A1),SUM(B1),SUM(C1))", "IF(SUM(A1)-SUM(B1)=SUM(C1),0,SUM(A1)-SUM(B1)-SUM(C1))"),
    ],
)
def test_what_cancels_but_for_its_last_digits_is_0(call: str, native: str) -> None:
    assert native in str(with_native_forms(call, METRICS))


def test_a_target_that_is_the_baseline_is_no_way_in_libreoffice_either() -> None:
    program("soffice", "LibreOffice computes the native forms")
    from kpi_xl.engine.recalc import recalculated
    from kpi_xl.hosts.libreoffice import engine

    native = with_native_forms("TARGET_PROGRESS(A1,B1,C1)", METRICS)
    book = sheet_of({"A1": 130, "B1": "=0.1+0.2", "C1": 0.3, "D1": f"={native}"})
    content, _ = recalculated(
        book, lambda *_: None, lambda package: engine.compute(package, book, seconds=400.0)
    )
    from openpyxl import load_workbook

    assert load_workbook(io.BytesIO(content), data_only=True)[SHEET]["D1"].value == "#DIV/0!"


def test_a_condition_that_is_a_comparison_of_products_holds_only_where_it_does() -> None:
    """TRUE and FALSE are both greater than 0: what is compared with 0 has to be a number."""
    native = with_native_forms("CAC(A1*1,B1*2)", METRICS)
    assert calculate(sheet_of({"A1": 100, "B1": 5, "C1": f"={native}"})).values[SHEET, 1, 3] == 10.0
