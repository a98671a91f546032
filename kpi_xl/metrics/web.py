"""Visits to a site, and what they turn into."""

from math import fsum
from typing import Annotated

from kpi_xl.errors import ZeroDenominator
from kpi_xl.metrics.arguments import Impressions, Sessions
from kpi_xl.registry import Arg, metric
from kpi_xl.units import AVERAGE, COUNT, POSITIVE, RATE, SCORE, SECONDS

FARRIS = "Farris et al., Marketing Metrics"
GA4 = "Google Analytics Help"

Visitors = Annotated[float, Arg("Visitors", COUNT, denominator=True)]


@metric(
    "CONVERSION_RATE",
    returns=RATE,
    formula="conversions / visitors",
    source=FARRIS,
    example=("=CONVERSION_RATE(50,1000)", 0.05),
)
def conversion_rate(
    conversions: Annotated[float, Arg("Conversions", COUNT)], visitors: Visitors
) -> float:
    """Conversion rate: conversions per visitor. Above 1 where a visitor converts repeatedly."""
    return conversions / visitors


@metric(
    "LANDING_CONVERSION_RATE",
    returns=RATE,
    formula="conversions / landing_visits",
    source="Industry usage",
    example=("=LANDING_CONVERSION_RATE(30,400)", 0.075),
)
def landing_conversion_rate(
    conversions: Annotated[float, Arg("Conversions on the landing page", COUNT)],
    landing_visits: Annotated[float, Arg("Visits to the landing page", COUNT, denominator=True)],
) -> float:
    """Landing page conversion rate. Above 1 where a visit brings several conversions."""
    return conversions / landing_visits


@metric(
    "FORM_CONVERSION_RATE",
    returns=RATE,
    formula="submissions / form_views",
    source="Industry usage",
    example=("=FORM_CONVERSION_RATE(45,300)", 0.15),
)
def form_conversion_rate(
    submissions: Annotated[float, Arg("Forms sent", COUNT)],
    form_views: Annotated[float, Arg("Times that the form was seen", COUNT, denominator=True)],
) -> float:
    """Form conversion rate. Above 1 where one view brings several submissions."""
    return submissions / form_views


@metric(
    "TRIAL_CONVERSION_RATE",
    returns=RATE,
    formula="paid / trials",
    source="Industry usage in software",
    example=("=TRIAL_CONVERSION_RATE(18,120)", 0.15),
)
def trial_conversion_rate(
    paid: Annotated[float, Arg("Trials that became paying customers", COUNT)],
    trials: Annotated[float, Arg("Trials", COUNT, denominator=True)],
) -> float:
    """Trial conversion rate: paying customers per trial. In-period counts can exceed 1."""
    return paid / trials


@metric(
    "CTR",
    returns=RATE,
    formula="clicks / impressions",
    source=FARRIS,
    example=("=CTR(25,1000)", 0.025),
)
def ctr(clicks: Annotated[float, Arg("Clicks", COUNT)], impressions: Impressions) -> float:
    """Click-through rate: clicks per impression."""
    return clicks / impressions


@metric(
    "TRAFFIC_SHARE",
    returns=RATE,
    formula="channel_visits / total_visits",
    source="Industry usage",
    parts=(("channel_visits", "total_visits"),),
    example=("=TRAFFIC_SHARE(4200,12000)", 0.35),
)
def traffic_share(
    channel_visits: Annotated[float, Arg("Visits from the channel", COUNT)],
    total_visits: Annotated[float, Arg("All visits", COUNT, denominator=True)],
) -> float:
    """A channel's share of the traffic: organic, referral, social and so on."""
    return channel_visits / total_visits


@metric(
    "TRAFFIC_GROWTH",
    returns=RATE,
    formula="current / previous - 1",
    source="Industry usage",
    example=("=TRAFFIC_GROWTH(12500,10000)", 0.25),
)
def traffic_growth(
    current: Annotated[float, Arg("Visits of this period", COUNT)],
    previous: Annotated[float, Arg("Visits of the period before", COUNT, denominator=True)],
) -> float:
    """Growth of the traffic over the period before."""
    return current / previous - 1.0


