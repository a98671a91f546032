"""The funnel workbook: leads and spend in; stages, channels, months, speed and attribution out.

The sheet Model holds what KPI functions compute from whole columns; see retention.py for why.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from kpi_xl.cells import Cell
from kpi_xl.schema import Input
from kpi_xl.schema.funnel import LEADS, SCHEMA, SPEND
from kpi_xl.units import AVERAGE, COUNT, DAYS, MONEY, RATE, RATIO, TEXT, Unit

from .parts import (
    Agreement,
    Figure,
    Problem,
    Sample,
    Sentence,
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
    same_as,
    section,
    settings,
    status,
    warn_of_more,
    where,
    widen,
)
from .writing import BAR, BLUE, GREEN, MUTED, NO_COLOUR, ORANGE, Book, Page

TOP = 4  # the row of the tables' headers, counted from 0
ROOM = 10  # channels and touches that the sheets show
SEGMENT_ROOM = 15
MOST = 5000  # segments that the checks add up
MONTHS = 12
STAGES = ("mql_date", "sql_date", "sqo_date", "won_date")
MODELS = ("first", "last", "linear", "position", "time_decay", "shapley", "markov")
OVERVIEW = {"first": "first touch", "last": "last touch", "linear": "linear", "markov": "Markov"}
SPLITS = ("channel", "campaign", "owner")

# Where the sheet Model has its tables: the first columns, counted from 0.
FUNNEL, CHANNELS, CYCLES, MIX, CREDIT = 0, 6, 11, 15, 20
SEGMENTS = CREDIT + 5 * (len(OVERVIEW) + 1)


def reached(stage: str) -> str:
    """The condition, row by row, that a lead has come to a stage or further."""
    later = [f'(Leads[{name}]<>"")' for name in STAGES[STAGES.index(stage) :]]
    # Alone it is TRUE or FALSE already, and either is more than 0 to Excel.
    return f"({'+'.join(later)}>0)" if len(later) > 1 else later[0]


LOST = f'{reached("sqo_date")}*(Leads[lost_date]<>"")*(Leads[won_date]="")'
OPEN = f'{reached("sqo_date")}*(Leads[won_date]="")*(Leads[lost_date]="")'


def timed(start: str, end: str, condition: str = "") -> str:
    """The condition that both dates are there, in order."""
    more = f"*{condition}" if condition else ""
    return f'(Leads[{start}]<>"")*(Leads[{end}]<>"")*(Leads[{end}]>=Leads[{start}]){more}'


def cycle(start: str, end: str, method: str, condition: str = "") -> str:
    """Days from one date of a lead to another, over the leads that have both in order."""
    kept = timed(start, end, condition)
    days = (f'IF({kept},Leads[{name}],"")' for name in (start, end))
    return blank_if(f"SUMPRODUCT({kept})=0", f'SALES_CYCLE({",".join(days)},"{method}")')


def segment() -> str:
    """The segment of each lead, by the setting; ? where it has none."""
    named = [f'IF(Leads[{name}]="","?",Leads[{name}])' for name in SPLITS]
    return f'IF(FunnelBy="{SPLITS[1]}",{named[1]},IF(FunnelBy="{SPLITS[2]}",{named[2]},{named[0]}))'


NONE = LEADS.empty
NO_SPEND = "SpendTotal=0"

SETTINGS = (
    Setting("GrossMargin", "Gross margin", 0.6, RATE, "As a fraction of revenue"),
    Setting("OrganicShare", "Organic share", 0.1, RATE, "Revenue not due to marketing"),
    Setting("SalesChannel", "Channel of sales", "outbound", TEXT, "All others are marketing's"),
    Setting("AttributionModel", "Attribution", "position", TEXT, "How paths share a customer",
            MODELS),
    Setting("FunnelBy", "Segments", "channel", TEXT, "For the sheet {Segments}", SPLITS),
)  # fmt: skip

FIGURES = {
    "Stages": (
        Figure("LeadCount", "Leads", "=COUNTA(Leads[lead_id])", COUNT, "Rows with a lead"),
        Figure("MqlCount", "MQL", f"=SUMPRODUCT({reached('mql_date')}*1)", COUNT,
               "Reached, or went further"),
        Figure("SqlCount", "SQL", f"=SUMPRODUCT({reached('sql_date')}*1)", COUNT,
               "Reached, or went further"),
        Figure("SqoCount", "SQO", f"=SUMPRODUCT({reached('sqo_date')}*1)", COUNT,
               "Reached, or went further"),
        Figure("CustomerCount", "Customers", f"=SUMPRODUCT({reached('won_date')}*1)", COUNT,
               "Deals won"),
        Figure("LostCount", "Deals lost", f"=SUMPRODUCT({LOST})", COUNT,
               "SQO, and not won later"),
        Figure("CloseRate", "Close rate",
               blank_if("LeadCount=0", "CLOSE_RATE(CustomerCount,LeadCount)"), RATE,
               "Customers / leads"),
        Figure("WinRate", "Win rate",
               blank_if("CustomerCount+LostCount=0", "WIN_RATE(CustomerCount,LostCount)"), RATE,
               "Won / (won + lost)"),
    ),
    "Cost and return": (
        Figure("SpendTotal", "Spend", "=SUM(Spend[spend])", MONEY, "All channels and months"),
        Figure("Revenue", "Revenue", '=SUMIFS(Leads[value],Leads[won_date],">0")', MONEY,
               "Value of the deals won"),
        Figure("LeadCost", "Cost per lead",
               blank_if("LeadCount*SpendTotal=0", "CPL(SpendTotal,LeadCount)"), MONEY,
               "Spend / leads"),
        Figure("CustomerCost", "Customer acquisition cost",
               blank_if("CustomerCount*SpendTotal=0", "CAC(SpendTotal,CustomerCount)"), MONEY,
               "Spend / customers"),
        Figure("AdReturn", "ROAS", blank_if(NO_SPEND, "ROAS(Revenue,SpendTotal)"), RATIO,
               "Revenue / spend"),
        Figure("MarketingReturn", "MROI",
               blank_if(NO_SPEND, "MROI(Revenue,SpendTotal,Revenue*OrganicShare,GrossMargin)"),
               RATE, "On margin, organic part left out"),
    ),
    "Pipeline": (
        Figure("OpenDeals", "Open opportunities", f"=SUMPRODUCT({OPEN})", COUNT,
               "SQO, neither won nor lost"),
        Figure("OpenValue", "Their value", f"=SUMPRODUCT({OPEN}*Leads[value])", MONEY, ""),
        Figure("DealSize", "Average deal",
               blank_if("CustomerCount=0", "Revenue/CustomerCount"), MONEY,
               "Revenue / customers"),
        Figure("Velocity", "Sales velocity",
               blank_if('OR(CycleDays="",OpenDeals*CustomerCount=0)',
                        "SALES_VELOCITY(OpenDeals,WinRate,DealSize,CycleDays)"), MONEY,
               "Money per day, of open deals"),
        Figure("PipelineShare", "Marketing's pipeline",
               blank_if(f"SUMPRODUCT({reached('sqo_date')}*Leads[value])=0",
                        f"PIPELINE_CONTRIBUTION(SUMPRODUCT({reached('sqo_date')}"
                        f"*(Leads[channel]<>SalesChannel)*Leads[value]),"
                        f"SUMPRODUCT({reached('sqo_date')}*Leads[value]))"), RATE,
               "Share of opportunities' value"),
        Figure("RevenueShare", "Marketing's revenue",
               blank_if("Revenue=0",
                        'REVENUE_CONTRIBUTION(SUMIFS(Leads[value],Leads[won_date],">0",'
                        'Leads[channel],"<>"&SalesChannel),Revenue)'), RATE,
               "Share of deals won"),
    ),
}  # fmt: skip

CARDS = ("LeadCount", "CustomerCount", "CustomerCost", "AdReturn", "Velocity")

AGREEMENTS = (
    Agreement("Cost per lead", "=LeadCost",
              blank_if("LeadCount*SpendTotal=0", "SUM(Spend[spend])/COUNTA(Leads[lead_id])"),
              MONEY),
    Agreement("Customer acquisition cost", "=CustomerCost",
              blank_if("CustomerCount*SpendTotal=0",
                       "SUM(Spend[spend])/COUNT(Leads[won_date])"), MONEY),
    Agreement("ROAS", "=AdReturn",
              blank_if(NO_SPEND,
                       'SUMPRODUCT((Leads[won_date]<>"")*Leads[value])/SUM(Spend[spend])'), RATIO),
    Agreement("Days from lead to customer", "=CycleDays",
              blank_if(f"SUMPRODUCT({timed('created', 'won_date')})=0",
                       f"SUMPRODUCT({timed('created', 'won_date')}"
                       "*(Leads[won_date]-Leads[created]))"
                       f"/SUMPRODUCT({timed('created', 'won_date')})"), DAYS),
    Agreement("Customers, as attribution splits them", "=SUM(Credited)", "=CustomerCount", COUNT),
    Agreement("Leads, summed over channels", "=SUM(ChannelLeads)", "=COUNTA(Leads[lead_id])",
              COUNT),
    Agreement("Leads, summed over segments", "=SUM(SegmentLeads)", "=COUNTA(Leads[lead_id])",
              COUNT),
    Agreement("MQL, summed over segments", "=SUM(SegmentMqls)",
              f'=SUMPRODUCT((Leads[lead_id]<>"")*{reached("mql_date")})', COUNT),
)  # fmt: skip

PROBLEMS = (
    Problem("Leads twice in the table", "=COUNTA(Leads[lead_id])-DistinctLeads",
            "=ROW(Leads[[#Headers],[lead_id]])+MATCH(CommonestLead,Leads[lead_id],0)",
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
            '(Leads[lead_id]<>"")*(Leads[channel]=""))', "",
            "Spell the channel as in the sheet {Spend}, or add it there."),
    Problem("Channels of Spend spelled in two ways", '=COUNTIF(Spellings,">1")', "",
            "Capitals make no two channels: spell each in one way."),
    Problem("Won and lost", *where(LEADS, '(Leads[won_date]<>"")*(Leads[lost_date]<>"")'),
            "They count as won: delete the day of the loss, if that is right."),
    Problem("Won before they were created",
            *where(LEADS, '(Leads[created]<>"")*(Leads[won_date]<>"")'
                          "*(Leads[won_date]<Leads[created])"),
            "Correct one of the dates: until then they are in no time between stages."),
    Problem("Won without a value", *where(LEADS, '(Leads[won_date]<>"")*(Leads[value]="")'),
            "They bring no revenue: fill in the value."),
    Problem("Dates that are text",
            "=" + "+".join(f"COUNTA(Leads[{name}])-COUNT(Leads[{name}])"
                           for name in ("created", *STAGES, "lost_date")), "",
            "Turn them into dates: Data, Text to Columns, Date."),
    Problem("Spend without a channel", *where(SPEND, '(Spend[month]<>"")*(Spend[channel]="")'),
            "Name the channel: until then the sheet {Channels} shows an error."),
)  # fmt: skip


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
    page.sheet.set_column(0, 0, 3)
    page.sheet.set_column(1, 5, 27)
    meanings = [one.meaning for one in SETTINGS]
    meanings += [one.meaning for group in FIGURES.values() for one in group if one.meaning]
    widen(page, 3, 27, map(page.book.say, meanings))
    headline(page, "Marketing funnel", "Change the yellow cells to your own.", 1)
    status(page, 2, 1, LEADS)
    named = {figure.name: figure for records in FIGURES.values() for figure in records}
    cards(page, TOP, 1, [named[name] for name in CARDS])
    row = settings(page, TOP + 3, 1, SETTINGS)
    for heading, records in FIGURES.items():
        row = figures(page, row + 1, 1, heading, records)
    add_funnel(page, row=TOP + 3, column=4, width=392, height=290)
    months, end = page.book.pages["Trend"], TOP + MONTHS
    draw(
        page, "column", "Customers won, by month",
        [Series("Customers", (months, TOP + 1, 0, end, 0), (months, TOP + 1, 5, end, 5), GREEN)],
        row=TOP + 19, column=4, width=392, height=290, names_format="yyyy-mm",
    )  # fmt: skip
    page.sheet.print_area(0, 0, row, 5)


def funnel(page: Page) -> None:
    """How many come to each stage, and where they are lost."""
    styles, source = page.styles, page.book.pages["Model"]
    page.sheet.set_column(0, 0, 30)
    page.sheet.set_column(1, 5, 15)
    headline(page, "Funnel", "Of each stage those who reached it, or went further.")
    headers = ("stage", "count", "step rate", "overall rate", "drop-off", "cost each")
    header_row(page, TOP, 0, headers)
    stages = (
        ("Leads", "LeadCount", "CPL"),
        ("Qualified by marketing (MQL)", "MqlCount", "COST_PER_MQL"),
        ("Accepted by sales (SQL)", "SqlCount", "COST_PER_SQL"),
        ("Opportunities (SQO)", "SqoCount", "COST_PER_SQO"),
        ("Customers", "CustomerCount", "CAC"),
    )
    last = TOP + len(stages)
    for row, (label, count, cost) in enumerate(stages, start=TOP + 1):
        page.write(row, 0, label, styles.label(bold=True, shrink=True))
        page.put(row, 1, f"={count}", styles.number(COUNT, bold=True))
        for column, unit in ((2, RATE), (3, RATE), (4, COUNT)):
            page.put(
                row,
                column,
                same_as(source.at(row, FUNNEL + column)),
                styles.number(unit, align="right"),
            )
        page.put(row, 5, blank_if(f"{count}*SpendTotal=0", f"{cost}(SpendTotal,{count})"),
                 styles.number(MONEY))  # fmt: skip
        # The bars of the chart stand in the middle: this much is left free on each side.
        page.put(row, 7, f"=(LeadCount-{count})/2", styles.lead())
        page.sheet.set_row(row, 20)
    page.write(TOP, 7, "chart", styles.lead(align="right"))
    page.define("StageNames", TOP + 1, 0, last, 0)
    page.define("StageCounts", TOP + 1, 1, last, 1)
    bars(page, TOP + 2, 2, last, 2)
    add_funnel(page, row=last + 2, column=0, width=750, height=360)
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, last + 21, 5)


def segments(page: Page) -> None:
    """The funnels of channels, campaigns or owners, beside each other."""
    styles, source = page.styles, page.book.pages["Model"]
    page.sheet.set_column(0, 0, 30)
    page.sheet.set_column(1, 10, 13)
    lead = (
        "Each channel, campaign or owner: choose which on the sheet {Summary}. A name spelled in"
        " two ways, such as with and without capitals, makes two segments."
    )
    headline(page, "Funnel by segment", lead)
    page.put(2, 0, "=FunnelBy", styles.label(bold=True))
    steps = [label for label, *_ in STEPS[:-1]]
    counts = ("leads", "MQL", "SQL", "SQO", "customers")
    header_row(page, TOP, 0, ("segment", *counts, *steps, "close rate"))
    last, total = TOP + SEGMENT_ROOM, TOP + SEGMENT_ROOM + 1
    for row in range(TOP + 1, last + 1):
        page.put(row, 0, same_as(source.at(row, SEGMENTS)), styles.label(bold=True))
        for column in range(1, 10):
            unit = COUNT if column <= len(counts) else RATE
            cell = same_as(source.at(row, SEGMENTS + column))
            page.put(row, column, cell, styles.number(unit, align="right"))
        leads = f"B{row + 1}"
        page.put(row, 10, f'=IF(N({leads})=0,"",CLOSE_RATE(F{row + 1},{leads}))',
                 styles.number(RATE))  # fmt: skip
    page.write(total, 0, "All", styles.header(align="start"))
    totals = ("LeadCount", "MqlCount", "SqlCount", "SqoCount", "CustomerCount")
    for column, name in enumerate(totals, start=1):
        page.put(total, column, blank_if(NONE, name), styles.header(COUNT.number_format))
    for column in range(6, 10):
        whole = same_as(source.at(TOP + column - 4, FUNNEL + 2))
        page.put(total, column, whole, styles.header(RATE.number_format))
    page.put(total, 10, "=CloseRate", styles.header(RATE.number_format))
    for column in range(6, 11):
        bars(page, TOP + 1, column, last, column)
    names = (page, TOP + 1, 0, last, 0)
    draw(page, "bar", "Leads and customers by segment",
         [Series("Leads", names, (page, TOP + 1, 1, last, 1), BAR),
          Series("Customers", names, (page, TOP + 1, 5, last, 5), GREEN)],
         row=total + 2, column=0, width=900, height=420)  # fmt: skip
    warn_of_more(page, 3, source.at(TOP + 1, SEGMENTS, TOP + MOST, SEGMENTS), SEGMENT_ROOM, "Model")
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, total + 23, 10)


def channels(page: Page) -> None:
    """What each channel brings, and what it costs."""
    styles, source = page.styles, page.book.pages["Model"]
    widen(page, 0, 24, [page.book.say("Other or no channel")])
    page.sheet.set_column(1, 13, 12.5)
    lead = "Every channel of the sheet {Spend}. ★ is the best of a column, ▼ the worst."
    headline(page, "Channels", lead)
    last = TOP + ROOM
    others, total = last + 1, last + 2
    section(page, TOP - 1, 0, 8, "What they bring")
    volume = ("channel", "spend", "visits", "leads", "MQL", "SQL", "SQO", "customers", "revenue")
    header_row(page, TOP, 0, volume)
    second = total + 4
    section(page, second - 1, 0, 12, "What they cost and return")
    rates = (
        *("channel", "cost per lead", "cost per MQL", "cost per SQL", "cost per SQO", "CAC"),
        *("ROAS", "MROI", "close rate", "traffic to MQL", "win rate", "days to win"),
        "velocity per day",
    )
    header_row(page, second, 0, rates)
    for place in range(ROOM):
        row, below = TOP + 1 + place, second + 1 + place
        page.put(row, 0, same_as(source.at(row, CHANNELS)), styles.label(bold=True))
        volumes(page, row, f"$A{row + 1}", f"(Leads[channel]=$A{row + 1})")
        page.put(below, 0, f'=IF(A{row + 1}="","",A{row + 1})', styles.label(bold=True))
        returns(page, below, row, source.at(row, CHANNELS + 3), source.at(row, CHANNELS + 4))
    page.write(others, 0, "Other or no channel", styles.label(font_color=MUTED, shrink=True))
    page.write(total, 0, "All", styles.header(align="start"))
    sums = ("SpendTotal", "SUM(Spend[visits])", "LeadCount", "MqlCount", "SqlCount", "SqoCount")
    for column, whole in enumerate((*sums, "CustomerCount", "Revenue"), start=1):
        letter = "ABCDEFGHI"[column]
        known = f"SUM({letter}{TOP + 2}:{letter}{last + 1})"
        unit = MONEY if column in (1, 8) else COUNT
        page.put(total, column, blank_if(NONE, whole), styles.header(unit.number_format))
        page.put(others, column, blank_if(NONE, f"{whole}-{known}"), styles.number(unit))
    page.define("KnownLeads", TOP + 1, 3, last, 3)
    page.define("ChannelLeads", TOP + 1, 3, others, 3)
    low = {1, 2, 3, 4, 5, 11}
    for column, unit in enumerate(RETURNS, start=1):
        best_and_worst(page, (second + 1, column, second + ROOM, column), unit, low=column in low)
    bottom = second + ROOM + 2
    names = (page, TOP + 1, 0, last, 0)
    draw(page, "bar", "Spend and revenue by channel",
         [Series("Spend", names, (page, TOP + 1, 1, last, 1), ORANGE),
          Series("Revenue", names, (page, TOP + 1, 8, last, 8), BLUE)],
         row=bottom, column=0, width=620, height=380)  # fmt: skip
    draw(page, "bar", "Customer acquisition cost by channel",
         [Series("CAC", names, (page, second + 1, 5, second + ROOM, 5), BLUE)],
         row=bottom, column=6, width=620, height=380, labels=True)  # fmt: skip
    model_names = source.at(TOP + 1, CHANNELS, TOP + 200, CHANNELS)
    warn_of_more(page, 2, model_names, ROOM, "Model")
    page.sheet.freeze_panes(2, 1)
    page.sheet.print_area(0, 0, bottom + 20, 12)


def volumes(page: Page, row: int, name: str, condition: str) -> None:
    """What one channel brings: spend, visits, leads by stage, revenue."""
    money, count = page.styles.number(MONEY), page.styles.number(COUNT)
    counts = [f'SUMPRODUCT({condition}*(Leads[lead_id]<>""))']
    counts += [f"SUMPRODUCT({condition}*{reached(stage)})" for stage in STAGES]
    cells = [
        (f"SUMIFS(Spend[spend],Spend[channel],{name})", money),
        (f"SUMIFS(Spend[visits],Spend[channel],{name})", count),
        *((text, count) for text in counts),
        (f'SUMIFS(Leads[value],Leads[channel],{name},Leads[won_date],">0")', money),
    ]
    for column, (text, style) in enumerate(cells, start=1):
        page.put(row, column, blank_if(f'{name}=""', text), style)


RETURNS: tuple[Unit, ...] = (
    *(MONEY, MONEY, MONEY, MONEY, MONEY, RATIO, RATE),
    *(RATE, RATE, RATE, DAYS, MONEY),
)


def returns(page: Page, row: int, source: int, lost: str, days: str) -> None:
    """What one channel costs and returns; its volumes are in the row `source`."""
    at = {letter: f"{letter}{source + 1}" for letter in "ABCDEFGHI"}
    spend, visits, leads, mqls = at["B"], at["C"], at["D"], at["E"]
    sqls, sqos, won, revenue = at["F"], at["G"], at["H"], at["I"]
    open_deals = f"SUMPRODUCT((Leads[channel]={at['A']})*{OPEN})"
    nothing = f'{at["A"]}=""'
    for column, (needs, text) in enumerate(
        (
            (f"{spend}*{leads}", f"CPL({spend},{leads})"),
            (f"{spend}*{mqls}", f"COST_PER_MQL({spend},{mqls})"),
            (f"{spend}*{sqls}", f"COST_PER_SQL({spend},{sqls})"),
            (f"{spend}*{sqos}", f"COST_PER_SQO({spend},{sqos})"),
            (f"{spend}*{won}", f"CAC({spend},{won})"),
            (spend, f"ROAS({revenue},{spend})"),
            (spend, f"MROI({revenue},{spend},{revenue}*OrganicShare,GrossMargin)"),
            (leads, f"CLOSE_RATE({won},{leads})"),
            (visits, f"TRAFFIC_TO_MQL({mqls},{visits})"),
            (f"({won}+{lost})", f"WIN_RATE({won},{lost})"),
            (f"N({days})", days),
            (f"N({days})*{won}",
             f"SALES_VELOCITY({open_deals},K{row + 1},{revenue}/{won},{days})"),
        ),
        start=1,
    ):  # fmt: skip
        formula = f'=IF({nothing},"",IF({needs}=0,"",{text}))'
        page.put(row, column, formula, page.styles.number(RETURNS[column - 1]))


def trend(page: Page) -> None:
    """The last twelve months: what came in each, and what it cost."""
    styles = page.styles
    page.sheet.set_column(0, 0, 12)
    page.sheet.set_column(1, 10, 13)
    lead = "The last 12 months of the data; each figure in the month in which it happened."
    headline(page, "Trend", lead)
    headers = ("month", "spend", "visits", "leads", "MQL", "customers", "revenue", "cost per lead")
    header_row(page, TOP, 0, (*headers, "CAC", "revenue growth"))
    last = TOP + MONTHS
    for row in range(TOP + 1, last + 1):
        here, ago = row + 1, last - row
        end = "MAX(Leads[created],Leads[won_date],Spend[month])"
        month = f"EDATE({end}-DAY({end})+1,-{ago})" if ago else f"{end}-DAY({end})+1"
        page.put(row, 0, blank_if(NONE, month), styles.of("yyyy-mm", bold=True, align="start"))

        def within(column: str, here: int = here) -> str:
            return f'{column},">="&$A{here},{column},"<"&EDATE($A{here},1)'

        for column, (needs, text, unit) in enumerate(
            (
                ("", f"SUMIFS(Spend[spend],{within('Spend[month]')})", MONEY),
                ("", f"SUMIFS(Spend[visits],{within('Spend[month]')})", COUNT),
                ("", f"COUNTIFS({within('Leads[created]')})", COUNT),
                ("", f"COUNTIFS({within('Leads[mql_date]')})", COUNT),
                ("", f"COUNTIFS({within('Leads[won_date]')})", COUNT),
                ("", f"SUMIFS(Leads[value],{within('Leads[won_date]')})", MONEY),
                (f"B{here}*D{here}", f"CPL(B{here},D{here})", MONEY),
                (f"B{here}*F{here}", f"CAC(B{here},F{here})", MONEY),
                ("0" if ago == MONTHS - 1 else f"N(G{here - 1})",
                 f"SALES_GROWTH(G{here},G{here - 1})", RATE),
            ),
            start=1,
        ):  # fmt: skip
            text = f'IF({needs}=0,"",{text})' if needs else text
            page.put(row, column, blank_if(f'$A{here}=""', text), styles.number(unit))
    row = last + 1
    page.write(row, 0, "trend", styles.header(align="start"))
    for column, letter in enumerate("BCDEFG", start=1):
        block = f"{letter}{TOP + 2}:{letter}{last + 1}"
        formula = blank_if(f"SUM({block})=0", f"KPI_TREND({block})")
        page.put(row, column, formula, styles.header("+0.0%;-0.0%;0.0%"))
    months = (page, TOP + 1, 0, last, 0)
    draw(page, "column", "Leads, MQL and customers by month",
         [Series("Leads", months, (page, TOP + 1, 3, last, 3), BAR),
          Series("MQL", months, (page, TOP + 1, 4, last, 4), BLUE),
          Series("Customers", months, (page, TOP + 1, 5, last, 5), GREEN)],
         row=row + 2, column=0, width=560, height=340, names_format="yyyy-mm")  # fmt: skip
    draw(page, "column", "Spend and revenue by month",
         [Series("Spend", months, (page, TOP + 1, 1, last, 1), ORANGE),
          Series("Revenue", months, (page, TOP + 1, 6, last, 6), BLUE)],
         row=row + 2, column=6, width=470, height=340, names_format="yyyy-mm")  # fmt: skip
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, row + 20, 10)


STEPS = (
    ("From lead to MQL", "created", "mql_date"),
    ("From MQL to SQL", "mql_date", "sql_date"),
    ("From SQL to SQO", "sql_date", "sqo_date"),
    ("From SQO to customer", "sqo_date", "won_date"),
    ("From lead to customer", "created", "won_date"),
)


def speed(page: Page) -> None:
    """How long leads take from stage to stage."""
    styles, source = page.styles, page.book.pages["Model"]
    page.sheet.set_column(0, 0, 30)
    page.sheet.set_column(1, 3, 15)
    page.sheet.set_column(4, 4, 20)
    lead = "Days between two stages, over the leads that have both dates in order."
    headline(page, "Speed", lead)
    header_row(page, TOP, 0, ("step", "leads", "mean days", "median days"))
    last = TOP + len(STEPS)
    for row, (label, start, end) in enumerate(STEPS, start=TOP + 1):
        whole = row == last
        page.write(row, 0, label, styles.label(bold=whole, shrink=True))
        kept = blank_if(NONE, f"SUMPRODUCT({timed(start, end)})")
        page.put(row, 1, kept, styles.number(COUNT, bold=whole))
        for column in (2, 3):
            cell = source.at(row, CYCLES + column - 1)
            page.put(row, column, f"={cell}", styles.number(DAYS, bold=whole))
        page.sheet.set_row(row, 20)
    page.define("CycleDays", last, 2)
    names = (page, TOP + 1, 0, last - 1, 0)
    draw(page, "bar", "Days from stage to stage",
         [Series("Mean", names, (page, TOP + 1, 2, last - 1, 2), BLUE),
          Series("Median", names, (page, TOP + 1, 3, last - 1, 3), BAR)],
         row=last + 2, column=0, width=700, height=320)  # fmt: skip
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, last + 19, 5)


def attribution(page: Page) -> None:
    """Which touches the customers are owed to."""
    styles, source = page.styles, page.book.pages["Model"]
    page.sheet.set_column(0, 0, 24)
    page.sheet.set_column(1, 8, 14)
    lead = (
        "The touches in the column campaign, or else the channel, of every lead; by the model set."
    )
    headline(page, "Attribution", lead)
    page.put(2, 0, "=AttributionModel", styles.label(bold=True))
    headers = ("touch", "customers", "revenue", "share", *OVERVIEW.values())
    header_row(page, TOP, 0, headers)
    last = TOP + ROOM
    for row in range(TOP + 1, last + 1):
        name = f"$A{row + 1}"
        for column, style in enumerate(
            (styles.label(bold=True), styles.number(AVERAGE), styles.number(MONEY),
             styles.number(RATE))
        ):  # fmt: skip
            page.put(row, column, same_as(source.at(row, CREDIT + column)), style)
        for number, _ in enumerate(OVERVIEW, start=1):
            left = CREDIT + 5 * number
            touches = source.at(TOP + 1, left, TOP + 200, left)
            amounts = source.at(TOP + 1, left + 1, TOP + 200, left + 1)
            formula = blank_if(f'{name}=""', f"SUMIFS({amounts},{touches},{name})")
            page.put(row, 3 + number, formula, styles.number(AVERAGE))
    bars(page, TOP + 1, 3, last, 3)
    names = (page, TOP + 1, 0, last, 0)
    draw(page, "column", "Customers by touch and model",
         [Series(model, names, (page, TOP + 1, 4 + number, last, 4 + number))
          for number, model in enumerate(OVERVIEW.values())],
         row=last + 2, column=0, width=870, height=360)  # fmt: skip
    warn_of_more(page, 3, source.at(TOP + 1, CREDIT, TOP + 200, CREDIT), ROOM, "Model")
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, last + 21, 7)


def model(page: Page) -> None:
    """What KPI functions compute from whole columns."""
    styles, count, rate = page.styles, page.styles.number(COUNT), page.styles.number(RATE)
    bold, header = styles.label(bold=True), styles.header("0")
    page.sheet.set_column(0, SEGMENTS + 9, 13)
    headline(page, "Model", "What the functions of kpi_xl compute from whole columns.")
    for column, title in (
        (FUNNEL, "Funnel"), (CHANNELS, "Channels by spend"), (CYCLES, "Days between stages"),
        (MIX, "Rows of a lead"), (CREDIT, "Attribution"), (SEGMENTS, "Funnel by segment"),
    ):  # fmt: skip
        page.write(TOP - 1, column, title, styles.heading())
    page.spill(TOP, FUNNEL, blank_if("LeadCount=0", "FUNNEL(StageNames,StageCounts)"), header,
               [bold, count, rate, rate, count])  # fmt: skip
    by_spend = 'CHANNEL_MIX(Spend[channel],IF(Spend[channel]="","",Spend[spend]+1))'
    page.spill(TOP, CHANNELS, f'=IF({SPEND.empty},"",CHOOSECOLS({by_spend},1))', header, [bold])
    for column, title in ((2, "spellings"), (3, "deals lost"), (4, "days to win")):
        page.write(TOP, CHANNELS + column, title, header)
    for row in range(TOP + 1, TOP + 1 + ROOM):
        name = page.book.pages["Channels"].at(row, 0)
        names = page.book.pages["Channels"].at(TOP + 1, 0, TOP + ROOM, 0)
        mine = f"(Leads[channel]={name})"
        lost = f"SUMPRODUCT({mine}*{LOST})"
        days = cycle("created", "won_date", "mean", mine)
        page.put(row, CHANNELS + 2, blank_if(f'{name}=""', f"COUNTIF({names},{name})"), count)
        page.put(row, CHANNELS + 3, blank_if(f'{name}=""', lost), count)
        page.put_array(row, CHANNELS + 4, blank_if(f'{name}=""', days), styles.number(DAYS))
    page.define("Spellings", TOP + 1, CHANNELS + 2, TOP + ROOM, CHANNELS + 2)
    for column, title in ((0, "step"), (1, "mean"), (2, "median")):
        page.write(TOP, CYCLES + column, title, header)
    for row, (label, start, end) in enumerate(STEPS, start=TOP + 1):
        page.write(row, CYCLES, label, bold)
        for column, method in ((1, "mean"), (2, "median")):
            page.put_array(row, CYCLES + column, cycle(start, end, method), styles.number(DAYS))
    leads = 'IF(Leads[lead_id]="","",Leads[lead_id])'
    mix = f'CHANNEL_MIX({leads},IF(Leads[lead_id]="","",1))'
    page.write(TOP + 1, MIX, "leads", bold)
    page.put_array(TOP + 1, MIX + 1, f"=IF(LeadCount=0,0,ROWS({mix})-1)", count)
    page.define("DistinctLeads", TOP + 1, MIX + 1)
    page.write(TOP + 2, MIX, "the one of most rows", bold)
    page.put_array(TOP + 2, MIX + 1, blank_if("LeadCount=0", f"INDEX({mix},2,1)"), styles.label())
    page.define("CommonestLead", TOP + 2, MIX + 1)
    for number, chosen in enumerate(("AttributionModel", *(f'"{name}"' for name in OVERVIEW))):
        formula = blank_if("CustomerCount=0", credit(chosen))
        page.spill(TOP, CREDIT + 5 * number, formula, header,
                   [bold, styles.number(AVERAGE), styles.number(MONEY), rate])  # fmt: skip
    page.define("Credited", TOP + 1, CREDIT + 1, TOP + 200, CREDIT + 1)
    # Of the dates only whether they are there counts: 1 is a day like any other. The first column
    # of the block is no date; every lead is a lead.
    days = '(Leads[lead_id]<>"")*({1,0,0,0,0}+(Leads[[owner]:[won_date]]<>"")>0)'
    names = '{"leads","MQL","SQL","SQO","customers"}'
    chosen = f'IF(Leads[lead_id]="","",{segment()})'
    page.spill(TOP, SEGMENTS, blank_if("LeadCount=0", f"FUNNEL_BY({chosen},{days},{names})"),
               header, [bold, *[count] * 5, rate])  # fmt: skip
    for column, name in ((1, "SegmentLeads"), (2, "SegmentMqls")):
        page.define(name, TOP + 1, SEGMENTS + column, TOP + MOST, SEGMENTS + column)
    page.sheet.freeze_panes(TOP + 1, 0)
    page.sheet.print_area(0, 0, 1, 7)


def credit(chosen: str) -> str:
    """Attribution of the customers to the touches of all leads, by a model."""
    path = 'IF(Leads[campaign]<>"",Leads[campaign],IF(Leads[channel]<>"",Leads[channel],"?"))'
    blank = 'IF((Leads[lead_id]="")*(Leads[won_date]=""),"",'
    won = f'{blank}(Leads[won_date]<>"")*1)'
    value = f'{blank}(Leads[won_date]<>"")*Leads[value])'
    lost = f'{blank}(Leads[won_date]="")*1)'
    return f"ATTRIBUTION({blank}{path}),{won},{chosen},{value},{lost})"


def add_funnel(page: Page, *, row: int, column: int, width: int, height: int) -> None:
    """A chart of the stages, bars in the middle."""
    source, last = page.book.pages["Funnel"], TOP + 5
    names = (source, TOP + 1, 0, last, 0)
    draw(
        page, "bar", "Leads at each stage",
        [Series("Free", names, (source, TOP + 1, 7, last, 7), NO_COLOUR),
         Series("Count", names, (source, TOP + 1, 1, last, 1), BAR)],
        row=row, column=column, width=width, height=height, stacked=True, labels=True,
    )  # fmt: skip


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
    leads = columns_of(LEADS, [[name, *row] for name, row in zip(names, rows, strict=True)])
    spoil(leads)
    about = MADE_UP._replace(fields={"leads": f"{len(rows):,}"})
    return Sample({"Leads": leads, "Spend": columns_of(SPEND, costs)}, about)


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


def columns_of(table: Input, rows: Sequence[Sequence[Cell]]) -> dict[str, list[Cell]]:
    """Rows as columns, by name."""
    return {
        column.name: list(cells)
        for column, cells in zip(table.columns, zip(*rows, strict=True), strict=True)
    }


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
        "Read the other sheets: every figure is a live formula over the two tables.",
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
