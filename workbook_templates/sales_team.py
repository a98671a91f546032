"""The sales team's workbook: a row a rep and week in; ranking, reasons, trends and forecast out.

The sheet Model holds a row a rep, in the order of the table Targets, and says which of them is
first, second and so on. The sheets for people pick the reps from it in that order.
"""

from collections.abc import Sequence
from datetime import date
from string import Template as Formula
from typing import Any, NamedTuple

from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.schema.sales_team import LARGE, SCHEMA, WEEKS
from kpi_xl.units import AVERAGE, COUNT, DATE, KEY, MONEY, RATE, TEXT, Unit

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
    dress,
    figures,
    header_row,
    headline,
    heat,
    section,
    settings,
    status,
    where,
)
from .sales_team_sample import sample
from .writing import BLUE, INK, LINE, MUTED, ORANGE, Book, Page, literal

TOP = 4  # the row of the tables' headers, counted from 0: row 5 in Excel
LEAST_ROOM = 24  # reps that the sheets have room for at least
SPARE = 12  # and beyond those that the data have
MOST_ROOM = 100  # reps; a formula that names each of them must not get too long
MOST_CHARTED = 20  # reps of a chart
THIRTEEN, TWELVE = 13, 12  # weeks and months that are looked back on
TWO_YEARS = 105  # weeks whose days are checked
LISTED = 3  # reps to help, and to learn from, on the first sheet

SETTINGS = (
    Setting("MonthShown", "Month", "", DATE, "Blank: the latest"),
    Setting("TeamTarget", "Team sales a month", 2_000_000, LARGE, "To reach"),
    Setting("VisitTarget", "Visits a rep and month", 60, COUNT, "To reach"),
    Setting("CloseTarget", "Close rate", 0.3, RATE, "To reach"),
    Setting("CacLimit", "CAC", 400, LARGE, "At most"),
    Setting("Tolerance", "Tolerance", 0.1, RATE, "Short by up to this"),
)

NO_WEEK = 'LastWeek=""'
NO_MONTH = "WeeksGone=0"
IN_MONTH = 'Weeks[week],">="&MonthStart,Weeks[week],"<="&MonthEnd'

# What the other formulas share, on the sheet Model. A date with a wrong year, years away from the
# middle of all, must not be taken for the latest. Days that are 2 modulo 7 are Mondays.
BASIS = (
    ("Earliest", blank_if(WEEKS.empty, "INT(MEDIAN(Weeks[week]))-1096"), DATE),
    ("Latest", blank_if(WEEKS.empty, "INT(MEDIAN(Weeks[week]))+1096"), DATE),
    ("LatestDay", blank_if(WEEKS.empty, '_xlfn.MAXIFS(Weeks[week],Weeks[week],"<="&Latest)'), DATE),
    ("MonthStart", blank_if(WEEKS.empty, 'IF(MonthShown="",EOMONTH(LatestDay,-1)+1,'
                            "EOMONTH(MonthShown,-1)+1)"), DATE),
    ("MonthEnd", blank_if(WEEKS.empty, "EOMONTH(MonthStart,0)"), DATE),
    ("LastDay", blank_if(WEEKS.empty, '_xlfn.MAXIFS(Weeks[week],Weeks[week],"<="&'
                         'MIN(MonthEnd,LatestDay),Weeks[week],">="&Earliest)'), DATE),
    ("LastWeek", '=IF(N(LastDay)=0,"",LastDay-MOD(LastDay-2,7))', DATE),
    ("MonthWeeks", blank_if(WEEKS.empty, "INT((MonthEnd-2)/7)-INT((MonthStart-3)/7)"), COUNT),
    ("WeeksGone", "=IF(N(LastDay)<N(MonthStart),0,IF(LastWeek=\"\",0,"
     "MAX(1,INT((LastWeek-2)/7)-INT((MonthStart-3)/7))))", COUNT),
    ("RepCount", "=COUNTA(Targets[rep])", COUNT),
    ("RankedReps", "=COUNT(RepShare)", COUNT),
    ("MeanVisits", '=IF(COUNT(RepVisits)=0,"",AVERAGE(RepVisits))', AVERAGE),
)  # fmt: skip

FIGURES = {
    "The month": (
        Figure("MonthName", "Month",
               blank_if(NO_WEEK, 'YEAR(MonthStart)&"-"&RIGHT("0"&MONTH(MonthStart),2)'), TEXT, ""),
        Figure("MonthSales", "Sales", f"=SUMIFS(Weeks[sales],{IN_MONTH})", LARGE,
               "Refunds taken off"),
        Figure("TargetReached", "Target reached",
               blank_if(f"OR({NO_MONTH},N(TeamTarget)=0)",
                        "QUOTA_ATTAINMENT(MonthSales,TeamTarget)"), RATE, "Sales / target"),
        Figure("MonthForecast", "Forecast",
               blank_if(NO_MONTH, "RUN_RATE(MonthSales,WeeksGone,MonthWeeks)"), LARGE,
               "If it goes on like that"),
        Figure("NeededWeek", "Needed a week",
               blank_if(NO_MONTH, 'IF(MonthWeeks>WeeksGone,'
                        'MAX(0,TeamTarget-MonthSales)/(MonthWeeks-WeeksGone),"")'), LARGE,
               "To reach the target"),
    ),
    "The work": (
        Figure("MonthVisits", "Sales visits", f"=SUMIFS(Weeks[visits],{IN_MONTH})", COUNT,
               "So far"),
        Figure("MonthLeads", "Leads", f"=SUMIFS(Weeks[leads],{IN_MONTH})", COUNT, "So far"),
        Figure("MonthDeals", "Deals", f"=SUMIFS(Weeks[deals],{IN_MONTH})", COUNT, "So far"),
        Figure("MonthSpend", "Spend", f"=SUMIFS(Weeks[spend],{IN_MONTH})", LARGE, "So far"),
        Figure("TeamCloseRate", "Close rate",
               blank_if("MonthLeads=0", "CLOSE_RATE(MonthDeals,MonthLeads)"), RATE,
               "Deals / leads"),
        Figure("TeamCac", "CAC", blank_if("MonthDeals=0", "CAC(MonthSpend,MonthDeals)"), MONEY,
               "Spend / deals"),
        Figure("TeamDeal", "Average deal", blank_if("MonthDeals=0", "AOV(MonthSales,MonthDeals)"),
               MONEY, "Sales / deals"),
    ),
}  # fmt: skip

CARDS = ("MonthSales", "TargetReached", "MonthForecast", "TeamCloseRate", "TeamCac", "TeamDeal")


class Goal(NamedTuple):
    """A KPI of the team against its target."""

    label: str
    actual: str
    target: str
    unit: Unit
    meaning: str
    direction: str = "higher"


GOALS = (
    Goal("Sales, forecast", "MonthForecast", "TeamTarget", LARGE,
         "At the rate so far"),
    Goal("Sales visits", "MonthVisits", "SUM(RepVisitTarget)", COUNT,
         "For weeks with a row"),
    Goal("Close rate", "TeamCloseRate", "CloseTarget", RATE, "Deals / leads"),
    Goal("CAC", "TeamCac", "CacLimit", MONEY, "Spend / deals: low is good", "lower"),
)  # fmt: skip


