"""The embedded host: whole workbooks, as people and other programs write them."""

import gc
import io
import random
import signal
import threading
import weakref
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from demos import empty
from kpi_xl.workbook_templates import template
from kpi_xl.workbook_templates.building import build
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.table import Table
from workbooks import SHEET, edited, sheet_of, written

from kpi_xl import METRICS
from kpi_xl.engine import calls, embedded, formulas
from kpi_xl.engine.constants import Constants
from kpi_xl.engine.embedded import (
    Computed,
    calculate,
    compute,
    evaluate_formula,
    evaluator,
)
from kpi_xl.engine.terms import FormulaError, RefusedError, UnknownError
from kpi_xl.locales import Message
from kpi_xl.ooxml.addresses import Area, column_letters, column_number, quoted
from kpi_xl.ooxml.blocks import CellBlock
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.package import read_package
from kpi_xl.registry import Metric


def shown(result: Computed, cell: str, sheet: str = "Sheet1") -> Any:
    letters = cell.rstrip("0123456789")
    return result.values[sheet, int(cell[len(letters) :]), column_number(letters)]


def one(formula: str, **cells: Any) -> Any:
    """What a formula in Z1 shows beside these cells."""
    return shown(calculate(sheet_of({**cells, "Z1": formula})), "Z1")


# Cells as arguments


def test_a_blank_cell_is_zero() -> None:
    assert one("=CAC(A1,B1)", A1=5) == "#DIV/0!"
    assert one("=CAC(A1,B1)", B1=5) == 0.0


def test_text_booleans_dates_and_errors() -> None:
    assert one("=CAC(A1,2)", A1="12") == "#VALUE!"
    assert one("=CAC(A1,2)", A1=True) == 0.5
    assert one("=CAC(A1,2)", A1="=NA()") == "#N/A"
    assert one("=CAC(A1,2)", A1="=1/0") == "#DIV/0!"
    date = calculate(
        written(
            lambda book: (
                book.add_worksheet().write_datetime("A1", datetime(2024, 1, 1, 12)),
                book.worksheets()[0].write("Z1", "=CAC(A1,2)"),
            )
        )
    )
    assert shown(date, "Z1") == 22646.25


def test_an_empty_text_is_a_blank() -> None:
    assert one("=CAC(A1,2)", A1='=""') == 0.0
    assert one("=NPS(A1:A3)", A1='=""', A2=10, A3=9) == 100.0


def test_omitted_arguments_take_their_defaults() -> None:
    assert one("=CLV(50,4,3)") == 600.0
    assert one("=CLV(50,4,3,,0)") == 600.0
    assert one("=CLV(50,4,3,,)") == 600.0
    assert one("=CLV(50,4,3,0,0)") == 0.0
    assert one("=CLV(50,4,3,B1,0)", B1=0) == 0.0
    assert one("=CLV(50,4,3,B1,0)") == 600.0  # a blank cell given to an optional argument
    assert one('=KPI_STATUS(105,100,,,"lower")') == "at risk"
    assert one("=IF(CLV(50,4,3, ,0)>599,CAC(,2),1)") == 0.0
    assert one('=KPI_STATUS(95,100,,,)&",,"') == "at risk,,"


def test_nested_and_mixed_with_native_functions() -> None:
    assert one("=IFERROR(CAC(1,0),-1)") == -1.0
    assert one("=ROUND(CAC(100,3),2)") == 33.33
    assert one("=CLV_CAC(CLV(50,4,3),CAC(50000,250))") == 3.0
    assert one("=SUM(A1:A3)/CAC(6,3)", A1=1, A2=2, A3=3) == 3.0


def test_a_range_lifts_and_spills() -> None:
    cells = {"A1": 10, "A2": 20, "A3": 30, "B1": 1, "B2": 0, "B3": 3, "D1": "{=CAC(A1:A3,B1:B3)"}
    result = calculate(sheet_of({**cells, "Z1": "=IFERROR(D2,-1)+D3"}))
    assert shown(result, "D1") == [[10.0], ["#DIV/0!"], [10.0]]
    assert shown(result, "Z1") == 9.0


def test_whole_columns_are_of_one_length() -> None:
    cells: dict[str, Any] = {"A1": "a", "A2": "b", "B1": 45292, "B2": 45293, "D9": 1}
    assert one("=SUM(COHORT(A:A,B:B))", **cells) == 3.0  # size 2, retention 1, age 0


def test_a_block_keeps_its_columns() -> None:
    cells: dict[str, Any] = {"A1": "ads", "A2": "ads", "A3": "mail", "D1": "Lead", "E1": "Won"}
    cells |= {"B1": 45292, "C1": 45293, "B2": 45292, "C3": "2024-01-09", "F9": 1}
    cells |= {"H1": "{=FUNNEL_BY(A1:A5,B1:C5,D1:E1)}", "H9": "{=FUNNEL_BY(A:A,B:C)}"}
    result = calculate(sheet_of(cells))
    rows = [["ads", 2.0, 1.0, 0.5], ["mail", 1.0, 1.0, 1.0]]
    assert shown(result, "H1") == [["segment", "Lead", "Won", "Lead → Won"], *rows]
    assert shown(result, "H9")[1:] == rows


# References


def sales(book: xlsxwriter.Workbook) -> None:
    data = book.add_worksheet("My data")
    columns = [{"header": h} for h in ("Name", "Spend €", "won [new]", "it's #1")]
    columns[1]["total_function"] = "sum"
    data.add_table("B3:E6", {"name": "Sales", "columns": columns, "total_row": True})
    for row, cells in enumerate([("x", 100, 4, 1), ("y", 200, 0, 2)], start=3):
        for column, cell in enumerate(cells, start=1):
            data.write(row, column, cell)
    data.write_formula("G4", "=CAC(Sales[[#This Row],[Spend €]],Sales[[#This Row],[won '[new']]])")
    data.write_formula("G5", "=CAC(Sales[[#This Row],[Spend €]],Sales[[#This Row],[won '[new']]])")
    report = book.add_worksheet("Report")
    book.define_name("Spending", "=Sales[Spend €]")
    book.define_name("Factor", "=2.5")
    book.define_name("Report!Local", "='My data'!$D$4")
    for row, formula in enumerate(
        (
            "=SUM(Sales[Spend €])",
            "=CAC(SUM(Spending),SUM(Sales[won '[new']]))",
            "=COUNTA(Sales[#Headers])",
            "=SUM(Sales[[#All],[it''s '#1]])",
            "=SUM(Sales[[#Data],[Spend €]:[won '[new']]])",
            "=Factor*Local",
            "=COUNTA(Sales)",
            "=Sales[[#Totals],[Spend €]]",
            "=ROWS(sales[NAME])",
        )
    ):
        report.write_formula(row, 0, formula)


def test_tables_and_names() -> None:
    result = calculate(written(sales))
    assert result.refused == {}
    column = [result.values["Report", row, 1] for row in range(1, 10)]
    assert column == [300.0, 75.0, 4.0, 3.0, 304.0, 10.0, 8.0, 300.0, 2.0]
    assert result.values["My data", 4, 7] == 25.0
    assert result.values["My data", 5, 7] == "#DIV/0!"


def test_a_column_without_its_table_is_of_the_table_around_the_cell() -> None:
    """Excel 2007 writes [Estimated] in a table; in its event budget there are two side by side."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        total = {"header": "Estimated", "total_function": "sum"}
        for place, name in (("A1:B4", "Rooms"), ("D1:E4", "Music")):
            columns = [{"header": "What"}, total]
            sheet.add_table(place, {"name": name, "columns": columns, "total_row": True})
        sheet.write_column("B2", [500, 400])
        sheet.write_column("E2", [20, 10])
        for cell in ("B4", "E4"):
            sheet.write_formula(cell, "=SUBTOTAL(109,[Estimated])")
        for cell in ("A2", "D2", "A3", "D3"):
            sheet.write_formula(cell, "=[@Estimated]*2")
        sheet.write_formula("G2", "=[@Estimated]*2")

    result = calculate(written(fill))
    assert [shown(result, cell) for cell in ("B4", "E4")] == [900.0, 30.0]
    assert [shown(result, cell) for cell in ("A2", "D2", "A3", "D3")] == [1000.0, 40.0, 800.0, 20.0]
    assert set(result.refused) == {"Sheet1!G2"}


def test_columns_whose_names_differ_in_spaces_alone() -> None:
    """As in Microsoft's own template of an event's budget."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        columns = [{"header": header} for header in (" ", "Cost", "  ", "Cost ", " Left")]
        data = [(1, 10, 100, 1000, 7), (2, 20, 200, 2000, 8)]
        sheet.add_table("A1:E3", {"name": "T", "columns": columns, "data": data})
        sheet.write_formula("G1", "=SUM(T[Cost])")
        sheet.write_formula("G2", "=SUM(T[[Cost ]])+SUM(T[[  ]])")
        sheet.write_formula("G3", "=SUM(T[[#Data],[Cost]:[Cost ]])")
        sheet.write_formula("G4", "=SUM(T[ Left ])")

    result = calculate(written(fill))
    assert [shown(result, f"G{row}") for row in range(1, 5)] == [30.0, 3300.0, 3330.0, 15.0]


def test_a_sum_of_what_cancels_itself_is_refused_where_a_rest_is_left() -> None:
    """Excel has 0 for 59 such sums in a model of the library excel_to_code."""
    cells: dict[str, Any] = {"A1": 0.1, "A2": 0.2, "A3": -0.3, "B1": 3, "B2": 1e-17, "C1": 1e6}
    cells |= {"D1": "=SUM(A1:A3)", "D2": "=SUM(A1:A2)", "D3": "=SUM(B2:B9)", "D4": "=B2*C1"}
    cells |= {"D5": "=IF(D1=0,1,2)", "D6": "=SUBTOTAL(109,A1:A3)", "D7": "=SUM(B2,B9,B3:B8)"}
    result = calculate(sheet_of(cells))
    assert set(result.refused) == {"Sheet1!D1", "Sheet1!D5", "Sheet1!D6"}
    assert [shown(result, cell) for cell in ("D2", "D3", "D7")] == [0.1 + 0.2, 1e-17, 1e-17]


def test_this_row_of_a_table_of_another_sheet() -> None:
    """It is the formula's own row there: so Excel has it in a workbook of the Energy Policy
    Simulator."""

    def fill(book: xlsxwriter.Workbook) -> None:
        data, report = book.add_worksheet("Data"), book.add_worksheet("Report")
        columns = [{"header": "2005"}, {"header": "# orders"}]
        data.add_table("A2:B5", {"name": "Gen", "columns": columns})
        for row in (2, 3, 4):
            data.write_row(row, 0, [row * 10, row])
            # As files have them: '# for a sign that is the name's own.
            report.write(row, 2, "=Gen[[#This Row],[2005]]*2")
            report.write(row, 3, "=Gen[[#This Row],['# orders]]")
        report.write(7, 2, "=Gen[[#This Row],[2005]]*2")

    result = calculate(written(fill))
    doubled = [result.values["Report", row, 3] for row in (3, 4, 5)]
    assert doubled == [40.0, 60.0, 80.0]
    assert [result.values["Report", row, 4] for row in (3, 4, 5)] == [2.0, 3.0, 4.0]
    assert set(result.refused) == {"Report!C8"}


def test_subtotals_are_refused_where_rows_are_hidden() -> None:
    content = sheet_of({"A1": 1, "A2": 2, "A3": "=SUBTOTAL(109,A1:A2)"})
    assert shown(calculate(content), "A3") == 3.0
    filtered = edited(content, SHEET, '<row r="2"', '<row r="2" hidden="1"')
    assert list(calculate(filtered).refused) == ["Sheet1!A3"]


def test_a_typed_formula_sees_the_workbook() -> None:
    book = written(sales)
    assert evaluate_formula("=CAC(SUM(Sales[Spend €]),3)", book) == 100.0
    assert evaluate_formula("=C4+1", book) == 101.0  # on the first sheet
    assert evaluate_formula("=CAC('my data'!C4:C5,2)", book) == [[50.0], [100.0]]
    assert evaluate_formula("Report!A2 * 2", book) == 150.0
    for formula, words in (
        ("=SUM(Sales[Spnd €])", "did you mean Spend €?"),
        ("=SUM(Sale[Name])", 'there is no table "Sale"; did you mean Sales?'),
        ("=Reprt!A1", 'there is no sheet "Reprt"; did you mean Report?'),
        ("=Factr", 'there is no name "Factr"; did you mean factor?'),
        ("=CACC(1,2)", "did you mean CAC?"),
    ):
        with pytest.raises(UnknownError) as error:
            evaluate_formula(formula, book)
        assert words in str(error.value)


