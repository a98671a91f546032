"""Settings of the test run, and the wheel that several files install."""

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import demos
import pytest
from hosts import missing
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

# CI must not fail by chance on a commit that changes nothing; a user's run looks further each time.
# A busy machine is slow to draw examples, which says nothing of the code.
SLOW = [HealthCheck.too_slow]
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("default", deadline=None, suppress_health_check=SLOW)
settings.load_profile("ci" if os.environ.get("CI") else "default")


QUICK = ("test_published.py", "test_cells.py", "test_rules.py")
LONG = ("test_templates.py", "test_calc_typing.py", "test_validators.py", "test_scripts.py",
        "test_checks.py", "test_cli.py", "test_calc.py", "test_engines.py", "test_native_copies.py",
        "test_retention.py", "test_desk.py", "test_campaigns.py", "test_economics_workbook.py",
        "test_package.py", "test_frames.py", "test_server.py", "test_witness.py",
        "test_hostile.py")  # fmt: skip
"""The files that take the longest, first: or a worker waits at the end for the other one's last."""


def pytest_configure(config: pytest.Config) -> None:
    """Let workers take the files in the order below, and not by the number of their tests.

    They look for circles of objects more seldom: among the cells of many workbooks a sixth of the
    time went there. What is compiled is kept, whatever the machine is set to: every process that a
    test starts would compile this package again.
    """
    config.option.loadscopereorder = False
    gc.set_threshold(100_000, 20, 10)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One worker more than cores: there is always one that waits for a program it has started."""
    return (yield) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick files first, which say most; then those that take long."""
    order = {name: place for place, name in enumerate((*QUICK, *LONG))}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session", autouse=True)
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The folder of this run that its workers share: the one above each worker's own."""
    own = tmp_path_factory.getbasetemp()
    demos.FOLDERS[:] = [own.parent if "PYTEST_XDIST_WORKER" in os.environ else own]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once in a run, from the tracked files alone."""
    work = tmp_path_factory.mktemp("wheel")
    name, content = demos.shared("wheel", lambda: built_wheel(work))
    path = work / name
    path.write_bytes(content)
    return path


def built_wheel(work: Path) -> tuple[str, bytes]:
    """The name of the wheel, and what is in it."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        missing("the wheel is built from the files that git tracks")
    source = export(work / "source")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    built = subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(work), str(source)],
        capture_output=True, text=True,
    )  # fmt: skip
    if built.returncode and "onnection" in built.stderr:
        missing("building the wheel needs a package index")
    assert built.returncode == 0, built.stderr
    (path,) = work.glob("*.whl")
    return path.name, path.read_bytes()


def export(folder: Path) -> Path:
    """The tracked files alone: what is built must not depend on anything else."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder
