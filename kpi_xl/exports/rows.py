"""The rows of a file under a header that was recognised: data, totals, and what is neither."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kpi_xl.exports.cells import amount_of, is_blank, is_day
from kpi_xl.exports.layouts import Layout
from kpi_xl.exports.pages import text_of
from kpi_xl.exports.recognition import Match
from kpi_xl.locales import Message
from kpi_xl.sources import MOST_ROWS, records
from kpi_xl.units import KEY, VALUE

TOTAL_WORDS = re.compile(
    r"(grand |sub-?|sous-)?totals?|sum|gesamt|(gesamt|teil|zwischen)?(summe|ergebnis)|insgesamt"
    r"|total g[eé]n[eé]ral|total gera?l|totale( complessivo)?|(eind|sub)?totaal"
    r"|итого|всего|(общий )?итог|总计|合计|總計|合計|小计|小計|汇总|جمع|جمع کل|مجموع",
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
    parts: list[int] = field(default_factory=list)
    """Where the header stands again: files joined to one."""
    above: list[tuple[int, list[str]]] = field(default_factory=list)
    """The number of each row in which it does, and the lines above it."""
    faults: list[Message] = field(default_factory=list)
    remarks: list[Message] = field(default_factory=list)


def rows_of(
    match: Match,
    places: Mapping[str, int],
    measured: Sequence[str],
    dated: Sequence[str] | None,
) -> Rows:
    """The rows under a match's header.

    `measured` are the columns of numbers: a row after a gap whose cells there are words begins
    another block. `dated` are those of dates, which a row of totals leaves blank; None where rows
    have no days, and nothing tells a total from what is called so.
    """
    found = Rows({name: [] for name in places})
    numbers = [places[name] for name in measured]

    def has_words(row: Sequence[Any], texts: Sequence[str]) -> bool:
        return any(texts[place] and not _is_number(row[place])
                   for place in numbers if place < len(texts))  # fmt: skip

    _read(found, match, places, has_words, _kinds(match, places, dated))
    for name, place in places.items() if match.page.merged else ():
        unit = VALUE if name in measured else KEY
        merged = [*_merged(found, match, place)]
        header = match.headers[place]
        found.remarks += records.merged_cells(found.cells[name], merged, unit, header)
    if match.page.only:  # whose first row is none of headers
        found.numbers = [number - 1 for number in found.numbers]
    found.remarks += [remark for read in match.page.found for remark in read.remarks]
    return found


def _merged(found: Rows, match: Match, place: int) -> Iterator[tuple[int, int]]:
    """The places of the first and last row of cells of a column that are merged."""
    for top, left, bottom, right in match.page.merged:
        first, last = bisect_left(found.numbers, top), bisect_right(found.numbers, bottom) - 1
        if left <= place + 1 <= right and first < last and found.numbers[first] == top:
            yield first, last


def signs_shown(
    match: Match, rows: Rows, amounts: Mapping[str, int], written: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """The signs beside amounts: as `written`, or as a spreadsheet program shows numbers, but 0."""
    found = dict(written)
    for name, place in amounts.items():
        cells, column = rows.cells[name], [*written.get(name, [""] * len(rows.numbers))]
        for sign, numbers in match.page.signs.get(place + 1, {}).items():
            for number in numbers:
                at = bisect_left(rows.numbers, number)
                is_there = at < len(cells) and rows.numbers[at] == number
                if is_there and isinstance(cells[at], float | int) and cells[at]:
                    column[at] = sign
        if any(column):
            found[name] = column
    return found


def _is_number(cell: Any) -> bool:
    return not isinstance(cell, str) or is_blank(cell) or bool(amount_of(cell))


def _read(
    found: Rows, match: Match, places: Mapping[str, int],
    has_words: Callable[[Sequence[Any], Sequence[str]], bool],
    kind_of: Callable[[Sequence[str], Sequence[str]], str],
) -> None:  # fmt: skip
    """Sort the rows of a page into data, totals, footers and what is neither."""
    width, furthest = len(match.headers), max(places.values(), default=0) + 1
    named = max((place for place, header in enumerate(match.headers, 1) if header), default=0)
    gap = False
    lines: list[str] = []
    for first, piece in _below_header(match, places):
        if first + len(piece) > MOST_LINES:
            text = "has more than {most} rows: filter or add them up first"
            found.faults.append(Message(text, most=MOST_LINES))
            return
        if not gap and _all_data(match, places, piece):
            for name, place in places.items():
                found.cells[name] += [row[place] for row in piece]
            found.numbers += range(first + 1, first + len(piece) + 1)
            continue
        for at, row in enumerate(piece, start=first + 1):
            texts = text_of(row)
            filled = [text for text in texts if text]
            kind = kind_of(texts, filled)
            short = len(texts) < furthest
            if kind == HEADER:
                found.parts.append(len(found.numbers))
                found.above.append((at, lines))
                gap, lines = False, []
            elif kind in (NOTHING, FOOTER):
                gap = True
                lines.append(" ".join(filled))
            elif kind == TOTAL:
                cells = {ours: row[place] if place < len(row) else ""
                         for ours, place in places.items()}  # fmt: skip
                name = _lead(match.layout, filled)
                found.totals.append((at, name, {**cells, "_width": len(row)}))
            elif gap and len(filled) == 1:
                lines.append(filled[0])
            elif gap and found.numbers and (short or has_words(row, texts)):
                text = "the rows from {row} on are of another kind, not used"
                found.remarks.append(Message(text, row=at))
                return
            elif short or (any(texts[named:]) and len(texts) > width):
                if len(found.faults) < 3:
                    found.faults.append(_misfit(at, len(texts), named))
            else:
                lines = []
                for name, place in places.items():
                    found.cells[name].append(row[place])
                found.numbers.append(at)


def blocks_apart(match: Match, rows: Rows) -> Iterator[Message]:
    """What is wrong with a header that stands again where it begins another block, no next part.

    Of web analytics the remarks above name the visits compared; where rows have no days of their
    own, the period above them holds for the first block alone.
    """
    before = [" ".join(filter(None, text_of(row))) for row in match.page.head[: match.row]]
    dated = {"date", "day", "week", "month", "start"} & match.places.keys()
    undated = "period" in match.layout.preamble and not dated
    words = {_without_digits(line) for line in before}
    for at, lines in rows.above:
        compared = [one for one in lines if one[:1] == "#" and _without_digits(one) not in words]
        others = [one for one in lines if undated and one and one not in before]
        if line := next(iter((*compared, *others)), ""):
            text = (
                'row {row} begins another block, under "{line}", which does not add up with the'
                " rows above it: export one of them, or delete the rows of the others"
            )
            yield Message(text, row=at, line=line)
            return


def _without_digits(line: str) -> str:
    return re.sub(r"\d", "", line)


def _below_header(
    match: Match, places: Mapping[str, int]
) -> Iterator[tuple[int, Sequence[Sequence[Any]]]]:
    """The rows below the header, in pieces, each with the number of the row before it."""
    page, number = match.page, 0
    for piece in page.only(sorted(set(places.values()))) if page.only else page.rows():
        first, number = number, number + len(piece)
        if number > match.row + 1:
            below = piece[max(0, match.row + 1 - first) :]
            yield number - len(below), below


def _all_data(match: Match, places: Mapping[str, int], piece: Sequence[Sequence[Any]]) -> bool:
    """Whether one look at a piece tells that all its rows are data."""
    layout, width = match.layout, len(match.headers)
    if layout.totals or layout.footer or not layout.file or {len(row) for row in piece} != {width}:
        return False
    lead = next(iter(places.values()))
    return all(
        row[lead]
        and row[lead] != match.headers[lead]
        and not any(map(is_total, (row[0], row[lead])))
        for row in piece
    )


def _misfit(at: int, number: int, width: int) -> Message:
    return Message(
        "row {at} has {number} cells, but {width} in its header: put text that"
        " holds the delimiter in quotation marks, or delete a line that is no"
        " data",
        at=at,
        number=number,
        width=width,
    )


HEADER, NOTHING, FOOTER, TOTAL, DATA = "header", "nothing", "footer", "total", "data"
"""The kinds of rows: the header again, blanks and remarks, the file's last lines, totals, data."""


