"""The embedded host: a workbook's formulas, native and KPI alike, computed without Excel.

The engine is formualizer. What it cannot be trusted with is rewritten or refused in formulas.py;
a refusal names the cell, and spreads to every cell that depends on it: never a silent wrong number.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import formualizer

from kpi_xl.cells import Block, Cell, evaluate
from kpi_xl.engine import formulas, native
from kpi_xl.engine.formulas import FormulaError, RefusedError, Setting, Term
from kpi_xl.errors import CellError
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import LAST_COLUMN, LAST_ROW, Area
from kpi_xl.ooxml.blocks import Block as Cells
from kpi_xl.ooxml.package import Formula, NotAWorkbookError, Package, read_package, with_cells
from kpi_xl.registry import Metric

KINDS = {
    "Div": "#DIV/0!",
    "Na": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "Spill": "#SPILL!",
    "Calc": "#CALC!",
}
"""The engine's kinds of errors that Excel has, too. Any other kind is a refusal."""

CODES = {code: {"type": "Error", "kind": kind} for kind, code in KINDS.items()}
UNSURE = {"type": "Error", "kind": "NImpl"}
"""What the engine shows for a cell that it cannot compute surely: not an error of Excel."""

LATER = dict(UNSURE)
"""What a block too large for the engine shows until it is written out: not a doubt."""

NATIVE_ERROR = "it comes from a native function, or from a cell that the formula refers to"
WHOLE_END = "\ue000end of a whole column"
LARGEST_SPILL = 10_000  # cells; the engine spills no more
PLAIN_TEXT = re.compile(r"[A-Za-z0-9 ]*")
BATCH = 500  # rows; the engine takes ever longer over more at once


@dataclass(frozen=True)
class Computed:
    """The value of each formula cell, by sheet, row and column; the refused ones are not there.

    A formula that spills has a block. `refused` maps the cells left out to sentences.
    """

    values: dict[tuple[str, int, int], Cell | Block]
    refused: dict[str, str]


def calculate(content: bytes) -> Computed:
    """Compute every formula of an .xlsx file. Raises NotAWorkbookError, RefusedError."""
    return compute(read_package(content))


def compute(book: Package, blocks: Sequence[Cells] = ()) -> Computed:
    """The same, for a workbook that has been read, with blocks of cells that its file has not."""
    engine = _Engine(with_cells(book, blocks))
    engine.run()
    values = {
        (formula.sheet, formula.row, formula.column): value
        for formula, value in engine.shown.items()
        if formula not in engine.refused
    }
    refused = {formula.cell: sentence for formula, sentence in engine.refused.items()}
    return Computed(values, refused)


def evaluate_formula(formula: str, content: bytes | None = None) -> Cell | Block:
    """What a cell of the workbook would show for this formula, typed on its first sheet.

    An error is a `CellError` with its sentence. Raises FormulaError where the formula cannot be
    read, or not surely computed; NotAWorkbookError.
    """
    text = _readable(formula)
    return evaluator(content)(text)


def evaluator(content: bytes | None, sheet: str | None = None) -> Callable[[str], Cell | Block]:
    """What tells the values of formulas, typed on a sheet of the workbook, one after the other.

    Without a sheet it is the first. It raises what `evaluate_formula` raises.
    """
    book = None if content is None else read_package(content)
    sheet = sheet or (book.sheets[0] if book and book.sheets else None)
    engine = _Engine(book)
    engine.run()

    def evaluated(formula: str) -> Cell | Block:
        term = formulas.read(_readable(formula), Setting(book, sheet))
        engine.problems.clear()  # those of the workbook's own formulas
        answer = engine.add_answer(term)
        engine.run()
        if answer in engine.refused:
            reasons = [
                f"{cell.cell}, which it needs, is not computed: {sentence}"
                for cell, sentence in engine.refused.items()
                if any(cell.area.touches(place) for place in term.areas)
            ]
            raise RefusedError((reasons or [engine.refused[answer]])[0])
        return engine.shown[answer]

    return evaluated


