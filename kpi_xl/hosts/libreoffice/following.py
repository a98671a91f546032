"""What listens to a workbook of ours, and lets its tables and blocks follow what is typed.

It runs in LibreOffice, on its main thread, between the user's own doings: the tables at once, the
blocks when nothing was typed for a while, one at a time. Most edits change no block's size: that
is known from the functions themselves, so that nothing is computed that Calc would not compute.
"""

import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

import unohelper
from com.sun.star.awt import XCallback
from com.sun.star.lang import DisposedException
from com.sun.star.uno import RuntimeException
from com.sun.star.util import XModifyListener

from kpi_xl.hosts.libreoffice.blocks import (
    GROWN,
    LARGE,
    ROUNDS,
    Size,
    arrays,
    calls_noted,
    calls_since,
    enter,
    is_blank,
    outermost,
    size,
    size_of,
)
from kpi_xl.hosts.libreoffice.names import LONG_NAME, METHODS, lacks_room
from kpi_xl.hosts.libreoffice.sheets import formula_of, quietly
from kpi_xl.hosts.libreoffice.tables import grow, is_ours

QUIET, LONGEST_QUIET = 0.4, 5.0
"""Seconds without an edit after which blocks are looked at; more, where that takes long."""
SHORT, PAUSE = 0.02, 0.03
"""Seconds: after a step that takes longer, there is a pause, in which Calc takes what is typed."""
NO_SIZE, ONE_CELL = (0, 0), (1, 1)


class Follower(unohelper.Base, XModifyListener, XCallback):  # type: ignore[misc]
    """Listens to one document, from its opening to its end."""

    def __init__(self, context: Any, document: Any) -> None:
        manager = context.ServiceManager
        self.later = manager.createInstanceWithContext("com.sun.star.awt.AsyncCallback", context)
        self.document = document
        self.fresh = True  # it has not come to rest since it was opened
        self.undoable = undoable(document)
        self.waiting = self.busy = self.closed = False
        self.at_rest = True  # all that was typed has been followed
        self.timer: threading.Timer | None = None
        self.turn = 0  # an edit makes what was begun before it void
        self.rounds = 0
        self.quiet = QUIET
        self.grown = False  # whether a block of this round has a new size
        self.entered: Any = None  # the first cell of a block whose cells are yet to be computed
        self.seen = 0  # the calls of functions that were looked at
        self.unseen: dict[str, set[Size]] = {}  # what Calc has computed by itself since then
        self.queue: list[Any] | None = (
            None  # the blocks to be looked at; None before they are sought
        )

    def modified(self, event: Any) -> None:
        """The document has changed: look at it as soon as what changed it has ended."""
        if not (self.busy or self.waiting or self.closed):
            self.waiting, self.at_rest = True, False
            self.later.addCallback(self, 0)

    def disposing(self, event: Any) -> None:
        """The document is no more."""
        self.closed = self.at_rest = True
        if self.timer:
            self.timer.cancel()
        self.queue = None

    def notify(self, turn: Any) -> None:
        """Do what was put off: the tables (turn 0), or a step with the blocks in its turn.

        What goes wrong is told, and ends the following.
        """
        if self.closed or turn not in (0, self.turn):
            return
        self.busy = True
        try:
            # Charts that are drawn anew make a document count as modified, too.
            edited = not self.fresh or undoable(self.document) != self.undoable
            changed = self.document.isModified() and edited
            if turn == 0:
                self.waiting = False
                grow(self.document)
                self.rest()
            else:
                start = time.monotonic()
                more = self.step()
                took = time.monotonic() - start
                self.quiet = min(max(self.quiet, 4 * took), LONGEST_QUIET)
                if more and took < SHORT:
                    self.later.addCallback(self, turn)
                elif more:  # what was typed meanwhile comes first
                    self.after(PAUSE, turn)
            if self.document.isModified() and not changed:
                unchanged(self.document)
        except DisposedException:
            self.disposing(None)
        except Exception:
            self.disposing(None)
            traceback.print_exc()
        finally:
            self.busy = False

    def rest(self) -> None:
        """Look at the blocks as soon as nothing more is typed."""
        if self.timer:
            self.timer.cancel()
        self.turn += 1
        self.rounds, self.queue = 0, None
        self.after(self.quiet, self.turn)

    def after(self, seconds: float, turn: int) -> None:
        """Go on with a turn when some time has passed."""
        self.timer = threading.Timer(seconds, self.later.addCallback, (self, turn))
        self.timer.daemon = True
        self.timer.start()

    def step(self) -> bool:
        """Look at one block, or see which there are; whether there is more to be done."""
        if self.queue is None:
            self.entered = None
            self.queue, self.grown = arrays(self.document), False
            if not self.rounds:
                self.quiet = QUIET
        elif self.entered is not None:
            cell, self.entered = self.entered, None
            cell.getError()  # or the next would compute from what was there before
        elif self.queue:
            array = self.queue.pop(0)
            try:
                with quietly(self.document, computing=True):
                    self.look_at(array)
            except RuntimeException:  # its sheet was deleted
                self.queue = None
        elif self.grown and self.rounds < ROUNDS:
            self.rounds, self.queue = self.rounds + 1, None
        else:
            self.unseen, self.at_rest, self.fresh = {}, True, False
            return False
        return True

    def settle(self) -> None:
        """Have tables and blocks follow at once, before the document is saved."""
        if self.closed:
            return
        self.busy = True
        try:
            grow(self.document)
            self.rest()
            if self.timer:
                self.timer.cancel()
            while self.step():
                pass
        finally:
            self.busy = False

    def look_at(self, array: Any) -> None:
        """Have a block computed if it has to be, and give it its size if that has changed."""
        formula = formula_of(array)
        self.take_note()
        height, width = size_of(array)
        if lacks_room(formula.removeprefix("=")) or height * width > LARGE:
            new_size = size(self.document, array, formula)
        else:
            new_size = self.size_by_calls(array, formula)
        if enter(self.document, array, new_size) == GROWN:
            self.grown = True
            self.entered = array.getCellByPosition(0, 0)
        self.take_note()  # Calc may have computed others meanwhile

    def size_by_calls(self, array: Any, formula: str) -> Size:
        """How large a block is that is computed now; NO_SIZE where it cannot have changed."""
        array.getCellByPosition(0, 0).getError()  # which has it computed
        own = outermost(formula)
        calls = self.take_note()
        if calls and calls[-1][0] == own:  # what the last one was called by is this block itself
            return calls[-1][1]
        if own and is_blank(array):  # its condition holds: all its cells would be blank texts
            return ONE_CELL
        if own and self.unseen.get(own, set()) <= {size_of(array)}:
            return NO_SIZE
        return size(self.document, array, formula) if own or self.asks_others(formula) else NO_SIZE

    def asks_others(self, formula: str) -> bool:
        """Whether a formula that does more calls a function that has returned a block lately."""
        return any(
            self.unseen.get(found[2] or "", set()) - {ONE_CELL}
            for found in LONG_NAME.finditer(formula)
        )

    def take_note(self) -> list[tuple[str, Size]]:
        """The calls since the last look, all of which may be those of other blocks, too."""
        calls = calls_since(self.seen)
        self.seen = calls_noted()
        if calls is None:
            self.unseen = {name: {NO_SIZE} for name in METHODS}
        for name, one in calls or ():
            self.unseen.setdefault(name, set()).add(one)
        return calls or []


