"""The scorecard workbook: a row of counts a month in; KPIs, goals, trends and a dashboard out.

The sheet Model lines the months up and adds them to periods: months, or quarters. A quarter's KPI
divides the quarter's sums; it is not the mean of three months' KPIs. The sheet Periods has every
KPI in every period; the other sheets show what it and Model hold.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell

from kpi_xl.ooxml.addresses import quoted
from kpi_xl.own import FINGERPRINTS
from kpi_xl.schema import Column
from kpi_xl.schema.scorecard import MONTHS, SCHEMA
from kpi_xl.serials import FIGURED_FROM, FIGURED_UNTIL
from kpi_xl.units import COUNT, DATE, KEY, LARGE, MONEY, PERIODS, RATE, SCORE, TEXT, Unit

from .charting import draw, sparkline
from .checking import checks, status, where
from .comparison import PREVIOUS, YEAR
from .forecasting import AHEAD, FEWEST, Past, forecast_sheet, since_the_gap, spill_forecasts
from .grid import MONTH as MONTH_OF
from .grid import NAME, WHOLE, Measure, lay_out, put_grid, without_mean
from .records import (
    HEADER,
    Agreement,
    Basis,
    Problem,
    Sample,
    Sentence,
    Series,
    Setting,
    Sheet,
    Template,
)
from .sample_files import sample_table
from .scorecard_kpis import (
    AT_END,
    AT_START,
    COMPANY,
    COUNTS,
    FAMILIES,
    FIFTEEN,
    KPIS,
    OTHERS,
    PARTS,
    Kpi,
)
from .setting_cells import codes, judgement, put_basis, put_setting
from .sheet_parts import blank_if, header_row, headline, lines, section, widen
from .writing import BAR, BLUE, GREEN, LINE, MUTED, ORANGE, WASH, Book, Headline, Page, ifs, literal

SETTINGS = (
    Setting("ReportMonth", "Month", "", DATE, "Blank: the latest month"),
    Setting(
        "Period",
        "Month or quarter",
        "Month",
        TEXT,
        "What a period is",
        ("Month", "Quarter"),
        codes=("M", "Q"),
    ),
    Setting(
        "Compare",
        "Compare with",
        PREVIOUS,
        TEXT,
        "What the change is against",
        (PREVIOUS, YEAR),
        codes=("P", "Y"),
    ),
    Setting("GrossMargin", "Gross margin", 0.6, RATE, "As a fraction of revenue", most=1.0),
    Setting("Lifetime", "Lifetime, months", 24, PERIODS, "Months that a customer stays"),
    Setting("DiscountRate", "Discount rate", 0.01, RATE, "Per month"),
    Setting("Tolerance", "Tolerance", 0.1, RATE, "Off target, and still at risk"),
)

NOTHING = "MonthCount=0"
SHOWN = 13  # periods: a year, and the same month of the year before
KEPT = 3 * (SHOWN + 1)  # months: of as many quarters, and of the one before them
ACROSS = 5  # tiles of the dashboard
SETTING_COLUMNS = (0, 1, 3, 4, 6, 7, 9)
GOAL_ROOM = 30  # rows of the sheet SMART check

# The sheet Periods: labels, codes, a column a period. Rows and columns are counted from 0.
HISTORY_TOP = 4  # the row of its header
VALUES, NEWEST = 2, 1 + SHOWN

# The sheet Model: single cells; counts, a column a period, from the one before the first that is
# shown; a row a KPI; a row a month.
LABEL, FIRST, NEXT, LAST, USED, JUMP, NAMED = range(16, 23)
COUNTED = NAMED + 1
OLDEST, CURRENT = 1, 1 + SHOWN
STAGES = 3  # the column of the way from lead to deal
TABLE = COUNTED + len(COUNTS) + 4
(CODE, ACTUAL, BEFORE, CHANGE, GOAL, BASELINE, TARGET, DEADLINE, PROGRESS, STATE, TREND, STRANGE,
 BETTER, UNIT, SO_FAR_NOW) = range(15)  # fmt: skip
BY_MONTH = TABLE + len(KPIS) + 4
MONTH, FOUND, ROW, TWICE, MISSING = range(5)
FORECAST = {
    "spend": ("Spend", LARGE),
    "marketing_revenue": ("Revenue from marketing", LARGE),
    "leads": ("Leads", COUNT),
    "new_customers": ("New customers", COUNT),
}
"""The sums that are forecast; the months have a column of each behind MISSING."""
TO_COME = MISSING + len(FORECAST) + 2  # the first column of the forecasts

WAY = (("leads", "Leads"), ("mqls", "MQLs"), ("sqls", "SQLs"), ("sqos", "SQOs"), ("won", "Won"))

IN_CALENDAR = f'Months[month],">={FIGURED_FROM}",Months[month],"<={FIGURED_UNTIL}"'
ANY_NUMBER = '">-1E+300"'
TOKEN = re.compile(r"\{(\w+)(<?)\}")  # {spend}, {visits<}
RISE = '"▲ "0.0%;"▼ "0.0%;"► "0.0%'

STATES = {"on track": "✓ on track", "at risk": "▲ at risk", "off track": "✗ off track"}
"""KPI_STATUS's words, and how the sheets say them: never by a colour alone."""
LOOKS = {
    "on track": ("#00523B", "#D9F0E8"),
    "at risk": ("#6B4A00", "#FCEFD2"),
    "off track": ("#8A3B00", "#FBE3D3"),
}

KPI_COLUMNS = (
    ("KPI", 27, "start"), ("What it is", 42, "start"), ("Actual", 12, "right"),
    ("Before", 12, "right"), ("Change", 11, "right"), ("Baseline", 11, "right"),
    ("Target", 11, "right"), ("Deadline", 12, "center"), ("Progress", 10, "right"),
    ("Status", 14, "center"), ("Trend a period", 10, "right"), ("Unusual?", 13, "center"),
    ("The last 13 periods", 22, "center"),
)  # fmt: skip
"""The tables of KPIs: headers, widths, sides."""

SMART = (
    ("S", "Specific", "The goal says what is to be reached, and has an owner.",
     "Specific: say what is to be reached, and who sees to it."),
    ("M", "Measurable", "Its KPI is in the list, and its target is a number.",
     "Measurable: choose the KPI from the list, and give a number as the target."),
    ("A", "Achievable", "It says where it starts from, and why it can be done.",
     "Achievable: give the baseline, and the reason why it can be done."),
    ("R", "Relevant", "It says which aim of the company it serves.",
     "Relevant: say which aim of the company it serves."),
    ("T", "Time-bound", "It has a deadline.",
     "Time-bound: give a deadline."),
)  # fmt: skip
"""The letters, what they stand for, how the sheet judges, and what to do."""

