"""Formulas that cells share, given to each by itself where they are to differ from now on.

A spreadsheet program writes a formula that was drawn over cells once, in the first of them. Where
that one is overwritten, or where a range of it follows a table and those of the others would move
along by accident, every cell gets a formula of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from kpi_xl.engine.places import moved
from kpi_xl.ooxml.overwriting import Band
from kpi_xl.ooxml.package import Formula, Package
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.ranges import Move, drifts, followed
from kpi_xl.ooxml.sheet import FORMULA_END, Edit, SheetXml, attribute, escaped, with_edits

SHARING = re.compile(rb"\s(?:t|ref|si)\s*=\s*(?:\"[^\"]*\"|'[^']*')")


def unshare(book: Package, parts: Parts, bands: Sequence[Band], moves: Sequence[Move]) -> None:
    """Give cells formulas of their own wherever they are to differ, before anything is written."""
    for sheet, xml in book.xml.items():
        if b"shared" not in xml.xml:
            continue
        wanted = {(one.row, one.column): one for group in _groups(book, sheet)
                  if _part(group, bands, moves) for one in group}  # fmt: skip
        if wanted:
            parts[book.parts[sheet]] = with_edits(xml.xml, list(_apart(xml, wanted)))


def _groups(book: Package, sheet: str) -> Iterator[list[Formula]]:
    """The formulas of a sheet that share a text, the one that has it first."""
    groups: dict[str, list[Formula]] = {}
    here = (one for one in book.formulas if one.sheet == sheet)
    for cell, formula in zip(book.xml[sheet].formula_cells(), here, strict=True):
        tag = cell.formula
        if tag and attribute(tag[0], "t") == "shared":
            groups.setdefault(attribute(tag[0], "si"), []).append(formula)
    yield from groups.values()


def _part(group: Sequence[Formula], bands: Sequence[Band], moves: Sequence[Move]) -> bool:
    first = group[0]
    if len(group) > 1 and any(_loses(band, first) for band in bands):
        return True
    if not drifts(first.text, first.sheet, moves):
        return False
    inside = any(first.own_area.touches(move.old) for move in moves)
    return not inside or followed(first.text, first.sheet, moves, row=first.row) != first.text


def _loses(band: Band, formula: Formula) -> bool:
    """Whether a band takes a cell's formula."""
    place = band.area._replace(bottom=max(band.area.bottom, band.end))
    return place.touches(formula.own_area) and (
        formula.column in band.columns or formula.row > band.end
    )


def _apart(xml: SheetXml, wanted: Mapping[tuple[int, int], Formula]) -> Iterator[Edit]:
    for cell in xml.formula_cells():
        formula = wanted.get((cell.row, cell.column))
        if formula is None or (tag := cell.formula) is None:
            continue
        body = cell.body or b""
        end = None if tag[0].endswith(b"/>") else FORMULA_END.search(body, tag.end())
        text = escaped(moved(formula.text, *formula.moved)).encode()
        name = re.match(rb"<((?:\w+:)?f)", tag[0])
        opening = SHARING.sub(b"", tag[0]).removesuffix(b">").removesuffix(b"/")
        new = opening + b">" + text + b"</%s>" % (name[1] if name else b"f")
        start = xml.xml.index(body, cell.start)
        yield start + tag.start(), start + (end.end() if end else tag.end()), new
