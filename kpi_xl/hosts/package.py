"""What the calculator needs to know of an .xlsx file, and what its loader does not keep.

Tables, defined names, and which formulas are arrays, read from the parts of the package.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATIONSHIP_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
LAST_ROW, LAST_COLUMN = 1048576, 16384
CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")


class NotAWorkbookError(ValueError):
    """The file is not a workbook that can be read, with the sentence that says why."""


class Area(NamedTuple):
    """A block of cells of a sheet, rows and columns counted from 1, both ends included."""

    sheet: str
    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        corners = (f"${column_letters(c)}${r}" for r, c in (self[1:3], self[3:5]))
        return f"{quoted(self.sheet)}!{':'.join(dict.fromkeys(corners))}"

    def touches(self, other: "Area") -> bool:
        """Whether the two share a cell."""
        return (
            self.sheet == other.sheet
            and self.top <= other.bottom
            and other.top <= self.bottom
            and self.left <= other.right
            and other.left <= self.right
        )


@dataclass(frozen=True)
class Table:
    """An Excel table: the whole block, and which rows of it are not data."""

    name: str
    area: Area
    columns: tuple[str, ...]
    header: int
    totals: int


@dataclass(frozen=True, eq=False)
class Formula:
    """A formula cell, its text without the equals sign.

    `array` is the block that it filled when the file was saved, None for a formula of one cell.
    An array that is not `dynamic` is one of old (Ctrl+Shift+Enter), which fills just that block.
    """

    sheet: str
    row: int
    column: int
    text: str
    array: Area | None = None
    dynamic: bool = False

    @property
    def area(self) -> Area:
        """The cells that it filled."""
        return self.array or Area(self.sheet, self.row, self.column, self.row, self.column)

    @property
    def cell(self) -> str:
        """The address as people write it: Orders!B5."""
        return f"{quoted(self.sheet)}!{column_letters(self.column)}{self.row}"


@dataclass(frozen=True)
class Package:
    """A workbook: its sheets in order, tables, names and formulas, and bytes to load."""

    content: bytes
    sheets: tuple[str, ...]
    tables: dict[str, Table]
    names: dict[tuple[str | None, str], str]
    formulas: tuple[Formula, ...]
    last_rows: dict[str, int]
    hidden: frozenset[str]
    """The sheets with hidden rows."""
    date1904: bool


def read_package(content: bytes) -> Package:
    """Read a workbook, and drop the cached cells of its spills, which the engine trips over.

    Keys of tables and names are in lower case; a name's first key is its sheet, None for the
    workbook's own. The formula text of a cell that shares another's is empty.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return _read(package, content)
    except (zipfile.BadZipFile, KeyError, ValueError, ElementTree.ParseError) as error:
        raise NotAWorkbookError(
            f"it is not an .xlsx workbook, or it is damaged ({error})"
        ) from None


def _read(package: zipfile.ZipFile, content: bytes) -> Package:
    (book_part,) = (
        target for kind, _, target in _relations(package, "") if kind == "officeDocument"
    )
    book = ElementTree.fromstring(package.read(book_part))
    targets = {key: target for _, key, target in _relations(package, book_part)}
    parts = {
        sheet.attrib["name"]: targets[sheet.attrib[RELATIONSHIP_ID]]
        for sheet in book.iterfind(f"{MAIN}sheets/{MAIN}sheet")
        if "worksheets/" in targets[sheet.attrib[RELATIONSHIP_ID]]
    }
    order = [sheet.attrib["name"] for sheet in book.iterfind(f"{MAIN}sheets/{MAIN}sheet")]
    names = {}
    for name in book.iterfind(f"{MAIN}definedNames/{MAIN}definedName"):
        scope = name.attrib.get("localSheetId")
        sheet_name = order[int(scope)] if scope else None
        names[sheet_name, name.attrib["name"].lower()] = name.text or ""
    properties = book.find(f"{MAIN}workbookPr")
    tables: dict[str, Table] = {}
    formulas: list[Formula] = []
    last_rows: dict[str, int] = {}
    hidden = set()
    changed: dict[str, bytes] = {}
    for sheet, part in parts.items():
        tables |= {table.name.lower(): table for table in _tables(package, sheet, part)}
        xml = package.read(part)
        last_rows[sheet] = _last_row(xml)
        if re.search(rb"<row [^>]*hidden=", xml):
            hidden.add(sheet)
        if not re.search(rb"<(\w+:)?f[ />]", xml):
            continue
        tree = ElementTree.fromstring(xml)
        formulas += _formulas(tree, sheet)
        if _drop_cached_spills(tree):
            ElementTree.register_namespace("", MAIN.strip("{}"))
            changed[part] = ElementTree.tostring(tree, "utf-8", xml_declaration=True)
    return Package(
        content=_with_parts(package, changed) if changed else content,
        sheets=tuple(parts),
        tables=tables,
        names=names,
        formulas=tuple(formulas),
        last_rows=last_rows,
        hidden=frozenset(hidden),
        date1904=properties is not None and properties.attrib.get("date1904") in ("1", "true"),
    )


