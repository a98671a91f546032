"""A workbook being written as the engine reads it: what is in its cells, without any look."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from kpi_xl.engine.loading import MAIN, RELATIONS, relations_xml, types_xml
from kpi_xl.ooxml.package import Package, read_package
from kpi_xl.ooxml.sheet import escaped

from .writing import Book


def drafted(book: Book) -> Package:
    """A workbook that is not closed yet: of tables and spills it has the first rows alone."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as package:
        parts: list[tuple[str, str]] = []
        for number, sheet in enumerate(book.file.worksheets(), 1):
            tables: list[tuple[str, str]] = []
            for table in sheet.tables:
                tables.append(("table", f"tables/table{len(parts) + len(tables)}.xml"))
                package.writestr(f"xl/{tables[-1][1]}", "".join(table_xml(table)))
            parts += [*tables, ("worksheet", f"worksheets/sheet{number}.xml")]
            package.writestr(f"xl/{parts[-1][1]}", "".join(sheet_xml(sheet)))
            package.writestr(
                f"xl/worksheets/_rels/sheet{number}.xml.rels",
                relations_xml([(kind, f"../{part}") for kind, part in tables]),
            )
        parts.append(("sharedStrings", "sharedStrings.xml"))
        package.writestr("xl/sharedStrings.xml", "".join(texts_xml(book)))
        package.writestr("xl/workbook.xml", "".join(book_xml(book)))
        package.writestr("[Content_Types].xml", types_xml(parts))
        package.writestr("_rels/.rels", relations_xml([("officeDocument", "xl/workbook.xml")]))
        targets = [(kind, part) for kind, part in parts if kind != "table"]
        package.writestr("xl/_rels/workbook.xml.rels", relations_xml(targets))
    return read_package(content.getvalue())


def sheet_xml(sheet: Worksheet) -> Iterator[str]:
    """A worksheet's cells."""
    yield f'<worksheet xmlns="{MAIN}"><sheetData>'
    for row in sorted({*sheet.table, *sheet.row_info}):
        yield f'<row r="{row + 1}">'
        cells = sheet.table.get(row, {})
        for column in sorted(cells):
            yield cell_xml(xl_rowcol_to_cell(row, column), cells[column])
        yield "</row>"
    yield "</sheetData>"
    if sheet.merge:
        areas = (
            f"{xl_rowcol_to_cell(top, left)}:{xl_rowcol_to_cell(bottom, right)}"
            for top, left, bottom, right in sheet.merge
        )
        yield "<mergeCells>" + "".join(f'<mergeCell ref="{area}"/>' for area in areas)
        yield "</mergeCells>"
    yield "</worksheet>"


def cell_xml(address: str, cell: Any) -> str:
    """A cell, as XlsxWriter keeps it."""
    kind = type(cell).__name__
    if kind == "String":
        return f'<c r="{address}" t="s"><v>{cell.string}</v></c>'
    if kind in ("Number", "Datetime"):
        return f'<c r="{address}"><v>{cell.number:.16G}</v></c>'
    if kind == "Formula":
        return f'<c r="{address}"><f>{escaped(cell.formula)}</f></c>'
    if kind == "ArrayFormula":
        array = f't="array" ref="{address}"'
        return f'<c r="{address}" cm="1"><f {array}>{escaped(cell.formula)}</f></c>'
    if kind == "Boolean":
        return f'<c r="{address}" t="b"><v>{cell.boolean:d}</v></c>'
    assert kind == "Blank", kind
    return f'<c r="{address}"/>'


def table_xml(table: dict[str, Any]) -> Iterator[str]:
    """An Excel table."""
    yield f'<table xmlns="{MAIN}" displayName="{table["name"]}" ref="{table["range"]}">'
    yield "<tableColumns>"
    for column in table["columns"]:
        yield f'<tableColumn id="{column["id"]}" name="{escaped(column["name"])}"/>'
    yield "</tableColumns></table>"


def texts_xml(book: Book) -> Iterator[str]:
    """The texts that cells share."""
    yield f'<sst xmlns="{MAIN}">'
    for text in book.file.str_table.string_table:
        yield f'<si><t xml:space="preserve">{escaped(text)}</t></si>'
    yield "</sst>"


def book_xml(book: Book) -> Iterator[str]:
    """The sheets, and the names of cells."""
    yield f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
    for number, sheet in enumerate(book.file.worksheets(), 1):
        name = escaped(sheet.get_name()).replace('"', "&quot;")
        yield f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
    yield "</sheets><definedNames>"
    for name, _, formula, *_ in book.file.defined_names:
        yield f'<definedName name="{name}">{escaped(formula)}</definedName>'
    yield "</definedNames></workbook>"
