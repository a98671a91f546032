"""What Calc calls the functions, in its cells and in the files that it saves.

`CAC_PAYBACK` is `KPI.CACPAYBACK` to LibreOffice before 7.5, also in the .xlsx files that it writes.
"""

import re

from kpi_xl.hosts.libreoffice.newer_functions import NEWER
from kpi_xl.metrics import METRICS

SERVICE = "KPI"


def beside_texts(name: str) -> re.Pattern[str]:
    """What finds texts and sheets in quotes, group 1, and names outside of them, group 2."""
    return re.compile(rf"""("(?:[^"]|"")*"|'(?:[^']|'')*')|{name}(?=\()""")


NAME = beside_texts(r"(?<![\w.])([A-Za-z_][A-Za-z0-9_]*)")
NAME_AT_ALL = beside_texts(r"([\w.]+)")
LONG_NAME = beside_texts(r"\bKPI\.([A-Z][A-Z0-9]*)")
NEWER_NAME = beside_texts(r"(_xl\w+\.[a-z_.]+)")

WITHOUT_ROOM = re.compile(r"IF\(TRUE\(\)[;,]#VALUE![;,](.*)\)", re.DOTALL)


def method(name: str) -> str:
    """A function's name without the underscores that LibreOffice's types cannot have."""
    return name.replace("_", "")


METHODS = {method(name): name for name in METRICS} | {name: NEWER[name][0] for name in NEWER}
"""The names in files of Excel by what the functions are called there."""

TABLES = {name for name, metric in METRICS.items() if metric.result == "table"} | {
    "XLOOKUP",
    "FILTER",
    "CHOOSECOLS",
}
"""Those whose blocks may hold texts."""


def unbound(formula: str, *, newer: bool) -> bool:
    """Whether a formula calls one of the functions by the name that only Excel resolves.

    `newer`: or a newer function of Excel's that this LibreOffice has not got.
    """
    if any(found[2] and found[2].upper() in METRICS for found in NAME.finditer(formula)):
        return True
    names = (found[2] for found in NEWER_NAME.finditer(formula) if found[2])
    return newer and any(_last(name) in NEWER for name in names)


def unresolved(formula: str) -> bool:
    """Whether a formula calls a function that LibreOffice has not got: it writes it in small."""
    names = (found[2] or "" for found in NAME_AT_ALL.finditer(formula))
    return any(name != name.upper() for name in names)


def borrowed(formula: str) -> bool:
    """Whether a formula calls a newer function of Excel's that LibreOffice has from us."""
    return any(found[2] in NEWER for found in LONG_NAME.finditer(formula))


def bound(formula: str) -> str:
    """A formula as it is to be entered: with names that LibreOffice resolves."""

    def known(found: re.Match[str]) -> str:
        return found[1] or (
            f"{SERVICE}.{_last(found[2])}" if _last(found[2]) in NEWER else found[2]
        )

    formula = NEWER_NAME.sub(known, formula)
    return with_texts(formula) if tables(formula) else formula


def tables(formula: str) -> bool:
    """Whether a formula calls a function that gives a table."""
    names = (found[2] or "" for found in NAME_AT_ALL.finditer(plain(formula)))
    return any(_last(name) in TABLES for name in names)


def with_texts(formula: str, separator: str = ";") -> str:
    """A formula of which other formulas can look up the texts.

    Calc compares the texts of a block from Python with nothing; those that it joined itself, it
    does. The functions remember their last results, so that they do not compute three times.
    """
    return f'IF(ISTEXT({formula}){separator}({formula})&""{separator}{formula})'


def without_room(formula: str) -> str:
    """A formula whose block has no room for what it computes, as Excel's #SPILL! says it."""
    return f"IF(TRUE();#VALUE!;{with_room(formula)})"


def lacks_room(formula: str) -> bool:
    """Whether it is one whose block had no room."""
    return WITHOUT_ROOM.fullmatch(formula) is not None


def with_room(formula: str) -> str:
    """The formula itself, wherever a block had no room for it."""
    found = WITHOUT_ROOM.fullmatch(formula)
    return found[1] if found else formula


def plain(formula: str) -> str:
    """A formula as Excel has it: `CAC(...)`, and without what `with_texts` added."""
    formula = without_texts(formula)
    formula = NEWER_NAME.sub(lambda m: m[1] or _upper(m[2]), formula)
    return LONG_NAME.sub(lambda m: m[1] or METHODS.get(m[2], m[0]), formula)


def _last(name: str) -> str:
    return name.rpartition(".")[2].upper()


def _upper(name: str) -> str:
    """A newer function of Excel's, which Calc writes as _xlfn._xlws.filter."""
    *prefixes, last = name.split(".")
    while prefixes and not prefixes[-1].startswith("_xl"):
        last = f"{prefixes.pop()}.{last}"
    return ".".join((*prefixes, last.upper()))


def without_texts(formula: str) -> str:
    """A formula without what `with_texts` and `without_room` added."""
    formula = with_room(formula)
    for separator in ",;":
        own = formula[len("IF(ISTEXT(") :][: (len(formula) - len(with_texts("", separator))) // 3]
        if own and formula == with_texts(own, separator):
            return own
    return formula
