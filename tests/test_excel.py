"""The functions in Excel for Windows (COM) and in Office.js, through xlwings' own code.

Whatever way the cells take, the answer is that of `cells.evaluate`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cases import (
    BLANKS,
    CALLS,
    CASES,
    EXAMPLES,
    OMITTED,
    Blanks,
    as_zeros,
    block,
    complete,
    evaluated,
    exactly,
    mapped,
    near,
    of_templates,
)

from kpi_xl import cells
from kpi_xl.hosts import blanks
from kpi_xl.hosts.excel import from_office
from kpi_xl.metrics import METRICS
from kpi_xl.reference import argument_help, definition, notes, on_blanks, one_line
from kpi_xl.reports.commands import new_workbook


def test_what_excel_refuses_afterwards_does_not_leave_it_dark() -> None:
    """Its screen is drawn again, and its status bar its own."""
    from kpi_xl.udfs.workbook import quietly

    def activate() -> None:
        raise PermissionError("Excel refuses it")

    api = SimpleNamespace(ActiveSheet=SimpleNamespace(Activate=activate), Selection=None)
    app = SimpleNamespace(
        engine=SimpleNamespace(type="windows"), api=api, calculation="automatic",
        screen_updating=True, status_bar="ready",
    )  # fmt: skip
    quiet = quietly(SimpleNamespace(app=app))
    quiet.__enter__()("Orders", 0.5)
    assert (app.calculation, app.screen_updating) == ("manual", False)
    with pytest.raises(PermissionError, match="refuses"):
        quiet.__exit__(None, None, None)
    assert (app.calculation, app.screen_updating, app.status_bar) == ("automatic", True, False)


def test_a_program_may_still_have_the_file_open_that_it_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise PermissionError(13, "The process cannot access the file")  # as on Windows

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "unlink", locked)
    opened = new_workbook("funnel", "en", lambda *_: b"workbook", Path.read_bytes)
    assert opened == b"workbook"


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


def com_calls(cases: Mapping[str, tuple[str, list[Any]]]) -> dict[str, Any]:
    """The cases with values and with references; the VBA hands over all arguments, missing too."""
    return {
        f"{kind.__name__} {case}": (name, [kind(a) for a in complete(name, given)])
        for kind in (com_value, com_reference)
        for case, (name, given) in cases.items()
    }


@pytest.fixture(scope="module")
def com() -> Any:
    calls = com_calls(CALLS)
    for case, (name, given) in of_templates().items():
        calls[case] = (name, list(map(com_reference, complete(name, given))))
    for error, code in NEWER_COM_ERRORS.items():
        calls[error] = ("CAC", [code, 50.0])
    return run("com", calls)


@pytest.mark.parametrize("kind", ["com_value", "com_reference"])
def test_com_shows_what_the_cells_module_says(com: Any, kind: str) -> None:
    shown = {case: com["results"][f"{kind} {case}"] for case in CALLS}
    assert exactly(shown) == exactly({case: block(evaluated(case)) for case in CALLS})


def test_com_shows_in_templates_what_the_cells_module_says(com: Any) -> None:
    shown = {case: com["results"][case] for case in of_templates()}
    assert exactly(shown) == exactly({case: block(evaluated(case)) for case in of_templates()})


def test_vba_gets_a_cell_a_row_or_a_block(com: Any) -> None:
    for case, rows in com["results"].items():
        one = rows[0] if len(rows) == 1 else rows
        assert com["handed"][case] == (one[0] if len(rows) == len(one) == 1 else one), case


def test_a_bug_is_vbas_error_whose_text_the_cell_shows(com: Any) -> None:
    assert com["bug"] == "raised: a bug"


def test_newer_errors_are_no_numbers(com: Any) -> None:
    shown = {error: com["results"][error] for error in NEWER_COM_ERRORS}
    assert shown == {error: [[error]] for error in NEWER_COM_ERRORS}


def test_vba_has_every_function_with_its_arguments_and_leaves_none_unassigned(com: Any) -> None:
    """With xlwings' own way of keeping them out of the wizard, a cell could show 0."""
    assert "Then Exit Function" not in com["vba"]
    signature = re.compile(r"^Function (\w+)\((.*)\)$", re.MULTILINE)
    assert dict(signature.findall(com["vba"])) == {
        name: ", ".join("Optional " * (not a.required) + a.name for a in m.arguments)
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


def office_calls(cases: Mapping[str, tuple[str, list[Any]]] | None = None) -> dict[str, Any]:
    """Every case as Office.js asks for it, with and without the arguments that are left out."""
    calls: dict[str, Any] = {case: call for case, (call, _) in OFFICE_CASES.items()}
    for case, (name, given) in (cases or CALLS).items():
        calls[f"typed {case}"] = (name, list(map(office_argument, given)), "1.4")
        calls[f"complete {case}"] = (name, list(map(office_argument, complete(name, given))), "1.4")
    return calls


def office_described(meta: Any) -> dict[str, Any]:
    """What Office.js is told of each function: name and help, and arguments."""
    assert {f["result"]["dimensionality"] for f in meta["functions"]} == {"matrix"}
    return {f["name"]: (f["description"], f["parameters"]) for f in meta["functions"]}


DESCRIBED = {
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


# The key is the one that xlwings has for non-commercial use and tests.
ON_SERVER = {"XLWINGS_ON_SERVER": "true", "XLWINGS_LICENSE_KEY": "noncommercial"}


@pytest.fixture(scope="module")
def office() -> Any:
    calls = office_calls()
    for case, (name, given) in of_templates().items():
        calls[case] = (name, list(map(office_argument, given)), "1.4")
    return run("office", calls, **ON_SERVER, KPI_XL_BLANKS="null")


@pytest.mark.parametrize("kind", ["typed", "complete"])
def test_office_shows_what_the_cells_module_says(office: Any, kind: str) -> None:
    shown = {case: office["results"][f"{kind} {case}"] for case in CALLS}
    expected = {case: mapped(office_result, evaluated(case)) for case in CALLS}
    assert exactly(shown) == exactly(expected)


def test_office_shows_in_templates_what_the_cells_module_says(office: Any) -> None:
    shown = {case: office["results"][case] for case in of_templates()}
    expected = {case: mapped(office_result, evaluated(case)) for case in of_templates()}
    assert exactly(shown) == exactly(expected)


def test_what_only_office_sends(office: Any) -> None:
    shown = {case: office["results"][case] for case in OFFICE_CASES}
    assert exactly(shown) == exactly({case: [[cell]] for case, (_, cell) in OFFICE_CASES.items()})


def test_office_metadata_has_every_function_with_its_arguments(office: Any) -> None:
    assert office_described(office["meta"]) == DESCRIBED


def near_result(expected: Any) -> Any:
    return [
        [office_result(cell) if isinstance(cell, str) else cell for cell in row]
        for row in near(expected, rel=1e-9)
    ]


@pytest.fixture(scope="module")
def doubtful() -> Any:
    """An Excel of which nothing is known."""
    calls = {
        f"{form} {case}": (one.name, [office_argument(a) for a in given], "1.4")
        for case, one in BLANKS.items()
        for form, given in (("null", one.given), ("0", as_zeros(one.given)))
    }
    return run("office", calls, **ON_SERVER)["results"]


@pytest.mark.parametrize("case", BLANKS)
def test_a_blank_cell_is_no_plausible_wrong_number(doubtful: Any, case: str) -> None:
    one: Blanks = BLANKS[case]
    assert doubtful[f"null {case}"] == near_result(one.told)
    assert doubtful[f"0 {case}"] == near_result(one.shown)
    mistaken = cells.evaluate(
        METRICS[one.name], [None if a is OMITTED else a for a in as_zeros(one.given)]
    )
    assert block(mistaken) == near(one.mistaken, rel=1e-9)  # which is what nobody may be shown
    if one.mistaken != one.told and not isinstance(one.mistaken, str):
        assert one.shown != one.mistaken


def test_no_call_of_cases_or_templates_takes_a_blank_cell_for_a_0() -> None:
    """Sent as 0, blanks change no number that is shown: it is the same, or an error."""
    refused = 0
    for case, (name, given) in (CALLS | of_templates()).items():
        metric, whole = METRICS[name], complete(name, given)
        if whole == as_zeros(whole):
            continue
        told, shown = (
            block(evaluate(metric, [None if a is OMITTED else a for a in one]))
            for evaluate, one in ((cells.evaluate, whole), (blanks.evaluate, as_zeros(whole)))
        )
        if len(shown) == len(shown[0]) == 1 and shown != told:
            assert shown == [["#VALUE!"]], case
            refused += 1
        else:
            same = [[b if b == "#VALUE!" else a for a, b in zip(*r, strict=True)]
                    for r in zip(told, shown, strict=True)]  # fmt: skip
            assert exactly({case: same}) == exactly({case: shown})
    assert refused > 10


def sent(*cells: Any) -> list[list[Any]]:
    return [[cell] for cell in cells]


# Marked where the range ends in a blank row; a formula's "" further up tells nothing of blanks.
MARKS: dict[str, tuple[list[Any], Any]] = {
    "marked": ([sent(10, "", 0, 9, "")], 100 / 3),
    "a formula's text, then blank cells": ([sent(10, "", 9, 0, 0)], "#VALUE!"),
    "null": ([sent(10, None, 0, 9)], 100 / 3),
    "in a row": ([[[10, "", 0, 9, ""]]], 100 / 3),
    "in a row, unmarked": ([[[10, "", 9, 0]]], "#VALUE!"),
    "a number with its format": ([sent({"type": "FormattedNumber", "basicValue": 10}, 9)], 100.0),
    "an error": ([sent(10, office_error("#DIV/0!"))], "#DIV/0!"),
}


def test_marked_blanks_are_blank() -> None:
    """The score is 100 x (2 promoters - 1 detractor) / 3."""
    calls = {case: ("NPS", given, "1.4") for case, (given, _) in MARKS.items()}
    shown = run("office", calls, **ON_SERVER)["results"]
    for case, (_, expected) in MARKS.items():
        assert shown[case] == near_result([[expected]]), case


def test_an_excel_that_has_sent_null_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a browser there is one Excel; an empty text tells nothing of it."""
    monkeypatch.setattr(blanks.sys, "platform", "emscripten")
    monkeypatch.setattr(blanks, "_seen", False)
    nps = METRICS["NPS"]
    score = 100 / 3
    assert blanks.evaluate(nps, [sent(10.0, "", 0.0, 9.0, "")]) == pytest.approx(score)
    assert blanks.evaluate(nps, [sent(10.0, 0.0, 9.0)]) == "#VALUE!"
    assert blanks.evaluate(nps, [sent(10.0, None, 9.0)]) == 100.0
    assert blanks.evaluate(nps, [sent(10.0, 0.0, 9.0)]) == pytest.approx(score)


def test_what_pyodide_makes_of_null_is_a_blank_cell() -> None:
    null = type("JsNull", (), {})()
    assert from_office([[1.0], [null], [""]]) == [[1.0], [None], [""]]


def is_column(given: Any) -> bool:
    return isinstance(given, list) and len(given) >= len(given[0])


COLUMNS = [
    name
    for name, metric in METRICS.items()
    for given in [EXAMPLES[f"={name}"][1]]
    if on_blanks(metric)
    and any(a.arg.column and is_column(g) for a, g in zip(metric.arguments, given, strict=False))
]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_blank_row_at_the_end_changes_no_answer(name: str) -> None:
    """The help advises it; a result of the range's shape has a blank row more."""
    metric = METRICS[name]
    _, given, _ = EXAMPLES[f"={name}"]
    longer = [
        [*one, [""] * len(one[0])] if argument.arg.column and is_column(one) else one
        for argument, one in zip(metric.arguments, given, strict=False)
    ]
    given, longer = ([None if a is OMITTED else a for a in one] for one in (given, longer))
    shown, other = cells.evaluate(metric, given), cells.evaluate(metric, longer)
    blank = [[""]] if metric.result == "shape" else []
    assert block(other) == [*block(shown), *blank]


def test_the_help_says_what_the_records_tell() -> None:
    for metric in METRICS.values():
        concerned = [a.name for a in metric.arguments if a.tells_blank_from_zero]
        for said in (notes(metric), definition(metric)):
            assert ("blank cell as 0" in said) == bool(concerned)
        assert ", ".join(concerned) in notes(metric)


def test_the_functions_that_tell_blanks_from_zero_are_derived() -> None:
    """What the answer depends on is in the records: each such argument is found, and no other."""
    found = {
        name: [a.name for a in metric.arguments if a.tells_blank_from_zero]
        for name, metric in METRICS.items()
    }
    for name in ("NPS", "CES", "CSAT", "KPI_TREND", "KPI_ANOMALY", "AVG_GROWTH", "AVG_POSITION"):
        assert found[name], name
    assert found["CAC"] == []
    assert found["CLV"] == ["gross_margin"]
    assert found["ROAS"] == []


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


@pytest.mark.parametrize("case", CASES)
def test_cells_module_says_what_is_right(case: str) -> None:
    assert block(evaluated(case)) == near(CASES[case][2], rel=1e-12)


@pytest.mark.parametrize("case", EXAMPLES)
def test_example_is_right(case: str) -> None:
    # Some examples are rounded to four digits.
    assert block(evaluated(case)) == near(EXAMPLES[case][2], rel=1e-3)
