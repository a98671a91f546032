"""The cells of exports as numbers and dates.

All columns of numbers of a file are written in one convention, and so are its dates: what one
cell decides holds for all. Where none decides, what the layout says does, or what the user says;
where nobody says it, the file is refused, with the place of the cell.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from kpi_xl.errors import EXCEL_ERRORS, NOT_COMPUTED
from kpi_xl.locales import Message
from kpi_xl.locales.currencies import sign_pattern
from kpi_xl.serials import DAY_0
from kpi_xl.sources.grain import LONG
from kpi_xl.sources.values import (
    DAY_YEAR_FIRST,
    MARKS,
    NO_DAY,
    SWAPPED,
    WITHOUT_VALUE,
    may_be_swapped,
)
from kpi_xl.units import COUNT, Unit

BLANKS = frozenset(
    (
        *"- -- --- – — n/a #n/a n.a. na nan null none nil n/d s/d k.a. н/д нет 无 無 暂无".split(),
        *("", "∅", "нет данных", "0000-00-00"),
    )
)
"""What stands for nothing in a column of numbers or dates, in lower case."""

_SIGN = rf"(?:{sign_pattern()}|[^\w\s.,'%+()-])"
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?) ?(?P<open>\()?(?P<before>{_SIGN})? ?(?P<inner>\()?(?P<second>[-+]?)"
    rf"(?P<body>(?:[0-9][0-9.,' ]*|[.,])(?<! )[0-9]*(?:[eE][-+]?[0-9]+)?)"
    rf"(?P<behind> ?-)? ?(?P<after>{_SIGN})?(?P<close>\))?(?P<last> ?-)?(?P<percent> ?%)?"
)
CONVENTIONS = ((",", "."), (" ", "."), ("'", "."), (".", ","), (" ", ","), ("'", ","))


class Fault(NamedTuple):
    """What is wrong with a cell: its column, its place among the rows, why, what to do.

    `against` is the column and the place of the cell that it contradicts, with its text.
    """

    column: str
    at: int
    sentence: Message
    against: tuple[str, int, str] | None = None


class Amount(NamedTuple):
    """A number as written: whether it is below 0, its digits, the sign of its currency."""

    negative: bool
    body: str
    sign: str


class Numbers(NamedTuple):
    """Columns of numbers, and the signs of currencies in their cells."""

    columns: dict[str, list[float | None]]
    signs: dict[str, list[str]]
    faults: list[Fault]


def convention(example: str) -> tuple[str, str]:
    """The marks for thousands and decimals of a number as "1.234,5". Raises ValueError."""
    match = re.fullmatch(r"\d([., '\u00a0\u202f\u2019]?)\d{3}(?:([.,])\d+)?", example)
    if not match or (match[1] and match[1] == match[2]):
        raise ValueError(f"{example!r} is not written as 1,234.5 or 1.234,5 or 1 234,5")
    thousands = match[1].translate(MARKS)
    return thousands, match[2] or ("," if thousands == "." else ".")


def is_blank(cell: Any, blanks: Iterable[str] = ()) -> bool:
    """Whether a cell stands for nothing."""
    if isinstance(cell, str):
        text = cell.strip().lower()
        return not text or text in BLANKS or text in blanks
    return cell is None or cell != cell


def numbers(
    cells: Mapping[str, Sequence[Any]],
    units: Mapping[str, Unit],
    hint: str = "",
    *,
    certain: bool = False,
    blanks: Iterable[str] = (),
) -> Numbers:
    """Columns of numbers in the one convention that fits all of them.

    `hint` is a number as the vendor writes it, which decides between two; if `certain` by the user,
    it is the only one.
    """
    faults: list[Fault] = []
    read: dict[str, dict[Any, float | None]] = {}
    written: dict[str, dict[str, Amount]] = {}
    for name, column in cells.items():
        known: dict[Any, float | None] = {}
        texts: dict[str, Amount] = {}
        for cell in dict.fromkeys(column):
            if isinstance(cell, str) and cell not in EXCEL_ERRORS:
                if is_blank(cell, blanks):
                    known[cell] = None
                elif amount := amount_of(cell):
                    texts[cell] = amount
                else:
                    faults.append(_fault(name, column, cell, _why_no_number(cell)))
            elif isinstance(cell, bool | date):
                faults.append(_fault(name, column, cell, Message(NO_NUMBER)))
            elif isinstance(cell, str):
                faults.append(_fault(name, column, cell, Message(EXCEL_ERROR)))
            else:
                known[cell] = None if is_blank(cell) else float(cell)
        read[name], written[name] = known, texts
    counts = set() if certain and hint else _whole_counts(written, units)
    pair = _common(written, counts, cells, hint, certain, faults)
    signs: dict[str, list[str]] = {}
    for name, texts in written.items():
        for text, amount in texts.items():
            value = _read(amount.body, pair, name in counts)
            if value is None and any(one.column == name for one in faults):
                continue  # one of a column is told
            if value is None:
                fault = _fault(name, cells[name], text, Message(OTHER_MARKS))
                against = _against(amount.body, name, pair, written, cells, counts)
                faults.append(fault._replace(against=against))
                continue
            read[name][text] = -value if amount.negative else value
        if any(amount.sign for amount in texts.values()):
            written_so = {text: amount.sign for text, amount in texts.items()}
            signs[name] = [written_so.get(cell, "") for cell in cells[name]]
    columns = {name: list(map(read[name].get, column)) for name, column in cells.items()}
    return Numbers(columns, signs, faults)


OTHER_MARKS = "has other marks than the others"
NO_NUMBER = "is not a number: write it as 1234.56, or leave the cell blank"
EXCEL_ERROR = "is an error of Excel: correct it, or leave the cell blank"
_ERROR_THERE = re.compile(r"#[\w/\u00a1]{2,15}[!?]?")
"""An error of Excel in any of its languages: #NV, #WERT!, #¡DIV/0!."""
_SHORTENED = re.compile(
    r"\W*\d[\d.,' ]*(?:[km]|bn?|tsd|mi?o|mn|mrd|mln|mill|lakh|cr|тыс|млн|млрд|[千万萬亿億]"
    r"|هزار|میلیون)\.?\W*",
    re.IGNORECASE,
)


