"""From columns of orders and names to counts, for several families and the tables over frames."""

from collections.abc import Sequence
from itertools import compress, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from kpi_xl.errors import NotEnoughData, OutOfDomain
from kpi_xl.periods import EPOCH, ROLLING, ROLLING_DAYS, period_number
from kpi_xl.serials import AFTER_LAST_DAY, ordinals_of
from kpi_xl.units import NEGLIGIBLE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kpi_xl.columns import Keys

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Column = Keys | Integers | Sequence[str | float | None]
    Counts = tuple[Integers, Integers, Integers, NDArray[Any] | None]
    """Segments, cohorts from the oldest on, ages, and how much to count there, None for 1."""

NO_SEGMENT = "(none)"


class Activity(NamedTuple):
    """Customers and revenue: a row a segment and cohort, the oldest first, and a column an age.

    Of "30D" a row is of those who first bought on one day.
    """

    segments: "list[str | float]"
    """Names of the segments; none if they are not told apart."""
    segment: "Integers"
    """Which of them each row is of."""
    cohorts: "Integers"
    """The period number of each row, as it is labelled."""
    active: "Integers"
    """Customers active; at age 0 that is all of the cohort."""
    revenue: "Floats | None"
    moved: "Floats | None"
    """The sum of the amounts without their signs: what rounding is measured by."""
    begun: "Integers"
    """The last age of each row whose period has begun by as_of."""
    ended: "Integers"
    """The last age of each row whose period has ended by as_of; -1 if none has."""

    def rows(self, chosen: "Any") -> "Activity":
        """Some of the rows."""
        return self._replace(
            segment=self.segment[chosen],
            cohorts=self.cohorts[chosen],
            active=self.active[chosen],
            revenue=None if self.revenue is None else self.revenue[chosen],
            moved=None if self.moved is None else self.moved[chosen],
            begun=self.begun[chosen],
            ended=self.ended[chosen],
        )

    def labelled(self) -> "Activity":
        """Rows of one segment and label as one; an age counts that all of them have reached."""
        import numpy as np

        pairs = np.stack((self.segment, self.cohorts))
        new = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
        if new.all():
            return self
        starts = np.flatnonzero(np.concatenate(([True], new)))

        def summed(table: "NDArray[Any] | None") -> "NDArray[Any] | None":
            return None if table is None else np.add.reduceat(table, starts, axis=0)

        return self.rows(starts)._replace(
            active=np.add.reduceat(self.active, starts, axis=0),
            revenue=summed(self.revenue),
            moved=summed(self.moved),
            begun=np.minimum.reduceat(self.begun, starts),
            ended=np.minimum.reduceat(self.ended, starts),
        )

    def by_segment(self) -> "list[tuple[list[str | float], Activity]]":
        """The rows of each segment, with its name in a list; all with an empty one without."""
        if not self.segments:
            return [([], self)]
        parts = []
        for number, rows in groupby(range(len(self.segment)), self.segment.tolist().__getitem__):
            parts.append(([self.segments[number]], self.rows(list(rows))))
        return parts


def last_and_spent(
    customer: "Integers", count: int, day: "Integers", amount: "Floats"
) -> "tuple[Integers, Integers, Floats]":
    """The last purchase, purchase days and total of each customer, from rows of numbered ones."""
    import numpy as np

    bought = amount >= 0.0
    first, span = int(day.min()), int(day.max() - day.min()) + 1
    days_bought = distinct(customer[bought] * span + day[bought] - first, count * span) // span
    frequency = np.bincount(days_bought, minlength=count)
    monetary = sums(customer, amount, count)
    counts_as_last = bought | (frequency[customer] == 0)
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, customer[counts_as_last], day[counts_as_last])
    return last, frequency, monetary


def one_spelling(names: Sequence[str | float]) -> list[str | float]:
    """Channels or segments in one spelling each: the first of those that differ in capitals alone.

    SUMIFS and COUNTIFS, which compare them elsewhere in a workbook, do not tell these apart either.
    """
    first: dict[str | float, str | float] = {}
    spelled = {
        name: first.setdefault(name.lower() if isinstance(name, str) else name, name)
        for name in dict.fromkeys(names)
    }
    if len(first) == len(spelled):
        return list(names)
    return [spelled[name] for name in names]


def segment_names(segments: "Sequence[str | float | None]") -> "Sequence[str | float]":
    """The segments, blank ones as (none)."""
    if None not in segments:
        return segments  # type: ignore[return-value]
    return [NO_SEGMENT if name is None else name for name in segments]


DIRECT = frozenset(("direct", "(direct)", "(direct) / (none)"))
"""What visits without a known source are called, in small letters: Google Analytics has all."""