GOAL_COLUMNS = (
    ("Row", 6, "center"), ("Goal", 42, "start"), ("Owner", 11, "start"), ("KPI", 23, "start"),
    ("Period", 8, "center"), ("Baseline", 11, "right"), ("Target", 11, "right"),
    ("Actual", 11, "right"), ("Progress", 10, "right"), ("Status", 14, "center"),
    ("Deadline", 12, "center"), ("Days left", 8, "right"),
    *((letter, 4.5, "center") for letter, *_ in SMART),
    ("What is missing", 38, "start"), ("Unit", 10, "start"), ("Raw status", 10, "start"),
)  # fmt: skip

WRONG_GOALS = (
    "The KPI's code is not in the list.",
    "The target is missing, or no number.",
    "There are two goals for this KPI: the first counts.",
)


def write(book: Book) -> None:
    """Write the sheets for people, Checks and Model."""
    model(book.pages["Model"])
    history(book.pages["Periods"])
    dashboard(book.pages["Dashboard"])
    scorecard(book.pages["Scorecard"])
    others(book.pages["More KPIs"])
    smart(book.pages["SMART check"])
    to_come(book.pages["Forecast"])
    checks(book.pages["Checks"], agreements(book), problems(book))
    book.pages["Months"].sheet.fit_to_pages(5, 0)
    book.pages["Months"].sheet.repeat_columns(0)
    goals = book.pages["Goals"]
    for place, width in ((0, 25), (1, 60), (7, 36), (8, 24)):
        goals.sheet.set_column(place, place, width, book.styles.label())


# What is computed


def numbers(*cells: str) -> str:
    """How many of some cells are numbers; an error where one of them is: COUNT passes errors by."""
    listed = ",".join(cells)
    return f"COUNT({listed})+0*SUM({listed})"


def model(page: Page) -> None:
    """The period shown, the counts of each period, what the sheets show of each KPI, the months."""
    lead = "What the other sheets show, computed from the tables."
    lay_out(page, "Model", lead, ((1, 36), (CURRENT, 13)), frozen=(3, 1))
    single_cells(page)
    stages(page)
    periods(page)
    kpi_rows(page)
    section(page, BY_MONTH - 1, 0, MISSING, "Rows by month")
    put_grid(page, BY_MONTH, MONTHLY, [{"ago": str(ago - KEPT)} for ago in range(KEPT)])
    forecasts(page)
    page.sheet.fit_to_pages(1, 0)
    page.sheet.print_area(0, 0, TABLE + len(KPIS), CURRENT)


def single_cells(page: Page) -> None:
    """The month and the period that are looked at."""
    first = "DATE(YEAR(ShownMonth),MONTH(ShownMonth)-MOD(MONTH(ShownMonth)-1,Step),1)"
    last, now = page.at(FIRST, CURRENT), page.at(USED, CURRENT)
    before = f"INDEX({page.at(USED, OLDEST + 1, USED, CURRENT)},1,Before)"
    year_before = f'IF(PeriodCode="Q",{SHOWN - 4},{SHOWN - 12})'
    section(page, 3, 0, 1, "The period")
    put_basis(page, 4, 0, [
        *codes(page.book, SETTINGS),
        Basis("MonthCount", f"=COUNTIFS({IN_CALENDAR})", COUNT),
        Basis("LatestMonth",
              blank_if(NOTHING, f"_xlfn.MAXIFS(Months[month],{IN_CALENDAR})"), DATE),
        Basis("ShownMonth", "=IF(COUNT(ReportMonth)=0,LatestMonth,ReportMonth)", DATE),
        Basis("Step", blank_if(NOTHING, 'IF(PeriodCode="Q",3,1)'), COUNT),
        Basis("PeriodFirst", blank_if(NOTHING, first), DATE),
        Basis("PeriodNext", blank_if(NOTHING, f"EDATE({last},Step)"), DATE),
        Basis("Before",
              blank_if(NOTHING, f'IF(CompareCode="Y",{year_before},{SHOWN - 1})'), COUNT),
        Basis("MonthsNow", f"={now}", COUNT),
        Basis("MonthsBefore", blank_if(NOTHING, before), COUNT),
    ])  # fmt: skip


def stages(page: Page) -> None:
    """The way from lead to deal in the period, for a chart."""
    section(page, 3, STAGES, STAGES + 1, "From lead to deal")
    for row, (name, label) in enumerate(WAY, start=4):
        page.write(row, STAGES, label, page.styles.label())
        page.put(row, STAGES + 1, f"={counted(name, CURRENT)}", page.styles.number(COUNT))


def periods(page: Page) -> None:
    """The counts of each period: sums, but of states the first or the last.

    A count is blank where a month of the period lacks it; all are where a month is missing, or
    there twice. The latest quarter may be one so far.
    """
    section(page, LABEL - 1, 0, CURRENT, "Counts by period")
    for row, measure in enumerate(PERIOD_HEADS, start=LABEL):
        page.write(row, 0, measure.header, page.styles.label(bold=True))
    for row, count in enumerate(COUNTS, start=COUNTED):
        page.sheet.write_string(row, 0, count.name, page.styles.label())
    page.write(COUNTED + len(COUNTS), 0, "Customers, mean", page.styles.label())
    measures = (*PERIOD_HEADS, *map(count_of, COUNTS), MEAN_CUSTOMERS)
    months = {"days": by_month(page, MONTH), "rows": by_month(page, FOUND)}
    starts = [f"EDATE(PeriodFirst,{ago}*Step)" for ago in range(OLDEST - CURRENT, 0)]
    records = [months | {"start": start} for start in (*starts, "PeriodFirst")]
    put_grid(page, LABEL - 1, measures, records, across=True, titled=False, blank=NOTHING)


OF_DAYS = '{days},">="&{First day},{days},"<"&{Ends before}'
INSIDE = 'Months[month],">="&{First day},Months[month],"<"&{Ends before}'
MONTHS_FOUND = f'COUNTIFS({OF_DAYS},{{rows}},">0")'
SO_FAR = "(YEAR(LatestMonth)-YEAR({First day}))*12+MONTH(LatestMonth)-MONTH({First day})+1"
PERIOD_HEADS = (
    Measure("Period", 'YEAR({First day})&IF(PeriodCode="Q","-Q"&INT((MONTH({First day})+2)/3),'
            '"-"&RIGHT("0"&MONTH({First day}),2))', KEY,
            look={"bold": True, "bg_color": WASH, "bottom": 1, "bottom_color": LINE,
                  "align": "right"}),
    Measure("First day", "{start}", DATE),
    Measure("Ends before", "EDATE({First day},Step)", DATE),
    Measure("Last month", f"_xlfn.MAXIFS(Months[month],{INSIDE})", DATE),
    Measure("Months that count",
            f'IF({NOTHING},0,IF(COUNTIFS({OF_DAYS},{{rows}},">1")>0,0,'
            f"IF({MONTHS_FOUND}=MIN(Step,{SO_FAR}),{MONTHS_FOUND},0)))", COUNT, blank=""),
    Measure("Start is not the end before",
            "({customers_start}<>{customers_end<})"
            '*({customers_start}<>"")*({customers_end<}<>"")', COUNT, blank="", first="0"),
    Measure("In charts", "IF(Step=1,{First day},{Period})", MONTH_OF),
)  # fmt: skip
MEAN_CUSTOMERS = Measure(
    "Customers, mean", "({customers_start}+{customers_end})/2", COUNT,
    blank="COUNT({customers_start},{customers_end})+0*SUM({customers_start},{customers_end})<2",
)  # fmt: skip


