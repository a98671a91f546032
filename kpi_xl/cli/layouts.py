"""kpi-xl layouts: which exports are known, what a file is taken for, a layout of one's own."""

import re
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpi_xl.cli.shared import (
    BOOK_LANGUAGE,
    FORCE,
    JSON,
    Misuse,
    app,
    console_text,
    in_their_language,
    language_of,
    print_json,
    printable,
    said,
    save,
    tell,
)
from kpi_xl.files import is_there
from kpi_xl.locales import Counted, Message, Names, Said
from kpi_xl.reference import did_you_mean

if TYPE_CHECKING:
    from kpi_xl.exports import Layout, Note, Options
    from kpi_xl.schema import Input

HEADER = Annotated[
    int | None, typer.Option(help="The row that has the names of the columns.", metavar="ROW")
]
SHEET = Annotated[
    list[str] | None,
    typer.Option("--sheet", help="A sheet of a workbook; several are added.", metavar="NAME"),
]
DATES = Annotated[
    str | None,
    typer.Option(help="How dates are written.", metavar="dmy|mdy|ymd|jalali|minguo|buddhist"),
]
NUMBERS = Annotated[
    str | None, typer.Option(help="How a number is written: 1.234,5 or 1,234.5.", metavar="1.234,5")
]
ENCODING = Annotated[str | None, typer.Option(help="Such as cp1251.", metavar="NAME")]
SET = Annotated[
    list[str] | None,
    typer.Option("--set", help="A value of ours for all rows.", metavar="channel=Meta"),
]
WHERE = Annotated[
    list[str] | None,
    typer.Option("--where", help="Only rows with this value count.", metavar='"Status=Paid"'),
]
ONCE = Annotated[
    str | None,
    typer.Option(help="A column of which each value counts once.", metavar='"Order ID"'),
]
CURRENCY = Annotated[
    str | None, typer.Option(help="The currency of a file that does not say it.", metavar="EUR")
]
NET = Annotated[
    bool, typer.Option("--net", help="Revenue without tax and shipping, where the file has them.")
]


MAP = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="What the file calls a column of ours.", metavar='"Their name=ours"'
    ),
]

layouts = typer.Typer(
    help="The exports that are known: list them, ask what a file is taken for, add your own.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(layouts, name="layouts")


@layouts.callback()
@in_their_language
def listed(context: typer.Context, as_json: JSON = False) -> None:
    """The exports that are known."""
    if context.invoked_subcommand:
        return
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "vendor": one.vendor,
                    "table": one.table,
                    "refused": one.refused,
                    "languages": sorted({h.language for h in one.headers if h.language}),
                    "own": one.of_user,
                }
                for one in all_layouts()
            ]
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=True)
    for title in ("Export", "Table", "Languages"):
        table.add_column(title)
    refused = said(Message("refused"))
    for layout in all_layouts():
        languages = dict.fromkeys(header.language for header in layout.headers)
        name = layout.name + (" (your own)" if layout.of_user else "")
        target = refused if layout.refused else layout.table
        texts = name, target, ", ".join(filter(None, languages))
        table.add_row(*map(console_text, texts))
    console = Console(highlight=False)
    console.print(table)
    text = "{refused}: kpi-xl layouts show FILE says why, and what to export in its place"
    console.print(said(Message(text, refused=Message("refused"))))


