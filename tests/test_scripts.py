"""The KPI tab's buttons on real template workbooks, through xlwings' remote engine."""

import csv
import io
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest
import remote_excel
from demos import few, first_rows
from generated import WORKBOOKS
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import HEADER, Template
from workbooks import loaded_today

from kpi_xl import METRICS, units
from kpi_xl.engine.embedded import calculate
from kpi_xl.formula_text import calls
from kpi_xl.hosts.libreoffice.newer_functions import NEWER_CALL
from kpi_xl.ooxml.package import read_package
from kpi_xl.reports.layout import Loaded
from kpi_xl.schema import SCHEMAS

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


class Pressed(NamedTuple):
    """A button pressed in a workbook."""

    content: bytes
    script: str
    arguments: tuple[str, ...] = ()
    active: str = "Start"


def pressed(buttons: list[Pressed], folder: Path | None) -> list[tuple[bytes, str]]:
    """Each workbook afterwards, and what it was told, all by one process."""
    calls = [
        {
            "book": remote_excel.payload(one.content, one.active),
            "script": one.script,
            "arguments": one.arguments,
        }
        for one in buttons
    ]
    host = Path(remote_excel.__file__)
    settings = {
        "XLWINGS_LICENSE_KEY": "noncommercial",
        "XLWINGS_ON_SERVER": "true",
        "KPI_XL_FOLDERS": str(folder or ""),
        "XDG_CONFIG_HOME": str(host.parent),  # where there are no settings
    }
    result = subprocess.run(
        [sys.executable, str(host)],
        input=json.dumps(calls),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **settings},
    )
    assert result.returncode == 0, result.stderr
    after = [
        remote_excel.applied(one.content, actions)
        for one, actions in zip(buttons, json.loads(result.stdout), strict=True)
    ]
    return [(content, told) for content, (told,) in after]


def run(
    content: bytes, script: str, *arguments: str, folder: Path | None = None, active: str = "Start"
) -> tuple[bytes, str]:
    """The workbook after a script, and what the script told."""
    return pressed([Pressed(content, script, arguments, active)], folder)[0]


def saved(record: Template, data: Any, folder: Path) -> list[Loaded]:
    """The data as CSV files, and what the sheet Sources says of them."""
    for table in record.inputs:
        with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(data[table.name])
            writer.writerows(zip(*data[table.name].values(), strict=True))
    return [Loaded(table.name, f"{table.name}.csv") for table in record.inputs]


@pytest.fixture(scope="module")
def funnel(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """An empty funnel workbook, and the folder of the files that it names."""
    folder = tmp_path_factory.mktemp("funnel")
    record = template("funnel")
    return build(record, {}, loaded=saved(record, first_rows("funnel"), folder)).content, folder


@pytest.fixture(scope="module")
def filled(funnel: tuple[bytes, Path]) -> bytes:
    """The funnel workbook after its button."""
    content, folder = funnel
    return run(content, "refresh_report", folder=folder)[0]


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, str]]:
    """Each template's workbook after its button, and what it was told."""
    folder = tmp_path_factory.mktemp("refreshed")
    buttons = []
    for name in TEMPLATES:
        (folder / name).mkdir()
        files = saved(template(name), first_rows(name), folder / name)

        def name_files(book: Any, name: str = name, files: list[Loaded] = files) -> None:
            for row, one in enumerate(files, start=9):
                assert book["Sources"].cell(row, 1).value == one.table
                book["Sources"].cell(row, 2).value = f"{name}/{one.file}"

        content = changed((WORKBOOKS / f"{name}.xlsx").read_bytes(), name_files)
        buttons.append(Pressed(content, "refresh_report"))
    return dict(zip(TEMPLATES, pressed(buttons, folder), strict=True))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_refreshed_report_is_what_it_should_be(
    name: str, refreshed: dict[str, tuple[bytes, str]]
) -> None:
    record, data = template(name), first_rows(name)
    new, told = refreshed[name]
    assert told.startswith("Loaded: ")
    expected = few(name).built
    computed = calculate(new)
    assert computed.refused == {}
    assert computed.values == loaded_today(expected.content, expected.values)
    book, right = (openpyxl.load_workbook(io.BytesIO(one)) for one in (new, expected.content))
    for table in record.inputs:
        one, other = book[table.name], right[table.name]
        assert one.tables[table.name].ref == other.tables[table.name].ref
        for row, other_row in zip(
            one.iter_rows(HEADER + 2), other.iter_rows(HEADER + 2), strict=True
        ):
            assert [cell.value for cell in row] == [cell.value for cell in other_row]
            assert [cell.number_format for cell in row] == [c.number_format for c in other_row]
    listing = {row[0]: row for row in book["Sources"].iter_rows(9, values_only=True)}
    for table in record.inputs:
        rows = len(next(iter(data[table.name].values())))
        assert listing[table.name][4] == rows
        assert datetime.now().date() == listing[table.name][3].date()


