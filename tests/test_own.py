"""A company's own KPIs: definitions of all kinds in every host, and bad ones told."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from own_cases import MONEY, TEN, enter_ten, nothing_of_ones_own, toml

import kpi_xl
from kpi_xl import METRICS, own
from kpi_xl.cells import evaluate
from kpi_xl.cli import main
from kpi_xl.cli.kpis import EXAMPLE
from kpi_xl.files import settings_folder
from kpi_xl.hosts.libreoffice.extension import extension
from kpi_xl.hosts.lite import main_py
from kpi_xl.locales import LANGUAGES
from kpi_xl.native_forms import with_native_forms
from kpi_xl.own_files import VARIABLE
from kpi_xl.reports.explaining import explained


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nothing of one's own before, and nothing after."""
    with nothing_of_ones_own():
        yield


@pytest.fixture
def ten(fresh: None) -> None:
    enter_ten()


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
    assert b"[MARGIN_ROAS]" in files["kpis/000.toml"]
    assert "define(" in main_py()
    assert main_py().index("define(") < main_py().index("kpi_xl.udfs.functions")


@pytest.mark.usefixtures("ten")
def test_their_native_form_is_the_formula() -> None:
    native = with_native_forms("CONTRIBUTION(A1,5)", METRICS)
    assert native is not None
    assert native.endswith('IF(A1="",0,A1+0)-5)')
    assert with_native_forms("BASKET(A1:A9)", METRICS) is None


ROOT = Path(__file__).parent.parent

BAD: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("SUM", {}, "is a function of Excel"),
    ("CAC", {}, "is a function of kpi_xl"),
    ("A1", {}, "looks like a cell"),
    ("R1C1", {}, "looks like a cell"),
    ("TRUE", {}, "is a function of Excel"),
    ("XFD1048576", {}, "looks like a cell"),
    ("VLOOKUP", {}, "is a function of Excel"),
    ("WEND", {}, "is a word of VBA"),
    ("WEEKS", {}, "is a function of LibreOffice"),
    ("DURATION_ADD", {}, "is a function of LibreOffice"),
    ("KPI_INSERT", {}, "begin with KPI"),
    ("X" * 61, {}, "capitals"),
    ("small", {}, "capitals"),
    ("CLVCAC", {}, "LibreOffice"),
    ("X_ONE", {"formula": "a +"}, "it ends where a value is expected"),
    ("X_ONE", {"formula": "a.__class__"}, "no attributes"),
    ("X_ONE", {"formula": "(" * 999 + "a"}, "nested deeper"),
    ("X_ONE", {"formula": "-" * 1999 + "a"}, "operations"),
    ("X_ONE", {"formula": "ABS(" * 200 + "a" + ")" * 200}, "nested deeper"),
    ("X_ONE", {"formula": "a" + "%" * 1000}, "operations"),
    ("X_ONE", {"formula": "a^9^9^9^9", "example": ["=X_ONE(10)", 1]}, "gives #NUM!"),
    ("X_ONE", {"formula": "(a^1e300)^1e300", "example": ["=X_ONE(10)", 1]}, "gives #NUM!"),
    ("X_ONE", {"formula": "a^9"}, "the formula gives money ^ 9"),
    ("X_ONE", {"formula": "open(a)"}, "there is no function OPEN"),
    ("X_ONE", {"formula": "a[0]"}, "no meaning"),
    ("X_ONE", {"formula": "lambda: a"}, "no meaning"),
    ("X_ONE", {"formula": "Sheet1!A1 + a"}, "no meaning"),
    ("X_ONE", {"formula": "a + SUM({1;2})"}, "column of constants"),
    ("X_ONE", {"formula": "a" + "+a" * 900}, "operations"),
    ("X_ONE", {"formula": "a" * 2001}, "characters"),
    ("X_ONE", {"formula": "b"}, "b is none of the arguments"),
    ("X_ONE", {"formula": "a & `x`"}, "no meaning"),
    ("X_ONE", {"formula": "NOSUCH(a)"}, "there is no function NOSUCH"),
    ("X_ONE", {"formula": "COHORT(a, a)"}, "more than one value"),
    ("X_ONE", {"formula": "CAC(a)"}, "takes 2 to 2 arguments"),
    ("X_ONE", {"formula": "X_ONE(a)"}, "built on itself"),
    ("X_ONE", {"formula": "a > 1", "example": ["=X_ONE(2)", 1]}, "gives TRUE, not 1"),
    (
        "X_ONE",
        {
            "formula": "a + b",
            "returns": "DAYS",
            "arguments": {"a": {"unit": "DAYS"}, "b": {"unit": "SECONDS"}},
        },
        "+ puts days and seconds together",
    ),
    ("X_ONE", {"formula": "a + ROAS(a, 2)"}, "money and a number without it"),
    ("X_ONE", {"returns": "RATE"}, "the formula gives money"),
    ("X_ONE", {"returns": "DOLLARS"}, "write one of"),
    ("X_ONE", {"example": ["=X_ONE(1)", 2]}, "gives 1, not 2"),
    ("X_ONE", {"example": ["=CAC(1,1)", 1]}, "it begins with =X_ONE("),
    ("X_ONE", {"example": "=X_ONE(1)"}, "a formula and its result"),
    ("X_ONE", {"arguments": {}}, "it is missing"),
    ("X_ONE", {"arguments": {"a": {"unit": "MONEY", "x": 1}}}, "its keys are"),
    ("X_ONE", {"arguments": {"a": MONEY, "unused": MONEY}}, "does not use it"),
    ("X_ONE", {"arguments": {"a": {"unit": "MONEY", "default": "x"}}}, "does not fit"),
    ("X_ONE", {"arguments": {"a": {"unit": "MONEY", "default": 10**400}}}, "does not fit"),
    ("X_ONE", {"example": ["=X_ONE(1)", 10**400]}, "a formula and its result"),
    ("X_ONE", {"formula": "from", "arguments": {"from": MONEY}}, "is a word of Python"),
    ("X_ONE", {"formula": "async", "arguments": {"async": MONEY}}, "is a word of Python"),
    ("X_ONE", {"formla": "a"}, "there is no such key"),
    ("X_ONE", {"source": "a\x1b[31mb"}, "control characters"),
    ("X_ONE", {"help": {"en": "a\u202eb"}}, "control characters"),
    ("X_ONE", {"help": {"en": "a" * 3000}}, "more than 2,000 characters"),
    ("X_ONE", {"better": "less"}, "write higher or lower"),
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
    own.define(toml({name: good | changed}))
    (fault,) = [fault for fault in own.FAULTS if not fault.kept]
    assert sentence in str(fault)
    assert f"[{name}]" in str(fault)
    assert METRICS.get(name) is ours


