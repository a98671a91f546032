"""Recognised exports: the figures that come out of vendors' files, and the refusals."""

import csv
import gzip
import io
import os
import random
import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from kpi_xl.workbook_templates import template

from kpi_xl.errors import NOT_COMPUTED
from kpi_xl.exports import (
    Filling,
    Options,
    Request,
    known_layouts,
    layouts_of,
    options_from,
    rates_of,
    read_files,
    read_files_apart,
)
from kpi_xl.exports import cells as cells_of_exports
from kpi_xl.exports.cells import dates
from kpi_xl.exports.pages import openers
from kpi_xl.locales import in_language
from kpi_xl.ooxml import limits
from kpi_xl.ooxml.addresses import area
from kpi_xl.ooxml.package import read_package
from kpi_xl.reports import layout
from kpi_xl.reports.loading import loaded
from kpi_xl.reports.records import OpenWorkbook, Place, Table
from kpi_xl.schema import SCHEMAS
from kpi_xl.sources import SourceError
from kpi_xl.sources.values import WITHOUT_VALUE
from kpi_xl.units import MONEY

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")

FILES = Path(__file__).parent / "exports"
LAYOUTS = known_layouts()


def filled(name: str, *files: Path | str, words: Options | None = None, **options: Any) -> Filling:
    """The tables of a template, filled from files."""
    tables = {table.name: table.columns for table in SCHEMAS[name].inputs}
    requests = [Request(FILES / file, "", words or Options()) for file in files]
    return read_files(requests, tables, LAYOUTS, **options)


def figures(name: str, filling: Filling) -> dict[str, Any]:
    """The named figures of the workbook that the tables make, by their names in small letters."""
    from kpi_xl.workbook_templates.building import build

    built = build(template(name), {t: found.columns for t, found in filling.tables.items()})
    found: dict[str, Any] = {}
    for (_, title), reference in read_package(built.content).names.items():
        sheet, _, cell = reference.rpartition("!")
        if ":" not in cell:
            place = area(sheet.strip("'"), cell.replace("$", ""))
            found[title] = built.values.get((place.sheet, place.top, place.left))
    return found


def truth() -> dict[tuple[str, str], list[tuple[str, str]]]:
    cases: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    with (FILES / "truth.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            cases[row["file"], row["template"]].append((row["name"], row["value"]))
    return cases


TRUTH = truth()


@pytest.mark.parametrize(("file", "name"), TRUTH, ids=[file for file, _ in TRUTH])
def test_figures_of_a_file_as_it_was_exported(file: str, name: str) -> None:
    wanted = TRUTH[file, name]
    if wanted[0][1] == "refused":
        with pytest.raises(SourceError):
            filled(name, file)
        return
    found = figures(name, filled(name, file))
    for figure, value in wanted:
        if "-" in value:
            serial = found[figure.lower()]
            day = date(1899, 12, 30) + timedelta(days=int(serial))
            assert day.isoformat() == value, figure
        else:
            assert found[figure.lower()] == pytest.approx(float(value)), figure


with (FILES / "as_written" / "sums.tsv").open(encoding="utf-8") as sums:
    SUMS = list(csv.DictReader(sums, delimiter="\t"))


@pytest.mark.parametrize("row", SUMS, ids=lambda row: f"{row['file']}, {row['column']}")
def test_sums_of_files_in_other_versions_and_containers(row: dict[str, str]) -> None:
    """Other languages, workbooks, archives, lines before the header; added up by hand."""
    filling = filled(row["template"], FILES / "as_written" / row["file"])
    cells = filling.tables[row["table"]].columns[row["column"]]
    total = sum(cell for cell in cells if cell is not None)
    assert total == pytest.approx(float(row["sum"]))


def test_mailings_beside_advertising_are_in_no_ratio_of_its_cost() -> None:
    """461 and 306 clicks are of 33,534 and 24,700 impressions; the 205 of mailings are of none.

    Meta's and Google's days without a purchase are blank: they cost money all the same.
    """
    ads = "google_ads_campaign_daily.csv", "meta_en.csv"
    beside = figures("campaigns", filled("campaigns", *ads, "mailchimp_campaigns.csv"))
    expected = {
        "Clicks": 461 + 306 + 205, "Revenue": 2042.4 + 1429.2 + 830.5,
        "ClickRate": 767 / 58234, "ClickCost": 1544.13 / 767, "ActionCost": 1544.13 / 25.75,
        "AdReturn": 3471.6 / 1544.13, "CostOfSales": 1544.13 / 3471.6,
        "Earned": 3471.6 * 0.4 - 1544.13, "ConversionRate": (25.75 + 21) / 972,
    }  # fmt: skip
    for name, value in expected.items():
        assert beside[name.lower()] == pytest.approx(value), name
    alone = figures("campaigns", filled("campaigns", *ads))
    for name in ("ClickRate", "ClickCost", "ActionCost", "AdReturn", "CostOfSales", "Earned"):
        assert beside[name.lower()] == alone[name.lower()], name


# The same file otherwise written, from another day, joined to another


MUTATED = (
    ("google_ads_campaign_daily.csv", "campaigns"), ("meta_de.csv", "campaigns"),
    ("linkedin.csv", "campaigns"), ("microsoft_ads.csv", "campaigns"),
    ("mailchimp_campaigns.csv", "campaigns"), ("shopify_orders.csv", "retention"),
    ("persian_orders.csv", "retention"), ("online_retail_ii.csv", "retention"),
    ("stripe_subscriptions.csv", "retention"), ("hubspot_contacts.csv", "funnel"),
    ("hubspot_deals.csv", "funnel"), ("hubspot_stage_history.csv", "funnel"),
    ("pipedrive_deals.csv", "funnel"), ("ga4_traffic_acquisition.csv", "scorecard"),
    ("as_written/paypal.csv", "retention"), ("as_written/ebay.csv", "retention"),
    ("as_written/squarespace.csv", "retention"),
)  # fmt: skip


def rows_of(file: str) -> list[list[str]]:
    content = (FILES / file).read_bytes()
    text = content.decode("utf-16" if content.startswith(b"\xff\xfe") else "utf-8-sig")
    mark = "\t" if "\t" in text else max(",;", key=text.count)
    return list(csv.reader(io.StringIO(text), delimiter=mark))


def written(path: Path, rows: list[list[str]], mark: str = ",", encoding: str = "utf-8") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=mark).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def data(filling: Filling) -> dict[str, Any]:
    return {name: table.columns for name, table in filling.tables.items()}


@pytest.mark.parametrize(("file", "name"), MUTATED)
def test_a_file_says_the_same_however_it_is_written(file: str, name: str, tmp_path: Path) -> None:
    rows = rows_of(file)
    head = next(number for number, row in enumerate(rows) if len(row) > 5)
    width = len(rows[head])
    order = random.Random(7).sample(range(width), width)
    data_rows = [row for row in rows[head:] if len(row) == width and row[0][:5] != "Total"]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "export.xlsx")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(FILES / file, f"folder/{file}")
    (tmp_path / "export.csv.gz").write_bytes(gzip.compress((FILES / file).read_bytes()))
    ways = [
        written(tmp_path / "tabs.csv", rows, "\t", "utf-16"),
        written(tmp_path / "semicolons.csv", rows, ";"),
        written(tmp_path / "more.csv", [
            [*row, "Another" if n == head else "x"] if len(row) == width else row
            for n, row in enumerate(rows)]),
        written(tmp_path / "joined.csv", rows + rows),
        tmp_path / "export.xlsx", tmp_path / "export.zip", tmp_path / "export.csv.gz",
    ]  # fmt: skip
    if file != "ga4_traffic_acquisition.csv":  # its total is known by its blank first cell
        shuffled = [[row[place] for place in order] for row in data_rows]
        ways.append(written(tmp_path / "shuffled.csv", shuffled))
    plain = data(filled(name, FILES / file))
    for path in ways:
        assert data(filled(name, path)) == plain, path.name
    assert data(filled(name, FILES / file, FILES / file)) == plain


def test_next_month_is_added_and_contradictions_are_refused(tmp_path: Path) -> None:
    rows = rows_of("google_ads_campaign_daily.csv")
    later = [[cell.replace("2024-01-", "2024-02-") for cell in row] for row in rows]
    both = filled(
        "campaigns",
        "google_ads_campaign_daily.csv",
        written(tmp_path / "feb.csv", later),
        written(tmp_path / "again.csv", rows[:5]),  # without totals: two rows of January
    )
    assert both.tables["Ads"].rows == 12
    assert sum(both.tables["Ads"].columns["cost"]) == pytest.approx(2 * 1288.82)
    assert both.notes[2].left == (
        "2 rows that another file has, too (cost 127.62, revenue 1,520.40)",
    )
    other = [row for row in rows if not row[0].startswith("Total")]
    other[3][8] = "99.00"
    with pytest.raises(SourceError, match=r"other\.csv has other values for 2024-01-01, .*google"):
        filled("campaigns", "google_ads_campaign_daily.csv", written(tmp_path / "other.csv", other))


def test_totals_that_do_not_agree_are_refused(tmp_path: Path) -> None:
    rows = rows_of("google_ads_campaign_daily.csv")
    cut = written(tmp_path / "cut.csv", [*rows[:5], *rows[6:]])
    with pytest.raises(SourceError, match=r'its total of "Cost" is 1,288.82, but the rows come'):
        filled("campaigns", cut)
    none = written(tmp_path / "none.csv", [row for row in rows if row[0][:5] != "Total"])
    assert data(filled("campaigns", none)) == data(
        filled("campaigns", "google_ads_campaign_daily.csv")
    )


def test_what_is_left_out_is_told_with_its_worth() -> None:
    (note,) = filled("retention", "shopify_orders.csv").notes
    assert note.lines()[0] == "Shopify, orders (English), 2024-01-05 to 2024-02-20, USD"
    assert note.lines()[2] == (
        "2 lines belong to the order above; 1 order voided (200.00); 1 order wholly refunded"
        " (50.00); 30.00 refunded"
    )
    (note,) = filled("campaigns", "google_ads_campaign_daily.csv").notes
    assert note.left == ("2 totals agree: 1,288.82",)


