"""kpi-xl new, fill, demo: template workbooks, empty, filled from files, with sample data."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from kpi_xl.bounded import side_by_side
from kpi_xl.cli.layouts import (
    DATES,
    ENCODING,
    HEADER,
    NET,
    NUMBERS,
    ONCE,
    SET,
    SHEET,
    WHERE,
    all_layouts,
    spoken,
)
from kpi_xl.cli.shared import (
    BOOK_HOST,
    BOOK_LANGUAGE,
    FORCE,
    JSON,
    OUTPUT,
    PARENTS,
    WHEEL,
    WORKBOOKS,
    Misuse,
    among,
    app,
    console_text,
    free_path,
    in_their_language,
    kpis_of,
    language_of,
    print_json,
    printable,
    save,
    say_where,
    steps,
    tell,
)
from kpi_xl.engine.memory import uncollected
from kpi_xl.files import is_there
from kpi_xl.locales import Counted, Message, Names, in_language, say
from kpi_xl.locales.currencies import code_of, contradict, said
from kpi_xl.ooxml.addresses import column_letters
from kpi_xl.ooxml.limits import computing
from kpi_xl.reference import did_you_mean

if TYPE_CHECKING:
    from kpi_xl.exports import Filling, Note, Options, Request
    from kpi_xl.exports.counting import CountedOrders
    from kpi_xl.exports.rates import Rates
    from kpi_xl.reports.layout import Loaded
    from kpi_xl.schema import Input
    from kpi_xl.sources.connections import Origin

HOSTS = ("excel", "lite", "server")
REASONS = 5  # of errors, that are told
STARTER = "starter"  # no template, for it has no tables
TEMPLATE_NAMES = among(lambda: import_module("kpi_xl.workbook_templates").TEMPLATES)
NAME = Annotated[
    str,
    typer.Argument(metavar="TEMPLATE", help="Such as retention.", autocompletion=TEMPLATE_NAMES),
]


@app.command()
@in_their_language
def new(
    name: NAME,
    output: OUTPUT = None,
    lang: BOOK_LANGUAGE = None,
    currency: Annotated[
        str,
        typer.Option(help="The currency of all amounts, which then have its sign.", metavar="EUR"),
    ] = "",
    host: BOOK_HOST = "excel",
    wheel: WHEEL = "",
    force: FORCE = False,
    parents: PARENTS = False,
    as_json: JSON = False,
) -> None:
    """Write an empty template workbook, ready to be filled.

    With --host lite it brings the functions along for the add-in xlwings Lite, also without a
    template: kpi-xl new starter --host lite. With --host server it is for Excels whose functions
    come from kpi-xl serve.
    """
    check_host(host, wheel)
    kpis_of((output or Path()).parent)
    if name.lower() == STARTER:
        return new_starter(output, lang, host, wheel, force=force, parents=parents)
    building = import_module("kpi_xl.workbook_templates.building")
    template = known_template(name)
    path = free_path(
        output or Path(f"{template.name}.xlsx"), force=force, parents=parents, ends=ends(host)
    )
    code = language_of(lang)
    money = money_of("--currency", currency)
    with steps() as step:
        built = building.build(
            template, {}, language=code, host=host, progress=step, currency=money
        )
        save(path, for_host(built.content, host, wheel), force=force)
    if as_json:
        return print_json({"book": str(path), "tables": [one.name for one in template.inputs]})
    say_where(path)
    todo = Message(
        "Its sheet {sheet} says what to do; {command} reads {tables} from files.",
        sheet=say("Start", code),
        command=f"kpi-xl fill {template.name}",
        tables=Names(tuple(table.name for table in template.inputs)),
    )
    tell(todo)
    return None


def new_starter(
    output: Path | None, lang: str | None, host: str, wheel: str, *, force: bool, parents: bool
) -> None:
    """Write a workbook for one's own formulas. Raises Misuse."""
    if host != "lite":
        raise Misuse(
            Message("the {name} brings the functions along, so it needs --host lite", name=STARTER)
        )
    code = language_of(lang)
    path = output or Path(f"{STARTER}.xlsx")
    path = free_path(path, force=force, parents=parents, ends=ends(host))
    built = import_module("kpi_xl.workbook_templates.starter").build(code)
    save(path, for_host(built.content, host, wheel), force=force)
    say_where(path)
    todo = Message("Its sheet {sheet} says how to go on.", sheet=say("Start", code))
    tell(todo)


