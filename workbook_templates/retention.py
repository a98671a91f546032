"""The retention workbook: orders in; cohorts, curve, segments and the customers' value out.

Beside the orders it takes the months of subscriptions, and how many of a cohort are left.

The sheet Model holds the tables that KPI functions spill. The sheets for people show them cell by
cell, because charts need fixed cells, and because viewers without our functions keep the values of
plain formulas, but compute spilling ones anew.
"""

import re
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.schema.retention import ORDERS, SCHEMA, SUBSCRIPTIONS, SURVIVORS
from kpi_xl.serials import day_of
from kpi_xl.units import (
    AVERAGE,
    COUNT,
    DATE,
    DAYS,
    KEY,
    LARGE,
    MONEY,
    PERIODS,
    RATE,
    TEXT,
    VALUE,
    Unit,
)

from . import retention_counted
from .charting import draw
from .checking import checks, status, where
from .comparison import (
    POSSIBLE,
    Range,
    Tile,
    figures_before,
    key_figures,
    with_courses,
)
from .customers import (
    ADDRESSES,
    EVERY_CUSTOMER,
    FARTHEST_DAY,
    NO_AMOUNT,
    NOT_KNOWN,
    UNDONE_ORDERS,
    addresses,
    first_gap,
)
from .grid import (
    MONTH,
    NAME,
    REMARK,
    WHOLE,
    Grid,
    Measure,
    chart,
    copied,
    last_months,
    lay_out,
    originals,
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
    Series,
    Setting,
    Sheet,
    Spill,
    Template,
)
from .sample_files import sample_table
from .setting_cells import codes, put_basis, settings
from .sheet_parts import (
    bars,
    blank_if,
    figures,
    header_row,
    heat,
    mirror,
    no_bars,
    paragraphs,
    put_spills,
    section,
    warn_of_more,
    widen,
)
from .writing import BAR, BLUE, COLOURS, ORANGE, WARN, Book, Given, Page, Proper, Say, ifs, literal

if TYPE_CHECKING:
    from kpi_xl.exports.counting import CountedOrders
    from kpi_xl.frame_counts import Asked

TOP = 4  # the row of the tables' headers, counted from 0: row 5 in Excel
DEEP = 1_000_000  # rows that the names over the customers' table reach down
SPARE = 12  # rows and columns shown, at the least, beyond those that the data fill now
MOST_PERIODS = (
    480  # from the first order to the last, of which cohorts are made: 40 years of months
)
MOST = 50_000  # customers whose value is forecast one by one: of more, a file grows too slow
BEST, RISKY = 20, 12  # customers in the lists
MOST_WEEKS, WEEKS = 2_000, 39  # rows of the check on the sheet Model, and weeks that are shown
MONTHS = 24
FARTHEST = 24  # the last period of a cohort's forecast that is shown
CORRELATED = 0.2  # from here on, customers who buy often clearly spend more, or less


WITHIN = "(Orders[date]>=RangeFrom)*(Orders[date]<RangeUntil+1)"
ON_DAYS = 'Orders[date],">="&RangeFrom,Orders[date],"<"&RangeUntil+1'


def within_range(column: str) -> str:
    """A column of orders, blank in the rows that the range leaves out.

    One cell knows whether there is a range, so that without one all is as quick as ever.
    """
    return f'IF(Ranged=0,{column},IF({WITHIN},{column},""))'


def of_range(of_all: str, of_days: str) -> str:
    """A figure of all orders, also those without a day, or of those of a range."""
    return f"IF(Ranged=0,{of_all},{of_days})"


CUSTOMER = within_range(EVERY_CUSTOMER)
BOUGHT = f"{CUSTOMER},{within_range('Orders[date]')}"
AMOUNT = within_range("Orders[amount]")
ORDER = of_range("Orders[order]", f'IF({WITHIN},IF(Orders[order]="","",Orders[order]),"")')
DAYS_SHOWN = Range(
    empty=ORDERS.empty,
    begin=f"_xlfn.MINIFS(Orders[date],{POSSIBLE.format('Orders[date]')})",
    end=f"_xlfn.MAXIFS(Orders[date],{POSSIBLE.format('Orders[date]')})",
    rows=of_range("COUNT(Orders[date])", f"COUNTIFS({ON_DAYS})"),
    meanings=(
        "Customers are new at their first order from here on",
        "Later orders count nowhere",
    ),
)
LEFT = "(Survivors[period]<=FitUntil)"
COHORTS_OF = "customers", "compared"


def missing(column: str, until: str = "") -> str:
    """How many counts a cohort has too few for the periods up to its last one."""
    filled = f'Survivors[{column}],"<>"{until}'
    last = f"_xlfn.MAXIFS(Survivors[period],{filled})"
    return f"IF(COUNTIFS({filled})=0,0,{last}+1-COUNTIFS({filled}))"


def uneven(column: str, until: str = "", rows: str = "1") -> str:
    """The condition that a cohort has not one count for each of the periods 0, 1, 2 ...

    A model of survivors takes its rows for these. They are those if their number, sum and squares
    are right.
    """
    filled = f'Survivors[{column}],"<>"{until}'
    n = f"COUNTIFS({filled})"
    period = "Survivors[period]"
    squares = f'SUMPRODUCT((Survivors[{column}]<>"")*{rows}*{period}*{period})'
    return (
        f"IF({missing(column, until)}<>0,TRUE,IF(SUMIFS({period},{filled})<>{n}*({n}-1)/2,TRUE,"
        f"{squares}<>{n}*({n}-1)*(2*{n}-1)/6))"
    )


UP_TO_FIT = ',Survivors[period],"<="&FitUntil', LEFT

NOBODY = "CustomerCount=0"
NO_VALUE = f'OR({NOBODY},Revenue="")'
NO_ORDERS = "RowsInRange=0"
# Orders of which nobody knows an amount have not brought 0.
AMOUNTS = of_range("COUNT(Orders[amount])", f'COUNTIFS({ON_DAYS},Orders[amount],"<>")')
UNPRICED = f"{AMOUNTS}=0"
NO_FORECAST = "ForecastDone=0"
NO_WORTH = f'IF({NO_FORECAST},TRUE,Revenue="")'
NO_FIT = "FitDone=0"
NO_CHECK = "CheckDone=0"
TOO_LONG = f"PeriodCount>{MOST_PERIODS}"
NO_COHORTS = f"OR({NO_ORDERS},{TOO_LONG})"
NO_REVENUES = f'OR({NO_ORDERS},{TOO_LONG},Revenue="")'
NO_MONTHS = SUBSCRIPTIONS.empty
# A month of an impossible year is no month "now".
PAID_IN = POSSIBLE.format("Subscriptions[month]")
NEWEST, OLDEST = (
    f"IF(COUNTIFS({PAID_IN})=0,{end}(Subscriptions[month]),"
    f"_xlfn.{end}IFS(Subscriptions[month],{PAID_IN}))"
    for end in ("MAX", "MIN")
)

PARAMETER = Unit("VALUE", "a parameter of a model", "0.0000")
CONFIDENCE = 0.9  # of what is called low and high
TOO_MANY = f'IF(FitTable="",TRUE,N(FittedCustomers)>{MOST})'
"""The first cell of the model is asked for, too, so that it is computed first."""
RATE_A_WEEK = "(1+YearlyRate)^(1/52)-1"
HELD_BACK = "DataUntil-7*HeldOut"
"""The last day that the model sees where it is put to the test."""

