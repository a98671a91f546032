"""A workbook of all cases: a band of rows each, with a formula, and its arguments in cells."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import xlsxwriter
from cases import CALLS, ERRORS, EXAMPLES, OMITTED, answered, block
from workbooks import written

from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import Area

Call = tuple[str, list[Any]]
SHEET = "Cases"
FIRST = 60  # the column of the first argument; results are before it
MADE = {error: f"={error}" for error in ERRORS}
"""Formulas that show the errors."""


class Band(NamedTuple):
    """Where a case is, and the size of what it ought to show."""

    row: int
    height: int
    width: int


def case_book(cases: Mapping[str, Call] | None = None) -> tuple[bytes, dict[str, Band]]:
    """The workbook, and where each case is: by its name, or "typed" and its name.

    Without cases of one's own it is of all that there are.
    """
    bands: dict[str, Band] = {}

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet(SHEET)
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        row = 0
        for case, (name, given) in (cases or CALLS).items():
            references, height, column = [], 1, FIRST
            for argument in given:
                if argument is OMITTED:
                    references.append("")
                    continue
                cells = block(argument)
                for i, line in enumerate(cells):
                    for j, cell in enumerate(line):
                        write(sheet, row + i, column + j, cell, day)
                bottom, right = row + len(cells), column + len(cells[0])
                references.append(Area(SHEET, row + 1, column + 1, bottom, right).address)
                height, column = max(height, len(cells)), right + 1
            typed = {case: f"={name}({','.join(references)})"}
            if case in EXAMPLES:
                typed[f"typed {case}"] = METRICS[name].example[0]
            for key, formula in typed.items():
                shown = block(answered(name, given))
                size = len(shown), len(shown[0])
                bands[key] = Band(row, *size)
                single = METRICS[name].result == "value" and size == (1, 1)
                if single and not any(isinstance(argument, list) for argument in given):
                    sheet.write_formula(row, 0, formula)
                else:
                    area = Area(SHEET, row + 1, 1, row + size[0], size[1]).address
                    sheet.write_dynamic_array_formula(area, formula)
                row += max(height, size[0]) + 1

    return written(fill), bands


def write(sheet: Any, row: int, column: int, cell: Any, day: Any) -> None:
    """Write a cell as somebody would have typed it."""
    if cell is None:
        return
    if isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, day)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, Decimal):
        sheet.write_number(row, column, float(cell))
    elif cell in MADE:
        sheet.write_formula(row, column, MADE[cell], None, cell)
    elif cell == "":
        sheet.write_formula(row, column, '=""', None, "")
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell)
    else:
        sheet.write_number(row, column, cell)
