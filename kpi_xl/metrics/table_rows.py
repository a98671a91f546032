"""From counts to the rows of tables, for the cells and the tables over frames."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput, ZeroDenominator
from kpi_xl.metrics.tallies import Activity
from kpi_xl.periods import label
from kpi_xl.units import refuse_large

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kpi_xl.metrics.tallies import Floats, Integers


def of_revenue(measure: str, values: object) -> bool:
    """Whether a measure of COHORT is one of revenue, which needs values."""
    if values is None and measure.startswith("revenue"):
        raise WrongInput('measure "{measure}" needs the argument values', measure=measure)
    return measure.startswith("revenue")


def cohort_rows(log: Activity, period: str, measure: str) -> list[list[Any]]:
    """What COHORT shows."""
    log = log.labelled()
    sizes, table = log.active[:, 0], log.active if log.revenue is None else log.revenue
    width = table.shape[1]
    named = bool(log.segments)
    refuse_large(len(table) + 1, width + 2 + named, longer=True)
    table = table / sizes[:, None] if measure == "retention" else table.astype(float)
    rows: list[list[Any]] = [[*["segment"] * named, "cohort", "size", *range(width)]]
    names = [[log.segments[number]] * named for number in log.segment.tolist()] if named else None
    columns = (log.cohorts, sizes, log.begun, table)
    for row, (born, size, begun, cells) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        reached = begun + 1
        if measure == "revenue_retention":
            at_start = cells[0]
            cells = [cell / at_start if at_start > 0.0 else "" for cell in cells]
        blank = [""] * (width - reached)
        name = names[row] if names else []
        rows.append([*name, label(born, period), size, *cells[:reached], *blank])
    return rows


MOST_AGES = 10_000
"""Of a retention curve: some 27 years of days. More come from a date that is wrong."""


def curve_rows(log: Activity) -> list[list[Any]]:
    """What RETENTION_CURVE shows."""
    ages = int(log.ended.max()) + 1
    if ages > MOST_AGES:
        raise OutOfDomain(
            "{ages} ages are more than the {most} that can be shown: look for a date"
            " that is far too late or too early, or take a longer period",
            ages=ages,
            most=MOST_AGES,
        )
    if not ages:
        raise NotEnoughData(NOTHING_ENDED)
    named = bool(log.segments)
    refuse_large(1 + ages * len(log.segments), 5, longer=True)
    rows: list[list[Any]] = [[*["segment"] * named, "age", "customers at risk", "active", "rate"]]
    for name, part in log.by_segment():
        for age in range(int(part.ended.max()) + 1):
            old_enough = part.ended >= age
            at_risk = int(part.active[old_enough, 0].sum())
            active = int(part.active[old_enough, age].sum())
            rows.append([*name, age, at_risk, active, active / at_risk])
    return rows


NOTHING_ENDED = "no period has ended by as_of"


def rfm_columns(
    names: "Sequence[str | float] | NDArray[Any]",
    last: "Integers",
    frequency: "Integers",
    monetary: "NDArray[Any]",
    as_of: int,
    bins: float,
) -> "dict[str, NDArray[Any]]":
    """What RFM shows, from the last purchase, purchase days and total of each customer."""
    import numpy as np

    scored = rfm_scores(last, frequency, monetary, as_of, bins)
    named = np.array([name for levels in SEGMENTS for name in levels], dtype=object)
    columns = (scored.recency, frequency, scored.spent, scored.r, scored.f, scored.m)
    numbers = (column.astype(float) for column in columns)
    cells = np.asarray(names, dtype=object), *numbers, named[scored.segment]
    return dict(zip(RFM_HEADER, cells, strict=True))


RFM_HEADER = ("customer", "recency days", "frequency", "monetary", "R", "F", "M", "segment")


class Scores(NamedTuple):
    """Of each customer: the days since the last purchase, the total, the scores.

    `segment` is the place in SEGMENTS, row by row.
    """

    recency: "Integers"
    spent: "Floats"
    r: "Integers"
    f: "Integers"
    m: "Integers"
    segment: "Integers"


def rfm_scores(
    last: "Integers", frequency: "Integers", monetary: "NDArray[Any]", as_of: int, bins: float
) -> Scores:
    """The scores of RFM, from the last purchase, purchase days and total of each customer."""
    import numpy as np

    # Cents added up are seldom exact: customers who spent the same must rank alike.
    spent = in_14_digits(monetary)
    recency = as_of - last

    def share_below(values: "NDArray[Any]") -> "Integers":
        """How many of all are strictly below each, in `bins` steps."""
        below = np.searchsorted(np.sort(values), values, side="left")
        return below * int(bins) // len(values)

    r, f, m = int(bins) - share_below(recency), 1 + share_below(frequency), 1 + share_below(spent)
    segment = len(SEGMENTS[0]) * level(r, bins) + level((f + m) / 2.0, bins)
    return Scores(recency, spent, r, f, m, segment)


def in_14_digits(numbers: "Floats") -> "Floats":
    """Numbers in 14 digits, as f"{number:.14g}" reads them, which takes each by itself."""
    import numpy as np

    size = np.abs(numbers)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        power = 13.0 - np.floor(np.log10(size))
        scaled = numbers * 10.0**power
        digits = np.rint(scaled)
        found = digits / 10.0**power  # exact, as powers of 10 up to the 22nd are
        # What lies near the middle of two, or where a logarithm may be off, is looked at.
        known = (np.abs(scaled - digits) < 0.45) & (np.abs(digits) > 1e13) & (power >= 0.0)
        known &= (np.abs(digits) < 1e14) & (power <= 22.0)
    for place in np.flatnonzero(~known).tolist():
        found[place] = float(f"{numbers[place]:.14g}")
    return found + 0.0  # turns -0.0 into 0


SEGMENTS = (
    ("Lost", "At risk", "Cannot lose"),
    ("About to sleep", "Needs attention", "Loyal"),
    ("New", "Potential loyalists", "Champions"),
)
"""By level of R (low, mid, high), then of F and M."""


def level(scores: "NDArray[Any]", bins: float) -> "Integers":
    """0 low, 1 mid (from 0.6 x bins), 2 high (from 0.8 x bins)."""
    import numpy as np

    return np.searchsorted([0.6 * bins, 0.8 * bins], scores, side="right")


def stage_names(stages: Sequence[str | float | None] | None, count: int) -> list[str | float]:
    """A name for each stage of FUNNEL_BY: those given, Stage 1, Stage 2 ... for the others."""
    if not count:
        raise WrongInput("stage_dates has no columns")
    if stages is None:
        stages = [None] * count
    if len(stages) != count:
        raise WrongInput(
            "stages has {number} names for the {count} columns of stage_dates",
            number=len(stages),
            count=count,
        )
    names = [
        f"Stage {number}" if name is None else name for number, name in enumerate(stages, start=1)
    ]
    for number, name in enumerate(names, start=1):
        if names.index(name) < number - 1:
            text = f"{name:.15g}" if isinstance(name, float) else name
            raise WrongInput(
                "stages {first} and {number} are both named {text}",
                first=names.index(name) + 1,
                number=number,
                text=text,
            )
    return names


def funnel_rows(counts: dict[str | float, list[int]], names: list[str | float]) -> list[list[Any]]:
    """What FUNNEL_BY shows, from how many rows of each segment reached each stage."""
    texts = [f"{name:.15g}" if isinstance(name, float) else name for name in names]
    steps = [f"{before} → {stage}" for before, stage in pairwise(texts)]
    rows: list[list[Any]] = [["segment", *names, *steps]]
    for segment, reached in counts.items():
        rates = [count / before if before else "" for before, count in pairwise(reached)]
        rows.append([segment, *reached, *rates])
    return rows


def mix_rows(sums: dict[str | float, float]) -> list[list[Any]]:
    """What CHANNEL_MIX shows, from the sum of each channel."""
    for channel, amount in sums.items():
        if amount < 0.0:
            raise OutOfDomain(
                "the values of {channel} add up to {amount}, below 0",
                channel=channel,
                amount=amount,
            )
    sums = {channel: float(f"{amount:.14g}") for channel, amount in sums.items()}
    try:
        total = fsum(sums.values())
    except OverflowError:
        raise OutOfDomain("the values add up to more than a cell holds") from None
    if not total:
        raise ZeroDenominator("the values add up to 0")
    rows: list[list[Any]] = [["channel", "value", "share", "cumulative share"]]
    ranked = sorted(sums.items(), key=lambda item: -item[1])
    so_far = accumulate(amount for _, amount in ranked)
    for (channel, amount), above in zip(ranked, so_far, strict=True):
        rows.append([channel, amount, amount / total, min(above / total, 1.0)])
    return rows