class Measure(NamedTuple):
    """A column of the table of reps on the sheet Model; the name Rep... stands for it, if any.

    In its formula $Other is that measure of the same rep, $row the rep's number in Targets.
    """

    name: str
    formula: str
    unit: Unit
    whole: bool = False
    """The formula computes with whole columns."""
    named: bool = True
    """Formulas beyond its row refer to it."""


def month_sum(column: str) -> str:
    """The sum of a column over a rep's weeks in the month."""
    return f'=IF($Weeks="","",SUMIFS(Weeks[{column}],Weeks[rep],"="&$Name,{IN_MONTH}))'


def rep_target(column: str, otherwise: str) -> str:
    """A rep's target for the weeks that have a row."""
    given = f"INDEX(Targets[{column}],$row)"
    return (
        f'=IF(N($Weeks)=0,"",IF({given}="",{otherwise},{given})*MIN($Weeks,MonthWeeks)/MonthWeeks)'
    )


PLAUSIBLE = "(Weeks[week]>=Earliest)*(Weeks[week]<=Latest)"
DAYS_OF_REP = f"IF((Weeks[rep]=$Name)*{PLAUSIBLE},Weeks[week])"

MEASURES = (
    Measure("Name", '=IF($row>ROWS(Targets[rep]),"",IF(INDEX(Targets[rep],$row)="","",'
            "INDEX(Targets[rep],$row)))", KEY),
    # What the checks need
    Measure("Times", '=IF($Name="","",COUNTIF(RepName,"="&$Name))', COUNT),
    Measure("Rows", '=IF(OR($Name="",N(Latest)=0),"",COUNTIFS(Weeks[rep],"="&$Name,'
            'Weeks[week],">="&Earliest,Weeks[week],"<="&Latest))', COUNT),
    Measure("Different", '=IF(N($Rows)=0,"",SUMPRODUCT('
            f"(FREQUENCY({DAYS_OF_REP},Weeks[week])>0)*1))", COUNT, True, named=False),
    Measure("Again", '=IF(N($Rows)=0,"",$Rows-$Different)', COUNT),
    Measure("AgainAt", '=IF(N($Again)=0,"",ROW(Weeks[[#Headers],[rep]])+MATCH(1,'
            f"(Weeks[rep]=$Name)*(Weeks[week]=MODE({DAYS_OF_REP})),0))", COUNT, True),
    Measure("First", '=IF(N($Rows)=0,"",_xlfn.MINIFS(Weeks[week],Weeks[rep],"="&$Name,Weeks[week],'
            '">="&Earliest))', DATE, named=False),
    Measure("Last", '=IF(N($Rows)=0,"",_xlfn.MAXIFS(Weeks[week],Weeks[rep],"="&$Name,Weeks[week],'
            '"<="&Latest))', DATE, named=False),
    Measure("Missing", '=IF(N($Rows)=0,"",MAX(0,INT(($Last-2)/7)-INT(($First-2)/7)+1-$Different))',
            COUNT),
    # The month
    Measure("Weeks", f'=IF(OR($Name="",{NO_MONTH}),"",COUNTIFS(Weeks[rep],"="&$Name,{IN_MONTH}))',
            COUNT),
    Measure("Sales", month_sum("sales"), LARGE),
    Measure("Target", rep_target("sales", "TeamTarget/RepCount"), LARGE),
    Measure("Share", '=IF(N($Target)=0,"",QUOTA_ATTAINMENT($Sales,$Target))', RATE),
    Measure("Status", '=IF(N($Target)=0,"",KPI_STATUS($Sales,$Target,,Tolerance))', TEXT),
    Measure("Forecast", '=IF(N($Weeks)=0,"",RUN_RATE($Sales,WeeksGone,MonthWeeks))', LARGE),
    Measure("Visits", month_sum("visits"), COUNT),
    Measure("VisitTarget", rep_target("visits", "VisitTarget"), COUNT),
    Measure("VisitShare", '=IF(N($VisitTarget)=0,"",QUOTA_ATTAINMENT($Visits,$VisitTarget))', RATE),
    Measure("VisitStatus",
            '=IF(N($VisitTarget)=0,"",KPI_STATUS($Visits,$VisitTarget,,Tolerance))', TEXT),
    Measure("Leads", month_sum("leads"), COUNT),
    Measure("Deals", month_sum("deals"), COUNT),
    Measure("CloseRate", '=IF(N($Leads)=0,"",CLOSE_RATE($Deals,$Leads))', RATE),
    Measure("CloseStatus", '=IF(OR($CloseRate="",N(CloseTarget)=0),"",'
            "KPI_STATUS($CloseRate,CloseTarget,,Tolerance))", TEXT),
    Measure("Spend", month_sum("spend"), LARGE),
    Measure("Cac", '=IF(N($Deals)=0,"",CAC($Spend,$Deals))', MONEY),
    Measure("CacStatus", '=IF(OR($Cac="",N(CacLimit)=0),"",'
            'KPI_STATUS($Cac,CacLimit,,Tolerance,"lower"))', TEXT),
    Measure("Deal", '=IF(N($Deals)=0,"",AOV($Sales,$Deals))', MONEY),
    # How far from the target, above 0 where it is better; the average deal against the team's
    Measure("VisitGap", '=IF(N($VisitTarget)=0,"",VS_BASELINE($Visits,$VisitTarget))', RATE,
            named=False),
    Measure("CloseGap", '=IF($CloseStatus="","",VS_BASELINE($CloseRate,CloseTarget))', RATE,
            named=False),
    Measure("CacGap", '=IF($CacStatus="","",-VS_BASELINE($Cac,CacLimit))', RATE,
            named=False),
    Measure("DealGap", '=IF(OR($Deal="",N(TeamDeal)<=0),"",VS_BASELINE($Deal,TeamDeal))', RATE,
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
    Reason("VisitGap", "$Visits", "$VisitTarget", "0",
           "Visits {gap} below the target: {actual} against {target}",
           "Visits {gap} above the target: {actual} against {target}",
           "Plan the visits of the next weeks together."),
    Reason("CloseGap", "$CloseRate", "CloseTarget", "0%",
           "Close rate {gap} below the target: {actual} against {target}",
           "Close rate {gap} above the target: {actual} against {target}",
           "Go along to visits; practise the offer and the objections."),
    Reason("CacGap", "$Cac", "CacLimit", "0",
           "CAC {gap} above its limit: {actual} against {target}",
           "CAC {gap} below its limit: {actual} against {target}",
           "See which spending wins no deals, and stop it."),
    Reason("DealGap", "$Deal", "TeamDeal", "0",
           "Average deal {gap} below the team's: {actual} against {target}",
           "Average deal {gap} above the team's: {actual} against {target}",
           "Choose larger customers; offer what goes with it."),
)  # fmt: skip

STATUSES = {"on track": "✓ on track", "at risk": "! at risk", "off track": "▼ off track"}
"""What KPI_STATUS says, and how people read it."""

AGREEMENTS = (
    Agreement("Target reached", "=TargetReached",
              blank_if(f"OR({NO_MONTH},N(TeamTarget)=0)",
                       "SUMPRODUCT((Weeks[week]>=MonthStart)*(Weeks[week]<=MonthEnd)"
                       "*Weeks[sales])/TeamTarget"), RATE),
    Agreement("Forecast", "=MonthForecast", blank_if(NO_MONTH, "MonthSales/WeeksGone*MonthWeeks"),
              LARGE),
    Agreement("Close rate", "=TeamCloseRate",
              blank_if("MonthLeads=0", f"SUMIFS(Weeks[deals],{IN_MONTH})/MonthLeads"), RATE),
    Agreement("CAC", "=TeamCac", blank_if("MonthDeals=0", "MonthSpend/MonthDeals"), MONEY),
    Agreement("Average deal", "=TeamDeal", blank_if("MonthDeals=0", "MonthSales/MonthDeals"),
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
    below = "+".join(f'COUNTIF(Weeks[{column}],"<0")' for column in NUMBERS[1:])
    texts = "+".join(f"COUNTA(Weeks[{column}])-COUNT(Weeks[{column}])" for column in NUMBERS)
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
        Problem("Weeks that are text", "=COUNTA(Weeks[week])-COUNT(Weeks[week])", "",
                "Turn them into dates: Data, Text to Columns, Date."),
        Problem("Weeks years away from all others",
                '=IF(N(Latest)=0,0,COUNTIF(Weeks[week],">"&Latest)'
                '+COUNTIF(Weeks[week],"<"&Earliest))',
                f"={weeks}+MATCH(IF(MAX(Weeks[week])>Latest,MAX(Weeks[week]),MIN(Weeks[week])),"
                "Weeks[week],0)",
                "Correct the year: the row is in no figure."),
        Problem("Weeks that begin on another day than Monday", "=SUM(MondayRows)-SUM(MondayExact)",
                f"={weeks}+MATCH(MIN(MondayOdd),Weeks[week],0)",
                "Give the Monday. Looked for in the last two years."),
        Problem("Weeks that a rep has twice", "=SUM(RepAgain)", "=MIN(RepAgainAt)",
                "Delete one of the two, or add them up: until then both count."),
        Problem("Weeks missing between a rep's first and last", "=SUM(RepMissing)", "",
                "Right if the rep was away: the targets leave them out. See {Model}, RepMissing."),
        Problem("Rows without a number", *where(WEEKS, f'(Weeks[rep]<>"")*(({blanks})>0)'),
                "Fill it in: until then it counts as 0."),
        Problem("Numbers that are text", f"={texts}", "", "Type them anew, as numbers."),
        Problem("Visits, leads, deals or spend below 0", f"={below}", "", "Correct the sign."),
        Problem("Sales below 0", *where(WEEKS, "(Weeks[sales]<0)*1"),
                "Right if more was refunded than sold: refunds are taken off."),
    )  # fmt: skip


# The sheet Model: blocks side by side, each with its first column, counted from 0

BASE = 0
BY_REP = 3
BY_RANK = BY_REP + len(MEASURES) + len(REASONS) + 5  # two for the words, two for the ranking
GOAL = BY_RANK + 9
WEEK = GOAL + 6
MONTH = WEEK + 6
MONDAY = MONTH + 6
PEOPLE = MONDAY + 5

LISTS = (
    ("Who needs help: furthest below the target", 0, "Nobody is below the target."),
    ("Who to learn from: furthest above the target", LISTED, "Nobody has reached the target yet."),
)
"""Title, first row of the sheet Model's block, and what is said of an empty list."""


def write(book: Book) -> None:
    """Write the sheets for people, Checks and Model."""
    book.file.define_name("RepNames", "=Targets[rep]")
    room = model(book.pages["Model"])
    summary(book.pages["Summary"])
    reps(book.pages["Reps"], room)
    coaching(book.pages["Coaching"], room)
    trend(book.pages["Trend"], room)
    months(book.pages["Months"])
    checks(book.pages["Checks"], AGREEMENTS, problems())


def model(page: Page) -> int:
    """What the other sheets show, computed. Returns how many reps they have room for."""
    headline(page, "Model", "What the other sheets show, computed here.")
    known = rep_count(page.book)
    room = LEAST_ROOM if known <= LEAST_ROOM else min(known + SPARE, MOST_ROOM)
    title_row(page, BASE, ("name", "value"))
    for row, (name, formula, unit) in enumerate(BASIS, start=TOP + 1):
        page.sheet.write_string(row, BASE, name, page.styles.label())
        page.put(row, BASE + 1, formula, page.styles.number(unit))
        page.define(name, row, BASE + 1)
    unknown_names(page, room)
    by_rep(page, room)
    by_rank(page, room)
    goals(page)
    thirteen_weeks(page)
    twelve_months(page)
    mondays(page)
    people(page)
    page.sheet.set_column(BASE, PEOPLE, 12)
    page.sheet.freeze_panes(TOP + 1, 0)
    page.sheet.print_area(0, 0, TOP + len(BASIS) + 2, 1)
    return room


def title_row(page: Page, column: int, titles: Sequence[str]) -> None:
    """The header of a block of the sheet Model, whose names stay English."""
    for place, title in enumerate(titles, start=column):
        page.sheet.write_string(TOP, place, title, page.styles.header(align="start"))


def unknown_names(page: Page, room: int) -> None:
    """How many rows have a name that is not in Targets, and the first of them."""
    reps = (xl_rowcol_to_cell(TOP + number, BY_REP, True, True) for number in range(1, room + 1))
    unknown = "*".join(['(Weeks[rep]<>"")', *(f"(Weeks[rep]<>{rep})" for rep in reps)])
    found, first = where(WEEKS, unknown)
    top = TOP + 1 + len(BASIS)
    for row, (name, formula) in enumerate(
        (("UnknownNames", found), ("FirstUnknown", blank_if("UnknownNames=0", first))), start=top
    ):
        page.sheet.write_string(row, BASE, name, page.styles.label())
        page.put_array(row, BASE + 1, formula, page.styles.number(COUNT))
        page.define(name, row, BASE + 1)


def by_rep(page: Page, room: int) -> None:
    """A row a rep: the figures, how they compare, and the reason in words."""
    measures = (*MEASURES, *in_words(page.book), *RANKING)
    title_row(page, BY_REP, [f"Rep{measure.name}" for measure in measures])
    for place, measure in enumerate(measures, start=BY_REP):
        style = page.styles.number(measure.unit)
        if measure.named:
            page.define(f"Rep{measure.name}", TOP + 1, place, TOP + room, place)
        for number in range(1, room + 1):
            cells = {
                other.name: xl_rowcol_to_cell(TOP + number, column, col_abs=True)
                for column, other in enumerate(measures, start=BY_REP)
            }
            text = Formula(measure.formula).substitute(cells, row=number)
            (page.put_array if measure.whole else page.put)(TOP + number, place, text, style)


def in_words(book: Book) -> list[Measure]:
    """The reasons, and the sentence that is said of a rep."""
    reasons = []
    for reason in REASONS:
        cells = {
            "gap": f'TEXT(ABS(${reason.gap}),"0%")',
            "actual": f'TEXT({reason.actual},"{reason.number_format}")',
            "target": f'TEXT({reason.target},"{reason.number_format}")',
        }
        worse, better = (sentence(book, text, **cells) for text in (reason.worse, reason.better))
        formula = f'=IF(${reason.gap}="","",IF(${reason.gap}<0,{worse},{better}))'
        reasons.append(Measure(reason.gap.replace("Gap", "Words"), formula, TEXT, named=False))
    gaps, words = "$VisitGap:$DealGap", "$VisitWords:$DealWords"

    def said_of(extreme: str, beyond: str, otherwise: str) -> str:
        found = f"INDEX({words},1,MATCH({extreme}({gaps}),{gaps},0))"
        return (
            f'IF(COUNT({gaps})=0,"",IF({extreme}({gaps}){beyond}0,{found},'
            f"{quotes(book, otherwise)}))"
        )

    best = said_of("MAX", ">", "No KPI stands out")
    worst = said_of("MIN", "<", "No other KPI is behind")
    share = 'TEXT(IF($Share<1,MIN($Share,0.99),$Share),"0%")'  # 99.8 % is not the whole target
    text = "Sales at {share} of the target. {reason}."
    best, worst = (sentence(book, text, share=share, reason=one) for one in (best, worst))
    away = quotes(book, "No week in this month, or no target for it.")
    formula = f'=IF($Name="","",IF($Share="",{away},IF($Status="on track",{best},{worst})))'
    tips = ",".join(quotes(book, reason.advice) for reason in REASONS)
    tip = f"CHOOSE(MATCH(MIN({gaps}),{gaps},0),{tips})"
    show, keep = (quotes(book, text) for text in (
        "Let the others see how it is done.", "Look at the leads: how many, and how good."
    ))  # fmt: skip
    none = f"IF(COUNT({gaps})=0,{keep},IF(MIN({gaps})>=0,{keep},{tip}))"
    advice = f'=IF($Share="","",IF($Status="on track",{show},{none}))'
    return [*reasons, Measure("Sentence", formula, TEXT), Measure("Advice", advice, TEXT)]


RANKING = (
    # Reps without a target come last; equal ones stay in the order of Targets.
    Measure("Key", '=IF($Name="","",IF($Share="",-1000000000,ROUND($Share,12)))', AVERAGE),
    Measure("Position", '=IF($Name="","",RANK($Key,RepKey)'
            "+SUMPRODUCT((RepKey=$Key)*(RankNumber<$row)))", COUNT),
)  # fmt: skip


def quotes(book: Book, text: str) -> str:
    """A text in the workbook's language, as a measure's formula writes it."""
    return literal(book.say(text)).replace("$", "$$")


def sentence(book: Book, text: str, **cells: str) -> str:
    """The same for a text with {fields}, which formulas fill in."""
    said = book.say(text, **{field: f"{{{field}}}" for field in cells})
    formula = literal(said).replace("$", "$$")
    for field, cell in cells.items():
        formula = f'SUBSTITUTE({formula},"{{{field}}}",{cell})'
    return formula


def by_rank(page: Page, room: int) -> None:
    """Which rep is first, second ...; and what charts show of each."""
    titles = ("RankNumber", "RankPlace", "name", "share", "visits", "close rate", "sales", "target")
    title_row(page, BY_RANK, titles)
    styles = page.styles
    page.define("RankNumber", TOP + 1, BY_RANK, TOP + room, BY_RANK)
    page.define("RankPlace", TOP + 1, BY_RANK + 1, TOP + room, BY_RANK + 1)
    for number in range(1, room + 1):
        row = TOP + number
        page.sheet.write_number(row, BY_RANK, number, styles.number(COUNT))
        k, place, name = (xl_rowcol_to_cell(row, BY_RANK + n) for n in range(3))
        page.put(row, BY_RANK + 1, f'=IF({k}>RepCount,"",MATCH({k},RepPosition,0))',
                 styles.number(COUNT))  # fmt: skip
        page.put(row, BY_RANK + 2, f'=IF({place}="","",INDEX(RepName,{place}))', styles.label())
        for column, measure, unit in (
            (3, "RepShare", RATE), (6, "RepSales", LARGE), (7, "RepTarget", LARGE)
        ):  # fmt: skip
            shown = f'=IF({place}="","",INDEX({measure},{place}))'
            page.put(row, BY_RANK + column, shown, styles.number(unit))
        # A point of no rep is drawn below the chart's edge, which hides it.
        there = f'IF({name}="",FALSE,INDEX(RepCloseRate,{place})<>"")'
        hidden = 'IF(TeamCloseRate="","",-1)'
        for column, own, otherwise, unit in (
            (4, "RepVisits", "MeanVisits", COUNT),
            (5, "RepCloseRate", hidden, RATE),
        ):
            shown = f"=IF({there},INDEX({own},{place}),{otherwise})"
            page.put(row, BY_RANK + column, shown, styles.number(unit))


def goals(page: Page) -> None:
    """The team's KPIs against their targets."""
    title_row(page, GOAL, ("goal", "actual", "target", "reached", "GoalStatus"))
    page.define("GoalStatus", TOP + 1, GOAL + 4, TOP + len(GOALS), GOAL + 4)
    for row, goal in enumerate(GOALS, start=TOP + 1):
        page.sheet.write_string(row, GOAL, goal.label, page.styles.label())
        actual, target = (xl_rowcol_to_cell(row, GOAL + n) for n in (1, 2))
        none = f'OR({actual}="",N({target})=0)'
        judged = f'KPI_STATUS({actual},{target},,Tolerance,"{goal.direction}")'
        for column, formula, unit in (
            (1, blank_if(NO_MONTH, goal.actual), goal.unit),
            (2, blank_if(NO_MONTH, goal.target), goal.unit),
            (3, blank_if(none, f"QUOTA_ATTAINMENT({actual},{target})"), RATE),
            (4, blank_if(none, judged), TEXT),
        ):
            page.put(row, GOAL + column, formula, page.styles.number(unit))


def thirteen_weeks(page: Page) -> None:
    """The team's sales of the last weeks, against an equal part of each month's target."""
    title_row(page, WEEK, ("WeekNumber", "week", "TeamSales", "target", "status"))
    page.define("WeekNumber", TOP + 1, WEEK, TOP + THIRTEEN, WEEK)
    page.define("TeamSales", TOP + 1, WEEK + 2, TOP + THIRTEEN, WEEK + 2)
    for number in range(1, THIRTEEN + 1):
        row = TOP + number
        page.sheet.write_number(row, WEEK, number, page.styles.number(COUNT))
        _, week, sales, target = (xl_rowcol_to_cell(row, WEEK + n) for n in range(4))
        ends = [f"INT((EOMONTH({week},{months})-2)/7)" for months in (0, -1)]
        for column, formula, unit in (
            (1, blank_if(NO_WEEK, f"LastWeek-{7 * (THIRTEEN - number)}"), DATE),
            (2, blank_if(f'{week}=""', week_sum("sales", week)), LARGE),
            (3, blank_if(f'{week}=""', f"TeamTarget/({'-'.join(ends)})"), LARGE),
            (4, blank_if(f'OR({sales}="",N({target})=0)',
                         f"KPI_STATUS({sales},{target},,Tolerance)"), TEXT),
        ):  # fmt: skip
            page.put(row, WEEK + column, formula, page.styles.number(unit))


def week_sum(column: str, week: str, rep: str = "") -> str:
    """The sum of a column over a week, for a rep or all; blank where there is no row."""
    whose = f'Weeks[rep],"="&{rep},' if rep else ""
    within = f'{whose}Weeks[week],">="&{week},Weeks[week],"<="&{week}+6'
    return f'IF(COUNTIFS({within})=0,"",SUMIFS(Weeks[{column}],{within}))'


def twelve_months(page: Page) -> None:
    """The months up to the one that is looked at."""
    titles = ("start", "weeks in it", "weeks of data", "target", "status")
    title_row(page, MONTH, titles)
    for number in range(1, TWELVE + 1):
        row = TOP + number
        start, all_weeks, weeks, target = (xl_rowcol_to_cell(row, MONTH + n) for n in range(4))
        sales = page.book.at("Months", row, MONTH_COLUMNS.index("Sales"))
        within = f"(Weeks[week]>={start})*(Weeks[week]<=EOMONTH({start},0))"
        days = f"FREQUENCY(IF({within},Weeks[week]),Weeks[week])"
        for column, formula, unit in (
            (0, blank_if(NO_WEEK, f"EOMONTH(MonthStart,{number - TWELVE - 1})+1"), DATE),
            (1, blank_if(f'{start}=""', f"INT((EOMONTH({start},0)-2)/7)-INT(({start}-3)/7)"),
             COUNT),
            (3, blank_if(f"N({weeks})=0", f"TeamTarget*{weeks}/{all_weeks}"), LARGE),
            (4, blank_if(f"N({target})=0", f"KPI_STATUS({sales},{target},,Tolerance)"), TEXT),
        ):  # fmt: skip
            page.put(row, MONTH + column, formula, page.styles.number(unit))
        # LibreOffice has no frequencies of no days at all.
        any_day = f'COUNTIFS(Weeks[week],">="&{start},Weeks[week],"<="&EOMONTH({start},0))'
        counted = f"IF({any_day}=0,0,MIN({all_weeks},SUMPRODUCT(({days}>0)*1)))"
        counted = blank_if(f'{start}=""', counted)
        page.put_array(row, MONTH + 2, counted, page.styles.number(COUNT))


def mondays(page: Page) -> None:
    """The weeks of the last two years: how many rows each has, and how many on its Monday."""
    title_row(page, MONDAY, ("Monday", "MondayRows", "MondayExact", "MondayOdd"))
    for place, name in enumerate(("MondayRows", "MondayExact", "MondayOdd"), start=MONDAY + 1):
        page.define(name, TOP + 1, place, TOP + TWO_YEARS, place)
    for number in range(TWO_YEARS):
        row = TOP + 1 + number
        monday, rows, exact = (xl_rowcol_to_cell(row, MONDAY + n) for n in range(3))
        within = f'Weeks[week],">"&{monday},Weeks[week],"<="&{monday}+6'
        for column, formula, unit in (
            (0, f'=IF(N(LatestDay)=0,"",LatestDay-MOD(LatestDay-2,7)-{7 * number})', DATE),
            (1, blank_if(f'{monday}=""', f'COUNTIFS(Weeks[week],">="&{monday},'
                         f'Weeks[week],"<="&{monday}+6)'), COUNT),
            (2, blank_if(f'{monday}=""', f"COUNTIF(Weeks[week],{monday})"), COUNT),
            (3, blank_if(f"N({rows})=N({exact})", f"_xlfn.MINIFS(Weeks[week],{within})"), DATE),
        ):  # fmt: skip
            page.put(row, MONDAY + column, formula, page.styles.number(unit))


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


def summary(page: Page) -> None:
    """The team's dashboard, on one page."""
    styles, book = page.styles, page.book
    source = book.pages["Model"]
    page.sheet.set_column(0, 0, 3)
    page.sheet.set_column(1, 6, 27)
    headline(page, "Sales team", "Change the yellow cells to your own.", 1)
    status(page, 2, 1, WEEKS)
    named = {figure.name: figure for records in FIGURES.values() for figure in records}
    cards(page, TOP, 1, [named[name] for name in CARDS])

    row = TOP + 3
    section(page, row, 1, 6, "Against target")
    header_row(page, row + 1, 1, ("KPI", "Actual", "Target", "Reached", "Status"))
    page.write(row + 1, 6, "What it says", styles.header(indent=1, valign="bottom"))
    for number, goal in enumerate(GOALS, start=1):
        here = row + 1 + number
        page.write(here, 1, goal.label, styles.label(bold=True, shrink=True))
        for column, unit in ((1, goal.unit), (2, goal.unit), (3, RATE)):
            cell = source.at(TOP + number, GOAL + column)
            page.put(here, 1 + column, f"={cell}", styles.number(unit, align="right"))
        words = verdict(book, f"INDEX(GoalStatus,{number})")
        page.put(here, 5, words, styles.label(align="right", shrink=True))
        page.write(here, 6, goal.meaning, styles.lead(shrink=True, indent=1))
    mark(page, row + 2, 5, row + 1 + len(GOALS), 5)

    row += len(GOALS) + 3
    charts = {"row": row, "width": 380, "height": 270}
    add_ranking(page, column=1, **charts)
    add_weeks(page, column=3, **charts)
    add_points(page, column=5, **charts)

    row += 14
    for title, first, nobody in LISTS:
        section(page, row, 1, 6, title)
        for number in range(LISTED):
            row += 1
            place = source.at(TOP + 1 + first + number, PEOPLE)
            empty = f'IF(RankedReps=0,"",{literal(book.say(nobody))})' if number == 0 else '""'
            named_rep = blank_if(f'{place}=""', f"INDEX(RepName,{place})")
            page.put(row, 1, named_rep, styles.label(bold=True))
            text = styles.label(shrink=True)
            page.sheet.merge_range(row, 2, row, 6, "", text)
            page.put(row, 2, f'=IF({place}="",{empty},INDEX(RepSentence,{place}))', text)
        row += 2
    bottom = settings(page, row, 1, SETTINGS)
    month = {"validate": "date", "criteria": "between", "minimum": date(1990, 1, 1),
             "maximum": date(2100, 1, 1), "error_title": book.say("Month"),
             "error_message": book.say("A date is wanted here, such as 2025-01-31.")}  # fmt: skip
    page.sheet.data_validation(row + 1, 2, row + 1, 2, month)
    last = row
    for heading, records in FIGURES.items():
        last = figures(page, last, 4, heading, records) + 1
    page.sheet.print_area(0, 0, max(bottom, last), 6)


class Shown(NamedTuple):
    """A column of a sheet over reps: its header, the measure behind it, and its format."""

    header: str
    measure: str
    unit: Unit


REP_COLUMNS = (
    Shown("Rep", "Name", KEY),
    Shown("Weeks", "Weeks", COUNT),
    Shown("Sales", "Sales", LARGE),
    Shown("Target", "Target", LARGE),
    Shown("Attainment", "Share", RATE),
    Shown("Forecast", "Forecast", LARGE),
    Shown("Sales visits", "Visits", COUNT),
    Shown("Target", "VisitTarget", COUNT),
    Shown("Attainment", "VisitShare", RATE),
    Shown("Leads", "Leads", COUNT),
    Shown("Deals", "Deals", COUNT),
    Shown("Close rate", "CloseRate", RATE),
    Shown("Spend", "Spend", LARGE),
    Shown("CAC", "Cac", MONEY),
    Shown("Average deal", "Deal", MONEY),
)


def of_rank(page: Page, number: int, measure: str) -> str:
    """A formula for a measure of the rep of a rank."""
    place = page.book.at("Model", TOP + number, BY_RANK + 1)
    return blank_if(f'{place}=""', f"INDEX(Rep{measure},{place})")


CHARTED = TOP + 15  # the row of the header of the reps' table, below its charts


def reps(page: Page, room: int) -> None:
    """The ranking of a month, with all figures."""
    styles = page.styles
    page.sheet.set_column(0, 0, 7)
    page.sheet.set_column(1, 1, 16)
    page.sheet.set_column(2, len(REP_COLUMNS), 12)
    headline(page, "Reps", "By the share of the sales target reached, for the weeks with a row.")
    month_line(page, room)
    add_sales(page, row=TOP - 1, column=0, width=690, height=290)
    add_points(page, row=TOP - 1, column=8, width=690, height=290)
    headers = ("Rank", *(column.header for column in REP_COLUMNS))
    header_row(page, CHARTED, 0, headers, text=(1,))
    for number in range(1, room + 1):
        row = CHARTED + number
        place = page.book.at("Model", TOP + number, BY_RANK + 1)
        rank = f'=IF({place}="","",IF(INDEX(RepShare,{place})="","·",{number}))'
        page.put(row, 0, rank, styles.label(align="center"))
        for column, shown in enumerate(REP_COLUMNS, start=1):
            bold = {"bold": True, "align": "start"} if shown.unit is KEY else {}
            style = styles.number(shown.unit, **bold)
            page.put(row, column, of_rank(page, number, shown.measure), style)
    first, last = CHARTED + 1, CHARTED + room
    column_of = {shown.measure: column for column, shown in enumerate(REP_COLUMNS, start=1)}
    for measure in ("Share", "VisitShare"):
        bars(page, first, column_of[measure], last, column_of[measure])
    for measure, unit, low in (
        ("CloseRate", RATE, False), ("Cac", MONEY, True), ("Deal", MONEY, False)
    ):  # fmt: skip
        block = (first, column_of[measure], last, column_of[measure])
        best_and_worst(page, block, unit, low=low)
    page.sheet.freeze_panes(0, 2)
    page.sheet.print_area(0, 0, last_row(page.book, CHARTED, room), len(REP_COLUMNS))


STATUS_COLUMNS = (
    ("Sales", "Share", "Status"),
    ("Sales visits", "VisitShare", "VisitStatus"),
    ("Close rate", "CloseRate", "CloseStatus"),
    ("CAC", "Cac", "CacStatus"),
)


def coaching(page: Page, room: int) -> None:
    """Each rep in words: how far, and which KPI is the reason."""
    styles, book = page.styles, page.book
    page.sheet.set_column(0, 0, 16)
    page.sheet.set_column(1, 8, 11)
    page.sheet.set_column(9, 9, 62)
    page.sheet.set_column(10, 10, 52)
    headline(page, "Coaching", "Who needs help, who to learn from, and why.")
    month_line(page, room)
    headers = [title for label, _, _ in STATUS_COLUMNS for title in (label, "Status")]
    header_row(page, TOP, 0, ("Rep", *headers))
    for column, title in ((9, "In words"), (10, "What to do")):
        page.write(TOP, column, title, styles.header(indent=1, valign="bottom"))
    words = styles.label(text_wrap=True, indent=1)
    for number in range(1, room + 1):
        row = TOP + number
        page.put(row, 0, of_rank(page, number, "Name"), styles.label(bold=True))
        place = book.at("Model", row, BY_RANK + 1)
        for column, (_, measure, judged) in enumerate(STATUS_COLUMNS):
            unit = MONEY if measure == "Cac" else RATE
            page.put(row, 1 + 2 * column, of_rank(page, number, measure), styles.number(unit))
            said = verdict(book, f"INDEX(Rep{judged},{place})")
            page.put(row, 2 + 2 * column, blank_if(f'{place}=""', said),
                     styles.label(align="right", shrink=True))  # fmt: skip
        page.put(row, 9, of_rank(page, number, "Sentence"), words)
        page.put(row, 10, of_rank(page, number, "Advice"), words)
        page.sheet.set_row(row, 32)
    for column in (2, 4, 6, 8):
        mark(page, TOP + 1, column, TOP + room, column)
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, last_row(book, TOP, room), 10)


class Line(NamedTuple):
    """A line of the team's weeks.

    In its formula $week, $sum and $target are cells of the sheet Model, $Sales ... those of other
    lines. The status has none here, as it is said in the workbook's language.
    """

    label: str
    formula: str
    unit: Unit
    trend: bool = True


def line_sum(column: str) -> str:
    """The sum of a column over a line's week."""
    return blank_if('$week=""', week_sum(column, "$week"))


TEAM_LINES = (
    Line("Sales", "=$sum", LARGE),
    Line("Target", "=$target", LARGE, trend=False),
    Line("Attainment", '=IF(OR($Sales="",N($Target)=0),"",QUOTA_ATTAINMENT($Sales,$Target))', RATE,
         trend=False),
    Line("Status", "", TEXT, trend=False),
    Line("Sales visits", line_sum("visits"), COUNT),
    Line("Leads", line_sum("leads"), COUNT),
    Line("Deals", line_sum("deals"), COUNT),
    Line("Close rate", '=IF(N($Leads)=0,"",CLOSE_RATE($Deals,$Leads))', RATE),
)  # fmt: skip


def trend(page: Page, room: int) -> None:
    """Thirteen weeks: the team against its target, and the sales of each rep as a heat map."""
    styles, source = page.styles, page.book.pages["Model"]
    last = 1 + THIRTEEN
    page.sheet.set_column(0, 0, 20)
    page.sheet.set_column(1, THIRTEEN, 10)
    page.sheet.set_column(last, last, 14)
    page.sheet.set_column(last + 1, last + 1, 14)
    headline(page, "Trend", "Thirteen weeks up to the month that is looked at, by Monday.")
    page.put(2, 0, pace(page.book), styles.lead())
    header_row(page, TOP, 0, ("Team", *[""] * THIRTEEN, "Trend a week"))
    page.write(TOP, last + 1, "In words", styles.header(indent=1, valign="bottom"))
    for number in range(1, THIRTEEN + 1):
        week = source.at(TOP + number, WEEK + 1)
        page.put(TOP, number, f"={week}", styles.header("mm-dd", align="right", valign="bottom"))
    page.sheet.set_row(TOP, 32)

    row_of = {line.label: row for row, line in enumerate(TEAM_LINES, start=TOP + 1)}
    for line in TEAM_LINES:
        row = row_of[line.label]
        page.write(row, 0, line.label, styles.label(bold=True, shrink=True))
        small = {"shrink": True, "align": "right"} if line.unit is TEXT else {}
        for number in range(1, THIRTEEN + 1):
            cells = {
                label.replace(" ", ""): xl_rowcol_to_cell(at, number)
                for label, at in row_of.items()
            }
            for name, column in (("week", 1), ("sum", 2), ("target", 3), ("judged", 4)):
                cells[name] = source.at(TOP + number, WEEK + column)
            verdict_of = verdict(page.book, cells["judged"])
            formula = Formula(line.formula).substitute(cells) if line.formula else verdict_of
            page.put(row, number, formula, styles.number(line.unit, **small))
        if line.trend:
            add_trend(page, row)
    mark(page, TOP + 4, 1, TOP + 4, THIRTEEN)
    page.define("TeamTrend", TOP + 1, last)
    add_weeks(page, row=TOP + 10, column=0, width=1270, height=280)

    top = TOP + 26
    section(page, top - 1, 0, last + 1, "Sales by rep and week; blank where there is no row")
    for number in range(1, room + 1):
        row = top + number - 1
        page.put(row, 0, of_rank(page, number, "Name"), styles.label(bold=True))
        rep = xl_rowcol_to_cell(row, 0, col_abs=True)
        for column in range(1, THIRTEEN + 1):
            week = xl_rowcol_to_cell(TOP, column, row_abs=True)
            gone = blank_if(f'OR({rep}="",{week}="")', week_sum("sales", week, rep))
            page.put(row, column, gone, styles.number(LARGE))
        add_trend(page, row)
    heat(page, top, 1, top + room - 1, THIRTEEN)
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, last_row(page.book, top, room) - 1, last + 1)


