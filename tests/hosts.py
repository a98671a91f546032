"""Programs that only some machines have: tests skip without them, but not in CI."""

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
