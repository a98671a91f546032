"""What the calculator needs to know of an .xlsx file, and what its loader does not keep.

Tables, defined names, and which formulas are arrays, read from the parts of the package.
"""

import io
import posixpath
import re
import zipfile
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from kpi_xl.errors import NOT_COMPUTED
from kpi_xl.ooxml.addresses import LAST_ROW, Area, area, column_letters, quoted
from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.blocks import CellBlock, with_blocks
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.formats import Signs, signs_in_sheet, signs_of_styles
from kpi_xl.ooxml.limits import check_formula, check_rectangle, check_sizes, check_texts, opened
from kpi_xl.ooxml.namespaces import MAIN, OFFICE
from kpi_xl.ooxml.sheet import (
    BadSheetError,
    Edit,
    SheetXml,
    XmlCell,
    attribute,
    text_of,
)
from kpi_xl.workbook_names import TEMPLATE

TAG = f"{{{MAIN}}}"
RELATIONSHIP_ID = f"{{{OFFICE}}}id"
TYPES = "[Content_Types].xml"
WORKBOOK = "officeDocument"  # the kind of the relation to the workbook itself
OLD_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}
ISO_DATE = re.compile(rb"<(?:\w+:)?c\s[^>]*?\bt\s*=\s*[\"']d[\"']")
HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\s[^>]*?\bhidden\s*=\s*[\"'](?:1|true)[\"']")
UNVALUED = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^>]*)?/>)\s*"
    rb"(?:</(?:\w+:)?c>|<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*<)"
)
ERROR_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*?\bt\s*=\s*[\"']e[\"']")
MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*>")
TEXT = re.compile(rb"<(?:\w+:)?si[\s/>]")
SHORT = 60  # letters: no formula of so few is too deep
COMPOUND_FILE = bytes.fromhex("D0CF11E0A1B11AE1")


@dataclass(frozen=True)
class ExcelTable:
    """An Excel table: the whole block, and which rows of it are not data."""

    name: str
    area: Area
    columns: tuple[str, ...]
    header: int
    totals: int

    def has(self, sheet: str | None, row: int, column: int) -> bool:
        """Whether a cell is one of it; another table may be beside it."""
        home, top, left, bottom, right = self.area
        return sheet == home and top <= row <= bottom and left <= column <= right


@dataclass(frozen=True, eq=False)
class Formula:
    """A formula cell, its text without the equals sign.

    `array` is the block that it filled when the file was saved, None for a formula of one cell.
    An array that is not `dynamic` is one of old (Ctrl+Shift+Enter), which fills just that block.
    A text that is shared is that of another cell, so many rows and columns away: `moved`.
    """

    sheet: str
    row: int
    column: int
    text: str
    array: Area | None = None
    dynamic: bool = False
    moved: tuple[int, int] = (0, 0)

    @property
    def spans(self) -> bool:
        """Whether it filled more than its own cell."""
        return self.array is not None and self.array[1:3] != self.array[3:5]

    @property
    def own_area(self) -> Area:
        """The cell that it is in."""
        return Area(self.sheet, self.row, self.column, self.row, self.column)

    @property
    def area(self) -> Area:
        """The cells that it filled."""
        return self.array or self.own_area

    @property
    def cell(self) -> str:
        """The address as people write it: Orders!B5."""
        return f"{quoted(self.sheet)}!{column_letters(self.column)}{self.row}"


