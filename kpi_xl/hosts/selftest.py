"""The functions and reports in a real Excel: what a careful first user would try, automated.

It opens an Excel of its own through xlwings, types formulas of every family, compares what the
cells show, refreshes a report of each template, and closes Excel. No file of the user's is touched.
"""

import csv
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kpi_xl.cells import Block
from kpi_xl.hosts import addin
from kpi_xl.hosts.doctor import Diagnosis
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.package import read_package
from kpi_xl.serials import DAY_0

CLOSE = 1e-3  # some examples are rounded to four digits
SAME = 1e-9
REPORT = "please report it"
PATIENCE = 30.0  # seconds that Excel has for entering formulas, or for ending

# Formulas that must not depend on one function's example, and what Excel makes of them.
FORMULAS: tuple[tuple[str, Any], ...] = (
    ("=ERROR.TYPE(CAC(50000,0))", 2.0),  # a true #DIV/0!
    ("=ERROR.TYPE(CAC(50000,-1))", 6.0),  # a true #NUM!
    ('=IFERROR(CAC("x",1),"caught")', "caught"),
    ("=CLV(50,4,3,,0)", 600.0),
    ("=SUM(CAC({100;200;300},{50;50;100}))", 9.0),
    ("=CAC({100;200;300},{50;50;100})", [[2.0], [4.0], [3.0]]),
    ("=ERROR.TYPE(INDEX(CAC({1;2},{0;2}),1))", 2.0),  # an error inside a block
)


Data = Mapping[str, Mapping[str, Sequence[Any]]]
"""The rows of a template's tables, by table and column."""


def selftest(
    samples: Mapping[str, Callable[[], Data]],
    refresh: Callable[[Any], object],
    application: Any = None,
) -> Iterator[Diagnosis]:
    """Each thing tried, and whether Excel did it.

    `samples` make the data of templates, by the templates' names. `refresh` does what Refresh
    report does to an open workbook, without a message. `application` starts an Excel: xlwings.App.
    """
    if application is None:
        if sys.platform != "win32":
            yield Diagnosis(None, "The self-test opens Excel, which it can on Windows only")
            return
        import xlwings

        application = xlwings.App
    app = application(visible=False, add_book=False)
    process = app.pid
    try:
        app.display_alerts = False
        # An Excel that a program starts opens nothing of its start folder.
        app.books.open(str(addin.place()), read_only=True)
        yield Diagnosis(True, f"Excel {app.version} opens the add-in")
        book = app.books.add()
        yield from of_formulas(book.sheets[0])
        yield from of_help(app)
        book.close()
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for name, sample in samples.items():
                yield of_report(app, filled(name, sample(), Path(folder)), refresh)
    finally:
        app.quit()
    yield of_end(process)


def of_end(process: int, alive: Callable[[int], bool] | None = None) -> Diagnosis:
    """Whether Excel has ended: users report that one stays behind, unseen."""
    alive = alive or is_running
    end = time.monotonic() + PATIENCE
    while alive(process) and time.monotonic() < end:
        time.sleep(0.5)
    if alive(process):
        what = f"An EXCEL.EXE stays behind (process {process})"
        return Diagnosis(False, what, f"end it in the task manager; {REPORT}")
    return Diagnosis(True, "Excel has ended")


def is_running(process: int) -> bool:
    """Whether Windows has a process of that number."""
    command = ["tasklist", "/FO", "CSV", "/NH", "/FI", f"PID eq {process}"]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return f'"{process}"' in run.stdout


def of_formulas(sheet: Any) -> Iterator[Diagnosis]:
    """The example of every function, and what all of them have in common."""
    examples = [(metric.example[0], metric.example[1]) for metric in METRICS.values()]
    wrong = []
    for formula, expected in (*examples, *FORMULAS):
        shown = typed(sheet, formula, expected)
        if not alike(shown, as_block(expected), CLOSE):
            wrong.append(f"{formula} shows {brief(shown)} instead of {brief(as_block(expected))}")
    count = len(examples) + len(FORMULAS)
    what = f"{count - len(wrong)} of {count} formulas show what they should"
    yield Diagnosis(not wrong, what, "see below" if wrong else "")
    for what in wrong:
        yield Diagnosis(False, what, REPORT)


def typed(sheet: Any, formula: str, expected: Any) -> Block:
    """What a formula shows, over as many cells as it should spill to."""
    block = as_block(expected)
    sheet.clear()
    sheet.range("A1").formula2 = formula
    shown = sheet.range("A1").resize(len(block), len(block[0]))
    rows: Block = shown.options(ndim=2, err_to_str=True).value
    return rows


