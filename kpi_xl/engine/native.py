"""The native Excel functions that the embedded engine is proven to compute rightly, and for what.

Measured on formualizer 0.13 against LibreOffice and Microsoft's documentation; the cases are in
tests/native_formulas.csv. What the engine has not, or otherwise, is ours (`OURS`, excel.py).
Whatever is not here is refused: it may be right, nobody has shown it.

A signature has a letter a parameter; those after `?` are optional, a tail `(..)*` repeats.

    #  one number, written out
    A  anything, each value of it made text
    a  anything: one value, a range, a block, taken whole
    l  one value, or a block over which the function lifts
    v  one value, made a number if it is none
    k  one value, whatever it is
    w  one value to look for (the engine finds no errors; a blank cell is 0 to Excel and to it, what
       others are that are blank is not known)
    y  one rate, not below 0 (from -1 on the engine gives numbers where Excel gives errors)
    z  one number of money or periods (the engine makes none of text, nor of TRUE as a literal)
    o  one place in a block, counted from 1
    g  one number that picks (the engine hides errors and texts)
    j  one number or logical value that says how to look
    n  as a, but not one computed value that may be text (the engine skips it, Excel refuses it)
    x  a range or a block
    p  a block that arithmetic made (the engine counts TRUE and "7" of other blocks)
    h  a range without hidden rows
    r  a range; all of one call must have the same shape
    s  as r, and no cell of it may hold an error (the engine skips them, Excel does not)
    d  one date, from March 1900 on (the engine does not turn text into dates)
    m  one number that only counts, such as months (Excel takes no TRUE there)
    b  one condition, c one that may be a block: text "TRUE" is made TRUE first, as Excel does
    q  one criterion; which cells may be in its range depends on it
    e  one value, made a number first as Excel does (the engine takes text for 0)
    t  one value, made text first as Excel writes it (the engine writes 17 digits, and true)
    u  one value, of which only TRUE and FALSE are made text first
    f  a format of TEXT_FORMATS, as a literal
    i  a column of TRUE and FALSE (the engine takes errors for FALSE, and no row)
"""

import re
from functools import cache
from typing import Any, Literal, NamedTuple

from kpi_xl.engine import kinds
from kpi_xl.engine.kinds import (
    ALL,
    ANY_ERROR,
    BLANK,
    DAY,
    DIGITS,
    EARLY,
    EMOJI,
    EMPTY,
    LATE,
    LOGICAL,
    NUMBERS,
    ODD,
    PATTERN,
    TEXT,
    TEXTS,
    TILDE,
    WORD,
)

AGGREGATES = "AVERAGE MIN MAX MEDIAN PRODUCT STDEV STDEV.S STDEV.P VAR VAR.S VAR.P GEOMEAN HARMEAN"

