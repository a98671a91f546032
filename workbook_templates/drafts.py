"""A workbook being written as the engine reads it: what is in its cells, without any look."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from kpi_xl.ooxml.addresses import Area, area
from kpi_xl.ooxml.namespaces import MAIN
from kpi_xl.ooxml.package import ExcelTable, Formula, Package, checked
from kpi_xl.ooxml.sheet import SheetXml, escaped

TEXTS = "xl/sharedStrings.xml"


def drafted(file: Workbook) -> Package:
    """A workbook that is not closed yet: of tables and spills it has the first rows alone."""
    content = io.BytesIO()
    parts: dict[str, str] = {}
    xml: dict[str, SheetXml] = {}
    formulas: list[Formula] = []
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as package:
        for number, sheet in enumerate(file.worksheets(), 1):
            name = sheet.get_name()
            parts[name] = f"xl/worksheets/sheet{number}.xml"
            xml[name] = SheetXml("".join(sheet_xml(sheet)).encode())
            package.writestr(parts[name], xml[name].xml)
            formulas += sheet_formulas(sheet)
        package.writestr(TEXTS, "".join(texts_xml(file)))
    sheets = file.worksheets()
    return Package(
        source=content.getvalue(),
        parts=parts,
        xml=xml,
        edits={},
        tables={
            table["name"].lower(): excel_table(sheet.get_name(), table)
            for sheet in sheets
            for table in sheet.tables
        },
        names={(None, name.lower()): text for name, _, text, *_ in file.defined_names},
        formulas=tuple(formulas),
        last_rows={name: sheet.last_row for name, sheet in xml.items()},
        hidden=frozenset(),
        merged=tuple(
            Area(sheet.get_name(), *(place + 1 for place in merged))
            for sheet in sheets
            for merged in sheet.merge
        ),
        unreadable=(),
        texts_part=TEXTS,
        date1904=False,
        precision_as_shown=False,
        signed=False,
        by_excel=False,
    )


def sheet_xml(sheet: Worksheet) -> Iterator[str]:
    """A worksheet's cells."""
    yield f'<worksheet xmlns="{MAIN}"><sheetData>'
    for row in sorted({*sheet.table, *sheet.row_info}):
        yield f'<row r="{row + 1}">'
        cells = sheet.table.get(row, {})
        for column in sorted(cells):
            yield cell_xml(xl_rowcol_to_cell(row, column), cells[column])
        yield "</row>"
    yield "</sheetData></worksheet>"


def cell_xml(address: str, cell: Any) -> str:
    """A cell, as XlsxWriter keeps it."""
    kind = type(cell).__name__
    if kind == "String":
        return f'<c r="{address}" t="s"><v>{cell.string}</v></c>'
    if kind in ("Number", "Datetime"):
        return f'<c r="{address}"><v>{cell.number:.16G}</v></c>'
    if kind in ("Formula", "ArrayFormula"):
        return f'<c r="{address}"><f/></c>'
    if kind == "Boolean":
        return f'<c r="{address}" t="b"><v>{cell.boolean:d}</v></c>'
    assert kind == "Blank", kind
    return f'<c r="{address}"/>'


def sheet_formulas(sheet: Worksheet) -> Iterator[Formula]:
    """A worksheet's formulas, in the order of its cells."""
    name = sheet.get_name()
    for row in sorted(sheet.table):
        cells = sheet.table[row]
        for column in sorted(cells):
            cell = cells[column]
            kind = type(cell).__name__
            if kind not in ("Formula", "ArrayFormula"):
                continue
            at = row + 1, column + 1
            spills = kind == "ArrayFormula"
            array = Area(name, *at, *at) if spills else None
            text = checked(name, *at, cell.formula)
            yield Formula(name, *at, text, array, dynamic=spills)


def excel_table(sheet: str, table: dict[str, Any]) -> ExcelTable:
    """An Excel table."""
    columns = tuple(column["name"] for column in table["columns"])
    return ExcelTable(table["name"], area(sheet, table["range"]), columns, header=1, totals=0)


def texts_xml(file: Workbook) -> Iterator[str]:
    """The texts that cells share."""
    yield f'<sst xmlns="{MAIN}">'
    for text in file.str_table.string_table:
        yield f'<si><t xml:space="preserve">{escaped(text)}</t></si>'
    yield "</sst>"
