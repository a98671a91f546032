"""Workbooks filled by hand in LibreOffice Calc: what is typed and pasted counts, wherever it is.

Somebody types, pastes, sorts and sets (calc_typist.py); after each step every cell has to be that
of a workbook that kpi-xl fills from the same rows. One soffice does it all.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hosts import missing, program
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.parts import HEADER, build
from test_calc import is_same
from test_checks import edited

from kpi_xl.engine.embedded import calculate
from kpi_xl.hosts.libreoffice.document import CODES
from kpi_xl.hosts.libreoffice.extension import FOLDER, write_extension
from kpi_xl.hosts.libreoffice.headless import surroundings
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package
from kpi_xl.units import DATE

TYPED, PASTED = 5, 10
FIRST = HEADER + 2  # the first row of an input table
WORDS = {
    "campaigns": (("Period", "M"), ("Period", "W")),
    "funnel": (
        *(("AttributionModel", word) for word in
          ("first", "last", "linear", "time_decay", "shapley", "markov", "position")),
        *(("FunnelBy", word) for word in ("campaign", "owner", "channel")),
    ),
    "retention": (
        *(("Period", word) for word in ("W", "Q", "Y", "M")),
        *(("BuyingModel", word) for word in ("paretonbd", "bgnbd", "mbgnbd")),
    ),
    "sales_team": (),
    "unit_economics": (("Period", "30D"), ("Period", "M")),
    "scorecard": (("Period", "Q"), ("Compare", "Y"), ("Period", "M"), ("Compare", "P")),
}  # fmt: skip
"""Settings, and each of the words that they are changed to, one after the other."""

XLSX, ODS = "Calc MS Excel 2007 XML", "calc8"
OPENED, TYPED_IN, PASTED_BELOW, SORTED, A_YEAR_MORE, IN_ODS, IN_XLSX, SET = range(8)
"""When the workbook is looked at; after SET, for each of the words."""

Rows = list[list[Any]]


class Data(NamedTuple):
    """The rows of a table, in the order in which they are put in."""

    typed: Rows
    pasted: Rows
    later: Rows
    by: int  # the column by which the first two are sorted, the largest first


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
def data_of(name: str) -> dict[str, Data]:
    """Rows of the sample data by table: from its first to its last, or as they follow each other
    where a row is a month or a week; the later ones are the next, or those of a year later."""
    found = {}
    for table in template(name).inputs:
        columns = [list(template(name).sample().data[table.name].get(c.name, ()))
                   for c in table.columns]  # fmt: skip
        size = max(map(len, columns))
        dated = [place for place, one in enumerate(table.columns) if one.unit is DATE]
        spread = size > 500 and dated
        places = [size * number // 15 if spread else number for number in range(min(size, 15))]
        rows, next_rows = (
            [[c[place] if place < len(c) else None for c in columns] for place in some]
            for some in (places, range(15, min(size, 25)))
        )
        if spread:
            next_rows = [[a_year_later(cell) for cell in row] for row in rows[:PASTED]]
        found[table.name] = Data(
            rows[:TYPED], rows[TYPED:], next_rows if dated else [], dated[0] if dated else 0
        )
    return found


def a_year_later(cell: Any) -> Any:
    """On the same day of the week, as weeks are told by their Mondays."""
    return cell + timedelta(days=364) if isinstance(cell, date) else cell


def together(data: Data, step: int) -> Rows:
    """The rows of a table after a step, blank ones among them."""
    blank = [None] * len(data.typed[0])
    rows = list(data.typed)
    if step < PASTED_BELOW:
        return rows
    if data.pasted:
        rows += [blank, *data.pasted]
    if step < SORTED:
        return rows
    if data.pasted:
        rows = [*in_order(data.typed + data.pasted, data.by), blank]
    return rows + data.later if step >= A_YEAR_MORE else rows


def in_order(rows: Rows, column: int) -> Rows:
    """Rows sorted by a column, the largest first; neither capitals nor their order count."""
    return sorted(
        rows,
        key=lambda row: row[column].lower() if isinstance(row[column], str) else row[column],
        reverse=True,
    )


def as_typed(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    """Rows as people type them; a text that is no number begins with none of Calc's signs."""
    return [
        ["" if cell is None else cell.isoformat() if isinstance(cell, date)
         else str(cell).lstrip("=") for cell in row]
        for row in rows
    ]  # fmt: skip


