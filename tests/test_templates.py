"""What every template workbook keeps: live formulas, right values, files that open, all languages.

A template is tested here by being in TEMPLATES.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from math import isclose
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest
from demos import blank, demo, empty, few, first_rows
from generated import WORKBOOKS
from hosts import pdf_texts
from kpi_xl.workbook_templates import TEMPLATES, starter, template
from kpi_xl.workbook_templates.building import CURRENCY_FIXED, FUNCTIONS, SOURCES, build
from kpi_xl.workbook_templates.records import EMPTY, FILLED, HEADER, Template
from kpi_xl.workbook_templates.retention_counted import TEXTS as OF_COUNTED
from kpi_xl.workbook_templates.writing import Built, Input
from look_lint import look
from workbook_lint import lint
from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl import METRICS, CellError
from kpi_xl.cells import key
from kpi_xl.engine import native
from kpi_xl.engine.embedded import calculate
from kpi_xl.engine.loading import sheet_names
from kpi_xl.engine.patterns import NOTHING_OWN, Own, Patterns
from kpi_xl.locales import LANGUAGES, RIGHT_TO_LEFT, texts
from kpi_xl.ooxml.package import Formula, read_package
from kpi_xl.reports.layout import FROZEN, LIVE
from kpi_xl.serials import serial
from kpi_xl.sources import read_table
from kpi_xl.units import MONEY

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

CASES = [(name, state) for name in TEMPLATES for state in ("filled", "empty")]
OF_OWN_KPIS = {  # what the scorecard says where a company has defined its own
    "Your company's own",
    "KPIs of your own, defined otherwise here",
    "Take the definitions of the machine that made the workbook, or make it anew: until then these"
    " KPIs are others.",
}
TRANSLATED = [language for language in LANGUAGES if language != "en"]
said: set[str] = {EMPTY.text, FILLED}
"""The English texts of the workbooks that were built."""


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[Template, str]:
    return template(request.param[0]), request.param[1]


@pytest.fixture(params=TEMPLATES)
def record(request: pytest.FixtureRequest) -> Template:
    return template(request.param)


def workbook(record: Template, state: str) -> Built:
    """A template's workbook, built once."""
    made, texts = (demo if state == "filled" else blank)(record.name)
    said.update(texts)
    return made


def noted(text: str) -> str:
    said.add(text)
    return text


def foreign(text: str) -> str:
    """A language that is none: in other letters, with the quotes that formulas must double."""
    return f"{text} 'ж» x" if len(text) < 24 else f'{text} "ж"'


def formulas(content: bytes) -> Iterator[tuple[str, str, str]]:
    """Sheet, cell and text of every formula."""
    for formula in read_package(content).formulas:
        yield formula.sheet, formula.cell, formula.text


def cells(value: Any) -> list[Any]:
    return [cell for row in value for cell in row] if isinstance(value, list) else [value]


def test_every_formula_holds_its_value(case: tuple[Template, str]) -> None:
    record, state = case
    content, values, *_ = few(record.name).built if state == "filled" else workbook(*case)
    computed = calculate(content)
    assert computed.refused == {}
    assert computed.values == values
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    for (sheet, row, column), value in computed.values.items():
        page = book[sheet]
        for i, line in enumerate(value if isinstance(value, list) else [[value]]):
            for j, cell in enumerate(line):
                held = page.cell(row + i, column + j).value
                if isinstance(held, date):
                    held = serial(held)  # 1 is 1900-01-01
                held = "" if held is None else held
                assert held == cell or isclose(held, cell, rel_tol=1e-14), (sheet, row + i)


def test_nothing_shows_an_error(case: tuple[Template, str]) -> None:
    values = workbook(*case).values
    wrong = {k: v for k, v in values.items() if any(isinstance(c, CellError) for c in cells(v))}
    assert wrong == {}


SET = ("until", "ranged", "rangeuntil", "comparedwith", "seen", "spenduntil")
"""Names of days and of what settings say, which are there also where there are no rows."""


def test_an_empty_workbook_has_blanks_and_zeros(record: Template) -> None:
    made = workbook(record, "empty")
    names = read_package(made.content).names
    set_ones = {names.get((None, name), "").replace("$", "") for name in SET}
    for place, value in made.values.items():
        if f"{place[0]}!{xl_rowcol_to_cell(place[1] - 1, place[2] - 1)}" in set_ones:
            continue
        if place[0] not in ("Summary", "Checks"):  # they say what to do, and agree
            assert not [cell for cell in cells(value) if isinstance(cell, float) and cell], place


