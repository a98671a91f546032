"""kpi-xl doctor and its self-test: each finding, and what it tells the user to do."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from kpi_xl.workbook_templates import template
from python_calamine import CalamineWorkbook
from test_addin import Registry, windows

from kpi_xl import METRICS, CellError
from kpi_xl.engine.embedded import evaluate_formula
from kpi_xl.hosts import addin, doctor, selftest

OPTIONS = r"HKCU\Software\Microsoft\Office\16.0\Excel\Options"
SECURITY = r"Microsoft\Office\16.0\Excel\Security"
CLICK_TO_RUN = r"HKLM\Software\Microsoft\Office\ClickToRun\Configuration"


def bad(findings: Any) -> list[doctor.Diagnosis]:
    return [finding for finding in findings if finding.good is False]


# The add-in


@pytest.mark.parametrize("module", [doctor, selftest])
def test_each_finding_says_what_to_do(module: ModuleType) -> None:
    """In the code: whatever is not surely good has a third part, which is not empty where it is."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    made = [
        node for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Diagnosis"
    ]  # fmt: skip
    assert len(made) > 5
    for call in made:
        good, *rest = map(ast.unparse, call.args)
        if good not in ("True", "None"):
            assert len(rest) == 2, ast.unparse(call)
            assert rest[1] != "''", ast.unparse(call)


def test_a_good_installation_has_nothing_to_be_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in addin.install_steps(tmp_path):
        step.do()
    found = list(doctor.findings(tmp_path))
    assert bad(found) == []
    assert any("of this version and for this Python" in finding.what for finding in found)


def test_a_missing_add_in_is_told(tmp_path: Path) -> None:
    (finding,) = doctor.of_addin(tmp_path)
    assert finding.todo == f"run kpi-xl install --target {tmp_path}"
    (finding,) = doctor.of_addin(tmp_path / "none")
    assert "no such folder" in finding.what


def test_an_add_in_of_other_versions_is_told(tmp_path: Path) -> None:
    path = tmp_path / addin.NAME
    old = {**addin.conf(r"C:\gone\python.exe"), "kpi_xl": "0.0.1", "xlwings": "0.30.0"}
    path.write_bytes(addin.workbook(old, {}))
    told = "\n".join(finding.what for finding in bad(doctor.of_addin(tmp_path)))
    for part in ("kpi_xl 0.0.1", "xlwings 0.30.0", r"C:\gone\python.exe is not there any more"):
        assert part in told
    assert all(finding.todo for finding in bad(doctor.of_addin(tmp_path)))


def test_a_file_of_another_is_told(tmp_path: Path) -> None:
    (tmp_path / addin.NAME).write_bytes(b"theirs")
    (finding,) = bad(doctor.of_addin(tmp_path))
    assert "no add-in of kpi_xl" in finding.what


@pytest.mark.parametrize(("zone", "blocked"), [(3, True), (4, True), (2, False)])
def test_a_downloaded_file_is_told(zone: int, blocked: bool, tmp_path: Path) -> None:
    for step in addin.install_steps(tmp_path):
        step.do()
    # Elsewhere than on Windows, a file of its own stands in for the stream of that name.
    stream = tmp_path / f"{addin.NAME}:Zone.Identifier"
    stream.write_text(f"[ZoneTransfer]\nZoneId={zone}\n")
    assert [("Unblock" in finding.todo) for finding in bad(doctor.of_addin(tmp_path))] == [
        True
    ] * blocked


def test_excel_having_it_open_is_no_fault(tmp_path: Path) -> None:
    for step in addin.install_steps(tmp_path):
        step.do()
    (tmp_path / addin.LOCK).touch()
    assert bad(doctor.of_addin(tmp_path)) == []


def test_two_of_them_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = tmp_path / "Microsoft" / "Excel" / "XLSTART"
    second = tmp_path / "Microsoft" / "AddIns"
    for folder in (start, second):
        folder.mkdir(parents=True)
        (folder / addin.NAME).write_bytes(addin.workbook(addin.conf(sys.executable), {}))
    windows(monkeypatch, tmp_path)
    (finding,) = bad(doctor.of_addin())
    assert str(second / addin.NAME) in finding.what