def money_of(option: str, currency: str) -> str:
    """The code that an option gives, or nothing where it was not given. Raises Misuse."""
    code, fault = said(option, currency) if currency else ("", None)
    if fault:
        raise Misuse(fault)
    return code


def check_host(host: str, wheel: str) -> None:
    """Refuse an unknown host, and a wheel that no browser could fetch. Raises Misuse."""
    if host not in HOSTS:
        near = did_you_mean(host, HOSTS)
        raise Misuse(
            Message(
                'there is no host "{host}"{near}; {names}',
                host=host,
                near=near,
                names=Names(tuple(HOSTS), "or"),
            )
        )
    if wheel and (host != "lite" or not re.fullmatch(r"(https?|emfs):\S+\.whl", wheel)):
        raise Misuse(
            Message(
                "--wheel is for --host lite: the address of a file kpi_xl-...-none-any.whl,"
                " which begins with https: (or emfs:, for a file in the add-in's own folders)"
            )
        )


def ends(host: str) -> tuple[str, ...]:
    """What a workbook for a host may end in: LibreOffice's own form is none of the add-ins'."""
    return WORKBOOKS if host == "excel" else (".xlsx",)


def for_host(content: bytes, host: str, wheel: str = "") -> bytes:
    """A workbook of ours as a host takes it."""
    if host == "excel":
        return content
    from kpi_xl.hosts.lite import with_bound_formulas, with_python

    return with_python(content, wheel) if host == "lite" else with_bound_formulas(content)


@app.command()
@in_their_language
def fill(
    name: NAME,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Exports as they are: each is recognised, and goes to the table it fits.",
            metavar="[FILE]...",
        ),
    ] = None,
    tables: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            help="An input table and a file for it, also with * and ?, or a table of a database,"
            " such as warehouse:public.orders; as often as needed.",
            metavar="NAME=FILE",
        ),
    ] = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="What the file calls a column of ours; Leads[channel] means that of one table.",
            metavar='"Their name=ours"',
        ),
    ] = None,
    header: HEADER = None,
    sheets: SHEET = None,
    dates: DATES = None,
    numbers: NUMBERS = None,
    encoding: ENCODING = None,
    constants: SET = None,
    where: WHERE = None,
    once: ONCE = None,
    currency: Annotated[
        list[str] | None,
        typer.Option(
            help="The currency of all files that do not say theirs, or of one file; as often as"
            " needed.",
            metavar="[FILE=]EUR",
        ),
    ] = None,
    net: NET = False,
    rates: Annotated[
        Path | None,
        typer.Option(
            help="A file with the columns currency, rate and perhaps from: an amount times its"
            " rate is in the report's currency.",
            metavar="FILE",
        ),
    ] = None,
    report_currency: Annotated[
        str,
        typer.Option(
            help="The currency that all amounts are to be in; they have its sign.", metavar="EUR"
        ),
    ] = "",
    output: OUTPUT = None,
    lang: BOOK_LANGUAGE = None,
    host: BOOK_HOST = "excel",
    wheel: WHEEL = "",
    force: FORCE = False,
    parents: PARENTS = False,
    as_json: JSON = False,
) -> None:
    """Fill a template workbook from files, and compute it.

    The exports of many vendors are known: kpi-xl layouts lists them. Of a file that nobody knows,
    the options say how it is written.
    """
    from kpi_xl.exports import rates_of
    from kpi_xl.sources import SourceError

    check_host(host, wheel)
    kpis_of((output or Path()).parent)
    building = import_module("kpi_xl.workbook_templates.building")
    records = import_module("kpi_xl.workbook_templates.records")
    template = known_template(name)
    report = money_of("--report-currency", report_currency)
    every, of_files = named_currencies(currency or [])
    words = spoken(header, dates, numbers, encoding, constants, where, once, every, sheets, net=net)
    requests = named_files(template, files or [], tables or [], renamed or [], words)
    requests = in_currencies(requests, of_files)
    path = output or Path(f"{template.name}-filled.xlsx")
    path = free_path(path, force=force, parents=parents, ends=ends(host))
    code = language_of(lang)
    with steps() as step:
        try:
            known = rates_of(rates) if rates else None
            taken = gathered(template, requests, known, report, words.currency, path, code, step)
            built = building.build(
                template,
                taken.data,
                records.Sentence(records.FILLED, {"files": ", ".join(taken.names)}),
                code,
                loaded=taken.sources,
                host=host,
                given=taken.given,
                progress=step,
                currency=taken.currency,
            )
        except (SourceError, building.UnfitDataError) as error:
            raise Misuse(error) from None
        step(Message("Saving the workbook"))
        save(path, for_host(built.content, host, wheel), force=force)
    if as_json:
        told = [note_record(note, code) for note in taken.notes]
        return print_json({**record_of(template, built.told, path), "files": told})
    print_told(template, built.told, code)
    print_files(template.inputs, taken.notes, code)
    say_where(path)
    checks = Message("Its sheet {sheet} lists what the data lack.", sheet=say("Checks", code))
    return tell(checks)


