"""Cells as files have them, read as numbers, dates, keys and texts."""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from kpi_xl.cells import Cell, key
from kpi_xl.errors import EXCEL_ERRORS, NOT_COMPUTED
from kpi_xl.locales import Counted, Message, Names
from kpi_xl.sources.records import Wrong
from kpi_xl.units import (
    DATE,
    KEY,
    LARGEST_ID,
    LOGICAL,
    LONGEST_TEXT,
    MONEY,
    NOT_MEASURED,
    RATE,
    TEXT,
    Unit,
)

SEVERAL_SIGNS = "the column is in more than one currency, {symbols}: convert it to one"
SIGN_LEFT_OUT = "the currency sign {sign} left out"

WITHOUT_VALUE = Message(
    "the cell holds a formula without a value: open the file in Excel or LibreOffice, and save it"
)

MOST_DIGITS = 1e15  # Excel keeps fifteen digits of a number
FIRST_DAY = date(1900, 1, 1)  # of Excel's calendar
NO_DAY = date(9999, 1, 1)
"""From here on a date is one that programs write for none, such as 9999-12-31."""
NO_DAY_SAID = "{text} is what programs write for no day: leave it blank"


def typed(cells: list[Any], unit: Unit, told_apart: float = LARGEST_ID) -> tuple[list[Cell], str]:
    """The cells of a column as its unit has them, and a remark, if any. Raises Wrong.

    `told_apart`: up to which whole number the column's kind of number keeps each apart.
    """
    kinds = set(map(type, cells))
    if bool in kinds:  # True and 1.0 are one key of a dict
        cells[:] = [str(cell).upper() if type(cell) is bool else cell for cell in cells]
    if unit not in NOT_MEASURED:
        numbers = _plain_numbers(cells, kinds)
        if numbers is not None:
            return numbers, ""
    distinct = dict.fromkeys(cells)
    for code in EXCEL_ERRORS:
        if code in distinct:
            if code == NOT_COMPUTED:
                raise Wrong(code, WITHOUT_VALUE)
            raise Wrong(
                code,
                Message(
                    "the cell holds the error {code}: correct it, or leave it blank", code=code
                ),
            )
    given = [cell for cell in distinct if not _is_blank(cell)]
    read = {DATE: _dates, TEXT: _texts, LOGICAL: _truths}.get(unit)
    if unit is KEY:
        values, remark = _keys(given, told_apart)
    else:
        values, remark = read(given) if read else _numbers(given, unit)
    known: dict[Any, Cell] = dict.fromkeys(distinct)
    known.update(zip(given, values, strict=True))
    if unit is DATE:
        late = {cell for cell in given if _has_time(cell)}
        if late:
            count = sum(map(late.__contains__, cells))
            remark = Message("the time of day left out in {rows}", rows=Counted(count, "rows"))
    return list(map(known.__getitem__, cells)), remark


