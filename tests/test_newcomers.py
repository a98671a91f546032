"""What a newcomer meets who gives a table of their own: refusals that say what to type."""

import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest
from test_exports import column, filled, refusal, sources, text_file, total

from kpi_xl.exports import Options, parts_of
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
