"""The tables as one would write them by hand, in SQL and for Polars: what frames are held to.

Sorted rows: of COHORT the months of the year 0 until a cohort's, an age, buyers and revenue; of
CHANNEL_MIX a channel and its sum; of MRR_MOVEMENTS the months of the year 0, new, expansion,
contraction, the sum and the customers.
"""

from typing import Any

import polars as pl

COHORT = """
WITH months AS (SELECT trim({who}) AS customer, 12 * year({day}) + month({day}) AS month,
                       sum({paid}) AS paid FROM {rows} GROUP BY ALL),
     firsts AS (SELECT customer, min(month) AS born FROM months GROUP BY customer)
SELECT born, month - born AS age, count(*), sum(paid)
FROM months JOIN firsts USING (customer) GROUP BY ALL ORDER BY ALL
"""
MIX = "SELECT trim({who}), sum({paid}) FROM {rows} GROUP BY ALL ORDER BY ALL"
MRR = """
WITH months AS (SELECT trim({who}) AS customer, 12 * year({day}) + month({day}) AS month,
                       sum({paid}) AS paid FROM {rows} GROUP BY ALL HAVING sum({paid}) > 0),
     sided AS (SELECT *, lag(month) OVER one AS before, lag(paid) OVER one AS paid_before
               FROM months WINDOW one AS (PARTITION BY customer ORDER BY month))
SELECT month, sum(paid) FILTER (before IS NULL),
       sum(paid - paid_before) FILTER (before = month - 1 AND paid > paid_before),
       sum(paid_before - paid) FILTER (before = month - 1 AND paid < paid_before),
       sum(paid), count(*)
FROM sided GROUP BY ALL ORDER BY ALL
"""


def by_sql(query: str, connection: Any, rows: str, who: str, day: str, paid: str) -> list[Any]:
    """The rows of one of the queries."""
    asked = query.format(rows=rows, who=who, day=day, paid=paid)
    return list(connection.execute(asked).fetchall())


def cohort_by_polars(rows: Any, who: str, day: str, paid: str) -> list[Any]:
    """COHORT, by Polars."""
    month = pl.col(day).dt.year().cast(pl.Int64) * 12 + pl.col(day).dt.month()
    months = (
        rows.lazy()
        .group_by(pl.col(who).str.strip_chars().alias("customer"), month=month)
        .agg(pl.col(paid).sum().alias("paid"))
        .with_columns(born=pl.col("month").min().over("customer"))
    )
    counted = months.group_by("born", age=pl.col("month") - pl.col("born")).agg(
        pl.len().alias("buyers"), pl.col("paid").sum()
    )
    return counted.sort("born", "age").collect().rows()
