"""The funnel workbook: leads and spend in; stages, channels, months, speed and attribution out.

The sheet Model holds what KPI functions compute from whole columns; see retention.py for why.

A range is of the leads that came in on its days, whatever became of them later, and of the spend of
its months. Leads of the period before are taken as they stood when they were as old: those of this
one have had no more time to become customers.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell

from kpi_xl.cells import Cell
from kpi_xl.schema.funnel import LEADS, SCHEMA, SPEND
from kpi_xl.serials import FIGURED_UNTIL
from kpi_xl.units import AVERAGE, COUNT, DATE, DAYS, KEY, LARGE, MONEY, RATE, RATIO, TEXT, VALUE

from .charting import draw
from .checking import SPACES, checks, padded, spend_gaps, status, where
from .comparison import (
    BOUNDS,
    LAST_OF_ALL,
    POSSIBLE,
    Breakdown,
    Range,
    Tile,
    day_text,
    figures_before,
    key_figures,
    owed_to,
    with_courses,
)
from .grid import (
    GROWTH,
    MONTH,
    NAME,
    Grid,
    Measure,
    chart,
    copied,
    last_months,
    lay_out,
    month_of,
    named_month,
    originals,
    put_grid,
    within,
    without_mean,
)
from .records import (
    Agreement,
    Basis,
    Figure,
    Problem,
    Sample,
    Sentence,
    Series,
    Setting,
    Sheet,
    Spill,
    Template,
)
from .sample_files import columns_of
from .setting_cells import codes, put_basis, shown_choice
from .sheet_parts import bars, blank_if, no_bars, put_spills, same_as, section, warn_of_more, widen
from .writing import BAR, BLUE, GREEN, MUTED, NO_COLOUR, ORANGE, Book, Page

TOP = 4  # the row of the tables' headers, counted from 0
ROOM = 10  # channels and touches that the sheets show
SEGMENT_ROOM = 15
MOST = 5000  # segments that the checks add up
MONTHS = 12
STAGES = ("mql_date", "sql_date", "sqo_date", "won_date")
MODELS = {
    "first": "First touch",
    "last": "Last touch",
    "linear": "Linear",
    "position": "Position-based",
    "time_decay": "Time decay",
    "shapley": "Shapley value",
    "markov": "Markov chain",
}
OVERVIEW = {"first": "first touch", "last": "last touch", "linear": "linear", "markov": "Markov"}
SPLITS = {"channel": "Channel", "campaign": "Campaign", "owner": "Owner"}

# Where the sheet Model has its tables: the first columns, counted from 0.
FUNNEL, CHANNELS, CYCLES, MIX, CREDIT = 0, 6, 11, 15, 20
SEGMENTS = CREDIT + 5 * (len(OVERVIEW) + 1)
RANGE = SEGMENTS + 12
OWED = RANGE + 3
WHOLE = OWED + 14


# A day to come is one that is expected: its deal is not won yet. Today stands in one cell alone,
# and no later than the data: else every formula would be computed anew each time a book is opened.
LAST = "MAX(Leads[created],Leads[won_date],Leads[lost_date],Spend[month],1)"
# Not TODAY: a volatile cell makes #NAME? of all that depends on it wherever kpi_xl is not there.
UNTIL = f"IF(COUNT(Sources[loaded])=0,{LAST},MIN(INT(MAX(Sources[loaded])),{LAST}))"
WON = '((Leads[won_date]<>"")*(Leads[won_date]<=Until))'
WON_BY_NOW = 'Leads[won_date],">0",Leads[won_date],"<="&Until'
WITHIN = "(Leads[created]>=RangeFrom)*(Leads[created]<RangeUntil+1)"
SPENT_WITHIN = "(Spend[month]>=RangeFrom)*(Spend[month]<SpendUntil+1)"
CREATED_WITHIN = 'Leads[created],">="&RangeFrom,Leads[created],"<"&RangeUntil+1'


def seen(day: str) -> str:
    """The condition, row by row, that a lead has a day, which for leads of before had come."""
    return WON if day == "won_date" else f'((Leads[{day}]<>"")*(Leads[{day}]<=Seen))'


def reached(stage: str) -> str:
    """The condition, row by row, that a lead has come to a stage or further."""
    return f"({'+'.join(map(seen, STAGES[STAGES.index(stage) :]))}>0)"


# Where a CRM has no day on which a deal began, every lead is one.
DEAL = f"({reached('sqo_date')}+(COUNT(Leads[sqo_date])=0)>0)"
LOST_EVER = f"{DEAL}*{seen('lost_date')}*(1-{WON})"
LOST = f"{WITHIN}*{LOST_EVER}"
OPEN = f'{WITHIN}*{DEAL}*(1-{seen("lost_date")})*(1-{WON})*(Leads[lead_id]<>"")'
DEALS = f"{WITHIN}*{DEAL}"

FIRST_LEAD = f"_xlfn.MINIFS(Leads[created],{POSSIBLE.format('Leads[created]')})"
DAYS_SHOWN = Range(
    empty=LEADS.empty,
    begin="MIN({},IF(COUNT(Spend[month])=0,{},EOMONTH({},-1)+1))".format(
        FIRST_LEAD,
        LAST_OF_ALL,
        f"_xlfn.MINIFS(Spend[month],{POSSIBLE.format('Spend[month]')})",
    ),
    known="MAX({},IF(COUNT(Spend[month])=0,0,EOMONTH({},-1)+1))".format(
        FIRST_LEAD,
        f"_xlfn.MINIFS(Spend[month],{POSSIBLE.format('Spend[month]')})",
    ),
    end="MAX({},{})".format(
        f"_xlfn.MAXIFS(Leads[created],{POSSIBLE.format('Leads[created]')})",
        f"_xlfn.MAXIFS(Spend[month],{POSSIBLE.format('Spend[month]')})",
    ),
    rows=f'SUMPRODUCT((Leads[lead_id]<>"")*{WITHIN})',
    bounds={
        **BOUNDS,
        "RangeUntil": "CreatedBefore",
        "SpendUntil": "SpendUntilBefore",
        "Until": "SeenBefore",
        "Seen": "SeenBefore",
    },
    months=True,
    meanings=("The month's first: spend is by month", "The month's last: spend is by month"),
)

# The months that the data have whole, but for a tenth at their start and a few days at their end.
# The leads of before as old as those of the range are now; no spend of a month that is not over,
# which may be there to the day, or for the whole month.
SEEN = (
    Basis("LeadsFrom", blank_if("COUNT(Leads[created])=0", month_of(FIRST_LEAD)), DATE),
    Basis(
        "WholeFrom",
        blank_if('LeadsFrom=""', f"IF({FIRST_LEAD}>LeadsFrom+3,EDATE(LeadsFrom,1),LeadsFrom)"),
        DATE,
    ),
    Basis("WholeUntil", blank_if('LeadsFrom=""', "EOMONTH(Until+7,-1)"), DATE),
    Basis("Seen", f"={LAST_OF_ALL}", VALUE),
    Basis("SpendUntil", "=RangeUntil", DATE),
    Basis("SeenBefore", blank_if('ComparedFrom=""', "ComparedUntil+Until-LastDay"), DATE),
    Basis("CreatedBefore", blank_if('ComparedFrom=""', "MIN(ComparedUntil,SeenBefore)"), DATE),
    Basis(
        "SpendUntilBefore", blank_if('ComparedFrom=""', "IF(Until<LastDay-6,0,ComparedUntil)"), DATE
    ),
)


def of_channel(table: str, channel: str) -> str:
    """The condition that a row is of a channel: neither capitals nor spaces around it count."""
    return f"(TRIM({table}[channel])=TRIM({channel}))"


def timed(start: str, end: str, condition: str = "") -> str:
    """The condition that both dates are there, in order."""
    more = f"*{condition}" if condition else ""
    ended = f"*{seen(end)}*(Leads[{end}]>=Leads[{start}])"
    return f'{WITHIN}*(Leads[{start}]<>""){ended}{more}'


def cycle(start: str, end: str, method: str, condition: str = "") -> str:
    """Days from one date of a lead to another, over the leads that have both in order."""
    kept = timed(start, end, condition)
    days = (f'IF({kept},Leads[{name}],"")' for name in (start, end))
    return blank_if(f"SUMPRODUCT({kept})=0", f'SALES_CYCLE({",".join(days)},"{method}")')


def segment() -> str:
    """The segment of each lead, by the setting; ? where it has none."""
    named = [f'IF(Leads[{name}]="","?",TRIM(Leads[{name}]))' for name in SPLITS]
    by = "FunnelByCode"
    return f'IF({by}="campaign",{named[1]},IF({by}="owner",{named[2]},{named[0]}))'


# Without a day anywhere nobody knows who came to a stage: those who went further are not all.
NOT_DATED = {"MQL": 'MqlCount=""', "SQL": 'SqlCount=""', "SQO": 'SqoCount=""'}


def not_dated(text: str) -> str:
    """The condition that what a text names is blank: a stage, or a step from or to it."""
    conditions = [condition for stage, condition in NOT_DATED.items() if stage in text]
    return f"OR({','.join(conditions)})" if conditions else ""


def unvalued(rows: str, count: str) -> str:
    """The condition that nobody knows what leads are worth: of none is it 0, but of no table."""
    known = f'SUMPRODUCT({rows}*(Leads[value]<>""))'
    return f"IF({LEADS.empty},TRUE,IF({count}=0,FALSE,{known}=0))"


def unspent(column: str, rows: str) -> str:
    """The condition that no row of spend among some has a cell in a column."""
    return f'SUMPRODUCT({rows}*(Spend[{column}]<>""))=0'


# Of a lead that was won somebody knows that it was an opportunity: if its day is missing, days of
# others are missing, too. So they are where nobody who was lost has one. Elsewhere those who have
# none were lost before they came so far, as most are.
PATCHY = (
    f'(COUNT(Leads[sqo_date])>0)*(SUMPRODUCT({WON}*(Leads[sqo_date]=""))'
    f"+(SUMPRODUCT({LOST_EVER})=0)>0)"
)
UNDATED = f'(Leads[sqo_date]="")*((Leads[lost_date]<>"")+{WON}>0)*{PATCHY}'

NONE = LEADS.empty
NO_SPEND = "N(SpendTotal)=0"
NO_RETURN = f'IF(Revenue="",TRUE,{NO_SPEND})'

SETTINGS = (
    Setting("GrossMargin", "Gross margin", 0.6, RATE, "As a fraction of revenue", most=1.0),
    Setting("OrganicShare", "Organic share", 0.1, RATE, "Revenue not due to marketing"),
    Setting("SalesChannel", "Channel of sales", "outbound", TEXT, "All others are marketing's"),
    Setting("AttributionModel", "Attribution", "Position-based", TEXT, "How paths share a customer",
            tuple(MODELS.values()), (("Attribution", "AttributionCut"),), codes=tuple(MODELS)),
    Setting("FunnelBy", "Segments", "Channel", TEXT, "For the sheet {Segments}",
            tuple(SPLITS.values()), (("Segments", "SegmentsCut"),), codes=tuple(SPLITS)),
)  # fmt: skip


def in_range(text: str) -> tuple[str, str]:
    """What is said in place of a figure's meaning where a range is set."""
    return "Ranged=1", text