SIGNATURES = {
    **dict.fromkeys(AGGREGATES.split(), "n(n)*"),
    "SUM": "a(a)*",
    "COUNTA": "x(x)*",
    **dict.fromkeys(["MODE", "MODE.SNGL"], "x"),
    **dict.fromkeys(["SUMSQ", "DEVSQ", "AVEDEV", "VARP"], "n(n)*"),
    "COUNT": "x(x)*",
    "COUNTBLANK": "r",
    "SUBTOTAL": "vh(h)*",
    "AGGREGATE": "##a(a)*",
    "SUMPRODUCT": "p",  # of one product, in which formulas.py puts its arguments together
    **dict.fromkeys(
        ["LARGE", "SMALL", "PERCENTILE", "PERCENTILE.INC", "QUARTILE", "QUARTILE.INC"], "xg"
    ),
    "TRIMMEAN": "xv",
    **dict.fromkeys(["RANK", "RANK.EQ"], "gr?g"),
    **dict.fromkeys(["SLOPE", "INTERCEPT", "CORREL", "RSQ", "FREQUENCY"], "xx"),
    "FORECAST": "vxx",
    "TREND": "xxl",
    **dict.fromkeys(["SUMIF", "AVERAGEIF"], "sq?s"),
    **dict.fromkeys(["SUMIFS", "AVERAGEIFS"], "srq(rq)*"),
    **dict.fromkeys(["MAXIFS", "MINIFS"], "rrq(rq)*"),
    "COUNTIF": "rq",
    "COUNTIFS": "rq(rq)*",
    # Logic
    "IF": "cl?l",
    **dict.fromkeys(["IFERROR", "IFNA"], "ll"),
    "IFS": "bk(bk)*",
    **dict.fromkeys(["AND", "OR", "XOR"], "n(n)*"),
    "NOT": "b",
    "CHOOSE": "mk(k)*",
    "SWITCH": "kkk(k)*",
    **dict.fromkeys(["TRUE", "FALSE", "NA", "TODAY", "NOW"], ""),
    **dict.fromkeys(
        "ISBLANK ISNUMBER ISTEXT ISERROR ISNA ISERR ISLOGICAL ERROR.TYPE N T".split(), "k"
    ),
    # Numbers
    **dict.fromkeys(["ABS", "SIGN", "INT", "SQRT", "EXP", "LN", "LOG", "LOG10", "NORM.S.INV"], "v"),
    **dict.fromkeys(
        ["ROUND", "ROUNDUP", "ROUNDDOWN", "MROUND", "MOD", "NORM.S.DIST", "POWER"], "vv"
    ),
    "TRUNC": "v?v",
    **dict.fromkeys(["CEILING", "FLOOR"], "vv"),
    **dict.fromkeys(["RADIANS", "DEGREES"], "v"),
    "STANDARDIZE": "vvv",
    "PI": "",
    **dict.fromkeys(["NORM.DIST", "BINOM.DIST"], "vvvv"),
    "NORM.INV": "vvv",
    **dict.fromkeys(["PV", "FV", "PMT", "NPER"], "yzz?zz"),
    "RATE": "zzz?zzz",
    "NPV": "yx(x)*",
    "IRR": "x?z",
    # Dates
    "DATE": "vvv",
    "DATEVALUE": "v",
    **dict.fromkeys(["YEAR", "MONTH", "DAY", "ISOWEEKNUM", "HOUR", "MINUTE", "SECOND"], "d"),
    **dict.fromkeys(["WEEKDAY", "WEEKNUM"], "d?v"),
    **dict.fromkeys(["EDATE", "EOMONTH"], "dm"),
    "DAYS": "dd",
    "YEARFRAC": "dd?m",
    "WORKDAY": "dm?a",
    "WORKDAY.INTL": "dm?ka",
    "NETWORKDAYS": "dd?a",
    "NETWORKDAYS.INTL": "dd?ka",
    "DATEDIF": "ddk",
    # Text
    "TEXT": "uf",
    **dict.fromkeys(["LEFT", "RIGHT"], "t?e"),
    **dict.fromkeys(["LEN", "TRIM", "UPPER", "LOWER"], "t"),
    "TEXTJOIN": "tjA(A)*",
    "MID": "tee",
    "SUBSTITUTE": "ttt?e",
    **dict.fromkeys(["FIND", "SEARCH"], "tt?e"),
    "REPLACE": "teet",
    "VALUE": "v",
    "EXACT": "tt",
    "REPT": "te",
    "CONCAT": "A(A)*",
    "CONCATENATE": "t(t)*",
    # Look-up and blocks
    "VLOOKUP": "wre?j",
    "HLOOKUP": "wre?j",
    "MATCH": "wx?j",
    "XMATCH": "wx?jj",
    "XLOOKUP": "wxx?kjj",
    "INDEX": "xo?o",
    "FILTER": "xi?v",
    "UNIQUE": "x?jj",
    "SORT": "x?jjj",
    "SORTBY": "xx?jxjxj",
    **dict.fromkeys(["ROWS", "COLUMNS"], "x"),
    **dict.fromkeys(["ROW", "COLUMN"], "?v"),
    "TRANSPOSE": "x",
    **dict.fromkeys(["CHOOSECOLS", "CHOOSEROWS"], "xe(e)*"),
    "HYPERLINK": "t?k",
}

SAME_AS = {
    "FORECAST.LINEAR": "FORECAST",
    "PEARSON": "CORREL",
    "STDEVP": "STDEV.P",
    "NORMDIST": "NORM.DIST",
    "NORMINV": "NORM.INV",
    "NORMSINV": "NORM.S.INV",
    "BINOMDIST": "BINOM.DIST",
}
"""Functions that are others under an older or newer name, as Microsoft says."""

