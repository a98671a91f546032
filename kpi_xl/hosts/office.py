"""Office.js, the way of Excel on the web, on Mac and on Windows: JSON in, cells, JSON out.

A call says the function, its arguments as lists of rows, and the version of Excel's runtime. It is
answered as xlwings' own code answers it, without that code's work on each cell.
"""

import json
from itertools import chain
from typing import Any, NamedTuple, NoReturn

from kpi_xl import cells
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import area
from kpi_xl.registry import Metric
from kpi_xl.search import meant

MOST_BYTES = 32 * 2**20
"""The longest request: a million rows by three columns fit."""

MOST_LISTS = 4_000_000  # an empty list is two letters of a request, and 64 bytes of memory
MOST_BLANKS = 4_000_000
"""The cells that tables may have beyond the values that are sent."""

ERRORS = {
    code: {"type": "Error", "errorType": kind}
    for code, kind in {
        "#DIV/0!": "Div0",
        "#N/A": "NotAvailable",
        "#NAME?": "Name",
        "#NULL!": "Null",
        "#NUM!": "Num",
        "#REF!": "Ref",
        "#VALUE!": "Value",
    }.items()
}
"""How Excel takes an error back; before version 1.4 of its runtime it was a text."""

RUNTIMES = ("1.1", "1.2", "1.3", "1.4")
NUMBERS = {float, int, bool}
PLAIN = NUMBERS | {str, type(None)}

WORKBOOK = {"client": str, "version": str, "book": dict, "names": list, "sheets": list}
BOOK = {"name": str, "active_sheet_index": int, "selection": str}
NAME = {
    "name": str,
    "refers_to": str | None,
    "book_scope": bool,
    "sheet_index": int | None,
    "address": str | None,
}
SHEET = {"name": str, "values": list, "tables": list}
TABLE = {
    "name": str,
    "show_headers": bool,
    "show_totals": bool,
    "header_row_range_address": str | None,
    "data_body_range_address": str | None,
}
"""What a report reads of a workbook, and of which type each is."""


class RequestError(Exception):
    """A request that is not answered: the status of HTTP, and the sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class OfficeCall(NamedTuple):
    """A call of a function: its arguments as `cells` takes them, the version of the runtime."""

    metric: Metric
    arguments: list[Any]
    runtime: str


def answer(body: bytes) -> bytes:
    """What a call of a function gives. Raises RequestError."""
    return answered(asked(body))


def is_scalar(call: OfficeCall) -> bool:
    """Whether a call is of single cells, and so is answered in much less than a millisecond."""
    single = all(type(v) is not list or (len(v) == 1 and len(v[0]) == 1) for v in call.arguments)
    columns = any(argument.arg.column for argument in call.metric.arguments)
    return single and not columns and call.metric.result == "value"


def asked(body: bytes) -> OfficeCall:
    """The call that a request asks for. Raises RequestError."""
    call = parsed(body)
    name, given, runtime = (call.get(key) for key in ("func_name", "args", "runtime"))
    metric = METRICS.get(name) if isinstance(name, str) else None
    if metric is None:
        near = meant(name) if isinstance(name, str) and len(name) < 40 else ""
        raise RequestError(404, f"there is no function of this name{near}")
    if not isinstance(given, list) or len(given) > len(metric.arguments):
        raise RequestError(400, f"args is not the list of the arguments of {metric.signature}")
    if runtime not in RUNTIMES:
        raise RequestError(400, f"runtime is not one of {', '.join(RUNTIMES)}")
    names = [argument.name for argument in metric.arguments]
    blocks = [_block(value, name) for value, name in zip(given, names, strict=False)]
    return OfficeCall(metric, blocks, runtime)


def answered(call: OfficeCall) -> bytes:
    """What it gives, as JSON."""
    result = cells.evaluate(call.metric, call.arguments)
    rows = result if isinstance(result, list) else [[result]]
    if call.runtime == "1.4" and not NUMBERS.issuperset(map(type, chain.from_iterable(rows))):
        rows = [[ERRORS.get(c, c) if isinstance(c, str) else c for c in row] for row in rows]
    return json.dumps({"result": rows}, allow_nan=False, separators=(",", ":")).encode()


def parsed(body: bytes) -> dict[str, Any]:
    """The object that a request's JSON holds. Raises RequestError."""
    if body.count(b"[") + body.count(b"{") > MOST_LISTS:
        raise RequestError(413, f"the request holds more than {MOST_LISTS:,} rows")
    try:
        request = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise RequestError(400, "the request is nested too deeply") from None
    except ValueError:  # of JSON, of its encoding, or a number of thousands of digits
        raise RequestError(400, "the request is not JSON") from None
    if not isinstance(request, dict):
        raise RequestError(400, "the request is not a JSON object")
    return request