@metric(
    "TRAFFIC_TO_MQL",
    returns=RATE,
    formula="mqls / visitors",
    source="Industry usage",
    example=("=TRAFFIC_TO_MQL(90,6000)", 0.015),
)
def traffic_to_mql(
    mqls: Annotated[float, Arg("Marketing qualified leads", COUNT)], visitors: Visitors
) -> float:
    """Traffic-to-MQL ratio: marketing qualified leads per visitor."""
    return mqls / visitors


@metric(
    "BOUNCE_RATE",
    returns=RATE,
    formula="bounces / sessions",
    source=GA4,
    parts=(("bounces", "sessions"),),
    example=("=BOUNCE_RATE(450,1000)", 0.45),
)
def bounce_rate(
    bounces: Annotated[float, Arg("Sessions without engagement", COUNT)], sessions: Sessions
) -> float:
    """Bounce rate: the share of sessions that were not engaged.

    In Universal Analytics a bounce was a session of a single page; in GA4 it is one that was not
    engaged. Do not compare the two.
    """
    return bounces / sessions


@metric(
    "ENGAGED_SESSION_RATE",
    returns=RATE,
    formula="engaged / sessions",
    source=GA4,
    parts=(("engaged", "sessions"),),
    example=("=ENGAGED_SESSION_RATE(550,1000)", 0.55),
)
def engaged_session_rate(
    engaged: Annotated[float, Arg("Engaged sessions", COUNT)], sessions: Sessions
) -> float:
    """Engagement rate of sessions: 1 less the bounce rate in GA4."""
    return engaged / sessions


@metric(
    "AVG_SESSION_DURATION",
    returns=SECONDS,
    formula="total_seconds / sessions",
    source=GA4,
    example=("=AVG_SESSION_DURATION(90000,1000)", 90.0),
)
def avg_session_duration(
    total_seconds: Annotated[float, Arg("Time of all sessions", SECONDS)], sessions: Sessions
) -> float:
    """Average time of a session, in seconds. Divide by 86400 to format it as a time in Excel."""
    return total_seconds / sessions


@metric(
    "PAGES_PER_SESSION",
    returns=AVERAGE,
    formula="pageviews / sessions",
    source=GA4,
    example=("=PAGES_PER_SESSION(3200,1000)", 3.2),
)
def pages_per_session(
    pageviews: Annotated[float, Arg("Pages viewed", COUNT)], sessions: Sessions
) -> float:
    """Average number of pages viewed in a session."""
    return pageviews / sessions


@metric(
    "CART_ABANDONMENT_RATE",
    returns=RATE,
    formula="1 - purchases / carts",
    source=FARRIS,
    parts=(("purchases", "carts"),),
    example=("=CART_ABANDONMENT_RATE(300,1000)", 0.7),
)
def cart_abandonment_rate(
    purchases: Annotated[float, Arg("Carts that were bought", COUNT)],
    carts: Annotated[float, Arg("Carts that were started", COUNT, denominator=True)],
) -> float:
    """Cart abandonment rate: the share of carts that were started but not bought."""
    return 1.0 - purchases / carts


@metric(
    "AVG_POSITION",
    returns=SCORE,
    formula="SUM(positions * impressions) / SUM(impressions)",
    source="Google Search Console Help",
    example=("=AVG_POSITION({1;5},{300;100})", 2.0),
)
def avg_position(
    positions: Annotated[
        list[float], Arg("Positions in the search results", SCORE, POSITIVE, column=True)
    ],
    impressions: Annotated[
        list[float] | None,
        Arg(
            "Impressions of each; without them every position counts alike",
            COUNT,
            column=True,
            blank="zero",
        ),
    ] = None,
) -> float:
    """Average position of keywords, weighted by impressions where they are given.

    Rows without a position (not ranked) are left out; a blank impression counts as 0.
    """
    if impressions is None:
        return fsum(positions) / len(positions)
    weight = fsum(impressions)
    if not weight:
        raise ZeroDenominator("the impressions add up to 0, so they weigh nothing")
    return fsum(p * w for p, w in zip(positions, impressions, strict=True)) / weight