OURS = {
    *("YEARFRAC", "NETWORKDAYS", "NETWORKDAYS.INTL", "WORKDAY", "WORKDAY.INTL", "TEXTJOIN"),
    *("CONCAT", "UNIQUE", "SORT", "SORTBY", "XMATCH", "AGGREGATE"),
    *("SEARCH", "REPLACE", "VALUE", "CEILING", "FLOOR", "IRR", "TREND"),
}
"""Functions that we compute ourselves (excel.py)."""

LEFT_OUT = {
    "XLOOKUP": (3, 4),
    **dict.fromkeys(["XMATCH", "NETWORKDAYS.INTL", "WORKDAY.INTL"], (2,)),
    "UNIQUE": (1,),
    "SORT": (1, 2),
}
"""Arguments that may be left out between others, which our functions are told."""

SEE_BLANKS = {"UNIQUE", "SORT", "SORTBY", "TEXTJOIN"}
"""Functions that see the blanks below the sheet's last row, where the engine ends its ranges."""

BLANK_CRITERIA = {"COUNTIFS"}
"""Functions that miss blanks below the sheet's last row."""

BLOCKS = {
    *("FILTER", "FREQUENCY", "TRANSPOSE", "CHOOSECOLS", "CHOOSEROWS"),
    *("UNIQUE", "SORT", "SORTBY"),
}
"""Functions whose result is a block."""

MOVES_BLOCKS = {"TRANSPOSE", "CHOOSECOLS", "CHOOSEROWS", "COUNTBLANK", "ROWS", "COLUMNS"}
"""Functions whose result tells how long a range is; the engine ends whole columns early."""

VOLATILE = ("OFFSET", "INDIRECT", "RAND", "CELL", "INFO")
"""Functions whose formulas the engine is slow to replace; it can have them computed for nothing."""

PLACES = {"ROW", "COLUMN"}
"""Functions of where their argument is, and not of its value."""

FINITE = {
    *("PV", "FV", "PMT", "NPER", "RATE", "NPV", "EXP", "PRODUCT", "DEGREES", "STANDARDIZE"),
}
"""Functions that the engine lets run into infinity; Excel gives #NUM! there."""

LIFTED = {"TRIM"}
"""Functions of one value that are computed over a block, too, cell by cell."""

NO_BLANK = ALL - BLANK - EMPTY - EARLY - LOGICAL
"""What no blank cell is equal to."""

KEEP_BLANKS = {"IFERROR", "IFNA", "TRIM"}
"""Functions that lift, and for a blank cell give one, or an empty text."""

SKIP_ZEROS = KEEP_BLANKS | {"SUM", "SUMPRODUCT", "FILTER"}
"""Functions for which a block may go on with zeros and FALSE below what the engine computes."""

DATES = {"DATE", "EDATE", "EOMONTH"}
"""Functions that the engine lets run out of the calendar; Excel gives #NUM! there."""

