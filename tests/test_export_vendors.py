"""What each vendor's files have that would make a figure wrong; the sums are added up by hand.

The files are invented, in the layouts that the vendors or public readers of such files document.
"""

from pathlib import Path
from typing import Any

import pytest

from kpi_xl.exports import Filling, Request, known_layouts, read_files
from kpi_xl.exports.options import Options
from kpi_xl.schema import SCHEMAS
from kpi_xl.sources import SourceError

FILES = Path(__file__).parent / "exports" / "as_written"
LAYOUTS = known_layouts()


def filled(template: str, *files: Path | str, net: bool = False) -> Filling:
    tables = {table.name: table.columns for table in SCHEMAS[template].inputs}
    requests = [Request(FILES / file, "", Options(net=net)) for file in files]
    return read_files(requests, tables, LAYOUTS)


def column(filling: Filling, table: str, name: str) -> list[Any]:
    return filling.tables[table].columns[name]


def left(filling: Filling) -> list[str]:
    """What is told of the first file."""
    return list(filling.notes[0].left)


def refusal(template: str, *files: Path | str) -> str:
    with pytest.raises(SourceError) as caught:
        filled(template, *files)
    return str(caught.value)


def text_file(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def as_written(file: str, path: Path, *changes: tuple[str, str], encoding: str = "utf-8") -> Path:
    """A file with some of its text changed."""
    text = (FILES / file).read_text(encoding=encoding)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text_file(path, text, encoding)


# Advertising


def test_organic_installs_are_of_no_advertising(tmp_path: Path) -> None:
    """52 organic installs brought 30; what the others cost is not told by two of three rows."""
    told = filled("campaigns", "appsflyer.csv")
    assert column(told, "Ads", "channel") == ["Facebook Ads", "googleadwords_int", "Facebook Ads"]
    assert column(told, "Ads", "cost") == [10.25, 2.5, None]
    assert left(told) == ["1 row with Media Source (pid) Organic (Total Revenue 30.00)"]
    path = as_written("appsflyer.csv", tmp_path / "a.csv", ("Date,", "Day of,"))
    assert "export it by day: the report Partners by date" in refusal("campaigns", path)


def test_what_the_advertiser_pays_is_called_revenue(tmp_path: Path) -> None:
    """Its media cost would be 910; a row of totals names nothing, and remarks stand below."""
    told = filled("campaigns", "dv360.csv")
    assert column(told, "Ads", "cost") == [12.34, 1000, None]
    assert (told.currency, left(told)) == ("EUR", ["1 total agrees: 1,012.34"])
    path = as_written("dv360.csv", tmp_path / "d.csv", ("3.50,1012.34", "3.50,1112.34"))
    assert 'its total of "Revenue (Adv Currency)" is 1,112' in refusal("campaigns", path)
    path = as_written("dv360.csv", tmp_path / "d.csv", ("Date,Adv", "Time,Adv"))
    assert "export it by day: add the dimension Date" in refusal("campaigns", path)


def test_costs_with_vat_are_told(tmp_path: Path) -> None:
    """Kinds of conversions are rows of their own, and have no cost; the range is no day."""
    told = filled("campaigns", "naver.csv")
    assert told.currency == "KRW"
    assert left(told) == ["its cost includes VAT, which that of other platforms does not"]
    title = "보고서(2024.01.15.~2024.01.16.)\n"
    kinds = f"{title}일별,캠페인,전환유형,노출수,클릭수,총비용\n2024.01.15.,B,구매완료,1,1,9\n"
    path = text_file(tmp_path / "n.csv", f"{kinds}2024.01.15.,B,회원가입,1,1,0\n")
    assert 'rows by "전환유형", which do not add up' in refusal("campaigns", path)
    whole = f"{title}캠페인,노출수,클릭수,총비용\nB,10,2,200\n"
    told_so = refusal("campaigns", text_file(tmp_path / "w.csv", whole))
    assert "is of 2024-01-15 to 2024-01-16 as a whole" in told_so


def test_a_total_may_say_nothing_but_dashes(tmp_path: Path) -> None:
    told = filled("campaigns", "yahoo_japan.csv")
    assert left(told) == ["1 total agrees: 2,500.00"]
    path = as_written("yahoo_japan.csv", tmp_path / "y.csv", ("デバイス", "クリック種別"),
                      encoding="cp932")  # fmt: skip
    assert 'rows by "クリック種別", which do not add up' in refusal("campaigns", path)


def test_search_terms_and_weeks_of_baidu_are_no_days(tmp_path: Path) -> None:
    assert filled("campaigns", "baidu.csv").currency == "CNY"
    week = as_written("baidu.csv", tmp_path / "w.csv", ("分时", "分周"), encoding="gb18030")
    assert "has a row a week" in refusal("campaigns", week)
    terms = as_written("baidu.csv", tmp_path / "t.csv", ("小时", "搜索词"), encoding="gb18030")
    assert 'rows by "搜索词", which do not add up' in refusal("campaigns", terms)


def test_another_vendors_words_are_not_baidus(tmp_path: Path) -> None:
    header = "日期,时间,账户id,账户,计划id,计划,展现,点击,消费,点击率"
    path = text_file(tmp_path / "uc.csv", f"{header}\n2024-01-15,0,1,a,2,B,10,2,3.5,20%\n")
    assert "it has 日期, 时间, 账户id" in refusal("campaigns", path)


def test_clicks_of_snapchat_are_so_called_or_swipes(tmp_path: Path) -> None:
    path = as_written("snapchat.csv", tmp_path / "s.csv", (",Clicks,", ",Swipe Ups,"))
    for file in (FILES / "snapchat.csv", path):
        assert column(filled("campaigns", file), "Ads", "clicks") == [44]


@pytest.mark.parametrize(
    "period",
    [
        "1 June 2026 - 30 June 2026",
        '"June 1, 2026 - June 30, 2026"',
        "1. Juni 2026 - 30. Juni 2026",
        "1 de junho de 2026 - 30 de junho de 2026",
    ],
)
def test_a_period_of_a_month_is_that_month_in_whatever_order(period: str, tmp_path: Path) -> None:
    header = f"Campaign report\n{period}\nCampaign,Campaign type,Cost,Impr."
    text = f"{header}\nA,Search,10,100\nB,Search,5,50\n"
    told = filled("scorecard", text_file(tmp_path / "google.csv", text))
    assert column(told, "Months", "ad_spend") == [15]
    longer = text_file(
        tmp_path / "longer.csv", text.replace("30", "29").replace("2026 - ", "2025 - ")
    )
    assert "is of 2025-06-01 to 2026-06-29 as a whole" in refusal("scorecard", longer)


KEYWORDS = (
    "Search keyword report\n1 June 2026 - 30 June 2026\n"
    "Keyword,Campaign,Ad group,Currency code,Impr.,Currency code,Cost\n"
    "tea,A,One,EUR,100,EUR,10\ncup,A,Two,EUR,50,EUR,5\n"
)


def test_totals_stand_behind_marks_of_blanks_and_are_of_less_than_the_account(
    tmp_path: Path,
) -> None:
    """10 and 5 were spent on keywords; 40 with campaigns that have none. 15 once more is no row."""
    totals = (
        " --,Total: All but removed keywords, --,EUR,150,EUR,15\n"
        "Total: Ad groups,,,EUR,150,EUR,15\nTotal: Account,,,EUR,900,EUR,40\n"
    )
    for text in (KEYWORDS + totals, KEYWORDS + totals.splitlines()[0]):
        told = filled("scorecard", text_file(tmp_path / "keywords.csv", text))
        assert column(told, "Months", "ad_spend") == [15]
    account = KEYWORDS + totals.splitlines()[2]
    path = text_file(tmp_path / "account.csv", account)
    assert "rows are missing or were changed" in refusal("scorecard", path)


def test_a_column_that_stands_twice_is_one_where_its_cells_are(tmp_path: Path) -> None:
    told = filled("scorecard", text_file(tmp_path / "google.csv", KEYWORDS))
    assert (told.currency, column(told, "Months", "ad_spend")) == ("EUR", [15])
    other = text_file(tmp_path / "other.csv", KEYWORDS.replace("50,EUR", "50,USD"))
    assert 'more than one column "Currency code"' in refusal("scorecard", other)


def test_results_of_several_kinds_are_no_matter_where_none_count(tmp_path: Path) -> None:
    """1,000 and 1,200 were spent, in a month that has no conversions; days have them."""
    text = (
        "Campaign name,Day,Impressions,Result type,Results,Amount spent (EUR)\n"
        "A,2024-03-01,120,Website purchases,1,1000\nA,2024-03-02,110,Profile visits,4,1200\n"
    )
    path = text_file(tmp_path / "meta.csv", text)
    assert "results of several kinds" in refusal("campaigns", path)
    for template, table, name in (
        ("funnel", "Spend", "spend"),
        ("scorecard", "Months", "ad_spend"),
    ):
        assert column(filled(template, path), table, name) == [2200]


@pytest.mark.parametrize(
    ("text", "what_to_do"),
    [
        ("Objective,Delivery level,Impressions,Amount spent (EUR),Reporting starts,Reporting ends\n"
         ",,120,1000,2024-03-01,2024-03-31\nSales,campaign,120,1000,2024-03-01,2024-03-31\n",
         "export it with Campaign name"),
        ("Region,Impressionen,Ausgegebener Betrag (EUR),Berichtsstart,Berichtsende\n"
         "Wien,120,1000,2024-03-01,2024-03-31\n", "export it with Campaign name"),
    ],
)  # fmt: skip
def test_a_table_without_names_hides_its_total(text: str, what_to_do: str, tmp_path: Path) -> None:
    for template in ("campaigns", "funnel", "scorecard"):
        assert what_to_do in refusal(template, text_file(tmp_path / "meta.csv", text))


# The web


def test_weeks_that_are_numbers_are_of_no_year(tmp_path: Path) -> None:
    """Of one month they are parts of it, 30 and 70; of a year nobody knows which month."""
    lines = "# ----------------------------------------\n# Traffic acquisition\n# {}\n"
    text = f"{lines}Session primary channel group,Week,Sessions,Engaged sessions\n"
    text += "Email,05,30,20\nEmail,06,70,40\n"
    month = text.format("Start date: 20240201\n# End date: 20240229")
    assert column(
        filled("scorecard", text_file(tmp_path / "m.csv", month)), "Months", "visits"
    ) == [100]
    year = text.format("Start date: 20240101\n# End date: 20241231")
    assert "export it by month" in refusal("scorecard", text_file(tmp_path / "y.csv", year))


def test_visits_by_channel_alone_are_those_of_the_month(tmp_path: Path) -> None:
    """A snapshot of reports has other blocks above and below them."""
    above = "# ----------------------------------------\n# Reports snapshot\n"
    period = "\n# Start date: 20230901\n# End date: 20230930\n"
    text = (
        f"{above}{period}Nth day,Users\n0000,5\n{period}Session default channel group,Sessions\n"
        f"Organic Social,7\nDirect,4\n{period}Country,Users\nIN,3\n"
        f"{period}Nth day,30 days,7 days,1 day\n0000,3,1,1\n"
    )
    path = text_file(tmp_path / "snapshot.csv", text)
    assert column(filled("scorecard", path), "Months", "visits") == [11]
    assert column(filled("funnel", path), "Spend", "visits") == [7, 4]


def test_averages_of_visits_are_no_sums() -> None:
    """One export has the average of a visit, 60 s, under the name of the other's sum, 6000 s."""
    told = filled("scorecard", "plausible.csv")
    assert column(told, "Months", "pageviews") == [250, 25]
    assert column(told, "Months", "visit_seconds") == [None, None]
    assert column(filled("scorecard", "plausible_imported.csv"), "Months", "visit_seconds") == [
        6000,
        600,
    ]


def test_visits_without_a_source_are_direct() -> None:
    told = filled("funnel", "plausible_sources.csv")
    assert column(told, "Spend", "channel") == ["Google", "Direct / None", "Google"]
    assert column(told, "Spend", "visits") == [77, 23, 5]


@pytest.mark.parametrize(
    ("text", "what_to_do"),
    [
        ("date,hostname,page,visits,visitors,pageviews\n2024-01-30,a.com,/,70,60,80\n",
         "export visitors.csv"),
        ("Date,Label,Pageviews,Visits,Entrances,Bounces\n2024-01,/,200,170,9,20\n",
         "export Visits Summary"),
        ("Datum,Bezeichnung,Seitenansichten,Eindeutige Seitenansichten\n2024-01,/,200,170\n",
         "export Visits Summary"),
        ("Unique visitors,Visits,Actions,Bounces,Total time spent by visitors (in seconds)\n"
         "2,3,2,2,542\n", "choose the period Day or Month"),
        ("Sales channel,Orders,Gross sales,Discounts,Returns,Net sales,Taxes,Total sales\n"
         "Online Store,1,10,0,0,10,2,12\n", "such as Total sales over time"),
    ],
)  # fmt: skip
def test_visits_that_do_not_add_up_are_refused(text: str, what_to_do: str, tmp_path: Path) -> None:
    assert what_to_do in refusal("scorecard", text_file(tmp_path / "web.csv", text))


def test_visits_by_channel_are_by_month_and_of_the_whole(tmp_path: Path) -> None:
    header = (
        "Date,Label,Unique visitors,Visits,Actions,Users,Bounces,"
        "Total time spent by visitors (in seconds)\n"
    )
    rows = "2024-01,Direct Entry,60,70,9,0,20,3000\n2024-01,Websites,20,30,9,0,10,2000\n"
    path = text_file(tmp_path / "m.csv", header + rows, "utf-16")
    assert column(filled("funnel", path), "Spend", "channel") == ["Direct Entry", "Websites"]
    assert column(filled("scorecard", path), "Months", "visits") == [100]


def test_a_period_that_is_compared_does_not_count() -> None:
    """Returns of a month without sales are below 0; the other period has sales of 1 and 1."""
    told = filled("scorecard", "shopify_sales.csv")
    assert column(told, "Months", "revenue") == [4610.11, -59.5]
    assert column(told, "Months", "orders") == [18, 0]


# Orders, payments


def test_payments_that_nobody_has_made_need_no_number(tmp_path: Path) -> None:
    """Those that were begun alone have none; of another, nobody knows what it is."""
    begun = ",x,,2024-01-08 10:00:00,40.00,,usd,,,,,,Live,requires_payment_method,,cus_3,,,,,,\n"
    text = (FILES / "stripe.csv").read_text(encoding="utf-8")
    confirmed = begun.replace("requires_payment_method", "requires_confirmation")
    told = filled("retention", text_file(tmp_path / "begun.csv", text + begun + begun + confirmed))
    assert column(told, "Orders", "amount") == [10, 25]
    assert "2 orders requires_payment_method" in " ".join(left(told))
    assert "1 order requires_confirmation" in " ".join(left(told))
    paid = begun.replace("requires_payment_method", "succeeded")
    assert "row 5 has no order" in refusal("retention", text_file(tmp_path / "p.csv", text + paid))


def test_checkouts_that_nobody_finished_are_no_orders(tmp_path: Path) -> None:
    header = "Name,Email,Financial Status,Paid at,Currency,Total,Created at,Lineitem name\n"
    left_behind = "#3853,b@x.com,,,EUR,40,2024-01-06 10:00:00 +0100,Tea\n#3853,b@x.com,,,,,,Cup\n"
    path = text_file(tmp_path / "checkouts.csv", header + left_behind)
    assert "1 order without a status (40.00)" in refusal("retention", path)
    order = "#1001,a@x.com,paid,2024-01-05 10:00:00 +0100,EUR,30,2024-01-05 10:00:00 +0100,Tea\n"
    told = filled("retention", text_file(tmp_path / "both.csv", header + order + left_behind))
    assert column(told, "Orders", "amount") == [30]


def test_a_refund_of_an_order_of_several_items_is_taken_off_it(tmp_path: Path) -> None:
    """The lines of its items say no currency: 23.26 less 15, then 1,040 less 5."""
    refund = '"Jan 18, 2024",Refund,20-00000-0000{0},20-00000-0000{0},buyer{0},-14'
    path = as_written("ebay.csv", tmp_path / "e.csv", (refund.format(2), refund.format(1)))
    assert sorted(column(filled("retention", path), "Orders", "amount")) == [8.26, 1035]


def test_a_list_of_members_has_nobody_who_left(tmp_path: Path) -> None:
    text = (
        "Name,Email,Discord,Patron Status,Follows You,Lifetime Amount,Pledge Amount,"
        "Charge Frequency,Tier,Patronage Since Date,Last Charge Date,Last Charge Status,Currency\n"
        "A,a@x.com,,Active patron,No,50.00,5.00,monthly,One,2023-04-08 17:45:28,"
        "2024-01-01 08:00:00,Paid,USD\n"
    )
    for name in ("retention", "unit_economics"):
        path = text_file(tmp_path / "members.csv", text)
        assert "export it each month" in refusal(name, path)


def test_what_the_owner_buys_with_the_card_is_no_sale(tmp_path: Path) -> None:
    """Payments at a till are; a statement calls the number of the invoice its ID."""
    bonus = ("General Withdrawal", "Debit Card Cash Back Bonus")
    till = ("Website Payment", "PayPal Here Payment")
    path = as_written("paypal.csv", tmp_path / "p.csv", bonus, till)
    told = filled("retention", path)
    assert sum(column(told, "Orders", "amount")) == 1155
    assert "1 row debit card cash back bonus (-500.00)" in left(told)
    shop = text_file(
        tmp_path / "shop.csv",
        "Name,Email,Financial Status,Created at,Currency,Total\n"
        "#1001,a@x.com,paid,2024-03-01 10:00:00 +0100,USD,30\n",
    )
    statement = text_file(
        tmp_path / "statement.csv",
        "Date,Time,Time Zone,Description,Currency,Gross ,Fee ,Net,Balance,Transaction ID,"
        "From Email Address,Name,Sales Tax,Invoice ID,Reference Txn ID\n"
        "3/15/2024,10:00:00,PST,Express Checkout Payment,USD,30,-1,29,29,T1,p@x.com,P,0,#1001,\n",
    )
    assert "statement.csv" in refusal("retention", shop, statement)


# Invoices, deals


def test_invoices_count_once_and_credit_notes_below_zero(tmp_path: Path) -> None:
    """120 + 1200 - 60 - 12 + 0; a note may be written with a minus, or without."""
    told = filled("retention", "xero.csv")
    assert column(told, "Orders", "amount") == [120, 1200, -60, -12, 0]
    assert set(left(told)) == {
        "amounts are what was invoiced, less credit notes, whether it is paid yet or not",
        "1 row sales overpayment (5.00)", "1 row draft (99.00)", "1 row voided (50.00)",
        "1 line belongs to the order above",
    }  # fmt: skip
    net = filled("retention", "xero.csv", net=True)
    assert column(net, "Orders", "amount") == [100, 1000, -50, -10, 0]
    path = as_written("xero.csv", tmp_path / "bills.csv", ("Sales invoice", "Bill"))
    assert "nobody knows whether rows with Bill count" in refusal("retention", path)


def test_a_deal_that_is_won_is_worth_what_it_came_to(tmp_path: Path) -> None:
    """1,000 was expected, and 900 came; one column has the days of both ends."""
    told = filled("funnel", "dynamics.csv")
    assert column(told, "Leads", "value") == [900, 500, 300]
    assert [day is None for day in column(told, "Leads", "lost_date")] == [True, False, True]
    assert told.currency == "EUR"
    assert left(told) == ["every deal counts as an opportunity (SQO) from its creation"]
    again = as_written("dynamics.csv", tmp_path / "d.csv", ("Beta,Lost", "Beta,Open"))
    said = '"Actual Close Date" of 1 lead left out, whose status is another'
    assert said in left(filled("funnel", again))
    two = as_written("dynamics.csv", tmp_path / "d.csv", ("0.00,Bob,Euro", "0.00,Bob,US Dollar"))
    assert "EUR and USD" in refusal("funnel", two)


@pytest.mark.parametrize(
    ("header", "what_to_do"),
    [
        ("№,Предмет,Код номенклатуры,Тип документа,Обоснование для оплаты,Дата продажи,Кол-во,"
         "Вайлдберриз реализовал Товар (Пр)", "names no customer"),
        ("Sales Record Number,User Id,Buyer Fullname,Buyer Email,Quantity,Sale Price,Total Price,"
         "Sale Date", "download the transaction report"),
        ("Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,"
         "Creation Date,TimeZone,Type,Gross Currency,Gross Debit (GC),Gross Credit (GC)",
         "orders of your own shop"),
    ],
)  # fmt: skip
def test_lists_without_customers_say_what_to_export(
    header: str, what_to_do: str, tmp_path: Path
) -> None:
    path = text_file(tmp_path / "orders.csv", f"{header}\n{'1,' * header.count(',')}1\n")
    for template in ("retention", "scorecard"):
        assert what_to_do in refusal(template, path)