def _relations(package: zipfile.ZipFile, part: str) -> Iterator[tuple[str, str, str]]:
    """Kind, id and target part of each relation of a part."""
    folder, name = posixpath.split(part)
    rels = posixpath.join(folder, "_rels", f"{name}.rels")
    if rels not in package.namelist():
        return
    for relation in ElementTree.fromstring(package.read(rels)):
        if relation.attrib.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, relation.attrib["Target"]))
            kind = relation.attrib["Type"].rpartition("/")[2]
            yield kind, relation.attrib["Id"], target.lstrip("/")


def _tables(package: zipfile.ZipFile, sheet: str, part: str) -> Iterator[Table]:
    for kind, _, target in _relations(package, part):
        if kind == "table":
            table = ElementTree.fromstring(package.read(target))
            columns = table.iterfind(f"{MAIN}tableColumns/{MAIN}tableColumn")
            yield Table(
                name=table.attrib["displayName"],
                area=area(sheet, table.attrib["ref"]),
                columns=tuple(_unescaped(column.attrib["name"]) for column in columns),
                header=int(table.attrib.get("headerRowCount", 1)),
                totals=int(table.attrib.get("totalsRowCount", 0)),
            )


def _formulas(tree: ElementTree.Element, sheet: str) -> Iterator[Formula]:
    for cell in tree.iter(f"{MAIN}c"):
        formula = cell.find(f"{MAIN}f")
        if formula is None:
            continue
        anchor = area(sheet, cell.attrib["r"])
        kind = formula.attrib.get("t")
        yield Formula(
            sheet,
            anchor.top,
            anchor.left,
            # The text of a cell that shares another's formula comes from the engine's loader.
            "" if kind == "shared" else formula.text or "",
            area(sheet, formula.attrib["ref"]) if kind == "array" else None,
            "cm" in cell.attrib,
        )


def _drop_cached_spills(tree: ElementTree.Element) -> bool:
    """Take the cells that formulas have spilled into out of a sheet; whether there were any."""
    spills = []
    for cell in tree.iter(f"{MAIN}c"):
        formula = cell.find(f"{MAIN}f")
        if formula is not None and formula.attrib.get("t") == "array":
            spill = area("", formula.attrib["ref"])
            if spill[1:3] != spill[3:5]:
                spills.append((spill, cell))
    for row in tree.iter(f"{MAIN}row") if spills else ():
        for cell in list(row):
            here = area("", cell.attrib["r"])
            if any(here.touches(spill) and cell is not anchor for spill, anchor in spills):
                row.remove(cell)
    return bool(spills)


def _last_row(xml: bytes) -> int:
    start = xml.rfind(b"<row ")
    number = re.search(rb'\br="(\d+)"', xml[start : xml.find(b">", start)]) if start >= 0 else None
    return int(number[1]) if number else LAST_ROW if start >= 0 else 1


def _with_parts(package: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as copy:
        for part in package.namelist():
            copy.writestr(part, changed.get(part) or package.read(part))
    return content.getvalue()


def _unescaped(text: str) -> str:
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


# Addresses


def area(sheet: str, address: str) -> Area:
    """An A1 address, one cell or a block, as an area. Raises ValueError if it is none."""
    first, _, last = address.partition(":")
    corners = [CELL.fullmatch(first), CELL.fullmatch(last or first)]
    if not all(corners):
        raise ValueError(f"{address!r} is not an address")
    top, bottom = sorted(int(corner[2]) for corner in corners if corner)
    left, right = sorted(column_number(corner[1]) for corner in corners if corner)
    if not (top >= 1 and bottom <= LAST_ROW and right <= LAST_COLUMN):
        raise ValueError(f"{address!r} is outside a sheet")
    return Area(sheet, top, left, bottom, right)


@cache
def column_number(letters: str) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """A for 1, AA for 27."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def quoted(sheet: str) -> str:
    """A sheet's name as formulas write it, in quotes where it needs them."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z_0-9.]*", sheet) and not re.fullmatch(
        r"[A-Za-z]{1,3}\d+|[RrCc]\d*", sheet
    ):
        return sheet
    return "'" + sheet.replace("'", "''") + "'"
