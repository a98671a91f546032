"""What a newcomer meets who gives a table of their own: refusals that say what to type."""

import re
import shlex
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter
from kpi_xl.workbook_templates import template
from test_exports import column, filled, refusal, sources, text_file, total
from workbooks import written

from kpi_xl.cli.templates import loaded as listed
from kpi_xl.cli.templates import named_files
from kpi_xl.exports import Options, options_from, parts_of, read_files
from kpi_xl.reports.loading import loaded
from kpi_xl.schema import SCHEMAS

ORDERS = {
    "zh-Hant": "日期,客戶,訂單編號,金額",
    "zh-Hans": "日期,客户,订单编号,金额",
    "de": "Bestelldatum,Kunde,Bestellnummer,Betrag (EUR)",
    "fr": "Date de commande,Client ID,Numéro de commande,Montant total",
    "es": "Fecha,Cliente,Número de pedido,Importe",
    "ru": "Дата заказа,Клиент,Номер заказа,Сумма",
    "fa": "تاریخ,مشتری,شماره سفارش,مبلغ",
    "en": "Order date,Customer ID,Order no.,Total",
}
ROWS = "\n2024-01-05,a,1,15\n2024-02-05,b,2,2\n2024-03-05,b,3,300\n"


def options_in(sentence: str) -> dict[str, str]:
    """What a refusal says to type, as a shell has it: our columns by their headers."""
    line = re.search(r'as in ((?:--map "[^"]*" ?)+)', sentence)
    assert line
    words = shlex.split(line[1])
    assert words[::2] == ["--map"] * (len(words) // 2)
    return dict(word.rsplit("=", 1) for word in words[1::2])


@pytest.mark.parametrize("header", ORDERS.values(), ids=ORDERS)
def test_a_refusal_has_the_options_that_mend_it(tmp_path: Path, header: str) -> None:
    """The amounts are 15, 2 and 300."""
    path = text_file(tmp_path / "orders.csv", header + ROWS)
    told = refusal("retention", path)
    assert "has no column customer, date, amount; it has" in told
    said = options_in(told)
    assert said == dict(
        zip(header.split(","), ("date", "customer", "order", "amount"), strict=True)
    )
    mended = filled("retention", path, words=Options(renamed=said))
    assert total(mended, "Orders", "amount") == 317
    assert column(mended, "Orders", "order") == [1, 2, 3]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        # Which of two it is, nobody knows.
        ("Date,Customer name,Customer ID,Total", {"Total": "amount", "Their name": "customer"}),
        ("Datum,Kunde,Betrag,Umsatz",
         {"Datum": "date", "Kunde": "customer", "Their name": "amount"}),
        # What a shell would take for something else is not proposed.
        ("Date,Kunde,X,`Total`", {"Kunde": "customer", "Their name": "amount"}),
        ("Date,Customer,Was,Wieviel", {"Their name": "amount"}),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_not_proposed(
    tmp_path: Path, header: str, said: dict[str, str]
) -> None:
    path = text_file(tmp_path / "orders.csv", f"{header}\n2024-01-05,a,1,15\n")
    assert options_in(refusal("retention", path)) == said


def test_a_table_by_month_is_no_table_by_day(tmp_path: Path) -> None:
    text = "Month,Campaign,Channel,Cost,Clicks,Conversions,Revenue\n2024-02,A,B,100,10,1,5\n"
    for name in ("Month", "Monat", "月份", "Week"):
        path = text_file(tmp_path / "ads.csv", text.replace("Month", name))
        told = refusal("campaigns", path)
        assert f'(the column "{name}"), and this table takes a row a day: export it by day' in told
        assert "--map" not in told
    # Of a table by month the same headers are proposed, and it is that table that is named.
    path = text_file(tmp_path / "costs.csv", "Monat,Kanal,Kosten\n2024-02,A,100\n")
    told = refusal("unit_economics", path)
    assert options_in(told) == {"Monat": "month", "Kanal": "channel", "Kosten": "spend"}
    mended = filled("unit_economics", path, words=Options(renamed=options_in(told)))
    assert total(mended, "Spend", "spend") == 100


def test_the_sheet_sources_takes_what_a_refusal_says(tmp_path: Path) -> None:
    header = "Datum,Kampagne,Kanal,Kosten,Klicks,Conversions,Umsatz"
    text_file(tmp_path / "ads.csv", f"{header}\n2024-01-05,A,B,100,10,1,5\n")
    inputs, now = SCHEMAS["campaigns"].inputs, datetime(2024, 5, 1)
    refused = loaded(sources(tmp_path, ("Ads", "ads.csv", "")), inputs, now)
    options = refused.message[refused.message.index("--map") :]
    mended = loaded(sources(tmp_path, ("Ads", "ads.csv", options)), inputs, now)
    assert mended.message.startswith("Loaded: Ads: 1 rows.")
    text = '--map "A b=date" --set channel=Social; Betrag=cost'
    assert parts_of(text) == ['--map "A b=date"', "--set channel=Social", "Betrag=cost"]
    # What was one value stays one when the words are read again.
    kept = Options(set={"channel": "a --b"})
    assert parts_of(kept.words()) == ["--set channel=a --b"]


def test_a_value_that_no_row_has_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    lines = "a,2024-01-05,10,Bezahlt\nb,2024-01-06,20,Bezahlt\nc,2024-01-07,5,Offen\n"
    path = text_file(tmp_path / "orders.csv", f"customer,date,amount,Status\n{lines}")
    words = Options(where={"Status": ("Paid",)})
    told = refusal("retention", path, words=words)
    assert 'no row has "Paid" in "Status", which has Bezahlt (2), Offen (1);' in told
    some = filled("retention", path, words=Options(where={"Status": ("Paid", "bezahlt")}))
    assert total(some, "Orders", "amount") == 30
    assert 'no row has "Paid"' in some.notes[0].remarks()
    right = filled("retention", path, words=Options(where={"Status": ("bezahlt",)}))
    assert "no row has" not in right.notes[0].remarks()
    many = "".join(f"a,2024-01-05,1,v{n}\n" for n in range(10))
    text_file(path, f"customer,date,amount,Status\n{many}")
    assert re.search(r"which has (v\d \(1\), ){7}v\d \(1\) and 2 more;",
                     refusal("retention", path, words=words))  # fmt: skip


# Dates


def orders_of(tmp_path: Path, *days: str) -> Path:
    lines = "".join(f'c{n},"{day}",{10 * n + 10}\n' for n, day in enumerate(days))
    return text_file(tmp_path / "orders.csv", f"customer,date,amount\n{lines}")


@pytest.mark.parametrize(
    "days",
    [
        # The 5th of February 2024 was a Monday.
        ("Mon, 5 Feb 2024", "Tue, 6 Feb 2024"),
        ("Monday, February 5, 2024", "Tuesday, February 6, 2024"),
        ("Mon Feb 05 2024 10:00:00 GMT+0100 (CET)", "Tue Feb 06 2024 10:00:00 GMT+0100 (CET)"),
        ("Mo 05.02.2024", "Di. 06.02.2024"),
        ("05.02.2024 Mo", "06.02.2024 (Di)"),
        ("lun. 5 févr. 2024", "mar. 6 févr. 2024"),
        ("lunes, 5 de febrero de 2024", "martes, 6 de febrero de 2024"),
        ("пн, 5 фев. 2024", "вторник, 6 февраля 2024"),
        ("2024年2月5日 星期一", "2024年2月6日 星期二"),
        ("2024/2/5(一)", "2024/2/6(二)"),
        ("2024-W06-1", "2024-W06-2"),
        ("Feb-05-2024", "Feb-06-2024"),
        ("民國113年2月5日", "民國113年2月6日"),
        ("5 mar. 2024", "6 mar. 2024"),  # none of Tuesdays, but of March
    ],
)
def test_days_as_people_write_them(tmp_path: Path, days: tuple[str, str]) -> None:
    month = 3 if "5 mar." in days[0] else 2
    told = filled("retention", orders_of(tmp_path, *days))
    assert column(told, "Orders", "date") == [date(2024, month, 5), date(2024, month, 6)]
    assert "has months" not in told.notes[0].remarks()


def test_the_day_of_the_week_says_which_order_dates_have(tmp_path: Path) -> None:
    """The 6th of February 2024 was a Tuesday, the 2nd of June a Sunday."""
    us = filled("retention", orders_of(tmp_path, "Tue 02/06/2024", "Wed 02/07/2024"))
    assert column(us, "Orders", "date") == [date(2024, 2, 6), date(2024, 2, 7)]
    told = refusal("retention", orders_of(tmp_path, "Tue, 5 Feb 2024"))
    assert '"Tue, 5 Feb 2024" has another day of the week than the calendar has for it' in told


def spend_of(tmp_path: Path, header: str, *months: str) -> Path:
    lines = "".join(f"{month},A,{10 * n + 10}\n" for n, month in enumerate(months))
    return text_file(tmp_path / "spend.csv", f"{header},channel,spend\n{lines}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Feb-24", "Mar-24"), ("Feb 24", "Mar 24"), ("Feb '24", "Mar '24"), ("ene-24", "feb-24"),
        ("Feb 2024", "Mar 2024"), ("2024-Feb", "2024-Mar"), ("févr. 2024", "mars 2024"),
        ("febrero de 2024", "marzo de 2024"), ("fevereiro/2024", "março/2024"),
        ("Februar 2024", "März 2024"), ("Февраль 2024", "Март 2024"), ("2024年2月", "2024年3月"),
        ("民國113年2月", "民國113年3月"), ("2024M02", "2024M03"), ("202402", "202403"),
    ],
)  # fmt: skip
def test_months_as_people_write_them(tmp_path: Path, one: str, other: str) -> None:
    first = 1 if one == "ene-24" else 2
    months = [date(2024, first, 1), date(2024, first + 1, 1)]
    told = filled("unit_economics", spend_of(tmp_path, "Month", one, other))
    assert column(told, "Spend", "month") == months
    # For the day of an order it stands with a word, and for a day's clicks not at all.
    path = text_file(tmp_path / "o.csv", f"customer,Month,amount\na,{one},1\nb,{other},1\n")
    words = Options(renamed={"Month": "date"})
    orders = filled("retention", path, words=words)
    assert column(orders, "Orders", "date") == months
    assert f'has months, such as "{one}" (2 rows): each is its' in orders.notes[0].remarks()
    head = "date,campaign,channel,clicks,cost,conversions,revenue"
    path = text_file(tmp_path / "ads.csv", f"{head}\n{one},A,B,1,1,1,1\n")
    told = refusal("campaigns", path)
    assert "is a month, and a row a day is wanted" in told or "may be the month" in told


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("Feb-24", "may be the month 2024-02, or a day without its year: write it as 2024-02, or,"),
        ("24-Feb", "is a day without its year"),
        ("Feb 5", "is a day without its year"),
        ("Feb", "is a month without its year"),
        ("Q1 2024", "is a quarter: a day is wanted"),
        ("2024-Q1", "is a quarter: a day is wanted"),
        ("1. Quartal 2024", "is a quarter: a day is wanted"),
        ("2024年第1季度", "is a quarter: a day is wanted"),
        ("2024", "is a year: a day is wanted"),
        ("Week 5 2024", "is a week, and countries count them differently"),
        ("2024年第5周", "is a week, and countries count them differently"),
        ("2024-W05", "is a week, which may be in two months: write the day"),
        ("2024-W54", "is a week, and countries count them differently"),
        ("113/02/05", "is not in the calendar, but would be 2024-02-05 in that of Taiwan"),
        ("5 فروردین 1403", "is not in the calendar, but would be one of the Jalali: --dates"),
        ("soon", "is not a date"),
    ],
)
def test_what_is_no_day_is_refused_as_what_it_is(tmp_path: Path, day: str, why: str) -> None:
    assert f'"{day}" {why}' in refusal("retention", orders_of(tmp_path, day))


