"""The calls of our functions in a formula, found in its text.

Only names, brackets, separators and quotation marks matter for that, which are the same in every
program; so it also runs where the embedded engine, with its own parser, is not to be had.
"""

import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import NamedTuple

TOKEN = re.compile(
    r"""
    "(?:[^"]|"")*"                                          # a text
    | '(?:[^']|'')*'                                        # the name of a sheet or a workbook
    | \[ (?: [^\[\]'] | '. | \[ (?:[^\[\]']|'.)* \] )* \]   # columns of a table, a workbook
    | [^\W\d][\w.]*                                         # a name
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
CALLED = re.compile(r"[^\W\d][\w.]*(?=\()")
TIE = re.compile(r"_xludf\.|_xldudf_", re.IGNORECASE)
PREFIX = re.compile(r"""(?:'[^']*'|\[[^\]]*\]|[\w.]+\.xlam)!|_xludf\.""", re.IGNORECASE)
OPEN, CLOSE = frozenset("({"), frozenset(")}")


class Call(NamedTuple):
    """A call of one of our functions: its name, its arguments as written, where it stands."""

    name: str
    arguments: tuple[str, ...]
    start: int
    end: int


def calls(formula: str, names: Collection[str], separator: str = ",") -> Iterator[Call]:
    """The calls of these functions, from left to right; one within another comes after it."""
    if not any(_untied(name) in names for name in CALLED.findall(formula)):
        return  # as in most formulas, which need not be read
    tokens = list(TOKEN.finditer(formula))
    for position, (token, after) in enumerate(pairwise(tokens)):
        if after[0] != "(" or (name := _untied(token[0])) not in names:
            continue
        depth, begin, arguments = 0, tokens[position + 1].end(), []
        for other in tokens[position + 1 :]:
            depth += (other[0] in OPEN) - (other[0] in CLOSE)
            if depth == 0 or (depth == 1 and other[0] == separator):
                arguments.append(formula[begin : other.start()].strip())
                begin = other.end()
            if depth == 0:
                given = () if arguments == [""] else tuple(arguments)
                yield Call(name, given, token.start(), other.end())
                break


def _untied(name: str) -> str:
    """A function's name as it is in METRICS, without what a file has before it."""
    tie = TIE.match(name)
    return (name[tie.end() :] if tie else name).upper()


def bare(formula: str, names: Collection[str]) -> str:
    """A formula without what ties our functions to the place of an add-in, or to none."""
    pieces, rest = [], formula
    for call in sorted(calls(formula, names), key=lambda call: -call.start):
        before = rest[: call.start]
        tie = re.search(rf"(?:{PREFIX.pattern})$", before, re.IGNORECASE)
        name_end = rest.index("(", call.start)
        pieces.append(call.name + rest[name_end:])
        rest = before[: tie.start()] if tie else before
    return rest + "".join(reversed(pieces))