def one_channel(names: Sequence[str | float]) -> list[str | float]:
    """Channels or segments in one spelling each; direct and (direct) are one, called direct."""
    of_direct = {name: direct(name) for name in dict.fromkeys(names)}
    if any(name is not plain for name, plain in of_direct.items()):
        names = [of_direct[name] for name in names]
    return one_spelling(names)


def direct(name: str | float) -> str | float:
    """A name of direct visits without parentheses; any other as it is."""
    if not isinstance(name, str) or name.lower() not in DIRECT:
        return name
    start = name.lower().index("direct")
    return name[start : start + len("direct")]


class Orders(NamedTuple):
    """The orders dated by as_of."""

    customers: "Column"
    days: "Integers"
    amounts: "Floats"
    """All 0 if none were given."""
    as_of: int
    segments: "Keys | None"
    """A blank one is (none)."""


def observed(
    customers: "Column",
    dates: "Sequence[int] | Integers",
    as_of: int | None,
    amounts: "Sequence[float] | Floats | None" = None,
    segments: "Column | None" = None,
) -> Orders:
    """Drop the orders after as_of."""
    import numpy as np

    from kpi_xl.columns import Keys

    days = np.asarray(dates, dtype=np.int64)
    values = np.zeros(len(days)) if amounts is None else np.asarray(amounts, dtype=float)
    names = None if segments is None else channel_keys(segments)
    latest = int(days.max())
    if as_of is not None and as_of < latest:
        kept = days <= as_of
        if not kept.any():
            raise NotEnoughData(NOTHING_OBSERVED)
        if isinstance(customers, Keys):
            customers = customers.kept(kept)
        elif isinstance(customers, np.ndarray):
            customers = customers[kept]
        else:
            customers = list(compress(customers, kept.tolist()))
        days, values = days[kept], values[kept]
        names = None if names is None else names.kept(kept)
    return Orders(customers, days, values, latest if as_of is None else as_of, names)


NOTHING_OBSERVED = "no order is dated on or before as_of"


def sums(place: "Integers", amounts: "NDArray[Any]", size: int) -> "Floats":
    """The sum of the amounts at each place."""
    import numpy as np

    totals = np.bincount(place, amounts, minlength=size)
    return left(totals, np.bincount(place, np.abs(amounts), minlength=size))


def left(totals: "NDArray[Any]", moved: "NDArray[Any]") -> "Floats":
    """Sums, or 0 where nothing but rounding is left of what was moved.

    Cents added up are seldom exact: what was bought and returned comes to 0, if not quite.
    """
    import numpy as np

    return np.where(np.abs(totals) <= NEGLIGIBLE * moved, 0.0, totals)


def numbered(customers: "Column") -> "Keys":
    """The customers in order of first appearance, and the number of each row's among them."""
    import numpy as np

    from kpi_xl.columns import Keys, keys, keys_of_numbers

    if isinstance(customers, Keys):
        return customers
    if isinstance(customers, np.ndarray):
        return keys_of_numbers(customers) if is_numeric(customers) else keys(customers.tolist())
    return keys(customers)


def is_numeric(column: "NDArray[Any]") -> bool:
    """Whether an array is of numbers."""
    return column.dtype.kind in "iuf"


def channel_keys(segments: "Column") -> "Keys":
    """Segments numbered: blank ones are (none), and the others as in `one_channel`."""
    known = numbered(segments)
    return known.renamed(one_channel(segment_names(known.names)))


def customer_numbers(customers: "Column") -> "tuple[Integers, int]":
    """A number for each row, below a limit, the same for the same customer; and the limit.

    Quicker than `numbered` where customers are numbers.
    """
    import numpy as np

    from kpi_xl.columns import Keys, renumbered

    if not isinstance(customers, Keys | np.ndarray) and set(map(type, customers)) == {float}:
        customers = np.asarray(customers)
    if isinstance(customers, np.ndarray) and is_numeric(customers):
        return renumbered(customers)
    known = numbered(customers)
    return known.rows, len(known.names)


def activity(
    customers: "Column",
    dates: "Sequence[int] | Integers",
    period: str,
    as_of: int | None,
    values: "Sequence[float] | Floats | None" = None,
    segments: "Column | None" = None,
) -> Activity:
    """Count the orders dated by as_of by the cohort of their customer and its age.

    Customers, days and values may be arrays: of whole numbers, of serial numbers, of amounts.
    """
    import numpy as np

    orders = observed(customers, dates, as_of, values, segments)
    customer, count = customer_numbers(orders.customers)
    # Of thirty days each customer's count from their own first day on.
    periods = orders.days if period == ROLLING else period_numbers(orders.days, period)
    oldest = int(periods.min())
    periods = periods - oldest
    first = np.full(count, int(periods.max()) + 1)  # where nobody has the number it stays so
    np.minimum.at(first, customer, periods)
    ages = periods - first[customer]
    if period == ROLLING:
        ages //= ROLLING_DAYS
    width = int(ages.max()) + 1
    pairs = distinct(customer * width + ages, count * width)
    buyer, age = np.divmod(pairs, width)
    names: list[str | float] = []
    of_segment = np.zeros(count, dtype=np.int64)
    if orders.segments is not None:
        names = orders.segments.names
        of_segment = orders.segments.rows[first_orders(customer, orders.days, count)]
    active = of_segment[buyer], first[buyer], age, None
    revenue = None
    if values is not None:
        revenue = of_segment[customer], first[customer], ages, orders.amounts
    return tabulated(oldest, orders.as_of, period, active, revenue, names)


