"""Every layout in every language: a file as it says, and the same file otherwise written.

What is expected is what was written into the file; nothing is read from files of vendors here.
"""

import csv
import io
import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kpi_xl.exports import Filling, Request, known_layouts, read_files
from kpi_xl.exports.cells import convention
from kpi_xl.exports.layouts import Header, Layout, Named
from kpi_xl.exports.reading import BESIDE
from kpi_xl.schema import SCHEMAS
from kpi_xl.sources import SourceError
from kpi_xl.units import DATE

LAYOUTS = known_layouts()
TEMPLATE = {"Ads": "campaigns", "Orders": "retention", "Leads": "funnel", "Months": "scorecard",
            "Spend": "funnel", "Contracts": "retention"}  # fmt: skip
CASES = [
    (layout, header)
    for layout in LAYOUTS
    for header in layout.headers
    if not layout.refused and not layout.join
]

SAMPLES = (
    *("Ausgegebener Betrag (EUR)", "Valor gasto (EUR)", "Importe gastado (EUR)", "Расход, EUR"),
    *("Montant dépensé (EUR)", "Amount spent (EUR)", "Importo speso (EUR)", "已花费金额 (EUR)"),
    *("Сумма затрат (EUR)", "Spend (EUR)", "7 Day Total Orders (#)", "7 Day Total Sales", "Доход"),
    *("مجموع پرداختی", "مبلغ مسترد شده", "هزینه ارسال", "مالیات", "Installs", "Spend"),
    *("dealname", "dealstage", "closedate", "createdate", "amount", "deal_currency_code"),
    *("hs_is_closed_won", "hs_is_closed_lost", "hs_is_closed", "hubspot_owner_id", "email"),
    *("hs_analytics_source", "hs_analytics_source_data_1", "lifecyclestage", "recent_deal_amount"),
    *(f"hs_lifecyclestage_{stage}_date" for stage in
      ("marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer")),
    *("消化金額 (EUR)", "花費金額 (EUR)", "지출 금액 (EUR)"),
    *("Affaire - Devise", "Deal - Währung", "Бюджет"),
)  # fmt: skip
"""Headers that fit the patterns of layouts."""

TOTALS = ("Total", "Total: Account", "Gesamt: Konto", "Total : compte", "Total: Conta", "Всего",
          "Итого", "Итого и средние", "合计", "合計: アカウント", "总计", "Total of 6 campaigns",
          "")  # fmt: skip

AMOUNTS = {"cost", "revenue", "total", "paid", "charged", "price", "value", "amount", "won_value"}
COUNTS = {"impressions", "clicks", "conversions", "visits", "engaged_visits", "pageviews", "sent",
          "delivered", "opens", "email_clicks", "unsubscribes", "quantity", "results", "bounces",
          "visit_seconds", "orders", "carts", "purchases"}  # fmt: skip
TEXTS = {"status": "", "interval": "month", "currency": "EUR", "stage": "Talking", "test": "",
         "cancelled": "", "captured": "true", "refunded": "0", "outstanding": "0", "tax": "0",
         "shipping": "0", "adjusted": "0", "dispute": "", "disputed": "0", "reference": "",
         "impact": "", "subtotal": "0", "discount": "0", "duties": "0", "tip": "0",
         "gift_cards": "0", "actual": "0", "item_price": "1", "item_quantity": "1",
         "item_discount": "0"}  # fmt: skip
AS_WRITTEN = {"ymd": "%Y-%m-%d", "dmy": "%d.%m.%Y", "mdy": "%m/%d/%Y", "": "%Y-%m-%d"}


class Sheet(NamedTuple):
    """A file as a layout describes it: its header, our names over it, and the rows."""

    header: list[str]
    ours: list[str]
    rows: list[list[str]]


def named(one: Named) -> str:
    return one.names[0] if one.names else next(t for t in SAMPLES if one.pattern.fullmatch(t))  # type: ignore[union-attr]


