"""The parts of a rewritten formula: what each may give, what it refers to, how two are joined.

The engine compares all 17 digits, where Excel compares 15, and takes blanks, texts and logical
values otherwise here and there: the texts of the parts have our own functions around those.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from kpi_xl.engine import kinds, native
from kpi_xl.engine.names import (
    A_NUMBER,
    AS_TEXT,
    COMPARED,
    COMPARED_WORDS,
    CONDITION,
    DATE,
    DIFFERENCE,
    FREQUENCY,
    HELD_OPEN,
    IN_CALENDAR,
    IS_FINITE,
    LOWER,
    MAY_BE_UNSURE,
    MOD,
    MODE,
    ONE_CELL,
    OPEN,
    ORDERED,
    OURS,
    PLACE,
    POWER,
    SAME,
    SPILLED,
    TRIM,
    TRIMMED,
    UPPER,
)
from kpi_xl.locales import FaultError
from kpi_xl.ooxml.addresses import LAST_COLUMN, LAST_ROW, Area

HELD_FROM = 500  # cells

BINDING = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), 1),
    "&": 2,
    **dict.fromkeys("+-", 3),
    **dict.fromkeys("*/", 4),
    "^": 5,
}
LOST = "#REF!"
"""What Excel writes for cells that have been deleted."""
ENDLESS = "whole columns and rows are not computed with here: end them somewhere"
COMPARISON = 1
NUMERIC = kinds.NUMBERS | kinds.ANY_ERROR
TEXTUAL = kinds.TEXTS | kinds.ANY_ERROR
FIXED = (False, False, False, False)
LITERAL = re.compile(
    r'"(?:[^"]|"")*"|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|TRUE|FALSE', re.IGNORECASE
)

Kind = Literal["value", "cell", "area", "line", "block"]


class FormulaError(FaultError):
    """A formula that has no answer here, with the sentence that says why."""


class RefusedError(FormulaError):
    """The formula is not surely computed rightly here, with the sentence that says why."""


class UnknownError(RefusedError):
    """The formula names a function, sheet, table or name that there is not."""


class Reference(NamedTuple):
    """Cells that a formula refers to, and which of their corners move with it.

    Those are top, left, bottom, right.
    """

    area: Area
    moving: tuple[bool, bool, bool, bool] = (False, False, False, False)
    own: int = -1
    """Of fixed cells that the formula itself names: which of its `fixed` addresses."""

    @property
    def grows(self) -> bool:
        """Whether its size is another one elsewhere: A$1:A5."""
        return self.moving[:2] != self.moving[2:]


class Check(NamedTuple):
    """Cells that a function reads, and the kinds of values that it is proven for there."""

    reference: Reference
    allowed: int
    function: str
    criterion: int | None = None
    """Where it is a range of a criterion: the number of that, -1 for a literal one."""
    numeral: str = ""
    """A literal criterion that reads as a number or a date."""
    compared: float | None = None
    """The number that a literal criterion compares with."""
    order: int = 0
    """1 where the values have to be sorted, -1 if downwards."""
    totals: str = ""
    """Which of the formulas with SUBTOTAL or AGGREGATE there may be none of: "any" of them, or the
    "odd" ones that are not SUBTOTAL alone, of which it is not known whether they are left out."""
    one_error: bool = False
    """Whether there may be errors of one code only, for the engine shows one that Excel may not."""


class Crossed(NamedTuple):
    """A range of which a formula of one cell takes the cell in its own row or column."""

    reference: Reference
    by_row: bool
    place: int
    """The row or column of the formula, where it was read."""
    inside: bool
    """Whether there is such a cell."""


class Term(NamedTuple):
    """A part of a formula, rewritten, with the references in it.

    `arithmetic`: its outermost operation is arithmetic.
    """

    text: str
    kind: Kind = "value"
    kinds: int = kinds.ALL
    """Of the values that it may have."""
    arithmetic: bool = False
    references: tuple[Reference, ...] = ()
    checks: tuple[Check, ...] = ()
    """What has to be looked at once all is computed."""
    ends: tuple[Reference, ...] = ()
    """Ranges that may not reach below their sheets' last rows."""
    anchors: tuple[Area, ...] = ()
    """The cells whose spills it refers to as A1#."""
    shape: tuple[int, int] | None = (1, 1)
    """Rows and columns, None where they are known only once it is computed."""
    branches: tuple[str, ...] = ()
    """Of an IF on a single condition: that, what it gives, and what it gives otherwise."""
    plain: bool = False
    """Whether the cells are known to be compared by the engine as Excel does."""
    most: int = 0
    """How large it may be, of what counts by conditions: a whole number. 0: it is another one."""
    ending: str = ""
    """How to write it where it is the whole formula, if otherwise: what a sum of two values, or a
    block with blanks, comes to there."""
    blank: Area | None = None
    """Of the test which cells of a range are blank: that range."""
    handed: tuple[str, str] = ("", "")
    """A text, and how to write it instead where a KPI function gets it as a column, for which
    blanks and empty texts are one."""
    fixed: tuple[str, ...] = ()
    """Of the whole formula: the fixed addresses in it, as fixed_place has them."""
    crossed: tuple[Crossed, ...] = ()
    """Of the whole formula: the ranges of which it takes one cell."""

    @property
    def is_block(self) -> bool:
        """Whether it is more than one cell."""
        return self.kind in ("area", "line", "block")

    @property
    def is_reference(self) -> bool:
        """Whether it is cells of the sheet as they are."""
        return self.kind == "cell" or self.is_range

    @property
    def is_range(self) -> bool:
        """Whether it is several such cells; those of a line are among its last reference's."""
        return self.kind in ("area", "line")

    @property
    def numeric(self) -> bool:
        """Whether it cannot be text, unless a cell holds one."""
        return not self.kinds & kinds.TEXTS

    @property
    def areas(self) -> tuple[Area, ...]:
        """The cells that it refers to, where it was read."""
        return tuple(reference.area for reference in self.references)


