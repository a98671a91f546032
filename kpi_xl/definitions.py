"""A company's KPI as data: what kpis.toml says of it, read and judged.

A definition has a formula over its arguments and other KPIs, units, a source, an example and help.
What is wrong with it is a DefinitionError, which names the key.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

from kpi_xl.expressions import (
    MOST,
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
from kpi_xl.locales import LANGUAGES, FaultError, Message, Names, Said
from kpi_xl.registry import METRICS, Arg, Argument
from kpi_xl.taken_names import VBA_WORDS
from kpi_xl.units import (
    AVERAGE,
    COUNT,
    DATE,
    DAYS,
    LARGEST,
    LOGICAL,
    MONEY,
    PERIODS,
    PROBABILITY,
    RATE,
    RATIO,
    SCORE,
    SECONDS,
    TEXT,
    VALUE,
    Unit,
)

MOST_ARGUMENTS = 30

KEYS = {"formula", "returns", "source", "example", "arguments", "help", "better"}
BETTER = ("higher", "lower")
ARGUMENT_KEYS = {"unit", "help", "default"}
UNITS = {
    unit.name: unit
    for unit in (
        *(MONEY, COUNT, RATE, RATIO, AVERAGE, PROBABILITY, SCORE, SECONDS, DAYS, PERIODS, VALUE),
        *(DATE, TEXT),
    )
}
RESULTS = UNITS | {"LOGICAL": LOGICAL}

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e]")
LONGEST_TEXT = 2_000  # characters of a help or a source


class DefinitionError(FaultError):
    """A definition that cannot count: the key in it, and the sentence."""

    def __init__(self, key: str, template: str, /, **fields: Any) -> None:
        super().__init__(template, **fields)
        self.key = key


class DefinedTwiceError(DefinitionError):
    """A definition of a name that has another one."""


@dataclass(frozen=True)
class Definition:
    """One KPI as it stands in a file; `tree` is its formula."""

    name: str
    file: str
    formula: str
    tree: Node
    returns: Unit
    source: str
    example: tuple[str, Any]
    arguments: tuple[Argument, ...]
    help: Mapping[str, str]
    lower: bool


def definition_of(name: str, fields: Any, file: str) -> Definition:
    """A definition as its keys have it. Raises DefinitionError."""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,59}", name):
        raise DefinitionError("", "a name has capitals, digits and _, and begins with a capital")
    if not isinstance(fields, dict):
        raise DefinitionError("", "a definition is a table of keys")
    for key in fields:
        if key not in KEYS:
            raise DefinitionError(
                key, "there is no such key; there are {names}", names=Names(sorted(KEYS), ", ")
            )
    formula = _said(fields, "formula")
    try:
        tree = parse(formula)
    except ExpressionError as error:
        raise DefinitionError("formula", error.sentence) from None
    units = _table(fields, "arguments")
    if not 1 <= len(units) <= MOST_ARGUMENTS:
        raise DefinitionError("arguments", "a KPI has 1 to {most} arguments", most=MOST_ARGUMENTS)
    columns = _columns(tree)
    help_texts = _help(fields.get("help", {}), "help")
    better = fields.get("better", "higher")
    if better not in BETTER:
        raise DefinitionError("better", "write {words}", words=Names(BETTER, "or"))
    return Definition(
        name=name,
        file=file,
        formula=formula.strip().removeprefix("="),
        tree=tree,
        returns=_unit(fields.get("returns"), RESULTS, "returns"),
        source=_said(fields, "source"),
        example=_example(fields.get("example")),
        arguments=_arguments(units, tree, columns),
        help=help_texts,
        lower=better == "lower",
    )


def _arguments(
    units: Mapping[str, Any], tree: Node, columns: frozenset[str]
) -> tuple[Argument, ...]:
    used = {node.name for node in inside(tree) if isinstance(node, Name)}
    for name in sorted(used - units.keys()):
        raise DefinitionError(
            "formula",
            "{name} is none of the arguments ({names})",
            name=name,
            names=Names(tuple(units), ", "),
        )
    made: list[Argument] = []
    for name, given in units.items():
        key = f"arguments.{name}"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name in VBA_WORDS:
            raise DefinitionError(key, "an argument has small letters, digits and _, and is no"
                                  " word of VBA")  # fmt: skip
        if iskeyword(name):
            raise DefinitionError(key, "{name} is a word of Python: call it {name}_", name=name)
        if name not in used:
            raise DefinitionError(key, "the formula does not use it")
        if not isinstance(given, dict) or not given.keys() <= ARGUMENT_KEYS:
            raise DefinitionError(
                key, "its keys are {names}", names=Names(sorted(ARGUMENT_KEYS), ", ")
            )
        unit = _unit(given.get("unit"), UNITS, f"{key}.unit")
        texts = _help(given.get("help", {}), f"{key}.help")
        default = given.get("default")
        if default is not None:
            text = unit is TEXT
            fits = isinstance(default, str) if text else is_number(default)
            if not fits:
                raise DefinitionError(f"{key}.default", "it does not fit the unit")
            default = default if text else float(default)
        elif made and not made[-1].required:
            raise DefinitionError(key, "it follows one that has a default, so it needs one too")
        english = texts.get("en") or next(iter(texts.values()), name.replace("_", " "))
        column = name in columns
        arg = Arg(english, unit, column=column, logical=column, translated=texts)
        made.append(Argument(name, arg, default is None, default))
    return tuple(made)


def _columns(tree: Node) -> frozenset[str]:
    """The arguments that stand where a whole column does: alone in SUM, or in a KPI's column."""
    found: set[str] = set()
    single: set[str] = set()
    for node in inside(tree):
        below: Iterable[Node | None] = ()
        if isinstance(node, Operation):
            below = node.operands
            taken = [False] * len(node.operands)
        elif isinstance(node, FunctionCall):
            below = node.arguments
            taken = [_takes_column(node, place) for place in range(len(node.arguments))]
        for one, column in zip(below, taken if below else (), strict=False):
            if isinstance(one, Name):
                (found if column else single).add(one.name)
    both = sorted(found & single)
    if both:
        raise DefinitionError(
            "formula", "{name} stands for a column and for one value", name=both[0]
        )
    return frozenset(found)


