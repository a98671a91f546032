"""What the campaigns workbook takes."""

from kpi_xl.units import COUNT, DATE, KEY, MONEY

from .records import Column, Input, Schema

CHANNELS = ("search", "shopping", "social", "display", "video", "e-mail", "affiliate")

ADS = Input(
    "Ads",
    "A row a campaign, ad group and day. Paste yours below the header; the table grows with them.",
    (
        Column("date", DATE, "Day", "The day of the figures.", filled=True, daily=True),
        Column("campaign", KEY, "Campaign", "The campaign, always spelled alike.", filled=True,
               alike="{0},FALSE"),
        Column("ad_group", KEY, "Ad group", "The ad group or the mailing.", required=False,
               alike="{0},FALSE"),
        Column("channel", KEY, "Channel", "Search, social, e-mail ... or your own word for it.",
               choices=CHANNELS, open=True, alike="{0},FALSE"),
        Column("impressions", COUNT, "Impressions", "How often it was shown.", required=False),
        Column("clicks", COUNT, "Clicks", "Clicks to the site."),
        Column("cost", MONEY, "Cost", "What the day cost; a credit is below 0."),
        Column("conversions", COUNT, "Conversions", "Orders, or what else counts as a goal."),
        Column("revenue", MONEY, "Revenue", "Revenue of the conversions; a refund is below 0."),
        Column("sent", COUNT, "E-mails sent", "E-mail only: how many were sent.", required=False,
               event=True),
        Column("delivered", COUNT, "E-mails delivered", "E-mail only: sent less bounced.",
               required=False),
        Column("opens", COUNT, "E-mails opened", "E-mail only: recipients who opened it.",
               required=False),
        Column("email_clicks", COUNT, "E-mails clicked",
               "E-mail only: recipients who clicked in it.", required=False),
        Column("unsubscribes", COUNT, "Unsubscribed", "E-mail only: recipients who left the list.",
               required=False),
        Column("video_starts", COUNT, "Video starts", "Video only: how often it was started.",
               required=False),
        Column("video_5s", COUNT, "Watched 5 seconds", "Video only: still there after 5 seconds.",
               required=False),
        Column("video_30s", COUNT, "Watched 30 seconds",
               "Video only: still there after 30 seconds.", required=False),
        Column("video_completions", COUNT, "Watched to the end",
               "Video only: watched to the end.", required=False),
    ),
    counted="date",
)  # fmt: skip

TESTS = Input(
    "Tests",
    "A row an A/B test, if you run any. One that still runs is read with a stricter limit.",
    (
        Column("test", KEY, "Test", "What was tested.", filled=True, alike="{0},FALSE"),
        Column("visitors_a", COUNT, "Visitors of A", "Visitors who saw the old variant, A."),
        Column("conversions_a", COUNT, "Conversions of A", "How many of them converted."),
        Column("visitors_b", COUNT, "Visitors of B", "Visitors who saw the new variant, B."),
        Column("conversions_b", COUNT, "Conversions of B", "How many of them converted."),
        Column(
            "planned_visitors",
            COUNT,
            "Visitors planned",
            "For both together, before the test began; blank: as the sheet {A-B test} says.",
            required=False,
        ),
    ),
    counted="visitors_a",
)

SCHEMA = Schema(
    "campaigns",
    "Campaigns",
    "What each campaign costs and brings, which pay, and what A/B tests show.",
    (ADS, TESTS),
)
