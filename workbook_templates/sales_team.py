"""The sales team's workbook: a row a rep and week in; ranking, reasons, trends and forecast out.

The sheet Model holds a row a rep, in the order of the table Targets, and says which of them is
first, second and so on. The sheets for people pick the reps from it in that order.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.schema.sales_team import SCHEMA, WEEKS
from kpi_xl.units import AVERAGE, COUNT, DATE, KEY, LARGE, MONEY, RATE, TEXT, Unit

from .charting import described, draw, insert, style_chart
from .checking import checks, status, where
from .comparison import (
    COMPARE,
    LAST_OF_ALL,
    Breakdown,
    Tile,
    comparable,
    compared_with,
    day_text,
    figures_before,
    in_words,
    owed_to,
    range_band,
    rebound,
    tiles,
    with_courses,
)
from .grid import (
    BEHIND,
    GROWTH,
    MONTH,
    NAME,
    WORDS,
    Grid,
    Measure,
    Record,
    escaped,
    lay_out,
    named_month,
    put_grid,
    without_mean,
)
from .outcomes import Divided, LeftOut, Outcomes, divided, named_after, put_left_out
from .records import Agreement, Basis, Figure, Problem, Setting, Sheet, Template
from .sales_team_sample import sample
from .setting_cells import judgement, put_basis, settings
from .sheet_parts import bars, blank_if, figures, header_row, heat, section
from .writing import BLUE, INK, LINE, MUTED, ORANGE, Book, Page, ifs

TOP = 4  # the row of the tables' headers, counted from 0: row 5 in Excel
LEAST_ROOM = 24  # reps that the sheets have room for at least
SPARE = 12  # and beyond those that the data have
MOST_ROOM = 100  # reps; a formula that names each of them must not get too long
MOST_CHARTED = 20  # reps of a chart
THIRTEEN, TWELVE = 13, 12  # weeks and months that are looked back on
TWO_YEARS = 105  # weeks whose days are checked
LISTED = 3  # reps to help, and to learn from, on the first sheet

RANGE_SETTINGS = (Setting("MonthShown", "Month", "", DATE, "Blank: the latest"), COMPARE)
SETTINGS = (
    Setting(
        "TeamTarget",
        "Team sales a month",
        "",
        LARGE,
        "Blank: the sum of Targets",
        effect='IF(TeamGoal="","",TEXT(TeamGoal,"#,##0"))',
    ),
    Setting("VisitTarget", "Visits a rep and month", 60, COUNT, "To reach"),
    Setting("CloseTarget", "Close rate", 0.3, RATE, "To reach"),
    Setting("CacLimit", "CAC", 400, LARGE, "At most"),
    Setting("Tolerance", "Tolerance", 0.1, RATE, "Short by up to this"),
)

NO_WEEK = 'LastWeek=""'
NO_MONTH = "WeeksGone=0"
NO_SALES = f'OR({NO_MONTH},MonthSales="")'
NO_SHARE = f'OR({NO_MONTH},MonthSales="",N(TeamGoal)=0)'
IN_MONTH = 'Weeks[week],">="&MonthStart,Weeks[week],"<="&MonthUntil'


def known_sum(column: str, criteria: str) -> str:
    """The sum of a column of Weeks; blank where no row has a cell in it, which is no 0."""
    total = f"SUMIFS(Weeks[{column}],{criteria})"
    return f'IF(COUNTIFS({criteria},Weeks[{column}],"<>")=0,"",{total})'


OUTCOMES = Outcomes(WEEKS.name, "rep", dict.fromkeys(("sales", "deals"), "week"), reach=3)

PAIRS = {
    "Close rate": ("deals", "leads"),
    "CAC": ("spend", "deals"),
    "Average deal": ("sales", "deals"),
}
"""The parts of each ratio."""


def shared(column: str, other: str, criteria: str) -> str:
    """The sum of a column over the rows that meet criteria and state another column."""
    return f"SUMIFS(Weeks[{column}],{criteria}{OUTCOMES.stating(other)})"


def parts(ratio: str, criteria: str, wholes: tuple[str, str]) -> Divided:
    """The parts of a ratio over rows; `wholes` are the cells of the sums over all of them."""
    above, below = PAIRS[ratio]
    return divided(shared(above, below, criteria), shared(below, above, criteria), wholes)


def with_other(column: str, other: str) -> str:
    """The name of the cell with the month's sum of a column over the rows that state another."""
    return f"{named_after(column)}With{named_after(other)}"


PAIRED = tuple(
    Basis(with_other(one, other), blank_if(NO_MONTH, shared(one, other, IN_MONTH)), LARGE)
    for pair in PAIRS.values()
    for one, other in (pair, pair[::-1])
)


def ratio_figure(name: str, label: str, function: str, unit: Unit, meaning: str) -> Figure:
    """A ratio of the month: which says so where it is not of all rows."""
    pair = PAIRS[label]
    wholes = tuple(f"Month{named_after(column)}" for column in pair)
    cells = with_other(*pair), with_other(*pair[::-1])
    none = f'IF({wholes[0]}="",TRUE,IF({wholes[1]}="",TRUE,N({cells[1]})=0))'
    part = f'IF({name}="",FALSE,IF({cells[0]}={wholes[0]},{cells[1]}<>{wholes[1]},TRUE))'
    formula = blank_if(none, f"{function}({','.join(cells)})")
    return Figure(name, label, formula, unit, meaning, (part, PARTLY))


PARTLY = "Not of all rows: see the sheet {Reps}"


def if_known(above: str, below: str) -> str:
    """What a ratio is over: `below`, or 0, for none, where what is above it is blank."""
    return f'IF({above}="",0,N({below}))'


# What the other formulas share, on the sheet Model. A date with a wrong year, years away from the
# middle of all, must not be taken for the latest. Days that are 2 modulo 7 are Mondays.
BASIS = (
    Basis("Earliest", blank_if(WEEKS.empty, "INT(MEDIAN(Weeks[week]))-1096"), DATE),
    Basis("Latest", blank_if(WEEKS.empty, "INT(MEDIAN(Weeks[week]))+1096"), DATE),
    Basis("NewestDay",
          blank_if(WEEKS.empty, '_xlfn.MAXIFS(Weeks[week],Weeks[week],"<="&Latest)'), DATE),
    # The newest week is not over where its data were loaded before its Friday. The only week counts
    # all the same, and so does one that somebody has typed below it.
    Basis("NewestWeek", '=IF(N(NewestDay)=0,"",NewestDay-MOD(NewestDay-2,7))', DATE),
    Basis("LoadedDay", blank_if('COUNTIFS(Sources[table],"Weeks",Sources[loaded],">0")=0',
                           'INT(_xlfn.MAXIFS(Sources[loaded],Sources[table],"Weeks"))'), DATE),
    Basis("RunningWeek", blank_if(('NewestWeek=""', 'LoadedDay=""'),
          "IF(OR(LoadedDay<NewestWeek,LoadedDay>NewestWeek+3,"
          '_xlfn.MINIFS(Weeks[week],Weeks[week],">="&Earliest)>=NewestWeek),"",NewestWeek)'), DATE),
    Basis("WeeksKnown",
          blank_if(WEEKS.empty, f'IF(RunningWeek="",{LAST_OF_ALL},RunningWeek-1)'), DATE),
    Basis("LatestDay", blank_if(WEEKS.empty, '_xlfn.MAXIFS(Weeks[week],Weeks[week],"<="&'
                           'MIN(Latest,WeeksKnown))'), DATE),
    Basis("MonthStart", blank_if(WEEKS.empty, 'IF(MonthShown="",EOMONTH(LatestDay,-1)+1,'
                            "EOMONTH(MonthShown,-1)+1)"), DATE),
    Basis("MonthEnd", blank_if(WEEKS.empty, "EOMONTH(MonthStart,0)"), DATE),
    Basis("MonthUntil", blank_if(WEEKS.empty, "MIN(MonthEnd,WeeksKnown)"), DATE),
    Basis("LastDay", blank_if(WEEKS.empty, '_xlfn.MAXIFS(Weeks[week],Weeks[week],"<="&'
                         'MIN(MonthEnd,LatestDay),Weeks[week],">="&Earliest)'), DATE),
    Basis("LastWeek", '=IF(N(LastDay)=0,"",LastDay-MOD(LastDay-2,7))', DATE),
    Basis("MonthWeeks", blank_if(WEEKS.empty, "INT((MonthEnd-2)/7)-INT((MonthStart-3)/7)"), COUNT),
    Basis("WeeksGone", "=IF(N(LastDay)<N(MonthStart),0,IF(LastWeek=\"\",0,"
     "MAX(1,INT((LastWeek-2)/7)-INT((MonthStart-3)/7))))", COUNT),
    Basis("RepCount", "=COUNTA(Targets[rep])", COUNT),
    # The sum of some reps' targets would be too low for the sales of all.
    Basis("TeamGoal", '=IF(TeamTarget<>"",TeamTarget,IF(RepCount=0,"",'
     'IF(COUNTIFS(Targets[rep],"<>",Targets[sales],"")>0,"",SUM(Targets[sales]))))', LARGE),
    Basis("RankedReps", "=COUNT(RepShare)+0*SUM(RepShare)", COUNT),
    Basis("MeanVisits", '=IF(COUNT(RepVisits)+0*SUM(RepVisits)=0,"",AVERAGE(RepVisits))', AVERAGE),
)  # fmt: skip

