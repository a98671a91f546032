"""The application that `kpi-xl serve` runs: xlwings-server, with the functions answered here.

Importing xlwings-server needs a licence of its own: it is the one part of the project that uses
the part of xlwings which is not under the BSD licence, so nothing else may import this module.
"""

import asyncio
import json
import logging
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from inspect import cleandoc
from pathlib import Path
from types import ModuleType
from typing import Any

from kpi_xl import METRICS, __version__
from kpi_xl.formula_text import calls
from kpi_xl.hosts import office
from kpi_xl.hosts.office import MOST_BYTES, RequestError
from kpi_xl.hosts.workers import Answer, BusyError, EndedError, Workers, pieces
from kpi_xl.locales import KNOWN, RIGHT_TO_LEFT, say, texts
from kpi_xl.reference import (
    aliases,
    argument_help,
    caution,
    did_you_mean,
    family_name,
    notes,
    one_line,
    summary,
)
from kpi_xl.registry import Metric
from kpi_xl.search import ENDINGS, entry
from kpi_xl.typesetting import typeset

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

PROJECT = Path(__file__).with_name("server")
"""What stands in place of xlwings-server's own: the task pane's page, the manifest, icons."""

SETTINGS = {
    "XLWINGS_ON_SERVER": "true",
    "XLWINGS_PROJECT_DIR": str(PROJECT),
    "XLWINGS_FUNCTIONS_NAMESPACE": "",  # =CAC(), not =XLWINGS.CAC()
    "XLWINGS_ENVIRONMENT": "prod",  # any other one prefixes the functions, and tells of its errors
    "XLWINGS_ENABLE_SOCKETIO": "false",  # nothing streams, and the page uses no framework
    "XLWINGS_ENABLE_HTMX": "false",
    "XLWINGS_ENABLE_BOOTSTRAP": "false",
    "XLWINGS_ENABLE_ALPINEJS_CSP": "false",
}
"""What the project sets, whatever the environment says."""

DEFAULTS = {
    "XLWINGS_PROJECT_NAME": "KPI",
    "XLWINGS_MANIFEST_ID_PROD": "6d1f6a3e-6a0c-4a3b-8f0e-2b8f1f6c7a51",
    "XLWINGS_LOG_LEVEL": "WARNING",
}
"""What a company may set otherwise."""

CALL, SCRIPT = "/xlwings/custom-functions-call", "/xlwings/custom-scripts-call/"
CODE = "/xlwings/custom-functions-code"
"""The script by which Excel calls the functions; also with .js."""
PAGE = re.compile(r"[\w./@~+-]*", re.ASCII)
"""The paths there are: on Windows C:\\ or \\\\machine would lead out of the static files, too."""

ELSEWHERE = {"refresh_all", "explain_cell", "freeze_for_sharing", "freeze_with_formulas"}
"""Reports that need Excel itself: other open workbooks, the cells' formulas, the file."""

CULTURES = {code: language.culture for code, language in KNOWN.items() if code != "en"}
"""The languages of Excel's own texts in which a manifest can speak another than English."""

HOSTS = "KPI_XL_HOSTS"
"""Names, separated by blanks, by which alone the server is reached; any, where it is not set."""

SHORT = 4096  # bytes of a request that may be of single cells, and so is answered at once
AT_WORK, WAITING = 2, 64
"""Calls of many cells, and reports: how many are computed at once, and how many more wait."""

DEADLINE = "KPI_XL_DEADLINE"
"""The environment variable with the seconds that one of those may take; 60, where it is not set."""

BODY_SECONDS = 60.0  # in which the body of a request is there, once its headers are
MOST_HELD = 512 * 2**20  # bytes of the bodies of all requests that are being read or computed

OF_LOOPBACK = {b"localhost", b"127.0.0.1", b"[::1]"}
TRANSPORT = b"strict-transport-security"

log = logging.getLogger(__name__)


