"""What comes from outside, made to harm: each file costs a sentence, or gives its values."""

import errno
import gzip
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import hostile_files
import polars as pl
import pytest
from commands import kpi_xl as command

from kpi_xl import METRICS, bounded, cells
from kpi_xl.bounded import Budget, BudgetError
from kpi_xl.errors import CellError
from kpi_xl.files import write_whole
from kpi_xl.hosts.libreoffice.extension import FOLDER, install_steps
from kpi_xl.hosts.libreoffice.programs import surroundings
from kpi_xl.ooxml import limits
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.reports.folders import allowed_folders, permitted
from kpi_xl.reports.layout import SOURCE_COLUMNS
from kpi_xl.reports.loading import loaded
from kpi_xl.reports.records import OpenWorkbook, Place, Table
from kpi_xl.schema import SCHEMAS, Column
from kpi_xl.sources import SourceError, read_table
from kpi_xl.units import DATE, KEY, MONEY, NOT_NEGATIVE, SHEET_ROWS, Unit

ORDERS = (Column("customer", KEY), Column("date", DATE), Column("amount", MONEY))
WHOLE = hostile_files.packed(dict(hostile_files.PARTS))


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children find the functions of the tests."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What some hundred files come to, in a child with a gigabyte of memory."""
    folder = tmp_path_factory.mktemp("hostile")
    count = hostile_files.write(folder)
    assert count > 300
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        answers = bounded.call(hostile_files.outcomes, str(folder), budget=Budget(1 << 30, 300.0))
    assert len({name.partition(": ")[0] for name in answers}) == count
    return dict(answers)


def test_no_file_is_a_fault_of_ours(told: dict[str, str]) -> None:
    assert [f"{name}: {one}" for name, one in told.items() if one.startswith("fault")] == []


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("far XFD1048576.xlsx: table", "stand so far apart that they span 17,179,869,184"),
        ("far XFE1.xlsx: recalc", "not in order"),
        ("table A1_C1.xlsx: table", "has no rows of data in its table Orders"),
        ("table A1_XFD1048576.xlsx: table", "with its table stand so far apart"),
        ("shared text abc.xlsx: table", 'the shared text "abc", and there are 3'),
        ("shared text 3.xlsx: recalc", 'the shared text "3", and there are 3'),
        ("scope 7.xlsx: eval", "a name belongs to a sheet that there is not"),
        ("encrypted.xlsx: recalc", "is encrypted: save it in Excel without a password"),
        ("method 99.xlsx: freeze", "packed in a way that workbooks do not use (method 99)"),
        ("bomb xl_media_x.png.xlsx: explain", "unpacks to 80 MB, and a file of 1 MB may"),
        ("formula (((5000.xlsx: recalc", "has brackets 5,000 deep"),
        ("long formula.xlsx: recalc", "characters, and Excel takes 8,192"),
        ("wide.csv: table", "columns, and an Excel sheet holds 16,384"),
    ],
)
def test_a_sentence_says_what_is_wrong(told: dict[str, str], name: str, part: str) -> None:
    (answer,) = [one for key, one in told.items() if key[4:] == name.replace("(", "_")]
    assert answer.startswith("sentence ")
    assert part in answer


def test_a_sentence_is_short(told: dict[str, str]) -> None:
    assert max(map(len, told.values())) < 3000


def test_the_whole_workbook_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    path.write_bytes(WHOLE)
    read = read_table(path, ORDERS, table="Orders")
    assert read.columns["customer"] == [2.0, 3.0, 4.0]
    assert read.columns["date"] == [date(2024, 1, n) for n in (2, 3, 4)]
    assert read.columns["amount"] == [20.0, 30.0, 40.0]


# The child


def endless() -> None:
    while True:
        pass


def hungry() -> int:
    return len([bytes(1 << 20) + b"1" for _ in range(4000)])


def ends() -> None:
    os.abort()


def wrong() -> None:
    raise KeyError("a bug")


