"""kpi-xl refresh: what the button does, done on the file, compared part by part."""

import csv
import io
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hosts import microsofts_findings, missing, repair_findings
from typer.testing import CliRunner
from workbooks import edited, written

from kpi_xl import bounded
from kpi_xl.cli import app, refreshing, shared
from kpi_xl.ooxml.addresses import Area
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.package import read_package
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.ranges import Beside, Move, followed
from kpi_xl.ooxml.vba import Module, project
from kpi_xl.reports import commands, layout
from kpi_xl.reports.files import FileWorkbook
from kpi_xl.reports.freezing import frozen
from kpi_xl.reports.records import ReportError
from kpi_xl.schema import SCHEMAS

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

HEADERS = ["customer", "date", "amount", "order", "status", "tax", "memo"]
ORDERS = "xl/worksheets/sheet1.xml"


@pytest.fixture(autouse=True)
def in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process of its own for each step, and one time for all."""
    monkeypatch.setattr(bounded, "has_children", lambda: False)

    class At(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "At":
            return cls(2026, 3, 1, 6, 30)

    monkeypatch.setattr(commands, "datetime", At)


def orders(count: int, first: int = 1) -> list[tuple[str, date, float, str]]:
    return [
        (f"customer {n % 3}", date(2025, 1 + n % 12, 1 + n % 28), n + 0.25, f"N{n}")
        for n in range(first, first + count)
    ]


def store(folder: Path, rows: list[tuple[str, date, float, str]]) -> None:
    lines = [f"{who},{day},{amount},{order},paid" for who, day, amount, order in rows]
    text = "\n".join(["customer,date,amount,order,status", *lines, ""])
    (folder / "orders.csv").write_text(text, encoding="utf-8")


def shop(
    rows: int = 4,
    *,
    more: Callable[[Any, Any, Any], None] | None = None,
    source: tuple[str, str] = ("Orders", "orders.csv"),
) -> bytes:
    """A workbook of the template retention, as far as a report needs it, and what people add."""

    def fill(book: xlsxwriter.Workbook) -> None:
        book.set_properties({"created": datetime(2026, 1, 1)})
        sheet, mine, sources = (book.add_worksheet(n) for n in ("Orders", "Mine", "Sources"))
        day = book.add_format({"num_format": "yyyy-mm-dd", "bg_color": "#FFF6DB"})
        bottom = 4 + rows
        columns: list[dict[str, Any]] = [{"header": header} for header in HEADERS]
        columns[5]["formula"] = "=Orders[[#This Row],[amount]]*0.2"
        sheet.add_table(3, 0, bottom - 1, 6, {"name": "Orders", "columns": columns})
        for row, (who, when, amount, order) in enumerate(orders(rows), start=4):
            sheet.write_row(row, 0, [who, None, amount, order, "paid"])
            sheet.write_datetime(row, 1, datetime(when.year, when.month, when.day), day)
            sheet.write_formula(row, 5, "=Orders[[#This Row],[amount]]*0.2", None, amount * 0.2)
        sheet.write(4, 6, "call her")
        sheet.write_comment(4, 6, "mine")
        sheet.set_row(4, 33)
        sheet.write_url(0, 0, "https://example.org", None, "Orders")
        sheet.data_validation(f"E5:E{bottom}", {"validate": "list", "source": ["paid", "open"]})
        sheet.conditional_format(f"C5:C{bottom}", {
            "type": "formula", "criteria": f"=$C5>AVERAGE($C$5:$C${bottom})"})  # fmt: skip
        sheet.print_area(0, 0, bottom - 1, 8)
        book.define_name("Amounts", f"=Orders!$C$5:$C${bottom}")
        book.define_name("Rest", f"=Orders!$C$5:$C${bottom + 50}")
        total = sum(amount for *_, amount, _ in orders(rows))
        mine.write_formula("A1", "=SUM(Orders[amount])", None, total)
        mine.write_formula("A2", f"=SUM(Orders!C5:C{bottom})+SUM(Amounts)", None, 2 * total)
        mine.write_formula("A3", f"=CAC(SUM(Orders!$C$5:$C${bottom}),2)", None, total / 2)
        mine.write_formula("A4", "=COUNTA(Orders[memo])", None, 1)
        mine.write_dynamic_array_formula(
            "C1", "=_xlfn.UNIQUE(Orders[customer])", None, "customer 1"
        )
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": f"=Orders!$C$5:$C${bottom}"})
        chart.add_series({"values": "=Mine!$A$1:$A$3"})
        mine.insert_chart("F2", chart)
        sources.write_column(3, 0, ["Template", "Language"])
        sources.write_column(3, 1, ["retention", "en"])
        book.define_name(layout.TEMPLATE, "=Sources!$B$4")
        book.define_name(layout.LANGUAGE, "=Sources!$B$5")
        book.define_name(layout.FINDINGS, "=Sources!$A$20:$A$39")
        book.define_name(layout.FINDING_COUNT, "=Sources!$F$19")
        listing = [{"header": name} for name in layout.SOURCE_COLUMNS]
        sources.add_table(7, 0, 8, 5, {"name": layout.SOURCES, "columns": listing})
        sources.write_row(8, 0, [*source, None, None, None, None])
        if more:
            more(book, sheet, mine)

    return written(fill)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store(tmp_path, orders(7))
    return tmp_path


def refreshed(folder: Path, content: bytes) -> bytes:
    book = FileWorkbook(folder / "book.xlsx", content)
    commands.refresh_report(book)
    return book.content


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: package.read(name) for name in package.namelist()}


def changed(before: bytes, after: bytes) -> set[str]:
    """The parts that differ, also those that only one of the two has."""
    old, new = parts(before), parts(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def rows_of(content: bytes, *, values: bool = True) -> list[list[Any]]:
    """The rows below the header of the orders, as far as there is anything."""
    sheet = openpyxl.load_workbook(io.BytesIO(content), data_only=values)["Orders"]
    rows = [[cell.value for cell in row[:7]] for row in sheet.iter_rows(min_row=5)]
    while rows and not any(cell is not None for cell in rows[-1]):
        rows.pop()
    return rows


def figures(content: bytes) -> list[Any]:
    sheet = openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Mine"]
    return [sheet[f"A{row}"].value for row in range(1, 5)]


def expected(count: int, first: int = 1) -> list[Any]:
    total = sum(amount for *_, amount, _ in orders(count, first))
    return [total, 2 * total, total / 2, 1]


def table(content: bytes) -> str:
    return parts(content)["xl/tables/table1.xml"].decode()


# Rows


@pytest.mark.parametrize("count", [7, 4, 2, 1])
def test_a_table_has_the_rows_of_its_file(folder: Path, count: int) -> None:
    store(folder, orders(count))
    new = refreshed(folder, shop())
    rows = rows_of(new)
    if count == 1:  # over a single row a column is no range: the second is blank
        assert rows.pop() == [None] * 5 + [0, None]
    assert len(rows) == count
    for row, (who, day, amount, order) in zip(rows, orders(count), strict=True):
        assert row[:6] == [
            who, datetime(day.year, day.month, day.day), amount, order, "paid",
            pytest.approx(amount * 0.2),
        ]  # fmt: skip
    assert [row[6] for row in rows] == ["call her", *[None] * (count - 1)]
    assert figures(new) == pytest.approx(expected(count))
    bottom = 4 + max(count, layout.LEAST_ROWS)
    assert f'ref="A4:G{bottom}"' in table(new)
    assert table(new).count(f":G{bottom}") == 2  # and its filter buttons
    sheet = parts(new)[ORDERS].decode()
    assert '<row r="5" ' in sheet
    assert 'ht="33"' in sheet
    assert f'r="{bottom + 1}"' not in sheet
    looks = openpyxl.load_workbook(io.BytesIO(new))["Orders"]
    assert {looks.cell(row, 2).number_format for row in range(5, bottom + 1)} == {"yyyy-mm-dd"}


def test_what_points_to_a_table_follows_it(folder: Path) -> None:
    new = refreshed(folder, shop())
    book = openpyxl.load_workbook(io.BytesIO(new))
    assert book["Mine"]["A2"].value == "=SUM(Orders!C5:C11)+SUM(Amounts)"
    assert book["Mine"]["A3"].value == "=CAC(SUM(Orders!$C$5:$C$11),2)"
    assert book.defined_names["Amounts"].attr_text == "Orders!$C$5:$C$11"
    assert book.defined_names["Rest"].attr_text == "Orders!$C$5:$C$58"
    assert book["Orders"].print_area == "'Orders'!$A$1:$I$11"
    assert [str(rule.sqref) for rule in book["Orders"].data_validations.dataValidation] == [
        "E5:E11"
    ]
    (rules,) = book["Orders"].conditional_formatting
    assert str(rules.sqref) == "C5:C11"
    assert rules.rules[0].formula == ["$C5>AVERAGE($C$5:$C$11)"]
    chart = parts(new)["xl/charts/chart1.xml"].decode()
    first, second = re.findall(r"<c:val>.*?</c:val>", chart)
    assert "<c:f>Orders!$C$5:$C$11</c:f>" in first
    values = [float(one) for one in re.findall("<c:v>([^<]*)", first)]
    assert values == [amount for *_, amount, _ in orders(7)]
    assert "<c:f>Mine!$A$1:$A$3</c:f>" in second
    assert [float(one) for one in re.findall("<c:v>([^<]*)", second)] == pytest.approx(
        expected(7)[:3]
    )


def test_lists_to_choose_from_and_ends_of_scales_follow_a_table(folder: Path) -> None:
    def more(book: Any, sheet: Any, mine: Any) -> None:
        sheet.conditional_format("C5:C8", {
            "type": "2_color_scale", "min_type": "formula", "max_type": "formula",
            "min_value": '=MIN($C$5:$C$8,"0")', "max_value": "=MAX(Orders!$C$5:$C$7)",
        })  # fmt: skip

    form, mine = "xl/ctrlProps/ctrlProp1.xml", "xl/worksheets/sheet2.xml"
    content = Parts(shop(more=more))
    content[form] = (
        b'<formControlPr xmlns="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"'
        b' objectType="Drop" fmlaLink="$B$1" fmlaRange="Orders!$A$5:$A$8"/>'
    )
    content.relate(mine, "ctrlProp", form)
    new = parts(refreshed(folder, content.archive()))
    assert b'fmlaLink="$B$1" fmlaRange="Orders!$A$5:$A$11"/>' in new[form]
    assert re.findall(r'<cfvo type="formula" val="([^"]*)', new[ORDERS].decode()) == [
        "MIN($C$5:$C$11,&quot;0&quot;)", "MAX(Orders!$C$5:$C$7)",
    ]  # fmt: skip


def test_charts_forget_what_may_be_of_other_data(folder: Path) -> None:
    """A name, or several ranges: programs that draw charts read the cells."""

    def more(book: Any, sheet: Any, mine: Any) -> None:
        chart = book.add_chart({"type": "column"})
        for values in ("=Mine!Amounts", "=(Orders!$C$5:$C$6,Orders!$C$8)", "=[2]Far!$A$1:$A$3"):
            chart.add_series({"values": values, "values_data": [1, 2, 3]})
        mine.insert_chart("H20", chart)

    xml = parts(refreshed(folder, shop(more=more)))["xl/charts/chart2.xml"].decode()
    kept = [("Cache" in one) for one in re.findall(r"<c:val>.*?</c:val>", xml)]
    assert kept == [False, False, True]


def test_shapes_show_no_figure_of_the_rows_before(folder: Path) -> None:
    """LibreOffice, and so a report as PDF, shows what a shape remembers of its cell."""

    def more(book: Any, sheet: Any, mine: Any) -> None:
        mine.write_formula("B1", '="Total "&A1', None, "Total 11")
        mine.write("B2", 5)
        for row, cell in enumerate(("$A$1", "Mine!$B$1", "Mine!$B$2", "Amounts")):
            mine.insert_textbox(row * 9, 12, f"old {row} ", {"textlink": f"={cell}"})

    book = FileWorkbook(folder / "book.xlsx", shop(more=more))
    told = commands.refresh_report(book)
    assert "Shapes that show a cell's number: 2; they show nothing until" in told
    xml = parts(book.content)["xl/drawings/drawing1.xml"].decode()
    total = expected(7)[0]
    assert re.findall("<a:t>([^<]*)</a:t>", xml) == ["", f"Total {total}", "old 2 ", ""]


def listed(book: Any, sheet: Any, mine: Any) -> None:
    """The orders once more, with room for twelve of them, and twelve across."""
    for place in range(12):
        number, who, amount = place + 1, f"N{place + 1}", place + 1.25
        text = f'=IF({number}>ROWS(Orders[order]),"",INDEX(Orders[{{}}],{number}))'
        there = place < 4
        mine.write_formula(place + 20, 0, text.format("order"), None, who if there else "")
        mine.write_formula(place + 20, 1, text.format("amount"), None, amount if there else "")
        mine.write_formula(40, place + 1, text.format("amount"), None, amount if there else "")


@pytest.mark.parametrize(
    ("drawn", "new"),
    [
        ("$21:$24", "$21:$27"),
        ("$21:$26", "$21:$29"),  # with room for two more
        ("$21:$28", "$21:$28"),
        ("$21:$23", "$21:$23"),  # the first three
        ("$22:$24", "$22:$27"),
    ],
)
def test_a_chart_of_all_records_has_those_that_are_new(folder: Path, drawn: str, new: str) -> None:
    """As it does in a template that was filled from few months, or channels."""

    def columns(rows: str) -> list[str]:
        first, last = rows.split(":")
        return [f"Mine!${one}{first}:${one}{last}" for one in "AB"]

    def more(book: Any, sheet: Any, mine: Any) -> None:
        listed(book, sheet, mine)
        chart = book.add_chart({"type": "column"})
        names, values = (f"={one}" for one in columns(drawn))
        chart.add_series({"name": "=Mine!$B$20", "categories": names, "values": values})
        chart.add_series({"values": "=Mine!$B$41:$E$41"})
        mine.insert_chart("H20", chart)

    chart = parts(refreshed(folder, shop(more=more)))["xl/charts/chart2.xml"].decode()
    assert re.findall("<c:f>([^<]*)", chart) == [
        "Mine!$B$20", *columns(new), "Mine!$B$41:$H$41",
    ]  # fmt: skip
    values = re.findall(r"<c:val>.*?</c:val>", chart)[1]
    assert [float(one) for one in re.findall("<c:v>([^<]*)", values)] == [
        n + 0.25 for n in range(1, 8)
    ]


def test_lines_that_are_named_at_their_ends_are_so_again(folder: Path) -> None:
    """What is blank may be marked with a dot."""

    def more(book: Any, sheet: Any, mine: Any) -> None:
        for column in range(1, 13):
            text = f'IF({column}>ROWS(Orders[order]),"·",INDEX(Orders[amount],{column}))'
            mine.write_formula(19, column, f"={column}", None, column)
            mine.write_formula(20, column, f"={text}", None, column + 0.25 if column < 5 else "·")
        chart = book.add_chart({"type": "line"})
        unnamed = [{"delete": True}] * 3
        chart.add_series({"name": "first", "categories": "=Mine!$B$20:$E$20",
                          "values": "=Mine!$B$21:$E$21",
                          "data_labels": {"series_name": True, "custom": unnamed}})  # fmt: skip
        mine.insert_chart("H20", chart)

    chart = parts(refreshed(folder, shop(more=more)))["xl/charts/chart2.xml"].decode()
    assert re.findall("<c:f>([^<]*)", chart) == ["Mine!$B$20:$H$20", "Mine!$B$21:$H$21"]
    labels = re.findall(r'<c:dLbl><c:idx val="(\d+)"/><c:delete val="1"/></c:dLbl>', chart)
    assert labels == [str(number) for number in range(6)]


@pytest.mark.parametrize(
    ("drawn", "new"),
    [(range(21, 25), range(21, 28)), ((24,), (24,)), ((21, 24), (21, 24)), ((22, 23), (22, 23))],
)
def test_columns_of_a_record_each_have_those_that_are_new(
    drawn: Iterable[int], new: Iterable[int], folder: Path
) -> None:
    """Of some of the records, chosen by somebody, there are no more."""

    def more(book: Any, sheet: Any, mine: Any) -> None:
        listed(book, sheet, mine)
        chart = book.add_chart({"type": "column"})
        for row in drawn:
            chart.add_series({"name": f"=Mine!$A${row}", "values": f"=Mine!$B${row}"})
        mine.insert_chart("H20", chart)

    chart = parts(refreshed(folder, shop(more=more)))["xl/charts/chart2.xml"].decode()
    assert re.findall("<c:f>([^<]*)", chart) == [
        f"Mine!${column}${row}" for row in new for column in "AB"
    ]


def test_a_chart_with_a_series_a_record_has_those_that_are_new(folder: Path) -> None:
    def more(book: Any, sheet: Any, mine: Any) -> None:
        listed(book, sheet, mine)
        chart = book.add_chart({"type": "scatter"})
        for row, colour in enumerate(("#0072B2", "#E69F00", "#009E73", "#CC79A7"), start=21):
            chart.add_series({"name": f"=Mine!$A${row}", "categories": f"=Mine!$B${row}",
                              "values": f"=Mine!$B${row}", "line": {"color": colour}})  # fmt: skip
        chart.add_series({"name": "All", "categories": "=Mine!$A$1", "values": "=Mine!$A$2"})
        mine.insert_chart("H20", chart)

    chart = parts(refreshed(folder, shop(more=more)))["xl/charts/chart2.xml"].decode()
    series = re.findall(r"<c:ser>.*?</c:ser>", chart)
    names = [re.findall(r"<c:tx>.*?<c:v>([^<]*)", one)[0] for one in series]
    assert names == [*(f"N{n}" for n in range(1, 8)), "All"]
    assert re.findall("<c:f>([^<]*)", series[6]) == ["Mine!$A$27", "Mine!$B$27", "Mine!$B$27"]
    for what in ("c:idx", "c:order", "a:srgbClr"):
        values = [re.findall(f'<{what} val="([^"]*)', one)[:1] for one in series]
        assert len({*map(tuple, values)}) == 8


@pytest.mark.parametrize(
    ("printed", "new"),
    [
        ("A1:B24", "A1:B27"),
        ("A1:B30", "A1:B30"),
        ("A1:B22", "A1:B22"),  # without some that there were
        ("A41:E41", "A41:H41"),
    ],
)
def test_a_page_of_all_records_has_those_that_are_new(folder: Path, printed: str, new: str) -> None:
    def more(book: Any, sheet: Any, mine: Any) -> None:
        listed(book, sheet, mine)
        mine.print_area(printed)

    book = openpyxl.load_workbook(io.BytesIO(refreshed(folder, shop(more=more))))
    assert book["Mine"].print_area.replace("$", "") == f"'Mine'!{new}"


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("SUM(C5:C8)", "SUM(C5:C12)"),
        ("SUM(Orders!$C$5:$C$8,$A$4:$G8)", "SUM(Orders!$C$5:$C$12,$A$4:$G12)"),
        ("SUM('Orders'!C1:C8)", "SUM('Orders'!C1:C12)"),
        ('SUM(C5:C7,C6:C8,C5:H8,C8)&"C5:C8"', 'SUM(C5:C7,C6:C8,C5:H8,C8)&"C5:C8"'),
        ("Other!C5:C8+[1]Orders!C5:C8+'[1]Orders'!C5:C8", None),
        ("SUM(Orders[C5:C8])+C5:C80+XC5:C8Y+LOG10(C8)", None),
        ("SUM(C$5:C8)", "SUM(C$5:C12)"),
        ("SUM(orders!$C$5:$C$8)", "SUM(orders!$C$5:$C$12)"),
        (
            "SUM(Orders!$C$5:orders!$C$8,$C$5:'Orders'!C8)",
            "SUM(Orders!$C$5:orders!$C$12,$C$5:'Orders'!C12)",
        ),
        ("SUM(Orders!$C$5:Other!$C$8)", None),
        ("SUM(Mine:Orders!C5:C8,'Mine:Orders'!C5:C8,Q1:Q4!C5:C8)", None),
        ("SUM(Orders!C8:C5,C$8:orders!$D5)", "SUM(Orders!C12:C5,C$12:orders!$D5)"),
    ],
)
def test_a_range_follows_if_it_ends_with_the_table(text: str, new: str | None) -> None:
    move = Move("Orders", Area("Orders", 4, 1, 8, 7), 12)
    assert followed(text, "Orders", [move]) == (new or text)


def test_a_running_total_is_of_its_own_row() -> None:
    move = Move("Orders", Area("Orders", 4, 1, 8, 7), 12)
    assert followed("SUM(C$5:C8)", "Orders", [move], row=8) == "SUM(C$5:C8)"
    assert followed("SUM(C$5:C$8)", "Orders", [move], row=8) == "SUM(C$5:C$12)"


def test_a_range_that_all_rows_have_follows_in_all_of_them() -> None:
    """Also if its end could move with the row, as in what other programs write."""
    move = Move("Orders", Area("Orders", 4, 1, 8, 7), 12)

    def in_row_8(text: str, above: str) -> str:
        return followed(text, "Orders", [move], row=8, beside=[Beside(-1, above)])

    assert in_row_8("C8/SUM(C5:C8)", "C7/SUM(C5:C8)") == "C8/SUM(C5:C12)"
    assert in_row_8("C8/SUM(C5:C8)", "C7/SUM(C4:C7)") == "C8/SUM(C5:C8)"


def with_formulas(content: bytes, formulas: list[str], own: str = "") -> bytes:
    """A workbook with other formulas for the tax of the orders, or 99 for none."""
    xml = old = parts(content)[ORDERS].decode()
    for row, formula in enumerate(formulas, start=5):
        new = f"<f>{formula}</f><v>0</v>" if formula else "<v>99</v>"
        xml, once = re.subn(rf'<c r="F{row}"[^>]*>.*?</c>', f'<c r="F{row}">{new}</c>', xml)
        assert once
    content = edited(content, ORDERS, old, xml)
    if not own:
        return content
    has = "Orders[[#This Row],[amount]]*0.2</calculatedColumnFormula>"
    return edited(content, "xl/tables/table1.xml", has, f"{own}</calculatedColumnFormula>")


def test_a_column_s_own_formula_is_of_each_new_row(folder: Path) -> None:
    """Where its last cell holds a number that somebody has written over it."""
    formulas = ["C5*0.2", "C6*0.2", "C7*0.2", ""]
    new = refreshed(folder, with_formulas(shop(), formulas, "C5*0.2"))
    assert [row[5] for row in rows_of(new, values=False)] == [
        "=C5*0.2", "=C6*0.2", "=C7*0.2", 99, "=C9*0.2", "=C10*0.2", "=C11*0.2",
    ]  # fmt: skip
    amounts = [amount for *_, amount, _ in orders(7)]
    assert [row[5] for row in rows_of(new)][4:] == pytest.approx([0.2 * one for one in amounts[4:]])


@pytest.mark.parametrize("last", ["C8/SUM($C$5:$C$8)", ""])
def test_a_column_s_own_formula_follows_the_table(folder: Path, last: str) -> None:
    formulas = [*(f"C{row}/SUM($C$5:$C$8)" for row in range(5, 8)), last]
    new = refreshed(folder, with_formulas(shop(), formulas, "C5/SUM($C$5:$C$8)"))
    assert "<calculatedColumnFormula>C5/SUM($C$5:$C$11)</calculatedColumnFormula>" in table(new)
    shares = [f"=C{row}/SUM($C$5:$C$11)" for row in range(5, 12)]
    found = [row[5] for row in rows_of(new, values=False)]
    assert found == [*shares[:3], shares[3] if last else 99, *shares[4:]]


@pytest.mark.parametrize("step", [-1, 1])
def test_a_total_of_the_rows_before_or_after_goes_on(folder: Path, step: int) -> None:
    """It ends with the table as it was in one row, by accident."""
    formulas = [f"SUM(C$4:C{row + step})" for row in range(5, 9)]
    new = refreshed(folder, with_formulas(shop(), formulas))
    assert [row[5] for row in rows_of(new, values=False)] == [
        f"=SUM(C$4:C{row + step})" for row in range(5, 12)
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [("SUM(C$5:C{row})", lambda row: (5, row)), ("SUM(C{row}:C${last})", lambda row: (row, None))],
    ids=["so far", "left"],
)
def test_formulas_of_ones_own_columns_go_on(
    text: str, rows: Callable[[int], tuple[int, int | None]], folder: Path
) -> None:
    """Such as a running total, which no table writes by itself in new rows, or what is left."""

    def more(book: Any, sheet: Any, mine: Any) -> None:
        for row in range(5, 9):
            sheet.write_formula(row - 1, 6, f"={text.format(row=row, last=8)}", None, 0)

    content = shop(more=more)
    for count in (7, 3):
        store(folder, orders(count))
        content, last = refreshed(folder, content), 4 + count
        assert [row[6] for row in rows_of(content, values=False)] == [
            f"={text.format(row=row, last=last)}" for row in range(5, last + 1)
        ]
        amounts = [amount for *_, amount, _ in orders(count)]
        sums = []
        for row in range(5, last + 1):
            first, end = rows(row)
            sums.append(sum(amounts[first - 5 : end and end - 4]))
        assert [row[6] for row in rows_of(content)] == pytest.approx(sums)


def test_running_totals_beside_the_table_stay(folder: Path) -> None:
    """The last of them ends with the table by accident; a total of all, or of the rest, follows."""

    def more(book: Any, sheet: Any, mine: Any) -> None:
        for row in range(5, 9):
            sheet.write_formula(row - 1, 9, f"=SUM(C$5:C{row})", None, 0)
            sheet.write_formula(row - 1, 10, f"=C{row}/SUM(C$5:C$8)", None, 0)
            sheet.write_formula(row - 1, 11, f"=SUM(C{row}:C$8)", None, 0)
            mine.write_formula(row + 10, 0, f"=SUM(Orders!C$5:C{row})", None, 0)
        mine.write_formula("C1", "=SUM(Orders!C5:C8)", None, 0)
        mine.write_formula("C2", "=SUM(Orders!C5:C7)", None, 0)

    content = refreshed(folder, shop(more=more))
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet, mine = book["Orders"], book["Mine"]
    for row in range(5, 9):
        assert sheet[f"J{row}"].value == f"=SUM(C$5:C{row})"
        assert sheet[f"K{row}"].value == f"=C{row}/SUM(C$5:C$11)"
        assert sheet[f"L{row}"].value == f"=SUM(C{row}:C$11)"
        assert mine[f"A{row + 11}"].value == f"=SUM(Orders!C$5:C{row})"
    assert [mine[cell].value for cell in ("C1", "C2")] == [
        "=SUM(Orders!C5:C11)", "=SUM(Orders!C5:C7)",
    ]  # fmt: skip


@pytest.mark.parametrize("dynamic", [False, True])
def test_array_formulas_of_ones_own_columns_go_on(folder: Path, *, dynamic: bool) -> None:
    """Such as Excel makes of what may be a block, and of Ctrl+Shift+Enter."""
    text = "SUM(IF(Orders[customer]=A{0},Orders[amount],0))"

    def more(book: Any, sheet: Any, mine: Any) -> None:
        write = sheet.write_dynamic_array_formula if dynamic else sheet.write_array_formula
        for row in range(5, 9):
            write(f"G{row}:G{row}", f"{{={text.format(row)}}}", None, 0)

    new = refreshed(folder, shop(more=more))
    given = orders(7)
    assert [row[6] for row in rows_of(new)] == pytest.approx(
        [sum(amount for who, _, amount, _ in given if who == one[0]) for one in given]
    )
    xml = parts(new)[ORDERS].decode()
    cm = ' cm="1"' if dynamic else ""
    assert len(re.findall(f'<c r="G[0-9]+"{cm}><f t="array" ref="G[0-9]+(?::G[0-9]+)?">', xml)) == 7
    assert f'<f t="array" ref="G11">{text.format(11)}</f>' in xml


def test_array_formulas_over_several_cells_are_not_torn(folder: Path) -> None:
    def more(book: Any, sheet: Any, mine: Any) -> None:
        sheet.write_array_formula("G5:G8", "{=Orders[amount]*2}", None, 0)

    refused(folder, shop(more=more), "an array formula over several cells, which is not carried")


def sharing(content: bytes, sheet: str, cells: list[str], block: str, text: str) -> bytes:
    """A workbook in which cells share a formula, as Excel writes one that was drawn over them."""
    xml = old = parts(content)[sheet].decode()
    for number, cell in enumerate(cells):
        formula = f' ref="{block}" si="0">{text}</f>' if number == 0 else ' si="0"/>'
        xml, once = re.subn(
            rf'<c r="{cell}"[^>]*?(?:/>|>.*?</c>)',
            f'<c r="{cell}"><f t="shared"{formula}<v>0</v></c>', xml, count=1,
        )  # fmt: skip
        assert once
    return edited(content, sheet, old, xml)


def texts_of_formulas(content: bytes, sheet: str, cells: list[str]) -> list[str]:
    there = openpyxl.load_workbook(io.BytesIO(content))[sheet]
    return [there[cell].value for cell in cells]


def test_a_shared_formula_outlives_the_cell_that_has_its_text(folder: Path) -> None:
    cells = ["E5", "E6", "E7", "E8", "F5", "F6", "F7", "F8"]
    content = sharing(shop(), ORDERS, cells, "E5:F8", "UPPER(C5)")
    new = refreshed(folder, content)
    rows = rows_of(new)
    assert [row[4] for row in rows] == ["paid"] * 7
    assert [row[5] for row in rows] == [f"N{n}" for n in range(1, 8)]
    assert texts_of_formulas(new, "Orders", ["F5", "F11"]) == ["=UPPER(D5)", "=UPPER(D11)"]


def test_a_shared_formula_follows_as_if_each_cell_had_its_own(folder: Path) -> None:
    """Of windows that go down the rows one ends with the table by accident."""

    def more(book: Any, sheet: Any, mine: Any) -> None:
        for row in range(20, 24):
            mine.write_formula(f"D{row}", "=1", None, 1)
            mine.write_formula(f"E{row}", "=1", None, 1)

    cells = ["D20", "D21", "D22", "D23"]
    mine = "xl/worksheets/sheet2.xml"
    content = sharing(shop(more=more), mine, cells, "D20:D23", "SUM(Orders!C3:C6)")
    new = refreshed(folder, content)
    wanted = ["C3:C6", "C4:C7", "C5:C8", "C6:C9"]
    assert texts_of_formulas(new, "Mine", cells) == [f"=SUM(Orders!{one})" for one in wanted]
    amounts = [amount for *_, amount, _ in orders(7)]
    shown = openpyxl.load_workbook(io.BytesIO(new), data_only=True)["Mine"]
    sums = [sum(amounts[:2]), sum(amounts[:3]), sum(amounts[:4]), sum(amounts[1:5])]
    assert [shown[cell].value for cell in cells] == pytest.approx(sums)
    held = sharing(shop(more=more), mine, cells, "D20:D23", "SUM(Orders!$C$5:$C$8)+A20")
    kept = parts(refreshed(folder, held))[mine].decode()
    assert kept.count('t="shared"') == 4
    assert "SUM(Orders!$C$5:$C$11)+A20" in kept


# All else stays


def with_macros(content: bytes) -> bytes:
    """The workbook as Excel saves it with macros in it, and with a chain of its formulas."""
    code = project("VBAProject", [Module("workbook", "ThisWorkbook"), Module("module", "Mine")])
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    content = edited(
        content, "[Content_Types].xml", f'ContentType="{kinds}.sheet.main+xml"/>',
        'ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/>'
        '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
        f'<Override PartName="/xl/calcChain.xml" ContentType="{kinds}.calcChain+xml"/>',
    )  # fmt: skip
    content = edited(
        content, "xl/_rels/workbook.xml.rels", "</Relationships>",
        '<Relationship Id="rId80" Type="http://schemas.microsoft.com/office/2006/relationships/'
        'vbaProject" Target="vbaProject.bin"/>'
        f'<Relationship Id="rId81" Type="{office}/calcChain" Target="calcChain.xml"/>'
        "</Relationships>",
    )  # fmt: skip
    out = io.BytesIO(content)
    chain = '<calcChain xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("xl/vbaProject.bin", code)
        package.writestr("xl/calcChain.xml", f'{chain}<c r="A1" i="2"/></calcChain>')
    return out.getvalue()


def test_what_is_not_touched_stays_to_the_byte(folder: Path) -> None:
    before = with_macros(shop())
    after = refreshed(folder, before)
    assert changed(before, after) == {
        ORDERS,
        "xl/worksheets/sheet2.xml",
        "xl/worksheets/sheet3.xml",
        "xl/tables/table1.xml",
        "xl/charts/chart1.xml",
        "xl/workbook.xml",
        "xl/sharedStrings.xml",
        "xl/calcChain.xml",  # it names all formulas, and there are more now
        "xl/_rels/workbook.xml.rels",
        "[Content_Types].xml",
    }
    assert "xl/calcChain.xml" not in parts(after)
    assert b"calcChain" not in parts(after)["[Content_Types].xml"]
    assert parts(after)["xl/vbaProject.bin"] == parts(before)["xl/vbaProject.bin"]
    row = re.compile(rb'<row r="5".*?</row>')
    assert row.search(parts(after)[ORDERS])[0] == row.search(parts(before)[ORDERS])[0]  # type: ignore[index]


def test_formulas_among_the_data_give_way_to_values(folder: Path) -> None:
    """And Excel's chain of formulas, which would name cells that have none any more, goes."""
    store(folder, orders(4))
    content = with_macros(shop(more=lambda _, sheet, __: sheet.write("C6", "=1+1")))
    new = refreshed(folder, content)
    assert [row[2] for row in rows_of(new, values=False)] == [1.25, 2.25, 3.25, 4.25]
    assert "xl/calcChain.xml" not in parts(new)
    same = refreshed(folder, with_macros(shop()))
    assert "xl/calcChain.xml" in parts(same)


