"""The add-in for Excel on Windows: an .xlam that knows every function, and has the tab KPI.

It is built where it is installed: its VBA is taken from the installed xlwings, whose DLL it names,
and it starts the Python that built it. VBA holds only the letters of one code page, so texts in
all languages are in the add-in's cells.
"""

import errno
import io
import os
import re
import sys
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module, resources
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from kpi_xl import __version__
from kpi_xl.files import write_whole
from kpi_xl.hosts.steps import Step
from kpi_xl.locales import KNOWN, LANGUAGES, say, texts
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.vba import Module, project
from kpi_xl.reference import argument_help, family_name, one_line
from kpi_xl.registry import Metric
from kpi_xl.taken_names import VBA_RESERVED

NAME = "kpi_xl.xlam"
LOCK = f"~${NAME}"  # Excel's, while it has the file open
CHOICES = r"Software\VB and VBA Program Settings\kpi_xl"  # where VBA keeps what the user chose

RIBBON = "http://schemas.microsoft.com/office/2009/07/customui"
OLDER_RIBBON = "http://schemas.microsoft.com/office/2006/01/customui"
RELATION = "http://schemas.microsoft.com/office/{}/relationships/ui/extensibility"
TEXTS = {"label": "KpiLabel", "screentip": "KpiScreentip", "supertip": "KpiSupertip"}

# What the add-in's own code says.
MESSAGES = {
    "binding.missed": "kpi_xl could not connect these formulas; unprotect the sheet and open the"
    " workbook anew. {}",
    "insert.nowhere": "Select a cell first: the function goes into the active cell.",
    "insert.over": "The cell is not empty. Replace what is in it?",
    "script.nowhere": "Open a workbook first.",
    "failure.cell": "Not computed: {}",
    "failure.missing": "Python is not at {} any more: run kpi-xl install in a terminal, or press"
    " Try again on the tab KPI when it is back.",
    "failure.start": "Python could not be started. Run kpi-xl doctor in a terminal, then press"
    " Try again on the tab KPI. {}",
    "failure.ended": "Python ended while it computed {}: press Try again on the tab KPI.",
    "again.done": "Python runs, and all open workbooks have been computed.",
    "reference.function": "Function",
    "reference.family": "Category",
    "reference.meaning": "Meaning",
    "reference.arguments": "Arguments",
    "about.doctor": "If something does not work, kpi-xl doctor in a terminal says why.",
}


class UnknownXlwingsError(OSError):
    """The installed xlwings has other VBA than this version of kpi_xl was written for."""


# Installing


def install_steps(target: Path | None = None) -> list[Step]:
    """What puts the add-in into a folder; without one, into Excel's start folder.

    Raises OSError where there is no such folder, or Excel has the add-in open.
    """
    path = place(target)
    if not path.parent.parent.exists():
        raise OSError(f"{path.parent.parent} is not there: start Excel once, then try again")
    refuse_foreign(path)
    refuse_open(path)
    steps = []
    if target is None and not path.parent.exists():
        steps.append(Step(f"Make the folder {path.parent}", path.parent.mkdir))

    def write() -> None:
        content = addin()
        if not path.exists() or path.read_bytes() != content:
            write_whole(path, content, force=True)

    steps.append(Step(f"Write the add-in {path}, which starts {sys.executable}", write))
    return steps


def uninstall_steps(target: Path | None = None) -> list[Step]:
    """What takes the add-in out again, and the language that the user chose in it.

    Raises OSError where Excel has the add-in open.
    """
    path = place(target)
    steps = []
    if path.exists():
        refuse_foreign(path)
        refuse_open(path)
        steps.append(Step(f"Remove {path}", path.unlink))
    if target is None and _has_choices():
        steps.append(Step(rf"Remove HKEY_CURRENT_USER\{CHOICES}", _forget_choices))
    return steps


def place(target: Path | None = None) -> Path:
    """Where the add-in goes. Raises OSError where there is no such place."""
    if target is not None:
        if not target.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "there is no such folder", str(target))
        return target.resolve() / NAME
    if sys.platform != "win32":
        raise OSError(
            "Excel takes this add-in on Windows; --target DIR writes it to a folder of yours"
        )
    return start_folder() / NAME


def start_folder() -> Path:
    """The folder from which Excel opens everything when it starts, and which it trusts."""
    return Path(os.environ["APPDATA"]) / "Microsoft" / "Excel" / "XLSTART"


