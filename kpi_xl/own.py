"""A company's own KPIs: definitions from files, checked, and entered among the others.

A definition is data (`kpis.toml`: a formula over arguments and other KPIs) or Python (`kpis.py`
with `@metric`, or an installed package's entry point `kpi_xl.metrics`). They come from the paths in
KPI_XL_KPIS, then from the settings folder; a `kpis.toml` beside a workbook comes last, and is read
only where the user has allowed its folder; a `kpis.py` there never.

What is wrong with a definition keeps it out, and is remembered as a fault with its place.
"""

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from kpi_xl.cells import evaluate
from kpi_xl.definitions import (
    DefinedTwiceError,
    Definition,
    DefinitionError,
    definition_of,
    judge_calls,
    judge_units,
)
from kpi_xl.errors import KINDS, CellError, ErrorCell, KpiError, WrongInput
from kpi_xl.expressions import (
    ExpressionError,
    FunctionCall,
    Node,
    Operation,
    Value,
    compute,
    inside,
    parse,
)
from kpi_xl.files import is_file, is_there, read_text, settings_folder, toml_of
from kpi_xl.locales import LANGUAGES, Message, Names
from kpi_xl.own_files import BESIDE, ENTRY_POINTS, NAMES, VARIABLE, in_packages
from kpi_xl.registry import METRICS, Metric, arguments_of
from kpi_xl.taken_names import (
    CALC_FUNCTIONS,
    CELL_LIKE,
    VBA_RESERVED,
    VBA_WORDS,
    excel_functions,
    names_in,
)
from kpi_xl.units import TEXT

FAMILY = "own"
LARGEST_FILE, MOST_KPIS = 1 << 20, 500  # bytes; in a file
MOST_STEPS, MOST_CALLS = 5_000, 500
"""Of one KPI with all that it is built on: its operations, and Python's calls within each other."""


class DefinitionFault(NamedTuple):
    """What is wrong with a definition: its file, the place in it, and the sentence.

    `kept` where the definition counts nevertheless, as where a language is missing; `twice` where
    another one of its name counts.
    """

    file: str
    place: str
    sentence: Message
    kept: bool = False
    twice: bool = False

    def __str__(self) -> str:
        return str(self.told)

    @property
    def told(self) -> Message:
        """The whole of it."""
        fault = self.sentence
        if self.place:
            fault = Message("{name}: {sentence}", name=self.place, sentence=fault)
        return Message("{file}: {fault}", file=self.file, fault=fault)


FAULTS: list[DefinitionFault] = []
"""What kept definitions out, or is still to be done, of all files read so far."""

FINGERPRINTS: dict[str, str] = {}
"""The fingerprint of each own KPI: of its formula, units, arguments and what it is built on."""

FILES: dict[str, str] = {}
"""The file of each own KPI."""

EFFORTS: dict[str, tuple[int, int]] = {}
"""The steps that each own KPI takes, with those that it is built on, and how many calls deep."""

TEXTS: dict[str, str] = {}
"""What the files of definitions as data hold, for hosts that carry them along."""


# Where definitions come from


def load() -> None:
    """Enter the own KPIs of the environment, the settings folder and installed packages."""
    named = []
    for text in filter(str.strip, os.environ.get(VARIABLE, "").split(os.pathsep)):
        try:
            named.append(Path(text).expanduser())
        except RuntimeError:
            FAULTS.append(
                DefinitionFault(
                    text, "", Message("{variable} names it, of a user unknown", variable=VARIABLE)
                )
            )
    for path in named:
        if not is_there(path):
            FAULTS.append(
                DefinitionFault(
                    str(path),
                    "",
                    Message("{variable} names it, and it is not there", variable=VARIABLE),
                )
            )
        elif not _files_of(path):
            text = "{variable} names it, and it holds none of {names}"
            sentence = Message(text, variable=VARIABLE, names=Names(NAMES, ", "))
            FAULTS.append(DefinitionFault(str(path), "", sentence))
    for path in (*named, settings_folder()):
        for file in _files_of(path):
            load_file(file)
    if in_packages():
        _load_packages()
    for text in filter(None, os.environ.get(BESIDE, "").split("\n")):
        load_file(Path(text))


def _files_of(path: Path) -> list[Path]:
    """The files of definitions that a path leads to: those in a folder, or itself."""
    return [file for file in (*map(path.joinpath, NAMES), path) if is_file(file)]