def test_columns_reach_the_process_that_reads() -> None:
    """Units are the same ones there, so that they compare; a table's own unit is a copy."""
    columns = [c for schema in SCHEMAS.values() for table in schema.inputs for c in table.columns]
    for column, copy in zip(columns, pickle.loads(pickle.dumps(columns)), strict=True):
        own = column.unit is not vars(units)[column.unit.name]
        assert (copy.unit is column.unit) is not own
        assert vars(copy.unit) == vars(column.unit)
        assert copy.name == column.name


def test_a_smaller_file_leaves_no_rows_of_the_larger(filled: bytes, tmp_path: Path) -> None:
    (tmp_path / "Leads.csv").write_text(
        "lead_id,created,channel,mql_date,sql_date,sqo_date,won_date,value\n"
        "=1+1,2025-01-31,-x,,,,,7\n007,2025-02-01,@y,,,,,8\n+3,2025-02-01,z,,,,,\n",
        encoding="utf-8",
    )
    of_ships, of_leads = (
        Pressed(filled, "load_data", ("Ships",)), Pressed(filled, "load_data", active="Leads")
    )  # fmt: skip
    (_, asked), (new, told) = pressed([of_ships, of_leads], tmp_path)
    assert asked == "Go to the sheet of the table to load first: Leads or Spend."
    assert told == "Loaded: Leads: 3 rows."
    sheet = openpyxl.load_workbook(io.BytesIO(new))["Leads"]
    assert sheet.tables["Leads"].ref == "A4:K7"
    rows = list(sheet.iter_rows(5, values_only=True))
    assert [row[:3] for row in rows[:3]] == [
        ("=1+1", datetime(2025, 1, 31), "-x"),
        ("007", datetime(2025, 2, 1), "@y"),
        ("+3", datetime(2025, 2, 1), "z"),
    ]
    assert sheet["A5"].data_type == "s"
    assert {cell for row in rows[3:] for cell in row} == {None}
    spend = openpyxl.load_workbook(io.BytesIO(new))["Spend"]
    assert spend.tables["Spend"].ref == "A4:F64"  # the other table is as it was


def test_a_filter_is_cleared_before_anything_is_written(funnel: tuple[bytes, Path]) -> None:
    content, folder = funnel

    def filter_spend(book: Any) -> None:
        book["Spend"].tables["Spend"].autoFilter.add_filter_column(1, ["mail"])

    before = changed(content, filter_spend)
    new, told = run(before, "refresh_report", folder=folder)
    assert told.startswith("Loaded: ")
    sheet = openpyxl.load_workbook(io.BytesIO(new))["Spend"]
    assert sheet.tables["Spend"].autoFilter.filterColumn == []
    assert sheet["A64"].value is not None


def test_the_users_own_things_stay(funnel: tuple[bytes, Path]) -> None:
    content, folder = funnel
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book["Spend"]
    sheet.insert_cols(2)
    for row, value in ((4, "mine"), (5, "=1+1"), (6, "note")):
        sheet.cell(row, 2).value = value
    table = sheet.tables["Spend"]
    table.ref = table.autoFilter.ref = "A4:G6"
    table.tableColumns.insert(1, openpyxl.worksheet.table.TableColumn(id=7, name="mine"))
    sheet["J1"] = "beside"
    book["Leads"]["A3"].value = "mine"
    book.create_sheet("Notes")["A1"] = "kept"
    new, told = run(remote_excel.saved(book), "refresh_report", folder=folder)
    assert told.startswith("Loaded: ")
    after = openpyxl.load_workbook(io.BytesIO(new))
    sheet = after["Spend"]
    assert [sheet.cell(row, 2).value for row in (4, 5, 6, 7)] == ["mine", "=1+1", "note", None]
    assert sheet["J1"].value == "beside"
    assert sheet["A5"].value == datetime(2024, 1, 1)
    assert sheet["C5"].value is not None
    assert sheet.tables["Spend"].ref == "A4:G64"
    assert after["Notes"]["A1"].value == "kept"


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    change(book)
    return remote_excel.saved(book)