# Side by side, with room to the right of the cohorts for ten years of weeks.
CUSTOMERS = Spill(
    "Customers", 0, f"RFM({BOUGHT},{AMOUNT})", NO_ORDERS,
    (KEY, COUNT, COUNT, MONEY, COUNT, COUNT, COUNT, TEXT),
    ("", "Recency", "PurchaseCount", "Monetary", "", "", "", "Segment"), DEEP, "CustomersDone",
)  # fmt: skip
CURVE = Spill(
    "Retention curve", 9, f"RETENTION_CURVE({BOUGHT},PeriodCode)", NO_COHORTS,
    (KEY, COUNT, COUNT, RATE), done="CurveDone",
)  # fmt: skip
FIT = Spill(
    "Model of purchases and spend", 14,
    f'BTYD_FIT({BOUGHT},{AMOUNT},"W",,BuyingModelCode,"weak")', NO_ORDERS, (KEY, PARAMETER),
    done="FitDone",
)  # fmt: skip
FORECAST = Spill(
    "Value of each customer", 17,
    f'CLV_FORECAST({BOUGHT},{AMOUNT},Horizon,{RATE_A_WEEK},"W",,BuyingModelCode,"weak",{CONFIDENCE})',
    TOO_MANY, (KEY, COUNT, AVERAGE, AVERAGE, RATE, AVERAGE, MONEY),
    ("Buyer", "Repeats", "LastBought", "Age", "Alive", "Expected", "Spend", "Worth", "WorthLow",
     "WorthHigh"), MOST, "ForecastDone",
)  # fmt: skip
RANKED = Spill(
    "The most valuable first", 28, "CHANNEL_MIX(Buyer,Worth)", NO_WORTH, (KEY, MONEY, RATE),
    ("", "RankedClv"), MOST,
)  # fmt: skip
TOTAL = Spill(
    "All customers together", 48,
    f'CLV_TOTAL({BOUGHT},{AMOUNT},Horizon,{RATE_A_WEEK},"W",,BuyingModelCode,"weak",'
    f"{CONFIDENCE})", TOO_MANY, (KEY, AVERAGE),
)  # fmt: skip
CHECK = Spill(
    "The weeks held back", 53,
    f'BTYD_CHECK({BOUGHT},{HELD_BACK},{AMOUNT},"W",,BuyingModelCode,"weak")', TOO_MANY,
    (KEY, AVERAGE),
    ("CheckPeriod", "CheckActual", "CheckExpected", "CheckCameSoFar", "CheckExpectedSoFar"),
    MOST_WEEKS, "CheckDone",
)  # fmt: skip
FORETOLD = Spill(
    "What was foretold of them", 59,
    f'CLV_TOTAL({BOUGHT},{AMOUNT},HeldOut,0,"W",{HELD_BACK},BuyingModelCode,"weak",{CONFIDENCE})',
    TOO_MANY, (KEY, AVERAGE),
)  # fmt: skip
RISKS = "(Alive<RiskBelow)*(Repeats>0)"
AT_RISK = Spill(
    "At risk, the best first", 32,
    f'CHANNEL_MIX(IF({RISKS},Buyer,""),IF({RISKS},Repeats*Spend,""))',
    ifs(((NO_WORTH, "TRUE"), ('COUNTIF(Alive,"<"&RiskBelow)=0', "TRUE")), f"SUMPRODUCT({RISKS})=0"),
    (KEY, MONEY, RATE),
)  # fmt: skip
SHARES, COUNTS, REVENUES, KEPT = (
    Spill(title, column, f"COHORT({BOUGHT},{of})", none, (KEY, COUNT, unit))
    for title, column, of, none, unit in (
        ("Cohorts, share", 64, ",PeriodCode", NO_COHORTS, RATE),
        ("Cohorts, customers", 564, ',PeriodCode,"customers"', NO_COHORTS, COUNT),
        ("Cohorts, revenue", 1064, f'{AMOUNT},PeriodCode,"revenue"', NO_REVENUES, MONEY),
        (
            "Cohorts, revenue kept",
            1564,
            f'{AMOUNT},PeriodCode,"revenue_retention"',
            NO_REVENUES,
            RATE,
        ),
    )
)
SPILLS = (CUSTOMERS, CURVE, FIT, FORECAST, RANKED, TOTAL, CHECK, FORETOLD, AT_RISK, SHARES, COUNTS,
          REVENUES, KEPT)  # fmt: skip
"""The tables of orders."""

COHORTS_LEFT = tuple(
    (
        which,
        column,
        Spill(f"Contracts of the {which.lower()} cohort", left, f"SBG_FIT({survivors})", nobody,
              (KEY, PARAMETER), done=f"{which}Fitted"),
        Spill("", left + 2, f"SBG_FORECAST({survivors},{FARTHEST})", nobody, (KEY, RATE)),
        survivors,
    )
    for which, column, left in (("First", "customers", 36), ("Second", "compared", 42))
    for filled in (f'(Survivors[{column}]<>"")*{LEFT}',)
    for nobody in (f"IF(SUMPRODUCT({filled})=0,TRUE,{uneven(column, *UP_TO_FIT)})",)
    for survivors in (f"_xlfn._xlws.FILTER(Survivors[{column}],{filled})",)
)  # fmt: skip
"""The two cohorts under contract: which, its column, its model, its future, its survivors."""
RANGE, BY_MONTHS = 2070, 2074  # behind the cohorts
LISTED = {RANKED: (BEST, 2081), AT_RISK: (RISKY, 2085)}
"""How many customers of each are listed on the sheet Value, and where the sheet Model seeks them.
"""

SETTINGS = (
    Setting(
        "Period",
        "Period",
        "Month",
        TEXT,
        "Of cohorts and of the curve",
        ("Week", "Month", "Quarter", "Year"),
        (("Cohorts", "CohortsCut"), ("Curve", "CurveCut")),
        codes=("W", "M", "Q", "Y"),
    ),
    Setting("LostAfter", "Lost after", 180, DAYS, "Days without a purchase", least=1.0),
    Setting("Lifetime", "Lifetime", 24, PERIODS, "Months that a customer stays"),
    Setting("GrossMargin", "Gross margin", 0.4, RATE, "As a fraction of revenue", most=1.0),
    Setting("DiscountRate", "Discount rate", 0.01, RATE, "Per month"),
    ADDRESSES,
)

FORECAST_SETTINGS = (
    Setting("Horizon", "Look ahead", 52, PERIODS, "Weeks: 52 are a year"),
    Setting("YearlyRate", "Discount rate a year", 0.1, RATE, "A week's follows from it"),
    Setting("RiskBelow", "At risk below", 0.5, RATE, "The chance that they still buy"),
    Setting(
        "BuyingModel",
        "Model of purchases",
        Proper("MBG/NBD"),
        TEXT,
        "When customers may stop",
        (Proper("MBG/NBD"), Proper("Pareto/NBD"), Proper("BG/NBD")),
        codes=("mbgnbd", "paretonbd", "bgnbd"),
    ),
)

CHECK_SETTINGS = (
    Setting("HeldOut", "Weeks held back", 26, PERIODS, "The model does not see the last ones"),
)

CONTRACT_SETTINGS = (
    Setting("FitUntil", "Learn up to period", 7, PERIODS, "Later rows test the forecast"),
    Setting("ContractMargin", "Margin per customer", 100, MONEY, "Per period"),
    Setting("ContractRate", "Discount rate", 0.1, RATE, "Per period"),
)

# Who bought first on the first day of the data can be lost on their last day at the earliest.
TOO_SHORT = "DataUntil-FirstOrder<=LostAfter"
NONE_LOST_YET = (
    f"IF(COUNT(DataUntil,FirstOrder,LostAfter)<3,FALSE,{TOO_SHORT})",
    "Too few days of data yet",
)
# Whoever is counted in a range has bought in it: the shorter it is, the more often customers seem
# to buy (CDNOW's in March 1998 eight times as often as they do). Over orders of as long a time as
# the lifetime, but for days at its ends, the CLV tells hardly more than these customers brought.
SHORTER = "DataUntil-FirstOrder+1<29*Lifetime"
NO_CLV = f"IF(Ranged=0,FALSE,{SHORTER})"
NO_CLV_YET = (
    "IF(COUNT(DataUntil,FirstOrder,Lifetime)<3,FALSE,"
    f"IF(Ranged=0,{NONE_LOST_YET[0]},TRUE)*({SHORTER}))",
    "Fewer days than the lifetime set below",
)

FIGURES = {
    "The data": (
        *DAYS_SHOWN.figures()[:2],
        Figure("OrderCount", "Orders", "=OrdersCounted", COUNT,
               "Each once, returns not; without their numbers, rows"),
        Figure("CustomerCount", "Customers",
               '=IF(CustomersDone=0,0,COUNTIF(PurchaseCount,">0"))', COUNT,
               "Returns alone do not count"),
        Figure("Revenue", "Revenue",
               blank_if(UNPRICED, of_range("SUM(Orders[amount])",
                                           f"SUMIFS(Orders[amount],{ON_DAYS})")), MONEY,
               "Returns taken off"),
        Figure("FirstOrder", "First order", blank_if(NOBODY, "OrdersFrom"), DATE, ""),
        Figure("DataUntil", "Data until", blank_if(NOBODY, "OrdersUntil"), DATE, ""),
    ),
    "Loyalty": (
        Figure("RepeatCustomers", "Repeat customers",
               '=IF(CustomersDone=0,0,COUNTIF(PurchaseCount,">1"))', COUNT,
               "Bought on more than one day"),
        Figure("RepeatRate", "Repeat purchase rate",
               blank_if(NOBODY, "REPEAT_PURCHASE_RATE(RepeatCustomers,CustomerCount)"), RATE,
               "Repeat / all customers"),
        Figure("LostCustomers", "Lost customers",
               f'=IF(CustomersDone=0,0,IF({NOBODY},0,IF({TOO_SHORT},"",'
               'COUNTIFS(Recency,">"&LostAfter,PurchaseCount,">0"))))', COUNT,
               "No purchase for so long", NONE_LOST_YET),
        Figure("ChurnRate", "Churn rate",
               blank_if(NOBODY, blank_if(TOO_SHORT, "CHURN_RATE(LostCustomers,CustomerCount)")),
               RATE, "Lost / all customers", NONE_LOST_YET),
        Figure("Active3", "Active after 3 periods",
               '=IF(CurveDone=0,"",IF(COUNT(CurveRate)>3,INDEX(CurveRate,4),""))', RATE,
               "From the sheet {Curve}"),
        Figure("Active12", "Active after 12 periods",
               '=IF(CurveDone=0,"",IF(COUNT(CurveRate)>12,INDEX(CurveRate,13),""))', RATE,
               "From the sheet {Curve}"),
    ),
    "Value": (
        Figure("OrderValue", "Average order value",
               blank_if(NO_VALUE, "AOV(Revenue,OrderCount)"), MONEY, "Revenue / orders"),
        Figure("CustomerRevenue", "Revenue per customer",
               blank_if(NO_VALUE, "ARPU(Revenue,CustomerCount)"), MONEY, "Revenue / customers"),
        Figure("MonthlyOrders", "Orders per customer and month",
               blank_if(NOBODY, blank_if(NO_CLV, "OrderCount/CustomerCount/"
                                         "((DataUntil-FirstOrder+1)/30.4375)")),
               AVERAGE, "Over the whole time", NO_CLV_YET),
        Figure("CustomerValue", "CLV of a new customer, as margin",
               blank_if('OR(MonthlyOrders="",OrderValue="")',
                        "CLV(OrderValue,MonthlyOrders,Lifetime,GrossMargin,DiscountRate)"),
               MONEY, "Margin, discounted", NO_CLV_YET),
        Figure("HighestCac", "Highest CAC for 3 : 1",
               blank_if('CustomerValue=""', "CustomerValue/3"), MONEY, "CLV : CAC = 3, by rule",
               NO_CLV_YET),
    ),
}  # fmt: skip

