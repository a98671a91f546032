"""What a template workbook keeps for its report, and where; templates write it, reports read it."""

from datetime import datetime
from typing import NamedTuple

from kpi_xl.workbook_names import CURRENCY as CURRENCY
from kpi_xl.workbook_names import LANGUAGE as LANGUAGE
from kpi_xl.workbook_names import SOURCES as SOURCES
from kpi_xl.workbook_names import TEMPLATE as TEMPLATE

FINDINGS, FINDING_COUNT = "Findings", "FindingCount"
"""Names for what was wrong with the data, in the sheet Checks: of its first column, and of the
cell that holds how much there was."""

ABOUT = "ReportAbout"
"""Name of the cell in the sheet Start that says where the data come from."""

FUNCTIONS = "ReportFunctions"
"""Name of the cell in the sheet Start that says where the functions come from."""

FROZEN = (
    "This is a frozen copy: its figures are values, which follow no change. The formulas are in the"
    " notes."
)
"""What that cell says in a frozen copy."""

LIVE = (
    "This is a copy for people without kpi_xl: single figures follow a change, tables of KPI"
    " functions are values. Their formulas are in the notes."
)
"""What it says in a copy with native formulas."""

PLACES = (FINDINGS, FINDING_COUNT, ABOUT)
"""The named cells that a report writes into."""

FILLED = "Read by kpi-xl from {files}."
"""What the cell ABOUT says of a report that was loaded."""

FINDINGS_ROOM, FINDINGS_WIDTH = 20, 5
"""Rows and columns of the list of findings: where, nothing, row, nothing, what to do."""

SOURCE_COLUMNS = ("table", "file", "columns", "loaded", "rows", "remarks")
"""The columns of the table Sources. `columns` says what the file calls ours: Lead source=channel;
Betrag=value."""

STAMP = "yyyy-mm-dd hh:mm"
"""The number format of `loaded`."""

LEAST_ROWS = 2  # of an input table: over a single one, a column is no range


class Loaded(NamedTuple):
    """A row of the table Sources: what was loaded into a table, from where, when."""

    table: str
    file: str = ""
    columns: str = ""
    loaded: datetime | None = None
    rows: int | None = None
    remarks: str = ""