OF_DAYS = DATES | {
    *("DATEVALUE", "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "WEEKDAY", "WEEKNUM"),
    *("ISOWEEKNUM", "DAYS", "DATEDIF", "YEARFRAC", "NETWORKDAYS", "NETWORKDAYS.INTL", "WORKDAY"),
    *("WORKDAY.INTL", "TODAY", "NOW"),
}
"""Functions that take numbers for days, or give such, which are others where days count from 1904.
"""

TEXT_FUNCTIONS = (
    "T TEXT LEFT RIGHT TRIM MID SUBSTITUTE REPT CONCAT CONCATENATE UPPER LOWER TEXTJOIN REPLACE"
).split()
"""Functions whose result is text."""

LOGICALS = "AND OR XOR NOT TRUE FALSE ISBLANK ISNUMBER ISTEXT ISERROR ISNA ISERR ISLOGICAL EXACT"
"""Functions whose result is TRUE or FALSE."""

TEXT_FORMATS = frozenset(
    (
        *("0", "0.0", "0.00", "0.000", "00", "000", "0000", "00000"),
        *("#,##0", "#,##0.0", "#,##0.00"),
        *("0%", "0.0%", "0.00%", "$#,##0", "$#,##0.00", "€#,##0"),
        *("yyyy-mm-dd", "yyyy-mm", "yyyy", "yy", "mm", "dd", "mmm", "mmmm", "ddd", "dddd"),
        *("mmm yyyy", "mmm yy", "mmm-yy", "mmmm yyyy", "dd/mm/yyyy", "mm/dd/yyyy", "m/d/yyyy"),
        *("d/m/yy", "dd.mm.yyyy", "d mmm yyyy", "dd-mmm-yyyy", "yyyymmdd", "yyyymm", "yyyy/mm/dd"),
        *("hh:mm",),
    )
)
"""Number formats of TEXT that were proven, in lower case."""


Mode = Literal["one", "whole", "unknown"]
"""What becomes of a range where a formula computes with it: one cell of it, or all of them."""


class Taken(NamedTuple):
    """What a parameter takes in a formula of one cell.

    `mode`: what ranges are computed with inside, None as around the function; `ranges`: whether
    it takes cells as they are, None as the function's own place does.
    """

    mode: Mode | None
    ranges: bool | None


TAKES_ARRAYS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(["SUMPRODUCT", "AGGREGATE", "FILTER"], tuple(range(256))),
    **dict.fromkeys(["FREQUENCY", "CORREL", "SLOPE", "INTERCEPT", "RSQ"], (0, 1)),
    **dict.fromkeys(["MODE", "MODE.SNGL"], tuple(range(255))),
    "FORECAST": (1, 2),
    "TREND": (0, 1, 2),
    "IRR": (0,),
    "INDEX": (0,),
}
"""The parameters for which Excel computes arrays in any formula. In the others, and in all
functions within these but for IF and its like, it takes one cell of a range where it needs a value.
The classes of parameters are those of the file formats before 2007, which have them in each
formula; they are described by OpenOffice and Apache POI."""

OF_CELLS = {"ROWS", "COLUMNS", "ROW", "COLUMN", "N", "T"}
"""Functions that take cells as they are, though they look at one, or at their place."""

ALONE = {"IF", "IFERROR", "IFNA", "CHOOSE"} | OF_CELLS
"""Functions for whose arguments no arrays are computed, even within those that take them."""

REFERENCES_FROM = {"IF": 1, "CHOOSE": 1}
"""The first argument of functions that may have cells as their result."""

NOT_KNOWN = {
    *("EDATE", "EOMONTH", "WEEKNUM", "YEARFRAC", "MROUND", "NETWORKDAYS", "NETWORKDAYS.INTL"),
    *("WORKDAY", "WORKDAY.INTL", "ISOWEEKNUM", "DAYS", "HYPERLINK", "IFS", "SWITCH", "XLOOKUP"),
    *("XMATCH", "UNIQUE", "SORT", "SORTBY", "CHOOSECOLS", "CHOOSEROWS", "TEXTJOIN", "CONCAT"),
    *("MAXIFS", "MINIFS", "TRANSPOSE", "LET"),
}
"""Functions of which it is not known what they make of a range that is no parameter of its own:
those of the analysis add-in, which have an error for most, and newer ones."""


@cache
def taken(name: str, position: int) -> Taken:
    """What a parameter takes, by its function and place."""
    if name in ("SINGLE", "ANCHORARRAY"):
        return Taken(None, True)
    if name == "OFFSET":
        return Taken(None, position == 0)
    if name == "INDIRECT":
        return Taken(None, False)
    if position in TAKES_ARRAYS.get(name, ()):
        return Taken("whole", True)
    letter = letter_of(SIGNATURES.get(name, ""), position)
    if not letter or name in NOT_KNOWN:
        return Taken("unknown", not letter or letter in "Aanxhrs")
    if position >= REFERENCES_FROM.get(name, 256):
        return Taken("one", None)
    return Taken("one" if name in ALONE else None, name in OF_CELLS or letter in "Aanxhrs")


def letter_of(signature: str, position: int) -> str:
    """The letter of a parameter, nothing where there is none."""
    fixed, _, tail = signature.partition("(")
    letters, tail = fixed.replace("?", ""), tail.removesuffix(")*")
    if position < len(letters):
        return letters[position]
    return tail[(position - len(letters)) % len(tail)] if tail else ""