EVERY = {figure.name: figure for group in FIGURES.values() for figure in group}
TILES = (
    Tile("CustomerCount", "higher", "new customers"),
    Tile("Revenue", "higher", "revenue"),
    Tile("OrderValue", "higher", "order value"),
    Tile("RepeatRate", "higher"),
    Tile(
        "CustomerValue",
        "higher",
        why=(
            ("TRUE", "CLV is not compared: a period has fewer days than the lifetime set below."),
        ),
    ),
)

# Of several orders with one number, that number is one order; RFM counts it once, and has no day of
# purchase of a return. Its first row is a header, which is more than 0.
RETURNS = of_range('COUNTIF(Orders[amount],"<0")', f'COUNTIFS({ON_DAYS},Orders[amount],"<0")')
ORDERS_COUNTED = (
    f"=IF(RowsInRange=0,0,IF(COUNTA(Orders[order])=0,RowsInRange-{RETURNS},SUMPRODUCT((CHOOSECOLS("
    f"RFM({ORDER},{within_range('Orders[date]')},{AMOUNT}),3)>0)*1)-1))"
)
FIRST_DAY = of_range("MIN(Orders[date])", f"_xlfn.MINIFS(Orders[date],{ON_DAYS})")
LAST_DAY = of_range("MAX(Orders[date])", f"_xlfn.MAXIFS(Orders[date],{ON_DAYS})")
BASIS = (
    Basis("RowsInRange", DAYS_SHOWN.figures()[2].formula, COUNT),
    Basis("OrdersFrom", f"={FIRST_DAY}", VALUE),
    Basis("OrdersUntil", f"={LAST_DAY}", VALUE),
    Basis("OrdersCounted", ORDERS_COUNTED, COUNT, array=True),
)  # fmt: skip
BOUGHT_ON = f"CHOOSECOLS(RFM({BOUGHT},{AMOUNT}),3)"
OF_CUSTOMERS = (
    Basis("CustomerCount", f"=SUMPRODUCT(({BOUGHT_ON}>0)*1)-1", COUNT, array=True),
    Basis("RepeatCustomers", f"=SUMPRODUCT(({BOUGHT_ON}>1)*1)-1", COUNT,
           array=True),
)  # fmt: skip
"""What the tables of the sheet Model say of the range, for the period before, which has none.

The header above the days is text, and more than any number.
"""

TO_COME = (
    Figure("ForecastCustomers", "Customers who bought",
           blank_if(NO_FORECAST, "COUNT(Repeats)"), COUNT,
           "Returns alone do not count"),
    Figure("AliveCustomers", "Still customers", blank_if(NO_FORECAST, "SUM(Alive)"), COUNT,
           "To expect: P(alive), summed"),
    Figure("ExpectedPurchases", "Purchases to come", blank_if(NO_FORECAST, "SUM(Expected)"),
           COUNT, "Within the weeks set above"),
    Figure("ClvTotal", "Revenue to come", blank_if(NO_WORTH, "SUM(Worth)"), MONEY,
           "Discounted: the CLV of all"),
    Figure("ClvMargin", "Its gross margin", blank_if(NO_WORTH, "ClvTotal*GrossMargin"), MONEY,
           "At the margin of {Summary}"),
    Figure("ClvMean", "Revenue to come, a customer",
           blank_if(NO_WORTH, "ARPU(ClvTotal,ForecastCustomers)"), MONEY,
           "Revenue to come / customers"),
)  # fmt: skip

CHECKED = (
    Figure("CameTotal", "Purchases that came",
           blank_if(NO_CHECK, "INDEX(CheckCameSoFar,ROUNDUP(HeldOut,0))"), COUNT,
           "By customers seen before"),
    Figure("ForetoldTotal", "Purchases foretold",
           blank_if(NO_CHECK, "INDEX(CheckExpectedSoFar,ROUNDUP(HeldOut,0))"), COUNT,
           "To expect of the same ones"),
    Figure("ForetoldLow", "Low", blank_if(NO_CHECK, "PurchasesLow"), COUNT,
           "90 in 100 such forecasts come"),
    Figure("ForetoldHigh", "High", blank_if(NO_CHECK, "PurchasesHigh"), COUNT,
           "to lie between low and high"),
    Figure("CheckBias", "Foretold above what came",
           blank_if(f"IF({NO_CHECK},TRUE,CameTotal=0)", "ForetoldTotal/CameTotal-1"), RATE,
           "Below 0: more came than foretold"),
    Figure("CheckError", "Mean error of a customer",
           blank_if(NO_CHECK, 'INDEX(CheckExpected,_xlfn.XMATCH("mean absolute error",'
                    "CheckPeriod))"), AVERAGE,
           "Purchases, too many or too few"),
)  # fmt: skip


def without(start: str, *moved: str) -> str:
    """The condition that columns by month do not tell a rate: none of the start, or of others."""
    there = "*".join(f"COUNT({name})" for name in moved)
    return f"OR(SUM({start})=0,{there}+0*SUM({','.join(moved)})=0)"


CONTRACTS = (
    Figure("CurrentCustomers", "Customers now",
           blank_if(NO_MONTHS, f"INDEX(CustomersEnd,{MONTHS})"), COUNT,
           "At the end of the last month"),
    Figure("CurrentMrr", "Recurring revenue now", blank_if(NO_MONTHS, f"INDEX(MrrEnd,{MONTHS})"),
           MONEY, "MRR at the end of the last month"),
    Figure("CurrentArpu", "Recurring revenue each",
           blank_if('OR(CurrentMrr="",N(CurrentCustomers)=0)', "ARPU(CurrentMrr,CurrentCustomers)"),
           MONEY,
           "MRR / customers"),
    Figure("MonthlyChurn", "Churn a month",
           blank_if(without("CustomersStart", "CustomersLost"),
                    "CHURN_RATE(SUM(CustomersLost),SUM(CustomersStart))"), RATE,
           "Lost / at the start, these months"),
    Figure("YearlyChurn", "Churn a year",
           blank_if('MonthlyChurn=""', "ANNUAL_CHURN(MonthlyChurn)"), RATE,
           "Churn a month, compounded"),
    Figure("LifetimeMonths", "Months a customer stays",
           blank_if("N(MonthlyChurn)=0", "CUSTOMER_LIFETIME(MonthlyChurn)"), PERIODS,
           "1 / churn a month"),
    Figure("MeanGrr", "Revenue kept (GRR)",
           blank_if(without("MrrStart", "MrrLess", "MrrChurned"),
                    "GRR(SUM(MrrStart),SUM(MrrLess),SUM(MrrChurned))"), RATE,
           "A month, expansion left out"),
    Figure("MeanNrr", "Net revenue kept (NRR)",
           blank_if(without("MrrStart", "MrrLess", "MrrChurned", "MrrMore"),
                    "NRR(SUM(MrrStart),SUM(MrrLess),SUM(MrrChurned),SUM(MrrMore))"), RATE,
           "A month, with expansion"),
)  # fmt: skip

EARNED = of_range(
    "SUM(Orders[amount])",
    'SUMIFS(Orders[amount],Orders[date],"<"&RangeUntil+1)'
    '-SUMIFS(Orders[amount],Orders[date],"<"&RangeFrom)',
)

AGREEMENTS = (
    Agreement("Average order value", "=OrderValue",
              blank_if('OrderValue=""', f"{EARNED}/OrderCount"), MONEY),
    Agreement("Repeat purchase rate", "=RepeatRate",
              blank_if(NOBODY, 'COUNTIF(PurchaseCount,">1")/COUNTIF(PurchaseCount,">0")'), RATE),
    Agreement("Revenue, summed by customer", "=IF(CustomersDone=0,0,SUM(Monetary))",
              f"={EARNED}", MONEY),
    Agreement("CLV of a new customer, as margin", "=CustomerValue",
              blank_if('CustomerValue=""',
                       "-PV(DiscountRate,Lifetime,OrderValue*MonthlyOrders*GrossMargin)"),
              MONEY),
    Agreement("Revenue, summed over cohorts", blank_if(TOO_LONG, "SUM(CohortRevenue)"),
              blank_if(TOO_LONG, EARNED), MONEY),
    Agreement("Churn a year", "=YearlyChurn",
              blank_if('YearlyChurn=""',
                       "1-(1-SUM(CustomersLost)/SUM(CustomersStart))^12"), RATE),
    Agreement("Net revenue kept (NRR)", "=MeanNrr",
              blank_if('MeanNrr=""',
                       "1+(SUM(MrrMore)-SUM(MrrLess)-SUM(MrrChurned))/SUM(MrrStart)"), RATE),
    Agreement("Left after a period, first cohort", "=FirstLeft",
              blank_if("FirstFitted=0",
                       'IF(FirstAlpha="",1-FirstChurn,FirstBeta/(FirstAlpha+FirstBeta))'), RATE),
    Agreement(retention_counted.RANKED, blank_if('Revenue=""', "SUM(RankedClv)"),
              blank_if('Revenue=""', "SUM(Worth)"), MONEY),
)  # fmt: skip


