"""Targets, forecasts and trends of any KPI."""

from math import floor, fsum
from typing import Annotated

from kpi_xl.errors import NotEnoughData, OutOfDomain, ZeroDenominator
from kpi_xl.locales import LANGUAGES, say
from kpi_xl.metrics.arguments import Actual, Target
from kpi_xl.reference import number_text
from kpi_xl.registry import METRICS, Arg, metric
from kpi_xl.units import (
    BELOW_ONE,
    COUNT,
    LOGICAL,
    MONEY,
    PERIODS,
    POSITIVE,
    RATE,
    SCORE,
    TEXT,
    VALUE,
    Unit,
    exceeds,
    rounded,
    same,
)

PLANNING = "Industry usage in planning"
OUTLIERS = "Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers"

Series = Annotated[
    list[float | None],
    Arg("One value a period, in order; a blank keeps its period", VALUE, column=True, blank="keep"),
]


@metric(
    "TARGET_PROGRESS",
    returns=RATE,
    formula="(actual - baseline) / (target - baseline)",
    source=PLANNING,
    example=("=TARGET_PROGRESS(130,150,100)", 0.6),
)
def target_progress(
    actual: Actual,
    target: Target,
    baseline: Annotated[float, Arg("The value at the start", VALUE)],
) -> float:
    """Progress from the baseline to the target. It works when lower is better, too."""
    if same(target, baseline):
        raise ZeroDenominator("the target is the baseline: there is no way between them")
    if same(actual, baseline):
        return 0.0
    return (actual - baseline) / fsum((target, -baseline))  # which refuses what - makes infinite


@metric(
    "KPI_STATUS",
    returns=TEXT,
    formula='IF(IF(direction = "auto", target < baseline, direction = "lower"),'
    ' IF(actual <= target, "on track",'
    ' IF(actual <= target + tolerance * ABS(target), "at risk", "off track")),'
    ' IF(actual >= target, "on track",'
    ' IF(actual >= target - tolerance * ABS(target), "at risk", "off track")))',
    source=PLANNING,
    example=("=KPI_STATUS(95,100)", "at risk"),
)
def kpi_status(
    actual: Actual,
    target: Target,
    baseline: Annotated[float | None, Arg("The value at the start", VALUE)] = None,
    tolerance: Annotated[
        float, Arg("How far from the target is still at risk, not off track", RATE, BELOW_ONE)
    ] = 0.1,
    direction: Annotated[
        str,
        Arg(
            'Which is better; "auto": lower if the target is below the baseline, else higher',
            TEXT,
            words=("auto", "higher", "lower"),
        ),
    ] = "auto",
) -> str:
    """Status of a KPI against its target: "on track", "at risk" or "off track".

    Say direction "lower" for a ceiling without a baseline, such as a highest CAC.
    """
    lower = direction == "lower"
    if direction == "auto":
        lower = baseline is not None and exceeds(baseline, target)
    if lower:
        actual, target = -actual, -target
    if not exceeds(target, actual):
        return "on track"
    return "off track" if exceeds(target - tolerance * abs(target), actual) else "at risk"


@metric(
    "VS_BASELINE",
    returns=RATE,
    formula="actual / baseline - 1",
    source=PLANNING,
    example=("=VS_BASELINE(130,100)", 0.3),
)
def vs_baseline(
    actual: Actual,
    baseline: Annotated[float, Arg("The value at the start", VALUE, denominator=True)],
) -> float:
    """Change against the baseline. From a negative baseline there is no such rate: #NUM!."""
    return actual / baseline - 1.0


@metric(
    "RUN_RATE",
    returns=VALUE,
    formula="actual_to_date * total / elapsed",
    source=PLANNING,
    parts=(("elapsed", "total"),),
    example=("=RUN_RATE(40000,10,30)", 120000.0),
)
def run_rate(
    actual_to_date: Annotated[float, Arg("What was reached so far", VALUE)],
    elapsed: Annotated[float, Arg("Days (or weeks) gone", PERIODS, denominator=True)],
    total: Annotated[float, Arg("Days (or weeks) in the whole period", PERIODS)],
) -> float:
    """Run rate: what the period will end with if it goes on as it went so far."""
    return actual_to_date * total / elapsed


