"""Currencies: one in a workbook, or converted to one by rates that the user gives."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kpi_xl.exports.conversions import columns_of
from kpi_xl.locales import Message, Names
from kpi_xl.locales.currencies import code_of, currency_named, distinct
from kpi_xl.schema import Column
from kpi_xl.sources import SourceError, read_table
from kpi_xl.units import DATE, KEY, MONEY, RATIO

if TYPE_CHECKING:
    from kpi_xl.exports.reading import Reading


OWN = Message("the report's currency")
"""What amounts are converted to where nobody says which currency that is."""


class Rates(NamedTuple):
    """Rates by currency: from which day on, and how much of the report's currency one is."""

    by_currency: Mapping[str, Sequence[tuple[date, float]]]

    def of(self, currency: str, day: date | None) -> float | None:
        """The rate of a day; None where none is given. Without a day it is the last one."""
        known = self.by_currency.get(currency, ())
        fits = [rate for start, rate in known if day is None or start <= day]
        return fits[-1] if fits else None


def rates_of(path: Path) -> Rates:
    """The rates in a file of the columns currency, rate and, if they change, from.

    An amount times its rate is in the report's currency. Raises SourceError.
    """
    found = read_table(
        path,
        [Column("currency", KEY, filled=True), Column("rate", RATIO, filled=True),
         Column("from", DATE, required=False)],
    )  # fmt: skip
    rates: dict[str, list[tuple[date, float]]] = {}
    columns = found.columns
    for code, rate, start in zip(
        columns["currency"], columns["rate"], columns["from"], strict=True
    ):
        if not isinstance(rate, float) or rate <= 0:
            raise SourceError(
                Message(
                    "{path}: the rate of {code} is {rate}, and must be above 0",
                    path=path,
                    code=code,
                    rate=rate,
                )
            )
        day = start if isinstance(start, date) else date.min
        rates.setdefault(currency_named(str(code)), []).append((day, rate))
    for code, given in rates.items():
        given.sort()
        if len({day for day, _ in given}) < len(given):
            raise SourceError(
                Message("{path} has two rates of {code} from the same day on", path=path, code=code)
            )
    return Rates(rates)


def converted(
    readings: Sequence["Reading"],
    tables: Mapping[str, Sequence[Column]],
    rates: Rates | None,
    report_currency: str = "",
) -> list[Message]:
    """Bring all amounts into one currency; the faults where that cannot be."""
    used: dict[str, str] = {}
    for reading in readings:
        for code in filter(None, codes_of(reading, tables)):
            used.setdefault(code, str(reading.match.page.opener.path))
    report = report_currency.upper()
    if rates is None:
        codes = distinct({*used, *([report] if report else [])})
        if len(codes) > 1:
            where = dict.fromkeys(path for code, path in used.items() if code in codes)
            return [
                Message(
                    "{where}: the amounts are in {currencies}, which cannot be added:"
                    " export one currency, choose one with --where, or convert them with"
                    " --rates FILE (columns currency, rate)",
                    where=Names(tuple(where)),
                    currencies=Names(tuple(sorted(codes))),
                )
            ]
        return []
    faults: list[Message] = []
    for reading in readings:
        faults += _converted(reading, tables, rates, report)
    return list(dict.fromkeys(faults))


def currency_of(readings: Sequence["Reading"], tables: Mapping[str, Sequence[Column]]) -> str:
    """The code of the currency in which all amounts are; "" where not all of them say one."""
    codes = distinct({code for reading in readings for code in codes_of(reading, tables)})
    return code_of(codes.pop()) if len(codes) == 1 else ""


def of_money(columns: Sequence[Column]) -> list[str]:
    """The names of the columns that hold amounts."""
    return [column.name for column in columns if column.unit.name == MONEY.name]


def codes_of(reading: "Reading", tables: Mapping[str, Sequence[Column]]) -> list[str]:
    """The currencies of the rows with amounts, "" for those that do not say it."""
    frame = reading.frame
    columns = columns_of(reading.table, tables)
    present = [name for name in of_money(columns) if name in frame]
    if not present:
        return []
    some = frame[present].notna().any(axis=1)
    return list(dict.fromkeys(map(str, frame["_currency"][some])))


def _days_of(frame: Any) -> Any:
    """The days of the rows, of a deal that was won that day; None where there are none."""
    names = ("won_date", "date", "created", "month", "week", "started")
    days, *others = [frame[name] for name in names if name in frame] or [None]
    return days.where(days.notna(), others[0]) if others else days


def _converted(
    reading: "Reading", tables: Mapping[str, Sequence[Column]], rates: Rates, report: str
) -> list[Message]:
    frame = reading.frame
    money = [name for name in of_money(columns_of(reading.table, tables)) if name in frame]
    if not money:
        return []
    days = _days_of(frame)
    path = reading.match.page.opener.path
    faults = []
    factors: list[float] = []
    worth: dict[str, float] = {}
    for place, code in enumerate(frame["_currency"]):
        day = days.iloc[place] if days is not None else None
        rate = 1.0 if not code or code == report else rates.of(str(code), day)
        if not code:
            faults.append(
                Message("{path} does not say its currency: say it with --currency", path=path)
            )
        if rate is None:
            text = (
                "{path}: --rates has no rate of {code} for {day}; if it is the report's currency,"
                " say --report-currency {code}"
                if code in rates.by_currency
                else "{path}: --rates has no rate of {code}; if it is the report's currency, say"
                " --report-currency {code}"
            )
            faults.append(Message(text, path=path, code=code, day=day))
        factors.append(rate or 1.0)
        if code and code != report:
            first = frame[money[0]].iloc[place]
            worth[str(code)] = worth.get(str(code), 0.0) + (first if first == first else 0.0)
    if faults:
        return list(dict.fromkeys(faults))[:5]
    for name in money:
        frame[name] = frame[name] * factors
    for code, amount in worth.items():
        text = "{column} of {amount} {currency} converted"
        reading.left.append(Message(text, column=money[0], amount=f"{amount:,.2f}", currency=code))
    frame["_currency"] = report or OWN
    return []
