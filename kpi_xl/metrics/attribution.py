"""Which channels the conversions are owed to."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise
from math import fsum
from typing import Annotated, Any

from kpi_xl.errors import OutOfDomain, WrongInput, ZeroDenominator
from kpi_xl.metrics.arguments import AmountsIfGiven
from kpi_xl.metrics.tallies import one_channel
from kpi_xl.registry import Arg, metric
from kpi_xl.units import COUNT, KEY, TABLE, TEXT, summed

Path = tuple[str, ...]


@metric(
    "ATTRIBUTION",
    returns=TABLE,
    result="table",
    formula="conversions of each path, split over its touches by the model's weights",
    source="Anderl, Becker, von Wangenheim & Schumann (2016), Mapping the customer journey,"
    " International Journal of Research in Marketing 33 (markov); industry usage",
    columns=(
        ("channel", "The channel"),
        ("conversions", "The conversions that it is credited with"),
        ("value", "The value that it is credited with; only if values are given"),
        ("share", "conversions / all conversions"),
    ),
    example=(
        '=ATTRIBUTION({"ads > mail";"mail"},{10;5})',
        [
            ["channel", "conversions", "share"],
            ["mail", 10, 0.6667],
            ["ads", 5, 0.3333],
        ],
    ),
)
def attribution(
    paths: Annotated[
        list[str | float],
        Arg(
            'The touches before a conversion: "ads > mail > ads"', KEY, column=True, blank="refuse"
        ),
    ],
    conversions: Annotated[
        list[float], Arg("Conversions of each path", COUNT, column=True, blank="zero")
    ],
    model: Annotated[
        str,
        Arg(
            "How to split a conversion over the touches of its path",
            TEXT,
            words=("first", "last", "linear", "position", "time_decay", "markov", "shapley"),
        ),
    ] = "linear",
    values: AmountsIfGiven = None,
    nulls: Annotated[
        list[float] | None,
        Arg(
            "Journeys of each path that ended without converting", COUNT, column=True, blank="zero"
        ),
    ] = None,
) -> list[list[Any]]:
    """Attribution: conversions, and their value, credited to the channels of their paths.

    Models: "first" and "last" touch; "linear" all touches alike; "position" 40 % to the first and
    to the last, 20 % to those between (50 / 50 for two touches); "time_decay" 2^-(steps from the
    end of the path); "shapley" all distinct channels of a path alike; "markov" the removal effects
    of a first-order Markov chain, solved exactly, as shares of all conversions. Repeated touches
    of a channel count each. Only markov uses nulls: without them its chain knows no failure but a
    removed channel. Values are totals of the rows, and follow the conversions; with markov they
    have removal effects of their own, as shares of all value: a conversion after the last channel
    is worth the mean of those that ended there. There values after a channel that never ended in a
    conversion, or that add up to less than 0, are #NUM!. Arrows (-> and →) part touches, too.
    Neither capitals nor spaces around a channel count, and direct and (direct) are one; the
    spelling that comes first is shown. Rows come by conversions, the most first; the weights of
    each path add up to 1, so that no conversion is lost. No conversion at all is #DIV/0!.
    """
    walked = [touches(path) for path in paths]
    spelled = iter(one_channel([channel for journey in walked for channel in journey]))
    journeys = [tuple(str(channel) for channel in islice(spelled, len(one))) for one in walked]
    total = fsum(conversions)
    if not total:
        raise ZeroDenominator("there are no conversions")
    channels = list(dict.fromkeys(channel for journey in journeys for channel in journey))
    if model == "markov":
        if values is not None:
            refuse_values_of_nothing(journeys, conversions, values)
        credit = [
            [share * summed(amounts) for share in removal_shares(effects)]
            for amounts, effects in zip(
                [conversions] if values is None else [conversions, values],
                removal_effects(channels, journeys, conversions, values, nulls),
                strict=True,
            )
        ]
    else:
        weigh = WEIGHTS[model]
        credit = [
            credited(channels, journeys, amounts, weigh)
            for amounts in (conversions, values)
            if amounts is not None
        ]
    header = ["channel", "conversions", *(["value"] if values is not None else []), "share"]
    rows = [
        [channel, *amounts, amounts[0] / total]
        for channel, *amounts in zip(channels, *credit, strict=True)
    ]
    return [header, *sorted(rows, key=lambda row: -row[1])]


def touches(path: str | float) -> Path:
    """The channels of a path, in order."""
    text = f"{path:.15g}" if isinstance(path, float) else path
    text = text.replace("→", ">").replace("->", ">")
    journey = tuple(touch.strip() for touch in text.split(">"))
    if not all(journey):
        raise WrongInput('the path "{text}" has a touch without a name', text=text)
    return journey


def credited(
    channels: list[str],
    journeys: list[Path],
    amounts: list[float],
    weigh: Callable[[Path], Iterable[float]],
) -> list[float]:
    """The amount of each channel, the paths' amounts split by weights that are made to add to 1."""
    parts: dict[str, list[float]] = {channel: [] for channel in channels}
    for journey, amount in zip(journeys, amounts, strict=True):
        weights = list(weigh(journey))
        whole = fsum(weights)
        for channel, weight in zip(journey, weights, strict=True):
            parts[channel].append(amount * weight / whole)
    return [summed(parts[channel]) for channel in channels]