@metric(
    "AVG_GROWTH",
    returns=RATE,
    formula="(last / first)^(1 / periods) - 1",
    source="Farris et al., Marketing Metrics (compound annual growth rate, CAGR)",
    example=("=AVG_GROWTH({100;110;121})", 0.1),
)
def avg_growth(values: Series) -> float:
    """Average (compound) growth per period between the first and the last value.

    A blank between them keeps its period: 100, blank, 121 is 10 % a period. Blanks before the first
    value and after the last do not count. The first value must be above 0.
    """
    points = [(period, value) for period, value in enumerate(values) if value is not None]
    if len(points) < 2:
        raise NotEnoughData("growth needs at least two values")
    (start, first), (end, last) = points[0], points[-1]
    if first <= 0.0:
        raise OutOfDomain("the first value must be above 0")
    if last < 0.0:
        raise OutOfDomain("the last value must not be negative")
    growth: float = (last / first) ** (1.0 / (end - start)) - 1.0
    return growth


@metric(
    "KPI_TREND",
    returns=RATE,
    formula="SLOPE(values, period) / AVERAGE(values)",
    source="Least squares of statistics textbooks, over the mean",
    example=("=KPI_TREND({90;100;110})", 0.1),
)
def kpi_trend(values: Series) -> float:
    """Trend: the straight-line change per period, as a share of the mean.

    A blank keeps its period: the line goes on through it. Fewer than three values are #N/A, a
    mean of 0 is #DIV/0!, a negative one #NUM!.
    """
    points = [(x, y) for x, y in enumerate(values) if y is not None]
    if len(points) < 3:
        raise NotEnoughData("a trend needs at least three values")
    mean_x = fsum(x for x, _ in points) / len(points)
    mean_y = fsum(y for _, y in points) / len(points)
    # Cents added up are seldom exact: what cancels comes to 0, if not quite.
    if abs(mean_y) <= 1e-14 * max(abs(y) for _, y in points):
        raise ZeroDenominator("the mean of the values is 0")
    if mean_y < 0.0:
        raise OutOfDomain("the mean of the values is negative")
    covariance = fsum((x - mean_x) * (y - mean_y) for x, y in points)
    return covariance / fsum((x - mean_x) ** 2 for x, _ in points) / mean_y


@metric(
    "KPI_ANOMALY",
    returns=LOGICAL,
    result="shape",
    formula="0.6745 * ABS(value - median) / MAD > threshold;"
    " where MAD is 0: ABS(value - median) / (1.2533 * mean absolute deviation)",
    source=f"{OUTLIERS}; for a MAD of 0: IBM SPSS Statistics (modified z score)",
    example=("=KPI_ANOMALY({10,11,10,12,95})", [[False, False, False, False, True]]),
)
def kpi_anomaly(
    values: Series,
    threshold: Annotated[float, Arg("Modified z score from which on", SCORE, POSITIVE)] = 3.5,
) -> list[bool]:
    """Anomalies: TRUE for each value that stands out, in the shape of the values.

    The modified z score, which one wild value cannot hide from by widening the spread. Where all
    values are alike nothing stands out; a blank is FALSE.
    """
    given = [value for value in values if value is not None]
    if not given:
        raise NotEnoughData("there are no values")
    middle = median(given)
    deviations = [_apart(value, middle) for value in given]
    spread = median(deviations) / 0.6745 or 1.2533 * fsum(deviations) / len(deviations)
    return [
        value is not None and spread > 0.0 and _apart(value, middle) / spread > threshold
        for value in values
    ]


def _apart(value: float, other: float) -> float:
    """How far two values are apart; those that differ in the last digit alone are alike."""
    return 0.0 if same(value, other) else abs(value - other)


