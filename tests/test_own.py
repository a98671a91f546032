"""A company's own KPIs: definitions of all kinds in every host, and bad ones told."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hosts import program

import kpi_xl
from kpi_xl import METRICS, own
from kpi_xl.cells import evaluate
from kpi_xl.cli import main
from kpi_xl.engine.embedded import evaluate_formula
from kpi_xl.hosts.excel import function
from kpi_xl.hosts.libreoffice.extension import extension
from kpi_xl.hosts.lite import main_py
from kpi_xl.native_forms import with_native_forms
from kpi_xl.reports.explaining import explained

MONEY, COUNT, RATE, VALUE = ({"unit": unit} for unit in ("MONEY", "COUNT", "RATE", "VALUE"))

# Ten kinds, each with figures that are worked out by hand.
TEN: dict[str, dict[str, Any]] = {
    "MARGIN_ROAS": {  # on one of our functions
        "formula": "margin * ROAS(revenue, ad_spend)",
        "returns": "RATIO",
        "arguments": {"revenue": MONEY, "ad_spend": MONEY, "margin": {**RATE, "default": 0.4}},
        "example": ["=MARGIN_ROAS(100000,10000)", 4],
    },
    "LOADED_CAC": {  # a ratio of sums
        "formula": "(spend + salaries) / customers",
        "returns": "MONEY",
        "arguments": {"spend": MONEY, "salaries": MONEY, "customers": COUNT},
        "example": ["=LOADED_CAC(600,400,10)", 100],
    },
    "CONTRIBUTION": {  # a difference
        "formula": "revenue - cost",
        "returns": "MONEY",
        "arguments": {"revenue": MONEY, "cost": MONEY},
        "example": ["=CONTRIBUTION(10,4)", 6],
    },
    "TIERED_FEE": {  # conditional
        "formula": "IF(revenue > 1000, revenue * 5%, MAX(20, revenue * 8%))",
        "returns": "MONEY",
        "arguments": {"revenue": MONEY},
        "example": ["=TIERED_FEE(500)", 40],
    },
    "BASKET": {  # over a column
        "formula": "SUM(amounts) / COUNT(amounts)",
        "returns": "MONEY",
        "arguments": {"amounts": MONEY},
        "example": ["=BASKET({10;20;60})", 30],
    },
    "PAYBACK_RATING": {  # a text
        "formula": 'IF(MARGIN_ROAS(revenue, ad_spend) >= 3, "good", "poor")',
        "returns": "TEXT",
        "arguments": {"revenue": MONEY, "ad_spend": MONEY},
        "example": ["=PAYBACK_RATING(100,10)", "good"],
    },
    "WEEKS_TO_GOAL": {  # rounded
        "formula": "ROUND((target - actual) / per_week, 1)",
        "returns": "PERIODS",
        "arguments": {"target": COUNT, "actual": COUNT, "per_week": COUNT},
        "example": ["=WEEKS_TO_GOAL(100,75,10)", 2.5],
    },
    "ON_PLAN": {  # a logical value
        "formula": "AND(actual >= plan, NOT(actual > 2 * plan))",
        "returns": "LOGICAL",
        "arguments": {"actual": COUNT, "plan": COUNT},
        "example": ["=ON_PLAN(12,10)", True],
    },
    "SAFE_RATE": {  # an error caught
        "formula": "IFERROR(won / (won + lost), 0)",
        "returns": "RATE",
        "arguments": {"won": COUNT, "lost": COUNT},
        "example": ["=SAFE_RATE(0,0)", 0],
    },
    "NET_SCORE": {  # a column of one of our functions
        "formula": "NPS(scores) - baseline",
        "returns": "SCORE",
        "arguments": {"scores": {"unit": "SCORE"}, "baseline": {"unit": "SCORE", "default": 10}},
        "example": ["=NET_SCORE({10;9;3})", 23.33333333],
    },
}


def toml(definitions: dict[str, dict[str, Any]]) -> str:
    """Definitions as their file holds them."""
    lines = []
    for name, fields in definitions.items():
        lines.append(f"[{name}]")
        for key, value in (
            {"source": "Handbook", "help": {"en": "One of our own."}} | fields
        ).items():
            if key == "arguments":
                for argument, said in value.items():
                    inside = ", ".join(f"{k} = {json.dumps(v)}" for k, v in said.items())
                    lines.append(f"arguments.{argument} = {{ {inside} }}")
            elif isinstance(value, dict):
                lines += [f"{key}.{k} = {json.dumps(v)}" for k, v in value.items()]
            else:
                lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines)


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nothing of one's own before, and nothing after."""
    records = (METRICS, own.FINGERPRINTS, own.FILES, own.TEXTS)
    before = [dict(record) for record in records]
    faults = list(own.FAULTS)
    own.FAULTS.clear()
    yield
    own.FAULTS[:] = faults
    for record, held in zip(records, before, strict=True):
        record.clear()  # type: ignore[attr-defined]
        record.update(held)  # type: ignore[attr-defined]


