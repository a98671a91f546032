"""Functions found by what people call them: names, other names, help and formula, in any language.

The task pane searches in the browser by the same entries, in the same way (pane.js).
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from kpi_xl.locales import KNOWN, Message, Names, other_names, say
from kpi_xl.reference import (
    LONGEST_NAME,
    aliases,
    argument_help,
    caution,
    did_you_mean,
    family_name,
    notes,
    summary,
)
from kpi_xl.registry import METRICS, Metric

ENDINGS = (
    "ами|ями|ого|его|ому|ему|ыми|ими|ов|ев|ей|ом|ем|ам|ям|ах|ях|ой|ый|ий|ая|яя|ое|ее|ые|ие|ую|юю"
    "|ых|их|[аеиоуыэюяйь]|'s|s"
)
"""What a word that is looked for may end in otherwise: Russian cases, the English plural."""

ENDING = re.compile(f"^(.{{3,}}?)(?:{ENDINGS})$")
LETTERS = str.maketrans({"ё": "е", "ي": "ی", "ك": "ک", "\u200c": " "})
IDEOGRAPHS = re.compile("([\u3400-\u9fff]+)")
SHORT, ABBREVIATION = 3, 5  # letters, of which one other makes another word


class Entry(NamedTuple):
    """A function as it is searched, in plain texts."""

    names: tuple[str, ...]
    near: str  # its names, and words for which it is worth seeing
    summary: str
    rest: str


def plain(text: str) -> str:
    """A text without what spellings differ in: capitals, marks, joined words."""
    text = unicodedata.normalize("NFKC", text).lower().translate(LETTERS)
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    spaced = IDEOGRAPHS.sub(r" \1 ", text)
    return " ".join(re.sub(r"[^\w']|_", " ", spaced).split())


def label(metric: Metric, language: str = "en") -> str:
    """What a function computes, in the words with which its summary begins."""
    begun = re.split(r"[:：.。]", summary(metric, language))[0]
    return re.sub(r"\s*[(（][^)）]*[)）]$", "", begun.strip())


@cache
def names_of(metric: Metric, language: str) -> tuple[str, ...]:
    """What a function is called in a language, in which English names are known, too."""
    called = [metric.name, label(metric, language), *aliases(metric, language)]
    called += [label(metric), *aliases(metric)]
    return tuple(dict.fromkeys(map(plain, called)))


@cache
def entry(metric: Metric, language: str) -> Entry:
    """What is searched of a function in a language."""
    names = names_of(metric, language)
    related = map(plain, other_names().get(metric.name, {}).get("about", ()))
    rest = [notes(metric, language), caution(metric, language), metric.formula]
    rest += [f"{a.name} {argument_help(a, language)}" for a in metric.arguments]
    rest += [f"{name} {say(meaning, language, 'columns')}" for name, meaning in metric.columns]
    rest.append(f"{metric.family} {family_name(metric.family, language)}")
    return Entry(
        names,
        " | ".join([*names, *related]),
        plain(summary(metric, language)),
        plain(" ".join(rest)),
    )


def rank(entry: Entry, wanted: str) -> int:
    """How well a function fits plain words: from 5, it is called so, to 0, not at all."""
    if wanted in entry.names:
        return 5
    if any(name.startswith(wanted + " ") for name in entry.names):
        return 4
    words = wanted.split()
    text = ""
    for value, more in ((3, entry.near), (2, entry.summary), (1, entry.rest)):
        text += f" {more} "
        if all(_sought(word, value < 3) in text for word in words):
            return value
    return 0


def _sought(word: str, in_help: bool) -> str:
    """What a text holds that has a word, in another form, too.

    Chinese words stand unseparated; an abbreviation is no beginning of a word of the help.
    """
    if IDEOGRAPHS.match(word):
        return word
    return f" {word} " if in_help and len(word) <= SHORT else " " + ENDING.sub(r"\1", word)


def search(words: str, language: str = "en") -> list[Metric]:
    """The functions that fit some words, the best first; where none does, in another language."""
    wanted = plain(words[:LONGEST_NAME])
    others = (code for code in KNOWN if code != language)
    for code in (language, *others) if wanted else ():
        ranks = {metric: rank(entry(metric, code), wanted) for metric in METRICS.values()}
        found = sorted((metric for metric in ranks if ranks[metric]), key=lambda m: -ranks[m])
        if found:
            return found
    return []


def called(name: str) -> list[Metric]:
    """The functions that are called so, in the first language in which there are any."""
    wanted = plain(name[:LONGEST_NAME])
    for code in KNOWN:
        found = [metric for metric in METRICS.values() if wanted in names_of(metric, code)]
        if found:
            return found
    return []


def meant(name: str, others: Iterable[str] = ()) -> str:
    """`; did you mean CLV?` for a name that no function has, or what there is on it, or nothing.

    `others` are functions that are not ours. Abbreviations of one other letter mean other things:
    there only a letter twice, or two in the wrong order, are slips.
    """
    found = called(name)
    if found:
        names = Names([metric.name for metric in found], "or")
        return Message("; did you mean {name}?", name=names)
    wanted = plain(name[:LONGEST_NAME])
    if related := _related().get(wanted):
        return Message("; see {names}", names=Names(related, ", "))
    longer = [m.name for m in METRICS.values() if m.name.lower().startswith(f"{name.lower()}_")]
    if len(longer) == 1:
        return Message("; did you mean {name}?", name=longer[0])
    likely = [one for one in (*METRICS, *others) if _is_slip(name.upper(), one)]
    return did_you_mean(name, likely, 0.8 if len(name) > ABBREVIATION else 0.65)


@cache
def _related() -> dict[str, list[str]]:
    """The functions that are worth seeing, by the plain words for which they are."""
    found: dict[str, list[str]] = {}
    for name, entry in other_names().items():
        for word in dict.fromkeys(map(plain, entry.get("about", ()))):
            found.setdefault(word, []).append(name)
    return found


def _is_slip(name: str, known: str) -> bool:
    """Whether a name may be another one, mistyped."""
    if re.sub(r"(.)\1+", r"\1", name) == re.sub(r"(.)\1+", r"\1", known):
        return True
    if len(name) > ABBREVIATION:
        short, of_known = (
            [part for part in text.split("_") if len(part) <= SHORT] for text in (name, known)
        )
        return short == of_known
    swapped = (name[:n] + name[n + 1] + name[n] + name[n + 2 :] for n in range(len(name) - 1))
    return len(name) > SHORT and known in swapped
