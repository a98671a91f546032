"""What every template does the same way: styles, and formulas that hold their computed values."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from kpi_xl.cells import Block, Cell
from kpi_xl.hosts.embedded import calculate
from kpi_xl.units import COUNT, DATE, RATE, Unit

# Okabe & Ito's palette, which colour-blind readers can tell apart, on quiet greys.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
WARNING = "#D55E00"
INK, MUTED, LINE, WASH, INPUT = "#1F2933", "#6B7280", "#D5DAE1", "#EFF3F8", "#FFF6DB"

Values = Mapping[tuple[str, int, int], Cell | Block]
"""The computed value of each formula, by sheet, row and column counted from 1."""


def computed(write: Callable[[io.BytesIO, Values], None]) -> tuple[bytes, Values]:
    """A workbook whose formulas hold their values, and these values.

    It is written, computed by the embedded host and written again with the values; once more
    where the values change which formulas there are, because a table needs more room.
    """
    values: Values = {}
    while True:
        file = io.BytesIO()
        write(file, values)
        result = calculate(file.getvalue())
        if result.refused:
            raise AssertionError(f"a template has formulas that are not computed: {result.refused}")
        if result.values == values:
            return file.getvalue(), values
        values = result.values


def new_workbook(file: io.BytesIO, title: str, about: str, marker: str) -> xlsxwriter.Workbook:
    """An empty workbook; the marker is how a report recognises its template."""
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False})
    book.set_properties({"title": title, "comments": about})
    book.set_custom_property("kpi_xl template", marker)
    book.set_size(2400, 1600)
    # Else Excel would compute all anew on opening, and show #NAME? where the add-in is not there.
    book.set_calc_mode("auto", 191029)
    book.calc_on_load = False
    return book


@dataclass(frozen=True)
class Styles:
    """The formats of a workbook."""

    book: xlsxwriter.Workbook

    def of(self, number_format: str = "General", **properties: Any) -> Format:
        """A format in the template's ink; equal ones are merged when the file is written."""
        look = {"font_color": INK, "num_format": number_format, "valign": "vcenter"}
        return self.book.add_format(look | properties)

    def number(self, unit: Unit, **properties: Any) -> Format:
        """A format for numbers of a unit."""
        return self.of(unit.number_format, **properties)

    def title(self) -> Format:
        """A sheet's first line."""
        return self.of(bold=True, font_size=18, font_color=BLUE)

    def lead(self, **properties: Any) -> Format:
        """The line under it, and remarks."""
        return self.of(font_color=MUTED, **properties)

    def heading(self) -> Format:
        """The line above a part of a sheet."""
        return self.of(bold=True, font_size=12, font_color=INK, bottom=1, bottom_color=LINE)

    def header(self, number_format: str = "General", **properties: Any) -> Format:
        """A column's header in a table."""
        look = {"bold": True, "bg_color": WASH, "bottom": 1, "bottom_color": LINE}
        return self.of(number_format, **(look | properties))

    def input(self, unit: Unit) -> Format:
        """A cell that is meant to be changed."""
        return self.number(unit, align="right", bg_color=INPUT, border=1, border_color=LINE)


def as_text(value: Cell, unit: Unit) -> str:
    """A value in a terminal, much as its cell shows it."""
    if isinstance(value, str):
        return value
    if unit is DATE:
        return (date(1899, 12, 30) + timedelta(days=value)).isoformat()
    digits = {COUNT: ",.0f", RATE: ".1%"}.get(unit, ",.2f")
    return f"{value:{digits}}"


def put(
    sheet: Worksheet, row: int, column: int, formula: str, style: Format, values: Values
) -> None:
    """Write a formula of one cell with its value."""
    sheet.write_formula(row, column, formula, style, values.get(_key(sheet, row, column), 0))


def put_block(
    sheet: Worksheet,
    row: int,
    column: int,
    formula: str,
    values: Values,
    header: Format,
    styles: Sequence[Format],
) -> tuple[int, int]:
    """Write a formula that spills a table, with all its values; return its rows and columns.

    The last of the columns' styles goes on for all further columns.
    """
    block = values.get(_key(sheet, row, column), [[""]])
    if not isinstance(block, list):
        block = [[block]]
    height, width = len(block), len(block[0])
    last = row + height - 1, column + width - 1
    sheet.write_dynamic_array_formula(row, column, *last, formula, header, block[0][0])
    for i, cells in enumerate(block):
        for j, cell in enumerate(cells):
            style = header if i == 0 else styles[min(j, len(styles) - 1)]
            if i == j == 0:
                continue
            if isinstance(cell, str):
                # As text: Excel would take a blank cell in a spill for 0.
                sheet.write_string(row + i, column + j, cell, style)
            else:
                sheet.write(row + i, column + j, cell, style)
    return height, width


def _key(sheet: Worksheet, row: int, column: int) -> tuple[str, int, int]:
    return sheet.get_name(), row + 1, column + 1
