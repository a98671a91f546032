"""What follows from the code: parts of the documentation, and the empty template workbooks.

`python tests/generated.py` writes them, and an empty text into the languages' files for each that
they lack; tests hold the files to them, and name the texts to be filled in.
"""

from itertools import groupby
from pathlib import Path
from textwrap import fill

from cases import EXCEPTIONS
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import CURRENCY_FIXED, build
from kpi_xl.workbook_templates.records import EMPTY, FILLED
from kpi_xl.workbook_templates.retention_counted import TEXTS as OF_COUNTED
from python_stub import stub
from translations import FOLDER, TRANSLATIONS, with_stubs

from kpi_xl import METRICS
from kpi_xl.exports import known_layouts
from kpi_xl.reference import argument_help, notes
from kpi_xl.registry import Metric

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "udfs" / "REFERENCE.md"
LIBREOFFICE = ROOT / "udfs" / "LIBREOFFICE.md"
STUB = ROOT / "kpi_xl" / "__init__.pyi"
WORKBOOKS = ROOT / "workbook_templates"
EXCEPTIONS_START = "<!-- exceptions: generated -->\n"
EXCEPTIONS_END = "<!-- end of exceptions -->\n"

TITLES = {
    "acquisition": "Acquisition cost",
    "returns": "Return",
    "value": "Customer value",
    "web": "Web traffic and conversion",
    "content": "Content, video, e-mail, events",
    "social": "Social and brand",
    "sales": "Leads and sales",
    "retention": "Retention and satisfaction",
    "goals": "Goals and trends",
    "experiments": "Experiments",
    "tables": "Tables from columns",
    "economics": "Unit economics",
    "attribution": "Attribution",
    "models": "Probability models",
    "forecasts": "Forecasts",
    "help": "Help in the cell",
}


def families() -> list[tuple[str, list[Metric]]]:
    """The families in the order of the reader's interest, with their functions."""
    order = list(TITLES)
    metrics = sorted(METRICS.values(), key=lambda metric: order.index(metric.family))
    return [(TITLES[family], list(group)) for family, group in groupby(metrics, lambda m: m.family)]


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def reference() -> str:
    lines = [
        "# Functions",
        "",
        "Written from the functions' own records: do not edit it here.",
        "",
        "An argument takes a number or a cell, or a range, which lifts: one result a cell. Where",
        "a function gives a table it takes one cell. An argument written `name[]` takes a whole",
        "column at once; one in brackets may be left out. Rates are fractions: 0.25 is 25 %.",
        "",
        *table(),
    ]
    for title, metrics in families():
        lines += ["", f"## {title}"]
        for metric in metrics:
            lines += ["", f"### `{metric.signature}`", "", metric.summary, ""]
            lines += [notes(metric), ""] if notes(metric) else []
            lines += [metric.caution, ""] if metric.caution else []
            lines += ["| Argument | |", "|---|---|"]
            lines += [f"| `{a.title}` | {cell(argument_help(a))} |" for a in metric.arguments]
            if metric.columns:
                lines += ["", "| Column | |", "|---|---|"]
                lines += [f"| {name} | {cell(meaning)} |" for name, meaning in metric.columns]
            lines += ["", f"- Formula: {metric.formula}", f"- Unit: {metric.returns.meaning}"]
            lines += [f"- Source: {metric.source}", f"- Example: `{metric.example[0]}`"]
    return "\n".join([*lines, *exports()]) + "\n"


def exports() -> list[str]:
    """The exports that are known, by vendor, and the way to each in the vendor's menus."""
    lines = [
        "",
        "## Exports",
        "",
        "`kpi-xl fill TEMPLATE FILE...` takes these as they are; `kpi-xl layouts show FILE` says",
        "what a file is taken for. What each looks like is a TOML in `kpi_xl/exports`, with its",
        "source. Where no file and no page was found that shows all headers, they are unconfirmed:",
        "each file is told so, and its figures are to be compared with the vendor's own.",
    ]
    vendors = sorted(known_layouts(), key=lambda layout: layout.vendor.casefold())
    for vendor, group in groupby(vendors, lambda layout: layout.vendor):
        layouts = list(group)
        lines += ["", f"### {vendor}", "", "| Export | Table | Headers in |", "|---|---|---|"]
        for one in layouts:
            languages = ", ".join(dict.fromkeys(header.language for header in one.headers))
            target = "refused: " + one.refused if one.refused else f"`{one.table}`"
            if one.unconfirmed:
                target += ", headers unconfirmed"
            lines.append(f"| {cell(one.name)} | {cell(target)} | {languages} |")
        lines += ["", "| Language | The way to it |", "|---|---|"]
        ways: dict[str, list[str]] = {}
        for tag, way in dict.fromkeys(each for one in layouts for each in one.menu.items()):
            ways.setdefault(way, []).append(tag)
        lines += [f"| {', '.join(tags)} | {cell(way)} |" for way, tags in ways.items()]
    return lines


def table() -> list[str]:
    """Each function in a line, by family."""
    lines = ["| Function | What it is |", "|---|---|"]
    for title, metrics in families():
        lines.append(f"| **{title}** | |")
        lines += [f"| `{metric.name}` | {cell(metric.summary)} |" for metric in metrics]
    return lines


def libreoffice() -> str:
    """The page of LibreOffice Calc, with what it shows otherwise, as it must be."""
    text = LIBREOFFICE.read_text(encoding="utf-8")
    before, _, rest = text.partition(EXCEPTIONS_START)
    _, _, after = rest.partition(EXCEPTIONS_END)
    return before + EXCEPTIONS_START + exceptions() + EXCEPTIONS_END + after


def exceptions() -> str:
    """What Calc shows otherwise than the other hosts, as the tests have it."""
    return "".join(
        fill(f"{one.reason[0].upper()}{one.reason[1:]}.", 100, initial_indent="- ",
             subsequent_indent="  ") + "\n"
        for one in EXCEPTIONS
        if one.host == "LibreOffice Calc"
    )  # fmt: skip


def empty_workbook(name: str) -> bytes:
    """A template in English, ready to be filled."""
    return build(template(name), {}).content


def workbook_texts(name: str) -> set[str]:
    """Every English text that a template says in the workbook's language."""
    texts: set[str] = set()

    def say(text: str) -> str:
        texts.add(text)
        return text

    record = template(name)
    for data in ({}, record.sample().data):
        build(record, data, record.sample().about, translate=say)
    return texts | {EMPTY.text, FILLED, CURRENCY_FIXED} | OF_A_COMPANY | OF_COUNTED


OF_A_COMPANY = {
    "Your company's own",
    "KPIs of your own, defined otherwise here",
    "Take the definitions of the machine that made the workbook, or make it anew: until then these"
    " KPIs are others.",
}
"""What the scorecard says of a company's own KPIs, where there are any."""


if __name__ == "__main__":
    said = sorted(set().union(*map(workbook_texts, TEMPLATES)))
    for language in TRANSLATIONS:
        file = FOLDER / f"{language}.toml"
        file.write_text(with_stubs(language, said), encoding="utf-8")
    REFERENCE.write_text(reference(), encoding="utf-8")
    LIBREOFFICE.write_text(libreoffice(), encoding="utf-8")
    STUB.write_text(stub(), encoding="utf-8")
    for name in TEMPLATES:
        (WORKBOOKS / f"{name}.xlsx").write_bytes(empty_workbook(name))
