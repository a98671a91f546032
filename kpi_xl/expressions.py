"""Formulas of a company's own KPIs: read by a parser of ours, computed as Excel computes them.

The language is Excel's: numbers, texts in quotation marks, `+ - * / ^ % &`, comparisons, brackets,
a dozen native functions, and calls of KPIs. What is read is a tree of records; nothing of it is
ever run as code, and both its size and its depth are bounded.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any

from kpi_xl.errors import KpiError, OutOfDomain, WrongInput, ZeroDenominator
from kpi_xl.locales import FaultError, Message
from kpi_xl.units import same, summed

LONGEST = 2_000  # characters of a formula
DEEPEST, MOST = 40, 120  # levels of brackets and calls; operations and calls in all

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)
    | (?P<text>"(?:[^"]|"")*")
    | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<sign><=|>=|<>|[-+*/^%&=<>(),{};])
    )""",
    re.VERBOSE,
)


class ExpressionError(FaultError):
    """A formula that cannot be read, with the sentence that says why."""


@dataclass(frozen=True)
class Constant:
    """A number, a text, TRUE or FALSE."""

    value: float | str | bool


@dataclass(frozen=True)
class Name:
    """An argument of the KPI."""

    name: str


@dataclass(frozen=True)
class ColumnConstant:
    """A column of constants, `{1;2;3}`: only examples have them."""

    values: tuple[float | str | bool, ...]


@dataclass(frozen=True)
class Operation:
    """A sign between its operands, or before the only one (`u-`), or after it (`%`)."""

    sign: str
    operands: tuple["Node", ...]


@dataclass(frozen=True)
class FunctionCall:
    """A function by its name in capitals, with its arguments; None is one left out."""

    name: str
    arguments: tuple["Node | None", ...]


Node = Constant | Name | ColumnConstant | Operation | FunctionCall
Value = float | str | bool | list[Any] | None

# From the loosest to the tightest, as Excel has it: a sign before a number binds more than ^.
LEVELS = (("=", "<>", "<", "<=", ">", ">="), ("&",), ("+", "-"), ("*", "/"), ("^",))


