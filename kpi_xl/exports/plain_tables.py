"""Files that nobody knows, as tables of ours: with our headers, or with those that the user names.

Nothing is guessed at: the header is the first row that is not blank, or the one that was said.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from kpi_xl.exports import cells as written
from kpi_xl.exports.layouts import Header, Layout, Named, plain
from kpi_xl.exports.options import Options, money
from kpi_xl.exports.pages import ENCODINGS, Opener, SourcePage, pages, text_of
from kpi_xl.exports.recognition import FORTY, Match, lacking
from kpi_xl.exports.rows import Rows, rows_of, signs_shown
from kpi_xl.locales import Counted, Message, Names
from kpi_xl.locales.currencies import closer, currency_named, may_be_one
from kpi_xl.ooxml.addresses import Area
from kpi_xl.schema import Column
from kpi_xl.sources import SourceError
from kpi_xl.sources.currencies import MIXED, each_is, says_currencies, watched
from kpi_xl.sources.delimited import likely_encodings
from kpi_xl.sources.grain import PERIOD, longer_than_days
from kpi_xl.sources.records import Found, Places, hidden, spare
from kpi_xl.sources.terms import ORDER_NUMBER, likely
from kpi_xl.sources.values import as_text
from kpi_xl.sources.workbooks import Block
from kpi_xl.units import DATE

METRIC = {"metric", "kpi", "measure", "name"}
VALUE = {"value", "amount", "number"}
PERIODS = {
    "month": ("month", "yearmonth", "date", "day", "week", "period"),
    "week": ("week", "date"),
    "date": ("day",),
}
"""What the column of a period may be called beside its own name."""

NAMED = ("currency", *dict.fromkeys(name for names in PERIODS.values() for name in names))
"""What the user may call a column that is no table's, but is read with it."""


class NoHeaderError(SourceError):
    """A file whose first row is no header, where a later one seems to be."""


class ReshapedError(SourceError):
    """A file of measures below each other, or of months side by side, that does not add up."""


class HeaderFit(NamedTuple):
    """The headers of a file that are columns of a table, and whether it has all it must have.

    `known` is how many of its columns the file likely has; and, if any, how many it lacks, below 0.
    """

    headers: Set[str]
    whole: bool
    known: tuple[int, int]


def fit_of(
    columns: Sequence[Column], headers: Sequence[str], places: Places, *, whole: bool
) -> HeaderFit:
    """How a header fits a table, of whose columns some have been found."""
    others = [column for column in columns if column.name not in places]
    meant = likely(others, spare(headers, places))
    lacking = sum(column.required and column.name not in meant for column in others)
    known = len(columns) - len(others) + len(meant)
    found = {headers[place] for place in places.values()}
    return HeaderFit(found, whole, (known, -lacking if known else 0))


def likeliest(path: Path, fits: Mapping[str, HeaderFit]) -> str:
    """The table that a file is of: the one that takes all headers which any other would take.

    Raises SourceError where there is none, or more than one.
    """
    sure = [
        name
        for name, fit in fits.items()
        if all(fit.headers >= other.headers for other in fits.values())
    ]
    whole = [name for name, fit in fits.items() if fit.whole]
    names = [name for name in sure if name in whole]
    if not names and whole:  # of one it has all that it must have, of another it has more
        names = list(dict.fromkeys([*whole, *(sure or [_nearest(fits)])]))
    if len(names) > 1:
        raise SourceError(
            Message(
                "{path} may be the table {names}, and nothing says which: say it, as in"
                " --table {first}=FILE",
                path=path,
                names=Names(tuple(names), "or"),
                first=names[0],
            )
        )
    if sure and any(fit.headers for fit in fits.values()):
        return (names or sure)[0]
    return names[0] if names else _nearest(fits)


def _nearest(fits: Mapping[str, HeaderFit]) -> str:
    return max(fits, key=lambda name: (len(fits[name].headers), *fits[name].known))