def _why_no_number(text: str) -> Message:
    """What a text is in place of a number, and what to do."""
    if _ERROR_THERE.fullmatch(text.strip()):
        return Message(EXCEL_ERROR)
    if _SHORTENED.fullmatch(text.strip()):
        return Message("is a rounded number: export it, or write it, with all of its digits")
    if text.strip().endswith("%"):
        return Message("is a percentage, and this column holds none")
    return Message(NO_NUMBER)


def _fault(name: str, column: Sequence[Any], cell: Any, why: Message) -> Fault:
    text = str(cell) if len(str(cell)) <= 40 else str(cell)[:37] + "..."
    told = Message('"{text}" {why}', text=text, why=why)
    return Fault(name, list(column).index(cell), WITHOUT_VALUE if cell == NOT_COMPUTED else told)


def amount_of(text: str) -> Amount | None:
    """What a number consists of; None for a text that is none."""
    ascii_text = text if text.isascii() else text.translate(MARKS)
    if not ascii_text.isascii():
        ascii_text = "".join(
            str(unicodedata.decimal(char, char))
            for char in ascii_text
            if char not in _MARKS_OF_BIDI
        )
    match = _NUMBER.fullmatch(ascii_text.strip())
    if not match or match["percent"] or not any(map(str.isdigit, match["body"])):
        return None
    opened = bool(match["open"]) + bool(match["inner"])
    ahead = [sign for sign in (match["sign"], match["second"]) if sign]
    behind = [minus for minus in (match["behind"], match["last"]) if minus]
    if opened != bool(match["close"]) or len(ahead) + len(behind) > 1 or (behind and opened):
        return None
    if match["before"] and match["after"]:
        return None
    sign = match["before"] or match["after"] or ""
    if sign and len(sign) == 1 and not sign.isalpha() and unicodedata.category(sign) != "Sc":
        return None
    negative = "-" in ahead or bool(behind or opened)
    return Amount(negative, match["body"], sign)


_MARKS_OF_BIDI = "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\u200b\ufeff"