FIGURES = {
    "The data": DAYS_SHOWN.figures(),
    "Stages": (
        Figure("LeadCount", "Leads", f'=SUMPRODUCT((Leads[lead_id]<>"")*{WITHIN})', COUNT,
               "Rows with a lead"),
        Figure("MqlCount", "MQL", blank_if("COUNT(Leads[mql_date])=0",
                                           f"SUMPRODUCT({WITHIN}*{reached('mql_date')})"), COUNT,
               "Reached, or went further"),
        Figure("SqlCount", "SQL", blank_if("COUNT(Leads[sql_date])=0",
                                           f"SUMPRODUCT({WITHIN}*{reached('sql_date')})"), COUNT,
               "Reached, or went further"),
        Figure("SqoCount", "SQO", blank_if("COUNT(Leads[sqo_date])=0",
                                           f"SUMPRODUCT({WITHIN}*{reached('sqo_date')})"), COUNT,
               "Reached, or went further"),
        Figure("CustomerCount", "Customers", f"=SUMPRODUCT({WITHIN}*{reached('won_date')})", COUNT,
               "Deals won", in_range("Deals won, of leads created on these days")),
        Figure("LostCount", "Deals lost", f"=SUMPRODUCT({LOST})", COUNT,
               "SQO (or any lead, if none has a date), not won later",
               in_range("Deals lost, of leads created on these days")),
        Figure("CloseRate", "Close rate",
               blank_if("LeadCount=0", "CLOSE_RATE(CustomerCount,LeadCount)"), RATE,
               "Customers / leads"),
        Figure("WinRate", "Win rate",
               blank_if("CustomerCount+LostCount=0", "WIN_RATE(CustomerCount,LostCount)"), RATE,
               "Won / (won + lost)"),
    ),
    "Cost and return": (
        Figure("SpendTotal", "Spend", blank_if(unspent("spend", SPENT_WITHIN),
                                               f"SUMPRODUCT({SPENT_WITHIN}*Spend[spend])"), MONEY,
               "All channels and months"),
        Figure("Revenue", "Revenue", blank_if(unvalued(f"{WITHIN}*{WON}", "CustomerCount"),
                                              f"SUMPRODUCT({WITHIN}*{WON}*Leads[value])"), MONEY,
               "Value of the deals won",
               in_range("Value of deals won, of leads created on these days")),
        Figure("LeadCost", "Cost per lead",
               blank_if("LeadCount*N(SpendTotal)=0", "CPL(SpendTotal,LeadCount)"), MONEY,
               "Spend / leads"),
        Figure("CustomerCost", "Customer acquisition cost",
               blank_if("CustomerCount*N(SpendTotal)=0", "CAC(SpendTotal,CustomerCount)"), MONEY,
               "Spend / customers"),
        Figure("AdReturn", "ROAS", blank_if(NO_RETURN, "ROAS(Revenue,SpendTotal)"), RATIO,
               "Revenue / spend"),
        Figure("MarketingReturn", "MROI",
               blank_if(NO_RETURN, "MROI(Revenue,SpendTotal,Revenue*OrganicShare,GrossMargin)"),
               RATE, "On margin, organic part left out"),
    ),
    "Pipeline": (
        Figure("OpenDeals", "Open opportunities", f"=SUMPRODUCT({OPEN})", COUNT,
               "SQO (or any lead, if none has a date), still open",
               in_range("Still open, of leads created on these days")),
        Figure("OpenValue", "Their value", blank_if(unvalued(OPEN, "OpenDeals"),
                                                    f"SUMPRODUCT({OPEN}*Leads[value])"), MONEY, ""),
        Figure("DealSize", "Average deal",
               blank_if('IF(CustomerCount=0,TRUE,Revenue="")', "Revenue/CustomerCount"), MONEY,
               "Revenue / customers"),
        Figure("Velocity", "Sales velocity",
               blank_if('OR(CycleDays="",DealSize="",OpenDeals*CustomerCount=0)',
                        "SALES_VELOCITY(OpenDeals,WinRate,DealSize,CycleDays)"), MONEY,
               "Money per day, of open deals"),
        Figure("PipelineShare", "Marketing's pipeline",
               blank_if(f"SUMPRODUCT({DEALS}*Leads[value])<=0",
                        f"PIPELINE_CONTRIBUTION(SUMPRODUCT({DEALS}"
                        f"*(1-{of_channel('Leads', 'SalesChannel')})*Leads[value]),"
                        f"SUMPRODUCT({DEALS}*Leads[value]))"), RATE,
               "Share of opportunities' value"),
        Figure("RevenueShare", "Marketing's revenue",
               blank_if("N(Revenue)<=0",
                        f"REVENUE_CONTRIBUTION(SUMPRODUCT({WITHIN}*{WON}"
                        f"*(1-{of_channel('Leads', 'SalesChannel')})*Leads[value]),"
                        "Revenue)"), RATE,
               "Share of deals won"),
    ),
}  # fmt: skip

