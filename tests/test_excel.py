"""The functions in Excel for Windows (COM) and in Office.js, through xlwings' own code.

Whatever way the cells take, the answer is that of `cells.evaluate`.
"""

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kpi_xl import cells
from kpi_xl.metrics import METRICS
from kpi_xl.reference import argument_help, one_line

OMITTED = object()
MISSING = -2147352572  # how COM says that an argument was left out

# The error codes of Excel's COM interface and of Office.js, as Microsoft documents them.
COM_ERRORS = {
    "#NULL!": -2146826288,
    "#DIV/0!": -2146826281,
    "#VALUE!": -2146826273,
    "#REF!": -2146826265,
    "#NAME?": -2146826259,
    "#NUM!": -2146826252,
    "#N/A": -2146826246,
}
NEWER_COM_ERRORS = {"#SPILL!": -2146826243, "#CALC!": -2146826238}
OFFICE_ERRORS = {
    "#NULL!": "Null",
    "#DIV/0!": "Div0",
    "#VALUE!": "Value",
    "#REF!": "Ref",
    "#NAME?": "Name",
    "#NUM!": "Num",
    "#N/A": "NotAvailable",
}

# Ann and Dan come in January, Ann again in February, when Bob is new.
CUSTOMERS = [["Ann"], ["Dan"], ["Ann"], ["Bob"]]
DAYS = [datetime(2024, 1, 5), datetime(2024, 1, 31, 18, 30), datetime(2024, 2, 1)]
DATES = [[day] for day in (*DAYS, datetime(2024, 2, 29))]

