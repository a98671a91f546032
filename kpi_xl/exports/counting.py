"""Orders that are more than a sheet holds: counted where they are, and a sample of them read.

Parquet files are counted by DuckDB, a table of a database there. Both have kinds of columns, so
that nothing of them has to be guessed at; of other files the rows are read, or refused.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from functools import reduce
from pathlib import Path
from typing import Any

import narwhals as nw

from kpi_xl import backends
from kpi_xl.bounded import BudgetError, call
from kpi_xl.cells import Cell
from kpi_xl.errors import KpiError, WrongInput
from kpi_xl.exports.filling import Request, Tables, is_typed, reader_of, table_of
from kpi_xl.exports.options import Note, Options
from kpi_xl.exports.several import whole_of
from kpi_xl.frame_counts import Asked, RetentionCounts, retention_counts
from kpi_xl.frame_rows import amount_known
from kpi_xl.locales import Counted, Message
from kpi_xl.locales.currencies import currency_named
from kpi_xl.ooxml import limits
from kpi_xl.schema import Column
from kpi_xl.sources import MOST_ROWS, SourceError, currencies, places_of
from kpi_xl.sources.currencies import IN_CURRENCY, MIXED, UNCLEAR
from kpi_xl.sources.databases import BYTES, opened, with_text_keys
from kpi_xl.sources.parquet import pattern_of
from kpi_xl.sources.records import Wrong
from kpi_xl.sources.values import NO_DAY, NO_DAY_SAID, as_text, typed

MEMORY = "2500MB"  # of DuckDB, beyond which it goes on in files
SAMPLED = 500  # first rows, whose customers the sample has, with all of their orders
MOST_SAMPLED = 50_000  # rows
MOST_CODES = 1000  # of currencies
FEW = 5  # first rows, where there are customers with very many orders


@dataclass(frozen=True)
class CountedOrders:
    """Orders that were counted: how many, what of, the sample, and the same counts of the sample.

    `blank` rows have no amount. `sample` has the columns of the table Orders. `currency` is that
    of all amounts, "" where no column says it.
    """

    rows: int
    blank: int
    orders: float
    counts: RetentionCounts
    sample: dict[str, list[Cell]]
    of_sample: RetentionCounts
    currency: str = ""


def is_of(table: str, request: Request, tables: Tables) -> bool:
    """Whether columns that have kinds are to go into a table."""
    if not is_typed(request) or (request.table and request.table != table):
        return False
    return bool(request.table) or table_of(request, tables, reader_of(request)) == table


def counted_apart(
    requests: Sequence[Request], columns: Sequence[Column], forecast: Asked
) -> CountedOrders | None:
    """The orders of some files or a table, counted; None where a sheet holds their rows.

    `forecast` is what the models of purchases are asked. In a process of its own. Raises
    SourceError.
    """
    if not requests or not all(map(is_typed, requests)):
        return None
    size = sum(BYTES if one.origin else one.path.stat().st_size for one in requests)
    try:
        found: CountedOrders | None = call(
            counted,
            requests,
            columns,
            forecast,
            MOST_ROWS,
            budget=limits.reading(max(size, 8 * BYTES)),
        )
    except BudgetError as error:
        raise SourceError(_not_counted(str(requests[0].path), error)) from None
    return found


def counted(
    requests: Sequence[Request], columns: Sequence[Column], forecast: Asked, most: int
) -> CountedOrders | None:
    """The same, here."""
    name = str(requests[0].path)
    if len(requests) > 1 and any(request.origin for request in requests):
        if sum(_height(request) for request in requests) <= most:
            return None
        raise SourceError(
            Message(
                "{table} and the others have more rows than a sheet holds, and are counted as one"
                " table alone: make a view of them",
                table=name,
            )
        )
    requests = list({request.path: request for request in requests}.values())
    with _frame(requests) as (frame, rows):
        if rows <= most:
            return None
        if any(request.options != Options(renamed=request.options.renamed) for request in requests):
            raise SourceError(
                Message(
                    "{table} has {rows}, which are counted where they are, and then only --map is"
                    " heard: make a view, or a file, of the rows that count",
                    table=name,
                    rows=Counted(rows, "rows"),
                )
            )
        headers = list(nw.from_native(frame).collect_schema())
        renamed = requests[0].options.renamed
        ours = {theirs: one for theirs, one in renamed.items() if one != "currency"}
        places, lacking = places_of(columns, ours, headers)
        if lacking:
            raise SourceError(
                *(Message("{path} {fault}", path=name, fault=fault) for fault in lacking)
            )
        names = {ours: headers[place] for ours, place in places.items()}
        bought = names["customer"], names["date"], names["amount"]
        coded = currencies.watched(headers, places).values()
        needed = dict.fromkeys([*names.values(), *(headers[place] for place in coded)])
        del needed[names["amount"]]
        frame = backends.as_written(frame, names["amount"], list(needed))
        headers = list(nw.from_native(frame).collect_schema())
        try:
            _refuse_no_days(frame, names["date"])
            counts = retention_counts(frame, *bought, forecast=forecast)
            _refuse_shared(requests, list(names.values()))
            currency = _currency(frame, headers, names, renamed, name)
            sample = _sample(frame, names)
            of_sample = retention_counts(sample.to_native(), *bought, forecast=forecast)
            cells = _cells(sample, names, columns)
            orders = _orders(frame, names)
            known = backends.lazy(frame, (), [names["amount"]])
            schema, has_nan = known.collect_schema(), backends.has_nan(known)
            amount = amount_known(schema, names["amount"], has_nan=has_nan)
            ((paid,),) = backends.fetched(known.select(amount.count()))
        except KpiError as error:
            raise SourceError(
                Message("{file}: {remark}", file=name, remark=error.sentence)
            ) from None
    return CountedOrders(rows, rows - paid, orders, counts, cells, of_sample, currency)


def _not_counted(name: str, reason: object) -> Message:
    return Message("{table} cannot be counted: {reason}", table=name, reason=str(reason))


def _height(request: Request) -> int:
    with _frame([request]) as (_, rows):
        return rows


def note_of(found: CountedOrders, place: str) -> Note:
    """What is told of orders that were counted at a place."""
    left = [Message("counted where they are: the table has a sample, and is not loaded anew")]
    if found.currency:
        left.append(Message(IN_CURRENCY, currency=found.currency))
    if found.blank:
        text = "{rows} without an amount, which count as 0"
        left.append(Message(text, rows=Counted(found.blank, "rows")))
    return Note(place, "Orders", found.rows, left=left)


@contextmanager
def _frame(requests: Sequence[Request]) -> Iterator[tuple[Any, int]]:
    """The rows where they are, and how many they are."""
    with ExitStack() as stack:
        if origin := requests[0].origin:
            table = stack.enter_context(opened(origin))
            backend = table.get_backend()
            ((rows,),) = backend.raw_sql(backend.compile(table.count().as_table())).fetchall()
            yield with_text_keys(table), rows
            return
        database = stack.enter_context(_engine(str(requests[0].path)))
        names = [pattern_of(request.path) for request in requests]
        files = database.read_parquet(names, hive_partitioning=True)
        yield files, len(files)


@contextmanager
def _engine(name: str) -> Iterator[Any]:
    """A session of DuckDB, whose errors are sentences on the file of that name."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        # It would fetch what a file needs beyond its own means from the web.
        database = duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False,
                    "memory_limit": MEMORY, "temp_directory": folder,
                    "preserve_insertion_order": False}
        )  # fmt: skip
        try:
            with database:
                yield database
        except duckdb.Error as error:
            reason = str(error).partition("\n")[0]
            raise SourceError(_not_counted(name, reason)) from None