def of_help(app: Any) -> Iterator[Diagnosis]:
    """Whether the wizard's guard lets cells compute: Excel says that nobody is in the wizard."""
    enabled = bool(app.api.CommandBars("Standard").Controls(1).Enabled)
    if enabled:
        yield Diagnosis(True, "Outside of the function wizard, functions compute")
    else:
        what = "Excel's first button is disabled, so that every function shows #N/A"
        yield Diagnosis(False, what, f"leave the function wizard, or a cell being edited; {REPORT}")


def of_report(app: Any, path: Path, refresh: Callable[[Any], object]) -> Diagnosis:
    """Whether a template, filled from files, has the figures computed here, and keeps them."""
    name = path.stem
    book = app.books.open(str(path))
    try:
        wrong = settled(book, path)
        wrong += [f"{cell} never spills again" for cell in locked(book, path)]
        if not wrong:
            refresh(book)
            wrong = [f"after Refresh report, {what}" for what in differences(book, path)]
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            return Diagnosis(False, f"{name}: {wrong[0]}{more}", REPORT)
        return Diagnosis(True, f"{name}: every figure is as computed without Excel, also refreshed")
    finally:
        book.close()


def settled(book: Any, path: Path) -> list[str]:
    """What is different after the add-in has entered the formulas: it does when Excel is idle.

    A 0 that is none in the file comes first: it looks like a KPI.
    """
    end = time.monotonic() + PATIENCE
    while (found := differences(book, path)) and time.monotonic() < end:
        time.sleep(0.5)
    return sorted(found, key=lambda line: " shows 0.0 " not in line)


def locked(book: Any, path: Path) -> list[str]:
    """The cells that can spill in the file, and are locked arrays in what Excel would save."""
    copy = path.with_name(f"copy of {path.name}")
    book.api.SaveCopyAs(str(copy))
    before, after = (
        {(one.sheet, one.row, one.column) for one in read_package(file.read_bytes()).formulas
         if one.array is not None and one.dynamic is dynamic}
        for file, dynamic in ((path, True), (copy, False))
    )  # fmt: skip
    copy.unlink()
    return [f"{sheet}!R{row}C{column}" for sheet, row, column in sorted(before & after)]


def filled(name: str, data: Data, folder: Path) -> Path:
    """A template filled with data, through files as a user's would come."""
    command = [sys.executable, "-m", "kpi_xl", "fill", name]
    for table, columns in data.items():
        file = folder / f"{name}-{table}.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        command += ["--table", f"{table}={file}"]
    path = folder / f"{name}.xlsx"
    subprocess.run([*command, "-o", str(path)], check=True, capture_output=True, text=True)
    return path


def differences(book: Any, path: Path) -> list[str]:
    """The cells in which Excel shows something else than the file holds."""
    from python_calamine import CalamineWorkbook

    found = []
    with CalamineWorkbook.from_path(path) as cached:
        for name in cached.sheet_names:
            sheet = cached.get_sheet_by_name(name)
            rows = sheet.to_python(skip_empty_area=False)
            if not rows:
                continue
            shown = book.sheets[name].range("A1").resize(len(rows), len(rows[0]))
            cells = shown.options(ndim=2, err_to_str=True).value
            for place, (expected, row) in enumerate(zip(rows, cells, strict=True)):
                for column, (one, other) in enumerate(zip(expected, row, strict=True)):
                    if not same(other, one, SAME):
                        cell = shown[place, column].get_address(False, False)
                        found.append(f"{name}!{cell} shows {other!r} instead of {one!r}")
    return found


# Comparing


def as_block(expected: Any) -> Block:
    """A value as a block of one cell."""
    return expected if isinstance(expected, list) else [[expected]]


def alike(shown: Block, expected: Block, tolerance: float) -> bool:
    """Whether two blocks have the same shape and cells."""
    return len(shown) == len(expected) and all(
        len(one) == len(other)
        and all(same(cell, wanted, tolerance) for cell, wanted in zip(one, other, strict=True))
        for one, other in zip(shown, expected, strict=True)
    )


def same(shown: Any, expected: Any, tolerance: float) -> bool:
    """Whether two cells are the same: blank is "" as well, dates are their numbers."""
    shown, expected = plain(shown), plain(expected)
    if isinstance(shown, bool) != isinstance(expected, bool):
        return False
    numbers = (float, int)
    if isinstance(shown, numbers) and isinstance(expected, numbers):
        return math.isclose(shown, expected, rel_tol=tolerance, abs_tol=1e-12)
    return bool(shown == expected)


def plain(cell: Any) -> Any:
    """A cell as a number, a text or a truth."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        seconds = cell.hour * 3600 + cell.minute * 60 + cell.second
        return cell.toordinal() - DAY_0 + seconds / 86400
    if hasattr(cell, "toordinal"):
        return cell.toordinal() - DAY_0
    return cell


def brief(block: Block) -> str:
    """A block in a few words."""
    return repr(block[0][0] if len(block) == len(block[0]) == 1 else block)[:80]