# Counted by functions that are fast also over a million orders.
PROBLEMS = (
    *NOT_KNOWN,
    Problem("Orders years apart from all others", f"=IF({TOO_LONG},1,0)",
            FARTHEST_DAY,
            f"Over {MOST_PERIODS} periods there are no cohorts: correct the date, or choose a"
            " longer period."),
    DAYS_SHOWN.nothing(),
    NO_AMOUNT,
    UNDONE_ORDERS,
    Problem("Orders without their number",
            '=IF(COUNTA(Orders[order])=0,0,COUNTIFS(Orders[order],"",Orders[date],"<>"))',
            first_gap("order", "date"), "Give the number to every row, or to none."),
    Problem("Months begun with other customers",
            '=SUMPRODUCT((LaterStart<>"")*(EarlierEnd<>"")*(LaterStart<>EarlierEnd))', "",
            "Start, new and lost customers must lead from month to month: see {Recurring}."),
    Problem("Months begun with other revenue",
            '=SUMPRODUCT((LaterMrr<>"")*(EarlierMrr<>"")*(LaterMrr<>EarlierMrr))', "",
            "The revenue at the start must be that at the end of the month before."),
    Problem("Months that lose more than they had",
            *where(SUBSCRIPTIONS,
                   "((Subscriptions[customers_lost]>Subscriptions[customers_start])+"
                   "(Subscriptions[contraction]+Subscriptions[churned]>Subscriptions[mrr_start])"
                   ">0)*1"),
            "Lost, contraction and churned count customers of the start only."),
    Problem("Periods that are missing or twice",
            f"=IF({SURVIVORS.empty},0,IF(OR({','.join(map(uneven, COHORTS_OF))}),MAX(1,"
            f"ROUNDUP(MAX({','.join(f'ABS({missing(one)})' for one in COHORTS_OF)}),0)),0))", "",
            "Rows go from period 0 on, one by one, with no blank cell between."),
    Problem("Periods that gain customers",
            '=SUMPRODUCT((LaterLeft<>"")*(EarlierLeft<>"")*(LaterLeft>EarlierLeft))'
            '+SUMPRODUCT((LaterCompared<>"")*(EarlierCompared<>"")'
            "*(LaterCompared>EarlierCompared))", "",
            "Nobody joins a cohort later: correct the count."),
)  # fmt: skip

SEGMENTS = {
    "Champions": "Bought lately, often, for much. Reward them; ask them for reviews.",
    "Potential loyalists": "Bought lately, and more than once. Offer a membership.",
    "New": "Bought lately, for the first time or little. Welcome them; help with a second order.",
    "Loyal": "Buy often, but a while ago. Show them what is new.",
    "Needs attention": "Middling in all. Remind them with a limited offer.",
    "About to sleep": "Getting quiet, never bought much. A cheap reminder will do.",
    "Cannot lose": "Used to buy much, and stopped. Call them.",
    "At risk": "Used to buy, and stopped. Win them back with a good offer.",
    "Lost": "Bought little, long ago. Leave them out of costly campaigns.",
}


SAMPLES = Sentence(
    "Orders: the online music shop CDNOW, customers who first bought in January to March 1997,"
    " followed to June 1998, amounts in US dollars. Fader & Hardie (2001), Forecasting Repeat Sales"
    " at CDNOW: A Case Study, Interfaces 31 (3); data of Bruce Hardie, brucehardie.com. Survivors:"
    " the segments High End and Regular, per thousand, of Fader & Hardie (2007), How to Project"
    " Customer Retention, Journal of Interactive Marketing 21 (1). Subscriptions: made up,"
    " not real."
)


def sample() -> Sample:
    """Real orders and survivors, and made-up subscriptions; one month has other customers."""
    orders = sample_table("cdnow")
    del orders["cds"]
    others = {
        "Subscriptions": sample_table("subscriptions"),
        "Survivors": sample_table("survivors"),
    }
    return Sample({"Orders": orders, **others}, SAMPLES)


def counted(found: "CountedOrders", place: str, day: date, say: Say) -> Given:
    """What stands for orders that were counted where they are, at a place, on a day."""
    names = *EVERY, *(cell.name for cell in (*BASIS, *OF_CUSTOMERS))
    before = ["RowsBefore", *(f"{name}Before" for name in dict.fromkeys(names))]
    settings = {one.name: one.value for one in (*FORECAST_SETTINGS, *CHECK_SETTINGS)}
    return retention_counted.given(found, place, day, before, settings, say)


def asked() -> "Asked":
    """What the models are asked where orders are counted: what the settings are at first."""
    from kpi_xl.frame_counts import Asked

    setting = {one.name: one for one in (*FORECAST_SETTINGS, *CHECK_SETTINGS)}
    horizon, yearly, weeks = (
        float(setting[name].value) for name in ("Horizon", "YearlyRate", "HeldOut")
    )
    model = setting["BuyingModel"].default
    return Asked(int(horizon), (1.0 + yearly) ** (1 / 52) - 1.0, model, int(weeks), CONFIDENCE)


def write(book: Book) -> None:
    """Write the sheets for people, Checks and Model."""
    # The tables first: how large they are says how much room the other sheets give them.
    model(book.pages["Model"])
    summary(book.pages["Summary"])
    cohorts(book.pages["Cohorts"])
    cohort_revenue(book.pages["Cohort revenue"])
    curve(book.pages["Curve"])
    segments(book.pages["Segments"])
    value(book.pages["Value"])
    was_it_right(book.pages["Was it right"])
    contracts(book.pages["Contracts"])
    recurring(book.pages["Recurring"])
    agreed = retention_counted.agreements(AGREEMENTS, book.given) if book.given else AGREEMENTS
    checks(book.pages["Checks"], agreed, PROBLEMS)


def model(page: Page) -> None:
    """The spilling formulas, names over their columns, and whether the models could be fitted."""
    given = page.book.given
    spilled = "A formula of kpi_xl spills each of these tables."
    lay_out(page, "Model", retention_counted.MODEL if given else spilled,
            ((SHARES.column, 13),), frozen=(TOP + 1, 1))  # fmt: skip
    page.sheet.set_column(CUSTOMERS.column + 7, CUSTOMERS.column + 7, 20)
    first = page.at(TOP, FIT.column)  # asked for by name, so that it is computed first
    too_many = f'IF({first}="",TRUE,N(FittedCustomers)>{MOST})'
    spills = [one._replace(blank=one.blank.replace(TOO_MANY, too_many)) for one in SPILLS]
    put_spills(page, TOP, spills, given.blocks if given else None)
    if given:
        retention_counted.days(page, TOP, given)
        page.define("ClvOfAll", TOP + 3, TOTAL.column + 2)
    for cohort in COHORTS_LEFT:
        cohort_left(page, *cohort)
    fitted(page)
    rows_of_listed(page)
    days_before(page)
    for name, column in (("OnDays", 2), ("Spent", 3)):
        page.define(name, TOP + 1, column, TOP + MOST, column)
    page.define("CohortRevenue", TOP + 1, REVENUES.column + 2, TOP + 1000, KEPT.column - 1)
    page.sheet.print_area(0, 0, 1, 7)


def cohort_left(page: Page, which: str, _: str, fit: Spill, future: Spill, survivors: str) -> None:
    """The model of a cohort under contract, what it says of the future, and the lifetime value."""
    put_spills(page, TOP, (fit, future))
    worth = blank_if(f"{which}Fitted=0", f"CLV_SBG(ContractMargin,{survivors},ContractRate)")
    page.put_array(TOP - 2, fit.column + 1, worth, page.styles.number(MONEY))
    # Without an alpha the row after beta is the churn.
    rows = (("Clv", TOP - 2), ("Alpha", TOP + 1), ("Beta", TOP + 2), ("Churn", TOP + 3))
    for name, row in rows:
        page.define(f"{which}{name}", row, fit.column + 1)


def fitted(page: Page) -> None:
    """How many periods there are, bounds of what was foretold, how purchases go with spend."""
    days = 'IF(PeriodCode="W",7,IF(PeriodCode="M",30.4375,IF(PeriodCode="Q",91.3125,365.25)))'
    span = f"(OrdersUntil-OrdersFrom)/{days}"
    page.put(TOP - 2, SHARES.column, f"=IF(RowsInRange=0,0,{span})", page.styles.lead())
    page.define("PeriodCount", TOP - 2, SHARES.column)
    addresses(page, TOP - 2, CUSTOMERS.column + 6)
    for name, column in (("PurchasesLow", 1), ("PurchasesHigh", 3)):
        page.define(name, TOP + 2, FORETOLD.column + column)
    spent, often = (f'IF(OnDays>1,{of},"")' for of in ("Spent/OnDays", "OnDays"))
    # Where all are alike there is nothing to correlate.
    alike = f"OR(MAX({often})=MIN({often}),MAX({spent})=MIN({spent}))"
    repeated = blank_if(f"IF({NO_WORTH},TRUE,{alike})", f"CORREL({often},{spent})")
    looks = page.styles.number(AVERAGE)
    page.put_named(TOP - 2, FIT.column + 1, "SpendCorrelation", repeated, looks, array=True)
    page.define("FitTable", TOP, FIT.column)
    page.define("FittedCustomers", TOP + 9, FIT.column + 1)