def _readable(formula: str) -> str:
    """A formula without its equals sign. Raises FormulaError where it is none."""
    text = formula.strip().removeprefix("=")
    if not text.strip():
        raise FormulaError("it cannot be read: it is empty")
    try:
        formualizer.parse(f"={text}")
    except (formualizer.ParserError, formualizer.TokenizerError, UnicodeEncodeError) as error:
        place = re.search(r"position (\d+)", str(error))
        near = f" near {text[max(0, int(place[1]) - 2) :][:12]!r}" if place else ""
        hint = ": arguments are separated by commas" if ";" in text else ""
        raise FormulaError(f"it cannot be read{near}{hint}") from None
    return text


class _Engine:
    """A loaded workbook with the KPI functions, and what they noticed while it ran."""

    def __init__(self, book: Package | None) -> None:
        config = formualizer.EvaluationConfig()
        config.enable_parallel = False  # callbacks stay on this thread, and are faster so
        config.cycle_detection = "runtime"  # so that they are counted
        settings = formualizer.WorkbookConfig(eval_config=config)
        self.book = book
        self.formulas: list[Formula] = []
        self.terms: dict[Formula, Term] = {}
        self.refused: dict[Formula, str] = {}
        self.spilling: list[Formula] = []
        self.blocks: dict[Formula, Block] = {}
        self.written: set[Formula] = set()
        self.shown: dict[Formula, Cell | Block] = {}
        self.problems: list[CellError] = []
        self.bug: BaseException | None = None
        self.unsure = False
        if book is None:
            self.workbook = formualizer.Workbook(config=settings)
        else:
            if book.date1904:
                raise RefusedError(
                    "the workbook counts dates from 1904: save it with dates from 1900"
                )
            if book.precision_as_shown:
                raise RefusedError(
                    "the workbook rounds its values to what they show: switch off its setting"
                    " 'Set precision as displayed'"
                )
            # The engine's own limits are too low for a million rows. What it gets is not packed.
            sizes = ("max_input_bytes", "max_expanded_bytes", "max_part_bytes")
            limits = dict.fromkeys(sizes, len(book.content))
            try:
                self.workbook = formualizer.Workbook.from_bytes(
                    book.content, config=settings, load_limits=limits
                )
            except (OSError, RuntimeError, ValueError) as error:
                raise NotAWorkbookError(f"the engine cannot load it ({error})") from None
            self.formulas = [self._with_text(formula) for formula in book.formulas]
            self._prepare()
        self.workbook.set_temporal_egress("serial")
        self.workbook.set_changelog_enabled(False)  # it doubles the time that setting values takes
        for metric in METRICS.values():
            self._register(metric.name, _metric_call(metric, self.problems))
        for name, function in OWN.items():
            self._register(name, function)
        self._register(formulas.SPILLED, self._note_block)

    def _with_text(self, formula: Formula) -> Formula:
        """A formula with a text of its own: the engine moves what only looks like a reference."""
        if formula.moved == (0, 0):
            return formula
        own = replace(formula, text=formulas.moved(formula.text, *formula.moved), moved=(0, 0))
        if self.workbook.get_formula(own.sheet, own.row, own.column) != own.text:
            self._set(own, own.text)
        return own

    def _prepare(self) -> None:
        """Rewrite what must be, and refuse what is not sure."""
        sure: set[str] = set()
        for formula in self.formulas:
            pattern = formulas.pattern(formula.text)
            if pattern in sure and formula.array is None:
                continue
            try:
                term = self.term(formula)
            except RefusedError as refusal:
                self.refused[formula] = str(refusal)
                if not any(name in formula.text.upper() for name in native.VOLATILE):
                    self._set(formula, "NA()")  # the engine may break down over the formula itself
                continue
            if formula.array is not None and term.is_block:
                self._set_spilling(formula, term)
            elif term.text != formula.text:
                self._set(formula, term.text)
            elif not re.search(r"[:'\"]|\d{7}", formula.text) and not term.error_free:
                sure.add(pattern)  # what a range may be depends on where it is; so it has none

    def term(self, formula: Formula) -> Term:
        """A formula as it was rewritten. Raises RefusedError."""
        if formula not in self.terms and self.book:
            self.terms[formula] = formulas.prepared(formula, self.book)
        return self.terms[formula]

    def _term_or_refusal(self, formula: Formula) -> Term:
        """The same, for a formula of a pattern that has been checked: a refusal is noted."""
        try:
            return self.term(formula)
        except RefusedError as refusal:
            self.refused[formula] = str(refusal)
            return formulas.EMPTY

    def _set(self, formula: Formula, text: str) -> None:
        self.workbook.set_formula(formula.sheet, formula.row, formula.column, f"={text}")

    def _set_spilling(self, formula: Formula, term: Term) -> None:
        """Let us see the block before the engine spills it."""
        self._set(formula, formulas.spilling(term, len(self.spilling)))
        self.spilling.append(formula)

    def _note_block(self, number: float, block: Any) -> Any:
        """Keep the block; one too large for the engine to spill is written out after the run."""
        formula = self.spilling[int(number)]
        if not isinstance(block, list):
            self.blocks.pop(formula, None)
            return block
        if any(None in row for row in block):  # a blank cell that spills shows 0, in Excel too
            block = [[0.0 if cell is None else cell for cell in row] for row in block]
        self.blocks[formula] = block
        if self._is_blocked(self._spill(formula)):
            self.blocks[formula] = [[CODES["#SPILL!"]]]
            return CODES["#SPILL!"]
        return block if len(block) * len(block[0]) <= LARGEST_SPILL else LATER

    def _is_blocked(self, place: Area) -> bool:
        """Whether something that the engine does not see is in the way of a spill."""
        book = self.book
        if book is None or place[1:3] == place[3:5]:
            return False
        return any(map(place.touches, (*book.merged, *book.unreadable)))

    def add_answer(self, term: Term) -> Formula:
        """Put a formula of our own on a sheet of its own."""
        taken = {sheet.lower() for sheet in self.workbook.sheet_names}
        sheet = next(f"KPIXL{n}" for n in range(len(taken) + 1) if f"kpixl{n}" not in taken)
        self.workbook.add_sheet(sheet)
        answer = Formula(sheet, 1, 1, term.text, Area(sheet, 1, 1, 1, 1), dynamic=True)
        self.formulas.append(answer)
        self.terms[answer] = term
        if term.is_block:
            self._set_spilling(answer, term)
        else:
            self._set(answer, term.text)
        return answer

    def _register(self, name: str, function: Callable[..., Any]) -> None:
        """Let the engine call a function; a bug in it stops the run and is raised afterwards."""

        def guarded(*cells: Any) -> Any:
            if self.bug:
                return UNSURE
            try:
                result = function(*cells)
                self.unsure = self.unsure or result is UNSURE
                return result
            except BaseException as bug:
                self.bug = bug
                self.workbook.cancel()
                return UNSURE

        self.workbook.register_function(name, guarded)

    def run(self) -> None:
        """Compute everything, then find what is not to be trusted."""
        self._evaluate()
        while large := {
            formula
            for formula, block in self.blocks.items()
            if formula not in self.written and len(block) * len(block[0]) > LARGEST_SPILL
        }:
            # One that depends on another waits until that one's cells are there.
            ready = large.difference(self._dependents(large))
            if not ready:
                break  # they depend on each other; see below
            for formula in ready:
                self._write_out(formula)
            self.written |= ready
            self._evaluate()
        self._refuse_cycles()
        self._refuse_hidden_doubts()
        sound: set[Area] = set()
        for formula in self.formulas:
            if formula not in self.refused:
                try:
                    self._check_errors(self.terms.get(formula), sound)
                    self.shown[formula] = self._value(formula)
                except RefusedError as refusal:
                    self.refused[formula] = str(refusal)
        self._spread_refusals()

    def _evaluate(self) -> None:
        try:
            self.workbook.evaluate_all()
        except formualizer.ExcelEvaluationError as error:
            if self.bug is None:
                self._give_up_spills(str(error))
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # Rust's; it is no Exception
                raise RefusedError(f"the engine broke down: {error}") from None
            raise
        if self.bug is not None:
            raise self.bug

    def _give_up_spills(self, reason: str) -> None:
        """Refuse the formulas that spill, over whose dependencies the engine gave up."""
        spilling = [formula for formula in self.spilling if formula not in self.refused]
        if not spilling:
            raise RefusedError(f"the engine gives up on the workbook: {reason}")
        for formula in spilling:
            self.refused[formula] = f"the engine gives up on the spills: {reason}"
            self.blocks.pop(formula, None)
            self._set(formula, "NA()")
        self._evaluate()

    def _refuse_cycles(self) -> None:
        """Refuse the formulas that depend on themselves, also where IFERROR or a spill hides it."""
        suspects = list(self.blocks)
        if self.workbook.last_cycle_telemetry().live_cycles_witnessed:
            suspects = self.formulas
        while (
            suspects
        ):  # what no other suspect leads to is in no circle; looking one by one is slow
            dependents = self._dependents(set(suspects))
            reached = [formula for formula in suspects if formula in dependents]
            if len(reached) == len(suspects):
                break
            suspects = reached
        for formula in suspects:
            if formula not in self.refused and formula in self._dependents({formula}):
                self.refused[formula] = "it depends on itself: a circular reference"

    def _refuse_hidden_doubts(self) -> None:
        """Refuse formulas that may have taken a doubt of ours for an error, and hidden it."""
        if not self.unsure and not self.written:
            return
        for formula in self.formulas:
            if formula in self.refused:
                continue
            term = self._term_or_refusal(formula)
            doubtful = any(name in term.text for name in formulas.MAY_BE_UNSURE)
            if self.unsure and doubtful and any(trap in term.text for trap in native.TRAPS):
                self.refused[formula] = "what the engine is not sure of may be hidden in it"
            for written in self.written if term.anchors else ():
                if any(anchor.touches(self._spill(written)) for anchor in term.anchors):
                    self.refused[formula] = f"{written.cell}# is too large a spill to refer to so"

    def _spread_refusals(self) -> None:
        """Refuse what depends on cells that are not computed, or on where these may spill."""
        unreadable = {
            Formula(place.sheet, place.top, place.left, "")
            for place in (self.book.unreadable if self.book else ())
        }
        known = -1
        while known < len(self.refused):
            self._refuse_crossing_spills()
            known = len(self.refused)
            last_rows = self._last_rows()
            rooms = {
                replace(formula, array=room)
                for formula in self.refused
                if formula.dynamic
                for room in self._room(formula.area, last_rows[formula.sheet])
            }
            sources = set(self.refused) | unreadable | rooms
            for formula, place in self._dependents(sources).items():
                self.refused.setdefault(formula, f"it depends on {place}, which is not computed")

    def _refuse_crossing_spills(self) -> None:
        """Refuse spills that claim cells of each other, of old spills that stay, or of tables.

        Excel leaves such cells to the spill that was there first, which the file does not tell.
        """
        tables = self.book.tables.values() if self.book else ()
        claims: list[tuple[Area, Formula | None]] = [(table.area, None) for table in tables]
        for formula in self.formulas:
            place = formula.area if formula in self.refused else self._spill(formula)
            if place[1:3] != place[3:5]:
                claims.append((place, formula))
        claims.sort(key=lambda claim: claim[0])
        for number, (place, claimant) in enumerate(claims):
            for other, rival in islice(claims, number + 1, None):
                if other.sheet != place.sheet or other.top > place.bottom:
                    break
                if not place.touches(other):
                    continue
                if (claimant and other.touches(claimant.own_area) and rival) or (
                    rival and place.touches(rival.own_area) and claimant
                ):
                    continue  # what would cover the other's formula shows #SPILL! for sure
                for unsure, cells in ((claimant, other), (rival, place)):
                    if unsure:
                        reason = f"it is not sure whether it may fill {cells}, too"
                        self.refused.setdefault(unsure, reason)

    def _last_rows(self) -> dict[str, int]:
        """The last row of each sheet that holds something, spills included."""
        last = dict(self.book.last_rows) if self.book else {}
        for formula in (*self.formulas, *self.blocks):
            last[formula.sheet] = max(last.get(formula.sheet, 1), self._spill(formula).bottom)
        return last

    def _room(self, place: Area, last: int) -> list[Area]:
        """The cells below a block and to the right of it that it may come to fill."""
        sheet, top, left, bottom, right = place
        below = self._blanks(lambda a, b: Area(sheet, a, left, b, left), bottom + 1, last)
        beside = self._blanks(lambda a, b: Area(sheet, top, a, top, b), right + 1, LAST_COLUMN)
        below = LAST_ROW - bottom if bottom + below >= last else below
        room = []
        if below:
            room.append(Area(sheet, bottom + 1, left, bottom + below, right))
        if beside:
            room.append(Area(sheet, top, right + 1, bottom, right + beside))
        return room

    def _blanks(self, cells: Callable[[int, int], Area], first: int, last: int) -> int:
        """How many cells of a row or column are blank, from the first to a last one."""
        place, step = first, 16
        while place <= last and step:
            end = min(place + step - 1, last)
            address = formualizer.RangeAddress(*cells(place, end))
            values = self.workbook[address.sheet].get_values(address)
            if all(cell is None for row in values for cell in row):
                place, step = end + 1, 4 * step
            else:
                step //= 4
        return place - first

    def _write_out(self, formula: Formula) -> None:
        """Put a large block into the cells, as values in place of the formula."""
        place = self._spill(formula)
        if place.bottom > LAST_ROW or place.right > LAST_COLUMN or self._occupied(place):
            self.workbook.set_value(formula.sheet, formula.row, formula.column, CODES["#SPILL!"])
            self.blocks[formula] = [[CODES["#SPILL!"]]]
            return
        block = self.blocks[formula]
        for start in range(0, len(block), BATCH):
            self.workbook.set_values_batch(
                formula.sheet, formula.row + start, formula.column, block[start : start + BATCH]
            )

    def _spill(self, formula: Formula) -> Area:
        """The cells that a formula's block fills."""
        block = self.blocks.get(formula, [[None]])
        bottom, right = formula.row + len(block) - 1, formula.column + len(block[0]) - 1
        return Area(formula.sheet, formula.row, formula.column, bottom, right)

    def _occupied(self, place: Area) -> bool:
        cells = chain.from_iterable(self._cells(place))
        return any(cell is not None for cell in islice(cells, 1, None))

    def _dependents(self, sources: set[Formula]) -> dict[Formula, Area]:
        """The formulas that depend on some, directly or not, each with an area that it needs."""
        import numpy as np

        needs = [
            (formula, need)
            for formula in (self.formulas if sources else ())
            if formula not in self.refused
            for need in self._term_or_refusal(formula).areas
        ]
        by_sheet: dict[str, list[tuple[Formula, Area]]] = {}
        for formula, need in needs:
            by_sheet.setdefault(need.sheet, []).append((formula, need))
        corners = {
            sheet: np.array([need[1:] for _, need in listed]).T
            for sheet, listed in by_sheet.items()
        }
        found: dict[Formula, Area] = {}
        fresh = sources
        while fresh:
            places = {place for formula in fresh for place in (formula.area, self._spill(formula))}
            fresh = set()
            for place in places:
                if place.sheet not in corners:
                    continue
                top, left, bottom, right = corners[place.sheet]
                touching = (top <= place.bottom) & (bottom >= place.top)
                touching &= (left <= place.right) & (right >= place.left)
                for hit in np.flatnonzero(touching).tolist():
                    formula, _ = by_sheet[place.sheet][hit]
                    if formula not in found:
                        found[formula] = place
                        fresh.add(formula)
        return found

    def _check_errors(self, term: Term | None, sound: set[Area]) -> None:
        """Refuse sums over ranges with errors, which the engine leaves out.

        Ranges without one are added to `sound`: many formulas sum the same column.
        """
        for place in term.error_free if term else ():
            if place in sound:
                continue
            if dict in set(map(type, chain.from_iterable(self._cells(place)))):
                raise RefusedError(f"{place} holds an error, which the engine leaves out")
            sound.add(place)

    def _cells(self, place: Area) -> Block:
        """The values of an area, down to the sheet's last row."""
        last = self.book.last_rows.get(place.sheet, LAST_ROW) if self.book else LAST_ROW
        spilled = [self._spill(f).bottom for f in self.blocks if f.sheet == place.sheet]
        bottom = max(place.top, min(place.bottom, max([last, *spilled])))
        address = formualizer.RangeAddress(*place._replace(bottom=bottom))
        return self.workbook[place.sheet].get_values(address)

    def _value(self, formula: Formula) -> Cell | Block:
        """What the cell shows, or the block that it spills. Raises RefusedError."""
        cell = self.workbook.get_value(formula.sheet, formula.row, formula.column)
        if formula.spans and not formula.dynamic and formula not in self.blocks:
            raise RefusedError(f"it is an array formula over {formula.array} with a single value")
        if formula in self.blocks and cell != CODES["#SPILL!"]:
            if not formula.dynamic and self._spill(formula) != formula.array:
                raise RefusedError(
                    f"it is an array formula entered over {formula.array}, but its result fills"
                    f" {self._spill(formula)}: enter it as a dynamic array formula"
                )
            return [[self._cell(cell) for cell in row] for row in self.blocks[formula]]
        return self._cell(cell)

    def _cell(self, cell: Any) -> Cell:
        if isinstance(cell, dict):
            code = KINDS.get(cell["kind"])
            if code is None:
                raise RefusedError(f"the engine gives up on it ({cell['kind']})")
            reasons = (problem.sentence for problem in self.problems if problem == code)
            return CellError(code, next(reasons, NATIVE_ERROR))
        if isinstance(cell, float):
            if not math.isfinite(cell):
                raise RefusedError("the engine gives no finite number, where Excel gives an error")
            return cell + 0.0  # which is no -0
        return "" if cell is None else cell


