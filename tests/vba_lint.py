"""What Excel's VBA compiler would complain of, as far as it shows without Excel."""

import re
from collections.abc import Container

from xlwings import constants  # Excel's own, under the names that VBA has for them

LONGEST_LINE = 1023
LONGEST_NAME = 255
MOST_CONTINUATIONS = 24
LONGEST_PROCEDURE = 64 * 1024  # bytes when compiled, which the source is far above

WORDS = set(
    "addressof alias and as attribute base binary boolean byref byte byval call case collection"
    " compare const currency date decimal declare dim do double each else elseif empty end enum"
    " erase error event exit explicit false for friend function get global gosub goto if imp"
    " implements in integer is let lib like long longlong longptr loop lset me mod module new next"
    " not nothing null object on option optional or paramarray preserve print private property"
    " ptrsafe public raiseevent redim rem resume return rset select set single static step stop"
    " string sub text then to true type typeof until variant wend while with withevents write"
    " xor".split()
)
RESERVED = WORDS - set("base binary collection compare error module object text".split())

# What VBA and Excel know without being told, as far as it is used.
KNOWN = set(
    "access activecell activeworkbook application array chr close cstr createobject cverr"
    " deletesetting environ err freefile getattr getsetting instr instrrev irribbonui"
    " irribboncontrol iribboncontrol iribbonui isarray isempty iserror isnull isnumeric lbound"
    " lcase left len lof mid msgbox now open range read replace right savesetting selection shared"
    " strconv thisworkbook timeserial trim typename ubound ucase vartype vbcr vbcrlf vbdirectory"
    " vblf vbstring vbunicode workbook workbooks worksheet activepresentation currentproject"
    " thisdocument".split()
)
CONSTANTS = {
    name.lower()
    for kind in vars(constants).values()
    if isinstance(kind, type)
    for name in vars(kind)
    if name.startswith("xl")
}
NAME = re.compile(r"(?<![\w.&])(?!\d)[A-Za-z]\w*(?!\w*:=)")
START = re.compile(
    r"^(?:(?:Public|Private|Friend) )?(?:Static )?(Sub|Function|Property \w+) (\w+)\((.*?)\)"
)
DECLARED = re.compile(r"^(?:Dim|Static|ReDim(?: Preserve)?|Private|Public)(?: WithEvents)? (.+)")
OUTSIDE = re.compile(
    r"^(?:(?:Public|Private) )?(?:Const|Declare(?: PtrSafe)? (?:Sub|Function)) (\w+)"
)


def statements(source: str) -> list[str]:
    """The logical lines, without their comments and with texts emptied."""
    bare = [re.sub(r"'.*", "", re.sub(r'"(?:[^"]|"")*"', '""', x)) for x in source.split("\n")]
    joined = re.sub(r" _ *\n *", " ", "\n".join(bare))
    return [line.strip() for line in joined.split("\n") if line.strip()]


def procedures(source: str) -> dict[str, str]:
    """The text of every procedure, by its name."""
    pattern = r"^(?:(?:Public|Private) )?(Sub|Function) (\w+)\(.*?^End \1$"
    return {m[2]: m[0] for m in re.finditer(pattern, source, re.M | re.S)}


def complaints(name: str, source: str, project: dict[str, str]) -> list[str]:
    """All that is wrong in one module of a project, of which `project` has the sources."""
    found = []
    lines = source.split("\n")
    if "Option Explicit" not in lines:
        found.append(f"{name}: no Option Explicit")
    run = 0
    for number, line in enumerate(lines, 1):
        run = run + 1 if line.endswith(" _") else 0
        if len(line) > LONGEST_LINE or run > MOST_CONTINUATIONS:
            found.append(f"{name}, line {number} is too long")
        if not line.isascii():
            found.append(f"{name}, line {number} is not ASCII")
    for procedure, text in procedures(source).items():
        if len(text) > LONGEST_PROCEDURE:
            found.append(f"{name}: {procedure} is too long")
    known = {other.lower() for other in project} | outside(source, private=True)
    for other in project.values():
        known |= outside(other, private=False)
    return found + undeclared(name, source, known)


