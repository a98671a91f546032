"""Small workbooks for the tests, as XlsxWriter writes them, and changes in their parts."""

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from types import ModuleType
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from kpi_xl.workbook_templates import comparison
from kpi_xl.workbook_templates.records import Setting
from kpi_xl.workbook_templates.writing import Built

from kpi_xl.cells import Cell
from kpi_xl.errors import CellError
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.package import read_package
from kpi_xl.ooxml.sheet import SheetXml, escaped, new_cells, with_edits, with_value
from kpi_xl.serials import serial

Place = tuple[str, int, int]

SHEET = "xl/worksheets/sheet1.xml"


def written(fill: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    fill(book)
    book.close()
    return content.getvalue()


def sheet_of(cells: dict[str, Any]) -> bytes:
    """A workbook of one sheet, Sheet1, holding values and formulas."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        for cell, value in cells.items():
            if isinstance(value, str) and value.startswith("{="):
                cells_there = cell if ":" in cell else f"{cell}:{cell}"
                sheet.write_dynamic_array_formula(cells_there, value[1:])
            else:
                sheet.write(cell, value)

    return written(fill)


def loaded_today(content: bytes, values: Mapping[Place, Any]) -> dict[Place, Any]:
    """The values of a workbook as they are once its data were loaded today."""
    names = read_package(content).names
    sheet, _, cell = names.get((None, "loadedday"), "").rpartition("!")
    if not cell:
        return dict(values)
    place = area(sheet.strip("'"), cell.replace("$", ""))
    return {**values, (place.sheet, place.top, place.left): serial(date.today())}


def edited(content: bytes, part: str, old: str, new: str) -> bytes:
    """A workbook with a change in one of its parts, as another program would write it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old_zip, zipfile.ZipFile(out, "w") as new_zip:
        for name in old_zip.namelist():
            data = old_zip.read(name)
            if name == part:
                assert old.encode() in data
                data = data.replace(old.encode(), new.encode())
            new_zip.writestr(name, data)
    return out.getvalue()


def rows_of(content: bytes, sheet: str) -> list[list[Any]]:
    """The values of a sheet's cells, row by row; no other sheet is read."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    return [list(row) for row in book[sheet].iter_rows(values_only=True)]


def sheet(built: Built, name: str) -> list[list[Any]]:
    """The same of a workbook that was built."""
    return rows_of(built.content, name)


def value_of(content: bytes, name: str) -> Any:
    """The value that the file has in the cell of a name."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    ((sheet, address),) = book.defined_names[name].destinations
    return book[sheet][address.replace("$", "")].value


def part(content: bytes, name: str = SHEET) -> str:
    """The text of a part, by default of the first sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return package.read(name).decode()


def hand_made(rows: str) -> bytes:
    """A workbook whose sheet, Sheet1, has just these rows, written as they are given.

    They may hold its one shared text, t="s" with 0.
    """
    one = '<row r="1" spans="1:1"><c r="A1" t="s"><v>0</v></c></row>'
    return edited(sheet_of({"A1": "text"}), SHEET, one, rows)


def set_to(monkeypatch: pytest.MonkeyPatch, template: ModuleType, given: dict[str, Any]) -> None:
    """Build a template with other settings, as if a user had changed the yellow cells."""
    left = set(given)
    for module in (template, comparison):
        for name, records in list(vars(module).items()):
            if isinstance(records, tuple) and records and isinstance(records[0], Setting):
                changed = [one._replace(value=given.get(one.name, one.value)) for one in records]
                monkeypatch.setattr(module, name, tuple(changed))
                left -= {one.name for one in records}
    assert not left


KINDS = {float: "n", type(None): "n", bool: "b", CellError: "e"}
"""Of the cells that somebody types, by the types of Python's."""


def typed_into(content: bytes, cells: Mapping[Place, Cell]) -> bytes:
    """A workbook in which somebody has typed into some cells; its tables do not grow.

    None empties a cell that has something.
    """
    book = read_package(content)
    members = {}
    for title in {sheet for sheet, _, _ in cells}:
        part = book.parts[title]
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            sheet = SheetXml(package.read(part))
        edits, new = [], {}
        for (where, row, column), value in sorted(cells.items()):
            if where != title:
                continue
            kind = KINDS.get(type(value), "str")
            text = str(int(value)) if kind == "b" else str(value)
            there = next((c for c in sheet.row_cells(row) if c.column == column), None)
            data = None if value is None else escaped(text).encode()
            if there is None:
                new.setdefault(row, {})[column] = kind, data
            else:
                edits.append((there.start, there.end, with_value(there, kind, data)))
        members[part] = with_edits(sheet.xml, [*edits, *new_cells(sheet, new)])
    return with_members(content, members)