# What the engine calls


def _metric_call(metric: Metric, problems: list[CellError]) -> Callable[..., Any]:
    def call(*cells: Any) -> Any:
        given = _of_one_length([_given(cell) for cell in cells])
        if UNSURE in given:
            return UNSURE
        result = evaluate(metric, given)
        if type(result) is float:
            return result
        if isinstance(result, list):
            return [[_taken(cell, metric, problems) for cell in row] for row in result]
        return _taken(result, metric, problems)

    return call


def _given(cell: Any) -> Any:
    """An engine's argument as `cells` reads it, or UNSURE for an error that Excel does not have."""
    if isinstance(cell, dict):
        return KINDS.get(cell["kind"], UNSURE)
    if isinstance(cell, list) and dict in set(map(type, chain.from_iterable(cell))):
        rows = [[_given(c) for c in row] for row in cell]
        return UNSURE if any(c is UNSURE for row in rows for c in row) else rows
    return None if cell == formulas.OMITTED else cell


def _whole(block: Any) -> Any:
    """A whole column, marked as one: the engine gives it as far down as it is filled."""
    rows = block if isinstance(block, list) else [[block]]
    return [*rows, [WHOLE_END] * (len(rows[0]) if rows else 1)]


def _of_one_length(given: list[Any]) -> list[Any]:
    """Whole columns at the length of the longest: in Excel they are all of one length."""
    whole = [isinstance(block, list) and block[-1][0] == WHOLE_END for block in given]
    if not any(whole):
        return given
    blocks = [block[:-1] if marked else block for block, marked in zip(given, whole, strict=True)]
    longest = max(len(block) for block, marked in zip(blocks, whole, strict=True) if marked)
    others = [
        len(b)
        for b, marked in zip(blocks, whole, strict=True)
        if not marked and isinstance(b, list)
    ]
    if longest in others:  # which are shorter than a whole column, however far that is filled
        longest += 1
    return [
        block + [[None] * len(block[0])] * (longest - len(block)) if marked and block else block
        for block, marked in zip(blocks, whole, strict=True)
    ]


