"""The functions that xlwings finds: `=CAC()` and all the others, built from their records."""

from kpi_xl.hosts.excel import functions

globals().update(functions())