def check_workbook(request: dict[str, Any]) -> None:
    """Pass, or raise RequestError, for what is not a workbook as a report reads it."""
    _check(request, WORKBOOK, "the request")
    book, names, sheets = request["book"], request["names"], request["sheets"]
    _check(book, BOOK, "the book")
    for sheet in sheets:
        _check(sheet, SHEET, "a sheet")
        _check_cells(sheet)
    for name in names:
        _check(name, NAME, "a name")
    places = [book["active_sheet_index"], *(name["sheet_index"] or 0 for name in names)]
    if not all(0 <= place < len(sheets) for place in places):
        raise RequestError(400, "the workbook has no sheet of that number")


def _check(record: Any, kinds: dict[str, Any], what: str) -> None:
    if not isinstance(record, dict):
        raise RequestError(400, f"{what} is not as the add-in sends it")
    for key, kind in kinds.items():
        if key not in record or not isinstance(record[key], kind):
            raise RequestError(400, f"{what} has no {key} as the add-in sends it")


def _check_cells(sheet: dict[str, Any]) -> None:
    """Pass, or raise RequestError, for cells that are none, and areas that few bytes make huge."""
    rows = sheet["values"]
    if not {list}.issuperset(map(type, rows)):
        raise RequestError(400, "the values of a sheet are not a list of rows")
    if not PLAIN.issuperset(map(type, chain.from_iterable(rows))):
        raise RequestError(400, "a row of a sheet holds what is no cell")
    addresses = [sheet.get("used_range_address")]
    for table in sheet["tables"]:
        _check(table, TABLE, "a table")
        if table["show_headers"] != (table["header_row_range_address"] is not None):
            raise RequestError(400, "a table does not say where its header row is")
        addresses += [table["header_row_range_address"], table["data_body_range_address"]]
    try:
        areas = [area("", address) for address in addresses if address is not None]
    except (AttributeError, ValueError):  # no text, or another one
        raise RequestError(400, "a table or sheet has an address that is none") from None
    cells = sum((a.bottom - a.top + 1) * (a.right - a.left + 1) for a in areas)
    if cells > 2 * sum(map(len, rows)) + MOST_BLANKS:
        raise RequestError(413, f"the tables of a sheet hold more than {MOST_BLANKS:,} blank cells")


def _refuse_constant(name: str) -> NoReturn:
    raise RequestError(400, f"{name} is not JSON: a cell holds a finite number")


def _block(value: Any, name: str) -> Any:
    """An argument as `cells` takes it: None where it was left out, else a list of rows."""
    if value is None:
        return None
    rows = value if isinstance(value, list) else [[value]]
    if not {list}.issuperset(map(type, rows)):
        raise RequestError(400, f"{name} is not a list of rows")
    kinds = set(map(type, chain.from_iterable(rows)))
    if kinds <= NUMBERS:
        return rows
    if list in kinds:
        raise RequestError(400, f"a row of {name} holds a list, not a cell")
    return [[_cell(cell, name) for cell in row] for row in rows]


def _cell(cell: Any, name: str) -> Any:
    """A cell; an empty text is a blank one, and an object holds its value."""
    if type(cell) is dict:
        cell = cell.get("basicValue", cell)
        if type(cell) not in PLAIN:
            raise RequestError(400, f"a cell of {name} has no basicValue")
    return None if cell == "" else cell