def loose(name: str) -> str:
    """A column's name without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def match_of(
    opener: Opener,
    tables: Mapping[str, Sequence[Column]],
    wanted: str,
    options: Options,
    block: Block | None = None,
) -> tuple[Match, str, list[Message]]:
    """The page, the header and the table that a file has, and what columns it lacks.

    `block` is what a workbook has under the table's name. Raises SourceError.
    """
    found = _pages(opener, options)
    if block:
        found = [_within(page, block.area) for page in found if page.title == block.sheet] or found
    if not found:
        raise SourceError(
            Message(
                "{path} is empty, or no text and no workbook that can be read", path=opener.path
            )
        )
    best: tuple[SourcePage, int, list[str], dict[str, HeaderFit]] | None = None
    for page in found:
        row = _header_row(page, options)
        if row is None:
            continue
        texts = text_of(page.head[row])
        fits = {}
        for name in _able(texts, [wanted] if wanted else list(tables), tables):
            places = _places(texts, tables[name], options)
            lacking = _missing(places, texts, tables[name], options)
            fits[name] = fit_of(tables[name], texts, places, whole=not lacking)
        if best is None or _most(fits) > _most(best[3]):
            best = page, row, texts, fits
    if best is None and options.header:
        raise SourceError(
            Message(
                "{path} has no row {header} among its first: say in which row the names of its"
                " columns stand, as in --header 1",
                path=opener.path,
                header=options.header,
            )
        )
    if best is None:
        raise SourceError(
            Message("{path} is empty: a row of column names is needed", path=opener.path)
        )
    page, row, texts, fits = best
    name = likeliest(opener.path, fits)
    places = _places(texts, tables[name], options)
    header = Header("", {n: Named((plain(texts[p]),)) for n, p in places.items()}, ())
    layout = Layout(Message("the table {table}", table=name), "", name, (header,))
    match = Match(page, layout, header, row, texts, places, _doubled(texts, places))
    match = _reshaped(match, tables[name], name, options)
    missing = _missing(match.places, match.headers, tables[name], options)
    if not missing:
        return match, name, []
    by_month = any("month" in {column.name for column in columns} for columns in tables.values())
    if by_month and (unsure := _unsure_month(texts)):
        text = '{path}: the header "{text}" {why}'
        raise ReshapedError(Message(text, path=opener.path, text=unsure[0], why=unsure[1]))
    title = _title(opener, match, tables[name], options)
    if title:
        raise NoHeaderError(title)
    if not match.places and _is_data(texts):
        text = (
            '{path}: row {row}, "{text}", seems to be data and no header: put a row of the names of'
            " its columns above it"
        )
        shown = ", ".join(texts)[:60]
        raise NoHeaderError(Message(text, path=opener.path, row=row + 1, text=shown))
    return match, name, [*_lacking(match, missing, tables[name])]


def _within(page: SourcePage, area: Area | None) -> SourcePage:
    """A page of a workbook with the cells of an area alone."""
    if area is None:
        return page
    rows: list[list[Any]] = [
        [*[""] * (area.left - 1), *row[area.left - 1 : area.right]]
        if area.top <= number <= area.bottom
        else []
        for number, row in enumerate(page.head[: area.bottom], start=1)
    ]
    return page._replace(head=rows, rows=lambda: iter([rows]))


def _is_data(texts: Sequence[str]) -> bool:
    """Whether a row has a day and a number, as none of headers has."""
    return any(map(written.is_day, texts)) and any(
        written.amount_of(text) and not written.is_day(text) for text in texts
    )


def _most(fits: Mapping[str, HeaderFit]) -> int:
    return max(len(fit.headers) for fit in fits.values())


def _able(
    texts: Sequence[str], names: Sequence[str], tables: Mapping[str, Sequence[Column]]
) -> Sequence[str]:
    """The tables that a header may be of: one a column a month is of a table of months."""
    if len(_months(texts)) < 2:
        return names
    able = [name for name in names if "month" in {column.name for column in tables[name]}]
    return able or names


def is_reshaped(opener: Opener, tables: Mapping[str, Sequence[Column]]) -> bool:
    """Whether a file has its months side by side, or its measures one below the other."""
    if not any("month" in {column.name for column in columns} for columns in tables.values()):
        return False
    for page in pages(opener):
        texts = next((text_of(row) for row in page.head if any(text_of(row))), [])
        names = {loose(text) for text in texts if text}
        if len(_months(texts)) > 1:
            return True
        if names & METRIC and names & VALUE and len(names) == 3:
            return True
    return False


def _pages(opener: Opener, options: Options) -> list[SourcePage]:
    found = list(pages(opener, options.encoding, options.sheet))
    if len({page.encoding for page in found} & set(ENCODINGS)) > 1:
        likely = likely_encodings(opener.open)
        if len(likely) != 1:
            names = " or ".join(likely) or "UTF-8 or an encoding known here"
            raise SourceError(
                Message(
                    '{path} is not in UTF-8, and not surely in {names}: save it as "CSV'
                    ' UTF-8", or say what it is, as in --encoding cp1252',
                    path=opener.path,
                    names=names,
                )
            )
        found = [page for page in found if page.encoding == likely[0]]
    widths = [max(map(len, page.head), default=0) for page in found]
    widest = max(widths, default=0)
    if all(not page.title for page in found):
        return [page for page, width in zip(found, widths, strict=True) if width == widest]
    return found


def _header_row(page: SourcePage, options: Options) -> int | None:
    if options.header:
        return options.header - 1 if options.header <= len(page.head) else None
    return next((n for n, row in enumerate(page.head) if any(text_of(row))), None)


def _places(texts: Sequence[str], columns: Sequence[Column], options: Options) -> dict[str, int]:
    """Where our columns are, and the user's."""
    there: dict[str, int] = {}
    for place, text in enumerate(texts):
        there.setdefault(loose(text), place)
    places = {}
    ours = {loose(ours): loose(theirs) for theirs, ours in options.renamed.items()}
    taken = set(ours.values())
    for column in columns:
        key = loose(column.name)
        theirs = ours.get(key, key)
        if theirs in there and (key in ours or theirs not in taken):
            places[column.name] = there[theirs]
        elif column.unit is DATE and column.name in PERIODS:
            for other in PERIODS[column.name]:
                if other in there and other not in taken:
                    name = {"yearmonth": "month", "day": "date", "period": "month"}.get(
                        other, other
                    )
                    places[name] = there[other]
                    break
    return {**places, **watched(texts, places)}


def _doubled(texts: Sequence[str], places: Mapping[str, int]) -> tuple[str, ...]:
    """Our columns that more than one of the file's may be."""
    known = [loose(text) for text in texts]
    return tuple(name for name, place in places.items() if known.count(known[place]) > 1)


def _missing(
    places: Mapping[str, int], headers: Sequence[str], columns: Sequence[Column], options: Options
) -> list[str]:
    """The columns that the file lacks; one that may be blank is, if no other could be it."""
    used = set(places.values())
    spare = [text for place, text in enumerate(headers) if text and place not in used]
    missing = []
    for column in columns:
        name = column.name
        have = name in places or name in options.set
        if name in PERIODS and any(n in places for n in ("date", "week", "month")):
            have = True
        if not have and (column.filled or (column.required and spare)):
            missing.append(name)
    if not missing and not (set(places) & {c.name for c in columns if not c.filled}):
        missing = [c.name for c in columns if c.required and c.name not in places]
    return missing


def _lacking(match: Match, missing: Sequence[str], columns: Sequence[Column]) -> Iterator[Message]:
    """What is wrong with a header without some columns."""
    others = [column for column in columns if column.name not in match.places]
    for column in others:
        periods = [text for text in spare(match.headers, match.places) if plain(text) in PERIOD]
        if column.daily and periods and (longer := longer_than_days(periods[0], [])):
            yield longer
            missing = [name for name in missing if name != column.name]
    if not missing:
        return
    fault = lacking(match, missing, others)
    may_be_blank = [one.name for one in others if one.name in missing and not one.filled]
    if may_be_blank:
        text = "{fault}, or that there is none, as in --set {name}="
        fault = Message(text, fault=fault, name=may_be_blank[-1])
    yield fault


