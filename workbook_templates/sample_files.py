"""The samples that stand in files, beside which a README says where they come from."""

import csv
from collections.abc import Sequence
from datetime import date
from importlib import resources

from kpi_xl.cells import Cell


def sample_table(name: str) -> dict[str, list[Cell]]:
    """The columns of a file of samples/, by their names: days, numbers, texts, None for a blank."""
    file = resources.files(__package__).joinpath(f"samples/{name}.csv")
    header, *rows = csv.reader(file.read_text(encoding="utf-8").splitlines())
    return columns_of(header, [list(map(cell_of, row)) for row in rows])


def cell_of(text: str) -> Cell:
    """What a cell of such a file holds."""
    for kind in (int, float, date.fromisoformat):
        try:
            return kind(text)
        except ValueError:
            pass
    return text or None


def columns_of(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> dict[str, list[Cell]]:
    """Rows as columns, by name."""
    return {name: list(cells) for name, cells in zip(names, zip(*rows, strict=True), strict=True)}
