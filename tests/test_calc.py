"""LibreOffice Calc with the extension, and LibreOffice without windows."""

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from xml.etree import ElementTree

import openpyxl
import pytest
from case_book import SHEET, Band, case_book
from cases import CALLS, EXCEPTIONS, block, evaluated
from demos import ROWS, empty, few, first_rows
from hosts import program
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import SOURCES
from kpi_xl.workbook_templates.writing import Built
from test_scripts import saved
from workbooks import edited, loaded_today, part, sheet_of, typed_into, written

from kpi_xl import METRICS
from kpi_xl.engine.embedded import calculate
from kpi_xl.errors import KpiError
from kpi_xl.hosts.libreoffice import engine, programs
from kpi_xl.hosts.libreoffice import extension as calc
from kpi_xl.hosts.libreoffice import headless as libreoffice
from kpi_xl.hosts.libreoffice.blocks import last_blank, outermost
from kpi_xl.hosts.libreoffice.document import CODES, tidied, tidy, tidy_file
from kpi_xl.hosts.libreoffice.names import (
    METHODS,
    bound,
    method,
    plain,
    unbound,
    unresolved,
    with_texts,
)
from kpi_xl.hosts.libreoffice.newer_functions import NEWER, NEWER_CALL
from kpi_xl.hosts.libreoffice.tables import Kind, as_filled, belonging, specified
from kpi_xl.hosts.libreoffice.tables import named as named_columns
from kpi_xl.locales import LANGUAGES
from kpi_xl.ooxml.package import read_package
from kpi_xl.reports.freezing import becomes_a_value

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

SECONDS = 1500.0  # of a machine on which all test files run at once


def named(file: str) -> Callable[[Any], None]:
    """A change of the file from which Spend is loaded."""
    return lambda book: book["Sources"].__setitem__("B10", file)


def note_below(sheet: Any) -> None:
    sheet["A9"] = "a note"


def protect(sheet: Any) -> None:
    sheet.protection.sheet = True


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kpi_xl", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


@pytest.fixture(scope="module")
def bands() -> tuple[bytes, dict[str, Band]]:
    return case_book()


class Report(NamedTuple):
    """A template workbook without data, the files that it names, and what they have."""

    empty: bytes
    filled: Built
    rows: dict[str, dict[str, list[Any]]]


def report(name: str, folder: Path) -> Report:
    """One over the first rows of the sample data, which are saved as CSV files."""
    (folder / name).mkdir()
    rows = first_rows(name)
    files = saved(template(name), rows, folder / name)
    named = {(SOURCES.title, row, 2): f"{name}/{one.file}" for row, one in enumerate(files, 9)}
    return Report(typed_into(empty(name).content, named), few(name).built, rows)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Report], Path]:
    folder = tmp_path_factory.mktemp("data")
    return {name: report(name, folder) for name in TEMPLATES}, folder


PRESSED = {
    "cases": [(SHEET, "A1", "freeze_for_sharing"), (SHEET, "A1", "refresh_report")],
    "funnel": [("Summary", "C42", "explain_cell"), ("Start", "A1", "explain_cell"),
               ("Spend", "A1", "load_data"), ("Start", "A1", "load_data")],
    "frozen": [("Start", "A1", "freeze_for_sharing"), ("Start", "A1", "freeze_with_formulas")],
}  # fmt: skip
"""What else is chosen in the menu."""

