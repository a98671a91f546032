"""The KPIs that the scorecard makes of its counts: a record each."""

from typing import NamedTuple

from kpi_xl.metrics import METRICS
from kpi_xl.own import FAMILY as OWN
from kpi_xl.schema.scorecard import MONTHS
from kpi_xl.units import COUNT, TEXT, Unit

from .writing import Proper


class Kpi(NamedTuple):
    """A KPI: its code in the table Goals, and its formula for one period.

    In the formula, {spend} is a count of the period, {spend<} that of the period before, {CAC}
    another KPI of it, {months} how many months it has. `over`: what the formula divides by; where
    that is 0, the KPI is blank. `lower`: lower is better. The unit and the meaning are those of
    `function`, unless a meaning is given. It is the function that the formula begins with; one
    that takes single answers or deals is named, where the table has but their sums. `grows`: it
    becomes more or less with each month of a quarter, as counts do, so that a quarter so far says
    nothing beside a whole one.
    """

    code: str
    label: str
    formula: str
    over: tuple[str, ...] = ()
    lower: bool = False
    meaning: str = ""
    named: str = ""
    grows: bool = False

    @property
    def function(self) -> str:
        """The KPI function that says what it is; nothing for a plain count."""
        return self.named or (self.formula.partition("(")[0] if "(" in self.formula else "")

    @property
    def unit(self) -> Unit:
        """What its numbers mean."""
        return METRICS[self.function].returns if self.function else COUNT

    @property
    def by_months(self) -> bool:
        """Whether it depends on how many months a period has."""
        return self.grows or self.unit is COUNT

    @property
    def definition(self) -> str:
        """What it is, in a sentence."""
        return self.meaning or METRICS[self.function].summary


COUNTS = tuple(column for column in MONTHS.columns if column.name != "month")
AT_START = ("customers_start", "mrr_start")
AT_END = ("customers_end", "active_users", "followers", "audience", "market_buyers")
"""The columns that are a state and are not added up: a quarter has its first or last month's."""

PARTS = (
    ("bounces", "visits"),
    ("organic_visits", "visits"),
    ("referral_visits", "visits"),
    ("social_visits", "visits"),
    ("purchases", "carts"),
    ("marketing_revenue", "revenue"),
    ("organic_revenue", "marketing_revenue"),
    ("revenue", "market_sales"),
    ("marketing_pipeline", "pipeline"),
    ("own_mentions", "market_mentions"),
    ("engaged_visits", "visits"),
    ("reach", "audience"),
    ("customers_end", "market_buyers"),
    ("aware", "asked"),
    ("csat_satisfied", "csat_answers"),
    ("repeat_buyers", "buyers"),
    ("video_completions", "video_starts"),
    ("delivered", "sent"),
    ("opened", "delivered"),
    ("clicked", "delivered"),
    ("unsubscribed", "delivered"),
    ("new_customers", "customers_end"),
    ("active_users", "customers_end"),
    ("mrr_churned", "mrr_start"),
)
"""Columns that are a part of another, and cannot be more."""

