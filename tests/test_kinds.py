"""What cells hold, and what the engine is proven for: right, or kept with its reason.

What Excel makes of each kind of value where a number belongs is Microsoft's: a blank is 0, TRUE is
1, a text that is a number is that number, any other text is #VALUE!, an error is itself; and in a
range texts, blanks and logical values are left out. tests/native_kinds.csv has a call of each
function, with the arguments that are values in braces and the ranges as [].
"""

import csv
import math
import re
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from workbooks import SHEET, edited, sheet_of, written

from kpi_xl.engine import kinds, native
from kpi_xl.engine.embedded import Computed, calculate, evaluate_formula
from kpi_xl.engine.terms import FormulaError

HERE = Path(__file__).parent
NEWER = re.compile(
    r"\b(STDEV\.[SP]|VAR\.[SP]|PERCENTILE\.INC|QUARTILE\.INC|RANK\.EQ|IFS|IFNA|XOR|XLOOKUP|XMATCH"
    r"|NORM\.S\.INV|NORM\.S\.DIST|ISOWEEKNUM|MODE\.SNGL|NORM\.DIST|NORM\.INV|BINOM\.DIST|DAYS"
    r"|TEXTJOIN|AGGREGATE)\("
)
"""Functions that files name with a prefix."""


def stored(formula: str) -> str:
    return "=" + NEWER.sub(r"_xlfn.\1(", formula)


def put(sheet: Any, row: int, column: int, cell: Any) -> None:
    """A value into a cell: None is a blank, text with an equals sign a formula."""
    if isinstance(cell, str) and cell.startswith("="):
        sheet.write_formula(row, column, cell)
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell)
    elif cell is not None:
        sheet.write(row, column, cell)


# Workbooks in which the engine was wrong without a word


@pytest.mark.parametrize(
    ("book", "expected"),
    [
        (
            "cells_not_literals",
            {
                "K10": 0.0,
                "K11": 2.0,
                "K12": -0.448928,
                "K13": 1.0,
                "K14": 1.0,
                "K15": 1200.0,
                "K16": False,
                "K17": 0.0,
                "K18": "n",
            },
        ),
        ("crash_if_blank_condition", {"A1": 2.0, "A2": 2.0}),
        ("first_sheet_lower", {"C1": 200.0, "C2": 3.0, "C3": 600.0, "C4": "up", "C5": 3.0}),
    ],
)
def test_workbooks_that_came_out_wrong(book: str, expected: dict[str, Any]) -> None:
    result = calculate((HERE / "recalc" / f"{book}.xlsx").read_bytes())
    computed = {
        f"{chr(64 + column)}{row}": cell for (_, row, column), cell in result.values.items()
    }
    kept = {cell.rpartition("!")[2]: reason for cell, reason in result.refused.items()}
    for cell, right in expected.items():
        if cell in kept:
            assert len(kept[cell]) > 20
        else:
            assert computed[cell] == (
                pytest.approx(right, abs=1e-6) if isinstance(right, float) else right
            )
    assert len(kept) <= 6


# Each argument of each function, with each kind of value

SAMPLES: dict[int, Any] = {
    kinds.BLANK: None,
    kinds.LOGICAL: True,
    kinds.EMPTY: '=""',
    kinds.TEXT: "abc",
    kinds.DIGITS: "5",
    kinds.PATTERN: "a*",
    kinds.TILDE: "a~c",
    kinds.WORD: "TRUE",
    kinds.ODD: "2024-01-10",
    kinds.ERRORS["#DIV/0!"]: "=1/0",
    kinds.ERRORS["#VALUE!"]: '="a"*1',
    kinds.ERRORS["#REF!"]: "=INDEX(F1:F2,3)",
    kinds.ERRORS["#NUM!"]: "=SQRT(-1)",
    kinds.ERRORS["#N/A"]: "=NA()",
}
CODES = {bit: code for code, bit in kinds.ERRORS.items()}
AS_NUMBERS = {kinds.BLANK: 0.0, kinds.LOGICAL: 1.0, kinds.DIGITS: 5.0}
OTHERWISE: dict[tuple[str, int], Any] = {
    # Microsoft: TEXT hands texts on; IF, IFS and NOT take the words; XOR counts TRUE in a range.
    ("TEXT", kinds.LOGICAL): "TRUE",
    ("TEXT", kinds.EMPTY): "",
    ("TEXT", kinds.TEXT): "abc",
    ("TEXT", kinds.PATTERN): "a*",
    ("TEXT", kinds.TILDE): "a~c",
    ("VALUE", kinds.LOGICAL): "#VALUE!",
    ("IF", kinds.WORD): 2.0,
    ("IFS", kinds.WORD): 2.0,
    ("NOT", kinds.WORD): False,
    ("XOR", kinds.LOGICAL): False,  # with three numbers that are not 0: five that are TRUE, and one
}
ARGUMENT = re.compile(r"\{([^}]*)\}|\[\]")
NUMBERS = [4, 9, None, 7, 4]


def calls() -> list[tuple[str, str]]:
    with (HERE / "native_kinds.csv").open(newline="", encoding="utf-8") as file:
        return [(row["function"], row["call"]) for row in csv.DictReader(file)]


