"""What points to the cells of a table follows it when it has another number of rows.

A spreadsheet program does that by itself. What counts as pointing to a table is a range that begins
at its first row of data, or above, and ends with its last one: a whole column of it, say, as a
formula, a chart, a name, a rule, a format or a column of a table has it. Ranges that end elsewhere
stay, and so do those in a table that each row has of its own, as a running total does.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from typing import NamedTuple

from kpi_xl.ooxml.addresses import Area, area, column_letters
from kpi_xl.ooxml.charts import CHARTS
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import (
    FORMULA_END,
    Edit,
    SheetXml,
    XmlCell,
    attribute,
    escaped,
    text_of,
    with_edits,
    without,
)

RANGE = re.compile(
    r"""
    "(?:[^"]|"")*"                                          # a text
    | \[\d+\](?:[\w.]+!)?[$\w.]*(?::[$\w]+)?               # of another workbook
    | \[ (?: [^\[\]'] | '. | \[ (?:[^\[\]']|'.)* \] )* \]   # columns of a table
    | (?P<sheet> (?:'(?:[^']|'')+' | [\w.]+) ! )?
      (?P<left>\$?[A-Za-z]{1,3}) (?P<top>\$?\d{1,7}) :
      (?P<again> (?:'(?:[^']|'')+' | [\w.]+) ! )?
      (?P<right>\$?[A-Za-z]{1,3}) (?P<bottom>\$?\d{1,7}) (?![\w.(!])
    | [\w.]+:[\w.]+![$\w]+(?::[$\w]+)?                    # of several sheets
    | [\w.$]+                                               # a name, a function, a number
    """,
    re.VERBOSE,
)
NAMES = re.compile(rb"(<(?:\w+:)?definedName(\s[^>]*)?>)([^<]*)(?=</)")
RULES = re.compile(
    rb"(<(?:\w+:)?(?:formula[12]?|f|calculatedColumnFormula|totalsRowFormula|FmlaRange)(?:\s[^>]*)?>)"
    rb"([^<]*)(?=</)"
)
SETTINGS = re.compile(
    rb"(<(?:\w+:)?(?:cfvo|controlPr|formControlPr)\s[^>]*?\s(?:val|listFillRange|fmlaRange)=\")([^\"]*)"
)
"""Ends of colour scales, and the ranges of lists to choose from."""
TABLE = re.compile(rb"<(?:\w+:)?table\s[^>]*>")
PLACES = re.compile(
    rb"(<(?:\w+:)?(?:conditionalFormatting|dataValidation|ignoredError|protectedRange)\s[^>]*?"
    rb"\bsqref=\")([^\"]*)|(<(?:\w+:)?sqref>)([^<]*)"
)
PIVOT = re.compile(rb"<(?:\w+:)?worksheetSource\s[^>]*>")
PIVOT_PLACE = re.compile(rb"<(?:\w+:)?location\s[^>]*>")
PIVOT_CACHE = re.compile(rb"<(?:\w+:)?pivotCacheDefinition\b[^>]*>")


class Move(NamedTuple):
    """A table that ends in another row: its block down to the old one, and the new one."""

    table: str
    old: Area
    bottom: int

    def of(self, place: Area, *, wider: bool = False, to_the_end: bool = False) -> Area:
        """A block of cells as it is to be; `wider`: one that reaches over more columns as well.

        `to_the_end`: one from any row on.
        """
        inside = self.old.left <= place.left and place.right <= self.old.right
        if (
            place.sheet.lower() == self.old.sheet.lower()
            and place.bottom == self.old.bottom
            and (to_the_end or place.top <= self.old.top + 1)
            and (inside or (wider and place.touches(self.old)))
        ):
            return place._replace(bottom=self.bottom)
        return place

    def has(self, row: int, column: int) -> bool:
        """Whether a cell is below the table's header, as it was or is to be."""
        inside = self.old.left <= column <= self.old.right
        return inside and self.old.top < row <= max(self.old.bottom, self.bottom)


class Beside(NamedTuple):
    """A formula in the same column, so many rows below."""

    rows: int
    text: str


def followed(
    text: str,
    sheet: str,
    moves: Sequence[Move],
    *,
    row: int = 0,
    beside: Iterable[Beside] = (),
    in_table: bool = True,
    wide: bool = False,
) -> str:
    """A formula whose ranges follow. `sheet` is that of ranges which name none.

    `row`: that of its cell. A range whose end moves with the cell may be one of each row's own, as
    a running total has it: that is so if the next row has another one, which outside of a table has
    to be this one filled on. In a table, where nothing like it is `beside`, it is so if it ends in
    the cell's row. A range from each row on, as what is left has it, follows with its fixed end.
    """
    numbers, others = count(), cache(lambda: _ranges_like(text, beside))

    def is_own(range_: str, number: int, end: int) -> bool:
        offset, ranges = others()
        if not ranges:
            return in_table and end == row
        if in_table:
            return ranges[number] != range_
        other = RANGE.fullmatch(ranges[number])
        return other is not None and other[_last(other)] == str(end + offset)

    def new(found: re.Match[str]) -> str:
        if found["left"] is None:
            return found[0]
        number = next(numbers)
        place, last = _place(found, sheet), _last(found)
        end, start = found[last], found["top" if last == "bottom" else "bottom"]
        from_here = row and end.startswith("$") and not start.startswith("$")
        moved = (
            (m.of(place, wider=wide, to_the_end=bool(from_here)) for m in moves) if place else ()
        )
        after = next((one for one in moved if one != place), None)
        if after is None:
            return found[0]
        if row and end.isdigit() and is_own(found[0], number, int(end)):
            return found[0]
        dollar = "$" if end.startswith("$") else ""
        before, behind = found.start(last), found.end(last)
        new_end = f"{dollar}{after.bottom}"
        return text[found.start() : before] + new_end + text[behind : found.end()]

    return RANGE.sub(new, text)


def _last(found: re.Match[str]) -> str:
    """Which of a range's corners is in its last row: it may be written from there on."""
    top, bottom = (int(found[one].lstrip("$")) for one in ("top", "bottom"))
    return "top" if top > bottom else "bottom"


def _place(found: re.Match[str], sheet: str) -> Area | None:
    """The cells of a range; None where it is none, or over several sheets."""
    name = _sheet_of(found["sheet"], sheet)
    if _sheet_of(found["again"], name).lower() != name.lower():
        return None
    try:
        return area(name, f"{found['left']}{found['top']}:{found['right']}{found['bottom']}")
    except ValueError:
        return None


def _ranges_like(text: str, others: Iterable[Beside]) -> tuple[int, list[str]]:
    """The ranges of the first of other formulas that is the same but for its rows; how far off."""
    shape = re.sub(r"\d+", "0", text)
    like = (one for one in others if re.sub(r"\d+", "0", one.text) == shape)
    offset, other = next(like, (0, ""))
    return offset, [one[0] for one in RANGE.finditer(other) if one["left"]]


def drifts(text: str, sheet: str, moves: Sequence[Move]) -> bool:
    """Whether a formula has ranges on tables' sheets that move with the cell it is drawn to."""
    sheets = {move.old.sheet.lower() for move in moves}
    return any(
        _sheet_of(found["sheet"], sheet).lower() in sheets
        and not all(found[side].startswith("$") for side in ("left", "top", "right", "bottom"))
        for found in RANGE.finditer(text)
        if found["left"] is not None
    )


def _sheet_of(named: str | None, sheet: str) -> str:
    """The sheet that a corner of a range is on, `sheet` where it names none."""
    name = (named or "").removesuffix("!")
    return (name[1:-1].replace("''", "'") if name.startswith("'") else name) or sheet


def follow(parts: Parts, sheets: dict[str, str], moves: Sequence[Move]) -> None:
    """Let all that points to the tables follow; `sheets` are the parts of the sheets by name."""
    if not moves:
        return
    ends = re.compile(b"|".join(b"%d" % bottom for bottom in {move.old.bottom for move in moves}))
    for sheet, part in sheets.items():
        if ends.search(parts[part]):
            parts[part] = _sheet(parts.sheet(part), sheet, moves)
        for kind, _, target in parts.relations(part):
            if kind in ("table", "ctrlProp", "vmlDrawing") and ends.search(parts.get(target, b"")):
                parts[target] = _of_sheet(parts[target], sheet, moves)
    parts[parts.book] = NAMES.sub(_rewriting("", moves, 3), parts[parts.book])
    for part in list(parts):
        if CHARTS.fullmatch(part) and ends.search(parts[part]):
            parts[part] = RULES.sub(_rewriting("", moves, 2), parts[part])


def refresh_pivots(
    parts: Parts,
    sheets: Mapping[str, str],
    tables: Mapping[str, str],
    changing: Collection[str],
    moves: Sequence[Move],
) -> tuple[int, list[Area]]:
    """Let spreadsheet programs compute pivot tables anew; how many caches, and where they show.

    They are those of what may have changed: of cells on the sheets `changing`, of tables there
    (`tables` has the sheet of each), and of names.
    """
    caches = []
    for part in list(parts):
        if not re.fullmatch(r"xl/pivotCache/pivotCacheDefinition[^/]*\.xml", part):
            continue
        xml = parts[part]
        source, tag = PIVOT.search(xml), PIVOT_CACHE.search(xml)
        if not source or not tag or not _is_over(source[0], tables, changing):
            continue
        caches.append(part)
        new = re.sub(
            rb"(\sref=\")([^\"]*)", _placed(attribute(source[0], "sheet"), moves), source[0]
        )
        bare = without(tag[0], "refreshOnLoad")
        xml = xml.replace(source[0], new)
        parts[part] = xml.replace(tag[0], bare[:-1] + b' refreshOnLoad="1">', 1)
    shown = [
        place
        for target, place in pivot_places(parts, sheets)
        if any(cache in caches for _, _, cache in parts.relations(target))
    ]
    return len(caches), shown


def pivot_places(parts: Parts, sheets: Mapping[str, str]) -> Iterator[tuple[str, Area]]:
    """The pivot tables on some sheets, and their cells."""
    for sheet, part in sheets.items():
        for kind, _, target in parts.relations(part):
            place = PIVOT_PLACE.search(parts[target]) if kind == "pivotTable" else None
            if place:
                yield target, area(sheet, attribute(place[0], "ref"))


def _is_over(source: bytes, tables: Mapping[str, str], changing: Collection[str]) -> bool:
    if attribute(source, "r:id"):
        return False  # of another workbook
    name, sheet = attribute(source, "name").lower(), attribute(source, "sheet").lower()
    if name:
        return name not in tables or tables[name] in changing
    return sheet in {one.lower() for one in changing}


def _sheet(sheet: SheetXml, name: str, moves: Sequence[Move]) -> bytes:
    """A sheet whose formulas, rules and formats follow."""
    edits: list[Edit] = []
    inside = [move for move in moves if move.old.sheet == name]
    for cell in sheet.formula_cells():
        tag, body = cell.formula, cell.body or b""
        end = FORMULA_END.search(body, tag.end()) if tag else None
        if not tag or not end or b":" not in body:
            continue
        table = next((m for m in inside if m.has(cell.row, cell.column)), None)
        if table and cell.row > table.old.bottom:
            continue  # it is new, and made of one that has followed
        text = text_of(body[tag.end() : end.start()])
        beside, in_table = _beside(sheet, cell, table), table is not None
        new = followed(text, name, moves, row=cell.row, beside=beside, in_table=in_table)
        if new != text:
            start = sheet.xml.index(body, cell.start)
            edits.append((start + tag.end(), start + end.start(), escaped(new).encode()))
    head, tail = with_edits(sheet.xml[: sheet.end], edits), sheet.xml[sheet.end :]
    new_text = _rewriting(name, moves, 2)
    tail = SETTINGS.sub(new_text, RULES.sub(new_text, tail))
    return head + PLACES.sub(_placed(name, moves), tail)


def _beside(sheet: SheetXml, cell: XmlCell, table: Move | None) -> Iterator[Beside]:
    """The formulas in the rows before and after a cell; those of its table, if it is in one."""
    for rows in (-1, 1):
        for one in sheet.row_cells(cell.row + rows):
            if one.column == cell.column and (not table or table.has(one.row, one.column)):
                yield Beside(rows, one.formula_text)


def _of_sheet(xml: bytes, sheet: str, moves: Sequence[Move]) -> bytes:
    """A table whose columns' own formulas follow, written as for its first row; or a list."""
    tag = TABLE.search(xml)
    row = area(sheet, attribute(tag[0], "ref")).top + 1 if tag else 0
    new = _rewriting(sheet, moves, 2, row)
    return SETTINGS.sub(new, RULES.sub(new, xml))


def _rewriting(
    sheet: str, moves: Sequence[Move], group: int, row: int = 0
) -> Callable[[re.Match[bytes]], bytes]:
    """What lets the text of an element, or of an attribute, follow, all else being as it was."""

    def rewritten(found: re.Match[bytes]) -> bytes:
        text = text_of(found[group])
        wide = b"Print_Area" in found[1]
        new = followed(text, sheet, moves, row=row, wide=wide)
        if new == text:
            return found[0]
        return found[1] + escaped(new).replace('"', "&quot;").encode()

    return rewritten


def _placed(sheet: str, moves: Sequence[Move]) -> Callable[[re.Match[bytes]], bytes]:
    """What lets a list of addresses follow."""

    def rewritten(found: re.Match[bytes]) -> bytes:
        head, text = next(
            (a, b) for a, b in zip(found.groups()[::2], found.groups()[1::2], strict=True) if a
        )
        places = [_moved(sheet, one, moves) for one in text.decode().split()]
        return head + " ".join(places).encode()

    return rewritten


def _moved(sheet: str, address: str, moves: Sequence[Move]) -> str:
    try:
        place = area(sheet, address)
    except ValueError:
        return address
    for move in moves:
        after = move.of(place)
        if after != place:
            first = f"{column_letters(after.left)}{after.top}"
            return f"{first}:{column_letters(after.right)}{after.bottom}"
    return address
