"""What the validators of Open XML let pass in a workbook, but Excel or another host does not.

`lint` reads a workbook into one record, then asks each rule: a plain function over that record, or
over one formula of it, that yields what it finds.
"""

import io
import math
import posixpath
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from functools import lru_cache
from itertools import chain, combinations
from typing import Literal, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from openpyxl.utils import FORMULAE

from kpi_xl.engine import native
from kpi_xl.engine.formulas import Context, read, tokens_of
from kpi_xl.engine.patterns import Patterns
from kpi_xl.engine.places import address_area, is_relative
from kpi_xl.engine.terms import RefusedError
from kpi_xl.errors import EXCEL_ERRORS
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import (
    CELL,
    LAST_COLUMN,
    LAST_ROW,
    Area,
    area,
    column_letters,
    column_number,
    quoted,
)
from kpi_xl.ooxml.package import RELATIONSHIP_ID, Formula, Package, read_package, unescaped

LONGEST_FORMULA, LONGEST_LITERAL, LONGEST_TEXT = 8192, 255, 32_767
DEEPEST, MOST_ARGUMENTS = 64, 255
LARGEST_SPILL = 250_000  # cells: Excel on the web takes answers of 5 MB, at about 20 bytes a cell
HIDES_ERRORS = {"IFERROR", "IFNA"}
SAID_ERROR = "#VALUE!"  # what a formula may give itself; the others are what a lost name leaves
VOLATILE = {"TODAY", "NOW", "RANDBETWEEN", "RANDARRAY", *native.VOLATILE}
NEWER = set(
    "BINOM.DIST CHOOSECOLS CHOOSEROWS CONCAT DAYS IFNA IFS ISOWEEKNUM MAXIFS MINIFS MODE.SNGL"
    " AGGREGATE NORM.DIST NORM.INV NORM.S.DIST NORM.S.INV TEXTJOIN"
    " PERCENTILE.INC QUARTILE.INC RANK.EQ STDEV.P STDEV.S VAR.P VAR.S XLOOKUP XMATCH XOR"
    " ANCHORARRAY SINGLE LET LAMBDA SORT SORTBY SWITCH UNIQUE FILTER".split()
)
"""Functions that files name with _xlfn. before them; Excel shows #NAME? without it."""

WORKSHEET_ONLY = {"FILTER", "SORT"}
"""Newer functions that have _xlws. as well."""

FIXED = re.compile(r"((?:'(?:[^']|'')+')|[^'!\[\]]+)!(\$[A-Z]{1,3}\$\d+(?::\$[A-Z]{1,3}\$\d+)?)")
R1C1 = re.compile(r"R\d*(C\d*)?|C\d*", re.IGNORECASE)
FORMAT_PART = re.compile(
    r'"[^"]*"|\\.|_.|\*.|General|AM/PM|A/P|E[+-]'
    r"|\[(?:Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Color ?\d+|h+|m+|s+"
    r"|(?:[<>]=?|=|<>)-?\d+(?:\.\d+)?|\$[^\]]*)\]"
    r"|y+|m+|d+|h+|s+|[0#?.,%/@:;$()+'\s-]|[^\x00-\x7f]",
    re.IGNORECASE,
)

BORDER = 12 * 9525  # an empty edge of a chart that may be left out on paper, in drawings' units

Kind = Literal["cell", "name", "validation", "conditional format"]


class Cell(NamedTuple):
    """A cell as the file has it: its type, its value as text, whether it has a formula.

    `marked`: its style says that it is text, however it begins.
    """

    kind: str
    text: str | None
    has_formula: bool
    marked: bool


class Frame(NamedTuple):
    """Where a chart is: each edge as the row or column that it is in, from 0, and how far in it."""

    left: tuple[int, int]
    top: tuple[int, int]
    right: tuple[int, int]
    bottom: tuple[int, int]


class Sheet(NamedTuple):
    """A sheet: its part, its cells by row and column counted from 1, and what belongs to it."""

    name: str
    xml: Element
    cells: dict[tuple[int, int], Cell]
    tables: list[Element]
    comments: list[Element]
    charts: list[Element]
    frames: list[Frame]
    links: dict[str, str]
    """Targets outside the file, by the id of their relation."""


class Expression(NamedTuple):
    """A formula anywhere in the workbook; `place` is as people would say it."""

    kind: Kind
    place: str
    formula: Formula


class Book(NamedTuple):
    """A workbook, and what the caller lets pass in which cells ("Summary!B5")."""

    package: Package
    patterns: Patterns
    """How the engine reads the formulas of cells, those that are alike together."""
    sheets: list[Sheet]
    names: list[tuple[str, Sheet | None, str]]
    """Name, the sheet that it is for, and text of each defined name."""
    expressions: list[Expression]
    styles: Element
    parts: list[str]
    errors: Set[str]
    volatile: Set[str]

    def sheet(self, name: str) -> Sheet | None:
        """The sheet of a name, however it is spelled."""
        return next((s for s in self.sheets if s.name.lower() == name.lower()), None)


