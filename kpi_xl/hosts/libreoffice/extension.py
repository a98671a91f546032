"""The functions for LibreOffice Calc: an extension, written from METRICS.

Calc reads the functions' types from an IDL file, their help from CalcAddIns.xcu, and calls the
component of `udfs/libreoffice_component.py`, which runs in LibreOffice's own Python. Where that is
of the version that kpi_xl was installed with, it uses the environment of that installation, NumPy
and all; elsewhere the copy of the scalar functions that the extension carries.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from errno import EEXIST
from importlib import resources
from pathlib import Path
from xml.sax.saxutils import escape

from kpi_xl import __version__
from kpi_xl.hosts.libreoffice.document import OPENED, SAVED, SAVING
from kpi_xl.hosts.libreoffice.names import SERVICE, method
from kpi_xl.hosts.libreoffice.newer_functions import NEWER
from kpi_xl.hosts.libreoffice.programs import program, surroundings
from kpi_xl.hosts.steps import Step
from kpi_xl.locales import KNOWN, LANGUAGES
from kpi_xl.metrics import METRICS
from kpi_xl.own import TEXTS
from kpi_xl.reference import argument_help, one_line
from kpi_xl.registry import Metric
from kpi_xl.schema import SCHEMAS
from kpi_xl.units import TEXT

IDENTIFIER = "org.kpixl.calc"
FOLDER = "kpi_xl"
"""The folder of the extension, among the others that are there for all users."""

TAGS = {code: language.libreoffice for code, language in KNOWN.items()}
"""What LibreOffice calls the languages."""

JOB = "org.kpixl.Opened"
TASK = "org.kpixl.Task"
COMPONENT = "component.py"
CORE = "core"
"""The folder of the extension with the copy of the scalar functions."""

CORE_FILES = (
    *("*.py", "*.txt", "locales/*.py", "locales/*.json", "locales/*.toml", "metrics/*.py"),
    *("ooxml/__init__.py", "ooxml/archive.py"),  # what is saved is given plain names by them
)
CORE_MODULES = (
    *("__init__", "names", "newer_functions", "sheets", "blocks", "tables", "document"),
    *("following", "copies", "programs"),
)
CORE_HOSTS = (
    "__init__.py",
    *(f"libreoffice/{n}.py" for n in CORE_MODULES),
)

BLOCK = "sequence<sequence<any> >"
PROPERTIES = "com::sun::star::beans::XPropertySet"
MENU = "org.kpixl.Menu"
NEW_WORKBOOK, BIND = "New workbook", "Enter the formulas anew"
REPORTS = {
    "Refresh report": "refresh_report",
    "Load data": "load_data",
    "Check data": "check_data",
    "Explain this cell": "explain_cell",
    "Freeze for sharing": "freeze_for_sharing",
    "Copy with live formulas": "freeze_with_formulas",
}
"""Entries of the menu, and what they call."""

SPREADSHEETS = (
    '<prop oor:name="Context"><value>com.sun.star.sheet.SpreadsheetDocument</value></prop>'
)
XCU = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<oor:component-data xmlns:oor="http://openoffice.org/2001/registry"'
    ' oor:name="{name}" oor:package="org.openoffice.Office">\n{nodes}\n</oor:component-data>\n'
)


# The extension


def extension(*, for_tasks: bool = False) -> dict[str, bytes]:
    """The files of the extension.

    `for_tasks`: with the job that does the work of a LibreOffice without windows.
    """
    jobs: dict[str, tuple[str, ...]] = {JOB: (*OPENED, *SAVING, *SAVED)}
    if for_tasks:
        jobs[TASK] = ("OnStartApp",)
    texts = {
        "META-INF/manifest.xml": _manifest(),
        "description.xml": _description(),
        "kpi_xl.idl": _idl(),
        "CalcAddIns.xcu": _add_ins(),
        "Jobs.xcu": _jobs(jobs),
        "Addons.xcu": _menu(),
        "environment.json": json.dumps(_environment(), indent=2),
    }
    udfs = resources.files("kpi_xl.udfs")
    files = {name: text.encode() for name, text in texts.items()}
    files[COMPONENT] = udfs.joinpath("libreoffice_component.py").read_bytes()
    # The definitions of a company's own KPIs as they were when the functions were written.
    for number, text in enumerate(TEXTS.values()):
        files[f"kpis/{number:03}.toml"] = text.encode()
    return files | {f"{CORE}/kpi_xl/{name}": content for name, content in _core().items()}


def oxt() -> bytes:
    """The extension in one file, as LibreOffice's extension manager takes it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in extension().items():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the same bytes each time
            member.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(member, data)
    return content.getvalue()


