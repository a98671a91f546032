"""Functions of Excel that we compute ourselves, and forms that are read as others.

Single cases are in tests/native_formulas.csv; here is what takes cells around it.
"""

from typing import Any

import pytest
from workbooks import sheet_of

from kpi_xl.engine.embedded import Computed, calculate


def column(result: Computed, letter: str) -> dict[str, Any]:
    """The values of the formulas in a column, by their cells."""
    number = ord(letter) - 64
    return {f"{letter}{row}": cell for (_, row, at), cell in result.values.items() if at == number}


def kept(result: Computed) -> dict[str, str]:
    return {cell.rpartition("!")[2]: reason for cell, reason in result.refused.items()}


def test_aggregate_on_the_data_of_microsofts_page() -> None:
    first = ["=1/0", 72, 30, "=SQRT(-1)", 31, 96, 32, 81, 33, 53, 34]
    second = [82, 65, 95, 63, 53, 71, 55, 83, 100, 91, 89]
    cells: dict[str, Any] = {f"A{row}": cell for row, cell in enumerate(first, start=1)}
    cells |= {f"B{row}": cell for row, cell in enumerate(second, start=1)}
    cells |= {
        "C1": "=AGGREGATE(4,6,A1:A11)",
        "C2": "=AGGREGATE(14,6,A1:A11,3)",
        "C3": "=AGGREGATE(12,6,A1:A11,B1:B11)",
        "C4": "=AGGREGATE(15,6,A1:A11)",
        "C5": "=AGGREGATE(9,4,A1:A4)",
        "C6": "=AGGREGATE(9,4,A1:A3)",
        "C7": "=AGGREGATE(C6,6,A1:A11)",
    }
    result = calculate(sheet_of(cells))
    assert column(result, "C") == {"C1": 96.0, "C2": 72.0, "C3": 68.0, "C6": "#DIV/0!"}
    assert set(kept(result)) == {"C4", "C5", "C7"}  # which of two errors it shows is not known


def test_totals_among_the_cells_of_a_total() -> None:
    """Microsoft: SUBTOTAL leaves out other subtotals, AGGREGATE too with the options 0 to 3."""
    cells = {
        "A1": 1, "A2": 2, "A3": "=SUBTOTAL(9,A1:A2)", "A4": 5, "A5": "=SUBTOTAL(9,A1:A4)",
        "A6": "=SUBTOTAL(9,A1:A2)+1", "A7": "=SUBTOTAL(9,A1:A6)", "A8": "=AGGREGATE(9,3,A1:A4)",
        "A9": "=AGGREGATE(9,7,A1:A4)", "A10": "=AGGREGATE(9,3,A1:A2)",
        "C1": 4, "C2": "=1/0", "D1": "=SUBTOTAL(9,C1:C2)", "D2": "=SUBTOTAL(2,C1:C2)",
    }  # fmt: skip
    result = calculate(sheet_of(cells))
    assert column(result, "A") == {"A3": 3, "A5": 8, "A6": 4, "A9": 11, "A10": 3}
    assert column(result, "D") == {"D1": "#DIV/0!"}
    assert "leave out Sheet1!A6" in kept(result)["A7"]
    assert set(kept(result)) == {"A7", "A8", "D2"}


def test_hidden_rows() -> None:
    import xlsxwriter
    from workbooks import written

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", [1, 2, 3])
        sheet.set_row(1, None, None, {"hidden": True})
        for row, option in enumerate((4, 5, 6, 7), start=1):
            sheet.write_formula(f"B{row}", f"=AGGREGATE(9,{option},A1:A3)")

    result = calculate(written(fill))
    assert column(result, "B") == {"B1": 6.0, "B3": 6.0}


def test_what_may_be_the_same_is_not_told_apart() -> None:
    """Whether Excel takes these for one value is not known, nor in which order it has them."""
    cells: dict[str, Any] = {
        "A1": 0, "A2": None, "A3": 3, "A4": 0.3, "A5": "=0.1+0.2", "A6": "north", "A7": "x-1",
    }  # fmt: skip
    for row, text in enumerate(
        ["UNIQUE(A1:A2)", "UNIQUE(A4:A5)", "SORT(A3:A6)", "SORT(A6:A7)", "UNIQUE(A3:A999)",
         "UNIQUE(A2:A3)", "UNIQUE(A6:A7)"], start=1,
    ):  # fmt: skip
        cells[f"C{10 * row}"] = f"{{={text}}}"
    result = calculate(sheet_of(cells))
    assert set(kept(result)) == {f"C{10 * row}" for row in range(1, 6)}
    assert result.values["Sheet1", 60, 3] == [[0.0], [3.0]]
    assert result.values["Sheet1", 70, 3] == [["north"], ["x-1"]]