def parse(text: str) -> Node:
    """The tree of a formula, with or without `=` before it. Raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(
            "it has {number} characters; {most} are the most", number=len(text), most=LONGEST
        )
    reader = _ExpressionReader(text.strip().removeprefix("="))
    node = reader.level(0)
    if reader.next is not None:
        raise ExpressionError(
            '"{text}" is not expected after "{before}"', text=reader.next[1], before=reader.before()
        )
    return node


class _ExpressionReader:
    """The tokens of a formula, and what has been read of them."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth, self.made = text, 0, 0, 0
        self.next: tuple[str, str] | None = None
        self.advance()

    def before(self) -> str:
        return self.text[: self.place].rstrip()[-20:]

    def advance(self) -> tuple[str, str] | None:
        """Take the next token, and look at the one after it."""
        taken = self.next
        if not self.text[self.place :].strip():
            self.next, self.place = None, len(self.text)
            return taken
        found = TOKEN.match(self.text, self.place)
        if found is None:
            rest = self.text[self.place :].strip()
            raise ExpressionError('"{text}" has no meaning in a formula of a KPI', text=rest[0])
        self.place = found.end()
        self.next = (str(found.lastgroup), found[str(found.lastgroup)])
        return taken

    def take(self, sign: str) -> bool:
        if self.next == ("sign", sign):
            self.advance()
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            found = f'"{self.next[1]}"' if self.next else Message("the end")
            raise ExpressionError(
                '"{sign}" is expected where {found} stands', sign=sign, found=found
            )

    def level(self, number: int) -> Node:
        if number == len(LEVELS):
            return self.signed()
        node = self.level(number + 1)
        while self.next and self.next[0] == "sign" and self.next[1] in LEVELS[number]:
            sign = self.next[1]
            self.advance()
            node = self.counted(Operation(sign, (node, self.level(number + 1))))
        return node

    def counted(self, node: Node) -> Node:
        self.made += 1
        if self.made > MOST:
            raise ExpressionError("it has more than {most} operations", most=MOST)
        return node

    def signed(self) -> Node:
        signs: list[str] = []
        while self.next in (("sign", "-"), ("sign", "+")):
            signs.append(self.next[1])
            self.advance()
        node = self.primary()
        while self.take("%"):
            node = self.counted(Operation("%", (node,)))
        for sign in signs:
            if sign == "-":
                node = self.counted(Operation("u-", (node,)))
        return node

    def primary(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError("it is nested deeper than {most} levels", most=DEEPEST)
        node = self.atom()
        self.depth -= 1
        return node

    def atom(self) -> Node:
        if self.take("("):
            node = self.level(0)
            self.expect(")")
            return node
        if self.take("{"):
            return self.column()
        token = self.advance()
        if token is None:
            raise ExpressionError("it ends where a value is expected")
        kind, text = token
        if kind == "number":
            if not isfinite(float(text)):
                raise ExpressionError("{text} is too large for a cell", text=text)
            return Constant(float(text))
        if kind == "text":
            return Constant(text[1:-1].replace('""', '"'))
        if kind == "sign":
            raise ExpressionError('a value is expected where "{text}" stands', text=text)
        if self.take("("):
            return self.counted(FunctionCall(text.upper(), tuple(self.arguments())))
        if text.upper() in ("TRUE", "FALSE"):
            return Constant(text.upper() == "TRUE")
        if "." in text:
            raise ExpressionError('"{text}" is no name: a formula has no attributes', text=text)
        return Name(text.lower())

    def arguments(self) -> Iterator[Node | None]:
        if self.take(")"):
            return
        while True:
            if self.next in (("sign", ","), ("sign", ")")):
                yield None
            else:
                yield self.level(0)
            if self.take(")"):
                return
            self.expect(",")

    def column(self) -> ColumnConstant:
        values: list[float | str | bool] = []
        while True:
            node = self.signed()
            if isinstance(node, Operation) and node.sign == "u-":
                (inner,) = node.operands
                node = Constant(-_number(inner.value)) if isinstance(inner, Constant) else inner
            if not isinstance(node, Constant):
                raise ExpressionError("a column in braces holds constants only")
            values.append(node.value)
            if self.take("}"):
                return ColumnConstant(tuple(values))
            self.expect(";")


def inside(node: Node | None) -> Iterator[Node]:
    """A node and all that it is made of."""
    if node is None:
        return
    yield node
    below: Sequence[Node | None] = ()
    if isinstance(node, Operation):
        below = node.operands
    elif isinstance(node, FunctionCall):
        below = node.arguments
    for one in below:
        yield from inside(one)


# Computing


def compute(node: Node, names: Mapping[str, Any], call: Callable[[str, list[Value]], Value]) -> Any:
    """The value of a formula over its arguments; `call` computes a KPI. Raises KpiError."""
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Name):
        return names[node.name]
    if isinstance(node, ColumnConstant):
        return list(node.values)
    if isinstance(node, Operation):
        return _operation(node, [compute(one, names, call) for one in node.operands])
    if node.name == "IF":
        return _if(node, names, call)
    if node.name == "IFERROR":
        try:
            return compute(_given(node, 0), names, call)
        except KpiError:
            return compute(_given(node, 1), names, call)
    values = [None if one is None else compute(one, names, call) for one in node.arguments]
    if node.name in NATIVE:
        return NATIVE[node.name].compute(values)
    return call(node.name, values)


def _given(node: FunctionCall, place: int) -> Node:
    """An argument that is needed."""
    found = node.arguments[place] if place < len(node.arguments) else None
    return Constant(0.0) if found is None else found


def _if(
    node: FunctionCall, names: Mapping[str, Any], call: Callable[[str, list[Value]], Value]
) -> Any:
    holds = _truth(compute(_given(node, 0), names, call))
    if not holds and len(node.arguments) == 2:
        return False
    return compute(_given(node, 1 if holds else 2), names, call)


def _operation(node: Operation, values: list[Any]) -> Any:
    sign = node.sign
    if sign in LEVELS[0]:
        return _compared(sign, _single(values[0]), _single(values[1]))
    if sign == "&":
        return "".join(map(_as_text, values))
    numbers = [_number(value) for value in values]
    if sign == "u-":
        return -numbers[0]
    if sign == "%":
        return numbers[0] / 100.0
    left, right = numbers
    try:
        result = ARITHMETIC[sign](left, right)
    except OverflowError:
        raise OutOfDomain("a step of the formula is too large for a cell") from None
    if not isfinite(result):
        raise OutOfDomain("a step of the formula is too large for a cell")
    return result


def _added(left: float, right: float) -> float:
    """A sum; what cancels but for its last digits is 0, as Excel shows it: 0.1 + 0.2 - 0.3."""
    return 0.0 if same(left, -right) else left + right


