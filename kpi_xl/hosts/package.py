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
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATIONSHIP_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
LAST_ROW, LAST_COLUMN = 1048576, 16384
OLD_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}
FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
ROW_NUMBER = re.compile(rb"<(?:\w+:)?row\s(?:[^>]*?\s)?r\s*=\s*[\"'](\d+)")
ISO_DATE = re.compile(rb"<(?:\w+:)?c\s[^>]*?\bt\s*=\s*[\"']d[\"']")
HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\s[^>]*?\bhidden\s*=\s*[\"'](?:1|true)[\"']")
ERROR_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*?\bt\s*=\s*[\"']e[\"']")
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
    def spans(self) -> bool:
        """Whether it filled more than its own cell."""
        return self.area[1:3] != self.area[3:5]

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
    """The last row in the file of each sheet that numbers its rows; spills may reach further."""
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
    except NotAWorkbookError:
        raise
    except (zipfile.BadZipFile, KeyError, StopIteration, ValueError, SyntaxError) as error:
        raise NotAWorkbookError(
            f"it is not an .xlsx workbook, or it is damaged ({error})"
        ) from None


def error_cells(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """The errors on a sheet of a workbook by row and column, counted from 1."""
    try:
        with zipfile.ZipFile(path) as package:
            xml = package.read(_sheet_part(package, sheet))
            if not ERROR_CELL.search(xml):
                return {}
            return {
                (place.top, place.left): cell.findtext(f"{MAIN}v") or "#N/A"
                for place, cell, _ in _cells(ElementTree.fromstring(xml), sheet)
                if cell.attrib.get("t") == "e"
            }
    except (zipfile.BadZipFile, KeyError, StopIteration, ValueError, SyntaxError) as error:
        raise NotAWorkbookError(f"it is damaged ({error})") from None


def _sheet_part(package: zipfile.ZipFile, sheet: str) -> str:
    book_part = next(part for kind, _, part in _relations(package, "") if kind == "officeDocument")
    parts = {key: part for _, key, part in _relations(package, book_part)}
    for entry in ElementTree.fromstring(package.read(book_part)).iter(f"{MAIN}sheet"):
        if entry.attrib["name"] == sheet:
            return parts[entry.attrib[RELATIONSHIP_ID]]
    raise NotAWorkbookError("it is in the strict form of Open XML: save it as Excel Workbook")


def _read(package: zipfile.ZipFile, content: bytes) -> Package:
    book_part = next(part for kind, _, part in _relations(package, "") if kind == "officeDocument")
    book = ElementTree.fromstring(package.read(book_part))
    if not book.tag.startswith(MAIN):
        raise NotAWorkbookError("it is in the strict form of Open XML: save it as Excel Workbook")
    parts = {key: (kind, part) for kind, key, part in _relations(package, book_part)}
    order = book.findall(f"{MAIN}sheets/{MAIN}sheet")
    names = {}
    for name in book.iterfind(f"{MAIN}definedNames/{MAIN}definedName"):
        scope = name.attrib.get("localSheetId")
        sheet_name = order[int(scope)].attrib["name"] if scope else None
        names[sheet_name, name.attrib["name"].lower()] = name.text or ""
    properties = book.find(f"{MAIN}workbookPr")
    sheets: list[str] = []
    tables: dict[str, Table] = {}
    formulas: list[Formula] = []
    last_rows: dict[str, int] = {}
    hidden = set()
    changed: dict[str, bytes] = {}
    for entry in order:
        kind, part = parts[entry.attrib[RELATIONSHIP_ID]]
        if kind != "worksheet":
            continue
        sheet = entry.attrib["name"]
        sheets.append(sheet)
        tables |= {table.name.lower(): table for table in _tables(package, sheet, part)}
        xml = package.read(part)
        numbers = [int(number) for number in ROW_NUMBER.findall(xml)]
        if len(numbers) == len(ROW.findall(xml)):
            last_rows[sheet] = max(numbers, default=0)
        if ISO_DATE.search(xml):
            raise NotAWorkbookError("its dates are stored as texts: open it in Excel and save it")
        if HIDDEN_ROW.search(xml):
            hidden.add(sheet)
        if not FORMULA.search(xml):
            continue
        tree = ElementTree.fromstring(xml)
        cells = list(_cells(tree, sheet))
        formulas += _formulas(cells)
        if _drop_cached(cells):
            ElementTree.register_namespace("", MAIN.strip("{}"))
            changed[part] = ElementTree.tostring(tree, "utf-8", xml_declaration=True)
    return Package(
        content=_with_parts(package, changed) if changed else content,
        sheets=tuple(sheets),
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


def _cells(
    tree: ElementTree.Element, sheet: str
) -> Iterator[tuple[Area, ElementTree.Element, ElementTree.Element]]:
    """Each cell of a sheet with its place and its row; both may leave their numbers out."""
    number = 0
    for row in tree.iter(f"{MAIN}row"):
        number = int(row.attrib.get("r", number + 1))
        column = 0
        for cell in row.iterfind(f"{MAIN}c"):
            address = CELL.fullmatch(cell.attrib.get("r", ""))
            column = column_number(address[1]) if address else column + 1
            yield Area(sheet, number, column, number, column), cell, row


def _formulas(
    cells: list[tuple[Area, ElementTree.Element, ElementTree.Element]],
) -> Iterator[Formula]:
    for place, cell, _ in cells:
        formula = cell.find(f"{MAIN}f")
        if formula is None:
            continue
        kind = formula.attrib.get("t")
        text = formula.text or ""
        if kind == "dataTable":
            text = "TABLE()"  # a what-if table, which is no formula; so it is refused by its name
        elif kind == "shared":
            text = ""  # the engine's loader knows it also where another cell has the text
        array = area(place.sheet, formula.attrib["ref"]) if kind == "array" else None
        yield Formula(place.sheet, place.top, place.left, text, array, "cm" in cell.attrib)


def _drop_cached(cells: list[tuple[Area, ElementTree.Element, ElementTree.Element]]) -> bool:
    """Take out of a sheet what the engine trips over; whether there was any.

    That is the cells that formulas have spilled into, and newer errors as results of formulas.
    """
    dropped = False
    spills = []
    for place, cell, _ in cells:
        formula, value = cell.find(f"{MAIN}f"), cell.find(f"{MAIN}v")
        if formula is None:
            continue
        if formula.attrib.get("t") == "array":
            spill = area(place.sheet, formula.attrib["ref"])
            if spill != place:
                spills.append((spill, cell))
        if value is not None and cell.attrib.get("t") == "e" and value.text not in OLD_ERRORS:
            cell.remove(value)
            del cell.attrib["t"]
            dropped = True
    for place, cell, row in cells if spills else ():
        inside = any(place.touches(spill) and cell is not anchor for spill, anchor in spills)
        if inside and cell.find(f"{MAIN}f") is None:
            row.remove(cell)
    return dropped or bool(spills)


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
    corners = CELL.fullmatch(first), CELL.fullmatch(last or first)
    if not corners[0] or not corners[1]:
        raise ValueError(f"{address!r} is not an address")
    top, bottom = sorted((int(corners[0][2]), int(corners[1][2])))
    left, right = sorted((column_number(corners[0][1]), column_number(corners[1][1])))
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