def _takes_column(call: FunctionCall, place: int) -> bool:
    if call.name in NATIVE:
        # MIN(a, b) is of two values, MIN(a) of a column.
        return NATIVE[call.name].columns and (len(call.arguments) == 1 or (call.name != "MIN"
                                              and call.name != "MAX"))  # fmt: skip
    known = METRICS.get(call.name)
    return bool(known and place < len(known.arguments) and known.arguments[place].arg.column)


def _said(fields: Mapping[str, Any], key: str) -> str:
    text = fields.get(key)
    if not isinstance(text, str) or not text.strip():
        raise DefinitionError(key, "it is missing: write a text")
    return _in_one_line(text, key)


def _in_one_line(text: str, key: str) -> str:
    """A text without ends of lines, which cells and pages show. Raises DefinitionError."""
    text = " ".join(text.split())
    if CONTROLS.search(text):
        raise DefinitionError(key, "it holds control characters")
    if len(text) > LONGEST_TEXT:
        raise DefinitionError(key, "it has more than {most} characters", most=LONGEST_TEXT)
    return text


def _table(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = fields.get(key)
    if not isinstance(found, dict):
        raise DefinitionError(
            key, 'it is missing: write {key}.<name> = {{unit = "MONEY"}}', key=key
        )
    return found


def _unit(name: Any, units: Mapping[str, Unit], key: str) -> Unit:
    unit = units.get(name.upper()) if isinstance(name, str) else None
    if unit is None:
        raise DefinitionError(key, "write one of {names}", names=Names(tuple(units), ", "))
    return unit


def _help(texts: Any, key: str) -> dict[str, str]:
    texts = {"en": texts} if isinstance(texts, str) else texts
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise DefinitionError(key, 'write a text, or {en = "...", ru = "..."}')
    for code in texts:
        if code not in LANGUAGES:
            raise DefinitionError(
                key,
                "there is no language {language}; there are {names}",
                language=code,
                names=Names(tuple(LANGUAGES), ", "),
            )
    return {code: _in_one_line(text, f"{key}.{code}") for code, text in texts.items()}


def _example(given: Any) -> tuple[str, Any]:
    if (
        not isinstance(given, list)
        or len(given) != 2
        or not isinstance(given[0], str)
        or not (isinstance(given[1], str | bool) or is_number(given[1]))
    ):
        raise DefinitionError("example", 'write ["=NAME(1,2)", 3]: a formula and its result')
    value = given[1]
    return given[0], float(value) if type(value) is int else value


def is_number(value: Any) -> bool:
    """Whether a value is a number that a cell can hold."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and -LARGEST <= value <= LARGEST


def judge_calls(definition: Definition) -> None:
    """Whether what the formula calls is there, and is given the arguments that it takes.

    Raises DefinitionError.
    """
    for node in inside(definition.tree):
        if isinstance(node, ColumnConstant):
            raise DefinitionError("formula", "a column of constants is for examples")
        if not isinstance(node, FunctionCall):
            continue
        native, known = NATIVE.get(node.name), METRICS.get(node.name)
        if native is None and known is None:
            raise DefinitionError("formula", "there is no function {name}", name=node.name)
        if known is not None and known.result != "value":
            raise DefinitionError("formula", "{name} gives more than one value", name=node.name)
        least = native.least if native else known.required  # type: ignore[union-attr]
        most = native.most if native else len(known.arguments)  # type: ignore[union-attr]
        if not least <= len(node.arguments) <= most:
            raise DefinitionError(
                "formula",
                "{name} takes {least} to {most} arguments, not {number}",
                name=node.name,
                least=least,
                most=most,
                number=len(node.arguments),
            )


# Units: what may be added, and what comes out. A count has no dimension; None is not known.

Dimension = tuple[int, str]
"""The power of money, and what kind of plain number it is: "counts", "rates", or ""."""

KINDS_OF_NUMBER = {
    "COUNT": Message("counts"),
    "RATE": Message("rates"),
    "PROBABILITY": Message("rates"),
    "SECONDS": Message("seconds"),
    "DAYS": Message("days"),
    "PERIODS": Message("periods"),
}


def _dimension(unit: Unit) -> Dimension | None:
    if unit in (VALUE, TEXT, LOGICAL, DATE):
        return None
    return (1 if unit is MONEY else 0, KINDS_OF_NUMBER.get(unit.name, ""))


def judge_units(definition: Definition) -> None:
    """Whether the formula gives money where it says so. Raises DefinitionError."""
    found = _measured(definition.tree, {a.name: a.arg.unit for a in definition.arguments})
    wanted = _dimension(definition.returns)
    if found is not None and wanted is not None and found[0] != wanted[0]:
        what = Message("money ^ {power}", power=found[0])
        if found[0] in (0, 1):
            what = Message("money" if found[0] else "no money")
        raise DefinitionError(
            "returns",
            "it says {name}, and the formula gives {what}",
            name=definition.returns.name,
            what=what,
        )


def _measured(node: Node | None, units: Mapping[str, Unit]) -> Dimension | None:
    """The dimension of a formula. Raises DefinitionError where unlike things are added."""
    if node is None or isinstance(node, Constant | ColumnConstant):
        return None  # a number that is written may be of any kind
    if isinstance(node, Name):
        return _dimension(units[node.name])
    if isinstance(node, Operation):
        return _of_operation(node, [_measured(one, units) for one in node.operands])
    parts = [_measured(one, units) for one in node.arguments]
    known = METRICS.get(node.name)
    if known is not None:
        for argument, part, given in zip(known.arguments, parts, node.arguments, strict=False):
            wanted = _dimension(argument.arg.unit)
            if part and wanted and part[0] != wanted[0] and not isinstance(given, Constant):
                raise DefinitionError(
                    "formula",
                    "{name} takes {unit} as {argument}",
                    name=node.name,
                    unit=Said(argument.arg.unit.meaning, "units"),
                    argument=argument.name,
                )
        return _dimension(known.returns)
    if node.name == "IF":
        return _alike(parts[1:], node.name)
    if node.name in ("MIN", "MAX", "SUM", "AVERAGE", "IFERROR"):
        return _alike(parts, node.name)
    return parts[0] if node.name in ("ROUND", "ABS") else (0, "") if node.name == "COUNT" else None


def _of_operation(node: Operation, parts: list[Dimension | None]) -> Dimension | None:
    if node.sign in ("u-", "%"):
        return parts[0]
    if node.sign in ("+", "-", "=", "<>", "<", "<=", ">", ">="):
        both = _alike(parts, node.sign)
        return both if node.sign in "+-" else None
    left, right = (
        (0, "") if part is None and isinstance(one, Constant) else part
        for part, one in zip(parts, map(_inmost, node.operands), strict=True)
    )
    if left is None or right is None:
        return None
    if node.sign == "*":
        return (left[0] + right[0], "")
    if node.sign == "/":
        return (left[0] - right[0], "")
    exponent = node.operands[1]
    if isinstance(exponent, Constant) and isinstance(exponent.value, float):
        power = left[0] * exponent.value
        return (int(power), "") if abs(power) <= MOST and power == int(power) else None
    return (0, "") if left[0] == 0 else None


def _inmost(node: Node) -> Node:
    """What stands under signs: 5% is a constant."""
    while isinstance(node, Operation) and len(node.operands) == 1:
        (node,) = node.operands
    return node


def _alike(parts: Iterable[Dimension | None], where: str) -> Dimension | None:
    known = [part for part in parts if part is not None]
    if len({part[0] for part in known}) > 1:
        raise DefinitionError(
            "formula", "{where} puts money and a number without it together", where=where
        )
    kinds = {part[1] for part in known} - {""}
    if len(kinds) > 1:
        raise DefinitionError(
            "formula", "{where} puts {kinds} together", where=where, kinds=Names(sorted(kinds))
        )
    return (known[0][0], kinds.pop() if kinds else "") if known else None