def load_file(file: Path) -> None:
    """Enter the KPIs of one file."""
    if file.suffix == ".py":
        _enter_python(str(file), lambda: _run(file), lambda _: _text_of(file))
        return
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise DefinitionError("", "it is larger than {most} MB", most=LARGEST_FILE >> 20)
        text = read_text(file)
    except (OSError, ValueError, DefinitionError) as error:
        FAULTS.append(
            DefinitionFault(str(file), "", Message("it cannot be read: {reason}", reason=error))
        )
        return
    define(text, str(file))


def beside(file: Path) -> list[DefinitionFault]:
    """Enter the kpis.toml of a workbook's folder, which the user has allowed; what is wrong in it.

    Processes that are started after it have it, too.
    """
    known = len(FAULTS)
    load_file(file)
    named = filter(None, os.environ.get(BESIDE, "").split("\n"))
    os.environ[BESIDE] = "\n".join(dict.fromkeys((*named, str(file))))
    return FAULTS[known:]


def _load_packages() -> None:
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        _enter_python(f"entry point {point.name} = {point.value}", point.load, _module_text)


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _module_text(made: Metric) -> str:
    """The source of the module that defines a metric. Raises OSError or TypeError."""
    return inspect.getsource(sys.modules[made.kernel.__module__])


def _run(file: Path) -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"kpi_xl_own_{file.stem}", file)
    assert spec
    assert spec.loader
    sys.modules[spec.name] = module_from_spec(spec)  # where dataclasses look for it
    spec.loader.exec_module(sys.modules[spec.name])


def _enter_python(file: str, run: Callable[[], object], source: Callable[[Metric], str]) -> None:
    """Run what defines KPIs by `@metric`, and enter what it defined, once it is judged.

    `source` is the text that a metric's fingerprint is of: what stands around a function counts.
    """
    before = dict(METRICS)
    try:
        run()
    except (Exception, SystemExit) as error:
        FAULTS.append(DefinitionFault(file, "", Message(FAILS, **_failure(error))))
        added: dict[str, Metric] = {}
    else:
        added = {name: made for name, made in METRICS.items() if before.get(name) is not made}
    METRICS.clear()
    METRICS.update(before)
    for name, made in added.items():
        try:
            code = source(made)
            print_of_it = _hash([name, code, made.returns.name, *(["lower"] if made.lower else [])])
            own = replace(
                made,
                family=FAMILY,
                translated={},
                source=sourced(made.source, print_of_it),
                kernel=_guarded(made),
            )
            _judge_name(name, print_of_it)
            _enter(own, print_of_it, file)
        except DefinitionError as error:
            FAULTS.append(DefinitionFault(file, f"[{name}] {error.key}".rstrip(), error.sentence))
        except Exception as error:
            FAULTS.append(DefinitionFault(file, f"[{name}]", Message(FAILS, **_failure(error))))


FAILS = "it fails: {kind}: {text}"


def _failure(error: BaseException) -> dict[str, str]:
    """What became of foreign code, in one line: the fields of FAILS."""
    return {"kind": type(error).__name__, "text": " ".join(str(error).split())[:200]}


def _guarded(made: Metric) -> Callable[..., Any]:
    """A kernel of foreign code, whose failures are #VALUE! in the cell and stop nothing else."""

    @wraps(made.kernel)
    def kernel(*values: Any, **named: Any) -> Any:
        try:
            result = made.kernel(*values, **named)
        except KpiError as error:
            raise error.in_english() from None
        except (ZeroDivisionError, OverflowError):
            raise
        except (Exception, SystemExit) as error:
            raise WrongInput(FAILS, **_failure(error)) from error
        if made.result == "value" and not isinstance(result, float | int | str):
            raise WrongInput("it fails: it gives a {kind}, not a value", kind=type(result).__name__)
        return result

    return kernel


# Definitions as data


