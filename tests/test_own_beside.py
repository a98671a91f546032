"""KPIs beside a workbook: read where the user has allowed its folder, after all others."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hosts import program
from openpyxl import load_workbook
from own_cases import TEN, toml
from workbooks import sheet_of

from kpi_xl.own_files import VARIABLE

ONE = {"CONTRIBUTION": TEN["CONTRIBUTION"]}
OTHER = {
    "CONTRIBUTION": TEN["CONTRIBUTION"]
    | {"formula": "revenue - 2 * cost", "example": ["=CONTRIBUTION(10,4)", 2]}
}
BOOK = sheet_of({"A1": 10, "A2": "=CONTRIBUTION(A1,3)"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a workbook, definitions, and code that nobody may run."""
    made = tmp_path / "client"
    made.mkdir()
    (made / "book.xlsx").write_bytes(BOOK)
    (made / "kpis.toml").write_text(toml(ONE), encoding="utf-8")
    (made / "kpis.py").write_text("open('ran', 'w')", encoding="utf-8")
    return made


def settings(folder: Path) -> Path:
    found = folder.parent / "settings" / "kpi_xl"
    found.mkdir(parents=True, exist_ok=True)
    return found


def allow(folder: Path, *, above: bool = False) -> None:
    text = f"folders = [{str(folder.parent if above else folder)!r}]"
    (settings(folder) / "settings.toml").write_text(text, encoding="utf-8")


def cli(folder: Path, *arguments: str, **named: str) -> subprocess.CompletedProcess[str]:
    outside = {k: v for k, v in os.environ.items() if k not in (VARIABLE, "KPI_XL_FOLDERS")}
    place = {"XDG_CONFIG_HOME": str(settings(folder).parent), "HOME": str(folder.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "kpi_xl", *arguments],
        env={**outside, **place, **named}, cwd=folder,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not (folder / "ran").exists()
    return done


def shown(path: Path) -> object:
    return load_workbook(io.BytesIO(path.read_bytes()), data_only=True).worksheets[0]["A2"].value


def test_the_commands_have_them(folder: Path) -> None:
    allow(folder)
    assert cli(folder, "eval", "=CONTRIBUTION(A1,4)", "--book", "book.xlsx").stdout == "6\n"
    done = cli(folder, "recalc", "book.xlsx")
    assert (done.returncode, done.stderr) == (0, "")
    assert shown(folder / "book.xlsx") == 7
    assert "10 - 3 = 7" in cli(folder, "explain", "book.xlsx", "A2").stdout
    assert cli(folder, "freeze", "book.xlsx", "-o", "values.xlsx").returncode == 0
    assert shown(folder / "values.xlsx") == 7
    assert cli(folder, "freeze", "book.xlsx", "--native", "-o", "live.xlsx").returncode == 0
    formula = load_workbook(folder / "live.xlsx").worksheets[0]["A2"].value
    assert isinstance(formula, str)
    assert formula.startswith("=IF(")


def test_a_folder_below_an_allowed_one_is_allowed(folder: Path) -> None:
    allow(folder, above=True)
    assert cli(folder, "recalc", "book.xlsx").returncode == 0


def test_a_new_scorecard_has_them_as_rows(folder: Path) -> None:
    revenue_less_spend = {
        "OWN_CONTRIBUTION": TEN["CONTRIBUTION"]
        | {
            "formula": "revenue - ad_spend",
            "example": ["=OWN_CONTRIBUTION(10,4)", 6],
            "arguments": {"revenue": {"unit": "MONEY"}, "ad_spend": {"unit": "MONEY"}},
        }
    }
    (folder / "kpis.toml").write_text(toml(revenue_less_spend), encoding="utf-8")
    allow(folder)
    done = cli(folder, "new", "scorecard", "-o", "s.xlsx")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / "s.xlsx") as book:
        assert any(b"OWN_CONTRIBUTION(" in book.read(name) for name in book.namelist())


def test_a_folder_that_is_not_allowed_is_told(folder: Path) -> None:
    done = cli(folder, "recalc", "book.xlsx")
    assert done.returncode == 1
    assert f"{folder / 'kpis.toml'} is not read" in done.stderr
    assert f"folders = [{str(folder)!r}]" in done.stderr
    assert shown(folder / "book.xlsx") == 0  # as the file had it


def test_a_link_to_elsewhere_is_not_followed(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere.toml"
    (folder / "kpis.toml").rename(elsewhere)
    (folder / "kpis.toml").symlink_to(elsewhere)
    allow(folder)
    assert cli(folder, "recalc", "book.xlsx").returncode == 1


def test_what_is_wrong_with_them_is_told(folder: Path) -> None:
    (folder / "kpis.toml").write_text(toml({"SUM": ONE["CONTRIBUTION"]}), encoding="utf-8")
    allow(folder)
    assert "[SUM]: SUM is a function of Excel" in cli(folder, "recalc", "book.xlsx").stderr


@pytest.mark.parametrize("first", ["settings", "variable"])
def test_another_definition_of_the_name_is_refused(folder: Path, first: str) -> None:
    allow(folder)
    file = settings(folder) / ("kpis.toml" if first == "settings" else "named.toml")
    file.write_text(toml(OTHER), encoding="utf-8")
    named = {VARIABLE: str(file)} if first == "variable" else {}
    done = cli(folder, "recalc", "book.xlsx", **named)
    assert done.returncode == 2
    assert f"[CONTRIBUTION]: {file} defines it in another way" in done.stderr
    file.write_text(toml(ONE), encoding="utf-8")  # the same one, in another file
    assert cli(folder, "recalc", "book.xlsx", **named).returncode == 0


def test_the_variable_comes_before_the_settings(folder: Path) -> None:
    (settings(folder) / "kpis.toml").write_text(toml(OTHER), encoding="utf-8")
    formula = "=CONTRIBUTION(10,4)"
    assert cli(folder, "eval", formula).stdout == "2\n"
    assert cli(folder, "eval", formula, **{VARIABLE: "kpis.toml"}).stdout == "6\n"


def test_calc_has_them(folder: Path) -> None:
    program("soffice", "apt-get install libreoffice-calc python3-uno")
    allow(folder)
    done = cli(folder, "recalc", "book.xlsx", "--engine", "libreoffice")
    assert done.returncode == 0, done.stdout + done.stderr
    assert shown(folder / "book.xlsx") == 7


def test_the_extension_takes_those_of_allowed_folders_along(folder: Path) -> None:
    allow(folder)
    assert cli(folder, "build", "calc", "-o", "kpi.oxt").returncode == 0
    with zipfile.ZipFile(folder / "kpi.oxt") as package:
        assert b"[CONTRIBUTION]" in package.read("kpis/000.toml")
        assert b" CONTRIBUTION(" in package.read("kpi_xl.idl")
