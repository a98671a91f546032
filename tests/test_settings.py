"""The yellow cells: words that stand for codes, and what is said of one that cannot be."""

import io
import re
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from demos import empty
from kpi_xl.workbook_templates import TEMPLATES, sales_team, unit_economics
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import Setting
from kpi_xl.workbook_templates.setting_cells import code_of, wrong_setting
from workbooks import set_to, sheet_of

from kpi_xl.engine.embedded import calculate
from kpi_xl.units import RATE, TEXT

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

WORDS = {"Week": "Неделя", "Month": "Месяц"}
RUSSIAN: Any = SimpleNamespace(phrase=lambda text: f'"{WORDS[text]}"')
PERIOD = Setting("Period", "", "Month", TEXT, "", ("Week", "Month"), codes=("W", "M"))
HORIZON = next(one for one in unit_economics.SETTINGS if one.name == "Horizon")
MARGIN = Setting("Margin", "", 0.4, RATE, "", most=1.0)


def shown(formula: str, setting: Setting, value: Any) -> Any:
    """What a formula shows where the setting's cell has a value."""
    name, code = code_of(RUSSIAN, setting) if setting.codes else ("", "")
    placed = re.sub(rf"\b{setting.name}\b", "A1", formula.replace(name or " ", "B1"))
    cells = {"A1": value, "B1": re.sub(rf"\b{setting.name}\b", "A1", code), "C1": "=" + placed}
    made = calculate(sheet_of({place: cell for place, cell in cells.items() if cell != ""}))
    return made.values["Sheet1", 1, 3]


@pytest.mark.parametrize(
    ("value", "code"),
    [("Месяц", "M"), ("неделя", "W"), ("W", "W"), ("", "M"), ("Month", "Month")],
)
def test_words_and_codes_are_the_codes(value: str, code: str) -> None:
    assert shown("PeriodCode", PERIOD, value) == code


@pytest.mark.parametrize(
    ("setting", "value", "wrong"),
    [
        (PERIOD, "Неделя", 0), (PERIOD, "m", 0), (PERIOD, "", 0), (PERIOD, "Jahr", 1),
        (PERIOD, 7, 1), (MARGIN, 0.4, 0), (MARGIN, 1, 0), (MARGIN, 40, 1), (MARGIN, -0.1, 1),
        (MARGIN, "", 1), (MARGIN, "40 %", 1), (MARGIN._replace(value=""), "", 0),
        (MARGIN._replace(value=""), 40, 1), (HORIZON, 12.0, 0), (HORIZON, 2.5, 1), (HORIZON, 25, 1),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(setting: Setting, value: Any, wrong: int) -> None:
    assert shown(wrong_setting(RUSSIAN, setting), setting, value) == wrong


def test_the_first_sheet_names_a_margin_of_40(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to(monkeypatch, sales_team, {"CloseTarget": 30})
    built = build(sales_team.TEMPLATE, sales_team.sample().data)
    sheet = openpyxl.load_workbook(io.BytesIO(built.content), data_only=True).worksheets[1]
    told = [str(cell.value) for row in sheet.iter_rows(max_row=4) for cell in row if cell.value]
    assert any(re.search(r"The setting in \w+!C\d+ is empty or impossible", text) for text in told)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_setting_is_checked(name: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(empty(name).content))
    names = book.defined_names
    yellow = {
        one for one in names
        if re.fullmatch(r".*!\$[A-Z]+\$\d+", names[one].attr_text)
        and place(book, names[one].attr_text).fill.fgColor.rgb == "FFFFF6DB"
    }  # fmt: skip
    sheet, cell = names["WrongSetting"].attr_text.rsplit("!", 1)
    row = re.findall(r"\d+", cell)[0]
    found = str(book[sheet.strip("'")][f"B{row}"].value)
    unbounded = {"SalesChannel"}
    assert {
        one for one in yellow - unbounded if not re.search(rf"\b{one}(Code)?\b", found)
    } == set()
    assert yellow


def place(book: openpyxl.Workbook, address: str) -> Any:
    sheet, cell = address.rsplit("!", 1)
    return book[sheet.strip("'")][cell.replace("$", "")]


def test_a_horizon_has_as_many_months_as_the_curves() -> None:
    horizon = next(one for one in unit_economics.SETTINGS if one.name == "Horizon")
    assert horizon.most == unit_economics.AGES
