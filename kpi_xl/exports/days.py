"""The day, week or month of each row, and whether rows stand for as long as a table wants."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from kpi_xl.exports import cells as written
from kpi_xl.exports.pages import text_of
from kpi_xl.exports.reading import Reading, objects
from kpi_xl.exports.recognition import Match
from kpi_xl.exports.rows import Rows
from kpi_xl.locales import Counted, Message
from kpi_xl.sources.grain import (
    BY_WEEK,
    GRAIN_WORDS,
    LONG,
    PERIOD,
    first_days,
    longer_than_days,
    longer_than_months,
    longer_than_weeks,
    month_of,
    next_month,
    says_days,
)
from kpi_xl.sources.records import plain
from kpi_xl.units import DATE, Unit

DAYWISE = Message("export it by day")


def with_days(
    frame: Any, match: Match, units: Mapping[str, Unit], reading: Reading, *, of_months: bool
) -> Any:
    """The day of each row, from a day, a week, a month, a range, or the file's period."""
    layout = match.layout
    wanted = next((n for n in ("date", "month", "week", "created") if units.get(n) is DATE), "")
    advice = layout.told(layout.advice) if layout.advice else DAYWISE
    if "date" in frame and (longer := _grain_above(match)):
        frame = frame.rename(columns={"date": longer})
    have = {name for name in ("date", "day", "week", "month", "created") if name in frame}
    if "day" in have and wanted and wanted not in have:
        frame = frame.copy()
        frame[wanted], reading.grain = frame["day"], "day"
        have.add(wanted)
    if wanted == "date" and "date" not in frame:
        for grain in ("week", "month"):
            if grain in have and of_months:
                reading.grain = grain
                return frame.rename(columns={grain: "date"})
            if grain in have:
                theirs = match.headers[match.places[grain]] if grain in match.places else grain
                reading.faults.append(
                    Message(
                        'has a row a {grain} ("{theirs}"), and a row a day is wanted: {advice}',
                        grain=GRAIN_WORDS[grain],
                        theirs=theirs,
                        advice=advice,
                    )
                )
                return frame
        frame = _ranged(frame, match, "month" if of_months else "date", advice, reading)
        return frame.rename(columns={"month": "date"}) if of_months else frame
    if wanted in ("month", "week") and wanted not in frame:
        for name in ("date", "week", "month", "close"):
            if name in frame:
                reading.grain = "week" if name == "week" else "month" if name == "month" else "day"
                frame = frame.copy()
                frame[wanted] = frame[name]
                return frame
        return _ranged(frame, match, wanted, advice, reading)
    if wanted == "month":
        reading.grain = "month"
    return frame


def grains_said(match: Match) -> dict[str, str]:
    """The columns of which the header, or who names them, says that they are months or weeks."""
    said = {}
    for name, place in match.places.items():
        header = plain(match.headers[place])
        period = "a month" if name == "month" else "a week" if name == "week" else ""
        period = PERIOD.get(header, period)
        if period == "a week":
            said[name] = "iso week" if header in ISO_WEEKS else "week"
        elif period == "a month":
            said[name] = "month"
    return said


ISO_WEEKS = ("isoweek", "isoyearisoweek", "kw", "kalenderwoche")
"""Headers of weeks that are counted as ISO 8601 has it, and DIN 1355."""