def note_record(note: "Note", language: str) -> dict[str, Any]:
    """What is told of a file, for other programs."""
    remarks = list(note.lines(language))
    return {"table": note.table, "file": note.path, "rows": note.rows, "remarks": remarks}


class Gathered(NamedTuple):
    """What a workbook is filled with, and what is told of it."""

    data: dict[str, Any]
    names: list[str]
    """The files and tables that it comes from."""
    sources: "list[Loaded]"
    given: Any
    """What was counted where the rows are."""
    currency: str
    """That of all amounts; none where they do not all name it."""
    notes: "list[Note]"


def gathered(
    template: Any,
    requests: "list[Request]",
    rates: "Rates | None",
    report: str,
    named: str,
    path: Path,
    language: str,
    step: Callable[..., None],
) -> Gathered:
    """The rows of files and of databases; `named` is the currency that an option names for all.

    Raises SourceError.
    """
    from kpi_xl.exports import read_files_apart
    from kpi_xl.reports.layout import Loaded

    step(Message("Looking how much there is"))
    counted, requests = counted_orders(template, requests, language)
    beside = counted.found.currency if counted else ""
    check_counted(counted, report, converts=rates is not None)
    filling = read_files_apart(
        requests,
        {table.name: table.columns for table in template.inputs},
        all_layouts(),
        rates=rates,
        report_currency=report or beside,
        progress=lambda what, done: step(Message("Reading {file}", file=what), done),
    )
    names = dict.fromkeys(request.path.name for request in requests)
    data = {table: found.columns for table, found in filling.tables.items()}
    sources = loaded(filling.notes, requests, path.parent, language)
    # What rates have converted is in the report's currency; files' options are over all.
    currency = report or ("" if rates else named)
    if counted is None:
        currency = currency or filling.currency
        return Gathered(data, [*names], sources, None, currency, filling.notes)
    here = code_of(beside)
    data["Orders"] = counted.found.sample
    note = note_beside(counted, filling)
    stamp = datetime.now().replace(microsecond=0)
    remarks = note.remarks(language)
    sources.append(Loaded("Orders", "", "", stamp, counted.found.rows, remarks))
    of_all = here if filling.currency == here or not filling.tables else ""
    notes = [*filling.notes, note]
    names = {counted.place: None, **names}
    return Gathered(data, [*names], sources, counted.given, currency or of_all, notes)


def print_files(tables: "Sequence[Input]", notes: "Sequence[Note]", language: str) -> None:
    """What each table was filled from, and what is told of each file."""
    for table in tables:
        ours = [note for note in notes if note.table == table.name]
        if not ours:
            empty = Message("{table}: left empty; --table {table}=FILE fills it", table=table.name)
            tell(empty)
        for note in ours:
            rows = Counted(note.rows, "rows")
            read = Message("{table}: {rows} of {file}", table=note.table, rows=rows, file=note.path)
            tell(read)
            for line in note.lines(language):
                print(f"  {printable(line)}")


class CountedTable(NamedTuple):
    """Orders that are more than a sheet holds: where they are, and what was counted there."""

    place: str
    found: "CountedOrders"
    given: Any
    note: "Note"