@pytest.mark.usefixtures("children")
@pytest.mark.parametrize(
    ("work", "seconds", "sentence"),
    [
        (endless, 1.0, "it takes more than the 1 s"),
        (hungry, 60.0, "it needs more than the 300 MB of memory"),
        (ends, 60.0, "it ends the process that reads it"),
    ],
)
def test_work_beyond_its_budget_costs_a_sentence(
    work: Callable[[], Any], seconds: float, sentence: str
) -> None:
    with pytest.raises(BudgetError, match=sentence):
        bounded.call(work, budget=Budget(300 << 20, seconds))


@pytest.mark.usefixtures("children")
def test_a_bug_in_the_child_is_told_as_one() -> None:
    with pytest.raises(KeyError) as raised:
        bounded.call(wrong, budget=Budget(300 << 20, 60.0))
    assert "in wrong" in raised.value.__notes__[0]


def half(number: int, progress: Callable[..., None]) -> int:
    progress(number)
    if number % 2:
        raise ValueError(number)
    return number // 2


@pytest.mark.usefixtures("children")
@pytest.mark.parametrize("processors", [1, 2])
def test_work_side_by_side_is_answered_in_order(
    processors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "processors", lambda: processors)
    heard: list[int] = []
    inputs = [(2,), (4,), (5,), (8,)]
    waits = bounded.side_by_side(half, inputs, budget=Budget(300 << 20, 60.0))
    assert [wait(heard.append) for wait in waits[:2]] == [1, 2]
    with pytest.raises(ValueError, match="5"):
        waits[2](heard.append)
    assert waits[3](heard.append) == 4
    assert sorted(heard) == [2, 4, 5, 8]


def test_units_travel_as_the_same_or_by_value() -> None:
    assert pickle.loads(pickle.dumps(MONEY)) is MONEY
    own = Unit("MONEY", "money, without cents", "#,##0", NOT_NEGATIVE)
    copy = pickle.loads(pickle.dumps(own))
    assert copy is not MONEY
    assert (copy.name, copy.meaning, copy.number_format, copy.domain) == (
        *("MONEY", "money, without cents", "#,##0"),
        NOT_NEGATIVE,
    )


def test_a_child_hands_over_records_alone() -> None:
    for what in (os.system, subprocess.Popen, eval, bounded.call, Path):
        with pytest.raises(pickle.UnpicklingError):
            bounded._Plain(io.BytesIO(pickle.dumps(what))).load()
    copy = bounded._Plain(io.BytesIO(pickle.dumps(CellError("#NUM!", "too large")))).load()
    assert (copy, copy.sentence) == ("#NUM!", "too large")


# Results


@pytest.mark.parametrize(
    ("spend", "customers"),
    [
        ([[1.0]] * 3000, [[1.0] * 3000]),
        ([[1.0]] * (SHEET_ROWS + 1), 5.0),
        ([[1.0] * 16_385], 5.0),
    ],
)
def test_results_that_no_sheet_holds_are_refused_at_once(spend: Any, customers: Any) -> None:
    result = cells.evaluate(METRICS["CAC"], [spend, customers])
    assert isinstance(result, CellError)
    assert result == "#NUM!"
    assert "4,000,000 cells" in result.sentence


# Keys and columns


def test_columns_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    columns = {"customer": ["a"], "Customer": ["b"], "date": ["2024-01-01"], "amount": [5.0]}
    path = tmp_path / "orders.parquet"
    pl.DataFrame(columns).write_parquet(path)
    with pytest.raises(SourceError, match='more than one column for customer: "customer" and "C'):
        read_table(path, ORDERS)


# Files that are none


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
def test_a_pipe_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    for name in ("orders.csv", "orders.xlsx"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(SourceError, match="is a pipe, and no file"):
            read_table(tmp_path / name, ORDERS)


def test_a_name_too_long_is_a_sentence(tmp_path: Path) -> None:
    path = permitted("a" * 300 + ".csv", tmp_path, [])
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        read_table(path, ORDERS)


def test_a_folder_of_the_path_may_have_a_name_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(["/bin", "/" + "a" * 300 + "/bin"]))
    assert surroundings()["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz"])
