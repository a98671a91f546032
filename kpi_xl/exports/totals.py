"""Names under which a table has what its other rows come to: all would count twice."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import takewhile
from typing import Any

from kpi_xl.exports.rows import TOTAL_WORDS
from kpi_xl.locales import Message
from kpi_xl.sources.values import as_text

PERIODS = "date", "week", "month"
NAMES = "campaign", "channel", "rep", "ad_group", "owner", "customer", "test"
_WORDS = rf"(?:{TOTAL_WORDS.pattern})"
CALLED_TOTAL = re.compile(
    rf"(?:{_WORDS}|all|alle|tous|toutes|все)\b.*|.*\b{_WORDS}|(?:全部|所有|همه).*", re.IGNORECASE
)
"""What a total may be called: Total, Total Google, Search total, All channels."""


def total_among(columns: Mapping[str, Sequence[Any]], measured: Iterable[str]) -> Iterator[Message]:
    """The faults of names that say total and have the sums of others.

    A campaign may be called so, too: it is a total where every number of each of its rows is what
    the other rows of its day, week or month come to, or those next to it, or all that are not
    called so; and there are two such numbers at least. In a table without those it is so of two
    rows or more.
    """
    suspected = {
        name: texts
        for name in NAMES
        if (texts := {text for text in {*columns.get(name, ())} if may_be_total(text)})
    }
    numbers = [_amounts(columns[name]) for name in measured if name in columns and suspected]
    if not numbers:
        return
    named = {
        row for name, texts in suspected.items()
        for row, text in enumerate(columns[name]) if text in texts
    }  # fmt: skip
    known = next((columns[name] for name in PERIODS if name in columns), None)
    period = known or [None] * len(numbers[0])
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for row, when in enumerate(period):
        groups[when].append(row)
    for name, texts in suspected.items():
        totals: defaultdict[str, list[int]] = defaultdict(list)
        for row, text in enumerate(columns[name]):
            if text in texts:
                totals[text].append(row)
        for text, rows in totals.items():
            least = 1 if known else 2
            whole = all(_is_whole(row, groups[period[row]], named, numbers, least) for row in rows)
            if whole and sum(bool(column[row]) for row in rows for column in numbers) > 1:
                yield Message(
                    'in the column {column} "{name}" has what other rows come to together, as'
                    " totals have: all would count twice. Delete its rows ({number}), or choose the"
                    " others with --where",
                    column=name,
                    name=text,
                    number=len(rows),
                )


def sums_above(columns: Mapping[str, Sequence[Any]], measured: Iterable[str]) -> Iterator[Message]:
    """The fault of a pivot table, whose names of all levels stand below each other.

    Each row is then the sum of those below it, up to the next sum, or one of those: channels, and
    the campaigns of each. It takes four numbers that are sums, and a sum of two rows, to be none
    by chance.
    """
    name = next((name for name in ("campaign", "channel", "rep") if name in columns), "")
    numbers = [_amounts(columns[one]) for one in measured if one in columns]
    if not name or not numbers:
        return
    sums: list[int] = []
    rest: list[float] = []
    below = most = 0
    for row, values in enumerate(zip(*numbers, strict=True)):
        if not any(values) or may_be_total(columns[name][row]):
            continue
        if not rest:
            sums.append(row)
            rest, below = [*values], 0
            continue
        below += 1
        rest = [left - value for left, value in zip(rest, values, strict=True)]
        if min(rest) < -0.005 * below:
            return
        if max(rest) <= 0.005 * below:
            rest, most = [], max(most, below)
    if rest:
        return
    if most > 1 and sum(bool(column[row]) for row in sums for column in numbers) >= 4:
        yield Message(
            'in the column {column} "{name}" has what the rows below it come to, and all rows are'
            " such sums ({number}) or in one of them, as in a pivot table: all would count twice."
            " Delete the sums, or choose the others with --where",
            column=name,
            name=as_text(columns[name][sums[0]]),
            number=len(sums),
        )


def may_be_total(text: Any) -> bool:
    """Whether a name is what a total may be called."""
    return isinstance(text, str) and bool(CALLED_TOTAL.fullmatch(text.strip(" :")))


def _amounts(cells: Sequence[Any]) -> list[float]:
    return [0.0 if cell is None or cell != cell else float(cell) for cell in cells]


def _is_whole(
    row: int, group: Sequence[int], named: Set[int], numbers: Sequence[Sequence[float]], least: int
) -> bool:
    """Whether a row has any number, and in each what some of its group come to.

    They are all others, all that are not `named` as totals, or those up to the next that is.
    """
    at = bisect_left(group, row)
    parts = (
        [one for one in group if one != row],
        [one for one in group if one not in named],
        [*takewhile(lambda one: one not in named, reversed(group[:at]))],
        [*takewhile(lambda one: one not in named, group[at + 1 :])],
    )
    near = 0.005 * len(group) + 1e-9
    return any(column[row] for column in numbers) and any(
        len(part) >= least
        and all(abs(column[row] - sum(column[one] for one in part)) <= near for column in numbers)
        for part in parts
    )