# Function, arguments, result.
CASES: dict[str, tuple[str, list[Any], Any]] = {
    "numbers": ("CAC", [1000.0, 50.0], 1000 / 50),
    "last ones left out": ("CLV", [50.0, 4.0, 3.0], 50 * 4 * 3),
    "one in the middle left out": ("CLV", [50.0, 4.0, 3.0, OMITTED, 0.0], 50 * 4 * 3),
    "left out before a rate": (
        "CLV",
        [50.0, 4.0, 3.0, OMITTED, 0.1],
        50 * 4 * (1.1**-1 + 1.1**-2 + 1.1**-3),
    ),
    "a blank option": ("CLV", [50.0, 4.0, 3.0, None, 0.0], 50 * 4 * 3),
    "zero is not blank": ("CLV", [50.0, 4.0, 3.0, 0.0, 0.0], 0),
    "a blank numerator": ("CAC", [None, 50.0], 0),
    "an empty text": ("CAC", ["", 50.0], 0),
    "a blank denominator": ("CAC", [1000.0, None], "#DIV/0!"),
    "a zero denominator": ("CAC", [1000.0, 0.0], "#DIV/0!"),
    "outside the domain": ("CAC", [1000.0, -5.0], "#NUM!"),
    "too large": ("CAC", [1e308, 1e-10], "#NUM!"),
    "text": ("CAC", ["abc", 50.0], "#VALUE!"),
    "a number as text": ("CAC", ["1000", 50.0], "#VALUE!"),
    "TRUE": ("CAC", [True, 50.0], 1 / 50),
    "a currency cell": ("CAC", [Decimal("1000.5"), Decimal("50")], 1000.5 / 50),
    "a date as a number": (
        "CAC",
        [datetime(2024, 1, 1), 2.0],
        (datetime(2024, 1, 1) - datetime(1899, 12, 30)).days / 2,
    ),
    **{f"the error {error}": ("CAC", [error, 50.0], error) for error in COM_ERRORS},
    "an error before text": ("CAC", ["abc", "#REF!"], "#REF!"),
    "an error in an option": ("CLV", [50.0, 4.0, 3.0, "#N/A", 0.0], "#N/A"),
    "an error in a column": ("NPS", [[[10.0], ["#N/A"]]], "#N/A"),
    "two columns": (
        "CAC",
        [[[100.0], [200.0], [300.0]], [[50.0], [0.0], [100.0]]],
        [[100 / 50], ["#DIV/0!"], [300 / 100]],
    ),
    "a row": ("CAC", [[[100.0, 200.0, 300.0]], 50.0], [[100 / 50, 200 / 50, 300 / 50]]),
    "a column and a row": (
        "CAC",
        [[[100.0], [200.0]], [[10.0, 20.0]]],
        [[100 / 10, 100 / 20], [200 / 10, 200 / 20]],
    ),
    "all sorts in a column": (
        "CAC",
        [[[1000.0], [None], ["#NULL!"], ["abc"], [Decimal("0.5")], [True]], 50.0],
        [[1000 / 50], [0], ["#NULL!"], ["#VALUE!"], [0.5 / 50], [1 / 50]],
    ),
    "columns that do not fit": ("CAC", [[[1.0], [2.0]], [[1.0], [2.0], [3.0]]], "#VALUE!"),
    "one cell in a column": ("NPS", [9.0], 100),
    "blanks in a column": ("NPS", [[[10.0], [None], [9.0], [0.0]]], 100 * (2 - 1) / 3),
    "nothing in a column": ("NPS", [[[None], [None]]], "#N/A"),
    # Median 11, and 1 the median distance from it: 95 alone is far out.
    "true and false": (
        "KPI_ANOMALY",
        [[[10.0], [11.0], [10.0], [12.0], [95.0]]],
        [[False]] * 4 + [[True]],
    ),
    "a table with a blank": (
        "COHORT",
        [CUSTOMERS, DATES],
        [["cohort", "size", 0, 1], ["2024-01", 2, 1, 1 / 2], ["2024-02", 1, 1, ""]],
    ),
    "a word after two left out": (
        "COHORT",
        [CUSTOMERS, DATES, OMITTED, OMITTED, "Customers"],
        [["cohort", "size", 0, 1], ["2024-01", 2, 2, 1], ["2024-02", 1, 1, ""]],
    ),
    "an unknown word": ("COHORT", [CUSTOMERS, DATES, OMITTED, "month"], "#VALUE!"),
    "a date as an option": (
        "COHORT",
        [CUSTOMERS, DATES, OMITTED, "M", "customers", datetime(2024, 1, 31)],
        [["cohort", "size", 0], ["2024-01", 2, 2]],
    ),
    "a block that keeps its columns": (
        "FUNNEL_BY",
        [
            [["ads"], ["mail"]],
            [[45292.0, datetime(2024, 1, 2)], [45293.0, None]],
            [["Lead", "Won"]],
        ],
        [["segment", "Lead", "Won", "Lead → Won"], ["ads", 1, 1, 1], ["mail", 1, 0, 0]],
    ),
    "a block shorter than its column": (
        "FUNNEL_BY",
        [[["ads"], ["mail"], ["ads"]], [[45292.0, 45293.0], [45293.0, None]], OMITTED],
        "#VALUE!",
    ),
    "text that looks like an error": (
        "RFM",
        [[["#1"]], [[45292.0]], [[10.0]], OMITTED, 2.0],
        [
            ["customer", "recency days", "frequency", "monetary", "R", "F", "M", "segment"],
            ["#1", 0, 1, 10, 1, 1, 1, "Lost"],
        ],
    ),
    "no arguments": (
        "KPI_LIST",
        [],
        [["name", "category", "definition"]]
        + [[metric.name, metric.family, metric.summary] for metric in METRICS.values()],
    ),
}


def literal(text: str) -> Any:
    """An argument of an example's formula: a number, a text, an array, a date, or nothing."""
    if not text:
        return OMITTED
    if text.startswith("{"):
        return [[literal(cell) for cell in row.split(",")] for row in text[1:-1].split(";")]
    if text.startswith("DATE("):
        return datetime(*map(int, re.findall(r"\d+", text)))
    return text.strip('"') if text.startswith('"') else float(text)


def arguments(formula: str) -> list[Any]:
    inside = formula[formula.index("(") + 1 : -1]
    return list(map(literal, re.split(r",(?![^{(]*[})])", inside)))


EXAMPLES = {
    f"={name}": (name, arguments(metric.example[0]), metric.example[1])
    for name, metric in METRICS.items()
}
CALLS = {case: (name, given) for case, (name, given, _) in {**CASES, **EXAMPLES}.items()}


def block(result: Any) -> list[list[Any]]:
    return result if isinstance(result, list) else [[result]]


def mapped(change: Any, argument: Any) -> list[list[Any]]:
    return [[change(cell) for cell in row] for row in block(argument)]


def evaluated(case: str) -> Any:
    name, given = CALLS[case]
    return cells.evaluate(METRICS[name], [None if a is OMITTED else a for a in given])


def complete(name: str, given: list[Any]) -> list[Any]:
    return given + [OMITTED] * (len(METRICS[name].arguments) - len(given))


