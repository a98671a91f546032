"""The unit economics workbook: orders and spend in; what customers cost and bring, payback out.

The sheet Model holds what KPI functions spill and what charts draw; see retention.py for why.
"""

import re
from datetime import date, timedelta
from random import Random

from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.cells import Cell
from kpi_xl.reports import layout
from kpi_xl.schema.unit_economics import ORDERS, SCHEMA, SPEND, SUBSCRIBERS, TOUCHES
from kpi_xl.units import COUNT, DATE, DAYS, KEY, LARGE, MONEY, PERIODS, RATE, RATIO, TEXT

from .charting import draw
from .checking import checks, spend_gaps, status, where
from .comparison import (
    BAD,
    GOOD,
    LAST_OF_ALL,
    Tile,
    day_text,
    range_band,
    settings_band,
    tiles,
    with_courses,
)
from .curves import Curve, draw_curves
from .customers import (
    ADDRESSES,
    EVERY_CUSTOMER,
    FARTHEST_DAY,
    HEADER_ROW,
    NO_AMOUNT,
    NOT_KNOWN,
    UNDONE_ORDERS,
    WRITTEN,
    addresses,
)
from .grid import (
    BEHIND,
    GROWTH,
    MONTH,
    NAME,
    WHOLE,
    Grid,
    Measure,
    chart,
    lay_out,
    month_of,
    named_month,
    put_grid,
    unsaid,
    within,
)
from .records import (
    Agreement,
    Basis,
    Figure,
    Problem,
    Sample,
    Sentence,
    Setting,
    Sheet,
    Spill,
    Template,
)
from .sample_files import columns_of, sample_table
from .setting_cells import codes, in_effect, put_basis, settings
from .sheet_parts import (
    blank_if,
    figures,
    header_row,
    heat,
    more_than,
    put_spills,
    section,
    warn_of_more,
    widen,
)
from .writing import BLUE, GREEN, MUTED, ORANGE, Book, Page, Proper, ifs

TOP = 4  # the row of the tables' headers, counted from 0
ROOM = 12  # channels that the sheets show
AGES = 24  # the last age that they show
COHORT_ROOM = 36
MONTHS = 24
MOST_MONTHS = 240  # from the first order to the last, of which cohorts are made: 20 years
DEEP = 3_000  # rows that the names over the longest tables reach down
CHANNELS_KNOWN = 2_000
GAP_ROOM = 12  # months without spend between others; with more there is no CAC
FEW = 10  # customers, of fewer than which nothing is said
SHOWN_CURVES = 5
SURVIVAL_ROOM = 8

UNKNOWN = "(none)"
"""What the functions call the channel of an order without one."""

# Who bought, what for, and from where

VALUE = (
    'IF(CostsKnown=0,Orders[amount],IF(Orders[customer]="","",IF(Orders[cost]="",'
    "Orders[amount]*GrossMargin,Orders[amount]-Orders[cost])))"
)
"""The margin of each order, but for the factor MARGIN: what it cost counts, where that is known."""
MARGIN = "IF(CostsKnown=0,GrossMargin,1)"

MATCHED, TOUCHED = (
    f'IF(AddressesCode="merged",CUSTOMER_KEYS({table}[customer]),IF({table}[customer]="","",'
    f"{table}[customer]))"
    for table in ("Orders", "Touches")
)
CHANNEL = (
    'IF(TouchRule="",Orders[channel],IF(TouchRule="segment",Orders[segment],'
    f"ORDER_SEGMENTS({MATCHED},Orders[date],{TOUCHED},Touches[date],Touches[channel],TouchRule,"
    "LookBack)))"
)
"""The channel of each order; that of a customer's first one is the customer's."""

# IF makes 0 of the blank cells of a column.
FILLED_CHANNEL = re.sub(r",(Orders\[(channel|segment)\]),", r',IF(\1="","",\1),', CHANNEL)

SPENT = ",".join(
    f"IF({SPEND.empty},{none},{column})"
    for none, column in (
        (
            f'"{UNKNOWN}"',
            f'IF(Spend[channel]="",IF(Spend[month]="","","{UNKNOWN}"),Spend[channel])',
        ),
        ("MIN(Orders[date])", "Spend[month]"),
        ("0", "Spend[spend]"),
    )
)
"""What was spent for which channel and when; 0, if there is no spend at all, so that customers
are counted all the same."""

# Spend and new customers count together, in the months of which both are known: where no row has
# a month between others, nobody knows what it cost.
COVERED = "(CacMonth>=CoveredFromText)*(CacMonth<=CoveredUntilText)*" + "*".join(
    f"(CacMonth<>GapMonth{number})" for number in range(1, GAP_ROOM + 1)
)

# The last month may not be over: who pays on a later day of it has not left.
# A text, which is above all numbers, stays: the tables show an error of it.
OVER = f"(1-(Subscribers[month]>=PaidBefore)*(Subscribers[month]<={LAST_OF_ALL}))"
PAID = f'IF((Subscribers[amount]>0)*{OVER}>0,{{0}},"")'
PAYS = ",".join(
    PAID.format(one)
    for one in ("Subscribers[customer]", "Subscribers[month]", "Subscribers[amount]")
)
# What was credited is taken off the customer's month.
BILLED = PAYS.replace("[amount]>0", "[amount]<>0")
# A day before all others is a day after them, where time runs backwards.
BACKWARDS = ",".join(
    PAID.format(one)
    for one in ("Subscribers[customer]", "100000-Subscribers[month]", "Subscribers[amount]")
)
FIRST_PAID = 'IF(FirstGap="","",FirstPayment+FirstGap)'
LAST_PAID = 'IF(LastGap="","",LastPayment-LastGap)'
LEFT_ON = (
    'IF(LastGap="","",IF(LastPayment-LastGap>LastPayment-DAY(LastPayment),"",LastPayment-LastGap))'
)
CUSTOMER_CHANNEL = (
    f'IF(COUNTA(Subscribers[channel])=0,IF({ORDERS.empty},IF(Subscriber="","","{UNKNOWN}"),'
    f'ORDER_SEGMENTS(Subscriber,{LAST_PAID},{WRITTEN},Orders[date],{CHANNEL},"first",36500)),'
    f"ORDER_SEGMENTS(Subscriber,{LAST_PAID},Subscribers[customer],Subscribers[month],"
    'Subscribers[channel],"first",36500))'
)

NONE = ORDERS.empty
# Orders of which nobody knows an amount have not brought 0.
UNPRICED = "COUNT(Orders[amount])=0"


def unpriced(rows: str) -> str:
    """The condition that nobody knows what orders brought that meet criteria, if there are any."""
    return f"IF({UNPRICED},TRUE,{unsaid(rows, 'Orders[amount]')})"


TOO_LONG = f"OR({NONE},PeriodCount>{MOST_MONTHS})"
# Curves have nothing to show before a first month is over.
NOT_BEGUN = (
    f'IF(OR({TOO_LONG},{UNPRICED}),TRUE,DayAfter<IF(PeriodCode="M",'
    "EDATE(FirstOrderDay-DAY(FirstOrderDay)+1,1),INT(FirstOrderDay)+30))"
)
NO_COVER = 'CoveredFrom=""'
NO_MRR = "MrrDone=0"
NO_START, NO_LOSS = "MrrStarted=0", "MrrLost=0"
CURVE = (
    f'LTV_CURVE({EVERY_CUSTOMER},Orders[date],{VALUE},PeriodCode,{{0}},{MARGIN},DayAfter-1,"{{1}}")'
)


# Where the sheet Model has its tables: the first columns, counted from 0.
LONG = MOST_MONTHS + 10
CELLS, LISTED, PERIODS_AT = 11, 14, 17
MIX = Spill(
    "Channels by customers", 0,
    # What has neither customers nor spend stands for no spend at all: see SPENT.
    'CHANNEL_MIX(IF(CacNew+CacSpend=0,"",CacChannel),IF(CacNew+CacSpend=0,"",CacNew))',
    "CacDone=0", (KEY, COUNT, RATE), done="MixDone",
)  # fmt: skip
TO_COME = "Orders[date]>=DayAfter"
"""Orders whose day is after that of loading: their date is wrong."""

CACS = Spill(
    "Spend and new customers", 5,
    f'CAC_BY({SPENT},IF({TO_COME},"",{EVERY_CUSTOMER}),'
    f'IF(Orders[date]="","",IF({TO_COME},"",Orders[date])),IF({TO_COME},"",{FILLED_CHANNEL}))',
    TOO_LONG, (KEY, KEY, MONEY, COUNT, MONEY),
    ("CacChannel", "CacMonth", "CacSpend", "CacNew"), DEEP, "CacDone", whole=True,
)  # fmt: skip
ALL, OF_CHANNELS, COHORTS = (
    Spill(title, 22 + LONG * number, CURVE.format(channel, by), NOT_BEGUN, (KEY, COUNT, MONEY),
          names, reach, done, whole=by == "segment")
    for number, (title, channel, by, names, reach, done) in enumerate((
        ("LTV curve of all", "", "all", (), 0, "AllDone"),
        ("LTV curve by channel", CHANNEL, "segment", ("LtvChannel",), CHANNELS_KNOWN,
         "ChannelsDone"),
        ("LTV curve by cohort", "", "cohort", ("CohortLabel", "CohortSize"), 600, "CohortsDone"),
    ))
)  # fmt: skip
FIRST_MONTHS = Spill(
    "Revenue by cohort", COHORTS.column + LONG,
    # The blank amount of a single order would be an argument that is left out.
    f'COHORT({EVERY_CUSTOMER},Orders[date],IF(COUNTA(Orders[amount])=0,IF(Orders[customer]="","",0),'
    'Orders[amount]),"M","revenue",DayAfter-1)', TOO_LONG,
    (KEY, COUNT, MONEY),
    ("NewLabel", "NewSize", "NewRevenue", "NewAge1", "NewAge2", "NewAge3"), 600, "NewDone",
)  # fmt: skip
# A text among the numbers is another sheet's to tell.
NO_PAYMENTS = f"IF({SUBSCRIBERS.empty},TRUE,N(LastPayment)=0)"
MRR = Spill(
    "Recurring revenue", FIRST_MONTHS.column + LONG, f"MRR_MOVEMENTS({BILLED})", NO_PAYMENTS,
    (KEY, *[MONEY] * 7, COUNT),
    ("MrrMonth", "MrrStart", "MrrNew", "MrrMore", "MrrLess", "MrrChurn", "MrrBack", "MrrEnd",
     "MrrCustomers"), 600, "MrrDone",
)  # fmt: skip
LASTS = Spill(
    "Last payment of each", MRR.column + 10, f"RFM({PAYS})", NO_PAYMENTS,
    (KEY, DAYS, COUNT, MONEY, COUNT), ("Subscriber", "LastGap"), DEEP, "LastsDone",
)  # fmt: skip
FIRSTS = LASTS._replace(
    title="First payment of each", column=LASTS.column + 9, formula=f"RFM({BACKWARDS})",
    names=("", "FirstGap"), done="FirstsDone",
)  # fmt: skip
SURVIVAL = Spill(
    "Survival", FIRSTS.column + 9,
    f'SURVIVAL_CURVE({FIRST_PAID},{LEFT_ON},"M",{CUSTOMER_CHANNEL},LastPayment-DAY(LastPayment))',
    "IF(LastsDone*FirstsDone=0,TRUE,MrrMonths<2)", (KEY, COUNT, COUNT, COUNT, RATE),
    ("SurvivalChannel", "SurvivalAge", "SurvivalRisk", "", "SurvivalShare"), DEEP, "SurvivalDone",
)  # fmt: skip
SUBSCRIBED = Spill(
    "Subscribers by channel", SURVIVAL.column + 8,
    'CHANNEL_MIX(IF(SurvivalChannel="","",SurvivalChannel),IF(SurvivalChannel="","",'
    "IF(SurvivalAge=0,SurvivalRisk,0)))", "SurvivalDone=0", (KEY, COUNT, RATE),
)  # fmt: skip
RISKS = Spill(
    "Customers who have reached an age", SUBSCRIBED.column + 5,
    f"RETENTION_CURVE({EVERY_CUSTOMER},Orders[date],PeriodCode,DayAfter-1,{CHANNEL})", NOT_BEGUN,
    (KEY, COUNT, COUNT, COUNT, RATE), ("RiskChannel", "RiskAge", "RiskCount"), DEEP, "RisksDone",
    whole=True,
)  # fmt: skip
SPILLS = (MIX, CACS, ALL, OF_CHANNELS, COHORTS, FIRST_MONTHS, MRR, LASTS, FIRSTS, SURVIVAL,
          SUBSCRIBED, RISKS)  # fmt: skip