@pytest.fixture
def ten(fresh: None) -> None:
    own.define(toml(TEN))
    assert [fault for fault in own.FAULTS if not fault.kept] == []


CALLS: tuple[tuple[str, list[Any], Any], ...] = (
    ("MARGIN_ROAS", [100.0, 10.0], 4.0),
    ("MARGIN_ROAS", [100.0, 10.0, None], 4.0),
    ("MARGIN_ROAS", [100.0, 0.0, 0.5], "#DIV/0!"),
    ("MARGIN_ROAS", ["x", 1.0, 0.5], "#VALUE!"),
    ("LOADED_CAC", [600.0, None, 10.0], 60.0),
    ("LOADED_CAC", [600.0, 1.0, None], "#DIV/0!"),
    ("LOADED_CAC", [600.0, 1.0, -1.0], "#NUM!"),
    ("TIERED_FEE", [2000.0], 100.0),
    ("TIERED_FEE", [100.0], 20.0),
    ("BASKET", [[[10.0], [None], [50.0]]], 30.0),
    ("PAYBACK_RATING", [10.0, 10.0], "poor"),
    ("WEEKS_TO_GOAL", [100.0, 74.0, 8.0], 3.3),
    ("ON_PLAN", [30.0, 10.0], False),
    ("SAFE_RATE", ["#N/A", 1.0], "#N/A"),
    ("NET_SCORE", [[[10.0], [9.0], [3.0]], 0.0], 100 / 3),
)


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize(("name", "arguments", "right"), CALLS)
def test_each_host_computes_them(name: str, arguments: list[Any], right: Any) -> None:
    def same(value: Any) -> bool:
        if isinstance(right, float):
            return bool(value == pytest.approx(right))
        return bool(value == right)

    assert same(evaluate(METRICS[name], arguments))
    blocks = [one if isinstance(one, list) or one is None else [[one]] for one in arguments]
    assert same(function(METRICS[name])(*blocks))
    texts = [written(one) for one in arguments]
    columns = [one for one in arguments if isinstance(one, list)]
    if all(row != [None] for column in columns for row in column):  # no constant is blank
        assert same(evaluate_formula(f"={name}({','.join(texts)})"))


def written(cell: Any) -> str:
    if isinstance(cell, list):
        return "{" + ";".join(written(row[0]) for row in cell) + "}"
    if cell is None:
        return ""
    return cell if str(cell).startswith("#") else json.dumps(cell)


@pytest.mark.usefixtures("ten")
def test_python_help_and_explanations_have_them() -> None:
    assert kpi_xl.loaded_cac(600, 400, 10) == 100.0
    shown = evaluate(METRICS["KPI_LIST"], ["own"])
    assert {row[0] for row in shown[1:]} == set(TEN)
    assert "One of our own" in evaluate(METRICS["KPI_DEFINE"], ["CONTRIBUTION", "fa"])
    text = explained("=LOADED_CAC(600,400,10)", lambda piece: float(piece))
    assert "(600 + 400) / 10 = 100" in text


@pytest.mark.usefixtures("ten")
def test_hosts_carry_them() -> None:
    files = extension()
    assert b"MARGINROAS(" in files["kpi_xl.idl"]
    assert b"[MARGIN_ROAS]" in files["kpis/0.toml"]
    assert "define(" in main_py()
    assert main_py().index("define(") < main_py().index("kpi_xl.udfs.functions")


@pytest.mark.usefixtures("ten")
def test_their_native_form_is_the_formula() -> None:
    native = with_native_forms("CONTRIBUTION(A1,5)", METRICS)
    assert native is not None
    assert native.endswith('IF(A1="",0,A1+0)-5)')
    assert with_native_forms("BASKET(A1:A9)", METRICS) is None


