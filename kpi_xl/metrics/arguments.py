"""Arguments that several functions share: one wording and one domain wherever they occur."""

from typing import Annotated

from kpi_xl.periods import SHOWN, WORDS
from kpi_xl.registry import Arg
from kpi_xl.units import (
    AT_MOST_ONE,
    BELOW_ONE,
    COUNT,
    DATE,
    INSIDE_SHARE,
    KEY,
    MONEY,
    NOT_NEGATIVE,
    RATE,
    SHARE,
    TEXT,
    VALUE,
)

GrossMargin = Annotated[float, Arg("Gross margin as a fraction of revenue", RATE, AT_MOST_ONE)]
DiscountRate = Annotated[float, Arg("Discount rate per period", RATE, BELOW_ONE)]
Confidence = Annotated[float, Arg("Confidence level", RATE, INSIDE_SHARE)]
Churn = Annotated[float, Arg("Share of customers lost per period", RATE, SHARE, denominator=True)]
RevenueAtStart = Annotated[
    float, Arg("Recurring revenue at the start of the period", MONEY, denominator=True)
]
Contraction = Annotated[
    float, Arg("Recurring revenue lost to downgrades, as a positive amount", MONEY, NOT_NEGATIVE)
]
ChurnedRevenue = Annotated[
    float, Arg("Recurring revenue of the customers who left", MONEY, NOT_NEGATIVE)
]
Expansion = Annotated[float, Arg("Recurring revenue gained from upgrades", MONEY, NOT_NEGATIVE)]

Impressions = Annotated[float, Arg("Impressions", COUNT, denominator=True)]
Leads = Annotated[float, Arg("Leads", COUNT, denominator=True)]
Sessions = Annotated[float, Arg("Sessions", COUNT, denominator=True)]
Delivered = Annotated[float, Arg("E-mails delivered (sent less bounced)", COUNT, denominator=True)]

Promoters = Annotated[float, Arg("Answers of 9 or 10", COUNT)]
Passives = Annotated[float, Arg("Answers of 7 or 8", COUNT)]
Detractors = Annotated[float, Arg("Answers of 0 to 6", COUNT)]

Actual = Annotated[float, Arg("The KPI's value now", VALUE)]
Target = Annotated[float, Arg("The value to reach", VALUE)]

ConversionsA = Annotated[float, Arg("Conversions of variant A", COUNT)]
VisitorsA = Annotated[float, Arg("Visitors who saw variant A", COUNT, denominator=True)]
ConversionsB = Annotated[float, Arg("Conversions of variant B", COUNT)]
VisitorsB = Annotated[float, Arg("Visitors who saw variant B", COUNT, denominator=True)]

Customers = Annotated[
    list[str | float], Arg("Who bought: a row an order", KEY, column=True, blank="refuse")
]
OrderDates = Annotated[
    list[int], Arg("When: Excel dates, or text as 2024-01-31", DATE, column=True, blank="refuse")
]
AMOUNT = Arg("Amount of each row", MONEY, column=True, blank="zero")
Amounts = Annotated[list[float], AMOUNT]
AmountsIfGiven = Annotated[list[float] | None, AMOUNT]
Period = Annotated[
    str,
    Arg(
        "Day, week, month, quarter, year; 30 days from the first order; fiscal year or quarter,"
        " 4-4-5 weeks, with the month they begin in",
        TEXT,
        words=WORDS,
        shown=SHOWN,
    ),
]
Segments = Annotated[
    list[str | float | None] | None,
    Arg(
        "Channel, country, plan ... of each row: that of a customer's first row decides",
        KEY,
        column=True,
        blank="keep",
    ),
]
AsOf = Annotated[
    int | None, Arg("Last day observed; later rows are ignored. Default: the latest date", DATE)
]
