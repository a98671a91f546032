"""The campaigns workbook: a row a campaign, ad group and day in; what pays and what does not out.

The sheet Model holds the lists that CHANNEL_MIX spills, with what SUMIFS needs to find each name,
and the blocks that charts draw; see retention.py for why. Every figure is of the days from
FirstDay to LastDay.
"""

from collections.abc import Sequence
from typing import NamedTuple

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from kpi_xl.schema.campaigns import ADS, SCHEMA, TESTS
from kpi_xl.units import (
    COUNT,
    DATE,
    MONEY,
    PROBABILITY,
    RATE,
    RATIO,
    SCORE,
    TEXT,
    Unit,
)

from .campaigns_sample import sample
from .parts import (
    Agreement,
    Figure,
    Problem,
    Series,
    Setting,
    Sheet,
    Template,
    bars,
    best_and_worst,
    blank_if,
    cards,
    checks,
    draw,
    figures,
    header_row,
    headline,
    lines,
    section,
    settings,
    status,
    warn_of_more,
    where,
)
from .writing import BLUE, ORANGE, WARNING, Book, Page, literal

TOP = 4  # the row of the tables' headers, counted from 0: row 5 in Excel
MONTHS, PERIODS, DAYS = 12, 53, 400  # how many of them are shown, the last ones
STANDING_OUT = 10  # days that the sheet Trend lists
TESTED = 10  # tests that the sheet A-B test shows
NAMELESS = "(?)"  # stands for a campaign, ad group or channel that is blank
WITHIN = " ▸ "  # between a campaign and its ad group

# Formulas

IN_RANGE = "(Ads[date]>=FirstDay+0)*(Ads[date]<LastDay+1)"  # sums: so a date is no text here
POSSIBLE = 'Ads[date],">=32874",Ads[date],"<73051"'  # from 1990 to 2100
NONE = "RowsInRange=0"


def total(column: str, *criteria: str, since: str = "FirstDay", until: str = "LastDay") -> str:
    """The sum of a column over days, and over the rows that meet criteria: column, criterion."""
    days = f'Ads[date],">="&{since},Ads[date],"<"&{until}+1'
    return f"SUMIFS(Ads[{column}],{','.join([days, *criteria])})"


def named(column: str) -> str:
    """The names in a column, row by row."""
    return f'IF(Ads[{column}]="","{NAMELESS}",Ads[{column}])'


def criterion(name: str) -> str:
    """What SUMIFS takes to find a name, and nothing else: also one with * or ? in it."""
    plain = name
    for sign in "~*?":
        plain = f'SUBSTITUTE({plain},"{sign}","~{sign}")'
    return f'IF({name}="{NAMELESS}","=","="&{plain})'


def month_of(day: str) -> str:
    """The first day of a day's month."""
    return f"DATE(YEAR({day}),MONTH({day}),1)"


def few_whole(values: str) -> str:
    """The condition that a column of the periods has too few values of whole ones for a trend."""
    return f'SUMPRODUCT((PeriodWhole=1)*({values}<>""))<3'


def dated(day: str, to_the_day: str) -> str:
    """A date as text of digits, to the day if a condition holds, else to the month.

    TEXT would have to know what the reader's Excel calls years and months.
    """
    month = f'YEAR({day})&"-"&RIGHT("0"&MONTH({day}),2)'
    return f'{month}&IF({to_the_day},"-"&RIGHT("0"&DAY({day}),2),"")'


class Listed(NamedTuple):
    """A list of names on the sheet Model: its first column, how it is made, how many are shown.

    It is sorted by the sum of a column of Ads, over the rows of the range that meet `condition`.
    """

    title: str
    column: int
    names: str
    summed: str
    room: int
    condition: str = ""

    @property
    def formula(self) -> str:
        """The names with their sums, the largest first; nothing where there is nothing to sum."""
        rows = IN_RANGE + self.condition
        kept = f'IF({rows},{self.names},"")', f'IF({rows},Ads[{self.summed}],"")'
        spill = f"CHANNEL_MIX({','.join(kept)})"
        return blank_if(NONE, f'IF({total(self.summed)}=0,"",{spill})')

    @property
    def times(self) -> int:
        """The column that counts how often a name has stood in the list, however it is spelled."""
        return self.column + 6


BY_CHANNEL = Listed("Channels", 0, named("channel"), "cost", 8)
BY_CAMPAIGN = Listed("Campaigns", 8, named("campaign"), "cost", 20)
BY_GROUP = Listed(
    "Ad groups", 17, f'{named("campaign")}&"{WITHIN}"&{named("ad_group")}', "cost", 40
)
BY_EMAIL = Listed("E-mail", 30, named("campaign"), "sent", 12, "*(Ads[sent]>0)")
BY_VIDEO = Listed("Video", 38, named("campaign"), "video_starts", 12, "*(Ads[video_starts]>0)")
LISTS = (BY_CHANNEL, BY_CAMPAIGN, BY_GROUP, BY_EMAIL, BY_VIDEO)
BY_MONTH, BY_PERIOD, BY_DAY, COPIED = 46, 53, 60, 68  # the first columns of the blocks over time


class Kpi(NamedTuple):
    """A column of a table: a KPI of the sums in the same row, named as in Ads.

    `blank` is when there is none. `best` marks the best and the worst of it.
    """

    header: str
    formula: str
    blank: str
    unit: Unit
    best: str = ""


class Sum(NamedTuple):
    """A column of a table: the sum of a column of Ads."""

    name: str
    header: str


SUMS = (
    Sum("cost", "Cost"),
    Sum("impressions", "Impressions"),
    Sum("clicks", "Clicks"),
    Sum("conversions", "Conversions"),
    Sum("revenue", "Revenue"),
)

KPIS = (
    Kpi("CTR", "CTR({clicks},{impressions})", "{impressions}=0", RATE, "high"),
    Kpi("CPC", "CPC({cost},{clicks})", "{clicks}=0", MONEY, "low"),
    Kpi("CPM", "CPM({cost},{impressions})", "{impressions}=0", MONEY),
    Kpi("CPA", "CPA({cost},{conversions})", "{conversions}=0", MONEY, "low"),
    Kpi("Conversion rate", "CONVERSION_RATE({conversions},{clicks})", "{clicks}=0", RATE, "high"),
    Kpi("ROAS", "ROAS({revenue},{cost})", "{cost}=0", RATIO, "high"),
    Kpi("Cost of sales", "AD_COST_OF_SALES({cost},{revenue})", "{revenue}=0", RATE),
)

TREND_KPIS = tuple(kpi for kpi in KPIS if kpi.header not in ("CPM", "Cost of sales"))

EMAIL_SUMS = (
    Sum("sent", "Sent"),
    Sum("delivered", "Delivered"),
    Sum("opens", "Opened"),
    Sum("email_clicks", "Clicked"),
    Sum("unsubscribes", "Unsubscribed"),
)
EMAIL_KPIS = (
    Kpi("Delivery rate", "DELIVERY_RATE({delivered},{sent})", "{sent}=0", RATE, "high"),
    Kpi("Open rate", "OPEN_RATE({opens},{delivered})", "{delivered}=0", RATE, "high"),
    Kpi("Click rate", "EMAIL_CLICK_RATE({email_clicks},{delivered})", "{delivered}=0", RATE,
        "high"),
    Kpi("Click-to-open rate", "CLICK_TO_OPEN_RATE({email_clicks},{opens})", "{opens}=0", RATE,
        "high"),
    Kpi("Unsubscribe rate", "UNSUBSCRIBE_RATE({unsubscribes},{delivered})", "{delivered}=0", RATE,
        "low"),
)  # fmt: skip