def test_what_is_wrong_is_told_at_the_row_that_names_the_file(tmp_path: Path, name: str) -> None:
    """The name of one file may begin with that of another."""
    files = {"orders.csv": b"customer,date,amount\nann,2024-01-31,5\n", "orders.csv.gz": b""}
    files["orders.csv.gz"] = gzip.compress(files["orders.csv"])
    for file, content in (files | {name: b"\0"}).items():
        (tmp_path / file).write_bytes(content)
    rows = [[table, file, None, None, None, None]
            for table, file in zip(("Orders", "Subscriptions"), files, strict=True)]  # fmt: skip
    listing = Table("Sources", Place("Sources", 8, 1), SOURCE_COLUMNS, rows, [])
    book = OpenWorkbook("en", tmp_path, {"Sources": listing}, {})
    change = loaded(book, SCHEMAS["retention"].inputs, datetime(2024, 2, 1))
    assert change.refused
    wrong = [one for one in change.problems if str(tmp_path / name) + " " in one]
    assert wrong
    assert all(one.startswith(f"Sources[file]:{9 + [*files].index(name)}:") for one in wrong)


@pytest.mark.parametrize("name", ["orders.csv", "orders.xlsx"])
def test_why_a_file_cannot_be_opened_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_bytes(b"")

    def closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(SourceError, match=f"{name} cannot be read: Permission denied"):
        read_table(tmp_path / name, ORDERS)