def _divided(left: float, right: float) -> float:
    if right == 0.0:
        raise ZeroDenominator("the formula divides by 0")
    return left / right


def _raised(base: float, exponent: float) -> float:
    if base == 0.0 and exponent < 0.0:
        raise ZeroDenominator("the formula divides by a power of 0")
    if (base == 0.0 and exponent == 0.0) or (base < 0.0 and exponent != int(exponent)):
        raise OutOfDomain("{base} ^ {exponent} has no value", base=base, exponent=exponent)
    return float(base**exponent)


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": _added,
    "-": lambda a, b: _added(a, -b),
    "*": lambda a, b: a * b,
    "/": _divided,
    "^": _raised,
}


def _single(value: Any) -> Any:
    if isinstance(value, list):
        raise WrongInput("a column stands where one value is needed")
    return 0.0 if value is None else value


def _number(value: Any) -> float:
    value = _single(value)
    if isinstance(value, str):
        raise WrongInput('the text "{text}" stands where a number is needed', text=value[:40])
    return float(value)


def _truth(value: Any) -> bool:
    return bool(_number(value))


def _as_text(value: Any) -> str:
    value = _single(value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return value
    text = f"{value + 0.0:.15g}"  # which has no -0
    if "e" in text:
        raise OutOfDomain("{number} has a text of its own in each program: ROUND it", number=text)
    return text


def _compared(sign: str, left: Any, right: Any) -> bool:
    """As Excel does: numbers below texts below logical values, 15 digits, no capitals."""

    def order(value: Any) -> tuple[int, Any]:
        if isinstance(value, bool):
            return 2, value
        return (1, value.lower()) if isinstance(value, str) else (0, float(f"{value:.15g}"))

    one, other = order(left), order(right)
    return {
        "=": one == other, "<>": one != other, "<": one < other,
        "<=": one <= other, ">": one > other, ">=": one >= other,
    }[sign]  # fmt: skip


# The native functions


def _numbers(values: Sequence[Value]) -> list[float]:
    """The numbers of all arguments; texts and logical values of columns do not count."""
    numbers: list[float] = []
    for value in values:
        if isinstance(value, list):
            numbers += [one for one in value if type(one) in (float, int)]
        else:
            numbers.append(_number(value))
    return numbers


def _rounded(values: Sequence[Value]) -> float:
    number, digits = _number(values[0]), int(_number(values[1]))
    if abs(digits) > 308:
        return number if digits > 0 else 0.0
    exact = Decimal(f"{number:.15g}")
    if digits > -exact.as_tuple().exponent:  # type: ignore[operator]
        return number
    return float(exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))


def _mean(values: Sequence[Value]) -> float:
    numbers = _numbers(values)
    if not numbers:
        raise ZeroDenominator("AVERAGE has no numbers")
    return summed(numbers) / len(numbers)


def _root(values: Sequence[Value]) -> float:
    number = _number(values[0])
    if number < 0.0:
        raise OutOfDomain("SQRT of {number} has no value", number=number)
    return float(number**0.5)


@dataclass(frozen=True)
class Native:
    """A native function: how many arguments it takes, and whether these may be columns."""

    least: int
    most: int
    compute: Callable[[list[Any]], Any]
    columns: bool = False


NATIVE: dict[str, Native] = {
    "IF": Native(2, 3, lambda values: values),  # it and IFERROR compute only what they need
    "IFERROR": Native(2, 2, lambda values: values),
    "AND": Native(1, 30, lambda values: all(list(map(_truth, values)))),
    "OR": Native(1, 30, lambda values: any(list(map(_truth, values)))),
    "NOT": Native(1, 1, lambda values: not _truth(values[0])),
    "ABS": Native(1, 1, lambda values: abs(_number(values[0]))),
    "ROUND": Native(2, 2, _rounded),
    "SQRT": Native(1, 1, _root),
    "MIN": Native(1, 30, lambda values: min(_numbers(values), default=0.0), columns=True),
    "MAX": Native(1, 30, lambda values: max(_numbers(values), default=0.0), columns=True),
    "SUM": Native(1, 30, lambda values: summed(_numbers(values)), columns=True),
    "AVERAGE": Native(1, 30, _mean, columns=True),
    "COUNT": Native(1, 30, lambda values: float(len(_numbers(values))), columns=True),
}