def called(call: str, place: int, cell: str) -> str:
    """A call with a cell or range for one of its arguments."""
    arguments = iter(range(9))

    def argument(found: re.Match[str]) -> str:
        if next(arguments) == place:
            return cell
        return "$F$1:$F$5" if found[0] == "[]" else found[1]

    return stored(ARGUMENT.sub(argument, call))


def test_each_kind_of_value_in_each_argument() -> None:
    """Beside each call stands the same one with the number that Excel takes the value for."""
    cases: list[tuple[str, str, int, int]] = []

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("F1", [4, 9, 4, 7, 2])
        sheet.write_column("G1", [1, 2, 3, 5, 8])
        for function, call in calls():
            for place, found in enumerate(ARGUMENT.finditer(call)):
                for kind, sample in SAMPLES.items():
                    top = 10 * len(cases)
                    ranged = found[0] == "[]"
                    for row, number in enumerate(NUMBERS if ranged else [None]):
                        blank = (ranged and row == 2) or not ranged
                        put(sheet, top + row, 10, sample if blank else number)
                        put(sheet, top + row, 12, AS_NUMBERS.get(kind) if not ranged else number)
                    bottom = top + (5 if ranged else 1)
                    for column, letter in ((0, "K"), (2, "M")):
                        cell = f"${letter}${top + 1}" + f":${letter}${bottom}" * ranged
                        sheet.write_formula(top, column, called(call, place, cell))
                    lazy = f"IF($F$1=4,{called(call, place, f'$K${top + 1}')[1:]})"
                    sheet.write_formula(top, 4, "=0" if ranged else f"={lazy}")
                    cases.append((function, call, kind, place if not ranged else -1))

    values = calculate(written(fill)).values
    computed, wrong = 0, []
    for number, (function, call, kind, place) in enumerate(cases):
        top = 10 * number + 1
        alike = values.get(("Sheet1", top, 3))
        right: Any = alike if kind in AS_NUMBERS or (place < 0 and kind not in CODES) else "#VALUE!"
        right = CODES.get(kind, OTHERWISE.get((function, kind), right))
        for column in (1, 5) if place >= 0 else (1,):
            shown = values.get(("Sheet1", top, column))
            if shown is None:
                continue
            computed += 1
            same = shown == right and isinstance(shown, bool) == isinstance(right, bool)
            if isinstance(shown, float) and isinstance(right, float):
                same = shown == pytest.approx(right, rel=1e-12)
            if not same:
                wrong.append(f"{call}, {kinds.names(kind)} at {place}: {shown!r}, not {right!r}")
    assert wrong == []
    assert computed > 2000


def test_functions_with_arguments_that_are_numbers_have_a_call() -> None:
    numbers = set("vnydzmbcego")
    needed = {
        name
        for name, signature in native.SIGNATURES.items()
        if numbers.intersection(re.sub(r"[^a-z]", "", signature)) - {"o", "n"} or "n" in signature
    }
    assert needed <= {function for function, _ in calls()} | {"CHOOSECOLS", "CHOOSEROWS"} | {
        "ROW", "COLUMN", "DATEVALUE", "FILTER", "XOR",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", kinds.EMPTY),
        ("12", kinds.DIGITS),
        (" -1.5e3 ", kinds.DIGITS),
        ("1,200", kinds.ODD),
        ("12%", kinds.ODD),
        ("2024-01", kinds.ODD),
        ("5. März", kinds.ODD),
        ("3 мая", kinds.ODD),
        ("2024年1月", kinds.ODD),
        ("\u0665", kinds.ODD),
        ("€ 5", kinds.ODD),
        ("10:30 pm", kinds.ODD),
        ("Week 5", kinds.TEXT),
        ("2024-Q1", kinds.TEXT),
        ("1_0", kinds.TEXT),
        ("north", kinds.TEXT),
        ("true", kinds.WORD),
        ("#N/A", kinds.WORD),
        (">=5", kinds.PATTERN),
        ("a?c", kinds.PATTERN),
        ("x~y", kinds.TILDE),
        ("20% off \U0001f600", kinds.TEXT | kinds.EMOJI),
    ],
)
def test_kinds_of_texts(text: str, kind: int) -> None:
    assert kinds.names(kinds.kind_of_text(text)) == kinds.names(kind)


# Errors inside functions that ask about them