COSTS = (
    ("SpendUntilBefore=0", "Costs are not compared: the last month is not over in the data."),
    (
        "N(SpendTotal)*N(SpendTotalBefore)=0",
        "Costs are not compared: one of the two periods has no spend.",
    ),
    (
        "CustomerCount*CustomerCountBefore=0",
        "CAC is not compared: one of the two periods has no customers.",
    ),
)
"""Why CAC is not compared; the first two, which hold for ROAS as well, are said once."""
TILES = (
    Tile("LeadCount", "higher", "leads"),
    Tile("CustomerCount", "higher", "customers"),
    Tile("CustomerCost", "lower", "CAC", why=COSTS),
    Tile("AdReturn", "higher", "ROAS"),
    Tile("Velocity", "higher"),
)
EVERY = {figure.name: figure for group in FIGURES.values() for figure in group}


def natively(of_all: str, of_range: str) -> str:
    """A figure by native formulas: of all rows, also those without a day, or of a range's."""
    return f"IF(Ranged=0,{of_all},{of_range})"


SPENT = natively("SUM(Spend[spend])", 'SUMIFS(Spend[spend],Spend[month],">="&RangeFrom,'
                 'Spend[month],"<"&RangeUntil+1)')  # fmt: skip
CAME = natively("COUNTA(Leads[lead_id])", f'COUNTIFS(Leads[lead_id],"<>",{CREATED_WITHIN})')
CAME_IN_WON = natively(f"COUNTIFS({WON_BY_NOW})", f"COUNTIFS({WON_BY_NOW},{CREATED_WITHIN})")
EARNED = natively(f"SUMIFS(Leads[value],{WON_BY_NOW})",
                  f"SUMIFS(Leads[value],{WON_BY_NOW},{CREATED_WITHIN})")  # fmt: skip

AGREEMENTS = (
    Agreement("Cost per lead", "=LeadCost",
              blank_if('LeadCost=""', f"{SPENT}/{CAME}"), MONEY),
    Agreement("Customer acquisition cost", "=CustomerCost",
              blank_if('CustomerCost=""', f"{SPENT}/{CAME_IN_WON}"), MONEY),
    Agreement("ROAS", "=AdReturn", blank_if('AdReturn=""', f"{EARNED}/{SPENT}"), RATIO),
    Agreement("Days from lead to customer", "=CycleDays",
              blank_if(f"SUMPRODUCT({timed('created', 'won_date')})=0",
                       f"SUMPRODUCT({timed('created', 'won_date')}"
                       "*(Leads[won_date]-Leads[created]))"
                       f"/SUMPRODUCT({timed('created', 'won_date')})"), DAYS),
    Agreement("Customers, as attribution splits them", "=SUM(Credited)", "=CustomerCount", COUNT),
    Agreement("Leads, summed over channels", "=SUM(ChannelLeads)", f"={CAME}", COUNT),
    Agreement("Leads, summed over segments", "=SUM(SegmentLeads)", f"={CAME}", COUNT),
    Agreement("MQL, summed over segments", "=SUM(SegmentMqls)",
              f'=SUMPRODUCT({WITHIN}*(Leads[lead_id]<>"")*{reached("mql_date")})', COUNT),
)  # fmt: skip

PROBLEMS = (
    Problem("Leads twice in the table", "=COUNTA(Leads[lead_id])-DistinctLeads",
            "=ROW(Leads[[#Headers],[lead_id]])+_xlfn.XMATCH(CommonestLead,Leads[lead_id])",
            "They count twice: delete one of the two rows."),
    Problem("Rows without a lead", *where(LEADS, '(Leads[lead_id]="")*(Leads[created]<>"")'),
            "They do not count as leads: name them."),
    Problem("Leads without a day of creation",
            *where(LEADS, '(Leads[lead_id]<>"")*(Leads[created]="")'),
            "They are in no month, and in no time between stages."),
    Problem("Leads without a channel",
            *where(LEADS, '(Leads[lead_id]<>"")*(Leads[channel]="")'),
            "They are in no channel, only in the total."),
    Problem("Leads of a channel that is not in Spend",
            "=SUM(ChannelLeads)-SUM(KnownLeads)-SUMPRODUCT("
            f'{WITHIN}*(Leads[lead_id]<>"")*(Leads[channel]=""))', "",
            "Spell the channel as in the sheet {Spend}, or add it there."),
    Problem("Won on a day to come",
            *where(LEADS, f"(Leads[won_date]>Until)*(Leads[won_date]<{FIGURED_UNTIL + 1})"),
            "They are open deals, no customers yet: their day is after that of loading, in"
            " Sources."),
    Problem("No lead has a day on which it became an opportunity",
            f"=IF({LEADS.empty},0,IF(COUNT(Leads[sqo_date])=0,1,0))", "",
            "Every lead that is open or lost counts as a deal: fill in sqo_date, if you know it."),
    Problem("Won or lost without sqo_date, where others have it", *where(LEADS, UNDATED),
            "Lost leads without it count as no deals, and the win rate is too high: fill it in,"
            " unless they were lost before."),
    Problem("Won and lost", *where(LEADS, '(Leads[won_date]<>"")*(Leads[lost_date]<>"")'),
            "They count as won: delete the day of the loss, if that is right."),
    Problem("Won before they were created",
            *where(LEADS, '(Leads[created]<>"")*(Leads[won_date]<>"")'
                          "*(Leads[won_date]<Leads[created])"),
            "Correct one of the dates: until then they are in no time between stages."),
    Problem("Won without a value", *where(LEADS, '(Leads[won_date]<>"")*(Leads[value]="")'),
            "They bring no revenue: fill in the value."),
    Problem("Leads with a value below 0", *where(LEADS, "(Leads[value]<0)*1"),
            "They are taken off the revenue and the pipeline. Correct the sign, if that is wrong."),
    DAYS_SHOWN.nothing(),
    Problem("Rows of spend that seem to stand for a quarter", "=QuarterRows", "",
            "Their months are three apart, or one alone: give each month a row, 0 if it cost"
            " nothing."),
    # Plain spaces are taken for none there.
    Problem("Names with a space before or after them",
            "=" + "+".join(padded(f"{table}[channel]", SPACES[1:]) for table in ("Leads", "Spend")),
            "", "Take the spaces away: until then these rows are missing in their channel."),
    Problem("Spend without a channel", *where(SPEND, '(Spend[month]<>"")*(Spend[channel]="")'),
            "Name the channel: until then the sheet {Channels} shows an error."),
    *spend_gaps(SPEND, "Give the month: until then it counts in the whole, and in no month."),
)  # fmt: skip


