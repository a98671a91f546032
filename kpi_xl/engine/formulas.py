"""Formulas, rewritten into what the embedded engine computes rightly, or refused.

The engine reads neither table references with items, nor names of table columns, nor the prefixes
that Excel stores; it cannot tell an omitted argument from 0; and some functions it computes
wrongly without a word. So each formula is read here, and what comes out is plain A1 formulas of
proven functions.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce, wraps
from typing import Any, NamedTuple, TypeVar

import formualizer

from kpi_xl.engine import kinds, native
from kpi_xl.engine.constants import Constants, Known
from kpi_xl.engine.forms import (
    argument_text,
    call_text,
    is_of_days,
    nested_totals,
    parameters,
    plain_lookup,
    ranges_that_end,
    refuse_blocks_from,
    refuse_other_shapes,
    result_kinds,
    several_errors,
    sorted_ranges,
    unknown_function,
    with_ends,
)
from kpi_xl.engine.names import (
    CLOSE,
    CRITERION,
    DOUBT,
    ENDED_OPEN,
    FROM_1,
    GUARD,
    HELD_OPEN,
    HOLE,
    OMITTED,
    OPEN,
    OURS,
    PLACE,
    WHOLE,
)
from kpi_xl.engine.places import (
    address_area,
    fixed_place,
    is_relative,
    moving_corners,
)
from kpi_xl.engine.terms import (
    BINDING,
    EMPTY,
    ENDLESS,
    FIXED,
    LOST,
    NUMERIC,
    ONE,
    Check,
    Crossed,
    Kind,
    Reference,
    RefusedError,
    Term,
    UnknownError,
    broadcast,
    computed,
    handed_over,
    handing,
    held,
    is_endless,
    is_literal,
    joined,
    kinds_of_array,
    literal,
    literal_value,
    refuse_endless,
    size,
    together,
)
from kpi_xl.locales import Message
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import LAST_COLUMN, LAST_ROW, Area
from kpi_xl.ooxml.package import ExcelTable, Formula, Package
from kpi_xl.reference import did_you_mean
from kpi_xl.registry import Metric
from kpi_xl.units import TABLE, TEXT

ONE_CELL_ONLY = (
    "it computes with a block, but is stored as a formula of one cell, where Excel takes"
    " only a part of it: enter it as a dynamic array formula"
)
CIRCLE = Message("it depends on itself: a circular reference")
MOST_NAMES = 20  # one within the other
LONGEST = 50_000  # characters of a part of a formula
MOST_KNOWN = 2**14  # formulas of several workbooks, some 2 KB each
LONGEST_KNOWN = 5_000  # characters; names may stand for much
MOST_ALIKE = 4  # workbooks in which one means something else
PREFIX_BINDING = 6  # Excel's minus binds before the power: -2^2 is 4
PREFIXES = re.compile(r"^(_xlfn\.|_xlws\.|_xludf\.|_xldudf_)+", re.IGNORECASE)

KNOWN: dict[tuple[str, str | None, bool, bool], tuple[tuple["Answers", "Term"], ...]] = {}
"""What was read of formulas, by text, sheet, whether there is a workbook, and whether they are
stored for one cell, for these answers."""

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
        letters = parameters(name, len(arguments))
        if name == "AGGREGATE":
            self.refuse_aggregates(arguments)
        if name in native.LOOK_INTO_RANGES and any(given.text == LOST for given in arguments):
            return self.lost(name, arguments, term)
        texts, checks = [], [*term.checks]
        lifts, lifting = False, "lct" if name in native.LIFTED else "lc"
        for position, (letter, given) in enumerate(zip(letters, arguments, strict=True)):
            if given is EMPTY and position in native.LEFT_OUT.get(name, ()):
                texts.append(f'"{OMITTED}"')
                continue
            self.refuse_forms(name, letter, given)
            proven = self.proven_argument(name, position, letter, arguments)
            lifts = lifts or (letter in lifting and given.is_block)
            if lifts and self.mode != "whole" and (name != "IF" or position == 0):
                raise RefusedError(ONE_CELL_ONLY)
            texts.append(argument_text(name, position, letter, proven))
            checks += proven.checks[len(given.checks) :]
        refuse_other_shapes(name, letters, arguments)
        checks += several_errors(name, letters, arguments)
        checks += [*sorted_ranges(name, arguments), *nested_totals(name, arguments)]
        ends = ranges_that_end(name, arguments, texts)
        if name in ("INDEX", "XLOOKUP", "VLOOKUP", "HLOOKUP"):
            refuse_blocks_from(name, arguments)
            texts = with_ends(name, arguments, texts)
        over = broadcast(a for a, x in zip(arguments, letters, strict=True) if x in lifting)
        endless = [given for given in arguments if is_endless(given)]
        if endless and lifts and name not in native.KEEP_BLANKS:
            raise RefusedError(ENDLESS)
        text = call_text(name, arguments, texts)
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

    def proven_argument(self, name: str, position: int, letter: str, arguments: list[Term]) -> Term:
        """An argument whose values are of kinds that the function is proven for."""
        given = arguments[position]
        if letter == "q":
            return self.criterion(given, arguments[position - 1], name)
        if name in native.PLACES:
            return given  # what stands there is not looked at
        allowed = native.proven(name, position, letter, given.kind != "value")
        if name in native.PICKS and position == 0 and not is_literal(arguments[1]):
            allowed &= ~kinds.ANY_ERROR
        return self.proven(given, allowed, name)

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


@lru_cache(maxsize=1024)
def function_name(text: str) -> str:
    """A function as people write it: without the prefixes that files have."""
    return PREFIXES.sub("", text.rpartition("!")[2]).upper()
