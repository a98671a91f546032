"""Where LibreOffice's programs are, and the environment that they are started in."""

import os
import shutil
from pathlib import Path

from kpi_xl.files import is_file
from kpi_xl.locales import FaultError

PLACES = (
    "/Applications/LibreOffice.app/Contents/MacOS",
    "/opt/libreoffice/program",
    r"C:\Program Files\LibreOffice\program",
    r"C:\Program Files (x86)\LibreOffice\program",
)


class OfficeError(FaultError):
    """LibreOffice is not there, or did not do its work, with the sentence that says why."""


def program(name: str) -> str:
    """The path of one of LibreOffice's programs. Raises OfficeError."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if name == "soffice" and found:
        return found
    folders = [Path(found).resolve().parent] if found else []
    for folder in (*folders, *map(Path, PLACES)):
        for file in (folder / f"{name}.com", folder / f"{name}.exe", folder / name):
            if is_file(file):
                return str(file)
    raise OfficeError(
        "LibreOffice is not found: install it, and put the folder of its program soffice on the"
        " path (Debian: apt-get install libreoffice-calc python3-uno)"
    )


def surroundings() -> dict[str, str]:
    """The environment for LibreOffice: its Python breaks down over the settings of another."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "VIRTUAL_ENV"
    }
    folders = kept.get("PATH", "").split(os.pathsep)
    outside = [folder for folder in folders if not _is_environments(folder)]
    return kept | {"PATH": os.pathsep.join(outside)}


def _is_environments(folder: str) -> bool:
    """Whether a folder of the path is that of a Python environment."""
    return is_file(Path(folder).parent / "pyvenv.cfg")
