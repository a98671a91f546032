"""The workbooks of the templates' samples, and the empty ones, each built once in a run of tests.

They take seconds to compute. Whichever worker needs one first leaves it for the others in the
folder that they share.
"""

import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from kpi_xl.workbook_templates import template
from kpi_xl.workbook_templates.parts import build
from kpi_xl.workbook_templates.writing import Built

from kpi_xl.files import write_whole

Made = TypeVar("Made")

FOLDERS: list[Path] = []
"""The one of this run; conftest.py enters it."""


class Demo(NamedTuple):
    """A workbook as it was built, and the English texts that were said in it."""

    built: Built
    texts: frozenset[str]


@cache
def demo(name: str) -> Demo:
    """The workbook of a template's sample."""

    def made() -> Demo:
        texts: set[str] = set()

        def noted(text: str) -> str:
            texts.add(text)
            return text

        record = template(name)
        built = build(record, *record.sample(), translate=noted)
        return Demo(built, frozenset(texts))

    return shared(f"{name}.demo", made)


@cache
def empty(name: str, language: str) -> Built:
    """An empty workbook in a language."""
    return shared(f"{name}.{language}", lambda: build(template(name), {}, language=language))


def shared(name: str, make: Callable[[], Made]) -> Made:
    """What a worker has made already, or makes for all."""
    kept = FOLDERS[0] / name
    if not kept.exists():
        write_whole(kept, pickle.dumps(make()), force=True)
    made: Made = pickle.loads(kept.read_bytes())
    return made