def test_it_is_told_in_the_users_language() -> None:
    (note,) = filled("retention", "shopify_orders.csv").notes
    tables = {table.name: table.columns for table in SCHEMAS["retention"].inputs}
    apart = read_files_apart([Request(FILES / "shopify_orders.csv")], tables, LAYOUTS)
    (sent,) = apart.notes
    assert sent == note
    assert sent.lines("zh-Hans") == (
        "Shopify, orders (English), 2024-01-05 至 2024-02-20, USD",
        "读取 7 行，成为表中 3 行",
        "2 行属于上面的订单; 1 个订单：voided（200.00）; 1 个订单：已全额退款（50.00）; 退款 30.00",
    )
    assert "заказов: 1, возвращены полностью (50.00)" in sent.remarks("ru")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("zh-Hans", ["：第 3 行，列“Cost”：“many”不是数字：请写成 1234.56，或将单元格留空",
                     "：第 3 行，列“Day”：“soon”不是日期：请写成 2024-01-31"]),
        ("ru", [": строка 3, столбец «Cost»: «many» — не число: запишите как 1234.56 или"
                " оставьте ячейку пустой",
                ": строка 3, столбец «Day»: «soon» — не дата: запишите как 2024-01-31"]),
        ("fa", [": ردیف 3، ستون «Cost»: «many» عدد نیست: آن را مانند 1234.56 بنویسید"
                " یا خانه را خالی بگذارید",
                ": ردیف 3، ستون «Day»: «soon» تاریخ نیست: آن را مانند 2024-01-31 بنویسید"]),
    ],
)  # fmt: skip
def test_refusals_are_told_in_the_users_language(
    language: str, told: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "ads.csv"
    path.write_text("Day,Campaign,Cost\n2024-01-02,A,1\nsoon,A,many\n")
    renamed = {"Day": "date", "Campaign": "campaign", "Cost": "cost"}
    tables = {table.name: table.columns for table in SCHEMAS["campaigns"].inputs}
    request = Request(path, "Ads", Options(renamed=renamed, set={"channel": "search"}))
    with pytest.raises(SourceError) as refused:
        read_files_apart([request], tables, LAYOUTS)
    said = in_language(refused.value, language).replace("\u2068", "").replace("\u2069", "")
    assert said.splitlines() == [f"{path}{fault}" for fault in told]


def test_currencies_are_converted_or_chosen(tmp_path: Path) -> None:
    file = "google_ads_two_currencies_clean.csv"
    rates = tmp_path / "rates.csv"
    rates.write_text("currency,rate,from\nJPY,0.005,2023-12-01\nJPY,0.006,2024-01-02\n")
    converted = filled("campaigns", file, rates=rates_of(rates), report_currency="EUR")
    # 100 + 15,000 x 0.005, and on the next day 100 + 15,000 x 0.006
    assert sum(converted.tables["Ads"].columns["cost"]) == pytest.approx(175 + 190)
    chosen = filled("campaigns", file, words=options_from([("where", "Currency code=EUR")]))
    assert sum(chosen.tables["Ads"].columns["cost"]) == 200
    with pytest.raises(SourceError, match="EUR and JPY"):
        filled("campaigns", file)
    with pytest.raises(SourceError, match="EUR and USD"):
        filled("campaigns", "meta_en.csv", tmp_path / "../" / _in_dollars(tmp_path))


def _in_dollars(folder: Path) -> Path:
    rows = rows_of("google_ads_campaign_daily.csv")
    return written(
        folder / "usd.csv", [[cell.replace("EUR", "USD") for cell in row] for row in rows]
    )


def test_amounts_of_two_currencies_in_a_row_are_refused(tmp_path: Path) -> None:
    """Cost in one and revenue in another: no ratio of the two is one."""
    path = tmp_path / "ads.csv"
    rows = "date,channel,campaign,cost,revenue\n2024-01-01,x,a,{},{}\n2024-01-02,x,b,$6,\n"
    for cost, revenue in (("$5", "€10"), ("5 zł", "10 Kč"), ("£5", "US$10")):
        path.write_text(rows.format(cost, revenue), encoding="utf-8")
        with pytest.raises(SourceError, match="mixes currencies, and they are never added up"):
            filled("campaigns", path)
    for cost, revenue in (("$5", "$10"), ("$5", "US$10"), ("5", "$10")):  # which $ is told
        path.write_text(rows.format(cost, revenue), encoding="utf-8")
        assert filled("campaigns", path).tables["Ads"].columns["revenue"] == [10.0, None]


def test_signs_that_contradict_the_currency_named_are_refused(tmp_path: Path) -> None:
    """What a header, a column of codes or the user names, against the cells themselves."""
    meta = "Campaign name,Day,Amount spent ({}),Impressions\na,2024-01-01,{},10\n"
    path = tmp_path / "ads.csv"
    for named, cost in (("EUR", "$5"), ("USD", "€5"), ("EUR", "5 zł")):
        path.write_text(meta.format(named, cost), encoding="utf-8")
        assert f", which are said to be in {named}: correct one" in refusal("campaigns", path)
    for named, cost in (("USD", "$5"), ("CAD", "$5"), ("EUR", "€5"), ("EUR", "5"), ("CNY", "¥5")):
        path.write_text(meta.format(named, cost), encoding="utf-8")
        assert column(filled("campaigns", path), "Ads", "cost") == [5.0]
    orders = WOO + "1,Completed,2024-01-01,a@x.com,EUR,€5\n"
    path.write_text(orders, encoding="utf-8")
    assert column(filled("retention", path), "Orders", "amount") == [5.0]
    path.write_text(orders + "2,Completed,2024-01-02,a@x.com,EUR,£5\n", encoding="utf-8")
    said = "has amounts with the sign £, which are said to be in EUR"
    assert said in refusal("retention", path)
    ours = "date,channel,campaign,impressions,clicks,conversions,cost,revenue,currency\n"
    path.write_text(ours + "2024-01-01,a,x,10,5,1,$5,3,EUR\n", encoding="utf-8")
    assert "the sign $, which are said to be in EUR" in refusal("campaigns", path)
    path.write_text(ours + "2024-01-01,a,x,10,5,1,$5,3,CAD\n", encoding="utf-8")
    assert column(filled("campaigns", path), "Ads", "cost") == [5.0]
    one = "2024-01-01,a,x,10,5,1,{},3,{}\n"
    for cost, named in (("RMB 5", "CNY"), ("Rs 5", "PKR"), ("£5", "EGP"), ("$5", "UYU"),
                        ("NIS 5", "ILS"), ("5 TTC", "EUR"), ("€5", "Euro"),
                        ("$5", "BRL"), ("5元", "TWD"), ("C$5", "NIO"), ("Fr. 5", "CHF"),
                        ("Dhs 5", "AED")):  # fmt: skip
        path.write_text(ours + one.format(cost, named), encoding="utf-8")
        assert column(filled("campaigns", path), "Ads", "cost") == [5.0]
    for cost, named in (
        ("£5", "PKR"),
        ("Rs 5", "EGP"),
        ("¥5", "EUR"),
        ("₹5", "PKR"),
        ("NGN 5", "USD"),
    ):
        path.write_text(ours + one.format(cost, named), encoding="utf-8")
        assert "which are said to be in" in refusal("campaigns", path)


def test_of_two_signs_of_one_currency_the_closer_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "ads.csv"
    ours = (
        "date,channel,campaign,impressions,clicks,conversions,cost,revenue\n2024-01-01,a,x,1,1,1,"
    )
    for cost, revenue, code in (
        ("Rs 5", "PKR 10", "PKR"),
        ("£5", "GBP 6", "GBP"),
        ("CAD 5", "$6", "CAD"),
    ):
        path.write_text(f"{ours}{cost},{revenue}\n", encoding="utf-8")
        assert filled("campaigns", path).currency == code


@pytest.mark.parametrize(
    ("template_name", "text", "refused"),
    [
        ("sales_team", "rep,week,sales\nA,2024-01-01,5\nB,,6\n", 'row 3, column "week"'),
        ("scorecard", "month,revenue,orders\n2024-01-01,5,1\n,6,1\n", 'row 3, column "month"'),
        (
            "scorecard",
            "date,channel,campaign,cost,impressions,clicks,conversions,revenue\n"
            "2024-01-01,a,x,5,1,1,1,3\n,b,x,6,1,1,1,3\n",
            'row 3, column "date"',
        ),
        (
            "unit_economics",
            "Campaign name,Impressions,Amount spent (EUR),Link clicks,Purchases,"
            "Purchases conversion value,Reporting starts,Reporting ends\n"
            "W,10,5.0,1,1,3.0,2024-01-01,2024-01-31\nX,10,6.0,1,1,3.0,,\n",
            'row 3, column "Reporting starts"',
        ),
        (
            "retention",
            "id,Customer ID,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),"
            "Start (UTC),Canceled At (UTC),Ended At (UTC)\n"
            "s1,c1,p,1,eur,month,100.00,active,2024-01-05 23:31,2024-01-05 23:31,,\n"
            "s2,,p,1,eur,month,50.00,active,2024-01-05 23:31,2024-01-05 23:31,,\n",
            'row 3, column "Customer ID"',
        ),
    ],
)
def test_rows_that_are_added_up_need_their_day_and_customer(
    tmp_path: Path, template_name: str, text: str, refused: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=f"{refused}: the cell is blank"):
        filled(template_name, path)


@pytest.mark.parametrize("total", ["Total,150,260", "Итого,150,260", "Grand total:,150,260"])
@pytest.mark.parametrize("more", ["", ",Total"])
def test_totals_of_a_table_with_its_months_side_by_side_are_no_channel(
    tmp_path: Path, total: str, more: str
) -> None:
    sums = [",300", ",110", ",410"] if more else ["", "", ""]
    lines = zip((f"channel,2024-01,2024-02{more}", "Google,100,200", "Meta,50,60", total),
                ("", *sums), strict=True)  # fmt: skip
    path = tmp_path / "spend.csv"
    path.write_text("\n".join(map("".join, lines)), encoding="utf-8")
    found = filled("unit_economics", path)
    spend = found.tables["Spend"].columns
    assert spend["channel"] == ["Google", "Meta"] * 2
    assert sum(spend["spend"]) == 100 + 50 + 200 + 60
    assert "1 line of totals left out" in found.notes[0].remarks("en")


@pytest.mark.parametrize(
    ("template_name", "text", "refused"),
    [
        ("unit_economics", "channel,2024-01,2024-02\nA,100,200\nB,1,2,3\n", "row 3 has 4 cells"),
        ("unit_economics", "channel,2024-01,2024-02\nA,100\nB,1\n", "row 2 has 2 cells"),
        ("scorecard", "month,metric,value\n2024-01,spend,5\nSource: us\n", "row 3 has 1 cells"),
    ],
)
def test_rows_of_another_width_are_told_where_a_table_is_turned(
    tmp_path: Path, template_name: str, text: str, refused: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=re.escape(f"{path}, {refused}, but 3 in its header")):
        filled(template_name, path)


def test_a_file_of_voided_orders_has_no_month(tmp_path: Path) -> None:
    text = (FILES / "shopify_orders.csv").read_text(encoding="utf-8-sig")
    path = tmp_path / "x.csv"
    path.write_text(re.sub("partially_refunded|refunded|paid", "voided", text), encoding="utf-8")
    with pytest.raises(SourceError, match=r"has no rows that count: .*voided"):
        filled("scorecard", path)


def test_net_of_tax_and_shipping() -> None:
    net = filled("retention", "shopify_orders.csv", words=options_from([("net", "")]))
    # 100 less 10 of shipping, 80 less 30 refunded, 65 less 5 of shipping
    assert net.tables["Orders"].columns["amount"] == [90.0, 50.0, 60.0]


def test_movements_of_subscriptions() -> None:
    """One at 100 from January on; one at 50 from January to February 6th."""
    columns = filled("retention", "stripe_subscriptions.csv").tables["Subscriptions"].columns
    assert columns["month"] == [date(2024, 1, 1), date(2024, 2, 1)]
    assert columns["customers_start"] == [0, 2]
    assert columns["customers_new"] == [2, 0]
    assert columns["customers_lost"] == [0, 1]
    assert columns["mrr_start"] == [0, 150]
    assert columns["mrr_new"] == [150, 0]
    assert columns["churned"] == [0, 50]


def test_deals_by_rep_and_week() -> None:
    columns = filled("sales_team", "crm_activities_deals.csv").tables["Weeks"].columns
    assert columns["rep"] == ["Kim", "Lee"]
    assert columns["week"] == [date(2024, 1, 1), date(2024, 1, 1)]
    assert columns["sales"] == [5000, 0]
    assert columns["deals"] == [1, 0]


def test_deals_that_nobody_can_tell_apart_are_no_leads(tmp_path: Path) -> None:
    """They would be no leads and yet customers: 5,000 of revenue from none."""
    with pytest.raises(SourceError) as refused:
        filled("funnel", "crm_activities_deals.csv")
    assert "no cell of lead_id, created under row 1; it has Owner, Close Date, Amount" in str(
        refused.value
    )
    assert "2 leads (8,000.00)" in str(refused.value)
    path = tmp_path / "deals.csv"
    text = (FILES / "crm_activities_deals.csv").read_text(encoding="utf-8").splitlines()
    lines = zip(text, ("Deal,Began", "d1,2024-01-01", "d2,2024-01-02"), strict=True)
    path.write_text("\n".join(map(",".join, lines)), encoding="utf-8")
    told = filled("funnel", path, words=Options(renamed={"Began": "created"}))
    assert told.tables["Leads"].columns["lead_id"] == ["d1", "d2"]
    assert told.tables["Leads"].columns["value"] == [5000, 3000]
    path.write_text("Owner,Close Date,Amount,Stage\nKim,,10,Proposal\n", encoding="utf-8")
    with pytest.raises(SourceError, match="has no days on which its deals were created"):
        filled("scorecard", path)


def test_mailings_are_no_spend() -> None:
    with pytest.raises(SourceError, match="has no cost, and a row of the table Spend says"):
        filled("funnel", "mailchimp_campaigns.csv")
    with pytest.raises(SourceError, match="has no cost, and a row of the table Spend says"):
        filled("unit_economics", "ga4_traffic_acquisition.csv")  # visits are of the funnel


def test_costs_and_revenue_of_rows_left_out_are_told_apart() -> None:
    words = options_from([("where", "Device=Computers")])
    told = filled("campaigns", "google_ads_device_clean.csv", words=words)
    remarks = "; ".join(told.notes[0].lines())
    assert "2 rows with another Device (Cost 10.50, Conv. value 80.00)" in remarks
    paid = filled(
        "funnel", "pipedrive_deals.csv", words=options_from([("where", "Deal - Status=Won")])
    )
    assert "2 leads with another Deal - Status (10,500.00)" in "; ".join(paid.notes[0].lines())


def summed(name: str, path: Path, column: str) -> tuple[float, str]:
    """What a column of the first table comes to, and what is told of its file."""
    told = filled(name, path)
    table = next(iter(told.tables.values()))
    return sum(cell or 0 for cell in table.columns[column]), "; ".join(told.notes[0].lines())


@pytest.mark.parametrize("word", ["Total", "Grand total", "TOTAL:", "Subtotal", "Summe", "Итого"])
@pytest.mark.parametrize(
    ("file", "name", "column", "known"),
    [
        ("meta_en.csv", "campaigns", "cost", 255.31),
        ("meta_en.csv", "funnel", "spend", 255.31),
        ("online_retail_ii.csv", "retention", "amount", 176.9),
        ("hubspot_deals.csv", "funnel", "value", 15500),
        ("stripe_subscriptions.csv", "retention", "mrr_new", 150),
        ("min_lost_without_sqo.csv", "funnel", "value", 15500),
        ("spend_wide_months.csv", "funnel", "spend", 5050),
    ],
)
def test_a_line_of_totals_is_no_row(
    file: str, name: str, column: str, known: float, word: str, tmp_path: Path
) -> None:
    """Also where the vendor's files have none, as exported: somebody has added one."""
    rows = list(csv.reader((FILES / file).read_text(encoding="utf-8-sig").splitlines()))
    cells = [[row[place] for row in rows[1:]] for place in range(len(rows[0]))]
    numbers = [
        sum(float(cell) for cell in column if cell)
        if all(re.fullmatch(r"-?\d*\.?\d+|", cell) for cell in column) and any(column)
        else ""
        for column in cells
    ]
    path = tmp_path / file
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([*rows, [word, *numbers[1:]]])
    value, told = summed(name, path, column)
    assert value == pytest.approx(known)
    assert "1 total agrees" in told or "1 line of totals left out" in told


@pytest.mark.parametrize("word", ["", "Grand total", "Total", "Summe"])
def test_totals_of_visits_as_google_analytics_heads_its_columns(word: str, tmp_path: Path) -> None:
    text = (FILES / "as_written" / "ga4.csv").read_text(encoding="utf-8").strip()
    path = tmp_path / "ga4.csv"
    for channel in ("Session primary channel group (Default Channel Group)", "Month"):
        by = text.replace("Session primary channel group (Default Channel Group)", channel)
        if channel == "Month":
            by = by.replace("Organic Search", "202401").replace("Direct", "202402")
        path.write_text(f"{by}\n{word},1100,700,0.64,60,5,5500,50,0.045,1000.5\n", encoding="utf-8")
        value, told = summed("scorecard", path, "visits")
        assert (value, "1 total agrees: 1,000.50" in told) == (1100, True)
    path.write_text(text, encoding="utf-8")
    spend = filled("funnel", path).tables["Spend"].columns
    assert dict(zip(spend["channel"], spend["visits"], strict=True)) == {
        "Organic Search": 800, "Direct": 300
    }  # fmt: skip


@pytest.mark.parametrize("word", ["Total", "Sum", "Summe", "Итого"])
def test_what_is_called_a_total_and_has_its_day_is_a_row(word: str, tmp_path: Path) -> None:
    """With figures that are those of all others, too, so that it could pass for their total."""
    path = tmp_path / "x.csv"
    meta = "Campaign name,{},Amount spent (EUR),Impressions\n{},{day},2,10\n{},{day},3,20\n"
    headers = "Day", "Reporting starts,Reporting ends"
    for header, day in zip(headers, ("2024-01-01", "2024-01-01,2024-01-31"), strict=True):
        of_month = "," in day
        lines = meta.format(header, "A", "B", day=day)
        for cost in (5, 7):
            path.write_text(f"{lines}{word},{day},{cost},30\n", encoding="utf-8")
            name, column = ("funnel", "spend") if of_month else ("campaigns", "cost")
            assert summed(name, path, column)[0] == 5 + cost
        path.write_text(f"{lines}{word},{day.translate(NO_DAYS)},5,30\n", encoding="utf-8")
        value, told = summed(name, path, column)
        assert (value, "1 total agrees: 5.00" in told) == (5, True)
    path.write_text("Campaign,Day,Currency code,Cost,Impr.,Clicks\n"
                    f"A,2024-01-01,EUR,5,1,1\n{word}: new,2024-01-01,EUR,5,1,1\n",
                    encoding="utf-8")  # fmt: skip
    assert summed("campaigns", path, "cost")[0] == 10


NO_DAYS = str.maketrans("", "", "0123456789-")


@pytest.mark.parametrize("name", ["", "Total", "Summe"])
def test_landing_pages_without_a_name_have_their_visits(name: str, tmp_path: Path) -> None:
    """Google Analytics leaves dimensions of a total blank: of a row with its month it is none."""
    path = tmp_path / "ga4.csv"
    lines = "Landing page,Month,Sessions,Engaged sessions\n/a,202401,10,5\n/b,202402,20,6\n"
    for visits, engaged in ((30, 11), (4, 1)):
        path.write_text(f"{lines}{name},202401,{visits},{engaged}\n", encoding="utf-8")
        assert summed("scorecard", path, "visits")[0] == 30 + visits
    path.write_text(f"{lines}{name},,30,11\n", encoding="utf-8")
    value, told = summed("scorecard", path, "visits")
    assert (value, "1 total agrees" in told) == (30, True)
    path.write_text(f"{lines}{name},,31,11\n", encoding="utf-8")
    with pytest.raises(SourceError, match="rows are missing or were changed"):
        filled("scorecard", path)


def test_where_rows_have_no_days_nobody_is_a_total(tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    for rep in ("Sum", "Total"):
        for header, words in (("rep,sales,visits", None),
                              ("Who,sales,visits", Options(renamed={"Who": "rep"}))):  # fmt: skip
            path.write_text(f"{header}\nKim,10,5\n{rep},10,5\n", encoding="utf-8")
            told = filled("sales_team", path, words=words).tables["Targets"].columns
            assert told["rep"] == ["Kim", rep]


def test_rows_without_a_day_are_in_no_month(tmp_path: Path) -> None:
    """A sum under a name that nobody knows, and a day that somebody has deleted."""
    meta = (FILES / "meta_en.csv").read_text(encoding="utf-8-sig").splitlines()
    header, row = meta[0].split(","), meta[1].split(",")
    undated = ["" if name in ("Day", "Reporting starts", "Reporting ends") else cell
               for name, cell in zip(header, row, strict=True)]  # fmt: skip
    path = tmp_path / "meta.csv"
    path.write_text("\n".join([*meta, ",".join(undated)]), encoding="utf-8")
    value, told = summed("campaigns", path, "cost")
    assert value == pytest.approx(255.31)
    assert "1 row without a date (Amount spent (EUR) " in told
    for name in ("funnel", "scorecard"):
        with pytest.raises(SourceError, match="the cell is blank, and every row needs its"):
            filled(name, path)
    # A draft of a mailing has neither a day nor anything that is counted.
    mails = (FILES / "mailchimp_campaigns.csv").read_text(encoding="utf-8")
    path.write_text(f"{mails.rstrip()}\nDraft of May{',' * 25}\n", encoding="utf-8")
    for name in ("campaigns", "scorecard"):
        assert "1 row without a date" in filled(name, path).notes[0].lines()


def test_refunds_with_a_minus_are_refunds(tmp_path: Path) -> None:
    orders = [
        f"{n},Completed,2024-01-0{n},a@x.com,EUR,100,{back}" for n, back in ((1, -20), (2, 0))
    ]
    path = tmp_path / "woo.csv"
    for sign in ("", "-"):
        rows = "\n".join(orders).replace("-20", f"{sign}20")
        path.write_text(f"{WOO.strip()},Order Refund Amount\n{rows}\n", encoding="utf-8")
        assert column(filled("retention", path), "Orders", "amount") == [80, 100]


def test_what_a_shop_has_still_to_pay_back_cancels_no_refund(tmp_path: Path) -> None:
    """Shopify writes it as an outstanding balance below 0."""
    text = (FILES / "shopify_orders.csv").read_text(encoding="utf-8")
    header, first, *_ = csv.reader(text.splitlines())
    row = dict(zip(header, first, strict=True))
    row |= {"Total": "80.00", "Refunded Amount": "30.00", "Outstanding Balance": "-30.00"}
    path = written(tmp_path / "shop.csv", [list(row), list(row.values())])
    assert column(filled("retention", path), "Orders", "amount") == [50.0]


def test_a_stage_may_have_its_pipeline_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    rows = [f"{n},d,{stage} (Sales Pipeline),2024-02-01,Kim,50,2024-01-0{n}"
            for n, stage in ((1, "Closed Won"), (2, "Closed lost"))]  # fmt: skip
    path.write_text("\n".join([DEALS.strip(), *rows]), encoding="utf-8")
    told = filled("funnel", path)
    assert [day is not None for day in column(told, "Leads", "won_date")] == [True, False]
    assert [day is not None for day in column(told, "Leads", "lost_date")] == [False, True]


def test_orders_without_an_amount_are_told(tmp_path: Path) -> None:
    path = tmp_path / "woo.csv"
    rows = "1,Completed,2024-01-01,a@x.com,EUR,\n2,Completed,2024-01-02,a@x.com,EUR,5\n"
    path.write_text(WOO + rows, encoding="utf-8")
    told = filled("retention", path)
    assert column(told, "Orders", "amount") == [None, 5.0]
    assert "1 row without an amount, which count" in "; ".join(told.notes[0].lines())


def test_subscriptions_that_are_over_or_not_paid(tmp_path: Path) -> None:
    """Canceled ones end, also where their last day is in another column; unpaid ones are out."""
    head = "id,Customer ID,Interval,Amount,Status,Start (UTC),Canceled At (UTC),Ended At (UTC)"
    rows = [
        "s1,a,month,10,canceled,2024-01-05,2024-02-20,",
        "s2,b,month,5,active,2024-01-05,,",
        "s3,c,month,7,active,2024-01-05,2024-02-20,",
        "s4,d,month,9,unpaid,2024-01-05,,",
        "s5,e,month,9,paused,2024-01-05,,",
    ]
    path = tmp_path / "stripe.csv"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    told = filled("retention", path)
    assert column(told, "Subscriptions", "churned")[1] == 10
    assert column(told, "Subscriptions", "mrr_new")[0] == 22
    assert "2 " in "; ".join(told.notes[0].lines())
    path.write_text("\n".join([head, rows[0].replace("2024-02-20", "")]), encoding="utf-8")
    assert "row 2: a subscription that is canceled, and has no day" in refusal("retention", path)


def test_subscriptions_that_nobody_left_may_lack_those_who_did(tmp_path: Path) -> None:
    """A list of those that run has no end of any, and would keep everybody for ever."""
    head = "id,Customer ID,Interval,Amount,Status,Start (UTC)"
    rows = "s1,a,month,10,active,2024-01-05{0}\ns2,b,month,5,active,2024-02-05{0}\n"
    path = text_file(tmp_path / "stripe.csv", f"{head}\n{rows.format('')}")
    for name in ("retention", "unit_economics"):
        assert "does not say when subscriptions ended" in refusal(name, path)
    path = text_file(tmp_path / "stripe.csv", f"{head},Ended At (UTC)\n{rows.format(',')}")
    assert "no subscription has ended: if" in "; ".join(filled("retention", path).notes[0].left)
    path = text_file(
        tmp_path / "stripe.csv", f"{head},Ended At (UTC)\n{rows.format(',2024-03-01')}"
    )
    assert "no subscription has ended" not in "; ".join(filled("retention", path).notes[0].left)


def test_months_are_no_days(tmp_path: Path) -> None:
    text = (FILES / "meta_en.csv").read_text(encoding="utf-8-sig")
    path = tmp_path / "meta.csv"
    for month in ("Jan 2024", "2024-01"):
        path.write_text(re.sub(r"2024-01-\d\d", month, text), encoding="utf-8")
        with pytest.raises(SourceError, match=f'"{month}" is a month, and a row a day is wanted'):
            filled("campaigns", path)


def test_spaces_of_any_kind_in_headers(tmp_path: Path) -> None:
    for file, name, column in (("meta_en.csv", "campaigns", "cost"),
                               ("spend_wide_months.csv", "funnel", "spend")):  # fmt: skip
        header, *rows = (FILES / file).read_text(encoding="utf-8-sig").splitlines()
        path = tmp_path / file
        path.write_text("\n".join([header.replace(" ", "\u00a0"), *rows]), encoding="utf-8")
        assert summed(name, path, column)[0] == summed(name, FILES / file, column)[0]


def test_long_and_wide_files_as_people_keep_them(tmp_path: Path) -> None:
    """A column without a name, a remark below the rows; a channel that is left blank, or twice."""
    path = tmp_path / "long.csv"
    long = (FILES / "scorecard_long.csv").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(f",{line}," for line in long), encoding="utf-8")
    assert filled("scorecard", path).tables["Months"].columns["revenue"] == [50000, 52000]
    path.write_text("\n".join([*long, "estimates"]), encoding="utf-8")
    with pytest.raises(SourceError, match="row 8 has 1 cells, but 3 in its header"):
        filled("scorecard", path)
    wide = (FILES / "spend_wide_months.csv").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*wide, "* estimates,,,", ",1,2,3"]), encoding="utf-8")
    with pytest.raises(SourceError, match="row 5 has no Channel: fill it in"):
        filled("funnel", path)
    path.write_text("\n".join([*wide, "* estimates,,,"]), encoding="utf-8")
    assert set(filled("funnel", path).tables["Spend"].columns["channel"]) == {"Search", "Social"}
    path.write_text("metric,Jan 2024,Feb 2024\nspend,1,2\nspend,3,4\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"has spend of Jan 2024 twice: which holds\?"):
        filled("scorecard", path)


def test_months_of_weeks_of_long_and_of_wide_files() -> None:
    with pytest.raises(SourceError, match=r"has visitors by the week.*--set visitors="):
        filled("scorecard", "scorecard_weekly.csv")  # who comes in two weeks is one visitor
    told = filled("scorecard", "scorecard_weekly.csv", words=options_from([("set", "visitors=")]))
    weekly = told.tables["Months"].columns
    assert weekly["spend"] == [5 * 2500, 2 * 2600]  # five Mondays in January
    assert weekly["visitors"] == [None, None]
    assert "1 week reaching into the next month" in "; ".join(told.notes[0].lines())
    long = filled("scorecard", "scorecard_long.csv").tables["Months"].columns
    assert long["revenue"] == [50000, 52000]
    assert long["new_customers"] == [40, 44]
    wide = filled("funnel", "spend_wide_months.csv").tables["Spend"].columns
    assert sum(wide["spend"]) == 1000 + 1100 + 1200 + 500 + 600 + 650
    assert set(wide["month"]) == {date(2024, month, 1) for month in (1, 2, 3)}
    sessions = filled("funnel", "ga4_traffic_acquisition.csv").tables["Spend"].columns
    assert dict(zip(sessions["channel"], sessions["visits"], strict=True)) == {
        "Organic Search": 800, "Paid Search": 400, "Direct": 300
    }  # fmt: skip


def test_files_of_one_shop_are_joined(tmp_path: Path) -> None:
    files = {
        "orders": "order_id,customer_id,order_status,order_purchase_timestamp\n"
                  "o1,c1,delivered,2017-10-02 10:56:33\no2,c2,canceled,2017-10-03 10:00:00\n"
                  "o3,c3,shipped,2017-11-03 10:00:00\n",
        "payments": "order_id,payment_sequential,payment_type,payment_installments,payment_value\n"
                    "o1,1,credit_card,1,18.12\no1,2,voucher,1,2.00\no2,1,boleto,1,5.00\n"
                    "o3,1,boleto,1,50.00\n",
        "customers": "customer_id,customer_unique_id\nc1,u1\nc2,u2\nc3,u1\n",
    }  # fmt: skip
    paths = []
    for name, text in files.items():
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_text(text)
    columns = filled("retention", *paths).tables["Orders"].columns
    assert columns["customer"] == ["u1", "u1"]
    assert columns["amount"] == [20.12, 50.0]
    with pytest.raises(SourceError, match="needs Olist, payments and Olist, customers"):
        filled("retention", paths[0])


# Vendors' headers, as EXPORTS names them

GERMAN = """Kampagnenbericht
1. Januar 2024 - 3. Januar 2024
Tag;Kampagne;Kampagnentyp;Währungscode;Impr.;Klicks;Kosten;Conversions;Conv.-Wert
01.01.2024;Brand;Suche;EUR;1.204;61;25,62;3,00;1.210,00
02.01.2024;Brand;Suche;EUR;990;48;1.019,68; --; --
Gesamt: Konto; --; --;EUR;2.194;109;1.045,30;3,00;1.210,00
"""
FRENCH = """Jour,Campagne,Code de la devise,Coût,Impr.,Clics,Conversions
2024-01-01,Marque,EUR,"25,62",1 204,61,"3,00"
2024-01-02,Marque,EUR,"19,68",990,48,"2,50"
Total : compte, --,EUR,"45,30",2 194,109,"5,50"
"""
YANDEX = """Отчёт по кампаниям;;;;;;
За период 13.01.2024 - 14.01.2024;;;;;;
Дата;Кампания;Показы;Клики;Расход (руб.);Конверсии;Доход
Всего;;2 204;109;1 045,30;5;2 000,00
13.01.2024;Поиск_Шкафы1;1 204;61;25,62;3;1 210,00
14.01.2024;Поиск_Шкафы1;1 000;48;1 019,68;2;790,00
"""
TAOBAO = """订单编号,买家会员名,买家应付货款,总金额,买家实际支付金额,订单状态,订单创建时间,宝贝标题
="1001",张三,100.00,110.00,110.00,交易成功,2024-01-05 10:00:00,杯子
="1002",李四,50.00,50.00,0.00,交易关闭,2024-01-06 10:00:00,碗
="1003",张三,80.00,80.00,80.00,卖家已发货,2024-01-07 10:00:00,盘子
"""
SALESFORCE = """\
Opportunity Name,Opportunity Owner,Amount,Amount Currency,Stage,Close Date,Created Date
Büro A,Kim,"5,000.00",EUR,Closed Won,2/13/2024,1/3/2024
B,Lee,"3,000.00",EUR,Closed Lost,2/10/2024,1/5/2024

Grand Totals (2 records)
Confidential Information - Do Not Distribute
"""


@pytest.mark.parametrize(
    ("text", "encoding", "name", "table", "column", "total"),
    [
        (GERMAN, "utf-8", "campaigns", "Ads", "cost", 1045.30),
        (GERMAN, "cp1252", "campaigns", "Ads", "cost", 1045.30),
        (FRENCH, "cp1252", "campaigns", "Ads", "cost", 45.30),
        (YANDEX, "cp1251", "campaigns", "Ads", "cost", 1045.30),
        (YANDEX, "utf-8", "campaigns", "Ads", "impressions", 2204),
        (TAOBAO, "gb18030", "retention", "Orders", "amount", 190.0),
        (SALESFORCE, "cp1252", "funnel", "Leads", "value", 8000.0),
    ],
)
def test_other_languages_and_encodings(
    text: str, encoding: str, name: str, table: str, column: str, total: float, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode(encoding))
    cells = filled(name, path).tables[table].columns[column]
    assert sum(cell for cell in cells if cell is not None) == pytest.approx(total)


# What the user says


def test_a_file_that_nobody_knows_can_be_told() -> None:
    dollars = "google_sheets_us_dates.csv"
    with pytest.raises(SourceError, match="--dates dmy or --dates mdy"):
        filled("retention", dollars)
    told = filled("retention", dollars, words=options_from([("dates", "mdy")]))
    assert told.tables["Orders"].columns["date"][0] == date(2024, 1, 5)
    merged = "excel_merged_headers.xlsx"
    for words in (None, *(options_from([("header", row)]) for row in ("3", "5"))):
        with pytest.raises(SourceError, match=r"is a title and no header.*say --header 4$"):
            filled("campaigns", merged, words=words)
    told = filled("campaigns", merged, words=options_from([("header", "4")]))
    assert sum(told.tables["Ads"].columns["impressions"]) == 1204 + 990
    assert told.tables["Ads"].columns["date"] == [date(2024, 1, 1), date(2024, 1, 2)]


def test_all_that_is_in_the_way_of_a_file_that_nobody_knows(tmp_path: Path) -> None:
    """Columns that are missing, cells that cannot be read, in our form and in any other."""
    path = tmp_path / "ads.csv"
    path.write_text(
        "date;campaign;channel;impressions;clicks;cost;note\n"
        "05.13.2024;a;Web;7;x;1,5;\n31.01.2024;a;Web;8;9;y;\n", encoding="utf-8"
    )  # fmt: skip
    with pytest.raises(SourceError) as refused:
        filled("campaigns", path)
    lines = str(refused.value).splitlines()
    told = ("no column conversions, revenue", 'column "clicks"', 'column "cost"', 'column "date"')
    assert [words in line for words, line in zip(told, lines, strict=True)] == [True] * 4


SEVERAL = ["rep,week,sales,visits,leads,deals,spend", "Kim,2024-01-01,5,1,2,1,3"]


@pytest.mark.parametrize(
    ("rows", "table"),
    [
        (SEVERAL, "Weeks"),
        (["rep,sales,visits", "Kim,5000,9"], "Targets"),
        (["rep,week,sales,visits,deals", "Kim,2024-01-01,5,1,2"], "Weeks"),
        (["rep,week,sales,visits,deals,mood", "Kim,2024-01-01,5,1,2,x"], "Targets or Weeks"),
    ],
)
def test_a_file_goes_to_the_one_table_that_it_fits(
    rows: list[str], table: str, tmp_path: Path
) -> None:
    """Also where it has all that another table must have, but more."""
    path = tmp_path / "file.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    if " or " in table:
        with pytest.raises(SourceError, match=f"may be the table {table}.*--table"):
            filled("sales_team", path)
        return
    assert list(filled("sales_team", path).tables) == [table]


def test_leads_of_a_crm_without_a_stage(tmp_path: Path) -> None:
    """Opportunities may be unknown; what other stages are missing is no column that is taken."""
    head = ["lead_id", "channel", "created", "mql_date", "sql_date", "won_date", "lost_date",
            "value", "city"]  # fmt: skip
    lead = ["1", "web", "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-10", "", "100", "Rome"]
    path = written(tmp_path / "leads.csv", [head, lead])
    filling = filled("funnel", path)
    assert "columns not used: city" in filling.notes[0].left
    assert data(filling)["Leads"]["sqo_date"] == [None]
    assert data(filling)["Leads"]["sql_date"] == [date(2026, 1, 3)]
    head[4] = "sqo_date"
    with pytest.raises(SourceError) as refused:
        filled("funnel", written(tmp_path / "leads.csv", [head, lead]))
    assert "has no column sql_date" in str(refused.value)
    assert "did you mean" not in str(refused.value)


def test_leads_with_numbers_are_named_by_them(tmp_path: Path) -> None:
    path = tmp_path / "leads.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["lead_id", "channel", "created", "mql_date", "sql_date", "sqo_date",
                           "won_date", "value"])  # fmt: skip
    sheet.write_row(1, 0, [4, "web", "2026-01-01", "", "", "", "2096-01-10", 100])
    book.close()
    with pytest.raises(SourceError, match="lead 4 has the won_date 2096-01-10"):
        filled("funnel", path)


def test_a_day_that_stands_for_none_is_no_day(tmp_path: Path) -> None:
    """Subscriptions without an end, in files of databases: they would count as future years."""
    path = tmp_path / "leads.csv"
    path.write_text("lead_id,channel,created,won_date\n1,web,01.02.2026,31.12.9999\n")
    with pytest.raises(
        SourceError, match=r'"31\.12\.9999" is what programs write for no day: leave'
    ):
        filled("funnel", path)


def test_hidden_rows_of_an_export_count_and_are_told(tmp_path: Path) -> None:
    path = tmp_path / "spend.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    rows = [["Month", "channel", "spend"], ["2025-01-01", "web", 1], ["2025-02-01", "web", 2]]
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    sheet.set_row(2, None, None, {"hidden": True})
    book.close()
    filling = filled("funnel", path)
    assert data(filling)["Spend"]["spend"] == [1.0, 2.0]
    assert "hidden in Excel, but counted: 1 row" in filling.notes[0].left


def test_a_column_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spend.csv"
    path.write_text("Month,channel,spend\n2025-01-01,x,1\n", encoding="utf-8")
    tables = {table.name: table.columns for table in SCHEMAS["funnel"].inputs}
    request = Request(path, "Spend", options_from([], {"Month": "moon"}))
    with pytest.raises(SourceError, match="moon, which is no column here"):
        read_files([request], tables, LAYOUTS)


@pytest.mark.parametrize(
    "header",
    [
        "Customer,customer,date,amount",
        "customer,customer,date,amount",
        "Customer ,cust_omer,date,amount",
        "customer,Date,date,amount",
    ],
)
def test_a_column_that_is_there_twice_is_refused(header: str, tmp_path: Path) -> None:
    """Which of them holds, nobody knows: neither with our own names nor with an option's."""
    path = tmp_path / "orders.csv"
    path.write_text(f"{header}\n1,2024-01-01,2024-01-02,5\n")
    for words in (None, Options(currency="EUR")):
        with pytest.raises(SourceError, match="more than one column"):
            filled("retention", path, words=words)


