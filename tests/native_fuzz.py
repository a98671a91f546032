"""Formulas by chance over cells of mixed kinds, ours beside LibreOffice's: what differs is printed.

python tests/native_fuzz.py SEED COUNT

Each difference is then decided by Microsoft's documentation or a value that Excel wrote, for
LibreOffice is wrong on some: it takes TRUE for 1 and an empty text in a cell for a blank, finds no
empty text with FIND, and says #VALUE! where a number is out of a domain. What was wrong here is a
test in test_kinds.py; of 10,000 formulas that was one kind, a tilde in a criterion.
"""

import csv
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from test_kinds import ARGUMENT, put, stored

from kpi_xl.engine.embedded import calculate

HERE = Path(__file__).parent
ROWS = 12
COLUMNS: dict[str, list[Any]] = {
    "A": [0, 1, -1, 2.5, -2.5, 0.5, 3, 10, 100, 1000.125, 0.1, 12345.678, 2.675, 1e6],
    "B": ["apple", "Apple", "banana", "ap*le", "a?c", "", "x~y", "Zürich", "10", "TRUE", "a b"],
    "C": [45000, 45001, 45030.75, 44927, 45350, 45351, 45716, 36526, 45292],
    "D": [None, 5, "5", " 7 ", "12%", "abc", '=""', 7, -3, "1e3", "TRUE", 2.5, "2024-01-10"],
    "E": [True, False, 3, None, "x", 1],
    "G": ["=NA()", "=1/0", 1, 2, "t", None, 3, "=SQRT(-1)"],
}
CRITERIA = ['">1"', '"<>1"', '"a*"', '"<>"', '"="', '">="&D!A3', '"*e*"', '"<>apple"', "D!B4", "1"]
OPERATORS = ["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">="]


def formula(chance: random.Random, depth: int) -> str:
    """A formula that nests so deep at most."""
    some: list[Callable[[], str]] = [
        lambda: call(chance, depth),
        lambda: call(chance, depth),
        lambda: criteria(chance),
        lambda: "".join(f"{part(chance, depth)}{chance.choice(OPERATORS)}" for _ in "ab") + "1",
        lambda: f"IF({part(chance, depth)}>1,{part(chance, depth)},{part(chance, depth)})",
        lambda: f"IFERROR({formula(chance, depth - 1)},{part(chance, depth)})",
        lambda: (
            f"{chance.choice(['ISNUMBER', 'ISERROR', 'ISTEXT', 'LEN', 'N'])}({part(chance, depth)})"
        ),
    ]
    return chance.choice(some)() if depth > 0 else cell(chance)


def cell(chance: random.Random) -> str:
    return f"D!{chance.choice('AAABCDDEG')}{chance.randrange(1, ROWS + 1)}"


def area(chance: random.Random) -> str:
    top = chance.randrange(1, ROWS)
    column = chance.choice("AAADDEG")
    return f"D!{column}{top}:{column}{chance.randrange(top, ROWS + 1)}"


def part(chance: random.Random, depth: int) -> str:
    """A cell, a number, or a formula in its turn."""
    return chance.choice(
        [lambda: cell(chance), lambda: cell(chance), lambda: str(chance.choice([0, 1, 2, 0.5, 12]))]
        + [lambda: formula(chance, depth - 1)] * (depth > 0)
    )()


def call(chance: random.Random, depth: int) -> str:
    """A call of tests/native_kinds.csv, some of its arguments by chance."""

    def argument(found: re.Match[str]) -> str:
        if found[0] == "[]":
            return area(chance)
        return part(chance, depth - 1) if chance.random() < 0.5 else found[1]

    text = ARGUMENT.sub(argument, chance.choice(CALLS))
    return re.sub(r"\$([FG])\$1:\$([FG])\$5", "D!A1:D5", text)


def criteria(chance: random.Random) -> str:
    """A function with criteria."""
    ranged = [f"D!{chance.choice('ABDEG')}1:{{0}}{ROWS}" for _ in "ab"]
    ranged = [one.format(one[2]) for one in ranged]
    pairs = ",".join(f"{one},{chance.choice(CRITERIA)}" for one in ranged)
    name = chance.choice(["COUNTIF", "SUMIF", "AVERAGEIF", "COUNTIFS", "SUMIFS", "AVERAGEIFS"])
    if not name.endswith("S"):
        return f"{name}({ranged[0]},{chance.choice(CRITERIA)})"
    return f"{name}({pairs})" if name == "COUNTIFS" else f"{name}(D!A1:A{ROWS},{pairs})"


def workbook(path: Path, seed: int, formulas: list[str]) -> None:
    chance = random.Random(seed)
    with xlsxwriter.Workbook(path) as book:
        data = book.add_worksheet("D")
        for letter, values in COLUMNS.items():
            for row in range(ROWS):
                put(data, row, ord(letter) - 65, chance.choice(values))
        sheet = book.add_worksheet("F")
        for row, text in enumerate(formulas):
            sheet.write_formula(row, 0, stored(text), None, "")


RECALCULATE = (
    '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/'
    'registry"><item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:op="fuse"'
    ' oor:name="OOXMLRecalcMode"><value>0</value></prop></item></oor:items>'
)
"""LibreOffice's settings, so that it computes what it opens."""


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float | bool) and isinstance(other, int | float):
        return abs(one - other) <= 1e-9 * max(1.0, abs(other))
    return str(one) == str("" if other is None else other)


def main(seed: int, count: int) -> None:
    chance = random.Random(seed)
    formulas = [formula(chance, chance.randrange(1, 4)) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzz.xlsx"
        workbook(path, seed, formulas)
        user = Path(folder) / "profile" / "user"
        user.mkdir(parents=True)
        (user / "registrymodifications.xcu").write_text(RECALCULATE, encoding="utf-8")
        profile = f"-env:UserInstallation={user.parent.as_uri()}"
        convert = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir"]
        subprocess.run([*convert, f"{folder}/theirs", str(path)], check=True, capture_output=True)
        ours = calculate(path.read_bytes())
        theirs = openpyxl.load_workbook(f"{folder}/theirs/fuzz.xlsx", data_only=True)["F"]
    counts: Counter[str] = Counter()
    for row, text in enumerate(formulas, start=1):
        shown, other = ours.values.get(("F", row, 1)), theirs.cell(row, 1).value
        verdict = "kept" if shown is None else "same" if same(shown, other) else "different"
        counts[verdict] += 1
        if verdict == "different":
            print(f"{text}: {shown}, LibreOffice {other}")
    print(dict(counts))


with (HERE / "native_kinds.csv").open(newline="", encoding="utf-8") as file:
    CALLS = [row["call"] for row in csv.DictReader(file)]

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