FIGURES = {
    "The month": (
        Figure("MonthName", "Month",
               blank_if(NO_WEEK, named_month("MonthStart")), TEXT, ""),
        Figure("MonthSales", "Sales", f"={known_sum('sales', IN_MONTH)}", LARGE,
               "Refunds taken off",
               ("SalesSilent>0", "Some reps never have any: see the sheet {Reps}")),
        Figure("TargetReached", "Target reached",
               blank_if(NO_SHARE, "QUOTA_ATTAINMENT(MonthSales,TeamGoal)"), RATE, "Sales / target"),
        Figure("MonthForecast", "Forecast",
               blank_if(NO_SALES, "RUN_RATE(MonthSales,WeeksGone,MonthWeeks)"), LARGE,
               "If it goes on like that"),
        Figure("NeededWeek", "Needed a week",
               blank_if(NO_SHARE, 'IF(MonthWeeks>WeeksGone,'
                        'MAX(0,TeamGoal-MonthSales)/(MonthWeeks-WeeksGone),"")'), LARGE,
               "To reach the target"),
    ),
    "The work": (
        Figure("MonthVisits", "Sales visits", f"={known_sum('visits', IN_MONTH)}", COUNT,
               "So far"),
        Figure("MonthLeads", "Leads", f"={known_sum('leads', IN_MONTH)}", COUNT, "So far"),
        Figure("MonthDeals", "Deals", f"={known_sum('deals', IN_MONTH)}", COUNT, "So far"),
        Figure("MonthSpend", "Spend", f"={known_sum('spend', IN_MONTH)}", LARGE, "So far"),
        ratio_figure("TeamCloseRate", "Close rate", "CLOSE_RATE", RATE, "Deals / leads"),
        ratio_figure("TeamCac", "CAC", "CAC", MONEY, "Spend / deals"),
        ratio_figure("TeamDeal", "Average deal", "AOV", MONEY, "Sales / deals"),
    ),
}  # fmt: skip

EVERY = {figure.name: figure for group in FIGURES.values() for figure in group}
TILES = (
    Tile("MonthSales", "higher", "Sales"),
    Tile("TargetReached", compared=False),
    Tile("MonthForecast", compared=False),
    Tile("TeamCloseRate", "higher", "Close rate"),
    Tile("TeamCac", "lower", "CAC"),
    Tile("TeamDeal", "higher", "Average deal"),
)
BOUNDS = {"MonthStart": "ComparedFrom", "MonthUntil": "ComparedUntil"}


def first_monday(day: str) -> str:
    """The first Monday from a day on."""
    return f"({day}+6-MOD({day}+4,7))"


def compared_weeks(book: Book) -> list[Basis]:
    """The weeks of the month, and as many of those before, or of the same month a year before.

    The first weeks of the month before; where it has not so many, the last ones before the month.
    """
    before = first_monday("EDATE(MonthStart,-1)"), f"{first_monday('MonthStart')}-7*WeeksGone"
    year = first_monday("EDATE(MonthStart,-12)")
    none = f"IF({NO_MONTH},TRUE,ComparedWith=0)"
    rows = f"COUNTIFS({IN_MONTH})"
    return [
        Basis("Ranged", "=1", COUNT),
        Basis("WeeksFrom", blank_if(NO_WEEK, first_monday("MonthStart")), DATE),
        Basis("WeeksUntil", blank_if(NO_WEEK, "WeeksFrom+7*WeeksGone-1"), DATE),
        Basis("DataFrom", blank_if(NO_WEEK, '_xlfn.MINIFS(Weeks[week],Weeks[week],">="&Earliest)'),
              DATE),
        compared_with(book),
        Basis("ComparedFrom", blank_if(none, f"IF(ComparedWith=1,MIN({','.join(before)}),{year})"),
              DATE),
        Basis("ComparedUntil", blank_if(none, "ComparedFrom+7*WeeksGone-1"), DATE),
        Basis("RowsBefore", f'=IF(ComparedFrom="",0,{rebound(rows, BOUNDS)})', COUNT),
        *comparable(book, "WeeksFrom", "WeeksUntil", "WeeksGone"),
    ]  # fmt: skip


class Goal(NamedTuple):
    """A KPI of the team against its target."""

    label: str
    actual: str
    target: str
    unit: Unit
    meaning: str
    direction: str = "higher"


GOALS = (
    Goal("Sales, forecast", "MonthForecast", "TeamGoal", LARGE,
         "At the rate so far"),
    Goal("Sales visits", "MonthVisits", "SUM(RepVisitTarget)", COUNT,
         "For weeks with a row"),
    Goal("Close rate", "TeamCloseRate", "CloseTarget", RATE, "Deals / leads"),
    Goal("CAC", "TeamCac", "CacLimit", MONEY, "Spend / deals: low is good", "lower"),
)  # fmt: skip


def of_rep(
    name: str,
    formula: str,
    unit: Unit,
    kind: Literal["formula", "array"] = "formula",
    *,
    over: str = "",
    named: bool = True,
) -> Measure:
    """A measure of the table of reps on the sheet Model; the name Rep... stands for it.

    Unless it is not `named`: then no formula beyond its row refers to it.
    """
    title = f"Rep{name}"
    return Measure(title, formula, unit, over, name=title if named else "", key=name, kind=kind)


OF_REP = f"Weeks[rep],{{$Sought}},{IN_MONTH}"


def month_sum(column: str) -> str:
    """The sum of a column over a rep's weeks in the month."""
    total = known_sum(column, OF_REP)
    return f'=IF({{$Weeks}}="","",{total})'


def rep_target(column: str, setting: str, weeks: str, share: str = "") -> str:
    """A rep's target for weeks (a measure): the rep's own, or (a share of) a setting."""
    given = f"INDEX(Targets[{column}],{{number}})"
    none = f'IF(N({weeks})=0,TRUE,AND({given}="",{setting}=""))'
    target = f'IF({given}="",{setting}{share},{given})'
    return f'=IF({none},"",{target}*MIN({weeks},MonthWeeks)/MonthWeeks)'


def rep_parts(ratio: str) -> tuple[Measure, ...]:
    """The parts of a ratio of a rep in the month."""
    return tuple(
        of_rep(with_other(one, other), shared(one, other, OF_REP), LARGE, over="N({$Weeks})",
               named=False)
        for one, other in (PAIRS[ratio], PAIRS[ratio][::-1])
    )  # fmt: skip


def rep_ratio(name: str, ratio: str, function: str, unit: Unit) -> Measure:
    """A ratio of a rep in the month."""
    pair = PAIRS[ratio]
    above, below = (f"{{${with_other(*one)}}}" for one in (pair, pair[::-1]))
    none = ",".join(f'{{${named_after(column)}}}=""' for column in pair)
    return of_rep(name, f"{function}({above},{below})", unit, over=f"IF(OR({none}),0,N({below}))")


PLAUSIBLE = "(Weeks[week]>=Earliest)*(Weeks[week]<=Latest)"
DAYS_OF_REP = f"IF((Weeks[rep]={{$Name}})*{PLAUSIBLE},Weeks[week])"

# Of a blank among others nobody knows whether it is a bin; a 0 is one, in which no day is.
BINS = 'IF(Weeks[week]="",0,Weeks[week])'