def outside(source: str, *, private: bool) -> set[str]:
    """What a module declares outside of its procedures, or for other modules."""
    names = set()
    inside = False
    for line in statements(source):
        if start := START.match(line):
            inside = True
            if private or not line.startswith("Private"):
                names.add(start[2].lower())
        elif line.startswith("End ") and line.split()[1] in ("Sub", "Function", "Property"):
            inside = False
        elif not inside:
            if constant := OUTSIDE.match(line):
                names |= {constant[1].lower()} if private or line.startswith("Public") else set()
            elif (private or line.startswith("Public")) and (variables := DECLARED.match(line)):
                names |= declared(variables[1])
    return names


def declared(text: str) -> set[str]:
    """The names in a list of declarations: `a As Long, b() As String, ByRef c`."""
    return {
        re.sub(r"^(?:Optional |ByVal |ByRef |ParamArray )*", "", part.strip())
        .split(" ")[0]
        .split("(")[0]
        .lower()
        for part in text.split(",")
        if part.strip()
    }


def undeclared(name: str, source: str, known: set[str]) -> list[str]:
    """Names that nothing declares, and declared names that VBA keeps for itself."""
    found = []
    local: set[str] = set()
    lines = [
        line for line in statements(source) if not line.startswith(("#", "Attribute", "Option"))
    ]
    for line in lines:
        if start := START.match(line):
            local = declared(start[3])
            found += [f"{name}: {word} is reserved" for word in local & RESERVED]
            continue
        if constant := OUTSIDE.match(line):
            local.add(constant[1].lower())
            continue
        if variables := DECLARED.match(line):
            if not line.startswith("ReDim"):
                local |= declared(variables[1])
                found += [f"{name}: {word} is reserved" for word in local & RESERVED]
            continue
        if re.fullmatch(r"\w+:", line):
            local.add(line[:-1].lower())
            continue
        labels = {word.lower() for word in re.findall(r"(?:GoTo|Resume) (\w+)", line)}
        for word in NAME.findall(line):
            low = word.lower()
            if len(word) > LONGEST_NAME:
                found.append(f"{name}: {word} is too long")
            if low in WORDS | KNOWN | CONSTANTS | known | local | labels:
                continue
            found.append(f"{name}: nothing declares {word} in {line!r}")
    return found


# What a cell may get


def wrong_ways_out(project: dict[str, str], classes: Container[str] = ()) -> list[str]:
    """Every way by which a function that cells call could give 0 or a text for a failure.

    Cells call no function of a class. VBA gives 0 for a function that ends before its name was
    assigned; and what these functions call is looked at, too.
    """
    functions: dict[str, str] = {}
    for source in project.values():
        functions |= {
            name.lower(): text
            for name, text in procedures(source).items()
            if re.match(r"(?:Public |Private )?Function", text) and gives_anything(text)
        }
    cells_call = {
        name.lower()
        for module, source in project.items()
        if module not in classes and "Option Private Module" not in source
        for name in re.findall(r"^(?:Public )?Function (\w+)", source, re.M)
    }
    found: list[str] = []
    seen: set[str] = set()
    todo = sorted(cells_call & set(functions))
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        way = WaysOut(name, functions[name])
        found += way.complaints
        called = {word.lower() for text in way.lines for word in NAME.findall(text)}
        members = {word.lower() for text in way.lines for word in re.findall(r"\.(\w+)", text)}
        todo += sorted((called | members) & set(functions))
    return found


def gives_anything(text: str) -> bool:
    """Whether a function's result is a Variant, which is Empty until it is assigned."""
    head = START.match(statements(text)[0])
    assert head
    after = statements(text)[0][head.end() :].strip()
    return after in ("", "As Variant")


