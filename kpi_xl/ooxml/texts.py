"""The texts that cells of a workbook share, to be found by what they say, and added to."""

import re
from collections.abc import Iterable

from kpi_xl.ooxml.package import TEXT, unescaped
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.sheet import MARKUP, escaped
from kpi_xl.ooxml.values import text_of_item

ITEM = re.compile(rb"<((?:\w+:)?)si(?:\s[^>]*)?(?:/>|>.*?</(?:\w+:)?si>)", re.DOTALL)
RUNS = re.compile(rb"<(?:\w+:)?(?:r|rPh)[\s>]")
USE = re.compile(rb"\st\s*=\s*[\"']s[\"'][^>]*>\s*<(?:\w+:)?v(?:\s[^>]*)?>\s*(\d+)\s*<")
SIMPLE = re.compile(rb"<si><t(?: xml:space=\"preserve\")?>([^<]*)</t></si>")
DATA = b"sheetData"
SHARED = re.compile(rb"\st\s*=\s*[\"']s[\"']")


class SharedTexts:
    """The part of a workbook's shared texts.

    New texts take the places of those that no cell has any more: a report that is loaded every
    night would grow for ever, and keep the names of customers who have gone.
    """

    def __init__(self, parts: Parts, part: str) -> None:
        self.parts, self.part = parts, part
        xml = parts[part]
        found = list(ITEM.finditer(xml))
        self.usual = len(found) == len(TEXT.findall(xml)) and not any(one in xml for one in MARKUP)
        self.items = [one[0] for one in found]
        self.prefix = found[0][1] if found else b""
        self.start, self.end = (found[0].start(), found[-1].end()) if found else (-1, -1)
        self.before = list(self.items)
        self.texts = [_text(item) for item in self.items]
        self.numbers: dict[str, int] = {}
        for number, item in enumerate(self.items):
            if not RUNS.search(item):
                self.numbers.setdefault(self.texts[number], number)
        self.used = self._used()
        unused = [] if self.used is None else set(range(len(found))) - self.used
        self.free = dict.fromkeys(sorted(unused))

    @property
    def writable(self) -> bool:
        """Whether texts can be added: the part is as spreadsheet programs write it."""
        return self.usual and bool(self.items)

    def number(self, text: str) -> int:
        """The number of a text, which is added if there is none yet."""
        place = self.numbers.get(text)
        if place is None:
            p = self.prefix
            space = b' xml:space="preserve"' if text != text.strip() else b""
            item = b"<%ssi><%st%s>%s</%st></%ssi>" % (p, p, space, escaped(text).encode(), p, p)
            place = next(iter(self.free), len(self.items))
            if place == len(self.items):
                self.items.append(item)
                self.texts.append(text)
            else:
                if self.numbers.get(self.texts[place]) == place:
                    del self.numbers[self.texts[place]]
                self.items[place], self.texts[place] = item, text
            self.numbers[text] = place
        self.free.pop(place, None)
        return place

    def says(self, number: float, text: str) -> bool:
        """Whether it is the text of a number."""
        return 0 <= number < len(self.texts) and self.texts[int(number)] == text

    def store(self) -> None:
        """Write the part, if it has changed: without what no cell has any more."""
        used, once = self._used(), self.used
        if used is not None and once is not None:
            blank = b"<%ssi><%st/></%ssi>" % ((self.prefix,) * 3)
            for number in once - used:
                self.items[number] = blank
            while self.items[1:] and self.items[-1] == blank and len(self.items) - 1 not in used:
                self.items.pop()
        if self.items == self.before:
            return
        xml = self.parts[self.part]
        head = xml[: self.start]
        count = sum(len(SHARED.findall(one)) for one in self._sheets())
        for name, number in ((b"count", count), (b"uniqueCount", len(self.items))):
            head = re.sub(rb"(\s%s=[\"'])\d+" % name, rb"\g<1>%d" % number, head)
        self.parts[self.part] = head + b"".join(self.items) + xml[self.end :]

    def _sheets(self) -> Iterable[bytes]:
        return (xml for name, xml in self.parts.items() if name.endswith(".xml") and DATA in xml)

    def _used(self) -> set[int] | None:
        """The numbers that cells have; None where they are not written as usual, or not ours."""
        used: set[int] = set()
        for xml in self._sheets():
            found = USE.findall(xml)
            if len(found) != len(SHARED.findall(xml)):
                return None
            used.update(map(int, found))
        return used if max(used, default=0) < len(self.items) else None


def _text(item: bytes) -> str:
    """The text of an item of the list."""
    simple = SIMPLE.fullmatch(item)
    if simple and b"&" not in simple[1] and b"\r" not in simple[1]:
        return unescaped(simple[1].decode())
    return text_of_item(item)
