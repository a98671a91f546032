"""What is printed of a workbook, and in which look."""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import xlsxwriter
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import build
from workbooks import edited, part, sheet_of, written

from kpi_xl.cli.formulas import chosen_look, of_report
from kpi_xl.cli.shared import Misuse
from kpi_xl.ooxml.package import read_package
from kpi_xl.reports.commands import answer, freeze_for_sharing, freeze_with_formulas
from kpi_xl.reports.freezing import frozen
from kpi_xl.reports.layout import LANGUAGE, TEMPLATE
from kpi_xl.reports.printing import (
    FIRST_AND_LAST,
    PERIODS,
    Cover,
    LookError,
    checked_colour,
    coloured,
    cover,
    luminance,
)

BOOK = "xl/workbook.xml"
WORKBOOKS = Path(__file__).parent.parent / "workbook_templates"


@pytest.fixture(scope="module")
def filled() -> bytes:
    data, about = template("funnel").sample()
    few = {name: {c: cells[:60] for c, cells in table.items()} for name, table in data.items()}
    return build(template("funnel"), few, about, "ru").content


def test_the_report_is_printed_without_what_it_is_made_of(filled: bytes) -> None:
    found = cover(filled)
    assert found.title == "Маркетинговая воронка"
    assert found.sheets[:2] == ["Сводка", "Воронка"]
    aside = {"Начало", "Модель", "Проверки", "Источники", "Лиды", "Затраты"}
    assert not aside & set(found.sheets)
    assert re.fullmatch(r"2024-01-\d\d \.\.\. 2024-\d\d-\d\d", found.period)
    assert found.sources


def test_a_sheet_of_ones_own_is_printed_whatever_stands_on_it() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        for name in ("Board", "Leads", "Sources"):
            book.add_worksheet(name)
        board, data, sources = book.worksheets()
        board.add_table("A1:B3", {"name": "Targets"})
        data.add_table("A1:B3", {"name": "LEADS"})
        sources.write_column(0, 0, ["funnel", "en"])
        book.define_name(TEMPLATE, "=Sources!$A$1")
        book.define_name(LANGUAGE, "=Sources!$A$2")

    assert cover(written(fill)).sheets == ["Board"]


def test_what_stands_over_the_pages(filled: bytes) -> None:
    task = of_report(Path("book.xlsx"), filled, None, everything=False)
    left, right, logo = task["cover"]
    assert left.startswith("Маркетинговая воронка · 2024-")
    assert len(right) < 150
    assert logo == ""
    assert "only" not in of_report(Path("book.xlsx"), filled, None, everything=True)
    assert of_report(Path("book.xlsx"), sheet_of({"A1": 1}), None, everything=False) == {}


def test_marked_cells_that_somebody_has_deleted_keep_nothing_from_being_done(
    filled: bytes,
) -> None:
    gone = filled
    for name in ("FirstDay", "ReportAbout", "ReportFunctions"):
        [old] = re.findall(f'<definedName name="{name}">[^<]*', part(filled, BOOK))
        gone = edited(gone, BOOK, old, f"{old.partition('!')[0]}!#REF!")
    before, after = cover(filled), cover(gone)
    assert after == before._replace(period=before.period.split()[-1], sources="")
    assert frozen(gone)[1:] == frozen(filled)[1:]


@pytest.mark.parametrize("number", [20240101, 2958466, 1e12, 1e300, 60, 0, -5])
def test_a_period_outside_the_calendar_is_left_out(number: float) -> None:
    """As where somebody types 20240101 for a day: what is printed has its other texts."""
    assert of_period(number, 45292)._replace(sheets=[]) == Cover(
        [], "Marketing funnel", "2024-01-01"
    )
    assert of_period(61, 2958465).period == "1900-03-01 ... 9999-12-31"


def of_period(first: float, last: float) -> Cover:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        cells = {TEMPLATE: "funnel", LANGUAGE: "en", "FirstDay": first, "LastDay": last}
        for row, (name, value) in enumerate(cells.items()):
            sheet.write(row, 0, value)
            book.define_name(name, f"=Sheet1!$A${row + 1}")

    return cover(written(fill))


def test_a_copy_that_cannot_be_written_is_told_in_the_language_of_the_workbook(
    filled: bytes, tmp_path: Path
) -> None:
    """As of a name that is too long with what is added to it, or in a folder that is closed."""
    book = SimpleNamespace(language="ru", copy=lambda: (tmp_path / f"{'a' * 245}.xlsx", filled))
    told, mistake = answer(freeze_for_sharing, book)
    assert mistake
    assert "нельзя записать: File name too long" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_copy_is_no_more_open_than_its_workbook(filled: bytes, tmp_path: Path) -> None:
    file = tmp_path / "book.xlsx"
    file.write_bytes(filled)
    file.chmod(0o600)
    told, mistake = answer(
        freeze_with_formulas, SimpleNamespace(language="en", copy=lambda: (file, filled))
    )
    assert not mistake, told
    assert (tmp_path / "book (live).xlsx").stat().st_mode & 0o777 == 0o600


def test_another_colour_stands_for_our_blue(filled: bytes) -> None:
    new = coloured(filled, "7A1F5C")
    for name in ("xl/styles.xml", "xl/charts/chart6.xml"):
        assert "0072B2" in part(filled, name)
        assert "0072B2" not in part(new, name)
        assert "7A1F5C" in part(new, name)


def test_a_colour_has_to_be_read_on_white() -> None:
    assert checked_colour("#0072b2") == "0072B2"
    assert luminance("FFFFFF") == pytest.approx(1.0)
    assert luminance("777777") == pytest.approx(0.1845, abs=5e-5)  # of WCAG's example, 4.48 : 1
    with pytest.raises(LookError, match="too light"):
        checked_colour("#777777")
    with pytest.raises(LookError, match="write it as #0072B2"):
        checked_colour("blue")


def test_the_settings_name_a_logo_and_a_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    monkeypatch.setattr("kpi_xl.reports.printing.settings_file", lambda: file)
    assert chosen_look(None, "") == (None, "")
    file.write_text('logo = "logo.png"\ncolour = "#333333"\n', encoding="utf-8")
    with pytest.raises(Misuse, match="there is no logo"):
        chosen_look(None, "")
    (tmp_path / "logo.png").write_bytes(b"picture")
    assert chosen_look(None, "") == (tmp_path / "logo.png", "333333")
    assert chosen_look(None, "#444444")[1] == "444444"
    with pytest.raises(Misuse, match="has to be a PNG"):
        chosen_look(tmp_path / "logo.gif", "")


def test_every_template_says_its_period() -> None:
    for name in TEMPLATES:
        names = read_package((WORKBOOKS / f"{name}.xlsx").read_bytes()).names
        for cell in PERIODS.get(name, FIRST_AND_LAST):
            assert (None, cell.lower()) in names, name
