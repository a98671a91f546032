"""The campaigns workbook: a row a campaign, ad group and day in; what pays and what does not out.

The sheet Model holds the lists that CHANNEL_MIX spills, with what SUMIFS needs to find each name,
and the blocks that charts draw; see retention.py for why. Every figure is of the days from
FirstDay to LastDay.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.schema.campaigns import ADS, SCHEMA, TESTS
from kpi_xl.serials import FIGURED_FROM, FIGURED_UNTIL
from kpi_xl.units import (
    COUNT,
    DATE,
    KEY,
    LARGE,
    MONEY,
    PROBABILITY,
    RATE,
    RATIO,
    SCORE,
    TEXT,
    VALUE,
    Unit,
)

from .campaigns_sample import sample
from .charting import draw
from .checking import checks, padded, status, where
from .comparison import (
    BOUNDS,
    POSSIBLE,
    Breakdown,
    Range,
    Tile,
    figures_before,
    key_figures,
    owed_to,
    with_courses,
)
from .forecasting import AHEAD, FEWEST, Past, forecast_sheet, since_the_gap, spill_forecasts
from .grid import (
    BEHIND,
    GROWTH,
    NAME,
    REMARK,
    WORDS,
    Grid,
    Measure,
    escaped,
    lay_out,
    named_month,
    put_grid,
    put_header,
    unsaid,
    without_mean,
)
from .outcomes import NAMELESS, Divided, LeftOut, Outcomes, divided, named_after, put_left_out
from .records import Agreement, Basis, Figure, Problem, Series, Setting, Sheet, Spill, Template
from .setting_cells import codes, put_basis, settings
from .sheet_parts import (
    blank_if,
    decimals,
    figures,
    lines,
    printed_alone,
    put_spills,
    section,
    warn_of_more,
)
from .writing import BLUE, ORANGE, WARNING, Book, Page, ifs

TOP = 4  # the row of the tables' headers, counted from 0: row 5 in Excel
MONTHS, PERIODS, DAYS = 12, 53, 400  # how many of them are shown, the last ones
STANDING_OUT = 10  # days that the sheet Trend lists
MONTHS_LOOKED_AT = 300  # of channels, whether they stand on their first day
TESTED = 10  # tests that the sheet A-B test shows
WITHIN = " ▸ "  # between a campaign and its ad group

# Formulas

IN_RANGE = "(Ads[date]>=FirstDay+0)*(Ads[date]<LastDay+1)"  # sums: so a date is no text here
SOUND = POSSIBLE.format("Ads[date]")
NONE = "RowsInRange=0"
DAYS_SHOWN = Range(
    empty=ADS.empty,
    begin=f"_xlfn.MINIFS(Ads[date],{SOUND})",
    end=f"_xlfn.MAXIFS(Ads[date],{SOUND})",
    rows=f"SUMPRODUCT({IN_RANGE})",
)


def total(column: str, criteria: str = "") -> str:
    """The sum of a column over the days shown, and over the rows that meet criteria."""
    return f"SUMIFS(Ads[{column}],{in_days()}{criteria})"


def in_days(since: str = "FromDays", until: str = "UntilDays") -> str:
    """The criteria of SUMIFS for the rows of some days, by those of their first and last one."""
    return f"Ads[date],{since},Ads[date],{until}"


def days(first: str, last: str) -> tuple[str, str]:
    """Formulas of these criteria. Where many sums are of the same days, each is in a cell."""
    return f'">="&{first}', f'"<"&{last}+1'


def known_in(column: str) -> str:
    """The name of the cell that says how many rows of the range have a cell in a column."""
    return f"{named_after(column)}Known"


def gaps_in(column: str) -> str:
    """The name of the cell that says how many have none; it is blank where all have it."""
    return f"{named_after(column)}Gaps"


def none_known(column: str) -> str:
    """The condition that none has: its sum would be a 0 that nobody has said."""
    return f"{known_in(column)}=0"


def known_sum(column: str, since: str, until: str, criteria: str = "") -> str:
    """The sum of a column over days, and over rows that meet criteria; blank where none has a cell.

    Where there are no rows, it is 0. Cells are only counted in a column that has blank ones.
    """
    rows = in_days(since, until) + criteria
    none = f"IF({none_known(column)},TRUE,{unsaid(rows, f'Ads[{column}]')})"
    return f'IF(IF({gaps_in(column)}="",FALSE,{none}),"",SUMIFS(Ads[{column}],{rows}))'


def no_ratio(above: str, below: str, none: str) -> str:
    """The condition that two sums, by name or cell, have no ratio: one is blank, or none below."""
    return f'IF({above}="",TRUE,N({below}){none})'


def nothing(column: str) -> str:
    """How a sum tells that there is nothing to divide by.

    Credits and refunds may be more than what they are taken off; a count below 0 is a mistake.
    """
    return "<=0" if column in ("cost", "revenue") else "=0"


OUTCOMES = Outcomes(
    ADS.name,
    "channel",
    {
        **dict.fromkeys(("clicks", "conversions", "revenue"), "date"),
        **dict.fromkeys(("video_5s", "video_30s", "video_completions"), "video_starts"),
    },
    reach=2,
)
"""What comes of advertising. Mailings have no impressions, which are none of it."""


LOCATED = ("impressions", "cost")
"""Columns of which it is known where rows have none: in which weeks, in which campaigns. So few
sums are over some of the rows alone, which takes long where there are 100,000."""
ANYWHERE = {gaps_in(column): gaps_in(column) for column in LOCATED}
"""The same where nobody looks closer than at the whole range."""


def gaps_among(column: str, rows: str) -> str:
    """The cell of the gaps in a column: that of a record where its rows are told by fields."""
    name = gaps_in(column)
    return f"{{{name}}}" if column in LOCATED and "{" in rows else name


def gaps_of(rows: str) -> tuple[Measure, ...]:
    """Cells that are blank where all of some rows have a column of LOCATED."""
    return tuple(
        Measure(
            f"No {column}",
            f'IF({gaps_in(column)}="","",IF(COUNTIFS({rows},Ads[{column}],"")=0,"",1))',
            COUNT,
            key=gaps_in(column),
        )
        for column in LOCATED
    )


def stating(column: str, rows: str = "") -> tuple[str, str]:
    """The condition that all rows, or some, state a column, and the criteria of those that do."""
    criteria = OUTCOMES.stating(column)
    if column in OUTCOMES.columns:
        # It is never blank: LibreOffice without kpi_xl computes a blank cell anew.
        return f"{OUTCOMES.silent(column)}=0", criteria
    return f'{gaps_among(column, rows)}=""', criteria


def shared(column: str, other: str, rows: str, whole: str) -> str:
    """The sum of a column over those of some rows that state another; `whole` is that of all."""
    everywhere, criteria = stating(other, rows)
    return f"IF({everywhere},{whole},SUMIFS(Ads[{column}],{rows}{criteria}))"


def parts(above: str, below: str, rows: str, wholes: tuple[str, str]) -> Divided:
    """The parts of a ratio; `wholes` are the cells of the sums over all of the rows."""
    over = shared(below, above, rows, wholes[1])
    return divided(shared(above, below, rows, wholes[0]), over, wholes, nothing(below))


def nothing_earned(rows: str, revenue: str, cost: str) -> str:
    """The condition that nobody knows what some rows earned: none has both revenue and cost."""
    unknown = unsaid(rows, "Ads[revenue]", "Ads[cost]")
    unknown = f'IF(IF({gaps_in("revenue")}="",{gaps_among("cost", rows)}="",FALSE),FALSE,{unknown})'
    return f'IF({revenue}="",TRUE,IF({cost}="",TRUE,{unknown}))'


def named(column: str) -> str:
    """The names in a column, row by row."""
    return f'IF(Ads[{column}]="","{NAMELESS}",Ads[{column}])'


def criterion(name: str) -> str:
    """What SUMIFS takes to find a name, and nothing else."""
    return f'IF({name}="{NAMELESS}","=","="&{escaped(name)})'


def month_of(day: str) -> str:
    """The first day of a day's month."""
    return f"DATE(YEAR({day}),MONTH({day}),1)"


def few_whole(values: str) -> str:
    """The condition that a column of the periods has too few values of whole ones for a trend."""
    return f'SUMPRODUCT((PeriodWhole=1)*({values}<>""))<3'


def dated(day: str, to_the_day: str) -> str:
    """A date as text of digits, to the day if a condition holds, else to the month."""
    return f'{named_month(day)}&IF({to_the_day},"-"&RIGHT("0"&DAY({day}),2),"")'


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

    def mix(self, values: str) -> str:
        """The names of the range with the sums of some values."""
        rows = IN_RANGE + self.condition
        return f'CHANNEL_MIX(IF({rows},{self.names},""),IF({rows},{values},""))'

    @property
    def formula(self) -> str:
        """The names with their sums, the largest first.

        What was given back is in no sum: a name of which it is more would have no share. Where
        nothing is above 0 all names are listed by their rows, but for those of a condition.
        """
        column = f"Ads[{self.summed}]"
        none, above = f'COUNTIFS({in_days()},{column},">0")=0', f"IF({column}>0,{column},0)"
        if self.condition:
            return blank_if((NONE, none), self.mix(above))
        return blank_if(NONE, self.mix(f"IF({none},1,{above})"))


