"""Excel for Windows, as far as the scripts and the add-in need it: stand-ins for its COM objects.

xlwings' own Windows code runs over them, in a process of its own: it replaces the modules of
Windows. The add-in's VBA runs over a `Desk`, which behaves as users report of Excel:

- While a workbook opens, the button is disabled by which functions know the wizard.
- OnTime runs a procedure when Excel is idle: after the event that asked for it.
- A formula that a library has written shows #NAME? until it is entered; a formula whose function
  gives nothing shows 0.
- HasArray is true for a formula of one cell that could spill. FormulaArray makes it one that never
  spills again.
- Where Python cannot start, the DLL polls for two minutes, in which Excel does nothing.
"""

import json
import re
import sys
from contextlib import redirect_stdout
from datetime import date, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

import openpyxl
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.worksheet.formula import ArrayFormula
from vba_run import ExcelError, Project, Ref, VbaError

from kpi_xl.formula_text import calls
from kpi_xl.metrics import METRICS

EPOCH = datetime(1899, 12, 30)
MANUAL, AUTOMATIC = -4135, -4105
ERRORS = {"#NAME?": -2146826259, "#DIV/0!": -2146826281, "#N/A": -2146826246}


class RefusedError(Exception):
    """What Excel raises."""


@cache
def loaded(path: Path) -> tuple[Any, Any]:
    """A file's formulas and values, read once: nothing here changes them."""
    return openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)


@cache
def ours_in(formula: str) -> tuple[str, ...]:
    """The functions of ours that a formula calls."""
    return tuple(call.name for call in calls(formula, METRICS))


class Book:
    """A workbook of Excel, its cells from a file."""

    Date1904 = False

    old = False
    IsAddin = False
    UpdateLinks = 1  # as the user's settings have it

    def __init__(self, path: Path, application: "Application | None" = None) -> None:
        book, values = loaded(path)
        self.Name, self.Path, self.source = path.name, str(path.parent), path
        self.FullName, self.Saved, self.links = str(path), True, []
        self.CustomDocumentProperties = [
            SimpleNamespace(Name=one.name) for one in book.custom_doc_props.props
        ]
        self.Application = application or Application(self)
        self.sheets = [Sheet(self, one, values[one.title]) for one in book]
        self.Worksheets = Items(self.sheets)
        self.names = {key: found.attr_text for key, found in book.defined_names.items()}
        self.written = 0
        self.fails_at = 0

    def Names(self, key: str) -> Any:
        if key not in self.names:
            error = pywin32.com_error()
            error.hresult = -2147352567
            raise error
        found = MagicMock()
        found.RefersTo = "=" + self.names[key]
        found.RefersToRange = self.reference(self.names[key])
        return found

    def reference(self, text: str) -> "Range":
        sheet, _, address = text.rpartition("!")
        name = sheet.strip("'").replace("''", "'")
        one = next(one for one in self.sheets if one.Name == name)
        return one.Range(address)

    def SaveCopyAs(self, path: str) -> None:
        Path(path).write_bytes(self.source.read_bytes())

    def LinkSources(self, kind: int) -> tuple[str, ...] | None:
        assert kind == 1  # to workbooks
        return tuple(self.links) or None

    def ChangeLink(self, old: str, new: str, kind: int) -> None:
        assert kind == 1
        if any(sheet.ProtectContents for sheet in self.sheets):
            raise VbaError(1004, "The sheet is protected")
        self.links[self.links.index(old)] = new
        for sheet in self.sheets:
            sheet.bound |= set(sheet.formulas)
            for place in sheet.formulas:
                sheet.dirty.add(place)


