"""Names that a cell, a host's language or Excel has already, so that no KPI can have them."""

import re
from functools import cache

CELL_LIKE = re.compile(r"[A-Z]{1,3}\d+|R\d*C\d*|R\d+|C\d*|R")
CALC_FUNCTIONS = frozenset(  # of LibreOffice, that Excel has not got
    "B COLOR CURRENT DAYSINMONTH DAYSINYEAR DDE EASTERSUNDAY ERRORTYPE FORMULA ISLEAPYEAR MONTHS"
    " OPT_BARRIER OPT_PROB_HIT OPT_PROB_INMONEY OPT_TOUCH RAWSUBTRACT ROT13 STYLE"
    " WEEKNUM_EXCEL2003 WEEKS WEEKSINYEAR YEARS".split()
)
VBA_WORDS = frozenset(  # its keywords, and "caller", which xlwings takes for itself
    "and as boolean byref byte byval call case cdate class const currency date declare default dim"
    " do double each else elseif empty end enum erase error event exit explicit false for friend"
    " function get global gosub goto if implements in integer is let lib like long loop me mod new"
    " next not nothing null object on option optional or paramarray preserve print private property"
    " public put raiseevent redim rem resume return seek select set single static step stop string"
    " sub then time to true type typeof until variant wend while with write xor caller".split()
)

VBA_RESERVED = frozenset(  # what no function may be called there; the add-in renames arguments
    "abs addressof any array attribute cbool cbyte ccur cdbl cdec cdecl cint circle clng"
    " clnglng clngptr close csng cstr cvar cverr debug decimal defbool defbyte defcur defdate"
    " defdbl defdec defint deflng deflnglng deflngptr defobj defsng defstr defvar doevents"
    " endif eqv fix imp input inputb int lbound len lenb lineinput lock longlong longptr lset"
    " open pset ptrsafe rset scale sgn shared spc tab ubound unlock withevents excel office"
    " stdole vba".split()
)


def excel_functions() -> frozenset[str]:
    """The names of Excel's own functions."""
    return names_in("excel_functions.txt")


@cache
def names_in(file: str) -> frozenset[str]:
    """The names in a file of this folder."""
    from importlib import resources

    return frozenset(resources.files(__package__).joinpath(file).read_text("utf-8").split())
