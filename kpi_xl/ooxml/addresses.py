"""Cells and blocks of cells by their addresses."""

import re
from functools import cache
from typing import NamedTuple

from kpi_xl.units import SHEET_COLUMNS, SHEET_ROWS

LAST_ROW, LAST_COLUMN = SHEET_ROWS, SHEET_COLUMNS
CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")


class Area(NamedTuple):
    """A block of cells of a sheet, rows and columns counted from 1, both ends included."""

    sheet: str
    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        corners = (f"${column_letters(c)}${r}" for r, c in (self[1:3], self[3:5]))
        return f"{quoted(self.sheet)}!{':'.join(dict.fromkeys(corners))}"

    @property
    def address(self) -> str:
        """Without the sheet, as files have it: A1 or A1:B2."""
        corners = (f"{column_letters(c)}{r}" for r, c in (self[1:3], self[3:5]))
        return ":".join(dict.fromkeys(corners))

    def touches(self, other: "Area") -> bool:
        """Whether the two share a cell."""
        return (
            self.sheet == other.sheet
            and self.top <= other.bottom
            and other.top <= self.bottom
            and self.left <= other.right
            and other.left <= self.right
        )


def area(sheet: str, address: str) -> Area:
    """An A1 address, one cell or a block, as an area. Raises ValueError if it is none."""
    first, _, last = address.partition(":")
    corners = CELL.fullmatch(first), CELL.fullmatch(last or first)
    if not corners[0] or not corners[1]:
        raise ValueError(f"{address!r} is not an address")
    top, bottom = sorted((int(corners[0][2]), int(corners[1][2])))
    left, right = sorted((column_number(corners[0][1]), column_number(corners[1][1])))
    if not (top >= 1 and bottom <= LAST_ROW and right <= LAST_COLUMN):
        raise ValueError(f"{address!r} is outside a sheet")
    return Area(sheet, top, left, bottom, right)


@cache
def column_number(letters: str) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number


@cache
def column_letters(number: int) -> str:
    """A for 1, AA for 27."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def quoted(sheet: str) -> str:
    """A sheet's name as formulas write it, in quotes where it needs them."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z_0-9.]*", sheet) and not re.fullmatch(
        r"[A-Za-z]{1,3}\d+|[RrCc]\d*", sheet
    ):
        return sheet
    return "'" + sheet.replace("'", "''") + "'"