PYTHON = """
from typing import Annotated
from kpi_xl.registry import Arg, metric
from kpi_xl.units import VALUE

FACTOR = 2.0
TABLE = {2.0: 4.0}


def defined(kernel):
    return metric("X_ONE", returns=VALUE, formula="a * 2", source="x", example=("=X_ONE(2)", 4.0))(
        kernel
    )

"""
KERNEL = """
@defined
def x_one(a: Annotated[float, Arg("A number", VALUE)]) -> float:
    'Twice a number.'
    return {}
"""


def entered(tmp_path: Path, code: str) -> list[str]:
    """What is wrong with a kpis.py of this code, each in one line."""
    known = len(own.FAULTS)
    file = tmp_path / "kpis.py"
    file.write_text(PYTHON + code, encoding="utf-8")
    own.load_file(file)
    faults = [str(fault) for fault in own.FAULTS[known:]]
    assert not any("\n" in fault for fault in faults)
    return faults


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit(3)", "it fails: SystemExit: 3"),
        ("raise ValueError('a\\nb')", "it fails: ValueError: a b"),
        (KERNEL.format("{}['x']"), "gives #VALUE! (X_ONE: it fails: KeyError: 'x')"),
        (KERNEL.format("None"), "gives #VALUE! (X_ONE: it fails: it gives a NoneType"),
        (KERNEL.format("__import__('sys').exit(3)"), "it fails: SystemExit: 3"),
    ],
)
@pytest.mark.usefixtures("fresh")
def test_faults_of_python_are_one_line(tmp_path: Path, code: str, sentence: str) -> None:
    (fault,) = entered(tmp_path, code)
    assert sentence in fault
    assert "X_ONE" not in METRICS


