"""What is written about a function, derived from its record, for every reader of it.

A language is a code of `kpi_xl.locales.LANGUAGES`.
"""

from collections.abc import Iterable
from functools import cache
from itertools import islice

from kpi_xl.locales import Message, in_language, other_names, say, texts
from kpi_xl.registry import Argument, Metric
from kpi_xl.units import ANY, DATE, LARGEST, Domain


def summary(metric: Metric, language: str = "en") -> str:
    """What it is, in a sentence."""
    if metric.translated is not None:  # a company's own, in the languages that it has
        return metric.translated.get(language, metric.summary)
    if language == "en":
        return metric.summary
    return str(texts(language)["functions"][metric.name]["summary"])


def notes(metric: Metric, language: str = "en") -> str:
    """What else is to be known of it, in paragraphs; often nothing."""
    own = metric.notes
    if language != "en" and own and metric.translated is None:
        own = str(texts(language)["functions"][metric.name]["notes"])
    return "\n\n".join(filter(None, (own, on_blanks(metric, language))))


def aliases(metric: Metric, language: str = "en") -> list[str]:
    """Other names of a function, those that every language has first."""
    known = other_names().get(metric.name, {})
    return [*known.get("same", ()), *known.get(language, ())]


BLANKS_OF_RANGES = (
    "Excel on the desktop may send xlwings Lite a blank cell as 0. Where the answer depends on it,"
    ' a 0 in {names} is #VALUE! there: write IF(A2:A99="","",A2:A99) for a range that ends in a'
    " blank row."
)
BLANKS_OF_CELLS = (
    "Excel on the desktop may send xlwings Lite a blank cell as 0. Where the answer depends on it,"
    " a 0 in {names} is #VALUE! there: fill the cell, or leave the argument out."
)
BLANKS_OF_BOTH = (
    "Excel on the desktop may send xlwings Lite a blank cell as 0. Where the answer depends on it,"
    ' a 0 in {names} is #VALUE! there: write IF(A2:A99="","",A2:A99) for a range that ends in a'
    " blank row; fill a single cell, or leave the argument out."
)


def on_blanks(metric: Metric, language: str = "en") -> str:
    """Where a blank cell is not a 0, and a host that may confuse the two; often nothing."""
    concerned = [argument for argument in metric.arguments if argument.tells_blank_from_zero]
    if not concerned:
        return ""
    columns = {argument.arg.column for argument in concerned}
    pattern = BLANKS_OF_BOTH
    if len(columns) == 1:
        pattern = BLANKS_OF_RANGES if columns == {True} else BLANKS_OF_CELLS
    names = ", ".join(argument.name for argument in concerned)
    return say(pattern, language, "phrases").format(names=names)


def caution(metric: Metric, language: str = "en") -> str:
    """What to check before its result is believed; often nothing."""
    if metric.translated is not None:
        return metric.caution
    return say(metric.caution, language, "cautions") if metric.caution else ""


def family_name(family: str, language: str = "en") -> str:
    """What a family is called; in English it is the word that selects it."""
    return family if language == "en" else say(family, language, "families")


def definition(metric: Metric, language: str = "en") -> str:
    """One text: what it is, formula, unit, source; where there are any, a caution, and blanks."""
    pattern = "{name}: {summary} Formula: {formula}. Unit: {unit}. Source: {source}."
    text = say(pattern, language, "phrases").format(
        name=metric.name,
        summary=summary(metric, language),
        formula=metric.formula,
        unit=say(metric.returns.meaning, language, "units"),
        source=metric.source,
    )
    both = say("{definition} {caution}", language, "phrases")
    for more in filter(None, (caution(metric, language), on_blanks(metric, language))):
        text = both.format(definition=text, caution=more)
    return text


def argument_meaning(argument: Argument, language: str = "en") -> str:
    """What an argument is, without its unit."""
    if argument.arg.translated is not None:
        return argument.arg.translated.get(language, argument.arg.help)
    return say(argument.arg.help, language, "arguments")