def test_what_is_packed_is_bounded_and_a_pipe_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "orders.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"customer,date,amount\n" + b"a,2024-01-01,5\n" * 200_000)
    monkeypatch.setattr(limits, "UNPACKED", 1 << 20)
    monkeypatch.setattr(limits, "RATIO", 10)
    with pytest.raises(SourceError, match="unpacks to more than 1 MB"):
        openers(path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.xlsx")
        with pytest.raises(SourceError, match="is a pipe, and no file"):
            openers(tmp_path / "pipe.xlsx")


def test_options_that_are_wrong_are_all_named() -> None:
    with pytest.raises(SourceError) as error:
        options_from([("header", "x"), ("dates", "dym"), ("numbers", "1,2,3"), ("sett", "a=b")])
    assert len(str(error.value).splitlines()) == 4


def test_a_layout_of_ones_own_goes_first(tmp_path: Path) -> None:
    own = """
name = "Our shop"
vendor = "Ours"
table = "Orders"
currency = "USD"
once = "order"
drop = {status = ["voided"]}
[[header]]
columns.order = "Name"
columns.customer = "Email"
columns.date = "Created at"
columns.amount = "Total"
columns.status = "Financial Status"
"""
    tables = {table.name: table.columns for table in SCHEMAS["retention"].inputs}
    layouts = [*layouts_of(own, str(tmp_path / "own.toml")), *LAYOUTS]
    found = read_files([Request(FILES / "shopify_orders.csv")], tables, layouts)
    assert found.notes[0].taken[0].startswith("Our shop")
    assert sum(found.tables["Orders"].columns["amount"]) == 100 + 50 + 80 + 65
    with pytest.raises(SourceError) as error:
        layouts_of('name = "X"\ntabel = "Orders"\ndates = "ydm"\n', "own.toml")
    assert len(str(error.value).splitlines()) == 5  # a sentence for each fault


def test_a_signature_may_be_a_single_header() -> None:
    text = 'name = "X"\nvendor = "X"\ntable = "Orders"\n[[header]]\nsignature = {}\n'
    text += 'columns = {{date = "Day", amount = "Sum"}}\n'
    one, several = (layouts_of(text.format(said), "x.toml") for said in ('"Sum"', '["Sum"]'))
    assert one == several
    assert one[0].headers[0].signature[0].names == ("sum",)


def test_every_layout_has_its_source_and_its_menus() -> None:
    for one in LAYOUTS:
        assert one.source.startswith("https://"), one.name
        assert set(one.menu) == {"en", "zh-Hans", "zh-Hant", "ru", "fa"}, one.name


# The sheet Sources


def sources(folder: Path, *rows: tuple[str, str, str]) -> OpenWorkbook:
    """A workbook of campaigns whose sheet Sources names files."""
    headers = tuple(column.name for column in SCHEMAS["campaigns"].inputs[0].columns)
    named = [[*row, None, None, None] for row in rows]
    listing = Table("Sources", Place("Sources", 8, 1), layout.SOURCE_COLUMNS, named, [])
    ads = Table("Ads", Place("Ads", 4, 1), headers, [[None] * len(headers)] * 2, [])
    return OpenWorkbook("en", folder, {"Sources": listing, "Ads": ads}, {})


def test_the_sheet_sources_takes_several_files_a_table_and_the_same_words(tmp_path: Path) -> None:
    google, meta = "google_ads_campaign_daily.csv", "meta_de.csv"
    for file in (google, meta):
        shutil.copy(FILES / file, tmp_path)
    book = sources(tmp_path, ("Ads", google, ""), ("Ads", meta, "--set channel=Social"))
    change = loaded(book, SCHEMAS["campaigns"].inputs, datetime(2024, 5, 1))
    assert change.message == "Loaded: Ads: 9 rows."
    blocks = {(block.place.sheet, block.place.row): block.rows for block in change.blocks}
    assert [row[3] for row in blocks["Ads", 5]][-1] == "Social"
    assert sum(row[6] for row in blocks["Ads", 5]) == pytest.approx(1288.82 + 225.81)
    stamps = {b.place: b.rows for b in change.blocks if b.place.sheet == "Sources"}
    assert stamps[Place("Sources", 9, 5)] == [[6.0]]
    assert stamps[Place("Sources", 10, 5)] == [[3.0]]
    assert "2 totals agree: 1,288.82" in str(stamps[Place("Sources", 9, 6)])
    wrong = sources(tmp_path, ("Ads", google, "--dates ydm"))
    change = loaded(wrong, SCHEMAS["campaigns"].inputs, datetime(2024, 5, 1))
    assert change.message == (
        "Nothing was loaded: --dates ydm: it is one of dmy, mdy, ymd, jalali, minguo, buddhist"
    )


LONG_IDS = st.lists(
    st.integers(10**15, 10**15 + 80) | st.integers(2**53 - 40, 2**53 + 40) | st.integers(1, 10**20),
    min_size=2,
    max_size=20,
    unique=True,
)


@settings(max_examples=25, deadline=None)
@given(LONG_IDS, st.sampled_from(["csv", "xlsx", "xlsx text"]))
def test_customers_and_orders_of_an_export_stay_different_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, ids: list[int], kind: str
) -> None:
    """As many of both as the file had before it was written, or a refusal; never fewer."""
    folder = tmp_path_factory.mktemp("ids")
    header = "InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country"
    rows = [[one, "A", "x", 1, "2024-01-02 10:00", 2.5, one, "UK"] for one in ids]
    if kind == "csv":
        path = folder / "x.csv"
        lines = [",".join(map(str, row)) for row in [header.split(), *rows]]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        path = folder / "x.xlsx"
        made = xlsxwriter.Workbook(path)
        sheet = made.add_worksheet()
        for number, row in enumerate([header.split(), *rows]):
            for place, cell in enumerate(row):
                text = isinstance(cell, str) or (kind == "xlsx text" and place in (0, 6))
                (sheet.write_string if text else sheet.write_number)(
                    number, place, str(cell) if text else cell
                )
        made.close()
    if kind == "xlsx" and any(float(one) >= 2**53 for one in ids):
        with pytest.raises(SourceError, match="too many digits to be told from others"):
            filled("retention", path)
        return
    orders = filled("retention", path).tables["Orders"].columns
    wanted = [float(one) if one < 10**15 else str(one) for one in ids]
    assert orders["customer"] == orders["order"] == wanted


def test_addresses_of_an_export_stay_as_they_are_written(tmp_path: Path) -> None:
    """The workbook merges them by its setting, or does not."""
    path = tmp_path / "x.csv"
    path.write_text("customer,date,amount\nAnn@x.com,2024-01-02,5\nann@x.com,2024-01-03,5\n")
    assert filled("retention", path).tables["Orders"].columns["customer"] == [
        "Ann@x.com", "ann@x.com",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "refused"),
    [
        (["2026-01-01", "2026-02-01"], "seems to have a row a month or more: all its dates"),
        (["2026-06-01", "2026-06-08"], ""),
    ],
)
def test_months_are_refused_where_weeks_are_wanted(
    tmp_path: Path, days: list[str], refused: str
) -> None:
    path = tmp_path / "x.csv"
    rows = [f"{rep},{day},4000,40,20,8,400" for day in days for rep in ("Ann", "Bob")]
    path.write_text("\n".join(["rep,week,sales,visits,leads,deals,spend", *rows]))
    tables = {table.name: table.columns for table in SCHEMAS["sales_team"].inputs}
    requests = [Request(path, "Weeks", Options())]
    if refused:
        with pytest.raises(SourceError, match=refused):
            read_files(requests, tables, LAYOUTS)
    else:
        assert read_files(requests, tables, LAYOUTS).tables["Weeks"].rows == 4


@pytest.mark.parametrize(
    ("days", "refused"),
    [
        (["2024-01-01", "2024-04-01"], "seems to have a row a month or more"),
        (["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22"], "seems to have a row a week"),
        (["2024-01-01", "2024-01-02", "2024-01-03"], ""),
    ],
)
def test_recognised_advertising_by_weeks_and_quarters_is_refused(
    tmp_path: Path, days: list[str], refused: str
) -> None:
    """A column that says when a row begins, and not what it is of."""
    header = "Start Date (in UTC),Account Name,Campaign Name,Campaign Group Name,Total Spent,"
    header += "Impressions,Clicks,Currency"
    path = tmp_path / "x.csv"
    rows = [f"{day},Us,Brand,All,5.00,100,9,EUR" for day in days]
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    if refused:
        with pytest.raises(SourceError, match=refused):
            filled("campaigns", path)
    else:
        filling = filled("campaigns", path)
        assert "LinkedIn" in str(filling.notes)
        assert filling.tables["Ads"].rows == len(days)


# What has two readings is asked, not guessed


WOO = "Order Number,Order Status,Order Date,Billing Email,Order Currency,Order Total\n"
GOOGLE = "Day,Campaign,Campaign type,Currency code,Impr.,Clicks,Cost,Conversions\n"
META = "Campaign name,Day,Amount spent (USD),Impressions,Link clicks,Results,Result type\n"
DEALS = "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Create Date\n"
STRIPE = (
    "id,Customer ID,Quantity,Currency,Interval,Amount,Status,Ended At (UTC),Start (UTC),"
    "Current Period Start (UTC)"
)


def noted(tmp_path: Path, text: str, name: str = "export.csv") -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def refusal(name: str, *files: Path, words: Options | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        filled(name, *files, words=words)
    return str(caught.value)


def column(filling: Filling, table: str, name: str) -> list[Any]:
    return filling.tables[table].columns[name]


def test_amounts_with_three_digits_after_each_point_are_asked(tmp_path: Path) -> None:
    orders = [
        f"{number},Completed,2024-01-0{number},a@x.com,EUR,{total}\n"
        for number, total in ((1, "1.234"), (2, "2.500"))
    ]
    path = noted(tmp_path, WOO + "".join(orders))
    assert refusal("retention", path) == (
        f'{path}, row 2, column "Order Total": "1.234" may be 1234 or 1.234: say how numbers are'
        ' written, as in --numbers "1.234,5" or "1,234.5"'
    )
    for numbers, amounts in (("1.234,5", [1234, 2500]), ("1,234.5", [1.234, 2.5])):
        told = filled("retention", path, words=Options(numbers=numbers))
        assert column(told, "Orders", "amount") == amounts
    # Nobody writes thousands with a zero before them, and thousands by a comma are the habit.
    for third, amounts in (("0.500", [1.234, 2.5, 0.5]), ('"1,250.75"', [1.234, 2.5, 1250.75])):
        path = noted(tmp_path, WOO + "".join(orders) + f"3,Completed,2024-01-03,a@x,EUR,{third}\n")
        assert column(filled("retention", path), "Orders", "amount") == amounts
    path = noted(tmp_path, WOO + '1,Completed,2024-01-01,a@x.com,EUR,"1,234"\n')
    assert column(filled("retention", path), "Orders", "amount") == [1234]


def test_a_count_has_no_three_decimals(tmp_path: Path) -> None:
    """1.204 impressions are 1,204, which makes a cost of 15.000 one of 15,000."""
    path = noted(tmp_path, GOOGLE + "2024-01-01,Brand,Search,IDR,1.204,100,15.000,3\n")
    filling = filled("campaigns", path)
    assert column(filling, "Ads", "impressions") == [1204]
    assert column(filling, "Ads", "cost") == [15000]
    path = noted(
        tmp_path,
        GOOGLE + "2024-01-01,Brand,Search,EUR,900,100,5,3\n"
        "2024-01-02,Brand,Search,EUR,1.204,100,12.50,3\n",
    )
    assert refusal("campaigns", path) == (
        f'{path}, row 3, column "Impr.": "1.204" has other marks than "12.50" in row 3, column'
        ' "Cost": write all numbers of the file in one way, or say which one is right, as in'
        ' --numbers "1.234,5" or "1,234.5"'
    )
    # Conversions are shared among clicks: a count with other decimals is none of thousands.
    path = noted(
        tmp_path,
        GOOGLE + "2024-01-01,Brand,Search,EUR,900,100,5.25,1.333\n"
        "2024-01-02,Brand,Search,EUR,900,100,12.50,0.5\n",
    )
    assert column(filled("campaigns", path), "Ads", "conversions") == [1.333, 0.5]


def test_files_of_which_one_has_a_column_of_the_key_more(tmp_path: Path) -> None:
    """A campaign of 100 impressions is its ad groups of 60 and 40: both files would make 200."""
    campaigns = noted(
        tmp_path, GOOGLE + "2024-01-01,Brand,Search,EUR,100,10,5.00,1\n", "campaigns.csv"
    )
    groups = noted(
        tmp_path,
        GOOGLE.replace("Campaign,", "Campaign,Ad group,", 1)
        + "2024-01-01,Brand,One,Search,EUR,60,6,3.00,1\n"
        + "2024-01-01,Brand,Two,Search,EUR,40,4,2.00,0\n",
        "groups.csv",
    )
    for first, second in ((campaigns, groups), (groups, campaigns)):
        assert refusal("campaigns", first, second) == (
            f"{second} and {first} both have 2024-01-01, Brand, Search, one with the ad_group, the"
            " other without, which would count twice: leave out one of the files, or the rows that"
            " are in both"
        )
    untyped = noted(
        tmp_path,
        "Day,Campaign,Currency code,Impr.,Clicks,Cost\n2024-01-01,Brand,EUR,100,10,5.00\n"
        "2024-01-02,Brand,EUR,70,7,4.00\n",
        "untyped.csv",
    )
    for first, second in ((campaigns, untyped), (untyped, campaigns)):
        filling = filled("campaigns", first, second)
        assert sorted(column(filling, "Ads", "cost")) == [4, 5]
        assert set(column(filling, "Ads", "channel")) == {"Search", None}
        assert column(filling, "Ads", "conversions").count(1) == 1
        assert "1 row that another file has, too" in filling.notes[1].remarks()


def test_results_of_several_kinds_are_no_conversions(tmp_path: Path) -> None:
    reach = "A,2024-01-01,10,1000,10,5000,Reach\n"
    bought = "B,2024-01-01,20,300,10,3,Website purchases\n"
    path = noted(tmp_path, META + reach + bought)
    assert "counts results of several kinds (Reach, Website purchases)" in refusal(
        "campaigns", path
    )
    assert '--where "Result type=Website purchases"' in refusal("campaigns", path)
    words = options_from([("where", "Result type=Website purchases")])
    assert column(filled("campaigns", path, words=words), "Ads", "conversions") == [3]
    words = options_from([("set", "conversions=")])
    assert column(filled("campaigns", path, words=words), "Ads", "conversions") == [None, None]
    path = noted(tmp_path, META + reach + "D,2024-01-01,10,1000,10,7,\n")
    assert "of several kinds (Reach, (blank))" in refusal("campaigns", path)
    path = noted(tmp_path, META + bought + "C,2024-01-01,5,9,1,,\n")
    assert column(filled("campaigns", path), "Ads", "conversions") == [3, None]
    filling = filled("campaigns", noted(tmp_path, META + reach))
    assert column(filling, "Ads", "conversions") == [None]
    assert filling.notes[0].left == ("Results counts Reach, which are no conversions",)


def test_stages_that_may_end_a_deal_are_asked(tmp_path: Path) -> None:
    rows = [
        f"{number},D,{stage},2024-02-05,Bob,700,2024-01-08\n"
        for number, stage in enumerate(
            ("Closed Won", "Gewonnen", "Abgeschlossen und verloren", "Won - Upsell", "Выиграна",
             "已输单", "Proposal"), start=1)
    ]  # fmt: skip
    told = refusal("funnel", noted(tmp_path, DEALS + "".join(rows)))
    assert 'row 3, column "Deal Stage": nobody knows whether deals with Gewonnen, ' in told
    assert "Abgeschlossen und verloren, Won - Upsell, Выиграна, 已输单 are won" in told
    assert "Proposal" not in told
    assert 'stages = {"Gewonnen" = "won_date"}' in told
    filling = filled("funnel", noted(tmp_path, DEALS + rows[0] + rows[-1]))
    assert column(filling, "Leads", "won_date") == [date(2024, 2, 5), None]


def test_deals_that_are_won_on_no_day_name_the_column(tmp_path: Path) -> None:
    path = noted(
        tmp_path,
        DEALS + "1,D,Proposal,,Bob,700,2024-01-08\n2,D,Closed Won,,Bob,700,2024-01-08\n",
    )
    assert refusal("funnel", path) == (
        f'{path}, row 3: its stage is won, but no date says when: fill in the column "Close Date",'
        ' or choose the rows that count, as in --where "Deal Stage=Proposal"'
    )
    path = noted(
        tmp_path,
        "Deal - ID,Deal - Status,Deal - Deal created,Deal - Won time\n1,Won,2024-01-05,\n",
    )
    assert 'fill in the column "Deal - Won time"' in refusal("funnel", path)


@pytest.mark.parametrize(
    ("end", "customers", "told"),
    [(None, 1, True), ("2024-04-05", 1, True), ("2024-02-05", 2, False)],
)
def test_a_subscription_in_trial_is_no_revenue(
    end: str | None, customers: int, told: bool, tmp_path: Path
) -> None:
    more, cell = ("", "") if end is None else (",Trial End (UTC)", f",{end}")
    path = noted(
        tmp_path,
        f"{STRIPE}{more}\n"
        f"s1,c1,1,eur,month,20.00,active,,2024-01-05,2024-03-05{',' * bool(end)}\n"
        f"s2,c2,1,eur,month,20.00,trialing,,2024-01-20,2024-01-20{cell}\n",
    )
    filling = filled("retention", path)
    assert sum(column(filling, "Subscriptions", "customers_new")) == customers
    assert sum(column(filling, "Subscriptions", "mrr_new")) == 20 * customers
    assert ("1 subscription in trial" in filling.notes[0].left) is told


PERIODS = (
    "id,Customer ID,Interval,Amount,Status,Ended At (UTC),Start (UTC),Current Period Start (UTC),"
    "Current Period End (UTC),Trial End (UTC),Coupon\n"
    "s1,a,month,30,active,,2024-01-31,2024-01-31,2024-04-30,,\n"  # a quarter
    "s2,b,month,120,active,,2024-01-31,2024-01-31,2025-01-31,,HALF\n"  # a year
    "s3,c,month,10,active,,2024-01-31,2024-01-31,2024-02-29,,\n"
    "s4,d,month,10,active,,2024-01-10,2024-01-10,2024-02-05,,\n"  # to the day of the others
    "s5,e,month,10,canceled,,2024-01-10,2024-01-10,2024-03-10,2024-03-10,\n"  # a trial
    "s6,f,year,240,active,,2024-01-10,2024-01-10,2026-01-10,,\n"
    "s7,g,month,10,active,,2024-03-11,2024-03-11,2024-04-11,,\n"
)


def test_what_is_paid_for_several_months_at_once_is_of_one(tmp_path: Path) -> None:
    """30 a quarter, 120 a year, 240 for two years are 10 a month each; of 10 after two months of
    trial, nothing is shared out.
    """
    path = text_file(tmp_path / "subscriptions.csv", PERIODS.replace("canceled", "active"))
    told = filled("retention", path)
    assert sum(column(told, "Subscriptions", "mrr_new")) == 7 * 10
    assert {
        "3 subscriptions paid for several intervals at once, as the current period tells",
        "1 subscription with a coupon, whose amounts are before what it takes off",
    } <= set(told.notes[0].left)


def test_subscriptions_by_the_week_are_named_with_what_to_do(tmp_path: Path) -> None:
    path = noted(
        tmp_path,
        f"{STRIPE}\ns1,c1,1,eur,week,20.00,active,,2024-01-05,2024-03-05\n"
        "s2,c2,1,eur,day,20.00,active,,2024-01-05,2024-03-05\n",
    )
    told = refusal("retention", path).splitlines()
    assert [line.split(":")[1] for line in told] == [" paid by the week", " paid by the day"]
    assert all('column "Interval"' in one and '--where "Interval=month"' in one for one in told)


def test_orders_without_a_customer_are_left_out_of_customers(tmp_path: Path) -> None:
    header = "Name,Email,Financial Status,Currency,Total,Created at,Outstanding Balance\n"
    path = noted(
        tmp_path,
        header + "#1,a@x.com,paid,EUR,100,2024-01-05,0\n#2,,paid,EUR,50,2024-01-06,0\n"
        "#3,b@x.com,partially_paid,EUR,80,2024-02-07,50\n",
    )
    filling = filled("retention", path)
    assert column(filling, "Orders", "customer") == ["a@x.com", "b@x.com"]
    assert column(filling, "Orders", "amount") == [100, 30]
    assert filling.notes[0].left == (
        "50.00 not yet paid", "1 order without a customer (50.00)",
    )  # fmt: skip
    # The months of a scorecard ask for no customer: what was sold was sold.
    assert sum(column(filled("scorecard", path), "Months", "revenue")) == 180


def test_cells_of_the_same_text_are_the_same_day() -> None:
    cells = ["2024-01-01", "2024-01-01 ", "20240101", 20240101.0, "", "2024-01-02"]
    first, second = date(2024, 1, 1), date(2024, 1, 2)
    read = dates({"date": cells})
    assert (read.columns["date"], read.faults) == ([*[first] * 4, None, second], [])


def test_a_formula_without_a_value_is_neither_a_number_nor_a_day() -> None:
    cells = {"column": [NOT_COMPUTED]}
    for read in (dates(cells), cells_of_exports.numbers(cells, {"column": MONEY})):
        assert [fault.sentence for fault in read.faults] == [WITHOUT_VALUE]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("45296", None),  # in Excel 2024-01-05
        ("240105", None),  # a day without its century
        ("20241", None),
        ("202401", date(2024, 1, 1)),
        ("2024-1", date(2024, 1, 1)),
        ("2024年1月", date(2024, 1, 1)),
        ("2024.01.05.", date(2024, 1, 5)),  # as Koreans and Hungarians write it
        ("2024. 1. 5.", date(2024, 1, 5)),
        ("2024.01.05.~2024.01.06.", None),
    ],
)
def test_digits_that_are_no_month_are_no_date(text: str, day: date | None) -> None:
    read = dates({"date": [text]})
    assert read.columns["date"] == [day]
    wrong = "is a number; as Excel counts days it is 2024-01-05" if text == "45296" else "is not a"
    assert [f'"{text}" {wrong}' in fault.sentence for fault in read.faults] == [True] * (not day)


# Files that look like a vendor's, columns that are not there, several files, options


GOOGLE_REPORT = (
    'Campaign report\n"January 1, 2024 - January 31, 2024"\n'
    "{grain},Campaign,Campaign type,Currency code,Impr.,Clicks,Cost,Conversions,Conv. value\n"
    '2024-01-01,Brand,Search,EUR,"1,900",90,"1,190.75",9.50,380.00\n'
    "2024-01-01,Shop,Shopping,EUR,500,20,30.00,1.00,50.00\n"
)


def text_file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def total(filling: Filling, table: str, column: str) -> float:
    return sum(cell for cell in filling.tables[table].columns[column] if cell is not None)


def said(**words: Any) -> Options:
    return options_from(list(words.items()))


def test_advertising_by_the_month_is_spend(tmp_path: Path) -> None:
    file = text_file(tmp_path / "months.csv", GOOGLE_REPORT.format(grain="Month"))
    assert total(filled("funnel", file), "Spend", "spend") == pytest.approx(1220.75)
    assert total(filled("scorecard", file), "Months", "ad_spend") == pytest.approx(1220.75)
    with pytest.raises(SourceError, match="a row a month"):
        filled("campaigns", file)


@pytest.mark.parametrize(
    "header",
    [
        "Day,Channel,Campaign,Spend,Clicks,Average CPC,Impressions,Conversions,Revenue",
        "Date,Channel,Campaign name,Amount spent,Link clicks,CPC,Impressions,Purchases,Value",
    ],
)
def test_a_column_of_channels_goes_before_what_a_vendor_is_called(
    header: str, tmp_path: Path
) -> None:
    rows = "2024-01-01,Search,Brand,100,20,5,900,2,50\n2024-01-02,Social,New,200,30,6,900,2,50\n"
    file = text_file(tmp_path / "own.csv", f"{header}\n{rows}")
    cells = filled("campaigns", file).tables["Ads"].columns
    assert cells["channel"] == ["Search", "Social"]
    assert filled("campaigns", file, words=said(set="channel=paid")).tables["Ads"].columns[
        "channel"
    ] == ["paid", "paid"]


def test_a_list_of_spend_by_month_is_of_no_vendor(tmp_path: Path) -> None:
    file = text_file(tmp_path / "own.csv", "Month,Campaign,Spend\n2024-01,Brand,100\n")
    with pytest.raises(SourceError, match="has no column channel"):
        filled("funnel", file)


def test_clicks_of_unpaid_searches_are_none_of_advertising(tmp_path: Path) -> None:
    text = "Date,Clicks,Impressions,CTR,Position\n2024-01-01,10,1000,1%,8.1\n"
    with pytest.raises(SourceError, match="unpaid clicks"):
        filled("scorecard", text_file(tmp_path / "Dates.csv", text))


def test_years_of_two_digits_may_stand_first(tmp_path: Path) -> None:
    text = "customer,date,amount\na,24-01-05,10\nb,24-01-07,20\nc,24-02-08,30\n"
    file = text_file(tmp_path / "orders.csv", text)
    with pytest.raises(SourceError, match=r"may be 2005-01-24 or 2024-01-05.*--dates ymd"):
        filled("retention", file)
    days = filled("retention", file, words=said(dates="ymd")).tables["Orders"].columns["date"]
    assert days == [date(2024, 1, 5), date(2024, 1, 7), date(2024, 2, 8)]
    alone = "customer,date,amount\na,{},10\n"
    for day, others in (("24-01-05", "2005-01-24 or 2024-01-05"),
                        ("13/01/24", "2024-01-13 or 2013-01-24")):  # fmt: skip
        with pytest.raises(SourceError, match=rf"may be {others}.*--dates ymd"):
            filled("retention", text_file(tmp_path / "alone.csv", alone.format(day)))
    only = filled("retention", text_file(tmp_path / "alone.csv", alone.format("31/12/24")))
    assert only.tables["Orders"].columns["date"] == [date(2024, 12, 31)]  # not 2031
    days = filled("retention", file, words=said(dates="dmy")).tables["Orders"].columns["date"]
    assert days == [date(2005, 1, 24), date(2007, 1, 24), date(2008, 2, 24)]
    text = "customer,date,amount\na,25/12/24,10\nb,26/12/24,20\nc,03/01/25,30\n"
    days = filled("retention", text_file(file, text)).tables["Orders"].columns["date"]
    assert days == [date(2024, 12, 25), date(2024, 12, 26), date(2025, 1, 3)]
    with pytest.raises(SourceError, match="in another order"):
        filled("retention", text_file(file, text.replace("/25,", "/2025,")),
               words=said(dates="ymd"))  # fmt: skip
    with pytest.raises(SourceError, match="write the date as"):
        filled("retention", file, words=said(set="date=05/01/2024"))


def test_columns_that_the_user_names_are_columns(tmp_path: Path) -> None:
    file = text_file(tmp_path / "days.csv", GOOGLE_REPORT.format(grain="Day"))
    with pytest.raises(SourceError, match='cannot have "Meta" for chanel, which is no column'):
        filled("campaigns", file, words=said(set="chanel=Meta"))
    with pytest.raises(SourceError, match='cannot have "Campaign" for chanel'):
        filled("campaigns", file, words=options_from([], {"Campaign": "chanel"}))
    told = filled("campaigns", file, words=said(set="Channel=Meta"))
    assert told.tables["Ads"].columns["channel"] == ["Meta", "Meta"]
    told = filled("campaigns", file, words=options_from([], {"Conv. value": "Cost"}))
    assert total(told, "Ads", "cost") == pytest.approx(430)
    with pytest.raises(SourceError, match="has no row 99"):
        filled("campaigns", file, words=said(header="99"))


def test_a_column_of_amounts_after_refunds_has_them_taken_off_no_more(tmp_path: Path) -> None:
    """100 and 80 - 30; what was wholly refunded is no order. Before refunds it is 100 + 80 - 30."""
    header = "Name,Email,Financial Status,Created at,Subtotal,Taxes,Total,Refunded Amount,Net\n"
    rows = (
        "#1,a@x.com,paid,2024-01-05 10:00:00 +0000,90,10,100,0,100\n"
        "#2,b@x.com,partially_refunded,2024-01-06 10:00:00 +0000,72,8,80,30,50\n"
        "#3,c@x.com,refunded,2024-01-07 10:00:00 +0000,36,4,40,40,0\n"
    )
    file = text_file(tmp_path / "orders.csv", header + rows)
    net = options_from([], {"Net": "amount"})
    told = filled("retention", file, words=net)
    assert told.tables["Orders"].columns["amount"] == [100, 50]
    assert "without taking off 30.00 refunded" in "; ".join(told.notes[0].lines())
    for named in ({"Total": "amount"}, {}):
        told = filled("retention", file, words=options_from([], named))
        assert told.tables["Orders"].columns["amount"] == [100, 50]
    for ours in ("amount", "total"):  # more than the refund left of the order: it is before it
        told = filled("retention", file, words=options_from([], {"Subtotal": ours}))
        assert told.tables["Orders"].columns["amount"] == [90, 42]
    with pytest.raises(SourceError, match="leave out --net"):
        filled("retention", file, words=options_from([("net", "")], {"Net": "amount"}))
    items = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country,Worth\n"
    line = "1,A,Mug,2,2024-01-05,10,7,DE,19\n"
    file = text_file(tmp_path / "items.csv", items + line)
    told = filled("retention", file, words=options_from([], {"Worth": "amount"}))
    assert told.tables["Orders"].columns["amount"] == [19]


