"""Formulas, rewritten into what the embedded engine computes rightly, or refused.

The engine reads neither table references with items, nor names of table columns, nor the prefixes
that Excel stores; it cannot tell an omitted argument from 0; it compares all 17 digits, where
Excel compares 15; and some functions it computes wrongly without a word. So each formula is read
here, and what comes out is plain A1 formulas of proven functions.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, reduce, wraps
from operator import or_
from typing import Any, Literal, NamedTuple, TypeVar

import formualizer

from kpi_xl.engine import kinds, native
from kpi_xl.engine.constants import Constants, Known
from kpi_xl.locales import FaultError, Message
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import (
    LAST_COLUMN,
    LAST_ROW,
    Area,
    area,
    column_letters,
    column_number,
)
from kpi_xl.ooxml.package import ExcelTable, Formula, Package
from kpi_xl.reference import did_you_mean
from kpi_xl.registry import Metric
from kpi_xl.search import meant
from kpi_xl.units import DATE as DATE_UNIT
from kpi_xl.units import TABLE, TEXT

OMITTED = "\ue000omitted"
"""What the engine is given for an argument left out of a KPI function."""

OPEN, CLOSE, PLACE, HELD_OPEN, ENDED_OPEN = "\ue001", "\ue002", "\ue003", "\ue007", "\ue00a"
"""Around the number of a reference in a rewritten formula, for it moves with the formula; where a
function of ours is told which formula calls it; and what opens a reference that is held, or whole
columns or rows as far as the sheet goes, where the engine would end them with what is filled."""
HOLE = re.compile(f"{OPEN}(\\d+){CLOSE}|{HELD_OPEN}(\\d+){CLOSE}|{ENDED_OPEN}(\\d+){CLOSE}|{PLACE}")
TRIMMED = re.compile(f"KPIXL\\.TRIM\\(KPIXL\\.T\\(({HELD_OPEN}\\d+{CLOSE}){PLACE}\\)\\)")
"""TRIM of a range that is held, which many formulas compare with texts of their own."""
HELD_FROM = 500  # cells

COMPARED, ORDERED, AS_TEXT, POWER = "KPIXL.C", "KPIXL.O", "KPIXL.T", "KPIXL.POWER"
CONDITION, LOGICAL_TEXT, DIFFERENCE = "KPIXL.B", "KPIXL.U", "KPIXL.Z"
IN_CALENDAR, IS_FINITE, INCLUDED = "KPIXL.D", "KPIXL.F", "KPIXL.I"
ONE_CELL, A_NUMBER = "KPIXL.V", "KPIXL.N"
GUARD, CRITERION, DOUBT = "KPIXL.K", "KPIXL.Q", "KPIXL.X"
DATE, FREQUENCY, SWITCH = "KPIXL.DATE", "KPIXL.FREQUENCY", "KPIXL.SWITCH"
MODE, UPPER, LOWER, TRIM = "KPIXL.MODE", "KPIXL.UPPER", "KPIXL.LOWER", "KPIXL.TRIM"
WHOLE, SPILLED = "KPIXL.W", "KPIXL.S"
WHOLE_NUMBER, FORMATTED, MOD, FROM_1 = "KPIXL.WN", "KPIXL.FM", "KPIXL.MOD", "KPIXL.F1"
SAME, HOLD, COMPARED_WORDS = "KPIXL.E", "KPIXL.H", "KPIXL.CW"
OURS = "KPIXL.X."  # and the name of a function that excel.py computes
"""Our own functions, for what the engine does otherwise than Excel; embedded.py has them."""

WRAPPED = {
    "t": AS_TEXT,
    "u": LOGICAL_TEXT,
    "i": INCLUDED,
    "b": CONDITION,
    "c": CONDITION,
    "e": A_NUMBER,
}
"""Which of them goes around an argument, by the letter of its parameter."""

MAY_BE_UNSURE = {
    ORDERED,
    AS_TEXT,
    IN_CALENDAR,
    INCLUDED,
    ONE_CELL,
    DIFFERENCE,
    A_NUMBER,
    DATE,
    SWITCH,
    MODE,
    UPPER,
    LOWER,
    WHOLE_NUMBER,
    FORMATTED,
    MOD,
    FROM_1,
}
"""Those that may find that the engine cannot be sure; they are told which formula calls them."""

BINDING = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), 1),
    "&": 2,
    **dict.fromkeys("+-", 3),
    **dict.fromkeys("*/", 4),
    "^": 5,
}
ONE_CELL_ONLY = (
    "it computes with a block, but is stored as a formula of one cell, where Excel takes"
    " only a part of it: enter it as a dynamic array formula"
)
LOST = "#REF!"
"""What Excel writes for cells that have been deleted."""
CIRCLE = Message("it depends on itself: a circular reference")
ONE_LINE = "{name} in a row or column of a range is not computed here"
ENDLESS = "whole columns and rows are not computed with here: end them somewhere"
MOST_NAMES = 20  # one within the other
LONGEST = 50_000  # characters of a part of a formula
MOST_KNOWN = 2**14  # formulas of several workbooks, some 2 KB each
LONGEST_KNOWN = 5_000  # characters; names may stand for much
MOST_ALIKE = 4  # workbooks in which one means something else
PREFIX_BINDING = 6  # Excel's minus binds before the power: -2^2 is 4
COMPARISON = 1
NUMERIC = kinds.NUMBERS | kinds.ANY_ERROR
TEXTUAL = kinds.TEXTS | kinds.ANY_ERROR
FIXED = (False, False, False, False)
FIXED_ADDRESS = re.compile(r"\$[A-Za-z]{1,3}\$\d{1,7}(:\$[A-Za-z]{1,3}\$\d{1,7})?")
PREFIXES = re.compile(r"^(_xlfn\.|_xlws\.|_xludf\.|_xldudf_)+", re.IGNORECASE)
LITERAL = re.compile(
    r'"(?:[^"]|"")*"|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|TRUE|FALSE', re.IGNORECASE
)

KNOWN: dict[tuple[str, str | None, bool, bool], tuple[tuple["Answers", "Term"], ...]] = {}
"""What was read of formulas, by text, sheet, whether there is a workbook, and whether they are
stored for one cell, for these answers."""

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


Answer = TypeVar("Answer")
Answers = dict[tuple[Callable[..., Any], tuple[Any, ...]], Any]
"""What was asked about a formula's workbook, and about what in it."""