def test_the_formulas_are_kpi_formulas_over_the_tables(record: Template) -> None:
    # Where nothing is computed, and errors are told: a forecast that there is not, in a word.
    telling = ("Checks", "Start", "Forecast")
    written = formulas(workbook(record, "filled").content)
    texts = [text for sheet, _, text in written if sheet not in telling]
    used = {name for text in texts for name in re.findall(r"\b(\w+)\(", text)} & METRICS.keys()
    assert len(used) >= 6
    assert not [text for text in texts if re.search(r"IFERROR|IFNA|ISERR|OFFSET|INDIRECT", text)]
    inputs = [re.escape(table.name) for table in record.inputs]
    addressed = re.compile(rf"\b({'|'.join(inputs)})'?!")
    assert not [text for text in texts if addressed.search(text)]  # rows added would be left out


def test_newer_functions_have_the_prefix_of_the_file_format(record: Template) -> None:
    """Without it Excel shows #NAME? until somebody enters the formula again."""
    newer = "IFNA IFS XOR MAXIFS MINIFS CONCAT XLOOKUP XMATCH FILTER CHOOSECOLS CHOOSEROWS"
    names = [
        *newer.split(),
        "ISOWEEKNUM",
        *(name for name in native.SIGNATURES if "." in name and name != "ERROR.TYPE"),
    ]
    bare = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, names))})\(")
    with zipfile.ZipFile(io.BytesIO(workbook(record, "filled").content)) as package:
        sheets = [package.read(name).decode() for name in package.namelist() if "/sheet" in name]
    texts = [text for xml in sheets for text in re.findall(r"<f[^>]*>([^<]*)</f>", xml)]
    assert len(texts) > 100
    assert not [text for text in texts if bare.search(text)]


def test_the_checks_agree(record: Template) -> None:
    values = workbook(record, "filled").values
    verdicts = [v for (sheet, _, column), v in values.items() if sheet == "Checks" and column == 4]
    assert len(verdicts) >= 3
    assert set(verdicts) == {"✓ yes"}


def test_the_inputs_help_who_fills_them(record: Template) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(record, "empty").content))
    for table in record.inputs:
        sheet = book[table.name]
        (shown,) = sheet.tables.values()
        assert shown.name == table.name
        assert shown.column_names == [column.name for column in table.columns]
        assert table.counted in shown.column_names
        header = sheet[HEADER + 1]
        assert all(cell.comment for cell in header[: len(table.columns)])
        rules = {str(rule.sqref) for rule in sheet.data_validations.dataValidation}
        for place, column in enumerate(table.columns):
            number = column.unit.number_format
            if column.unit.name == MONEY.name:
                number = f"{number};-{number}"  # as no other unit's
            assert sheet.cell(HEADER + 2, place + 1).number_format == number
            letter = openpyxl.utils.get_column_letter(place + 1)
            ruled = f"{letter}{HEADER + 2}:{letter}1048576" in rules
            assert ruled == (column.unit.name not in ("KEY", "TEXT") or bool(column.choices))
    for sheet in book:
        frozen = sheet.freeze_panes is not None
        assert frozen or sheet.title in ("Start", "Summary")
        assert sheet.print_area or sheet.title in {table.name for table in record.inputs}


def test_references_are_those_that_all_hosts_draw_and_check(record: Template) -> None:
    """Structured references and names may stand in formulas, not in charts and validations."""
    with zipfile.ZipFile(io.BytesIO(workbook(record, "filled").content)) as package:
        parts = {name: package.read(name).decode() for name in package.namelist()}
    charts = [xml for name, xml in parts.items() if name.startswith("xl/charts/chart")]
    assert charts
    for xml in charts:
        for reference in re.findall(r"<c:f>(.*?)</c:f>", xml):
            assert re.fullmatch(r"(\w+|'.+')!\$[A-Z]+\$\d+(:\$[A-Z]+\$\d+)?", reference)
    for name, xml in parts.items():
        if name.startswith("xl/worksheets/sheet"):
            for rule in re.findall(r"<(?:formula1?|cfvo)[^>]*>([^<]*)<", xml):
                assert "[" not in rule
    assert "fullCalcOnLoad" not in parts["xl/workbook.xml"]
    assert re.search(rf"kpi_xl template.*{record.name}", parts["docProps/custom.xml"])


