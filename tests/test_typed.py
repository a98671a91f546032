"""What a person types wrongly into an input table: each kind, in each column, is told on Checks.

All wrong cells of a template are typed into one workbook; each check must count just its own.
"""

from collections import Counter
from datetime import date
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from demos import few
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.records import HEADER
from workbooks import Place, typed_into

from kpi_xl.engine.embedded import calculate
from kpi_xl.errors import CellError
from kpi_xl.metrics.tables import names_alike
from kpi_xl.ooxml.addresses import area, column_letters
from kpi_xl.ooxml.package import read_package
from kpi_xl.schema import Column, Input
from kpi_xl.serials import serial
from kpi_xl.units import DATE, KEY

WRONG_YEAR = "Days that may be of a wrong year in {}"
WRONG_WEEK = "Weeks years away from all others"
BELOW_0 = "Numbers below 0 in {}"
NO_NAMES = "Errors or spaces in place of names in {}"
ALIKE = "Names written in several ways in {}"
BLANKS = {
    ("funnel", "Spend", "spend"): "Spend without an amount",
    ("funnel", "Spend", "month"): "Spend without a month",
    ("unit_economics", "Spend", "spend"): "Spend without an amount",
    ("unit_economics", "Spend", "month"): "Spend without a month",
    ("unit_economics", "Subscribers", "month"): "Recurring revenue without a month",
}
"""Columns in which a blank cell is told, and as what."""


def wrong_cells(name: str, table: Input, column: Column, last: Any) -> list[tuple[Any, str]]:
    """What is typed into cells of a column, each in a row of its own, and what is to be told."""
    wrong: list[tuple[Any, str]] = []
    if (name, table.name, column.name) in BLANKS:
        wrong.append((None, BLANKS[name, table.name, column.name]))
    if column.unit is DATE:
        label = WRONG_WEEK if column.weekly else WRONG_YEAR
        wrong.append((serial(date(2567, 3, 1)), label))
    if column.at_least_0:
        wrong.append((-5.0, BELOW_0))
    if column.unit is KEY:
        wrong += [(" ", NO_NAMES), (True, NO_NAMES)]
        if not column.alike:  # where an error hides what else there is
            wrong.append((CellError("#N/A", ""), NO_NAMES))
    if column.alike and last not in (None, ""):
        again = f"{last:.15g}." if isinstance(last, float | int) else f"{last}."
        wrong.append((again, ALIKE))
    return [(cell, label.format(table.name)) for cell, label in wrong]


def told(content: bytes, values: Any) -> dict[str, tuple[Any, Any]]:
    """How many cells each check has found, and where it says the first is."""
    sheet, _, address = read_package(content).names[None, "problemrows"].rpartition("!")
    place = area(sheet.strip("'"), address.replace("$", ""))
    book = openpyxl.load_workbook(BytesIO(content), read_only=True)
    rows = book[place.sheet].iter_rows(place.top, place.bottom, 1, 1, values_only=True)
    return {
        str(label): tuple(values.get((place.sheet, row, column)) for column in (2, 3))
        for row, (label,) in enumerate(rows, start=place.top)
    }  # type: ignore[misc]


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_typed_wrongly_is_told(name: str) -> None:
    built = few(name).built
    before, expected = told(built.content, built.values), Counter[str]()
    data = read_package(built.content)
    book = openpyxl.load_workbook(BytesIO(built.content), read_only=True)
    cells: dict[Place, Any] = {}
    for table in template(name).inputs:
        rows = data.tables[table.name.lower()].area
        held = list(book[table.name].iter_rows(rows.top + 1, rows.bottom, values_only=True))
        filled = [row for row in held if any(cell not in (None, "") for cell in row)]
        row = 0
        for place, column in enumerate(table.columns, start=1):
            last = next((one[place - 1] for one in filled[::-1] if one[place - 1]), None)
            for cell, label in wrong_cells(name, table, column, last):
                cells[table.name, HEADER + 2 + row, place] = cell
                expected[label] += 1
                row = (row + 1) % (len(filled) - 2)
    after = told(built.content, calculate(typed_into(built.content, cells)).values)
    found = {label: (after[label][0] or 0) - (before[label][0] or 0) for label in expected}
    assert found == dict(expected)
    assert all(after[label][1] for label in expected if label not in BLANKS.values())


def test_true_among_numbers_is_told_by_its_column() -> None:
    """No other cell is said to be the text: the first of the table is a number."""
    built = few("funnel").built
    table = next(one for one in template("funnel").inputs if one.name == "Spend")
    column = [one.name for one in table.columns].index("spend") + 1
    wrong = typed_into(built.content, {("Spend", HEADER + 5, column): True})
    letter = column_letters(column)
    label = "Texts in place of numbers or dates in Spend"
    assert told(wrong, calculate(wrong).values)[label] == (1.0, f"{letter}:{letter}")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Acme", "acme"), ("Acme Inc", "Acme Inc."), ("Acme Inc", "acme  inc"),
        ("Acme", "\uff21\uff43\uff4d\uff45"), ("می‌خک", "میخک"), ("علی", "علي"),
        ("کتاب", "كتاب"), ("Straße", "STRASSE"), ("007", 7.0), ("۱۲", 12.0),
        ("ann@shop.com", "Ann@Shop.com"),
    ],
)  # fmt: skip
def test_names_that_are_one(name: str, other: Any) -> None:
    assert names_alike([name, "Bob", other, other])[1:] == [[name, other, 2.0]]
    assert names_alike([name, None, name])[1:] == []


@pytest.mark.parametrize(
    ("name", "other"),
    [("Acme", "Acne"), ("C", "C++"), ("0015g00000XyZab", "0015g00000xYzab"), ("A 1", "A1")],
)
def test_names_that_are_two(name: str, other: str) -> None:
    assert names_alike([name, other])[1:] == []


def test_capitals_may_not_count() -> None:
    assert names_alike(["Acme", "ACME", "acme."], False)[1:] == [["Acme", "acme.", 1.0]]
