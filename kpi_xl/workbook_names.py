"""The names by which every host knows a workbook that was made from a template, and its tables."""

TEMPLATE, LANGUAGE = "ReportTemplate", "ReportLanguage"
"""Names of the cells that hold the template's name, which is the workbook's marker, and the
language's code. Every host reads defined names, and not every one custom properties."""

CURRENCY = "ReportCurrency"
"""Name of the cell that holds the code of the currency in which all amounts are, if it is told."""

SOURCES = "Sources"
"""The table that says where each input table is loaded from, on a sheet of the same name; its
first column names them all."""
