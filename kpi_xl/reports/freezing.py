"""Freeze for sharing: a copy of a workbook in which our formulas are values, each kept in a note.

It works on the file, for every host can save a copy. Who has no functions of ours sees there what
its sender saw; native formulas go on computing.
"""

import re
from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path

from kpi_xl.errors import EXCEL_ERRORS
from kpi_xl.files import is_there
from kpi_xl.formula_text import TOKEN, bare, calls
from kpi_xl.hosts.libreoffice.newer_functions import NEWER_CALL
from kpi_xl.locales import LANGUAGES, Message, Names, say
from kpi_xl.metrics import METRICS
from kpi_xl.native_forms import with_native_forms
from kpi_xl.ooxml.addresses import column_letters
from kpi_xl.ooxml.limits import faults
from kpi_xl.ooxml.notes import add_notes
from kpi_xl.ooxml.package import Formula, Package, read_package, rels_of
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import (
    FORMULA_END,
    Edit,
    SheetXml,
    XmlCell,
    escaped,
    text_of,
    value_element,
    with_edits,
    with_value,
    without,
)
from kpi_xl.ooxml.stored_cells import StoredCells
from kpi_xl.reports import layout
from kpi_xl.reports.records import ReportError

FROZEN_TEMPLATE = b"FrozenTemplate"
"""The name of the marker in a copy: its tables cannot be loaded anew, for nothing would follow."""

SHOWN = 10  # cells in a message

OUR_FILE = re.compile(rb"[/\\\"']kpi_xl\.xlam[\"']", re.IGNORECASE)
"""The add-in as the target of a link; workbooks may link to others' add-ins, too."""
TIED = re.compile(
    rb"(<(?:\w+:)?(?:definedName|formula[12]?|f)(?:\s[^>]*)?(?<!/)>)([^<]*\[\d+\]![^<]*)"
)
"""Formulas through a link, also of names, of conditional formats, and of what a cell admits."""


@faults()
def frozen(content: bytes, *, native: bool = False) -> tuple[bytes, int, int]:
    """The workbook with values in place of our formulas, how many are values, how many live on.

    `native`: scalar functions become native formulas, which go on computing; the rest are values.
    Where formulas hold no value the workbook is computed first. Raises ReportError where some of
    ours hold none even so, or there are none of ours; NotAWorkbookError.
    """
    book = read_package(content)
    if book.signed:
        raise ReportError(Message("The workbook is signed: a copy with other cells would not be."))
    names = _names_of_ours(book)
    if not any(_needs_us(formula.text, names) for formula in book.formulas):
        raise ReportError(
            Message("The workbook has no formula of kpi_xl: it can be shared as it is.")
        )
    unsure: dict[tuple[str, str], str] | None = None
    if any(_is_missing(cell) for sheet in book.xml.values() for cell in sheet.formula_cells()):
        content, unsure = _computed(content)
        book = read_package(content)
    ours = [
        formula
        for formula in book.formulas
        if becomes_a_value(formula, names) or (native and NEWER_CALL.search(formula.text))
    ]
    live = 0
    by_sheet: dict[str, list[Formula]] = {}
    for formula in ours:
        by_sheet.setdefault(formula.sheet, []).append(formula)
    _refuse_missing(book, by_sheet, unsure)
    parts = Parts(content)
    for name, formulas in by_sheet.items():
        sheet = book.xml[name]
        cells = {(cell.row, cell.column): cell for cell in sheet.formula_cells()}
        edits: list[Edit] = []
        notes: dict[tuple[int, int], str] = {}
        for formula in formulas:
            cell = cells[formula.row, formula.column]
            unfolded = _unfolded(formula, names) if native else None
            if unfolded is not None:
                edits.append((cell.start, cell.end, _as_formula(cell, formula, unfolded)))
                live += 1
                continue
            edits.append((cell.start, cell.end, _as_value(cell)))
            edits += _empty_texts(sheet, formula)
            notes[formula.row, formula.column] = "=" + _for_people(formula)
        part = book.parts[name]
        parts[part] = with_edits(sheet.xml, edits)
        add_notes(parts, part, notes)
    for part in [part for part in parts if re.fullmatch(r"xl/tables/[^/]+\.xml", part)]:
        parts[part] = _without_our_columns(parts[part], native=native)
    _tell(book, parts, layout.LIVE if live else layout.FROZEN)
    _unlink(parts)
    return parts.archive(), len(ours) - live, live