class Application:
    """Excel itself; what a script changes of it is noted."""

    def __init__(self, book: Book) -> None:
        self.ScreenUpdating, self.Calculation, self.StatusBar = True, AUTOMATIC, False
        self.ActiveWorkbook, self.Hwnd, self.noted, self.computed = book, 1, [], 0
        self.Workbooks = Workbooks([book])
        self.Workbooks.Application = self
        self.ActiveCell: Any = None
        self.Selection: Any = None
        self.ActiveSheet: Any = None
        self.AutoCorrect = SimpleNamespace(AutoFillFormulasInLists=True)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("ScreenUpdating", "Calculation") and "noted" in vars(self):
            self.noted.append((name, value))
        object.__setattr__(self, name, value)

    def Calculate(self) -> None:
        self.computed += 1

    def entered(self, sheet: "Sheet", place: tuple[int, int]) -> None:
        """What happens to a formula that is entered: here it has no value from then on."""

    def compute(self, sheet: "Sheet", place: tuple[int, int]) -> None:
        """A cell that is computed: here it keeps its value."""


class Items(list[Any]):
    """A collection, by number from 1 or by name."""

    @property
    def Count(self) -> int:
        return len(self)

    def __call__(self, key: int | str) -> Any:
        if isinstance(key, int):
            return self[key - 1]
        for one in self:
            if one.Name == key:
                return one
        raise VbaError(9, "Subscript out of range")

    Item = __call__


class Workbooks(Items):
    """The open workbooks."""

    Application: "Application"

    def Add(self, path: str) -> None:
        book = Book(Path(path))
        book.old = self[0].old
        self.append(book)
        self.Application.ActiveWorkbook = book


class Sheet:
    ProtectContents = FilterMode = False

    def __init__(self, book: Book, sheet: Any, values: Any) -> None:
        self.Name, self.Parent, self.Application = sheet.title, book, book.Application
        self.formulas: dict[tuple[int, int], Any] = {}
        self.values: dict[tuple[int, int], Any] = {}
        self.arrays: dict[
            tuple[int, int], tuple[int, int, int, int]
        ] = {}  # what may spill, to where
        self.bound: set[tuple[int, int]] = set()  # formulas whose functions Excel has found
        self.dirty: set[tuple[int, int]] = set()
        self.locked: set[tuple[int, int]] = set()  # entered as arrays, which never spill
        self.stored: dict[tuple[int, int], Any] = {}  # the values of formulas in the file
        self.looks = {(c.row, c.column): c.number_format for row in sheet.iter_rows() for c in row}
        for row in sheet.iter_rows():
            for cell in row:
                held = cell.value.text if isinstance(cell.value, ArrayFormula) else cell.value
                place = cell.row, cell.column
                if isinstance(cell.value, ArrayFormula):
                    self.arrays[place] = range_boundaries(cell.value.ref)
                if cell.data_type == "f" or isinstance(cell.value, ArrayFormula):
                    self.formulas[place] = held
                value = values.cell(*place).value
                if value is not None:
                    self.values[place] = value
        self.ListObjects = Items([Table(self, one) for one in sheet.tables.values()])

    def Cells(self, row: int, column: int) -> "Range":
        return Range(self, row, column, row, column)

    def Range(self, first: Any, last: Any = None) -> "Range":
        if isinstance(first, str):
            left, top, right, bottom = range_boundaries(first.replace("$", ""))
            return Range(self, top, left, bottom, right)
        last = last or first
        return Range(self, first.top, first.left, last.bottom, last.right)

    @property
    def UsedRange(self) -> "Range":
        places = [*self.values, *self.formulas] or [(1, 1)]
        return Range(self, 1, 1, max(r for r, _ in places), max(c for _, c in places))

    def Activate(self) -> None:
        self.Application.noted.append(("Activate", self.Name))

    def Evaluate(self, text: str) -> Any:
        if row := re.fullmatch(r"\{([\d,]+)\}", text):
            return tuple(map(float, row[1].split(",")))  # a single row comes flat
        if other := re.fullmatch(r"\[(.+)\](.+)", text):
            return self.Application.Workbooks(other[1]).reference(other[2])
        if re.fullmatch(r"('[^']+'|\w+)!\$?[A-Z]+\$?\d+", text):
            return self.Parent.reference(text)
        if text in self.Parent.names:
            return self.Parent.reference(self.Parent.names[text])
        return -2146826259  # #NAME?


