"""VBA, as far as the add-in's code uses it, run without Excel.

A procedure becomes a list of steps with jumps, so that `On Error Resume Next` goes on with the next
statement, also into a block, as VBA does. What is no VBA, Excel's objects, is handed in.
"""

import fnmatch
import inspect
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from xlwings import constants

MISSING = type("Missing", (), {"__repr__": lambda self: "Missing"})()
TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"]|"")*")|(?P<hex>&H[0-9A-Fa-f]+)|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[A-Za-z]\w*)[$%&]?|(?P<sign>:=|<>|<=|>=|[-+*/&=<>().,#]))"""
)
COMPARISONS = ("=", "<>", "<", ">", "<=", ">=", "is", "like")
CONSTANTS = {
    name.lower(): value
    for kind in vars(constants).values()
    if isinstance(kind, type)
    for name, value in vars(kind).items()
    if not name.startswith("_")
} | {"vblf": "\n", "vbcr": "\r", "vbcrlf": "\r\n", "vbstring": 8, "vbdirectory": 16,
     "vbunicode": 64, "true": True, "false": False, "nothing": None, "empty": None}  # fmt: skip


class VbaError(Exception):
    """An error of VBA's: a number and a sentence."""

    def __init__(self, number: int, description: str) -> None:
        super().__init__(description)
        self.number, self.description = number, description


@dataclass(frozen=True)
class ExcelError:
    """What CVErr makes: an error as a value."""

    number: int


@dataclass
class Ref:
    """A variable, which a procedure may get itself (ByRef)."""

    value: Any = None


class Collection:
    """VBA's: items in order, by number from 1 or by key."""

    def __init__(self) -> None:
        self.held: dict[Any, Any] = {}  # by key; one without a key has itself as its key

    @property
    def Count(self) -> int:  # noqa: N802
        return len(self.held)

    def Add(self, item: Any, key: str | None = None) -> None:  # noqa: N802
        own = object() if key is None else key.lower()
        if own in self.held:
            raise VbaError(457, "This key is already associated with an element")
        self.held[own] = item

    def _key(self, key: Any) -> Any:
        found = key.lower() if isinstance(key, str) else None
        if isinstance(key, int) and 0 < key <= len(self.held):
            found = list(self.held)[key - 1]
        if found not in self.held:
            raise VbaError(5, "Invalid procedure call or argument")
        return found

    def Item(self, key: Any) -> Any:  # noqa: N802
        return self.held[self._key(key)]

    __call__ = Item

    def Remove(self, key: Any) -> None:  # noqa: N802
        del self.held[self._key(key)]

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self.held.values()))


class Array(list[Any]):
    """An array from 0 or from where it was dimensioned; one of two dimensions holds its rows."""

    start = 0

    def __call__(self, place: int, *within: int) -> Any:
        found = self[place - self.start]
        return found(*within) if within else found


# Reading


@dataclass
class Procedure:
    name: str
    kind: str
    parameters: list[tuple[str, bool, bool]]  # name, by reference, optional
    defaults: dict[str, str]
    steps: list[tuple[Any, ...]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    statics: dict[str, Ref] = field(default_factory=dict)
    returns: str = ""


@dataclass
class Module:
    name: str
    procedures: dict[str, Procedure] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    variables: dict[str, Ref] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)  # of WithEvents variables, for instances
    fields: dict[str, str] = field(default_factory=dict)  # names and types, for instances


HEAD = re.compile(
    r"(?:(Public|Private) )?(Sub|Function|Property \w+) (\w+)\((.*?)\)(?: As ([\w.]+))?$"
)


def logical(source: str) -> list[str]:
    """The lines without comments, continued ones joined."""
    lines = []
    for line in re.sub(r" _\n *", " ", source).split("\n"):
        bare = re.match(r"""(?:[^"']|"(?:[^"]|"")*")*""", line)
        assert bare
        if text := bare[0].strip():
            lines.append(text)
    return lines


