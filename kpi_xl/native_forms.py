"""Scalar KPIs as native Excel formulas: what a colleague without kpi_xl can go on computing.

The formula in a metric's record is the source. Around it stand, in the catalogue's order, what
`cells.evaluate` does: the leftmost error, text, numbers outside their domains, zero denominators,
parts above their wholes; blanks and defaults. No LET and no OR, which not all programs have, or
which do not lift over ranges.
"""

import re
from collections.abc import Mapping, Sequence

from kpi_xl.expressions import (
    LEVELS,
    NATIVE,
    ColumnConstant,
    Constant,
    ExpressionError,
    FunctionCall,
    Name,
    Node,
    Operation,
    inside,
    parse,
)
from kpi_xl.formula_text import calls
from kpi_xl.registry import Argument, Metric
from kpi_xl.units import ANY, DATE, KEY, LARGEST, LOGICAL, TEXT

LONGEST = 8_192  # characters of a formula in Excel
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:E[-+]?\d+)?", re.IGNORECASE)
TEXT_CONSTANT = re.compile(r'"(?:[^"]|"")*"')
ATOM = re.compile(r"[$\w.!]+|'[^']+'![$\w]+|\([^()]*\)|[A-Z.]+\([^()]*\)")
SUMS = re.compile(r"(?:SUM|COUNT|COUNTA|SUMIFS?|COUNTIFS?)\([^()]*\)$")
TIGHT = len(LEVELS)
SAYING = re.compile(r";\s*(?=[a-z_]+ = )")
SAID = re.compile(r",\s*(?=[a-z_]+ = )")
MORE = {"NORM.S.DIST": "_xlfn.NORM.S.DIST", "NORM.S.INV": "_xlfn.NORM.S.INV", "ROUNDUP": "ROUNDUP"}
"""Functions of our formulas that those of one's own have not, and their names in files."""
SPREAD = frozenset(("COUNT", "SUM", "AVERAGE", "MIN", "MAX", "AND", "OR"))
"""Functions that take all their arguments together: over ranges they would not lift."""


def with_native_forms(formula: str, metrics: Mapping[str, Metric]) -> str | None:
    """A formula without calls of ours, or None where one of them has no native form."""
    while True:
        found = list(calls(formula, metrics))
        if not found:
            return formula if len(formula) <= LONGEST else None
        call = found[-1]  # one within another comes after it
        native = native_form(metrics[call.name], call.arguments, metrics)
        if native is None or len(formula) > LONGEST:
            return None
        formula = formula[: call.start] + native + formula[call.end :]


def native_form(
    metric: Metric, arguments: Sequence[str], metrics: Mapping[str, Metric]
) -> str | None:
    """A call of a metric, its arguments as written, as a native formula; None where it has none."""
    tree = _tree(metric)
    if tree is None or not metric.required <= len(arguments) <= len(metric.arguments):
        return None
    if any(len(text) > LONGEST for text in arguments):  # each stands there several times
        return None
    given = [*arguments, *[""] * (len(metric.arguments) - len(arguments))]
    if any(not text and argument.required for text, argument in zip(given, metric.arguments,
                                                                     strict=True)):  # fmt: skip
        return None
    values: dict[str, str] = {}
    fallible: list[str] = []  # what may hold an error
    texts: list[str] = []
    outside: list[str] = []
    zero: list[str] = []
    for argument, text in zip(metric.arguments, given, strict=True):
        if not text:
            values[argument.name] = _constant(argument.default)
            continue
        one = text if ATOM.fullmatch(text) else f"({text})"
        if argument.arg.unit is TEXT:
            word = _word(argument, text)
            if word is None and (TEXT_CONSTANT.fullmatch(text) or not _has_words(argument)):
                return None
            values[argument.name] = (
                word or f'IF({one}="",{_constant(argument.default)},TRIM({one}))'
            )
            if word is None:
                fallible.append(text)
                no_word = "*".join(f'(TRIM({one})<>"{known}")' for known in argument.arg.words)
                texts.append(f'({one}<>"")*{no_word}')
            continue
        if NUMBER.fullmatch(text):
            values[argument.name] = text
            low, high = argument.domain.closed
            if not low <= float(text) <= high:
                return None  # an error for ever: the cell keeps it as its value
            continue
        fallible.append(text)
        texts.append(f'ISTEXT({text})*({one}<>"")')
        blank = "0" if argument.required else _constant(argument.default)
        values[argument.name] = one if SUMS.match(one) else f'IF({one}="",{blank},{one}+0)'
        outside += _outside(argument, values[argument.name])
        if argument.arg.denominator:
            zero.append(f"{values[argument.name]}=0")
    parts = [
        f"{values[metric.arguments[part].name]}>{values[metric.arguments[whole].name]}"
        for part, whole in metric.parts
    ]
    inner = _written(tree, values, metrics, 0)
    if inner is None:
        return None
    for rule in reversed(metric.rules):
        holds = _written(parse(rule), values, metrics, 0)
        inner = f"IF({holds},{inner},#NUM!)"
    checked = _refused(parts, "#NUM!", inner)
    checked = _refused(zero, "#DIV/0!", checked)
    checked = _refused(outside, "#NUM!", checked)
    checked = _refused(texts, "#VALUE!", checked)
    for one in reversed(fallible[:-1]):
        # The leftmost error; that of the last argument shows itself in the conditions.
        checked = f"IF(ISERROR({one}),{one},{checked})"
    if len(checked) > LONGEST:
        return None
    return checked if ATOM.fullmatch(checked) or checked.startswith("IF(") else f"({checked})"