def amount(place: int) -> float:
    return 1234.25 + place


def number(value: float, decimals: int, layout: Layout, header: Header) -> str:
    """As the layout writes it; where it leaves that open, without marks that could be either."""
    thousands, decimal = convention(header.numbers or layout.numbers or "1234.5")
    text = f"{value:,.{decimals}f}"
    return text.replace(",", "T").replace(".", decimal).replace("T", thousands)


def cell(name: str, place: int, day: date, layout: Layout, header: Header) -> str:
    if name in AMOUNTS:
        return number(amount(place), 2, layout, header)
    if name in COUNTS:
        return number(1200 + place, 0, layout, header)
    if name in layout.keep:
        return layout.keep[name][0]
    if name in TEXTS:
        return TEXTS[name]
    if name in ("date", "start", "end", "created", "started", "period_start", "entered"):
        return day.strftime(AS_WRITTEN[header.dates or layout.dates])
    if BESIDE.get(name) is DATE or name.endswith("_date"):
        return ""
    if name in ("order", "lead_id", "customer"):
        return f"{name}{place}"
    return f"some {name}"


def sheet(layout: Layout, header: Header, first: date = date(2024, 1, 11)) -> Sheet:
    """Six days from the first on; of several columns of the day, only the one."""
    skipped = {"week", "month", "start", "end", "until"} if "date" in header.columns else set()
    names = {name: named(one) for name, one in header.columns.items() if name not in skipped}
    by_title: dict[str, str] = {}
    for name, theirs in names.items():
        by_title.setdefault(theirs, name)  # two of ours may be one of theirs
    titles, ours = list(by_title), list(by_title.values())
    for one in header.signature:
        if not any(title in one.names or _fits(one, title) for title in titles):
            titles.append(named(one))
            ours.append("")
    days = [first + timedelta(place) for place in range(6)]
    rows = [
        [cell(name, place, day, layout, header) for name in ours] for place, day in enumerate(days)
    ]
    return Sheet(titles, ours, rows)


def _fits(one: Named, title: str) -> bool:
    return bool(one.pattern and one.pattern.fullmatch(title))