MEASURES = (
    of_rep("Name", '=IF({number}>ROWS(Targets[rep]),"",IF(INDEX(Targets[rep],{number})="","",'
            "INDEX(Targets[rep],{number})))", KEY),
    of_rep("Sought", f"=IF({{$Name}}=\"\",\"\",\"=\"&{escaped('{$Name}')})", KEY),
    # What the checks need
    of_rep("Times", '=IF({$Name}="","",COUNTIF(RepName,{$Sought}))', COUNT),
    of_rep("Rows", '=IF(OR({$Name}="",N(Latest)=0),"",COUNTIFS(Weeks[rep],{$Sought},'
            'Weeks[week],">="&Earliest,Weeks[week],"<="&Latest))', COUNT),
    of_rep("Different", '=IF(N({$Rows})=0,"",SUMPRODUCT('
            f"(FREQUENCY({DAYS_OF_REP},{BINS})>0)*1))", COUNT, "array", named=False),
    of_rep("Again", "{$Rows}-{$Different}", COUNT, over="N({$Rows})"),
    of_rep("AgainAt", "ROW(Weeks[[#Headers],[rep]])+MATCH(1,(Weeks[rep]={$Name})"
           f"*(Weeks[week]=MODE({DAYS_OF_REP})),0)", COUNT, "array", over="N({$Again})"),
    of_rep("First", '_xlfn.MINIFS(Weeks[week],Weeks[rep],{$Sought},Weeks[week],">="&Earliest)',
           DATE, over="N({$Rows})", named=False),
    of_rep("Last", '_xlfn.MAXIFS(Weeks[week],Weeks[rep],{$Sought},Weeks[week],"<="&Latest)',
           DATE, over="N({$Rows})", named=False),
    # Days as far apart as months, from the first of one to the first of another
    of_rep("MonthRows", "IF({$Different}<2,0,IF(OR(DAY({$First})>1,DAY({$Last})>1,"
           "{$Last}-{$First}<28*({$Different}-1)),0,{$Rows}))", COUNT, over="N({$Rows})"),
    of_rep("Missing", "MAX(0,INT(({$Last}-2)/7)-INT(({$First}-2)/7)+1-{$Different})", COUNT,
           over="N({$Rows})"),
    # The month
    of_rep("Weeks", f'=IF(OR({{$Name}}="",{NO_MONTH}),"",'
           f"COUNTIFS({OF_REP}))", COUNT),
    of_rep("Sales", month_sum("sales"), LARGE),
    of_rep("Target", rep_target("sales", "TeamTarget", "{$Weeks}", "/RepCount"), LARGE),
    of_rep("Share", "QUOTA_ATTAINMENT({$Sales},{$Target})", RATE,
           over=if_known("{$Sales}", "{$Target}")),
    of_rep("Status", "KPI_STATUS({$Sales},{$Target},,Tolerance)", TEXT,
           over=if_known("{$Sales}", "{$Target}")),
    of_rep("Forecast", "RUN_RATE({$Sales},WeeksGone,MonthWeeks)", LARGE,
           over=if_known("{$Sales}", "{$Weeks}")),
    of_rep("Visits", month_sum("visits"), COUNT),
    # Weeks of which nobody knows the visits ask for none.
    of_rep("VisitWeeks", f'COUNTIFS({OF_REP},Weeks[visits],"<>")', COUNT, over="N({$Weeks})",
           named=False),
    of_rep("VisitTarget", rep_target("visits", "VisitTarget", "{$VisitWeeks}"), COUNT),
    of_rep("VisitShare", "QUOTA_ATTAINMENT({$Visits},{$VisitTarget})", RATE,
           over=if_known("{$Visits}", "{$VisitTarget}")),
    of_rep("VisitStatus", "KPI_STATUS({$Visits},{$VisitTarget},,Tolerance)", TEXT,
           over=if_known("{$Visits}", "{$VisitTarget}")),
    of_rep("Leads", month_sum("leads"), COUNT),
    of_rep("Deals", month_sum("deals"), COUNT),
    *rep_parts("Close rate"),
    rep_ratio("CloseRate", "Close rate", "CLOSE_RATE", RATE),
    of_rep("CloseStatus", '=IF(OR({$CloseRate}="",N(CloseTarget)=0),"",'
            "KPI_STATUS({$CloseRate},CloseTarget,,Tolerance))", TEXT),
    of_rep("Spend", month_sum("spend"), LARGE),
    *rep_parts("CAC"),
    rep_ratio("Cac", "CAC", "CAC", MONEY),
    of_rep("CacStatus", '=IF(OR({$Cac}="",N(CacLimit)=0),"",'
            'KPI_STATUS({$Cac},CacLimit,,Tolerance,"lower"))', TEXT),
    *rep_parts("Average deal"),
    rep_ratio("Deal", "Average deal", "AOV", MONEY),
    # How far from the target, above 0 where it is better; the average deal against the team's
    of_rep("VisitGap", "VS_BASELINE({$Visits},{$VisitTarget})", RATE,
           over=if_known("{$Visits}", "{$VisitTarget}"), named=False),
    of_rep("CloseGap", '=IF({$CloseStatus}="","",VS_BASELINE({$CloseRate},CloseTarget))', RATE,
            named=False),
    of_rep("CacGap", '=IF({$CacStatus}="","",-VS_BASELINE({$Cac},CacLimit))', RATE,
            named=False),
    of_rep("DealGap", '=IF(OR({$Deal}="",N(TeamDeal)<=0),"",VS_BASELINE({$Deal},TeamDeal))', RATE,
            named=False),
)  # fmt: skip


class Reason(NamedTuple):
    """How a KPI's distance from its target is said, where it is worse and where it is better."""

    gap: str
    actual: str
    target: str
    number_format: str
    worse: str
    better: str
    advice: str


# Numbers inside texts have no separators: what those are depends on the reader's Excel.
REASONS = (
    Reason("VisitGap", "{$Visits}", "{$VisitTarget}", "0",
           "Visits {gap} below the target: {actual} against {target}",
           "Visits {gap} above the target: {actual} against {target}",
           "Plan the visits of the next weeks together."),
    Reason("CloseGap", "{$CloseRate}", "CloseTarget", "0%",
           "Close rate {gap} below the target: {actual} against {target}",
           "Close rate {gap} above the target: {actual} against {target}",
           "Go along to visits; practise the offer and the objections."),
    Reason("CacGap", "{$Cac}", "CacLimit", "0",
           "CAC {gap} above its limit: {actual} against {target}",
           "CAC {gap} below its limit: {actual} against {target}",
           "See which spending wins no deals, and stop it."),
    Reason("DealGap", "{$Deal}", "TeamDeal", "0",
           "Average deal {gap} below the team's: {actual} against {target}",
           "Average deal {gap} above the team's: {actual} against {target}",
           "Choose larger customers; offer what goes with it."),
)  # fmt: skip

STATUSES = {"on track": "✓ on track", "at risk": "! at risk", "off track": "▼ off track"}
"""What KPI_STATUS says, and how people read it."""

UNTOLD = 'IF(DealsSilent>0,TRUE,{}="")'


def native_ratio(ratio: str) -> str:
    """A ratio of the month over the table itself, where no rep is left out."""
    rows = "(Weeks[week]>=MonthStart)*(Weeks[week]<=MonthUntil)"
    above, below = (
        f'SUMPRODUCT({rows}*(Weeks[{other}]<>"")*Weeks[{one}])'
        if other not in OUTCOMES.columns
        else f"SUMPRODUCT({rows}*Weeks[{one}])"
        for one, other in (PAIRS[ratio], PAIRS[ratio][::-1])
    )
    return f"{above}/{below}"


AGREEMENTS = (
    Agreement("Target reached", "=TargetReached",
              blank_if('TargetReached=""',
                       "SUMPRODUCT((Weeks[week]>=MonthStart)*(Weeks[week]<=MonthUntil)"
                       "*Weeks[sales])/TeamGoal"), RATE),
    Agreement("Forecast", "=MonthForecast",
              blank_if('MonthForecast=""', "MonthSales/WeeksGone*MonthWeeks"), LARGE),
    Agreement("Close rate", blank_if("DealsSilent>0", "TeamCloseRate"),
              blank_if(UNTOLD.format("TeamCloseRate"), native_ratio("Close rate")), RATE),
    Agreement("CAC", blank_if("DealsSilent>0", "TeamCac"),
              blank_if(UNTOLD.format("TeamCac"), native_ratio("CAC")), MONEY),
    Agreement("Average deal", blank_if("SalesSilent+DealsSilent>0", "TeamDeal"),
              blank_if((UNTOLD.format("TeamDeal"), "SalesSilent>0"), native_ratio("Average deal")),
              MONEY),
    Agreement("Reps on track", '=COUNTIF(RepStatus,"on track")', '=COUNTIF(RepShare,">=1")', COUNT),
    Agreement("Trend of the team's sales", "=TeamTrend",
              '=IF(TeamTrend="","",SLOPE(TeamSales,WeekNumber)/AVERAGE(TeamSales))', RATE),
)  # fmt: skip