def test_looking_up_among_values_of_other_kinds() -> None:
    """The next larger of a number may be a text, as Excel has it; in what order is not told."""
    cells: dict[str, Any] = {"A1": 2, "A2": 5, "A3": "x", "A4": 3, "B1": "a", "B2": "b", "B4": "d"}
    cells |= {
        "C1": '=XLOOKUP(4,A1:A4,B1:B4,"none",1)',
        "C2": '=XLOOKUP(6,A1:A4,B1:B4,"none",1)',
        "C3": '=XLOOKUP(6,A1:A2,B1:B2,"none",1)',
        "C4": '=XLOOKUP("x",A1:A4,B1:B4,"none",0,-1)',  # what it finds is blank
        "C5": '=XLOOKUP(5,A1:A4,B1:B4,"none",0,2)',  # they are not sorted
        "C6": '=XLOOKUP(5,A1:A2,B1:B2,"none",0,2)',
        "C7": "=XMATCH(4,A1:A4,-1)",
    }
    result = calculate(sheet_of(cells))
    assert column(result, "C") == {"C1": "b", "C3": "none", "C6": "b", "C7": 4.0}


def test_forms_that_are_read_as_others_move_with_their_formulas() -> None:
    cells: dict[str, Any] = {f"A{row}": row for row in range(1, 31)}
    rows = range(2, 21)
    cells |= {f"B{row}": f"=SUM(OFFSET(A{row},-1,0,3,1))" for row in rows}
    cells |= {f"C{row}": f'=INDIRECT("A1")+A{row}' for row in rows}
    cells |= {f"D{row}": f"=LET(x,A{row},y,OFFSET(x,1,0),x*y+x)" for row in rows}
    cells |= {"E1": 0} | {f"E{row}": f"=OFFSET(E{row},-1,0)+A{row}" for row in rows}
    cells |= {"F1": "=OFFSET(A1,-1,0)", "F2": "=INDIRECT(A1)", "F3": "=LET(x,1)", "F4": "=_xlpm.x"}
    result = calculate(sheet_of(cells))
    assert set(kept(result)) == {"F1", "F2", "F3", "F4"}
    assert column(result, "B") == {f"B{row}": 3.0 * row for row in rows}
    assert column(result, "C") == {f"C{row}": 1.0 + row for row in rows}
    assert column(result, "D") == {f"D{row}": row * (row + 1.0) + row for row in rows}
    assert column(result, "E") == {f"E{row}": row * (row + 1) / 2 - 1 for row in rows}


def test_blanks_below_the_last_row_are_texts_between_others() -> None:
    cells = {"A1": "a", "B1": '=TEXTJOIN(",",FALSE,A1:A5)', "B2": '=TEXTJOIN(",",TRUE,A1:A5)'}
    result = calculate(sheet_of(cells))
    assert result.values["Sheet1", 2, 2] == "a"
    assert set(kept(result)) == {"B1"}


def test_a_text_longer_than_a_cell_is_an_error() -> None:
    """Microsoft: more than 32,767 characters are #VALUE!."""
    cells = {"A1": "=REPT(12345678,4000)", "B1": "=CONCAT(A1,A1)", "B2": '=TEXTJOIN("",TRUE,A1:A1)'}
    result = calculate(sheet_of(cells))
    assert column(result, "B") == {"B1": "#VALUE!", "B2": "12345678" * 4000}


@pytest.mark.parametrize(
    ("holidays", "end"),
    [([], 45373.0), ([45359], 45376.0), ([45359, 45361, 45373], 45377.0), ([45352], 45373.0)],
)
def test_working_days_count_back(holidays: list[int], end: float) -> None:
    """By hand, from Friday, 1 March 2024: fifteen working days on is Friday, the 22nd."""
    cells: dict[str, Any] = {"A1": 45352} | {f"B{n}": day for n, day in enumerate(holidays, 1)}
    cells |= {"C1": "=WORKDAY(A1,15,B1:B3)", "C2": "=WORKDAY(C1,-15,B1:B3)"}
    cells |= {"C3": "=NETWORKDAYS(A1+1,C1,B1:B3)"}
    result = calculate(sheet_of(cells))
    back = 45352.0 if holidays != [45352] else 45351.0
    assert column(result, "C") == {"C1": end, "C2": back, "C3": 15.0}


def test_cells_far_below_the_others() -> None:
    """What lies between them is not looked at, and their rows stay theirs."""
    cells: dict[str, Any] = {"A1": 1, "A2": "5", "A900000": 7, "A1048576": "x"}
    cells |= {
        "B1": "=A900000+A1",
        "B2": "=SUM(A:A)",
        "B3": '=COUNTIF(A1:A900000,"<>5")',
        "B4": "=A1048576*2",
        "B900000": "=A1*2",
        "B1048576": "=A2+B900000",
    }
    result = calculate(sheet_of(cells))
    assert column(result, "B") == {
        "B1": 8.0, "B2": 8.0, "B4": "#VALUE!", "B900000": 2.0, "B1048576": 7.0,
    }  # fmt: skip
    assert "Sheet1!A2" in kept(result)["B3"]


