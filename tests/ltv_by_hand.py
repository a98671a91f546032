"""LTV_CURVE as a query that somebody who knows Polars well would write by hand.

The benchmarks measure against it, and a test holds the function to the same table.
"""

from datetime import date
from typing import Any

import numpy as np
import polars as pl

EPOCH = date(1899, 12, 30)
LAST_DAY = date(2025, 3, 13)  # of the orders made up here


def orders_of_channels(count: int = 1_000_000, customers: int = 200_000) -> pl.DataFrame:
    """Orders of two years in twelve channels; a customer's day has one of them."""
    chance = np.random.default_rng(1)
    who, day = chance.integers(0, customers, count), chance.integers(0, 730, count)
    frame = pl.DataFrame(
        {
            "who": who,
            "day": np.datetime64("2023-03-15") + day,
            "paid": chance.uniform(1, 100, count).round(2),
            "channel": (who * 7 + day * 13) % 12,
        }
    )
    return frame.with_columns(channel=pl.format("channel {}", "channel"))


def frame_of_cells(*columns: list[list[Any]]) -> pl.DataFrame:
    """Columns of cells, as hosts hand them over, as a frame."""
    names = "who", "day", "paid", "channel"
    cells = {n: [row[0] for row in c] for n, c in zip(names, columns, strict=True)}
    days = pl.duration(days=pl.col("day").cast(pl.Int32))
    return pl.DataFrame(cells).with_columns(day=pl.lit(EPOCH) + days)


def by_hand(orders: pl.DataFrame, by: str, until: date, margin: float = 0.4) -> list[list[Any]]:
    """The rows of LTV_CURVE by "cohort" or "segment", without their header."""
    rows = orders.lazy().select(
        "who", "day", "paid", "channel",
        month=pl.col("day").dt.year() * 12 + pl.col("day").dt.month().cast(pl.Int32),
    )  # fmt: skip
    channel = [pl.col("channel").min_by("day")] if by == "segment" else []
    first = rows.group_by("who").agg(*channel, born=pl.col("month").min())
    place = ["channel", "born"] if by == "segment" else ["born"]
    brought = (
        rows.select("who", "paid", "month")
        .join(first, on="who")
        .group_by(*place, age=pl.col("month") - pl.col("born"))
        .agg(pl.col("paid").sum())
    )
    sizes, brought = pl.collect_all([first.group_by(place).agg(size=pl.len()), brought])
    # The table is small from here on.
    ended = until.year * 12 + until.month - 1
    ages = pl.DataFrame({"age": range(ended - sizes["born"].min() + 1)}, {"age": pl.Int32})
    curve = (
        sizes.join(ages, how="cross")
        .join(brought, on=[*place, "age"], how="left")
        .sort("age")
        .with_columns(pl.col("paid").fill_null(0.0).cum_sum().over(place))
        .filter(pl.col("age") <= ended - pl.col("born"))
    )
    row = place[0]
    each = pl.col("paid").sum() / pl.col("size").sum() * margin
    wide = curve.group_by(row, "age").agg(each).sort("age").pivot("age", index=row)
    counts = sizes.group_by(row).agg(pl.col("size").sum())
    return [list(r) for r in counts.join(wide, on=row, how="left").sort(row).iter_rows()]
