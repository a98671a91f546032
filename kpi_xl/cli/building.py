"""kpi-xl build: the package that another computer installs, in one file."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from kpi_xl.cli.shared import (
    FORCE,
    OUTPUT,
    PARENTS,
    Misuse,
    app,
    free_path,
    in_their_language,
    kpis_of_allowed_folders,
    save,
)
from kpi_xl.locales import Message, Names
from kpi_xl.reference import did_you_mean

# Each: the module and its function that makes the bytes, and the name of the file.
PACKAGES = {"calc": ("kpi_xl.hosts.libreoffice.extension", "oxt", "kpi_xl.oxt")}

PACKAGE = Annotated[str, typer.Argument(help=" or ".join(PACKAGES), metavar="PACKAGE")]


@app.command()
@in_their_language
def build(
    package: PACKAGE, output: OUTPUT = None, force: FORCE = False, parents: PARENTS = False
) -> None:
    """Write a package that a spreadsheet program installs: calc is LibreOffice's extension."""
    if package not in PACKAGES:
        near = did_you_mean(package, PACKAGES)
        raise Misuse(
            Message(
                'there is no package "{package}"{near}; there is {names}',
                package=package,
                near=near,
                names=Names(tuple(PACKAGES), "or"),
            )
        )
    module, make, name = PACKAGES[package]
    path = free_path(output or Path(name), force=force, parents=parents)
    kpis_of_allowed_folders()
    content: bytes = getattr(import_module(module), make)()
    save(path, content, force=force)
    print(path)