def median(values: list[float]) -> float:
    """The middle value; `statistics.median` without its import time."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] / 2.0 + ordered[~middle] / 2.0  # the sum may be infinite


@metric(
    "KPI_CHANGE_TEXT",
    returns=TEXT,
    formula="name, current / previous - 1 in percent, current, and whether that is better",
    source="Industry usage in reports",
    example=('=KPI_CHANGE_TEXT("CAC",224,200,"lower")', "CAC rose 12 % to 224 (worse)"),
)
def kpi_change_text(
    name: Annotated[str, Arg("What the sentence is about: a function's name, or any text", TEXT)],
    current: Annotated[float, Arg("The value of this period", VALUE)],
    previous: Annotated[float, Arg("The value of the period before, or of the year before", VALUE)],
    direction: Annotated[
        str | None,
        Arg(
            "What is better; without it the sentence does not judge",
            TEXT,
            words=("higher", "lower"),
        ),
    ] = None,
    language: Annotated[str, Arg("The language of the text", TEXT, words=tuple(LANGUAGES))] = "en",
) -> str:
    """A sentence on how a KPI has changed: "CAC rose 12 % to 224 (worse)".

    The change is in whole percent of the previous value; what rounds to 0 is unchanged. From 0
    or less, or across 0, there is no percentage: both values are given. A name that is one of
    these functions gives the values its unit: rates are written in percent.
    """

    def phrase(pattern: str, **words: str) -> str:
        return say(pattern, language, "phrases").format(**words)

    record = METRICS.get(name.upper().replace(" ", "_"))
    unit = record.returns if record else VALUE
    value, before = (_shown(number, unit, language) for number in (current, previous))
    percent = _percent(current, previous) if previous > 0.0 else None
    rose = current > previous
    if percent == 0 or (value == before and (percent is None or current == previous)):
        return phrase("{name}: unchanged at {value}", name=name, value=value)
    if percent is None or current < 0.0:
        pattern = (
            "{name} rose from {before} to {value}"
            if rose
            else ("{name} fell from {before} to {value}")
        )
        text = phrase(pattern, name=name, before=before, value=value)
    else:
        change = phrase("{number} %", number=_digits(float(percent), 0, language))
        pattern = "{name} rose {change} to {value}" if rose else "{name} fell {change} to {value}"
        text = phrase(pattern, name=name, change=change, value=value)
    if direction is None:
        return text
    return phrase(
        "{text} (better)" if rose == (direction == "higher") else "{text} (worse)", text=text
    )


def _percent(current: float, previous: float) -> int:
    """The change in whole percent, halves up, of the 15 digits that cells show.

    Exactly: from 1 to 1.005 is half a percent, from which a float falls short.
    """
    from fractions import Fraction  # few ask for a sentence

    now, before = (Fraction(f"{number:.15g}") for number in (current, previous))
    return floor(abs(now - before) / before * 100 + Fraction(1, 2))


def _shown(number: float, unit: Unit, language: str) -> str:
    """A value in a sentence: as many digits as one reads."""
    if unit is RATE:
        percent = _digits(number * 100.0, 1, language)
        return say("{number} %", language, "phrases").format(number=percent)
    if unit is COUNT or abs(number) >= 100.0:
        return _digits(number, 0, language)
    if unit is MONEY:
        return _digits(number, 2, language)
    if 0.0 < abs(number) < 0.1:
        return number_text(float(f"{number:.2g}"), language)
    return number_text(float(rounded(number, 2)), language)


def _digits(number: float, decimals: int, language: str) -> str:
    """A number with the marks of a language between thousands and before decimals."""
    text = f"{rounded(number, decimals):,f}"
    text = text.removeprefix("-") if not text.strip("-0.") else text
    whole, _, part = text.partition(".")
    whole = whole.replace(",", say(",", language, "phrases"))
    return whole + (say(".", language, "phrases") + part if part else "")
