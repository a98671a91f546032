"""`python -m kpi_xl`: the command line, where no script is on the path."""

from kpi_xl.cli import main

main()
