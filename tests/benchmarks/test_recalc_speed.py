"""A workbook computed anew, however Excel stored its formulas, beside LibreOffice in one run.

pytest tests/benchmarks/test_recalc_speed.py -s

CPU seconds of whole processes, so that it does not matter what else runs. Both read the file,
compute every formula and write it again.
"""

import resource
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from hosts import program
from native_fuzz import RECALCULATE
from test_kinds import filled_down

COLUMNS = [
    "A{r}*B{r}",
    "D{r}/B{r}",
    "IF(A{r}&gt;50,D{r},0)",
    "ROUND(D{r}*0.19,2)",
    "SUM(A{r}:B{r})",
]
MOST = 3.0  # times LibreOffice's CPU time


def cpu_seconds(*command: str) -> float:
    """The CPU time of a command and all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("formulas", [20_000, 100_000])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "written out"])
def test_a_column_filled_down(shared: bool, formulas: int, tmp_path: Path) -> None:
    office = program("soffice", "the peer of the benchmark")
    rows = formulas // len(COLUMNS)
    book = tmp_path / "book.xlsx"
    book.write_bytes(filled_down(rows, COLUMNS, shared=shared))
    profile = tmp_path / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(RECALCULATE, encoding="utf-8")
    convert = (office, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to")
    warm = tmp_path / "warm.csv"
    warm.write_text("1\n")
    cpu_seconds(*convert, "ods", "--outdir", str(tmp_path / "warm"), str(warm))
    theirs = cpu_seconds(*convert, "xlsx", "--outdir", str(tmp_path / "theirs"), str(book))
    ours = cpu_seconds(
        sys.executable, "-m", "kpi_xl", "recalc", str(book), "--out", str(tmp_path / "ours.xlsx")
    )
    ratio = ours / theirs
    print(f"\n{formulas:,} formulas: {ours:.1f} s, LibreOffice {theirs:.1f} s, {ratio:.2f} times")
    for path in (tmp_path / "theirs" / "book.xlsx", tmp_path / "ours.xlsx"):
        last = next(openpyxl.load_workbook(path, data_only=True).active.iter_rows(rows, rows))
        spend, customers = rows * 37 % 101 + 1, rows * 17 % 13 + 1
        assert [cell.value for cell in last][3:5] == [spend * customers, pytest.approx(spend)]
    assert ratio < MOST
