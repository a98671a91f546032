"""The command line, in the process of the tests: to start one takes many times as long.

What it needs a start of its own for is tested with one: in test_cli.py, test_own.py, and where it
is installed, in test_package.py.
"""

import contextlib
import io
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kpi_xl.cli import main


def kpi_xl(*arguments: str, folder: Path | None = None) -> CompletedProcess[str]:
    """What `kpi-xl` with some arguments writes in a folder, and the code with which it ends."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in ("out", "error")]
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder or Path.cwd()):
        patch.setattr(sys, "argv", ["kpi-xl", *arguments])
        patch.setenv("COLUMNS", "100")
        with (
            contextlib.redirect_stdout(streams[0]),
            contextlib.redirect_stderr(streams[1]),
            pytest.raises(SystemExit) as end,
        ):
            main()
    for stream in streams:
        stream.seek(0)
    code = end.value.code
    assert isinstance(code, int)
    return CompletedProcess(arguments, code, *(stream.read() for stream in streams))