VIDEO_SUMS = (
    Sum("video_starts", "Started"),
    Sum("video_5s", "After 5 seconds"),
    Sum("video_30s", "After 30 seconds"),
    Sum("video_completions", "At the end"),
)
VIDEO_KPIS = (
    Kpi("Retention at 5 s", "VIDEO_RETENTION({video_5s},{video_starts})", "{video_starts}=0",
        RATE, "high"),
    Kpi("Retention at 30 s", "VIDEO_RETENTION({video_30s},{video_starts})", "{video_starts}=0",
        RATE, "high"),
    Kpi("Completion rate", "VIDEO_COMPLETION_RATE({video_completions},{video_starts})",
        "{video_starts}=0", RATE, "high"),
)  # fmt: skip

# The sheet Summary

SETTINGS = (
    Setting("FromDate", "From", "", DATE, "Blank: from the first of the data"),
    Setting("UntilDate", "Until", "", DATE, "Blank: to the last of the data"),
    Setting("Margin", "Contribution margin", 0.4, RATE, "Of revenue, before advertising"),
    Setting("Period", "Period of the trend", "W", TEXT, "W (weeks) or M (months)", ("W", "M")),
    Setting("StandsOutFrom", "A day stands out from", 3.5, SCORE, "Modified z score of its cost"),
)

FIGURES = {
    "The data": (
        Figure("FirstDay", "First day",
               blank_if(ADS.empty, f'INT(IF(FromDate="",_xlfn.MINIFS(Ads[date],{POSSIBLE}),'
                                   "FromDate))"), DATE, "All sheets begin here"),
        Figure("LastDay", "Last day",
               blank_if(ADS.empty, f'INT(IF(UntilDate="",_xlfn.MAXIFS(Ads[date],{POSSIBLE}),'
                                   "UntilDate))"), DATE, "All sheets end here"),
        Figure("RowsInRange", "Rows", f"=IF({ADS.empty},0,SUMPRODUCT({IN_RANGE}))", COUNT,
               "Rows of these days"),
    ),
    "Totals": (
        Figure("Cost", "Cost", blank_if(NONE, total("cost")), MONEY, "Credits taken off"),
        Figure("Revenue", "Revenue", blank_if(NONE, total("revenue")), MONEY,
               "Refunds taken off"),
        Figure("Earned", "Margin less cost", blank_if(NONE, "Revenue*Margin-Cost"), MONEY,
               "What the advertising earned"),
        Figure("Impressions", "Impressions", blank_if(NONE, total("impressions")), COUNT, ""),
        Figure("Clicks", "Clicks", blank_if(NONE, total("clicks")), COUNT, ""),
        Figure("Conversions", "Conversions", blank_if(NONE, total("conversions")), COUNT, ""),
    ),
    "Ratios": (
        Figure("AdReturn", "ROAS", blank_if(NONE, 'IF(Cost=0,"",ROAS(Revenue,Cost))'), RATIO,
               "Revenue / cost"),
        Figure("BreakEven", "Break-even ROAS", blank_if(NONE, "BREAKEVEN_ROAS(Margin)"), RATIO,
               "Below it advertising loses"),
        Figure("CostOfSales", "Cost of sales",
               blank_if(NONE, 'IF(Revenue=0,"",AD_COST_OF_SALES(Cost,Revenue))'), RATE,
               "Cost / revenue (ACoS)"),
        Figure("ActionCost", "CPA", blank_if(NONE, 'IF(Conversions=0,"",CPA(Cost,Conversions))'),
               MONEY, "Cost / conversions"),
        Figure("ClickCost", "CPC", blank_if(NONE, 'IF(Clicks=0,"",CPC(Cost,Clicks))'), MONEY,
               "Cost / clicks"),
        Figure("ClickRate", "CTR",
               blank_if(NONE, 'IF(Impressions=0,"",CTR(Clicks,Impressions))'), RATE,
               "Clicks / impressions"),
        Figure("ConversionRate", "Conversion rate",
               blank_if(NONE, 'IF(Clicks=0,"",CONVERSION_RATE(Conversions,Clicks))'), RATE,
               "Conversions / clicks"),
    ),
    "In words": (
        Figure("BestCampaign", "Best ROAS",
               '=IF(COUNT(CampaignReturn)=0,"",'
               "INDEX(CampaignName,MATCH(MAX(CampaignReturn),CampaignReturn,0)))", TEXT, ""),
        Figure("WorstCampaign", "Worst ROAS",
               '=IF(COUNT(CampaignReturn)=0,"",'
               "INDEX(CampaignName,MATCH(MIN(CampaignReturn),CampaignReturn,0)))", TEXT, ""),
        Figure("LosingCost", "Cost below break-even",
               blank_if(NONE, 'IF(COUNT(CampaignReturn)=0,"",'
                              'SUMIFS(CampaignCost,CampaignReturn,"<"&BreakEven))'), MONEY,
               "Of campaigns that lose"),
    ),
}  # fmt: skip

CARDS = ("Cost", "Revenue", "AdReturn", "BreakEven", "ActionCost", "Earned")

# The sheet A-B test

TEST_SETTINGS = (
    Setting("Baseline", "Conversion rate now", "", RATE, "Blank: that of the campaigns"),
    Setting("Change", "Change to detect", 0.1, RATE, "10%: from 5.0% to 5.5%, say"),
    Setting("Significance", "Significance", 0.05, RATE,
            "Chance of seeing a difference that is not there"),
    Setting("TestPower", "Power", 0.8, RATE, "Chance of seeing a difference that is there"),
    Setting("Visitors", "Visitors a day", "", COUNT, "Blank: the clicks of the campaigns"),
)  # fmt: skip


def sample_size(change: str, power: str) -> str:
    """Visitors of each variant to see a relative change; nothing where no sample would tell."""
    return (
        f'IF(BaselineRate="","",IF(BaselineRate<=0,"",IF({change}<=0,"",'
        f'IF(BaselineRate*(1+{change})>=1,"",'
        f"SAMPLE_SIZE(BaselineRate,BaselineRate*{change},Significance,{power})))))"
    )


def test_days(visitors: str) -> str:
    """Days until both variants have had so many visitors."""
    none = f'OR({visitors}="",DailyVisitors="")'
    return f'IF({none},"",IF(DailyVisitors<=0,"",ROUNDUP(2*{visitors}/DailyVisitors,0)))'


TEST_FIGURES = (
    Figure("BaselineRate", "Rate of the old variant",
           '=IF(Baseline="",ConversionRate,Baseline)', RATE, "As set above, or present"),
    Figure("ChangedRate", "Rate to detect",
           blank_if('BaselineRate=""', "BaselineRate*(1+Change)"), RATE, "Of the new variant"),
    Figure("SampleVisitors", "Visitors for each variant", f"={sample_size('Change', 'TestPower')}",
           COUNT, "Fewer cannot tell such a change from chance"),
    Figure("DailyVisitors", "Visitors a day",
           f'=IF(Visitors<>"",Visitors,IF({NONE},"",Clicks/(LastDay-FirstDay+1)))', COUNT,
           "All of them take part"),
    Figure("TestDays", "Days that the test takes", f"={test_days('SampleVisitors')}", COUNT,
           "Round up to whole weeks"),
)  # fmt: skip

CHANGES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
POWERS = (0.8, 0.9)

CAUTIONS = (
    (
        "What it says",
        "A p-value below the significance: chance alone would seldom show such a difference.",
    ),
    (
        "What it does not say",
        "No difference shown is no proof that there is none: the test may have been too small."
        " The p-value is not the probability that B is better.",
    ),
    (
        "The interval",
        "By how many points the rate of B may really differ from that of A. It tells more than"
        " the verdict: does all of it matter to you?",
    ),
    (
        "Peeking",
        "Plan the visitors first and read the result once, when they have come. Whoever looks"
        " every day and stops at the first good value finds differences that are not there.",
    ),
)

# The sheet Checks