def of_longer(
    frame: Any, match: Match, rows: Rows, dated: Sequence[str], into: str, reading: Reading
) -> Any:
    """The frame, if its dates are written as months or weeks (2024-01, 2024-W05), told or refused.

    A table of months takes weeks as such, and one of days takes neither. An order's or a lead's
    month is its first day; its week may be in two months.
    """
    said = grains_said(match)
    for name in dated:
        theirs = match.headers[match.places[name]]
        cells, grain = rows.cells[name], said.get(name, "")
        kinds = {cell: _period_in(cell, grain) for cell in dict.fromkeys(cells)}
        of_each = [(n, c) for n, c in zip(rows.numbers, cells, strict=True) if kinds[c]]
        weeks = [(number, cell) for number, cell in of_each if kinds[cell] == "a week"]
        months = [(number, cell) for number, cell in of_each if kinds[cell] == "a month"]
        advice = match.layout.told(match.layout.advice) if match.layout.advice else DAYWISE
        for period, some in (("a week", weeks), ("a month", months)):
            if some and into == "Ads" and name in ("date", "day"):
                text = (
                    'row {row}, column "{name}": "{text}" is {period}, and a row a day is wanted:'
                    " {advice}"
                )
                fields = {"row": some[0][0], "name": theirs, "text": some[0][1]}
                reading.faults.append(Message(text, **fields, period=LONG[period], advice=advice))
        if months and into == "Weeks" and name == "week":
            reading.faults.append(Message(BY_WEEK, period=LONG["a month"], header=theirs))
        if into in ("Ads", "Weeks", "Spend", "Months", "Subscribers", "Subscriptions"):
            if weeks and name in ("date", "month") and into in ("Spend", "Months"):
                frame = frame.rename(columns={name: "week"})
            continue
        if weeks:
            row, cell = weeks[0]
            text = (
                'row {row}, column "{name}": "{text}" is a week, which may be in two months: write'
                " the day"
            )
            reading.faults.append(Message(text, row=row, name=theirs, text=cell))
        elif months:
            text = (
                'the column "{name}" has months, such as "{text}" ({rows}): each is its first day,'
                " and what is counted in days is in whole months"
            )
            count = Counted(len(months), "rows")
            reading.left.append(Message(text, name=theirs, text=months[0][1], rows=count))
    return frame


def _period_in(cell: Any, grain: str) -> str:
    """Whether a cell is written as a week or a month; `grain` is what its header says."""
    if not isinstance(cell, str) or not cell:
        return ""
    if written.is_week(cell, grain):
        return "a week"
    return "a month" if written.is_month(cell, grain) else ""


_MONTH_ALONE = re.compile(r"0?[1-9]|1[0-2]")


def years_given(match: Match, rows: Rows) -> Iterable[Message]:
    """Give months that are numbers alone, 01 to 12, the year that the file's period has them in.

    Where it has one in two years, or the file names no period, that is a fault.
    """
    cells = rows.cells.get("month", [])
    texts = [str(cell).strip() for cell in cells]
    alone = [text for text in texts if _MONTH_ALONE.fullmatch(text)]
    if "period" not in match.layout.preamble or not alone or len(alone) < sum(map(bool, texts)):
        return
    months: dict[int, list[date]] = {}
    if period := period_of(match):
        month, last = month_of(period[0]), period[1]
        while month <= last:
            months.setdefault(month.month, []).append(month)
            month = next_month(month)
    unsure = next((text for text in alone if len(months.get(int(text), ())) != 1), "")
    if unsure:
        yield Message(
            'row {row}, column "{name}": "{text}" is a month without its year: add the dimension'
            " Year month in place of it, or choose a range of at most twelve months",
            row=rows.numbers[texts.index(unsure)],
            name=match.headers[match.places["month"]],
            text=unsure,
        )
        return
    rows.cells["month"] = [
        months[int(text)][0] if text else cell for text, cell in zip(texts, cells, strict=True)
    ]


def tell_periods(frame: Any, match: Match, into: str, reading: Reading) -> None:
    """Weeks, months and quarters in place of days are a fault; what may be such is told."""
    names = ("week",) if into == "Weeks" else ("month", "date")
    name = next((one for one in names if one in frame), "")
    if reading.faults or into not in ("Ads", "Spend", "Weeks") or not name:
        return
    place = match.places.get(name, match.places.get("date"))
    header = "" if place is None else match.headers[place]
    if "day" in match.places:  # who names it so says it, whatever the file calls it
        header = "day"
    if into == "Spend":
        longer, remark = longer_than_months(header, frame[name].tolist()), None
    elif into == "Weeks":
        longer, remark = longer_than_weeks(header, frame[name].tolist()), None
    else:
        days = (frame[frame["sent"].isna()] if "sent" in frame else frame)[name].tolist()
        period = period_of(match)
        whole = period and period[0] != period[1] and {*days} == {period[0]}
        if period and whole and not says_days(header):
            advice = match.layout.told(match.layout.advice) if match.layout.advice else DAYWISE
            advice = _or_days(advice, header)
            text = "is of {start} to {end} as a whole, without days: {advice}"
            reading.faults.append(Message(text, start=period[0], end=period[1], advice=advice))
            return
        longer, remark = longer_than_days(header, days), first_days(header, days)
    if longer:
        reading.faults.append(longer)
    elif remark:
        reading.left.append(remark)


