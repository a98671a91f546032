"""A person at LibreOffice Calc: types, pastes, sorts and saves, through its dispatcher.

Run by a Python that has LibreOffice's `uno`, with the folders of the extension and of a profile.
On its input it takes a list of books, each a list of steps (the methods of Person and their
arguments); on its output it gives a line a book: what each of its steps answered.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import uno
from com.sun.star.beans import NamedValue, PropertyValue

PATIENCE = 180.0  # seconds


def properties(**given: Any) -> tuple[Any, ...]:
    return tuple(PropertyValue(name, 0, value, 0) for name, value in given.items())


def named(**given: Any) -> tuple[Any, ...]:
    return tuple(NamedValue(name, value) for name, value in given.items())


class Person:
    """Somebody with one soffice of a profile of its own, and one document in front."""

    def __init__(self, bundled: str, profile: str) -> None:
        pipe = f"kpi_xl_{os.getpid()}"
        self.process = subprocess.Popen(
            ["soffice", "--headless", "--norestore", "--nologo", "--nodefault",
             f"-env:UserInstallation={Path(profile).as_uri()}",
             f"-env:BUNDLED_EXTENSIONS={Path(bundled).as_uri()}",
             f"--accept=pipe,name={pipe};urp;"],
        )  # fmt: skip
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext(
            "com.sun.star.bridge.UnoUrlResolver", local
        )
        address = f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext"
        context = None
        for _ in range(480):
            try:
                context = resolver.resolve(address)
                break
            except Exception:  # it is still starting
                time.sleep(0.25)
        manager = context.ServiceManager
        self.desktop = manager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        self.dispatcher = manager.createInstanceWithContext(
            "com.sun.star.frame.DispatchHelper", context
        )
        self.job = manager.createInstanceWithContext("org.kpixl.Opened", context)
        self.document: Any = None

    def end(self) -> None:
        with suppress(Exception):  # it breaks the connection as it ends
            self.desktop.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def do(self, command: str, **given: Any) -> None:
        frame = self.document.CurrentController.Frame
        self.dispatcher.executeDispatch(frame, f".uno:{command}", "", 0, properties(**given))

    def go(self, sheet: str, address: str) -> None:
        self.document.CurrentController.setActiveSheet(self.document.Sheets.getByName(sheet))
        self.do("GoToCell", ToPoint=address)

    # Steps

    def open(self, path: str) -> None:
        self.document = self.desktop.loadComponentFromURL(Path(path).as_uri(), "_blank", 0, ())

    def new(self) -> None:
        self.document = self.desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, ())

    def close(self) -> None:
        self.document.setModified(False)
        self.document.close(True)

    def save(self, path: str, kind: str) -> None:
        self.document.storeAsURL(Path(path).as_uri(), properties(FilterName=kind))

    def type(self, sheet: str, row: int, rows: list[list[str]]) -> None:
        for number, cells in enumerate(rows, start=row):
            for column, text in enumerate(cells):
                if text:
                    self.go(sheet, f"${letters(column)}${number}")
                    self.do("EnterString", StringName=text)

    def paste(self, sheet: str, row: int, rows: list[list[str]]) -> None:
        ours = self.document
        self.new()
        scratch = self.document
        area = scratch.Sheets.getByIndex(0).getCellRangeByPosition(
            0, 0, len(rows[0]) - 1, len(rows) - 1
        )
        area.setFormulaArray(tuple(map(tuple, rows)))
        scratch.CurrentController.select(area)
        self.do("Copy")
        self.document = ours
        self.go(sheet, f"$A${row}")
        self.do("Paste")
        scratch.setModified(False)
        scratch.close(True)

    def sort(self, sheet: str, first: int, last: int, columns: int, by: int) -> None:
        self.go(sheet, f"$A${first}:${letters(columns - 1)}${last}")
        self.do("DataSort", ByRows=True, HasHeader=False, CaseSensitive=False, NaturalSort=False,
                IncludeAttribs=True, Col1=by, Ascending1=False)  # fmt: skip

    def set(self, name: str, text: str) -> None:
        cell = self.document.NamedRanges.getByName(name).getReferredCells()
        sheet, address = cell.AbsoluteName.lstrip("$").split(".")
        self.go(sheet.strip("'"), address)
        self.do("EnterString", StringName=text)

    def undo(self) -> None:
        self.do("Undo")

    def redo(self) -> None:
        self.do("Redo")

    def insert_column(self, sheet: str, address: str) -> None:
        self.go(sheet, address)
        self.do("InsertColumnsBefore")

    def cells(self, sheet: str, address: str) -> dict[str, Any]:
        """The values of some cells, the formulas of the third column, and how each row looks."""
        cells = self.document.Sheets.getByName(sheet).getCellRangeByName(address)
        return {
            "values": cells.getDataArray(),
            "formulas": [row[2] for row in cells.getFormulaArray()],
            "looks": [
                [[cell.NumberFormat, cell.CellBackColor, cell.HoriJustify.value]
                 for cell in (cells.getCellByPosition(i, j) for i in range(cells.Columns.Count))]
                for j in range(cells.Rows.Count)
            ],
        }  # fmt: skip

    def clear(self, sheet: str, address: str) -> None:
        self.go(sheet, address)
        self.do("ClearContents")

    def copy_out(self, sheet: str) -> dict[str, Any]:
        """A sheet copied to a new document."""
        ours = self.document
        before = {one.RuntimeUID for one in self.documents()}
        self.copy_sheet(sheet, "")
        (self.document,) = (one for one in self.documents() if one.RuntimeUID not in before)
        copy = copied(self.document.Sheets.getByName(sheet), ours.Sheets.getByName(sheet))
        self.close()
        self.document = ours
        return copy

    def copy_within(self, sheet: str) -> dict[str, Any]:
        """A sheet copied within its document."""
        self.copy_sheet(sheet, self.document.Title.rpartition(".")[0])
        sheets = self.document.Sheets
        return copied(sheets.getByName(f"{sheet}_2"), sheets.getByName(sheet))

    def copy_cells(self, sheet: str) -> dict[str, Any]:
        """The cells of a sheet pasted into a new document."""
        ours = self.document
        cursor = ours.Sheets.getByName(sheet).createCursor()
        cursor.gotoEndOfUsedArea(True)
        self.go(sheet, cursor.AbsoluteName.rpartition(".")[2])
        self.do("Copy")
        self.new()
        self.go(self.document.Sheets.getByIndex(0).Name, "$A$1")
        self.do("Paste")
        copy = copied(self.document.Sheets.getByIndex(0), ours.Sheets.getByName(sheet))
        self.close()
        self.document = ours
        return copy

    def copy_sheet(self, sheet: str, document: str) -> None:
        self.document.CurrentController.setActiveSheet(self.document.Sheets.getByName(sheet))
        self.do("Move", DocName=document, Index=32767, Copy=True)

    def documents(self) -> list[Any]:
        found, every = [], self.desktop.Components.createEnumeration()
        while every.hasMoreElements():
            found.append(every.nextElement())
        return found

    def state(self) -> dict[str, Any]:
        """What the workbook shows when all has followed what was typed."""
        asked = named(EventName="IsAtRest", Model=self.document)
        environment = uno.Any("[]com.sun.star.beans.NamedValue", asked)
        until = time.monotonic() + PATIENCE
        while not self.job.execute(named(Environment=environment)):
            assert time.monotonic() < until, "it does not come to rest"
            time.sleep(0.05)
        document = self.document
        ranges = document.DatabaseRanges
        tables = {name: ranges.getByName(name).DataArea for name in ranges.ElementNames}
        return {
            "cells": {sheet.Name: shown(sheet) for sheet in document.Sheets},
            "tables": {name: (area.StartRow + 1, area.EndRow + 1) for name, area in tables.items()},
            "arrays": self._arrays(),
            "notes": self._notes(),
            "selected": document.CurrentSelection.AbsoluteName,
            "undo": len(document.UndoManager.getAllUndoActionTitles()),
            "modified": document.isModified(),
        }

    def _notes(self) -> dict[str, str]:
        """The notes of the sheet Model, by their cells."""
        sheets = self.document.Sheets
        found = sheets.getByName("Model").Annotations if sheets.hasByName("Model") else ()
        return {one.Parent.AbsoluteName.replace("$", ""): one.String for one in found}

    def _arrays(self) -> list[list[Any]]:
        """The blocks of the sheet Model: row, column, and how many of them."""
        sheets = self.document.Sheets
        if not sheets.hasByName("Model"):
            return []
        sheet, found = sheets.getByName("Model"), []
        for place in sheet.queryContentCells(16).RangeAddresses:
            row, done = place.StartRow, -1
            top = sheet.getCellRangeByPosition(place.StartColumn, row, place.EndColumn, row)
            for column, text in enumerate(top.getFormulaArray()[0], start=place.StartColumn):
                if column <= done or not text.startswith("{="):
                    continue
                cursor = sheet.createCursorByRange(sheet.getCellByPosition(column, row))
                cursor.collapseToCurrentArray()
                where = cursor.RangeAddress
                done = where.EndColumn
                size = where.EndRow - where.StartRow + 1, done - where.StartColumn + 1
                block = [where.StartRow + 1, where.StartColumn + 1, *size]
                if block not in found:
                    found.append(block)
        return found


def shown(sheet: Any) -> list[list[Any]]:
    """The values of a sheet from A1 on; an error as its number in a list."""
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(True)
    rows = [list(row) for row in cursor.getDataArray()]
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            if value is None:
                row[j] = [cursor.getCellByPosition(j, i).getError()]
    return rows


def copied(sheet: Any, original: Any) -> dict[str, Any]:
    """What a copy shows as soon as it has been seen to."""
    errors = 4  # com.sun.star.sheet.FormulaResult.ERROR
    until = time.monotonic() + PATIENCE / 9
    wanted = original.queryFormulaCells(errors).Count
    while sheet.queryFormulaCells(errors).Count != wanted and time.monotonic() < until:
        time.sleep(0.05)
    texts = [text for row in formulas(sheet) for text in row]
    return {
        "cells": shown(sheet),
        "live": any(text.startswith("=") and "#" not in text for text in texts),
        "lost": [text for text in texts if "#REF!" in text],
    }


def formulas(sheet: Any) -> Any:
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(True)
    return cursor.getFormulaArray()


def letters(column: int) -> str:
    """What a column is called, counted from 0."""
    first, last = divmod(column, 26)
    return (letters(first - 1) if first else "") + chr(ord("A") + last)


def main() -> None:
    person = Person(*sys.argv[1:3])
    try:
        for book in json.load(sys.stdin):
            answers = [getattr(person, step[0])(*step[1:]) for step in book]
            print(json.dumps(answers), flush=True)
    finally:
        person.end()


if __name__ == "__main__":
    main()
