"""The embedded host: a workbook's formulas, native and KPI alike, computed without Excel.

The engine is formualizer. What it cannot be trusted with is rewritten or refused in formulas.py;
a refusal names the cell, and spreads to every cell that depends on it: never a silent wrong number.
"""

import math
import re
import signal
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, groupby, islice, pairwise
from operator import itemgetter
from typing import Any
from weakref import proxy

import formualizer

from kpi_xl.cells import Block, Cell
from kpi_xl.engine import formulas, names, terms
from kpi_xl.engine.calls import (
    CODES,
    DOUBTING,
    LATER,
    OWN,
    UNSURE,
    UNSURE_OF,
    Noticed,
    Ranges,
    metric_call,
)
from kpi_xl.engine.checks import CellValues, totals_among, unproven
from kpi_xl.engine.dependents import Graph, RowsByColumn, precedents, rows_by_column
from kpi_xl.engine.excel import COMPUTED
from kpi_xl.engine.formulas import CIRCLE, Context
from kpi_xl.engine.kinds import CODES_OF
from kpi_xl.engine.loading import for_engine, holding, last_column, sheet_names
from kpi_xl.engine.memory import uncollected
from kpi_xl.engine.names import DIFFERENCE, HOLE, OURS
from kpi_xl.engine.patterns import HOLDERS, Line, Patterns
from kpi_xl.engine.terms import FormulaError, RefusedError, Term
from kpi_xl.errors import CellError
from kpi_xl.formula_text import calls
from kpi_xl.locales import Message
from kpi_xl.metrics import METRICS
from kpi_xl.ooxml.addresses import LAST_COLUMN, LAST_ROW, Area
from kpi_xl.ooxml.blocks import CellBlock
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.package import Formula, Package, read_package, with_cells

KPI_ERROR = Message("one of its functions gives it, or is given it: kpi-xl explain says why")
NO_ROOM = Message("its block has no room: clear the cells below and beside it")
NATIVE_ERROR = Message("it comes from a native function, or from a cell that the formula refers to")
CIRCULAR = "Circ"  # the engine's error for it
SMALL_SUM = 1e-3  # of larger ones nobody takes the rest of a sum for 0
SUM_REST = 1e-13  # of the largest number of a sum, up to which it may be a rest
SUM = re.compile(rf"(?:SUM\(|SUBTOTAL\((?:9|109),)(?:{HOLE.pattern})(?:,(?:{HOLE.pattern}))*\)")
LARGEST_SPILL = 10_000  # cells; the engine spills no more
QUICK_SPILL = 100  # cells; of each that the engine spills it looks for all that depends on it
BATCH = 100_000  # rows of values that the engine is given at once: it looks for what needs them
WIDE_GAP = 1000  # rows
AT_ONCE = 100_000  # rows; how many values of a column are taken from the engine in one go


@dataclass(frozen=True)
class Computed:
    """The value of each formula cell, by sheet, row and column; the refused ones are not there.

    A formula that spills has a block. `refused` maps the cells left out to sentences.
    """

    values: dict[tuple[str, int, int], Cell | Block]
    refused: dict[str, Message]


@uncollected()
def calculate(content: bytes) -> Computed:
    """Compute every formula of an .xlsx file. Raises NotAWorkbookError, RefusedError."""
    return compute(read_package(content))


def compute(book: Package, blocks: Sequence[CellBlock] = (), *, quick: bool = False) -> Computed:
    """The same, for a workbook that has been read, with blocks of cells that its file has not.

    `quick`: smaller spills, too, are written out, and refused where they come too early so.
    """
    engine = _Engine(with_cells(book, blocks), asked_later=False, quick=quick)
    engine.run()
    values = {
        (formula.sheet, formula.row, formula.column): value
        for formula, value in engine.shown.items()
        if formula not in engine.refused
    }
    refused = {formula.cell: sentence for formula, sentence in engine.refused.items()}
    return Computed(values, refused)


@uncollected()
def evaluate_formula(formula: str, content: bytes | None = None) -> Cell | Block:
    """What a cell of the workbook would show for this formula, typed on its first sheet.

    An error is a `CellError` with its sentence. Raises FormulaError where the formula cannot be
    read, or not surely computed; NotAWorkbookError.
    """
    text = _readable(formula)
    book = None if content is None else read_package(content)
    context = Context(book, _first_sheet(book))
    formulas.read(text, context)  # a mistake is told before all is computed
    return _evaluator(context)(text)


NEEDED = "{cell}, which it needs, is not computed: {sentence}"


@uncollected()
def evaluator(content: bytes | None, sheet: str | None = None) -> Callable[[str], Cell | Block]:
    """What tells the values of formulas, typed on a sheet of the workbook, one after the other.

    Without a sheet it is the first. It raises what `evaluate_formula` raises.
    """
    book = None if content is None else read_package(content)
    return _evaluator(Context(book, sheet or _first_sheet(book)))