def _tell(book: Package, parts: Parts, sentence: str) -> None:
    """Say in the cell that told of the functions which figures follow a change."""
    place, cells = book.place(layout.FUNCTIONS), StoredCells(parts, book.parts)
    cell = place and next(cells.sheet(place.sheet).block_cells(place), None)
    if not place or not cell:
        return
    code = cells.text(book.place(layout.LANGUAGE))
    text = say(sentence, code if code in LANGUAGES else "en")
    new = with_value(cell, "str", escaped(text).encode())
    part = book.parts[place.sheet]
    parts[part] = with_edits(parts[part], [(cell.start, cell.end, new)])


def free_name(book: Path, *, native: bool = False) -> Path:
    """Where the copy of a workbook goes: beside it, under a name that no file has."""
    names = (copy_of(book, f" {n}" if n > 1 else "", native=native) for n in count(1))
    return next(path for path in names if not is_there(path))


def copy_of(book: Path, number: str = "", *, native: bool = False) -> Path:
    """Where the first copy of a workbook goes, or the one of a number."""
    return book.with_name(f"{book.stem} ({'live' if native else 'values'}{number}){book.suffix}")


def becomes_a_value(formula: Formula, names: Collection[str]) -> bool:
    """Whether a formula cannot be computed without our functions, or may follow one that cannot.

    `names` are the defined names that need our functions, in lower case.
    """
    follows = (
        "ANCHORARRAY(" in formula.text  # A4#, which a value is not
        or formula.text == "TABLE()"  # a what-if table puts its inputs into another formula
    )
    return follows or _needs_us(formula.text, names)


def _needs_us(text: str, names: Collection[str]) -> bool:
    return any(calls(text, METRICS)) or not _words(text).isdisjoint(names)


def _words(text: str) -> set[str]:
    return {token.lower() for token in TOKEN.findall(text)}


def _names_of_ours(book: Package) -> set[str]:
    """The defined names that call our functions, or others that do."""
    ours: set[str] = set()
    while True:
        more = {name for (_, name), text in book.names.items() if _needs_us(text, ours)}
        if more == ours:
            return ours
        ours = more


def _is_missing(cell: XmlCell) -> bool:
    """Whether a formula's cell holds no value, or, as some programs write it, an empty text."""
    value = cell.value
    return value is None or (cell.attribute("t") in ("", "n") and not value.content.strip())


def _computed(content: bytes) -> tuple[bytes, dict[tuple[str, str], str] | None]:
    """The workbook computed anew, and the formulas that are not, by sheet and cell, with reasons.

    Without the embedded engine it is as it was, and None.
    """
    try:
        from kpi_xl.engine.recalc import recalculated
        from kpi_xl.engine.terms import RefusedError
    except ImportError:  # in a spreadsheet program's own Python, which has computed everything
        return content, None
    try:
        new, report = recalculated(content)
    except RefusedError:
        return content, None
    return new, {(kept.sheet, kept.cell): kept.reason for kept in report.kept}


def _refuse_missing(
    book: Package,
    ours: dict[str, list[Formula]],
    unsure: dict[tuple[str, str], str] | None,
) -> None:
    """Raise ReportError for the formulas without values, all at once."""
    problems = []
    for name, formulas in ours.items():
        cells = {(cell.row, cell.column): cell for cell in book.xml[name].formula_cells()}
        for formula in formulas:
            cell = cells[formula.row, formula.column]
            address = name, f"{column_letters(formula.column)}{formula.row}"
            reason = "" if unsure is None else unsure.get(address, "")
            if _is_missing(cell) and (unsure is None or reason):
                text = "{cell} holds no value yet"
                if reason:
                    text = "{cell} holds no value yet, and is not computed here ({reason})"
                problems.append(Message(text, cell=formula.cell, reason=reason))
            elif cell.value and cell.value.content == b"#NAME?":
                text = (
                    "{cell} shows #NAME?, for the functions were not there when the workbook was"
                    " saved"
                )
                problems.append(Message(text, cell=formula.cell))
    if problems:
        named: Names | Message = Names(tuple(problems[:SHOWN]), "; ")
        if len(problems) > SHOWN:
            more = len(problems) - SHOWN
            named = Message("{names}; and {number} more", names=named, number=more)
        raise ReportError(
            Message("{cells}: kpi-xl recalc computes it, or Excel does.", cells=named)
        )


def _as_value(cell: XmlCell) -> bytes:
    """A formula's cell as one that holds its value."""
    value, kind = cell.value, cell.attribute("t")
    assert value
    if kind in ("", "n", "str") and not value.content.strip():
        return _empty_text(cell)
    tag = _untyped(cell)
    if kind == "str" and text_of(value.content) in EXCEL_ERRORS:
        kind = "e"  # and writes an array formula's error as a text, of which ISNA were FALSE
    typed = b' t="' + kind.encode() + b'"' if kind else b""
    return tag + typed + b">" + value_element(cell.prefix, value.content) + b"</%sc>" % cell.prefix


