"""The parts of a package, to be changed, related, added and dropped, and put together again."""

import io
import posixpath
import re
import zipfile
from itertools import count

from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.errors import NotAWorkbookError
from kpi_xl.ooxml.limits import opened
from kpi_xl.ooxml.namespaces import OFFICE, PACKAGE
from kpi_xl.ooxml.package import book_part, relations, rels_of
from kpi_xl.ooxml.sheet import SheetXml, check

EMPTY = re.compile(rb"(\s*(?:<\?[^>]*\?>\s*)?)<((?:[\w.-]+:)?)([\w.-]+)([^>]*?)\s*/>", re.DOTALL)


class Parts(dict[str, bytes]):
    """The parts of a package by name, to be changed and put together again."""

    def __init__(self, content: bytes) -> None:
        with opened(content) as package:
            self.infos = {info.filename: info for info in package.infolist()}
            self.before = {name: package.read(name) for name in self.infos}
        self.source = content
        self._sheets: dict[str, SheetXml] = {}
        super().__init__(self.before)

    def __missing__(self, part: str) -> bytes:
        raise NotAWorkbookError("it is damaged (its part {part} is missing)", part=part)

    @property
    def book(self) -> str:
        """The part of the workbook itself."""
        return book_part(self.relations(""))

    def sheet(self, part: str) -> SheetXml:
        """A worksheet by places, looked through once as long as it stays. Raises BadSheetError."""
        known = self._sheets.get(part)
        if known is None or known.xml is not self[part]:
            known = self._sheets[part] = SheetXml(self[part])
        return known

    def archive(self) -> bytes:
        """The package put together again; what has not changed keeps its compressed bytes.

        Raises NotAWorkbookError, where what has changed is no XML: better no workbook than one that
        no program opens.
        """
        changed = {name: new for name, new in self.items() if new is not self.before.get(name)}
        for name, xml in changed.items():
            known = self._sheets.get(name)
            is_checked = known is not None and known.xml is xml
            if name.endswith((".xml", ".rels")) and not is_checked:  # Excel's own .vml may be none
                check(xml)
        if self.keys() == self.before.keys():
            return with_members(self.source, changed)
        out = io.BytesIO()
        date = next(iter(self.infos.values())).date_time
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
            for name, content in self.items():
                info = zipfile.ZipInfo(name, date)
                info.compress_type = zipfile.ZIP_DEFLATED
                package.writestr(info, content)
        return out.getvalue()

    def relations(self, part: str) -> list[tuple[str, str, str]]:
        """Kind, id and target of each relation of a part."""
        xml = self.get(rels_of(part))
        return list(relations(xml, part)) if xml else []

    def related(self, part: str, kind: str) -> str | None:
        """The part that another one is related to by a kind of relation."""
        return next((target for one, _, target in self.relations(part) if one == kind), None)

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add a relation; returns its id."""
        rels = rels_of(part)
        xml = (
            self.get(rels)
            or (
                '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
                f'<Relationships xmlns="{PACKAGE}/relationships"></Relationships>'
            ).encode()
        )
        key = next(f"rIdKpi{n}" for n in count(1) if f"rIdKpi{n}".encode() not in xml)
        address = posixpath.relpath(target, posixpath.dirname(part))
        entry = f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{address}"/>'
        self[rels] = inside(xml, entry)
        return key

    def declare(self, entry: str) -> None:
        """Add a content type, unless it is there."""
        types = self["[Content_Types].xml"]
        if entry.encode() not in types:
            self["[Content_Types].xml"] = inside(types, entry)

    def free(self, pattern: str) -> str:
        """A name that no part has; {} stands for a number."""
        return next(name for n in count(1) if (name := pattern.format(n)) not in self)

    def drop(self, part: str) -> None:
        """Take a part out, with all that says it is there."""
        self.pop(part, None)  # others may say that it is there, and err
        self.pop(rels_of(part), None)
        name = re.escape(part.encode())
        types = self["[Content_Types].xml"]
        self["[Content_Types].xml"] = re.sub(
            rb"<(?:\w+:)?Override\s[^>]*PartName=[\"']/" + name + rb"[\"'][^>]*/>", b"", types
        )
        for rels in [one for one in self if one.endswith(".rels")]:
            owner = posixpath.join(posixpath.dirname(posixpath.dirname(rels)),
                                   posixpath.basename(rels).removesuffix(".rels"))  # fmt: skip
            for _, key, target in self.relations(owner):
                if target == part:
                    relationship = rb"<(?:\w+:)?Relationship\s[^>]*\bId=[\"']" + re.escape(
                        key.encode()
                    )
                    self[rels] = re.sub(relationship + rb"[\"'][^>]*/>", b"", self[rels])


def inside(xml: bytes, entry: str) -> bytes:
    """XML with an entry at the end of its outermost element."""
    if empty := EMPTY.fullmatch(xml.rstrip()):
        start, prefix, name, attributes = empty.groups()
        xml = b"%s<%s%s%s></%s%s>" % (start, prefix, name, attributes, prefix, name)
    end = xml.rstrip().rfind(b"</")
    if end < 0:
        raise NotAWorkbookError("it is damaged (a part is empty, or not in UTF-8)")
    return xml[:end] + entry.encode() + xml[end:]