def _taken(cell: Cell, metric: Metric, problems: list[CellError]) -> Any:
    if isinstance(cell, CellError):
        problems.append(CellError(cell, f"{metric.name}: {cell.sentence}"))
        return CODES.get(cell, UNSURE)
    return cell


def _each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of one cell, also over a block; errors pass through it."""

    def lifted(cell: Any) -> Any:
        if isinstance(cell, list):
            return [[lifted(c) for c in row] for row in cell]
        return cell if isinstance(cell, dict) else function(cell)

    return lifted


def _compared(cell: Any) -> Any:
    """A cell as Excel compares it: 15 digits, and no difference between É and é."""
    if isinstance(cell, str):
        return cell.lower()
    return float(f"{cell:.15g}") if isinstance(cell, float) else cell


def _ordered(cells: Any, others: Any) -> Any:
    """Cells as Excel sorts them against others; its order of accents and punctuation is not known.

    That is the order of two texts: any text comes after any number.
    """
    if not isinstance(cells, list) and not isinstance(others, list):
        return _ordered_cell(cells, others)
    blocks = [cell if isinstance(cell, list) else [[cell]] for cell in (cells, others)]
    high, wide = max(map(len, blocks)), max(len(block[0]) for block in blocks)
    spread = [
        [row * (wide if len(row) == 1 else 1) for row in block * (high if len(block) == 1 else 1)]
        for block in blocks
    ]
    return [list(map(_ordered_cell, *rows)) for rows in zip(*spread, strict=True)]


def _ordered_cell(cell: Any, other: Any) -> Any:
    if isinstance(cell, dict):
        return cell
    compared = _compared(cell)
    if isinstance(cell, str) and isinstance(other, str) and compared != _compared(other):
        return compared if PLAIN_TEXT.fullmatch(cell) else UNSURE
    return compared


def _condition(cell: Any) -> Any:
    """A condition as Excel reads it, which takes the words for the values."""
    if isinstance(cell, str):
        return {"true": True, "false": False}.get(cell.lower(), cell)
    return cell


def _logical_text(cell: Any) -> Any:
    return str(cell).upper() if isinstance(cell, bool) else cell


def _as_text(cell: Any) -> Any:
    """A cell as Excel writes it into text."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float | int):
        text = f"{cell + 0.0:.15g}"  # which has no -0
        return UNSURE if "e" in text else text
    return "" if cell is None else cell