@pytest.mark.usefixtures("fresh")
def test_what_fails_in_a_cell_is_an_error_there(tmp_path: Path) -> None:
    assert entered(tmp_path, KERNEL.format("TABLE[a]")) == []
    assert evaluate(METRICS["X_ONE"], [[[2.0], [3.0]]]) == [[4.0], ["#VALUE!"]]
    assert "KeyError: 3.0" in evaluate(METRICS["X_ONE"], [3.0]).sentence


@pytest.mark.usefixtures("fresh")
def test_functions_without_lines_of_their_own_are_entered(tmp_path: Path) -> None:
    assert entered(tmp_path, f'exec("""{KERNEL.format("a * 2")}""")') == []
    assert evaluate(METRICS["X_ONE"], [3.0]) == 6.0


@pytest.mark.usefixtures("fresh")
def test_a_file_may_define_records(tmp_path: Path) -> None:
    head = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Twice:\n    of: float\n"
    )
    file = tmp_path / "kpis.py"
    entered(tmp_path, KERNEL.format("Twice(a * 2).of"))
    own.FAULTS.clear()
    file.write_text(head + file.read_text(encoding="utf-8"), encoding="utf-8")
    own.load_file(file)
    assert own.FAULTS == []
    assert evaluate(METRICS["X_ONE"], [3.0]) == 6.0


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("text", ["a = 1" + "0" * 5000, "a = " + "[" * 5000])
def test_what_is_no_toml_is_a_fault_of_the_file(text: str) -> None:
    own.define(text)
    (fault,) = own.FAULTS
    assert str(fault).startswith("kpis.toml: it is no TOML: ")


def test_constants_of_the_file_are_in_the_fingerprint(tmp_path: Path) -> None:
    prints = []
    for factor in ("2.0", "4.0 / 2.0"):
        with nothing_of_ones_own():
            assert entered(tmp_path, f"FACTOR = {factor}\n" + KERNEL.format("a * FACTOR")) == []
            prints.append(own.FINGERPRINTS["X_ONE"])
    assert prints[0] != prints[1]


VALUE = {"unit": "VALUE"}


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("name", "expected"), [("SUM", 4.0), ("COUNT", 2.0), ("AVERAGE", 2.0)])
def test_logical_values_of_columns_do_not_count(name: str, expected: float) -> None:
    """Excel: logical values in an array or a reference are not counted."""
    own.define(toml({
        "X_ONE": {"formula": f"{name}(a)", "returns": "VALUE", "arguments": {"a": VALUE},
                  "example": ["=X_ONE({2})", 1 if name == "COUNT" else 2]},
    }))  # fmt: skip
    own.define(toml({
        "X_TWO": {"formula": "X_ONE(a)", "returns": "VALUE", "arguments": {"a": VALUE},
                  "example": ["=X_TWO({TRUE;2})", 1 if name == "COUNT" else 2]},
    }))  # fmt: skip
    for one in ("X_ONE", "X_TWO"):
        assert evaluate(METRICS[one], [[[1.0], [True], [None], [3.0]]]) == expected


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("formula", "example", "cells", "shown"),
    [
        # 0.1 + 0.2 - 0.3 leaves 5.55E-17 in binary, and Excel shows 0 for it.
        ("a / (b - c)", -1, (130.0, 0.1 + 0.2, 0.3), "#DIV/0!"),
        ("a + b - c", 0, (0.1, 0.2, 0.3), 0.0),
        ("SUM(a, b, -c)", 0, (0.1, 0.2, 0.3), 0.0),
        ("a / AVERAGE(b, c, -0.3)", 6 / 7.7, (1.0, 0.1, 0.2), "#DIV/0!"),
        ("a + b + c", 10, (1e-17, 0.0, 0.0), 1e-17),
        ("a - b + c", 4, (0.3, 0.1, 0.0), 0.3 - 0.1),
        ('"x" & -a & b & c', "x-235", (0.0, 1.5, 2.0), "x01.52"),
        # Excel writes 0.00001, Python 1e-05: whoever compares or shows it has to round it.
        ('"x" & a & b & c', "x235", (0.00001, 1.0, 1.0), "#NUM!"),
    ],
)
def test_what_cancels_is_0_and_texts_are_those_of_excel(
    formula: str, example: Any, cells: tuple[float, ...], shown: Any
) -> None:
    own.define(toml({
        "X_ONE": {"formula": formula, "returns": "TEXT" if "&" in formula else "VALUE",
                  "example": ["=X_ONE(2,3,5)", example], "arguments": dict.fromkeys("abc", VALUE)},
    }))  # fmt: skip
    assert evaluate(METRICS["X_ONE"], cells) == shown