def first_touch(journey: Path) -> Iterator[float]:
    """All to the first."""
    return (float(step == 0) for step in range(len(journey)))


def last_touch(journey: Path) -> Iterator[float]:
    """All to the last."""
    return (float(step == len(journey) - 1) for step in range(len(journey)))


def all_touches(journey: Path) -> Iterator[float]:
    """To each alike."""
    return (1.0 for _ in journey)


def by_position(journey: Path) -> Iterator[float]:
    """40 % to the first and to the last, 20 % to those between."""
    ends, between = {0, len(journey) - 1}, max(len(journey) - 2, 1)
    return (0.4 if step in ends else 0.2 / between for step in range(len(journey)))


def by_time(journey: Path) -> Iterator[float]:
    """Half as much with each step from the end."""
    return (2.0 ** (step + 1 - len(journey)) for step in range(len(journey)))


def all_channels(journey: Path) -> Iterator[float]:
    """To each channel of the path alike, however often it occurs in it."""
    return (1.0 / journey.count(channel) for channel in journey)


WEIGHTS: dict[str, Callable[[Path], Iterable[float]]] = {
    "first": first_touch,
    "last": last_touch,
    "linear": all_touches,
    "position": by_position,
    "time_decay": by_time,
    "shapley": all_channels,
}
"""The weight of each touch of a path, for the models that look at one path at a time."""


def refuse_values_of_nothing(
    journeys: list[Path], conversions: list[float], values: list[float]
) -> None:
    """Refuse values that are of no conversion, and those that leave nothing to share out."""
    converting = {
        journey[-1] for journey, count in zip(journeys, conversions, strict=True) if count
    }
    for journey, value in zip(journeys, values, strict=True):
        if value and journey[-1] not in converting:
            raise OutOfDomain(
                "paths that end in {touch} have a value of {value} and no conversion: markov"
                " shares out the value of conversions",
                touch=journey[-1],
                value=value,
            )
    if summed(values) < 0.0:
        raise OutOfDomain("the values add up to less than 0: there is no value to share out")


MOST_CHANNELS = 4_000
"""Of a Markov chain: each is solved against each other, which takes some 20 seconds."""


def removal_shares(effects: list[float]) -> list[float]:
    """Removal effects as shares of all; of nothing, shares of nothing."""
    whole = fsum(effects)
    if whole < 0.0:
        raise OutOfDomain("without the channels there would be more value than with them")
    return [effect / whole if whole else 0.0 for effect in effects]


def removal_effects(
    channels: list[str],
    journeys: list[Path],
    conversions: list[float],
    values: list[float] | None,
    nulls: list[float] | None,
) -> list[list[float]]:
    """The share of conversions, then that of values, that would be lost without each channel.

    States of the chain are the start, the channels, conversion and failure. Without a channel
    every step to it is a failure. (I - Q)^-1 holds the expected visits from each state to each:
    over those from a channel to itself, they are the probability of coming by it at all; what it
    then converts is lost. What is expected from a state on is 1 a conversion, or its mean value.
    """
    import numpy as np

    if len(channels) > MOST_CHANNELS:
        raise OutOfDomain(
            "{number} channels are more than the {most} whose removal is computed: group them",
            number=len(channels),
            most=MOST_CHANNELS,
        )
    number = {channel: place for place, channel in enumerate(channels, start=1)}
    size = len(channels) + 1
    steps = np.zeros((size, size))
    leaving = np.zeros(size)
    given = [conversions] if values is None else [conversions, values]
    rewards = [np.zeros(size) for _ in given]
    for row, journey in enumerate(journeys):
        lost = nulls[row] if nulls is not None else 0.0
        places = [0, *(number[channel] for channel in journey)]
        for here, there in pairwise(places):
            steps[here, there] += conversions[row] + lost
        leaving[places[-1]] += conversions[row] + lost
        for reward, amounts in zip(rewards, given, strict=True):
            reward[places[-1]] += amounts[row]
    leaving += steps.sum(axis=1)
    leaving[leaving == 0.0] = 1.0  # a path that nobody took leads nowhere
    visits = np.linalg.inv(np.eye(size) - steps / leaving[:, np.newaxis])
    come_by = visits[0] / np.diag(visits)
    expected = [visits @ (reward / leaving) for reward in rewards]
    return [(come_by * to_come / (to_come[0] or 1.0))[1:].tolist() for to_come in expected]
