"""Work on something from outside in a process of its own, with a budget of memory and time.

A parser of others' (of workbooks, of Parquet, a calculator) can be led to take all memory, to run
for ever, or to end its process: no exception tells of it. So the process that the user started only
waits for a child, which hands over a value or one sentence.

The child's memory is what it has in use, looked at many times a second; on Linux its address space
is bounded, too, so that one huge demand fails at once. Its time is that of the processor, which a
busy machine does not shorten; on a clock it may take ten times as long.

Not every Python can start another: one inside Excel, LibreOffice or a browser cannot. There the
same work is done in place, after what can be checked of a file beforehand.
"""

import builtins
import importlib
import io
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

from kpi_xl.locales import Message, SaidError

Answers = queue.SimpleQueue[tuple[Any, ...]]
"""What a child says of one input: progress, and then a value or an error."""

MEGABYTE = 1 << 20
ROOT = Path(__file__).parent.parent  # where this package lies
LOOKS = 0.02  # seconds between looks at the child
VARIABLE = "KPI_XL_BUDGET"
"""The environment variable that multiplies budgets, for honest files beyond them: 4, say."""

LARGEST = 1000.0

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Libraries that set memory aside for each core, which would be counted."""

VALUES = {("datetime", "date"), ("datetime", "datetime"), ("datetime", "time")} | {
    *(("datetime", "timedelta"), ("datetime", "timezone"), ("decimal", "Decimal"))
}
"""What a child hands over beside numbers, texts, and records of this package."""

PANIC = "PanicException"  # of libraries in Rust: a breakdown that is no Exception of Python


class BudgetError(SaidError):
    """The sentence of work that went beyond its budget, or that ended its process."""


@dataclass(frozen=True)
class Budget:
    """What a piece of work may take: memory in bytes, seconds of the processor."""

    memory: int
    seconds: float


def factor() -> float:
    """By how much the user wants budgets larger. Raises BudgetError where it is no number."""
    text = os.environ.get(VARIABLE, "").strip() or "1"
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1.0 <= number <= LARGEST:
        raise BudgetError(
            Message(
                "{variable} is {text}: write a number from 1 to 1000",
                variable=VARIABLE,
                text=repr(text),
            )
        )
    return number


def setting(times: float = 4.0) -> str:
    """What makes budgets so many times as large as they are now."""
    return f"{VARIABLE}={min(factor() * times, LARGEST):g}"


def has_children() -> bool:
    """Whether this Python can start another like it."""
    # Inside another program (Excel, LibreOffice) the executable is that program, or none.
    name = Path(sys.executable or "").stem.lower()
    return name.startswith(("python", "pypy")) and sys.platform not in ("emscripten", "wasi")


def call(
    function: Callable[..., Any],
    *arguments: Any,
    budget: Budget,
    progress: Callable[..., None] | None = None,
    **named: Any,
) -> Any:
    """What a function of this package gives, called in a child; here, where none can be had.

    `progress` is told here what the function tells its argument of that name. The function's
    exceptions come out of here. Raises BudgetError.
    """
    child = _child() if has_children() else None
    if child is None:
        keywords = {"progress": progress} if progress else {}
        with panics():
            return function(*arguments, **named, **keywords)
    request = pickle.dumps(
        (function.__module__, function.__qualname__, arguments, named, progress is not None, budget)
    )
    with child:
        watch = _Watch(child, budget)
        try:
            assert child.stdin
            assert child.stdout
            try:
                child.stdin.write(request)
                child.stdin.flush()  # and left open: its end tells the child that nobody waits
                while True:
                    kind, value = _Plain(child.stdout).load()
                    if kind != "progress":
                        break
                    if progress:
                        progress(*value)
            except (EOFError, OSError, pickle.UnpicklingError):
                raise BudgetError(watch.why_it_ended()) from None
        finally:
            watch.end()
    if kind == "value":
        return value
    if kind == "broken":
        raise BudgetError(value)
    error, trace = value
    error.add_note(f"In the process that did the work:\n{trace}")
    raise error


def side_by_side(
    function: Callable[..., Any], inputs: Sequence[tuple[Any, ...]], *, budget: Budget
) -> list[Callable[[Callable[..., None]], Any]]:
    """The same for several inputs: half of them in a child, the first and the last ones here.

    For each it gives what waits for the value, once it is told who hears of the progress; the
    function's exceptions come out of there. Whoever waits for the child does the others meanwhile.
    Without a second processor all is done here.
    """
    several = len(inputs) > 1 and processors() > 1 and has_children()
    theirs = inputs[1 : 1 + len(inputs) // 2] if several else []
    told: list[Answers] = [queue.SimpleQueue() for _ in inputs]
    ours = deque((*inputs[:1], *inputs[1 + len(theirs) :]))
    heard = deque((*told[:1], *told[1 + len(theirs) :]))

    def work_here(progress: Callable[..., None]) -> None:
        answers = heard.popleft()
        try:
            answers.put(("value", function(*ours.popleft(), progress=progress)))
        except Exception as error:
            answers.put(("error", error))

    def wait(answers: Answers, progress: Callable[..., None]) -> Any:
        while True:
            if answers.empty() and heard:
                work_here(progress)
                continue
            try:
                kind, *values = answers.get(timeout=1.0)  # on Windows no wait is interrupted
            except queue.Empty:
                continue
            if kind == "value":
                return values[0]
            if kind == "error":
                raise values[0]
            progress(*values)

    if theirs:  # it ends with this process, and the child with it
        child = partial(_work_there, function, theirs, told[1 : 1 + len(theirs)], budget)
        threading.Thread(target=child, daemon=True, name="work in a child").start()
    return [partial(wait, answers) for answers in told]


def _work_there(
    function: Callable[..., Any],
    inputs: Sequence[tuple[Any, ...]],
    told: Sequence[Answers],
    budget: Budget,
) -> None:
    def tell(number: int, *one: Any) -> None:
        told[number].put(one)

    try:
        call(_each, function, inputs, budget=budget, progress=tell)
    except BaseException as error:
        for answers in told:  # nobody asks again for a value that is there
            answers.put(("error", error))


def _each(
    function: Callable[..., Any],
    inputs: Sequence[tuple[Any, ...]],
    progress: Callable[..., None],
) -> None:
    """What the child does; it hands over each value as soon as it is there."""
    for number, arguments in enumerate(inputs):
        value = function(*arguments, progress=partial(progress, number, "progress"))
        progress(number, "value", value)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _child() -> "subprocess.Popen[bytes] | None":
    """A process that waits for its work; None where the system starts none."""
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],  # -P: nothing from the current folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | ONE_THREAD | {"PYTHONPATH": search_path()},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return None


def search_path() -> str:
    """Where a child finds this package: where this process does."""
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


class _Plain(pickle.Unpickler):
    """Reads what a child says, which a hostile file may have taken over: records and no code."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "builtins":
            found = getattr(builtins, name, None)
            if isinstance(found, type) and issubclass(found, Exception):
                return found
        elif (module, name) in VALUES:
            return getattr(importlib.import_module(module), name)
        elif module.startswith("kpi_xl."):
            found = getattr(importlib.import_module(module), name, None)
            # One of its own, and a record: a module also has the classes that it imports.
            if (
                isinstance(found, type)
                and found.__module__ == module
                and (is_dataclass(found) or issubclass(found, Exception | tuple | str))
            ):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no record")