NUMBERS = [column.name for column in WEEKS.columns[2:]]
"""The columns of figures, sales first."""


def problems() -> tuple[Problem, ...]:
    """What can be wrong with the data."""
    weeks = "ROW(Weeks[[#Headers],[week]])"
    blanks = "+".join(f'(Weeks[{column}]="")' for column in NUMBERS)
    return (
        Problem("Rows without a rep", *where(WEEKS, '(Weeks[rep]="")*(Weeks[week]<>"")'),
                "Name the rep: until then the row counts for the team only."),
        Problem("Names that are not in Targets", "=UnknownNames", "=FirstUnknown",
                "Correct the spelling, or add the rep to Targets. The team's figures have them."),
        Problem("Reps in Targets without a row in Weeks", '=COUNTIF(RepRows,0)', "",
                "Correct the spelling, or take the rep out."),
        Problem("Reps that are twice in Targets",
                "=SUMPRODUCT((RepName<>\"\")*(RepTimes>1))", "", "Delete one of the rows."),
        Problem("Rows without a week", *where(WEEKS, '(Weeks[rep]<>"")*(Weeks[week]="")'),
                "Give the Monday of the week, or delete the row."),
        Problem("Weeks years away from all others",
                '=IF(N(Latest)=0,0,COUNTIF(Weeks[week],">"&Latest)'
                '+COUNTIF(Weeks[week],"<"&Earliest))',
                f"={weeks}+MATCH(IF(MAX(Weeks[week])>Latest,MAX(Weeks[week]),MIN(Weeks[week])),"
                "Weeks[week],0)",
                "Correct the year: the row is in no figure."),
        Problem("Weeks that begin on another day than Monday", "=SUM(MondayRows)-SUM(MondayExact)",
                f"={weeks}+MATCH(MIN(MondayOdd),Weeks[week],0)",
                "Give the Monday. Looked for in the last two years."),
        Problem("Rows that seem to stand for months", "=SUM(RepMonthRows)", "",
                "A rep's weeks are months apart, and each counts as a week: export by week."),
        Problem("Weeks that a rep has twice", "=SUM(RepAgain)", "=MIN(RepAgainAt)",
                "Delete one of the two, or add them up: until then both count."),
        Problem("Weeks missing between a rep's first and last", "=SUM(RepMissing)", "",
                "Right if the rep was away: the targets leave them out. See {Model}, RepMissing."),
        Problem("Rows without a number", *where(WEEKS, f'(Weeks[rep]<>"")*(({blanks})>0)'),
                "Fill it in: until then ratios leave the row out. Sales and deals count as 0, but"
                " for reps who never have any: see the sheet {Reps}."),
        Problem("More than three reps who never have sales or deals",
                f"={OUTCOMES.too_many}", "",
                "Ratios leave out three of them, and count the others as if nothing had come of"
                " them: enter 0 where nothing came."),
        Problem("Sales below 0", *where(WEEKS, "(Weeks[sales]<0)*1"),
                "Right if more was refunded than sold: refunds are taken off."),
    )  # fmt: skip


# The sheet Model: blocks side by side, each with its first column, counted from 0

BASE = 0
BY_REP = 3
BY_RANK = BY_REP + len(MEASURES) + len(REASONS) + 5  # two for the words, two for the ranking
GOAL = BY_RANK + 9
WEEK = GOAL + 6
MONTH_BLOCK = WEEK + 6
MONDAY = MONTH_BLOCK + 6
PEOPLE = MONDAY + 5
RANGE, OWED = PEOPLE + 2, PEOPLE + 5

LISTS = (
    ("Who needs help: furthest below the target", 0, "Nobody is below the target."),
    ("Who to learn from: furthest above the target", LISTED, "Nobody has reached the target yet."),
)
"""Title, first row of the sheet Model's block, and what is said of an empty list."""


def write(book: Book) -> None:
    """Write the sheets for people, Checks and Model."""
    book.file.define_name("RepNames", "=Targets[rep]")
    room = model(book.pages["Model"])
    summary(book.pages["Summary"], weeks_before(book.pages["Model"], room))
    reps(book.pages["Reps"], room)
    coaching(book.pages["Coaching"], room)
    trend(book.pages["Trend"], room)
    months(book.pages["Months"])
    checks(book.pages["Checks"], AGREEMENTS, problems())


def model(page: Page) -> int:
    """What the other sheets show, computed. Returns how many reps they have room for."""
    lead = "What the other sheets show, computed here."
    lay_out(page, "Model", lead, ((OWED + 1, 12),), frozen=(TOP + 1, 0))
    room = page.book.assumed(lambda: room_for(rep_count(page.book)))
    title_row(page, BASE, ("name", "value"))
    put_basis(page, TOP + 1, BASE, [*BASIS, *unknown_names(room)])
    put_block(page, BY_REP, (*MEASURES, *words_of_reps(page.book), *RANKING), [{}] * room)
    put_block(page, BY_RANK, RANKS, [{}] * room, '{RankPlace}=""')
    goals(page)
    weeks_ago = [{"days": str(7 * ago)} for ago in range(THIRTEEN - 1, -1, -1)]
    put_block(page, WEEK, THIRTEEN_WEEKS, weeks_ago, '{week}=""')
    sales = [{"sales": page.book.at("Months", TOP + number, 2), "ago": str(number - TWELVE - 1)}
             for number in range(1, TWELVE + 1)]  # fmt: skip
    put_block(page, MONTH_BLOCK, TWELVE_MONTHS, sales, '{start}=""')
    mondays = [{"days": str(7 * number)} for number in range(TWO_YEARS)]
    put_block(page, MONDAY, MONDAYS, mondays, '{Monday}=""')
    people(page)
    title_row(page, RANGE, ("name", "value"))
    put_basis(page, TOP + 1, RANGE, ratio_basis(page.book))
    page.sheet.print_area(0, 0, TOP + len(BASIS) + 2, 6)
    return room


def weeks_before(page: Page, room: int) -> dict[str, str]:
    """The figures of the weeks before, and the reps that their changes are mostly owed to."""
    wanted = [tile.figure for tile in TILES if tile.compared]
    below = TOP + 2 + len(ratio_basis(page.book))
    figures_before(page, below, RANGE, (*EVERY.values(), *PAIRED), wanted, BOUNDS)
    reps = Grid(page, TOP, BY_REP, MEASURES, room)
    of_rep = f"Weeks[rep],{{sought}},{IN_MONTH}"
    sums = {"MonthSales": f"SUMIFS(Weeks[sales],{of_rep})"}
    for pair in PAIRS.values():
        for one, other in (pair, pair[::-1]):
            sums[with_other(one, other)] = shared(one, other, of_rep)
    return owed_to(
        page,
        TOP,
        OWED,
        Breakdown(reps.records(name="Name", sought="Sought"), sums, '{name}=""'),
        EVERY,
        wanted,
        BOUNDS,
    )


def ratio_basis(book: Book) -> list[Basis]:
    """The weeks compared, and what the ratios are of."""
    return [*compared_weeks(book), *OUTCOMES.basis, *PAIRED]


def title_row(page: Page, column: int, titles: Sequence[str]) -> None:
    """The header of a block of the sheet Model, whose names stay English."""
    for place, title in enumerate(titles, start=column):
        page.sheet.write_string(TOP, place, title, page.styles.header(align="start"))


def put_block(
    page: Page,
    left: int,
    measures: Sequence[Measure],
    records: Sequence[Record],
    blank: str = "",
) -> Grid:
    """A table on the sheet Model."""
    title_row(page, left, [measure.header for measure in measures])
    return put_grid(page, TOP, measures, records, left=left, blank=blank, titled=False)


def unknown_names(room: int) -> list[Basis]:
    """How many rows have a name that is not in Targets, and the first of them."""
    reps = (xl_rowcol_to_cell(TOP + number, BY_REP, True, True) for number in range(1, room + 1))
    unknown = "*".join(['(Weeks[rep]<>"")', *(f"(Weeks[rep]<>{rep})" for rep in reps)])
    found, first = where(WEEKS, unknown)
    return [
        Basis("UnknownNames", found, COUNT, array=True),
        Basis("FirstUnknown", blank_if("UnknownNames=0", first), COUNT, array=True),
    ]