STEPS = (
    ("From lead to MQL", "created", "mql_date"),
    ("From MQL to SQL", "mql_date", "sql_date"),
    ("From SQL to SQO", "sql_date", "sqo_date"),
    ("From SQO to customer", "sqo_date", "won_date"),
    ("From lead to customer", "created", "won_date"),
)


def write(book: Book) -> None:
    """Write the sheets for people, Checks and Model."""
    summary(book.pages["Summary"])
    funnel(book.pages["Funnel"])
    segments(book.pages["Segments"])
    channels(book.pages["Channels"])
    trend(book.pages["Trend"])
    speed(book.pages["Speed"])
    attribution(book.pages["Attribution"])
    checks(book.pages["Checks"], AGREEMENTS, PROBLEMS)
    model(book.pages["Model"])


def summary(page: Page) -> None:
    """The figures for the boss."""
    lay_out(page, "Marketing funnel", "Change the yellow cells to your own.",
            ((1, 3), (5, 27)), column=1)  # fmt: skip
    status(page, 2, 1, LEADS)
    trend = Grid(page.book.pages["Trend"], TOP, 0, MONTHLY, MONTHS)
    shown = with_courses(TILES, trend, parts_before(page.book.pages["Model"]))
    top, row = key_figures(
        page,
        TOP,
        shown,
        SETTINGS,
        FIGURES,
        meanings=27,
        before_until=DAYS_SHOWN.bounds["RangeUntil"],
    )
    add_funnel(page, (top, 4, 392, 290))
    draw(page, "column", "Customers won, by month",
         [trend.series("customers", GREEN, "Customers")], (top + 16, 4, 392, 290),
         names_format="yyyy-mm")  # fmt: skip
    page.sheet.print_area(0, 0, row, 5)


# How many come to each stage, and where they are lost

RIGHT = {"align": "right"}

# Where a stage's count is not known, nor are the steps to it and from it.
NO_STEP = 'OR({count}="",{count<}="")'

STAGE_COLUMNS = (
    Measure("stage", "{label}", KEY, name="StageNames", look={**NAME, "shrink": True},
            kind="text"),
    Measure("count", "{reached}", COUNT, name="StageCounts", look={"bold": True}),
    copied("step rate", RATE, RIGHT)._replace(blank=NO_STEP),
    copied("overall rate", RATE, RIGHT)._replace(blank='{count}=""'),
    copied("drop-off", COUNT, RIGHT)._replace(blank=NO_STEP),
    Measure("cost each", "{cost}(SpendTotal,{reached})", MONEY,
            over="N({reached})*N(SpendTotal)"),
)  # fmt: skip

STAGE_ROWS = (
    {"label": "Leads", "reached": "LeadCount", "cost": "CPL"},
    {"label": "Qualified by marketing (MQL)", "reached": "MqlCount", "cost": "COST_PER_MQL"},
    {"label": "Accepted by sales (SQL)", "reached": "SqlCount", "cost": "COST_PER_SQL"},
    {"label": "Opportunities (SQO)", "reached": "SqoCount", "cost": "COST_PER_SQO"},
    {"label": "Customers", "reached": "CustomerCount", "cost": "CAC"},
)


def funnel(page: Page) -> None:
    """How many come to each stage, and where they are lost."""
    lay_out(page, "Funnel", "Of each stage those who reached it, or went further.",
            ((1, 30), (5, 15)), frozen=(TOP + 1, 1))  # fmt: skip
    spilled = originals(page.book.pages["Model"], TOP + 1, FUNNEL + 2,
                        ("step rate", "overall rate", "drop-off"), len(STAGE_ROWS))  # fmt: skip
    rows = [stage | shown for stage, shown in zip(STAGE_ROWS, spilled, strict=True)]
    table = put_grid(page, TOP, STAGE_COLUMNS, rows, height=20)
    # The bars of the chart stand in the middle: this much is left free on each side.
    page.write(TOP, 7, "chart", page.styles.lead(align="right"))
    for row, stage in enumerate(STAGE_ROWS, start=TOP + 1):
        page.put(row, 7, f"=(LeadCount-N({stage['reached']}))/2", page.styles.lead())
    no_bars(page, (TOP + 2, 2, table.last, 2), f"N({xl_rowcol_to_cell(TOP + 1, 1)})<10")
    bars(page, TOP + 2, 2, table.last, 2)
    add_funnel(page, (table.last + 2, 0, 750, 360))
    page.sheet.print_area(0, 0, table.last + 21, 5)


SEGMENT_COUNTS = ("leads", "MQL", "SQL", "SQO", "customers")
SEGMENT_COLUMNS = (
    copied("segment", KEY, NAME),
    *(copied(header, COUNT, RIGHT)._replace(blank=not_dated(header)) for header in SEGMENT_COUNTS),
    *(
        copied(label, RATE, RIGHT)._replace(bars=True, of=before, blank=not_dated(label))
        for (label, *_), before in zip(STEPS[:-1], SEGMENT_COUNTS[:-1], strict=True)
    ),
    Measure(
        "close rate",
        "CLOSE_RATE({customers},{leads})",
        RATE,
        over="N({leads})",
        bars=True,
        of="leads",
    ),
)


def segments(page: Page) -> None:
    """The funnels of channels, campaigns or owners, beside each other."""
    styles, source = page.styles, page.book.pages["Model"]
    lead = (
        "Each channel, campaign or owner: choose which on the sheet {Summary}. Neither capitals nor"
        " spaces around a name make two segments."
    )
    lay_out(page, "Funnel by segment", lead, ((1, 30), (10, 13)), frozen=(TOP + 1, 1))
    page.put(2, 0, shown_choice(page.book, SETTINGS[4]), styles.label(bold=True))
    headers = [column.header for column in SEGMENT_COLUMNS[:-1]]
    rows = originals(source, TOP + 1, SEGMENTS, headers, SEGMENT_ROOM)
    table = put_grid(page, TOP, SEGMENT_COLUMNS, rows)
    total = table.last + 1
    page.write(total, 0, "All", styles.header(align="start"))
    totals = ("LeadCount", "MqlCount", "SqlCount", "SqoCount", "CustomerCount")
    for column, name in enumerate(totals, start=1):
        page.put(total, column, blank_if(NONE, name), styles.header(COUNT.number_format))
    for column in range(6, 10):
        whole = same_as(source.at(TOP + column - 4, FUNNEL + 2))
        if unknown := not_dated(STEPS[column - 6][0]):
            whole = blank_if(unknown, whole)
        page.put(total, column, whole, styles.header(RATE.number_format))
    page.put(total, 10, "=CloseRate", styles.header(RATE.number_format))
    chart(page, "column", "Leads and customers by segment", table,
          [("leads", BAR, "Leads"), ("customers", GREEN, "Customers")],
          (total + 2, 0, 900, 420))  # fmt: skip
    names = source.at(TOP + 1, SEGMENTS, TOP + MOST, SEGMENTS)
    warn_of_more(page, 3, names, SEGMENT_ROOM, "SegmentsCut")
    page.sheet.print_area(0, 0, total + 23, 10)