class _Watch:
    """Ends a child that takes more than it may."""

    def __init__(self, child: "subprocess.Popen[bytes]", budget: Budget) -> None:
        self.child, self.budget = child, budget
        self.reason: Message | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True, name="watch of a child")
        self.thread.start()

    def _look(self) -> None:
        start = time.monotonic()
        while not self.ended.wait(LOOKS):
            if used(self.child.pid) > self.budget.memory:
                self.reason = too_large(self.budget)
            elif (
                time.monotonic() - start > 10 * self.budget.seconds
                or worked(self.child.pid) > self.budget.seconds
            ):
                self.reason = too_long(self.budget)
            if self.reason:
                self.child.kill()
                return

    def why_it_ended(self) -> Message:
        """The sentence on a child that has said nothing."""
        code = self.child.wait()
        if self.reason:
            return self.reason
        if code < 0 and signal.Signals(-code).name == "SIGXCPU":  # Linux and Mac count the time
            return too_long(self.budget)
        how = f"signal {-code}" if code < 0 else f"code {code}"
        return Message(
            "it ends the process that reads it ({how}): it is damaged, or made to do harm", how=how
        )

    def end(self) -> None:
        """Look no more, and leave no child."""
        self.ended.set()
        self.thread.join()
        self.child.kill()


