"""The kinds of values that cells hold, as the functions of Excel tell them apart.

A function that is right for numbers need not be for a text that reads as one, so what is proven is
proven for kinds (see native.py). Kinds are bits: a set of them is a sum.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import compress, permutations
from typing import TYPE_CHECKING, Any
from unicodedata import digit, numeric

import numpy as np

from kpi_xl.locales import Message, Names
from kpi_xl.serials import AFTER_LAST_DAY, DAY_0, FIRST_DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

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

EMOJI = 1 << 21
"""Beside another kind: texts with signs that some versions of Excel count as one letter and others
as two, which are those beyond the 65,536 of a byte pair."""

ANOTHER = Message("another error")
ERRORS = {
    code: 4096 << place
    for place, code in enumerate(
        ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", ANOTHER)
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
TEXTS = EMPTY | TEXT | DIGITS | ODD | WORD | PATTERN | TILDE | EMOJI
ANY_ERROR = sum(ERRORS.values())
OTHER_ERROR = ERRORS[ANOTHER]
ALL = NUMBERS | BLANK | LOGICAL | TEXTS | ANY_ERROR

WORDS = {
    DAY: Message("a number"),
    EARLY: Message("a number below 61"),
    NEGATIVE: Message("a negative number"),
    LATE: Message("a number beyond the dates of Excel"),
    BLANK: Message("a blank cell"),
    LOGICAL: Message("TRUE or FALSE"),
    EMPTY: Message("a text without letters"),
    TEXT: Message("a text"),
    DIGITS: Message("a number stored as text"),
    ODD: Message("a text that Excel may read as a number or a date"),
    WORD: Message("the text of a logical value or an error"),
    PATTERN: Message("a text with the signs of criteria (* ? < > =)"),
    TILDE: Message("a text with a tilde (~)"),
    EMOJI: Message("a text with emoji, of one letter or two,"),
    **{bit: code for code, bit in ERRORS.items()},
}

FROM_1904 = 1462  # days less where a workbook counts from 1904
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
PLUS_WITHIN = re.compile(r"[^\seE(]\s*\+\s*[^\s)]")  # "1+1" is no number, "1E+5" and "5 +" may be
FRACTION_SIGNS = set("½⅓¼¾")


def kind_of(cell: Any) -> int:
    """The kind of a value as the engine has it."""
    if isinstance(cell, bool):
        return LOGICAL
    if isinstance(cell, float | int):
        if cell < 0:
            return NEGATIVE
        return EARLY if cell < FIRST_DAY else DAY if cell < AFTER_LAST_DAY else LATE
    if cell is None:
        return BLANK
    if isinstance(cell, str):
        return kind_of_text(cell)
    return ERRORS.get(CODES_OF.get(cell["kind"], ""), OTHER_ERROR)


def kinds_of(cells: Sequence[Any]) -> "NDArray[np.int32]":
    """The kinds of many values: numbers at once, and each text once."""
    types = set(map(type, cells))
    if types <= {float, int}:
        return _kinds_of_numbers(np.array(cells, np.float64))
    if types == {type(None)}:
        return np.full(len(cells), BLANK, np.int32)
    if types == {str}:
        known = {text: kind_of_text(text) for text in set(cells)}
        return np.fromiter(map(known.__getitem__, cells), np.int32, len(cells))
    are_numbers = np.fromiter(map({float, int}.__contains__, map(type, cells)), bool, len(cells))
    found = np.empty(len(cells), np.int32)
    numbers = np.fromiter(compress(cells, are_numbers), np.float64)
    found[are_numbers] = _kinds_of_numbers(numbers)
    others = list(compress(cells, ~are_numbers))
    known = {text: kind_of_text(text) for text in {cell for cell in others if type(cell) is str}}
    found[~are_numbers] = [known[cell] if type(cell) is str else kind_of(cell) for cell in others]
    return found


def _kinds_of_numbers(numbers: "NDArray[np.float64]") -> "NDArray[np.int32]":
    found = np.full(len(numbers), LATE, np.int32)
    for bound, kind in ((AFTER_LAST_DAY, DAY), (FIRST_DAY, EARLY), (0.0, NEGATIVE)):
        found[numbers < bound] = kind
    return found


@lru_cache(maxsize=100_000)
def kind_of_text(text: str) -> int:
    """The kind of a text."""
    return _kind_of_text(text) | (EMOJI if text and max(text) > "\uffff" else 0)


def _kind_of_text(text: str) -> int:
    if not text:
        return EMPTY
    if text[:1] == "#" or text.strip().upper() in ("TRUE", "FALSE"):
        return WORD
    if "~" in text:
        return TILDE
    if CRITERIA_SIGNS.match(text) or "*" in text or "?" in text:
        return PATTERN
    if PLAIN.fullmatch(text) and text.isascii():
        # Between tabs and line ends it is no number for the engine, and may be one for Excel.
        return DIGITS if text.strip() == text.strip(" ") else ODD
    if not any(letter.isdigit() for letter in text):
        return ODD if FRACTION_SIGNS.intersection(text) else TEXT
    if not NUMBER_SIGNS.fullmatch(text) or PLUS_WITHIN.search(text):
        return TEXT
    words = ASCII_WORD.findall(text)
    if any(word.isascii() and word.lower() not in READ_IN_NUMBERS for word in words):
        return TEXT
    return ODD


Reading = tuple[str, float | str]


@lru_cache(maxsize=100_000)
def readings(text: str) -> frozenset[Reading]:
    """What a text that reads as a number or a date may be to Excel, in one language or another.

    A number, whatever its marks of thousands and decimals, sign, percent or currency, is known by
    its digits, without zeros at its ends; a day is its number in Excel's calendar; a time is known
    as one of many. Two texts without a reading in common are never the same.
    """
    if PLAIN.fullmatch(text) and text.isascii():
        value = float(text)
        found: set[Reading] = {("digits", _digits(f"{value:.14e}".partition("e")[0]))}
        if 0 <= value < AFTER_LAST_DAY:
            found.add(("day", value) if value == int(value) else ("time", ""))
        if "." in text:  # 11.11 is a day where the decimal sign is a comma
            found |= {
                ("day", float(day)) for day in _days(re.findall(r"\d+", text)[:2], worded=False)
            }
        return frozenset(found)
    found = {("digits", _digits(re.split(r"(?<=\d)\s*[eE][-+]?\d", text)[0]))}
    groups = re.findall(r"\d+", text)
    if ":" in text or any(word in text.lower() for word in ("am", "pm")):
        found.add(("time", ""))
    for sign in FRACTION_SIGNS.intersection(text):
        found |= readings(f"{int(groups[0] if groups else 0) + numeric(sign):.14g}")
    if len(groups) in (2, 3) and "/" in text:  # a fraction, perhaps behind whole ones
        whole, above, below = (["0"] * 3 + groups)[-3:]
        if int(below):
            value = int(whole) + int(above) / int(below)
            found |= readings(f"{value:.14g}")
    worded = any(word.lower() in MONTHS for word in ASCII_WORD.findall(text))
    found |= {("day", float(day)) for day in _days(groups[:3], worded=worded)}
    return frozenset(found)


def may_be_alike(one: str, other: str) -> bool:
    """Whether two different texts with a reading in common may be the same number or date.

    Of one shape they are not: "2024-03" and "2024-04", "1/2" and "2/1" differ in every language.
    """
    if one.lower() == other.lower():
        return False
    of_digits = all(kind_of_text(text) == DIGITS for text in (one, other))
    if of_digits and ("." in one) == ("." in other):  # 1.000 may be 1 or 1000
        return f"{float(one):.14e}" == f"{float(other):.14e}"
    return re.sub("[0-9]", "0", one.lower()) != re.sub("[0-9]", "0", other.lower())


def _digits(text: str) -> str:
    """The digits of a number without zeros at its ends, of which Excel keeps 15."""
    digits = "".join(str(digit(sign)) for sign in re.findall(r"\d", text))
    return digits.strip("0")[:15].rstrip("0")


def _days(groups: list[str], *, worded: bool) -> set[int]:
    """The days, as Excel counts them, that numbers in any order may be; `worded` with a month."""
    found = set()
    for order in permutations(groups):
        if worded:
            dates = [("1", "", *order), (order[0], "", "")] if len(order) == 1 else []
            dates += [(order[0], "", order[1])] if len(order) == 2 else []
        else:
            dates = [("1", *order), (*order, "")] if len(order) == 2 else []
            dates += [order] if len(order) == 3 else []
        for day, month, year in dates:
            found |= {
                date(y, m, int(day)).toordinal() - DAY_0
                for y in _years(year)
                for m in ((int(month),) if month else range(1, 13))
                if 1 <= m <= 12 and 1 <= int(day) <= monthrange(y, m)[1]
            }
    found |= {day - 1 for day in found if day <= FIRST_DAY}  # 1900-02-29 is a day in Excel
    return found | {day - FROM_1904 for day in found}


def _years(text: str) -> range | tuple[int, ...]:
    """The years that a number may be; without one, Excel takes the year in which it looks."""
    if not text:
        return range(2000, 2100)
    year = int(text)
    if len(text) <= 2:
        return (1900 + year, 2000 + year)
    return (year,) if len(text) == 4 and year >= 1900 else ()


def kinds_in(cells: Iterable[Any]) -> int:
    """The kinds of some values together."""
    found = 0
    for cell in cells:
        found |= kind_of(cell)
    return found


def names(kinds: int) -> Names:
    """Kinds as people say them."""
    return Names(tuple(word for bit, word in WORDS.items() if kinds & bit), "or")