def noted(ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """A question that is kept with its answer."""

    @wraps(ask)
    def asked(context: "Context", *about: Any) -> Answer:
        answer = context.answers[ask, about] = ask(context, *about)
        return answer

    return asked


@dataclass(frozen=True)
class Context:
    """What the references of a formula mean: its workbook, its sheet and its place there.

    `row` is None for a formula from outside, whose references get the name of the sheet. `single`:
    it is stored for one cell, as in Excel before there were dynamic arrays, and not as an array
    formula. What is read of a formula depends on nothing but what was asked here.
    """

    book: Package | None
    sheet: str | None = None
    row: int | None = None
    column: int = 0
    constants: Constants | None = None
    single: bool = False
    answers: Answers = field(default_factory=dict)

    @noted
    def its_row(self) -> int | None:
        """The formula's row."""
        return self.row

    @noted
    def its_column(self) -> int:
        """The formula's column."""
        return self.column

    @noted
    def sheet_named(self, name: str) -> str | None:
        """A sheet as the workbook spells it."""
        sheets = self.book.sheets if self.book else ()
        alike = (sheet for sheet in sheets if sheet.lower() == name.lower())
        return name if name in sheets else next(alike, None)

    @noted
    def table(self, name: str) -> ExcelTable | None:
        """A table by its name in lower case; without one the table that the formula is in."""
        tables = self.book.tables if self.book else {}
        for table in () if name else tables.values():
            if table.has(self.sheet, self.row or 0, self.column):
                return table
        return tables.get(name)

    @noted
    def meaning(self, scope: str | None, name: str) -> str | None:
        """What a name in lower case stands for, the workbook's or that of a sheet."""
        return self.book.names.get((scope, name)) if self.book else None

    @noted
    def known(self, place: Area) -> Known | None:
        """What is known of some cells before anything is computed."""
        return self.constants.known(place) if self.constants else None

    @noted
    def hides_rows(self, sheet: str) -> bool:
        """Whether rows of a sheet are hidden."""
        return self.book is not None and sheet in self.book.hidden

    @noted
    def counts_from_1904(self) -> bool:
        """Whether the workbook counts its days so."""
        return self.book is not None and self.book.date1904

    @noted
    def metric(self, name: str) -> Metric | None:
        """The KPI of a name, ours or a company's own."""
        return METRICS.get(name)


def prepared(formula: Formula, book: Package, constants: Constants | None = None) -> Term:
    """A workbook's formula, ready for the engine. Raises RefusedError."""
    term = read(formula.text, context_of(formula, book, constants))
    if formula.array is not None:
        refuse_endless(term)
    return term


def context_of(formula: Formula, book: Package, constants: Constants | None = None) -> Context:
    """What a workbook's formula means by its references."""
    single = formula.array is None
    return Context(book, formula.sheet, formula.row, formula.column, constants, single)


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


def moved(text: str, rows: int, columns: int) -> str:
    """A formula as Excel has it so many cells below and to the right of where it is written."""
    if (rows, columns) == (0, 0):
        return text
    try:
        tokens = [token for token in formualizer.tokenize(f"={text}") if token]
    except formualizer.TokenizerError:
        return text  # which is refused when it is read

    def shifted(part: re.Match[str]) -> str:
        if part[0].startswith("$"):
            return part[0]
        if part[0].isdigit():
            return str((int(part[0]) + rows - 1) % LAST_ROW + 1)
        return column_letters((column_number(part[0]) + columns - 1) % LAST_COLUMN + 1)

    texts = []
    for token in tokens:
        sheet, mark, address = token.value.rpartition("!")
        is_place = str(token.subtype) == "Range" and address_area("", address) is not None
        moved_address = re.sub(r"\$?([A-Za-z]+|\d+)", shifted, address)
        texts.append(f"{sheet}{mark}{moved_address}" if is_place else token.value)
    return "".join(texts)


def read(text: str, context: Context) -> Term:
    """A formula without its equals sign, rewritten, with holes for its references.

    Raises RefusedError. Workbooks from one template have their formulas in common, so what was read
    is known for the next one, where its answers are the same.
    """
    key = text, context.sheet, context.book is None, context.single
    known = KNOWN.get(key, ())
    for answers, term in known:
        if all(ask(context, *about) == answer for (ask, about), answer in answers.items()):
            return term
    term = _read(text, context)
    if len(term.text) > LONGEST_KNOWN:
        return term
    if len(KNOWN) >= MOST_KNOWN:
        KNOWN.clear()
    KNOWN[key] = ((context.answers.copy(), term), *known[: MOST_ALIKE - 1])
    return term


def _read(text: str, context: Context) -> Term:
    if any(sign in text for sign in (OPEN, CLOSE, PLACE, HELD_OPEN, ENDED_OPEN)):
        raise RefusedError("it holds characters of private use")
    context.answers.clear()
    reader = _FormulaReader(tokens_of(text), context)
    term = reader.one_value(reader.expression(0))
    if (rest := reader.peek()) is not END:
        raise RefusedError('it cannot be read from "{value}" on', value=rest.value)
    if context.single and term.is_block:
        raise RefusedError(ONE_CELL_ONLY)
    # What LET names may be used twice, or not at all.
    term = term._replace(
        references=tuple(reader.references),
        fixed=tuple(reader.fixed),
        crossed=tuple(reader.crossed),
    )
    return term._replace(text=term.ending) if term.ending else term


class Token(NamedTuple):
    """A token of a formula, as the engine reads it."""

    kind: str
    subtype: str
    value: str


END = Token("End", "", "")


@lru_cache(maxsize=1024)  # those of names are asked for again and again
def tokens_of(text: str) -> tuple[Token, ...]:
    """The engine's tokens of a formula, white space left out. Raises RefusedError."""
    try:
        tokens = list(formualizer.tokenize(f"={text}"))
    except formualizer.TokenizerError:
        raise RefusedError("it cannot be read") from None
    found = (Token(str(t.token_type), str(t.subtype), t.value) for t in tokens if t)
    return tuple(token for token in found if token.kind != "Whitespace")


class _FormulaReader:
    """Operator precedence parsing over the engine's own tokens."""

    def __init__(
        self,
        tokens: Sequence[Token],
        context: Context,
        outer: "_FormulaReader | None" = None,
    ) -> None:
        self.tokens = (*tokens, END, END)  # one may be taken
        self.context = context
        self.references: list[Reference] = outer.references if outer else []
        self.crossed: list[Crossed] = outer.crossed if outer else []
        self.fixed: dict[str, int] = {}
        self.criteria: list[str] = outer.criteria if outer else []
        self.given: dict[str, Term] = {}
        """What the names of LET stand for here."""
        self.within: frozenset[str] = outer.within if outer else frozenset()
        """The names that this is a part of."""
        self.depth: int = outer.depth + 1 if outer else 0
        self.position = 0
        self.lazy: int = outer.lazy if outer else 0
        """How many functions around here may leave this part of the formula uncomputed."""
        # What a name stands for is always computed as an array formula.
        self.single = context.single and outer is None
        self.mode: native.Mode = "one" if self.single else "whole"
        self.takes_ranges = False
        """Whether cells are taken here as they are, where nothing is computed with them."""

    def peek(self) -> Token:
        """The next token."""
        return self.tokens[self.position]

    def expression(self, binding: int) -> Term:
        left = self.operand()
        while True:
            kind, _, operator = self.peek()
            if kind == "OpPostfix":
                self.position += 1
                if operator == "%":
                    left = self.one_value(left)
                    left = computed(self.proven(left, native.ARITHMETIC, "%"), "{}%")
                else:
                    left = self.spilled(left)
                continue
            if kind != "OpInfix":
                return left
            if operator not in BINDING:
                raise RefusedError(
                    'the reference operator "{operator}" is not computed here', operator=operator
                )
            if BINDING[operator] <= binding:
                return left
            self.position += 1
            left = self.one_value(left)
            right = self.one_value(self.expression(BINDING[operator]))
            kinds_here = native.OPERANDS[BINDING[operator]]
            if is_endless(left):
                right = self.no_blank(right, operator, left)
            elif is_endless(right):
                mirrored = operator.translate(str.maketrans("<>", "><"))
                left = self.no_blank(left, mirrored, right)
            left = self.proven(left, kinds_here, operator)
            left = joined(left, operator, self.proven(right, kinds_here, operator))

    def no_blank(self, given: Term, operator: str, column: Term) -> Term:
        """What stands behind a whole column and an operator: for blank cells they come to 0.

        The engine leaves the blank cells below all others.
        """
        number = float(given.text) if re.fullmatch(r"\d+(\.\d+)?", given.text) else None
        if operator == "*":
            return given
        if operator == "=":
            if number or re.fullmatch(r'"([^"]|"")+"', given.text):
                return given
            if given.kind == "cell" and not self.lazy:
                return self.proven(given, native.NO_BLANK, operator)
        more = number is not None and (operator == ">" or (operator == ">=" and number > 0.0))
        if more and (column.is_reference or column.arithmetic):  # any text is more than a number
            return given
        raise RefusedError(ENDLESS)

    def operand(self) -> Term:
        kind, subtype, text = self.peek()
        self.position += 1
        if kind == "OpPrefix":
            term = self.expression(PREFIX_BINDING)
            if text == "@":
                return self.crossing(term)
            allowed = kinds.ALL if text == "+" else native.ARITHMETIC
            return computed(self.proven(self.one_value(term), allowed, text), text + "{}")
        if kind == "Operand":
            if subtype == "Range":
                return self.given.get(given_name(text)) or self.reference(text)
            return literal(subtype, text)
        if kind == "Func" and function_name(text[:-1]) == "LET":
            return self.let()
        if kind == "Func":
            return self.call(text[:-1], self.arguments(function_name(text[:-1])))
        if kind == "Paren":
            term = self.expression(0)
            self.close()
            return term._replace(text=f"({term.text})", ending="")
        if kind == "Array":
            parts = []
            while self.peek()[0] not in ("Array", "End"):
                parts.append(self.peek()[2])
                self.position += 1
            self.close()
            if not parts:
                raise RefusedError("the braces hold nothing")
            rows = "".join(";" if part == ";" else "," * (part == ",") for part in parts).split(";")
            return Term(
                "{" + "".join(parts) + "}",
                kind="block",
                kinds=kinds_of_array(parts),
                shape=(len(rows), len(rows[0]) + 1),
            )
        raise RefusedError(
            "it ends too early" if kind == "End" else f"{text!r} stands in a wrong place"
        )

    def arguments(self, name: str) -> list[Term]:
        arguments: list[Term] = []
        if self.peek()[1] == "Close":
            self.position += 1
            return arguments
        while True:
            kind, subtype, _ = self.peek()
            ends = kind == "Sep" or subtype == "Close"
            lazy = len(arguments) >= native.LAZY.get(name, 1000)
            self.lazy += lazy
            arguments.append(EMPTY if ends else self.argument(name, len(arguments)))
            self.lazy -= lazy
            if self.peek()[0] != "Sep":
                self.close()
                return arguments
            self.position += 1

    def argument(self, name: str, position: int) -> Term:
        """One argument, by what its function takes there."""
        outer = self.mode, self.takes_ranges
        if self.single:
            taken = native.taken(name, position)
            self.mode = taken.mode or self.mode
            if taken.ranges is not None:
                self.takes_ranges = taken.ranges
        term = self.expression(0)
        if not self.takes_ranges:
            term = self.one_value(term)
        self.mode, self.takes_ranges = outer
        return term

    def one_value(self, term: Term) -> Term:
        """A term where a formula of one cell takes one value: of a range that of its own row."""
        if self.mode == "whole" or not term.is_block or term.text.startswith("{"):
            return term
        if self.mode == "unknown":
            raise RefusedError(ONE_CELL_ONLY)
        return self.crossing(term)

    def crossing(self, term: Term) -> Term:
        """Of a column of cells that in the formula's row, of a row that in its column.

        Where there is none, and of several rows and columns, it is #VALUE!.
        """
        if not term.is_block:
            return term
        row, column = self.context.its_row(), self.context.its_column()
        if row is None:
            raise RefusedError("@ over a block takes a part of it, which is not computed here")
        reference = self.only_range(term)
        (sheet, top, left, bottom, right), moving, own = reference
        by_row, by_column = left == right, top == bottom
        in_row, in_column = top <= row <= bottom, left <= column <= right
        if in_row and in_column and sheet == self.context.sheet:
            raise RefusedError(CIRCLE)
        if in_row and in_column and not (by_row or by_column):
            raise RefusedError(ONE_CELL_ONLY)  # of another sheet's block, the cell at this place?
        if not by_column:
            self.crossed.append(Crossed(reference, True, row, in_row))
        if not by_row:
            self.crossed.append(Crossed(reference, False, column, in_column))
        if not (by_row or by_column) or not (in_row if by_row else in_column):
            return Term("#VALUE!", kinds=kinds.ERRORS["#VALUE!"])
        if by_row:
            return self.cells(
                Area(sheet, row, left, row, left), (True, moving[1], True, moving[1]), own
            )
        place = Area(sheet, top, column, top, column)
        return self.cells(place, (moving[0], True, moving[0], True), own)

    def only_range(self, term: Term) -> Reference:
        """A range that has just been read, and is taken away, for only a cell of it is needed."""
        hole = HOLE.fullmatch(term.text.strip("()"))
        is_latest = hole and int(hole[1]) == len(self.references) - 1
        if term.kind != "area" or not is_latest or self.given:
            raise RefusedError(ONE_CELL_ONLY)  # it is computed, or may have a name of LET
        return self.references.pop()

    def close(self) -> None:
        if self.peek()[1] != "Close":
            raise RefusedError("a bracket is not closed")
        self.position += 1

    # Functions

    def let(self) -> Term:
        """LET: what its names stand for is put in their places."""
        outer, mode = dict(self.given), self.mode
        self.mode = "unknown" if self.single else mode
        while True:
            (kind, subtype, text), start = self.peek(), self.position
            self.position += 1
            if (kind, subtype, self.peek()[0]) != ("Operand", "Range", "Sep"):
                self.position = start
                break
            if "!" in text or "[" in text or address_area("", text):
                raise RefusedError("LET takes no name {text}", text=text)
            self.position += 1
            term = self.expression(0)
            if self.peek()[0] != "Sep":
                raise RefusedError("LET ends without a formula")
            self.position += 1
            whole = term.is_reference or is_literal(term)
            text_of = term.text if whole else f"({term.text})"
            if len(text_of) > LONGEST:
                raise RefusedError("LET puts together a formula that is too long")
            self.given[given_name(text)] = term._replace(text=text_of, ending="")
        term = self.expression(0)
        self.close()
        self.given, self.mode = outer, mode
        if self.single and term.is_block:
            raise RefusedError(ONE_CELL_ONLY)
        return term if term.is_reference else term._replace(text=f"({term.text})", ending="")

    def switch(self, arguments: list[Term]) -> Term:
        """SWITCH as IF within IF. What Excel makes there of a blank cell is not known."""
        if EMPTY in arguments or any(given.is_block for given in arguments):
            raise RefusedError("SWITCH is computed here for values, none of them left out")
        value = self.proven(arguments[0], kinds.ALL - kinds.BLANK, "SWITCH")
        rest = Term("NA()", kinds=kinds.ANY_ERROR)
        if len(arguments) % 2 == 0:
            rest = arguments.pop()
        for wanted, given in zip(arguments[-2::-2], arguments[:1:-2], strict=True):
            known = self.proven(wanted, kinds.ALL - kinds.BLANK, "SWITCH")
            terms = [joined(value, "=", known), given, rest]
            rest = self.native_call("IF", terms, together(terms))
            if len(rest.text) > LONGEST:
                raise RefusedError("SWITCH has too many values")
        return rest

    def offset(self, arguments: list[Term]) -> Term:
        """OFFSET by numbers that are written out, as the cells that it means."""
        numbers = [given.text for given in arguments[1:]]
        if not 3 <= len(arguments) <= 5 or not all(
            re.fullmatch(r"\(?[-+]?\d{1,7}\)?|", number) for number in numbers
        ):
            raise RefusedError("OFFSET is computed here with numbers that are written out")
        if arguments[0].text == LOST:
            return arguments[0]
        if arguments[0].kind not in ("cell", "area"):
            raise RefusedError("OFFSET is computed here from cells of a sheet")
        (sheet, top, left, bottom, right), moving, own = arguments[0].references[-1]
        down, across, high, wide = (
            [int(number.strip("()")) if number else None for number in numbers] + [None] * 2
        )[:4]
        top, bottom, rows = stretched(top + (down or 0), bottom + (down or 0), high)
        left, right, columns = stretched(left + (across or 0), right + (across or 0), wide)
        if min(top, left) < 1 or bottom > LAST_ROW or right > LAST_COLUMN:
            raise RefusedError("OFFSET leads off the sheet")
        moving = (moving[0], moving[1], moving[2 - 2 * rows], moving[3 - 2 * columns])
        return self.cells(Area(sheet, top, left, bottom, right), moving, own)

    def indirect(self, arguments: list[Term]) -> Term:
        """INDIRECT of a text that is written out, as the cells that it means."""
        if len(arguments) == 2 and arguments[1].text.upper() not in ("TRUE", "1"):
            raise RefusedError("INDIRECT is computed here in the form A1 only")
        literal = len(arguments) in (1, 2) and re.fullmatch(r'"(?:[^"]|"")+"', arguments[0].text)
        if not literal:
            raise RefusedError("INDIRECT is computed here for a text that is written out")
        text = str(literal_value(arguments[0]))
        if not address_area("", text.rpartition("!")[2]) and not re.fullmatch(
            r"\w+\[[^@\[\]#]+\]", text
        ):
            raise RefusedError("INDIRECT is computed here for cells, and not for {text}", text=text)
        known = len(self.references)
        place = self.reference(text).areas[0]
        del self.references[known:]
        return self.cells(place)

    def call(self, full_name: str, arguments: list[Term]) -> Term:
        prefix, name = full_name.rpartition("!")[0], function_name(full_name)
        name = native.SAME_AS.get(name, name)
        term = together(arguments)
        if self.context.counts_from_1904() and is_of_days(name, arguments):
            raise RefusedError(
                "the workbook counts dates from 1904, and {name} computes with days: save it"
                " with dates from 1900",
                name=name,
            )
        if metric := self.context.metric(name):
            return self.metric_call(metric, arguments, term)
        if name == "SWITCH" and len(arguments) > 2:
            return self.switch(arguments)
        if name in ("OFFSET", "INDIRECT") and arguments:
            return self.offset(arguments) if name == "OFFSET" else self.indirect(arguments)
        if name == "INDEX" and (line := self.line(arguments)):
            return line
        if name == "ANCHORARRAY" and len(arguments) == 1:
            return self.spilled(arguments[0])
        if name == "SINGLE" and len(arguments) == 1:
            return self.crossing(arguments[0])
        if name in native.PLACES and self.mode == "one" and arguments and arguments[0].is_block:
            # One place for each row or column, of which a formula of one cell takes the first.
            (sheet, top, left, _, _), moving, own = self.only_range(arguments[0])
            first = self.cells(Area(sheet, top, left, top, left), moving[:2] * 2, own)
            return self.native_call(name, [first], first)
        if prefix or name not in native.SIGNATURES:
            raise UnknownError(unknown_function(name))
        return self.native_call(name, arguments, term)

    def metric_call(self, metric: Metric, arguments: list[Term], term: Term) -> Term:
        block = metric.result != "value"
        texts = []
        for position, given in enumerate(arguments):
            arg = metric.arguments[position].arg if position < len(metric.arguments) else None
            column = arg is not None and arg.column
            block = block or (given.is_block and not column)
            if given.kind == "block" and is_endless(given):
                raise RefusedError(ENDLESS)
            if given is EMPTY:
                texts.append(f'"{OMITTED}"')
            elif given.kind == "area" and given.areas[0].bottom == LAST_ROW:
                texts.append(f"{WHOLE}({given.text})")
            else:
                blanks = column and arg and arg.unit is not TEXT and not arg.words
                texts.append((handing(given) if blanks else "") or held(given))
        return term._replace(
            text=f"{metric.name}({','.join(texts)})",
            kind="block" if block else "value",
            shape=arguments[0].shape
            if arguments and metric.result == "shape"
            else None
            if block
            else (1, 1),
            kinds=kinds.ALL - kinds.BLANK if metric.returns in (TEXT, TABLE) else NUMERIC,
        )

    def native_call(self, name: str, arguments: list[Term], term: Term) -> Term:
        if name == "XLOOKUP":
            arguments = plain_lookup(arguments)
        if name == "SUMPRODUCT":
            arguments = [self.product(arguments)]
            term = together(arguments)
        letters = native.parameters(native.SIGNATURES[name], len(arguments))
        if letters is None:
            raise RefusedError(
                "{name} is not computed here with {number} arguments",
                name=name,
                number=len(arguments),
            )
        if name == "AGGREGATE":
            self.refuse_aggregates(arguments)
        if name in native.LOOK_INTO_RANGES and any(given.text == LOST for given in arguments):
            return self.lost(name, arguments, term)
        texts, shapes = [], set()
        checks = [*term.checks]
        lifts, lifting = False, "lct" if name in native.LIFTED else "lc"
        for position, (letter, given) in enumerate(zip(letters, arguments, strict=True)):
            if given is EMPTY and position in native.LEFT_OUT.get(name, ()):
                texts.append(f'"{OMITTED}"')
                continue
            self.refuse_forms(name, letter, given)
            if letter in "rs":
                shapes.add((given.shape, *(r.moving for r in given.references if r.grows)))
            if letter == "q":
                proven = self.criterion(given, arguments[position - 1], name)
            elif name in native.PLACES:
                proven = given  # what stands there is not looked at
            else:
                allowed = native.proven(name, position, letter, given.kind != "value")
                if name in native.PICKS and position == 0 and not is_literal(arguments[1]):
                    allowed &= ~kinds.ANY_ERROR
                proven = self.proven(given, allowed, name)
            lifts = lifts or (letter in lifting and given.is_block)
            if lifts and self.mode != "whole" and (name != "IF" or position == 0):
                raise RefusedError(ONE_CELL_ONLY)
            text = wrapped(WRAPPED[letter], proven) if letter in WRAPPED else proven.text
            if (name, position) == ("XMATCH", 1):
                text = held(proven)
            if native.WHEN_PAID.get(name) == position and text not in ("0", "1"):
                text = f"{SWITCH}({text}{PLACE})"
            if native.WHOLE_NUMBERS.get(name) == position and not re.fullmatch(r"\d+", text):
                text = f"{WHOLE_NUMBER}({text}{PLACE})"
            if native.FROM_1.get(name) == position and not re.fullmatch(r"[1-9]\d*", text):
                text = f"{FROM_1}({text}{PLACE})"
            if (name, position) == ("MATCH", 2) and not re.fullmatch(r"\(?-?\d+\)?", text):
                text = f"({text}+0)"  # the engine takes FALSE for TRUE
            texts.append(text)
            if letter in "Aanhx" and given.is_range and given.shape and given.shape[1] > 1:
                one = Check(given.references[-1], kinds.ALL, name, one_error=True)
                checks.append(one)
            checks += proven.checks[len(given.checks) :]
        if len(shapes) > 1 and name not in ("RANK", "RANK.EQ"):
            raise RefusedError(
                "the ranges of {name} differ in shape, which the engine does not notice", name=name
            )
        checks += [*sorted_ranges(name, arguments), *nested_totals(name, arguments)]
        ends: tuple[Reference, ...] = ()
        if name in native.BLANK_CRITERIA:
            ends = self.ranges_that_end(arguments)
        elif name in native.SEE_BLANKS and not (name == "TEXTJOIN" and texts[1] in ("TRUE", "1")):
            ends = tuple(given.references[-1] for given in arguments if given.is_range)
        if name in ("INDEX", "XLOOKUP", "VLOOKUP", "HLOOKUP"):
            refuse_blocks_from(name, arguments)
            texts = with_ends(name, arguments, texts)
        over = broadcast(a for a, x in zip(arguments, letters, strict=True) if x in lifting)
        endless = [given for given in arguments if is_endless(given)]
        if endless and lifts and name not in native.KEEP_BLANKS:
            raise RefusedError(ENDLESS)
        if name == "TEXT" and not re.search("[dhmsy]", texts[1].lower()):
            texts[0] = f"{FORMATTED}({texts[0]},{decimals(texts[1])}{PLACE})"
        text = called(name, texts)
        if name == "FILTER" and endless and len({place for t in endless for place in t.areas}) > 1:
            # An error it is for the engine where one column is filled further down than another.
            text = f"IFERROR({text},{DOUBT}({native.CALLED.index(name)}{PLACE}))"
        if name in native.OF_ERRORS and not arguments[0].is_reference:
            # An error that a function gives, the engine hands on instead of asking about it.
            text = f"IFERROR({text},{native.OF_ERRORS[name].format(texts[0])})"
        shown = ""
        if name in native.OURS & native.BLOCKS:
            shown = text.replace(f"{OURS}{name}(", f"{OURS}{name}.SHOWN(", 1)
        branches: tuple[str, ...] = ()
        if name == "IF":
            branches = tuple(texts) if not arguments[0].is_block and all(texts) else ()
        return term._replace(
            text=text,
            kind="block" if lifts or name in native.BLOCKS else "value",
            kinds=result_kinds(name, arguments),
            checks=tuple(checks),
            shape=None if name in native.BLOCKS else over,
            ends=term.ends + ends,
            branches=branches,
            ending=shown,
            handed=(text, handed_over(arguments, texts) if name == "IF" else ""),
        )

    def line(self, arguments: list[Term]) -> Term | None:
        """INDEX of a whole row or column, as those cells; None where it is of one cell."""
        given, *indices = arguments
        if given.shape is None or len(indices) not in (1, 2):
            return None
        if len(indices) == 1:
            if 1 not in given.shape:
                return None
            indices.insert(0 if given.shape[0] == 1 else 1, ONE)
        for place, size_there in enumerate(given.shape):
            if size_there == 1 and (indices[place] is EMPTY or indices[place].text == "0"):
                indices[place] = ONE
        whole = [index is EMPTY or index.text == "0" for index in indices]
        if not any(whole):
            return self.native_call("INDEX", [given, *indices], together(arguments))
        index = indices[whole[0]]
        if index is ONE and given.shape[whole[0]] == 1:
            return given
        if given.kind != "area" or all(whole):
            raise RefusedError("INDEX of a whole row or column is not computed here")
        self.refuse_forms("INDEX", "o", index)
        # Functions of the engine that are handed an error for a range may show another one.
        proven = self.proven(index, kinds.NUMBERS, "INDEX")
        number = f"{FROM_1}({proven.text},{given.shape[whole[0]]}{PLACE})"
        # The engine, too, has cells for it, where the other one is 0.
        both = f"0,{number}" if whole[0] else f"{number},0"
        return together(arguments)._replace(
            text=f"INDEX({given.text},{both})",
            kind="line",
            references=(*index.references, given.references[-1]),
            checks=given.checks + proven.checks,
            shape=(given.shape[0], 1) if whole[0] else (1, given.shape[1]),
        )

    def lost(self, name: str, arguments: list[Term], term: Term) -> Term:
        """What a function comes to whose cells are there no more: #REF!.

        Of two errors it is not known which one it shows.
        """
        allowed = kinds.ALL - kinds.ANY_ERROR + kinds.ERRORS[LOST]
        result, checks = LOST, term.checks
        for given in arguments:
            if given.is_range:
                continue  # what stands in its cells is not looked at
            proven = self.proven(given, allowed, name)
            checks += proven.checks[len(given.checks) :]
            if proven.text != given.text:
                result = f"IF({proven.text}=0,{result},{LOST})"
        known = kinds.ERRORS[LOST] if result == LOST else kinds.ANY_ERROR
        return term._replace(text=result, kinds=known, checks=checks)

    def product(self, arguments: list[Term]) -> Term:
        """The arguments of SUMPRODUCT as one product.

        Of ranges there are only numbers and blanks: it takes other values for 0, and a product
        does not.
        """
        if not all(a.is_reference or (a.kind == "block" and a.arithmetic) for a in arguments):
            raise RefusedError(
                "SUMPRODUCT is computed here for ranges and products: SUMPRODUCT((A=1)*B)"
            )
        shapes = {(a.shape, *(r.moving for r in a.references if r.grows)) for a in arguments}
        if len(arguments) > 1 and (len(shapes) > 1 or any(a.shape is None for a in arguments)):
            raise RefusedError("SUMPRODUCT is computed here for ranges of one size")
        sure = kinds.NUMBERS | kinds.BLANK
        factors = [
            self.proven(a, sure, "SUMPRODUCT") if a.is_reference else a for a in arguments
        ] + [ONE] * (len(arguments) == 1 and arguments[0].is_reference)
        return reduce(
            lambda left, right: joined(left, "*", right),
            [f._replace(text=f"({f.text})", ending="") for f in factors],
        )

    def refuse_aggregates(self, arguments: list[Term]) -> None:
        """Refuse forms of AGGREGATE that are not proven."""
        code, option = (argument.text for argument in arguments[:2])
        if not re.fullmatch(r"[1-9]|1[0-9]", code) or not re.fullmatch(r"[0-7]", option):
            raise RefusedError("AGGREGATE is computed here with its two numbers written out")
        if int(code) > 13 and len(arguments) != 4:
            raise RefusedError("AGGREGATE({code}, ...) takes four arguments", code=code)
        if int(code) < 14 and not all(given.is_reference for given in arguments[2:]):
            raise RefusedError("AGGREGATE({code}, ...) takes ranges of the sheet", code=code)
        hides = option in "1357"
        if hides and not all(map(self.all_visible, arguments[2 : 3 if int(code) > 13 else None])):
            raise RefusedError("AGGREGATE over hidden rows is not computed here")

    def refuse_forms(self, name: str, letter: str, given: Term) -> None:
        """Refuse an argument of a form that the function is not proven for."""
        if given is EMPTY and name != "IF":
            raise RefusedError("{name} is not computed here with an argument left out", name=name)
        if letter in "vktfdmbqeuwyzogj#" and given.is_block and name not in native.LIFTED:
            raise RefusedError("{name} over a block is computed wrongly here", name=name)
        if letter == "h" and not self.all_visible(given):
            raise RefusedError("{name} over hidden rows is not computed here", name=name)
        if letter == "x" and given.kind == "value":
            raise RefusedError("{name} is computed here for ranges and blocks only", name=name)
        if letter == "i" and not given.is_block:
            raise RefusedError("{name} is computed here for a column of conditions", name=name)
        if letter in "rs" and not given.is_reference:
            raise RefusedError(
                "{name} takes a range of the sheet here, not a computed block", name=name
            )
        if name in native.MOVES_BLOCKS and given.is_block and given.shape:
            refuse_endless(given)
        if given.kind == "block" and is_endless(given) and name not in native.SKIP_ZEROS:
            raise RefusedError(ENDLESS)
        if name == "DATEDIF" and letter == "k" and given.text.lower() not in native.UNITS:
            raise RefusedError(
                'DATEDIF is computed here with "d", "m" or "y" written out: Microsoft warns of the'
                " others"
            )
        if letter == "f" and given.text[1:-1].lower() not in native.TEXT_FORMATS:
            raise RefusedError(
                "the format {text} of {name} is not proven here", text=given.text, name=name
            )

    def proven(self, given: Term, allowed: int, what: str) -> Term:
        """A term whose values are of kinds that a function is proven for, or not computed.

        A cell that is surely read is looked at after the run; of what is computed, and may be of
        another kind, the value is caught on its way.
        """
        if given is EMPTY or allowed == kinds.ALL:
            return given
        if given.is_reference and (given.is_range or not self.lazy):
            check = Check(given.references[-1], allowed, what)
            return given._replace(checks=(*given.checks, check))
        if not given.kinds & ~allowed:
            return given
        if is_literal(given):
            raise RefusedError(
                "{what} is not proven here for {kinds}",
                what=what,
                kinds=kinds.names(given.kinds & ~allowed),
            )
        number = native.CALLED.index(what)
        text = given.text
        if given.kinds & kinds.ANY_ERROR & ~allowed and not given.is_block:
            text = f"IFERROR({text},{DOUBT}({number}{PLACE}))"  # no function is told of it
        return given._replace(text=f"{GUARD}({text},{allowed},{number}{PLACE})")

    def criterion(self, given: Term, ranged: Term, name: str) -> Term:
        """One criterion; which kinds may be in its range depends on it."""
        if is_literal(given):
            allowed, numeral = native.beside_criterion(literal_value(given))
            if not allowed or literal_value(given) in native.BARE:
                raise RefusedError(
                    "the criterion {text} of {name} is not proven here", text=given.text, name=name
                )
            number, compared = -1, native.number_compared(literal_value(given))
            if numeral:
                pattern = native.as_pattern(literal_value(given)).replace('"', '""')
                given = given._replace(text=f'"{pattern}"')
        else:
            number, allowed, numeral, compared = len(self.criteria), kinds.ALL, "", None
            self.criteria.append(given.text)
            what = native.CALLED.index(name)
            text = given.text
            if given.kinds & kinds.ANY_ERROR:
                text = f"IFERROR({text},{DOUBT}({what}{PLACE}))"
            given = given._replace(text=f"{CRITERION}({text},{number},{what}{PLACE})")
        check = Check(ranged.references[-1], allowed, name, number, numeral, compared)
        return given._replace(checks=(*given.checks, check))

    def all_visible(self, term: Term) -> bool:
        """Whether a range is on a sheet without hidden rows, which the engine cannot see."""
        return term.is_reference and not self.context.hides_rows(term.areas[-1].sheet)

    def ranges_that_end(self, arguments: list[Term]) -> tuple[Reference, ...]:
        """The ranges that have to end at the last row, for blanks below it are not counted."""
        return tuple(
            ranged.references[-1]
            for ranged, criterion in zip(arguments[::2], arguments[1::2], strict=True)
            if not re.fullmatch(r'"[^"=<].*|"(<[^>"]|=[^"]).*|[\d.]+', criterion.text)
        )

    # References

    def spilled(self, term: Term) -> Term:
        if term.kind != "cell":
            raise RefusedError("# stands behind something that is not one cell")
        return term._replace(text=f"{term.text}#", kind="block", anchors=term.areas, shape=None)

    def cells(
        self, place: Area, moving: tuple[bool, bool, bool, bool] = FIXED, own: int = -1
    ) -> Term:
        """A reference to cells, as a hole in the formula's text."""
        reference = Reference(place, moving, own)
        self.references.append(reference)
        kind: Kind = "cell" if place[1:3] == place[3:5] else "area"
        text = f"{OPEN}{len(self.references) - 1}{CLOSE}"
        term = Term(text, kind, references=(reference,), shape=size(place))
        known = self.context.known(place) if kind == "area" and moving == FIXED else None
        return term._replace(kinds=known.kinds, plain=known.plain) if known else term

    def reference(self, text: str) -> Term:
        """A cell, a range, a table's column, or a name."""
        book = self.context.book
        if "[" in text and "!" not in text:
            name, _, items = text.partition("[")
            return self.table_reference(self.table(name), items.removesuffix("]"))
        sheet_text, mark, address = text.rpartition("!")
        if not mark:
            sheet = self.context.sheet or ""
        elif "[" in sheet_text or (":" in sheet_text and not sheet_text.startswith("'")):
            raise RefusedError("{text} points to another workbook or to several sheets", text=text)
        else:
            sheet = self.sheet_name(sheet_text)
        place = address_area(sheet, address)
        if address.upper() == LOST:
            return literal("Error", LOST)
        if place is None:
            return self.named(address, sheet if mark else None)
        if book is None:
            raise UnknownError("{text} points into a workbook: name it with --book", text=text)
        own = -1
        if not self.depth and fixed_place(address):
            own = self.fixed.setdefault(address, len(self.fixed))
        return self.cells(place, moving_corners(address), own)

    def sheet_name(self, text: str) -> str:
        """The sheet as the workbook spells it."""
        name = text[1:-1].replace("''", "'") if text.startswith("'") else text
        if sheet := self.context.sheet_named(name):
            return sheet
        sheets = self.context.book.sheets if self.context.book else ()
        raise UnknownError(
            'there is no sheet "{name}"{near}', name=name, near=did_you_mean(name, sheets)
        )

    def table(self, name: str) -> ExcelTable:
        """A table; inside of it its name is left out."""
        if table := self.context.table(name.lower()):
            return table
        tables = self.context.book.tables if self.context.book else {}
        near = did_you_mean(name, [table.name for table in tables.values()])
        raise UnknownError('there is no table "{name}"{near}', name=name, near=near)

    def table_reference(self, table: ExcelTable, items: str) -> Term:
        """`Orders[amount]`, `Orders[[#This Row],[amount]]`, `Orders[[#All],[a]:[b]]` in A1 form."""
        here = items.startswith("@")
        items = items.removeprefix("@").strip()
        item = r"\[((?:'.|[^\[\]'])*)\]"
        parts = re.findall(item, items) if items.startswith("[") else [items] * bool(items)
        if items.startswith("[") and re.sub(item, "", items).strip(" ,:"):
            raise RefusedError("{table}[{items}] cannot be read", table=table.name, items=items)
        special = {part.strip().lower() for part in parts if part.strip().startswith("#")}
        named = (part for part in parts if not part.strip().startswith("#"))
        columns = [self.table_column(table, re.sub(r"'(.)", r"\1", part)) for part in named]
        sheet, top, left, bottom, right = table.area
        if columns:
            left, right = left + min(columns), left + max(columns)
        first, last = top + table.header, bottom - table.totals
        if here or special == {"#this row"}:
            row = self.context.its_row()
            if row is None or not first <= row <= last:  # it may be a table of another sheet
                raise RefusedError(
                    "{table}[@...] stands outside the rows of {table}", table=table.name
                )
            first = last = row
        elif special == {"#headers"} and table.header:
            first = last = top
        elif special == {"#totals"} and table.totals:
            first = last = bottom
        elif special == {"#all"}:
            first, last = top, bottom
        elif special - {"#data"}:
            raise RefusedError(
                "{table}[{items}] is not computed here", table=table.name, items=items
            )
        if first > last:
            raise RefusedError(
                "the table {table} has no rows for {table}[{items}]", table=table.name, items=items
            )
        of_row = here or special == {"#this row"}
        return self.cells(Area(sheet, first, left, last, right), (of_row, False, of_row, False))

    def table_column(self, table: ExcelTable, name: str) -> int:
        """A column's number in its table, which may have others of the name but for its spaces."""
        names = [column.lower() for column in table.columns]
        if name.lower() in names:
            return names.index(name.lower())
        bare = [column.strip() for column in names]
        if bare.count(name.strip().lower()) == 1:
            return bare.index(name.strip().lower())
        near = did_you_mean(name, table.columns)
        raise UnknownError(
            'table {table} has no column "{name}"{near}', table=table.name, name=name, near=near
        )

    def named(self, name: str, sheet: str | None) -> Term:
        """What a defined name stands for; a table's name stands for its data."""
        for scope in (sheet or self.context.sheet, None):
            text = self.context.meaning(scope, name.lower())
            if text is not None:
                if name.lower() in self.within:
                    raise RefusedError("the name {name} leads back to itself", name=name)
                if self.depth > MOST_NAMES:
                    raise RefusedError(
                        "the name {name} stands behind more than {most} others, which are too many"
                        " here",
                        name=name,
                        most=MOST_NAMES,
                    )
                tokens = tokens_of(text)
                if any(is_relative(token.value) for token in tokens):
                    raise RefusedError(
                        "the name {name} means other cells in other places ({text})",
                        name=name,
                        text=text,
                    )
                inner = _FormulaReader(tokens, self.context, self)
                inner.within = self.within | {name.lower()}
                term = inner.expression(0)
                if len(term.text) > LONGEST:
                    raise RefusedError(
                        "the name {name} stands for a formula that is too long", name=name
                    )
                text = term.text if term.is_reference else f"({term.text})"
                return term._replace(text=text, ending="")
        if table := self.context.table(name.lower()):
            return self.table_reference(table, "")
        known = [key for _, key in self.context.book.names] if self.context.book else []
        raise UnknownError(
            'there is no name "{name}"{near}', name=name, near=did_you_mean(name.lower(), known)
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


def decimals(number_format: str) -> int:
    """How many digits behind the decimal sign a number format keeps of a number."""
    return len(number_format.partition(".")[2].rstrip('%"')) + 2 * ("%" in number_format)


def plain_lookup(arguments: list[Term]) -> list[Term]:
    """The arguments of XLOOKUP without those at the end that say what goes without saying."""
    given = list(arguments)
    for place, usual in ((5, "1"), (4, "0"), (3, None)):
        if len(given) == place + 1 and (given[-1] is EMPTY or given[-1].text == usual):
            given.pop()
    return given


def result_kinds(name: str, arguments: Sequence[Term]) -> int:
    """The kinds of values that a native function may give."""
    if name in ("IF", "IFERROR", "IFNA", "IFS", "CHOOSE"):
        first = 0 if name in ("IFERROR", "IFNA") else 1
        given = arguments[first :: 2 if name == "IFS" else 1]
        left_out = 0 if name != "IF" or len(arguments) > 2 else kinds.LOGICAL
        return reduce(or_, (term.kinds for term in given), left_out | kinds.ANY_ERROR)
    return native.RESULTS.get(name, NUMERIC)


def sorted_ranges(name: str, arguments: Sequence[Term]) -> tuple[Check, ...]:
    """What a function takes for sorted, of the ranges on the sheet. Raises RefusedError."""
    if name not in native.SORTED:
        return ()
    says, ranged = native.SORTED[name]
    how = arguments[says].text.upper() if says < len(arguments) else "TRUE"
    if how in ("FALSE", "0"):
        return ()
    given = arguments[ranged]
    if not given.is_reference:
        raise RefusedError("{name} in what may not be sorted is not computed here", name=name)
    place, moving, own = given.references[-1]
    if name == "VLOOKUP":
        place, moving = (
            place._replace(right=place.left),
            (moving[0], moving[1], moving[2], moving[1]),
        )
    elif name == "HLOOKUP":
        place, moving = (
            place._replace(bottom=place.top),
            (moving[0], moving[1], moving[0], moving[3]),
        )
    order = -1 if how in ("-1", "(-1)") else 1
    return (Check(Reference(place, moving, own), kinds.ALL, name, order=order),)


def nested_totals(name: str, arguments: Sequence[Term]) -> tuple[Check, ...]:
    """What there may not be in the ranges of functions that leave out the totals among cells."""
    if name not in ("SUBTOTAL", "AGGREGATE"):
        return ()
    code, option = (argument.text for argument in arguments[:2])
    which = "odd" if name == "SUBTOTAL" else "any" if option in "0123" else ""
    # The engine shows an error where SUBTOTAL counts the numbers beside it.
    counts = name == "SUBTOTAL" and not re.fullmatch("(10)?[1345679]|(1|11)?[01]|8|108|110", code)
    allowed = kinds.ALL - kinds.ANY_ERROR * counts
    return tuple(
        Check(given.references[-1], allowed, name, totals=which)
        for given in arguments[1:]
        if given.is_reference and (which or counts)
    )


def given_name(text: str) -> str:
    """A name of LET as people write it: without the prefix that files have."""
    return text.lower().removeprefix("_xlpm.")


def stretched(first: int, last: int, size: int | None) -> tuple[int, int, bool]:
    """The first and last row or column of what OFFSET means, and whether it has a new size."""
    if not size:
        if size == 0:
            raise RefusedError("OFFSET of no rows or columns is an error in Excel")
        return first, last, False
    return (first, first + size - 1, True) if size > 0 else (first + size + 1, first, True)


def is_of_days(name: str, arguments: Sequence[Term]) -> bool:
    """Whether a function takes numbers for days, or gives such."""
    if name in METRICS:
        metric = METRICS[name]
        units = [metric.returns, *(argument.arg.unit for argument in metric.arguments)]
        return metric.result != "value" or DATE_UNIT in units
    of_date = name == "TEXT" and any(re.search("[dhmsy]", a.text.lower()) for a in arguments[1:])
    return of_date or name in native.OF_DAYS


@lru_cache(maxsize=1024)
def function_name(text: str) -> str:
    """A function as people write it: without the prefixes that files have."""
    return PREFIXES.sub("", text.rpartition("!")[2]).upper()


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


@cache
def unknown_function(name: str) -> Message:
    """Why a function is not computed; looking for one of a similar name takes its time."""
    text = (
        "it uses {name}, which is neither a KPI function nor a native one that the embedded engine"
        " is proven to compute{near}"
    )
    return Message(text, name=name, near=meant(name, native.SIGNATURES))


def with_ends(name: str, arguments: list[Term], texts: list[str]) -> list[str]:
    """What a look-up by number is given: it may take a cell below or beside all that are filled."""
    position = 0 if name == "INDEX" else 1
    given = arguments[position]
    rows, columns = given.shape or (1, 1)
    if given.kind != "area" or not (
        (columns == LAST_COLUMN and name != "HLOOKUP") or (rows == LAST_ROW and name != "VLOOKUP")
    ):
        return texts
    return [
        text.replace(OPEN, ENDED_OPEN) if number == position else text
        for number, text in enumerate(texts)
    ]


def refuse_blocks_from(name: str, arguments: list[Term]) -> None:
    """Refuse look-ups whose result may be a block, or that the engine takes for one cell."""
    into = arguments[0 if name == "INDEX" else 1]
    if into.kind == "line" and (is_endless(into) or name in ("VLOOKUP", "HLOOKUP")):
        raise RefusedError(ENDLESS if is_endless(into) else ONE_LINE, name=name)
    if name == "INDEX":
        line = arguments[0].shape is not None and 1 in arguments[0].shape
        if len(arguments) == 2 and arguments[0].shape is None:
            raise RefusedError(
                "INDEX of a block whose size is known only once it is computed takes a row and a"
                " column here"
            )
        if len(arguments) == 2 and not line:
            raise RefusedError(
                "INDEX with one index is computed here for a single row or column only"
            )
    if name == "XLOOKUP":
        shapes = [argument.shape for argument in arguments[1:3]]
        if not all(shape is not None and 1 in shape for shape in shapes):
            raise RefusedError("XLOOKUP is computed here between single rows or columns only")
        if len(arguments) > 4 and shapes[0] != shapes[1]:
            raise RefusedError("XLOOKUP is computed here between ranges of one length")


@lru_cache(maxsize=2**14)
def address_area(sheet: str, address: str) -> Area | None:
    """An address as an area, whole rows and columns included; None if it is a name."""
    try:
        return area(sheet, address)
    except ValueError:
        pass
    columns = re.fullmatch(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})", address)
    if columns:
        left, right = sorted(map(column_number, columns.groups()))
        return Area(sheet, 1, left, LAST_ROW, right)
    rows = re.fullmatch(r"\$?(\d+):\$?(\d+)", address)
    if rows:
        top, bottom = sorted(map(int, rows.groups()))
        return Area(sheet, top, 1, bottom, LAST_COLUMN)
    return None


@lru_cache(maxsize=2**14)
def fixed_place(address: str) -> Area | None:
    """An address that is fixed by dollar signs, and ends where it says; None for another one."""
    if not FIXED_ADDRESS.fullmatch(address):
        return None
    place = address_area("", address)
    return None if place and place.bottom == LAST_ROW else place


@lru_cache(maxsize=2**12)
def is_relative(token: str) -> bool:
    """Whether a token is a reference that is not fixed by dollar signs."""
    address = token.rpartition("!")[2]
    fixed = all(
        re.fullmatch(r"\$[A-Za-z]+\$\d+|\$[A-Za-z]+|\$\d+", corner) for corner in address.split(":")
    )
    return address_area("", address) is not None and not fixed


@lru_cache(maxsize=2**14)
def moving_corners(address: str) -> tuple[bool, bool, bool, bool]:
    """Which of top, left, bottom and right of an address move with its formula."""
    first, _, last = address.partition(":")
    corners = [re.fullmatch(r"(\$?)([A-Za-z]*)(\$?)(\d*)", part) for part in (first, last or first)]
    moves = []
    for corner in corners:
        assert corner
        column, letters, row, digits = corner.groups()
        row = row or (column if not letters else "")  # the dollar sign of a row alone
        moves.append((bool(digits) and not row, bool(letters) and not column))
    (top, left), (bottom, right) = moves
    one, other = (re.sub(r"\D", "", part) for part in (first, last or first))
    if one and int(one) > int(other):
        top, bottom = bottom, top
    one, other = (re.sub(r"[^A-Za-z]", "", part) for part in (first, last or first))
    if one and column_number(one) > column_number(other):
        left, right = right, left
    return top, left, bottom, right