def pace(book: Book) -> str:
    """Where the month will end, in words."""
    said = sentence(
        book,
        "{month}: {gone} of {weeks} weeks are gone. At this rate sales end at {share} of the"
        " target.",
        month="MonthName",
        gone="WeeksGone",
        weeks="MonthWeeks",
        share='TEXT(QUOTA_ATTAINMENT(MonthForecast,TeamTarget),"0%")',
    ).replace("$$", "$")
    return blank_if(f"OR({NO_MONTH},N(TeamTarget)=0)", said)


def add_trend(page: Page, row: int) -> None:
    """The trend of a row's thirteen weeks, and its direction in words."""
    first, last = xl_rowcol_to_cell(row, 1), xl_rowcol_to_cell(row, THIRTEEN)
    too_few = f"OR(COUNT({first}:{last})<3,SUM({first}:{last})<=0)"
    page.put(row, 1 + THIRTEEN, blank_if(too_few, f"KPI_TREND({first}:{last})"),
             page.styles.of('+0.0%;-0.0%;0.0%'))  # fmt: skip
    cell = xl_rowcol_to_cell(row, 1 + THIRTEEN)
    up, down, level = (
        literal(page.book.say(text)) for text in ("▲ rising", "▼ falling", "● steady")
    )
    words = f'=IF({cell}="","",IF({cell}>0.01,{up},IF({cell}<-0.01,{down},{level})))'
    page.put(row, 2 + THIRTEEN, words, page.styles.label(indent=1))


