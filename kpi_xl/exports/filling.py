"""Files into the tables of a template: recognised, reshaped, appended, told.

What nobody knows is read as a table of ours with its own headers, or as the user says.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from kpi_xl.bounded import BudgetError, call
from kpi_xl.exports import conversions, plain_tables
from kpi_xl.exports.days import period_of
from kpi_xl.exports.gaps import DAYS_FROM
from kpi_xl.exports.layouts import Layout
from kpi_xl.exports.options import Note, Options, Request, money, of_sheets
from kpi_xl.exports.pages import ENCODINGS, Opener, openers, pages, readable, text_of
from kpi_xl.exports.plain_tables import NoHeaderError, ReshapedError
from kpi_xl.exports.rates import OWN, Rates, codes_of, converted, currency_of, of_money
from kpi_xl.exports.reading import BESIDE, Reading, filled_columns
from kpi_xl.exports.recognition import AmbiguousError, Match, recognised, sure_encoding
from kpi_xl.exports.rows import rows_of
from kpi_xl.exports.several import (
    Group,
    Part,
    in_a_table_of_ours,
    in_other_years,
    left_out_elsewhere,
    of_two_kinds,
    of_two_levels,
    placed,
    rows_of_all,
    summed,
    told_again,
    told_nameless,
    with_numbers,
)
from kpi_xl.exports.shaping import shaped
from kpi_xl.exports.totals import may_be_total, sums_above, total_among
from kpi_xl.files import is_there, kind
from kpi_xl.locales import Counted, Message, Names
from kpi_xl.locales.currencies import may_be_one
from kpi_xl.ooxml import limits
from kpi_xl.schema import Column
from kpi_xl.sources import (
    MOST_ROWS,
    TOO_MANY,
    ReadTable,
    SourceError,
    cells_under,
    headers_of,
    places_of,
    read_table,
)
from kpi_xl.sources.currencies import IN_CURRENCY, OTHER_SIGN
from kpi_xl.sources.databases import BYTES, look_at_database
from kpi_xl.sources.delimited import likely_encodings
from kpi_xl.sources.parquet import look_at_parquet
from kpi_xl.sources.records import MisfitError, Reader, hidden, read_once, unused
from kpi_xl.sources.terms import scale_in
from kpi_xl.sources.values import SIGN_LEFT_OUT, as_text
from kpi_xl.sources.workbooks import FIRST_OF_SEVERAL, Block, block_named
from kpi_xl.units import DATE, KEY, NOT_MEASURED

Tables = Mapping[str, Sequence[Column]]
Progress = Callable[[str, float], None]

PLAIN = {".csv", ".tsv", ".txt", ".gz", ".xlsx", ".xlsm", ".parquet", ".pq"}
"""The kinds of files that the reader of our own tables reads."""


class Filling(NamedTuple):
    """What was read: the tables, what is told of each file, the currency that all amounts name."""

    tables: dict[str, ReadTable]
    notes: list[Note]
    currency: str = ""


def read_files(
    requests: Sequence[Request],
    tables: Tables,
    layouts: Sequence[Layout],
    *,
    rates: Rates | None = None,
    report_currency: str = "",
    progress: Progress = lambda what, done: None,
) -> Filling:
    """Read files into the tables that they fit.

    Raises SourceError with a line for each thing that is in the way, of all files.
    """
    readings: list[tuple[Request, Reading]] = []
    ready: list[tuple[Request, str, ReadTable]] = []
    faults: list[Message] = []
    for request in requests:
        names = _names_of(request, tables)
        if misnamed := list(_misnamed(request, tables, names)):
            faults += misnamed
            continue
        try:
            request = _well_named(request, names)
            with readable(request.path):
                one, plain = _read(request, tables, layouts, progress)
        except SourceError as error:
            faults += error.args
            continue
        readings += [(request, reading) for reading in one]
        ready += [(request, *pair) for pair in plain]
    faults += _set_in_vain(readings, tables)
    if rates is not None:
        faults += (
            Message("{path} does not say its currency: say it with --currency", path=request.path)
            for request, into, table in ready
            if _has_amounts(table, tables[into])
        )
    for request, reading in readings:
        faults += [placed(request.path, fault) for fault in reading.faults]
    if not faults:
        readings, joined = _joined(readings)
        faults += joined
    for request, reading in readings if not faults else ():
        if fault := conversions.without_customers(reading):
            faults.append(placed(request.path, fault))
    if not faults and rates is None:
        faults += _said_otherwise(readings, tables)
    if not faults:
        faults += converted([reading for _, reading in readings], tables, rates, report_currency)
    for _, reading in readings if not faults else ():
        _tell_without_currency(reading, tables)
    if not faults:
        faults += of_two_levels(readings)
        faults += in_a_table_of_ours(readings, ready)
    if not faults and (report_currency or any(any(codes_of(one, tables)) for _, one in readings)):
        ready = [(request, into, _unsaid(table, tables[into])) for request, into, table in ready]
    groups = summed(readings, tables, faults) if not faults else []
    if faults:
        raise SourceError(*dict.fromkeys(faults))
    notes: list[Note] = []
    filled: dict[str, ReadTable] = {}
    for name in tables:
        ours = [group for group in groups if group.whole.table == name]
        plain_ones = [(request, table) for request, into, table in ready if into == name]
        if not ours and not plain_ones:
            continue
        filled[name] = _appended(name, tables[name], ours, plain_ones, notes, faults)
    if faults:
        raise SourceError(*dict.fromkeys(faults))
    if "Orders" in filled and (told := _one_for_many(filled["Orders"].columns)):
        last = max(at for at, note in enumerate(notes) if note.table == "Orders")
        notes[last] = notes[last]._replace(left=[*notes[last].left, told])
    unsaid = any(of_money(tables[into]) for _, into, _ in ready)
    currency = "" if unsaid else currency_of([group.whole for group in groups], tables)
    return Filling(filled, notes, currency)


MANY, SHARE, TIMES = 20, 0.1, 3
"""Who has so many orders, such a share of them, and so many times those of the next is told."""


def _one_for_many(columns: Mapping[str, Sequence[Any]]) -> Message | None:
    """What is told of a customer with very many orders, who may stand for all guests."""
    known = Counter(who for who in columns.get("customer", ()) if who is not None)
    (who, most), (_, next_most) = [*known.most_common(2), ("", 0), ("", 0)][:2]
    if most < MANY or most <= SHARE * known.total() or most <= TIMES * next_most:
        return None
    return Message(
        'the customer "{customer}" has {number} orders of {total}: if it stands for many, such as'
        " all who buy at a till or without an account, leave these cells blank, or they are one who"
        " comes back",
        customer=as_text(who),
        number=most,
        total=known.total(),
    )


def read_files_apart(
    requests: Sequence[Request],
    tables: Tables,
    layouts: Sequence[Layout],
    *,
    rates: Rates | None = None,
    report_currency: str = "",
    progress: Progress | None = None,
) -> Filling:
    """The same, in a process of its own with a budget that grows with the files.

    What a hostile file does to its reader then costs one sentence. Raises SourceError.
    """
    size = sum(
        BYTES if request.origin else request.path.stat().st_size
        for request in requests
        if request.origin or is_there(request.path)
    )
    try:
        filling: Filling = call(
            read_files,
            requests,
            tables,
            layouts,
            rates=rates,
            report_currency=report_currency,
            progress=progress,
            budget=limits.reading(size),
        )
    except BudgetError as error:
        files = ", ".join(str(request.path) for request in requests)
        raise SourceError(
            Message("{files} cannot be read: {reason}", files=files, reason=error)
        ) from None
    return filling


def _names_of(request: Request, tables: Tables) -> dict[str, str]:
    """The columns that a file may fill, by their loose names.

    It may fill a table by way of another, whose columns may be named, too.
    """
    into = [request.table] if request.table else list(tables)
    names = [column.name for name in into for column in tables[name]]
    for name, some in conversions.COLUMNS.items():
        if {*conversions.targets(name)} & {*into}:
            names += [column.name for column in some]
    return {plain_tables.loose(name): name for name in names}


BESIDE_OURS = {*plain_tables.NAMED, *BESIDE}
"""Columns that are no table's, but may be named, for what is read with the others."""


