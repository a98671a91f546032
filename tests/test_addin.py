"""The add-in for Excel on Windows: what can be shown of it without Excel.

Microsoft's validator reads the package, olevba and LibreOffice its VBA project; LibreOffice also
compiles and runs the code that needs no Excel. The rest is held to what Microsoft documents.
"""

import io
import json
import re
import subprocess
import sys
import warnings
import zipfile
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import olefile
import pytest
from hosts import missing, program, validated
from hypothesis import given
from hypothesis import strategies as st
from kpi_xl.workbook_templates import TEMPLATES, template
from own_cases import nothing_of_ones_own, toml
from test_excel import COM_ERRORS
from vba_lint import complaints, procedures, wrong_ways_out
from workbooks import written

from kpi_xl import METRICS, __version__, own
from kpi_xl.hosts import addin, doctor
from kpi_xl.hosts.excel import NEWER_ERRORS
from kpi_xl.hosts.libreoffice import extension as calc
from kpi_xl.locales import LANGUAGES, texts
from kpi_xl.ooxml import vba
from kpi_xl.reference import LONGEST_HELP, argument_help, one_line

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it uses names that pyparsing has given up
    from oletools.olevba import VBA_Parser, decompress_stream

PYTHON = r"C:\Users\Ann\kpi\.venv\Scripts\python.exe"
NAMESPACES = {"customUI14.xml": addin.RIBBON, "customUI.xml": addin.OLDER_RIBBON}
CLASSES = ("KpiEvents", "KpiServer")
SYSTEM_PYTHON = "/usr/bin/python3"  # for which LibreOffice's modules are


@pytest.fixture(scope="module")
def content() -> bytes:
    return addin.addin(PYTHON)


