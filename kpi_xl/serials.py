"""Days as Excel counts them: the serial numbers of its 1900 date system.

Excel counts a 29 February 1900 that never was: serial numbers of days before March 1900 lag one
behind the days since DAY_0.
"""

import math
from datetime import date, datetime, timedelta
from typing import Any

DAY_0 = date(1899, 12, 30).toordinal()
"""The ordinal, as Python counts days, of serial number 0: counted back from March 1900."""

FIRST_DAY, AFTER_LAST_DAY = 61, 2_958_466
"""The serial numbers that Excel counts as calendars do: 1900-03-01 to 9999-12-31, the latter's
successor."""

FIRST_YEAR, LAST_YEAR = 1990, 2099
"""The years that the figures of workbooks are over: dates of others are mistyped, or of another
calendar."""
FIGURED_FROM = date(FIRST_YEAR, 1, 1).toordinal() - DAY_0
FIGURED_UNTIL = date(LAST_YEAR, 12, 31).toordinal() - DAY_0
"""The first and the last day of these years, as serial numbers."""


def serial(day: date) -> float:
    """The serial number of a date or a datetime, whose time is its fraction; zones are dropped."""
    moment = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)
    days = (moment.replace(tzinfo=None) - datetime.fromordinal(DAY_0)) / timedelta(days=1)
    return days if days >= FIRST_DAY else days - 1.0


def in_calendar(number: float) -> bool:
    """Whether a serial number is of a day that Excel counts as calendars do."""
    return FIRST_DAY <= number < AFTER_LAST_DAY


def day_of(number: float) -> date:
    """The day of a serial number from FIRST_DAY on."""
    return date.fromordinal(DAY_0 + math.floor(number))


def ordinals_of(serials: Any) -> Any:
    """The ordinals of whole serial numbers: of one, or of an array."""
    return serials + DAY_0 + (serials < FIRST_DAY)


def serials_of(ordinals: Any) -> Any:
    """The serial numbers of ordinals: of one, or of an array."""
    since = ordinals - DAY_0
    return since - (since < FIRST_DAY)
