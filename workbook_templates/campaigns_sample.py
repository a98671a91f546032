"""A made-up year of advertising and A/B tests, to show the campaigns workbook with."""

from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from kpi_xl.cells import Cell

from .records import Sample, Sentence
from .sample_files import sample_table

SHOP = Sentence(
    "Synthetic: made up by a program for a shop of outdoor goods that does not exist, for the year"
    " 2024, with the faults that real exports have."
)
FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
SEASON = (0.7, 0.75, 0.9, 1.05, 1.25, 1.3, 1.2, 1.0, 0.85, 0.8, 1.15, 1.35)  # by month
WEEK = (1.05, 1.05, 1.0, 1.0, 0.95, 0.9, 1.05)  # from Monday
BUSY = {date(2024, 11, 29): 2.6, date(2024, 11, 30): 1.9, date(2024, 12, 2): 2.4}
RUNAWAY = date(2024, 5, 14)  # a budget without a limit, for a day


class Made(NamedTuple):
    """An ad group of the sample: what it is, on which days it runs, and how well it does.

    `volume` is impressions a day, or e-mails a mailing; `price` is that of a click, of an e-mail
    or of a video start.
    """

    campaign: str
    ad_group: str
    channel: str
    volume: int
    click_rate: float
    price: float
    conversion_rate: float
    order: float
    first: date = FIRST
    last: date = LAST


STOPPED, STARTED = date(2024, 7, 31), date(2024, 5, 6)
MADE_GROUPS = (
    Made("Brand search", "Exact", "search", 1900, 0.14, 0.32, 0.061, 84),
    Made("Brand search", "Phrase", "search", 1200, 0.09, 0.38, 0.048, 79),
    Made("Generic search", "Tents", "search", 5200, 0.031, 0.95, 0.021, 148),
    Made("Generic search", "Backpacks", "search", 4300, 0.034, 0.82, 0.024, 96),
    Made("Generic search", "Jackets", "search", 6100, 0.027, 1.05, 0.017, 112),
    Made("Social prospecting", "Lookalike", "social", 21000, 0.0095, 0.55, 0.009, 88, last=STOPPED),
    Made("Social prospecting", "Broad", "social", 46000, 0.0075, 0.55, 0.006, 86, last=STOPPED),
    Made("Social retargeting", "Cart", "social", 5200, 0.016, 0.74, 0.038, 105),
    Made("Social retargeting", "Product viewers", "social", 8400, 0.012, 0.69, 0.022, 97),
    Made("Newsletter", "Weekly", "e-mail", 21000, 0.026, 0.0022, 0.032, 74),
    Made("Newsletter", "Offers", "e-mail", 18500, 0.034, 0.0022, 0.041, 66),
    Made("Win-back", "Lapsed", "e-mail", 9500, 0.012, 0.0022, 0.018, 71),
    Made("Product video", "Teaser", "video", 15000, 0.0042, 0.014, 0.012, 92, STARTED),
    Made("Product video", "How to pitch", "video", 9000, 0.0061, 0.016, 0.02, 101, STARTED),
    Made("Festival spot", "Spot 20 s", "video", 38000, 0.0011, 0.012, 0.0, 0.0, date(2024, 6, 10),
         date(2024, 7, 14)),
)  # fmt: skip
MAILED = {"Weekly": (1,), "Offers": (4,), "Lapsed": (2,)}  # on which days of the week


def sample() -> Sample:
    """A made-up year of eight campaigns and fifteen ad groups, and five A/B tests."""
    random = Random(2024)
    rows: list[dict[str, Cell]] = []
    for day in (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)):
        for group in MADE_GROUPS:
            mailed = MAILED.get(group.ad_group)
            if group.first <= day <= group.last and (not mailed or day.weekday() in mailed):
                rows.append(made_day(group, day, random))
    spoil(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    ads = {name: [row.get(name) for row in rows] for name in names}
    return Sample({"Ads": ads, "Tests": sample_table("tests")}, SHOP)


def made_day(group: Made, day: date, random: Random) -> dict[str, Cell]:
    """A day of an ad group."""

    def about(mean: float) -> int:
        return int(mean * random.uniform(0.88, 1.12) + random.random())

    busy = SEASON[day.month - 1] * WEEK[day.weekday()] * BUSY.get(day, 1.0)
    row: dict[str, Cell] = {
        "date": day,
        "campaign": group.campaign,
        "ad_group": group.ad_group,
        "channel": group.channel,
    }
    if group.channel == "e-mail":
        sent = about(group.volume * (1 + 0.3 * (day - FIRST).days / 366))
        delivered = sent - about(sent * 0.014)
        row |= {"sent": sent, "delivered": delivered}
        row["opens"] = about(delivered * (0.27 if group.campaign == "Newsletter" else 0.16))
        row["email_clicks"] = about(delivered * group.click_rate)
        row["unsubscribes"] = about(delivered * 0.0019)
        clicks = about(row["email_clicks"] * 1.08)
        cost = sent * group.price
    else:
        impressions = about(group.volume * busy)
        clicks = about(impressions * group.click_rate)
        cost = clicks * group.price * random.uniform(0.92, 1.08)
        row["impressions"] = impressions
    if group.channel == "video":
        starts = about(row["impressions"] * 0.31)
        row |= {"video_starts": starts, "video_5s": about(starts * 0.62)}
        row |= {"video_30s": about(starts * 0.31), "video_completions": about(starts * 0.17)}
        cost = starts * group.price
    if day == RUNAWAY and group.ad_group == "Broad":
        cost *= 9
    conversions = about(clicks * group.conversion_rate) if group.conversion_rate else 0
    revenue = conversions * group.order * random.uniform(0.82, 1.18)
    row |= {"clicks": clicks, "cost": round(cost, 2), "conversions": conversions}
    return row | {"revenue": round(revenue, 2)}


def spoil(rows: list[dict[str, Cell]]) -> None:
    """The faults that real exports have."""

    def of(campaign: str, month: int, day: int) -> list[dict[str, Cell]]:
        here = campaign, date(2024, month, day)
        return [row for row in rows if (row["campaign"], row["date"]) == here]

    for row in of("Generic search", 9, 17):  # a day without tracking: orders were counted
        row["clicks"] = 0
    for day in (4, 5, 6):
        for row in of("Brand search", 3, day):
            row["campaign"] = "Brand Search"
    of("Social retargeting", 10, 8)[0]["cost"] = None
    of("Social retargeting", 10, 21)[0]["cost"] = -35.0  # a credit
    of("Newsletter", 4, 9)[0]["date"] = date(2204, 4, 9)
    refund = of("Generic search", 12, 30)[0]
    refund["revenue"] = -149.0
    twice = of("Product video", 6, 12)[0]
    rows.insert(rows.index(twice) + 1, dict(twice))
