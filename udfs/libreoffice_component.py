"""What LibreOffice loads: the functions, and the jobs of documents, in its own Python.

It is copied into the extension as component.py, where it finds kpi_xl; nothing else imports it.
"""

import json
import os
import site
import struct
import sys
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import unohelper
from com.sun.star.lang import Locale, XServiceInfo, XServiceName
from com.sun.star.sheet import XAddIn
from com.sun.star.task import XJob, XJobExecutor
from org.kpixl import XKpi

HERE = Path(__file__).parent


def find_kpi_xl() -> None:
    """Put the environment that installed the extension on the path, or the extension's copy."""
    own = [str(path) for path in sorted((HERE / "kpis").glob("*.toml"))]
    if own:  # a company's own KPIs; those that stand in the user's settings now come before them
        os.environ["KPI_XL_KPIS_BESIDE"] = "\n".join(own)
    environment = json.loads((HERE / "environment.json").read_text(encoding="utf-8"))
    packages = [path for path in environment["packages"] if Path(path).is_dir()]
    if tuple(environment["python"]) == sys.version_info[:2] and packages:
        before = list(sys.path)
        for path in packages:
            site.addsitedir(path)
        # Ahead of the system's, whose NumPy may be another than SciPy was built for.
        sys.path[:] = [path for path in sys.path if path not in before] + before
        sys.path.insert(0, environment["home"])
        try:
            import kpi_xl.metrics  # noqa: F401
        except ImportError:
            sys.path.remove(environment["home"])
        else:
            return
    sys.path.insert(0, str(HERE / "core"))


find_kpi_xl()

from kpi_xl import cells  # noqa: E402 - the path had to be set first
from kpi_xl.errors import CellError, KpiError  # noqa: E402
from kpi_xl.hosts.libreoffice import blocks, copies, document, following  # noqa: E402
from kpi_xl.hosts.libreoffice.names import SERVICE, method  # noqa: E402
from kpi_xl.hosts.libreoffice.newer_functions import NEWER  # noqa: E402
from kpi_xl.hosts.libreoffice.sheets import SPREADSHEET  # noqa: E402
from kpi_xl.metrics import METRICS  # noqa: E402
from kpi_xl.registry import Metric  # noqa: E402
from kpi_xl.serials import DAY_0  # noqa: E402 - likewise
from kpi_xl.units import DATE, TEXT  # noqa: E402

TASK = "KPI_XL_TASK"
"""The variable that names the file with what a LibreOffice without windows is to do."""

REMEMBERED = 32  # results of tables


def reports() -> Any:
    """What the menu does: it is in the whole kpi_xl, and not in the extension's copy."""
    from kpi_xl.udfs import libreoffice

    return libreoffice


def nan(code: int) -> float:
    """The number that Calc takes for an error: not a number, with the error's code in it."""
    return float(struct.unpack("<d", struct.pack("<II", code, 0x7FF80000))[0])


ERRORS = {code: nan(number) for number, code in document.CODES.items()}


def cell(value: Any) -> Any:
    """A cell of a result as Calc takes it; it has no TRUE and FALSE in blocks."""
    if isinstance(value, CellError):
        return ERRORS.get(str(value), ERRORS["#VALUE!"])
    return float(value) if isinstance(value, bool) else value


def function(metric: Metric) -> Callable[..., Any]:
    """A metric as a method of the component."""
    one_text = metric.returns is TEXT and metric.result == "value"
    known: dict[tuple[Any, ...], Any] = {}

    def call(_: Any, *arguments: Any) -> Any:
        if metric.takes_days:
            arguments = counted_as_in_excel(metric, *arguments)
        if metric.result == "table" and arguments in known:
            blocks.note_call(method(metric.name), known[arguments])
            return known[arguments]
        given = [list(map(list, a)) if isinstance(a, tuple) else a for a in arguments]
        while given and given[-1] is None:
            given.pop()
        try:
            shown = cells.evaluate(metric, given)
        except ImportError as missing:
            print(f"{metric.name} {document.missing_package(missing)}", file=sys.stderr)
            shown = CellError("#NAME?", document.missing_package(missing))
        except Exception:  # a bug: Calc shows an error, and says nothing
            traceback.print_exc()
            raise
        if one_text:
            return ERRORS["#VALUE!"] if isinstance(shown, list) else cell(shown)
        block = shown if isinstance(shown, list) else [[shown]]
        result = tuple(tuple(map(cell, row)) for row in block)
        if len(result) > 1 or len(result[0]) > 1:
            blocks.note_call(method(metric.name), result)
        if metric.result == "table":
            known[arguments] = result
            if len(known) > REMEMBERED:
                del known[next(iter(known))]
        return result

    return call


