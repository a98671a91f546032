"""kpi-xl doctor: what stands in the way of the functions in Excel, and what to do about it."""

from importlib import import_module
from itertools import chain
from typing import Annotated, Any

import typer

from kpi_xl.cli.installing import TARGET
from kpi_xl.cli.shared import JSON, app, print_json, printable

SIGNS = {True: "ok", False: "!!", None: "??"}


@app.command()
def doctor(
    target: TARGET = None,
    selftest: Annotated[
        bool, typer.Option("--selftest", help="Also open Excel, and try everything in it.")
    ] = False,
    as_json: JSON = False,
) -> int:
    """Say what stands in the way of the functions in Excel, and what to do about it."""
    from kpi_xl.hosts import doctor as excel

    looked_at = excel.findings(target)
    if selftest:
        from kpi_xl.hosts import selftest as trial

        templates = import_module("kpi_xl.workbook_templates")

        def refresh(book: Any) -> None:
            from kpi_xl.udfs import scripts  # it needs xlwings

            scripts.refresh_report.__wrapped__(book)  # without the message that the button shows

        samples = {
            name: lambda name=name: templates.template(name).sample().data
            for name in templates.TEMPLATES
        }
        looked_at = chain(looked_at, trial.selftest(samples, refresh))
    if as_json:
        found = list(looked_at)
        print_json([{"good": one.good, "what": one.what, "todo": one.todo} for one in found])
        return int(any(one.good is False for one in found))
    bad = unseen = 0
    for finding in looked_at:
        print(f"{SIGNS[finding.good]}  {printable(finding.what)}")
        if finding.todo:
            print(f"    -> {printable(finding.todo)}")
        bad += finding.good is False
        unseen += finding.good is None
    print(f"{bad} to be put right." if bad else "Nothing to be put right.", end="")
    print(" What has ?? cannot be seen here." if unseen else "")
    return 1 if bad else 0
