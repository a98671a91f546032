"""Reports without a host: explanations, frozen copies, the folders that may be read."""

import io
import os
import re
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from demos import few
from hosts import validated
from workbooks import edited, part, sheet_of, written

from kpi_xl import METRICS
from kpi_xl.cells import evaluate
from kpi_xl.engine.embedded import calculate, evaluator
from kpi_xl.engine.terms import FormulaError
from kpi_xl.formula_text import bare, calls
from kpi_xl.locales import LANGUAGES
from kpi_xl.ooxml.notes import PREFIXES
from kpi_xl.ooxml.package import read_package
from kpi_xl.reports.explaining import PLAIN, explained, in_row
from kpi_xl.reports.folders import allowed_folders, permitted, settings_file
from kpi_xl.reports.freezing import frozen
from kpi_xl.reports.records import Place, ReportError, Table
from kpi_xl.sources import SourceError

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


# Calls


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("=CAC(1,2)", [("CAC", ("1", "2"))]),
        ('=IF(A1="","",cac( B1 ,"a,b"))', [("CAC", ("B1", '"a,b"'))]),
        ("=CLV_CAC(CLV(1,2,3),'CAC(1,2)'!A1)",
         [("CLV_CAC", ("CLV(1,2,3)", "'CAC(1,2)'!A1")), ("CLV", ("1", "2", "3"))]),
        ("=CLV(50,4,3,,0)", [("CLV", ("50", "4", "3", "", "0"))]),
        ('="CAC(1,2)"&"""CAC(1)"', []),
        ("=XCAC(1,2)+CAC+CAC2(1)", []),
        ("=SUM(Orders[a,b(c],CPL(Orders[[#This Row],[a)]],{1,2;3,4}))",
         [("CPL", ("Orders[[#This Row],[a)]]", "{1,2;3,4}"))]),
        ("=KPI_LIST()", [("KPI_LIST", ())]),
    ],
)  # fmt: skip
def test_calls_are_found_in_any_formula(formula: str, found: list[Any]) -> None:
    assert [(call.name, call.arguments) for call in calls(formula, METRICS)] == found


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ("='C:\\a b\\kpi_xl.xlam'!CAC(1,2)+kpi_xl.xlam!CPL(1,2)", "=CAC(1,2)+CPL(1,2)"),
        ("=[1]!CAC([1]!CPL(3,1),'Sheet 1'!A1)", "=CAC(CPL(3,1),'Sheet 1'!A1)"),
        ("=_xludf.CAC(1,2)", "=CAC(1,2)"),
        ("=_xldudf_CAC([2]!_xldudf_CPL(3,1),2)", "=CAC(CPL(3,1),2)"),
        ('="[1]!CAC(1)"&CAC(1,2)', '="[1]!CAC(1)"&CAC(1,2)'),
        ("='my''book.xlsx'!x+SUM(1)", "='my''book.xlsx'!x+SUM(1)"),
    ],
)
def test_a_formula_loses_its_tie_to_an_add_in(formula: str, plain: str) -> None:
    assert bare(formula, METRICS) == plain


# Explain this cell


def value(piece: str) -> Any:
    try:
        return evaluator(None)(piece)
    except FormulaError as refusal:
        raise LookupError(str(refusal)) from None


def test_an_explanation_has_the_numbers_put_in() -> None:
    text = explained("=CAC(SUM({20000,30000}),250)", value)
    assert text.splitlines() == [
        "CAC: Customer acquisition cost: sales and marketing spend per customer won.",
        "CAC(SUM({20000,30000}),250) = 200",
        "  spend = SUM({20000,30000}) = 50000 (money, in any one currency)",
        "  new_customers = 250 (a count)",
        "  Formula: spend / new_customers = 50000 / 250 = 200",
    ]


def test_an_error_comes_with_its_sentence() -> None:
    text = explained('=IF(1=1,CAC(5,0),"")', value, shown="#DIV/0!")
    assert "Formula: spend / new_customers\n" in text
    assert "#DIV/0!: new_customers is 0 or blank, and the formula divides by it" in text
    assert text.endswith("The cell shows #DIV/0!.")