ERRORS = {
    "#DIV/0!": "1/0|A1/0|AVERAGE(D1:D3)|MOD(5,0)|SLOPE({1;1},{2;2})|VAR(A1)|CORREL({1;1},{2;2})|"
    'AVERAGEIF(A1:A3,">99")|SUM(E1)|MEDIAN(E1:E2)|MAX(E1:E2)|ABS(E1)|ROUND(E1,1)|IF(E1,1,2)|'
    'INDEX(E1:E2,1)|LEFT(E1,1)|E1&"x"|FIND("b",E1)|SUMPRODUCT((E1:E2)*1)|E1=1|-E1|E1^2|'
    'VLOOKUP("k",H1:I2,2,FALSE)|CHOOSE(1,E1)|DATE(E1,1,1)|PMT(E1,1,1)|CAC(1,0)|EXACT(E1,"a")|'
    'TEXT(E1,"0")|LEN(E1)|SUBSTITUTE(E1,"a","b")|REPT(E1,2)|YEAR(E1)|EDATE(E1,1)|WEEKDAY(E1)|'
    "XOR(E1,TRUE)|AND(E1,TRUE)|NOT(E1)|N(E1)|T(E1)|LARGE(E1:E2,1)|SUMIF(A1:A3,E1,A1:A3)",
    "#N/A": "NA()|MATCH(99,A1:A3,0)|VLOOKUP(99,A1:B3,2,FALSE)|XLOOKUP(99,A1:A3,B1:B3)|MODE(A1:A3)|"
    "RANK(99,A1:A3)|HLOOKUP(99,A1:B3,2,FALSE)|SUM(F1)|IFS(FALSE,1)|XMATCH(99,A1:A3)|LARGE(A1:A3,F1)",
    "#VALUE!": '"a"*1|FIND("q","abc")|DATEVALUE("x")|C1*2|C1+1|ABS(C1)|MID("abc",0,1)|MONTH(C1)|'
    'LEFT("abc",-1)|REPT("a",-1)|LARGE(A1:A3,C1)',
    "#NUM!": "SQRT(-1)|LN(0)|LOG(-1)|LARGE(A1:A3,9)|SMALL(A1:A3,0)|PERCENTILE(A1:A3,2)|"
    'QUARTILE(A1:A3,7)|(-8)^(0.5)|NORM.S.INV(2)|DATEDIF(45001,45000,"d")|EXP(1000)|GEOMEAN(J1:J2)',
    "#REF!": "INDEX(A1:A3,9)|VLOOKUP(1,A1:B3,5,FALSE)",
}
QUESTIONS = {
    "ISERROR({})": lambda code: True,
    "ISERR({})": lambda code: code != "#N/A",
    "ISNA({})": lambda code: code == "#N/A",
    "ISNUMBER({})": lambda code: False,
    "ISTEXT({})": lambda code: False,
    "ISLOGICAL({})": lambda code: False,
    "ISBLANK({})": lambda code: False,
    'IFERROR({},"other")': lambda code: "other",
    'IFNA({},"other")': lambda code: "other" if code == "#N/A" else code,
    "{}": lambda code: code,
}


def test_errors_of_functions_that_others_ask_about() -> None:
    cells: dict[str, Any] = {"A1": 1, "A2": 2, "A3": 3, "B1": 4, "B2": 5, "B3": 6, "C1": "abc"}
    cells |= {"E1": "=1/0", "E2": 3, "F1": "=NA()", "H1": "k", "I1": "=1/0", "J1": -1, "J2": 2}
    right = {}
    for code, formulas in ERRORS.items():
        for formula in formulas.split("|"):
            for question, answer in QUESTIONS.items():
                cells[f"Z{len(right) + 1}"] = stored(question.format(formula))
                right["Sheet1", len(right) + 1, 26] = answer(code)
    values = calculate(sheet_of(cells)).values
    wrong = {
        cells[f"Z{place[1]}"]: (str(values[place]), str(expected))
        for place, expected in right.items()
        if place in values and str(values[place]) != str(expected)
    }
    assert wrong == {}
    assert len([place for place in right if place not in values]) < 50


# Criteria, orders, whole rows


def refused(result: Computed) -> set[str]:
    return {cell.rpartition("!")[2] for cell in result.refused}


def test_criteria_beside_what_may_be_the_same_number() -> None:
    """Excel takes a criterion and the texts in the cells for numbers and dates wherever it can."""
    cells: dict[str, Any] = {"A1": 23, "A2": "23", "A3": "x", "B1": 1, "B2": "north", "B3": "a*"}
    cells |= {"C1": "2024-01", "C2": "2024-02", "C3": "2024-01", "D1": "2024-01", "D2": "Jan 2024"}
    cells |= {
        "Z1": '=COUNTIF(A1:A3,"<>23")',
        "Z2": "=COUNTIF(A1:A3,A1)",
        "Z3": '=COUNTIF(A1:A3,"x")',
        "Z4": "=COUNTIF(B1:B3,1)",
        "Z5": '=SUMIF(B1:B3,">="&E1,B1:B3)',
        "Z6": '=COUNTIF(B1:B1,">="&E1)',
        "Z7": "=COUNTIF(C1:C3,C1)",
        "Z8": "=COUNTIF(C1:D3,C1)",
        "Z9": "=COUNTIF(B1:B3,E1)",
        "Z10": '=COUNTIF(B1:B3,"no"&"*")',
        "Z11": '=COUNTIF(B1:B3,">"&"m")',
        "Z12": "=COUNTIF(B1:B3,TRUE)",
        "Z13": "=COUNTIF(B1:B3,F1)",
        "Z14": "=COUNTIF(B1:B3,F2)",
        "Z15": "=MATCH(F1,B1:B3,0)",
        "Z16": '=COUNTIF(F1:F2,"=x~~y")',
        "Z17": '=XLOOKUP(F1,F1:F2,F1:F2,"")',
    }
    cells |= {"F1": "x~y", "F2": "a~*"}
    result = calculate(sheet_of(cells))
    assert refused(result) == {"Z1", "Z2", "Z5", "Z8", "Z9", "Z11", "Z13", "Z15"}
    shown = {f"Z{row}": cell for (_, row, column), cell in result.values.items() if column == 26}
    assert shown == {
        "Z3": 1.0, "Z4": 1.0, "Z6": 0.0, "Z7": 2.0, "Z10": 1.0, "Z12": 0.0, "Z14": 1.0,
        "Z16": 1.0, "Z17": "x~y",
    }  # fmt: skip


