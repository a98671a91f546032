"""Layouts of exports: what a vendor's file looks like, as data. One TOML a vendor, no code in it.

A file is one layout, or has several as [[layout]], which the keys above them hold for. The keys:

    name, vendor, table   what it is, whose, and the table of ours that it fills
    source                where its headers are documented
    unconfirmed           true where no file and no page was found that shows all of its headers: it
                          is told with each file
    menu                  the way to the export in the vendor's menus, by language
    advice                what to do where the file's days are missing: how to export by day
    note                  what is told with each file
    [[header]]            one a language (key: language) or a form of the file
      signature           the headers that must be there; without it, all those of its columns
      columns.ours        "Theirs", ["Theirs", "or so"], or {pattern = ".."}
      numbers, dates      as below, for this language
    constants             ours = "value", such as channel = "Meta"
    currency              the currency of all its amounts
    encoding              the encoding before Unicode that the vendor writes, if any
    numbers               how a number is written that could be read in two ways: "1.234,5"
    dates                 dmy, mdy, ymd, for dates that could be read in two ways
    calendar              gregorian, jalali, minguo or buddhist
    grain                 day, week, month: how long the period of a row is
    blank                 texts that stand for nothing, beside the usual ones
    preamble              {period = "..", currency = "..", grain = ".."}: patterns in the lines
                          before the header; a grain is found in a group week or month
    totals                {pattern = "..", column = "..", proves = ".."}: rows of totals; those that
                          `proves` fits (without it, all) are compared with the sums of the rows
    footer                a pattern of lines that are no data
    keep, drop            ours = ["value", ..]; drop also ours = "*": whatever is not blank. A value
                          that is in neither is refused where a column has both
    refunds               ours = ["value", ..]: rows that give money back. Where a header has
                          columns.reference, it names the order that a row is taken off; without
                          it they stay rows below 0. Orders below 0 are what was paid to others
    unsigned              true where such rows have no minus
    disputes              {lost = ["value", ..], over = ["value", ..]}: what columns.dispute has
                          where columns.disputed was lost, or stays; other disputes are told, and
                          count
    gift_cards            a pattern of items (columns.item, item_price ..) that are gift cards: they
                          count when they are spent. columns.gift_cards says what they came to
    within                ours = "..": a pattern in the text of a cell, whose first group is a
                          number: those that it finds add up
    once                  ours: an order stands on several lines, and counts once
    sum                   ours: rows that are alike in these are added up
    no_sums               columns of theirs by which rows do not add up: the same counts in several
                          of them, or some are not listed. Of each, one value alone may be there
    amount                an amount from others: "total - refunded", "quantity * price". Refunds in
                          another currency than the total follow from columns.paid, the total in
                          theirs, or from columns.adjusted, what was left of the total;
                          what is disputed, from columns.charged, the total in its currency
    net                   what is taken off with --net: "tax + shipping"
    taxed                 what the total is made of where prices include the tax, shipping's, too:
                          "subtotal + shipping"; without it shipping is without its tax
    stages                {"pattern of a stage" = "ours"}: the date that a stage gives
    join                  {to = "Name of a layout", by = "ours"}: a file that adds to another
    refused               why such a file cannot fill a table, where it cannot
    mark                  beside refused, in place of a header: a pattern in the beginning of
                          files in which no header is known, such as those of another language
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from kpi_xl.exports.cells import CALENDARS, convention
from kpi_xl.files import read_text, toml_of
from kpi_xl.locales import Message, Names
from kpi_xl.reference import did_you_mean
from kpi_xl.schema import SCHEMAS
from kpi_xl.sources import SourceError

DATE_ORDERS = ("dmy", "mdy", "ymd")
GRAINS = ("day", "week", "month", "")


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
        return [n for n, text in enumerate(texts) if self.found(text)]

    def found(self, text: str) -> re.Match[str] | None:
        """How the pattern fits a header, whatever kind its spaces are of."""
        return self.pattern.fullmatch(" ".join(text.split())) if self.pattern else None

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
    without_sum: str = ""


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
    note: str = ""
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
    refunds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsigned: bool = False
    disputes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gift_cards: re.Pattern[str] | None = None
    within: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    once: str = ""
    sum: tuple[str, ...] = ()
    no_sums: tuple[str, ...] = ()
    amount: str = ""
    net: str = ""
    taxed: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    join: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    mark: re.Pattern[str] | None = None
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
            text = read_text(file)
        except (OSError, ValueError) as error:
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


def _misnamed(layout: Layout) -> Iterator[Message]:
    """Names in a user's layout that are none of ours, a sentence each."""
    for fault in _misnamed_in(layout):
        yield Message('the layout "{name}": {fault}', name=layout.name, fault=fault)