# What each channel brings, and what it costs

MINE = f"{WITHIN}*{of_channel('Leads', '{$channel}')}"
SPENT_BY = f"{SPENT_WITHIN}*{of_channel('Spend', '{$channel}')}"
VOLUMES = (
    copied("channel", KEY, NAME),
    *(
        Measure(column, f'IF({unspent(column, SPENT_BY)},"",'
                        f"SUMPRODUCT({SPENT_BY}*Spend[{column}]))", unit)
        for column, unit in (("spend", MONEY), ("visits", COUNT))
    ),
    Measure("leads", f'SUMPRODUCT({MINE}*(Leads[lead_id]<>""))', COUNT, name="KnownLeads"),
    *(
        Measure(header, f"SUMPRODUCT({MINE}*{reached(stage)})", COUNT,
                blank=f'OR({{$channel}}="",{NOT_DATED.get(header, "FALSE")})')
        for header, stage in zip(SEGMENT_COUNTS[1:], STAGES, strict=True)
    ),
    Measure("revenue", f'IF({unvalued(f"{MINE}*{WON}", "{customers}")},"",'
                       f"SUMPRODUCT({MINE}*{WON}*Leads[value]))", MONEY),
)  # fmt: skip

OPEN_OF = f"SUMPRODUCT({of_channel('Leads', '{channel}')}*{OPEN})"
# Of the same channels: {channel} ... {revenue} are its volumes.
RETURNS = (
    Measure("channel", "{channel}", KEY, look=NAME),
    Measure("cost per lead", "CPL({spend},{leads})", MONEY, "N({spend})*{leads}", best="low"),
    *(
        Measure(f"cost per {stage}", f"COST_PER_{stage}({{spend}},{{{stage}}})", MONEY,
                f"N({{spend}})*N({{{stage}}})", best="low")
        for stage in NOT_DATED
    ),
    Measure("CAC", "CAC({spend},{customers})", MONEY, "N({spend})*{customers}", best="low"),
    Measure("ROAS", "ROAS({revenue},{spend})", RATIO, "N({spend})", best="high",
            blank='{revenue}=""'),
    Measure("MROI", "MROI({revenue},{spend},{revenue}*OrganicShare,GrossMargin)", RATE,
            "N({spend})", best="high", blank='{revenue}=""'),
    Measure("close rate", "CLOSE_RATE({customers},{leads})", RATE, "{leads}", best="high"),
    Measure("traffic to MQL", "TRAFFIC_TO_MQL({MQL},{visits})", RATE, "N({visits})", best="high",
            blank='{MQL}=""'),
    Measure("win rate", "WIN_RATE({customers},{lost})", RATE, "({customers}+{lost})", best="high"),
    Measure("days to win", "{days}", DAYS, "N({days})", best="low"),
    Measure("velocity per day",
            f"SALES_VELOCITY({OPEN_OF},{{win rate}},"
            "{revenue}/{customers},{days})", MONEY, "N({days})*{customers}", best="high",
            blank=f'IF({{revenue}}="",TRUE,{OPEN_OF}=0)'),
)  # fmt: skip


def channels(page: Page) -> None:
    """What each channel brings, and what it costs."""
    styles, source = page.styles, page.book.pages["Model"]
    lead = "Every channel of the sheet {Spend}. ★ is the best of a column, ▼ the worst."
    lay_out(page, "Channels", lead, ((1, 24), (13, 12.5)), frozen=(2, 1))
    widen(page, 0, 24, [page.book.say("Other or no channel")])
    section(page, TOP - 1, 0, 8, "What they bring")
    names = originals(source, TOP + 1, CHANNELS, ("channel",), ROOM)
    volumes = put_grid(page, TOP, VOLUMES, names, blank='{$channel}=""')
    others, total = volumes.last + 1, volumes.last + 2
    page.write(others, 0, "Other or no channel", styles.label(font_color=MUTED, shrink=True))
    page.write(total, 0, "All", styles.header(align="start"))
    visits = f"SUMPRODUCT({SPENT_WITHIN}*Spend[visits])"
    unseen = unspent("visits", SPENT_WITHIN)
    counts = ("LeadCount", "MqlCount", "SqlCount", "SqoCount", "CustomerCount")
    for column, whole in enumerate(("SpendTotal", visits, *counts, "Revenue"), start=1):
        known = f"SUM({xl_range(TOP + 1, column, volumes.last, column)})"
        unit = VOLUMES[column].unit
        nobody = unseen if whole == visits else f'{whole}=""'
        none = f"IF({NONE},TRUE,{nobody})"
        page.put(total, column, blank_if(none, whole), styles.header(styles.form(unit)))
        # Cents added up in another order leave a rest, which would be shown as -0.00.
        rest = f"ROUND({whole}-{known},6)"
        page.put(others, column, blank_if(none, rest), styles.number(unit))
    page.define("ChannelLeads", TOP + 1, 3, others, 3)
    second = total + 4
    section(page, second - 1, 0, 12, "What they cost and return")
    ends = originals(source, TOP + 1, CHANNELS + 3, ("lost", "days"), ROOM, "")
    rows = [volumes.cells(number) | end for number, end in enumerate(ends, start=1)]
    returns = put_grid(page, second, RETURNS, rows, blank='{channel}=""')
    bottom = returns.last + 2
    chart(page, "column", "Spend and revenue by channel", volumes,
          [("spend", ORANGE, "Spend"), ("revenue", BLUE, "Revenue")],
          (bottom, 0, 620, 380), unit=LARGE)  # fmt: skip
    chart(page, "bar", "Customer acquisition cost by channel", returns, [("CAC", BLUE)],
          (bottom, 6, 620, 380), labels=True, unit=LARGE)  # fmt: skip
    model_names = source.at(TOP + 1, CHANNELS, TOP + 200, CHANNELS)
    warn_of_more(page, 2, model_names, ROOM, "ChannelsCut")
    page.sheet.print_area(0, 0, bottom + 20, 12)


# The last months

# What came before the data, nobody knows.
SPENT_COLUMNS = (("spend", MONEY), ("visits", COUNT))
NOT_KNOWN = 'IF({$month}="",TRUE,{$month}<LeadsFrom)'
MONTHLY = (
    Measure("month", "{first}", MONTH, blank=NONE, look=NAME),
    *(
        Measure(column, f"SUMIFS(Spend[{column}],{within('Spend[month]')})", unit,
                f"COUNTIFS({within('Spend[month]')},Spend[{column}],\"<>\")")
        for column, unit in SPENT_COLUMNS
    ),
    Measure("leads", f"COUNTIFS({within('Leads[created]')})", COUNT, blank=NOT_KNOWN),
    Measure("MQL", f"COUNTIFS({within('Leads[mql_date]')})", COUNT,
            blank=f"OR({NOT_KNOWN},{NOT_DATED['MQL']})"),
    Measure("customers", f"COUNTIFS({within('Leads[won_date]')},{WON_BY_NOW})", COUNT,
            blank=NOT_KNOWN),
    Measure("revenue", f"SUMIFS(Leads[value],{within('Leads[won_date]')},{WON_BY_NOW})", MONEY,
            blank=f'IF(N({{customers}})=0,{{customers}}="",COUNTIFS({within("Leads[won_date]")},'
                  f'{WON_BY_NOW},Leads[value],"<>")=0)'),
    Measure("cost per lead", "CPL({spend},{leads})", MONEY, "N({spend})*N({leads})"),
    Measure("CAC", "CAC({spend},{customers})", MONEY, "N({spend})*N({customers})"),
    Measure("ROAS", "ROAS({revenue},{spend})", RATIO, "N({spend})", blank='{revenue}=""'),
    Measure("revenue growth", "SALES_GROWTH({revenue},{revenue<})", RATE, "MAX(0,N({revenue<}))",
            first='""', blank='OR({revenue}="",{$month}>WholeUntil,{$month<}<WholeFrom)'),
)  # fmt: skip
NEWEST = 'MAX(Leads[created],Spend[month],_xlfn.MAXIFS(Leads[won_date],Leads[won_date],"<="&Until))'


