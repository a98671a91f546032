"""kpi-xl functions: what there is, and a page on each."""

import json
from typing import Annotated, Any

import typer

from kpi_xl import METRICS
from kpi_xl.cli.shared import (
    JSON,
    LANGUAGE_TAGS,
    Misuse,
    among,
    app,
    cell_text,
    computed,
    console_text,
    in_their_language,
    language_of,
)
from kpi_xl.locales import LANGUAGES, Message, Names, say
from kpi_xl.reference import (
    aliases,
    argument_help,
    argument_meaning,
    caution,
    did_you_mean,
    domain_text,
    family_name,
    notes,
    summary,
)
from kpi_xl.registry import Metric
from kpi_xl.search import called, meant, search

LANGUAGE = Annotated[
    str,
    typer.Option(
        "--lang",
        help=f"{', '.join(LANGUAGES)}, or a tag such as zh-TW.",
        autocompletion=LANGUAGE_TAGS,
    ),
]


@app.command()
@in_their_language
def functions(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="One function, such as CAC, or what to search for.",
            metavar="[WORDS]",
            autocompletion=among(lambda: METRICS),
        ),
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(
            help="Only those of a family.",
            autocompletion=among(lambda: sorted({metric.family for metric in METRICS.values()})),
        ),
    ] = None,
    lang: LANGUAGE = "en",
    as_json: JSON = False,
) -> None:
    """List the functions, those that some words find, or show one function's page."""
    language = language_of(lang)
    shown = list(METRICS.values())
    if words and family is not None:
        raise Misuse(Message("name a function or a --family, not both"))
    if words:
        shown = found(" ".join(words), language)
    if family is not None:
        families = sorted({metric.family for metric in METRICS.values()})
        spoken = {family_name(known, language).lower(): known for known in families}
        wanted = spoken.get(family.lower(), family.lower())
        if wanted not in families:
            near = did_you_mean(family, families) or Message(
                "; there are {names}", names=Names(families, ", ")
            )
            raise Misuse(Message('there is no family "{family}"{near}', family=family, near=near))
        shown = [metric for metric in shown if metric.family == wanted]
    if as_json:
        records = [record(metric, language) for metric in shown]
        print(json.dumps(records, ensure_ascii=False, indent=2))
    elif words and len(shown) == 1:
        print_page(shown[0], language)
    else:
        print_list(shown, language)


def found(words: str, language: str) -> list[Metric]:
    """The function of a name, the one that is called so, or all that fit. Raises Misuse."""
    if words.upper() in METRICS:
        return [METRICS[words.upper()]]
    one = called(words)
    listed = one if len(one) == 1 else search(words, language)
    if not listed:
        raise Misuse(Message('there is no function "{name}"{near}', name=words, near=meant(words)))
    return listed


def record(metric: Metric, language: str) -> dict[str, Any]:
    """A function for other programs: its names as they are, its texts in a language."""
    formula, result = metric.example
    return {
        "name": metric.name,
        "family": metric.family,
        "aliases": aliases(metric, language),
        "summary": summary(metric, language),
        "notes": notes(metric, language),
        "caution": caution(metric, language),
        "signature": metric.signature,
        "arguments": [
            {
                "name": argument.name,
                "help": argument_meaning(argument, language),
                "unit": argument.arg.unit.name,
                "domain": domain_text(argument.domain, language),
                "required": argument.required,
                "default": argument.default,
                "column": argument.arg.column,
                "words": list(argument.arg.words),
            }
            for argument in metric.arguments
        ],
        "returns": metric.returns.name,
        "columns": [
            {"name": name, "meaning": say(meaning, language, "columns")}
            for name, meaning in metric.columns
        ],
        "formula": metric.formula,
        "source": metric.source,
        "example": {"formula": formula, "result": result},
    }


def print_list(metrics: list[Metric], language: str) -> None:
    """The functions by family, a line each."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for header in ("Function", "Family", "What it is"):
        table.add_column(say(header, language, "phrases"), no_wrap=header != "What it is")
    for metric in metrics:
        family = family_name(metric.family, language)
        about = console_text(summary(metric, language))
        table.add_row(f"[bold]{metric.name}[/]", console_text(family), about)
    console = Console()
    console.print(table)
    command = "kpi-xl functions CAC" + f" --lang {language}" * (language != "en")
    closing = say("{count} functions. More on one: {command}", language, "phrases")
    console.print("\n" + closing.format(count=len(metrics), command=f"[bold]{command}[/]"))


def print_page(metric: Metric, language: str) -> None:
    """All that is known of one function."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"[bold]={escape(metric.signature)}[/]\n\n{escape(summary(metric, language))}")
    if aliases(metric, language):
        names = say("; ", language, "phrases").join(aliases(metric, language))
        console.print(f"\n{say('Also called', language, 'phrases')}: {escape(names)}")
    for text in (notes(metric, language), caution(metric, language)):
        if text:
            console.print(f"\n{escape(text)}")
    arguments = Table(box=None, pad_edge=False, show_header=False)
    for argument in metric.arguments:
        arguments.add_row(f"  {escape(argument.title)}", escape(argument_help(argument, language)))
    columns = Table(box=None, pad_edge=False, show_header=False)
    for name, meaning in metric.columns:
        columns.add_row(f"  {escape(name)}", escape(say(meaning, language, "columns")))
    for heading, table in (("Arguments", arguments), ("Columns", columns)):
        if table.row_count:
            console.print(f"\n[bold]{say(heading, language, 'phrases')}[/]")
            console.print(table)
    for heading, text in (
        ("Returns", say(metric.returns.meaning, language, "units")),
        ("Formula", metric.formula),
        ("Source", metric.source),
        ("Example", metric.example[0]),
    ):
        console.print(
            f"\n[bold]{say(heading, language, 'phrases')}[/]\n  {escape(text)}", soft_wrap=True
        )
    value = computed(metric.example[0])
    rows = value if isinstance(value, list) else [[value]]
    result = Table(box=None, pad_edge=False, show_header=False)
    for row in rows:
        result.add_row(*(f"  {escape(cell_text(cell))}" for cell in row))
    console.print(result)