ROW_OF_BUYER = Measure("row", "_xlfn.XMATCH({source customer},Buyer)", WHOLE,
                       blank='{source customer}=""')  # fmt: skip
"""The row of a listed customer in the table of the forecast, over whose columns there are names."""


def rows_of_listed(page: Page) -> None:
    """Where those customers stand who are listed: each is sought once, for all that is said."""
    for spill, (count, column) in LISTED.items():
        page.write(TOP - 1, column, spill.title, page.styles.heading())
        ranked = originals(page, TOP + 1, spill.column, ("customer",), count)
        put_grid(page, TOP, (ROW_OF_BUYER,), ranked, left=column)


OF_MONTH = f"{within('Orders[date]')},{{until}}"
COURSES = (
    Measure("month", "{first}", MONTH, blank="RowsInRange=0"),
    Measure("revenue", f"SUMIFS(Orders[amount],{OF_MONTH})", MONEY,
            blank=ifs((('{$month}=""', "TRUE"), ('Revenue=""', "TRUE")),
                      unsaid(OF_MONTH, "Orders[amount]"))),
    Measure("orders", f'COUNTIFS({OF_MONTH})-COUNTIFS({OF_MONTH},Orders[amount],"<0")', COUNT),
    Measure("order value", "AOV({revenue},{orders})", MONEY, over="N({orders})",
            blank='IF({revenue}="",TRUE,COUNTA(Orders[order])>0)'),
    Measure("new customers", "INDEX({sizes},COUNT({sizes})-{ago})", COUNT,
            blank="COUNT({sizes})<={ago}"),
)  # fmt: skip
"""The last twelve months of orders, and periods of new customers."""


def courses(page: Page) -> Grid:
    """Where the sheet Model has them."""
    return Grid(page, TOP, BY_MONTHS, COURSES, 12)


def known(book: Book) -> list[Basis]:
    """What follows from the settings, and what the orders of the days come to."""
    chosen = (*SETTINGS, *FORECAST_SETTINGS)
    # A number, so that programs without kpi_xl keep it: a blank cell they compute anew.
    q = book.at("Model", TOP + 6, FIT.column + 1)
    shape = f'=IF(IF({NO_FIT},TRUE,Revenue=""),0,N({q}))'
    return [*DAYS_SHOWN.basis(book), *BASIS, *codes(book, chosen),
            Basis("SpendShape", shape, AVERAGE)]  # fmt: skip


def days_before(page: Page) -> None:
    """The days that are shown, the figures of those before, and the course of some."""
    page.write(TOP - 1, RANGE, "The days that are shown, and those before", page.styles.heading())
    row = put_basis(page, TOP + 1, RANGE, known(page.book))
    figures_before(page, row + 1, RANGE, [*EVERY.values(), *BASIS, *OF_CUSTOMERS],
                   [tile.figure for tile in TILES])  # fmt: skip
    sizes = page.at(TOP + 1, SHARES.column + 1, TOP + MOST_PERIODS, SHARES.column + 1)
    months = [
        {**month, "ago": str(ago), "sizes": sizes, "until": 'Orders[date],"<"&RangeUntil+1'}
        for month, ago in zip(last_months("OrdersUntil", 12), range(11, -1, -1), strict=True)
    ]
    put_grid(page, TOP, COURSES, months, left=BY_MONTHS, blank='{$month}=""')


def summary(page: Page) -> None:
    """The figures for the boss."""
    lay_out(page, "Customer retention", "Change the yellow cells to your own.",
            ((1, 3), (5, 27)), column=1)  # fmt: skip
    status(page, 2, 1, ORDERS)
    shown = with_courses(TILES, courses(page.book.pages["Model"]))
    top, row = key_figures(page, TOP, shown, SETTINGS, FIGURES, meanings=27)
    page.book.later(partial(add_curve, page, (top, 4, 392, 286)))
    lines, title = page.book.pages["Cohorts"], "Share of each cohort active, by age"
    page.book.later(partial(add_cohort_lines, page, title, lines, (top + 15, 4, 392, 286)))
    page.sheet.print_area(0, 0, row, 5)


def cohorts(page: Page) -> None:
    """Retention by cohort as a heat map, and the customers behind it."""
    share, size = page.styles.of("0%", align="center"), page.styles.number(COUNT, align="center")
    maps = ("Share of customers active", SHARES, share), ("Customers active", COUNTS, size)
    two_maps(page, maps, "Cohorts", 6.5, ("Share of each cohort active, by age", 1080))


def cohort_revenue(page: Page) -> None:
    """What each cohort brings at each age, and how much of its first revenue that is."""
    money, share = page.styles.number(LARGE, align="center"), page.styles.of("0%", align="center")
    maps = (("Share of the first period's revenue", KEPT, share), ("Revenue", REVENUES, money))
    lines = "Share of each cohort's first revenue, by age", 1370
    two_maps(page, maps, "Cohort revenue", 9, lines)


def two_maps(
    page: Page,
    maps: Sequence[tuple[str, Spill, Format]],
    title: str,
    width: float,
    lines: tuple[str, int],
) -> None:
    """A sheet of two tables of cohorts as heat maps, their columns so wide.

    `lines` are the title and the width of the chart of the first one.
    """
    lead = (
        "Rows: the period of the first order. Columns: periods since. A row's last number grows"
        " until that period is over. Returns count as activity."
    )
    lay_out(page, title, lead, ((1, 12), (1, 10), (199, width)), frozen=(TOP + 1, 2))
    styles, source = page.styles, page.book.pages["Model"]
    rows, columns = page.book.assumed(lambda: shown(page.book, SHARES, 25, 38))
    bold, size = styles.label(bold=True), styles.number(COUNT, align="center")
    for number, (_, spill, style) in enumerate(maps):
        top = TOP + number * (rows + 2)
        mirror(page, top, source, TOP, spill.column, rows, columns, [bold, size, style])
        # Age 0 is always 100 %: with it in the scale, the others would all look alike.
        heat(page, top + 1, 3, top + rows - 1, columns - 1)
    names = source.at(TOP + 1, SHARES.column, 1999, SHARES.column)
    ages = source.at(TOP, SHARES.column, TOP, COUNTS.column - 1), columns
    warn_of_more(page, 2, names, rows - 1, f"{title.title().replace(' ', '')}Cut", ages)

    def frame() -> None:
        block = table(page.book, SHARES)
        across = max(len(block[0]) if block else 0, 20)
        for number, (heading, *_) in enumerate(maps):
            section(page, TOP + number * (rows + 2) - 1, 0, across - 1, heading)
        page.sheet.print_area(0, 0, top + max(len(block), 3), across - 1)

    page.book.later(frame)
    place = TOP, 0, lines[1], 340
    page.book.later(partial(add_cohort_lines, page, lines[0], page, place, among=True))


def curve(page: Page) -> None:
    """The retention curve of all cohorts together, as a table and a chart."""
    styles, source = page.styles, page.book.pages["Model"]
    rows = page.book.assumed(lambda: shown(page.book, CURVE, 37, 4)[0])
    lead = (
        "The share of customers active at each age, over the cohorts that are old enough. A return"
        " counts as activity, also where it is a customer's first row."
    )
    widths = ((1, 8), (1, 19), (2, 12), (1, 4))
    lay_out(page, "Retention curve", lead, widths, frozen=(TOP + 1, 0))
    count = styles.number(COUNT)
    formats = [styles.of("0", bold=True, align="start"), count, count, styles.number(RATE)]
    mirror(page, TOP, source, TOP, CURVE.column, rows, 4, formats, "CurveDone=0")
    none = page.book.phrase("No period is over in the data yet.")
    early = f"IF({NO_COHORTS},FALSE,CurveDone=0)"
    page.put(3, 0, f'=IF({early},{none},"")', styles.warning())
    at_risk = xl_rowcol_to_cell(TOP + 2, 1)
    no_bars(page, (TOP + 2, 3, TOP + rows - 1, 3), f"N({at_risk})<10")
    bars(page, TOP + 2, 3, TOP + rows - 1, 3)
    page.book.later(partial(add_curve, page, (TOP, 5, 800, 420)))
    page.define("CurveRate", TOP + 1, 3, TOP + rows - 1, 3)
    ages = source.at(TOP + 1, CURVE.column, 1999, CURVE.column)
    warn_of_more(page, 2, ages, rows - 1, "CurveCut")
    page.book.later(
        lambda: page.sheet.print_area(0, 0, TOP + max(len(table(page.book, CURVE)), 22), 17)
    )


