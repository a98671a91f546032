"""What the funnel workbook takes."""

from kpi_xl.units import COUNT, DATE, KEY, MONEY

from .records import Column, Input, Schema

LEADS = Input(
    "Leads",
    "A row a lead. A date says when it reached the stage; leave blank what it has not reached.",
    (
        Column("lead_id", KEY, "Lead", "What identifies the lead, once in this table."),
        Column("created", DATE, "Created", "The day on which the lead came in."),
        Column("channel", KEY, "Channel", "Where it came from, spelled as in the sheet {Spend}.",
               alike="{0},FALSE"),
        Column("campaign", KEY, "Campaign or path",
               "The campaign, or the path of touches to the lead, the first one first:"
               " search > mail > event.", required=False, alike="{0},FALSE"),
        Column("owner", KEY, "Owner", "Who looks after it.", required=False, alike="{0},FALSE"),
        Column("mql_date", DATE, "Qualified by marketing",
               "The day on which marketing qualified it (MQL)."),
        Column("sql_date", DATE, "Accepted by sales", "The day on which sales accepted it (SQL)."),
        Column("sqo_date", DATE, "Opportunity",
               "The day on which it became an opportunity (SQO).", required=False),
        Column("won_date", DATE, "Deal won", "The day on which it became a customer."),
        Column("lost_date", DATE, "Deal lost", "The day on which it was given up.", required=False),
        Column("value", MONEY, "Deal value", "What the deal is worth, won or expected."),
    ),
    counted="created",
)  # fmt: skip

SPEND = Input(
    "Spend",
    "A row a channel and month, also for channels that cost nothing: their spend is 0.",
    (
        Column("month", DATE, "Month", "Any day of the month.", filled=True, monthly=True),
        Column("channel", KEY, "Channel", "The channel, spelled as in the sheet {Leads}.",
               filled=True, alike="{0},FALSE"),
        Column("spend", MONEY, "Spend", "What the channel cost in the month.", positive=True),
        Column("impressions", COUNT, "Impressions", "How often it was shown.", required=False),
        Column("clicks", COUNT, "Clicks", "Clicks on it.", required=False),
        Column("visits", COUNT, "Visits", "Visits to the site that it brought.", required=False),
    ),
    counted="month",
)  # fmt: skip

SCHEMA = Schema(
    "funnel",
    "Marketing funnel",
    "From visit to customer: how many, from which channel, at what cost, how fast.",
    (LEADS, SPEND),
)
