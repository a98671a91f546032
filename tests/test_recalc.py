"""Workbooks computed anew: right values, and not another byte."""

import io
import json
import re
import struct
import subprocess
import zipfile
from itertools import compress
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from commands import kpi_xl
from hosts import program, validated
from hypothesis import given, settings
from hypothesis import strategies as st
from kpi_xl.workbook_templates import retention
from kpi_xl.workbook_templates.building import build
from workbooks import SHEET, edited, hand_made, part, sheet_of, written

from kpi_xl.engine.embedded import calculate
from kpi_xl.engine.recalc import Report, compared, recalculated
from kpi_xl.engine.terms import RefusedError
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.package import read_package

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


def rows_after(rows: str) -> str:
    """The rows of a sheet after its workbook was computed anew, and once more to no effect."""
    content, _ = recalculated(hand_made(rows))
    again, report = recalculated(content)
    assert again == content
    assert report.changed == 0
    found = re.search("<sheetData>(.*)</sheetData>", part(content), re.DOTALL)
    assert found
    return found[1]


def report_of(rows: str) -> Report:
    return recalculated(hand_made(rows))[1]


def row(*cells: str) -> str:
    return f'<row r="1">{"".join(cells)}</row>'


# A cell's value


@pytest.mark.parametrize(
    ("formula", "kind", "value"),
    [
        ("CAC(6,2)", "", "<v>3</v>"),
        ("CAC(1,3)", "", "<v>0.3333333333333333</v>"),
        ("CAC(1E+30,1E-10)", "", "<v>1E+40</v>"),
        ("CAC(1,2)*-1", "", "<v>-0.5</v>"),
        ('KPI_STATUS(95,100)&amp;"!"', ' t="str"', "<v>at risk!</v>"),
        ('"&lt;a&gt; &amp; b"', ' t="str"', "<v>&lt;a&gt; &amp; b</v>"),
        ('" a "', ' t="str"', '<v xml:space="preserve"> a </v>'),
        ('""', ' t="str"', "<v></v>"),
        ('"日本"', ' t="str"', "<v>日本</v>"),
        ("1&gt;0", ' t="b"', "<v>1</v>"),
        ("1&lt;0", ' t="b"', "<v>0</v>"),
        ("CAC(1,0)", ' t="e"', "<v>#DIV/0!</v>"),
        ("KPI_TREND({1;2})", ' t="e"', "<v>#N/A</v>"),
    ],
)
@pytest.mark.parametrize(
    ("old_kind", "old_value"),
    [
        ("", ""),
        ("", "<v>17</v>"),
        (' t="n"', "<v>17</v>"),
        (' t="str"', "<v>old</v>"),
        (' t="str"', '<v xml:space="preserve"> old </v>'),
        (' t="b"', "<v>1</v>"),
        (' t="e"', "<v>#REF!</v>"),
        (' t="inlineStr"', "<is><t>old</t><rPh sb='0' eb='1'><t>x</t></rPh></is>"),
    ],
)
def test_values_of_every_type_replace_values_of_every_type(
    formula: str, kind: str, value: str, old_kind: str, old_value: str
) -> None:
    before = row(f'<c r="A1"{old_kind}><f>{formula}</f>{old_value}</c>')
    after = row(f'<c r="A1"{kind}><f>{formula}</f>{value}</c>')
    got = rows_after(before)
    if not kind and old_kind == ' t="n"':
        after = after.replace('r="A1"', 'r="A1" t="n"')  # which says the same
    assert got == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Attributes keep their order and their quotes.
        (
            "<c s='3' t='str' r='A1'><f>1+1</f><v>x</v></c>",
            "<c s='3' r='A1'><f>1+1</f><v>2</v></c>",
        ),
        # So do white space and what follows the value.
        (
            '<c r="A1"\n t="str" >\n <f>1+1</f>\n <v>x</v>\n</c>',
            '<c r="A1" >\n <f>1+1</f>\n <v>2</v>\n</c>',
        ),
        ('<c r="A1"><f ca="1">1+1</f></c>', '<c r="A1"><f ca="1">1+1</f><v>2</v></c>'),
        # What Excel would show in place of the value goes; that it is dynamic stays.
        (
            '<c r="A1" cm="1" vm="2" t="e"><f t="array" ref="A1">1+1</f><v>#VALUE!</v></c>',
            '<c r="A1" cm="1"><f t="array" ref="A1">1+1</f><v>2</v></c>',
        ),
        ("<c><f>1+1</f></c>", "<c><f>1+1</f><v>2</v></c>"),
        ('<c r="A1" t="str"><f>"b"</f><v>a</v></c>', '<c r="A1" t="str"><f>"b"</f><v>b</v></c>'),
        # Numbers that other programs have written with fewer digits are the same.
        ('<c r="A1"><f>1/3</f><v>0.333333333333333</v></c>',) * 2,
        ('<c r="A1"><f>1/3</f><v>0.3333333333333333</v></c>',) * 2,
        ('<c r="A1"><f>CAC(6,2)</f><v>3.000</v></c>',) * 2,
        ('<c r="A1"><f>""</f><v></v></c>',) * 2,
        (
            '<c r="A1"><f>1/3</f><v>0.33333333333333</v></c>',
            '<c r="A1"><f>1/3</f><v>0.3333333333333333</v></c>',
        ),
    ],
)
def test_all_else_in_a_cell_stays(before: str, after: str) -> None:
    assert rows_after(row(before)) == row(after)