# Who has returns alone has bought nothing in the days shown.
BUYERS_OF = 'Segment,{quoted},PurchaseCount,">0"'
SEGMENT_COLUMNS = (
    Measure("segment", "{segment}", KEY, look={**NAME, "shrink": True}, kind="text"),
    Measure("customers", f"IF(CustomersDone=0,0,COUNTIFS({BUYERS_OF}))", COUNT),
    Measure(
        "share", "{customers}/CustomerCount", RATE, blank=NOBODY, bars=True, of="CustomerCount"
    ),
    Measure(
        "revenue",
        "IF(CustomersDone=0,0,SUMIF(Segment,{quoted},Monetary))",
        MONEY,
        blank='Revenue=""',
    ),
    Measure(
        "share",
        "{revenue}/Revenue",
        RATE,
        over="N(Revenue)",
        key="share of revenue",
        bars=True,
        of="CustomerCount",
    ),
    Measure("days since", f"AVERAGEIFS(Recency,{BUYERS_OF})", COUNT, over="{customers}"),
    Measure("what to do", "{advice}", KEY, look=REMARK, kind="text"),
)


def segments(page: Page) -> None:
    """How many customers each segment has, what they spent, and what to do."""
    lead = "By recency (R) and the mean of frequency and monetary value; the scores are in {Model}."
    lay_out(page, "Segments", lead, ((1, 20), (5, 13), (1, 90)), frozen=(TOP + 1, 1))
    widen(page, 0, 20, map(page.book.say, SEGMENTS))
    # The spilled segments are in English in every language.
    rows = [{"segment": name, "quoted": literal(name), "advice": advice}
            for name, advice in SEGMENTS.items()]  # fmt: skip
    table = put_grid(page, TOP, SEGMENT_COLUMNS, rows, height=20)
    draw(page, "column", "Customers and revenue by segment",
         [table.series("share", BLUE, "Share of customers"),
          table.series("share of revenue", ORANGE, "Share of revenue")],
         (table.last + 2, 0, 900, 380), number_format="0%")  # fmt: skip
    page.sheet.print_area(0, 0, table.last + 22, 6)


# What customers will still buy

AMOUNTS_DOUBTED = (
    "Careful: customers who buy often spend clearly more, or less, at a time than others. The"
    " model of spend takes it that they do not: do not trust its amounts."
)
AMOUNTS_SOUND = (
    "Customers who buy often spend hardly more or less at a time than others, as the model of"
    " spend takes it."
)
IN_WORDS = (
    "P(alive) is the chance that a customer still buys: high after long silence only for those"
    " who always bought seldom.",
    "CLV is what a customer will still spend within the weeks set, discounted; not what was"
    " spent. Models: the one set above for purchases, Gamma-Gamma for spend.",
    "mbgnbd: customers may stop after any purchase; paretonbd: at any moment; bgnbd: not before"
    " their second one, so that it counts everybody who bought once as a customer for ever.",
    "Times are weeks. A week's discount rate is (1 + a year's)^(1/52) - 1.",
    "Low and high: of 100 forecasts by a model that is right, 90 come to lie between them. Those of"
    " one customer are of what is to be expected, not of what chance makes of it.",
    'Where customers are few the models lean on what ordinary shops have (the prior "weak", see'
    " BTYD_FIT), the less the more there are. Where the model of spend does not fit, the mean is"
    " taken.",
)


def value(page: Page) -> None:
    """What customers will still buy, by the models of purchases and spend; the lists of them."""
    lead = "What customers who buy without a contract will still buy, told from when they bought."
    widths = ((1, 34), (1, 15), (1, 44), (1, 3), (1, 18), (8, 12.5))
    lay_out(page, "Value to come", lead, widths, frozen=(2, 0))
    value_status(page)
    row = settings(page, TOP, 0, FORECAST_SETTINGS)
    row = figures(page, row + 1, 0, "What is to come", TO_COME)
    row = figures(page, row + 1, 0, "How they buy", how_they_buy(page.book.pages["Model"]))
    text = page.styles.text()
    linked = f"ABS(SpendCorrelation)>={CORRELATED}"
    untold = f'IF({NO_WORTH},TRUE,SpendCorrelation="")'
    doubted, sound = map(page.book.phrase, (AMOUNTS_DOUBTED, AMOUNTS_SOUND))
    page.sheet.merge_range(row, 0, row + 2, 2, "", text)
    page.put(row, 0, blank_if(untold, f"IF({linked},{doubted},{sound})"), text)
    page.mark((row, 0), f"ABS(N(SpendCorrelation))>={CORRELATED}", WARN)
    row += 4
    section(page, row, 0, 2, "In words")
    row = paragraphs(page, row + 1, (0, 2), IN_WORDS) - 1
    section(page, TOP - 1, 4, 7, "All customers together")
    source = page.book.pages["Model"]
    bounds = originals(source, TOP + 1, TOTAL.column + 1, ("low", "expected", "high"), 3)
    figures_to_come = {"Still customers": NO_FORECAST, "Purchases to come": NO_FORECAST,
                       "Revenue to come": NO_WORTH}  # fmt: skip
    rows = [
        {"figure": figure, "none": none} | cells
        for (figure, none), cells in zip(figures_to_come.items(), bounds, strict=True)
    ]
    bottom = put_grid(page, TOP, BOUNDS, rows, left=4).last
    bottom = listed(
        page, bottom + 2, "The most valuable customers", "CLV", RANKED, BOUNDS_OF_BUYERS
    )
    bottom = listed(page, bottom + 2, "Good customers who may be lost", "repeat spend", AT_RISK)
    page.sheet.print_area(0, 0, max(row, bottom), 12)


MANY = "More than {most} customers: too many to forecast one by one, so there are no lists."


def value_status(page: Page) -> None:
    """What is next: fill the table, take another, or nothing."""
    few = (
        "The data do not tell who will buy again: fewer than 10 customers bought again. Add orders"
        " of a longer time."
    )
    fine = page.book.phrase(
        "Estimates from the orders of each customer; weeks are the unit of time."
    )
    if page.book.given:
        fine = literal(str(page.book.given.values["HowForetold"]))
    model_status(page, FORECAST, few, fine, "ForecastDone=0")


def model_status(page: Page, spill: Spill, few: str, fine: str, wrong: str) -> None:
    """Why a table of the models is not there, or a formula of what is said where it is."""
    book, table = page.book, page.book.at("Model", TOP, spill.column)
    # Of orders that were counted there is a forecast of any number of customers, and no list.
    given = book.given.values if book.given else {}
    many = "FALSE" if given else f"N(FittedCustomers)>{MOST}"
    cases = (
        (ORDERS.empty, book.phrase("Nothing to show yet: fill the sheet {Orders}.")),
        (many, book.phrase(MANY, most=f"{MOST:,}")),
        (f"ISNA({table})", book.phrase(few)),
        (f'{table}=""', literal(str(given.get("HowForetold", "")))),
    )
    status_line(page, f"={ifs(cases, fine)}", wrong)


def status_line(page: Page, formula: str, wrong: str) -> None:
    """What a sheet says of itself under its title, as a warning where a condition holds."""
    page.put(2, 0, formula, page.styles.lead())
    page.mark((2, 0), wrong, WARN)


def how_they_buy(source: Page) -> tuple[Figure, ...]:
    """What the parameters of the models say."""
    r, alpha, a, b, p, q, v = (source.at(TOP + place, FIT.column + 1) for place in range(1, 8))
    return (
        Figure("WeeksBetween", "Weeks between purchases", blank_if(NO_FIT, f"{alpha}/{r}"),
               PERIODS, "Of a mean customer who still buys"),
        Figure("StopChance", "Stop after a purchase",
               blank_if(f'IF({NO_FIT},TRUE,BuyingModelCode="paretonbd")', f"{a}/({a}+{b})"), RATE,
               "Mean chance, each time they return"),
        Figure("MeanSpend", "Mean spend a purchase",
               blank_if("SpendShape<=1", f"{p}*{v}/({q}-1)"), MONEY,
               "Of those who come back"),
        Figure("SpendLink", "Frequency and spend", blank_if(NO_WORTH, "SpendCorrelation"),
               AVERAGE, "Correlation, from -1 to 1"),
    )  # fmt: skip


OF_BUYERS = (
    Measure("P(alive)", "INDEX(Alive,{source row})", RATE),
    Measure("purchases to come", "INDEX(Expected,{source row})", AVERAGE),
    Measure("spend each", "INDEX(Spend,{source row})", MONEY),
    Measure("repeat purchases", "INDEX(Repeats,{source row})", COUNT),
    Measure("weeks since", "INDEX(Age,{source row})-INDEX(LastBought,{source row})", COUNT),
)


BOUNDS = (
    Measure("", "{figure}", KEY, look=NAME, kind="text"),
    *(copied(h, COUNT)._replace(blank="{none}") for h in ("low", "expected", "high")),
)
BOUNDS_OF_BUYERS = (
    Measure("low", "INDEX(WorthLow,{source row})", MONEY),
    Measure("high", "INDEX(WorthHigh,{source row})", MONEY),
)


def listed(
    page: Page, top: int, title: str, measure: str, spill: Spill, more: tuple[Measure, ...] = ()
) -> int:
    """A list of customers at the right, ranked on the sheet Model. Returns its last row."""
    section(page, top, 4, 10 + len(more), title)
    names = (copied("customer", KEY, NAME), copied(measure, MONEY)._replace(bars=True))
    model, (count, column) = page.book.pages["Model"], LISTED[spill]
    ranked = originals(model, TOP + 1, spill.column, ("customer", measure), count)
    rows = originals(model, TOP + 1, column, ("row",), count)
    source = [one | other for one, other in zip(ranked, rows, strict=True)]
    table = put_grid(page, top + 1, (*names, *more, *OF_BUYERS), source, left=4, deep=42,
                     blank='{$customer}=""')  # fmt: skip
    return table.last