def whole_months(table: Grid) -> Grid:
    """The figures of which there are trends, in the months that the data have whole.

    Spend has months, and needs no whole first one.
    """
    columns = []
    for one in MONTHLY[1:7]:
        since = "" if (one.called, one.unit) in SPENT_COLUMNS else ",{its month}<WholeFrom"
        none = f'{{its {one.called}}}="",{{its month}}="",{{its month}}>WholeUntil{since}'
        value = f"{{its {one.called}}}"
        columns.append(Measure(one.called, value, one.unit, blank=f"OR({none})"))
    records = table.records(**{f"its {one.called}": one.called for one in MONTHLY[:7]})
    page = table.page.book.pages["Model"]
    page.write(TOP - 1, WHOLE, "Months that the data have whole", page.styles.heading())
    grid = put_grid(page, TOP, columns, records, left=WHOLE, titled=False)
    headers(page, grid)
    return grid


def trend(page: Page) -> None:
    """The last twelve months: what came in each, and what it cost."""
    lead = (
        "The last 12 months, up to the last day of the sheet {Summary}; each figure in the month in"
        " which it happened."
    )
    lay_out(page, "Trend", lead, ((1, 12), (10, 13)), frozen=(TOP + 1, 1))
    newest = f"IF(Ranged=0,{NEWEST},MIN(LastDay,{NEWEST}))"
    table = put_grid(page, TOP, MONTHLY, last_months(newest, MONTHS), blank='{$month}=""')
    oldest, latest = table.at("month", 1), table.at("month", MONTHS)
    begun = f"AND(LeadsFrom<WholeFrom,LeadsFrom>={oldest})"
    cut = ((begun, "LeadsFrom"), (f"{latest}>WholeUntil", latest))
    names = [f'IF({condition},{named_month(month)}&" ","")' for condition, month in cut]
    told = page.book.phrase(
        "Not whole, and so in no trend and no growth: {months}. The data begin on {from} and end on"
        " {until}.",
        {"from": day_text(FIRST_LEAD), "until": day_text("Until"),
         "months": f'SUBSTITUTE(TRIM({"&".join(names)})," ",", ")'},
    )  # fmt: skip
    some = f"OR({','.join(condition for condition, _ in cut)})"
    page.put(2, 0, blank_if('LeadsFrom=""', f'IF({some},{told},"")'), page.styles.warning())
    row, whole = table.last + 1, whole_months(table)
    page.write(row, 0, "trend", page.styles.header(align="start"))
    for column, measure in enumerate(whole.measures, start=1):
        block = whole.at(measure.called)
        formula = blank_if(f"OR(COUNT({block})<3,{without_mean(block)})", f"KPI_TREND({block})")
        page.put(row, column, formula, page.styles.header(GROWTH.number_format))
    draw(page, "column", "Leads, MQL and customers by month",
         [table.series("leads", BAR, "Leads"), table.series("MQL", BLUE),
          table.series("customers", GREEN, "Customers")],
         (row + 2, 0, 560, 340), names_format="yyyy-mm")  # fmt: skip
    draw(page, "column", "Spend and revenue by month",
         [table.series("spend", ORANGE, "Spend"), table.series("revenue", BLUE, "Revenue")],
         (row + 2, 6, 470, 340), names_format="yyyy-mm",
         unit=LARGE)  # fmt: skip
    page.sheet.print_area(0, 0, row + 20, 10)


# How long leads take from stage to stage

SPEED = (
    Measure("step", "{label}", KEY, look={"align": "start", "shrink": True}, kind="text"),
    Measure("leads", "SUMPRODUCT({timed})", COUNT, blank=NONE),
    Measure("mean days", "{mean}", DAYS),
    Measure("median days", "{median}", DAYS),
)


def speed(page: Page) -> None:
    """How long leads take from stage to stage."""
    lead = "Days between two stages, over the leads that have both dates in order."
    lay_out(page, "Speed", lead, ((1, 30), (3, 15), (1, 20)), frozen=(TOP + 1, 1))
    source = page.book.pages["Model"]
    days = originals(source, TOP + 1, CYCLES + 1, ("mean", "median"), len(STEPS), "")
    rows = [{"label": label, "timed": timed(start, end)} | shown
            for (label, start, end), shown in zip(STEPS, days, strict=True)]  # fmt: skip
    table = put_grid(page, TOP, SPEED, rows[:-1], height=20)
    whole = put_grid(page, table.last, SPEED, rows[-1:], titled=False, height=20,
                     look={"bold": True})  # fmt: skip
    whole.define("CycleDays", "mean days")
    draw(page, "column", "Days from stage to stage",
         [table.series("mean days", BLUE, "Mean"), table.series("median days", BAR, "Median")],
         (whole.last + 2, 0, 700, 320))  # fmt: skip
    page.sheet.print_area(0, 0, whole.last + 19, 5)


CREDITED = (
    copied("touch", KEY, NAME),
    copied("customers", AVERAGE),
    copied("revenue", MONEY)._replace(blank='Revenue=""'),
    copied("share", RATE)._replace(bars=True, of="CustomerCount"),
)


def attribution(page: Page) -> None:
    """Which touches the customers are owed to."""
    source = page.book.pages["Model"]
    lead = (
        "The touches in the column campaign, or else the channel, of every lead; by the model set."
    )
    lay_out(page, "Attribution", lead, ((1, 24), (8, 14)), frozen=(TOP + 1, 1))
    page.put(2, 0, shown_choice(page.book, SETTINGS[3]), page.styles.label(bold=True))
    models = []
    for left, title in enumerate(OVERVIEW.values(), start=1):
        touches, amounts = (
            source.at(TOP + 1, column, TOP + 200, column)
            for column in (CREDIT + 5 * left, CREDIT + 5 * left + 1)
        )
        models.append(Measure(title, f"SUMPRODUCT(({touches}={{$touch}})*1,{amounts})", AVERAGE,
                              blank='{$touch}=""'))  # fmt: skip
    headers = [column.header for column in CREDITED]
    rows = originals(source, TOP + 1, CREDIT, headers, ROOM)
    table = put_grid(page, TOP, (*CREDITED, *models), rows)
    chart(page, "column", "Customers by touch and model", table,
          [(model.header,) for model in models], (table.last + 2, 0, 870, 360))  # fmt: skip
    touches = source.at(TOP + 1, CREDIT, TOP + 200, CREDIT)
    warn_of_more(page, 3, touches, ROOM, "AttributionCut")
    page.sheet.print_area(0, 0, table.last + 21, 7)


# The sheet Model

