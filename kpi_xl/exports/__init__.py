"""Recognised exports: files of advertising, shops, web analytics and CRMs, into tables of ours.

What a vendor's file looks like is data: a TOML a vendor, in this folder, or in the user's own.
"""

from kpi_xl.exports.filling import Filling, Request, known_as, read_files, read_files_apart
from kpi_xl.exports.layouts import Layout, known_layouts, layouts_of
from kpi_xl.exports.learning import header_of, layout_text
from kpi_xl.exports.options import Note, Options, of_sheets, options_from, parts_of
from kpi_xl.exports.pages import openers
from kpi_xl.exports.rates import rates_of

__all__ = [
    "Filling",
    "Layout",
    "Note",
    "Options",
    "Request",
    "header_of",
    "known_as",
    "known_layouts",
    "layout_text",
    "layouts_of",
    "of_sheets",
    "openers",
    "options_from",
    "parts_of",
    "rates_of",
    "read_files",
    "read_files_apart",
]