def lint(
    content: bytes, *, errors: Set[str] = frozenset(), volatile: Set[str] = frozenset()
) -> list[str]:
    """All that is wrong with a workbook that we have written, a sentence each: where, and what.

    `errors` and `volatile` are the cells ("Summary!B5") that may show an error, and whose formulas
    may have volatile functions.
    """
    book = opened(content, frozenset(errors), frozenset(volatile))
    found = [problem for rule in BOOK_RULES for problem in rule(book)]
    for sheet in book.sheets:
        found += [f"{sheet.name}: {wrong}" for rule in SHEET_RULES for wrong in rule(sheet, book)]
    for expression in book.expressions:
        wrongs = []
        if (form := form_of(expression)) not in SOUND_FORMS:
            wrongs = [wrong for rule in FORMULA_RULES for wrong in rule(expression, book)]
            if not wrongs and not book.volatile:
                SOUND_FORMS.add(form)
        # What the rules refuse, the reader of formulas would often refuse once more.
        wrongs = wrongs or list(cannot_be_computed(expression, book))
        found += [f"{expression.place}: {wrong}" for wrong in wrongs]
    return found


# Formulas


ROW = re.compile(r"(?<![\w.])(\$?[A-Z]{1,3}\$?)\d{1,5}(?![\w.(])")
SOUND_FORMS: set[tuple[Kind, bool, str]] = set()
"""Formulas without their rows in which the rules below found nothing, in any workbook so far."""


def form_of(expression: Expression) -> tuple[Kind, bool, str]:
    """What the rules on formulas depend on: no rule asks for a row, but for the sheet's last."""
    text = expression.formula.text
    return expression.kind, len(text) >= LONGEST_FORMULA, "".join(ROW.split(text))


def limits(expression: Expression, book: Book) -> Iterator[str]:
    """Excel's limits of a formula."""
    text = expression.formula.text
    if len(text) + 1 > LONGEST_FORMULA:
        yield f"the formula has {len(text) + 1:,} characters, more than {LONGEST_FORMULA:,}"
    counts: list[int] = []  # arguments of the functions that are open, 0 for other brackets
    deepest = most = 0
    for kind, subtype, _ in tokens(text):
        if subtype == "Open":
            counts.append(kind == "Func")
            deepest = max(deepest, sum(map(bool, counts)))
        elif subtype == "Close":
            most = max(most, counts.pop())
        elif kind == "Sep" and counts and counts[-1]:
            counts[-1] += 1
    if deepest > DEEPEST:
        yield f"functions are {deepest} deep in one another, more than {DEEPEST}"
    if most > MOST_ARGUMENTS:
        yield f"a function has {most} arguments, more than {MOST_ARGUMENTS}"
    for kind, subtype, value in tokens(text):
        length = len(value[1:-1].replace('""', '"'))
        if (kind, subtype) == ("Operand", "Text") and length > LONGEST_LITERAL:
            yield f"the text {value[:20]}... has {length} characters, more than {LONGEST_LITERAL}"


def functions(expression: Expression, book: Book) -> Iterator[str]:
    """Functions that every host computes, that hide nothing, under the names that files use."""
    for kind, subtype, value in tokens(expression.formula.text):
        if kind != "Func" or subtype != "Open":
            continue
        prefix, name = re.fullmatch(r"((?:.*!)?(?:_xl\w+\.)*)(.*)\(", value).groups()  # type: ignore[union-attr]
        name = name.upper()
        wanted = "_xlfn." * (name in NEWER) + "_xlws." * (name in WORKSHEET_ONLY)
        if prefix != wanted:
            yield f"{value}) must be stored as {wanted}{name}()"
        elif name == "SINGLE":
            yield "@ takes one cell of a block, another one in each host"
        elif name in HIDES_ERRORS:
            yield f"{name} hides errors that are there: ask for the condition instead"
        elif name in VOLATILE:
            if expression.place not in book.volatile:
                yield f"{name} is computed anew at every change"
        elif name not in METRICS and name not in native.SIGNATURES and name != "ANCHORARRAY":
            yield f"{name} is neither a KPI function nor one that all hosts are known to compute"


def references(expression: Expression, book: Book) -> Iterator[str]:
    """References in the form that every host reads."""
    for kind, subtype, value in tokens(expression.formula.text):
        if (kind, value) == ("OpPostfix", "#"):
            yield "A1# is stored as _xlfn.ANCHORARRAY(A1)"
        elif (kind, value) == ("OpPrefix", "@"):
            yield "@ takes one cell of a block, another one in each host"
        elif kind == "Operand" and subtype == "Error" and value != SAID_ERROR:
            yield f"it holds the error {value}"
        elif kind == "Operand" and subtype == "Range":
            place = address_area("", value.rpartition("!")[2])
            if place and whole(place):
                yield f"{value} is a whole column or row: end it somewhere"
            if "[@" in value:
                yield f"{value} is not read by all hosts: write [[#This Row],[column]]"
            elif re.search(r"\w\[", value) and expression.kind not in ("cell", "name"):
                yield f"{value}: a {expression.kind} takes no references to tables"