def counted_orders(
    template: Any, requests: "list[Request]", language: str
) -> "tuple[CountedTable | None, list[Request]]":
    """The orders that are counted where they are, if they are, and what else is to be read.

    Raises SourceError.
    """
    if template.name != "retention":
        return None, requests
    from kpi_xl.exports.counting import counted_apart, is_of, note_of

    columns = {table.name: table.columns for table in template.inputs}
    ours = [request for request in requests if is_of("Orders", request, columns)]
    retention = import_module("kpi_xl.workbook_templates.retention")
    found = counted_apart(ours, columns["Orders"], retention.asked())
    if found is None:
        return None, requests
    place = ", ".join(request.path.name for request in ours[:3]) + ", ..." * (len(ours) > 3)
    today = datetime.now().date()
    given = retention.counted(found, place, today, lambda text: say(text, language))
    note = note_of(found, place)
    rest = [request for request in requests if request not in ours]
    return CountedTable(place, found, given, note), rest


def note_beside(counted: CountedTable, filling: "Filling") -> "Note":
    """What is told of orders that are counted where they are, beside other files.

    Raises SourceError for files of orders, for nothing is added to what was counted.
    """
    from kpi_xl.sources import SourceError

    files = tuple(note.path for note in filling.notes if note.table == "Orders")
    if files:
        text = (
            "{table} is counted where it is, and the orders of {files} cannot be added: make one"
            " table of them, or fill a workbook for each"
        )
        raise SourceError(Message(text, table=counted.place, files=Names(files)))
    if counted.found.currency or not filling.currency:
        return counted.note
    return counted.note._replace(left=[*counted.note.left, Message("currency not said")])


def check_counted(counted: CountedTable | None, report: str, *, converts: bool) -> None:
    """Refuse orders that are counted where they are, and would have to be converted.

    Raises SourceError.
    """
    from kpi_xl.sources import SourceError

    if counted is None:
        return
    currency = counted.found.currency
    if not converts and not (report and currency and contradict(report, currency)):
        return
    if report and report == currency:
        return
    text = (
        "{table} is counted where it is, and nothing of it is converted: make a view, or a file,"
        " of amounts in {currency}, with a column currency that says so"
    )
    raise SourceError(
        Message(text, table=counted.place, currency=report or Message("the report's currency"))
    )


def loaded(
    notes: "Sequence[Note]", requests: "Sequence[Request]", folder: Path, language: str
) -> "list[Loaded]":
    """What the sheet Sources says of files; one in the workbook's folder is named from it.

    An archive of several files is one, for all of them are read wherever it is named.
    """
    from kpi_xl.reports.layout import Loaded

    now = datetime.now().replace(microsecond=0)
    asked = {request.key: request for request in requests}
    found: dict[tuple[int, str], list[Note]] = {}
    for note in notes:
        found.setdefault((note.key, note.table), []).append(note)
    rows = []
    for (key, table), some in found.items():
        path = Path(some[0].path).resolve()
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
        request = asked[key]
        name = request.origin.text if request.origin else name
        number, told = sum(note.rows for note in some), [note.remarks(language) for note in some]
        given, remarks = request.options.words(), "; ".join(filter(None, told))
        rows.append(Loaded(table, name, given, now, number, remarks))
    return rows


def named_files(
    template: Any, files: list[str], tables: list[str], renamed: list[str], words: "Options"
) -> "list[Request]":
    """The files that are to be read, and the tables of those given as Leads=leads.csv.

    Raises Misuse.
    """
    from kpi_xl.exports import Request, of_sheets

    inputs = {table.name.lower(): table for table in template.inputs}
    given: list[tuple[str, str]] = [("", file) for file in files]
    for text in tables:
        name, mark, file = text.partition("=")
        table = inputs.get(name.strip().lower())
        if table is None or not file.strip():
            known = [one.name for one in inputs.values()]
            near = did_you_mean(name, known) if mark else ""
            raise Misuse(
                Message(
                    "--table {text}: write NAME=FILE, the name being {known}{near}",
                    text=text,
                    known=Names(tuple(known), "or"),
                    near=near,
                )
            )
        given.append((table.name, file.strip()))
    if not given:
        raise Misuse(
            Message(
                "name the files: kpi-xl fill TEMPLATE FILE..., or --table {name}=FILE",
                name=template.inputs[0].name,
            )
        )
    used = [
        table for table in template.inputs if any(name in ("", table.name) for name, _ in given)
    ]
    names = named_columns(template, used, renamed)
    every = {theirs: ours for columns in names.values() for theirs, ours in columns.items()}
    requests: list[Request] = []
    for table, file in given:
        options = replace(words, renamed=names[table] if table else every)
        origin = meant_table(file)
        for path in [Path(file)] if origin else meant(file):
            for one in of_sheets(path.name, options):
                requests.append(Request(path, table, one, origin, len(requests)))
    return requests