def _misnamed_in(layout: Layout) -> Iterator[Message]:
    tables = {one.name: one for schema in SCHEMAS.values() for one in schema.inputs}
    likes = [one for one in _ours() if one.table == layout.table]
    if layout.table not in tables and not likes:
        text = 'there is no table "{table}"{near}; there are {names}'
        near = did_you_mean(layout.table, tables)
        yield Message(text, table=layout.table, near=near, names=Names(tuple(tables), ", "))
        return
    ours = {name for one in likes for header in one.headers for name in header.columns}
    if layout.table in tables:
        ours |= {column.name for column in tables[layout.table].columns}
    used = {name for header in layout.headers for name in header.columns} | {*layout.constants}
    free = {
        *layout.keep,
        *layout.drop,
        *layout.refunds,
    }  # a column may be in the file for these alone
    for name in sorted(used - ours - free):
        text = "{table} has no column {name}{near}"
        yield Message(text, table=layout.table, name=name, near=did_you_mean(name, ours))
    if layout.once and layout.once not in used:
        yield Message("once is {name}, which is none of its columns", name=layout.once)
    for key in ("amount", "net", "taxed"):
        names = re.findall(r"\w+", getattr(layout, key))
        if names and not used & set(names):
            text = "{key} is made of {names}, of which it has no column"
            yield Message(text, key=key, names=Names(names, ", "))
    for stage, name in layout.stages.items():
        if name not in ours:
            text = 'the stage "{stage}" is the date {name}, which is no column{near}'
            yield Message(text, stage=stage, name=name, near=did_you_mean(name, ours))
    if layout.encoding:
        try:
            "".encode(layout.encoding)
        except LookupError:
            yield Message("there is no encoding {encoding}", encoding=layout.encoding)


def layouts_of(text: str, file: str) -> list[Layout]:
    """The layouts that a TOML holds. Raises SourceError with a sentence for each fault."""
    try:
        given = toml_of(text)
    except ValueError as error:
        raise SourceError(
            Message("{file} is not TOML: {reason}", file=file, reason=error)
        ) from None
    shared = {key: value for key, value in given.items() if key != "layout"}
    several = given.get("layout", [{}])
    if not isinstance(several, list) or not all(isinstance(one, dict) for one in several):
        raise SourceError(
            Message("{file}: write [[layout]] before each of several layouts", file=file)
        )
    faults: list[Message] = []
    layouts = [_layout({**shared, **one}, faults, file) for one in several]
    if faults:
        raise SourceError(*(Message("{file}: {fault}", file=file, fault=fault) for fault in faults))
    return [layout for layout in layouts if layout]


_TEXTS = ("name", "vendor", "table", "source", "advice", "note", "currency", "encoding", "numbers",
          "dates", "calendar", "grain", "once", "amount", "net", "taxed", "refused")  # fmt: skip
_KEYS = {one.name for one in fields(Layout)} - {"headers", "file"} | {"header"}
_FORMULA = re.compile(r"\w+(?: [-+*] \w+)*")


