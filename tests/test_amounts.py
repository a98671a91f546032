"""Amounts and months are written as each language does; no amount has another currency's sign."""

import json
import re
import shutil
import subprocess
import zipfile
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.parts import build
from look_lint import look
from test_cli import kpi_xl
from test_exports import FILES, sources
from workbook_lint import lint

from kpi_xl.engine.formulas import address_area
from kpi_xl.locales import LANGUAGES, texts
from kpi_xl.locales.currencies import NO_BREAK, code_of, currencies, money
from kpi_xl.reports.loading import loaded
from kpi_xl.schema import SCHEMAS

ICU = """
const [codes, languages] = JSON.parse(process.argv[1]);
const found = [];
for (const language of languages) for (const code of codes) for (const display of ["symbol",
    "narrowSymbol"]) {
  const format = new Intl.NumberFormat(`${language}-u-nu-latn`,
    {style: "currency", currency: code, currencyDisplay: display});
  const parts = format.formatToParts(1);
  found.push([language, code, display, parts.find(part => part.type == "currency").value,
    parts.findIndex(part => part.type == "currency"), parts.findIndex(part =>
    part.type == "integer"), format.resolvedOptions().maximumFractionDigits]);
}
console.log(JSON.stringify(found));
"""
OF_NO_STANDARD = {"IRT"}
"""Currencies that people count in, and Unicode's CLDR does not have."""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node brings ICU, which has CLDR's data")
def test_signs_and_decimals_are_those_of_cldr() -> None:
    codes = sorted(set(currencies()) - OF_NO_STANDARD)
    asked = json.dumps([codes, list(LANGUAGES)])
    told = subprocess.run(["node", "-e", ICU, asked], check=True, capture_output=True)
    found = json.loads(told.stdout)
    signs = {(language, code, display): sign for language, code, display, sign, *_ in found}
    narrow = [signs["en", code, "narrowSymbol"] for code in codes]
    for language, code, display, sign, at, digits_at, decimals in found:
        if display == "narrowSymbol":
            continue
        if sign == code and narrow.count(signs["en", code, "narrowSymbol"]) == 1:
            sign = signs["en", code, "narrowSymbol"]
        forms = money(code, language)
        shown = re.findall('"(.*?)"', forms.whole)[0]
        assert shown.strip(NO_BREAK) == sign, (language, code)
        assert forms.exact.partition(";")[0].count("0") == 1 + decimals, (language, code)
        if language != "fa":  # which reads from the right: what stands behind is on the left
            before = forms.whole.startswith('"')
            assert before == (at < digits_at), (language, code)


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
        shown = kpi_xl("eval", '=ReportCurrency&""', "--book", str(output)).stdout.strip()
        assert shown == expected


def test_a_refresh_refuses_amounts_in_another_currency(tmp_path: Path) -> None:
    book = sources(FILES, ("Ads", "meta_de.csv", ""))
    inputs = SCHEMAS["campaigns"].inputs
    object.__setattr__(book, "currency", "EUR")
    assert not loaded(book, inputs, datetime(2024, 5, 1)).refused
    object.__setattr__(book, "currency", "USD")
    change = loaded(book, inputs, datetime(2024, 5, 1))
    assert change.refused
    assert "EUR and USD" in change.message


def test_new_wants_a_code() -> None:
    told = kpi_xl("new", "funnel", "--currency", "dollars")
    assert told.returncode == 2
    assert "such as EUR" in told.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="Node brings ICU, which has CLDR's data")
def test_persian_charts_name_the_gregorian_months() -> None:
    """LibreOffice writes 2024-01 as Farvardin by a format: the names stand in cells."""
    told = subprocess.run(
        ["node", "-p", "JSON.stringify([...Array(12).keys()].map(month => new Intl.DateTimeFormat("
         "'fa-u-ca-gregory', {month: 'long'}).format(new Date(2024, month, 1))))"],
        check=True, capture_output=True,
    )  # fmt: skip
    names = json.loads(told.stdout)
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
