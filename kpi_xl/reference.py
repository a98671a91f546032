"""What is written about a function, derived from its record, for every reader of it."""

from collections.abc import Iterable

from kpi_xl.registry import Argument, Metric
from kpi_xl.units import ANY, DATE


def definition(metric: Metric) -> str:
    """One text: what it is, formula, unit, source, and a caution where there is one."""
    text = (
        f"{metric.name}: {metric.summary} Formula: {metric.formula}. "
        f"Unit: {metric.returns.meaning}. Source: {metric.source}. {metric.caution}"
    )
    return text.rstrip()


def argument_help(argument: Argument) -> str:
    """What an argument is, its unit, what it admits, its default."""
    arg = argument.arg
    parts = [arg.help, arg.unit.meaning]
    if arg.words:
        parts[1] = " / ".join(f'"{word}"' for word in arg.words)
    if argument.domain != ANY and arg.unit != DATE:
        parts.append(str(argument.domain))
    if argument.default_text:
        parts.append(f"default {argument.default_text}")
    return "; ".join(parts)


def docstring(metric: Metric) -> str:
    """The whole page of a function, as Python's help() shows it."""
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


def one_line(metric: Metric) -> str:
    """The summary, with the formula where both fit Excel's function wizard."""
    full = f"{metric.summary} Formula: {metric.formula}."
    return full if len(full) <= LONGEST_HELP else metric.summary


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean CAC?`, or nothing."""
    from difflib import get_close_matches

    spelled = {candidate.lower(): candidate for candidate in known}
    near = get_close_matches(name.lower(), spelled, n=1)
    return f"; did you mean {spelled[near[0]]}?" if near else ""