def test_criteria_that_compare_find_no_number_stored_as_text() -> None:
    """Excel's COUNTIF with ">0" leaves out texts that read as numbers; with "=23" it takes them."""
    cells: dict[str, Any] = {"A1": 23, "A2": "23", "A3": "2024-01-09", "A4": "x", "A5": 24}
    cells |= {"B1": 23, "B2": "23", "B3": "24", "B4": "x", "B5": "1234567890123456"}
    cells |= {
        "Z1": '=COUNTIF(A1:A5,">=1")',
        "Z2": '=COUNTIF(A1:A5,"<"&A5)',
        "Z3": '=MAXIFS(A1:A5,A1:A5,">=1",A1:A5,"<73051")',
        "Z4": '=COUNTIF(B1:B5,"="&B2)',
        "Z5": '=COUNTIF(B1:B5,"=24")',
        "Z6": '=COUNTIF(A1:A5,"=23")',
        "Z7": '=COUNTIF(B1:B5,"<>23")',
        "Z8": '=COUNTIF(B1:B5,"="&B5)',
    }
    result = calculate(sheet_of(cells))
    assert refused(result) == {"Z7"}
    shown = {f"Z{row}": cell for (_, row, column), cell in result.values.items() if column == 26}
    assert shown == {
        "Z1": 2.0, "Z2": 1.0, "Z3": 24.0, "Z4": 2.0, "Z5": 1.0, "Z6": 2.0, "Z8": 1.0,
    }  # fmt: skip


ALIKE = [
    # Excel reads the criterion and the cell as numbers: both are 1, and 15 digits count.
    ("1", "01", True), ("1", "1.0", True), ("-1", "1", False), ("618", "11.11", False),
    ("1e3", "1000", True), ("12345678901234567", "12345678901234568", True),
    ("123456789012345", "123456789012346", False), ("1.000", "1000", True), ("1.5", "2.5", False),
    ("11.11", "2024-11-11", True), ("11.11", "45607", True),
    ("\u0665", "5", True), ("\uff15", "6", False),
    ("50%", "0.5", True), ("1,234", "1234", True),
    # A date is its number; a month by itself is its first day, a day without year is this year's.
    ("2024-03", "45352", True), ("2024-03", "618", False), ("2024-03", "2024-04", False),
    ("Mar 2024", "2024-03", True), ("5 May", "2024-05-05", True), ("5 May", "6 May", False),
    ("1/2", "0.5", True), ("1/2", "2/1", False), ("½", "0.5", True), ("12:30", "0.5", True),
    ("03/04/2024", "2024-04-03", True), ("03/04/2024", "2024-05-03", False),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "alike"), ALIKE)
def test_a_criterion_that_may_be_the_same_number_or_date_as_another_text(
    one: str, other: str, alike: bool
) -> None:
    for criterion, text in ((one, other), (other, one)):
        for formula in ("=COUNTIF(A1:A3,C1)", '=COUNTIF(A1:A3,"="&C1)'):
            cells = {"A1": text, "A2": criterion, "A3": "x", "C1": criterion, "Z1": formula}
            result = calculate(sheet_of(cells))
            assert refused(result) == ({"Z1"} if alike else set()), (criterion, text, formula)
            if not alike:
                assert result.values["Sheet1", 1, 26] == 1.0


@pytest.mark.parametrize(
    ("criterion", "number", "alike"),
    [
        ("2024-03", 618.0, False), ("2024-03", 45352.0, True), ("2024-03", 11.11, False),
        ("5%", 0.05, True), ("5%", 0.06, False), ("1/2", 0.5, True), ("1 234", 1234.0, True),
    ],
)  # fmt: skip
def test_a_criterion_that_may_be_a_number_beside_numbers(
    criterion: str, number: float, alike: bool
) -> None:
    cells = {"A1": number, "A2": criterion, "C1": criterion, "Z1": '=COUNTIF(A1:A2,"="&C1)'}
    result = calculate(sheet_of(cells))
    assert refused(result) == ({"Z1"} if alike else set())
    assert alike or result.values["Sheet1", 1, 26] == 1.0


