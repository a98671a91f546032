"""Copies with live formulas: without our functions they follow a change as with them."""

import io
import re
import subprocess
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from demos import few
from hosts import program
from kpi_xl.workbook_templates import TEMPLATES
from openpyxl import load_workbook
from openpyxl.utils.datetime import to_excel

from kpi_xl.cells import Block, Cell
from kpi_xl.engine.embedded import calculate
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import Package, read_package
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import Edit, SheetXml, XmlCell, escaped, with_edits
from kpi_xl.reports.freezing import frozen

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

Place = tuple[str, int, int]

# Settings of each template, and what they are changed to; a row of each table is changed, too.
SETTINGS = {
    "campaigns": {"Margin": 0.9},
    "funnel": {"GrossMargin": 0.2, "OrganicShare": 0.5},
    "retention": {"GrossMargin": 0.2, "DiscountRate": 0.3},
    "sales_team": {"TeamTarget": 123_456.0, "Tolerance": 0.01},
    "scorecard": {"GrossMargin": 0.2, "Lifetime": 2.0, "Tolerance": 0.01},
    "unit_economics": {"MarginChange": 0.5, "CacChange": 0.2, "RetentionChange": -0.1},
}
# At least so many figures move with them, and are right, without our functions.
MOVED = {
    "campaigns": 150,
    "funnel": 30,
    "retention": 40,
    "sales_team": 150,
    "scorecard": 400,
    "unit_economics": 40,
}
FIRST_SERIAL = 30_000.0  # a greater number in a table is a date

# LibreOffice believes what Excel computed, unless it is told to compute all anew.
COMPUTE_ALL = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode"
 oor:op="fuse"><value>0</value></prop></item></oor:items>