NUMBERS = ",".join(f"Ads[{column.name}]" for column in ADS.columns[4:])
PADDED = "+".join(
    f'COUNTIF(Ads[{name}],"{spaced}")'
    for name in ("campaign", "ad_group", "channel")
    for spaced in ("* ", " *")
)
ONE_SPELLING = "Take one spelling. Until then both count together under the first of them."

PROBLEMS = (
    Problem("Rows without a campaign", *where(ADS, '(Ads[campaign]="")*(Ads[date]<>"")'),
            "Name the campaign. Until then they count under the name (?)."),
    Problem("Rows without a channel", *where(ADS, '(Ads[channel]="")*(Ads[date]<>"")'),
            "Name the channel. Until then they count under the name (?)."),
    Problem("Rows without a date", *where(ADS, '(Ads[date]="")*(Ads[campaign]<>"")'),
            "Give the day, or delete the row: it counts nowhere."),
    Problem("Dates that are text", "=COUNTA(Ads[date])-COUNT(Ads[date])", "",
            "Turn them into dates: Data, Text to Columns, Date. They count nowhere."),
    Problem("Dates before 1990 or after 2100",
            *where(ADS, '(Ads[date]<>"")*(Ads[date]<32874)'
                        "+(Ads[date]>=73051)*(Ads[date]<1000000000)"),
            "Correct the year. Until then they count nowhere."),
    Problem("Numbers that are text", f"=COUNTA({NUMBERS})-COUNT({NUMBERS})", "",
            "Turn them into numbers: until then some sheets show an error."),
    Problem("Rows that are there twice: same day, campaign and ad group",
            "=CopiedRows", "=FirstCopied",
            "Delete the second row if it is a copy. The first of such a pair is named."),
    Problem("Campaigns spelled in two ways, such as with and without capitals",
            '=COUNTIF(CampaignTimes,">1")', "", ONE_SPELLING),
    Problem("Channels spelled in two ways, such as with and without capitals",
            '=COUNTIF(ChannelTimes,">1")', "", ONE_SPELLING),
    Problem("Names with a space before or after them", f"={PADDED}", "",
            "Take the spaces away: until then these rows are missing in their campaign."),
    Problem("Rows without a cost", *where(ADS, '(Ads[cost]="")*(Ads[date]<>"")'),
            "Enter the cost. Until then it counts as 0."),
    Problem("Costs below 0", *where(ADS, "(Ads[cost]<0)*1"),
            "Credits are taken off the cost. Correct them if they are none."),
    Problem("Revenue below 0", *where(ADS, "(Ads[revenue]<0)*1"),
            "Refunds are taken off the revenue. Correct them if they are none."),
    Problem("Conversions without a click",
            *where(ADS, "(Ads[conversions]>0)*(Ads[clicks]=0)"),
            "Tracking may have failed on the day: its rates are too high."),
    Problem("More clicks than impressions",
            *where(ADS, "(Ads[impressions]>0)*(Ads[clicks]>Ads[impressions])"),
            "See whether the columns were exchanged."),
    Problem("E-mail: more opened, clicked or left than delivered",
            *where(ADS, "((Ads[delivered]>Ads[sent])+(Ads[opens]>Ads[delivered])"
                        "+(Ads[email_clicks]>Ads[delivered])"
                        "+(Ads[unsubscribes]>Ads[delivered])>0)*1"),
            "Count each recipient once, and see whether the columns were exchanged."),
    Problem("Video: more watched to the end than started",
            *where(ADS, "(Ads[video_completions]>Ads[video_starts])*1"),
            "See whether the columns were exchanged."),
    Problem("Tests with more conversions than visitors",
            *where(TESTS, "((Tests[conversions_a]>Tests[visitors_a])"
                          "+(Tests[conversions_b]>Tests[visitors_b])>0)*1"),
            "Count visitors who convert, not their orders."),
    Problem("No data from First day to Last day", f"=IF({ADS.empty},0,IF({NONE},1,0))", "",
            "Change the days on the sheet {Summary}."),
)  # fmt: skip


def agreements(book: Book) -> list[Agreement]:
    """Figures that are computed twice."""
    rows = f"({IN_RANGE})"
    same = "(BaselineRate+ChangedRate)/2*(1-(BaselineRate+ChangedRate)/2)"
    spread = "BaselineRate*(1-BaselineRate)+ChangedRate*(1-ChangedRate)"
    deviations = (
        f"_xlfn.NORM.S.INV(1-Significance/2)*SQRT(2*{same})"
        f"+_xlfn.NORM.S.INV(TestPower)*SQRT({spread})"
    )
    a, n, b, m = (book.at("A-B test", TOP + 1, column) for column in (2, 1, 4, 3))
    pooled = f"(({a}+{b})/({n}+{m}))"
    z = f"({b}/{m}-{a}/{n})/SQRT({pooled}*(1-{pooled})*(1/{n}+1/{m}))"
    costs = book.at("Trend", TOP + 2, 2, TOP + 1 + PERIODS, 2)
    return [
        Agreement("Cost, summed by campaign", "=SUM(CampaignCost)",
                  f"=IF({NONE},0,SUMPRODUCT({rows}*Ads[cost]))", MONEY),
        Agreement("Cost, summed by ad group", "=SUM(GroupCost)", f"=IF({NONE},0,Cost)", MONEY),
        Agreement("ROAS", "=AdReturn",
                  blank_if(NONE, f'IF(Cost=0,"",SUMPRODUCT({rows}*Ads[revenue])'
                                 f"/SUMPRODUCT({rows}*Ads[cost]))"), RATIO),
        Agreement("CTR", "=ClickRate",
                  blank_if(NONE, f'IF(Impressions=0,"",SUMPRODUCT({rows}*Ads[clicks])'
                                 f"/SUMPRODUCT({rows}*Ads[impressions]))"), RATE),
        Agreement("Trend of the cost", f"={book.at('Trend', TOP + 1, 2)}",
                  blank_if(few_whole(costs),
                           "SLOPE(PeriodCost,PeriodNumber)/AVERAGE(PeriodCost)"), RATE),
        Agreement("p-value of the first test", "=FirstPValue",
                  blank_if('FirstPValue=""', f"2*(1-_xlfn.NORM.S.DIST(ABS({z}),TRUE))"),
                  PROBABILITY),
        Agreement("Visitors for each variant", "=SampleVisitors",
                  blank_if('SampleVisitors=""',
                           f"ROUNDUP(({deviations})^2/(ChangedRate-BaselineRate)^2,0)"), COUNT),
    ]  # fmt: skip


def write(book: Book) -> None:
    """Write the sheets for people, Checks and Model."""
    model(book.pages["Model"])
    summary(book.pages["Summary"])
    campaigns(book.pages["Campaigns"])
    ad_groups(book.pages["Ad groups"])
    emails(book.pages["E-mail"])
    videos(book.pages["Video"])
    trend(book.pages["Trend"])
    ab_test(book.pages["A-B test"])
    checks(book.pages["Checks"], agreements(book), PROBLEMS)


def model(page: Page) -> None:
    """The lists, and the blocks over time."""
    headline(page, "Model", "What the other sheets show and draw; there is nothing to fill in.")
    page.sheet.set_column(0, COPIED + 1, 11)
    for listed in LISTS:
        page.sheet.set_column(listed.column, listed.column, 24)
        page.sheet.set_column(listed.column + 4, listed.column + 5, 24)
        page.write(TOP - 1, listed.column, listed.title, page.styles.heading())
        listing(page, listed)
    months(page)
    periods(page)
    days(page)
    copied(page)
    page.sheet.freeze_panes(TOP + 1, 0)
    page.sheet.print_area(0, 0, 1, 7)