"""The tables of the sheet Model. Who asks for the columns of one asks whether it is done, too, so
that it is computed first."""

DRAWN = RISKS.column + 7
SURVIVAL_DRAWN = DRAWN + 2 * AGES + 12
REACHED = SURVIVAL_DRAWN + 30
THEN = REACHED + AGES + 3
GAPS_AT = THEN + AGES + 3

# Settings and figures

FIRST_ORDER, FIRST, LAST, NOT_DIRECT, SEGMENT = RULES = (
    "that of the first order",
    "the first touch",
    "the last touch",
    "the last touch that is not direct",
    "the segment of the first order",
)
SETTINGS = (
    Setting("GrossMargin", "Gross margin", 0.4, RATE, "Of revenue, where orders have no cost",
            most=1.0),
    Setting("Horizon", "LTV after", 12, WHOLE, "Months that count in LTV : CAC", most=AGES),
    Setting("Period", "Month", "Calendar month", TEXT, "30 days: since the first order",
            ("Calendar month", "30 days"), codes=("M", "30D")),
    Setting("ChannelRule", "A customer's channel", FIRST_ORDER, TEXT,
            "Touches: the sheet {Touches}", RULES, translated=True),
    Setting("LookBack", "Touches count for", 30, WHOLE, "Days before the order"),
    ADDRESSES,
)  # fmt: skip
RANGE_SETTINGS = (
    Setting("CompareMonths", "Months compared", 3, WHOLE, "1, 3 or 12, up to the next date",
            ("1", "3", "12")),
    Setting("CompareUntil", "Compared until", "", DATE, "Blank: the last month that has ended"),
)  # fmt: skip

SOLD = 'SUM(Orders[amount])-SUMIFS(Orders[amount],Orders[date],">="&DayAfter)'
FIGURES = {
    "Customers and cost": (
        Figure("CustomerCount", "Customers",
               '=IF(AllDone=1,AllCustomers,IF(NewDone=1,SUM(NewSize),""))', COUNT,
               "With an order or a return"),
        Figure("Revenue", "Revenue", blank_if(UNPRICED, SOLD), MONEY, "Returns taken off"),
        Figure("SpendTotal", "Spend", blank_if("COUNT(Spend[spend])=0", "SUM(Spend[spend])"), MONEY,
               "All channels and months"),
        Figure("BlendedCac", "Customer acquisition cost",
               blank_if(f"IF({NO_COVER},TRUE,CoveredNew=0)", "CAC(CoveredSpend,CoveredNew)"), MONEY,
               "Of whole months with orders and spend"),
    ),
    "Value and payback": (
        Figure("LtvHorizon", "LTV of a customer", blank_if(NONE, "LtvAtHorizon"), MONEY,
               "Margin, after the months set",
               ('IF(AllDone=1,LtvAtHorizon="",FALSE)', "Fewer than ten are customers for so long")),
        Figure("LtvCac", "LTV : CAC",
               blank_if(f"IF(COUNT(LtvHorizon)=0,TRUE,IF(CoveredNew<{FEW},TRUE,N(BlendedCac)<=0))",
                        "CLV_CAC(LtvHorizon,BlendedCac)"),
               RATIO, "3 is a rule of thumb"),
        Figure("Payback", "Payback period", "=AllPayback", WHOLE,
               "Months until the CAC is back"),
        Figure("MarginShare", "Margin", "=MarginOfRevenue", RATE, "Of revenue, all orders"),
    ),
    "The whole business": (
        Figure("Efficiency", "MER",
               blank_if('IF(CoveredRevenue="",TRUE,CoveredSpend<=0)',
                        "MER(CoveredRevenue,CoveredSpend)"),
               RATIO, "Revenue / spend: blended ROAS"),
        Figure("NewShare", "New customers' revenue",
               blank_if("IF(NewDone=0,TRUE,IF(N(Revenue)<=0,TRUE,SUM(NewRevenue)>Revenue))",
                        "REVENUE_CONTRIBUTION(SUM(NewRevenue),Revenue)"), RATE,
               "Share, in their first month"),
        Figure("BreakEven", "Break-even ROAS",
               blank_if("N(MarginShare)<=0", "BREAKEVEN_ROAS(MarginShare)"), RATIO,
               "1 / margin"),
    ),
}  # fmt: skip

COMPARED_FIGURES = (
    Figure("TileNew", "New customers", "", COUNT, ""),
    Figure("TileCac", "Customer acquisition cost", "", MONEY, ""),
    Figure("TileMer", "MER", "", RATIO, ""),
)
COMPARED_TILES = (
    Tile("TileNew", "higher", "new customers"),
    Tile("TileCac", "lower", "CAC"),
    Tile("TileMer", "higher", "MER"),
)
"""The tiles of the months compared; their courses are called as in the table of these."""
TILES = (
    *COMPARED_TILES,
    *(Tile(name, compared=False, note="Over all months")
      for name in ("LtvHorizon", "LtvCac", "Payback")),
)  # fmt: skip
COURSE = 12  # months of it

WHAT_IF = (
    Setting("MarginChange", "Margin", 0.1, RATE, "10% more of it: from 40% to 44%, say",
            least=-1.0, most=10.0),
    Setting("CacChange", "Customer acquisition cost", -0.1, RATE,
            "Less of it is below 0, as in -10%", least=-1.0, most=10.0),
    Setting("RetentionChange", "Later purchases", 0.1, RATE,
            "10% more of what customers bring after their first month", least=-1.0, most=10.0),
)  # fmt: skip

MRR_FIGURES = (
    Figure("CurrentMrr", "Recurring revenue now", blank_if(NO_MRR, "INDEX(MrrEnd,MrrMonths)"),
           MONEY, "MRR of the last month"),
    Figure("CurrentSubscribers", "Subscribers now",
           blank_if(NO_MRR, "INDEX(MrrCustomers,MrrMonths)"), COUNT, "Who pay in it"),
    Figure("MeanQuick", "Quick ratio",
           blank_if(NO_LOSS,
                    "QUICK_RATIO(SUM(MrrNew)+SUM(MrrBack)-INDEX(MrrNew,1),SUM(MrrMore),"
                    "SUM(MrrLess),SUM(MrrChurn))"), RATIO, "Won / lost, after the first month"),
    Figure("MeanGrr", "Revenue kept (GRR)",
           blank_if(NO_START, "GRR(SUM(MrrStart),SUM(MrrLess),SUM(MrrChurn))"), RATE,
           "A month, expansion left out"),
    Figure("MeanNrr", "Net revenue kept (NRR)",
           blank_if(NO_START,
                    "NRR(SUM(MrrStart),SUM(MrrLess),SUM(MrrChurn),SUM(MrrMore))"), RATE,
           "A month, with expansion"),
)  # fmt: skip

AGREEMENTS = (
    Agreement("Customers, summed over channels and months", blank_if("CacDone=0", "CustomerCount"),
              blank_if("CacDone=0", "SUM(CacNew)"), COUNT),
    Agreement("Customers, summed over cohorts", blank_if("NewDone=0", "CustomerCount"),
              blank_if("NewDone=0", "SUM(NewSize)"), COUNT),
    Agreement("Spend, summed over channels and months", blank_if("CacDone=0", "SUM(CacSpend)"),
              blank_if("CacDone=0", "SUM(Spend[spend])"), MONEY),
    Agreement("Revenue, summed over cohorts", blank_if("NewDone=0", "SUM(CohortRevenue)"),
              blank_if("NewDone=0", SOLD), MONEY),
    Agreement("Customer acquisition cost", "=BlendedCac",
              blank_if(f"IF({NO_COVER},TRUE,CoveredNew=0)",
                       "SUMPRODUCT((Spend[month]>=CoveredFrom)*(Spend[month]<EDATE(CoveredUntil,1))"
                       "*Spend[spend])/CoveredNew"), MONEY),
    Agreement("LTV in the first month, from cohorts' revenue",
              blank_if('FirstMonthLtv=""', "INDEX(AllLtv,1)"), "=FirstMonthLtv", MONEY),
    Agreement("LTV after 3 months, from cohorts' revenue",
              blank_if('ThirdMonthLtv=""', "INDEX(AllLtv,4)"), "=ThirdMonthLtv", MONEY),
    Agreement("Payback period", "=Payback",
              "=FoundPayback", PERIODS),
    Agreement("LTV : CAC", "=LtvCac",
              blank_if('LtvCac=""', "LtvHorizon/(CoveredSpend/CoveredNew)"), RATIO),
    Agreement("MER", "=Efficiency",
              blank_if('Efficiency=""', "CoveredRevenue/CoveredSpend"), RATIO),
    Agreement("Recurring revenue now", "=CurrentMrr",
              blank_if(NO_MRR, "SUMIFS(Subscribers[amount],Subscribers[month],"
                               '">="&LastPayment-DAY(LastPayment)+1,'
                               'Subscribers[month],"<"&PaidBefore)'), MONEY),
    Agreement("Net revenue kept (NRR)", "=MeanNrr",
              blank_if(NO_START,
                       "1+(SUM(MrrMore)-SUM(MrrLess)-SUM(MrrChurn))/SUM(MrrStart)"), RATE),
    Agreement("Quick ratio", "=MeanQuick",
              blank_if(NO_LOSS,
                       "(SUM(MrrNew)+SUM(MrrBack)-INDEX(MrrNew,1)+SUM(MrrMore))"
                       "/(SUM(MrrLess)+SUM(MrrChurn))"), RATIO),
)  # fmt: skip


PROBLEMS = (
    *NOT_KNOWN,
    Problem("Orders years apart from all others",
            f"=IF({NONE},0,IF(PeriodCount>{MOST_MONTHS},1,0))",
            FARTHEST_DAY,
            f"Over {MOST_MONTHS} months there are no curves: correct the date."),
    Problem("Orders after the day of loading",
            f"=IF({NONE},0,COUNTIFS(Orders[date],\">=\"&DayAfter))",
            f"={HEADER_ROW}+MATCH(MAX(Orders[date]),Orders[date],0)",
            "They count nowhere: their day is after that of loading, in Sources. Correct the"
            " date."),
    NO_AMOUNT,
    UNDONE_ORDERS,
    Problem("Orders with a cost, and others without",
            "=IF(COUNT(Orders[cost])=0,0,COUNTIFS(Orders[cost],\"\",Orders[date],\"<>\"))", "",
            "Those without have the margin set on the sheet {Summary}."),
    Problem("Spend without a channel", *where(SPEND, '(Spend[month]<>"")*(Spend[channel]="")'),
            "It counts in the whole, and in no channel: name the channel."),
    *spend_gaps(SPEND, "Give the month: until then the sheet {Channels} shows an error."),
    Problem("Months with orders of new customers, and no spend", "=MonthsWithoutSpend", "",
            "Their customers are in no CAC: add what these months cost, 0 if nothing."),
    Problem("Channels and months that are more than the sheets take", "=TablesCut", "",
            "Until there are fewer names of channels, nothing is shown of them."),
    Problem("Touches without a customer or a day",
            *where(TOUCHES, '((Touches[customer]="")+(Touches[date]="")=1)*1'),
            "Fill them in, or delete the row: until then the tables show an error."),
    Problem("Recurring revenue without a customer",
            *where(SUBSCRIBERS, '(Subscribers[customer]="")*(Subscribers[month]<>"")'),
            "Name the customer, or delete the row: until then the tables show an error."),
    Problem("Recurring revenue without a month",
            *where(SUBSCRIBERS, '(Subscribers[month]="")*(Subscribers[customer]<>"")'),
            "Give the month, or delete the row: until then it is in no figure, or the tables show"
            " an error."),
    Problem("Recurring revenue below 0", *where(SUBSCRIBERS, "(Subscribers[amount]<0)*1"),
            "It is taken off what the customer pays in that month. Where less than 0 is left,"
            " the tables show an error: take it off the month that it belongs to."),
)  # fmt: skip