def _tree(metric: Metric) -> Node | None:
    """The formula of a scalar metric, if it says all that its kernel does."""
    scalar = metric.result == "value" and not any(a.arg.column for a in metric.arguments)
    if not scalar or metric.returns in (LOGICAL,) or any(
        a.arg.unit in (DATE, KEY) for a in metric.arguments
    ):  # fmt: skip
        return None
    try:
        tree = _whole(metric.formula)
    except ExpressionError:
        return None
    used = {node.name for node in inside(tree) if isinstance(node, Name)}
    return tree if used == {argument.name for argument in metric.arguments} else None


def _whole(formula: str) -> Node:
    """The tree of a formula, with what it says after a semicolon put in: `a / n; n = b + c`.

    Raises ExpressionError.
    """
    head, *more = SAYING.split(formula, maxsplit=1)
    rest = more[0] if more else ""
    known: dict[str, Node] = {}
    # What is said later may stand in what was said before it.
    for given in reversed(SAID.split(rest) if rest else []):
        name, equals, text = given.partition("=")
        if not equals:
            raise ExpressionError('"{text}" says nothing', text=given.strip())
        known[name.strip()] = _put_in(parse(text), known)
    return _put_in(parse(head), known)


def _put_in(node: Node, known: Mapping[str, Node]) -> Node:
    """A tree with other trees in place of names."""
    if isinstance(node, Name):
        return known.get(node.name, node)
    if isinstance(node, Operation):
        return Operation(node.sign, tuple(_put_in(one, known) for one in node.operands))
    if isinstance(node, FunctionCall):
        return FunctionCall(
            node.name,
            tuple(None if one is None else _put_in(one, known) for one in node.arguments),
        )
    return node


def _refused(conditions: Sequence[str], code: str, otherwise: str) -> str:
    """A formula that shows an error where one of the conditions holds."""
    if not conditions:
        return otherwise
    if len(conditions) == 1:  # it may be logical, and TRUE and FALSE are both greater than 0
        return f"IF({conditions[0]},{code},{otherwise})"
    return f"IF({'+'.join(f'({one})' for one in conditions)}>0,{code},{otherwise})"


def _outside(argument: Argument, value: str) -> list[str]:
    """The conditions under which a number is not in its argument's domain."""
    domain = argument.domain
    if domain == ANY:
        return []
    conditions = []
    if domain.low > -LARGEST:
        # A denominator of 0 is another error, and comes later.
        strict = domain.open_low and not (argument.arg.denominator and domain.low == 0.0)
        conditions.append(f"{value}{'<=' if strict else '<'}{_constant(domain.low)}")
    if domain.high < LARGEST:
        conditions.append(f"{value}{'>=' if domain.open_high else '>'}{_constant(domain.high)}")
    if domain.whole:
        conditions.append(f"INT({value})<>{value}")
    return conditions


def _has_words(argument: Argument) -> bool:
    return bool(argument.arg.words) and not argument.required


def _word(argument: Argument, text: str) -> str | None:
    """An option word that is written as a constant, as the kernel compares it."""
    if not TEXT_CONSTANT.fullmatch(text):
        return None
    given = text[1:-1].strip().lower()
    if argument.arg.words:
        return next((f'"{word}"' for word in argument.arg.words if word.lower() == given), None)
    return text


def _constant(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, str):
        return '"{}"'.format(value.replace('"', '""'))
    return "-1E+300"  # nothing given is less than any number: no target is below it


def _written(
    node: Node, values: Mapping[str, str], metrics: Mapping[str, Metric], level: int
) -> str | None:
    """A node as Excel's text, in brackets where what is around it binds more than it does."""
    if isinstance(node, Constant):
        if isinstance(node.value, bool):
            return str(node.value).upper()
        return _constant(node.value)
    if isinstance(node, Name):
        return values[node.name]
    if isinstance(node, ColumnConstant):
        return None
    if isinstance(node, FunctionCall):
        return _call(node, values, metrics)
    if node.sign in ("u-", "%"):
        (operand,) = node.operands
        text = _written(operand, values, metrics, TIGHT)
        return None if text is None else f"-{text}" if node.sign == "u-" else f"{text}%"
    own = next(number for number, signs in enumerate(LEVELS) if node.sign in signs)
    left = _written(node.operands[0], values, metrics, own)
    right = _written(node.operands[1], values, metrics, own + 1)
    if left is None or right is None:
        return None
    text = f"{left}{node.sign}{right}"
    if own < level and node.sign == "-" and _is_sum(node):
        # Of what cancels but for its last digits Excel makes 0 only outside brackets, and elsewhere
        # only where it compares.
        return f"IF({left}={right},0,{text})"
    return f"({text})" if own < level else text


def _is_sum(node: Node) -> bool:
    """Whether a node is short enough to be written twice: names and numbers, added up."""
    if isinstance(node, Operation):
        return node.sign in ("+", "-") and all(map(_is_sum, node.operands))
    return isinstance(node, Name | Constant)


def _call(
    node: FunctionCall, values: Mapping[str, str], metrics: Mapping[str, Metric]
) -> str | None:
    texts = []
    for one in node.arguments:
        text = "" if one is None else _written(one, values, metrics, 0)
        if text is None:
            return None
        texts.append(text)
    if node.name in metrics:
        return native_form(metrics[node.name], texts, metrics)
    if node.name in MORE:
        return f"{MORE[node.name]}({','.join(texts)})"
    if node.name not in NATIVE or node.name in SPREAD:
        return None
    return f"{node.name}({','.join(texts)})"