BAD: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("SUM", {}, "is a function of Excel"),
    ("CAC", {}, "is a function of kpi_xl"),
    ("A1", {}, "looks like a cell"),
    ("R1C1", {}, "looks like a cell"),
    ("small", {}, "capitals"),
    ("CLVCAC", {}, "LibreOffice"),
    ("X_ONE", {"formula": "a +"}, "it ends where a value is expected"),
    ("X_ONE", {"formula": "a.__class__"}, "no attributes"),
    ("X_ONE", {"formula": "(" * 999 + "a"}, "nested deeper"),
    ("X_ONE", {"formula": "a" + "+a" * 900}, "operations"),
    ("X_ONE", {"formula": "a" * 2001}, "characters"),
    ("X_ONE", {"formula": "b"}, "b is none of the arguments"),
    ("X_ONE", {"formula": "a & `x`"}, "no meaning"),
    ("X_ONE", {"formula": "NOSUCH(a)"}, "there is no function NOSUCH"),
    ("X_ONE", {"formula": "COHORT(a, a)"}, "more than one value"),
    ("X_ONE", {"formula": "CAC(a)"}, "takes 2 to 2 arguments"),
    ("X_ONE", {"formula": "X_ONE(a)"}, "built on itself"),
    ("X_ONE", {"formula": "a + ROAS(a, 2)"}, "money and a number without it"),
    ("X_ONE", {"returns": "RATE"}, "the formula gives money"),
    ("X_ONE", {"returns": "DOLLARS"}, "write one of"),
    ("X_ONE", {"example": ["=X_ONE(1)", 2]}, "gives 1.0, not 2.0"),
    ("X_ONE", {"example": ["=CAC(1,1)", 1]}, "it begins with =X_ONE("),
    ("X_ONE", {"example": "=X_ONE(1)"}, "a formula and its result"),
    ("X_ONE", {"arguments": {}}, "it is missing"),
    ("X_ONE", {"arguments": {"a": {"unit": "MONEY", "x": 1}}}, "its keys are"),
    ("X_ONE", {"arguments": {"a": MONEY, "unused": MONEY}}, "does not use it"),
    ("X_ONE", {"arguments": {"a": {"unit": "MONEY", "default": "x"}}}, "does not fit"),
    ("X_ONE", {"formla": "a"}, "there is no such key"),
    ("X_ONE", {"help": {"xx": "?"}}, "there is no language xx"),
    ("X_ONE", {"formula": "10^10^10 * a", "example": ["=X_ONE(1)", 1]}, "gives 1e+100"),
    ("X_ONE", {"formula": "9^999 * a", "example": ["=X_ONE(1)", 1]}, "gives #NUM!"),
)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("name", "changed", "sentence"), BAD)
def test_what_is_wrong_is_told_and_kept_out(
    name: str, changed: dict[str, Any], sentence: str
) -> None:
    good = {"formula": "a", "returns": "MONEY", "arguments": {"a": MONEY},
            "example": [f"={name}(1)", 1]}  # fmt: skip
    ours = METRICS.get(name)
    began = time.process_time()
    own.define(toml({name: good | changed}))
    assert time.process_time() - began < 2.0
    (fault,) = [fault for fault in own.FAULTS if not fault.kept]
    assert sentence in str(fault)
    assert f"[{name}]" in str(fault)
    assert METRICS.get(name) is ours


@pytest.mark.usefixtures("fresh")
def test_files_are_bounded() -> None:
    one = {"formula": "a", "returns": "MONEY", "arguments": {"a": MONEY}, "example": ["=X_Y(1)", 1]}
    own.define(toml({f"X_{'Y' * 3}{n}": one for n in range(10_000)}))
    assert "10,000 KPIs" in str(own.FAULTS[0])
    own.define("[" * 100_000)
    assert "no TOML" in str(own.FAULTS[1])
    assert len(own.FAULTS) == 2


@pytest.mark.usefixtures("fresh")
def test_two_definitions_of_one_name_are_refused() -> None:
    first = {"CONTRIBUTION": TEN["CONTRIBUTION"]}
    own.define(toml(first), "first.toml")
    own.define(toml(first), "again.toml")
    assert [fault for fault in own.FAULTS if not fault.kept] == []
    other = TEN["CONTRIBUTION"] | {"formula": "revenue - 2 * cost",
                                   "example": ["=CONTRIBUTION(10,4)", 2]}  # fmt: skip
    own.define(toml({"CONTRIBUTION": other}), "second.toml")
    (fault,) = [fault for fault in own.FAULTS if not fault.kept]
    assert "first.toml defines it in another way" in str(fault)
    assert kpi_xl.contribution(10, 4) == 6.0