def test_settings_may_begin_with_the_mark_of_windows_editors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    monkeypatch.setattr("kpi_xl.reports.folders.settings_file", lambda: file)
    monkeypatch.delenv("KPI_XL_FOLDERS", raising=False)
    file.write_text(f"folders = ['{tmp_path}']", encoding="utf-8-sig")
    assert allowed_folders() == [tmp_path]
    file.write_text("folders = 1" + "0" * 5000, encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be read: Exceeds the limit"):
        allowed_folders()


def test_a_folder_of_nobody_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_XL_FOLDERS", "~nobody_of_this_name/data")
    with pytest.raises(SourceError, match="~nobody_of_this_name"):
        allowed_folders()


KILLED = """
import os, sys
from pathlib import Path
from kpi_xl import files
files.os.fsync = lambda _: os._exit(9)
files.write_whole(Path(sys.argv[1]), b"half")
"""


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    run = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert run.returncode == 9
    assert [one.suffix for one in tmp_path.iterdir()] == [".part"]
    write_whole(path, b"whole")
    assert [one.name for one in tmp_path.iterdir()] == ["book.xlsx"]


def test_a_name_as_long_as_they_may_be_is_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'表' * 83}.xlsx"  # of 254 bytes
    write_whole(path, b"whole")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_an_extension_whose_files_are_held_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows neither moves nor removes what a LibreOffice that runs has open."""
    place = tmp_path / FOLDER
    (step,) = install_steps(tmp_path)
    step.do()
    before = sorted(path.name for path in place.rglob("*"))

    def held(path: Path, *_: object, **__: object) -> None:
        if path == place:
            next(place.glob("*.xcu")).unlink()  # as far as it came
            raise PermissionError(errno.EACCES, "Access is denied")

    def stays(path: Path, _: Path) -> None:
        if path == place:
            raise PermissionError(errno.EACCES, "Access is denied")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", held)
        patch.setattr(Path, "rename", stays)
        with pytest.raises(PermissionError):
            step.do()
    assert sorted(path.name for path in place.rglob("*")) == before
    step.do()
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


# The commands' edges


@pytest.mark.parametrize(
    "use", ["recalc", "explain", "freeze", "eval", "fill", "export", "refresh"]
)
def test_each_command_names_the_file_and_what_is_wrong(tmp_path: Path, use: str) -> None:
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(hostile_files.with_part("xl/media/x.png", bytes(80 << 20)))
    arguments = {
        "explain": ["explain", str(path), "A1"],
        "eval": ["eval", "=A1", "--book", str(path)],
        "fill": ["fill", "retention", "--table", f"Orders={path}", "-o", str(tmp_path / "o.xlsx")],
        "export": ["export", "--pdf", str(path)],
    }.get(use, [use, str(path)])
    run = command(*arguments)
    assert run.returncode == (1 if use == "refresh" else 2), run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert str(path) in run.stderr
    assert "unpacks to 80 MB" in run.stderr


def test_control_characters_reach_no_terminal(tmp_path: Path) -> None:
    path = tmp_path / "red.xlsx"
    texts = hostile_files.PARTS[hostile_files.TEXTS].replace("customer", "_x001B_[31mred")
    path.write_bytes(hostile_files.with_part(hostile_files.TEXTS, texts))
    run = command("eval", "=A1", "--book", str(path))
    assert (run.returncode, run.stdout) == (0, r"\x1b[31mred" + "\n")


@pytest.mark.parametrize("words", [("layouts", "show"), ("fill", "retention", "-o", "red.xlsx")])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_headers_command_no_terminal(
    words: tuple[str, ...], form: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "red.csv").write_bytes(
        "customer,date,amount,\x1b[31mred\x07\u009b1m\u202e\na,2024-01-01,1,2\n".encode()
    )
    run = command(*words, *form, "red.csv", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    told = run.stdout + run.stderr
    assert "[31mred" in told
    assert [sign for sign in "\x1b\x07\u009b\u202e" if sign in told] == []
    if form:
        assert repr("\x1b[31mred\x07\u009b1m\u202e")[1:-1] in repr(json.loads(told))


def test_the_budget_that_is_told_suffices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of what a file unpacks to; of memory and time four times what was allowed, each time."""
    path = tmp_path / "large.xlsx"
    path.write_bytes(hostile_files.with_part("xl/media/x.png", bytes(200 << 20)))
    refused = command("eval", "=A1", "--book", str(path))
    assert "unpacks to 200 MB" in refused.stderr
    told = re.search(r"KPI_XL_BUDGET=(\d+) allows it", refused.stderr)
    assert told is not None
    monkeypatch.setenv("KPI_XL_BUDGET", told[1])
    assert command("eval", "=A1", "--book", str(path)).returncode == 0
    monkeypatch.setattr(bounded, "LARGEST", 2.0)
    monkeypatch.setenv("KPI_XL_BUDGET", "2")
    with zipfile.ZipFile(path) as package, pytest.raises(NotAWorkbookError) as largest:
        limits.check_directory(package, path.stat().st_size)
    assert str(largest.value) == "it unpacks to 200 MB, too much for a workbook"
    monkeypatch.undo()
    monkeypatch.setenv("KPI_XL_BUDGET", told[1])
    assert "KPI_XL_BUDGET=16 " in bounded.too_large(Budget(1 << 30, 1.0))
    assert "KPI_XL_BUDGET=16 " in bounded.too_long(Budget(1 << 30, 1.0))


@pytest.mark.parametrize(
    "words", [("recalc", "-o", "out.xlsx"), ("freeze", "-o", "out.xlsx"), ("eval", "=A1", "--book")]
)
def test_a_workbook_without_content_types_is_refused_alike(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    """Excel opens neither it nor what would be made of it."""
    path = hostile_files.FOUND / "noct.xlsx"
    name, *others = words
    run = command(name, *others, str(path), folder=tmp_path)
    assert run.returncode == 2
    assert run.stderr.endswith("it is damaged (its part [Content_Types].xml is missing)\n")
    assert not (tmp_path / "out.xlsx").exists()


def test_every_dependency_has_a_licence_in_the_list() -> None:
    run = command("licences", "--json")
    assert run.returncode == 0, run.stderr
    listed = {one["name"].lower(): one["licence"] for one in json.loads(run.stdout)}
    assert {"kpi-xl", "numpy", "xlwings", "formualizer", "duckdb", "python-calamine"} <= set(listed)
    assert listed["kpi-xl"] == "BSD-3-Clause"