@pytest.fixture(scope="module")
def package(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


@pytest.fixture(scope="module")
def code() -> dict[str, str]:
    """The sources, by the names of their modules."""
    return {module.name: module.source for module in (*addin.documents(3), *addin.modules())}


# The VBA project


@given(st.text(alphabet="ab=()\n CAC", max_size=9000))
def test_what_is_compressed_comes_back(text: str) -> None:
    data = text.encode()
    assert decompress_stream(bytearray(vba.compressed(data))) == data


@given(st.binary(max_size=3500), st.binary(max_size=40), st.integers(0, 400))
def test_any_bytes_come_back(start: bytes, again: bytes, times: int) -> None:
    data = again * times + start
    assert decompress_stream(bytearray(vba.compressed(data))) == data


def test_a_chunk_that_does_not_shrink_is_stored_as_it_is() -> None:
    noise = bytes(sum(divmod(7919 * n * n, 251)) % 256 for n in range(vba.CHUNK))
    noise = bytes(b ^ (n * 31 & 255) ^ (n >> 4) for n, b in enumerate(noise))
    assert decompress_stream(bytearray(vba.compressed(noise))) == noise


def test_what_the_format_cannot_hold_is_refused() -> None:
    pairs = bytes(part for n in range(64) for m in range(64) for part in (n, 64 + m))
    with pytest.raises(ValueError, match="do not shrink"):
        vba.compressed(pairs[:4000])


@pytest.mark.parametrize("size", [1, 3, 40])
def test_olevba_reads_every_module(size: int) -> None:
    line = "Public Function F{0}_{1}(ByVal x As Double) As Double\n  F{0}_{1} = x\nEnd Function\n"
    modules = [vba.Module("workbook", "ThisWorkbook", "Option Explicit\n")]
    modules += [
        vba.Module("module", f"M{n}", "".join(line.format(n, m) for m in range(n * n)))
        for n in range(size)
    ]
    modules += [vba.Module("class", "Events", "Option Explicit\n")]
    assert sources(vba.project("kpi", modules)) == {m.name: m.text.decode() for m in modules}


def test_source_is_ascii() -> None:
    with pytest.raises(UnicodeEncodeError):
        vba.project("kpi", [vba.Module("module", "M", "' Отток")])


def test_a_project_too_large_for_the_file_is_refused() -> None:
    with pytest.raises(ValueError, match="7 MB"):
        vba.compound_file({"stream": bytes(vba.SECTOR * 14_000)})


def test_the_compound_file_has_no_issues(package: zipfile.ZipFile, code: dict[str, str]) -> None:
    with olefile.OleFileIO(
        package.read("xl/vbaProject.bin"), raise_defects=olefile.DEFECT_UNSURE
    ) as file:
        streams = {"/".join(path) for path in file.listdir()}
    assert streams == {"PROJECT", "PROJECTwm", "VBA/dir", "VBA/_VBA_PROJECT"} | {
        f"VBA/{name}" for name in code
    }


def sources(project: bytes) -> dict[str, str]:
    found = VBA_Parser("vbaProject.bin", data=project).extract_macros()
    return {name.rpartition(".")[0]: text for _, _, name, text in found}


def test_the_project_holds_the_sources(package: zipfile.ZipFile, code: dict[str, str]) -> None:
    found = sources(package.read("xl/vbaProject.bin"))
    assert found.keys() == code.keys()
    for name, text in found.items():
        held = text.replace("\r\n", "\n")
        assert held.endswith(code[name].rstrip("\n") + "\n")
        assert held.startswith(f'Attribute VB_Name = "{name}"\n')


def test_the_code_would_compile(code: dict[str, str]) -> None:
    assert [
        found for name, source in code.items() for found in complaints(name, source, code)
    ] == []


# The package


def test_excel_would_open_it(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "kpi_xl.xlam"
    path.write_bytes(content)
    validated(path)


def test_the_same_python_gives_the_same_bytes(content: bytes) -> None:
    build = f"import sys; from kpi_xl.hosts import addin; print(addin.addin({PYTHON!r}).hex())"
    again = subprocess.run([sys.executable, "-c", build], check=True, capture_output=True).stdout
    assert bytes.fromhex(again.decode()) == content


def test_it_is_an_add_in_with_both_forms_of_the_ribbon(package: zipfile.ZipFile) -> None:
    types = package.read("[Content_Types].xml").decode()
    assert "application/vnd.ms-excel.addin.macroEnabled.main+xml" in types
    relations = ElementTree.fromstring(package.read("_rels/.rels"))
    targets = {r.get("Target"): str(r.get("Type")) for r in relations}
    assert targets["customUI/customUI.xml"].endswith("office/2006/relationships/ui/extensibility")
    assert targets["customUI/customUI14.xml"].endswith("office/2007/relationships/ui/extensibility")


def test_it_starts_the_python_that_built_it(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / addin.NAME
    path.write_bytes(content)
    import xlwings

    assert addin.settings(path) == {
        "kpi_xl": __version__,
        "xlwings": xlwings.__version__,
        "Interpreter_Win": PYTHON,
        "Add_Workbook_To_PythonPath": "false",
    }


# The functions


def test_every_function_is_there_and_has_one_way_out(code: dict[str, str]) -> None:
    wrapper = re.compile(
        r"^Function (\w+)\((.*)\)\n"
        r'Attribute \1\.VB_Description = "(.*)"\n'
        r' +\1 = Answer\("\1", Array\((.*)\)\)\n'
        r"End Function$",
        re.M,
    )
    assert {name: rest for name, *rest in wrapper.findall(code["KpiFunctions"])} == {
        name: [
            ", ".join("Optional " * (not a.required) + a.name for a in metric.arguments),
            one_line(metric).replace('"', '""'),
            ", ".join(a.name for a in metric.arguments),
        ]
        for name, metric in METRICS.items()
    }


def test_no_way_out_of_a_function_gives_0_or_a_text_for_a_failure(code: dict[str, str]) -> None:
    assert wrong_ways_out(code, CLASSES) == []
    for old, new, found in (
        ("    Answer = CVErr(NotAvailable)\n", "", "answer exits unassigned"),
        ("    Answer = CVErr(WrongValue)\n", "", "answer ends unassigned"),
        (
            "= CVErr(WrongValue)\n    Note",
            "= Err.Description\n    Note",
            "answer is assigned a text",
        ),
        ("= CVErr(WrongValue)\n    Note", "= arguments\n    Note", "answer is assigned no error"),
        ('    CAC = Answer("CAC", Array(spend, new_customers))\n', "", "cac ends unassigned"),
        ("    Shown = cell\n", "", "shown exits unassigned"),
        ("    WithErrors = result\n", "", "witherrors ends unassigned"),
    ):
        changed = code["KpiFunctions"].replace(old, new)
        if "answer ends" in found:  # the first assignment holds on that way, too
            changed = changed.replace("    Answer = CVErr(NotAvailable)\n", "")
        assert changed != code["KpiFunctions"], old
        told = wrong_ways_out({**code, "KpiFunctions": changed}, CLASSES)
        assert any(line.startswith(found) for line in told), (found, told)


def test_xlwings_own_wrapper_has_wrong_ways_out() -> None:
    """As it was here, and is what `Import Functions` writes with call_in_wizard=False."""
    guard = 'If (Not Application.CommandBars("Standard").Controls(1).Enabled) Then Exit Function'
    source = f"""Option Explicit
Function CAC(spend, new_customers)
    {guard}
    If TypeOf Application.Caller Is Range Then On Error GoTo failed
    CAC = XLPy.CallUDF("kpi_xl.udfs.functions", "CAC", Array(spend, new_customers))
    Exit Function
failed:
    CAC = Err.Description
End Function
"""
    told = wrong_ways_out({"KpiFunctions": source})
    assert told == ["cac exits unassigned", "cac is assigned a text: Err.Description"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["If x Then GoTo done", "CAC = 1", "done:"], ["cac ends unassigned"]),
        (["While x", "CAC = 1", "Wend"], ["cac ends unassigned"]),
        (["Do While x", "CAC = 1", "Loop"], ["cac ends unassigned"]),
        (["If x Then", "CAC = 1", "End If"], ["cac ends unassigned"]),
        (["Select Case x", "Case 1", "CAC = 1", "End Select"], ["cac ends unassigned"]),
        (["On Error Resume Next", "CAC = 1"], ["cac ends unassigned"]),
        (["CAC = CVErr(2042)", "If x Then GoTo done", "CAC = 1", "done:"], []),
        (["If x Then", "CAC = 1", "Else", "CAC = 2", "End If"], []),
    ],
)
def test_a_way_that_leaves_a_function_unassigned_is_seen(lines: list[str], told: list[str]) -> None:
    source = "\n".join(["Option Explicit", "Function CAC(x)", *lines, "End Function", ""])
    assert wrong_ways_out({"KpiFunctions": source}) == told


def test_formulas_can_call_nothing_but_the_functions(code: dict[str, str]) -> None:
    """A public function of an ordinary module is one for every cell of every workbook."""
    for name, source in code.items():
        if name in CLASSES or "Option Private Module" in source:
            continue
        public = re.findall(r"^(?:Public )?Function (\w+)", source, re.M)
        assert set(public) == (set(METRICS) if name == "KpiFunctions" else set())


def test_every_name_is_one_procedures_or_modules(code: dict[str, str]) -> None:
    others = {**code, "KpiFunctions": addin.macros("KpiFunctions.bas")}
    names = {name.lower() for source in others.values() for name in procedures(source)}
    assert names.isdisjoint(name.lower() for name in (*METRICS, *code))


def test_no_argument_hides_what_its_function_calls() -> None:
    """VBA takes `Values(x)` for an element of the argument `values`."""
    called = {name.lower() for name in procedures(addin.macros("KpiFunctions.bas"))}
    called |= {"array", "server"}
    for metric in METRICS.values():
        names = {argument.name for argument in metric.arguments}
        assert not names & (called | {metric.name.lower()}), metric.name


def names_in(source: str) -> set[str]:
    """The names that a module uses, in capitals, but for members and what is local alone."""
    text = re.sub(r"'.*", "", re.sub(r'"(?:[^"\n]|"")*"', "", source))
    used = re.findall(r"(?<![.\w&])[A-Za-z]\w+", text)
    local = re.findall(r"(?:\bDim |ByVal |ByRef |Optional |, )(\w+)(?:\(\))? As\b", text)
    kept = re.findall(r"\b(?:Function|Sub|Const) (\w+)", text)
    return {name.upper() for name in used} - (
        {n.upper() for n in local} - {n.upper() for n in kept}
    )


def test_own_functions_take_no_name_that_the_code_uses() -> None:
    sources = [
        m.source for m in [*addin.documents(1), *addin.modules()] if m.name != "KpiFunctions"
    ]
    sources.append(addin.macros("KpiFunctions.bas"))
    used = set().union(*map(names_in, sources))
    used |= {module.name.upper() for module in addin.modules()}
    assert {"ANSWER", "SERVER", "ISBUSY", "WRONGVALUE", "SHOWN", "TYPENAME", "ERR"} <= used
    known = Path(own.__file__).with_name("vba_names.txt").read_text().split()
    assert known == sorted(used - set(METRICS))


@pytest.mark.parametrize("name", ["MARGIN", "UPTIME"])
def test_arguments_of_ones_own_compile(name: str) -> None:
    words = {word: {"unit": "VALUE"} for word in (name.lower(), "array", "answer", "input", "len")}
    with nothing_of_ones_own():
        own.define(toml({name: {
            "formula": " + ".join(words), "returns": "VALUE", "arguments": words,
            "example": [f"={name}(1,1,1,1,1)", 5],
        }}))  # fmt: skip
        assert name in METRICS
        code = {module.name: module.source for module in (*addin.documents(3), *addin.modules())}
        text = code["KpiFunctions"]
        assert f"Function {name}({name.lower()}_given, array_given, answer_given, " in text
        assert list(complaints("KpiFunctions", text, code)) == []


@pytest.mark.parametrize(
    "name",
    ["ARRAY", "ERR", "CVERR", "UBOUND", "APPLICATION", "ISERROR", "ANSWER", "SHOWN", "SCALE"],
)
def test_functions_of_ones_own_that_would_not_compile_are_refused(name: str) -> None:
    with nothing_of_ones_own():
        own.define(toml({name: {
            "formula": "a", "returns": "VALUE", "arguments": {"a": {"unit": "VALUE"}},
            "example": [f"={name}(1)", 1],
        }}))  # fmt: skip
        assert name not in METRICS
        assert own.FAULTS


def test_errors_have_excels_numbers(code: dict[str, str]) -> None:
    cases = re.findall(r'Case "(#.*)"\n +Shown = CVErr\((\d+)\)', code["KpiFunctions"])
    numbers = {text: number for number, text in NEWER_ERRORS.items()} | COM_ERRORS
    assert {text: int(number) - 2146828288 for text, number in cases} == numbers


def test_python_is_started_from_the_add_ins_own_settings(code: dict[str, str]) -> None:
    server = code["KpiServer"]
    assert set(procedures(server)) == {
        *("Called", "RunPython", "StartedPython", "IsFile", "GetConfig"),
        *("ParentFolder", "XLPyCommand", "XLPyLoadDLL", "XLPy"),
    }
    started = procedures(server)["XLPyCommand"]
    assert "ActiveWorkbook" not in started
    assert '" -B -P -c ""import sys' in started


def test_python_starts_in_excel_without_pandas_and_has_it_later(code: dict[str, str]) -> None:
    """xlwings imports it where it is installed: half a second that the first formula waits."""
    started = procedures(code["KpiServer"])["XLPyCommand"]
    (line,) = re.findall(r'-c ""(import sys.*)xlwings\.serve', started)
    run = re.sub(r'" & \w+ & "', "", line).replace('""', '"').replace('\\"', '"')
    check = "assert not {'pandas', 'polars'} & set(sys.modules); import pandas"
    subprocess.run([sys.executable, "-c", run + check], check=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [("XLPyLoadDLL", "LoadIt"), ("-B -c", "-c"), ("ActiveWorkbook.FullName", "Book.FullName")],
)
def test_another_xlwings_is_told(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def changed(path: Path, **options: Any) -> str:
        text = read(path, **options)
        return text.replace(old, new) if path.name == "xlwings_custom_addin.bas" else text

    monkeypatch.setattr(Path, "read_text", changed)
    with pytest.raises(addin.UnknownXlwingsError, match="xlwings"):
        addin.server()
    assert any(f.good is False and "xlwings" in f.what for f in doctor.of_python())


# The ribbon

# Names of images that Excel has, of Microsoft's list of control identifiers.
IMAGES = set(
    "Camera ChartTypeAreaInsertGallery ChartTypeColumnInsertGallery ChartTypeLineInsertGallery"
    " ChartTypePieInsertGallery ChartTypeXYScatterInsertGallery Copy DataRefreshAll DataValidation"
    " FileNew FormulaEvaluate FunctionWizard FunctionsFinancialInsertGallery"
    " FunctionsLogicalInsertGallery FunctionsMathTrigInsertGallery FunctionsTextInsertGallery"
    " GetExternalDataFromText Help HyperlinkInsert Info PercentStyle PivotTableInsert Redo"
    " RefreshAll ReviewNewComment SetLanguage".split()
)
SIGNATURES = {
    "onLoad": "loaded As IRibbonUI",
    "onAction": "control As IRibbonControl",
    "onAction of a toggleButton": "control As IRibbonControl, pressed As Boolean",
    "get": "control As IRibbonControl, ByRef returnedVal",
}


@pytest.fixture(params=NAMESPACES)
def ribbon(request: pytest.FixtureRequest, package: zipfile.ZipFile) -> ElementTree.Element:
    root = ElementTree.fromstring(package.read(f"customUI/{request.param}"))
    assert root.tag == f"{{{NAMESPACES[request.param]}}}customUI"
    return root


def kind(control: ElementTree.Element) -> str:
    return control.tag.partition("}")[2]


def controls(ribbon: ElementTree.Element) -> list[ElementTree.Element]:
    return [c for c in ribbon.iter() if kind(c) not in ("customUI", "ribbon", "tabs")]


def test_every_callback_is_a_sub_of_its_form(
    ribbon: ElementTree.Element, code: dict[str, str]
) -> None:
    subs = dict(re.findall(r"^Public Sub (\w+)\((.*)\)$", code["KpiRibbon"], re.M))
    asked = {}
    for control in ribbon.iter():
        for attribute, value in control.attrib.items():
            if attribute.startswith("get") or attribute in ("onAction", "onLoad"):
                form = "get" if attribute.startswith("get") else attribute
                toggles = form == "onAction" and kind(control) == "toggleButton"
                asked[value] = SIGNATURES[form + " of a toggleButton" * toggles]
    assert {name: subs.get(name) for name in asked} == asked
    later = {"KpiDescribeFunctions", "KpiBindWaiting", "KpiClearStatus"}  # when Excel is ready
    assert subs.keys() == asked.keys() | later
    assert all(f"!{name}" in "".join(code.values()) for name in later)


def test_identifiers_are_unique(ribbon: ElementTree.Element) -> None:
    ids = [control.get("id") for control in controls(ribbon)]
    assert all(ids)
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert not [c.attrib for c in controls(ribbon) if {"idMso", "idQ"} & set(c.attrib)]


def test_keyboard_tips_are_one_for_each(ribbon: ElementTree.Element) -> None:
    inside = [c for c in controls(ribbon) if kind(c) not in ("tab", "group") and c.get("keytip")]
    tips = [str(control.get("keytip")) for control in inside]
    assert len(set(tips)) == len(tips)
    assert not [(a, b) for a in tips for b in tips if a != b and b.startswith(a)]
    visible = [child for group in ribbon.iter() if kind(group) == "group" for child in group]
    assert all(child.get("keytip") for child in visible)


def test_images_are_excels(ribbon: ElementTree.Element) -> None:
    assert {c.get("imageMso") for c in controls(ribbon)} - {None} <= IMAGES
    large = [c for c in controls(ribbon) if c.get("size") == "large"]
    assert all(c.get("imageMso") for c in large)


def test_the_menus_hold_every_function(ribbon: ElementTree.Element) -> None:
    found = {
        str(menu.get("tag")): [button.get("tag") for button in menu]
        for menu in ribbon.iter()
        if kind(menu) == "menu"
    }
    families: dict[str, list[str]] = {}
    for name, metric in METRICS.items():
        families.setdefault(metric.family, []).append(name)
    assert {family: found[family] for family in families} == families
    assert found["languages"] == list(LANGUAGES)
    new = [c.get("tag") for c in controls(ribbon) if c.get("onAction") == "KpiNewWorkbook"]
    assert sorted(map(str, new)) == sorted(TEMPLATES)


def test_templates_are_called_what_they_are() -> None:
    root = ElementTree.parse(Path(addin.__file__).parents[2] / "udfs" / "ribbon.xml").getroot()
    for button in root.iter():
        if button.get("onAction") == "KpiNewWorkbook":
            record = template(str(button.get("tag")))
            assert (button.get("label"), button.get("supertip")) == (
                record.title,
                record.schema.about,
            )


def test_the_buttons_scripts_are_there(ribbon: ElementTree.Element) -> None:
    scripts = import_module("kpi_xl.udfs.scripts")
    asked = {c.get("tag") for c in controls(ribbon) if c.get("onAction") == "KpiScript"}
    assert asked == set(scripts.SCRIPTS)


def test_every_control_says_what_it_does(ribbon: ElementTree.Element) -> None:
    for control in controls(ribbon):
        assert control.get("label") or control.get("getLabel")
        if kind(control) == "button":
            assert control.get("getSupertip"), control.attrib
    longest = {"label": 1024, "screentip": 1024, "tag": 1024, "keytip": 3, "id": 1024}
    for control in controls(ribbon):
        for attribute, value in control.attrib.items():
            assert 0 < len(value) <= longest.get(attribute, 1024)


# The texts


def test_every_text_that_is_asked_for_is_there(
    code: dict[str, str], ribbon: ElementTree.Element
) -> None:
    said = {**addin.tab()[1], **addin.function_texts(), **addin.message_texts()}
    asked = set(re.findall(r'(?:Text|Filled)\("([\w.]+)"[,)]', "".join(code.values())))
    assert asked == set(addin.MESSAGES)
    for control in controls(ribbon):
        for attribute in ("label", "screentip", "supertip"):
            if control.get(f"get{attribute.capitalize()}", "") in addin.TEXTS.values():
                assert f"{control.get('id')}.{attribute}" in said
    lowered = [key.lower() for key in said]  # VBA tells no letters of two sizes apart
    assert len(set(lowered)) == len(lowered)
    for row in said.values():
        assert len(row) == len(LANGUAGES)
        assert all(0 < len(text) <= 1024 for text in row)


def test_help_fits_excels_wizard_in_every_language() -> None:
    for key, row in addin.function_texts().items():
        assert max(map(len, row)) <= LONGEST_HELP, key
    said = addin.function_texts()
    for name, metric in METRICS.items():
        for place, code in enumerate(LANGUAGES):
            assert said[name][place] == one_line(metric, code)
            for number, argument in enumerate(metric.arguments, 1):
                assert said[f"{name}.{number}"][place] == argument_help(argument, code)


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_the_ribbon_is_translated(language: str) -> None:
    english = {row[0] for row in (*addin.tab()[1].values(), *addin.message_texts().values())}
    there = texts(language)["ribbon"]
    assert set(there) <= english | {calc.BIND}
    for text, translation in there.items():
        assert translation == translation.strip()
        assert (translation != text) == (text != "KPI")
        assert translation.count("{}") == text.count("{}")


# What runs without Excel, in LibreOffice

# What Python answers, and what the cells show.
ANSWERS = {
    "CAC": ('"#DIV/0!"', "Error 2007"),
    "CPL": ('"#N/A"', "Error 2042"),
    "CPC": ('"#1 of 2"', "String #1 of 2"),
    "CPA": ('""', "String "),
    "ROI": ("0.25", "Double 0.25"),
    "KPI_TREND": ("True", "Boolean True"),
    "AB_INTERVAL": ('Array(0.5, "#NUM!", "")', "Double 0.5, Error 2036, String "),
    "COHORT": (
        "Block()",
        "String #x, Error 2015; Error 2023, Double 2",
    ),
}
PROBE = """Option Explicit

Public Function Report() As String
    Dim arguments(0 To 1) As Variant
{calls}
End Function

Private Function Told(ByVal shown As Variant) As String
    Dim row As Long, column As Long
    If Not IsArray(shown) Then
        Told = OneTold(shown)
        Exit Function
    End If
    On Error GoTo flat
    column = UBound(shown, 2)
    For row = LBound(shown, 1) To UBound(shown, 1)
        If row > LBound(shown, 1) Then Told = Told & "; "
        For column = LBound(shown, 2) To UBound(shown, 2)
            If column > LBound(shown, 2) Then Told = Told & ", "
            Told = Told & OneTold(shown(row, column))
        Next column
    Next row
    Exit Function
flat:
    For column = LBound(shown) To UBound(shown)
        If column > LBound(shown) Then Told = Told & ", "
        Told = Told & OneTold(shown(column))
    Next column
End Function

Private Function OneTold(ByVal cell As Variant) As String
    If IsError(cell) Then
        OneTold = CStr(cell)
    Else
        OneTold = TypeName(cell) & " " & CStr(cell)
    End If
End Function
"""
SERVER = """Option Explicit

Public Function Called(ByVal name As String, ByVal values As Variant) As Variant
    Select Case name
{cases}
    Case "AOV"
        Called = name & " " & UBound(values) & " " & values(0)
    Case "NPS"
        Called = values(0)
    Case "CLV"
        Called = IsMissing(values(3)) & " " & IsMissing(values(4)) & " " & values(4)
    Case "CPM"
        Called = Empty
    Case Else
        Err.Raise 1000, "xlwings", "Traceback" & vbLf & "ZeroDivisionError: a bug" & vbLf
    End Select
End Function

Private Function Block() As Variant
    Dim cells(0 To 1, 0 To 1) As Variant
    cells(0, 0) = "#x"
    cells(0, 1) = "#VALUE!"
    cells(1, 0) = "#REF!"
    cells(1, 1) = CDbl(2)
    Block = cells
End Function
"""
WRONG = "\nPublic Sub Wrong()\n    If Then For\nEnd Sub\n"
CHECKS = {
    **{
        f"Told({name}({', '.join('1' * METRICS[name].required)}))": shown
        for name, (_, shown) in ANSWERS.items()
    },
    "Told(AOV(30, 4))": "String AOV 1 30",
    "Told(CPM(1, 2))": "Error 2015",
    'Told(NPS(ThisWorkbook.Worksheets("functions").Range("A2:B3")))': (
        "String CAC, String acquisition; String CAC_PAYBACK, String acquisition"
    ),
    "Told(CLV(50, 4, 3, , 0.1))": "String True False 0.1",
    "Told(ROAS(1, 2))": "Error 2015",
    'LastLine("Traceback" & vbCrLf & "ValueError: x" & vbLf)': "ValueError: x",
    "CStr(HasEnded(462))": "True",
    "CStr(HasEnded(1000))": "False",
    "FailureOfPython()": "",
    'CStr(CallsKpi("=1+CAC(A1,2)"))': "True",
    'CStr(CallsKpi("=IF(SUM(A1:A9)=0,"""",\'C:\\x\\kpi_xl.xlam\'!roas(1,2))"))': "True",
    'CStr(CallsKpi("=MYCAC(1)+KPI.CAC(2)+CAC2(3)+CAC+(1)"))': "False",
    'CStr(CallsKpi("=SUM(1)"))': "False",
    'CStr(CallsKpi("CAC"))': "False",
    'WithoutSigns("=IF(A1,@CAC(1,@CPL(2,@B:B)),@SUM(1))")': "=IF(A1,CAC(1,CPL(2,@B:B)),@SUM(1))",
    'WithoutSigns("=[@x]+CAC([@x],1)")': "=[@x]+CAC([@x],1)",
    'CStr(IsStale("D:\\Old\\KPI_XL.xlam", "C:\\New\\kpi_xl.xlam"))': "True",
    'CStr(IsStale("https://x/kpi_xl.xlam", "C:\\New\\kpi_xl.xlam"))': "True",
    'CStr(IsStale("c:\\new\\kpi_xl.xlam", "C:\\New\\kpi_xl.xlam"))': "False",
    'CStr(IsStale("C:\\Old\\other.xlam", "C:\\New\\kpi_xl.xlam"))': "False",
    'FormulaOf(ThisWorkbook.Worksheets("functions").Range("A2"))': "'CAC",
    'FormulaOf(ThisWorkbook.Worksheets("functions").Range("C2"))': "2",
    'FormulaOf(ThisWorkbook.Worksheets("functions").Range("Z9"))': "",
    "LanguageOf(1033)": "en",
    "LanguageOf(1049)": "ru",
    "LanguageOf(1065)": "fa",
    "LanguageOf(2052)": "zh-Hans",
    "LanguageOf(4100)": "zh-Hans",  # Singapore
    "LanguageOf(1028)": "zh-Hant",  # Taiwan
    "LanguageOf(3076)": "zh-Hant",  # Hong Kong
    "LanguageOf(1031)": "en",  # German, which there is none of
    'Setting("INTERPRETER_WIN")': PYTHON,
    'Setting("no such setting")': "",
    'Text("CAC")': one_line(METRICS["CAC"], "ru"),
    'Text("cac.2")': argument_help(METRICS["CAC"].arguments[1], "ru"),
    'Filled("binding.missed", "x")': addin.message_texts()["binding.missed"][
        list(LANGUAGES).index("ru")
    ].replace("{}", "x"),
}


def outside_of_excel(module: vba.Module) -> vba.Module:
    """A module as it is, but that Python's server is another, and the language is chosen.

    LibreOffice 7.4 calls Value2 by its older name.
    """
    source = module.source.replace("Value2", "Value")
    if module.name == "KpiServer":
        answers = (
            f'    Case "{f}"\n        Called = {answer}' for f, (answer, _) in ANSWERS.items()
        )
        source = SERVER.format(cases="\n".join(answers))
    if module.name == "KpiStart":
        source = source.replace("LanguageColumn(Language())", 'LanguageColumn("ru")')
    return module._replace(source=source)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a function told that was added to the add-in, by the state of the other modules.

    LibreOffice runs none in a project of which it cannot compile all.
    """
    soffice = program("soffice", "it compiles the VBA")
    try:
        subprocess.run([SYSTEM_PYTHON, "-c", "import uno"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        missing("LibreOffice's Python modules are not installed (python3-uno)")
    modules = addin.modules()
    calls = "\n".join(f"    Report = Report & {check} & vbLf" for check in CHECKS)
    states = {"as it is": (modules, '    Report = "compiled"')}
    states["outside of Excel"] = (list(map(outside_of_excel, modules)), calls)
    for broken in modules:
        wrong = [m._replace(source=m.source + WRONG * (m is broken)) for m in modules]
        states[broken.name] = (wrong, '    Report = "compiled"')
    folder = tmp_path_factory.mktemp("vba")
    said = {**addin.tab()[1], **addin.function_texts(), **addin.message_texts()}
    with pytest.MonkeyPatch.context() as patch:
        for state, (code, calls) in states.items():
            probe = vba.Module("module", "Probe", PROBE.format(calls=calls))
            patch.setattr(addin, "modules", lambda code=code, probe=probe: [*code, probe])
            (folder / f"{state}.xlsm").write_bytes(addin.workbook(addin.conf(PYTHON), said))
    command = [SYSTEM_PYTHON, Path(__file__).with_name("office_vba.py"), soffice]
    command += [folder / "profile", "kpi_xl_addin.Probe.Report"]
    paths = [folder / f"{state}.xlsm" for state in states]
    run = subprocess.run([*command, *paths], capture_output=True, encoding="utf-8", timeout=300)
    assert run.returncode == 0, run.stderr
    return dict(zip(states, json.loads(run.stdout), strict=True))


def test_libreoffice_compiles_every_module(ran: dict[str, str]) -> None:
    assert ran["as it is"] == "compiled"
    for module in addin.modules():
        assert ran[module.name] == "", f"an error in {module.name} goes unseen"


def test_it_does_outside_of_excel_what_it_should(ran: dict[str, str]) -> None:
    assert dict(zip(CHECKS, ran["outside of Excel"].split("\n"), strict=False)) == CHECKS


# Installing


def done(steps: list[addin.Step]) -> list[str]:
    for step in steps:
        step.do()
    return [step.what for step in steps]


def test_it_is_installed_and_taken_out_again(tmp_path: Path) -> None:
    (tmp_path / "other.xlam").write_bytes(b"theirs")
    path = tmp_path / addin.NAME
    (said,) = done(addin.install_steps(tmp_path))
    assert str(path) in said
    assert sys.executable in said
    content, time = path.read_bytes(), path.stat().st_mtime_ns
    assert addin.settings(path)["Interpreter_Win"] == sys.executable
    done(addin.install_steps(tmp_path))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, time)
    assert done(addin.uninstall_steps(tmp_path)) == [f"Remove {path}"]
    assert [file.name for file in tmp_path.iterdir()] == ["other.xlam"]
    assert addin.uninstall_steps(tmp_path) == []


@pytest.mark.parametrize("width", [1, 3])
def test_an_add_in_of_somebody_else_is_left_alone(tmp_path: Path, width: int) -> None:
    """Also if it has a sheet of settings that is called as ours."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet("kpi_xl.conf")
        for row in range(3):
            sheet.write_row(row, 0, ["kpi_xl", "1", "2"][:width])

    path = tmp_path / addin.NAME
    path.write_bytes(written(fill))
    with pytest.raises(FileExistsError, match="no add-in of kpi_xl"):
        addin.refuse_foreign(path)


def test_an_older_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / addin.NAME
    path.write_bytes(addin.workbook({"kpi_xl": "0.0.1"}, {}))
    done(addin.install_steps(tmp_path))
    assert addin.settings(path)["kpi_xl"] == __version__


def installing(verb: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kpi_xl", verb, *options]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_a_dry_run_only_says_it(tmp_path: Path) -> None:
    shown = installing("install", "--target", str(tmp_path), "--dry-run")
    assert str(tmp_path / addin.NAME) in shown.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("steps", [addin.install_steps, addin.uninstall_steps])
def test_what_excel_has_open_is_left_alone(steps: Any, tmp_path: Path) -> None:
    path = tmp_path / addin.NAME
    path.write_bytes(addin.workbook({"kpi_xl": "0.0.1"}, {}))
    lock = tmp_path / addin.LOCK
    lock.touch()
    with pytest.raises(PermissionError, match="close Excel"):
        steps(tmp_path)
    lock.unlink()
    assert steps(tmp_path)


def test_a_file_that_windows_has_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / addin.NAME
    path.write_bytes(addin.workbook({"kpi_xl": "0.0.1"}, {}))

    def locked(self: Path, mode: str) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(PermissionError, match="close Excel"):
        addin.install_steps(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", addin.workbook({}, {})])
def test_a_file_of_another_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / addin.NAME
    path.write_bytes(content)
    for steps in (addin.install_steps, addin.uninstall_steps):
        with pytest.raises(FileExistsError, match="move it away"):
            steps(tmp_path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_a_place_that_is_none_is_one_clear_line(verb: str, tmp_path: Path) -> None:
    shown = installing(verb, "--target", str(tmp_path / "none"))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "there is no such folder" in shown.stderr
    assert shown.stderr.count("\n") == 1
    assert not (tmp_path / "none").exists()
    if sys.platform != "win32":
        assert "on Windows" in installing(verb).stderr


def windows(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(addin.sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", str(folder))


def test_it_goes_into_excels_start_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows(monkeypatch, tmp_path)
    monkeypatch.setitem(sys.modules, "winreg", Registry({}))
    with pytest.raises(OSError, match="start Excel once"):
        addin.install_steps()
    assert addin.uninstall_steps() == []  # where there is no Excel any more
    excel = tmp_path / "Microsoft" / "Excel"
    excel.mkdir(parents=True)
    first, second = addin.install_steps()
    assert first.what == f"Make the folder {excel / 'XLSTART'}"
    first.do()
    assert str(excel / "XLSTART" / addin.NAME) in second.what
    assert len(addin.install_steps()) == 1


class Registry(SimpleNamespace):
    """Windows' module winreg, over the keys of a test."""

    HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE = "HKCU", "HKLM"
    KEY_READ, KEY_WOW64_32KEY, KEY_WOW64_64KEY = 1, 2, 4

    def __init__(self, keys: dict[str, dict[str, Any]]) -> None:
        self.keys = keys

    def OpenKey(self, hive: str, path: str, *_: int) -> Any:  # noqa: N802
        if f"{hive}\\{path}" not in self.keys:
            raise FileNotFoundError
        values = self.keys[f"{hive}\\{path}"]

        class OpenWorkbook(list[Any]):
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def Close(self) -> None:  # noqa: N802
                pass

        return OpenWorkbook((name, value, 4) for name, value in values.items())

    def QueryInfoKey(self, opened: list[Any]) -> tuple[int, int, int]:  # noqa: N802
        return 0, len(opened), 0

    def EnumValue(self, opened: list[Any], number: int) -> Any:  # noqa: N802
        return opened[number]

    def DeleteKey(self, hive: str, path: str) -> None:  # noqa: N802
        if any(key.startswith(f"{hive}\\{path}\\") for key in self.keys):
            raise PermissionError("Windows deletes no key that has others below it")
        if f"{hive}\\{path}" not in self.keys:
            raise FileNotFoundError
        del self.keys[f"{hive}\\{path}"]


def test_what_the_user_chose_in_the_add_in_is_removed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows(monkeypatch, tmp_path)
    (tmp_path / "Microsoft" / "Excel").mkdir(parents=True)
    chosen = rf"HKCU\{addin.CHOICES}"
    keys: dict[str, dict[str, Any]] = {
        chosen: {},
        rf"{chosen}\Excel": {"Language": "fa"},
        "HKCU": {},
    }
    monkeypatch.setitem(sys.modules, "winreg", Registry(keys))
    (said,) = done(addin.uninstall_steps())
    assert said == rf"Remove HKEY_CURRENT_USER\{addin.CHOICES}"
    assert keys == {"HKCU": {}}
    keys[chosen] = {}
    done(addin.uninstall_steps())  # also after one that was interrupted
    assert keys == {"HKCU": {}}
    assert addin.uninstall_steps() == []
