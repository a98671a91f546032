"""What the scorecard takes: counts of months, and goals."""

from kpi_xl.units import COUNT, DATE, KEY, MONEY, SECONDS, TEXT, VALUE, Unit

from .records import Column, Input, Schema


def counts(theme: str, *columns: tuple[str, str, Unit, str]) -> tuple[Column, ...]:
    """Columns of the table Months: name, label, unit, meaning."""
    return tuple(
        Column(name, unit, f"{theme}: {label}", note, required=False, positive=True)
        for name, label, unit, note in columns
    )


MONTHS = Input(
    "Months",
    "A row a month. Fill the columns that you have; a KPI that lacks one of its columns stays"
    " blank. Write 0 where there was none.",
    (
        Column("month", DATE, "Month", "Any day of the month, such as its first.", filled=True),
        *counts(
            "Money",
            ("spend", "marketing spend", MONEY, "All that sales and marketing cost."),
            ("revenue", "revenue", MONEY, "All revenue."),
            ("orders", "orders", COUNT, "All orders or invoices."),
            ("marketing_revenue", "from marketing", MONEY, "Revenue that marketing brought."),
            (
                "organic_revenue",
                "organic revenue",
                MONEY,
                "The part of it that would have come without marketing.",
            ),
            ("ad_spend", "ad spend", MONEY, "What advertising cost; a part of the spend."),
            ("ad_revenue", "from advertising", MONEY, "Revenue that advertising brought."),
        ),
        *counts(
            "Customers",
            ("customers_start", "at the start", COUNT, "Customers on the month's first day."),
            ("new_customers", "new", COUNT, "Customers won in the month."),
            ("customers_end", "at the end", COUNT, "Customers on the month's last day."),
            ("active_users", "active users", COUNT, "Customers who used the product."),
            ("buyers", "buyers", COUNT, "Customers who bought in the month."),
            ("repeat_buyers", "repeat buyers", COUNT, "Those of them who had bought before."),
        ),
        *counts(
            "Website",
            ("visitors", "visitors", COUNT, "People. A quarter adds its months up."),
            ("visits", "visits", COUNT, "Sessions."),
            ("organic_visits", "organic visits", COUNT, "Visits from unpaid search results."),
            ("referral_visits", "referral visits", COUNT, "Visits from links on other sites."),
            ("social_visits", "social visits", COUNT, "Visits from social networks."),
            ("bounces", "bounces", COUNT, "Visits that ended at once."),
            (
                "engaged_visits",
                "engaged visits",
                COUNT,
                "Visits that lasted, converted or saw several pages, as GA4 counts them.",
            ),
            ("pageviews", "page views", COUNT, "Pages seen in all visits."),
            ("visit_seconds", "seconds", SECONDS, "The duration of all visits together."),
            ("conversions", "conversions", COUNT, "Whatever the website is to bring about."),
            ("landing_visits", "landing page visits", COUNT, "Visits to landing pages."),
            ("landing_conversions", "landing conversions", COUNT, "Conversions on them."),
            ("form_views", "form views", COUNT, "How often forms were shown."),
            ("form_submissions", "forms sent", COUNT, "How often they were sent."),
            ("carts", "carts", COUNT, "Shopping carts begun."),
            ("purchases", "purchases", COUNT, "Shopping carts paid for."),
        ),
        *counts(
            "Leads",
            ("leads", "leads", COUNT, "New leads."),
            ("mqls", "MQLs", COUNT, "New marketing qualified leads."),
            ("sqls", "SQLs", COUNT, "New sales qualified leads."),
            ("sqos", "SQOs", COUNT, "New sales qualified opportunities."),
            ("won", "deals won", COUNT, "Deals closed as won."),
            ("lost", "deals lost", COUNT, "Deals closed as lost."),
            ("won_value", "value of won deals", MONEY, "All of them together."),
            ("won_days", "days to win them", COUNT, "From created to won, all deals together."),
            ("quota", "sales quota", MONEY, "The revenue that sales was to reach."),
            ("pipeline", "new pipeline", MONEY, "The value of new opportunities."),
            ("marketing_pipeline", "from marketing", MONEY, "The part that marketing brought."),
            ("trials", "trials", COUNT, "Trials begun."),
            ("trials_paid", "trials paid", COUNT, "Trials that became paying customers."),
        ),
        *counts(
            "Advertising",
            ("impressions", "impressions", COUNT, "How often the advertising was shown."),
            ("clicks", "clicks", COUNT, "Clicks on it."),
            ("reach", "reach", COUNT, "People who saw it at least once."),
            ("audience", "target audience", COUNT, "Everyone whom it is meant for."),
        ),
        *counts(
            "Social",
            ("followers", "followers", COUNT, "On the month's last day."),
            ("likes", "likes", COUNT, "Likes and other reactions."),
            ("shares", "shares", COUNT, "Shares and reposts."),
            ("comments", "comments", COUNT, "Comments and replies."),
            ("own_mentions", "own mentions", COUNT, "Mentions of the brand."),
            ("market_mentions", "all mentions", COUNT, "Mentions of all brands of the market."),
        ),
        *counts(
            "Market",
            ("market_sales", "sales", MONEY, "What all suppliers together sold."),
            (
                "market_buyers",
                "possible buyers",
                COUNT,
                "All who could be customers, on the month's last day.",
            ),
            ("asked", "asked", COUNT, "People asked whether they know the brand."),
            ("aware", "know the brand", COUNT, "Those of them who do."),
        ),
        *counts(
            "Content",
            ("pieces", "pieces", COUNT, "Articles, videos and so on that came out."),
            ("video_starts", "video starts", COUNT, "How often videos were started."),
            ("video_30s", "seen for 30 seconds", COUNT, "How often somebody was still there."),
            ("video_completions", "seen to the end", COUNT, "How often they were."),
            ("watch_seconds", "seconds watched", SECONDS, "All views together."),
        ),
        *counts(
            "E-mail",
            ("sent", "sent", COUNT, "E-mails sent."),
            ("delivered", "delivered", COUNT, "E-mails that arrived."),
            ("opened", "opened", COUNT, "E-mails opened, each counted once."),
            ("clicked", "clicked", COUNT, "E-mails with a click, each counted once."),
            ("unsubscribed", "unsubscribed", COUNT, "Recipients who left."),
        ),
        *counts(
            "Survey",
            ("promoters", "promoters", COUNT, "Answers 9 and 10."),
            ("passives", "passives", COUNT, "Answers 7 and 8."),
            ("detractors", "detractors", COUNT, "Answers 0 to 6."),
            ("csat_answers", "CSAT answers", COUNT, "Answers on satisfaction, from 1 to 5."),
            ("csat_satisfied", "satisfied", COUNT, "Those of 4 and 5."),
            (
                "ces_answers",
                "CES answers",
                COUNT,
                "Answers on how easy it was: the higher, the easier.",
            ),
            ("ces_points", "CES points", COUNT, "The sum of these answers."),
        ),
        *counts(
            "Events",
            ("event_cost", "cost", MONEY, "What events cost."),
            ("invited", "invited", COUNT, "People invited."),
            ("registered", "registered", COUNT, "People registered."),
            ("attended", "attended", COUNT, "People who came."),
        ),
        *counts(
            "Subscriptions",
            ("mrr_start", "at the start", MONEY, "Monthly recurring revenue on the first day."),
            ("mrr_expansion", "expansion", MONEY, "More from the same customers."),
            ("mrr_contraction", "contraction", MONEY, "Less from the same customers."),
            ("mrr_churned", "churned", MONEY, "Lost with the customers who left."),
        ),
    ),
    counted="month",
)

