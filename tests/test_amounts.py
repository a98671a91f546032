"""Amounts and months are written as each language does; no amount has another currency's sign."""

import csv
import re
import zipfile
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import openpyxl
import pytest
from commands import kpi_xl
from demos import empty
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import build
from look_lint import look
from test_exports import FILES, sources
from workbook_lint import lint
from workbooks import value_of

from kpi_xl.engine.places import address_area
from kpi_xl.exports.cells import numbers
from kpi_xl.locales import texts
from kpi_xl.locales.currencies import (
    NO_BREAK,
    code_of,
    currencies,
    currency_named,
    money,
    said,
)
from kpi_xl.reports.loading import loaded
from kpi_xl.schema import SCHEMAS
from kpi_xl.units import MONEY

OF_NO_STANDARD = {"IRT"}
"""Currencies that people count in, and Unicode's CLDR does not have."""


def test_signs_and_decimals_are_those_of_cldr() -> None:
    """The file has what release 48 gives for each language, as ICU 78 writes it."""
    path = Path(__file__).parent / "currencies_cldr48.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["code"] for row in rows} == set(currencies()) - OF_NO_STANDARD
    narrow = {row["code"]: row["narrow_sign"] for row in rows if row["language"] == "en"}
    for row in rows:
        language, code, sign = row["language"], row["code"], row["sign"]
        if sign == code and [*narrow.values()].count(narrow[code]) == 1:
            sign = narrow[code]
        forms = money(code, language)
        shown = re.findall('"(.*?)"', forms.whole)[0]
        assert shown.strip(NO_BREAK) == sign.strip(), (language, code)
        zeros = forms.exact.partition(";")[0].count("0")
        assert zeros == 1 + int(row["decimals"]), (language, code)
        if language != "fa":  # which reads from the right: what stands behind is on the left
            place = "before" if forms.whole.startswith('"') else "after"
            assert place == row["place"], (language, code)


def test_each_sign_that_is_of_one_currency_is_read_as_it() -> None:
    path = Path(__file__).parent / "currencies_cldr48.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    meant: dict[str, set[str]] = {}
    for row in rows:
        for sign in (row["sign"], row["narrow_sign"]):
            meant.setdefault(sign.strip(), set()).add(row["code"])
    assert {sign for sign, codes in meant.items() if len(codes) > 1} == {"$", "¥", "kr"}
    for row in rows:
        sign = re.findall('"(.*?)"', money(row["code"], row["language"]).whole)[0].strip(NO_BREAK)
        codes = meant.get(sign, {row["code"]})
        for text in (f"{sign}1234.5", f"{sign}{NO_BREAK}1234.5", f"1234.5{NO_BREAK}{sign}"):
            found = numbers({"amount": [text]}, {"amount": MONEY}, "1,234.5")
            assert not found.faults, text
            assert found.columns == {"amount": [1234.5]}
            assert list(map(currency_named, found.signs["amount"])) == [
                sign if len(codes) > 1 else row["code"]
            ], text


@pytest.mark.parametrize(
    ("text", "code"),
    [("Rs.500", "INR"), ("500 \u0440.", "RUB"), ("500 kr.", "KR"), ("￥500", "¥"),
     ("500 تومان", "IRT"), ("500 ﷼", "IRR"), ("S$500", "SGD"), ("R 500", "ZAR"), ("₦500", "₦")],
)  # fmt: skip
def test_signs_that_exports_write_are_read(text: str, code: str) -> None:
    found = numbers({"amount": [text]}, {"amount": MONEY})
    assert found.columns == {"amount": [500.0]}
    assert list(map(currency_named, found.signs["amount"])) == [code]


@pytest.mark.parametrize(
    ("code", "language", "exact", "whole"),
    [
        ("EUR", "en", '"€"#,##0.00;-"€"#,##0.00', '"€"#,##0;-"€"#,##0'),
        ("RUB", "ru", f'#,##0.00"{NO_BREAK}₽"', f'#,##0"{NO_BREAK}₽"'),
        ("CNY", "zh-Hans", '"¥"#,##0.00;-"¥"#,##0.00', '"¥"#,##0;-"¥"#,##0'),
        ("JPY", "en", '"¥"#,##0;-"¥"#,##0', '"¥"#,##0;-"¥"#,##0'),
        ("IRR", "fa", f'#,##0"{NO_BREAK}ریال"', f'#,##0"{NO_BREAK}ریال"'),
        ("XAU", "en", f'"XAU{NO_BREAK}"#,##0.00;-"XAU{NO_BREAK}"#,##0.00',
         f'"XAU{NO_BREAK}"#,##0;-"XAU{NO_BREAK}"#,##0'),
    ],
)  # fmt: skip
def test_an_amount_is_written_as_the_language_does(
    code: str, language: str, exact: str, whole: str
) -> None:
    assert money(code, language) == (exact, whole)