def count_of(count: Column) -> Measure:
    """A count of a period: the sum of its months, or a state at its first or its last."""
    when, needed = INSIDE, "{Months that count}"
    if count.name in AT_START:
        when = 'Months[month],">="&{First day},Months[month],"<"&EDATE({First day},1)'
    elif count.name in AT_END:
        when = "Months[month],{Last month}"
    if when != INSIDE:
        needed = "1"
    cells = f"Months[{count.name}]"
    total = f'IF(COUNTIFS({when},{cells},{ANY_NUMBER})<{needed},"",SUMIFS({cells},{when}))'
    return Measure(count.name, total, count.unit, "{Months that count}", blank="")


def counted(name: str, column: int) -> str:
    """The cell of a count on the sheet Model; "customers" is their mean, "months" how many."""
    if name == "months":
        return str(xl_rowcol_to_cell(USED, column))
    names = [*(count.name for count in COUNTS), "customers"]
    return str(xl_rowcol_to_cell(COUNTED + names.index(name), column))


def by_month(page: Page, column: int) -> str:
    """A column of the months on the sheet Model."""
    return page.book.at("Model", BY_MONTH + 1, column, BY_MONTH + KEPT, column)


def kpi_rows(page: Page) -> None:
    """What the sheets show of each KPI."""
    section(page, TABLE - 1, 0, SO_FAR_NOW, "KPIs")
    heads = ("Code", "Actual", "Before", "Change", "Row of the goal", "Baseline", "Target",
             "Deadline", "Progress", "Status", "Trend", "Unusual", "Better", "Unit",
             "So far")  # fmt: skip
    header_row(page, TABLE, 0, heads, text=(STATE, BETTER, UNIT))
    for row, kpi in enumerate(KPIS, start=TABLE + 1):
        kpi_row(page, row, kpi)
    for name, column in (("KpiCodes", CODE), ("KpiActuals", ACTUAL), ("KpiBetter", BETTER)):
        page.define(name, TABLE + 1, column, TABLE + len(KPIS), column)
    page.define("KpiUnits", TABLE + 1, UNIT, TABLE + len(KPIS), UNIT)
    page.define("KpiSoFar", TABLE + 1, SO_FAR_NOW, TABLE + len(KPIS), SO_FAR_NOW)


def kpi_row(page: Page, row: int, kpi: Kpi) -> None:
    """The same of one KPI."""
    styles, look = page.styles, page.styles.number(kpi.unit)
    code, actual, before, goal, baseline, target, so_far = (
        xl_rowcol_to_cell(row, column)
        for column in (CODE, ACTUAL, BEFORE, GOAL, BASELINE, TARGET, SO_FAR_NOW)
    )
    past = history_row(kpi)
    values, whole = (
        page.book.at("Periods", past, VALUES, past, newest) for newest in (NEWEST, NEWEST - 1)
    )
    better = "lower" if kpi.lower else "higher"
    unknown = [f"{numbers(actual, before)}<2"]
    if kpi.by_months:  # a quarter so far has not shrunk against a whole one
        unknown.append("MonthsNow<>MonthsBefore")
    if kpi.unit in (RATE, SCORE):  # in points
        change = f"({actual}-{before})*{100 if kpi.unit is RATE else 1}"
    else:
        unknown.append(f"{before}<=0")
        change = f"VS_BASELINE({actual},{before})"
    fits = f'(Goals[kpi]={code})*((Goals[period]=PeriodCode)+(Goals[period]=""))'
    goal_row = blank_if(f"SUMPRODUCT({fits})=0", f"MATCH(1,{fits},0)")

    def of_goal(column: str) -> str:
        cell = f"INDEX(Goals[{column}],{goal})"
        return blank_if(f'{goal}=""', f'IF(ISNUMBER({cell}),{cell},"")')

    page.sheet.write_string(row, CODE, kpi.code, styles.label(bold=True))
    page.sheet.write_string(row, BETTER, better, styles.label(indent=1))
    page.sheet.write_string(row, UNIT, kpi.unit.name, styles.label(indent=1))
    page.put_array(row, GOAL, goal_row, styles.of("0"))
    for column, formula, style in (
        (ACTUAL, f"={page.book.at('Periods', past, NEWEST)}", look),
        (BEFORE, blank_if(NOTHING, f"INDEX({values},1,Before)"), look),
        (CHANGE, blank_if(unknown, change), change_style(page, kpi)),
        (BASELINE, of_goal("baseline"), look),
        (TARGET, of_goal("target"), look),
        (DEADLINE, of_goal("deadline"), styles.number(DATE)),
        (SO_FAR_NOW, f"=IF(MonthsNow<N(Step),{1 if kpi.by_months else 0},0)", styles.of("0")),
        (PROGRESS, progress(actual, target, baseline, so_far), styles.number(RATE)),
        (STATE, state(actual, target, f'"{better}"', so_far), styles.label(indent=1)),
        (TREND, f"=IF({so_far}=1,{trend_of(whole)},{trend_of(values)})", styles.of(RISE)),
        # Where a period shows an error, there is but this error, and no block to look into.
        (STRANGE, blank_if((f'{actual}=""', f"{so_far}=1"), f"IF(ISNUMBER(SUM({values})),"
                           f"INDEX(KPI_ANOMALY({values}),1,{SHOWN})*1,SUM({values}))"),
         styles.of("0")),
    ):  # fmt: skip
        page.put(row, column, formula, style)


def trend_of(values: str) -> str:
    """The trend of a KPI's periods."""
    return blank_if((f"{numbers(values)}<3", without_mean(values)), f"KPI_TREND({values})")[1:]


def progress(actual: str, target: str, baseline: str, so_far: str) -> str:
    """The way from the baseline to the target that has been made; none where `so_far` is 1."""
    kpi = f"TARGET_PROGRESS({actual},{target},{baseline})"
    none = (f"{numbers(actual, target, baseline)}<3", f"{target}={baseline}", f"{so_far}=1")
    return blank_if(none, kpi)


def state(actual: str, target: str, better: str, so_far: str) -> str:
    """The status against the target, in KPI_STATUS's words; `better` is "higher" or "lower".

    None where `so_far` is 1: a month's count is not that of a quarter.
    """
    kpi = f"KPI_STATUS({actual},{target},,Tolerance,{better})"
    return blank_if((f"{numbers(actual, target)}<2", f"{so_far}=1"), kpi)