def test_prefixed_elements() -> None:
    content = hand_made('<row r="1"><c r="A1"><v>6</v></c><c r="B1"><f>A1*2</f></c></row>')
    content = edited(content, SHEET, "<worksheet xmlns=", "<worksheet xmlns:x=")
    xml = part(content)
    prefixed = re.sub(r"<(/?)(?!\?)", r"<\1x:", xml)
    content = edited(content, SHEET, xml, prefixed)
    assert '<x:c r="B1"><x:f>A1*2</x:f><x:v>12</x:v></x:c>' in part(recalculated(content)[0])


def test_text_that_xml_cannot_hold() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_string("A1", "a\r\n\tb\x01_x0041_")
        sheet.write_formula("B1", '=A1&""', None, "old")

    content, report = recalculated(written(fill))
    assert report.changed == 1
    assert "<v>a_x000D_\n\tb_x0001__x005F_x0041_</v>" in part(content)
    assert recalculated(content)[0] == content
    assert calculate(content).values["Sheet1", 1, 2] == "a\r\n\tb\x01_x0041_"


def test_shared_formulas_move_as_in_excel() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("Data A1")
        book.add_worksheet("Data A2").write_column("A1", [100, 200])
        sheet.write_column("A1", [1, 2, 3])
        for cell in ("B1", "B2", "B3"):
            sheet.write_formula(cell, "=X", None, 0)

    content = written(fill)
    text = "'Data A1'!A1*10+LEN(\"A1\")+$A$1+A$1"
    for old, new in (
        ('<c r="B1"><f>X</f>', f'<c r="B1"><f t="shared" ref="B1:B3" si="0">{text}</f>'),
        ('<c r="B2"><f>X</f>', '<c r="B2"><f t="shared" si="0"/>'),
        ('<c r="B3"><f>X</f>', '<c r="B3"><f t="shared" si="0"></f>'),
    ):
        content = edited(content, SHEET, old, new)
    xml = part(recalculated(content)[0])
    assert re.findall(r'<f t="shared".*?<v>(\d+)', xml) == ["14", "24", "34"]
    assert xml.count('<f t="shared" si="0"') == 2


# Spills

DYNAMIC = '<c r="B2" s="1" cm="1"><f t="array" ref="{}">{}</f><v>{}</v></c>'


def numbers(*values: float) -> str:
    return "{" + ";".join(map(str, values)) + "}"


def test_a_spill_grows_into_rows_old_and_new() -> None:
    before = (
        '<row r="1" spans="1:1"><c r="A1"><v>1</v></c></row>'
        f'<row r="2">{DYNAMIC.format("B2", "CAC({6,8;10,12;14,16;2,4},2)", 3)}</row>'
        '<row r="3" spans="1:4" s="7" customFormat="1"><c r="A3" s="2"/><c r="D3"/></row>'
        '<row r="5" spans="1:2" ht="20"/>'
        '<row r="9"><c r="A9"><v>1</v></c></row>'
    )
    after = (
        '<row r="1" spans="1:1"><c r="A1"><v>1</v></c></row>'
        f'<row r="2">{DYNAMIC.format("B2:C5", "CAC({6,8;10,12;14,16;2,4},2)", 3)}'
        '<c r="C2"><v>4</v></c></row>'
        '<row r="3" spans="1:4" s="7" customFormat="1"><c r="A3" s="2"/>'
        '<c r="B3" s="7"><v>5</v></c><c r="C3" s="7"><v>6</v></c><c r="D3"/></row>'
        '<row r="4"><c r="B4"><v>7</v></c><c r="C4"><v>8</v></c></row>'
        '<row r="5" spans="1:3" ht="20"><c r="B5"><v>1</v></c><c r="C5"><v>2</v></c></row>'
        '<row r="9"><c r="A9"><v>1</v></c></row>'
    )
    assert rows_after(before) == after


def test_new_cells_look_as_their_column_and_are_in_the_dimension() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.set_column("C:C", 12, book.add_format({"num_format": "0.00"}))
        sheet.write_dynamic_array_formula("B2:B2", "=CAC({6,8;10,12},2)", None, 3)

    content, report = recalculated(written(fill))
    xml = part(content)
    assert '<c r="C2" s="1"><v>4</v></c>' in xml
    assert '<c r="B3"><v>5</v></c><c r="C3" s="1"><v>6</v></c>' in xml
    assert '<dimension ref="B2:C3"/>' in xml
    assert 'spans="2:3"' in xml
    assert report == Report(1, 3, (), ())
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    assert book.active["C3"].number_format == "0.00"
    assert [[c.value for c in line] for line in book.active["B2:C3"]] == [[3, 4], [5, 6]]


def test_a_spill_shrinks_and_leaves_the_looks() -> None:
    before = (
        f'<row r="2">{DYNAMIC.format("B2:C3", "CAC({6;10},2)", 9)}'
        '<c r="C2" s="4" t="str"><v>gone</v></c></row>'
        '<row r="3"><c r="B3" s="5"><v>5</v></c><c r="C3" vm="1"><v>7</v></c></row>'
    )
    after = (
        f'<row r="2">{DYNAMIC.format("B2:B3", "CAC({6;10},2)", 3)}<c r="C2" s="4"/></row>'
        '<row r="3"><c r="B3" s="5"><v>5</v></c><c r="C3"/></row>'
    )
    assert rows_after(before) == after
    one = DYNAMIC.format("B2:B3", "CAC(6,2)", 9)
    before = f'<row r="2">{one}</row><row r="3"><c r="B3" t="s"><v>0</v></c></row>'
    after = f'<row r="2">{DYNAMIC.format("B2", "CAC(6,2)", 3)}</row><row r="3"><c r="B3"/></row>'
    assert rows_after(before) == after


