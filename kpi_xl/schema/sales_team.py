"""What the sales team's workbook takes."""

from kpi_xl.units import COUNT, DATE, KEY, LARGE

from .records import Column, Input, Schema

WEEKS = Input(
    "Weeks",
    "A row a rep and week. Paste yours below the header; the table grows with them.",
    (
        Column("rep", KEY, "Rep", "Who sold: the name as in the table Targets.", filled=True,
               choices="RepNames"),
        Column("week", DATE, "Week", "The Monday on which the week begins.", filled=True,
               weekly=True),
        Column("sales", LARGE, "Sales", "Sales of the week; refunds are taken off."),
        Column("visits", COUNT, "Sales visits", "Visits to customers."),
        Column("leads", COUNT, "Leads", "Leads that the rep worked on."),
        Column("deals", COUNT, "Deals", "Deals won."),
        Column("spend", LARGE, "Spend", "What selling cost: advertising, travel, samples.",
               positive=True),
    ),
    counted="week",
)  # fmt: skip

TARGETS = Input(
    "Targets",
    "A row a rep: who is listed, and what is asked of each in a month.",
    (
        Column("rep", KEY, "Rep", "The name, spelled as in the table Weeks.", filled=True),
        Column(
            "sales",
            LARGE,
            "Sales a month",
            "Blank: an equal share of the team's target.",
            positive=True,
        ),
        Column("visits", COUNT, "Visits a month", "Blank: the number set on the first sheet."),
    ),
    counted="sales",
)

SCHEMA = Schema(
    "sales_team",
    "Sales team",
    "Who reaches the targets, who needs help, and where the month will end.",
    (WEEKS, TARGETS),
)