def test_weeks_count_by_week_or_month_and_not_by_day(tmp_path: Path) -> None:
    """By ISO 8601 week 5 of 2024 is 29 January to 4 February, and week 1 began on the 1st."""
    head = "rep,week,sales,visits,leads,deals,spend"
    for one, two in (("2024-W05", "2024-W01"), ("2024W05", "2024W01"), ("KW 5/2024", "KW 01/2024")):
        path = text_file(tmp_path / "w.csv", f"{head}\na,{one},1,1,1,1,1\na,{two},1,1,1,1,1\n")
        weeks = column(filled("sales_team", path), "Weeks", "week")
        assert sorted(weeks) == [date(2024, 1, 1), date(2024, 1, 29)]
        spend = filled("unit_economics", spend_of(tmp_path, "month", one, two))
        assert column(spend, "Spend", "month") == [date(2024, 1, 1)]
        assert "1 week reaching into the next month" in spend.notes[0].remarks()
    path = text_file(tmp_path / "w.csv", f"{head}\na,Feb 2024,1,1,1,1,1\n")
    assert "and this table takes a row a week: export it by week" in refusal("sales_team", path)


@pytest.mark.parametrize("text", ["202405", "2024-05", "5/2024"])
def test_weeks_in_digits_are_no_months(tmp_path: Path, text: str) -> None:
    """202405 was May 2024. German weeks are those of ISO 8601, as are those that say so."""
    asked = "may be a week or a month: write the day on which it begins"
    assert asked in refusal("unit_economics", spend_of(tmp_path, "Week", text))
    for header in ("Woche", "KW", "isoYearIsoWeek"):
        path, words = spend_of(tmp_path, header, text), Options(renamed={header: "month"})
        if header == "Woche":
            assert asked in refusal("unit_economics", path, words=words)
            continue
        spend = filled("unit_economics", path, words=words)
        assert column(spend, "Spend", "month") == [date(2024, 1, 1)]  # of the 29th