def _difference(one: Any, other: Any) -> Any:
    """The sum of two numbers, as Excel ends a formula: a rest of a bit or two is 0.

    0.5 - 0.4 - 0.1 is 0 in Excel, though not in binary. How many bits that may be is not known
    exactly, so that a rest of some more is not sure.
    """
    for cell in (one, other):
        if isinstance(cell, dict):
            return cell
        if not isinstance(cell, float | int):
            return UNSURE
    total = one + other
    rest = abs(total) / math.ulp(max(abs(one), abs(other))) if total and one * other < 0.0 else 0.0
    if 0.0 < rest <= 2.0:
        return 0.0
    return UNSURE if 2.0 < rest <= 16.0 else total


def _a_number(cell: Any) -> Any:
    """A cell as the number that Excel takes it for."""
    if isinstance(cell, str):
        plain = re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", cell)
        return float(cell) if plain else CODES["#VALUE!"]
    if isinstance(cell, list):
        return UNSURE
    return cell if isinstance(cell, dict) else float(cell or 0.0)


def _one_cell(cell: Any) -> Any:
    """A value; a block where one value belongs is not sure."""
    if isinstance(cell, list):
        return cell[0][0] if len(cell) == len(cell[0]) == 1 else UNSURE
    return cell


def _finite(number: Any) -> Any:
    """A number that cells can hold: no infinity, no -0."""
    if not isinstance(number, float):
        return number
    return number + 0.0 if math.isfinite(number) else CODES["#NUM!"]


