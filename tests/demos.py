"""The workbooks of the templates' samples, each built once in a run of the tests.

Their thousands of rows take seconds to compute. Whichever worker needs one first leaves it for the
others in the folder that they share.
"""

import pickle
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kpi_xl.workbook_templates import template
from kpi_xl.workbook_templates.parts import build
from kpi_xl.workbook_templates.writing import Built

from kpi_xl.files import write_whole

FOLDERS: list[Path] = []
"""The one of this run; conftest.py enters it."""


class Demo(NamedTuple):
    """A workbook as it was built, and the English texts that were said in it."""

    built: Built
    texts: frozenset[str]


@cache
def demo(name: str) -> Demo:
    """The workbook of a template's sample."""
    kept = FOLDERS[0] / f"{name}.demo"
    if not kept.exists():
        texts: set[str] = set()

        def noted(text: str) -> str:
            texts.add(text)
            return text

        record = template(name)
        built = build(record, *record.sample(), translate=noted)
        write_whole(kept, pickle.dumps(Demo(built, frozenset(texts))), force=True)
    made: Demo = pickle.loads(kept.read_bytes())
    return made