def cannot_be_computed(expression: Expression, book: Book) -> Iterator[str]:
    """Formulas that cannot be read, point nowhere, or give another value in another host."""
    formula = expression.formula
    try:
        if expression.kind == "cell":
            if book.patterns.line(formula).term.crossed:
                yield "takes one cell of a range: enter it as a dynamic array formula"
        else:
            read(formula.text, Context(book.package, formula.sheet, formula.row))
    except RefusedError as refused:
        yield str(refused)


# The workbook


def sheet_names(book: Book) -> Iterator[str]:
    """Legal names of sheets."""
    for sheet in book.sheets:
        name = sheet.name
        if not name or len(name) > 31 or re.search(r"[\[\]:*?/\\]|^'|'$", name):
            yield f"{name}: it is no legal name of a sheet"
        if name.lower() == "history":
            yield f"{name}: Excel keeps this name for itself"
    for first, second in combinations(book.sheets, 2):
        if first.name.lower() == second.name.lower():
            yield f"{second.name}: another sheet has this name, too"


def direction(book: Book) -> Iterator[str]:
    """Sheets go from right to left, all or none."""
    across = [flag(view, "rightToLeft") for s in book.sheets for view in all_of(s, "sheetView")]
    if len(set(across)) > 1:
        yield "the workbook: some of its sheets go from right to left, some do not"


def other_files(book: Book) -> Iterator[str]:
    """No links to other workbooks, and no code."""
    for part in book.parts:
        if re.match(r"xl/(externalLinks|connections|queryTables|vbaProject)", part):
            yield f"the workbook: it has the part {part}"


def defined_names(book: Book) -> Iterator[str]:
    """Names that are legal, mean one thing in all places, and are used."""
    one_of_each = {form_of(expression): expression for expression in book.expressions}
    used = {
        value.rpartition("!")[2].lower()
        for expression in one_of_each.values()
        for kind, subtype, value in tokens(expression.formula.text)
        if (kind, subtype) == ("Operand", "Range")
    }
    used |= {
        link.get("location", "").lower() for s in book.sheets for link in all_of(s, "hyperlink")
    }
    seen: set[tuple[str, str]] = set()
    for name, sheet, text in book.names:
        if name.startswith("_xlnm."):
            continue
        place = f"name {name}"
        yield from (f"{place}: {wrong}" for wrong in illegal(name))
        key = sheet.name if sheet else "", name.lower()
        if key in seen:
            yield f"{place}: there are two of it"
        seen.add(key)
        if name.lower() in book.package.tables:
            yield f"{place}: a table has this name, too"
        if any(is_relative(value) for _, _, value in tokens(text)):
            yield f"{place}: {text} means other cells in other places: fix it by dollar signs"
        block = address_area("", text.rpartition("!")[2])
        if block and block[1:3] != block[3:5] and name.lower() not in used:
            # A single cell's name is for those who read the workbook, too.
            yield f"{place}: nothing uses it"


def printed(book: Book) -> Iterator[str]:
    """Print areas and titles that are on their sheets."""
    for name, sheet, text in book.names:
        if not name.startswith("_xlnm.") or name == "_xlnm._FilterDatabase":
            continue
        for reference in re.findall(r"(?:'(?:[^']|'')*'|[^',])+", text) or [text]:
            owner, _, address = reference.rpartition("!")
            place = sheet and address_area(sheet.name, address)
            if re.fullmatch(r"[^\W\d]\w*", owner):
                owner = quoted(owner)  # letters of any script need no quotes
            if (
                sheet is None
                or owner not in (quoted(sheet.name), f"'{sheet.name}'")
                or place is None
                or place.bottom > LAST_ROW
                or place.right > LAST_COLUMN
                or is_relative(address)
            ):
                yield f"{sheet.name if sheet else 'the workbook'}: {name} is {reference!r}"


def table_names(book: Book) -> Iterator[str]:
    """Legal names of tables, each once."""
    names = [table.get("displayName", "") for sheet in book.sheets for table in sheet.tables]
    for name in names:
        yield from (f"table {name}: {wrong}" for wrong in illegal(name))
    lower = [name.lower() for name in names]
    for name in {name for name in lower if lower.count(name) > 1}:
        yield f"table {name}: there are two of it"


def number_formats(book: Book) -> Iterator[str]:
    """Number formats that Excel can read."""
    for entry in book.styles.iterfind(".//{*}numFmt"):
        code = entry.get("formatCode", "")
        sections = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", code).count(";") + 1
        if not code or len(code) > 255 or sections > 4 or FORMAT_PART.sub("", code):
            yield f"the workbook: {code!r} is no legal number format"


# Sheets: cells