def _manifest() -> str:
    types = {
        "kpi_xl.idl": "uno-typelibrary;type=RDB",
        COMPONENT: "uno-component;type=Python",
        "CalcAddIns.xcu": "configuration-data",
        "Jobs.xcu": "configuration-data",
        "Addons.xcu": "configuration-data",
    }
    entries = "\n".join(
        f'<manifest:file-entry manifest:full-path="{name}"'
        f' manifest:media-type="application/vnd.sun.star.{kind}"/>'
        for name, kind in types.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<manifest:manifest xmlns:manifest="http://openoffice.org/2001/manifest">\n'
        f"{entries}\n</manifest:manifest>\n"
    )


def _description() -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<description xmlns="http://openoffice.org/extensions/description/2006">\n'
        f'<identifier value="{IDENTIFIER}"/>\n<version value="{__version__}"/>\n'
        '<display-name><name lang="en">kpi_xl</name></display-name>\n</description>\n'
    )


def _idl() -> str:
    """The functions' types, all of them of any cells. IDL has no underscores and no defaults.

    Those that take days have the document before them, which Calc hands over unasked: it says from
    which day it counts.
    """
    lines = []
    for metric in METRICS.values():
        taken = [f"[in] {PROPERTIES} document"] * metric.takes_days
        taken += [f"[in] any a{i}" for i in range(len(metric.arguments))]
        lines.append(f"    {_returned(metric)} {method(metric.name)}({', '.join(taken)});")
    for name, (_, _, count) in NEWER.items():
        arguments = ", ".join(f"[in] any a{i}" for i in range(count))
        lines.append(f"    {BLOCK} {name}({arguments});")
    functions = "\n".join(lines)
    return f"module org {{ module kpixl {{ interface XKpi {{\n{functions}\n}}; }}; }};\n"


def _returned(metric: Metric) -> str:
    """A block, also of one cell: `any` holds none that Calc takes from Python.

    But Calc finds no texts of blocks equal to any other; so one text comes as `any`.
    """
    one_text = metric.returns is TEXT and metric.result == "value"
    return "any" if one_text else BLOCK


def _add_ins() -> str:
    functions = [
        _node(
            method(metric.name),
            _prop("DisplayName", dict.fromkeys(LANGUAGES, metric.name)),
            _prop("Description", {code: one_line(metric, code) for code in LANGUAGES}),
            '<prop oor:name="Category"><value>Add-In</value></prop>',
            _prop("CompatibilityName", {"en": metric.name}),
            _node(
                "Parameters",
                *(
                    _node(
                        f"a{i}",
                        _prop("DisplayName", dict.fromkeys(LANGUAGES, argument.name)),
                        _prop(
                            "Description",
                            {code: argument_help(argument, code) for code in LANGUAGES},
                        ),
                    )
                    for i, argument in enumerate(metric.arguments)
                ),
                new=False,
            ),
        )
        for metric in METRICS.values()
    ]
    for name in NEWER:
        functions.append(_node(name, _prop("DisplayName", {"en": f"{SERVICE}_{name}"})))
    inside = _node("AddInFunctions", *functions, new=False)
    nodes = _node("AddInInfo", _node(SERVICE, inside), new=False)
    return XCU.format(name="CalcAddIns", nodes=nodes)


def _jobs(jobs: dict[str, tuple[str, ...]]) -> str:
    service = '<prop oor:name="Service"><value>{}</value></prop>'
    known = "".join(
        _node(job, service.format(job), SPREADSHEETS if job == JOB else "") for job in jobs
    )
    events = "".join(
        _node(event, _node("JobList", _node(job), new=False), operation="fuse")
        for job, its_events in jobs.items()
        for event in its_events
    )
    nodes = _node("Jobs", known, new=False) + _node("Events", events, new=False)
    return XCU.format(name="Jobs", nodes=nodes)


