"""xlwings Lite: the wheel in a browser's Python, and the workbooks that bring it along."""

import io
import json
import re
import subprocess
import sys
import zipfile
from datetime import datetime
from email.parser import HeaderParser
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hosts import missing, program, validated
from kpi_xl.workbook_templates import starter
from kpi_xl.workbook_templates.records import HEADER
from packaging.requirements import Requirement
from remote_excel import applied, payload
from test_excel import (
    CALLS,
    DESCRIBED,
    OFFICE_CASES,
    OMITTED,
    exactly,
    mapped,
    office_calls,
    office_described,
    office_result,
)  # fmt: skip

from kpi_xl import METRICS, CellError, __version__
from kpi_xl.cli.shared import Misuse
from kpi_xl.cli.templates import check_host, new
from kpi_xl.engine.embedded import calculate
from kpi_xl.engine.recalc import recalculated
from kpi_xl.hosts.excel import function
from kpi_xl.hosts.lite import bound, with_python
from kpi_xl.locales import LANGUAGES, RIGHT_TO_LEFT
from kpi_xl.ooxml.package import read_package

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

ROOT = Path(__file__).parent.parent
PYODIDE = ROOT / "node_modules" / "pyodide"
PURE = {"xlwings", "XlsxWriter"}  # their wheels are on PyPI, and loaded below
EXTENSION = "xl/webextensions/webextension1.xml"
HOST_PROPERTY = (
    b'<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="3" name="kpi_xl host">'
    b"<vt:lpwstr>Office.js</vt:lpwstr></property>"
)


# The wheel