def exactly(results: dict[str, Any]) -> dict[str, str]:
    """As JSON, in which 1, 1.0 and true are three things."""
    return {case: json.dumps(result, sort_keys=True) for case, result in results.items()}


def run(host: str, calls: dict[str, Any], **settings: str) -> Any:
    outside = {k: v for k, v in os.environ.items() if not k.startswith("XLWINGS_")}
    answer = subprocess.run(
        [sys.executable, Path(__file__).with_name("excel_hosts.py"), host],
        input=json.dumps(calls),
        env={**outside, **settings},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


# Excel for Windows


def com_cell(cell: Any) -> Any:
    if isinstance(cell, Decimal):
        return {"decimal": str(cell)}
    if isinstance(cell, datetime):
        return {"date": cell.isoformat()}
    return COM_ERRORS.get(cell, cell)


def com_value(argument: Any) -> Any:
    """An argument as the value that a nested formula or an array constant has."""
    if argument is OMITTED:
        return MISSING
    if isinstance(argument, list):
        return {"array": mapped(com_cell, argument)}
    return com_cell(argument)


def com_reference(argument: Any) -> Any:
    """An argument as a reference to cells that hold it."""
    return MISSING if argument is OMITTED else {"range": mapped(com_cell, argument)}


@pytest.fixture(scope="module")
def com() -> Any:
    # The VBA hands over all arguments, the missing ones too.
    calls = {
        f"{kind.__name__} {case}": (name, [kind(a) for a in complete(name, given)])
        for kind in (com_value, com_reference)
        for case, (name, given) in CALLS.items()
    }
    for error, code in NEWER_COM_ERRORS.items():
        calls[error] = ("CAC", [code, 50.0])
    return run("com", calls)


@pytest.mark.parametrize("kind", ["com_value", "com_reference"])
def test_com_shows_what_the_cells_module_says(com: Any, kind: str) -> None:
    shown = {case: com["results"][f"{kind} {case}"] for case in CALLS}
    assert exactly(shown) == exactly({case: block(evaluated(case)) for case in CALLS})


def test_vba_gets_a_cell_a_row_or_a_block(com: Any) -> None:
    for case, rows in com["results"].items():
        one = rows[0] if len(rows) == 1 else rows
        assert com["handed"][case] == (one[0] if len(rows) == len(one) == 1 else one), case


def test_a_bug_is_vbas_error_whose_text_the_cell_shows(com: Any) -> None:
    assert com["bug"] == "raised: a bug"


def test_newer_errors_are_no_numbers(com: Any) -> None:
    shown = {error: com["results"][error] for error in NEWER_COM_ERRORS}
    assert shown == {error: [[error]] for error in NEWER_COM_ERRORS}


def test_vba_has_every_function_with_its_arguments_and_none_in_the_wizard(com: Any) -> None:
    signature = re.compile(r"^Function (\w+)\((.*)\)\n +(.*)$", re.MULTILINE)
    guard = 'If (Not Application.CommandBars("Standard").Controls(1).Enabled) Then Exit Function'
    assert {name: rest for name, *rest in signature.findall(com["vba"])} == {
        name: [", ".join("Optional " * (not a.required) + a.name for a in m.arguments), guard]
        for name, m in METRICS.items()
    }


def test_vba_hands_over_every_argument(com: Any) -> None:
    call = re.compile(
        r'(\w+) = XLPy\.CallUDF\("kpi_xl\.udfs\.functions", "\1", Array\((.*?)\), ActiveWorkbook,'
    )
    assert dict(call.findall(com["vba"])) == {
        name: ", ".join(a.name for a in metric.arguments) for name, metric in METRICS.items()
    }


def test_help_fits_the_function_wizard_uncut(com: Any) -> None:
    assert com["help"].keys() == METRICS.keys()
    for name, metric in METRICS.items():
        shown = com["help"][name]
        assert shown["Description"] == one_line(metric)
        assert shown["ArgumentDescriptions"] == [argument_help(a) for a in metric.arguments]
        assert all(map(str.strip, (shown["Description"], *shown["ArgumentDescriptions"])))
        assert max(map(len, (shown["Description"], *shown["ArgumentDescriptions"]))) <= 255
        assert len(", ".join(a.name for a in metric.arguments)) <= 254
        assert shown["Category"] == f"KPI {metric.family}"


# Office.js


def office_cell(cell: Any) -> Any:
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, datetime):
        return (cell - datetime(1899, 12, 30)).total_seconds() / 86400
    return office_error(cell) if cell in OFFICE_ERRORS else cell


