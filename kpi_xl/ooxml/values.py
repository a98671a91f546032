"""Values of cells as a workbook's file has them: numbers, texts of its own or shared, errors."""

import math
import re
from collections.abc import Callable
from xml.etree import ElementTree

from kpi_xl.cells import Cell
from kpi_xl.errors import CellError
from kpi_xl.locales import Message
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.limits import faults
from kpi_xl.ooxml.package import OLD_ERRORS, TAG, unescaped
from kpi_xl.ooxml.sheet import XmlCell, escaped, text_of

PREFIXED = re.compile(rb"<(/?)[\w.-]+:")

Stored = tuple[str, float | str | bool]
"""A value as a file has it: its type (`n`, `str`, `b` or `e`) and itself."""

OLDER = "#VALUE!"
"""What a cell holds for an error that Excel has only known since dynamic arrays. Excel, too, writes
this one, and into a part of its own what it shows instead."""


def stored(value: Cell) -> Stored:
    """A computed value with its type."""
    if type(value) is float:
        return "n", value
    if isinstance(value, CellError):
        return "e", str(value)
    if isinstance(value, bool):
        return "b", value
    return ("str", value) if isinstance(value, str) else ("n", value)


def held(cell: XmlCell, texts: Callable[[], list[str]]) -> Stored | None:
    """What a cell of the file holds, None where it is blank."""
    value, kind = cell.value, cell.attribute("t") or "n"
    if value is None:
        return None
    if value.kind == "is":
        return "str", text_of_item(b"<is>" + value.content + b"</is>")
    text = text_of(value.content)
    if kind == "s":
        return "str", _shared(texts(), text)
    if kind == "str":
        return "str", unescaped(text)
    if kind == "e":
        return "e", "a newer one" if cell.attribute("vm") else text
    if not text.strip():
        return "str", ""  # XlsxWriter leaves the type out
    if kind == "b":
        return "b", text.strip() in ("1", "true")
    return "n", number_of(text)


def number_of(text: str | bytes) -> float:
    """The number that a cell's value is; where it is none, what is equal to no value."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _shared(texts: list[str], number: str) -> str:
    """A text by its number. Raises NotAWorkbookError where there is none."""
    if not number.strip().isdecimal() or int(number) >= len(texts):
        raise NotAWorkbookError(
            'it is damaged (a cell has the text "{text}", of no list)', text=number[:20]
        )
    return texts[int(number)]


def is_same(cached: Stored | None, value: Stored) -> bool:
    """Whether a file holds a value; other writers round numbers to 15 or 16 digits."""
    if value[0] == "e" and value[1] not in OLD_ERRORS:
        return cached is not None and cached[0] == "e" and cached[1] not in OLD_ERRORS - {OLDER}
    if cached is None or {cached[0], value[0]} != {"n"}:
        return cached == value
    return cached == value or any(
        cached[1] == float(f"{value[1]:.{digits}g}") for digits in (16, 15)
    )


def written(value: Stored) -> tuple[str, bytes]:
    """The type and the XML of a value."""
    kind, content = value
    if kind == "e" and content not in OLD_ERRORS:
        content = OLDER
    if isinstance(content, str):
        return kind, escaped(content).encode()
    if kind == "b":
        return kind, b"%d" % content
    whole = content == round(content) and abs(content) < 1e15
    return kind, (f"{content:.0f}" if whole else repr(float(content)).upper()).encode()


def texts_of(xml: bytes) -> list[str]:
    """The texts that cells refer to by their number, from their part. Raises NotAWorkbookError."""
    with faults(Message("its part {name} is damaged", name="sharedStrings")):
        return [_text_of_runs(item) for item in ElementTree.fromstring(xml).iterfind(f"{TAG}si")]


def text_of_item(xml: bytes) -> str:
    """A text from the bytes of its element, whose prefix, if any, is declared elsewhere."""
    return _text_of_runs(ElementTree.fromstring(PREFIXED.sub(rb"<\1", xml)))


def _text_of_runs(item: ElementTree.Element) -> str:
    """A text that may be in parts of different looks; readings beside it are left out."""
    names = re.compile(r"(\{[^}]*\}|\w+:)?(t|r)")
    parts = [part for part in item if names.fullmatch(part.tag)]
    texts = [text for part in parts for text in ([part] if part.tag.endswith("t") else part)]
    return unescaped("".join(text.text or "" for text in texts if text.tag.endswith("t")))
