"""kpi-xl doctor: what stands in the way of the functions in Excel, and what to do about it."""

from itertools import chain
from typing import Annotated

import typer

from kpi_xl.cli.installing import TARGET
from kpi_xl.cli.shared import app

SIGNS = {True: "ok", False: "!!", None: "??"}


@app.command()
def doctor(
    target: TARGET = None,
    selftest: Annotated[
        bool, typer.Option("--selftest", help="Also open Excel, and try everything in it.")
    ] = False,
) -> int:
    """Say what stands in the way of the functions in Excel, and what to do about it."""
    from kpi_xl.hosts import doctor as excel

    looked_at = excel.findings(target)
    if selftest:
        from kpi_xl.hosts import selftest as trial

        looked_at = chain(looked_at, trial.selftest())
    bad = unseen = 0
    for finding in looked_at:
        print(f"{SIGNS[finding.good]}  {finding.what}")
        if finding.todo:
            print(f"    -> {finding.todo}")
        bad += finding.good is False
        unseen += finding.good is None
    print(f"{bad} to be put right." if bad else "Nothing to be put right.", end="")
    print(" What has ?? cannot be seen here." if unseen else "")
    return 1 if bad else 0
