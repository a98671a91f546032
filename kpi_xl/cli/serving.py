"""kpi-xl serve: the functions for Excel on the web, on Mac and on locked-down Windows."""

import os
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import typer

from kpi_xl.cli.shared import Misuse, app, in_their_language, tell
from kpi_xl.files import home, is_file
from kpi_xl.locales import Message

LICENCE = Message(
    "xlwings Server needs a licence of its own: free for non-commercial use"
    " (XLWINGS_LICENSE_KEY=noncommercial), bought at https://www.xlwings.org for any other."
)

APPLICATION = "kpi_xl.udfs.serving:application"

DEVELOPMENT = home() / ".office-addin-dev-certs"
"""Where Microsoft's office-addin-dev-certs keeps the certificate that it makes for localhost."""


@app.command()
@in_their_language
def serve(
    host: Annotated[str, typer.Option(help="The address to serve.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    https: Annotated[
        bool, typer.Option("--https", help="Serve HTTPS, which Excel asks for.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="The certificate, in PEM form.", metavar="FILE")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Its private key, in PEM form.", metavar="FILE")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; one a core is enough.")] = 1,
    tls_elsewhere: Annotated[
        bool, typer.Option("--tls-elsewhere", help="A proxy in front ends TLS.")
    ] = False,
    no_sign_in: Annotated[
        bool, typer.Option("--no-sign-in", help="Whoever reaches the address may use it.")
    ] = False,
    sideload: Annotated[
        bool, typer.Option("--sideload", help="Only say how Excel loads the add-in.")
    ] = False,
) -> None:
    """Serve the functions, reports and task pane to Excel through xlwings Server."""
    outside = os.environ.get("XLWINGS_HOSTNAME", "")
    name = (outside or f"{shown(host)}:{port}") + os.environ.get("XLWINGS_APP_PATH", "")
    if sideload:
        if loopback(host) and not outside:
            print(START.format(port="" if port == 8000 else f" --port {port}"))
        print(STEPS.format(name=name))
        return
    https = https or bool(certificate or key)
    if https:
        certificate, key = certified(certificate, key)
    scheme = "https" if https or tls_elsewhere or outside else "http"
    if find_spec("xlwings_server") is None:
        raise Misuse(Message('xlwings Server is not installed: pip install "kpi-xl[server]"'))
    if not os.environ.get("XLWINGS_LICENSE_KEY"):
        raise Misuse(Message("XLWINGS_LICENSE_KEY is not set. {licence}", licence=LICENCE))
    if not loopback(host):
        if not (https or tls_elsewhere):
            raise Misuse(
                Message(
                    "{host} is reached from other machines, so it needs TLS: give --certificate and"
                    " --key, or --tls-elsewhere where a proxy in front has them",
                    host=host,
                )
            )
        if not (os.environ.get("XLWINGS_AUTH_PROVIDERS", "[]").strip("[] ") or no_sign_in):
            raise Misuse(
                Message(
                    "{host} is reached from other machines, so its users must sign in: set"
                    " XLWINGS_AUTH_PROVIDERS, or give --no-sign-in where all may use it",
                    host=host,
                )
            )
    else:
        # A page from elsewhere must not reach this machine under a name of its own.
        known = f"localhost 127.0.0.1 [::1] {host} {outside.lower().partition(':')[0]}"
        os.environ["KPI_XL_HOSTS"] = known
    served = application()
    tell(LICENCE)
    if host in ("0.0.0.0", "::") and not outside:
        tell(Message("Set XLWINGS_HOSTNAME to the name by which Excel reaches the server."))
    else:
        manifest = f"{scheme}://{name}/manifest.xml"
        tell(Message("Excel's way to the add-in: {manifest} (see --sideload).", manifest=manifest))
    if scheme == "http":
        text = "Excel takes add-ins over HTTPS only: without --https this is for trials."
        tell(Message(text))
    run(served if workers == 1 else APPLICATION, host, port, workers, certificate, key)


def application() -> Any:
    """What is served. Raises Misuse for a licence or a setting that xlwings Server refuses."""
    module, _, name = APPLICATION.partition(":")
    try:
        return getattr(import_module(module), name)()
    except Exception as error:
        kind = type(error).__name__  # to import these is to ask for the licence
        if kind == "LicenseError":
            raise Misuse(
                Message(
                    "XLWINGS_LICENSE_KEY is not accepted: {error} {licence}",
                    error=error,
                    licence=LICENCE,
                )
            ) from None
        if kind in ("SettingsError", "ValidationError"):
            reason = " ".join(str(error).split())  # it comes in several lines
            raise Misuse(
                Message("a setting XLWINGS_... is wrong: {reason}", reason=reason)
            ) from None
        raise


def certified(certificate: Path | None, key: Path | None) -> tuple[Path, Path]:
    """The certificate and key to serve with. Raises Misuse."""
    import ssl

    if (certificate is None) != (key is None):
        raise Misuse(Message("--certificate and --key go together"))
    if certificate is None or key is None:
        certificate, key = DEVELOPMENT / "localhost.crt", DEVELOPMENT / "localhost.key"
        if not certificate.exists() or not key.exists():
            raise Misuse(
                Message(
                    "there is no certificate: give --certificate and --key, or make one for this"
                    " machine with `npx office-addin-dev-certs install`"
                )
            )
    for file in (certificate, key):
        if not is_file(file):
            raise Misuse(Message("there is no file {path}{near}", path=file, near=""))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise Misuse(
            Message(
                "{certificate} and {key} are no certificate and its key: {error}",
                certificate=certificate,
                key=key,
                error=error,
            )
        ) from None
    return certificate, key


def loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def shown(host: str) -> str:
    """An address as a URL has it; Excel takes localhost, where it refuses 127.0.0.1."""
    if loopback(host):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def run(
    served: Any, host: str, port: int, workers: int, certificate: Path | None, key: Path | None
) -> None:
    """Serve until interrupted. Raises Misuse where the address cannot be had."""
    import uvicorn

    from kpi_xl.hosts.patience import MOST_CONNECTIONS, Impatient

    try:
        uvicorn.run(
            served,
            factory=served == APPLICATION,
            host=host,
            port=port,
            workers=workers,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            log_level=os.environ.get("XLWINGS_LOG_LEVEL", "warning").lower(),
            access_log=False,
            server_header=False,
            ws="none",
            http=Impatient,
            limit_concurrency=MOST_CONNECTIONS,
        )
    except SystemExit as stopped:  # uvicorn has said why in its log
        if stopped.code:
            raise Misuse(
                Message("{host}:{port} cannot be served; is the port taken?", host=host, port=port)
            ) from None


START = """\
Once, make a certificate that this machine trusts (this needs Node.js):
  npx office-addin-dev-certs install

Start the server, with XLWINGS_LICENSE_KEY set, and keep it running:
  kpi-xl serve --https{port}
"""

STEPS = """\
Save the manifest, which tells Excel where the add-in is:
  https://{name}/manifest/download

Excel on the web
  1. Open a workbook; on the tab Home choose Add-ins, then More Add-ins.
  2. Choose My Add-ins, then Upload My Add-in, and the manifest.

Excel for Mac
  1. Put the manifest into this folder; make the folder where it is missing:
     ~/Library/Containers/com.microsoft.Excel/Data/Documents/wef
  2. Start Excel anew; on the tab Home choose Add-ins, and KPI.

Excel for Windows
  1. Put the manifest into a folder that is shared on the network.
  2. In Excel choose File, Options, Trust Center, Trust Center Settings, Trusted Add-in Catalogs;
     add the folder's address (\\\\machine\\folder), tick Show in Menu, and start Excel anew.
  3. On the tab Home choose Add-ins, More Add-ins, SHARED FOLDER, and KPI.

For a whole company, an administrator uploads the manifest in the Microsoft 365 admin center
(Settings, Integrated apps, Upload custom apps): then nobody does any of this.

Then type =CAC(50000,250) into a cell: 200."""
