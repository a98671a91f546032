"""Layouts of exports: what a vendor's file looks like, as data. One TOML a vendor, no code in it.

A file is one layout, or has several as [[layout]], which the keys above them hold for. The keys:

    name, vendor, table   what it is, whose, and the table of ours that it fills
    source                where its headers are documented
    unconfirmed           true where no file and no page was found that shows all of its headers: it
                          is told with each file
    menu                  the way to the export in the vendor's menus, by language
    advice                what to do where the file's days are missing: how to export by day
    [[header]]            one a language (key: language) or a form of the file
      signature           the headers that must be there; without it, all those of its columns
      columns.ours        "Theirs", ["Theirs", "or so"], or {pattern = ".."}
      numbers, dates      as below, for this language
    constants             ours = "value", such as channel = "Meta"
    currency              the currency of all its amounts
    encoding              the encoding before Unicode that the vendor writes, if any
    numbers               how a number is written that could be read in two ways: "1.234,5"
    dates                 dmy, mdy, ymd, for dates that could be read in two ways
    calendar              gregorian, or jalali
    grain                 day, week, month: how long the period of a row is
    blank                 texts that stand for nothing, beside the usual ones
    preamble              {period = "..", currency = ".."}: patterns in the lines before the header
    totals                {pattern = "..", column = "..", proves = ".."}: rows of totals; those that
                          `proves` fits (without it, all) are compared with the sums of the rows
    footer                a pattern of lines that are no data
    keep, drop            ours = ["value", ..]; drop also ours = "*": whatever is not blank. A value
                          that is in neither is refused where a column has both
    once                  ours: an order stands on several lines, and counts once
    sum                   ours: rows that are alike in these are added up
    amount                an amount from others: "total - refunded", "quantity * price"
    net                   what is taken off with --net: "tax + shipping"
    stages                {"pattern of a stage" = "ours"}: the date that a stage gives
    join                  {to = "Name of a layout", by = "ours"}: a file that adds to another
    refused               why such a file cannot fill a table, where it cannot
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from kpi_xl.locales import Message
from kpi_xl.reference import did_you_mean
from kpi_xl.schema import SCHEMAS
from kpi_xl.sources import SourceError

DATE_ORDERS = ("dmy", "mdy", "ymd")
CALENDARS = ("gregorian", "jalali")
GRAINS = ("day", "week", "month", "")
LANGUAGE_OF = {"": ""}


@dataclass(frozen=True)
class Named:
    """What a column is called: one of the names, or what fits the pattern."""

    names: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    def place(self, headers: Mapping[str, Sequence[int]], texts: Sequence[str]) -> list[int]:
        """Where it is among headers, which are given by their plain form and as they are."""
        for name in self.names:
            if found := headers.get(name):
                return list(found)
        if self.pattern:
            return [n for n, text in enumerate(texts) if self.pattern.fullmatch(text)]
        return []

    def __str__(self) -> str:
        return " or ".join(self.names) if self.names else str(self.pattern and self.pattern.pattern)


@dataclass(frozen=True)
class Header:
    """The headers of a layout in one language."""

    language: str
    columns: Mapping[str, Named]
    signature: tuple[Named, ...]
    numbers: str = ""
    dates: str = ""


@dataclass(frozen=True)
class Totals:
    """Which rows are totals, in which column that is seen, and which of them are compared."""

    pattern: re.Pattern[str]
    column: str = ""
    proves: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Layout:
    """What a kind of export looks like; see the module for the meaning of its fields."""

    name: str
    vendor: str
    table: str
    headers: tuple[Header, ...]
    source: str = ""
    unconfirmed: bool = False
    menu: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    encoding: str = ""
    numbers: str = ""
    dates: str = ""
    calendar: str = "gregorian"
    grain: str = ""
    blank: tuple[str, ...] = ()
    preamble: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    totals: Totals | None = None
    footer: re.Pattern[str] | None = None
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drop: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    once: str = ""
    sum: tuple[str, ...] = ()
    amount: str = ""
    net: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    join: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    file: str = ""

    @property
    def of_user(self) -> bool:
        """Whether it is one of the user's own."""
        return len(Path(self.file).parts) > 1

    def told(self, sentence: str) -> str:
        """What ours says of such files, in any language; a user's own sentence as it is."""
        return sentence if self.of_user else Message(sentence)


def plain(text: str) -> str:
    """A header without case, and with single spaces."""
    return " ".join(text.replace("\ufeff", "").split()).casefold()


def known_layouts(folder: Path | None = None) -> list[Layout]:
    """The layouts of the user, in the folder, and then ours. Raises SourceError for a fault."""
    return [*(_of_user(folder) if folder else []), *_ours()]