@layouts.command()
@in_their_language
def show(
    file: Annotated[Path, typer.Argument(help="An export.", metavar="FILE")],
    renamed: MAP = None,
    header: HEADER = None,
    sheets: SHEET = None,
    dates: DATES = None,
    numbers: NUMBERS = None,
    encoding: ENCODING = None,
    constants: SET = None,
    where: WHERE = None,
    once: ONCE = None,
    currency: CURRENCY = None,
    net: NET = False,
    lang: BOOK_LANGUAGE = None,
    as_json: JSON = False,
) -> None:
    """Tell what a file is taken for, and what would be left out, without writing anything."""
    from dataclasses import replace

    from kpi_xl.exports import Request, known_as, read_files
    from kpi_xl.schema import SCHEMAS
    from kpi_xl.sources import SourceError

    options = spoken(
        header, dates, numbers, encoding, constants, where, once, currency, sheets, net=net
    )
    options = replace(options, renamed=paired(renamed or []))
    code = language_of(lang)
    known = all_layouts()
    with readable(file):
        names, tables = known_as(file, options, known)
    found: list[dict[str, Any]] = []
    faults: list[Message] = []
    for schema in SCHEMAS.values():
        inputs = {table.name: table.columns for table in schema.inputs}
        if tables and not tables & set(inputs):
            continue
        try:
            filling = read_files([Request(file, "", options)], inputs, known)
        except SourceError as error:
            faults.append(Message("For {name}: {reason}", name=schema.name, reason=error))
            continue
        for note in filling.notes:
            shown = {"template": schema.name, "table": note.table, "rows": note.rows}
            found.append({**shown, "remarks": list(note.lines(code))})
            if not as_json:
                print_note(f"kpi-xl fill {schema.name} {file}", note, code)
    if names and not found:
        raise Misuse(Names(tuple(faults), "\n"))
    if not found:
        hint = Message("nobody knows {file}; kpi-xl layouts learn {file} makes it known", file=file)
        # Where the columns of a table are there, what is wrong in it says more.
        nearest = next((one for one in faults if "has no column" not in one), faults[0])
        raise Misuse(Names((hint, nearest), "\n"))
    if as_json:
        print_json(found)


def print_note(command: str, note: "Note", language: str) -> None:
    """What a command would fill a table with, and what is told of the file."""
    rows = Counted(note.rows, "rows")
    text = "{command}: {rows} of the table {table}"
    tell(Message(text, command=command, rows=rows, table=note.table))
    for line in note.lines(language):
        print(f"  {printable(line)}")


@layouts.command()
@in_their_language
def learn(
    file: Annotated[Path, typer.Argument(help="A file of the kind.", metavar="FILE")],
    table: Annotated[
        str, typer.Option(help="The table of ours that it fills.", metavar="NAME")
    ] = "",
    name: Annotated[str, typer.Option(help="What to call the layout.", metavar="NAME")] = "",
    renamed: MAP = None,
    header: HEADER = None,
    sheets: SHEET = None,
    dates: DATES = None,
    numbers: NUMBERS = None,
    encoding: ENCODING = None,
    constants: SET = None,
    where: WHERE = None,
    once: ONCE = None,
    currency: CURRENCY = None,
    force: FORCE = False,
    lang: BOOK_LANGUAGE = None,
) -> None:
    """Write a layout of your own from a file; what is not said is asked for in the terminal.

    Files of that kind are then recognised as they are.
    """
    from kpi_xl.exports import header_of, layout_text, layouts_of, openers
    from kpi_xl.sources import SourceError

    options = spoken(
        header, dates, numbers, encoding, constants, where, once, currency, sheets, net=False
    )
    pairs = paired(renamed or [])
    asks = sys.stdin.isatty() and not (pairs and table)
    with readable(file):
        _, row, texts = header_of(openers(file)[0], options)
    wanted = table_of(
        table or (typer.prompt(said(Message("Table")), default="Orders") if asks else "")
    )
    columns = matched(wanted, texts, pairs)
    if asks:
        text = "The header of {file} is taken to stand in row {row}:"
        tell(Message(text, file=file, row=row))
        columns |= answered(wanted, texts, {*columns, *options.set})
    refuse_missing(wanted, {*columns, *options.set}, file, row, texts)
    title = name or file.stem
    layout = layout_text(title, wanted.name, columns, options)
    try:
        layouts_of(layout, title)
    except SourceError as error:
        raise Misuse(error) from None
    place = place_of(title, force=force)
    save(place, layout.encode(), force=force)
    text = "{place} says what such files are; kpi-xl layouts show {file} tries it."
    tell(Message(text, place=place, file=file))


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """What hinders a file from being read, as Misuse."""
    from kpi_xl.sources import SourceError

    try:
        yield
    except SourceError as error:
        raise Misuse(error) from None
    except OSError as error:
        reason = error.strerror or error
        raise Misuse(Message("{path} cannot be read: {reason}", path=file, reason=reason)) from None