def listing(page: Page, listed: Listed) -> None:
    """A spilled list; beside it each name, how SUMIFS finds it, and how often it has been there."""
    styles = page.styles
    plain, money, share = styles.label(), styles.number(MONEY), styles.number(RATE)
    spill = [plain, money, share, share]
    page.spill(TOP, listed.column, listed.formula, styles.header(), spill)
    name, found, times = (listed.column + place for place in (4, 5, 6))
    header_row(page, TOP, name, ("Name", "Found by", "Times"))
    for row in range(TOP + 1, TOP + 1 + listed.room):
        source, key = xl_rowcol_to_cell(row, listed.column), xl_rowcol_to_cell(row, name)
        until = f"{xl_rowcol_to_cell(TOP + 1, name, True, True)}:{key}"
        page.put(row, name, f'=IF(ISBLANK({source}),"",{source}&"")', plain)
        page.put(row, found, blank_if(f'{key}=""', criterion(key)), plain)
        sought = xl_rowcol_to_cell(row, found)
        # A second spelling counts with the first, because SUMIFS does not tell capitals apart.
        page.put(row, times, blank_if(f'{key}=""', f'IF({sought}="=",1,COUNTIF({until},{sought}))'),
                 styles.number(COUNT))  # fmt: skip
        campaign = key
        if listed is BY_GROUP:
            start = f'FIND("{WITHIN}",{key})'
            campaign, group = (xl_rowcol_to_cell(row, times + place) for place in (2, 3))
            for place, formula in enumerate((
                f"LEFT({key},{start}-1)",
                f"MID({key},{start}+{len(WITHIN)},255)",
                criterion(campaign),
                criterion(group),
            ), start=times + 2):  # fmt: skip
                page.put(row, place, blank_if(f'{key}=""', formula), plain)
        if listed in (BY_CAMPAIGN, BY_GROUP):
            channel = f'_xlfn.XLOOKUP({campaign},Ads[campaign],Ads[channel],"")&""'
            page.put(row, times + 1, blank_if(f'{key}=""', channel), plain)
    if listed in (BY_CAMPAIGN, BY_GROUP):
        header_row(page, TOP, times + 1, ("Channel",))
    if listed is BY_GROUP:
        header_row(page, TOP, times + 2, ("Campaign", "Ad group", "Found by", "Found by"))
    if listed in (BY_CHANNEL, BY_CAMPAIGN):
        page.define(f"{listed.title[:-1]}Times", TOP + 1, times, TOP + listed.room, times)


def months(page: Page) -> None:
    """The last months: what the charts of the sheet Summary draw."""
    styles, first = page.styles, BY_MONTH
    page.write(TOP - 1, first, "Months", styles.heading())
    headers = ("Month", "Cost", "Revenue", "ROAS", "Break-even")
    header_row(page, TOP, first, headers)
    start = f"MAX({month_of('FirstDay')},EDATE({month_of('LastDay')},{1 - MONTHS}))"
    for row in range(TOP + 1, TOP + 1 + MONTHS):
        day, cost = xl_rowcol_to_cell(row, first), xl_rowcol_to_cell(row, first + 1)
        none = f'{day}=""'
        since, until = f"MAX({day},FirstDay)", f"MIN(EDATE({day},1)-1,LastDay)"
        page.put(row, first, following(page, row, first, start, "EDATE({day},1)"),
                 styles.number(DATE))  # fmt: skip
        for place, column in ((1, "cost"), (2, "revenue")):
            formula = blank_if(none, total(column, since=since, until=until))
            page.put(row, first + place, formula, styles.number(MONEY))
        revenue = xl_rowcol_to_cell(row, first + 2)
        page.put(row, first + 3, blank_if(none, f'IF({cost}=0,"",ROAS({revenue},{cost}))'),
                 styles.number(RATIO))  # fmt: skip
        page.put(row, first + 4, "=BreakEven", styles.number(RATIO))


def following(page: Page, row: int, column: int, start: str, step: str) -> str:
    """A cell of a column of days that begins with `start` and goes on by steps to LastDay."""
    if row == TOP + 1:
        return blank_if(NONE, start)
    before = xl_rowcol_to_cell(row - 1, column)
    after = step.format(day=before)
    return f'=IF({before}="","",IF({after}>LastDay,"",{after}))'


def periods(page: Page) -> None:
    """The last weeks or months: when they begin and end, and whether they are whole."""
    styles, first = page.styles, BY_PERIOD
    page.write(TOP - 1, first, "Periods", styles.heading())
    header_row(
        page, TOP, first, ("From", "Until", "Number", "Whole", "Break-even", "Cost if whole")
    )
    week_of = "({day}-WEEKDAY({day},2)+1)"
    start = (
        f'IF(Period="W",MAX({week_of.format(day="FirstDay")},'
        f"{week_of.format(day='LastDay')}-7*{PERIODS - 1}),"
        f"MAX({month_of('FirstDay')},EDATE({month_of('LastDay')},{1 - PERIODS})))"
    )
    step = 'IF(Period="W",{day}+7,EDATE({day},1))'
    for number, row in enumerate(range(TOP + 1, TOP + 1 + PERIODS), start=1):
        day, until = xl_rowcol_to_cell(row, first), xl_rowcol_to_cell(row, first + 1)
        none, style = f'{day}=""', styles.number(COUNT)
        page.put(row, first, following(page, row, first, start, step), styles.number(DATE))
        page.put(row, first + 1, blank_if(none, f"{step.format(day=day)}-1"), styles.number(DATE))
        page.put(row, first + 2, blank_if(none, str(number)), style)
        whole = f"IF({day}<FirstDay,0,IF({until}>LastDay,0,1))"
        page.put(row, first + 3, blank_if(none, whole), style)
        page.put(row, first + 4, "=BreakEven", styles.number(RATIO))
        cost = page.book.at("Trend", row + 1, 2)
        page.put(row, first + 5, f'=IF({xl_rowcol_to_cell(row, first + 3)}=1,{cost},"")',
                 styles.number(MONEY))  # fmt: skip
    page.define("PeriodCost", TOP + 1, first + 5, TOP + PERIODS, first + 5)
    # Viewers without our functions keep the values of plain formulas, such as those on Trend.
    headers = [*(one.header for one in SUMS), *(kpi.header for kpi in TREND_KPIS)]
    for column, header in enumerate(headers, start=2):
        row = TOP + PERIODS + 1 + column
        values = page.book.at("Trend", TOP + 2, column, TOP + 1 + PERIODS, column)
        rate = f'IF(SUMIFS({values},PeriodWhole,1)<=0,"",KPI_TREND(IF(PeriodWhole=1,{values},"")))'
        page.write(row, first, header, styles.label())
        page.put_array(row, first + 4, blank_if(few_whole(values), rate), styles.number(RATE))
    page.define("PeriodNumber", TOP + 1, first + 2, TOP + PERIODS, first + 2)
    page.define("PeriodWhole", TOP + 1, first + 3, TOP + PERIODS, first + 3)


def days(page: Page) -> None:
    """The last days: their cost, and which of them stand out."""
    styles, first = page.styles, BY_DAY
    page.write(TOP - 1, first, "Days", styles.heading())
    headers = ("Day", "Cost", "Stands out", "Number", "Like most days", "Standing out")
    header_row(page, TOP, first, headers)
    last = TOP + DAYS
    page.define("DayDate", TOP + 1, first, last, first)
    page.define("DayCost", TOP + 1, first + 1, last, first + 1)
    page.define("DayNumber", TOP + 1, first + 3, last, first + 3)
    money, count = styles.number(MONEY), styles.number(COUNT)
    start = f"MAX(FirstDay,LastDay-{DAYS - 1})"
    for row in range(TOP + 1, last + 1):
        day, cost, marked = (xl_rowcol_to_cell(row, first + place) for place in (0, 1, 2))
        none = f'{day}=""'
        page.put(row, first, following(page, row, first, start, "{day}+1"), styles.number(DATE))
        page.put(row, first + 1, blank_if(none, total("cost", since=day, until=day)), money)
        above = xl_rowcol_to_cell(row - 1, first + 3) if row > TOP + 1 else "0"
        # The number stays where no day stands out: MATCH finds the first row that has it.
        page.put(row, first + 3, blank_if(none, f"{above}+{marked}"), count)
        page.put(row, first + 4, blank_if(none, f'IF({marked}=1,"",{cost})'), money)
        page.put(row, first + 5, blank_if(none, f'IF({marked}=1,{cost},"")'), money)
    page.spill(TOP + 1, first + 2, blank_if(NONE, "IF(KPI_ANOMALY(DayCost,StandsOutFrom),1,0)"),
               count, [count])  # fmt: skip


