"""Files of the user: settings, what is there, and writing: whole or not, never over another."""

import os
import re
import stat
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def kind(path: Path) -> str:
    """What a path leads to where that is no file, which to open may take for ever: a pipe, say.

    Empty for a file. Raises OSError, such as FileNotFoundError.
    """
    return KINDS.get(stat.S_IFMT(path.stat().st_mode), "")


def is_there(path: Path) -> bool:
    """Whether a path leads to something, as far as this user may look.

    `Path.exists` raises what the system says of a folder that is closed, or of a name too long.
    """
    return os.path.exists(path)  # noqa: PTH110 - see above


def is_file(path: Path) -> bool:
    """Whether a path leads to a file, as far as this user may look."""
    return os.path.isfile(path)  # noqa: PTH113 - see above


def expanded(text: str) -> Path:
    """A path whose ~ is the user's home; one of a user unknown stays, and leads nowhere."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib raises what is no OSError


def home() -> Path:
    """The user's home; for a user without one, as in a container, a place that holds nothing."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def settings_folder() -> Path:
    """Where the user's settings are: the folder that each system has for them."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA") or home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config")
    return folder / "kpi_xl"


def read_text(file: Path) -> str:
    """A text that people have written; editors on Windows put a mark before it.

    Raises OSError, or ValueError where it is not in UTF-8.
    """
    return file.read_text(encoding="utf-8-sig")


def toml_of(text: str) -> dict[str, Any]:
    """What a TOML holds. Raises ValueError, for numbers of too many digits and depth as well."""
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write_whole(
    path: Path, content: bytes, *, force: bool = False, like: Path | None = None
) -> None:
    """Write a file through a temporary one beside it, which then takes its name.

    Raises FileExistsError where there is a file already, unless `force`. An interrupted write
    leaves the old file, or none, and no half of the new one; what a writer that was killed has left
    of its own goes with the next write. It belongs to whom the old file did, as far as that may be
    given away, and is as open; where there is none, as `like`. A link goes on leading to it.
    """
    if path.exists() and not force:
        raise FileExistsError(path)
    path = path.resolve()
    import platform  # these two are a tenth of what importing kpi_xl takes
    import tempfile

    # Names have room for 255 bytes, of which a letter may take four.
    start, here = f".{path.name[:40]}.", f"{zlib.crc32(platform.node().encode()):08x}"
    _clear(path.parent, start, here)
    prefix = f"{start}{here}-{os.getpid()}."
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _give(Path(name), path if path.exists() else like)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _give(file: Path, like: Path | None) -> None:
    """Make a temporary file, which is for its owner alone, as open as another, or as any."""
    if like is None:
        mask = os.umask(0)
        os.umask(mask)
        file.chmod(0o666 & ~mask)
        return
    there = like.stat()
    mode = there.st_mode & 0o777
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(file, -1, there.st_gid)
        with suppress(OSError):  # only who may do everything gives files away
            os.chown(file, there.st_uid, -1)
        if file.stat().st_gid != there.st_gid:
            mode &= ~0o070  # what is open to one group is not to another
    file.chmod(mode)


def _clear(folder: Path, start: str, here: str) -> None:
    """Remove the temporary files of writers of this machine that are no more."""
    name = re.compile(re.escape(f"{start}{here}-") + r"(\d+)\.[^.]*\.part")
    for path in folder.iterdir():
        found = name.fullmatch(path.name)
        if found and not _is_writing(int(found[1])):
            # Windows does not remove the file of a writer that lives.
            with suppress(OSError):
                path.unlink()


def _is_writing(process: int) -> bool:
    if process == os.getpid():
        return True  # another thread
    if sys.platform == "win32":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