def _layout(given: dict[str, Any], faults: list[Message], file: str) -> Layout | None:
    """One layout; what is wrong with it is added to the faults."""
    before = len(faults)
    text = 'the layout "{name}"' if given.get("name") else "the layout"
    where = Message(text, name=given.get("name", ""))
    for key in given:
        if key not in _KEYS:
            text, near = "{where} has no key {key}{near}", did_you_mean(key, _KEYS)
            faults.append(Message(text, where=where, key=key, near=near))
    for key in ("name", "vendor", "table"):
        if not isinstance(given.get(key), str) or not given[key].strip():
            faults.append(Message('{where} needs {key} = "..."', where=where, key=key))
    texts = {key: given[key] for key in _TEXTS if key in given}
    for key, value in texts.items():
        if not isinstance(value, str):
            text = "{where}: {key} must be a text in quotation marks"
            faults.append(Message(text, where=where, key=key))
    for key, words in (
        ("dates", DATE_ORDERS),
        ("calendar", ("gregorian", *CALENDARS)),
        ("grain", GRAINS),
    ):
        if given.get(key, words[0]) not in words:
            known = Names(tuple(filter(None, words)), ", ")
            faults.append(Message(ONE_OF, where=where, key=key, names=known))
    faults += _misread(given, where)
    for key in ("unconfirmed", "unsigned"):
        if not isinstance(given.get(key, False), bool):
            faults.append(Message("{where}: {key} is true or false", where=where, key=key))
    for key in ("amount", "net", "taxed"):
        if isinstance(given.get(key), str) and not _FORMULA.fullmatch(given[key]):
            text = '{where}: {key} is written as "total - refunded", not "{text}"'
            faults.append(Message(text, where=where, key=key, text=given[key]))
    refunds = _record(given, "refunds", where, faults)
    if "refunds" in given and not (len(refunds) == 1 and texts.get("amount")):
        text = '{where}: write refunds as {{kind = "refund"}}, of one column, beside an amount'
        faults.append(Message(text, where=where))
    headers = given.get("header")
    if headers is None and given.get("mark") and texts.get("refused"):
        headers = []
    elif not isinstance(headers, list) or not headers:
        faults.append(Message("{where} needs a [[header]] with its columns", where=where))
        headers = []
    read = [_header(one, where, faults) for one in headers]
    preamble, within = (
        {
            key: found
            for key, value in _record(given, name, where, faults).items()
            if (found := _pattern(value, _at(where, f"{name}.{key}"), faults))
        }
        for name in ("preamble", "within")
    )
    patterns: dict[str, Any] = {
        key: _pattern(given[key], _at(where, key), faults)
        for key in ("footer", "mark", "gift_cards")
        if key in given
    }
    totals = _totals(_record(given, "totals", where, faults), where, faults)
    values = {
        key: {
            column: _several(value) for column, value in _record(given, key, where, faults).items()
        }
        for key in ("keep", "drop", "refunds", "disputes")
    }
    stages = {str(k): str(v) for k, v in _record(given, "stages", where, faults).items()}
    for stage in stages:
        _pattern(stage, _at(where, "stages"), faults)
    constants = _record(given, "constants", where, faults)
    if len(faults) > before:
        return None
    return Layout(
        headers=tuple(filter(None, read)),
        unconfirmed=given.get("unconfirmed", False),
        unsigned=given.get("unsigned", False),
        menu={str(k): str(v) for k, v in _record(given, "menu", where, faults).items()},
        constants={key: str(value) for key, value in constants.items()},
        blank=_several(given.get("blank", ())),
        preamble=preamble,
        within=within,
        totals=totals,
        sum=_several(given.get("sum", ())),
        no_sums=_several(given.get("no_sums", ())),
        stages=stages,
        join={str(k): str(v) for k, v in _record(given, "join", where, faults).items()},
        file=file,
        keep=values["keep"],
        drop=values["drop"],
        refunds=values["refunds"],
        disputes=values["disputes"],
        **patterns,
        **texts,
    )


