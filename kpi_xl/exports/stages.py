"""The days on which deals were won or lost, from the stages that they are in."""

import re
from collections.abc import Mapping
from typing import Any

from kpi_xl.exports.layouts import Layout
from kpi_xl.exports.reading import Reading, objects, text_in
from kpi_xl.locales import Counted, Message

ENDS = re.compile(
    r"\b(?:won|lost|closed)\b|gewonnen|verloren|abgeschlossen|gagn|perdu|conclu|ganad|perdid|cerrad"
    r"|vint[oa]\b|pers[oa]\b|chius|ganh|fechad|выигр|проигр|закрыт|赢|贏|输|輸|成交|关闭|關閉|丢单"
    r"|موفق|برنده|بازنده|از دست|реализован|успешн[оа]\b|провален"
    r"|^\d+$",
    re.IGNORECASE,
)
"""What the name of a stage has in it that ends a deal, or may: a number says nothing of it."""


def staged(frame: Any, layout: Layout, places: Mapping[str, int], reading: Reading) -> Any:
    """Dates from stages: of a row a stage, or of the one stage that a deal is in."""
    import pandas as pd

    headers = reading.match.headers
    if layout.table == "Leads" and "status" in frame:
        frame = _of_status(frame, layout, places, reading)
    if layout.stages and "stage" in frame:
        history = "entered" in frame
        given = frame["entered"] if history else frame.get("close")
        targets, unknown = _targets(frame, layout)
        frame = frame.copy()
        for ours in sorted({one for one in targets if one}):
            at = pd.Series(targets, index=frame.index) == ours
            missing = at & given.isna() if given is not None else at
            if ours in frame:
                missing &= frame[ours].isna()
            if missing.any():
                column = "entered" if history else "close"
                _tell_undated(frame, missing, ours, places, reading, column)
                continue
            days = given.where(at, None) if given is not None else None
            frame[ours] = frame[ours].where(frame[ours].notna(), days) if ours in frame else days
        if strange := [text for text in unknown if text in _ended(frame)]:
            theirs = headers[places["stage"]]
            row = int(frame["_row"][frame["stage"].map(text_in) == strange[0]].iloc[0])
            reading.faults.append(
                Message(
                    'row {row}, column "{theirs}": nobody knows whether deals with {stages}'
                    " are won, lost or open: name the stages that count, as in --where"
                    ' "{theirs}=Closed won", or write a layout of your own with kpi-xl'
                    ' layouts learn, and name them in it, as in stages = {{"{stage}" ='
                    ' "won_date"}}',
                    row=row,
                    theirs=theirs,
                    stages=", ".join(strange)[:200],
                    stage=strange[0],
                )
            )
        if unknown:
            shown = ", ".join(f"{text or '(blank)'} {n}" for text, n in unknown.items())
            reading.left.append(Message("stages that give no date: {stages}", stages=shown[:200]))
        if history:
            if "created" not in frame:
                frame["created"] = frame["entered"]
            agg = {
                name: "min" if name.endswith("_date") or name == "created" else "first"
                for name in frame.columns
                if name not in ("lead_id", "stage", "entered")
            }
            lines = len(frame)
            for name, how in agg.items():
                if how == "min":
                    frame[name] = pd.to_datetime(frame[name])
            frame = frame.groupby("lead_id", sort=False, as_index=False).agg(agg)
            for name, how in agg.items():
                if how == "min":
                    frame[name] = _days(frame[name])
            if lines > len(frame):
                text = "{rows} of stages are {leads}"
                leads = Counted(len(frame), "leads")
                reading.left.append(Message(text, rows=Counted(lines, "rows"), leads=leads))
    if {"actual", "value", "won_date"} <= {*frame}:
        known = frame["won_date"].notna() & frame["actual"].notna()
        frame = frame.assign(value=frame["actual"].where(known, frame["value"]))
    return frame


