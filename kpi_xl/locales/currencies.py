"""How amounts of money are written: their currency's sign, its place, their decimals."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

from kpi_xl.locales import Message, Names

NO_BREAK = "\u00a0"


class Money(NamedTuple):
    """Excel's number formats for amounts: to the smallest coin, and in whole."""

    exact: str
    whole: str


@cache
def _known() -> dict[str, Any]:
    path = resources.files(__package__).joinpath("currencies.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def currencies() -> tuple[str, ...]:
    """The codes of the currencies whose signs are known."""
    return tuple(_known()["signs"])


def code_of(text: str) -> str:
    """The code in a text such as "eur"; "" where it is none, as with "$", which several have."""
    code = text.strip().upper()
    return code if re.fullmatch("[A-Z]{3}", code) else ""


def said(option: str, text: str) -> tuple[str, Message | None]:
    """The code that a user means by a code or a sign, and what is wrong with one that is none.

    What several currencies are written with is refused, even where files would be taken for one.
    """
    meant = _meanings(text)
    if len(meant) > 1:
        codes = Names((*meant[:MOST_NAMED], *["..."] * (len(meant) > MOST_NAMED)), ", ")
        return "", Message(SEVERAL, option=option, currency=text, codes=codes, first=meant[0])
    if code := code_of(currency_named(text)):
        return code, None
    return "", Message(NO_CODE, option=option, currency=text)


MOST_NAMED = 6
SEVERAL = (
    "{option} {currency}: several currencies are written so ({codes}): write the code of one, as in"
    " {option} {first}"
)
NO_CODE = "{option} {currency}: write its code of three letters, such as EUR"


def distinct(codes: set[str]) -> set[str]:
    """The currencies, a sign of several being the one of them that is there.

    >>> sorted(distinct({"$", "CAD", "EUR"}))
    ['CAD', 'EUR']
    """
    told = {sign for sign, several in _known()["several"].items() if codes & {*several}}
    return codes - told


def may_be_one(one: str, other: str) -> bool:
    """Whether two signs or codes may stand for the same currency."""
    same = currency_named(one) == currency_named(other)
    return same or not {*_meanings(one)}.isdisjoint(_meanings(other))


def contradict(one: str, other: str) -> bool:
    """Whether two signs or codes stand for two currencies; what is unknown to us may be any.

    >>> [contradict("PKR", sign) for sign in ("Rs", "₹", "$", "TTC")]
    [False, True, True, False]
    """
    return not may_be_one(one, other) and bool(_meanings(one) and _meanings(other))


def is_known(text: str) -> bool:
    """Whether a sign or a code is of a currency.

    >>> [is_known(text) for text in ("EUR", "$", "VIP")]
    [True, True, False]
    """
    return bool(_meanings(text))


def closer(*signs: str) -> str:
    """Of signs that may be of one currency that which the fewest have; "" says nothing.

    >>> closer("", "$", "CAD")
    'CAD'
    """
    return min(filter(None, signs), key=lambda sign: len(_meanings(sign)), default="")


def _meanings(text: str) -> tuple[str, ...]:
    """The codes of the currencies that a sign or a code may stand for; none if it is unknown.

    The one that it stands for most often is the first.
    """
    return _all_meanings().get(_plain(text), ())


@cache
def _all_meanings() -> dict[str, tuple[str, ...]]:
    known = _known()
    iso = {code: [code] for code in known["codes"].split()}
    ours = {sign: [code] for sign, code in _codes().items()}
    found: dict[str, tuple[str, ...]] = {}
    for signs in (iso, ours, known["several"], known["shared"]):
        for sign, codes in signs.items():
            known_so = found.get(_plain(sign), ())
            found[_plain(sign)] = tuple(dict.fromkeys((*known_so, *codes)))
    return found


@lru_cache(maxsize=4096)
def currency_named(text: str) -> str:
    """The code that a sign, a name or a code stands for; any other as it is, in capitals.

    >>> [currency_named(text) for text in ("zł", "Rs.", "￦", "eur", "US Dollar", "$")]
    ['PLN', 'INR', 'KRW', 'EUR', 'USD', '$']
    """
    sign = _plain(text)
    return _codes().get(sign, sign.upper())


def sign_pattern() -> str:
    """A regular expression of the signs and codes that may stand beside an amount."""
    known = _known()
    ours = sorted({sign for _, sign in _written()}, key=len, reverse=True)
    others = [sign for signs in known["also"].values() for sign in signs]
    others += [cased for sign in known["several"] for cased in (sign, sign.lower())]
    one, other = ("|".join(map(re.escape, signs)) for signs in (ours, others))
    return rf"(?:{one}|(?:{other})\.?|[A-Za-z]{{1,3}}[$¥]|[A-Z]{{3}})"


def _written() -> Iterator[tuple[str, str]]:
    """The codes and signs that we write, in any language."""
    known = _known()
    for signs in (known["signs"], *known["signs_in"].values()):
        yield from signs.items()


@cache
def _codes() -> dict[str, str]:
    """The code of each sign that is of one currency alone."""
    also = ((code, sign) for code, signs in _known()["also"].items() for sign in signs)
    codes: dict[str, set[str]] = {}
    for code, sign in (*_written(), *also):
        codes.setdefault(_plain(sign), set()).add(code)
    return {
        sign: min(some)
        for sign, some in codes.items()
        if len(some) == 1 and sign.upper() not in _known()["several"]
    }


def _plain(sign: str) -> str:
    """A sign in the form in which signs are compared: half as wide, in small letters."""
    return unicodedata.normalize("NFKC", sign.strip()).lower().rstrip(".")


def money(code: str, language: str) -> Money:
    """How a language writes amounts of a currency: an unknown one by its code, none without sign.

    >>> money("EUR", "en").whole
    '"€"#,##0;-"€"#,##0'
    """
    known = _known()
    decimals = known["decimals"].get(code, 2)
    whole, exact = "#,##0", "#,##0" + f".{'0' * decimals}" * (decimals > 0)
    if not code:
        # Both sections, so that no other unit's cells have the same format.
        return Money(*(f"{form};-{form}" for form in (exact, whole)))
    sign = known["signs_in"].get(language, {}).get(code) or known["signs"].get(code, code)
    if language in known["after"]:
        return Money(*(f'{form}"{NO_BREAK}{sign}"' for form in (exact, whole)))
    # Letters do not touch digits: IDR 12 is Rp 12.
    sign += NO_BREAK * sign[-1].isalpha()
    return Money(*(f'"{sign}"{form};-"{sign}"{form}' for form in (exact, whole)))