def cells_of(content: bytes, *sheets: str) -> list[Any]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return [list(book[sheet].iter_rows(values_only=True)) for sheet in sheets]


def name_file(text: str) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book["Sources"]["B10"] = text

    return change


def put(sheet: str, cell: str, value: Any) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        for table in book[sheet].tables.values():
            for column in table.tableColumns:  # Excel renames the column with its header
                if column.name == book[sheet][cell].value:
                    column.name = value
        book[sheet][cell] = value

    return change


REFUSED = [
    (name_file("no.csv"), "there is no file"),
    (name_file("../secret.csv"), "is outside the folders"),
    (name_file("/etc/passwd"), "is outside the folders"),
    (name_file("//server/share/x.csv"), "is on the network"),
    (name_file(r"\\server\share\x.csv"), "is on the network"),
    (name_file("https://example.com/x.csv"), "is an address"),
    (name_file("file:///etc/passwd"), "is an address"),
    (name_file("duckdb:SELECT 1"), "there is no connection duckdb"),
    (name_file("link.csv"), "is outside the folders"),
    (name_file("broken.csv"), "has no column month"),
    (put("Sources", "A10", "Ships"), "Ships is no table of this template"),
    (put("Sources", "C10", "Month"), '"Month" is not written as Their name=our column.'),
    (put("Sources", "C10", "Month=moon"), "moon, which is no column here"),
    (put("Sources", "C8", "mine"), "The table Sources has no column columns"),
    (put("Spend", "B4", "mine"), "The table Spend has no column channel"),
    (put("Spend", "A9", "total"), "needs more rows, but row 9 below it is not blank"),
]