MONTH_COLUMNS = (
    "Month", "Weeks", "Sales", "Target", "Attainment", "Status", "Sales a week", "Change",
    "Sales visits", "Leads", "Deals", "Close rate", "Spend", "CAC", "Average deal",
)  # fmt: skip


def months(page: Page) -> None:
    """Twelve months of the team, and how a week of each compares with the month before."""
    styles, source = page.styles, page.book.pages["Model"]
    width = len(MONTH_COLUMNS)
    page.sheet.set_column(0, 0, 12)
    page.sheet.set_column(1, width - 1, 12.5)
    headline(page, "Months", "A week belongs to the month of its Monday; change: of sales a week.")
    header_row(page, TOP, 0, MONTH_COLUMNS)
    for number in range(1, TWELVE + 1):
        row = TOP + number
        start, _, weeks, target, judged = (source.at(row, MONTH + n) for n in range(5))
        within = f'Weeks[week],">="&{start},Weeks[week],"<="&EOMONTH({start},0)'
        none = f"N({weeks})=0"
        here = {name: xl_rowcol_to_cell(row, n) for n, name in enumerate(MONTH_COLUMNS)}
        before = xl_rowcol_to_cell(row - 1, MONTH_COLUMNS.index("Sales a week"))
        change = f"SALES_GROWTH({here['Sales a week']},{before})"
        no_change = f"OR(N({before})<=0,{none})"
        sums = {name: blank_if(none, f"SUMIFS(Weeks[{name.split()[-1].lower()}],{within})")
                for name in ("Sales", "Sales visits", "Leads", "Deals", "Spend")}  # fmt: skip
        sales, leads, deals = here["Sales"], here["Leads"], here["Deals"]
        formulas = {
            "Month": f"={start}",
            "Weeks": f"={weeks}",
            "Target": f"={target}",
            "Attainment": blank_if(f"N({target})=0", f"QUOTA_ATTAINMENT({sales},{target})"),
            "Status": verdict(page.book, judged),
            "Sales a week": blank_if(none, f"{sales}/{weeks}"),
            "Change": blank_if(no_change, change) if number > 1 else '=""',
            "Close rate": blank_if(f"N({leads})=0", f"CLOSE_RATE({deals},{leads})"),
            "CAC": blank_if(f"N({deals})=0", f"CAC({here['Spend']},{deals})"),
            "Average deal": blank_if(f"N({deals})=0", f"AOV({sales},{deals})"),
            **sums,
        }
        looks = {
            "Month": styles.of("yyyy-mm", bold=True, align="start"),
            "Status": styles.label(align="right", shrink=True),
            "Attainment": styles.number(RATE),
            "Change": styles.of("+0.0%;-0.0%;0.0%"),
            "Close rate": styles.number(RATE),
            "CAC": styles.number(MONEY),
            "Average deal": styles.number(MONEY),
        }
        for column, name in enumerate(MONTH_COLUMNS):
            page.put(row, column, formulas[name], looks.get(name, styles.number(LARGE)))
    last = TOP + TWELVE
    mark(page, TOP + 1, 5, last, 5)
    bars(page, TOP + 1, 4, last, 4)
    labels = (page, TOP + 1, 0, last, 0)
    draw(
        page,
        "line",
        "Sales by month, and the target of its weeks",
        [
            Series("Sales", labels, (page, TOP + 1, 2, last, 2), BLUE),
            Series("Target", labels, (page, TOP + 1, 3, last, 3), ORANGE),
        ],
        (last + 2, 0, 1300, 320),
        names_format="yyyy-mm",
    )
    page.sheet.freeze_panes(TOP + 1, 1)
    page.sheet.print_area(0, 0, last + 19, width - 1)


