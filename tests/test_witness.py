"""The native formulas of the demo workbooks, computed anew by a second engine: IronCalc.

It shares no code with the engine that wrote their values. Our own functions it does not know: in a
frozen copy they are values, on which the native formulas stand.
"""

import io
import json
import math
import re
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from demos import demo
from kpi_xl.workbook_templates import TEMPLATES

from kpi_xl import METRICS
from kpi_xl.formula_text import calls
from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.package import Formula, read_package
from kpi_xl.reports.freezing import frozen

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

DAY_0 = datetime(1899, 12, 30)
AGREED = 1e-9
PATIENCE = 300  # seconds; alone on a machine each takes a few

# A process of its own: a fault of the engine ends it, not the tests.
COMPUTE = """
import json, sys
import ironcalc
path, (places, given) = sys.argv[1], json.load(sys.stdin)
model = ironcalc.load_from_xlsx(path, "en", "UTC", "en")
sheets = [sheet["name"] for sheet in model.get_worksheets_properties()]
for s, r, c, typed in given:
    model.set_user_input(sheets.index(s), r, c, typed)
model.evaluate()
print(json.dumps([model.get_cell_value(sheets.index(s), r, c) for s, r, c in places]))
"""


CANNOT = re.compile(r"\bTRIM\(\w+\[")
"""What it is given as values, and why: of TRIM of a column it computes no more than one row."""


FORMULA = re.compile(rb"<(f|definedName)\b[^>]*>[^<]+")


def plain(cell: Any) -> Any:
    """A value as both sides tell it: dates as numbers, no text as no value."""
    if isinstance(cell, datetime):
        return (cell - DAY_0) / timedelta(days=1)
    return None if cell == "" else cell


def agree(one: Any, other: Any) -> bool:
    one, other = plain(one), plain(other)
    if {type(one), type(other)} <= {int, float}:  # no TRUE, which is no 1
        return math.isclose(one, other, rel_tol=AGREED, abs_tol=AGREED)
    return type(one) is type(other) and bool(one == other)


def differences(path: Path) -> dict[str, tuple[Any, Any]]:
    """What the engine computes and what the file holds, by cell, where they do not agree."""
    formulas = read_package(path.read_bytes()).formulas
    assert not any(one.array and one.array != area_of(one) for one in formulas)  # no native spills
    held = openpyxl.load_workbook(path, data_only=True)
    places, given = [], []
    for one in formulas:
        place = one.sheet, one.row, one.column
        if CANNOT.search(one.text):
            value = plain(held[one.sheet].cell(one.row, one.column).value)
            given.append((*place, f"'{value}" if isinstance(value, str) else str(value or 0)))
        else:
            places.append(place)
    assert len(given) < len(places) / 3  # the funnel: 170 of 825, half of them of the days before
    run = subprocess.run(
        [sys.executable, "-c", COMPUTE, str(path)],
        input=json.dumps([places, given]), capture_output=True, text=True, check=True,
        timeout=PATIENCE,
    )  # fmt: skip
    found = {}
    for (sheet, row, column), computed in zip(places, json.loads(run.stdout), strict=True):
        cell = held[sheet].cell(row, column)
        if not agree(computed, cell.value):
            found[f"{sheet}!{cell.coordinate}"] = (computed, cell.value)
    return found


def with_shorter_columns(content: bytes) -> bytes:
    """The workbook with ranges and names that end right below its last row where they went further.

    To count the million blank cells below takes the engine a minute and gigabytes.
    """
    last = max(read_package(content).last_rows.values()) + 1

    def shorter(row: re.Match[bytes]) -> bytes:
        return b"$%d" % min(int(row[1]), last)

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name.startswith("xl/worksheets/sheet") or name == "xl/workbook.xml":
                part = FORMULA.sub(lambda found: re.sub(rb"\$(\d+)\b", shorter, found[0]), part)
            new.writestr(name, part)
    return out.getvalue()


def area_of(one: Formula) -> Area:
    return Area(one.sheet, one.row, one.column, one.row, one.column)


# What the engine computes otherwise, and why it is the one that is wrong.
KNOWN: dict[str, dict[str, tuple[Any, Any]]] = {
    # TEXT(22.5,"0"): Excel rounds halves away from 0, as Microsoft's page of TEXT has it; it does
    # not.
    "sales_team": {
        "Model!AR13": (
            "Visits 7% above the target: 24 against 22",
            "Visits 7% above the target: 24 against 23",
        )
    },
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_second_engine_computes_the_same(name: str, tmp_path: Path) -> None:
    full = demo(name).built.content
    path = tmp_path / f"{name}.xlsx"
    copy = frozen(full)[0]
    path.write_bytes(with_shorter_columns(copy))
    native, compared = (
        {(one.sheet, one.row, one.column) for one in read_package(content).formulas
         if not any(calls(one.text, METRICS))}
        for content in (full, copy)
    )  # fmt: skip
    assert len(native) > 500
    assert native <= compared
    assert differences(path) == KNOWN.get(name, {})


def test_what_is_left_out_it_cannot_compute(tmp_path: Path) -> None:
    path = tmp_path / "trim.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Sheet1")
        sheet.write_column("A1", ["a ", " a"])
        sheet.write_formula("B1", '=SUMPRODUCT((TRIM(A1:A2)="a")*1)', value=2)
    assert differences(path).keys() == {"Sheet1!B1"}


def test_a_wrong_value_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "wrong.xlsx"
    wrong = {"B1": 2.000001, "B2": "a", "B3": 0, "B4": "", "B5": 1, "B6": 3}
    right = {"C1": 2, "C2": "A", "C3": "#N/A", "C4": 0, "C5": True, "C6": 0.1 + 0.2}
    formulas = ("=A1*2", '=UPPER("a")', "=NA()", "=A1-1", "=A1=1", "=0.3+SUM(A2:A9)")
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Sheet1")
        sheet.write("A1", 1)
        for place, value in (wrong | right).items():
            sheet.write_formula(place, formulas[int(place[1]) - 1], value=value)
    assert differences(path).keys() == {f"Sheet1!{place}" for place in wrong}