def test_a_text_that_reads_as_a_date_or_an_amount_is_found_by_itself() -> None:
    """Excel finds a text by a criterion of the same text, whatever it takes both for."""
    parts = "5", "05", "17", "2024", "24", "Mar", "March", "mai"
    texts = [
        *(mark.join(pair) for mark in "-/. ," for pair in permutations(parts, 2)),
        *(mark.join(three) for mark in "-/. " for three in permutations(("5", "3", "24"))),
        *(mark.join(three) for mark in "-/. " for three in permutations(("05", "Mar", "2024"))),
        *"12:30|7:05 PM|2024-03-01 10:00|10:00:30|1 1/2|½".split("|"),
        *"$5|5 €|5%|(5)|1,234|1.234,5|1 234|5e3|-5-".split("|"),
    ]
    texts = [text for text in texts if kinds.kind_of_text(text) in (kinds.ODD, kinds.DIGITS)]
    cells: dict[str, Any] = {}
    for row, text in enumerate(texts, start=1):
        # Each formula is another one, so that its criterion is the only one.
        cells |= {f"A{row}": text, f"B{row}": f"=COUNTIF(A{row}:A{row},A{row})+0*{row}"}
        cells |= {f"C{row}": f'=COUNTIF(A{row}:A{row},"="&A{row})+0*{row}'}
    result = calculate(sheet_of(cells))
    assert result.refused == {}
    assert set(result.values.values()) == {1.0}
    assert len(texts) > 150


def test_what_is_looked_up_in_an_order_is_sorted() -> None:
    cells: dict[str, Any] = {f"A{row}": cell for row, cell in enumerate([3, 1, 4, 1, 5], start=1)}
    cells |= {f"B{row}": cell for row, cell in enumerate([1, 3, 4, 6, 8], start=1)}
    cells |= {
        "Z1": "=MATCH(4,A1:A5,1)",
        "Z2": "=MATCH(4,B1:B5,1)",
        "Z3": "=MATCH(4,A1:A5,0)",
        "Z4": "=VLOOKUP(4,A1:B5,2)",
        "Z5": "=VLOOKUP(5,B1:B5,1)",
        "Z6": "=MATCH(4,B1:B5,-1)",
        "Z7": "=VLOOKUP(4,A1:B5,2,Z3=0)",
    }
    result = calculate(sheet_of(cells))
    assert refused(result) == {"Z1", "Z4", "Z6", "Z7"}
    assert [result.values["Sheet1", row, 26] for row in (2, 3, 5)] == [3.0, 3.0, 4.0]


def test_of_several_errors_in_a_block_none_is_shown() -> None:
    """Excel goes row by row, the engine column by column; and nobody says so."""
    cells: dict[str, Any] = {"A1": 1, "A2": "=SQRT(-1)", "B1": "=NA()", "B2": 2, "C1": "=NA()"}
    cells |= {"Z1": "=SUM(A1:B2)", "Z2": "=SUM(A1:A2)", "Z3": "=MAX(B1:C2)", "Z4": "=SUM(A1:C9,A2)"}
    cells |= {"Z5": "=CORREL(A1:A2,B1:B2)", "Z6": "=SUM(A1:A2,B1:B2)"}
    result = calculate(sheet_of(cells))
    assert refused(result) == {"Z1", "Z4", "Z5"}
    assert [result.values["Sheet1", row, 26] for row in (2, 3, 6)] == ["#NUM!", "#N/A", "#NUM!"]


def test_emoji_count_as_one_letter_or_as_two() -> None:
    """Excel counted two, and counts one in workbooks of its newer compatibility version."""
    cells: dict[str, Any] = {"A1": "a\U0001f600b", "A2": "a\u2713b", "A3": "\U0001f600"}
    counting = [
        "LEN(A1)",
        "LEFT(A1,2)",
        "RIGHT(A1,2)",
        "MID(A1,3,1)",
        'FIND("b",A1)',
        'LEN(A1&"x")',
    ]
    others = {
        'COUNTIF(A1:A3,"a?b")': None, 'A1&"c"': "a\U0001f600bc", "LEN(A2)": 3.0,
        "A1*1": "#VALUE!", "COUNTIF(A1:A3,A1)": 1.0, "A3=A1": False, "UPPER(A1)": "A\U0001f600B",
    }  # fmt: skip
    cells |= {f"Y{row}": f"={text}" for row, text in enumerate(counting, start=1)}
    cells |= {f"Z{row}": f"={text}" for row, text in enumerate(others, start=1)}
    result = calculate(sheet_of(cells))
    assert refused(result) == {*(f"Y{row}" for row in range(1, 7)), "Z1"}
    shown = [result.values.get(("Sheet1", row, 26)) for row in range(1, 8)]
    assert shown == list(others.values())


def test_when_payments_are_due_is_0_or_1() -> None:
    cells = {"A1": 0.5, "A2": 1, "Z1": "=PMT(0.01,12,100,0,A1)", "Z2": "=PMT(0.01,12,100,0,A2)"}
    result = calculate(sheet_of(cells))
    assert refused(result) == {"Z1"}
    # By hand: -100 / (1.01 * (1 - 1.01**-12) / 0.01)
    assert result.values["Sheet1", 2, 26] == pytest.approx(-8.796909770, abs=1e-9)


def test_a_whole_row_that_spills_is_refused() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        first = book.add_worksheet("First")
        first.write_row("A1", [1, 2, 3])
        sheet = book.add_worksheet()
        for row, text in enumerate(("=First!1:1", "=First!1:1*2", "=TRANSPOSE(First!A:A)")):
            sheet.write_dynamic_array_formula(f"A{row + 1}:XFD{row + 1}", text)
        sheet.write_formula("A9", "=SUM(First!1:1)")

    result = calculate(written(fill))
    assert refused(result) == {"A1", "A2", "A3"}
    assert result.values["Sheet2", 9, 1] == 6.0


