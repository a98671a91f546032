"""The native Excel functions that the embedded engine is proven to compute rightly.

Measured on formualizer 0.13 against LibreOffice and Microsoft's documentation; the cases are in
tests/native_formulas.csv. Whatever is not here is refused: it may be right, nobody has shown it.

A signature has a letter a parameter; those after `?` are optional, a tail `(..)*` repeats.

    a  anything: one value, a range, a block, taken whole
    l  one value, or a block over which the function lifts
    v  one value
    n  as a, but not one computed value that may be text (the engine skips it, Excel refuses it)
    x  a range or a block
    p  a block that arithmetic made (the engine counts TRUE and "7" of other blocks)
    h  a range without hidden rows
    r  a range; all of one call must have the same shape
    s  as r, and no cell of it may hold an error (the engine skips them, Excel does not)
    d  one value that is no literal text (the engine does not turn text into dates or numbers)
    b  one condition, c one that may be a block: text "TRUE" is made TRUE first, as Excel does
    q  one criterion: as v, but not the text of an error (the engine finds no error cells)
    e  one value, made a number first as Excel does (the engine takes text for 0)
    t  one value, made text first as Excel writes it (the engine writes 17 digits, and true)
    u  one value, of which only TRUE and FALSE are made text first
    f  a format of TEXT_FORMATS, as a literal
    i  a column of TRUE and FALSE (the engine takes errors for FALSE, and no row)
"""

AGGREGATES = (
    "AVERAGE MIN MAX MEDIAN MODE PRODUCT STDEV STDEV.S STDEV.P VAR VAR.S VAR.P GEOMEAN HARMEAN"
)

SIGNATURES = {
    **dict.fromkeys(AGGREGATES.split(), "n(n)*"),
    **dict.fromkeys(["SUM", "COUNTA"], "a(a)*"),
    "COUNT": "x(x)*",
    "COUNTBLANK": "r",
    "SUBTOTAL": "vh(h)*",
    "SUMPRODUCT": "p",
    **dict.fromkeys(
        ["LARGE", "SMALL", "PERCENTILE", "PERCENTILE.INC", "QUARTILE", "QUARTILE.INC", "TRIMMEAN"],
        "xv",
    ),
    **dict.fromkeys(["RANK", "RANK.EQ"], "vr?e"),
    **dict.fromkeys(["SLOPE", "INTERCEPT", "CORREL", "RSQ", "FREQUENCY"], "xx"),
    "FORECAST": "vxx",
    **dict.fromkeys(["SUMIF", "AVERAGEIF"], "sq?s"),
    **dict.fromkeys(["SUMIFS", "AVERAGEIFS"], "srq(rq)*"),
    **dict.fromkeys(["MAXIFS", "MINIFS"], "rrq(rq)*"),
    "COUNTIF": "rq",
    "COUNTIFS": "rq(rq)*",
    # Logic
    "IF": "cl?l",
    **dict.fromkeys(["IFERROR", "IFNA"], "ll"),
    "IFS": "bv(bv)*",
    **dict.fromkeys(["AND", "OR", "XOR"], "n(n)*"),
    "NOT": "b",
    "CHOOSE": "dv(v)*",
    **dict.fromkeys(["TRUE", "FALSE", "NA", "TODAY", "NOW"], ""),
    **dict.fromkeys(
        ["ISBLANK", "ISNUMBER", "ISTEXT", "ISERROR", "ISNA", "ISERR", "ISLOGICAL", "N", "T"], "v"
    ),
    # Numbers
    **dict.fromkeys(["ABS", "SIGN", "INT", "SQRT", "EXP", "LN", "LOG", "LOG10", "NORM.S.INV"], "v"),
    **dict.fromkeys(
        ["ROUND", "ROUNDUP", "ROUNDDOWN", "MROUND", "MOD", "NORM.S.DIST", "POWER"], "vv"
    ),
    "TRUNC": "v?v",
    **dict.fromkeys(["PV", "FV", "PMT", "NPER"], "vvv?vv"),
    "RATE": "vvv?vvv",
    "NPV": "vx(x)*",
    "IRR": "x?v",
    # Dates
    "DATE": "vvv",
    "DATEVALUE": "v",
    **dict.fromkeys(["YEAR", "MONTH", "DAY", "ISOWEEKNUM", "HOUR", "MINUTE", "SECOND"], "d"),
    **dict.fromkeys(["WEEKDAY", "WEEKNUM"], "d?v"),
    **dict.fromkeys(["EDATE", "EOMONTH", "NETWORKDAYS", "WORKDAY"], "dd"),
    "DATEDIF": "ddv",
    # Text
    "TEXT": "uf",
    **dict.fromkeys(["LEFT", "RIGHT"], "t?e"),
    **dict.fromkeys(["LEN", "TRIM"], "t"),
    "MID": "tee",
    "SUBSTITUTE": "ttt?e",
    "FIND": "tt?e",
    "EXACT": "tt",
    "REPT": "te",
    **dict.fromkeys(["CONCAT", "CONCATENATE"], "t(t)*"),
    # Look-up and blocks
    "VLOOKUP": "vre?v",
    "HLOOKUP": "vre?v",
    "MATCH": "vx?v",
    "XMATCH": "vx",
    "XLOOKUP": "vxx?v",
    "INDEX": "xv?v",
    "FILTER": "xi?v",
    **dict.fromkeys(["ROWS", "COLUMNS"], "x"),
    **dict.fromkeys(["ROW", "COLUMN"], "?v"),
    "TRANSPOSE": "x",
    **dict.fromkeys(["CHOOSECOLS", "CHOOSEROWS"], "xv(v)*"),
}