# Parts of these sheets


def rep_count(book: Book) -> int:
    """How many reps the data have, as far as that is computed."""
    known = book.pages["Model"].value(basis_row("RepCount"), BASE + 1)
    return int(known) if isinstance(known, float) else 0


def basis_row(name: str) -> int:
    """The row of a value of BASIS on the sheet Model."""
    return TOP + 1 + [basis for basis, _, _ in BASIS].index(name)


def last_row(book: Book, top: int, room: int) -> int:
    """The last row of a table of reps that is printed: that of the last rep, or all of them."""
    return top + min(rep_count(book) or room, room)


def verdict(book: Book, cell: str) -> str:
    """What KPI_STATUS said, with a sign, in the workbook's language."""
    words = [literal(book.say(text)) for text in STATUSES.values()]
    first, second = (literal(raw) for raw in list(STATUSES)[:2])
    return (
        f'=IF({cell}="","",IF({cell}={first},{words[0]},IF({cell}={second},{words[1]},{words[2]})))'
    )


def mark(page: Page, *place: int) -> None:
    """Colour the statuses of a block, beside the signs that they begin with."""
    looks = (("✓", "#00523B"), ("!", "#8A5A00"), ("▼", "#8A3B00"))
    for sign, ink in looks:
        look = page.book.file.add_format({"bold": True, "font_color": ink})
        rule = {"type": "text", "criteria": "begins with", "value": sign, "format": look}
        page.sheet.conditional_format(*place, rule)


