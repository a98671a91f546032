"""The native functions: right, or refused, on a corpus of formulas.

tests/native_formulas.csv holds what the engine computes rightly; tests/native_known_wrong.csv what
it computes wrongly by itself, which our rewriting must mend or our reader refuse. Expected values
come from LibreOffice 7.4 or from Microsoft's documentation of the function, never from the engine.
"""

import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from kpi_xl.engine.embedded import calculate
from kpi_xl.engine.native import SIGNATURES

HERE = Path(__file__).parent
ROOM = 60  # rows for a formula to spill into


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def value(text: str) -> Any:
    """A cell of `expected`: a number, TRUE, an error code, {1;2}, or text, in quotes or not."""
    if text.startswith("{"):
        parts = re.findall(r'("(?:[^"]|"")*"|[^,;{}]*)([,;}])', text[1:])
        block: list[list[Any]] = [[]]
        for cell, end in parts:
            block[-1].append(value(cell))
            if end == ";":
                block.append([])
        return block
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        return text[1:-1].replace('""', '"')
    if text in ("TRUE", "FALSE"):
        return text == "TRUE"
    try:
        return float(text)
    except ValueError:
        return text


def same(computed: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        if not isinstance(computed, list):
            computed = [[computed]]
        return len(computed) == len(expected) and all(
            len(a) == len(b) and all(map(same, a, b))
            for a, b in zip(computed, expected, strict=True)
        )
    if isinstance(computed, list):
        return len(computed) == len(computed[0]) == 1 and same(computed[0][0], expected)
    if isinstance(expected, float) and not isinstance(computed, bool | str):
        return computed == pytest.approx(expected, rel=1e-9, abs=1e-9)
    if computed == "" and expected == 0.0:
        return False
    return type(computed) in (type(expected), type(computed)) and computed == expected


def workbook(formulas: list[str]) -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    data = book.add_worksheet("Data")
    for row in rows("native_data.csv"):
        kind, cell, text = row["type"], row["address"], row["value"]
        if kind in ("number", "date"):
            data.write_number(cell, float(text))
        elif kind == "bool":
            data.write_boolean(cell, text == "TRUE")
        elif kind == "formula":
            data.write_formula(cell, text)
        elif kind == "spill":
            data.write_dynamic_array_formula(f"{cell}:{cell}", text)
        else:
            data.write_string(cell, text)
    sheet = book.add_worksheet("F")
    for number, formula in enumerate(formulas):
        cell = f"A{number * ROOM + 1}"
        # XlsxWriter takes a closing brace for that of an old array formula.
        text = f"=({formula[1:]})" if formula.endswith("}") else formula
        sheet.write_dynamic_array_formula(f"{cell}:{cell}", text)
    book.close()
    return content.getvalue()


def computed(formulas: list[str]) -> list[Any]:
    """The value of each formula, None where it is refused."""
    result = calculate(workbook(formulas))
    return [result.values.get(("F", number * ROOM + 1, 1)) for number in range(len(formulas))]


def wrong(name: str) -> tuple[list[str], int]:
    corpus = rows(name)
    values = computed([row["formula"] for row in corpus])
    mistakes = [
        f"{row['formula']} gives {got!r}, not {row['expected']!r} ({row['source']})"
        for row, got in zip(corpus, values, strict=True)
        if got is not None and not same(got, value(row["expected"]))
    ]
    return mistakes, sum(got is not None for got in values)


def test_what_is_computed_is_right() -> None:
    mistakes, answered = wrong("native_formulas.csv")
    assert mistakes == []
    assert answered > 500


def test_what_the_engine_gets_wrong_is_mended_or_refused() -> None:
    mistakes, _ = wrong("native_known_wrong.csv")
    assert mistakes == []


def test_every_native_function_has_three_cases() -> None:
    corpus = rows("native_formulas.csv") + rows("native_known_wrong.csv")
    used = Counter(
        name for row in corpus for name in set(re.findall(r"([A-Z][A-Z0-9.]*)\(", row["formula"]))
    )
    assert {name for name in SIGNATURES if used[name] < 3} <= {
        "TODAY",
        "NOW",
        "TRUE",
        "FALSE",
        "NA",
    }
