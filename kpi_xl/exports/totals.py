"""Names under which a table has what its other rows come to: all would count twice."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kpi_xl.exports.rows import TOTAL_WORDS
from kpi_xl.locales import Message

PERIODS = "date", "week", "month"
NAMES = "campaign", "channel", "rep", "ad_group"
_WORDS = rf"(?:{TOTAL_WORDS.pattern})"
CALLED_TOTAL = re.compile(
    rf"(?:{_WORDS}|all|alle|tous|toutes|все)\b.*|.*\b{_WORDS}|(?:全部|所有|همه).*", re.IGNORECASE
)
"""What a total may be called: Total, Total Google, Search total, All channels."""


def total_among(columns: Mapping[str, Sequence[Any]], measured: Iterable[str]) -> Iterator[Message]:
    """The faults of names that say total and have the sums of the others of their time.

    A campaign may be called so, too: it is a total where every number of each of its rows is what
    the other rows of its day, week or month come to, and there are two such numbers at least. Of
    a table without those nobody is a total.
    """
    suspected = {
        name: texts
        for name in NAMES
        if (texts := {text for text in {*columns.get(name, ())} if _may_be_total(text)})
    }
    numbers = [_amounts(columns[name]) for name in measured if name in columns and suspected]
    period = next((columns[name] for name in PERIODS if name in columns), ()) if numbers else ()
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for row, when in enumerate(period):
        groups[when].append(row)
    for name, texts in suspected.items() if period else ():
        totals: defaultdict[str, list[int]] = defaultdict(list)
        for row, text in enumerate(columns[name]):
            if text in texts:
                totals[text].append(row)
        for text, rows in totals.items():
            whole = all(_is_whole(row, groups[period[row]], numbers) for row in rows)
            if whole and sum(bool(column[row]) for row in rows for column in numbers) > 1:
                yield Message(
                    'in the column {column} "{name}" has what the other rows of its time come to'
                    " together, as totals have: all would count twice. Delete its rows ({number}),"
                    " or choose the others with --where",
                    column=name,
                    name=text,
                    number=len(rows),
                )


def _may_be_total(text: Any) -> bool:
    return isinstance(text, str) and bool(CALLED_TOTAL.fullmatch(text.strip(" :")))


def _amounts(cells: Sequence[Any]) -> list[float]:
    return [0.0 if cell is None or cell != cell else float(cell) for cell in cells]


def _is_whole(row: int, group: Sequence[int], numbers: Sequence[Sequence[float]]) -> bool:
    """Whether a row has what the others of its group come to, in each number, and has any."""
    near = 0.005 * len(group) + 1e-9
    return any(column[row] for column in numbers) and all(
        abs(2 * column[row] - sum(column[one] for one in group)) <= near for column in numbers
    )