def _misnamed(request: Request, tables: Tables, names: Mapping[str, str]) -> Iterator[Message]:
    """The faults of columns that the user names, and that no table here has."""
    options = request.options
    into = [request.table] if request.table else list(tables)
    columns = dict.fromkeys(column.name for name in into for column in tables[name])
    set_to = [(value, name) for name, value in options.set.items()]
    renamed = [(t, n) for t, n in options.renamed.items() if n not in BESIDE_OURS]
    for theirs, name in (*renamed, *set_to):
        if plain_tables.loose(name) not in names:
            yield _no_column(request.path, theirs, name, columns)


def _no_column(path: Path, theirs: str, name: str, columns: Iterable[str]) -> Message:
    return Message(
        '{path} cannot have "{theirs}" for {name}, which is no column here; there are {columns}',
        path=path,
        theirs=theirs,
        name=name,
        columns=", ".join(columns),
    )


def _set_in_vain(readings: Sequence[tuple[Request, Reading]], tables: Tables) -> Iterator[Message]:
    """The faults of values that are set in a table which none of the files is of.

    A file that fills a table by way of another has the columns of that one.
    """
    columns = [
        [column.name for column in conversions.columns_of(reading.match.layout.table, tables)]
        for _, reading in readings
    ]
    taken = {name for names in columns for name in names}
    for (request, _), names in zip(readings, columns, strict=True):
        for name, value in request.options.set.items():
            if name not in taken:
                yield _no_column(request.path, value, name, names)


