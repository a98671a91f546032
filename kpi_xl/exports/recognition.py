"""Which layout a file is in: its headers are looked for on each of its pages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kpi_xl.exports.layouts import Header, Layout, Named, plain
from kpi_xl.exports.pages import ENCODINGS, SourcePage, text_of
from kpi_xl.locales import Message, Names
from kpi_xl.reference import did_you_mean
from kpi_xl.schema import Column
from kpi_xl.sources.records import spare
from kpi_xl.sources.terms import options_for

FORTY = 40
"""Rows in which a header is looked for first; a file's later blocks are looked at where the first
rows have none."""


ENCODING_OF = {
    **dict.fromkeys("English Deutsch français español italiano português".split(), "cp1252"),
    "русский": "cp1251", "简体中文": "gb18030", "繁體中文": "big5", "فارسی": "cp1256",
    "日本語": "shift_jis", "한국어": "cp949", "polski": "cp1250",
}  # fmt: skip
"""The encoding before Unicode in which words of a language are written."""


class Match(NamedTuple):
    """A layout found on a page: in which row, counted from 0, and where its columns are."""

    page: SourcePage
    layout: Layout
    header: Header
    row: int
    headers: list[str]
    places: dict[str, int]
    doubled: tuple[str, ...]

    @property
    def weight(self) -> tuple[int, int]:
        """How much of the layout was found."""
        return len(self.header.signature), len(self.places)


def lacking(match: Match, missing: Sequence[str], columns: Iterable[Column]) -> Message:
    """What is wrong with a header without some columns; `columns` are all that it has not."""
    others = spare(match.headers, match.places)
    return Message(
        "has no column {missing} in row {row}; it has {has}{near}: say which it is, as in"
        " {options}",
        missing=", ".join(missing),
        row=match.row + 1,
        has=", ".join(filter(None, dict.fromkeys(match.headers)))[:200] or Message("none"),
        near=did_you_mean(missing[0], others),
        options=options_for(missing, columns, others),
    )


ByName = Mapping[str, Sequence[tuple[Layout, Header]]]


class AmbiguousError(Exception):
    """A file that several layouts fit equally well."""


def recognised(
    pages: Sequence[SourcePage], layouts: Sequence[Layout], *, wanted: bool = True
) -> list[Match]:
    """The best match of each block of a file, from the first page of those that have any.

    Of two layouts that fit the same headers, the one with the longer signature is meant. Raises
    AmbiguousError where none is longer, and one of them is wanted; otherwise all of them are meant.
    A file without a known header may have the mark of a layout.
    """
    found: dict[tuple[str, str, str, int], list[Match]] = {}
    by_name = _by_name(layouts)
    for page in pages:
        for match in _on_page(page, by_name):
            delimiter_blind = (page.opener.name, page.title, page.encoding, match.row)
            found.setdefault(delimiter_blind, []).append(match)
    best: list[Match] = []
    for matches in found.values():
        # What a user wrote goes before what we know.
        matches = [match for match in matches if match.layout.of_user] or matches
        heaviest = max(match.weight for match in matches)
        fits = [match for match in matches if match.weight == heaviest]
        names = sorted({match.layout.name for match in fits})
        if len(names) > 1 and wanted:
            raise AmbiguousError(Names(tuple(names), "or"))
        best += {match.layout.name: match for match in reversed(fits)}.values()
    return best or list(_marked(pages, layouts))


def _marked(pages: Sequence[SourcePage], layouts: Sequence[Layout]) -> Iterator[Match]:
    """The first layout whose mark the beginning of a page has."""
    marked = [layout for layout in layouts if layout.mark]
    for page in pages if marked else ():
        above = "\n".join(" ".join(text_of(row)).strip() for row in page.head)
        for layout in marked:
            if layout.mark and layout.mark.search(above):
                yield Match(page, layout, Header("", {}, ()), 0, [], {}, ())
                return


def _by_name(layouts: Sequence[Layout]) -> ByName:
    """The headers of layouts by each name that one column of their signature may have.

    A row is then held against those few that share a name with it; "" has those without names.
    """
    found: dict[str, list[tuple[Layout, Header]]] = {}
    for layout in layouts:
        for header in layout.headers:
            names = next((one.names for one in header.signature if one.names), ("",))
            for name in names:
                found.setdefault(name, []).append((layout, header))
    return found


def _on_page(page: SourcePage, by_name: ByName) -> Iterator[Match]:
    start = list(_matches(page, page.head[:FORTY], 0, by_name))
    yield from start
    if not start:
        yield from _matches(page, page.head[FORTY:], FORTY, by_name)


def _matches(
    page: SourcePage, rows: Sequence[Sequence[Any]], first: int, by_name: ByName
) -> Iterator[Match]:
    for number, row in enumerate(rows, start=first):
        texts = text_of(row)
        if sum(map(bool, texts)) < 2:
            continue
        places = places_of(texts)
        seen = set()
        for name in (*places, ""):
            for layout, header in by_name.get(name, ()):
                if id(header) in seen:
                    continue
                seen.add(id(header))
                if all(_there(one, places, texts) for one in header.signature):
                    yield _match(page, layout, header, number, texts, places)


def places_of(texts: Sequence[str]) -> dict[str, list[int]]:
    """Where each header is, by its plain form."""
    places: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        if text:
            places.setdefault(plain(text), []).append(place)
    return places


def _there(named: Named, places: Mapping[str, Sequence[int]], texts: Sequence[str]) -> bool:
    if named.names:
        return any(name in places for name in named.names)
    return bool(named.place(places, texts))


def _match(
    page: SourcePage,
    layout: Layout,
    header: Header,
    row: int,
    texts: list[str],
    places: Mapping[str, Sequence[int]],
) -> Match:
    found = {ours: named.place(places, texts) for ours, named in header.columns.items()}
    return Match(
        page,
        layout,
        header,
        row,
        texts,
        {ours: where[0] for ours, where in found.items() if where},
        tuple(ours for ours, where in found.items() if len(where) > 1),
    )


def sure_encoding(matches: Sequence[Match], likely: Sequence[str]) -> list[Match]:
    """The matches in the one encoding that is meant.

    Headers beyond ASCII decide, for they are words only in their own encoding; ASCII ones are the
    same in all encodings, of which `likely` names those that the rest of the text is in; where that
    tells nothing, it is the one that the vendor is known for.
    """
    encodings = {match.page.encoding for match in matches}
    if len(encodings) < 2 or not encodings <= set(ENCODINGS):
        return list(matches)
    telling = [m for m in matches if not all(m.headers[p].isascii() for p in m.places.values())]
    encodings_told = {match.page.encoding for match in telling} or encodings
    native = {ENCODING_OF.get(match.header.language, "") for match in telling} & encodings_told
    vendors = {match.layout.encoding for match in matches} & encodings_told
    for chosen in (native, set(likely) & encodings_told, vendors):
        if len(chosen) == 1:
            return [match for match in matches if match.page.encoding in chosen]
    return []