@cache
def parameters(signature: str, count: int) -> str | None:
    """A letter for each of `count` arguments, or None if the function cannot take so many."""
    fixed, _, tail = signature.partition("(")
    required, _, optional = fixed.partition("?")
    letters = required + optional
    tail = tail.removesuffix(")*")
    while tail and len(letters) < count:
        letters += tail
    whole = count == len(letters) or (len(required) <= count and not tail)
    return letters[:count] if whole and count <= len(letters) else None


# The kinds of values that each argument is proven for (tests/native_kinds.csv has the cases).

NO_NUMBER = EMPTY | TEXT | PATTERN | TILDE | EMOJI
"""Texts that Excel makes no number of, in any language."""

ARITHMETIC = NUMBERS | BLANK | LOGICAL | NO_NUMBER | DIGITS | ANY_ERROR

OPERANDS = {1: ALL, 2: ALL, 3: ARITHMETIC, 4: ARITHMETIC, 5: ARITHMETIC}
"""What operators are proven for, by how strongly they bind (formulas.BINDING)."""

SCALAR = ARITHMETIC
KINDS = {
    "#": (NUMBERS, NUMBERS),
    "A": (ALL, ALL),
    "a": (ALL, NUMBERS | LOGICAL | BLANK | ANY_ERROR),
    "n": (ALL, NUMBERS | LOGICAL | BLANK | ANY_ERROR),
    "l": (ALL, ALL),
    "v": (SCALAR, SCALAR),
    "k": (ALL, ALL),
    "w": (ALL - ANY_ERROR - TILDE, ALL - ANY_ERROR - BLANK - TILDE),
    "y": (DAY | EARLY | LATE | BLANK | ANY_ERROR,) * 2,
    "z": (NUMBERS | BLANK | NO_NUMBER | ANY_ERROR,) * 2,
    "o": (DAY | EARLY | LATE | BLANK | ANY_ERROR,) * 2,
    "g": (NUMBERS | BLANK | LOGICAL | DIGITS,) * 2,
    "j": (NUMBERS | LOGICAL,) * 2,
    "x": (ALL, ALL),
    "p": (ALL, ALL),
    "h": (ALL, ALL),
    "r": (ALL, ALL),
    "s": (ALL - ANY_ERROR, ALL - ANY_ERROR),
    "d": (DAY | ANY_ERROR, DAY | ANY_ERROR),
    "m": (NUMBERS | BLANK | ANY_ERROR, NUMBERS | BLANK | ANY_ERROR),
    "b": (SCALAR - DIGITS | WORD,) * 2,
    "c": (SCALAR - DIGITS | WORD,) * 2,
    "e": (SCALAR, SCALAR),
    "t": (ALL, ALL),
    "u": (SCALAR, SCALAR),
    "f": (ALL, ALL),
    "i": (LOGICAL | NUMBERS, LOGICAL | NUMBERS),
}
"""By the letter of a parameter: in cells and blocks, and as one computed value."""

PAIRS = {**dict.fromkeys(["SLOPE", "INTERCEPT", "CORREL", "RSQ"], (0, 1)), "FORECAST": (1, 2)}
"""Functions of two columns, and which arguments these are."""

WHEN_PAID = dict.fromkeys(["PV", "FV", "PMT", "NPER", "RATE"], 4)
"""The argument that is 0 or 1; what Excel makes of another number is not known."""

LOOK_INTO_RANGES = {
    *("MATCH", "INDEX", "VLOOKUP", "HLOOKUP", "SUMIF", "COUNTIF", "AVERAGEIF", "SUMIFS"),
    *("COUNTIFS", "AVERAGEIFS", "RANK", "RANK.EQ", "COUNTBLANK"),
}
"""Functions that are #REF! where one of their arguments is, for its cells were deleted."""

PICKS = ("LARGE", "SMALL", "PERCENTILE", "PERCENTILE.INC", "QUARTILE", "QUARTILE.INC")
"""Functions that pick a number by another one. Excel shows an error among the numbers rather than
that there is no such place, and the engine the other way round."""

WHOLE_NUMBERS = dict.fromkeys(["LARGE", "SMALL", "QUARTILE", "QUARTILE.INC"], 1)
"""The argument that has to be whole: Excel rounds another one up, or has an error for it below 0,
which is nowhere documented."""

FROM_1 = dict.fromkeys(["VLOOKUP", "HLOOKUP"], 2)
"""The argument that counts from 1: for less Excel has #N/A or #VALUE!, by what it has found."""

