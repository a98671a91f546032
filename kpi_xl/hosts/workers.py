"""Processes that work for a server, each on one request at a time, and within a deadline.

Python runs one thread at a time, and reading a long request holds all others up: work in a process
of its own delays nobody, and can be ended.
"""

import asyncio
import importlib
import json
import logging
import os
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Any, NoReturn

from kpi_xl import bounded

Answer = tuple[int, list[tuple[str, str]], bytes | bytearray]
"""The status of HTTP, the headers, the body."""

Work = Callable[[dict[str, Any], bytes], Answer]
"""What a worker does: it is given what a request says of itself, and its body."""

SIZES = struct.Struct(">QQ")
MOST_MEMORY = 3 << 30  # bytes of a worker at work
IDLE_MEMORY = 1 << 30  # of one that has done its work; beyond, another takes its place
LOOKS = 0.1  # seconds between looks at its memory
PIECE = 1 << 18  # bytes that are handed on at once: copying many would hold up everybody else
NICE = 10  # how much a worker gives way to the server, which answers single cells itself

log = logging.getLogger(__name__)


class BusyError(Exception):
    """More work than the workers and those that wait can take."""


class EndedError(Exception):
    """Work that was ended, with the sentence that says why."""


class Workers:
    """A few processes that do a kind of work, begun when they are first needed.

    `work` is a function by its name, "module:name". Of one event loop.
    """

    def __init__(self, work: str, most: int, waiting: int, seconds: float) -> None:
        self.work, self.seconds = work, seconds
        self.room = most + waiting
        self.at_work = asyncio.Semaphore(most)
        self.idle: list[asyncio.subprocess.Process] = []
        self.ending: set[asyncio.Future[int]] = set()

    async def do(self, request: dict[str, Any], body: bytes) -> Answer:
        """The answer of a worker. Raises BusyError, EndedError."""
        if self.room <= 0:
            raise BusyError
        self.room -= 1
        try:
            async with self.at_work:
                return await self._done(request, body)
        finally:
            self.room += 1

    async def _done(self, request: dict[str, Any], body: bytes) -> Answer:
        while self.idle and self.idle[-1].returncode is not None:
            self.idle.pop()  # ended from outside, such as by a system that is short of memory
        worker = self.idle.pop() if self.idle else await self._begun()
        kept = False
        watch = asyncio.ensure_future(self._watched(worker))
        try:
            answer = await asyncio.wait_for(_asked(worker, request, body), self.seconds)
        except TimeoutError:
            raise EndedError(f"the call takes longer than {self.seconds:g} s") from None
        except (OSError, EOFError):
            reason = watch.result() if watch.done() and not watch.cancelled() else ""
            raise EndedError(reason or "the call has ended the process that computes it") from None
        else:
            kept = bounded.used(worker.pid) < IDLE_MEMORY
            return answer
        finally:
            watch.cancel()
            if kept:
                self.idle.append(worker)
            else:  # also where whoever asked has gone
                self._end(worker)

    async def _begun(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", __name__, self.work),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
            env=os.environ | bounded.ONE_THREAD | {"PYTHONPATH": bounded.search_path()},
        )

    async def _watched(self, worker: asyncio.subprocess.Process) -> str:
        """Look at a worker's memory, until it is too much, which ends it."""
        while bounded.used(worker.pid) < MOST_MEMORY:
            await asyncio.sleep(LOOKS)
        worker.kill()
        return f"the call needs more than {MOST_MEMORY >> 20:,} MB of memory"

    def _end(self, worker: asyncio.subprocess.Process) -> None:
        """End a worker; whoever waits for its answer does not wait for its end, too."""
        with suppress(ProcessLookupError):
            worker.kill()
        end = asyncio.ensure_future(worker.wait())
        self.ending.add(end)
        end.add_done_callback(self.ending.discard)

    async def close(self) -> None:
        """End those that are idle."""
        while self.idle:
            self._end(self.idle.pop())
        await asyncio.gather(*self.ending)


async def _asked(
    worker: asyncio.subprocess.Process, request: dict[str, Any], body: bytes
) -> Answer:
    """Send a request to a worker, and read its answer."""
    assert worker.stdin
    assert worker.stdout
    head = json.dumps(request).encode()
    worker.stdin.write(SIZES.pack(len(head), len(body)) + head)
    for piece in pieces(body):
        worker.stdin.write(piece)
        await worker.stdin.drain()
    sizes = SIZES.unpack(await worker.stdout.readexactly(SIZES.size))
    answered = json.loads(await worker.stdout.readexactly(sizes[0]))
    content = bytearray()
    while missing := sizes[1] - len(content):
        content += await worker.stdout.readexactly(min(missing, PIECE))
    return answered["status"], [tuple(pair) for pair in answered["headers"]], content


def pieces(body: bytes | bytearray) -> Iterator[memoryview]:
    """A long body in parts, without a copy of it."""
    view = memoryview(body)
    for start in range(0, len(view), PIECE):
        yield view[start : start + PIECE]


# The worker's side


def _serve(name: str) -> NoReturn:
    """Work until nobody asks any more."""
    source, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints does not get between
    if hasattr(os, "nice"):
        os.nice(NICE)
    module, _, function = name.partition(":")
    work: Work = getattr(importlib.import_module(module), function)
    while head := source.read(SIZES.size):
        sizes = SIZES.unpack(head)
        request = json.loads(source.read(sizes[0]))
        _say(out, work(request, source.read(sizes[1])))
    os._exit(0)


def _say(out: IO[bytes], answer: Answer) -> None:
    status, headers, body = answer
    answered = json.dumps({"status": status, "headers": headers}).encode()
    out.write(SIZES.pack(len(answered), len(body)) + answered)
    out.write(body)
    out.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
