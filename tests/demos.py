"""The workbooks of the templates' samples, whole or of their first rows, and the empty ones.

They take seconds to compute, and each is built once in a run of tests: whichever worker needs one
first leaves it for the others in the folder that they share.
"""

import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from kpi_xl.workbook_templates import template
from kpi_xl.workbook_templates.building import build
from kpi_xl.workbook_templates.records import EMPTY, Data, Sentence
from kpi_xl.workbook_templates.writing import Built

from kpi_xl import cells
from kpi_xl.engine import calls
from kpi_xl.files import write_whole
from kpi_xl.registry import Metric

Made = TypeVar("Made")

ROWS = 60  # of the samples, where the first are enough

FOLDERS: list[Path] = []
"""The one of this run; conftest.py enters it."""


class Demo(NamedTuple):
    """A workbook as it was built, and the English texts that were said in it."""

    built: Built
    texts: frozenset[str]


@cache
def demo(name: str) -> Demo:
    """The workbook of a template's sample."""
    return shared(f"{name}.demo", lambda: told(name, *template(name).sample()))


@cache
def blank(name: str) -> Demo:
    """An empty workbook in English."""
    return shared(f"{name}.blank", lambda: told(name, {}))


def told(name: str, data: Data, about: Sentence = EMPTY) -> Demo:
    """A template's workbook of some data, and its texts."""
    texts: set[str] = set()

    def noted(text: str) -> str:
        texts.add(text)
        return text

    built = build(template(name), data, about, translate=noted)
    return Demo(built, frozenset(texts))


class Few(NamedTuple):
    """A workbook as it was built, and the calls of functions in it: name and arguments."""

    built: Built
    calls: tuple[tuple[str, list[Any]], ...]


def first_rows(name: str) -> dict[str, dict[str, list[Any]]]:
    """The first rows of a template's sample."""
    return {
        table: {column: list(values[:ROWS]) for column, values in columns.items()}
        for table, columns in template(name).sample().data.items()
    }


@cache
def few(name: str) -> Few:
    """The workbook of the first rows of a template's sample."""

    def made() -> Few:
        called = []

        def noted(metric: Metric, given: list[Any]) -> Any:
            called.append((metric.name, list(given)))
            return cells.evaluate(metric, given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(calls, "evaluate", noted)
            built = build(template(name), first_rows(name))
        return Few(built, tuple(called))

    return shared(f"{name}.few", made)


@cache
def empty(name: str, language: str = "en") -> Built:
    """An empty workbook in a language."""
    if language == "en":
        return blank(name).built
    return shared(f"{name}.{language}", lambda: build(template(name), {}, language=language))


def shared(name: str, make: Callable[[], Made]) -> Made:
    """What a worker has made already, or makes for all."""
    kept = FOLDERS[0] / name
    if not kept.exists():
        write_whole(kept, pickle.dumps(make()), force=True)
    made: Made = pickle.loads(kept.read_bytes())
    return made