@dataclass(frozen=True)
class Package:
    """A workbook: its sheets in order, tables, names and formulas."""

    source: bytes
    """The file."""
    parts: dict[str, str]
    """The part of each worksheet."""
    xml: dict[str, SheetXml]
    """The XML of those with formulas."""
    edits: dict[str, list[Edit]]
    """What is to go from the XML of a sheet before an engine reads it: the cells of old spills."""
    tables: dict[str, ExcelTable]
    names: dict[tuple[str | None, str], str]
    formulas: tuple[Formula, ...]
    last_rows: dict[str, int]
    """The last row of each sheet with a cell of its own; spills may reach further."""
    hidden: frozenset[str]
    """The sheets with hidden rows."""
    merged: tuple[Area, ...]
    unreadable: tuple[Area, ...]
    """Cells without formulas that hold what the engine does not know: newer errors, data types."""
    texts_part: str | None
    """The part of the texts that cells share."""
    date1904: bool
    precision_as_shown: bool
    signed: bool
    by_excel: bool
    """Whether Excel wrote it last, as far as the file tells, and left no value to be computed."""
    blocks: tuple[CellBlock, ...] = ()
    """Cells that the file has not."""

    @property
    def sheets(self) -> tuple[str, ...]:
        """The worksheets in order."""
        return tuple(self.parts)

    def place(self, name: str) -> Area | None:
        """The cells of a name of the workbook, None where it has it no more, or not as cells."""
        sheet, _, address = self.names.get((None, name.lower()), "").rpartition("!")
        named = sheet.removeprefix("'").removesuffix("'").replace("''", "'").lower()
        there = next((name for name in self.parts if name.lower() == named), None)
        try:
            return area(there, address) if there else None
        except ValueError:  # #REF!, where the cells have been deleted
            return None


def with_cells(book: Package, blocks: Sequence[CellBlock]) -> Package:
    """A workbook that has been read, with blocks of cells: a million rows take long to read."""
    if not blocks:
        return book
    heads = {block.whole[:3]: block.whole for block in blocks}
    last_rows = dict(book.last_rows)
    for sheet, *_, bottom, _ in heads.values():
        last_rows[sheet] = max(last_rows[sheet], bottom)
    tables = {
        name: replace(table, area=heads.get(table.area[:3], table.area))
        for name, table in book.tables.items()
    }
    return replace(book, last_rows=last_rows, tables=tables, blocks=tuple(blocks))


def filled(content: bytes, blocks: Sequence[CellBlock]) -> bytes:
    """A workbook's file with blocks of cells."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return with_members(content, _filled(package, blocks))


def _filled(package: zipfile.ZipFile, blocks: Sequence[CellBlock]) -> dict[str, bytes]:
    """The parts that blocks of cells change: sheets, and their tables, which become longer."""
    changed: dict[str, bytes] = {}
    for sheet in dict.fromkeys(block.area.sheet for block in blocks):
        here = [block for block in blocks if block.area.sheet == sheet]
        part = sheet_parts(package)[sheet]
        changed[part] = with_blocks(package.read(part), here)
        heads = {block.whole[:3]: block.whole for block in here}
        for kind, _, target in _relations(package, part):
            if kind != "table":
                continue
            table = package.read(target)
            address = ElementTree.fromstring(table).attrib["ref"]
            place = area(sheet, address)
            grown = heads.get(place[:3], place).address
            changed[target] = table.replace(f'ref="{address}"'.encode(), f'ref="{grown}"'.encode())
    return changed


def read_package(content: bytes, *, computing: bool = True) -> Package:
    """Read a workbook; unless for computing, without what spills and strange errors have filled.

    Keys of tables and names are in lower case; a name's first key is its sheet, None for the
    workbook's own. Raises NotAWorkbookError.
    """
    if content.startswith(COMPOUND_FILE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise NotAWorkbookError("it is encrypted: save it without a password to open it")
        raise NotAWorkbookError("it is an old .xls workbook: save it as Excel Workbook (.xlsx)")
    with opened(content) as package:
        return _read(package, content, computing=computing)


def table_places(file: Path) -> dict[str, ExcelTable]:
    """The tables of a workbook by their names in lower case. Raises NotAWorkbookError.

    The first look at a file that another parser is to read: its parts are what they claim to be.
    """
    with opened(file) as package:
        check_sizes(package)
        return {
            table.name.lower(): table
            for sheet, part in sheet_parts(package).items()
            for table in _tables(package, sheet, part)
        }


class Untold(NamedTuple):
    """What another parser does not tell of a sheet's cells: rows and columns counted from 1.

    A formula that no program has computed, as in a file that a script wrote, is NOT_COMPUTED.
    """

    errors: dict[tuple[int, int], str]
    hidden: list[int]
    """The rows that are hidden, by a filter or by hand."""
    merged: list[tuple[int, int, int, int]]
    """The first and last row and column of cells that are merged: top, left, bottom, right."""
    signs: Signs
    """The cells whose number format has a currency's sign."""


