"""What marketing money brings back."""

from typing import Annotated

from kpi_xl.metrics.arguments import GrossMargin
from kpi_xl.registry import Arg, metric
from kpi_xl.units import MONEY, RATE, RATIO, SHARE

FARRIS = "Farris et al., Marketing Metrics"


@metric(
    "ROI",
    returns=RATE,
    formula="(returns - cost) / cost",
    source=FARRIS,
    example=("=ROI(15000,10000)", 0.5),
)
def roi(
    returns: Annotated[float, Arg("What came back, before subtracting the cost", MONEY)],
    cost: Annotated[float, Arg("What was spent", MONEY, denominator=True)],
) -> float:
    """Return on investment: what came back beyond the cost, per unit of cost."""
    return (returns - cost) / cost


@metric(
    "MROI",
    returns=RATE,
    formula="((sales_increase - organic_increase) * gross_margin - marketing_cost)"
    " / marketing_cost",
    source="Farris et al., Marketing Metrics (return on marketing investment, ROMI)",
    example=("=MROI(100000,20000,10000,0.4)", 0.8),
)
def mroi(
    sales_increase: Annotated[float, Arg("Rise of sales, as money and not as a rate", MONEY)],
    marketing_cost: Annotated[float, Arg("Cost of the marketing", MONEY, denominator=True)],
    organic_increase: Annotated[
        float, Arg("The part of the rise that would have come anyway", MONEY)
    ] = 0.0,
    gross_margin: GrossMargin = 1.0,
) -> float:
    """Marketing return on investment (MROI, ROMI): incremental margin less cost, over cost.

    The incremental form. With gross_margin left at 1 it is the popular form on revenue, which
    overstates the return: it treats the cost of the goods as profit.
    """
    return ((sales_increase - organic_increase) * gross_margin - marketing_cost) / marketing_cost


@metric(
    "ROAS",
    returns=RATIO,
    formula="revenue / ad_spend",
    source=FARRIS,
    example=("=ROAS(100000,10000)", 10.0),
)
def roas(
    revenue: Annotated[float, Arg("Revenue that the advertising brought", MONEY)],
    ad_spend: Annotated[float, Arg("Spend on the advertising", MONEY, denominator=True)],
) -> float:
    """Return on ad spend: revenue per unit of advertising money. 10 is read 10 : 1."""
    return revenue / ad_spend


@metric(
    "BREAKEVEN_ROAS",
    returns=RATIO,
    formula="1 / contribution_margin",
    source="Industry usage: the ROAS at which contribution equals ad spend",
    example=("=BREAKEVEN_ROAS(0.25)", 4.0),
)
def breakeven_roas(
    contribution_margin: Annotated[
        float, Arg("Contribution margin as a fraction of revenue", RATE, SHARE, denominator=True)
    ],
) -> float:
    """The ROAS at which advertising neither earns nor loses."""
    return 1.0 / contribution_margin


@metric(
    "AD_COST_OF_SALES",
    returns=RATE,
    formula="ad_spend / revenue",
    source="Amazon Ads (advertising cost of sales)",
    example=("=AD_COST_OF_SALES(400,2000)", 0.2),
)
def ad_cost_of_sales(
    ad_spend: Annotated[float, Arg("Spend on the advertising", MONEY)],
    revenue: Annotated[float, Arg("Revenue that the advertising brought", MONEY, denominator=True)],
) -> float:
    """Advertising cost of sales: the share of its revenue that advertising costs.

    People write ACoS; in Excel that name is the arccosine.
    """
    return ad_spend / revenue


@metric(
    "MER",
    returns=RATIO,
    formula="total_revenue / marketing_spend",
    source="Industry usage in e-commerce (blended ROAS)",
    example=("=MER(500000,100000)", 5.0),
)
def mer(
    total_revenue: Annotated[float, Arg("All revenue of the period", MONEY)],
    marketing_spend: Annotated[
        float, Arg("All marketing spend of the period", MONEY, denominator=True)
    ],
) -> float:
    """Marketing efficiency ratio: all revenue per unit of all marketing spend."""
    return total_revenue / marketing_spend


@metric(
    "MARKETING_COST_RATIO",
    returns=RATE,
    formula="marketing_cost / sales",
    source=FARRIS,
    example=("=MARKETING_COST_RATIO(12000,100000)", 0.12),
)
def marketing_cost_ratio(
    marketing_cost: Annotated[float, Arg("Cost of the marketing", MONEY)],
    sales: Annotated[float, Arg("Sales of the same period", MONEY, denominator=True)],
) -> float:
    """Marketing cost as a share of sales."""
    return marketing_cost / sales


@metric(
    "REVENUE_CONTRIBUTION",
    returns=RATE,
    formula="marketing_revenue / total_revenue",
    source="Industry usage: marketing-sourced revenue",
    parts=(("marketing_revenue", "total_revenue"),),
    example=("=REVENUE_CONTRIBUTION(30000,120000)", 0.25),
)
def revenue_contribution(
    marketing_revenue: Annotated[float, Arg("Revenue that marketing sourced", MONEY)],
    total_revenue: Annotated[float, Arg("All revenue of the period", MONEY, denominator=True)],
) -> float:
    """Marketing's share of all revenue."""
    return marketing_revenue / total_revenue
