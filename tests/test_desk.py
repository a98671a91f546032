"""The add-in's own VBA over a stand-in of Excel that behaves as its users report it.

What Excel shows of a workbook is what the file holds, or what the add-in makes of it: nothing else
is shown here. tests/vba_run.py runs the VBA, tests/desktop_excel.py is the Excel.
"""

import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import openpyxl
import pytest
from demos import demo, few
from desktop_excel import Book, Desk, ours_in
from kpi_xl.workbook_templates import TEMPLATES, starter
from vba_run import Array, ExcelError, VbaError

from kpi_xl import METRICS
from kpi_xl.formula_text import calls
from kpi_xl.hosts import addin
from kpi_xl.hosts.lite import with_bound_formulas, with_python
from kpi_xl.locales import LANGUAGES
from kpi_xl.ooxml.package import read_package

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

NOT_AVAILABLE, WRONG_VALUE = ExcelError(2042), ExcelError(2015)
NEVER = 2  # of UpdateLinks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates with data, the add-in, and a file that stands for Python."""
    folder = tmp_path_factory.mktemp("desk")
    for name in TEMPLATES:
        made = demo(name) if name == "scorecard" else few(name)
        (folder / f"{name}.xlsx").write_bytes(made.built.content)
    (folder / "python.exe").touch()
    texts = {**addin.tab()[1], **addin.function_texts(), **addin.message_texts()}
    content = addin.workbook(addin.conf(str(folder / "python.exe")), texts)
    (folder / "addin.xlsm").write_bytes(content)
    return folder


Start = Callable[..., Desk]


@pytest.fixture
def start(folder: Path) -> Start:
    """An Excel with the add-in; its modules may be changed."""

    def started(python: str = "", modules: dict[str, str] | None = None) -> Desk:
        sources = {module.name: module.source for module in addin.modules()} | (modules or {})
        return Desk(folder / "addin.xlsm", sources, python)

    return started


def shown(book: Book) -> dict[str, tuple[Any, Any]]:
    """What the KPI cells show, and what the file has in them."""
    return {
        f"{sheet.Name}!{place}": (sheet.values.get(place), sheet.stored.get(place))
        for sheet in book.sheets
        for place, formula in sheet.formulas.items()
        if ours_in(formula)
    }


def kpis_in(path: Path) -> int:
    """How many formulas of a file call our functions."""
    formulas = read_package(path.read_bytes()).formulas
    return sum(any(calls(one.text, METRICS)) for one in formulas)


def wrong(book: Book) -> dict[str, tuple[Any, Any]]:
    return {cell: pair for cell, pair in shown(book).items() if pair[0] != pair[1]}


def locked(book: Book) -> list[Any]:
    return [place for sheet in book.sheets for place in sheet.locked]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_shows_its_figures_when_it_is_opened(
    name: str, folder: Path, start: Start
) -> None:
    excel = start()
    book = excel.open(folder / f"{name}.xlsx")
    cells = shown(book)
    assert len(cells) == kpis_in(folder / f"{name}.xlsx") > (1500 if name == "scorecard" else 50)
    assert wrong(book) == {}
    assert book.written == len(cells)  # each entered once
    assert excel.calls >= len(cells)
    assert locked(book) == []
    assert (book.Saved, book.UpdateLinks, book.links) == (True, NEVER, [excel.path])
    assert (excel.StatusBar, excel.told) == (False, [])
    assert (excel.ScreenUpdating, excel.EnableEvents, excel.Calculation) == (True, True, -4105)
    excel.idle()
    assert book.written == len(cells)


def test_what_excel_had_saved_is_computed_after_it_was_opened(folder: Path, start: Start) -> None:
    """Functions are asked while it opens, when Excel says that somebody is in the wizard."""
    excel = start()
    during = {}

    def opened(desk: Desk) -> None:
        during.update(shown(desk.Workbooks[-1]))
        Desk.idle(desk)

    with patch.object(excel, "idle", lambda: opened(excel)):
        book = excel.open(folder / "funnel.xlsx", entered=True)
    assert {value for value, _ in during.values()} == {NOT_AVAILABLE}  # no 0 at any time
    assert wrong(book) == {}
    assert locked(book) == []


def test_formulas_that_are_entered_in_the_event_would_not_be_computed(
    folder: Path, start: Start
) -> None:
    """The stand-in does behave as Excel is reported to: this is what the add-in must not do."""
    source = addin.macros("KpiEvents.cls").replace("BindLater Wb", "BindLater Wb\n    BindWaiting")
    book = start(modules={"KpiEvents": source}).open(folder / "funnel.xlsx")
    assert {value for value, _ in wrong(book).values()} == {NOT_AVAILABLE}