def named_currencies(given: list[str]) -> tuple[str | None, dict[str, str]]:
    """The currency of all files, and those of single ones by their names. Raises Misuse."""
    by_file: dict[str, list[str]] = {}
    for text in given:
        file, _, code = text.rpartition("=")
        by_file.setdefault(file.strip(), []).append(code)
    of_all = by_file.pop("", [])
    if len(of_all) > 1:
        text = "--currency: {codes} for all files; of single ones write --currency FILE={code}"
        raise Misuse(Message(text, codes=Names(tuple(of_all)), code=of_all[1]))
    of_files = {}
    for file, codes in by_file.items():
        if len(codes) > 1:
            text = "--currency: {codes} for {file}: which holds?"
            raise Misuse(Message(text, codes=Names(tuple(codes)), file=file))
        of_files[file] = money_of("--currency", codes[0])
    return (of_all[0] if of_all else None), of_files


def in_currencies(requests: "list[Request]", of_files: dict[str, str]) -> "list[Request]":
    """The files with the currencies that are said of single ones. Raises Misuse."""
    known = {name for request in requests for name in (str(request.path), request.path.name)}
    for file in of_files:
        if file not in known:
            text = "--currency {file}={code}: no file of that name is read{near}"
            near = did_you_mean(file, known)
            raise Misuse(Message(text, file=file, code=of_files[file], near=near))
    found = []
    for request in requests:
        code = of_files.get(str(request.path)) or of_files.get(request.path.name)
        options = replace(request.options, currency=code) if code else request.options
        found.append(request._replace(options=options))
    return found


def meant_table(text: str) -> "Origin | None":
    """The table of a database that a text means, where there is no file of that name.

    Raises Misuse.
    """
    from kpi_xl.sources import SourceError, connections

    try:
        return None if is_there(Path(text)) else connections.origin(text, of_workbook=False)
    except SourceError as error:
        raise Misuse(error) from None


def meant(text: str) -> list[Path]:
    """The files that a path means, which may have * and ? in it. Raises Misuse."""
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise Misuse(Message("{text} is in the folder of a user unknown", text=text)) from None
    if is_there(path) or not any(mark in text for mark in "*?["):
        return [path]
    root = Path(path.anchor or ".")
    found = sorted(root.glob(str(path.relative_to(path.anchor))))
    if not found:
        raise Misuse(Message("there is no file {path}{near}", path=text, near=""))
    return found


def named_columns(template: Any, tables: list[Any], given: list[str]) -> dict[str, dict[str, str]]:
    """By table, what a file calls our columns: "Kanal=channel". Raises Misuse."""
    names: dict[str, dict[str, str]] = {table.name: {} for table in tables}
    for text in given:
        theirs, mark, ours = (part.strip() for part in text.rpartition("="))
        only, _, column = ours.removesuffix("]").rpartition("[")
        known = {
            f"{table.name}[{one.name}]".lower(): (table.name, one.name)
            for table in tables
            for one in table.columns
        }
        fits = [
            place
            for place in known.values()
            if place[1].lower() == column.lower() and only.lower() in ("", place[0].lower())
        ]
        if not mark or not theirs or not fits:
            near = did_you_mean(column, [one for _, one in known.values()])
            raise Misuse(
                Message(
                    '--map {text}: write "Their name=ours", a column of {name}{near}',
                    text=text,
                    name=template.name,
                    near=near,
                )
            )
        for table, one in fits:
            names[table][theirs] = one
    return names


