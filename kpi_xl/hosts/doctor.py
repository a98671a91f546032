"""What stands in the way of the functions in Excel on Windows, and what to do about it."""

import os
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module, util
from pathlib import Path
from typing import Any, NamedTuple

from kpi_xl import __version__
from kpi_xl.hosts import addin
from kpi_xl.sources import SourceError
from kpi_xl.sources.connections import as_text, connections, told_file
from kpi_xl.sources.databases import session

VERSIONS = ("16.0", "15.0", "14.0")  # of Office in the registry: since 2016, 2013, 2010
OFFICE = r"Software\Microsoft\Office"
POLICIES = r"Software\Policies\Microsoft\Office"  # set by an administrator
UNKNOWN = "of unknown bitness"
INSTALL = "run kpi-xl install"
LITE = "take xlwings Lite, which needs no Python of yours: kpi-xl new starter --host lite"

# What Microsoft Defender can forbid Office, by the identifiers of its rules; xlwings does both.
DEFENDER = {
    "D4F940AB-401B-4EFC-AADC-AD5F3C50688A": "Office applications may create no child processes,"
    " so that Excel cannot start Python",
    "92E97FA1-2EDF-4476-BDD6-9DD0B4DDDC7B": "macros of Office may call nothing of Windows,"
    " so that Excel cannot load xlwings' DLL",
}
RULES = (
    r"HKLM\Software\Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules",
    r"HKLM\Software\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules",
)
MANAGED_RULES = r"HKLM\Software\Policies\Microsoft\Windows Defender\Policy Manager"
BLOCKS = ("1", "6")  # block, and warn; 2 only notes it, 0 is off

STORE_ADD_IN = "wa200008175"  # xlwings Lite, in Microsoft's store
SERVER_ADD_IN = "6d1f6a3e-6a0c-4a3b-8f0e-2b8f1f6c7a51"  # of kpi-xl serve

Values = Callable[[str], Mapping[str, Any]]
"""The values of a key of the registry, such as r"HKCU\\Software\\X"; none where there is none."""


class Diagnosis(NamedTuple):
    """Something looked at: whether it is good (None: it cannot be seen), and what to do if not."""

    good: bool | None
    what: str
    todo: str = ""


def findings(target: Path | None = None) -> Iterator[Diagnosis]:
    """All that is to be said, from Python to Excel's settings."""
    yield from of_python()
    yield from of_addin(target)
    yield from of_connections()
    if sys.platform == "win32":
        yield from of_excel(registry_values)
        yield from of_dlls(registry_values, Path(sys.executable))
        yield from of_defender(registry_values)
        yield from of_store(registry_values)
        yield from of_add_ins(registry_values, Path(os.environ.get("LOCALAPPDATA", "")))
        yield from of_failure(registry_values)
    else:
        yield Diagnosis(
            None,
            "Excel's settings, and what connects it with Python: they can be seen on Windows only",
        )


# Python and its packages


def of_python() -> Iterator[Diagnosis]:
    """Python, and the packages that Excel needs of it."""
    bits = struct.calcsize("P") * 8
    version = ".".join(map(str, sys.version_info[:3]))
    yield Diagnosis(True, f"Python {version}, {bits} bit: {sys.executable}")
    yield of_path(sys.executable)
    try:
        import xlwings
    except ImportError as error:
        todo = "run pip install --upgrade kpi-xl in this Python"
        yield Diagnosis(False, f"xlwings cannot be imported: {error}", todo)
        return
    yield Diagnosis(True, f"kpi_xl {__version__}, xlwings {xlwings.__version__}")
    try:
        addin.server()
        yield Diagnosis(True, "The VBA of this xlwings is as kpi_xl knows it")
    except addin.UnknownXlwingsError as error:
        yield Diagnosis(False, str(error), 'run pip install "xlwings>=0.37.8,<0.38"')
    if sys.platform != "win32":
        yield Diagnosis(None, "pywin32: it is for Windows only")
        return
    found = util.find_spec("pythoncom") is not None
    yield Diagnosis(found, "pywin32", "" if found else "run pip install pywin32 in this Python")