# Whether the model would have been right


def checked(header: str, name: str, unit: Unit, *, key: str = "") -> Measure:
    """A measure of the row that BTYD_CHECK has under a label."""
    found = f"INDEX({name},_xlfn.XMATCH({{label}},CheckPeriod))"
    # A dot, as in other tables of the model: programs without kpi_xl compute a blank cell anew.
    return Measure(header, f'IF({found}="","·",{found})', unit, blank="{none}", key=key)


BY_FREQUENCY = (
    Measure("repeat purchases before", "{shown}", KEY, look=NAME, kind="raw"),
    checked("actual", "CheckActual", AVERAGE),
    checked("foretold", "CheckExpected", AVERAGE),
)
BY_WEEK = (
    Measure("week", "{label}", WHOLE, blank="{none}", look=NAME),
    checked("actual", "CheckActual", COUNT),
    checked("foretold", "CheckExpected", COUNT),
    checked("actual so far", "CheckCameSoFar", COUNT),
    checked("foretold so far", "CheckExpectedSoFar", COUNT),
)
HELD_IN_WORDS = (
    "The model of {Value} is fitted to the orders before the weeks held back, as if they had not"
    " come yet, and what it foretells is set beside them. New customers are in neither.",
    "Where what came lies outside of low and high, do not plan by {Value}: a season, a campaign or"
    " other prices are not in the model. Try another model there, or hold back other weeks.",
)


def was_it_right(page: Page) -> None:
    """The model fitted without the last weeks, and set beside what came in them."""
    lead = "The model without the last weeks, beside what came in them: with your own orders."
    widths = ((1, 34), (1, 15), (1, 15), (2, 13), (1, 16), (1, 3), (6, 13))
    lay_out(page, "Was it right?", lead, widths, frozen=(2, 1))
    check_status(page)
    row = settings(page, TOP, 0, CHECK_SETTINGS)
    row = figures(page, row + 1, 0, "All of it together", CHECKED)
    section(page, row + 1, 0, 4, "By purchases before, each customer")
    kinds = [{"label": f'"x={count}{more}"', "shown": f"{count}{more}", "none": NO_CHECK}
             for count, more in enumerate(("",) * 7 + ("+",))]  # fmt: skip
    frequencies = put_grid(page, row + 2, BY_FREQUENCY, kinds)
    section(page, frequencies.last + 2, 0, 4, "Week by week")
    top = frequencies.last + 3
    weeks = [{"label": str(week), "none": f"IF({NO_CHECK},TRUE,{week}>HeldOut)"}
             for week in range(1, WEEKS + 1)]  # fmt: skip
    table = put_grid(page, top, BY_WEEK, weeks)
    more = page.book.phrase("Further weeks are on the sheet {Model}.")
    beyond = ifs(((NO_CHECK, '""'), (f"HeldOut>{WEEKS}", more)))
    page.put(table.last + 1, 0, f"={beyond}", page.styles.lead())
    paragraphs(page, TOP, (7, 12), HELD_IN_WORDS)
    lines = ("actual", BAR, "Actual"), ("foretold", BLUE, "Foretold")
    chart(page, "column", "Purchases by week", table, lines, (TOP + 6, 7, 560, 320))
    chart(page, "column", "Purchases by those before, each customer", frequencies, lines,
          (TOP + 23, 7, 560, 320), number_format="0.0")  # fmt: skip
    page.sheet.print_area(0, 0, table.last + 2, 12)


def check_status(page: Page) -> None:
    """Whether what came lies within what was foretold, or what is next."""
    few = (
        "The weeks before do not tell who will buy again: fewer than 10 customers had bought again."
        " Hold back fewer weeks."
    )
    verdict = ifs((
        ("CameTotal<ForetoldLow", page.book.phrase(
            "Less came than the low bound: the model foretold too much.")),
        ("CameTotal>ForetoldHigh", page.book.phrase(
            "More came than the high bound: the model foretold too little.")),
    ), page.book.phrase(
        "What came lies between low and high: nothing speaks against the model."))  # fmt: skip
    wrong = f"IF({NO_CHECK},TRUE,OR(CameTotal<ForetoldLow,CameTotal>ForetoldHigh))"
    model_status(page, CHECK, few, verdict, wrong)


# Customers who pay by contract

AT_START = "SUMIFS(Survivors[{column}],Survivors[period],0)"
COHORT_FIT = (
    Measure("Customers at the start", AT_START, COUNT),
    Measure("Lifetime value of a customer", "{which}Clv", MONEY),
    Measure("Left after a period", "{left}", RATE),
    Measure("alpha: low if customers differ", "{which}Alpha", AVERAGE),
    Measure("beta: high if few leave early", "{which}Beta", AVERAGE),
)


def left_after(which: str, column: str) -> tuple[Measure, Measure]:
    """The share of a cohort that is left after a period: in the data, and by the model."""
    start = AT_START.format(column=column)
    data = f"SUMIFS(Survivors[{column}],Survivors[period],{{age}})/{start}"
    none = (f'IF({start}=0,TRUE,'
            f'COUNTIFS(Survivors[period],{{age}},Survivors[{column}],">=0")<>1)')  # fmt: skip
    return Measure(f"{which}, data", data, RATE, blank=none), copied(f"{which}, model", RATE)


LEFT_OVER_TIME = (
    Measure("period", "{age}", WHOLE, blank="FirstFitted+SecondFitted=0", look=NAME),
    *left_after("first", "customers"),
    *left_after("second", "compared"),
)


def contracts(page: Page) -> None:
    """How long the customers of a cohort under contract stay: data, and what is to come."""
    source = page.book.pages["Model"]
    lead = "How many of a cohort are left, and how many will be: for customers who pay by contract."
    lay_out(page, "Contracts", lead, ((1, 40), (4, 15), (1, 3)), frozen=(2, 1))
    contracts_status(page)
    row = settings(page, TOP, 0, CONTRACT_SETTINGS) + 2
    header_row(page, row - 1, 0, ("", "first cohort", "second cohort"))
    cohorts = [{"which": which, "column": column, "left": source.at(TOP + 2, future.column + 1)}
               for which, column, _, future, _ in COHORTS_LEFT]  # fmt: skip
    fits = put_grid(page, row - 1, COHORT_FIT, cohorts, blank="{which}Fitted=0", across=True,
                    look={"bold": True}, heads={"shrink": True})  # fmt: skip
    fits.define("FirstLeft", "Left after a period", 1, 1)
    top = fits.last + 3
    section(page, top - 1, 0, 4, "Share of customers left")
    futures = [future.column + 1 for *_, future, _ in COHORTS_LEFT]
    ages = [
        {"age": str(age)} | {f"source {which}, model": source.at(TOP + 1 + age, column)
                             for which, column in zip(("first", "second"), futures, strict=True)}
        for age in range(FARTHEST + 1)
    ]  # fmt: skip
    table = put_grid(page, top, LEFT_OVER_TIME, ages)
    for name, which in (("Left", "first, data"), ("Compared", "second, data")):
        table.define(f"Later{name}", which, 2)
        table.define(f"Earlier{name}", which, 1, FARTHEST)
    for number, (which, colour) in enumerate((("first", BLUE), ("second", ORANGE))):
        draw(page, "column", f"{which.capitalize()} cohort: data and model",
             [table.series(f"{which}, data", BAR, "Data"),
              table.series(f"{which}, model", colour, "Model")],
             (TOP + 18 * number, 6, 640, 340), number_format="0%")  # fmt: skip
    page.sheet.print_area(0, 0, table.last + 1, 16)


def contracts_status(page: Page) -> None:
    """What is next: fill the table, take another cohort, or nothing."""
    say, source = page.book.phrase, page.book.pages["Model"]
    few = say(
        "A cohort's losses do not tell when others will leave: fewer than three periods, nobody"
        " lost, or all in the first period."
    )
    gaps = say("Periods are missing or twice: see the sheet {Checks}.")
    alike = say(
        "A cohort leaves at one same rate, or faster with time: one churn is taken for all of it."
    )
    fine = say("The model is fitted to the first periods; the rows after them test it.")
    unfitted = ",".join(f"ISNA({source.at(TOP, fit.column)})" for _, _, fit, _, _ in COHORTS_LEFT)
    cases = (
        (SURVIVORS.empty, say("Nothing to show yet: fill the sheet {Survivors}.")),
        (f"OR({','.join(uneven(column, *UP_TO_FIT) for column in COHORTS_OF)})", gaps),
        (f"OR({unfitted})", few),
        ("FirstFitted+SecondFitted=0", few),
        ('FirstFitted*(FirstAlpha="")+SecondFitted*(SecondAlpha="")>0', alike),
    )
    status_line(page, f"={ifs(cases, fine)}", "FirstFitted=0")


# Subscriptions by month