def test_blanks_of_blocks_are_0_where_they_are_shown_and_unknown_within() -> None:
    cells: dict[str, Any] = {"A1": 3, "A3": 4, "B1": "x", "B2": "y", "B3": "z"}
    cells |= {
        "D1": "{=UNIQUE(A1:A3)}",
        "E1": "{=SORTBY(A1:A3,B1:B3,-1)}",
        "F1": "=COUNTA(UNIQUE(A1:A3))",
        "F2": '=TEXTJOIN(",",FALSE,SORTBY(A1:A3,B1:B3))',
        "F3": "=COUNTA(UNIQUE(B1:B3))",
        "F4": "=AGGREGATE(2,4,A1:A3,G1:G1)",
        "F5": "=AGGREGATE(13,6,H1:H4)",
        "F6": "=AGGREGATE(13,6,H1:H3)",
        "F7": '=XLOOKUP("y",B1:B2,H1:H3,"none",0,-1)',
        "G1": "=1/0",
    }
    cells |= {f"H{row}": value for row, value in enumerate([2, 5, 2, 5], start=1)}
    result = calculate(sheet_of(cells))
    assert result.values["Sheet1", 1, 4] == [[3.0], [0.0], [4.0]]
    assert result.values["Sheet1", 1, 5] == [[4.0], [0.0], [3.0]]
    assert column(result, "F") == {"F3": 3.0, "F6": 2.0}
    assert set(kept(result)) == {"F1", "F2", "F4", "F5", "F7"}


def test_wildcards_are_tried_once() -> None:
    """A hundred asterisks over a long text: each piece is taken where it comes first, for good."""
    many = "*a" * 120
    cells = {"A1": "a" * 32_000, "A2": f"{many}*b", "A3": f"{many}*", "A4": "xaxbxa"}
    result = calculate(
        sheet_of(
            cells
            | {
                "B1": "=SEARCH(A2,A1)",
                "B2": "=SEARCH(A3,A1)",
                "B3": '=SEARCH("a*a",A4)',
                "B4": '=SEARCH("b?a",A4)',
                "B5": '=SEARCH("*b*x?",A4)',
                "B6": '=XMATCH("*a*b*",A1:A4,2)',
            }
        )
    )
    assert result.refused == {}
    shown = {f"B{row}": value for (_, row, column), value in result.values.items() if column == 2}
    assert shown == {"B1": "#VALUE!", "B2": 1.0, "B3": 2.0, "B4": 4.0, "B5": 1.0, "B6": 2.0}


def test_numbers_that_differ_in_their_last_digits_are_not_told_apart() -> None:
    """Below what PERCENTILE gives, 3.8185309649543897, AVERAGEIFS has no such cell in a workbook of
    the Energy Policy Simulator, though the criterion is "<3.81853096495439", which is more."""
    cells: dict[str, Any] = {
        "A1": "=0.1+0.2", "A2": 0.2, "A3": 0.5, "A4": 2581.4033740601, "A5": 2581.4033740602,
        "B1": '=COUNTIF(A1:A3,"<="&A1)', "B2": '=COUNTIF(A2:A3,"<="&A1)',
        "B3": "=COUNTIF(A1:A3,A3)",
        "B4": '=COUNTIF(A1:A3,"<=0.3")', "B5": '=COUNTIFS(A1:A3,"<=0.29")',
        "B6": "=COUNTIF(A1:A3,A1)", "C2": "=A4=A5", "C3": "=A4<A5", "C4": "=A4<=A5+1",
        "C5": "=A4=A4",
    }  # fmt: skip
    result = calculate(sheet_of(cells))
    assert column(result, "B") == {"B2": 1.0, "B3": 1.0, "B5": 1.0, "B6": 1.0}
    assert column(result, "C") == {"C4": True, "C5": True}
    assert set(kept(result)) == {"B1", "B4", "C2", "C3"}


def test_a_line_through_other_values_than_numbers_is_refused() -> None:
    cells: dict[str, Any] = {
        "A1": 1, "A2": 2, "A3": "x", "A4": "=1/0", "B1": 1, "B2": 2, "B3": 3, "B4": 4, "B6": 5,
        "C1": "=TREND(A1:A2,B1:B2,B6)", "C2": "=TREND(A1:A3,B1:B3,B6)",
        "C3": "=TREND(A3:A4,B3:B4,B6)", "C4": "=TREND(A1:A2,B1:B2,B5)",
        "C5": "=TREND(A1:A2,B4:B5,B6)", "C6": "=TREND(A1:A2,B1:B2,A4)",
        "C7": "=TREND(A1:A2,B1:B2,A3)", "C8": "=TREND(A1:A2,B1:B2,0)",
        "C9": "=TREND(A1:B2,A1:B2,1)",
    }  # fmt: skip
    result = calculate(sheet_of(cells))
    assert column(result, "C") == {"C1": 5.0, "C6": "#DIV/0!"}
    assert set(kept(result)) == {"C2", "C3", "C4", "C5", "C7", "C8", "C9"}
    values: dict[str, Any] = {"A1": "=IRR(B1:B3)", "A2": '=IRR(B1:B3,"x")', "A3": "=IRR(B1:B4)"}
    values |= {"B1": -2, "B2": "x", "B3": 1, "B4": "=1/0", "A4": "=IRR(B1:B3,B4)"}
    result = calculate(sheet_of(values))
    assert column(result, "A") == {"A1": -0.5, "A4": "#DIV/0!"}
    assert set(kept(result)) == {"A2", "A3"}