@pytest.mark.usefixtures("fresh")
def test_native_forms_double_quotation_marks() -> None:
    own.define(toml({
        "X_ONE": {"formula": 'IF(a > 1, "5"" pipe", "b")', "returns": "TEXT",
                  "arguments": {"a": VALUE}, "example": ["=X_ONE(2)", '5" pipe']},
        "X_TWO": {"formula": "b & a", "returns": "TEXT",
                  "arguments": {"a": VALUE, "b": {"unit": "TEXT", "default": 'say "x"'}},
                  "example": ["=X_TWO(1)", 'say "x"1']},
    }))  # fmt: skip
    assert '"5"" pipe"' in str(with_native_forms("X_ONE(A1)", METRICS))
    assert '"say ""x"""&' in str(with_native_forms("X_TWO(A1)", METRICS))


@pytest.mark.usefixtures("fresh")
def test_files_are_bounded() -> None:
    one = {"formula": "a", "returns": "MONEY", "arguments": {"a": MONEY}, "example": ["=X_Y(1)", 1]}
    own.define(toml({f"X_{'Y' * 3}{n}": one for n in range(10_000)}))
    assert "10,000 KPIs" in str(own.FAULTS[0])
    own.define("[" * 100_000)
    assert "no TOML" in str(own.FAULTS[1])
    assert len(own.FAULTS) == 2