def _menu() -> str:
    """The menu KPI: a new workbook from each template, the reports, and what binds formulas."""
    from kpi_xl.hosts.addin import ribbon_text

    def entry(name: str, titles: dict[str, str], *inside: str) -> str:
        return _node(name, *inside, _prop("Title", titles))

    def command(name: str) -> str:
        url = f'<prop oor:name="URL"><value>service:{MENU}?{name}</value></prop>'
        return url + '<prop oor:name="Target"><value>_self</value></prop>'

    def titles_of(text: str) -> dict[str, str]:
        return {code: ribbon_text(text, code) for code in LANGUAGES}

    new = "".join(
        entry(f"m{number}", titles_of(schema.title), command(f"new:{name}"))
        for number, (name, schema) in enumerate(SCHEMAS.items())
    )
    inside = _node(
        "Submenu",
        entry("m1", titles_of(NEW_WORKBOOK), _node("Submenu", new, new=False)),
        *(
            entry(f"m{number}", titles_of(text), command(name))
            for number, (text, name) in enumerate((*REPORTS.items(), (BIND, "bind")), 2)
        ),
        new=False,
    )
    menu = entry("org.kpixl.kpi", dict.fromkeys(LANGUAGES, "KPI"), SPREADSHEETS, inside)
    nodes = _node("AddonUI", _node("OfficeMenuBar", menu, new=False), new=False)
    return XCU.format(name="Addons", nodes=nodes)


def _node(name: str, *inside: str, new: bool = True, operation: str = "replace") -> str:
    does = f' oor:op="{operation}"' if new else ""
    return f'<node oor:name="{name}"{does}>{"".join(inside)}</node>'


def _prop(name: str, texts: dict[str, str]) -> str:
    values = "".join(
        f'<value xml:lang="{TAGS[code]}">{escape(text)}</value>' for code, text in texts.items()
    )
    return f'<prop oor:name="{name}">{values}</prop>'


def _environment() -> dict[str, object]:
    """The Python that kpi_xl is installed in, and where its packages are."""
    paths = sysconfig.get_paths()
    return {
        "python": list(sys.version_info[:2]),
        "packages": list(dict.fromkeys((paths["purelib"], paths["platlib"]))),
        "home": str(Path(str(resources.files("kpi_xl"))).parent),
    }


def _core() -> dict[str, bytes]:
    """The files of kpi_xl that the scalar functions need."""
    root = Path(str(resources.files("kpi_xl")))
    found = [path for pattern in CORE_FILES for path in sorted(root.glob(pattern))]
    found += [root / "hosts" / name for name in CORE_HOSTS]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


# Installing it


def install_steps(target: Path | None = None) -> list[Step]:
    """What puts the extension into LibreOffice: for the user, or into a folder of extensions.

    LibreOffice registers nothing for the user root; for him it goes where all users' are.
    """
    folder = target or _shared_folder()
    if folder is not None:
        place = folder / FOLDER
        return [Step(f"Write the extension to {place}", lambda: _write_folder(place))]
    unopkg = program("unopkg")
    return [Step(f"Register the extension: {unopkg} add", lambda: _register(unopkg))]


def uninstall_steps(target: Path | None = None) -> list[Step]:
    """What takes it out again; nothing where it is not there."""
    folder = target or _shared_folder()
    if folder is not None:
        place = folder / FOLDER
        if not (place / COMPONENT).exists():
            return []
        return [Step(f"Delete {place}", lambda: shutil.rmtree(place))]
    unopkg = program("unopkg")
    if IDENTIFIER not in _said(unopkg, "list"):
        return []
    remove = [unopkg, "remove", IDENTIFIER]
    return [Step(f"Remove the extension: {' '.join(remove)}", lambda: print(_said(*remove)))]


def _shared_folder() -> Path | None:
    """The folder of all users' extensions, where root installs; None for other users."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    return Path(program("unopkg")).resolve().parent.parent / "share" / "extensions"


def _write_folder(place: Path) -> None:
    """Write the extension as a folder, in place of an older one."""
    if place.exists() and not (place / COMPONENT).exists():
        raise FileExistsError(EEXIST, "it is there, and is not our extension: move it away", place)
    new, old = (place.with_name(f".{place.name}.{which}") for which in ("new", "old"))
    for one in (new, old):
        shutil.rmtree(one, ignore_errors=True)
    write_extension(new)
    if place.exists():  # as a whole or not at all: a LibreOffice that runs may hold its files
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def write_extension(place: Path, *, for_tasks: bool = False) -> None:
    """Write the extension's files into a new folder."""
    for name, data in extension(for_tasks=for_tasks).items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _register(unopkg: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        package = Path(folder) / "kpi_xl.oxt"
        package.write_bytes(oxt())
        _said(unopkg, "add", "--force", "--suppress-license", str(package))


def _said(*command: str) -> str:
    """What a program says. Raises OSError where it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=surroundings(), check=False
    )
    if done.returncode:
        words = (done.stderr or done.stdout).split()
        raise OSError(f"{' '.join(command[:2])} failed: {' '.join(words)}")
    return done.stdout