@pytest.mark.usefixtures("fresh")
def test_python_defines_them_too(tmp_path: Path) -> None:
    file = tmp_path / "kpis.py"
    file.write_text(
        "from typing import Annotated\n"
        "from kpi_xl.registry import Arg, metric\n"
        "from kpi_xl.units import MONEY\n"
        "@metric('HALF_SPEND', returns=MONEY, formula='spend / 2', source='us',"
        " example=('=HALF_SPEND(10)', 5.0))\n"
        "def half_spend(spend: Annotated[float, Arg('Spend', MONEY)]) -> float:\n"
        "    '''Half of the spend.'''\n"
        "    return spend / 2\n"
        "@metric('CAC', returns=MONEY, formula='spend', source='us', example=('=CAC(10)', 5.0))\n"
        "def cac(spend: Annotated[float, Arg('Spend', MONEY)]) -> float:\n"
        "    '''Not ours.'''\n"
        "    return spend\n",
        encoding="utf-8",
    )
    ours = METRICS["CAC"]
    own.load_file(file)
    assert METRICS["HALF_SPEND"].family == "own"
    assert evaluate(METRICS["HALF_SPEND"], [10.0]) == 5.0
    assert METRICS["CAC"] is ours
    (fault,) = own.FAULTS
    assert "[CAC]: CAC is a function of kpi_xl" in str(fault)
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    own.load_file(tmp_path / "broken.py")
    assert "ZeroDivisionError" in str(own.FAULTS[-1])


@pytest.fixture
def terminal(
    fresh: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["kpi-xl", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), capsys.readouterr().out

    return run


def test_the_terminal_checks_and_exports(
    terminal: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    file = tmp_path / "kpis.toml"
    file.write_text(toml({"CONTRIBUTION": TEN["CONTRIBUTION"]}), encoding="utf-8")
    code, out = terminal("kpis", "check", str(file))
    assert code == 0
    assert "there is none in zh-Hans, zh-Hant, ru, fa (it counts nevertheless)" in out
    assert "1 of your own, fingerprint" in out
    page = tmp_path / "page.html"
    code, _ = terminal("kpis", "export", str(file), "-o", str(page))
    assert code == 0
    assert page.read_text("utf-8").index("CONTRIBUTION(") < page.read_text("utf-8").index("CAC(")
    terminal("kpis", "export", "-o", str(tmp_path / "page.md"))
    assert "### CONTRIBUTION" in (tmp_path / "page.md").read_text("utf-8")
    file.write_text(toml({"SUM": TEN["CONTRIBUTION"]}), encoding="utf-8")
    code, out = terminal("kpis", "check", str(file))
    assert code == 1
    assert f"{file}: [SUM]: SUM is a function of Excel\n" in out


def test_a_native_copy_goes_on_computing(tmp_path: Path) -> None:
    """In LibreOffice without our functions: no #NAME?, and the same figures."""
    import subprocess

    from kpi_xl.workbook_templates import template
    from kpi_xl.workbook_templates.parts import build
    from python_calamine import CalamineWorkbook

    from kpi_xl.reports.freezing import frozen

    soffice = program("soffice", "it opens the copy without our functions")
    record = template("scorecard")
    data, about = record.sample()
    book, values, live = frozen(build(record, data, about).content, native=True)
    assert live > values
    path = tmp_path / "copy.xlsx"
    path.write_bytes(book)
    command = [soffice, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless"]
    (tmp_path / "out").mkdir()
    subprocess.run(
        [*command, "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(path)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    with (
        CalamineWorkbook.from_path(path) as before,
        CalamineWorkbook.from_path(tmp_path / "out" / "copy.xlsx") as after,
    ):
        for name in before.sheet_names:
            rows = before.get_sheet_by_name(name).to_python(skip_empty_area=False)
            shown = after.get_sheet_by_name(name).to_python(skip_empty_area=False)
            assert not any("#NAME?" in row for row in shown), name
            for number, (row, there) in enumerate(zip(rows, shown, strict=False), start=1):
                numbers = [(one, other) for one, other in zip(row, there, strict=False)
                           if isinstance(one, float)]  # fmt: skip
                for one, other in numbers:
                    assert other == pytest.approx(one, rel=1e-9), (name, number, row)