BLANK_CRITERIA = {"COUNTIFS"}
"""Functions that miss blanks below the sheet's last row."""

BLOCKS = {"FILTER", "FREQUENCY", "TRANSPOSE", "CHOOSECOLS", "CHOOSEROWS"}
"""Functions whose result is a block."""

VOLATILE = ("OFFSET", "INDIRECT", "RAND", "CELL", "INFO")
"""Functions whose formulas the engine is slow to replace; it can have them computed for nothing."""

TRAPS = tuple(
    f"{name}("
    for name in "IFERROR IFNA ISERROR ISERR ISNA ISNUMBER ISTEXT ISLOGICAL COUNT COUNTA".split()
)
"""Functions that hide an error, also one that says that the engine is not sure."""

FINITE = {"PV", "FV", "PMT", "NPER", "RATE", "NPV", "IRR", "EXP", "PRODUCT"}
"""Functions that the engine lets run into infinity; Excel gives #NUM! there."""

TAKES_BLOCKS = {"SUMPRODUCT", "FILTER"}
"""Functions that compute with blocks in formulas of one cell, too."""

DATES = {"DATE", "EDATE", "EOMONTH", "WORKDAY"}
"""Functions that the engine lets run out of the calendar; Excel gives #NUM! there."""

TEXTS = {"T", "TEXT", "LEFT", "RIGHT", "TRIM", "MID", "SUBSTITUTE", "REPT", "CONCAT", "CONCATENATE"}
"""Functions whose result is text."""

EITHER = {"IF", "IFERROR", "IFNA", "IFS", "CHOOSE", "VLOOKUP", "HLOOKUP", "XLOOKUP", "INDEX"}
"""Functions whose result may be text or a number."""

TEXT_FORMATS = frozenset(
    (
        *("0", "0.0", "0.00", "0.000", "00", "000", "0000", "#,##0", "#,##0.0", "#,##0.00"),
        *("0%", "0.0%", "0.00%", "$#,##0", "$#,##0.00", "€#,##0"),
        *("yyyy-mm-dd", "yyyy-mm", "yyyy", "yy", "mm", "dd", "mmm", "mmmm", "ddd", "dddd"),
        *("mmm yyyy", "mmm yy", "mmm-yy", "mmmm yyyy", "dd/mm/yyyy", "mm/dd/yyyy", "m/d/yyyy"),
        *("d/m/yy", "dd.mm.yyyy", "d mmm yyyy", "dd-mmm-yyyy", "yyyymmdd", "yyyymm", "yyyy/mm/dd"),
        *("hh:mm",),
    )
)
"""Number formats of TEXT that were proven, in lower case."""


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