def of_path(path: str) -> Diagnosis:
    """Whether Excel's VBA can name Python's path, which it does in the code page of the system."""
    code_page = "mbcs" if sys.platform == "win32" else "utf-8"
    try:
        path.encode(code_page)
    except UnicodeEncodeError as error:
        letters = path[error.start : error.end]
        todo = "put Python (or a virtual environment) into a folder such as C:\\kpi"
        return Diagnosis(
            False, f"Python's path has {letters!r}, outside of Windows' code page", todo
        )
    return Diagnosis(True, "Python's path is in the system's code page")


# Databases


def of_connections() -> Iterator[Diagnosis]:
    """Whether each database that the user's settings name can be opened."""
    try:
        known = connections()
    except SourceError as error:
        yield from (Diagnosis(False, str(fault), "put it right") for fault in error.args)
        return
    for connection in known.values():
        try:
            with session(connection, connection.name):
                yield Diagnosis(True, f"The database {as_text(connection)}")
        except SourceError as error:
            yield Diagnosis(False, f"The database {error}", f"see {told_file()}")


# The add-in


def of_addin(target: Path | None = None) -> Iterator[Diagnosis]:
    """Whether the add-in is there, of these versions, for this Python, and not blocked."""
    try:
        path = addin.place(target)
    except NotADirectoryError as error:
        yield Diagnosis(False, f"{error.filename}: {error.strerror}", "name a folder that exists")
        return
    except OSError as error:
        yield Diagnosis(None, str(error))  # not on Windows
        return
    again = f"{INSTALL} --target {target}" if target else INSTALL
    if not path.exists():
        yield Diagnosis(False, f"The add-in is not in {path.parent}", again)
        return
    if is_blocked(path):
        todo = f"right-click it, Properties, Unblock; or remove it and {again}"
        yield Diagnosis(
            False, f"{path} is marked as downloaded, so that Excel blocks its code", todo
        )
    there, here = addin.settings(path), addin.conf(sys.executable)
    if not there:
        yield Diagnosis(False, f"{path} is no add-in of kpi_xl", f"move it away and {again}")
        return
    different = [key for key in here if there.get(key) != here[key]]
    for key in different:
        what = f"{path} has {key} {there.get(key, 'missing')}; here it is {here[key]}"
        yield Diagnosis(False, what, f"close Excel and {again}")
    if not Path(there.get("Interpreter_Win", "")).exists():
        yield Diagnosis(False, f"{there.get('Interpreter_Win')} is not there any more", again)
    if not different:
        yield Diagnosis(
            True, f"The add-in is in {path.parent}, of this version and for this Python"
        )
    if path.with_name(addin.LOCK).exists():
        yield Diagnosis(True, f"Excel has it open ({addin.LOCK})")
    second = path.parent.parent.parent / "AddIns" / addin.NAME
    if target is None and second.exists():
        todo = "clear it in Excel's File > Options > Add-ins, and remove the file"
        yield Diagnosis(False, f"{second} is there too, and Excel may load both", todo)


def is_blocked(path: Path) -> bool:
    """Whether Windows has marked a file as downloaded from elsewhere."""
    try:
        mark = Path(f"{path}:Zone.Identifier").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return any(f"ZoneId={zone}" in mark.replace(" ", "") for zone in (3, 4))


# Excel's settings, in the registry