def _common(
    written: Mapping[str, Mapping[str, Amount]],
    counts: Collection[str],
    cells: Mapping[str, Sequence[Any]],
    hint: str,
    certain: bool,
    faults: list[Fault],
) -> tuple[str, str]:
    """The marks of all numbers of a file; a fault is added where nothing decides between two.

    Three digits after a single mark may be thousands or decimals. The vendor's habit decides for
    thousands, but not for decimals, of which hardly any currency has three: the user is asked.
    """
    bodies = {
        amount.body: (name, text)
        for name in sorted(written, key=lambda name: name in counts)
        for text, amount in written[name].items()
        if not amount.body.isdigit()
    }
    wanted = convention(hint) if hint else None
    if certain and wanted:
        return wanted
    fitting = [
        pair
        for pair in CONVENTIONS
        if all(_read(body, pair, name in counts) is not None for body, (name, _) in bodies.items())
    ]
    if not fitting:
        pairs = [wanted, *CONVENTIONS] if wanted else CONVENTIONS
        return max(pairs, key=lambda pair: sum(
            _read(body, pair, name in counts) is not None for body, (name, _) in bodies.items()
        ))  # fmt: skip
    if wanted in fitting:
        if any(body.startswith(f"0{wanted[1]}") for body in bodies):
            return wanted
        fitting = [wanted, *(pair for pair in fitting if pair[0] == wanted[1])]
    for body, (name, text) in bodies.items():
        values = {value_of(body, *pair) for pair in fitting}
        if len(values) > 1 and (wanted not in fitting or wanted[1] in body):
            one, other = sorted(map(float, filter(None, values)))[-2:]
            faults.append(
                _fault(
                    name,
                    cells[name],
                    text,
                    Message(
                        "may be {other} or {one}: say how numbers are written, as in --numbers"
                        ' "1.234,5" or "1,234.5"',
                        other=f"{other:.15g}",
                        one=f"{one:.15g}",
                    ),
                )
            )
            break
    return fitting[0]


_THREE = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


def _whole_counts(
    written: Mapping[str, Mapping[str, Amount]], units: Mapping[str, Unit]
) -> set[str]:
    """Columns of counts where a mark has three digits after it, and is one of thousands.

    A column that also has a number with other decimals, such as 0.5 conversions, says nothing.
    """
    return {
        name
        for name, texts in written.items()
        if units.get(name) is COUNT
        and all(a.body.isdigit() or _THREE.fullmatch(a.body) for a in texts.values())
    }


def _read(body: str, pair: tuple[str, str], counted: bool) -> float | None:
    """A number in a convention; None where it does not fit, as a count with decimals does not."""
    if counted and body[-4:-3] == pair[1]:
        return None
    return value_of(body, *pair)


def _against(
    body: str,
    name: str,
    pair: tuple[str, str],
    written: Mapping[str, Mapping[str, Amount]],
    cells: Mapping[str, Sequence[Any]],
    counts: Collection[str],
) -> tuple[str, int, str] | None:
    """A cell that the marks fit, and that no convention reads along with this number."""
    fits = [one for one in CONVENTIONS if _read(body, one, name in counts) is not None]
    for column, texts in written.items():
        for text, amount in texts.items():
            readings = [_read(amount.body, one, column in counts) for one in (pair, *fits)]
            if readings[0] is not None and not any(one is not None for one in readings[1:]):
                return column, list(cells[column]).index(text), text
    return None


_PATTERNS = {
    (thousands, decimal): re.compile(
        rf"(?:[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{2,3}})*{re.escape(thousands)}[0-9]{{3}}"
        rf"|[0-9]*)(?:{re.escape(decimal)}[0-9]+)?(?:[eE][-+]?[0-9]+)?"
    )
    for thousands in (",", " ", "'", ".")
    for decimal in (".", ",")
    if thousands != decimal
}


def value_of(body: str, thousands: str, decimal: str) -> float | None:
    """The number that digits with these marks are; None where they are no number."""
    if body.isdigit():
        return float(body)
    key = (thousands or ("," if decimal == "." else "."), decimal)
    if not thousands and key[0] in body:
        return None
    if not _PATTERNS[key].fullmatch(body):
        return None
    return float(body.replace(key[0], "").replace(decimal, "."))


# Dates