def _is_blank(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell or cell.isspace()
    return cell is None or cell != cell  # Parquet has NaN where pandas had no value


def _quoted(cell: Any) -> str:
    text = as_text(cell)
    return f'"{text if len(text) <= 40 else text[:37] + "..."}"'


def as_text(cell: Any) -> str:
    """A cell as its reader sees it: 15 digits, ISO dates, no spaces around."""
    if isinstance(cell, float):
        # A file may keep 16 digits, which tell one from another where Excel shows 15.
        whole = abs(cell) <= LARGEST_ID and cell == round(cell)
        return f"{cell:.0f}" if whole else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    return str(cell).strip()


def _texts(cells: list[Any]) -> tuple[list[Cell], str]:
    texts: list[Cell] = []
    for cell in cells:
        text = as_text(cell)
        _refuse_alike(cell, LARGEST_ID)
        if len(text) > LONGEST_TEXT:
            raise Wrong(
                cell,
                Message(
                    "the text has {number} characters, and an Excel cell holds {most}: shorten it",
                    number=len(text),
                    most=LONGEST_TEXT,
                ),
            )
        texts.append(text)
    return texts, ""


def _keys(cells: list[Any], told_apart: float) -> tuple[list[Cell], str]:
    """Keys as `kpi_xl.cells` has them; numbers of more digits than Excel keeps are text.

    Different numbers stay different: one that its kind may have rounded is refused.
    """
    read: list[Cell] = []
    for cell in cells:
        _refuse_alike(cell, told_apart)
        _refuse_cut(cell)
        known = _exact(cell)
        small = isinstance(known, str) or abs(known) < MOST_DIGITS
        as_key = key(known) if small else None
        numeral = isinstance(as_key, float) and abs(as_key) >= MOST_DIGITS  # 1e+16, as text
        read.append(as_text(known) if as_key is None or numeral else as_key)
    _texts(read)
    return read, ""


def _refuse_alike(cell: Any, told_apart: float) -> None:
    if not isinstance(cell, float) or abs(cell) <= told_apart:
        return
    if math.isinf(cell):
        raise Wrong(cell, Message("{cell} is too large for a cell", cell=_quoted(cell)))
    raise Wrong(
        cell,
        Message(
            "{text} is a number of too many digits to be told from others: write it as text",
            text=as_text(cell),
        ),
    )


_CUT = re.compile(r"(\d(?:[.,]\d+)?)E\+(\d+)")
"""A long number as a spreadsheet program saves it: 5.76E+17 of 576458123456789012."""


def _refuse_cut(cell: Any) -> None:
    """Refuse numbers without their last digits, as several different ones have become one."""
    cut = _CUT.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if cut and sum(map(str.isdigit, cut[1])) <= int(cut[2]):
        raise Wrong(
            cell,
            Message(
                "{cell} is a number that has lost its last digits in a spreadsheet program, so that"
                " different ones are the same: export the file again, and load it as it comes",
                cell=_quoted(cell),
            ),
        )


def _exact(cell: Any) -> str | float | int:
    """A cell as text, as a number, or a whole one as an integer, with all of its digits."""
    if isinstance(cell, float | Decimal):
        if math.isfinite(cell) and cell == int(cell):
            return int(cell)
        return cell if isinstance(cell, float) else as_text(cell)
    return cell if isinstance(cell, int) else as_text(cell)


def _truths(cells: list[Any]) -> tuple[list[Cell], str]:
    words = {"true": True, "false": False}
    for cell in cells:
        if as_text(cell).lower() not in words:
            raise Wrong(
                cell,
                Message("{cell} is neither TRUE nor FALSE: write one of them", cell=_quoted(cell)),
            )
    return [words[as_text(cell).lower()] for cell in cells], ""


# Readings: a column of text has to have one, and only one, that fits all its cells


def _settled(
    texts: Sequence[str], readings: Sequence[Callable[[str], Any]]
) -> tuple[list[list[Any]], int]:
    """The values of the texts in each reading that fits them all, and how many texts fit."""
    fitting = []
    furthest = 0
    for reading in readings:
        values = []
        for text in texts:
            value = reading(text)
            if value is None:
                break
            values.append(value)
        if len(values) == len(texts) and values not in fitting:
            fitting.append(values)
        furthest = max(furthest, len(values))
    return fitting, furthest


# Numbers

# Signs that say the same as those of a plain number; Arabic ones say which they are.
MARKS = str.maketrans(
    # Spaces, minus, apostrophe, Arabic ones, those as wide as Chinese signs.
    "\u00a0\u2009\u202f\u2212\u2019\u066c\u066b\u066a\uff05\uff08\uff09\uff0c\uff0d\uff0e",
    "   -''.%%(),-.",
)
CONVENTIONS = ((",", "."), (" ", "."), ("'", "."), (".", ","), (" ", ","), ("'", ","))
NUMBER = re.compile(
    r"([-+]?) ?([^\w\s.,'%+-]?) ?([-+]?)([0-9.,' ]*[0-9](?:[eE][-+]?[0-9]+)?)"
    r" ?([^\w\s.,'%+-]?) ?(%?)"
)
PLAIN = frozenset("0123456789.,' eE+-")


def _plain_numbers(cells: list[Any], kinds: set[type]) -> list[Cell] | None:
    """The numbers, if they are surely these; None if they have to be looked at one by one."""
    if kinds == {str}:
        signs = set("".join(cells))
        if not signs <= PLAIN:
            return None
        texts = list(filter(None, cells))
        pairs = _pairs(signs)
        fitting = [pair for pair in pairs if all(map(_fits(*pair), texts))]
        if len(fitting) != 1:
            return None
        thousands, decimal = fitting[0]
        if thousands:
            cells = [cell.replace(thousands, "") for cell in cells]
        if decimal == ",":
            cells = [cell.replace(",", ".") for cell in cells]
    elif not kinds <= {float, int, type(None)}:
        return None
    try:
        numbers = [
            None if cell is None or cell == "" or cell != cell else float(cell) for cell in cells
        ]
    except OverflowError:  # an integer of more than 308 digits
        return None
    return None if math.inf in numbers or -math.inf in numbers else list(numbers)


def _numbers(cells: list[Any], unit: Unit) -> tuple[list[Cell], str]:
    """Numbers as people write them, in one convention for the column."""
    parts = {cell: _parts(cell, unit) for cell in cells if isinstance(cell, str)}
    texts = list(parts)
    symbols = {part.symbol: text for text, part in parts.items() if part.symbol}
    if len(symbols) > 1:
        raise Wrong(
            list(symbols.values())[1],
            Message(SEVERAL_SIGNS, symbols=Names(tuple(symbols))),
        )
    percent = next((text for text, part in parts.items() if part.percent), None)
    if percent is not None:
        for cell in cells:
            bare = not parts[cell].percent if isinstance(cell, str) else True
            if bare and cell not in (0, "0"):
                raise Wrong(
                    cell,
                    Message(
                        "{cell} has no percent sign, unlike {percent}: write all cells with"
                        " one, or none",
                        cell=_quoted(cell),
                        percent=_quoted(percent),
                    ),
                )
    values = _in_one_convention(texts, [part.body for part in parts.values()])
    known: dict[Any, float] = {}
    for (text, part), value in zip(parts.items(), values, strict=True):
        known[text] = float(value) / (100.0 if part.percent else 1.0)
    for cell in cells:
        if isinstance(cell, float | int | Decimal):
            known[cell] = float(cell)
        elif not isinstance(cell, str):
            raise Wrong(
                cell, Message("{cell} is a date or a time, not a number", cell=_quoted(cell))
            )
        if math.isinf(known[cell]):
            raise Wrong(cell, Message("{cell} is too large for a cell", cell=_quoted(cell)))
    signs = "".join(symbols)
    remark = Message(SIGN_LEFT_OUT, sign=signs) if signs else ""
    return [known[cell] for cell in cells], remark


class _Parts(NamedTuple):
    symbol: str
    body: str
    percent: str


def _parts(text: str, unit: Unit) -> _Parts:
    """What a number consists of. Raises Wrong for text that is none, or not of this unit."""
    plain = text if text.isascii() else text.translate(MARKS)
    if not plain.isascii():  # digits of other scripts
        plain = "".join(str(unicodedata.decimal(c, c)) for c in plain)
    match = NUMBER.fullmatch(plain.strip())
    symbol = (match[2] or match[5]) if match else ""
    if (
        not match
        or (match[1] and match[3])
        or (match[2] and match[5])
        or (symbol and unicodedata.category(symbol) != "Sc")
    ):
        raise Wrong(
            text,
            Message(
                "{text} is not a number: write it as 1234.56, or leave the cell blank",
                text=_quoted(text),
            ),
        )
    if symbol and unit.name != MONEY.name:  # also that of a template's own, without cents
        raise Wrong(
            text,
            Message(
                "{text} is an amount of money, and this column holds none",
                text=_quoted(text),
            ),
        )
    if match[6] and unit is not RATE:
        raise Wrong(
            text,
            Message("{text} is a percentage, and this column holds none", text=_quoted(text)),
        )
    return _Parts(symbol, match[1] + match[3] + match[4].strip(), match[6])


def _in_one_convention(texts: list[str], bodies: list[str]) -> list[str]:
    """The bodies as 1234.56, thousands and decimals marked as in the whole column."""
    pairs = _pairs(set("".join(bodies)))
    fitting, fits = _settled(bodies, [_convention(*pair) for pair in pairs or CONVENTIONS])
    if not fitting:
        # All that were ruled out before are tried, to find where the column contradicts itself.
        _, fits = _settled(bodies, [_convention(*pair) for pair in CONVENTIONS])
        alone, _ = _settled([bodies[fits]], [_convention(*pair) for pair in CONVENTIONS])
        raise Wrong(
            texts[fits],
            Message(
                "{text} is not a number: write it as 1234.56, or leave the cell blank",
                text=_quoted(texts[fits]),
            )
            if not alone
            else Message(
                "{text} has other marks for thousands or decimals than the numbers"
                " above it: write all numbers as 1234.56",
                text=_quoted(texts[fits]),
            ),
        )
    if len(fitting) > 1:
        for text, one, other in zip(texts, *fitting[:2], strict=True):
            if float(one) != float(other):
                one, other = sorted((one, other), key=lambda n: abs(float(n)), reverse=True)
                raise Wrong(
                    text,
                    Message(
                        "{text} may be {one} or {other}: write {one} or {other}0",
                        text=_quoted(text),
                        one=one,
                        other=other,
                    ),
                )
    return fitting[0]


def _pairs(signs: set[str]) -> list[tuple[str, str]]:
    """The marks for thousands and decimals that a column with these signs can have."""
    marks = signs & set(" '.,")
    found = [
        (thousands if thousands in marks else "", decimal if decimal in marks else "")
        for thousands, decimal in CONVENTIONS
        if marks <= {thousands, decimal}
    ]
    return list(dict.fromkeys(found))


def _fits(thousands: str, decimal: str) -> Callable[[str], Any]:
    """A test of numbers with these marks."""
    rest = rf"{re.escape(decimal)}[0-9]+" if decimal else r"(?!)"
    grouped = rf"[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+(?:{rest})?"
    simple = rf"(?:[0-9]+(?:{rest})?|{rest})(?:[eE][-+]?[0-9]+)?"
    return re.compile(rf"[-+]?(?:{grouped}|{simple})" if thousands else f"[-+]?{simple}").fullmatch


def _convention(thousands: str, decimal: str) -> Callable[[str], str | None]:
    """A reader of numbers with these marks; it gives None for a number with others."""
    fits = _fits(thousands, decimal)

    def read(body: str) -> str | None:
        if not fits(body):
            return None
        if thousands:
            body = body.replace(thousands, "")
        return body.replace(decimal, ".") if decimal else body

    return read


# Dates

TIME = (
    r"(?:(?:T|,? )(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?"
    r"(?: ?(?:Z|UTC|GMT|[-+]\d\d(?::?\d\d)?))?)?"
)
DAY_YEAR_FIRST = r"(\d{4})(?:[-/年]|\. ?|년 ?)(\d{1,2})(?:[-/月]|\. ?|월 ?)(\d{1,2})(?:[日일.])?"
"""A day with the year in front, as a pattern: 2024-01-31, 2024年1月31日, 2024. 1. 31."""
YEAR_FIRST = re.compile(DAY_YEAR_FIRST + TIME)
YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})" + TIME)
COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
NOT_MIDNIGHT = re.compile(r"(?<=[T ])(?!12:00(?::00)? ?[Aa])[\d:.,]*[1-9]")


