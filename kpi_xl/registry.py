"""The record of every metric. `@metric` stores it; help, hosts, templates and tests read it."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any, Literal, TypeVar, get_type_hints

from kpi_xl.units import DATE, KEY, TEXT, Domain, Unit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

Blank = Literal["skip", "keep", "zero", "refuse"]
Result = Literal["value", "row", "shape", "table"]


@dataclass(frozen=True, eq=False)
class Arg:
    """What an argument is, written beside it in the kernel's signature.

    `denominator`: the formula divides by it, so it must be above 0.
    `column`: it takes a whole range at once; `blank` says what a blank cell in it means:
    "skip" the row, "keep" it as None, "zero", or "refuse" it as an error. Columns of one `group`
    pair by row, but for one that stands `alone`. A `wide` one is several: the kernel gets a list
    of columns.
    `logical`: logical values of its column stay what they are; else TRUE is 1.
    `words`: the option words that a text argument allows; `shown` those that help names, where
    there are too many of them.
    `translated`: its help by language, where it is not ours but a company's own.
    """

    help: str
    unit: Unit
    domain: Domain | None = None
    denominator: bool = False
    column: bool = False
    wide: bool = False
    alone: bool = False
    logical: bool = False
    group: str = ""
    blank: Blank = "skip"
    words: tuple[str, ...] = ()
    translated: Mapping[str, str] | None = None
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Argument:
    """An `Arg` under the name, and with the default, that the signature gives it.

    Where `low <= x <= high`, the number is in its domain: the fast test.
    """

    name: str
    arg: Arg
    required: bool
    default: Any
    domain: Domain = field(init=False)
    low: float = field(init=False)
    high: float = field(init=False)

    def __post_init__(self) -> None:
        domain = self.arg.domain or self.arg.unit.domain
        if self.arg.denominator and domain.low <= 0.0:
            domain = replace(domain, low=0.0, open_low=True)
        low, high = domain.closed
        if domain.whole or self.arg.column or self.arg.unit in (DATE, KEY, TEXT):
            # These take more than two comparisons: NaN sends them past the fast test.
            low = high = math.nan
        # A frozen record can only be completed this way.
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def title(self) -> str:
        """The name as signatures show it: `scores[]`, `[gross_margin=1]`."""
        name = self.name + "[]" * self.arg.column
        if self.required:
            return name
        return f"[{name}={self.default_text}]" if self.default_text else f"[{name}]"

    @property
    def tells_blank_from_zero(self) -> bool:
        """Whether a blank cell in it can mean something else than a 0."""
        if self.arg.unit is DATE:  # no date is 0: it is a blank one on every host
            return False
        if self.arg.column:
            return self.arg.blank != "zero" or not self.required
        return not self.required and self.default != 0.0

    @property
    def default_text(self) -> str:
        """The default as a user would type it; empty if there is none to type."""
        if isinstance(self.default, float):
            return f"{self.default:g}"
        if isinstance(self.default, str):
            return f'"{self.default}"'
        return "" if self.default is None else f"{self.default}"


@dataclass(frozen=True, eq=False)
class Metric:
    """Everything that is known of one function.

    `parts` holds positions of arguments: a part, and the whole that it may not exceed.
    `rules` are conditions over several arguments, without which the kernel has #NUM!.
    `arrays`: its kernel takes columns as arrays of NumPy, too, and keys as `columns.Keys`.
    `translated` is the summary by language, where the function is not ours but a company's own.
    `lower` where less of it is better; the scorecard asks that of a company's own.
    """

    name: str
    family: str
    summary: str
    notes: str
    kernel: Callable[..., Any]
    arguments: tuple[Argument, ...]
    returns: Unit
    result: Result
    formula: str
    source: str
    example: tuple[str, Any]
    parts: tuple[tuple[int, int], ...]
    columns: tuple[tuple[str, str], ...]
    caution: str
    remark: tuple[str, Callable[..., bool]] | None
    rules: tuple[str, ...] = ()
    translated: Mapping[str, str] | None = None
    lower: bool = False
    arrays: bool = False
    required: int = field(init=False)
    """How many arguments must be given."""
    scalar: bool = field(init=False)
    """Whether each argument is one value."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "required", sum(one.required for one in self.arguments))
        object.__setattr__(self, "scalar", not any(one.arg.column for one in self.arguments))

    @property
    def takes_days(self) -> bool:
        """Whether an argument is of dates, which hosts hand over as numbers of days."""
        return any(argument.arg.unit is DATE for argument in self.arguments)

    @property
    def signature(self) -> str:
        """The call as a user types it: `CLV(order_value, ..., [gross_margin=1])`."""
        return f"{self.name}({', '.join(argument.title for argument in self.arguments)})"