def of_excel(values: Values) -> Iterator[Diagnosis]:
    """What Excel's settings, and an administrator's, do to the add-in."""
    versions = [v for v in VERSIONS if values(rf"HKCU\{OFFICE}\{v}\Excel\Options")]
    if not versions:
        todo = "start Excel once, then try again; kpi_xl needs Excel 2010 or newer"
        yield Diagnosis(False, "Excel has left no settings: it has not been started here", todo)
        return
    yield Diagnosis(True, f"Excel {versions[0]}, {bitness(values)}")
    good = True
    for version in versions:
        for finding in of_security(values, version):
            good = False
            yield finding
    if good:
        yield Diagnosis(True, "Excel trusts its start folder, and has not disabled the add-in")


def of_security(values: Values, version: str) -> Iterator[Diagnosis]:
    """What keeps one version of Excel from running the add-in; each is something to change."""
    for root in (rf"HKCU\{POLICIES}", rf"HKLM\{POLICIES}", rf"HKCU\{OFFICE}"):
        whose = "by an administrator" if root.endswith(POLICIES) else "in its Trust Center"
        ask = (
            "ask the administrator" if root.endswith(POLICIES) else "File > Options > Trust Center"
        )
        security = values(rf"{root}\{version}\Excel\Security")
        for name, what, todo in (
            ("DisableAllAddins", "all add-ins are disabled", "Add-ins: allow them"),
            ("RequireAddinSig", "add-ins must be signed", "Add-ins: allow unsigned ones"),
        ):
            if security.get(name) == 1:
                yield Diagnosis(False, f"Excel {version}: {what}, {whose}", f"{ask}; {todo}")
        trusted = values(rf"{root}\{version}\Excel\Security\Trusted Locations")
        if trusted.get("AllLocationsDisabled") == 1:
            what = f"Excel {version}: trusted locations are disabled, {whose}"
            yield Diagnosis(False, what, f"{ask}; Trusted Locations: allow them")
        if values(rf"{root}\{version}\Common").get("vbaoff") == 1:
            yield Diagnosis(False, f"Excel {version}: VBA is switched off, {whose}", ask)
    disabled = values(rf"HKCU\{OFFICE}\{version}\Excel\Resiliency\DisabledItems")
    file = addin.NAME.encode("utf-16-le")
    for item in disabled.values():
        if isinstance(item, bytes) and file in item.lower():
            todo = "File > Options > Add-ins > Manage: Disabled Items > Go: enable kpi_xl.xlam"
            yield Diagnosis(False, f"Excel {version} has disabled the add-in after a crash", todo)


def of_dlls(values: Values, python: Path) -> Iterator[Diagnosis]:
    """The DLL between Excel and Python, of Excel's bitness: beside Python, or a folder above.

    Python's own bitness does not matter.
    """
    try:
        from xlwings import __version__ as version
    except ImportError:  # which has been told
        return
    for bits in ("64", "32"):
        name = f"xlwings{bits}-{version}.dll"
        if bitness(values) in (f"{bits} bit", UNKNOWN):
            there = [folder for folder in python.parents[:2] if (folder / name).exists()]
            what = (
                f"{there[0] / name}" if there else f"{name} is not in {python.parent} or above it"
            )
            todo = "" if there else "run pip install --force-reinstall xlwings in this Python"
            yield Diagnosis(bool(there), what, todo)


def of_defender(values: Values) -> Iterator[Diagnosis]:
    """What Microsoft Defender forbids Office, by an administrator's rules."""
    try:
        managed, *others = (values(key) for key in (MANAGED_RULES, *RULES))
    except PermissionError:
        yield Diagnosis(None, "Microsoft Defender's rules for Office: this user may not see them")
        return
    rules = str(managed.get("ASRRules", "")).split("|")
    set_rules = dict(rule.partition("=")[::2] for rule in rules if "=" in rule)
    for some in others:
        set_rules |= some
    found = {name.strip("{}").upper(): str(action) for name, action in set_rules.items()}
    blocked = [what for rule, what in DEFENDER.items() if found.get(rule) in BLOCKS]
    for what in blocked:
        yield Diagnosis(False, f"Microsoft Defender: {what}", f"ask the administrator, or {LITE}")
    if not blocked:
        yield Diagnosis(True, "Microsoft Defender forbids Office nothing that the add-in needs")