def refuse_open(path: Path) -> None:
    """Raise PermissionError where Excel has the add-in open: it could not be replaced."""
    asked = f"Excel has it open: close Excel and try again (or remove {LOCK}, if Excel crashed)"
    if path.with_name(LOCK).exists():
        raise PermissionError(errno.EACCES, asked, str(path))
    if path.exists():
        try:
            path.open("r+b").close()
        except PermissionError:
            raise PermissionError(errno.EACCES, asked, str(path)) from None


def refuse_foreign(path: Path) -> None:
    """Raise FileExistsError where another file has the add-in's name."""
    if path.exists() and "kpi_xl" not in settings(path):
        raise FileExistsError(
            errno.EEXIST, "it is no add-in of kpi_xl: move it away first", str(path)
        )


def settings(path: Path) -> dict[str, str]:
    """What an add-in says of itself: its version, xlwings', its Python. Empty for another file."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(path) as book:
            rows = book.get_sheet_by_name("kpi_xl.conf").to_python()
    except (CalamineError, ValueError, zipfile.BadZipFile):
        return {}
    return {str(row[0]): str(row[1]) for row in rows[1:] if len(row) == 2}


def _has_choices() -> bool:
    winreg: Any = import_module("winreg")  # which has no content for type checkers elsewhere
    try:
        winreg.OpenKey(winreg.HKEY_CURRENT_USER, CHOICES).Close()
    except FileNotFoundError:
        return False
    return True


def _forget_choices() -> None:
    winreg: Any = import_module("winreg")
    for key in (rf"{CHOICES}\Excel", CHOICES):
        with suppress(FileNotFoundError):
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, key)


# Building


def addin(interpreter: str = sys.executable) -> bytes:
    """The .xlam. The same versions and interpreter give the same bytes."""
    ribbon, texts = tab()
    book = workbook(conf(interpreter), {**texts, **function_texts(), **message_texts()})
    return _with_ribbon(book, ribbon)


def conf(interpreter: str) -> dict[str, str]:
    """What the add-in is set to, under the names that xlwings' VBA asks for."""
    import xlwings

    return {
        "kpi_xl": __version__,
        "xlwings": xlwings.__version__,
        "Interpreter_Win": interpreter,
        "Add_Workbook_To_PythonPath": "false",  # beside a workbook, there may be anybody's code
    }


def function_texts() -> dict[str, list[str]]:
    """The help of every function and argument, by key, in every language."""
    texts = {}
    for family in dict.fromkeys(metric.family for metric in METRICS.values()):
        texts[f"family.{family}"] = [f"KPI {family_name(family, code)}" for code in LANGUAGES]
    for name, metric in METRICS.items():
        texts[name] = [one_line(metric, code) for code in LANGUAGES]
        for number, argument in enumerate(metric.arguments, 1):
            texts[f"{name}.{number}"] = [argument_help(argument, code) for code in LANGUAGES]
    return texts


def message_texts() -> dict[str, list[str]]:
    """What the add-in's own code says, by key, in every language."""
    return {key: [ribbon_text(text, code) for code in LANGUAGES] for key, text in MESSAGES.items()}


def ribbon_text(text: str, language: str) -> str:
    """A text of the ribbon; what workbooks say as well has one translation."""
    if language == "en":
        return text
    section = "ribbon" if text in texts(language)["ribbon"] else "words"
    return say(text, language, section)


def workbook(settings: dict[str, str], texts: dict[str, list[str]]) -> bytes:
    """The workbook of the add-in: its sheets, and its code."""
    from datetime import datetime

    import xlsxwriter

    sheets: dict[str, list[list[Any]]] = {
        "functions": [["name", "family", "arguments", "signature"]]
        + [[m.name, m.family, len(m.arguments), m.signature] for m in METRICS.values()],
        "texts": [["key", *LANGUAGES], *([key, *row] for key, row in texts.items())],
        "kpi_xl.conf": [["setting", "value"], *map(list, settings.items())],
    }
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": "kpi_xl", "created": datetime(2025, 1, 1)})
        code = project("kpi_xl_addin", [*documents(len(sheets)), *modules()])
        book.add_vba_project(io.BytesIO(code), is_stream=True)
        book.set_vba_name("ThisWorkbook")
        for number, (name, rows) in enumerate(sheets.items(), 1):
            sheet = book.add_worksheet(name)
            sheet.set_vba_name(f"Sheet{number}")
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return out.getvalue()