FIFTEEN = (
    Kpi("CAC", "Customer acquisition cost (CAC)", "CAC({spend},{new_customers})",
        ("{new_customers}",), lower=True),
    Kpi("CLV", "Customer lifetime value (CLV)",
        "CLV({AOV},{orders}/{customers}/{months},Lifetime,GrossMargin,DiscountRate)",
        ("{customers}",)),
    Kpi("ROI", "Return on investment (ROI)", "ROI({marketing_revenue}*GrossMargin,{spend})",
        ("{spend}",), meaning="Return on investment: the gross margin that marketing brought,"
        " beyond its cost, per unit of cost."),
    Kpi("ROAS", "Return on ad spend (ROAS)", "ROAS({ad_revenue},{ad_spend})", ("{ad_spend}",)),
    Kpi("MQL", "Marketing qualified leads (MQL)", "{mqls}",
        meaning="Leads that marketing finds ready for sales."),
    Kpi("SQL", "Sales qualified leads (SQL)", "{sqls}",
        meaning="Leads that sales takes up."),
    Kpi("FOLLOWER_GROWTH", "Follower growth", "FOLLOWER_GROWTH({followers},{followers<})",
        ("{followers<}",)),
    Kpi("CONVERSION_RATE", "Conversion rate", "CONVERSION_RATE({conversions},{visitors})",
        ("{visitors}",)),
    Kpi("VISITORS", "Website visitors", "{visitors}", meaning="People who came to the website."),
    Kpi("SOCIAL_ENGAGEMENTS", "Social engagement",
        "SOCIAL_ENGAGEMENTS({likes},{shares},{comments})"),
    Kpi("REFERRAL_TRAFFIC", "Referral traffic", "{referral_visits}",
        meaning="Visits that came from links on other sites."),
    Kpi("NPS", "Net promoter score (NPS)", "NPS_COUNTS({promoters},{passives},{detractors})",
        ("{promoters}+{passives}+{detractors}",),
        meaning="Share of promoters (9-10) less share of detractors (0-6), from -100 to 100."),
    Kpi("ORGANIC_TRAFFIC", "Organic traffic", "{organic_visits}",
        meaning="Visits that came from unpaid search results."),
    Kpi("EVENT_ATTENDANCE", "Event attendance", "{attended}",
        meaning="People who came to the events."),
    Kpi("RETENTION_RATE", "Customer retention",
        "RETENTION_RATE({customers_end},{new_customers},{customers_start})",
        ("{customers_start}",), grows=True),
)  # fmt: skip