def test_formulas_typed_one_after_the_other_are_as_if_alone() -> None:
    """Those that are refused, too."""
    cells = {
        "A1": 4,
        "A2": "5",
        "A3": "b",
        "A4": "{=CAC(A1:A1*{1;2;3},2)",
        "B1": "=OFFSET(A1,N(0),0)",
    }
    book = sheet_of(cells)
    evaluated = evaluator(book)

    def answer(given: Callable[[str], Any], formula: str) -> Any:
        try:
            return given(formula)
        except FormulaError as refusal:
            return str(refusal)

    shown = {}
    for formula in (
        "=A1+1", "=SUM(A4:A6)", "=A1:A2", "=B1+1", "=LARGE(A1:A3,1)", '=SUMIFS(A1:A3,A1:A3,"5")',
        "=A9", "=CAC(A3,1)", '=IF(A3>"a_",1,2)', "={1,2;3,4}", "=SUM(A4:A6)*A1",
    ):  # fmt: skip
        shown[formula] = answer(evaluated, formula)
        assert shown[formula] == answer(lambda text: evaluate_formula(text, book), formula), formula
    assert [shown["=SUM(A4:A6)"], shown["=SUM(A4:A6)*A1"]] == [12.0, 48.0]
    assert "B1, which it needs, is not computed" in shown["=B1+1"]


def test_a_wrong_name_is_told_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(embedded._Engine, "run")
    with pytest.raises(UnknownError, match='there is no table "Sale"'):
        evaluate_formula("=SUM(Sale[Name])", written(sales))


def test_openpyxl_writes_the_same_workbook() -> None:
    book = openpyxl.Workbook()
    data = book.active
    data.title = "Q1"  # a name that looks like a cell
    for row in (("customer", "date"), ("Ann", datetime(2024, 1, 1)), ("Ann", datetime(2024, 2, 3))):
        data.append(row)
    data.add_table(Table(displayName="Orders", ref="A1:B3"))
    data["D1"] = "=SUM(COHORT(Orders[customer],Orders[date]))"
    data["D2"] = "=CAC(Money,2)"
    book.defined_names["Money"] = DefinedName("Money", attr_text="'Q1'!$F$1")
    data["F1"] = 8
    content = io.BytesIO()
    book.save(content)
    result = calculate(content.getvalue())
    assert result.values["Q1", 1, 4] == 4.0
    assert result.values["Q1", 2, 4] == 4.0


def test_a_name_without_dollar_signs_is_refused() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row("A1", [1, 2])
        book.define_name("Fixed", "=Sheet1!$A$1:$B$1")
        book.define_name("Above", "=Sheet1!A1")
        sheet.write("D1", "=SUM(Fixed)")
        sheet.write("D2", "=Above+1")

    result = calculate(written(fill))
    assert shown(result, "D1") == 3.0
    assert list(result.refused) == ["Sheet1!D2"]


def test_prefixes_that_excel_stores() -> None:
    for formula in (
        "[1]!CAC(6,2)",
        "_xludf.CAC(6,2)",
        "_xlfn.SINGLE(CAC(6,2))",
        "'C:\\add ins\\kpi_xl.xlam'!CAC(6,2)",
        "@CAC(6,2)",
        "_xlfn.CONCAT(CAC(6,2))*1",
    ):
        content = edited(
            sheet_of({"A1": "=CAC(1,1)"}), "xl/worksheets/sheet1.xml", "CAC(1,1)", formula
        )
        assert shown(calculate(content), "A1") == 3.0, formula


def test_shared_formulas() -> None:
    content = sheet_of({"A1": 6, "A2": 8, "B1": "=CAC(A1,2)", "B2": "=CAC(A2,2)"})
    part = "xl/worksheets/sheet1.xml"
    content = edited(
        content, part, "<f>CAC(A1,2)</f>", '<f t="shared" ref="B1:B2" si="0">CAC(A1,2)</f>'
    )
    content = edited(content, part, "<f>CAC(A2,2)</f>", '<f t="shared" si="0"/>')
    result = calculate(content)
    assert [shown(result, "B1"), shown(result, "B2")] == [3.0, 4.0]


def test_formulas_filled_across_and_down() -> None:
    """What is written alike is read once; its columns move as its rows do."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        for row in range(3):
            sheet.write_row(row, 0, [1 + 10 * row, 2 + 10 * row, 3 + 10 * row])
        for row in range(1, 4):
            for column, (here, start) in enumerate((("A", "A"), ("B", "A"), ("C", "B"))):
                sheet.write_formula(row + 9, column, f"={here}{row}+$A{row}*{here}$1")
                sheet.write_formula(row + 19, column, f"=SUM($A{row}:{here}{row})")
                sheet.write_formula(row + 29, column, f"=SUM({start}{row}:{here}{row})")
        for number, here in enumerate("ABC"):
            sheet.write_formula(40, 5 + number, f"=SUM({here}:{here})")
        sheet.write_formula("E1", "=OFFSET(A1,0,-1)")  # off the sheet
        sheet.write_formula("F1", "=OFFSET(B1,0,-1)")

    result = calculate(written(fill))
    moving = [[2 * first, first + 1 + 2 * first, first + 2 + 3 * first] for first in (1, 11, 21)]
    growing = [[first, 2 * first + 1, 3 * first + 3] for first in (1, 11, 21)]
    pairs = [[first, 2 * first + 1, 2 * first + 3] for first in (1, 11, 21)]
    for top, rows in ((11, moving), (21, growing), (31, pairs)):
        for row, wanted in enumerate(rows, start=top):
            assert [shown(result, f"{column}{row}") for column in "ABC"] == wanted
    for number, here in enumerate("ABC"):
        wanted = sum(
            shown(result, f"{here}{row}") for top in (11, 21, 31) for row in range(top, top + 3)
        )
        assert shown(result, f"{'FGH'[number]}41") == wanted + 33 + 3 * number
    assert list(result.refused) == ["Sheet1!E1"]
    assert shown(result, "F1") == 1.0


def test_what_was_doubted_too_early_is_asked_again() -> None:
    """The spill comes after the formula that needs it: until then its criterion was an error."""
    cells = {"A1": '=COUNTIFS(C1:C3,">="&1/B2)', "A2": '=COUNTIFS(C1:C3,">="&1/B4)'}
    cells |= {"B1": "{=_xlfn.UNIQUE(C1:C3)}", "C1": 0.25, "C2": 0.5, "C3": 2}
    result = calculate(sheet_of(cells))
    assert shown(result, "A1") == 1.0
    assert list(result.refused) == ["Sheet1!A2"]


def test_what_is_doubted_and_needs_itself_is_refused() -> None:
    """Such a formula the engine does not take a second time."""
    for formula in ('=COUNTIFS(C1:C3,">="&1/B4)+A1', '=A1&"x"<"a-b"', '=IFERROR(UPPER("ß"),A1)',
                    '=SUM(A1:A3,COUNTIFS(C1:C3,">="&1/B4))'):  # fmt: skip
        result = calculate(sheet_of({"A1": formula, "C1": 1}))
        assert list(result.refused) == ["Sheet1!A1"]


@pytest.mark.parametrize("rows", [50, 150, 10_050])
@pytest.mark.parametrize("quick", [False, True])
def test_what_needs_a_large_spill_and_a_changed_one(rows: int, *, quick: bool) -> None:
    """The small spill keeps its size, and gets other values once the large one is there."""
    cells: dict[str, Any] = {f"Z{row}": float(row) for row in range(1, rows + 1)}
    cells |= {"G1": f"{{=Z1:Z{rows}*1", "A1": "{=G1:G4+9", "T2": "=A2*2", "T3": "=MAX(G1:G4,T2)",
              "T5": "=SUM(G1:G4)+T2", "T6": "=T5*2"}  # fmt: skip
    result = compute(read_package(sheet_of(cells)), quick=quick)
    assert [shown(result, cell) for cell in ("T2", "T3", "T5", "T6")] == [22.0, 22.0, 32.0, 64.0]


def test_what_only_looks_filled_down() -> None:
    """The same text beside a shared one, a row with a zero before it, a name, percent signs."""
    cells = {f"A{row}": row for row in range(1, 12)}
    cells |= {
        "B8": "=A8+1", "B9": "=A9+1", "B10": "=A10+1", "B11": "=A08+1",
        "C1": "=A1*200%+A$1", "C2": "=A2*200%+A$1", "C3": "=A3*200%+A$2", "C4": "=A3*200%+A$1",
        "D1": '="A1 of "&A1', "D2": '="A1 of "&A2', "D3": '="A3 of "&A3', "D4": "=SUM(A$1:A4)",
        "D5": "=SUM(A$1:A5)", "D6": "=SUM(A$1:A5)",
    }  # fmt: skip
    result = calculate(sheet_of(cells))
    wanted = {
        "B": [9, 10, 11, 9], "C": [3, 5, 8, 7],
        "D": ["A1 of 1", "A1 of 2", "A3 of 3", 10, 15, 15],
    }  # fmt: skip
    for letter, values in wanted.items():
        first = 8 if letter == "B" else 1
        for row, value in enumerate(values, start=first):
            assert shown(result, f"{letter}{row}") == value, f"{letter}{row}"
    part = "xl/worksheets/sheet1.xml"
    content = sheet_of({"A1": 6, "A2": 8, "A3": 9, "B1": "=A1+1", "B2": "=A2+1", "B3": "=A1+1"})
    shared = ' t="shared" ref="B1:B2" si="0"'
    content = edited(content, part, '<c r="B1"><f>', f'<c r="B1"><f{shared}>')
    content = edited(content, part, "<f>A2+1</f>", '<f t="shared" si="0"/>')
    result = calculate(content)
    assert [shown(result, f"B{row}") for row in (1, 2, 3)] == [7.0, 9.0, 7.0]


def test_whole_rows_are_read_for_each_row() -> None:
    cells: dict[str, Any] = {f"{letter}{row}": row for letter in "AB" for row in range(1, 5)}
    for row in range(5, 9):
        cells[f"F{row}"] = cells[f"G{row}"] = "=SUM($1:$1)"
        cells[f"H{row}"] = cells[f"I{row}"] = f"=SUM({row - 4}:{row - 4})"
        cells[f"J{row}"] = cells[f"K{row}"] = "=SUM(2:3)"
        cells[f"L{row}"] = f"=A{row - 4}*2"
    result = calculate(sheet_of(cells))
    for row in range(5, 9):
        wanted = [2.0, 2.0, 2.0 * (row - 4), 2.0 * (row - 4), 10.0, 10.0, 2.0 * (row - 4)]
        assert [shown(result, f"{letter}{row}") for letter in "FGHIJKL"] == wanted


def test_formulas_that_differ_in_small_numbers_alone() -> None:
    """They are read as one; what the numbers say to a function is not."""
    formulas = {
        row: (f"={row}+A1*{row + 1}-{row}", f"=IF({row}>A1,{row}*2,{row}-1)", f"=ROUND(A2,{row})",
              f"=SUBTOTAL({row},A1:A2)", f"=-{row}+OFFSET(A1,{row - 1},0)", f'="{row}+{row}"')
        for row in (1, 2)
    }  # fmt: skip
    cells = {
        f"{letter}{row + 9}": text
        for row, texts in formulas.items()
        for letter, text in zip("CDEFGH", texts, strict=True)
    }
    result = calculate(sheet_of({"A1": 1.0, "A2": 2.345, **cells}))
    wanted = {10: (2.0, 0.0, 2.3, 1.6725, 0.0, "1+1"), 11: (3.0, 4.0, 2.35, 2.0, 0.345, "2+2")}
    for row, values in wanted.items():
        for letter, value in zip("CDEFGH", values, strict=True):
            assert shown(result, f"{letter}{row}") == pytest.approx(value), f"{letter}{row}"


def test_formulas_that_differ_in_fixed_addresses_alone() -> None:
    """They are read as one, each with its own cells; what a name means stays where it is."""
    pairs = {
        "D": ("=$A$1*$B$1", "=$A$2*$B$3", 10.0, 40.0),
        "E": ("=$A$1+$A$1", "=$A$1+$A$2", 2.0, 3.0),
        "F": ("=First+$A$1", "=First+$A$2", 2.0, 3.0),
        "G": ("=SUM($A$1:$B$2)", "=SUM($A$2:$B$3)", 26.0, 38.0),
        "H": ("=OFFSET($B$1,1,-1)", "=OFFSET($B$2,1,-1)", 2.0, 3.0),
        "I": ('=INDIRECT("$A$1")+$A$1', '=INDIRECT("$A$1")+$A$2', 2.0, 3.0),
        "J": ("=SUM($A$1:$A5,$A$1)", "=SUM($A$1:$A5,$A$2)", 7.0, 8.0),
        "K": ("=LARGE(Numbers,1)-$A$1", "=LARGE(Numbers,2)-$A$2", 19.0, 11.0),
        "L": ('="$A$1"&$A$1', '="$A$1"&$A$2', "$A$11", "$A$12"),
        "M": ("=VLOOKUP(2,$A$1:$B$3,2)", "=VLOOKUP(2,$C$1:$D$3,2)", 13.0, None),
        "N": ("=OFFSET($B$1,0,-1)", "=OFFSET($A$1,0,-1)", 1.0, None),
        "O": ("=SUM(_xlfn.ANCHORARRAY($S$1))", "=SUM(_xlfn.ANCHORARRAY($U$1))", 6.0, 12.0),
    }
    formulas = {f"{letter}{row}": pair[row - 8] for letter, pair in pairs.items() for row in (8, 9)}

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        for row, values in enumerate([(1, 10, 7), (2, 13, 5), (3, 20, 6)]):
            sheet.write_row(row, 0, values)
        book.define_name("First", "=Sheet1!$A$1")
        book.define_name("Numbers", "=Sheet1!$B$1:$B$3")
        sheet.write_dynamic_array_formula("S1:S1", "=SORT(A1:A3)")
        sheet.write_dynamic_array_formula("U1:U1", "=SORT(A1:A3)*2")
        for cell, formula in formulas.items():
            sheet.write_formula(cell, formula)

    result = calculate(written(fill))
    for letter, (*_, first, second) in pairs.items():
        for row, wanted in ((8, first), (9, second)):
            if wanted is not None:
                assert shown(result, f"{letter}{row}") == wanted, f"{letter}{row}"
    assert sorted(result.refused) == ["Sheet1!M9", "Sheet1!N9"]  # not sorted; off the sheet


def test_names_that_end_as_addresses_do_are_told_apart() -> None:
    """They name the same cell wherever they stand; ZZZ1 lies beyond the last column."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", [10, 20, 30])
        for number in (1, 2):
            for name in ("数据A", "ZZZ", "ж_A"):
                book.define_name(f"{name}{number}", f"=Sheet1!$A${number}")
            sheet.write_formula(number, 2, f"=数据A{number}")
            sheet.write_formula(number, 3, f"=ZZZ{number}")
            sheet.write_formula(number, 4, f"=ж_A{number}")

    result = calculate(written(fill))
    for column in "CDE":
        assert [shown(result, f"{column}2"), shown(result, f"{column}3")] == [10.0, 20.0]


