"""Forecasts: of a KPI from its own past, and of customers by a fitted model of purchases."""

from math import ceil, log1p
from typing import TYPE_CHECKING, Annotated, Any

from kpi_xl.errors import NotEnoughData, OutOfDomain, WrongInput
from kpi_xl.metrics.arguments import AsOf, Confidence, Customers, OrderDates, Period
from kpi_xl.metrics.economics import refuse_long
from kpi_xl.metrics.histories import Purchases, purchases, week_of
from kpi_xl.metrics.models import BTYD, BUYERS, BUYING_DAYS, BuyingModel, Prior
from kpi_xl.periods import DAYS
from kpi_xl.registry import Arg, metric
from kpi_xl.units import (
    AVERAGE,
    COUNT,
    PERIODS,
    POSITIVE,
    PROBABILITY,
    RATE,
    TABLE,
    VALUE,
    Domain,
)

if TYPE_CHECKING:
    from kpi_xl.buying import Customer

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
    chance, not of a model or parameters that are wrong, and is too narrow for few values: in
    simulations bands of 90 % held 65 to 90 % of what came after 12 or 24 values, and 80 to 95 %
    after 60. The ends of several periods must not be added up.

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
        raise NotEnoughData("{name} holds no values", name="values")
    known = []
    for row in range(rows[0], rows[-1] + 1):
        value = values[row]
        if value is None:
            raise WrongInput(
                "value {row} of values is blank: enter what it was, 0 where nothing happened",
                row=row + 1,
            )
        known.append(value)
    return known


Frequency = Annotated[
    float, Arg("Repeat purchases: days after the first", COUNT, Domain(0, 100_000, whole=True))
]
Recency = Annotated[float, Arg("Periods from the first purchase to the last; 0 without a repeat",
                               PERIODS)]  # fmt: skip
Age = Annotated[float, Arg("Periods from the first purchase to now", PERIODS)]
# Beyond what any fit gives, averages over the customers lose their digits.
SHAPE = Domain(1e-9, 1e9)
NOBODY_STOPS = 1e-18  # so small an a does not differ from 0, whatever b is
R = Annotated[float, Arg("r of BTYD_FIT", AVERAGE, SHAPE)]
Alpha = Annotated[float, Arg("alpha of BTYD_FIT, in the same periods", AVERAGE, SHAPE)]
A = Annotated[float, Arg("a of BTYD_FIT; s of paretonbd; 0: nobody stops", AVERAGE,
                         Domain(0.0, SHAPE.high))]  # fmt: skip
B = Annotated[float, Arg("b of BTYD_FIT; beta of paretonbd", AVERAGE, SHAPE)]
OBSERVED = (("recency", "age"),)
NOTES = "Fader & Hardie (2006), Deriving an Expression for P(X(t) = x) Under the Pareto/NBD Model"


def parameters_of(r: float, alpha: float, a: float, b: float) -> tuple[float, ...]:
    """Parameters as the models have them."""
    return r, alpha, a if a >= NOBODY_STOPS else 0.0, b


def customer(frequency: float, recency: float, age: float) -> "Customer":
    """A history as the models have it."""
    from kpi_xl.buying import Customer

    if bool(frequency) != bool(recency):
        raise OutOfDomain(
            "{frequency} repeat purchases, the last of them {recency} periods after the"
            " first purchase: both are 0, or neither",
            frequency=frequency,
            recency=recency,
        )
    return Customer(frequency, recency, age)


@metric(
    "ALIVE_AT",
    returns=PROBABILITY,
    parts=OBSERVED,
    formula="P(alive) now * mean chance to stay until then, of customers with this history",
    source=f"{BTYD}; Fader & Hardie (2008), Computing P(alive) Using the BG/NBD Model; Fader &"
    " Hardie (2005), A Note on Deriving the Pareto/NBD Model",
    example=("=ALIVE_AT(2,30.43,38.86,0,0.243,4.414,0.793,2.426)", 0.7266),
)
def alive_at(
    frequency: Frequency,
    recency: Recency,
    age: Age,
    ahead: Annotated[float, Arg("Periods from now on; 0: now", PERIODS)],
    r: R,
    alpha: Alpha,
    a: A,
    b: B,
    model: BuyingModel = "bgnbd",
) -> float:
    """Probability that a customer still buys, now or some periods ahead.

    History and parameters are those of CLV_FORECAST and BTYD_FIT, in the same periods. Use it where
    customers come and go unseen; where they pay by contract you know who has left, and
    SBG_FORECAST says who will. With "bgnbd" it is 1 now for everybody who bought once, however long
    ago: to count customers take "mbgnbd" or "paretonbd".
    """
    from kpi_xl.buying import still_alive

    history = customer(frequency, recency, age)
    return still_alive(model, parameters_of(r, alpha, a, b), history, ahead)