OF_MONTH = 'Months[month],">="&{Day},Months[month],"<"&EDATE({Day},1)'
MONTHLY = (
    Measure("Day", "EDATE(PeriodNext,{ago})", DATE, blank=NOTHING),
    Measure("Rows", f"IF({NOTHING},0,COUNTIFS({OF_MONTH}))", COUNT),
    Measure("First row", f"MATCH(_xlfn.MINIFS(Months[month],{OF_MONTH}),Months[month],0)", WHOLE,
            "{Rows}"),
    Measure("Rows too many", "IF({Rows}>1,{Rows}-1,0)", COUNT),
    Measure("Missing", f"IF({NOTHING},0,IF({{Rows}}>0,0,IF({{Day}}>LatestMonth,0,"
            f'IF(COUNTIFS(Months[month],">={FIGURED_FROM}",Months[month],"<"&{{Day}})>0,1,0))))',
            COUNT),
    *(Measure(label, f'IF(INDEX(Months[{name}],{{First row}})="","",'
                     f"INDEX(Months[{name}],{{First row}}))", COUNT, blank="{Rows}<>1")
      for name, (label, _) in FORECAST.items()),
)  # fmt: skip
"""The months one after the other: how many rows the table has of each, and the first."""


def forecasts(page: Page) -> None:
    """The forecasts of some counts of the months, and the month that comes next."""
    found, days = by_month(page, FOUND), by_month(page, MONTH)
    last = f'MAX(IF({found}>0,{days},""))'
    past = []
    for place, (label, _) in enumerate(FORECAST.values(), start=MISSING + 1):
        values = since_the_gap(by_month(page, place), days, last)
        none = f'IF({NOTHING},TRUE,SUMPRODUCT(({values}<>"")*1)<{FEWEST})'
        past.append(Past(label, values, none))
    following = Basis("NextMonth", blank_if(NOTHING, f"EDATE({last},1)"), DATE)
    spill_forecasts(page, BY_MONTH, TO_COME, past, "12", "The next month", following)


def to_come(page: Page) -> None:
    """The next months of some counts."""
    month = Measure("Month", "EDATE(NextMonth,{ahead})", MONTH_OF, blank='NextMonth=""', look=NAME)
    forecast_sheet(
        page,
        "The months after the one shown, if all goes on as it did. Of ten, eight to nine come"
        " between low and high.",
        dict(FORECAST.values()),
        (BY_MONTH, TO_COME),
        [{"ahead": str(ahead)} for ahead in range(AHEAD)],
        (month,),
    )


def history_row(kpi: Kpi) -> int:
    """The row of a KPI on the sheet Periods, where each family has a heading."""
    row = HISTORY_TOP + 2
    for family in FAMILIES.values():
        if kpi in family:
            return row + family.index(kpi)
        row += len(family) + 2
    raise ValueError(f"{kpi.code} is in no family")


def in_period(book: Book, kpi: Kpi, place: int) -> str:
    """A KPI's formula for a period; blank where a count is missing, or one to divide by is 0."""
    codes = {other.code: other for other in KPIS}
    source = quoted(book.pages["Model"].name)

    def cell(name: str, back: int = 0) -> str:
        if name in codes:
            return str(xl_rowcol_to_cell(history_row(codes[name]), VALUES + place))
        return f"{source}!{counted(name, OLDEST + 1 + place - back)}"

    def filled(formula: str) -> str:
        return TOKEN.sub(lambda token: cell(token[1], len(token[2])), formula)

    formula = filled(kpi.formula)
    if not kpi.function:
        return f"={formula}"
    needed = [filled(token[0]) for token in TOKEN.finditer(kpi.formula)]
    conditions = [f"{numbers(*dict.fromkeys(needed))}<{len(set(needed))}"]
    if "<}" in kpi.formula:  # a quarter so far has not shrunk against a whole one
        conditions.append(f"{cell('months')}<>{cell('months', 1)}")
    return blank_if((*conditions, *(f"{filled(over)}=0" for over in kpi.over)), formula)


def model_cell(book: Book, kpi: Kpi, column: int) -> str:
    """The cell of a KPI's row on the sheet Model."""
    return book.at("Model", TABLE + 1 + KPIS.index(kpi), column)


# The sheets for people


def history(page: Page) -> None:
    """Every KPI in every period."""
    styles = page.styles
    lay_out(page, "Periods", "Every KPI in the last thirteen periods.",
            ((1, 34), (1, 26), (SHOWN, 12.5)), frozen=(HISTORY_TOP + 1, 1))  # fmt: skip
    widen(page, 0, 34, [page.book.say(kpi.label) for kpi in KPIS])
    page.put(2, 0, what_is_shown(page.book), styles.label(bold=True))
    header_row(page, HISTORY_TOP, 0, ("KPI", "Code"), text=(1,))
    for place in range(SHOWN):
        label = f"={page.book.at('Model', LABEL, OLDEST + 1 + place)}"
        page.put(HISTORY_TOP, VALUES + place, label, styles.header(align="right", valign="bottom"))
    for title, family in FAMILIES.items():
        section(page, history_row(family[0]) - 1, 0, NEWEST, title)
        for kpi in family:
            row = history_row(kpi)
            page.write(row, 0, kpi.label, styles.label(shrink=True))
            page.sheet.write_string(row, 1, kpi.code, styles.lead(font_size=9))
            for place in range(SHOWN):
                look = styles.number(kpi.unit, bold=place == SHOWN - 1)
                page.put(row, VALUES + place, in_period(page.book, kpi, place), look)
    page.sheet.repeat_rows(HISTORY_TOP)
    page.sheet.fit_to_pages(1, 0)
    page.sheet.print_area(0, 0, history_row(KPIS[-1]), NEWEST)