def read(name: str, source: str) -> Module:
    """A module's procedures. Lines for the compiler, such as #If, take its first branch."""
    module = Module(name)
    procedure: Procedure | None = None
    lines: list[str] = []
    depth = 0
    for line in logical(source):
        if line.startswith("#"):
            word = line.split()[0]
            depth += {"#If": 1, "#End": -1}.get(word, 0)
            if word in ("#Else", "#ElseIf"):
                depth += 100  # a branch that is not taken
            if word == "#End" and depth >= 100:
                depth %= 100
            continue
        if depth >= 100 or line.startswith(("Option ", "Attribute ")) or " Lib " in line:
            continue
        if procedure is None and (head := HEAD.match(line)):
            procedure = Procedure(head[3], head[2], [], {}, returns=head[5] or "")
            for part in filter(None, (part.strip() for part in head[4].split(","))):
                word = re.sub(r"^(?:Optional |ByVal |ByRef )*", "", part)
                called = re.split(r"[ (]", word)[0].lower()
                procedure.parameters.append((called, "ByVal" not in part, "Optional" in part))
                if " = " in part:
                    procedure.defaults[called] = part.split(" = ")[1]
            if head[1] == "Private":
                module.private.add(head[3].lower())
            lines = []
        elif procedure and re.fullmatch(r"End (Sub|Function|Property)", line):
            build(procedure, lines)
            module.procedures[procedure.name.lower()] = procedure
            procedure = None
        elif procedure:
            lines.append(line)
        elif constant := re.match(r"(?:Public |Private )?Const (\w+) As \w+ = (.+)", line):
            module.variables[constant[1].lower()] = Ref(eval(constant[2]))
        elif variables := re.match(r"(?:Dim|Public|Private)(?: (WithEvents))? (.+)", line):
            for part in variables[2].split(","):
                words = part.split()
                module.variables[words[0].lower()] = Ref(initial(words[-1]))
                module.fields[words[0].lower()] = words[-1]
                if variables[1]:
                    module.events[words[0].lower()] = words[-1]
    return module


def initial(kind: str) -> Any:
    return {"String": "", "Long": 0, "Integer": 0, "Double": 0.0, "Boolean": False}.get(kind)


