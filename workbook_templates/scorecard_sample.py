"""Made-up months and goals, to show the scorecard workbook with."""

import random
from datetime import date
from typing import Any

from kpi_xl.cells import Cell
from kpi_xl.schema.scorecard import GOALS, MONTHS

from .parts import Sample, Sentence

ABOUT = Sentence(
    "Made-up figures of a company that does not exist: thirty months of software subscriptions,"
    " with seasons, chance, and some mistakes, as real exports have, which {Checks} finds."
)


def sample() -> Sample:
    """Thirty months of a company that does not exist, and its goals."""
    chance = random.Random(15)
    names = [column.name for column in MONTHS.columns]
    rows: list[dict[str, Any]] = []
    customers, followers, mrr = 3200, 11_800, 151_000.0
    for number in range(30):
        day = date(2023 + number // 12, number % 12 + 1, 1)
        rows.append(one_month(chance, day, number, customers, followers, mrr))
        customers, followers = rows[-1]["customers_end"], rows[-1]["followers"]
        mrr += rows[-1]["mrr_expansion"] - rows[-1]["mrr_contraction"] - rows[-1]["mrr_churned"]
        mrr += 48 * rows[-1]["new_customers"]
    # What real exports have.
    rows[1]["month"] = date(2203, 2, 1)
    rows[20]["customers_start"] -= 4
    rows[14]["carts"] = rows[14]["purchases"] - 7
    for name in ("promoters", "passives", "detractors"):
        rows[19][name] = None  # no survey in August
    rows.insert(5, dict(rows[4]))
    goals = dict(zip((c.name for c in GOALS.columns), zip(*SAMPLE_GOALS, strict=True), strict=True))
    months = {name: [row[name] for row in rows] for name in names}
    return Sample({"Months": months, "Goals": goals}, ABOUT)


def one_month(
    chance: random.Random, day: date, number: int, customers: int, followers: int, mrr: float
) -> dict[str, Cell]:
    """The counts of a month of the sample: `number` months after the first."""

    def about(middle: float, spread: float = 0.04) -> int:
        return max(0, round(middle * chance.gauss(1, spread)))

    season = (0.98, 1.0, 1.06, 1.02, 1.0, 0.95, 0.86, 0.82, 1.04, 1.08, 1.14, 0.97)[day.month - 1]
    busy = season * 1.011**number
    visitors = about(31_000 * busy)
    visits = about(visitors * 1.36, 0.01)
    press = 1.9 if (day.year, day.month) == (2025, 6) else 1.0  # a newspaper wrote about it
    leads, trials = about(visitors * 0.031), about(visitors * 0.022)
    mqls = about(leads * (0.36 + 0.002 * number))
    sqls = about(mqls * 0.44)
    sqos = about(sqls * 0.58)
    won, lost = about(sqos * 0.31, 0.1), about(sqos * 0.52, 0.1)
    trials_paid = about(trials * 0.165)
    new, gone = won + trials_paid, about(customers * (0.031 - 0.0003 * number), 0.06)
    spend = about(31_000 * busy**0.5)
    ad_spend = about(spend * 0.52)
    orders = about((customers + new - gone) * 0.34)
    revenue = about(orders * 128, 0.03)
    purchases = about(orders * 0.55)
    impressions, sent = about(1_900_000 * busy), about(58_000 * 1.01**number)
    delivered = about(sent * 0.978, 0.003)
    opened = about(delivered * 0.31)
    views, starts = about(visits * 0.21), about(5_200 * busy)
    answers = about(240, 0.08)
    promoters = about(answers * (0.47 + 0.003 * number))
    detractors = about(answers * 0.19, 0.08)
    events = day.month not in (1, 8, 12)
    registered = about(230 * season) * events
    likes = about(followers * 0.21)
    pipeline = about(sqos * 2_900)
    own = about(410 * busy)
    counts: dict[str, Any] = {
        "month": day,
        "spend": spend,
        "revenue": revenue,
        "orders": orders,
        "marketing_revenue": about(revenue * 0.52),
        "ad_spend": ad_spend,
        "ad_revenue": about(ad_spend * 3.7, 0.06),
        "customers_start": customers,
        "new_customers": new,
        "customers_end": customers + new - gone,
        "active_users": about((customers + new - gone) * 0.71, 0.02),
        "visitors": visitors,
        "visits": visits,
        "organic_visits": about(visits * (0.36 + 0.0025 * number)),
        "referral_visits": about(visits * 0.11 * press),
        "social_visits": about(visits * 0.14),
        "bounces": about(visits * 0.46),
        "pageviews": about(visits * 3.1),
        "visit_seconds": about(visits * 148),
        "conversions": about(visitors * (0.026 + 0.0001 * number)),
        "landing_visits": about(visits * 0.27),
        "landing_conversions": about(visits * 0.27 * 0.061),
        "form_views": views,
        "form_submissions": about(views * 0.12),
        "carts": about(purchases * 3.1),
        "purchases": purchases,
        "leads": leads,
        "mqls": mqls,
        "sqls": sqls,
        "sqos": sqos,
        "won": won,
        "lost": lost,
        "won_value": about(won * 2_750),
        "won_days": about(won * 46),
        "pipeline": pipeline,
        "marketing_pipeline": about(pipeline * 0.44),
        "trials": trials,
        "trials_paid": trials_paid,
        "impressions": impressions,
        "clicks": about(impressions * 0.0125),
        "followers": about(followers * 1.017, 0.004),
        "likes": likes,
        "shares": about(likes * 0.12),
        "comments": about(likes * 0.09),
        "own_mentions": own,
        "market_mentions": about(own / (0.17 + 0.001 * number)),
        "pieces": about(13, 0.15),
        "video_starts": starts,
        "video_completions": about(starts * 0.37),
        "watch_seconds": about(starts * 74),
        "sent": sent,
        "delivered": delivered,
        "opened": opened,
        "clicked": about(opened * 0.13),
        "unsubscribed": about(delivered * 0.0024, 0.1),
        "promoters": promoters,
        "passives": max(0, answers - promoters - detractors),
        "detractors": detractors,
        "event_cost": about(5_800) * events,
        "invited": about(820) * events,
        "registered": registered,
        "attended": about(registered * 0.63),
        "mrr_start": round(mrr, 2),
        "mrr_expansion": round(mrr * 0.014 * chance.gauss(1, 0.1), 2),
        "mrr_contraction": round(mrr * 0.006 * chance.gauss(1, 0.1), 2),
        "mrr_churned": round(mrr * 0.023 * chance.gauss(1, 0.1), 2),
    }
    return counts | surveyed(random.Random(number), number, counts)


def surveyed(chance: random.Random, number: int, counts: dict[str, Any]) -> dict[str, Cell]:
    """What research, surveys and plans say of that month, beside its other counts."""

    def about(middle: float, spread: float = 0.04) -> int:
        return round(middle * chance.gauss(1, spread))

    revenue, visits = counts["revenue"], counts["visits"]
    buyers, satisfaction, effort = about(counts["orders"] * 0.92, 0.01), about(310), about(180)
    return {
        "organic_revenue": about(counts["marketing_revenue"] * 0.13),
        "buyers": buyers,
        "repeat_buyers": about(buyers * (0.55 + 0.002 * number)),
        "engaged_visits": about(visits * 0.51, 0.02),
        "quota": round(135_000 * 1.011**number, -3),
        "reach": about(counts["impressions"] / 3.4),
        "audience": 1_400_000,
        "market_sales": about(revenue / (0.064 + 0.0002 * number), 0.02),
        "market_buyers": 90_000 + 350 * number,
        "asked": 500,
        "aware": about(500 * (0.21 + 0.002 * number)),
        "video_30s": about(counts["video_starts"] * 0.58),
        "csat_answers": satisfaction,
        "csat_satisfied": about(satisfaction * (0.79 + 0.001 * number), 0.02),
        "ces_answers": effort,
        "ces_points": about(effort * (5.3 + 0.01 * number), 0.02),
    }


YEAR_END, SUMMER = date(2025, 12, 31), date(2025, 9, 30)
GROWTH, PROFIT, LOYALTY = "Growth plan", "Profit plan", "Customers stay with us"
SAMPLE_GOALS: tuple[tuple[Cell, ...], ...] = (
    ("CAC", "Win a customer for less than 180 by better landing pages", None, 215, 180, YEAR_END,
     "Dana", "Customers from search cost 150", PROFIT),
    ("CLV", "Raise the value of a customer to 640 by larger orders", None, 540, 640, YEAR_END,
     "Ravi", "Bundles sold well in the test", PROFIT),
    ("ROI", "Marketing brings a margin of 1.6 times its cost", None, 0.35, 0.6, YEAR_END, "Dana",
     "The best channel does so already", PROFIT),
    ("ROAS", "Advertising brings 4 for each 1 spent", None, 3.5, 4, SUMMER, "Ravi",
     "Two campaigns of five are above 4", PROFIT),
    ("MQL", "480 qualified leads a month from webinars and search", "M", 380, 480, YEAR_END,
     "Mina", "Webinars are planned for each month", GROWTH),
    ("MQL", "1,500 qualified leads a quarter", "Q", 1150, 1500, YEAR_END, "Mina",
     "Webinars are planned for each month", GROWTH),
    ("SQL", "Hand 215 leads a month to sales", "M", 160, 215, YEAR_END, "Mina",
     "Sales has agreed on the criteria", GROWTH),
    ("FOLLOWER_GROWTH", "Grow by 2 % a month with two videos a week", "M", 0.012, 0.02, SUMMER,
     "Jo", "Videos bring most followers", GROWTH),
    ("CONVERSION_RATE", "2.9 % of visitors convert after the new check-out", None, 0.026, 0.029,
     SUMMER, "Ravi", "The test of the check-out showed it", PROFIT),
    ("VISITORS", "42,000 visitors a month", "M", 33_000, 42_000, YEAR_END, "Jo",
     "Search traffic grows by itself", GROWTH),
    ("SOCIAL_ENGAGEMENTS", "5,000 reactions a month", "M", 3_600, 5_000, YEAR_END, "Jo",
     "Videos double the reactions", GROWTH),
    ("REFERRAL_TRAFFIC", "6,500 visits a month from partners' sites", "M", 4_500, 6_500, YEAR_END,
     "Jo", "Three partners have agreed", GROWTH),
    ("NPS", "An NPS of 40 by answering within a day", None, 28, 40, YEAR_END, "Sam",
     "Most complaints are about waiting", LOYALTY),
    ("ORGANIC_TRAFFIC", "22,500 visits a month from search", "M", 16_000, 22_500, YEAR_END, "Jo",
     "An article a week is written", GROWTH),
    ("EVENT_ATTENDANCE", "160 people a month at events", "M", 130, 160, YEAR_END, "Mina",
     "Reminders by text message work", GROWTH),
    ("RETENTION_RATE", "Keep 97.8 % of customers a month", "M", 0.969, 0.978, YEAR_END, "Sam",
     "Yearly plans keep 99 %", LOYALTY),
    ("BOUNCE_RATE", "Fewer than 42 % leave at once", None, 0.46, 0.42, None, "Jo",
     None, PROFIT),
    ("UNSUBSCRIBE_RATE", "At most 0.2 % leave the newsletter", None, 0.0024, 0.002, YEAR_END,
     None, "Fewer and better issues", LOYALTY),
    ("Conv. rate", "3 % of visitors convert", None, 0.026, 0.03, YEAR_END, "Ravi",
     "The test of the check-out showed it", PROFIT),
    ("ROAS", "Advertising brings 5 for each 1 spent", None, 3.5, 5, YEAR_END, "Dana", None, None),
    ("OPEN_RATE", "A third of the newsletters is opened", None, 0.31, None, SUMMER, "Sam",
     "Subject lines are tested", LOYALTY),
)  # fmt: skip
