"""Formulas that are the same but for their place, read once for all of them.

Excel stores cells that were filled down or across either as one formula that the others share, or
as a text in each. Both are the same here: texts are compared with the places in them counted from
the formula's own, and what was read of one formula is moved to the places of the others.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from kpi_xl.engine.constants import Constants
from kpi_xl.engine.formulas import prepared
from kpi_xl.engine.names import HOLE
from kpi_xl.engine.places import fixed_place, moved
from kpi_xl.engine.terms import Reference, RefusedError, Term
from kpi_xl.ooxml.addresses import LAST_COLUMN, LAST_ROW, Area, column_letters, column_number
from kpi_xl.ooxml.package import Formula, Package

TOKEN = re.compile(
    r"""
    "(?:[^"]|"")*" | '(?:[^']|'')*'
    | \[ (?: [^\[\]'] | '. | \[ (?:[^\[\]']|'.)* \] )* \]
    | (?P<rows> \$?\d+\s*:\s*\$?\d+ )
    | (?<!:) (?P<fixed> \$[A-Za-z]{1,3}\$\d{1,7} (?: :\$[A-Za-z]{1,3}\$\d{1,7} )? )
      (?! [\w.(!\[:\#] )
    | (?P<place> \$?[A-Za-z]{1,3} \$? (?P<row>\d{1,7}) )
      (?! [\w.(!\[] )
    | (?P<columns> \$?[A-Za-z]{1,3} \s*:\s* \$?[A-Za-z]{1,3} (?! [\w.(!\[] ) )
    | (?: [^\W\d] | \\ ) [\w.\\]*
    | (?P<number> \d[\d.]*(?:[eE][+-]?\d+)? )
    """,
    re.VERBOSE,
)
"""What may hold the place of a reference, or only looks like it."""

STAND_IN = re.compile(r"(?<![\d.])00000(\d\d)(?!\d)")
"""What stands for a small number in a formula that is read for others that have another one there:
its place among them. It is read as a small number, too."""
MOST_SMALL = 60
ANY_NUMBER = re.compile(r"(?i)\b(?:(?:EDATE|EOMONTH|LARGE|SMALL)\(\w+,|MAX\(|MIN\()$")
"""What stands before a number alone, which it may be whatever it is."""

HOLDERS = "S_0"
"""The engine's sheet of the cells that hold ranges."""


HOLE_OR_STAND_IN = re.compile(f"{HOLE.pattern}|{STAND_IN.pattern}")
KINDS_OF_HOLES = "caller", "reference", "held", "ended", "small"
"""What goes into a hole, by the group of the expression that has found it."""

Span = tuple[str, int, bool, int, bool, int, int]
"""Sheet; top, and whether it is counted from the formula's row; bottom, too; sides."""


class Own(NamedTuple):
    """What formulas that are read as one may each have of their own, in order.

    Those are small numbers, and addresses that are fixed by dollar signs.
    """

    small: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


NOTHING_OWN = Own()


class Read(NamedTuple):
    """What was read, of which formula's own, in which row and column.

    `alone`: whether it depends on its place.
    """

    term: Term | RefusedError
    own: Own
    row: int
    column: int
    alone: bool


class Line:
    """A formula in one column of a sheet: its text and references by the row alone.

    `number` is the one under which our functions hear of it.
    """

    def __init__(
        self,
        number: int,
        term: Term,
        row: int,
        columns: int,
        home: str,
        names: Mapping[str, str],
        held: dict[Area, str] | None,
        own: Own = NOTHING_OWN,
        shifts: Sequence[tuple[int, int]] = (),
    ) -> None:
        """`row`: where the term was read; `columns`: how far left of here; `home`: its sheet.

        `held`: the cells that hold ranges for all formulas, None where there can be no more.
        `own`: what its formulas alone have; `shifts`: how far from there its fixed addresses are.
        """
        self._small, self._shifts = own.small, shifts
        self._held = held
        self.holders: set[str] = set()
        """The cells of ranges that are held for it."""
        self.number = number
        self.term = term
        self.formulas: list[Formula] = []
        self._row, self._columns, self._home, self._names = row, columns, home, names
        self.spans = [self.span(reference) for reference in term.references]
        self._written: dict[str, tuple[str, tuple[int, ...]]] = {}
        self.fits_columns = True
        self._least, self._most = 1, LAST_ROW
        self._crossed = [
            (self.span(one.reference), one.inside) for one in term.crossed if one.by_row
        ]
        for _, top, one, bottom, other, left, right in self.spans:
            self.fits_columns = self.fits_columns and 1 <= left <= right <= LAST_COLUMN
            if one:
                self._least = max(self._least, 1 - top)
                self._most = min(self._most, LAST_ROW - top if other else bottom - top)
            if other:
                self._least = max(self._least, 1 - bottom if one else top - bottom)
                self._most = min(self._most, LAST_ROW - bottom)
        for crossed in term.crossed:
            if not crossed.by_row:
                left, right = self.span(crossed.reference)[5:]
                inside = left <= crossed.place + columns <= right
                self.fits_columns = self.fits_columns and inside == crossed.inside

    def span(self, reference: Reference) -> Span:
        """The cells that one of its references means in any row."""
        (sheet, top, left, bottom, right), moving, own = reference
        down, across = self._shifts[own] if own >= 0 and self._shifts else (0, 0)
        # Of a fixed range that is crossed, what goes with the formula is not another one elsewhere.
        return (
            sheet,
            top + (-self._row if moving[0] else down),
            moving[0],
            bottom + (-self._row if moving[2] else down),
            moving[2],
            left + (self._columns if moving[1] else across),
            right + (self._columns if moving[3] else across),
        )

    def fits(self, row: int) -> bool:
        """Whether in a row all its references are on the sheet, and the right way round.

        And of ranges of which it takes a cell, whether there is one in that row as where it was
        read.
        """
        if not (self.fits_columns and self._least <= row <= self._most):
            return False
        return all(
            (top + row * by_row <= row <= bottom + row * bottom_by_row) == inside
            for (_, top, by_row, bottom, bottom_by_row, _, _), inside in self._crossed
        )

    def places(self, row: int) -> Iterator[Area]:
        """The cells that it refers to in a row."""
        for sheet, top, by_row, bottom, bottom_by_row, left, right in self.spans:
            yield Area(sheet, top + row * by_row, left, bottom + row * bottom_by_row, right)

    def refers_to(self, formula: Formula) -> bool:
        """Whether one of its formulas refers to its own cell."""
        row, column = formula.row, formula.column
        return any(
            left <= column <= right
            and sheet == formula.sheet
            and top + row * by_row <= row <= bottom + row * bottom_by_row
            for sheet, top, by_row, bottom, bottom_by_row, left, right in self.spans
        )

    def place(self, reference: Reference, row: int) -> Area:
        """The cells that one of its references means in a row."""
        sheet, top, by_row, bottom, bottom_by_row, left, right = self.span(reference)
        return Area(sheet, top + row * by_row, left, bottom + row * bottom_by_row, right)

    def text(self, row: int, text: str = "") -> str:
        """The formula for the engine in a row, or a part of it."""
        text = text or self.term.text
        if text not in self._written:
            self._written[text] = self._form(text)
        form, offsets = self._written[text]
        return form % tuple([row + offset for offset in offsets]) if offsets else form % ()

    def _form(self, text: str) -> tuple[str, tuple[int, ...]]:
        """A text with %d for each row, and what to add to the formula's for each."""
        parts: list[str] = []
        offsets: list[int] = []
        for before, hole, number in pieces(text, bool(self._small)):
            parts.append(before)
            if hole == "small":
                parts.append(self._small[number - 1])
            elif hole == "caller":
                parts.append(f",%d,{self.number}")
                offsets.append(0)
            elif hole == "held" and self._held is not None:
                parts.append(self._holder(number))
            elif hole:
                span = self.spans[number]
                sheet = "" if span[0] == self._home else self._names[span[0]]
                part, rows = address(span, sheet, ended=hole == "ended")
                parts.append(part)
                offsets += rows
        return "".join(parts), tuple(offsets)

    def _holder(self, number: int) -> str:
        """The cell that holds a range for all formulas."""
        assert self._held is not None
        (sheet, top, _, bottom, _, left, right) = self.spans[number]
        place = Area(sheet, top, left, bottom, right)
        holder = self._held.setdefault(place, f"{HOLDERS}!A{len(self._held) + 1}")
        self.holders.add(holder)
        return holder


@lru_cache(maxsize=2**12)  # a text has many columns
def pieces(text: str, small: bool) -> tuple[tuple[str, str, int], ...]:
    """The texts between the holes of a formula, each with the kind and number of the hole after it.

    `small`: whether there are stand-ins for small numbers, holes as well.
    """
    found = []
    end = 0
    for hole in (HOLE_OR_STAND_IN if small else HOLE).finditer(text):
        kind = KINDS_OF_HOLES[hole.lastindex or 0]
        before = text[end : hole.start()].replace("%", "%%")
        found.append((before, kind, int(hole[hole.lastindex]) if hole.lastindex else 0))
        end = hole.end()
    return (*found, (text[end:].replace("%", "%%"), "", 0))


@lru_cache(maxsize=2**14)
def address(span: Span, sheet: str, *, ended: bool = False) -> tuple[str, tuple[int, ...]]:
    """Cells in a formula, with %d for the rows that move; what to add to its row for each.

    `sheet`: its name in the engine, or nothing for the formula's own; `ended`: whether whole
    columns and rows are written with their ends.
    """
    _, top, by_row, bottom, bottom_by_row, left, right = span
    prefix = f"{sheet}!" if sheet else ""
    if (top, bottom) == (1, LAST_ROW) and not (by_row or bottom_by_row or ended):
        return f"{prefix}{column_letters(left)}:{column_letters(right)}", ()
    ends, rows = [], []
    for row, by_row_here, column in ((top, by_row, left), (bottom, bottom_by_row, right)):
        letters = "" if (left, right) == (1, LAST_COLUMN) and not ended else column_letters(column)
        ends.append(f"{letters}%d" if by_row_here else f"{letters}{row}")
        rows += [row] if by_row_here else []
    single = (top, by_row, left) == (bottom, bottom_by_row, right)
    if single and letters:
        return prefix + ends[0], tuple(rows[:1])
    return prefix + ":".join(ends), tuple(rows)


class FilledDown:
    """A formula that may have been filled down: it goes on if only the rows in it go on."""

    def __init__(self, line: Line, formula: Formula, rows: Sequence[tuple[int, int]]) -> None:
        """`rows`: where the rows that go with its own stand in its text."""
        text = formula.text
        ends = [0, *(end for _, end in rows)]
        starts = [*(start for start, _ in rows), len(text)]
        parts = (text[end:start] for end, start in zip(ends, starts, strict=True))
        self.line, self.formula = line, formula
        self._form = "%d".join(part.replace("%", "%%") for part in parts)
        self._offsets = [int(text[start:end]) - formula.row for start, end in rows]

    def goes_on(self, formula: Formula) -> bool:
        """Whether a formula of the same column has the same text, filled down."""
        for one in (self.formula, formula):
            if one.array is not None or one.moved != (0, 0):
                return False
        rows = [formula.row + offset for offset in self._offsets]
        return formula.text == self._form % tuple(rows)


class Patterns:
    """The formulas of a workbook, each kind of them read once."""

    def __init__(self, book: Package | None, names: Mapping[str, str]) -> None:
        """`names`: what the sheets are called in the engine."""
        self.book = book
        self.names = names
        self.lines: list[Line] = []
        self._known: dict[tuple[object, ...], Read] = {}
        self._by_column: dict[tuple[object, ...], Line] = {}
        self._latest: dict[tuple[str, int], FilledDown] = {}
        """What was read last in each column of a sheet."""
        self._tables: dict[tuple[str, int, int], tuple[tuple[str, bool, bool], ...]] = {}
        self._constants = Constants(book.blocks) if book else None
        self.held: dict[Area, str] = {}
        """The cells that hold ranges, on a sheet of their own."""

    def line(self, formula: Formula) -> Line:
        """A formula's line, which has it among its own afterwards. Raises RefusedError."""
        if above := self._filled_down(formula):
            above.formulas.append(formula)
            return above
        key, own, rows = self._key(formula)
        if key is not None:
            found = self._known_line(key, own, formula)
            if found is not None and found.term.crossed and not found.fits(formula.row):
                # Of a range of which it takes one cell, there is none in this row, or in that one.
                found = self._known_line((*key, "elsewhere"), own, formula)
            if found is not None and found.fits(formula.row):
                found.formulas.append(formula)
                if rows is not None:
                    self._latest[formula.sheet, formula.column] = FilledDown(found, formula, rows)
                return found
        here = replace(formula, text=moved(formula.text, *formula.moved), moved=(0, 0))
        line = self._added(self._read(here), here.row, 0, here.sheet)
        line.formulas.append(formula)
        return line

    def _known_line(self, key: tuple[object, ...], own: Own, formula: Formula) -> Line | None:
        """The line of a formula's column, made if there is none yet."""
        return self._by_column.get((key, own, formula.column)) or self._shared(key, own, formula)

    def _filled_down(self, formula: Formula) -> Line | None:
        """The line of the formula above, where this one is the same."""
        above = self._latest.get((formula.sheet, formula.column))
        if not (above and above.goes_on(formula) and above.line.fits(formula.row)):
            return None
        rows = (above.formula.row, formula.row) if "[" in formula.text else ()
        inside = {self._inside(formula.sheet, row, formula.column) for row in rows}
        return above.line if len(inside) < 2 else None

    def _read(self, formula: Formula) -> Term:
        assert self.book
        return prepared(formula, self.book, self._constants)

    def _added(
        self,
        term: Term,
        row: int,
        columns: int,
        home: str,
        own: Own = NOTHING_OWN,
        shifts: Sequence[tuple[int, int]] = (),
    ) -> Line:
        """A new line for what was read in a row, so many columns to the left."""
        held = self.held if home in self.names else None
        line = Line(len(self.lines), term, row, columns, home, self.names, held, own, shifts)
        self.lines.append(line)
        return line

    def _shared(self, key: tuple[object, ...], own: Own, formula: Formula) -> Line | None:
        """The line of a formula that may have others like it; None if it has to be read alone."""
        if key not in self._known:
            self._known[key] = self._first(own, formula)
        read, first, row, column, alone = self._known[key]
        refused = isinstance(read, RefusedError)
        shifts = shifted(first.fixed, own.fixed)
        line: Line | None
        if (refused and own != NOTHING_OWN) or not (refused or self._alike(read, shifts)):
            # As it stands: a sentence has the numbers that are there.
            line = self._shared((*key, own), NOTHING_OWN, formula)
        elif column != formula.column and formula.moved == (0, 0) and (refused or alone):
            # What holds in one column need not in another: there it is read once more.
            line = self._shared((*key, formula.column), own, formula)
        elif isinstance(read, RefusedError):
            raise copy(read)
        elif alone:
            line = None
        else:
            columns = formula.column - column
            line = self._added(read, row, columns, formula.sheet, own, shifts)
        if line:
            self._by_column[key, own, formula.column] = line
        return line

    def _first(self, own: Own, formula: Formula) -> Read:
        """What is read of the first formula of its kind."""
        row, column = formula.row - formula.moved[0], formula.column - formula.moved[1]
        text = with_stand_ins(formula.text) if own.small else formula.text
        source = replace(formula, text=text, row=row, column=column, moved=(0, 0))
        try:
            term = self._read(source)
        except RefusedError as refusal:
            # A copy: one that was raised holds all that was there, the engine too.
            return Read(copy(refusal), own, row, column, False)
        alone = depends_on_place(term) or own.fixed not in ((), term.fixed)
        return Read(term, own, row, column, alone)

    def _alike(self, term: Term | RefusedError, shifts: Sequence[tuple[int, int]]) -> bool:
        """Whether a formula reads the same with its fixed addresses so far away."""
        if isinstance(term, RefusedError) or not any(map(any, shifts)):
            return True
        for place, _, own in term.references:
            if own < 0 or not any(shifts[own]):
                continue
            down, across = shifts[own]
            sheet, top, left, bottom, right = place
            there = Area(sheet, top + down, left + across, bottom + down, right + across)
            if min(there[1:3]) < 1 or there.bottom > LAST_ROW or there.right > LAST_COLUMN:
                return False
            is_cell = place[1:3] == place[3:5]
            known = None if is_cell or not self._constants else self._constants.known
            if known and known(place) != known(there):
                return False
        return not term.anchors

    def _key(
        self, formula: Formula
    ) -> tuple[tuple[object, ...] | None, Own, Sequence[tuple[int, int]] | None]:
        """What formulas that can be read as one have in common, and what is this one's own.

        None for one that stands alone. And where the rows are in its text that go with its own,
        None where it has others, too.
        """
        sheet, row, column, text = formula.sheet, formula.row, formula.column, formula.text
        if formula.spans:
            return None, NOTHING_OWN, ()
        of_table = "[" in text
        if formula.moved != (0, 0):
            source = sheet, row - formula.moved[0], column - formula.moved[1]
            return None if of_table else source, NOTHING_OWN, ()
        form = form_of(text, row, column)
        if form is None:
            return None, NOTHING_OWN, ()
        inside = self._inside(sheet, row, column) if of_table else ()
        array = formula.array is not None
        in_row, in_column = row * form.whole_rows, column * form.whole_columns
        key = sheet, form.text, inside, array, in_row, in_column
        return key, form.own, None if form.whole_rows else form.rows

    def _inside(self, sheet: str, row: int, column: int) -> tuple[tuple[str, bool, bool], ...]:
        """The tables in a cell's row, whether that is among their data, and the cell in them."""
        key = sheet, row, column
        if key not in self._tables:
            inside = []
            for table in self.book.tables.values() if self.book else ():
                _, top, _, bottom, _ = table.area
                if top <= row <= bottom:
                    first, last = top + table.header, bottom - table.totals
                    inside.append((table.name, first <= row <= last, table.has(*key)))
            self._tables[key] = tuple(inside)
        return self._tables[key]

    def answer(self, term: Term, formula: Formula) -> Line:
        """The line of a formula of our own, on a sheet that the workbook has not."""
        line = self._added(term, formula.row, 0, formula.sheet)
        line.formulas.append(formula)
        return line


class Form(NamedTuple):
    """A formula's text with its references by its place, and what is left out of it.

    `rows`: where the rows are in the text that go with its own. `whole_rows`, `whole_columns`:
    whether it refers to some, which are not counted from its own.
    """

    text: str
    own: Own
    rows: Sequence[tuple[int, int]]
    whole_rows: bool
    whole_columns: bool


@lru_cache(maxsize=2**14)  # those of workbooks from one template are alike
def form_of(text: str, row: int, column: int) -> Form | None:
    """The form of a formula; None for one that stands alone."""
    whole_rows = whole_columns = False
    stands_in = not STAND_IN.search(text)
    small: list[str] = []
    fixed: dict[str, int] = {}
    rows: list[tuple[int, int]] = []

    def relative(token: re.Match[str]) -> str:
        nonlocal whole_rows, whole_columns
        kind, here = token.lastgroup, token[0]
        if kind is None:
            return here
        if kind == "place":
            letters, across, top, number = corner(here)
            if not number:
                return here  # a name
            left = letters or f"{across - column}\ue005"
            if top:
                return f"{left}\ue004{number}"
            rows.append(token.span("row"))
            return f"{left}\ue006{number - row}"
        if kind == "fixed" and (place := fixed_place(here)):
            number = fixed.setdefault(here, len(fixed))
            high, wide = place.bottom - place.top, place.right - place.left
            return f"\ue009{number}\ue006{high}\ue005{wide}"
        if kind == "number" and stands_in and is_small(token):
            small.append(here)
            return "\ue008"
        whole_rows = whole_rows or kind == "rows"
        whole_columns = whole_columns or kind == "columns"
        return here

    form = TOKEN.sub(relative, text)
    if len(small) > MOST_SMALL:
        return None
    own = Own(tuple(small), tuple(fixed))
    return Form(form, own, tuple(rows), whole_rows, whole_columns)


@lru_cache(maxsize=2**12)
def corner(place: str) -> tuple[str, int, bool, int]:
    """A cell's letters where a dollar sign fixes them, its column, whether its row is fixed, that.

    The row is 0 where it is no cell, but a name that looks like one.
    """
    found = re.fullmatch(r"(\$?)([A-Za-z]+)(\$?)(\d+)", place)
    assert found
    left, letters, top, row = found.groups()
    across, number = column_number(letters), int(row)
    is_cell = 1 <= number <= LAST_ROW and across <= LAST_COLUMN
    return letters if left else "", across, bool(top), number if is_cell else 0


def shifted(these: Sequence[str], those: Sequence[str]) -> list[tuple[int, int]]:
    """How many rows and columns some fixed addresses are from others of the same sizes."""
    shifts = []
    for one, other in zip(these, those, strict=True):
        here, there = fixed_place(one), fixed_place(other)
        assert here
        assert there
        shifts.append((there.top - here.top, there.left - here.left))
    return shifts


def is_small(token: re.Match[str]) -> bool:
    """Whether a token is a whole number from 1 to 60 that is reckoned with, or asked for.

    Those are all of one kind, and what is read beside an operator does not depend on which it is.
    """
    if not token[0].isdecimal() or token[0].startswith("0") or int(token[0]) > MOST_SMALL:
        return False
    text, start, end = token.string, token.start(), token.end()
    before, after = text[max(0, start - 2) : start], text[end : end + 1]
    infix = len(before) == 2 and before[1] in "+-*<>" and (before[0].isalnum() or before[0] in ")]")
    opens = start == 0 or before[-1] in "(,"
    closes = end == len(text) or after in "),"
    reckons = after in "+-*<>" and after != ""
    if opens and closes:
        return ANY_NUMBER.search(text, max(0, start - 40), start) is not None
    return (infix and (closes or reckons)) or (opens and reckons)


def with_stand_ins(text: str) -> str:
    """A formula with stand-ins for its small numbers."""
    places = count(1)

    def stand_in(token: re.Match[str]) -> str:
        if token.lastgroup != "number" or not is_small(token):
            return token[0]
        return f"00000{next(places):02}"

    return TOKEN.sub(stand_in, text)


def depends_on_place(term: Term) -> bool:
    """Whether what was read may be otherwise in another row: ranges that grow change their shape.

    A formula with one such range, or all of them growing alike, reads the same everywhere. A spill
    that it names (A1#) is that of one cell.
    """
    growing = [reference for reference in term.references if reference.grows]
    if term.anchors or any(crossed.reference.grows for crossed in term.crossed):
        return True
    if any(reference.area[1:3] == reference.area[3:5] for reference in growing):
        return True
    ranges = {r.moving for r in term.references if r.grows or r.area[1:3] != r.area[3:5]}
    return bool(growing) and len(ranges) > 1
