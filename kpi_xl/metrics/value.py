"""What a customer, an order, a lead is worth."""

from math import expm1, log1p
from typing import Annotated

from kpi_xl.errors import OutOfDomain
from kpi_xl.metrics.arguments import Churn, DiscountRate, GrossMargin, Leads
from kpi_xl.registry import Arg, metric
from kpi_xl.units import COUNT, MONEY, NOT_NEGATIVE, PERIODS, RATE, RATIO, SHARE, Domain, exceeds

FARRIS = "Farris et al., Marketing Metrics"

Revenue = Annotated[float, Arg("Revenue of the period", MONEY)]
MarginPerPeriod = Annotated[float, Arg("Margin per customer and period", MONEY)]


@metric(
    "CLV",
    returns=MONEY,
    formula="order_value * orders_per_period * gross_margin * IF(discount_rate = 0,"
    " lifetime_periods, (1 - (1 + discount_rate)^-lifetime_periods) / discount_rate)",
    source="Gupta & Lehmann (2003), Customers as Assets; annuity of finance textbooks",
    example=("=CLV(50,4,3)", 600.0),
)
def clv(
    order_value: Annotated[float, Arg("Average value of an order", MONEY)],
    orders_per_period: Annotated[float, Arg("Orders per customer and period", COUNT)],
    lifetime_periods: Annotated[float, Arg("Periods that a customer stays", PERIODS)],
    gross_margin: GrossMargin = 1.0,
    discount_rate: DiscountRate = 0.0,
) -> float:
    """Customer lifetime value, the marketer's form: order value x orders x lifetime x margin.

    With a discount rate the lifetime becomes an annuity, paid at the end of each period. Its
    period is that of orders_per_period and lifetime_periods. With gross_margin left at 1 the
    result is lifetime revenue, which the popular formula calls CLV too.
    """
    annuity = lifetime_periods
    if discount_rate:
        annuity = -expm1(-lifetime_periods * log1p(discount_rate)) / discount_rate
    return order_value * orders_per_period * gross_margin * annuity


@metric(
    "CLV_RETENTION",
    returns=MONEY,
    formula="margin_per_period * IF(first_payment = 1, 1 + discount_rate, retention)"
    " / (1 + discount_rate - retention)",
    rules=("retention < 1 + discount_rate",),
    source="Gupta & Lehmann (2003), Customers as Assets; Farris et al., Marketing Metrics",
    example=("=CLV_RETENTION(100,0.75)", 300.0),
)
def clv_retention(
    margin_per_period: MarginPerPeriod,
    retention: Annotated[float, Arg("Share of customers kept per period", RATE, SHARE)],
    discount_rate: DiscountRate = 0.0,
    first_payment: Annotated[
        float,
        Arg(
            "1: the first margin comes now; 0: after one period, if the customer stays",
            COUNT,
            Domain(0.0, 1.0, whole=True),
        ),
    ] = 0.0,
) -> float:
    """Customer lifetime value of a constant margin and retention rate, without an end.

    The two conventions of first_payment differ by exactly one margin. Retention must be below
    1 + discount_rate, or the sum has no limit: #NUM!.
    """
    if not exceeds(1.0 + discount_rate, retention):
        raise OutOfDomain("retention must be below 1 + discount_rate: the value has no limit")
    first = 1.0 + discount_rate if first_payment else retention
    return margin_per_period * first / (1.0 + discount_rate - retention)


@metric(
    "CLV_CHURN",
    returns=MONEY,
    formula="revenue_per_period * gross_margin / churn",
    source="Skok, SaaS Metrics 2.0",
    example=("=CLV_CHURN(100,0.05,0.8)", 1600.0),
)
def clv_churn(
    revenue_per_period: Annotated[float, Arg("Revenue per customer and period", MONEY)],
    churn: Churn,
    gross_margin: GrossMargin = 1.0,
) -> float:
    """Customer lifetime value from churn: margin per period x expected lifetime.

    A churn of 0 is #DIV/0!: no churn is invented for customers of whom none has left yet.
    """
    return revenue_per_period * gross_margin / churn


@metric(
    "CLV_EXPANSION",
    returns=MONEY,
    formula="margin_per_period / churn + expansion_per_period * (1 - churn) / churn^2",
    source="Skok, What's Your TRUE Customer Lifetime Value (LTV)?",
    example=("=CLV_EXPANSION(80,0.02,0.8)", 5960.0),
)
def clv_expansion(
    margin_per_period: MarginPerPeriod,
    churn: Churn,
    expansion_per_period: Annotated[
        float, Arg("By how much the margin of a customer grows each period", MONEY, NOT_NEGATIVE)
    ],
) -> float:
    """Customer lifetime value when the margin of those who stay grows by a fixed amount."""
    return margin_per_period / churn + expansion_per_period * (1.0 - churn) / churn**2


@metric(
    "CLV_CAC",
    returns=RATIO,
    formula="clv / cac",
    source="Skok, SaaS Metrics 2.0",
    example=("=CLV_CAC(600,200)", 3.0),
)
def clv_cac(
    clv: Annotated[float, Arg("Customer lifetime value", MONEY)],
    cac: Annotated[float, Arg("Customer acquisition cost", MONEY, denominator=True)],
) -> float:
    """Lifetime value per unit of acquisition cost. 3 is a rule of thumb, not a law."""
    return clv / cac


@metric(
    "CUSTOMER_LIFETIME",
    returns=PERIODS,
    formula="1 / churn",
    source=FARRIS,
    example=("=CUSTOMER_LIFETIME(0.05)", 20.0),
)
def customer_lifetime(churn: Churn) -> float:
    """Expected lifetime of a customer, in the periods of the churn rate."""
    return 1.0 / churn


@metric(
    "AOV",
    returns=MONEY,
    formula="revenue / orders",
    source="Industry usage in e-commerce",
    example=("=AOV(12000,150)", 80.0),
)
def aov(
    revenue: Revenue, orders: Annotated[float, Arg("Orders", COUNT, denominator=True)]
) -> float:
    """Average order value."""
    return revenue / orders


@metric(
    "ARPU",
    returns=MONEY,
    formula="revenue / users",
    source="Industry usage in telecoms and software",
    example=("=ARPU(50000,2000)", 25.0),
)
def arpu(
    revenue: Revenue,
    users: Annotated[float, Arg("Users of the period", COUNT, denominator=True)],
) -> float:
    """Average revenue per user."""
    return revenue / users


@metric(
    "LEAD_VALUE",
    returns=MONEY,
    formula="revenue / leads",
    source="Industry usage: revenue won from leads, per lead",
    example=("=LEAD_VALUE(20000,400)", 50.0),
)
def lead_value(
    revenue: Annotated[float, Arg("Revenue won from these leads", MONEY)], leads: Leads
) -> float:
    """What a lead is worth on average, won or not."""
    return revenue / leads
