"""Workbooks filled by hand in LibreOffice Calc: what is typed and pasted counts, wherever it is.

Somebody types, pastes, sorts and sets (calc_typist.py); after each step every cell has to be that
of a workbook that kpi-xl fills from the same rows. Two soffice do it side by side, as each waits
for half of its time until nothing more is typed.
"""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from demos import empty
from hosts import missing, program
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import HEADER
from test_calc import is_same
from workbooks import typed_into

from kpi_xl.engine.embedded import calculate
from kpi_xl.hosts.libreoffice.blocks import NO_ROOM
from kpi_xl.hosts.libreoffice.document import CODES
from kpi_xl.hosts.libreoffice.extension import FOLDER, write_extension
from kpi_xl.hosts.libreoffice.headless import surroundings
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package
from kpi_xl.units import DATE

TYPISTS = 2
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

CUSTOMERS, NOTED = (5, 1), 12
"""On Model of retention: where the table of customers begins, and a row where it would grow to."""

XLSX, ODS = "Calc MS Excel 2007 XML", "calc8"
OPENED, TYPED_IN, PASTED_BELOW, SORTED, IN_ODS, A_YEAR_MORE, IN_XLSX, SET = range(8)
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
    yield from saved_and_opened(folder / f"{name}-saved.ods", ODS)
    for table, data in tables.items():  # in a file of LibreOffice's, whose formulas have no tables
        if data.later:
            yield ["paste", table, FIRST + len(together(data, SORTED)), as_typed(data.later)]
    yield ["state"]
    yield from saved_and_opened(folder / f"{name}-saved.xlsx", XLSX)
    for setting, word in WORDS[name]:
        yield from (["set", setting, word], ["state"])
    first = template(name).sheets[0].title
    yield from (["copy_out", first], ["copy_within", first], ["copy_cells", first], ["close"])


def saved_and_opened(path: Path, kind: str) -> Iterator[list[Any]]:
    yield from (["save", str(path), kind], ["close"], ["open", str(path)], ["state"])


CROWDED = "no room"


def steps_without_room(folder: Path) -> Iterator[list[Any]]:
    """A note below the table of customers on Model, then orders; then it is cleared."""
    orders = [[f"c{number}", f"2025-01-{number + 1:02}", "10"] for number in range(15)]
    yield ["open", str(folder / "crowded.xlsx")]
    yield ["type", "Model", NOTED, [["a note"]]]
    yield from (["paste", "Orders", FIRST, orders], ["state"])
    yield from saved_and_opened(folder / "crowded.ods", ODS)
    yield from (["clear", "Model", f"$A${NOTED}"], ["state"], ["close"])


CALCULATED = "a calculated column"


def steps_with_a_column(folder: Path) -> Iterator[list[Any]]:
    """A column of the user's own amid a table: half the amount; then rows typed and pasted."""
    yield ["open", str(folder / "calculated.xlsx")]
    yield ["type", "Orders", FIRST, [[f"c{n}", f"2025-01-0{n}", "10"] for n in range(1, 5)]]
    yield ["insert_column", "Orders", "$C$4"]
    yield ["type", "Orders", FIRST - 1, [["", "", "half"]]]
    yield ["type", "Orders", FIRST, [["", "", f"=D{FIRST + n}/2"] for n in range(4)]]
    yield ["state"]
    yield ["type", "Orders", FIRST + 4, [["late", "2025-02-01", "", "50"]]]
    yield ["paste", "Orders", FIRST + 5, [[f"p{n}", "2025-02-02", "", "7"] for n in range(3)]]
    yield from (["state"], ["cells", "Orders", f"A{FIRST}:D{FIRST + 7}"], ["close"])