def application() -> App:
    """The application, for uvicorn or another server of ASGI; a factory, called once a process."""
    functions, known = prepared()
    import xlwings.server
    from fastapi import Request
    from fastapi.exceptions import HTTPException
    from fastapi.middleware.cors import CORSMiddleware
    from xlwings_server import dependencies, main
    from xlwings_server.config import settings
    from xlwings_server.routers.xlwings import custom_functions_code
    from xlwings_server.security_headers import resolve_security_headers
    from xlwings_server.templates import templates

    templates.env.globals.update(
        cultures=CULTURES,
        languages=KNOWN,
        reports={name: spoken(name, report) for name, report in known.items()},
        say=say,
        # Office takes no version below 1.
        version=f"1.{__version__}",
    )
    headers = resolve_security_headers(
        excel_online=settings.enable_excel_online, cdn_officejs=settings.cdn_officejs
    )
    headers |= settings.custom_headers
    root = settings.app_path
    call, script = root + CALL, root + SCRIPT
    script_of_functions = {root + CODE, f"{root}{CODE}.js"}
    meta = xlwings.server.custom_functions_meta(functions)  # type: ignore[no-untyped-call]
    pages = {f"{root}/kpi/{code}.json": as_json(page(code)) for code in KNOWN}
    for code in CULTURES:
        pages[f"{root}/kpi/{code}-meta.json"] = as_json(translated(meta, code))
    hosts = {name.encode() for name in os.environ.get(HOSTS, "").split()}
    workers = Workers(f"{__name__}:perform", AT_WORK, WAITING, deadline())
    bodies = Bodies()

    async def signed_in(scope: Message) -> None:
        """Pass, or raise RequestError, as xlwings-server's own routes do."""
        if not settings.auth_providers:
            return
        request = Request(scope)
        try:
            user = await dependencies.authenticate(
                request.headers.get("authorization", ""), request.headers.get("auth-provider")
            )
            await dependencies.get_user(request, user)
        except HTTPException as error:
            raise RequestError(error.status_code, str(error.detail)) from None

    async def answered(
        scope: Message, receive: Receive
    ) -> tuple[bytes | bytearray, Receive | None]:
        """The answer, or the way to read a request that xlwings-server is to answer."""
        path, method = scope["path"], scope["method"]
        if not PAGE.fullmatch(path) or ".." in path:
            raise RequestError(404, "there is no such page")
        if hosts and named(scope) not in hosts:
            raise RequestError(421, "the server has another name: XLWINGS_HOSTNAME tells it")
        if method in ("GET", "HEAD") and path in pages:
            return pages[path], None
        if method in ("GET", "HEAD") and path in script_of_functions:
            return looking(bytes((await custom_functions_code()).body).decode()).encode(), None
        if method in ("GET", "HEAD", "OPTIONS"):
            return b"", receive
        if path != call and not path.startswith(script):
            raise RequestError(404, "there is no such page")
        if method != "POST":
            raise RequestError(405, "only POST is answered here")
        await signed_in(scope)
        name = path.removeprefix(script)
        if path != call and name not in known:
            near = did_you_mean(name[:40], known)
            raise RequestError(404, f"there is no report of this name{near}")
        with bodies.request() as holding:
            body = await read(scope, receive, holding)
            if path == call and len(body) < SHORT:
                asked = office.asked(body)
                if office.is_scalar(asked):
                    return office.answered(asked), None
            request = {"call": True} if path == call else described(scope)
            try:
                status, _, content = await workers.do(request, body)
            except BusyError:
                raise RequestError(503, "the server has too much to do: try again") from None
            except EndedError as error:
                raise RequestError(504, str(error)) from None
        if status != 200:
            raise RequestError(status, detail(content))
        return content, None

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await main.app(scope, receive, send)
            await workers.close()
            return
        if named(scope) in OF_LOOPBACK:  # other things on this machine are not served by TLS
            send = without(TRANSPORT, send)
        body: bytes | bytearray = b""
        status, rest = 200, None
        try:
            body, rest = await answered(scope, receive)
        except RequestError as refused:
            status, body = refused.status, as_json({"detail": refused.sentence})
        except Exception:
            log.exception("A call has failed")
            status, body = 500, as_json({"detail": "an error of the server's; its log tells more"})
        if rest is not None:
            await main.app(scope, rest, send)
            return
        if scope["method"] == "HEAD":
            body = b""
        kind = (
            "text/javascript"
            if scope["path"] in script_of_functions and status == 200
            else "application/json"
        )
        shown = {"content-type": kind, "content-length": str(len(body)), **headers}
        pairs = [(k.lower().encode(), v.encode()) for k, v in shown.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        for piece in pieces(body):
            await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    if not settings.cors_allow_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_allow_origins,
        allow_methods=["POST"],
        allow_headers=["*"],
    )


