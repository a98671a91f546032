"""Freeze for sharing: a copy of a workbook in which our formulas are values, each kept in a note.

It works on the file, for every host can save a copy. Who has no functions of ours sees there what
its sender saw; native formulas go on computing.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from pathlib import Path
from xml.parsers import expat

from kpi_xl.hosts.addresses import column_letters
from kpi_xl.hosts.package import Formula, Package, read_package, relations, rels_of
from kpi_xl.hosts.sheet import (
    Edit,
    Sheet,
    XmlCell,
    check,
    escaped,
    text_of,
    value_element,
    with_edits,
)
from kpi_xl.metrics import METRICS
from kpi_xl.reports import layout
from kpi_xl.reports.calls import TOKEN, bare, calls
from kpi_xl.reports.records import ReportError

FROZEN_TEMPLATE = b"FrozenTemplate"
"""The name of the marker in a copy: its tables cannot be loaded anew, for nothing would follow."""

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
AFTER_NOTES = frozenset(
    "legacyDrawingHF drawingHF picture oleObjects controls webPublishItems tableParts extLst"
    " AlternateContent".split()
)
"""What may follow a sheet's reference to its notes."""

OUR_FILE = re.compile(rb"[/\\\"']kpi_xl\.xlam[\"']", re.IGNORECASE)
"""The add-in as the target of a link; workbooks may link to others' add-ins, too."""
TIED = re.compile(
    rb"(<(?:\w+:)?(?:definedName|formula[12]?|f)(?:\s[^>]*)?(?<!/)>)([^<]*\[\d+\]![^<]*)"
)
"""Formulas through a link, also of names, of conditional formats, and of what a cell admits."""

SHAPES_START = """<xml><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data=""/>\
</o:shapelayout></xml>"""
PREFIXES = {
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "x": "urn:schemas-microsoft-com:office:excel",
}
"""Those of the shapes' elements, which other programs may call otherwise."""
NOTE_TYPE = """<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" \
path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>\
<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>"""
SHAPE = """<v:shape id="_x0000_s{id}" type="#_x0000_t202" style="position:absolute;width:144pt;\
height:60pt;z-index:{order};visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">\
<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>\
<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto">\
<div style="text-align:left"></div></v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/>\
<x:SizeWithCells/><x:Anchor>{left}, 15, {top}, 10, {right}, 15, {bottom}, 4</x:Anchor>\
<x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData>\
</v:shape>"""
IDS = 1024  # shapes that share a number of the id map
NOTES_START = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns='
    '"http://schemas.openxmlformats.org/spreadsheetml/2006/main"><authors><author>kpi_xl</author>'
    "</authors><commentList>"
)


def frozen(content: bytes) -> tuple[bytes, int]:
    """The workbook with values in place of our formulas, and how many these were.

    Raises ReportError where some hold no value, or there are none; NotAWorkbookError.
    """
    book = read_package(content)
    if book.signed:
        raise ReportError("The workbook is signed: a copy with other cells would not be.")
    names = _names_of_ours(book)
    if not any(_needs_us(formula.text, names) for formula in book.formulas):
        raise ReportError("The workbook has no formula of kpi_xl: it can be shared as it is.")
    ours = [formula for formula in book.formulas if is_ours(formula, names)]
    by_sheet: dict[str, list[Formula]] = {}
    for formula in ours:
        by_sheet.setdefault(formula.sheet, []).append(formula)
    parts = _Parts(content)
    for name, formulas in by_sheet.items():
        sheet = book.xml[name]
        cells = {(cell.row, cell.column): cell for cell in sheet.formula_cells()}
        edits: list[Edit] = []
        notes: dict[tuple[int, int], str] = {}
        for formula in formulas:
            cell = cells[formula.row, formula.column]
            edits.append((cell.start, cell.end, _as_value(cell, formula)))
            notes[formula.row, formula.column] = "=" + _for_people(formula)
        part = book.parts[name]
        parts[part] = with_edits(sheet.xml, edits)
        _add_notes(parts, part, notes)
        check(parts[part])
    for part in [part for part in parts if re.fullmatch(r"xl/tables/[^/]+\.xml", part)]:
        parts[part] = _without_our_columns(parts[part])
    _unlink(parts)
    return parts.archive(), len(ours)


