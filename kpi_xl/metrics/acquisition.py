"""What it costs to win an impression, a click, a lead, a customer."""

from typing import Annotated

from kpi_xl.metrics.arguments import Impressions, Leads
from kpi_xl.registry import Arg, metric
from kpi_xl.units import AT_MOST_ONE, AVERAGE, COUNT, MONEY, PERIODS, RATE

FARRIS = "Farris et al., Marketing Metrics"
FUNNEL = "Industry usage: spend over the leads that reached the stage"

Spend = Annotated[float, Arg("Marketing spend of the period", MONEY)]


@metric(
    "CAC",
    returns=MONEY,
    formula="spend / new_customers",
    source=FARRIS,
    example=("=CAC(50000,250)", 200.0),
)
def cac(
    spend: Annotated[float, Arg("Sales and marketing spend of the period", MONEY)],
    new_customers: Annotated[
        float, Arg("Customers won in the same period", COUNT, denominator=True)
    ],
) -> float:
    """Customer acquisition cost: sales and marketing spend per customer won.

    What the spend holds makes the variant. Paid CAC: advertising only, over the customers that
    advertising won. Blended CAC: all marketing, over all new customers. Fully loaded CAC: with
    salaries, tools and sales as well. Name the variant beside the figure.
    """
    return spend / new_customers


@metric(
    "CAC_PAYBACK",
    returns=PERIODS,
    formula="cac / (revenue_per_period * gross_margin)",
    source="Skok, SaaS Metrics 2.0 (months to recover CAC)",
    example=("=CAC_PAYBACK(600,100,0.8)", 7.5),
)
def cac_payback(
    cac: Annotated[float, Arg("Customer acquisition cost", MONEY)],
    revenue_per_period: Annotated[
        float, Arg("Revenue per customer and period", MONEY, denominator=True)
    ],
    gross_margin: Annotated[
        float,
        Arg("Gross margin as a fraction of revenue", RATE, AT_MOST_ONE, denominator=True),
    ] = 1.0,
) -> float:
    """CAC payback: the periods until a customer's gross margin has repaid its acquisition.

    The answer counts the periods of `revenue_per_period`: monthly revenue gives months.
    """
    return cac / (revenue_per_period * gross_margin)


@metric(
    "CPL", returns=MONEY, formula="spend / leads", source=FARRIS, example=("=CPL(5000,125)", 40.0)
)
def cpl(spend: Spend, leads: Leads) -> float:
    """Cost per lead: marketing spend per lead."""
    return spend / leads


@metric(
    "CPA", returns=MONEY, formula="spend / actions", source=FARRIS, example=("=CPA(1000,100)", 10.0)
)
def cpa(
    spend: Spend,
    actions: Annotated[float, Arg("Actions that the spend led to", COUNT, denominator=True)],
) -> float:
    """Cost per action: spend per order, sign-up, download or whatever counts as the action."""
    return spend / actions


@metric(
    "CPC", returns=MONEY, formula="spend / clicks", source=FARRIS, example=("=CPC(500,1000)", 0.5)
)
def cpc(spend: Spend, clicks: Annotated[float, Arg("Clicks", COUNT, denominator=True)]) -> float:
    """Cost per click: advertising spend per click."""
    return spend / clicks


@metric(
    "CPM",
    returns=MONEY,
    formula="1000 * spend / impressions",
    source=FARRIS,
    example=("=CPM(200,100000)", 2.0),
)
def cpm(spend: Spend, impressions: Impressions) -> float:
    """Cost per mille: advertising spend per thousand impressions."""
    return 1000.0 * spend / impressions


@metric(
    "AD_FREQUENCY",
    returns=AVERAGE,
    formula="impressions / reach",
    source=FARRIS,
    example=("=AD_FREQUENCY(6000,2000)", 3.0),
)
def ad_frequency(
    impressions: Annotated[float, Arg("Impressions", COUNT)],
    reach: Annotated[float, Arg("People reached at least once", COUNT, denominator=True)],
) -> float:
    """Average frequency: how often the people who were reached saw the advertising."""
    return impressions / reach


@metric(
    "AD_REACH_RATE",
    returns=RATE,
    formula="reach / target_audience",
    source=FARRIS,
    parts=(("reach", "target_audience"),),
    example=("=AD_REACH_RATE(2000,10000)", 0.2),
)
def ad_reach_rate(
    reach: Annotated[float, Arg("People reached at least once", COUNT)],
    target_audience: Annotated[float, Arg("People in the target group", COUNT, denominator=True)],
) -> float:
    """Reach: the share of the target audience that the advertising reached."""
    return reach / target_audience


@metric(
    "COST_PER_MQL",
    returns=MONEY,
    formula="spend / mqls",
    source=FUNNEL,
    example=("=COST_PER_MQL(9000,60)", 150.0),
)
def cost_per_mql(
    spend: Spend, mqls: Annotated[float, Arg("Marketing qualified leads", COUNT, denominator=True)]
) -> float:
    """Cost per marketing qualified lead (MQL)."""
    return spend / mqls


@metric(
    "COST_PER_SQL",
    returns=MONEY,
    formula="spend / sqls",
    source=FUNNEL,
    example=("=COST_PER_SQL(9000,30)", 300.0),
)
def cost_per_sql(
    spend: Spend, sqls: Annotated[float, Arg("Sales qualified leads", COUNT, denominator=True)]
) -> float:
    """Cost per sales qualified lead (SQL)."""
    return spend / sqls


@metric(
    "COST_PER_SQO",
    returns=MONEY,
    formula="spend / sqos",
    source=FUNNEL,
    example=("=COST_PER_SQO(9000,12)", 750.0),
)
def cost_per_sqo(
    spend: Spend,
    sqos: Annotated[float, Arg("Sales qualified opportunities", COUNT, denominator=True)],
) -> float:
    """Cost per sales qualified opportunity (SQO).

    Some articles print another formula for it, by way of the lead price and the stage rates; this
    is spend over count, like the cost of every other stage.
    """
    return spend / sqos


@metric(
    "COST_PER_ATTENDEE",
    returns=MONEY,
    formula="cost / attendees",
    source="Industry usage in event marketing",
    example=("=COST_PER_ATTENDEE(8000,160)", 50.0),
)
def cost_per_attendee(
    cost: Annotated[float, Arg("Cost of the event", MONEY)],
    attendees: Annotated[float, Arg("People who came", COUNT, denominator=True)],
) -> float:
    """Cost per attendee of an event."""
    return cost / attendees