def words_of_reps(book: Book) -> list[Measure]:
    """The reasons, and the sentence that is said of a rep."""
    reasons = []
    for reason in REASONS:
        cells = {
            "gap": f'TEXT(ABS({{${reason.gap}}}),"0%")',
            "actual": f'TEXT({reason.actual},"{reason.number_format}")',
            "target": f'TEXT({reason.target},"{reason.number_format}")',
        }
        worse, better = (book.phrase(text, cells) for text in (reason.worse, reason.better))
        formula = f'=IF({{${reason.gap}}}="","",IF({{${reason.gap}}}<0,{worse},{better}))'
        reasons.append(of_rep(reason.gap.replace("Gap", "Words"), formula, TEXT, named=False))
    gaps, words = "{$VisitGap}:{$DealGap}", "{$VisitWords}:{$DealWords}"

    def said_of(extreme: str, beyond: str, otherwise: str) -> str:
        found = f"INDEX({words},1,MATCH({extreme}({gaps}),{gaps},0))"
        return f"IF({extreme}({gaps}){beyond},{found},{book.phrase(otherwise)})"

    # Less than half a percent is printed as none.
    best = said_of("MAX", ">=0.005", "No KPI stands out")
    worst = said_of("MIN", "<=-0.005", "No other KPI is behind")
    # 99.8 % is not the whole target.
    share = 'TEXT(IF({$Share}<1,MIN({$Share},0.99),{$Share}),"0%")'
    text = "Sales at {share} of the target. {reason}."
    best, worst = (book.phrase(text, {"share": share, "reason": one}) for one in (best, worst))
    alone = book.phrase("Sales at {share} of the target.", {"share": share})
    away = book.phrase("No week in this month, or no target for it.")
    unknown = f"COUNT({gaps})+0*SUM({gaps})=0"
    said = ifs([(unknown, alone), ('{$Status}="on track"', best)], worst)
    formula = f'=IF({{$Name}}="","",IF({{$Share}}="",{away},{said}))'
    tips = ",".join(book.phrase(reason.advice) for reason in REASONS)
    tip = f"CHOOSE(MATCH(MIN({gaps}),{gaps},0),{tips})"
    show, keep = (book.phrase(text) for text in (
        "Let the others see how it is done.", "Look at the leads: how many, and how good."
    ))  # fmt: skip
    none = f"IF({unknown},{keep},IF(MIN({gaps})>-0.005,{keep},{tip}))"
    advice = f'=IF({{$Share}}="","",IF({{$Status}}="on track",{show},{none}))'
    return [*reasons, of_rep("Sentence", formula, TEXT), of_rep("Advice", advice, TEXT)]


RANKING = (
    # Reps without a target come last; equal ones stay in the order of Targets.
    of_rep("Key", '=IF({$Name}="","",IF({$Share}="",-1000000000,ROUND({$Share},12)))', AVERAGE),
    of_rep("Position", '=IF({$Name}="","",SUMPRODUCT((RepKey<>"")*(RepKey>{$Key}))+1'
            "+SUMPRODUCT((RepKey={$Key})*(RankNumber<{number})))", COUNT),
)  # fmt: skip


# A point of no rep is drawn below the chart's edge, which hides it.
RATED = (
    'IF({name}="",FALSE,IF(INDEX(RepVisits,{RankPlace})="",FALSE,'
    'INDEX(RepCloseRate,{RankPlace})<>""))'
)
RANKS = (
    Measure("RankNumber", "{number}", COUNT, name="RankNumber", kind="number"),
    Measure("RankPlace", 'IF({RankNumber}>RepCount,"",MATCH({RankNumber},RepPosition,0))', COUNT,
            blank="", name="RankPlace"),
    Measure("name", "INDEX(RepName,{RankPlace})", KEY, look=WORDS),
    Measure("share", "INDEX(RepShare,{RankPlace})", RATE),
    Measure("visits", f"IF({RATED},INDEX(RepVisits,{{RankPlace}}),MeanVisits)", COUNT, blank=""),
    Measure("close rate",
            f"IF({RATED},INDEX(RepCloseRate,{{RankPlace}}),"
            'IF(TeamCloseRate="","",-1))', RATE, blank=""),
    Measure("sales", "INDEX(RepSales,{RankPlace})", LARGE),
    Measure("target", "INDEX(RepTarget,{RankPlace})", LARGE),
)  # fmt: skip
"""Which rep is first, second ...; and what charts show of each."""


def ranks(book: Book, count: int) -> Grid:
    """The first reps of the ranking, on the sheet Model."""
    return Grid(book.pages["Model"], TOP, BY_RANK, RANKS, count)


def goals(page: Page) -> None:
    """The team's KPIs against their targets."""
    title_row(page, GOAL, ("goal", "actual", "target", "reached", "GoalStatus"))
    page.define("GoalStatus", TOP + 1, GOAL + 4, TOP + len(GOALS), GOAL + 4)
    none = 'OR({actual}="",N({target})=0)'
    for row, goal in enumerate(GOALS, start=TOP):
        judged = f'KPI_STATUS({{actual}},{{target}},,Tolerance,"{goal.direction}")'
        columns = (
            Measure("goal", goal.label, KEY, look=WORDS, kind="raw"),
            Measure("actual", goal.actual, goal.unit, blank=NO_MONTH),
            Measure("target", goal.target, goal.unit, blank=NO_MONTH),
            Measure("reached", "QUOTA_ATTAINMENT({actual},{target})", RATE),
            Measure("GoalStatus", judged, TEXT),
        )
        put_grid(page, row, columns, [{}], left=GOAL, blank=none, titled=False)


def in_week(week: str) -> str:
    """The criteria for the rows of a week."""
    return f'Weeks[week],">="&{week},Weeks[week],"<="&{week}+6'


def week_sum(column: str, week: str, rep: str = "") -> str:
    """The sum of a column over a week, for a rep (as sought) or all; blank where no row has it."""
    whose = f"Weeks[rep],{rep}," if rep else ""
    return known_sum(column, whose + in_week(week))


THIRTEEN_WEEKS = (
    Measure("WeekNumber", "{number}", COUNT, name="WeekNumber", kind="number"),
    Measure("week", "LastWeek-{days}", DATE, blank=NO_WEEK),
    Measure("TeamSales", week_sum("sales", "{week}"), LARGE, name="TeamSales"),
    Measure("target", "TeamGoal/(INT((EOMONTH({week},0)-2)/7)-INT((EOMONTH({week},-1)-2)/7))",
            LARGE, "N(TeamGoal)"),
    Measure("status", "KPI_STATUS({TeamSales},{target},,Tolerance)", TEXT,
            blank='OR({TeamSales}="",N({target})=0)'),
)  # fmt: skip
"""The team's sales of the last weeks, against an equal part of each month's target."""

# LibreOffice has no frequencies of no days at all.
ENDS = "MIN(EOMONTH({start},0),WeeksKnown)"
IN_THE_MONTH = f"(Weeks[week]>={{start}})*(Weeks[week]<={ENDS})"
MONDAYS_OF_MONTH = f"SUMPRODUCT((FREQUENCY(IF({IN_THE_MONTH},Weeks[week]),{BINS})>0)*1)"
TWELVE_MONTHS = (
    Measure("start", "EOMONTH(MonthStart,{ago})+1", DATE, blank=NO_WEEK),
    Measure("weeks in it", "INT((EOMONTH({start},0)-2)/7)-INT(({start}-3)/7)", COUNT),
    Measure("weeks of data",
            f'IF(COUNTIFS(Weeks[week],">="&{{start}},Weeks[week],"<="&{ENDS})=0,0,'
            f"MIN({{weeks in it}},{MONDAYS_OF_MONTH}))", COUNT, kind="array"),
    Measure("target", "TeamGoal*{weeks of data}/{weeks in it}", LARGE, "N({weeks of data})",
            blank="N(TeamGoal)=0"),
    Measure("status", "KPI_STATUS({sales},{target},,Tolerance)", TEXT,
            if_known("{sales}", "{target}"), blank=""),
)  # fmt: skip
"""The months up to the one that is looked at."""

MONDAYS = (
    Measure("Monday", 'IF(NewestWeek="","",NewestWeek-{days})', DATE, blank=""),
    Measure("MondayRows", 'COUNTIFS(Weeks[week],">="&{Monday},Weeks[week],"<="&{Monday}+6)', COUNT,
            name="MondayRows"),
    Measure("MondayExact", "COUNTIF(Weeks[week],{Monday})", COUNT, name="MondayExact"),
    Measure("MondayOdd",
            '_xlfn.MINIFS(Weeks[week],Weeks[week],">"&{Monday},Weeks[week],"<="&{Monday}+6)', DATE,
            blank="N({MondayRows})=N({MondayExact})", name="MondayOdd"),
)  # fmt: skip
"""The weeks of the last two years: how many rows each has, and how many on its Monday."""


