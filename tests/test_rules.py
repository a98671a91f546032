"""The rules that every metric and every module keeps."""

import ast
import importlib
import keyword
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from kpi_xl import METRICS
from kpi_xl.reference import LONGEST_HELP, argument_help, definition, one_line
from kpi_xl.registry import Metric
from kpi_xl.taken_names import VBA_WORDS

ROOT = Path(__file__).parent.parent

# Excel's own functions with which a marketer's abbreviation could collide.
BUILT_IN = set("ACOS RATE ROW CELL CODE MODE RANK TREND GROWTH SIGN FORECAST".split())
# The families that work on columns may use NumPy, inside their functions; BTYD's numbers are
# imported there alone, and with them SciPy.
BLOCK_FAMILIES = {"attribution", "economics", "forecasts", "models", "tables"}
WITH_NUMPY = BLOCK_FAMILIES | {"histories", "table_rows", "tallies"}  # what some share
WITHOUT_NUMPY = {"SBG_FIT", "SBG_FORECAST", "CLV_SBG", "PAYBACK_PERIOD", "QUICK_RATIO"}
NUMBERS = {
    "kpi_xl.bdw",
    "kpi_xl.bgbb",
    "kpi_xl.btyd",
    "kpi_xl.btyd_forecast",
    "kpi_xl.buying",
    "kpi_xl.columns",
    "kpi_xl.covariates",
    "kpi_xl.smoothing",
    "kpi_xl.student",
    "kpi_xl.synthetic",
}

# Imports go one way: a module may use those before it.
LAYERS = (
    (
        "kpi_xl.errors",
        "kpi_xl.serials",
        "kpi_xl.units",
        "kpi_xl.files",
        "kpi_xl.own_files",
        "kpi_xl.bounded",
        "kpi_xl.locales",
        "kpi_xl.formula_text",
        "kpi_xl.workbook_names",
    ),
    ("kpi_xl.registry", "kpi_xl.periods", "kpi_xl.columns"),
    (
        "kpi_xl.reference",
        "kpi_xl.quadrature",
        "kpi_xl.btyd",
        "kpi_xl.bdw",
        "kpi_xl.btyd_forecast",
        "kpi_xl.bgbb",
        "kpi_xl.covariates",
        "kpi_xl.binomial",
        "kpi_xl.buying",
        "kpi_xl.student",
        "kpi_xl.sbg",
        "kpi_xl.sequential",
        "kpi_xl.smoothing",
        "kpi_xl.synthetic",
    ),
    ("kpi_xl.search",),
    ("kpi_xl.metrics",),
    (
        "kpi_xl.cells",
        "kpi_xl.schema",
        "kpi_xl.expressions",
        "kpi_xl.native_forms",
    ),
    ("kpi_xl.typesetting",),
    ("kpi_xl.taken_names", "kpi_xl.definitions", "kpi_xl.own"),
    ("kpi_xl.frames", "kpi_xl.python_api", "kpi_xl.ooxml", "kpi_xl"),
    ("kpi_xl.engine", "kpi_xl.sources", "kpi_xl.exports"),
    ("kpi_xl.hosts",),
    ("kpi_xl.reports",),
    ("kpi_xl.cli", "kpi_xl.udfs", "kpi_xl.workbook_templates", "kpi_xl.__main__"),
)


@pytest.fixture(params=METRICS.values(), ids=METRICS)
def metric(request: pytest.FixtureRequest) -> Metric:
    record: Metric = request.param
    return record


def test_the_cell_name_is_the_python_name(metric: Metric) -> None:
    assert metric.name == metric.kernel.__name__.upper()
    assert re.fullmatch(r"[A-Z][A-Z_]*", metric.name)


def test_the_name_is_free_in_excel(metric: Metric) -> None:
    assert not re.fullmatch(r"[A-Z]{1,3}\d+|R\d*C\d*", metric.name)
    assert metric.name not in BUILT_IN


def test_arguments_have_names_that_every_host_takes(metric: Metric) -> None:
    for argument in metric.arguments:
        assert argument.name not in VBA_WORDS
        assert not keyword.iskeyword(argument.name)
        assert not argument.name.startswith("_")  # VBA refuses it
    required = [argument.required for argument in metric.arguments]
    assert required == sorted(required, reverse=True)


def test_everything_is_documented(metric: Metric) -> None:
    assert metric.summary.endswith(".")
    assert metric.source
    assert metric.formula
    assert len(one_line(metric)) <= LONGEST_HELP
    for argument in metric.arguments:
        assert len(argument_help(argument)) <= LONGEST_HELP
    assert metric.name in definition(metric)
    assert (metric.result == "table") == bool(metric.columns)


