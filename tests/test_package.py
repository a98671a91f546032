"""The project as it is installed, and the documents that follow from the code."""

import os
import re
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

import generated
import pytest

import kpi_xl

ROOT = generated.ROOT
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "udfs").rglob("*.md"))


def test_generated_documents_are_up_to_date() -> None:
    again = "run python tests/generated.py"
    assert generated.REFERENCE.read_text(encoding="utf-8") == generated.reference(), again
    assert generated.STUB.read_text(encoding="utf-8") == generated.stub(), again
    assert generated.LIBREOFFICE.read_text(encoding="utf-8") == generated.libreoffice(), again


def test_the_version_is_said_once_and_has_its_changes() -> None:
    assert version("kpi-xl") == kpi_xl.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{kpi_xl.__version__}]" in changes or "## [Unreleased]" in changes


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *PAGES])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / target).exists(), target


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts' folder of a fresh environment with the built wheel in it."""
    fresh = tmp_path_factory.mktemp("fresh")
    venv.create(fresh)
    # Most of the modules that are installed are not imported here: see `run`.
    pip = [sys.executable, "-m", "pip", "--python", str(fresh), "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-compile", str(wheel)],
        check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    return fresh / ("Scripts" if os.name == "nt" else "bin")


def run(installed: Path, *command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    return subprocess.run(
        [str(installed / program), *arguments], cwd=folder, capture_output=True, encoding="utf-8"
    )


def test_the_wheel_works_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    assert run(installed, "kpi-xl", "eval", "=CAC(50000,250)", folder=tmp_path).stdout == "200\n"
    demo = run(installed, "kpi-xl", "demo", "retention", folder=tmp_path)
    assert demo.returncode == 0, demo.stderr
    (book,) = tmp_path.iterdir()
    value = run(
        installed, "python", "-m", "kpi_xl", "eval", "=RepeatRate", "--book", str(book),
        folder=tmp_path,
    )  # fmt: skip
    assert value.stdout == f"{1139 / 2357!r}\n"


def test_the_wheel_has_the_functions_for_excel(installed: Path, tmp_path: Path) -> None:
    code = "import kpi_xl.udfs.functions as f; print(f.CAC([[1.0]], [[4.0]]), f.__file__)"
    result = run(installed, "python", "-c", code, folder=tmp_path)
    assert result.stdout.startswith("0.25 ")
    assert str(installed.parent) in result.stdout


def test_the_wheel_builds_the_add_in(installed: Path, tmp_path: Path) -> None:
    for verb in ("install", "doctor", "uninstall"):
        result = run(installed, "kpi-xl", verb, "--target", str(tmp_path), folder=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []
