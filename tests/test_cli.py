"""The command line, as a newcomer and as a script use it."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import demos
import openpyxl
import pytest
from commands import kpi_xl
from kpi_xl.workbook_templates import retention, sampled, template
from kpi_xl.workbook_templates.retention import sample
from kpi_xl.workbook_templates.writing import Built
from typer.testing import CliRunner
from workbooks import sheet_of, value_of

from kpi_xl import METRICS, CellError, bounded
from kpi_xl.bounded import ONE_THREAD
from kpi_xl.cli import app, formulas
from kpi_xl.cli.templates import print_told
from kpi_xl.engine.embedded import evaluator
from kpi_xl.files import write_whole
from kpi_xl.ooxml.limits import computing

ROOT = Path(__file__).parents[1]


def started(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "kpi_xl", *arguments],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | environment,
    )


def test_sums_do_not_depend_on_the_number_of_cores() -> None:
    """NumPy, which comes later, computes in one thread."""
    lines = ("import sys", "from contextlib import suppress", "from kpi_xl.cli import main",
             "with suppress(SystemExit): main()", "import numpy, threadpoolctl",
             "print({one['num_threads'] for one in threadpoolctl.threadpool_info()})")  # fmt: skip
    unset = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines), "--version"],
        capture_output=True,
        encoding="utf-8",
        env=unset,
    )
    assert ran.stdout.splitlines()[-1] == "{1}", ran.stderr


DEMO = ("demo", "retention", "--dir", "reports/new", "--lang", "en")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A workbook with sample data, and what was told when it was made."""
    folder = tmp_path_factory.mktemp("demo")
    result = kpi_xl(*DEMO, "--parents", folder=folder)
    assert result.returncode == 0, result.stderr
    return folder / "reports" / "new" / "kpi-xl-retention.xlsx", result.stdout


@pytest.fixture(scope="module")
def book(demo: tuple[Path, str]) -> Path:
    return demo[0]


@pytest.mark.parametrize(
    ("formula", "output"),
    [
        ("=CAC(50000,250)", "200"),
        ("CAC(50000,250)", "200"),
        ("=CAC(1,3)", "0.3333333333333333"),
        ('=KPI_STATUS(95,100)&"!"', "at risk!"),
        ("=CAC(1,2)<1", "TRUE"),
        ("=CLV(50,4,3,,0)", "600"),
        ("=AB_INTERVAL(48,80,56,70)", "0.0524314724023649\t0.3338726540369059"),
        ("=CAC({1;2},{0;2})", "#DIV/0!\n1"),
        (
            '=COHORT({"a";"b";"a"},{45292;45323;45323})',
            "cohort\tsize\t0\t1\n2024-01\t1\t1\t1\n2024-02\t1\t1\t",
        ),
        ('="日本"&"ω"', "日本ω"),
    ],
)
def test_a_formula_gives_what_the_cell_shows(formula: str, output: str) -> None:
    result = kpi_xl("eval", formula)
    assert result.stdout == output + "\n"
    assert result.stderr == ""
    assert result.returncode == 0


def test_output_is_utf8_on_a_windows_pipe() -> None:
    result = started("eval", '="€ω"', PYTHONIOENCODING="cp1252")
    assert result.stdout == "€ω\n"


def test_a_process_ends_with_the_code_and_the_line_of_its_command() -> None:
    for arguments in (("eval", "=CAC(1,2)"), ("eval", "=CAC(1,0)"), ("evl",)):
        by_itself, here = started(*arguments), kpi_xl(*arguments)
        assert (by_itself.returncode, by_itself.stdout) == (here.returncode, here.stdout)
        assert by_itself.stderr == here.stderr


@pytest.mark.parametrize(
    ("formula", "code", "words"),
    [
        ("=CAC(50000,0)", "#DIV/0!", "new_customers is 0 or blank"),
        ("=CAC(50000,-1)", "#NUM!", "new_customers is -1"),
        ('=CAC("x",1)', "#VALUE!", "spend"),
        ("=CAC(1)", "#VALUE!", "CAC(spend, new_customers)"),
        ("=KPI_TREND({1;2})", "#N/A", "three values"),
        ("=1/0", "#DIV/0!", "native"),
    ],
)
def test_an_excel_error_says_why(formula: str, code: str, words: str) -> None:
    result = kpi_xl("eval", formula)
    assert result.stdout == code + "\n"
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.returncode == 1


def test_json_of_a_value_an_error_and_a_block() -> None:
    assert json.loads(kpi_xl("eval", "=CAC(1,4)", "--json").stdout) == {"value": 0.25}
    error = kpi_xl("eval", "=CAC(1,0)", "--json")
    assert json.loads(error.stdout)["error"] == "#DIV/0!"
    assert "new_customers" in json.loads(error.stdout)["sentence"]
    assert error.returncode == 1
    block = json.loads(kpi_xl("eval", "=CAC({1;2},{2;0})", "--json").stdout)
    assert block["value"][0] == [0.5]
    assert block["value"][1][0]["error"] == "#DIV/0!"
    assert "new_customers" in block["value"][1][0]["sentence"]


@pytest.fixture
def smaller(tmp_path: Path) -> Path:
    """The same of a few orders, which is computed sooner."""
    path = tmp_path / "kpi-xl-retention.xlsx"
    path.write_bytes(demos.few("retention").built.content)
    return path


def test_a_name_is_looked_up_in_the_workbook(smaller: Path) -> None:
    orders = demos.first_rows("retention")["Orders"]["customer"]
    times = Counter(orders).values()
    result = kpi_xl("eval", "=RepeatRate", "--book", str(smaller))
    assert result.returncode == 0, result.stderr
    repeated = sum(1 for one in times if one > 1) / len(times)
    assert float(result.stdout) == pytest.approx(repeated, rel=1e-12)


def test_references_are_looked_up_in_the_workbook(book: Path) -> None:
    first = sum(sample().data["Orders"]["amount"][:100])
    evaluated = evaluator(book.read_bytes())  # all is computed once, for the others
    for formula, value in (
        ("=SUM(Orders[amount])/COUNT(Orders[date])", 35.278499783205035),
        ("=AOV(SUM(Orders!C5:C104),COUNT(Orders!B5:B104))", first / 100),
        ("=RepeatRate", 1139 / 2357),
        ("=Orders!C5", 29.33),
        ("=OrderCount", 6919),
        ("=SUM(Cohorts!B6:B8)", 2357),
    ):
        assert evaluated(formula) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evl", "=1"], "eval"),
        (["eval"], "formula"),
        (["eval", "=CAC(1,2)", "--bok", "x"], "--book"),
        (["eval", "=CAC(1,2)", "--book", "no/such.xlsx"], "no/such.xlsx"),
        (["eval", "=CAC(1,2)", "--book", "."], "is a folder"),
        (["eval", "=CACC(1,2)"], "did you mean CAC?"),
        (["eval", "=CAC(1"], "cannot be read"),
        (["eval", "=CAC(1;2"], "arguments are separated by commas"),
        (["eval", '=LEN("a;b"&'], 'cannot be read near "&"\n'),
        (["eval", ""], "cannot be read"),
        (["eval", "="], "cannot be read"),
        (["eval", "=A1"], "--book"),
        (["eval", "=OFFSET(A1,A1,1)"], "OFFSET"),
        (["functions", "CACC"], "did you mean CAC?"),
        (["functions", "--family", "socail"], "did you mean social?"),
        (["functions", "--family", "zzz"], "acquisition"),
        (["functions", "CAC", "--family", "value"], "not both"),
        (["demo", "--dirr", "x"], "--dir"),
        (["demo", "--dir", "x" * 300], "cannot be written"),
        (["demo", "retentoin"], "did you mean retention?"),
        (["demo", "--lang", "tlh"], "zh-Hans"),
        (["fill", "retention"], "--table"),
        (["fill", "retention", "--table", "Oders=x.csv"], "did you mean Orders?"),
        (["fill", "retention", "--table", "x.csv"], "NAME=FILE"),
        (["fill", "retention", "--table", "Orders=no.csv"], "no.csv"),
        (["fill", "retention", "--table", "Orders=a.csv"], "a.csv"),
        (
            ["fill", "retention", "--table", "Orders=a", "--map", "Kunde=custmer"],
            "did you mean customer?",
        ),
        (["new"], "TEMPLATE"),
        (["new", "zzz"], "there are "),
        (["new", "retention", "-o", "x" * 300 + ".xlsx"], "cannot be written"),
        (["new", "retention", "-o", "x.xls"], "has to end in .xlsx or .ods"),
        (["new", "retention", "-o", "x.ods", "--host", "lite"], "has to end in .xlsx"),
        (["new", "retention", "-o", "no/x.xlsx"], "--parents makes it"),
    ],
)
def test_a_mistake_is_one_clear_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    result = kpi_xl(*arguments, folder=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("kpi-xl: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_wrong_names_in_a_workbook_are_one_clear_line(smaller: Path) -> None:
    for formula, words in (
        ("=Sumary!C3", "did you mean Summary?"),
        ("=SUM(Order[amount])", "did you mean Orders?"),
        ("=SUM(Orders[amuont])", "did you mean amount?"),
    ):
        result = kpi_xl("eval", formula, "--book", str(smaller))
        assert result.returncode == 2
        assert words in result.stderr
    misspelt = kpi_xl("eval", "=1+1", "--book", str(smaller.with_name("kpi-xl-retenton.xlsx")))
    assert "did you mean" in misspelt.stderr


def test_functions_lists_them_all() -> None:
    shown = kpi_xl("functions").stdout
    assert all(name in shown for name in METRICS)
    one_family = kpi_xl("functions", "--family", "Sales").stdout
    assert "WIN_RATE" in one_family
    assert "COST_PER_MQL" not in one_family


@pytest.mark.parametrize("name", ["CAC", "cohort", "KPI_STATUS", "AB_INTERVAL"])
def test_a_function_has_a_page(name: str) -> None:
    page = " ".join(kpi_xl("functions", name).stdout.split())
    metric = METRICS[name.upper()]
    assert metric.summary in page
    assert " ".join(metric.source.split()) in page
    assert metric.example[0] in page
    for argument in metric.arguments:
        assert argument.name in page


def test_functions_as_json() -> None:
    listed = json.loads(kpi_xl("functions", "--json").stdout)
    assert [record["name"] for record in listed] == list(METRICS)
    for record in listed:
        assert {"name", "family", "summary", "arguments", "returns", "formula"} <= set(record)
    (clv,) = json.loads(kpi_xl("functions", "clv", "--json").stdout)
    margin = clv["arguments"][3]
    assert (margin["name"], margin["required"], margin["default"]) == ("gross_margin", False, 1.0)


def test_help_and_version() -> None:
    assert "eval" in kpi_xl().stdout
    assert "demo" in kpi_xl("--help").stdout
    assert kpi_xl("--version").stdout.startswith("kpi-xl ")


def test_demo_never_overwrites_unasked(book: Path) -> None:
    before = book.read_bytes()
    refused = kpi_xl("demo", "retention", "--dir", str(book.parent))
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert book.read_bytes() == before
    book.write_bytes(b"mine")
    assert kpi_xl("demo", "retention", "--dir", str(book.parent), "--force").returncode == 0
    assert book.read_bytes()[:2] == b"PK"
    assert [path.name for path in book.parent.iterdir()] == [book.name]


def test_demo_tells_what_it_made(demo: tuple[Path, str], tmp_path: Path) -> None:
    refused = kpi_xl(*DEMO, folder=tmp_path)
    assert refused.returncode == 2
    assert "--parents makes it" in refused.stderr
    assert list(tmp_path.iterdir()) == []
    path, told = demo
    assert "48.3%" in told
    assert "no errors" in told
    assert str(path) in told
    assert path.exists()


def test_new_writes_an_empty_workbook(tmp_path: Path) -> None:
    result = kpi_xl("new", "retention", "-o", "mine.xlsx", "--lang", "en", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert str(tmp_path / "mine.xlsx") in result.stdout
    assert "kpi-xl fill retention" in result.stdout
    assert (tmp_path / "mine.xlsx").read_bytes()[:2] == b"PK"
    again = kpi_xl("new", "retention", "-o", "mine.xlsx", folder=tmp_path)
    assert again.returncode == 2
    assert "--force" in again.stderr


SAMPLES = Path(retention.__file__).with_name("samples")


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
def test_fill_reads_files_and_tells_what_it_read(tmp_path: Path) -> None:
    theirs = (SAMPLES / "cdnow.csv").read_text(encoding="utf-8").replace("customer", "Kunde", 1)
    (tmp_path / "shop.csv").write_text(theirs, encoding="utf-8")
    command = ["fill", "retention", "--table", "orders=shop.csv", "--map", "Kunde=customer"]
    result = kpi_xl(*command, "--lang", "en", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "6,919 rows of shop.csv" in result.stdout
    assert "columns not used: cds" in result.stdout
    assert "48.3%" in result.stdout
    path = tmp_path / "retention-filled.xlsx"
    assert str(path) in result.stdout
    assert "shop.csv" in value_of(path.read_bytes(), "ReportAbout")
    sources = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))["Sources"]
    row = [cell.value for cell in sources[9]]
    assert row[:3] == ["Orders", "shop.csv", "Kunde=customer"]
    assert row[4:] == [6919, "columns not used: cds"]
    assert [cell.value for cell in sources[10]][:2] == ["Subscriptions", None]
    again = kpi_xl(*command, folder=tmp_path)
    assert again.returncode == 2
    assert "--force" in again.stderr


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
def test_fill_says_of_a_file_that_is_read_twice_what_was_said_of_each_table(tmp_path: Path) -> None:
    """Or a refresh would read it otherwise."""
    lines = ["lead_id,Tag,Kanal,mql_date,sql_date,won_date,value,Kosten"]
    lines += ["L1,2025-01-01,A,,,,,5", "L2,2025-02-01,B,,,,,6", "L2,2025-02-01,B,,,,,6", ""]
    (tmp_path / "all.csv").write_text("\n".join(lines))
    result = kpi_xl(
        *("fill", "funnel", "--table", "Leads=all.csv", "--table", "Spend=all.csv"),
        *("--map", "Tag=Leads[created]", "--map", "Kanal=channel", "--map", "Tag=Spend[month]"),
        *("--map", "Kosten=spend", "--lang", "en"),
        folder=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    content = (tmp_path / "funnel-filled.xlsx").read_bytes()
    sources = openpyxl.load_workbook(io.BytesIO(content))["Sources"]
    rows = [[cell.value for cell in row[:3]] for row in sources.iter_rows()]
    assert ["Leads", "all.csv", "Tag=created; Kanal=channel"] in rows
    assert ["Spend", "all.csv", "Kanal=channel; Tag=month; Kosten=spend"] in rows
    assert "The sheet Checks has found:\n  Leads twice in the table: 1 row, first in row 6\n" in (
        result.stdout
    )


def test_fill_from_a_workbook(book: Path, tmp_path: Path) -> None:
    result = kpi_xl(
        *("fill", "retention", "--table", f"Orders={book}", "-o", "again.xlsx", "--lang", "en"),
        folder=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "6,919 rows" in result.stdout
    assert "48.3%" in result.stdout


@pytest.mark.parametrize(
    ("template", "table", "rows", "shown"),
    [
        (
            *("campaigns", "ads"),
            "date,campaign,channel,clicks,cost,conversions,revenue\n"
            "2024-01-01,Spring,search,100,$50,5,$1250.50\n",
            "1,250.50",
        ),
        (
            *("funnel", "leads"),
            "lead_id,channel,created,mql_date,sql_date,sqo_date,won_date,lost_date,value\n"
            "L1,search,2024-01-01,2024-01-02,2024-01-03,2024-01-04,2024-01-08,,$1250.50\n",
            "1,250.50",
        ),
        ("retention", "orders", "customer,date,amount\nAnn,2024-01-05,$1250.50\n", "1,250.50"),
        ("unit_economics", "orders", "customer,date,amount\nAnn,2024-01-05,$1250.50\n", "1,250.50"),
        (
            *("sales_team", "weeks"),
            "rep,week,sales,visits,leads,deals,spend\nKim,2024-01-01,$1250.50,3,4,1,$100\n",
            "1,250.50",
        ),
        ("scorecard", "months", "month,spend,new_customers\n2024-01-01,$2500,2\n", "1,250.00"),
    ],
)
def test_fill_each_template(
    template: str, table: str, rows: str, shown: str, tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text(rows, encoding="utf-8")
    result = kpi_xl("fill", template, "--table", f"{table}=own.csv", "--lang", "en",
                    folder=tmp_path)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "1 row of own.csv" in result.stdout
    assert re.search(r"the table \w+.*, \$\n", result.stdout)  # the sign of its amounts
    assert shown in result.stdout


def test_fill_tells_other_programs(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("rep,week,sales\nKim,2024-01-01,$1250.50\n", encoding="utf-8")
    command = ["fill", "sales_team", "--table", "Weeks=own.csv", "--lang", "en", "--json"]
    record = json.loads(kpi_xl(*command, folder=tmp_path).stdout)
    assert record["book"] == str(tmp_path / "sales_team-filled.xlsx")
    (read,) = record["files"]
    assert (read["table"], read["rows"], Path(read["file"]).name) == ("Weeks", 1, "own.csv")
    assert "1 row used" in read["remarks"]
    assert "1,251" in record["figures"].values()
    problems = {found["label"]: found for found in record["problems"]}
    assert problems["Names that are not in Targets"] == {
        "label": "Names that are not in Targets", "rows": 1, "first": "5"
    }  # fmt: skip


def test_errors_of_a_workbook_are_told_with_a_cell_and_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = CellError("#N/A", "too few [values]")
    values = {("Model", row, 2): few for row in (3, 4)} | {("Model", 5, 28): CellError("#NUM!", "")}
    print_told(template("funnel"), Built(b"", values, [], []).told, "en")
    *_, count, first, second = capsys.readouterr().out.splitlines()
    assert count == "3 formulas computed, 3 errors:"
    assert first == "  Model!B3 and 1 more: #N/A: too few [values]"
    assert second == "  Model!AB5: #NUM!"


def test_a_workbook_made_in_a_child_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "processors", lambda: 2)
    inputs = [("sales_team", "en", "excel"), ("sales_team", "en", "excel")]
    waits = bounded.side_by_side(sampled, inputs, budget=computing(0))
    here, there = (wait(lambda _: None) for wait in waits)
    assert here == there
    assert here.formulas > 3000


def completed(words: str) -> list[str]:
    """What bash is offered for the last word."""
    environment = {
        "_KPI_XL_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    code = "import sys; sys.argv = ['kpi-xl']; from kpi_xl.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **environment},
    )
    return ran.stdout.split()


def test_the_shell_completes() -> None:
    assert "functions" in completed("kpi-xl fun")
    assert {"CAC", "CAC_PAYBACK"} <= set(completed("kpi-xl functions CA"))
    assert completed("kpi-xl fill ret") == ["retention"]
    assert completed("kpi-xl new funnel --lang zh") == ["zh-Hans", "zh-Hant"]


def test_demo_into_a_file_is_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    result = kpi_xl("demo", "retention", "--dir", str(tmp_path / "taken"))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "cannot be written" in result.stderr


def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_whole(path, b"new")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new", force=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_tabs_in_text_do_not_break_the_rows() -> None:
    result = kpi_xl("eval", '=RFM({"a\tb"},45292,{1})')
    rows = list(csv.reader(io.StringIO(result.stdout), delimiter="\t"))
    assert {len(row) for row in rows} == {8}
    assert rows[1][0] == "a\tb"


# recalc


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A workbook with a formula of each fate, all of whose cached values are 0."""
    path = tmp_path / "mixed.xlsx"
    path.write_bytes(
        sheet_of({"A1": "=CAC(6,2)", "A2": "=CAC(1,0)", "A3": "=OFFSET(A1,N(0),0)", "A4": "=A3+1"})
    )
    return path


def values(path: Path) -> list[object]:
    return [row[0] for row in openpyxl.load_workbook(path, data_only=True).active.values]


def test_recalc_computes_in_place_and_says_what_it_left(mixed: Path) -> None:
    mixed.chmod(0o640)
    result = kpi_xl("recalc", str(mixed))
    assert result.returncode == 1
    assert values(mixed) == [3, "#DIV/0!", 0, 0]
    text = " ".join(result.stdout.split())
    assert "Formulas computed: 2 of 4; values changed: 2." in text
    assert "Cells that show an error: 1 Sheet1 A2 #DIV/0!: CAC: new_customers is 0 or blank" in text
    assert "Formulas that keep their old value: 2;" in text
    assert "Sheet1 A4 it depends on Sheet1!$A$3" in text
    assert str(mixed) in text
    assert result.stderr == ""
    assert [path.name for path in mixed.parent.iterdir()] == [mixed.name]
    if os.name != "nt":
        assert mixed.stat().st_mode & 0o777 == 0o640


def test_recalc_into_another_file(mixed: Path, tmp_path: Path) -> None:
    before = mixed.read_bytes()
    out = tmp_path / "out.xlsx"
    assert kpi_xl("recalc", str(mixed), "-o", str(out)).returncode == 1
    assert mixed.read_bytes() == before
    assert values(out)[0] == 3
    out.write_bytes(b"mine")
    refused = kpi_xl("recalc", str(mixed), "-o", str(out))
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert out.read_bytes() == b"mine"
    assert kpi_xl("recalc", str(mixed), "-o", str(out), "--force").returncode == 1
    assert values(out)[0] == 3


def test_recalc_as_json(mixed: Path) -> None:
    record = json.loads(kpi_xl("recalc", str(mixed), "--json").stdout)
    assert {name: record[name] for name in ("book", "formulas", "changed")} == {
        "book": str(mixed),
        "formulas": 4,
        "changed": 2,
    }
    (error,) = record["errors"]
    assert (error["sheet"], error["cell"], error["error"]) == ("Sheet1", "A2", "#DIV/0!")
    assert "new_customers" in error["sentence"]
    assert [(kept["sheet"], kept["cell"]) for kept in record["kept"]] == [
        ("Sheet1", "A3"),
        ("Sheet1", "A4"),
    ]
    assert "OFFSET" in record["kept"][0]["reason"]


def test_recalc_lists_the_first_twenty(tmp_path: Path) -> None:
    path = tmp_path / "many.xlsx"
    path.write_bytes(sheet_of({f"A{row}": "=OFFSET(B1,N(0),0)" for row in range(1, 31)}))
    text = kpi_xl("recalc", str(path)).stdout
    assert text.count("OFFSET") == 20
    assert "and 10 more" in text


def test_recalc_of_an_up_to_date_workbook_leaves_the_file_alone(smaller: Path) -> None:
    before = smaller.stat().st_mtime_ns
    result = kpi_xl("recalc", str(smaller))
    assert result.returncode == 0
    assert "values changed: 0" in result.stdout
    assert smaller.stat().st_mtime_ns == before


def test_recalc_follows_a_link(mixed: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.xlsx"
    try:
        link.symlink_to(mixed)
    except OSError:
        pytest.skip("this system lets not everybody make links")
    kpi_xl("recalc", str(link))
    assert link.is_symlink()
    assert values(mixed)[0] == 3


@pytest.mark.parametrize("lock", ["~$mixed.xlsx", ".~lock.mixed.xlsx#"])
def test_recalc_leaves_an_open_workbook_alone(mixed: Path, lock: str) -> None:
    (mixed.parent / lock).write_text("Ann", encoding="utf-8")
    before = mixed.read_bytes()
    result = kpi_xl("recalc", str(mixed))
    assert result.returncode == 2
    assert "is open" in result.stderr
    assert mixed.read_bytes() == before
    assert kpi_xl("recalc", str(mixed), "--force").returncode == 1
    before, other = mixed.read_bytes(), mixed.with_name("other.xlsx")
    shutil.copy(mixed, other)
    result = kpi_xl("recalc", str(other), "--out", str(mixed), "--force")
    assert "is open" in result.stderr
    assert mixed.read_bytes() == before


def test_recalc_leaves_a_workbook_alone_that_somebody_saves_meanwhile(
    mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, real = mixed.read_bytes() + b"theirs", formulas.recalculated

    def meanwhile(*given: Any) -> Any:
        mixed.write_bytes(theirs)
        return real(*given)

    monkeypatch.setattr(formulas, "recalculated", meanwhile)
    result = CliRunner().invoke(app, ["recalc", str(mixed)])
    assert "was changed by somebody meanwhile" in str(result.exception)
    assert mixed.read_bytes() == theirs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.xlsx"], "nowhere.xlsx"),
        (["text.xlsx"], "not an .xlsx workbook"),
        (["mixed.xlsx", "-o", "out.xlsm"], "has to end in .xlsx"),
        (["mixed.xlsx", "-o", "no/folder/out.xlsx"], "cannot be written"),
    ],
)
def test_recalc_says_in_one_line_what_cannot_be_done(
    mixed: Path, arguments: list[str], words: str
) -> None:
    (mixed.parent / "text.xlsx").write_text("no workbook", encoding="utf-8")
    files = {path: path.read_bytes() for path in mixed.parent.iterdir()}
    result = kpi_xl("recalc", *arguments, folder=mixed.parent)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("kpi-xl: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert {path: path.read_bytes() for path in mixed.parent.iterdir()} == files


def examples_of_the_pages() -> list[tuple[str, str, str]]:
    """The commands over samples, or over nothing, that the pages show, each with what it prints."""
    found = []
    for page in (ROOT / "udfs").glob("*.md"):
        for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            for one in re.split(r"(?m)^\$ ", block)[1:]:
                line, _, printed = one.partition("\n")
                books = re.findall(r"[\w-]+\.xlsx", line)
                if printed and all(book.startswith("kpi-xl-") for book in books):
                    found.append((page.name, line, printed))
    return found


@pytest.mark.parametrize(("page", "line", "printed"), examples_of_the_pages())
def test_the_pages_show_what_the_terminal_prints(
    tmp_path: Path, page: str, line: str, printed: str
) -> None:
    program, *arguments = shlex.split(line)
    assert program == "kpi-xl"
    for name in re.findall(r"kpi-xl-(\w+)\.xlsx", line):
        (tmp_path / f"kpi-xl-{name}.xlsx").write_bytes(demos.demo(name).built.content)
    result = kpi_xl(*arguments, folder=tmp_path)
    # How many formulas a template has is no promise of a page's.
    shown, told = (re.sub(r"[\d,]+ of [\d,]+;", "N of N;", text)
                   for text in (printed.rstrip("\n"), result.stdout + result.stderr))  # fmt: skip
    assert told.startswith(shown), page