def test_a_table_without_rows_is_filled(folder: Path) -> None:
    content = shop(1)
    content = edited(content, "xl/tables/table1.xml", 'ref="A4:G5" ', 'ref="A4:G5" insertRow="1" ')
    new = refreshed(folder, content)
    assert len(rows_of(new)) == 7
    assert "insertRow" not in table(new)


def test_a_second_refresh_changes_nothing(folder: Path) -> None:
    once = refreshed(folder, shop())
    assert refreshed(folder, once) == once


def test_the_same_rows_change_the_time_of_loading_alone(folder: Path) -> None:
    store(folder, orders(4))
    assert changed(shop(), refreshed(folder, shop())) == {
        "xl/worksheets/sheet2.xml",  # the list of customers, which was not computed yet
        "xl/worksheets/sheet3.xml",
    }


def other_form(content: bytes, form: Callable[[str], str]) -> bytes:
    old = parts(content)[ORDERS].decode()
    return edited(content, ORDERS, old, form(old))


def with_prefixes(xml: str) -> str:
    prefixed = re.sub(r"<(/?)(?=\w)", r"<\1x:", xml)
    return prefixed.replace('xmlns="', 'xmlns:x="')


def without_addresses(xml: str) -> str:
    return re.sub(r'<c r="[F-G]\d+"', "<c", xml)


