"""A workbook for the engine: sheets with the rewritten formulas, and nothing else.

One formula at a time, the engine takes milliseconds for each; in a file it takes microseconds.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping

from kpi_xl.engine.names import HOLD
from kpi_xl.engine.patterns import HOLDERS
from kpi_xl.ooxml.addresses import LAST_COLUMN, Area, column_letters, column_number
from kpi_xl.ooxml.blocks import with_blocks
from kpi_xl.ooxml.namespaces import MAIN, OFFICE, PACKAGE
from kpi_xl.ooxml.package import WORKBOOK, Formula, Package
from kpi_xl.ooxml.sheet import Edit, escaped, with_edits

TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml."


def sheet_names(book: Package) -> dict[str, str]:
    """What the engine calls the sheets: it stumbles over some names, such as sheet1."""
    return {sheet: f"S_{number}" for number, sheet in enumerate(book.sheets, 1)}


def last_column(book: Package, sheet: str) -> int:
    """The last column of a sheet that has a cell."""
    with zipfile.ZipFile(io.BytesIO(book.source)) as package:
        xml = package.read(book.parts[sheet])
    if re.search(rb"<(?:\w+:)?c(?:\s(?!r=)[^>]*)?/?>", xml):
        return LAST_COLUMN  # some leave out their addresses
    letters = set(re.findall(rb"<(?:\w+:)?c\s+r=[\"']([A-Za-z]+)", xml))
    right = [block.area.right for block in book.blocks if block.area.sheet == sheet]
    return max([*(column_number(name.decode()) for name in letters), *right, 1])


def for_engine(book: Package, texts: Mapping[Formula, str], held: Mapping[int, str]) -> bytes:
    """The workbook's file for the engine, each formula with its text, or nothing.

    `held` are the formulas that hold ranges, by the rows of their sheet.
    It is not packed, and not in zip64, which the engine does not read.
    """
    names = sheet_names(book)
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book.source)) as package,
        zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as copy,
    ):
        targets = []
        for number, (sheet, part) in enumerate(book.parts.items(), 1):
            targets.append(("worksheet", f"worksheets/sheet{number}.xml"))
            copy.writestr(f"xl/{targets[-1][1]}", _sheet(book, sheet, package.read(part), texts))
        targets.append(("worksheet", f"worksheets/sheet{len(names) + 1}.xml"))
        copy.writestr(f"xl/{targets[-1][1]}", _holders(held))
        if book.texts_part:
            targets.append(("sharedStrings", "sharedStrings.xml"))
            copy.writestr("xl/sharedStrings.xml", package.read(book.texts_part))
        copy.writestr("[Content_Types].xml", types_xml(targets))
        copy.writestr("_rels/.rels", relations_xml([(WORKBOOK, "xl/workbook.xml")]))
        copy.writestr("xl/_rels/workbook.xml.rels", relations_xml(targets))
        entries = "".join(
            f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in enumerate((*names.values(), HOLDERS), 1)
        )
        copy.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{entries}</sheets></workbook>',
        )
    return content.getvalue()


def _sheet(book: Package, name: str, xml: bytes, texts: Mapping[Formula, str]) -> bytes:
    edits: list[Edit] = list(book.edits.get(name, ()))
    sheet = book.xml.get(name)
    formulas = (formula for formula in book.formulas if formula.sheet == name)
    for cell, formula in zip(sheet.formula_cells() if sheet else (), formulas, strict=True):
        p, text = cell.prefix, texts.get(formula)
        address = f"{column_letters(formula.column)}{formula.row}".encode()
        inner = b"" if text is None else b"<%sf>%s</%sf>" % (p, escaped(text).encode(), p)
        edits.append((cell.start, cell.end, b'<%sc r="%s">%s</%sc>' % (p, address, inner, p)))
    xml = with_edits(xml, edits) if edits else xml
    blocks = [block for block in book.blocks if block.area.sheet == name]
    return with_blocks(xml, blocks) if blocks else xml


def holding(held: Iterable[Area], names: Mapping[str, str]) -> dict[int, str]:
    """The formulas that hold ranges, by the rows of their sheet."""
    return {
        number: f"{HOLD}({number},{names[place.sheet]}!{place.address})"
        for number, place in enumerate(held, 1)
    }


def _holders(held: Mapping[int, str]) -> str:
    """The sheet of the cells that hold ranges."""
    rows = (
        f'<row r="{number}"><c r="A{number}"><f>{formula}</f></c></row>'
        for number, formula in held.items()
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def types_xml(targets: list[tuple[str, str]]) -> str:
    """What the parts of a workbook are, by their kinds and paths below xl."""
    parts = [("sheet.main", "workbook.xml"), *targets]
    overrides = "".join(
        f'<Override PartName="/xl/{target}" ContentType="{TYPES}{kind}+xml"/>'
        for kind, target in parts
    )
    return (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def relations_xml(targets: list[tuple[str, str]]) -> str:
    """What a part refers to, by kinds and paths."""
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>'