def test_each_call_within_another_is_explained() -> None:
    text = explained("=CLV_CAC(CLV(50,4,3),2*CAC(1000,20))", value)
    assert "  clv = CLV(50,4,3) = 600 (" in text
    assert "  cac = 2*CAC(1000,20) = 100 (" in text
    assert "Formula: clv / cac = 600 / 100 = 6" in text
    assert "  gross_margin = 1, because it is left out (" in text
    assert "Formula: spend / new_customers = 1000 / 20 = 50" in text


def test_a_blank_cell_is_what_the_function_takes_it_for() -> None:
    cells: dict[str, Any] = {"A1": None, "A2": "", "A3": [[None]], "A4": True}
    for cell in ("A1", "A2", "A3"):
        text = explained(f"=MROI(100,10,{cell},{cell})", cells.__getitem__)
        assert f"  gross_margin = 1, because {cell} is blank (" in text
        assert text.endswith(" = ((100 - 0) * 1 - 10) / 10 = 9")
    text = explained("=CLV_CHURN(A1,A4)", cells.__getitem__)
    assert "  revenue_per_period = A1 = a blank cell (" in text
    assert text.endswith(" = 0 * 1 / 1 = 0")


def test_what_the_host_cannot_tell_is_said() -> None:
    text = explained("=CAC(A1,2)", value)
    assert "CAC(A1,2) = not known here" in text
    assert "spend = A1 = not known here" in text


def test_a_variable_is_known_to_its_own_formula_alone() -> None:
    def unknown(piece: str) -> Any:
        return "#NAME?" if piece in ("s", "S*2", "t") else 7.0

    text = explained("=LET(s,Total,CAC(S*2,Total))+LAMBDA(t,CPL(t,4))(8)", unknown, shown=5.0)
    assert "#NAME?" not in text
    assert "CAC(S*2,Total) = not known here\n  spend = S*2 = not known here" in text
    assert "new_customers = Total = 7 (a count)" in text
    assert "CPL(t,4) = not known here" in text
    assert text.endswith("The cell shows 5.")


def test_tables_and_models_show_no_false_arithmetic() -> None:
    text = explained('=FUNNEL({"a";"b"},{5;3})', value)
    assert text.endswith("overall rate = count / first count")
    assert '= 3 x 5 cells, the first "stage"' in text
    assert explained("=CAC({1;2},{3;4})", value).endswith("(one result for each cell)")
    assert "first 2023-03-15 (a date)" in explained("=SALES_CYCLE({45000},{45005})", value).replace(
        "= 2023", "= 1 x 1 cells, the first 2023"
    )


def test_the_arithmetic_that_is_shown_is_true() -> None:
    """The numbers put into a formula that is plain arithmetic give what the function gives."""
    shown = 0
    for metric in METRICS.values():
        given = [0.3 + place / 7 for place, _ in enumerate(metric.arguments)]
        result = evaluate(metric, given) if metric.result == "value" else "table"
        call = f"={metric.name}({','.join(map(str, given))})"
        line = next(x for x in explained(call, value).splitlines() if x.startswith("  Formula"))
        if (
            isinstance(result, float)
            and line.count(" = ") == 2
            and not PLAIN.sub("", metric.formula)
        ):
            _, arithmetic, number = line.split(" = ")
            assert eval(arithmetic.replace("^", "**")) == pytest.approx(result, rel=1e-8)
            assert float(number) == pytest.approx(result, rel=1e-8)
            shown += 1
    assert shown > 50