def untold(file: bytes | Path, sheet: str, table: ExcelTable | None = None) -> Untold:
    """What another parser does not tell of a sheet of a workbook.

    Raises NotAWorkbookError, also where the sheet or its table spans far more cells than there are,
    all of which another parser would make.
    """
    with opened(file) as package:
        parts = sheet_parts(package)
        if sheet not in parts:
            raise NotAWorkbookError(
                "it is in the strict form of Open XML: save it as Excel Workbook"
            )
        xml = _sheet(package, sheet, parts[sheet])
        check_texts(xml, _texts(package))
        check_rectangle(xml, table.area if table else None)
        merged = [area("", attribute(tag, "ref"))[1:] for tag in MERGED.findall(xml.xml, xml.end)]
        return Untold(_error_cells(xml), _hidden_rows(xml), merged, _signs(package, xml))


def _error_cells(xml: SheetXml) -> dict[tuple[int, int], str]:
    """The errors, and the formulas without a value."""
    found: dict[tuple[int, int], str] = {}
    if UNVALUED.search(xml.xml, xml.start, xml.end):
        for cell in xml.formula_cells():
            # Excel writes an empty text so, too, and says that it is one.
            if not (cell.value and cell.value.content) and cell.attribute("t") != "str":
                found[cell.row, cell.column] = NOT_COMPUTED
    if not ERROR_CELL.search(xml.xml):
        return found
    computed = [(cell, text_of(cell.value.content)) for cell in xml.formula_cells() if cell.value]
    for cell, text in (*computed, *xml.error_cells()):
        if cell.attribute("t") == "e":
            found[cell.row, cell.column] = text
    return found


def _signs(package: zipfile.ZipFile, xml: SheetXml) -> Signs:
    for kind, _, part in _relations(package, book_part(_relations(package, ""))):
        if kind == "styles" and part in package.namelist():
            return signs_in_sheet(xml, signs_of_styles(package.read(part)))
    return {}


def _hidden_rows(xml: SheetXml) -> list[int]:
    if b"hidden" not in xml.xml:
        return []
    found = HIDDEN_ROW.finditer(xml.xml, xml.start, xml.end)
    return [xml.numbers[bisect_right(xml.places, tag.start()) - 1] for tag in found]


def is_of_a_template(content: bytes) -> bool:
    """Whether a workbook was made from a template of ours. Raises NotAWorkbookError."""
    with opened(content) as package:
        book = book_part(_relations(package, ""))
        if not book:
            return False
        names = ElementTree.fromstring(package.read(book)).iter(f"{TAG}definedName")
        return any(name.attrib.get("name") == TEMPLATE for name in names)


def rows_below(content: bytes) -> dict[str, list[int]]:
    """The sheet rows with cells below each table that has any, by its name: no table counts them.

    Raises NotAWorkbookError.
    """
    found: dict[str, list[int]] = {}
    with opened(content) as package:
        for sheet, part in sheet_parts(package).items():
            tables = list(_tables(package, sheet, part))
            if not tables:
                continue
            xml = _sheet(package, sheet, part)
            for table in tables:
                below = table.area._replace(top=table.area.bottom + 1, bottom=LAST_ROW)
                cells = xml.block_cells(below)
                rows = {cell.row for cell in cells if cell.value and cell.value.content}
                if rows:
                    found[table.name] = sorted(rows)
    return found


