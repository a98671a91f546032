"""Which channels the conversions are owed to."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from math import fsum
from typing import Annotated, Any

from kpi_xl.errors import WrongInput, ZeroDenominator
from kpi_xl.metrics.arguments import AmountsIfGiven
from kpi_xl.registry import Arg, metric
from kpi_xl.units import COUNT, KEY, TABLE, TEXT

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
    removed channel. Values are totals of the rows, and follow the conversions. Arrows (-> and →)
    part touches, too. Spaces around a channel do not count, capitals do. Rows come by conversions,
    the most first; the weights of each path add up to 1, so that no conversion is lost. No
    conversion at all is #DIV/0!.
    """
    journeys = [touches(path) for path in paths]
    total = fsum(conversions)
    if not total:
        raise ZeroDenominator("there are no conversions")
    channels = list(dict.fromkeys(channel for journey in journeys for channel in journey))
    if model == "markov":
        effects = removal_effects(channels, journeys, conversions, nulls)
        all_effects = fsum(effects)
        shares = [effect / all_effects for effect in effects]
        credit = [[share * total for share in shares]]
        if values is not None:
            credit.append([share * fsum(values) for share in shares])
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
        raise WrongInput(f'the path "{text}" has a touch without a name')
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
    return [fsum(parts[channel]) for channel in channels]


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


def removal_effects(
    channels: list[str],
    journeys: list[Path],
    conversions: list[float],
    nulls: list[float] | None,
) -> list[float]:
    """The share of conversions that would be lost without each channel.

    States of the chain are the start, the channels, conversion and failure. Without a channel
    every step to it is a failure. (I - Q)^-1 holds the expected visits from each state to each:
    over those from a channel to itself, they are the probability of coming by it at all; what it
    then converts is lost.
    """
    import numpy as np

    number = {channel: place for place, channel in enumerate(channels, start=1)}
    size = len(channels) + 1
    steps = np.zeros((size, size))
    converting, failing = np.zeros(size), np.zeros(size)
    for row, journey in enumerate(journeys):
        lost = nulls[row] if nulls is not None else 0.0
        places = [0, *(number[channel] for channel in journey)]
        for here, there in pairwise(places):
            steps[here, there] += conversions[row] + lost
        converting[places[-1]] += conversions[row]
        failing[places[-1]] += lost
    leaving = steps.sum(axis=1) + converting + failing
    leaving[leaving == 0.0] = 1.0  # a path that nobody took leads nowhere
    steps, converting = steps / leaving[:, np.newaxis], converting / leaving
    visits = np.linalg.inv(np.eye(size) - steps)
    chances = visits @ converting
    effects: list[float] = (visits[0] / np.diag(visits) * chances / chances[0])[1:].tolist()
    return effects
