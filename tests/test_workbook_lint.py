"""One sound workbook; one change of it that breaks each rule, and just that rule is named."""

import io
import re
import zipfile
from html import escape

import pytest
import xlsxwriter
from workbook_lint import NEWER, WORKSHEET_ONLY, lint

from kpi_xl.engine import native

FREE = "ROUND(2.5,0)"
"""The formula that stands in a cell of its own, for changes."""

BOOK, ORDERS, SUMMARY = (
    "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml",
)  # fmt: skip
CHART, TABLE, STYLES = "xl/charts/chart1.xml", "xl/tables/table1.xml", "xl/styles.xml"
NOTES, TEXTS, LINKS = (
    "xl/comments1.xml",
    "xl/sharedStrings.xml",
    "xl/worksheets/_rels/sheet2.xml.rels",
)


def sound() -> bytes:
    """A workbook with something for every rule to look at, and nothing wrong."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False})
    orders, summary = book.add_worksheet("Orders"), book.add_worksheet("All, summed")
    marked = book.add_format({"quote_prefix": True})
    money = book.add_format({"num_format": '[$€-407]#,##0.00;[Red]-0 "€"'})
    look = book.add_format({"bold": True})
    columns = [{"header": name} for name in ("customer", "share", "amount")]
    orders.add_table(0, 0, 3, 2, {"name": "Orders", "columns": columns})
    for row, cells in enumerate((("Ann", 0.5, 10), ("Bob", 0.2, 20), ("=1+1", 0.3, 30)), start=1):
        orders.write_string(row, 0, cells[0], marked)
        orders.write_number(row, 1, cells[1])
        orders.write_number(row, 2, cells[2], money)
    orders.freeze_panes(1, 1)
    orders.repeat_rows(0)
    summary.write_string(0, 0, "Budget")
    summary.write_number(0, 1, 60)
    summary.write_formula(1, 1, "=CAC(Budget,COUNTA(Orders[customer]))", None, 20)
    summary.write_formula(2, 1, "=SUM(Amounts)", None, 60)
    summary.write_formula(3, 1, f"={FREE}", None, 3)
    summary.write_formula(4, 1, '=IF(B1>0,"yes","no")', None, "yes")
    summary.write_dynamic_array_formula(
        0, 3, 2, 4, "=CHOOSECOLS(Orders!$A$2:$C$4,1,3)", None, "Ann"
    )
    for row, column, cell in ((0, 4, 10), (1, 3, "Bob"), (1, 4, 20), (2, 3, ""), (2, 4, 30)):
        summary.write(row, column, cell, money)
    summary.write_string(2, 3, "", money)
    summary.merge_range("G1:H1", "a heading")
    book.define_name("Budget", "='All, summed'!$B$1")
    book.define_name("Amounts", "=Orders!$C$2:$C$4")
    summary.data_validation("A6", {"validate": "list", "source": ["week", "month"]})
    summary.data_validation("A7", {"validate": "list", "source": "=Orders!$A$2:$A$4"})
    summary.data_validation("A8", {"validate": "decimal", "criteria": ">", "value": 0})
    summary.conditional_format(
        "B1:B5", {"type": "formula", "criteria": "=B1>Budget", "format": look}
    )
    summary.conditional_format(
        "E1:E3", {"type": "data_bar", "data_bar_2010": True, "min_type": "num", "min_value": 0}
    )
    summary.conditional_format("E1:E3", {"type": "icon_set", "icon_style": "3_arrows"})
    summary.conditional_format("E1:E3", {"type": "2_color_scale"})
    summary.add_sparkline("F1", {"range": "Orders!$C$2:$C$4"})
    summary.write_url("A9", "internal:Orders!A1", string="to the orders")
    summary.write_url("A10", "https://example.org/")
    summary.write_comment("A1", "What may be spent.")
    summary.print_area("A1:H30")
    chart = book.add_chart({"type": "column"})
    chart.add_series(
        {"name": "Amount", "categories": "=Orders!$A$2:$A$4", "values": "=Orders!$C$2:$C$4"}
    )
    chart.set_title({"name": "Orders"})
    summary.insert_chart("A14", chart)
    book.close()
    return file.getvalue()


SOUND = sound()


def changed(*edits: tuple[str, str, str]) -> bytes:
    """The sound workbook after some changes of its parts: part, old text, new text."""
    with zipfile.ZipFile(io.BytesIO(SOUND)) as package:
        parts = {name: package.read(name).decode() for name in package.namelist()}
    for part, old, new in edits:
        assert old in parts[part], f"{part} has no {old}"
        parts[part] = parts[part].replace(old, new, 1)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name, xml in parts.items():
            package.writestr(name, xml)
    return file.getvalue()


def test_a_sound_workbook_breaks_nothing() -> None:
    assert lint(SOUND) == []


FORMULAS = {
    "SUM(((1": "cannot be read",
    "1+": "ends too early",
    "1 2": "cannot be read from",
    f"SUM({'1+' * 4096}1)": "8,199 characters",
    "ABS(" * 65 + "1" + ")" * 65: "65 deep",
    f"SUM({','.join(['1'] * 256)})": "256 arguments",
    f'LEN("{"x" * 256}")': "has 256 characters",
    "NORMSINV(0.5)": "NORMSINV is neither",
    "_xlfn.CAC(1,2)": "must be stored as CAC()",
    "[1]!CAC(1,2)": "must be stored as CAC()",
    "CONCAT(A1,A1)": "must be stored as _xlfn.CONCAT()",
    "_xlfn.FILTER(D1:D3,E1:E3>10)": "must be stored as _xlfn._xlws.FILTER()",
    "_xlfn.ROUND(1.5,0)": "must be stored as ROUND()",
    "IFERROR(1/0,0)": "IFERROR hides errors",
    "_xlfn.IFNA(A1,0)": "IFNA hides errors",
    "TODAY()": "computed anew at every change",
    "OFFSET(A1,1,1)": "computed anew at every change",
    "_xlfn.SINGLE(A1)": "@ takes one cell",
    "@A1": "@ takes one cell",
    "SUM(D1#)": "ANCHORARRAY",
    "SUM(#REF!)": "holds the error #REF!",
    "SUM(E:E)": "a whole column",
    "SUM(Orders!$2:$2)": "a whole column or row",
    "SUM(Orders!C1:C1048576)": "a whole column",
    "[1]Sheet1!A1": "points to another workbook",
    "Gone!A1": 'no sheet "Gone"',
    "SUM(Gone[amount])": 'no table "Gone"',
    "SUM(Orders[gone])": 'no column "gone"',
    "Gone+1": 'no name "Gone"',
    "XFE1+1": 'no name "XFE1"',
    "A1048577+1": 'no name "A1048577"',
    "SUM(Orders[@amount])": "write [[#This Row],[column]]",
    "Orders[[#This Row],[amount]]": "",  # in another sheet, but in a row that Orders has
    "Orders[amount]*2": "enter it as a dynamic array formula",
    "SUMPRODUCT((Orders[amount]>10)*1)+SUM(E1:E3)": "",
    "cac(Budget,3)": "",
    "SUM(_xlfn.ANCHORARRAY(D1))": "",
}


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula[:30])
def test_formulas(formula: str) -> None:
    found = lint(changed((SUMMARY, f"<f>{FREE}</f>", f"<f>{escape(formula)}</f>")))
    if FORMULAS[formula]:
        assert len(found) == 1, found
        assert found[0].startswith("'All, summed'!B4: ")
        assert FORMULAS[formula] in found[0]
    else:
        assert found == []


NAME = '<definedName name="Budget">'
VALUE = f"<f>{FREE}</f><v>3</v>"
SPILLED = '<c r="E2" s="2"><v>20</v></c>'
BROKEN = {
    # Names
    "name like a cell": (
        [(BOOK, NAME, f'<definedName name="LTV2">Orders!$A$1</definedName>{NAME}')],
        "name LTV2: it looks like a cell",
    ),
    "name like R1C1": (
        [(BOOK, NAME, f'<definedName name="R2C">Orders!$A$1</definedName>{NAME}')],
        "name R2C: it looks like a cell",
    ),
    "illegal name": (
        [(BOOK, NAME, f'<definedName name="Big spend">Orders!$A$1</definedName>{NAME}')],
        "name Big spend: it is no legal name",
    ),
    "name of a KPI function": (
        [(BOOK, NAME, f'<definedName name="Roas">Orders!$A$1</definedName>{NAME}')],
        "name Roas: a function has this name",
    ),
    "name of a native function": (
        [(BOOK, NAME, f'<definedName name="Frequency">Orders!$A$1</definedName>{NAME}')],
        "name Frequency: a function has this name",
    ),
    "name of a table": (
        [(BOOK, NAME, f'<definedName name="orders">Orders!$A$1</definedName>{NAME}')],
        "name orders: a table has this name, too",
    ),
    "name twice": (
        [(BOOK, NAME, f'<definedName name="BUDGET">Orders!$A$1</definedName>{NAME}')],
        "name Budget: there are two of it",
    ),
    "name of nothing": (
        [(BOOK, NAME, f'<definedName name="Lost">#REF!</definedName>{NAME}')],
        "name Lost: it holds the error #REF!",
    ),
    "name of a sheet that is gone": (
        [(BOOK, NAME, f'<definedName name="Lost">Gone!$A$1</definedName>{NAME}')],
        'name Lost: there is no sheet "Gone"',
    ),
    "name that moves": (
        [(BOOK, NAME, f'<definedName name="Moving">Orders!A1</definedName>{NAME}')],
        "means other cells in other places",
    ),
    "name of a block that nothing uses": (
        [(BOOK, NAME, f'<definedName name="Spare">Orders!$B$2:$B$4</definedName>{NAME}')],
        "name Spare: nothing uses it",
    ),
    # Sheets
    "one sheet from right to left": (
        [(ORDERS, "<sheetView ", '<sheetView rightToLeft="1" ')],
        "some of its sheets go from right to left",
    ),
    "print area elsewhere": (
        [(BOOK, "'All, summed'!$A$1:$H$30", "Orders!$A$1:$H$30")],
        "All, summed: _xlnm.Print_Area is 'Orders!$A$1:$H$30'",
    ),
    "titles out of bounds": (
        [(BOOK, "Orders!$1:$1", "Orders!$1:$1048577")],
        "Orders: _xlnm.Print_Titles is 'Orders!$1:$1048577'",
    ),
    "panes that hide rows": (
        [(ORDERS, 'topLeftCell="B2"', 'topLeftCell="B1"')],
        "its panes are frozen at row 1",
    ),
    "number format": (
        [(STYLES, "&quot;€&quot;", "&quot;€")],
        "is no legal number format",
    ),
    "number format of words": ([(STYLES, "[Red]-0", "[Rot]-0")], "is no legal number format"),
    # Cells
    "no value": ([(SUMMARY, VALUE, f"<f>{FREE}</f>")], "B4 holds no value"),
    "empty value": ([(SUMMARY, VALUE, f"<f>{FREE}</f><v></v>")], "B4 holds no value"),
    "error": (
        [(SUMMARY, f'<c r="B4">{VALUE}', f'<c r="B4" t="e"><f>{FREE}</f><v>#NUM!</v>')],
        "B4 shows #NUM!",
    ),
    "error as a text": (
        [(SUMMARY, f'<c r="B4">{VALUE}', f'<c r="B4" t="str"><f>{FREE}</f><v>#NUM!</v>')],
        "B4 holds the error #NUM! as a text",
    ),
    "wrong type": ([(SUMMARY, VALUE, f"<f>{FREE}</f><v>yes</v>")], "B4 holds 'yes'"),
    "constant error": (
        [(SUMMARY, '<c r="B1"><v>60', '<c r="B12" t="e"><v>#N/A</v></c><c r="B1"><v>60')],
        "B12 holds the error #N/A",
    ),
    "text that turns into a formula": (
        [(TEXTS, "<t>a heading", "<t>@heading")],
        "G1 has a text that turns into a formula",
    ),
    "long text": ([(TEXTS, "<t>a heading", f"<t>{'a' * 32768}")], "G1 has a text of 32,768"),
    # Spills
    "blank cell in a spill": (
        [(SUMMARY, SPILLED, '<c r="E2" s="2"/>')],
        "E2 in the spill of D1 holds no value",
    ),
    "missing cell in a spill": ([(SUMMARY, SPILLED, "")], "E2 in the spill of D1 holds no value"),
    "formula in a spill": (
        [(SUMMARY, SPILLED, '<c r="E2"><f>1+1</f><v>2</v></c>')],
        "E2 in the spill of D1 has a formula",
    ),
    "error in a spill": (
        [(SUMMARY, SPILLED, '<c r="E2" t="e"><v>#N/A</v></c>')],
        "E2 in the spill of D1 holds the error #N/A",
    ),
    "spill that is too small": (
        [(SUMMARY, 'ref="D1:E3"', 'ref="D1:D4"')],
        "D4 in the spill of D1 holds no value",
    ),
    "large spill": ([(SUMMARY, 'ref="D1:E3"', 'ref="D1:E200000"')], "D1 spills 400,000 cells"),
    "merged cells in a spill": (
        [(SUMMARY, 'ref="G1:H1"', 'ref="E3:H3"')],
        "are in the way of the spill",
    ),
    "merged cells over merged cells": (
        [(SUMMARY, '<mergeCell ref="G1:H1"/>', '<mergeCell ref="G1:H1"/><mergeCell ref="H1:I1"/>')],
        "overlap",
    ),
    # Tables
    "table's name like a cell": (
        [(TABLE, 'displayName="Orders"', 'displayName="Tab1"'),
         (SUMMARY, "COUNTA(Orders[customer])", "COUNTA(Tab1[customer])")],
        "table Tab1: it looks like a cell",
    ),
    "another header": ([(TEXTS, "<t>share", "<t>part")], "column 'share' has another header in B1"),
    "header twice": (
        [(TABLE, 'name="share"', 'name="AMOUNT"'), (TEXTS, "<t>share", "<t>AMOUNT")],
        "two columns are called",
    ),
    "gap in a table": (
        [
            (
                ORDERS,
                '<c r="A3" s="1" t="s"><v>4</v></c><c r="B3"><v>0.2</v></c>'
                '<c r="C3" s="2"><v>20</v></c>',
                "",
            )
        ],
        "table Orders: its row 3 is blank",
    ),
    "filter of a table": (
        [(TABLE, '<autoFilter ref="A1:C4"', '<autoFilter ref="A1:C3"')],
        "table Orders: its filter is over A1:C3",
    ),
    "content below a table": (
        [(ORDERS, "</sheetData>", '<row r="9"><c r="B9"><v>1</v></c></row></sheetData>')],
        "table Orders: B9 below it is in its way",
    ),
    "merged cells in a table": (
        [(ORDERS, "</sheetData>", '</sheetData><mergeCells><mergeCell ref="C4:D4"/></mergeCells>')],
        "table Orders: the merged cells Orders!$C$4:$D$4 must not be inside",
    ),
    # Validations and conditional formats
    "long list": ([(SUMMARY, "week,month", "week," * 60)], "has 300 characters, more than 255"),
    "list from a block": (
        [(SUMMARY, "<formula1>Orders!$A$2:$A$4", "<formula1>Orders!$A$2:$B$4")],
        "not from one row or column",
    ),
    "list from a table": (
        [(SUMMARY, "<formula1>Orders!$A$2:$A$4", "<formula1>Orders[customer]")],
        "a validation takes no references to tables",
    ),
    "list from a sheet that is gone": (
        [(SUMMARY, "<formula1>Orders!$A$2:$A$4", "<formula1>Gone!$A$2:$A$4")],
        'A7 (validation): there is no sheet "Gone"',
    ),
    "validation without a condition": (
        [(SUMMARY, "<formula1>0</formula1>", "")],
        "the validation of A8 has no condition",
    ),
    "validation off the sheet": (
        [(SUMMARY, 'sqref="A8"', 'sqref="XFE8"')],
        "'XFE8' is not on the sheet",
    ),
    "long title": (
        [(SUMMARY, 'sqref="A8"', f'errorTitle="{"x" * 33}" sqref="A8"')],
        "has an errorTitle of more than 32",
    ),
    "conditional format that cannot be read": (
        [(SUMMARY, "B1&gt;Budget", "B1&gt;Budget)")],
        "(conditional format): it cannot be read",
    ),
    "conditional format from a table": (
        [(SUMMARY, "B1&gt;Budget", "B1&gt;SUM(Orders[amount])")],
        "a conditional format takes no references to tables",
    ),
    "conditional format from another workbook": (
        [(SUMMARY, "B1&gt;Budget", "B1&gt;[1]Sheet1!A1")],
        "points to another workbook",
    ),
    "conditional format off the sheet": (
        [(SUMMARY, 'sqref="B1:B5"', 'sqref="B1:B1048577"')],
        "'B1:B1048577' is not on the sheet",
    ),
    "style of a conditional format": (
        [(SUMMARY, 'dxfId="0"', 'dxfId="7"')],
        "has a style that there is not",
    ),
    "priority twice": (
        [(SUMMARY, 'type="iconSet" priority="3"', 'type="iconSet" priority="4"')],
        "two conditional formats have the same priority",
    ),
    "data bar": (
        [(SUMMARY, '<dataBar><cfvo type="num" val="0"/>', "<dataBar>")],
        "has a data bar without two ends",
    ),
    "look of a data bar": (
        [(SUMMARY, 'id="{DA7ABA51', 'id="{DA7ABA52')],
        "misses the part with the look of its data bar",
    ),
    "icons": ([(SUMMARY, 'iconSet="3Arrows"', 'iconSet="4Arrows"')], "has 3 thresholds"),
    "threshold": (
        [(SUMMARY, '<cfvo type="percent" val="33"', '<cfvo type="percent" val="&quot;"')],
        "has the threshold",
    ),
    "colour scale": (
        [(SUMMARY, '<colorScale><cfvo type="min" val="0"/>', "<colorScale>")],
        "has a colour scale of 1 points and 2 colours",
    ),
    # Charts and sparklines
    "chart over a spill": (
        [(CHART, "Orders!$C$2:$C$4", "'All, summed'!$E$1#")],
        "is no fixed reference",
    ),
    "chart over a name": ([(CHART, "Orders!$C$2:$C$4", "Orders!Amounts")], "is no fixed reference"),
    "chart over a table": (
        [(CHART, "Orders!$C$2:$C$4", "Orders[amount]")],
        "is no fixed reference",
    ),
    "chart over a sheet that is gone": (
        [(CHART, "Orders!$C$2:$C$4", "Gone!$C$2:$C$4")],
        "is on a sheet that there is not",
    ),
    "chart over no cells": (
        [(CHART, "Orders!$C$2:$C$4", "Orders!$K$2:$K$4")],
        "Orders!$K$2:$K$4 has no cells",
    ),
    "chart of two lengths": (
        [(CHART, "Orders!$C$2:$C$4", "Orders!$C$2:$C$3")],
        "its ranges differ in length: 3, 2",
    ),
    "chart over a block": (
        [(CHART, "Orders!$C$2:$C$4", "Orders!$B$2:$C$4")],
        "is not one row or column",
    ),
    "series without a name": ([(CHART, "<c:v>Amount</c:v>", "<c:v></c:v>")], "has no name"),
    "chart without a title": (
        [(CHART, "<a:t>Orders</a:t>", "<a:t></a:t>")],
        "chart 1 has no title",
    ),
    "sparkline over nothing": (
        [(SUMMARY, "<xm:f>Orders!C2:C4", "<xm:f>Orders!K2:K4")],
        "where there are no cells",
    ),
    "sparkline over a name": (
        [(SUMMARY, "<xm:f>Orders!C2:C4", "<xm:f>Amounts")],
        "takes its numbers from 'Amounts'",
    ),
    # Links and comments
    "link to nowhere": (
        [(SUMMARY, 'location="Orders!A1"', 'location="Gone!A1"')],
        "the link in A9 leads to 'Gone!A1'",
    ),
    "link to a program": (
        [(LINKS, "https://example.org/", "file:///C:/a.exe")],
        "the link in A10 leads to 'file:///C:/a.exe'",
    ),
    "empty comment": ([(NOTES, "What may be spent.", " ")], "the comment in A1 is empty"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_each_rule_alone(case: str) -> None:
    edits, finding = BROKEN[case]
    found = lint(changed(*edits))
    assert len(found) == 1, found
    assert finding in found[0]


def test_what_the_caller_lets_pass() -> None:
    error = changed((SUMMARY, f'<c r="B4">{VALUE}', f'<c r="B4" t="e"><f>{FREE}</f><v>#NUM!</v>'))
    assert lint(error, errors={"'All, summed'!B4"}) == []
    today = changed((SUMMARY, f"<f>{FREE}</f>", "<f>TODAY()</f>"))
    assert lint(today, volatile={"'All, summed'!B4"}) == []


def test_a_link_to_another_file_is_found() -> None:
    file = io.BytesIO(SOUND)
    with zipfile.ZipFile(file, "a") as package:
        package.writestr("xl/externalLinks/externalLink1.xml", "<externalLink/>")
    (found,) = lint(file.getvalue())
    assert "externalLink1" in found


def test_tables_and_sheets_of_one_name() -> None:
    """XlsxWriter refuses them: here one is renamed in the file."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    for name in ("One", "Two"):
        sheet = book.add_worksheet(name)
        sheet.add_table(0, 0, 1, 0, {"name": f"T_{name}", "columns": [{"header": name}]})
    sheet.add_table(3, 1, 5, 1, {"name": "T_Three", "columns": [{"header": "Three"}]})
    book.close()
    assert lint(file.getvalue()) == []

    def after(part: str, old: str, new: str) -> list[str]:
        copy = io.BytesIO()
        with zipfile.ZipFile(file) as package, zipfile.ZipFile(copy, "w") as target:
            for name in package.namelist():
                xml = package.read(name).decode()
                target.writestr(name, xml.replace(old, new) if name == part else xml)
        return lint(copy.getvalue())

    table = "xl/tables/table2.xml"
    assert after(table, 'displayName="T_Two"', 'displayName="t_one"') == [
        "table t_one: there are two of it"
    ]
    assert "Two: table T_Three: it overlaps T_Two" in after(table, 'ref="A1:A2"', 'ref="A1:B5"')
    for name, wrong in (
        ("one", "another sheet has this name, too"),
        ("a/b", "it is no legal name of a sheet"),
        ("a" * 32, "it is no legal name of a sheet"),
        ("History", "Excel keeps this name for itself"),
    ):
        assert f"{name}: {wrong}" in after(BOOK, 'name="Two"', f'name="{name}"')


def test_the_prefixes_are_those_that_xlsxwriter_knows() -> None:
    names = sorted({*native.SIGNATURES, *NEWER} - {"ANCHORARRAY"})
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"use_future_functions": True})
    sheet = book.add_worksheet()
    for row, name in enumerate(names):
        sheet.write_formula(row, 0, f"={name}(B1)")
    book.close()
    with zipfile.ZipFile(file) as package:
        stored = re.findall(r"<f[^>]*>(.*?)\(", package.read(ORDERS).decode())
    assert [full.rpartition("_xlfn.")[2].removeprefix("_xlws.") for full in stored] == names
    assert {name for name, full in zip(names, stored, strict=True) if "_xlfn." in full} == {
        *NEWER
    } - {"ANCHORARRAY"}
    assert {name for name, full in zip(names, stored, strict=True) if "_xlws." in full} == (
        WORKSHEET_ONLY
    )
