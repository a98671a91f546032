"""kpi-xl install, kpi-xl uninstall: put the functions into a spreadsheet program, and out again."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from kpi_xl.cli.shared import Misuse, among, app, kpis_of_allowed_folders, tell
from kpi_xl.hosts.libreoffice.programs import OfficeError
from kpi_xl.hosts.steps import Step
from kpi_xl.locales import Message, Names
from kpi_xl.reference import did_you_mean

# Each has `install_steps(target)` and `uninstall_steps(target)`, which return what there is to do
# and raise OSError where that cannot be told; without a target the program's own folder is meant.
HOSTS = {"excel": "kpi_xl.hosts.addin", "libreoffice": "kpi_xl.hosts.libreoffice.extension"}

HOST = Annotated[str, typer.Option(help=" or ".join(HOSTS), autocompletion=among(lambda: HOSTS))]
TARGET = Annotated[
    Path | None, typer.Option(help="Another folder than the program's own.", metavar="DIR")
]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@app.command()
def install(host: HOST = "excel", target: TARGET = None, dry_run: DRY_RUN = False) -> None:
    """Put the functions into Excel or LibreOffice."""
    carry_out(host, "install_steps", target, dry_run=dry_run)


@app.command()
def uninstall(host: HOST = "excel", target: TARGET = None, dry_run: DRY_RUN = False) -> None:
    """Take out all that install put in."""
    carry_out(host, "uninstall_steps", target, dry_run=dry_run)


def carry_out(host: str, steps: str, target: Path | None, *, dry_run: bool) -> None:
    """Say each step, and do it. Raises Misuse."""
    if host not in HOSTS:
        raise Misuse(
            Message(
                'there is no host "{host}"{near}; {names}',
                host=host,
                near=did_you_mean(host, HOSTS),
                names=Names(tuple(HOSTS), "or"),
            )
        )
    if host == "libreoffice":  # which has no functions but those that are written there now
        kpis_of_allowed_folders()
    try:
        todo: list[Step] = getattr(import_module(HOSTS[host]), steps)(target)
        for step in todo:
            print(step.what)
            if not dry_run:
                step.do()
    except OfficeError as error:
        raise Misuse(error) from None
    except OSError as error:
        raise Misuse(
            Message("{file}: {fault}", file=error.filename or host, fault=error.strerror or error)
        ) from None
    if not todo:
        tell(Message("There is nothing to do."))
