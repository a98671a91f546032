"""kpi-xl serve against xlwings-server as it comes, with the same functions, in the same run.

Each server is a process of its own, and so is the client that calls it.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from office_server import CALL, REQUEST, Server, running, serving

ROWS = 100_000
BURSTS, AT_ONCE, CONNECTIONS = 5, 1_000, 6  # a browser holds six connections to a server

SETTINGS = {
    "XLWINGS_LOG_LEVEL": "ERROR",
    "XLWINGS_FUNCTIONS_NAMESPACE": "",
    "XLWINGS_ENABLE_SOCKETIO": "false",
}


@pytest.fixture(scope="module")
def ours() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """xlwings-server with our functions in a project of its own."""
    project = tmp_path_factory.mktemp("project")
    for name, code in (
        ("custom_functions", "from kpi_xl.udfs.functions import *\n"),
        ("custom_scripts", ""),
    ):
        (project / name).mkdir()
        (project / name / "__init__.py").write_text(code)
    command = [sys.executable, "-m", "uvicorn", "xlwings_server.main:main_app"]
    settings = SETTINGS | {"XLWINGS_PROJECT_DIR": str(project)}
    with running([*command, "--no-access-log"], "http", settings, cwd=project) as server:
        yield server


def request(name: str, args: list[Any]) -> bytes:
    return json.dumps(REQUEST | {"func_name": name, "args": args, "runtime": "1.4"}).encode()


SCALAR = request("CAC", [[[1000]], [[50]]])
COLUMN = request("NPS", [[[n % 11] for n in range(ROWS)]])
LIFTED = request("CAC", [[[1000.5 + n] for n in range(ROWS)], [[50]]])


def seconds(server: Server, body: bytes, times: int) -> float:
    """The median time of a call, over one connection."""
    connection = server.connection()
    taken = []
    for _ in range(times + 1):
        start = time.perf_counter()
        connection.request("POST", CALL, body, {"content-type": "application/json"})
        response = connection.getresponse()
        response.read()
        taken.append(time.perf_counter() - start)
        assert response.status == 200
    connection.close()
    return statistics.median(taken[1:])


@pytest.mark.benchmark(group="Office.js: a call, over HTTP")
@pytest.mark.parametrize(
    ("body", "times", "least"),
    [(SCALAR, 300, 3.0), (COLUMN, 1, 5.0), (LIFTED, 1, 5.0)],
    ids=["of two cells", "of a column of 100,000", "over 100,000 cells"],
)
def test_a_call_against_xlwings_server(
    benchmark: Any, ours: Server, stock: Server, body: bytes, times: int, least: float
) -> None:
    theirs = seconds(stock, body, times)
    mine = benchmark.pedantic(seconds, (ours, body, times), rounds=1)
    benchmark.extra_info["times as fast as xlwings-server"] = round(theirs / mine, 1)
    assert theirs / mine >= least


@pytest.mark.benchmark(group="Office.js: 1,000 calls at once")
def test_bursts(benchmark: Any, ours: Server) -> None:
    """What Excel does when a sheet of formulas is computed anew: all calls at once."""
    taken = benchmark.pedantic(lambda: asyncio.run(bursts(ours)), rounds=1)
    assert len(taken) == BURSTS * AT_ONCE
    cuts = statistics.quantiles(taken, n=100)
    benchmark.extra_info |= {"p50 ms": round(cuts[49] * 1e3), "p99 ms": round(cuts[98] * 1e3)}
    assert cuts[98] < 5.0


@pytest.mark.benchmark(group="Office.js: 1,000 calls at once")
def test_a_thousand_connections(benchmark: Any, ours: Server) -> None:
    """Of many users, each with a connection."""
    taken = benchmark.pedantic(lambda: asyncio.run(burst(ours, AT_ONCE)), rounds=1)
    assert len(taken) == AT_ONCE


async def bursts(server: Server) -> list[float]:
    return [one for _ in range(BURSTS) for one in await burst(server, CONNECTIONS)]


async def burst(server: Server, connections: int) -> list[float]:
    """The time of each of a thousand calls from when all of them were made. Any error fails."""
    start = time.perf_counter()
    queue = iter(range(1, AT_ONCE + 1))
    head = f"POST {CALL} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    taken: list[float] = []

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for customers in queue:
            body = request("CAC", [[[1000]], [[customers]]])
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            result = json.loads(await reader.readexactly(length))
            assert result == {"result": [[1000 / customers]]}
            taken.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(worker() for _ in range(connections)))
    return taken


@pytest.mark.benchmark(group="Office.js: single cells beside large calls")
def test_single_cells_beside_large_calls(benchmark: Any, ours: Server) -> None:
    """What one user sees while others compute 250,000 cells, again and again."""
    taken = benchmark.pedantic(lambda: asyncio.run(beside(ours, 20.0)), rounds=1)
    cuts = statistics.quantiles(taken, n=100)
    benchmark.extra_info |= {
        "calls": len(taken), "p50 ms": round(cuts[49] * 1e3, 1),
        "p99 ms": round(cuts[98] * 1e3, 1), "slowest ms": round(max(taken) * 1e3),
    }  # fmt: skip
    assert len(taken) > 100
    assert max(taken) < 0.2


async def beside(server: Server, seconds: float) -> list[float]:
    """The time of each call of a single cell while four large ones are always under way."""
    large = request("CAC", [[[1000.5 + n] for n in range(500)], [[n + 1 for n in range(500)]]])
    end = time.perf_counter() + seconds
    taken: list[float] = []

    async def again(body: bytes, pause: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"POST {CALL} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        while time.perf_counter() < end:
            start = time.perf_counter()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            await reader.readexactly(int(answer.lower().split(b"content-length: ")[1].split()[0]))
            if pause:
                taken.append(time.perf_counter() - start)
                await asyncio.sleep(pause)
        writer.close()

    await asyncio.gather(again(SCALAR, 0.01), *(again(large, 0.0) for _ in range(4)))
    return taken