def test_a_function_that_is_left_early_would_show_0(folder: Path, start: Start) -> None:
    """So would xlwings' own guard, in every cell."""
    source = {m.name: m.source for m in addin.modules()}["KpiFunctions"]
    early = source.replace("    Answer = CVErr(NotAvailable)\n", "")
    events = addin.macros("KpiEvents.cls").replace("BindLater Wb", "")
    excel = start(modules={"KpiFunctions": early, "KpiEvents": events})
    book = excel.open(folder / "funnel.xlsx", entered=True)
    assert {value for value, _ in shown(book).values()} == {0.0}


def test_one_cell_that_could_spill_would_be_locked(folder: Path, start: Start) -> None:
    source = addin.macros("KpiBinding.bas").replace("cell.CurrentArray.Count > 1", "True")
    book = start(modules={"KpiBinding": source}).open(folder / "campaigns.xlsx")
    assert locked(book)


def test_an_array_of_excel_2019_stays_one(folder: Path, start: Start) -> None:
    """There every formula that could spill was entered over its block, and is again."""
    excel = start()
    with patch.object(Book, "old", True):
        book = excel.open(folder / "funnel.xlsx")
    arrays = [place for sheet in book.sheets for place in sheet.arrays]
    ours = {cell for sheet in book.sheets for cell in sheet.locked}
    assert ours
    assert ours <= set(arrays)


# Python that cannot start


@pytest.mark.parametrize(("python", "asked", "waited"), [("missing", 0, 0.0), ("broken", 1, 120.0)])
def test_python_that_cannot_start_costs_one_failure_in_all(
    python: str, asked: int, waited: float, folder: Path, start: Start
) -> None:
    gone = folder / "gone.exe"
    if python == "missing":
        (folder / "python.exe").rename(gone)
    try:
        excel = start(python)
        book = excel.open(folder / "scorecard.xlsx")
        assert (excel.asked, excel.waited) == (asked, waited)
        assert Counter(value for value, _ in shown(book).values()) == {
            WRONG_VALUE: kpis_in(folder / "scorecard.xlsx")
        }
        reason = str(excel.StatusBar)
        assert {"missing": "python.exe", "broken": "could not be started"}[python] in reason
        assert len(reason) <= 255
        # What kpi-xl doctor reads.
        assert excel.saved["Failure"] == {"missing": "missing", "broken": "start"}[python]

        cell = book.sheets[0].Cells(1, 1)
        excel.select(cell)
        excel.project.call("KpiScript", SimpleNamespace(Tag="check_data"))
        assert excel.told[0].startswith(reason[:200])
        assert excel.asked == asked  # a button does not wait for it either

        excel.project.call("KpiTryAgain", None)
        assert excel.asked == 2 * asked
        assert excel.waited == 2 * waited
        assert excel.told[1].startswith(reason[:200])
    finally:
        if python == "missing":
            gone.rename(folder / "python.exe")
    excel.python = ""
    excel.project.call("KpiTryAgain", None)
    assert wrong(book) == {}
    assert (excel.saved, excel.StatusBar) == ({}, False)


def test_python_that_has_ended_is_not_started_at_every_cell(folder: Path, start: Start) -> None:
    excel = start()
    excel.fails["CPL"] = VbaError(462, "The remote server machine does not exist")
    book = excel.open(folder / "funnel.xlsx")
    # From the first cell on that Python did not survive, all are errors, at once.
    assert {value for value, _ in wrong(book).values()} == {WRONG_VALUE}
    assert "CPL" in str(excel.StatusBar)
    calls_until_then = excel.calls
    excel.CalculateFull()
    assert excel.calls == calls_until_then


# What a cell shows of a mistake in the code, and who tells


def test_a_bug_is_an_error_and_its_sentence_is_told(folder: Path, start: Start) -> None:
    excel = start()
    excel.fails["CPL"] = VbaError(-2147352567, "Traceback ...\r\nZeroDivisionError: a bug\r\n")
    book = excel.open(folder / "funnel.xlsx")
    failed = wrong(book)
    assert {value for value, _ in failed.values()} == {WRONG_VALUE}
    told = "CPL: ZeroDivisionError: a bug"
    assert told in str(excel.StatusBar)

    sheet = next(one for one in book.sheets if any("CPL(" in f for f in one.formulas.values()))
    place = next(place for place, formula in sheet.formulas.items() if "CPL(" in formula)
    excel.select(sheet.Cells(*place))
    explain = SimpleNamespace(Tag="explain_cell")
    excel.project.call("KpiScript", explain)
    assert told in excel.told[-1]

    excel.fails.clear()
    excel.CalculateFull()  # what has been computed has no reason any more
    assert wrong(book) == {}
    before = len(excel.told)
    excel.project.call("KpiScript", explain)
    assert len(excel.told) == before