class Table:
    ShowHeaders, ShowTotals, ShowAutoFilter = True, False, True

    def __init__(self, sheet: Sheet, table: Any) -> None:
        self.Name, self.Parent = table.name, sheet
        self.AutoFilter = SimpleNamespace(FilterMode=False)
        self.place = range_boundaries(table.ref)

    @property
    def HeaderRowRange(self) -> "Range":
        left, top, right, _ = self.place
        return Range(self.Parent, top, left, top, right)

    @property
    def DataBodyRange(self) -> "Range":
        left, top, right, bottom = self.place
        return Range(self.Parent, top + 1, left, bottom, right)

    def Resize(self, area: "Range") -> None:
        assert area.top == self.place[1]
        self.place = area.left, area.top, area.right, area.bottom


class Range:
    """A block of cells. A text that is written is read as if it were typed."""

    def __init__(self, sheet: Sheet, top: int, left: int, bottom: int, right: int) -> None:
        self.Worksheet, self.Row, self.Column = sheet, top, left
        self.top, self.left, self.bottom, self.right = top, left, bottom, right
        self.Application = sheet.Application
        self.Rows = SimpleNamespace(Count=bottom - top + 1)
        self.Columns = SimpleNamespace(Count=right - left + 1)
        self.Count = self.Rows.Count * self.Columns.Count

    @property
    def Address(self) -> "Address":
        one = f"${get_column_letter(self.left)}${self.top}"
        other = f"${get_column_letter(self.right)}${self.bottom}"
        shown = Address(one if one == other else f"{one}:{other}")
        shown.sheet = self.Worksheet
        return shown

    def GetAddress(self, *options: Any) -> str:
        return self.Address

    def __call__(self, row: int, column: int) -> "Range":
        return self.Worksheet.Cells(self.top + row - 1, self.left + column - 1)

    @property
    def places(self) -> list[list[tuple[int, int]]]:
        columns = range(self.left, self.right + 1)
        return [[(r, c) for c in columns] for r in range(self.top, self.bottom + 1)]

    def shown(self, cell: Any) -> Any:
        rows = tuple(tuple(map(cell, row)) for row in self.places)
        return rows if len(rows) > 1 or len(rows[0]) > 1 else rows[0][0]

    @property
    def Value(self) -> Any:
        found = self.Worksheet.values.get
        return self.shown(lambda place: ERRORS.get(found(place), found(place)))

    @property
    def Value2(self) -> Any:
        def number(place: tuple[int, int]) -> Any:
            value = self.Worksheet.values.get(place)
            if isinstance(value, datetime):
                return (value - EPOCH) / timedelta(days=1)
            return ERRORS.get(value, value)

        return self.shown(number)

    @property
    def Formula(self) -> Any:
        def text(place: tuple[int, int]) -> Any:
            value = self.Worksheet.values.get(place)
            if isinstance(value, datetime):
                value = (value - EPOCH) / timedelta(days=1)
            return self.Worksheet.formulas.get(place, "" if value is None else value)

        return self.shown(text)

    @property
    def Formula2(self) -> Any:
        assert not self.HasSpill or isinstance(self.Application, Desk)
        return self.Formula

    @property
    def HasSpill(self) -> bool:
        if self.Worksheet.Parent.old:
            wrong = "Excel 2019 has neither HasSpill nor Formula2"
            raise (
                VbaError(438, wrong)
                if isinstance(self.Application, Desk)
                else AttributeError(wrong)
            )
        return self._spill is not None and self._spill[1] != self._spill[0]

    @property
    def _spill(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """The first and the last cell of the array in which this cell is.

        Only over a Desk, and in Excel 2019, where each is one of Ctrl+Shift+Enter.
        """
        if not isinstance(self.Application, Desk) and not self.Worksheet.Parent.old:
            return None
        for left, top, right, bottom in self.Worksheet.arrays.values():
            if top <= self.top <= bottom and left <= self.left <= right:
                return (top, left), (bottom, right)
        return None

    @property
    def SpillParent(self) -> "Range":
        assert self._spill is not None
        return self.Worksheet.Cells(*self._spill[0])

    @property
    def HasArray(self) -> bool:
        return self._spill is not None

    @property
    def CurrentArray(self) -> "Range":
        assert self._spill is not None
        (top, left), (bottom, right) = self._spill
        return Range(self.Worksheet, top, left, bottom, right)

    @property
    def FormulaArray(self) -> Any:
        return self.Formula

    @property
    def Areas(self) -> Any:
        return SimpleNamespace(Count=1)

    def Cells(self, row: int, column: int) -> "Range":
        return self(row, column)

    def each(self) -> Any:
        for row in self.places:
            for place in row:
                yield self.Worksheet.Cells(*place)

    def SpecialCells(self, kind: int, values: int) -> "Union":
        assert kind == -4123  # formulas
        found = [
            place
            for place in self.Worksheet.formulas
            if values == 23 or isinstance(self.Worksheet.values.get(place), ExcelError)
        ]
        if not found:
            raise VbaError(1004, "No cells were found.")
        return Union([self.Worksheet.Cells(*place) for place in found])

    def Calculate(self) -> None:
        for row in self.places:
            for place in row:
                self.Application.compute(self.Worksheet, place)

    @property
    def HasFormula(self) -> bool | None:
        has = {place in self.Worksheet.formulas for row in self.places for place in row}
        return has.pop() if len(has) == 1 else None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("Value", "Formula", "Formula2", "FormulaArray"):
            object.__setattr__(self, name, value)
            return
        book = self.Worksheet.Parent
        desk = isinstance(self.Application, Desk)
        if desk and self.Worksheet.ProtectContents:
            raise VbaError(1004, "The cell is protected")
        if name == "FormulaArray":
            if len(value) > 255:
                wrong = "Unable to set the FormulaArray property of the Range class"
                raise VbaError(1004, wrong) if desk else RefusedError(wrong)
            self.Worksheet.locked.add((self.top, self.left))
            book.written += 1
            self.type((self.top, self.left), value)
            return
        if name == "Formula" and book.old:
            self.leave_arrays(value)
        assert name != "Formula2" or desk or not self.HasSpill
        book.written += 1
        if book.written == book.fails_at:
            raise RefusedError("Excel is busy")
        rows = value if isinstance(value, tuple | list) else [[value] * self.Columns.Count]
        for places, cells in zip(self.places, rows, strict=True):
            for place, cell in zip(places, cells, strict=True):
                self.type(place, cell)

    def leave_arrays(self, value: Any) -> None:
        """What is not entered as an array is none any more; a part of one cannot be."""
        for place, (left, top, right, bottom) in list(self.Worksheet.arrays.items()):
            if top <= self.top <= bottom and left <= self.left <= right:
                if (top, left) != (bottom, right):
                    raise RefusedError("You can't change part of an array.")
                del self.Worksheet.arrays[place]

    def type(self, place: tuple[int, int], cell: Any) -> None:
        self.Worksheet.values.pop(place, None)
        self.Worksheet.formulas.pop(place, None)
        if cell in (None, ""):
            return
        if isinstance(cell, str) and cell[0] in "=+-@":
            self.Worksheet.formulas[place] = cell
            self.Application.entered(self.Worksheet, place)
        elif isinstance(cell, str):
            text = cell.removeprefix("'")
            assert cell.startswith("'") or not re.match(r"[\d.]", text), cell
            self.Worksheet.values[place] = text
        elif "yy" in self.Worksheet.looks.get(place, "") and isinstance(cell, float):
            self.Worksheet.values[place] = EPOCH + timedelta(days=cell)
        else:
            self.Worksheet.values[place] = cell

    def AutoFill(self, Destination: "Range", Type: int) -> None:
        assert Type == 3  # formats
        for row in Destination.places:
            for place in row:
                self.Worksheet.looks[place] = self.Worksheet.looks[self.top, place[1]]

    def Copy(self) -> None:
        self.Worksheet.Parent.copied = self

    def PasteSpecial(self, kind: int) -> None:
        assert kind == -4122
        source = self.Worksheet.Parent.copied
        for row in self.places:
            for place in row:
                look = source.Worksheet.looks.get((source.top, place[1]), "General")
                self.Worksheet.looks[place] = look

    def Select(self) -> None:
        self.Application.noted.append(("Select", self.Address))


class Address(str):
    """$B$2, or as it is asked for."""

    sheet: Sheet

    def __call__(self, *absolute: bool, External: bool = False) -> str:
        if External:
            return f"[{self.sheet.Parent.Name}]{self.sheet.Name}!{self}"
        return self.replace("$", "") if absolute == (False, False) else str(self)


class Union:
    """Cells that are not side by side."""

    def __init__(self, cells: list[Range]) -> None:
        self.cells = cells

    def each(self) -> Any:
        return iter(self.cells)


# Excel with the add-in


class Desk(Application):
    """Excel with the add-in's VBA, over which workbooks are opened.

    `python`: nothing where Python starts, or "broken". What our functions compute is
    what the file holds: shown is what the add-in makes of it.
    """

    def __init__(self, addin: Path, modules: dict[str, str], python: str) -> None:
        object.__setattr__(self, "noted", [])
        self.opening, self.waited, self.asked, self.calls, self.python = False, 0.0, 0, 0, python
        self.ScreenUpdating, self.EnableEvents, self.Calculation = True, True, AUTOMATIC
        self.StatusBar: Any = False
        self.AutoCorrect = SimpleNamespace(AutoFillFormulasInLists=True)
        self.appointments: list[tuple[float, str]] = []
        self.saved: dict[str, str] = {}
        self.told: list[str] = []
        self.Caller: Any = None
        self.fails: dict[str, VbaError] = {}  # what Python raises, by function
        self.LanguageSettings = SimpleNamespace(LanguageID=lambda which: 1033)
        self.Workbooks = Items()
        self.ActiveWorkbook = self.ActiveCell = None
        book = Book(addin, self)
        book.IsAddin = True
        book.Name, book.FullName = "kpi_xl.xlam", r"C:\XLSTART\kpi_xl.xlam"
        outside = {
            "Application": self, "ThisWorkbook": book, "Workbooks": self.Workbooks,
            "ActiveWorkbook": None, "ActiveCell": None,
            "GetSetting": lambda app, section, key: self.saved.get(key, ""),
            "SaveSetting": lambda app, section, key, value: self.saved.update({key: value}),
            "DeleteSetting": lambda app, section, key: self.deleted(key),
            "CreateObject": lambda kind: SimpleNamespace(Popup=self.popup),
            "LoadLibrary": lambda path: 1,
            "XLPyDLLActivateAuto": self.activated,
        }  # fmt: skip
        self.activated.__func__.takes_references = True  # type: ignore[attr-defined]
        native = {
            "CallsKpi": lambda formula: "(" in formula and bool(ours_in(formula)),
            "WithoutSigns": lambda formula: formula,  # the library writes none
        }
        self.project = Project(modules, outside, native)
        self.project.call("StartAddin")
        self.idle()

    # What the add-in asks of Excel

    def select(self, cell: Range) -> None:
        self.ActiveCell, self.ActiveWorkbook = cell, cell.Worksheet.Parent
        self.project.outside |= {"activecell": cell, "activeworkbook": self.ActiveWorkbook}

    def deleted(self, key: str) -> None:
        if key not in self.saved:
            raise VbaError(5, "Invalid procedure call or argument")
        del self.saved[key]

    def popup(self, message: str, *options: Any) -> int:
        self.told.append(message)
        return 1

    def CommandBars(self, name: str) -> Any:
        assert name == "Standard"
        button = SimpleNamespace(Enabled=not self.opening)
        return SimpleNamespace(Controls=lambda number: button)

    def OnTime(self, when: float, procedure: str) -> None:
        if self.Caller is not None:
            raise VbaError(1004, "Excel takes no appointments from a cell")
        self.appointments.append((when, procedure.rpartition("!")[2]))

    def MacroOptions(self, **options: Any) -> None:
        raise VbaError(1004, "Cannot edit a macro on a hidden workbook.")

    def activated(self, result: Ref, command: str, mode: int) -> int:
        """The DLL: it starts Python, or polls for it 1,200 times 100 ms, on Excel's thread."""
        self.asked += 1
        if self.python == "broken":
            self.waited += 120
            result.value = "Could not activate Python COM server\r\nCommand: cmd.exe"
            return -2147221164
        result.value = SimpleNamespace(
            CallUDF=self.answered, Exec=lambda command: None, Module=lambda name: None,
            SetAttr=lambda *given: None,
        )  # fmt: skip
        return 0

    def answered(self, module: str, name: str, values: Any, book: Any, caller: Any) -> Any:
        self.calls += 1
        if name in self.fails:
            raise self.fails[name]
        return 1.0

    def entered(self, sheet: Sheet, place: tuple[int, int]) -> None:
        sheet.bound.add(place)
        if self.path not in sheet.Parent.links and ours_in(sheet.formulas[place]):
            sheet.Parent.links.append(self.path)
        self.compute(sheet, place)

    @property
    def path(self) -> str:
        return r"C:\XLSTART\kpi_xl.xlam"

    def Calculate(self) -> None:
        for book in self.Workbooks:
            for sheet in book.sheets:
                for place in list(sheet.dirty):
                    self.compute(sheet, place)

    def CalculateFull(self) -> None:
        for book in self.Workbooks:
            for sheet in book.sheets:
                for place in sheet.formulas:
                    self.compute(sheet, place)

    # What happens in Excel

    def compute(self, sheet: Sheet, place: tuple[int, int]) -> None:
        """A cell: what the file holds, where every function of ours in it has answered."""
        sheet.dirty.discard(place)
        names = ours_in(sheet.formulas.get(place, ""))
        if names and place not in sheet.bound:
            sheet.values[place] = ExcelError(2029)
            return
        if not names:
            return
        before, self.Caller = self.Caller, sheet.Cells(*place)
        shown = sheet.stored.get(place)
        for name in names:
            answer = self.project.call(name, *[1.0] * METRICS[name].required)
            if answer is None:
                shown = 0.0  # a function of VBA's that was not assigned
            elif answer != 1.0:
                shown = answer
        self.Caller = before
        sheet.values[place] = shown

    def open(self, path: Path, *, entered: bool = False, links: tuple[str, ...] = ()) -> Book:
        """A workbook that a library has written; with `entered`, one that Excel has saved."""
        self.opening = True
        book = Book(path, self)
        book.links = list(links) or ([self.path] if entered else [])
        self.Workbooks.append(book)
        for sheet in book.sheets:
            sheet.stored = dict(sheet.values)
            if entered and not links:
                sheet.bound = set(sheet.formulas)
            for place in sheet.formulas:
                self.compute(sheet, place)
        self.project.fire("WorkbookOpen", book)
        self.opening = False
        self.idle()
        return book

    def idle(self) -> None:
        """Excel has nothing to do: it keeps the appointments that are due."""
        due = [name for when, name in self.appointments if when == 0.0]
        self.appointments = [one for one in self.appointments if one[0] > 0.0]
        for name in due:
            self.project.call(name)


def state(book: Book) -> Any:
    """All that a workbook holds but the values of formulas, as JSON has it."""
    return {
        one.Name: {
            "cells": {
                f"{r},{c}": text(value)
                for (r, c), value in sorted(one.values.items())
                if (r, c) not in one.formulas
            },
            "formulas": {f"{r},{c}": formula for (r, c), formula in sorted(one.formulas.items())},
            "looks": {f"{r},{c}": k for (r, c), k in sorted(one.looks.items()) if k != "General"},
            "tables": {table.Name: table.place for table in one.ListObjects},
        }
        for one in book.sheets
    }


def text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def played(play: dict[str, Any]) -> dict[str, Any]:
    """A script run over a workbook: what it told, what the workbook is before and after."""
    import xlwings as xw
    from xlwings import _xlwindows

    scripts = import_module("kpi_xl.udfs.scripts")
    com = Book(Path(play["book"]))
    app = com.Application
    for change in play.get("changes", []):
        sheet = next(one for one in com.sheets if one.Name == change[0])
        place = tuple(change[1])
        if change[2] == "formula":
            sheet.formulas[place], sheet.values[place] = change[3], change[4]
        else:
            sheet.values[place] = change[3]
    active = com.reference(play.get("active", "Start!A1"))
    app.ActiveCell = app.Selection = active
    app.ActiveSheet = com.ActiveSheet = active.Worksheet
    for sheet in com.sheets:
        sheet.ProtectContents = sheet.Name == play.get("protected")
        sheet.FilterMode = sheet.Name == play.get("filtered")
        for table in sheet.ListObjects:
            table.AutoFilter.FilterMode = table.Name == play.get("filtered_table")
    com.fails_at = play.get("fails_at", 0)
    com.old = play.get("old", False)
    app.Workbooks.extend(Book(Path(path)) for path in play.get("beside", []))
    before = state(com)
    told: list[str] = []
    pywin32.MessageBox = lambda hwnd, prompt, title, style: told.append(prompt) or 1
    book = xw.Book(impl=_xlwindows.Book(xl=com))
    failure = ""
    caller = patch.object(xw.Book, "caller", lambda: book)
    excel = patch.object(scripts, "_excel", lambda: book.app)
    try:
        with caller, excel:
            scripts.run(play["script"], *play.get("arguments", []))
    except RefusedError as error:
        failure = str(error)
    com = app.ActiveWorkbook  # a new one, perhaps
    return {
        "told": told, "failure": failure, "before": before, "after": state(com),
        "written": com.written, "noted": app.noted, "computed": app.computed,
        "now": [app.ScreenUpdating, app.Calculation, app.StatusBar],
        "grows": app.AutoCorrect.AutoFillFormulasInLists,
        "arrays": {one.Name: sorted(one.arrays) for one in com.sheets if one.arrays},
        "locked": {one.Name: sorted(one.locked) for one in com.sheets if one.locked},
    }  # fmt: skip


pywin32 = MagicMock()


def install() -> None:
    """xlwings with stand-ins for the modules of Windows."""
    import atexit
    import ctypes

    names = "pythoncom pywintypes win32api win32con win32event win32gui win32process win32timezone"
    parts = ("client", "server", "server.dispatcher", "server.policy", "server.util")
    for name in (*names.split(), "win32com", *(f"win32com.{part}" for part in parts)):
        sys.modules[name] = pywin32
    pywin32.TimeType = datetime
    pywin32.com_error = type("com_error", (Exception,), {"hresult": 0})
    pywin32.__file__ = "pythoncom.dll"
    for constant in ("MB_OK", "MB_ICONINFORMATION", "MB_ICONWARNING"):
        setattr(pywin32, constant, 0)
    with patch.multiple(ctypes, create=True, oledll=pywin32, windll=pywin32, PyDLL=pywin32):
        import xlwings as xw
        from xlwings import _xlwindows
    atexit.unregister(_xlwindows.cleanup)
    xw.engines.add(xw.Engine(impl=_xlwindows.engine))


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        install()
        result = [played(one) for one in json.load(sys.stdin)]
    print(json.dumps(result))