def test_no_function_is_no_explanation() -> None:
    for formula in ("=1+1", '="CAC(1,2)"', "CAC"):
        with pytest.raises(ReportError, match="has no function of kpi_xl"):
            explained(formula, value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_explanation_in_each_language(language: str) -> None:
    text = explained("=MROI(A1,0.5,,-2.5)", value, language)
    assert "MROI(A1,0.5,,-2.5)" in text
    text = explained("=MROI(1000,0.5,,0.5)", value, language)
    assert ("(1000 - 0) * 0,5 - 0,5" if language == "ru" else "(1000 - 0) * 0.5 - 0.5") in text


def test_the_own_row_of_a_table_is_an_address() -> None:
    tables = {"T": Table("Orders", Place("My 'sheet", 4, 2), ("date", "amount"), [], [])}
    for text in (
        "Orders[@amount]",
        "Orders[[#This Row],[amount]]",
        "[@amount]",
        "Orders[@[amount]]",
    ):
        assert in_row(f"=CAC({text},2)", 9, tables) == "=CAC('My ''sheet'!C9,2)"
    assert in_row("=SUM(Orders[amount],Other[@x])", 9, tables) == "=SUM(Orders[amount],Other[@x])"


# Freeze for sharing


def book_with(formulas: dict[str, Any]) -> bytes:
    """A computed workbook of one sheet."""
    from kpi_xl.engine.recalc import recalculated

    return recalculated(sheet_of(formulas))[0]


def test_a_frozen_template_shows_the_same_without_us(tmp_path: Path) -> None:
    content = few("funnel").built.content
    copy, formulas, *_ = frozen(content)
    path = tmp_path / "copy.xlsx"
    path.write_bytes(copy)
    validated(path)
    before, after = (
        openpyxl.load_workbook(io.BytesIO(one), data_only=True) for one in (content, copy)
    )
    notes = 0
    for sheet in before:
        for row in sheet.iter_rows():
            for cell in row:
                other = after[sheet.title][cell.coordinate]
                if "frozen copy" not in str(other.value):  # what Start says of functions
                    assert (other.value or "") == (cell.value or "")
                assert other.number_format == cell.number_format
                if other.comment and other.comment.text.startswith("="):
                    assert any(calls(other.comment.text, METRICS))
                    notes += 1
                else:
                    assert bool(other.comment) == bool(cell.comment)
    assert notes == formulas > 100
    computed = calculate(copy)
    assert computed.refused == {}
    formulas_left = [formula.text for formula in read_package(copy).formulas]
    assert formulas_left
    assert not [text for text in formulas_left if any(calls(text, METRICS))]
    assert "ReportTemplate" not in openpyxl.load_workbook(path).defined_names
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(path) as new:
        names = {
            "xl/charts/chart1.xml",
            "xl/styles.xml",
            "xl/sharedStrings.xml",
            "xl/theme/theme1.xml",
        }
        assert all(old.read(name) == new.read(name) for name in names)
    with pytest.raises(ReportError, match="no formula of kpi_xl"):
        frozen(copy)


def test_every_kind_of_value_is_kept(tmp_path: Path) -> None:
    formulas = {
        "A1": "=CAC(9,2)",
        "A2": "=CAC(1,0)",
        "A3": '=KPI_STATUS(95,100)&" <&> "',
        "A4": "=CAC(9,2)>1",
        "A5": '=IF(1=1,"",CAC(1,2))',
        "A6": "=A1*2",
        "C1": '{=FUNNEL({"a";"b"},{5;3})}',
    }
    copy, count, *_ = frozen(book_with(formulas))
    assert count == 6
    path = tmp_path / "copy.xlsx"
    path.write_bytes(copy)
    validated(path)
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert [sheet[f"A{row}"].value for row in range(1, 7)] == [
        4.5, "#DIV/0!", "at risk <&> ", True, '=""', "=A1*2",
    ]  # fmt: skip
    assert sheet["A2"].data_type == "e"
    # A text without letters is no blank cell, in LibreOffice neither.
    assert '<c r="A5" t="str"><f>""</f><v></v></c>' in part(copy)
    assert [cell.value for cell in sheet[1][2:7]][:2] == ["stage", "count"]
    assert sheet["C1"].comment.text == '=FUNNEL({"a";"b"},{5;3})'
    assert sheet["D3"].value == 3
    assert sheet["A6"].comment is None


def test_an_error_stays_an_error() -> None:
    """XlsxWriter gives the error of an array formula the type of a text."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_dynamic_array_formula("A1", "=CAC({1},{0})", None, "#DIV/0!")
        sheet.write_array_formula("A2:A2", "{=CAC(1,NA())}", None, "#N/A")
        sheet.write_dynamic_array_formula("A3", '=KPI_STATUS({1},"x")', None, "#N/A is no error")
        sheet.write_formula("B1", "=ISERROR(A1)", None, True)
        sheet.write_formula("B2", "=ISNA(A2)", None, True)
        sheet.write_formula("B3", "=ISERROR(A3)", None, False)

    content = written(fill)
    assert re.findall(r'<c r="A\d"[^>]* t="(\w+)"', part(content)) == ["str"] * 3
    copy, *_ = frozen(content)
    assert re.findall(r'<c r="A\d"[^>]*>.*?</c>', part(copy)) == [
        '<c r="A1" t="e"><v>#DIV/0!</v></c>',
        '<c r="A2" t="e"><v>#N/A</v></c>',
        '<c r="A3" t="str"><v>#N/A is no error</v></c>',
    ]
    values = calculate(copy).values
    assert [values["Sheet1", row, 2] for row in (1, 2, 3)] == [True, True, False]


def test_notes_that_are_there_go_on(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_formula("A1", "=CAC(9,2)", None, 4.5)
        sheet.write_formula("A2", "=CAC(8,2)", None, 4)
        sheet.write_comment("A1", "Mine")
        sheet.write_comment("B7", "Another")

    path = tmp_path / "copy.xlsx"
    path.write_bytes(frozen(written(fill))[0])
    validated(path)
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    notes = {cell.coordinate: cell.comment.text for row in sheet for cell in row if cell.comment}
    assert notes == {"A1": "Mine\n=CAC(9,2)", "A2": "=CAC(8,2)", "B7": "Another"}


def test_notes_of_ours_are_signed_as_ours(tmp_path: Path) -> None:
    """And not with the name of whoever wrote the first one."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_formula("A1", "=CAC(9,2)", None, 4.5)
        sheet.write_comment("B7", "Hers", {"author": "Ann"})

    content, path = written(fill), tmp_path / "copy.xlsx"
    path.write_bytes(frozen(content)[0])
    validated(path)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert [sheet[cell].comment.author for cell in ("A1", "B7")] == ["kpi_xl", "Ann"]
    comments = part(content, "xl/comments1.xml")
    none = re.sub("<commentList>.*</commentList>", "<commentList/>", comments)
    none = none.replace("<authors><author>Ann</author></authors>", "<authors/>")
    copy, *_ = frozen(edited(content, "xl/comments1.xml", comments, none))
    sheet = openpyxl.load_workbook(io.BytesIO(copy)).worksheets[0]
    assert (sheet["A1"].comment.author, sheet["A1"].comment.text) == ("kpi_xl", "=CAC(9,2)")


def test_a_note_without_a_text_does_not_take_the_formula_of_another() -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_formula("A1", "=CAC(9,2)", None, 4.5)
        sheet.write_comment("A1", "gone")
        sheet.write_comment("B7", "Another")

    content = written(fill)
    comments = part(content, "xl/comments1.xml")
    none = re.sub("<text>(?:(?!</text>).)*gone.*?</text>", "<text/>", comments)
    copy, *_ = frozen(edited(content, "xl/comments1.xml", comments, none))
    sheet = openpyxl.load_workbook(io.BytesIO(copy)).worksheets[0]
    assert [sheet[cell].comment.text.strip() for cell in ("A1", "B7")] == ["=CAC(9,2)", "Another"]


def test_notes_of_another_program_go_on(tmp_path: Path) -> None:
    """openpyxl has other prefixes in the drawing, and other names of its parts, than Excel."""
    book = openpyxl.load_workbook(io.BytesIO(book_with({"A1": "=CAC(9,2)", "A2": "=CAC(8,2)"})))
    book.worksheets[0]["A1"].comment = openpyxl.comments.Comment("Mine", "Ann")
    book.save(tmp_path / "book.xlsx")
    content = (tmp_path / "book.xlsx").read_bytes()
    for formula, shown in (("9,2", "4.5"), ("8,2", "4")):
        cell = f"<f>CAC({formula})</f><v>"
        content = edited(content, "xl/worksheets/sheet1.xml", cell, cell + shown)
    copy, *_ = frozen(content)
    with zipfile.ZipFile(io.BytesIO(copy)) as package:
        (drawing,) = (name for name in package.namelist() if name.endswith(".vml"))
        shapes = list(ElementTree.fromstring(package.read(drawing)))
    names = {f"{{{PREFIXES['v']}}}shape", f"{{{PREFIXES['v']}}}shapetype"}
    assert sum(shape.tag in names for shape in shapes) == 3
    sheet = openpyxl.load_workbook(io.BytesIO(copy)).worksheets[0]
    assert [sheet[cell].comment.text for cell in ("A1", "A2")] == ["Mine\n=CAC(9,2)", "=CAC(8,2)"]


def test_what_holds_no_value_yet_is_computed() -> None:
    content = (Path(__file__).parent / "recalc" / "freeze_without_cached_values.xlsx").read_bytes()
    copy, formulas, *_ = frozen(content)
    assert formulas == 6
    cells = openpyxl.load_workbook(io.BytesIO(copy), data_only=True).worksheets[0]
    expected = [3, 2, 4, 3, 6, "3 x", "yes", 6, 3, "up", 1.5, 1 / 3, 2 / 3, 9, 3, 2 / 3, 5]
    assert [cells[f"C{row}"].value for row in range(1, 18)] == pytest.approx(expected)


def test_what_cannot_be_frozen_says_why() -> None:
    content = book_with({"A1": "=CAC(9,2)"})
    unknown = edited(content, "xl/worksheets/sheet1.xml", "<v>4.5</v>", "<v>#NAME?</v>")
    with pytest.raises(ReportError, match=r"Sheet1!A1 shows #NAME\?.*kpi-xl recalc"):
        frozen(unknown)
    unsure = book_with({"A1": "=CAC(OFFSET(C1,N(0),0),2)", "A2": "=CAC(OFFSET(C2,N(0),0),2)"})
    unsure = edited(unsure, "xl/worksheets/sheet1.xml", "<v>0</v>", "<v></v>")
    with pytest.raises(
        ReportError, match=r"Sheet1!A1 holds no value yet.*Sheet1!A2 holds no value"
    ):
        frozen(unsure)
    with pytest.raises(ReportError, match="no formula of kpi_xl"):
        frozen(book_with({"A1": "=1+1"}))
    assert "<f>" in part(content)


def with_parts(content: bytes, parts: dict[str, str]) -> bytes:
    """A package with more parts."""
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as package:
        for name, text in parts.items():
            package.writestr(name, text)
    return out.getvalue()


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def linked(cells: dict[str, str], file: str) -> bytes:
    """As Excel saves it: functions by a link to their add-in, and a chain of all formulas."""
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    content = written(lambda book: filled(book, cells))
    content = edited(
        content, "xl/workbook.xml", "</sheets>",
        '</sheets><externalReferences><externalReference r:id="rId90"/></externalReferences>',
    )  # fmt: skip
    content = edited(
        content, "xl/_rels/workbook.xml.rels", "</Relationships>",
        f'<Relationship Id="rId90" Type="{OFFICE}/externalLink" Target="externalLinks/link1.xml"/>'
        f'<Relationship Id="rId91" Type="{OFFICE}/calcChain" Target="calcChain.xml"/>'
        "</Relationships>",
    )  # fmt: skip
    content = edited(
        content, "[Content_Types].xml", "</Types>",
        f'<Override PartName="/xl/externalLinks/link1.xml" ContentType="{kinds}.externalLink+xml"/>'
        f'<Override PartName="/xl/calcChain.xml" ContentType="{kinds}.calcChain+xml"/></Types>',
    )  # fmt: skip
    chain = "".join(f'<c r="{cell}" i="1"/>' for cell in cells)
    book = f'<externalBook xmlns:r="{OFFICE}" r:id="rId1"/>'
    return with_parts(content, {
        "xl/calcChain.xml": f'<calcChain xmlns="{MAIN}">{chain}</calcChain>',
        "xl/externalLinks/link1.xml": f'<externalLink xmlns="{MAIN}">{book}</externalLink>',
        "xl/externalLinks/_rels/link1.xml.rels":
            f'<Relationships xmlns="{relations}"><Relationship Id="rId1" TargetMode="External"'
            f' Type="{OFFICE}/externalLinkPath" Target="file:///C:/x/{file}"/></Relationships>',
    })  # fmt: skip


def everything(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return b"".join(package.read(name) for name in package.namelist())


def test_nothing_leads_to_us_any_more(tmp_path: Path) -> None:
    cells = {"A1": "=[1]!CAC(9,2)", "A2": "=A1*2", "A3": "=Dear+1", "B1": "=[1]!CPL(8,2)"}
    copy, formulas, *_ = frozen(linked(cells, "kpi_xl.xlam"))
    assert formulas == 3
    path = tmp_path / "copy.xlsx"
    path.write_bytes(copy)
    validated(path)
    with zipfile.ZipFile(path) as package:
        assert not [name for name in package.namelist() if "Chain" in name or "external" in name]
    for gone in (b"xlam", b"calcChain", b"[1]!C"):
        assert gone not in everything(copy)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    assert sheet["A1"].comment.text == "=CAC(9,2)"
    assert [sheet[cell].value for cell in cells] == [4.5, "=A1*2", 5.5, 4]
    assert book.defined_names["Cost"].attr_text == "CAC(9,2)"
    (rule,) = sheet.conditional_formatting["A1"]
    assert rule.formula == ['IF(CAC(9,2)<5,"[1]!x",1)']


def test_the_functions_of_others_keep_their_link() -> None:
    cells = {"A1": "=CAC(9,2)", "A2": "=[1]!THEIRS(2)", "A3": "=Dear+1", "B1": "=CPL(8,2)"}
    copy, *_ = frozen(linked(cells, "theirs.xlam"))
    assert b"theirs.xlam" in everything(copy)
    sheet = openpyxl.load_workbook(io.BytesIO(copy)).worksheets[0]
    assert [sheet[cell].value for cell in cells] == [4.5, "=[1]!THEIRS(2)", 5.5, 4]


def test_a_what_if_table_of_ours_is_values() -> None:
    content = written(lambda book: filled(book, {"A1": "=CAC(9,2)", "A2": "=1", "A3": "=1",
                                                 "B1": "=1"}))  # fmt: skip
    table = '<f t="dataTable" ref="A2:A3" dt2D="0" dtr="0" r1="C1"/>'
    content = edited(content, "xl/worksheets/sheet1.xml", "<c r=\"A2\"><f>1</f>",
                     f'<c r="A2">{table}')  # fmt: skip
    copy, formulas, *_ = frozen(content)
    assert formulas == 2
    assert '<c r="A2"><v>9</v></c>' in part(copy)
    native = edited(content, "xl/worksheets/sheet1.xml", "CAC(9,2)", "9/2")
    with pytest.raises(ReportError, match="no formula of kpi_xl"):
        frozen(native)


@pytest.mark.parametrize("notes", [False, True])
def test_buttons_and_pictures_stay(notes: bool, tmp_path: Path) -> None:
    """Buttons are in the same drawing as notes, a header's pictures in one of their own."""
    picture = Path(__file__).parent.parent / "udfs/server/static/images/icons/kpi-16.png"

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.set_header("&L&G", {"image_left": str(picture)})
        sheet.write_formula("A1", "=CAC(9,2)", None, 4.5)
        sheet.insert_button("C3", {"caption": "Press"})
        if notes:
            sheet.write_comment("B7", "Another")

    content = written(fill)
    path = tmp_path / "copy.xlsx"
    path.write_bytes(frozen(content)[0])
    validated(path)
    assert part(path.read_bytes()).count("<legacyDrawing ") == 1
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(path) as new:
        shapes = {
            name: [package.read(name).count(b"<v:shape ") for package in (old, new)]
            for name in old.namelist()
            if name.endswith(".vml")
        }
        assert sum(name.endswith(".vml") for name in new.namelist()) == 2
    assert sorted(shapes.values()) == [[1, 1], [1 + notes, 2 + notes]]
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert sheet["A1"].comment.text == "=CAC(9,2)"


def filled(book: Any, cells: dict[str, str]) -> None:
    sheet = book.add_worksheet()
    for (cell, formula), shown in zip(cells.items(), (4.5, 9, 5.5, 4), strict=True):
        sheet.write_formula(cell, formula, None, shown)
    tie = "[1]!" * any("[1]!CAC" in formula for formula in cells.values())
    book.define_name("Cost", f"={tie}CAC(9,2)")
    book.define_name("Dear", "=Cost*2")
    rule = f'=IF({tie}CAC(9,2)<5,"[1]!x",1)' if tie else "=1"
    sheet.conditional_format("A1", {"type": "formula", "criteria": rule})


# Folders


def test_only_files_in_allowed_folders_are_read(tmp_path: Path) -> None:
    inside, other, outside = (tmp_path / name for name in ("book", "other", "outside"))
    for folder in (inside, other, outside):
        folder.mkdir()
        (folder / f"{folder.name}.csv").write_text("a\n1\n")
    (inside / "link.csv").symlink_to(outside / "outside.csv")
    (inside / "sub").mkdir()
    assert permitted("book.csv", inside, []) == inside / "book.csv"
    assert permitted(r"sub\..\book.csv", inside, []) == inside / "book.csv"
    assert permitted(str(other / "other.csv"), inside, [other]) == other / "other.csv"
    assert permitted("other.csv", None, [inside, other]) == other / "other.csv"
    for text in ("../outside/outside.csv", "link.csv", str(outside / "outside.csv")):
        with pytest.raises(SourceError, match=r"outside the folders.*settings\.toml"):
            permitted(text, inside, [other])
    with pytest.raises(SourceError, match="is not the path of a file"):
        permitted("a\0b", inside, [])
    for text in ("//server/share/x.csv", r"\\server\share\x.csv", r"\\?\C:\x.csv"):
        with pytest.raises(SourceError, match="is on the network"):
            permitted(text, inside, [other])
    with pytest.raises(SourceError, match="is on the network"):
        permitted("x.csv", Path("//server/share"), [])
    with pytest.raises(SourceError, match="is on the network"):
        permitted("//server/share/../../etc/x.csv", inside, [Path("//server/share")])
    for text in ("https://example.com/x.csv", "FILE:///x.csv", "sqlite:x.db"):
        with pytest.raises(SourceError, match="is an address"):
            permitted(text, inside, [other])
    with pytest.raises(SourceError, match="save the workbook first"):
        permitted("x.csv", None, [])


def test_folders_are_allowed_outside_of_workbooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("APPDATA", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("KPI_XL_FOLDERS", os.pathsep.join(["/data/a", "/data/b"]))
    assert allowed_folders() == [Path("/data/a"), Path("/data/b")]
    file = settings_file()
    file.parent.mkdir(parents=True)
    file.write_text('folders = ["/data/c"]')
    assert allowed_folders()[-1] == Path("/data/c")
    for text, sentence in (
        ('folders = "x"', "write folders ="),
        ("folders = [1]", "write folders ="),
        ("folders", "cannot be read"),
        ('folders = ["data"]', "must be a whole path"),
    ):
        file.write_text(text)
        with pytest.raises(SourceError, match=sentence):
            allowed_folders()


# The command line


def test_in_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = import_module("kpi_xl.cli.reports")
    shared = import_module("kpi_xl.cli.shared")
    book = tmp_path / "book.xlsx"
    book.write_bytes(book_with({"A1": 90, "A2": 20, "B1": "=ROUND(CAC(A1,A2),1)", "C1": 3}))
    cli.explain(book, "sheet1!b1", "en")
    shown = capsys.readouterr().out
    assert "  spend = A1 = 90 (money, in any one currency)" in shown
    assert "Formula: spend / new_customers = 90 / 20 = 4.5" in shown
    assert shown.endswith("The cell shows 4.5.\n")
    for cell, sentence in (
        ("A1", "holds no formula"), ("Nowhere!A1", "the sheets are Sheet1"), ("x", "write a cell"),
    ):  # fmt: skip
        with pytest.raises(shared.Misuse, match=sentence):
            cli.explain(book, cell, "en")
    cli.freeze(book)
    assert "values in the copy, each kept in a note: 1." in capsys.readouterr().out
    assert (tmp_path / "book (values).xlsx").exists()
    for target, force, sentence in (
        (tmp_path / "book (values).xlsx", False, "already there"),
        (tmp_path / "copy.xlsm", False, "has to end in .xlsx"),
        (book, True, "is the workbook itself"),
    ):
        with pytest.raises(shared.Misuse, match=sentence):
            cli.freeze(book, target, force)
    with pytest.raises(shared.Misuse, match="no formula of kpi_xl"):
        cli.freeze(tmp_path / "book (values).xlsx", tmp_path / "again.xlsx")