def cached_values(sheet: Sheet, book: Book) -> Iterator[str]:
    """Every formula holds a value of the type that it says, and no error."""
    for (row, column), cell in sheet.cells.items():
        if not cell.has_formula:
            continue
        here = address(row, column)
        if cell.text is None:
            yield f"{here} holds no value of its formula"
        elif cell.kind == "e":
            if f"{quoted(sheet.name)}!{here}" not in book.errors:
                yield f"{here} shows {cell.text}"
        elif (cell.kind == "n" and not is_number(cell.text)) or (
            cell.kind == "b" and cell.text not in ("0", "1")
        ):
            yield f"{here} holds {cell.text!r}, which is not of the type that it says"
        elif cell.kind == "str" and cell.text in EXCEL_ERRORS:
            yield f"{here} holds the error {cell.text} as a text"


def constants(sheet: Sheet, book: Book) -> Iterator[str]:
    """Texts that fit a cell, and stay text when somebody edits them; no error as a constant."""
    spilled = {place for spill in spills(sheet, book) for place in places(spill.area)}
    for place, cell in sheet.cells.items():
        text = cell.text or ""
        if cell.kind in ("s", "str", "inlineStr") and len(text) > LONGEST_TEXT:
            yield f"{address(*place)} has a text of {len(text):,} characters"
        if cell.has_formula or place in spilled:
            continue
        if cell.kind == "e":
            yield f"{address(*place)} holds the error {text}"
        if cell.kind in ("s", "str", "inlineStr") and text[:1] in set("=+-@") and not cell.marked:
            yield f"{address(*place)} has a text that turns into a formula when somebody edits it"


def dynamic_arrays(sheet: Sheet, book: Book) -> Iterator[str]:
    """The cells of a spill hold its values, and nothing stands in its way."""
    blocks = spills(sheet, book)
    for spill in blocks:
        here = address(spill.row, spill.column)
        rows, columns = spill.area.bottom - spill.row + 1, spill.area.right - spill.column + 1
        if spill.area[1:3] != (spill.row, spill.column):
            yield f"{here} is not the first cell of its spill {spill.area}"
        if rows * columns > LARGEST_SPILL:
            yield f"{here} spills {rows * columns:,} cells, more than {LARGEST_SPILL:,}"
            continue
        for place in places(spill.area):
            cell = sheet.cells.get(place)
            if place == (spill.row, spill.column):
                continue
            if cell is None or cell.text is None:
                yield f"{address(*place)} in the spill of {here} holds no value: write empty text"
            elif cell.has_formula:
                yield f"{address(*place)} in the spill of {here} has a formula, which blocks it"
            elif cell.kind == "e":
                yield f"{address(*place)} in the spill of {here} holds the error {cell.text}"
    for spill, other in combinations(blocks, 2):
        between = {(spill.row, spill.column), (other.row, other.column)}
        if spill.area.touches(other.area) and not between & shared(spill.area, other.area):
            yield f"the spills {spill.area} and {other.area} overlap"
    for merged in merged_cells(sheet):
        for spill in blocks:
            if merged.touches(spill.area):
                yield f"the merged cells {merged} are in the way of the spill {spill.area}"


def merges(sheet: Sheet, book: Book) -> Iterator[str]:
    """Merged cells that do not overlap."""
    for first, second in combinations(merged_cells(sheet), 2):
        if first.touches(second):
            yield f"the merged cells {first} and {second} overlap"


# Sheets: tables


def tables(sheet: Sheet, book: Book) -> Iterator[str]:
    """Tables with the headers that their cells show, without gaps, with room to grow."""
    blocks = []
    for table in sheet.tables:
        name, place = table.get("displayName", ""), area(sheet.name, table.get("ref", ""))
        blocks.append((name, place))
        for wrong in chain(headers(table, place, sheet), rows(table, place, sheet)):
            yield f"table {name}: {wrong}"
        for kind, block in chain(
            (("the spill", spill.area) for spill in spills(sheet, book)),
            (("the merged cells", merged) for merged in merged_cells(sheet)),
        ):
            if block.touches(place):
                yield f"table {name}: {kind} {block} must not be inside"
    for (name, place), (other_name, other) in combinations(blocks, 2):
        if place.touches(other):
            yield f"table {other_name}: it overlaps {name}"


def headers(table: Element, place: Area, sheet: Sheet) -> Iterator[str]:
    """Headers: as many as columns, each once, the same as in the cells."""
    columns = [unescaped(c.get("name", "")) for c in table.iterfind(".//{*}tableColumn")]
    if len(columns) != place.right - place.left + 1:
        yield f"it has {len(columns)} columns in {place}"
    lower = [column.lower() for column in columns]
    for column in set(lower):
        if lower.count(column) > 1:
            yield f"two columns are called {column!r}"
    if int(table.get("headerRowCount", "1")):
        for number, column in enumerate(columns, start=place.left):
            cell = sheet.cells.get((place.top, number))
            if cell is None or cell.kind not in ("s", "inlineStr") or cell.text != column:
                yield f"the column {column!r} has another header in {address(place.top, number)}"