def _first_sheet(book: Package | None) -> str | None:
    return book.sheets[0] if book and book.sheets else None


def _evaluator(context: Context) -> Callable[[str], Cell | Block]:
    engine = _Engine(context.book)
    engine.run()

    def evaluated(formula: str) -> Cell | Block:
        term = formulas.read(_readable(formula), context)
        engine.noticed.problems.clear()  # those of the workbook's own formulas
        answer = engine.add_answer(term)
        engine.run(answer)
        if answer in engine.refused:
            reasons = [
                Message(NEEDED, cell=cell.cell, sentence=sentence)
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
        near = text[max(0, int(place[1]) - 2) :][:12] if place else text[:12]
        if ";" in re.sub(r'"[^"]*"|\{[^}]*\}', "", text):  # but for texts and blocks
            raise FormulaError(
                'it cannot be read near "{near}": arguments are separated by commas', near=near
            ) from None
        raise FormulaError('it cannot be read near "{near}"', near=near) from None
    return text


class _Engine:
    """A loaded workbook with the KPI functions, and what they noticed while it ran."""

    def __init__(
        self, book: Package | None, *, asked_later: bool = True, quick: bool = False
    ) -> None:
        """`asked_later`: whether there may be answers, which may refer to any spill."""
        config = formualizer.EvaluationConfig()
        config.enable_parallel = False  # callbacks stay on this thread, and are faster so
        config.cycle_detection = "runtime"  # so that they are counted
        settings = formualizer.WorkbookConfig(eval_config=config)
        self.book = book
        self.formulas: list[Formula] = list(book.formulas) if book else []
        self.lines: dict[Formula, Line] = {}
        self.texts: dict[Formula, str] = {}
        """What the engine computes for each."""
        self.refused: dict[Formula, Message] = {}
        self.spilling: list[Formula] = []
        self.blocks: dict[Formula, Block] = {}
        self.written: dict[Formula, Area] = {}
        """The large blocks, and the cells that they were written into."""
        self.holding: dict[int, str] = {}
        """The formulas that hold ranges, by the rows of their sheet."""
        self.waiting: set[Formula] = set()
        """What is entered once the spills are there, or large ones would have it computed twice."""
        self._waiting_rows: RowsByColumn = {}
        self.circular = False
        """Whether the engine met a formula that depends on itself."""
        self._latest_graph: Graph | None = None
        self._known_places: dict[int, Sequence[Area]] = {}
        self.asked_later = asked_later
        self.quick = quick
        self.shown: dict[Formula, Cell | Block] = {}
        self.noticed = Noticed()
        self.sentences: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        """What the functions said, by function and error."""
        self.answer: Formula | None = None
        self.bug: BaseException | None = None
        self.cells: CellValues
        self.totals: Callable[[], dict[str, RowsByColumn]]
        self.names: dict[str, str] = {}
        self.patterns = Patterns(book, self.names)
        if book is None:
            self.workbook = formualizer.Workbook(config=settings)
        else:
            if book.precision_as_shown:
                raise RefusedError(
                    "the workbook rounds its values to what they show: switch off its setting"
                    " 'Set precision as displayed'"
                )
            self.names |= sheet_names(book)
            self.texts = self._texts()
            self.holding = holding(self.patterns.held, self.names)
            self.waiting = self._not_for_spills()
            self._waiting_rows = rows_by_column(self.waiting)
            texts = {one: text for one, text in self.texts.items() if one not in self.waiting}
            content = for_engine(book, texts, self._held_for(texts))
            # The engine's own limits are too low for a million rows. What it gets is not packed.
            sizes = ("max_input_bytes", "max_expanded_bytes", "max_part_bytes")
            limits = dict.fromkeys(sizes, len(content))
            try:
                self.workbook = formualizer.Workbook.from_bytes(
                    content, config=settings, load_limits=limits
                )
            except (OSError, RuntimeError, ValueError) as error:
                raise NotAWorkbookError(
                    "the engine cannot load it ({error})", error=error
                ) from None
        self.workbook.set_temporal_egress("serial")
        self.workbook.set_changelog_enabled(False)  # it doubles the time that setting values takes
        self.ranges = ranges = Ranges()
        self._register(names.HOLD, ranges.hold)
        for metric in METRICS.values():
            self._register(metric.name, ranges.taking(metric_call(metric, self.noticed)))
        for name, function in OWN.items():
            self._register(name, ranges.taking(function))
        for name, doubting in (*DOUBTING.items(), *((OURS + n, f) for n, f in COMPUTED.items())):
            self._register(name, ranges.taking(self.noticed.located(name, doubting)))
        self._register(names.GUARD, self.noticed.guard)
        self._register(names.DOUBT, self.noticed.doubted)
        self._register(names.CRITERION, self.noticed.criterion)
        self._register(names.SPILLED, partial(_Engine._note_block, proxy(self)))

    def _texts(self) -> dict[Formula, str]:
        """What the engine is to compute for each formula; nothing for what is refused."""
        texts = {}
        for formula in self.formulas:
            try:
                line = self.lines[formula] = self.patterns.line(formula)
            except RefusedError as refusal:
                self.refused[formula] = refusal.sentence
                continue
            if formula.array is not None and (line.term.is_block or formula.spans):
                texts[formula] = self._spilling_text(formula)
            else:
                texts[formula] = line.text(formula.row)
        return texts

    def _not_for_spills(self) -> set[Formula]:
        """The formulas that no spill needs."""
        if not self.spilling:
            return set()
        first = [
            number
            for number, formula in enumerate(self.formulas)
            # The engine takes one that refers to its own cell only as it is loaded.
            if formula.array is not None or self._feeds_itself(formula)
        ]
        needed = precedents(first, self._places, [formula.own_area for formula in self.formulas])
        return self.texts.keys() - {self.formulas[number] for number in needed}

    def _held_for(self, formulas: Iterable[Formula]) -> dict[int, str]:
        """The ranges that are held for some formulas."""
        holders = set().union(*(self.lines[formula].holders for formula in formulas))
        return {
            number: text
            for number, text in self.holding.items()
            if f"{HOLDERS}!A{number}" in holders
        }

    def _enter_waiting(self) -> None:
        """Enter what no spill needs."""
        waiting, self.waiting = self.waiting, set()
        self._hold_anew(self._held_for(waiting))
        for formula in self.formulas:
            if formula in waiting and formula not in self.refused:
                self._set(formula, self.texts[formula])
        self._evaluate()

    def _places(self, number: int) -> Sequence[Area]:
        """The cells that a formula refers to."""
        if number not in self._known_places:
            formula = self.formulas[number]
            line = self.lines.get(formula)
            self._known_places[number] = list(line.places(formula.row)) if line else ()
        return self._known_places[number]

    def _set(self, formula: Formula, text: str) -> None:
        sheet = self.names.get(formula.sheet, formula.sheet)
        self.workbook.set_formula(sheet, formula.row, formula.column, f"={text}")

    def _spilling_text(self, formula: Formula) -> str:
        """A formula's text that lets us see the block before the engine spills it."""
        self.spilling.append(formula)
        line = self.lines[formula]
        return line.text(formula.row, terms.spilling(line.term, len(self.spilling) - 1))

    def _note_block(self, number: float, block: Any) -> Any:
        """Keep the block; one too large for the engine to spill is written out after the run."""
        formula = self.spilling[int(number)]
        if formula.array and not formula.dynamic:
            block = filling(formula.array, block)
        if not isinstance(block, list):
            self.blocks.pop(formula, None)
            return block
        if any(None in row for row in block):  # a blank cell that spills shows 0, in Excel too
            block = [[0.0 if cell is None else cell for cell in row] for row in block]
        self.blocks[formula] = block
        if self._is_blocked(self._spill(formula)):
            self.blocks[formula] = [[CODES["#SPILL!"]]]
            return CODES["#SPILL!"]
        return LATER if self._is_large(formula) else block

    def _is_large(self, formula: Formula) -> bool:
        """Whether a block is written out, not spilled; then there is no A1# of it."""
        block = self.blocks[formula]
        return len(block) * len(block[0]) > (QUICK_SPILL if self.quick else LARGEST_SPILL)

    def _is_blocked(self, place: Area) -> bool:
        """Whether something that the engine does not see is in the way of a spill."""
        book = self.book
        if book is None or place[1:3] == place[3:5]:
            return False
        if any(map(place.touches, (*book.merged, *book.unreadable))):
            return True
        for column in range(place.left, place.right + 1) if self.waiting else ():
            rows = self._waiting_rows.get((place.sheet, column), [])
            first = bisect_left(rows, place.top)
            if first < len(rows) and rows[first] <= place.bottom:
                return True
        return False

    def add_answer(self, term: Term) -> Formula:
        """Put a formula of our own on a sheet of its own. Raises RefusedError."""
        terms.refuse_endless(term)
        taken = {sheet.lower() for sheet in self.workbook.sheet_names}
        sheet = next(f"A_{n}" for n in range(len(taken) + 1) if f"a_{n}" not in taken)
        self.workbook.add_sheet(sheet)
        answer = Formula(sheet, 1, 1, term.text, Area(sheet, 1, 1, 1, 1), dynamic=True)
        self.formulas.append(answer)
        self.answer = answer
        self.lines[answer] = self.patterns.answer(term, answer)
        text = self._spilling_text(answer) if term.is_block else self.lines[answer].text(1)
        self.texts[answer] = text
        self._set(answer, text)
        return answer

    def _register(self, name: str, function: Callable[..., Any]) -> None:
        """Let the engine call a function; a bug in it stops the run and is raised afterwards."""
        # Python's garbage collector does not see into the engine: a function there that held its
        # workbook would keep both, and all their cells, for ever.
        run = proxy(self)

        def guarded(*cells: Any) -> Any:
            if run.bug:
                return UNSURE
            try:
                return function(*cells)
            except BaseException as bug:
                run.bug = bug
                run.workbook.cancel()
                return UNSURE

        self.workbook.register_function(name, guarded)

    def run(self, answer: Formula | None = None) -> None:
        """Compute everything, then find what is not to be trusted.

        With an answer only that: no other formula needs it, and they have been looked at before.
        """
        self._spill_all()
        if self.waiting:
            self._enter_waiting()
        self._ask_again([answer] if answer else self.formulas)
        if not self.asked_later:
            self.ranges.clear()  # nothing is computed any more, and they hold whole columns
        graph: Callable[[], Graph] = cache(self._graph)
        self._refuse_circles(graph)
        self._refuse_doubts()
        news = [answer] if answer else self.formulas
        if not answer:
            run = proxy(self)  # or they would hold each other, with all cells
            self.cells = CellValues(partial(_Engine._column, run), partial(_Engine._width, run))
            self.totals = cache(partial(totals_among, self.formulas))  # few workbooks ask
        for line in [self.lines[answer]] if answer else self.patterns.lines:
            for formula, sentence in unproven(
                line, self.cells, self.noticed, self._last_row, self.totals
            ):
                self.refused.setdefault(formula, sentence)
        self.sentences.clear()
        for problem in self.noticed.problems:
            name = problem.sentence.partition(":")[0]
            self.sentences[name, str(problem)][problem.sentence] = None
        given_up: dict[Formula, Message] = {}
        for formula in news:
            if formula not in self.refused:
                try:
                    self.shown[formula] = self._writable(formula, self._value(formula, self.cells))
                except RefusedError as refusal:
                    given_up[formula] = refusal.sentence
        self._refuse_rests(news)
        self._spread_refusals(graph)  # what another cell is the reason of has that one's sentence
        if given_up.keys() - self.refused.keys():
            self.refused = {**given_up, **self.refused}
            self._spread_refusals(graph)

    def _spill_all(self) -> None:
        """Compute all that has been entered; large blocks are written out, one after the other."""
        self._evaluate()
        if not self.answer:
            self._reach_spills()
        while large := {
            formula
            for formula in self.blocks
            if formula not in self.written and self._is_large(formula)
        }:
            # One that depends on another waits until that one's cells are there.
            waiting = self._graph().dependents(self._spill(formula) for formula in large)
            ready = large.difference(self.formulas[number] for number in waiting)
            if not ready:
                break  # they depend on each other; see below
            places = [self._write_out(formula) for formula in self.formulas if formula in ready]
            self._unsettle(self.formulas[number] for number in self._graph().dependents(places))
            self._renew_written(places)
            self._evaluate_written()

    def _reach_spills(self) -> None:
        """Compute what needs whole columns or rows once more, where formulas spilled into them.

        The engine takes them as far as they were filled when they were entered.
        """
        spills = [self._spill(formula) for formula in self.blocks if not self._is_large(formula)]
        lines = {line for line in self.patterns.lines if any(map(_is_endless, line.places(1)))}

        @cache
        def reaches(place: Area) -> bool:
            return _is_endless(place) and any(map(place.touches, spills))

        needing = [
            number
            for number, formula in enumerate(self.formulas)
            if self.lines.get(formula) in lines
            and formula not in self.waiting
            and any(map(reaches, self._places(number)))
        ]
        if needing:
            self._hold_anew([n for n, area in enumerate(self.patterns.held, 1) if reaches(area)])
            self._enter_anew(self._with_dependents(needing))
            self._evaluate_written()

    def _evaluate(self) -> None:
        """Compute what has changed.

        The engine misses what needs a range that is held, where another spill fills that later,
        and some of what depends on it in turn: all of that is entered anew.
        """
        self._evaluate_all()
        while changed := sorted(self.ranges.changed):
            self.ranges.changed.clear()
            self._renew(changed)
            self._evaluate_all()

    def _evaluate_written(self) -> None:
        """Compute what has changed by blocks that were written out.

        Where a spill changes by that, the engine computes what needs its cells, and not all that
        depends on this in turn.
        """
        before = dict(self.blocks)
        self._evaluate()
        while changed := [
            formula
            for formula, block in self.blocks.items()
            if block != before.get(formula) and not self._is_large(formula)
        ]:
            before = dict(self.blocks)
            numbers = self._graph().dependents(self._spill(formula) for formula in changed)
            self._enter_anew([self.formulas[number] for number in sorted(numbers)])
            self._evaluate()

    def _renew_written(self, places: Collection[Area]) -> None:
        """Enter ranges that are held anew, where blocks were written into them."""
        held = [n for n, area in enumerate(self.patterns.held, 1) if any(map(area.touches, places))]
        self.ranges.forget(held)
        self._renew(held)

    def _renew(self, numbers: Sequence[int]) -> None:
        """Enter some ranges that are held anew, and what needs them."""
        if not numbers:
            return
        self._hold_anew(numbers)
        holders = {f"{HOLDERS}!A{number}" for number in numbers}
        using = [
            number
            for number, formula in enumerate(self.formulas)
            if formula in self.lines and not holders.isdisjoint(self.lines[formula].holders)
        ]
        self._enter_anew(self._with_dependents(using))

    def _hold_anew(self, numbers: Iterable[int]) -> None:
        """Enter some ranges that are held."""
        for number in numbers:
            self.workbook.set_formula(HOLDERS, number, 1, f"={self.holding[number]}")

    def _with_dependents(self, numbers: Sequence[int]) -> list[Formula]:
        """Some formulas and those that depend on them, in order."""
        graph = self._graph()
        found = {*numbers, *graph.dependents(graph.fills[number] for number in numbers)}
        formulas = (self.formulas[number] for number in sorted(found))
        return [formula for formula in formulas if formula in self.lines]

    def _enter_anew(self, formulas: Sequence[Formula]) -> None:
        """Have formulas computed once more, though the engine does not see why."""
        self._unsettle(formulas)
        for formula in formulas:
            if self._feeds_itself(formula):
                self.refused.setdefault(formula, CIRCLE)  # the engine does not take it once more
            if formula not in self.refused and formula not in self.waiting:
                self._set(formula, self.texts[formula])

    def _feeds_itself(self, formula: Formula) -> bool:
        """Whether a formula refers to its own cell."""
        return formula in self.lines and self.lines[formula].refers_to(formula)

    def _ask_again(self, formulas: Iterable[Formula]) -> None:
        """Compute what is doubted once more: it may have been over cells that came later."""
        doubted = [
            formula
            for formula in formulas
            if formula not in self.written
            and formula in self.lines
            and (self.lines[formula].number, formula.row) in self.noticed.doubts
            and not self._feeds_itself(formula)
        ]
        if doubted:
            self._enter_anew(doubted)
            self._evaluate()

    def _unsettle(self, formulas: Iterable[Formula]) -> None:
        """Forget what was doubted of formulas that are computed once more, over other cells.

        One that was written out by then stays as it is, which is not what it comes to.
        """
        for formula in formulas:
            if formula in self.written:
                sentence = Message("it is a large spill, and depends on cells that came after it")
                self.refused.setdefault(formula, sentence)
            elif formula in self.lines:
                self.noticed.doubts.pop((self.lines[formula].number, formula.row), None)

    def _evaluate_all(self) -> None:
        try:
            with self._interruptible():
                self.workbook.evaluate_all()
        except formualizer.ExcelEvaluationError as error:
            if self.bug is None:
                self._give_up_spills(str(error))
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # Rust's; it is no Exception
                raise RefusedError("the engine broke down: {error}", error=error) from None
            raise
        if self.bug is not None:
            raise self.bug
        telemetry = self.workbook.last_cycle_telemetry()
        self.circular = self.circular or bool(telemetry.live_cycles_witnessed)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let Ctrl-C end the run: raised where the engine calls us, it would be a cell's error."""
        usual = signal.getsignal(signal.SIGINT)
        is_main = threading.current_thread() is threading.main_thread()
        if usual is not signal.default_int_handler or not is_main:
            yield
            return

        def interrupt(*_: object) -> None:
            self.bug = KeyboardInterrupt()
            self.workbook.cancel()

        signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    def _give_up_spills(self, reason: str) -> None:
        """Refuse the formulas that spill, over whose dependencies the engine gave up."""
        spilling = [formula for formula in self.spilling if formula not in self.refused]
        if not spilling:
            raise RefusedError("the engine gives up on the workbook: {reason}", reason=reason)
        for formula in spilling:
            self.refused[formula] = Message(
                "the engine gives up on the spills: {reason}", reason=reason
            )
            self.blocks.pop(formula, None)
            self._set(formula, "NA()")
        self._evaluate()

    def _graph(self) -> Graph:
        """All formulas, the refused ones as well, with what they need and what they fill."""
        fills = [
            self._spill(formula) if formula in self.blocks else formula.area
            for formula in self.formulas
        ]
        if self._latest_graph is None or self._latest_graph.fills != fills:
            needs = list(map(self._places, range(len(self.formulas))))
            self._latest_graph = Graph(needs, fills)
        return self._latest_graph

    def _refuse_circles(self, graph: Callable[[], Graph]) -> None:
        """Refuse the formulas that depend on themselves, also where IFERROR or a spill hides it."""
        suspects = [
            number for number, formula in enumerate(self.formulas) if formula in self.blocks
        ]
        if self.circular:
            suspects = list(range(len(self.formulas)))
        for number in graph().circles(suspects) if suspects else ():
            self.refused.setdefault(self.formulas[number], CIRCLE)

    def _refuse_doubts(self) -> None:
        """Refuse the formulas in which the engine was not sure, also where IFERROR hides it."""
        for number, row in self.noticed.doubts:
            for formula in self.patterns.lines[number].formulas:
                if formula.row == row:
                    self.refused.setdefault(formula, self.noticed.doubts[number, row])
        for formula in self.formulas if self.written else ():
            line = self.lines.get(formula)
            for written in self.written if line and line.term.anchors else ():
                if line and any(a.touches(self._spill(written)) for a in line.term.anchors):
                    text = "{cell}# is too large a spill to refer to so"
                    self.refused[formula] = Message(text, cell=written.cell)

    def _refuse_rests(self, formulas: Iterable[Formula]) -> None:
        """Refuse sums whose terms all but cancel each other: Excel often has 0 for such a rest."""
        for formula in formulas:
            value = self.shown.get(formula)
            if type(value) is not float or not 0.0 < abs(value) < SMALL_SUM:
                continue
            line = self.lines[formula]
            if SUM.fullmatch(line.term.text) and abs(value) < SUM_REST * max(
                (abs(cell) for place in line.places(formula.row) for cell in self._numbers(place)),
                default=0.0,
            ):
                self.refused.setdefault(formula, UNSURE_OF[DIFFERENCE])

    def _numbers(self, place: Area) -> Iterator[float]:
        """The numbers in some cells."""
        for column in range(place.left, min(place.right, self._width(place.sheet)) + 1):
            rows = self.cells.values(place.sheet, column)[place.top - 1 : place.bottom]
            yield from (cell for cell in rows if type(cell) is float)

    def _spread_refusals(self, graph: Callable[[], Graph]) -> None:
        """Refuse what depends on cells that are not computed, or on where these may spill."""
        unreadable = self.book.unreadable if self.book else ()
        width = cache(self._width)
        known = -1
        while known < len(self.refused):
            self._refuse_crossing_spills()
            known = len(self.refused)
            last_rows = cache(self._last_rows)
            sources = [*unreadable]
            for formula in self.refused:
                sources += {formula.area, self._spill(formula)}
                if formula.dynamic:
                    sheet = formula.sheet
                    sources += self._room(formula.area, last_rows()[sheet], width(sheet))
            if not sources:
                return
            for number, place in graph().dependents(sources).items():
                sentence = Message("it depends on {place}, which is not computed", place=place)
                self.refused.setdefault(self.formulas[number], sentence)

    def _refuse_crossing_spills(self) -> None:
        """Refuse spills that claim cells of each other, of old spills that stay, or of tables.

        Excel leaves such cells to the spill that was there first, which the file does not tell.
        """
        tables = self.book.tables.values() if self.book else ()
        claims: list[tuple[Area, Formula | None]] = [(table.area, None) for table in tables]
        for formula in self.formulas:
            if formula.array is None and formula not in self.blocks:
                continue  # it fills its own cell
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
                        text = "it is not sure whether it may fill {cells}, too"
                        reason = Message(text, cells=cells)
                        self.refused.setdefault(unsure, reason)

    def _last_rows(self) -> dict[str, int]:
        """The last row of each sheet that holds something, spills included."""
        last = dict(self.book.last_rows) if self.book else {}
        for formula in (*self.formulas, *self.blocks):
            last[formula.sheet] = max(last.get(formula.sheet, 1), self._spill(formula).bottom)
        return last

    def _room(self, place: Area, last: int, width: int) -> Iterator[Area]:
        """The cells below a block and to the right of it that it may come to fill.

        `last`, `width`: the last row and column of its sheet that may hold something.
        """
        sheet, top, left, bottom, right = place
        blank: list[tuple[int, int, int]] = []
        deepest = LAST_ROW
        for column in range(left, min(max(width, right) + 1, LAST_COLUMN) + 1):
            first = top if column > right else bottom + 1
            deepest = min(deepest, self._last_blank(sheet, column, first, last))
            if first <= deepest:
                blank.append((column, first, deepest))
            elif column > right:
                break
        for (first, end), alike in groupby(blank, key=itemgetter(1, 2)):
            columns = [column for column, *_ in alike]
            beyond = columns[-1] > max(width, right)
            yield Area(sheet, first, columns[0], end, LAST_COLUMN if beyond else columns[-1])

    def _last_blank(self, sheet: str, column: int, first: int, last: int) -> int:
        """The last row down to which a column is blank from a row on."""
        row, step, name = first, 16, self.names.get(sheet, sheet)
        while row <= last and step:
            end = min(row + step - 1, last)
            values = self.workbook[name].get_values(
                formualizer.RangeAddress(name, row, column, end, column)
            )
            if all(cell is None for cell in chain.from_iterable(values)):
                row, step = end + 1, 4 * step
            else:
                step //= 4
        return LAST_ROW if row > last else row - 1

    def _write_out(self, formula: Formula) -> Area:
        """Put a large block into the cells, as values in place of the formula; into which."""
        place, name = self._spill(formula), self.names.get(formula.sheet, formula.sheet)
        if place.bottom > LAST_ROW or place.right > LAST_COLUMN or self._occupied(place):
            # What is shown claims all of its cells nevertheless, see _refuse_crossing_spills.
            self.workbook.set_value(name, formula.row, formula.column, CODES["#SPILL!"])
            self.written[formula] = formula.own_area
            return formula.own_area
        self.written[formula] = place
        block = self.blocks[formula]
        self.workbook.set_value(name, formula.row, formula.column, block[0][0])
        for left, end in self._stretches_read(place):
            for start in range(0, len(block), BATCH):
                rows = [row[left:end] for row in block[start : start + BATCH]]
                self.workbook.set_values_batch(
                    name, formula.row + start, formula.column + left, rows
                )
        return place

    def _stretches_read(self, place: Area) -> Iterator[tuple[int, int]]:
        """The columns of a block that formulas refer to, counted from 0, with those after them.

        Of the others nothing is asked of the engine, unless there may be answers.
        """
        columns = range(place.left, place.right + 1)
        spans = [span for line in self.patterns.lines for span in line.spans]
        sides = {
            (left, right)
            for sheet, top, by_row, bottom, bottom_by_row, left, right in spans
            if sheet == place.sheet
            and (by_row or bottom_by_row or (top <= place.bottom and bottom >= place.top))
        }
        read = (
            self.asked_later or any(left <= column <= right for left, right in sides)
            for column in columns
        )
        start = 0
        for asked, stretch in groupby(read):
            end = start + len(list(stretch))
            if asked:
                yield start, end
            start = end

    def _spill(self, formula: Formula) -> Area:
        """The cells that a formula's block fills."""
        block = self.blocks.get(formula, [[None]])
        bottom, right = formula.row + len(block) - 1, formula.column + len(block[0]) - 1
        return Area(formula.sheet, formula.row, formula.column, bottom, right)

    def _occupied(self, place: Area) -> bool:
        """Whether something is in the way of a block that is written out."""
        if any(map(place.touches, self.written.values())):
            return True
        spilled = [
            self._spill(formula).bottom
            for formula in self.blocks
            if formula.sheet == place.sheet and not self._is_large(formula)
        ]
        last = max([self._last_row(place.sheet), place.top, *spilled])
        address = formualizer.RangeAddress(
            self.names.get(place.sheet, place.sheet),
            *place._replace(bottom=min(place.bottom, last))[1:],
        )
        cells = chain.from_iterable(self.workbook[address.sheet].get_values(address))
        return any(cell is not None for cell in islice(cells, 1, None))

    def _last_row(self, sheet: str) -> int:
        """The last row of a sheet in the file."""
        return self.book.last_rows.get(sheet, 0) if self.book else 0

    def _width(self, sheet: str) -> int:
        """The last column of a sheet that may hold something."""
        spilled = [self._spill(formula).right for formula in self.blocks if formula.sheet == sheet]
        book = self.book if self.book and sheet in self.book.parts else None  # not an answer's
        return max([last_column(book, sheet) if book else 1, *spilled])

    def _column(self, sheet: str, column: int) -> list[Any]:
        """The values of a column from its first row on, as far down as it may hold something."""
        name = self.names.get(sheet, sheet)
        values: list[Any] = []
        for top, bottom in self._filled(sheet, column):
            values += [None] * (top - 1 - len(values))
            for first in range(top, bottom + 1, AT_ONCE):
                last = min(first + AT_ONCE - 1, bottom)
                address = formualizer.RangeAddress(name, first, column, last, column)
                values += chain.from_iterable(self.workbook[name].get_values(address))
        return values

    def _filled(self, sheet: str, column: int) -> Iterator[tuple[int, int]]:
        """The rows of a column that may hold something, without wide gaps."""
        areas = [self._spill(formula) for formula in self.blocks if formula.sheet == sheet]
        # Beside a block of many rows there may be a thousand columns with nothing in them.
        spilled = [area.bottom for area in areas if area.left <= column <= area.right]
        ours = self.formulas if sheet not in self.names else ()
        answers = [formula.row for formula in ours if formula.sheet == sheet]
        first, last = 1, max([self._last_row(sheet), *spilled, *answers])
        added = self.book.blocks if self.book else ()
        xml = self.book.xml.get(sheet) if self.book else None
        if xml and not areas and not any(block.area.sheet == sheet for block in added):
            for above, below in pairwise(xml.numbers):
                if below - above > WIDE_GAP:
                    yield first, above
                    first = below
        yield first, last

    def _writable(self, formula: Formula, value: Cell | Block) -> Cell | Block:
        """The value of a formula, unless it belongs in a file and cannot be put there.

        Files hold #CALC! as #VALUE!, with what it is in a part of its own, which is not written
        here. Raises RefusedError.
        """
        cells = list(chain.from_iterable(value)) if isinstance(value, list) else [value]
        errors = CellError in set(map(type, cells)) and formula.sheet in self.names
        if errors and any(isinstance(cell, CellError) and cell == "#CALC!" for cell in cells):
            raise RefusedError(
                "it comes to #CALC!, an empty block, which is not written into files here: give it"
                ' a value for that case, such as FILTER(..., "none")'
            )
        return value

    def _value(self, formula: Formula, cells: CellValues) -> Cell | Block:
        """What the cell shows, or the block that it spills. Raises RefusedError."""
        cell = cells.value(formula.sheet, formula.row, formula.column)
        if formula in self.blocks and cell != CODES["#SPILL!"]:
            block = self.blocks[formula]
            if _is_plain(block):
                return block
            return [[self._cell(cell, formula) for cell in row] for row in block]
        return self._cell(cell, formula)

    def _reason(self, formula: Formula, code: str) -> str:
        """Why a formula shows an error: what its function said, if no other cell may be meant."""
        if formula == self.answer:
            reasons = (problem.sentence for problem in self.noticed.problems if problem == code)
            return next(reasons, NATIVE_ERROR)
        if formula in self.blocks and code == "#SPILL!":
            return NO_ROOM
        found = next(calls(formula.text, METRICS), None)
        sentences = self.sentences.get((found.name, code)) if found else None
        if not found or not sentences:
            return NATIVE_ERROR
        whole = found.start == 0 and found.end == len(formula.text)
        if len(sentences) > 1 or (not whole and found.name in self.noticed.answered):
            return KPI_ERROR
        (sentence,) = sentences
        return sentence if whole else Message("probably: {sentence}", sentence=sentence)

    def _cell(self, cell: Any, formula: Formula) -> Cell:
        if isinstance(cell, dict):
            code = CODES_OF.get(cell["kind"])
            if cell["kind"] == CIRCULAR:
                raise RefusedError(CIRCLE)
            if code is None:
                raise RefusedError(
                    "the engine gives up on it ({kind}), as it does with formulas that are too long"
                    " or too deeply nested",
                    kind=cell["kind"],
                )
            return CellError(code, self._reason(formula, code))
        if isinstance(cell, float):
            if not math.isfinite(cell):
                raise RefusedError("the engine gives no finite number, where Excel gives an error")
            return cell + 0.0  # which is no -0
        return "" if cell is None else cell


def filling(place: Area, value: Any) -> Any:
    """What an array formula of old shows in its cells: a part of its block, or more than it.

    Microsoft: one value, one row or one column is there again in all of them; else what the block
    has not is #N/A.
    """
    block = value if isinstance(value, list) else [[value]]
    high, wide = place.bottom - place.top + 1, place.right - place.left + 1
    if (high, wide) == (1, 1):
        return block[0][0]
    rows = [row * wide if len(row) == 1 else row for row in block]
    rows = rows * high if len(rows) == 1 else rows
    missing = [CODES["#N/A"]] * wide
    return [[*row, *missing][:wide] for row in [*rows, *[missing] * high][:high]]


def _is_endless(place: Area) -> bool:
    """Whether cells are whole columns or rows."""
    return place[1::2] == (1, LAST_ROW) or place[2::2] == (1, LAST_COLUMN)


def _is_plain(block: Block) -> bool:
    """Whether all cells of a block are texts and finite numbers, none of them -0."""
    cells = list(chain.from_iterable(block))
    if not set(map(type, cells)) <= {float, str}:
        return False
    numbers = [cell for cell in cells if type(cell) is float]
    below_0 = any(math.copysign(1.0, zero) < 0.0 for zero in numbers if not zero)
    return math.isfinite(sum(numbers)) and not below_0
