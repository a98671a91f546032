"""# kpi_xl

Marketing KPIs as functions of this workbook: `=CAC(50000,250)`, `=CLV(50,4,3)`, `=COHORT(...)`.
`=KPI_LIST()` lists them all, `=KPI_DEFINE("CAC")` explains one.
"""

from kpi_xl.udfs.functions import *