def _refuse_shared(requests: Sequence[Request], names: Sequence[str]) -> None:
    """Refuse files that are no parts of one table, and have rows in common."""
    tables: dict[Path, list[str]] = {}
    for request in requests:
        parts = tables.setdefault(whole_of(request.path) or request.path, [])
        parts.append(pattern_of(request.path))
    if len(tables) < 2:
        return
    columns = ", ".join('"{}"'.format(name.replace('"', '""')) for name in names)
    with _engine(str(requests[0].path)) as database:
        first, *others = (
            database.read_parquet(files, hive_partitioning=True).project(columns).distinct()
            for files in tables.values()
        )
        rows = reduce(lambda one, other: one.union(other), others, first)
        ((shared,),) = (
            rows.aggregate(f"{columns}, count(*) AS times")
            .filter("times > 1")
            .aggregate("count(*)")
            .fetchall()
        )
    if shared:
        text = (
            "{file} and the others have {rows} in common, which would count twice: leave out one of"
            " the files, or make one of them"
        )
        raise SourceError(Message(text, file=requests[0].path, rows=Counted(shared, "rows")))


def _refuse_no_days(frame: Any, name: str) -> None:
    """Refuse days that stand for none: there would be months from now to then."""
    days = backends.lazy(frame, [name])
    kind = days.collect_schema()[name]
    if kind not in (nw.Date, nw.Datetime):
        return  # which is refused for that
    last = backends.LAST if kind == nw.Datetime else backends.LAST.date()
    first = datetime.combine(NO_DAY, time.min) if kind == nw.Datetime else NO_DAY
    late = days.filter(
        nw.col(name) >= nw.lit(first), nw.col(name) <= nw.lit(last)
    )  # beyond is infinity
    ((number,),) = backends.fetched(late.select(nw.len().alias("rows")))
    if number:
        sentence = Message(NO_DAY_SAID, text=str(NO_DAY.year))
        raise WrongInput("{name}: {sentence}", name=name, sentence=sentence)