EMPTY = Term("", kinds=kinds.BLANK)
ONE = Term("1", kinds=kinds.EARLY)


def spilling(term: Term, number: int) -> str:
    """A formula that shows us its block before the engine spills it."""
    shown = f"{SPILLED}({number},"
    if len(term.branches) == 3 and term.text == f"IF({','.join(term.branches)})":
        condition, block, other = term.branches
        # The block of an IF within a function would be computed twice.
        return f"IF({condition},{shown}{block}),{shown}{other}))"
    return f"{shown}{term.text})"


def is_endless(term: Term) -> bool:
    """Whether a block goes as far as the sheet does."""
    rows, columns = term.shape or (1, 1)
    return term.is_block and (rows == LAST_ROW or columns == LAST_COLUMN)


def refuse_endless(term: Term) -> None:
    """Refuse what spills as far as the sheet goes, for the engine stops where the cells do."""
    if is_endless(term):
        raise RefusedError(
            "a whole column or row, as far as the sheet goes, is not computed here: end the range"
        )


def computed(term: Term, form: str) -> Term:
    """A term after an operator of one operand."""
    return term._replace(
        text=form.replace("{}", term.text),
        ending="",
        kind="block" if term.is_block else "value",
        kinds=term.kinds if form == "+{}" else NUMERIC,
        arithmetic=True,
        most=0,
    )


