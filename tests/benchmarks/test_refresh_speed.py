"""A workbook loaded anew, beside filling a new one from the same rows, in one run.

pytest tests/benchmarks/test_refresh_speed.py -s

CPU seconds of whole processes, so that it does not matter what else runs.
"""

import random
import sys
from datetime import date, timedelta
from pathlib import Path

from test_recalc_speed import cpu_seconds

ROWS = 20_000
MOST = 3.0  # times the CPU time of a fill
KPI_XL = [sys.executable, "-m", "kpi_xl"]


def store(folder: Path, rows: int) -> None:
    chance = random.Random(rows)
    lines = (
        f"C{chance.randrange(rows // 5)},{date(2024, 1, 1) + timedelta(chance.randrange(500))},"
        f"{chance.randrange(100, 30_000) / 100},N{number}\n"
        for number in range(rows)
    )
    (folder / "orders.csv").write_text("customer,date,amount,order\n" + "".join(lines))


def test_every_night_a_few_rows_more(tmp_path: Path) -> None:
    book = tmp_path / "book.xlsx"
    fill = [*KPI_XL, "fill", "retention", "--table", f"Orders={tmp_path}/orders.csv", "--force"]
    store(tmp_path, ROWS)
    cpu_seconds(*fill, "-o", str(book))
    cpu_seconds(*KPI_XL, "refresh", str(book), "--no-backup")
    store(tmp_path, ROWS + 100)
    filled = cpu_seconds(*fill, "-o", str(tmp_path / "new.xlsx"))
    refreshed = cpu_seconds(*KPI_XL, "refresh", str(book), "--no-backup")
    ratio = refreshed / filled
    print(f"\n{ROWS:,} rows: {refreshed:.1f} s, a fill {filled:.1f} s, {ratio:.2f} times")
    assert ratio < MOST
