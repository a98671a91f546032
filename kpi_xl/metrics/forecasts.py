"""Forecasts of a KPI from its own past."""

from typing import Annotated, Any

from kpi_xl.errors import NotEnoughData, WrongInput
from kpi_xl.metrics.arguments import Confidence
from kpi_xl.registry import Arg, metric
from kpi_xl.units import PERIODS, TABLE, VALUE, Domain

WITHOUT_LIBRARY = (
    "forecasts need the package statsmodels, which is not installed: pip install"
    ' "kpi-xl[forecast]" (in xlwings Lite a line statsmodels and a line threadpoolctl in its'
    " requirements)"
)


@metric(
    "KPI_FORECAST",
    returns=TABLE,
    result="table",
    formula="exponential smoothing with additive errors, of the values or of their logarithms: the"
    " trend and season with the least AICc; forecast -/+ z * error of its period",
    source="Hyndman & Khandakar (2008), Automatic Time Series Forecasting, Journal of Statistical"
    " Software 27 (3); Hyndman & Athanasopoulos, Forecasting: Principles and Practice; statsmodels",
    columns=(
        ("period", "How many periods after the last value"),
        ("forecast", "The mean to expect"),
        ("low", "Lower end of the band"),
        ("high", "Upper end of the band"),
    ),
    example=(
        "=KPI_FORECAST({445.3641;453.195;454.4096;422.3789;456.0371;440.3866;425.1944;486.2052;"
        "500.4291;521.2759;508.9476;488.8889;509.8706;456.7229;473.8166;525.9509;549.8338;"
        "542.3405},2,,0.8)",
        [
            ["period", "forecast", "low", "high"],
            [1, 542.6804, 504.4540, 580.9068],
            [2, 542.6804, 492.9082, 592.4525],
        ],
    ),
)
def kpi_forecast(
    values: Annotated[
        list[float | None],
        Arg(
            "The KPI in past periods, the oldest first, whole ones only",
            VALUE,
            column=True,
            blank="keep",
        ),
    ],
    horizon: Annotated[
        float, Arg("How many periods to look ahead", PERIODS, Domain(1, 1_000, whole=True))
    ],
    season: Annotated[
        float,
        Arg(
            "Periods after which a pattern comes again: 12 for months, 7 for days; 1: none",
            PERIODS,
            Domain(1, 366, whole=True),
        ),
    ] = 1.0,
    confidence: Confidence = 0.9,
) -> list[list[Any]]:
    """Forecast of a KPI for the next periods, with a band for each, by exponential smoothing.

    Later values count more than earlier ones. Whether there is a level only, a trend, one that
    fades, and a season, is chosen by the data (AICc). Where all values are above 0, their
    logarithms are tried, too: ups and downs then grow with the level, and a trend is growth by a
    rate. Fewer than two seasons of values: without a season; it takes three to be seen surely.

    Leave the present period out until it is over. Do not use it where something is about to change
    that the past does not know (a price, a budget, a launch), across a break in how the KPI is
    counted, or for more than a season or two ahead: a trend is carried on. The band knows of
    chance, not of a model or parameters that are wrong: in simulations of 12 to 60 values bands of
    90 % held 80 to 90 % of what came. The ends of several periods must not be added up.

    Blanks before the first and after the last value do not count, others are #VALUE!. Fewer than 5
    values, or values without any chance in them, are #N/A; so is everything where statsmodels is
    not installed.
    """
    known = within(values)
    try:
        from kpi_xl.smoothing import forecast
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in ("statsmodels", "threadpoolctl"):
            raise
        raise NotEnoughData(WITHOUT_LIBRARY) from None
    periods = int(season) if len(known) >= 2 * season > 2 else 0
    found = forecast(known, int(horizon), periods, confidence)
    rows = zip(found.mean, found.low, found.high, strict=True)
    return [
        ["period", "forecast", "low", "high"],
        *([number, *row] for number, row in enumerate(rows, start=1)),
    ]


def within(values: list[float | None]) -> list[float]:
    """The values from the first to the last one."""
    rows = [row for row, value in enumerate(values) if value is not None]
    if not rows:
        raise NotEnoughData("values holds no values")
    known = []
    for row in range(rows[0], rows[-1] + 1):
        value = values[row]
        if value is None:
            raise WrongInput(
                f"value {row + 1} of values is blank: enter what it was, 0 where nothing happened"
            )
        known.append(value)
    return known