@metric(
    "PURCHASES_PROBABILITY",
    returns=PROBABILITY,
    parts=OBSERVED,
    formula="P(alive) * P(n purchases in the horizon by a customer who is there); at 0 also"
    " 1 - P(alive)",
    source=f"{BTYD}; {NOTES}",
    example=("=PURCHASES_PROBABILITY(0,0,0,0,39,0.243,4.414,0.793,2.426)", 0.5738),
)
def purchases_probability(
    n: Annotated[float, Arg("Purchases: exactly so many", COUNT, Domain(0, 100_000, whole=True))],
    frequency: Frequency,
    recency: Recency,
    age: Age,
    horizon: Annotated[float, Arg("Periods from now on", PERIODS)],
    r: R,
    alpha: Alpha,
    a: A,
    b: B,
    model: BuyingModel = "bgnbd",
) -> float:
    """Probability that a customer makes exactly n purchases in the periods to come.

    History and parameters are those of CLV_FORECAST and BTYD_FIT, in the same periods; a history of
    0, 0, 0 is a new customer's. 1 less the value at 0 is the chance to see them again. It is of
    one customer: the purchases of many vary less than their sum says. Not for contracts, nor
    where purchases come at even times (see BGBB_FIT).
    """
    from kpi_xl.buying import probability_of

    history = customer(frequency, recency, age)
    return probability_of(model, parameters_of(r, alpha, a, b), history, int(n), horizon)


@metric(
    "BTYD_DERT",
    returns=AVERAGE,
    parts=OBSERVED,
    formula="purchases expected from now on without end, each worth EXP(-t * LN(1 + discount_rate))"
    " after t periods",
    source="Fader, Hardie & Lee (2005), RFM and CLV: Using Iso-Value Curves for Customer Base"
    " Analysis, Journal of Marketing Research 42, equation 2",
    example=('=BTYD_DERT(7,35,77.86,0.0027,0.563,12.559,0.4081,10.5148,"paretonbd")', 1.8661),
)
def btyd_dert(
    frequency: Frequency,
    recency: Recency,
    age: Age,
    discount_rate: Annotated[float, Arg("Discount rate per period", RATE, POSITIVE)],
    r: R,
    alpha: Alpha,
    a: A,
    b: B,
    model: BuyingModel = "bgnbd",
) -> float:
    """Discounted expected residual transactions: all purchases still to come, at today's worth.

    Times the expected spend of a purchase it is the customer's lifetime value without a horizon.
    History and parameters are those of CLV_FORECAST and BTYD_FIT, and so is the period of the
    discount rate: 15 % a year is 1.15^(7 / 365.25) - 1 a week. Papers that discount at a continuous
    rate d have EXP(d) - 1 here. Much of it lies beyond what the data have seen: where a plan
    has an end, take CLV_FORECAST with that horizon.
    """
    from kpi_xl.buying import residual

    history = customer(frequency, recency, age)
    return residual(model, parameters_of(r, alpha, a, b), history, log1p(discount_rate))


@metric(
    "BTYD_TRACKING",
    returns=TABLE,
    result="table",
    arrays=True,
    formula="SUM over customers of the purchases expected by the period's end since their first"
    " one, less those by the end of the period before",
    source=f"{BTYD}; McCarthy & Wadsworth (2014), Buy 'Til You Die: A Walkthrough",
    columns=(
        ("period", "Counted from the first purchase of all"),
        ("expected", "Repeat purchases in it by the model"),
        ("cumulative", "Repeat purchases up to its end"),
    ),
    example=(
        f'=BTYD_TRACKING({BUYERS},{BUYING_DAYS},1,"M",DATE(2024,6,29))',
        [
            ["period", "expected", "cumulative"],
            [1, 3.3815, 3.3815],
            [2, 7.7982, 11.1797],
            [3, 6.9625, 18.1422],
            [4, 4.7922, 22.9344],
            [5, 3.6922, 26.6266],
            [6, 3.0156, 29.6423],
            [7, 2.5542, 32.1965],
        ],
    ),
)
def btyd_tracking(
    customers: Customers,
    dates: OrderDates,
    horizon: Annotated[
        float,
        Arg(
            "How many periods to go on after as_of, counted in `period`",
            PERIODS,
            Domain(0, 1_000, whole=True),
        ),
    ],
    period: Period = "W",
    as_of: AsOf = None,
    model: BuyingModel = "bgnbd",
    prior: Prior = "none",
) -> list[list[Any]]:
    """Repeat purchases that the fitted model expects, period by period: of the past and ahead.

    BTYD_FIT on what was bought up to as_of, with the prior that it has there, applied to these
    customers from their first purchases on. Periods are 7, 30.4375 ... days as there, counted from
    the first purchase of all; the one that holds as_of is a whole one. Set it beside the repeat
    purchase days that were counted: a model that has missed the past knows no future. New customers
    after as_of are not in it, so it falls; it is no forecast of all sales. Seasons are not in it
    either (see KPI_FORECAST).
    """
    return tracking_rows(purchases(customers, dates, None, as_of), horizon, period, model, prior)


def tracking_rows(
    bought: Purchases, horizon: float, period: str, model: str, prior: str
) -> list[list[Any]]:
    """The table of BTYD_TRACKING."""
    import numpy as np

    from kpi_xl.btyd import MODELS, fit, histories_of
    from kpi_xl.buying import tracking

    births, customers = np.unique(bought.first, return_counts=True)
    since = (births - births[0]) / DAYS[period]
    last = ceil((bought.as_of - births[0]) / DAYS[period]) + int(horizon)
    refuse_long(last)
    histories, _ = histories_of(*bought.history(period))
    parameters = fit(MODELS[model], histories, week=week_of(prior, period)).parameters
    ends = np.arange(1.0, last + 1.0)
    before, rows = 0.0, []
    for number, total in enumerate(
        tracking(model, parameters, since, customers.astype(float), ends), start=1
    ):
        rows.append([number, total - before, total])
        before = total
    return [["period", "expected", "cumulative"], *rows]
