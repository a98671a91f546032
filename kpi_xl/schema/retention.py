"""What the retention workbook takes."""

from kpi_xl.units import COUNT, DATE, KEY, MONEY

from .records import Column, Input, Schema

ORDERS = Input(
    "Orders",
    "A row an order. Paste yours below the header; the table grows with them.",
    (
        Column("customer", KEY, "Customer", "Who bought: a name or a number.", filled=True,
               alike="CUSTOMER_KEYS({0})"),
        Column("date", DATE, "Day of the order", "The day of the order.", filled=True),
        Column("amount", MONEY, "Amount", "What the order came to; a return is below 0."),
        Column("order", KEY, "Order", "Its number, where an order has several rows.",
               required=False),
        Column("status", KEY, "Status", "What became of it: paid, part refunded ...",
               required=False),
    ),
    counted="date",
)  # fmt: skip

SUBSCRIPTIONS = Input(
    "Subscriptions",
    "A row a month (or several, of plans or countries), if your customers pay by subscription.",
    (
        Column("month", DATE, "Month", "Any day of the month.", filled=True),
        Column("customers_start", COUNT, "Customers at the start",
               "Customers on the first day: those of the month before at its end."),
        Column("customers_new", COUNT, "New customers", "Customers won in the month."),
        Column("customers_lost", COUNT, "Customers lost",
               "Customers of the start who left in the month."),
        Column("mrr_start", MONEY, "Revenue at the start",
               "Monthly recurring revenue (MRR) on the first day.", positive=True),
        Column("mrr_new", MONEY, "New revenue", "MRR of the new customers.", positive=True),
        Column("expansion", MONEY, "Expansion", "MRR that customers of the start took more.",
               positive=True),
        Column("contraction", MONEY, "Contraction",
               "MRR that customers of the start took less and stayed, above 0.", positive=True),
        Column("churned", MONEY, "Churned", "MRR of the customers who left, above 0.",
               positive=True),
    ),
    counted="month",
)  # fmt: skip

SURVIVORS = Input(
    "Survivors",
    "How many of a cohort that pays by contract are left after each period, from period 0 on.",
    (
        Column("period", COUNT, "Period", "0, 1, 2 ... in this order.", filled=True),
        Column("customers", COUNT, "Customers left",
               "Customers of the cohort at the end of the period; at 0, all of them."),
        Column("compared", COUNT, "Left of a second cohort",
               "The same of another cohort, to compare the two.", required=False),
    ),
    counted="customers",
)  # fmt: skip

SCHEMA = Schema(
    "retention",
    "Customer retention",
    "Who comes back, when, and what it is worth.",
    (ORDERS, SUBSCRIPTIONS, SURVIVORS),
)