# Spills


def test_cached_spills_are_computed_anew() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", [6, 8, 10])
        sheet.write_dynamic_array_formula("C1:C3", "=CAC(A1:A3,2)", None, 999)
        sheet.write_column("C2", [999, 999])
        sheet.write_formula("E1", "=SUM(C1:C3)")
        sheet.write_formula("E2", "=SUM(_xlfn.ANCHORARRAY(C1))")

    result = calculate(written(fill))
    assert shown(result, "C1") == [[3.0], [4.0], [5.0]]
    assert shown(result, "E1") == shown(result, "E2") == 12.0


def test_a_blocked_spill_is_an_error_as_in_excel() -> None:
    result = calculate(sheet_of({"A1": "{=CAC({6;8},2)", "A2": "in the way", "C1": "=A1"}))
    assert shown(result, "A1") == "#SPILL!"
    assert shown(result, "C1") == "#SPILL!"


@pytest.mark.parametrize("largest", [1, 10_000])
def test_a_formula_that_no_spill_needs_is_in_its_way(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LARGEST_SPILL", largest)
    cells = {"A1": "{=CAC({6;8},2)", "A2": "=CAC(6,2)", "C1": "{=CAC({6,8},2)", "D2": "=C1+D1",
             "F1": "{=CAC({6;8},2)", "G1": "=SUM(A1:A2,F1:F2)", "H1": "=SUM(F1:F2)"}  # fmt: skip
    result = calculate(sheet_of(cells))
    assert result.refused == {}
    shows = [shown(result, cell) for cell in ("A1", "A2", "C1", "D2", "F1", "G1", "H1")]
    assert shows == ["#SPILL!", 3.0, [[3.0, 4.0]], 7.0, [[3.0], [4.0]], "#SPILL!", 7.0]


def test_what_no_large_spill_needs_is_computed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also over a range that is held, of which a spill fills a part."""
    monkeypatch.setattr(embedded, "LARGEST_SPILL", 20)
    seen: list[str] = []
    evaluate = calls.evaluate

    def noted(metric: Metric, given: list[Any]) -> Any:
        seen.append(metric.name)
        return evaluate(metric, given)

    monkeypatch.setattr(calls, "evaluate", noted)
    cells: dict[str, Any] = {f"K{row}": float(row) for row in range(1, 701)}
    cells |= {"B1": "=NPS(K$1:K$10)", "A1": "{=CAC(K1:K30,B2)", "B2": "=SUM(B3)", "B3": 2.0,
              "C1": "=MER(SUM(A1:A30),2)", "E1": "=SUMPRODUCT((A$1:A$600=15)*1)"}  # fmt: skip
    result = calculate(sheet_of(cells))
    assert result.refused == {}
    assert seen.count("MER") == seen.count("NPS") == 1
    assert (shown(result, "C1"), shown(result, "E1")) == (465.0 / 4, 1.0)


def test_circular_references_beside_a_spill_are_refused() -> None:
    """Those that no spill needs are entered last."""
    cells = {"A1": "{=CAC({6;8},2)", "C1": "=D1+1", "D1": "=IFERROR(C1,1)", "E1": "=D1",
             "F1": "=F1+A2", "G1": "=A2"}  # fmt: skip
    result = calculate(sheet_of(cells))
    assert set(result.refused) == {f"Sheet1!{cell}" for cell in ("C1", "D1", "E1", "F1")}
    assert (shown(result, "A1"), shown(result, "G1")) == ([[3.0], [4.0]], 4.0)


@pytest.mark.parametrize("blocked", [False, True])
def test_spills_larger_than_the_engine_takes(blocked: bool) -> None:
    rows = 20_000

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", range(1, rows + 1))
        sheet.write_dynamic_array_formula("C1:C1", f"=CAC(A1:A{rows},2)")
        sheet.write_dynamic_array_formula("D1:D1", f"=CAC(C1:C{rows},2)")
        sheet.write_formula("E1", f"=SUM(C1:C{rows})")
        sheet.write_formula("E2", f"=SUM(D1:D{rows})")
        sheet.write_formula("E3", f"=D{rows - 1}")
        if blocked:
            sheet.write(f"C{rows - 5}", "in the way")

    result = calculate(written(fill))
    assert result.refused == {}
    if blocked:
        assert shown(result, "C1") == "#SPILL!"
        assert shown(result, "E1") == "#SPILL!"
        return
    half = rows * (rows + 1) / 4
    assert len(shown(result, "C1")) == rows
    assert shown(result, "C1")[-1] == [rows / 2]
    assert shown(result, "E1") == half
    assert shown(result, "E2") == half / 2
    assert shown(result, "E3") == (rows - 1) / 4


@pytest.fixture
def written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of blocks of more than 10,000 cells, in less time."""
    monkeypatch.setattr(embedded, "LARGEST_SPILL", 20)


def test_each_formula_refers_to_its_own_spill_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where they are alike; of blocks that were written out there is no A1#."""
    cells: dict[str, Any] = {}
    for row in range(1, 31):
        cells |= {f"K{row}": float(row), f"L{row}": 2.0 * row, f"K{row + 40}": 100.0 + row}
    for spill, name, column in (("A1", "D1", "K1:K30"), ("B1", "E1", "L1:L30"),
                                ("A41", "D41", "K41:K70")):  # fmt: skip
        cells |= {spill: f"{{={column}*1", name: f"=IFERROR(SUM({spill}#),-1)"}
    book = sheet_of(cells)
    result = calculate(book)
    assert result.refused == {}
    assert [shown(result, cell) for cell in ("D1", "E1", "D41")] == [465.0, 930.0, 3465.0]
    assert evaluate_formula("=SUM(B1#)", book) == 930.0
    monkeypatch.setattr(embedded, "LARGEST_SPILL", 20)
    refused = calculate(book).refused
    assert {cell: str(why) for cell, why in refused.items()} == {
        f"Sheet1!{name}": f"Sheet1!{spill}# is too large a spill to refer to so"
        for name, spill in (("D1", "A1"), ("E1", "B1"), ("D41", "A41"))
    }


def test_a_large_spill_is_what_it_comes_to_at_last_or_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """G1 needs the fifth cell of a block that is large only once another large one is there."""
    numbers = {f"K{row}": float(row) for row in range(1, 31)}
    formulas = {"A1": "{=K1:K30*1", "C1": '{=_xlfn._xlws.FILTER(A1:A30,A1:A30>5,"none")',
                "E1": "=C5", "G1": "{=K1:K30*E1", "I1": "=SUM(G1:G30)"}  # fmt: skip
    book = sheet_of(numbers | formulas)
    assert shown(calculate(book), "I1") == 10 * 465.0
    monkeypatch.setattr(embedded, "LARGEST_SPILL", 20)
    result = calculate(book)
    assert shown(result, "E1") == 10.0
    assert set(result.refused) == {"Sheet1!G1", "Sheet1!I1"}


def test_what_is_refused_only_for_the_quick_way_is_computed_the_other_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded, "QUICK_SPILL", 20)
    numbers = {f"K{row}": float(row) for row in range(1, 31)}
    formulas = {"A1": "{=K1:K30*1", "C1": '{=_xlfn._xlws.FILTER(A1:A30,A1:A30>5,"none")',
                "E1": "=C5", "G1": "{=K1:K30*E1"}  # fmt: skip
    book = read_package(sheet_of(numbers | formulas))
    assert compute(book).refused == {}
    assert set(compute(book, quick=True).refused) == {"Sheet1!G1"}
    ways: list[bool] = []

    def refusing(*given: Any, quick: bool = False) -> embedded.Computed:
        ways.append(quick)
        found = compute(*given, quick=quick)
        return replace(found, refused={"Sheet!A1": Message("no")}) if quick else found

    expected = empty("funnel").values
    monkeypatch.setattr(embedded, "compute", refusing)
    assert build(template("funnel"), {}).values == expected
    assert ways == [True, False]


@pytest.mark.usefixtures("written_out")
def test_large_spills_and_what_is_in_their_way() -> None:
    numbers = {f"K{row}": float(row) for row in range(1, 31)}
    # A spill that cannot be shown keeps its cells from no other.
    others = {"A10": "{=K1:K30*2", "C1": "=SUM(A10:A39)", "C2": '=IFERROR(A11,"err")'}
    result = calculate(sheet_of({**numbers, "A1": "{=K1:K30*1", **others}))
    assert (result.refused, shown(result, "A1")) == ({}, "#SPILL!")
    assert (shown(result, "C1"), shown(result, "C2")) == (930.0, 4.0)
    # What reads the text in its way is as doubtful as before.
    others = {"A10": "ß", "C10": '=IFERROR(UPPER(A10),"x")'}
    result = calculate(sheet_of({**numbers, "A1": "{=K1:K30*1", **others}))
    assert "is not sure" in result.refused["Sheet1!C10"]
    # It needs a cell that it fills.
    result = calculate(sheet_of({**numbers, "A1": "{=K1:K30+A5", "C1": "=IFERROR(A3,7)"}))
    assert set(result.refused) == {"Sheet1!A1", "Sheet1!C1"}