GOALS = Input(
    "Goals",
    "A row a goal: SMART, that is specific, measurable, achievable, relevant, time-bound. The first"
    " goal for a KPI is the one that counts.",
    (
        Column("kpi", KEY, "KPI", "Measurable: the KPI's code, from the list.", filled=True,
               choices="KpiCodes"),
        Column("goal", TEXT, "Goal", "Specific: what is to be reached, and by what.",
               required=False),
        Column("period", KEY, "Month or quarter",
               "M: the target is a month's; Q: a quarter's; blank: of both, as with costs per unit"
               " and rates.", required=False, choices=("M", "Q")),
        Column("baseline", VALUE, "Baseline",
               "Where it stood at the start. A rate is a fraction: 0.03 or 3%.", required=False),
        Column("target", VALUE, "Target", "Where it is to stand at the deadline."),
        Column("deadline", DATE, "Deadline", "Time-bound: by when.", required=False),
        Column("owner", KEY, "Owner", "Who sees to it.", required=False),
        Column("achievable", TEXT, "Achievable because",
               "What makes you think that it can be done.", required=False),
        Column("relevant", TEXT, "Relevant because", "Which aim of the company it serves.",
               required=False),
    ),
    counted="target",
)  # fmt: skip

SCHEMA = Schema(
    "scorecard",
    "Marketing scorecard",
    "The KPIs that every marketer should know, against their goals, by month or quarter.",
    (MONTHS, GOALS),
)
