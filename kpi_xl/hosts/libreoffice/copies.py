"""Sheets and cells of a workbook of ours that were copied into another document.

A reference to a table means nothing there: Calc makes it `Orders['#REF!]`. So such a copy is given
the values that its original shows; whatever else the other document holds is left alone.
"""

import re
import traceback
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import unohelper
from com.sun.star.awt import XCallback
from com.sun.star.lang import DisposedException
from com.sun.star.util import XModifyListener

from kpi_xl.hosts.libreoffice.document import CODES
from kpi_xl.hosts.libreoffice.following import up_to_date
from kpi_xl.hosts.libreoffice.sheets import (
    FORMULAS,
    formula_blocks,
    formula_of,
    formula_runs,
    quietly,
)

LOST = "['#REF!]"
"""What Calc makes of a column of a table in a formula that comes to where the table is not."""

ERRORS = 4  # com.sun.star.sheet.FormulaResult.ERROR
KEPT = re.compile(r'"(?:[^"]|"")*"|[A-Z][A-Z0-9_.]*(?=\()')
"""What a formula keeps in another document: the texts and the functions in it."""


class Watcher(unohelper.Base, XModifyListener, XCallback):  # type: ignore[misc]
    """Looks at what has come into one document, where one of ours is open as well."""

    def __init__(self, context: Any, document: Any) -> None:
        manager = context.ServiceManager
        self.later = manager.createInstanceWithContext("com.sun.star.awt.AsyncCallback", context)
        self.document = document
        # One that has no file may have been made for the sheet that was copied into it.
        self.known = set(document.Sheets.ElementNames) if document.getURL() else set()
        self.waiting = self.closed = False

    def modified(self, event: Any) -> None:
        """The document has changed: look at it as soon as what changed it has ended."""
        if not (self.waiting or self.closed):
            self.waiting = True
            self.later.addCallback(self, None)

    def disposing(self, event: Any) -> None:
        """The document is no more."""
        self.closed = True

    def notify(self, data: Any) -> None:
        """Look at it now; what goes wrong is told, and ends the watching."""
        if self.closed:
            return
        try:
            self.look()
        except DisposedException:
            self.closed = True
        except Exception:
            self.closed = True
            traceback.print_exc()
        finally:
            self.waiting = False

    def look(self) -> None:
        """Look at the sheets that are new, and at what is chosen, as what was pasted is."""
        sheets, known = self.document.Sheets, self.known
        self.known = set(sheets.ElementNames)
        for name in self.known - known:
            copy = sheets.getByName(name)
            if is_broken(copy):
                mend(self.document, copy, self.sheets_like(name))
        chosen = self.document.CurrentSelection
        if hasattr(chosen, "RangeAddress") and is_broken(chosen):
            mend(self.document, chosen, ((one, one.CurrentSelection) for one in self.others()))

    def sheets_like(self, name: str) -> Iterator[tuple[Any, Any]]:
        """The sheets that one of this name may have been copied from, with their documents."""
        for document in (self.document, *self.others()):
            for sheet in document.Sheets:
                itself = document is self.document and sheet.Name == name
                if not itself and f"{name}_".startswith(f"{sheet.Name}_"):
                    yield document, sheet

    def others(self) -> Iterator[Any]:
        """The workbooks of ours that are open beside this document."""
        return up_to_date(besides=self.document)


def watched(context: Any, document: Any) -> None:
    """Have the copies in a document seen to."""
    watcher = Watcher(context, document)
    document.addModifyListener(watcher)
    if not document.getURL():
        watcher.modified(None)


def is_broken(cells: Any) -> bool:
    """Whether some of these cells have lost what they referred to, or show errors."""
    return bool(cells.queryFormulaCells(ERRORS).Count) or any(
        LOST in text for block in formula_blocks(cells) for text in chain(*block.getFormulaArray())
    )


def mend(document: Any, copy: Any, originals: Iterable[tuple[Any, Any]]) -> None:
    """Give a copy the values of its original, if that is found; in its own workbook, its formulas.

    Calc loses these there, too.
    """
    for home, original in originals:
        if is_copy(copy, original):
            with quietly(document):
                (enter_anew if home is document else freeze)(copy, original)
            return


def is_copy(copy: Any, original: Any) -> bool:
    """Whether the formulas of some cells are those of others, and have lost some of it."""
    if not hasattr(original, "RangeAddress") or size(copy) != size(original):
        return False
    lost = False
    for block in formula_blocks(copy):
        source = beside(original, copy, block)
        for theirs, own in zip(cells_of(block), cells_of(source), strict=True):
            if not is_formula(own[0]) or KEPT.findall(theirs[0]) != KEPT.findall(own[0]):
                return False
            lost = lost or is_lost(theirs, own)
    return lost


def is_formula(text: str) -> bool:
    """Whether it is a formula, of a block perhaps."""
    return text.startswith(("=", "{="))


def is_lost(theirs: tuple[str, Any], own: tuple[str, Any]) -> bool:
    """Whether a cell refers to nothing, or shows an error, where its original does not."""
    (text, value), (own_text, own_value) = theirs, own
    return (LOST in text and LOST not in own_text) or (value is None and own_value is not None)


def cells_of(block: Any) -> Iterator[tuple[str, Any]]:
    """The formulas and values of cells; None for an error."""
    return zip(chain(*block.getFormulaArray()), chain(*block.getDataArray()), strict=True)


def size(cells: Any) -> tuple[int, int]:
    """How many rows and columns there are."""
    return cells.Rows.Count, cells.Columns.Count


def beside(original: Any, copy: Any, block: Any) -> Any:
    """The cells of the original that became a block of its copy."""
    first, target, place = original.RangeAddress, copy.RangeAddress, block.RangeAddress
    right, down = first.StartColumn - target.StartColumn, first.StartRow - target.StartRow
    return original.Spreadsheet.getCellRangeByPosition(
        place.StartColumn + right, place.StartRow + down,
        place.EndColumn + right, place.EndRow + down,
    )  # fmt: skip


def freeze(copy: Any, original: Any) -> None:
    """Give the cells that have formulas the values of others, errors included."""
    blocks = [(block, beside(original, copy, block)) for block in formula_blocks(copy)]
    arrays = [array for array, texts in formula_runs(copy) if texts is None]
    for array in arrays:  # whose cells cannot be written one by one
        array.clearContents(FORMULAS)
    for block, source in blocks:
        values = source.getDataArray()
        block.setDataArray(tuple(tuple("" if v is None else v for v in row) for row in values))
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                if value is None:
                    error = CODES.get(source.getCellByPosition(j, i).getError(), "#VALUE!")
                    block.getCellByPosition(j, i).setFormula(f"={error}")


def enter_anew(copy: Any, original: Any) -> None:
    """Enter the formulas that have lost what they referred to as the original has them."""
    for cells, texts in formula_runs(original):
        place = cells.RangeAddress
        target = copy.getCellRangeByPosition(
            place.StartColumn, place.StartRow, place.EndColumn, place.EndRow
        )
        if texts is not None:
            target.setFormulaArray(tuple((text,) for text in texts))
        elif LOST in formula_of(target):
            target.setArrayFormula("")
            target.setArrayFormula(formula_of(cells))
