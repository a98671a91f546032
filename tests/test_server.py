"""xlwings Server as `kpi-xl serve` runs it: its answers, its manifest, its pane, its safety."""

import json
import os
import re
import struct
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cases import BLANKS
from demos import empty
from hosts import missing, program
from office_server import CALL, REQUEST, Server, serving
from test_excel import (
    CALLS,
    OFFICE_CASES,
    ON_SERVER,
    complete,
    exactly,
    near_result,
    office_argument,
    run,
)
from test_search import QUERIES

from kpi_xl import METRICS, __version__
from kpi_xl.hosts.office import MOST_BYTES, MOST_LISTS
from kpi_xl.locales import LANGUAGES, texts
from kpi_xl.reference import argument_help, one_line
from kpi_xl.search import entry, plain, rank

ROOT = Path(__file__).parent.parent
PANE = ROOT / "udfs" / "server"

REPORTS = ["refresh_report", "load_data", "check_data"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


# Answers


def test_every_call_is_answered_as_xlwings_answers_it(server: Server) -> None:
    calls: dict[str, Any] = {case: call for case, (call, _) in OFFICE_CASES.items()}
    for case, (name, given) in CALLS.items():
        for runtime in ("1.4", "1.1"):
            calls[f"{runtime} typed {case}"] = (name, list(map(office_argument, given)), runtime)
        arguments = list(map(office_argument, complete(name, given)))
        calls[f"complete {case}"] = (name, arguments, "1.4")
    calls["a value by itself"] = ("CAC", [1000, [[50]]], "1.4")
    calls["a blank cell"] = ("CLV", [[[50]], [[4]], [[3]], [[None]], [[""]]], "1.4")
    expected = run("office", calls, **ON_SERVER, KPI_XL_BLANKS="null")
    assert exactly(server.results(calls)) == exactly(expected["results"])


def test_a_long_column(server: Server) -> None:
    scores = [[10 if n % 4 else 0] for n in range(100_000)]  # three promoters to a detractor
    assert server.results({"": ("NPS", [scores], "1.4")}) == {"": [[50.0]]}


def test_functions_have_their_plain_names(server: Server) -> None:
    meta = json.loads(server.ask("/xlwings/custom-functions-meta.json").body)
    assert {function["name"] for function in meta["functions"]} == set(METRICS)
    answer = server.ask("/xlwings/custom-functions-code.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    code = answer.body.decode()
    assert set(re.findall(r'CustomFunctions\.associate\("(\w+)"', code)) == set(METRICS)


# The script that Excel gets, in an Excel of the desktop that has these cells, and the call is
# answered by what it sends. `asked` is each call: function, arguments, their addresses.
LOOKING = """
import { readFileSync } from "node:fs";
const { code, asked, platform, kinds } = JSON.parse(readFileSync(0, "utf8"));
const known = {};
globalThis.Office = {
  onReady: async () => {},
  PlatformType: { OfficeOnline: "OfficeOnline", PC: "PC" },
  context: { platform, requirements: { isSetSupported: () => true } },
};
globalThis.CustomFunctions = {
  associate: (name, called) => (known[name] = called),
  Error: class { constructor(code, message) { this.message = message; } },
  ErrorCode: { invalidValue: "#VALUE!" },
};
globalThis.Excel = {
  RequestContext: class {
    failed = false;
    workbook = { name: "Book1.xlsx", load: () => {}, worksheets: { getItem: (sheet) => ({
      getRange: (area) => {
        const found = kinds[`${sheet}!${area}`];
        this.failed ||= found === undefined;
        return { load: () => {}, valueTypes: found };
      },
    }) } };
    async sync() { if (this.failed) throw new Error("ItemNotFound"); }
  },
};
globalThis.config = { customFunctionsMaxRetries: 1, customFunctionsRetryCodes: [] };
globalThis.xlwings = { getCultureInfoName: async () => "en-US", getDateFormat: async () => "" };
globalThis.window = { location: { origin: "" } };
globalThis.xwRequest = { post: async (path, body) => ({ data: { result: body.args } }) };
(0, eval)(code);
const answers = [];
for (const [name, args, parameterAddresses] of asked) {
  try {
    answers.push(await known[name](...args, { address: "Sheet1!Z1", parameterAddresses }));
  } catch (error) {
    answers.push(error.message);
  }
}
console.log(JSON.stringify(answers));
"""


def sent(server: Server, asked: list[Any], kinds: dict[str, Any], platform: str = "PC") -> Any:
    node = program("node", "it runs the script of the functions")
    code = server.ask("/xlwings/custom-functions-code.js").body.decode()
    told = {"code": code, "asked": asked, "kinds": kinds, "platform": platform}
    run = subprocess.run(
        [node, "--input-type=module", "-e", LOOKING],
        input=json.dumps(told), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(run.stdout)


def test_where_blanks_arrive_as_0_the_cells_are_looked_at(server: Server) -> None:
    scores = [[10], [0], [0]]
    kinds = {"It's!A1:A3": [["Double"], ["Empty"], ["Double"]], "S!B2": [["Empty"]]}
    marked, cac, option, computed, elsewhere, unknown, other_shape = sent(
        server,
        [
            ("NPS", [scores], ["'It''s'!A1:A3"]),
            ("CAC", [[[0]], [[50]]], ["S!B2", None]),  # a blank counts as 0 anyway
            ("CLV", [[[50]], [[4]], [[3]], [[0]], None], [None, None, None, "S!B2", None]),
            ("NPS", [scores], [None]),  # what a formula has computed
            ("NPS", [scores], ["'[Other.xlsx]Sheet1'!A1:A3"]),
            ("NPS", [scores], None),  # an older runtime
            ("NPS", [scores], ["S!B2"]),
        ],
        kinds,
    )
    assert marked == [[[10], [None], [0]]]
    assert cac == [[[0]], [[50]]]
    assert option[3] == [[None]]
    assert computed == [scores]
    assert [elsewhere, unknown, other_shape] == [elsewhere] * 3
    assert "blank cells as 0" in elsewhere


def test_an_excel_that_sends_null_is_not_asked_for_its_cells(server: Server) -> None:
    given = [[10], [0], [None]]
    assert sent(server, [("NPS", [given], None)], {}) == [[given]]
    zeros = [[10], [0], [0]]
    assert sent(server, [("NPS", [zeros], None)], {}, platform="OfficeOnline") == [[zeros]]


@pytest.mark.parametrize("case", BLANKS)
def test_the_server_takes_null_for_a_blank(server: Server, case: str) -> None:
    one = BLANKS[case]
    call = (one.name, [office_argument(a) for a in one.given], "1.4")
    assert server.results({case: call})[case] == near_result(one.told)


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_functions_are_registered_with_help_in_a_language(server: Server, language: str) -> None:
    english = json.loads(server.ask("/xlwings/custom-functions-meta.json").body)
    spoken = json.loads(server.ask(f"/kpi/{language}-meta.json").body)
    for function, original in zip(spoken["functions"], english["functions"], strict=True):
        metric = METRICS[function["name"]]
        assert function.pop("description") == one_line(metric, language)
        shown = [parameter.pop("description") for parameter in function["parameters"]]
        assert shown == [argument_help(argument, language) for argument in metric.arguments]
        del original["description"]
        for parameter in original["parameters"]:
            del parameter["description"]
        assert function == original


# Reports


def test_a_table_of_a_million_blank_rows_is_not_read(
    server: Server, workbook: dict[str, Any]
) -> None:
    """A few letters of an address must not keep the server busy for minutes."""
    asked = json.loads(json.dumps(workbook))
    table = next(table for sheet in asked["sheets"] for table in sheet["tables"])
    table["data_body_range_address"] = "A5:K1048576"
    answer = server.ask("/xlwings/custom-scripts-call/check_data", json.dumps(asked).encode())
    assert (answer.status, "blank cells" in answer.sentence) == (413, True)
    del table["header_row_range_address"]
    answer = server.ask("/xlwings/custom-scripts-call/check_data", json.dumps(asked).encode())
    assert (answer.status, "header_row_range_address" in answer.sentence) == (400, True)


@pytest.fixture(scope="module")
def workbook() -> dict[str, Any]:
    from remote_excel import payload

    book = empty("funnel").content
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl does not know every format
        environment.setenv("XLWINGS_LICENSE_KEY", "noncommercial")
        sent: dict[str, Any] = json.loads(json.dumps(payload(book)))
    return sent


def test_a_report_runs_over_a_workbook(server: Server, workbook: dict[str, Any]) -> None:
    answer = server.ask("/xlwings/custom-scripts-call/check_data", json.dumps(workbook).encode())
    assert answer.status == 200, answer.body
    actions = json.loads(answer.body)["actions"]
    assert "alert" in [action["func"] for action in actions]


def test_a_report_reads_no_file_of_the_server(server: Server, workbook: dict[str, Any]) -> None:
    """Paths come from the workbook: without folders that the server allows, none is read."""
    sheets = workbook["sheets"]
    place = next(i for i, sheet in enumerate(sheets) if sheet["name"] == "Sources")
    values = [list(row) for row in sheets[place]["values"]]
    next(row for row in values if row[0] == "Leads")[1] = "/etc/passwd"
    asked = workbook | {
        "sheets": [*sheets[:place], sheets[place] | {"values": values}, *sheets[place + 1 :]]
    }
    answer = server.ask("/xlwings/custom-scripts-call/refresh_report", json.dumps(asked).encode())
    assert answer.status == 200, answer.body
    told = [action for action in json.loads(answer.body)["actions"] if action["func"] == "alert"]
    assert "/etc/passwd" in json.dumps(told)  # as the workbook has it, and no path of the server's
    assert not re.search("settings.toml|/root|/home|/usr", json.dumps(told))
    assert b"root:" not in answer.body


SHEET: dict[str, Any] = {"name": "A", "values": [[1]], "tables": []}


@pytest.mark.parametrize(
    ("name", "change", "status", "words"),
    [
        ("check_dat", {}, 404, "did you mean check_data?"),
        ("explain_cell", {}, 404, "no report of this name"),  # no formula is sent
        ("__init__", {}, 404, "no report of this name"),
        ("check_data", {"book": None}, 400, "the request has no book"),
        ("check_data", {"client": None}, 400, "the request has no client"),
        ("check_data", {"sheets": []}, 400, "no sheet of that number"),
        ("check_data", {"names": [1]}, 400, "a name is not"),
        ("check_data", {"names": [{}]}, 400, "a name has no name"),
        ("check_data", {"sheets": [{"name": "A"}]}, 400, "a sheet has no values"),
        ("check_data", SHEET | {"values": [1]}, 400, "not a list of rows"),
        ("check_data", SHEET | {"values": [[{}]]}, 400, "what is no cell"),
        ("check_data", SHEET | {"tables": [1]}, 400, "a table is not"),
        ("check_data", SHEET | {"tables": [{}]}, 400, "a table has no name"),
        ("check_data", SHEET | {"used_range_address": 1}, 400, "an address that is none"),
        ("check_data", SHEET | {"used_range_address": "A1:A9999999"}, 400, "an address"),
        ("check_data", SHEET | {"used_range_address": "A1:XFD1048576"}, 413, "blank cells"),
    ],
)
def test_what_is_no_report_or_no_workbook_is_refused(
    server: Server,
    workbook: dict[str, Any],
    name: str,
    change: dict[str, Any],
    status: int,
    words: str,
) -> None:
    if "values" in change:
        change = {"sheets": [change]}
    body = json.dumps(workbook | change).encode()
    answer = server.ask(f"/xlwings/custom-scripts-call/{name}", body)
    assert (answer.status, words in answer.sentence) == (status, True), answer.body


# The manifest


OFFICE = "{http://schemas.microsoft.com/office/appforoffice/1.1}"
OVERRIDES = "{http://schemas.microsoft.com/office/taskpaneappversionoverrides}"
TYPES = "{http://schemas.microsoft.com/office/officeappbasictypes/1.0}"


@pytest.fixture(scope="module")
def manifest(server: Server) -> ET.Element:
    return ET.fromstring(server.ask("/manifest.xml", x_forwarded_proto="https").body)


def test_the_manifest_keeps_the_order_and_limits_of_its_schema(manifest: ET.Element) -> None:
    """What `office-addin-manifest validate` asks of a service on the network, as far as it goes."""
    order = "Id Version ProviderName DefaultLocale DisplayName Description IconUrl"
    order += " HighResolutionIconUrl SupportUrl AppDomains Hosts Requirements DefaultSettings"
    order += " Permissions"
    tags = [child.tag for child in manifest]
    assert tags == [*(OFFICE + tag for tag in order.split()), OVERRIDES + "VersionOverrides"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", manifest[0].text or "")
    assert manifest[1].text == f"1.{__version__}"
    assert re.fullmatch(r"\d{1,5}(\.\d{1,5}){3}", manifest[1].text)  # Excel on the web wants four
    assert len(manifest[4].attrib["DefaultValue"]) <= 125
    assert len(manifest[5].attrib["DefaultValue"]) <= 250
    for kind, limit in (("ShortStrings", 125), ("LongStrings", 250)):
        said = next(manifest.iter(TYPES + kind))
        for text in said.iter():
            assert len(text.attrib.get("DefaultValue", text.attrib.get("Value", ""))) <= limit
            assert text.attrib.get("DefaultValue", text.attrib.get("Value", "x")).strip()


def test_every_resource_of_the_manifest_is_there_and_used(manifest: ET.Element) -> None:
    used = {element.attrib["resid"] for element in manifest.iter() if "resid" in element.attrib}
    made = [element.attrib["id"] for element in manifest.iter() if element.tag.startswith(TYPES)
            and "id" in element.attrib]  # fmt: skip
    assert sorted(made) == sorted(used)
    assert max(map(len, made)) <= 32
    ids = [
        e.attrib["id"] for e in manifest.iter() if e.tag.startswith(OVERRIDES) and "id" in e.attrib
    ]
    assert len(ids) == len(set(ids))
    assert max(map(len, ids)) <= 125


def test_the_manifest_names_the_reports_and_no_namespace(manifest: ET.Element) -> None:
    names = [element.text for element in manifest.iter(OVERRIDES + "FunctionName")]
    assert names == REPORTS
    assert list(manifest.iter(OVERRIDES + "Namespace")) == []  # =CAC(), not =KPI.CAC()


def test_the_manifest_speaks_every_language(manifest: ET.Element) -> None:
    words = [*manifest.iter(TYPES + "String")]
    for text in words:
        if text.attrib["id"] == "Tab.Label":
            continue
        said = {o.attrib["Locale"]: o.attrib["Value"] for o in text.iter(TYPES + "Override")}
        assert set(said) == {"zh-CN", "zh-TW", "ru-RU", "fa-IR"}
        assert text.attrib["DefaultValue"] not in said.values()


def test_what_the_manifest_points_to_is_there(server: Server, manifest: ET.Element) -> None:
    address = f"https://127.0.0.1:{server.port}"
    urls = {
        value
        for element in manifest.iter()
        for name, value in element.attrib.items()
        if name in ("DefaultValue", "Value") and "://" in value
    }
    assert len(urls) >= 10
    for url in urls:
        assert url.startswith(f"{address}/"), url
        answer = server.ask(url.removeprefix(address))
        assert answer.status == 200, url
        if url.endswith(".png"):
            width, height = struct.unpack(">II", answer.body[16:24])
            assert width == height == int(re.findall(r"-(\d+)\.png", url)[0])


# The texts of the pane


@pytest.fixture(scope="module")
def buttons(manifest: ET.Element) -> set[str]:
    """What the ribbon says of the reports, in English."""
    labels = {f"{name}.{part}" for name in REPORTS for part in ("Label", "Tip")}
    said = [text.attrib for text in manifest.iter(TYPES + "String")]
    return {text["DefaultValue"] for text in said if text["id"] in labels}


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_every_text_of_the_pane_and_the_ribbon_is_translated(
    language: str, buttons: set[str]
) -> None:
    script = (PANE / "static" / "js" / "pane.js").read_text(encoding="utf-8")
    page = (PANE / "templates" / "taskpane.html").read_text(encoding="utf-8")
    ribbon = (PANE / "templates" / "manifest.xml").read_text(encoding="utf-8")
    said = set(re.findall(r'say\(\s*"([^"]+)"', script))
    said |= set(re.findall(r"data-say>([^<{]+)<", page))
    said |= set(re.findall(r'words\("String", "[^"]+", "([^"]+)"\)', ribbon))
    said |= set(re.findall(r"say\('([^']+)'", ribbon))
    said |= buttons
    file = texts(language)
    assert said - set(file["phrases"]) == set(file["pane"])
    for english, text in file["pane"].items():
        assert text.strip() == text != english
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english))


# Safety


def body(**change: Any) -> bytes:
    request = REQUEST | {"func_name": "CAC", "args": [[[1000]], [[50]]], "runtime": "1.4"}
    return json.dumps(request | change).encode()


HOSTILE = {
    "nothing": (b"", 400, "not JSON"),
    "no JSON": (b"{", 400, "not JSON"),
    "no text": (b"\xff\xfe\xfa", 400, "not JSON"),
    "no object": (b"[1]", 400, "not a JSON object"),
    "nested deeply": (b'{"args":' + b"[" * 200_000, 400, "nested too deeply"),
    "objects nested deeply": (b'{"a":' * 200_000, 400, "nested too deeply"),
    "NaN": (body().replace(b"1000", b"NaN"), 400, "NaN"),
    "Infinity": (body().replace(b"1000", b"-Infinity"), 400, "Infinity"),
    "thousands of digits": (body().replace(b"1000", b"9" * 5000), 400, "not JSON"),
    "no function": (body(func_name=None), 404, "no function"),
    "an unknown function": (body(func_name="CACC"), 404, "did you mean CAC?"),
    "something of Python's": (body(func_name="__class__"), 404, "no function"),
    "a list for a name": (body(func_name=["CAC"]), 404, "no function"),
    "no arguments": (body(args=None), 400, "args"),
    "arguments that are no list": (body(args={"spend": 1}), 400, "args"),
    "too many arguments": (body(args=[[[1]]] * 9), 400, "args"),
    "an object for an argument": (body(args=[{"a": 1}, [[1]]]), 400, "spend"),
    "cells without rows": (body(args=[[1, 2], [[1]]]), 400, "spend"),
    "a list in a cell": (body(args=[[[[1]]], [[1]]]), 400, "spend"),
    "an object in a cell": (body(args=[[[{"type": "Error"}]], [[1]]]), 400, "spend"),
    "an object in an object": (body(args=[[[{"basicValue": {}}]], [[1]]]), 400, "spend"),
    "an unknown runtime": (body(runtime="nan"), 400, "runtime"),
    "no runtime": (body(runtime=None), 400, "runtime"),
    "too many lists": (b'{"args":[' + b"[]," * (MOST_LISTS + 1) + b"[]]}", 413, "rows"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_request_is_refused_in_a_sentence(server: Server, case: str) -> None:
    request, status, words = HOSTILE[case]
    answer = server.ask(CALL, request)
    assert answer.status == status, answer.body[:300]
    assert words in answer.sentence
    assert not re.search(r"Traceback|File \"|/(home|root|tmp|usr|opt)/", answer.sentence)
    assert len(answer.sentence) < 300
    assert server.results({"": ("CAC", [[[1000]], [[50]]], "1.4")}) == {"": [[20.0]]}


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ([[], [[1]]], "Value"),  # no cells
        ([[[]], [[1]]], "Value"),
        ([[[1, 2], [3]], [[1]]], "Value"),  # rows that differ
        ([[[1]]], "Value"),  # an argument is missing
        ([[[10**400]], [[1]]], "Num"),
        ([[["\ud800"]], [[1]]], "Value"),  # half a letter
    ],
)
def test_what_only_a_cell_can_tell_is_an_error_in_the_cell(
    server: Server, args: Any, shown: str
) -> None:
    assert server.results({"": ("CAC", args, "1.4")}) == {
        "": [[{"type": "Error", "errorType": shown}]]
    }


def test_a_number_beyond_floats_is_an_error_in_the_cell(server: Server) -> None:
    answer = server.ask(CALL, body().replace(b"1000", b"1e999"))
    assert json.loads(answer.body) == {"result": [[{"type": "Error", "errorType": "Num"}]]}


def test_a_request_is_not_longer_than_allowed(server: Server) -> None:
    answer = server.ask(CALL, b" " * (MOST_BYTES + 1))
    assert (answer.status, "longer than 32 MB" in answer.sentence) == (413, True)
    connection = server.connection()  # in pieces, without a length
    pieces = iter([b" " * 2**20] * 33)
    connection.request(
        "POST", CALL, pieces, {"content-type": "application/json"}, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
def test_only_json_is_read(server: Server, kind: str) -> None:
    for path in (CALL, "/xlwings/custom-scripts-call/check_data"):
        answer = server.ask(path, body(), content_type=kind)
        assert (answer.status, "application/json" in answer.sentence) == (415, True)


def test_other_methods_and_pages_are_refused(server: Server) -> None:
    assert server.ask(CALL, body(), method="PUT").status == 405
    assert server.ask("/manifest.xml", b"{}").status == 404
    assert server.ask("/openapi.json").status == 404


@pytest.mark.parametrize("up", ["..", "%2e%2e", "..%2f..", "..%5c..", "%2e%2e%2f%2e%2e%2f.."])
def test_no_path_leads_out_of_the_static_files(server: Server, up: str) -> None:
    """xlwings-server 1.20 by itself hands out every file of the machine in this way."""
    for path in ("templates/manifest.xml", "etc/hostname", "../../etc/hostname"):
        assert server.ask(f"/static/{up}/{path}").status == 404
        assert server.ask(f"/static/js/{up}/{up}/{path}").status == 404


@pytest.mark.parametrize(
    "out", ["C:/Windows/win.ini", "C:%5CWindows%5Cwin.ini", "%5C%5Cx%5Cy", "%00"]
)
def test_no_path_of_windows_leads_out_of_the_static_files(server: Server, out: str) -> None:
    """There the drive or machine in it would be where it leads, whatever stands before."""
    answer = server.ask(f"/static/{out}")
    assert (answer.status, answer.sentence) == (404, "there is no such page")


def test_a_page_under_another_name_does_not_reach_this_machine(server: Server) -> None:
    assert server.ask(CALL, body(), host="evil.example").status == 421
    assert server.ask("/manifest.xml", host="evil.example:80").status == 421
    assert server.ask(CALL, body(), host=f"localhost:{server.port}").status == 200


def test_answers_have_the_headers_of_xlwings_server(server: Server) -> None:
    def told(headers: Any) -> dict[str, str]:
        return {k: v for k, v in headers.items() if k not in ("date", "content-length", "etag",
            "content-type", "last-modified", "vary")}  # fmt: skip

    assert told(server.ask(CALL, body()).headers) == told(server.ask("/").headers)
    assert server.ask("/kpi/en.json").headers["content-type"] == "application/json"
    assert "x-content-type-options" in server.ask(CALL, b"").headers
    # It would make browsers refuse whatever else this machine serves without TLS.
    assert "strict-transport-security" not in server.ask("/").headers


def test_health(server: Server) -> None:
    assert json.loads(server.ask("/").body) == {"status": "ok"}
    assert server.ask("/", method="HEAD").status == 200


# TLS and sign-in


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    x509 = pytest.importorskip("cryptography.x509")  # xlwings-server needs it, too
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    (folder / "localhost.crt").write_bytes(made.public_bytes(pem))
    form = serialization.PrivateFormat.PKCS8
    (folder / "localhost.key").write_bytes(
        key.private_bytes(pem, form, serialization.NoEncryption())
    )
    return folder / "localhost.crt", folder / "localhost.key"


PROVIDER = """
from fastapi import HTTPException
from xlwings_server.models import User

async def validate_token(token_string):
    if token_string != "Ann":
        raise HTTPException(status_code=401, detail="Sign in first")
    return User(id="1", name="Ann")
"""


def test_tls_and_sign_in(
    certificate: tuple[Path, Path], workbook: dict[str, Any], tmp_path: Path
) -> None:
    """With a provider of the company's own, and in two processes."""
    (tmp_path / "auth").mkdir()
    (tmp_path / "auth" / "company.py").write_text(PROVIDER)
    options = ["--host", "0.0.0.0", "--certificate", str(certificate[0])]
    options += ["--key", str(certificate[1]), "--workers", "2"]
    settings = {"XLWINGS_AUTH_PROVIDERS": '["company"]', "PYTHONPATH": str(tmp_path)}
    with serving(*options, scheme="https", **settings) as server:
        report = "/xlwings/custom-scripts-call/check_data"
        for path, sent in ((CALL, body()), (report, json.dumps(workbook).encode())):
            assert server.ask(path, sent).status == 401
            assert server.ask(path, sent, authorization="Bob").sentence == "Sign in first"
            assert server.ask(path, sent, authorization="Ann").status == 200
        assert server.ask(CALL, b"[", authorization="Bob").status == 401  # before it is read
        assert b"https://" in server.ask("/manifest.xml").body


# The command


def kpi_xl(*arguments: str, **settings: str) -> tuple[int, str]:
    outside = {k: v for k, v in os.environ.items() if not k.startswith("XLWINGS_")}
    result = subprocess.run(
        [sys.executable, "-m", "kpi_xl", "serve", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**outside, "HOME": "/nowhere", "USERPROFILE": "/nowhere", **settings},
        timeout=60,
    )
    return result.returncode, result.stdout + result.stderr


NON_COMMERCIAL = {"XLWINGS_LICENSE_KEY": "noncommercial"}


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        ([], {}, "XLWINGS_LICENSE_KEY is not set. xlwings Server needs a licence of its own"),
        (["--host", "0.0.0.0"], NON_COMMERCIAL, "needs TLS"),
        (["--host", "::"], NON_COMMERCIAL, "needs TLS"),
        (["--host", "kpi.example.com"], NON_COMMERCIAL, "needs TLS"),
        (["--host", "0.0.0.0", "--tls-elsewhere"], NON_COMMERCIAL, "must sign in"),
        (
            ["--host", "0.0.0.0", "--tls-elsewhere"],
            NON_COMMERCIAL | {"XLWINGS_AUTH_PROVIDERS": "[]"},
            "must sign in",
        ),
        ([], {"XLWINGS_LICENSE_KEY": "wrong"}, "XLWINGS_LICENSE_KEY is not accepted"),
        ([], NON_COMMERCIAL | {"XLWINGS_AUTH_PROVIDERS": "entraid"}, "auth_providers"),
        ([], NON_COMMERCIAL | {"XLWINGS_REQUEST_TIMEOUT": "soon"}, "request_timeout"),
        (["--https"], NON_COMMERCIAL, "office-addin-dev-certs"),
        (["--key", "a.pem"], NON_COMMERCIAL, "go together"),
        (["--key", "a.pem", "--certificate", "b.pem"], NON_COMMERCIAL, "there is no file b.pem"),
        (["--port", "70000"], NON_COMMERCIAL, "65535"),
    ],
)
def test_serve_refuses_in_a_sentence(
    arguments: list[str], settings: dict[str, str], words: str
) -> None:
    code, said = kpi_xl(*arguments, **settings)
    assert (code, words in said, said.count("\n")) == (2, True, 1), said


def test_serve_refuses_what_is_no_certificate(tmp_path: Path) -> None:
    for name in ("a.pem", "b.pem"):
        (tmp_path / name).write_text("nothing")
    options = ["--certificate", str(tmp_path / "a.pem"), "--key", str(tmp_path / "b.pem")]
    code, said = kpi_xl(*options, **NON_COMMERCIAL)
    assert (code, "are no certificate and its key" in said) == (2, True), said


def test_serve_says_that_a_port_is_taken(server: Server) -> None:
    code, said = kpi_xl("--port", str(server.port), **NON_COMMERCIAL)
    assert (code, "is the port taken?" in said) == (2, True), said


def test_sideloading_is_told_for_each_platform() -> None:
    code, said = kpi_xl("--sideload", "--port", "8443")
    assert code == 0
    assert "https://localhost:8443/manifest/download" in said
    assert "kpi-xl serve --https --port 8443\n" in said  # or the manifest leads elsewhere
    assert "npx office-addin-dev-certs install" in said
    for platform in ("Excel on the web", "Excel for Mac", "Excel for Windows", "company"):
        assert platform in said


def test_sideloading_from_a_companys_server_starts_none() -> None:
    settings = {"XLWINGS_HOSTNAME": "kpi.example.com", "XLWINGS_APP_PATH": "/kpi"}
    code, said = kpi_xl("--sideload", **settings)
    assert (code, "kpi-xl serve" in said) == (0, False)
    assert "https://kpi.example.com/kpi/manifest/download" in said


# In the browser


@pytest.fixture(scope="module")
def seen(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser shows of the pane, and what the functions' JavaScript answers in it."""
    node = program("node", "it drives the browser")
    asked = {
        "address": server.address,
        "browser": program("chromium", "the task pane is shown in it"),
        "profile": str(tmp_path_factory.mktemp("profile")),
        "languages": list(LANGUAGES),
        "queries": [query for query, _ in QUERIES],
        "calls": {
            case: (name, list(map(office_argument, given))) for case, (name, given) in CALLS.items()
        },
    }
    result = subprocess.run(
        [node, Path(__file__).with_name("browser.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        encoding="utf-8",
        timeout=240,
    )
    if "ERR_MODULE_NOT_FOUND" in result.stderr or "MODULE_NOT_FOUND" in result.stderr:
        missing("npm install playwright-core office-addin-mock axe-core")
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_the_pane_opens_without_an_error(seen: dict[str, Any]) -> None:
    # The runtime of custom functions looks for Excel around it.
    around = ("richApiMessageManager", "'RichApi'")
    unexpected = [error for error in seen["errors"] if not any(name in error for name in around)]
    assert unexpected == []


def test_a_function_is_found_read_and_inserted_by_keyboard(seen: dict[str, Any]) -> None:
    example = [[METRICS["CAC"].example[0]]]
    assert seen["found"][0] == "CAC"
    assert seen["focused"].startswith("CAC")
    for part in (METRICS["CAC"].summary, METRICS["CAC"].formula, METRICS["CAC"].source):
        assert part in seen["help"]
    assert seen["focusedHelp"] == "help"
    assert seen["order"] == [
        "Back to the list", "Fill all from the selection",
        "50000", "Selection", "250", "Selection", "Put it into the cell",
    ]  # fmt: skip
    assert seen["inserted"][1] == example
    assert "Sheet1!B2" in seen["inserted"][0]
    assert seen["backAt"].startswith("CAC")


def test_a_card_sets_the_formula_and_takes_arguments_from_the_selection(
    seen: dict[str, Any],
) -> None:
    assert seen["typeset"] == ["block", 2, "block math"]
    assert seen["filled"] == ["Sheet1!A2:B13", "=CAC(Sheet1!A2:A13,Sheet1!B2:B13)"]
    # On the sheet itself without its name.
    assert seen["insertedFilled"] == ["The formula is in Sheet1!B2.", [["=CAC(A2:A13,B2:B13)"]]]
    assert seen["emptied"] == "=CAC(Sheet1!A2:A13)"
    assert seen["one"] == ["Sheet1!A2:B13", "=CAC(Sheet1!A2:A13,Sheet1!A2:B13)"]
    assert seen["misfit"][0] == "Select 2 to 2 columns side by side, or as many cells."


def test_a_cell_that_holds_something_is_replaced_only_when_asked_again(
    seen: dict[str, Any],
) -> None:
    assert "press again" in seen["occupied"][0]
    assert seen["occupied"][1] == [["=1+1"]]
    assert seen["again"][1] == [[METRICS["CAC"].example[0]]]


def test_the_pane_shows_the_data_checks(seen: dict[str, Any]) -> None:
    # As text, whatever the workbook holds.
    problems = "Dates that are no dates: 3\nFirst in row 17.\nEnter them as <b>dates</b>."
    assert seen["problems"] == problems
    assert seen["state"] == "Problems have been found in the data."
    assert "no data checks" in seen["unchecked"]


def test_the_pane_and_the_ribbon_run_the_reports(seen: dict[str, Any]) -> None:
    ran = [(r["scriptName"], r["errorDisplayMode"]) for r in seen["ran"] if r != "completed"]
    assert ran == [(name, mode) for mode in ("taskpane", "alert") for name in REPORTS]
    assert [line[:10] + line[-5:] for line in seen["last"]] == ["Last run, Done."] * len(REPORTS)
    assert seen["ran"].count("completed") == len(REPORTS)  # or the ribbon stays busy


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pane_in_each_language(seen: dict[str, Any], language: str) -> None:
    shown = seen["languages"][language]
    assert shown["barriers"] == []  # axe: labels, contrast, roles, landmarks
    assert shown["direction"] == ("rtl" if language == "fa" else "ltr")
    assert shown["wide"] <= 0  # nothing runs out of the pane
    assert shown["narrow"] <= 0
    if language != "en":
        for english in texts(language)["pane"]:
            assert english not in shown["listed"].splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pane_finds_what_python_finds(seen: dict[str, Any], language: str) -> None:
    for query, answers in seen["languages"][language]["answers"].items():
        ranks = {m.name: rank(entry(m, language), plain(query)) for m in METRICS.values()}
        expected = sorted(filter(ranks.get, ranks), key=lambda name: -ranks[name])
        assert answers == expected, query


def test_dates_and_errors_keep_their_order_in_persian(seen: dict[str, Any]) -> None:
    shown = seen["languages"]["fa"]["help"]
    words = '"D" / "W" / "M" / "Q" / "Y" / "30D" / "FY-07" / "FQ-07" / "445-02"'
    for latin in ("2024-01-31", "#VALUE!", words, "2024-W03"):
        assert f"\u2066{latin}\u2069" in shown


def test_a_report_tells_its_answer_in_a_dialogue(seen: dict[str, Any]) -> None:
    assert seen["dialogue"] == "KPI\n\n2 rows <b>\nand more\n\nOK"  # as text, whatever it holds
    assert seen["dialogueBarriers"] == []


def test_the_functions_answer_in_the_browser(seen: dict[str, Any], server: Server) -> None:
    assert sorted(seen["registered"]) == sorted(METRICS)
    calls = {
        case: (name, list(map(office_argument, given)), "1.4")
        for case, (name, given) in CALLS.items()
    }
    answers = server.results(calls)
    for case, result in seen["results"].items():  # JavaScript has one kind of number
        assert result == answers[case], case