# Python


@pytest.mark.parametrize(
    ("platform", "wanted"), [("x64", ["64"]), ("x86", ["32"]), (None, ["64", "32"])]
)
def test_the_dll_of_excels_bitness_is_sought(
    platform: str | None, wanted: list[str], tmp_path: Path
) -> None:
    def values(key: str) -> dict[str, Any]:
        return {"Platform": platform} if platform and key == CLICK_TO_RUN else {}

    python = tmp_path / "Scripts" / "python.exe"
    python.parent.mkdir()
    told = [finding.what for finding in bad(doctor.of_dlls(values, python))]
    assert [what.partition("-")[0] for what in told] == [f"xlwings{bits}" for bits in wanted]
    # A virtual environment has it above its folder of scripts, another Python beside it.
    for bits, folder in zip(wanted, (tmp_path, python.parent), strict=False):
        (folder / f"xlwings{bits}-{version('xlwings')}.dll").touch()
    assert bad(doctor.of_dlls(values, python)) == []


def test_a_path_outside_of_the_code_page_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Path1252(str):
        def encode(self, encoding: str = "", errors: str = "") -> bytes:
            assert encoding == "mbcs"
            return super().encode("cp1252")

    monkeypatch.setattr(doctor.sys, "platform", "win32")
    assert doctor.of_path(Path1252(r"C:\Users\René\python.exe")).good is True
    finding = doctor.of_path(Path1252(r"C:\Users\Ольга\python.exe"))
    assert finding.good is False
    assert "Ольга" in finding.what


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlwings", None)
    assert "pip install" in bad(doctor.of_python())[0].todo


ASR = r"HKLM\Software\Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules"
CHILDREN, CALLS = "d4f940ab-401b-4efc-aadc-ad5f3c50688a", "92E97FA1-2EDF-4476-BDD6-9DD0B4DDDC7B"
MANAGED = r"HKLM\Software\Policies\Microsoft\Windows Defender\Policy Manager"


@pytest.mark.parametrize(
    ("keys", "blocked"),
    [
        ({}, 0),
        ({ASR: {CHILDREN: "1"}}, 1),
        ({ASR: {CHILDREN: 1, CALLS: "6"}}, 2),  # block, and warn
        ({ASR: {CHILDREN: "0", CALLS: "2"}}, 0),  # off, and only noted
        ({MANAGED: {"ASRRules": f"{CHILDREN}=1|{{{CALLS}}}=1"}}, 2),
        ({MANAGED: {"ASRRules": "75668c1f-73b5-4cf0-bb93-3ecf5cb7cc84=1"}}, 0),
    ],
)
def test_defenders_rules_for_office_are_told(keys: dict[str, Any], blocked: int) -> None:
    told = bad(doctor.of_defender(lambda key: keys.get(key, {})))
    assert len(told) == blocked
    assert all("--host lite" in one.todo for one in told)


def test_rules_that_a_user_may_not_see_are_not_said_to_be_good() -> None:
    def closed(_: str) -> dict[str, Any]:
        raise PermissionError(13, "Access is denied")

    (told,) = doctor.of_defender(closed)
    assert told.good is None
    assert "may not see them" in told.what


def test_office_of_the_store_is_told() -> None:
    key = r"HKLM\Software\Microsoft\Windows\CurrentVersion\App Paths\excel.exe"
    store = r"C:\Program Files\WindowsApps\Microsoft.Office.Desktop.Excel_16\EXCEL.EXE"
    (told,) = doctor.of_store(lambda asked: {"": store} if asked == key else {})
    assert (told.good, "--host lite" in told.todo) == (False, True)
    assert list(doctor.of_store(lambda asked: {"": r"C:\Program Files\Office16\EXCEL.EXE"})) == []