MONTH_NAMES = {
    name: number
    for names in (
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "january february march april may june july august september october november december",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "jan feb mär apr mai jun jul aug sep okt nov dez",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv févr mars avr mai juin juil août sept oct nov déc",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "ene feb mar abr may jun jul ago sept oct nov dic",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "jan fev mar abr mai jun jul ago set out nov dez",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre"
        " dicembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "янв фев мар апр май июн июл авг сен окт ноя дек",
        "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    )
    for number, name in enumerate(names.split(), start=1)
}
JALALI_MONTHS = {
    name: number
    for number, name in enumerate(
        "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند".split(), start=1
    )
}
WEEKDAYS = {
    name: number
    for names in (
        "mon tue wed thu fri sat sun",
        "monday tuesday wednesday thursday friday saturday sunday",
        "mo di mi do fr sa so",
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
        "lun mar mer jeu ven sam dim",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "lun mar mié jue vie sáb dom",
        "lunes martes miércoles jueves viernes sábado domingo",
        "пн вт ср чт пт сб вс",
        "понедельник вторник среда четверг пятница суббота воскресенье",
        "一 二 三 四 五 六 日",
        "دوشنبه سه‌شنبه چهارشنبه پنجشنبه جمعه شنبه یکشنبه",
    )
    for number, name in enumerate(names.split())
}
CALENDARS = {"jalali": "dmy", "minguo": "ymd", "buddhist": "dmy"}
"""Calendars of other years, each with the order of its dates where the year is not in front."""

_TIME = r"(?:(?:T|,? +)\(?\d{1,2}[:.]\d\d.*)?"
_YEAR_FIRST = re.compile(DAY_YEAR_FIRST + _TIME)
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d\d)" + _TIME)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\d\d){0,3}")
# The seconds since 1970 of 2001 to 2030, or their thousandths; no day begins with such a year.
_SECONDS = re.compile(r"1[0-8]\d{8}(?:\d{3})?")
# Digits alone are a month in a year that can be meant: 45296 is Excel's number of a day, and 240105
# is a day without its century.
_MONTH = re.compile(
    r"(\d{4}(?=[-/.年])|(?:1[2-59]|2[01])\d\d(?=\d\d)|\d{4}(?=[- ]?M\d\d))"
    r"(?:[- ]?M|[-/.年])?(\d{1,2})月?"
)
_MONTH_LAST = re.compile(r"(\d{1,2})[-/.](\d{4})")
_NAMED = re.compile(r"([^\W\d]+)\.?[- ]+(\d{1,2})(?:st|nd|rd|th)?,?[- ]+(\d{4})" + _TIME)
_DAY_NAMED = re.compile(
    r"(\d{1,2})\.?[- ]+(?:de )?([^\W\d]+)\.?,?[- ]+(?:del? )?(\d{4}|\d\d)" + _TIME
)
_MONTH_NAMED = re.compile(r"([^\W\d]+)\.?,?[-/ ]+(?:del? )?(\d{4})")
_YEAR_NAMED = re.compile(r"(\d{4})[-/ ]+([^\W\d]+)\.?")
_MONTH_SHORT = re.compile(r"([^\W\d]+)\.?[-/ ]*(['\u2019]?)(\d\d)")
_WEEK = re.compile(
    r"(\d{4})[- ]?W(\d\d)(?:-?([1-7]))?|(?:KW|Kalenderwoche) ?(\d{1,2})[-/. ]+(\d{4})"
    r"|(\d{4})[-/. ]+KW ?(\d{1,2})",
    re.IGNORECASE,
)
"""Weeks as ISO 8601 counts them, as do German ones (DIN 1355); the first with a day, or without."""
_MINGUO = re.compile(
    r"(?P<said>(?:中華|中华)?民[國国] ?)?(\d{1,3})[-/.年] ?(\d{1,2})(?:[-/.月] ?(\d{1,2})日?|月)?"
    + _TIME
)
_MINGUO_COMPACT = re.compile(r"(?P<said>)(\d{3})(\d\d)(\d\d)")
_WITH_WEEKDAY = re.compile(
    r"(?P<before>[^\W\d]{1,15})\.?,? +(?P<rest>\S.*)"
    r"|(?P<first>.*[\d日])[ ,]*(?P<open>[(\uff08])?(?:星期|周|週|礼拜|禮拜)?"
    r"(?P<behind>[^\W\d日]{1,15}|(?<=[期周週拜(\uff08])日|(?<=[期拜])天)\.?(?(open)[)\uff09])"
)
_ANOTHER = re.compile(
    r"(?<![+\-.:\d])(?:1[34]|19|20)\d\d(?![\d:])|\d[-/]\d{1,2}[-/]\d\d|[–—~] ?\d| - [^\W_]"
)
"""What stands behind a day where a range of days is meant: 2024-01-01 to 2024-01-31."""
_DIGITS = {ord(char): str(n) for zero in "٠۰" for n, char in
           enumerate(chr(ord(zero) + k) for k in range(10))}  # fmt: skip


class Dates(NamedTuple):
    """Columns of dates, and what is wrong with them."""

    columns: dict[str, list[date | None]]
    faults: list[Fault]