def steps_of(name: str, folder: Path) -> Iterator[list[Any]]:
    """What the person does, in the order of the states."""
    tables = data_of(name)
    yield from (["open", str(folder / f"{name}.xlsx")], ["state"])
    for table, data in tables.items():
        yield ["type", table, FIRST, as_typed(data.typed)]
    yield ["state"]
    for table, data in tables.items():
        if data.pasted:
            yield ["paste", table, FIRST + TYPED + 1, as_typed(data.pasted)]
    yield ["state"]
    for table, data in tables.items():
        if data.pasted:
            last = FIRST + len(data.typed) + len(data.pasted)
            yield ["sort", table, FIRST, last, len(data.typed[0]), data.by + 1]
    yield ["state"]
    for table, data in tables.items():
        if data.later:
            yield ["paste", table, FIRST + len(together(data, SORTED)), as_typed(data.later)]
    yield ["state"]
    for kind, path in ((ODS, "saved.ods"), (XLSX, "saved.xlsx")):
        saved = str(folder / f"{name}-{path}")
        yield from (["save", saved, kind], ["close"], ["open", saved], ["state"])
    for setting, word in WORDS[name]:
        yield from (["set", setting, word], ["state"])
    yield ["close"]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What gives the states of a template's workbook. Calc works while others are computed."""
    python = python_of_libreoffice()
    folder = tmp_path_factory.mktemp("typed")
    write_extension(folder / "extensions" / FOLDER)
    for name in TEMPLATES:
        (folder / f"{name}.xlsx").write_bytes(build(template(name), {}).content)
    typist = Path(__file__).with_name("calc_typist.py")
    (folder / "books.json").write_text(
        json.dumps([list(steps_of(name, folder)) for name in TEMPLATES]), encoding="utf-8"
    )
    answered = folder / "answers.json"
    with (folder / "books.json").open() as books, answered.open("w") as answers:
        working = subprocess.Popen(
            [python, str(typist), str(folder / "extensions"), str(folder / "profile")],
            stdin=books, stdout=answers, stderr=subprocess.PIPE, text=True, env=surroundings(),
        )  # fmt: skip

    @cache
    def all_of_them() -> dict[str, list[dict[str, Any]]]:
        _, told = working.communicate(timeout=1200)
        assert working.returncode == 0, told
        books = json.loads(answered.read_text(encoding="utf-8"))
        return {
            name: [answer for answer in book if isinstance(answer, dict)]
            for name, book in zip(TEMPLATES, books, strict=True)
        }

    yield lambda name: all_of_them()[name]
    working.kill()
    working.communicate()


@cache
def filled(name: str, step: int) -> Any:
    """The workbook that is filled with the rows that are there after a step."""
    data = {}
    for table in template(name).inputs:
        cells = zip(*together(data_of(name)[table.name], step), strict=True)
        data[table.name] = {
            column.name: [c.lstrip("=") if isinstance(c, str) else c for c in column_cells]
            for column, column_cells in zip(table.columns, cells, strict=True)
        }
    return build(template(name), data)


def after(name: str, step: int) -> Mapping[tuple[str, int, int], Any]:
    """The values of the formulas after a step; from SET on, with the settings of that time."""
    if step < SET:
        return filled(name, min(step, A_YEAR_MORE)).values
    content = filled(name, A_YEAR_MORE).content
    names = read_package(content).names
    cells = {}
    for setting, word in WORDS[name][: step - SET + 1]:
        sheet, _, address = names[None, setting.lower()].rpartition("!")
        place = area(sheet.strip("'"), address.replace("$", ""))
        cells[place.sheet, place.top, place.left] = word
    return calculate(edited(content, cells)).values


def differing(state: dict[str, Any], values: Mapping[tuple[str, int, int], Any]) -> dict[Any, Any]:
    """The cells with formulas that show another value, and the blocks of another size."""
    wrong: dict[Any, Any] = {}
    sizes = {(row, column): size for row, column, *size in state["arrays"]}
    for (sheet, top, left), value in values.items():
        block = value if isinstance(value, list) else [[value]]
        if isinstance(value, list) and sheet == "Model":
            size = sizes.get((top, left))
            if size != [len(block), len(block[0])]:
                wrong[sheet, top, left, "size"] = size, [len(block), len(block[0])]
        cells = state["cells"][sheet]
        for i, row in enumerate(block, start=top):
            for j, expected in enumerate(row, start=left):
                inside = i <= len(cells) and j <= len(cells[0])
                shown = cells[i - 1][j - 1] if inside else ""
                if isinstance(shown, list):
                    shown = CODES.get(shown[0], f"Err:{shown[0]}")
                if not is_same(shown, expected):
                    wrong[sheet, i, j] = shown, expected
    return wrong


STEPS = {
    "typed": TYPED_IN, "pasted": PASTED_BELOW, "sorted": SORTED, "a year more": A_YEAR_MORE,
    "in an ods": IN_ODS, "in an xlsx": IN_XLSX,
}  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_cell_is_that_of_a_filled_workbook(states: Any, name: str, step: str) -> None:
    values = after(name, STEPS[step])
    assert differing(states(name)[STEPS[step]], values) == {}


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name in TEMPLATES for place in range(len(WORDS[name]))]
)
def test_every_word_of_a_setting_is_followed(states: Any, name: str, place: int) -> None:
    values = after(name, SET + place)
    assert differing(states(name)[SET + place], values) == {}


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_opened_is_not_modified(states: Any, name: str) -> None:
    assert [states(name)[step]["modified"] for step in (OPENED, IN_ODS, IN_XLSX)] == [False] * 3


@pytest.mark.parametrize("name", TEMPLATES)
def test_tables_reach_down_to_the_last_row(states: Any, name: str) -> None:
    for table, data in data_of(name).items():
        for step in (TYPED_IN, PASTED_BELOW, A_YEAR_MORE):
            least = states(name)[OPENED]["tables"][table][1]
            last = HEADER + 1 + len(together(data, step))
            assert states(name)[step]["tables"][table] == [HEADER + 1, max(last, least)]