def random_spills(chance: random.Random) -> dict[str, Any]:
    """Spills that need each other's cells, and formulas over them."""
    rows = chance.randint(3, 12)
    cells: dict[str, Any] = {}
    for row in range(1, rows + 1):
        cells |= {f"K{row}": float(chance.randint(0, 9)), f"L{row}": float(chance.randint(1, 9))}
    places = [(column, row) for column in "ACEGI" for row in (1, 20, 40)]
    chance.shuffle(places)
    spills = places[: chance.randint(2, 6)]
    for place in spills:
        others = [other for other in places[:6] if other != place]
        blocks = [f"{c}{r}:{c}{r + chance.randint(1, rows)}" for c, r in others]
        block = chance.choice([f"K1:K{rows}", f"L1:L{rows}", *blocks])
        cell = chance.choice(["K2", *(f"{c}{r + chance.randint(0, 4)}" for c, r in others)])
        formulas = [f"{block}*2", f"{block}+N({cell})", f"IFERROR({block}*1,7)", f"CAC({block},2)",
                    f'_xlfn._xlws.FILTER({block},{block}>N({cell}),"none")',
                    f"_xlfn.UNIQUE({block})", f"IF({block}>2,{block},0)"]  # fmt: skip
        cells["{}{}".format(*place)] = "{=" + chance.choice(formulas)
    for number in range(1, chance.randint(3, 7)):
        column, row = chance.choice(spills)
        cell = f"{column}{row + chance.randint(0, 5)}"
        before = f"N{chance.randint(1, number)}" if number > 1 else "K1"
        formulas = [f"SUM({column}{row}:{column}{row + rows})", cell, f"IFERROR({cell}*2,-1)",
                    f"MAX({column}{row}:{column}{row + rows},{before})", f"{before}*2",
                    f"COUNT({column}{row}:{column}{row + 20})", f'IFERROR({cell}&"x","e")',
                    f"SUMIFS(K1:K{rows},L1:L{rows},{cell})", f"SUM({column}{row}#)"]  # fmt: skip
        cells[f"N{number}"] = "=" + chance.choice(formulas)
    if chance.random() < 0.3:
        cells[chance.choice("ACEGI") + chance.choice(["3", "5", "22", "43"])] = 5.0
    return cells