OTHERS = {
    "Acquisition cost": (
        Kpi("CAC_PAYBACK", "CAC payback, months", "CAC_PAYBACK({CAC},{ARPU},GrossMargin)",
            ("{ARPU}", "GrossMargin"), lower=True),
        Kpi("CPL", "Cost per lead (CPL)", "CPL({spend},{leads})", ("{leads}",), lower=True),
        Kpi("CPA", "Cost per action (CPA)", "CPA({ad_spend},{conversions})", ("{conversions}",),
            lower=True, meaning="Cost per action: advertising spend per conversion."),
        Kpi("CPC", "Cost per click (CPC)", "CPC({ad_spend},{clicks})", ("{clicks}",), lower=True),
        Kpi("CPM", "Cost per mille (CPM)", "CPM({ad_spend},{impressions})", ("{impressions}",),
            lower=True),
        Kpi("AD_FREQUENCY", "Ad frequency", "AD_FREQUENCY({impressions},{reach})", ("{reach}",),
            meaning="How often in a month those who were reached saw the advertising."),
        Kpi("AD_REACH_RATE", "Ad reach", "AD_REACH_RATE({reach}/{months},{audience})",
            ("{audience}",),
            meaning="Share of the target audience that the advertising reached in a month."),
        Kpi("COST_PER_MQL", "Cost per MQL", "COST_PER_MQL({spend},{mqls})", ("{mqls}",),
            lower=True),
        Kpi("COST_PER_SQL", "Cost per SQL", "COST_PER_SQL({spend},{sqls})", ("{sqls}",),
            lower=True),
        Kpi("COST_PER_SQO", "Cost per SQO", "COST_PER_SQO({spend},{sqos})", ("{sqos}",),
            lower=True),
        Kpi("COST_PER_ATTENDEE", "Cost per attendee", "COST_PER_ATTENDEE({event_cost},{attended})",
            ("{attended}",), lower=True),
    ),
    "Return": (
        Kpi("MROI", "Marketing ROI (MROI)",
            "MROI({marketing_revenue},{spend},{organic_revenue},GrossMargin)", ("{spend}",)),
        Kpi("AD_COST_OF_SALES", "Advertising cost of sales",
            "AD_COST_OF_SALES({ad_spend},{ad_revenue})", ("{ad_revenue}",), lower=True),
        Kpi("MER", "Marketing efficiency (MER)", "MER({revenue},{spend})", ("{spend}",)),
        Kpi("MARKETING_COST_RATIO", "Marketing cost ratio",
            "MARKETING_COST_RATIO({spend},{revenue})", ("{revenue}",), lower=True),
        Kpi("REVENUE_CONTRIBUTION", "Contribution to revenue",
            "REVENUE_CONTRIBUTION({marketing_revenue},{revenue})", ("{revenue}",)),
    ),
    "Customer value": (
        Kpi("CLV_RETENTION", "CLV from retention",
            "CLV_RETENTION({ARPU}*{months}*GrossMargin,{RETENTION_RATE},"
            "(1+DiscountRate)^{months}-1)", ("((1+DiscountRate)^{months}-{RETENTION_RATE})",)),
        Kpi("CLV_CHURN", "CLV from churn", "CLV_CHURN({ARPU}*{months},{CHURN_RATE},GrossMargin)",
            ("{CHURN_RATE}",)),
        Kpi("CLV_CAC", "CLV : CAC", "CLV_CAC({CLV},{CAC})", ("{CAC}",)),
        Kpi("CUSTOMER_LIFETIME", "Customer lifetime, months",
            "CUSTOMER_LIFETIME({CHURN_RATE})*{months}", ("{CHURN_RATE}",),
            meaning="How long a customer stays on average at this churn."),
        Kpi("AOV", "Average order value (AOV)", "AOV({revenue},{orders})", ("{orders}",)),
        Kpi("ARPU", "Revenue per customer and month", "ARPU({revenue}/{months},{customers})",
            ("{customers}",), meaning="Revenue of a month per customer, by the mean of customers"
            " at the start and at the end."),
        Kpi("LEAD_VALUE", "Value of a lead", "LEAD_VALUE({revenue},{leads})", ("{leads}",)),
    ),
    "Web traffic and conversion": (
        Kpi("VISITS", "Visits", "{visits}", meaning="Sessions on the website."),
        Kpi("TRAFFIC_GROWTH", "Growth of visits", "TRAFFIC_GROWTH({visits},{visits<})",
            ("{visits<}",)),
        Kpi("ORGANIC_SHARE", "Share of organic traffic",
            "TRAFFIC_SHARE({organic_visits},{visits})", ("{visits}",),
            meaning="Visits from unpaid search results / all visits."),
        Kpi("REFERRAL_SHARE", "Share of referral traffic",
            "TRAFFIC_SHARE({referral_visits},{visits})", ("{visits}",),
            meaning="Visits from links on other sites / all visits."),
        Kpi("SOCIAL_SHARE", "Share of social traffic",
            "TRAFFIC_SHARE({social_visits},{visits})", ("{visits}",),
            meaning="Visits from social networks / all visits."),
        Kpi("TRAFFIC_TO_MQL", "Traffic-to-MQL ratio", "TRAFFIC_TO_MQL({mqls},{visitors})",
            ("{visitors}",)),
        Kpi("BOUNCE_RATE", "Bounce rate", "BOUNCE_RATE({bounces},{visits})", ("{visits}",),
            lower=True),
        Kpi("ENGAGED_SESSION_RATE", "Engaged visits",
            "ENGAGED_SESSION_RATE({engaged_visits},{visits})", ("{visits}",)),
        Kpi("AVG_SESSION_DURATION", "Average visit, seconds",
            "AVG_SESSION_DURATION({visit_seconds},{visits})", ("{visits}",)),
        Kpi("PAGES_PER_SESSION", "Pages per visit", "PAGES_PER_SESSION({pageviews},{visits})",
            ("{visits}",)),
        Kpi("LANDING_CONVERSION_RATE", "Landing page conversion",
            "LANDING_CONVERSION_RATE({landing_conversions},{landing_visits})",
            ("{landing_visits}",)),
        Kpi("FORM_CONVERSION_RATE", "Form conversion",
            "FORM_CONVERSION_RATE({form_submissions},{form_views})", ("{form_views}",)),
        Kpi("TRIAL_CONVERSION_RATE", "Trial conversion",
            "TRIAL_CONVERSION_RATE({trials_paid},{trials})", ("{trials}",)),
        Kpi("CTR", "Click-through rate (CTR)", "CTR({clicks},{impressions})", ("{impressions}",)),
        Kpi("CART_ABANDONMENT_RATE", "Cart abandonment",
            "CART_ABANDONMENT_RATE({purchases},{carts})", ("{carts}",), lower=True),
    ),
    "Content, video, e-mail, events": (
        Kpi("CONTENT_OUTPUT", "Content a month", "CONTENT_OUTPUT({pieces},{months})"),
        Kpi("AVG_VIEW_DURATION", "Average view, seconds",
            "AVG_VIEW_DURATION({watch_seconds},{video_starts})", ("{video_starts}",)),
        Kpi("VIDEO_RETENTION", "Video retention, 30 s",
            "VIDEO_RETENTION({video_30s},{video_starts})", ("{video_starts}",)),
        Kpi("VIDEO_COMPLETION_RATE", "Video completion",
            "VIDEO_COMPLETION_RATE({video_completions},{video_starts})", ("{video_starts}",)),
        Kpi("DELIVERY_RATE", "E-mail delivery rate", "DELIVERY_RATE({delivered},{sent})",
            ("{sent}",)),
        Kpi("OPEN_RATE", "E-mail open rate", "OPEN_RATE({opened},{delivered})", ("{delivered}",)),
        Kpi("EMAIL_CLICK_RATE", "E-mail click rate", "EMAIL_CLICK_RATE({clicked},{delivered})",
            ("{delivered}",)),
        Kpi("CLICK_TO_OPEN_RATE", "Click-to-open rate", "CLICK_TO_OPEN_RATE({clicked},{opened})",
            ("{opened}",)),
        Kpi("UNSUBSCRIBE_RATE", "Unsubscribe rate", "UNSUBSCRIBE_RATE({unsubscribed},{delivered})",
            ("{delivered}",), lower=True),
        Kpi("REGISTRATION_RATE", "Event registration", "REGISTRATION_RATE({registered},{invited})",
            ("{invited}",)),
        Kpi("ATTENDANCE_RATE", "Event attendance rate", "ATTENDANCE_RATE({attended},{registered})",
            ("{registered}",)),
    ),
    "Social and brand": (
        Kpi("ENGAGEMENT_RATE", "Engagement per follower",
            "ENGAGEMENT_RATE({SOCIAL_ENGAGEMENTS},{followers})", ("{followers}",),
            meaning="Likes, shares and comments per follower.", grows=True),
        Kpi("SHARE_OF_VOICE", "Share of voice", "SHARE_OF_VOICE({own_mentions},{market_mentions})",
            ("{market_mentions}",)),
        Kpi("BRAND_AWARENESS", "Brand awareness", "BRAND_AWARENESS({aware},{asked})",
            ("{asked}",)),
        Kpi("MARKET_GROWTH", "Market growth", "MARKET_GROWTH({market_sales},{market_sales<})",
            ("{market_sales<}",)),
        Kpi("MARKET_SHARE", "Market share", "MARKET_SHARE({revenue},{market_sales})",
            ("{market_sales}",)),
        Kpi("MARKET_PENETRATION", "Market penetration",
            "MARKET_PENETRATION({customers_end},{market_buyers})", ("{market_buyers}",),
            meaning="Share of all possible buyers who are customers."),
    ),
    "Leads and sales": (
        Kpi("LEADS", "Leads", "{leads}", meaning="New leads."),
        Kpi("SQO", "Sales qualified opportunities (SQO)", "{sqos}",
            meaning="Opportunities that sales works on."),
        Kpi("MQL_RATE", "Lead-to-MQL rate", "MQL_RATE({mqls},{leads})", ("{leads}",)),
        Kpi("SQL_RATE", "MQL-to-SQL rate", "SQL_RATE({sqls},{mqls})", ("{mqls}",)),
        Kpi("SQO_RATE", "SQL-to-SQO rate", "SQO_RATE({sqos},{sqls})", ("{sqls}",)),
        Kpi("LEAD_TO_CUSTOMER_RATE", "Lead-to-customer rate",
            "LEAD_TO_CUSTOMER_RATE({new_customers},{leads})", ("{leads}",)),
        Kpi("CLOSE_RATE", "Close rate", "CLOSE_RATE({won},{leads})", ("{leads}",)),
        Kpi("WIN_RATE", "Win rate", "WIN_RATE({won},{lost})", ("{won}+{lost}",)),
        Kpi("PIPELINE_WIN_SHARE", "Opportunities won", "PIPELINE_WIN_SHARE({won},{sqos})",
            ("{sqos}",)),
        Kpi("PIPELINE_CONTRIBUTION", "Contribution to the pipeline",
            "PIPELINE_CONTRIBUTION({marketing_pipeline},{pipeline})", ("{pipeline}",)),
        Kpi("SALES_VELOCITY", "Sales velocity, a day",
            "SALES_VELOCITY({sqos},{WIN_RATE},{won_value}/{won},{won_days}/{won})",
            ("{won}", "{won_days}"), grows=True),
        Kpi("SALES_CYCLE", "Sales cycle, days", "{won_days}/{won}", ("{won}",), lower=True,
            named="SALES_CYCLE"),
        Kpi("QUOTA_ATTAINMENT", "Quota attainment", "QUOTA_ATTAINMENT({revenue},{quota})",
            ("{quota}",)),
        Kpi("SALES_GROWTH", "Sales growth", "SALES_GROWTH({revenue},{revenue<})",
            ("{revenue<}",)),
    ),
    "Retention and satisfaction": (
        Kpi("CHURN_RATE", "Churn rate",
            "CHURN_RATE({customers_start}+{new_customers}-{customers_end},{customers_start})",
            ("{customers_start}",), lower=True, grows=True),
        Kpi("ANNUAL_CHURN", "Churn, as of a year", "ANNUAL_CHURN({CHURN_RATE},12/{months})",
            lower=True),
        Kpi("REVENUE_CHURN", "Revenue churn", "REVENUE_CHURN({mrr_churned},{mrr_start})",
            ("{mrr_start}",), lower=True, grows=True),
        Kpi("GRR", "Gross revenue retention (GRR)",
            "GRR({mrr_start},{mrr_contraction},{mrr_churned})", ("{mrr_start}",), grows=True),
        Kpi("NRR", "Net revenue retention (NRR)",
            "NRR({mrr_start},{mrr_contraction},{mrr_churned},{mrr_expansion})",
            ("{mrr_start}",), grows=True),
        Kpi("REPEAT_PURCHASE_RATE", "Repeat purchase rate",
            "REPEAT_PURCHASE_RATE({repeat_buyers},{buyers})", ("{buyers}",),
            meaning="Share of the buyers who had bought before."),
        Kpi("ADOPTION_RATE", "Adoption rate", "ADOPTION_RATE({active_users},{customers_end})",
            ("{customers_end}",)),
        Kpi("NPS_ERROR", "Margin of error of NPS",
            "NPS_ERROR({promoters},{passives},{detractors})",
            ("{promoters}+{passives}+{detractors}",), lower=True),
        Kpi("CSAT", "Customer satisfaction (CSAT)", "{csat_satisfied}/{csat_answers}",
            ("{csat_answers}",), named="CSAT",
            meaning="Customer satisfaction: the share of answers 4 and 5 of 5."),
        Kpi("CES", "Customer effort score (CES)", "{ces_points}/{ces_answers}",
            ("{ces_answers}",), named="CES",
            meaning="Customer effort score: the mean answer on how easy it was; higher is better."),
    ),
}  # fmt: skip

