"""What the unit economics workbook takes."""

from kpi_xl.units import DATE, KEY, MONEY

from . import retention
from .records import Column, Input, Schema

ORDERS = Input(
    "Orders",
    retention.ORDERS.lead,
    (
        *retention.ORDERS.columns,
        Column("cost", MONEY, "Cost of the order",
               "What its goods, shipping and fees cost. Blank: the margin set on {Summary}.",
               required=False),
        Column("channel", KEY, "Channel",
               "What brought the customer, spelled as in the sheet {Spend}.", required=False,
               alike="{0},FALSE"),
        Column("segment", KEY, "Country or segment",
               "It stands for the channel where the setting says so.", required=False,
               alike="{0},FALSE"),
    ),
    counted="date",
)  # fmt: skip

SPEND = Input(
    "Spend",
    "A row a channel and month, also for channels that cost nothing: their spend is 0.",
    (
        Column("month", DATE, "Month", "Any day of the month.", filled=True, monthly=True),
        Column("channel", KEY, "Channel", "The channel, spelled as in the sheet {Orders}.",
               filled=True, alike="{0},FALSE"),
        Column("spend", MONEY, "Spend", "What the channel cost in the month.", positive=True),
    ),
    counted="month",
)  # fmt: skip

TOUCHES = Input(
    "Touches",
    "A row a visit or click of a customer before an order, if touches are to decide the channel.",
    (
        Column("customer", KEY, "Customer", "The customer, as in the sheet {Orders}.", filled=True,
               alike="CUSTOMER_KEYS({0})"),
        Column("date", DATE, "Day", "The day of the touch.", filled=True),
        Column("channel", KEY, "Channel", "The channel, spelled as in the sheet {Spend}.",
               alike="{0},FALSE"),
    ),
    counted="date",
)  # fmt: skip

SUBSCRIBERS = Input(
    "Subscribers",
    "A row a customer and month of recurring revenue, if your customers pay by subscription.",
    (
        Column("customer", KEY, "Customer", "Who pays: a name or a number.", filled=True,
               alike="{0}"),
        Column("month", DATE, "Month", "Any day of the month.", filled=True, monthly=True),
        Column("amount", MONEY, "Monthly revenue",
               "What the customer pays for the month; a year's fee is divided by 12."),
        Column("channel", KEY, "Channel",
               "What brought the customer. Blank: the channel of the orders.", required=False,
               alike="{0},FALSE"),
    ),
    counted="month",
)  # fmt: skip

SCHEMA = Schema(
    "unit_economics",
    "Unit economics",
    "What a customer costs, what a customer brings, and when the cost is back.",
    (ORDERS, SPEND, TOUCHES, SUBSCRIBERS),
)