def month_sum(header: str, column: str, unit: Unit, name: str = "") -> Measure:
    """The sum of a column over the month; blank where it has no row, or no month has a cell."""
    month = within("Subscriptions[month]")
    none = f'IF({{$month}}="",TRUE,IF(COUNT(Subscriptions[{column}])=0,TRUE,COUNTIFS({month})=0))'
    return Measure(header, f"SUMIFS(Subscriptions[{column}],{month})", unit, blank=none, name=name)


def month_kpi(header: str, formula: str, unit: Unit, over: str = "", name: str = "") -> Measure:
    """What is made of other cells of the month; blank where one of them is."""
    cells = dict.fromkeys(re.findall(r"\{[^}]*\}", formula))
    none = ",".join(f'{cell}=""' for cell in cells)
    return Measure(header, formula, unit, over, blank=f"OR({none})", name=name)


BY_MONTH = (
    Measure("month", 'IF(EDATE({first},1)<=' + OLDEST + ',"",{first})', MONTH,
            blank=NO_MONTHS, look=NAME),
    month_sum("customers at start", "customers_start", COUNT, "CustomersStart"),
    month_sum("new customers", "customers_new", COUNT),
    month_sum("customers lost", "customers_lost", COUNT, "CustomersLost"),
    month_kpi("at end", "{customers at start}+{new customers}-{customers lost}", COUNT,
              name="CustomersEnd"),
    month_kpi("retention rate", "RETENTION_RATE({at end},{new customers},{customers at start})",
              RATE, "{customers at start}"),
    month_kpi("churn rate", "CHURN_RATE({customers lost},{customers at start})", RATE,
              "{customers at start}"),
    month_sum("MRR at start", "mrr_start", MONEY, "MrrStart"),
    month_sum("new revenue", "mrr_new", MONEY),
    month_sum("expansion", "expansion", MONEY, "MrrMore"),
    month_sum("contraction", "contraction", MONEY, "MrrLess"),
    month_sum("churned", "churned", MONEY, "MrrChurned"),
    month_kpi("MRR at end",
              "ROUND({MRR at start}+{new revenue}+{expansion}-{contraction}-{churned},2)", MONEY,
              name="MrrEnd"),
    month_kpi("revenue churn", "REVENUE_CHURN({churned},{MRR at start})", RATE, "{MRR at start}"),
    month_kpi("GRR", "GRR({MRR at start},{contraction},{churned})", RATE, "{MRR at start}"),
    month_kpi("NRR", "NRR({MRR at start},{contraction},{churned},{expansion})", RATE,
              "{MRR at start}"),
    month_kpi("ARPU", "ARPU({MRR at end},{at end})", MONEY, "{at end}"),
)  # fmt: skip


def recurring(page: Page) -> None:
    """Subscriptions by month: customers and recurring revenue, what stays and what goes."""
    lead = "The last 24 months of the sheet {Subscriptions}: customers, and what they pay a month."
    lay_out(page, "Recurring revenue", lead, ((1, 34), (16, 13)), frozen=(2, 1))
    status(page, 2, 0, SUBSCRIPTIONS)
    figures(page, TOP, 0, "Now, and over the months below", CONTRACTS)
    top = TOP + 20
    section(page, top - 2, 0, 16, "By month")
    months = last_months(f"({NEWEST})", MONTHS)
    table = put_grid(page, top, BY_MONTH, months, deep=42)
    for later, start, earlier, end in (
        ("LaterStart", "customers at start", "EarlierEnd", "at end"),
        ("LaterMrr", "MRR at start", "EarlierMrr", "MRR at end"),
    ):
        table.define(later, start, 2)
        table.define(earlier, end, 1, MONTHS - 1)
    draw(page, "column", "Recurring revenue at the end of the month",
         [table.series("MRR at end", BLUE, "MRR")], (TOP, 6, 440, 320),
         names_format="yyyy-mm", unit=LARGE)  # fmt: skip
    draw(page, "column", "Customers and revenue that leave, by month",
         [table.series("churn rate", ORANGE, "Churn rate"),
          table.series("revenue churn", BLUE, "Revenue churn")], (TOP, 11, 500, 320),
         names_format="yyyy-mm", number_format="0%")  # fmt: skip
    page.sheet.print_area(0, 0, table.last + 1, 16)


# Tables and charts


def table(book: Book, spill: Spill) -> list[list[object]]:
    """The computed table, or an empty one where there is none."""
    block = book.pages["Model"].spilled(TOP, spill.column)
    return block if len(block) > 1 else []


def shown(book: Book, spill: Spill, rows: int, columns: int) -> tuple[int, int]:
    """How many rows and columns of a table its sheet shows: those filled, and some to spare."""
    if book.values or book.given:
        block = table(book, spill)
        filled = len(block), len(block[0]) if block else 0
    else:  # so that the formulas are there already, which else would be computed once more
        months = months_spanned(book)
        filled = months + 1, months + 2
    # In steps, so that a cohort more or less makes no other formulas.
    high, wide = (
        room if size <= room else room + SPARE * ((size - room - 1) // SPARE + 2)
        for room, size in zip((rows, columns), filled, strict=True)
    )
    return high, wide


def months_spanned(book: Book) -> int:
    """The months from the first order to the last, where cohorts are made of them; 0 without."""
    orders = next(b for b in book.blocks if b.area.sheet == book.pages[ORDERS.name].name)
    days = [day for day in orders.columns[1] if isinstance(day, int | float)]
    if not days or max(days) - min(days) > MOST_PERIODS * 30.4375:
        return 0
    first, last = map(day_of, (min(days), max(days)))
    return 12 * (last.year - first.year) + last.month - first.month + 1


def add_curve(page: Page, place: tuple[int, int, int, int]) -> None:
    """A chart of the retention curve, from age 1: at age 0 all are active."""
    source = page.book.pages["Curve"]
    last = TOP + max(len(table(page.book, CURVE)), 3) - 1
    ages, rates = (source, TOP + 2, 0, last, 0), (source, TOP + 2, 3, last, 3)
    draw(page, "line", "Share of customers active, by age",
         [Series("Customers active", ages, rates)], place, number_format="0%")  # fmt: skip


FEW_LINES = 4  # whose names stand at their ends


def add_cohort_lines(
    page: Page, title: str, source: Page, place: tuple[int, int, int, int], *, among: bool = False
) -> None:
    """A chart of the oldest cohorts in the first table of a sheet, a line each.

    `among` the table's own rows, below those that are filled, if there is room for it.
    """
    block = table(page.book, SHARES)
    if not block:
        return
    top, *corner_and_size = place
    if among:
        if not 1 < len(block) < 8:  # more lines would hide each other, and the rows are needed
            return
        top += len(block) + 1
    series = []
    for row, cells in enumerate(block[1:][: len(COLOURS) - 2], start=TOP + 1):
        reached = sum(cell != "" for cell in cells)
        last = max(reached - 1, 3)  # where the line ends, and has its name
        ages, line = (source, TOP, 3, TOP, last), (source, row, 3, row, last)
        series.append(Series(f"={source.at(row, 0)}", ages, line))
    column, width, height = corner_and_size
    draw(page, "line", title, series, (top, column, width, height), number_format="0%",
         ends=len(series) <= FEW_LINES)  # fmt: skip


TEMPLATE = Template(
    SCHEMA,
    sheets=(
        Sheet("Summary", "The figures for the boss: repeat purchases, order value, churn, CLV."),
        Sheet("Cohorts", "Customers by the period of their first order: how many still buy."),
        Sheet("Cohort revenue", "The same customers: what they bring at each age."),
        Sheet("Curve", "All cohorts together: the share of customers active at each age."),
        Sheet("Segments", "Customers by recency, frequency and monetary value, and what to do."),
        Sheet("Value", "What each customer will still buy: the best, and those about to be lost."),
        Sheet("Was it right", "The forecast without the last weeks, beside what came in them."),
        Sheet("Contracts", "How many of a cohort that pays by contract will stay; its CLV."),
        Sheet("Recurring", "Subscriptions by month: retention, churn, GRR, NRR."),
        Sheet("Orders", "The data: a row an order."),
        Sheet("Subscriptions", "The data: a row a month, where customers subscribe."),
        Sheet("Survivors", "The data: a row a period, of a cohort that pays by contract."),
        Sheet("Checks", "What is wrong with the data; figures computed twice."),
        Sheet("Model", "The tables that other sheets show, a formula each; customers' scores."),
    ),
    steps=(
        "Paste your orders into the table on the sheet {Orders}: customer, date, amount.",
        "If customers pay by subscription, fill {Subscriptions} (a row a month), and {Survivors}"
        " (how many of a cohort are left after each period).",
        "Set the yellow cells on {Summary}, {Value} and {Contracts}: periods, margins, rates; on"
        " {Was it right} how many weeks to hold back.",
        "See on the sheet {Checks} whether the data have gaps.",
        "Read the other sheets: every figure is computed from these tables.",
    ),
    notes=(
        (
            "Two kinds of leaving",
            "Who buys without a contract leaves unseen: {Value} estimates who is still there. Who"
            " pays by contract is seen to leave: {Contracts} and {Recurring} count them.",
        ),
        (
            "Many customers",
            f"The value of each customer is forecast for up to {MOST:,} customers; of more, the"
            " sheet {Value} shows how they buy, and no list. All other sheets take any number.",
        ),
    ),
    write=write,
    sample=sample,
)
