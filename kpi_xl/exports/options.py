"""What the user says of a file, and what is told of it afterwards."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from kpi_xl.exports.cells import CALENDARS, convention
from kpi_xl.locales import Message, in_language
from kpi_xl.locales.currencies import said
from kpi_xl.reference import did_you_mean
from kpi_xl.sources import SourceError
from kpi_xl.sources.connections import Origin

ORDERS = ("dmy", "mdy", "ymd", *CALENDARS)


@dataclass(frozen=True)
class Options:
    """What the user says of a file that nobody knows, or knows wrong. It goes before all else.

    `renamed` is theirs = ours, `set` ours = a value for all rows, `where` theirs = the values of
    the rows that count, `once` the column of which each value counts once, `header` the row,
    `sheet` the sheets of a workbook that are read.
    """

    header: int = 0
    dates: str = ""
    numbers: str = ""
    encoding: str = ""
    currency: str = ""
    once: str = ""
    net: bool = False
    sheet: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Whether nothing is said but what columns are called."""
        return replace(self, renamed={}) == Options()

    def words(self) -> str:
        """What is said, as the sheet Sources has it."""
        parts = [f"{theirs}={ours}" for theirs, ours in self.renamed.items()]
        parts += [f"--header {self.header}"] * bool(self.header)
        for name in ("dates", "numbers", "encoding", "currency", "once"):
            if value := getattr(self, name):
                parts.append(f"--{name} {value}")
        parts += [f"--set {ours}={value}" for ours, value in self.set.items()]
        parts += [f"--where {c}={value}" for c, values in self.where.items() for value in values]
        parts += ["--net"] * self.net
        parts += [f"--sheet {name}" for name in self.sheet]
        return "; ".join(map(_quoted, parts))


PART = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:[;\n]|$)|([^;\n]*)(?:[;\n]|$)')


_NEXT = re.compile(r"\s+(?=--[a-z])")
"""Where another option begins, as in a line of the terminal."""


def parts_of(words: str) -> list[str]:
    """What `Options.words` gave: parts between semicolons or lines, or in quotation marks.

    Options may stand behind each other, too, as in the terminal.
    """
    parts: list[str] = []
    for quoted, plain in PART.findall(words):
        parts += [quoted.replace('""', '"')] if quoted else _NEXT.split(plain)
    return [part.strip() for part in parts if part.strip()]


def _quoted(part: str) -> str:
    """A part of the words; in quotation marks where it would be taken for several."""
    if parts_of(part) == [part]:
        return part
    return '"{}"'.format(part.replace('"', '""'))


def options_from(given: Iterable[tuple[str, str]], renamed: Mapping[str, str] = {}) -> Options:
    """Options by name, as many as were given. Raises SourceError with a sentence for each fault."""
    faults: list[Message] = []
    single: dict[str, str] = {}
    sets: dict[str, str] = {}
    where: dict[str, tuple[str, ...]] = {}
    sheets: tuple[str, ...] = ()
    header = 0
    net = False
    for name, value in given:
        value = value.strip().strip('"')
        if name == "header":
            if not value.isdecimal() or int(value) < 1:
                faults.append(
                    Message(
                        "--header {value}: give the number of the row that has the headers",
                        value=value,
                    )
                )
            else:
                header = int(value)
        elif name == "net":
            net = True
        elif name == "sheet":
            sheets = (*sheets, value)
        elif name in ("set", "where"):
            column, mark, kept = (part.strip() for part in value.partition("="))
            if not mark or not column:
                faults.append(
                    Message(
                        '--{name} {value}: write it as --{name} "column=value"',
                        name=name,
                        value=value,
                    )
                )
            elif name == "set":
                sets[column] = kept
            else:
                where[column] = (*where.get(column, ()), kept)
        elif name in ("dates", "numbers", "encoding", "currency", "once"):
            single[name] = value
        else:
            faults.append(
                Message("--{name} is not known{near}", name=name, near=did_you_mean(name, NAMES))
            )
    if single.get("dates", "ymd") not in ORDERS:
        faults.append(
            Message(
                "--dates {dates}: it is one of {orders}",
                dates=single["dates"],
                orders=", ".join(ORDERS),
            )
        )
    if "numbers" in single:
        try:
            convention(single["numbers"])
        except ValueError:
            faults.append(
                Message(
                    "--numbers {numbers}: write a number as the file does, such as"
                    ' "1.234,5" or "1,234.5"',
                    numbers=single["numbers"],
                )
            )
    if "encoding" in single:
        try:
            "".encode(single["encoding"])
        except LookupError:
            faults.append(
                Message(
                    "--encoding {encoding} is not known; there are utf-8, utf-16, cp1251,"
                    " cp1252, gb18030, big5 and so on",
                    encoding=single["encoding"],
                )
            )
    if "currency" in single:
        single["currency"], fault = said("--currency", single["currency"])
        faults += [fault] if fault else []
    if faults:
        raise SourceError(*faults)
    return Options(header, net=net, sheet=sheets, set=sets, where=where, renamed=renamed, **single)


BOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
"""The endings of workbooks, which have sheets."""


def of_sheets(name: str, options: Options) -> list[Options]:
    """The options of each sheet that is named, if a file has sheets: they are read one by one."""
    if not name.lower().endswith(BOOKS):
        return [replace(options, sheet=())]
    return [replace(options, sheet=(sheet,)) for sheet in options.sheet] or [options]


NAMES = (
    *("header", "sheet", "dates", "numbers", "encoding", "set", "where", "once", "currency", "net"),
)


class Request(NamedTuple):
    """A file that is to be read, into the table named, or into the one it fits.

    Of a table of a database, `path` is what it is called: warehouse:public.orders. `key` is what
    its caller knows it by, for a file may be read twice: what is told of it has that, too.
    """

    path: Path
    table: str = ""
    options: Options = Options()
    origin: Origin | None = None
    key: int = 0


class Note(NamedTuple):
    """What is told of a file: what it was taken for, which rows were used, what was left out.

    `key` is that of its request.
    """

    path: str
    table: str
    rows: int
    taken: Sequence[str] = ()
    used: str = ""
    left: Sequence[str] = ()
    key: int = 0

    def lines(self, language: str = "en") -> Sequence[str]:
        """The lines, without the file's name."""
        taken = ", ".join(in_language(text, language) for text in self.taken)
        left = "; ".join(in_language(text, language) for text in self.left)
        return tuple(filter(None, (taken, in_language(self.used, language), left)))

    def remarks(self, language: str = "en") -> str:
        """What Sources says of it: what it was taken for, what was left out."""
        return "; ".join(self._replace(used="").lines(language))


def money(amount: float) -> str:
    """An amount as it is told."""
    return f"{amount:,.2f}"