def test_orders_without_a_status_all_count_and_it_is_told(tmp_path: Path) -> None:
    rows = [row[:-1] for row in rows_of("persian_orders.csv")]
    told = filled("retention", written(tmp_path / "orders.csv", rows))
    assert told.tables["Orders"].rows == len(rows) - 1
    assert "no column of status: all 3 orders count" in "; ".join(told.notes[0].lines())


def test_a_column_of_amounts_that_the_user_names_is_what_orders_came_to() -> None:
    """Subtotals 110 + 90 + 50; 30 of them went back, as in the file's Refunded Amount."""
    named = options_from([], {"Subtotal": "amount"})
    rows = rows_of("shopify_orders.csv")
    subtotal, name = rows[0].index("Subtotal"), rows[0].index("Name")
    kept = {row[name]: row[subtotal] for row in rows[1:] if row[subtotal]}
    wanted = sum(float(kept[one]) for one in ("#1001", "#1003", "#1005")) - 30
    told = filled("retention", "shopify_orders.csv", words=named)
    assert total(told, "Orders", "amount") == pytest.approx(wanted)
    with pytest.raises(SourceError, match="is no column here"):
        filled("retention", "shopify_orders.csv", words=said(set="total=5"))


def test_a_currency_that_is_said_is_that_of_files_which_do_not_say_it(tmp_path: Path) -> None:
    euros = text_file(tmp_path / "google.csv", GOOGLE_REPORT.format(grain="Day"))
    own = "date,campaign,channel,clicks,cost,conversions,revenue\n2024-01-01,X,Social,10,100,1,10\n"
    unsaid = text_file(tmp_path / "own.csv", own)
    with pytest.raises(SourceError, match="sign EUR, which are said to be in USD"):
        filled("campaigns", euros, words=said(currency="usd"))
    with pytest.raises(SourceError, match="sign EUR, which are said to be in USD"):
        filled("campaigns", euros, unsaid, words=said(currency="USD"))
    rates = text_file(tmp_path / "rates.csv", "currency,rate\nUSD,0.5\n")
    both = filled("campaigns", euros, unsaid, words=said(currency="USD"), rates=rates_of(rates),
                  report_currency="EUR")  # fmt: skip
    assert total(both, "Ads", "cost") == pytest.approx(1220.75 + 50)
    assert filled("campaigns", euros, words=said(currency="€")).currency == "EUR"
    for word in ("euros", "12"):
        with pytest.raises(SourceError, match="its code of three letters"):
            said(currency=word)


HUBSPOT_CONTACTS = (
    "Record ID,Create Date,Original Source,Contact owner,Lifecycle Stage,"
    "Became a Marketing Qualified Lead Date,Became a Customer Date\n"
    "101,2024-01-03,Organic Search,Bo,customer,2024-01-04,2024-02-03\n"
    "102,2024-01-05,Paid Search,Bo,lead,,\n"
)
HUBSPOT_DEALS = (
    "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Create Date\n"
    "9001,Ann,Closed Won,2024-02-03,Bo,5000,2024-01-10\n"
)


def test_contacts_are_no_opportunities_and_no_deals(tmp_path: Path) -> None:
    contacts = text_file(tmp_path / "contacts.csv", HUBSPOT_CONTACTS)
    deals = text_file(tmp_path / "deals.csv", HUBSPOT_DEALS)
    assert filled("funnel", contacts).tables["Leads"].columns["sqo_date"] == [None, None]
    assert filled("funnel", deals).tables["Leads"].columns["sqo_date"] == [date(2024, 1, 10)]
    with pytest.raises(SourceError, match=r"HubSpot, deals.*HubSpot, contacts.*count twice"):
        filled("funnel", contacts, deals)


@pytest.mark.parametrize(
    "header",
    [
        "Opportunity ID,Opportunity Name,Product Name,Amount,Stage,Close Date,Created Date",
        "Deal ID,Owner,Product,Amount,Stage,Close Date,Created Date",
    ],
)
def test_a_deal_with_a_line_a_product_counts_once(header: str, tmp_path: Path) -> None:
    rows = (
        "0061,Acme,Gold,1000,Closed Won,2024-02-13,2024-01-13\n"
        "0061,Acme,Silver,1000,Closed Won,2024-02-13,2024-01-13\n"
        "0062,Acme,Gold,1000,Closed Won,2024-02-13,2024-01-13\n"
    )
    told = filled("funnel", text_file(tmp_path / "deals.csv", f"{header}\n{rows}"))
    assert told.tables["Leads"].rows == 2
    assert total(told, "Leads", "value") == 2000


def test_deals_without_their_number_name_the_column_that_has_it(tmp_path: Path) -> None:
    header = "Opportunity Name,Opportunity Owner,Amount,Stage,Close Date,Created Date\n"
    deal = "Acme,Bo,100,Closed Won,2024-02-03,2024-01-05\n"
    again = deal.replace("2024-02", "2024-03")  # a renewal, or a change
    for name in ("funnel", "sales_team"):
        with pytest.raises(SourceError, match="if they are two deals, export opportunity id, too"):
            filled(name, *files_of(tmp_path, header + deal, header + again))
        numbered = [f"Opportunity ID,{header}006{n},{one}" for n, one in enumerate((deal, again))]
        assert filled(name, *files_of(tmp_path, *numbered)).tables
        told = filled(name, *files_of(tmp_path, header + deal + deal)).notes[0].remarks()
        assert "1 lead alike in all columns to others, and counted, too" in told
        assert "export opportunity id (100.00)" in told


def without(file: str, header: str, path: Path) -> Path:
    rows = rows_of(file)
    place = rows[0].index(header)
    return written(path, [row[:place] + row[place + 1 :] for row in rows])


def test_columns_without_which_figures_are_wrong_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "less.csv"
    unknown = r'row 4, column "Financial Status": it is refunded, and no column .*\(2 orders\)'
    with pytest.raises(SourceError, match=unknown):
        filled("retention", without("shopify_orders.csv", "Refunded Amount", path))
    paid = said(where="Financial Status=paid")
    assert total(filled("retention", path, words=paid), "Orders", "amount") == 215 - (80 - 30)
    with pytest.raises(SourceError, match="has no column customer in row 1"):
        filled("retention", without("shopify_orders.csv", "Email", path))
    months = filled("scorecard", path)
    assert total(months, "Months", "revenue") == 215
    with pytest.raises(SourceError, match="stage is won, but no date says when"):
        filled("funnel", without("pipedrive_deals.csv", "Deal - Won time", path))
    with pytest.raises(SourceError, match="stage is lost, but no date says when"):
        filled("funnel", without("pipedrive_deals.csv", "Deal - Lost time", path))


def test_amounts_and_refunds_of_stripe_are_in_one_currency(tmp_path: Path) -> None:
    header = "id,Created date (UTC),Amount,Amount Refunded,Currency,Converted Amount,"
    rows = "ch_1,2024-01-05,100.00,0.00,usd,90.00,{}Paid,cus_1\n" \
           "ch_2,2024-01-06,50.00,25.00,usd,45.00,{}Paid,cus_2\n"  # fmt: skip
    path = tmp_path / "stripe.csv"
    text = header + "Converted Currency,Status,Customer ID\n" + rows.format("eur,", "eur,")
    told = filled("retention", text_file(path, text))
    assert (total(told, "Orders", "amount"), told.currency) == (125, "USD")
    whole = header + "Converted Amount Refunded,Converted Currency,Status,Customer ID\n"
    told = filled("retention", text_file(path, whole + rows.format("0,eur,", "22.5,eur,")))
    assert (total(told, "Orders", "amount"), told.currency) == (112.5, "EUR")


def test_what_lasts_until_midnight_is_a_day(tmp_path: Path) -> None:
    """Snapchat's rows have a start and an end; a month of them is no day."""
    header = "Start time,End time,Campaign Name,Currency,Amount Spent,Paid Impressions,Swipe Ups\n"
    path = tmp_path / "snapchat.csv"
    text = header + "2024-01-01 00:00:00,{} 00:00:00,A,USD,10.5,100,5\n"
    cells = filled("campaigns", text_file(path, text.format("2024-01-02"))).tables["Ads"].columns
    assert (cells["date"], cells["cost"]) == ([date(2024, 1, 1)], [10.5])
    with pytest.raises(SourceError, match="row 2 is of 2024-01-01 to 2024-01-31"):
        filled("campaigns", text_file(path, text.format("2024-02-01")))
    # Of rows of two days each, the second would be in two of them.
    row = "{},{},A,USD,10.5,100,5\n"
    first, second = row.format("2024-01-01", "2024-01-02"), row.format("2024-01-02", "2024-01-03")
    cells = filled("campaigns", text_file(path, header + first + second)).tables["Ads"].columns
    assert cells["date"] == [date(2024, 1, 1), date(2024, 1, 2)]
    third = row.format("2024-01-03", "2024-01-04")
    days = options_from([], {"Start time": "day"})
    for rows in (first, first + third):
        with pytest.raises(SourceError, match=r'of 2024-01-01 to 2024-01-02.*"Start time=day"'):
            filled("campaigns", text_file(path, header + rows))
        assert total(filled("campaigns", path, words=days), "Ads", "cost") == 10.5 * rows.count("A")
    text_file(path, header.replace("End time", "Budget") + first)
    with pytest.raises(SourceError, match=r'when its rows end.*"Start time=day"'):
        filled("campaigns", path)
    told = filled("campaigns", path, words=days).tables["Ads"].columns
    assert (told["date"], told["cost"]) == ([date(2024, 1, 1)], [10.5])


def test_a_whole_period_on_its_first_day_is_no_day(tmp_path: Path) -> None:
    """LinkedIn by month: its lines above the header say how long the one day is."""
    text = (
        "Campaign Performance Report (in UTC)\n"
        '"Report Start: January 1, 2024, 12:00 AM"\n"Report End: January {}, 2024, 11:59 PM"\n\n'
        "Start Date (in UTC)\tCurrency\tCampaign Name\tCampaign ID\tTotal Spent\tClicks\n"
        "1/1/2024\tEUR\tA\t1\t100.50\t10\n1/1/2024\tEUR\tB\t2\t50.25\t5\n"
    )
    path = tmp_path / "linkedin.csv"
    with pytest.raises(SourceError, match="is of 2024-01-01 to 2024-01-31 as a whole"):
        filled("campaigns", text_file(path, text.format(31)))
    assert total(filled("campaigns", text_file(path, text.format(1))), "Ads", "cost") == 150.75
    assert total(filled("funnel", text_file(path, text.format(31))), "Spend", "spend") == 150.75


def test_costs_of_a_manager_account_in_one_currency(tmp_path: Path) -> None:
    header = "Day,Campaign,Campaign type,Currency code,Converted currency code,Clicks,{}\n"
    rows = "2024-01-01,A,Search,USD,EUR,5,10.50\n2024-01-01,B,Search,GBP,EUR,5,11.50\n"
    path = tmp_path / "google.csv"
    told = filled("campaigns", text_file(path, header.format("Cost (Converted currency)") + rows))
    assert (total(told, "Ads", "cost"), told.currency) == (22, "EUR")
    with pytest.raises(SourceError, match="GBP and USD"):
        filled("campaigns", text_file(path, header.format("Cost") + rows))


def test_an_exploration_of_google_analytics_has_its_period_in_one_line(tmp_path: Path) -> None:
    text = (
        "# ----\n# Free form 1\n# Shop - GA4\n# 20240101-20240131\n# ----\n\n"
        "Session default channel group,Sessions,Engaged sessions\n"
        ",1500,900,Grand total\nOrganic Search,1000,600\nDirect,500,300\n"
    )
    cells = filled("scorecard", text_file(tmp_path / "ga4.csv", text)).tables["Months"].columns
    assert (cells["month"], cells["visits"]) == ([date(2024, 1, 1)], [1500])


def test_an_order_that_was_refunded_later_is_a_contradiction(tmp_path: Path) -> None:
    header = "Name,Email,Financial Status,Currency,Total,Created at,Refunded Amount\n"
    rows = "1001,a@x.com,{},USD,99.00,2024-02-05,{}\n1002,b@x.com,paid,USD,10.00,2024-02-06,0\n"
    first = text_file(tmp_path / "first.csv", header + rows.format("paid", 0))
    later = text_file(tmp_path / "later.csv", header + rows.format("refunded", 99))
    for files in ((first, later), (later, first)):
        with pytest.raises(SourceError, match="has 1001 as one that does not count"):
            filled("retention", *files)
    assert total(filled("retention", later), "Orders", "amount") == 10
    # The numbers of another shop are others.
    woo = "Order ID,Order Date,Order Status,Billing Email,Order Total,Order Currency\n"
    other = text_file(tmp_path / "woo.csv", f"{woo}1001,2024-01-05,Cancelled,c@x.com,5,USD\n"
                      "1003,2024-01-05,Completed,c@x.com,5,USD\n")  # fmt: skip
    assert total(filled("retention", first, other), "Orders", "amount") == 114


def test_orders_with_and_without_their_numbers_are_the_same_orders(tmp_path: Path) -> None:
    rows = ("a,2024-01-05,10", "b,2024-01-07,20")
    without_any = text_file(tmp_path / "o1.csv", "customer,date,amount\n" + "\n".join(rows))
    numbered = (f"{row},{place}" for place, row in enumerate(rows))
    with_them = text_file(tmp_path / "o2.csv", "customer,date,amount,order\n" + "\n".join(numbered))
    for files in ((without_any, with_them), (with_them, without_any)):
        both = filled("retention", *files)
        assert total(both, "Orders", "amount") == 30
        assert both.notes[1].left == ("2 rows that another file has, too (30.00)",)


def test_orders_that_another_file_has_in_part_are_asked_about(tmp_path: Path) -> None:
    """Sales of a till without numbers, one of which is alike to an order of the web shop."""
    web = text_file(
        tmp_path / "web.csv",
        "order,customer,date,amount\n1,a,2024-01-05,10\n2,b,2024-01-06,20\n3,c,2024-01-08,30\n",
    )
    till = "customer,date,amount\nb,2024-01-06,20\nd,2024-01-07,40\n"
    path = text_file(tmp_path / "till.csv", till)
    for files in ((web, path), (path, web)):
        with pytest.raises(SourceError, match=r"have 1 row alike .b, 2024-01-06, 20 .*different"):
            filled("retention", *files)
    goes_on = text_file(tmp_path / "on.csv", till.replace("b,2024-01-06,20", "c,2024-01-08,30")
                        .replace("01-07", "01-09"))  # fmt: skip
    more = filled("retention", web, goes_on)
    assert total(more, "Orders", "amount") == 10 + 20 + 30 + 40
    assert "1 row that another file has, too (30.00)" in more.notes[1].left


@pytest.mark.parametrize(
    "text",
    [
        *("2024-01-01 - 2024-01-31", "2024-01-01 to 2024-01-31", "2024-01-13 10:00~2024-01-14"),
        *("01/13/2024 10:00 - 01/31/2024 10:00", "Jan 13, 2024 10:00 am - Jan 31, 2024"),
        "2024-01-13 00:00 - 1/31/24",
    ],
)
def test_a_range_of_days_is_no_day(text: str) -> None:
    assert "is not a date" in dates({"day": [text]}).faults[0].sentence


@pytest.mark.parametrize(
    "text",
    [
        *("2024-01-13 10:00:00 -0500", "2024-01-13T20:24:00.2024+14:00", "202401132024"),
        *("2024-01-13 (Sat)", "13.01.2024, 10.33.20 Uhr", "Jan 13, 2024 10:00 am PST"),
        *("January 13, 2024", "2024-01-13 10:00:00 UTC", "01/13/2024 20:24"),
    ],
)
def test_a_day_may_have_a_time_behind_it(text: str) -> None:
    assert dates({"day": [text]}).columns["day"] == [date(2024, 1, 13)]


def test_results_of_a_kind_that_no_column_says_are_told(tmp_path: Path) -> None:
    header = "Campaign name,Day,Results,Amount spent (EUR),Impressions,Link clicks\n"
    rows = "A,2024-01-01,2,10,100,5\nB,2024-01-01,50,20,100,50\n"
    told = filled("campaigns", text_file(tmp_path / "meta.csv", header + rows))
    assert total(told, "Ads", "conversions") == 52
    assert "Results is taken for conversions" in told.notes[0].remarks()


@pytest.mark.parametrize(
    ("name", "file", "word"),
    [
        ("funnel", "google_ads_campaign_daily.csv", "spend=7"),
        ("funnel", "google_ads_campaign_daily.csv", "month=2024-05-01"),
        ("scorecard", "google_ads_campaign_daily.csv", "ad_revenue="),
        ("scorecard", "shopify_orders.csv", "revenue="),
        ("sales_team", "hubspot_deals.csv", "rep=Ann"),
        ("campaigns", "google_ads_two_currencies_clean.csv", "currency=EUR"),
    ],
)
def test_what_is_set_in_vain_is_told(name: str, file: str, word: str) -> None:
    """A file that fills a table by way of another has the columns of that one."""
    with pytest.raises(SourceError, match="which is no column here; there are"):
        filled(name, file, words=said(set=word))


def test_what_is_set_is_of_the_file_that_has_it(tmp_path: Path) -> None:
    web = "month,visits,revenue\n2024-01-01,100,1\n2024-02-01,90,1\n"
    file = text_file(tmp_path / "web.csv", web)
    both = filled("scorecard", file, "shopify_orders.csv", words=said(set="revenue="))
    assert total(both, "Months", "visits") == 190
    assert total(both, "Months", "revenue") == 215


def test_the_file_says_which_rows_count_whatever_is_set() -> None:
    """Of the shop's voided and refunded orders none comes back, and none counts twice."""
    for word in ("status=paid", "status=", "order=1"):
        told = filled("retention", "shopify_orders.csv", words=said(set=word))
        assert total(told, "Orders", "amount") == 215


@pytest.mark.parametrize("beside", ["Month,2024-01-01", "Month,Jan 2024"])
def test_days_say_more_than_a_month_beside_them(beside: str, tmp_path: Path) -> None:
    name, month = beside.split(",")
    head = ["Campaign", "Day", name, "Impr.", "Clicks", "Cost", "Conversions", "Currency code"]
    rows = [head, *(["A", f"2024-0{n}-05", month, "100", "10", "5.00", "1", "EUR"] for n in (1, 2))]
    filling = filled("scorecard", written(tmp_path / "ads.csv", rows))
    months = data(filling)["Months"]
    assert months["month"] == [date(2024, 1, 1), date(2024, 2, 1)]
    assert months["ad_spend"] == [5.0, 5.0]


def test_a_vendor_is_the_channel_where_its_column_is_blank(tmp_path: Path) -> None:
    head = ["Day", "Campaign name", "Amount spent (EUR)", "Impressions", "Link clicks", "Channel"]
    rows = [head, ["2024-01-05", "a", "5.00", "100", "9", ""],
            ["2024-01-05", "b", "6.00", "100", "9", "IG"]]  # fmt: skip
    filling = filled("campaigns", written(tmp_path / "meta.csv", rows))
    assert data(filling)["Ads"]["channel"] == ["Meta", "IG"]


def test_a_date_cell_that_stands_for_none_is_no_day(tmp_path: Path) -> None:
    path = tmp_path / "leads.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["lead_id", "channel", "created", "won_date"])
        sheet.write_row(1, 0, ["x", "web"])
        sheet.write(1, 2, 45000, day)
        sheet.write(1, 3, 2958465, day)
    with pytest.raises(SourceError, match="is what programs write for no day: leave it blank"):
        filled("funnel", path)


BACK_APART = ["Order Number", "Order Date", "Order Status", "Customer User", "Email (Billing)",
       "Order Total Amount", "Refund Total"]  # fmt: skip


def with_refunds(path: Path, *rows: tuple[str, str, str]) -> Path:
    """Orders of WooCommerce: number, status, what went back."""
    of_all = [[number, "2024-01-05", status, "7", "a@b.c", "10.00", back]
              for number, status, back in rows]  # fmt: skip
    return written(path, [BACK_APART, *of_all])


def test_a_column_of_refunds_may_be_named_and_rows_chosen(tmp_path: Path) -> None:
    path = with_refunds(
        tmp_path / "o.csv", ("1", "completed", ""), ("2", "partially-refunded", "4.00")
    )
    words = Options(renamed={"Refund Total": "refunded"})
    assert data(filled("retention", path, words=words))["Orders"]["amount"] == [10.0, 6.0]
    chosen = Options(where={"Order Status": ("completed", "partially-refunded")})
    assert data(filled("retention", path, words=chosen))["Orders"]["amount"] == [10.0, 10.0]


def test_an_order_that_is_paid_in_a_later_file_counts(tmp_path: Path) -> None:
    files = [with_refunds(tmp_path / "a.csv", ("1", "on-hold", "")),
             with_refunds(tmp_path / "b.csv", ("1", "completed", ""))]  # fmt: skip
    assert data(filled("retention", *files))["Orders"]["amount"] == [10.0]


def test_a_column_of_days_is_one_though_the_first_alone_has_rows(tmp_path: Path) -> None:
    text = (
        '"Report Time: 1/1/2024 - 1/31/2024"\n\n'
        "Gregorian date,Campaign name,Impressions,Clicks,Spend,Currency code\n"
        "1/1/2024,a,100,9,5.00,USD\n"
    )
    path = tmp_path / "microsoft.csv"
    path.write_text(text, encoding="utf-8")
    assert data(filled("campaigns", path))["Ads"]["date"] == [date(2024, 1, 1)]
    text_file(path, text.replace("Gregorian date", "TimePeriod"))  # so it is by month, too
    with pytest.raises(SourceError, match=r'as a whole, without days.*"TimePeriod=day"'):
        filled("campaigns", path)
    days = options_from([], {"TimePeriod": "day"})
    assert data(filled("campaigns", path, words=days))["Ads"]["date"] == [date(2024, 1, 1)]


# Lists of payments, with refunds in rows of their own


def as_written(file: str, path: Path, *changes: tuple[str, str]) -> Path:
    """A file with some of its text changed."""
    text = (FILES / "as_written" / file).read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text_file(path, text)


@pytest.mark.parametrize(
    ("header", "what_to_do"),
    [
        ("Sale Date,Order ID,Buyer User ID,Order Value,Order Total,Status,Order Net,Currency",
         "wholly refunded .* download Etsy Payments Sales"),
        ("Sale Date,Item Name,Buyer,Quantity,Price,Order Shipping,Item Total,Currency,Listing ID,"
         "Order ID", "download Etsy Payments Sales"),
        ("Date,Time,Time Zone,Category,Item,Qty,Price Point Name,Gross Sales,Net Sales,Tax,"
         "Transaction ID,Event Type,Customer ID", "export Transactions CSV"),
        ("ID,Purchase Point,Purchase Date,Bill-to Name,Ship-to Name,Grand Total (Base),"
         "Grand Total (Purchased),Status", "Customer Email and Total Refunded"),
        ("Sales Record Number,Order Number,Buyer Username,Quantity,Sold For,Total Price,Sale Date",
         "download the transaction report"),
        ("Date,Order #,N. Revenue (formatted),Status,Customer,Customer type,Product(s),Net Sales",
         "export the orders with a plugin"),
        ("amazon-order-id,merchant-order-id,purchase-date,order-status,item-price,currency",
         "names no customer"),
        ("order-id,order-item-id,purchase-date,payments-date,buyer-email,item-price,currency",
         "what was refunded or cancelled"),
        ("Date,Time,TimeZone,Name,Type,Status,Currency,Amount,Receipt ID,Balance",
         "who paid .* From Email Address"),
        ("balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,"
         "reporting_category,source_id,description", "not whose orders .* export Payments"),
        ("id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description",
         "not whose orders .* export Payments"),
        ("Date,Payment method,Currency,Amount,Status,ID,Description,Consumer name,"
         "Consumer bank account,Consumer BIC,Settlement currency,Settlement amount,"
         "Settlement reference,Amount refunded", "which payment a refund is of"),
        ("Номер заказа,Номер отправления,Принят в обработку,Дата отгрузки,Статус,"
         "Сумма отправления", "names no customer"),
        ("id,entity,amount,currency,status,order_id,invoice_id,international,method,"
         "amount_refunded,refund_status,captured,email,contact,created_at", "in paise"),
    ],
)  # fmt: skip
def test_files_that_do_not_tell_what_was_refunded(
    header: str, what_to_do: str, tmp_path: Path
) -> None:
    path = text_file(tmp_path / "orders.csv", f"{header}\n{'1,' * header.count(',')}1\n")
    for name in ("retention", "scorecard"):
        with pytest.raises(SourceError, match=f"was recognised as .*: .*{what_to_do}"):
            filled(name, path)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('"Website Payment"', '"Rebate"', r'column "Type": nobody knows whether rows with Rebate'),
        ('"Reference Txn ID"', '"Note"', "row 4 gives money back, and does not say for"),
        ('"Subscription Payment","Completed"', '"Subscription Payment","Partially Refunded"',
         'row 14, column "Status": it is Partially Refunded, and no row says how much went back'),
        ('"Subscription Payment","Completed","USD"', '"Subscription Payment","Completed","EUR"',
         "EUR and USD"),
        ('"USD","-15.00"', '"EUR","-14.00"',
         "row 4 gives back EUR for the order T02, which was paid in another currency"),
    ],
)  # fmt: skip
def test_payments_of_which_nobody_knows_what_was_kept(
    before: str, after: str, fault: str, tmp_path: Path
) -> None:
    path = as_written("paypal.csv", tmp_path / "paypal.csv", (before, after))
    with pytest.raises(SourceError, match=fault):
        filled("retention", path)


