"""Formulas as mathematics is set: fractions, powers, roots, in elements of MathML.

An element is a list: its name, then its text or its elements; so it is JSON, and no host has to
take text for markup.
"""

from typing import Any

from kpi_xl.expressions import (
    ColumnConstant,
    Constant,
    ExpressionError,
    FunctionCall,
    Name,
    Node,
    Operation,
    parse,
)

Element = list[Any]

SIGNS = {"*": "×", "-": "−", "<=": "≤", ">=": "≥", "<>": "≠"}
BINDS = {"^": 5, "u-": 4, "%": 4, "*": 3, "/": 3, "+": 2, "-": 2, "&": 1}
"""How strongly a sign binds; a comparison binds the least."""


def typeset(formula: str) -> Element | None:
    """A formula as MathML; None for one that is in words."""
    try:
        return ["mrow", *_row(parse(formula))]
    except ExpressionError:
        return None


def _row(node: Node) -> list[Element]:
    """The elements of a node, side by side."""
    match node:
        case Constant(bool(value)):
            return [["mi", str(value).upper()]]
        case Constant(float(value)):
            return [["mn", f"{value:g}"]]
        case Constant(value):
            return [["mtext", f'"{value}"']]
        case Name(name):
            return [["mi", name]]
        case ColumnConstant(values):
            return [["mtext", "{" + ";".join(map(str, values)) + "}"]]
        case FunctionCall(name, given):
            return _call(name, [_row(one) if one else [["mtext", ""]] for one in given])
        case Operation(sign, operands):
            return _operation(sign, operands)


def _call(name: str, given: list[list[Element]]) -> list[Element]:
    if name == "SQRT":
        return [["msqrt", *given[0]]]
    if name == "ABS":
        return [["mo", "|"], *given[0], ["mo", "|"]]
    inside: list[Element] = []
    for place, one in enumerate(given):
        inside += [*([["mo", ","]] if place else []), *one]
    return [["mi", name], ["mo", "("], *inside, ["mo", ")"]]


def _operation(sign: str, operands: tuple[Node, ...]) -> list[Element]:
    if sign == "/":
        return [["mfrac", *(["mrow", *_row(one)] for one in operands)]]
    if sign == "^":
        base, power = operands
        return [["msup", ["mrow", *_within(base, sign)], ["mrow", *_row(power)]]]
    shown = ["mo", SIGNS.get(sign, sign)]
    if sign == "u-":
        return [["mo", "−"], *_within(operands[0], sign)]
    if sign == "%":
        return [*_within(operands[0], sign), shown]
    left, right = operands
    # What stands behind a minus is another sum.
    return [*_within(left, sign), shown, *_within(right, sign, alike=sign != "-")]


def _within(node: Node, sign: str, *, alike: bool = True) -> list[Element]:
    """An operand, in brackets where its sign binds less; a fraction needs them in powers only."""
    row = _row(node)
    if not isinstance(node, Operation) or (node.sign == "/" and sign != "^"):
        return row
    inner, outer = BINDS.get(node.sign, 0), BINDS.get(sign, 0)
    if inner > outer or (inner == outer and alike and sign != "^"):
        return row
    return [["mo", "("], *row, ["mo", ")"]]