def in_lines(xml: str) -> str:
    return xml.replace("<row ", "\n  <row ").replace("<c ", "\n    <c ").replace("'", "&apos;")


def in_more_lines(xml: str) -> str:
    return re.sub(r"(<c [^/>]*>)|(</c>)", r"\1\n\2", xml)


@pytest.mark.parametrize(
    "form",
    [
        with_prefixes,
        without_addresses,
        in_lines,
        in_more_lines,
    ],
)
@pytest.mark.parametrize("count", [2, 7])
def test_other_writers_forms_of_the_same_sheet(
    folder: Path, form: Callable[[str], str], count: int
) -> None:
    store(folder, orders(count))
    plain = shop(more=lambda _, sheet, __: sheet.write("G7", "stays in its row"))
    new = refreshed(folder, other_form(plain, form))
    assert rows_of(new) == rows_of(refreshed(folder, plain))
    assert figures(new) == pytest.approx([*expected(count)[:3], 1 + (count > 2)])


def test_texts_in_the_cells_of_a_sheet_with_prefixes_are_read(folder: Path) -> None:
    name, content = "xl/worksheets/sheet3.xml", shop()
    texts = re.findall("<si>(.*?)</si>", parts(content)["xl/sharedStrings.xml"].decode())
    old = parts(content)[name].decode()
    new = re.sub(
        r't="s"><v>(\d+)</v>', lambda one: f't="inlineStr"><is>{texts[int(one[1])]}</is>', old
    )
    new = refreshed(folder, edited(content, name, old, with_prefixes(new)))
    assert figures(new) == pytest.approx(expected(7))


