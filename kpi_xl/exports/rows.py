"""The rows of a file under a header that was recognised: data, totals, and what is neither."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kpi_xl.exports.layouts import Layout
from kpi_xl.exports.pages import text_of
from kpi_xl.exports.recognition import Match
from kpi_xl.locales import Message
from kpi_xl.sources import MOST_ROWS

TOTAL_WORDS = re.compile(
    r"(grand )?totals?|sum|gesamt(summe)?|summe|insgesamt|total g[eé]n[eé]ral|итого|всего"
    r"|总计|合计|總計|合計|小计|小計|جمع|جمع کل|مجموع",
    re.IGNORECASE,
)
"""What a row of totals begins with where no layout says it."""

MOST_LINES = 4 * MOST_ROWS


@dataclass
class Rows:
    """The cells of the columns wanted, with the number of each row in the file, from 1."""

    cells: dict[str, list[Any]]
    numbers: list[int] = field(default_factory=list)
    totals: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    footers: int = 0
    parts: list[int] = field(default_factory=list)
    """Where the header stands again: files joined to one."""
    faults: list[Message] = field(default_factory=list)
    remarks: list[Message] = field(default_factory=list)


def rows_of(
    match: Match,
    places: Mapping[str, int],
    is_number: Callable[[Any], bool],
    measured: Sequence[str],
    dated: Sequence[str],
    progress: Callable[[float], None] = lambda done: None,
) -> Rows:
    """The rows under a match's header.

    `measured` are the columns of numbers: a row after a gap whose cells there are words begins
    another block. `dated` are those of dates, which a row of totals leaves blank.
    """
    layout, page = match.layout, match.page
    found = Rows({name: [] for name in places})
    width = len(match.headers)
    while width and not match.headers[width - 1]:
        width -= 1
    furthest = max(places.values(), default=0) + 1
    number = 0
    gap = ended = False
    simple = not layout.totals and not layout.footer and layout.file != ""
    wanted = list(places.items())
    total = _total_test(layout, places, dated)
    before = {tuple(text_of(row)) for row in page.head[: match.row] if any(text_of(row))}
    pieces = page.only(sorted(set(places.values()))) if page.only else page.rows()
    for piece in pieces:
        first = number
        number += len(piece)
        if number <= match.row + 1:
            continue
        if number > MOST_LINES:
            found.faults.append(
                Message("has more than {most} rows: filter or add them up first", most=MOST_LINES)
            )
            return found
        piece = piece[max(0, match.row + 1 - first) :]
        first = number - len(piece)
        if ended:
            break
        if simple and not gap and {len(row) for row in piece} == {len(match.headers)}:
            lead = wanted[0][1]
            again = match.headers[lead]
            if again not in {row[lead] for row in piece} and all(row[lead] for row in piece):
                for name, place in wanted:
                    column = found.cells[name]
                    column += [row[place] for row in piece]
                found.numbers += range(first + 1, number + 1)
                continue
        for at, row in enumerate(piece, start=first + 1):
            texts = text_of(row)
            filled = [text for text in texts if text]
            if not filled:
                gap = True
                continue
            if texts[: len(match.headers)] == match.headers:
                found.parts.append(len(found.numbers))
                gap = False
                continue
            if tuple(texts) in before:  # of a file that was joined to this one
                gap = True
                continue
            if filled[0].startswith("#") and len(filled) == 1:
                gap = True
                continue
            if layout.footer and layout.footer.search(filled[0]):
                found.footers += 1
                gap = True
                continue
            if total(texts, filled):
                cells = {name: row[place] if place < len(row) else "" for name, place in wanted}
                cells["_width"] = len(row)
                found.totals.append((at, filled[0], cells))
                continue
            words = [
                name
                for name in measured
                if places[name] < len(texts)
                and texts[places[name]]
                and not is_number(row[places[name]])
            ]
            if gap and (words or len(texts) < furthest or len(filled) == 1):
                if found.numbers and len(filled) > 1:
                    text = "the rows from {row} on are of another kind, not used"
                    found.remarks.append(Message(text, row=at))
                    ended = True
                    break
                if len(filled) == 1:
                    continue
            if len(texts) < furthest or (any(texts[width:]) and len(texts) > len(match.headers)):
                if len(found.faults) < 3:
                    found.faults.append(
                        Message(
                            "row {at} has {number} cells, but {width} in its header: put text that"
                            " holds the delimiter in quotation marks, or delete a line that is no"
                            " data",
                            at=at,
                            number=len(texts),
                            width=width,
                        )
                    )
                continue
            for name, place in wanted:
                found.cells[name].append(row[place])
            found.numbers.append(at)
    found.remarks += [remark for read in page.found for remark in read.remarks]
    return found


def _total_test(
    layout: Layout, places: Mapping[str, int], dated: Sequence[str]
) -> Callable[[Sequence[str], Sequence[str]], bool]:
    """Whether a row is one of totals, from its texts and those that are not blank."""
    totals = layout.totals
    if totals is None:
        if layout.file:
            return lambda texts, filled: False
        days = [places[name] for name in dated if name in places]

        def general(texts: Sequence[str], filled: Sequence[str]) -> bool:
            return bool(TOTAL_WORDS.fullmatch(filled[0].rstrip(" :"))) and not any(
                texts[place] and texts[place] != filled[0] for place in days if place < len(texts)
            )

        return general
    if totals.column:
        place = places.get(totals.column)
        if place is None:
            return lambda texts, filled: False
        return lambda texts, filled: (
            place < len(texts) and bool(totals.pattern.fullmatch(texts[place]))
        )
    return lambda texts, filled: bool(totals.pattern.match(filled[0]))