def test_in_another_language_the_values_stay(record: Template) -> None:
    texts: list[str] = []

    def translate(text: str) -> str:
        texts.append(text)
        return foreign(text)

    english = few(record.name).built
    other = build(record, first_rows(record.name), language="fa", translate=translate)
    place = {foreign(sheet): sheet for sheet in read_package(english.content).sheets}
    for (sheet, row, column), value in other.values.items():
        same = english.values[place[sheet], row, column]
        for cell, other_cell in zip(cells(value), cells(same), strict=True):
            # Numbers are the same; a text may be the template's own.
            assert cell == other_cell or {type(cell), type(other_cell)} == {str}
    package = read_package(other.content)
    assert set(package.tables) == {"sources", *(table.name.lower() for table in record.inputs)}
    assert {name for _, name in package.names if not name.startswith("_xlnm")} == {
        name for _, name in read_package(english.content).names if not name.startswith("_xlnm")
    }
    book = openpyxl.load_workbook(io.BytesIO(other.content))
    assert all(sheet.sheet_view.rightToLeft for sheet in book)
    sheets = [sheet for sheet in book if sheet.title != foreign("Model")]  # whose spills stay
    shown = {cell.value for sheet in sheets for row in sheet.iter_rows() for cell in row}
    assert all(len(foreign(sheet.title)) <= 31 for sheet in record.sheets)
    contract = {column.name for table in record.inputs for column in table.columns}
    contract |= {table.name for table in record.inputs}
    assert ({text for text in texts if len(text) > 3} - contract) & shown == set()


def test_text_from_outside_is_never_a_formula(record: Template) -> None:
    data, about = record.sample()
    evil = ['=HYPERLINK("x")', "+1+1", "-1", "@SUM(A1)", "{=1}", "'quoted", "_x0041_"]
    changed = {}
    for table in record.inputs:
        text = [column.name for column in table.columns if column.unit.name in ("KEY", "TEXT")]
        changed[table.name] = {
            name: [*(evil if name in text else values[: len(evil)]), *values[len(evil) : 40]]
            for name, values in (dict.fromkeys(text, [None] * 40) | dict(data[table.name])).items()
        }
    book = openpyxl.load_workbook(io.BytesIO(build(record, changed, about).content))
    for table in record.inputs:
        for place, column in enumerate(table.columns, start=1):
            if column.unit.name in ("KEY", "TEXT"):
                held = [book[table.name].cell(HEADER + 2 + i, place) for i in range(len(evil))]
                assert [cell.value for cell in held[:6]] == evil[:6]
                assert {cell.data_type for cell in held} == {"s"}
                assert held[0].quotePrefix


def test_one_row_is_enough(record: Template) -> None:
    data, about = record.sample()
    first = {
        table: {name: values[:1] for name, values in columns.items()}
        for table, columns in data.items()
    }
    made = build(record, first, about)
    assert made.headlines  # computed, whatever it shows
    book = openpyxl.load_workbook(io.BytesIO(made.content), data_only=True)
    kinds = {CellError: "e", bool: "b", float: "n"}
    for (sheet, row, column), value in made.values.items():
        if not isinstance(value, list) and type(value) in kinds:
            held = book[sheet].cell(row, column)
            assert held.data_type in {kinds[type(value)], "d"}, (sheet, held.coordinate)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_sample_comes_back_from_files(record: Template, ending: str, tmp_path: Path) -> None:
    """Read as `kpi-xl fill` reads it: from the same data follow the same figures."""
    data = record.sample().data
    for table in record.inputs:
        columns = {
            name: [plain(cell) for cell in cells] for name, cells in data[table.name].items()
        }
        frame = pd.DataFrame(columns, dtype=object)
        path = tmp_path / f"{table.name}.{ending}"
        if ending == "csv":
            frame.to_csv(path, index=False)
        else:
            frame = frame.convert_dtypes()
            duckdb.from_df(frame).write_parquet(str(path))
        read = read_table(path, table.columns).columns
        for name, cells in columns.items():
            assert read[name] == [key(cell) if keyed(table, name) else cell for cell in cells], name


def plain(cell: Any) -> Any:
    """A cell of a sample as files hold it."""
    return None if cell == "" else cell.date() if isinstance(cell, datetime) else cell


def keyed(table: Input, name: str) -> bool:
    """Whether a column holds what identifies, where 5 and "5" are one."""
    return any(column.name == name and column.unit.name == "KEY" for column in table.columns)