def copied(page: Page) -> None:
    """How many rows have the day, campaign and ad group of another, and where the first is."""
    count = page.styles.number(COUNT)
    page.write(TOP - 1, COPIED, "Rows that are there twice", page.styles.heading())
    header_row(page, TOP, COPIED, ("How many", "First in row"))
    keys = 'Ads[date]&"|"&Ads[campaign]&"|"&Ads[ad_group]'
    dated_rows = (f'IF(Ads[date]="","",{one})' for one in (keys, "1"))
    counted = f"CHANNEL_MIX({','.join(dated_rows)})"  # those with most rows first
    rows = f'SUMPRODUCT((Ads[date]<>"")*1)+1-ROWS({counted})'
    page.put_array(TOP + 1, COPIED, f"=IF({ADS.empty},0,{rows})", count)
    page.define("CopiedRows", TOP + 1, COPIED)
    first = f"ROW(Ads[[#Headers],[date]])+MATCH(INDEX({counted},2,1),{keys},0)"
    page.put_array(TOP + 1, COPIED + 1, blank_if("CopiedRows=0", first), count)
    page.define("FirstCopied", TOP + 1, COPIED + 1)


def summary(page: Page) -> None:
    """The figures for the boss."""
    page.sheet.set_column(0, 0, 3)
    page.sheet.set_column(1, 1, 28)
    page.sheet.set_column(2, 2, 18)
    page.sheet.set_column(3, 3, 36)
    page.sheet.set_column(4, 6, 22)
    headline(page, "Campaigns", "Change the yellow cells to your own.", 1)
    status(page, 2, 1, ADS)
    every = {figure.name: figure for records in FIGURES.values() for figure in records}
    cards(page, TOP, 1, [every[name] for name in CARDS])
    row = settings(page, TOP + 3, 1, SETTINGS)
    for heading, records in FIGURES.items():
        row = figures(page, row + 1, 1, heading, records)
    source = page.book.pages["Model"]
    cost, revenue, ratio, limit = (down(source, BY_MONTH + n, TOP + 1, MONTHS) for n in range(1, 5))
    months = down(source, BY_MONTH, TOP + 1, MONTHS)
    draw(
        page,
        "column",
        "Cost and revenue by month",
        [Series("Cost", months, cost, ORANGE), Series("Revenue", months, revenue, BLUE)],
        (TOP + 3, 4, 474, 236),
        names_format="yyyy-mm",
    )
    draw(
        page,
        "column",
        "ROAS by month, against break-even",
        [Series("ROAS", months, ratio, BLUE)],
        (TOP + 15, 4, 474, 236),
        level=Series("Break-even", months, limit, WARNING),
        names_format="yyyy-mm",
        number_format="0.0",
    )
    channels = page.book.pages["Campaigns"]
    names, shares = (down(channels, n, CHANNEL_ROWS, 6) for n in (0, 2))
    draw(
        page,
        "bar",
        "Share of the cost by channel",
        [Series("Share", names, shares)],
        (TOP + 27, 4, 474, 236),
        number_format="0%",
        labels=True,
    )
    page.sheet.print_area(0, 0, row + 1, 6)


CHANNEL_ROWS = TOP + 4  # where the sheet Campaigns has its channels and its campaigns
CAMPAIGN_ROWS = CHANNEL_ROWS + BY_CHANNEL.room + 2
DRAWN = 10  # campaigns in its charts


def campaigns(page: Page) -> None:
    """All, channels and campaigns in one table of the same columns."""
    styles, book = page.styles, page.book
    width = 3 + len(SUMS) + len(KPIS)
    page.sheet.set_column(0, 0, 24)
    page.sheet.set_column(1, width - 1, 12)
    page.sheet.set_column(width, width, 36)
    headline(page, "Campaigns", "★ is the best of a column, ▼ the worst.")
    table_header(page, ("Name", "Channel", "Share of cost"), SUMS, KPIS, "Against break-even")
    page.write(TOP + 1, 0, "All", styles.label(bold=True))
    sums_and_kpis(page, TOP + 1, 3, SUMS, KPIS, none=NONE, bold=True)
    page.put(TOP + 1, width, verdict(page, TOP + 1, 3), styles.label(indent=1))
    for listed, first in ((BY_CHANNEL, CHANNEL_ROWS), (BY_CAMPAIGN, CAMPAIGN_ROWS)):
        section(page, first - 1, 0, width, listed.title)
        last = first + listed.room - 1
        returns = column_of(SUMS, KPIS, "ROAS", 3)
        for number, row in enumerate(range(first, last + 1), start=1):
            name, found, times = (model_cell(book, listed, number, n) for n in (4, 5, 6))
            none = f"{times}<>1"
            page.put(row, 0, f"={name}", styles.label(bold=True))
            if listed is BY_CAMPAIGN:
                page.put(row, 1, f"={model_cell(book, listed, number, 7)}", styles.label())
            shares, names = (
                book.at("Model", TOP + 1, listed.column + n, TOP + listed.room, listed.column + n)
                for n in (2, 4)
            )
            share = blank_if(none, f"SUMIF({names},{found},{shares})")
            page.put(row, 2, share, styles.number(RATE))
            column = listed.title[:-1].lower()
            sums_and_kpis(page, row, 3, SUMS, KPIS, f"Ads[{column}],{found}", none=none)
            block = (first, returns, last, returns) if listed is BY_CAMPAIGN else None
            page.put(row, width, verdict(page, row, 3, times, block), styles.label(indent=1))
        bars(page, first, 2, last, 2)
    last = CAMPAIGN_ROWS + BY_CAMPAIGN.room - 1
    mark(page, CAMPAIGN_ROWS, last, 3 + len(SUMS), KPIS)
    page.define("CampaignName", CAMPAIGN_ROWS, 0, last, 0)
    page.define("CampaignCost", CAMPAIGN_ROWS, 3, last, 3)
    page.define("CampaignReturn", CAMPAIGN_ROWS, returns, last, returns)
    warn(page, BY_CAMPAIGN)
    page.sheet.freeze_panes(TOP + 1, 1)
    labels, cost, revenue, ratio = (
        down(page, column, CAMPAIGN_ROWS, DRAWN)
        for column in (0, *(column_of(SUMS, KPIS, name, 3) for name in ("Cost", "Revenue", "ROAS")))
    )
    limit = down(book.pages["Model"], BY_PERIOD + 4, TOP + 1, DRAWN)
    place = CAMPAIGN_ROWS + BY_CAMPAIGN.room + 1
    draw(
        page,
        "column",
        "Cost and revenue by campaign",
        [Series("Cost", labels, cost, ORANGE), Series("Revenue", labels, revenue, BLUE)],
        (place, 0, 690, 320),
    )
    draw(
        page,
        "column",
        "ROAS by campaign, against break-even",
        [Series("ROAS", labels, ratio, BLUE)],
        (place, 8, 690, 320),
        level=Series("Break-even", labels, limit, WARNING),
        number_format="0",
    )
    page.sheet.print_area(0, 0, place + 16, width)


