"""Help in the cell."""

from typing import Annotated

from kpi_xl.errors import WrongInput
from kpi_xl.locales import LANGUAGES, Names
from kpi_xl.reference import definition
from kpi_xl.registry import METRICS, Arg, metric
from kpi_xl.units import TABLE, TEXT


@metric(
    "KPI_LIST",
    returns=TABLE,
    result="table",
    formula="the functions of a category, or that some words find, or all",
    source="This library's registry",
    columns=(
        ("name", "What to type in a cell"),
        ("category", "Its family"),
        ("definition", "What it is, in a sentence"),
    ),
    example=(
        '=KPI_LIST("help")',
        [
            ["name", "category", "definition"],
            ["KPI_LIST", "help", "List of the functions: name, category and definition."],
            [
                "KPI_DEFINE",
                "help",
                "Definition of a function in one text: what it is, its formula, its unit, its"
                " source.",
            ],
        ],
    ),
)
def kpi_list(
    category: Annotated[
        str | None,
        Arg('A family of functions, or words to search for, such as "LTV"; all if left out', TEXT),
    ] = None,
) -> list[list[str]]:
    """List of the functions: name, category and definition."""
    from kpi_xl.search import search  # few ask, and it takes its time to import

    listed = list(METRICS.values())
    families = sorted({metric.family for metric in listed})
    if category is not None and category.lower() in families:
        listed = [metric for metric in listed if metric.family == category.lower()]
    elif category is not None:
        listed = search(category)
    if not listed:
        raise WrongInput(
            'no function is found by "{category}", nor is it one of {families}',
            category=category,
            families=Names(families, ", "),
        )
    return [["name", "category", "definition"]] + [
        [metric.name, metric.family, metric.summary] for metric in listed
    ]


@metric(
    "KPI_DEFINE",
    returns=TEXT,
    formula="definition, formula, unit and source of the function",
    source="This library's registry",
    example=(
        '=KPI_DEFINE("cpl")',
        "CPL: Cost per lead: marketing spend per lead. Formula: spend / leads."
        " Unit: money, in any one currency. Source: Farris et al., Marketing Metrics.",
    ),
)
def kpi_define(
    name: Annotated[str, Arg('The name of a function, such as "CAC"', TEXT)],
    language: Annotated[str, Arg("The language of the text", TEXT, words=tuple(LANGUAGES))] = "en",
) -> str:
    """Definition of a function in one text: what it is, its formula, its unit, its source."""
    from kpi_xl.search import called, meant

    plain_name = name.upper().removeprefix("=").removesuffix("()")
    found = [METRICS[plain_name]] if plain_name in METRICS else called(name)
    if len(found) != 1:
        raise WrongInput('there is no function "{name}"{near}', name=name, near=meant(name))
    return definition(found[0], language)