BY_CHANNEL = Listed("Channels", 0, named("channel"), "cost", 8)
BY_CAMPAIGN = Listed("Campaigns", 8, named("campaign"), "cost", 20)
BY_GROUP = Listed(
    "Ad groups", 17, f'{named("campaign")}&"{WITHIN}"&{named("ad_group")}', "cost", 40
)
BY_EMAIL = Listed("E-mail", 30, named("campaign"), "sent", 12, "*(Ads[sent]>0)")
BY_VIDEO = Listed("Video", 38, named("campaign"), "video_starts", 12, "*(Ads[video_starts]>0)")
LISTS = (BY_CHANNEL, BY_CAMPAIGN, BY_GROUP, BY_EMAIL, BY_VIDEO)
BY_MONTH, BY_PERIOD, BY_DAY, COPIED = 46, 59, 70, 78  # the first columns of the blocks over time
RANGE, OWED = COPIED + 14, COPIED + 17
TO_COME = COPIED + 50  # and of the forecasts


def summed(column: str, header: str, unit: Unit = COUNT) -> Measure:
    """The sum of a column of Ads over the rows that a record tells: {since}, {before}, {criteria}.

    Sums without cents, which nobody reads in a table.
    """
    formula = known_sum(column, "{since}", "{before}", "{criteria}")
    return Measure(header, formula, unit, key=column)


def ratio(
    header: str, function: str, above: str, below: str, unit: Unit, best: Literal["", "high", "low"]
) -> Measure:
    """A KPI function of two sums of the same record, over the rows that state both columns."""
    rows, wholes = in_days("{since}", "{before}") + "{criteria}", (f"{{{above}}}", f"{{{below}}}")
    of = parts(above, below, rows, wholes)
    return Measure(header, of.ratio(function), unit, blank=of.none, best=best)


SUMS = (
    summed("cost", "Cost", LARGE),
    summed("impressions", "Impressions"),
    summed("clicks", "Clicks"),
    summed("conversions", "Conversions"),
    summed("revenue", "Revenue", LARGE),
)

KPIS = (
    ratio("CTR", "CTR", "clicks", "impressions", RATE, "high"),
    ratio("CPC", "CPC", "cost", "clicks", MONEY, "low"),
    ratio("CPM", "CPM", "cost", "impressions", MONEY, ""),
    ratio("CPA", "CPA", "cost", "conversions", MONEY, "low"),
    ratio("Conversion rate", "CONVERSION_RATE", "conversions", "clicks", RATE, "high"),
    ratio("ROAS", "ROAS", "revenue", "cost", RATIO, "high"),
    ratio("Cost of sales", "AD_COST_OF_SALES", "cost", "revenue", RATE, ""),
)

TREND_KPIS = tuple(kpi for kpi in KPIS if kpi.header not in ("CPM", "Cost of sales"))

EMAIL_SUMS = (
    summed("sent", "Sent"),
    summed("delivered", "Delivered"),
    summed("opens", "Opened"),
    summed("email_clicks", "Clicked"),
    summed("unsubscribes", "Unsubscribed"),
)
EMAIL_KPIS = (
    ratio("Delivery rate", "DELIVERY_RATE", "delivered", "sent", RATE, "high"),
    ratio("Open rate", "OPEN_RATE", "opens", "delivered", RATE, "high"),
    ratio("Click rate", "EMAIL_CLICK_RATE", "email_clicks", "delivered", RATE, "high"),
    ratio("Click-to-open rate", "CLICK_TO_OPEN_RATE", "email_clicks", "opens", RATE, "high"),
    ratio("Unsubscribe rate", "UNSUBSCRIBE_RATE", "unsubscribes", "delivered", RATE, "low"),
)

VIDEO_SUMS = (
    summed("video_starts", "Started"),
    summed("video_5s", "After 5 seconds"),
    summed("video_30s", "After 30 seconds"),
    summed("video_completions", "At the end"),
)
VIDEO_KPIS = (
    ratio("Retention at 5 s", "VIDEO_RETENTION", "video_5s", "video_starts", RATE, "high"),
    ratio("Retention at 30 s", "VIDEO_RETENTION", "video_30s", "video_starts", RATE, "high"),
    ratio("Completion rate", "VIDEO_COMPLETION_RATE", "video_completions", "video_starts", RATE,
          "high"),
)  # fmt: skip


BY_DAYS = tuple(
    Basis(name, blank_if('LastDay=""', formula), TEXT)
    for name, formula in zip(("FromDays", "UntilDays"), days("FirstDay", "LastDay"), strict=True)
)
KNOWN = tuple(
    basis
    for one in (*SUMS, *EMAIL_SUMS, *VIDEO_SUMS)
    for basis in (
        Basis(known_in(one.called),
              f'=IF({NONE},0,COUNTIFS({in_days()},Ads[{one.called}],"<>"))', COUNT),
        Basis(gaps_in(one.called), blank_if(f"{known_in(one.called)}=RowsInRange",
                                            f"RowsInRange-{known_in(one.called)}"), COUNT),
    )
)  # fmt: skip
"""How many rows of the range have a cell in each column that is summed, and how many have none."""


# Sums over the rows that state another column, too, under names that say so: CostWithClicks

PAIRS = {
    "CTR": ("clicks", "impressions"),
    "CPC": ("cost", "clicks"),
    "CPM": ("cost", "impressions"),
    "CPA": ("cost", "conversions"),
    "Conversion rate": ("conversions", "clicks"),
    "ROAS": ("revenue", "cost"),
}
"""The parts of each ratio. Those of cost of sales, and of what was earned, are those of ROAS."""


def with_other(column: str, other: str) -> str:
    """The name of the cell with the sum of a column over the rows that state another."""
    return f"{named_after(column)}With{named_after(other)}"


def paired(above: str, below: str) -> tuple[Basis, Basis]:
    """The parts of a ratio of the range."""
    of = parts(above, below, in_days(), (named_after(above), named_after(below)))
    return (
        Basis(with_other(above, below), blank_if(NONE, of.above), VALUE),
        Basis(with_other(below, above), blank_if(NONE, of.below), VALUE),
    )


PAIRED = tuple(one for pair in PAIRS.values() for one in paired(*pair))


def ratio_figure(
    name: str, label: str, function: str, columns: tuple[str, str], unit: Unit, meaning: str
) -> Figure:
    """A ratio of the range: which says so where it is not of all rows."""
    names, cells = map(named_after, columns), (with_other(*columns), with_other(*columns[::-1]))
    (above, below), formula = names, f"{function}({','.join(cells)})"
    none = no_ratio(*cells, nothing(columns[1]))
    formula = blank_if((f'{above}=""', none), formula)
    part = f"IF({cells[0]}={above},{cells[1]}<>{below},TRUE)"
    return Figure(name, label, formula, unit, meaning, (part, PARTLY))


PARTLY = "Not of all rows: see the sheet {Campaigns}"


# The sheet Summary


def summed_up(column: str) -> str:
    """A figure of the range: the sum of a column of Ads."""
    return blank_if((NONE, none_known(column)), total(column))


def named_extreme(extreme: str) -> str:
    """The campaign of the best or the worst ROAS; none where others are printed alike."""
    found = f"MATCH({extreme}(CampaignReturn),CampaignReturn,0)"
    alone = printed_alone("CampaignReturn", extreme, RATIO)
    none = "COUNT(CampaignReturn)+0*SUM(CampaignReturn,Cost,Revenue)=0"
    return f'=IF({none},"",IF({alone},INDEX(CampaignName,{found}),""))'


SETTINGS = (
    Setting("Margin", "Contribution margin", 0.4, RATE, "Of revenue, before advertising", most=1.0),
    Setting(
        "Period",
        "Period of the trend",
        "Week",
        TEXT,
        "For the sheet {Trend}",
        ("Week", "Month"),
        codes=("W", "M"),
    ),
    Setting("StandsOutFrom", "A day stands out from", 3.5, SCORE, "Modified z score of its cost"),
)

LISTED_ALONE = 'CampaignsCut<>""', "Of the campaigns that cost most alone: see {Campaigns}"
FIGURES = {
    "The data": DAYS_SHOWN.figures(),
    "Totals": (
        Figure("Cost", "Cost", summed_up("cost"), MONEY, "Credits taken off"),
        Figure("Revenue", "Revenue", summed_up("revenue"), MONEY,
               "Refunds taken off"),
        Figure("Earned", "Margin less cost",
               blank_if((NONE, nothing_earned(in_days(), "Revenue", "Cost")),
                        "RevenueWithCost*Margin-CostWithRevenue"), MONEY,
               "What the advertising earned",
               ("IF(RevenueWithCost=Revenue,CostWithRevenue<>Cost,TRUE)", PARTLY)),
        Figure("Impressions", "Impressions", summed_up("impressions"), COUNT, ""),
        Figure("Clicks", "Clicks", summed_up("clicks"), COUNT, ""),
        Figure("Conversions", "Conversions", summed_up("conversions"), COUNT, ""),
    ),
    "Ratios": (
        ratio_figure("AdReturn", "ROAS", "ROAS", ("revenue", "cost"), RATIO, "Revenue / cost"),
        Figure("BreakEven", "Break-even ROAS", blank_if(NONE, "BREAKEVEN_ROAS(Margin)"), RATIO,
               "Below it advertising loses"),
        ratio_figure("CostOfSales", "Cost of sales", "AD_COST_OF_SALES", ("cost", "revenue"),
                     RATE, "Cost / revenue (ACoS)"),
        ratio_figure("ActionCost", "CPA", "CPA", ("cost", "conversions"), MONEY,
                     "Cost / conversions"),
        ratio_figure("ClickCost", "CPC", "CPC", ("cost", "clicks"), MONEY, "Cost / clicks"),
        ratio_figure("ClickRate", "CTR", "CTR", ("clicks", "impressions"), RATE,
                     "Clicks / impressions"),
        ratio_figure("ConversionRate", "Conversion rate", "CONVERSION_RATE",
                     ("conversions", "clicks"), RATE, "Conversions / clicks"),
    ),
    "Next week or month": tuple(
        Figure(f"Next{part}", f"Revenue, {part.lower()}",
               blank_if(f'Revenue{part}=""', f"Revenue{part}"), MONEY, meaning,
               (f'Revenue{part}=""', "None yet: see the sheet {Forecast}"))
        for part, meaning in (
            ("Expected", "If all goes on as it did"),
            ("Low", "Seldom less"),
            ("High", "Seldom more"),
        )
    ),
    "In words": (
        Figure("BestCampaign", "Best ROAS", named_extreme("MAX"), TEXT, "", LISTED_ALONE),
        Figure("WorstCampaign", "Worst ROAS", named_extreme("MIN"), TEXT, "", LISTED_ALONE),
        Figure("LosingCost", "Cost below break-even",
               blank_if(NONE, 'IF(COUNT(CampaignReturn)+0*SUM(CampaignReturn,Cost,Revenue)=0,"",'
                              'SUMIFS(CampaignCost,CampaignReturn,"<"&BreakEven))'), MONEY,
               "Of campaigns that lose", LISTED_ALONE),
    ),
}  # fmt: skip

