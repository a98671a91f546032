"""Workbooks for xlwings Lite, the add-in that runs Python inside Excel, on Mac and the web too.

Such a workbook carries its Python as settings of the add-in: `main.py` and `requirements.txt`, each
a JSON text in a web extension part, which Microsoft specifies in [MS-OWEXML]. What only the add-in
can know (its own version, that of Pyodide, the workbook's id) is left for it to write.
"""

import io
import json
import re
import zipfile
from html import escape
from importlib.resources import files
from pathlib import Path

from kpi_xl import __version__
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.namespaces import OFFICE, PACKAGE
from kpi_xl.own import TEXTS

ADD_IN = 'id="wa200008175" version="1.0.0.0"'  # in Microsoft's store
INSTANCE = "{6B7C1D52-0E0B-4C39-9C2B-5C1E8B7F4A10}"  # of the add-in, unique in its workbook only
STORED = "_xldudf_"
"""What Excel stores before the name of a function that an Office add-in has; it binds no other."""

PROPERTIES = "docProps/custom.xml"
CUSTOM = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"  # of all properties of one's own
HOST = "kpi_xl host"
"""The property by which a workbook says that an Office add-in has its functions."""

# Texts and sheet names in quotes, which stay as they are, or the name of one of our functions.
CALL = re.compile(rf"""("(?:[^"]|"")*"|'(?:[^']|'')*')|(?<![\w.!])(?:{"|".join(METRICS)})(?=\()""")
FORMULA = re.compile(r"(?<=>)[^<]+(?=</(?:f|definedName|calculatedColumnFormula|formula[12]?)>)")
WITH_FORMULAS = re.compile(r"xl/(?:workbook|worksheets/[^/]+|tables/[^/]+)\.xml")

EXTENSIONS = "xl/webextensions"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MICROSOFT = "http://schemas.microsoft.com/office"
CONTENT_TYPES = "".join(
    f'<Override PartName="/{EXTENSIONS}/{part}.xml"'
    f' ContentType="application/vnd.ms-office.{kind}+xml"/>'
    for part, kind in (("webextension1", "webextension"), ("taskpanes", "webextensiontaskpanes"))
)
RELATION = (
    f'<Relationship Id="taskpanes" Type="{MICROSOFT}/2011/relationships/webextensiontaskpanes"'
    f' Target="{EXTENSIONS}/taskpanes.xml"/>'
)
# A pane that is visible opens with the workbook, where the add-in is installed.
PANES = (
    f'{DECLARATION}<wetp:taskpanes xmlns:wetp="{MICROSOFT}/webextensions/taskpanes/2010/11">'
    '<wetp:taskpane dockstate="right" visibility="1" width="400" row="0">'
    f'<wetp:webextensionref xmlns:r="{OFFICE}" r:id="rId1"/>'
    "</wetp:taskpane></wetp:taskpanes>"
)
PANE_RELATIONS = (
    f"{DECLARATION}<Relationships"
    f' xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{MICROSOFT}/2011/relationships/webextension"'
    ' Target="webextension1.xml"/></Relationships>'
)


def main_py() -> str:
    """What a workbook's main.py holds, with the definitions of a company's own KPIs before it."""
    main = files("kpi_xl.udfs").joinpath("lite_main.py").read_text(encoding="utf-8")
    if not TEXTS:
        return main
    definitions = "".join(
        f"define({text!r}, {Path(file).name!r})\n" for file, text in TEXTS.items()
    )
    return main.replace(
        "import os\n\n", f"import os\n\nfrom kpi_xl.own import define\n\n{definitions}\n", 1
    )


def requirements_txt(wheel: str = "") -> str:
    """What a workbook's requirements.txt holds; `wheel` is the address of ours, if not PyPI's.

    Of xlwings the add-in takes the newest, and keeps to what it has installed once.
    """
    return f"xlwings<1.0.0\n{wheel or f'kpi-xl=={__version__}'}\n"


def with_python(content: bytes, wheel: str = "") -> bytes:
    """One of our workbooks, as xlwings Lite takes it: with its Python, and formulas that bind."""
    content = with_bound_formulas(content)
    changed = {}
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for name, end, new in (
            ("[Content_Types].xml", "</Types>", CONTENT_TYPES),
            ("_rels/.rels", "</Relationships>", RELATION),
        ):
            changed[name] = package.read(name).decode().replace(end, new + end).encode()
    file = io.BytesIO(with_members(content, changed))
    with zipfile.ZipFile(file, "a") as package:
        for name, text in (
            ("webextension1.xml", extension(main_py(), requirements_txt(wheel))),
            ("taskpanes.xml", PANES),
            ("_rels/taskpanes.xml.rels", PANE_RELATIONS),
        ):
            # Without a date, so that the same workbook is the same bytes.
            member = zipfile.ZipInfo(f"{EXTENSIONS}/{name}")
            package.writestr(member, text, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def with_bound_formulas(content: bytes) -> bytes:
    """One of our workbooks, whose formulas call the functions of an Office add-in.

    It says so in its properties: the add-in for Windows leaves such a workbook alone.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        changed = {
            name: bound(package.read(name).decode()).encode()
            for name in package.namelist()
            if WITH_FORMULAS.fullmatch(name)
        }
        if PROPERTIES in package.namelist():
            changed[PROPERTIES] = marked(package.read(PROPERTIES).decode()).encode()
    return with_members(content, changed)


def marked(properties: str) -> str:
    """The properties of a workbook, with that of its host after them."""
    last = max(map(int, re.findall(r'pid="(\d+)"', properties)), default=1)
    property_ = (
        f'<property fmtid="{CUSTOM}" pid="{last + 1}" name="{HOST}">'
        "<vt:lpwstr>Office.js</vt:lpwstr></property>"
    )
    return properties.replace("</Properties>", f"{property_}</Properties>")


def bound(xml: str) -> str:
    """A part whose formulas call our functions as Excel stores those of an add-in."""
    return FORMULA.sub(
        lambda formula: CALL.sub(lambda call: call[1] or STORED + call[0], formula[0]), xml
    )


def extension(main: str, requirements: str) -> str:
    """The part that says which add-in the workbook uses, and holds its settings."""
    settings = {
        "main.py": main,
        "requirements.txt": requirements,
        "Office.AutoShowTaskpaneWithDocument": True,
    }
    properties = "".join(
        f'<we:property name="{name}" value="{escape(json.dumps(value))}"/>'
        for name, value in settings.items()
    )
    return (
        f'{DECLARATION}<we:webextension xmlns:we="{MICROSOFT}/webextensions/webextension/2010/11"'
        f' id="{INSTANCE}"><we:reference {ADD_IN} store="en-US" storeType="OMEX"/>'
        f'<we:alternateReferences><we:reference {ADD_IN} store="" storeType="OMEX"/>'
        f"</we:alternateReferences><we:properties>{properties}</we:properties><we:bindings/>"
        f'<we:snapshot xmlns:r="{OFFICE}"/><we:extLst>'
        '<a:ext xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
        ' uri="{D87F86FE-615C-45B5-9D79-34F1136793EB}"><we:containsCustomFunctions/></a:ext>'
        "</we:extLst></we:webextension>"
    )