def rows(table: Element, place: Area, sheet: Sheet) -> Iterator[str]:
    """Rows: at least one, no blank one before others, nothing below; the filter over all."""
    first = place.top + int(table.get("headerRowCount", "1"))
    last = place.bottom - int(table.get("totalsRowCount", "0"))
    if first > last:
        yield "it has no row below its header"
    filled = {
        row
        for (row, column), cell in sheet.cells.items()
        if first <= row <= last and place.left <= column <= place.right and cell.text is not None
    }
    if filled and len(filled) <= max(filled) - first:
        gap = min(set(range(first, last + 1)) - filled)
        yield f"its row {gap} is blank, and others below it are not"
    below = [
        (row, column)
        for (row, column), cell in sheet.cells.items()
        if row > place.bottom and place.left <= column <= place.right
        if cell.text is not None or cell.has_formula
    ]
    if below:
        yield f"{address(*min(below))} below it is in its way when it grows"
    for entry in table.iterfind("{*}autoFilter"):
        if area(sheet.name, entry.get("ref", "")) != place._replace(bottom=last):
            yield f"its filter is over {entry.get('ref')}"


# Sheets: validations, conditional formats, sparklines


def validations(sheet: Sheet, book: Book) -> Iterator[str]:
    """Lists from one line of cells; messages that Excel shows whole."""
    for rule in all_of(sheet, "dataValidation"):
        where = f"the validation of {rule.get('sqref')}"
        source = rule.findtext("{*}formula1") or ""
        if rule.get("type", "none") != "none" and not source:
            yield f"{where} has no condition"
        if rule.get("type") == "list":
            place = pointed_at(source, sheet, book)
            if place and place.top < place.bottom and place.left < place.right:
                yield f"{where} takes its list from a block {place}, not from one row or column"
        for key, most in (("errorTitle", 32), ("promptTitle", 32), ("error", 225), ("prompt", 255)):
            if len(rule.get(key, "")) > most:
                yield f"{where} has an {key} of more than {most} characters"
        yield from (f"{where}: {wrong}" for wrong in outside(rule.get("sqref", ""), sheet))


def conditional_formats(sheet: Sheet, book: Book) -> Iterator[str]:
    """Rules over cells that exist, with the parts that their kinds need."""
    extended = {entry.get("id") for entry in all_of(sheet, "cfRule") if entry.get("id")}
    styles = sum(1 for _ in book.styles.iterfind(".//{*}dxf"))
    for block in all_of(sheet, "conditionalFormatting"):
        where = f"the conditional format of {covered(block)}"
        yield from (f"{where}: {wrong}" for wrong in outside(covered(block), sheet))
        for rule in block.iterfind("{*}cfRule"):
            if int(rule.get("dxfId", "-1")) >= styles:
                yield f"{where} has a style that there is not"
            wanted = rule.findtext(".//{*}ext/{*}id")
            if wanted and wanted not in extended:
                yield f"{where} misses the part with the look of its data bar"
            for wrong in scales(rule):
                yield f"{where} {wrong}"
    priorities = [rule.get("priority") for rule in all_of(sheet, "cfRule") if rule.get("priority")]
    if len(set(priorities)) < len(priorities):
        yield "two conditional formats have the same priority"


def scales(rule: Element) -> Iterator[str]:
    """Data bars have two ends, colour scales as many as colours, icon sets as many as icons."""
    bar, scale, icons = (rule.find(f"{{*}}{tag}") for tag in ("dataBar", "colorScale", "iconSet"))
    if bar is not None and len(bar.findall("{*}cfvo")) != 2:
        yield "has a data bar without two ends"
    if scale is not None:
        ends, colours = (len(scale.findall(f"{{*}}{tag}")) for tag in ("cfvo", "color"))
        if ends != colours or ends not in (2, 3):
            yield f"has a colour scale of {ends} points and {colours} colours"
    if icons is not None:
        count = len(icons.findall("{*}cfvo"))
        if count != int(icons.get("iconSet", "3TrafficLights1")[0]):
            yield f"has {count} thresholds for the icons {icons.get('iconSet')}"
    for entry in rule.iterfind(".//{*}cfvo"):
        value = entry.get("val") or entry.findtext("{*}f") or ""
        known = entry.get("type") in ("num", "percent", "percentile")
        if known and not is_number(value) and not tokens(value):
            yield f"has the threshold {value!r}"


def sparklines(sheet: Sheet, book: Book) -> Iterator[str]:
    """Sparklines over cells that exist."""
    for line in all_of(sheet, "sparkline"):
        where = f"the sparkline in {covered(line)}"
        source = line.findtext("{*}f") or ""
        owner, _, block = source.rpartition("!")
        home = book.sheet(unquoted(owner))
        place = home and address_area(home.name, block)
        if home is None or place is None or whole(place):
            yield f"{where} takes its numbers from {source!r}"
        elif not exist(place, home):
            yield f"{where} takes its numbers from {source}, where there are no cells"
        elif place.top < place.bottom and place.left < place.right:
            yield f"{where} takes its numbers from {source}, which is not one row or column"
        yield from (f"{where}: {wrong}" for wrong in outside(covered(line), sheet))


# Sheets: charts


