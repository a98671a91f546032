"""Template workbooks: a builder each, and the empty workbook that it builds beside it."""

from importlib import import_module
from typing import TYPE_CHECKING

from kpi_xl.locales import Message, say
from kpi_xl.schema import SCHEMAS

if TYPE_CHECKING:
    from .records import Template
    from .writing import Progress, Told

TEMPLATES = tuple(SCHEMAS)
"""The names of the templates, each a module with its record TEMPLATE."""


def template(name: str) -> "Template":
    """The record of a template; its module is imported only now."""
    record: Template = import_module(f"{__name__}.{name}").TEMPLATE
    return record


def sampled(name: str, language: str, host: str, progress: "Progress") -> "Told":
    """A template's workbook of its sample data, in a language, for a host."""
    from .building import build

    record = template(name)
    title = say(record.title, language)
    progress(Message("{title}: making the sample data", title=title))
    data, about = record.sample()
    return build(record, data, about, language, host=host, progress=progress).told


def empty(name: str, language: str) -> bytes:
    """A template's workbook without data, in a language."""
    from .building import build

    return build(template(name), {}, language=language).content
