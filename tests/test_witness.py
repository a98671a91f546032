"""The native formulas of the demo workbooks, computed anew by a second engine: IronCalc.

It shares no code with the engine that wrote their values. Our own functions it does not know: in a
frozen copy they are values, on which the native formulas stand.
"""

import json
import math
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.parts import build

from kpi_xl.ooxml.package import read_package
from kpi_xl.reports.freezing import frozen

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

DAY_0 = datetime(1899, 12, 30)
AGREED = 1e-9
PATIENCE = 300  # seconds; alone on a machine each takes less than a minute

# A process of its own: a fault of the engine ends it, not the tests.
COMPUTE = """
import json, sys
import ironcalc
path, places = sys.argv[1], json.load(sys.stdin)
model = ironcalc.load_from_xlsx(path, "en", "UTC", "en")
model.evaluate()
sheets = [sheet["name"] for sheet in model.get_worksheets_properties()]
print(json.dumps([model.get_cell_value(sheets.index(s), r, c) for s, r, c in places]))
"""


def plain(cell: Any) -> Any:
    """A value as both sides tell it: dates as numbers, no text as no value."""
    if isinstance(cell, datetime):
        return (cell - DAY_0) / timedelta(days=1)
    return None if cell == "" else cell


def agree(one: Any, other: Any) -> bool:
    one, other = plain(one), plain(other)
    numbers = (int, float)
    if isinstance(one, numbers) and isinstance(other, numbers):
        return math.isclose(one, other, rel_tol=AGREED, abs_tol=AGREED)
    return bool(one == other)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_second_engine_computes_the_same(name: str, tmp_path: Path) -> None:
    record = template(name)
    sample = record.sample()
    copy = frozen(build(record, sample.data, sample.about).content)[0]
    path = tmp_path / f"{name}.xlsx"
    path.write_bytes(copy)
    formulas = read_package(copy).formulas
    places = [(one.sheet, one.row, one.column) for one in formulas]
    run = subprocess.run(
        [sys.executable, "-c", COMPUTE, str(path)],
        input=json.dumps(places), capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    held = openpyxl.load_workbook(path, data_only=True)
    different = []
    for one, computed in zip(formulas, json.loads(run.stdout), strict=True):
        stored = held[one.sheet].cell(one.row, one.column).value
        # Its TEXT(22.5,"0") is "22", where Excel rounds halves up.
        rounds = "TEXT(" in one.text and isinstance(stored, str) and isinstance(computed, str)
        if not agree(computed, stored) and not rounds:
            different.append(f"{one.sheet} {one.row},{one.column}: {computed!r}, not {stored!r}")
    assert len(formulas) > 100
    assert different == []