def test_calendars_of_other_years(tmp_path: Path) -> None:
    """By the calendars of the Academia Historica, Thailand and Iran."""

    def read(calendar: str, *days: str) -> list[date]:
        path = orders_of(tmp_path, *days)
        return column(filled("retention", path, words=Options(dates=calendar)), "Orders", "date")

    days = read("minguo", "113/02/05", "113.2.5", "1130205", "99/12/31", "2024/02/05")
    assert days == [*[date(2024, 2, 5)] * 3, date(2010, 12, 31), date(2024, 2, 5)]
    assert read("buddhist", "05/02/2567", "05/02/67") == [date(2024, 2, 5)] * 2
    # 1 Farvardin 1403 was the 20th of March 2024.
    days = read("jalali", "1403/01/01", "01/01/1403", "1 فروردین 1403", "فروردین 1403")
    assert days == [date(2024, 3, 20)] * 4
    path = orders_of(tmp_path, "03/05/12")
    told = refusal("retention", path, words=Options(dates="jalali"))
    assert '"03/05/12" has a year of two digits: write all four' in told
    thai = refusal("retention", orders_of(tmp_path, "2567-02-05"))
    assert "the Buddhist calendar counts 543 years more: --dates buddhist" in thai


# Numbers


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, "is a rounded number: export it, or write it, with all of its digits")
          for text in ("1.5K", "2,3 Mio.", "1.2M", "€1.5k", "10万", "1.5億", "2 тыс.", "1,5 млн")),
        *((text, "is an error of Excel: correct it, or leave the cell blank")
          for text in ("#N/A", "#NV", "#N/D", "#WERT!", "#VALEUR!", "#¡DIV/0!", "#ДЕЛ/0!")),
        ("12%", "is a percentage, and this column holds none"),
        ("5 pcs", "is not a number: write it as 1234.56, or leave the cell blank"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_as_what_it_is(tmp_path: Path, text: str, why: str) -> None:
    path = text_file(tmp_path / "o.csv", f'customer,date,amount\na,2024-02-05,"{text}"\n')
    assert f'row 2, column "amount": "{text}" {why}' in refusal("retention", path)


def test_cells_that_are_wrong_in_one_way_are_told_together(tmp_path: Path) -> None:
    rows = "a,2024-02-05,1.5K\na,2024-02-06,12\na,soon,2K\na,2024-02-07,two\na,later,1.5K\n"
    told = refusal("retention", text_file(tmp_path / "o.csv", f"customer,date,amount\n{rows}"))
    rounded, text, day = told.splitlines()
    assert rounded.endswith('"1.5K" is a rounded number: export it, or write it, with all of its'
                            " digits (3 rows: 2, 4, 6)")  # fmt: skip
    assert '"two" is not a number' in text
    assert '"soon" is not a date' in day


@pytest.mark.parametrize("text", ["—", "-", "n/a", "N/D", "NaN", "k.A.", "s/d", "нет", "null"])
def test_words_for_nothing_are_blank(tmp_path: Path, text: str) -> None:
    lines = f'a,2024-02-05,"{text}"\nb,2024-02-06,20\n'
    path = text_file(tmp_path / "orders.csv", f"customer,date,amount\n{lines}")
    assert column(filled("retention", path), "Orders", "amount") == [None, 20]


# Sheets


ONE = [("customer", "date", "amount"), ("a", "2024-01-05", 10)]
TWO = [("date", "customer", "amount"), ("2024-02-05", "b", 20), ("2024-02-06", "c", 30)]


def book(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    def fill(new: xlsxwriter.Workbook) -> None:
        for name, rows in sheets.items():
            sheet = new.add_worksheet(name)
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)

    path.write_bytes(written(fill))
    return path


def test_sheets_with_the_same_columns_are_told_and_may_be_added(tmp_path: Path) -> None:
    path = book(tmp_path / "orders.xlsx", Jan=ONE, Feb=TWO, Notes=[("Read me",)])
    told = 'sheets with the same columns are not read: Feb (2 rows); --sheet "Jan" --sheet "Feb"'
    for words in (None, Options(dates="ymd")):  # as it is, or with more said of it
        first = filled("retention", path, words=words)
        assert (total(first, "Orders", "amount"), first.tables["Orders"].rows) == (10, 1)
        assert told in first.notes[0].remarks()
        assert "read from the sheet Jan, " in first.notes[0].remarks()
    both = filled("retention", path, words=Options(sheet=("Jan", "feb")))
    assert (total(both, "Orders", "amount"), both.tables["Orders"].rows) == (60, 3)
    assert not any("not read" in note.remarks() for note in both.notes)
    one = filled("retention", path, words=Options(sheet=("Feb",)))
    assert total(one, "Orders", "amount") == 50
    none = refusal("retention", path, words=Options(sheet=("Fev",)))
    assert 'has no sheet "Fev"; did you mean Feb?; it has Jan, Feb, Notes' in none
    # The sheet of the table's name is meant.
    of_this_name = book(tmp_path / "meant.xlsx", Feb=TWO, Orders=ONE)
    for words in (None, Options(dates="ymd")):
        meant = filled("retention", of_this_name, words=words)
        assert total(meant, "Orders", "amount") == 10
        assert "not read" not in meant.notes[0].remarks()
    # What is no workbook has no sheets, and counts once.
    text = text_file(tmp_path / "more.csv", "customer,date,amount\nd,2024-03-05,100\n")
    all_of_them = filled("retention", path, text, words=Options(sheet=("Jan", "Feb")))
    assert total(all_of_them, "Orders", "amount") == 160


def test_sheets_and_archives_are_loaded_again_as_they_were(tmp_path: Path) -> None:
    """Each sheet has a row of its own in Sources; an archive has one, for it is read as a whole."""
    path = book(tmp_path / "orders.xlsx", Jan=ONE, Feb=TWO)
    packed = tmp_path / "more.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, line in (("a.csv", "d,2024-03-05,100"), ("b.csv", "e,2024-04-05,200")):
            archive.writestr(name, f"customer,date,amount\n{line}\n")
    files = [str(path), str(packed)]
    words = options_from([("sheet", "Jan"), ("sheet", "Feb")])
    requests = named_files(template("retention"), files, [], [], words)
    filling = read_files(requests, {"Orders": SCHEMAS["retention"].inputs[0].columns}, [])
    rows = listed(filling.notes, requests, tmp_path, "en")
    assert [(row.file, row.columns, row.rows) for row in rows] == [
        ("orders.xlsx", "--sheet Jan", 1),
        ("orders.xlsx", "--sheet Feb", 2),
        ("more.zip", "", 2),
    ]
    assert total(filling, "Orders", "amount") == 360


# Headers


@pytest.mark.parametrize("units", [",,€", ",dd.mm.yyyy,EUR", ",,(in EUR)"])
def test_a_row_of_units_under_the_header_is_to_be_deleted(tmp_path: Path, units: str) -> None:
    text = f"customer,date,amount\n{units}\na,2024-01-05,10\n"
    told = refusal("retention", text_file(tmp_path / "orders.csv", text))
    unit = units.rpartition(",")[2]
    assert f'row 2 has "{unit}" where the rows under it have numbers, as a second row of' in told
    # An order with a wrong amount is none of units, and not to be deleted.
    for row in ("b,2024-01-04,€", "b,,#N/A", "b,,1.5K"):
        path = text_file(tmp_path / "orders.csv", text.replace(units, row))
        assert "delete it" not in refusal("retention", path)


def test_a_file_without_a_header_is_refused_as_such(tmp_path: Path) -> None:
    path = text_file(tmp_path / "orders.csv", "a,2024-01-05,10\nb,2024-01-06,20\n")
    assert 'row 1, "a, 2024-01-05, 10", seems to be data and no header' in refusal(
        "retention", path
    )
    assert "seems to be data" not in refusal("retention", text_file(path, "a,b,c\n1,2,3\n"))


def test_a_title_of_several_words_is_none_of_headers(tmp_path: Path) -> None:
    path = text_file(tmp_path / "o.csv", "Sales,report\n\nKunde,Datum,Betrag\na,2024-01-05,10\n")
    assert "the header seems to stand in row 3: say --header 3" in refusal("retention", path)
    told = refusal("retention", path, words=Options(header=3))
    words = Options(header=3, renamed=options_in(told))
    assert total(filled("retention", path, words=words), "Orders", "amount") == 10


def test_months_side_by_side_as_a_spreadsheet_has_them(tmp_path: Path) -> None:
    """Their headers are dates there, shown as Jan-24."""

    def fill(new: xlsxwriter.Workbook) -> None:
        sheet, month = new.add_worksheet(), new.add_format({"num_format": "mmm-yy"})
        for place, day in enumerate((date(2024, 1, 1), date(2024, 2, 1)), start=1):
            sheet.write_datetime(0, place, day, month)
        sheet.write_row(0, 0, ["Kanal"])
        sheet.write_row(1, 0, ["A", 10, 20])
        sheet.write_row(2, 0, ["B", 30, 40])

    path = tmp_path / "spend.xlsx"
    path.write_bytes(written(fill))
    said = options_in(refusal("unit_economics", path))
    assert said == {"Kanal": "channel"}
    told = filled("unit_economics", path, words=Options(renamed=said))
    assert column(told, "Spend", "month") == [date(2024, 1, 1)] * 2 + [date(2024, 2, 1)] * 2
    assert column(told, "Spend", "spend") == [10, 30, 20, 40]
    for header, why in (
        ("Jan-24,Feb-24", '"Jan-24" may be the month 2024-01, or a day without its year'),
        ("Jan,Feb", '"Jan" is a month without its year'),
    ):
        text = text_file(tmp_path / "spend.csv", f"channel,{header}\nA,10,20\n")
        assert f"the header {why}: write it as 2024-01" in refusal("unit_economics", text)
    # A column a week is none a month.
    weeks = text_file(tmp_path / "weeks.csv", "channel,2024-01-01,2024-01-08\nA,10,20\n")
    assert "has no column" in refusal("unit_economics", weeks)