def build(procedure: Procedure, lines: list[str]) -> None:
    """The steps of a procedure."""
    steps = procedure.steps
    stack: list[list[Any]] = []

    def simple(line: str) -> None:
        if label := re.fullmatch(r"(\w+):", line):
            procedure.labels[label[1].lower()] = len(steps)
        elif line.startswith("If ") and line.endswith(" Then"):
            stack.append(["if", len(steps), []])
            steps.append(("unless", line[3:-5], None))
        elif one := re.match(r"If (.+?) Then (.+)", line):
            condition, rest = split_then(line)
            before, _, otherwise = split_else(rest)
            place = len(steps)
            steps.append(("unless", condition, None))
            simple(before)
            if otherwise:
                jump = len(steps)
                steps.append(("goto", None))
                steps[place] = ("unless", condition, len(steps))
                simple(otherwise)
                steps[jump] = ("goto", len(steps))
            else:
                steps[place] = ("unless", condition, len(steps))
            assert one
        elif line.startswith("ElseIf ") or line == "Else":
            entry = stack[-1]
            entry[2].append(len(steps))
            steps.append(("goto", None))
            place = entry[1]
            steps[place] = ("unless", steps[place][1], len(steps))
            entry[1] = len(steps)
            steps.append(("unless", "True" if line == "Else" else line[7:-5], None))
        elif line == "End If":
            _, place, ends = stack.pop()
            steps[place] = ("unless", steps[place][1], len(steps))
            for end in ends:
                steps[end] = ("goto", len(steps))
        elif line.startswith("Select Case "):
            stack.append(["select", None, [], f"select {len(steps)}"])
            steps.append(("keep", line[12:], stack[-1][3]))
        elif line.startswith("Case "):
            entry = stack[-1]
            if entry[1] is not None:
                entry[2].append(len(steps))
                steps.append(("goto", None))
                steps[entry[1]] = (*steps[entry[1]][:3], len(steps))
            entry[1] = len(steps)
            steps.append(("case", entry[3], line[5:], None))
        elif line == "End Select":
            _, place, ends, _ = stack.pop()
            steps[place] = (*steps[place][:3], len(steps))
            for end in ends:
                steps[end] = ("goto", len(steps))
        elif each := re.match(r"For Each (\w+) In (.+)", line):
            stack.append(["for", len(steps) + 1, []])
            steps.append(("each", each[2], len(steps)))
            steps.append(("next", each[1].lower(), len(steps) - 1, None))
        elif count := re.match(r"For (\w+) = (.+) To (.+)", line):
            stack.append(["for", len(steps) + 1, []])
            steps.append(("count", count[2], count[3], len(steps)))
            steps.append(("next", count[1].lower(), len(steps) - 1, None))
        elif re.fullmatch(r"Next \w+", line):
            _, place, ends = stack.pop()
            steps.append(("goto", place))
            steps[place] = (*steps[place][:3], len(steps))
            for end in ends:
                steps[end] = ("goto", len(steps))
        elif line.startswith("Do While "):
            stack.append(["do", len(steps), []])
            steps.append(("unless", line[9:], None))
        elif line == "Loop":
            _, place, ends = stack.pop()
            steps.append(("goto", place))
            steps[place] = ("unless", steps[place][1], len(steps))
            for end in ends:
                steps[end] = ("goto", len(steps))
        elif line in ("Exit Do", "Exit For"):
            kind = line[5:].lower()
            next(entry for entry in reversed(stack) if entry[0] == kind)[2].append(len(steps))
            steps.append(("goto", None))
        elif line.startswith("With "):
            stack.append(["with"])
            steps.append(("with", line[5:]))
        elif line == "End With":
            stack.pop()
            steps.append(("end with",))
        elif line in ("Exit Sub", "Exit Function"):
            steps.append(("exit",))
        elif line.startswith("On Error "):
            steps.append(("on error", line[9:].replace("GoTo ", "").lower()))
        elif line.startswith("Resume "):
            steps.append(("resume", line[7:].lower()))
        elif variables := re.match(r"(Dim|Static) (.+)", line):
            for part in variables[2].split(","):
                name, _, kind = part.strip().partition(" As ")
                procedure.types[re.sub(r"\(.*", "", name).lower()] = kind
                if variables[1] == "Static":
                    procedure.statics[name.lower()] = Ref(initial(kind))
        elif constant := re.match(r"Const (\w+) As \w+ = (.+)", line):
            procedure.statics[constant[1].lower()] = Ref(eval(constant[2]))
        elif array := re.match(r"ReDim (\w+)\((.+)\)", line):
            steps.append(("redim", array[1].lower(), array[2]))
        elif opened := re.match(r"Open (\w+) For Binary Access Read Shared As #(\w+)", line):
            steps.append(("open", opened[1], opened[2]))
        elif got := re.match(r"Get #(\w+), (.+), (\w+)$", line):
            steps.append(("get", got[1], got[2], got[3].lower()))
        elif closed := re.match(r"Close #(\w+)", line):
            steps.append(("close", closed[1]))
        elif line.startswith("Set ") or assigns(line):
            target, value = split_assignment(line.removeprefix("Set "))
            steps.append(("assign", target, value))
        else:
            steps.append(("call", line.removeprefix("Call ")))

    for line in lines:
        simple(line)
    assert not stack, f"{procedure.name}: {stack}"


def split_then(line: str) -> tuple[str, str]:
    """The first condition of `If a Then ...`, and the rest."""
    place = line.index(" Then ")
    return line[3:place], line[place + 6 :]


def split_else(rest: str) -> tuple[str, str, str]:
    return rest.partition(" Else ") if not rest.startswith("If ") else (rest, "", "")


def assigns(line: str) -> bool:
    return split_assignment(line) != ("", "")


def split_assignment(line: str) -> tuple[str, str]:
    """Target and value of `a.b(c) = d`; nothing for what is no assignment."""
    depth, place = 0, 0
    while match := TOKEN.match(line, place):
        sign = match["sign"]
        if sign == "=" and depth == 0:
            return line[: match.start()].strip(), line[match.end() :].strip()
        depth += {"(": 1, ")": -1}.get(sign or "", 0)
        if depth == 0 and match["name"] and match.start() > 0:
            before = line[: match.start("name")]
            if not before.endswith("."):
                return "", ""  # two words beside each other: a call
        place = match.end()
    return "", ""


