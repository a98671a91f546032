"""Explain this cell: its functions, what each was given, and how the result comes about."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from kpi_xl.cells import Block, Cell, evaluate, read, remark
from kpi_xl.errors import EXCEL_ERRORS, CellError
from kpi_xl.formula_text import TOKEN, Call, calls
from kpi_xl.locales import in_language, say
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import column_letters
from kpi_xl.reference import summary
from kpi_xl.registry import Argument, Metric
from kpi_xl.reports.phrases import phrase
from kpi_xl.reports.records import ReportError, Table
from kpi_xl.serials import day_of, in_calendar, serial
from kpi_xl.units import DATE

Value = Callable[[str], Cell | Block]
"""What a piece of the formula, such as SUM(Orders[amount]), gives in the workbook: a cell, or a
list of rows. It raises LookupError where the host cannot tell."""

PLAIN = re.compile(r"[-+*/^() ]|\d+(?:\.\d+)?|[a-z_]+")
NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)(E[-+]?\d+)?", re.IGNORECASE)
LARGEST_CONSTANT = 200  # cells of a block that is written into a formula


def explained(
    formula: str, value: Value, language: str = "en", separator: str = ",", shown: Cell = None
) -> str:
    """The functions of ours in a formula, each explained; `shown` is what the cell shows.

    `separator` is what stands between arguments. Raises ReportError where there are none of ours.
    """
    found = list(calls(formula, METRICS, separator))
    if not found:
        raise ReportError(
            phrase("This cell has no function of kpi_xl: choose one that has, such as =CAC(B2,B3).",
                 language)
        )  # fmt: skip
    known = _PieceValues(value, separator, _variables(formula, separator))
    parts = ["\n".join(_lines(call, formula, known, language)) for call in found]
    whole = formula.strip().removeprefix("=")
    if shown is not None and whole != formula[found[0].start : found[0].end]:
        parts.append(phrase("The cell shows {value}.", language, value=_text(shown, language)))
    return "\n\n".join(parts)


def _lines(call: Call, formula: str, known: "_PieceValues", language: str) -> Iterator[str]:
    metric = METRICS[call.name]
    yield f"{metric.name}: {summary(metric, language)}"
    try:
        result: Cell | Block = known.result(call)
        shown = _text(result, language)
    except LookupError:
        result, shown = None, phrase("not known here", language)
    yield f"{formula[call.start : call.end]} = {shown}"
    for place, argument in enumerate(metric.arguments):
        text = call.arguments[place] if place < len(call.arguments) else ""
        yield "  " + _argument(argument, text, known, language)
    yield f"  {_arithmetic(metric, call, known, result, language)}"
    sentence = known.remark(call) if result is not None else ""
    if sentence:
        yield f"  {say(sentence, language, 'cautions')}"
    error = _error(result)
    if error is not None:
        yield f"{error}: {in_language(error.sentence, language)}"


def _argument(argument: Argument, text: str, known: "_PieceValues", language: str) -> str:
    unit, default = say(argument.arg.unit.meaning, language, "units"), argument.default_text
    fields = {"name": argument.name, "value": default, "unit": unit}
    if not text:
        if not default:
            return phrase("{name}: left out", language, name=argument.name)
        return phrase("{name} = {value}, because it is left out ({unit})", language, **fields)
    try:
        value = known(text)
        if default and _single(value) in (None, ""):
            fields["text"] = text
            return phrase("{name} = {value}, because {text} is blank ({unit})", language, **fields)
        shown = _text(_as_date(value) if argument.arg.unit is DATE else value, language)
    except LookupError:
        shown = phrase("not known here", language)
    written = "" if shown == text else f"{text} = "
    return f"{argument.name} = {written}{shown} ({unit})"


def _arithmetic(
    metric: Metric, call: Call, known: "_PieceValues", result: Cell | Block, language: str
) -> str:
    """The formula with the numbers put in, where it is plain arithmetic and has a result."""
    label = say("Formula", language, "phrases")
    line = f"{label}: {metric.formula}"
    if metric.result != "value":
        return line
    if isinstance(result, list):
        return f"{line} ({phrase('one result for each cell', language)})"
    if isinstance(result, str | bool) or result is None:
        return line
    numbers = _numbers(metric, call, known)
    if not numbers:
        return line
    put_in = PLAIN.sub(
        lambda part: _put_in(numbers[part[0]], language) if part[0] in numbers else part[0],
        metric.formula,
    )
    if put_in == metric.formula:
        return line
    return f"{line} = {put_in} = {_text(result, language)}"


def _put_in(number: float, language: str) -> str:
    text = _text(number, language)
    return f"({text})" if number < 0 else text


def _numbers(metric: Metric, call: Call, known: "_PieceValues") -> dict[str, float]:
    """The arguments' numbers by name; none where the formula is more than arithmetic with them."""
    names = {argument.name for argument in metric.arguments}
    words = re.findall(r"[A-Za-z_]+", metric.formula)
    if PLAIN.sub("", metric.formula) or not names.issuperset(words):
        return {}
    numbers: dict[str, float] = {}
    for place, argument in enumerate(metric.arguments):
        text = call.arguments[place] if place < len(call.arguments) else ""
        value = _single(known(text) if text else None)
        if argument.arg.column:
            return {}
        number = read(metric, argument.name, value)
        if not isinstance(number, float | int):
            return {}
        numbers[argument.name] = float(number)
    return numbers


