"""Call the functions as Excel does, without Excel: a JSON request in, a JSON answer out.

A process of its own for each host, because xlwings binds its decorators when it is imported.
"""

import asyncio
import atexit
import ctypes
import json
import os
import sys
from contextlib import redirect_stdout
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

MODULE = "kpi_xl.udfs.functions"

pywin32 = MagicMock()
excel_range = MagicMock()
excel_range.GetTypeInfo().GetTypeAttr().iid = pywin32.IID()


def com(text: str) -> dict[str, Any]:
    """xlwings' own COM server, with mocks in place of Windows and pywin32."""
    names = "pythoncom pywintypes win32api win32con win32event win32gui win32process win32timezone"
    win32com = ("client", "server", "server.dispatcher", "server.policy", "server.util")
    for name in (*names.split(), "win32com", *(f"win32com.{part}" for part in win32com)):
        sys.modules[name] = pywin32
    pywin32.TimeType = datetime
    pywin32.__file__ = "pythoncom.dll"
    with patch.multiple(ctypes, create=True, oledll=pywin32, windll=pywin32, PyDLL=pywin32):
        import xlwings as xw
        from xlwings import _xlwindows, com_server, udfs
    # It would end every Excel that it does not see, and it sees none.
    atexit.unregister(_xlwindows.cleanup)
    udfs.__pro__ = False
    xw.engines.add(xw.Engine(impl=_xlwindows.engine))
    xw.func = udfs.xlfunc
    calls = json.loads(text, object_hook=from_com)
    answers = []

    def noted(*call: Any) -> Any:
        answers.append(udfs.call_udf(*call))
        return answers[-1]

    com_server.call_udf = noted
    pywin32.server.util.unwrap.side_effect = TypeError  # nothing here is wrapped
    server = com_server.XLPython()  # to which VBA speaks
    handed = {key: server.CallUDF(MODULE, *call) for key, call in calls.items()}
    results = dict(zip(calls, answers, strict=True))
    with patch("kpi_xl.hosts.excel.with_errors", side_effect=RuntimeError("a bug")):
        try:
            bug = server.CallUDF(MODULE, "CAC", (1.0, 2.0))
        except RuntimeError as error:
            bug = f"raised: {error}"

    vba = []
    book = MagicMock()
    book.Name = "kpi.xlam"
    book.Application.Version = "16.0"
    book.VBProject.VBComponents.Import = lambda name: vba.append(Path(name).read_text())
    udfs.import_udfs(MODULE, book)
    options = book.Application.MacroOptions.call_args_list
    return {
        "results": results,
        "handed": handed,
        "bug": bug,
        "vba": vba[0],
        "help": {call.args[0].partition("!")[2]: call.kwargs for call in options},
    }


def from_com(tagged: dict[str, Any]) -> Any:
    """What JSON has no form for, as pywin32 hands it over."""
    match tagged:
        case {"decimal": text}:
            return Decimal(text)
        case {"date": text}:
            return datetime.fromisoformat(text + "+00:00")
        case {"array": rows}:
            return tuple(map(tuple, rows))
        case {"range": [[cell]]}:
            return com_range(cell, 1, 1)
        case {"range": rows}:
            return com_range(tuple(map(tuple, rows)), len(rows), len(rows[0]))
    return tagged


def com_range(value: Any, rows: int, columns: int) -> SimpleNamespace:
    """A Range object of Excel, as a reference to cells arrives."""
    return SimpleNamespace(
        _oleobj_=excel_range,
        Value=value,
        Worksheet=excel_range,
        Row=1,
        Column=1,
        Rows=SimpleNamespace(Count=rows),
        Columns=SimpleNamespace(Count=columns),
    )


def office(text: str) -> dict[str, Any]:
    """xlwings' side of Office.js: what xlwings Server runs."""
    return asyncio.run(answered(json.loads(text), import_module(MODULE)))


async def lite(text: str) -> str:
    """What xlwings Lite runs: a workbook's main.py as a module, in the Python of a browser.

    Calls of functions, and scripts over workbooks; `files` are those that were imported into it.
    `doubtful` calls are the first, of an Excel of which nothing is known.
    """
    from xlwings import server

    asked = json.loads(text)
    for path, content in asked["files"].items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(content, encoding="utf-8")
    main = ModuleType("main")
    exec(asked["main.py"], main.__dict__)
    known = os.environ.pop("KPI_XL_BLANKS")
    nulls = json.loads(json.dumps(asked.get("doubtful", {})), object_hook=null_of_pyodide)
    doubtful = (await answered(nulls, main))["results"]
    os.environ["KPI_XL_BLANKS"] = known
    answer = await answered(asked["calls"], main)
    answer["doubtful"] = doubtful
    answer["modules"] = sorted(sys.modules)
    answer["scripts"] = {
        key: await scripted(name, book, main) for key, (name, book) in asked["scripts"].items()
    }
    answer["buttons"] = [found["function_name"] for found in server.custom_scripts_meta(main)]
    return json.dumps(answer, allow_nan=False)


def null_of_pyodide(tagged: dict[str, Any]) -> Any:
    """What a blank cell of JavaScript is in Python, where it is not converted."""
    return import_module("pyodide.ffi").jsnull if tagged == {"js": "null"} else tagged


async def scripted(name: str, book: dict[str, Any], module: ModuleType) -> Any:
    """What Excel is told to do to a workbook by a script."""
    import xlwings as xw

    changed = await xw.server.custom_scripts_call(
        module=module, script_name=name, typehint_to_value={xw.Book: xw.Book(json=book)}
    )
    return changed.json()["actions"]


async def answered(calls: dict[str, Any], module: ModuleType) -> dict[str, Any]:
    """The results of calls of a module's functions, and what xlwings tells Excel of them."""
    from xlwings import __version__, server

    request = {
        "client": "Office.js",
        "version": __version__,
        "caller_address": "[Book1.xlsx]Sheet1!B2",
        "culture_info_name": "en-US",
        "date_format": "m/d/yyyy",
    }
    results = {
        key: await server.custom_functions_call(
            {**request, "func_name": name, "args": args, "runtime": runtime}, module
        )
        for key, (name, args, runtime) in calls.items()
    }
    return {"results": results, "meta": server.custom_functions_meta(module)}


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):  # xlwings prints what it has imported
        answer = {"com": com, "office": office}[sys.argv[1]](sys.stdin.read())
    # Only what JSON knows can go into a cell: no NaN, no Decimal, no integers of NumPy.
    print(json.dumps(answer, allow_nan=False))
