"""The kernels, one file a family. Importing this package fills `kpi_xl.registry.METRICS`."""

from kpi_xl.metrics import (
    acquisition,
    attribution,
    content,
    economics,
    experiments,
    forecasts,
    goals,
    help,
    models,
    retention,
    returns,
    sales,
    social,
    tables,
    value,
    web,
)
from kpi_xl.registry import METRICS

__all__ = ["METRICS"]