def _power(base: Any, exponent: Any) -> Any:
    numbers = []
    for cell in map(_a_number, (base, exponent)):
        if not isinstance(cell, float):
            return cell
        numbers.append(cell)
    try:
        if numbers == [0.0, 0.0]:
            return CODES["#NUM!"]
        power = numbers[0] ** numbers[1]
    except ZeroDivisionError:
        return CODES["#DIV/0!"]
    except OverflowError:
        return CODES["#NUM!"]
    return CODES["#NUM!"] if isinstance(power, complex) else power


def _in_calendar(day: Any) -> Any:
    """A date as Excel has it: none before 1900 or after 9999."""
    if isinstance(day, dict) or 61 < day < 2958466:
        return day
    return UNSURE if 0 <= day <= 61 else CODES["#NUM!"]


def _included(cells: Any) -> Any:
    """What FILTER may keep by: a column of TRUE and FALSE (or numbers)."""
    for row in cells if isinstance(cells, list) else [[cells]]:
        if len(row) != 1:
            return UNSURE
        if isinstance(row[0], dict):
            return row[0]
        if isinstance(row[0], str):
            return CODES["#VALUE!"]
    return cells


OWN: dict[str, Callable[..., Any]] = {
    formulas.COMPARED: _each(_compared),
    formulas.ORDERED: _ordered,
    formulas.AS_TEXT: _each(_as_text),
    formulas.LOGICAL_TEXT: _logical_text,
    formulas.CONDITION: _each(_condition),
    formulas.POWER: _power,
    formulas.IN_CALENDAR: _in_calendar,
    formulas.DIFFERENCE: _difference,
    formulas.IS_FINITE: _finite,
    formulas.ONE_CELL: _one_cell,
    formulas.A_NUMBER: _a_number,
    formulas.WHOLE: _whole,
    formulas.INCLUDED: _included,
}
"""Our own functions for what the engine does otherwise than Excel, under the names that
formulas.py writes."""
