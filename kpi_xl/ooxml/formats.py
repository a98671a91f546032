"""Currencies that stand in the number formats of cells alone, as where Excel shows 5 as € 5.00."""

import re
import unicodedata
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from xml.etree import ElementTree

from kpi_xl.locales.currencies import is_known
from kpi_xl.ooxml.addresses import column_number
from kpi_xl.ooxml.namespaces import MAIN
from kpi_xl.ooxml.sheet import SheetXml

Signs = Mapping[int, Mapping[str, Sequence[int]]]
"""The rows of each column whose numbers have a sign in their format, all from 1."""

TAG = f"{{{MAIN}}}"
WRITTEN = re.compile(r'\[\$([^\]-]+)(?:-[^\]]*)?\]|"([^"]*)"|\[[^\]]*\]|(.)')
"""What is in a number format: a currency in brackets, a text, what else is in brackets, a sign."""


def sign_in(code: str) -> str:
    """The currency's sign in a number format, or ""; that of the reader's country names none.

    >>> [sign_in(code) for code in ('[$€-407] #,##0.00', '"$"#,##0', '#,##0 [$CNY]', '[$-409]0.0')]
    ['€', '$', 'CNY', '']
    """
    for bracketed, quoted, sign in WRITTEN.findall(code):
        text: str = (bracketed or quoted or sign).strip()
        if is_known(text) and (not sign or unicodedata.category(sign) == "Sc"):
            return text
    return ""


def signs_of_styles(xml: bytes) -> dict[str, str]:
    """The sign of each style of cells that has one, by its number, from the part of the styles."""
    root = ElementTree.fromstring(xml)
    formats = {
        one.attrib["numFmtId"]: sign
        for one in root.iterfind(f"{TAG}numFmts/{TAG}numFmt")
        if (sign := sign_in(one.attrib.get("formatCode", "")))
    }
    styles = enumerate(root.iterfind(f"{TAG}cellXfs/{TAG}xf"))
    known = ((str(place), formats.get(one.attrib.get("numFmtId", ""), "")) for place, one in styles)
    return {style: sign for style, sign in known if sign}


def signs_in_sheet(sheet: SheetXml, styles: Mapping[str, str]) -> Signs:
    """The cells with numbers whose styles have a sign."""
    found: dict[int, dict[str, array[int]]] = {}
    for column, row, style in _cells(sheet, styles) if styles else ():
        found.setdefault(column, {}).setdefault(styles[style], array("I")).append(row)
    return found


def _cells(sheet: SheetXml, styles: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """The column, row and style of cells that hold no text."""
    xml, span = sheet.xml, (sheet.start, sheet.end)
    if xml.count(b"<c r=", *span) != xml.count(b"<c ", *span) or b":c " in xml:  # as few do
        for index in range(len(sheet.numbers)):
            for cell in sheet.cells(index):
                if cell.attribute("s") in styles and cell.attribute("t") in ("", "n"):
                    yield cell.column, cell.row, cell.attribute("s")
        return
    letters: dict[bytes, int] = {}
    wanted = "|".join(styles).encode()
    pattern = rb"<c r=[\"']([A-Z]+)(\d+)[\"'](?=[^>]*?\ss=[\"'](" + wanted + rb")[\"'])([^>]*)>"
    for found in re.compile(pattern).finditer(xml, *span):
        name, row, style, rest = found.groups()
        if b" t=" not in rest or b't="n"' in rest:
            if name not in letters:
                letters[name] = column_number(name.decode())
            yield letters[name], int(row), style.decode()