def test_blocks_that_are_written_out_are_those_that_the_engine_spills(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0
    for seed in range(150):
        book = sheet_of(random_spills(random.Random(seed)))
        monkeypatch.setattr(embedded, "LARGEST_SPILL", 10_000)
        spilled = calculate(book).values
        monkeypatch.setattr(embedded, "LARGEST_SPILL", 2)
        for place, value in calculate(book).values.items():
            assert spilled.get(place, value) == value, (seed, place)
            compared += place in spilled
    assert compared > 300


@pytest.mark.usefixtures("written_out")
@pytest.mark.parametrize("rows", [400, 20_000])
def test_what_hangs_on_a_spill_that_grows_with_a_large_one_is_computed(rows: int) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        model, channels, summary = map(book.add_worksheet, ("Model", "Channels", "Summary"))
        model.write_column("A1", range(1, rows + 1))
        model.write_dynamic_array_formula("C1:C1", f"=CAC(A1:A{rows},2)")
        model.write_dynamic_array_formula("E1:E1", f"=FILTER(C1:C{rows},C1:C{rows}<=5)")
        channels.write_formula("A1", '=IF(COUNTA(Model!E2:E99)>3,"more","")')
        summary.write_formula("A1", '=IF(Channels!A1="","",SUM(Model!C1:C2))')

    result = calculate(written(fill))
    assert result.refused == {}
    assert result.values["Channels", 1, 1] == "more"
    assert result.values["Summary", 1, 1] == 0.5 + 1.0


def mixed(formulas: dict[str, str]) -> bytes:
    """Four hundred channels, the number of each what it brings, beside some formulas."""
    cells = {f"A{row}": f"c{row}" for row in range(1, 401)}
    worth = {f"B{row}": float(row) for row in range(1, 401)}
    return sheet_of({**cells, **worth, "D10": "{=CHANNEL_MIX(A1:A400,B1:B400)", **formulas})


@pytest.mark.usefixtures("written_out")
def test_of_a_large_spill_any_column_can_be_read() -> None:
    total = 400 * 401 / 2
    for column, value in (("E", total), ("F", 1.0)):
        book = mixed({"I1": f"=SUM({column}11:{column}410)"})
        result = calculate(book)
        assert result.refused == {}
        assert shown(result, "I1") == pytest.approx(value)
        assert shown(result, "D10")[1] == ["c400", 400.0, *[pytest.approx(400 / total)] * 2]
        assert evaluate_formula("=SUM(E11:E410)", book) == total
        assert evaluate_formula("=ROUND(G410,6)&D11", book) == "1c400"


@pytest.mark.usefixtures("written_out")
def test_two_large_spills_that_claim_the_same_cells_are_refused() -> None:
    """Excel leaves them to the one that was there first, which the file does not tell."""
    result = calculate(mixed({"E1": "{=CAC(B1:B400,2)", "I1": "=SUM(F11:F410)"}))
    assert set(result.refused) == {"Sheet1!D10", "Sheet1!E1", "Sheet1!I1"}


@pytest.mark.usefixtures("written_out")
def test_ranges_that_a_large_spill_fills_are_handed_over_full() -> None:
    spend = {f"B{row}": float(row) for row in range(1, 601)}
    formulas = {"D1": "{=CAC(B1:B600,2)", "F1": "{=CHANNEL_MIX(A1:A600,D1:D600)"}
    cells = {f"A{row}": f"c{row % 3}" for row in range(1, 601)}
    result = calculate(sheet_of({**cells, **spend, **formulas, "K1": "=LARGE(D1:D600,1)"}))
    assert result.refused == {}
    assert shown(result, "F1")[1][:2] == ["c0", sum(range(3, 601, 3)) / 2]
    assert shown(result, "K1") == 300.0


@pytest.mark.parametrize("rows", [40, 600])
def test_texts_of_a_column_are_compared_without_spaces_around_them(rows: int) -> None:
    """Where the column is long, what its texts are is found once for all formulas."""
    kinds = ["Mail", " mail ", "E  mail", "e mail", "mail\u00a0", 5.0, "", None, True]
    cells = {f"A{row}": kinds[row % len(kinds)] for row in range(1, rows + 1)}
    asked = {"mail": [0, 1], "E mail ": [2, 3], "5": [5], "": [6, 7], "true": [8], "mai": []}
    formulas = {
        f"C{row}": f'=SUMPRODUCT((TRIM($A$1:$A${rows})=TRIM("{text}"))*1)'
        for row, text in enumerate(asked, 1)
    }
    result = calculate(sheet_of(cells | formulas))
    assert result.refused == {}
    for row, places in enumerate(asked.values(), 1):
        wanted = sum(number % len(kinds) in places for number in range(1, rows + 1))
        assert shown(result, f"C{row}") == wanted


def test_texts_of_a_column_are_compared_so_in_a_formula_that_is_asked_for() -> None:
    cells = {f"A{row}": " a " if row % 2 else "b" for row in range(1, 12_001)}
    asked = '=SUMPRODUCT(--(TRIM($A$1:$A$12000)="a"))'
    assert evaluate_formula(asked, sheet_of(cells)) == 6000.0


@pytest.mark.parametrize("rows", [40, 600])
def test_a_number_whose_text_is_not_sure_is_doubted_in_a_column(rows: int) -> None:
    cells = {f"A{row}": 1e21 if row == 7 else "mail" for row in range(1, rows + 1)}
    formulas = {f"C{n}": f'=SUMPRODUCT((TRIM(A$1:A${rows})="mail")*{n})' for n in (1, 2)}
    result = calculate(sheet_of(cells | formulas))
    assert len(result.refused) == 2


@pytest.mark.usefixtures("written_out")
def test_what_reads_a_large_spill_is_not_doubted_before_it_is_there() -> None:
    cells = {f"A{row}": float(row) for row in range(1, 401)}
    spill = "{=CAC(A1:A400,2)"
    result = calculate(sheet_of({**cells, "C1": spill, "E1": "=SUMIFS(A1:A9,A1:A9,C8)"}))
    assert result.refused == {}
    assert shown(result, "E1") == 4.0


def test_ctrl_c_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it comes while the engine is on its way into a function of ours."""
    started: list[threading.Thread] = []

    def kernel(spend: float, customers: float) -> float:
        if not started:
            started.append(threading.Thread(target=signal.raise_signal, args=(signal.SIGINT,)))
            started[0].start()
        return spend / customers

    monkeypatch.setitem(METRICS, "CAC", replace(METRICS["CAC"], kernel=kernel))
    book = sheet_of({f"A{row}": f"=CAC({row},2)" for row in range(1, 20_001)})
    # A run in the background may have been told to ignore it.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            calculate(book)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, usual)


def test_old_array_formulas_fill_just_their_cells() -> None:
    """Microsoft: what one value, row or column does not fill is there again, or else #N/A.

    In one cell is the first value, as Excel has it in the workbooks of the library formulas.
    """

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_array_formula("A1:A2", "{=CAC({6;8},2)}")
        sheet.write_array_formula("C1:C3", "{=CAC({6;8},2)}")
        sheet.write_array_formula("E1", "{=SUM(CAC({6;8},2))}")
        sheet.write_array_formula("G1", "{=CAC({6;8},2)}")
        sheet.write("G2", "in the way of a spill")
        sheet.write_array_formula("I1:J2", "{=CAC({6;8},2)}")
        sheet.write_array_formula("L1:M2", "{={1,2,3}}")
        sheet.write_array_formula("O1:P2", "{=SUM(A1:A2)}")
        sheet.write("R1", "=SUM(A1:P2)")

    result = calculate(written(fill))
    assert result.refused == {}
    assert shown(result, "A1") == [[3.0], [4.0]]
    assert shown(result, "C1") == [[3.0], [4.0], ["#N/A"]]
    assert shown(result, "E1") == 7.0
    assert shown(result, "G1") == 3.0
    assert shown(result, "I1") == [[3.0, 3.0], [4.0, 4.0]]
    assert shown(result, "L1") == [[1.0, 2.0], [1.0, 2.0]]
    assert shown(result, "O1") == [[7.0, 7.0], [7.0, 7.0]]
    assert shown(result, "R1") == 7 + 7 + 7 + 3 + 14 + 6 + 28


def test_cells_that_a_volatile_array_fills_are_marked_as_formulas() -> None:
    """Excel writes them so in calendars, for one: <f ca="1"/> without a text."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_dynamic_array_formula("A1:A3", "={1;2;3}*B1", None, 2)
        sheet.write("B1", 2)
        sheet.write("A2", 4)
        sheet.write("A3", 6)
        sheet.write("C1", "=SUM(A1:A3)")

    marked = written(fill)
    for row, value in ((2, 4), (3, 6)):
        cell = f'<c r="A{row}"><v>{value}</v></c>'
        marked = edited(marked, SHEET, cell, cell.replace("<v>", '<f ca="1"/><v>'))
    result = calculate(marked)
    assert result.refused == {}
    assert shown(result, "A1") == [[2.0], [4.0], [6.0]]
    assert shown(result, "C1") == 12.0


def test_a_sheet_without_a_part_is_passed_over() -> None:
    """Excel keeps modules of old macros so: in workbooks of Enron, and in POI's 60825.xlsx."""
    content = edited(
        sheet_of({"A1": "=1+1"}),
        "xl/workbook.xml",
        "</sheets>",
        '<sheet name="Module1" sheetId="9" state="veryHidden" r:id=""/></sheets>',
    )
    assert read_package(content).sheets == ("Sheet1",)
    assert shown(calculate(content), "A1") == 2.0


def test_a_part_of_texts_that_is_named_but_not_there() -> None:
    """So is cloneWorksheetExample.xlsx of openxlsx, whose cells have numbers alone."""

    def without(content: bytes, part: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
            for name in old.namelist():
                if name != part:
                    new.writestr(name, old.read(name))
        return out.getvalue()

    texts, rels = "xl/sharedStrings.xml", "_rels/.rels"
    numbers = edited(
        sheet_of({"A1": "=1+1"}),
        "xl/_rels/workbook.xml.rels",
        "</Relationships>",
        '<Relationship Id="rId99" Target="sharedStrings.xml" Type="http://schemas.openxmlformats'
        '.org/officeDocument/2006/relationships/sharedStrings"/></Relationships>',
    )
    assert texts not in zipfile.ZipFile(io.BytesIO(numbers)).namelist()
    assert shown(calculate(numbers), "A1") == 2.0
    with pytest.raises(NotAWorkbookError, match='shared text "0", and there are 0'):
        calculate(without(sheet_of({"A1": "a"}), texts))
    with pytest.raises(NotAWorkbookError, match=r"\(xl/workbook.xml is missing\)"):
        calculate(without(sheet_of({"A1": "a"}), rels))


def test_the_reason_of_a_refusal_is_that_of_the_cell_where_it_began() -> None:
    cells = {"A1": "=DATE(1900,1,1)", "B1": "=A1+1", "C1": "=C2", "C2": "=C1", "D1": "=C1+1"}
    refused = calculate(sheet_of(cells)).refused
    assert "DATE leads" in refused["Sheet1!A1"]
    assert "depends on Sheet1!$A$1" in refused["Sheet1!B1"]
    assert "circular" in refused["Sheet1!C1"]
    assert "circular" in refused["Sheet1!C2"]
    assert "depends on Sheet1!$C$1" in refused["Sheet1!D1"]


def test_a_block_in_a_formula_of_one_cell_is_refused() -> None:
    result = calculate(sheet_of({"A1": "=CAC({6;8},2)", "B1": "=A1+1", "C1": "=1+1"}))
    assert set(result.refused) == {"Sheet1!A1", "Sheet1!B1"}
    assert "dynamic array" in result.refused["Sheet1!A1"]
    assert "Sheet1!$A$1" in result.refused["Sheet1!B1"]
    assert shown(result, "C1") == 2.0


def test_texts_over_a_column_are_trimmed_cell_by_cell() -> None:
    """Microsoft: TRIM removes all spaces from text except for single spaces between words."""
    cells = {
        "A1": "  a  b ",
        "A2": "A B",
        "A3": 5,
        "A5": "a\u00a0",
        "B1": 1,
        "B2": 2,
        "B3": 4,
        "B5": 8,
    }
    result = calculate(sheet_of({
        **cells, "Z1": "{=TRIM(A1:A5)", "Y1": '=SUMPRODUCT((TRIM(A1:A5)="a b")*B1:B5)',
        "X1": "=TRIM(A1:A5)", "P1": "{=CHANNEL_MIX(TRIM(A1:A2),B1:B2)",
    }))  # fmt: skip
    # A space that does not break is none to TRIM, as Microsoft says there.
    assert shown(result, "Z1") == [["a b"], ["A B"], ["5"], [""], ["a\u00a0"]]
    assert shown(result, "Y1") == 3.0
    assert shown(result, "P1")[1] == ["a b", 3.0, 1.0, 1.0]
    assert shown(result, "X1") == "a b"
    assert not result.refused


@pytest.mark.parametrize(
    ("cell", "formula", "value"),
    [  # by hand, as Excel's own values are in public workbooks
        ("D2", "=A1:A3+B1:B3", 22.0), ("D3", "=$A$1:$A$3*$B$1:$B$3", 90.0),
        ("B6", "=A1:C1*2", 20.0), ("D6", "=A1:A3", "#VALUE!"),
        ("D7", "=SUM(A1:A3*B1:B3)", "#VALUE!"),
        ("D2", "=SUM(A1:A3*B1:B3)", 40.0), ("D2", "=SUM(A1:A3)+A1:A3", 8.0),
        ("E8", "=A1:B3&1", "#VALUE!"), ("E2", "=-A1:B3", "#VALUE!"), ("B8", "=+A1:B3", "#VALUE!"),
        ("E2", "=ISBLANK(A1:B3)", False), ("D2", "=INT(A1:A3)", 2.0), ("D3", "=A1:A3%", 0.03),
        ("D2", "=IF(A1:A3>1,B1:B3,C1:C3)", 20.0), ("D2", "=SUM(IF(A1>0,B1:B3,C1:C3))", 60.0),
        ("E8", "=ROW(A2:A3)+COLUMN(B1:C1)", 4.0), ("D3", "=A:A*B:B", 90.0),
        ("D3", "=VLOOKUP(A:A,A1:B3,2,FALSE)", 30.0), ("C9", "=1:1&\"\"", "7"),
        ("D2", "=Units*2", 4.0), ("D8", "=Units*2", "#VALUE!"), ("D8", "=SUM(Units*2)", "#VALUE!"),
        ("D2", "=SUM(T[b]*T[a])", 40.0), ("D2", "=T[b]", 20.0),
        # arguments that are arrays in any formula, and what is not one within them
        ("D8", "=SUMPRODUCT(A1:A3*B1:B3)", 140.0), ("D8", "=Both", 140.0),
        ("D8", "=SUMPRODUCT(-A1:A3,B1:B3+1)", -146.0),
        ("D2", "=SUMPRODUCT(A1:A3*IF(B1:B3>10,1,0))", 6.0),
        ("D1", "=SUMPRODUCT(A1:A3*IF(B1:B3>10,1,0))", 0.0),
        ("D2", "=INDEX(A1:A3*B1:B3,3)", 90.0), ("D2", "=INDEX(B1:B3,A1:A3)", 20.0),
        ("D2", "=MODE(A1:A3*0)", 0.0), ("D2", "=SUM({1,2}*A1:A3)", 6.0),
        ("D2", "=COUNTIF(A1:A3,A1:A3)", 1.0), ("D2", "=_xlfn.SINGLE(A1:A3)*2", 4.0),
        ("D2", "{=SUM(A1:A3*2)+_xlfn.SINGLE(A1:A3)", 14.0),
        ("D2", "{=SUM(A1:A3*IF(B1:B3>10,1,0))", 5.0),
    ],
)  # fmt: skip
def test_a_formula_of_one_cell_takes_of_a_range_that_of_its_row(
    cell: str, formula: str, value: Any
) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        for row, values in enumerate([(1, 10, 7), (2, 20, 8), (3, 30, 9)]):
            sheet.write_row(row, 0, values)
        book.define_name("Units", "=Sheet1!$A$1:$A$3")
        book.define_name("Both", "=SUM(Sheet1!$A$1:$A$3*Sheet1!$B$1:$B$3)")
        columns = [{"header": "a"}, {"header": "b"}]
        data = [(1, 10), (2, 20), (3, 30)]
        options = {"name": "T", "columns": columns, "data": data, "header_row": False}
        book.add_worksheet().add_table("A1:B3", options)
        if formula.startswith("{"):
            sheet.write_dynamic_array_formula(f"{cell}:{cell}", formula[1:])
        else:
            sheet.write_formula(cell, formula)

    result = calculate(written(fill))
    assert not result.refused
    computed = shown(result, cell)
    assert (computed[0][0] if isinstance(computed, list) else computed) == value


@pytest.mark.parametrize(
    "formula",
    ["=EOMONTH(A1:A3,0)", "=CAC(A1:A3*2,2)", "=_xlfn.XLOOKUP(A1:A3,A1:A3,B1:B3)", "=A1:D3",
     "=_xlfn.LET(_xlpm.x,A1:A3,_xlpm.x*2+SUM(_xlpm.x))", "=_xlfn.LET(_xlpm.x,A1:A3,_xlpm.x)",
     "=_xlfn.LET(_xlpm.x,A1:A3,_xlfn.SINGLE(_xlpm.x)+SUM(_xlpm.x))",
     "=_xlfn.LET(_xlpm.x,A1:A3*2,SUM(_xlpm.x))",
     "=SUM(FREQUENCY(A1:A3,B1:B3)*2)", "=SUM(ROWS(A1:A3*1))", "=T(A1:A3)", "=SUM(IF(A1,B1:B3)*2)"],
)  # fmt: skip
def test_what_is_not_known_of_a_range_in_a_formula_of_one_cell_is_refused(formula: str) -> None:
    cells = {"A1": 1, "A2": 2, "A3": 3, "B1": 10, "B2": 20, "B3": 30, "D2": formula}
    assert list(calculate(sheet_of(cells)).refused) == ["Sheet1!D2"]


@pytest.mark.parametrize(
    ("formula", "value"),
    [  # Microsoft: with 0 for the one it is the array of values for the entire other
        ("=SUM(INDEX(A1:C5,0,F1))", 1500.0), ("=SUM(INDEX(A1:C5,F1,))", 2220.0),
        ('=SUMIFS(INDEX(A1:C5,,F1),D1:D5,"x")', 900.0), ("=SUM(INDEX(A1:C5,3,0))", 3330.0),
        ('=SUMIFS(INDEX(A:C,0,MATCH(200,A2:C2,0)),D:D,"x")', 900.0),
        ('=SUMIF(D1:D5,"x",INDEX(A1:C5,0,3))', 9000.0), ("=SUM(INDEX(A1:C5,0,2.9))", 1500.0),
        ("=MATCH(200,INDEX(A1:C5,0,2),0)", 2.0), ("=INDEX(A1:C1,,F1)*2", 200.0),
        ('=SUMPRODUCT(INDEX(A1:C5,0,2)*(D1:D5="x"))', 900.0), ("=COUNT(INDEX(A1:D5,2,0))", 3.0),
        ('=MATCH(1,INDEX((A1:A5=30)*(D1:D5="x"),0),0)', 3.0), ("=INDEX(INDEX(A1:C5,0,2),3)", 300.0),
        ("=LARGE(INDEX(A1:C5,0,2),2)", 400.0), ("=COLUMNS(INDEX(A1:C5,0,2))", 1.0),
        # what would be another error, or is not known
        ("=MATCH(200,INDEX(A1:C5,0,4),0)", None),
        ("=MATCH(2,INDEX(A1:C5,0,MATCH(1,A1:A5)),0)", None),
        ("=SUM(INDEX(A1:C5,0,F9))", None), ("=SUM(INDEX(A1:C5,0,0))", None),
        ("=SUM(OFFSET(INDEX(A1:C5,0,2),0,1))", None), ("=INDEX(A1:C5,0,2)", None),
        ("=VLOOKUP(200,INDEX(A1:C5,0,2),1,FALSE)", None), ("=INDEX(INDEX(A:C,0,2),9)", None),
    ],
)  # fmt: skip
def test_index_of_a_whole_row_or_column(formula: str, value: float | None) -> None:
    cells: dict[str, Any] = {"F1": 2, "H7": formula}
    for row in range(1, 6):
        cells |= {f"{letter}{row}": row * 10**power for power, letter in enumerate("ABC", 1)}
        cells[f"D{row}"] = "x" if row % 2 else "y"
    result = calculate(sheet_of(cells))
    assert list(result.refused) == ([] if value is not None else ["Sheet1!H7"])
    assert value is None or shown(result, "H7") == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [  # as in public workbooks that Excel computed last: it is 0, and no blank cell is found
        ("=VLOOKUP(D1,A1:B4,2)", "a"), ("=MATCH(D1,E1:E4,-1)", 4.0),
        ("=MATCH(D1,C1:C4)", 1.0), ("=MATCH(D1,{-1.1,2.1,3.1},0)", "#N/A"),
        ("=VLOOKUP(D1,A1:B4,2,FALSE)", "a"), ("=MATCH(D1,D1:D9,0)", "#N/A"),
        ("=_xlfn.XLOOKUP(D1,A1:A4,B1:B4)", None), ("=_xlfn.XMATCH(D1,A1:A4)", None),
        ("=MATCH(IF(A1=0,D1),A1:A4,0)", None),
    ],
)  # fmt: skip
def test_look_ups_of_a_blank_cell(formula: str, value: Any) -> None:
    columns = {
        "A": (0, 1, 2, 3),
        "B": "aeio",
        "C": (-1.1, 2.1, 3.1, 4.1),
        "E": (4.1, 3.1, 2.1, 1.1),
    }
    cells: dict[str, Any] = {"F1": formula}
    for letter, column in columns.items():
        cells |= {f"{letter}{row}": cell for row, cell in enumerate(column, 1)}
    result = calculate(sheet_of(cells))
    assert list(result.refused) == ([] if value is not None else ["Sheet1!F1"])
    assert value is None or shown(result, "F1") == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [  # as in public workbooks that Excel computed last
        ("=IFERROR(VLOOKUP(A1,#REF!,MATCH(A2,#REF!,0)-12+14,0),0)", 0.0),
        ("=INDEX(#REF!,MATCH(A1,#REF!,0))", "#REF!"), ("=MIN(OFFSET(#REF!,1,0)/#REF!,1)", "#REF!"),
        ('=SUMIF(#REF!,">0")', "#REF!"), ("=SUM(Sheet1!#REF!)", "#REF!"),
        ("=IF(A1=1,MATCH(A2*2,#REF!,0),2)", "#REF!"), ("=IFERROR(COUNTIF(#REF!,A1)+1,7)", 7.0),
        # which of two errors it shows is not known
        ("=MATCH(B1,#REF!,0)", None), ("=IF(A1=1,MATCH(B1,#REF!,0),2)", None),
        ("=MATCH(1/B2,#REF!,0)", None),
    ],
)  # fmt: skip
def test_functions_of_cells_that_are_there_no_more(formula: str, value: Any) -> None:
    cells = {"A1": 1, "A2": 2, "B1": "=1/0", "D1": formula}
    result = calculate(sheet_of(cells))
    assert list(result.refused) == ([] if value is not None else ["Sheet1!D1"])
    assert value is None or shown(result, "D1") == value