def month_line(page: Page, room: int) -> None:
    """Which month a sheet is about; or that there are more reps than it has room for."""
    month = page.book.say("Month: {month}. Set it on the sheet {Summary}.", month="{month}")
    more = page.book.say("More than {room} reps: the others are in no figure by rep.", room=room)
    page.put(
        2,
        0,
        f'=IF({NO_WEEK},"",IF(RepCount>{room},{literal(more)},'
        f'SUBSTITUTE({literal(month)},"{{month}}",MonthName)))',
        page.styles.lead(),
    )


def slots(book: Book) -> int:
    """How many reps charts have room for: those that there are and two more, or twelve."""
    known = rep_count(book)
    return min(known + 2, MOST_CHARTED) if known else 12


def add_ranking(page: Page, *, row: int, column: int, width: int, height: int) -> None:
    """A chart of the reps' attainment, the best first."""
    source, last = page.book.pages["Model"], TOP + slots(page.book)
    names = (source, TOP + 1, BY_RANK + 2, last, BY_RANK + 2)
    shares = (source, TOP + 1, BY_RANK + 3, last, BY_RANK + 3)
    draw(
        page,
        "bar",
        "Share of the sales target reached, by rep",
        [Series("Attainment", names, shares)],
        (row, column, width, height),
        number_format="0%;-0%;",
        labels=True,
    )