def counted_as_in_excel(metric: Metric, document: Any, *arguments: Any) -> tuple[Any, ...]:
    """The arguments, with the dates of a document that counts days from 1904, say, as in others."""
    if document is None:  # a macro calls it, in no document
        return arguments
    first = document.getPropertyValue("NullDate")
    late = date(first.Year, first.Month, first.Day).toordinal() - DAY_0
    if not late:
        return arguments

    def day(cell: Any) -> Any:
        return cell + late if isinstance(cell, float) and cell else cell  # 0 is a blank cell

    def days(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(tuple(map(day, row)) for row in value)
        return day(value)

    return tuple(
        days(value) if argument.arg.unit is DATE else value
        for argument, value in zip(metric.arguments, arguments, strict=True)
    )


def newer(name: str) -> Callable[..., Any]:
    """A newer function of Excel's as a method of the component."""

    def call(_: Any, *arguments: Any) -> Any:
        given = list(arguments)
        while given and given[-1] is None:
            given.pop()
        try:
            block = NEWER[name][1](*given)
        except KpiError as error:
            block = [[error.shown()]]
        result = tuple(tuple(map(cell, row)) for row in block)
        blocks.note_call(name, result)
        return result

    return call


class Functions(unohelper.Base, XKpi, XAddIn, XServiceName, XServiceInfo):  # type: ignore[misc]
    """The functions; each is set below."""

    def __init__(self, context: Any) -> None:
        self.locale = Locale("en", "US", "")

    def getServiceName(self) -> str:  # noqa: N802 - LibreOffice's names
        """The name by which Calc finds the functions."""
        return SERVICE

    def getImplementationName(self) -> str:  # noqa: N802
        """The same."""
        return SERVICE

    def supportsService(self, name: str) -> bool:  # noqa: N802
        """Whether it is a service of that name."""
        return name in self.getSupportedServiceNames()

    def getSupportedServiceNames(self) -> tuple[str, ...]:  # noqa: N802
        """What it is."""
        return SERVICE, "com.sun.star.sheet.AddIn"

    def setLocale(self, locale: Any) -> None:  # noqa: N802
        """Keep the language; the help is in the configuration."""
        self.locale = locale

    def getLocale(self) -> Any:  # noqa: N802
        """The language."""
        return self.locale


for _metric in METRICS.values():
    setattr(Functions, method(_metric.name), function(_metric))
for _name in NEWER:
    setattr(Functions, _name, newer(_name))


class Opened(unohelper.Base, XJob):  # type: ignore[misc]
    """Binds a document that was opened and follows it, and gives plain names to one saved.

    What is copied from one of ours into any other is seen to. Where LibreOffice was started for a
    task, documents are left with the rows that they have.
    """

    def __init__(self, context: Any) -> None:
        self.context = context

    def execute(self, arguments: Any) -> Any:
        """Do it, or tell whether all is done; what goes wrong is told."""
        event = document.event(arguments)
        try:
            name, model = event["EventName"], event["Model"]
            if name == document.AT_REST:
                return following.at_rest(model)
            if name in document.SAVED:
                document.tidy(model)
                return None
            if name in document.OPENED:
                document.bind(model)
            if TASK in os.environ:
                return None
            if name in document.SAVING:
                following.settled(model)
            elif model.supportsService(SPREADSHEET):
                following.followed(self.context, model)
                copies.watched(self.context, model)
        except Exception:
            traceback.print_exc()
            raise
        return None


class Menu(unohelper.Base, XJobExecutor):  # type: ignore[misc]
    """Does what the menu KPI has."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def trigger(self, command: str) -> None:
        """Do one entry of it; what goes wrong is told in a window."""
        try:
            document.menu(self.context, command, reports)
        except ImportError as missing:
            document.show(self.context, f"KPI {document.missing_package(missing)}.")
        except Exception as bug:
            traceback.print_exc()
            document.show(self.context, f"This is a mistake of kpi_xl: {bug!r}")


class Task(unohelper.Base, XJob):  # type: ignore[misc]
    """Does the work for which a LibreOffice without windows was started, and ends it."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def execute(self, arguments: Any) -> None:
        """Do what the file says that KPI_XL_TASK names."""
        code = 1
        try:
            document.perform(self.context, Path(os.environ[TASK]), reports)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)  # its profile is thrown away: there is nothing to tidy up


g_ImplementationHelper = unohelper.ImplementationHelper()  # noqa: N816 - LibreOffice's name
for _class, _name, _services in (
    (Functions, SERVICE, (SERVICE, "com.sun.star.sheet.AddIn")),
    (Opened, "org.kpixl.Opened", ("org.kpixl.Opened",)),
    (Menu, "org.kpixl.Menu", ("org.kpixl.Menu",)),
    (Task, "org.kpixl.Task", ("org.kpixl.Task",)),
):
    g_ImplementationHelper.addImplementation(_class, _name, _services)