def charts(sheet: Sheet, book: Book) -> Iterator[str]:
    """Charts with a title, over fixed blocks of cells that exist, which every host draws."""
    for number, chart in enumerate(sheet.charts, start=1):
        title = "".join(text.text or "" for text in chart.iterfind("{*}chart/{*}title//{*}t"))
        where = f"chart {title!r}" if title else f"chart {number}"
        if not title and chart.find("{*}chart/{*}title//{*}f") is None:
            yield f"{where} has no title"
        if chart.find(".//{*}ser") is None:
            yield f"{where} has no series"
        for entry in chart.iterfind(".//{*}ser"):
            yield from (f"{where}: {wrong}" for wrong in series(entry, book))
        for entry in chart.iterfind("{*}chart/{*}title//{*}f"):
            if not isinstance(drawn(entry.text or "", book), Area):
                yield f"{where}: its title: {drawn(entry.text or '', book)}"


def frames(sheet: Sheet, book: Book) -> Iterator[str]:
    """Charts that do not cover each other, and are printed whole."""
    for one, other in combinations(sheet.frames, 2):
        beside = one.right <= other.left or other.right <= one.left
        if not beside and one.top < other.bottom and other.top < one.bottom:
            yield f"charts at {cell_at(one)} and {cell_at(other)} cover each other"
    for name, owner, text in book.names:
        area = address_area(sheet.name, text.rpartition("!")[2])
        if name != "_xlnm.Print_Area" or owner is not sheet or area is None:
            continue
        for frame in sheet.frames:
            if frame.right > (area.right, BORDER) or frame.bottom > (area.bottom, BORDER):
                yield f"the chart at {cell_at(frame)} goes beyond what is printed, {text}"


def cell_at(frame: Frame) -> str:
    """The cell in which a chart begins."""
    return address(frame.top[0] + 1, frame.left[0] + 1)


def series(entry: Element, book: Book) -> Iterator[str]:
    """A series of a chart: a name, numbers, and as many categories."""
    if not (entry.findtext("{*}tx/{*}v") or entry.findtext("{*}tx//{*}f")):
        yield "a series has no name"
    lengths = {}
    for tag in ("tx", "cat", "val", "xVal", "yVal", "bubbleSize"):
        for reference in entry.iterfind(f"{{*}}{tag}//{{*}}f"):
            place = drawn(reference.text or "", book)
            if isinstance(place, str):
                yield place
            elif tag != "tx":
                lengths[tag] = size = place.bottom - place.top + 1, place.right - place.left + 1
                if 1 not in size:
                    yield f"{reference.text} is not one row or column"
    if entry.find("{*}val") is None and entry.find("{*}yVal") is None:
        yield "a series has no numbers"
    if len({max(size) for size in lengths.values()}) > 1:
        yield f"its ranges differ in length: {', '.join(str(max(s)) for s in lengths.values())}"


def drawn(reference: str, book: Book) -> Area | str:
    """The block that a chart draws, or why not every host draws it."""
    match = FIXED.fullmatch(reference)
    sheet = book.sheet(unquoted(match[1])) if match else None
    if match is None:
        return f"{reference!r} is no fixed reference such as Sheet!$A$1:$A$9"
    if sheet is None:
        return f"{reference} is on a sheet that there is not"
    place = address_area(sheet.name, match[2])
    if place is None or not exist(place, sheet):
        return f"{reference} has no cells"
    return place


# Sheets: links, comments, panes


def hyperlinks(sheet: Sheet, book: Book) -> Iterator[str]:
    """Links that lead somewhere."""
    names = {name.lower() for name, _, _ in book.names} | set(book.package.tables)
    for link in all_of(sheet, "hyperlink"):
        location, target = link.get("location"), sheet.links.get(link.get(RELATIONSHIP_ID, ""))
        if target is not None:
            if not re.match(r"https?://\w|mailto:.+@", target):
                yield f"the link in {link.get('ref')} leads to {target!r}"
        elif location is None or location.lower() not in names:
            owner, _, block = (location or "").rpartition("!")
            if book.sheet(unquoted(owner)) is None or address_area("", block) is None:
                yield f"the link in {link.get('ref')} leads to {location!r}, which there is not"


def comments(sheet: Sheet, book: Book) -> Iterator[str]:
    """Comments that say something."""
    for comment in chain.from_iterable(part.iterfind(".//{*}comment") for part in sheet.comments):
        if not "".join(text.text or "" for text in comment.iterfind(".//{*}t")).strip():
            yield f"the comment in {comment.get('ref')} is empty"
        yield from outside(comment.get("ref", ""), sheet)


def panes(sheet: Sheet, book: Book) -> Iterator[str]:
    """Frozen panes that scroll from where they are split, or below."""
    for pane in all_of(sheet, "pane"):
        if pane.get("state") != "frozen":
            continue
        corner = address_area(sheet.name, pane.get("topLeftCell", ""))
        across, down = (int(float(pane.get(key, "0"))) for key in ("xSplit", "ySplit"))
        if corner is None or corner.top <= down or corner.left <= across:
            yield f"its panes are frozen at row {down}, column {across}, but scroll from {corner}"


