"""Input tables that grow with the rows that are typed or pasted below them, as Excel's do.

Calc's database ranges do not. A table takes in the rows that stand right below it; behind a blank
row only those that are plainly data, so that a note or a sum below a table stays what it is.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any, Literal

from kpi_xl.formula_text import TOKEN
from kpi_xl.hosts.libreoffice.sheets import CONTENTS, FORMULAS, first_cell, quietly
from kpi_xl.workbook_names import SOURCES, TEMPLATE

Kind = Literal["date", "number", "text"]
"""What a column takes, as the number format of its last row has it."""

Row = Sequence[Any]
"""Cells as Calc hands them over: text, numbers, "" for a blank, None for an error."""

DATE, NUMBER = 2, 8 | 16 | 32 | 64 | 128  # com.sun.star.util.NumberFormat
LOOK = (
    "CellBackColor", "CharColor", "CharFontName", "CharHeight", "CharPosture", "CharWeight",
    "HoriJustify", "IsTextWrapped", "ParaIndent", "VertJustify",
)  # fmt: skip
"""What a new row takes over from the last one, beside its formulas and its number formats."""


def is_ours(document: Any) -> bool:
    """Whether a workbook was made from a template of kpi_xl."""
    return first_cell(document, TEMPLATE) is not None


def grow(document: Any) -> list[str]:
    """Let the input tables of a workbook take in the rows below them; the names of those that did.

    It cannot be undone, and leaves what can be undone as it was.
    """
    grown = []
    for name in input_tables(document):
        rows = rows_below(document, name)
        if rows:
            with quietly(document):
                lengthen(document, name, rows)
            grown.append(name)
    return grown


def input_tables(document: Any) -> list[str]:
    """The tables that the table Sources names: of other tables nothing is known."""
    ranges = document.DatabaseRanges
    if not ranges.hasByName(SOURCES):
        return []
    area = ranges.getByName(SOURCES).DataArea
    if area.EndRow == area.StartRow:
        return []
    sheet = document.Sheets.getByIndex(area.Sheet)
    names = sheet.getCellRangeByPosition(
        area.StartColumn, area.StartRow + 1, area.StartColumn, area.EndRow
    ).getDataArray()
    return [str(name) for (name,) in names if name != SOURCES and ranges.hasByName(str(name))]


def columns(document: Any) -> dict[str, str]:
    """The columns of the input tables by the addresses that they have; several side by side, too.

    LibreOffice's own files have formulas with these addresses alone, which grow with no table.
    """
    known = {}
    for name in input_tables(document):
        area = document.DatabaseRanges.getByName(name).DataArea
        sheet = document.Sheets.getByIndex(area.Sheet)
        header = sheet.getCellRangeByPosition(
            area.StartColumn, area.StartRow, area.EndColumn, area.StartRow
        )
        (titles,) = header.getDataArray()
        for (left, first), (right, last) in combinations_with_replacement(specified(titles), 2):
            cells = sheet.getCellRangeByPosition(
                area.StartColumn + left, area.StartRow + 1, area.StartColumn + right, area.EndRow
            )
            inside = first if left == right else f"[{first}]:[{last}]"
            known[cells.AbsoluteName] = f"{name}[{inside}]"
    return known


def specified(titles: Row) -> list[tuple[int, str]]:
    """The columns that their titles tell from the others, by place, as formulas name them.

    LibreOffice has no names for numbers, and of two that are alike it takes the first.
    """
    texts = [title.lower() if isinstance(title, str) else "" for title in titles]
    times = Counter(texts)
    return [
        (place, re.sub(r"(['\[\]#])", r"'\1", titles[place]))
        for place, text in enumerate(texts)
        if text and times[text] == 1
    ]


def named(known: Mapping[str, str]) -> Callable[[str], str]:
    """What gives formulas columns of tables for the addresses that these have.

    Texts stay, as do cells of other files, and areas that only begin or end with such an address.
    """
    addresses = "|".join(map(re.escape, known))
    cells = re.compile(rf"(?<![:#])({addresses})(?![\d:])")
    token = re.compile(f"{cells.pattern}|{TOKEN.pattern}", TOKEN.flags)

    def over_tables(formula: str) -> str:
        if not cells.search(formula):  # as in most, which need not be read
            return formula
        return token.sub(lambda found: known[found[1]] if found[1] else found[0], formula)

    return over_tables


def rows_below(document: Any, name: str) -> int:
    """How many rows below a table belong to it."""
    table = document.DatabaseRanges.getByName(name)
    area = table.DataArea
    sheet = document.Sheets.getByIndex(area.Sheet)
    if not table.ContainsHeader or table.TotalsRow or sheet.isProtected():
        return 0
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    used = cursor.RangeAddress.EndRow
    if used <= area.EndRow:
        return 0
    below = sheet.getCellRangeByPosition(area.StartColumn, area.EndRow + 1, area.EndColumn, used)
    filled = below.queryContentCells(CONTENTS).RangeAddresses
    if not filled:
        return 0
    last = max(place.EndRow for place in filled)
    below = sheet.getCellRangeByPosition(area.StartColumn, area.EndRow + 1, area.EndColumn, last)
    computed = {
        row - area.EndRow - 1
        for place in below.queryContentCells(FORMULAS).RangeAddresses
        for column in range(place.StartColumn, place.EndColumn + 1)
        if not sheet.getCellByPosition(column, area.EndRow).getFormula().startswith("=")
        for row in range(place.StartRow, place.EndRow + 1)
    }
    kinds = [
        kind_of(sheet.getCellByPosition(column, area.EndRow), document.NumberFormats)
        for column in range(area.StartColumn, area.EndColumn + 1)
    ]
    rows = ()
    if area.EndRow > area.StartRow:
        rows = sheet.getCellRangeByPosition(
            area.StartColumn, area.StartRow + 1, area.EndColumn, area.EndRow
        ).getDataArray()
    return belonging(below.getDataArray(), as_filled(kinds, rows), computed)


def kind_of(cell: Any, formats: Any) -> Kind:
    """What the number format of a cell is for."""
    key = cell.getPropertyValue("NumberFormat")
    kind = formats.getByKey(key).Type
    if kind & DATE:
        return "date"
    return "number" if kind & NUMBER and not is_standard(key, formats) else "text"


def is_standard(key: int, formats: Any) -> bool:
    """Whether a number format is one that cells have before they are given any."""
    return bool(key == formats.getStandardIndex(formats.getByKey(key).Locale))


def as_filled(kinds: Sequence[Kind], rows: Sequence[Row]) -> list[Kind]:
    """The kinds of the columns; a date that some row of the table goes without is but a number."""
    filled = [row for row in rows if any(cell != "" for cell in row)]
    return [
        "number" if kind == "date" and any(row[place] == "" for row in filled) else kind
        for place, kind in enumerate(kinds)
    ]


def belonging(rows: Sequence[Row], kinds: Sequence[Kind], computed: set[int]) -> int:
    """How many of the rows below a table belong to it.

    Right below it, all do up to the first blank one. After that they do as long as they are plainly
    data. A row with a formula of its own, such as a sum (`computed`), never does, and ends it.
    """
    belong, gap = 0, False
    for number, row in enumerate(rows):
        if not any(cell is None or cell != "" for cell in row):
            gap = True
        elif number in computed or (gap and not is_data(row, kinds)):
            break
        else:
            belong = number + 1
    return belong


def is_data(row: Row, kinds: Sequence[Kind]) -> bool:
    """Whether a row fits the columns, by its date where they have any, else by two cells at least.

    A note has one cell, a line of totals no date.
    """
    filled = [(cell, kind) for cell, kind in zip(row, kinds, strict=True) if cell != ""]
    dated = "date" not in kinds or any(
        kind == "date" and isinstance(cell, float) for cell, kind in filled
    )
    fits = all(kind == "text" or isinstance(cell, float) for cell, kind in filled)
    return dated and (fits or "date" in kinds) and len(filled) > 1


def lengthen(document: Any, name: str, rows: int) -> None:
    """Make a table so many rows longer; they look like its last one and compute what it computes.

    What stands in them stays.
    """
    table = document.DatabaseRanges.getByName(name)
    area = table.DataArea
    sheet = document.Sheets.getByIndex(area.Sheet)
    bottom = area.EndRow + rows
    for column in range(area.StartColumn, area.EndColumn + 1):
        last = sheet.getCellByPosition(column, area.EndRow)
        added = sheet.getCellRangeByPosition(column, area.EndRow + 1, column, bottom)
        if last.getFormula().startswith("="):
            _fill_down(sheet, last, added)
        added.setPropertyValues(LOOK, last.getPropertyValues(LOOK))
        for alike in added.getUniqueCellFormatRanges():
            if is_standard(alike.getPropertyValue("NumberFormat"), document.NumberFormats):
                alike.setPropertyValue("NumberFormat", last.getPropertyValue("NumberFormat"))
    area.EndRow = bottom
    table.setDataArea(area)


def _fill_down(sheet: Any, last: Any, added: Any) -> None:
    """Copy a formula into the cells below it that are blank."""
    from com.sun.star.sheet.FillDirection import TO_BOTTOM

    row, column = last.CellAddress.Row, last.CellAddress.Column
    source = sheet.getCellRangeByPosition(column, row, column, row).RangeAddress
    for place in added.queryEmptyCells().RangeAddresses:
        run = sheet.getCellRangeByPosition(column, place.StartRow, column, place.EndRow)
        sheet.copyRange(run.getCellByPosition(0, 0).CellAddress, source)
        if place.EndRow > place.StartRow:
            run.fillAuto(TO_BOTTOM, 1)