# Running


@dataclass
class Instance:
    """An object of a class module."""

    module: Module
    project: "Project"
    variables: dict[str, Ref]


@dataclass
class Frame:
    procedure: Procedure
    module: Module
    variables: dict[str, Ref]
    owner: Instance | None
    withs: list[Any] = field(default_factory=list)
    kept: dict[Any, Any] = field(default_factory=dict)
    handler: str | None = None
    handling: bool = False


class Project:
    """Modules that know each other, and Excel's objects by their names.

    `native`: functions that are tested by themselves, in Python here because they are slow in VBA
    that is run so.
    """

    def __init__(
        self, sources: dict[str, str], outside: dict[str, Any], native: dict[str, Any] | None = None
    ) -> None:
        self.native = native or {}
        self.modules = {name.lower(): read(name, source) for name, source in sources.items()}
        self.outside = {name.lower(): value for name, value in outside.items()}
        self.error = VbaError(0, "")
        self.listeners: list[Instance] = []
        self.files: dict[int, Any] = {}

    def call(self, name: str, *arguments: Any) -> Any:
        """Run a public procedure of an ordinary module."""
        for module in self.modules.values():
            if name.lower() in module.procedures and name.lower() not in module.private:
                return self.run(module, module.procedures[name.lower()], list(arguments), {}, None)
        raise VbaError(35, f"Sub or Function not defined: {name}")

    def call_private(self, module: str, name: str, *arguments: Any) -> Any:
        """The same for a procedure that the module keeps to itself."""
        held = self.modules[module.lower()]
        return self.run(held, held.procedures[name.lower()], list(arguments), {}, None)

    def fire(self, event: str, *arguments: Any) -> None:
        """What Excel tells those that watch it."""
        for instance in self.listeners:
            for variable in instance.module.events:
                found = instance.module.procedures.get(f"{variable}_{event}".lower())
                if found:
                    self.run(instance.module, found, list(arguments), {}, instance)

    def new(self, kind: str) -> Any:
        if kind.lower() == "collection":
            return Collection()
        module = self.modules[kind.lower()]
        fields = {name: Ref(initial(kind)) for name, kind in module.fields.items()}
        constants = {n: r for n, r in module.variables.items() if n not in module.fields}
        instance = Instance(module, self, fields | constants)
        if module.events:
            self.listeners.append(instance)
        if start := module.procedures.get("class_initialize"):
            self.run(module, start, [], {}, instance)
        return instance

    def run(
        self, module: Module, procedure: Procedure, given: list[Any], named: dict[str, Any],
        owner: Instance | None,
    ) -> Any:  # fmt: skip
        if procedure.name in self.native:
            return self.native[procedure.name](*map(plain, given))
        frame = Frame(procedure, module, {}, owner)
        for position, (name, by_reference, optional) in enumerate(procedure.parameters):
            value = given[position] if position < len(given) else named.get(name, MISSING)
            if isinstance(value, Ref) and not by_reference:
                value = value.value
            if value is MISSING and name in procedure.defaults:
                value = Scope(self, frame).of(procedure.defaults[name])
            assert value is not MISSING or optional, (procedure.name, name)
            frame.variables[name] = value if isinstance(value, Ref) else Ref(value)
        assert len(given) <= len(procedure.parameters), procedure.name
        for name, kind in procedure.types.items():
            if name not in procedure.statics:
                made = self.new(kind[4:]) if kind.startswith("New ") else initial(kind)
                frame.variables[name] = Ref(made)
        frame.variables.update(procedure.statics)
        result = Ref(initial(procedure.returns))
        if procedure.kind == "Function":
            frame.variables[procedure.name.lower()] = result
        place: int | None = 0
        while place is not None and place < len(procedure.steps):
            try:
                place = self.step(frame, place)
            except VbaError as error:
                place = self.handled(frame, place, error)
        return result.value

    def handled(self, frame: Frame, place: int, error: VbaError) -> int:
        if frame.handler is None or frame.handling:
            raise error
        self.error = error
        if frame.handler == "resume next":
            return place + 1
        frame.handling = True
        return frame.procedure.labels[frame.handler]

    def step(self, frame: Frame, place: int) -> int | None:
        kind, *rest = frame.procedure.steps[place]
        at = Scope(self, frame)
        after = place + 1
        match kind:
            case "unless":
                return after if at.of(rest[0]) else rest[1]
            case "goto":
                return rest[0]
            case "exit":
                return None
            case "call":
                at.statement(rest[0])
            case "assign":
                at.assign(rest[0], at.of(rest[1]))
            case "keep":
                frame.kept[rest[1]] = at.of(rest[0])
            case "case":
                value, wanted, otherwise = frame.kept[rest[0]], rest[1], rest[2]
                if wanted != "Else" and not any(equal(value, one) for one in at.all(wanted)):
                    return otherwise
            case "each":
                frame.kept[rest[1]] = iter(each(at.of(rest[0])))
            case "count":
                first, last = at.of(rest[0]), at.of(rest[1])
                frame.kept[rest[2]] = iter([*range(first, last + 1)])
            case "next":
                for value in frame.kept[rest[1]]:
                    at.variable(rest[0]).value = value
                    return after
                return rest[2]
            case "with":
                frame.withs.append(at.of(rest[0]))
            case "end with":
                frame.withs.pop()
            case "on error":
                frame.handler = None if rest[0] == "0" else rest[0]
                self.error = VbaError(0, "")
            case "resume":
                frame.handling = False
                return frame.procedure.labels[rest[0]]
            case "redim":
                first, _, last = rest[1].partition(" To ")
                made = Array([None] * (at.of(last) - at.of(first) + 1))
                made.start = at.of(first)
                at.variable(rest[0]).value = made
            case "open":
                try:
                    self.files[at.of(rest[1])] = Path(at.of(rest[0])).read_bytes()
                except OSError as error:
                    raise VbaError(53, str(error)) from None
            case "get":
                content, start = self.files[at.of(rest[0])], at.of(rest[1]) - 1
                array = at.variable(rest[2]).value
                array[:] = content[start : start + len(array)]
            case "close":
                del self.files[at.of(rest[0])]
        return after


