"""The kinds of values that cells hold, as the functions of Excel tell them apart.

A function that is right for numbers need not be for a text that reads as one, so what is proven is
proven for kinds (see native.py). Kinds are bits: a set of them is a sum.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

DAY, EARLY, NEGATIVE, LATE = 1, 2, 4, 8
"""Numbers: of a date from March 1900 on; from 0 up to there, where Excel counts a day that never
was; below 0; after the year 9999."""

BLANK, LOGICAL = 16, 32
EMPTY, TEXT, DIGITS, ODD, WORD, PATTERN = 64, 128, 256, 512, 1024, 2048
"""Texts: of no letter; that are no number in any language; of a plain number; that Excel takes for
a number, a date or an amount in one language or another; the words of logical values and errors;
those with the signs of criteria in them."""

TILDE = 1 << 20
"""Texts with the sign that takes the meaning from criteria's other signs."""

ERRORS = {
    code: 4096 << place
    for place, code in enumerate(
        ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "another error")
    )
}

CODES_OF = {
    "Null": "#NULL!",
    "Div": "#DIV/0!",
    "Value": "#VALUE!",
    "Ref": "#REF!",
    "Name": "#NAME?",
    "Num": "#NUM!",
    "Na": "#N/A",
    "Spill": "#SPILL!",
    "Calc": "#CALC!",
}
"""The engine's kinds of errors that Excel has, too. Any other kind is a refusal."""

NUMBERS = DAY | EARLY | NEGATIVE | LATE
TEXTS = EMPTY | TEXT | DIGITS | ODD | WORD | PATTERN | TILDE
ANY_ERROR = sum(ERRORS.values())
OTHER_ERROR = ERRORS["another error"]
ALL = NUMBERS | BLANK | LOGICAL | TEXTS | ANY_ERROR

WORDS = {
    DAY: "a number",
    EARLY: "a number below 61",
    NEGATIVE: "a negative number",
    LATE: "a number beyond the dates of Excel",
    BLANK: "a blank cell",
    LOGICAL: "TRUE or FALSE",
    EMPTY: "a text without letters",
    TEXT: "a text",
    DIGITS: "a number stored as text",
    ODD: "a text that Excel may read as a number or a date",
    WORD: "the text of a logical value or an error",
    PATTERN: "a text with the signs of criteria (* ? < > =)",
    TILDE: "a text with a tilde (~)",
    **{bit: code for code, bit in ERRORS.items()},
}

FIRST_DAY, LAST_DAY = 61.0, 2958466.0
PLAIN = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
CRITERIA_SIGNS = re.compile(r"[*?~]|\s*[<>=]")
MONTHS = (
    "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july"
    " august september october november december januar februar märz mai juni juli oktober dezember"
    " mrz okt dez janvier février mars avril juin juillet août septembre octobre novembre décembre"
    " janv févr avr juil fév déc enero febrero marzo abril mayo junio julio agosto septiembre"
    " octubre noviembre diciembre ene abr ago dic gennaio febbraio aprile maggio giugno luglio"
    " settembre ottobre dicembre gen mag giu lug set ott janeiro fevereiro março maio junho julho"
    " setembro outubro novembro dezembro fev mai out januari februari maart mei augustus mrt"
).split()
READ_IN_NUMBERS = {*MONTHS, "e", "d", "am", "pm", "a", "p", "usd", "eur", "gbp", "chf", "kr", "r"}
"""Words beside digits that make no other text of a number, date or time."""
ASCII_WORD = re.compile(r"[^\W\d_]+")
NUMBER_SIGNS = re.compile(r"(?:[^\W_]|[\s.,:/'\u2019+()%$€£¥¢₹₽₺₩₪\ufdfc-])*")
FRACTION_SIGNS = set("½⅓¼¾")


def kind_of(cell: Any) -> int:
    """The kind of a value as the engine has it."""
    if isinstance(cell, bool):
        return LOGICAL
    if isinstance(cell, float | int):
        if cell < 0:
            return NEGATIVE
        return EARLY if cell < FIRST_DAY else DAY if cell < LAST_DAY else LATE
    if cell is None:
        return BLANK
    if isinstance(cell, str):
        return kind_of_text(cell)
    return ERRORS.get(CODES_OF.get(cell["kind"], ""), OTHER_ERROR)


@lru_cache(maxsize=100_000)
def kind_of_text(text: str) -> int:
    """The kind of a text."""
    if not text:
        return EMPTY
    if text[:1] == "#" or text.strip().upper() in ("TRUE", "FALSE"):
        return WORD
    if "~" in text:
        return TILDE
    if CRITERIA_SIGNS.match(text) or "*" in text or "?" in text:
        return PATTERN
    if PLAIN.fullmatch(text) and text.isascii():
        return DIGITS
    if not any(letter.isdigit() for letter in text):
        return ODD if FRACTION_SIGNS.intersection(text) else TEXT
    if not NUMBER_SIGNS.fullmatch(text):
        return TEXT
    words = ASCII_WORD.findall(text)
    if any(word.isascii() and word.lower() not in READ_IN_NUMBERS for word in words):
        return TEXT
    return ODD


def kinds_in(cells: Iterable[Any]) -> int:
    """The kinds of some values together."""
    found = 0
    for cell in cells:
        found |= kind_of(cell)
    return found


def names(kinds: int) -> str:
    """Kinds as people say them."""
    return " or ".join(word for bit, word in WORDS.items() if kinds & bit)