def _of_status(frame: Any, layout: Layout, places: Mapping[str, int], reading: Reading) -> Any:
    """The days on which deals were won or lost, of those that are so by their status.

    One that was won, and is now lost or open again, may still have the day. Where a layout has no
    column of stages, its stages are what the status may be.
    """
    status = frame["status"].map(text_in).str.casefold()
    ends = STATUSES if "stage" in places or not layout.stages else layout.stages
    known = {text.casefold() for text in layout.keep.get("status", ("open", "won", "lost"))}
    ended = status.str.fullmatch("|".join(ends), case=False)
    for word, ours in ends.items():
        at = status.str.fullmatch(word, case=False)
        undated = at & frame[ours].isna() if ours in frame else at
        _tell_undated(frame, undated, ours, places, reading)
        if ours not in frame:
            continue
        other = status.isin(known) & ~at
        # One column may have the days of both; then some of them are the other's.
        both = sum(place == places.get(ours) for place in places.values()) > 1
        if number := int((other & frame[ours].notna() & ~(both & ended)).sum()):
            text = '"{column}" of {leads} left out, whose status is another'
            column, leads = reading.match.headers[places[ours]], Counted(number, "leads")
            reading.left.append(Message(text, column=column, leads=leads))
        frame = frame.assign(**{ours: frame[ours].where(~other, None)})
    return frame


STATUSES = {"won": "won_date", "lost": "lost_date"}

YES = frozenset(("true", "yes", "1", "1.0", "да", "oui", "sí", "sim", "ja"))


def _targets(frame: Any, layout: Layout) -> tuple[list[str], dict[str, int]]:
    """Which date each row's stage gives, or columns that say what became of the deal; else "".

    And how many rows there are of each stage that gives none.
    """
    known: dict[str, str] = {}
    targets = []
    unknown: dict[str, int] = {}
    flags = (_flags(frame, name) for name in ("is_won", "is_lost", "is_closed"))
    for cell, won, lost, closed in zip(frame["stage"], *flags, strict=True):
        text = text_in(cell)
        if text not in known:
            fits = (ours for stage, ours in layout.stages.items()
                    if re.fullmatch(stage, text, re.IGNORECASE))  # fmt: skip
            known[text] = next(fits, "")
        over = lost or (closed and "is_won" in frame)
        target = known[text] or ("won_date" if won else "lost_date" if over else "")
        targets.append(target)
        if not target:
            unknown[text] = unknown.get(text, 0) + 1
    return targets, unknown


def _ended(frame: Any) -> set[str]:
    """Stages of deals that are not open, or seem so, where no columns say what became of them."""
    if "is_won" in frame and not {"is_lost", "is_closed"}.isdisjoint(frame):
        return set()
    pairs = zip(frame["stage"].map(text_in), _flags(frame, "is_closed"), strict=True)
    return {text for text, closed in pairs if closed or ENDS.search(text)}


def _flags(frame: Any, name: str) -> list[bool]:
    """Which rows have a yes in a column; none where it is not there."""
    if name not in frame:
        return [False] * len(frame)
    return [text_in(cell).casefold() in YES for cell in frame[name]]


def _tell_undated(
    frame: Any, at: Any, ours: str, places: Mapping[str, int], reading: Reading, column: str = ""
) -> None:
    """Deals that are won or lost, and no date says when."""
    if not at.any():
        return
    headers = reading.match.headers
    date_of = next((headers[places[one]] for one in (column, ours) if one in places), "")
    column_of = (
        Message('the column "{column}"', column=date_of)
        if date_of
        else Message("a column of that date")
    )
    stage = "stage" if "stage" in frame else "status"
    open_one = next((text for text in map(text_in, frame[stage][~at]) if text), "Open")
    first, others = int(frame["_row"][at].iloc[0]), int(at.sum()) - 1
    text = "row {row} and {number} more" if others else "row {row}"
    rows = Message(text, row=first, number=others)
    reading.faults.append(
        Message(
            "{rows}: its stage is {stage}, but no date says when: fill in"
            " {column_of}, or choose the rows that count, as in --where"
            ' "{column}={open_one}"',
            rows=rows,
            stage=Message("won") if ours == "won_date" else Message("lost"),
            column_of=column_of,
            column=headers[places[stage]],
            open_one=open_one,
        )
    )


def _days(column: Any) -> Any:
    return objects([None if day != day else day.date() for day in column]).set_axis(column.index)