def _currency(
    frame: Any, headers: Sequence[str], names: Mapping[str, str], renamed: Mapping[str, str],
    file: str,
) -> str:  # fmt: skip
    """The currency of the amounts, "" where no column says it. Raises SourceError for several."""
    amount = names["amount"]
    places = {ours: headers.index(theirs) for ours, theirs in names.items()}
    said = [theirs for theirs, ours in renamed.items() if ours == "currency"]
    if (own := currencies.in_header(amount)) and not said:
        return own
    known: dict[str, dict[str, float]] = {}
    for place in currencies.watched(headers, places).values():
        name = headers[place]
        rows = backends.lazy(frame, (), [name, amount])
        if rows.collect_schema()[name] not in (nw.String, nw.Enum, nw.Categorical):
            continue  # of rates, say
        paid = nw.col(amount).cast(nw.Float64)
        sums = rows.filter(paid != 0).group_by(name).agg(paid.sum().alias("sum"))
        found = sorted(backends.fetched(sums.select(name, "sum").head(MOST_CODES)), key=repr)
        codes = [currency_named(as_text(code or "")) for code, _ in found]
        if currencies.says_currencies(name, codes):
            by_code: dict[str, float] = {}
            for code, (_, worth) in zip(codes, found, strict=True):
                by_code[code] = by_code.get(code, 0.0) + worth
            known[name] = currencies.with_nameless(by_code)
    if not known:
        return ""
    header, *others = [one for one in said if one in known] or currencies.nearest(known, amount)
    if other := next((one for one in others if known[one].keys() != known[header].keys()), ""):
        unclear = {"column": amount, "header": header, "other": other}
        fault = Message(UNCLEAR, **unclear)
        raise SourceError(Message("{path} {fault}", path=file, fault=fault))
    if len(known[header]) > 1:
        what = currencies.different(header, {"amount": known[header]})
        fault = Message(MIXED, what=what)
        raise SourceError(Message("{path} {fault}", path=file, fault=fault))
    return next(iter(known[header]), "")


def _orders(frame: Any, names: Mapping[str, str]) -> float:
    """How many orders there are, without returns: each number once, or rows without numbers."""
    wanted = [names[one] for one in ("order", "amount") if one in names]
    lines = backends.lazy(frame, (), wanted)
    amount = nw.col(names["amount"])
    bought = lines.filter(~(amount < 0) | amount.is_null())
    ((count,),) = backends.fetched(bought.select(nw.len().alias("rows")))
    if "order" not in names:
        return float(count)
    number = nw.col(names["order"])
    ((known,),) = backends.fetched(bought.select(number.count().alias("known")))
    if known == 0:
        return float(count)
    if known < count:
        raise WrongInput(
            "{column} is null in {number} rows: give the number of the order to every row,"
            " or to none",
            column=names["order"],
            number=count - known,
        )
    apart = bought.group_by(names["order"]).agg(nw.len().alias("rows"))
    ((distinct,),) = backends.fetched(apart.select(nw.len().alias("orders")))
    return float(distinct)


def _sample(frame: Any, names: Mapping[str, str]) -> nw.LazyFrame[Any]:
    """All orders of some customers."""
    rows = backends.lazy(frame, [names["date"]], names.values()).select(*names.values())
    if rows.collect_schema()[names["amount"]] == nw.Decimal:  # which has no NaN but PostgreSQL's
        rows = rows.with_columns(nw.col(names["amount"]).cast(nw.Float64))
    key = names["customer"]
    for few in (SAMPLED, FEW):
        of = rows.head(few).select(key).unique()
        chosen = [row[0] for row in backends.fetched(of)]
        sample = rows.filter(nw.col(key).is_in(chosen))
        ((height,),) = backends.fetched(sample.select(nw.len().alias("height")))
        if height <= MOST_SAMPLED:
            break
    else:
        raise WrongInput(
            "{key}: {rows} are of {customers}: look for what stands for many of them",
            key=key,
            rows=Counted(height, "rows"),
            customers=Counted(len(chosen), "customers"),
        )
    return sample


def _cells(
    sample: nw.LazyFrame[Any], names: Mapping[str, str], columns: Sequence[Column]
) -> dict[str, list[Cell]]:
    """The sample as cells of the table Orders."""
    order = list(names)
    rows = sorted(backends.fetched(sample.select(*names.values())), key=repr)
    read = {}
    for ours, cells in zip(order, zip(*rows, strict=True), strict=True):
        try:
            read[ours] = typed(list(cells), next(c.unit for c in columns if c.name == ours))[0]
        except Wrong as error:
            raise WrongInput(
                "{name}: {sentence}", name=names[ours], sentence=error.args[0]
            ) from None
    blank: list[Cell] = [None] * len(rows)
    return {column.name: read.get(column.name, blank) for column in columns}
