"""What is printed of a workbook of ours: the report, under a line that says what it is of.

The data, what the sheets compute with, sources and checks are printed only when asked.
"""

import re
from pathlib import Path
from typing import NamedTuple

from kpi_xl.engine.kinds import FROM_1904
from kpi_xl.files import expanded, read_text, toml_of
from kpi_xl.locales import KNOWN, FaultError, say
from kpi_xl.ooxml.archive import with_members
from kpi_xl.ooxml.limits import opened
from kpi_xl.ooxml.package import read_package
from kpi_xl.ooxml.parts import Parts
from kpi_xl.ooxml.stored_cells import StoredCells
from kpi_xl.reports.folders import settings_file
from kpi_xl.reports.layout import ABOUT, LANGUAGE, TEMPLATE
from kpi_xl.schema import SCHEMAS
from kpi_xl.serials import day_of, in_calendar

ASIDE = ("Start", "Model", "Checks", "Sources")
"""The sheets that every template has and that are no part of its report; nor are those of data."""

FIRST_AND_LAST = ("FirstDay", "LastDay")
PERIODS = {
    "sales_team": ("MonthStart", "MonthEnd"),
    "scorecard": ("LatestMonth",),
    "unit_economics": ("CoveredFrom", "CoveredUntil"),
}
"""The names of the cells that hold the first and the last day that a report is of, or the last
alone; what is not named here has the former."""

ACCENT = "0072B2"
"""The colour of titles and first series in our workbooks, for which a company's own can stand."""

COLOURED = re.compile(r"xl/(styles\.xml|charts/[^/]+\.xml|worksheets/[^/]+\.xml)")
LEAST_CONTRAST = 4.5  # of text on white, as WCAG 2 has it


class Cover(NamedTuple):
    """What a report says of itself on paper: texts, and the sheets that it has."""

    sheets: list[str]
    title: str = ""
    period: str = ""
    sources: str = ""


class LookError(FaultError):
    """A logo or a colour that cannot be used, with the sentence that says why."""


def cover(content: bytes) -> Cover:
    """The sheets of a report, and what stands over each page. Raises NotAWorkbookError."""
    book = read_package(content, computing=False)
    cells = StoredCells(Parts(content), book.parts)
    name, language = (cells.text(book.place(named)) for named in (TEMPLATE, LANGUAGE))
    if name not in SCHEMAS or language not in KNOWN:
        return Cover(list(book.sheets))
    data = {table.name.lower() for table in SCHEMAS[name].inputs}
    aside = {say(title, code) for title in ASIDE for code in KNOWN}
    aside |= {table.area.sheet for key, table in book.tables.items() if key in data}
    sheets = [sheet for sheet in book.sheets if sheet not in aside]
    days = [cells.first(book.place(named)) for named in PERIODS.get(name, FIRST_AND_LAST)]
    numbers = [float(day[1]) + FROM_1904 * book.date1904 for day in days if day and day[0] == "n"]
    known = [day_of(number).isoformat() for number in numbers if in_calendar(number)]
    sources = cells.text(book.place(ABOUT)).rstrip(".。")
    return Cover(sheets, say(SCHEMAS[name].title, language), " ... ".join(known), sources)


def own_look() -> tuple[Path | None, str]:
    """The company's logo and colour of the settings file. Raises LookError."""
    file = settings_file()
    try:
        stored = toml_of(read_text(file))
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        raise LookError("{path} cannot be read: {reason}", path=file, reason=error) from None
    logo, colour = stored.get("logo", ""), stored.get("colour", "")
    if not isinstance(logo, str) or not isinstance(colour, str):
        raise LookError('{file}: write logo = "logo.png", colour = "#0072B2"', file=file)
    return (file.parent / expanded(logo) if logo else None), colour


def checked_colour(colour: str) -> str:
    """A colour as six digits, dark enough to be read on white. Raises LookError."""
    digits = colour.removeprefix("#").upper()
    if not re.fullmatch("[0-9A-F]{6}", digits):
        raise LookError('"{colour}" is no colour: write it as #0072B2', colour=colour)
    contrast = 1.05 / (luminance(digits) + 0.05)
    if contrast < LEAST_CONTRAST:
        raise LookError(
            "{colour} is too light for text on white: its contrast is {contrast} : 1, and"
            " {least} : 1 is the least",
            colour=colour,
            contrast=round(contrast, 1),
            least=LEAST_CONTRAST,
        )
    return digits


def luminance(digits: str) -> float:
    """The relative luminance of a colour, from 0 (black) to 1, as WCAG 2 defines it."""
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def coloured(content: bytes, digits: str) -> bytes:
    """A workbook of ours with another accent. Raises NotAWorkbookError."""
    accent = re.compile(rf'((?:rgb|val)="(?:FF)?){ACCENT}"'.encode())
    changed = {}
    with opened(content) as package:
        for part in package.namelist():
            if COLOURED.fullmatch(part):
                old = package.read(part)
                new = accent.sub(rb"\g<1>" + digits.encode() + b'"', old)
                if new != old:
                    changed[part] = new
    return with_members(content, changed)