def test_names_promise_what_they_are() -> None:
    banned = re.compile(r"(^|_)(get|calc|calculate|util|utils|helper|helpers|manager)(_|$)")
    paths = (ROOT / "kpi_xl").rglob("*.py")
    # LibreOffice's spreadsheet is called so.
    stems = [path.stem.removeprefix("calc") for path in paths if path.parent.name == "hosts"]
    stems += [path.stem for path in (ROOT / "kpi_xl").rglob("*.py") if path.parent.name != "hosts"]
    names = [*METRICS, *stems]
    assert [name for name in names if banned.search(name.lower())] == []


def modules() -> dict[str, Path]:
    found = {}
    for folder, package in (
        ("kpi_xl", "kpi_xl"),
        ("udfs", "kpi_xl.udfs"),
        ("workbook_templates", "kpi_xl.workbook_templates"),
    ):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join([package, *parts]).removesuffix(".__init__")] = path
    return found


def test_one_name_is_one_record() -> None:
    """No class, record or protocol bears the name of another one."""
    homes: dict[str, list[str]] = {}
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(module)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def layer(module: str) -> int:
    fits = [
        (len(prefix), number)
        for number, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if module == prefix or module.startswith(f"{prefix}.")
    ]
    return max(fits)[1]


def imports(module: str, path: Path, *, for_types_too: bool) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if id(node) in skipped and not for_types_too:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level < 2, module
            base = ".".join(filter(None, (package if node.level else "", node.module)))
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    return names


def test_imports_go_one_way() -> None:
    known = modules()
    for module, path in known.items():
        for name in imports(module, path, for_types_too=True) & set(known):
            assert layer(name) <= layer(module), f"{module} imports {name}"


def test_no_imports_go_in_a_circle() -> None:
    """But for the package itself, which lists what is public, and the rooms' own lists."""
    known = modules()
    lists = {module for module, path in known.items() if path.name == "__init__.py"}
    graph = {
        module: imports(module, path, for_types_too=True) & (set(known) - lists)
        for module, path in known.items()
        if module not in lists
    }
    assert list(TopologicalSorter(graph).static_order())  # or CycleError, which names the circle


def test_metrics_and_cells_know_no_host() -> None:
    foreign = {"xlwings", "formualizer", "xlsxwriter", "typer", "rich", "pandas", "scipy", "uno",
               "statsmodels"}  # fmt: skip
    for module, path in modules().items():
        if layer(module) <= layer("kpi_xl.cells") and module not in NUMBERS:
            roots = {name.partition(".")[0] for name in imports(module, path, for_types_too=False)}
            assert not roots & foreign, module
            assert "numpy" not in roots or module.rpartition(".")[2] in WITH_NUMPY


def test_nothing_imports_the_paid_part_of_xlwings() -> None:
    """But for what runs xlwings Server, when it runs: whoever starts it has a licence for it."""
    for module, path in modules().items():
        if module == "kpi_xl.udfs.serving":
            assert run(f"import sys, {module}; print('xlwings' in sys.modules)") == "False\n"
            continue
        for name in imports(module, path, for_types_too=True):
            paid = ("xlwings.pro", "xlwings.server", "xlwings_server", "kpi_xl.udfs.serving")
            assert not name.startswith(paid), module


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_scalar_functions_need_no_numpy() -> None:
    code = f"""
import sys
for name in ("numpy", "pandas", "scipy", "xlwings", "formualizer", "rich", "typer"):
    sys.modules[name] = None  # importing it would fail
from kpi_xl import METRICS
from kpi_xl.cells import evaluate
for metric in METRICS.values():
    if metric.family not in {BLOCK_FAMILIES} or metric.name in {WITHOUT_NUMPY}:
        evaluate(metric, [1.0] * metric.required)
print("done")
"""
    assert run(code).strip() == "done"


def test_importing_kpi_xl_loads_nothing_heavy() -> None:
    loaded = run("import sys, kpi_xl; print(*sys.modules)").split()
    heavy = {"numpy", "pandas", "scipy", "xlwings", "formualizer", "rich", "typer", "statistics"}
    heavy |= {"duckdb", "python_calamine", "narwhals", "polars", "pyarrow"}
    heavy |= {"tomllib"}  # the languages are read when one is asked for
    assert not heavy & set(loaded)
    called = "import sys, kpi_xl; kpi_xl.cac(5, 2), kpi_xl.cac([1, 2], 2); print(*sys.modules)"
    assert not {"numpy", "pandas", "narwhals"} & set(run(called).split())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests/benchmarks").glob("test_*.py")), ids=lambda path: path.name
)
def test_benchmarks_name_what_is_there(path: Path) -> None:
    """They run when named only: a name that moved would be seen too late."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("kpi_xl"):
            module = importlib.import_module(str(node.module))
            for name in (one.name for one in node.names if not hasattr(module, one.name)):
                importlib.import_module(f"{node.module}.{name}")  # it may be a module