def test_a_reason_names_the_cell_and_what_it_holds() -> None:
    result = calculate(sheet_of({"A1": "2024-01-10", "B1": "=MONTH(A1)", "B2": "=IF(1,MONTH(A1))"}))
    assert result.refused["Sheet1!B1"].startswith("MONTH reads a text that Excel may read")
    assert "Sheet1!A1" in result.refused["Sheet1!B1"]
    assert "MONTH" in result.refused["Sheet1!B2"]
    untaken = calculate(sheet_of({"A1": "2024-01-10", "B1": '=IF(A1="x",MONTH(A1),7)'}))
    assert untaken.values["Sheet1", 1, 2] == 7.0


# What Excel does otherwise than it says, or otherwise in each version


@pytest.mark.parametrize(
    "formula",
    [
        # LARGE and SMALL round a place that is not whole, which is nowhere documented.
        "LARGE(A1:A3,1.5)", "SMALL(A1:A3,1.5)", "LARGE(A1:A3,B1)", "SMALL(A1:A3,B1)",
        # Excel looks for quotation marks as they are; the engine takes them away.
        'COUNTIF(A1:A3,"""5""")', 'COUNTIF(A1:A3,"=""5""")', "COUNTIF(A1:A3,B2)",
        'SUMIF(A1:A3,">""4""")', 'SUMIFS(A1:A3,A1:A3,"<>"&B2)', 'COUNTIF(A1:A3,"""""")',
        # Microsoft warns of these units of DATEDIF.
        'DATEDIF(45000,45500,"yd")', 'DATEDIF(45000,45500,"md")', 'DATEDIF(45000,45500,"YM")',
        'DATEDIF(45000,45500,B2)',
        # -0 or 0, by the version.
        'TEXT(B3,"0")', 'TEXT(B3,"0%")', 'TEXT(B3,"0.00")', 'TEXT(B3,"#,##0")', 'TEXT(-0.4,"0")',
        # Microsoft: #NUM! where the quotient is too large; binary fractions have no exact rest.
        "MOD(1E20,3)", "MOD(A1,1E-20)", "MOD(134217728,1)", "MOD(1,0.1)", "MOD(5.3,B4)",
        "MOD(B5,1)",
        # A number between line ends or tabs.
        "B6+0", "B7*1", "-B6", "ROUND(B7,0)", "VALUE(B6)",
    ],
)  # fmt: skip
def test_what_is_not_known_of_excel_is_kept(formula: str) -> None:
    cells: dict[str, Any] = {"A1": 5, "A2": 3, "A3": 8, "B1": 2.5, "B2": '"5"', "B3": -0.001}
    cells |= {"B4": 0.1, "B5": "=2.9999999999999996", "B6": "5\n", "B7": "\t5", "Z1": f"={formula}"}
    assert refused(calculate(sheet_of(cells))) == {"Z1"}