def prepared() -> tuple[ModuleType, dict[str, Callable[..., Any]]]:
    """The functions and reports, under the names that xlwings-server imports."""
    os.environ.update(SETTINGS)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    # xlwings asks at every cell whether it runs in a browser, and Python looks for it every time.
    sys.modules.setdefault("pyodide", None)  # type: ignore[arg-type]
    # After the settings: xlwings binds its decorators when it is imported.
    from . import functions, scripts

    known = reports(scripts)
    sys.modules["custom_functions"] = functions
    sys.modules["custom_scripts"] = ModuleType("custom_scripts")
    vars(sys.modules["custom_scripts"]).update(known)
    return functions, known


def deadline() -> float:
    """The seconds that a call may take. Raises ValueError for a setting that says none."""
    seconds = float(os.environ.get(DEADLINE) or 60.0)
    if not seconds > 0.0:
        raise ValueError(f"{DEADLINE} is {seconds:g}: it must be more than 0")
    return seconds


# What a worker does


def perform(request: dict[str, Any], body: bytes) -> Answer:
    """Answer a call of a function, or run a report as xlwings-server does."""
    try:
        if "call" in request:
            return 200, [], office.answer(body)
        office.check_workbook(office.parsed(body))
        return asyncio.run(ran(request, body))
    except RequestError as refused:
        return refused.status, [], as_json({"detail": refused.sentence})
    except Exception:
        log.exception("A call has failed")
        return 500, [], as_json({"detail": "an error of the server's; its log tells more"})


async def ran(request: dict[str, Any], body: bytes) -> Answer:
    """The answer of xlwings-server to a request."""
    prepared()
    from xlwings_server import main

    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in request["headers"]
    ]
    scope = request | {
        "headers": headers,
        "query_string": request["query_string"].encode("latin-1"),
    }
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await main.app(scope, once(body), keep)
    content = b"".join(message.get("body", b"") for message in messages[1:])
    return messages[0]["status"], [], content


def described(scope: Message) -> dict[str, Any]:
    """What a worker needs to know of a request."""
    plain = ("type", "http_version", "method", "scheme", "path", "root_path")
    return {
        **{name: scope[name] for name in plain if name in scope},
        "query_string": scope["query_string"].decode("latin-1"),
        "headers": [(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]],
    }


def detail(content: bytes | bytearray) -> str:
    """The sentence of an answer that is an error."""
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, LookupError, TypeError):
        return content[:1000].decode("utf-8", "replace")


# Reports


def reports(scripts: ModuleType) -> dict[str, Callable[..., Any]]:
    """The reports that can run on a server, by name."""
    return {
        name: script
        for name, script in vars(scripts).items()
        if hasattr(script, "__xlscript__") and name not in ELSEWHERE
    }


def spoken(name: str, report: Callable[..., Any]) -> tuple[str, str]:
    """What a button says, and what it is for: from the report's name and docstring."""
    tip, *_ = cleandoc(report.__doc__ or "").split("\n\n")
    return name.replace("_", " ").capitalize(), " ".join(tip.split())


# What the task pane and Excel show


def page(language: str) -> dict[str, Any]:
    """What the task pane shows in a language."""
    return {
        "texts": {} if language == "en" else texts(language)["phrases"] | texts(language)["pane"],
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
        "endings": ENDINGS,
        "functions": [
            {
                "name": metric.name,
                "family": family_name(metric.family, language),
                "summary": summary(metric, language),
                "notes": [text for text in notes(metric, language).split("\n\n") if text],
                "caution": caution(metric, language),
                "signature": metric.signature,
                "arguments": [
                    [a.title, argument_help(a, language), a.required] for a in metric.arguments
                ],
                "columns": [
                    [name, say(meaning, language, "columns")] for name, meaning in metric.columns
                ],
                "returns": say(metric.returns.meaning, language, "units"),
                "formula": metric.formula,
                "source": metric.source,
                "typeset": typeset(metric.formula),
                "example": metric.example[0],
                "given": given(metric),
                "aliases": aliases(metric, language),
                "search": entry(metric, language),
            }
            for metric in METRICS.values()
        ],
    }