FORMULA_RULES: tuple[Callable[[Expression, Book], Iterator[str]], ...]
FORMULA_RULES = (limits, functions, references)
BOOK_RULES: tuple[Callable[[Book], Iterator[str]], ...]
BOOK_RULES = (
    sheet_names, direction, other_files, defined_names, printed, table_names, number_formats,
)  # fmt: skip
SHEET_RULES: tuple[Callable[[Sheet, Book], Iterator[str]], ...]
SHEET_RULES = (
    cached_values, constants, dynamic_arrays, merges, tables, validations, conditional_formats,
    sparklines, charts, frames, hyperlinks, comments, panes,
)  # fmt: skip


# What rules ask


def illegal(name: str) -> Iterator[str]:
    """Why a name of cells or of a table is not allowed, or means something else to a host."""
    if not re.fullmatch(r"[^\W\d]([\w.]*\w)?", name) or len(name) > 255:
        yield "it is no legal name"
    elif address_area("", name) is not None or R1C1.fullmatch(name):
        yield "it looks like a cell"
    elif name.upper() in METRICS or name.upper() in native.SIGNATURES.keys() | FORMULAE:
        yield "a function has this name"


@lru_cache(maxsize=2**13)
def tokens(text: str) -> tuple[tuple[str, str, str], ...]:
    """Type, subtype and text of each part of a formula; none if it cannot be taken apart."""
    try:
        return tokens_of(text)
    except RefusedError:
        return ()  # which `cannot_be_computed` says


def spills(sheet: Sheet, book: Book) -> list[Formula]:
    """The array formulas of a sheet that fill more than a cell."""
    return [f for f in book.package.formulas if f.sheet == sheet.name and f.array and f.spans]


def merged_cells(sheet: Sheet) -> list[Area]:
    """The merged cells of a sheet."""
    return [area(sheet.name, entry.get("ref", "")) for entry in all_of(sheet, "mergeCell")]


def outside(blocks: str, sheet: Sheet) -> Iterator[str]:
    """Those of some blocks, with spaces between, that are not on a sheet."""
    for block in blocks.split() or [""]:
        if address_area(sheet.name, block) is None:
            yield f"{block!r} is not on the sheet"


def exist(place: Area, sheet: Sheet) -> bool:
    """Whether a block has cells from its first to its last one."""
    return {place[1:3], place[3:5]} <= sheet.cells.keys()


def whole(place: Area) -> bool:
    """Whether a block is whole columns or rows."""
    return place.bottom - place.top + 1 == LAST_ROW or place.right - place.left + 1 == LAST_COLUMN


def pointed_at(reference: str, sheet: Sheet, book: Book) -> Area | None:
    """The block that an address or a defined name means, None if it is neither."""
    for name, _, text in book.names:
        if name.lower() == reference.lower():
            reference = text
    owner, _, block = reference.rpartition("!")
    return address_area(unquoted(owner) or sheet.name, block)


def places(block: Area) -> Iterator[tuple[int, int]]:
    """Row and column of each cell of a block."""
    for row in range(block.top, block.bottom + 1):
        for column in range(block.left, block.right + 1):
            yield row, column


def shared(block: Area, other: Area) -> set[tuple[int, int]]:
    """The cells of two blocks that both have."""
    return set(places(block)) & set(places(other))


def address(row: int, column: int) -> str:
    """A cell as people write it."""
    return f"{column_letters(column)}{row}"


def covered(entry: Element) -> str:
    """The cells that a part of a sheet is about."""
    return entry.get("sqref") or entry.findtext("{*}sqref") or ""


def all_of(sheet: Sheet, tag: str) -> Iterator[Element]:
    """All entries of a sheet's part with a tag, those for newer versions of Excel, too."""
    return iter(by_tag(sheet.xml).get(tag, ()))


@lru_cache(maxsize=2**6)
def by_tag(xml: Element) -> dict[str, list[Element]]:
    """The entries of a part by their tags, whatever their namespaces."""
    found: defaultdict[str, list[Element]] = defaultdict(list)
    for entry in xml.iter():
        found[entry.tag.rpartition("}")[2]].append(entry)
    return found


def flag(entry: Element, key: str) -> bool:
    """Whether an attribute says yes."""
    return entry.get(key) in ("1", "true")


def is_number(text: str) -> bool:
    """Whether a text is a number that a cell can hold."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def unquoted(sheet: str) -> str:
    """A sheet's name without the quotes that formulas put around it."""
    return sheet[1:-1].replace("''", "'") if sheet.startswith("'") else sheet


# Reading