def _well_named(request: Request, names: Mapping[str, str]) -> Request:
    """A request in which the user names our columns as we do."""
    options = request.options
    renamed = {
        theirs: names.get(plain_tables.loose(name), name)
        for theirs, name in options.renamed.items()
    }
    constants = {names[plain_tables.loose(name)]: value for name, value in options.set.items()}
    return request._replace(options=replace(options, renamed=renamed, set=constants))


def _said_otherwise(
    readings: Sequence[tuple[Request, Reading]], tables: Tables
) -> Iterator[Message]:
    """The faults of files that name another currency than the user does."""
    for request, reading in readings:
        said = request.options.currency
        for code in codes_of(reading, tables) if said else ():
            if code and not may_be_one(code, said):
                yield placed(request.path, Message(OTHER_SIGN, sign=code, currency=said))


def _tell_without_currency(reading: Reading, tables: Tables) -> None:
    """Tell of rows that say no currency among others that do, to which they are added."""
    codes = codes_of(reading, tables)
    if "" not in codes or len(codes) < 2:
        return
    frame = reading.frame
    names = [n for n in of_money(conversions.columns_of(reading.table, tables)) if n in frame]
    rows = frame[(frame["_currency"] == "") & frame[names].notna().any(axis=1)]
    text = "{rows} without a currency, taken to be in that of the others ({worth})"
    worth = money(float(rows[names[0]].sum()))
    reading.left.append(Message(text, rows=Counted(len(rows), "rows"), worth=worth))


def _has_amounts(table: ReadTable, columns: Sequence[Column]) -> bool:
    return any(cell is not None for name in of_money(columns) for cell in table.columns[name])


def _unsaid(table: ReadTable, columns: Sequence[Column]) -> ReadTable:
    """A table that says no currency, with that told beside files that say theirs."""
    if not _has_amounts(table, columns):
        return table
    return table._replace(remarks=[*table.remarks, Message("currency not said")])


# One file


