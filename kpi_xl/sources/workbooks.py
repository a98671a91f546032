"""Excel workbooks."""

import zipfile
from pathlib import Path
from typing import Any

from kpi_xl.sources import records
from kpi_xl.sources.records import Choice, Found, Progress, Unreadable, unused
from kpi_xl.sources.values import as_text


def read_workbook(path: Path, choose: Choice, table: str | None, progress: Progress) -> Found:
    """The columns that `choose` finds in a workbook. Raises Unreadable."""
    from python_calamine import CalamineError, CalamineWorkbook

    from kpi_xl.ooxml.addresses import column_letters, quoted
    from kpi_xl.ooxml.package import NotAWorkbookError, error_cells

    if not zipfile.is_zipfile(path):
        raise Unreadable(
            "is not an .xlsx workbook, or it has a password: save it in Excel, without one"
        )
    with zipfile.ZipFile(path) as package:
        if sum(part.file_size for part in package.infolist()) > records.LARGEST_FILE:
            raise Unreadable("unpacks to more than 4 GB, which is too much to be a workbook")
    try:
        with CalamineWorkbook.from_path(path, load_tables=True) as book:
            sheet, header, cells, remarks = _chosen_cells(book, table)
            errors = error_cells(path, sheet)
    except (CalamineError, NotAWorkbookError) as error:
        raise Unreadable(f"is not a workbook that can be read ({error})") from None
    headers, top, left = header
    progress(0.5)
    places = choose(headers)
    for place in places.values():
        for (row, column), code in errors.items():
            if column == left + place and top < row <= top + len(cells):
                cells[row - top - 1][place] = code
    found = Found(headers, places, {}, top + 1, remarks + unused(headers, places))
    found.cells = {name: [row[place] for row in cells] for name, place in places.items()}
    found.address = lambda row, place: f" ({quoted(sheet)}!{column_letters(left + place)}{row})"
    progress(1.0)
    return found


def _chosen_cells(
    book: Any, wanted: str | None
) -> tuple[str, tuple[list[str], int, int], list[list[Any]], list[str]]:
    """The sheet, the header with its row and first column, the rows under it, and remarks."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    name = (wanted or "").casefold()
    for title in book.table_names or []:
        if title.casefold() == name:
            table = book.get_table_by_name(title)
            if table.start is None:
                raise Unreadable(f"has no rows of data in its table {title}")
            top, left = table.start
            headers = [header.strip() for header in table.columns]
            return table.sheet, (headers, top, left + 1), table.to_python(), []
    sheets = [s for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    shown = [s.name for s in sheets if s.visible == SheetVisibleEnum.Visible]
    fits = [s.name for s in sheets if s.name.casefold() == name] or shown[:1]
    if not fits:
        raise Unreadable("has no sheet that is shown")
    title = fits[0]
    remarks = []
    if title.casefold() != name and len(shown) > 1:
        remarks.append(f"read from the sheet {title}, the first of {len(shown)}")
    rows = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
    for top, row in enumerate(rows):
        if any(cell != "" for cell in row):
            headers = ["" if cell == "" else as_text(cell) for cell in row]
            return title, (headers, top + 1, 1), rows[top + 1 :], remarks
    raise Unreadable(f"has nothing on its sheet {title}")
