"""From lead to deal."""

from math import fsum
from typing import Annotated

from kpi_xl.errors import NotEnoughData, OutOfDomain
from kpi_xl.metrics.arguments import Leads
from kpi_xl.registry import Arg, metric
from kpi_xl.units import COUNT, DATE, DAYS, MONEY, RATE, SHARE, TEXT, VALUE

FARRIS = "Farris et al., Marketing Metrics"
PIPELINE = "Industry usage in B2B sales"

Opportunities = Annotated[float, Arg("Opportunities", COUNT, denominator=True)]


@metric(
    "MQL_RATE",
    returns=RATE,
    formula="mqls / leads",
    source=PIPELINE,
    example=("=MQL_RATE(60,240)", 0.25),
)
def mql_rate(
    mqls: Annotated[float, Arg("Marketing qualified leads", COUNT)], leads: Leads
) -> float:
    """Share of leads that marketing qualified. In-period counts can exceed 1."""
    return mqls / leads


@metric(
    "SQL_RATE",
    returns=RATE,
    formula="sqls / mqls",
    source=PIPELINE,
    example=("=SQL_RATE(30,60)", 0.5),
)
def sql_rate(
    sqls: Annotated[float, Arg("Sales qualified leads", COUNT)],
    mqls: Annotated[float, Arg("Marketing qualified leads", COUNT, denominator=True)],
) -> float:
    """Share of marketing qualified leads that sales accepted. In-period counts can exceed 1."""
    return sqls / mqls


@metric(
    "SQO_RATE",
    returns=RATE,
    formula="sqos / sqls",
    source=PIPELINE,
    example=("=SQO_RATE(12,30)", 0.4),
)
def sqo_rate(
    sqos: Annotated[float, Arg("Sales qualified opportunities", COUNT)],
    sqls: Annotated[float, Arg("Sales qualified leads", COUNT, denominator=True)],
) -> float:
    """Share of sales qualified leads that became opportunities. In-period it can exceed 1."""
    return sqos / sqls


@metric(
    "LEAD_TO_CUSTOMER_RATE",
    returns=RATE,
    formula="customers / leads",
    source=PIPELINE,
    example=("=LEAD_TO_CUSTOMER_RATE(6,240)", 0.025),
)
def lead_to_customer_rate(
    customers: Annotated[float, Arg("Customers won", COUNT)], leads: Leads
) -> float:
    """Share of leads that became customers. In-period counts can exceed 1."""
    return customers / leads


@metric(
    "CLOSE_RATE",
    returns=RATE,
    formula="won_deals / leads",
    source=PIPELINE,
    example=("=CLOSE_RATE(20,100)", 0.2),
)
def close_rate(won_deals: Annotated[float, Arg("Deals won", COUNT)], leads: Leads) -> float:
    """Close rate: deals won per lead.

    "Closed" in a CRM includes lost deals: pass the won ones.
    """
    return won_deals / leads


@metric(
    "WIN_RATE",
    returns=RATE,
    formula="won / (won + lost)",
    source=PIPELINE,
    example=("=WIN_RATE(30,70)", 0.3),
)
def win_rate(
    won: Annotated[float, Arg("Deals won", COUNT)],
    lost: Annotated[float, Arg("Deals lost", COUNT)],
) -> float:
    """Win rate: the share of decided deals that were won. Open deals are left out."""
    return won / fsum((won, lost))  # which refuses what + makes infinite


@metric(
    "SALES_VELOCITY",
    returns=MONEY,
    formula="opportunities * win_rate * deal_size / cycle_days",
    source=PIPELINE,
    example=("=SALES_VELOCITY(50,0.2,10000,40)", 2500.0),
)
def sales_velocity(
    opportunities: Annotated[float, Arg("Open opportunities", COUNT)],
    win_rate: Annotated[float, Arg("Share of opportunities that are won", RATE, SHARE)],
    deal_size: Annotated[float, Arg("Average value of a won deal", MONEY)],
    cycle_days: Annotated[float, Arg("Days from opportunity to won deal", DAYS, denominator=True)],
) -> float:
    """Sales velocity: the money per day that the pipeline brings in."""
    return opportunities * win_rate * deal_size / cycle_days


@metric(
    "SALES_CYCLE",
    returns=DAYS,
    formula="mean (or median) of closed - created",
    source=PIPELINE,
    example=("=SALES_CYCLE({45292;45300;45310},{45322;45340;45330})", 30.0),
)
def sales_cycle(
    created: Annotated[
        list[int], Arg("When each deal was created", DATE, column=True, blank="refuse")
    ],
    closed: Annotated[
        list[int | None],
        Arg("When it was won; blank while it is open", DATE, column=True, blank="keep"),
    ],
    method: Annotated[str, Arg("The average to take", TEXT, words=("mean", "median"))] = "mean",
) -> float:
    """Length of the sales cycle: days from created to closed.

    Pass won deals; open ones (blank closed) are left out, and with no closed deal at all there is
    no answer: #N/A. A deal closed before it was created is #NUM!. Times of day are cut off.
    """
    days = []
    for row, (start, end) in enumerate(zip(created, closed, strict=True), start=1):
        if end is None:
            continue
        if end < start:
            raise OutOfDomain("closed is before created in deal {row}", row=row)
        days.append(end - start)
    if not days:
        raise NotEnoughData("no deal has a closed date")
    if method == "mean":
        return sum(days) / len(days)
    days.sort()
    middle = len(days) // 2
    return (days[middle] + days[~middle]) / 2


@metric(
    "PIPELINE_CONTRIBUTION",
    returns=RATE,
    formula="marketing_pipeline / total_pipeline",
    source=PIPELINE,
    parts=(("marketing_pipeline", "total_pipeline"),),
    example=("=PIPELINE_CONTRIBUTION(400000,1000000)", 0.4),
)
def pipeline_contribution(
    marketing_pipeline: Annotated[float, Arg("Pipeline that marketing sourced", MONEY)],
    total_pipeline: Annotated[float, Arg("All pipeline", MONEY, denominator=True)],
) -> float:
    """Marketing's share of the pipeline."""
    return marketing_pipeline / total_pipeline


@metric(
    "PIPELINE_WIN_SHARE",
    returns=RATE,
    formula="new_deals / opportunities",
    source=PIPELINE,
    example=("=PIPELINE_WIN_SHARE(15,60)", 0.25),
)
def pipeline_win_share(
    new_deals: Annotated[float, Arg("Deals won in the period", COUNT)],
    opportunities: Opportunities,
) -> float:
    """Share of opportunities that became deals. In-period counts can exceed 1."""
    return new_deals / opportunities


@metric(
    "QUOTA_ATTAINMENT",
    returns=RATE,
    formula="actual / target",
    source=FARRIS,
    example=("=QUOTA_ATTAINMENT(90000,100000)", 0.9),
)
def quota_attainment(
    actual: Annotated[float, Arg("What was reached: sales, visits ...", VALUE)],
    target: Annotated[float, Arg("The quota", VALUE, denominator=True)],
) -> float:
    """Quota attainment: the share of a sales or visit quota that was reached."""
    return actual / target


@metric(
    "SALES_GROWTH",
    returns=RATE,
    formula="current / previous - 1",
    source=FARRIS,
    example=("=SALES_GROWTH(120000,100000)", 0.2),
)
def sales_growth(
    current: Annotated[float, Arg("Sales of this period", MONEY)],
    previous: Annotated[float, Arg("Sales of the period before", MONEY, denominator=True)],
) -> float:
    """Growth of sales over the period before. A negative period before has no growth: #NUM!."""
    return current / previous - 1.0