def test_what_a_list_of_payments_leaves_out_is_told_with_its_worth() -> None:
    told = filled("retention", "as_written/paypal.csv").notes[0].left
    assert set(told) == {
        "2 rows with Balance Impact Memo (62.00)",
        "1 row general currency conversion (9.00)",
        "1 row general withdrawal (-500.00)",
        "1 row paid to others (-15.00)",
        "refunds of 1 order not among these (12.00)",
        "1 order wholly refunded (30.00)",
        "20.00 refunded",
    }


def test_a_refund_without_a_minus_is_taken_off_its_sale() -> None:
    """40 of 100 went back, and all of 20; 60 are disputed, and count until they are lost."""
    told = filled("retention", "as_written/braintree.csv")
    assert column(told, "Orders", "amount") == [60, 60, 1075]
    assert column(told, "Orders", "customer") == ["c1", "c2", "c1"]  # t6 has the address alone
    assert {
        "1 order wholly refunded (20.00)",
        "40.00 refunded",
        "refunds of 1 order not among these (15.00)",
        "1 order with Disputed Date 02/01/2024 (60.00 disputed), which count until they are lost",
    } <= set(told.notes[0].left)


def test_a_refund_with_a_minus_is_no_other(tmp_path: Path) -> None:
    path = as_written("braintree.csv", tmp_path / "b.csv", ("40.00,40.00", "-40.00,-40.00"))
    assert column(filled("retention", path), "Orders", "amount")[0] == 60


def test_debits_that_the_bank_has_not_confirmed_are_left_out() -> None:
    told = filled("retention", "as_written/gocardless.csv")
    assert column(told, "Orders", "amount") == [100, 30]
    assert {"1 order submitted (80.00)", "1 order charged_back (70.00)"} <= set(told.notes[0].left)


def test_refunds_that_stand_in_a_text_are_taken_off(tmp_path: Path) -> None:
    """20 and 5 of 100 went back, all of 30; an order of 126 has 21 of tax and 5 of shipping.

    A reason has an amount in it, too, which is none.
    """
    told = filled("retention", "as_written/woo_plugin.csv")
    assert column(told, "Orders", "amount") == [126, 75, 1030]
    assert column(told, "Orders", "customer") == ["a@x.com", "a@x.com", "c@x.com"]
    assert {"25.00 refunded", "1 order wholly refunded (30.00)"} <= set(told.notes[0].left)
    net = filled("retention", "as_written/woo_plugin.csv", words=Options(net=True))
    assert column(net, "Orders", "amount") == [100, 75, 1030]
    path = as_written("woo_plugin.csv", tmp_path / "w.csv", ("amount:20.00|reason", "20.00|reason"),
                      ("amount:5|reason", "5|reason"))  # fmt: skip
    assert 'column "refund_items": "20.00|reason:broken' in refusal("retention", path)


def test_a_refund_after_a_gap_is_no_other_block(tmp_path: Path) -> None:
    path = as_written("woo_plugin.csv", tmp_path / "w.csv", ("502,502,2024", "\n502,502,2024"))
    assert column(filled("retention", path), "Orders", "amount") == [126, 75, 1030]


def test_deals_that_are_closed_on_a_day_of_their_own(tmp_path: Path) -> None:
    told = filled("funnel", "as_written/freshsales.csv")
    assert column(told, "Leads", "won_date") == [date(2024, 2, 14), None, None]
    assert column(told, "Leads", "lost_date") == [None, date(2024, 2, 16), None]
    path = as_written("freshsales.csv", tmp_path / "f.csv", ("2024-02-14", ""))
    assert 'fill in the column "Closed date"' in refusal("funnel", path)


def test_buyers_without_an_address_are_not_all_the_same() -> None:
    """Forms are filled with the vendor's own address; who has a number is known by that."""
    told = filled("retention", "as_written/razorpay.csv")
    assert column(told, "Orders", "customer") == ["+919000000001", "+919000000002"]
    assert "1 order without a customer (60.00)" in told.notes[0].left


def test_a_row_of_totals_may_have_no_name(tmp_path: Path) -> None:
    told = filled("campaigns", "as_written/apple.csv")
    assert (told.currency, told.notes[0].left[-1]) == ("USD", "1 total agrees: 1,051.50")
    path = as_written("apple.csv", tmp_path / "apple.csv", (",20.50,2000", ",19.50,2000"))
    with pytest.raises(SourceError, match='its total of "Spend" is 1,051'):
        filled("campaigns", path)
    header = (
        "Start Date: Jan 1, 2024\nEnd Date: Jan 31, 2024\nCurrency: USD\nCampaign ID,Campaign Name"
    )
    whole = f"{header},Spend,Taps,Installs (Total)\n1,B,10,5,1\n"
    path = text_file(tmp_path / "campaigns.csv", whole)
    assert "is of 2024-01-01 to 2024-01-31 as a whole" in refusal("campaigns", path)


def test_a_statement_has_no_status_and_says_nothing_of_it() -> None:
    told = filled("retention", "as_written/paypal_statement_de.csv").notes[0].left
    assert not [remark for remark in told if "no column of status" in remark]


def test_what_buyers_took_back_by_their_bank_is_no_revenue(tmp_path: Path) -> None:
    """A chargeback or claim takes off what a refund would; one that was won gives it again."""
    paypal = '"Payment Refund","Completed","USD","-5.00"'
    file = as_written(
        "paypal.csv",
        tmp_path / "paypal.csv",
        (paypal, paypal.replace("Payment Refund", "Chargeback")),
        ('"General Withdrawal"', '"Chargeback Fee"'),
    )
    told = filled("retention", file)
    assert total(told, "Orders", "amount") == 1155
    assert "1 row chargeback fee (-500.00)" in told.notes[0].left
    won = '"Jan 22, 2024",Payment dispute,20-00000-00002,20-00000-00002,buyer2,5,USD'
    won += ",--,--,--,Item 3,--,--,--,--,--,--,--,5,USD,--,CASE-1,--\n"
    file = as_written(
        "ebay.csv",
        tmp_path / "ebay.csv",
        ('"Jan 18, 2024",Refund,20-00000-00002,20-00000-00002,buyer2,-14', '"Jan 18, 2024",Claim,'
         "20-00000-00002,20-00000-00002,buyer2,-14"),
        (',-9,USD,--,CANCEL-3,--\n', f",-9,USD,--,CANCEL-3,--\n{won}"),
    )  # fmt: skip
    assert total(filled("retention", file), "Orders", "amount") == 23.26 + 1040 - 15 - 5 + 5


def test_refunds_of_orders_in_another_file_are_told(tmp_path: Path) -> None:
    header, *rows = rows_of("as_written/paypal.csv")
    early = written(tmp_path / "early.csv", [header, *rows[:2]])
    late = written(tmp_path / "late.csv", [header, *rows[2:]])
    with pytest.raises(SourceError, match=r"late.csv gives money back for T02, which .*early.csv"):
        filled("retention", early, late)
    joined = written(tmp_path / "joined.csv", [header, *rows[:2], header, *rows[2:]])
    assert total(filled("retention", joined), "Orders", "amount") == 1155


def test_a_refund_of_a_later_file_may_have_the_number_of_its_order(tmp_path: Path) -> None:
    """30 in January, of which 5 and 2 went back in February."""
    header, *rows = rows_of("as_written/square.csv")
    early = written(tmp_path / "early.csv", [header, *rows[:2]])
    late = written(tmp_path / "late.csv", [header, *rows[2:]])
    again = written(tmp_path / "again.csv", [header, *rows])
    for files in ((early, late), (late, early), (early, late, again)):
        assert total(filled("retention", *files), "Orders", "amount") == pytest.approx(1046.16)
    changed = written(tmp_path / "changed.csv", [header, [*rows[2]]])
    text = changed.read_text(encoding="utf-8").replace("-$5.00", "-$6.00")
    with pytest.raises(SourceError, match=r"other values for S2, 2024-01-17 .*\(amount\)"):
        filled("retention", late, text_file(changed, text))


OWN_ORDERS = "customer,date,amount\na@x.com,2024-03-05,10\nz@x.com,2024-03-06,20\n"


def test_orders_with_and_without_numbers_are_counted(tmp_path: Path) -> None:
    """Two of the shop and two of the list; what went back in the list is none."""
    files = files_of(tmp_path, TWO_SHOPS[0], OWN_ORDERS + "z@x.com,2024-03-08,-5\n")
    told = filled("retention", *files)
    assert told.tables["Orders"].columns["order"][2:] == ["2.csv 1", "2.csv 2", "2.csv 3"]
    assert "each row is one, and has a number as 2.csv 1" in told.notes[1].remarks()
    found = figures("retention", told)
    assert (found["ordercount"], found["revenue"]) == (4, 109 + 25)
    (tmp_path / "more").mkdir()
    more = files_of(tmp_path / "more", "", OWN_ORDERS.replace("03-", "04-"))[1]
    numbers = filled("retention", *files, more).tables["Orders"].columns["order"]
    assert len({*numbers}) == 7


def test_a_refund_without_the_number_of_its_payment_is_no_order(tmp_path: Path) -> None:
    """Square's 5 that went back have none: two orders, and all that was paid less 5."""
    path = as_written("square.csv", tmp_path / "s.csv", ("S2,P3", ",P3"), (",,Comp", ",C,Comp"))
    told = filled("retention", path)
    assert "1 row below 0 without the number of an order" in told.notes[0].remarks()
    assert "(5.00)" in told.notes[0].remarks()
    found = figures("retention", told)
    assert (found["ordercount"], found["revenue"]) == (3, pytest.approx(1059.12))
    path = as_written("square.csv", tmp_path / "s.csv", ("S4,P4", ",P4"), (",,Comp", ",C,Comp"))
    told = filled("retention", path)
    assert "1 row without the number of their order, which others" in told.notes[0].remarks()


EBAY = "Transaction creation date,Type,Order number,Buyer username,Gross transaction amount\n"


def test_fees_of_orders_in_another_file_say_nothing_of_them(tmp_path: Path) -> None:
    orders = EBAY + '"Jan 16, 2024",Order,1-2,buyer1,20\n'
    fee = EBAY + '"Feb 1, 2024",Other fee,1-2,buyer1,-1\n"Feb 2, 2024",Order,1-3,buyer1,9\n'
    assert total(filled("retention", *files_of(tmp_path, orders, fee)), "Orders", "amount") == 29
    with pytest.raises(SourceError) as caught:
        filled("retention", *files_of(tmp_path, orders, fee.replace("Other fee", "Refund")))
    (told,) = map(str, caught.value.args)
    assert "gives money back for 1-2" in told


def test_lines_of_a_refund_without_an_amount_take_none_of_it_back(tmp_path: Path) -> None:
    """An order of two items for 20, of which 5 went back; of another nobody knows how much."""
    order = '"Jan 16, 2024",Order,1-2,buyer1,20\n"Jan 16, 2024",Order,1-2,buyer1,--\n'
    back = '"Jan 18, 2024",Refund,1-2,buyer1,-5\n"Jan 18, 2024",Refund,1-2,buyer1,--\n'
    unknown = (order + back[back.index("\n") + 1 :]).replace("1-2", "1-3")
    told = filled("retention", *files_of(tmp_path, EBAY + order + back + unknown))
    assert told.tables["Orders"].columns["amount"] == [15, None]


def test_refunds_of_payments_that_are_left_out_are_told_once(tmp_path: Path) -> None:
    refunded = '"Website Payment","Refunded"'
    path = as_written("paypal.csv", tmp_path / "p.csv", ('"Website Payment","Completed"', refunded))
    told = filled("retention", path)
    assert total(told, "Orders", "amount") == 1155 - 30
    assert "1 row refunded (50.00)" in set(told.notes[0].left)
    assert "refunds of 1 order not among these (12.00)" in set(told.notes[0].left)


def test_orders_of_which_nobody_knows_what_was_kept_have_no_amount(tmp_path: Path) -> None:
    """A refund in francs of an order whose total in francs is blank; what was left of 32.23."""
    for file, before, after, left in (
        ("magento.csv", "110.0000,100.0000,", "110.0000,,", [100, None, 25]),
        ("etsy_payments.csv", "0,0,0,EUR,35.45", ",0,0,EUR,35.45", [32.55, None, 30]),
    ):
        path = as_written(file, tmp_path / file, (before, after))
        told = filled("retention", path)
        assert told.tables["Orders"].columns["amount"] == left
        assert "1 row without an amount, which count" in told.notes[0].remarks()


def test_an_order_that_is_paid_in_parts_is_one(tmp_path: Path) -> None:
    parts = ("2024-02-01", "2024-01-16"), ("S4,P4", "S2,P4"), (",,Complete", ",CUST2,Complete")
    told = filled("scorecard", as_written("square.csv", tmp_path / "square.csv", *parts))
    assert told.tables["Months"].columns["orders"] == [2]
    assert total(told, "Months", "revenue") == pytest.approx(1059.12)


def test_kinds_of_payments_may_be_chosen_and_their_refunds_stay(tmp_path: Path) -> None:
    path = as_written("paypal.csv", tmp_path / "p.csv", ('"Website Payment"', '"Rebate"'))
    chosen = Options(where={"Type": ("Rebate", "Subscription Payment")})
    assert total(filled("retention", path, words=chosen), "Orders", "amount") == 50 - 20 + 25


def test_net_of_payments_and_of_taxes_that_shipping_has_in_them() -> None:
    """Of Recurly's payments 3.90 is tax, and 0.50 of it went back with a refund.

    BigCommerce's order 102 is 72 and 8 of tax; 30 went back, 3 of it tax: 27 of 72 goods, 45 stay.
    """
    for file, net in (("paypal.csv", 1155 - 90 - 10), ("bigcommerce.csv", 90 + 45 + 22.5 - 10),
                      ("recurly.csv", 34.90 - 3.90 + 0.50)):  # fmt: skip
        told = filled("retention", f"as_written/{file}", words=Options(net=True))
        assert total(told, "Orders", "amount") == pytest.approx(net)


def test_a_refund_gives_its_tax_back(tmp_path: Path) -> None:
    """Goods of 200, shipping of 10, 20 % tax: 252. Goods of 60 went back, for 72: 140 stay."""
    orders = SHOPIFY_ORDERS.strip() + ",Taxes,Shipping,Subtotal\n1,a@x.com,partially_refunded,"
    file = text_file(tmp_path / "a.csv", f"{orders}EUR,252,2024-01-05,72,42,10,200\n")
    told = filled("retention", file, words=Options(net=True))
    assert total(told, "Orders", "amount") == pytest.approx(140)
    assert "30.00 of tax; 12.00 of tax taken to be in what was refunded" in told.notes[0].remarks()


NET = [
    "Order Number,Email (Billing),Order Status,Currency,Order Total Amount,Order Refund Amount,"
    "Order Total Tax Amount,Order Shipping Amount,Order Date\n",
    "Order ID,Customer Email,Order Status,Order Currency Code,Order Total (inc tax),Refund Amount,"
    "Tax Total,Shipping Cost (ex tax),Order Date\n",
    "Name,Email,Financial Status,Currency,Total,Refunded Amount,Taxes,Shipping,Subtotal,"
    "Discount Amount,Created at\n",
    "Order ID,Email,Financial Status,Currency,Total,Amount Refunded,Taxes,Shipping,Subtotal,"
    "Discount Amount,Created at\n",
]


@pytest.mark.parametrize(
    ("header", "status", "order", "net"),
    [
        # Goods of 100, shipping of 10, tax of 20 %: 132. Goods of 50 went back for 60, and all.
        *((header, "completed", "132,0,22,10", 100) for header in NET[:2]),
        *((header, "completed", "132,60,22,10", 50) for header in NET[:2]),
        *((header, "completed", "132,132,22,10", None) for header in NET[:2]),
        *((header, "paid", "132,0,22,10,100,0", 100) for header in NET[2:]),
        # Prices with their tax: goods of 120 and shipping of 12, of which 22 is tax.
        *((header, "paid", "132,0,22,12,120,0", 100) for header in NET[2:]),
        *((header, "partially_refunded", "132,60,22,12,120,0", 50) for header in NET[2:]),
        *((header, "refunded", "132,132,22,12,120,0", None) for header in NET[2:]),
        # Of the shipping of 12 six went back, too; the rest is of shipping.
        *((header, "partially_refunded", "132,126,22,12,120,0", 0) for header in NET[2:]),
        # A tenth less: goods of 108 and shipping of 12, which 20 of tax are in; or were added to.
        *((header, "paid", f"120,0,20,12,{goods},12", 90) for header in NET[2:]
          for goods in (108, 120)),
        *((header, "paid", f"120,0,20,10,{goods},10", 90) for header in NET[2:]
          for goods in (90, 100)),
    ],
)  # fmt: skip
def test_net_of_orders_by_hand(
    header: str, status: str, order: str, net: float | None, tmp_path: Path
) -> None:
    """A second order of 10 without tax stays as it is."""
    other = ["10", *["0"] * order.count(",")]
    status_of_it = status if status == "completed" else "paid"
    rows = f"1,a@x.com,{status},EUR,{order},2024-01-05\n"
    rows += f"2,a@x.com,{status_of_it},EUR,{','.join(other)},2024-01-05\n"
    told = filled(
        "retention", text_file(tmp_path / "a.csv", header + rows), words=Options(net=True)
    )
    wanted = [10.0] if net is None else [net, 10.0]
    assert column(told, "Orders", "amount") == pytest.approx(wanted)


def test_what_net_needs_is_asked_for(tmp_path: Path) -> None:
    """Whether prices include their tax; what the tax is. Shipping that is not there is told."""
    path = tmp_path / "a.csv"

    def net(header: str, row: str) -> Filling:
        header = f"Name,Email,Financial Status,Currency,Created at,Refunded Amount,{header}\n"
        row = f"1,a@x.com,paid,EUR,2024-01-05,0,{row}\n"
        return filled("retention", text_file(path, header + row), words=Options(net=True))

    with pytest.raises(SourceError, match='prices include the tax: for --net export "subtotal"'):
        net("Total,Taxes,Shipping", "132,22,10")
    with pytest.raises(SourceError, match=r'no column of the tax, which --net .* export "taxes"'):
        net("Total,Subtotal,Shipping", "132,100,10")
    told = net("Total,Subtotal,Taxes", "132,110,22")
    assert column(told, "Orders", "amount") == [110]
    assert "no column of shipping, of which nothing is taken off" in told.notes[0].left


def test_tips_are_no_net_revenue() -> None:
    """Of 31.16 collected 2.16 is tax and 2.00 a tip; 5.00 of 1,020 went back."""
    net = filled("retention", "as_written/square.csv", words=Options(net=True))
    assert column(net, "Orders", "amount") == pytest.approx([27, 1020, -5])
    told = filled("retention", "as_written/square.csv")
    assert "2.00 of tips are in the amounts, which --net takes off, as tax" in told.notes[0].left


def test_what_is_not_yet_paid_has_its_tax(tmp_path: Path) -> None:
    """Goods of 100 and 20 of tax, half of it paid: 50; with shipping of 10, too. What costs nothing
    has no tax."""
    orders = SHOPIFY_ORDERS.replace(
        "Refunded Amount", "Outstanding Balance,Taxes,Shipping,Subtotal"
    )
    rows = (
        "1,a@x.com,partially_paid,EUR,120,2024-01-05,60,20,0,100\n"
        "2,a@x.com,paid,EUR,0,2024-01-05,0,0,0,0\n"
        "3,a@x.com,partially_paid,EUR,132,2024-01-05,66,22,10,100\n"
        "4,a@x.com,partially_paid,EUR,132,2024-01-05,66,22,12,120\n"
    )
    told = filled(
        "retention", text_file(tmp_path / "a.csv", orders + rows), words=Options(net=True)
    )
    assert column(told, "Orders", "amount") == pytest.approx([50, 0, 50, 50])
    assert "32.00 of tax; 32.00 of tax taken to be in what was" in told.notes[0].remarks()


def test_a_month_alone_has_the_year_of_the_period(tmp_path: Path) -> None:
    months = data(filled("scorecard", "as_written/ga4_months.csv"))["Months"]["month"]
    assert months == [date(2023, 11, 1), date(2023, 12, 1), date(2024, 1, 1), date(2024, 2, 1)]
    period = "# 20231101-20240229"
    for other in ("# 20230101-20240229", "# 20231201-20240229", "#"):
        path = as_written("ga4_months.csv", tmp_path / "ga4.csv", (period, other))
        with pytest.raises(SourceError, match=r'"\d\d" is a month without its year'):
            filled("scorecard", path)


# Files that are added up

GOOGLE_MONTHS = (
    "Month,Campaign,Campaign type,Currency code,Impr.,Clicks,Cost,Conversions,Conv. value\n"
    '2024-01,Brand,Search,EUR,"1,000",100,200.00,10,800.00\n'
    '2024-02,Brand,Search,EUR,"2,000",150,300.00,12,900.00\n'
)
META_ADS = "Campaign name,{},Amount spent (EUR),Impressions,Reach,Link clicks\n"
META_MONTHS = META_ADS.format("Reporting starts,Reporting ends") + (
    "A,2024-01-01,2024-01-31,50.00,500,400,20\nA,2024-02-01,2024-02-29,70.00,700,500,30\n"
)
META_FIRST_DAYS = META_ADS.format("Day") + "A,2024-01-01,10,100,9,4\nA,2024-01-15,20,200,9,4\n"
META_LATER_DAYS = META_ADS.format("Day") + "A,2024-01-16,30,300,9,4\nA,2024-02-01,40,400,9,4\n"


def files_of(folder: Path, *texts: str) -> list[Path]:
    return [text_file(folder / f"{number}.csv", text) for number, text in enumerate(texts, 1)]


def test_months_of_several_platforms_are_added_up(tmp_path: Path) -> None:
    files = files_of(tmp_path, GOOGLE_MONTHS, META_MONTHS)
    for some in (files, files[::-1]):
        told = filled("scorecard", *some)
        months = told.tables["Months"].columns
        assert months["ad_spend"] == [250, 370]
        assert months["impressions"] == [1500, 2700]
        assert months["clicks"] == [120, 180]
        assert months["reach"] == [None, None]  # people that two platforms reach are not two
    mails = FILES / "mailchimp_campaigns.csv"  # whose clicks are none of advertising
    months = filled("scorecard", *files, mails).tables["Months"].columns
    assert (months["clicks"], months["ad_spend"]) == ([120, 180], [250, 370])
    assert months["clicked"] == [80, 70]
    google, meta = filled("scorecard", *files).notes
    assert "added up with 2.csv; this file has ad_spend 500, " in google.remarks()
    assert "added up with 1.csv; this file has ad_spend 120, " in meta.remarks()
    spend = filled("funnel", *files).tables["Spend"].columns
    assert sorted(zip(spend["channel"], spend["spend"], strict=True)) == [
        ("Meta", 50), ("Meta", 70), ("Search", 200), ("Search", 300)
    ]  # fmt: skip


def test_platforms_in_two_currencies_are_added_up_by_rates_alone(tmp_path: Path) -> None:
    """200 + 50 dollars at 0.5, and 300 + 70 at 0.6; what says no currency is in the other's."""
    dollars = META_MONTHS.replace("EUR", "USD")
    files = files_of(tmp_path, GOOGLE_MONTHS, dollars)
    with pytest.raises(SourceError, match=r"1\.csv and .*2\.csv: the amounts are in EUR and USD"):
        filled("scorecard", *files)
    text = "currency,rate,from\nUSD,0.5,2024-01-01\nUSD,0.6,2024-02-01\n"
    rates = rates_of(text_file(tmp_path / "rates.csv", text))
    told = filled("scorecard", *files, rates=rates, report_currency="EUR")
    assert told.tables["Months"].columns["ad_spend"] == [225, 342]
    (alone,) = filled("scorecard", files[1], rates=rates).notes
    assert "the report's currency" in alone.remarks()
    assert "the report's currency" not in alone.remarks("ru")
    unsaid = META_MONTHS.replace(" (EUR)", "")
    months = filled("scorecard", *files_of(tmp_path, GOOGLE_MONTHS, unsaid)).tables["Months"]
    assert months.columns["ad_spend"] == [250, 370]


@pytest.mark.parametrize(
    ("name", "table", "column"), [("scorecard", "Months", "ad_spend"), ("funnel", "Spend", "spend"),
                                  ("unit_economics", "Spend", "spend")]
)  # fmt: skip
def test_two_halves_of_a_month_are_added_up(
    tmp_path: Path, name: str, table: str, column: str
) -> None:
    """10 + 20 and 30 in January: each half comes to 30, and none is the other."""
    files = files_of(tmp_path, META_FIRST_DAYS, META_LATER_DAYS)
    assert filled(name, *files).tables[table].columns[column] == [60, 40]
    google = text_file(tmp_path / "google.csv", GOOGLE_MONTHS)
    assert total(filled(name, google, *files), table, column) == 600
    both = filled(name, *files, text_file(tmp_path / "again.csv", META_FIRST_DAYS))
    assert both.tables[table].columns[column] == [60, 40]
    assert "2 rows that another file has, too" in both.notes[-1].remarks()
    changed = META_FIRST_DAYS.replace("A,2024-01-01,10,", "A,2024-01-01,11,")
    accounts = r"other values for 2024-01-01, A, Meta .*\(cost\).* of two accounts, .* as in BA"
    with pytest.raises(SourceError, match=accounts):
        filled(name, *files, text_file(tmp_path / "again.csv", changed))
    other = filled(name, *files, text_file(tmp_path / "b.csv", changed.replace("A,", "BA,")))
    assert other.tables[table].columns[column] == [60 + 31, 40]


@pytest.mark.parametrize(
    "days", [META_MONTHS, META_MONTHS.replace("2024-01-01,", "2024-01-10,"), META_ADS.format("Week")
             + "A,2024-01-08,30,300,9,4\n"]
)  # fmt: skip
def test_days_in_rows_of_other_periods_are_not_added_up(tmp_path: Path, days: str) -> None:
    longer = META_MONTHS.replace("Reporting starts,Reporting ends", "Month").replace(
        ",2024-01-31", ""
    ).replace(",2024-02-29", "")  # fmt: skip
    day = META_ADS.format("Day") + "A,2024-01-12,10,100,9,4\n"
    half = META_MONTHS.replace("2024-01-31", "2024-01-20")
    for other in (day, half) if days == META_MONTHS else (day,):
        for files in (files_of(tmp_path, days, other), files_of(tmp_path, other, days)):
            for name in ("scorecard", "funnel"):
                with pytest.raises(SourceError, match="each among other days"):
                    filled(name, *files)
    assert total(filled("scorecard", *files_of(tmp_path, longer)), "Months", "ad_spend") == 120