def _with_ribbon(book: bytes, ribbon: str) -> bytes:
    """A workbook with macros as an add-in that has a ribbon, in both forms that Excels read."""
    parts = {
        "customUI/customUI.xml": (ribbon.replace(RIBBON, OLDER_RIBBON), "2006"),
        "customUI/customUI14.xml": (ribbon, "2007"),
    }
    links = "".join(
        f'<Relationship Id="kpi{year}" Type="{RELATION.format(year)}" Target="{name}"/>'
        for name, (_, year) in parts.items()
    )
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w") as new:
        contents = {name: old.read(name) for name in old.namelist()}
        contents |= {name: text.encode() for name, (text, _) in parts.items()}
        for name, before, after in (
            ("[Content_Types].xml", "ms-excel.sheet.macroEnabled", "ms-excel.addin.macroEnabled"),
            ("_rels/.rels", "</Relationships>", f"{links}</Relationships>"),
        ):
            contents[name] = contents[name].replace(before.encode(), after.encode())
        for name, content in contents.items():
            member = zipfile.ZipInfo(name)  # of 1980, so that the same content is the same bytes
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, content)
    return out.getvalue()


# The ribbon


def tab() -> tuple[str, dict[str, list[str]]]:
    """The ribbon of `udfs/ribbon.xml`, complete, and its texts by key in every language."""
    source = resources.files("kpi_xl.udfs").joinpath("ribbon.xml").read_text(encoding="utf-8")
    root = ElementTree.fromstring(source)
    texts = {}
    for control in root.iter():
        for attribute, callback in TEXTS.items():
            if text := control.attrib.pop(attribute, ""):
                key = f"{control.get('id')}.{attribute}"
                texts[key] = [_tab_text(control, text, code) for code in LANGUAGES]
                control.set(f"get{attribute.capitalize()}", callback)
    menus = {menu.get("tag"): menu for menu in root.iter(f"{{{RIBBON}}}menu")}
    functions = next(g for g in root.iter(f"{{{RIBBON}}}group") if g.get("id") == "kpiFunctions")
    for metric in METRICS.values():
        if metric.family not in menus:  # such as a company's own
            key = f"family.{metric.family}"
            attributes = {"id": f"kpiFamily_{metric.family}", "tag": key}
            attributes |= {"getLabel": "KpiDefinition"}
            menus[metric.family] = ElementTree.SubElement(
                functions, f"{{{RIBBON}}}menu", attributes
            )
        attributes = {"id": f"kpiFunction_{metric.name}", "tag": metric.name, "label": metric.name}
        attributes |= {"screentip": metric.signature, "getSupertip": "KpiDefinition"}
        attributes |= {"onAction": "KpiInsert"}
        ElementTree.SubElement(menus[metric.family], f"{{{RIBBON}}}button", attributes)
    for code, name in LANGUAGES.items():
        attributes = {"id": f"kpiLanguage_{code}", "tag": code, "label": name}
        attributes |= {"getPressed": "KpiIsLanguage", "onAction": "KpiLanguage"}
        ElementTree.SubElement(menus["languages"], f"{{{RIBBON}}}toggleButton", attributes)
    ElementTree.register_namespace("", RIBBON)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode"), texts


def _tab_text(control: ElementTree.Element, text: str, language: str) -> str:
    families = {metric.family for metric in METRICS.values()}
    if control.get("tag") in families and not control.get("onAction") and language != "en":
        return family_name(str(control.get("tag")), language)  # it has a translation already
    return ribbon_text(text, language)


# The code


def documents(sheets: int) -> list[Module]:
    """The modules that the workbook and its sheets must have."""
    empty = "Option Explicit\n"
    return [
        Module("workbook", "ThisWorkbook", macros("ThisWorkbook.cls")),
        *(Module("sheet", f"Sheet{number}", empty) for number in range(1, sheets + 1)),
    ]


def modules() -> list[Module]:
    """All other code; what is in classes cannot be called by formulas."""
    return [
        Module("module", "KpiFunctions", macros("KpiFunctions.bas") + wrappers()),
        Module("module", "KpiRibbon", macros("KpiRibbon.bas")),
        Module("module", "KpiStart", macros("KpiStart.bas") + languages()),
        Module("module", "KpiBinding", macros("KpiBinding.bas")),
        Module("module", "KpiFailures", macros("KpiFailures.bas")),
        Module("class", "KpiEvents", macros("KpiEvents.cls")),
        Module("class", "KpiServer", server()),
    ]


def macros(name: str) -> str:
    """A file of VBA code."""
    return resources.files(__package__).joinpath("macros", name).read_text(encoding="ascii")