def undoable(document: Any) -> int:
    """How much can be undone, as all that people do to cells can."""
    return len(document.UndoManager.getAllUndoActionTitles())


def unchanged(document: Any) -> None:
    """Let a document count as one that nobody has changed, its charts too."""
    document.setModified(False)
    if document.isModified():  # as it says where a chart has been drawn anew
        for sheet in document.Sheets:
            for chart in sheet.Charts:
                chart.EmbeddedObject.setModified(False)


_followers: dict[str, Follower] = {}


def followed(context: Any, document: Any) -> None:
    """Let a workbook be followed if it is ours; other documents are left alone."""
    if is_ours(document):
        for ended in [key for key, one in _followers.items() if one.closed]:
            del _followers[ended]
        follower = _followers[document.RuntimeUID] = Follower(context, document)
        document.addModifyListener(follower)
        follower.modified(None)


def up_to_date(*, besides: Any) -> Iterator[Any]:
    """The other workbooks that are followed, when all has followed what was typed there."""
    for follower in list(_followers.values()):
        if not follower.closed and follower.document.RuntimeUID != besides.RuntimeUID:
            if not follower.at_rest:
                follower.settle()
            yield follower.document


def settled(document: Any) -> None:
    """Have all follow at once what was typed into a workbook that is followed."""
    follower = _followers.get(document.RuntimeUID)
    if follower:
        follower.settle()


def at_rest(document: Any) -> bool:
    """Whether a workbook shows what follows from all that was typed: for who drives Calc."""
    follower = _followers.get(document.RuntimeUID)
    return follower is None or follower.at_rest
