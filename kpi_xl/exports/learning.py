"""A layout of the user's own, written from what is said of one file."""

import json
import re
from collections.abc import Mapping

from kpi_xl.exports.cells import CALENDARS
from kpi_xl.exports.options import Options
from kpi_xl.exports.pages import Opener, SourcePage, pages, text_of
from kpi_xl.exports.recognition import FORTY
from kpi_xl.locales import Message
from kpi_xl.sources import SourceError


def header_of(opener: Opener, options: Options) -> tuple[SourcePage, int, list[str]]:
    """The page, the row (from 1) and the texts that look most like a header. Raises SourceError."""
    best: tuple[int, SourcePage, int, list[str]] | None = None
    for page in pages(opener, options.encoding, options.sheet):
        for number, row in enumerate(page.head[:FORTY], start=1):
            texts = text_of(row)
            if options.header and number != options.header:
                continue
            words = {text for text in texts if text and not re.fullmatch(r"[\d\W]+", text)}
            if words and (best is None or len(words) > best[0]):
                best = len(words), page, number, texts
    if best is None:
        raise SourceError(Message("{path} has no row that could be a header", path=opener.path))
    return best[1:]


def layout_text(
    name: str,
    table: str,
    columns: Mapping[str, str],
    options: Options,
) -> str:
    """The TOML of a layout: which column of theirs is ours, and what else was said."""
    lines = [
        f"name = {_quoted(name)}",
        f"vendor = {_quoted(name)}",
        f"table = {_quoted(table)}",
    ]
    if options.dates in CALENDARS:
        lines.append(f"calendar = {_quoted(options.dates)}")
    elif options.dates:
        lines.append(f"dates = {_quoted(options.dates)}")
    for key in ("numbers", "currency", "encoding"):
        if value := getattr(options, key):
            lines.append(f"{key} = {_quoted(value)}")
    columns = dict(columns)
    if options.once:
        ours = next((o for o, theirs in columns.items() if theirs == options.once), "order")
        columns.setdefault(ours, options.once)
        lines.append(f"once = {_quoted(ours)}")
    for key, values in (("constants", options.set),):
        if values:
            lines += ["", f"[{key}]", *(f"{_key(o)} = {_quoted(v)}" for o, v in values.items())]
    if options.where:
        lines += ["", "[keep]"]
        for theirs, kept in options.where.items():
            ours = next((o for o, t in columns.items() if t == theirs), _plain_key(theirs))
            columns.setdefault(ours, theirs)
            lines.append(f"{_key(ours)} = [{', '.join(map(_quoted, kept))}]")
    lines += ["", "[[header]]"]
    lines += [f"columns.{_key(ours)} = {_quoted(theirs)}" for ours, theirs in columns.items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _plain_key(theirs: str) -> str:
    return re.sub(r"\W+", "_", theirs).strip("_").lower() or "column"
