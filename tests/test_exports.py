"""Recognised exports: the figures that come out of vendors' files, and the refusals."""

import csv
import io
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from kpi_xl.workbook_templates import template

from kpi_xl.exports import Filling, Request, Said, known_layouts, read_files
from kpi_xl.schema import SCHEMAS
from kpi_xl.sources import SourceError

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

FILES = Path(__file__).parent / "exports"
LAYOUTS = known_layouts()


def filled(name: str, *files: Path | str, words: Said | None = None, **options: Any) -> Filling:
    """The tables of a template, filled from files."""
    tables = {table.name: table.columns for table in SCHEMAS[name].inputs}
    requests = [Request(FILES / file, "", words or Said()) for file in files]
    return read_files(requests, tables, LAYOUTS, **options)


def figures(name: str, filling: Filling) -> dict[str, Any]:
    """The named figures of the workbook that the tables make."""
    from kpi_xl.workbook_templates.parts import build

    built = build(template(name), {t: found.columns for t, found in filling.tables.items()})
    book = openpyxl.load_workbook(io.BytesIO(built.content), data_only=True)
    found: dict[str, Any] = {}
    for title, defined in book.defined_names.items():
        for sheet, area in defined.destinations:
            if ":" not in area:
                cell = book[sheet][area.replace("$", "")]
                found[title] = built.values.get((sheet, cell.row, cell.column), cell.value)
    return found


def truth() -> dict[tuple[str, str], list[tuple[str, str]]]:
    cases: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    with (FILES / "truth.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            cases[row["file"], row["template"]].append((row["name"], row["value"]))
    return cases


TRUTH = truth()


@pytest.mark.parametrize(("file", "name"), TRUTH, ids=[file for file, _ in TRUTH])
def test_figures_of_a_file_as_it_was_exported(file: str, name: str) -> None:
    wanted = TRUTH[file, name]
    if wanted[0][1] == "refused":
        with pytest.raises(SourceError):
            filled(name, file)
        return
    found = figures(name, filled(name, file))
    for figure, value in wanted:
        if "-" in value:
            serial = found[figure]
            day = date(1899, 12, 30) + timedelta(days=int(serial))
            assert day.isoformat() == value, figure
        else:
            assert found[figure] == pytest.approx(float(value)), figure
