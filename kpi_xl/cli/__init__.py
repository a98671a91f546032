"""The command line: kpi-xl eval, recalc, export, functions, new, fill, demo, lite, explain,
freeze, refresh, kpis, install, uninstall, doctor, build, serve."""

import io
import os
import sys
import traceback
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from kpi_xl import __version__
from kpi_xl.bounded import ONE_THREAD
from kpi_xl.cli import (  # importing a module enters its commands
    building,
    doctor,
    formulas,
    functions,
    installing,
    kpis,
    licences,
    lite,
    refreshing,
    reports,
    serving,
    templates,
)
from kpi_xl.cli.shared import SPOKEN, Misuse, app, language_of, printable, said, tell
from kpi_xl.locales import Message, Names
from kpi_xl.own import FAULTS

__all__ = [
    "building",
    "doctor",
    "formulas",
    "functions",
    "installing",
    "kpis",
    "licences",
    "lite",
    "main",
    "refreshing",
    "reports",
    "serving",
    "templates",
]


BUG = 70
"""The exit code of a fault in the program, as BSD's sysexits.h has it (EX_SOFTWARE)."""


def main() -> NoReturn:
    """Run the command line; every mistake of the user's is a line."""
    # Before NumPy is there. Threads wait for each other longer than they work here, and the last
    # digits of sums would tell how many cores there are.
    for variable, threads in ONE_THREAD.items():
        os.environ.setdefault(variable, threads)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows pipe may not be in UTF-8
            stream.reconfigure(encoding="utf-8", errors="replace")
    SPOKEN.set(language_of(None))
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        near = getattr(error, "possibilities", None)
        lines = error.message if near else error.format_message()
        hint = said(Message("; did you mean {name}?", name=Names(near, "or"))) if near else ""
        several = lines.splitlines() if isinstance(error, Misuse) else [lines]
        message = "\n  ".join(printable(" ".join(line.split())) for line in several)
        print(f"kpi-xl: {message}{printable(hint)}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever read the output has seen enough
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        reason = error.strerror or error
        tell(Message("the output cannot be written: {reason}", reason=reason), error=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        tell(Message("interrupted"), error=True)
        sys.exit(130)
    except MemoryError:
        tell(Message("the memory of this computer does not suffice"), error=True)
        sys.exit(2)
    except Exception:  # a bug: told as one, and not by the code of a result
        traceback.print_exc()
        sys.exit(BUG)
    sys.exit(code or 0)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Marketing KPIs as Excel functions: compute them here, list them, see a demo."""
    if context.invoked_subcommand != "kpis" and any(not fault.kept for fault in FAULTS):
        tell(Message("some KPIs of your own do not count: kpi-xl kpis check"), error=True)
    if version:
        print("kpi-xl", __version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())