def test_one_spill_makes_room_for_another() -> None:
    before = (
        '<row r="1"><c r="A1" cm="1"><f t="array" ref="A1:A3">CAC({2;4},2)</f><v>1</v></c></row>'
        '<row r="2"><c r="A2"><v>2</v></c></row>'
        '<row r="3"><c r="A3"><v>3</v></c></row>'
        '<row r="4"><c r="A4"><f>SUM(A1:A3)</f><v>6</v></c></row>'
    )
    after = before.replace('A1:A3">', 'A1:A2">').replace('<c r="A3"><v>3</v></c>', '<c r="A3"/>')
    assert rows_after(before) == after.replace("<v>6</v>", "<v>3</v>")


def test_a_blocked_spill_shows_an_error_and_empties_its_cells() -> None:
    """Excel, too, stores #VALUE! for #SPILL!, and what it shows in a part of its own."""
    before = (
        '<row r="1"><c r="A1" cm="1"><f t="array" ref="A1:A2">CAC({2;4;6},2)</f><v>1</v></c>'
        '<c r="B1"><f>A2+1</f><v>9</v></c></row>'
        '<row r="2"><c r="A2"><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="str"><v>mine</v></c></row>'
    )
    after = (
        '<row r="1"><c r="A1" cm="1" t="e">'
        '<f t="array" ref="A1">CAC({2;4;6},2)</f><v>#VALUE!</v></c>'
        '<c r="B1"><f>A2+1</f><v>1</v></c></row>'
        '<row r="2"><c r="A2"/></row>'
        '<row r="3"><c r="A3" t="str"><v>mine</v></c></row>'
    )
    assert rows_after(before) == after
    (failed,) = report_of(before).errors
    assert failed.error == "#SPILL!"
    assert failed.error.sentence == "its block has no room: clear the cells below and beside it"


def test_merged_cells_block_a_spill() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.merge_range("A2:B2", "")
        sheet.write_dynamic_array_formula("A1:A1", "=CAC({2;4;6},2)", None, 1)
        sheet.write_formula("D1", "=A1", None, 1)

    _, report = recalculated(written(fill))
    assert [(failed.cell, str(failed.error)) for failed in report.errors] == [
        ("A1", "#SPILL!"),
        ("D1", "#SPILL!"),
    ]


def test_spills_that_claim_the_same_cells_keep_what_they_have() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_dynamic_array_formula("A3:A3", "=CAC({2,4,6},2)", None, 1)
        sheet.write_dynamic_array_formula("B1:B1", "=CAC({2;4;6},2)", None, 1)
        sheet.write_formula("F1", "=C3", None, 9)
        sheet.write_dynamic_array_formula("H1:H1", "=CAC({2;4;6},2)", None, 1)

    content, report = recalculated(written(fill))
    assert {kept.cell for kept in report.kept} == {"A3", "B1", "F1"}
    assert '<f t="array" ref="H1:H3"' in part(content)


def test_a_spill_keeps_out_of_tables() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.add_table("A2:A4", {"header_row": False})
        sheet.write_dynamic_array_formula("A1:A1", "=CAC({2;4},2)", None, 1)

    assert [kept.cell for kept in recalculated(written(fill))[1].kept] == ["A1"]


def test_old_arrays_never_grow() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_array_formula("A1:A2", "{=CAC({6;8},2)}", None, 0)
        sheet.write_array_formula("C1:C2", "{=CAC({6;8;10},2)}", None, 0)
        sheet.write_array_formula("E1:E2", "{=CAC(G1:G2,H1:H3)}", None, 0)
        sheet.write_formula("D1", "=C2", None, 5)

    before = written(fill)
    content, report = recalculated(before)
    assert report.kept == ()
    cells = openpyxl.load_workbook(io.BytesIO(content), data_only=True).active
    assert [cells[cell].value for cell in ("A1", "A2", "A3")] == [3, 4, None]
    assert [cells[cell].value for cell in ("C1", "C2", "C3", "D1")] == [3, 4, None, 4]
    assert [cells[cell].value for cell in ("E1", "E2", "E3")] == ["#VALUE!", "#VALUE!", None]


def test_a_spill_of_thousands_of_cells() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", range(1, 20_001))
        sheet.write_dynamic_array_formula("C1:C3", "=CAC(A1:A20000,2)", None, 9)
        sheet.write_formula("E1", "=SUM(C1:C20000)", None, 9)

    content, report = recalculated(written(fill))
    assert report.kept == ()
    assert report.changed == 20_001
    frame = openpyxl.load_workbook(io.BytesIO(content), data_only=True, read_only=True).active
    column = [line[0] for line in frame.iter_rows(min_col=3, max_col=3, values_only=True)]
    assert column == [n / 2 for n in range(1, 20_001)]
    assert recalculated(content)[0] == content


# Formulas that keep their old value


def test_what_is_not_sure_keeps_its_value_and_so_do_its_dependents() -> None:
    before = (
        '<row r="1"><c r="A1" t="str"><f>OFFSET(D1,N(0),0)</f><v>old</v></c>'
        '<c r="B1"><f>LEN(A1)</f><v>99</v></c><c r="C1"><f>CAC(6,2)</f><v>0</v></c></row>'
        '<row r="2"><c r="A2"><f>IF(FALSE,B1,7)</f><v>98</v></c>'
        '<c r="B2"><f>[1]Sheet1!A1</f><v>97</v></c></row>'
    )
    assert rows_after(before) == before.replace("<v>0</v>", "<v>3</v>")
    report = report_of(before)
    assert (report.formulas, report.changed) == (5, 1)
    assert {kept.cell for kept in report.kept} == {"A1", "B1", "A2", "B2"}
    assert report.kept[0].sheet == "Sheet1"
    assert "OFFSET" in report.kept[0].reason