def test_what_cannot_be_loaded_changes_no_table(funnel: tuple[bytes, Path], tmp_path: Path) -> None:
    content, folder = funnel
    (folder / "broken.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "outside.csv").write_text("month,channel,spend\n2025-01-01,x,1\n", "utf-8")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    before = [changed(content, change) for change, _ in REFUSED]
    after = pressed([Pressed(one, "refresh_report") for one in before], folder)
    sheets = ("Leads", "Spend", "Sources", "Start", "Summary")
    for old, (new, told), (_, sentence) in zip(before, after, REFUSED, strict=True):
        assert sentence in told
        *cells, checks = cells_of(new, *sheets, "Checks")
        assert cells == cells_of(old, *sheets), sentence
        listed = [str(text) for row in checks for text in row if text]
        assert any(sentence in text for text in listed) == told.startswith("Nothing was loaded")


def test_a_workbook_that_is_no_template(funnel: tuple[bytes, Path]) -> None:
    content, folder = funnel
    none = changed(content, lambda book: book.defined_names.pop("ReportTemplate"))
    buttons = [Pressed(none, one) for one in ("refresh_report", "check_data", "load_data")]
    buttons.append(Pressed(changed(content, put("Sources", "B4", "ships")), "refresh_all"))
    without_files = changed(
        changed(content, put("Sources", "B9", None)), put("Sources", "B10", None)
    )
    buttons.append(Pressed(without_files, "refresh_report"))
    *of_none, of_ships, of_no_files = [told for _, told in pressed(buttons, folder)]
    for told in of_none:
        assert told.startswith("This workbook was not made from a template of kpi_xl")
    assert 'made from the template "ships"' in of_ships
    assert of_no_files == "Name a file in the sheet Sources first, for Leads, Spend."


def test_without_a_folder_nothing_is_read(funnel: tuple[bytes, Path]) -> None:
    _, told = run(funnel[0], "refresh_report")
    assert "save the workbook first; on a server its keeper allows folders" in told


def test_check_data_lists_what_is_wrong(funnel: tuple[bytes, Path], filled: bytes) -> None:
    content, folder = funnel

    def spoil(book: Any) -> None:
        book["Leads"]["B7"] = "soon"
        book["Leads"]["K8"] = "a lot"
        book["Spend"]["D9"] = -3
        book["Spend"]["B6"] = None
        book["Spend"]["B7"] = None
        book["Leads"]["H10"] = "#N/A"

    books = [content, filled, changed(filled, spoil)]
    (_, empty), (_, fine), (new, told) = pressed([Pressed(b, "check_data") for b in books], None)
    assert empty == "The tables are empty: fill them, or load them from files."
    assert fine == "120 rows checked, no problem found."
    assert told == "Problems: 6; see the sheet Checks."
    sheet = openpyxl.load_workbook(io.BytesIO(new))["Checks"]
    names = openpyxl.load_workbook(io.BytesIO(new)).defined_names
    (place,) = re.findall(r"\d+$", names["FindingCount"].attr_text)
    rows = [[cell for cell in row if cell] for row in sheet.iter_rows(int(place), values_only=True)]
    assert [row[:2] for row in rows if row and "[" in str(row[0])] == [
        ["Leads[created]", 7], ["Leads[sqo_date]", 10], ["Leads[value]", 8],
        ["Spend[channel]", 6], ["Spend[impressions]", 9],
    ]  # fmt: skip
    assert rows[0][1] == 6
    assert 'such as "soon". Write them as dates' in str(rows)
    assert 'such as "-3"; it must be at least 0' in str(rows).replace("-3.0", "-3")
    assert cells_of(new, "Leads", "Spend") == cells_of(changed(filled, spoil), "Leads", "Spend")
    again, told = run(changed(new, lambda book: None), "refresh_report", folder=folder)
    assert told == "Loaded: Leads: 60 rows; Spend: 60 rows."
    sheet = openpyxl.load_workbook(io.BytesIO(again))["Checks"]
    rows = sheet.iter_rows(int(place), values_only=True)
    assert not [cell for row in rows for cell in row if "[" in str(cell)]


def test_in_the_workbooks_language(funnel: tuple[bytes, Path]) -> None:
    _, folder = funnel
    files = [Loaded("Leads", "Leads.csv"), Loaded("Spend", "Spend.csv")]
    content = build(template("funnel"), {}, language="ru", loaded=files).content
    new, told = run(content, "refresh_report", folder=folder, active="Начало")
    assert told == "Загружено: Leads: строк 60; Spend: строк 60."
    book = openpyxl.load_workbook(io.BytesIO(new))
    texts = [cell for row in book.worksheets[0].iter_rows(values_only=True) for cell in row]
    assert "Прочитано kpi-xl из Leads.csv, Spend.csv." in texts
    assert isinstance(book["Лиды"]["B5"].value, date)


def test_what_excel_on_the_web_cannot_do_says_so(funnel: tuple[bytes, Path]) -> None:
    buttons = [Pressed(funnel[0], one) for one in ("explain_cell", "freeze_for_sharing")]
    (_, explained), (_, frozen) = pressed(buttons, None)
    assert "kpi-xl explain BOOK CELL" in explained
    assert "kpi-xl freeze BOOK" in frozen


# Excel for Windows


@pytest.fixture(scope="module")
def desk(funnel: tuple[bytes, Path]) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Buttons pressed in Excel for Windows, in the workbook beside its files."""
    content, folder = funnel
    (folder / "report.xlsx").write_bytes(content)

    def play(plays: list[dict[str, Any]]) -> list[dict[str, Any]]:
        host = Path(__file__).with_name("desktop_excel.py")
        calls = [{"book": str(folder / "report.xlsx"), **one} for one in plays]
        result = subprocess.run(
            [sys.executable, "-W", "ignore", str(host)],
            input=json.dumps(calls),
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "KPI_XL_FOLDERS": "", "XDG_CONFIG_HOME": str(folder)},
        )
        assert result.returncode == 0, result.stderr
        found: list[dict[str, Any]] = json.loads(result.stdout)
        return found

    return play


AS_BEFORE = [True, -4105, False]  # screen updating, automatic calculation, the status bar Excel's


def test_on_windows_a_report_is_refreshed(desk: Callable[..., Any]) -> None:
    unbound = [
        ["Summary", [28, 3], "formula", "='C:\\x\\kpi_xl.xlam'!CAC(B1,\"kpi_xl.xlam!CAC(1)\")", 1],
        ["Summary", [27, 3], "formula", "=CPL(SpendTotal,LeadCount)", "#NAME?"],
        ["Leads", [20, 13], "value", "beside"],
        ["Leads", [5, 1], "value", "=old"],
    ]
    play = {"script": "refresh_report", "active": "Leads!B7", "changes": unbound}
    one, old = desk([play, {**play, "old": True}])
    assert old["told"] == one["told"]
    assert old["after"]["Summary"] == one["after"]["Summary"]
    assert one["told"] == ["Loaded: Leads: 60 rows; Spend: 60 rows."]
    assert one["now"] == AS_BEFORE
    assert one["computed"] == 1
    assert one["noted"] == [
        ["ScreenUpdating", False], ["Calculation", -4135], ["Calculation", -4105],
        ["Activate", "Leads"], ["Select", "$B$7"], ["ScreenUpdating", True],
    ]  # fmt: skip
    leads = one["after"]["Leads"]
    assert leads["tables"] == {"Leads": [1, 4, 11, 64]}
    data = first_rows("funnel")["Leads"]
    for row in (0, 59):
        assert leads["cells"][f"{row + 5},1"] == data["lead_id"][row]
        assert leads["cells"][f"{row + 5},2"] == f"{data['created'][row]}T00:00:00"
    assert leads["formulas"] == {}
    assert leads["looks"]["64,2"] == "yyyy-mm-dd"
    assert leads["cells"]["20,13"] == "beside"
    formulas = one["after"]["Summary"]["formulas"]
    assert formulas["28,3"] == '=CAC(B1,"kpi_xl.xlam!CAC(1)")'
    assert formulas["27,3"] == "=CPL(SpendTotal,LeadCount)"
    for sheet in ("Funnel", "Channels", "Model"):
        assert one["after"][sheet] == one["before"][sheet]


def test_on_windows_a_failure_in_the_middle_changes_nothing(desk: Callable[..., Any]) -> None:
    old = [
        ["Leads", [5, 1], "value", "=old"],
        ["Leads", [6, 1], "value", "007"],
        ["Leads", [5, 11], "formula", "=1+1", 2],
        ["Spend", [6, 2], "value", "-x"],
        ["Spend", [5, 2], "value", "#N/A"],
    ]
    plays = [{"script": "refresh_report", "fails_at": n, "changes": old} for n in (1, 3, 5, 8, 11)]
    refused = ({"protected": "Spend"}, {"filtered": "Checks"}, {"filtered_table": "Leads"})
    plays += [{"script": "refresh_report", **one} for one in refused]
    *failed, protected, filtered, table = desk(plays)
    assert protected["told"] == ["The sheet Spend is protected: remove its protection first."]
    assert filtered["told"] == ["The sheet Checks has a filter on: clear the filter first."]
    assert table["told"] == ["The sheet Leads has a filter on: clear the filter first."]
    for one in (protected, filtered, table):
        assert one["after"] == one["before"]
    for one in failed:
        assert one["failure"] == "Excel is busy"
        assert one["told"] == []
        assert one["after"] == one["before"]
        assert one["now"] == AS_BEFORE


def test_on_windows_a_cell_is_explained(
    desk: Callable[..., Any], funnel: tuple[bytes, Path]
) -> None:
    names = openpyxl.load_workbook(io.BytesIO(funnel[0])).defined_names
    named = {
        name: [int(names[name].attr_text.rpartition("$")[2]), 3]  # in the column C
        for name in ("SpendTotal", "CustomerCount")
    }
    cells = [
        ["Summary", [58, 3], "formula", '=IF(LeadCount=0,"",CAC(SpendTotal,CustomerCount))', 4.5],
        ["Summary", named["SpendTotal"], "value", 90],
        ["Summary", named["CustomerCount"], "value", 20],
        ["Summary", [59, 3], "formula", "=ROAS(T[@[x]:[y]],Nothing)", "#NAME?"],
        ["Summary", [1, 1], "formula", "=1+1", 2],
        ["Summary", [60, 3], "formula", "=CAC({20,60},[other.xlsx]Summary!A1)", 10],
    ]
    other = openpyxl.Workbook()
    other.worksheets[0].title = "Summary"  # as a sheet of the workbook itself is called
    other.worksheets[0]["A1"] = 2
    other.save(funnel[1] / "other.xlsx")
    explained, unknown, none, row, old = desk(
        [
            {"script": "explain_cell", "active": f"Summary!{cell}", "changes": cells,
             "beside": [str(funnel[1] / "other.xlsx")], "old": place == 4}
            for place, cell in enumerate(("C58", "C59", "A1", "C60", "C58"))
        ]
    )  # fmt: skip
    assert explained["told"][0].splitlines()[1:] == [
        "CAC(SpendTotal,CustomerCount) = 4.5",
        "  spend = SpendTotal = 90 (money, in any one currency)",
        "  new_customers = CustomerCount = 20 (a count)",
        "  Formula: spend / new_customers = 90 / 20 = 4.5",
        "",
        "The cell shows 4.5.",
    ]
    assert "revenue = T[@[x]:[y]] = not known here" in unknown["told"][0]
    assert "ad_spend = Nothing = #NAME?" in unknown["told"][0]
    assert none["told"][0].startswith("This cell has no function of kpi_xl")
    assert row["told"][0].splitlines()[1:4] == [
        "CAC({20,60},[other.xlsx]Summary!A1) = 1 x 2 cells, the first 10",
        "  spend = {20,60} = 1 x 2 cells, the first 20 (money, in any one currency)",
        "  new_customers = [other.xlsx]Summary!A1 = 2 (a count)",
    ]
    assert explained["after"] == explained["before"]
    assert old["told"] == explained["told"]


def test_on_windows_a_copy_is_frozen(desk: Callable[..., Any], funnel: tuple[bytes, Path]) -> None:
    one, other = desk([{"script": "freeze_for_sharing"}] * 2)
    copy = funnel[1] / "report (values).xlsx"
    ours = [one for one in read_package(funnel[0]).formulas if any(calls(one.text, METRICS))]
    told = f"{len(ours)} formulas are values in the copy, each kept in a note: {copy}"
    assert one["told"] == [told]
    assert copy.exists()
    assert str(copy).replace("(values)", "(values 2)") in other["told"][0]  # nothing is overwritten
    assert (funnel[1] / "report.xlsx").read_bytes() == funnel[0]


def test_on_windows_a_copy_has_live_formulas(
    desk: Callable[..., Any], funnel: tuple[bytes, Path]
) -> None:
    (one,) = desk([{"script": "freeze_with_formulas"}])
    copy = read_package((funnel[1] / "report (live).xlsx").read_bytes())
    # Functions that older Excels have not are values, too.
    ours = [
        one
        for one in read_package(funnel[0]).formulas
        if any(calls(one.text, METRICS)) or NEWER_CALL.search(one.text)
    ]
    # An empty text that is a value stands there as ="", apart from blanks.
    there = {(one.sheet, one.row, one.column) for one in copy.formulas if one.text != '""'}
    live = sum((one.sheet, one.row, one.column) in there for one in ours)
    assert not [one for one in copy.formulas if any(calls(one.text, METRICS))]
    assert live > 50
    assert one["told"] == [
        f"{live} formulas go on computing in the copy, without kpi_xl; {len(ours) - live} are"
        f" values, each kept in a note: {funnel[1] / 'report (live).xlsx'}"
    ]


def test_on_windows_all_open_reports_and_new_ones(desk: Callable[..., Any]) -> None:
    everything, new, old, unknown = desk(
        [
            {"script": "refresh_all"},
            {"script": "new_workbook", "arguments": ["funnel", "ru"]},
            {"script": "new_workbook", "arguments": ["funnel", "ru"], "old": True},
            {"script": "new_workbook", "arguments": ["ships"]},
        ]
    )
    assert everything["told"] == ["report.xlsx: Loaded: Leads: 60 rows; Spend: 60 rows."]
    assert new["told"] == []
    assert "Сводка" in new["after"]
    formulas = [cell for sheet in new["after"].values() for cell in sheet["formulas"].values()]
    ours = sum(any(calls(formula, METRICS)) for formula in formulas)
    assert new["written"] == ours > 100  # each entered anew, so that Excel knows it
    assert new["grows"] is old["grows"] is True
    # In Excel 2019 an array that is entered as a plain formula would compute a single row; and it
    # takes none of more than 255 characters.
    formulas_at = {
        (name, *place): old["after"][name]["formulas"]["{},{}".format(*place)]
        for name, places in old["arrays"].items()
        for place in places
    }
    arrays = {
        place
        for place, formula in formulas_at.items()
        if any(calls(formula, METRICS)) and len(formula) <= 255
    }
    locked = {(n, *place) for n, places in old["locked"].items() for place in map(tuple, places)}
    assert locked == arrays
    assert len(arrays) > 3
    assert old["arrays"] == new["arrays"]
    assert new["locked"] == {}
    assert 'made from the template "ships"' in unknown["told"][0]