def test_a_second_add_in_of_the_same_functions_is_told(tmp_path: Path) -> None:
    options = {OPTIONS: {"OPEN1": r'/R "C:\Old\kpi_xl.xlam"', "OPEN": '"C:\\other.xlam"'}}
    (told,) = bad(doctor.of_add_ins(lambda key: options.get(key, {}), tmp_path))
    assert "C:\\Old" in told.what
    wef = r"HKCU\Software\Microsoft\Office\16.0\WEF\Developer"
    own = {wef: {doctor.SERVER_ADD_IN: r"C:\x\manifest.xml"}}
    (told,) = bad(doctor.of_add_ins(lambda key: own.get(key, {}), tmp_path))
    assert "not both" in told.todo
    kept = tmp_path / "Microsoft" / "Office" / "16.0" / "Wef" / "{1}" / "Manifests"
    kept.mkdir(parents=True)
    (kept / "WA200008175_1.0.0.0_en-US").touch()
    (told,) = bad(doctor.of_add_ins(lambda key: {}, tmp_path))
    assert "xlwings Lite" in told.what


def test_the_identifier_of_the_servers_add_in_is_its_own() -> None:
    serving = Path(doctor.__file__).parents[2] / "udfs" / "serving.py"
    assert doctor.SERVER_ADD_IN in serving.read_text(encoding="utf-8")


def test_why_python_could_not_start_in_excel_is_told() -> None:
    noted = {"Failure": "missing", "FailureDetail": r"C:\gone\python.exe"}
    key = rf"HKCU\{addin.CHOICES}\Excel"
    (told,) = bad(doctor.of_failure(lambda asked: noted if asked == key else {}))
    assert r"C:\gone\python.exe" in told.what
    assert "Try again" in told.todo
    assert list(doctor.of_failure(lambda asked: {"Language": "fa"})) == []


def test_on_windows_pywin32_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "of_path", lambda path: doctor.Diagnosis(True, path))
    monkeypatch.setattr(doctor.sys, "platform", "win32")
    (finding,) = bad(doctor.of_python())
    assert finding.todo == "run pip install pywin32 in this Python"


# Excel's settings


def of_excel(monkeypatch: pytest.MonkeyPatch, keys: Mapping[str, Any]) -> list[doctor.Diagnosis]:
    monkeypatch.setitem(sys.modules, "winreg", Registry(dict(keys)))
    return list(doctor.of_excel(doctor.registry_values))


