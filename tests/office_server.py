"""A server that runs, and calls to it as Excel makes them."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from hosts import missing

CALL = "/xlwings/custom-functions-call"

# What Excel sends with each call; the key is xlwings' own for non-commercial use and tests.
REQUEST = {
    "client": "Office.js",
    "version": "0.37.8",
    "caller_address": "[Book1.xlsx]Sheet1!B2",
    "session_id": "1",
    "culture_info_name": "en-US",
    "date_format": "m/d/yyyy",
}
KEY = {"XLWINGS_LICENSE_KEY": "noncommercial"}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def sentence(self) -> str:
        return str(json.loads(self.body)["detail"])


class Server(NamedTuple):
    """Where a server is."""

    port: int
    scheme: str = "http"

    @property
    def address(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    def connection(self) -> http.client.HTTPConnection:
        if self.scheme == "http":
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        unchecked = ssl._create_unverified_context()  # its certificate is its own
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=unchecked)

    def ask(self, path: str, body: bytes | None = None, method: str = "", **headers: str) -> Answer:
        """Send a request; a header's name is written with underscores."""
        connection = self.connection()
        sent = {"content-type": "application/json"} if body is not None else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method or ("GET" if body is None else "POST"), path, body, sent)
        response = connection.getresponse()
        answer = Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
        connection.close()
        return answer

    def results(self, calls: Mapping[str, tuple[str, list[Any], str]]) -> dict[str, Any]:
        """The answers to calls: function, arguments, version of Excel's runtime."""
        connection = self.connection()
        answers = {}
        for key, (name, args, runtime) in calls.items():
            request = REQUEST | {"func_name": name, "args": args, "runtime": runtime}
            connection.request(
                "POST", CALL, json.dumps(request), {"content-type": "application/json"}
            )
            response = connection.getresponse()
            text = response.read()
            assert response.status == 200, (key, text)
            answers[key] = json.loads(text)["result"]
        connection.close()
        return answers


@contextmanager
def serving(*options: str, scheme: str = "http", **settings: str) -> Iterator[Server]:
    """`kpi-xl serve` on a free port, until the end."""
    with running([sys.executable, "-m", "kpi_xl", "serve", *options], scheme, settings) as server:
        yield server


@contextmanager
def running(
    command: list[str], scheme: str, settings: Mapping[str, str], cwd: Path | None = None
) -> Iterator[Server]:
    """A server's command, to which the port is added, until the end."""
    if find_spec("xlwings_server") is None:  # importing it would change the environment
        missing("xlwings-server is not installed: pip install 'kpi-xl[server]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outside = {k: v for k, v in os.environ.items() if not k.startswith("XLWINGS_")}
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env={**outside, **KEY, **settings},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(port, scheme)
    try:
        for _ in range(600):
            try:
                if server.ask("/").status == 200:
                    break
            except OSError:
                assert process.poll() is None, process.communicate()[0]
                time.sleep(0.1)
        else:
            raise AssertionError("the server does not answer")
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=30)
