"""A company's own KPIs: definitions from files, checked, and entered among the others.

A definition is data (`kpis.toml`: a formula over arguments and other KPIs) or Python (`kpis.py`
with `@metric`, or an installed package's entry point `kpi_xl.metrics`). They come from the paths in
KPI_XL_KPIS, then from the settings folder; a `kpis.toml` beside a workbook comes last, and is read
only where the user has allowed its folder; a `kpis.py` there never.

What is wrong with a definition keeps it out, and is remembered as a fault with its place.
"""

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from keyword import iskeyword
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from kpi_xl.cells import evaluate
from kpi_xl.errors import KINDS, CellError, ErrorCell, KpiError, WrongInput
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
    Value,
    compute,
    inside,
    parse,
)
from kpi_xl.files import is_file, is_there, read_text, settings_folder, toml_of
from kpi_xl.locales import LANGUAGES, FaultError, Message, Names, Said
from kpi_xl.own_files import BESIDE, ENTRY_POINTS, NAMES, VARIABLE, in_packages
from kpi_xl.registry import METRICS, Arg, Argument, Metric, arguments_of
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

FAMILY = "own"
LARGEST_FILE, MOST_KPIS, MOST_ARGUMENTS = 1 << 20, 500, 30
MOST_STEPS, MOST_CALLS = 5_000, 500
"""Of one KPI with all that it is built on: its operations, and Python's calls within each other."""

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

# Names that a cell, a host's language or Excel has already.
CELL_LIKE = re.compile(r"[A-Z]{1,3}\d+|R\d*C\d*|R\d+|C\d*|R")
CALC_FUNCTIONS = frozenset(  # that Excel has not got
    "B COLOR CURRENT DAYSINMONTH DAYSINYEAR DDE EASTERSUNDAY ERRORTYPE FORMULA ISLEAPYEAR MONTHS"
    " OPT_BARRIER OPT_PROB_HIT OPT_PROB_INMONEY OPT_TOUCH RAWSUBTRACT ROT13 STYLE"
    " WEEKNUM_EXCEL2003 WEEKS WEEKSINYEAR YEARS".split()
)
VBA_WORDS = frozenset(
    "and as boolean byref byte byval call case cdate class const currency date declare default dim"
    " do double each else elseif empty end enum erase error event exit explicit false for friend"
    " function get global gosub goto if implements in integer is let lib like long loop me mod new"
    " next not nothing null object on option optional or paramarray preserve print private property"
    " public put raiseevent redim rem resume return seek select set single static step stop string"
    " sub then time to true type typeof until variant wend while with write xor caller".split()
)

VBA_RESERVED = frozenset(  # what no function may be called there; the add-in renames arguments
    "abs addressof any array attribute cbool cbyte ccur cdbl cdec cdecl cint circle clng"
    " clnglng clngptr close csng cstr cvar cverr debug decimal defbool defbyte defcur defdate"
    " defdbl defdec defint deflng deflnglng deflngptr defobj defsng defstr defvar doevents"
    " endif eqv fix imp input inputb int lbound len lenb lineinput lock longlong longptr lset"
    " open pset ptrsafe rset scale sgn shared spc tab ubound unlock withevents excel office"
    " stdole vba".split()
)


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
            read[name] = _definition(name, fields, file)
        except DefinitionError as error:
            FAULTS.append(DefinitionFault(file, f"[{name}] {error.key}".rstrip(), error.sentence))
    for name in _in_order(read, file):
        definition = read[name]
        try:
            _judge_calls(definition)
            effort = _effort(definition.tree)
            if effort[0] > MOST_STEPS or effort[1] > MOST_CALLS:
                raise DefinitionError("formula", "with all that it is built on it is too long")
            _judge_units(definition)
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


def _definition(name: str, fields: Any, file: str) -> Definition:
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
    if name in _names("vba_names.txt"):
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


def excel_functions() -> frozenset[str]:
    """The names of Excel's own functions."""
    return _names("excel_functions.txt")


@cache
def _names(file: str) -> frozenset[str]:
    from importlib import resources

    return frozenset(resources.files(__package__).joinpath(file).read_text("utf-8").split())


def _judge_calls(definition: Definition) -> None:
    """Whether what the formula calls is there, and is given the arguments that it takes."""
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


def _judge_units(definition: Definition) -> None:
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
