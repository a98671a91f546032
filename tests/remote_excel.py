"""Excel on the web, as xlwings' remote engine sees it: a workbook as JSON, and actions back.

What Office.js does with the actions is done here to the workbook, by openpyxl.
"""

import io
import json
import re
import sys
import zipfile
from contextlib import redirect_stdout
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

EPOCH = datetime(1899, 12, 30)


def payload(content: bytes, active: str = "Start", selection: str = "A1") -> dict[str, Any]:
    """What the client sends: values of every sheet, tables and names, but no formulas."""
    from xlwings import __version__

    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    return {
        "client": "Office.js",
        "version": __version__,
        "book": {
            "name": "report.xlsx",
            "active_sheet_index": book.sheetnames.index(active),
            "selection": selection,
        },
        "names": [name(book, key, found) for key, found in book.defined_names.items()],
        "sheets": [sheet(one) for one in book],
    }


def name(book: Any, key: str, found: Any) -> dict[str, Any]:
    place = re.fullmatch(r"(?:'(.+)'|([^'\[]+))!(.+)", found.attr_text)  # some are table columns
    title = (place[1] or place[2]).replace("''", "'") if place else None
    return {
        "name": key,
        "sheet_index": book.sheetnames.index(title) if place else None,
        "address": place[3].replace("$", "") if place else None,
        "refers_to": f"={found.attr_text}",
        "book_scope": True,
        "scope_sheet_name": None,
        "scope_sheet_index": None,
    }


def sheet(one: Worksheet) -> dict[str, Any]:
    rows = [[sent(cell) for cell in row] for row in one.iter_rows(1, one.max_row, 1)]
    return {
        "name": one.title,
        "values": rows,
        "used_range_address": one.dimensions,
        "pictures": [],
        "tables": [table(one, found) for found in one.tables.values()],
    }


def sent(cell: Any) -> Any:
    if isinstance(cell.value, date):
        return f"{cell.value:%Y-%m-%dT%H:%M:%S}.000Z"
    return "" if cell.value is None else cell.value


def table(one: Worksheet, found: Any) -> dict[str, Any]:
    left, top, right, bottom = range_boundaries(found.ref)
    start, end = get_column_letter(left), get_column_letter(right)
    totals = found.totalsRowCount or 0
    return {
        "name": found.name,
        "range_address": found.ref,
        "header_row_range_address": f"{start}{top}:{end}{top}",
        "data_body_range_address": f"{start}{top + 1}:{end}{bottom - totals}",
        "total_row_range_address": f"{start}{bottom}:{end}{bottom}" if totals else None,
        "show_headers": True,
        "show_totals": bool(totals),
        "show_autofilter": found.autoFilter is not None,
    }


def applied(content: bytes, actions: list[dict[str, Any]]) -> tuple[bytes, list[str]]:
    """The workbook after the actions, and the messages that were shown."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    shown = []
    for action in actions:
        if action["func"] == "alert":
            shown.append(action["args"][0])
            continue
        one = book.worksheets[action["sheet_position"]]
        DO[action["func"]](one, action)
    return as_dynamic(saved(book)), shown


def saved(book: openpyxl.Workbook) -> bytes:
    """A workbook that was read, as openpyxl writes it.

    Rules keep the numbers of their looks: openpyxl would look for the look of each among all.
    """
    for one in book.worksheets:
        for block in one.conditional_formatting:
            for rule in block.rules:
                rule.dxf = None
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_dynamic(content: bytes) -> bytes:
    """The workbook with the mark of dynamic arrays, which openpyxl drops."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.namelist():
            xml = old.read(part)
            if part.startswith("xl/worksheets/sheet"):
                xml = re.sub(rb'<c ([^>]*)>(<f t="array")', rb'<c \1 cm="1">\2', xml)
            new.writestr(part, xml)
    return out.getvalue()


def set_values(one: Worksheet, action: dict[str, Any]) -> None:
    # Excel would write the first value into all rows that are shown.
    assert not any(found.autoFilter.filterColumn for found in one.tables.values())
    assert len(action["values"]) == action["row_count"]
    for i, row in enumerate(action["values"], start=action["start_row"] + 1):
        assert len(row) == action["column_count"]
        for j, value in enumerate(row, start=action["start_column"] + 1):
            cell = one.cell(i, j)
            cell.value = None if value == "" else value
            if isinstance(value, str) and value:
                # Excel reads other texts as if they were typed: formulas, numbers, dates.
                assert value.startswith("'"), value
                cell.value = value[1:]
                cell.data_type = "s"
            elif cell.is_date and value not in ("", None):
                cell.value = EPOCH + timedelta(days=value)


def resize_table(one: Worksheet, action: dict[str, Any]) -> None:
    index, address = action["args"]
    found = list(one.tables.values())[index]
    found.ref = found.autoFilter.ref = address.replace("$", "")


def autofill(one: Worksheet, action: dict[str, Any]) -> None:
    address, kind = action["args"]
    assert re.search("format", kind, re.IGNORECASE)
    left, top, right, bottom = range_boundaries(address.replace("$", ""))
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            source = one.cell(action["start_row"] + 1, column)
            one.cell(row, column)._style = source._style


def clear_filter(one: Worksheet, action: dict[str, Any]) -> None:
    index, field = action["args"]
    assert field is None
    list(one.tables.values())[index].autoFilter.filterColumn = []


DO = {
    "setValues": set_values,
    "resizeTable": resize_table,
    "rangeAutofill": autofill,
    "clearAutoFilterTable": clear_filter,
}


def answers(calls: list[dict[str, Any]]) -> list[Any]:
    """What each script queues for its workbook; a bug's name in place of it."""
    import asyncio
    from importlib import import_module

    import xlwings as xw
    from xlwings import server

    scripts = import_module("kpi_xl.udfs.scripts")
    found: list[Any] = []
    for call in calls:
        book = xw.Book(json=call["book"])
        given = {xw.Book: book}
        coming = server.custom_scripts_call(
            scripts, call["script"], typehint_to_value=given, args=call["arguments"]
        )
        asyncio.run(coming)
        found.append(book.json()["actions"])
    return found


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        result = answers(json.load(sys.stdin))
    print(json.dumps(result))