def each(group: Any) -> Iterator[Any]:
    return group.each() if hasattr(group, "each") else iter(group)


def equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        known = other if one is None else one
        return known is None or known in ("", 0)
    if isinstance(one, ExcelError) != isinstance(other, ExcelError):
        raise VbaError(13, "Type mismatch")
    return bool(value_of(one) == value_of(other))


def value_of(thing: Any) -> Any:
    """The value of an object that stands for it, such as a cell."""
    return thing.Value if hasattr(thing, "Value") else thing


Term = Callable[["Scope"], Any]
"""A part of an expression: its value, or the variable that it is."""


class Reading:
    """A text of VBA as a term; by precedence, the loosest first."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0
        self.tokens: list[tuple[str, str, bool]] = []
        place = 0
        while place < len(text):
            match = TOKEN.match(text, place)
            assert match, text[place:]
            kind = str(match.lastgroup)
            self.tokens.append((kind, str(match[kind]), text[place : place + 1] == " "))
            place = match.end()

    def peek(self, ahead: int = 0) -> tuple[str, str, bool]:
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else ("", "", False)

    def word(self, *words: str) -> str:
        kind, found, _ = self.peek()
        if kind == "name" and found.lower() in words:
            self.place += 1
            return found.lower()
        return ""

    def sign(self, *signs: str) -> str:
        kind, found, _ = self.peek()
        if kind == "sign" and found in signs:
            self.place += 1
            return found
        return ""

    def whole(self) -> Term:
        term = self.expression()
        assert self.place == len(self.tokens), self.text
        return term

    def all(self) -> list[Term]:
        terms = [self.expression()]
        while self.sign(","):
            terms.append(self.expression())
        return terms

    def expression(self) -> Term:
        return self.chain(self.conjunction, lambda: self.word("or"))

    def conjunction(self) -> Term:
        return self.chain(self.negation, lambda: self.word("and"))

    def negation(self) -> Term:
        if self.word("not"):
            inner = self.negation()
            return lambda scope: not plain(inner(scope))
        return self.chain(self.joined, lambda: self.sign(*COMPARISONS) or self.word(*COMPARISONS))

    def joined(self) -> Term:
        return self.chain(self.sum, lambda: self.sign("&"))

    def sum(self) -> Term:
        return self.chain(self.remainder, lambda: self.sign("+", "-"))

    def remainder(self) -> Term:
        return self.chain(self.product, lambda: self.word("mod"))

    def product(self) -> Term:
        return self.chain(self.unary, lambda: self.sign("*", "/"))

    def chain(self, part: Callable[[], Term], operator: Callable[[], str]) -> Term:
        """Terms with operators between them; both sides are always computed, as VBA does."""
        term = part()
        while found := operator():
            term = self.both(term, OPERATORS[found], part())
        return term

    def both(self, one: Term, operation: Callable[[Any, Any], Any], other: Term) -> Term:
        return lambda scope: operation(plain(one(scope)), plain(other(scope)))

    def unary(self) -> Term:
        if self.sign("-"):
            inner = self.unary()
            return lambda scope: -plain(inner(scope))
        return self.trailing(*self.primary())

    def primary(self) -> tuple[Term, bool]:
        """A term, and whether it may be a procedure that is not called yet."""
        kind, found, _ = self.peek()
        self.place += 1
        if kind == "text":
            return constant(found[1:-1].replace('""', '"')), False
        if kind == "hex":
            return constant(int(found[2:], 16)), False
        if kind == "number":
            return constant(float(found) if "." in found else int(found)), False
        if kind == "sign" and found == "(":
            inner = self.expression()
            assert self.sign(")"), self.text
            return (lambda scope: plain(inner(scope))), False
        if kind == "sign" and found == ".":
            self.place -= 1
            return (lambda scope: scope.frame.withs[-1]), False
        assert kind == "name", self.text
        if found.lower() == "new":
            made = self.peek()[1]
            self.place += 1
            return (lambda scope: scope.project.new(made)), False
        low = found.lower()
        return (lambda scope: scope.named(low)), True

    def trailing(self, term: Term, callable_: bool, *, call: bool = True) -> Term:
        """Members, arguments and elements behind a term. `call`: also call what comes last."""
        while True:
            if self.sign("."):
                name = self.peek()[1]
                self.place += 1
                term, callable_ = member(called(term) if callable_ else term, name), True
            elif self.peek()[1] == "(" and not self.peek()[2]:
                self.place += 1
                term, callable_ = invoked(term, *self.arguments(")")), False
            else:
                return called(term) if callable_ and call else term

    def arguments(self, end: str) -> tuple[list[Term], dict[str, Term]]:
        given: list[Term] = []
        named: dict[str, Term] = {}
        while not (end and self.sign(end)) and self.place < len(self.tokens):
            if self.peek(1)[1] == ":=":
                key = self.peek()[1]
                self.place += 2
                named[key] = self.expression()
            elif self.peek()[1] == ",":
                given.append(constant(MISSING))
            else:
                given.append(self.expression())
            self.sign(",")
        return given, named

    def statement(self) -> Term:
        """A call whose arguments have no brackets."""
        depth = 0
        for place, (_, found, spaced) in enumerate(self.tokens):
            if place and depth == 0 and spaced:
                break
            depth += {"(": 1, ")": -1}.get(found, 0)
        else:
            return self.whole()
        rest = self.tokens[place:]
        self.tokens = self.tokens[:place]
        term = self.trailing(*self.primary(), call=False)
        self.tokens, self.place = rest, 0
        return invoked(term, *self.arguments(""))

    def target(self) -> Callable[["Scope", Any], None]:
        """What an assignment changes: a variable, an element, or a property."""
        if len(self.tokens) == 1:
            low = self.tokens[0][1].lower()
            return lambda scope, value: setattr(scope.variable(low), "value", value)
        if self.tokens[-1][1] == ")":
            low = self.tokens[0][1].lower()
            self.place = 2
            places, _ = self.arguments(")")
            return lambda scope, value: put(
                scope.variable(low).value, [plain(place(scope)) for place in places], value
            )
        name = self.tokens.pop()[1]
        self.tokens.pop()  # the dot
        owner = (
            self.trailing(*self.primary()) if self.tokens else lambda scope: scope.frame.withs[-1]
        )

        def change(scope: "Scope", value: Any) -> None:
            held = plain(owner(scope))
            setattr(held, spelled(held, name), value)

        return change


def constant(value: Any) -> Term:
    return lambda scope: value


def called(term: Term) -> Term:
    """A procedure or a method, called without arguments; anything else as it is."""

    def value(scope: "Scope") -> Any:
        found = term(scope)
        if isinstance(found, Bound):
            return scope.invoke(found, [], {})
        return found() if inspect.ismethod(found) else found

    return value


def member(term: Term, name: str) -> Term:
    def value(scope: "Scope") -> Any:
        owner = plain(term(scope))
        if owner is None:
            raise VbaError(91, f"Object variable not set, asked for {name}")
        if isinstance(owner, Instance):
            return Bound(owner.module, owner.module.procedures[name.lower()], owner)
        return getattr(owner, spelled(owner, name))

    return value


def invoked(term: Term, given: list[Term], named: dict[str, Term]) -> Term:
    return lambda scope: scope.invoke(
        term(scope),
        [argument(scope) for argument in given],
        {key: plain(argument(scope)) for key, argument in named.items()},
    )


class Scope:
    """What names mean in a frame, and how things are called there."""

    def __init__(self, project: Project, frame: Frame) -> None:
        self.project, self.frame = project, frame

    def of(self, text: str) -> Any:
        return plain(read_once(text, "whole")(self))

    def all(self, text: str) -> list[Any]:
        return [plain(term(self)) for term in read_once(text, "all")]

    def statement(self, text: str) -> None:
        read_once(text, "statement")(self)

    def assign(self, target: str, value: Any) -> None:
        read_once(target, "target")(self, value)

    def invoke(self, found: Any, given: list[Any], named: dict[str, Any]) -> Any:
        if isinstance(found, Bound):
            lowered = {key.lower(): one for key, one in named.items()}
            return self.project.run(found.module, found.procedure, given, lowered, found.owner)
        found = plain(found)
        if isinstance(found, tuple):  # of Excel's, counted from 1
            for place in map(plain, given):
                found = found[place - 1]
            return found
        if getattr(found, "takes_references", False):
            return found(*given, **named)
        return found(*map(plain, given), **named)

    def named(self, low: str) -> Any:
        frame = self.frame
        if low in frame.variables:  # also a function's own name: ours never call themselves
            return frame.variables[low]
        if low == "me":
            return frame.owner
        if low in frame.module.procedures:
            return Bound(frame.module, frame.module.procedures[low], frame.owner)
        if frame.owner and low in frame.owner.variables:
            return frame.owner.variables[low]
        if low in frame.module.variables:
            return frame.module.variables[low]
        if low in BUILT_IN:
            return BUILT_IN[low]() if low in ("now", "freefile") else BUILT_IN[low]
        for module in self.project.modules.values():
            if low in module.procedures and low not in module.private and not module.events:
                return Bound(module, module.procedures[low], None)
        if low == "err":
            return Err(self.project)
        if low in self.project.outside:
            return self.project.outside[low]
        if low in CONSTANTS:
            return CONSTANTS[low]
        if low == "lof":
            return lambda number: len(self.project.files[number])
        raise VbaError(35, f"Sub or Function not defined: {low}")

    def variable(self, low: str) -> Ref:
        found = self.named(low)
        assert isinstance(found, Ref), low
        return found


@cache
def read_once(text: str, how: str) -> Any:
    return getattr(Reading(text), how)()


@dataclass
class Bound:
    """A procedure with the object that it belongs to."""

    module: Module
    procedure: Procedure
    owner: Instance | None


class Err:
    """VBA's Err."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @property
    def Number(self) -> int:  # noqa: N802
        return self.project.error.number

    @property
    def Description(self) -> str:  # noqa: N802
        return self.project.error.description

    def Clear(self) -> None:  # noqa: N802
        self.project.error = VbaError(0, "")

    def Raise(self, number: int, source: str = "", description: str = "", **named: str) -> None:  # noqa: N802
        raise VbaError(number, named.get("Description", description))


