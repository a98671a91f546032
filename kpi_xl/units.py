"""The units of arguments and results, their Excel number formats, and the numbers they admit."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kpi_xl.errors import OutOfDomain
from kpi_xl.serials import AFTER_LAST_DAY

if TYPE_CHECKING:
    from decimal import Decimal

LARGEST = sys.float_info.max
LARGEST_ID = 2.0**53 - 1.0  # beyond it, a number may stand for several whole ones
LARGEST_ID_32 = 2.0**24 - 1.0  # the same of numbers of half the length
SHEET_ROWS, SHEET_COLUMNS = 1_048_576, 16_384
MOST_RESULTS = 4_000_000  # cells of a result
LONGEST_TEXT = 32_767  # characters of a cell


def rounded(number: float, decimals: int) -> "Decimal":
    """A number as a cell shows it: rounded from its 15 digits, halves away from 0."""
    from decimal import ROUND_HALF_UP, Context, Decimal

    step = Decimal(1).scaleb(-decimals)
    return Decimal(f"{number:.15g}").quantize(step, ROUND_HALF_UP, Context(prec=400))


def same(number: float, other: float) -> bool:
    """Whether two numbers are one in the 15 digits that Excel compares.

    Cents added up are seldom exact: 0.1 + 0.2 is the same as 0.3.
    """
    return math.isclose(number, other, rel_tol=5e-15)


NEGLIGIBLE = 1e-14
"""The part of what was added up that is nothing but rounding."""


def summed(amounts: Sequence[float]) -> float:
    """The sum of amounts, or 0 where nothing but rounding is left of them: 0.1 + 0.2 - 0.3."""
    total = math.fsum(amounts)
    return 0.0 if abs(total) <= math.fsum(NEGLIGIBLE * abs(one) for one in amounts) else total


def exceeds(number: float, other: float) -> bool:
    """Whether a number is the greater of two in these digits."""
    return number > other and not same(number, other)


@dataclass(frozen=True)
class Domain:
    """The numbers that an argument may have, from `low` to `high`."""

    low: float = -LARGEST
    high: float = LARGEST
    open_low: bool = False
    open_high: bool = False
    whole: bool = False

    @property
    def closed(self) -> tuple[float, float]:
        """The least and the greatest number inside: `low <= x <= high` is then the whole test."""
        low = math.nextafter(self.low, math.inf) if self.open_low else self.low
        high = math.nextafter(self.high, -math.inf) if self.open_high else self.high
        return low, high


ANY = Domain()
NOT_NEGATIVE = Domain(low=0.0)
POSITIVE = Domain(low=0.0, open_low=True)
SHARE = Domain(low=0.0, high=1.0)
BELOW_ONE = Domain(low=0.0, high=1.0, open_high=True)
INSIDE_SHARE = Domain(low=0.0, high=1.0, open_low=True, open_high=True)
AT_MOST_ONE = Domain(high=1.0)


@dataclass(frozen=True, eq=False)
class Unit:
    """What a number means: its name, what to call it in help, how Excel formats it."""

    name: str
    meaning: str
    number_format: str
    domain: Domain = ANY

    def __reduce__(self) -> str | tuple[Any, ...]:
        """By its name, so that it is the same one in another process, and not a copy.

        A unit of a template's own travels by its values, also where it shares a name.
        """
        name = self.name
        if globals().get(name) is self:
            return name
        return Unit, (name, self.meaning, self.number_format, self.domain)


MONEY = Unit("MONEY", "money, in any one currency", "#,##0.00")
LARGE = Unit("MONEY", MONEY.meaning, "#,##0")  # without cents
COUNT = Unit("COUNT", "a count", "#,##0", NOT_NEGATIVE)
RATE = Unit("RATE", "a fraction: 0.25 is 25 %", "0.0%")
RATIO = Unit("RATIO", "a ratio, x : 1", '0.00" : 1"')
AVERAGE = Unit("AVERAGE", "a plain number", "#,##0.00", NOT_NEGATIVE)
PROBABILITY = Unit("PROBABILITY", "a probability", "0.000", SHARE)
SCORE = Unit("SCORE", "a score", "0.0")
SECONDS = Unit("SECONDS", "seconds", "#,##0.0", NOT_NEGATIVE)
DAYS = Unit("DAYS", "days", "#,##0.0", NOT_NEGATIVE)
PERIODS = Unit("PERIODS", "periods (months, say)", "#,##0.0", NOT_NEGATIVE)
VALUE = Unit("VALUE", "the KPI's own unit", "General")
DATE = Unit("DATE", "a date", "yyyy-mm-dd", Domain(low=1.0, high=AFTER_LAST_DAY - 1.0))
KEY = Unit("KEY", "a name or a number that identifies", "General")
TEXT = Unit("TEXT", "text", "@")
LOGICAL = Unit("LOGICAL", "TRUE or FALSE", "General")
TABLE = Unit("TABLE", "a table, header row first", "General")
NOT_MEASURED = DATE, KEY, TEXT, LOGICAL
"""The units of what does not add up."""


def refuse_large(rows: int, width: int, longer: bool = False) -> None:
    """Refuse results that no sheet holds, or that take a host minutes, before any is computed.

    `longer`: a longer period makes them smaller.
    """
    if rows > SHEET_ROWS or width > SHEET_COLUMNS or rows * width > MOST_RESULTS:
        raise OutOfDomain(
            "the result would have {rows} rows and {width} columns; it may have"
            " {most} cells, as far as a sheet holds them: take a longer period"
            if longer
            else "the result would have {rows} rows and {width} columns; it may have"
            " {most} cells, as far as a sheet holds them",
            rows=rows,
            width=width,
            most=MOST_RESULTS,
        )