def _title(
    opener: Opener, match: Match, columns: Sequence[Column], options: Options
) -> Message | None:
    """The sentence on a title that was taken for the header; none, if there is no better row."""
    better = _better_row(match, columns, options)
    if not better:
        return None
    first = next((text for text in match.headers if text), "")
    return Message(
        '{path}: row {row}, "{text}", is a title and no header; the header'
        " seems to stand in row {better}: say --header {better}",
        path=opener.path,
        row=match.row + 1,
        text=first[:60],
        better=better,
    )


def _better_row(match: Match, columns: Sequence[Column], options: Options) -> int:
    """The row, from 1, that looks more like a header than the one taken; 0 if there is none."""
    filled = sum(map(bool, match.headers))
    # A header of two rows has the names of groups in the first, and ours in the second.
    found = {
        number: _known(text_of(row), columns, options)
        for number, row in enumerate(match.page.head[:FORTY], start=1)
        if number - 1 != match.row
    }
    best = max(found, key=found.__getitem__, default=0)
    if best and found[best] > max((1, 0), _known(match.headers, columns, options)):
        return best
    if filled == 1 or len(set(filter(None, match.headers))) == 1:
        for number, row in enumerate(match.page.head[:FORTY], start=1):
            distinct = set(filter(None, text_of(row)))
            if number - 1 > match.row and len(distinct) > 1:
                return number
    return 0


def _known(texts: Sequence[str], columns: Sequence[Column], options: Options) -> tuple[int, int]:
    """How many of our columns a row likely names, and how many it surely does."""
    places = _places(texts, columns, options)
    others = [column for column in columns if column.name not in places]
    return len(places) + len(likely(others, spare(texts, places))), len(places)


# Orders of several rows


def order_number(headers: Sequence[str], options: Options) -> str:
    """The header of the numbers of orders, where nobody named them; "" where there is none."""
    if options.once or "order" in {*options.set, *options.renamed.values()}:
        return ""
    found = [text for text in headers if ORDER_NUMBER.fullmatch(loose(text))]
    return found[0] if len(found) == 1 and "order" not in map(loose, headers) else ""


def repeated_orders(header: str, cells: Iterable[Any]) -> Message | None:
    """What is wrong with orders whose number nobody named, if it stands in several rows."""
    given = Counter(cell for cell in cells if not written.is_blank(cell))
    several = next((cell for cell, rows in given.items() if rows > 1), None)
    if several is None:
        return None
    text = (
        "has the same {column} in several rows ({number}): where they are one order, say --map"
        ' "{column}=order"; where each row is one, --set order='
    )
    return Message(text, column=header, number=as_text(several))


def same_amounts(cells: Mapping[str, Sequence[Any]]) -> Iterator[Message]:
    """What is told of orders with one amount in all their rows, which may be the order's total."""
    numbers = cells.get("order", ())
    if len({*numbers}) == len(numbers) or "amount" not in cells:
        return
    amounts: defaultdict[Any, list[float]] = defaultdict(list)
    for number, amount in zip(numbers, cells["amount"], strict=True):
        if number is not None:
            amounts[number].append(amount or 0.0)
    several = [some for some in amounts.values() if len(some) > 1]
    if several and all(min(some) == max(some) > 0.0 for some in several):
        text = (
            "{orders} of several rows, each with the same amount in all of them, which count all"
            " ({worth} beyond the first): where that is the total of the order, say --once with"
            " the column of its number"
        )
        worth = sum(sum(some[1:]) for some in several)
        yield Message(text, orders=Counted(len(several), "orders"), worth=money(worth))