def define(text: str, file: str = "kpis.toml") -> None:
    """Enter the KPIs of a text in the form of kpis.toml; what is wrong goes to FAULTS."""
    TEXTS[file] = text
    try:
        content = toml_of(text)
    except ValueError as error:
        sentence = Message("it is no TOML: {reason}", reason=str(error)[:200])
        FAULTS.append(DefinitionFault(file, "", sentence))
        return
    if len(content) > MOST_KPIS:
        text = "it defines {number} KPIs; {most} are the most"
        sentence = Message(text, number=len(content), most=MOST_KPIS)
        FAULTS.append(DefinitionFault(file, "", sentence))
        return
    read: dict[str, Definition] = {}
    for name, fields in content.items():
        try:
            read[name] = definition_of(name, fields, file)
        except DefinitionError as error:
            FAULTS.append(DefinitionFault(file, f"[{name}] {error.key}".rstrip(), error.sentence))
    for name in _in_order(read, file):
        definition = read[name]
        try:
            judge_calls(definition)
            effort = _effort(definition.tree)
            if effort[0] > MOST_STEPS or effort[1] > MOST_CALLS:
                raise DefinitionError("formula", "with all that it is built on it is too long")
            judge_units(definition)
            print_of_it = fingerprint_of(definition)
            _judge_name(name, print_of_it)
            _enter(_metric(definition, print_of_it), print_of_it, file)
            EFFORTS[name] = effort
        except DefinitionError as error:
            twice = isinstance(error, DefinedTwiceError)
            place = f"[{name}] {error.key}".rstrip()
            FAULTS.append(DefinitionFault(file, place, error.sentence, twice=twice))
            continue
        missing = [code for code in LANGUAGES if code not in definition.help]
        if missing:
            sentence = Message("there is none in {names}", names=Names(missing, ", "))
            FAULTS.append(DefinitionFault(file, f"[{name}] help", sentence, kept=True))


def _in_order(read: Mapping[str, Definition], file: str) -> Iterator[str]:
    """The definitions, each after those that it is built on; a ring is a fault of all in it."""
    waiting = {
        name: {n.name for n in inside(one.tree) if isinstance(n, FunctionCall) and n.name in read}
        for name, one in read.items()
    }
    done: set[str] = set()
    while waiting:
        ready = [name for name, needed in waiting.items() if needed <= done]
        if not ready:
            for name in waiting:
                through = Names(sorted(waiting[name]), ", ")
                sentence = Message("it is built on itself, through {names}", names=through)
                FAULTS.append(DefinitionFault(file, f"[{name}] formula", sentence))
            return
        for name in ready:
            del waiting[name]
            done.add(name)
            yield name


# Judging


def _judge_name(name: str, print_of_it: str) -> None:
    if CELL_LIKE.fullmatch(name):
        raise DefinitionError("", "{name} looks like a cell", name=name)
    known = METRICS.get(name)
    if known is None and name.startswith("KPI"):
        raise DefinitionError("", "names that begin with KPI are those of kpi_xl itself")
    if known is not None and known.family != FAMILY:
        raise DefinitionError(
            "", "{name} is a function of kpi_xl: {summary}", name=name, summary=known.summary
        )
    if name in excel_functions():
        raise DefinitionError("", "{name} is a function of Excel", name=name)
    if name in CALC_FUNCTIONS or name.endswith("_ADD"):
        raise DefinitionError("", "{name} is a function of LibreOffice", name=name)
    if name.lower() in VBA_WORDS | VBA_RESERVED:
        raise DefinitionError("", "{name} is a word of VBA", name=name)
    if name in names_in("vba_names.txt"):
        raise DefinitionError(
            "", "{name} is a name that the add-in for Excel uses itself", name=name
        )
    if known is not None and FINGERPRINTS[name] != print_of_it:
        raise DefinedTwiceError(
            "", "{file} defines it in another way, and is read before", file=FILES[name]
        )
    clash = next((n for n in METRICS if n != name and n.replace("_", "") == name.replace("_", "")),
                 None)  # fmt: skip
    if clash:
        raise DefinitionError(
            "", "without its _ it is {clash}, which LibreOffice cannot tell", clash=clash
        )


def _effort(node: Node | None) -> tuple[int, int]:
    """The steps of a formula, and how many calls of Python's lie within each other in it."""
    below: Sequence[Node | None] = ()
    steps = depth = 0
    if isinstance(node, Operation):
        below = node.operands
    elif isinstance(node, FunctionCall):
        below = node.arguments
        if node.name in METRICS:
            steps, depth = EFFORTS.get(node.name, (1, 0))
            depth += 8  # from the formula to the kernel
    efforts = [_effort(one) for one in below]
    most = max([depth, *(depth for _, depth in efforts)])
    return 1 + steps + sum(steps for steps, _ in efforts), 2 + most


