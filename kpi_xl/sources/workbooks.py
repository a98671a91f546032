"""Excel workbooks."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kpi_xl.locales import Message
from kpi_xl.ooxml.addresses import Area, column_letters, quoted
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.limits import opened
from kpi_xl.ooxml.package import ExcelTable, sheet_parts, table_places, untold
from kpi_xl.sources.records import Choice, Found, Progress, Unreadable, hidden, unused
from kpi_xl.sources.values import as_text


def read_workbook(path: Path, choose: Choice, table: str | None, progress: Progress) -> Found:
    """The columns that `choose` finds in a workbook. Raises Unreadable."""
    from python_calamine import CalamineError, CalamineWorkbook

    with path.open("rb") as file:  # which says why it cannot, and is_zipfile does not
        packed = zipfile.is_zipfile(file)
    if not packed:
        raise Unreadable(
            Message("is not an .xlsx workbook, or it has a password: save it in Excel, without one")
        )
    try:
        tables = table_places(path)
        with CalamineWorkbook.from_path(path, load_tables=True) as book:
            sheet, chosen, remarks = _chosen(book, table, tables)
            seen = untold(path, sheet, chosen)  # before the cells are all made
            headers, top, left, cells = _cells(book, sheet, chosen)
    except (CalamineError, NotAWorkbookError) as error:
        raise Unreadable(
            Message("is not a workbook that can be read ({reason})", reason=error)
        ) from None
    progress(0.5)
    places = choose(headers)
    for place in places.values():
        for (row, column), code in seen.errors.items():
            if column == left + place and top < row <= top + len(cells):
                cells[row - top - 1][place] = code
    remarks += [*hidden(seen.hidden, top + 1, cells), *unused(headers, places)]
    found = Found(headers, places, {}, top + 1, remarks)
    for name, place in places.items():
        found.cells[name] = column_cells = [row[place] for row in cells]
        ranges = [(a - top - 1, b - top - 1) for a, at, b, _ in seen.merged if at == left + place]
        found.merged[name] = [(a, b) for a, b in ranges if 0 <= a < b]
        found.signs[name] = {
            sign: [row - top - 1 for row in rows if top < row <= top + len(column_cells)]
            for sign, rows in seen.signs.get(left + place, {}).items()
        }
    found.address = lambda row, place: f" ({quoted(sheet)}!{column_letters(left + place)}{row})"
    progress(1.0)
    return found


FIRST_OF_SEVERAL = "read from the sheet {sheet}, the first of {number}"


class Block(NamedTuple):
    """Cells of a workbook: a sheet, and the area on it of an Excel table, without its totals."""

    sheet: str
    area: Area | None


def block_named(path: Path, name: str) -> Block | None:
    """The Excel table, or else the sheet, that a workbook has under a name."""
    try:
        table = table_places(path).get(name.lower())
        with opened(path) as package:
            sheets = list(sheet_parts(package))
    except (NotAWorkbookError, OSError):  # which whoever reads it tells
        return None
    if table:
        area = table.area
        return Block(area.sheet, area._replace(bottom=area.bottom - table.totals))
    return next((Block(one, None) for one in sheets if one.casefold() == name.casefold()), None)


def _chosen(
    book: Any, wanted: str | None, tables: Mapping[str, ExcelTable]
) -> tuple[str, ExcelTable | None, list[Message]]:
    """The sheet, the table on it if one is wanted by its name, and remarks."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    name = (wanted or "").casefold()
    for title in book.table_names or []:
        if title.casefold() == name:
            table = tables.get(title.lower())
            height = table.area.bottom - table.area.top + 1 if table else 0
            if table is None or height <= table.header + table.totals:
                raise Unreadable(Message("has no rows of data in its table {name}", name=title))
            return table.area.sheet, table, []
    sheets = [s for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    shown = [s.name for s in sheets if s.visible == SheetVisibleEnum.Visible]
    fits = [s.name for s in sheets if s.name.casefold() == name] or shown[:1]
    if not fits:
        raise Unreadable(Message("has no sheet that is shown"))
    title = fits[0]
    remarks: list[Message] = []
    if title.casefold() != name and len(shown) > 1:
        remarks.append(Message(FIRST_OF_SEVERAL, sheet=title, number=len(shown)))
    return title, None, remarks


def _cells(
    book: Any, sheet: str, chosen: ExcelTable | None
) -> tuple[list[str], int, int, list[list[Any]]]:
    """The headers with their row and first column, and the rows under them."""
    if chosen:
        table = book.get_table_by_name(chosen.name)
        if table.start is None:
            raise Unreadable(Message("has no rows of data in its table {name}", name=chosen.name))
        top, left = table.start
        return [header.strip() for header in table.columns], top, left + 1, table.to_python()
    rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    for top, row in enumerate(rows):
        if any(cell != "" for cell in row):
            headers = ["" if cell == "" else as_text(cell) for cell in row]
            return headers, top + 1, 1, rows[top + 1 :]
    raise Unreadable(Message("has nothing on its sheet {sheet}", sheet=sheet))