CHANNEL_ENDS = (
    Measure("deals lost", f"SUMPRODUCT({of_channel('Leads', '{name}')}*{LOST})", COUNT),
    Measure("days to win",
            cycle("created", "won_date", "mean", of_channel("Leads", "{name}")), DAYS,
            kind="array"),
)  # fmt: skip
STEP_DAYS = (
    Measure("step", "{label}", KEY, look=NAME, kind="text"),
    Measure("mean", "{mean days}", DAYS, kind="array"),
    Measure("median", "{median days}", DAYS, kind="array"),
)


def credit(chosen: str) -> str:
    """Attribution of the customers to the touches of all leads, by a model."""
    paths = 'IF(Leads[channel]<>"",TRIM(Leads[channel]),"?")'
    path = f'IF(Leads[campaign]<>"",TRIM(Leads[campaign]),{paths})'
    blank = f'IF((Leads[lead_id]="")*(Leads[won_date]="")+(1-{WITHIN})>0,"",'
    won = f"{blank}{WON}*1)"
    value = f"{blank}{WON}*Leads[value])"
    lost = f"{blank}1-{WON})"
    return f"ATTRIBUTION({blank}{path}),{won},{chosen},{value},{lost})"


# Of the dates only whether they are there counts: 1 is a day like any other. The first column of
# the block is no date; every lead is a lead.
STAGE_DAYS = (
    f'{WITHIN}*(Leads[lead_id]<>"")*'
    '({1,0,0,0,0}+(Leads[[owner]:[won_date]]<>"")>0)'
    "*({1,1,1,1,0}+(Leads[[owner]:[won_date]]<=Until)>0)"
)
STAGE_NAMES = '{"leads","MQL","SQL","SQO","customers"}'
SEGMENT_OF = f'IF((Leads[lead_id]="")+(1-{WITHIN})>0,"",{segment()})'
BY_SPEND = 'CHANNEL_MIX(TRIM(Spend[channel]),IF(Spend[channel]="","",Spend[spend]+1))'
SPILLS = (
    Spill("Funnel", FUNNEL, "FUNNEL(StageNames,StageCounts)", "LeadCount=0",
          (KEY, COUNT, RATE, RATE, COUNT)),
    Spill("Channels by spend", CHANNELS, f"CHOOSECOLS({BY_SPEND},1)", SPEND.empty, (KEY,)),
    *(
        Spill("" if number else "Attribution", CREDIT + 5 * number, credit(chosen),
              "CustomerCount=0", (KEY, AVERAGE, MONEY, RATE),
              () if number else ("", "Credited"), 200)
        for number, chosen in enumerate(
            ("AttributionModelCode", *(f'"{name}"' for name in OVERVIEW)))
    ),
    Spill("Funnel by segment", SEGMENTS, f"FUNNEL_BY({SEGMENT_OF},{STAGE_DAYS},{STAGE_NAMES})",
          "LeadCount=0", (KEY, *[COUNT] * 5, RATE), ("", "SegmentLeads", "SegmentMqls"), MOST),
)  # fmt: skip


# Leads are told apart by their capitals, as a CRM does, so they are counted as customers are: on
# one day, for 1 each. Where one of several rows is, is found as MATCH finds it.
EVERY_LEAD = 'IF(Leads[lead_id]="","",Leads[lead_id])'
ONCE = 'IF(Leads[lead_id]="","",1)'
NO_LEADS = "COUNTA(Leads[lead_id])=0"  # of all days
# Rows of spend stand for quarters all of them or none, by how far apart their months are. A single
# month is one of three where leads come in for a month and more after it. A text among the months
# is another check's to tell.
SPENT_IN, SPENT_ONCE = (f'IF(Spend[month]="","",{what})' for what in ("Spend[month]", "1"))
NO_MONTHS = f"IF({SPEND.empty},TRUE,COUNTA(Spend[month])>COUNT(Spend[month]))"
APART = "IF(MAX(Spend[month])-MIN(Spend[month])>=85*(SpendMonths-1),COUNT(Spend[month]),0)"
ALONE = "IF(MAX(Leads[created])>EOMONTH(MAX(Spend[month]),1),COUNT(Spend[month]),0)"
WHOLE_COLUMNS = (
    Basis("DistinctLeads", f"=IF({NO_LEADS},0,ROWS(RFM({EVERY_LEAD},{ONCE},{ONCE}))-1)", COUNT,
          array=True),
    Basis("CommonestLead",
          blank_if(NO_LEADS, f"INDEX(CHANNEL_MIX({EVERY_LEAD},{ONCE}),2,1)"), KEY, array=True),
    Basis("Until", f"={UNTIL}", DATE),
    Basis("SpendMonths",
          f"=IF({NO_MONTHS},0,ROWS(CAC_BY({SPENT_ONCE},{SPENT_IN},{SPENT_ONCE},{SPENT_ONCE},"
          f'{SPENT_IN},{SPENT_ONCE},"M"))-1)', COUNT, array=True),
    Basis("QuarterRows", f"=IF({NO_MONTHS},0,IF(SpendMonths>1,{APART},{ALONE}))", COUNT,
          array=True),
)  # fmt: skip


def model(page: Page) -> None:
    """What KPI functions compute from whole columns."""
    styles = page.styles
    lay_out(page, "Model", "What the functions of kpi_xl compute from whole columns.",
            ((1, 32), (WHOLE + 5, 13)), frozen=(TOP + 1, 0))  # fmt: skip
    for column, title in (
        (CYCLES, "Days between stages"), (MIX, "Rows of a lead"),
        (RANGE, "The days that are shown, and those before"),
    ):  # fmt: skip
        page.write(TOP - 1, column, title, styles.heading())
    put_spills(page, TOP, SPILLS)
    rows = originals(page.book.pages["Channels"], TOP + 1, 0, ("name",), ROOM, "")
    headers(page, put_grid(page, TOP, CHANNEL_ENDS, rows, left=CHANNELS + 3, blank='{name}=""',
                           titled=False))  # fmt: skip
    headers(page, put_grid(page, TOP, STEP_DAYS, [
        {"label": label} | {f"{one} days": cycle(start, end, one).removeprefix("=")
                            for one in ("mean", "median")}
        for label, start, end in STEPS
    ], left=CYCLES, titled=False))  # fmt: skip
    put_basis(page, TOP + 1, MIX, WHOLE_COLUMNS)
    put_basis(page, TOP + 1, RANGE, known(page.book))
    page.sheet.print_area(0, 0, 1, 7)


def known(book: Book) -> list[Basis]:
    """What follows from the settings, and from what is known of the leads."""
    return [*DAYS_SHOWN.basis(book), *SEEN, *codes(book, SETTINGS)]


def parts_before(page: Page) -> dict[str, str]:
    """The figures of the period before, and the channels that their changes are mostly owed to."""
    below = TOP + 3 + len(known(page.book))
    wanted = [tile.figure for tile in TILES]
    days = Basis("CycleDays", cycle("created", "won_date", "mean"), DAYS, array=True)
    figures_before(page, below, RANGE, [*EVERY.values(), days], wanted, DAYS_SHOWN.bounds)
    channels = originals(page.book.pages["Channels"], TOP + 1, 0, ("name",), ROOM, "")
    sums = {
        "LeadCount": f'SUMPRODUCT({WITHIN}*{of_channel("Leads", "{name}")}*(Leads[lead_id]<>""))',
        "CustomerCount": f"SUMPRODUCT({WITHIN}*{of_channel('Leads', '{name}')}*{WON})",
        "Revenue": f"SUMPRODUCT({WITHIN}*{of_channel('Leads', '{name}')}*{WON}*Leads[value])",
        "SpendTotal": f"SUMPRODUCT({SPENT_WITHIN}*{of_channel('Spend', '{name}')}*Spend[spend])",
    }
    parts = Breakdown(channels, sums, '{name}=""')
    return owed_to(page, TOP, OWED, parts, EVERY, wanted[:4], DAYS_SHOWN.bounds)


