"""Blocks of cells put into a workbook's file: what is read back, and what is left as it was."""

import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hosts import validated
from hypothesis import example, given, settings
from hypothesis import strategies as st
from workbooks import part, written

from kpi_xl.errors import CellError
from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.blocks import AT_ONCE, CellBlock
from kpi_xl.ooxml.package import filled, read_package

SIGNS = ["=1+1", "+1", "-1", "@x", "'quoted", "_x0041_", "a\tb\x01", " spaced ", "<&>", "", "5"]


def with_table(book: xlsxwriter.Workbook) -> None:
    """A table of a row, a spill of its first row, and cells beside them."""
    sheet = book.add_worksheet("The data")
    columns = [{"header": name} for name in ("who", "amount")]
    sheet.add_table("B4:C5", {"name": "Orders", "columns": columns})
    sheet.write("E6", "beside")
    sheet.write("A6", "before")
    sheet.set_row(5, 30)
    sheet.write_dynamic_array_formula("G4:H4", "=SORT(Orders)", None, "who")
    sheet.write("H4", "amount")


def read(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))["The data"]


def test_cells_of_all_kinds_are_read_back() -> None:
    numbers = [0.1 + 0.2, 45_000, -1e300, 2.5e-9, True, None, 7, 1e15, 3.0, 4, False]
    block = CellBlock(Area("The data", 5, 2, 4 + len(SIGNS), 3), [SIGNS, numbers])
    sheet = read(filled(written(with_table), [block]))
    assert sheet.tables["Orders"].ref == f"B4:C{4 + len(SIGNS)}"
    assert sheet.tables["Orders"].autoFilter.ref == sheet.tables["Orders"].ref
    assert sheet.dimensions == f"A4:H{4 + len(SIGNS)}"
    cells = [[cell.value for cell in row] for row in sheet[f"B5:C{4 + len(SIGNS)}"]]
    kept = {"_x0041_": "_x005F_x0041_", "a\tb\x01": "a\tb_x0001_"}  # openpyxl reads no _xHHHH_
    texts = [kept.get(text, text) for text in SIGNS]
    assert [row[0] for row in cells] == texts
    assert [row[1] for row in cells] == numbers
    assert {sheet.cell(5 + row, 2).data_type for row in range(5)} == {"s"}


def test_errors_are_errors_and_texts_like_them_are_texts() -> None:
    block = CellBlock(
        Area("The data", 5, 2, 6, 3), [[CellError("#N/A", "no data"), "#N/A"], [1.0, None]]
    )
    sheet = read(filled(written(with_table), [block]))
    assert [(sheet[cell].value, sheet[cell].data_type) for cell in ("B5", "B6")] == [
        ("#N/A", "e"), ("#N/A", "s"),
    ]  # fmt: skip


def test_what_is_in_the_rows_already_stays_beside_them() -> None:
    blocks = [
        CellBlock(Area("The data", 5, 7, 7, 8), [["x", "y", "z"], [1.0, 2.0, 3.0]]),
        CellBlock(Area("The data", 5, 2, 6, 3), [["a", "b"], [1.0, 2.0]]),
    ]
    content = filled(written(with_table), blocks)
    sheet = read(content)
    row = [cell.value for cell in sheet[6]]
    assert row == ["before", "b", 2, None, "beside", None, "y", 2]
    assert sheet.row_dimensions[6].height == 30
    assert 'ref="G4:H7"' in part(content)
    (formula,) = read_package(content).formulas
    assert formula.area == Area("The data", 4, 7, 7, 8)


@pytest.mark.parametrize("rows", [1, AT_ONCE - 1, AT_ONCE + 1])
def test_rows_of_any_number(rows: int) -> None:
    block = CellBlock(Area("The data", 5, 2, 4 + rows, 3), [["x"] * rows, list(range(rows))])
    sheet = read(filled(written(with_table), [block]))
    assert [row[0] for row in sheet.iter_rows(5, 4 + rows, 3, 3, values_only=True)] == [
        *range(rows)
    ]
    assert sheet.max_row == max(4 + rows, 6)


LETTERS = st.characters(codec=None) | st.sampled_from("_x0041&<>'\" \t\r\n\x01\ud83d")
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(LETTERS, max_size=12),
)


def decoded(value: Any) -> Any:
    """A cell with the letters that _xHHHH_ stands for, from left to right, as Excel reads it."""
    if not isinstance(value, str):
        return value
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), value)


@settings(max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30))
@example([("_x0041\x01", "\ud83d"), ("_x005F_x0041_", "\r\n"), (-0.0, 5e-324)])
def test_any_cells_are_read_back(rows: list[tuple[Any, Any]]) -> None:
    block = CellBlock(Area("The data", 5, 2, 4 + len(rows), 3), list(zip(*rows, strict=True)))
    sheet = read(filled(written(with_table), [block]))
    shown = sheet.iter_rows(5, 4 + len(rows), 2, 3, values_only=True)
    assert [tuple(map(decoded, row)) for row in shown] == rows
    assert sheet.tables["Orders"].ref == f"B4:C{4 + len(rows)}"


def test_excel_finds_nothing_to_repair(tmp_path: Path) -> None:
    texts = [*SIGNS, "\ud83d", "\ufffe", "x" * 32_767]
    numbers = [None, True, 0.1, -1e300, *range(len(texts) - 4)]
    block = CellBlock(Area("The data", 5, 2, 4 + len(texts), 3), [texts, numbers])
    spill = CellBlock(Area("The data", 5, 7, 6, 8), [["x", "y"], [1.0, 2.0]])
    path = tmp_path / "book.xlsx"
    path.write_bytes(filled(written(with_table), [block, spill]))
    validated(path)