"""


def with_cells(content: bytes, values: Mapping[Place, Cell]) -> bytes:
    """A workbook with other constants in some of its cells."""
    book, parts = read_package(content), Parts(content)
    by_sheet: dict[str, list[tuple[int, int, Cell]]] = {}
    for (sheet, row, column), value in values.items():
        by_sheet.setdefault(sheet, []).append((row, column, value))
    for sheet, cells in by_sheet.items():
        xml = SheetXml(parts[book.parts[sheet]])
        edits: list[Edit] = []
        for row, column, value in sorted(cells, key=lambda one: one[:2]):
            cell = next((one for one in xml.row_cells(row) if one.column == column), None)
            assert cell, (sheet, row, column, value)
            edits.append((cell.start, cell.end, constant(cell, value)))
        parts[book.parts[sheet]] = with_edits(xml.xml, edits)
    return parts.archive()


def constant(cell: XmlCell, value: Cell) -> bytes:
    """A cell that holds a constant, or the formula of an empty text."""
    tag = re.sub(rb'\s+t="\w+"', b"", cell.tag).rstrip()
    if value in ("", None):
        return tag + b' t="str"><f>""</f><v></v></c>'
    if isinstance(value, float | int):
        kind, text = ("b" if isinstance(value, bool) else "n"), repr(float(value))
    else:
        kind, text = ("e" if value.startswith("#") else "str"), escaped(value)
    return tag + f' t="{kind}"><v>{text}</v></c>'.encode()


def changes(book: Package, name: str, content: bytes) -> dict[Place, Cell]:
    """The settings, and twice the numbers in the last row of each table of data."""
    found: dict[Place, Cell] = {}
    for setting, value in SETTINGS[name].items():
        sheet, _, address = book.names[None, setting.lower()].rpartition("!")
        place = area(sheet.strip("'"), address.replace("$", ""))
        found[place.sheet, place.top, place.left] = value
    cells = load_workbook(io.BytesIO(content))
    for table in book.tables.values():
        sheet, header, left, row, right = table.area
        for column in range(left, right + 1):
            held = cells[sheet].cell(row, column).value
            key = cells[sheet].cell(header, column).value in ("customer", "order")
            if type(held) in (int, float) and 1 < held < FIRST_SERIAL and not key:
                found[sheet, row, column] = 2.0 * held
    return found


def computed(content: bytes) -> Mapping[Place, Cell | Block]:
    """What the formulas of a workbook come to in the embedded engine."""
    result = calculate(content)
    assert result.refused == {}
    return result.values


def by_cells(values: Mapping[Place, Cell | Block]) -> dict[Place, Cell]:
    """What the formulas of a workbook show, cell by cell."""
    found: dict[Place, Cell] = {}
    for (sheet, row, column), value in values.items():
        for i, cells in enumerate(value if isinstance(value, list) else [[value]]):
            for j, cell in enumerate(cells):
                found[sheet, row + i, column + j] = cell
    return found


class Copies:
    """A template, the copy of it, and both after a change of the inputs."""

    def __init__(self, name: str) -> None:
        built = few(name).built
        content = built.content
        self.copy, self.values, self.live = frozen(content, native=True)
        inputs = changes(read_package(content), name, content)
        self.formulas = {
            (one.sheet, one.row, one.column)
            for one in read_package(self.copy).formulas
            if one.text != '""'  # the value of an empty text
        }
        self.before = by_cells(built.values)
        self.right = by_cells(computed(with_cells(content, inputs)))
        self.changed = with_cells(self.copy, inputs)
        # The values that the copy would have, had it been made after the change.
        renewed = {p: v for p, v in self.right.items() if p not in self.formulas}
        self.renewed = with_cells(self.copy, inputs | renewed)


@pytest.fixture(scope="module")
def copies() -> dict[str, Copies]:
    return {name: Copies(name) for name in TEMPLATES}


@pytest.fixture(scope="module")
def opened(copies: dict[str, Copies], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All copies as LibreOffice without the extension computes them."""
    soffice = program("soffice", "it opens the copies without our functions")
    folder = tmp_path_factory.mktemp("copies")
    (folder / "profile" / "user").mkdir(parents=True)
    (folder / "profile" / "user" / "registrymodifications.xcu").write_text(COMPUTE_ALL)
    for name, one in copies.items():
        (folder / f"{name}-changed.xlsx").write_bytes(one.changed)
        (folder / f"{name}-renewed.xlsx").write_bytes(one.renewed)
    books = sorted(folder.glob("*.xlsx"))
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [soffice, profile, "--headless", "--convert-to", "xlsx"]
    subprocess.run(
        [*command, "--outdir", str(folder / "out"), *map(str, books)],
        check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    return {book.stem: cells_of(folder / "out" / book.name) for book in books}


def cells_of(path: Path) -> dict[Place, Cell]:
    book = load_workbook(path, data_only=True)
    return {
        (sheet.title, cell.row, cell.column): serial(cell.value)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


def serial(value: Any) -> Any:
    """A date as its number."""
    return to_excel(value) if isinstance(value, date | time) else value


def differs(value: Any, right: Cell) -> bool:
    if isinstance(right, float | int) and isinstance(value, float | int):
        return value != pytest.approx(right, rel=1e-9, abs=1e-9)
    return str(value if value is not None else "") != str(right if right is not None else "")


@pytest.mark.parametrize("name", TEMPLATES)
def test_there_is_no_unknown_name(opened: dict[str, Any], name: str) -> None:
    for which in ("changed", "renewed"):
        cells = opened[f"{name}-{which}"]
        assert cells
        assert [place for place, value in cells.items() if "#NAME?" in str(value)] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_follows_a_change(copies: dict[str, Copies], opened: dict[str, Any], name: str) -> None:
    one = copies[name]
    wrong = {
        place: (opened[f"{name}-renewed"].get(place), one.right.get(place))
        for place in one.formulas
        if place in one.right and differs(opened[f"{name}-renewed"].get(place), one.right[place])
    }
    assert wrong == {}
    moved = [
        place
        for place in one.formulas
        if place in one.right
        and differs(one.before[place], one.right[place])
        and not differs(opened[f"{name}-changed"].get(place), one.right[place])
    ]
    assert len(moved) >= MOVED[name]