UNITS = ('"d"', '"m"', '"y"')
"""The units of DATEDIF that are proven. Microsoft says of "md" that it may be wrong, and of "ym"
and "yd" that they ignore what they do not ignore."""

COUNT_LETTERS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(["LEN", "LEFT", "RIGHT", "MID", "REPLACE"], (0,)),
    **dict.fromkeys(["FIND", "SEARCH"], (0, 1)),
}
"""Functions that tell one letter from two, and of which of their arguments."""

EXCEPTIONS: dict[tuple[str, int], tuple[int, int]] = {
    **{
        (name, place): (ALL - EMOJI,) * 2
        for name, places in COUNT_LETTERS.items()
        for place in places
    },
    ("FORECAST", 0): (SCALAR - ANY_ERROR,) * 2,
    # Which of two errors they show is not known.
    **{(name, place): (ALL - ANY_ERROR,) * 2 for name, places in PAIRS.items() for place in places},
    ("XMATCH", 0): (ALL - ANY_ERROR - BLANK - TILDE,) * 2,
    ("XLOOKUP", 0): (ALL - ANY_ERROR - BLANK,) * 2,  # a tilde is one: it takes no wildcards here
    ("YEARFRAC", 2): (NUMBERS | ANY_ERROR,) * 2,
    **dict.fromkeys([("MROUND", 0), ("MROUND", 1)], (SCALAR - LOGICAL,) * 2),  # Excel: #VALUE!
    **dict.fromkeys(  # Excel: #VALUE! for the text "1"
        [("NORM.S.DIST", 1), ("NORM.DIST", 3), ("BINOM.DIST", 3)], (SCALAR - DIGITS,) * 2
    ),
    ("IRR", 0): (ALL - ANY_ERROR,) * 2,  # Excel makes #VALUE! of any error in an array
    **dict.fromkeys([("TREND", 0), ("TREND", 1)], (NUMBERS,) * 2),
    ("TREND", 2): (NUMBERS | ANY_ERROR,) * 2,
    ("HYPERLINK", 0): (TEXTS | ANY_ERROR,) * 2,
    ("HYPERLINK", 1): (ALL - BLANK,) * 2,
    ("IRR", 1): (NUMBERS | BLANK | ANY_ERROR,) * 2,
    ("FREQUENCY", 1): (ALL - BLANK,) * 2,  # a blank one is 0 in Excel, which is known of it alone
}
"""Where it is otherwise for a parameter of one function."""

SORTED = {"VLOOKUP": (3, 1), "HLOOKUP": (3, 1), "MATCH": (2, 1)}
"""Functions that take for granted that a range is sorted, which one it is, and the argument that
says otherwise with FALSE or 0: the engine finds other values than Excel where it is not."""

OF_ERRORS = {
    "ISERROR": "TRUE",
    **dict.fromkeys(["ISNUMBER", "ISTEXT", "ISLOGICAL", "ISBLANK"], "FALSE"),
    "ISNA": "IFERROR(IFNA({},TRUE),FALSE)",
    "ISERR": "IFERROR(IFNA({},FALSE),TRUE)",
}
"""What functions that ask about a value say of one that is an error."""

LAZY = {"IF": 1, "IFERROR": 1, "IFNA": 1, "IFS": 1, "CHOOSE": 1, "SWITCH": 1}
"""The first argument of a function that it may leave uncomputed."""

CALLED = ["+", "-", "*", "/", "^", "&", "%", "=", "<>", "<", "<=", ">", ">=", *SIGNATURES]
"""What has arguments, by the number under which our functions hear of it."""

RESULTS = {
    **dict.fromkeys(TEXT_FUNCTIONS, TEXTS | ANY_ERROR),
    **dict.fromkeys(
        LOGICALS.split(),
        LOGICAL | ANY_ERROR,
    ),
    **dict.fromkeys(["VLOOKUP", "HLOOKUP", "XLOOKUP", "INDEX", "FILTER", "TRANSPOSE"], ALL),
    **dict.fromkeys(["CHOOSECOLS", "CHOOSEROWS", "UNIQUE", "SORT", "SORTBY", "HYPERLINK"], ALL),
    **dict.fromkeys(DATES, DAY | ANY_ERROR),
    **dict.fromkeys(["TODAY", "NOW", "YEAR", "WORKDAY", "WORKDAY.INTL"], DAY | ANY_ERROR),
}
"""The kinds of the results of functions that give other values than numbers and errors."""