def write(book: Book) -> None:
    """Write the sheets for people, Checks and Model."""
    # The channels first: the curves stand beside them, and the summary shows both.
    model(book.pages["Model"])
    channels = channel_table(book.pages["Channels"])
    curves = ltv_curves(book.pages["LTV curve"], channels)
    summary(book.pages["Summary"], channels)
    channel_charts(book.pages["Channels"], channels)
    drawn(book.pages["Model"], curves, channels)
    blended(book.pages["Blended"])
    subscriptions(book.pages["Subscriptions"])
    what_if(book.pages["What if"], channels, curves)
    checks(book.pages["Checks"], AGREEMENTS, PROBLEMS)


# What channels cost and bring

WHOLE_NAME = '"All"'  # stands where another row has the name of its channel


def of_rows(page: Page) -> list[dict[str, str]]:
    """What gives each row of channels its figures: the whole first, then the channels by size."""
    everything = {
        "name": WHOLE_NAME, "shown": page.book.phrase("All"), "count": "CustomerCount",
        "spent": "N(CoveredSpend)", "gained": "N(CoveredNew)",
        "paid": "COUNT(Spend[spend])", "position": "1",
    }  # fmt: skip
    rows = [everything]
    source = page.book.pages["Model"]
    unknown = page.book.phrase("(unknown)")
    for number in range(ROOM):
        name = source.at(TOP + 1 + number, LISTED)
        mine = f"(CacChannel={name})*{COVERED}"
        rows.append({
            "name": name,
            "shown": f'IF({name}="{UNKNOWN}",{unknown},{name})',
            "count": f"N({source.at(TOP + 1 + number, MIX.column + 1)})",
            "spent": f"IF({NO_COVER},0,SUMPRODUCT({mine}*CacSpend))",
            "gained": f"IF({NO_COVER},0,SUMPRODUCT({mine}*CacNew))",
            # Over the table, not over what is computed from it: see `first_of`.
            "paid": f'IF({name}="{UNKNOWN}",0,SUMPRODUCT((Spend[spend]<>"")*('
            f'(TRIM(Spend[channel])=TRIM({name}))+({name}="direct")*('
            '(TRIM(Spend[channel])="(direct)")+(TRIM(Spend[channel])="(direct) / (none)")))))',
            "position": source.at(TOP + 1 + number, LISTED + 1),
        })  # fmt: skip
    return rows


AFTER = (3, 6, 12)


def at_horizon(ages: str, row: str, first: str = "") -> str:
    """The LTV of a row of channels, 1 for the whole, at the age set; "" of fewer than ten so old.

    `first` is before the column where `ages` are the cells of several rows.
    """
    age = f"MIN(Horizon,{AGES})+1"
    return f'IF(INDEX(Reached,{row},{age})<{FEW},"",INDEX({ages},{first}{age}))'


BLANK_ROW = '{name}=""'
WORDS = {
    "none": "no customers in these months",
    "unknown": "no channel, so that only the whole has a CAC",
    "free": "no spend known: a row of 0, if it costs nothing",
    "few": "too few customers to tell",
    "at once": "within the first month",
    "one": "after 1 month",
    "many": "after {n} months",
    "none over": "not yet: no month is over",
    "not at once": "not within the first month",
    "not in one": "not within 1 month",
    "not yet": "not within {n} months",
}
"""When the cost of a customer is back, or why nobody can tell."""
WHEN_BACK = (
    f'IF(TablesCut>0,"",IF({{name}}="{UNKNOWN}",{{say unknown}},IF({{paid}}=0,{{say free}},'
    f"IF({{so old 0}}=0,{{say none over}},IF({{new in months with spend}}=0,{{say none}},"
    f"IF(MIN({{new in months with spend}},{{so old 0}})<{FEW},{{say few}},"
    'IF({payback}="",IF(N({months known})=0,{say not at once},IF({months known}=1,{say not in one},'
    'SUBSTITUTE({say not yet},"{n}",{months known}))),'
    "IF({payback}=0,{say at once},IF({payback}=1,{say one},"
    'SUBSTITUTE({say many},"{n}",{payback}))))))))))'
)
CHANNELS = (
    Measure("channel", "{shown}", KEY, look={**NAME, "shrink": True}),
    Measure("customers", "{count}", COUNT),
    Measure("share", "{customers}/CustomerCount", RATE, "N(CustomerCount)", bars=True,
            of="CustomerCount"),
    Measure("spend", "{spent}", MONEY, blank='IF({name}="",TRUE,{paid}=0)'),
    Measure("new in months with spend", "{gained}", COUNT),
    Measure("CAC", "CAC({spend},{new in months with spend})", MONEY, best="low",
            of="new in months with spend",
            blank='IF({name}="",TRUE,IF({paid}=0,TRUE,{new in months with spend}=0))'),
    *(Measure(f"LTV after {age} months", f"{{age {age}}}", MONEY,
              blank=f'IF({{name}}="",TRUE,IF({{so old {age}}}<{FEW},TRUE,'
                    f"ISNUMBER({{age {age}}})=FALSE))") for age in AFTER),
    Measure("LTV : CAC", "CLV_CAC({at horizon},{CAC})", RATIO, best="high",
            of="new in months with spend",
            blank='IF({name}="",TRUE,IF({CAC}="",TRUE,IF({new in months with spend}<'
                  f"{FEW},TRUE,IF(ISNUMBER({{at horizon}}),{{CAC}}<=0,TRUE))))"),
    Measure("months known", "{months}", WHOLE, blank=BLANK_ROW),
    Measure("payback period", "{payback}", WHOLE, blank='{payback}=""', best="low",
            of="new in months with spend"),
    Measure("when the CAC is back", WHEN_BACK, TEXT, look=BEHIND),
)  # fmt: skip


def curve_grid(page: Page) -> Grid:
    """Where the sheet of curves has the channels' ages."""
    return Grid(page, TOP, 0, CURVES, 1 + ROOM)


def channel_table(page: Page) -> Grid:
    """What each channel costs and brings, and when the cost is back."""
    lead = "★ is the best of a column, ▼ the worst, of channels with ten customers at least."
    lay_out(page, "Channels", lead, ((1, 24), (11, 12), (1, 40)), frozen=(TOP + 1, 1))
    widen(page, 12, 40, (page.book.say(text, n=AGES) for text in WORDS.values()))
    curves = curve_grid(page.book.pages["LTV curve"])
    source = page.book.pages["Model"]
    phrases = {f"say {key}": page.book.phrase(text, n="{n}") for key, text in WORDS.items()}
    rows = []
    for number, row in enumerate(of_rows(page), start=1):
        ages = ages_of(curves, number)
        rows.append(row | phrases | {f"age {age}": curves.at(str(age), number) for age in AFTER} | {
            "payback": curves.at("payback", number),
            "at horizon": at_horizon(ages, str(number)),
            "months": source.at(TOP + number, DRAWN + 1 + AGES),
        } | {
            f"so old {age}": source.at(TOP + number, REACHED + age) for age in (0, *AFTER)
        })  # fmt: skip
    whole = put_grid(page, TOP, CHANNELS, rows[:1], blank=BLANK_ROW, look={"bold": True}, deep=46)
    put_grid(page, whole.last, CHANNELS, rows[1:], blank=BLANK_ROW, titled=False)
    warn_of_more(page, 3, page.book.at("Model", TOP + 1, MIX.column, TOP + 2000, MIX.column),
                 ROOM, "ChannelsCut")  # fmt: skip
    return Grid(page, TOP, 0, CHANNELS, 1 + ROOM)


def channel_charts(page: Page, table: Grid) -> None:
    """What a customer of each channel costs and brings."""
    row = table.last + 2
    chart(page, "column", "LTV after 12 months against CAC", table,
          [("LTV after 12 months", BLUE), ("CAC", ORANGE)], (row, 0, 900, 360),
          unit=LARGE)  # fmt: skip
    page.sheet.print_area(0, 0, row + 19, 12)


# Curves

AGE_NAMES = tuple(Proper(age) for age in range(AGES + 1))
CURVES = (
    Measure("channel", "{shown}", KEY, look={**NAME, "shrink": True}),
    Measure("customers", "{customers of it}", COUNT),
    Measure("CAC", "{its CAC}", MONEY, blank='IF({name}="",TRUE,{its CAC}="")'),
    Measure("payback", "PAYBACK_PERIOD({CAC},{all drawn})", WHOLE,
            blank=f'IF({{CAC}}="",TRUE,IF(MIN({{won}},{{reached 0}})<{FEW},TRUE,'
                  "MAX({all drawn})<{CAC}))"),
    *(Measure(age, f"{{value {age}}}", LARGE, blank=f'IF({{name}}="",TRUE,{{reached {age}}}=0)')
      for age in AGE_NAMES),
)  # fmt: skip
OLDER = "12*(YEAR(EndedMonth)-LEFT({name},4))+MONTH(EndedMonth)-RIGHT({name},2)"
"""The last age that a cohort of calendar months has reached."""
ROLLED = "EDATE(DATE(LEFT({name},4),RIGHT({name},2),1),1)-1"
"""The last day on which customers of a cohort may have come: their thirty days end last."""
COHORT_CURVES = (
    Measure("cohort", "INDEX(CohortLabel,{pos})", KEY, blank="{number}>CohortCount", look=NAME),
    Measure("customers", "INDEX(CohortSize,{pos})", COUNT),
    Measure("CAC", "CAC(SUMPRODUCT((CacMonth={$cohort})*CacSpend),"
            "SUMPRODUCT((CacMonth={$cohort})*CacNew))", MONEY,
            blank='IF({$cohort}="",TRUE,IF({no cover},TRUE,IF({$cohort}<CoveredFromText,TRUE,'
                  "IF({$cohort}>CoveredUntilText,TRUE,ISNUMBER(MATCH({$cohort},GapLabel,0))))))"),
    Measure("payback", "PAYBACK_PERIOD({CAC},{all ages})", WHOLE,
            blank=f'IF({{CAC}}="",TRUE,IF({{customers}}<{FEW},TRUE,MAX({{all ages}})<{{CAC}}))'),
    *(Measure(age, f"{{value {age}}}", LARGE,
              blank=f'IF({{name}}="",TRUE,IF(PeriodCode="M",{age}>{OLDER},'
                  f"{ROLLED}+{30 * (int(age) + 1)}>DayAfter))")
      for age in AGE_NAMES),
)  # fmt: skip