def dates(
    cells: Mapping[str, Sequence[Any]],
    hint: str = "",
    *,
    certain: bool = False,
    calendar: str = "gregorian",
    blanks: Iterable[str] = (),
    grains: Mapping[str, str] = {},
) -> Dates:
    """Columns of dates in the one order of day and month that fits all of them.

    `hint` (dmy, mdy, ymd) decides between two orders; if `certain` by the user, it is the only one.
    `grains` are those of columns whose headers say it: month, week, or iso week.
    """
    read, texts = _days_and_texts(cells, blanks)
    weekdays: dict[str, int] = {}
    plain = {
        text: _spelled_out(text, grains.get(column, ""), weekdays)
        for text, (column, _) in texts.items()
    }
    orders = [hint] if certain and hint else ["dmy", "mdy", "ymd"]
    if not any(map(_YEAR_LAST.fullmatch, plain.values())):
        orders = orders[:1]
    weeks = [text for text, (column, _) in texts.items() if grains.get(column) == "week"]
    unsure = [text for text in weeks if _DIGITS_OF_WEEK.fullmatch(plain[text])]
    fitting: dict[str, dict[str, date | None]] = {}
    for order in orders if not unsure else ():
        values = {text: day_of(shown, order, calendar) for text, shown in plain.items()}
        fits = all(day and day.weekday() == weekdays.get(text, day.weekday())
                   for text, day in values.items())  # fmt: skip
        if fits:
            fitting[order] = values
    if not certain and len(fitting) > 1 and "ymd" in fitting and not _likely(fitting, "ymd"):
        del fitting["ymd"]
    chosen: dict[str, date | None] = {}
    whys: list[tuple[str, Message]]
    if unsure:
        whys = [(unsure[0], Message(WEEK_OR_MONTH))]
    elif fitting:
        told = hint in fitting and (certain or hint != "ymd")  # 24-01-05 in a file of 2024-01-05
        chosen = fitting[hint] if told else next(iter(fitting.values()))
        whys = [*(() if told else _two_readings(fitting)), *_no_days(chosen)]
    else:
        whys = list(_no_dates(plain, texts, orders[0], calendar, weekdays))
    if not (certain or whys) and (swapped := _swapped(cells, read, chosen, plain)):
        whys.append(swapped)
    faults = []
    for text, why in whys:
        name, cell = texts[text]
        faults.append(_fault(name, cells[name], cell, why))
    late = next((cell for cell, day in read.items() if day and day >= NO_DAY), None)
    if late is not None:  # a cell that is a day already
        name = next(name for name, column in cells.items() if late in column)
        faults.append(_fault(name, cells[name], late, Message(NO_DAY_WRITTEN)))
    for cell in dict.fromkeys(cell for column in cells.values() for cell in column):
        if cell not in read and not is_blank(cell, blanks):
            read[cell] = chosen.get(_text(cell))
    columns = {name: list(map(read.get, column)) for name, column in cells.items()}
    return Dates(columns, faults)


WEEK_OR_MONTH = (
    "may be a week or a month: write the day on which it begins, as 2024-01-29, or the week of"
    " ISO 8601, as 2024-W05"
)


def _swapped(
    cells: Mapping[str, Sequence[Any]],
    read: Mapping[Any, date | None],
    chosen: Mapping[str, date | None],
    plain: Mapping[str, str],
) -> tuple[str, Message] | None:
    """A text of a column whose dates may have been read in another order than they were meant."""
    for column in cells.values():
        days = [day for cell in dict.fromkeys(column) if (day := read.get(cell))]
        texts = [text for cell in dict.fromkeys(column) if (text := _text(cell)) in plain]
        texts = [text for text in texts if _YEAR_LAST.fullmatch(plain[text])]
        if may_be_swapped(days, [day for text in texts if (day := chosen.get(text))]):
            return texts[0], Message(SWAPPED)
    return None


NO_DAY_WRITTEN = "is what programs write for no day: leave it blank"
Texts = dict[str, tuple[str, Any]]
"""The texts of cells, each with its column and the first cell that it is of."""


def _days_and_texts(
    cells: Mapping[str, Sequence[Any]], blanks: Iterable[str]
) -> tuple[dict[Any, date | None], Texts]:
    """The cells that are days, and the texts of those that have to be read."""
    days: dict[Any, date | None] = {}
    texts: Texts = {}
    for name, column in cells.items():
        for cell in dict.fromkeys(column):
            if cell in days or is_blank(cell, blanks):
                continue
            if isinstance(cell, datetime):
                days[cell] = cell.date()
            elif isinstance(cell, date):
                days[cell] = cell
            else:
                texts.setdefault(_text(cell), (name, cell))
    return days, texts


