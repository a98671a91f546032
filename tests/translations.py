"""What the languages still lack of the functions' help, and stubs for it in their files."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

import kpi_xl.udfs
import kpi_xl.workbook_templates

import kpi_xl.locales
from kpi_xl import METRICS, units
from kpi_xl.errors import KINDS
from kpi_xl.exports import known_layouts
from kpi_xl.exports.reading import THINGS
from kpi_xl.locales import LANGUAGES, texts
from kpi_xl.own import FAMILY
from kpi_xl.registry import Metric
from kpi_xl.units import Unit

FOLDER = Path(kpi_xl.locales.__file__).parent
CODE = FOLDER.parent
ROOMS = [CODE, *(Path(room.__file__).parent for room in (kpi_xl.workbook_templates, kpi_xl.udfs))]
TRANSLATIONS = [language for language in LANGUAGES if language != "en"]


def help_texts() -> dict[str, list[str]]:
    """The English texts of the functions' help that languages translate, by section, in order."""
    metrics = list(METRICS.values())
    found = {
        "units": [unit.meaning for unit in vars(units).values() if isinstance(unit, Unit)],
        "families": [*(metric.family for metric in metrics), FAMILY],
        "arguments": [one.arg.help for metric in metrics for one in metric.arguments],
        "columns": [meaning for metric in metrics for _, meaning in metric.columns],
        "cautions": [
            *(metric.caution for metric in metrics),
            *(metric.remark[0] for metric in metrics if metric.remark),
        ],
    }
    found["messages"] = list(told())
    return {section: list(filter(None, dict.fromkeys(said))) for section, said in found.items()}


SENTENCES = {"Message": 0, **dict.fromkeys((kind.__name__ for kind in KINDS.values()), 0)}
SENTENCES |= {"ErrorCell": 1, "CellError": 1, "DefinitionError": 1, "DefinedTwiceError": 1}
SENTENCES |= dict.fromkeys(("ExpressionError", "FormulaError", "RefusedError", "UnknownError"), 0)
SENTENCES |= dict.fromkeys(("NotAWorkbookError", "BadSheetError", "OfficeError", "LookError"), 0)
"""What says a sentence, and which of its arguments that is."""


def told() -> Iterator[str]:
    """The sentences that the code says, and the things in them; and those of layouts.

    They are constants, by themselves or as the `text` of a line before.
    """
    for path, tree in trees():
        nodes = list(ast.walk(tree))
        says = any(isinstance(one, ast.Call) and _called(one) == "Message" for one in nodes)
        for node in nodes:
            if isinstance(node, ast.Call) and _called(node) in SENTENCES:
                yield from constants(node.args[SENTENCES[_called(node)]], path)
            elif isinstance(node, ast.Call) and _called(node) == "Counted":
                yield from (f"{{number}} {things}" for things in constants(node.args[1]))
            elif isinstance(node, ast.Assign) and says:
                yield from (text for one in _texts_of(node) for text in constants(one, path))
    yield from (f"{{number}} {things}" for things in THINGS)
    yield from ("and", "or")
    for layout in known_layouts():
        yield from (layout.advice, layout.note, layout.refused)


def _texts_of(node: ast.Assign) -> Iterator[ast.expr]:
    """What the name `text` gets, by itself or beside others."""
    names, values = ([node.targets[0]], [node.value])
    if isinstance(names[0], ast.Tuple) and isinstance(values[0], ast.Tuple):
        names, values = names[0].elts, values[0].elts
    for name, value in zip(names, values, strict=True):
        if isinstance(name, ast.Name) and name.id == "text":
            yield value


def place_of(call: ast.Call) -> int | None:
    """Which argument of a call is a sentence, if one is."""
    return SENTENCES.get(_called(call))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


@cache
def trees() -> list[tuple[Path, ast.Module]]:
    """The code of every room."""
    paths = sorted(path for room in ROOMS for path in room.rglob("*.py"))
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