def ltv_curves(page: Page, channels: Grid) -> Grid:
    """What a customer has brought by each age: by channel, and by cohort."""
    lead = (
        "Margin per customer, summed up to each month after the first order (0: the first month),"
        " against what a new customer cost. Only who has been a customer so long counts; grey:"
        " fewer than ten."
    )
    lay_out(page, "LTV curve", lead, ((1, 24), (3, 11), (AGES + 1, 7)), frozen=(TOP + 1, 1))
    source = page.book.pages["Model"]
    grid = curve_grid(page)
    rows = []
    for number, row in enumerate(of_rows(page), start=1):
        spill = ALL if number == 1 else OF_CHANNELS
        columns = [spill.column + 2 + age for age in range(AGES + 1)]
        values = {
            f"value {age}": f'IF(AllDone=0,"",{source.at(TOP + 1, column)})' if number == 1 else
            f"INDEX({source.at(TOP + 1, column, TOP + 2000, column)},{row['position']})"
            for age, column in enumerate(columns)
        }  # fmt: skip
        reached = {f"reached {age}": source.at(TOP + number, REACHED + age)
                   for age in range(AGES + 1)}  # fmt: skip
        rows.append(row | values | reached | {
            "all drawn": drawn_of(source, number),
            "customers of it": channels.at("customers", number),
            "won": channels.at("new in months with spend", number),
            "its CAC": channels.at("CAC", number),
            "all ages": ages_of(grid, number),
        })  # fmt: skip
    section(page, TOP - 1, 0, AGES + 4, "By channel")
    put_grid(page, TOP, CURVES, rows, blank=BLANK_ROW)
    cells = (*grid.place("0", 1), *grid.place(str(AGES), grid.size))
    few = f"INDEX(Reached,ROW()-{TOP + 1},COLUMN()-4)<{FEW}"
    page.mark(cells, few, {"italic": True, "font_color": MUTED}, stop_if_true=True)
    heat_of(page, grid)
    page.define("AllCurve", *grid.place("0", 1), *grid.place(str(AGES), 1))
    page.define("AllPayback", *grid.place("payback", 1))
    top = grid.last + 2
    for number in range(1 + SHOWN_CURVES):
        add_curve(page, number, (top + 16 * (number // 3), (0, 5, 14)[number % 3], 460, 310))
    cohort_curves(page, top + 34)
    return grid


def cohort_curves(page: Page, top: int) -> None:
    """What a customer of each cohort has brought by each age."""
    source = page.book.pages["Model"]
    section(page, top - 1, 0, AGES + 4, "By cohort: the month of the first order")
    cohorts = Grid(page, top, 0, COHORT_CURVES, COHORT_ROOM)
    block = (TOP + 1, TOP + 600)
    rows = []
    for number in range(1, COHORT_ROOM + 1):
        position = f"{number}+MAX(0,CohortCount-{COHORT_ROOM})"
        columns = [COHORTS.column + 2 + age for age in range(AGES + 1)]
        name = xl_rowcol_to_cell(*cohorts.place("cohort", number), col_abs=True)
        rows.append({
            f"value {age}": f"INDEX({source.at(block[0], column, block[1], column)},{position})"
            for age, column in enumerate(columns)
        } | {"pos": position, "no cover": NO_COVER, "all ages": ages_of(cohorts, number),
             "name": name})  # fmt: skip
    put_grid(page, top, COHORT_CURVES, rows, blank='{name}=""')
    heat_of(page, cohorts)
    page.sheet.print_area(0, 0, cohorts.last + 1, AGES + 4)


def ages_of(grid: Grid, number: int) -> str:
    """The address of a row's ages."""
    return grid.page.at(*grid.place("0", number), *grid.place(str(AGES), number))


def heat_of(page: Page, grid: Grid) -> None:
    """The ages of a table of curves, with a wash where the cost is back, and a sign of it."""
    first, last = grid.place("0", 1), grid.place(str(AGES), grid.size)
    cell = xl_rowcol_to_cell(*first)
    cac = xl_rowcol_to_cell(*grid.place("CAC", 1), col_abs=True)
    back = xl_rowcol_to_cell(*grid.place("payback", 1), col_abs=True)
    age = xl_rowcol_to_cell(grid.top, first[1], row_abs=True)
    for rule, look in (
        (
            f'AND(ISNUMBER({back}),ISNUMBER({cell}),{age}&""={back}&"")',
            {"bold": True, "font_color": "#00523B", "bg_color": "#9FD8C2"},
        ),
        (f"AND(ISNUMBER({cac}),ISNUMBER({cell}),{cell}>={cac})", {"bg_color": "#D9F0E8"}),
        (f"AND(ISNUMBER({cac}),ISNUMBER({cell}),{cell}<{cac})", {"bg_color": "#FBE9DC"}),
    ):
        page.mark((*first, *last), rule, look, stop_if_true=True)


def add_curve(page: Page, number: int, place: tuple[int, int, int, int]) -> None:
    """The chart of a row of channels: its curve, its CAC, the month in which this is back."""
    source, row = page.book.pages["Model"], TOP + 1 + number

    def points(first: int, last: int) -> tuple[Page, int, int, int, int]:
        return source, row, first, row, last

    x, y = DRAWN + 1, DRAWN + 2 + AGES
    cost = y + AGES + 1
    draw_curves(page, f"={source.at(row, DRAWN)}",
        [Curve("LTV", points(x, x + AGES), points(y, y + AGES), BLUE),
         Curve("CAC", points(cost, cost + 1), points(cost + 2, cost + 3), ORANGE, "dashed"),
         Curve("CAC is back", points(cost + 4, cost + 4), points(cost + 5, cost + 5), GREEN,
               "mark")], place, about="LTV and CAC, month by month",
        unit=LARGE)  # fmt: skip


def drawn(page: Page, curves: Grid, channels: Grid) -> None:
    """What the charts of curves draw: points beyond the last known one are that one again.

    Below 0 a point is out of sight.
    """
    page.write(TOP - 1, DRAWN, "What charts draw", page.styles.heading())
    page.write(TOP - 1, THEN, "What if", page.styles.heading())
    style = page.styles.lead()
    for number in range(1, curves.size + 1):
        row, ages = TOP + number, ages_of(curves, number)
        sure = reached_by(page, number)
        known, many = (f"SUMPRODUCT(({sure}>={least})*1)" for least in (1, FEW))
        last = f"IF({many}>0,{many},{known})-1"
        name, payback = channels.at("channel", number), channels.at("when the CAC is back", number)
        page.put(row, DRAWN, f'=IF({name}="","",{name}&": "&{payback})', style)
        for age in range(AGES + 1):
            at = xl_rowcol_to_cell(row, DRAWN + 1 + age)
            page.put(row, DRAWN + 1 + age, f"=MAX(0,MIN({age},{last}))", style)
            value = f"=IF({last}<0,0,INDEX({ages},{at}+1))"
            page.put(row, DRAWN + 2 + AGES + age, value, style)
            first, one = (xl_rowcol_to_cell(row, DRAWN + 2 + AGES + n) for n in (0, age))
            then = f"=({first}+({one}-{first})*(1+RetentionChange))*(1+MarginChange)"
            page.put(row, THEN + age, then, style)
        cost, back = curves.at("CAC", number), curves.at("payback", number)
        place = DRAWN + 3 + 2 * AGES
        none, value = f'IF({known}=0,TRUE,{cost}="")', f"INDEX({ages},{back}+1)"
        for formula in (f"=0*{known}", f"=IF({none},0,{last})",
                        *[f"=IF({none},0,{cost})"] * 2,
                        f'=IF({known}=0,0,IF({back}="",-1,{back}))',
                        f'=IF({known}=0,0,IF({back}="",-1,{value}))'):  # fmt: skip
            page.put(row, place, formula, style)
            place += 1


# The sheet Model

UNTIL_LOADED = (
    '_xlfn.MAXIFS(Orders[date],Orders[date],"<"&INT(MAX(Sources[loaded]))+1)'  # 0: there is none
)


def first_of(names: str, name: str) -> str:
    """Where a name is first among names.

    As an array, MATCH would take a name with a tilde, too, but LibreOffice computes arrays anew
    on opening, and shows #NAME? in all that depends on them where kpi_xl is not there.
    """
    return f"_xlfn.XMATCH({name},{names})"


LISTED_NAMES = (
    Measure(Proper("name"), "{listed}", KEY, blank='IF(MixDone=0,TRUE,{listed}="")'),
    Measure(Proper("position"), first_of("LtvChannel", "{name}"), WHOLE,
            blank='IF({name}="",TRUE,N({won})*ChannelsDone=0)'),
)  # fmt: skip


PAID_ROWS = f'COUNTIFS({within("Spend[month]", "{month}")},Spend[spend],"<>")'
"""How many rows of spend a month has: without one it is unknown, a row with 0 is 0."""


def spans(column: str, start: str, until: str) -> str:
    """The criteria of SUMIFS for days from the first of a month to the end of another."""
    return f'{column},">="&{start},{column},"<"&EDATE({until},1)'


COVER = "CoveredFrom", "CoveredUntil"
ALL_AT_HORIZON = at_horizon("AllCurve", "1")


def ends_of(which: str) -> str:
    """The first days of the first or the last months of orders and spend."""
    return ",".join(month_of(f"{which}({column})") for column in ("Orders[date]", "Spend[month]"))


NO_SPEND_OR_ORDERS = f"IF(CacDone=0,TRUE,{SPEND.empty})"
# A month that is not over has spend whose customers are still to come.
KNOWN_FROM, KNOWN_UNTIL = f"MAX({ends_of('MIN')})", f"MIN({ends_of('MAX')},EndedMonth)"
MONTH_AFTER = month_of("(LastOrderDay+1)")
IN_FIRST, IN_FOURTH = (f'(NewLabel<={name})*(NewLabel<>"")' for name in ("EndedText", "FourthText"))
NO_NATIVE = f'IF(OR(NewDone=0,{UNPRICED}),TRUE,IF(CostsKnown>0,TRUE,PeriodCode<>"M"))'
BROUGHT = "+".join(f'SUM(IF({IN_FOURTH}*(NewAge{age}<>""),NewAge{age},0))' for age in range(4))
OUTSIDE = f'(NewLabel<>"")*(NewLabel<=EndedText)*(1-{COVERED.replace("CacMonth", "NewLabel")})'
DAYS_KNOWN = (
    Basis("FirstOrderDay", blank_if(NONE, "MIN(Orders[date])"), DATE),
    # The last order that is not after the day of loading, where any is known.
    Basis("LoadedUntil",
          blank_if(NONE, f"IF(COUNT(Sources[loaded])=0,MAX(Orders[date]),{UNTIL_LOADED})"), DATE),
    Basis("LastOrderDay",
          blank_if(NONE, "IF(N(LoadedUntil)=0,MAX(Orders[date]),LoadedUntil)"), DATE),
    Basis("DayAfter", blank_if(NONE, "INT(LastOrderDay)+1"), DATE),
    Basis("CostsKnown", "=COUNT(Orders[cost])", COUNT),
)  # fmt: skip
NO_ROW_PAID = f"IF({SUBSCRIBERS.empty},TRUE,N(NewestPayment)=0)"
PAYMENT_OF = '_xlfn.{}IFS(Subscribers[month],Subscribers[amount],">0"{})'
# Where nobody has paid so late in the month as in the one before, and there are days of it to come,
# more are expected to pay in it; not where the file is from a day after it.
PAYMENTS = (
    Basis("FirstPayment", blank_if(SUBSCRIBERS.empty, PAYMENT_OF.format("MIN", "")), DATE),
    Basis("NewestPayment", blank_if(SUBSCRIBERS.empty, PAYMENT_OF.format("MAX", "")), DATE),
    Basis("PaymentBefore", blank_if(NO_ROW_PAID, PAYMENT_OF.format(
        "MAX", ',Subscribers[month],"<"&' + month_of("NewestPayment"))), DATE),
    Basis("PaidBefore", blank_if(NO_ROW_PAID,
          "IF(IF(PaymentBefore=0,FALSE,AND(DAY(PaymentBefore)>DAY(NewestPayment),"
          "NewestPayment<EOMONTH(NewestPayment,0)-6,MAX(Sources[loaded])<EOMONTH(NewestPayment,0)+1"
          f")),{month_of('NewestPayment')},{LAST_OF_ALL})"), DATE),
    Basis("LastPayment", blank_if(NO_ROW_PAID,
          "IF(PaidBefore>NewestPayment,NewestPayment,PaymentBefore)"), DATE),
)  # fmt: skip
MONTHS_KNOWN = (
    Basis("PeriodCount", f"=IF({NONE},0,(LastOrderDay-FirstOrderDay)/30.4375)", COUNT),
    Basis("EndedMonth", blank_if(NONE, f"EDATE({MONTH_AFTER},-1)"), MONTH),
    Basis("EndedText", blank_if(NONE, named_month("EndedMonth")), TEXT),
    Basis("KnownFrom",
          blank_if(NO_SPEND_OR_ORDERS, f'IF({KNOWN_FROM}>{KNOWN_UNTIL},"",{KNOWN_FROM})'), MONTH),
    Basis("KnownUntil", blank_if('KnownFrom=""', KNOWN_UNTIL), MONTH),
    Basis("CoveredFrom", blank_if(f"COUNT(GapDay)>{GAP_ROOM}", "KnownFrom"), MONTH),
    Basis("CoveredUntil", blank_if(NO_COVER, "KnownUntil"), MONTH),
    Basis("CoveredFromText", blank_if(NO_COVER, named_month("CoveredFrom")), TEXT),
    Basis("CoveredUntilText", blank_if(NO_COVER, named_month("CoveredUntil")), TEXT),
    Basis("CoveredSpend",
          blank_if(NO_COVER, f"SUMIFS(Spend[spend],{spans('Spend[month]', *COVER)})"), MONEY),
    Basis("CoveredNew", blank_if(NO_COVER, f"SUMPRODUCT({COVERED}*CacNew)"), COUNT),
    Basis("CoveredRevenue",
          blank_if(f"OR({NO_COVER},{UNPRICED})",
                   f"SUMIFS(Orders[amount],{spans('Orders[date]', *COVER)})-SUM(GapRevenue)"),
          MONEY),
    Basis("MarginOfRevenue",
          blank_if("SUM(Orders[amount])<=0",
                   f"IF(CostsKnown=0,GrossMargin,SUM({VALUE})/SUM(Orders[amount]))"), RATE,
          array=True),
    Basis("FourthText", blank_if(NONE, named_month(f"EDATE({MONTH_AFTER},-4)")), TEXT),
)  # fmt: skip
MONTHS_COMPARED = (
    Basis(
        "TileUntil",
        blank_if(
            NONE,
            f'IF(CompareUntil="",EDATE({MONTH_AFTER},-1),'
            f"MIN({month_of('CompareUntil')},{month_of('LastOrderDay')}))",
        ),
        MONTH,
    ),
    Basis("TileFrom", blank_if(NONE, "EDATE(TileUntil,1-CompareMonths)"), DATE),
    Basis("TileEnd", blank_if(NONE, "EOMONTH(TileUntil,0)"), DATE),
    # A month that the data do not fill is not compared.
    Basis("Comparing", f"=IF({NONE},0,IF(TileUntil>EndedMonth,0,1))", COUNT),
    Basis("ComparedFrom", blank_if(NONE, "EDATE(TileFrom,-CompareMonths)"), DATE),
    Basis("ComparedUntil", blank_if(NONE, "TileFrom-1"), DATE),
)
WORTH = (
    Basis("MonthsWithoutSpend",
          f"=IF({NO_COVER},COUNT(GapDay),IF(NewDone=0,0,SUMPRODUCT({OUTSIDE})))", COUNT),
    Basis("FirstCount", f"=IF({NO_NATIVE},0,SUMPRODUCT({IN_FIRST}))", COUNT),
    Basis("FirstMonthLtv",
          blank_if("FirstCount=0",
                   f"GrossMargin*SUMPRODUCT({IN_FIRST}*NewRevenue)/SUMPRODUCT({IN_FIRST}*NewSize)"),
          MONEY),
    # Numbers, which programs without kpi_xl keep: a blank cell they compute anew.
    Basis("FourthCount", f"=IF({NO_NATIVE},0,SUMPRODUCT({IN_FOURTH}))", COUNT),
    Basis("ThirdMonthLtv",
          blank_if("FourthCount=0",
                   f"GrossMargin*({BROUGHT})/SUMPRODUCT({IN_FOURTH}*NewSize)"), MONEY, array=True),
    Basis("LtvAtHorizon", f'=IF(ISNUMBER({ALL_AT_HORIZON}),{ALL_AT_HORIZON},"")', MONEY),
    Basis("FoundPayback", blank_if('AllPayback=""', "MATCH(1,(AllDrawn>=BlendedCac)*1,0)-1"),
          COUNT, array=True),
    *PAYMENTS,
)  # fmt: skip


def known(book: Book) -> list[Basis]:
    """Single figures that others need."""
    words = {SEGMENT: "segment", FIRST_ORDER: "", FIRST: "first", LAST: "last",
             NOT_DIRECT: "last_non_direct"}  # fmt: skip
    cases = ((f"ChannelRule={book.phrase(rule)}", f'"{word}"') for rule, word in words.items())
    cut = "+".join(f'IF({book.at("Model", TOP + one.reach + 1, one.column)}="",0,1)'
                   for one in SPILLS if one.whole)  # fmt: skip
    return [
        *codes(book, SETTINGS), *DAYS_KNOWN,
        Basis("TouchRule", f"={ifs(cases, 'ChannelRule')}", TEXT),
        *MONTHS_KNOWN, *MONTHS_COMPARED, *WORTH, Basis("TablesCut", f"={cut}", COUNT),
        Basis("MrrMonths", f"=IF({NO_MRR},0,COUNT(MrrEnd))", COUNT),
        Basis("MrrStarted", f"=IF({NO_MRR},0,SUM(MrrStart))", MONEY),
        Basis("MrrLost", f"=IF({NO_MRR},0,SUM(MrrLess)+SUM(MrrChurn))", MONEY),
        Basis("CohortCount", "=IF(CohortsDone=0,0,COUNT(CohortSize))", COUNT),
    ]  # fmt: skip


NO_RETURN = 'IF({revenue}="",TRUE,N({spend})<=0)'  # credits may make it less than 0
OF_SPAN = spans("Orders[date]", "{from}", "{until}")
BEFORE_ORDERS = f"IF(CacDone*NewDone=0,TRUE,{{from}}<{month_of('FirstOrderDay')})"
COMPARED = (
    Measure("from", "{start}", MONTH, blank=NONE),
    Measure("until", "{end}", MONTH, blank=NONE),
    Measure("revenue", f"SUMIFS(Orders[amount],{OF_SPAN})", MONEY,
            blank=f"IF({BEFORE_ORDERS},TRUE,{unpriced(OF_SPAN)})"),
    Measure("spend", f"SUMIFS(Spend[spend],{spans('Spend[month]', '{from}', '{until}')})", MONEY,
            blank=f"IF({NO_COVER},TRUE,IF({BEFORE_ORDERS},TRUE,IF({{from}}<CoveredFrom,TRUE,"
                  "IF({until}>CoveredUntil,TRUE,"
                  'COUNTIFS(GapDay,">="&{from},GapDay,"<="&{until})>0))))'),
    Measure("new customers",
            f"SUMPRODUCT((CacMonth>={named_month('{from}')})*(CacMonth<={named_month('{until}')})"
            "*CacNew)", COUNT, blank=BEFORE_ORDERS),
    Measure("CAC", "CAC({spend},{new customers})", MONEY,
            blank='IF({spend}="",TRUE,N({new customers})=0)'),
    Measure("MER", "MER({revenue},{spend})", RATIO, blank=NO_RETURN),
    Measure("new customers' revenue",
            f"SUMPRODUCT((NewLabel>={named_month('{from}')})*(NewLabel<={named_month('{until}')})"
            "*NewRevenue)", MONEY, blank='{revenue}=""'),
    Measure("share of new customers", "REVENUE_CONTRIBUTION({new customers' revenue},{revenue})",
            RATE, blank="N({revenue})<=0"),
)  # fmt: skip


GAP_DAYS = (
    Measure("month", "{later}", MONTH, name="GapDay",
            blank=f'IF(KnownFrom="",TRUE,IF({{later}}>KnownUntil,TRUE,'
                  f"{PAID_ROWS.replace('{month}', '{later}')}>0))"),
)  # fmt: skip
GAPS = (
    Measure("month", "SMALL(GapDay,{number})", MONTH, blank="COUNT(GapDay)<{number}"),
    Measure(Proper("label"), named_month("{month}"), TEXT, name="GapLabel", blank='{month}=""'),
    Measure("revenue", f"SUMIFS(Orders[amount],{within('Orders[date]', '{month}')})", MONEY,
            name="GapRevenue", blank='{month}=""'),
)  # fmt: skip


def gaps(page: Page) -> None:
    """The months between the first and the last with spend that have no row of it."""
    page.write(TOP - 1, GAPS_AT, "Months without spend between months with spend",
               page.styles.heading())  # fmt: skip
    months = [{"later": f"EDATE(KnownFrom,{later})"} for later in range(MOST_MONTHS + 1)]
    put_grid(page, TOP, GAP_DAYS, months, left=GAPS_AT)
    listed = put_grid(page, TOP, GAPS, [{}] * GAP_ROOM, left=GAPS_AT + 1)
    for number in range(1, GAP_ROOM + 1):
        page.define(f"GapMonth{number}", *listed.place("label", number))


def compared(page: Page) -> Grid:
    """The figures of the period compared, of the one before it, and of the year before."""
    ago = ("0", "CompareMonths", "12")
    rows = [{"start": f"EDATE(TileUntil,1-CompareMonths-{months})",
             "end": f"EDATE(TileUntil,-{months})"} for months in ago]  # fmt: skip
    table = put_grid(page, TOP + ROOM + 3, COMPARED, rows, left=PERIODS_AT, across=True)
    for tile in COMPARED_TILES:
        page.define(tile.figure, *table.place(tile.course, 1))
        page.define(f"{tile.figure}Before", *table.place(tile.course, 2))
    return table


def courses(page: Page) -> Grid:
    """The figures of each of the last months up to those compared, the oldest first."""
    months = [f"EDATE(TileUntil,-{ago})" for ago in range(COURSE - 1, -1, -1)]
    rows = [{"start": month, "end": month} for month in months]
    top = TOP + ROOM + 3 + len(COMPARED) + 3
    return put_grid(page, top, COMPARED, rows, left=PERIODS_AT)


UNRANKED = f'IF({{name of it}}="",TRUE,IF({{its CAC}}="",TRUE,{{size}}<{FEW}))'
RANKING = (
    Measure(Proper("name"), "{name of it}", KEY, name="RankName", blank=UNRANKED),
    # The sooner the cost is back, the higher; of those where it is not, the nearer to it. No two
    # are the same, so that a rank is enough to find its channel.
    Measure(Proper("rank"),
            'IF({back}="",MAX(0.0001,MIN(0.99,{near})),1000-{back}+MIN(99,{ratio})/1000)'
            f"+({ROOM + 1}-{{number}})/10^9", COUNT, name="RankValue",
            blank=UNRANKED),
)  # fmt: skip


def reached_by(page: Page, number: int) -> str:
    """The address of how many customers of a row have reached each age."""
    return page.at(TOP + number, REACHED, TOP + number, REACHED + AGES)


def reached(page: Page) -> None:
    """How many customers of each channel have reached each age."""
    page.define("Reached", TOP + 1, REACHED, TOP + 1 + ROOM, REACHED + AGES)
    page.write(TOP - 1, REACHED, "Customers who have reached an age", page.styles.heading())
    for number, row in enumerate(of_rows(page), start=1):
        place, name = TOP + number, row["name"]
        found = xl_rowcol_to_cell(place, REACHED - 1)
        if number > 1:
            page.put(place, REACHED - 1,
                     # The curve leaves out a channel whose customers are all younger than an age.
                     blank_if(f'IF(RisksDone=0,TRUE,{name}="")',
                              f"IF(N({row['count']})=0,0,"
                              f"IF(SUMPRODUCT((RiskChannel={name})*1)=0,0,"
                              f"{first_of('RiskChannel', name)}))"),
                     page.styles.lead())  # fmt: skip
        for age in range(AGES + 1):
            formula = (
                f"SUMIFS(RiskCount,RiskAge,{age})" if number == 1 else
                f"IF(N({found})=0,0,IF(INDEX(RiskChannel,{found}+{age})={name},"
                f"INDEX(RiskCount,{found}+{age}),0))"
            )  # fmt: skip
            page.put(place, REACHED + age, f"=IF(RisksDone=0,0,{formula})", page.styles.lead())


def drawn_of(source: Page, number: int, first: int = -1) -> str:
    """The address of a row's ages as numbers throughout: the last one is repeated."""
    first = DRAWN + 2 + AGES if first < 0 else first
    return source.at(TOP + number, first, TOP + number, first + AGES)


def ranking(page: Page) -> None:
    """How high each channel with a CAC stands, by when it is back."""
    channels = Grid(page.book.pages["Channels"], TOP, 0, CHANNELS, 1 + ROOM)
    curves = curve_grid(page.book.pages["LTV curve"])
    rows = []
    for number in range(2, ROOM + 2):
        cac, ratio = channels.at("CAC", number), channels.at("LTV : CAC", number)
        rows.append({
            "name of it": page.at(TOP - 1 + number, LISTED), "its CAC": cac,
            "back": channels.at("payback period", number),
            "size": channels.at("new in months with spend", number),
            "near": f"IF(N({cac})=0,0,MAX({ages_of(curves, number)})/{cac})",
            "ratio": f"N({ratio})",
        })  # fmt: skip
    put_grid(page, TOP + ROOM + 3, RANKING, rows, left=LISTED)


def model(page: Page) -> None:
    """The spilling formulas, names over their columns, and single figures that others need."""
    lay_out(page, "Model", "A formula of kpi_xl spills each of these tables.",
            ((GAPS_AT + 4, 11),), frozen=(TOP + 1, 0))  # fmt: skip
    page.sheet.set_column(CELLS, CELLS, 20)
    put_spills(page, TOP, SPILLS)
    page.define("NewAge0", TOP + 1, FIRST_MONTHS.column + 2, TOP + 600, FIRST_MONTHS.column + 2)
    page.define("CohortRevenue", TOP + 1, FIRST_MONTHS.column + 2, TOP + 600, MRR.column - 1)
    page.define("AllCustomers", TOP + 1, ALL.column + 1)
    page.define("AllLtv", TOP + 1, ALL.column + 2, TOP + 1, ALL.column + 2 + AGES)
    page.define("AllDrawn", TOP + 1, DRAWN + 2 + AGES, TOP + 1, DRAWN + 2 + 2 * AGES)
    reached(page)
    listed = [{"listed": page.at(row, MIX.column), "won": page.at(row, MIX.column + 1)}
              for row in range(TOP + 1, TOP + 1 + ROOM)]  # fmt: skip
    put_grid(page, TOP, LISTED_NAMES, listed, left=LISTED)
    gaps(page)
    compared(page)
    ranking(page)
    put_basis(page, TOP + 1, CELLS, known(page.book))
    addresses(page, TOP - 2, CELLS)
    page.sheet.print_area(0, 0, 1, 7)


# The whole business, by month

OF_MONTH = f"SUMPRODUCT(({{column}}={named_month('{$month}')})*{{values}})"


def in_month(column: str, values: str) -> str:
    """The sum of values whose month, as the functions name it, is that of the row."""
    return OF_MONTH.replace("{column}", column).replace("{values}", values)


RUNNING = 'IF({$month}="",TRUE,{$month}>EndedMonth)'
"""The condition that a month has no ratios of spend: its customers are still to come."""
NO_RETURN_YET = f"IF({RUNNING},TRUE,{NO_RETURN})"

BLENDED = (
    Measure("month", 'IF({first}>LastOrderDay,"",{first})', MONTH,
            blank="CacDone*NewDone=0", look=NAME),
    Measure("spend", f"SUMIFS(Spend[spend],{within('Spend[month]')})", MONEY,
            blank=f'IF({{$month}}="",TRUE,{PAID_ROWS.replace("{month}", "{$month}")}=0)'),
    Measure("new customers", in_month("CacMonth", "CacNew"), COUNT),
    # 0 where the month is known to have cost nothing.
    Measure("CAC", "CAC({spend},{new customers})", MONEY,
            blank=f'IF({RUNNING},TRUE,IF({{spend}}="",TRUE,N({{new customers}})=0))'),
    Measure("revenue", f"SUMIFS(Orders[amount],{within('Orders[date]')})", MONEY,
            blank=f'IF({{$month}}="",TRUE,{unpriced(within("Orders[date]"))})'),
    Measure("of new customers", in_month("NewLabel", "NewRevenue"), MONEY,
            blank='{revenue}=""'),
    Measure("of returning customers", "ROUND({revenue}-{of new customers},2)", MONEY,
            blank='{revenue}=""'),
    # Not of the rounded part, which may be more than the whole.
    Measure("share of returning",
            "REVENUE_CONTRIBUTION(MAX(0,{revenue}-{of new customers}),{revenue})", RATE,
            blank='IF({$month}="",TRUE,IF(N({revenue})<=0,TRUE,OR({of new customers}<0,'
                  "{of returning customers}<0)))"),
    Measure("MER (blended ROAS)", "MER({revenue},{spend})", RATIO, blank=NO_RETURN_YET),
    Measure("ROAS of new customers", "ROAS({of new customers},{spend})", RATIO,
            blank=NO_RETURN_YET),
    Measure("spend / revenue", "MARKETING_COST_RATIO({spend},{revenue})", RATE,
            blank=f'IF({RUNNING},TRUE,IF({{spend}}="",TRUE,N({{revenue}})<=0))'),
)  # fmt: skip


def blended(page: Page) -> None:
    """The last months of the whole business: spend, new and returning customers, returns."""
    lead = "The last 24 months: all revenue against all spend, whichever channel brought it."
    lay_out(page, "Blended", lead, ((1, 12), (10, 13)), frozen=(TOP + 1, 1))
    told = page.book.phrase(
        "{month} is not over in the data, which end on {day}: it has no CAC and no returns, for its"
        " customers are still to come.",
        {"month": named_month("LastOrderDay"), "day": day_text("LastOrderDay")},
    )
    none = f"IF({NONE},TRUE,EndedMonth>={month_of('LastOrderDay')})"
    page.put(2, 0, blank_if(none, told), page.styles.lead())
    newest, oldest = (month_of(f"{end}OrderDay") for end in ("Last", "First"))
    start = f"MAX(EDATE({newest},-{MONTHS - 1}),{oldest})"
    months = [{"first": f"EDATE({start},{later})"} for later in range(MONTHS)]
    table = put_grid(page, TOP, BLENDED, months, blank='{$month}=""', deep=46)
    chart(page, "column", "Revenue of new and of returning customers", table,
          [("of returning customers", BLUE, "Returning"), ("of new customers", GREEN, "New")],
          (table.last + 2, 0, 560, 340), names_format="yyyy-mm", stacked=True,
          unit=LARGE)  # fmt: skip
    chart(page, "column", "MER (blended ROAS)", table, [("MER (blended ROAS)", BLUE, "MER")],
          (table.last + 2, 6, 460, 340), names_format="yyyy-mm", number_format="0.0")  # fmt: skip
    page.sheet.print_area(0, 0, table.last + 20, 10)


# Subscriptions

SUBSCRIPTIONS = (
    Measure("month", "DATE(LEFT(INDEX(MrrMonth,{pos}),4),RIGHT(INDEX(MrrMonth,{pos}),2),1)",
            MONTH, blank="{number}>MrrMonths", look=NAME),
    *(Measure(header, f"INDEX({name},{{pos}})", unit) for header, name, unit in (
        ("MRR at start", "MrrStart", MONEY), ("new", "MrrNew", MONEY),
        ("expansion", "MrrMore", MONEY), ("contraction", "MrrLess", MONEY),
        ("churn", "MrrChurn", MONEY), ("reactivation", "MrrBack", MONEY),
        ("MRR at end", "MrrEnd", MONEY), ("subscribers", "MrrCustomers", COUNT),
    )),
    Measure("quick ratio", "QUICK_RATIO({new}+{reactivation},{expansion},{contraction},{churn})",
            RATIO, "{contraction}+{churn}"),
    Measure("GRR", "GRR({MRR at start},{contraction},{churn})", RATE, "{MRR at start}"),
    Measure("NRR", "NRR({MRR at start},{contraction},{churn},{expansion})", RATE,
            "{MRR at start}"),
)  # fmt: skip
SURVIVALS = (
    Measure("channel", "{shown}", KEY, look={**NAME, "shrink": True}),
    Measure("subscribers", "{count}", COUNT),
    *(Measure(Proper(age + 1),
              f"SUMPRODUCT((SurvivalChannel={{name}})*(SurvivalAge={age})*SurvivalShare)", RATE,
              blank=f"{{ages}}<={age}")
      for age in range(12)),
)  # fmt: skip


def subscriptions(page: Page) -> None:
    """Movements of the recurring revenue by month, and how long subscribers stay, by channel."""
    lead = "The last 24 months of the sheet {Subscribers}: what they pay a month, and how it moves."
    lay_out(page, "Subscriptions", lead, ((1, 34), (13, 13)), frozen=(2, 1))
    status(page, 2, 0, SUBSCRIBERS)
    cut = 'Subscribers[month],">="&PaidBefore'
    told = page.book.phrase(
        "{month} is not over in the data, which end on {day}: what was paid in it, {amount} in"
        " {rows} rows, is in no figure here.",
        {"month": named_month("NewestPayment"), "day": day_text("NewestPayment"),
         "amount": f'TEXT(SUMIFS(Subscribers[amount],{cut}),"#,##0")',
         "rows": f'TEXT(COUNTIFS({cut}),"0")'},
    )  # fmt: skip
    none = f"IF({NO_ROW_PAID},TRUE,PaidBefore>NewestPayment)"
    page.put(3, 0, blank_if(none, told), page.styles.warning())
    figures(page, TOP, 0, "Now, and over all months", MRR_FIGURES)
    top = TOP + 10
    section(page, top - 1, 0, 11, "By month")
    rows = [{"pos": f"{number}+MAX(0,MrrMonths-{MONTHS})"} for number in range(1, MONTHS + 1)]
    table = put_grid(page, top, SUBSCRIPTIONS, rows, blank='{$month}=""')
    chart(page, "column", "Recurring revenue at the end of the month", table,
          [("MRR at end", BLUE, "MRR")], (TOP, 6, 620, 190), names_format="yyyy-mm",
          unit=LARGE)  # fmt: skip
    left = survivals(page, table.last + 3)
    add_survival(page, left)
    page.sheet.print_area(0, 0, left.last + 22, 13)


def survivals(page: Page, top: int) -> Grid:
    """How long subscribers stay, by channel."""
    source = page.book.pages["Model"]
    section(page, top - 1, 0, 13, "Share of subscribers left after so many months paid for; grey:"
            " of fewer than ten")  # fmt: skip
    unknown = page.book.phrase("(unknown)")
    rows = []
    for row in range(TOP + 1, TOP + 1 + SURVIVAL_ROOM):
        name, of = (source.at(row, SUBSCRIBED.column + place) for place in (0, 1))
        ages = row, SURVIVAL_DRAWN - 1
        # A number, so that programs without kpi_xl keep it: a blank cell they compute anew.
        known = f'IF({name}="",0,SUMPRODUCT((SurvivalChannel={name})*1))'
        source.put(*ages, f"=IF(SurvivalDone=0,0,{known})", page.styles.lead())
        rows.append({"name": name, "shown": f'IF({name}="{UNKNOWN}",{unknown},{name})',
                     "count": f"N({of})", "ages": source.at(*ages)})  # fmt: skip
    left = put_grid(page, top, SURVIVALS, rows, blank=BLANK_ROW)
    source.define("SurvivalNames", TOP + 1, SUBSCRIBED.column, TOP + SURVIVAL_ROOM,
                  SUBSCRIBED.column)  # fmt: skip
    mine = f"(SurvivalChannel=INDEX(SurvivalNames,ROW()-{top + 1}))*(SurvivalAge=COLUMN()-3)"
    cells = (*left.place("1", 1), *left.place("12", left.size))
    few = f"SUMPRODUCT({mine}*SurvivalRisk)<{FEW}"
    page.mark(cells, few, {"italic": True, "font_color": MUTED}, stop_if_true=True)
    heat(page, *cells)
    return left


def add_survival(page: Page, left: Grid) -> None:
    """The chart of how long subscribers stay; a curve begins with all of them."""
    source, curves = page.book.pages["Model"], []
    colours = (BLUE, ORANGE, GREEN, "#CC79A7")
    for number, colour in enumerate(colours, start=1):
        row = TOP + number
        shares = page.at(*left.place("1", number), *left.place("12", number))
        last, name = f"COUNT({shares})", left.at("channel", number)
        for months in range(13):
            at = xl_rowcol_to_cell(row, SURVIVAL_DRAWN + months)
            source.put(row, SURVIVAL_DRAWN + months, f"=MIN({months},{last})", page.styles.lead())
            value = f"=IF({last}=0,0,IF({at}=0,1,INDEX({shares},{at})))"
            source.put(row, SURVIVAL_DRAWN + 13 + months, value, page.styles.lead())
        x = source, row, SURVIVAL_DRAWN, row, SURVIVAL_DRAWN + 12
        y = source, row, SURVIVAL_DRAWN + 13, row, SURVIVAL_DRAWN + 25
        # A curve without a name would be called by its row.
        title = SURVIVAL_DRAWN + 26
        source.put(row, title, f'=IF({name}="","-",{name})', page.styles.lead())
        curves.append(Curve(f"={source.at(row, title)}", x, y, colour))

    def chart() -> None:
        known = [one for number, one in enumerate(curves, start=1)
                 if page.value(left.top + number, left.left)]  # fmt: skip
        draw_curves(page, "Share of subscribers left, by months paid for", known or curves,
                    (left.last + 2, 0, 800, 340), number_format="0%", most=1.0,
                    ends=True)  # fmt: skip

    page.book.later(chart)


# What if

WHAT_IFS = (
    Measure("channel", "{shown}", KEY, look={**NAME, "shrink": True}),
    Measure("CAC", "{its CAC}", MONEY, blank='{its CAC}=""'),
    Measure("CAC then", "{CAC}*(1+CacChange)", MONEY, blank='{CAC}=""'),
    Measure("LTV", "{at horizon}", MONEY, blank='IF({name}="",TRUE,ISNUMBER({at horizon})=FALSE)'),
    Measure("LTV then", "({first}+({LTV}-{first})*(1+RetentionChange))*(1+MarginChange)", MONEY,
            blank='{LTV}=""'),
    Measure("LTV : CAC", "CLV_CAC({LTV},{CAC})", RATIO,
            blank="IF(COUNT({CAC},{LTV})<2,TRUE,IF({few},TRUE,{CAC}<=0))"),
    Measure("LTV : CAC then", "CLV_CAC({LTV then},{CAC then})", RATIO,
            blank="IF(COUNT({CAC},{LTV})<2,TRUE,IF({few},TRUE,{CAC then}<=0))"),
    Measure("payback", "{back}", WHOLE, blank='{back}=""'),
    Measure("payback then", "PAYBACK_PERIOD({CAC then},{then})", WHOLE,
            blank='IF({CAC then}="",TRUE,IF({few},TRUE,MAX({then})<{CAC then}))'),
    Measure("highest CAC", "{LTV then}", MONEY, blank='{LTV}=""'),
    Measure("lowest margin", "MarginShare*(1+MarginChange)*{CAC then}/{LTV then}", RATE,
            blank='IF(COUNT({CAC},{LTV},MarginShare)<3,TRUE,IF({few},TRUE,{LTV then}<=0))'),
)  # fmt: skip


def what_if(page: Page, channels: Grid, curves: Grid) -> None:
    """What another margin, CAC or retention would make of each channel."""
    lead = "Change the yellow cells: each channel now, and then. Break-even: LTV = CAC."
    lay_out(page, "What if", lead, ((1, 34), (1, 14), (10, 13)), frozen=(2, 1))
    row = settings(page, TOP - 1, 0, WHAT_IF) + 1
    rows = []
    for number, one in enumerate(of_rows(page), start=1):
        ages = ages_of(curves, number)
        rows.append(one | {
            "its CAC": channels.at("CAC", number),
            "few": f"MIN({channels.at('new in months with spend', number)},"
                   f"INDEX(Reached,{number},1))<{FEW}",
            "all ages": ages, "first": f"INDEX({ages},1)",
            "then": drawn_of(page.book.pages["Model"], number, THEN),
            "at horizon": at_horizon(ages, str(number)),
            "back": curves.at("payback", number),
        })  # fmt: skip
    table = put_grid(page, row, WHAT_IFS, rows, blank=BLANK_ROW)
    chart(page, "column", "LTV : CAC now and then", table,
          [("LTV : CAC", BLUE, "Now"), ("LTV : CAC then", GREEN, "Then")],
          (table.last + 2, 0, 900, 340), number_format="0.0")  # fmt: skip
    page.sheet.print_area(0, 0, table.last + 20, 10)


# The first sheet for the boss

LISTED_FIRST = 6  # channels of the list
STRIP = 12  # the last month of the strip that shows when the cost is back
BY_PAYBACK = (
    Measure("channel", "INDEX(RankName,{found})", KEY, look={**NAME, "shrink": True},
            blank="IF(SUM(RankValue)=0,TRUE,COUNT(RankValue)<{number})"),
    Measure("when the CAC is back", "{when}", TEXT, look={"bold": True, "align": "start"}),
    Measure("○ month before it is back, ● after",
            f'IF({{back}}="",REPT("○",{STRIP + 1}),REPT("○",MIN({STRIP + 1},{{back}}))'
            f'&REPT("●",MAX(0,{STRIP + 1}-{{back}})))', TEXT,
            look={"align": "start", "font_color": "#00745A"}),
    Measure("CAC", "{cost}", MONEY),
    Measure("LTV after the months set", "{worth}", MONEY,
            blank='IF({channel}="",TRUE,ISNUMBER({worth})=FALSE)'),
    Measure("LTV : CAC", "{ratio}", RATIO, blank='IF({channel}="",TRUE,{ratio}="")'),
)  # fmt: skip
OF_CHANNEL = {
    "when": "when the CAC is back", "back": "payback period", "cost": "CAC",
    "ratio": "LTV : CAC",
}  # fmt: skip
COMPARISONS = (
    ("New customers", "new customers", COUNT, "higher"),
    ("Customer acquisition cost", "CAC", MONEY, "lower"),
    ("Revenue", "revenue", MONEY, "higher"),
    ("MER", "MER", RATIO, "higher"),
    ("Share of new customers' revenue", "share of new customers", RATE, ""),
)
"""What is compared with the months before and a year before, and which way is better."""
IN_WORDS = COMPARISONS[:3]
OVER_ALL = (
    "LTV, LTV : CAC and payback are of all customers so far, who have no months before to compare"
    " with: the sheet {LTV curve} compares cohorts."
)
"""Why their tiles have no change."""


def summary(page: Page, channels: Grid) -> None:
    """Which channel pays back and when; what has changed; the figures."""
    lay_out(page, "Unit economics", "Change the yellow cells to your own.",
            ((1, 3), (1, 27), (1, 27), (4, 27)), column=1)  # fmt: skip
    status(page, 2, 1, ORDERS)
    row = range_band(page, TOP, 1, 6, RANGE_SETTINGS, ("TileFrom", "TileEnd"),
                     effects={"CompareUntil": "TileEnd"})  # fmt: skip
    effects = {one.name: in_effect(page.book, one) for one in SETTINGS if one.codes}
    row = settings_band(page, row, 1, SETTINGS, effects)
    groups = (COMPARED_FIGURES, *FIGURES.values())
    every = {figure.name: figure for group in groups for figure in group}
    shown = with_courses(TILES, courses(page.book.pages["Model"]))
    row = tiles(page, row + 1, 1, shown, every)
    by_payback = ranked_channels(page, row + 1, channels)
    page.put(3, 1, f"={headline_of(page, by_payback, channels)}",
             page.styles.of(bold=True, font_size=14, font_color="#00523B", align="start")
             )  # fmt: skip
    page.sheet.set_row(3, 26)
    row = comparison(page, by_payback.last + 3)
    top = row + 1
    row = figures_of(page, top)
    draw(page, "column", "LTV after the months set, against CAC",
         [by_payback.series("LTV after the months set", BLUE), by_payback.series("CAC", ORANGE)],
         (top, 4, 585, 240), unit=LARGE)  # fmt: skip
    add_curve(page, 0, (top + 13, 4, 585, 240))
    page.sheet.print_area(0, 0, max(row, top + 26), 6)


def figures_of(page: Page, row: int) -> int:
    """The figures below each other. Returns the row after them."""
    texts = [one.meaning for group in FIGURES.values() for one in group]
    widen(page, 3, 27, map(page.book.say, filter(None, texts)))
    for heading, group in FIGURES.items():
        row = figures(page, row, 1, heading, group) + 1
    return row - 1


def ranked_channels(page: Page, row: int, channels: Grid) -> Grid:
    """The channels by when their cost is back, the soonest first."""
    curves = curve_grid(page.book.pages["LTV curve"])
    ages = curves.page.at(*curves.place("0", 2), *curves.place(str(AGES), curves.size))
    rows = []
    for number in range(1, LISTED_FIRST + 1):
        found = f"MATCH(LARGE(RankValue,{number}),RankValue,0)"
        worth = at_horizon(ages, f"{found}+1", f"{found},")
        rows.append({"found": found, "worth": worth} | {
            name: f"INDEX({page_block(channels, called)},{found})"
            for name, called in OF_CHANNEL.items()
        })  # fmt: skip
    section(page, row, 1, 6, "Which channel has its cost back, and when")
    grid = put_grid(page, row + 1, BY_PAYBACK, rows, left=1, blank='{channel}=""', height=19)
    more, told = more_than("rows", "COUNT(RankValue)", LISTED_FIRST, page.book, "Channels")
    page.put(grid.last + 1, 1, f'=IF({more}>0,{told},"")', page.styles.lead(font_size=9))
    return grid


def page_block(channels: Grid, called: str) -> str:
    """The address of a measure of all channels, the whole left out."""
    return channels.page.at(*channels.place(called, 2), *channels.place(called, channels.size))


NEARLY = "0.0000001"  # less than a rank can tell


def headline_of(page: Page, table: Grid, channels: Grid) -> str:
    """One sentence: which channel has its cost back first, and which not yet."""
    name, when = (xl_rowcol_to_cell(*table.place(one, 1))
                  for one in ("channel", "when the CAC is back"))  # fmt: skip

    def say(text: str, number: str = '""') -> str:
        return page.book.phrase(text, {"channel": name, "when": when, "n": number})

    best = "MAX(RankValue)"
    first_month = f"INT({best})"

    def ranked(start: str, until: str) -> str:
        return f"SUMPRODUCT((RankValue>={start})*(RankValue<{until}))"

    ties = ranked(first_month, f"{first_month}+1")
    # Of several none is the best where one has no LTV : CAC, or two have the same.
    even = (
        f"{ranked(first_month, f'{first_month}+{NEARLY}')}"
        f"+({ranked(f'{best}-{NEARLY}', f'{first_month}+1')}>1)"
    )
    first = ifs((
        (f"{ties}>1", ifs(
            [(f"{even}>0", say("{n} channels have their cost back {when}.", ties))],
            say("{n} channels have their cost back {when}; of these {channel} has the highest"
                " LTV : CAC.", ties))),
    ), say("{channel} has its cost back first: {when}."))  # fmt: skip
    waiting = 'SUMPRODUCT((RankName<>"")*(RankValue<1))'
    rest = ifs([(f"{waiting}=0", '""')], say(" Not back yet: {n}.", waiting))
    phrase = page.book.phrase
    only = phrase(" Only the {room} channels with the most customers are compared.", room=ROOM)
    nobody = phrase("No channel has its cost back yet.")
    answer = f"{ifs([(f'{best}<1', nobody)], f'{first}&{rest}')}&" + ifs(
        [('ChannelsCut=""', '""')], only
    )
    none = phrase("No channel has both customers and spend: see {Channels}.")
    nothing = ifs([
        ("TablesCut>0", phrase("There are more channels than the sheets take: see {Checks}.")),
        (f"COUNT({page_block(channels, 'CAC')})=0", none),
    ], phrase("No channel with customers and spend has ten customers yet: too few to tell. See"
              " {Channels}."))  # fmt: skip
    return ifs([(NONE, '""'), ("SUM(RankValue)=0", nothing)], answer)


def comparison(page: Page, row: int) -> int:
    """The months compared, those before, and a year before. Returns the row after it."""
    model_page, styles = page.book.pages["Model"], page.styles
    then = Grid(model_page, TOP + ROOM + 3, PERIODS_AT, COMPARED, 3, across=True)
    section(page, row, 1, 6, "What has changed")
    headers = ("", "in these months", "the months before", "change", "a year before", "change")
    header_row(page, row + 1, 1, headers)
    for number, column in ((1, 2), (2, 3), (3, 5)):
        start, end = (then.at(one, number) for one in ("from", "until"))
        text = f'{named_month(start)}&IF({start}={end},""," - "&{named_month(end)})'
        page.put(row + 2, column, blank_if(f'{start}=""', text), styles.lead(align="right"))
    row += 2
    day = f'{named_month("LastOrderDay")}&"-"&RIGHT("0"&DAY(LastOrderDay),2)'
    unfinished = page.book.phrase(
        "Not compared: the data end on {day}, within the months compared.", {"day": day}
    )
    for label, called, unit, better in COMPARISONS:
        row += 1
        now, before, year = (then.at(called, number) for number in (1, 2, 3))
        page.write(row, 1, label, styles.label(shrink=True))
        page.put(row, 2, blank_if(f'{now}=""', now), styles.number(unit, bold=True))
        for column, other in ((3, before), (5, year)):
            # What has not ended is less than what has: see the sentence below.
            none = f"IF(Comparing=0,TRUE,COUNT({now},{other})<2)"
            page.put(row, column, blank_if(f'{other}=""', other), styles.number(unit))
            page.put(row, column + 1, blank_if(f"IF({none},TRUE,{other}<=0)", f"{now}/{other}-1"),
                     styles.number(GROWTH))  # fmt: skip
            judged(page, row, column + 1, better)
    for text, number in (("Against the months before: ", 2), ("Against a year before: ", 3)):
        row += 1
        pieces = []
        for label, called, _, better in IN_WORDS:
            now, other = then.at(called, 1), then.at(called, number)
            sentence = (f"KPI_CHANGE_TEXT({page.book.phrase(label)},{now},{other},"
                        f'"{better}",{layout.LANGUAGE})')  # fmt: skip
            pieces.append(f'IF(COUNT({now},{other})<2,"",{sentence}&". ")')
        known = "+".join(f"(COUNT({then.at(called, 1)},{then.at(called, number)})=2)"
                         for _, called, *_ in IN_WORDS)  # fmt: skip
        wrapped = styles.text()
        page.sheet.merge_range(row, 1, row, 6, "", wrapped)
        whole = "&".join((page.book.phrase(text), *pieces))
        told = blank_if(f"{known}=0", whole).removeprefix("=")
        said = unfinished if number == 2 else '""'
        page.put(row, 1, f"=IF(TileUntil>EndedMonth,{said},{told})", wrapped)
        page.sheet.set_row(row, 32)  # two lines, which some languages need
    row += 1
    page.write(row, 1, OVER_ALL, styles.lead())
    return row + 1


def judged(page: Page, row: int, column: int, better: str) -> None:
    """The colour of a change that is for the better or the worse."""
    cell = xl_rowcol_to_cell(row, column)
    for sign in "><" if better else "":
        good = (sign == ">") == (better == "higher")
        rule = f"AND(ISNUMBER({cell}),ROUND({cell},3){sign}0)"
        page.mark((row, column), rule, {"bold": True, "font_color": GOOD if good else BAD})


# Sample data

SAMPLES = Sentence(
    "Orders: amounts and intervals of the customers of the online music shop CDNOW, 1997-98, in US"
    " dollars; Fader & Hardie (2001), Forecasting Repeat Sales at CDNOW: A Case Study, Interfaces"
    " 31 (3); data of Bruce Hardie, brucehardie.com. Made up, not real: channels, spend, touches,"
    " subscribers, and the months that each customer's orders were moved by, so that customers are"
    " won in every month."
)

# Share of customers; the CAC at which they are won; how readily those are taken who bought much.
PLAN: dict[str, tuple[float, float, float]] = {
    "search": (0.30, 29.0, 1.2),
    "social": (0.26, 24.0, 0.8),
    "e-mail": (0.12, 7.0, 1.6),
    "referral": (0.10, 19.0, 1.4),
    "display": (0.08, 66.0, 0.7),
    "": (0.14, 0.0, 1.0),
}
FIRST_MONTH, LAST_MONTH = date(1997, 1, 1), date(1998, 6, 1)


def sample() -> Sample:
    """CDNOW's orders, moved in time, with made-up channels and what these cost."""
    random = Random(1997)
    histories: dict[int, list[tuple[date, float]]] = {}
    for customer, day, _, amount in zip(*sample_table("cdnow").values(), strict=True):
        histories.setdefault(customer, []).append((day, amount))
    rows: list[tuple[Cell, ...]] = []
    won: dict[tuple[date, str], int] = {}
    touches: list[tuple[Cell, ...]] = []
    for customer, orders in histories.items():
        later = random.choice(range(16))
        channel = chosen(random, len(orders))
        moved = [(moved_by(day, later), amount) for day, amount in orders]
        kept = [(day, amount) for day, amount in moved if day < month_after(LAST_MONTH)]
        if not kept:
            continue
        first = kept[0][0].replace(day=1)
        won[first, channel] = won.get((first, channel), 0) + 1
        for before in sorted(random.sample(range(1, 25), random.choice((0, 1, 2))), reverse=True):
            touch = random.choice(("direct", *filter(None, PLAN))) if before > 9 else channel
            touches.append((customer, kept[0][0] - timedelta(before), touch or "direct"))
        rows += [(customer, day, amount, channel or None) for day, amount in kept]
    rows.sort(key=lambda row: (row[1], row[0]))
    spend: list[tuple[Cell, ...]] = []
    month = FIRST_MONTH
    while month <= LAST_MONTH:
        for channel, (_, cac, _) in PLAN.items():
            if channel:
                cost = won.get((month, channel), 0) * cac * random.uniform(0.85, 1.15) + 20
                spend.append((month, channel, round(cost, 2)))
        month = month_after(month)
    data = {
        "Orders": columns_of(("customer", "date", "amount", "channel"), rows),
        "Spend": columns_of(("month", "channel", "spend"), spend),
        "Touches": columns_of(("customer", "date", "channel"), touches),
        "Subscribers": columns_of(("customer", "month", "amount", "channel"), subscribers()),
    }
    return Sample(data, SAMPLES)


def chosen(random: Random, orders: int) -> str:
    """A channel for a customer; those that bring good customers the likelier for them."""
    weights = [share * pull ** (orders > 2) for share, _, pull in PLAN.values()]
    return random.choices(list(PLAN), weights)[0]


def moved_by(day: date, months: int) -> date:
    """The same day some months later, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (month_after(date(year, month + 1, 1)) - date(year, month + 1, 1)).days
    return date(year, month + 1, min(day.day, last))


def month_after(month: date) -> date:
    """The first day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def subscribers() -> list[tuple[Cell, ...]]:
    """Eighteen months of made-up subscribers."""
    random = Random(5)
    rows: list[tuple[Cell, ...]] = []
    stays = {"search": 0.93, "social": 0.86, "e-mail": 0.96}
    month, number = FIRST_MONTH, 0
    begun: list[tuple[str, date, str]] = []
    while month <= LAST_MONTH:
        for _ in range(random.randint(8, 14)):
            number += 1
            begun.append((f"S{number:03}", month, random.choice(list(stays))))
        month = month_after(month)
    for name, start, channel in begun:
        month, fee, away = start, random.choice((9.0, 19.0, 49.0)), False
        while month <= LAST_MONTH:
            if away:
                if random.random() > 0.05:
                    month = month_after(month)
                    continue
                away = False
            rows.append((name, month, fee, channel))
            if random.random() < 0.04:
                fee = random.choice((9.0, 19.0, 49.0))
            away = random.random() > stays[channel]
            month = month_after(month)
    rows.sort(key=lambda row: (row[1], row[0]))
    return rows


TEMPLATE = Template(
    SCHEMA,
    sheets=(
        Sheet("Summary", "Which channel pays back, and when; what has changed; the figures."),
        Sheet("LTV curve", "What a customer brings month by month, by channel and cohort."),
        Sheet("Channels", "Each channel: customers, CAC, LTV, LTV : CAC, payback."),
        Sheet("Blended", "The whole business by month: MER, new and returning customers."),
        Sheet("Subscriptions", "Recurring revenue by month, and how long subscribers stay."),
        Sheet("What if", "Another margin, CAC or retention, and where it breaks even."),
        Sheet("Orders", "The data: a row an order."),
        Sheet("Spend", "The data: a row a channel and month."),
        Sheet("Touches", "The data: a row a touch, where touches are to decide the channel."),
        Sheet("Subscribers", "The data: a row a subscriber and month."),
        Sheet("Checks", "What is wrong with the data; figures computed twice."),
        Sheet("Model", "The tables that other sheets show, a formula each."),
    ),
    steps=(
        "Paste your orders into the sheet {Orders}: customer, date, amount; the channel, where you"
        " know it.",
        "Paste what your channels cost into the sheet {Spend}: a row a channel and month.",
        "If clicks are to decide a customer's channel, fill {Touches}; if customers subscribe, fill"
        " {Subscribers}.",
        "Set the yellow cells on the sheet {Summary}: margin, months, channel.",
        "See on the sheet {Checks} whether the data have gaps.",
        "Read the other sheets: every figure is computed from these tables.",
    ),
    notes=(
        (
            "LTV",
            "Here it is what a customer has brought so far, as margin, not a forecast. Month 0 is"
            " that of the first order. A young cohort counts only at the ages that it has reached."
            " A return counts as the first order where it is a customer's first row.",
        ),
        (
            "CAC",
            "What the channels cost over the customers won, in the months of which the workbook"
            " knows both. A customer belongs to the channel that the setting on {Summary} names;"
            " who has none is (unknown), and counts in the whole alone.",
        ),
    ),
    write=write,
    sample=sample,
)