def test_a_data_table_keeps_all_its_cells() -> None:
    before = (
        '<row r="1"><c r="A1"><f t="dataTable" ref="A1:A2" dt2D="0" dtr="0" r1="D1"/><v>1</v></c>'
        '<c r="B1"><f>A2*2</f><v>4</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>'
    )
    assert rows_after(before) == before
    assert {kept.cell for kept in report_of(before).kept} == {"A1", "B1"}


@pytest.mark.parametrize("code", ["#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#GETTING_DATA"])
def test_newer_errors_as_constants_are_not_computed_with(code: str) -> None:
    before = row(
        f'<c r="A1" t="e"><v>{code}</v></c>',
        '<c r="B1"><f>A1+1</f><v>1</v></c>',
        '<c r="C1"><f>CAC(6,2)</f><v>3</v></c>',
    )
    assert rows_after(before) == before
    assert [kept.cell for kept in report_of(before).kept] == ["B1"]


def test_data_types_are_not_computed_with() -> None:
    """A share or a place is held as an error, with what it is in another part."""
    before = row('<c r="A1" t="e" vm="1"><v>#VALUE!</v></c>', '<c r="B1"><f>COUNTA(A1:A1)</f></c>')
    assert rows_after(before) == before
    assert [kept.cell for kept in report_of(before).kept] == ["B1"]


def test_newer_errors_in_what_a_spill_had_filled_are_replaced() -> None:
    anchor = '<c r="A1" cm="1"><f t="array" ref="A1:B1">CAC({6,8},2)</f><v>3</v></c>'
    before = row(anchor, '<c r="B1" t="e"><v>#CALC!</v></c>')
    assert rows_after(before) == row(anchor, '<c r="B1"><v>4</v></c>')


@pytest.mark.parametrize(
    ("held", "stays"),
    [
        ('t="e" vm="1"><f t="array" ref="A1">{}</f><v>#VALUE!</v>', True),
        ('t="e"><f t="array" ref="A1">{}</f><v>#SPILL!</v>', True),
        ('t="e"><f t="array" ref="A1">{}</f><v>#VALUE!</v>', True),
        ('t="e"><f t="array" ref="A1">{}</f><v>#REF!</v>', False),
    ],
)
def test_a_spill_that_is_still_blocked(held: str, stays: bool) -> None:
    before = row(
        '<c r="A1" cm="1" ' + held.format("CAC({6,8},2)") + "</c>", '<c r="B1"><v>1</v></c>'
    )
    assert (rows_after(before) == before) is stays
    now = before.replace("CAC({6,8},2)", 'CAC("x",1)')  # whose error is an old one
    assert (rows_after(now) == now) is (">#VALUE!" in held and "vm" not in held)


def test_a_merged_cell_may_hold_an_array_formula() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.merge_range("A1:B2", "")
        sheet.write_dynamic_array_formula("A1:A1", "=FILTER({5;6},{5;6}>5)", None, 1)

    content, report = recalculated(written(fill))
    assert (report.errors, report.kept) == ((), ())
    assert openpyxl.load_workbook(io.BytesIO(content), data_only=True).active["A1"].value == 6


def test_what_a_spill_may_grow_into_is_not_computed_with() -> None:
    """The one in A1 is not computed, so that nobody knows how far it reaches now."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_dynamic_array_formula("A1:A2", "=UNIQUE(D1:D9)", None, 1)
        sheet.write("A6", "an end")
        sheet.write_formula("F1", "=A5", None, 1)
        sheet.write_formula("F2", "=A7", None, 1)
        sheet.write_formula("F3", "=C1", None, 1)
        sheet.write_formula("F4", "=D5", None, 1)
        sheet.write("D1", 5)

    assert {kept.cell for kept in recalculated(written(fill))[1].kept} == {"A1", "F1", "F3"}


def test_dependents_through_names_tables_and_spills() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        data = book.add_worksheet("Data")
        data.add_table("A1:B3", {"name": "Spend", "columns": [{"header": "a"}, {"header": "b"}]})
        data.write_column("A2", [1, 2])
        data.write_formula("B2", "=OFFSET(A2,N(0),0)", None, 5)
        data.write_formula("B3", "=A3", None, 5)
        data.write_dynamic_array_formula("F1:F2", "=Spend[b]*1", None, 5)
        report = book.add_worksheet("Report")
        book.define_name("Costs", "=Data!$B$2:$B$3")
        for number, formula in enumerate(
            (
                "=SUM(Costs)", "=SUM(Spend[b])", "=SUM(Data!B:B)", "=Data!F2",
                "=SUM(_xlfn.ANCHORARRAY(Data!F1))", "=IF(Data!A2>9,Data!B2,0)",
                "=XLOOKUP(2,Spend[a],Spend[b])", "=CHOOSE(2,Data!B2,1)",
            )
        ):  # fmt: skip
            report.write_formula(number, 0, formula, None, 5)
        report.write_formula("C1", "=SUM(Spend[a])", None, 5)

    _, report = recalculated(written(fill))
    kept = {f"{kept.sheet}!{kept.cell}" for kept in report.kept}
    assert kept == {"Data!B2", "Data!F1", *(f"Report!A{row}" for row in range(1, 9))}


def test_the_whole_workbook_is_refused_where_nothing_is_sure() -> None:
    content = sheet_of({"A1": "=CAC(6,2)"})
    rounding = edited(content, "xl/workbook.xml", "<calcPr ", '<calcPr fullPrecision="0" ')
    with pytest.raises(RefusedError, match="precision"):
        recalculated(rounding)


# The package


def with_parts(content: bytes, *parts: tuple[str, bytes], stream: bool = False) -> bytes:
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts:
            with package.open(name, "w", force_zip64=stream) as member:
                member.write(data)
    return out.getvalue()


def raw_members(content: bytes) -> dict[str, bytes]:
    """Each member's header and compressed bytes, as they are in the archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        members = sorted(package.infolist(), key=lambda member: member.header_offset)
        ends = [*(member.header_offset for member in members[1:]), package.start_dir]
        return {
            member.filename: content[member.header_offset : end]
            for member, end in zip(members, ends, strict=True)
        }