def test_a_browser_is_asked_only_for_what_it_has(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as package:
        (name,) = (name for name in package.namelist() if name.endswith(".dist-info/METADATA"))
        fields = HeaderParser().parsestr(package.read(name).decode())
    known = [Requirement(line) for line in fields.get_all("Requires-Dist", [])]
    wanted = {r.name: r.specifier for r in known if asked(r, "emscripten")}
    assert set(wanted) == {"xlwings", "XlsxWriter", "numpy", "narwhals", "scipy"}
    elsewhere = {r.name for r in known if asked(r, "linux")}
    assert elsewhere - wanted.keys() == {
        *("formualizer", "duckdb", "python-calamine", "typer", "rich", "pandas", "persiantools")
    }
    there = json.loads((installed_pyodide() / "pyodide-lock.json").read_text(encoding="utf-8"))
    for name in wanted.keys() - PURE:
        assert wanted[name].contains(there["packages"][name]["version"]), name


def asked(requirement: Requirement, platform: str) -> bool:
    environment = {"sys_platform": platform, "platform_machine": "x86_64", "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def installed_pyodide() -> Path:
    if not PYODIDE.exists():
        missing("npm install pyodide: it is the Python of xlwings Lite")
    return PYODIDE


@pytest.fixture(scope="module")
def browser(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The answers of the functions that the starter brings, in a browser's Python, by Node."""
    book = json.dumps(payload(with_python(RETENTION), "Orders"))
    request = {
        "main.py": settings(with_python(starter.build().content))["main.py"],
        "calls": office_calls(),
        "doubtful": {case: ("NPS", [given], "1.4") for case, (given, _) in DOUBTFUL.items()},
        "files": FILES,
        "scripts": {
            key: (name, sourced(json.loads(book), file)) for key, (name, file) in SCRIPTS.items()
        },
    }
    return in_browser(request, wheel, tmp_path_factory.mktemp("pure"))


def in_browser(request: dict[str, Any], wheel: Path, folder: Path) -> Any:
    """The answers of a workbook's functions and scripts in a browser's Python, by Node."""
    installed_pyodide()
    node = program("node", "it runs Pyodide, the Python of xlwings Lite")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    only = ["--no-deps", "--only-binary=:all:", "--platform=any", "--dest", str(folder)]
    got = subprocess.run([*pip, *only, *sorted(PURE)], capture_output=True, text=True)
    if got.returncode and "onnection" in got.stderr:
        missing("the pure wheels come from a package index")
    assert got.returncode == 0, got.stderr
    wheels = [str(path) for path in (*folder.glob("*-py3-none-any.whl"), wheel)]
    assert len(wheels) == len(PURE) + 1
    answer = subprocess.run(
        [node, str(ROOT / "tests" / "lite_host.mjs"), *wheels],
        input=json.dumps(request),
        capture_output=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


# In this order, for an Excel that no server looks at: what it has sent once tells of it.
DOUBTFUL: dict[str, tuple[list[list[Any]], Any]] = {
    "an empty text is no null": ([[10], [""], [0], [9]], "#VALUE!"),
    "nor did it tell of this Excel": ([[10], [0], [9]], "#VALUE!"),
    "null is a blank cell": ([[10], [{"js": "null"}], [9]], 100.0),
    "from then on a 0 is one": ([[10], [0], [9]], 100 / 3),
}

FILES = {"/data/orders.csv": "customer,date,amount\nAnn,2024-01-05,10\nBob,2024-02-29,=1+1\n",
         "/data/shop/orders.csv": "Customer;Date;Amount\nAnn;2024-01-05;10,50\n=1;2024-02-29;20\n",
         "/data/orders.parquet": "PAR1"}  # fmt: skip

# The script, and the file that the sheet Sources names.
SCRIPTS = {
    "checked": ("check_data", ""),
    "unnamed": ("refresh_report", ""),
    "refreshed": ("refresh_report", "shop/orders.csv"),
    "wrong": ("refresh_report", "orders.csv"),
    "outside": ("refresh_report", "/home/pyodide/orders.csv"),
    "elsewhere": ("refresh_report", "orders.parquet"),
    "loaded": ("load_data", "shop/orders.csv"),
}


RETENTION = (ROOT / "workbook_templates" / "retention.xlsx").read_bytes()


def test_a_blank_cell_of_a_browser_is_told_from_a_0(browser: Any) -> None:
    for case, (_, expected) in DOUBTFUL.items():
        wanted = office_result(expected) if isinstance(expected, str) else pytest.approx(expected)
        assert browser["doubtful"][case] == [[wanted]], case


def sourced(book: dict[str, Any], file: str) -> dict[str, Any]:
    """The empty retention workbook as the pane hands it over, with a file named for its orders."""
    (sources,) = (sheet for sheet in book["sheets"] if sheet["name"] == "Sources")
    (row,) = (row for row in sources["values"] if row[0] == "Orders")
    row[1] = file
    return book


@pytest.fixture
def without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("numpy", "scipy", "scipy.special"):  # parts that are loaded count, too
        monkeypatch.setitem(sys.modules, name, None)
    for path in (ROOT / "kpi_xl").rglob("*.py"):  # those that another test has loaded with it
        if re.search(r"^(import numpy|from scipy)", path.read_text(encoding="utf-8"), re.MULTILINE):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            monkeypatch.delitem(sys.modules, name, raising=False)


def called(case: str) -> Any:
    name, given = CALLS[case]
    return function(METRICS[name])(*(None if a is OMITTED else a for a in given))


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize("kind", ["typed", "complete"])
def test_a_browser_shows_what_the_cells_module_says(browser: Any, kind: str) -> None:
    shown = {case: browser["results"][f"{kind} {case}"] for case in CALLS}
    expected = {case: mapped(office_result, called(case)) for case in CALLS}
    assert exactly(shown) == exactly(expected)


def test_a_browser_shows_what_only_office_sends(browser: Any) -> None:
    shown = {case: browser["results"][case] for case in OFFICE_CASES}
    assert exactly(shown) == exactly({case: [[cell]] for case, (_, cell) in OFFICE_CASES.items()})


def test_a_browser_is_told_of_every_function(browser: Any) -> None:
    assert office_described(browser["meta"]) == DESCRIBED


def test_a_browser_loads_nothing_that_is_not_needed(browser: Any) -> None:
    heavy = {"duckdb", "python_calamine", "formualizer", "xlsxwriter", "typer", "rich", "pandas"}
    assert not heavy & set(browser["modules"])


def test_the_pane_has_a_button_for_each_script(browser: Any) -> None:
    assert browser["buttons"] == ["check_data", "load_data", "refresh_report"]


@pytest.mark.parametrize("key", ["refreshed", "loaded"])
def test_a_script_fills_a_table_from_an_imported_file(browser: Any, key: str) -> None:
    book, shown = applied(with_python(RETENTION), browser["scripts"][key])
    assert "2 rows" in shown[0]
    orders = openpyxl.load_workbook(io.BytesIO(book))["Orders"]
    rows = [[cell.value for cell in row] for row in orders.iter_rows(HEADER + 2, HEADER + 3, 1, 3)]
    assert rows == [["Ann", datetime(2024, 1, 5), 10.5], ["=1", datetime(2024, 2, 29), 20]]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("checked", "The tables are empty"),
        ("unnamed", "Name a file in the sheet Sources first"),
        ("wrong", '/data/orders.csv, row 3, column "amount": "=1+1" is not a number'),
        ("outside", "is outside the folders that data may be read from"),
        ("elsewhere", "the package duckdb is missing: save it as CSV"),
    ],
)
def test_a_script_says_what_it_did(browser: Any, key: str, words: str) -> None:
    shown = [action["args"][0] for action in browser["scripts"][key] if action["func"] == "alert"]
    assert len(shown) == 1
    assert words in shown[0]


@pytest.mark.usefixtures("without_numpy")
def test_where_numpy_is_not_there_the_tables_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    error = function(METRICS["COHORT"])([["Ann"]], [[45292.0]])
    assert isinstance(error, CellError)
    assert error == "#NAME?"
    assert error.sentence.startswith("COHORT computes with the package numpy, which is not")
    assert capsys.readouterr().err == f"{error.sentence}\n"
    assert function(METRICS["FUNNEL"])([["Lead"]], [[10.0]])[1][1] == 10.0


def test_another_missing_module_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kpi_xl.btyd", None)
    customers = [[["Ann"], ["Ann"], ["Bob"]], [[45292.0], [45322.0], [45300.0]]]
    with pytest.raises(ModuleNotFoundError, match="btyd"):
        function(METRICS["BTYD_FIT"])(*customers)


# The workbooks


def settings(content: bytes) -> dict[str, Any]:
    """The add-in's settings in a workbook, read as it reads them: JSON in an attribute."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        part = package.read(EXTENSION).decode()
    found = re.findall(r'<we:property name="([^"]*)" value="([^"]*)"/>', part)
    return {name: json.loads(unescape(value)) for name, value in found}


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


@pytest.fixture(scope="module")
def plain() -> bytes:
    """A template's workbook without Lite: the empty funnel."""
    return (ROOT / "workbook_templates" / "funnel.xlsx").read_bytes()


def test_a_workbook_brings_its_python(plain: bytes) -> None:
    held = settings(with_python(plain))
    assert held["main.py"] == (ROOT / "udfs" / "lite_main.py").read_text(encoding="utf-8")
    assert held["requirements.txt"] == f"xlwings<1.0.0\nkpi-xl=={__version__}\n"
    assert held["Office.AutoShowTaskpaneWithDocument"] is True
    address = "https://example.com/kpi_xl-1-py3-none-any.whl"
    assert settings(with_python(plain, address))["requirements.txt"].endswith(f"\n{address}\n")


def test_all_but_the_names_of_our_functions_is_as_it_was(plain: bytes) -> None:
    old, new = parts(plain), parts(with_python(plain))
    assert new.keys() - old.keys() == {
        EXTENSION, "xl/webextensions/taskpanes.xml", "xl/webextensions/_rels/taskpanes.xml.rels"
    }  # fmt: skip
    for name in old.keys() - {"[Content_Types].xml", "_rels/.rels"}:
        # It says, too, that an Office add-in has its functions: one property, and no other.
        mark = HOST_PROPERTY if name == "docProps/custom.xml" else b""
        assert new[name].count(mark) == 1 or not mark, name
        assert new[name].replace(b"_xldudf_", b"").replace(mark, b"") == old[name], name
    assert with_python(plain) == with_python(plain)


def test_its_formulas_compute_as_before(plain: bytes) -> None:
    content = with_python(plain)
    assert b"_xldudf_CAC(" in b"".join(parts(content).values())
    assert calculate(content).values == calculate(plain).values
    again, report = recalculated(content)
    assert (again, report.changed, report.kept) == (content, 0, ())


@pytest.mark.parametrize(
    ("formula", "stored"),
    [
        ("CAC(A1,2)", "_xldudf_CAC(A1,2)"),
        ('IF(A1="",CAC(1,2),"CAC(1,2)")', 'IF(A1="",_xldudf_CAC(1,2),"CAC(1,2)")'),
        ('"say ""CAC(""" &amp; CLV_CAC(1,2)', '"say ""CAC(""" &amp; _xldudf_CLV_CAC(1,2)'),
        ("'CAC(1)'!A1+CAC(CAC,2)", "'CAC(1)'!A1+_xldudf_CAC(CAC,2)"),
        ("MYCAC(1)+x.CAC(1)+Book!CAC(1)", "MYCAC(1)+x.CAC(1)+Book!CAC(1)"),
        ("_xldudf_CAC(1,2)", "_xldudf_CAC(1,2)"),
        ("_xlfn._xlws.SORT(COHORT(A:A,B:B))", "_xlfn._xlws.SORT(_xldudf_COHORT(A:A,B:B))"),
    ],
)
def test_formulas_are_stored_as_those_of_an_add_in(formula: str, stored: str) -> None:
    assert bound(f"<c><f>{formula}</f><v>CAC(1)</v></c>") == f"<c><f>{stored}</f><v>CAC(1)</v></c>"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_starter_in_each_language(language: str) -> None:
    built = starter.build(language)
    assert [v for v in built.values.values() if isinstance(v, CellError)] == ["#DIV/0!"]
    book = openpyxl.load_workbook(io.BytesIO(built.content))
    assert len(book.sheetnames) == 2
    assert bool(book.worksheets[0].sheet_view.rightToLeft) == (language in RIGHT_TO_LEFT)
    shown = [cell.value for cell in book.worksheets[0]["B"] if cell.value]
    for formula, _, _ in starter.EXAMPLES:
        assert formula in shown


@pytest.mark.parametrize("name", ["starter", "funnel"])
def test_excel_would_open_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    new(name, output=path, lang="fa", host="lite")
    assert settings(path.read_bytes())["main.py"]
    validated(path)


def test_a_workbook_for_a_companys_server(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    new("retention", output=path, lang="ru", host="server")
    with zipfile.ZipFile(path) as package:
        assert not [name for name in package.namelist() if "webextension" in name]
        sheets = [package.read(name).decode() for name in package.namelist() if "/sheet" in name]
    assert not re.search(r"[^_]COHORT\(", "".join(re.findall("<f.*?</f>", "".join(sheets))))
    formulas = [formula.text for formula in read_package(path.read_bytes()).formulas]
    assert any("COHORT(" in formula for formula in formulas)
    said = [cell.value for cell in openpyxl.load_workbook(path).worksheets[0]["C"] if cell.value]
    assert any("сервер вашей компании" in text for text in said)
    validated(path)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: new("starter", lang="en"), "needs --host lite"),
        (lambda: new("funnel", lang="en", host="light"), "did you mean lite?"),
        (lambda: check_host("excel", "https://example.com/kpi_xl-1.whl"), "--host lite"),
        (lambda: check_host("lite", "https://example.com/kpi_xl.zip"), "--host lite"),
        (lambda: check_host("lite", "https://example.com/a b.whl"), "--host lite"),
        (lambda: check_host("lite", "/home/ann/kpi_xl-1-py3-none-any.whl"), "begins with https:"),
    ],
)
def test_a_mistake_is_told(call: Any, words: str) -> None:
    with pytest.raises(Misuse, match=re.escape(words)):
        call()
