"""Social media, share of the market and of the talk."""

from typing import Annotated

from kpi_xl.registry import Arg, metric
from kpi_xl.units import COUNT, NOT_NEGATIVE, RATE, VALUE

FARRIS = "Farris et al., Marketing Metrics"
SOCIAL = "Industry usage in social media marketing"


@metric(
    "SOCIAL_ENGAGEMENTS",
    returns=COUNT,
    formula="likes + shares + comments + messages + tags + mentions",
    source=SOCIAL,
    example=("=SOCIAL_ENGAGEMENTS(320,45,60)", 425.0),
)
def social_engagements(
    likes: Annotated[float, Arg("Likes and other reactions", COUNT)],
    shares: Annotated[float, Arg("Shares", COUNT)],
    comments: Annotated[float, Arg("Comments", COUNT)],
    messages: Annotated[float, Arg("Direct messages", COUNT)] = 0.0,
    tags: Annotated[float, Arg("Tags of the brand", COUNT)] = 0.0,
    mentions: Annotated[float, Arg("Mentions of the brand", COUNT)] = 0.0,
) -> float:
    """Social engagements: all the ways in which people reacted, added up."""
    return likes + shares + comments + messages + tags + mentions


@metric(
    "ENGAGEMENT_RATE",
    returns=RATE,
    formula="engagements / audience",
    source=SOCIAL,
    example=("=ENGAGEMENT_RATE(425,17000)", 0.025),
)
def engagement_rate(
    engagements: Annotated[float, Arg("Engagements", COUNT)],
    audience: Annotated[
        float, Arg("Followers, reach or impressions: name which", COUNT, denominator=True)
    ],
) -> float:
    """Engagement rate: engagements per member of the audience.

    By followers, by reach and by impressions are three KPIs that share this formula: say which
    one it is beside the figure.
    """
    return engagements / audience


@metric(
    "FOLLOWER_GROWTH",
    returns=RATE,
    formula="followers_end / followers_start - 1",
    source=SOCIAL,
    example=("=FOLLOWER_GROWTH(10500,10000)", 0.05),
)
def follower_growth(
    followers_end: Annotated[float, Arg("Followers at the end of the period", COUNT)],
    followers_start: Annotated[
        float, Arg("Followers at the start of the period", COUNT, denominator=True)
    ],
) -> float:
    """Growth of the number of followers in a period."""
    return followers_end / followers_start - 1.0


@metric(
    "MARKET_GROWTH",
    returns=RATE,
    formula="current / previous - 1",
    source=FARRIS,
    example=("=MARKET_GROWTH(2200000,2000000)", 0.1),
)
def market_growth(
    current: Annotated[
        float, Arg("Size of the market now, in money or units", VALUE, NOT_NEGATIVE)
    ],
    previous: Annotated[float, Arg("Size of the market a period before", VALUE, denominator=True)],
) -> float:
    """Growth of the market."""
    return current / previous - 1.0


@metric(
    "SHARE_OF_VOICE",
    returns=RATE,
    formula="own / total",
    source=FARRIS,
    parts=(("own", "total"),),
    example=("=SHARE_OF_VOICE(150,600)", 0.25),
)
def share_of_voice(
    own: Annotated[float, Arg("The brand's mentions or advertising", VALUE, NOT_NEGATIVE)],
    total: Annotated[
        float, Arg("Those of the whole market, the brand included", VALUE, denominator=True)
    ],
) -> float:
    """Share of voice: the brand's share of the market's mentions or advertising."""
    return own / total


@metric(
    "MARKET_SHARE",
    returns=RATE,
    formula="own_sales / market_sales",
    source=FARRIS,
    parts=(("own_sales", "market_sales"),),
    example=("=MARKET_SHARE(300000,2000000)", 0.15),
)
def market_share(
    own_sales: Annotated[float, Arg("Own sales, in money or units", VALUE)],
    market_sales: Annotated[
        float, Arg("Sales of the whole market, in the same", VALUE, denominator=True)
    ],
) -> float:
    """Market share, by revenue or by units."""
    return own_sales / market_sales


@metric(
    "MARKET_PENETRATION",
    returns=RATE,
    formula="buyers / population",
    source=FARRIS,
    parts=(("buyers", "population"),),
    example=("=MARKET_PENETRATION(5000,100000)", 0.05),
)
def market_penetration(
    buyers: Annotated[float, Arg("People who bought the product or category", COUNT)],
    population: Annotated[float, Arg("People in the population", COUNT, denominator=True)],
) -> float:
    """Market penetration: the share of the population that bought."""
    return buyers / population


@metric(
    "BRAND_AWARENESS",
    returns=RATE,
    formula="aware / respondents",
    source=FARRIS,
    parts=(("aware", "respondents"),),
    example=("=BRAND_AWARENESS(320,800)", 0.4),
)
def brand_awareness(
    aware: Annotated[float, Arg("Respondents who know the brand", COUNT)],
    respondents: Annotated[float, Arg("Respondents", COUNT, denominator=True)],
) -> float:
    """Brand awareness: the share of respondents who know the brand.

    Aided (shown the name) and unaided awareness are two figures: say which one it is.
    """
    return aware / respondents
