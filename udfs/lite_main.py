"""# kpi_xl

Marketing KPIs as functions of this workbook: `=CAC(50000,250)`, `=CLV(50,4,3)`, `=COHORT(...)`.
`=KPI_LIST()` lists them all, `=KPI_DEFINE("CAC")` explains one.

CSV files that are imported here (Menu, Files) can be named on the sheet Sources of a template.
"""

import os

from kpi_xl.udfs.functions import *
from kpi_xl.udfs.scripts import check_data, load_data, refresh_report

os.environ.setdefault("KPI_XL_FOLDERS", "/data")  # where xlwings Lite puts imported files
