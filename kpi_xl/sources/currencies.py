"""Columns of currencies beside the amounts: what is in different currencies is never added up."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, compress
from math import fsum

from kpi_xl.cells import Cell
from kpi_xl.locales import Message, Names
from kpi_xl.locales.currencies import contradict, currency_named, is_known, may_be_one
from kpi_xl.schema import Column
from kpi_xl.sources.records import Found, Unreadable, plain
from kpi_xl.sources.values import as_text
from kpi_xl.units import MONEY

NAME = re.compile(
    "currency|^cur$|^curr$|ccy|währung|waehrung|devise|moneda|moeda|valuta|waluta|měna|parabirimi|"
    "валют|货币|貨幣|币种|幣別|幣種|通貨|통화|^ارز|واحدپول"
)
"""What a header of currencies has in it, in the languages that exports come in."""

ALONE = re.compile(rf"(?:{NAME.pattern})(?:s?code|\w|代码|代碼)?")
"""A header that says no more than that codes of currencies are below it."""

CODE = re.compile(r"[A-Z]{3}|[A-Z]{0,3}[$¥]|KR")
"""A code of ISO 4217, or letters that only others beside them can tell."""

IN_BRACKETS = re.compile(r"[(\[\uff08]\s*([^()\[\]\uff08\uff09]{1,4})\s*[)\]\uff09]")
IN_WORDS = re.compile(
    r"(?:^|[\W_])(EUR|USD|GBP|CHF|JPY|CNY|RUB|INR|BRL|CAD|AUD|PLN|SEK|NOK|DKK)(?=$|[\W_])",
    re.IGNORECASE,
)
"""Codes that a header may have among its words; others, such as ALL, may be words themselves."""

MIXED = (
    "mixes currencies, and they are never added up: {what}. Convert the amounts into one currency,"
    " or keep the rows of one"
)

OTHER_SIGN = (
    "has amounts with the sign {sign}, which are said to be in {currency}: correct one of the two"
)

IN_CURRENCY = "amounts in {currency}"

WATCHED = "\0"
"""What the names of columns begin with that are read only to be looked at."""


def watched(headers: Sequence[str], places: Mapping[str, int]) -> dict[str, int]:
    """The columns that hold the currencies of amounts, as their headers have it."""
    return {
        WATCHED + str(place): place
        for place, header in enumerate(headers)
        if place not in places.values() and NAME.search(plain(header))
    }


def in_one_currency(
    found: Found,
    columns: Sequence[Column],
    read: Mapping[str, Sequence[Cell]],
    signs: Mapping[str, str],
) -> list[Message]:
    """Remarks on the currency of the amounts. Raises Unreadable where there are several.

    `read` are the columns of the table, and `signs` those that stand in them; of `found` the
    watched ones are taken out.
    """
    codes: dict[str, list[str]] = {}
    for name in [name for name in found.cells if name.startswith(WATCHED)]:
        texts = [
            currency_named(as_text(cell)) if cell is not None else "" for cell in found.cells[name]
        ]
        del found.cells[name]
        header = found.headers[found.places[name]]
        if says_currencies(header, texts):
            codes[header] = texts
    remarks: dict[Message, None] = {}
    told: dict[str, str] = {}
    mixed: dict[str, dict[str, Mapping[str, float]]] = {}  # header of currencies: columns: sums
    for column in columns:
        if column.unit.name != MONEY.name or column.name not in {*read} & {*found.places}:
            continue
        theirs = found.headers[found.places[column.name]]
        if currency := in_header(theirs):
            if contradict(currency, sign := signs.get(column.name, "")):
                raise Unreadable(Message(OTHER_SIGN, currency=currency, sign=sign))
            remarks[Message(IN_CURRENCY, currency=currency)] = None
            told[column.name] = currency
        if currency or not codes:
            continue
        headers = nearest(codes, theirs)
        if unclear := differ(headers, codes, map(bool, read[column.name]), theirs):
            raise Unreadable(unclear)
        header = headers[0]
        sums = _sums(codes[header], read[column.name])
        if len(sums) > 1:
            mixed.setdefault(header, {})[column.name] = sums
        elif sums:
            currency, sign = next(iter(sums)), signs.get(column.name, "")
            if contradict(currency, sign):
                raise Unreadable(Message(OTHER_SIGN, currency=currency, sign=sign))
            remarks[Message(IN_CURRENCY, currency=currency)] = None
            told[column.name] = currency
    if not all(may_be_one(*pair) for pair in combinations(told.values(), 2)):
        raise Unreadable(Message(MIXED, what=each_is(told)))
    if mixed:
        what = tuple(different(header, sums) for header, sums in mixed.items())
        raise Unreadable(Message(MIXED, what=Names(what, "; ")))
    return list(remarks)


def different(header: str, sums: Mapping[str, Mapping[str, float]]) -> Message:
    """What the columns of amounts come to in each of the currencies under a header."""
    each = tuple(
        Message(
            "{column} is {sums}",
            column=column,
            sums=Names(tuple(_sum(code, amount) for code, amount in some.items())),
        )
        for column, some in sums.items()
    )
    text = 'the column "{header}" has different currencies: {sums}'
    return Message(text, header=header, sums=Names(each, ", "))


def says_currencies(header: str, texts: Iterable[str]) -> bool:
    """Whether what stands under a header are currencies, `texts` being codes where they can be."""
    given = {*texts} - {""}
    if any(map(str.isdigit, "".join(given))):  # dates of value, say, or rates
        return False
    if ALONE.fullmatch(plain(header)):
        return bool(given)
    return all(map(_is_code, given)) and any(map(is_known, given))  # and not yes, new or old


def in_header(header: str) -> str:
    """The currency that the header of amounts names, as "Total (EUR)" and "total_eur" do, or "".

    >>> [in_header(text) for text in ("Total (EUR)", "total_eur", "Price [$]", "Sales (all)")]
    ['EUR', 'EUR', '$', '']
    """
    for text in IN_BRACKETS.findall(header):
        if text == text.upper() and is_known(text):
            return currency_named(text)
    words = IN_WORDS.search(header)
    return words[1].upper() if words else ""


def nearest(headers: Iterable[str], amounts: str) -> list[str]:
    """The headers of the currencies in which the amounts under another may be.

    Beside "Amount" and "Converted amount" stand "Currency" and "Converted currency". Where no name
    says it, as beside "Sale amount" of purchase and settlement currency, they are several.
    """
    theirs = plain(amounts)
    named: dict[str, str] = {}
    within, alone = [], []
    for header in headers:
        name = plain(header)
        rest = re.sub(r"iso|codes?|代码|代碼|\W", "", NAME.sub("", name))
        if not rest or ALONE.fullmatch(name):
            alone.append(header)
        elif theirs.startswith(rest) or theirs.endswith(f"({rest})") or name in theirs:
            named[header] = rest
        elif rest in theirs:
            within.append(header)
    if named:
        longest = max(map(len, named.values()))
        return [header for header, rest in named.items() if len(rest) == longest]
    return [*alone, *within] or [*headers]


UNCLEAR = (
    'has "{column}" beside "{header}" and "{other}", which differ, and nothing says in which of'
    ' them it is: say it, as in --map "{header}=currency"'
)


def differ(
    headers: Sequence[str], codes: Mapping[str, Iterable[str]], some: Iterable[bool], column: str
) -> Message | None:
    """What is wrong with currencies that amounts may be in, where some of the rows differ in them.

    `headers` are those of `nearest`, `codes` what stands below each, and `some` the rows that have
    an amount.
    """
    first = list(compress(codes[headers[0]], some := list(some)))
    for other in headers[1:]:
        rows = zip(first, compress(codes[other], some), strict=True)
        if any(one and two and not may_be_one(one, two) for one, two in rows):
            return Message(UNCLEAR, column=column, header=headers[0], other=other)
    return None


def each_is(currencies: Mapping[str, str]) -> Names:
    """In which currency the amounts of each column are, as a sentence has it."""
    pairs = currencies.items()
    told = (Message("{column} is {sums}", column=name, sums=code) for name, code in pairs)
    return Names(tuple(told), "; ")


def _is_code(text: str) -> bool:
    """Whether a text is a currency's code, or a sign of money."""
    sign = len(text) == 1 and unicodedata.category(text) == "Sc"
    return sign or bool(CODE.fullmatch(text))


def _sum(code: str, amount: float) -> Message:
    number = f"{amount:,.10g}"
    if not code:
        return Message("{amount} without a currency", amount=number)
    return Message("{amount} {code}", amount=number, code=code)


def _sums(codes: Sequence[str], amounts: Sequence[Cell]) -> dict[str, float]:
    """The sum of each currency."""
    parts: dict[str, list[float]] = {}
    for code, amount in zip(codes, amounts, strict=True):
        if amount:
            parts.setdefault(code, []).append(float(amount))
    return with_nameless({code: fsum(some) for code, some in parts.items()})


def with_nameless(sums: Mapping[str, float]) -> dict[str, float]:
    """Sums by currency: amounts without one are of the only other, if there is one."""
    named = {code: amount for code, amount in sums.items() if code}
    if "" in sums:
        code = next(iter(named)) if len(named) == 1 else ""
        named[code] = named.get(code, 0.0) + sums[""]
    return named
