"""Work that takes long is done by processes of its own, and ended where it takes too much."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from office_server import CALL, REQUEST, serving

from kpi_xl.hosts import workers
from kpi_xl.hosts.workers import Answer, BusyError, EndedError, Workers

# What a worker does here


def work(said: dict[str, Any], body: bytes) -> Answer:
    """Do as told: wait, take memory, die; then give back what was sent, and which process it is."""
    time.sleep(said.get("seconds", 0.0))
    taken = bytearray(said.get("memory", 0))
    taken[:: 1 << 12] = b"x" * len(taken[:: 1 << 12])  # memory counts once it is written to
    if said.get("wait"):
        time.sleep(10.0)
    if said.get("dies"):
        os._exit(3)
    return 200, [("process", str(os.getpid()))], body


@pytest.fixture(autouse=True)
def _findable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def run(use: Callable[[Workers], Awaitable[Any]], **limits: Any) -> Any:
    async def used() -> Any:
        some = Workers(f"{__name__}:work", **{"most": 1, "waiting": 4, "seconds": 30.0} | limits)
        try:
            return await use(some)
        finally:
            await some.close()

    return asyncio.run(used())


def process(answer: Answer) -> str:
    return dict(answer[1])["process"]


def test_a_worker_is_used_again_and_gives_back_long_bodies_whole() -> None:
    body = os.urandom((5 << 20) + 3)

    async def twice(some: Workers) -> list[Answer]:
        return [await some.do({}, body), await some.do({}, b"")]

    first, second = run(twice)
    assert (first[0], bytes(first[2]), bytes(second[2])) == (200, body, b"")
    assert process(first) == process(second)


@pytest.mark.parametrize(
    ("said", "limits", "reason"),
    [
        ({"seconds": 10.0}, {"seconds": 0.5}, r"the call takes longer than 0\.5 s"),
        ({"memory": 400 << 20, "wait": True}, {}, "the call needs more than 200 MB of memory"),
        ({"dies": True}, {}, "the call has ended the process that computes it"),
    ],
    ids=["time", "memory", "death"],
)
def test_work_beyond_a_limit_is_ended_and_the_next_is_done(
    said: dict[str, Any], limits: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MOST_MEMORY", 200 << 20)

    async def then_another(some: Workers) -> Answer:
        with pytest.raises(EndedError, match=reason):
            await some.do(said, b"")
        some.seconds = 30.0
        return await some.do({}, b"next")

    assert run(then_another, **limits)[2] == b"next"


def test_workers_that_were_ended_while_idle_are_passed_over() -> None:
    async def two(some: Workers) -> Answer:
        await asyncio.gather(some.do({"seconds": 0.5}, b""), some.do({"seconds": 0.5}, b""))
        assert len(some.idle) == 2
        for worker in some.idle:
            worker.kill()
            await worker.wait()
        return await some.do({}, b"next")

    assert run(two, most=2)[2] == b"next"


def test_a_worker_that_holds_much_memory_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "IDLE_MEMORY", 1)

    async def twice(some: Workers) -> list[Answer]:
        return [await some.do({}, b""), await some.do({}, b"")]

    first, second = run(twice)
    assert process(first) != process(second)


def test_more_than_can_wait_is_refused_at_once() -> None:
    async def three(some: Workers) -> list[Any]:
        calls = [some.do({"seconds": 0.5}, b"") for _ in range(3)]
        return await asyncio.gather(*calls, return_exceptions=True)

    kinds = [type(answer) for answer in run(three, waiting=1)]
    assert kinds == [tuple, tuple, BusyError]


def test_a_call_of_somebody_who_has_gone_ends() -> None:
    async def gone(some: Workers) -> Answer:
        call = asyncio.ensure_future(some.do({"seconds": 20.0}, b""))
        await asyncio.sleep(0.5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return await some.do({}, b"next")

    start = time.monotonic()
    assert run(gone)[2] == b"next"
    assert time.monotonic() - start < 15.0  # not after the one that nobody waits for


# The server


def test_a_call_beyond_the_servers_deadline() -> None:
    rows = [[1000.5 + n] for n in range(1500)]
    columns = [[n + 1 for n in range(1500)]]  # two million cells
    with serving(KPI_XL_DEADLINE="0.05") as server:
        answer = server.ask(CALL, request(rows, columns))
        assert (answer.status, "takes longer than 0.05 s" in answer.sentence) == (504, True)
        answer = server.ask(CALL, request([[1000]], [[50]]))
        assert (answer.status, json.loads(answer.body)) == (200, {"result": [[20.0]]})


def request(*arguments: list[list[Any]]) -> bytes:
    call = REQUEST | {"func_name": "CAC", "args": arguments, "runtime": "1.4"}
    return json.dumps(call).encode()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server that waits half a second for the rest of a request's headers."""
    uvicorn = pytest.importorskip("uvicorn")
    from kpi_xl.hosts import patience

    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.5)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(
        app, port=0, http=patience.Impatient, lifespan="off", log_level="error", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localh"], ids=["none", "half"])
def test_a_request_that_does_not_arrive_costs_no_connection(impatient: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=20) as client:
        client.sendall(sent)
        assert client.recv(1) == b""  # closed by the server
    with socket.create_connection(("127.0.0.1", impatient), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 204"