def joined(left: Term, operator: str, right: Term) -> Term:
    """Two terms around an operator, with what Excel does there and the engine does not."""
    for gone, beside in ((left, right), (right, left)):
        if gone.text == LOST and (beside.text == LOST or is_literal(beside)):
            return gone._replace(checks=left.checks + right.checks)
    block = left.is_block or right.is_block
    difference = ""
    if operator in "+-" and not block:
        # Only the last operation of a formula: Excel makes a difference of a few last bits 0 there.
        difference = f"{DIFFERENCE}({left.text}+0,0{operator}({right.text}){PLACE})"
    shape = broadcast([left, right]) if block else (1, 1)
    binding = BINDING[operator]
    if operator == "^":
        if block:
            raise RefusedError("^ over a block is not computed here")
        text = f"{POWER}({left.text},{right.text})"
    elif operator == "&":
        text = f"{wrapped(AS_TEXT, left)}&{wrapped(AS_TEXT, right)}"
    elif binding == COMPARISON:
        # Any text is more than any number, whatever stands in it.
        if operator in ("=", "<>") and not block and '""' in (left.text, right.text):
            text = left.text + operator + right.text  # no digits matter beside no text
        elif operator in ("=", "<>") and not (block or left.numeric or right.numeric):
            one = f"{SAME}({left.text},{right.text}{PLACE})"
            text = f"{one}{operator}{wrapped(COMPARED, right)}"
        elif operator in ("=", "<>") or left.numeric or right.numeric:
            text = f"{wrapped(COMPARED, left)}{operator}{wrapped(COMPARED, right)}"
        else:
            one, other = held(left), held(right)
            text = f"{ORDERED}({one},{other}{PLACE}){operator}{ORDERED}({other},{one}{PLACE})"
    else:
        text = left.text + operator + right.text
    kind = kinds.LOGICAL if binding == COMPARISON else kinds.TEXTS if operator == "&" else NUMERIC
    return Term(
        text,
        kind="block" if block else "value",
        kinds=kind | kinds.ANY_ERROR,
        arithmetic=operator != "&" and binding != COMPARISON,
        references=left.references + right.references,
        checks=left.checks + right.checks,
        ends=left.ends + right.ends,
        anchors=left.anchors + right.anchors,
        shape=shape,
        ending=difference,
        most=counted(left, operator, right),
        blank=left.areas[-1] if (left.kind, operator, right.text) == ("area", "=", '""') else None,
    )


def counted(left: Term, operator: str, right: Term) -> int:
    """How large a whole number may be that comes of conditions and of other such; 0 of others."""
    if BINDING[operator] == COMPARISON:
        return 1
    if operator not in "+-*":
        return 0
    one, other = (
        10 ** len(term.text) if term.text.isdecimal() else term.most for term in (left, right)
    )
    if not one or not other:
        return 0
    most = one * other if operator == "*" else one + other
    return most if most < 10**15 else 0


def handing(term: Term) -> str:
    """How to write a term for a KPI function that gets it as a column, if otherwise."""
    text, handed = term.handed
    if term.kind == "area" and (by_name := held(term)).startswith(HELD_OPEN):
        return by_name
    return handed if text.strip("()") == term.text.strip("()") else ""


def handed_over(arguments: Sequence[Term], texts: Sequence[str]) -> str:
    """The same of an IF: of IF(A1:A999="","",A1:A999) the range alone, which is held."""
    if len(arguments) != 3 or not all(texts):
        return ""
    condition, one, other = arguments
    if condition.blank:
        same = one.text == '""' and other.kind == "area" and other.areas[-1] == condition.blank
        text = held(other) if same else ""
        return text if text.startswith(HELD_OPEN) else ""
    given = [handing(one), handing(other)]
    if condition.is_block or not any(given):
        return ""
    return f"IF({texts[0]},{given[0] or texts[1]},{given[1] or texts[2]})"


def together(terms: Sequence[Term]) -> Term:
    """What the parts of a formula refer to, and what is to be looked at, as one term."""
    references: tuple[Reference, ...] = ()
    checks: tuple[Check, ...] = ()
    ends: tuple[Reference, ...] = ()
    anchors: tuple[Area, ...] = ()
    for term in terms:
        references += term.references
        checks += term.checks
        ends += term.ends
        anchors += term.anchors
    return Term("", references=references, checks=checks, ends=ends, anchors=anchors)


def called(name: str, texts: list[str]) -> str:
    """A call of a native function as the engine computes it rightly."""
    given = ",".join(texts)
    text = f"{name}({given})"
    if name in native.OURS or (name == "XLOOKUP" and len(texts) > 4):
        return f"{OURS}{name}({given}{PLACE})"
    if name == "INDEX" and not all(re.fullmatch(r"[1-9]\d*", index) for index in texts[1:]):
        return f"{ONE_CELL}({text}{PLACE})"  # an index of 0 gives a whole row or column
    if name in ("POWER", "FREQUENCY"):
        return f"{POWER if name == 'POWER' else FREQUENCY}({given})"
    if name in REPLACED:
        return f"{REPLACED[name]}({given}{PLACE})"
    if name == "TRIM":
        return f"{TRIM}({given})"
    if name == "HYPERLINK":  # shows its name, or the error of its link
        return texts[0] if len(texts) == 1 else f"IF({texts[0]}=0,{texts[1]},{texts[1]})"
    if name in native.DATES:
        return f"{IN_CALENDAR}({text}{PLACE})"
    return f"{IS_FINITE}({text})" if name in native.FINITE else text