def ad_groups(page: Page) -> None:
    """The ad groups that cost most."""
    styles, book = page.styles, page.book
    width = 3 + len(SUMS) + len(KPIS)
    page.sheet.set_column(0, 1, 21)
    page.sheet.set_column(2, width - 1, 12)
    page.sheet.set_column(width, width, 36)
    headline(page, "Ad groups", "Those that cost most. ★ is the best of a column, ▼ the worst.")
    heads = ("Campaign", "Ad group", "Channel")
    table_header(page, heads, SUMS, KPIS, "Against break-even")
    first, last = TOP + 1, TOP + BY_GROUP.room
    returns = column_of(SUMS, KPIS, "ROAS", 3)
    for number, row in enumerate(range(first, last + 1), start=1):
        times, channel, campaign, group, found, sought = (
            model_cell(book, BY_GROUP, number, n) for n in range(6, 12)
        )
        none = f"{times}<>1"
        page.put(row, 0, f"={campaign}", styles.label(bold=True))
        page.put(row, 1, f"={group}", styles.label(bold=True))
        page.put(row, 2, f"={channel}", styles.label())
        criteria = f"Ads[campaign],{found}", f"Ads[ad_group],{sought}"
        sums_and_kpis(page, row, 3, SUMS, KPIS, *criteria, none=none)
        result = verdict(page, row, 3, times, (first, returns, last, returns))
        page.put(row, width, result, styles.label(indent=1))
    bars(page, first, 3, last, 3)
    mark(page, first, last, 3 + len(SUMS), KPIS)
    page.define("GroupCost", first, 3, last, 3)
    warn(page, BY_GROUP)
    page.sheet.freeze_panes(TOP + 1, 2)
    page.sheet.print_area(0, 0, first + max(shown(book, BY_GROUP), 12), width)


def emails(page: Page) -> None:
    """E-mail campaigns, from sent to clicked."""
    lead = "Over delivered e-mails, as is usual. ★ is the best of a column, ▼ the worst."
    headline(page, "E-mail", lead)
    words = "highest open rate", "lowest open rate"
    last = few_campaigns(page, BY_EMAIL, EMAIL_SUMS, EMAIL_KPIS, "Open rate", words)
    totals = (page, TOP + 1, 1, TOP + 1, 4)
    series = [Series("E-mails", (page, TOP, 1, TOP, 4), totals)]
    title = "From sent to clicked, all campaigns"
    draw(page, "bar", title, series, (last + 2, 0, 900, 300), labels=True)
    page.sheet.print_area(0, 0, last + 18, 11)


def videos(page: Page) -> None:
    """Video campaigns, from start to end."""
    headline(page, "Video", "How many of those who started are still there, and watch to the end.")
    words = "most watch to the end", "fewest watch to the end"
    last = few_campaigns(page, BY_VIDEO, VIDEO_SUMS, VIDEO_KPIS, "Completion rate", words)
    first = 1 + len(VIDEO_SUMS)
    rates = (page, TOP + 1, first, TOP + 1, first + 2)
    series = [Series("Viewers", (page, TOP, first, TOP, first + 2), rates)]
    draw(
        page,
        "column",
        "Share of viewers still there, all campaigns",
        series,
        (last + 2, 0, 900, 300),
        number_format="0%",
        labels=True,
    )
    page.sheet.print_area(0, 0, last + 18, 8)


def few_campaigns(
    page: Page,
    listed: Listed,
    sums: Sequence[Sum],
    kpis: Sequence[Kpi],
    judged: str,
    words: tuple[str, str],
) -> int:
    """A table of the campaigns that have e-mails or videos. Returns its last row."""
    styles, book = page.styles, page.book
    width = 1 + len(sums) + len(kpis)
    page.sheet.set_column(0, 0, 28)
    page.sheet.set_column(1, width - 1, 17)
    page.sheet.set_column(width, width, 36)
    table_header(page, ("Campaign",), sums, kpis, "Result")
    page.write(TOP + 1, 0, "All", styles.label(bold=True))
    sums_and_kpis(page, TOP + 1, 1, sums, kpis, none=NONE, bold=True)
    first, last = TOP + 2, TOP + 1 + listed.room
    column = column_of(sums, kpis, judged, 1)
    for number, row in enumerate(range(first, last + 1), start=1):
        name, found, times = (model_cell(book, listed, number, n) for n in (4, 5, 6))
        page.put(row, 0, f"={name}", styles.label(bold=True))
        sums_and_kpis(page, row, 1, sums, kpis, f"Ads[campaign],{found}", none=f"{times}<>1")
        cell = xl_rowcol_to_cell(row, column)
        best, worst = (literal(book.say(text)) for text in words)
        block = xl_range_abs(first, column, last, column)
        formula = (
            f'=IF({cell}="","",IF(MIN({block})=MAX({block}),"",'
            f'IF({cell}=MAX({block}),{best},IF({cell}=MIN({block}),{worst},""))))'
        )
        page.put(row, width, formula, styles.label(indent=1))
    mark(page, first, last, 1 + len(sums), kpis)
    warn(page, listed)
    page.sheet.freeze_panes(TOP + 1, 1)
    return last


def trend(page: Page) -> None:
    """Weeks or months, their trend, and the days whose cost stands out."""
    styles, book = page.styles, page.book
    width = 2 + len(SUMS) + len(TREND_KPIS)
    page.sheet.set_column(0, 0, 22)
    page.sheet.set_column(1, 1, 7)
    page.sheet.set_column(2, width - 1, 11.5)
    page.sheet.set_column(width, width, 18)
    page.sheet.set_column(width + 1, width + 1, 2)
    page.sheet.set_column(width + 2, width + 5, 16)
    headline(page, "Trend", "Weeks or months, as the sheet {Summary} says; a week by its Monday.")
    table_header(page, ("Period", "Days"), SUMS, TREND_KPIS, "Remark")
    page.write(TOP + 1, 0, "Trend per period", styles.label(bold=True))
    first, last = TOP + 2, TOP + 1 + PERIODS
    for column in range(2, width):
        rate = book.at("Model", TOP + PERIODS + 1 + column, BY_PERIOD + 4)
        page.put(TOP + 1, column, f"={rate}", styles.of("+0.0%;-0.0%;0.0%", bold=True))
    part = literal(book.say("part of a period"))
    for number, row in enumerate(range(first, last + 1)):
        start, until, whole = (book.at("Model", TOP + 1 + number, BY_PERIOD + n) for n in (0, 1, 3))
        none = f'{start}=""'
        since, until = f"MAX({start},FirstDay)", f"MIN({until},LastDay)"
        page.put(row, 0, blank_if(none, dated(start, 'Period="W"')), styles.label(bold=True))
        page.put(row, 1, blank_if(none, f"{until}-{since}+1"), styles.number(COUNT))
        sums_and_kpis(page, row, 2, SUMS, TREND_KPIS, none=none, since=since, until=until)
        page.put(row, width, f'=IF({whole}=0,{part},"")', styles.lead(indent=1))
    standing_out(page, TOP, width + 2)
    labels = down(page, 0, first, PERIODS)
    cost, revenue, ratio = (
        down(page, column_of(SUMS, TREND_KPIS, name, 2), first, PERIODS)
        for name in ("Cost", "Revenue", "ROAS")
    )
    limit = down(book.pages["Model"], BY_PERIOD + 4, TOP + 1, PERIODS)
    draw(
        page,
        "column",
        "Cost and revenue by period",
        [Series("Cost", labels, cost, ORANGE), Series("Revenue", labels, revenue, BLUE)],
        (TOP + STANDING_OUT + 4, width + 2, 460, 270),
    )
    draw(
        page,
        "column",
        "ROAS by period, against break-even",
        [Series("ROAS", labels, ratio, BLUE)],
        (TOP + STANDING_OUT + 18, width + 2, 460, 270),
        level=Series("Break-even", labels, limit, WARNING),
        number_format="0.0",
    )
    source = book.pages["Model"]
    dates, like_most, standing = (down(source, BY_DAY + n, TOP + 1, DAYS) for n in (0, 4, 5))
    draw(
        page,
        "column",
        "Cost by day",
        [
            Series("Like most days", dates, like_most, BLUE),
            Series("Standing out", dates, standing, WARNING),
        ],
        (TOP + STANDING_OUT + 32, width + 2, 460, 270),
        names_format="yyyy-mm-dd",
        stacked=True,
    )
    page.sheet.freeze_panes(TOP + 2, 1)
    page.sheet.print_area(0, 0, last + 2, width + 5)