def check_sheets(content: bytes) -> None:
    """Pass, or raise NotAWorkbookError, for a workbook that another program is to read."""
    with opened(content) as package:
        check_sizes(package)
        book = book_part(_relations(package, ""))
        if not book or book.endswith(".bin"):
            return  # of another form (.ods, .xlsb), which that program knows
        for sheet, part in sheet_parts(package).items():
            check_rectangle(_sheet(package, sheet, part))


def sheet_parts(package: zipfile.ZipFile) -> dict[str, str]:
    """The part of each worksheet by its name; none of a workbook in the strict form."""
    book = book_part(_relations(package, ""))
    parts = {key: part for kind, key, part in _relations(package, book) if kind == "worksheet"}
    return {
        entry.attrib["name"]: parts[entry.attrib[RELATIONSHIP_ID]]
        for entry in ElementTree.fromstring(package.read(book)).iter(f"{TAG}sheet")
        if entry.attrib[RELATIONSHIP_ID] in parts
    }


def _read(package: zipfile.ZipFile, content: bytes, *, computing: bool) -> Package:
    if "content.xml" in package.namelist():
        raise NotAWorkbookError("it is an OpenDocument file: save it as Excel Workbook (.xlsx)")
    if TYPES not in package.namelist():  # no spreadsheet program opens it, nor what is made of it
        raise NotAWorkbookError("it is damaged (its part {part} is missing)", part=TYPES)
    relations = list(_relations(package, ""))
    book_name = book_part(relations)
    if book_name.endswith(".bin"):
        raise NotAWorkbookError("it is an .xlsb workbook: save it as Excel Workbook (.xlsx)")
    book = ElementTree.fromstring(package.read(book_name))
    if not book.tag.startswith(TAG):
        raise NotAWorkbookError("it is in the strict form of Open XML: save it as Excel Workbook")
    targets = {key: (kind, part) for kind, key, part in _relations(package, book_name)}
    order = book.findall(f"{TAG}sheets/{TAG}sheet")
    names = _names(book, order)
    properties, settings = book.find(f"{TAG}workbookPr"), book.find(f"{TAG}calcPr")
    texts, whole = _texts(package), set(package.namelist())
    parts: dict[str, str] = {}
    xml: dict[str, SheetXml] = {}
    tables: dict[str, ExcelTable] = {}
    formulas: list[Formula] = []
    last_rows: dict[str, int] = {}
    hidden = set()
    merged: list[Area] = []
    unreadable: list[Area] = []
    edits: dict[str, list[Edit]] = {}
    for entry in order:
        kind, part = targets.get(entry.attrib[RELATIONSHIP_ID], ("", ""))
        if kind != "worksheet":
            continue  # Excel keeps modules of old macros as sheets without a part
        name = entry.attrib["name"]
        parts[name] = part
        tables |= {table.name.lower(): table for table in _tables(package, name, part)}
        sheet = _sheet(package, name, part)
        check_texts(sheet, texts)
        if re.search(rb"[\"']d[\"']", sheet.xml) and ISO_DATE.search(sheet.xml):
            raise NotAWorkbookError("its dates are stored as texts: open it in Excel and save it")
        if b"hidden" in sheet.xml and HIDDEN_ROW.search(sheet.xml):
            hidden.add(name)
        merged += [
            area(name, attribute(tag, "ref")) for tag in MERGED.findall(sheet.xml, sheet.end)
        ]
        cells = list(sheet.formula_cells())
        if cells:
            xml[name] = sheet
        formulas += _formulas(name, cells)
        if computing:
            spilled = _spilled(name, sheet, cells)
            last_rows[name] = _last_row(sheet, spilled)
            strange = _strange(sheet, spilled)
            unreadable += [Area(name, *cell[:2], *cell[:2]) for cell in strange]
            edits[name] = [(cell.start, cell.end, b"") for cell in (*strange, *spilled.values())]
    if not parts:
        raise NotAWorkbookError("it has no worksheet")
    return Package(
        source=content,
        parts=parts,
        xml=xml,
        edits=edits,
        tables=tables,
        names=names,
        formulas=tuple(formulas),
        last_rows=last_rows,
        hidden=frozenset(hidden),
        merged=tuple(merged),
        unreadable=tuple(unreadable),
        texts_part=next(
            (part for kind, part in targets.values() if kind == "sharedStrings" and part in whole),
            None,
        ),
        date1904=properties is not None and properties.attrib.get("date1904") in ("1", "true"),
        precision_as_shown=settings is not None
        and settings.attrib.get("fullPrecision") in ("0", "false"),
        by_excel=_is_by_excel(package, relations, settings),
        signed=any(part.startswith("_xmlsignatures/") for _, _, part in relations),
    )