class WaysOut:
    """The ways through a function, with what is wrong about their ends."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = statements(text)[1:-1]
        self.complaints: list[str] = []
        self.labels: dict[str, bool] = {}  # whether the name is assigned where a jump arrives
        self.handlers: set[str] = set()
        self.trusted = True  # an assignment that fails is left out where errors are
        self.handling = False
        if self.through(0, len(self.lines), False) is False:
            self.complain("ends unassigned")

    def complain(self, what: str) -> None:
        self.complaints.append(f"{self.name} {what}")

    def through(self, place: int, end: int, state: bool | None) -> bool | None:
        """Whether the name is assigned after these lines; None where nothing goes on."""
        while place < end:
            line = self.lines[place]
            if re.match(r"If .* Then$|Select Case |For |Do\b|While |With ", line):
                close = self.close(place)
                state = self.block(place, close, state)
                place = close + 1
                continue
            state = self.one(line, state)
            place += 1
        return state

    def block(self, place: int, close: int, state: bool | None) -> bool | None:
        first = self.lines[place]
        if first.startswith("With "):
            return self.through(place + 1, close, state)
        if first.startswith(("For ", "Do", "While ")):
            self.through(place + 1, close, state)
            return state  # it may not run once
        depth, starts = 0, [place]
        for inner in range(place, close):
            line = self.lines[inner]
            depth += bool(re.match(r"If .* Then$|Select Case ", line))
            depth -= line in ("End If", "End Select")
            if depth == 1 and re.match(r"ElseIf |Else$|Case ", line):
                starts.append(inner)
        ends = [*starts[1:], close]
        otherwise = any(self.lines[start] in ("Else", "Case Else") for start in starts)
        states = [] if otherwise else [state]
        for start, end in zip(starts, ends, strict=True):
            if not self.lines[start].startswith("Select"):
                states.append(self.through(start + 1, end, state))
        return merged(states)

    def close(self, place: int) -> int:
        pairs = {"For": "Next", "Do": "Loop", "While": "Wend"}
        word = self.lines[place].split()[0]
        ending, depth = pairs.get(word, f"End {word}"), 0
        for inner in range(place, len(self.lines)):
            line = self.lines[inner]
            opens = re.match(rf"{word} .* Then$" if word == "If" else rf"{word}\b", line)
            depth += bool(opens) and not line.startswith("End")
            depth -= line.startswith(ending)
            if depth == 0:
                return inner
        raise AssertionError(self.lines[place])

    def one(self, line: str, state: bool | None) -> bool | None:
        if label := re.fullmatch(r"(\w+):", line):
            self.handling = label[1].lower() in self.handlers
            return merged([state, self.labels.get(label[1].lower())])
        if state is None:
            return None
        if short := re.match(r"If (.*?) Then (.*)", line):
            return merged([state, self.one(short[2], state)])
        if handler := re.match(r"On Error (?:GoTo (\w+)|Resume Next)", line):
            self.trusted = handler[1] is not None
            if handler[1] and handler[1] != "0":
                self.handlers.add(handler[1].lower())
                self.labels[handler[1].lower()] = state
            return state
        if jump := re.match(r"GoTo (\w+)", line):
            target = jump[1].lower()
            self.labels[target] = merged([self.labels.get(target), state])
            return None
        if re.match(r"Exit (Function|Sub)", line):
            if not state:
                self.complain("exits unassigned")
            return None
        if line.startswith(("Err.Raise", "Resume ")):
            return None
        return self.assigned(line, state)

    def assigned(self, line: str, state: bool) -> bool:
        if value := re.match(rf"(?:Set )?{self.name} = (.*)", line, re.IGNORECASE):
            if re.search(r"\bErr\b|&", value[1]) or re.fullmatch(r'""', value[1]):
                self.complain(f"is assigned a text: {value[1]}")
            elif self.handling and not value[1].startswith("CVErr("):
                self.complain(f"is assigned no error for a failure: {value[1]}")
            return state or self.trusted
        return state


def merged(states: list[bool | None]) -> bool | None:
    """Of several ways that come together: assigned only if it is on all that go on."""
    going = [state for state in states if state is not None]
    return all(going) if going else None