def free_name(book: Path) -> Path:
    """Where the copy of a workbook goes: beside it, under a name that no file has."""
    names = (f"{book.stem} (values{f' {n}' if n > 1 else ''}){book.suffix}" for n in count(1))
    return next(path for path in map(book.with_name, names) if not path.exists())


def is_ours(formula: Formula, names: Collection[str]) -> bool:
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


def _as_value(cell: XmlCell, formula: Formula) -> bytes:
    """A formula's cell as one that holds its value. Raises ReportError where it has none."""
    value, kind = cell.value, cell.attribute("t")
    if value is None:
        raise ReportError(f"{formula.cell} holds no value yet: kpi-xl recalc computes it.")
    if value.content == b"#NAME?":
        raise ReportError(
            f"{formula.cell} shows #NAME?, for the functions were not there when the workbook was"
            " saved: kpi-xl recalc computes it."
        )
    tag = re.sub(rb"\s+(?:cm|t)\s*=\s*(?:\"[^\"]*\"|'[^']*')", b"", cell.tag).rstrip()
    if kind in ("", "n") and not value.content.strip():
        kind = "str"  # XlsxWriter leaves the type of an empty text out
    typed = b' t="' + kind.encode() + b'"' if kind else b""
    return tag + typed + b">" + value_element(cell.prefix, value.content) + b"</%sc>" % cell.prefix


def _for_people(formula: Formula) -> str:
    """A formula as people write it."""
    text = formula.text
    if formula.moved != (0, 0):
        from kpi_xl.hosts.formulas import moved  # it needs the embedded engine's parser

        text = moved(text, *formula.moved)
    return re.sub(r"(?i)_xlfn\.(_xlws\.)?", "", bare(text, METRICS))


def _without_our_columns(xml: bytes) -> bytes:
    """A table without the formulas of ours that it would write into new rows."""

    def kept(found: re.Match[bytes]) -> bytes:
        text = found[0].decode()
        return b"" if any(calls(text, METRICS)) else found[0]

    return re.sub(
        rb"<(?:\w+:)?calculatedColumnFormula[^>]*>[^<]*</(?:\w+:)?calculatedColumnFormula>",
        kept,
        xml,
    )


# Parts of the package