def of_store(values: Values) -> Iterator[Diagnosis]:
    """Whether Office is that of Microsoft's Store, whose Excel does not reach Python."""
    for root in ("HKCU", "HKLM"):
        path = str(values(rf"{root}\Software\Microsoft\Windows\CurrentVersion\App Paths\excel.exe"))
        if "windowsapps" in path.lower():
            todo = f"remove it, and install Office from office.com; or {LITE}"
            yield Diagnosis(
                False, "Office is that of the Microsoft Store, which Python cannot reach", todo
            )
            return


def of_add_ins(values: Values, local: Path) -> Iterator[Diagnosis]:
    """Whether Excel has a second add-in with the same functions.

    Functions of VBA beside those of an Office add-in turn the latter into others for good.
    """
    todo = "keep one of the two, not both: kpi-xl uninstall, or remove the other in Home > Add-ins"
    for version in VERSIONS:
        for name, what in values(rf"HKCU\{OFFICE}\{version}\Excel\Options").items():
            opens = name.upper().startswith("OPEN") and isinstance(what, str)
            if opens and addin.NAME in what.lower():
                again = "clear it in Excel's File > Options > Add-ins"
                yield Diagnosis(False, f"Excel {version} also opens {what} at its start", again)
        sideloaded = values(rf"HKCU\{OFFICE}\{version}\WEF\Developer")
        if any(SERVER_ADD_IN in f"{name} {what}".lower() for name, what in sideloaded.items()):
            yield Diagnosis(False, "Excel has the add-in of kpi-xl serve beside this one", todo)
        kept = local / "Microsoft" / "Office" / version / "Wef"
        if any(STORE_ADD_IN in path.name.lower() for path in kept.rglob("*")):
            yield Diagnosis(False, "Excel has the add-in xlwings Lite beside this one", todo)


def of_failure(values: Values) -> Iterator[Diagnosis]:
    """Why Python could not be used by Excel the last time, as the add-in noted it."""
    noted = values(rf"HKCU\{addin.CHOICES}\Excel")
    key = f"failure.{noted.get('Failure', '')}"
    if key in addin.MESSAGES:
        text = addin.MESSAGES[key].format(noted.get("FailureDetail", "")).strip()
        todo = f"put right what is above, then press Try again on the tab KPI; or {LITE}"
        yield Diagnosis(False, f"In Excel: {text}", todo)


def bitness(values: Values) -> str:
    """Of which bitness Office is, as far as the registry tells it."""
    platform = values(rf"HKLM\{OFFICE}\ClickToRun\Configuration").get("Platform")
    for version in VERSIONS:
        platform = platform or values(rf"HKLM\{OFFICE}\{version}\Outlook").get("Bitness")
    return {"x86": "32 bit", "x64": "64 bit"}.get(str(platform), UNKNOWN)


def registry_values(key: str) -> dict[str, Any]:
    """The values of a key of Windows' registry; none where there is no such key."""
    winreg: Any = import_module("winreg")  # which has no content for type checkers elsewhere
    root, _, path = key.partition("\\")
    hive = {"HKCU": winreg.HKEY_CURRENT_USER, "HKLM": winreg.HKEY_LOCAL_MACHINE}[root]
    found: dict[str, Any] = {}
    # A Python of 32 bits is to see what Office of 64 bits has written, and the other way round.
    for view in (winreg.KEY_WOW64_32KEY, winreg.KEY_WOW64_64KEY):
        try:
            with winreg.OpenKey(hive, path, 0, winreg.KEY_READ | view) as opened:
                for number in range(winreg.QueryInfoKey(opened)[1]):
                    name, value, _ = winreg.EnumValue(opened, number)
                    found[name] = value
        except FileNotFoundError:
            continue
    return found