def too_large(budget: Budget) -> Message:
    """The sentence on memory."""
    return Message(
        "it needs more than the {memory} MB of memory that a file of its size"
        " may take; where you trust it, {setting} allows four times as much",
        memory=budget.memory // MEGABYTE,
        setting=setting(),
    )


def too_long(budget: Budget) -> Message:
    """The sentence on time."""
    return Message(
        "it takes more than the {seconds} s that a file of its size may take;"
        " where you trust it, {setting} allows four times as much",
        seconds=f"{budget.seconds:,.0f}",
        setting=setting(),
    )


def used(pid: int) -> int:
    """The memory in bytes that a process has in use; 0 where it has ended."""
    if sys.platform == "linux":
        try:
            pages = Path(f"/proc/{pid}/statm").read_bytes().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def used_with_children(pid: int) -> int:
    """The memory in bytes of a process that leads a group, and of those that it started."""
    if sys.platform == "linux":
        there = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return sum(used(one) for one in there if _group(one) == pid)
    import psutil

    try:
        family = [pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return 0
    return sum(map(used, family))


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def worked(pid: int) -> float:
    """The seconds of the processor that a process has used; 0 where the kernel bounds them."""
    if sys.platform != "win32":
        return 0.0
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


@contextmanager
def panics() -> Iterator[None]:
    """Where a library in Rust reads in this process: its breakdown is a BudgetError, too."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == PANIC:
            raise BudgetError(broken_down(error)) from None
        raise


def broken_down(error: BaseException) -> Message:
    """The sentence on a reader that broke down."""
    return Message(
        "the reader broke down over it ({reason}): it is damaged, or made to do harm",
        reason=short(error),
    )


# The child's side


def _serve() -> NoReturn:
    """Do the work that stands on the standard input, and tell of it on the standard output."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the parent tells of an interruption
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints does not get between
    source = sys.stdin.buffer
    module, name, arguments, named, tells, budget = pickle.load(source)
    _bound(budget)
    threading.Thread(target=_end_with_parent, args=(source,), daemon=True).start()

    def say(kind: str, value: Any) -> None:
        out.write(pickle.dumps((kind, value)))
        out.flush()

    if tells:
        named["progress"] = lambda *values: say("progress", values)
    try:
        function: Any = importlib.import_module(module)
        for part in name.split("."):
            function = getattr(function, part)
        answer = ("value", function(*arguments, **named))
    except MemoryError:
        answer = ("broken", too_large(budget))
    except BaseException as error:
        if type(error).__name__ == PANIC:
            answer = ("broken", broken_down(error))
        else:
            answer = ("error", (_portable(error), traceback.format_exc()))
    try:
        say(*answer)
    except MemoryError:
        say("broken", too_large(budget))
    out.close()
    os._exit(0)  # a million cells take their time to be forgotten


def _bound(budget: Budget) -> None:
    """Let the kernel bound this process, where it can."""
    if sys.platform == "win32":
        return
    import resource

    def at_most(kind: int, least: int) -> None:
        _, hard = resource.getrlimit(kind)
        limit = least if hard == resource.RLIM_INFINITY else min(least, hard)
        resource.setrlimit(kind, (limit, hard))

    at_most(resource.RLIMIT_CPU, max(1, round(budget.seconds)))
    at_most(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # a Mac takes the limit, and does not hold it
        at_most(resource.RLIMIT_AS, budget.memory + 3072 * MEGABYTE)  # threads reserve much


def _end_with_parent(source: IO[bytes]) -> None:
    source.read()
    os._exit(1)


def _portable(error: BaseException) -> BaseException:
    """The exception, if the parent can read it: one of Python's or of this package's own."""
    known = type(error).__module__ == "builtins" or type(error).__module__.startswith("kpi_xl.")
    try:
        if known and isinstance(error, Exception):
            _Plain(io.BytesIO(pickle.dumps(error))).load()
            return error
    except Exception:  # it holds what cannot be sent, and its text can
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")


def short(error: BaseException, secret: str = "") -> str:
    """The first line of what an exception says, without a secret, if there is one."""
    told = str(error).replace(secret, "***") if secret else str(error)
    text = told.strip().splitlines()[0] if told.strip() else type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."


if __name__ == "__main__":
    _serve()
