"""Workbooks that were handed in because something came out wrong, through all that computes.

Each cell is right, by Excel's rules and by hand, or keeps its value with a reason at its place.
"""

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from kpi_xl.engine.recalc import compared, recalculated
from kpi_xl.reports.offline import frozen
from kpi_xl.reports.records import ReportError

HERE = Path(__file__).parent
SHEETS = {"C1": 200, "C2": 3, "C3": 600, "C4": "up", "C5": 3}
BOOKS: dict[str, dict[str, Any]] = {
    "recalc/first_sheet_lower": SHEETS,
    "recalc/first_sheet_upper": SHEETS,
    "recalc/crash_if_blank_condition": {"A1": 2, "A2": 2},
    "recalc/cells_not_literals": {
        "J1": "#DIV/0!", "K10": 0, "K11": 2, "K12": -0.448928, "K13": 1, "K14": 1, "K15": 1200,
        "K16": False, "K17": 0, "K18": "n",
    },
    "recalc/freeze_without_cached_values": {
        "C1": 3, "C2": 2, "C3": 4, "C4": 3, "C5": 6, "C6": "3 x", "C7": "yes", "C8": 6, "C9": 3,
        "C10": "up", "C11": 1.5, "C12": 1 / 3, "C13": 2 / 3, "C14": 9, "C15": 3, "C16": 2 / 3,
        "C17": 5,
    },
    "readers/tbl_header_only": {"E2": 10, "E3": 10, "E4": 10, "E5": None},
}  # fmt: skip
KEPT = {
    "recalc/cells_not_literals": {
        "K11": "S!G2", "K13": "S!D1", "K14": "S!D1", "K15": "S!D2", "K18": "LARGE",
    },
    "readers/tbl_header_only": {"E5": "the table Orders has no rows"},
}  # fmt: skip
"""The cells that are not computed, with a part of the reason."""


def held(content: bytes) -> dict[str, Any]:
    """The values in the first sheet's cells."""
    sheet = openpyxl.load_workbook(io.BytesIO(content), data_only=True).worksheets[0]
    return {cell.coordinate: cell.value for row in sheet for cell in row}


def assert_right(cells: dict[str, Any], before: dict[str, Any], book: str) -> None:
    for cell, right in BOOKS[book].items():
        if cell in KEPT.get(book, {}):
            assert cells[cell] == before[cell]
        else:
            assert cells[cell] == (right if isinstance(right, str) else pytest.approx(right))


@pytest.mark.parametrize("book", BOOKS)
def test_each_cell_is_right_or_kept_with_its_reason(book: str) -> None:
    content = (HERE / f"{book}.xlsx").read_bytes()
    new, report = recalculated(content)
    assert report.formulas == len(BOOKS[book])
    assert_right(held(new), held(content), book)
    reasons = KEPT.get(book, {})
    assert {kept.cell for kept in report.kept} == set(reasons)
    assert all(reasons[kept.cell] in kept.reason for kept in report.kept)
    again = compared(new)
    assert again.differences == ()
    assert again.kept == report.kept
    for one in compared(content).differences:
        assert one.computed == pytest.approx(BOOKS[book][one.cell])


@pytest.mark.parametrize("book", BOOKS)
def test_a_frozen_copy_holds_what_is_right(book: str) -> None:
    content = (HERE / f"{book}.xlsx").read_bytes()
    if book in ("recalc/cells_not_literals", "recalc/crash_if_blank_condition"):
        with pytest.raises(ReportError, match="no formula of kpi_xl"):
            frozen(content, native=False)
        return
    copy = frozen(content, native=False)
    assert_right(held(copy[0]), held(content), book)