def answered(table: "Input", texts: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Which header is which column of a table that is not known, as the terminal is asked."""
    for number, header in enumerate(texts, start=1):
        print(f"  {number}  {printable(header)}")
    columns = {}
    for column in table.columns:
        if column.name in known:
            continue
        note = Said(column.note, "words") if column.note else ""
        text = "{column} ({note}) [number, or Enter]"
        asked = said(Message(text, column=column.name, note=note))
        answer = typer.prompt(asked, default="", show_default=False)
        if answer.strip().isdigit() and 0 < int(answer) <= len(texts):
            columns[column.name] = texts[int(answer) - 1]
    return columns


def refuse_missing(
    table: "Input", known: Collection[str], file: Path, row: int, texts: Sequence[str]
) -> None:
    """Refuse a layout without the columns that every row needs. Raises Misuse."""
    missing = [
        column.name for column in table.columns if column.filled and column.name not in known
    ]
    if missing:
        has = Names(tuple(filter(None, texts)), ", ")
        raise Misuse(
            Message(
                "{file} needs its {missing}; row {row} has {has}: say which it is, as in --map"
                ' "Their name={first}"',
                file=file,
                missing=Names(missing, ", "),
                row=row,
                has=has,
                first=missing[0],
            )
        )


def place_of(title: str, *, force: bool) -> Path:
    """Where a layout of the user is kept, in a folder that is then there. Raises Misuse."""
    from kpi_xl.reports.folders import layouts_folder

    stem = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_") or "layout"
    place = layouts_folder() / f"{stem}.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    if is_there(place) and not force:
        text = "{place} is already there; --force overwrites it, --name gives another"
        raise Misuse(Message(text, place=place))
    return place


def table_of(name: str) -> "Input":
    """An input table of any template by its name. Raises Misuse."""
    from kpi_xl.schema import SCHEMAS

    tables = {one.name.lower(): one for schema in SCHEMAS.values() for one in schema.inputs}
    if name.lower() not in tables:
        names = [one.name for one in tables.values()]
        raise Misuse(
            Message(
                "--table {name}: it is one of {names}{near}",
                name=name or "NAME",
                names=Names(names, ", "),
                near=did_you_mean(name, names),
            )
        )
    return tables[name.lower()]


def matched(table: "Input", texts: Sequence[str], pairs: dict[str, str]) -> dict[str, str]:
    """Which header is which column of ours: as was said, and of the same name. Raises Misuse."""
    ours = {column.name.lower(): column.name for column in table.columns}
    columns = {}
    for theirs, name in pairs.items():
        if name.lower() not in ours:
            near = did_you_mean(name, ours.values())
            raise Misuse(
                Message(
                    "--map {theirs}={name}: {table} has no column {name}{near}",
                    theirs=theirs,
                    name=name,
                    table=table.name,
                    near=near,
                )
            )
        if theirs not in texts:
            raise Misuse(
                Message(
                    'the file has no column "{theirs}"{near}',
                    theirs=theirs,
                    near=did_you_mean(theirs, texts),
                )
            )
        columns[ours[name.lower()]] = theirs
    for text in texts:
        if text.lower() in ours and text not in columns.values():
            columns.setdefault(ours[text.lower()], text)
    return columns


def paired(given: list[str]) -> dict[str, str]:
    """What --map says, theirs to ours. Raises Misuse."""
    pairs = {}
    for text in given:
        theirs, mark, ours = (part.strip() for part in text.rpartition("="))
        if not mark or not theirs or not ours:
            raise Misuse(Message('--map {text}: write "Their name=ours"', text=text))
        pairs[theirs] = ours
    return pairs


def spoken(
    header: int | None,
    dates: str | None,
    numbers: str | None,
    encoding: str | None,
    constants: list[str] | None,
    where: list[str] | None,
    once: str | None,
    currency: str | None,
    sheets: list[str] | None,
    *,
    net: bool,
) -> "Options":
    """What the options say of files. Raises Misuse."""
    from kpi_xl.exports import options_from
    from kpi_xl.sources import SourceError

    single = {"dates": dates, "numbers": numbers, "encoding": encoding, "once": once,
              "currency": currency, "header": None if header is None else str(header)}  # fmt: skip
    given = [(name, value) for name, value in single.items() if value is not None]
    given += [("set", value) for value in constants or ()]
    given += [("where", value) for value in where or ()]
    given += [("sheet", value) for value in sheets or ()]
    given += [("net", "")] * net
    try:
        return options_from(given)
    except SourceError as error:
        raise Misuse(error) from None


def all_layouts() -> "list[Layout]":
    """The layouts of the user, and ours. Raises Misuse."""
    from kpi_xl.exports import known_layouts
    from kpi_xl.reports.folders import layouts_folder
    from kpi_xl.sources import SourceError

    try:
        return known_layouts(layouts_folder())
    except SourceError as error:
        raise Misuse(error) from None
