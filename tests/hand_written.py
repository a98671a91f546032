"""The tables as one writes them by hand, in SQL, for Polars and pandas: what frames are held to.

Sorted rows: of COHORT the months of the year 0 until a cohort's, an age, buyers and revenue; of
CHANNEL_MIX a channel and its sum; of MRR_MOVEMENTS the months of the year 0, new, expansion,
contraction, the sum and the customers; of RFM its columns.
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

RFM = """
WITH days AS (SELECT trim({who}) AS customer, {day}::DATE AS day, sum({paid}) AS paid,
                     max({paid}) >= 0 AS bought FROM {rows} GROUP BY ALL),
     totals AS (SELECT customer, coalesce(max(day) FILTER (bought), max(day)) AS last,
                       count(*) FILTER (bought) AS frequency, round(sum(paid), 2) AS monetary
                FROM days GROUP BY customer),
     scored AS (SELECT *, 5 - (rank() OVER (ORDER BY last DESC) - 1) * 5 // count(*) OVER () AS r,
                       1 + (rank() OVER (ORDER BY frequency) - 1) * 5 // count(*) OVER () AS f,
                       1 + (rank() OVER (ORDER BY monetary) - 1) * 5 // count(*) OVER () AS m
                FROM totals)
SELECT customer, (SELECT max(day) FROM days) - last, frequency, monetary, r, f, m,
       CASE WHEN r >= 4 THEN CASE WHEN f + m >= 8 THEN 'Champions'
                                  WHEN f + m >= 6 THEN 'Potential loyalists' ELSE 'New' END
            WHEN r >= 3 THEN CASE WHEN f + m >= 8 THEN 'Loyal'
                                  WHEN f + m >= 6 THEN 'Needs attention' ELSE 'About to sleep' END
            ELSE CASE WHEN f + m >= 8 THEN 'Cannot lose'
                      WHEN f + m >= 6 THEN 'At risk' ELSE 'Lost' END END
FROM scored ORDER BY customer
"""
QUERIES = COHORT, MIX, MRR, RFM


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


def rfm_by_polars(rows: Any, who: str, day: str, paid: str) -> list[Any]:
    """RFM, by Polars."""
    bought = pl.col("best") >= 0
    customers = (
        rows.lazy()
        .group_by(pl.col(who).str.strip_chars().alias("customer"), day=pl.col(day).dt.date())
        .agg(pl.col(paid).sum().alias("paid"), pl.col(paid).max().alias("best"))
        .group_by("customer")
        .agg(
            pl.col("day").max().alias("seen"),
            pl.col("day").filter(bought).max().alias("last"),
            bought.sum().alias("frequency"),
            pl.col("paid").sum().round(2).alias("monetary"),
        )
        .with_columns(last=pl.coalesce("last", "seen"))
    )

    def below(name: str, *, descending: bool = False) -> pl.Expr:
        return (pl.col(name).rank("min", descending=descending).cast(pl.Int64) - 1) * 5 // pl.len()

    r, fm = pl.col("r"), pl.col("f") + pl.col("m")
    named = [
        (r >= 4, "Champions", "Potential loyalists", "New"),
        (r >= 3, "Loyal", "Needs attention", "About to sleep"),
        (r >= 1, "Cannot lose", "At risk", "Lost"),
    ]
    segment: Any = pl
    for test, high, mid, low in named:
        by_value = pl.when(fm >= 8).then(pl.lit(high)).when(fm >= 6).then(pl.lit(mid))
        segment = segment.when(test).then(by_value.otherwise(pl.lit(low)))
    scored = customers.with_columns(
        recency=(pl.col("seen").max() - pl.col("last")).dt.total_days(),
        r=5 - below("last", descending=True),
        f=1 + below("frequency"),
        m=1 + below("monetary"),
    )
    columns = "customer", "recency", "frequency", "monetary", "r", "f", "m"
    return scored.select(*columns, segment).sort("customer").collect().rows()


def cohort_by_pandas(rows: Any, who: str, day: str, paid: str) -> list[Any]:
    """COHORT, by pandas."""
    months = (
        rows.assign(
            customer=rows[who].str.strip(), month=rows[day].dt.year * 12 + rows[day].dt.month
        )
        .groupby(["customer", "month"], as_index=False)[paid]
        .sum()
    )
    born = months.groupby("customer")["month"].transform("min")
    counted = months.groupby([born.rename("born"), (months["month"] - born).rename("age")])[paid]
    return [(*at, *row) for at, *row in counted.agg(["size", "sum"]).itertuples()]


def mix_by_pandas(rows: Any, who: str, paid: str) -> list[Any]:
    """CHANNEL_MIX, by pandas."""
    return list(rows.groupby(rows[who].str.strip())[paid].sum().items())


def rfm_by_pandas(rows: Any, who: str, day: str, paid: str) -> list[Any]:
    """RFM, by pandas, of customers who bought something."""
    days = (
        rows.assign(customer=rows[who].str.strip(), day=rows[day].dt.normalize())
        .groupby(["customer", "day"], as_index=False)[paid]
        .agg(["sum", "max"])
    )
    bought = days[days["max"] >= 0].groupby("customer")
    last, frequency = bought["day"].max(), bought["day"].size()
    monetary = bought["sum"].sum().round(2)
    r = 5 - (last.rank(method="min", ascending=False).astype(int) - 1) * 5 // len(last)
    f, m = (
        1 + (x.rank(method="min").astype(int) - 1) * 5 // len(last) for x in (frequency, monetary)
    )
    high = (f + m >= 6).astype(int) + (f + m >= 8)
    named = (
        ("Lost", "At risk", "Cannot lose"),
        ("About to sleep", "Needs attention", "Loyal"),
        ("New", "Potential loyalists", "Champions"),
    )
    level = (r >= 3).astype(int) + (r >= 4)
    segment = [named[row][place] for row, place in zip(level, high, strict=True)]
    recency = (days["day"].max() - last).dt.days
    return list(zip(last.index, recency, frequency, monetary, r, f, m, segment, strict=True))