def given(metric: Metric) -> list[str]:
    """What the example gives a function, as it is written."""
    called = next(calls(metric.example[0], METRICS))
    return [text.strip() for text in called.arguments]


def translated(meta: dict[str, Any], language: str) -> dict[str, Any]:
    """The functions as Excel registers them, with their help in a language."""
    functions = []
    for function in meta["functions"]:
        metric = METRICS[function["name"]]
        parameters = [
            parameter | {"description": argument_help(argument, language)}
            for argument, parameter in zip(metric.arguments, function["parameters"], strict=True)
        ]
        functions.append(
            function | {"description": one_line(metric, language), "parameters": parameters}
        )
    return meta | {"functions": functions}


def looking(code: str) -> str:
    """xlwings' script of the functions; where an answer depends on blanks, it looks at the cells.

    Raises RuntimeError where the script is another than this version of kpi_xl knows.
    """
    for metric in METRICS.values():
        places = [n for n, one in enumerate(metric.arguments) if one.tells_blank_from_zero]
        old = f'CustomFunctions.associate("{metric.name}", {metric.name});'
        if code.count(old) != 1:
            raise RuntimeError(f"xlwings' script does not associate {metric.name} once")
        if places:
            new = f'CustomFunctions.associate("{metric.name}", looked({metric.name}, {places}));'
            code = code.replace(old, new)
    return code + PROJECT.joinpath("static", "js", "blanks.js").read_text(encoding="utf-8")


def as_json(content: Any) -> bytes:
    """JSON of a page or an answer."""
    return json.dumps(content, separators=(",", ":")).encode()


# Requests


def named(scope: Message) -> bytes:
    """The name by which a request reaches the server, without the port."""
    host: bytes = dict(scope["headers"]).get(b"host", b"").lower()
    name, _, port = host.rpartition(b":")
    return name if port.isdigit() else host


class Bodies:
    """How many bytes the bodies of all requests have together, those that are at work included."""

    def __init__(self) -> None:
        self.size = 0

    @contextmanager
    def request(self) -> Iterator[Callable[[int], None]]:
        """Where a request is read and answered: told of its pieces, raises RequestError."""
        mine = 0

        def holding(more: int) -> None:
            nonlocal mine
            if self.size + more > MOST_HELD:
                raise RequestError(503, "the server has too much to do: try again")
            mine += more
            self.size += more

        try:
            yield holding
        finally:
            self.size -= mine


def without(header: bytes, send: Send) -> Send:
    """A way to send answers without a header."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() != header]
            message = {**message, "headers": kept}
        await send(message)

    return sent


async def read(scope: Message, receive: Receive, holding: Callable[[int], None]) -> bytes:
    """The whole of a request's JSON. Raises RequestError where it is too long, or another thing.

    Or where it does not arrive in time; `holding` is told of each piece, and may refuse it.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(scope, receive, holding)
    except TimeoutError:
        raise RequestError(408, f"the request has not arrived in {BODY_SECONDS:g} s") from None


async def _read(scope: Message, receive: Receive, holding: Callable[[int], None]) -> bytes:
    sent = dict(scope["headers"])
    kind = sent.get(b"content-type", b"").split(b";")[0].strip().lower()
    if kind != b"application/json":
        raise RequestError(415, "the request's content type is not application/json")
    too_long = RequestError(413, f"the request is longer than {MOST_BYTES // 2**20} MB")
    length = sent.get(b"content-length", b"")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise too_long
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RequestError(400, "the request has broken off")
        parts.append(message.get("body", b""))
        holding(len(parts[-1]))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise too_long
        if not message.get("more_body", False):
            return b"".join(parts)


def once(body: bytes) -> Receive:
    """A request that has been read, to be read again."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive
