"""The languages: one TOML file each, holding the help of every function and the workbooks' texts.

English is written in the code. A file has `[words]`, the workbooks' texts by their English text,
and for each function `[functions.CAC]` with its `summary`, its `notes` where there are any, and
`[functions.CAC.arguments]`, the help of each argument.
"""

import locale
import tomllib
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = {
    "en": "English",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
    "ru": "Русский",
    "fa": "فارسی",
}
"""The codes of the languages, and what each calls itself."""

RIGHT_TO_LEFT = {"fa"}


def chosen(tag: str | None = None) -> str:
    """The language that a tag such as "zh-TW" or "ru_RU.UTF-8" means; without one, the system's.

    A tag of a language that there is none of raises LookupError; such a system gets English.
    """
    wanted = tag if tag is not None else locale.getlocale()[0] or "en"
    first, *rest = wanted.partition(".")[0].replace("_", "-").lower().split("-")
    if first in ("zh", "chinese"):
        traditional = {"hant", "tw", "hk", "mo", "traditional"}
        return "zh-Hant" if traditional & {part.strip("( )") for part in rest} else "zh-Hans"
    for code, name in (("en", "english"), ("ru", "russian"), ("fa", "persian")):
        if first in (code, name):
            return code
    if tag is None:
        return "en"
    raise LookupError(f"there is no language {tag!r}; there are {', '.join(LANGUAGES)}")


@cache
def texts(language: str) -> dict[str, Any]:
    """A language's file; nothing for English."""
    if language == "en":
        return {}
    path = resources.files(__package__).joinpath(f"{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def say(text: str, language: str) -> str:
    """A text of a workbook in a language. A text that its file lacks is a bug: KeyError."""
    return text if language == "en" else str(texts(language)["words"][text])