def office_error(error: str) -> dict[str, str]:
    """An error as Office.js hands it over."""
    kind = OFFICE_ERRORS.get(error, "Calc")
    return {"type": "Error", "errorType": kind, "basicType": "Error", "basicValue": error}


def office_result(cell: Any) -> Any:
    """A cell as Office.js takes it back."""
    return {"type": "Error", "errorType": OFFICE_ERRORS[cell]} if cell in OFFICE_ERRORS else cell


def office_argument(argument: Any) -> Any:
    return None if argument is OMITTED else mapped(office_cell, argument)


DAY = {"type": "FormattedNumber", "basicValue": 45292, "numberFormat": "m/d/yyyy"}

# Function, arguments, version of Office.js; result.
OFFICE_CASES: dict[str, tuple[tuple[str, list[Any], str], Any]] = {
    "a blank numerator as 0": (("CAC", [[[0]], [[50]]], "1.4"), 0.0),
    "a blank denominator as 0": (
        ("CAC", [[[1000]], [[0]]], "1.4"),
        {"type": "Error", "errorType": "Div0"},
    ),
    "a date as a formatted number": (("CAC", [[[DAY]], [[2]]], "1.4"), 45292 / 2),
    "an old Excel, without errors as values": (("CAC", [[[1]], [[0]]], "1.3"), "#DIV/0!"),
    "a newer error": (("CAC", [[[office_error("#CALC!")]], [[50]]], "1.4"), "#CALC!"),
}


@pytest.fixture(scope="module")
def office() -> Any:
    calls: dict[str, Any] = {case: call for case, (call, _) in OFFICE_CASES.items()}
    for case, (name, given) in CALLS.items():
        calls[f"typed {case}"] = (name, list(map(office_argument, given)), "1.4")
        calls[f"complete {case}"] = (name, list(map(office_argument, complete(name, given))), "1.4")
    # The key that xlwings has for non-commercial use and tests.
    return run("office", calls, XLWINGS_ON_SERVER="true", XLWINGS_LICENSE_KEY="noncommercial")


@pytest.mark.parametrize("kind", ["typed", "complete"])
def test_office_shows_what_the_cells_module_says(office: Any, kind: str) -> None:
    shown = {case: office["results"][f"{kind} {case}"] for case in CALLS}
    expected = {case: mapped(office_result, evaluated(case)) for case in CALLS}
    assert exactly(shown) == exactly(expected)


def test_what_only_office_sends(office: Any) -> None:
    shown = {case: office["results"][case] for case in OFFICE_CASES}
    assert exactly(shown) == exactly({case: [[cell]] for case, (_, cell) in OFFICE_CASES.items()})


def test_office_metadata_has_every_function_with_its_arguments(office: Any) -> None:
    functions = office["meta"]["functions"]
    assert {f["name"]: (f["description"], f["parameters"]) for f in functions} == {
        name: (
            one_line(metric),
            [
                {
                    "name": argument.name,
                    "description": argument_help(argument),
                    "type": "any",
                    "dimensionality": "matrix",
                    **({} if argument.required else {"optional": True}),
                }
                for argument in metric.arguments
            ],
        )
        for name, metric in METRICS.items()
    }
    assert {f["result"]["dimensionality"] for f in functions} == {"matrix"}


# Neither


def test_elsewhere_they_are_plain_functions() -> None:
    from kpi_xl.udfs import functions

    assert functions.CAC(1000.0, 50.0) == 1000 / 50
    shown = {
        case: getattr(functions, name)(*(None if a is OMITTED else a for a in given))
        for case, (name, given) in CALLS.items()
    }
    assert exactly(shown) == exactly({case: evaluated(case) for case in CALLS})


# What the cells module says


def near(expected: Any, rel: float) -> list[list[Any]]:
    def number(cell: Any) -> Any:
        return pytest.approx(cell, rel=rel) if type(cell) in (int, float) else cell

    return mapped(number, expected)


@pytest.mark.parametrize("case", CASES)
def test_cells_module_says_what_is_right(case: str) -> None:
    assert block(evaluated(case)) == near(CASES[case][2], rel=1e-12)


@pytest.mark.parametrize("case", EXAMPLES)
def test_example_is_right(case: str) -> None:
    # Some examples are rounded to four digits.
    assert block(evaluated(case)) == near(EXAMPLES[case][2], rel=1e-3)