def without_values(sheet: bytes) -> bytes:
    """A sheet's XML without its formulas' cached values and their types."""

    def bare(cell: re.Match[bytes]) -> bytes:
        if b"<f" not in cell[0]:
            return cell[0]
        return re.sub(rb' t="\w+"(?=[^>]*><f)|<v[^>]*>[^<]*</v>|<v/>', b"", cell[0])

    return re.sub(rb"<c [^>]*>.*?</c>", bare, sheet)


def assert_untouched_but_for_values(old: bytes, new: bytes) -> None:
    before, after = raw_members(old), raw_members(new)
    assert list(before) == list(after)
    for name in before:
        if before[name] != after[name]:
            assert name.startswith("xl/worksheets/sheet")
            sheets = [zipfile.ZipFile(io.BytesIO(content)).read(name) for content in (old, new)]
            assert without_values(sheets[0]) == without_values(sheets[1])


def everything(book: xlsxwriter.Workbook) -> None:
    """A workbook as people make them, whose cached values are all 0."""
    data, report = book.add_worksheet("My data"), book.add_worksheet("Report")
    money = book.add_format({"num_format": "#,##0.00", "bold": True})
    data.add_table(
        "A1:C4", {"name": "Ads", "columns": [{"header": h} for h in ("ad", "cost", "won")]}
    )
    for line, cells in enumerate([("x", 100, 4), ("y", 200, 0), ("<z>", 300, 3)], start=1):
        data.write_row(line, 0, cells)
        data.write_formula(line, 4, f"=CAC(B{line + 1},C{line + 1})", money)
    data.write_comment("A2", "look here")
    data.conditional_format("B2:B4", {"type": "data_bar"})
    data.data_validation("C2:C4", {"validate": "integer", "criteria": ">", "value": 0})
    data.autofilter("E1:E4")
    data.protect("secret")
    report.write_formula("A1", "=SUM(Ads[cost])", money)
    report.write_formula("A2", "='C:\\add ins\\kpi_xl.xlam'!CAC(A1,6)")
    report.write_formula("A3", '=_xludf.CAC(A1,6)&""')
    report.write_formula("A4", "=A1>1")
    report.write_formula("A5", "=COST_PER_MQL(A1,0)")
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "='My data'!$E$2:$E$4"})
    report.insert_chart("C1", chart)
    book.define_name("Total", "=Report!$A$1")


def test_all_other_parts_stay_byte_for_byte() -> None:
    book = with_parts(
        written(everything),
        ("customXml/item1.xml", b"<mine/>"),
        ("xl/threadedComments/threadedComment1.xml", b"<ThreadedComments/>"),
        ("xl/pivotCache/pivotCacheRecords1.xml", b"<r/>"),
        ("xl/vbaProject.bin", bytes(range(256)) * 20),
        stream=True,
    )
    content, report = recalculated(book)
    assert_untouched_but_for_values(book, content)
    assert report.kept == ()
    assert [(failed.sheet, failed.cell) for failed in report.errors] == [
        ("My data", "E3"),
        ("Report", "A5"),
    ]
    cells = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    assert [cell.value for (cell,) in cells["Report"]["A1:A5"]] == [
        600, 100, "100", True, "#DIV/0!",
    ]  # fmt: skip
    assert [cell.value for (cell,) in cells["My data"]["E2:E4"]] == [25, "#DIV/0!", 100]
    again, report = recalculated(content)
    assert again == content
    assert report.changed == 0


@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("zip64", [True, False])
def test_archives_however_they_are_written(seekable: bool, zip64: bool) -> None:
    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.written += data
            return len(data)

    source = sheet_of({"A1": 6, "B1": "=CAC(A1,4)"})
    out: Any = io.BytesIO() if seekable else Stream()
    with (
        zipfile.ZipFile(io.BytesIO(source)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        new.comment = b"made by hand"
        for name in old.namelist():
            member = zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6))
            member.compress_type = zipfile.ZIP_STORED if "theme" in name else zipfile.ZIP_DEFLATED
            member.extra = struct.pack("<2H3s", 0xCAFE, 3, b"abc")
            member.comment = name.encode()
            with new.open(member, "w", force_zip64=zip64) as file:
                file.write(old.read(name))
    book = out.getvalue() if seekable else bytes(out.written)
    content, report = recalculated(book)
    assert report.changed == 1
    assert_untouched_but_for_values(book, content)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        assert package.comment == b"made by hand"
        for member in package.infolist():
            assert member.date_time == (2001, 2, 3, 4, 5, 6)
            assert member.comment.decode() == member.filename
            assert b"abc" in member.extra
    assert recalculated(content)[0] == content