EVERY = {figure.name: figure for group in FIGURES.values() for figure in group}
TILES = (
    Tile("Cost", "", "Cost"),
    Tile("Revenue", "higher", "Revenue"),
    Tile("AdReturn", "higher", "ROAS"),
    Tile("BreakEven", compared=False),
    Tile("ActionCost", "lower", "CPA"),
    Tile("Earned", "higher", "Earned"),
)

# The sheet A-B test

TEST_SETTINGS = (
    Setting("Baseline", "Conversion rate now", "", RATE, "Blank: that of the campaigns",
            effect='IF(BaselineRate="","",ROUND(BaselineRate*100,1)&"%")'),
    Setting("Change", "Change to detect", 0.1, RATE, "10%: from 5.0% to 5.5%, say"),
    Setting("Significance", "Significance", 0.05, RATE,
            "Chance of seeing a difference that is not there"),
    Setting("TestPower", "Power", 0.8, RATE, "Chance of seeing a difference that is there"),
    Setting("Visitors", "Visitors a day", "", COUNT, "Blank: the clicks of the campaigns",
            effect='IF(DailyVisitors="","",TEXT(DailyVisitors,"#,##0"))'),
    Setting("ShareOfA", "Share of the visitors for A", 0.5, RATE, "As planned: 50% is half"),
)  # fmt: skip


def sample_size(change: str, power: str) -> str:
    """Visitors of each variant to see a relative change; nothing where no sample would tell."""
    return (
        f'IF(BaselineRate="","",IF(BaselineRate<=0,"",IF({change}<=0,"",'
        f'IF(BaselineRate*(1+{change})>=1,"",'
        f"SAMPLE_SIZE(BaselineRate,BaselineRate*{change},Significance,{power})))))"
    )


def all_visitors(each: str) -> str:
    """Visitors of both variants together until the one with fewer of them has so many."""
    return f"ROUNDUP(ROUND({each}/MIN(ShareOfA,1-ShareOfA),6),0)"


def test_days(visitors: str) -> str:
    """Days until both variants have had so many visitors."""
    none = f'OR({visitors}="",DailyVisitors="")'
    return (
        f'IF({none},"",IF(DailyVisitors<=0,"",ROUNDUP({all_visitors(visitors)}/DailyVisitors,0)))'
    )


TEST_FIGURES = (
    Figure("BaselineRate", "Rate of the old variant",
           '=IF(Baseline="",ConversionRate,Baseline)', RATE, "As set above, or present"),
    Figure("ChangedRate", "Rate to detect",
           blank_if('BaselineRate=""', "BaselineRate*(1+Change)"), RATE, "Of the new variant"),
    Figure("SampleVisitors", "Visitors for each variant", f"={sample_size('Change', 'TestPower')}",
           COUNT, "Fewer cannot tell such a change from chance"),
    Figure("DailyVisitors", "Visitors a day",
           '=IF(Visitors<>"",Visitors,IF(Clicks="","",Clicks/(LastDay-FirstDay+1)))', COUNT,
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
        " every day and stops at the first good value finds differences that are not there. Until"
        " the visitors planned have come, the verdict keeps to the limit of a test that may be"
        " looked at on the way: beyond it a difference is clear already.",
    ),
    (
        "The split",
        "Where the visitors were not split as planned (a p-value below 0.01), the test has lost"
        " some of one variant: redirects, bots, consent. Its rates are then those of different"
        " people, and nothing may be decided before the reason is found.",
    ),
    (
        "Many tests, or variants",
        "Of twenty tests without any difference one shows one. Where there are more than two"
        " variants, give each its row against A, and take the p-values through HOLM before you"
        " believe the best of them.",
    ),
)

# The sheet Checks

PADDED = "+".join(padded(f"Ads[{name}]") for name in ("campaign", "ad_group", "channel"))