SETTINGS = {"gross_margin": "GrossMargin", "margin": "GrossMargin", "discount_rate": "DiscountRate"}
"""Arguments of a company's own KPIs that are settings here."""


def of_the_company() -> tuple[Kpi, ...]:
    """A company's own KPIs whose arguments are columns of Months, or settings."""
    columns = {column.name for column in COUNTS}
    found = []
    for metric in METRICS.values():
        given = []
        for argument in metric.arguments:
            if argument.name in columns:
                given.append(f"{{{argument.name}}}")
            elif argument.name in SETTINGS:
                given.append(SETTINGS[argument.name])
            else:
                given.append("" if not argument.required else "?")
        single = not any(argument.arg.column for argument in metric.arguments)
        if metric.family == OWN and single and "?" not in given and metric.returns is not TEXT:
            formula = f"{metric.name}({','.join(given).rstrip(',')})"
            found.append(Kpi(metric.name, Proper(metric.name), formula, lower=metric.lower,
                             meaning=Proper(metric.summary)))  # fmt: skip
    return tuple(found)


COMPANY = of_the_company()
if COMPANY:
    OTHERS["Your company's own"] = COMPANY

FAMILIES = {"The fifteen": FIFTEEN, **OTHERS}
KPIS = tuple(kpi for family in FAMILIES.values() for kpi in family)
