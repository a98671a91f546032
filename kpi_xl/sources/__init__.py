"""A table that a user has, read into columns: CSV, Parquet, Excel workbooks, databases.

A cell is never guessed at. Where a file can be read in two ways (1.234, 01/02/2024), and nothing
else in the column decides, or where a cell does not fit, the error names its row and column.
"""

from kpi_xl.sources.records import MOST_ROWS, TOO_MANY, ReadTable, SourceError
from kpi_xl.sources.tables import (
    allowed,
    cells_under,
    columns_of,
    headers_of,
    places_of,
    read_table,
)

__all__ = [
    "MOST_ROWS",
    "TOO_MANY",
    "ReadTable",
    "SourceError",
    "allowed",
    "cells_under",
    "columns_of",
    "headers_of",
    "places_of",
    "read_table",
]