@lru_cache(maxsize=1)
def opened(content: bytes, errors: Set[str], volatile: Set[str]) -> Book:
    """A workbook as the rules see it, those of `look_lint`, too."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return _opened(package, read_package(content), errors, volatile)


def _opened(file: zipfile.ZipFile, package: Package, errors: Set[str], volatile: Set[str]) -> Book:
    def part(name: str) -> Element:
        return ElementTree.fromstring(file.read(name))

    workbook, styles = part("xl/workbook.xml"), part("xl/styles.xml")
    texts = []
    if "xl/sharedStrings.xml" in file.namelist():
        texts = [text_of(item) for item in part("xl/sharedStrings.xml").iterfind("{*}si")]
    formats = styles.find("{*}cellXfs")
    marked = [flag(entry, "quotePrefix") for entry in (formats if formats is not None else ())]
    target = {key: name for _, key, name in relations(file, "xl/workbook.xml")}
    sheets = []
    for entry in workbook.iterfind("{*}sheets/{*}sheet"):
        name = target[entry.attrib[RELATIONSHIP_ID]]
        xml = part(name)
        own = list(relations(file, name))
        drawings = [drawing for kind, _, drawing in own if kind == "drawing"]
        drawn = chain.from_iterable(relations(file, drawing) for drawing in drawings)
        anchors = (anchor for drawing in drawings for anchor in part(drawing))
        sheets.append(
            Sheet(
                name=entry.attrib["name"],
                xml=xml,
                cells=dict(cells(xml, texts, marked)),
                tables=[part(name) for kind, _, name in own if kind == "table"],
                comments=[part(name) for kind, _, name in own if kind == "comments"],
                charts=[part(name) for kind, _, name in drawn if kind == "chart"],
                frames=[frame_of(anchor) for anchor in anchors],
                links={key: name for kind, key, name in own if kind == "hyperlink"},
            )
        )
    names = [
        (
            name.attrib["name"],
            sheets[int(name.attrib["localSheetId"])] if "localSheetId" in name.attrib else None,
            name.text or "",
        )
        for name in workbook.iterfind("{*}definedNames/{*}definedName")
    ]
    return Book(
        package, Patterns(package, {}), sheets, names, list(expressions(package, sheets, names)),
        styles, file.namelist(), errors, volatile,
    )  # fmt: skip


def frame_of(anchor: Element) -> Frame:
    """Where a drawing is."""
    edges = ("from/col", "from/row", "to/col", "to/row")
    return Frame(*(
        (int(anchor.findtext(path) or 0), int(anchor.findtext(f"{path}Off") or 0))
        for path in ("{*}" + edge.replace("/", "/{*}") for edge in edges)
    ))  # fmt: skip


def relations(file: zipfile.ZipFile, part: str) -> Iterator[tuple[str, str, str]]:
    """Kind, id and target of each relation of a part."""
    folder, name = posixpath.split(part)
    rels = f"{folder}/_rels/{name}.rels"
    if rels in file.namelist():
        for relation in ElementTree.fromstring(file.read(rels)):
            target = relation.attrib["Target"]
            if relation.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            yield relation.attrib["Type"].rpartition("/")[2], relation.attrib["Id"], target


def cells(
    xml: Element, texts: list[str], marked: list[bool]
) -> Iterator[tuple[tuple[int, int], Cell]]:
    """The cells of a sheet by row and column."""
    for entry in xml.iterfind("{*}sheetData/{*}row/{*}c"):
        letters, number = CELL.fullmatch(entry.attrib["r"]).groups()  # type: ignore[union-attr]
        kind = entry.get("t", "n")
        value = entry.find("{*}v")
        text = None if value is None else value.text or ""
        if kind == "s" and text is not None:
            text = texts[int(text)]
        elif kind == "inlineStr":
            text = text_of(entry)
        elif kind == "n":
            text = text or None
        style = int(entry.get("s", "0"))
        yield (
            (int(number), column_number(letters)),
            Cell(kind, text, entry.find("{*}f") is not None, style < len(marked) and marked[style]),
        )


def text_of(entry: Element) -> str:
    """The text of an entry, whatever its parts look like."""
    return unescaped("".join(text.text or "" for text in entry.iterfind(".//{*}t")))


def expressions(
    package: Package, sheets: Iterable[Sheet], names: Iterable[tuple[str, Sheet | None, str]]
) -> Iterator[Expression]:
    """Every formula of a workbook: in cells, names, validations and conditional formats."""
    for formula in package.formulas:
        yield Expression("cell", formula.cell, formula)
    for name, sheet, text in names:
        if not name.startswith("_xlnm."):
            home = sheet.name if sheet else ""
            yield Expression("name", f"name {name}", Formula(home, 1, 1, text))
    for sheet in sheets:
        rules: list[tuple[Kind, Element]] = [
            *(("validation", rule) for rule in all_of(sheet, "dataValidation")),
            *(("conditional format", block) for block in all_of(sheet, "conditionalFormatting")),
        ]
        for kind, block in rules:
            place = address_area(sheet.name, covered(block).partition(" ")[0])
            top, left = place[1:3] if place else (1, 1)
            for tag in ("formula1", "formula2", "formula", "f"):
                for entry in block.iterfind(f".//{{*}}{tag}"):
                    yield Expression(
                        kind,
                        f"{quoted(sheet.name)}!{covered(block)} ({kind})",
                        Formula(sheet.name, top, left, entry.text or ""),
                    )