def test_a_range_of_another_sheet_is_no_circle_where_it_has_the_formula_s_place() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("A").write_column(0, 0, [1, 2, 3])
        sheet = book.add_worksheet("B")
        for cell, formula in {"A2": "=A!A1:A3*2", "A3": "=A!A:A*2", "B1": "=A!A1:B3*2"}.items():
            sheet.write_formula(cell, formula)

    result = calculate(written(fill))
    assert [result.values["B", row, 1] for row in (2, 3)] == [4.0, 6.0]
    assert list(result.refused) == ["B!B1"]


def test_filled_formulas_take_each_the_cell_of_its_row() -> None:
    """Read as one, where they differ in their rows, columns and fixed addresses alone."""
    cells: dict[str, Any] = {f"A{row}": row * 10 for row in range(3, 8)}
    cells |= {f"B{row}": row * 100 for row in range(3, 8)}
    cells |= {f"{letter}12": 5 * number for number, letter in enumerate("DEFGHI", 1)}
    rows, across = range(1, 10), "CDEFGHIJ"
    cells |= {f"K{row}": "=$A$3:$A$7+1" for row in rows}
    cells |= {f"L{row}": "=$B$3:$B$7+1" for row in rows}
    cells |= {f"M{row}": f"=A$3:A{row + 2}+1" for row in rows}
    cells |= {f"N{row}": f"=A{row + 1}:A{row + 3}+1" for row in rows}
    cells |= {f"{letter}14": "=$D$12:$I$12+1" for letter in across}
    result = calculate(sheet_of(cells))
    wrong = "#VALUE!"
    assert not result.refused
    of_a, of_b = (
        [wrong] * 2 + [row * n + 1.0 for row in range(3, 8)] + [wrong] * 2 for n in (10, 100)
    )
    assert [shown(result, f"K{row}") for row in rows] == of_a
    assert [shown(result, f"L{row}") for row in rows] == of_b
    assert [shown(result, f"M{row}") for row in rows] == [31.0, wrong, *of_a[2:7], 1.0, 1.0]
    assert [shown(result, f"N{row}") for row in rows] == [wrong] * 9
    assert [shown(result, f"{letter}14") for letter in across] == [
        wrong, 6.0, 11.0, 16.0, 21.0, 26.0, 31.0, wrong
    ]  # fmt: skip


# Refusals


@pytest.mark.parametrize(
    "formula",
    [
        "=TREND(A1:A3)",
        "=OFFSET(A1,A1,0)",
        '=INDIRECT("A"&1)',
        "=SUM([Other.xlsx]Sheet1!A1)",
        "=SUM(A1:A2 A2:A3)",
        "=SUM((A1,A2))",
        "=ROUND(A1:A3,1)",
        "=LAMBDA(x,x)(1)",
        '=TEXT(A1,"0.0E+00")',
        "=SUMIFS(A1:A3,B1:B2,1)",
        "=SUM(A1:INDEX(A1:A3,2))",
        "=MATCH(1,A1:A3,)",
        "=[1]!OTHER(1)",
        "=(A1:A3)^2",
        "={}",
        "=COUNTIFS(A1:A3,1,A1:A3)",
        '=A1:A3&"',
    ],
)
def test_what_is_not_proven_is_refused_with_its_cell(formula: str) -> None:
    result = calculate(sheet_of({"A1": 1, "A2": 2, "A3": 3, "Z1": f"{{{formula}"}))
    assert list(result.refused) == ["Sheet1!Z1"]
    assert len(result.refused["Sheet1!Z1"]) > 10


def test_sums_over_errors_are_refused_where_the_engine_skips_them() -> None:
    cells = {"A1": "=1/0", "A2": 2, "Z1": '=SUMIF(A1:A2,">0")', "Z2": '=COUNTIF(A1:A2,">0")'}
    result = calculate(sheet_of(cells))
    assert list(result.refused) == ["Sheet1!Z1"]
    assert shown(result, "Z2") == 1.0


def test_a_refusal_spreads_to_all_that_depend_on_it() -> None:
    cells = {
        "A1": "=OFFSET(B1,N(0),0)", "A2": "=A1*2", "A3": "=IFERROR(A2,0)", "A4": "=SUM(A1:A3)",
        "A5": "=CAC(B1,B2)", "B1": 6, "B2": 2,
    }  # fmt: skip
    result = calculate(sheet_of(cells))
    assert set(result.refused) == {f"Sheet1!A{row}" for row in range(1, 5)}
    assert shown(result, "A5") == 3.0
    with pytest.raises(RefusedError, match="Sheet1!A4, which it needs, is not computed"):
        evaluate_formula("=A4", sheet_of(cells))


def test_all_cells_that_a_refused_block_may_fill_are_refused() -> None:
    """Two columns of eight rows, four columns of two, up to what is in its way."""
    cells = {"A1": "{=NOSUCH(1)", "C3": 5.0, "E1": 7.0, "A9": 8.0}
    read = ("A8", "B2", "B9", "C2", "C4", "D2", "D3", "D9", "E2", "A10")
    cells |= {f"M{row}": f"={cell}" for row, cell in enumerate(read, 1)}
    result = calculate(sheet_of(cells))
    computed = {cell for row, cell in enumerate(read, 1) if f"Sheet1!M{row}" not in result.refused}
    assert computed == {"B9", "C4", "D3", "D9", "E2", "A10"}


def test_circular_references_are_refused_and_nothing_else() -> None:
    cells = {"A1": "=IFERROR(B1,1)", "B1": "=A1+1", "C1": "=B1*2", "D1": "=CAC(6,2)", "E1": "=E1"}
    result = calculate(sheet_of(cells))
    assert set(result.refused) == {"Sheet1!A1", "Sheet1!B1", "Sheet1!C1", "Sheet1!E1"}
    assert "circular" in result.refused["Sheet1!A1"]
    assert shown(result, "D1") == 3.0