@app.command()
@in_their_language
def demo(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEMPLATE]",
            help="One template; else all of them.",
            autocompletion=TEMPLATE_NAMES,
        ),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--dir", help="Where to write the workbooks.", metavar="DIR")
    ] = Path(),
    lang: BOOK_LANGUAGE = None,
    host: BOOK_HOST = "excel",
    wheel: WHEEL = "",
    force: FORCE = False,
    parents: PARENTS = False,
    as_json: JSON = False,
) -> None:
    """Build template workbooks from sample data: real orders (CDNOW, 1997-98), and made-up ones."""
    check_host(host, wheel)
    templates = import_module("kpi_xl.workbook_templates")
    code = language_of(lang)
    chosen = [known_template(name).name] if name else templates.TEMPLATES
    paths = [
        free_path(folder / f"kpi-xl-{one}.xlsx", force=force, parents=parents) for one in chosen
    ]
    records = []
    inputs = [(one, code, host) for one in chosen]
    with uncollected():  # between the workbooks, too: little of them is left
        made = side_by_side(templates.sampled, inputs, budget=computing(0))
        for one, path, wait in zip(chosen, paths, made, strict=True):
            template = known_template(one)
            with steps() as step:
                told = wait(step)
                save(path, for_host(told.content, host, wheel), force=force)
            if not as_json:
                print_told(template, told, code)
                say_where(path)
            records.append(record_of(template, told, path))
    if as_json:
        print_json(records)


def known_template(name: str) -> Any:
    """The record of a template. Raises Misuse."""
    templates = import_module("kpi_xl.workbook_templates")
    if name.lower() not in templates.TEMPLATES:
        near = did_you_mean(name, templates.TEMPLATES)
        there = ", ".join(templates.TEMPLATES)
        raise Misuse(
            Message(
                "there is no template {name}{near}",
                name=repr(name),
                near=near or Message("; there are {names}", names=there),
            )
        )
    try:
        import_module("kpi_xl.engine.embedded")  # it computes them
        return templates.template(name.lower())
    except ModuleNotFoundError as error:
        raise Misuse(
            Message("templates are computed by {name}, which is not installed", name=error.name)
        ) from None


def record_of(template: Any, made: Any, path: Path) -> dict[str, Any]:
    """What there is to say of a workbook that was built, for other programs."""
    return {
        "template": template.name,
        "book": str(path),
        "figures": dict(made.headlines),
        "formulas": made.formulas,
        "errors": len(made.errors),
        "problems": [problem._asdict() for problem in made.problems],
    }


def print_told(template: Any, made: Any, language: str) -> None:
    """The figures of a workbook, under its title in its language, and how many formulas it has."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=say(template.title, language), title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for figure, shown in made.headlines:
        table.add_row(console_text(figure), console_text(shown))
    console = Console(highlight=False)
    console.print(table)
    counts = {
        "formulas": Counted(made.formulas, "formulas"),
        "errors": Counted(len(made.errors), "errors"),
    }
    text = "{formulas} computed, {errors}:" if made.errors else "{formulas} computed, no errors."
    console.print(in_language(Message(text, **counts), language))
    reasons: dict[str, list[str]] = {}
    for (sheet, row, column), value in made.errors.items():
        why = Message("{error}: {sentence}", error=str(value), sentence=value.sentence)
        reason = why if value.sentence else str(value)
        reasons.setdefault(reason, []).append(f"{sheet}!{column_letters(column)}{row}")
    for reason, cells in list(reasons.items())[:REASONS]:
        text = "{cell} and {number} more: {reason}" if len(cells) > 1 else "{cell}: {reason}"
        told = Message(text, cell=cells[0], number=len(cells) - 1, reason=reason)
        line = printable(in_language(told, language))
        console.print(f"  {line}", soft_wrap=True, markup=False)
    if len(reasons) > REASONS:
        told = Message("... and {number} more reasons", number=len(reasons) - REASONS)
        console.print(f"  {in_language(told, language)}")
    if made.problems:
        found = Message("The sheet {sheet} has found:", sheet=say("Checks", language))
        console.print(in_language(found, language), markup=False)
    for problem in made.problems:
        fields = {"problem": problem.label, "rows": Counted(problem.rows, "rows")}
        told = Message("{problem}: {rows}", **fields)
        if problem.first.isdecimal():
            told = Message("{problem}: {rows}, first in row {row}", **fields, row=problem.first)
        elif problem.first:
            told = Message("{problem}: {cell}", **fields, cell=problem.first)
        console.print(f"  {printable(in_language(told, language))}", soft_wrap=True, markup=False)