ONE_OF = "{where}: {key} is one of {names}"


def _at(where: Message, key: str) -> Message:
    """A place within a layout."""
    return Message("{where}: {key}", where=where, key=key)


def _record(
    given: Mapping[str, Any], key: str, where: Message, faults: list[Message]
) -> dict[str, Any]:
    record = given.get(key, {})
    if not isinstance(record, dict):
        text = '{where}: write {key} as {{name = "..."}}'
        faults.append(Message(text, where=where, key=key))
        return {}
    return record


def _header(given: Any, where: Message, faults: list[Message]) -> Header | None:
    if not isinstance(given, dict) or not isinstance(given.get("columns"), dict):
        text = '{where}: a [[header]] needs columns.ours = "Theirs"'
        faults.append(Message(text, where=where))
        return None
    for key in given:
        if key not in (known := {"language", "columns", "signature", "numbers", "dates"}):
            text, near = "{where}: a [[header]] has no key {key}{near}", did_you_mean(key, known)
            faults.append(Message(text, where=where, key=key, near=near))
    if given.get("dates", "ymd") not in DATE_ORDERS:
        faults.append(Message(ONE_OF, where=where, key="dates", names=Names(DATE_ORDERS, ", ")))
    columns = {
        str(ours): _named(theirs, _at(where, f"columns.{ours}"), faults)
        for ours, theirs in given["columns"].items()
    }
    faults += _misread(given, where)
    signed = given.get("signature", ())
    signature = tuple(
        _named(one, _at(where, "signature"), faults)
        for one in ([signed] if isinstance(signed, str) else signed)
    )
    return Header(
        str(given.get("language", "")),
        columns,
        signature or tuple(columns.values()),
        str(given.get("numbers", "")),
        str(given.get("dates", "")),
    )


def _misread(given: Mapping[str, Any], where: Message) -> Iterator[Message]:
    """What is wrong with how numbers are said to be written."""
    written = given.get("numbers")
    if isinstance(written, str) and written:
        try:
            convention(written)
        except ValueError:
            yield Message(ONE_OF, where=where, key="numbers", names=Names(WRITTEN, "; "))


WRITTEN = ("1,234.5", "1.234,5", "1 234,5", "1'234.5")


def _named(given: Any, where: Message, faults: list[Message]) -> Named:
    if isinstance(given, dict) and isinstance(given.get("pattern"), str):
        return Named((), _pattern(given["pattern"], where, faults))
    if isinstance(given, str) and given.strip():
        return Named((plain(given),))
    if isinstance(given, list) and given and all(isinstance(one, str) for one in given):
        return Named(tuple(map(plain, given)))
    text = '{where} must be "Theirs", ["Theirs", "or so"] or {{pattern = "..."}}'
    faults.append(Message(text, where=where))
    return Named()


def _pattern(pattern: Any, where: Message, faults: list[Message]) -> re.Pattern[str] | None:
    try:
        return re.compile(str(pattern), re.IGNORECASE)
    except re.error as error:
        text = "{where} is no regular expression: {reason}"
        faults.append(Message(text, where=where, reason=error))
        return None


def _totals(given: Mapping[str, Any], where: Message, faults: list[Message]) -> Totals | None:
    if not given:
        return None
    if "pattern" not in given:
        faults.append(Message('{where}: totals needs pattern = "..."', where=where))
        return None
    pattern = _pattern(given["pattern"], _at(where, "totals.pattern"), faults)
    proves = None
    if "proves" in given:
        proves = _pattern(given["proves"], _at(where, "totals.proves"), faults)
    if not pattern:
        return None
    return Totals(pattern, str(given.get("column", "")), proves, str(given.get("without_sum", "")))


def _several(given: Any) -> tuple[str, ...]:
    return tuple(map(str, given)) if isinstance(given, list | tuple) else (str(given),)


__all__ = ["Header", "Layout", "Named", "Totals", "known_layouts", "layouts_of", "plain", "replace"]
