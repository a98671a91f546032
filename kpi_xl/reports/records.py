"""What a host reads of a workbook, and what it is to write: plain records, rows from 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

from kpi_xl.cells import Block, Cell
from kpi_xl.locales import LANGUAGES, Message, SaidError
from kpi_xl.locales.currencies import code_of
from kpi_xl.reports.phrases import phrase
from kpi_xl.schema import SCHEMAS, Input


class ReportError(SaidError):
    """What the user asked for cannot be done, with the sentence that says what to do.

    A sentence that is no `Message` is in the workbook's language already.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(cast(Message, sentence))


def inputs_of(template: str | None) -> tuple[Input, ...]:
    """The input tables of the template that a workbook's marker names. Raises ReportError."""
    if not template:
        raise ReportError(
            Message(
                "This workbook was not made from a template of kpi_xl: make one with New workbook."
            )
        )
    if template not in SCHEMAS:
        raise ReportError(
            Message(
                'This workbook was made from the template "{template}", which this version of'
                " kpi_xl does not have: pip install --upgrade kpi-xl",
                template=template,
            )
        )
    return SCHEMAS[template].inputs


class Place(NamedTuple):
    """A cell."""

    sheet: str
    row: int
    column: int


@dataclass(frozen=True)
class Table:
    """An Excel table as it is: where its header begins, its headers, its rows.

    `below` are the cells under it in its columns, as far down as the sheet has any.
    """

    name: str
    place: Place
    headers: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    below: Block
    totals: bool = False


@dataclass(frozen=True)
class OpenWorkbook:
    """A workbook as it is: the language of its template, its tables by name, its named cells.

    `folder` is where its file is, None where that is not known. `apart`: this Python can read the
    files that it names in a process of its own, as one inside Excel or LibreOffice cannot.
    `currency` is the code of that in which its amounts are, if it says one.
    """

    language: str
    folder: Path | None
    tables: Mapping[str, Table]
    named: Mapping[str, Place]
    apart: bool = False
    currency: str = ""

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:  # somebody has written into the cell
            object.__setattr__(self, "language", "en")
        object.__setattr__(self, "currency", code_of(self.currency))

    def phrase(self, text: str, /, **fields: object) -> str:
        """An English text in the workbook's language."""
        return phrase(text, self.language, **fields)


class Resized(NamedTuple):
    """A table that is to have another number of rows under its header."""

    table: str
    rows: int


class Filled(NamedTuple):
    """Cells to be written: text, floats, booleans, None for a blank; dates as serial numbers."""

    place: Place
    rows: Block


@dataclass(frozen=True)
class Change:
    """What is to be written into a workbook, and what to tell its user.

    `found` is how much was found to be wrong, `problems` the same in words, each with its place.
    `remarks` are on what was left out of the files. `refused`: nothing was loaded, and all that is
    written is what was found.
    """

    resized: tuple[Resized, ...]
    blocks: tuple[Filled, ...]
    message: str
    found: int = 0
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    refused: bool = False