@cache
def _ours() -> tuple[Layout, ...]:
    folder = resources.files(__package__)
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(
        layout
        for file in files
        for layout in layouts_of(file.read_text(encoding="utf-8"), file.name)
    )


def _of_user(folder: Path) -> Iterator[Layout]:
    for file in sorted(folder.glob("*.toml")):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(
                Message("{path} cannot be read: {reason}", path=file, reason=error)
            ) from None
        layouts = layouts_of(text, str(file))
        faults = [fault for layout in layouts for fault in _misnamed(layout)]
        if faults:
            raise SourceError(
                *(Message("{file}: {fault}", file=file, fault=fault) for fault in faults)
            )
        yield from layouts


def _misnamed(layout: Layout) -> Iterator[str]:
    """Names in a user's layout that are none of ours, a sentence each."""
    where = f"the layout {layout.name!r}"
    tables = {one.name: one for schema in SCHEMAS.values() for one in schema.inputs}
    likes = [one for one in _ours() if one.table == layout.table]
    if layout.table not in tables and not likes:
        near = did_you_mean(layout.table, tables)
        yield f"{where}: there is no table {layout.table!r}{near}; there are {', '.join(tables)}"
        return
    ours = {name for one in likes for header in one.headers for name in header.columns}
    if layout.table in tables:
        ours |= {column.name for column in tables[layout.table].columns}
    used = {name for header in layout.headers for name in header.columns} | {*layout.constants}
    free = {*layout.keep, *layout.drop}  # a column may be in the file for these alone
    for name in sorted(used - ours - free):
        yield f"{where}: {layout.table} has no column {name!r}{did_you_mean(name, ours)}"
    if layout.once and layout.once not in used:
        yield f"{where}: once is {layout.once!r}, which is none of its columns"
    for key in ("amount", "net"):
        names = re.findall(r"\w+", getattr(layout, key))
        if names and not used & set(names):
            yield f"{where}: {key} is made of {', '.join(names)}, of which it has no column"
    for stage, name in layout.stages.items():
        if name not in ours:
            near = did_you_mean(name, ours)
            yield f"{where}: the stage {stage!r} is the date {name!r}, which is no column{near}"
    if layout.encoding:
        try:
            "".encode(layout.encoding)
        except LookupError:
            yield f"{where}: there is no encoding {layout.encoding!r}"