def people(page: Page) -> None:
    """The reps to help, then those to learn from: their rows in the table of reps."""
    title_row(page, PEOPLE, ("to help, to learn from",))
    for number in range(LISTED):
        row = TOP + 1 + number
        last, first = f"INDEX(RankPlace,RankedReps-{number})", f"INDEX(RankPlace,{number + 1})"
        short = f'INDEX(RepStatus,{last})="on track"'
        reached = f'INDEX(RepStatus,{first})="on track"'
        there = f"RankedReps<{number + 1}"
        style = page.styles.number(COUNT)
        page.put(row, PEOPLE, blank_if(there, f'IF({short},"",{last})'), style)
        page.put(row + LISTED, PEOPLE, blank_if(there, f'IF({reached},{first},"")'), style)


# The sheets for people


def summary(page: Page, owed: dict[str, str]) -> None:
    """The team's dashboard, on one page."""
    lay_out(page, "Sales team", "Change the yellow cells to your own.", ((1, 3), (6, 27)),
            column=1)  # fmt: skip
    status(page, 2, 1, WEEKS)
    page.put(3, 1, not_over(page.book), page.styles.warning())
    months = Grid(page.book.pages["Months"], TOP, 0, month_columns(page.book), TWELVE)
    shown = with_courses(TILES, months, owed)
    row = range_band(page, TOP, 1, 6, RANGE_SETTINGS, ("WeeksFrom", "WeeksUntil"))
    row = tiles(page, row + 1, 1, shown, EVERY)
    row = in_words(page, row + 1, (1, 6), shown, EVERY)
    row = against_target(page, row + 1)
    page.book.later(partial(add_ranking, page, (row, 1, 380, 270)))
    add_weeks(page, (row, 3, 380, 270))
    page.book.later(partial(add_points, page, (row, 5, 380, 270)))
    row = to_help_and_to_learn_from(page, row + 14)
    bottom = settings(page, row, 1, SETTINGS)
    last = row
    for heading, records in FIGURES.items():
        last = figures(page, last, 4, heading, records) + 1
    page.sheet.print_area(0, 0, max(bottom, last), 6)


def against_target(page: Page, row: int) -> int:
    """The team's KPIs against their targets. Returns the row after them."""
    styles, source = page.styles, page.book.pages["Model"]
    section(page, row, 1, 6, "Against target")
    header_row(page, row + 1, 1, ("KPI", "Actual", "Target", "Reached", "Status"))
    page.write(row + 1, 6, "What it says", styles.header(indent=1, valign="bottom"))
    for number, goal in enumerate(GOALS, start=1):
        here = row + 1 + number
        page.write(here, 1, goal.label, styles.label(bold=True, shrink=True))
        for column, unit in ((1, goal.unit), (2, goal.unit), (3, RATE)):
            cell = source.at(TOP + number, GOAL + column)
            page.put(here, 1 + column, f"={cell}", styles.number(unit, align="right"))
        words = verdict(page.book, f"INDEX(GoalStatus,{number})")
        page.put(here, 5, words, styles.label(align="right", shrink=True))
        page.write(here, 6, goal.meaning, styles.lead(shrink=True, indent=1))
    mark(page, row + 2, 5, row + 1 + len(GOALS), 5)
    return row + len(GOALS) + 3


def to_help_and_to_learn_from(page: Page, row: int) -> int:
    """The reps furthest below and above the target, in words. Returns the row after them."""
    styles, book = page.styles, page.book
    for title, first, nobody in LISTS:
        section(page, row, 1, 6, title)
        for number in range(LISTED):
            row += 1
            place = book.at("Model", TOP + 1 + first + number, PEOPLE)
            empty = f'IF(RankedReps=0,"",{book.phrase(nobody)})' if number == 0 else '""'
            named_rep = blank_if(f'{place}=""', f"INDEX(RepName,{place})")
            page.put(row, 1, named_rep, styles.label(bold=True))
            text = styles.label(shrink=True)
            page.sheet.merge_range(row, 2, row, 6, "", text)
            page.put(row, 2, f'=IF({place}="",{empty},INDEX(RepSentence,{place}))', text)
        row += 2
    return row


def shown(header: str, measure: str, unit: Unit, **options: Any) -> Measure:
    """A column of a sheet over reps: a measure of the rep whose place in Targets is {place}."""
    formula = f"INDEX(Rep{measure},{{place}})"
    return Measure(header, formula, unit, blank='{place}=""', key=measure, **options)


REP_COLUMNS = (
    Measure("Rank", 'IF({place}="","",IF(INDEX(RepShare,{place})="","·",{number}))', KEY,
            look={"align": "center"}),
    shown("Rep", "Name", KEY, look=NAME),
    shown("Weeks", "Weeks", COUNT),
    shown("Sales", "Sales", LARGE),
    shown("Target", "Target", LARGE),
    shown("Attainment", "Share", RATE, bars=True),
    shown("Forecast", "Forecast", LARGE),
    shown("Sales visits", "Visits", COUNT),
    shown("Target", "VisitTarget", COUNT),
    shown("Attainment", "VisitShare", RATE, bars=True),
    shown("Leads", "Leads", COUNT),
    shown("Deals", "Deals", COUNT),
    shown("Close rate", "CloseRate", RATE, best="high"),
    shown("Spend", "Spend", LARGE),
    shown("CAC", "Cac", MONEY, best="low"),
    shown("Average deal", "Deal", MONEY, best="high"),
)  # fmt: skip


def ranked(book: Book, room: int) -> list[dict[str, str]]:
    """The reps by rank: where each stands in Targets."""
    return ranks(book, room).records(place="RankPlace")


CHARTED = TOP + 15  # the row of the header of the reps' table, below its charts


def reps(page: Page, room: int) -> None:
    """The ranking of a month, with all figures."""
    lead = "By the share of the sales target reached, for the weeks with a row."
    lay_out(page, "Reps", lead, ((1, 7), (1, 18), (len(REP_COLUMNS) - 2, 12)), frozen=(0, 2))
    month_line(page, room)
    page.book.later(partial(add_sales, page, (TOP - 1, 0, 690, 290)))
    page.book.later(partial(add_points, page, (TOP - 1, 8, 690, 290)))
    table = put_grid(page, CHARTED, REP_COLUMNS, ranked(page.book, room))
    left_out(page, table.last + 4)
    width = len(REP_COLUMNS) - 1
    page.book.later(lambda: page.sheet.print_area(0, 0, last_row(page.book, CHARTED, room), width))


LEFT_OUT = (
    "A ratio is of the rows that have both its parts. Of sales and deals a blank is 0, but for reps"
    " who never have any."
)


def left_out(page: Page, row: int) -> None:
    """What each ratio of the month leaves out of its parts, and in how many rows."""
    records = {
        label: [
            LeftOut(named_after(one), f"N(Month{named_after(one)})-N({with_other(one, other)})",
             f'COUNTIFS({IN_MONTH},Weeks[{one}],"<>")'
             f'-COUNTIFS({IN_MONTH},Weeks[{one}],"<>"{OUTCOMES.stating(other)})',
             LARGE if one in ("sales", "spend") else COUNT)
            for one, other in (pair, pair[::-1])
        ]
        for label, pair in PAIRS.items()
    }  # fmt: skip
    put_left_out(page, row, LEFT_OUT, records, NO_MONTH, first=1)


STATUS_COLUMNS = (
    ("Sales", "Share", "Status"),
    ("Sales visits", "VisitShare", "VisitStatus"),
    ("Close rate", "CloseRate", "CloseStatus"),
    ("CAC", "Cac", "CacStatus"),
)