def proven(name: str, position: int, letter: str, cells: bool) -> int:
    """The kinds of values that an argument is proven for: in cells and blocks, or a value."""
    of_cells, computed = EXCEPTIONS.get((name, position), KINDS[letter])
    return of_cells if cells else computed


def beside_criterion(value: object) -> tuple[int, str]:
    """The kinds that the cells of a range may be of beside a criterion, 0 if it is not proven.

    Excel takes a criterion for a number wherever it can, and the texts in the cells with it. The
    engine does not always: where a criterion reads as a number or a date, it is the second value,
    and no other text of the range may be the same number or date (`kinds.may_be_alike`). "<", ">"
    and the like before a number find numbers alone, never texts that read as one.
    """
    if isinstance(value, bool):
        return ALL - WORD, ""
    if isinstance(value, float | int):
        return ALL - DIGITS - ODD, ""
    if not isinstance(value, str):
        return 0, ""
    operator, text = CRITERION.fullmatch(value).groups()  # type: ignore[union-attr]
    if QUOTED.fullmatch(text):  # the engine takes these marks away, but for a pattern
        plain = operator in ("", "=", "<>") and not re.search(r"[*?~]", text) and len(text) > 2
        return (TEXTS | BLANK, text) if plain else (0, "")
    kind = kinds.kind_of_text(text) & ~EMOJI
    if kind == DIGITS and text == text.strip():
        if operator in ("", "="):
            return ALL, text
        return (ALL if operator in BARE else ALL - DIGITS - ODD), ""
    if kind == TILDE and not TILDES.fullmatch(text):
        return 0, ""  # Excel may leave the tilde out
    if kind in (TEXT, PATTERN, TILDE) and operator in ("", "=", "<>"):
        return (ALL - EMOJI if "?" in text else ALL), ""
    if kind == EMPTY:
        # ">=" and nothing behind it, for the cell with the date is blank, finds no number.
        return (ALL if operator in ("", "=", "<>") else NUMBERS | BLANK), ""
    if kind == ODD and operator in ("", "=", "<>"):
        return TEXTS - WORD | BLANK | NUMBERS, text
    return 0, ""


def number_compared(value: object) -> float | None:
    """The number that a criterion compares with, unless it is none or a whole one.

    Excel makes 15 digits of a number that is put together with a sign, such as "<"&A1, and seems to
    compare no more of them: there 3.8185309649543897 is not below 3.81853096495439.
    """
    if isinstance(value, str):
        text = CRITERION.fullmatch(value).group(2)  # type: ignore[union-attr]
        value = float(text) if kinds.kind_of_text(text) == kinds.DIGITS and text.isascii() else None
    return value if isinstance(value, float) and not value.is_integer() else None


def as_pattern(value: Any) -> Any:
    """A criterion as the engine has to have it: it finds no text by one that it takes for a day.

    Any sign in place of one digit, of the year if there is one, makes it find texts alone; and in
    place of the first of two quotation marks, it leaves both.
    """
    if not isinstance(value, str):
        return value
    operator, text = CRITERION.fullmatch(value).groups()  # type: ignore[union-attr]
    place = place_of_pattern(text)
    return value if place is None else f"{operator}{text[:place]}?{text[place + 1 :]}"


def place_of_pattern(text: str) -> int | None:
    """The place of a sign of a text that the engine takes for a day, a time or a quotation."""
    if QUOTED.fullmatch(text):
        return 0
    if kinds.kind_of_text(text) != ODD:
        return None
    year = YEAR.search(text)
    if year:
        return year.start()
    return 0 if ":" in text or len(re.findall(r"\d+", text)) > 2 else None


QUOTED = re.compile('".*"', re.DOTALL)
YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")


BARE = {"<", "<=", ">", ">="}
"""Criteria that compare with nothing."""

TILDES = re.compile("(?:[^~]|~[*?~])*", re.DOTALL)
"""A text in which each tilde is before a sign whose meaning it takes away."""

CRITERION = re.compile(r"((?:<>|<=|>=|=|<|>)?)(.*)", re.DOTALL)