def _try_example(made: Metric) -> None:
    """Whether the example gives what it says."""
    formula, expected = made.example
    text, reason = "{formula} gives {shown}, not {expected}", None
    try:
        tree = parse(formula)
        if not isinstance(tree, FunctionCall) or tree.name != made.name:
            raise DefinitionError("example", "it begins with ={name}(", name=made.name)
        shown: Any = compute(tree, {}, _called)
    except (ExpressionError, KpiError) as error:
        text, reason = "{formula} gives {shown} ({reason}), not {expected}", error.sentence
        shown = error.shown() if isinstance(error, KpiError) else Message("no formula")
    if isinstance(expected, float) and isinstance(shown, float):
        same = abs(shown - expected) <= 1e-6 * max(1.0, abs(expected))
    else:
        same = shown == expected and isinstance(shown, bool) == isinstance(expected, bool)
    if not same:
        fields = {"formula": formula, "shown": shown, "reason": reason, "expected": expected}
        raise DefinitionError("example", text, **fields)


# Entering


def _metric(definition: Definition, print_of_it: str) -> Metric:
    """The record of a definition, with a kernel that computes its formula."""
    tree = definition.tree
    names = [argument.name for argument in definition.arguments]

    def kernel(*values: Any) -> Any:
        result = compute(tree, dict(zip(names, values, strict=True)), _called)
        if isinstance(result, list):
            raise WrongInput("the formula gives a column")
        return 0.0 if result is None else result

    kernel.__name__ = kernel.__qualname__ = definition.name.lower()
    kernel.__doc__ = definition.help.get("en") or definition.formula
    kernel.__signature__ = inspect.Signature([  # type: ignore[attr-defined]
        inspect.Parameter(
            argument.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if argument.required else argument.default,
            annotation=Annotated[str if argument.arg.unit is TEXT else float, argument.arg],
        )
        for argument in definition.arguments
    ])  # fmt: skip
    summary = definition.help.get("en") or next(iter(definition.help.values()), definition.formula)
    return Metric(
        name=definition.name,
        family=FAMILY,
        summary=summary,
        notes="",
        kernel=kernel,
        arguments=arguments_of(kernel),
        returns=definition.returns,
        result="value",
        formula=definition.formula,
        source=sourced(definition.source, print_of_it),
        example=definition.example,
        parts=(),
        columns=(),
        caution="",
        remark=None,
        translated=definition.help,
        lower=definition.lower,
    )


def sourced(source: str, print_of_it: str) -> str:
    """The source of a definition with its fingerprint, which every host then shows."""
    return f"{source} [{print_of_it}]"


def _called(name: str, values: list[Value]) -> Value:
    """A KPI within a formula. Raises the error that its cell would show."""
    blocks = [[[one] for one in value] if isinstance(value, list) else value for value in values]
    shown = evaluate(METRICS[name], blocks)
    if isinstance(shown, CellError):
        text, fields = "{name}: {sentence}", {"name": name, "sentence": shown}
        kind = KINDS.get(str(shown))
        raise kind(text, **fields) if kind else ErrorCell(str(shown), text, **fields)
    return shown


def _enter(made: Metric, print_of_it: str, file: str) -> None:
    """Enter a KPI, unless its example fails; the same one from another file changes nothing."""
    if made.name in METRICS:
        return
    METRICS[made.name] = made
    try:
        _try_example(made)
    except Exception:
        del METRICS[made.name]
        raise
    FINGERPRINTS[made.name], FILES[made.name] = print_of_it, file


def fingerprint_of(definition: Definition) -> str:
    """Twelve digits that differ where two definitions compute, or are called, otherwise."""
    built_on = sorted(
        {n.name for n in inside(definition.tree) if isinstance(n, FunctionCall)}
        & FINGERPRINTS.keys()
    )
    return _hash([
        definition.name,
        repr(definition.tree),
        definition.returns.name,
        [[a.name, a.arg.unit.name, a.arg.column, a.default] for a in definition.arguments],
        [FINGERPRINTS[name] for name in built_on],
        *(["lower"] if definition.lower else []),
    ])  # fmt: skip


def fingerprint() -> str:
    """Twelve digits of all own KPIs of this machine; nothing where there are none."""
    return _hash(sorted(FINGERPRINTS.items())) if FINGERPRINTS else ""


def _hash(content: Any) -> str:
    import hashlib  # these two only where there are own KPIs
    import json

    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