REPLACED = {
    **dict.fromkeys(["MODE", "MODE.SNGL"], MODE),
    "UPPER": UPPER,
    "LOWER": LOWER,
    "DATE": DATE,
    "MOD": MOD,
}
"""Native functions with one of ours in their place that may not be sure."""


def is_literal(term: Term) -> bool:
    """Whether a term is a value as it stands."""
    return LITERAL.fullmatch(term.text) is not None


def literal_value(term: Term) -> float | str | bool:
    """The value of a literal."""
    if term.text.startswith('"'):
        return term.text[1:-1].replace('""', '"')
    if term.text.upper() in ("TRUE", "FALSE"):
        return term.text.upper() == "TRUE"
    return float(term.text)


@lru_cache(maxsize=1024)
def literal(subtype: str, text: str) -> Term:
    """A literal of the engine's tokens."""
    if subtype == "Error":
        return Term(text, kinds=kinds.ERRORS.get(text.upper(), kinds.OTHER_ERROR))
    return Term(text, kinds=kinds.kind_of(literal_value(Term(text))))


def kinds_of_array(parts: Sequence[str]) -> int:
    """The kinds of the values in an array, {1,"a"}."""
    found = 0
    for part in parts:
        if LITERAL.fullmatch(part):
            found |= kinds.kind_of(literal_value(Term(part)))
        elif part.startswith("#"):
            found |= kinds.ERRORS.get(part.upper(), kinds.OTHER_ERROR)
        elif part == "-":
            found |= kinds.NEGATIVE
    return found


def broadcast(terms: Iterable[Term]) -> tuple[int, int] | None:
    """The shape of what lifts over some terms; where the engine would not find Excel's, refuse."""
    blocks = [term for term in terms if term.kind in ("area", "block")]
    if len(blocks) < 2:
        return blocks[0].shape if blocks else (1, 1)
    shapes = [term.shape for term in blocks if term.shape is not None]
    heights, widths = {rows for rows, _ in shapes}, {columns for _, columns in shapes}
    if len(shapes) < len(blocks) or len(heights - {1}) > 1 or len(widths - {1}) > 1:
        raise RefusedError("blocks whose sizes may differ are not computed here")
    if LAST_ROW in heights or LAST_COLUMN in widths:
        raise RefusedError(ENDLESS)
    return max(heights), max(widths)


def size(place: Area) -> tuple[int, int]:
    """Rows and columns of an area."""
    return place.bottom - place.top + 1, place.right - place.left + 1


def wrapped(function: str, term: Term) -> str:
    """A term inside one of our functions, unless it is a literal that needs none."""
    if function in (COMPARED, AS_TEXT) and re.fullmatch(r'"[\x20-\x7e]*"', term.text):
        return term.text
    if function == COMPARED and re.fullmatch(r"\d{1,9}(\.\d{1,6})?", term.text):
        return term.text
    if function == CONDITION and term.numeric:
        return term.text
    if function == AS_TEXT and not (term.is_reference or term.kinds & ~TEXTUAL):
        return term.text
    if function == A_NUMBER and re.fullmatch(r"\d+", term.text):
        return term.text
    if function == COMPARED and term.most:
        return f"({term.text})"
    if function == COMPARED and term.plain and term.is_reference:
        return term.text
    if function == COMPARED and (words := TRIMMED.fullmatch(term.text)):
        return f"{COMPARED_WORDS}({words[1]}{PLACE})"
    text = held(term) if function in (COMPARED, AS_TEXT) else term.text
    return f"{function}({text}{PLACE if function in MAY_BE_UNSURE else ''})"


def held(term: Term) -> str:
    """What hands a term to a function of ours: a large range is held, and handed over by name.

    The engine makes a list of a range for each call; of one that is held it makes one for all.
    """
    fixed = term.kind == "area" and term.references[-1].moving == FIXED
    if not fixed or not term.text.startswith(OPEN):
        return term.text
    rows, columns = size(term.references[-1].area)
    if rows * columns < HELD_FROM or rows == LAST_ROW or columns == LAST_COLUMN:
        return term.text
    return HELD_OPEN + term.text.removeprefix(OPEN)