def _single(value: Cell | Block) -> Cell | Block:
    """A range of one cell as that cell."""
    return value[0][0] if isinstance(value, list) and len(value) == len(value[0]) == 1 else value


class _PieceValues:
    """The values of the pieces of a formula: ours computed here, all others by the host."""

    def __init__(self, value: Value, separator: str, variables: frozenset[str]) -> None:
        self.value = cache(value)
        self.separator = separator
        self.variables = variables

    def __call__(self, text: str) -> Cell | Block:
        inner = list(calls(text, METRICS, self.separator))
        if inner and (inner[0].start, inner[0].end) == (0, len(text)):
            return self.result(inner[0])
        end = len(text)
        for call in reversed(inner):
            if call.end <= end and not any(o.start < call.start < o.end for o in inner):
                text = text[: call.start] + constant(self.result(call)) + text[call.end :]
                end = call.start
        if NUMBER.fullmatch(text):
            return float(text)
        if text.upper() in ("TRUE", "FALSE"):
            return text.upper() == "TRUE"
        if re.fullmatch(r'"(?:[^"]|"")*"', text):
            return text[1:-1].replace('""', '"')
        if not self.variables.isdisjoint(token.lower() for token in TOKEN.findall(text)):
            raise LookupError("a variable has its value inside of its formula alone")
        return self.value(text)

    def result(self, call: Call) -> Cell | Block:
        """What a call of ours gives."""
        given = [self(text) if text else None for text in call.arguments]
        return evaluate(METRICS[call.name], given)

    def remark(self, call: Call) -> str:
        """What a function of ours has to say of its result."""
        given = [self(text) if text else None for text in call.arguments]
        return remark(METRICS[call.name], given)


def _variables(formula: str, separator: str) -> frozenset[str]:
    """The names, in lower case, that LET and LAMBDA have for values within the formula."""
    lets = calls(formula, ("LET", "_XLFN.LET"), separator)
    lambdas = calls(formula, ("LAMBDA", "_XLFN.LAMBDA"), separator)
    names = (
        call.arguments[:-1:step] for found, step in ((lets, 2), (lambdas, 1)) for call in found
    )
    return frozenset(name.lower() for some in names for name in some)


def constant(value: Cell | Block) -> str:
    """A value as a formula writes it. Raises LookupError for a block that is too large."""
    if isinstance(value, list):
        if sum(map(len, value)) > LARGEST_CONSTANT:
            raise LookupError("the block is too large for a formula")
        return "{" + ";".join(",".join(map(constant, row)) for row in value) + "}"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return value if value in EXCEL_ERRORS else '"' + value.replace('"', '""') + '"'
    number = repr(0.0 if value is None else float(value))
    return f"({number})" if number.startswith("-") else number


def _text(value: Cell | Block, language: str) -> str:
    """A value for people: a number with up to ten digits, a block by its size."""
    if isinstance(value, list):
        if _single(value) is not value:
            return _text(_single(value), language)
        first = next((cell for row in value for cell in row if cell not in (None, "")), None)
        size = {"rows": len(value), "columns": len(value[0])}
        fields = {**size, "value": _text(first, language)}
        return phrase("{rows} x {columns} cells, the first {value}", language, **fields)
    if value is None:
        return phrase("a blank cell", language)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return value if value in EXCEL_ERRORS else f'"{value}"'
    if hasattr(value, "isoformat"):
        return str(value.isoformat(" ") if serial(value) % 1 else value.isoformat()[:10])
    return f"{float(value):.10g}".replace(".", say(".", language, "phrases"))


def _as_date(value: Cell | Block) -> Cell | Block:
    """A serial number as a date, in the 1900 system."""
    if isinstance(value, list):
        return [[_as_date(cell) for cell in row] for row in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or not in_calendar(value):
        return value
    return day_of(value)


def _error(value: Cell | Block) -> CellError | None:
    cells = [cell for row in value for cell in row] if isinstance(value, list) else [value]
    return next((cell for cell in cells if isinstance(cell, CellError)), None)


def in_row(formula: str, row: int, tables: Mapping[str, Table]) -> str:
    """A formula whose references to its own row of a table are addresses.

    Orders[@amount] and Orders[[#This Row],[amount]] mean nothing outside of that row.
    """

    def address(found: re.Match[str]) -> str:
        column = found[2] or found[3] or found[4]
        for table in tables.values():
            ours = not found[1] or found[1].lower() == table.name.lower()
            headers = [header.lower() for header in table.headers]
            if ours and column.lower() in headers:
                place = table.place.column + headers.index(column.lower())
                sheet = table.place.sheet.replace("'", "''")
                return f"'{sheet}'!{column_letters(place)}{row}"
        return found[0]

    return re.sub(
        r"(\w+)?\[(?:\[#This Row\],\s*\[([^\[\]]+)\]|@\[([^\[\]]+)\]|@([^\[\]]+))\]",
        address,
        formula,
        flags=re.IGNORECASE,
    )