def languages() -> str:
    """The rules of the languages as VBA functions, for Microsoft's numbers of them."""
    others = [(code, one) for code, one in KNOWN.items() if code != "en"]
    # The country comes second, as it says more.
    general = [(code, (one.number,)) for code, one in others if not one.variant_numbers]
    exact = [(code, one.variant_numbers) for code, one in others if one.variant_numbers]

    def chosen_by(expression: str, cases: Iterable[tuple[str, tuple[int, ...]]]) -> str:
        lines = "".join(
            f"    Case {', '.join(f'&H{number:X}' for number in numbers)}\n"
            f'        LanguageOf = "{code}"\n'
            for code, numbers in cases
        )
        return f"    Select Case {expression}\n{lines}    End Select\n"

    right_to_left = ", ".join(f'"{code}"' for code, one in others if one.right_to_left)
    return f"""
Public Function LanguageOf(ByVal excels As Long) As String
    ' The language that one of Microsoft's numbers means; above 1023 it has the country.
    LanguageOf = "en"
{chosen_by("excels Mod 1024", general)}{chosen_by("excels", exact)}End Function

Public Function IsRightToLeft(ByVal code As String) As Boolean
    Select Case code
    Case {right_to_left}
        IsRightToLeft = True
    End Select
End Function
"""


def wrappers() -> str:
    """A VBA function for every metric, of one line: KpiFunctions.bas says what it must keep.

    Each carries its English help, for an Excel that takes no other.
    """
    return "\n".join(
        f"Function {metric.name}({', '.join(_parameters(metric))})\n"
        f'Attribute {metric.name}.VB_Description = "{_in_quotes(one_line(metric))}"\n'
        f'    {metric.name} = Answer("{metric.name}", Array({", ".join(_names(metric))}))\n'
        "End Function\n"
        for metric in METRICS.values()
    )


def _names(metric: Metric) -> list[str]:
    """The arguments' names; another one where VBA, or the function itself, has that name."""
    taken = VBA_RESERVED | {metric.name.lower(), "answer"}
    others = {argument.name for argument in metric.arguments}
    names = []
    for argument in metric.arguments:
        name = argument.name
        while name in taken or (name != argument.name and name in others):
            name += "_given"
        names.append(name)
    return names


def _parameters(metric: Metric) -> list[str]:
    return [
        "Optional " * (not argument.required) + name
        for argument, name in zip(metric.arguments, _names(metric), strict=True)
    ]


def _in_quotes(text: str) -> str:
    """A text as VBA code holds it, which has the letters of ASCII alone here."""
    return text.replace('"', '""').encode("ascii", "replace").decode()


class Replacement(NamedTuple):
    """A piece of xlwings' VBA, what stands in its place here, and why."""

    old: str
    new: str
    why: str


CHANGES = (
    Replacement(
        "ActiveWorkbook.FullName",
        "ThisWorkbook.FullName",
        "One Python serves all workbooks, and serves where none is open.",
    ),
    Replacement(
        '" -B -c ""',
        '" -B -P -c ""',
        "Python does not look for modules in the current folder, which may be anybody's.",
    ),
    Replacement(
        '""import sys, os;"',
        '""import sys, os;sys.modules.update(pandas=None, polars=None);"',
        "xlwings imports both where they are installed, and the first formula would wait for them.",
    ),
    Replacement(
        ";import xlwings; ",
        ";import xlwings; del sys.modules['pandas'], sys.modules['polars']; ",
        "Reports that read exports may import them.",
    ),
)


def server() -> str:
    """The class that starts Python, with what it needs of the VBA that the installed xlwings has.

    Of all that is in there, no more: a formula of any workbook could call the rest.
    Raises UnknownXlwingsError where it is not as this version of kpi_xl knows it.
    """
    path = Path(import_module("xlwings").__file__ or "").with_name("xlwings_custom_addin.bas")
    source = path.read_text(encoding="ascii").replace("\r\n", "\n")
    declarations = _found(r"^#If VBA7 Then\n.*?^#End If\n", source)
    declarations = re.sub(
        r"^( *)(?:Private )?(Declare|Const)", r"\1Private \2", declarations, flags=re.M
    )
    names = ("ParentFolder", "XLPyCommand", "XLPyLoadDLL", "XLPy")
    procedures = "\n".join(
        _found(rf"^(?:Private )?(?P<kind>Function|Sub) {name}\(.*?^End (?P=kind)\n", source)
        for name in names
    )
    for change in CHANGES:
        if procedures.count(change.old) != 1:
            raise UnknownXlwingsError(f"xlwings' VBA has no single {change.old}")
        procedures = procedures.replace(change.old, change.new)
    text = macros("KpiServer.cls")
    for mark, code in (("declarations", declarations), ("procedures", procedures)):
        text = text.replace(f"'<xlwings: {mark}>\n", code)
    return text


def _found(pattern: str, source: str) -> str:
    found = re.search(pattern, source, re.M | re.S)
    if found is None:
        raise UnknownXlwingsError(f"xlwings' VBA has no {pattern}")
    return found[0]