def argument_help(argument: Argument, language: str = "en") -> str:
    """What an argument is, its unit, what it admits, its default."""
    arg = argument.arg
    parts = [argument_meaning(argument, language), say(arg.unit.meaning, language, "units")]
    if arg.words:
        parts[1] = " / ".join(f'"{word}"' for word in arg.shown or arg.words)
    if argument.domain != ANY and arg.unit != DATE:
        parts.append(domain_text(argument.domain, language))
    if argument.default_text:
        default = argument.default_text
        if isinstance(argument.default, float):
            default = number_text(argument.default, language)
        parts.append(say("default {default}", language, "phrases").format(default=default))
    return say("; ", language, "phrases").join(parts)


def domain_text(domain: Domain, language: str = "en") -> str:
    """The numbers that a domain admits, in words."""
    return in_language(domain_message(domain), language)


@cache
def domain_message(domain: Domain) -> Message:
    """The same as a sentence takes it."""
    low, high = float(domain.low), float(domain.high)
    bounds = []
    if low > -LARGEST:
        text = "above {number}" if domain.open_low else "at least {number}"
        bounds.append(Message(text, number=low))
    if high < LARGEST:
        text = "below {number}" if domain.open_high else "at most {number}"
        bounds.append(Message(text, number=high))
    kind = Message("a whole number" if domain.whole else "any number")
    if not bounds:
        return kind
    both = bounds[0]
    if len(bounds) == 2:
        both = Message("{low} and {high}", low=bounds[0], high=bounds[1])
    return Message("{kind} {bounds}", kind=kind, bounds=both) if domain.whole else both


def number_text(number: float, language: str = "en") -> str:
    """A number with the decimal mark of a language."""
    return f"{number:g}".replace(".", say(".", language, "phrases"))


def docstring(metric: Metric) -> str:
    """The whole page of a function, as Python's help() shows it: in English, as Python's own."""
    from textwrap import wrap

    paragraphs = [metric.summary, *metric.notes.split("\n\n"), metric.caution]
    lines = [line for text in paragraphs if text for line in (*wrap(text, 92), "")] + ["Args:"]
    for argument in metric.arguments:
        lines.append(f"    {argument.name}: {argument_help(argument)}.")
    lines += ["", "Returns:", f"    {metric.returns.meaning}: {metric.formula}."]
    lines += [f"    Column {name}: {meaning}." for name, meaning in metric.columns]
    lines += ["", "Source:", f"    {metric.source}.", "", "In Excel:", f"    {metric.example[0]}"]
    return "\n".join(lines)


LONGEST_HELP = 255  # characters, of a description in Excel


def one_line(metric: Metric, language: str = "en") -> str:
    """The summary, with the formula and other names where Excel's function wizard has room.

    It is searched there.
    """
    short = summary(metric, language)
    full = say("{summary} Formula: {formula}.", language, "phrases")
    full = full.format(summary=short, formula=metric.formula)
    line = full if len(full) <= LONGEST_HELP else short
    if not aliases(metric, language):
        return line
    names = say("; ", language, "phrases").join(aliases(metric, language)[:5])
    also = say("{line} Also called: {names}.", language, "phrases").format(line=line, names=names)
    return also if len(also) <= LONGEST_HELP else line


LONGEST_NAME, MOST_NAMES = 200, 2_000  # of what is looked at, for a file may have a billion names


def did_you_mean(name: str, known: Iterable[str], likeness: float = 0.65) -> str:
    """`; did you mean CAC?`, or nothing: a wrong suggestion is worse than none."""
    from difflib import get_close_matches

    if len(name) > LONGEST_NAME:
        return ""
    likely = (candidate for candidate in islice(known, MOST_NAMES) if len(candidate) < LONGEST_NAME)
    spelled = {candidate.lower(): candidate for candidate in likely}
    near = get_close_matches(name.lower(), spelled, n=1, cutoff=likeness)
    return Message("; did you mean {name}?", name=spelled[near[0]]) if near else ""