def test_files_that_are_something_else_say_so() -> None:
    compound = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600)
    with pytest.raises(NotAWorkbookError, match="is an old"):
        recalculated(compound)
    with pytest.raises(NotAWorkbookError, match="encrypted"):
        recalculated(compound + "EncryptedPackage".encode("utf-16-le"))
    book = sheet_of({"A1": "=1+1"})
    binary = edited(book, "_rels/.rels", "xl/workbook.xml", "xl/workbook.bin")
    with pytest.raises(NotAWorkbookError, match="xlsb"):
        recalculated(binary)
    with pytest.raises(NotAWorkbookError, match="OpenDocument"):
        recalculated(with_parts(book, ("content.xml", b"<x/>")))
    kind = "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin"
    relation = f'<Relationship Id="rId9" Type="{kind}" Target="_xmlsignatures/origin.sigs"/>'
    signed = edited(book, "_rels/.rels", "</Relationships>", f"{relation}</Relationships>")
    with pytest.raises(RefusedError, match="signed"):
        recalculated(signed)


@pytest.mark.parametrize(
    "rows",
    [
        '<!-- a comment --><row r="1"/>',
        '<row r="1"><c r="A1" t="str"><f>"a"</f><v><![CDATA[a]]></v></c></row>',
        '<row r="2"><c r="A2"><f>1+1</f></c></row><row r="1"/>',
        '<row r="1"><c r="A1"><f>1+1</c></row>',
    ],
)
def test_sheets_unlike_those_of_excel_say_so(rows: str) -> None:
    with pytest.raises(NotAWorkbookError, match="Sheet1"):
        recalculated(hand_made(rows))


# Files of other programs