def test_two_halves_of_visits_are_added_up(tmp_path: Path) -> None:
    text = (
        "# ----\n# Traffic\n# ----\nDate,Session default channel group,Sessions,Engaged sessions\n"
    )
    first = f"{text}20240101,Direct,10,1\n20240115,Direct,20,1\n"
    files = files_of(tmp_path, first, f"{text}20240116,Direct,30,1\n20240201,Direct,5,1\n")
    assert filled("scorecard", *files).tables["Months"].columns["visits"] == [60, 5]
    more = text_file(tmp_path / "more.csv", f"{text}20240115,Direct,20,1\n20240117,Direct,10,1\n")
    with pytest.raises(SourceError, match="both have 2024-01-15"):
        filled("scorecard", files[0], more)


def test_deals_of_two_files_that_come_to_the_same_are_two(tmp_path: Path) -> None:
    """A rep with a deal of 1000 in each file; a deal that is in both counts once."""
    header = (
        "Deal - ID,Deal - Title,Deal - Owner,Deal - Value,Deal - Currency,Deal - Status,"
        "Deal - Deal created,Deal - Won time\n"
    )
    row = "{0},D,Kim,{1},EUR,Won,2024-01-02 10:00:00,2024-01-09 10:00:00\n"
    one, two, both = row.format(1, 1000), row.format(2, 1000), row.format(3, 500)
    files = files_of(tmp_path, header + one + both, header + both + two)
    weeks = filled("sales_team", *files).tables["Weeks"].columns
    assert (weeks["sales"], weeks["deals"]) == ([2500], [3])
    months = filled("scorecard", *files).tables["Months"].columns
    assert (months["won"], months["won_value"]) == ([3], [2500])


def test_deals_are_converted_on_the_day_that_they_were_won(tmp_path: Path) -> None:
    """100 dollars of a deal won in February at 0.6, and 50 of one that is open since January."""
    deals = text_file(
        tmp_path / "deals.csv",
        "Deal - ID,Deal - Title,Deal - Owner,Deal - Value,Deal - Currency,Deal - Status,"
        "Deal - Deal created,Deal - Won time\n"
        "1,A,Kim,100,USD,Won,2024-01-02 10:00:00,2024-02-09 10:00:00\n"
        "2,B,Kim,50,USD,Open,2024-01-02 10:00:00,\n",
    )
    text = "currency,rate,from\nUSD,0.5,2024-01-01\nUSD,0.6,2024-02-01\n"
    rates = rates_of(text_file(tmp_path / "rates.csv", text))
    for name, table, column, value in (
        ("sales_team", "Weeks", "sales", 60), ("scorecard", "Months", "won_value", 60),
        ("funnel", "Leads", "value", 60 + 25),
    ):  # fmt: skip
        assert (
            total(filled(name, deals, rates=rates, report_currency="EUR"), table, column) == value
        )


SHOPIFY_ORDERS = "Name,Email,Financial Status,Currency,Total,Created at,Refunded Amount\n"
WOO_ORDERS = "Order ID,Order Date,Order Status,Billing Email,Order Total,Order Currency\n"
TWO_SHOPS = (
    SHOPIFY_ORDERS
    + "1001,a@x.com,paid,USD,99.00,2024-01-05,0\n1002,b@x.com,paid,USD,10,2024-02-06,0\n",
    WOO_ORDERS
    + "1001,2024-01-07,Completed,c@x.com,5,USD\n1002,2024-02-08,Completed,a@x.com,7,USD\n",
)


def test_orders_of_two_shops_with_the_same_numbers_are_different_orders(tmp_path: Path) -> None:
    told = filled("retention", *files_of(tmp_path, *TWO_SHOPS))
    orders = told.tables["Orders"].columns
    assert orders["order"] == [1001, 1002, "1001 (WooCommerce)", "1002 (WooCommerce)"]
    assert orders["amount"] == [99, 10, 5, 7]
    assert "are written as 1001 (WooCommerce)" in told.notes[1].remarks()
    assert figures("retention", told)["ordercount"] == 4
    months = filled("scorecard", *files_of(tmp_path, *TWO_SHOPS)).tables["Months"].columns
    assert (months["revenue"], months["orders"]) == ([104, 17], [2, 2])
    assert months["buyers"] == [2, 2]
    again = filled("scorecard", *files_of(tmp_path, *TWO_SHOPS, TWO_SHOPS[0])).tables["Months"]
    assert again.columns["buyers"] == [2, 2]  # a file that adds nothing names nobody otherwise
    names = TWO_SHOPS[1].replace("c@x.com", "C").replace("a@x.com", "A")
    months = filled("scorecard", *files_of(tmp_path, TWO_SHOPS[0], names)).tables["Months"].columns
    assert (months["revenue"], months["buyers"]) == ([104, 17], [None, None])
    twice = "who is in two of them is two"
    assert twice not in told.notes[1].remarks()
    assert twice in filled("retention", *files_of(tmp_path, TWO_SHOPS[0], names)).notes[1].remarks()
    other = SHOPIFY_ORDERS + "1001,z@x.com,paid,USD,19.00,2024-01-09,0\n"
    with pytest.raises(SourceError, match=r"other values for 1001 .*of two shops.* as in B1001"):
        filled("retention", *files_of(tmp_path, TWO_SHOPS[0], other))


def test_orders_of_a_shop_and_their_payments_are_the_same(tmp_path: Path) -> None:
    stripe = (
        "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID\n"
        "ch_1,2024-01-05 10:00:00,99.00,0.00,usd,Paid,cus_1\n"
        "ch_2,2024-02-06 10:00:00,10.00,0.00,usd,Paid,cus_2\n"
    )
    for name in ("retention", "scorecard"):
        for payments in (stripe, stripe.replace("cus_2", "b@x.com")):
            with pytest.raises(SourceError, match=r"same orders .* into one file with the columns"):
                filled(name, *files_of(tmp_path, TWO_SHOPS[0], payments))
    dollars = stripe.replace("usd", "cad").replace("cus_1", "a@x.com").replace("cus_2", "b@x.com")
    rates = rates_of(text_file(tmp_path / "rates.csv", "currency,rate\nCAD,0.7\n"))
    with pytest.raises(SourceError, match=r"same orders \(a@x.com, 2024-01-05\)"):
        filled("retention", *files_of(tmp_path, TWO_SHOPS[0], dollars), rates=rates,
               report_currency="USD")  # fmt: skip
    # Of one payment in common it is enough that its address, or the number of its order, says so.
    more = stripe.split("\n", 1)[0] + ",Customer Email,Description\n"
    for paid, told in (
        ("ch_3,2024-02-06 10:00:00,10.00,0.00,usd,Paid,cus_2,B@x.com,", "b@x.com, 2024-02-06, 10"),
        ("ch_3,2024-03-09 10:00:00,10.00,0.00,usd,Paid,cus_2,,Shop 24 - Order 1002", "1002"),
    ):
        others = "".join(
            f"ch_{n},2024-04-0{n} 10:00:00,{n},0.00,usd,Paid,cus_{n},,\n" for n in range(4, 9)
        )
        files = files_of(tmp_path, TWO_SHOPS[0], f"{more}{paid}\n{others}")
        with pytest.raises(SourceError, match=rf"same orders \({told}\)"):
            filled("retention", *files)
    files = files_of(
        tmp_path, TWO_SHOPS[0], f"{more}{paid[:-20]}\n{others}".replace("03-09", "02-06")
    )
    remarks = filled("retention", *files).notes[1].remarks()
    assert "1 row of the day and the amount of an order in 1.csv (10.00): if they are" in remarks
    # So it is in a table of one's own.
    own = "order,customer,date,amount\n#7,a@x.com,2024-01-05,99\n#8,z@x.com,2024-01-05,3\n"
    for text in (own, own.replace("order,", "").replace("#7,", "").replace("#8,", "")):
        with pytest.raises(SourceError, match=r"same orders \(a@x.com, 2024-01-05, 99\)"):
            filled("retention", *files_of(tmp_path, TWO_SHOPS[0], text))
    same = own.replace("#7", "1001").replace("\n#8,z@x.com,2024-01-05,3", "")
    with pytest.raises(SourceError, match=r"has other values for 1001"):  # of its status
        filled("retention", *files_of(tmp_path, TWO_SHOPS[0], same))
    # Guests of two shops are nobody in particular.
    guests = [text.replace("b@x.com", "").replace("c@x.com", "") for text in TWO_SHOPS]
    guests[1] = guests[1].replace("2024-01-07,Completed,,5", "2024-02-06,Completed,,10")
    assert total(filled("scorecard", *files_of(tmp_path, *guests)), "Months", "orders") == 4
    # Shops with one price that sell every day: who has another address is somebody else.
    price = WOO_ORDERS + "1,2024-01-05,Completed,c@x.com,99,USD\n"
    price += "2,2024-02-06,Completed,d@x.com,10,USD\n"
    told = filled("retention", *files_of(tmp_path, TWO_SHOPS[0], price))
    assert total(told, "Orders", "amount") == 2 * (99 + 10)


def shopify_days(*orders: tuple[str, str, object]) -> str:
    """A shop's orders, from 1 on, of an address, a day and an amount."""
    return SHOPIFY_ORDERS.partition("\n")[0] + "".join(
        f"\n#{number},{mail},paid,USD,{amount},{day},0"
        for number, (mail, day, amount) in enumerate(orders, start=1)
    )


def days_from(start: int, number: int) -> list[str]:
    return [str(date(2024, 1, 1) + timedelta(days=start + n)) for n in range(number)]


def test_payments_of_guests_are_known_by_their_address(tmp_path: Path) -> None:
    """Payment links and calendars make payments of no customer's ID, which have an address."""
    rows = (
        "\nch_1,2024-01-05 10:00:00,8,0,usd,Paid,cus_1,a@x.com,Subscription update"
        "\nch_2,2024-01-06 10:00:00,40,0,usd,Paid,,g@x.com,Lesson"
        "\nch_3,2024-01-09 10:00:00,40,0,usd,Paid,,G@x.com,Lesson"
        "\nch_4,2024-02-05 10:00:00,16,0,usd,Paid,,a@x.com,Lesson"
        "\nch_5,2024-02-06 10:00:00,5,0,usd,Paid,,,Lesson"
    )
    path = text_file(tmp_path / "stripe.csv", PAYMENTS + rows)
    told = filled("retention", path)
    assert column(told, "Orders", "customer") == ["cus_1", "g@x.com", "g@x.com", "cus_1"]
    assert total(told, "Orders", "amount") == 104
    assert "1 order without a customer (5.00)" in told.notes[0].left
    path.write_text(path.read_text().replace("ch_5", ""), encoding="utf-8")
    assert refusal("retention", path).endswith("it belongs to: fill it in, or delete the row")


def test_lines_of_an_order_have_the_currency_of_its_first(tmp_path: Path) -> None:
    """A shop's export that nobody knows here, with the order's columns on its first line alone."""
    text = (
        "Número de orden;Email;Fecha;Moneda;Total;Producto\n"
        "865;a@x.com;25/01/2024;ARS;120;A\n865;a@x.com;;;;B\n866;b@x.com;26/01/2024;ARS;30;A\n"
    )
    renamed = {"Número de orden": "order", "Email": "customer", "Fecha": "date", "Total": "amount"}
    path = text_file(tmp_path / "ventas.csv", text)
    told = filled("retention", path, words=Options(renamed=renamed, once="Número de orden"))
    assert (column(told, "Orders", "amount"), told.currency) == ([120, 30], "ARS")
    mixed = text_file(tmp_path / "mixed.csv", text.replace("ARS;30", "USD;30"))
    with pytest.raises(SourceError, match="are in ARS and USD, which"):
        filled("retention", mixed, words=Options(renamed=renamed, once="Número de orden"))


def test_a_column_that_a_file_has_not_may_be_said_to_be_blank(tmp_path: Path) -> None:
    """A table of advertising without revenue, which a data set for exercises has."""
    text = "Date,Campaign group,Spent,Clicks,Age\n2024-01-05,A,10.5,3,30-34\n"
    path = text_file(tmp_path / "ads.csv", text)
    renamed = {"Campaign group": "campaign", "Spent": "cost"}
    some = {"channel": "Meta", "conversions": ""}
    with pytest.raises(
        SourceError, match=r'--map "Their name=revenue", or .* none, as in --set revenue='
    ):
        filled("campaigns", path, words=Options(renamed=renamed, set=some))
    words = Options(renamed=renamed, set={**some, "revenue": ""})
    told = filled("campaigns", path, words=words)
    assert (column(told, "Ads", "cost"), column(told, "Ads", "revenue")) == ([10.5], [None])
    text_file(path, text.replace("Date,", "When,"))  # without days it is no table
    with pytest.raises(SourceError, match=r'as in --map "Their name=date"$'):
        filled("campaigns", path, words=words)


def test_orders_that_all_wait_for_their_payment_say_how_they_count(tmp_path: Path) -> None:
    """Shops whose customers pay the courier never have another status."""
    path = text_file(
        tmp_path / "shopify.csv",
        SHOPIFY_ORDERS + "#1,a@x.com,pending,PKR,1500,2024-01-05,0\n"
        "#2,b@x.com,voided,PKR,900,2024-01-06,0\n#3,b@x.com,pending,PKR,700,2024-01-06,0\n",
    )
    said_so = refusal("retention", path)
    assert "2 orders pending (2,200.00); 1 order voided (900.00). If those count" in said_so
    assert said_so.endswith('say --where "Financial Status=pending"')
    told = filled("retention", path, words=said(where="Financial Status=pending"))
    assert column(told, "Orders", "amount") == [1500, 700]
    path.write_text(path.read_text().replace("pending", "voided"), encoding="utf-8")
    assert refusal("retention", path).endswith("3 orders voided (3,100.00)")


@pytest.mark.parametrize(
    ("prices", "same", "sold", "said"),
    [
        ([29], True, 40, ""),  # alike on every other day, too
        ([29, 39], False, 40, ""),
        ([29, 39, 99], True, 40, "refused"),
        ([29], True, 4, "4 rows of the day and the amount of an order in 2.csv (116.00): if"),
    ],
)
def test_shops_with_few_prices_have_orders_alike_by_chance(
    prices: list[float], same: bool, sold: int, said: str, tmp_path: Path
) -> None:
    """Orders of many days, or of a few, in a shop and in a table with the customers' names."""
    days = days_from(0, 40) if sold == 40 else [days_from(0, 40)[n] for n in (1, 7, 12, 30)]
    price, other = (random.Random(seed).choices(prices, k=sold) for seed in (1, 1 if same else 2))
    shop = shopify_days(
        *((f"{n}@x.com", day, price[n % sold]) for n, day in enumerate(days * (sold // 40 + 1)))
    )
    own = "order,customer,date,amount\n" + "".join(
        f"A{n},buyer {n},{day},{amount}\n"
        for n, (day, amount) in enumerate(zip(days[:30], other, strict=False))
    )
    files = files_of(tmp_path, shop, own)
    if said == "refused":
        assert "seem to have the same orders (2024-01-" in refusal("retention", *files)
        return
    told = filled("retention", *files)
    assert len(column(told, "Orders", "order")) == {40: 80 + 30, 4: 4 + 4}[sold]
    assert ("of the day and the amount" in told.notes[0].remarks()) == bool(said)
    assert said in told.notes[0].remarks()


def test_customers_of_two_shops_buy_in_both_on_a_day_by_chance(tmp_path: Path) -> None:
    """Everybody buys every second day in one shop, every third day in the other, for one price."""
    names = [f"{n}@x.com" for n in range(10)]
    bought = [(name, day, 9) for name in names for day in days_from(0, 60)]
    shop = shopify_days(*bought[::2])
    woo = WOO_ORDERS.partition("\n")[0] + "".join(
        f"\nW{n},{day},Completed,{name},{amount},USD"
        for n, (name, day, amount) in enumerate(bought[::3])
    )
    told = filled("retention", *files_of(tmp_path, shop, woo))
    assert len(column(told, "Orders", "order")) == 300 + 200
    same = WOO_ORDERS.partition("\n")[0] + f"\nW1,{bought[0][1]},Completed,{names[0]},9,USD"
    files = files_of(tmp_path, shopify_days(*bought[:1], ("z@x.com", "2024-03-01", 9)), same)
    assert "seem to have the same orders (0@x.com" in refusal("retention", *files)


PAYMENTS = (
    "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Customer Email,Description"
)


@pytest.mark.parametrize(
    "text",
    ["Plan {plan} months", "Invoice {n}", "Invoice 2024-{n:04}", "Order {other}", "Order {order}"],
)
def test_numbers_in_payments_are_of_orders_where_they_fit(text: str, tmp_path: Path) -> None:
    """Subscriptions have numbers of invoices and of months, which are small, as those of orders."""
    prices = [29, 49, 19, 35, 49, 29, 19]
    shop = shopify_days(
        *((f"{n}@x.com", day, prices[n % 7]) for n, day in enumerate(days_from(0, 60)))
    )
    shop = shop.replace("\n#", "\n#20")
    if "order" not in text and "other" not in text:
        shop = shop.replace("\n#20", "\n#")
    paid = [
        f"\nch_{n},{day} 10:00:00,{prices[(n + (n % 3) * ('order' not in text)) % 7]},0,usd,Paid,"
        f"cus_{n},s{n}@y.com,"
        + text.format(n=n + 7, plan=(3, 12)[n % 2], other=9000 + n, order=f"20{n + 1}")
        for n, day in enumerate(days_from(7 if "order" not in text else 0, 20))
    ]
    files = files_of(tmp_path, shop, PAYMENTS + "".join(paid))
    if "order" in text:
        assert "seem to have the same orders (20" in refusal("retention", *files)
    else:
        assert len(column(filled("retention", *files), "Orders", "order")) == 60 + 20


TEN_DAYS_APART = [str(date(2024, 1, 1) + timedelta(days=10 * n)) for n in range(9)]


@pytest.mark.parametrize(
    ("prices", "rate", "others", "same"),
    [
        (range(40, 49), 0.9, 0, True),  # in another currency, most of them
        ([29] * 9, 1, 10, True),  # of one price, a few of them
        (range(40, 49), 0.9, 10, False),  # a few of them, in other amounts
    ],
)
def test_payments_name_orders_by_their_amount_or_their_days(
    prices: Sequence[float], rate: float, others: int, same: bool, tmp_path: Path
) -> None:
    """Four of the nine orders are paid; their customers have other addresses there."""
    days = TEN_DAYS_APART
    orders = [
        (f"{n}@x.com", day, price) for n, (day, price) in enumerate(zip(days, prices, strict=True))
    ]
    shop = shopify_days(*orders).replace("\n#", "\n#200")
    paid = [
        (day, price * rate, f"Order 200{n + 1}") for n, (_, day, price) in enumerate(orders[:4])
    ]
    paid += [(f"2024-05-{n + 1:02}", 70 + n, "Tip") for n in range(others)]
    file = PAYMENTS + "".join(
        f"\nch_{n},{day} 10:00:00,{amount:.2f},0,usd,Paid,cus_{n},s{n}@y.com,{text}"
        for n, (day, amount, text) in enumerate(paid)
    )
    files = files_of(tmp_path, shop, file)
    if same:
        assert "seem to have the same orders (2001)" in refusal("retention", *files)
    else:
        assert len(column(filled("retention", *files), "Orders", "order")) == 9 + 14


def test_a_plan_of_three_months_names_no_third_order(tmp_path: Path) -> None:
    orders = [(f"{n}@x.com", day, 40 + n) for n, day in enumerate(TEN_DAYS_APART)]
    paid = "\nch_1,2024-06-01 10:00:00,42,0,usd,Paid,cus_1,s@y.com,Plan 3 months"
    files = files_of(tmp_path, shopify_days(*orders), PAYMENTS + paid)
    assert len(column(filled("retention", *files), "Orders", "order")) == 9 + 1


def test_the_same_orders_may_have_the_day_of_another_clock(tmp_path: Path) -> None:
    orders = [(f"{n}@x.com", day, 40 + n) for n, day in enumerate(TEN_DAYS_APART)]
    woo = WOO_ORDERS.partition("\n")[0] + "".join(
        f"\nW{n},{date.fromisoformat(day) + timedelta(days=1)},Completed,{name},{amount},USD"
        for n, (name, day, amount) in enumerate(orders[:6])
    )
    files = files_of(tmp_path, shopify_days(*orders), woo)
    assert "seem to have the same orders (0@x.com" in refusal("retention", *files)


def test_the_number_of_an_order_may_stand_in_either_column(tmp_path: Path) -> None:
    """Debits are collected days later, and the column of references is blank."""
    orders = "".join(f"{1000 + n},c{n % 7}@x.com,2024-01-{n + 1:02},{20 + n}\n" for n in range(20))
    shop = text_file(tmp_path / "shop.csv", f"order,customer,date,amount\n{orders}")
    head = "id,charge_date,amount,description,status,amount_refunded,reference,links.mandate,"
    for rows in ("PM{n},2024-01-{day:02},{worth},Order {order},paid_out,0,,MD,CU{who}\n",
                 "PM{n},2024-01-{day:02},{worth},,paid_out,0,R-{order},MD,CU{who}\n"):  # fmt: skip
        debits = "".join(
            rows.format(n=n, day=n + 3, worth=20 + n, order=1000 + n, who=n % 7) for n in range(20)
        )
        path = text_file(tmp_path / "debits.csv", f"{head}links.customer\n{debits}")
        assert "seem to have the same orders" in refusal("retention", shop, path)


def test_payments_in_another_amount_that_name_orders_are_told(tmp_path: Path) -> None:
    """A few of many orders of a day: who knows whether those are their numbers."""
    days = [day for day in days_from(0, 5) for _ in range(20)]
    shop = shopify_days(*((f"{n}@x.com", day, 10 + n) for n, day in enumerate(days)))
    paid = [
        f"\nch_{n},{days[n]} 10:00:00,{3 + n / 7:.2f},0,usd,Paid,cus_{n},,No. {n + 1}"
        for n in range(20, 60, 3)
    ]
    told = filled("retention", *files_of(tmp_path, shop, PAYMENTS + "".join(paid)))
    assert "numbers of orders that stand in 1.csv or here (21 ...): if" in told.notes[1].remarks()


def test_a_contradiction_names_the_column_that_both_files_have(tmp_path: Path) -> None:
    own = "month,ad_spend,revenue\n2024-01-01,999,5000\n"
    with pytest.raises(SourceError, match=r"\(ad_spend\).*or the column ad_spend of one"):
        filled("scorecard", *files_of(tmp_path, GOOGLE_MONTHS, own))


OWN_PAYMENTS = """
name = "Ours"
vendor = "We"
table = "Orders"
amount = "total - refunded"
refunds = {what = "back"}
[[header]]
signature = ["No", "Paid by"]
columns.order = "No"
columns.reference = "Of"
columns.customer = "Paid by"
columns.date = "Day"
columns.total = "Sum"
columns.what = "What"
"""


@pytest.mark.parametrize(
    ("header", "amounts", "fault"),
    [
        ("No,Paid by,Day,Sum,What,Of", [7.0], ""),
        ("No,Paid by,Day,Sum,What,Beside", [], "row 3 gives money back, .* export of, too"),
        ("No,Paid by,Day,Sum,Kind,Beside", [10.0, -3.0], ""),  # nothing says what a row is
    ],
)
def test_payments_in_a_layout_of_ones_own(
    header: str, amounts: list[float], fault: str, tmp_path: Path
) -> None:
    own = layouts_of(OWN_PAYMENTS, "own.toml")
    tables = {table.name: table.columns for table in SCHEMAS["retention"].inputs}
    rows = "1,a@b.c,2024-01-05,10,paid,\n2,a@b.c,2024-01-06,-3,back,1\n"
    requests = [Request(text_file(tmp_path / "own.csv", f"{header}\n{rows}"))]
    if fault:
        with pytest.raises(SourceError, match=fault):
            read_files(requests, tables, own)
        return
    assert data(read_files(requests, tables, own))["Orders"]["amount"] == amounts


def test_refunds_in_a_layout_are_of_one_column_beside_an_amount() -> None:
    for wrong in ('{a = "x", b = "y"}', "{}"):
        with pytest.raises(SourceError, match=r"write refunds as .* of one column"):
            layouts_of(OWN_PAYMENTS.replace('{what = "back"}', wrong), "own.toml")
    with pytest.raises(SourceError, match=r"write refunds as .* of one column"):
        layouts_of(OWN_PAYMENTS.replace('amount = "total - refunded"', ""), "own.toml")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("customer,date,amount\na,2024-01-05,$10\n", "customer,date,amount\nb,2024-01-05,€20\n"),
        (
            "customer,date,amount,Currency\na,2024-01-05,10,USD\n",
            "customer,date,amount,Währung\nb,2024-01-05,20,EUR\n",
        ),
        (
            "customer,date,amount,Order currency\na,2024-01-05,10,USD\n",
            "customer,date,amount,currency_of_order\nb,2024-01-05,20,EUR\n",
        ),
    ],
)
def test_tables_of_ones_own_in_two_currencies_are_never_added_up(
    tmp_path: Path, one: str, other: str
) -> None:
    with pytest.raises(SourceError, match=r"are in (\$ and EUR|EUR and USD), which"):
        filled("retention", *files_of(tmp_path, one, other))
    rates = rates_of(text_file(tmp_path / "rates.csv", "currency,rate\nEUR,1.5\n$,1\nUSD,1\n"))
    told = filled("retention", *files_of(tmp_path, one, other), rates=rates, report_currency="USD")
    assert told.tables["Orders"].columns["amount"] == [10, 30]
    both = one + other.split("\n", 1)[1]
    for words in (None, said(set="status=paid")):
        with pytest.raises(SourceError, match=r"are in (\$ and EUR|EUR and USD), which"):
            filled("retention", *files_of(tmp_path, both), words=words)


def test_a_file_without_a_currency_is_told_beside_one_that_has_one(tmp_path: Path) -> None:
    """With rates it is asked; --currency, which holds for every such file, is told of each."""
    files = files_of(
        tmp_path, OWN_ORDERS, OWN_ORDERS.replace(",10", ",€7").replace(",20\n", ",€8\n")
    )
    plain, euros = filled("retention", *files).notes[::-1]
    assert "currency not said" in plain.left
    assert "EUR" in euros.taken
    rates = rates_of(text_file(tmp_path / "rates.csv", "currency,rate\nEUR,1.5\n"))
    with pytest.raises(SourceError, match=r"1.csv does not say its currency: say it with"):
        filled("retention", *files, rates=rates, report_currency="USD")
    alone = filled("retention", files[0], report_currency="USD")  # or that of what is counted
    assert "currency not said" in alone.notes[0].left
    told = filled("retention", files[0], words=said(currency="USD")).notes[0].remarks()
    assert "the file says no currency: USD is that of --currency" in told
    rows = "#1,a@x.com,paid,USD,10,2024-01-05,0\n#2,b@x.com,paid,,20,2024-01-06,0\n"
    file = text_file(tmp_path / "some.csv", SHOPIFY_ORDERS + rows)
    assert "1 row without a currency" in filled("retention", file).notes[0].remarks()
    told = filled("retention", file, words=said(currency="USD"))
    assert "without a currency" not in told.notes[0].remarks()


@pytest.mark.parametrize("words", [None, said(set="ad_group=")])
def test_costs_and_revenue_in_two_currencies_are_refused(
    tmp_path: Path, words: Options | None
) -> None:
    """Each has a column that says its own; a ROAS of 20 EUR by 10 USD is none."""
    header = "date,channel,campaign,cost,cost currency,revenue,revenue currency\n"
    file = text_file(tmp_path / "a.csv", f"{header}2024-01-05,A,B,10,USD,20,EUR\n")
    with pytest.raises(SourceError, match="cost is USD; revenue is EUR"):
        filled("campaigns", file, words=words)
    file = text_file(tmp_path / "a.csv", f"{header}2024-01-05,A,B,10,USD,20,USD\n")
    assert filled("campaigns", file, words=words).currency == "USD"


def test_a_column_of_rates_says_no_currency(tmp_path: Path) -> None:
    table = "customer,date,amount,currency rate\na,2024-01-05,10,1.08\nb,2024-01-05,20,1.1\n"
    file = text_file(tmp_path / "a.csv", table)
    assert filled("retention", file, words=said(set="status=")).currency == ""
    file = text_file(tmp_path / "b.csv", table.replace("currency rate", "Currency note"))
    assert filled("retention", file, words=said(set="status=")).currency == ""


def test_parquet_in_two_currencies_is_never_added_up(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    paths = [tmp_path / "dollars.parquet", tmp_path / "euros.parquet"]
    for path, currency in zip(paths, ("USD", "EUR"), strict=True):
        row = {"customer": currency, "date": "2024-01-05", "amount": 10.0, "currency": currency}
        pandas.DataFrame([row]).to_parquet(path)
    with pytest.raises(SourceError, match="are in EUR and USD, which"):
        filled("retention", *paths)


PIPEDRIVE_DEALS = (
    "Deal - ID,Deal - Title,Deal - Owner,Deal - Value,Deal - Status,Deal - Deal created,"
    "Deal - Won time,Deal - Lost time\n"
    "9001,Zoe,Bo,5000,Won,2024-01-11 09:00:00,2024-02-02 10:00:00,\n"
)


def test_two_vendors_equal_sums_are_not_the_same(tmp_path: Path) -> None:
    """A deal of 5,000 in each CRM in the week of 29 January: 10,000 in two deals."""
    files = files_of(tmp_path, HUBSPOT_DEALS, PIPEDRIVE_DEALS)
    weeks = filled("sales_team", *files).tables["Weeks"].columns
    assert (weeks["rep"], weeks["week"]) == (["Bo"], [date(2024, 1, 29)])
    assert (weeks["sales"], weeks["deals"]) == ([10_000], [2])
    leads = filled("funnel", *files).tables["Leads"].columns
    assert leads["lead_id"] == [9001, "9001 (Pipedrive)"]
    assert leads["value"] == [5000, 5000]
    with pytest.raises(SourceError, match=r"has the same for 2024-01-01 as .*1.csv \(leads\)"):
        filled("scorecard", *files)


def test_deals_that_two_crms_have_are_refused(tmp_path: Path) -> None:
    hubspot = HUBSPOT_DEALS + "9002,Eve,Closed Won,2024-02-09,Al,700,2024-01-12\n"
    pipedrive = PIPEDRIVE_DEALS.replace("2024-02-02", "2024-02-03") + (
        "7,Eve,Al,700,Won,2024-01-12 09:00:00,2024-02-09 10:00:00,\n"
    )
    for name in ("sales_team", "funnel"):
        with pytest.raises(SourceError, match=r"seem to have the same deals \(Al, 2024-02-09, 700"):
            filled(name, *files_of(tmp_path, hubspot, pipedrive))


def test_equal_deals_at_the_end_of_a_month_are_not_the_same(tmp_path: Path) -> None:
    """One price, one owner, one day of the month: deals of two CRMs are alike by that."""
    months = [f"2024-0{month}-28" for month in (2, 3, 4)]
    hubspot = HUBSPOT_DEALS.partition("\n")[0] + "".join(
        f"\n9{n}0,D{n},Closed Won,{months[n % 3]},Al,1000,2024-01-10" for n in range(9)
    )
    pipedrive = PIPEDRIVE_DEALS.partition("\n")[0] + "".join(
        f"\n{n},P{n},Al,1000,Won,2024-01-12 09:00:00,{months[n % 3]} 10:00:00," for n in range(3)
    )
    told = filled("funnel", *files_of(tmp_path, hubspot, pipedrive))
    assert total(told, "Leads", "value") == 12_000


GOOGLE_DAY = (
    "Day,Campaign,Campaign type,Impr.,Clicks,Cost,Conversions,Conv. value\n"
    "2024-01-01,Brand,Search,1000,50,100.00,5.00,500.00\n"
)
MICROSOFT_DAY = (
    "Gregorian date,Account name,Campaign name,Campaign type,Impressions,Clicks,Spend,Conversions,"
    "Revenue\n1/1/2024,A,Brand,Search,1000,50,100.00,5,500.00\n"
)


def test_two_platforms_with_one_channel_are_added_up(tmp_path: Path) -> None:
    """Search of Google and of Microsoft cost 100 each: 200, and two rows of days."""
    files = files_of(tmp_path, GOOGLE_DAY, MICROSOFT_DAY.replace("Campaign type", "Channel"))
    spend = filled("funnel", *files).tables["Spend"].columns
    assert (spend["channel"], spend["spend"]) == (["Search"], [200])
    # Where one has no column of channels, its vendor is the channel.
    unnamed = text_file(tmp_path / "google.csv", GOOGLE_DAY.replace("type", "state"))
    spend = filled("funnel", unnamed, files[1]).tables["Spend"].columns
    assert (spend["channel"], spend["spend"]) == (["Google Ads", "Search"], [100, 100])
    ads = filled("campaigns", *files).tables["Ads"].columns
    assert (ads["campaign"], ads["cost"]) == (["Brand", "Brand"], [100, 100])
    files[1].write_text(MICROSOFT_DAY.replace("Campaign type", "Channel").replace("100.00", "90"))
    assert filled("campaigns", *files).tables["Ads"].columns["cost"] == [100, 90]
    later = text_file(tmp_path / "later.csv", GOOGLE_DAY.replace("100.00", "80.00"))
    for some in ((files[0], later, files[1]), (*files, later)):
        with pytest.raises(SourceError, match=r"has other values for .*Brand.* \(cost\)"):
            filled("campaigns", *some)


# Rows that do not add up


GA4 = "# ----\n# Traffic acquisition\n# {name}\n# Start date: {start}\n# End date: {end}\n"
BY_CHANNEL = "Session default channel group,Sessions,Engaged sessions,Total revenue\n"


def ga4(
    path: Path, rows: str, name: str = "All Users", start: str = "20240101", end: str = "20240131"
) -> Path:
    return text_file(path, GA4.format(name=name, start=start, end=end) + rows)


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        ("campaigns", "Day,Asset,Campaign,Currency code,Clicks,Impr.,Cost\n"
         "2024-01-01,One,Brand,EUR,10,100,20\n2024-01-01,Two,Brand,EUR,10,100,20\n",
         "Asset"),
        ("campaigns", "Day,Campaign,Search term,Currency code,Clicks,Impr.,Cost\n"
         "2024-01-01,Brand,shoes,EUR,10,100,20\n2024-01-01,Brand,red shoes,EUR,9,90,18\n"
         "Total: Account,,,EUR,50,500,100\n", "Search term"),
        ("campaigns", "Day,Campaign,Conversion action,Currency code,Clicks,Impr.,Cost,Conversions\n"
         "2024-01-01,Brand,Purchase,EUR,0,0,0,2\n2024-01-01,Brand,Lead,EUR,0,0,0,1\n",
         "Conversion action"),
        ("campaigns", "Tag,Kampagne,Conversion-Aktion,Klicks,Impr.,Kosten,Conversions\n"
         "2024-01-01,Marke,Kauf,0,0,0,2\n2024-01-01,Marke,Lead,0,0,0,1\n", "Conversion-Aktion"),
        ("scorecard", f"Event name,{BY_CHANNEL}view,Direct,100,60,0\npurchase,Direct,5,5,500\n",
         "Event name"),
        ("scorecard", f"Page path and screen class,{BY_CHANNEL}/,Direct,9,6,0\n/a,Direct,8,5,0\n",
         "Page path and screen class"),
        ("scorecard", f"Segment,{BY_CHANNEL}All Users,Direct,100,60,0\nMobile,Direct,70,50,0\n",
         "Segment"),
        ("funnel", "Year month,Default channel group,Sessions\n202401,Direct,10\n202401,Email,2\n",
         "Default channel group"),
    ],
)  # fmt: skip
def test_rows_by_what_does_not_add_up_are_refused(
    name: str, text: str, column: str, tmp_path: Path
) -> None:
    path = ga4(tmp_path / "export.csv", text)
    told = refusal(name, path)
    assert told.startswith(f'{path} has rows by "{column}", which do not add up')
    assert "\n" not in told