def coaching(page: Page, room: int) -> None:
    """Each rep in words: how far, and which KPI is the reason."""
    lay_out(page, "Coaching", "Who needs help, who to learn from, and why.",
            ((1, 16), (8, 11), (1, 62), (1, 52)), frozen=(TOP + 1, 1))  # fmt: skip
    month_line(page, room)
    words = {"text_wrap": True, **BEHIND}
    columns = [shown("Rep", "Name", KEY, look=NAME)]
    for label, measure, judged in STATUS_COLUMNS:
        phrase = verdict(page.book, f"INDEX(Rep{judged},{{place}})")
        columns += [
            shown(label, measure, MONEY if measure == "Cac" else RATE),
            Measure("Status", phrase, KEY, blank='{place}=""', key=judged,
                    look={"align": "right", "shrink": True}),
        ]  # fmt: skip
    columns += [shown("In words", "Sentence", KEY, look=words),
                shown("What to do", "Advice", KEY, look=words)]  # fmt: skip
    put_grid(page, TOP, columns, ranked(page.book, room), height=32)
    for column in (2, 4, 6, 8):
        mark(page, TOP + 1, column, TOP + room, column)
    page.book.later(lambda: page.sheet.print_area(0, 0, last_row(page.book, TOP, room), 10))


def line_sum(header: str, column: str) -> Measure:
    """The sum of a column over the week."""
    return Measure(header, week_sum(column, "{week}"), COUNT, blank='{week}=""')


def team_lines(book: Book) -> tuple[Measure, ...]:
    """The lines of the team's weeks: {week}, {sum}, {target}, {judged} are the sheet Model's."""
    attained = "QUOTA_ATTAINMENT({Sales},{Target})"
    closed = parts("Close rate", in_week("{week}"), ("{Deals}", "{Leads}"))
    return (
        Measure("Sales", "{sum}", LARGE),
        Measure("Target", "{target}", LARGE),
        Measure("Attainment", attained, RATE, blank='OR({Sales}="",N({Target})=0)'),
        Measure("Status", verdict(book, "{judged}"), TEXT, look={"shrink": True, "align": "right"}),
        line_sum("Sales visits", "visits"),
        line_sum("Leads", "leads"),
        line_sum("Deals", "deals"),
        Measure("Close rate", closed.by("CLOSE_RATE"), RATE, closed.over, blank='{week}=""'),
    )


WITH_TREND = ("Sales", "Sales visits", "Leads", "Deals", "Close rate")


def trend(page: Page, room: int) -> None:
    """Thirteen weeks: the team against its target, and the sales of each rep as a heat map."""
    styles = page.styles
    weeks = Grid(page.book.pages["Model"], TOP, WEEK, THIRTEEN_WEEKS, THIRTEEN)
    last = 1 + THIRTEEN
    lay_out(page, "Trend", "Thirteen weeks up to the month that is looked at, by Monday.",
            ((1, 20), (THIRTEEN, 10), (2, 17)), frozen=(TOP + 1, 1))  # fmt: skip
    page.put(2, 0, pace(page.book), styles.lead())
    header_row(page, TOP, 0, ("Team", *[""] * THIRTEEN, "Trend a week"))
    page.write(TOP, last + 1, "In words", styles.header(indent=1, valign="bottom"))
    for number in range(1, THIRTEEN + 1):
        head = styles.header("mm-dd", align="right", valign="bottom")
        page.put(TOP, number, f"={weeks.at('week', number)}", head)
    records = weeks.records(week="week", sum="TeamSales", target="target", judged="status")
    team = put_grid(page, TOP, team_lines(page.book), records, across=True)
    for line in WITH_TREND:
        add_trend(page, team.place(line, 1)[0])
    mark(page, TOP + 4, 1, TOP + 4, THIRTEEN)
    page.define("TeamTrend", TOP + 1, last)
    add_weeks(page, (TOP + 10, 0, 1270, 280))
    top = TOP + 26
    section(page, top - 1, 0, last + 1, "Sales by rep and week; blank where there is no row")
    days = [xl_rowcol_to_cell(TOP, number, row_abs=True) for number in range(1, THIRTEEN + 1)]
    columns = (
        shown("Rep", "Name", KEY, look=NAME),
        *(Measure("", week_sum("sales", day, "INDEX(RepSought,{place})"), LARGE, key=day,
                  blank=f'OR({{$Name}}="",{day}="")') for day in days),
    )  # fmt: skip
    table = put_grid(page, top - 1, columns, ranked(page.book, room), titled=False)
    for row in range(top, table.last + 1):
        add_trend(page, row)
    heat(page, top, 1, table.last, THIRTEEN)
    page.book.later(
        lambda: page.sheet.print_area(0, 0, last_row(page.book, top, room) - 1, last + 1)
    )


def not_over(book: Book) -> str:
    """That the newest week is in no figure, in words, and how many rows it has so far."""
    told = book.phrase(
        "The week of {day} is not over in the data, which were loaded on {loaded}: its rows so far"
        " ({rows}) are in no figure yet.",
        {"day": day_text("RunningWeek"), "loaded": day_text("LoadedDay"),
         "rows": f'TEXT(COUNTIFS({in_week("RunningWeek")}),"#,##0")'},
    )  # fmt: skip
    return blank_if('RunningWeek=""', told)


def pace(book: Book) -> str:
    """Where the month will end, in words."""
    phrase = book.phrase(
        "{month}: {gone} of {weeks} weeks are gone. At this rate sales end at {share} of the"
        " target.",
        {"month": "MonthName", "gone": "WeeksGone", "weeks": "MonthWeeks",
         "share": 'TEXT(QUOTA_ATTAINMENT(MonthForecast,TeamGoal),"0%")'},
    )  # fmt: skip
    return blank_if(NO_SHARE, phrase)


def add_trend(page: Page, row: int) -> None:
    """The trend of a row's thirteen weeks, and its direction in words."""
    first, last = xl_rowcol_to_cell(row, 1), xl_rowcol_to_cell(row, THIRTEEN)
    weeks = f"{first}:{last}"
    too_few = f"OR(COUNT({weeks})<3,{without_mean(weeks)})"
    page.put(row, 1 + THIRTEEN, blank_if(too_few, f"KPI_TREND({weeks})"),
             page.styles.of(GROWTH.number_format))  # fmt: skip
    cell = xl_rowcol_to_cell(row, 1 + THIRTEEN)
    up, down, level = (page.book.phrase(text) for text in ("▲ rising", "▼ falling", "● steady"))
    words = f'=IF({cell}="","",IF({cell}>0.01,{up},IF({cell}<-0.01,{down},{level})))'
    page.put(row, 2 + THIRTEEN, words, page.styles.label(indent=1))


OF_MONTH = f'Weeks[week],">="&{{start}},Weeks[week],"<="&{ENDS}'


def in_month(header: str, column: str, unit: Unit = COUNT) -> Measure:
    """The sum of a column over the month that begins on {start}."""
    return Measure(header, known_sum(column, OF_MONTH), unit)


def month_ratio(header: str, function: str, unit: Unit) -> Measure:
    """A ratio of the month that begins on {start}."""
    above, below = (f"{{{column.title()}}}" for column in PAIRS[header])
    of = parts(header, OF_MONTH, (above, below))
    return Measure(header, of.by(function), unit, of.over, blank="N({weeks})=0")


def month_columns(book: Book) -> tuple[Measure, ...]:
    """A month: {start}, {weeks}, {target}, {judged} are the sheet Model's."""
    return (
        Measure("Month", "{start}", MONTH, blank="", look=NAME),
        Measure("Weeks", "{weeks}", COUNT, blank=""),
        in_month("Sales", "sales", LARGE),
        Measure("Target", "{target}", LARGE, blank=""),
        Measure("Attainment", "QUOTA_ATTAINMENT({Sales},{target})", RATE,
                if_known("{Sales}", "{target}"), blank=""),
        Measure("Status", verdict(book, "{judged}"), KEY, blank="",
                look={"align": "right", "shrink": True}),
        Measure("Sales a week", "{Sales}/{weeks}", LARGE, blank='{Sales}=""'),
        Measure("Change", "SALES_GROWTH({Sales a week},{Sales a week<})", GROWTH, first='""',
                blank='OR(N({Sales a week<})<=0,{Sales a week}="")'),
        in_month("Sales visits", "visits"),
        in_month("Leads", "leads"),
        in_month("Deals", "deals"),
        month_ratio("Close rate", "CLOSE_RATE", RATE),
        in_month("Spend", "spend", LARGE),
        month_ratio("CAC", "CAC", MONEY),
        month_ratio("Average deal", "AOV", MONEY),
    )  # fmt: skip