def headers(page: Page, grid: Grid) -> None:
    """The header of a block of the sheet Model."""
    for column, measure in enumerate(grid.measures, start=grid.left):
        page.write(grid.top, column, measure.header, page.styles.header("0"))


def add_funnel(page: Page, place: tuple[int, int, int, int]) -> None:
    """A chart of the stages, bars in the middle.

    A chart draws a count that is not known as 0: no bar has that number written at it.
    """
    stages = Grid(page.book.pages["Funnel"], TOP, 0, STAGE_COLUMNS, len(STAGE_ROWS))
    free = (stages.page, TOP + 1, 7, stages.last, 7)
    draw(page, "bar", "Leads at each stage",
         [Series("Free", stages.range_of("stage"), free, NO_COLOUR),
          stages.series("count", BAR, "Count")], place, stacked=True, labels=True,
         number_format="#,##0;;")  # fmt: skip


# Sample data

MADE_UP = Sentence(
    "Made up, not real: {leads} leads of a business that sells to others, and what its channels"
    " cost, in the year 2024. It has what real exports have, too: see the sheet {Checks}."
)

# Spend a month, visits per unit of money (or a month), leads per visit, chances from stage to
# stage, mean deal.
PLAN: dict[str, tuple[float, float, float, tuple[float, float, float, float], float]] = {
    "search": (4500, 0.55, 0.016, (0.52, 0.55, 0.6, 0.34), 5200),
    "social": (3000, 0.9, 0.009, (0.3, 0.42, 0.5, 0.24), 4100),
    "mail": (800, 1.4, 0.014, (0.5, 0.58, 0.62, 0.36), 4700),
    "events": (4000, 0.06, 0.09, (0.62, 0.6, 0.64, 0.38), 9800),
    "referral": (400, 1.1, 0.026, (0.64, 0.66, 0.7, 0.46), 6900),
    "organic": (0, 2200, 0.008, (0.42, 0.5, 0.58, 0.33), 5000),
    "outbound": (2500, 0.02, 0.3, (0.36, 0.6, 0.55, 0.22), 12500),
}
SEASON = (0.9, 1.0, 1.15, 1.1, 1.05, 0.9, 0.7, 0.65, 1.15, 1.25, 1.2, 0.75)


def sample() -> Sample:
    """A year of made-up leads, with seasons, and with the gaps of real exports; always the same."""
    random = Random(2024)
    rows: list[list[Cell]] = []
    costs: list[list[Cell]] = []
    for month in range(1, 13):
        first = date(2024, month, 1)
        for channel, (budget, pull, interest, chances, deal) in PLAN.items():
            spend = round(budget * SEASON[month - 1] * random.uniform(0.85, 1.15), 2)
            visits = round(spend * pull if budget else pull * SEASON[month - 1])
            clicks = round(visits * 1.08) if budget else 0
            costs.append([first, channel, spend, clicks * random.randint(40, 90), clicks, visits])
            for _ in range(round(visits * interest * random.uniform(0.85, 1.15))):
                born = first + timedelta(days=random.randrange(28))
                rows.append([born, channel, *journey(random, born, channel, chances, deal)])
    rows.sort(key=lambda row: row[0])
    names = [f"L{number:05}" for number in range(1, len(rows) + 1)]
    of_leads, of_spend = ([column.name for column in table.columns] for table in (LEADS, SPEND))
    data = columns_of(of_leads, [[name, *row] for name, row in zip(names, rows, strict=True)])
    spoil(data)
    about = MADE_UP._replace(fields={"leads": f"{len(rows):,}"})
    return Sample({"Leads": data, "Spend": columns_of(of_spend, costs)}, about)


def journey(
    random: Random, born: date, channel: str, chances: Sequence[float], deal: float
) -> list[Cell]:
    """The rest of a lead's row: path, owner, dates of the stages, loss, value."""
    touches = [random.choice(list(PLAN)) for _ in range(random.choice((0, 0, 1, 1, 2)))]
    day, dates = born, [None] * 4  # type: tuple[date, list[Cell]]
    lost: Cell = None
    end = date(2024, 12, 31)
    for stage, (chance, wait) in enumerate(zip(chances, (6, 9, 14, 32), strict=True)):
        day += timedelta(days=1 + int(random.expovariate(1 / wait)))
        if day > end:
            break
        if random.random() > chance:
            lost = day if random.random() < 0.8 else None
            break
        dates[stage] = day
    value = round(deal * random.lognormvariate(0, 0.4), -1) if dates[2] else None
    owner = random.choice(("Ann", "Bo", "Chen", "Dara"))
    return [" > ".join([channel, *touches]), owner, *dates, lost, value]


def spoil(leads: dict[str, list[Cell]]) -> None:
    """What goes wrong in real exports; the sheet Checks finds it."""
    won = [row for row, day in enumerate(leads["won_date"]) if day]
    leads["channel"][40] = leads["channel"][41] = None
    leads["channel"][90], leads["channel"][91] = "(not set)", "Serch"
    leads["channel"][130] = "Search"  # one channel all the same
    leads["lead_id"][200] = leads["lead_id"][199]
    leads["created"][260] = None
    leads["lost_date"][won[3]] = leads["won_date"][won[3]] - timedelta(days=20)
    leads["won_date"][won[7]] = leads["created"][won[7]] - timedelta(days=366)
    leads["value"][won[11]] = None
    leads["owner"][300] = "=Ann"


TEMPLATE = Template(
    SCHEMA,
    sheets=(
        Sheet("Summary", "The figures for the boss: stages, cost, return, pipeline."),
        Sheet("Funnel", "How many leads come to each stage, and where they are lost."),
        Sheet("Segments", "The same by channel, campaign or owner."),
        Sheet("Channels", "What each channel brings, costs and returns; the best and the worst."),
        Sheet("Trend", "The last twelve months."),
        Sheet("Speed", "How long leads take from stage to stage."),
        Sheet("Attribution", "Which touches the customers are owed to, by several models."),
        Sheet("Leads", "The data: a row a lead."),
        Sheet("Spend", "The data: a row a channel and month."),
        Sheet("Checks", "What is wrong with the data; figures computed twice."),
        Sheet("Model", "What other sheets show, computed from whole columns."),
    ),
    steps=(
        "Paste your leads into the sheet {Leads}: a row a lead, with the day of each stage.",
        "Paste what your channels cost into the sheet {Spend}: a row a channel and month, also for"
        " channels that cost nothing.",
        "Set the yellow cells on the sheet {Summary}: margin, organic share, attribution.",
        "See on the sheet {Checks} whether the data have gaps.",
        "Read the other sheets: every figure is computed from the two tables.",
    ),
    notes=(
        (
            "Stages",
            "A lead counts at a stage if it has a date there or at a later one. Lost leads that"
            " were won later count as won.",
        ),
        (
            "Paths",
            "In the column campaign you may write the touches before the lead, the first one"
            " first: search > mail > event. The sheet {Attribution} shares each customer among"
            " them; without a path the lead's channel has it all.",
        ),
    ),
    write=write,
    sample=sample,
)