def test_settings_as_excel_makes_them_are_good(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {OPTIONS: {"Options": 1}, CLICK_TO_RUN: {"Platform": "x64"}}
    found = of_excel(monkeypatch, keys)
    assert bad(found) == []
    assert found[0].what == "Excel 16.0, 64 bit"
    keys = {
        OPTIONS: {"Options": 1},
        r"HKLM\Software\Microsoft\Office\16.0\Outlook": {"Bitness": "x86"},
    }
    assert of_excel(monkeypatch, keys)[0].what == "Excel 16.0, 32 bit"


def test_no_excel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = of_excel(monkeypatch, {})
    assert "start Excel once" in finding.todo


@pytest.mark.parametrize(
    ("key", "values", "words", "todo"),
    [
        (rf"HKCU\Software\{SECURITY}", {"DisableAllAddins": 1}, "disabled", "Trust Center"),
        (rf"HKCU\Software\{SECURITY}", {"RequireAddinSig": 1}, "signed", "Trust Center"),
        (
            rf"HKCU\Software\Policies\{SECURITY}",
            {"DisableAllAddins": 1},
            "by an administrator",
            "ask the administrator",
        ),
        (
            rf"HKCU\Software\{SECURITY}\Trusted Locations",
            {"AllLocationsDisabled": 1},
            "trusted locations",
            "allow them",
        ),
        (
            r"HKLM\Software\Policies\Microsoft\Office\16.0\Common",
            {"vbaoff": 1},
            "VBA is switched off",
            "ask the administrator",
        ),
        (
            r"HKCU\Software\Microsoft\Office\16.0\Excel\Resiliency\DisabledItems",
            {"2F1A": b"\1\0\0\0" + "c:\\xlstart\\kpi_xl.xlam\0".encode("utf-16-le")},
            "after a crash",
            "Disabled Items",
        ),
    ],
)
def test_each_setting_in_the_way_is_told(
    key: str, values: dict[str, Any], words: str, todo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (finding,) = bad(of_excel(monkeypatch, {OPTIONS: {"Options": 1}, key: values}))
    assert words in finding.what
    assert todo in finding.todo


# The command


def kpi_xl_doctor(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kpi_xl", "doctor", *options]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_the_command_says_what_to_do_and_where_it_cannot_see(tmp_path: Path) -> None:
    shown = kpi_xl_doctor("--target", str(tmp_path), "--selftest")
    assert shown.returncode == 1
    assert f"!!  The add-in is not in {tmp_path}\n    -> run kpi-xl install" in shown.stdout
    if sys.platform != "win32":
        assert "??  The self-test opens Excel, which it can on Windows only" in shown.stdout
        assert "What has ?? cannot be seen here." in shown.stdout
        assert kpi_xl_doctor().returncode == 0


# The self-test, over a stand-in of Excel that computes as the embedded host does


class Excel:
    """What the self-test uses of xlwings.App."""

    version = "16.0"
    pid = 4711

    def __init__(self, shown: Mapping[str, Any], **options: Any) -> None:
        assert options == {"visible": False, "add_book": False}
        self.shown = shown
        self.opened: list[str] = []
        self.ended = False
        self.books = SimpleNamespace(open=self.open, add=self.add)
        standard = SimpleNamespace(Controls=lambda number: SimpleNamespace(Enabled=True))
        self.api = SimpleNamespace(CommandBars=lambda name: standard)

    def open(self, path: str, **options: Any) -> Any:
        self.opened.append(path)
        sheets = {}
        if path.endswith(".xlsx"):
            with CalamineWorkbook.from_path(path) as book:
                sheets = {
                    name: Sheet(
                        self.shown, book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                    )
                    for name in book.sheet_names
                }

        def save_copy(copy: str) -> None:
            Path(copy).write_bytes(self.saved(Path(path).read_bytes()))

        api = SimpleNamespace(SaveCopyAs=save_copy)
        return SimpleNamespace(sheets=sheets, close=lambda: None, api=api)

    @staticmethod
    def saved(content: bytes) -> bytes:
        return content

    def add(self) -> Any:
        return SimpleNamespace(sheets=[Sheet(self.shown, [])], close=lambda: None)

    def calculate(self) -> None:
        pass

    def quit(self) -> None:
        self.ended = True


class Sheet:
    def __init__(self, shown: Mapping[str, Any], rows: Any) -> None:
        self.shown, self.rows = shown, rows

    def clear(self) -> None:
        self.rows = []

    def range(self, address: str) -> "Range":
        assert address == "A1"
        return Range(self)


class Range:
    def __init__(self, sheet: Sheet, height: int = 1, width: int = 1) -> None:
        object.__setattr__(self, "sheet", sheet)
        object.__setattr__(self, "size", (height, width))

    def __setattr__(self, name: str, value: Any) -> None:
        assert name == "formula2"
        shown = self.sheet.shown[value] if value in self.sheet.shown else evaluate_formula(value)
        self.sheet.rows = shown if isinstance(shown, list) else [[shown]]

    def resize(self, height: int, width: int) -> "Range":
        return Range(self.sheet, height, width)

    def options(self, **options: Any) -> "Range":
        assert options == {"ndim": 2, "err_to_str": True}
        return self

    @property
    def value(self) -> Any:
        height, width = self.size
        rows = [list(row[:width]) for row in self.sheet.rows[:height]]
        return [[str(c) if isinstance(c, CellError) else c for c in row] for row in rows]

    def __getitem__(self, place: tuple[int, int]) -> Any:
        return SimpleNamespace(get_address=lambda *absolute: f"R{place[0] + 1}C{place[1] + 1}")


# The engine has no ERROR.TYPE and no INDEX over arrays; these are Excel's answers.
NATIVE = {formula: value for formula, value in selftest.FORMULAS if "ERROR.TYPE" in formula}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(selftest, "PATIENCE", 0.0)
    monkeypatch.setattr(selftest, "is_running", lambda process: False)
    monkeypatch.setattr(addin, "place", lambda: tmp_path / addin.NAME)
    return tmp_path / addin.NAME


def sample_of(name: str) -> Any:
    return template(name).sample().data


def tried(shown: Mapping[str, Any], *templates: str) -> tuple[Excel, list[doctor.Diagnosis]]:
    started = []
    refreshed: list[Any] = []
    samples = {name: partial(sample_of, name) for name in templates}

    def application(**options: Any) -> Excel:
        started.append(Excel(shown, **options))
        return started[-1]

    found = list(selftest.selftest(samples, refreshed.append, application))
    assert len(refreshed) == len(templates)
    return started[0], found


def test_the_self_test_tries_every_function_and_each_template(installed: Path) -> None:
    excel, found = tried(NATIVE, "sales_team")
    assert bad(found) == []
    assert excel.ended
    assert excel.opened[0] == str(installed)
    told = "\n".join(finding.what for finding in found)
    count = len(METRICS) + len(selftest.FORMULAS)
    assert f"{count} of {count} formulas" in told
    assert "sales_team: every figure" in told


def test_the_self_test_tells_each_formula_that_is_wrong(installed: Path) -> None:
    wrong = {"=CAC(50000,250)": 201.0, "=ERROR.TYPE(CAC(50000,0))": "#N/A"}
    excel, found = tried({**NATIVE, **wrong})
    assert excel.ended
    told = [finding.what for finding in bad(found)]
    assert told[1:] == [
        "=CAC(50000,250) shows 201.0 instead of 200.0",
        "=ERROR.TYPE(CAC(50000,0)) shows '#N/A' instead of 2.0",
    ]


def test_excel_is_closed_whatever_happens(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def application(**options: Any) -> Excel:
        started.append(Excel({}, **options))
        return started[-1]

    monkeypatch.setattr(Sheet, "clear", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(selftest.selftest({}, list, application))
    assert started[0].ended


def test_an_excel_that_stays_behind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "PATIENCE", 0.0)
    assert selftest.of_end(4711, lambda process: False).good is True
    told = selftest.of_end(4711, lambda process: process == 4711)
    assert (told.good, "4711" in told.what) == (False, True)


def test_a_0_that_is_none_in_the_file_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "PATIENCE", 0.0)
    lines = ["A!B2 shows '#N/A' instead of 1.0", "A!C3 shows 0.0 instead of 2.0"]
    monkeypatch.setattr(selftest, "differences", lambda book, path: lines)
    assert selftest.settled(None, Path("x"))[0] == lines[1]


def test_a_cell_that_could_spill_and_is_locked_is_told(tmp_path: Path) -> None:
    from workbooks import SHEET, edited, sheet_of

    content = sheet_of({"A1": "{=SQRT({1;4})}", "C1": "{=SQRT(9)}"})
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)

    def book(saved: bytes) -> Any:
        write = SimpleNamespace(SaveCopyAs=lambda copy: Path(copy).write_bytes(saved))
        return SimpleNamespace(api=write)

    assert selftest.locked(book(content), path) == []
    plain = edited(content, SHEET, '<c r="C1" cm="1">', '<c r="C1">')
    assert selftest.locked(book(plain), path) == ["Sheet1!R1C3"]
    assert [file.name for file in tmp_path.iterdir()] == ["book.xlsx"]


@pytest.mark.parametrize(
    ("shown", "expected", "same"),
    [
        (None, "", True),
        (1.0, 1, True),
        (1.0 + 1e-6, 1.0, False),
        (True, 1.0, False),
        ("#N/A", "#N/A", True),
        (0.0, "", False),
    ],
)
def test_cells_are_compared_as_a_reader_would(shown: Any, expected: Any, same: bool) -> None:
    assert selftest.same(shown, expected, selftest.SAME) is same