def _read(
    request: Request, tables: Tables, layouts: Sequence[Layout], progress: Progress
) -> tuple[list[Reading], list[tuple[str, ReadTable]]]:
    """What a file gives: readings of what was recognised, or a table with our own headers."""
    path, options = request.path, request.options
    if reader := reader_of(request):
        # How a text is written is said of the files beside it.
        request = request._replace(options=replace(options, header=0, encoding=""))
        opener = Opener(path.name, path, lambda: path.open("rb"), 0, reader)
        one = _unknown(request, opener, tables, progress)
        return ([one], []) if isinstance(one, Reading) else ([], [one])
    if not is_there(path):
        return [], [_plain(request, None, tables, progress)]
    what = kind(path)
    if what == "a folder":
        raise SourceError(Message("{path} is a folder: name the file in it", path=path))
    if what:
        raise SourceError(Message("{path} is {what}, and no file", path=path, what=what))
    readings: list[Reading] = []
    ready: list[tuple[str, ReadTable]] = []
    parts = [(one, said) for one in openers(path) for said in of_sheets(one.name, options)]
    for opener, options in parts:
        matches: list[Match] = []
        if not options.header:
            # What fits the tables wanted is meant, where an export could fill others as well.
            able = [one for one in layouts if _target(one, request.table, tables)]
            matches = matches_of(opener, options, able) or matches_of(
                opener, options, layouts, wanted=False
            )
            if options.renamed:  # who names the columns of a report knows what it is
                matches = [match for match in matches if not match.layout.mark]
        fitting = [
            (match, table)
            for match in matches
            if (table := _target(match.layout, request.table, tables))
        ]
        if matches and not fitting:
            raise SourceError(_foreign(path, matches, request.table, tables))
        if fitting:
            progress(opener.name, 0.0)
            readings += _of_blocks(fitting, tables, options)
            continue
        one = _unknown(request._replace(options=options), opener, tables, progress)
        if isinstance(one, Reading):
            title = one.match.page.title
            if not options.sheet and title.casefold() != one.table.casefold():
                one.left += _other_sheets(opener, title, one.match.row)
            readings.append(one)
        else:
            ready.append(_with_sheets_told(opener, *one))
    return readings, ready


def _with_sheets_told(opener: Opener, name: str, table: ReadTable) -> tuple[str, ReadTable]:
    """A table of which is told what else its workbook has."""
    chosen = next((one for one in table.remarks if _says(one, FIRST_OF_SEVERAL)), None)
    if not isinstance(chosen, Message):
        return name, table
    told = _other_sheets(opener, str(chosen.fields["sheet"]), None)
    return name, table._replace(remarks=[*table.remarks, *told])


def _other_sheets(opener: Opener, title: str, row: int | None) -> Iterator[Message]:
    """Which sheet of several was read, and which others have its columns.

    `row` is that of the header; without it the first that is not blank, and the sheet is told.
    """
    found = list(pages(opener)) if title else []
    if row is not None and len(found) > 1:  # a reader of whole tables has told it
        text = "read from the sheet {sheet}, one of {number}"
        yield Message(text, sheet=title, number=len(found))
    headers = [
        next((n for n, cells in enumerate(page.head) if any(text_of(cells))), 0)
        if row is None
        else row
        for page in found
    ]
    filled = {}
    for page, at in zip(found, headers, strict=True):
        texts = [plain_tables.loose(text) for text in text_of((page.head[at:] or [[]])[0])]
        rows = sum(any(text_of(cells)) for cells in page.head[at + 1 :])
        filled[page.title] = sorted(filter(None, texts)), rows
    texts, _ = filled.get(title, ([], 0))
    same = [name for name, (others, rows) in filled.items() if others == texts and rows]
    if len(same) < 2:
        return
    others = [Message("{sheet} ({rows})", sheet=name, rows=Counted(filled[name][1], "rows"))
              for name in same if name != title]  # fmt: skip
    yield Message(
        "sheets with the same columns are not read: {sheets}; {options} reads all",
        sheets=Names(tuple(others)),
        options=" ".join(f'--sheet "{name}"' for name in same),
    )


def reader_of(request: Request) -> Reader | None:
    """What reads a file, or what is none, whose columns have kinds: each column once."""
    if request.origin:
        return read_once(partial(look_at_database, request.origin))
    is_parquet = request.path.suffix.lower() in (".parquet", ".pq") and is_there(request.path)
    return read_once(look_at_parquet) if is_parquet else None


def is_typed(request: Request) -> bool:
    """Whether the columns of what is to be read have kinds."""
    return reader_of(request) is not None


def matches_of(
    opener: Opener, options: Options, layouts: Sequence[Layout], *, wanted: bool = True
) -> list[Match]:
    """The layouts that a file is in, a match a block.

    Raises SourceError where it is in doubt, of layouts that are wanted.
    """
    try:
        found = recognised(
            list(pages(opener, options.encoding, options.sheet)), layouts, wanted=wanted
        )
    except AmbiguousError as error:
        raise SourceError(
            Message(
                "{path} may be {reason}: say what its columns are, as in --map",
                path=opener.path,
                reason=error.args[0],
            )
        ) from None
    if len({match.page.encoding for match in found}) < 2:
        return found
    sure = sure_encoding(found, likely_encodings(opener.open))
    if found and not sure:
        names = ", ".join(sorted({match.page.encoding for match in found} & set(ENCODINGS)))
        raise SourceError(
            Message(
                "{path} is not in UTF-8, and it is not sure which of {names} it is in:"
                " say it, as in --encoding cp1252",
                path=opener.path,
                names=names,
            )
        )
    return sure


