"""A company's own KPIs through the table of cases: the same in every host."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from case_book import SHEET, case_book
from cases import OMITTED, answered, block, mapped, near
from hosts import program
from office_server import serving
from openpyxl import load_workbook
from own_cases import IN_CALC, OWN_CALLS, OWN_CASES, TEN, enter_ten, nothing_of_ones_own, toml
from test_excel import ON_SERVER, com_calls, office_calls, office_result, run
from test_lite import in_browser, settings

from kpi_xl import METRICS
from kpi_xl.cli.shared import cell_text
from kpi_xl.hosts.excel import function
from kpi_xl.hosts.lite import with_python
from kpi_xl.own_files import VARIABLE

EMPTY = (Path(__file__).parent.parent / "workbook_templates" / "funnel.xlsx").read_bytes()


@pytest.fixture(scope="module", autouse=True)
def defined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The ten in this process, and the variable by which others find them, without settings."""
    folder = tmp_path_factory.mktemp("own")
    file = folder / "kpis.toml"
    file.write_text(toml(TEN), encoding="utf-8")
    with nothing_of_ones_own():
        enter_ten()
        yield {VARIABLE: str(file), "XDG_CONFIG_HOME": str(folder)}


def wrong(shown: Callable[[str], Any], shows: Callable[[Any], Any] = lambda cell: cell) -> Any:
    """The cases in which something else is shown than was worked out by hand.

    `shows` is what a host makes of a text or an error.
    """

    def cell(right: Any) -> Any:
        return shows(right) if isinstance(right, str) else right

    return {
        case: shown(case)
        for case, (_, _, right) in OWN_CASES.items()
        if block(shown(case)) != mapped(cell, near(right, 1e-9))
    }


def test_each_kind_is_among_them() -> None:
    assert len(TEN) == 10
    assert {name for name, _, _ in OWN_CASES.values()} == set(TEN)


def test_the_cells_module() -> None:
    assert wrong(lambda case: answered(*OWN_CALLS[case])) == {}


def test_plain_functions() -> None:
    def shown(case: str) -> Any:
        name, given = OWN_CALLS[case]
        blocks = [None if a is OMITTED else block(a) for a in given]
        return function(METRICS[name])(*blocks)

    assert wrong(shown) == {}


def test_excel_for_windows(defined: dict[str, str]) -> None:
    answer = run("com", com_calls(OWN_CALLS), **defined)
    for kind in ("com_value", "com_reference"):
        assert wrong(lambda case, kind=kind: answer["results"][f"{kind} {case}"]) == {}  # type: ignore[misc]
    for name in TEN:
        assert f"\nFunction {name}(" in answer["vba"]
        assert answer["help"][name]["Category"] == "KPI own"


@pytest.mark.parametrize("kind", ["typed", "complete"])
def test_office(defined: dict[str, str], kind: str) -> None:
    answer = run("office", office_calls(OWN_CALLS), **ON_SERVER, KPI_XL_BLANKS="null", **defined)
    assert wrong(lambda case: answer["results"][f"{kind} {case}"], office_result) == {}
    assert {one["name"] for one in answer["meta"]["functions"]} >= set(TEN)


def test_the_server(defined: dict[str, str]) -> None:
    with serving(**defined, KPI_XL_BLANKS="null") as server:
        answers = server.results(office_calls(OWN_CALLS))
    assert wrong(lambda case: answers[f"complete {case}"], office_result) == {}


def test_a_browser_with_the_definitions_of_the_workbook(wheel: Path, tmp_path: Path) -> None:
    main = settings(with_python(EMPTY))["main.py"]
    request = {"main.py": main, "calls": office_calls(OWN_CALLS), "files": {}, "scripts": {}}
    answer = in_browser(request, wheel, tmp_path)
    assert wrong(lambda case: answer["results"][f"typed {case}"], office_result) == {}


def recalculated(defined: dict[str, str], path: Path, *options: str) -> Callable[[str], Any]:
    """What the workbook of all cases shows, once the terminal has computed it."""
    content, bands = case_book(OWN_CALLS)
    path.write_bytes(content)
    command = [sys.executable, "-m", "kpi_xl", "recalc", str(path), *options]
    done = subprocess.run(
        command, env={**os.environ, **defined}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sheet = load_workbook(io.BytesIO(path.read_bytes()), data_only=True)[SHEET]

    def shown(case: str) -> Any:
        band = bands[case]
        rows = sheet.iter_rows(band.row + 1, band.row + band.height, 1, band.width)
        return [[cell.value for cell in row] for row in rows]

    return shown


def test_a_workbook_in_the_embedded_engine(defined: dict[str, str], tmp_path: Path) -> None:
    assert wrong(recalculated(defined, tmp_path / "book.xlsx")) == {}


def test_a_workbook_in_calc(defined: dict[str, str], tmp_path: Path) -> None:
    program("soffice", "apt-get install libreoffice-calc python3-uno")
    shown = recalculated(defined, tmp_path / "book.xlsx", "--engine", "libreoffice")
    assert wrong(shown) == {case: [[cell]] for case, cell in IN_CALC.items()}


@pytest.mark.parametrize("name", TEN)
def test_the_terminal(defined: dict[str, str], name: str) -> None:
    formula, right = TEN[name]["example"]
    done = subprocess.run(
        [sys.executable, "-m", "kpi_xl", "eval", formula],
        env={**os.environ, **defined}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if isinstance(right, bool | str):
        assert done.stdout == f"{cell_text(right)}\n"
    else:
        assert float(done.stdout) == pytest.approx(right)