def test_each_cell_of_a_block_tells_why_it_failed(folder: Path, start: Start) -> None:
    excel = start()
    excel.fails["ATTRIBUTION"] = VbaError(-2147352567, "ZeroDivisionError: a bug")
    book = excel.open(folder / "funnel.xlsx")
    blocks = [
        (sheet, block)
        for sheet in book.sheets
        for place, block in sheet.arrays.items()
        if "ATTRIBUTION(" in sheet.formulas[place]
    ]
    assert blocks
    for sheet, (left, top, right, bottom) in blocks:
        for place in ((top, left), (bottom, right)):
            excel.select(sheet.Cells(*place))
            excel.project.call("KpiScript", SimpleNamespace(Tag="explain_cell"))
            assert "ATTRIBUTION: ZeroDivisionError: a bug" in excel.told.pop()


def test_nothing_that_python_answers_is_shown_as_0(start: Start) -> None:
    """A cell shows Empty and Null as 0, also inside a block."""
    project = start().project
    for answer in (None, Array([None, 1.0]), Array([Array([1.0, None])])):
        result = project.call_private("KpiFunctions", "WithErrors", answer)
        assert "None" not in str(result)
        assert "2015" in str(result)


# Workbooks of others


@pytest.mark.parametrize("host", ["lite", "server", "lite of another"])
def test_a_workbook_of_an_office_add_in_is_left_alone(
    host: str, folder: Path, tmp_path: Path, start: Start
) -> None:
    content = (folder / "funnel.xlsx").read_bytes()
    if host == "lite of another":
        # Not of ours, without our mark; formulas as Excel hands them over where Lite is loaded.
        content = with_python(starter.build("en").content).replace(b"kpi_xl host", b"other_ host")
    else:
        content = with_python(content) if host == "lite" else with_bound_formulas(content)
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    book = start().open(path)
    assert (book.written, book.links, book.UpdateLinks) == (0, [], 1)


def test_a_link_to_an_add_in_elsewhere_is_pointed_here(folder: Path, start: Start) -> None:
    excel = start()
    old = r"D:\Old\kpi_xl.xlam"
    book = excel.open(folder / "funnel.xlsx", entered=True, links=(old,))
    assert wrong(book) == {}
    assert (book.links, book.UpdateLinks) == ([excel.path], NEVER)

    excel.Workbooks.clear()
    book = excel.open(folder / "funnel.xlsx", entered=True, links=(old, r"C:\plan.xlsx"))
    assert wrong(book) == {}
    assert book.UpdateLinks == 1  # the other one is for Excel to ask about


def test_what_was_typed_opens_without_a_question_elsewhere(folder: Path, start: Start) -> None:
    excel = start()
    book = excel.open(folder / "addin.xlsm")  # a workbook without formulas
    excel.project.fire("WorkbookBeforeSave", book, False, False)
    assert book.UpdateLinks == 1
    book.links.append(excel.path)
    excel.project.fire("WorkbookBeforeSave", book, False, False)
    assert book.UpdateLinks == NEVER

    book.UpdateLinks = 1
    book.links.append(r"C:\plan.xlsx")
    excel.project.fire("WorkbookBeforeSave", book, False, False)
    assert book.UpdateLinks == 1


def test_a_protected_sheet_is_computed_and_what_is_not_bound_there_is_told(
    folder: Path, start: Start
) -> None:
    excel = start()
    with patch("desktop_excel.Sheet.ProtectContents", True):
        book = excel.open(folder / "funnel.xlsx", entered=True)
        assert wrong(book) == {}
        excel.Workbooks.clear()
        unbound = excel.open(folder / "funnel.xlsx")
    assert {value for value, _ in shown(unbound).values()} == {ExcelError(2029)}  # no 0
    assert "unprotect" in str(excel.StatusBar)


def test_a_user_who_computes_by_hand_keeps_that(folder: Path, start: Start) -> None:
    excel = start()
    excel.Calculation = -4135
    book = excel.open(folder / "funnel.xlsx")
    assert wrong(book) == {}
    assert excel.Calculation == -4135


def test_a_workbook_that_is_closed_at_once_is_no_fault(folder: Path, start: Start) -> None:
    excel = start()
    with patch.object(excel, "idle", lambda: None):
        book = excel.open(folder / "funnel.xlsx")
    excel.Workbooks.remove(book)
    excel.idle()
    assert (book.written, excel.StatusBar, excel.told) == (0, False, [])


def test_help_that_excel_does_not_take_says_nothing(start: Start) -> None:
    excel = start()  # whose MacroOptions fails
    assert excel.told == []
    assert excel.project.outside["thisworkbook"].IsAddin is True


def test_the_stand_in_reads_the_add_ins_sheets(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(folder / "addin.xlsm")
    assert [row[0].value for row in book["functions"].iter_rows(min_row=2)] == list(METRICS)
    assert book["texts"].max_column == 1 + len(LANGUAGES)