def layouts_of(text: str, file: str) -> list[Layout]:
    """The layouts that a TOML holds. Raises SourceError with a sentence for each fault."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(
            Message("{file} is not TOML: {reason}", file=file, reason=error)
        ) from None
    shared = {key: value for key, value in given.items() if key != "layout"}
    several = given.get("layout", [{}])
    if not isinstance(several, list) or not all(isinstance(one, dict) for one in several):
        raise SourceError(
            Message("{file}: write [[layout]] before each of several layouts", file=file)
        )
    faults: list[str] = []
    layouts = [_layout({**shared, **one}, faults, file) for one in several]
    if faults:
        raise SourceError(*(Message("{file}: {fault}", file=file, fault=fault) for fault in faults))
    return [layout for layout in layouts if layout]


_TEXTS = ("name", "vendor", "table", "source", "advice", "currency", "encoding", "numbers", "dates",
          "calendar", "grain", "once", "amount", "net", "refused")  # fmt: skip
_KEYS = {one.name for one in fields(Layout)} - {"headers", "file"} | {"header"}
_FORMULA = re.compile(r"\w+(?: [-+*] \w+)*")


def _layout(given: dict[str, Any], faults: list[str], file: str) -> Layout | None:
    """One layout; what is wrong with it is added to the faults."""
    before = len(faults)
    where = f"the layout {given['name']!r}" if given.get("name") else "the layout"
    for key in given:
        if key not in _KEYS:
            faults.append(f"{where} has no key {key!r}{did_you_mean(key, _KEYS)}")
    for key in ("name", "vendor", "table"):
        if not isinstance(given.get(key), str) or not given[key].strip():
            faults.append(f'{where} needs {key} = "..."')
    texts = {key: given[key] for key in _TEXTS if key in given}
    for key, text in texts.items():
        if not isinstance(text, str):
            faults.append(f"{where}: {key} must be a text in quotation marks")
    for key, words in (("dates", DATE_ORDERS), ("calendar", CALENDARS), ("grain", GRAINS)):
        if given.get(key, words[0]) not in words:
            faults.append(f"{where}: {key} is one of {', '.join(filter(None, words))}")
    if not isinstance(given.get("unconfirmed", False), bool):
        faults.append(f"{where}: unconfirmed is true or false")
    for key in ("amount", "net"):
        if isinstance(given.get(key), str) and not _FORMULA.fullmatch(given[key]):
            faults.append(f'{where}: {key} is written as "total - refunded", not {given[key]!r}')
    headers = given.get("header")
    if not isinstance(headers, list) or not headers:
        faults.append(f"{where} needs a [[header]] with its columns")
        headers = []
    read = [_header(one, where, faults) for one in headers]
    preamble = {
        key: found
        for key, text in _record(given, "preamble", where, faults).items()
        if (found := _pattern(text, f"{where}: preamble.{key}", faults))
    }
    footer = _pattern(given["footer"], f"{where}: footer", faults) if "footer" in given else None
    totals = _totals(_record(given, "totals", where, faults), where, faults)
    values = {
        key: {
            column: _several(value) for column, value in _record(given, key, where, faults).items()
        }
        for key in ("keep", "drop")
    }
    stages = {str(k): str(v) for k, v in _record(given, "stages", where, faults).items()}
    for stage in stages:
        _pattern(stage, f"{where}: stages", faults)
    constants = _record(given, "constants", where, faults)
    if len(faults) > before:
        return None
    return Layout(
        headers=tuple(filter(None, read)),
        unconfirmed=given.get("unconfirmed", False),
        menu={str(k): str(v) for k, v in _record(given, "menu", where, faults).items()},
        constants={key: str(value) for key, value in constants.items()},
        blank=_several(given.get("blank", ())),
        preamble=preamble,
        footer=footer,
        totals=totals,
        sum=_several(given.get("sum", ())),
        stages=stages,
        join={str(k): str(v) for k, v in _record(given, "join", where, faults).items()},
        file=file,
        keep=values["keep"],
        drop=values["drop"],
        **texts,
    )


def _record(given: Mapping[str, Any], key: str, where: str, faults: list[str]) -> dict[str, Any]:
    record = given.get(key, {})
    if not isinstance(record, dict):
        faults.append(f'{where}: write {key} as {{name = "..."}}')
        return {}
    return record


def _header(given: Any, where: str, faults: list[str]) -> Header | None:
    if not isinstance(given, dict) or not isinstance(given.get("columns"), dict):
        faults.append(f'{where}: a [[header]] needs columns.ours = "Theirs"')
        return None
    for key in given:
        if key not in (known := {"language", "columns", "signature", "numbers", "dates"}):
            faults.append(f"{where}: a [[header]] has no key {key!r}{did_you_mean(key, known)}")
    if given.get("dates", "ymd") not in DATE_ORDERS:
        faults.append(f"{where}: dates is one of {', '.join(DATE_ORDERS)}")
    columns = {
        str(ours): _named(theirs, f"{where}: columns.{ours}", faults)
        for ours, theirs in given["columns"].items()
    }
    signature = tuple(
        _named(one, f"{where}: signature", faults) for one in given.get("signature", ())
    )
    return Header(
        str(given.get("language", "")),
        columns,
        signature or tuple(columns.values()),
        str(given.get("numbers", "")),
        str(given.get("dates", "")),
    )


def _named(given: Any, where: str, faults: list[str]) -> Named:
    if isinstance(given, dict) and isinstance(given.get("pattern"), str):
        return Named((), _pattern(given["pattern"], where, faults))
    if isinstance(given, str) and given.strip():
        return Named((plain(given),))
    if isinstance(given, list) and given and all(isinstance(one, str) for one in given):
        return Named(tuple(map(plain, given)))
    faults.append(f'{where} must be "Theirs", ["Theirs", "or so"] or {{pattern = "..."}}')
    return Named()


def _pattern(text: Any, where: str, faults: list[str]) -> re.Pattern[str] | None:
    try:
        return re.compile(str(text), re.IGNORECASE)
    except re.error as error:
        faults.append(f"{where} is no regular expression: {error}")
        return None


def _totals(given: Mapping[str, Any], where: str, faults: list[str]) -> Totals | None:
    if not given:
        return None
    if "pattern" not in given:
        faults.append(f'{where}: totals needs pattern = "..."')
        return None
    pattern = _pattern(given["pattern"], f"{where}: totals.pattern", faults)
    proves = None
    if "proves" in given:
        proves = _pattern(given["proves"], f"{where}: totals.proves", faults)
    return Totals(pattern, str(given.get("column", "")), proves) if pattern else None


def _several(given: Any) -> tuple[str, ...]:
    return tuple(map(str, given)) if isinstance(given, list | tuple) else (str(given),)


__all__ = ["Header", "Layout", "Named", "Totals", "known_layouts", "layouts_of", "plain", "replace"]