def add_sales(page: Page, *, row: int, column: int, width: int, height: int) -> None:
    """A chart of the reps' sales beside their targets, in the order of the ranking."""
    source, last = page.book.pages["Model"], TOP + slots(page.book)
    names = (source, TOP + 1, BY_RANK + 2, last, BY_RANK + 2)
    sales, targets = ((source, TOP + 1, BY_RANK + n, last, BY_RANK + n) for n in (6, 7))
    draw(
        page,
        "column",
        "Sales and target, by rep",
        [Series("Sales", names, sales, BLUE), Series("Target", names, targets, ORANGE)],
        (row, column, width, height),
    )


def add_weeks(page: Page, *, row: int, column: int, width: int, height: int) -> None:
    """A chart of the team's sales by week as columns, with the target as a line."""
    source, last = page.book.pages["Model"], TOP + THIRTEEN
    mondays = [source.name, TOP + 1, WEEK + 1, last, WEEK + 1]

    def series(name: str, at: int, look: dict[str, Any]) -> dict[str, Any]:
        values = [source.name, TOP + 1, WEEK + at, last, WEEK + at]
        return {"name": page.book.say(name), "categories": mondays, "values": values} | look

    chart = page.book.file.add_chart({"type": "column"})
    chart.add_series(series("Sales", 2, {"fill": {"color": BLUE}, "gap": 50}))
    target = page.book.file.add_chart({"type": "line"})
    dashes = {"color": ORANGE, "width": 2.25, "dash_type": "dash"}
    target.add_series(series("Target", 3, {"line": dashes}))
    chart.combine(target)
    formats = ("mm-dd", "#,##0")
    dress(chart, page, "Sales by week, and the target", "column", formats, labels=False)
    chart.set_size({"width": width, "height": height})
    page.sheet.insert_chart(row, column, chart, {"x_offset": 8, "object_position": 3})


