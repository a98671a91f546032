"""Where a company's own KPIs may be defined, and whether anything is there at all.

Most people have none, and what reads definitions takes a fifth of what importing kpi_xl does.
"""

import os
import sys
from contextlib import suppress

from kpi_xl.files import is_file, settings_folder

VARIABLE = "KPI_XL_KPIS"
BESIDE = "KPI_XL_KPIS_BESIDE"
"""The variable by which processes that we start are told of files that come last, one a line."""

NAMES = ("kpis.toml", "kpis.py")
ENTRY_POINTS = "kpi_xl.metrics"


def any_defined() -> bool:
    """Whether there are own KPIs to be read: by the environment, in the settings, in packages."""
    folder = settings_folder()
    return (
        bool(os.environ.get(VARIABLE) or os.environ.get(BESIDE))
        or any(is_file(folder / name) for name in NAMES)
        or in_packages()
    )


def in_packages() -> bool:
    """Whether an installed package announces KPIs; importlib.metadata is slow."""
    return any(map(_announces, dict.fromkeys(sys.path)))


def _announces(folder: str) -> bool:
    with suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if entry.name.endswith(".dist-info"):
                # pathlib takes longer than the reading, a hundred times over.
                with suppress(OSError), open(f"{entry.path}/entry_points.txt", "rb") as file:  # noqa: PTH123
                    if f"[{ENTRY_POINTS}]".encode() in file.read():
                        return True
    return False