def written(path: Path, made: Sheet, mark: str = ",", encoding: str = "utf-8") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=mark).writerows([made.header, *made.rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def read(layout: Layout, *paths: Path) -> Filling:
    tables = {table.name: table.columns for table in SCHEMAS[TEMPLATE[layout.table]].inputs}
    return read_files([Request(path) for path in paths], tables, LAYOUTS)


def columns(filling: Filling) -> dict[str, Any]:
    return {name: table.columns for name, table in filling.tables.items()}


def title(case: Any) -> str:
    return case.name if isinstance(case, Layout) else str(case.language)


every_layout = pytest.mark.parametrize(("layout", "header"), CASES, ids=title)


@every_layout
def test_what_was_written_is_read(layout: Layout, header: Header, tmp_path: Path) -> None:
    made = sheet(layout, header)
    filling = read(layout, written(tmp_path / "export.csv", made))
    (found,) = filling.tables.values()
    assert filling.notes[0].taken[0].startswith(layout.name)
    if layout.table == "Contracts":
        assert found.columns["mrr_new"] == [sum((1200 + n) * amount(n) for n in range(6))]
        return
    if layout.table in ("Months", "Spend"):
        for name in {*header.columns} & {"visits", "orders", "bounces", "pageviews"}:
            assert sum(found.columns[name]) == sum(1200 + n for n in range(6)), name
        return
    for name in ("cost", "clicks", "impressions", "revenue", "conversions"):
        if name in header.columns and layout.table == "Ads":
            each = amount if name in AMOUNTS else lambda n: 1200 + n
            assert sum(found.columns[name]) == sum(each(n) for n in range(6)), name
    if layout.table == "Leads":
        assert sum(found.columns["value"]) == sum(amount(n) for n in range(6))
    if layout.table == "Orders":
        times = (lambda n: 1200 + n) if "quantity" in header.columns else (lambda n: 1)
        assert sum(found.columns["amount"]) == sum(amount(n) * times(n) for n in range(6))
    days = found.columns["created" if layout.table == "Leads" else "date"]
    assert days == [date(2024, 1, 11) + timedelta(n) for n in range(6)]


def otherwise(folder: Path, made: Sheet) -> Iterator[Path]:
    """The same file with semicolons; in UTF-16, with a column more, shuffled; and with both."""
    yield written(folder / "semicolons.csv", made, ";")
    order = random.Random(7).sample(range(len(made.header) + 1), len(made.header) + 1)
    more = [[*made.header, "Another"], *([*row, "x"] for row in made.rows)]
    head, *rows = [[row[place] for place in order] for row in more]
    shuffled = Sheet(head, made.ours, rows)
    yield written(folder / "shuffled.csv", shuffled)
    yield written(folder / "tabs.csv", shuffled, "\t", "utf-16")


@every_layout
def test_it_says_the_same_however_it_is_written(
    layout: Layout, header: Header, tmp_path: Path
) -> None:
    made = sheet(layout, header)
    path = written(tmp_path / "export.csv", made)
    plain = columns(read(layout, path))
    for other in otherwise(tmp_path, made):
        assert columns(read(layout, other)) == plain, other.name
    assert columns(read(layout, path, path)) == plain, "twice"
    early = date(2024, 1, 1)  # twelve days that could be months
    found = read(layout, written(tmp_path / "early.csv", sheet(layout, header, early)))
    if layout.table not in ("Months", "Spend", "Contracts"):
        (table,) = found.tables.values()
        days = table.columns["created" if layout.table == "Leads" else "date"]
        assert days == [early + timedelta(n) for n in range(6)]


@every_layout
def test_what_cannot_be_added_is_refused(layout: Layout, header: Header, tmp_path: Path) -> None:
    made = sheet(layout, header)
    if "currency" in made.ours:
        place = made.ours.index("currency")
        rows = [[*row[:place], "USD" if n % 2 else "EUR", *row[place + 1 :]]
                for n, row in enumerate(made.rows)]  # fmt: skip
        with pytest.raises(SourceError, match="EUR and USD"):
            read(layout, written(tmp_path / "two.csv", made._replace(rows=rows)))
    if layout.table == "Ads" and "week" in header.columns:
        weeks = [named(header.columns["week"]) if n == "date" else t
                 for n, t in zip(made.ours, made.header, strict=True)]  # fmt: skip
        with pytest.raises(SourceError, match="a row a week"):
            read(layout, written(tmp_path / "weeks.csv", made._replace(header=weeks)))


@every_layout
def test_totals_are_no_rows_and_are_compared(
    layout: Layout, header: Header, tmp_path: Path
) -> None:
    totals = layout.totals
    if totals is None:
        return
    fits = [t for t in TOTALS if re.fullmatch(totals.pattern, t)]
    proving = [t for t in fits if not totals.proves or totals.proves.fullmatch(t)]
    if not proving:
        return
    made = sheet(layout, header)
    sums = {n: sum(amount(p) if n in AMOUNTS else 1200 + p for p in range(6))
            for n in made.ours if n in AMOUNTS | COUNTS}  # fmt: skip
    marked = totals.column or made.ours[0]

    def total(more: float) -> Path:
        row = [
            proving[0] if name == marked
            else number(sums[name] + more, 2 * (name in AMOUNTS), layout, header) if name in sums
            else ""
            for name in made.ours
        ]  # fmt: skip
        return written(tmp_path / "export.csv", made._replace(rows=[*made.rows, row]))

    plain = columns(read(layout, written(tmp_path / "plain.csv", made)))
    assert columns(read(layout, total(0))) == plain
    if marked not in sums:
        with pytest.raises(SourceError, match="rows are missing or were changed"):
            read(layout, total(100))