def test_the_committed_workbook_is_what_the_builder_writes(record: Template) -> None:
    committed = WORKBOOKS / f"{record.name}.xlsx"
    assert parts(committed.read_bytes()) == parts(workbook(record, "empty").content), (
        "python tests/generated.py writes it anew"
    )


def parts(content: bytes) -> dict[str, bytes]:
    """The parts of a workbook, unpacked: compression may differ from machine to machine."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert {info.date_time[0] for info in package.infolist()} == {1980}
        return {name: package.read(name) for name in package.namelist()}


def test_dates_of_any_kind_are_written_as_days(record: Template) -> None:
    moved = {
        table: {
            name: [
                datetime(cell.year, cell.month, cell.day) if isinstance(cell, date) else cell
                for cell in values
            ]
            for name, values in columns.items()
        }
        for table, columns in first_rows(record.name).items()
    }
    assert build(record, moved).values == few(record.name).built.values


def test_what_validators_let_pass_is_right(case: tuple[Template, str]) -> None:
    content = workbook(*case).content
    assert lint(content) == []
    assert look(content) == []


class Apart(Patterns):
    """Formulas each read by itself, as if none were like another one."""

    def _key(self, formula: Formula) -> tuple[None, Own, tuple[()]]:
        return None, NOTHING_OWN, ()


def test_formulas_that_are_read_together_are_read_as_each_alone(record: Template) -> None:
    package = read_package(workbook(record, "filled").content)
    together, apart = (kind(package, sheet_names(package)) for kind in (Patterns, Apart))
    for formula in package.formulas:
        line, alone = together.line(formula), apart.line(formula)
        alone.number = line.number
        assert alone.text(formula.row) == line.text(formula.row), formula.cell
        assert list(alone.places(formula.row)) == list(line.places(formula.row)), formula.cell
    assert together.held == apart.held
    assert len(together.lines) < len(apart.lines)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a viewer without our functions shows of each template, filled, and of subscribers."""
    folder = tmp_path_factory.mktemp("printed")
    books = [folder / f"{name}.xlsx" for name in TEMPLATES]
    for book in books:
        book.write_bytes(workbook(template(book.stem), "filled").content)
    # Nobody has left, so that there is no quick ratio; and nobody has stayed for long.
    months = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 2, 1)]
    paid = {"customer": ["Ann", "Ann", "Bob"], "month": months, "amount": [10.0] * 3}
    book = folder / "subscribers.xlsx"
    book.write_bytes(build(template("unit_economics"), {"Subscribers": paid}).content)
    return pdf_texts([*books, book], folder)


def test_what_is_blank_stays_so_in_a_viewer_without_our_functions(
    printed: dict[str, str],
) -> None:
    assert "Quick ratio" in printed["subscribers"]
    assert "#NAME?" not in re.sub(r"into\s+#NAME", "", printed["subscribers"])


def test_a_viewer_without_our_functions_shows_the_figures(
    record: Template, printed: dict[str, str]
) -> None:
    text, headlines = printed[record.name], workbook(record, "filled").headlines
    assert "#NAME?" not in re.sub(r"into\s+#NAME", "", text)  # what Start says of an edit
    assert not [shown for _, shown in headlines if without_cents(shown) not in text]


def without_cents(shown: str) -> str:
    """A figure as sheets show it, which leave the cents away from 1,000 on."""
    large = re.fullmatch(r"-?\d{1,3}(,\d{3})+\.\d\d", shown)
    return f"{round(float(shown.replace(',', ''))):,}" if large else shown


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_no_translation_is_left_over(language: str) -> None:
    for name, state in CASES:
        workbook(template(name), state)
    starter.build(translate=noted)
    elsewhere = {FROZEN, LIVE, CURRENCY_FIXED, *FUNCTIONS.values(), *OF_OWN_KPIS, *OF_COUNTED}
    assert set(texts(language)["words"]) == said | elsewhere


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_workbook_in_each_language(record: Template, language: str) -> None:
    made = empty(record.name, language)
    assert lint(made.content) == []
    assert look(made.content) == []
    assert not [value for value in made.values.values() if isinstance(value, CellError)]
    package = read_package(made.content)
    titles = ["Start", *(sheet.title for sheet in record.sheets), SOURCES.title]
    assert list(package.sheets) == [texts(language)["words"][title] for title in titles]
    for sheet in package.xml.values():
        assert (b'rightToLeft="1"' in sheet.xml) == (language in RIGHT_TO_LEFT)