States = list[dict[str, Any]]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What gives the states of a book as soon as Calc has done with it, and works on the next."""
    folder = tmp_path_factory.mktemp("typed")
    write_extension(folder / "extensions" / FOLDER)
    contents = {name: empty(name).content for name in TEMPLATES}
    contents |= dict.fromkeys(("crowded", "calculated"), contents["retention"])
    for name, content in contents.items():
        (folder / f"{name}.xlsx").write_bytes(content)
    books = {name: list(steps_of(name, folder)) for name in TEMPLATES}
    books |= {CROWDED: list(steps_without_room(folder))}
    books |= {CALCULATED: list(steps_with_a_column(folder))}
    done: dict[str, Future[States]] = {name: Future() for name in books}
    with ExitStack() as stack:
        for number in range(TYPISTS):
            some = dict(list(books.items())[number::TYPISTS])
            stack.enter_context(typing(folder, folder / f"typist{number}", some, done))
        yield lambda name: done[name].result(timeout=1200)


@contextmanager
def typing(
    folder: Path, own: Path, books: dict[str, Any], done: Mapping[str, "Future[States]"]
) -> Iterator[None]:
    """Somebody who works on these books, one after the other."""
    python, typist = python_of_libreoffice(), Path(__file__).with_name("calc_typist.py")
    own.mkdir()
    (own / "books.json").write_text(json.dumps(list(books.values())), encoding="utf-8")
    with (own / "books.json").open() as steps, (own / "told").open("w") as told:
        working = subprocess.Popen(
            [python, str(typist), str(folder / "extensions"), str(own / "profile")],
            stdin=steps, stdout=subprocess.PIPE, stderr=told, text=True, env=surroundings(),
            start_new_session=True,
        )  # fmt: skip

    def listen() -> None:
        try:
            for name, line in zip(books, working.stdout or (), strict=False):
                done[name].set_result([one for one in json.loads(line) if isinstance(one, dict)])
        finally:
            for name in books:
                if not done[name].done():
                    done[name].set_exception(AssertionError((own / "told").read_text()))

    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield
        if all(done[name].done() for name in books):
            assert working.wait(timeout=60) == 0, (own / "told").read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(working.pid, signal.SIGKILL)  # soffice, too, where only some were asked for
        listening.join()
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
        return filled(name, min(SORTED if step == IN_ODS else step, A_YEAR_MORE)).values
    content = filled(name, A_YEAR_MORE).content
    names = read_package(content).names
    cells = {}
    for setting, word in WORDS[name][: step - SET + 1]:
        sheet, _, address = names[None, setting.lower()].rpartition("!")
        place = area(sheet.strip("'"), address.replace("$", ""))
        cells[place.sheet, place.top, place.left] = word
    return calculate(typed_into(content, cells)).values


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
    "typed": TYPED_IN, "pasted": PASTED_BELOW, "sorted": SORTED, "in an ods": IN_ODS,
    "a year more": A_YEAR_MORE, "in an xlsx": IN_XLSX,
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
def test_the_first_sheet_counts_what_checks_say(name: str) -> None:
    """Without Calc: the sentence depends on cells that follow from spills, over some others."""
    values = filled(name, A_YEAR_MORE).values
    wrong = [cell for (sheet, *_), cell in values.items() if sheet == "Checks" and cell == "✗ no"]
    told = [
        re.findall(r"computed twice that do not agree: (\d+)", cell)
        for (sheet, *_), cell in values.items()
        if sheet != "Checks" and isinstance(cell, str) and "See the sheet Checks" in cell
    ]
    assert all(found in ([], [str(len(wrong))]) for found in told)
    assert told or not wrong


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_opened_is_not_modified(states: Any, name: str) -> None:
    assert [states(name)[step]["modified"] for step in (OPENED, IN_ODS, IN_XLSX)] == [False] * 3


UNDO_STEPS = 100  # that Calc remembers


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_was_typed_can_be_undone_and_nothing_else(states: Any, name: str) -> None:
    typed = [
        cell for data in data_of(name).values() for row in as_typed(data.typed) for cell in row
    ]
    assert states(name)[OPENED]["undo"] == states(name)[IN_ODS]["undo"] == 0
    assert states(name)[TYPED_IN]["undo"] == min(len(list(filter(None, typed))), UNDO_STEPS)


@pytest.mark.parametrize("name", TEMPLATES)
def test_tables_reach_down_to_the_last_row(states: Any, name: str) -> None:
    for table, data in data_of(name).items():
        for step in (TYPED_IN, PASTED_BELOW, A_YEAR_MORE):
            least = states(name)[OPENED]["tables"][table][1]
            last = HEADER + 1 + len(together(data, step))
            assert states(name)[step]["tables"][table] == [HEADER + 1, max(last, least)]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_copy_shows_what_its_original_does(states: Any, name: str) -> None:
    """A sheet copied to a new document or within its own, and its cells pasted elsewhere."""
    *_, last, out, within, cells = states(name)
    first = template(name).sheets[0].title
    for copy in (out, within, cells):
        assert copy["lost"] == []
        pairs = zip(chain(*copy["cells"]), chain(*last["cells"][first]), strict=True)
        assert [pair for pair in pairs if not is_same(*pair)] == []
    assert [copy["live"] for copy in (out, within, cells)] == [False, True, False]


def test_a_block_without_room_shows_errors_and_says_why(states: Any) -> None:
    typed, in_ods, cleared = states(CROWDED)
    row, column = CUSTOMERS
    for state in (typed, in_ods):
        assert state["cells"]["Model"][row - 1][column - 1] == [519]  # #VALUE!
        assert state["cells"]["Model"][NOTED - 1][0] == "a note"
        assert [519] in [cell for cells in state["cells"]["Summary"] for cell in cells]
        assert state["notes"] == {"Model.A5": NO_ROOM.format(cells="Model.A5")}
    assert cleared["notes"] == {}
    assert [row, column, 16, 8] in cleared["arrays"]  # a header and 15 customers
    assert [519] not in [cell for cells in cleared["cells"]["Summary"] for cell in cells]


def test_rows_that_are_new_compute_and_look_as_those_above(states: Any) -> None:
    _, last, shown = states(CALCULATED)
    assert shown["formulas"] == [f"=D{FIRST + n}/2" for n in range(8)]
    amounts, halves = ([row[column] for row in shown["values"]] for column in (3, 2))
    assert amounts == [10, 10, 10, 10, 50, 7, 7, 7]
    assert halves == [5, 5, 5, 5, 25, 3.5, 3.5, 3.5]
    assert all(look == shown["looks"][0] for look in shown["looks"])
    assert last["tables"]["Orders"] == [FIRST - 1, FIRST + 7]
    assert 111 in chain(*last["cells"]["Summary"])  # the revenue