def _text(cell: Any) -> str:
    is_number = isinstance(cell, float | int) and not isinstance(cell, bool)
    return f"{cell:.0f}" if is_number else str(cell).strip()


def _ascii_digits(text: str) -> str:
    shown = text.translate(_DIGITS)
    if shown.isascii():
        return shown
    return " ".join("".join(c for c in shown if c not in _MARKS_OF_BIDI).split())


def _spelled_out(text: str, grain: str, weekdays: dict[str, int]) -> str:
    """A text as `day_of` takes it: without its day of the week, which is kept, and unambiguous."""
    shown = _ascii_digits(text)
    short = _short_month(shown)
    if short and (grain == "month" or short[2]):
        return f"{short[1]} {_year(int(short[3]))}"
    if grain == "iso week" and (week := _DIGITS_OF_WEEK.fullmatch(shown)):
        return f"{week[1] or week[4]}-W{week[2] or week[3]:0>2}"
    if shown[-1:].isdigit() and shown[:1].isdigit():
        return shown
    bare, weekday = _without_weekday(shown)
    if weekday is not None:
        weekdays[text] = weekday
    return bare


def _short_month(text: str) -> re.Match[str] | None:
    """A month with two digits behind it, which may be its year or a day: Feb-24, Feb '24."""
    found = _MONTH_SHORT.fullmatch(text)
    return found if found and found[1].lower() in MONTH_NAMES else None


_DIGITS_OF_WEEK = re.compile(r"(\d{4})[-/. ]?(\d\d)|(\d{1,2})[-/. ](\d{4})")


def _without_weekday(text: str) -> tuple[str, int | None]:
    """A date without the name of its day of the week, and which that is, from Monday on."""
    found = _WITH_WEEKDAY.fullmatch(text)
    if found is None or any(day_of(text, order) for order in ("dmy", "mdy")):
        return text, None  # 5 mar 2024 is none of Tuesdays
    name, rest = found["before"] or found["behind"], found["rest"] or found["first"].strip(" ,")
    weekday = 6 if name == "天" else WEEKDAYS.get(name.lower())
    return (text, None) if weekday is None else (rest, weekday)


def _year(short: int) -> int:
    return short + (2000 if short < 70 else 1900)


Whys = Iterator[tuple[str, Message]]
"""Texts at fault, with what is wrong with each."""


def _likely(readings: Mapping[str, Mapping[str, date | None]], order: str) -> bool:
    """Whether the days of no other reading are closer together, nor these years ahead."""
    spans, last = {}, {}
    for name, days in readings.items():
        known = [day for day in days.values() if day]
        last[name] = max(known)
        spans[name] = last[name] - min(known)
    closest = all(spans[order] <= span for span in spans.values())
    return closest and last[order].year <= date.today().year + 1


def _two_readings(readings: Mapping[str, Mapping[str, date | None]]) -> Whys:
    """The first text that is one day or another, by the order of day, month and year."""
    (order, one), *others = readings.items()
    for text, day in one.items():
        for other_order, other in others:
            if day != other[text]:
                yield (
                    text,
                    Message(
                        "may be {one} or {other}: say which order the dates have, as in"
                        " --dates {order} or --dates {other_order}",
                        one=day,
                        other=other[text],
                        order=order,
                        other_order=other_order,
                    ),
                )
                return


def _no_days(days: Mapping[str, date | None]) -> Whys:
    """The first day that Excel does not know, or that stands for none."""
    for text, day in days.items():
        if day and day.year < 1900:
            why = Message(
                "is before 1900, where Excel's calendar begins; if it is a Jalali date,"
                " say --dates jalali"
            )
            yield text, why
            return
        if day and day >= NO_DAY:
            yield text, Message(NO_DAY_WRITTEN)
            return