def test_of_rows_by_what_does_not_add_up_one_value_may_be_there(tmp_path: Path) -> None:
    one, other = "All Users,Direct,100,60,0\n", "Mobile,Direct,70,50,0\n"
    alone = ga4(tmp_path / "alone.csv", f"Segment,{BY_CHANNEL}{one}")
    assert column(filled("scorecard", alone), "Months", "visits") == [100]
    both = ga4(tmp_path / "both.csv", f"Segment,{BY_CHANNEL}{one}{other}")
    words = options_from([("where", "Segment=All Users")])
    assert column(filled("scorecard", both, words=words), "Months", "visits") == [100]


def test_blocks_of_compared_visits_are_not_added_up(tmp_path: Path) -> None:
    rows = f"{BY_CHANNEL}Organic Search,100,60,500\nDirect,60,30,200\n"
    first = ga4(tmp_path / "first.csv", rows)
    assert column(filled("scorecard", first), "Months", "visits") == [160]
    mobile = ga4(tmp_path / "mobile.csv", f"{BY_CHANNEL}Direct,30,10,100\n", "Mobile traffic")
    later = ga4(tmp_path / "later.csv", f"{BY_CHANNEL}Direct,30,10,100\n", start="20240201")
    for other, line in ((mobile, "# Mobile traffic"), (later, "# Start date: 20240201")):
        path = text_file(tmp_path / "both.csv", first.read_text() + "\n" + other.read_text())
        assert refusal("scorecard", path).startswith(
            f'{path}, row 15 begins another block, under "{line}", which does not add up'
        )
    # Where rows have their months, files of two periods may be joined to one.
    by_month = "Year month,Sessions,New users\n2024{},{},1\n".format
    january = ga4(tmp_path / "january.csv", by_month("01", 160))
    february = ga4(tmp_path / "february.csv", by_month("02", 30), start="20240201", end="20240229")
    path = text_file(tmp_path / "joined.csv", f"{january.read_text()}\n{february.read_text()}")
    assert column(filled("scorecard", path), "Months", "visits") == [160, 30]
    # Those of other visits may not.
    some = ga4(tmp_path / "some.csv", by_month("02", 30), "Mobile traffic", start="20240201")
    path = text_file(tmp_path / "joined.csv", f"{january.read_text()}\n{some.read_text()}")
    assert 'begins another block, under "# Mobile traffic"' in refusal("scorecard", path)


AGES = (
    "Campaign name,Day,Age,Amount spent (EUR),Impressions,Link clicks\n"
    "A,2024-01-01,{all},100,1007,10\nA,2024-01-01,18-24,40,404,4\nA,2024-01-01,25-34,60,603,6\n"
    "A,2024-01-02,{all},70,705,7\nA,2024-01-02,18-24,30,302,3\nA,2024-01-02,25-34,40,403,4\n"
)


@pytest.mark.parametrize("whole", ["", "All"])
def test_totals_among_the_rows_are_refused(whole: str, tmp_path: Path) -> None:
    path = text_file(tmp_path / "ages.csv", AGES.format(all=whole))
    assert refusal("campaigns", path) == (
        f"{path}, row 2 has what other rows of the same day and name come to together: with such"
        " totals among the rows (2), all would count twice. Export it without them, or delete them"
    )
    assert "row 2 has what" in refusal("funnel", path)
    # On most days nothing is the sum of the others.
    more = "".join(
        f"A,2024-01-0{day},{age},{cost},{cost * 10},{cost}\n"
        for day in (3, 4, 5)
        for age, cost in (("13-17", 50 + day), ("18-24", 41), ("25-34", 61))
    )
    told = filled("campaigns", text_file(tmp_path / "ages.csv", AGES.format(all=whole) + more))
    assert total(told, "Ads", "cost") == 340 + 3 * 102 + 53 + 54 + 55 + 0
    plain = "\n".join(line for line in AGES.split("\n") if "{all}" not in line)
    told = filled("campaigns", text_file(tmp_path / "ages.csv", plain))
    assert column(told, "Ads", "cost") == [100, 70]


DEVICES = (
    "Day,Campaign,Campaign type,Device,Impr.,Clicks,Cost\n"
    "2024-01-01,A,Search,Mobile,{},{},{}\n2024-01-01,A,Search,Desktop,{},{},{}\n"
    "2024-01-01,A,Search,Tablet,{},{},{}\n"
)


def test_a_row_that_may_be_the_sum_of_others_by_chance_is_told(tmp_path: Path) -> None:
    """30 is 10 and 20, as 3 is 1 and 2; that 3107 is 1044 and 2063 is no chance."""
    few = text_file(tmp_path / "few.csv", DEVICES.format(300, 3, 30, 100, 1, 10, 200, 2, 20))
    told = filled("campaigns", few)
    assert total(told, "Ads", "cost") == 60
    assert "row 2 has what the other rows of its day and name come to" in told.notes[0].remarks()
    assert "row 2 has what" in filled("funnel", few).notes[0].remarks()
    many = DEVICES.format(3107, 3, 30, 1044, 1, 10, 2063, 2, 20)
    assert "all would count twice" in refusal("campaigns", text_file(tmp_path / "many.csv", many))


def test_a_test_of_two_mailings_and_their_sum_are_refused(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "klaviyo.csv",
        "Campaign Name,Variant Name,List,Send Time,Total Recipients,Unique Placed Order,Revenue,"
        "Unique Opens,Unique Clicks,Successful Deliveries\n"
        "C1,,L,2024-01-05 10:00:00,1000,10,500,301,50,987\n"
        "C1,A,L,2024-01-05 10:00:00,500,6,250,161,25,493\n"
        "C1,B,L,2024-01-05 10:00:00,500,4,250,140,25,494\n",
    )
    assert "row 2 has what other rows" in refusal("campaigns", path)


def test_a_test_of_mailings_with_titles_of_their_own_is_refused(tmp_path: Path) -> None:
    """The first is the other two; the fourth is of another day, and nothing of the fifth's."""
    path = text_file(
        tmp_path / "mailchimp.csv",
        "Title,List,Send Date,Total Recipients,Successful Deliveries,Unique Opens,Unique Clicks\n"
        'Spring (A/B),L,"Jan 15, 2024 10:00 am",1000,987,301,50\n'
        'Spring - combination 1,L,"Jan 15, 2024 10:00 am",500,493,161,25\n'
        'Spring - combination 2,L,"Jan 15, 2024 10:00 am",500,494,140,25\n'
        'News,L,"Jan 22, 2024 10:00 am",1000,990,400,60\n'
        'News,M,"Jan 22, 2024 10:00 am",700,690,200,20\n'
        'Thanks,M,"Jan 22, 2024 11:00 am",300,290,150,40\n',
    )
    assert 'row 2, "Spring (A/B)", has what the other mailings' in refusal("campaigns", path)
    path.write_text(path.read_text().replace("1000,987,301,50", "1000,987,302,50"))
    assert total(filled("campaigns", path), "Ads", "sent") == 4000


def test_rows_that_come_to_more_than_their_total_say_why(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "pages.csv",
        "Отчёт за период с 2024-01-01 по 2024-01-31\nАдрес страницы;Визиты;Посетители\n"
        "Итого и средние;100;80\n/;90;70\n/shop;50;40\n",
    )
    told = refusal("scorecard", path)
    assert 'its total of "Визиты" is 100, but the rows come to 140: something counts' in told


OWN_ADS = "date,campaign,channel,impressions,clicks,cost,conversions,revenue\n"


def test_a_table_of_ones_own_does_not_count_a_vendors_day_again(tmp_path: Path) -> None:
    meta = text_file(
        tmp_path / "meta.csv",
        "Campaign name,Ad set name,Day,Amount spent (EUR),Impressions,Link clicks\n"
        "A,s1,2024-01-01,40,400,4\nA,s2,2024-01-01,60,600,6\n",
    )
    for campaign in ("A", ""):
        rows = f"2024-01-01,{campaign},Meta,1000,10,100,2,200\n"
        own = text_file(tmp_path / "own.csv", OWN_ADS + rows)
        assert "which would count twice" in refusal("campaigns", meta, own)
    own = text_file(tmp_path / "own.csv", OWN_ADS + "2024-01-01,N,Radio,1000,10,100,2,200\n")
    assert total(filled("campaigns", meta, own), "Ads", "cost") == 200


# Deals and payments that are not what their stage or status seems to say


def test_a_deal_that_was_won_and_is_lost_now_is_lost(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "pipedrive.csv",
        "Deal - ID,Deal - Owner,Deal - Value,Deal - Currency,Deal - Status,Deal - Deal created,"
        "Deal - Won time,Deal - Lost time\n"
        "1,O,100,EUR,Lost,2024-01-05 10:00:00,2024-02-01 10:00:00,2024-02-05 10:00:00\n"
        "2,O,10,EUR,Won,2024-01-05 10:00:00,2024-02-01 10:00:00,2024-01-20 10:00:00\n"
        "3,O,1,EUR,Open,2024-01-05 10:00:00,2024-02-01 10:00:00,\n",
    )
    told = filled("funnel", path)
    assert column(told, "Leads", "won_date") == [None, date(2024, 2, 1), None]
    assert column(told, "Leads", "lost_date") == [date(2024, 2, 5), None, None]
    assert '"Deal - Won time" of 2 leads left out, whose status is another' in told.notes[0].left
    sales = filled("sales_team", path)
    assert column(sales, "Weeks", "sales") == [0, 10]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("Record ID,Deal Stage,Close Date,Create Date,Amount,Is Closed Won,Is Deal Closed?",
         ("1,Signed,2024-02-01,2024-01-05,100,true,true",
          "2,No go,2024-02-02,2024-01-05,10,false,true",
          "3,Won over,2024-12-02,2024-01-05,1,false,false")),
        ("Record ID,Deal Stage,Close Date,Create Date,Amount,Is Closed Won,Is closed lost",
         ("1,Signed,2024-02-01,2024-01-05,100,true,false",
          "2,No go,2024-02-02,2024-01-05,10,false,true",
          "3,Won over,2024-12-02,2024-01-05,1,false,false")),
        ("Opportunity Name,Stage,Close Date,Created Date,Amount,Won,Closed",
         ("1,Signed,2024-02-01,2024-01-05,100,1,1", "2,No go,2024-02-02,2024-01-05,10,0,1",
          "3,Meeting,2024-12-02,2024-01-05,1,0,0")),
    ],
)  # fmt: skip
def test_stages_of_other_names_are_won_or_lost_as_the_file_says(
    header: str, rows: tuple[str, ...], tmp_path: Path
) -> None:
    told = filled("funnel", text_file(tmp_path / "deals.csv", "\n".join([header, *rows])))
    assert column(told, "Leads", "won_date") == [date(2024, 2, 1), None, None]
    assert column(told, "Leads", "lost_date") == [None, date(2024, 2, 2), None]


def test_a_closed_deal_of_which_nobody_says_more_is_refused(tmp_path: Path) -> None:
    header = "Opportunity Name,Stage,Close Date,Created Date,Amount,Closed\n"
    deal = "{},Signed,2024-02-01,2024-01-05,100,{}\n"
    path = text_file(tmp_path / "deals.csv", header + deal.format(1, 0))
    assert column(filled("funnel", path), "Leads", "won_date") == [None]
    path = text_file(tmp_path / "deals.csv", header + deal.format(2, 1))
    assert "nobody knows whether deals with Signed are won, lost or" in refusal("funnel", path)


def test_an_amount_in_the_companys_currency_is_not_in_that_of_the_deal(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "deals.csv",
        "Record ID,Deal Stage,Close Date,Create Date,Amount in company currency,Currency\n"
        "1,Closed Won,2024-02-01,2024-01-05,100,USD\n2,Closed Won,2024-02-01,2024-01-05,50,EUR\n",
    )
    told = filled("funnel", path)
    assert (total(told, "Leads", "value"), told.currency) == (150, "")


DISPUTES = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Mode,Status,Customer ID,"
    "Disputed Amount,Dispute Status\n"
)


def test_payments_in_test_mode_and_what_was_lost_in_disputes_are_left_out(tmp_path: Path) -> None:
    """Of 100 with 30 lost 70 stay, and of 100 with 20 refunded and 30 lost 50.

    What the bank has not decided counts.
    """
    rows = (
        "ch_1,2024-01-05 10:00,20,0,eur,Live,Paid,c1,,\n"
        "ch_2,2024-01-05 10:00,30,0,eur,Live,Paid,c2,30,lost\n"
        "ch_3,2024-01-05 10:00,40,0,eur,Test,Paid,c3,,\n"
        "ch_4,2024-01-05 10:00,50,0,eur,Live,Paid,c4,50,won\n"
        "ch_5,2024-01-05 10:00,100,0,eur,Live,Paid,c5,30,lost\n"
        "ch_6,2024-01-05 10:00,100,20,eur,Live,Partially Refunded,c6,30,Lost\n"
        "ch_7,2024-01-05 10:00,60,20,eur,Live,Partially Refunded,c7,60,lost\n"
        "ch_8,2024-01-05 10:00,80,0,eur,Live,Paid,c8,70,under_review\n"
        "ch_9,2024-01-05 10:00,90,0,eur,Live,Paid,c9,90,warning_closed\n"
    )
    told = filled("retention", text_file(tmp_path / "stripe.csv", DISPUTES + rows))
    assert column(told, "Orders", "amount") == [20, 50, 70, 50, 80, 90]
    assert {
        "1 order with Mode Test (40.00)",
        "2 orders lost in disputes (90.00)",
        "60.00 lost in disputes",
        "20.00 refunded",
        "1 order with Dispute Status under_review (70.00 disputed), which count until they are"
        " lost",
    } <= set(told.notes[0].left)


def test_amounts_that_the_user_names_are_after_disputes(tmp_path: Path) -> None:
    header = DISPUTES.replace("Mode", "Kept")
    row = "ch_1,2024-01-05,100,0,eur,70,Paid,c1,30,lost\n"
    path = text_file(tmp_path / "stripe.csv", header + row)
    told = filled("retention", path, words=options_from([], {"Kept": "amount"}))
    assert column(told, "Orders", "amount") == [70]
    assert "without taking off 30.00 refunded" in told.notes[0].remarks()
    assert "; 30.00 lost" not in told.notes[0].remarks()
    assert "-30.00" not in told.notes[0].remarks()


def test_what_was_lost_in_disputes_is_in_the_currency_of_the_payment(tmp_path: Path) -> None:
    """30 of 100 dollars, which were 90 euros: 63 stay."""
    header = DISPUTES.replace("Mode", "Converted Amount,Converted Amount Refunded,"
                              "Converted Currency")  # fmt: skip
    row = "ch_1,2024-01-05,100,0,usd,90,0,eur,Paid,c1,30,lost\n"
    told = filled("retention", text_file(tmp_path / "stripe.csv", header + row))
    assert (column(told, "Orders", "amount"), told.currency) == ([63], "EUR")


def test_a_lost_dispute_without_its_amount_is_refused(tmp_path: Path) -> None:
    row = "ch_1,2024-01-05,100,0,eur,Live,Paid,c1,{}\n"
    wanted = (
        "it is lost, and nothing says how much of it was lost .1 order.: export disputed amount"
    )
    for text in (DISPUTES + row.format(",lost"),
                 DISPUTES.replace("Disputed Amount,", "") + row.format("lost")):  # fmt: skip
        assert re.search(wanted, refusal("retention", text_file(tmp_path / "stripe.csv", text)))


CARDS = (
    "Name,Email,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Created at,Refunded Amount,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem taxable,Payment Method\n"
)


