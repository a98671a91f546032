"""The languages: one TOML file each, holding the help of every function and the workbooks' texts.

English is written in the code. The sections of a file hold the translations by their English text,
so that a text that several functions share is translated once: `[words]` the workbooks' texts,
`[ribbon]` those of the add-in for Excel and of LibreOffice's menu, `[pane]` the texts of Office.js:
its task pane and its ribbon, `[phrases]` the pieces that a function's help is put together from,
`[told]` what is told of files that were read, `[units]` the meanings of units, `[arguments]` the
help of arguments, `[columns]` the meanings of tables' columns and `[cautions]` those beside some
definitions. `[families]` has the families by their name.

Each function has `[functions.CAC]` with its `summary` and its `notes` where there are any, and the
fingerprint of the `english` that they translate: where that has changed, a test tells it.

Names of functions and arguments, option words, headers of tables, formulas and sources are the
same in every language. Where such a Latin text would be torn apart by its right-to-left
neighbours, it stands between isolates, U+2068 and U+2069.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, cast


class Language(NamedTuple):
    """A language: what it calls itself, and how systems and programs call it.

    Its tags begin with one of `words`; of two with the same, that whose `variants` a tag has, too,
    or else the one without any. `number` and `variant_numbers` are the same for Microsoft's numbers
    of languages, of which what is above 1023 is the country. `culture` is its tag in Office,
    `libreoffice` that in LibreOffice.
    """

    name: str
    words: tuple[str, ...]
    number: int
    culture: str
    libreoffice: str
    variants: tuple[str, ...] = ()
    variant_numbers: tuple[int, ...] = ()
    right_to_left: bool = False


KNOWN = {
    "en": Language("English", ("en", "english"), 0x09, "en-US", "en-US"),
    "zh-Hans": Language("简体中文", ("zh", "chinese"), 0x04, "zh-CN", "zh-CN"),
    "zh-Hant": Language(
        "繁體中文",
        ("zh", "chinese"),
        0x04,
        "zh-TW",
        "zh-TW",
        variants=("hant", "tw", "hk", "mo", "traditional"),
        variant_numbers=(0x404, 0xC04, 0x1404, 0x7C04),  # Taiwan, Hong Kong, Macao, traditional
    ),
    "ru": Language("Русский", ("ru", "russian"), 0x19, "ru-RU", "ru"),
    "fa": Language("فارسی", ("fa", "persian"), 0x29, "fa-IR", "fa", right_to_left=True),
}
"""The languages by their codes: what Python, VBA and JavaScript know of them."""

LANGUAGES = {code: language.name for code, language in KNOWN.items()}
"""The codes of the languages, and what each calls itself."""

RIGHT_TO_LEFT = {code for code, language in KNOWN.items() if language.right_to_left}


def chosen(tag: str | None = None) -> str:
    """The language that a tag such as "zh-TW" or "ru_RU.UTF-8" means; without one, the system's.

    An unknown tag raises LookupError; a system of another language gets English.
    """
    import locale

    wanted = tag if tag is not None else locale.getlocale()[0] or "en"
    # Windows has names of its own: Chinese (Traditional)_Taiwan.950.
    first, *rest = re.findall("[a-z]+", wanted.lower()) or [""]
    fits = {code: language for code, language in KNOWN.items() if first in language.words}
    for code, language in sorted(fits.items(), key=lambda one: not one[1].variants):
        if not language.variants or set(language.variants).intersection(rest):
            return code
    if tag is None:
        return "en"
    raise LookupError(f"there is no language {tag!r}; there are {', '.join(LANGUAGES)}")


@cache
def texts(language: str) -> dict[str, Any]:
    """A language's file; nothing for English."""
    if language == "en":
        return {}
    import tomllib
    from importlib import resources

    path = resources.files(__package__).joinpath(f"{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def other_names() -> dict[str, dict[str, list[str]]]:
    """What people call the functions besides, by function and language (aliases.json).

    "same" are those of every language, "about" words for which a function is worth seeing, though
    it is another figure. Excel waits for them when it starts, and JSON is read in a tenth of the
    time of TOML.
    """
    import json
    from importlib import resources

    path = resources.files(__package__).joinpath("aliases.json")
    found: dict[str, dict[str, list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def say(text: str, language: str, section: str = "words") -> str:
    """A text in a language, from a section of its file. A text that it lacks is a bug: KeyError."""
    return text if language == "en" else str(texts(language)[section][text])


class Counted(NamedTuple):
    """A number of things, which are named in the plural: 1 order, 2 orders."""

    number: int
    things: str

    def __str__(self) -> str:
        return in_language(self, "en")


class Names(NamedTuple):
    """Several names in a sentence: EUR and USD, Leads or Spend, or with a mark between them."""

    names: Sequence[object]
    word: str = "and"


class Said(NamedTuple):
    """A text of another section in a sentence, such as the meaning of a unit."""

    text: str
    section: str


class Message(str):
    """An English sentence with {fields} filled in, which can be said in another language."""

    __slots__ = ("fields", "template")
    template: str
    fields: dict[str, Any]

    def __new__(cls, template: str, /, **fields: Any) -> "Message":
        """Fill in the fields: names, numbers, things counted, other sentences; all else as text."""
        kept = {name: _kept(one) for name, one in fields.items()}
        made = super().__new__(cls, _filled(template, kept, "en"))
        made.template, made.fields = template, kept
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """What a copy is made of, also one for another process."""
        return (self.template,), self.fields

    def __getstate__(self) -> None:
        """Nothing besides."""


KEPT = Message | Names | Counted | Said | int | float


def _kept(field: object) -> object:
    """A field as a sentence keeps it, which may go to another process."""
    if isinstance(field, SaidError):
        return Names(field.args, "\n")
    if isinstance(field, bool):
        return str(field).upper()
    return field if isinstance(field, KEPT) else str(field)


class SaidError(Exception):
    """What is wrong with something of the user's: a sentence or more, in any language."""

    def __init__(self, *sentences: Message) -> None:
        super().__init__(*sentences)

    def __str__(self) -> str:
        return in_language(self, "en")


class FaultError(SaidError):
    """What is wrong, in one sentence: a template with {fields}, or a `Message` that there is."""

    def __init__(self, template: str, /, **fields: Any) -> None:
        super().__init__(template if isinstance(template, Message) else Message(template, **fields))

    @property
    def sentence(self) -> Message:
        """The sentence."""
        return cast(Message, self.args[0])


def in_language(message: object, language: str) -> str:
    """Sentences, names, things counted or a number in a language; any other text as it is."""
    match message:
        case Message():
            template = say(message.template, language, "messages")
            return _filled(template, message.fields, language)
        case SaidError():
            return "\n".join(in_language(sentence, language) for sentence in message.args)
        case Names():
            word = message.word
            between = f" {say(word, language, 'messages')} " if word.isalpha() else word
            return between.join(in_language(name, language) for name in message.names)
        case Counted() if language != "en":
            things = say(f"{{number}} {message.things}", language, "messages")
            return things.format(number=in_language(message.number, language))
        case Counted():
            one = re.sub("s$", "", re.sub("ies$", "y", message.things))
            return f"{message.number:,} {one if message.number == 1 else message.things}"
        case Said():
            return say(message.text, language, message.section)
        case float():
            return f"{message:.15g}".replace(".", say(".", language, "phrases"))
        case int():
            return f"{message:,}".replace(",", "\u00a0" if language == "ru" else ",")
    return str(message)


def _filled(template: str, fields: dict[str, Any], language: str) -> str:
    if not fields:  # it may hold braces of its own
        return template
    said = {n: f if type(f) is str else in_language(f, language) for n, f in fields.items()}
    return template.format(**said)