def by_openpyxl(content: bytes, folder: Path) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    book.save(folder / "saved.xlsx")
    return (folder / "saved.xlsx").read_bytes()


def by_libreoffice(content: bytes, folder: Path) -> bytes:
    if not shutil.which("soffice"):
        missing("LibreOffice is not installed")
    from kpi_xl.hosts.libreoffice.headless import perform

    (folder / "sent.xlsx").write_bytes(content)
    target = folder / "saved.xlsx"
    perform([{"book": str(folder / "sent.xlsx"), "save": str(target)}])
    return target.read_bytes()


@pytest.mark.parametrize("program", [by_openpyxl, by_libreoffice])
def test_a_workbook_that_another_program_has_saved(
    folder: Path, program: Callable[[bytes, Path], bytes]
) -> None:
    """Spills come back as array formulas of old; texts stand in cells, or in the list of texts."""

    def more(book: Any, sheet: Any, mine: Any) -> None:
        mine.write_dynamic_array_formula(
            "D10", "=COHORT(Orders[customer],Orders[date])", None, "cohort"
        )

    before = with_macros(program(shop(more=more), folder))
    after = refreshed(folder, before)
    assert parts(after)["xl/vbaProject.bin"] == parts(before)["xl/vbaProject.bin"]
    assert figures(after) == pytest.approx(expected(7))
    assert [row[3] for row in rows_of(after)] == [f"N{n}" for n in range(1, 8)]
    sheet = openpyxl.load_workbook(io.BytesIO(after), data_only=True)["Mine"]
    cohorts = [[cell.value for cell in row] for row in sheet["D10:E13"]]
    assert cohorts == [["cohort", "size"], ["2025-02", 1], ["2025-03", 1], ["2025-04", 1]]
    formulas = {one.cell: one.array for one in read_package(after).formulas}
    assert str(formulas["Mine!D10"].address).startswith("D10:")  # type: ignore[union-attr]
    touched = re.compile(
        r"xl/(worksheets|tables|charts)/[^/]*|xl/(workbook|sharedStrings|styles|calcChain)\.xml"
        r"|xl/_rels/workbook\.xml\.rels|\[Content_Types\]\.xml"  # of the chain of formulas
    )
    assert [name for name in changed(before, after) if not touched.fullmatch(name)] == []
    assert refreshed(folder, after) == after