def dashboard(page: Page) -> None:
    """The fifteen KPIs as tiles, with the settings above them and three charts below."""
    say = page.book.say
    lay_out(page, "Marketing scorecard", "Change the yellow cells to your own.",
            ((1, 16), (1, 14), (1, 1.5)) * ACROSS, frozen=(3, 0))  # fmt: skip
    page.put(1, 0, what_is_shown(page.book), page.styles.label(bold=True))
    status(page, 2, 0, MONTHS)
    goals = [f'SUMPRODUCT(({states(page.book, FIFTEEN)}="{word}")*1)' for word in STATES]
    summary = "&".join(
        f"{literal(('' if first else '   ') + say(words) + ': ')}&{count}"
        for first, words, count in zip((True, False, False), STATES.values(), goals, strict=True)
    )
    page.put(
        1,
        3 * ACROSS - 2,
        blank_if("+".join(goals) + "=0", summary),
        page.styles.of(bold=True, align="left" if page.book.right_to_left else "right"),
    )
    settings_across(page, 4)
    for number, kpi in enumerate(FIFTEEN):
        tile(page, 7 + 4 * (number // ACROSS), 3 * (number % ACROSS), kpi)
    bottom = 7 + 4 * (len(FIFTEEN) // ACROSS)
    charts(page, bottom)
    page.sheet.print_area(0, 0, bottom + 14, 3 * ACROSS - 2)


def what_is_shown(book: Book) -> str:
    """The period looked at, the one it is compared with, and how many months a quarter has."""
    shown = f"{book.at('Model', LABEL, CURRENT)}"
    before = f"INDEX({book.at('Model', LABEL, OLDEST + 1, LABEL, CURRENT)},1,Before)"
    text = literal(book.say("{period}, compared with {before}", period="{p}", before="{b}"))
    part = book.say(
        "so far: {months} of 3 months; what grows with the months is not judged", months="{m}"
    )
    part = literal(f" ({part})")
    so_far = f'IF(MonthsNow<Step,SUBSTITUTE({part},"{{m}}",MonthsNow),"")'
    formula = f'SUBSTITUTE(SUBSTITUTE({text},"{{p}}",{shown}),"{{b}}",{before})&{so_far}'
    return blank_if(NOTHING, formula)


def settings_across(page: Page, row: int) -> None:
    """The settings side by side: label, yellow cell, meaning as a comment."""
    label = page.styles.lead(font_size=9, text_wrap=True, valign="bottom")
    page.sheet.set_row(row, 26)
    for column, setting in zip(SETTING_COLUMNS, SETTINGS, strict=True):
        page.write(row, column, setting.label, label)
        page.sheet.write_comment(row, column, page.book.say(setting.meaning))
        put_setting(page, row + 1, column, setting)


def tile(page: Page, row: int, column: int, kpi: Kpi) -> None:
    """A KPI on the dashboard: what it is now, its change, its status, its past."""
    styles, book = page.styles, page.book
    caption = styles.lead(top=5, top_color=BLUE, bg_color=WASH, shrink=True)
    page.sheet.merge_range(row, column, row, column + 1, "", caption)
    page.write(row, column, kpi.label, caption)
    number = styles.number(
        kpi.unit, bold=True, font_size=16, shrink=True, align="start", bg_color=WASH
    )
    page.put(row + 1, column, f"={model_cell(book, kpi, ACTUAL)}", number)
    page.sheet.write_blank(row + 1, column + 1, None, styles.of(bg_color=WASH))
    course(page, row + 1, column + 1, kpi)
    change = change_style(page, kpi, align="start", font_size=9, bg_color=WASH)
    page.put(row + 2, column, f"={model_cell(book, kpi, CHANGE)}", change)
    look = {"align": "center", "bg_color": WASH, "font_size": 9}
    show_state(page, row + 2, column + 1, model_cell(book, kpi, STATE), **look)
    for place, height in enumerate((19, 33, 19, 8)):
        page.sheet.set_row(row + place, height)


def charts(page: Page, row: int) -> None:
    """The way from lead to customer, money in and out, and where visits come from."""
    source = page.book.pages["Model"]
    names = (source, NAMED, OLDEST + 1, NAMED, CURRENT)

    def past(name: str, label: str, colour: str) -> Series:
        place = COUNTED + [count.name for count in COUNTS].index(name)
        return Series(label, names, (source, place, OLDEST + 1, place, CURRENT), colour)

    last = 3 + len(WAY)
    draw(
        page,
        "bar",
        "From lead to deal",
        [
            Series(
                "Count",
                (source, 4, STAGES, last, STAGES),
                (source, 4, STAGES + 1, last, STAGES + 1),
                BLUE,
            )
        ],
        (row, 0, 340, 290),
        labels=True,
    )
    draw(
        page,
        "column",
        "Marketing: cost, and revenue brought",
        [past("spend", "Spend", ORANGE), past("marketing_revenue", "Revenue", BLUE)],
        (row, 4, 350, 290),
        names_format="yyyy-mm",
        unit=LARGE,
    )
    draw(
        page,
        "column",
        "Visits by source",
        [
            past("organic_visits", "Organic", BLUE),
            past("referral_visits", "Referral", ORANGE),
            past("social_visits", "Social networks", GREEN),
        ],
        (row, 9, 448, 290),
        names_format="yyyy-mm",
        stacked=True,
    )


def scorecard(page: Page) -> None:
    """The fifteen KPIs, a row each."""
    lead = "The fifteen KPIs that every marketer should know, against their goals."
    headline(page, "Scorecard", lead)
    kpi_table(page, {"The fifteen": FIFTEEN})


def others(page: Page) -> None:
    """The other KPIs by family, a row each."""
    headline(page, "More KPIs", "The others, by family; a goal for one of them counts here, too.")
    kpi_table(page, OTHERS)
    page.sheet.repeat_rows(HISTORY_TOP)
    page.sheet.fit_to_pages(1, 0)


def kpi_table(page: Page, families: Mapping[str, Sequence[Kpi]]) -> None:
    """KPIs against their goals, a row each, under a heading a family."""
    styles, book = page.styles, page.book
    page.put(2, 0, what_is_shown(book), styles.label(bold=True))
    columns(page, HISTORY_TOP, KPI_COLUMNS)
    row = HISTORY_TOP
    for title, family in families.items():
        row += 1
        if len(families) > 1:
            section(page, row, 0, len(KPI_COLUMNS) - 1, title)
            row += 1
        for kpi in family:
            kpi_line(page, row, kpi)
            row += 1
    page.sheet.freeze_panes(HISTORY_TOP + 1, 1)
    page.sheet.print_area(0, 0, row, len(KPI_COLUMNS) - 1)


def kpi_line(page: Page, row: int, kpi: Kpi) -> None:
    """A KPI's row in such a table."""
    styles, book = page.styles, page.book
    line: dict[str, Any] = {"bottom": 1, "bottom_color": LINE}
    label, definition = book.say(kpi.label), book.say(kpi.definition)
    deep = max(lines(definition, 40), lines(label, 24))
    page.sheet.write_string(row, 0, label, styles.label(bold=True, text_wrap=True, **line))
    page.sheet.write_string(row, 1, definition, styles.lead(text_wrap=True, font_size=10, **line))
    page.sheet.set_row(row, max(40 if kpi in FIFTEEN else 24, 13.5 * deep + 7))
    look = styles.number(kpi.unit, **line)
    for column, source, style in (
        (2, ACTUAL, styles.number(kpi.unit, bold=True, **line)),
        (3, BEFORE, look),
        (4, CHANGE, change_style(page, kpi, **line)),
        (5, BASELINE, look),
        (6, TARGET, look),
        (7, DEADLINE, styles.number(DATE, align="center", **line)),
        (8, PROGRESS, styles.of("0%", **line)),
        (10, TREND, styles.of(RISE, **line)),
    ):
        page.put(row, column, f"={model_cell(book, kpi, source)}", style)
    show_state(page, row, 9, model_cell(book, kpi, STATE), align="center", **line)
    strange, yes = model_cell(book, kpi, STRANGE), book.phrase("◆ unusual")
    unusual = styles.label(bold=True, **(line | {"align": "center"}))
    page.put(row, 11, f'=IF({strange}=1,{yes},"")', unusual)
    page.sheet.write_blank(row, 12, None, styles.of(**line))
    course(page, row, 12, kpi)
    page.sheet.conditional_format(row, 8, row, 8, way(page.book))
    if kpi in FIFTEEN:
        place = page.name, row + 1, 3
        book.headlines.append(Headline(book.say(kpi.label), place, kpi.unit))


def smart(page: Page) -> None:
    """Each goal: whether it is SMART, how far it is, what it lacks."""
    styles, book = page.styles, page.book
    lead = "A goal that lacks one of the five is a wish. The table is filled on the sheet {Goals}."
    headline(page, "SMART check", lead)
    for row, (letter, word, meaning, _) in enumerate(SMART, start=3):
        page.sheet.write_string(
            row, 0, letter, styles.of(bold=True, font_color=BLUE, align="center")
        )
        page.write(row, 1, word, styles.label(bold=True))
        page.write(row, 2, meaning, styles.lead())
    top = 3 + len(SMART) + 1
    columns(page, top, GOAL_COLUMNS)
    rows = [{"row": str(HEADER + 1 + number)} for number in range(1, GOAL_ROOM + 1)]
    put_grid(page, top, goal_columns(book), rows, titled=False, height=30)
    last = top + GOAL_ROOM
    page.define("GoalProblems", top + 1, 17, last, 17)
    page.sheet.conditional_format(top + 1, 8, last, 8, way(book))
    colour_states(page, top + 1, 9, last, 9)
    unit = xl_rowcol_to_cell(top + 1, 18, col_abs=True)
    for one in dict.fromkeys(kpi.unit for kpi in KPIS):
        condition = f'{unit}="{one.name}"'
        if one is MONEY:
            book.amounts_where.append((page, (top + 1, 5, last, 7), condition))
        else:
            page.mark((top + 1, 5, last, 7), condition, {"num_format": styles.form(one)})
    more = book.phrase("More than {room} goals: the others are not looked at here", room=GOAL_ROOM)
    page.put(2, 0, f'=IF(COUNTA(Goals[kpi])>{GOAL_ROOM},{more},"")', styles.warning())
    page.sheet.freeze_panes(top + 1, 2)
    page.sheet.print_area(0, 0, last, 17)


def given(header: str, column: str, number: bool = False, **options: Any) -> Measure:
    """What the table Goals says in the row of the goal; a number only, if it is to be one."""
    cell = f"INDEX(Goals[{column}],{{number}})"
    there = f"ISNUMBER({cell})" if number else f'{cell}<>""'
    return Measure(header, f'IF({there},{cell},"")', blank=GONE, **options)


def ticked(letter: str, *conditions: str) -> Measure:
    """Whether a goal is all that a letter of SMART stands for."""
    look = {"bold": True, "align": "center", **RULED}
    formula = f'IF(1*{"*".join(conditions)}>0,"✓","✗")'
    return Measure(letter, formula, KEY, blank=NO_GOAL, look=look)


def filled_in(column: str) -> str:
    """The condition that the table Goals says something in a column."""
    return f'(INDEX(Goals[{column}],{{number}})<>"")'


RULED: dict[str, Any] = {"bottom": 1, "bottom_color": LINE}
GONE = "ROWS(Goals[kpi])<{number}"
NO_GOAL = '{KPI}&{Goal}=""'
KNOWN = "SUMPRODUCT((KpiCodes={KPI})*1)"
OTHER_PERIOD = '({Period}<>"")*({Period}<>PeriodCode)'
ACTUAL_OF_GOAL = Unit("VALUE", "the KPI's own unit", "#,##0.00")
PROGRESS_SHARE = Unit("RATE", "a fraction, in whole percent", "0%")
DAYS_LEFT = Unit("DAYS", "days, below 0 when it is late", "#,##0")


def goal_advice(book: Book) -> str:
    """What a goal lacks first, as a formula over its row."""
    wrong = [
        (f"{KNOWN}=0", WRONG_GOALS[0]),
        ('{Target}=""', WRONG_GOALS[1]),
        ("SUMPRODUCT((Goals[kpi]={KPI})*(Goals[period]={Period}))>1", WRONG_GOALS[2]),
        *((f'{{{letter}}}="✗"', sentence) for letter, _, _, sentence in SMART),
    ]
    cases = ((condition, book.phrase(sentence)) for condition, sentence in wrong)
    return ifs(cases, book.phrase("Nothing: it is SMART."))


def goal_columns(book: Book) -> tuple[Measure, ...]:
    """A goal by its place in the table Goals, and how it fares."""
    text, middle = {"text_wrap": True, "align": "start", **RULED}, {"align": "center", **RULED}
    by_quarter, per_month = map(book.phrase, ("by quarter", "by month"))
    other = f'IF({{Period}}="Q",{by_quarter},{per_month})'
    words = judgement(book, "{Raw status}", STATES)

    def of_kpi(formula: str, *conditions: str) -> str:
        return blank_if((NO_GOAL, f"{KNOWN}=0", *conditions), formula)

    elsewhere = f"{OTHER_PERIOD}>0"
    place = "MATCH({KPI},KpiCodes,0)"
    so_far = f"INDEX(KpiSoFar,{place})"
    raw = state("{Actual}", "{Target}", f"INDEX(KpiBetter,{place})", so_far)[1:]
    return (
        Measure("Row", blank_if((GONE, NO_GOAL), "{row}"), WHOLE, look=middle),
        given("Goal", "goal", unit=KEY, look=text),
        given("Owner", "owner", unit=KEY, look=text),
        given("KPI", "kpi", unit=KEY, look=text),
        given("Period", "period", unit=KEY, look=middle),
        given("Baseline", "baseline", True, unit=ACTUAL_OF_GOAL, look=RULED),
        given("Target", "target", True, unit=ACTUAL_OF_GOAL, look=RULED),
        Measure("Actual", of_kpi(f"INDEX(KpiActuals,{place})", elsewhere), ACTUAL_OF_GOAL,
                look={"bold": True, **RULED}),
        Measure("Progress", progress("{Actual}", "{Target}", "{Baseline}", so_far), PROGRESS_SHARE,
                look=RULED),
        Measure("Status", blank_if(NO_GOAL, f"IF({elsewhere},{other},{words})"), KEY,
                look={"shrink": True, **middle}),
        given("Deadline", "deadline", True, unit=DATE, look=middle),
        Measure("Days left",
                blank_if((NOTHING, '{Deadline}=""'), "INT({Deadline})-PeriodNext+1"), DAYS_LEFT,
                look=RULED),
        ticked("S", filled_in("goal"), filled_in("owner")),
        ticked("M", f"({KNOWN}>0)", '({Target}<>"")'),
        ticked("A", '({Baseline}<>"")', filled_in("achievable")),
        ticked("R", filled_in("relevant")),
        ticked("T", '({Deadline}<>"")'),
        Measure("What is missing", blank_if(NO_GOAL, goal_advice(book)), KEY,
                look={"font_color": MUTED, "text_wrap": True, "font_size": 9, **text}),
        Measure("Unit", of_kpi(f"INDEX(KpiUnits,{place})"), KEY, look=SHADED),
        Measure("Raw status", of_kpi(raw, elsewhere), KEY, look=SHADED),
    )  # fmt: skip


SHADED = {"font_color": MUTED, "align": "start"}


# Parts of sheets


def columns(page: Page, row: int, records: Sequence[tuple[str, float, str]]) -> None:
    """The header of a table whose columns differ in width and side."""
    for column, (header, width, side) in enumerate(records):
        widen(page, column, width, page.book.say(header).split())
        style = page.styles.header(align=side, text_wrap=True, valign="bottom")
        page.write(row, column, header, style)
    deep = max(lines(page.book.say(header), int(width)) for header, width, _ in records)
    page.sheet.set_row(row, 16 * max(deep, 2))


def change_style(page: Page, kpi: Kpi, **properties: Any) -> Format:
    """How a change looks: rates and scores change by points, all others by a percentage."""
    points = literal(" " + page.book.say("pts"))
    digits = "0.00" if kpi.unit is RATE else "0.0"
    in_points = ";".join(f'"{sign} "{digits}{points}' for sign in "▲▼►")
    return page.styles.of(in_points if kpi.unit in (RATE, SCORE) else RISE, **properties)


def show_state(page: Page, row: int, column: int, raw: str, **properties: Any) -> None:
    """A status: a sign, a word and a colour."""
    words = judgement(page.book, raw, STATES)
    page.put(row, column, f"={words}", page.styles.label(shrink=True, **properties))
    colour_states(page, row, column, row, column)


def colour_states(page: Page, *place: int) -> None:
    """The colours of the statuses in a block."""
    for word, (ink, ground) in LOOKS.items():
        look = page.book.file.add_format({"bold": True, "font_color": ink, "bg_color": ground})
        rule = {"type": "cell", "criteria": "==", "value": page.book.phrase(STATES[word])}
        page.sheet.conditional_format(*place, {**rule, "format": look})


def course(page: Page, row: int, column: int, kpi: Kpi) -> None:
    """A KPI's past in a cell, from 0 on where it has never been below."""
    past, source = history_row(kpi), page.book.pages["Periods"]

    def drawn() -> None:
        known = [source.value(past, place) for place in range(VALUES, NEWEST + 1)]
        below = any(isinstance(value, float | int) and value < 0 for value in known)
        cells = source.at(past, VALUES, past, NEWEST)
        sparkline(page, row, column, cells, **({} if below else {"min": 0}))

    page.book.later(drawn)


def way(book: Book) -> dict[str, Any]:
    """Bars behind the progress, up to the target."""
    look = {"type": "data_bar", "bar_color": BAR, "bar_solid": True, "min_type": "num"}
    if book.right_to_left:
        look["bar_direction"] = "right"
    return {**look, "min_value": 0, "max_type": "num", "max_value": 1}


def states(book: Book, family: Sequence[Kpi]) -> str:
    """The statuses of the KPIs of a family on the sheet Model."""
    first = TABLE + 1 + KPIS.index(family[0])
    return book.at("Model", first, STATE, first + len(family) - 1, STATE)


def natives(book: Book) -> dict[str, str]:
    """KPIs of the period from the table, by native formulas."""

    def total(column: str) -> str:
        inside = 'Months[month],">="&PeriodFirst,Months[month],"<"&PeriodNext'
        return f"SUMIFS(Months[{column}],{inside})"

    answers = "+".join(total(name) for name in ("promoters", "passives", "detractors"))
    promoters, detractors = (
        f"({total(name)}+0.75)/({answers}+3)" for name in ("promoters", "detractors")
    )
    variance = f"({promoters}+{detractors}-({promoters}-{detractors})^2)/({answers}+3)"
    expansion, contraction, churned = (
        total(f"mrr_{name}") for name in ("expansion", "contraction", "churned")
    )
    model = quoted(book.pages["Model"].name)
    customers, mrr = (f"{model}!{counted(name, CURRENT)}" for name in ("customers", "mrr_start"))
    margin = f"{total('revenue')}/{customers}/MonthsNow*GrossMargin"
    return {
        "CAC": f"{total('spend')}/{total('new_customers')}",
        "CLV": f"-PV(DiscountRate,Lifetime,{margin})",
        "ROI": f"{total('marketing_revenue')}*GrossMargin/{total('spend')}-1",
        "ROAS": f"{total('ad_revenue')}/{total('ad_spend')}",
        "MQL": total("mqls"),
        "CONVERSION_RATE": f"{total('conversions')}/{total('visitors')}",
        "SOCIAL_ENGAGEMENTS": f"{total('likes')}+{total('shares')}+{total('comments')}",
        "NPS": f"100*({total('promoters')}-{total('detractors')})/({answers})",
        "EVENT_ATTENDANCE": total("attended"),
        "AD_FREQUENCY": f"{total('impressions')}/{total('reach')}",
        "BRAND_AWARENESS": f"{total('aware')}/{total('asked')}",
        "MARKET_SHARE": f"{total('revenue')}/{total('market_sales')}",
        "SALES_CYCLE": f"{total('won_days')}/{total('won')}",
        "REPEAT_PURCHASE_RATE": f"{total('repeat_buyers')}/{total('buyers')}",
        "NRR": f"1+({expansion}-{contraction}-{churned})/{mrr}",
        "NPS_ERROR": f"100*_xlfn.NORM.S.INV(0.975)*SQRT({variance})",
        "CSAT": f"{total('csat_satisfied')}/{total('csat_answers')}",
        "CES": f"{total('ces_points')}/{total('ces_answers')}",
    }


def agreements(book: Book) -> list[Agreement]:
    """KPIs of the period, and the same from the table by native formulas."""
    native_of = natives(book)
    cac = {column: model_cell(book, FIFTEEN[0], column) for column in range(UNIT)}
    compared = [
        (kpi.label, model_cell(book, kpi, ACTUAL), native_of[kpi.code], kpi.unit)
        for kpi in KPIS
        if kpi.code in native_of
    ]
    compared += [
        ("Change of the CAC", cac[CHANGE], f"{cac[ACTUAL]}/{cac[BEFORE]}-1", RATE),
        ("Progress of the CAC", cac[PROGRESS],
         f"({cac[BASELINE]}-{cac[ACTUAL]})/({cac[BASELINE]}-{cac[TARGET]})", RATE),
    ]  # fmt: skip
    return [
        Agreement(label, f"={cell}", blank_if(f'{cell}=""', native), unit)
        for label, cell, native, unit in compared
    ]  # fmt: skip


def of_definitions() -> Iterator[Problem]:
    """Whether a company's own KPIs are defined here as where the workbook was made."""
    # The source in the definition ends with the fingerprint.
    same = "+".join(
        f'ISNUMBER(FIND("[{FINGERPRINTS[kpi.code]}]",KPI_DEFINE("{kpi.code}")))*1'
        for kpi in COMPANY
    )
    if same:
        yield Problem("KPIs of your own, defined otherwise here", f"={len(COMPANY)}-({same})", "",
                      "Take the definitions of the machine that made the workbook, or make it"
                      " anew: until then these KPIs are others.")  # fmt: skip


def problems(book: Book) -> list[Problem]:
    """What can be wrong with the months and the goals."""
    header = "ROW(Months[[#Headers],[month]])"
    numbers = f"Months[[{COUNTS[0].name}]:[{COUNTS[-1].name}]]"
    anything = "+".join(f'(Months[{name}]<>"")' for name in ("spend", "visitors", "leads", "sent"))
    model = book.pages["Model"]
    rows = by_month(model, ROW)
    twice = by_month(model, TWICE)
    texts = f"COUNTA({numbers})-COUNT({numbers})"
    larger = "+".join(f'(Months[{part}]>Months[{whole}])*(Months[{whole}]<>"")'
                      for part, whole in PARTS)  # fmt: skip
    # Text is more than any number: first it has to be put right.
    rows_larger, first_larger = where(MONTHS, f"(({larger})>0)*1")
    larger = f"=IF({texts}>0,0,{rows_larger.removeprefix('=')})"
    jumps = model.at(JUMP, OLDEST, JUMP, CURRENT)
    jump = f'_xlfn.MINIFS({model.at(FIRST, OLDEST, FIRST, CURRENT)},{jumps},">0")'
    jump_row = f'MATCH(_xlfn.MINIFS(Months[month],Months[month],">="&{jump}),Months[month],0)'

    missing = by_month(model, MISSING)
    gap = f'_xlfn.MINIFS({by_month(model, MONTH)},{missing},">0")'
    earlier = f'Months[month],">={FIGURED_FROM}",Months[month],"<"&{gap}'
    before = f"_xlfn.MAXIFS(Months[month],{earlier})"
    return [
        Problem("Rows without a month", *where(MONTHS, f'(Months[month]="")*(({anything})>0)'),
                "Say which month it is: until then the row counts nowhere."),
        Problem("Rows too many of a month", f"=SUM({twice})",
                f'={header}+_xlfn.MINIFS({rows},{twice},">0")',
                "Delete the others: until then these months are blank."),
        Problem("Missing months, after this row", f"=SUM({missing})",
                f"={header}+MATCH({before},Months[month],0)",
                "Add them: until then they are blank, and so are their quarters."),
        Problem("Parts that are more than their whole", larger, first_larger,
                "Look at visits, carts, mentions, e-mails, revenue, pipeline, customers."),
        Problem("Customers at the start differ from the end before", f"=SUM({jumps})",
                f"={header}+{jump_row}",
                "Correct one of the two: retention and churn depend on them."),
        *of_definitions(),
        *goal_problems(book),
    ]  # fmt: skip


def goal_problems(book: Book) -> Iterator[Problem]:
    """What can be wrong with the goals."""
    for label, sentence, advice in zip(
        ("Goals for a KPI that there is not", "Goals without a target",
         "Goals for the same KPI and period"), WRONG_GOALS,
        ("Choose its code from the list in the cell.", "Type the target as a number.",
         "Only the first counts: delete the others, or say M and Q."), strict=True,
    ):  # fmt: skip
        phrase = book.phrase(sentence)
        count = f"COUNTIF(GoalProblems,{phrase})"
        first = f"={HEADER + 1}+MATCH({phrase},GoalProblems,0)"
        yield Problem(label, f"={count}", first, advice)


ABOUT = Sentence(
    "Made-up figures of a company that does not exist: thirty months of software subscriptions,"
    " with seasons, chance, and some mistakes, as real exports have, which {Checks} finds."
)


def sample() -> Sample:
    """Thirty months of a company that does not exist, and its goals."""
    return Sample({"Months": sample_table("months"), "Goals": sample_table("goals")}, ABOUT)


TEMPLATE = Template(
    SCHEMA,
    sheets=(
        Sheet("Dashboard", "The fifteen KPIs at a glance, and the settings: month or quarter."),
        Sheet("Scorecard", "The fifteen: what they are, before and now, goal, progress, trend."),
        Sheet("More KPIs", "The same for the other KPIs, by family."),
        Sheet("Periods", "Every KPI in the last thirteen periods."),
        Sheet("Forecast", "What the next months will bring, with low and high."),
        Sheet("SMART check", "Each goal: whether it is SMART, and how far it is."),
        Sheet("Months", "The data: a row of counts a month."),
        Sheet("Goals", "The goals: a row each."),
        Sheet("Checks", "What is wrong with the data; figures computed twice."),
        Sheet("Model", "The counts by month and by period, and a row a KPI."),
    ),
    steps=(
        "Paste your counts into the table on the sheet {Months}: a row a month. No column but the"
        " month must be there; the more there are, the more KPIs show.",
        "Set your goals on the sheet {Goals}, and see on {SMART check} what they lack.",
        "Choose the month, and months or quarters, in the yellow cells of {Dashboard}.",
        "See on the sheet {Checks} whether the data have gaps.",
    ),
    notes=(
        (
            "Quarters",
            "A quarter adds its months' counts up and divides then: its CAC is not the mean of"
            " three. A count that a month of it lacks makes its KPIs blank. Visitors of two months"
            " count twice.",
        ),
        (
            "Blank KPIs",
            "A KPI is blank where a count that it needs is missing, or where there was nothing to"
            " divide by: a month without leads has no cost per lead.",
        ),
        (
            "Status",
            "✓ on track: the target is reached. ▲ at risk: it is missed by no more than the"
            " tolerance, as a share of the target. ✗ off track: by more.",
        ),
        (
            "Trend",
            "The straight line through the thirteen periods: its rise or fall a period, as a share"
            " of their mean. It needs three values.",
        ),
        (
            "Unusual",
            "A value far from the middle of the thirteen periods, measured by their usual distance"
            " from it. It is a reason to look, not a verdict; seasons can look unusual, too.",
        ),
    ),
    write=write,
    sample=sample,
)
