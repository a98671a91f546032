"""Notes on cells: their texts, and the shapes that spreadsheet programs draw for them."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from xml.parsers import expat

from kpi_xl.ooxml.addresses import column_letters
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.namespaces import MAIN, OFFICE
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import SheetXml, escaped, text_of

AFTER_NOTES = frozenset(
    "legacyDrawingHF drawingHF picture oleObjects controls webPublishItems tableParts extLst"
    " AlternateContent".split()
)
"""What may follow a sheet's reference to its notes."""

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
NO_NOTES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns='
    f'"{MAIN}"><authors/><commentList/></comments>'
)
EMPTY_TEXT = re.compile(rb"<((?:\w+:)?)text\s*/>")
AUTHOR = "kpi_xl"
NAMES = re.compile(rb"<(?:\w+:)?author(?:\s[^>]*)?(?:/>|>([^<]*)</)")


def add_notes(parts: Parts, part: str, notes: Mapping[tuple[int, int], str]) -> None:
    """Notes on cells of a sheet; where a cell has one already, it goes on with the formula."""
    main = "application/vnd.openxmlformats-officedocument"
    comments = parts.related(part, "comments")
    if comments is None:
        comments = parts.free("xl/comments{}.xml")
        parts[comments] = NO_NOTES.encode()
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
    xml = EMPTY_TEXT.sub(rb"<\1text></\1text>", parts[comments])
    noted = set(re.findall(rb"<(?:\w+:)?comment\s[^>]*\bref=[\"'](\w+)", xml))
    added: dict[tuple[int, int], str] = {}
    for (row, column), text in sorted(notes.items()):
        there = f"{column_letters(column)}{row}".encode() in noted
        old = there and re.search(
            rb"<(\w+:)?comment\s[^>]*\bref=[\"']%s%d[\"'](?:(?!</(?:\w+:)?comment>).)*?"
            rb"(</(?:\w+:)?text>)" % (column_letters(column).encode(), row),
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


def _drawing_of_notes(parts: Parts, part: str) -> str | None:
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
    prefix = SheetXml(xml).prefix.decode()
    entry = f'<{prefix}legacyDrawing xmlns:r="{OFFICE}" r:id="{key}"/>'.encode()
    return xml[: places[0]] + entry + xml[places[0] :]


def _with_comments(xml: bytes, added: Mapping[tuple[int, int], str]) -> bytes:
    """Notes of ours among those that there are."""
    if not added:
        return xml
    xml, p, authors = _opened(xml, "authors")
    names = [text_of(name) for name in NAMES.findall(xml)]
    if AUTHOR not in names:
        xml = xml[:authors] + f"<{p}author>{AUTHOR}</{p}author>".encode() + xml[authors:]
        names.append(AUTHOR)
    number = names.index(AUTHOR)
    entries = "".join(
        f'<{p}comment ref="{column_letters(column)}{row}" authorId="{number}"><{p}text><{p}r>'
        f'<{p}t xml:space="preserve">{escaped(text)}</{p}t></{p}r></{p}text></{p}comment>'
        for (row, column), text in added.items()
    )
    xml, _, end = _opened(xml, "commentList")
    return xml[:end] + entries.encode() + xml[end:]


def _opened(xml: bytes, name: str) -> tuple[bytes, str, int]:
    """XML with an element that may have been empty, its prefix, and where its content ends.

    Raises NotAWorkbookError.
    """
    element = name.encode()
    xml = re.sub(rb"<((?:\w+:)?)%s\s*/>" % element, rb"<\1%s></\1%s>" % (element, element), xml)
    end = re.search(rb"</((?:\w+:)?)%s\s*>" % element, xml)
    if not end:
        raise NotAWorkbookError("it is damaged (its part {part} is missing)", part=name)
    return xml, end[1].decode(), end.start()


def _shape_numbers(parts: Parts) -> Iterator[int]:
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
    idmap = re.search(rb"(idmap[^>]*\bdata=[\"'])([\d,]*)", xml)
    if idmap and ids:
        data = ",".join(filter(None, [idmap[2].decode(), *map(str, ids)]))
        xml = xml[: idmap.start(2)] + data.encode() + xml[idmap.end(2) :]
    if b'id="_x0000_t202"' not in xml:
        shapes.insert(0, NOTE_TYPE)
    start = re.search(rb"<xml\b([^>]*)", xml)
    if not start:
        raise NotAWorkbookError("it is damaged (its part {part} is missing)", part="xml")
    missing = (p for p in PREFIXES if f"xmlns:{p}=".encode() not in start[1])
    declared = "".join(f' xmlns:{prefix}="{PREFIXES[prefix]}"' for prefix in missing)
    xml = xml[: start.end()] + declared.encode() + xml[start.end() :]
    end = xml.rindex(b"</xml>")
    return xml[:end] + "".join(shapes).encode() + xml[end:]