def _names(
    book: ElementTree.Element, order: Sequence[ElementTree.Element]
) -> dict[tuple[str | None, str], str]:
    """The defined names, by their sheet, if they have one. Raises NotAWorkbookError."""
    names: dict[tuple[str | None, str], str] = {}
    for defined in book.iterfind(f"{TAG}definedNames/{TAG}definedName"):
        scope = defined.attrib.get("localSheetId")
        if scope and not 0 <= int(scope) < len(order):
            raise NotAWorkbookError("it is damaged (a name belongs to a sheet that there is not)")
        scope_name = order[int(scope)].attrib["name"] if scope else None
        names[scope_name, defined.attrib["name"].lower()] = defined.text or ""
    return names


def _is_by_excel(
    package: zipfile.ZipFile,
    relations: list[tuple[str, str, str]],
    settings: ElementTree.Element | None,
) -> bool:
    """Other programs name themselves, or ask Excel to compute everything when it opens the file."""
    properties = {} if settings is None else settings.attrib
    if properties.get("fullCalcOnLoad") in ("1", "true") or properties.get("calcMode") == "manual":
        return False
    parts = [part for kind, _, part in relations if kind == "extended-properties"]
    if not parts or parts[0] not in package.namelist():
        return False
    application = ElementTree.fromstring(package.read(parts[0])).find("{*}Application")
    name = (application.text or "") if application is not None else ""
    return name in ("Microsoft Excel", "Microsoft Macintosh Excel")


def _sheet(package: zipfile.ZipFile, name: str, part: str) -> SheetXml:
    """The XML of a worksheet. Raises NotAWorkbookError."""
    try:
        return SheetXml(package.read(part))
    except BadSheetError as error:
        raise NotAWorkbookError(
            "the XML of sheet {name} is not as Excel writes it ({error}): open it in Excel"
            " and save it",
            name=name,
            error=error,
        ) from None


def _texts(package: zipfile.ZipFile) -> int:
    """How many texts the cells of a workbook share."""
    for kind, _, part in _relations(package, book_part(_relations(package, ""))):
        if kind == "sharedStrings" and part in package.namelist():
            return len(TEXT.findall(package.read(part)))
    return 0  # some programs name the part, and have none: then no cell may refer to it


def _relations(package: zipfile.ZipFile, part: str) -> Iterator[tuple[str, str, str]]:
    """Kind, id and target part of each relation of a part."""
    rels = rels_of(part)
    if rels in package.namelist():
        yield from relations(package.read(rels), part)


def rels_of(part: str) -> str:
    """The part that holds the relations of another; the package's own are those of ""."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def book_part(related: Iterable[tuple[str, str, str]]) -> str:
    """The part of the workbook itself, by the package's relations; empty where there is none."""
    return next((part for kind, _, part in related if kind == WORKBOOK), "")


def relations(xml: bytes, part: str) -> Iterator[tuple[str, str, str]]:
    """Kind, id and target part of the relations of a part, from their XML."""
    folder = posixpath.dirname(part)
    for relation in ElementTree.fromstring(xml):
        if relation.attrib.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, relation.attrib["Target"]))
            kind = relation.attrib["Type"].rpartition("/")[2]
            yield kind, relation.attrib["Id"], target.lstrip("/")