def _kinds(
    match: Match, places: Mapping[str, int], dated: Sequence[str] | None
) -> Callable[[Sequence[str], Sequence[str]], str]:
    """Which kind a row is of, from its texts and those that are not blank."""
    layout, headers = match.layout, match.headers
    # What stands above the header stands there again in a file that was joined to this one.
    above = {tuple(text_of(row)) for row in match.page.head[: match.row]}
    total = _total_test(layout, places, dated)

    def kind_of(texts: Sequence[str], filled: Sequence[str]) -> str:
        if not filled:
            return NOTHING
        if texts[: len(headers)] == headers:
            return HEADER
        if tuple(texts) in above or (filled[0].startswith("#") and len(filled) == 1):
            return NOTHING
        if layout.footer and layout.footer.search(filled[0]):
            return FOOTER
        return TOTAL if total(texts, filled) else DATA

    return kind_of


def _lead(layout: Layout, filled: Sequence[str]) -> str:
    """The first text of a row that says something: marks of blanks may stand before it."""
    return next((text for text in filled if text not in layout.blank), filled[0])


def is_total(cell: Any) -> bool:
    """Whether a cell is what a row of totals begins with."""
    return isinstance(cell, str) and bool(TOTAL_WORDS.fullmatch(cell.strip(" :")))


def _total_test(
    layout: Layout, places: Mapping[str, int], dated: Sequence[str] | None
) -> Callable[[Sequence[str], Sequence[str]], bool]:
    """Whether a row is one of totals, from its texts and those that are not blank."""
    totals = layout.totals
    # Where rows have days of their own, the first and the last day are those of the whole file.
    own = [name for name in dated or () if name not in ("start", "end", "until")] or dated or ()
    days = [places[name] for name in own]

    def has_day(texts: Sequence[str]) -> bool:
        return any(is_day(texts[place]) for place in days if place < len(texts))

    def general(texts: Sequence[str], filled: Sequence[str]) -> bool:
        return is_total(_lead(layout, filled)) and not has_day(texts)

    def of_layout(texts: Sequence[str], filled: Sequence[str]) -> bool:
        if totals is None:
            return False
        if not totals.column:
            return bool(totals.pattern.match(_lead(layout, filled))) and not has_day(texts)
        # Where the column is missing, others stand first, which may be blank or called so.
        place = places.get(totals.column, 0)
        if place >= len(texts):
            return False
        cell = texts[place]
        if not (totals.pattern.fullmatch(cell) or is_total(cell)):
            return False
        return (not cell and totals.column in places) or not has_day(texts)

    if dated is None:
        return of_layout
    return lambda texts, filled: of_layout(texts, filled) or general(texts, filled)