def _dates(cells: list[Any]) -> tuple[list[Cell], str]:
    """Dates, written year first, or in one order of day and month for the column."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    for cell in cells:
        if not isinstance(cell, str | date):
            raise Wrong(
                cell,
                Message(
                    "{cell} is not a date: format the cell as a date, or write 2024-01-31",
                    cell=_quoted(cell),
                ),
            )
    known: dict[Any, date] = {
        cell: cell.date() if isinstance(cell, datetime) else cell
        for cell in cells
        if isinstance(cell, date)
    }
    cells_read = list(known.values())
    known.update(zip(texts, _iso_dates(texts) or _written_dates(texts), strict=True))
    written = [text for text in texts if YEAR_LAST.fullmatch(text)]
    if may_be_swapped(cells_read, [known[text] for text in written]):
        why = Message(SWAPPED)
        raise Wrong(written[0], Message('"{text}" {why}', text=written[0], why=why))
    if min(known.values(), default=FIRST_DAY) < FIRST_DAY:
        early = next(cell for cell in cells if known[cell] < FIRST_DAY)
        raise Wrong(
            early,
            Message("{text} is before 1900, where Excel's calendar begins", text=_quoted(early)),
        )
    if max(known.values(), default=FIRST_DAY) >= NO_DAY:
        late = next(cell for cell in cells if known[cell] >= NO_DAY)
        raise Wrong(late, Message(NO_DAY_SAID, text=_quoted(late)))
    return [known[cell] for cell in cells], ""


SWAPPED = (
    "is a text, as are all days after the 12th of this column, and the others are dates: a"
    " spreadsheet program may have read those with day and month swapped. Load the file as it was"
    " exported; if they are right, say --dates dmy or --dates mdy"
)


def may_be_swapped(days: Sequence[date], written: Sequence[date]) -> bool:
    """Whether a spreadsheet program may have read days in another order than they were meant.

    It reads 03/05/2024 as its country does, and leaves 03/13/2024 a text, which is `written`.
    """
    return bool(days and written) and (
        all(day.day <= 12 for day in days) and all(day.day > 12 for day in written)
    )


def _iso_dates(texts: list[str]) -> list[date] | None:
    """All as 2024-01-31, with or without a time; None if some are not."""
    try:
        dates = [
            date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text).date()
            for text in texts
        ]
    except ValueError:
        return None
    # Python reads weeks (2024-W05-3) and days without hyphens, too.
    return dates if all(text[4:5] == text[7:8] == "-" for text in texts) else None


def _written_dates(texts: list[str]) -> list[date]:
    stripped = [text.strip() for text in texts]
    fitting, fits = _settled(stripped, [partial(_day, day_first=first) for first in (True, False)])
    if not fitting:
        text, plain = texts[fits], stripped[fits]
        if _day(plain, day_first=True) or _day(plain, day_first=False):
            reason = "has day and month in another order than the dates above it"
        elif YEAR_FIRST.fullmatch(plain) or YEAR_LAST.fullmatch(plain) or COMPACT.fullmatch(plain):
            reason = "is not in the calendar"
        else:
            reason = "is not a date"
        raise Wrong(
            text,
            Message(
                "{text} {reason}: write all dates as 2024-01-31", text=_quoted(text), reason=reason
            ),
        )
    for text, one, *others in zip(texts, *fitting, strict=True):
        if others and one != others[0]:
            raise Wrong(
                text,
                Message(
                    "{text} may be {one} or {others}, and no date of the column has a day"
                    " above 12: write all dates as 2024-01-31",
                    text=_quoted(text),
                    one=one,
                    others=others[0],
                ),
            )
    return fitting[0]


def _day(text: str, *, day_first: bool) -> date | None:
    """The date that a text is, if dates without the year in front are in this order."""
    if match := YEAR_FIRST.fullmatch(text) or COMPACT.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := YEAR_LAST.fullmatch(text):
        one, two, year = map(int, match.groups())
        day, month = (one, two) if day_first else (two, one)
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _has_time(cell: Any) -> bool:
    """Whether there is more in a date than its day."""
    if isinstance(cell, str):
        return len(cell) > 10 and bool(NOT_MIDNIGHT.search(cell))
    return isinstance(cell, datetime) and cell.time() != time()