@pytest.mark.parametrize(
    ("text", "code"), [(" eur", "EUR"), ("$", ""), ("euro", ""), ("", ""), ("¥", "")]
)
def test_a_sign_of_several_is_no_code(text: str, code: str) -> None:
    assert code_of(text) == code


@cache
def made(name: str, currency: str, language: str = "en") -> bytes:
    if not currency:
        return empty(name, language).content
    return build(template(name), {}, language=language, currency=currency).content


def xml(content: bytes, pattern: str) -> list[Element]:
    with zipfile.ZipFile(BytesIO(content)) as package:
        return [ElementTree.fromstring(package.read(part)) for part in package.namelist()
                if re.fullmatch(pattern, part)]  # fmt: skip


def formats(content: bytes) -> set[str]:
    """All number formats of cells, of rules and of charts."""
    trees = (*xml(content, "xl/styles.xml"), *xml(content, r"xl/charts/chart\d+\.xml"))
    return {one.get("formatCode", "") for tree in trees for one in tree.iterfind(".//{*}numFmt")}


def signs(form: str) -> list[str]:
    """The currencies' signs in a format; [$-409] is a language."""
    return re.findall("[$€£¥₽₴₸₺₩₹₫₪฿]", re.sub(r"\[\$-\w+\]", "", form))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_workbook_in_a_currency_has_its_sign_and_no_other(name: str) -> None:
    content = made(name, "GBP")
    assert {sign for form in formats(content) for sign in signs(form)} == {"£"}
    axes = [one.get("formatCode") for chart in xml(content, r"xl/charts/chart\d+\.xml")
            for one in chart.iterfind(".//{*}valAx/{*}numFmt")]  # fmt: skip
    assert money("GBP", "en").whole in axes


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
@pytest.mark.parametrize(
    ("name", "sheet", "header"),
    [
        ("unit_economics", "LTV curve", "12"),
        ("campaigns", "Forecast", "expected"),
        ("scorecard", "Forecast", "expected"),
    ],
)
def test_curves_and_forecasts_have_the_sign(name: str, sheet: str, header: str) -> None:
    """Below the first header of that name: of a forecast, that of the cost."""
    page = openpyxl.load_workbook(BytesIO(made(name, "GBP")))[sheet]
    cells = (cell for row in page.iter_rows() for cell in row if str(cell.value) == header)
    first = next(cells)
    below = page.cell(first.row + 1, first.column)
    assert below.number_format == money("GBP", "en").whole


@pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
def test_the_map_of_revenue_has_the_sign() -> None:
    page = openpyxl.load_workbook(BytesIO(made("retention", "GBP")))["Cohort revenue"]
    forms = [cell.number_format for row in page.iter_rows() for cell in row]
    assert forms.count(money("GBP", "en").whole) > 100


def test_goals_that_are_amounts_have_the_sign() -> None:
    """What a row of the SMART check is, its KPI tells: the rules ask for both."""
    for currency, asked in (("GBP", '="MONEY"'), ("", 'AND($S11="MONEY",ReportCurrency="GBP")')):
        content = made("scorecard", currency)
        (styles,) = xml(content, "xl/styles.xml")
        looks = [one.find("{*}numFmt") for one in styles.iterfind("{*}dxfs/{*}dxf")]
        shown = set()
        for page in xml(content, r"xl/worksheets/sheet\d+\.xml"):
            for rule in page.iterfind(".//{*}cfRule"):
                form = looks[int(rule.get("dxfId"))] if rule.get("dxfId") else None
                if form is not None and asked in (rule.findtext("{*}formula") or ""):
                    shown.add(form.get("formatCode"))
        assert shown == set(money("GBP", "en"))