def test_openpyxls_files_get_their_values(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    cells = book.active
    for line in ((100, 4), (200, 0), (50, 2)):
        cells.append(line)
    for number in (1, 2, 3):
        cells[f"C{number}"] = f"=CAC(A{number},B{number})"
    cells["D1"] = '=KPI_STATUS(95,100)&" <&> "'
    path = tmp_path / "book.xlsx"
    book.save(path)
    content, report = recalculated(path.read_bytes())
    assert_untouched_but_for_values(path.read_bytes(), content)
    assert (report.formulas, report.changed, report.kept) == (4, 4, ())
    shown = openpyxl.load_workbook(io.BytesIO(content), data_only=True).active
    assert [shown[f"C{number}"].value for number in (1, 2, 3)] == [25, "#DIV/0!", 25]
    assert shown["D1"].value == "at risk <&> "


def test_libreoffices_files_keep_what_libreoffice_computed(tmp_path: Path) -> None:
    """Two engines agree: its values of native formulas stay; KPI functions get ours."""
    office = program("soffice", "LibreOffice writes the workbook")

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("Data")
        sheet.write_column("A1", [1.1, 2.7, 3.14, 0.001, 12345678.9])
        sheet.write_column("B1", ["a", "b ", " <c>", "", "é"])
        for number in range(1, 6):
            sheet.write_formula(f"C{number}", f"=A{number}/3")
            sheet.write_formula(f"D{number}", f'=B{number}&" "&A{number}')
            sheet.write_formula(f"E{number}", f"=A{number}>2")
            sheet.write_formula(f"F{number}", f"=CAC(A{number},$A$2)")
        sheet.write_formula("G1", "=SUM(A1:A5)")
        sheet.write_formula("G2", "=NA()")
        sheet.write_formula("G3", '=SUMIFS(A1:A5,B1:B5,"a")')
        sheet.write_array_formula("H1:H3", "{=A1:A3*2}")

    source = tmp_path / "in.xlsx"
    source.write_bytes(written(fill))
    subprocess.run(
        [office, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless",
         "--convert-to", "ods", "--outdir", str(tmp_path), str(source)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    subprocess.run(
        [office, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless",
         "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "out"),
         str(tmp_path / "in.ods")],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    book = (tmp_path / "out" / "in.xlsx").read_bytes()
    content, report = recalculated(book)
    assert report.kept == ()
    assert_untouched_but_for_values(book, content)
    shown = openpyxl.load_workbook(io.BytesIO(content), data_only=True).active
    held = openpyxl.load_workbook(io.BytesIO(book), data_only=True).active
    for line in shown.iter_rows():
        for cell in line:
            if cell.column_letter != "F":
                assert cell.value == held[cell.coordinate].value, cell.coordinate
    assert shown["F1"].value == pytest.approx(1.1 / 2.7, rel=1e-15)
    assert report.changed == 5


# The retention workbook


@pytest.fixture(scope="module")
def demo() -> bytes:
    """Of every twentieth customer."""
    orders = retention.sample().data["Orders"]
    chosen = set(sorted(set(orders["customer"]))[::20])
    mine = [customer in chosen for customer in orders["customer"]]
    few = {name: list(compress(cells, mine)) for name, cells in orders.items()}
    return build(retention.TEMPLATE, {"Orders": few}).content


def test_the_retention_workbook_as_it_comes_stays_byte_for_byte(demo: bytes) -> None:
    content, report = recalculated(demo)
    assert content == demo
    assert report.formulas > 1000
    assert (report.changed, report.kept, report.errors) == (0, (), ())


def by_quarters(demo: bytes) -> bytes:
    """The retention workbook after its user chose quarters, and a further sheet."""
    summary = "xl/worksheets/sheet2.xml"
    _, address = read_package(demo).names[None, "period"].split("!")
    (cell,) = re.findall(f'<c r="{address.replace("$", "")}".*?</c>', part(demo, summary))
    mine = re.sub(' t="s"><v>.*?</v>', ' t="inlineStr"><is><t>Q</t></is>', cell)
    book = edited(demo, summary, cell, mine)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    book = edited(
        book, "xl/workbook.xml", "</sheets>",
        '<sheet name="Mine" sheetId="99" r:id="rId99"/></sheets>',
    )  # fmt: skip
    book = edited(
        book, "xl/_rels/workbook.xml.rels", "</Relationships>",
        f'<Relationship Id="rId99" Type="{office}/worksheet" Target="worksheets/mine.xml"/>'
        "</Relationships>",
    )  # fmt: skip
    book = edited(
        book, "[Content_Types].xml", "</Types>",
        '<Override PartName="/xl/worksheets/mine.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    )  # fmt: skip
    rows = (
        '<row r="1"><c r="A1" s="0"><f>CAC(SUM(Orders[amount]),OrderCount)</f></c></row>'
        '<row r="2"><c r="A2"><f>KPI_STATUS(RepeatRate,0.9)</f></c></row>'
    )
    sheet = f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
    return with_parts(book, ("xl/worksheets/mine.xml", sheet.encode()))


def test_the_retention_workbook_follows_its_user(demo: bytes, tmp_path: Path) -> None:
    book = by_quarters(demo)
    content, report = recalculated(book)
    assert (report.kept, report.errors) == ((), ())
    assert report.changed > 300
    cells = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    amounts = [cell.value for (cell,) in cells["Orders"]["C5:C2000"] if cell.value is not None]
    assert cells["Mine"]["A1"].value == pytest.approx(sum(amounts) / len(amounts))
    assert cells["Mine"]["A2"].value == "off track"
    labels = {cell.value for (cell,) in cells["Cohorts"]["A6:A28"]} - {None, ""}
    assert labels == {"1997-Q1", *(f"1997-Q{n}" for n in (2, 3, 4)), "1998-Q1", "1998-Q2"} & labels
    assert "1997-Q1" in labels
    path = tmp_path / "quarters.xlsx"
    path.write_bytes(content)
    validated(path)
    before = raw_members(book)
    changed = {name for name, raw in raw_members(content).items() if raw != before[name]}
    assert all(name.startswith("xl/worksheets/") for name in changed)
    again, _ = recalculated(content)
    assert again == content


def test_both_validators_accept_what_is_written(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        everything(book)
        sheet = book.add_worksheet()
        sheet.write_dynamic_array_formula("A1:A4", "=CAC({6,8;10,0},2)", None, 0)
        sheet.write_dynamic_array_formula("A8:A8", '=IF({1;2}>1," a "," b ")', None, 0)
        sheet.write_dynamic_array_formula("D1:D1", "=CAC({6;8},2)", None, 0)
        sheet.write("D2", "in the way")

    path = tmp_path / "book.xlsx"
    path.write_bytes(recalculated(written(fill))[0])
    validated(path)


# Any workbook

VALUES = st.one_of(
    st.integers(-1000, 1000),
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
    st.booleans(),
)
FORMULAS = st.sampled_from(
    [
        "=CAC(A1,A2)",
        "=ROAS(A2,A3)",
        '=A1&"|"&A4',
        "=IFERROR(CAC(A3,A4),A1)",
        "=A2>A3",
        "=SUM(A1:A6)",
        "=KPI_STATUS(A1,A2)",
        "=OFFSET(A1,N(0),0)",
        "=C1",
        "=C2",
        "=SUM(C1:C3)",
        "{=CAC(A1:A3,2)",
        "{=FILTER(A1:A6,A1:A6>0)",
        '{=IF(A1:A4>A2,A1:A4,"")',
        "{=A1:A2*{1,2}",
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    inputs=st.lists(VALUES, min_size=6, max_size=6),
    new=st.lists(VALUES, min_size=6, max_size=6),
    formulas=st.lists(FORMULAS, min_size=1, max_size=5),
)
def test_changed_workbooks_hold_what_is_computed(
    inputs: list[Any], new: list[Any], formulas: list[str]
) -> None:
    def book_of(values: list[Any]) -> bytes:
        def fill(book: xlsxwriter.Workbook) -> None:
            sheet = book.add_worksheet()
            for number, value in enumerate(values):
                write = sheet.write_string if isinstance(value, str) else sheet.write
                write(number, 0, value)
            for number, formula in enumerate(formulas):
                place = number * 8, 2
                if formula.startswith("{"):
                    sheet.write_dynamic_array_formula(*place, *place, formula[1:], None, 0)
                else:
                    sheet.write_formula(*place, formula, None, 0)

        return written(fill)

    computed_once, _ = recalculated(book_of(inputs))
    xml, cells = part(computed_once), part(book_of(new))
    changed = computed_once
    for number in range(1, 7):
        old = re.search(rf'<c r="A{number}".*?(?:</c>|/>)', xml)
        fresh = re.search(rf'<c r="A{number}".*?(?:</c>|/>)', cells)
        if old and fresh and 't="s"' not in old[0] + fresh[0]:
            changed = edited(changed, SHEET, old[0], fresh[0])
    content, report = recalculated(changed)
    computed = calculate(changed)
    held = {
        (cell.row, cell.column): "" if cell.value is None else cell.value
        for line in openpyxl.load_workbook(io.BytesIO(content), data_only=True).active.iter_rows()
        for cell in line
    }
    for (_, top, left), value in computed.values.items():
        block = value if isinstance(value, list) else [[value]]
        for i, line in enumerate(block):
            for j, shown in enumerate(line):
                got = held.get((top + i, left + j), "")
                expected = "#VALUE!" if shown in ("#SPILL!", "#CALC!") else shown
                if isinstance(shown, str) and re.search(r"[\r\x00-\x1f]|_x", shown):
                    continue  # openpyxl does not read these back
                assert got == expected
                assert isinstance(got, bool) == isinstance(shown, bool)
    assert {f"Sheet1!{kept.cell}" for kept in report.kept} == set(computed.refused)
    assert recalculated(content)[0] == content


# Beside the values in the file


def by_excel(content: bytes) -> bytes:
    """As Excel saves it: it does not ask itself to compute everything anew."""
    return edited(content, "xl/workbook.xml", ' fullCalcOnLoad="1"', "")


def with_values(**values: tuple[str, Any]) -> bytes:
    """Formulas with the values that a file has for them, beside 5 in A1 and 2 in A2."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_column("A1", [5, 2])
        for cell, (formula, held) in values.items():
            sheet.write_formula(cell, formula, None, held)

    return written(fill)


def test_what_differs_from_the_file_is_told_and_nothing_is_written() -> None:
    content = with_values(
        B1=("=CAC(A1,A2)", 2.5),
        B2=("=A1+A2", 8),
        B3=('=A1&"x"', "5y"),
        B4=("=OFFSET(A1,N(0),0)", 5),
        B5=("=A1/3", 1.66666666666667),
        B6=("=A1/3", 1.6666666666668),
        B7=("=A1>A2", False),
    )
    found = compared(content)
    assert found.formulas == 7
    assert [tuple(one) for one in found.differences] == [
        ("Sheet1", "B2", 8.0, 7.0),
        ("Sheet1", "B3", "5y", "5x"),
        ("Sheet1", "B7", False, True),
    ]
    assert [kept.cell for kept in found.kept] == ["B4"]
    assert compared(recalculated(content)[0]).differences == ()


def test_what_excel_gave_otherwise_is_named() -> None:
    values = {
        "B1": ("=CAC(A1,A2)", 3),  # against Excel
        "B2": ("=B1*2", 6),  # which follows from it
        "B3": ("=TODAY()", 1),
        "B4": ("=B3+1", 2),
        "B5": ("=A1+A2", 7),
    }
    content = with_values(**values)
    assert recalculated(content)[1].against_excel == ()
    report = recalculated(by_excel(content))[1]
    assert [tuple(one) for one in report.against_excel] == [("Sheet1", "B1", 3.0, 2.5)]
    others = edited(by_excel(content), "docProps/app.xml", "Microsoft Excel", "LibreOffice")
    assert recalculated(others)[1].against_excel == ()


@pytest.mark.parametrize(("held", "code"), [(2.5, 0), (3, 1)])
def test_the_command_checks_without_writing(held: float, code: int, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    content = with_values(B1=("=CAC(A1,A2)", held), B2=("=OFFSET(A1,N(0),0)", 1))
    path.write_bytes(content)
    run = kpi_xl("recalc", "--check", str(path), "--json")
    assert run.returncode == code, run.stderr
    record = json.loads(run.stdout)
    assert [one["cell"] for one in record["differences"]] == ["B1"][:code]
    assert [one["cell"] for one in record["kept"]] == ["B2"]
    assert path.read_bytes() == content
    again = kpi_xl("recalc", "--check", str(path), "--out", str(tmp_path / "x.xlsx"))
    assert again.returncode == 2


def test_each_error_has_the_reason_of_its_own_function() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for formula in ('=CAC("x",1)', '=CLV("y",1,1)', "=VALUE(\"z\")", "=ROAS(1,0)", "=ROAS(2,0)",
                    '=AOV("t",2)', '=AOV("u",2)', '=CAC(1,1)+VALUE("z")',
                    '=1+CPL("v",1)'):  # fmt: skip
        sheet.append([formula])
    out = io.BytesIO()
    book.save(out)
    values = calculate(out.getvalue()).values
    said = [getattr(values["Sheet", row, 1], "sentence", "") for row in range(1, 10)]
    assert said[0] == 'CAC: spend is the text "x", not a number'
    assert said[1] == 'CLV: order_value is the text "y", not a number'
    assert said[2].startswith("it comes from a native function")
    assert said[3] == said[4]
    assert said[3].startswith("ROAS: ad_spend is 0")
    # Which of two it is, and whether it is a function of ours, is not known: no one is told.
    assert all("explain says why" in sentence for sentence in said[5:8])
    assert said[8] == 'probably: CPL: spend is the text "v", not a number'


def test_the_cells_that_a_formula_has_spilled_into_are_no_rows_of_the_sheet() -> None:
    """Or each of a thousand columns beside a long spill were read down to its end."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_dynamic_array_formula("A2:A9", "=ROW(A2:A9)", None, 2)
        for row in range(2, 9):
            sheet.write_number(row, 0, row + 1)
        sheet.write("B3", "own")

    assert read_package(written(fill)).last_rows == {"Sheet1": 3}


def test_how_much_is_written_is_told() -> None:
    """And of the engine nothing, of which nobody knows."""

    def fill(book: Any) -> None:
        for name in ("One", "Two", "Three"):
            sheet = book.add_worksheet(name)
            for row in range(4):
                sheet.write_formula(row, 0, f"=1+{row}")

    told: list[tuple[Any, ...]] = []
    recalculated(written(fill), lambda *one: told.append(one))
    assert [str(what) for what, *_ in told[:2]] == ["Reading the workbook", "Computing 12 formulas"]
    assert [share for _, *share in told] == [[], [], [0.0], [pytest.approx(1 / 3)],
                                             [pytest.approx(2 / 3)]]  # fmt: skip
