"""The forms of native functions that are computed, and what follows from them.

native.py has what holds of a function whatever it is given; here is what hangs on its arguments.
"""

import re
from collections.abc import Sequence
from functools import cache, reduce
from operator import or_

from kpi_xl.engine import kinds, native
from kpi_xl.engine.names import (
    DOUBT,
    ENDED_OPEN,
    FORMATTED,
    FROM_1,
    OPEN,
    PLACE,
    SWITCH,
    WHOLE_NUMBER,
    WRAPPED,
)
from kpi_xl.engine.terms import (
    EMPTY,
    ENDLESS,
    NUMERIC,
    Check,
    Reference,
    RefusedError,
    Term,
    called,
    held,
    is_endless,
    wrapped,
)
from kpi_xl.locales import Message
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import LAST_COLUMN, LAST_ROW
from kpi_xl.search import meant
from kpi_xl.units import DATE as DATE_UNIT

ONE_LINE = "{name} in a row or column of a range is not computed here"


def parameters(name: str, count: int) -> str:
    """A letter for each of a function's arguments: see native.py."""
    letters = native.parameters(native.SIGNATURES[name], count)
    if letters is None:
        text = "{name} is not computed here with {number} arguments"
        raise RefusedError(text, name=name, number=count)
    return letters


def decimals(number_format: str) -> int:
    """How many digits behind the decimal sign a number format keeps of a number."""
    return len(number_format.partition(".")[2].rstrip('%"')) + 2 * ("%" in number_format)


def plain_lookup(arguments: list[Term]) -> list[Term]:
    """The arguments of XLOOKUP without those at the end that say what goes without saying."""
    given = list(arguments)
    for place, usual in ((5, "1"), (4, "0"), (3, None)):
        if len(given) == place + 1 and (given[-1] is EMPTY or given[-1].text == usual):
            given.pop()
    return given


def argument_text(name: str, position: int, letter: str, given: Term) -> str:
    """How a function is given an argument whose values are proven."""
    text = wrapped(WRAPPED[letter], given) if letter in WRAPPED else given.text
    if (name, position) == ("XMATCH", 1):
        text = held(given)
    if native.WHEN_PAID.get(name) == position and text not in ("0", "1"):
        text = f"{SWITCH}({text}{PLACE})"
    if native.WHOLE_NUMBERS.get(name) == position and not re.fullmatch(r"\d+", text):
        text = f"{WHOLE_NUMBER}({text}{PLACE})"
    if native.FROM_1.get(name) == position and not re.fullmatch(r"[1-9]\d*", text):
        text = f"{FROM_1}({text}{PLACE})"
    if (name, position) == ("MATCH", 2) and not re.fullmatch(r"\(?-?\d+\)?", text):
        text = f"({text}+0)"  # the engine takes FALSE for TRUE
    return text


def call_text(name: str, arguments: list[Term], texts: list[str]) -> str:
    """A call of a function, with what Excel does there and the engine does not."""
    if name == "TEXT" and not re.search("[dhmsy]", texts[1].lower()):
        texts = [f"{FORMATTED}({texts[0]},{decimals(texts[1])}{PLACE})", *texts[1:]]
    text = called(name, texts)
    endless = {place for given in arguments if is_endless(given) for place in given.areas}
    if name == "FILTER" and len(endless) > 1:
        # An error it is for the engine where one column is filled further down than another.
        text = f"IFERROR({text},{DOUBT}({native.CALLED.index(name)}{PLACE}))"
    if name in native.OF_ERRORS and not arguments[0].is_reference:
        # An error that a function gives, the engine hands on instead of asking about it.
        text = f"IFERROR({text},{native.OF_ERRORS[name].format(texts[0])})"
    return text


def ranges_that_end(
    name: str, arguments: Sequence[Term], texts: Sequence[str]
) -> tuple[Reference, ...]:
    """The ranges that have to end at the last row, for blanks below it are not counted."""
    if name in native.BLANK_CRITERIA:
        return tuple(
            ranged.references[-1]
            for ranged, criterion in zip(arguments[::2], arguments[1::2], strict=True)
            if not re.fullmatch(r'"[^"=<].*|"(<[^>"]|=[^"]).*|[\d.]+', criterion.text)
        )
    if name in native.SEE_BLANKS and not (name == "TEXTJOIN" and texts[1] in ("TRUE", "1")):
        return tuple(given.references[-1] for given in arguments if given.is_range)
    return ()


def result_kinds(name: str, arguments: Sequence[Term]) -> int:
    """The kinds of values that a native function may give."""
    if name in ("IF", "IFERROR", "IFNA", "IFS", "CHOOSE"):
        first = 0 if name in ("IFERROR", "IFNA") else 1
        given = arguments[first :: 2 if name == "IFS" else 1]
        left_out = 0 if name != "IF" or len(arguments) > 2 else kinds.LOGICAL
        return reduce(or_, (term.kinds for term in given), left_out | kinds.ANY_ERROR)
    return native.RESULTS.get(name, NUMERIC)


