"""The addresses in a formula: which cells they mean, and which of their corners move with it."""

import re
from functools import lru_cache

import formualizer

from kpi_xl.ooxml.addresses import (
    LAST_COLUMN,
    LAST_ROW,
    Area,
    area,
    column_letters,
    column_number,
)

FIXED_ADDRESS = re.compile(r"\$[A-Za-z]{1,3}\$\d{1,7}(:\$[A-Za-z]{1,3}\$\d{1,7})?")


def moved(text: str, rows: int, columns: int) -> str:
    """A formula as Excel has it so many cells below and to the right of where it is written."""
    if (rows, columns) == (0, 0):
        return text
    try:
        tokens = [token for token in formualizer.tokenize(f"={text}") if token]
    except formualizer.TokenizerError:
        return text  # which is refused when it is read

    def shifted(part: re.Match[str]) -> str:
        if part[0].startswith("$"):
            return part[0]
        if part[0].isdigit():
            return str((int(part[0]) + rows - 1) % LAST_ROW + 1)
        return column_letters((column_number(part[0]) + columns - 1) % LAST_COLUMN + 1)

    texts = []
    for token in tokens:
        sheet, mark, address = token.value.rpartition("!")
        is_place = str(token.subtype) == "Range" and address_area("", address) is not None
        moved_address = re.sub(r"\$?([A-Za-z]+|\d+)", shifted, address)
        texts.append(f"{sheet}{mark}{moved_address}" if is_place else token.value)
    return "".join(texts)


@lru_cache(maxsize=2**14)
def address_area(sheet: str, address: str) -> Area | None:
    """An address as an area, whole rows and columns included; None if it is a name."""
    try:
        return area(sheet, address)
    except ValueError:
        pass
    columns = re.fullmatch(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})", address)
    if columns:
        left, right = sorted(map(column_number, columns.groups()))
        return Area(sheet, 1, left, LAST_ROW, right)
    rows = re.fullmatch(r"\$?(\d+):\$?(\d+)", address)
    if rows:
        top, bottom = sorted(map(int, rows.groups()))
        return Area(sheet, top, 1, bottom, LAST_COLUMN)
    return None


@lru_cache(maxsize=2**14)
def fixed_place(address: str) -> Area | None:
    """An address that is fixed by dollar signs, and ends where it says; None for another one."""
    if not FIXED_ADDRESS.fullmatch(address):
        return None
    place = address_area("", address)
    return None if place and place.bottom == LAST_ROW else place


@lru_cache(maxsize=2**12)
def is_relative(token: str) -> bool:
    """Whether a token is a reference that is not fixed by dollar signs."""
    address = token.rpartition("!")[2]
    fixed = all(
        re.fullmatch(r"\$[A-Za-z]+\$\d+|\$[A-Za-z]+|\$\d+", corner) for corner in address.split(":")
    )
    return address_area("", address) is not None and not fixed


@lru_cache(maxsize=2**14)
def moving_corners(address: str) -> tuple[bool, bool, bool, bool]:
    """Which of top, left, bottom and right of an address move with its formula."""
    first, _, last = address.partition(":")
    corners = [re.fullmatch(r"(\$?)([A-Za-z]*)(\$?)(\d*)", part) for part in (first, last or first)]
    moves = []
    for corner in corners:
        assert corner
        column, letters, row, digits = corner.groups()
        row = row or (column if not letters else "")  # the dollar sign of a row alone
        moves.append((bool(digits) and not row, bool(letters) and not column))
    (top, left), (bottom, right) = moves
    one, other = (re.sub(r"\D", "", part) for part in (first, last or first))
    if one and int(one) > int(other):
        top, bottom = bottom, top
    one, other = (re.sub(r"[^A-Za-z]", "", part) for part in (first, last or first))
    if one and column_number(one) > column_number(other):
        left, right = right, left
    return top, left, bottom, right