def test_a_workbook_in_a_currency_passes_the_lints() -> None:
    for name, code, language in (("campaigns", "IRR", "fa"), ("funnel", "RUB", "ru")):
        assert lint(made(name, code, language)) == []
        assert look(made(name, code, language)) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_without_one_each_sign_is_bound_to_its_code(name: str) -> None:
    """No cell's own format has a sign, and each rule that has one asks for that currency."""
    content = made(name, "")
    (styles,) = xml(content, "xl/styles.xml")
    known = {f'ReportCurrency="{code}"': money(code, "en") for code in currencies()}
    plain = money("", "en")
    for own in styles.iterfind("{*}numFmts/{*}numFmt"):
        assert not signs(own.get("formatCode", ""))
    looks = [one.find("{*}numFmt") for one in styles.iterfind("{*}dxfs/{*}dxf")]
    bound = set()
    for sheet in xml(content, r"xl/worksheets/sheet\d+\.xml"):
        for rule in sheet.iterfind(".//{*}cfRule"):
            form = looks[int(rule.get("dxfId"))] if rule.get("dxfId") else None
            code = None if form is None else form.get("formatCode")
            asked = [text for text in known if text in (rule.findtext("{*}formula") or "")]
            if asked:
                assert code in known[asked[0]]
                bound.add(asked[0])
            elif code is not None:
                assert not any(code in forms and code not in plain for forms in known.values())
    assert bound == set(known)


def test_fill_takes_the_currency_that_all_amounts_name(tmp_path: Path) -> None:
    """EUR where the file says so; nothing where it says none; what the user says."""
    ours = tmp_path / "ours.csv"
    ours.write_text("date,campaign,cost\n2024-01-01,A,10\n2024-01-02,A,20\n", encoding="utf-8")
    for options, file, expected in (
        ((), FILES / "meta_de.csv", "EUR"),
        ((), ours, ""),
        (("--currency", "gbp"), ours, "GBP"),
    ):
        output = tmp_path / f"in-{expected}.xlsx"
        told = kpi_xl("fill", "campaigns", str(file), *options, "-o", str(output))
        assert told.returncode == 0, told.stderr
        assert (value_of(output.read_bytes(), "ReportCurrency") or "") == expected


def test_a_refresh_refuses_amounts_in_another_currency(tmp_path: Path) -> None:
    book = sources(FILES, ("Ads", "meta_de.csv", ""))
    inputs = SCHEMAS["campaigns"].inputs
    object.__setattr__(book, "currency", "EUR")
    assert not loaded(book, inputs, datetime(2024, 5, 1)).refused
    object.__setattr__(book, "currency", "USD")
    change = loaded(book, inputs, datetime(2024, 5, 1))
    assert change.refused
    assert "EUR and USD" in change.message


@pytest.mark.parametrize(
    ("sign", "code"),
    [("TL", "TRY"), ("₺", "TRY"), ("zł", "PLN"), ("R$", "BRL"), ("US$", "USD"), ("Kč", "CZK"),
     ("грн", "UAH"), ("eur", "EUR"), ("تومان", "IRT")],
)  # fmt: skip
def test_a_sign_of_one_currency_may_be_said(sign: str, code: str) -> None:
    assert said("--currency", sign) == (code, None)


@pytest.mark.parametrize(
    ("sign", "codes"),
    [("$", "USD, CAD, AUD, "), ("¥", "JPY, CNY"), ("kr", "SEK, NOK, DKK, ISK"),
     ("Rs.", "INR, PKR, "), ("元", "CNY, TWD, "), ("£", "GBP, EGP, ")],
)  # fmt: skip
def test_a_sign_of_several_currencies_is_refused_with_their_codes(sign: str, codes: str) -> None:
    code, fault = said("--currency", sign)
    assert not code
    assert f"({codes}" in str(fault)
    assert f"as in --currency {codes[:3]}" in str(fault)


def test_new_wants_a_code() -> None:
    told = kpi_xl("new", "funnel", "--currency", "dollars")
    assert told.returncode == 2
    assert "such as EUR" in told.stderr


def test_persian_charts_name_the_gregorian_months() -> None:
    """LibreOffice writes 2024-01 as Farvardin by a format: the names, CLDR's, stand in cells."""
    names = "ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر".split()
    record = template("scorecard")
    data, about = record.sample()
    built = build(record, data, about, "fa")
    checks = texts("fa")["words"]["Checks"]
    blocks = {
        found.text or ""
        for chart in xml(built.content, r"xl/charts/chart\d+\.xml")
        for found in chart.iterfind(".//{*}cat//{*}f")
        if checks in (found.text or "")
    }
    assert blocks
    for block in blocks:
        area = address_area(checks, block.rpartition("!")[2])
        assert area is not None
        assert area.left == area.right
        shown = [built.values[checks, row, area.left] for row in range(area.top, area.bottom + 1)]
        first = names.index(shown[0])
        assert shown == [names[(first + later) % 12] for later in range(len(shown))]
    assert not [form for form in formats(built.content) if re.search(r"\[\$-\w*429\]", form)]
