"""What people call the columns of our tables: for refusals to propose, never read so unasked."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

from kpi_xl.files import toml_of
from kpi_xl.locales import LANGUAGES, say
from kpi_xl.schema import Column
from kpi_xl.sources.grain import PERIOD
from kpi_xl.sources.records import plain
from kpi_xl.sources.values import MARKS

ORDER_NUMBER = re.compile(
    r"(?:(?:order|invoice)(?:id|no|nr|num|number|ref|reference|#)"
    r"|(?:bestell|auftrags|rechnungs)(?:nummer|nr)|numérode(?:commande|facture)"
    r"|númerode(?:pedido|orden|factura)|númerodopedido|订单(?:编号|号|号码)|訂單(?:編號|號碼)"
    r"|номерзаказа|(?:شماره|شناسه|کد)سفارش)\.?"
)
"""What files call the number of an order, as `plain` has it."""


@cache
def _scaled() -> re.Pattern[str]:
    """A unit of thousands or more, in which figures are written: k€, TEUR, $000, 万元."""
    text = resources.files(__package__).joinpath("terms.toml").read_text(encoding="utf-8")
    given = toml_of(text)["scales"]
    scale, money, within = (
        f"(?:{'|'.join(given[name].split())})" for name in ("words", "money", "within")
    )
    forms = (
        rf"{scale}(?: (?:of|de) | d'| )?{money}?", rf"{money} ?{scale}", rf"[kt] ?{money}",
        rf"{money} ?[km]", "m ?[€$£]", rf"(?:{money} ?)?'?000(?:'?s)?(?: ?{money})?",
        rf"1[.,]?000 ?{money}", "[km]", "mm",
    )  # fmt: skip
    return re.compile(rf"(?:{within}[ :]*)?(?:{'|'.join(forms)})", re.IGNORECASE)


def scale_in(text: str) -> str:
    """The unit of thousands, or more, that a header names for the numbers below it, or "".

    >>> [scale_in(text) for text in ("Revenue (k€)", "Umsatz in TEUR", "金额(万元)", "Sales (net)")]
    ['k€', 'in TEUR', '万元', '']
    """
    known = text.translate(MARKS).replace("\uff1a", ":")
    within = re.findall(r"[(\[]([^()\[\]]*)[)\]]", known)
    words = re.split(r"[\s,;/_]+", re.sub(r"[(\[].*", "", known).strip())
    behind = (" ".join(words[at:]) for at in range(max(1, len(words) - 3), len(words)))
    # A letter alone may be anything: Plan B, Group M.
    named = (one for one in behind if len(one) > 1 and one.lower() != "mm")
    return next(filter(_scaled().fullmatch, map(str.strip, [*within, *named])), "")


@cache
def _terms() -> dict[str, frozenset[str]]:
    """Headers of each of our columns, as `plain` has them, of all languages that we know."""
    text = resources.files(__package__).joinpath("terms.toml").read_text(encoding="utf-8")
    given = toml_of(text)
    shared = {f"${name}": words.split() for name, words in given["shared"].items()}
    return {
        name: frozenset(one for word in words.split() for one in shared.get(word, [word]))
        for name, words in given["columns"].items()
    }


_NEVER = re.compile(r'["`;\\]|\$\w')
"""What a shell, or the sheet Sources, would take for something else within quotation marks."""


def likely(columns: Iterable[Column], headers: Sequence[str]) -> dict[str, str]:
    """The header that each of the columns is likely meant by, where it is one and no other's."""
    called = {header: {plain(header), plain(_UNIT.sub("", header))} for header in headers}
    found = {}
    for column in columns:
        terms = _terms_of(column)
        some = [header for header in headers if not terms.isdisjoint(called[header])]
        if column.name == "order":
            some += [header for header in headers if ORDER_NUMBER.fullmatch(plain(header))]
        if column.name in ("date", "month", "week") and not (some or column.daily):
            some = [h for h in headers if PERIOD.get(plain(h)) in ("a week", "a month")]
        if len(some) == 1:
            found[column.name] = some[0]
    given = [*found.values()]
    return {name: header for name, header in found.items() if given.count(header) == 1}


def _terms_of(column: Column) -> set[str]:
    labels = {plain(say(column.label, one)) for one in LANGUAGES} if column.label else set()
    return {plain(column.name), *_terms().get(column.name, ()), *labels}


_UNIT = re.compile(r"\s*[(\uff08\[][^)\uff09\]]*[)\uff09\]]\s*$")
"""The unit behind a name: Amount (EUR)."""


def options_for(missing: Sequence[str], columns: Iterable[Column], headers: Iterable[str]) -> str:
    """The options that say which headers are the columns missing, to be typed or pasted.

    `headers` are those that are none of our columns yet, `columns` all that the file has not.
    """
    written = [" ".join(header.split()) for header in headers]
    found = likely(columns, [one for one in written if one and not _NEVER.search(one)])
    pairs = [(theirs, ours) for ours, theirs in found.items()]
    pairs += [("Their name", name) for name in missing if name not in found][:1]
    return " ".join(f'--map "{theirs}={ours}"' for theirs, ours in pairs)