def standing_out(page: Page, top: int, column: int) -> None:
    """The last days whose cost stands out, the newest first."""
    styles = page.styles
    section(page, top - 1, column, column + 3, "Days whose cost stands out, the newest first")
    header_row(page, top, column, ("Day", "Cost", "Usual cost", "Times the usual"))
    formats = (
        styles.of("ddd yyyy-mm-dd", align="start", bold=True),
        styles.number(MONEY),
        styles.number(MONEY),
        styles.of('0.0"x"'),
    )
    for number, row in enumerate(range(top + 1, top + 1 + STANDING_OUT)):
        sought = f"MAX(DayNumber)-{number}"
        none = f"OR({NONE},{sought}<1)"
        day, cost, usual = (xl_rowcol_to_cell(row, column + n) for n in (0, 1, 2))
        for place, formula in enumerate((
            f"INDEX(DayDate,MATCH({sought},DayNumber,0))",
            f"INDEX(DayCost,MATCH({sought},DayNumber,0))",
            "MEDIAN(DayCost)",
            f'IF({usual}=0,"",{cost}/{usual})',
        )):  # fmt: skip
            empty = none if not place else f'{day}=""'
            page.put(row, column + place, blank_if(empty, formula), formats[place])
    texts = ("None.", "More on the sheet {Model}: {days} in all.")
    nothing, more = (literal(page.book.say(text, days="{days}")) for text in texts)
    last = top + 1 + STANDING_OUT
    formula = (
        f'=IF({NONE},"",IF(MAX(DayNumber)=0,{nothing},IF(MAX(DayNumber)>{STANDING_OUT},'
        f'SUBSTITUTE({more},"{{days}}",MAX(DayNumber)),"")))'
    )
    page.put(last, column, formula, styles.lead())


def ab_test(page: Page) -> None:
    """A/B tests: what they show, and how large the next one must be."""
    styles, book = page.styles, page.book
    page.sheet.set_column(0, 0, 34)
    page.sheet.set_column(1, 10, 15)
    page.sheet.set_column(11, 11, 36)
    page.sheet.set_column(12, 13, 15)
    headline(page, "A/B test", "Did variant B convert better than A? Tests are from {Tests}.")
    section(page, TOP - 1, 0, 13, "What the tests show")
    headers = (
        "Test", "Visitors of A", "Conversions of A", "Visitors of B", "Conversions of B",
        "Rate of A", "Rate of B", "Lift", "p-value", "Interval from", "Interval to", "Verdict",
        "Visitors needed for each", "Reached?",
    )  # fmt: skip
    header_row(page, TOP, 0, headers)
    for column in (11, 13):
        page.write(TOP, column, headers[column], remark(page))
    page.sheet.set_row(TOP, 46)
    verdicts = (
        "B converts better", "A converts better", "no difference shown", "no conversions yet",
        "not complete: see {Checks}",
    )  # fmt: skip
    better, worse, same, none, faulty = (literal(book.say(text)) for text in verdicts)
    yes, no = (literal(book.say(text)) for text in ("✓ yes", "✗ no"))
    last = TOP + TESTED
    for number, row in enumerate(range(TOP + 1, last + 1), start=1):
        cells = [xl_rowcol_to_cell(row, column) for column in range(13)]
        name, visitors_a, a, visitors_b, b, rate_a, rate_b, _, p, _, _, _, planned = cells
        for column, source in enumerate(TESTS.columns):
            item = f"INDEX(Tests[{source.name}],{number})"
            there = f"ROWS(Tests[test])<{number}"
            style = styles.label(bold=True) if column == 0 else styles.number(COUNT)
            page.put(row, column, blank_if(there, f'IF({item}="","",{item})'), style)
        bad = (
            f"OR(COUNT({visitors_a}:{b})<4,MIN({visitors_a},{visitors_b})<=0,"
            f"{a}>{visitors_a},{b}>{visitors_b})"
        )
        given = f"{a},{visitors_a},{b},{visitors_b}"
        alike = f"OR({a}+{b}=0,AND({a}={visitors_a},{b}={visitors_b}))"
        interval = f"AB_INTERVAL({given},1-Significance)"
        points = "+0.0%;-0.0%;0.0%"
        for column, formula, style in (
            (5, f"CONVERSION_RATE({a},{visitors_a})", styles.of("0.00%")),
            (6, f"CONVERSION_RATE({b},{visitors_b})", styles.of("0.00%")),
            (7, f'IF({a}=0,"",AB_LIFT({given}))', styles.of(points)),
            (8, f'IF({alike},"",AB_PVALUE({given}))', styles.number(PROBABILITY)),
            (9, f"INDEX({interval},1,1)", styles.of("+0.00%;-0.00%;0.00%")),
            (10, f"INDEX({interval},1,2)", styles.of("+0.00%;-0.00%;0.00%")),
            (12, f'IF({rate_a}*Change<=0,"",IF({rate_a}*(1+Change)>=1,"",'
                 f"SAMPLE_SIZE({rate_a},{rate_a}*Change,Significance,TestPower)))",
             styles.number(COUNT)),
        ):  # fmt: skip
            page.put(row, column, blank_if(bad, formula), style)
        said = (
            f'IF({name}="","",IF({bad},{faulty},IF({p}="",{none},IF({p}>=Significance,{same},'
            f"IF({rate_b}>{rate_a},{better},{worse})))))"
        )
        page.put(row, 11, f"={said}", styles.label(bold=True, indent=1))
        reached = f"IF(MIN({visitors_a},{visitors_b})>={planned},{yes},{no})"
        page.put(row, 13, f'=IF({planned}="","",{reached})', styles.label(indent=1))
    page.define("FirstPValue", TOP + 1, 8)
    row = last + 1
    page.put(row, 0, f'=IF(COUNTA(Tests[test])>{TESTED},'
                     f'{literal(book.say("Only the first tests are shown."))},"")',
             styles.warning())  # fmt: skip
    for label, caution in CAUTIONS:
        row += 1
        page.write(row, 0, label, styles.label(bold=True, valign="top"))
        page.sheet.merge_range(row, 1, row, 13, "", styles.lead(text_wrap=True, valign="top"))
        text = book.say(caution)
        page.sheet.write_string(row, 1, text, styles.lead(text_wrap=True, valign="top"))
        page.sheet.set_row(row, 16 * lines(text, 140))
    top = row + 2
    row = settings(page, top, 0, TEST_SETTINGS)
    row = figures(page, row + 1, 0, "How large the next test must be", TEST_FIGURES)
    sample_sizes(page, row + 1)
    names, values = (down(page, column, row + 3, len(CHANGES)) for column in (0, 3))
    draw(
        page,
        "column",
        "Days that a test takes, by the change to detect (power 80%)",
        [Series("Days", names, values)],
        (top, 8, 640, 360),
        names_format="+0%",
        labels=True,
    )
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, row + 2 + len(CHANGES), 13)


