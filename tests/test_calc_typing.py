"""Workbooks filled by hand in LibreOffice Calc: what is typed and pasted counts, wherever it is.

Somebody types, pastes and sorts (calc_typist.py); the figures have to be those of a workbook that
kpi-xl fills from the same rows. One soffice does it all.
"""

import json
import subprocess
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hosts import missing, program
from kpi_xl.workbook_templates import template
from kpi_xl.workbook_templates.parts import HEADER, build
from test_calc import is_same

from kpi_xl.hosts.libreoffice.extension import FOLDER, write_extension
from kpi_xl.hosts.libreoffice.headless import surroundings
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package
from kpi_xl.units import DATE

BOOKS = ("funnel", "retention")
TYPED, PASTED = 5, 10
FIRST = HEADER + 2  # the first row of an input table
WORDS = {"retention": {"Period": ("W", "Q", "Y", "M")}, "funnel": {"FunnelBy": ("campaign",)}}
"""Settings and the words that they are changed to, one after the other."""

XLSX, ODS = "Calc MS Excel 2007 XML", "calc8"


def python_of_libreoffice() -> str:
    """A Python that has LibreOffice's `uno`."""
    soffice = Path(program("soffice", "apt-get install libreoffice-calc python3-uno")).resolve()
    for python in ("/usr/bin/python3", str(soffice.parent / "python")):
        if Path(python).exists():
            asked = subprocess.run([python, "-c", "import uno"], capture_output=True, check=False)
            if asked.returncode == 0:
                return python
    missing("no Python has LibreOffice's uno: apt-get install python3-uno")
    raise AssertionError


@cache
def rows_of(name: str) -> dict[str, tuple[list[Any], ...]]:
    """Rows of the sample data, from its first to its last, by table: 15, a blank one among them,
    and ten of a year later."""
    sample = template(name).sample().data
    found = {}
    for table in template(name).inputs:
        columns = [list(sample[table.name].get(c.name, ())) for c in table.columns]
        size = max(map(len, columns))
        places = [size * number // (TYPED + PASTED) for number in range(TYPED + PASTED)]
        if size < TYPED + PASTED or all(c.unit is not DATE for c in table.columns):
            places = list(range(min(size, TYPED + PASTED)))  # as they follow each other
        rows = [[c[place] if place < len(c) else None for c in columns] for place in places]
        later = [[next_year(cell) for cell in row] for row in rows[:PASTED]]
        dated = any(c.unit is DATE for c in table.columns)
        found[table.name] = (rows[:TYPED], rows[TYPED:], later if dated else [])
    return found


def next_year(cell: Any) -> Any:
    return cell + timedelta(days=366) if isinstance(cell, date) else cell


def as_typed(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    """Rows as people type them; a text that is no number begins with none of Calc's signs."""
    return [
        ["" if cell is None else cell.isoformat() if isinstance(cell, date)
         else str(cell).lstrip("=") for cell in row]
        for row in rows
    ]  # fmt: skip


def steps_of(name: str, folder: Path) -> list[list[Any]]:
    steps: list[list[Any]] = [["open", str(folder / f"{name}.xlsx")], ["state"]]
    for table, (typed, pasted, _) in rows_of(name).items():
        steps.append(["type", table, FIRST, as_typed(typed)])
        if pasted:
            steps.append(["paste", table, FIRST + len(typed) + 1, as_typed(pasted)])
    steps.append(["state"])
    for table, (typed, pasted, later) in rows_of(name).items():
        if later:
            below = FIRST + len(typed) + 1 + len(pasted)
            steps.append(["paste", table, below, as_typed(later)])
    steps.append(["state"])
    for kind, path in ((ODS, "saved.ods"), (XLSX, "saved.xlsx")):
        saved = str(folder / f"{name}-{path}")
        steps += [["save", saved, kind], ["close"], ["open", saved], ["state"]]
    for setting, words in WORDS.get(name, {}).items():
        for word in words:
            steps += [["set", setting, word], ["state"]]
    return [*steps, ["close"]]


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the templates showed whenever nothing moved any more."""
    python = python_of_libreoffice()
    folder = tmp_path_factory.mktemp("typed")
    write_extension(folder / "extensions" / FOLDER)
    for name in BOOKS:
        (folder / f"{name}.xlsx").write_bytes(build(template(name), {}).content)
    books = [steps_of(name, folder) for name in BOOKS]
    typist = Path(__file__).with_name("calc_typist.py")
    done = subprocess.run(
        [python, str(typist), str(folder / "extensions"), str(folder / "profile")],
        input=json.dumps(books), capture_output=True, text=True, env=surroundings(), timeout=900,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    return {
        name: [answer for answer in answered if isinstance(answer, dict)]
        for name, answered in zip(BOOKS, answers, strict=True)
    }


@cache
def filled(name: str) -> tuple[dict[str, str], Any]:
    """The defined names and the values of the workbook that is filled with all these rows."""
    data = {}
    for table in template(name).inputs:
        first, second, later = rows_of(name)[table.name]
        rows = [*first, *([[None] * len(table.columns), *second] if second else []), *later]
        cells = [list(column) for column in zip(*rows, strict=True)]
        data[table.name] = {
            column.name: [c.lstrip("=") if isinstance(c, str) else c for c in column_cells]
            for column, column_cells in zip(table.columns, cells, strict=True)
        }
    built = build(template(name), data)
    names = {key: text for (_, key), text in read_package(built.content).names.items()}
    return names, built.values


def differing(state: dict[str, Any], name: str) -> dict[str, Any]:
    """The cells of names that show another value than the filled workbook has, and these."""
    names, values = filled(name)
    wrong = {}
    for shown_name, shown in state["names"].items():
        sheet, _, address = names.get(shown_name.lower(), "").rpartition("!")
        if not address:
            continue
        title = sheet.removeprefix("'").removesuffix("'")
        place = area(title, address.replace("$", ""))
        for i, row in enumerate(shown):
            for j, cell in enumerate(row):
                expected = values.get((title, place.top + i, place.left + j), "no formula")
                if isinstance(expected, list) or expected == "no formula":
                    continue
                if not (cell is None and str(expected).startswith("#")) and not is_same(
                    cell, expected
                ):
                    wrong[shown_name, i, j] = cell, expected
    return wrong


@pytest.mark.parametrize("name", BOOKS)
def test_what_is_typed_and_pasted_counts(typed: Any, name: str) -> None:
    assert differing(typed[name][2], name) == {}


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("saved", [3, 4], ids=["ods", "xlsx"])
def test_it_counts_in_a_file_that_is_opened_again(typed: Any, name: str, saved: int) -> None:
    assert differing(typed[name][saved], name) == {}
    assert not typed[name][saved]["modified"]


@pytest.mark.parametrize("name", BOOKS)
def test_tables_reach_down_to_the_last_row(typed: Any, name: str) -> None:
    opened, filled_in, later = typed[name][:3]
    for table, (first, second, more) in rows_of(name).items():
        last = HEADER + 1 + len(first) + (len(second) + 1 if second else 0)
        assert filled_in["tables"][table] == [HEADER + 1, max(last, opened["tables"][table][1])]
        assert later["tables"][table][1] == max(last, opened["tables"][table][1]) + len(more)
    assert not opened["modified"]