@cache
def _named(path: Path) -> dict[str, str]:
    """The texts that have names in a module, as TOO_LARGE does, those that it imports included."""
    found: dict[str, str] = {}
    for node in dict(trees())[path].body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kpi_xl."):
            there = CODE.joinpath(*str(node.module).split(".")[1:]).with_suffix(".py")
            if there in dict(trees()):
                texts = _named(there)
                found |= {one.name: texts[one.name] for one in node.names if one.name in texts}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            found |= {ast.unparse(node.targets[0]): node.value.value}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def constants(node: ast.expr, path: Path | None = None) -> list[str]:
    """The texts that an expression is, or chooses between; the names of a module stand for them."""
    if isinstance(node, ast.IfExp):
        return [*constants(node.body, path), *constants(node.orelse, path)]
    if isinstance(node, ast.Name) and path and node.id in _named(path):
        return [_named(path)[node.id]]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def fingerprint(metric: Metric) -> str:
    """Of the English that a function's translation stands for."""
    return sha256(f"{metric.summary} {metric.notes}".encode()).hexdigest()[:8]


def parts(metric: Metric) -> list[str]:
    """What a language says of a function."""
    return ["summary", "notes"] if metric.notes else ["summary"]


def lacking(language: str) -> Iterator[str]:
    """What is not translated yet, by its place in the language's file."""
    file = texts(language)
    for section, said in help_texts().items():
        for text in said:
            if not file[section].get(text):
                yield f"{language}.toml: [{section}] {json.dumps(text, ensure_ascii=False)}"
    for name, metric in METRICS.items():
        for part in parts(metric):
            if not file["functions"].get(name, {}).get(part):
                yield f"{language}.toml: [functions.{name}] {part}"


def with_stubs(language: str, words: Iterable[str] = ()) -> str:
    """A language's file with an empty text for each that is missing, beside its neighbours.

    `words` are the workbooks' texts.
    """
    path = FOLDER / f"{language}.toml"
    lines = path.read_text(encoding="utf-8").split("\n")
    file = texts(language)
    for section, said in {"words": list(words), **help_texts()}.items():
        before = f"[{section}]"
        for text in said:
            key = json.dumps(text, ensure_ascii=False)
            if text not in file[section]:
                top = _line(lines, f"[{section}]")
                lines.insert(_line(lines, before, top) + 1, f'{key} = ""')
            before = f"{key} = "
            if section == "words":
                before = f"[{section}]"
    names = list(METRICS)
    for place, name in enumerate(names):
        if name in file["functions"]:
            continue
        metric = METRICS[name]
        stub = [f"[functions.{name}]", f'english = "{fingerprint(metric)}"']
        stub += [f'{part} = ""' for part in parts(metric)]
        at = next(
            (_line(lines, f"[functions.{after}]") for after in names[place + 1 :]
             if f"[functions.{after}]" in lines), len(lines),
        )  # fmt: skip
        lines[at:at] = [*stub, ""]
    return "\n".join(lines)


def _line(lines: list[str], start: str, top: int = 0) -> int:
    """The first line from the top on that begins so; a key may be in quotes of either kind."""
    starts = start, re.sub(r'^"(.*)" = $', r"'\1' = ", start)
    return next(n for n in range(top, len(lines)) if lines[n].startswith(starts))


SAYS_NOTHING = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}")
"""What makes a text a sentence, and no sign, name or pattern: two words in a row."""

PRINTS = ("print", "echo", "prompt", "alert", "tell", "step", "progress")


def english_alone() -> Iterator[tuple[Path, int, str]]:
    """Sentences that are raised or printed as they stand in the code: place, and by what."""
    for path, tree in trees():
        yield from ((path, line, name) for line, name in english_in(tree))


def english_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Those of a module: their lines, and by what they are said."""
    for node in ast.walk(tree):
        call = node.exc if isinstance(node, ast.Raise) else node
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func).rpartition(".")[2]
        raised = isinstance(node, ast.Raise) and name not in SENTENCES
        printed = name in PRINTS and not isinstance(node, ast.Raise)
        if (raised or printed) and any(map(_is_sentence, call.args)):
            yield node.lineno, name


def _is_sentence(node: ast.expr) -> bool:
    """Whether an expression is a sentence in English, and no call that says it in any language."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(SAYS_NOTHING.search(node.value))
    if isinstance(node, ast.JoinedStr):
        return bool(SAYS_NOTHING.search("".join(_words(node))))
    return any(
        _is_sentence(one)
        for one in ast.iter_child_nodes(node)
        if isinstance(one, ast.expr) and not isinstance(node, ast.Call)
    )


def _words(text: ast.JoinedStr) -> Iterator[str]:
    """The pieces of a text that are written out; whatever is put in is a word."""
    for piece in text.values:
        yield piece.value if isinstance(piece, ast.Constant) else "xx"