def _no_dates(
    plain: Mapping[str, str],
    texts: Texts,
    order: str,
    calendar: str,
    weekdays: Mapping[str, int],
) -> Whys:
    """The first text of each column that is no date in this order."""
    columns = set()
    for text, shown in plain.items():
        column, day = texts[text][0], day_of(shown, order, calendar)
        if column in columns or (day and day.weekday() == weekdays.get(text, day.weekday())):
            continue
        columns.add(column)
        if day:
            yield text, Message("has another day of the week than the calendar has for it")
        elif day_of(shown, "dmy", calendar) or day_of(shown, "mdy", calendar):
            yield (
                text,
                Message("has day and month in another order than other dates, or than was said"),
            )
        elif calendar != "jalali" and (
            day_of(shown, "ymd", "jalali") or day_of(shown, "dmy", "jalali")
        ):
            yield (
                text,
                Message("is not in the calendar, but would be one of the Jalali: --dates jalali"),
            )
        elif re.match(r"1\d\d", shown) and (day := day_of(shown, "ymd", "minguo")):
            why = Message(
                "is not in the calendar, but would be {day} in that of Taiwan (Minguo): --dates"
                " minguo",
                day=day,
            )
            yield text, why
        elif _SERIAL.fullmatch(text):
            day = date.fromordinal(DAY_0 + int(text))
            why = Message(
                "is a number; as Excel counts days it is {day}: give its column a format of dates",
                day=day,
            )
            yield text, why
        else:
            yield text, _why_no_day(shown, calendar)


_QUARTER = re.compile(
    r"[QT][1-4][-/ ]*\d{2,4}|\d{2,4}[-/ ]*[QT][1-4]|Quarte?[rl] ?[1-4].*|[1-4]\. ?Quart.*"
    r"|.*第?[1-4一二三四]季度?|[1-4] ?(?:кв|квартал)\.?.*|[1-4](?:er|e|º|\u00ba)? ?trim.*",
    re.IGNORECASE,
)
_WEEK_NUMBER = re.compile(
    r"(?:W|WK|CW|KW|Week|Woche|Semaine|Semana|Sem|Неделя|هفته)\.? ?\d{1,2}\b.*"
    r"|\d{4}[-/ ]*(?:W|WK|CW|Week)\.? ?\d{1,2}|.*第? ?\d{1,2} ?[周週]",
    re.IGNORECASE,
)
_DAY_ALONE = re.compile(r"(\d{1,2})\.?[- ]+(?:de )?([^\W\d]+)\.?|([^\W\d]+)\.? +(\d{1,2})")


OR_MONTH = "{why}, or, where it is a month, call its column Month"


def _why_no_day(text: str, calendar: str) -> Message:
    """What a text is in place of a day, and what to do."""
    period = "a quarter" if _QUARTER.fullmatch(text) else ""
    if re.fullmatch(r"(?:19|20)\d\d", text):
        period = "a year"
    if period:
        return Message(
            "is {period}: a day is wanted, as 2024-01-31, or, where a table counts by month, a"
            " month, as 2024-01",
            period=LONG[period],
        )
    if _WEEK_NUMBER.fullmatch(text):
        return Message(
            "is a week, and countries count them differently: write its first day, as 2024-01-29,"
            " or the week of ISO 8601, as 2024-W05"
        )
    if why := why_no_month(text):
        return Message(OR_MONTH, why=why) if _short_month(text) else why
    alone = _DAY_ALONE.fullmatch(text)
    if alone and (alone[2] or alone[3]).lower() in MONTH_NAMES:
        return Message("is a day without its year: write it as 2024-01-31")
    if calendar != "gregorian" and _YEAR_LAST.fullmatch(text):
        return Message("has a year of two digits: write all four, as another calendar is said")
    return Message("is not a date: write it as 2024-01-31")


_SERIAL = re.compile(r"[34]\d{4}|5[0-4]\d{3}")
"""Excel's numbers of days, from 1982 to 2050."""


def why_no_month(text: str) -> Message | None:
    """Why a month's name, alone or with two digits, is none: nobody knows of which year it is."""
    if short := _short_month(text):
        return Message(
            "may be the month {month}, or a day without its year: write it as {month}",
            month=f"{_year(int(short[3]))}-{MONTH_NAMES[short[1].lower()]:02}",
        )
    if text.lower().strip(".") in MONTH_NAMES or re.fullmatch(r"\d{1,2}月", text):
        return Message("is a month without its year: write it as 2024-01")
    return None


def day_of(text: str, order: str, calendar: str = "gregorian") -> date | None:
    """The day that a text is, if dates without the year in front are in this order.

    A month is its first day, a week its Monday.
    """
    if text[4:5] == text[7:8] == "-" and calendar == "gregorian" and text[10:11] in ("", " ", "T"):
        if _ANOTHER.search(text, 10):
            return None
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            return None
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC).date()
    try:
        parts = _parts_of(text, order, calendar)
        return parts and _in_calendar(*parts, calendar)
    except ValueError:
        return None