def _or_days(advice: str, header: str) -> Message:
    """What to do with dates that may be those of days, or of more."""
    text = '{advice}; if its rows are days, say --map "{header}=day"'
    return Message(text, advice=advice, header=header)


def _ranged(frame: Any, match: Match, wanted: str, advice: str, reading: Reading) -> Any:
    """Days from ranges: of each row, or of the whole file."""
    frame = frame.copy()
    if "start" in frame and "end" in frame:
        start, end = frame["start"], frame["end"]
        if wanted == "month":
            start, end = (days.map(month_of, na_action="ignore") for days in (start, end))
            reading.grain = "month"
        same = (start == end) | (start.isna() & end.isna())  # a blank date is told later
        if not same.all():
            row = frame[~same].iloc[0]
            if "until" in frame and wanted == "date":
                advice = _or_days(advice, match.headers[match.places["start"]])
            reading.faults.append(
                Message(
                    "row {row} is of {start} to {end}, and a row of a {text} is wanted: {advice}",
                    row=int(row["_row"]),
                    start=row["start"],
                    end=row["end"],
                    text=GRAIN_WORDS["month" if wanted == "month" else "day"],
                    advice=advice,
                )
            )
        frame[wanted] = frame["start"]
        return frame
    period = period_of(match)
    if period is None and "start" in frame:
        header = match.headers[match.places["start"]]
        text = 'has "{header}", and nothing says when its rows end: {advice}'
        reading.faults.append(Message(text, header=header, advice=_or_days(advice, header)))
        return frame
    if period is None:
        if match.layout.file:  # of a table of ours the column that it lacks is told
            reading.faults.append(Message("has no days: {advice}", advice=advice))
        return frame
    start, end = period
    if wanted == "date" and start != end:
        reading.faults.append(
            Message(
                "is of {start} to {end} as a whole, without days: {advice}",
                start=start,
                end=end,
                advice=advice,
            )
        )
    if wanted == "month" and month_of(start) != month_of(end):
        reading.faults.append(
            Message(
                "is of {start} to {end} as a whole, without months: {advice}",
                start=start,
                end=end,
                advice=advice,
            )
        )
    frame[wanted] = objects([start] * len(frame)).set_axis(frame.index)
    # A part of a month is days, which another file may have the others of.
    whole = start == month_of(start) and end + timedelta(days=1) == next_month(start)
    reading.grain = "month" if whole else "day"
    return frame


def _above(match: Match) -> str:
    """The lines before the header."""
    return "\n".join(" ".join(text_of(row)).strip() for row in match.page.head[: match.row])


def _grain_above(match: Match) -> str:
    """How long a row is, where the lines before the header say that it is a week or a month."""
    pattern = match.layout.preamble.get("grain")
    found = pattern.search(_above(match)) if pattern else None
    return (found.lastgroup or "") if found else ""


def period_of(match: Match) -> tuple[date, date] | None:
    """The period that the lines before the header name."""
    pattern = match.layout.preamble.get("period")
    if pattern is None:
        return None
    found = pattern.search(_above(match))
    if not found:
        return None
    order = match.header.dates or match.layout.dates or "ymd"
    start = written.day_of(found["start"].strip(), order)
    end = written.day_of((found["end"] or found["start"]).strip(), order)
    return (start, end) if start and end else None