def plain(value: Any) -> Any:
    return value.value if isinstance(value, Ref) else value


def text(value: Any) -> str:
    value = value_of(value)
    if isinstance(value, ExcelError):
        raise VbaError(13, "Type mismatch")
    return "" if value is None else str(value)


def compared(one: Any, comparison: str, other: Any) -> bool:
    if comparison == "is":
        return one is other
    one, other = value_of(one), value_of(other)
    if comparison == "like":
        return fnmatch.fnmatchcase(one, other)
    if comparison in ("=", "<>"):
        return equal(one, other) == (comparison == "=")
    one, other = one or 0, other or 0
    return {"<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other}[comparison]


def operation(sign: str) -> Callable[[Any, Any], Any]:
    return lambda one, other: compared(one, sign, other)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    **{sign: operation(sign) for sign in COMPARISONS},
    "or": lambda one, other: one | other,
    "and": lambda one, other: one & other,
    "&": lambda one, other: text(one) + text(other),
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "mod": math.fmod,
}


def put(array: Any, places: list[int], value: Any) -> None:
    for place in places[:-1]:
        array = array[place]
    array[places[-1] - getattr(array, "start", 0)] = value


def spelled(owner: Any, name: str) -> str:
    """A member as Python spells it: VBA knows no large and small letters."""
    if name in vars(owner) or hasattr(type(owner), name):
        return name
    found = [one for one in dir(owner) if one.lower() == name.lower()]
    return found[0] if found else name