def test_many_refusals_spread_fast() -> None:
    """Thousands of refused formulas and their dependents: minutes, if looked for pair by pair."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        for row in range(1, 8001):
            sheet.write(f"A{row}", "=OFFSET(Z1,N(0),0)")
            sheet.write(f"B{row}", f"=A{row}*2")
            sheet.write(f"C{row}", f"=D{row}*2")

    result = calculate(written(fill))
    assert len(result.refused) == 16_000
    assert len(result.values) == 8000


def test_where_days_count_from_1904_what_computes_with_them_is_refused() -> None:
    cells: dict[str, Any] = {
        "A1": 43890, "A2": "2024-03", "A3": "43890",
        "B1": "=YEAR(A1)", "B2": "=TODAY()", "B3": '=TEXT(A1,"yyyy-mm")', "B4": "=COHORT(A1,A1)",
        "B5": "=A1+30", "B6": "=CAC(6,2)", "B7": '=TEXT(A1,"0.0")', "B8": "=B1+1",
        "B9": "=COUNTIF(A2:A3,A2)",
    }  # fmt: skip
    content = edited(
        sheet_of(cells), "xl/workbook.xml", "<workbookPr ", '<workbookPr date1904="1" '
    )
    result = calculate(content)
    refused = {cell.rpartition("!")[2]: reason for cell, reason in result.refused.items()}
    assert set(refused) == {"B1", "B2", "B3", "B4", "B8", "B9"}
    assert "1904, and YEAR computes with days" in refused["B1"]
    assert result.values["Sheet1", 5, 2] == 43920.0
    assert result.values["Sheet1", 6, 2] == 3.0
    assert result.values["Sheet1", 7, 2] == "43890.0"


@pytest.mark.parametrize(
    "formula", ["", "=", "=1+", "=(1", "=CAC(1", '="a', "=1 2", "=A1", "={}", '="\udcff"']
)
def test_what_cannot_be_read_says_so(formula: str) -> None:
    with pytest.raises(FormulaError):
        evaluate_formula(formula)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 broken"])
def test_what_is_no_workbook_says_so(content: bytes) -> None:
    with pytest.raises(NotAWorkbookError):
        calculate(content)
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as package:
        package.writestr("word/document.xml", "<a/>")
    with pytest.raises(NotAWorkbookError):
        calculate(empty.getvalue())


def test_a_bug_is_raised_and_not_shown_as_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(calls, "evaluate", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        calculate(sheet_of({"A1": "=IFERROR(CAC(1,2),0)"}))


def test_an_interrupt_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(calls, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        calculate(sheet_of({"A1": "=CAC(1,2)"}))


def test_an_error_has_the_sentence_of_its_function_alone() -> None:
    book = sheet_of({"A1": "=CAC(5,0)", "A2": "=1/0"})
    error = evaluate_formula("=1+CPL(5,0)", book)
    assert error == "#DIV/0!"
    assert error.sentence.startswith("CPL: leads is 0")
    for formula in ("=A1", "=A2"):
        assert evaluate_formula(formula, book).sentence.startswith("it comes from")


def test_an_error_within_a_formula_has_the_sentence_that_all_of_its_function_have() -> None:
    one = calculate(sheet_of({"A1": '=IF(B1="",CAC(5,0),1)'})).values["Sheet1", 1, 1]
    assert one.sentence.startswith("probably: CAC: new_customers is 0")
    two = calculate(sheet_of({"A1": '=1+CAC("a",1)', "A2": '=1+CAC(1,"b")'})).values
    assert {value.sentence for value in two.values()} == {embedded.KPI_ERROR}


def test_a_checked_formula_does_not_vouch_for_others_of_its_shape() -> None:
    one_cell = {"A5": "=1/0", "D1": '=SUMIF(B1:B1,"x",A1:A1)', "D2": '=COUNTIFS(A1:A1,"")'}
    more = {"D3": '=SUMIF(B1:B30,"x",A1:A30)', "D4": '=COUNTIFS(A1:A30,"")', "D5": "=CAC(A1:A3,2)"}
    assert set(calculate(sheet_of({**one_cell, **more})).refused) == {
        f"Sheet1!D{row}" for row in (3, 4, 5)
    }


def test_a_whole_column_reaches_to_the_end_of_a_spill() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("D").write_column("A1", [3, 1, 2, 8])
        book.add_worksheet("S").write_dynamic_array_formula("C1:C1", "=D!A1:A4*2")
        book.add_worksheet("T").write("A1", "=CES(S!C:C)")

    assert calculate(written(fill)).values["T", 1, 1] == 7.0


@pytest.mark.parametrize(
    ("formula", "value"),
    [("INDEX(K:K,8)", 0.0), ('IFERROR(INDEX(K:K,MATCH(3,K:K,0)+1),"none")', 0.0),
     ("INDEX(K:K,1048576)", 0.0), ("INDEX(2:2,500)", 0.0), ("INDEX(K:L,8,2)", 0.0),
     ("SUM(INDEX(K:K,8),5)", 5.0), ("INDEX(K:K,2)", 2.0), ("HLOOKUP(1,K:L,8,FALSE)", 0.0),
     ("VLOOKUP(2,$2:$3,30,FALSE)", 0.0), ("SUMPRODUCT((K:K=2)*1)", 1.0),
     ('SUMPRODUCT((L:L="x")*1)', 1.0), ("SUMPRODUCT((L:L=L1)*1)", 1.0),
     ("SUMPRODUCT((K:K>1)*1)", 2.0), ("SUMPRODUCT((1<K:K)*1)", 2.0)],
)  # fmt: skip
def test_whole_columns_go_on_below_what_is_filled(formula: str, value: float) -> None:
    cells = {"A2": 2.0, "K1": 1.0, "K2": 2.0, "K3": 3.0, "L1": "x", "L2": "y"}
    result = calculate(sheet_of({**cells, "T9": f"={formula}"}))
    assert (result.refused, shown(result, "T9")) == ({}, value)


@pytest.mark.parametrize(
    "formula",
    ['SUMPRODUCT((K:K="")*1)', "SUMPRODUCT((K:K<2)*1)", "SUMPRODUCT((K:K<>2)*1)",
     "SUMPRODUCT((K:K=0)*1)", "SUMPRODUCT(K:K+1)", "SUMPRODUCT((K:K=M1)*1)",
     "SUMPRODUCT((2>K:K)*1)", "SUMPRODUCT((K:K>=0)*1)", "SUMPRODUCT(1-(K:K=2))",
     'SUMPRODUCT((L:L>1)*(TRIM(L:L)>1))', '{SUM(IF(K:K="",1,0))', "{MIN(K:K*1)",
     "{COUNT(K:K*1)", "{MAX(-K:K)", "{AND(K:K>0)", '{MATCH(TRUE,K:K="",0)', "{NPS(K:K+1)",
     "{SUM(IFERROR(K:K,0)+1)", "{_xlfn._xlws.FILTER(K:K,K:K<2)",
     '{_xlfn._xlws.FILTER(K:L,L:L="x")'],
)  # fmt: skip
def test_what_counts_the_blank_cells_of_a_whole_column_is_refused(formula: str) -> None:
    """Excel has a million of them; L is filled less far down than K."""
    cells = {"K1": 1.0, "K2": 2.0, "K3": 3.0, "L1": "x", "L2": "y"}
    array, text = formula.startswith("{"), formula.lstrip("{")
    result = calculate(sheet_of({**cells, "T9": f"{'{' * array}={text}"}))
    assert set(result.refused) == {"Sheet1!T9"}


@pytest.mark.parametrize("largest", [2, 10_000])
@pytest.mark.parametrize(
    ("formula", "value"),
    [("COUNTA(K:K)", 4.0), ("SUM(J:K)", 10.0), ("SUMIFS(K:K,L:L,2)", 8.0), ("INDEX(K:K,8)", 2.0),
     ("SUMPRODUCT((K:K=2)*1)", 2.0), ("MER(SUM(K:K),1)", 8.0)],
)  # fmt: skip
def test_what_a_spill_needs_sees_what_spills_below_a_column(
    formula: str, value: float, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LARGEST_SPILL", largest)
    cells: dict[str, Any] = {f"K{row}": float(row) for row in range(1, 4)}
    cells |= dict.fromkeys(["L1", "L2", "L3"], 2.0)
    cells |= {"A1": f"={formula}", "J8": "{=TRANSPOSE(L1:L3)", "R1": "{=CAC({6;8},A1)"}
    result = calculate(sheet_of(cells))
    assert result.refused == {}
    assert shown(result, "A1") == value
    assert shown(result, "R1") == [[6.0 / value], [8.0 / value]]


@pytest.mark.parametrize(
    "rows",
    [
        '<x:row r="{0}"><x:c r="C{0}"><x:v>{0}</x:v></x:c></x:row>',
        "<row r='{0}'><c r='C{0}'><v>{0}</v></c></row>",
        '<row\n r="{0}"><c r="C{0}"><v>{0}</v></c></row>',
        '<row spans="1:3" r="{0}"><c r="C{0}"><v>{0}</v></c></row>',
    ],
)
def test_rows_however_they_are_written(rows: str) -> None:
    content = sheet_of({"A9": "=CES(C:C)", "A10": '=COUNTIFS(C1:C5,"")'})
    part = "".join(rows.format(number) for number in (1, 2, 3))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    content = edited(content, SHEET, "<sheetData>", "<sheetData>" + part)
    content = edited(content, SHEET, "<worksheet ", f'<worksheet xmlns:x="{main}" ')
    result = calculate(content)
    assert shown(result, "A9") == 2.0
    assert shown(result, "A10") == 2.0


def test_cells_that_leave_out_their_address() -> None:
    content = sheet_of({"A1": 6, "B1": "=CAC(A1,2)"})
    for old, new in (
        ('<row r="1" spans="1:2">', "<row>"),
        ('<c r="A1">', "<c>"),
        ('<c r="B1">', "<c>"),
    ):
        content = edited(content, SHEET, old, new)
    assert shown(calculate(content), "B1") == 3.0


def test_newer_errors_as_cached_results_are_no_damage() -> None:
    content = sheet_of({"A1": "=CAC(6,2)"})
    broken = edited(
        content,
        SHEET,
        '<c r="A1"><f>CAC(6,2)</f><v>0</v>',
        '<c r="A1" t="e"><f>CAC(6,2)</f><v>#SPILL!</v>',
    )
    assert shown(calculate(broken), "A1") == 3.0


def test_strict_open_xml_says_so() -> None:
    content = edited(
        sheet_of({"A1": 1}), "xl/workbook.xml",
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
    )  # fmt: skip
    with pytest.raises(NotAWorkbookError, match="strict"):
        calculate(content)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("=0.5-0.4-0.1", 0.0),
        ("=(0.5-0.4-0.1)", -2.7755575615628914e-17),
        ("=1-0.9", 0.09999999999999998),
        ('=IF(0.1+0.2=0.3,"same","other")', "same"),
        ("=NPER(1,0,0)", "#NUM!"),
        ("=IFERROR(FV(1E+300,1E+300,1),-1)", -1.0),
        ("=1/-A1", "#DIV/0!"),
        ("=-A1", 0.0),
        ('=-A1&""', "0"),
    ],
)
def test_numbers_end_as_excel_ends_them(formula: str, value: Any) -> None:
    shown_value = one(formula, B1=1)
    assert repr(shown_value) == repr(value)


def test_arithmetic_with_ranges_is_of_all_cells_in_array_formulas_alone() -> None:
    numbers = {"A1": 1, "A2": 2, "A3": 3}
    both = {"SUM(A1:A3*2)": (2, 12), "MAX(-A1:A3)": (-1, -1), "SUM(IF(A1:A3>1,1,0))": (0, 2)}
    for formula, values in both.items():
        cells = {**numbers, "B1": f"={formula}", "C1": f"{{={formula}"}
        assert [shown(calculate(sheet_of(cells)), cell) for cell in ("B1", "C1")] == [*values]
    allowed = {"B1": "=SUMPRODUCT((A1:A3>1)*A1:A3)", "B2": "=SUM({1,2}*2)", "B3": "=CES(A1:A3)"}
    result = calculate(sheet_of({**numbers, **allowed}))
    assert [shown(result, cell) for cell in allowed] == [5.0, 6.0, 2.0]


def test_addresses() -> None:
    for letters, number in (("A", 1), ("Z", 26), ("AA", 27), ("XFD", 16384)):
        assert column_number(letters) == number
        assert column_letters(number) == letters
    assert quoted("Orders") == "Orders"
    assert quoted("It's") == "'It''s'"
    assert quoted("Q1") == "'Q1'"


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("=A1+B9", 1.0),
        ('=A1+LEFT("57",1)', 6.0),
        ('=A1+IFERROR(1/0,"")', "#VALUE!"),
        ("=A1-C1", "#VALUE!"),
        ("=Profit*2", -18.0),
        ("=100/Profit", -100 / 9),
        ("=-Profit^2", 81.0),
        ("=C1^2", "#VALUE!"),
        ("=3^D1", "#VALUE!"),
        ('=IFERROR(LEFT("abc","x"),"no number")', "no number"),
        ("=COUNTIF(E1:E2,-F1)", 1.0),
    ],
)
def test_arithmetic_as_excel_does_it(formula: str, value: Any) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row("A1", [1, 10, "1_0"])
        sheet.write("D1", '=""')
        sheet.write_row("E1", [0, 0])
        book.define_name("Profit", "=Sheet1!$A$1-Sheet1!$B$1")
        sheet.write("Z1", formula)

    shown_value = shown(calculate(written(fill)), "Z1")
    assert shown_value == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    "formula",
    [
        '=IFERROR(IF(A4<"f",1,2),99)',
        '=IF(ISERROR(A4<"f"),1,2)',
        '=IFERROR(A5&"","none")',
        '=IF(ISNUMBER(A5&""),1,0)',
        "=IFERROR(YEAR(DATE(1900,1,5)),0)",
        "=INDEX(A1:A3,B1)",
        "=INDEX(A1:A3,B1)+1",
        "=CAC(INDEX(A1:A3,B1),2)",
        "=SUM(IFERROR((A1:A3*1)+(A1:A2*1),0))",
        "=SUMPRODUCT((D:D>1)*A:A)",
    ],
)
def test_a_doubt_is_never_hidden(formula: str) -> None:
    cells = {"A1": 1, "A2": 2, "A3": 3, "A4": "é", "A5": 1e25, "Z1": f"{{{formula}"}
    assert list(calculate(sheet_of(cells)).refused) == ["Sheet1!Z1"]


def test_columns_beside_a_whole_column_are_shorter() -> None:
    cells = {"A1": 1, "A2": 2, "A3": 3, "B1": 1, "B2": 1, "B3": 1}
    assert one("=AVG_POSITION(A:A,B1:B3)", **cells) == "#VALUE!"
    assert one("=AVG_POSITION(A:A,B:B)", **cells) == 2.0


def test_a_reference_to_a_large_spill_is_right_or_refused() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", range(1, 12_001))
        sheet.write_dynamic_array_formula("C1:C1", "=A1:A12000*2")
        sheet.write_dynamic_array_formula("E1:E1", "=IF(C12000>0,5,A1:A3)")
        sheet.write_formula("G1", "=SUM(C1:C12000)")
        sheet.write_formula("G2", "=SUM(_xlfn.ANCHORARRAY(C1))")
        sheet.write_formula("G3", "=IFERROR(SUM(_xlfn.ANCHORARRAY(C1)),0)")

    result = calculate(written(fill))
    assert shown(result, "E1") == 5.0
    assert shown(result, "G1") == 12_000 * 12_001
    assert set(result.refused) == {"Sheet1!G2", "Sheet1!G3"}


@pytest.mark.parametrize("rows", [3, 12_000])
def test_a_circle_through_a_spill_is_refused(rows: int) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", range(1, rows + 1))
        sheet.write_dynamic_array_formula("F1:F1", f"=A1:A{rows}*H1")
        sheet.write_formula("H1", "=F3")
        sheet.write_formula("N1", "=CAC(6,2)")

    result = calculate(written(fill))
    assert set(result.refused) == {"Sheet1!F1", "Sheet1!H1"}
    assert shown(result, "N1") == 3.0


def test_spills_that_the_engine_gives_up_on_refuse_nothing_else() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", [1, 2, 3])
        sheet.write_dynamic_array_formula("F1:F1", "=TRANSPOSE(A1:A3)")
        sheet.write_dynamic_array_formula("H1:H1", "=A1:A3+F1:F3")
        sheet.write_formula("N1", "=CAC(A3,A2)")

    result = calculate(written(fill))
    assert shown(result, "N1") == 1.5
    assert "Sheet1!H1" in result.refused


def test_an_added_formula_changes_no_other() -> None:
    cells = {"A1": "y", "A2": "x", "C1": "=1/0", "C9": 5, "D2": '=SUMIF(A2,"x",C1)'}
    alone = calculate(sheet_of(cells))
    together = calculate(sheet_of({**cells, "D1": '=SUMIF(A1,"x",C9)'}))
    assert list(alone.refused) == list(together.refused) == ["Sheet1!D2"]
    far = {"A1": 1, "B1": "=A1", "B2": "=A1048577", "B3": "=VLOOKUPX(1)", "B4": "=B3"}
    assert set(calculate(sheet_of(far)).refused) >= {"Sheet1!B3", "Sheet1!B4"}


def test_a_formula_in_the_way_of_a_spill_keeps_its_value() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_dynamic_array_formula("C1:C3", "=CAC({6;8;10},2)")
        sheet.write_formula("C2", "=99")

    result = calculate(written(fill))
    assert shown(result, "C1") == "#SPILL!"
    assert shown(result, "C2") == 99.0


def test_dates_stored_as_text_are_said_to_be() -> None:
    content = edited(
        sheet_of({"A1": 1}), SHEET, '<c r="A1"><v>1</v>', '<c r="A1" t="d"><v>2024-01-01</v>'
    )
    with pytest.raises(NotAWorkbookError, match="dates"):
        calculate(content)


def test_a_large_workbook_is_loaded() -> None:
    """A million rows with names are more than the engine takes by itself."""
    rows = 5_000
    book = read_package(sheet_of({"B1": f'=COUNTIF(A2:A{rows + 1},"?*")'}))
    block = CellBlock(Area("Sheet1", 2, 1, rows + 1, 1), [["long " * 6_000] * rows])
    assert shown(compute(book, [block]), "B1") == rows


def test_any_text_comes_after_any_number() -> None:
    """Which needs no knowledge of how Excel sorts texts; that of two texts does."""
    cells = {"A1": "n/a", "B1": 5.0, "A2": "n/a", "B2": "N/A", "A3": 7.0, "B3": "--", "A4": "a b"}
    later = {"C1": "=A1>B1", "C2": "=A2>B2", "C3": "=SUMPRODUCT((A1:A4>B1:B4)*1)"}
    computed = calculate(sheet_of(cells | later | {"C4": "=A1>A4", "C5": "=A4>B1"}))
    assert [shown(computed, cell) for cell in ("C1", "C2", "C3", "C5")] == [True, False, 2, True]
    assert set(computed.refused) == {"Sheet1!C4"}


def test_texts_that_differ_in_digits_alone_have_one_order() -> None:
    """Months and other codes: no rule of sorting looks at more than their digits."""
    content = sheet_of({
        "A1": "2024-01", "A2": "2024-10", "A3": "a-b",
        "B1": '=SUMPRODUCT((A1:A2>="2024-02")*1)', "B2": '=SUMPRODUCT((A2:A3>="ab")*1)',
    })  # fmt: skip
    result = calculate(content)
    assert result.values["Sheet1", 1, 2] == 1
    (reason,) = result.refused.values()
    assert "the order of texts" in reason


def test_a_computed_workbook_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service, or a day's reports, computes many in one process: each goes at once."""
    engines = []
    run = embedded._Engine.run

    def noted(engine: embedded._Engine, *answer: Any) -> None:
        engines.append(weakref.ref(engine))
        run(engine, *answer)

    monkeypatch.setattr(embedded._Engine, "run", noted)
    gc.disable()
    try:
        calculate(sheet_of({"A1": "=CAC(1,2)", "A2": "{=_xlfn.UNIQUE(B1:B3)}", "B1": 1}))
        evaluate_formula("=CAC(1,2)", sheet_of({"A1": 5}))
        refused = calculate(sheet_of({"A1": "=OFFSET(B1,N(0),0)", "A2": "=OFFSET(B2,N(0),0)"}))
        assert len(refused.refused) == 2
        bought = {f"A{n}": f"C{n % 6}" for n in range(1, 13)} | {f"B{n}": 45000 + 9 * n
                                                                for n in range(1, 13)}  # fmt: skip
        calculate(sheet_of(bought | {"D1": "{=CLV_FORECAST(A1:A12,B1:B12,C1:C12,30)"}))
        calculate(sheet_of({"A1": 1, "A2": "text", "B1": "=NPS(A1:A2)"}))
        assert {engine() for engine in engines} == {None}
    finally:
        gc.enable()