def known_as(path: Path, options: Options, layouts: Sequence[Layout]) -> tuple[list[str], set[str]]:
    """The names of the layouts that a file is in, and the tables that it can fill."""
    with readable(path):
        found = [
            match
            for opener in openers(path)
            for match in (
                matches_of(opener, options, layouts, wanted=False) if not options.header else []
            )
        ]
    tables = {name for match in found for name in conversions.targets(match.layout.table)}
    return [match.layout.name for match in found], tables


def _target(layout: Layout, wanted: str, tables: Tables) -> str:
    """The table that a layout's rows go to; none if there is none."""
    able = [name for name in tables if name in conversions.targets(layout.table)]
    if wanted:
        return wanted if wanted in able else ""
    return layout.table if layout.table in able else (able[0] if able else "")


def _foreign(path: Path, matches: Sequence[Match], wanted: str, tables: Tables) -> Message:
    layout = matches[0].layout
    name, table = layout.name, layout.table
    if layout.mark:  # of which report, and so for which table, nobody knows
        return Message("{path} {fault}", path=path, fault=_refusal(layout))
    return Message(
        "{path} was recognised as {name}, which fills the table {table}, and not {wanted}",
        path=path,
        name=name,
        table=table,
        wanted=wanted or Names(tuple(tables), "or"),
    )


def _refusal(layout: Layout) -> Message:
    text = "was recognised as {name}: {refused}"
    return Message(text, name=layout.name, refused=layout.told(layout.refused))


def _of_blocks(
    fitting: Sequence[tuple[Match, str]], tables: Tables, options: Options
) -> list[Reading]:
    """The first block of each sheet for each table; others would count the same twice."""
    taken: dict[tuple[str, str], Reading] = {}
    for match, table in sorted(fitting, key=lambda pair: pair[0].row):
        key = match.page.title, table
        if key in taken:
            text = "the block from row {row} on is not used, too"
            taken[key].left.append(Message(text, row=match.row + 1))
            continue
        if match.layout.refused:
            reading = Reading(match, table, None, 0)
            reading.faults.append(_refusal(match.layout))
        else:
            columns = conversions.columns_of(match.layout.table, tables)
            reading = shaped(match, match.layout.table, columns, options, into=table)
        taken[key] = reading
    return list(taken.values())


def _unknown(
    request: Request, opener: Opener, tables: Tables, progress: Progress
) -> Reading | tuple[str, ReadTable]:
    """A file that nobody knows; orders whose number stands in several rows are asked about."""
    found = _as_ours(request, opener, tables, progress)
    if (found.table if isinstance(found, Reading) else found[0]) != "Orders":
        return found
    path, options, reader = request.path, request.options, opener.reader
    if isinstance(found, Reading):
        headers = found.match.headers
        if number := plain_tables.order_number(headers, options):
            cells = rows_of(found.match, {number: headers.index(number)}, [], None).cells[number]
            found.faults += filter(None, [plain_tables.repeated_orders(number, cells)])
        return found
    if not (number := plain_tables.order_number(headers_of(path, "Orders", reader), options)):
        return found
    try:
        cells = cells_under(number, path, "Orders", reader)
    except SourceError:
        if not request.origin:
            raise
        return found  # who has no right to that column of a database needs none
    if fault := plain_tables.repeated_orders(number, cells):
        raise SourceError(placed(path, fault))
    return found