def sorted_ranges(name: str, arguments: Sequence[Term]) -> tuple[Check, ...]:
    """What a function takes for sorted, of the ranges on the sheet. Raises RefusedError."""
    if name not in native.SORTED:
        return ()
    says, ranged = native.SORTED[name]
    how = arguments[says].text.upper() if says < len(arguments) else "TRUE"
    if how in ("FALSE", "0"):
        return ()
    given = arguments[ranged]
    if not given.is_reference:
        raise RefusedError("{name} in what may not be sorted is not computed here", name=name)
    place, moving, own = given.references[-1]
    if name == "VLOOKUP":
        place, moving = (
            place._replace(right=place.left),
            (moving[0], moving[1], moving[2], moving[1]),
        )
    elif name == "HLOOKUP":
        place, moving = (
            place._replace(bottom=place.top),
            (moving[0], moving[1], moving[0], moving[3]),
        )
    order = -1 if how in ("-1", "(-1)") else 1
    return (Check(Reference(place, moving, own), kinds.ALL, name, order=order),)


def several_errors(name: str, letters: str, arguments: Sequence[Term]) -> list[Check]:
    """Of ranges of several columns: where errors differ, the engine may show another one."""
    return [
        Check(given.references[-1], kinds.ALL, name, one_error=True)
        for letter, given in zip(letters, arguments, strict=True)
        if letter in "Aanhx" and given.is_range and given.shape and given.shape[1] > 1
    ]


def nested_totals(name: str, arguments: Sequence[Term]) -> tuple[Check, ...]:
    """What there may not be in the ranges of functions that leave out the totals among cells."""
    if name not in ("SUBTOTAL", "AGGREGATE"):
        return ()
    code, option = (argument.text for argument in arguments[:2])
    which = "odd" if name == "SUBTOTAL" else "any" if option in "0123" else ""
    # The engine shows an error where SUBTOTAL counts the numbers beside it.
    counts = name == "SUBTOTAL" and not re.fullmatch("(10)?[1345679]|(1|11)?[01]|8|108|110", code)
    allowed = kinds.ALL - kinds.ANY_ERROR * counts
    return tuple(
        Check(given.references[-1], allowed, name, totals=which)
        for given in arguments[1:]
        if given.is_reference and (which or counts)
    )


def is_of_days(name: str, arguments: Sequence[Term]) -> bool:
    """Whether a function takes numbers for days, or gives such."""
    if name in METRICS:
        metric = METRICS[name]
        units = [metric.returns, *(argument.arg.unit for argument in metric.arguments)]
        return metric.result != "value" or DATE_UNIT in units
    of_date = name == "TEXT" and any(re.search("[dhmsy]", a.text.lower()) for a in arguments[1:])
    return of_date or name in native.OF_DAYS


@cache
def unknown_function(name: str) -> Message:
    """Why a function is not computed; looking for one of a similar name takes its time."""
    text = (
        "it uses {name}, which is neither a KPI function nor a native one that the embedded engine"
        " is proven to compute{near}"
    )
    return Message(text, name=name, near=meant(name, native.SIGNATURES))


def with_ends(name: str, arguments: list[Term], texts: list[str]) -> list[str]:
    """What a look-up by number is given: it may take a cell below or beside all that are filled."""
    position = 0 if name == "INDEX" else 1
    given = arguments[position]
    rows, columns = given.shape or (1, 1)
    if given.kind != "area" or not (
        (columns == LAST_COLUMN and name != "HLOOKUP") or (rows == LAST_ROW and name != "VLOOKUP")
    ):
        return texts
    return [
        text.replace(OPEN, ENDED_OPEN) if number == position else text
        for number, text in enumerate(texts)
    ]


def refuse_other_shapes(name: str, letters: str, arguments: Sequence[Term]) -> None:
    """Refuse ranges that have to be of one size, and are not."""
    shapes = {
        (given.shape, *(r.moving for r in given.references if r.grows))
        for letter, given in zip(letters, arguments, strict=True)
        if letter in "rs"
    }
    if len(shapes) > 1 and name not in ("RANK", "RANK.EQ"):
        raise RefusedError(
            "the ranges of {name} differ in shape, which the engine does not notice", name=name
        )


def refuse_blocks_from(name: str, arguments: list[Term]) -> None:
    """Refuse look-ups whose result may be a block, or that the engine takes for one cell."""
    into = arguments[0 if name == "INDEX" else 1]
    if into.kind == "line" and (is_endless(into) or name in ("VLOOKUP", "HLOOKUP")):
        raise RefusedError(ENDLESS if is_endless(into) else ONE_LINE, name=name)
    if name == "INDEX":
        line = arguments[0].shape is not None and 1 in arguments[0].shape
        if len(arguments) == 2 and arguments[0].shape is None:
            raise RefusedError(
                "INDEX of a block whose size is known only once it is computed takes a row and a"
                " column here"
            )
        if len(arguments) == 2 and not line:
            raise RefusedError(
                "INDEX with one index is computed here for a single row or column only"
            )
    if name == "XLOOKUP":
        shapes = [argument.shape for argument in arguments[1:3]]
        if not all(shape is not None and 1 in shape for shape in shapes):
            raise RefusedError("XLOOKUP is computed here between single rows or columns only")
        if len(arguments) > 4 and shapes[0] != shapes[1]:
            raise RefusedError("XLOOKUP is computed here between ranges of one length")