def _tables(package: zipfile.ZipFile, sheet: str, part: str) -> Iterator[ExcelTable]:
    for kind, _, target in _relations(package, part):
        if kind == "table":
            table = ElementTree.fromstring(package.read(target))
            columns = table.iterfind(f"{TAG}tableColumns/{TAG}tableColumn")
            yield ExcelTable(
                name=table.attrib["displayName"],
                area=area(sheet, table.attrib["ref"]),
                columns=tuple(unescaped(column.attrib["name"]) for column in columns),
                header=int(table.attrib.get("headerRowCount", 1)),
                totals=int(table.attrib.get("totalsRowCount", 0)),
            )


def _formulas(name: str, cells: list[XmlCell]) -> Iterator[Formula]:
    shared: dict[str, tuple[XmlCell, str]] = {}
    for cell in cells:
        found = cell.formula
        tag = found[0] if found else b""
        if b"=" not in tag:  # a formula of one cell with a text of its own
            yield Formula(
                name, cell.row, cell.column, checked(name, cell.row, cell.column, cell.formula_text)
            )
            continue
        kind, text, moved = attribute(tag, "t"), cell.formula_text, (0, 0)
        if kind == "dataTable":
            text = "TABLE()"  # a what-if table, which is no formula; so it is refused by its name
        elif kind == "shared" and text:
            shared[attribute(tag, "si")] = cell, checked(name, cell.row, cell.column, text)
        elif kind == "shared":
            source, text = shared[attribute(tag, "si")]
            moved = cell.row - source.row, cell.column - source.column
            yield Formula(name, cell.row, cell.column, text, None, False, moved)
            continue
        filled = kind in ("array", "dataTable")
        array = area(name, attribute(tag, "ref")) if filled else None
        dynamic = kind == "array" and bool(cell.attribute("cm"))
        yield Formula(
            name,
            cell.row,
            cell.column,
            checked(name, cell.row, cell.column, text),
            array,
            dynamic,
            moved,
        )


def checked(sheet: str, row: int, column: int, text: str) -> str:
    """A formula's text. Raises NotAWorkbookError."""
    if len(text) > SHORT:
        check_formula(text, lambda: f"{quoted(sheet)}!{column_letters(column)}{row}")
    return text


def _spilled(name: str, sheet: SheetXml, cells: list[XmlCell]) -> dict[int, XmlCell]:
    """The cells that formulas had spilled into, by their places, for the engine trips over them."""
    anchors = {cell.start for cell in cells}
    return {
        other.start: other
        for cell in cells
        if cell.body and b"array" in cell.body
        if cell.formula and attribute(cell.formula[0], "t") == "array"
        for other in sheet.block_cells(area(name, attribute(cell.formula[0], "ref")))
        if other.start not in anchors
    }


def _strange(sheet: SheetXml, spilled: Collection[int]) -> list[XmlCell]:
    """The cells without formulas that hold what an engine does not know."""
    return [
        cell
        for cell, text in sheet.error_cells()
        if cell.start not in spilled and (_is_new_error(cell, text) or cell.attribute("vm"))
    ]


def _last_row(sheet: SheetXml, spilled: Collection[int]) -> int:
    """The last row with a cell that no formula has spilled into; 0 if there is none."""
    if not spilled:
        return sheet.last_row
    for index in range(len(sheet.numbers) - 1, -1, -1):
        if any(cell.start not in spilled for cell in sheet.cells(index)):
            return sheet.numbers[index]
    return 0


def _is_new_error(cell: XmlCell, text: str) -> bool:
    """Whether it holds an error that Excel has only known since dynamic arrays."""
    return cell.attribute("t") == "e" and text not in OLD_ERRORS


def unescaped(text: str) -> str:
    """A text as cells have it, from one that the file has with _xHHHH_ for some characters."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)