def file_attributes(path: str) -> int:
    if not Path(path).exists():
        raise VbaError(53, "File not found")
    return 16 if Path(path).is_dir() else 32


def in_string(*arguments: Any) -> int:
    start, held, sought = arguments if len(arguments) == 3 else (1, *arguments)
    return str(held).find(str(sought), start - 1) + 1


def dimensions(array: Any, which: int = 1) -> int:
    if not isinstance(array, list | tuple):
        raise VbaError(13, "Type mismatch")
    if which == 2 and not (array and isinstance(array[0], list | tuple)):
        raise VbaError(9, "Subscript out of range")
    return len(array if which == 1 else array[0]) - 1 + first(array)


def first(array: Any, which: int = 1) -> int:
    return 1 if isinstance(array, tuple) else getattr(array, "start", 0)


def bits(value: Any) -> int:
    value = value_of(value)
    return {str: 8, bool: 11, float: 5, int: 3, type(None): 0, ExcelError: 10}.get(type(value), 9)


BUILT_IN: dict[str, Callable[..., Any]] = {
    "array": lambda *values: Array(values),
    "chr": chr,
    "cstr": lambda value: text(value),
    "cverr": ExcelError,
    "freefile": lambda: 1,
    "getattr": file_attributes,
    "instr": in_string,
    "instrrev": lambda held, sought: held.rfind(sought) + 1,
    "isarray": lambda value: isinstance(value, list | tuple),
    "isempty": lambda value: value_of(value) is None,
    "isnull": lambda value: False,
    "iserror": lambda value: isinstance(value_of(value), ExcelError),
    "ismissing": lambda value: value is MISSING,
    "lbound": first,
    "lcase": lambda value: text(value).lower(),
    "left": lambda value, count: text(value)[:count],
    "len": lambda value: len(text(value)),
    "mid": lambda value, start, count=None: (
        text(value)[start - 1 :] if count is None else text(value)[start - 1 : start - 1 + count]
    ),
    "now": lambda: 0.0,
    "replace": lambda value, old, new: text(value).replace(old, new),
    "right": lambda value, count: text(value)[-count:] if count else "",
    "strconv": lambda value, kind: bytes(value).decode("latin-1"),
    "timeserial": lambda hours, minutes, seconds: hours / 24 + minutes / 1440 + seconds / 86400,
    "trim": lambda value: text(value).strip(" "),
    "typename": lambda value: type(value).__name__,
    "ubound": dimensions,
    "ucase": lambda value: text(value).upper(),
    "vartype": bits,
}