def test_texts_in_quotation_marks_are_found_with_them() -> None:
    """To Excel's criteria they are signs like any other: only * ? ~ and the operators are none."""
    texts = ['"x"', "x", 'a"b', "ab", '"x', 'x"', 'say "hi"', '"a" and "b"', 'a" and "b', "'x'"]
    cells: dict[str, Any] = {}
    for row, text in enumerate(texts, start=1):
        cells |= {f"A{row}": text, f"B{row}": f"=COUNTIF($A$1:$A${len(texts)},A{row})"}
        cells |= {f"C{row}": f'=COUNTIF($A$1:$A${len(texts)},"="&A{row})'}
    result = calculate(sheet_of(cells))
    assert result.refused == {}
    assert set(result.values.values()) == {1.0}
    # The pattern that finds "x" in its marks would find yx" as well.
    alike = {"A1": '"x"', "A2": 'yx"', "Z1": "=COUNTIF(A1:A2,A1)"}
    assert refused(calculate(sheet_of(alike))) == {"Z1"}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("LARGE(A1:A3,2)", 5.0), ("SMALL(A1:A3,B1)", 5.0), ("LARGE(A1:A3,4)", "#NUM!"),
        ('DATEDIF(45000,45100,"D")', 100.0), ('DATEDIF(B2,B3,"m")', 0.0),
        ('DATEDIF(B4,B5,"y")', 0.0),
        ('TEXT(-0.6,"0")', "-1"), ('TEXT(-0.001,"0.000")', "-0.001"), ('TEXT(-0.01,"0%")', "-1%"),
        ('TEXT(0,"0")', "0"), ('TEXT(0.4,"0")', "0"), ('TEXT(TRUE,"0")', "TRUE"),
        ("MOD(-7,3)", 2.0), ("MOD(7,-3)", -2.0), ("MOD(-7.5,2)", 0.5), ("MOD(5,0.25)", 0.0),
        ("MOD(5.75,0.5)", 0.25), ("MOD(7,0)", "#DIV/0!"), ("MOD(45000.25,1)", 0.25),
        ("MOD(134217727,1)", 0.0), ('MOD(" 7 ",3)', 1.0), ('MOD("a",3)', "#VALUE!"),
        ("B6+0", 5.0),
    ],
)  # fmt: skip
def test_what_is_known_of_excel_beside_it(formula: str, value: Any) -> None:
    """By hand; DATEDIF counts whole months and years."""
    cells: dict[str, Any] = {"A1": 5, "A2": 3, "A3": 8, "B1": 2, "B2": "=DATE(2024,1,31)"}
    cells |= {"B3": "=DATE(2024,2,29)", "B4": "=DATE(2024,2,29)", "B5": "=DATE(2025,2,28)"}
    cells |= {"B6": " 5 ", "Z1": f"={formula}"}
    assert calculate(sheet_of(cells)).values["Sheet1", 1, 26] == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("SUMPRODUCT(A1:A4,B1:B4)", 5 * 2 + 3 * 3 + 3 * 5), ("SUMPRODUCT(A1:A4)", 11),
        ("SUMPRODUCT(A1:B2,A1:B2)", 25 + 9 + 4 + 9), ("SUMPRODUCT(A$1:A4,B$1:B4)", 34),
        ("SUMPRODUCT(--(B1:B4>2),A1:A4,B1:B4)", 24), ("SUMPRODUCT(-A1:A4,B1:B4+1)", -45),
        ("SUMPRODUCT(A1:A4)/SUM(B1:B4)", 11 / 14),
        # Other values than numbers count as 0 there, and ranges of other sizes are an error.
        ("SUMPRODUCT(A1:A4,C1:C4)", None), ("SUMPRODUCT(C1:C4)", None),
        ("SUMPRODUCT(B1:B4>2,A1:A4)", None), ("SUMPRODUCT(A1:A4,B1:B3)", None),
        ("SUMPRODUCT(A1:A2,B1:C1)", None), ("SUMPRODUCT(A1:A4,3)", None),
    ],
)  # fmt: skip
def test_sums_of_products_over_ranges(formula: str, value: float | None) -> None:
    cells: dict[str, Any] = {"A1": 5, "A2": 3, "A4": 3, "B1": 2, "B2": 3, "B3": 4, "B4": 5}
    cells |= {"C1": "x", "C2": 1, "C3": True, "C4": 2, "Z1": f"={formula}"}
    result = calculate(sheet_of(cells))
    assert result.values.get(("Sheet1", 1, 26)) == value
    assert refused(result) == (set() if value is not None else {"Z1"})


