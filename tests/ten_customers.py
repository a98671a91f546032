"""Ten customers over six months in two channels, and their unit economics worked out by hand.

| customer | channel | orders                              |
|----------|---------|-------------------------------------|
| 1        | ads     | Jan 100, Feb 50                     |
| 2        | ads     | Jan 200                             |
| 3        | mail    | Jan 60, Mar 30, Jun 30              |
| 4        | ads     | Feb 100, Mar 100                    |
| 5        | mail    | Feb 40, Feb -10 (returned), Apr 50  |
| 6        | ads     | Mar 300, Apr -300 (all returned)    |
| 7        | mail    | Apr 80, May 80                      |
| 8        | ads     | Apr 120                             |
| 9        | mail    | Jun 90                              |
| 10       | ads     | May 60, Jun 40                      |

The margin is a half, and 30 June the last day: every month has ended.

Up to each age the cohorts have brought: January 360, 410, 440, 440, 440, 470 with 3 customers;
February 130, 230, 280, 280, 280 with 2; March 300, 0, 0, 0 with 1; April 200, 280, 280 with 2;
May 60, 100 with 1; June 90 with 1.

Of ads, six customers have reached age 0 and 1, with 880 and 770; the five of January to April
have brought 670 by age 2; the four of January to March 550 by age 3; the three of January and
February 550 by age 4; the two of January 350 by age 5. Of mail, four have reached age 0, with 260;
three age 1, with 250, and age 2, with 330; two age 3 and 4, with 170; one age 5, with 120.
"""

from datetime import date
from typing import Any

ORDERS = [
    *[(1, "ads", 1, 100), (1, "mail", 2, 50), (2, "ads", 1, 200)],
    *[(3, "mail", 1, 60), (3, "ads", 3, 30), (3, "mail", 6, 30)],
    *[(4, "ads", 2, 100), (4, "ads", 3, 100)],
    *[(5, "mail", 2, 40), (5, "mail", 2, -10), (5, None, 4, 50)],
    *[(6, "ads", 3, 300), (6, "ads", 4, -300)],
    *[(7, "mail", 4, 80), (7, "mail", 5, 80)],
    *[(8, "ads", 4, 120), (9, "mail", 6, 90), (10, "ads", 5, 60), (10, "ads", 6, 40)],
]
"""Customer, channel of the order, month of 2024, amount: later channels must not count."""

CUSTOMERS: list[Any] = [f"C{customer}" for customer, *_ in ORDERS]
CHANNELS: list[Any] = [channel for _, channel, *_ in ORDERS]
DATES: list[Any] = [date(2024, month, 2 + row % 27) for row, (*_, month, _) in enumerate(ORDERS)]
AMOUNTS: list[Any] = [float(amount) for *_, amount in ORDERS]
MARGIN, AS_OF = 0.5, date(2024, 6, 30)

AGES = list(range(6))
BY_COHORT = [
    ["cohort", "customers", *AGES],
    ["2024-01", 3, 60, 205 / 3, 220 / 3, 220 / 3, 220 / 3, 235 / 3],
    ["2024-02", 2, 32.5, 57.5, 70, 70, 70, ""],
    ["2024-03", 1, 150, 0, 0, 0, "", ""],
    ["2024-04", 2, 50, 70, 70, "", "", ""],
    ["2024-05", 1, 30, 50, "", "", "", ""],
    ["2024-06", 1, 45, "", "", "", "", ""],
]
BY_SEGMENT = [
    ["segment", "customers", *AGES],
    ["ads", 6, 440 / 6, 385 / 6, 67, 68.75, 275 / 3, 87.5],
    ["mail", 4, 32.5, 125 / 3, 55, 42.5, 42.5, 60],
]
OF_ALL = [
    ["cohort", "customers", *AGES],
    ["All", 10, 57, 510 / 9, 62.5, 60, 72, 235 / 3],
]

# Ads cost something each month, also in June when they won nobody; mail cost nothing in April,
# and has no row in May.
SPEND = [
    *[("ads", 1, 90), ("ads", 2, 30), ("ads", 3, 60), ("ads", 4, 40), ("ads", 5, 25)],
    *[("ads", 6, 20), ("mail", 1, 10), ("mail", 1, 5), ("mail", 2, 10), ("mail", 6, 12)],
]
SPEND_CHANNELS: list[Any] = [channel for channel, *_ in SPEND]
SPEND_DATES: list[Any] = [date(2024, month, 1) for _, month, _ in SPEND]
SPENT: list[Any] = [float(amount) for *_, amount in SPEND]
CAC = [
    ["segment", "period", "spend", "new customers", "CAC"],
    ["ads", "2024-01", 90, 2, 45],
    ["ads", "2024-02", 30, 1, 30],
    ["ads", "2024-03", 60, 1, 60],
    ["ads", "2024-04", 40, 1, 40],
    ["ads", "2024-05", 25, 1, 25],
    ["ads", "2024-06", 20, 0, ""],
    ["mail", "2024-01", 15, 1, 15],
    ["mail", "2024-02", 10, 1, 10],
    ["mail", "2024-04", 0, 1, 0],
    ["mail", "2024-06", 12, 1, 12],
]
# 60 a customer is back with mail in the fifth month after the first, 65 nowhere in the data;
# with ads both are back at once.
PAYBACK = {("mail", 60): 5, ("mail", 65): "#N/A", ("mail", 33): 1, ("ads", 65): 0}

# The orders as a subscription's revenue, without the returns: what each paid in each month.
# January: 1 100, 2 200, 3 60. February: 1 50 (contraction 50), 2 and 3 gone (260), 4 100 and 5 40
# new. March: 1 and 5 gone (90), 4 stays, 3 back with 30, 6 new with 300. April: 3, 4 and 6 gone
# (430), 5 back with 50, 7 and 8 new with 200. May: 5 and 8 gone (170), 7 stays, 10 new with 60.
# June: 7 gone (80), 10 pays 40 (contraction 20), 3 back with 30, 9 new with 90.
MOVEMENTS = [
    "month start new expansion contraction churn reactivation end customers".split(),
    ["2024-01", 0, 360, 0, 0, 0, 0, 360, 3],
    ["2024-02", 360, 140, 0, 50, 260, 0, 190, 3],
    ["2024-03", 190, 300, 0, 0, 90, 30, 430, 3],
    ["2024-04", 430, 200, 0, 0, 430, 50, 250, 3],
    ["2024-05", 250, 60, 0, 0, 170, 0, 140, 2],
    ["2024-06", 140, 90, 0, 20, 80, 30, 160, 3],
]
PAID: list[Any] = [max(amount, 0.0) for amount in AMOUNTS]