class _Parts(dict[str, bytes]):
    """The parts of a package by name, to be changed and put together again."""

    def __init__(self, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            self.infos = {info.filename: info for info in package.infolist()}
            super().__init__({name: package.read(name) for name in self.infos})

    def archive(self) -> bytes:
        out = io.BytesIO()
        date = next(iter(self.infos.values())).date_time
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
            for name, content in self.items():
                info = zipfile.ZipInfo(name, date)
                info.compress_type = zipfile.ZIP_DEFLATED
                package.writestr(info, content)
        return out.getvalue()

    def relations(self, part: str) -> list[tuple[str, str, str]]:
        """Kind, id and target of each relation of a part."""
        xml = self.get(rels_of(part))
        return list(relations(xml, part)) if xml else []

    def related(self, part: str, kind: str) -> str | None:
        """The part that another one is related to by a kind of relation."""
        return next((target for one, _, target in self.relations(part) if one == kind), None)

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add a relation; returns its id."""
        rels = rels_of(part)
        xml = self.get(rels) or (
            b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns='
            b'"http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>'
        )
        key = next(f"rIdKpi{n}" for n in count(1) if f"rIdKpi{n}".encode() not in xml)
        address = posixpath.relpath(target, posixpath.dirname(part))
        entry = f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{address}"/>'
        self[rels] = _inside(xml, entry)
        return key

    def declare(self, entry: str) -> None:
        """Add a content type, unless it is there."""
        types = self["[Content_Types].xml"]
        if entry.encode() not in types:
            self["[Content_Types].xml"] = _inside(types, entry)

    def free(self, pattern: str) -> str:
        """A name that no part has; {} stands for a number."""
        return next(name for n in count(1) if (name := pattern.format(n)) not in self)

    def drop(self, part: str) -> None:
        """Take a part out, with all that says it is there."""
        del self[part]
        self.pop(rels_of(part), None)
        name = re.escape(part.encode())
        types = self["[Content_Types].xml"]
        self["[Content_Types].xml"] = re.sub(
            rb"<(?:\w+:)?Override\s[^>]*PartName=[\"']/" + name + rb"[\"'][^>]*/>", b"", types
        )
        for rels in [one for one in self if one.endswith(".rels")]:
            owner = posixpath.join(posixpath.dirname(posixpath.dirname(rels)),
                                   posixpath.basename(rels).removesuffix(".rels"))  # fmt: skip
            for _, key, target in self.relations(owner):
                if target == part:
                    said = rb"<(?:\w+:)?Relationship\s[^>]*\bId=[\"']" + re.escape(key.encode())
                    self[rels] = re.sub(said + rb"[\"'][^>]*/>", b"", self[rels])


def _inside(xml: bytes, entry: str) -> bytes:
    """XML with an entry at the end of its outermost element."""
    end = xml.rstrip().rindex(b"</")
    return xml[:end] + entry.encode() + xml[end:]


def _unlink(parts: _Parts) -> None:
    """The workbook without what led to our functions, and without the mark of its template."""
    book = next(target for kind, _, target in parts.relations("") if kind == "officeDocument")
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


# Notes


def _add_notes(parts: _Parts, part: str, notes: Mapping[tuple[int, int], str]) -> None:
    """Notes on cells of a sheet; where a cell has one already, it goes on with the formula."""
    main = "application/vnd.openxmlformats-officedocument"
    comments = parts.related(part, "comments")
    if comments is None:
        comments = parts.free("xl/comments{}.xml")
        parts[comments] = (NOTES_START + "</commentList></comments>").encode()
        parts.relate(part, "comments", comments)
        kind = f"{main}.spreadsheetml.comments+xml"
        parts.declare(f'<Override PartName="/{comments}" ContentType="{kind}"/>')
    drawing = _drawing_of_notes(parts, part)
    if drawing is None:
        drawing = parts.free("xl/drawings/vmlDrawing{}.vml")
        parts[drawing] = SHAPES_START.encode()
        key = parts.relate(part, "vmlDrawing", drawing)
        if not re.search(rb"Extension=[\"']vml[\"']", parts["[Content_Types].xml"]):
            parts.declare(f'<Default Extension="vml" ContentType="{main}.vmlDrawing"/>')
        parts[part] = _with_reference(parts[part], key)
    xml = parts[comments]
    noted = set(re.findall(rb"<(?:\w+:)?comment\s[^>]*\bref=[\"'](\w+)", xml))
    added: dict[tuple[int, int], str] = {}
    for (row, column), text in sorted(notes.items()):
        there = f"{column_letters(column)}{row}".encode() in noted
        old = there and re.search(
            rb"<(\w+:)?comment\s[^>]*\bref=[\"']%s%d[\"'].*?(</(?:\w+:)?text>)"
            % (column_letters(column).encode(), row),
            xml,
            re.DOTALL,
        )
        if not old:
            added[row, column] = text
            continue
        p = (old[1] or b"").decode()
        run = f'<{p}r><{p}t xml:space="preserve">\n{escaped(text)}</{p}t></{p}r>'.encode()
        at = old.start(2)
        if not re.search(rb"<(?:\w+:)?r>", old[0]):  # a plain text becomes a run
            inner = re.search(rb"<(?:\w+:)?t[\s>].*</(?:\w+:)?t>", old[0], re.DOTALL)
            if inner:
                begin = old.start() + inner.start()
                plain = f"<{p}r>".encode() + inner[0] + f"</{p}r>".encode()
                xml = xml[:begin] + plain + xml[begin + len(inner[0]) :]
                at += len(plain) - len(inner[0])
        xml = xml[:at] + run + xml[at:]
    parts[comments] = _with_comments(xml, added)
    parts[drawing] = _with_shapes(parts[drawing], added, _shape_numbers(parts))


def _drawing_of_notes(parts: _Parts, part: str) -> str | None:
    """The drawing of a sheet's notes, and of its buttons; pictures of its header have another."""
    found = re.search(rb"<(?:\w+:)?legacyDrawing\s[^>]*?\bid\s*=\s*[\"']([^\"']+)", parts[part])
    if found is None:
        return None
    return next(target for _, key, target in parts.relations(part) if key == found[1].decode())


def _with_reference(xml: bytes, key: str) -> bytes:
    """A sheet that refers to the drawing of its notes, at the place where Excel expects it."""
    parser = expat.ParserCreate()
    places: list[int] = []
    depth = 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 2 and name.rpartition(":")[2] in AFTER_NOTES:
            places.append(parser.CurrentByteIndex)

    def end(_: str) -> None:
        nonlocal depth
        if depth == 1:
            places.append(parser.CurrentByteIndex)
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(xml, True)
    prefix = Sheet(xml).prefix.decode()
    entry = f'<{prefix}legacyDrawing xmlns:r="{OFFICE}" r:id="{key}"/>'.encode()
    return xml[: places[0]] + entry + xml[places[0] :]


def _with_comments(xml: bytes, added: Mapping[tuple[int, int], str]) -> bytes:
    found = re.search(rb"</(\w+:)?commentList>", xml)
    assert found
    p = (found[1] or b"").decode()
    entries = "".join(
        f'<{p}comment ref="{column_letters(column)}{row}" authorId="0"><{p}text><{p}r>'
        f'<{p}t xml:space="preserve">{escaped(text)}</{p}t></{p}r></{p}text></{p}comment>'
        for (row, column), text in added.items()
    )
    return xml[: found.start()] + entries.encode() + xml[found.start() :]


def _shape_numbers(parts: _Parts) -> Iterator[int]:
    """Numbers of the id map that no drawing of the workbook has."""
    used = set()
    for part, xml in parts.items():
        if part.endswith(".vml"):
            for data in re.findall(rb"idmap[^>]*\bdata=[\"']([\d,]*)[\"']", xml):
                used |= {int(number) for number in data.decode().split(",") if number}
    return (number for number in count(1) if number not in used)


def _with_shapes(xml: bytes, added: Collection[tuple[int, int]], numbers: Iterator[int]) -> bytes:
    """A drawing with a shape for each note."""
    ids: list[int] = []
    shapes = []
    for order, (row, column) in enumerate(added):
        if order % (IDS - 1) == 0:
            ids.append(next(numbers))
        shapes.append(
            SHAPE.format(
                id=ids[-1] * IDS + 1 + order % (IDS - 1), order=order + 1, row=row - 1,
                column=column - 1, left=column, right=column + 3, top=max(row - 2, 0),
                bottom=row + 3,
            )
        )  # fmt: skip
    held = re.search(rb"(idmap[^>]*\bdata=[\"'])([\d,]*)", xml)
    if held and ids:
        data = ",".join(filter(None, [held[2].decode(), *map(str, ids)]))
        xml = xml[: held.start(2)] + data.encode() + xml[held.end(2) :]
    if b'id="_x0000_t202"' not in xml:
        shapes.insert(0, NOTE_TYPE)
    start = re.search(rb"<xml\b([^>]*)", xml)
    assert start
    missing = (p for p in PREFIXES if f"xmlns:{p}=".encode() not in start[1])
    declared = "".join(f' xmlns:{prefix}="{PREFIXES[prefix]}"' for prefix in missing)
    xml = xml[: start.end()] + declared.encode() + xml[start.end() :]
    end = xml.rindex(b"</xml>")
    return xml[:end] + "".join(shapes).encode() + xml[end:]