# Long and wide


def _months(headers: Sequence[str]) -> list[int]:
    """The columns of a month each: by its name, or by its first day, where all days are such."""
    days = [place for place, text in enumerate(headers) if text and _DAY.fullmatch(text)]
    if days and all(headers[place][8:10] == "01" for place in days):
        return days
    return [place for place, text in enumerate(headers) if text and written.is_month(text)]


_DAY = re.compile(r"\d{4}-\d\d-\d\d(?: 00:00:00)?")


def _unsure_month(headers: Sequence[str]) -> tuple[str, Message] | None:
    """A header that is a month without its year, or may be one, beside others of the kind."""
    found = [(text, why) for text in headers if (why := written.why_no_month(text))]
    return found[0] if len({text for text, _ in found}) > 1 else None


def _reshaped(match: Match, columns: Sequence[Column], table: str, options: Options) -> Match:
    """A match whose page is reshaped: from metric and value, or from a column a month."""
    if "month" not in {column.name for column in columns}:
        return match
    months = _months(match.headers)
    if len(months) > 1:
        return _from_wide(match, columns, table, months, options)
    keys = {loose(text): place for place, text in enumerate(match.headers)}
    metric = next((keys[word] for word in keys if word in METRIC), None)
    value = next((keys[word] for word in keys if word in VALUE), None)
    periods = (match.places.get(name) for name in ("month", "week", "date"))
    period = next((place for place in periods if place is not None), None)
    if metric is None or value is None or period is None:
        return match
    import pandas as pd

    rows = _rows(match, [value], [period])
    named = (("at", period), ("name", metric), ("value", value))
    frame = pd.DataFrame({name: rows.cells[str(place)] for name, place in named})
    _once_each(match, frame)
    wide = frame.pivot(index="at", columns="name", values="value")
    wide = wide.reindex(dict.fromkeys(frame["at"])).reset_index()
    header = [match.headers[period], *map(str, wide.columns[1:])]
    cells = [["" if cell != cell else cell for cell in row] for row in wide.values.tolist()]
    for place in watched(match.headers, {}).values():
        if code := _one_currency(match, place, rows.cells[str(place)]):
            header, cells = [*header, match.headers[place]], [[*row, code] for row in cells]
    return _made(match, rows, header, cells, columns, table, options)


def _one_currency(match: Match, place: int, column: Sequence[Any]) -> str:
    """The currency under a header, "" where there are none. Raises ReshapedError for several."""
    header = match.headers[place]
    codes = sorted({currency_named(text) for text in text_of(column) if text})
    if not says_currencies(header, codes):
        return ""
    if len(codes) > 1:
        fault = Message(MIXED, what=each_is({header: ", ".join(codes)}))
        raise ReshapedError(Message("{path} {fault}", path=match.page.opener.path, fault=fault))
    return codes[0]


def _shown_in(match: Match, rows: Rows) -> str:
    """The currency in which numbers are shown, "" where none is. Raises ReshapedError."""
    signs = signs_shown(match, rows, {name: int(name) for name in rows.cells}, {})
    codes = {
        match.headers[int(name)]: sorted({*map(currency_named, filter(None, column))})
        for name, column in signs.items()
    }
    every = dict.fromkeys(code for some in codes.values() for code in some)
    if not all(may_be_one(*pair) for pair in combinations(every, 2)):
        told = each_is({header: ", ".join(some) for header, some in codes.items()})
        fault = Message(MIXED, what=told)
        raise ReshapedError(Message("{path} {fault}", path=match.page.opener.path, fault=fault))
    return closer(*every)


def _once_each(match: Match, frame: Any) -> None:
    """Pass, or raise ReshapedError, for a measure that a period has twice."""
    twice = frame.duplicated(subset=["at", "name"])
    if twice.any():
        one = frame[twice].iloc[0]
        raise ReshapedError(
            Message(
                "{path} has {name} of {at} twice: which holds?",
                path=match.page.opener.path,
                name=one["name"],
                at=one["at"],
            )
        )