def layered(formula: str, count: int) -> str:
    """KPIs each of which is built on the one before, by a formula over it: {below}."""
    names = [f"X_{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(count)]
    formulas = ["a", *(formula.format(below=f"{name}(a)") for name in names)]
    value = {"unit": "VALUE"}
    return toml({
        name: {"formula": one, "returns": "VALUE", "arguments": {"a": value},
               "example": [f"={name}(0)", 0]}
        for name, one in zip(names, formulas, strict=False)
    })  # fmt: skip


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("formula", ["{below}", "{below} + {below}", "ROUND({below}, 2)"])
def test_what_is_built_on_many_layers_is_bounded(formula: str) -> None:
    """Each layer that takes the one below twice would double the steps: it would not end."""
    own.define(layered(formula, 200))
    faults = [fault for fault in own.FAULTS if not fault.kept]
    assert "with all that it is built on it is too long" in str(faults[0])
    assert "there is no function X_" in str(faults[1])
    assert "X_AF" in own.FINGERPRINTS
    last = list(own.FINGERPRINTS)[-1]
    assert evaluate(METRICS[last], [0.0]) == 0.0
    assert with_native_forms(f"{last}(A1)", METRICS) is None  # longer than Excel takes


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
    assert "KPIs of your own: 1, fingerprint" in out
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


def test_the_readme_leads_from_nothing_to_a_kpi_of_ones_own(tmp_path: Path) -> None:
    """Its commands as they stand, in a home without anything; the first one is pip's affair."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("<!-- own KPIs -->\n```sh\n")[1].split("```")[0].splitlines()
    assert len(block) <= 5
    assert block[0].endswith("pip install .")
    outside = {k: v for k, v in os.environ.items() if k not in (VARIABLE, "XDG_CONFIG_HOME")}
    said = []
    for line in block[1:]:
        program, *words = shlex.split(line)
        assert program == ".venv/bin/kpi-xl"
        if words[0] == "install":
            words += ["--target", str(tmp_path / "extensions")]
        done = subprocess.run(
            [sys.executable, "-m", "kpi_xl", *words],
            env={**outside, "HOME": str(tmp_path), "APPDATA": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert Path(said[0].strip()).is_relative_to(tmp_path)
    assert said[1].startswith("KPIs of your own: 1, fingerprint")
    assert said[2] == "4\n"  # 0.4 of 100,000 / 10,000
    assert "MARGINROAS(" in (tmp_path / "extensions" / "kpi_xl" / "kpi_xl.idl").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["html", "md"])
def test_a_page_is_in_any_language_and_shows_texts_as_they_are(
    terminal: Callable[..., tuple[int, str]], tmp_path: Path, language: str, form: str
) -> None:
    hostile = TEN["CONTRIBUTION"] | {
        "source": "<script>alert(1)</script>",
        "help": {language: "One.\n\n# <b>Two</b> [three](javascript:alert)"},
    }
    file, page = tmp_path / "kpis.toml", tmp_path / f"page.{form}"
    file.write_text(toml({"CONTRIBUTION": hostile}), encoding="utf-8")
    code, _ = terminal("kpis", "export", str(file), "-o", str(page), "--lang", language)
    assert code == 0
    text = page.read_text("utf-8")
    assert "CONTRIBUTION" in text
    for part in ("<script>", "<b>", *(["[three]("] if form == "md" else [])):
        assert text.count(part) == 0, part
    assert "\n# " not in text[1:]


def test_a_file_of_ones_own_is_not_written_over(
    terminal: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    assert terminal("kpis", "new", "-o", str(file))[0] == 0
    file.write_text("# mine", encoding="utf-8")
    code, _ = terminal("kpis", "new", "-o", str(file))
    assert (code, file.read_text("utf-8")) == (2, "# mine")
    assert terminal("kpis", "new", "-o", str(file), "--force")[0] == 0
    assert file.read_text("utf-8") == EXAMPLE


def test_without_a_command_the_help_is_shown(terminal: Callable[..., tuple[int, str]]) -> None:
    code, shown = terminal("kpis")
    assert code == 0
    assert {"new", "check", "export"} <= {line.split()[0] for line in shown.splitlines() if line}


def test_the_documentation_shows_what_is_written() -> None:
    text = (ROOT / "udfs" / "OWN_KPIS.md").read_text(encoding="utf-8")
    block = text.split("```toml\n")[1].split("   ```")[0]
    shown = "".join(line.removeprefix("   ") + "\n" for line in block.splitlines())
    assert EXAMPLE.partition("\n")[2] == shown


def test_an_installed_package_defines_them(tmp_path: Path) -> None:
    """By its entry point, which a process of its own finds on its path."""
    (tmp_path / "acme_kpis.py").write_text(
        "from typing import Annotated\n"
        "from kpi_xl.registry import Arg, metric\n"
        "from kpi_xl.units import MONEY\n"
        "@metric('ACME_NET', returns=MONEY, formula='revenue - cost', source='ACME',"
        " example=('=ACME_NET(10,4)', 6.0), lower=True)\n"
        "def acme_net(revenue: Annotated[float, Arg('Revenue', MONEY)],"
        " cost: Annotated[float, Arg('Cost', MONEY)]) -> float:\n"
        '    """What is left."""\n'
        "    return revenue - cost\n",
        encoding="utf-8",
    )
    info = tmp_path / "acme_kpis-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-kpis\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[kpi_xl.metrics]\nacme = acme_kpis\n")
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    environment |= {"PYTHONPATH": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}

    def cli(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kpi_xl", *words],
            env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert cli("eval", "=ACME_NET(10,3)").stdout == "7\n"
    assert "ACME_NET(revenue, cost)" in cli("kpis", "check").stdout
    (tmp_path / "acme_kpis.py").write_text("raise OSError('no licence')", encoding="utf-8")
    done = cli("kpis", "check")
    assert done.returncode == 1
    assert "entry point acme = acme_kpis: it fails: OSError: no licence" in done.stdout


@pytest.mark.parametrize("variable", [VARIABLE, "XDG_CONFIG_HOME", "APPDATA"])
def test_what_may_not_be_looked_at_keeps_nobody_from_importing(variable: str) -> None:
    """A name too long; a folder that is closed to this user is alike."""
    code = "import kpi_xl; from kpi_xl import own; print(*map(str, own.FAULTS))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {variable: os.sep + "a" * 300},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = f"{os.sep}{'a' * 300}: {VARIABLE} names it, and it is not there"
    assert done.stdout.strip() == (told if variable == VARIABLE else "")


@pytest.mark.usefixtures("fresh")
def test_a_user_without_a_home_has_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as a user whom it does not know."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for variable in ("XDG_CONFIG_HOME", "APPDATA", VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    own.load()
    assert own.FAULTS == []
    assert not settings_folder().is_dir()


def test_kpis_py_of_the_settings_counts(tmp_path: Path) -> None:
    (tmp_path / "kpi_xl").mkdir()
    (tmp_path / "kpi_xl" / "kpis.py").write_text("1 / 0", encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-m", "kpi_xl", "kpis", "check"],
        env=environment | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "kpis.py: it fails: ZeroDivisionError" in done.stdout
