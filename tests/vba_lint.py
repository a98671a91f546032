"""What Excel's VBA compiler would complain of, as far as it shows without Excel."""

import re

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
    "activecell activeworkbook application array chr cstr createobject cverr environ err getsetting"
    " instr instrrev irribbonui irribboncontrol iribboncontrol iribbonui isarray isempty iserror"
    " isnumeric lbound lcase left len mid msgbox now range replace right savesetting selection"
    " thisworkbook timeserial typename ubound ucase vartype vbcrlf vblf vbstring workbook workbooks"
    " worksheet activepresentation currentproject thisdocument".split()
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
