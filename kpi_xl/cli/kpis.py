"""kpi-xl kpis: a company's own KPIs, checked, and all definitions on one page for its wiki."""

import re
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from kpi_xl.cli.functions import LANGUAGE
from kpi_xl.cli.shared import (
    BOOK_LANGUAGE,
    FORCE,
    JSON,
    PARENTS,
    Misuse,
    app,
    cell_text,
    free_path,
    in_their_language,
    language_of,
    print_json,
    said,
    save,
    tell,
)
from kpi_xl.files import is_file, settings_folder
from kpi_xl.locales import RIGHT_TO_LEFT, Message, Names, say
from kpi_xl.metrics import METRICS
from kpi_xl.own import FAULTS, FINGERPRINTS, fingerprint, load_file
from kpi_xl.reference import argument_help, caution, family_name, notes, summary
from kpi_xl.registry import Metric

kpis = typer.Typer()
app.add_typer(kpis, name="kpis")

FILES = Annotated[
    list[Path] | None,
    typer.Argument(help="More kpis.toml or kpis.py, beside those that are read always."),
]


EXAMPLE = """\
# Your company's own KPIs; "kpi-xl kpis check" tries them. Change this one, and add yours below it.
[MARGIN_ROAS]
formula = "margin * ROAS(revenue, ad_spend)"
returns = "RATIO"
source = "Finance handbook, page 3"
example = ["=MARGIN_ROAS(100000,10000,0.4)", 4]
arguments.revenue = { unit = "MONEY", help = "Revenue that the advertising brought" }
arguments.ad_spend = { unit = "MONEY", help = "Advertising spend" }
arguments.margin = { unit = "RATE", help = "Contribution margin", default = 0.4 }
help.en = "Contribution per unit of advertising money."
help.ru = "Маржинальная прибыль на единицу затрат на рекламу."
help.zh-Hans = "每单位广告支出带来的边际贡献。"
help.zh-Hant = "每單位廣告支出帶來的邊際貢獻。"
help.fa = "سود ناخالص به ازای هر واحد هزینه تبلیغات."
"""
"""What `kpi-xl kpis new` writes."""


