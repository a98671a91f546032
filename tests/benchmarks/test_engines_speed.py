"""Tables over a million rows, beside queries written by hand that give the same (test_engines).

pytest tests/benchmarks/test_engines_speed.py --benchmark-only --benchmark-group-by=group
"""

from collections.abc import Iterator
from typing import Any

import duckdb
import hand_written
import pytest

from kpi_xl import frames

ROWS = """
SELECT 'C' || lpad((floor(200000 * power(random(), 1.5)))::INT::VARCHAR, 7, '0') AS who,
       TIMESTAMP '2022-01-01' + to_seconds((random() * 3 * 365 * 86400)::BIGINT) AS day,
       round(random()::DOUBLE * 200, 2) + 0.01 AS paid,
       ['Search', 'Social', 'Mail', 'TV'][1 + (random() * 4)::INT % 4] AS channel
FROM range(1000000)
"""
NAMES = ("who", "day", "paid")


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    with duckdb.connect() as opened:
        opened.execute("SELECT setseed(0.5)")
        opened.execute(f"CREATE TABLE orders AS {ROWS}")
        yield opened


@pytest.fixture(scope="module")
def eager(connection: Any) -> Any:
    return connection.table("orders").pl()


@pytest.mark.benchmark(group="COHORT, a million rows")
@pytest.mark.parametrize(
    "how", ["SQL", "DuckDB", "Polars by hand", "Polars", "pandas by hand", "pandas"]
)
def test_cohort(benchmark: Any, connection: Any, eager: Any, how: str) -> None:
    relation, of_pandas = connection.table("orders"), eager.to_pandas()
    ways = {
        "SQL": lambda: hand_written.by_sql(hand_written.COHORT, connection, "orders", *NAMES),
        "DuckDB": lambda: frames.cohort(relation, *NAMES, measure="revenue"),
        "Polars by hand": lambda: hand_written.cohort_by_polars(eager, *NAMES),
        "Polars": lambda: frames.cohort(eager, *NAMES, measure="revenue"),
        "pandas by hand": lambda: hand_written.cohort_by_pandas(of_pandas, *NAMES),
        "pandas": lambda: frames.cohort(of_pandas, *NAMES, measure="revenue"),
    }
    benchmark.pedantic(ways[how], rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="CHANNEL_MIX, a million rows")
@pytest.mark.parametrize("how", ["SQL", "DuckDB", "pandas by hand", "pandas"])
def test_mix(benchmark: Any, connection: Any, eager: Any, how: str) -> None:
    relation, of_pandas = connection.table("orders"), eager.to_pandas()
    names = ("channel", "day", "paid")
    ways = {
        "SQL": lambda: hand_written.by_sql(hand_written.MIX, connection, "orders", *names),
        "DuckDB": lambda: frames.channel_mix(relation, "channel", "paid"),
        "pandas by hand": lambda: hand_written.mix_by_pandas(of_pandas, "channel", "paid"),
        "pandas": lambda: frames.channel_mix(of_pandas, "channel", "paid"),
    }
    benchmark.pedantic(ways[how], rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="MRR_MOVEMENTS, a million rows")
@pytest.mark.parametrize("how", ["SQL", "DuckDB"])
def test_mrr(benchmark: Any, connection: Any, how: str) -> None:
    relation = connection.table("orders")
    ways = {
        "SQL": lambda: hand_written.by_sql(hand_written.MRR, connection, "orders", *NAMES),
        "DuckDB": lambda: frames.mrr_movements(relation, *NAMES),
    }
    benchmark.pedantic(ways[how], rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="RFM, a million rows")
@pytest.mark.parametrize(
    "how", ["SQL", "DuckDB", "Polars by hand", "Polars", "pandas by hand", "pandas"]
)
def test_rfm(benchmark: Any, connection: Any, eager: Any, how: str) -> None:
    relation, of_pandas = connection.table("orders"), eager.to_pandas()
    ways = {
        "SQL": lambda: hand_written.by_sql(hand_written.RFM, connection, "orders", *NAMES),
        "DuckDB": lambda: frames.rfm(relation, *NAMES).fetchall(),
        "Polars by hand": lambda: hand_written.rfm_by_polars(eager, *NAMES),
        "Polars": lambda: frames.rfm(eager, *NAMES).rows(),
        "pandas by hand": lambda: hand_written.rfm_by_pandas(of_pandas, *NAMES),
        "pandas": lambda: frames.rfm(of_pandas, *NAMES),
    }
    benchmark.pedantic(ways[how], rounds=5, warmup_rounds=1)