def _as_ours(
    request: Request, opener: Opener, tables: Tables, progress: Progress
) -> Reading | tuple[str, ReadTable]:
    """A file that nobody knows: read as a table of ours, strictly, or as the user says."""
    first: SourceError | None = None
    name = request.table
    is_ours = opener.reader or request.path.suffix.lower() in PLAIN
    if request.options.nothing and is_ours and not plain_tables.is_reshaped(opener, tables):
        try:
            name = name or table_of(request, tables, opener.reader)
            ready = _plain(request._replace(table=name), opener.reader, tables, progress)
            _refuse_totals(ready, tables)
            # Amounts may be in another currency in the files beside it.
            says = any(_says(told, SIGN_LEFT_OUT, IN_CURRENCY) for told in ready[1].remarks)
            scaled = any(map(scale_in, request.options.renamed))
            if not (says or scaled or _has_nameless(ready[1], tables[ready[0]])):
                return ready
        except SourceError as error:
            if opener.reader and not isinstance(error, MisfitError):
                raise  # a database would take as long to fail once more
            first = error
    try:
        match, table, lacking = plain_tables.match_of(
            opener, tables, request.table, request.options, _block(request, name, tables)
        )
    except SourceError as error:
        if first is not None and not isinstance(error, NoHeaderError | ReshapedError):
            raise first from None
        raise
    if lacking and first is not None and len(match.places) < 2:
        raise first from None
    try:
        reading = shaped(match, table, tables[table], request.options)
        reading.faults = [*lacking, *reading.faults]
        if not opener.reader:  # which tells it itself
            reading.left += unused(reading.match.headers, reading.match.places)
    except ModuleNotFoundError:  # a browser may be without pandas; what was read strictly is told
        if first is None:
            raise
        raise first from None
    return reading


def _block(request: Request, name: str, tables: Tables) -> Block | None:
    """What a workbook has under the name of a table, unless the user names its sheets.

    Where no table is named, it is what it has under the name of one alone.
    """
    is_book = request.path.suffix.lower() in (".xlsx", ".xlsm")
    if not is_book or request.options.sheet:
        return None
    found = [block_named(request.path, one) for one in ([name] if name else tables)]
    blocks = [block for block in found if block]
    return blocks[0] if len(blocks) == 1 else None


def _refuse_totals(ready: tuple[str, ReadTable], tables: Tables) -> None:
    """Raises SourceError where a name of a table is a total of others."""
    name, table = ready
    measured = [one.name for one in tables[name] if one.unit not in NOT_MEASURED]
    cells = table.columns
    if faults := [*total_among(cells, measured), *sums_above(cells, measured)]:
        raise SourceError(*faults)


def _says(told: object, *texts: str) -> bool:
    """Whether a sentence, or one within it, is one of these."""
    if isinstance(told, Names):
        return any(_says(one, *texts) for one in told.names)
    if not isinstance(told, Message):
        return False
    return told.template in texts or any(_says(one, *texts) for one in told.fields.values())


def _has_nameless(table: ReadTable, columns: Sequence[Column]) -> bool:
    """Whether a row without a day has no name, or one that a total may have."""
    days = [table.columns[column.name] for column in columns if column.unit is DATE]
    rows = [row for row in range(table.rows) if days and all(some[row] is None for some in days)]
    keys = [table.columns[column.name] for column in columns if column.unit is KEY]
    return any(
        may_be_total(names[row]) or (names is keys[0] and names[row] is None)
        for names in keys
        for row in rows
    )


def _plain(
    request: Request, reader: Reader | None, tables: Tables, progress: Progress
) -> tuple[str, ReadTable]:
    """A file with our own headers."""
    name = request.table or table_of(request, tables, reader)
    return name, read_table(
        request.path,
        tables[name],
        renamed=_renamed(request, tables[name]),
        table=name,
        progress=lambda done: progress(request.path.name, done),
        reader=reader,
    )


def table_of(request: Request, tables: Tables, reader: Reader | None) -> str:
    """The table that a file with our own headers fits best. Raises SourceError for two."""
    if len(tables) == 1:
        return next(iter(tables))
    fits: dict[str, plain_tables.HeaderFit] = {}
    for name, columns in tables.items():
        headers = headers_of(request.path, name, reader)
        places, _ = places_of(columns, _renamed(request, columns), headers)
        lacking = any(column.required and column.name not in places for column in columns)
        fits[name] = plain_tables.fit_of(columns, headers, places, whole=not lacking)
    return plain_tables.likeliest(request.path, fits)


def _renamed(request: Request, columns: Sequence[Column]) -> dict[str, str]:
    """What the file calls these columns; where no table was named, of these alone."""
    ours = {column.name for column in columns}
    return {
        theirs: one
        for theirs, one in request.options.renamed.items()
        if request.table or one in ours
    }


# Several files