def first_orders(customer: "Integers", days: "Integers", count: int) -> "Integers":
    """The row of each customer's first day, the upper one of a day; 0 where there is nobody."""
    import numpy as np

    first = np.full(count, AFTER_LAST_DAY)
    np.minimum.at(first, customer, days)
    candidates = np.flatnonzero(days == first[customer])
    row = np.zeros(count, dtype=np.int64)
    row[customer[candidates[::-1]]] = candidates[::-1]  # of several the last one written stays
    return row


def tabulated(
    oldest: int,
    as_of: int,
    period: str,
    active: "Counts",
    revenue: "Counts | None" = None,
    segments: "Sequence[str | float]" = (),
) -> Activity:
    """Put counts of customers, and amounts if they are asked for, into rows of cohorts.

    `oldest`: the number of the oldest cohort; of "30D" a serial number, and so are cohorts.
    """
    import numpy as np

    span = int(active[1].max()) + 1
    place = active[0] * span + active[1]
    found = distinct(place, (max(len(segments), 1)) * span)
    segment, cohort = np.divmod(found, span)
    born = oldest + cohort
    if period == ROLLING:
        begun = (as_of - born) // ROLLING_DAYS
        ended = (as_of + 1 - born) // ROLLING_DAYS - 1
        labels = numbers_of(born, "M")
    else:
        last, following = period_numbers(np.array([as_of, as_of + 1]), period).tolist()
        begun, ended, labels = last - born, following - 1 - born, born
    width = int(begun.max()) + 1
    if len(found) * width > LARGEST_TABLE:
        raise OutOfDomain(
            "{cohorts} cohorts by {width} ages: take a longer period",
            cohorts=len(found),
            width=width,
        )

    def cells(counts: "Counts") -> "Integers":
        at: Integers = places(found, counts[0] * span + counts[1]) * width + counts[2]
        return at

    def table(at: "Integers", added: "NDArray[Any] | None") -> "NDArray[Any]":
        return np.bincount(at, added, minlength=len(found) * width).reshape(-1, width)

    counted = table(cells(active), active[3]).astype(np.int64, copy=False)
    amounts = moved = None
    if revenue is not None and revenue[3] is not None:
        at = cells(revenue)
        moved = table(at, np.abs(revenue[3]))
        amounts = left(table(at, revenue[3]), moved)
    return Activity(list(segments), segment, labels, counted, amounts, moved, begun, ended)


LARGEST_TABLE = 100_000_000  # cells


def distinct(numbers: "Integers", limit: int) -> "Integers":
    """The different numbers below a limit; marking them is faster than sorting, while they fit."""
    import numpy as np

    if limit > LARGEST_TABLE:
        in_order = np.sort(numbers)  # several times as fast as np.unique, which hashes
        return in_order[np.diff(in_order, prepend=-1) > 0]
    seen = np.zeros(limit, dtype=bool)
    seen[numbers] = True
    return np.flatnonzero(seen)


def places(known: "Integers", numbers: "Integers") -> "Integers":
    """Where each of the numbers is among those known, which are sorted."""
    import numpy as np

    limit = int(known[-1]) + 1
    if limit > 4 * len(numbers):
        found: Integers = np.searchsorted(known, numbers)
        return found
    place = np.zeros(limit, dtype=np.int64)  # to look them up is quicker, while they are near
    place[known] = np.arange(len(known))
    return place[numbers]


def period_numbers(days: "Integers", period: str) -> "Integers":
    """The number of the period of each day: of the day, ISO week, month, quarter, year."""
    import numpy as np

    low, high = int(days.min()), int(days.max())
    if high - low < len(days):  # then it is quicker to look them up, a day at a time
        return numbers_of(np.arange(low, high + 1), period)[days - low]
    return numbers_of(days, period)


def numbers_of(days: "Integers", period: str) -> "Integers":
    """The number of the period of each day, computed for each."""
    ordinals = ordinals_of(days)
    months = (ordinals - EPOCH).astype("datetime64[D]").astype("datetime64[M]").astype("int64")
    years, month = months // 12 + 1970, months % 12 + 1
    found: Integers = period_number(ordinals, years, month, period)
    return found
