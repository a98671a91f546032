"""kpi-xl lite: what a workbook of xlwings Lite needs to have the functions."""

from kpi_xl.cli.shared import WHEEL, app, in_their_language
from kpi_xl.cli.templates import check_host


@app.command()
@in_their_language
def lite(wheel: WHEEL = "") -> None:
    """Print what to put into the xlwings Lite pane of a workbook of your own.

    Workbooks that kpi-xl new writes with --host lite have it already.
    """
    from kpi_xl.hosts.lite import main_py, requirements_txt

    check_host("lite", wheel)
    print(f"# Into requirements.txt:\n\n{requirements_txt(wheel)}")
    print(f"# Into main.py; then restart xlwings Lite:\n\n{main_py()}", end="")