def test_gift_cards_count_when_they_are_spent(tmp_path: Path) -> None:
    """A card of 50 was sold and spent, two of 25 sold beside goods of 100 and 10 of tax.

    Of an order with cards and goods a part went back, and nobody knows of which.
    """
    rows = (
        "1,a@x.com,paid,EUR,50,0,0,50,2024-01-05,0,1,Gift Card - €50.00,50,false,Shopify Payments\n"
        "2,b@x.com,paid,EUR,50,0,0,50,2024-01-06,0,1,Mug,50,true,gift_card\n"
        "3,c@x.com,paid,EUR,150,0,10,160,2024-01-07,0,2,Geschenkgutschein,25,false,Cash\n"
        "3,c@x.com,,,,,,,2024-01-07,,1,Gift card holder,100,false,\n"
        "4,c@x.com,partially_refunded,EUR,60,0,0,60,2024-01-07,30,1,Gift card,25,false,\n"
        "4,c@x.com,,,,,,,2024-01-07,,1,Mug,35,true,\n"
        "5,c@x.com,paid,EUR,30,0,0,30,2024-01-08,0,1,Hand-drawn gift card,30,true,\n"
        "6,c@x.com,paid,EUR,30,0,0,30,2024-01-08,0,1,Mug,30,true,bogus\n"
    )
    path = text_file(tmp_path / "orders.csv", CARDS + rows)
    told = filled("retention", path)
    assert column(told, "Orders", "amount") == [50, 110, None, 30]
    assert {
        "1 order of gift cards, which count when they are spent (50.00)",
        "1 order with Payment Method bogus (30.00)",
        "75.00 of gift cards in 2 orders of other things, too, taken off",
    } <= set(told.notes[0].left)
    told = filled("retention", path, words=Options(net=True))
    assert column(told, "Orders", "amount") == [50, 100, None, 30]
    named = options_from([], {"Subtotal": "amount"})
    assert column(filled("retention", path, words=named), "Orders", "amount") == [50, 100, None, 30]
    own = text_file(tmp_path / "own.csv", (CARDS + rows).replace("EUR,150,", "EUR,40,"))
    assert column(filled("retention", own, words=named), "Orders", "amount")[:2] == [50, 40]


def test_what_is_paid_with_gift_cards_is_told_where_none_was_sold(tmp_path: Path) -> None:
    row = "2,b@x.com,paid,EUR,50,0,0,50,2024-01-06,0,1,Mug,50,true,{}\n"
    told = filled("retention", text_file(tmp_path / "a.csv", CARDS + row.format("gift_card")))
    wanted = "1 order paid with gift cards, which count: if some were sold here, under other names"
    assert wanted in told.notes[0].remarks()
    told = filled("retention", text_file(tmp_path / "a.csv", CARDS + row.format("Cash")))
    assert "gift cards" not in told.notes[0].remarks()


def test_gift_cards_of_a_till_count_when_they_are_spent(tmp_path: Path) -> None:
    """Of 31.16 collected 20 were for a gift card; another of 5 went back."""
    path = as_written(
        "square.csv",
        tmp_path / "s.csv",
        ("$27.00,$0.00,$2.16", "$7.00,$20.00,$2.16"),
        ("-$5.00,$0.00,$0.00", "$0.00,-$5.00,$0.00"),
    )
    told = filled("retention", path)
    assert column(told, "Orders", "amount") == pytest.approx([11.16, 1020])
    assert "1 order of gift cards, which count when they are spent (-5.00)" in told.notes[0].left


def test_sales_after_a_click_alone_stand_beside_all_sales(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "display.csv",
        "Date,Currency,Campaign Name,Impressions,Clicks,Spend,14 Day Total Orders (#),"
        "14 Day Total Sales,14 Day Total Sales - (Click),14 Day Total Orders (#) - (Click)\n"
        '"Jan 05, 2024",USD,C1,1000,10,$5.00,2,$50.00,$40.00,1\n',
    )
    told = filled("campaigns", path)
    assert (total(told, "Ads", "revenue"), total(told, "Ads", "conversions")) == (50, 2)


CLICK_TYPES = (
    'Campaign report\n"January 1, 2024 - January 2, 2024"\n'
    "Campaign,Day,{},Currency code,Clicks,Impr.,Cost\n"
    "Brand,2024-01-01,Headline,EUR,10,100,5.00\nBrand,2024-01-01,Sitelink,EUR,4,100,2.00\n"
    "Total: Account, --, --,EUR,14,{},7.00\n"
)


@pytest.mark.parametrize("header", ["Click type", "Klicktyp"])
def test_an_impression_is_of_several_types_of_clicks(header: str, tmp_path: Path) -> None:
    """An ad with a link below it was shown 100 times, which stands in both rows."""
    path = text_file(tmp_path / "google.csv", CLICK_TYPES.format(header, " --"))
    assert f'has rows by "{header}", which do not add up' in refusal("campaigns", path)


def test_rows_whose_total_the_vendor_leaves_out_are_refused(tmp_path: Path) -> None:
    path = text_file(tmp_path / "google.csv", CLICK_TYPES.format("Another segment", " --"))
    assert 'row 6 has no total of "Impr." (--), for the rows' in refusal("campaigns", path)
    path = text_file(tmp_path / "google.csv", CLICK_TYPES.format("Another segment", "200"))
    assert total(filled("campaigns", path), "Ads", "impressions") == 200


def test_numbers_without_their_last_digits_are_several(tmp_path: Path) -> None:
    """Telephone numbers as a spreadsheet program saves them: two buyers would be one."""
    text = "customer,date,amount\n{},2024-01-05,10\n{},2024-02-06,20\n"
    for cell in ("9.19E+11", "5,76458E+17", " 1E+05"):
        path = text_file(tmp_path / "own.csv", text.format(f'"{cell}"', "b"))
        assert "has lost its last digits in a spreadsheet" in refusal("retention", path)
    path = as_written("razorpay.csv", tmp_path / "r.csv", ("+919000000002", "9.19E+11"))
    assert "has lost its last digits" in refusal("retention", path)
    for cell in ("1.23456E+05", "E+10", "5E-17", "Model 5E+17"):
        path = text_file(tmp_path / "own.csv", text.format(cell, "b"))
        assert total(filled("retention", path), "Orders", "amount") == 30


def test_deals_with_a_line_a_product_count_once(tmp_path: Path) -> None:
    """A deal of 1,000 with two products, and one of 600 with one."""
    header = "Opportunity Name,Product Name,Total Price,Stage,Amount,Close Date,Created Date"
    rows = ["A,Widget,400,Closed Won,1000,1/25/2024,1/5/2024",
            "A,Gadget,600,Closed Won,1000,1/25/2024,1/5/2024",
            "B,Gadget,600,Closed Won,600,1/26/2024,1/8/2024"]  # fmt: skip
    path = text_file(tmp_path / "deals.csv", "\n".join([header, *rows]))
    assert "export it with Opportunity ID, or without the products" in refusal("funnel", path)
    lines = [f"{header},Opportunity ID", *(f"{row},006{row[0]}" for row in rows)]
    path = text_file(tmp_path / "deals.csv", "\n".join(lines))
    assert total(filled("funnel", path), "Leads", "value") == 1600


def test_views_of_videos_are_no_advertising(tmp_path: Path) -> None:
    text = "Date,Views,Watch time (hours),Impressions\nTotal,9,5,90\n2024-01-01,9,5,90\n"
    with pytest.raises(SourceError, match="views of videos and how often their thumbnails"):
        filled("scorecard", text_file(tmp_path / "Table data.csv", text))


def test_columns_of_ones_own_that_are_not_used_are_told_beside_totals(tmp_path: Path) -> None:
    text = "month,revenue,Mood\n2024-01-01,10,good\nTotal,10,\n"
    told = filled("scorecard", text_file(tmp_path / "months.csv", text)).notes[0].left
    assert "columns not used: Mood" in told


def microsoft(path: Path, aggregation: str, *days: str) -> Path:
    lines = ["Report Time: 1/1/2024,2/29/2024", f"Report Aggregation: {aggregation}", ""]
    lines.append("TimePeriod,AccountName,CampaignName,CurrencyCode,Impressions,Clicks,Spend")
    return text_file(path, "\n".join([*lines, *(f"{day},A,C,USD,1000,10,12.5" for day in days)]))


def test_weeks_that_the_lines_above_name_are_no_days(tmp_path: Path) -> None:
    weeks = microsoft(tmp_path / "weeks.csv", "Weekly", "1/7/2024", "1/28/2024")
    months = microsoft(tmp_path / "months.csv", "Monthly", "1/1/2024")
    for path, what in ((weeks, "week"), (months, "month")):
        assert f"has a row a {what} (" in refusal("campaigns", path)
        assert total(filled("funnel", path), "Spend", "spend") == (25 if path == weeks else 12.5)
    left = filled("funnel", weeks).notes[0].left
    assert "1 week reaching into the next month" in left
    days = microsoft(tmp_path / "days.csv", "Daily", "1/7/2024", "1/8/2024")
    assert total(filled("campaigns", days), "Ads", "cost") == 25


def test_few_days_that_are_weeks_apart_are_told(tmp_path: Path) -> None:
    header = "Time period,Campaign name,Funding source name,Currency,Spend,Impressions,Clicks\n"
    rows = "2024-01-08,C,F,USD,10,100,1\n2024-01-15,C,F,USD,10,100,1\n"
    told = filled("campaigns", text_file(tmp_path / "x.csv", header + rows)).notes[0].left
    assert any("whole weeks apart (2024-01-08, 2024-01-15)" in remark for remark in told)
    rows += "2024-01-16,C,F,USD,10,100,1\n"
    told = filled("campaigns", text_file(tmp_path / "x.csv", header + rows)).notes[0].left
    assert not any("weeks apart" in remark for remark in told)


def test_a_total_of_more_is_fine_beside_one_of_these_rows(tmp_path: Path) -> None:
    header = "Campaign status,Campaign,Day,Currency code,Impr.,Clicks,Cost\n"
    rows = "Enabled,B,2024-01-01,EUR,10,1,1.5\n"
    totals = (
        "Total: Filtered campaigns, --, --,EUR,10,1,1.5\n",
        "Total: Account, --, --,EUR,20,2,3\n",
    )
    filtered = text_file(tmp_path / "filtered.csv", header + rows + "".join(totals))
    assert total(filled("campaigns", filtered), "Ads", "cost") == 1.5
    cut = text_file(tmp_path / "cut.csv", header + rows + totals[1])
    assert 'its total of "Cost" is 3, but the rows come to 1.5' in refusal("campaigns", cut)


def test_subtotals_of_groups_are_no_fault_where_the_whole_agrees(tmp_path: Path) -> None:
    header = "Opportunity Owner,Opportunity Name,Amount,Stage,Close Date,Created Date\n"
    one = 'O,A,"1,000.00",Closed Won,1/25/2024,1/15/2024\nSubtotal,,"1,000.00",,,\n'
    two = "P,B,500.00,Closed Won,1/26/2024,1/15/2024\nSubtotal,,500.00,,,\n"
    grand = 'Total,,"1,500.00",,,\n'
    whole = text_file(tmp_path / "whole.csv", header + one + two + grand)
    assert total(filled("funnel", whole), "Leads", "value") == 1500
    cut = text_file(tmp_path / "cut.csv", header + one + grand)
    assert "is 1,500, but the rows come to 1,000" in refusal("funnel", cut)


def test_text_messages_are_no_mailings(tmp_path: Path) -> None:
    """300 of 990 mails were opened; with the messages it would be 300 of 1,980."""
    header = (
        "Campaign Name,Send Time,Total Recipients,Revenue,Unique Opens,Successful Deliveries,"
        "Campaign Channel\n"
    )
    rows = (
        "C1,2024-01-05 10:00:00,1000,500,300,990,email\n"
        "C2,2024-01-05 10:00:00,1000,60,,990,sms\n"
    )  # fmt: skip
    path = text_file(tmp_path / "klaviyo.csv", header + rows)
    told = filled("campaigns", path)
    assert (total(told, "Ads", "delivered"), total(told, "Ads", "opens")) == (990, 300)
    assert "1 row with campaign_channel sms (60.00)" in told.notes[0].left
    words = options_from([("where", "Campaign Channel=sms")])
    assert total(filled("campaigns", path, words=words), "Ads", "revenue") == 60


def test_excels_number_of_a_day_is_told_with_the_day(tmp_path: Path) -> None:
    path = text_file(tmp_path / "google.csv", GOOGLE + "45293,Brand,Search,EUR,10,1,1.5,1\n")
    assert "as Excel counts days it is 2024-01-02" in refusal("campaigns", path)


def test_records_of_hubspot_are_known_by_their_kind(tmp_path: Path) -> None:
    for text, kind in ((HUBSPOT_DEALS, "Deal"), (HUBSPOT_CONTACTS, "Contact")):
        path = text_file(tmp_path / "x.csv", text.replace("Record ID", f"Record ID - {kind}"))
        assert column(filled("funnel", path), "Leads", "lead_id")[0] in (9001, 101)


def test_two_files_of_one_months_days_are_not_both_counted(tmp_path: Path) -> None:
    def visits(*periods: tuple[str, str, int]) -> list[Any]:
        files = [
            ga4(tmp_path / f"{n}.csv", f"{BY_CHANNEL}Direct,{count},20,0\n", start=start, end=end)
            for n, (start, end, count) in enumerate(periods)
        ]
        told = filled("scorecard", *files)
        assert f"{date.fromisoformat(periods[0][0])} to " in told.notes[0].lines()[0]
        return column(told, "Months", "visits")

    half = ("20240115", "20240131", 30)
    with pytest.raises(SourceError, match="has other values for 2024-01-01"):
        visits(("20240101", "20240131", 60), half)
    with pytest.raises(SourceError, match="both have 2024-01-15, each among other days"):
        visits(("20240101", "20240120", 60), half)
    assert visits(("20240101", "20240114", 60), half) == [90]
    assert visits(half, half) == [30]
    assert visits(("20240101", "20240131", 60), ("20240201", "20240229", 7)) == [60, 7]


def test_of_layouts_that_fill_no_table_here_none_is_asked_for(tmp_path: Path) -> None:
    visits = "Месяц;Источник трафика;Визиты;Посетители\n01.01.2024;Прямые заходы;90;70\n"
    told = refusal("campaigns", text_file(tmp_path / "visits.csv", visits))
    assert "was recognised as Yandex Metrika" in told
    assert "--map" not in told


def test_rows_are_chosen_by_numbers(tmp_path: Path) -> None:
    """A cell of 0 or 7 is a number, which --where writes as the file does."""
    text = "customer,date,amount,is_refund,shop\na,2024-01-05,10,0,7\nb,2024-01-06,20,1,8\n"
    for where in ("is_refund=0", "shop=7"):
        file = text_file(tmp_path / "a.csv", text)
        assert total(filled("retention", file, words=said(where=where)), "Orders", "amount") == 10


def test_rows_without_a_currency_among_others_are_told(tmp_path: Path) -> None:
    """20 say EUR; 10 and 30 say nothing."""
    rows = "a,2024-01-01,10,\nb,2024-01-02,20,EUR\nc,2024-01-03,30,\n"
    file = text_file(tmp_path / "a.csv", f"customer,date,amount,currency\n{rows}")
    (note,) = filled("retention", file).notes
    assert "2 rows without a currency, taken to be in that of the others (40.00)" in note.left
    rows = rows.replace(",\n", ",EUR\n")
    file = text_file(tmp_path / "a.csv", f"customer,date,amount,currency\n{rows}")
    assert "without a currency" not in filled("retention", file).notes[0].remarks()


def test_the_column_of_the_currency_may_be_named(tmp_path: Path) -> None:
    """Amounts in the shop's EUR, beside what customers paid in."""
    header = "customer,date,amount,paid currency,shop currency\n"
    rows = "a,2024-01-01,10,USD,EUR\nb,2024-01-02,20,GBP,EUR\n"
    file = text_file(tmp_path / "a.csv", header + rows)
    with pytest.raises(SourceError, match='"paid currency" and "shop currency", which differ'):
        filled("retention", file)
    named = options_from([], {"shop currency": "currency"})
    told = filled("retention", file, words=named)
    assert (total(told, "Orders", "amount"), told.currency) == (30, "EUR")


SETTLED = (
    "order,Created,Amount for settlement,Fee,Settlement amount,Settlement currency,Currency,Who\n"
    "1,2024-01-05,100,1,90,EUR,USD,a\n2,2024-01-06,50,1,{},EUR,{},b\n"
)


@pytest.mark.parametrize("words", [{}, {"set": "order="}])
def test_amounts_are_in_the_currency_of_their_own_column(
    words: dict[str, str], tmp_path: Path
) -> None:
    """100 dollars, settled as 90 euros; the other payment is of 50, in euros or dollars."""

    def amounts(column: str, code: str, more: str = "") -> tuple[float, str]:
        renamed = {column: "amount", "Created": "date", "Who": "customer"}
        if more:
            renamed[more] = "currency"
        options = replace(said(**words), renamed=renamed)
        path = text_file(tmp_path / "own.csv", SETTLED.format(50 if code == "EUR" else 45, code))
        told = filled("retention", path, words=options)
        return total(told, "Orders", "amount"), told.currency or told.notes[0].remarks()

    assert amounts("Settlement amount", "EUR")[0] == 140
    assert "EUR" in amounts("Settlement amount", "USD")[1]
    with pytest.raises(
        SourceError, match=r'which differ, and nothing .* --map "Currency=currency"'
    ):
        amounts("Amount for settlement", "USD")
    assert amounts("Amount for settlement", "USD", "Currency")[0] == 150
    with pytest.raises(SourceError, match=r"EUR and USD|USD.*EUR"):
        amounts("Amount for settlement", "EUR", "Currency")


def test_headers_of_amounts_say_their_currency(tmp_path: Path) -> None:
    """It goes before a column of the currency of other amounts, and is never mixed with another."""
    rows = "1,a,2024-01-05,90,USD\n2,b,2024-01-06,45,GBP\n"
    for header in ("total_eur", "Total (EUR)", "Total [€]", "EUR total"):
        text = f"order,customer,date,{header},local currency\n{rows}"
        words = options_from([], {header: "amount"})
        told = filled("retention", text_file(tmp_path / "own.csv", text), words=words)
        assert (total(told, "Orders", "amount"), told.currency) == (135, "EUR")
    text = "date,channel,campaign,cost_usd,revenue_eur\n2024-01-05,Search,a,10,30\n"
    words = options_from([], {"cost_usd": "cost", "revenue_eur": "revenue"})
    path = text_file(tmp_path / "ads.csv", text)
    with pytest.raises(SourceError, match=r"never added up: cost(_usd)? is USD; revenue.* EUR"):
        filled("campaigns", path, words=words)
    path = text_file(
        tmp_path / "shop.csv",
        "شماره سفارش,تاریخ سفارش,مشتری,مجموع پرداختی (تومان),مبلغ مسترد شده (ریال),وضعیت\n"
        "1,1402/10/15,a,100000,200000,تکمیل شده\n",
    )
    with pytest.raises(SourceError, match=r"never added up: .* is IRT; .* is IRR"):
        filled("retention", path)


def test_measures_below_each_other_in_two_currencies_are_refused(tmp_path: Path) -> None:
    rows = "2024-01,revenue,100,USD\n2024-01,ad_spend,50,EUR\n2024-01,visits,9,\n"
    text = f"month,metric,value,Currency code\n{rows}"
    with pytest.raises(SourceError, match=r"mixes currencies.*Currency code is EUR, USD"):
        filled("scorecard", text_file(tmp_path / "a.csv", text))
    told = filled("scorecard", text_file(tmp_path / "a.csv", text.replace("EUR", "USD")))
    assert told.currency == "USD"
    assert told.tables["Months"].columns["ad_spend"] == [50]


# Files in other languages, with names of a program's inside


OTHER_LANGUAGES = (
    ("scorecard", "Monat,Sitzungen,Interaktionsrate\n202401,300,0.5\n"),
    ("funnel", "Phase de la transaction,Pipeline,Montant\nGagné,Ventes,500\n"),
    ("funnel", "Lifecycle-Phase,E-Mail,Vorname\nLead,a@x.com,A\n"),
    ("funnel", "取引ステージ,取引名,クローズ日\n成立,取引,2024-02-01\n"),
    ("sales_team", "Trato - ID,Trato - Valor,Trato - Etapa\n1,500,Oferta\n"),
    ("campaigns", "Kampagne,Ausgaben,Klicks\nMarke,300,30\n\n©2024 Microsoft Corporation.\n"),
    ("campaigns", "اسم الحملة,المبلغ الذي تم إنفاقه (EGP),مرات الظهور\nحملة,300,3000\n"),
)


@pytest.mark.parametrize(("name", "text"), OTHER_LANGUAGES)
def test_a_file_in_an_unknown_language_says_so(name: str, text: str, tmp_path: Path) -> None:
    """What a report of web analytics is, its first lines say, whatever their language."""
    if "Sitzungen" in text:
        text = GA4_ABOVE.format(start="Startdatum", end="Enddatum") + text
    said = refusal(name, text_file(tmp_path / "export.csv", text))
    assert "in another language: its headers are in a language that is not known here" in said


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("ID;Reference;New client;Delivery;Customer;Total;Payment;Status;Date", "family name"),
        ("# de venta;Fecha de venta;Estado;Unidades;Total (MXN)", "what the marketplace pays out"),
        ("ID do pedido;Status do pedido;Cancelar Motivo;Valor Total", "items were returned"),
        ("Order ID;Order Status;Username (Buyer);Grand Total", "items were returned"),
    ],
)
def test_orders_that_give_no_revenue_say_why(header: str, told: str, tmp_path: Path) -> None:
    path = text_file(tmp_path / "orders.csv", f"{header}\n{';'.join('1' * 9)}\n")
    assert told in refusal("retention", path)


GA4_ABOVE = (
    f"# {'-' * 40}\n# Report\n# Property: Shop\n# {'-' * 40}\n#\n# All\n"
    "# {start}: 20240101\n# {end}: 20240131\n"
)


def test_a_report_without_sessions_says_what_to_export(tmp_path: Path) -> None:
    above = GA4_ABOVE.format(start="Start date", end="End date")
    path = text_file(tmp_path / "pages.csv", f"{above}Page path,Views\n/a,900\n")
    for name in ("scorecard", "funnel"):
        assert "it has no column Sessions: export the report Traffic" in refusal(name, path)
    path.write_text(f"{above}Session source / medium,Sessions\na / b,900\n")
    assert total(filled("funnel", path), "Spend", "visits") == 900


def test_a_report_of_a_crm_without_opportunities_says_what_to_export(tmp_path: Path) -> None:
    text = 'Account Name,Industry\nA,Retail\n"Copyright (c) 2000-2024 salesforce.com, inc."\n'
    path = text_file(tmp_path / "report.csv", text)
    assert "export a report of opportunities that has them" in refusal("funnel", path)
    named = Options(renamed={"Account Name": "lead_id"})
    with pytest.raises(SourceError, match="has 1 cells in row 3"):  # as of any list of one's own
        filled("funnel", path, words=named)


def test_the_number_of_a_stage_says_nothing_of_its_deal(tmp_path: Path) -> None:
    header = "hs_object_id,dealname,closedate,createdate,dealstage,amount"
    row = "1,A,2024-02-01,2024-01-05,17208523,100"
    path = text_file(tmp_path / "deals.csv", f"{header}\n{row}\n")
    assert "nobody knows whether deals with 17208523 are won" in refusal("funnel", path)
    path.write_text(f"{header},hs_is_closed_won,hs_is_closed\n{row},true,true\n")
    assert column(filled("funnel", path), "Leads", "won_date") == [date(2024, 2, 1)]


def test_a_status_in_another_language_may_be_partly_refunded(tmp_path: Path) -> None:
    paid = '"Abierta";"Confirmado";"Enviado";"ARS";"4000'
    back = paid.replace("Confirmado", "Parcialmente reembolsado")
    path = as_written("tiendanube.csv", tmp_path / "orders.csv", (paid, back))
    assert "is Parcialmente reembolsado, and no column says how much" in refusal("retention", path)


def test_ad_sets_beside_campaigns_of_the_same_days_are_refused(tmp_path: Path) -> None:
    header = "Day,Amount spent (EUR),Campaign name\n"
    sets = FILES / "as_written" / "meta_ad_sets.csv"
    campaigns = text_file(tmp_path / "campaigns.csv", header + "2024-01-02,7.5,Spring\n")
    for name in ("campaigns", "funnel", "scorecard"):
        assert "what is in both would count twice" in refusal(name, sets, campaigns)
    campaigns.write_text(header + "2024-01-03,7.5,Spring\n")
    assert total(filled("campaigns", sets, campaigns), "Ads", "cost") == 37.5


def test_a_value_that_counts_is_the_example_of_what_to_choose(tmp_path: Path) -> None:
    """A payment that is disputed comes first; those that are not are what would be chosen."""
    before = ",0,0.0,0,0,0,,0,0,0,abc,1,1"
    path = as_written("gumroad.csv", tmp_path / "g.csv", (before, before.replace("0,0,,", "1,0,,")))
    assert '--where "Disputed?=0"' in refusal("retention", path)


def test_a_customer_who_may_stand_for_many_is_told(tmp_path: Path) -> None:
    """Of 60 orders 30 are of those who walk in; of 60 others 24 and 12 are of two companies."""

    def told(names: list[str]) -> str:
        rows = "".join(f"{n},{who},2024-01-{n % 28 + 1:02},10\n" for n, who in enumerate(names))
        path = text_file(tmp_path / "own.csv", f"order,customer,date,amount\n{rows}")
        return filled("retention", path).notes[0].remarks()

    many = [f"c{n}" if n % 2 else "Walk-in" for n in range(60)]
    assert 'the customer "Walk-in" has 30 orders of 60: if it stands for many' in told(many)
    few = [*(["A"] * 24), *(["B"] * 12), *(f"c{n}" for n in range(24))]
    assert "stands for many" not in told(few)
    assert "stands for many" not in told(many[:30])


def test_customers_with_masked_names_are_nobody(tmp_path: Path) -> None:
    """b***1 and 张*三 may be several: whoever came back is not known, and what was sold is."""
    names = ("buyer1", "b***1"), ("buyer2", "张*三"), ("buyer3", "b***3")
    path = as_written("tiktok_shop.csv", tmp_path / "orders.csv", *names)
    assert "masked names (b***1), which may be several" in refusal("retention", path)
    told = filled("scorecard", path)
    assert (total(told, "Months", "orders"), total(told, "Months", "buyers")) == (3, 0)
    assert "customers are not counted" in told.notes[0].remarks()
    named = Options(renamed={"SKU ID": "customer"})
    with pytest.raises(SourceError, match="order 571 has S2 here and S1 above"):
        filled("retention", path, words=named)