PROBLEMS = (
    Problem("Rows without a campaign", *where(ADS, '(Ads[campaign]="")*(Ads[date]<>"")'),
            "Name the campaign. Until then they count under the name (?)."),
    Problem("Rows without a channel", *where(ADS, '(Ads[channel]="")*(Ads[date]<>"")'),
            "Name the channel. Until then they count under the name (?)."),
    Problem("Rows without a date", *where(ADS, '(Ads[date]="")*(Ads[campaign]<>"")'),
            "Give the day, or delete the row: it counts nowhere."),
    Problem("Rows that are there twice, alike in every column",
            "=CopiedRows", "=FirstCopied",
            "All rows are summed, as devices or networks must be. Was something pasted in twice?"),
    Problem("Rows that seem to stand for weeks", "=WeekRows", "",
            "Their days are a week or more apart, and each counts as a day: export by day."),
    Problem("Rows that seem to stand for a month or a quarter", "=MonthRows", "",
            "Only the first day of their month has a row of their channel: export by day."),
    Problem("Names with a space before or after them", f"={PADDED}", "",
            "Take the spaces away: until then these rows are missing in their campaign."),
    Problem("Rows without a cost", *where(ADS, '(Ads[cost]="")*(Ads[date]<>"")'),
            "Enter the cost, 0 if it was nothing. Until then ratios of cost leave these rows out:"
            " the sheet {Campaigns} says how much they brought. Forecasts begin after a period"
            " without any."),
    Problem("More than two channels that never have clicks, conversions or revenue",
            f"={OUTCOMES.too_many}", "",
            "Ratios leave out two of them, and count the others as if nothing had come of them:"
            " give such channels one name, or enter 0 where nothing came."),
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
    DAYS_SHOWN.nothing(),
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
    return [
        # Of a list that is cut the sum is less.
        Agreement("Cost, summed by campaign", blank_if('CampaignsCut<>""', "SUM(CampaignCost)"),
                  blank_if('CampaignsCut<>""', f"IF({NONE},0,SUMPRODUCT({rows}*Ads[cost]))"),
                  MONEY),
        Agreement("Cost, summed by ad group", blank_if('AdgroupsCut<>""', "SUM(GroupCost)"),
                  blank_if('AdgroupsCut<>""', "N(Cost)"), MONEY),
        Agreement("ROAS", blank_if("RevenueSilent>0", "AdReturn"),
                  blank_if(("RevenueSilent>0", 'AdReturn=""'),
                           f'SUMPRODUCT({rows}*(Ads[cost]<>"")*Ads[revenue])'
                           f"/SUMPRODUCT({rows}*Ads[cost])"), RATIO),
        Agreement("CTR", blank_if("ClicksSilent>0", "ClickRate"),
                  blank_if(("ClicksSilent>0", 'ClickRate=""'),
                           f'SUMPRODUCT({rows}*(Ads[impressions]<>"")*Ads[clicks])'
                           f"/SUMPRODUCT({rows}*Ads[impressions])"), RATE),
        Agreement("Trend of the cost", f"={book.at('Trend', TOP + 1, 2)}",
                  "=CostTrend", RATE),
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
    to_come(book.pages["Forecast"])
    ab_test(book.pages["A-B test"])
    checks(book.pages["Checks"], agreements(book), PROBLEMS)


# The sheet Model

LISTED = (
    Measure("Name", 'IF(ISBLANK({source name}),"",{source name}&"")', KEY, blank="", look=WORDS),
    Measure("Found by", criterion("{Name}"), KEY, look=WORDS),
)
CHANNEL_OF = '_xlfn.XLOOKUP({%s},Ads[campaign],Ads[channel],"")&""'
LISTED_CHANNEL = (*LISTED, *gaps_of(in_days() + ",Ads[channel],{Found by}"))
LISTED_CAMPAIGN = (
    *LISTED,
    Measure("Channel", CHANNEL_OF % "Name", KEY, look=WORDS),
    *gaps_of(in_days() + ",Ads[campaign],{Found by}"),
)
LISTED_GROUP = (
    *LISTED,
    Measure("Channel", CHANNEL_OF % "Campaign", KEY, look=WORDS),
    Measure("Campaign", f'LEFT({{Name}},FIND("{WITHIN}",{{Name}})-1)', KEY, look=WORDS),
    Measure("Ad group", f'MID({{Name}},FIND("{WITHIN}",{{Name}})+{len(WITHIN)},255)', KEY,
            look=WORDS),
    Measure("Found by", criterion("{Campaign}"), KEY, look=WORDS, key="campaign found by"),
    Measure("Found by", criterion("{Ad group}"), KEY, look=WORDS, key="group found by"),
    *gaps_of(in_days() + ",Ads[campaign],{campaign found by},Ads[ad_group],{group found by}"),
)  # fmt: skip


def model(page: Page) -> None:
    """The lists, and the blocks over time."""
    lead = "What the other sheets show and draw; there is nothing to fill in."
    lay_out(page, "Model", lead, ((COPIED + 2, 16),), frozen=(TOP + 1, 0))
    for listed in LISTS:
        page.sheet.set_column(listed.column, listed.column, 24)
        page.sheet.set_column(listed.column + 4, listed.column + 5, 24)
        page.write(TOP - 1, listed.column, listed.title, page.styles.heading())
        listing(page, listed)
    for title, column, measures, size in (
        ("Months", BY_MONTH, MONTHLY, MONTHS), ("Days", BY_DAY, DAILY, DAYS),
    ):  # fmt: skip
        page.write(TOP - 1, column, title, page.styles.heading())
        blank = f'{{{measures[0].header}}}=""'
        put_grid(page, TOP, measures, [{}] * size, left=column, blank=blank)
    count = page.styles.number(COUNT)
    anomalies = blank_if(NO_DAILY, "IF(KPI_ANOMALY(DayCost,StandsOutFrom),1,0)")
    page.spill(TOP + 1, BY_DAY + 2, anomalies, count, [count])
    periods(page)
    rows_apart(page)
    put_basis(page, TOP + 1, RANGE, known(page.book))
    forecasts(page)
    page.sheet.print_area(0, 0, 1, 7)


def known(book: Book) -> list[Basis]:
    """What follows from the settings, and what is known."""
    return [*DAYS_SHOWN.basis(book), *codes(book, SETTINGS), *BY_DAYS, *KNOWN, *OUTCOMES.basis,
            *PAIRED]  # fmt: skip


def parts_before(page: Page) -> dict[str, str]:
    """The figures of the period before, and the channels that their changes are mostly owed to."""
    wanted = [tile.figure for tile in TILES if tile.compared]
    below = TOP + 3 + len(known(page.book))
    figures_before(page, below, RANGE, (*EVERY.values(), *BY_DAYS, *KNOWN, *PAIRED), wanted)
    channels = beside(page, BY_CHANNEL)
    records = channels.records(name="Name", found="Found by")
    of_channel = ",Ads[channel],{found}"
    sums = {named_after(one): total(one, of_channel) for one in ("cost", "revenue")}
    for pair in (PAIRS["ROAS"], PAIRS["CPA"]):
        for one, other in (pair, pair[::-1]):
            sums[with_other(one, other)] = total(one, of_channel + stating(other)[1])
    bounds = {**BOUNDS, **{one.name: f"{one.name}Before" for one in BY_DAYS}}
    parts_of = Breakdown(records, sums, '{name}=""')
    return owed_to(page, TOP, OWED, parts_of, EVERY, wanted, bounds)


def beside(page: Page, listed: Listed) -> Grid:
    """The table beside a list, which says how each name is found."""
    measures = {"Channels": LISTED_CHANNEL, "Campaigns": LISTED_CAMPAIGN,
                "Ad groups": LISTED_GROUP}.get(listed.title, LISTED)  # fmt: skip
    return Grid(page, TOP, listed.column + 4, measures, listed.room)


def listing(page: Page, listed: Listed) -> None:
    """A spilled list; beside it each name, and how SUMIFS finds it."""
    styles = page.styles
    plain, money, share = styles.label(), styles.number(MONEY), styles.number(RATE)
    spill = [plain, money, share, share]
    page.spill(TOP, listed.column, listed.formula, styles.header(), spill)
    table = beside(page, listed)
    records = [
        {"source name": xl_rowcol_to_cell(row, listed.column)}
        for row in range(TOP + 1, TOP + 1 + listed.room)
    ]
    put_grid(page, TOP, table.measures, records, left=table.left, blank='{Name}=""')


def following(header: str, start: str, step: str) -> Measure:
    """A column of days that begins with `start` and goes on by steps to LastDay."""
    before = f"{{{header}<}}"
    after = step.format(day=before)
    formula = f'IF({before}="","",IF({after}>LastDay,"",{after}))'
    return Measure(header, formula, DATE, blank="", first=f'IF({NONE},"",{start})')


OF_DAYS = "since", "before"


def with_days(first: str, last: str) -> tuple[Measure, ...]:
    """The criteria for the rows of a span of days, as far as these are shown."""
    formulas = days(f"MAX({first},FirstDay)", f"MIN({last},LastDay)")
    return tuple(
        Measure("Found by", formula, TEXT, key=key)
        for key, formula in zip(OF_DAYS, formulas, strict=True)
    )


OF_SPAN = "{since}", "{before}"


def in_month(header: str, column: str) -> Measure:
    """The sum of a column over the days of a month."""
    return Measure(header, known_sum(column, *OF_SPAN), MONEY)


RETURN = parts("revenue", "cost", in_days(*OF_SPAN), ("{Revenue}", "{Cost}"))
ACTIONS = parts("cost", "conversions", in_days(*OF_SPAN), ("{Cost}", "{Conversions}"))
MONTHLY = (
    following("Month", f"MAX({month_of('FirstDay')},EDATE({month_of('LastDay')},{1 - MONTHS}))",
              "EDATE({day},1)"),
    in_month("Cost", "cost"),
    in_month("Revenue", "revenue"),
    Measure("ROAS", RETURN.ratio("ROAS"), RATIO, blank=RETURN.none),
    Measure("Break-even", "BreakEven", RATIO, blank=""),
    Measure("CPA", ACTIONS.ratio("CPA"), MONEY, blank=ACTIONS.none),
    Measure("Earned", f"{RETURN.above}*Margin-{RETURN.below}", MONEY,
            blank=nothing_earned(in_days(*OF_SPAN), "{Revenue}", "{Cost}")),
    in_month("Conversions", "conversions")._replace(unit=COUNT),
    *with_days("{Month}", "EDATE({Month},1)-1"),
    *gaps_of(in_days(*OF_SPAN)),
)  # fmt: skip

WEEK_OF = "({day}-WEEKDAY({day},2)+1)"
PERIOD_STEP = 'IF(PeriodCode="W",{day}+7,EDATE({day},1))'
PERIODICAL = (
    following("From", f'IF(PeriodCode="W",MAX({WEEK_OF.format(day="FirstDay")},'
                      f"{WEEK_OF.format(day='LastDay')}-7*{PERIODS - 1}),"
                      f"MAX({month_of('FirstDay')},EDATE({month_of('LastDay')},{1 - PERIODS})))",
              PERIOD_STEP),
    Measure("Until", f"{PERIOD_STEP.format(day='{From}')}-1", DATE),
    Measure("Number", "{number}", COUNT, name="PeriodNumber"),
    Measure("Whole", "IF({From}<FirstDay,0,IF({Until}>LastDay,0,1))", COUNT, name="PeriodWhole"),
    Measure("Break-even", "BreakEven", RATIO, blank=""),
    Measure("Cost if whole", 'IF({Whole}=1,{trend cost},"")', MONEY, blank="", name="PeriodCost"),
    *with_days("{From}", "{Until}"),
    *gaps_of(in_days(*OF_SPAN)),
)  # fmt: skip

NO_DAILY = "COUNT(DayCost)+0*SUM(DayCost)=0"  # an error is shown
DAILY = (
    following("Day", f"MAX(FirstDay,LastDay-{DAYS - 1})", "{day}+1")._replace(name="DayDate"),
    Measure("Cost", known_sum("cost", *days("{Day}", "{Day}")), MONEY, name="DayCost"),
    Measure("Stands out", "", COUNT, kind="spill"),
    # The number stays where no day stands out: MATCH finds the first row that has it.
    Measure("Number", "{Number<}+N({Stands out})", COUNT, first='IF({Day}="","",N({Stands out}))',
            name="DayNumber"),
    Measure("Like most days", 'IF({Stands out}=1,"",{Cost})', MONEY),
    Measure("Standing out", 'IF({Stands out}=1,{Cost},"")', MONEY),
)  # fmt: skip


def over_time(book: Book, measures: tuple[Measure, ...]) -> Grid:
    """A block over time on the sheet Model."""
    left, size = {"Month": (BY_MONTH, MONTHS), "From": (BY_PERIOD, PERIODS), "Day": (BY_DAY, DAYS)}[
        measures[0].header
    ]
    return Grid(book.pages["Model"], TOP, left, measures, size)


def periods(page: Page) -> None:
    """The last weeks or months: when they begin and end, and whether they are whole."""
    first = BY_PERIOD
    page.write(TOP - 1, first, "Periods", page.styles.heading())
    costs = [{"trend cost": page.book.at("Trend", TOP + 1 + number, 2)}
             for number in range(1, PERIODS + 1)]  # fmt: skip
    put_grid(page, TOP, PERIODICAL, costs, left=first, blank='{From}=""')
    # Viewers without our functions keep the values of plain formulas, such as those on Trend.
    for column, measure in enumerate((*SUMS, *TREND_KPIS), start=2):
        row = TOP + PERIODS + 1 + column
        values = page.book.at("Trend", TOP + 2, column, TOP + 1 + PERIODS, column)
        # No SUMIFS: what it makes of an error, where a date is text, is not sure in all programs.
        whole = f'IF(PeriodWhole=1,{values},"")'
        rate = f'IF({without_mean(whole)},"",KPI_TREND({whole}))'
        page.write(row, first, measure.header, page.styles.label())
        rate = blank_if(few_whole(values), rate)
        page.put_array(row, first + 4, rate, page.styles.number(RATE))
    # The same of the cost by the sums of least squares, for the sheet Checks.
    kept = 'IF(PeriodCost="",0,{})'.format
    many, number, cost = 'SUMPRODUCT((PeriodCost<>"")*1)', "PeriodNumber", "PeriodCost"
    sums = {
        "n": many, "x": f"SUM({kept(number)})", "y": f"SUM({kept(cost)})",
        "xx": f"SUM({kept(f'{number}*{number}')})", "xy": f"SUM({kept(f'{number}*{cost}')})",
    }  # fmt: skip
    slope = "({n}*{xy}-{x}*{y})/({n}*{xx}-{x}*{x})/({y}/{n})".format_map(sums)
    page.write(TOP + PERIODS + 13, first, "Trend of the cost", page.styles.label())
    rate = blank_if((few_whole("PeriodCost"), "SUM(PeriodCost)<=0"), slope)
    page.put_array(TOP + PERIODS + 13, first + 4, rate, page.styles.number(RATE))
    page.define("CostTrend", TOP + PERIODS + 13, first + 4)


FORECAST = (("cost", 2), ("conversions", 5), ("revenue", 6))
"""What is forecast: sums of SUMS, and their columns on the sheet Trend."""


def forecasts(page: Page) -> None:
    """The forecasts of the sums of whole weeks or months, and when the next one begins."""
    headers = {measure.called: measure.header for measure in SUMS}
    past = []
    latest = 'MAX(IF(PeriodWhole=1,PeriodNumber,""))'
    for name, column in FORECAST:
        values = page.book.at("Trend", TOP + 2, column, TOP + 1 + PERIODS, column)
        whole = since_the_gap(f'IF(PeriodWhole=1,{values},"")', "PeriodNumber", latest)
        none = f'IF({NONE},TRUE,SUMPRODUCT(({whole}<>"")*1)<{FEWEST})'
        past.append(Past(headers[name], whole, none))
    source = over_time(page.book, PERIODICAL)
    until = page.book.at("Model", TOP + 1, source.left + 1, TOP + PERIODS, source.left + 1)
    last = f'MAX(IF(PeriodWhole=1,{until},""))+1'
    following = Basis("NextPeriod", blank_if(f"IF({NONE},TRUE,{few_periods()})", last), DATE)
    season = 'IF(PeriodCode="M",12,1)'
    spill_forecasts(page, TOP, TO_COME, past, season, "The next period begins", following)


def few_periods() -> str:
    """The condition that there are too few whole periods for a forecast."""
    return f"SUMPRODUCT((PeriodWhole=1)*1)<{FEWEST}"


def to_come(page: Page) -> None:
    """The next weeks or months, the one that runs among them."""
    running = page.book.phrase("running: its days so far are not in it")
    step = 'IF(PeriodCode="W",NextPeriod+7*{ahead},EDATE(NextPeriod,{ahead}))'
    columns = (
        Measure("From", step, DATE, blank='NextPeriod=""', look=NAME),
        Measure("Remark", f'IF({{From}}<=LastDay,{running},"")', KEY, blank='{From}=""',
                look=REMARK),
    )  # fmt: skip
    sums = {measure.called: measure for measure in SUMS}
    table = forecast_sheet(
        page,
        "The next weeks or months, if all goes on as it did. Of ten, eight to nine come between low"
        " and high.",
        {sums[name].header: sums[name].unit for name, _ in FORECAST},
        (TOP, TO_COME),
        [{"ahead": str(ahead)} for ahead in range(AHEAD)],
        columns,
    )
    revenue = [name for name, _ in FORECAST].index("revenue")
    for part in ("low", "expected", "high"):
        table.define(f"Revenue{part.title()}", f"{part} {revenue}!", 1, 1)


def days_of(rows: str) -> tuple[str, str]:
    """The days of the rows that meet a condition, and how many there are."""
    days = f'IF({rows},Ads[date],"")'
    return days, f'(ROWS(CHANNEL_MIX({days},IF({rows},1,"")))-1)'


KEYS = '&"|"&'.join(f"Ads[{column.name}]" for column in ADS.columns[:9])
ALIKE_ROWS = "CHANNEL_MIX({})".format(  # those with most rows first
    ",".join(f'IF(Ads[date]="","",{one})' for one in (KEYS, "1"))
)
# Mailings are single days.
DATED = '(Ads[date]<>"")'
FIGURED = f'(Ads[date]>={FIGURED_FROM})*(Ads[date]<{FIGURED_UNTIL + 1})*(Ads[sent]="")'
UNSENT = f'{DATED}*(Ads[sent]="")'
NO_DAYS, NO_FIGURED = (f"IF({ADS.empty},TRUE,SUMPRODUCT({rows})=0)" for rows in (UNSENT, FIGURED))
(DAYS_SENT, DIFFERENT), (FIGURED_DAYS, _) = days_of(UNSENT), days_of(FIGURED)
# Days that are a week apart on the average, and no fewer than four, are the first ones of weeks,
# months or quarters.
APART = f"MAX({DAYS_SENT})-MIN({DAYS_SENT})>=7*({DIFFERENT}-1)"
WEEKS = f"IF({DIFFERENT}<4,0,IF({APART},SUMPRODUCT({UNSENT}),0))"
# Data may end on the first day of a month. It is looked at where all days are as far apart as
# months, or where it costs more than seven of the others.
COST_OF = 'SUMIFS(Ads[cost],Ads[date],"{}"&LastFigured,Ads[sent],"")'
HEAVY = f"IF({COST_OF.format('>=')}*({DIFFERENT}-1)>7*{COST_OF.format('<')},0,1)"
ROWS_APART = tuple(
    Basis(name, f"=IF({none},{nothing},{formula})", unit, array=True)
    for name, none, nothing, formula, unit in (
        ("CopiedRows", ADS.empty, "0", f"SUMPRODUCT({DATED}*1)+1-ROWS({ALIKE_ROWS})", COUNT),
        ("FirstCopied", "CopiedRows=0", '""',
         f"ROW(Ads[[#Headers],[date]])+MATCH(INDEX({ALIKE_ROWS},2,1),{KEYS},0)", COUNT),
        ("WeekRows", NO_DAYS, "0", f"MAX({WEEKS},SUM(WeeklyRows))", COUNT),
        ("LastFigured", NO_FIGURED, '""', f"MAX({FIGURED_DAYS})", DATE),
        ("MonthsUntil", NO_FIGURED, '""',
         f"LastFigured-IF(LastFigured-MIN({FIGURED_DAYS})>=28*({DIFFERENT}-1),0,{HEAVY})", DATE),
        ("MonthRows", NO_FIGURED, "0", "SUM(RowsAlone)", COUNT),
    )
)  # fmt: skip
"""How many rows are as another in every column, where the first is; how many stand for weeks, or
are a channel's only ones of their month, and stand on its first day."""

# Criteria that compare find numbers alone; the same day is sought so, for a date may be text.
ALONE = (
    Measure("Found by", criterion("{channel}"), KEY, blank="N({days})=0"),
    Measure("First day", "DATE(LEFT({month},4),RIGHT({month},2),1)", DATE),
    Measure("Rows of it", 'COUNTIFS(Ads[date],">="&{First day},Ads[date],"<"&{First day}+1,'
                          'Ads[channel],{Found by},Ads[sent],"",Ads[date],"<="&MonthsUntil)', COUNT,
            name="RowsAlone"),
)  # fmt: skip

# The same for each channel alone, beside its first month: its days are a week apart on the average,
# and the last one is whole weeks after the first.
OF_CHANNEL = f'Ads[channel],{{found}},Ads[sent],"",{SOUND}'
WEEKLY = (
    Measure("Days apart", f"_xlfn.MAXIFS(Ads[date],{OF_CHANNEL})"
                          f"-_xlfn.MINIFS(Ads[date],{OF_CHANNEL})", COUNT),
    Measure("Rows of weeks", "IF({Days apart}<7*({all days}-1),0,IF(MOD({Days apart},7)<>0,0,"
                             f"COUNTIFS({OF_CHANNEL})))", COUNT, name="WeeklyRows"),
)  # fmt: skip


def rows_apart(page: Page) -> None:
    """How many rows are there twice, or seem to stand for weeks or months: see ROWS_APART."""
    page.write(TOP - 1, COPIED, "The data", page.styles.heading())
    put_basis(page, TOP + 1, COPIED, ROWS_APART)
    channel, day, one, row = (
        f'IF({FIGURED},{what},"")'
        for what in (named("channel"), "Ads[date]", "1", f'{named("channel")}&"|"&Ads[date]')
    )
    # Each row's channel and day are one: new ones are the days on which the channel has rows.
    months = f'CHOOSECOLS(CAC_BY({channel},{day},{one},{row},{day},{channel},"M"),1,2,4)'
    left = COPIED + 3
    title = "Channels by month: days with rows"
    put_spills(page, TOP, [Spill(title, left, months, NO_FIGURED, (COUNT,))])
    records = [
        dict(zip(("channel", "month", "days"),
                 (xl_rowcol_to_cell(row, left + place) for place in range(3)), strict=True))
        for row in range(TOP + 1, TOP + 1 + MONTHS_LOOKED_AT)
    ]  # fmt: skip
    alone = put_grid(page, TOP, ALONE, records, left=left + 3, blank="N({days})<>1")
    weeks_alone(page, left, [{**record, "found": alone.cells(number)["Found by"]}
                             for number, record in enumerate(records, start=1)])  # fmt: skip


def weeks_alone(page: Page, left: int, records: Sequence[Mapping[str, str]]) -> None:
    """How many rows are those of channels that seem to have a row a week, beside the months."""
    channels, days = (
        page.book.at("Model", TOP + 1, column, TOP + MONTHS_LOOKED_AT, column)
        for column in (left, left + 2)
    )
    all_days = f'SUMIFS({days},{channels},"="&{escaped("{channel}")})'
    of_channel = [
        {**record, "before": xl_rowcol_to_cell(row, left),
         "all days": all_days.replace("{channel}", record["channel"])}
        for row, record in enumerate(records, start=TOP)
    ]  # fmt: skip
    later = "IF(N({days})=0,TRUE,IF({channel}={before},TRUE,{all days}<4))"
    put_grid(page, TOP, WEEKLY, of_channel, left=left + 7, blank=later)


# The sheets for people


def summary(page: Page) -> None:
    """The figures for the boss."""
    lay_out(page, "Campaigns", "Change the yellow cells to your own.",
            ((1, 3), (1, 28), (1, 18), (1, 36), (3, 22)), column=1)  # fmt: skip
    status(page, 2, 1, ADS)
    months = over_time(page.book, MONTHLY)
    owed = parts_before(page.book.pages["Model"])
    shown = with_courses(TILES, months, owed)
    top, row = key_figures(page, TOP, shown, SETTINGS, FIGURES)
    draw(page, "column", "Cost and revenue by month",
         [months.series("Cost", ORANGE), months.series("Revenue", BLUE)],
         (top, 4, 474, 236), names_format="yyyy-mm",
         unit=LARGE)  # fmt: skip
    draw(page, "column", "ROAS by month, against break-even", [months.series("ROAS", BLUE)],
         (top + 12, 4, 474, 236), level=months.series("Break-even", WARNING),
         names_format="yyyy-mm", number_format="0.0")  # fmt: skip
    channels = page.book.pages["Campaigns"]
    names, shares = (down(channels, n, CHANNEL_ROWS, 6) for n in (0, 2))
    draw(page, "bar", "Share of the cost by channel", [Series("Share", names, shares)],
         (top + 24, 4, 474, 236), number_format="0%", labels=True)  # fmt: skip
    page.sheet.print_area(0, 0, max(row + 1, top + 36), 6)  # down to the last chart's end


CHANNEL_ROWS = TOP + 4  # where the sheet Campaigns has its channels and its campaigns
CAMPAIGN_ROWS = CHANNEL_ROWS + BY_CHANNEL.room + 2
DRAWN = 10  # campaigns in its charts
LEFT_OUT_ROWS = CAMPAIGN_ROWS + BY_CAMPAIGN.room + 20  # below these, what ratios leave out

WHOLE = {"since": "FromDays", "before": "UntilDays", "criteria": "", "none": NONE, **ANYWHERE}
"""What the sums are over, and the condition for none: the rows of the range, all of them."""


def of_list(book: Book, listed: Listed, *columns: str) -> list[dict[str, str]]:
    """The names of a list: what its table on the sheet Model says of each, and its criteria.

    `columns` are those of Ads that the name stands for.
    """
    table = beside(book.pages["Model"], listed)
    records = []
    for number in range(1, listed.room + 1):
        cells = {measure.called: table.row_of(measure.called, number)
                 for measure in table.measures}  # fmt: skip
        found = [cells[name] for name in cells if name.lower().endswith("found by")]
        pairs = zip(columns, found[-len(columns) :], strict=True)
        criteria = "".join(f",Ads[{column}],{cell}" for column, cell in pairs)
        records.append({
            **WHOLE,
            **{f"model {name}": cell for name, cell in cells.items()},
            "none": f'{cells["Name"]}=""',
            "criteria": criteria,
            **{gaps_in(column): cells.get(gaps_in(column), "") for column in LOCATED},
        })  # fmt: skip
    return records


def shown_as(header: str, called: str, look: Mapping[str, Any] = NAME) -> Measure:
    """A column of names that the sheet Model has."""
    return Measure(header, f"{{model {called}}}", KEY, blank="", look=look)


SHARE = Measure(
    "Share of cost", "{cost}/Cost", RATE, "MAX(0,N(Cost))", blank='{cost}=""', bars=True
)


def campaigns(page: Page) -> None:
    """All, channels and campaigns in one table of the same columns."""
    styles, book = page.styles, page.book
    width = 3 + len(SUMS) + len(KPIS)
    lay_out(page, "Campaigns", "★ is the best of a column, ▼ the worst.",
            ((1, 24), (width - 1, 12), (1, 36)), frozen=(TOP + 1, 1))  # fmt: skip
    names = shown_as("Name", "Name"), shown_as("Channel", "Channel", WORDS)
    columns = (*names, SHARE, *SUMS, *KPIS, verdict(book, best=True))
    put_header(Grid(page, TOP, 0, columns, 1), deep=46)
    page.write(TOP + 1, 0, "All", styles.label(bold=True))
    whole = put_grid(page, TOP, (*SUMS, *unmarked(KPIS)), [WHOLE], left=3, blank="{none}",
                     titled=False, look={"bold": True})  # fmt: skip
    put_grid(page, TOP, [pays(book)], [whole.cells(1)], left=width, titled=False)
    section(page, CHANNEL_ROWS - 1, 0, width, BY_CHANNEL.title)
    channels, rows = of_list(book, BY_CHANNEL, "channel"), of_list(book, BY_CAMPAIGN, "campaign")
    put_grid(page, CHANNEL_ROWS - 1, names[:1], channels, titled=False)
    put_grid(page, CHANNEL_ROWS - 1, (SHARE, *SUMS, *unmarked(KPIS), verdict(book, best=False)),
             channels, left=2, blank="{none}", titled=False)  # fmt: skip
    section(page, CAMPAIGN_ROWS - 1, 0, width, BY_CAMPAIGN.title)
    table = put_grid(page, CAMPAIGN_ROWS - 1, columns, rows, blank="{none}", titled=False)
    for name, column in (
        ("CampaignName", "Name"), ("CampaignCost", "cost"), ("CampaignReturn", "ROAS"),
    ):  # fmt: skip
        table.define(name, column)
    warn(page, BY_CAMPAIGN)
    first = Grid(page, table.top, 0, columns, DRAWN)
    limit = down(book.pages["Model"], BY_PERIOD + 4, TOP + 1, DRAWN)
    place = table.last + 2
    draw(page, "column", "Cost and revenue by campaign",
         [first.series("cost", ORANGE, "Cost"), first.series("revenue", BLUE, "Revenue")],
         (place, 0, 690, 320), unit=LARGE)  # fmt: skip
    draw(page, "column", "ROAS by campaign, against break-even", [first.series("ROAS", BLUE)],
         (place, 8, 690, 320), number_format="0",
         level=Series("Break-even", first.range_of("Name"), limit, WARNING))  # fmt: skip
    left_out(page)
    page.sheet.print_area(0, 0, LEFT_OUT_ROWS + len(PAIRS), width)


def left_out(page: Page) -> None:
    """What each ratio leaves out of its parts, and in how many rows."""
    sums = {measure.called: measure for measure in SUMS}
    records: dict[str, list[LeftOut]] = {}
    for label, pair in PAIRS.items():
        records[label] = []
        for one, other in (pair, pair[::-1]):
            everywhere, criteria = stating(other)
            left = f"N({named_after(one)})-N({with_other(one, other)})"
            stated = f'COUNTIFS({in_days()},Ads[{one}],"<>"{criteria})'
            rows = f"IF({everywhere},0,{known_in(one)}-{stated})"
            records[label].append(LeftOut(sums[one].header, left, rows, sums[one].unit))
    put_left_out(page, LEFT_OUT_ROWS, LEFT_OUT, records, NONE)


LEFT_OUT = (
    "A ratio is of the rows that have both its parts: clicks of mailings, which have no"
    " impressions, are in no CTR. Of clicks, conversions and revenue a blank is 0, but for channels"
    " that never have any."
)


def ad_groups(page: Page) -> None:
    """The ad groups that cost most."""
    book, width = page.book, 3 + len(SUMS) + len(KPIS)
    lay_out(page, "Ad groups", "Those that cost most. ★ is the best of a column, ▼ the worst.",
            ((2, 21), (width - 2, 12), (1, 36)), frozen=(TOP + 1, 2))  # fmt: skip
    cost, *others = SUMS
    columns = (
        shown_as("Campaign", "Campaign"), shown_as("Ad group", "Ad group"),
        shown_as("Channel", "Channel", WORDS), cost._replace(bars=True, name="GroupCost"),
        *others, *KPIS, verdict(book, best=True),
    )  # fmt: skip
    rows = of_list(book, BY_GROUP, "campaign", "ad_group")
    put_grid(page, TOP, columns, rows, blank="{none}", deep=46)
    warn(page, BY_GROUP)
    book.later(lambda: page.sheet.print_area(0, 0, TOP + 1 + max(shown(book, BY_GROUP), 12), width))


def emails(page: Page) -> None:
    """E-mail campaigns, from sent to clicked."""
    lead = "Over delivered e-mails, as is usual. ★ is the best of a column, ▼ the worst."
    words = "highest open rate", "lowest open rate"
    last = few_campaigns(page, "E-mail", lead, BY_EMAIL, EMAIL_SUMS, EMAIL_KPIS, "Open rate", words)
    series = [Series("E-mails", (page, TOP, 1, TOP, 4), (page, TOP + 1, 1, TOP + 1, 4))]
    draw(page, "bar", "From sent to clicked, all campaigns", series, (last + 2, 0, 900, 300),
         labels=True)  # fmt: skip
    page.sheet.print_area(0, 0, last + 18, 11)


def videos(page: Page) -> None:
    """Video campaigns, from start to end."""
    lead = "How many of those who started are still there, and watch to the end."
    words = "most watch to the end", "fewest watch to the end"
    last = few_campaigns(
        page, "Video", lead, BY_VIDEO, VIDEO_SUMS, VIDEO_KPIS, "Completion rate", words
    )
    first = 1 + len(VIDEO_SUMS)
    series = [Series("Viewers", (page, TOP, first, TOP, first + 2),
                     (page, TOP + 1, first, TOP + 1, first + 2))]  # fmt: skip
    draw(page, "column", "Share of viewers still there, all campaigns", series,
         (last + 2, 0, 900, 300), number_format="0%", labels=True)  # fmt: skip
    page.sheet.print_area(0, 0, last + 18, 8)


def few_campaigns(
    page: Page,
    title: str,
    lead: str,
    listed: Listed,
    sums: tuple[Measure, ...],
    kpis: tuple[Measure, ...],
    judged: str,
    words: tuple[str, str],
) -> int:
    """A sheet of the campaigns that have e-mails or videos. Returns its last row."""
    best, worst = map(page.book.phrase, words)
    cell = f"{{{judged}}}"
    result = blank_if(f'{cell}=""', extremes(judged, RATE, best, worst, '""')).removeprefix("=")
    columns = (shown_as("Campaign", "Name"), *sums, *kpis,
               Measure("Result", result, KEY, blank="", look=BEHIND))  # fmt: skip
    width = len(columns) - 1
    lay_out(page, title, lead, ((1, 28), (width - 1, 17), (1, 36)), frozen=(TOP + 1, 1))
    put_header(Grid(page, TOP, 0, columns, 1), deep=46)
    page.write(TOP + 1, 0, "All", page.styles.label(bold=True))
    put_grid(page, TOP, (*sums, *unmarked(kpis)), [WHOLE], left=1, blank="{none}", titled=False,
             look={"bold": True})  # fmt: skip
    rows = of_list(page.book, listed, "campaign")
    table = put_grid(page, TOP + 1, columns, rows, blank="{none}", titled=False)
    warn(page, listed)
    return table.last


def trend(page: Page) -> None:
    """Weeks or months, their trend, and the days whose cost stands out."""
    styles, book = page.styles, page.book
    part = book.phrase("part of a period")
    columns = (
        Measure("Period", dated("{start}", 'PeriodCode="W"'), KEY, look=NAME),
        Measure("Days", "MIN({until},LastDay)-MAX({start},FirstDay)+1", COUNT),
        *SUMS, *unmarked(TREND_KPIS),
        Measure("Remark", f'IF({{whole}}=0,{part},"")', KEY, blank="", look=REMARK),
    )  # fmt: skip
    width = len(columns) - 1
    lay_out(page, "Trend", "Weeks or months, as the sheet {Summary} says; a week by its Monday.",
            ((1, 22), (1, 7), (width - 2, 11.5), (1, 18), (1, 2), (4, 16)),
            frozen=(TOP + 2, 1))  # fmt: skip
    put_header(Grid(page, TOP, 0, columns, 1), deep=46)
    page.write(TOP + 1, 0, "Trend per period", styles.label(bold=True))
    for column in range(2, width):
        rate = book.at("Model", TOP + PERIODS + 1 + column, BY_PERIOD + 4)
        page.put(TOP + 1, column, f"={rate}", styles.of("+0.0%;-0.0%;0.0%", bold=True))
    source = over_time(book, PERIODICAL)
    rows = []
    for number in range(1, PERIODS + 1):
        cells = {
            field: source.row_of(called, number)
            for field, called in (("start", "From"), ("until", "Until"), ("whole", "Whole"),
                                  *((one, one) for one in (*OF_DAYS, *ANYWHERE)))
        }  # fmt: skip
        rows.append({**cells, "none": f'{cells["start"]}=""', "criteria": ""})
    table = put_grid(page, TOP + 1, columns, rows, blank="{none}", titled=False)
    standing_out(page, TOP, width + 2)
    limit = Series("Break-even", table.range_of("Period"), source.range_of("Break-even"), WARNING)
    draw(page, "column", "Cost and revenue by period",
         [table.series("cost", ORANGE, "Cost"), table.series("revenue", BLUE, "Revenue")],
         (TOP + STANDING_OUT + 4, width + 2, 460, 270),
         unit=LARGE)  # fmt: skip
    draw(page, "column", "ROAS by period, against break-even", [table.series("ROAS", BLUE)],
         (TOP + STANDING_OUT + 18, width + 2, 460, 270), level=limit,
         number_format="0.0")  # fmt: skip
    days = over_time(book, DAILY)
    draw(page, "column", "Cost by day",
         [days.series("Like most days", BLUE), days.series("Standing out", WARNING)],
         (TOP + STANDING_OUT + 32, width + 2, 460, 270), names_format="yyyy-mm",
         unit=LARGE, stacked=True)  # fmt: skip
    page.sheet.print_area(0, 0, table.last + 2, width + 5)


OUTLIERS = (
    Measure("Day", "INDEX(DayDate,MATCH({sought},DayNumber,0))",
            Unit("DATE", "a day and its date", "ddd yyyy-mm-dd"),
            blank=f"OR({NONE},{{sought}}<1)", look=NAME),
    Measure("Cost", "INDEX(DayCost,MATCH({sought},DayNumber,0))", MONEY),
    Measure("Usual cost", "MEDIAN(DayCost)", MONEY),
    Measure("Times the usual", "{Cost}/{Usual cost}", Unit("RATIO", "times as much", '0.0"x"'),
            "{Usual cost}"),
)  # fmt: skip


def standing_out(page: Page, top: int, column: int) -> None:
    """The last days whose cost stands out, the newest first."""
    section(page, top - 1, column, column + 3, "Days whose cost stands out, the newest first")
    rows = [{"sought": f"MAX(DayNumber)-{number}"} for number in range(STANDING_OUT)]
    table = put_grid(page, top, OUTLIERS, rows, left=column, blank='{Day}=""')
    more = page.book.phrase("More on the sheet {Model}: {days} in all.", {"days": "MAX(DayNumber)"})
    formula = ifs((
        (NO_DAILY, '""'), ("MAX(DayNumber)=0", page.book.phrase("None.")),
        (f"MAX(DayNumber)>{STANDING_OUT}", more),
    ))  # fmt: skip
    page.put(table.last + 1, column, f"={formula}", page.styles.lead())


# A/B tests

GIVEN = "{Conversions of A},{Visitors of A},{Conversions of B},{Visitors of B}"
FAULTY = (
    "OR(COUNT({Visitors of A}:{Conversions of B})<4,MIN({Visitors of A},{Visitors of B})<=0,"
    "{Conversions of A}>{Visitors of A},{Conversions of B}>{Visitors of B})"
)
ALIKE = (
    "OR({Conversions of A}+{Conversions of B}=0,AND({Conversions of A}={Visitors of A},"
    "{Conversions of B}={Visitors of B}))"
)
CONVERTED = "({Conversions of A}+{Conversions of B})"
TESTED_BY = "({Visitors of A}+{Visitors of B})"
SMALLEST = (
    f"MIN({{Visitors of A}},{{Visitors of B}})*MIN({CONVERTED},{TESTED_BY}-{CONVERTED})/{TESTED_BY}"
)
TOO_FEW = f"OR({TESTED_BY}<20,AND({TESTED_BY}<40,{SMALLEST}<5))"
"""Where the p-value, which is that of large numbers, says too much: Cochran (1954), Some Methods
for Strengthening the Common Chi-square Tests, Biometrics 10, 417-451. Of 3 visitors each, 0 and 3
of whom converted, it is 0.014, and the exact one 0.1."""
INTERVAL = f"AB_INTERVAL({GIVEN},1-Significance)"
SHARE_EXACT = Unit("RATE", "a fraction, to the hundredth of a percent", "0.00%")
POINTS = Unit("RATE", "a difference of fractions", "+0.00%;-0.00%;0.00%")

TEST_GIVEN = tuple(
    Measure(header, f'IF(INDEX(Tests[{column.name}],{{number}})="","",'
                    f"INDEX(Tests[{column.name}],{{number}}))",
            KEY if header == "Test" else COUNT, blank="ROWS(Tests[test])<{number}",
            look=NAME if header == "Test" else {})
    for header, column in zip(
        ("Test", "Visitors of A", "Conversions of A", "Visitors of B", "Conversions of B"),
        TESTS.columns[:5], strict=True)
)  # fmt: skip
TEST_RESULTS = (
    Measure("Rate of A", "CONVERSION_RATE({Conversions of A},{Visitors of A})", SHARE_EXACT),
    Measure("Rate of B", "CONVERSION_RATE({Conversions of B},{Visitors of B})", SHARE_EXACT),
    Measure("Lift", f"AB_LIFT({GIVEN})", GROWTH, "{Conversions of A}"),
    Measure("p-value", f'IF({ALIKE},"",AB_PVALUE({GIVEN}))', PROBABILITY),
    Measure("Interval from", f"INDEX({INTERVAL},1,1)", POINTS),
    # An error has no second cell: comparing the first one with "" shows the error as it is.
    Measure("Interval to", f'IF({{Interval from}}="","",INDEX({INTERVAL},1,2))', POINTS),
)
MISMATCH = 0.01
"""Below that p-value the visitors are not split as planned (Fabijan et al. 2019)."""
SEQUENTIAL = f"AB_SEQUENTIAL({GIVEN},{{planned}},Significance)"
NO_LIMIT = f'OR({ALIKE},{{planned}}="")'
GIVEN_PLAN = "INDEX(Tests[planned_visitors],{number})"
DECIDING = (
    Measure("Visitors planned, both",
            f'IF({GIVEN_PLAN}>0,{GIVEN_PLAN},IF({{Visitors needed for each}}="","",'
            f"{all_visitors('{Visitors needed for each}')}))", COUNT, key="planned"),
    Measure("p-value of the split", "SRM_PVALUE({Visitors of A},{Visitors of B},ShareOfA)",
            PROBABILITY, key="split"),
    Measure("z, the difference in errors", f'IF({NO_LIMIT},"",INDEX({SEQUENTIAL},1,1))', SCORE,
            key="z"),
    Measure("Limit of z by now",
            f'IF({NO_LIMIT},"",IF({{z}}="","",INDEX({SEQUENTIAL},1,2)))', SCORE, key="limit"),
)  # fmt: skip
NEEDED = Measure(
    "Visitors needed for each",
    'IF({Rate of A}*Change<=0,"",IF({Rate of A}*(1+Change)>=1,"",'
    "SAMPLE_SIZE({Rate of A},{Rate of A}*Change,Significance,TestPower)))",
    COUNT,
)


def test_columns(book: Book) -> tuple[Measure, ...]:
    """What a test shows, and whether it may be decided; two of them in words."""
    say = book.phrase
    alike = (
        f"ROUND({{Rate of A}},{decimals(SHARE_EXACT)})=ROUND({{Rate of B}},{decimals(SHARE_EXACT)})"
    )
    needed = "{Visitors needed for each}"
    winner = ifs([("{Rate of B}>{Rate of A}", say("B converts better"))], say("A converts better"))
    at_the_end = ifs(
        [(f"OR({{p-value}}>=Significance,{alike})", say("no difference shown"))], winner
    )
    on_the_way = ifs([("ABS({z})>={limit}", winner)], say("too early: more visitors are needed"))
    phrase = ifs([
        ('{Test}=""', '""'),
        (FAULTY, say("not complete: see {Checks}")),
        (f"{{split}}<{MISMATCH}", say("not split as planned: find out why first")),
        (f"{CONVERTED}=0", say("no conversions yet")),
        (TOO_FEW, say("too few visitors to tell")),
        (f'IF({{z}}="",TRUE,{TESTED_BY}>={{planned}})', at_the_end),
    ], on_the_way)  # fmt: skip
    enough = f"MIN({{Visitors of A}},{{Visitors of B}})>={needed}"
    reached = ifs([(f'{needed}=""', '""'), (enough, say("✓ yes"))], say("✗ no"))
    return (
        *TEST_GIVEN, *TEST_RESULTS,
        Measure("Verdict", phrase, KEY, blank="", look={**BEHIND, "bold": True}),
        NEEDED,
        Measure("Reached?", reached, KEY, blank="", look=BEHIND),
        *DECIDING,
    )  # fmt: skip


def ab_test(page: Page) -> None:
    """A/B tests: what they show, and how large the next one must be."""
    styles, book = page.styles, page.book
    lay_out(page, "A/B test", "Did variant B convert better than A? Tests are from {Tests}.",
            ((1, 34), (10, 15), (1, 50), (6, 15)), frozen=(TOP + 1, 1))  # fmt: skip
    section(page, TOP - 1, 0, 17, "What the tests show")
    table = put_grid(page, TOP, test_columns(book), [{}] * TESTED, blank=FAULTY, deep=46)
    table.define("FirstPValue", "p-value", 1, 1)
    row = table.last + 1
    more = ifs([(f"COUNTA(Tests[test])>{TESTED}", book.phrase("Only the first tests are shown."))])
    page.put(row, 0, f"={more}", styles.warning())
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
    sizes = sample_sizes(page, row + 1)
    draw(page, "column", "Days that a test takes, by the change to detect (power 80%)",
         [sizes.series(f"days {POWERS[0]}", name="Days")], (top, 8, 640, 360),
         names_format="+0%", labels=True)  # fmt: skip
    page.sheet.print_area(0, 0, sizes.last, 17)


PLANNED = (
    Measure("Change to detect", "{change}", Unit("RATE", "a rise", "+0%"), look=NAME,
            kind="number"),
    Measure("Rate to detect", "BaselineRate*(1+{change})", SHARE_EXACT, blank='BaselineRate=""'),
    *(
        column
        for power in POWERS
        for column in (
            Measure("", sample_size("{change}", str(power)), COUNT, key=f"visitors {power}"),
            Measure("", test_days(f"{{visitors {power}}}"), COUNT, key=f"days {power}"),
        )
    ),
)  # fmt: skip


def sample_sizes(page: Page, top: int) -> Grid:
    """Visitors and days for some changes and powers."""
    title = "Visitors for each variant, and days, by the change to detect"
    section(page, top, 0, 1 + 2 * len(POWERS), title)
    changes = [{"change": str(change)} for change in CHANGES]
    table = put_grid(page, top + 1, PLANNED, changes, deep=46)
    style = page.styles.header(align="right", text_wrap=True, valign="bottom")
    for number, power in enumerate(POWERS):
        for place, text in enumerate(("Visitors, power {share}", "Days, power {share}"), start=2):
            page.write(top + 1, 2 * number + place, text, style, share=f"{power:.0%}")
    return table


# Parts of tables


def unmarked(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    """Measures whose best and worst are not marked."""
    return tuple(measure._replace(best="") for measure in measures)


def pays(book: Book) -> Measure:
    """In words, whether all of it pays."""
    return verdict(book, best=False)._replace(formula=judged(book, best=False), blank=NONE)


def verdict(book: Book, *, best: bool) -> Measure:
    """In words: does it pay, and (if `best`) is it the best or the worst ROAS of all?"""
    formula = f'IF({{model Name}}="","",{judged(book, best=best)})'
    return Measure("Against break-even", formula, KEY, blank="", look=BEHIND)


def judged(book: Book, *, best: bool) -> str:
    """The same, without a look at whether there is a name."""
    say = book.phrase
    plain, highest, lowest = (
        ifs([("{ROAS}>=BreakEven", say(f"{rank}above break-even"))], say(f"{rank}below break-even"))
        for rank in ("", "best: ", "worst: ")
    )
    phrase = extremes("ROAS", RATIO, highest, lowest, plain) if best else plain
    lost = say("cost without conversions")
    free = say("no cost in these days")
    return ifs([("N({cost})<=0", free), ("{conversions}=0", lost), ('{ROAS}=""', '""')], phrase)


def extremes(measure: str, unit: Unit, best: str, worst: str, otherwise: str) -> str:
    """What is said of the highest number of a column, of the lowest, and of all others.

    Where another is printed alike, there is no highest or no lowest.
    """
    cell, block, phrase = f"{{{measure}}}", f"{{{measure}#}}", otherwise
    for extreme, words in (("MIN", worst), ("MAX", best)):
        alone = f"IF({printed_alone(block, extreme, unit)},{words},{otherwise})"
        phrase = f"IF({cell}={extreme}({block}),{alone},{phrase})"
    return phrase


def shown(book: Book, listed: Listed) -> int:
    """How many names a list shows now."""
    return min(len(book.pages["Model"].spilled(TOP, listed.column)) - 1, listed.room)


def warn(page: Page, listed: Listed) -> None:
    """Say so when a list is longer than its sheet."""
    column = page.book.at("Model", TOP + 1, listed.column, 9999, listed.column)
    warn_of_more(page, 2, column, listed.room, "".join(filter(str.isalpha, f"{listed.title}Cut")))


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
        Sheet("Forecast", "What the next weeks or months will bring, with low and high."),
        Sheet("A-B test", "What A/B tests show, and how many visitors the next one needs."),
        Sheet("Ads", "The data: a row a campaign, ad group and day."),
        Sheet("Tests", "The A/B tests: a row a test."),
        Sheet("Checks", "What is wrong with the data; figures computed twice."),
        Sheet("Model", "The lists and blocks that other sheets show and draw."),
    ),
    steps=(
        "Paste your daily figures into the table on the sheet {Ads}. Leave blank what you have"
        " not, such as the columns for e-mail and video.",
        "Set the yellow cells on the sheet {Summary}: first and last day, and above all the"
        " contribution margin, which says from which ROAS on advertising pays.",
        "See on the sheet {Checks} whether the data have gaps.",
        "Read the other sheets: every figure is computed from that table.",
        "If you run A/B tests, put each into the table on the sheet {Tests}, and plan the next one"
        " on the sheet {A-B test}.",
    ),
    write=write,
    sample=sample,
    notes=(
        ("Ratios", LEFT_OUT),
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