REFUSED = {
    "no file": (named("no.csv"), "there is no file"),
    "elsewhere": (named("../secret.csv"), "is outside the folders"),
    "a note below": (lambda book: note_below(book["Spend"]), "row 9 below it is not blank"),
    "protected": (lambda book: protect(book["Spend"]), "The sheet Spend is protected"),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, bands: Any, reports: Any) -> dict[str, Any]:
    """What Calc shows in the workbook of all cases and in the templates: one start for them all.

    The templates are opened without data, and their reports refreshed.
    """
    program("soffice", "apt-get install libreoffice-calc python3-uno")
    folder = tmp_path_factory.mktemp("calc")
    books = {"cases": bands[0]} | {name: one.empty for name, one in reports[0].items()}
    books["frozen"] = reports[0]["funnel"].filled.content
    books |= {name: changed(books["funnel"], change) for name, (change, _) in REFUSED.items()}
    tasks = []
    for name, content in books.items():
        (folder / f"{name}.xlsx").write_bytes(content)
        task = {"book": str(folder / f"{name}.xlsx")}
        whole = name in ("cases", "frozen")  # shown and saved before anything is chosen
        if whole:
            task |= {"values": True, "save": str(folder / f"{name}-saved.xlsx")}
        refreshed = [("Start", "A1", one) for one in ("refresh_report", "check_data")]
        task |= {"reports": PRESSED[name] if whole else refreshed + PRESSED.get(name, [])}
        if name in REFUSED:
            task["reports"] = refreshed[:1]
        if not whole:
            task |= {"values": True, "save": str(folder / f"{name}-saved.xlsx")}
        tasks.append(task)
    tasks.append({"new": "scorecard"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KPI_XL_FOLDERS", str(reports[1]))
        patch.setenv("XDG_CONFIG_HOME", str(folder))  # where there are no settings
        patch.setenv("KPI_XL_BUDGET", "4")  # many workbooks, and in a single LibreOffice
        *answers, new = libreoffice.perform(tasks, seconds=SECONDS)
    assert not any(error for cells in new["sheets"].values() for *_, error in cells)
    return {
        name: {
            "sheets": {
                sheet: {(r, c): CODES.get(error, f"Err:{error}") if error else value
                        for r, c, value, error in cells}
                for sheet, cells in answer["sheets"].items()
            },
            "unknown": answer["unknown"],
            "told": answer["told"],
            "before": books[name],
            "after": (folder / f"{name}-saved.xlsx").read_bytes(),
            "copies": {
                what: path.read_bytes()
                for what in ("values", "live")
                for path in folder.glob(f"{name}-saved ({what}).xlsx")
            },
        }
        for name, answer in zip(books, answers, strict=True)
    }  # fmt: skip


def is_same(shown: Any, expected: Any) -> bool:
    """Whether two cells show the same; Calc counts TRUE as 1."""
    if isinstance(expected, float | int) and isinstance(shown, float | int):
        return math.isclose(shown, expected, rel_tol=1e-9, abs_tol=1e-9)
    return type(shown) is not float and str(shown) == str(expected)


def differing(shown: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The cases whose blocks differ, with what is shown."""
    return {
        case: rows
        for case, rows in shown.items()
        if not all(
            is_same(cell, other)
            for row, others in zip(rows, block(expected[case]), strict=True)
            for cell, other in zip(row, others, strict=True)
        )
    }


# The same in every host


def test_calc_shows_what_the_cells_module_says(office: Any, bands: Any) -> None:
    cells = office["cases"]["sheets"][SHEET]
    shown = {
        case: [[cells[band.row + 1 + i, 1 + j] for j in range(band.width)]
               for i in range(band.height)]
        for case, band in bands[1].items()
    }  # fmt: skip
    expected = {case: evaluated(case.removeprefix("typed ")) for case in bands[1]}
    other = {
        case: cell for one in EXCEPTIONS if "Calc" in one.host for case, cell in one.shown.items()
    }
    for case, cell in other.items():
        assert differing({case: shown[case]}, expected), f"{case} is no exception any more"
        expected[case] = cell
    assert differing(shown, expected) == {}
    assert office["cases"]["unknown"] == []


def test_the_embedded_host_shows_it_too(bands: Any) -> None:
    computed = calculate(bands[0])
    assert computed.refused == {}
    shown = {
        case: block(computed.values[SHEET, band.row + 1, 1]) for case, band in bands[1].items()
    }
    assert differing(shown, {c: evaluated(c.removeprefix("typed ")) for c in bands[1]}) == {}


def test_exceptions_are_of_cases_that_there_are() -> None:
    assert [case for one in EXCEPTIONS for case in one.shown if case not in CALLS] == []


# Templates


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_refreshed_report_is_what_the_template_has_over_its_data(
    office: Any, reports: Any, name: str
) -> None:
    filled = reports[0][name].filled
    cells = office[name]["sheets"]
    values = loaded_today(filled.content, filled.values)
    wrong = {}
    for formula in read_package(filled.content).formulas:
        rows = block(values[formula.sheet, formula.row, formula.column])
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                place = formula.sheet, formula.row + i, formula.column + j
                shown = cells[formula.sheet].get(place[1:], "no formula")
                if not is_same(shown, value):
                    wrong[place] = shown
    assert wrong == {}
    assert office[name]["unknown"] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_refreshed_table_survives_saving(office: Any, reports: Any, name: str) -> None:
    rows = {table: list(columns.values()) for table, columns in reports[0][name].rows.items()}
    told, mistake = office[name]["told"][0]
    assert not mistake
    assert told.startswith(
        "Loaded: " + "; ".join(f"{t}: {len(c[0]):,} rows" for t, c in rows.items())
    )
    assert not office[name]["told"][1][1]
    after = openpyxl.load_workbook(io.BytesIO(office[name]["after"]))
    tables = {table.name: (sheet, table) for sheet in after for table in sheet.tables.values()}
    before = openpyxl.load_workbook(io.BytesIO(reports[0][name].filled.content))
    for sheet in before:
        for table in sheet.tables.values():
            there, kept = tables[table.name]
            assert kept.ref == table.ref
            if table.name in rows:
                assert values(there, table.ref) == values(sheet, table.ref)
                last = table.ref.partition(":")[2]
                form = there[last].number_format.replace("\\-", "-")  # as LibreOffice writes it
                assert form == sheet[last].number_format


def values(sheet: Any, area: str) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet[area]]


def test_what_else_the_menu_does(office: Any) -> None:
    *_, explained, nothing, loaded, nowhere = office["funnel"]["told"]
    assert explained[0].startswith("MROI: Marketing return on investment")
    assert "not known" not in explained[0]
    assert "Revenue*OrganicShare = " in explained[0]
    assert not explained[1]
    assert nothing[0].startswith("This cell has no function of kpi_xl")
    assert loaded == [f"Loaded: Spend: {ROWS} rows.", False]
    assert nowhere == ["Go to the sheet of the table to load first: Leads or Spend.", True]
    frozen, refused = office["cases"]["told"]
    assert refused[0].startswith("This workbook was not made from a template of kpi_xl")
    assert frozen[1]  # a case of its own is the error
    assert "shows #NAME?" in frozen[0]


def test_a_frozen_copy_has_values_and_the_formulas_in_notes(office: Any) -> None:
    (told, failed), _ = office["frozen"]["told"]
    assert not failed
    assert "frozen-saved (values).xlsx" in told
    copy = office["frozen"]["copies"]["values"]
    ours = re.compile(rf"\b({'|'.join(METRICS)})\(")
    assert not [one for one in read_package(copy).formulas if ours.search(one.text)]
    book = openpyxl.load_workbook(io.BytesIO(copy), data_only=True)
    frozen = [one for one in read_package(office["frozen"]["after"]).formulas
              if ours.search(one.text)]  # fmt: skip
    assert frozen
    for formula in frozen:
        cell = book[formula.sheet].cell(formula.row, formula.column)
        shown = office["frozen"]["sheets"][formula.sheet].get((formula.row, formula.column), "")
        assert is_same("" if cell.value is None else cell.value, shown), formula
        assert ours.search(cell.comment.text)


def test_a_copy_with_live_formulas_computes_without_us(office: Any) -> None:
    _, (told, failed) = office["frozen"]["told"]
    assert not failed
    copy = office["frozen"]["copies"]["live"]
    was = [
        one
        for one in read_package(office["frozen"]["after"]).formulas
        if becomes_a_value(one, ()) or NEWER_CALL.search(one.text)
    ]
    formulas = {
        (one.sheet, one.row, one.column): one
        for one in read_package(copy).formulas
        if one.text != '""'  # the value of an empty text
    }
    assert not [one for one in formulas.values() if becomes_a_value(one, ())]
    live = [one for one in was if (one.sheet, one.row, one.column) in formulas]
    assert told.startswith(f"{len(live)} formulas go on computing in the copy")
    assert f"{len(was) - len(live)} are values" in told
    assert len(live) > 50
    computed = calculate(copy)
    for one in live:
        shown = office["frozen"]["sheets"][one.sheet].get((one.row, one.column), "")
        assert is_same(computed.values[one.sheet, one.row, one.column], shown), one


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_leaves_all_as_it_was(office: Any, name: str) -> None:
    told = office[name]["told"][0][0]
    assert REFUSED[name][1] in told
    before, after = (
        openpyxl.load_workbook(io.BytesIO(office[name][when])) for when in ("before", "after")
    )
    for sheet in ("Leads", "Spend", "Sources", "Start"):
        area = before[sheet].dimensions
        assert values(after[sheet], area) == values(before[sheet], area)
        for table, kept in before[sheet].tables.items():
            assert after[sheet].tables[table].ref == kept
    listed = [str(cell.value) for row in after["Checks"] for cell in row if cell.value]
    assert any(REFUSED[name][1] in text for text in listed) == told.startswith("Nothing was loaded")


@pytest.mark.parametrize("name", ["cases", *TEMPLATES])
def test_calc_saves_formulas_that_excel_understands(office: Any, name: str) -> None:
    before, after = (read_package(office[name][when]) for when in ("before", "after"))
    assert not re.search(r"KPI\.|ISTEXT", " ".join(f.text for f in after.formulas))

    def texts(book: Any) -> dict[Any, str]:
        # Calc writes TRUE as TRUE(), and knows #NULL! by no other name.
        return {
            (f.sheet, f.row, f.column): re.sub(r"\b(TRUE|FALSE)\(\)", r"\1", f.text)
            for f in book.formulas
            if "#" not in f.text and f.moved == (0, 0)
        }

    kept = texts(after)
    assert {place: kept.get(place) for place in texts(before)} == texts(before)


# Names


@pytest.mark.parametrize(
    ("text", "entered"),
    [
        ("cac(A1;B1)+1", "cac(A1;B1)+1"),
        ('IF(A1="";"";rfm(A1:A9))', with_texts('IF(A1="";"";rfm(A1:A9))')),
        ("_xlfn.xmatch(A1;B1:B9)", "KPI.XMATCH(A1;B1:B9)"),
        ('"cac("&_xlfn.textsplit(A1)', '"cac("&_xlfn.textsplit(A1)'),
    ],
)
def test_formulas_are_entered_so_that_calc_resolves_them(text: str, entered: str) -> None:
    assert bound(text) == entered


def test_what_is_to_be_entered() -> None:
    assert unbound("=1+cac(A1;B1)", newer=False)
    assert unbound("=_xlfn.xlookup(A1;B1:B9;C1:C9)", newer=True)
    assert not unbound("=_xlfn.xlookup(A1;B1:B9;C1:C9)", newer=False)
    assert not unbound("=XLOOKUP(A1;B1:B9;C1:C9)", newer=True)  # LibreOffice has it itself
    assert not unbound('=KPI.CAC(A1;B1)&"cac("', newer=True)
    assert unresolved("=_xlfn.textsplit(A1)")
    assert not unresolved('=SUM(A1)&"sum("')


# Excel's newer functions, as LibreOffice hands over their arguments: in this file, by Excel's rules

DOWN, ACROSS = (("Jan",), ("Feb",), ("Mar",)), (("Jan", "Feb", "Mar"),)
NUMBERS, SQUARE = ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), (("a", "b"), ("c", "d"))


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("XLOOKUP", ("feb", DOWN, NUMBERS), [[3, 4]]),
        ("XLOOKUP", ("Feb", ACROSS, ((1.0, 2.0, 3.0),)), [[2]]),
        ("XLOOKUP", ("Feb", ACROSS, ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))), [[2], [5]]),
        ("XLOOKUP", ("May", DOWN, NUMBERS, "none"), [["none"]]),
        ("XLOOKUP", ("May", DOWN, NUMBERS), "#N/A"),
        ("XLOOKUP", ("b", SQUARE, NUMBERS[:2]), "#VALUE!"),
        ("XLOOKUP", ("Mar", DOWN, NUMBERS[:2]), "#VALUE!"),
        ("XLOOKUP", ("Jan", DOWN, NUMBERS[:2], "none"), "#VALUE!"),
        ("XLOOKUP", ("Feb", ACROSS, NUMBERS), "#VALUE!"),
        ("XLOOKUP", ((("Jan",), ("Feb",)), DOWN, NUMBERS), "#VALUE!"),  # in Excel, two rows
        ("XMATCH", (2.0, ((3.0,), (2.0,))), [[2]]),
        ("XMATCH", ("mar", ACROSS), [[3]]),
        ("XMATCH", ("c", SQUARE), "#VALUE!"),
        ("XMATCH", (((1.0, 2.0),), ((3.0,), (2.0,))), "#VALUE!"),
        ("FILTER", (NUMBERS, ((1.0,), (0.0,), (2.0,))), [[1, 2], [5, 6]]),
        ("FILTER", (NUMBERS, ((0.0, 1.0),)), [[2], [4], [6]]),
        ("FILTER", (NUMBERS, ((0.0, 0.0),), ""), [[""]]),
        ("FILTER", (NUMBERS, ((0.0,), (0.0,), (0.0,)), "none"), [["none"]]),
        ("FILTER", (NUMBERS, (("no",), (0.0,), (1.0,))), "#VALUE!"),
        ("FILTER", (NUMBERS, ((1.0,), (0.0,))), "#VALUE!"),
        ("FILTER", (NUMBERS, 1.0), "#VALUE!"),
        ("CHOOSECOLS", (NUMBERS, -1.0, 1.0), [[2, 1], [4, 3], [6, 5]]),
        ("CHOOSECOLS", (NUMBERS, ((2.0, 1.0),)), [[2, 1], [4, 3], [6, 5]]),
        ("CHOOSECOLS", (NUMBERS, 3.0), "#VALUE!"),
        ("CHOOSECOLS", (NUMBERS, 0.5), "#VALUE!"),
        ("CHOOSECOLS", (NUMBERS, "x"), "#VALUE!"),
        ("CHOOSECOLS", (NUMBERS, None, 1.0), "#VALUE!"),
    ],
)
def test_newer_functions(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    function = NEWER[name][1]
    if isinstance(expected, list):
        assert [list(row) for row in function(*arguments)] == expected
    else:
        with pytest.raises(KpiError) as raised:
            function(*arguments)
        assert raised.value.shown() == expected


@pytest.mark.parametrize("formula", ["KPI.CACPAYBACK(A1,B1)", 'KPI.RFM(A1:A9)&"KPI.CAC("'])
def test_plain_names(formula: str) -> None:
    before, _, after = formula.partition('"')
    name = METHODS[before[4 : before.index("(")]]
    expected = f"{name}{before[before.index('(') :]}" + (f'"{after}' if after else "")
    assert plain(formula) == expected
    wrapped = with_texts(formula)
    assert plain(wrapped) == expected
    assert plain(wrapped.replace(";", ",")) == expected


def test_names_in_texts_of_cells_stay() -> None:
    book = sheet_of({"A1": "KPI.CAC(", "A2": '="KPI.CAC("', "A3": "=KPI.CLOSERATE(1,2)"})
    xml = part(tidied(book))
    assert '"KPI.CAC("' in xml.replace("&quot;", '"')
    assert "<f>CLOSE_RATE(1,2)</f>" in xml


def test_a_file_that_a_link_leads_to_is_given_plain_names(tmp_path: Path) -> None:
    path, link = tmp_path / "book.xlsx", tmp_path / "link.xlsx"
    path.write_bytes(sheet_of({"A1": "=KPI.CLOSERATE(1,2)"}))
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("this system lets not everybody make links")
    tidy_file(link)
    assert link.is_symlink()
    assert "<f>CLOSE_RATE(1,2)</f>" in part(path.read_bytes())


def test_what_was_saved_with_a_password_stays() -> None:
    msoffcrypto = pytest.importorskip("msoffcrypto.format.ooxml")
    content = io.BytesIO()
    msoffcrypto.OOXMLFile(io.BytesIO(sheet_of({"A1": 1}))).encrypt("secret", content)
    assert tidied(content.getvalue()) == content.getvalue()


def test_what_was_saved_to_a_server_stays() -> None:
    setting = SimpleNamespace(Name="FilterName", Value="Calc MS Excel 2007 XML")
    url = "https://example.com/book.xlsx"
    tidy(SimpleNamespace(getArgs=lambda: [setting], getURL=lambda: url))


# The extension


def test_no_two_functions_have_one_name_without_underscores() -> None:
    assert len({method(name) for name in METRICS}) == len(METRICS)


def test_the_extension_describes_every_function_in_every_language() -> None:
    files = calc.extension()
    for name, content in files.items():
        if name.endswith((".xml", ".xcu")):
            ElementTree.fromstring(content)
    key = "{http://openoffice.org/2001/registry}name"
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    tree = ElementTree.fromstring(files["CalcAddIns.xcu"])
    nodes = {node.attrib[key]: node for node in tree.iter("node")}
    for name, metric in METRICS.items():
        node = nodes[method(name)]
        help_texts = node.findall(f"prop[@{key}='Description']/value")
        assert {value.attrib[language] for value in help_texts} == set(calc.TAGS.values())
        parameters = node.findall(f"node[@{key}='Parameters']/node")
        names = [p.findtext(f"prop[@{key}='DisplayName']/value") for p in parameters]
        assert names == [argument.name for argument in metric.arguments]
        assert f" {method(name)}(" in files["kpi_xl.idl"].decode()
    assert len(calc.TAGS) == len(LANGUAGES)
    listed = files["META-INF/manifest.xml"].decode()
    assert all(name in files for name in re.findall(r'full-path="([^"]+)"', listed))


def test_the_package_is_the_same_each_time(tmp_path: Path) -> None:
    path = tmp_path / "kpi_xl.oxt"
    done = cli("build", "calc", "-o", str(path))
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == calc.oxt()
    assert zipfile.ZipFile(io.BytesIO(calc.oxt())).testzip() is None
    assert cli("build", "calc", "-o", str(path)).returncode == 2
    assert "there is calc" in cli("build", "excel4").stderr


def test_the_copy_of_the_functions_needs_no_package(tmp_path: Path) -> None:
    calc.write_extension(tmp_path)
    code = (
        "from kpi_xl.hosts.libreoffice import document; from kpi_xl.metrics import METRICS;"
        "from kpi_xl.cells import evaluate; print(evaluate(METRICS['CAC'], [1000.0, 50.0]))\n"
        "try: evaluate(METRICS['RFM'], [[['a']], [[45000.0]], [[1.0]]])\n"
        "except ImportError as missing: print(document.missing_package(missing))\n"
        "document.tidy_file(document.Path('book.xlsx'))"
    )
    (tmp_path / "book.xlsx").write_bytes(sheet_of({"A1": "=KPI.CAC(1,2)"}))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / calc.CORE)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("20.0\nneeds the package numpy, which"), done.stderr
    assert "<f>CAC(1,2)</f>" in part((tmp_path / "book.xlsx").read_bytes()), done.stderr


def test_install_and_uninstall(tmp_path: Path) -> None:
    arguments = ("--host", "libreoffice", "--target", str(tmp_path))
    assert "Write the extension" in cli("install", *arguments, "--dry-run").stdout
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        assert cli("install", *arguments).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["kpi_xl"]
    assert (tmp_path / "kpi_xl" / "CalcAddIns.xcu").exists()
    assert cli("uninstall", *arguments).returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert "nothing to do" in cli("uninstall", *arguments).stdout


def test_installing_does_not_replace_another_folder(tmp_path: Path) -> None:
    (tmp_path / "kpi_xl").mkdir()
    (tmp_path / "kpi_xl" / "mine.txt").write_text("work")
    done = cli("install", "--host", "libreoffice", "--target", str(tmp_path))
    assert (done.returncode, "is not our extension" in done.stderr) == (2, True), done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["kpi_xl", "mine.txt"]


# Without windows


@pytest.fixture
def soffice() -> str:
    return program("soffice", "apt-get install libreoffice-calc python3-uno")


def test_recalc_by_libreoffice(soffice: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    cells = {
        "A1": 1000, "A2": 50, "B1": "=CAC(A1,A2)", "B2": "=A1>A2", "B3": "=CAC(A1,0)",
        "C1": "=_xlfn.TEXTSPLIT(A1,1)", "C2": "=IFERROR(C1,7)", "C3": "=C2+1", "C4": "=B1*2",
        "D1:E3": '{=KPI_LIST("help")}', "H1:I2": '{=KPI_LIST("help")}',
    }  # fmt: skip
    # As openpyxl writes a spill: it has forgotten that the block may grow.
    path.write_bytes(
        edited(sheet_of(cells), "xl/worksheets/sheet1.xml", '<c r="H1" cm="1"', '<c r="H1"')
    )
    before = path.read_bytes()
    done = cli("recalc", str(path), "--engine", "libreoffice", "--json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    kept = {entry["cell"]: entry["reason"] for entry in report["kept"]}
    assert kept.keys() == {"C1", "C2", "C3", "D1", "H1"}
    assert "has not got a function" in kept["C1"]
    assert "3 rows and 3 columns" in kept["D1"]
    assert "entered over 2 rows and 2 columns, but its result has" in kept["H1"]
    assert [(error["cell"], error["error"]) for error in report["errors"]] == [("B3", "#DIV/0!")]
    xml = part(path.read_bytes())
    assert re.search(r'r="B1"[^>]*><f>CAC\(A1,A2\)</f><v>20</v>', xml)
    assert re.search(r'r="C4"[^>]*><f>B1\*2</f><v>40</v>', xml)
    old, new = (zipfile.ZipFile(io.BytesIO(c)) for c in (before, path.read_bytes()))
    changed = [name for name in old.namelist() if old.read(name) != new.read(name)]
    assert changed == ["xl/worksheets/sheet1.xml"]


def test_days_of_a_workbook_that_counts_from_1904(soffice: str, tmp_path: Path) -> None:
    """By hand: January and February, two customers; 1 day and 29 days; 30 days to 31 March."""
    cells = {
        "A1": "a", "A2": "b", "A3": "a", "B4": 0,
        "B1": "=DATE(2024,1,31)", "B2": "=DATE(2024,2,1)", "B3": "=DATE(2024,3,1)",
        "C1": "=INDEX(COHORT(A1:A3,B1:B3),2,1)", "C2": "=INDEX(COHORT(A1:A3,B1:B3),3,1)",
        "C3": "=SALES_CYCLE(B1:B2,B2:B3)",
        "C4": "=INDEX(RFM(A1:A3,B1:B3,{5;5;5},DATE(2024,3,31)),2,2)",
        "C5": '=INDEX(COHORT({"a"},{"2024-01-31"}),2,1)', "C6": "=SALES_CYCLE(B1:B2,B3:B4)",
    }  # fmt: skip
    path = tmp_path / "book.xlsx"
    path.write_bytes(
        edited(sheet_of(cells), "xl/workbook.xml", "<workbookPr ", '<workbookPr date1904="1" ')
    )
    done = cli("recalc", str(path), "--engine", "libreoffice", "--json")
    assert json.loads(done.stdout)["kept"] == [], done.stderr
    sheet = openpyxl.load_workbook(path, data_only=True).active
    shown = [sheet[f"C{row}"].value for row in range(1, 7)]
    assert shown == ["2024-01", "2024-02", 15, 30, "2024-01", 30]


@pytest.mark.parametrize("ours", [True, False])
def test_newer_functions_by_libreoffice(soffice: str, tmp_path: Path, *, ours: bool) -> None:
    """What our own have not surely computed is not written; in others' workbooks there are none."""
    rows = {"A": ("a", "b"), "B": ("c", "d"), "C": (1, 2), "D": (7, "=1/0")}
    lookups = {
        "E1": '_xlfn.XLOOKUP("c",A1:B1,A2:B2)',  # across
        "E2": '_xlfn.XLOOKUP("b",A1:B2,C1:C2)',
        "E3": '_xlfn.XLOOKUP("a",A1:A2,D1:D2)',  # 7 in Excel, but D2 holds an error
        "E4": 'IFERROR(_xlfn.XLOOKUP("a",A1:A2,D1:D2),0)',
        "E5": "IFERROR(E3,0)",
        "E6": '_xlfn.XMATCH("b",A1:A2)',
        "E7": '_xlfn.IFNA(_xlfn.XLOOKUP("z",A1:A2,C1:C2),5)',
        "E8": '_xlfn.IFNA(_xlfn.XLOOKUP("a",A1:A2,D1:D2),0)',
        "E9": '_xlfn.AGGREGATE(9,6,_xlfn.XLOOKUP("a",A1:A2,D1:D2))',
    }

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        for column, cells in rows.items():
            for number, cell in enumerate(cells, 1):
                sheet.write(f"{column}{number}", cell)
        for cell, formula in lookups.items():
            sheet.write_formula(cell, f"={formula}", None, 0)
        if ours:
            book.define_name("ReportTemplate", "=Sheet1!$A$1")

    content = written(fill)
    package = read_package(content)
    computed = engine.compute(package, content, seconds=SECONDS)
    kept = {cell.partition("!")[2]: str(reason) for cell, reason in computed.refused.items()}
    if not ours:
        assert kept.keys() == set(lookups)
        assert all("has not got a function" in reason for reason in kept.values())
        return
    values = {row: value for (_, row, column), value in computed.values.items() if column == 5}
    assert values == {1: "d", 6: 2, 7: 5}
    assert "hands to no function" in kept["E2"]
    assert kept["E3"].startswith("LibreOffice shows")
    assert kept["E8"].startswith("LibreOffice shows")
    assert all(kept[cell].startswith("it may hide an error in a block") for cell in ("E4", "E9"))
    assert kept["E5"].startswith("it depends on")


def test_functions_in_defined_names_by_libreoffice(soffice: str, tmp_path: Path) -> None:
    """Ours are bound; IFERROR hides none that LibreOffice has not got."""
    names = {"Cost": "CAC(100,5)", "Rent": "Cost+1", "Sheet1!Own": "CAC(Sheet1!$A$2,2)",
             "Newer": "_xlfn.TEXTSPLIT(\"a b\",\" \")", "Newest": "Newer"}  # fmt: skip
    cells = {"B1": "IFERROR(Cost,0)", "B2": "Rent*2", "B3": "IFERROR(Own,0)", "B4": "2*3",
             "B5": "IFERROR(Newest,0)", "B6": "IFERROR(newer,0)",
             "B7": "IFERROR(B6,1)"}  # fmt: skip

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write("A2", 8)
        for name, text in names.items():
            book.define_name(name, f"={text}")
        for cell, text in cells.items():
            sheet.write_formula(cell, f"={text}", None, 1)

    content = written(fill)
    computed = engine.compute(read_package(content), content, seconds=SECONDS)
    assert {row: value for (_, row, _), value in computed.values.items()} == {
        1: 20.0, 2: 42.0, 3: 4.0, 4: 6.0
    }  # fmt: skip
    refused = {cell.partition("!")[2]: str(reason) for cell, reason in computed.refused.items()}
    assert refused.keys() == {"B5", "B6", "B7"}
    assert all("has not got a function that it calls" in refused[cell] for cell in ("B5", "B6"))


def test_formulas_in_a_file_of_libreoffice_mean_what_they_did(soffice: str, tmp_path: Path) -> None:
    """They are over the tables again, but for columns that no title tells from the others."""
    titles = ["day", "Cost [EUR]", "it's #1", "Twice", "twice", "2024"]
    rows = [[45_000, 1, 2, 3, 4, 5], [45_001, 10, 20, 30, 40, 50]]
    texts = {
        "SUM(Orders!$B$2:$B$3)": "SUM(Orders[Cost '[EUR']])",
        "SUM(Orders!$C$2:$C$3)": "SUM(Orders[it''s '#1])",
        "SUM(Orders!$D$2:$D$3)": "SUM(Orders!$D$2:$D$3)",
        "SUM(Orders!$E$2:$E$3)": "SUM(Orders!$E$2:$E$3)",
        "SUM(Orders!$B$2:$C$3)": "SUM(Orders[[Cost '[EUR']]:[it''s '#1]])",
        '"see $Orders.$B$2:$B$3"': '"see $Orders.$B$2:$B$3"',
    }

    def fill(book: Any) -> None:
        mine, orders, sources = map(book.add_worksheet, ("Mine", "Orders", "Sources"))
        columns = [{"header": title} for title in [*titles[:4], "other", titles[5]]]
        orders.add_table("A1:F3", {"name": "Orders", "columns": columns, "data": rows})
        orders.write("E1", titles[4])  # as somebody types it in Calc
        sources.add_table(
            "A1:A2", {"name": "Sources", "columns": [{"header": "table"}], "data": [["Orders"]]}
        )
        mine.write_column("A1", [f"={text}" for text in texts])
        book.define_name("ReportTemplate", "=Mine!$A$1")

    first, ods, last = (tmp_path / name for name in ("first.xlsx", "book.ods", "last.xlsx"))
    first.write_bytes(written(fill))
    libreoffice.perform([{"book": str(first), "save": str(ods)}])
    (answer,) = libreoffice.perform([{"book": str(ods), "values": True, "save": str(last)}])
    shown = [value for _, _, value, _ in answer["sheets"]["Mine"]]
    assert shown == [11, 22, 33, 44, 33, "see $Orders.$B$2:$B$3"]
    assert [one.text for one in read_package(last.read_bytes()).formulas] == list(texts.values())


@pytest.mark.parametrize(
    ("filled", "blank"), [((), 9), ((9,), 8), ((7, 9), 8), ((0, 7, 8, 9), 6), (range(10), None)]
)
def test_the_last_blank_cell_of_a_column(filled: Sequence[int], blank: int | None) -> None:
    """Of a sheet of ten rows."""

    def cells(left: int, top: int, right: int, bottom: int) -> Any:
        free = [SimpleNamespace(EndRow=n) for n in range(top, bottom + 1) if n not in filled]
        return SimpleNamespace(queryEmptyCells=lambda: SimpleNamespace(RangeAddresses=free))

    sheet = SimpleNamespace(
        Rows=SimpleNamespace(Count=10),
        getCellRangeByPosition=cells,
        getCellByPosition=lambda column, row: row,
    )
    assert last_blank(sheet, 3) == blank


def test_blocks_are_measured_in_no_cell_of_the_users(soffice: str, tmp_path: Path) -> None:
    book = tmp_path / "book.xlsx"
    cells = {"A1": '{=ROW(INDIRECT("1:"&H1048576))}', "H1": "{=ROW(A1:A3)}", "H1048576": 42}
    book.write_bytes(sheet_of(cells))
    blocks = [["Sheet1", 1, 8], ["Sheet1", 1, 1]]
    (answer,) = libreoffice.perform([{"book": str(book), "values": True, "blocks": blocks}])
    assert answer["sizes"] == [[3, 1], [42, 1]]


def test_a_cell_is_explained_in_no_cell_of_the_users(soffice: str, tmp_path: Path) -> None:
    book = tmp_path / "book.xlsx"
    cells = {"A1": "=CAC(A2*2,A3)", "A2": 500, "A3": 50, "B1": "=XFD1048576", "XFD1048576": 42}
    book.write_bytes(sheet_of(cells))
    task = {"book": str(book), "reports": [["Sheet1", "A1", "explain_cell"]], "values": True}
    (answer,) = libreoffice.perform([task])
    assert [1, 2, 42, 0] in answer["sheets"]["Sheet1"]
    assert answer["told"][0][0].startswith("CAC:")


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    assert 'no engine "excel"' in cli("recalc", "x.xlsx", "--engine", "excel").stderr


def test_export(soffice: str, tmp_path: Path) -> None:
    program("pdftotext", "it reads what LibreOffice printed")
    path = tmp_path / "book.xlsx"
    path.write_bytes(sheet_of({"A1": "Cost", "B1": "=CAC(1000,50)*1000+CLOSE_RATE(1,4)"}))
    done = cli("export", str(path), "--pdf")
    assert done.returncode == 0, done.stderr
    text = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "book.pdf"), "-"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert re.search(r"Cost\s+20000\.25", text)
    assert "already there" in cli("export", str(path), "--pdf").stderr
    assert "already there" in cli("export", str(path)).stderr  # PDF is the one form there is
    assert sorted(file.name for file in tmp_path.iterdir()) == ["book.pdf", "book.xlsx"]


def test_a_workbook_of_libreoffice_is_written_as_such(soffice: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(sheet_of({"A1": "Cost", "B1": "=CAC(1000,50)"}))
    done = cli("freeze", str(path), "-o", str(tmp_path / "book.ods"), "--json")
    assert json.loads(done.stdout)["values"] == 1
    with zipfile.ZipFile(tmp_path / "book.ods") as package:
        assert package.read("mimetype") == b"application/vnd.oasis.opendocument.spreadsheet"
        assert 'office:value="20"' in package.read("content.xml").decode()


def test_what_cannot_be_opened_is_not_exported(soffice: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"")
    assert cli("export", str(path), "--pdf").stderr == f"kpi-xl: {path} is empty\n"
    msoffcrypto = pytest.importorskip("msoffcrypto.format.ooxml")
    content = io.BytesIO(sheet_of({"B1": "=CAC(1000,50)"}))
    with path.open("wb") as file:
        msoffcrypto.OOXMLFile(content).encrypt("secret", file)
    said = f"kpi-xl: {path}: LibreOffice cannot open it; is it protected or damaged?\n"
    assert cli("export", str(path), "--pdf").stderr == said
    assert [file.name for file in tmp_path.iterdir()] == ["book.xlsx"]


def running(folder: Path) -> list[str]:
    """The processes whose command names a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:
            continue
        if str(folder).encode() in command and b"soffice" in command:
            found.append(command.decode())
    return found


def test_a_time_out_leaves_nothing(
    soffice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(sheet_of({"B1": "=CAC(1000,50)"}))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with pytest.raises(programs.OfficeError, match=r"did not end within 0\.3 seconds"):
        libreoffice.perform([{"book": str(path), "values": True}], seconds=0.3)
    assert running(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", 1)])
def test_an_interruption_leaves_nothing(soffice: str, tmp_path: Path, number: int) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(sheet_of({"B1": "=CAC(1000,50)"}))
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "kpi_xl", "export", str(path), "--pdf"],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")}, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # not as nohup left it
    )  # fmt: skip
    found: list[str] = []
    for _ in range(600):
        found = running(tmp_path)  # asked once: it has no name while one program starts the next
        if found:
            break
        time.sleep(0.05)
    assert found
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert running(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "book.pdf").exists()


def test_an_interruption_while_it_starts_leaves_nothing(
    soffice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = subprocess.Popen, []

    def interrupted(*command: Any, **options: Any) -> Any:
        started.append(start(*command, **options))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    # A program that was started in the background ignores the interruption.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            libreoffice.perform([])
    finally:
        signal.signal(signal.SIGINT, before)
    assert [process.poll() for process in started] == [-signal.SIGKILL]


def test_libreoffice_is_ended_where_it_takes_too_much_memory(
    soffice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(sheet_of({"B1": 1}))
    monkeypatch.setattr(libreoffice, "MEMORY", 64 << 20)  # less than it takes for nothing
    with pytest.raises(programs.OfficeError, match="more than the 64 MB of memory"):
        libreoffice.perform([{"book": str(path), "pdf": str(tmp_path / "book.pdf")}])
    assert running(tmp_path) == []
    assert not (tmp_path / "book.pdf").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows ends a process at once")
def test_a_closed_terminal_interrupts_unless_it_was_to_be_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), libreoffice.ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        with libreoffice.ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_without_libreoffice_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "PLACES", ())
    with pytest.raises(programs.OfficeError, match="LibreOffice is not found: install it"):
        programs.program("soffice")


# Tables that grow

KINDS: list[Kind] = ["text", "date", "number"]  # as the orders have them


@pytest.mark.parametrize(
    ("rows", "computed", "belong"),
    [
        ([["a", 45_000.0, 5.0], ["b", "", ""]], set(), 2),  # the second is being typed
        ([["a", 45_000.0, 5.0], ["", "", ""], ["b", 45_001.0, ""]], set(), 3),
        ([["", "", ""], ["a note", "", ""]], set(), 0),
        ([["", "", ""], ["Total", "", 5.0]], set(), 0),
        ([["a", 45_000.0, 5.0], ["Total", "", 5.0]], {1}, 1),  # a sum of its own
        ([["", "", ""], ["a note", "", ""], ["b", 45_001.0, 3.0]], set(), 0),
        ([["", "", ""]], set(), 0),
    ],
)
def test_the_rows_below_a_table_that_belong_to_it(
    rows: list[list[Any]], computed: set[int], belong: int
) -> None:
    assert belonging(rows, KINDS, computed) == belong


def test_a_date_that_rows_go_without_is_asked_of_none() -> None:
    assert as_filled(KINDS, [["a", 45_000.0, 5.0], ["", "", ""]]) == KINDS
    optional = as_filled(KINDS, [["a", 45_000.0, 5.0], ["b", "", 5.0]])
    assert optional == ["text", "number", "number"]
    assert belonging([["", "", ""], ["c", "", 6.0]], optional, set()) == 2


KNOWN = {"$Orders.$C$5:$C$8": "Orders[amount]", "$'My ''own'.$A$2": "Own[x]"}
"""Of tables of four rows and of one."""


@pytest.mark.parametrize(
    ("formula", "over_tables"),
    [
        ("SUM($Orders.$C$5:$C$8)+$'My ''own'.$A$2", "SUM(Orders[amount])+Own[x]"),
        ('"look at $Orders.$C$5:$C$8"&SUM($Orders.$C$5:$C$8)',
         '"look at $Orders.$C$5:$C$8"&SUM(Orders[amount])'),
        ("SUM('file:///a%20b/o.ods'#$Orders.$C$5:$C$8)", None),
        ("SUM('file:///a.ods'#$'My ''own'.$A$2)", None),
        ("SUM($Orders.$C$5:$C$80)", None),
        ("SUM($'My ''own'.$A$2:$B$9)", None),
        ("SUM($Other.$A$1:$Orders.$C$5:$C$8)", None),
        ("""$'a"b'.A1&SUM($Orders.$C$5:$C$8)""", """$'a"b'.A1&SUM(Orders[amount])"""),
        ("""COUNT(Orders[it''s '[1']])&"'$Orders.$C$5:$C$8'\"""", None),
    ],
)  # fmt: skip
def test_addresses_of_tables_become_columns(formula: str, over_tables: str | None) -> None:
    assert named_columns(KNOWN)(f"={formula}") == f"={over_tables or formula}"


def test_columns_that_their_titles_tell_apart() -> None:
    titles = ("Cost [EUR]", "it's #1", 2024.0, "", "Twice", "twice", "date")
    assert specified(titles) == [(0, "Cost '[EUR']"), (1, "it''s '#1"), (6, "date")]


@pytest.mark.parametrize(
    ("formula", "function"),
    [
        ('=IF(COUNT(A1:A9)=0;"";KPI.RFM(A1:A9;B1:B9))', "RFM"),
        (f"={with_texts('KPI.COHORT(A1:A9;B1:B9;;Period)')}", "COHORT"),
        ('=KPI.COHORT(A1:A9;B1:B9;;Period;"customers")', "COHORT"),
        ("=SUM(KPI.RFM(A1:A9))", ""),
    ],
)
def test_the_function_whose_block_an_array_shows(formula: str, function: str) -> None:
    assert outermost(formula) == function