def _untyped(cell: XmlCell) -> bytes:
    """The start of a cell's tag, without the type of its value."""
    return without(without(cell.tag, "cm"), "t").rstrip()


def _empty_text(cell: XmlCell) -> bytes:
    """A cell with an empty text, which as a value would be a blank to LibreOffice, and count as 0.

    XlsxWriter leaves its type out.
    """
    start, p = _untyped(cell), cell.prefix
    return start + b' t="str"><%sf>""</%sf><%sv></%sv></%sc>' % (p, p, p, p, p)


def _empty_texts(sheet: SheetXml, formula: Formula) -> Iterator[Edit]:
    """The empty texts that an array formula shows in cells beside its own."""
    if not formula.array:
        return
    for row in range(formula.array.top, formula.array.bottom + 1):
        for cell in sheet.row_cells(row):
            beside = formula.array.left <= cell.column <= formula.array.right and not cell.formula
            if beside and cell.attribute("t") == "str" and cell.value and not cell.value.content:
                yield cell.start, cell.end, _empty_text(cell)


def _unfolded(formula: Formula, names: Collection[str]) -> str | None:
    """A formula of ours as a native one; None where it has none, or follows one that has none."""
    if not any(calls(formula.text, METRICS)) or not _words(formula.text).isdisjoint(names):
        return None
    if "ANCHORARRAY(" in formula.text or NEWER_CALL.search(formula.text):
        return None
    return with_native_forms(bare(_moved(formula), METRICS), METRICS)


def _as_formula(cell: XmlCell, formula: Formula, text: str) -> bytes:
    """A formula's cell with another formula in its place, and the value that it has."""
    body = cell.body or b""
    tag = cell.formula
    assert tag  # or it were no formula's cell
    end = FORMULA_END.search(body, tag.end())
    whole = tag[0].endswith(b"/>") or end is None
    after = body[tag.end() if whole else end.end() :]  # type: ignore[union-attr]
    # An array keeps its block; what was shared becomes a formula of its own.
    start = tag[0] if formula.array else b"<%sf>" % cell.prefix
    new = start + escaped(text).encode() + b"</%sf>" % cell.prefix
    return cell.tag + b">" + body[: tag.start()] + new + after + b"</%sc>" % cell.prefix


def _moved(formula: Formula) -> str:
    """A formula's text as it would stand in its own cell."""
    if formula.moved == (0, 0):
        return formula.text
    from kpi_xl.engine.places import moved  # it needs the embedded engine's parser

    return moved(formula.text, *formula.moved)


def _for_people(formula: Formula) -> str:
    """A formula as people write it."""
    return re.sub(r"(?i)_xlfn\.(_xlws\.)?", "", bare(_moved(formula), METRICS))


def _without_our_columns(xml: bytes, *, native: bool) -> bytes:
    """A table without the formulas of ours that it would write into new rows, or native ones."""

    def kept(found: re.Match[bytes]) -> bytes:
        text = text_of(found[2])
        if not any(calls(text, METRICS)):
            return found[0]
        unfolded = with_native_forms(bare(text, METRICS), METRICS) if native else None
        return b"" if unfolded is None else found[1] + escaped(unfolded).encode() + found[3]

    return re.sub(
        rb"(<(?:\w+:)?calculatedColumnFormula[^>]*>)([^<]*)(</(?:\w+:)?calculatedColumnFormula>)",
        kept,
        xml,
    )


def _unlink(parts: Parts) -> None:
    """The workbook without what led to our functions, and without the mark of its template."""
    book = parts.book
    marked = rb"(<(?:\w+:)?definedName\s[^>]*\bname=[\"'])" + layout.TEMPLATE.encode() + rb"([\"'])"
    parts[book] = re.sub(marked, rb"\g<1>" + FROZEN_TEMPLATE + rb"\g<2>", parts[book])
    chain = parts.related(book, "calcChain")
    if chain:
        parts.drop(chain)  # it names cells that have no formula any more; Excel makes a new one
    links = [target for kind, _, target in parts.relations(book) if kind == "externalLink"]
    ours = [link for link in links if OUR_FILE.search(parts.get(rels_of(link), b""))]
    if links and ours == links:
        for part in (name for name in parts if name == book or name.startswith("xl/worksheets/")):
            parts[part] = TIED.sub(_untied, parts[part])
        for link in links:
            parts.drop(link)
        parts[book] = re.sub(
            rb"<(\w+:)?externalReferences\b.*?</(?:\w+:)?externalReferences>", b"", parts[book]
        )


def _untied(found: re.Match[bytes]) -> bytes:
    return found[1] + escaped(bare(text_of(found[2]), METRICS)).encode()