@pytest.mark.parametrize("blank", [True, False])
@pytest.mark.parametrize(
    "form",
    [
        ' t="inlineStr"><is><r><rPr><b/></rPr><t>refun</t></r><r><t>ded</t></r></is>',
        ' t="inlineStr"><is><t>refunded</t><rPh sb="0" eb="1"><t>x</t></rPh></is>',
        ' t="str"><v xml:space="preserve"> old </v>',
        "><v>no number</v>",
        "><v></v>",
        "><v/>",
    ],
)
def test_no_value_of_the_rows_before_stays(folder: Path, form: str, *, blank: bool) -> None:
    """However another program has written it."""

    def written_so(xml: str) -> str:
        for cell in ("C6", "E6"):
            xml, once = re.subn(rf'<c r="{cell}"[^>]*>.*?</c>', f'<c r="{cell}"{form}</c>', xml)
            assert once
        return xml

    rows = ["customer,date,amount,order,status"]
    rows += [f"a,2025-01-0{n},{'' if blank else n},N{n},{'' if blank else 'paid'}" for n in (1, 2)]
    (folder / "orders.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    new = refreshed(folder, other_form(shop(), written_so))
    assert [row[2:5:2] for row in rows_of(new)] == (
        [[None, None]] * 2 if blank else [[1, "paid"], [2, "paid"]]
    )


# Texts and looks


def test_texts_that_no_cell_has_any_more_are_gone(folder: Path) -> None:
    """A report of the last seven orders, loaded every night, grows no longer."""
    content, sizes = shop(), []
    for night in range(1, 6):
        store(folder, orders(7, first=night * 7))
        content = refreshed(folder, content)
        texts = parts(content)["xl/sharedStrings.xml"].decode()
        assert "N7<" not in texts or night == 1
        assert f"N{night * 7}<" in texts
        sizes.append(int(re.search(r'uniqueCount="(\d+)"', texts)[1]))  # type: ignore[index]
        assert texts.count("<si>") == sizes[-1]
        assert [row[3] for row in rows_of(content)] == [
            f"N{n}" for n in range(night * 7, night * 7 + 7)
        ]
    assert max(sizes) == sizes[1]


def test_texts_that_look_like_formulas_are_texts(folder: Path) -> None:
    (name, day, amount, order), *rest = orders(4)
    store(folder, [("=cmd|' /C calc'!A1", day, amount, order), *rest])
    content = refreshed(folder, shop())
    cell = openpyxl.load_workbook(io.BytesIO(content))["Orders"]["A5"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=cmd|' /C calc'!A1", "s", True)
    store(folder, [(name, day, amount, order), *rest])
    cell = openpyxl.load_workbook(io.BytesIO(refreshed(folder, content)))["Orders"]["A5"]
    assert (cell.value, cell.quotePrefix) == (name, False)


@pytest.mark.parametrize("text", ["=1+1", "@brand", "+x", "-x"])
def test_texts_that_look_like_formulas_in_a_workbook_of_openpyxl(folder: Path, text: str) -> None:
    """Whose formats say of themselves that they mark no text, in the midst of their attributes."""
    (_, day, amount, order), *rest = orders(4)
    store(folder, [(text, day, amount, order), *rest])
    before = by_openpyxl(shop(), folder)
    assert b'quotePrefix="0"' in parts(before)["xl/styles.xml"]
    cell = openpyxl.load_workbook(io.BytesIO(refreshed(folder, before)))["Orders"]["A5"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def test_no_part_that_is_no_xml_is_written() -> None:
    there = Parts(shop())
    there["xl/styles.xml"] = there["xl/styles.xml"].replace(b"<xf ", b'<xf xfId="0" ')
    with pytest.raises(NotAWorkbookError, match="duplicate attribute"):
        there.archive()


# What is not computed here


def test_a_value_that_may_be_of_other_data_is_taken_out(folder: Path) -> None:
    def more(book: Any, sheet: Any, mine: Any) -> None:
        mine.write_formula("B1", "=OFFSET(A1,N(0),0)", None, 10)
        mine.write_formula("B2", "=B1*2", None, 20)
        mine.write_formula("B3", "=_xlfn.LAMBDA(_xlpm.x,_xlpm.x+1)(3)", None, 4)

    content = edited(shop(more=more), "xl/workbook.xml", ' fullCalcOnLoad="1"', "")
    book = FileWorkbook(folder / "book.xlsx", content)
    message = commands.refresh_report(book)
    assert "opens the workbook: 3, such as Mine!B1 (" in message
    sheet = openpyxl.load_workbook(io.BytesIO(book.content), data_only=True)["Mine"]
    assert [sheet[f"B{row}"].value for row in (1, 2)] == [None, None]
    assert 'fullCalcOnLoad="1"' in parts(book.content)["xl/workbook.xml"].decode()


CACHE = "xl/pivotCache/pivotCacheDefinition1.xml"


def with_a_pivot_table(content: bytes, source: str) -> bytes:
    """A workbook with a pivot table in Mine!K1:K2."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    related = '<Relationship Id="rId70" Type="{}/{}" Target="{}"/></Relationships>'
    content = edited(
        content, "xl/worksheets/_rels/sheet2.xml.rels", "</Relationships>",
        related.format(office, "pivotTable", "../pivotTables/pivotTable1.xml"),
    )  # fmt: skip
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as package:
        package.writestr(
            CACHE, f'<pivotCacheDefinition xmlns="{main}" recordCount="4"><cacheSource'
            f' type="worksheet">{source}</cacheSource></pivotCacheDefinition>')  # fmt: skip
        package.writestr(
            "xl/pivotTables/pivotTable1.xml",
            f'<pivotTableDefinition xmlns="{main}" name="P"><location ref="K1:K2"/>'
            "</pivotTableDefinition>",
        )
        package.writestr(
            "xl/pivotTables/_rels/pivotTable1.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            + related.format(office, "pivotCacheDefinition", f"/{CACHE}"),
        )
    return out.getvalue()


@pytest.mark.parametrize(
    ("source", "stale"),
    [
        ('<worksheetSource name="Orders"/>', True),
        ('<worksheetSource name="Amounts"/>', True),
        ('<worksheetSource ref="A1:A3" sheet="Mine"/>', True),
        ('<worksheetSource ref="A4:B5" sheet="Still"/>', False),
    ],
)
def test_what_reads_a_pivot_table_waits_for_it(folder: Path, source: str, *, stale: bool) -> None:
    def more(book: Any, sheet: Any, mine: Any) -> None:
        mine.write_column("K1", ["Sum", 10])
        mine.write_formula("L1", "=K2*2", None, 20)
        book.add_worksheet("Still")

    book = FileWorkbook(folder / "book.xlsx", with_a_pivot_table(shop(more=more), source))
    told = commands.refresh_report(book)
    assert ("Pivot tables of these data: 1" in told) == stale
    assert ("such as Mine!L1 (it depends on Mine!$K$1:$K$2" in told) == stale
    xml = parts(book.content)["xl/worksheets/sheet2.xml"].decode()
    assert ("<f>K2*2</f><v>20</v>" in xml) != stale


def test_pivot_tables_follow_when_a_program_opens_the_workbook(folder: Path) -> None:
    content = with_a_pivot_table(shop(), '<worksheetSource ref="A4:G8" sheet="Orders"/>')
    cache = CACHE
    book = FileWorkbook(folder / "book.xlsx", content)
    assert "Pivot tables of these data: 1" in commands.refresh_report(book)
    xml = parts(book.content)[cache].decode()
    assert 'refreshOnLoad="1"' in xml
    assert 'ref="A4:G11" sheet="Orders"' in xml


# Refusals


def refused(folder: Path, content: bytes, why: str) -> None:
    book = FileWorkbook(folder / "book.xlsx", content)
    with pytest.raises((ReportError, NotAWorkbookError), match=why):
        commands.refresh_report(book)
    assert book.content == content


def test_what_is_in_the_way_refuses(folder: Path) -> None:
    def writes(cell: str, value: Any) -> Callable[[Any, Any, Any], None]:
        return lambda book, sheet, mine: sheet.write(cell, value)

    blank = r"needs more rows, but row 10 below it is not blank"
    for cell, value in (("C10", 1), ("C10", "=1+1"), ("F10", 1)):
        refused(folder, shop(more=writes(cell, value)), blank)
    refused(folder, shop(more=lambda _, sheet, __: sheet.merge_range("F10:G10", "")), blank)
    refused(folder, shop(more=lambda _, sheet, __: sheet.add_table("G10:H12")), blank)
    protected = shop(more=lambda _, sheet, __: sheet.protect())
    refused(folder, protected, "sheet Orders is protected")
    filtered = edited(
        shop(), "xl/tables/table1.xml", '<autoFilter ref="A4:G8"/>',
        '<autoFilter ref="A4:G8"><filterColumn colId="0"><filters blank="1"/></filterColumn>'
        "</autoFilter>",
    )  # fmt: skip
    refused(folder, filtered, "sheet Orders has a filter on")
    texts = edited(shop(), "xl/sharedStrings.xml", "</sst>", "")
    refused(folder, texts, "its part sharedStrings is damaged")
    narrow = edited(shop(), "xl/tables/table1.xml", 'ref="A4:G8"', 'ref="A4:B8"')
    refused(folder, narrow, "the table Orders names other columns than it has")
    button = edited(
        shop(), "xl/tables/table1.xml", '<autoFilter ref="A4:G8"/>',
        '<autoFilter ref="A4:G8"><filterColumn colId="0" hiddenButton="1"/></autoFilter>',
    )  # fmt: skip
    assert len(rows_of(refreshed(folder, button))) == 7
    from_1904 = edited(shop(), "xl/workbook.xml", "<workbookPr ", '<workbookPr date1904="1" ')
    refused(folder, from_1904, "counts dates from 1904")
    refused(folder, written(lambda book: book.add_worksheet()), "not made from a template")
    refused(folder, b"PK no workbook", "not an .xlsx workbook")
    encrypted = bytes.fromhex("D0CF11E0A1B11AE1") + "EncryptedPackage".encode("utf-16-le")
    refused(folder, encrypted, "save it without a password")
    refused(folder, frozen(shop())[0], "a frozen copy")


def test_marked_cells_are_found_in_whatever_letters_their_sheet_is_named(folder: Path) -> None:
    content = edited(shop(), "xl/workbook.xml", "Sources!", "'SOURCES'!")
    assert figures(refreshed(folder, content)) == pytest.approx(expected(7))


def test_a_damaged_drawing_is_told(folder: Path) -> None:
    def more(book: Any, sheet: Any, mine: Any) -> None:
        mine.insert_textbox(9, 12, "old", {"textlink": "=$A$1"})

    content = edited(shop(more=more), "xl/drawings/drawing1.xml", '"$A$1"', '"$A$1&none;"')
    with pytest.raises(NotAWorkbookError, match="it is damaged"):
        refreshed(folder, content)


def test_a_row_further_down_is_not_in_the_way(folder: Path) -> None:
    content = refreshed(folder, shop(more=lambda _, sheet, __: sheet.write("C12", "end")))
    assert [row[2] for row in rows_of(content)][7] == "end"


def test_nothing_changes_where_one_file_is_amiss(folder: Path) -> None:
    (folder / "orders.csv").unlink()
    refused(folder, shop(), "Nothing was loaded: there is no file")


def with_a_wrong_number(folder: Path) -> bytes:
    """A workbook that is loaded all the same, and whose sheet Checks tells of it."""
    columns = [one.name for one in SCHEMAS["retention"].inputs[1].columns]
    values = ["2025-01-01", "-5", *["1"] * 7]
    (folder / "months.csv").write_text(f"{','.join(columns)}\n{','.join(values)}\n")
    headers = {"name": "Subscriptions", "columns": [{"header": name} for name in columns]}
    return shop(
        more=lambda _, sheet, __: sheet.add_table("J4:R6", headers),
        source=("Subscriptions", "months.csv"),
    )


def test_what_is_told_of_a_file_that_is_listed_twice_is_told_apart(folder: Path) -> None:
    rows = [f"c,2025-01-0{n},10,N{n},{'paid' if n < 3 else 'open'}" for n in range(1, 8)]
    text = "\n".join(["customer,date,amount,order,status", *rows, ""])
    (folder / "orders.csv").write_text(text, encoding="utf-8")
    book = openpyxl.load_workbook(io.BytesIO(shop()))
    sheet = book["Sources"]
    sheet["C9"] = "--where status=paid"
    for column, value in zip("ABC", ("Orders", "orders.csv", "--where status=open"), strict=True):
        sheet[f"{column}10"] = value
    listing = sheet.tables["Sources"]
    listing.ref = listing.autoFilter.ref = "A8:F10"
    book.save(folder / "twice.xlsx")
    new = refreshed(folder, (folder / "twice.xlsx").read_bytes())
    assert len(rows_of(new)) == 7
    sheet = openpyxl.load_workbook(io.BytesIO(new))["Sources"]
    assert [sheet[cell].value for cell in ("E9", "E10")] == [2, 5]
    told = [str(sheet[cell].value).rpartition("; ")[2] for cell in ("F9", "F10")]
    assert told == [
        "5 orders with another status (50.00)", "2 orders with another status (20.00)",
    ]  # fmt: skip


def test_problems_of_the_data_are_listed(folder: Path) -> None:
    content = refreshed(folder, with_a_wrong_number(folder))
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Sources"]
    assert [sheet[cell].value for cell in ("A20", "C20", "F19")] == [
        "Subscriptions[customers_start]", 5, 1,
    ]  # fmt: skip


# The command


@pytest.fixture
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    monkeypatch.chdir(folder)
    (folder / "book.xlsx").write_bytes(shop())

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["refresh", *arguments], standalone_mode=False)
        if isinstance(result.exception, Exception):
            code = getattr(result.exception, "exit_code", None)
            if code is None:
                raise result.exception
            return code, str(getattr(result.exception, "message", ""))
        return result.return_value or 0, result.output

    return run  # type: ignore[return-value]


def test_a_scheduler_gets_the_book_a_backup_and_a_code(
    folder: Path, cli: Callable[..., tuple[int, str]]
) -> None:
    code, told = cli("book.xlsx")
    assert code == 0
    assert "book.xlsx: Loaded: Orders: 7 rows." in told
    assert (folder / "book.xlsx.bak").read_bytes() == shop()
    book = (folder / "book.xlsx").read_bytes()
    assert figures(book) == pytest.approx(expected(7))
    store(folder, orders(5))
    assert cli("book.xlsx", "--no-backup", "--freeze")[0] == 0
    assert (folder / "book.xlsx.bak").read_bytes() == shop()
    copy = (folder / "book (values).xlsx").read_bytes()
    assert figures(copy) == pytest.approx(expected(5))
    assert [one for one in read_package(copy).formulas if "CAC" in one.text] == []
    assert cli("*.xlsx")[0] == 0  # but the copy, which is none of the reports
    assert figures((folder / "book (values).xlsx").read_bytes()) == pytest.approx(expected(5))
    assert sorted(file.name for file in folder.iterdir()) == [
        "book (values).xlsx", "book.xlsx", "book.xlsx.bak", "orders.csv",
    ]  # fmt: skip


def test_each_of_several_books_is_all_or_nothing(
    folder: Path, cli: Callable[..., tuple[int, str]]
) -> None:
    other = folder / "other.xlsx"
    other.write_bytes(shop(more=lambda _, sheet, __: sheet.protect()))
    kept = other.read_bytes()
    code, told = cli("other.xlsx", "*.xlsx", "--no-backup")
    assert code == 1
    assert "sheet Orders is protected" in told
    assert "book.xlsx: Loaded" in told
    assert other.read_bytes() == kept
    assert cli("book.xlsx", "nowhere.xlsx")[0] == 2


def test_the_backup_is_no_more_open_than_the_book(
    folder: Path, cli: Callable[..., tuple[int, str]]
) -> None:
    (folder / "book.xlsx").chmod(0o600)
    if hasattr(os, "chown") and os.geteuid() == 0:
        os.chown(folder / "book.xlsx", 1234, 1234)
    owner = (folder / "book.xlsx").stat().st_uid
    assert cli("book.xlsx", "--freeze")[0] == 0
    for name in ("book.xlsx", "book.xlsx.bak", "book (values).xlsx"):
        there = (folder / name).stat()
        assert (there.st_mode & 0o777, there.st_uid) == (0o600, owner), name


def test_what_was_not_written_is_not_said_to_be_loaded(
    folder: Path, cli: Callable[..., tuple[int, str]]
) -> None:
    (folder / "book.xlsx.bak").mkdir()
    code, told = cli("book.xlsx")
    assert code == 1
    assert "book.xlsx.bak cannot be written" in told
    assert "Loaded" not in told
    assert (folder / "book.xlsx").read_bytes() == shop()


def test_a_link_stays_one(folder: Path, cli: Callable[..., tuple[int, str]]) -> None:
    link = folder / "elsewhere" / "link.xlsx"
    link.parent.mkdir()
    link.symlink_to(folder / "book.xlsx")
    assert cli(str(link), "book.xlsx")[0] == 0
    assert link.is_symlink()
    assert figures((folder / "book.xlsx").read_bytes()) == pytest.approx(expected(7))
    assert [file.name for file in link.parent.iterdir()] == ["link.xlsx"]


@pytest.mark.parametrize("lock", ["~$book.xlsx", ".~lock.book.xlsx#"])
def test_an_open_book_is_left_alone(
    folder: Path, cli: Callable[..., tuple[int, str]], lock: str
) -> None:
    (folder / lock).touch()
    code, told = cli("book.xlsx")
    assert (code, "is open in a spreadsheet program" in told) == (1, True)
    assert (folder / "book.xlsx").read_bytes() == shop()


def test_a_read_only_book_is_left_alone(folder: Path, cli: Callable[..., tuple[int, str]]) -> None:
    (folder / "book.xlsx").chmod(0o444)
    code, told = cli("book.xlsx")
    assert (code, "is read-only" in told) == (1, True)
    assert cli("book.xlsx", "-o", "new.xlsx")[0] == 0
    assert (folder / "book.xlsx").read_bytes() == shop()
    assert figures((folder / "new.xlsx").read_bytes()) == pytest.approx(expected(7))


def test_a_write_that_fails_leaves_the_old_book(
    folder: Path, cli: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if Path(target).name == "book.xlsx":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    code, told = cli("book.xlsx")
    assert (code, "No space left" in told) == (1, True)
    assert (folder / "book.xlsx").read_bytes() == shop()
    assert sorted(file.name for file in folder.iterdir()) == [
        "book.xlsx",
        "book.xlsx.bak",
        "orders.csv",
    ]


def test_a_book_that_changes_meanwhile_is_left_alone(
    folder: Path, cli: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = commands.refresh_report

    def meanwhile(book: FileWorkbook) -> str:
        told = real(book)
        os.utime(folder / "book.xlsx", (1, 1))
        return told

    monkeypatch.setattr(commands, "refresh_report", meanwhile)
    code, told = cli("book.xlsx")
    assert (code, "was changed by somebody meanwhile" in told) == (1, True)
    assert (folder / "book.xlsx").read_bytes() == shop()


def test_a_book_that_somebody_saves_while_it_is_read_is_left_alone(
    folder: Path, cli: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, real = shop(5), shared.kpis_of

    def meanwhile(beside: Path) -> None:
        (folder / "book.xlsx").write_bytes(theirs)
        real(beside)

    monkeypatch.setattr(shared, "kpis_of", meanwhile)
    code, told = cli("book.xlsx")
    assert (code, "was changed by somebody meanwhile" in told) == (1, True)
    assert (folder / "book.xlsx").read_bytes() == theirs


def test_a_book_that_is_removed_meanwhile_is_told(
    folder: Path, cli: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = commands.refresh_report

    def meanwhile(book: FileWorkbook) -> str:
        told = real(book)
        (folder / "book.xlsx").unlink()
        return told

    monkeypatch.setattr(commands, "refresh_report", meanwhile)
    code, told = cli("book.xlsx")
    assert (code, "was changed by somebody meanwhile" in told) == (2, True)
    assert not (folder / "book.xlsx").exists()


@pytest.mark.parametrize("letters", [245, 300])
def test_a_name_that_is_too_long_is_told(
    folder: Path, cli: Callable[..., tuple[int, str]], letters: int
) -> None:
    """Also if it is the name of its lock that is."""
    name = f"{'a' * letters}.xlsx"
    if letters < 255:
        (folder / "book.xlsx").rename(folder / name)
    code, told = cli(name, "--no-backup")
    assert code == (0 if letters < 255 else 2)
    assert ("Loaded: Orders" if letters < 255 else "cannot be read: File name too long") in told


@pytest.mark.parametrize(
    ("options", "output"),
    [
        (["-o", "out.xlsx", "--force"], "out.xlsx"),
        (["--freeze"], "book (values).xlsx"),
        (["--pdf"], "book.pdf"),
    ],
)
def test_what_is_open_is_not_written_over(
    folder: Path,
    cli: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    output: str,
) -> None:
    monkeypatch.setattr(refreshing, "printed", lambda *_, **__: b"PDF")
    (folder / output).write_bytes(b"theirs")
    (folder / f".~lock.{output}#").touch()
    code, told = cli("book.xlsx", *options)
    assert code != 0
    assert f"{output} is open in a spreadsheet program" in told
    assert (folder / output).read_bytes() == b"theirs"
    assert (folder / "book.xlsx").read_bytes() == shop()


def test_no_report_is_printed_over_another(
    folder: Path, cli: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "printed", lambda *_, **__: b"PDF")
    (folder / "book.xlsm").write_bytes(shop())
    code, told = cli("book.xlsx", "book.xlsm", "--pdf")
    assert (code, "book.pdf would be written for two workbooks" in told) == (2, True)
    assert not (folder / "book.pdf").exists()
    assert cli("book.xlsx", "book.xlsm", "--freeze")[0] == 0


def test_data_with_problems_are_told_by_the_code(
    folder: Path, cli: Callable[..., tuple[int, str]]
) -> None:
    (folder / "book.xlsx").write_bytes(with_a_wrong_number(folder))
    code, told = cli("book.xlsx", "--json")
    assert code == 1
    assert '"refreshed": true' in told
    assert "Subscriptions[customers_start]:5: Numbers that the column cannot have" in told


# Whole templates


def leads(count: int) -> dict[str, list[Any]]:
    days = [date(2025, 1 + n % 6, 1 + n % 28) for n in range(count)]
    return {
        "lead_id": [f"L{n}" for n in range(count)],
        "created": days,
        "channel": [
            ("Search", "Fairs", "Mail", "Social", "Video", "Radio")[n % 6] for n in range(count)
        ],
        "won_date": [day.replace(year=2026) if n % 4 == 0 else None for n, day in enumerate(days)],
        "value": [1000.5 + n if n % 4 == 0 else None for n in range(count)],
    }


def saved(path: Path, columns: dict[str, list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A template filled from few rows, from more, and the former loaded anew with those."""
    folder = tmp_path_factory.mktemp("books")
    spend = {"month": [f"2025-0{n}-01" for n in range(1, 7)] * 2,
             "channel": ["Search"] * 6 + ["Fairs"] * 6, "spend": list(range(12))}  # fmt: skip
    made = {}
    for name, count in (("few", 3), ("more", 60)):
        saved(folder / "leads.csv", leads(count))
        saved(folder / "spend.csv", {one: cells[: count // 2] for one, cells in spend.items()})
        files = ["--table", f"Leads={folder}/leads.csv", "--table", f"Spend={folder}/spend.csv"]
        book = folder / f"{name}.xlsx"
        result = CliRunner().invoke(app, ["fill", "funnel", *files, "-o", str(book)])
        assert result.exit_code == 0, result.output
        made[name] = book.read_bytes()
    made["refreshed"] = refreshed(folder, made["few"])
    return made


def all_values(content: bytes) -> dict[tuple[str, str], Any]:
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value not in (None, "") and sheet.title not in ("Start", "Sources")
    }


def alike(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def test_the_figures_are_those_of_a_fill(books: dict[str, bytes]) -> None:
    filled, new = all_values(books["more"]), all_values(books["refreshed"])
    assert filled.keys() == new.keys()
    for place, value in filled.items():
        assert new[place] == alike(value), place
    assert len(filled) > 500


def test_charts_have_all_that_those_of_a_fill_have(books: dict[str, bytes]) -> None:
    """Which have room for two more."""

    def ends(content: bytes) -> list[tuple[str, int]]:
        ranges = re.compile(r"<c:f>([^<]*?)(?:\$([0-9]+))?(?=</c:f>)")
        return [
            (f"{name} {found[1]}", int(found[2] or 0))
            for name, xml in sorted(parts(content).items())
            if name.startswith("xl/charts/")
            for found in ranges.finditer(xml.decode())
        ]

    few, new, more = (ends(books[name]) for name in ("few", "refreshed", "more"))
    assert [name for name, _ in new] == [name for name, _ in more]
    assert all(end >= wanted - 2 for (_, end), (_, wanted) in zip(new, more, strict=True))
    assert any(end < wanted - 2 for (_, end), (_, wanted) in zip(few, more, strict=True))


def test_what_is_written_passes_both_validators(
    books: dict[str, bytes], folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (_, day, amount, order), *rest = orders(9)
    store(folder, [("=1+1", day, amount, order), *rest])
    macros = refreshed(folder, with_macros(shop()))
    written_books = tmp_path_factory.mktemp("written")
    paths = [written_books / name for name in ("template.xlsx", "macros.xlsm")]
    for path, content in zip(paths, (books["refreshed"], macros), strict=True):
        path.write_bytes(content)
    assert microsofts_findings(paths) == {}
    assert repair_findings(paths) == {}


def test_libreoffice_shows_the_same_figures(books: dict[str, bytes], tmp_path: Path) -> None:
    saved_anew = by_libreoffice(books["refreshed"], tmp_path)
    values, shown = all_values(books["refreshed"]), all_values(saved_anew)
    others = {
        place: (value, shown.get(place))
        for place, value in values.items()
        if shown.get(place)
        != (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value)
    }
    assert others == {}