@kpis.callback(invoke_without_command=True)
def overview(context: typer.Context) -> None:
    """Your company's own KPIs: check them, list them."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@kpis.command("new")
@in_their_language
def new_file(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Another place than the settings.", metavar="FILE"),
    ] = None,
    force: FORCE = False,
    parents: PARENTS = False,
    lang: BOOK_LANGUAGE = None,
) -> None:
    """Write a file with one definition, to be changed; in the settings folder, where it counts."""
    path = output or settings_folder() / "kpis.toml"
    path = free_path(path, force=force, parents=parents or output is None)
    save(path, EXAMPLE.encode(), force=force)
    print(path)


@kpis.command()
@in_their_language
def check(files: FILES = None, lang: BOOK_LANGUAGE = None, as_json: JSON = False) -> None:
    """Try every definition of your own: examples, units, names, languages; a fault a line."""
    _read(files)
    bad = any(not fault.kept for fault in FAULTS)
    if as_json:
        kpis = [
            {"name": name, "signature": METRICS[name].signature, "fingerprint": digits}
            for name, digits in FINGERPRINTS.items()
        ]
        listing = [{"fault": said(fault.told), "kept": fault.kept} for fault in FAULTS]
        print_json({"kpis": kpis, "faults": listing})
        raise typer.Exit(bad)
    for fault in FAULTS:
        nevertheless = Message("{fault} (it counts nevertheless)", fault=fault.told)
        tell(nevertheless if fault.kept else fault.told)
    if FINGERPRINTS:
        number = len(FINGERPRINTS)
        text = "KPIs of your own: {number}, fingerprint {fingerprint}:"
        tell(Message(text, number=number, fingerprint=fingerprint()))
        for name, digits in FINGERPRINTS.items():
            print(f"  {METRICS[name].signature}  {digits}")
    elif not FAULTS:
        text = (
            "There are no KPIs of your own: kpi-xl kpis new writes a file with one, to be changed."
        )
        tell(Message(text))
    raise typer.Exit(bad)


@kpis.command()
@in_their_language
def export(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A page .html or .md.", metavar="FILE")
    ] = Path("kpis.html"),
    files: FILES = None,
    lang: LANGUAGE = "en",
    force: FORCE = False,
    parents: PARENTS = False,
) -> None:
    """Write one page of all definitions, ours and your own."""
    language = language_of(lang)
    _read(files)
    made = {".html": html, ".md": markdown}.get(output.suffix.lower())
    if made is None:
        raise Misuse(
            Message("{path} has to end in {ends}", path=output, ends=Names((".html", ".md"), "or"))
        )
    path = free_path(output, force=force, parents=parents)
    save(path, made(language).encode(), force=force)
    print(path)


def _read(files: list[Path] | None) -> None:
    for file in files or []:
        if not is_file(file):
            raise Misuse(Message("there is no file {path}{near}", path=file, near=""))
        load_file(file.resolve())


def families() -> dict[str, list[Metric]]:
    """The functions by family, your own first."""
    found: dict[str, list[Metric]] = {}
    for metric in sorted(METRICS.values(), key=lambda metric: metric.family != "own"):
        found.setdefault(metric.family, []).append(metric)
    return found


def facts(metric: Metric, language: str) -> list[tuple[str, str]]:
    """What a page says of a function, beside its name and its summary."""

    def label(text: str) -> str:
        return say(text, language, "phrases")

    formula, result = metric.example
    shown = "" if isinstance(result, list) else f" = {cell_text(result)}"
    found = [
        (label("Formula"), metric.formula),
        (label("Returns"), say(metric.returns.meaning, language, "units")),
        (label("Source"), metric.source),
        (label("Example"), formula + shown),
    ]
    found += [(a.title, argument_help(a, language)) for a in metric.arguments]
    if metric.name in FINGERPRINTS:
        found.append(("#", FINGERPRINTS[metric.name]))
    return found


def markdown(language: str) -> str:
    """All definitions in Markdown."""
    lines = ["# KPI"]
    for family, metrics in families().items():
        lines += ["", f"## {family_name(family, language)}"]
        for metric in metrics:
            lines += ["", f"### {metric.name}", "", plain(summary(metric, language)), ""]
            lines += [plain(text) + "\n" for text in
                      (notes(metric, language), caution(metric, language)) if text]  # fmt: skip
            lines += [f"- {name}: {shown(text)}" for name, text in facts(metric, language)]
    return "\n".join(lines) + "\n"


def shown(text: str) -> str:
    """A formula as code, any other text as it is."""
    return f"`{text}`" if "=" in text and "`" not in text else plain(text)


def plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", text)


def html(language: str) -> str:
    """All definitions as one page of HTML, without anything from elsewhere."""
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    parts = [
        f'<!doctype html>\n<html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>KPI</title><style>'
        "body{font:16px/1.5 system-ui,sans-serif;max-width:50em;margin:2em auto;padding:0 1em;"
        "color:#1f2937}code{background:#f3f4f6;padding:0 .2em;unicode-bidi:isolate}"
        "dt{font-weight:600}dd{margin:0 0 .3em 1em}</style></head><body><h1>KPI</h1>"
    ]
    for family, metrics in families().items():
        parts.append(f"<h2>{escape(family_name(family, language))}</h2>")
        for metric in metrics:
            parts.append(f'<h3 id="{metric.name}"><code>{escape(metric.signature)}</code></h3>')
            texts = (summary(metric, language), notes(metric, language), caution(metric, language))
            parts += [f"<p>{escape(text)}</p>" for text in texts if text]
            pairs = facts(metric, language)
            parts.append(
                "<dl>"
                + "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs)
                + "</dl>"
            )
    return "\n".join(parts) + "\n</body></html>\n"