def _rows(match: Match, measured: Sequence[int], dated: Sequence[int] = ()) -> Rows:
    """The rows of data under a header, by the numbers of columns. Raises SourceError."""
    places = {str(place): place for place, text in enumerate(match.headers) if text}
    rows = rows_of(match, places, [*map(str, measured)], [*map(str, dated)])
    if rows.faults:
        text, path = "{path}, {fault}", match.page.opener.path
        raise SourceError(*(Message(text, path=path, fault=fault) for fault in rows.faults))
    if rows.totals:
        lines = Counted(len(rows.totals), "lines")
        rows.remarks.append(Message("{lines} of totals left out", lines=lines))
    return rows


def _from_wide(
    match: Match, columns: Sequence[Column], table: str, months: Sequence[int], options: Options
) -> Match:
    import pandas as pd

    others = [n for n, text in enumerate(match.headers) if text and n not in months]
    rows = _rows(match, months)
    frame = pd.DataFrame({int(place): cells for place, cells in rows.cells.items()}, dtype=object)
    given = frame.map(lambda cell: bool(text_of([cell])[0]))
    some = given[[*months]].any(axis=1)  # a row without any is a remark
    known = _places(match.headers, columns, Options())
    needed = [known[c.name] for c in columns if c.filled and known.get(c.name) in others]
    nameless = some & ~(given[needed].all(axis=1) if needed else given[others].any(axis=1))
    if others and nameless.any():
        raise SourceError(
            Message(
                "{path}: row {row} has no {column}: fill it in, or delete the row if it is a total",
                path=match.page.opener.path,
                row=rows.numbers[int(nameless.to_numpy().argmax())],
                column=match.headers[(needed or others)[0]],
            )
        )
    frame = frame[some]
    long = frame.melt(id_vars=others, value_vars=list(months), var_name="at", value_name="value")
    long["at"] = long["at"].map(lambda place: match.headers[place])
    names = {column.name for column in columns}
    lead = others[0] if others else None
    if "channel" in names:
        header = [*(match.headers[n] for n in others), "month", "spend"]
        cells = [[*row[: len(others)], row[-2], row[-1]] for row in long.values.tolist()]
        return _made(match, rows, header, cells, columns, table, options)
    if lead is None:
        return match
    _once_each(match, long.rename(columns={lead: "name"}))
    wide = long.pivot(index="at", columns=lead, values="value").reindex(dict.fromkeys(long["at"]))
    wide = wide.reset_index()
    header = ["month", *map(str, wide.columns[1:])]
    cells = [["" if cell != cell else cell for cell in row] for row in wide.values.tolist()]
    return _made(match, rows, header, cells, columns, table, Options())


def _made(
    match: Match,
    read: Rows,
    header: list[str],
    cells: list[list[Any]],
    columns: Sequence[Column],
    table: str,
    options: Options,
) -> Match:
    """A match on a page that was made of another's rows."""
    if (code := _shown_in(match, read)) and not watched(header, {}):
        header, cells = [*header, "currency"], [[*row, code] for row in cells]
    rows: list[list[Any]] = [header, *cells]
    below = match.page.head[match.row + 1 :]
    remarks = [*hidden(match.page.hidden, match.row + 2, below), *read.remarks]
    page = match.page._replace(
        head=rows,
        rows=lambda: iter([rows]),
        only=None,
        found=[Found(header, {}, {}, 1, remarks)],
        hidden=(),
        merged=(),
        signs={},
    )
    places = _places(header, columns, options)
    names = Header("", {n: Named((plain(header[p]),)) for n, p in places.items()}, ())
    layout = Layout(Message("the table {table}", table=table), "", table, (names,))
    return Match(page, layout, names, 0, header, places, _doubled(header, places))
