"""The looks of cells that hold texts which could be taken for formulas.

Who edits a cell with `=cmd` in it, and presses Enter, has entered a formula, unless its look says
that it is a text: what an apostrophe says in a spreadsheet program. Such a look makes texts of
numbers, too, so no other cell has it.
"""

import re

from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import attribute, without

FORMATS = re.compile(rb"(<(?:\w+:)?cellXfs\b[^>]*>)(.*?)(</(?:\w+:)?cellXfs>)", re.DOTALL)
FORMAT = re.compile(rb"<(?:\w+:)?xf\b[^>]*?(?:/>|>.*?</(?:\w+:)?xf>)", re.DOTALL)
ATTRIBUTE = re.compile(rb"\s([\w:]+)\s*=\s*[\"']([^\"']*)[\"']")
MARK = "quotePrefix"
"""The attribute that marks cells as texts; openpyxl's formats say it of themselves, with 0."""
OFF = (b"0", b"false")


class Looks:
    """The formats of a workbook's cells by their numbers, as texts, for they stand in tags so."""

    def __init__(self, parts: Parts, part: str | None) -> None:
        self.parts, self.part = parts, part
        found = FORMATS.search(parts[part]) if part else None
        self.found = found
        self.formats = FORMAT.findall(found[2]) if found else []
        self.known = len(self.formats)
        self.numbers: dict[object, int] = {}
        for number, one in enumerate(self.formats):
            self.numbers.setdefault(_key(one, marked=_marks(one)), number)
        self._others: dict[tuple[str, bool], str] = {}

    def of(self, number: str, *, marked: bool) -> str:
        """The format that is like another, but for whether it marks its cells as text."""
        other = self._others.get((number, marked))
        if other is None:
            other = self._others[number, marked] = self._other(number, marked)
        return other

    def _other(self, number: str, marked: bool) -> str:
        place = int(number or 0)
        if place >= len(self.formats) or _marks(self.formats[place]) == marked:
            return number
        one = without(self.formats[place], MARK)
        if marked:
            one = re.sub(rb"(<(?:\w+:)?xf)\b", rb'\1 %s="1"' % MARK.encode(), one, count=1)
        key = _key(one, marked=marked)
        if key not in self.numbers:
            self.numbers[key] = len(self.formats)
            self.formats.append(one)
        return str(self.numbers[key])

    def store(self) -> None:
        """Write the part, if there are more formats now."""
        if self.found is None or self.part is None or len(self.formats) == self.known:
            return
        count = rb"\g<1>%d" % len(self.formats)
        head = re.sub(rb"(\scount=[\"'])\d+", count, self.found[1])
        whole = head + self.found[2] + b"".join(self.formats[self.known :]) + self.found[3]
        xml = self.parts[self.part]
        self.parts[self.part] = xml[: self.found.start()] + whole + xml[self.found.end() :]


def _marks(one: bytes) -> bool:
    """Whether a format marks its cells as texts."""
    return attribute(one, MARK) in ("1", "true")


def _key(one: bytes, *, marked: bool) -> object:
    """What two formats have in common that look alike."""
    tag, _, inner = one.partition(b">")
    attributes = ATTRIBUTE.findall(tag)
    named = {
        name: value for name, value in attributes if name != MARK.encode() and value not in OFF
    }
    return marked, frozenset(named.items()), inner.strip()
