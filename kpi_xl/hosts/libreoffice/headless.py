"""LibreOffice without windows: started for one piece of work, and ended whatever happens.

Each start has a profile of its own, which is thrown away, and in it our extension.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kpi_xl.bounded import factor, setting, used_with_children
from kpi_xl.hosts.libreoffice.extension import FOLDER, write_extension
from kpi_xl.hosts.libreoffice.programs import OfficeError, program, surroundings
from kpi_xl.locales import Message

STANDARD = 300.0  # seconds
MEMORY, PER_BYTE = 2 << 30, 100
"""Bytes that LibreOffice may take, and more for each byte of the workbooks; without one it takes an
eighth of the former, for a template of 120 KB a quarter, on some machines half, and of a large one
60 bytes for each of its own."""
LOOKS = 0.2  # seconds between looks at its memory
ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # what interrupts; the first by itself


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let a request to end the program, or a closed terminal, run its `finally`, as Ctrl-C does."""

    def interrupt(number: int, _: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only that has signals
        yield
        return
    numbers = [getattr(signal, name) for name in ENDING[1:] if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # as nohup has it
                signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What would interrupt meanwhile does at the end: a process of which nobody knows stays.

    Raises KeyboardInterrupt.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    before = {number: one for number, one in handlers.items() if callable(one)}
    for number in before:  # the others end this process at once, or do nothing
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def perform(
    tasks: Sequence[Mapping[str, Any]], *, seconds: float = STANDARD
) -> list[dict[str, Any]]:
    """Have LibreOffice do what `document.perform` can; an answer each. Raises OfficeError."""
    soffice = program("soffice")
    with (
        ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="kpi_xl", ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name)
        write_extension(folder / "extensions" / FOLDER, for_tasks=True)
        file = folder / "tasks.json"
        copied = []
        for number, task in enumerate(tasks):
            if "book" not in task:
                copied.append({**task})
                continue
            # A copy, so that no lock is in the way of the user, or his in ours.
            copy = folder / str(number) / Path(task["book"]).name
            copy.parent.mkdir()
            shutil.copyfile(task["book"], copy)
            copied.append({**task, "book": str(copy)})
        file.write_text(json.dumps(copied), encoding="utf-8")
        command = [soffice, "--headless", "--norestore", "--nologo", "--nodefault"]
        command += [f"-env:UserInstallation={(folder / 'profile').as_uri()}"]
        command += [f"-env:BUNDLED_EXTENSIONS={(folder / 'extensions').as_uri()}"]
        temporary = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder))  # what it leaves there
        environment = surroundings() | temporary | {"KPI_XL_TASK": str(file)}
        size = sum(Path(task["book"]).stat().st_size for task in copied if "book" in task)
        output = _run(command, environment, seconds, round(factor() * (MEMORY + PER_BYTE * size)))
        answer = file.with_suffix(".answer")
        if not answer.exists():
            silent = Message("it says nothing; is its Python installed?")
            last = output.strip().splitlines()[-1:] or [silent]
            raise OfficeError("LibreOffice did not do its work: {reason}", reason=last[0])
        answers: list[dict[str, Any] | None] = json.loads(answer.read_text(encoding="utf-8"))
    opened = [one for one in answers if one is not None]
    if len(opened) < len(answers):
        raise OfficeError("LibreOffice cannot open it; is it protected or damaged?")
    return opened


def as_ods(content: bytes) -> bytes:
    """A workbook of Excel as LibreOffice's own form has it. Raises OfficeError."""
    with tempfile.TemporaryDirectory(prefix="kpi_xl") as name:
        book, written = Path(name) / "book.xlsx", Path(name) / "book.ods"
        book.write_bytes(content)
        perform([{"book": str(book), "save": str(written)}])
        return written.read_bytes()


def _run(command: list[str], environment: dict[str, str], seconds: float, memory: int) -> str:
    """Run a program to its end, and end all that it started. What it said on its error stream.

    Raises OfficeError where it takes more time or memory than it may.
    """
    done, grown = threading.Event(), threading.Event()

    def look() -> None:
        while not done.wait(LOOKS):
            if used_with_children(process.pid) > memory:
                grown.set()
                _kill(process)
                return

    with _started(command, environment) as process:
        watch = threading.Thread(target=look, daemon=True, name="watch of LibreOffice")
        watch.start()
        try:
            output: str = process.communicate(timeout=seconds)[1]
        except subprocess.TimeoutExpired:
            raise OfficeError(
                "LibreOffice did not end within {seconds} seconds, and was ended; --timeout"
                " gives it more",
                seconds=float(seconds),
            ) from None
        finally:
            done.set()
            watch.join()
        if grown.is_set():
            raise OfficeError(
                "LibreOffice needs more than the {most} MB of memory that a workbook of its"
                " size may take, and was ended; where you trust it, {setting} allows four"
                " times as much",
                most=memory >> 20,
                setting=setting(),
            )
        return output


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    """A program, which is ended with all that it started, whatever happens."""
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    process: subprocess.Popen[str] | None = None
    try:
        with uninterrupted():
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                **group,
            )
        yield process
    finally:
        if process:
            _kill(process)
            process.wait()
            if process.stderr:
                process.stderr.close()


def _kill(process: "subprocess.Popen[str]") -> None:
    """End the process and those that it started: the splash, the office itself."""
    if sys.platform == "win32":
        if process.poll() is None:
            ending = ["taskkill", "/PID", str(process.pid), "/T", "/F"]
            subprocess.run(ending, capture_output=True, check=False)
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for _ in range(100):  # what is killed needs a moment to go
            if not used_with_children(process.pid):
                break
            time.sleep(0.02)