def add_points(page: Page, *, row: int, column: int, width: int, height: int) -> None:
    """A chart of close rate against visits: a point a rep, with its name, and the team's."""
    source, said = page.book.pages["Model"], page.book.say
    font = {"color": INK, "size": 9}
    chart = page.book.file.add_chart({"type": "scatter"})
    mean_visits = (basis_row("MeanVisits"), BASE + 1)
    team_rate = (TOP + 1 + [goal.actual for goal in GOALS].index("TeamCloseRate"), GOAL + 1)
    # A series a rep, so that every viewer writes its name.
    for name, x, y, kind, colour in (
        *(
            (f"={source.at(at, BY_RANK + 2)}", (at, BY_RANK + 4), (at, BY_RANK + 5), "circle", BLUE)
            for at in range(TOP + 1, TOP + 1 + slots(page.book))
        ),
        (said("Team"), mean_visits, team_rate, "diamond", ORANGE),
    ):
        fill = {"color": colour}
        chart.add_series(
            {
                "name": name,
                "categories": [source.name, *x, *x],
                "values": [source.name, *y, *y],
                "marker": {"type": kind, "size": 8, "fill": fill, "border": fill},
                "data_labels": {"series_name": True, "value": False, "position": "above",
                                "font": font},
            }
        )  # fmt: skip
    formats = ("#,##0", "0%")
    dress(chart, page, "Close rate against visits", "scatter", formats, labels=False)
    chart.set_legend({"none": True})
    small = {"color": MUTED, "size": 9}
    axis = {"num_font": small, "line": {"color": LINE}, "major_tick_mark": "none",
            "name_font": {**small, "bold": False}}  # fmt: skip
    grid = {"major_gridlines": {"visible": True, "line": {"color": LINE, "width": 0.75}}}
    across = page.book.right_to_left
    chart.set_x_axis(
        {**axis, "name": said("Sales visits"), "num_format": "#,##0", "reverse": across}
    )
    chart.set_y_axis({**axis, **grid, "name": said("Close rate"), "num_format": "0%",
                      "min": 0})  # fmt: skip
    chart.set_size({"width": width, "height": height})
    page.sheet.insert_chart(row, column, chart, {"x_offset": 8, "object_position": 3})


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
        "Read {Summary}, {Reps}, {Coaching}, {Trend} and {Months}: every figure is a live formula"
        " over the two tables.",
    ),
    write=write,
    sample=sample,
    notes=(
        (
            "Targets",
            "A rep's target counts for the weeks that have a row: who begins in the middle"
            " of a month, or is away, is not measured against a whole one. The team's stays whole.",
        ),
        (
            "Months",
            "A week belongs to the month of its Monday, so that months have four or five weeks;"
            " a week's target is an equal part of its month's.",
        ),
        (
            "In words",
            "For a rep below the sales target: the KPI that is furthest behind. For one who has"
            " reached it: the KPI that is furthest ahead. Visits, close rate and CAC against their"
            " targets, the average deal against the team's.",
        ),
    ),
)
