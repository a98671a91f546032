"""From Parquet to a filled retention workbook: seconds, memory, a row's cost.

python tests/benchmarks/counted_orders.py 1100000 100000000   # rows, made by DuckDB, and removed
python tests/benchmarks/counted_orders.py --spark 1100000     # and counted by a local Spark, too

A row's cost is to fall, or stay, from a million rows to a hundred million, and these are to take
120 s and 4 GB on two cores.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

ORDERS = """
COPY (
  SELECT customer, DATE '2022-01-01' + LEAST(1460, first + gap)::INTEGER AS date, amount
  FROM (
    SELECT customer, hash(customer + 7) % 1300 AS first,
           CASE WHEN hash(i + 11) % 5 = 0 THEN 0
                ELSE floor(-200 * ln((hash(i + 13) % 1000000 + 1) / 1000001.0)) END AS gap,
           round(5 + (hash(i + 17) % 20000) / 100.0, 2)::DECIMAL(12, 2) AS amount
    FROM (
      SELECT i, floor({customers} * ((hash(i) % 1000003) / 1000003.0) ** 1.5)::BIGINT AS customer
      FROM range({rows}) t(i)
    )
  )
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""
"""Four years of orders of a twentieth as many customers, each from a first day on, at own rates."""

FILL = [sys.executable, "-m", "kpi_xl", "fill", "retention", "--force"]


def made(rows: int, path: Path) -> None:
    """Write the orders."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as database:
        database.execute("SET preserve_insertion_order = false")
        customers = max(1, rows // 20)
        database.execute(ORDERS.format(rows=rows, customers=customers, path=path))


def filled(path: Path) -> tuple[float, float, int]:
    """Fill a workbook: seconds, seconds of the processor, and the most memory of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    book = path.with_suffix(".xlsx")
    subprocess.run(
        [*FILL, "--table", f"Orders={path}", "-o", str(book)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, used, after.ru_maxrss >> 10


def by_spark(path: Path) -> float:
    """The seconds that a local Spark takes for the same tables, which are to be the same."""
    import engines

    from kpi_xl import frame_counts

    names = "customer", "date", "amount"
    with engines.spark("UTC") as session:
        start = time.perf_counter()
        found = frame_counts.retention_counts(session.read.parquet(str(path)), *names)
        seconds = time.perf_counter() - start
    here = frame_counts.retention_counts(duckdb.read_parquet(str(path)), *names)
    assert found.cohorts["customers"] == here.cohorts["customers"]
    assert found.curve == here.curve
    assert [row[:3] for row in found.customers] == [row[:3] for row in here.customers]
    assert [row[:2] for row in found.days] == [row[:2] for row in here.days]
    return seconds


def main() -> None:
    """Print a line for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="+")
    parser.add_argument("--spark", action="store_true")
    given = parser.parse_args()
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "orders.parquet"
            made(rows, path)
            seconds, used, most = filled(path)
            print(
                f"{rows:,} rows, {path.stat().st_size >> 20:,} MB: {seconds:.1f} s, {used:.1f} s of"
                f" the processor ({1e6 * used / rows:.2f} us a row), {most:,} MB",
                flush=True,
            )
            if given.spark:
                print(f"    Spark, the same tables: {by_spark(path):.1f} s", flush=True)


if __name__ == "__main__":
    main()
