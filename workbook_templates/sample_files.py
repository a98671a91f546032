"""The samples that stand in files, beside which a README says where they come from."""

import csv
import re
from collections.abc import Sequence
from datetime import date
from importlib import resources

from kpi_xl.cells import Cell

NUMBER, DAY = re.compile(r"-?\d+(\.\d+)?"), re.compile(r"\d{4}-\d\d-\d\d")


def sample_table(name: str) -> dict[str, list[Cell]]:
    """The columns of a file of samples/, by their names: days, numbers, texts, None for a blank."""
    file = resources.files(__package__).joinpath(f"samples/{name}.csv")
    header, *rows = csv.reader(file.read_text(encoding="utf-8").splitlines())
    return columns_of(header, [list(map(cell_of, row)) for row in rows])


def cell_of(text: str) -> Cell:
    """What a cell of such a file holds."""
    if NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return date.fromisoformat(text) if DAY.fullmatch(text) else text or None


def columns_of(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> dict[str, list[Cell]]:
    """Rows as columns, by name."""
    return {name: list(cells) for name, cells in zip(names, zip(*rows, strict=True), strict=True)}
