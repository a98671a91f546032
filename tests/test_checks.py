"""What the sheet Checks and the first sheet say: rows nobody counts, texts, missing functions."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from commands import kpi_xl
from demos import few, first_rows
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import HEADER
from workbooks import Place, typed_into

from kpi_xl.engine.embedded import calculate
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.package import read_package
from kpi_xl.ooxml.sheet import SheetXml, escaped, with_edits
from kpi_xl.reports.freezing import frozen


def sample(name: str) -> dict[str, dict[str, list[Any]]]:
    return {
        table: {column: list(cells[:20]) for column, cells in columns.items()}
        for table, columns in template(name).sample().data.items()
    }


@pytest.fixture(scope="module")
def books() -> dict[str, bytes]:
    return {name: build(template(name), sample(name)).content for name in ("funnel", "retention")}


def named(content: bytes, name: str, values: Any) -> Any:
    """The computed value of the first cell of a name."""
    sheet, _, address = read_package(content).names[None, name.lower()].rpartition("!")
    place = area(sheet.strip("'"), address.replace("$", ""))
    return values[place.sheet, place.top, place.left]


def status(values: Any) -> str:
    """The sentence on the first sheet with figures."""
    return str(values["Summary", 3, 2])


@pytest.mark.parametrize("name", ["funnel", "retention"])
def test_rows_below_a_table_are_counted_by_checks(books: Any, name: str, tmp_path: Path) -> None:
    tables = template(name).inputs
    bottom = {table.name: HEADER + 1 + len(next(iter(sample(name)[table.name].values())))
              for table in tables}  # fmt: skip
    before = calculate(books[name]).values
    book = typed_into(books[name], {
        (table.name, bottom[table.name] + below, column): "x"
        for table in tables for below in (2, 3) for column in (1, 2)
    })  # fmt: skip
    values = calculate(book).values
    formulas = read_package(book).formulas
    top = next(f.row for f in formulas if f.sheet == "Checks" and f.text.startswith("MAX(COUNTA("))
    rows = [values["Checks", top + place, 2] for place in range(len(tables))]
    firsts = [values["Checks", top + place, 3] for place in range(len(tables))]
    assert rows == [2.0] * len(tables)
    assert firsts == [float(bottom[table.name] + 1) for table in tables]
    earlier = sum(
        value for (sheet, row, column), value in before.items()
        if sheet == "Checks" and column == 2 and HEADER + 3 <= row < HEADER + 23
        and isinstance(value, float) and (sheet, row, 4) not in before
    )  # fmt: skip
    assert f"Rows of data to look at: {earlier + 2 * len(tables):.0f};" in status(values)
    path = tmp_path / "book.xlsx"
    path.write_bytes(book)
    for command in (("recalc", str(path)), ("explain", str(path), "Summary!C27")):
        told = kpi_xl(*command).stderr
        for table in tables:
            first = bottom[table.name] + 2
            assert f"2 rows below the table {table.name} are not counted, the first in row {first}"\
                in told  # fmt: skip


def test_a_text_among_numbers_breaks_the_figures_and_is_named(books: Any) -> None:
    book = typed_into(books["retention"], {("Orders", HEADER + 2, 3): "29,33"})
    values = calculate(book).values
    for figure in ("Revenue", "CustomerCount", "RepeatCustomers", "LostCustomers", "OrderValue"):
        assert str(named(book, figure, values)) == "#VALUE!", figure
    assert status(values).startswith(
        "Orders!C5 is text, where a number or a date is wanted. Rows of"
    )
    book = typed_into(
        books["funnel"], {("Leads", HEADER + 3, 9): "won", ("Spend", HEADER + 4, 3): "a"}
    )
    values = calculate(book).values
    for figure in ("CustomerCount", "Revenue", "SpendTotal", "LeadCost", "AdReturn"):
        assert str(named(book, figure, values)) == "#VALUE!", figure
    assert named(book, "LeadCount", values) == 20
    assert status(values).startswith("Leads!I6 is text")


def with_formula(content: bytes, place: Place, text: str) -> bytes:
    """A workbook in which a formula is another one."""
    title, row, column = place
    xml = part_of(content, title)
    cell = next(c for c in SheetXml(xml).row_cells(row) if c.column == column)
    old = escaped(cell.formula_text).encode()
    new = xml[cell.start : cell.end].replace(b">" + old + b"<", b">" + text.encode() + b"<")
    part = read_package(content).parts[title]
    return with_members(content, {part: with_edits(xml, [(cell.start, cell.end, new)])})


def test_figures_that_do_not_agree_are_counted_on_the_first_sheet(books: Any) -> None:
    formulas = read_package(books["funnel"]).formulas
    row = next(f.row for f in formulas if f.sheet == "Checks" and f.text == "LeadCost")
    values = calculate(with_formula(books["funnel"], ("Checks", row, 3), "1")).values
    assert values["Checks", row, 4] == "✗ no"
    assert "figures computed twice that do not agree: 1. See" in status(values)
    values = calculate(with_formula(books["funnel"], ("Checks", row, 3), "1/0")).values
    assert values["Checks", row, 4] == "✗ no"


def test_missing_functions_are_told(books: Any) -> None:
    book = books["funnel"]
    assert named(book, "MissingFunctions", calculate(book).values) == ""
    formulas = read_package(book).formulas
    cost = next(f for f in formulas if f.sheet == "Summary" and "CPL(" in f.text)
    place = cost.sheet, cost.row, cost.column
    broken = with_formula(book, place, "#NAME?")
    values = calculate(broken).values
    assert str(values[place]) == "#NAME?"
    told = named(broken, "MissingFunctions", values)
    assert told.startswith("Figures show #NAME?")
    assert status(values) == told


def part_of(content: bytes, sheet: str) -> bytes:
    with zipfile.ZipFile(BytesIO(content)) as package:
        return package.read(read_package(content).parts[sheet])


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_frozen_copy_does_not_claim_to_follow(language: str) -> None:
    content, *_ = frozen(build(template("funnel"), sample("funnel"), language=language).content)
    book = read_package(content)
    sheet, _, address = book.names[None, "reportfunctions"].rpartition("!")
    place = area(sheet.strip("'"), address.replace("$", ""))
    cell = next(
        c for c in SheetXml(part_of(content, place.sheet)).row_cells(place.top)
        if c.column == place.left
    )  # fmt: skip
    start = {"en": "This is a frozen copy", "ru": "Это зафиксированная копия"}[language]
    assert cell.value is not None
    assert cell.value.content.decode().startswith(start)


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_claims_that_its_figures_are_live(name: str) -> None:
    record = template(name)
    assert not [text for text in record.steps if "live formula" in text]


BROKEN = {
    "campaigns": ("date", "cost", "clicks"), "funnel": ("won_date", "value", "visits"),
    "retention": ("date", "amount", "mrr_start"), "sales_team": ("week", "sales", "visits"),
    "scorecard": ("month", "spend"), "unit_economics": ("date", "amount", "spend"),
}  # fmt: skip
"""Columns in which somebody types a text, by template."""


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """Workbooks of more of the sample data, so that sheets over groups and periods are full."""
    built = {}
    for name in BROKEN:
        data = {
            table: {column: list(cells[:: 40 if len(cells) > 3000 else 1])[-60:]
                    for column, cells in columns.items()}
            for table, columns in template(name).sample().data.items()
        }  # fmt: skip
        built[name] = few(name).built if data == first_rows(name) else build(template(name), data)
    return built


def for_checks(name: str, place: Place) -> bool:
    """Whether a cell is of the lists by channel and month that Checks of campaigns counts in."""
    return name == "campaigns" and place[0] == "Model" and place[2] >= 72


@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name, columns in BROKEN.items() for column in columns]
)
def test_no_figure_leaves_out_a_text(whole: Any, name: str, column: str) -> None:
    """A cell over the column shows an error or nothing: no sum, count or rank of the others."""
    built = whole[name]
    table, place = next(
        (table.name, place) for table in template(name).inputs
        for place, one in enumerate(table.columns, start=1) if one.name == column
    )  # fmt: skip
    rows = read_package(built.content).tables[table.lower()].area
    row = rows.bottom if name != "funnel" or column != "won_date" else rows.top + 1
    values = calculate(typed_into(built.content, {(table, row, place): "unknown"})).values
    first = {built_place: value for built_place, value in built.values.items()
             if built_place[0] != "Checks" and not for_checks(name, built_place)}  # fmt: skip
    wrong = {}
    for cell, before in first.items():
        if cell not in values:  # the embedded engine does not guess what Excel makes of a text
            continue
        now, old = (v[0][0] if isinstance(v, list) else v for v in (values[cell], before))
        told = "is text, where a number or a date is wanted" in str(now)
        # A list that hands the cells on shows the text itself.
        shown = now in ("", "·", "unknown") or str(now).startswith("#")
        if now != old and not shown and not told:
            wrong[cell] = old, now
    assert wrong == {}
    assert any(str(value).startswith("#") for cell, value in values.items() if cell in first)
    if column != "cost":  # of which SUMIFS is not proven over the errors of campaigns
        assert any(str(value).startswith(f"{table}!") for value in values.values())