def test_an_empty_block_keeps_what_the_file_has() -> None:
    """A file holds #CALC! with what it is in another part, which is not written."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row("A1", [1, 2])
        sheet.write_dynamic_array_formula("F1:F1", "=FILTER(A1:A2,A1:A2>9)", None, 7)
        sheet.write_formula("G1", "=F1", None, 8)
        sheet.write_formula("H1", '=IFERROR(F1,"none")', None, 8)
        sheet.write_dynamic_array_formula("I1:I1", '=FILTER(A1:A2,A1:A2>9,"none")', None, 7)

    content = written(fill)
    result = calculate(content)
    assert refused(result) == {"F1", "G1", "H1"}
    assert "#CALC!" in result.refused["Sheet1!F1"]
    assert result.values["Sheet1", 1, 9] == "none"
    assert evaluate_formula("=FILTER(Sheet1!A1:A2,Sheet1!A1:A2>9)", content) == "#CALC!"
    with pytest.raises(FormulaError, match="#CALC!"):
        evaluate_formula("=Sheet1!F1", content)


def test_names_that_are_too_many_are_not_called_a_circle() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write("A1", 1)
        for number in range(31):
            twice = f"=twice_{number - 1}+twice_{number - 1}" if number else "=Sheet1!$A$1"
            book.define_name(f"twice_{number}", twice)
        book.define_name("ring_", "=1+ring_")
        names = "twice_3", "twice_16", "twice_30", "ring_"
        for row, name in enumerate(names):
            sheet.write_formula(row, 2, f"={name}")

    result = calculate(written(fill))
    assert result.values["Sheet1", 1, 3] == 8.0
    assert "too long" in result.refused["Sheet1!C2"]
    assert "too many" in result.refused["Sheet1!C3"]
    assert "leads back to itself" in result.refused["Sheet1!C4"]


ONLY_SOME_EQUAL = [
    ("Stra\u00dfe", "Strasse"), ("\ufb01n", "fin"), ("caf\u00e9", "cafe\u0301"), ("a\u00adb", "ab"),
    ("\u212a", "k"), ("\u03b1\u03c2", "\u03b1\u03c3"), ("\u0131", "I"), ("\uff21", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), ONLY_SOME_EQUAL)
def test_texts_that_only_some_rules_call_equal(one: str, other: str) -> None:
    cells = {"A1": one, "A2": other, "Z1": "=A1=A2", "Z2": "=A2<>A1", "Z3": f'=A1="{other}"'}
    cells |= {"Z4": "=IF(A1=A2,1,2)", "Z5": "=A1=A1"}
    result = calculate(sheet_of(cells))
    assert refused(result) == {"Z1", "Z2", "Z3", "Z4"}
    assert result.values["Sheet1", 5, 26] is True


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("\u00c4pfel", "\u00e4PFEL", True),
        ("\u041c\u043e\u0441\u043a\u0432\u0430", "\u043c\u041e\u0441\u043a\u0432\u0430", True),
        ("Stra\u00dfe", "STRA\u00dfE", True),
        ("Stra\u00dfe", "Berlin", False), ("\u00e9", "e", False),
        ("\u0645\u06cc\u200c\u0631\u0648\u0645", "\u0645\u06cc\u200c\u0631\u0648\u062f", False),
        ("\u5317\u4eac", "\u5317\u4eac", True),
        ("\u5317\u4eac", "\u4e0a\u6d77", False),
    ],
)  # fmt: skip
def test_ordinary_texts_of_other_letters_are_compared(one: str, other: str, equal: bool) -> None:
    result = calculate(sheet_of({"A1": one, "A2": other, "Z1": "=A1=A2", "Z2": "=A1<>A2"}))
    assert [result.values.get(("Sheet1", row, 26)) for row in (1, 2)] == [equal, not equal]


# Formulas that are the same all down a column


def filled_down(rows: int, formulas: list[str], *, shared: bool) -> bytes:
    """Two columns of numbers and some of formulas, as Excel stores them: {r} is the row."""
    lines = []
    for row in range(1, rows + 1):
        cells = f'<c r="A{row}"><v>{row * 37 % 101 + 1}</v></c>'
        cells += f'<c r="B{row}"><v>{row * 17 % 13 + 1}</v></c>'
        for number, formula in enumerate(formulas):
            letter = "DEFGHIJ"[number]
            text = formula.format(r=row, p=max(row - 1, 1))
            tag = f"<f>{text}</f>"
            if shared:
                first = f' ref="{letter}1:{letter}{rows}"' if row == 1 else ""
                text = text if row == 1 else ""
                tag = f'<f t="shared"{first} si="{number}">{text}</f>'
            cells += f'<c r="{letter}{row}">{tag}<v>0</v></c>'
        lines.append(f'<row r="{row}">{cells}</row>')
    return edited(sheet_of({}), SHEET, "<sheetData/>", f"<sheetData>{''.join(lines)}</sheetData>")


COLUMNS = [
    "A{r}*B{r}",
    "D{r}/B{r}",
    "IF(A{r}&gt;50,D{r},0)",
    "ROUND(D{r}*0.19,2)",
    "SUM(A$1:A{r})",
    'SUMIF($A$1:$A$40,"&gt;"&amp;B{r},B$1:B$40)',
    'A{r}&amp;"A{r} $A$1"',
]


def test_shared_formulas_are_computed_as_those_written_out() -> None:
    plain = calculate(filled_down(40, COLUMNS, shared=False))
    shared = calculate(filled_down(40, COLUMNS, shared=True))
    assert plain.refused == shared.refused == {}
    for (sheet, row, column), cell in shared.values.items():
        if column != 10:  # whose literal text is another in each row where it is written out
            assert plain.values[sheet, row, column] == cell
    spend = [row * 37 % 101 + 1 for row in range(1, 41)]
    assert [shared.values["Sheet1", row, 8] for row in (1, 2, 40)] == [
        spend[0], sum(spend[:2]), sum(spend),
    ]  # fmt: skip
    assert shared.values["Sheet1", 7, 10] == f"{spend[6]}A1 $A$1"
    assert plain.values["Sheet1", 7, 10] == f"{spend[6]}A7 $A$1"


def test_a_shared_formula_may_lead_off_the_sheet() -> None:
    """Excel goes on at the other end of the sheet."""
    book = filled_down(3, ["A1048575+1"], shared=True)
    result = calculate(book)
    assert {row: cell for (_, row, _), cell in result.values.items()} == {1: 1.0, 2: 1.0, 3: 39.0}


def test_a_ring_of_a_thousand_cells_and_a_long_chain() -> None:
    """Each formula is looked at once, however they hang together."""
    cells: dict[str, Any] = {f"A{row}": f"=A{row % 1000 + 1}+1" for row in range(1, 1001)}
    cells |= {f"B{row}": f"=B{row - 1}+1" for row in range(2, 20_001)} | {
        "B1": "=OFFSET(A1,N(0),1)"
    }
    cells |= {"C1": 1, **{f"C{row}": f"=C{row - 1}+1" for row in range(2, 20_001)}}
    result = calculate(sheet_of(cells))
    assert len(result.refused) == 21_000
    assert "circular" in result.refused["Sheet1!A500"]
    assert result.values["Sheet1", 20_000, 3] == 20_000.0


def test_many_values_are_of_the_kinds_of_each() -> None:
    values = [None, 1.0, 60.0, 61.0, 2958466.0, -0.5, 0, -3, math.nan, True, False, "", "a", "a",
              "3", "#N/A", "x~", "\U0001f600", {"kind": "Div"}, {"kind": "?"}]  # fmt: skip
    assert kinds.kinds_of(values).tolist() == list(map(kinds.kind_of, values))
    assert kinds.kinds_of([]).tolist() == []
