"""The cells that a workbook's file holds, by their places."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from kpi_xl.cells import Block
from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import SheetXml
from kpi_xl.ooxml.values import Stored, held, texts_of


@dataclass(frozen=True)
class StoredCells:
    """The cells of a workbook; `sheets` are the parts of its sheets by name."""

    parts: Parts
    sheets: Mapping[str, str]

    @cached_property
    def texts(self) -> list[str]:
        """The texts that cells share."""
        part = self.parts.related(self.parts.book, "sharedStrings")
        return texts_of(self.parts[part]) if part else []

    def sheet(self, name: str) -> SheetXml:
        """A sheet by its name."""
        return self.parts.sheet(self.sheets[name])

    def held(self, place: Area) -> list[list[Stored | None]]:
        """What the cells of an area hold, None for a blank."""
        width = range(place.left, place.right + 1)
        rows: list[list[Stored | None]] = [
            [None for _ in width] for _ in range(place.top, place.bottom + 1)
        ]
        for cell in self.sheet(place.sheet).block_cells(place):
            rows[cell.row - place.top][cell.column - place.left] = held(cell, lambda: self.texts)
        return rows

    def block(self, place: Area) -> Block:
        """The same as plain values: blanks None, errors their text, numbers floats."""
        return [[cell and cell[1] for cell in row] for row in self.held(place)]

    def first(self, place: Area | None) -> Stored | None:
        """What the first cell of an area holds; None where there is no such area."""
        if place is None:
            return None
        return self.held(place._replace(bottom=place.top, right=place.left))[0][0]

    def text(self, place: Area | None) -> str:
        """The text of the first cell of an area, empty where it has none."""
        found = self.first(place)
        return str(found[1]).strip() if found and found[0] == "str" else ""