def _joined(
    readings: Sequence[tuple[Request, Reading]],
) -> tuple[list[tuple[Request, Reading]], list[Message]]:
    """Files that add to another, joined to it by their ids."""
    sides = [(request, r) for request, r in readings if "to" in r.match.layout.join]
    mains = [(request, r) for request, r in readings if "to" not in r.match.layout.join]
    faults = []
    for request, side in sides:
        to, by = side.match.layout.join["to"], side.match.layout.join["by"]
        fits = [main for _, main in mains if main.match.layout.name == to]
        if not fits:
            faults.append(
                Message(
                    "{path} was recognised as {name}, which only adds to {to}: name that file, too",
                    path=request.path,
                    name=side.match.layout.name,
                    to=to,
                )
            )
        for main in fits:
            if by not in main.frame:
                faults.append(
                    Message(
                        "{path} cannot be joined, for the other has no {by}",
                        path=request.path,
                        by=by,
                    )
                )
                continue
            added = [n for n in side.frame.columns if not n.startswith("_") and n != by]
            frame = side.frame[[by, *added]].drop_duplicates()
            if frame[by].duplicated().any():
                twice = frame[by][frame[by].duplicated()].iloc[0]
                faults.append(
                    Message(
                        "{path} has {twice} twice, with other values",
                        path=request.path,
                        twice=twice,
                    )
                )
                continue
            main.frame = main.frame.drop(columns=[n for n in added if n in main.frame]).merge(
                frame, on=by, how="left", validate="many_to_one"
            )
            name = request.path.name
            main.left += [Message("{file}: {remark}", file=name, remark=text) for text in side.left]
    for request, main in mains:
        there = {side.match.layout.name for _, side in sides}
        needed = [name for name in main.match.layout.join.get("needs", "").split("; ") if name]
        if missing := [name for name in needed if name not in there]:
            faults.append(
                Message(
                    "{path} needs {missing} beside it: name that, too",
                    path=request.path,
                    missing=Names(tuple(missing)),
                )
            )
    return mains, faults


def _appended(
    name: str,
    columns: Sequence[Column],
    groups: Sequence[Group],
    ready: Sequence[tuple[Request, ReadTable]],
    notes: list[Note],
    faults: list[Message],
) -> ReadTable:
    """The rows of several files as one table."""
    parts: list[Part] = []
    for group in groups:
        frame = group.whole.frame
        cells = filled_columns(frame, columns)
        parts.append((group.requests[0].path, cells, len(frame), group.whole, None))
    for request, whole_table in ready:
        if name == "Leads":
            whole_table = _with_opportunities(whole_table)
        parts.append((request.path, whole_table.columns, whole_table.rows, None, whole_table))
    faults += of_two_kinds(name, parts)
    faults += left_out_elsewhere(name, parts)
    if len(parts) == 1:
        kept, again = parts[0][1], [set[int]()]
    else:
        kept, again = rows_of_all(name, [column.name for column in columns], parts, faults)
    numbered = with_numbers(kept, parts, again) if name == "Orders" and not faults else {}
    ours: list[Note] = []
    twice = [[*told_again(part[1], some, columns)] for part, some in zip(parts, again, strict=True)]
    for (path, cells, _, reading, _), more in zip(parts, twice, strict=True):
        more += in_other_years(name, path, cells, columns, faults)
        if not (reading and reading.match.layout.file):
            more += told_nameless(cells, columns)
            more += plain_tables.same_amounts(cells) if name == "Orders" else ()
    for place, (group, doubled) in enumerate(zip(groups, again, strict=False)):
        more = [*numbered.get(len(ours), ()), *twice[place]]
        for request, one in zip(group.requests, group.readings, strict=True):
            ours.append(_note(request, name, len(one.frame), len(doubled), one, None, more))
    for (request, _), part, doubled, same in zip(
        ready, parts[len(groups) :], again[len(groups) :], twice[len(groups) :], strict=False
    ):
        more = [*numbered.get(len(ours), ()), *same]
        ours.append(_note(request, name, part[2], len(doubled), None, part[4], more))
    notes += ours
    remarks = [remark for note in ours for remark in (*note.taken, *note.left)]
    if name == "Leads":
        faults += _in_the_future(kept, parts[0][0])
    height = len(next(iter(kept.values()), []))
    if height > MOST_ROWS:
        faults.append(Message("{path} {fault}", path=parts[0][0], fault=TOO_MANY))
    if not height and not faults:
        text, told = "{path} has no rows that count: {remarks}", Names(tuple(remarks), "; ")
        fault = Message(text, path=parts[0][0], remarks=told)
        if wait := next((one.waiting for group in groups for one in group.readings), ""):
            text = '{fault}. If those count, as of customers who pay later, say --where "{wait}"'
            fault = Message(text, fault=fault, wait=wait)
        faults.append(fault)
    return ReadTable(kept, height, remarks)


