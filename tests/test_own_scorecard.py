"""A company's own KPIs as rows of the scorecard, and the check of their definitions."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from own_cases import MONEY, RATE, toml

from kpi_xl.own_files import VARIABLE

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

WASTE = {
    "formula": "ad_spend / revenue",
    "returns": "RATE",
    "better": "lower",
    "arguments": {"ad_spend": MONEY, "revenue": MONEY},
    "example": ["=WASTE(1,4)", 0.25],
}
KPIS: dict[str, dict[str, Any]] = {
    "WASTE": WASTE,
    "AD_MARGIN": {
        "formula": "revenue * margin - ad_spend",
        "returns": "MONEY",
        "arguments": {"revenue": MONEY, "ad_spend": MONEY, "margin": {**RATE, "default": 0.4}},
        "example": ["=AD_MARGIN(100,10,0.5)", 40],
    },
    "PER_CALL": {  # of what the table of months does not have
        "formula": "revenue / calls",
        "returns": "MONEY",
        "arguments": {"revenue": MONEY, "calls": {"unit": "COUNT"}},
        "example": ["=PER_CALL(10,5)", 2],
    },
}
OTHERWISE = KPIS | {"WASTE": WASTE | {"formula": "ad_spend / revenue / 2",
                                      "example": ["=WASTE(1,4)", 0.125]}}  # fmt: skip

# Two months, a goal, and a scorecard of them: the templates read the definitions once.
BUILD = """
import sys
from datetime import date
from kpi_xl.schema.scorecard import GOALS, MONTHS
from kpi_xl.workbook_templates import template
from kpi_xl.workbook_templates.building import build

months = {column.name: [None, None] for column in MONTHS.columns}
months |= {"month": [date(2024, 1, 1), date(2024, 2, 1)]}
months |= {"revenue": [1000.0, 1000.0], "ad_spend": [300.0, 200.0]}
goals = {column.name: [None, None] for column in GOALS.columns}
goals |= {"kpi": ["WASTE", "AD_MARGIN"], "target": [0.25, 500.0]}
built = build(template("scorecard"), {"Months": months, "Goals": goals})
open(sys.argv[1], "wb").write(built.content)
"""


def run(file: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, VARIABLE: str(file), "XDG_CONFIG_HOME": str(file.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two files of definitions, and a scorecard made with the first."""
    folder = tmp_path_factory.mktemp("scorecard")
    (folder / "here.toml").write_text(toml(KPIS), encoding="utf-8")
    (folder / "there.toml").write_text(toml(OTHERWISE), encoding="utf-8")
    run(folder / "here.toml", "-c", BUILD, str(folder / "book.xlsx"))
    return folder


def row(book: Path, sheet: str, start: str) -> list[Any]:
    """The cells of the first row that begins so."""
    found = openpyxl.load_workbook(io.BytesIO(book.read_bytes()), data_only=True)[sheet]
    return next(list(cells) for cells in found.iter_rows(values_only=True) if start in cells[:3])


def test_they_are_rows_with_figures_and_the_better_direction(made: Path) -> None:
    waste, margin = (row(made / "book.xlsx", "Model", code) for code in ("WASTE", "AD_MARGIN"))
    assert waste[1:3] == [0.2, 0.3]  # 200 / 1000, and 300 / 1000 the month before
    assert margin[1:3] == [400.0, 300.0]  # 60 % of 1000 is margin on the dashboard, less 200, 300
    assert "lower" in waste
    assert "higher" in margin
    with pytest.raises(StopIteration):
        row(made / "book.xlsx", "Model", "PER_CALL")


def test_their_status_follows_the_better_direction(made: Path) -> None:
    """0.2 is below the ceiling of 0.25, and 400 below the 500 that are to be reached."""
    assert row(made / "book.xlsx", "More KPIs", "WASTE")[9] == "✓ on track"
    assert row(made / "book.xlsx", "More KPIs", "AD_MARGIN")[9] == "✗ off track"


def test_another_definition_of_the_same_name_is_told(made: Path) -> None:
    check = "KPIs of your own, defined otherwise here"
    assert row(made / "book.xlsx", "Checks", check)[1] == 0
    other = made / "other.xlsx"
    other.write_bytes((made / "book.xlsx").read_bytes())
    run(made / "here.toml", "-m", "kpi_xl", "recalc", str(other))
    assert row(other, "Checks", check)[1] == 0
    run(made / "there.toml", "-m", "kpi_xl", "recalc", str(other))
    assert row(other, "Checks", check)[1] == 1