def _parts_of(text: str, order: str, calendar: str) -> tuple[int, int, int] | None:
    """Year, month and day."""
    if match := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif (match := _MINGUO.fullmatch(text) or _MINGUO_COMPACT.fullmatch(text)) and (
        match["said"] or calendar == "minguo"
    ):
        year, month, day = 1911 + int(match[2]), int(match[3]), int(match[4] or 1)
    elif match := _YEAR_LAST.fullmatch(text):
        one, two, year = map(int, match.groups())
        day, month = (one, two) if order != "mdy" else (two, one)
        if order == "ymd":
            if not len(match[1]) == len(match[3]) == 2:
                return None
            year, day = day, year
        if year < 100:
            if calendar == "jalali":
                return None
            year = 2500 + year if calendar == "buddhist" else _year(year)
    elif match := _WEEK.fullmatch(text):
        year = int(match[1] or match[5] or match[6])
        week = int(match[2] or match[4] or match[7])
        moment = date.fromisocalendar(year, week, int(match[3] or 1))
        year, month, day = moment.year, moment.month, moment.day
    elif match := _MONTH.fullmatch(text):
        year, month, day = int(match[1]), int(match[2]), 1
    elif match := _MONTH_LAST.fullmatch(text):
        year, month, day = int(match[2]), int(match[1]), 1
    elif match := _NAMED.fullmatch(text):
        year, month, day = int(match[3]), _month(match[1], match[3], calendar), int(match[2])
    elif match := _DAY_NAMED.fullmatch(text):
        year, month, day = int(match[3]), _month(match[2], match[3], calendar), int(match[1])
        if year < 100:
            year += 2000
    elif match := _MONTH_NAMED.fullmatch(text):
        year, month, day = int(match[2]), _month(match[1], match[2], calendar), 1
    elif match := _YEAR_NAMED.fullmatch(text):
        year, month, day = int(match[1]), _month(match[2], match[1], calendar), 1
    else:
        return None
    if match.re.groups == 3 and not text.isdigit() and _ANOTHER.search(text, match.end(3)):
        return None
    return year, month, day


def _month(name: str, year: str, calendar: str) -> int:
    """The number of a month's name; 0 for none, which no calendar has."""
    if calendar == "jalali" and year < "1500":  # its names may be written with Arabic letters
        name = name.translate({ord("ي"): "ی"})
        if number := JALALI_MONTHS.get(name):
            return number
    return MONTH_NAMES.get(name.lower(), 0)


def _in_calendar(year: int, month: int, day: int, calendar: str) -> date:
    """A day of a calendar; some of a file's may be in the other one. Raises ValueError."""
    if calendar == "jalali" and 1200 <= year <= 1500:
        from persiantools.jdatetime import JalaliDate

        day_there: date = JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]
        return day_there
    if calendar == "buddhist" and 2400 <= year <= 2700:
        year -= 543
    return date(year, month, day)


def is_day(text: str) -> bool:
    """Whether a text is a day, a week or a month, in any order and calendar."""
    shown, _ = _without_weekday(_ascii_digits(text.strip()))
    ways = (("dmy",), ("mdy",), ("ymd",), ("dmy", "jalali"), ("ymd", "minguo"))
    return any(day_of(shown, *way) for way in ways)


def is_month(text: str, grain: str = "") -> bool:
    """Whether a text is a month without a day: 2024-01, Jan 2024, 01/2024, 202401.

    `grain` is what its column's header says, as in `dates`.
    """
    shown = _spelled_out(text.strip(), grain, {})
    named, minguo = _MONTH_NAMED.fullmatch(shown), _MINGUO.fullmatch(shown)
    if named:
        return named[1].lower() in {*MONTH_NAMES, *JALALI_MONTHS}
    if minguo and minguo["said"]:
        return not minguo[4]
    found = (_MONTH, _MONTH_LAST, _YEAR_NAMED)
    return any(one.fullmatch(shown) for one in found) and day_of(shown, "dmy") is not None


def is_week(text: str, grain: str = "") -> bool:
    """Whether a text is a week of ISO 8601 without a day: 2024-W05, KW 5/2024."""
    found = _WEEK.fullmatch(_spelled_out(text.strip(), grain, {}))
    return bool(found and not found[3])