# Blocks of cells: what is known of them beforehand must not change what comes out

OVER_BLOCKS = {
    "D1": '=SUMPRODUCT((A2:A701="ann")*1)', "D2": '=SUMPRODUCT((A2:A701="éva")*1)',
    "D3": '=SUMPRODUCT((B2:B701>=F1)*1)', "D4": "=SUMPRODUCT((B2:B701=5)*1)",
    "D5": '=SUMPRODUCT((C2:C701="")*1)', "D6": "=SUMPRODUCT((C2:C701=0)*1)",
    "D7": '=_xlfn.XMATCH("ÉVA",A2:A701)', "D8": "=_xlfn.XMATCH(5,B2:B701)",
    "D9": "=SUMPRODUCT((B2:B701<A2:A701)*1)", "D10": '=SUMPRODUCT((C2:C701>=F1)*1)',
    "D11": "{=CHANNEL_MIX(A2:A701,B2:B701)", "D21": "=NPS(C2:C701)", "F1": 5.0,
    "E1": '=SUMPRODUCT(($C$2:$C$701="ANN")*1)', "E2": '=SUMPRODUCT(($A$2:$A$701="ANN")*1)',
    "E3": "=SUMPRODUCT(($C$2:$C$701=5)*1)", "E4": "=SUMPRODUCT(($B$2:$B$701=5)*1)",
    "G1": '{=NPS(IF(F1=5,IF($C$2:$C$701="","",$C$2:$C$701),7))',
    "G2": '{=NPS(IF($C$2:$C$701=0,"",$C$2:$C$701))',
    "G3": '{=NPS(IF($B$2:$B$701="","",$C$2:$C$701))', "G4": '{=NPS(-IF($C$2:$C$701="","",4))',
    "H11": '{=CHANNEL_MIX(IF(F1=4,0,IF($A$2:$A$701="","",$A$2:$A$701)),$B$2:$B$701)',
}  # fmt: skip


@pytest.mark.parametrize("strange", [False, True])
def test_a_block_comes_to_what_the_same_cells_come_to(strange: bool) -> None:
    """Texts of any capitals, numbers of 16 digits, blanks."""
    names = ["Ann", "ANN", "Éva", "éva", "bob"] if strange else ["Ann", "ANN", "bob", "eva", "x"]
    numbers = [0.3, 5.000000000000001, 5.0, 7.25, 1e9] if strange else [0.3, 0.25, 5.0, 7.25, 1e9]
    given = [None, 0.0, 10.0, 9.0, 4.0]
    columns = [(column * 140) for column in (names, numbers, given)]
    cells = {f"{letter}{row}": cell
             for letter, column in zip("ABC", columns, strict=True)
             for row, cell in enumerate(column, start=2) if cell is not None}  # fmt: skip
    apart = calculate(sheet_of(cells | OVER_BLOCKS))
    block = CellBlock(Area("Sheet1", 2, 1, 701, 3), columns)
    together = compute(read_package(sheet_of({"A1": "who", **OVER_BLOCKS})), [block])
    assert together.values == apart.values
    assert together.refused == apart.refused
    assert shown(together, "D1") == 280
    assert shown(together, "D2") == (280 if strange else 0)
    assert shown(together, "D3") == (560 if strange else 420)
    assert shown(together, "D4") == (280 if strange else 140)
    assert shown(together, "D5") == 140
    assert shown(together, "D6") == 280
    # 0, 10, 9 and 4: two each; without 0; -4 is no answer.
    assert [shown(together, f"G{row}") for row in (1, 3)] == [0.0, 0.0]
    assert shown(together, "G2") == pytest.approx(100 / 3)
    assert shown(together, "H11") == shown(together, "D11")


def test_a_held_range_follows_the_spill_that_fills_it() -> None:
    """A chain of spills over a range of more cells than are handed over one by one."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", [6, 8, 10])
        sheet.write_dynamic_array_formula("C1:C1", "=CAC(A1:A3,2)")
        sheet.write_dynamic_array_formula("E1:E1", "=CAC(C1:C3,1)")
        sheet.write_dynamic_array_formula("G1:G1", "=CAC(E1:E3,1)")
        sheet.write_formula("I1", "=_xlfn.XMATCH(5,G1:G20000)")
        sheet.write_formula("I2", "=SUMPRODUCT((G1:G20000=4)*1)")
        sheet.write_formula("I3", "=NPS(G1:G3)")
        chosen = "FILTER({}1:{}20000,G1:G20000>=3)"
        both = ",".join(chosen.format(letter, letter) for letter in "EG")
        sheet.write_dynamic_array_formula("I4:I4", f"=CORREL({both})")
        sheet.write_formula("I5", "=I4+1")

    result = calculate(written(fill))
    wanted = [3.0, 1.0, -100.0, 1.0, 2.0]
    assert [shown(result, f"I{row}") for row in range(1, 6)] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("formula", "compares"),
    [("=SUMPRODUCT(((A1:A4>1)+(A1:A4>2)*2>0)*1)", False),  # what counts by conditions is whole
     ("=SUMPRODUCT((1-(A1:A4>1)<>0)*1)", False),
     ("=SUMPRODUCT(((A1:A4>1)+0.5>0)*1)", True),
     ("=SUMPRODUCT(((A1:A4>1)%>0)*1)", True),
     ("=SUMPRODUCT(((A1:A4>1)*12345678*12345678>0)*1)", True),  # of more digits than Excel compares
     ('=YEAR(46000)&"-"&A1&"-"&A2', False)],
)  # fmt: skip
def test_what_is_as_excel_has_it_is_not_handed_over(formula: str, compares: bool) -> None:
    book = read_package(sheet_of({"A1": 0.5, "A2": 1.5, "A3": 2.5, "A4": None, "Z1": formula}))
    (text,) = embedded._Engine(book).texts.values()
    of_blocks = [part for part in text.split("KPIXL.") if part.startswith(("C((", "T(KPIXL.T"))]
    assert bool(of_blocks) == compares


# What is known of a formula from another workbook


def tables(book: xlsxwriter.Workbook) -> None:
    """Two columns in a table, which a name and other formulas mean."""
    sheet = book.add_worksheet("Data")
    columns = [{"header": "a"}, {"header": "b"}]
    sheet.add_table("A1:B4", {"name": "T", "columns": columns})
    book.add_worksheet("Other")
    book.define_name("Rate", "=Other!$A$1")


def read_in(text: str, context: formulas.Context) -> Any:
    """What is read of a formula, or why it is not."""
    try:
        return formulas.read(text, context)
    except RefusedError as refusal:
        return str(refusal)


BOOK = read_package(written(tables))
LONGER = replace(BOOK.tables["t"], area=Area("Data", 1, 1, 9, 2))
SWAPPED = replace(BOOK.tables["t"], columns=("b", "a"))
NUMBERS = CellBlock(Area("Data", 2, 1, 4, 1), [[1.0, 2.0, 3.0]])
TEXTS = CellBlock(Area("Data", 2, 1, 4, 1), [["1", "2", "ä"]])


@pytest.mark.parametrize(
    ("text", "here", "there"),
    [
        ("SUM(T[a])", {}, {"tables": {"t": LONGER}}),
        ("SUM(T[a])", {}, {"tables": {"t": SWAPPED}}),
        ("SUM(T[a])", {}, {"tables": {}}),
        ("T[@b]+[@a]", {"row": 2}, {"row": 3}),
        ("[@a]*2", {"row": 2}, {"tables": {"t": SWAPPED}, "row": 2}),
        ("Rate+1", {}, {"names": {(None, "rate"): "Other!$A$2"}}),
        ("Rate+1", {}, {"names": {**BOOK.names, ("Data", "rate"): "0.5"}}),
        ("Rate+1", {}, {"names": {}}),
        ("other!A1+1", {}, {"parts": {"Data": "", "OTHER": ""}}),
        ("AGGREGATE(9,5,Other!A1:A3)", {}, {"hidden": frozenset({"Other"})}),
        ("EDATE(A1,1)", {}, {"date1904": True}),
        ("SUM(--(T[a]=1))", {"blocks": (NUMBERS,)}, {"blocks": (TEXTS,)}),
        ("SUM(--(T[a]=1))", {"blocks": (NUMBERS,)}, {}),
    ],
)
def test_what_was_read_is_known_where_it_means_the_same(
    text: str, here: dict[str, Any], there: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def context(row: int | None = None, blocks: Any = (), **other: Any) -> formulas.Context:
        return formulas.Context(replace(BOOK, **other), "Data", row, 1, Constants(blocks))

    monkeypatch.setattr(formulas, "KNOWN", {})
    fresh = read_in(text, context(**there))
    formulas.KNOWN.clear()
    known = [read_in(text, context(**here)) for _ in range(2)]
    assert read_in(text, context(**there)) == fresh != known[0]
    assert read_in(text, context(**here)) is known[1] is known[0]


def test_a_kpi_of_ones_own_may_go_and_come(monkeypatch: pytest.MonkeyPatch) -> None:
    text, context = "TWICE_CAC(1,2)", formulas.Context(BOOK, "Data")
    missing = read_in(text, context)
    monkeypatch.setitem(METRICS, "TWICE_CAC", replace(METRICS["CAC"], name="TWICE_CAC"))
    assert read_in(text, context).text == text
    monkeypatch.setitem(METRICS, "TWICE_CAC", replace(METRICS["ROAS"], name="TWICE_CAC"))
    assert read_in(text, context).text == text
    monkeypatch.delitem(METRICS, "TWICE_CAC")
    assert read_in(text, context) == missing