def _in_the_future(cells: Mapping[str, list[Any]], path: Path) -> list[Message]:
    """Deals that were won or lost in the future: the day is one that is expected."""
    today = date.today()
    faults = []
    for name in ("won_date", "lost_date"):
        late = [n for n, day in enumerate(cells[name]) if isinstance(day, date) and day > today]
        if late:
            lead = as_text(cells["lead_id"][late[0]])
            faults.append(
                Message(
                    "{path}: lead {lead} has the {name} {day}, which is in the future"
                    " ({leads}): leave it blank until the deal is closed",
                    path=path,
                    lead=lead,
                    name=name,
                    day=cells[name][late[0]],
                    leads=Counted(len(late), "leads"),
                )
            )
    return faults


def _with_opportunities(table: ReadTable) -> ReadTable:
    """A list of deals that knows no stages: a deal is an opportunity from its creation."""
    columns = table.columns
    stages = ("mql_date", "sql_date", "sqo_date")
    ends = ("won_date", "lost_date")
    if any(cell is not None for name in stages for cell in columns[name]) or not any(
        cell is not None for name in ends for cell in columns[name]
    ):
        return table
    return ReadTable(
        {**columns, "sqo_date": list(columns["created"])},
        table.rows,
        [*table.remarks, conversions.DEALS_ARE_OPPORTUNITIES],
    )


# Telling


def _note(
    request: Request,
    name: str,
    height: int,
    again: int,
    reading: Reading | None,
    table: ReadTable | None,
    more: Sequence[Message] = (),
) -> Note:
    left = [*more]
    rows = max(height - again, 0)
    note = Note(str(request.path), name, rows, key=request.key)
    if reading is None:
        return note._replace(left=(*(table.remarks if table else ()), *left))
    match = reading.match
    unseen = hidden(match.page.hidden, match.row + 2, match.page.head[match.row + 1 :])
    return note._replace(
        taken=taken_for(reading),
        used=used_rows(reading, rows),
        left=(*unseen, *reading.left, *left),
    )


def taken_for(reading: Reading) -> tuple[str, ...]:
    """What a file was taken for, its period and its currency."""
    layout, header = reading.match.layout, reading.match.header
    name = layout.name + (f" ({header.language})" if header.language else "")
    if header.language == "" and layout.file == "":
        name = Message("the table {table}", table=layout.table)
    codes = sorted({code for code in reading.frame["_currency"] if code})
    currency = " + ".join(codes) if codes else Message("currency not said")
    if currency == OWN:  # frames keep its text alone
        currency = OWN
    parts = [name, _period(reading), currency]
    if reading.match.page.encoding in ENCODINGS:
        parts.append(Message("read as {encoding}", encoding=reading.match.page.encoding))
    return tuple(filter(None, parts))


def _period(reading: Reading) -> str:
    period = period_of(reading.match)
    own = {*DAYS_FROM} & reading.match.places.keys()
    if period and not own:
        return Message("{start} to {end}", start=period[0], end=period[1])
    for name in ("date", "created", "month", "week"):
        if name in reading.frame:
            days = [day for day in reading.frame[name] if isinstance(day, date)]
            if days:
                return Message("{start} to {end}", start=min(days), end=max(days))
    return Message("{start} to {end}", start=period[0], end=period[1]) if period else ""


def used_rows(reading: Reading, rows: int) -> str:
    """How many rows of the file made how many of the table."""
    if reading.lines == rows:
        return Message("{rows} used", rows=Counted(rows, "rows"))
    lines = Counted(reading.lines, "rows")
    return Message("{rows} read, {number} of the table", rows=lines, number=rows)


__all__ = ["Filling", "Request", "matches_of", "read_files", "taken_for"]