def sample_sizes(page: Page, top: int) -> None:
    """Visitors and days for some changes and powers."""
    styles = page.styles
    section(
        page,
        top,
        0,
        1 + 2 * len(POWERS),
        "Visitors for each variant, and days, by the change to detect",
    )
    headers = ["Change to detect", "Rate to detect"]
    for power in POWERS:
        share = f"{power:.0%}"
        headers += [page.book.say("Visitors, power {share}", share=share),
                    page.book.say("Days, power {share}", share=share)]  # fmt: skip
    for column, header in enumerate(headers):
        align = "right" if column else "start"
        style = styles.header(align=align, text_wrap=True, valign="bottom")
        if column < 2:
            page.write(top + 1, column, header, style)
        else:
            page.sheet.write_string(top + 1, column, header, style)
    page.sheet.set_row(top + 1, 46)
    for row, change in enumerate(CHANGES, start=top + 2):
        page.sheet.write_number(row, 0, change, styles.of("+0%", bold=True, align="start"))
        rate = blank_if('BaselineRate=""', f"BaselineRate*(1+{change})")
        page.put(row, 1, rate, styles.of("0.00%"))
        for place, power in enumerate(POWERS):
            visitors = xl_rowcol_to_cell(row, 2 + 2 * place)
            size = f"={sample_size(str(change), str(power))}"
            page.put(row, 2 + 2 * place, size, styles.number(COUNT))
            page.put(row, 3 + 2 * place, f"={test_days(visitors)}", styles.number(COUNT))


# Parts of tables


def table_header(
    page: Page, heads: Sequence[str], sums: Sequence[Sum], kpis: Sequence[Kpi], result: str
) -> None:
    """The header of a table of sums, KPIs and a result in words."""
    headers = [*heads, *(one.header for one in sums), *(kpi.header for kpi in kpis)]
    texts = [place for place, head in enumerate(heads) if head not in ("Share of cost", "Days")]
    header_row(page, TOP, 0, headers, text=texts)
    page.write(TOP, len(headers), result, remark(page))
    page.sheet.set_row(TOP, 46)


def remark(page: Page) -> Format:
    """The header of a column of words behind numbers."""
    return page.styles.header(indent=1, text_wrap=True, valign="bottom")


def sums_and_kpis(
    page: Page,
    row: int,
    column: int,
    sums: Sequence[Sum],
    kpis: Sequence[Kpi],
    *criteria: str,
    none: str,
    since: str = "FirstDay",
    until: str = "LastDay",
    bold: bool = False,
) -> None:
    """A row's sums over the rows of Ads that meet criteria, and its KPIs; blank where `none`."""
    cells = {}
    for place, one in enumerate(sums, start=column):
        cells[one.name] = xl_rowcol_to_cell(row, place)
        formula = blank_if(none, total(one.name, *criteria, since=since, until=until))
        # Sums without cents, which nobody reads in a table.
        page.put(row, place, formula, page.styles.of(COUNT.number_format, bold=bold))
    for place, kpi in enumerate(kpis, start=column + len(sums)):
        formula = f'IF({kpi.blank},"",{kpi.formula})'.format(**cells)
        page.put(row, place, blank_if(none, formula), page.styles.number(kpi.unit, bold=bold))


def column_of(sums: Sequence[Sum], kpis: Sequence[Kpi], header: str, first: int) -> int:
    """The column of a sum or a KPI in a table whose sums begin in the column `first`."""
    return first + [*(one.header for one in sums), *(kpi.header for kpi in kpis)].index(header)


def verdict(
    page: Page,
    row: int,
    column: int,
    times: str = "1",
    block: tuple[int, int, int, int] | None = None,
) -> str:
    """In words: does it pay, and is it the best or the worst ROAS of a block?

    `column` is that of the cost; `times` is 1 where there is a name, and more for one that has
    been there in another spelling.
    """
    texts = (
        "spelled in two ways: counted above", "no cost in these days", "cost without conversions",
        "above break-even", "below break-even", "best: above break-even", "best: below break-even",
        "worst: above break-even", "worst: below break-even",
    )  # fmt: skip
    twice, free, lost, *judged = (literal(page.book.say(text)) for text in texts)
    cost, conversions, ratio = (
        xl_rowcol_to_cell(row, column_of(SUMS, KPIS, name, column))
        for name in ("Cost", "Conversions", "ROAS")
    )
    plain, best, worst = (
        f"IF({ratio}>=BreakEven,{above},{below})"
        for above, below in zip(judged[::2], judged[1::2], strict=True)
    )
    said = plain
    if block:
        whole = xl_range_abs(*block)
        said = (
            f"IF(MIN({whole})=MAX({whole}),{plain},IF({ratio}=MAX({whole}),{best},"
            f"IF({ratio}=MIN({whole}),{worst},{plain})))"
        )
    said = f"IF({cost}=0,{free},IF({conversions}=0,{lost},{said}))"
    if times == "1":
        return blank_if(NONE, said)
    return f'=IF({times}="","",IF({times}>1,{twice},{said}))'


def mark(page: Page, first: int, last: int, column: int, kpis: Sequence[Kpi]) -> None:
    """Mark the best and the worst of the KPIs that say which is better."""
    for place, kpi in enumerate(kpis, start=column):
        if kpi.best:
            low = kpi.best == "low"
            best_and_worst(page, (first, place, last, place), kpi.unit, low=low)


def model_cell(book: Book, listed: Listed, number: int, place: int) -> str:
    """The address of a cell beside a list: of its row `number`, from 1, `place` columns on."""
    return book.at("Model", TOP + number, listed.column + place)


def shown(book: Book, listed: Listed) -> int:
    """How many names a list shows now."""
    return min(len(book.pages["Model"].spilled(TOP, listed.column)) - 1, listed.room)


def warn(page: Page, listed: Listed) -> None:
    """Say so when a list is longer than its sheet."""
    column = page.book.at("Model", TOP + 1, listed.column, 9999, listed.column)
    warn_of_more(page, 2, column, listed.room, "Model")


def down(page: Page, column: int, first: int, rows: int) -> tuple[Page, int, int, int, int]:
    """A column's block for a chart."""
    return page, first, column, first + rows - 1, column


TEMPLATE = Template(
    SCHEMA,
    sheets=(
        Sheet("Summary", "The figures for the boss: cost, revenue, ROAS against break-even."),
        Sheet("Campaigns", "Channels and campaigns: CTR, CPC, CPA, ROAS; the best and the worst."),
        Sheet("Ad groups", "The same for the ad groups that cost most."),
        Sheet("E-mail", "Delivered, opened, clicked, unsubscribed, by campaign."),
        Sheet("Video", "How many viewers are still there after 5 and 30 seconds, and at the end."),
        Sheet("Trend", "Weeks or months, their trend, and the days whose cost stands out."),
        Sheet("A-B test", "What A/B tests show, and how many visitors the next one needs."),
        Sheet("Ads", "The data: a row a campaign, ad group and day."),
        Sheet("Tests", "The A/B tests that have ended: a row a test."),
        Sheet("Checks", "What is wrong with the data; figures computed twice."),
        Sheet("Model", "The lists and blocks that other sheets show and draw."),
    ),
    steps=(
        "Paste your daily figures into the table on the sheet {Ads}. Leave blank what you have"
        " not, such as the columns for e-mail and video.",
        "Set the yellow cells on the sheet {Summary}: first and last day, and above all the"
        " contribution margin, which says from which ROAS on advertising pays.",
        "See on the sheet {Checks} whether the data have gaps.",
        "Read the other sheets: every figure is a live formula over that table.",
        "If you run A/B tests, put each into the table on the sheet {Tests}, and plan the next one"
        " on the sheet {A-B test}.",
    ),
    write=write,
    sample=sample,
    notes=(
        (
            "Break-even",
            "A ROAS of 1 divided by the contribution margin earns back what the advertising cost:"
            " with a margin of 40 %, 2.5.",
        ),
        (
            "Conversions",
            "They are as your advertising platforms count them: each claims its own, so that their"
            " sum may be more than all your orders.",
        ),
    ),
)