METRICS: dict[str, Metric] = {}


def metric(
    name: str,
    *,
    returns: Unit,
    formula: str,
    source: str,
    example: tuple[str, Any],
    result: Result = "value",
    parts: tuple[tuple[str, str], ...] = (),
    columns: tuple[tuple[str, str], ...] = (),
    caution: str = "",
    remark: tuple[str, Callable[..., bool]] | None = None,
    rules: tuple[str, ...] = (),
    lower: bool = False,
    arrays: bool = False,
) -> Callable[[Kernel], Kernel]:
    """Enter a kernel into METRICS under its cell name; the kernel itself stays as it is.

    `result`: "value" one cell, "row" one row of cells, "shape" the shape of the first
    argument, "table" a block with a header row.
    `parts`: names of a part and of its whole: the part may not be the greater.
    `columns`: name and meaning of each column of a table.
    `caution`: what to check before the result is believed, in a sentence.
    `remark`: a sentence for those who ask how a result comes about, and for which arguments of the
    kernel it holds.
    `rules`: what must hold over several arguments, as the kernel has it, in a formula's words.
    `lower`: less of it is better.
    `arrays`: the kernel takes columns as arrays, too, as `columns` makes them.
    """

    def enter(kernel: Kernel) -> Kernel:
        doc = inspect.cleandoc(kernel.__doc__ or "")
        summary, *notes = (" ".join(paragraph.split()) for paragraph in doc.split("\n\n"))
        arguments = arguments_of(kernel)
        position = {argument.name: i for i, argument in enumerate(arguments)}
        METRICS[name] = Metric(
            name=name,
            family=kernel.__module__.rpartition(".")[2],
            summary=summary,
            notes="\n\n".join(notes),
            kernel=kernel,
            arguments=arguments,
            returns=returns,
            result=result,
            formula=formula,
            source=source,
            example=example,
            parts=tuple((position[part], position[whole]) for part, whole in parts),
            columns=columns,
            caution=caution,
            remark=remark,
            rules=rules,
            lower=lower,
            arrays=arrays,
        )
        return kernel

    return enter


def arguments_of(kernel: Callable[..., Any]) -> tuple[Argument, ...]:
    """The arguments of a kernel, as its signature has them."""
    arguments = []
    for name, annotation, default in _parameters(kernel):
        if isinstance(annotation, str):  # from a file with `from __future__ import annotations`
            annotation = get_type_hints(kernel, include_extras=True)[name]
        (arg,) = annotation.__metadata__
        required = default is inspect.Parameter.empty
        arguments.append(Argument(name, arg, required, None if required else default))
    return tuple(arguments)


def _parameters(kernel: Callable[..., Any]) -> Iterable[tuple[str, Any, Any]]:
    """Name, annotation and default of each parameter.

    Of a plain function they are read off: `inspect.signature` took a tenth of importing kpi_xl.
    """
    empty = inspect.Parameter.empty
    if not _is_plain(kernel):
        parameters = inspect.signature(kernel).parameters.values()
        return [(p.name, p.annotation, p.default) for p in parameters]
    code, given = kernel.__code__, kernel.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    defaults = dict(zip(names[len(names) - len(given) :], given, strict=True))
    return [(n, kernel.__annotations__.get(n, empty), defaults.get(n, empty)) for n in names]


def _is_plain(kernel: Callable[..., Any]) -> bool:
    """Whether a function has no other signature than its code, of parameters with one name each."""
    if type(kernel) is not FunctionType or vars(kernel):  # __signature__ or __wrapped__
        return False
    code = kernel.__code__
    many = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    return not (code.co_kwonlyargcount or code.co_flags & many)
