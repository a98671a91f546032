"""How amounts of money are written: their currency's sign, its place, their decimals."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

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