def months(page: Page) -> None:
    """Twelve months of the team, and how a week of each compares with the month before."""
    lead = "A week belongs to the month of its Monday; change: of sales a week."
    lay_out(page, "Months", lead, ((1, 12), (14, 12.5)), frozen=(TOP + 1, 1))
    source = Grid(page.book.pages["Model"], TOP, MONTH_BLOCK, TWELVE_MONTHS, TWELVE)
    records = source.records(start="start", weeks="weeks of data", target="target", judged="status")
    table = put_grid(page, TOP, month_columns(page.book), records, blank="N({weeks})=0")
    mark(page, *table.block("Status"))
    bars(page, *table.block("Attainment"))
    draw(page, "line", "Sales by month, and the target of its weeks",
         [table.series("Sales", BLUE), table.series("Target", ORANGE)],
         (table.last + 2, 0, 1300, 320), names_format="yyyy-mm", ends=True,
         unit=LARGE)  # fmt: skip
    page.sheet.print_area(0, 0, table.last + 19, table.right)


# Parts of these sheets


def room_for(reps: int) -> int:
    """How many reps there are to be rows for."""
    return LEAST_ROOM if reps <= LEAST_ROOM else min(reps + SPARE, MOST_ROOM)


def rep_count(book: Book) -> int:
    """How many reps the data have, as far as that is computed."""
    known = book.pages["Model"].value(basis_row("RepCount"), BASE + 1)
    return int(known) if isinstance(known, float) else 0


def basis_row(name: str) -> int:
    """The row of a value of BASIS on the sheet Model."""
    return TOP + 1 + [basis.name for basis in BASIS].index(name)


def last_row(book: Book, top: int, room: int) -> int:
    """The last row of a table of reps that is printed: that of the last rep, or all of them."""
    return top + min(rep_count(book) or room, room)


def verdict(book: Book, cell: str) -> str:
    """What KPI_STATUS said, with a sign, in the workbook's language."""
    return f"={judgement(book, cell, STATUSES)}"


def mark(page: Page, *place: int) -> None:
    """Colour the statuses of a block, beside the signs that they begin with."""
    looks = (("✓", "#00523B"), ("!", "#8A5A00"), ("▼", "#8A3B00"))
    for sign, ink in looks:
        look = page.book.file.add_format({"bold": True, "font_color": ink})
        rule = {"type": "text", "criteria": "begins with", "value": sign, "format": look}
        page.sheet.conditional_format(*place, rule)


def month_line(page: Page, room: int) -> None:
    """Which month a sheet is about; or that there are more reps than it has room for."""
    say = page.book.phrase
    month = say("Month: {month}. Set it on the sheet {Summary}.", {"month": "MonthName"})
    more = say("More than {room} reps: the others are in no figure by rep.", room=room)
    phrase = ifs(((NO_WEEK, '""'), (f"RepCount>{room}", more)), month)
    page.put(2, 0, f"={phrase}", page.styles.lead())


def slots(book: Book) -> int:
    """How many reps charts have room for: those that there are and two more, or twelve."""
    known = rep_count(book)
    return min(known + 2, MOST_CHARTED) if known else 12


def add_ranking(page: Page, place: tuple[int, int, int, int]) -> None:
    """A chart of the reps' attainment, the best first."""
    shares = ranks(page.book, slots(page.book)).series("share", "", "Attainment", "name")
    draw(page, "bar", "Share of the sales target reached, by rep", [shares], place,
         number_format="0%;-0%;", labels=True)  # no number where there is no rep # fmt: skip


def add_sales(page: Page, place: tuple[int, int, int, int]) -> None:
    """A chart of the reps' sales beside their targets, in the order of the ranking."""
    reps = ranks(page.book, slots(page.book))
    draw(page, "column", "Sales and target, by rep",
         [reps.series("sales", BLUE, "Sales", "name"),
          reps.series("target", ORANGE, "Target", "name")], place,
         unit=LARGE)  # fmt: skip


def add_weeks(page: Page, place: tuple[int, int, int, int]) -> None:
    """A chart of the team's sales by week as columns, with the target as a line."""
    weeks = Grid(page.book.pages["Model"], TOP, WEEK, THIRTEEN_WEEKS, THIRTEEN)
    draw(page, "column", "Sales by week, and the target",
         [weeks.series("TeamSales", BLUE, "Sales", "week")], place, names_format="mm-dd",
         unit=LARGE,
         level=weeks.series("target", ORANGE, "Target", "week"))  # fmt: skip


def add_points(page: Page, place: tuple[int, int, int, int]) -> None:
    """A chart of close rate against visits: a point a rep, with its name, and the team's."""
    source, say = page.book.pages["Model"], page.book.say
    font = {"color": INK, "size": 9}
    chart = page.book.file.add_chart({"type": "scatter"})
    mean_visits = (basis_row("MeanVisits"), BASE + 1)
    team_rate = (TOP + 1 + [goal.actual for goal in GOALS].index("TeamCloseRate"), GOAL + 1)
    # A series a rep, so that every viewer writes its name. Who are near each other in the ranking
    # are so here, too: their names stand on two sides.
    for name, x, y, kind, colour, side in (
        *(
            (
                f"={source.at(at, BY_RANK + 2)}",
                (at, BY_RANK + 4),
                (at, BY_RANK + 5),
                "circle",
                BLUE,
                ("above", "below")[at % 2],
            )
            for at in range(TOP + 1, TOP + 1 + slots(page.book))
        ),
        (say("Team"), mean_visits, team_rate, "diamond", ORANGE, "above"),
    ):
        fill = {"color": colour}
        chart.add_series(
            {
                "name": name,
                "categories": [source.name, *x, *x],
                "values": [source.name, *y, *y],
                "marker": {"type": kind, "size": 8, "fill": fill, "border": fill},
                "data_labels": {"series_name": True, "value": False, "position": side,
                                "font": font},
            }
        )  # fmt: skip
    formats = ("#,##0", "0%")
    style_chart(chart, page, "Close rate against visits", "scatter", formats, labels=False)
    chart.set_legend({"none": True})
    small = {"color": MUTED, "size": 9}
    axis = {"num_font": small, "line": {"color": LINE}, "major_tick_mark": "none",
            "name_font": {**small, "bold": False}}  # fmt: skip
    grid = {"major_gridlines": {"visible": True, "line": {"color": LINE, "width": 0.75}}}
    across = page.book.right_to_left
    chart.set_x_axis(
        {**axis, "name": say("Sales visits"), "num_format": "#,##0", "reverse": across}
    )
    chart.set_y_axis({**axis, **grid, "name": say("Close rate"), "num_format": "0%",
                      "min": 0})  # fmt: skip
    figures = ("Sales visits", "Close rate")
    insert(chart, page, place, described(page, "scatter", "Close rate against visits", figures))


TEMPLATE = Template(
    SCHEMA,
    sheets=(
        Sheet("Summary", "The team's dashboard on one page; the settings."),
        Sheet("Reps", "The ranking of the month: sales, visits, close rate, CAC of each rep."),
        Sheet("Coaching", "Each rep in words: who needs help, who to learn from, and why."),
        Sheet("Trend", "Thirteen weeks against the target; each rep's sales as a heat map."),
        Sheet("Months", "Twelve months of the team."),
        Sheet("Weeks", "The data: a row a rep and week."),
        Sheet("Targets", "The reps, and what is asked of each in a month."),
        Sheet("Checks", "What is wrong with the data; figures computed twice."),
        Sheet("Model", "What the other sheets show, computed: a row a rep."),
    ),
    steps=(
        "List your reps on the sheet {Targets}, with the sales and visits asked of each in a"
        " month.",
        "Paste the weeks into the table on the sheet {Weeks}: rep, Monday, sales, visits, leads,"
        " deals, spend.",
        "Set the yellow cells on the sheet {Summary}: the team's targets, and the month that is"
        " looked at.",
        "See on the sheet {Checks} whether names are misspelled, or weeks missing or entered"
        " twice.",
        "Read {Summary}, {Reps}, {Coaching}, {Trend} and {Months}: every figure is computed from"
        " the two tables.",
    ),
    write=write,
    sample=sample,
    notes=(
        (
            "Targets",
            "A rep's target counts for the weeks that have a row: who begins in the middle"
            " of a month, or is away, is not measured against a whole one. The team's stays whole;"
            " without one of its own it is the sum of the reps', if each of them has one.",
        ),
        (
            "Months",
            "A week belongs to the month of its Monday, so that months have four or five weeks;"
            " a week's target is an equal part of its month's. A week that was loaded before its"
            " Friday is not over, and in no figure yet.",
        ),
        (
            "In words",
            "For a rep below the sales target: the KPI that is furthest behind. For one who has"
            " reached it: the KPI that is furthest ahead. Visits, close rate and CAC against their"
            " targets, the average deal against the team's.",
        ),
    ),
)
