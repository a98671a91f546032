"""Which files a workbook may make us read: those in its folder, and in those that the user allows.

Paths in a workbook are untrusted, for workbooks come by mail. What is allowed stands outside of
them: in the environment variable KPI_XL_FOLDERS, or as `folders = ["..."]` in a settings file.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from kpi_xl.files import is_there, read_text, settings_folder, toml_of
from kpi_xl.locales import Message
from kpi_xl.sources import SourceError, allowed

VARIABLE = "KPI_XL_FOLDERS"


def settings_file() -> Path:
    """The file of the user's settings."""
    return settings_folder() / "settings.toml"


def layouts_folder() -> Path:
    """Where the user's own layouts of exports are."""
    return settings_file().parent / "layouts"


def allowed_folders() -> list[Path]:
    """The folders that the user has allowed. Raises SourceError for settings that are wrong."""
    folders = [text for text in os.environ.get(VARIABLE, "").split(os.pathsep) if text.strip()]
    file = settings_file()
    try:
        listed = toml_of(read_text(file)).get("folders", [])
    except FileNotFoundError:
        listed = []
    except (OSError, ValueError) as error:
        raise SourceError(
            Message("{path} cannot be read: {reason}", path=file, reason=error)
        ) from None
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise SourceError(Message('{file}: write folders = ["one folder", "another"]', file=file))
    paths = []
    for text in (*folders, *listed):
        try:
            paths.append(Path(text.strip()).expanduser())
        except RuntimeError:  # ~nobody
            raise SourceError(
                Message(
                    "the folder {folder} that is allowed is of a user unknown", folder=repr(text)
                )
            ) from None
    for path in paths:
        if not path.is_absolute():
            raise SourceError(
                Message(
                    "the folder {folder} that is allowed must be a whole path",
                    folder=repr(str(path)),
                )
            )
    return paths


def permitted(text: str, folder: Path | None, others: Sequence[Path]) -> Path:
    """The file that a workbook names, if it may be read. Raises SourceError.

    A relative path begins at the workbook's folder; where that is not known, at the first of the
    others that has such a file. Network paths are not even looked at, but in a folder allowed.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", text):  # of one letter it is a drive
        raise SourceError(
            Message(
                "{text} is an address, and data are read from files: save it as a file", text=text
            )
        )
    path = Path(text if os.name == "nt" else text.replace("\\", "/"))
    folders = [*([folder] if folder else []), *others]
    if not path.is_absolute() and not _on_network(path):
        if not folders:
            raise SourceError(
                Message(
                    "{text} cannot be found: save the workbook first{how}",
                    text=text,
                    how=_how(path.parent),
                )
            )
        there = (one / path for one in folders if not _on_network(one) or one in others)
        paths = list(there)
        path = next((one for one in paths if is_there(one)), (paths or [folders[0] / path])[0])
    if _on_network(path):
        near = [one for one in others if _on_network(one)]
        if ".." in PureWindowsPath(path).parts or not any(map(path.is_relative_to, near)):
            raise SourceError(
                Message(
                    "{path} is on the network, from where data are read only if its folder is"
                    " allowed{how}",
                    path=path,
                    how=_how(path.parent),
                )
            )
        real = path.resolve()
        if any(real.is_relative_to(one.resolve()) for one in near):
            return real
        raise SourceError(Message("{path} leads out of its folder", path=path))
    try:
        return allowed(path, [one for one in folders if not _on_network(one)])
    except SourceError as error:
        raise SourceError(Message("{reason}{how}", reason=error, how=_how(path.parent))) from None


def _on_network(path: Path) -> bool:
    return str(path).replace("\\", "/").startswith("//")


def _how(folder: Path) -> Message:
    if os.environ.get("XLWINGS_ON_SERVER"):  # its users are told nothing of where it keeps what
        return Message("; on a server its keeper allows folders, by {variable}", variable=VARIABLE)
    return Message(
        ": put it beside the workbook, or allow the folder {folder} as folders = [...] in {file} or"
        " in the environment variable {variable}",
        folder=repr(str(folder)),
        file=settings_file(),
        variable=VARIABLE,
    )
