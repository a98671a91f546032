"""The two validators over the workbooks of all templates."""

import re
from functools import cache
from pathlib import Path

import pytest
from demos import demo, empty, few, first_rows
from hosts import microsofts_findings, repair_findings
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import Template
from kpi_xl.workbook_templates.writing import Built
from workbooks import edited, part
from xlsxwriter.utility import xl_col_to_name

from kpi_xl.engine.recalc import recalculated
from kpi_xl.locales import LANGUAGES


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of workbooks for the validators.

    Every template is there in every language, every other one filled, with a few dozen rows; so
    every template and every language is there in both states. The English ones of a state are
    there changed by a user and computed anew, too; and one with all rows.
    """
    folder = tmp_path_factory.mktemp("shelf")
    for i, name in enumerate(TEMPLATES):
        for j, language in enumerate(LANGUAGES):
            state = ("filled", "empty")[(i + j) % 2]
            made = small(name, language) if state == "filled" else empty(name, language)
            (folder / f"{name}-{language}-{state}.xlsx").write_bytes(made.content)
        anew, report = recalculated(with_another_number(template(name), small(name, "en").content))
        assert report.changed > 0
        (folder / f"{name}-computed-anew.xlsx").write_bytes(anew)
    (folder / "funnel-all.xlsx").write_bytes(demo("funnel").built.content)
    return folder


@cache
def small(name: str, language: str) -> Built:
    """A workbook of a few dozen rows of the sample."""
    if language == "en":
        return few(name).built
    return build(template(name), first_rows(name), language=language)


def with_another_number(record: Template, content: bytes) -> bytes:
    """A workbook after its user typed another number into the first input table."""
    table = record.inputs[0]
    sheet = [one.title for one in record.sheets].index(table.name) + 2
    words = ("KEY", "TEXT", "DATE", "LOGICAL")
    numbers = [column.unit.name not in words for column in table.columns]
    name, column = f"xl/worksheets/sheet{sheet}.xml", xl_col_to_name(numbers.index(True))
    cells = re.findall(rf'<c r="{column}\d+" s="\d+"><v>[^<]*</v></c>', part(content, name))
    return edited(content, name, cells[-1], re.sub("<v>.*</v>", "<v>7</v>", cells[-1]))


def test_microsofts_validator_finds_nothing(shelf: Path) -> None:
    assert microsofts_findings(sorted(shelf.iterdir())) == {}


def test_excels_repair_rules_find_nothing(shelf: Path) -> None:
    assert repair_findings(sorted(shelf.iterdir())) == {}
